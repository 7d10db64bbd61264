//! ODP (OpenDocument 1.3, presentation): order, hidden marks, titles, notes, size and what cannot be shown.

use super::deck::{Deck, DeckSlide};
use super::error::LessonError;
use super::hash::{Canon, ContentHash};
use super::limits::check_count;
use super::package::Package;
use super::short_title;
use super::xml::{Element, Node};
use std::collections::BTreeSet;

/// Reads the deck.
pub(super) fn read(package: &mut Package) -> Result<Deck, LessonError> {
    if let Some(manifest) = package.xml("META-INF/manifest.xml")?
        && manifest.find("encryption-data").is_some()
    {
        return Err(LessonError::Encrypted { path: package.path().into() });
    }
    let content = package.required_xml("content.xml")?;
    let styles = package.required_xml("styles.xml")?;
    let show = content.child("body").and_then(|body| body.child("presentation"));
    let show = show.ok_or_else(|| LessonError::damaged(package.path(), "it holds no presentation"))?;
    let automatic = content.child("automatic-styles");
    let hidden: BTreeSet<&str> = automatic
        .into_iter()
        .flat_map(Element::elements)
        .filter(|style| style.all().any(|element| element.attrs("visibility").any(|value| value == "hidden")))
        .flat_map(|style| style.attrs("name"))
        .collect();
    let look = automatic.into_iter().fold(Canon::new("odp look"), |canon, style| style.digest(canon, ""));
    let look = referenced(package, &styles)?.into_iter().fold(styles.digest(look, ""), Canon::hash).finish();
    let pages: Vec<&Element> = show.elements().filter(|page| page.name == "page").collect();
    check_count(package.path(), pages.len())?;
    let size = pages.first().map_or(Some((4, 3)), |page| size(&styles, page));
    let size = size.ok_or_else(|| LessonError::damaged(package.path(), "it gives no slide size"))?;
    let mut slides = Vec::new();
    for (index, page) in pages.into_iter().enumerate() {
        slides.push(slide(package, page, index, &hidden, look).map_err(|error| error.at_slide(index + 1))?);
    }
    let meta = package.xml("meta.xml")?.unwrap_or_default();
    let text = |name: &str| meta.find(name).map(|element| short_title(&element.text())).filter(|text| !text.is_empty());
    let faces = content.child("font-face-decls").into_iter().flat_map(Element::elements);
    let fonts = faces.flat_map(|face| face.attrs("font-family").collect::<Vec<_>>()).map(|family| family.trim_matches('\'').to_string());
    Ok(Deck { title: text("title"), language: text("language"), size, slides, fonts: fonts.collect() })
}

fn slide(
    package: &mut Package,
    page: &Element,
    index: usize,
    hidden: &BTreeSet<&str>,
    look: ContentHash,
) -> Result<DeckSlide, LessonError> {
    let notes = page.child("notes");
    let framed = |parent: &Element, class: &str| {
        let frames = parent.elements().filter(|frame| frame.attrs("class").any(|value| value == class));
        frames.map(|frame| lines(frame, "")).find(|text| !text.is_empty())
    };
    let title = framed(page, "title").or_else(|| Some(lines(page, "notes")).filter(|text| !text.is_empty()));
    let picture = page.digest(Canon::new("odp slide").hash(look), "notes");
    let picture = referenced(package, page)?.into_iter().fold(picture, Canon::hash);
    Ok(DeckSlide {
        id: page.attrs("id").next().or(page.attrs("name").next()).map_or_else(|| format!("page{}", index + 1), str::to_string),
        title: title.map(|text| short_title(&text)),
        notes: notes.and_then(|notes| framed(notes, "notes")).unwrap_or_default(),
        hidden: page.attrs("style-name").any(|style| hidden.contains(style)),
        picture: picture.finish(),
        // The effect of a page is a style that names one of dozens; none is drawn.
        transition: None,
        warnings: hindrances(page),
        fonts: BTreeSet::new(),
    })
}

/// The text of all paragraphs below, one a line, blank ones left out; elements named `skip` are left out.
fn lines(element: &Element, skip: &str) -> String {
    fn gather(element: &Element, skip: &str, text: &mut String) {
        match element.name.as_str() {
            "line-break" => text.push('\n'),
            "tab" => text.push(' '),
            "s" => text.push(' '),
            _ => {}
        }
        for node in &element.children {
            match node {
                Node::Text(part) => text.push_str(part),
                Node::Element(child) if child.name == skip => {}
                Node::Element(child) => gather(child, skip, text),
            }
        }
        if matches!(element.name.as_str(), "p" | "h") {
            text.push('\n');
        }
    }
    let mut text = String::new();
    gather(element, skip, &mut text);
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

/// The hashes of the package parts (pictures, charts) that elements below refer to; pictures over the limit are refused.
fn referenced(package: &mut Package, element: &Element) -> Result<Vec<ContentHash>, LessonError> {
    let links = element.all().flat_map(|element| element.attrs("href")).map(|link| link.trim_start_matches("./"));
    let links: BTreeSet<&str> = links.filter(|link| !link.is_empty() && !link.contains(':')).collect();
    let parts = package
        .names()
        .filter(|name| links.iter().any(|link| name.strip_prefix(link).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))));
    let parts: Vec<String> = parts.map(str::to_string).collect();
    for part in &parts {
        package.check_picture(part)?;
    }
    Ok(parts.iter().filter_map(|name| package.hash(name)).collect())
}

/// What the slide has and a still page cannot show.
fn hindrances(page: &Element) -> Vec<String> {
    let mut warnings = Vec::new();
    let main = page.all().find(|element| element.attrs("node-type").any(|kind| kind == "main-sequence"));
    if main.is_some_and(|main| main.elements().next().is_some()) {
        warnings.push("its animations are not played: it is shown with everything on it; make a slide of each step that matters".into());
    }
    if page.find("plugin").is_some() {
        warnings.push("its video or sound is not played".into());
    }
    for image in page.all().filter(|element| element.name == "image") {
        if let Some(link) = image.attrs("href").find(|link| link.contains(':') || link.starts_with("../")) {
            warnings.push(format!("its picture {link:?} is linked, not stored in the deck, and may be missing; embed it"));
        }
    }
    warnings
}

/// Width and height of a page in 1/100 mm, by way of its master page.
fn size(styles: &Element, page: &Element) -> Option<(u32, u32)> {
    let master = page.attrs("master-page-name").next()?;
    let named = |kind: &'static str, name: &str| {
        styles.all().find(|element| element.name == kind && element.attrs("name").any(|value| value == name))
    };
    let layout = named("master-page", master)?.attrs("page-layout-name").next()?;
    let properties = named("page-layout", layout)?.child("page-layout-properties")?;
    Some((length(properties.attrs("page-width").next()?)?, length(properties.attrs("page-height").next()?)?))
}

/// A length such as `25.4cm` in 1/100 mm, rounded; `None` when it is no positive length.
fn length(text: &str) -> Option<u32> {
    let unit = text.find(|c: char| c.is_ascii_alphabetic())?;
    let hundredths = match &text[unit..] {
        "cm" => 1000.0,
        "mm" => 100.0,
        "in" => 2540.0,
        "pt" => 2540.0 / 72.0,
        _ => return None,
    };
    let value = (text[..unit].parse::<f64>().ok()? * hundredths).round();
    (1.0..1e7).contains(&value).then_some(value as u32)
}

#[cfg(test)]
mod tests {
    use super::super::xml::parse;
    use super::*;

    #[test]
    fn lengths_come_in_several_units() {
        assert_eq!(length("25.4cm"), Some(25_400));
        assert_eq!(length("10in"), Some(25_400));
        assert_eq!(length("720pt"), Some(25_400));
        assert_eq!(length("-1cm"), None);
        assert_eq!(length("wide"), None);
    }

    #[test]
    fn text_keeps_lines_and_leaves_notes_out() {
        let page = parse(b"<page><frame><p>One<s/>line<line-break/>broken</p><list><item><p>Item</p></item></list></frame><notes><p>Note</p></notes></page>").unwrap();
        assert_eq!(lines(&page, "notes"), "One line\nbroken\nItem");
    }
}
