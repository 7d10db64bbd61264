//! PPTX (ECMA-376, PresentationML): order, hidden marks, titles, notes, size and what cannot be shown.
//!
//! Parts are found by following relationships from the package root, never by their file names, which writers are free to choose.

use super::deck::{Deck, DeckSlide};
use super::error::LessonError;
use super::hash::{Canon, ContentHash};
use super::limits::check_count;
use super::package::Package;
use super::short_title;
use super::xml::{Element, Node};
use engine::cue::{Easing, Motion, Side, Transition};
use engine::time::Span;
use std::collections::{BTreeMap, BTreeSet};

/// A reference from one part to another.
struct Relationship {
    id: String,
    /// Last segment of its type, which is the same in the transitional and the strict form of the standard.
    kind: String,
    /// A part's name, or a URL when external.
    target: String,
    external: bool,
}

/// Reads the deck.
pub(super) fn read(package: &mut Package) -> Result<Deck, LessonError> {
    let root = relationships(package, "")?;
    let main =
        target(&root, "officeDocument").ok_or_else(|| LessonError::damaged(package.path(), "it names no main document"))?.to_string();
    let presentation = package.required_xml(&main)?;
    let links = relationships(package, &main)?;
    let size = presentation
        .child("sldSz")
        .and_then(|size| Some((size.attr("cx")?.parse().ok()?, size.attr("cy")?.parse().ok()?)))
        .filter(|(width, height)| *width > 0 && *height > 0)
        .ok_or_else(|| LessonError::damaged(package.path(), "it gives no slide size"))?;
    let look = Canon::new("pptx look")
        .option(target(&links, "tableStyles").and_then(|part| package.hash(part)), Canon::hash)
        .option(presentation.child("defaultTextStyle"), |canon, style| style.digest(canon, ""))
        .number(i64::from(size.0))
        .number(i64::from(size.1))
        .finish();
    let mut languages = Languages::default();
    let mut slides = Vec::new();
    let list: Vec<&Element> =
        presentation.child("sldIdLst").into_iter().flat_map(Element::elements).filter(|entry| entry.name == "sldId").collect();
    check_count(package.path(), list.len())?;
    for entry in list {
        let part =
            entry.attr_in("/relationships", "id").and_then(|id| links.iter().find(|link| link.id == id)).map(|link| link.target.clone());
        let number = slides.len() + 1;
        let part = part.ok_or_else(|| LessonError::Slide {
            path: package.path().into(),
            slide: number,
            cause: "the deck lists it but does not say where it is; save the deck again".into(),
        })?;
        let id = entry.attr("id").map_or_else(|| number.to_string(), str::to_string);
        slides.push(slide(package, &part, id, look, &mut languages).map_err(|error| error.at_slide(number))?);
    }
    Ok(Deck { title: title(package, &root)?, language: languages.most_common(), size, slides, fonts: theme_fonts(package, &links)? })
}

fn slide(package: &mut Package, part: &str, id: String, look: ContentHash, languages: &mut Languages) -> Result<DeckSlide, LessonError> {
    let root = package.required_xml(part)?;
    let links = relationships(package, part)?;
    let notes = match target(&links, "notesSlide") {
        Some(part) => package.required_xml(part)?,
        None => Element::default(),
    };
    let notes_body: Vec<&Element> = placeholders(&notes, &["body"]).collect();
    let notes_text = notes_body.iter().map(|shape| paragraphs(shape)).filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n");
    if !notes_text.is_empty() {
        notes_body.iter().for_each(|shape| languages.count(shape));
    }
    let title = placeholders(&root, &["title", "ctrTitle"]).map(paragraphs).find(|text| !text.is_empty());
    let title = title.or_else(|| Some(paragraphs(&root)).filter(|text| !text.is_empty()));
    let (transition, unknown) = transition(&root);
    let mut warnings = hindrances(package, &root, &links)?;
    warnings.extend(unknown);
    let fonts = root
        .all()
        .filter(|element| element.name == "latin")
        .filter_map(|element| element.attr("typeface"))
        .filter(|font| !font.starts_with('+'))
        .map(str::to_string);
    Ok(DeckSlide {
        id,
        title: title.map(|text| short_title(&text)),
        notes: notes_text,
        hidden: root.attr("show").is_some_and(|show| show == "0" || show == "false"),
        picture: picture(package, part, look)?,
        transition,
        fonts: fonts.collect(),
        warnings,
    })
}

/// Shapes that stand in for a placeholder of one of these types.
fn placeholders<'a>(root: &'a Element, types: &'a [&str]) -> impl Iterator<Item = &'a Element> {
    root.all().filter(|shape| shape.name == "sp").filter(move |shape| {
        let placeholder = shape.elements().find(|child| child.name == "nvSpPr").and_then(|child| child.find("ph"));
        placeholder.and_then(|placeholder| placeholder.attr("type")).is_some_and(|kind| types.contains(&kind))
    })
}

/// The text of all paragraphs below, one a line, blank ones left out.
fn paragraphs(shape: &Element) -> String {
    let lines = shape.all().filter(|element| element.name == "p").map(|paragraph| {
        let mut line = String::new();
        for run in paragraph.all() {
            match run.name.as_str() {
                "br" => line.push('\n'),
                "t" => run.children.iter().for_each(|node| {
                    if let Node::Text(text) = node {
                        line.push_str(text)
                    }
                }),
                _ => {}
            }
        }
        line
    });
    let lines: Vec<String> = lines.flat_map(|line| line.split('\n').map(|line| line.trim().to_string()).collect::<Vec<_>>()).collect();
    lines.into_iter().filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

/// The hash of all parts that shape the slide's picture: itself, layout, master, theme, media, charts. Part names do not enter: a
/// writer numbers them anew when a slide is added.
fn picture(package: &mut Package, part: &str, look: ContentHash) -> Result<ContentHash, LessonError> {
    fn walk(package: &mut Package, part: &str, kind: &str, seen: &mut Vec<String>, mut canon: Canon) -> Result<Canon, LessonError> {
        if let Some(before) = seen.iter().position(|name| name == part) {
            return Ok(canon.number(before as i64));
        }
        seen.push(part.to_string());
        canon = canon.option(package.hash(part), Canon::hash);
        if kind == "image" {
            package.check_picture(part)?;
        }
        let mut links = relationships(package, part)?;
        links.sort_by(|a, b| a.id.cmp(&b.id));
        for link in links {
            // A master lists all its layouts; notes, comments and links to other slides are not in the picture.
            if matches!(link.kind.as_str(), "notesSlide" | "comments" | "slide") || (link.kind == "slideLayout" && kind == "slideMaster") {
                continue;
            }
            canon = canon.text(&link.id).text(&link.kind);
            canon = if link.external { canon.text(&link.target) } else { walk(package, &link.target, &link.kind, seen, canon)? };
        }
        Ok(canon)
    }
    let canon = walk(package, part, "slide", &mut Vec::new(), Canon::new("pptx slide").hash(look))?;
    Ok(canon.finish())
}

/// What the slide has and a still page cannot show.
fn hindrances(package: &mut Package, root: &Element, links: &[Relationship]) -> Result<Vec<String>, LessonError> {
    let mut warnings = Vec::new();
    let names: BTreeSet<&str> = root.all().map(|element| element.name.as_str()).collect();
    let has = |list: &[&str]| list.iter().any(|name| names.contains(name));
    let animated = root.child("timing").is_some_and(|timing| {
        timing.all().any(|element| {
            matches!(element.name.as_str(), "anim" | "animEffect" | "animMotion" | "animRot" | "animScale" | "animClr" | "set")
        })
    });
    if animated {
        warnings.push("its animations are not played: it is shown with everything on it; make a slide of each step that matters".into());
    }
    if has(&["videoFile", "quickTimeFile"]) {
        warnings.push("its video is shown as a still picture".into());
    }
    if has(&["audioFile", "wavAudioFile", "audioCd"]) {
        warnings.push("its sound is not played; only the notes are spoken".into());
    }
    for link in links {
        if link.external && link.kind == "image" {
            warnings.push(format!("its picture {:?} is linked, not stored in the deck, and may be missing; embed it", link.target));
        }
        if link.kind == "chart" && !link.external {
            let linked = relationships(package, &link.target)?.into_iter().find(|source| source.external);
            warnings.extend(
                linked.map(|source| format!("its chart takes its data from {:?}; the numbers stored in the deck are shown", source.target)),
            );
        }
    }
    Ok(warnings)
}

/// The slide's transition, or the one that comes nearest to it, and a warning where none does. `None` where the slide has none.
fn transition(root: &Element) -> (Option<Transition>, Option<String>) {
    let wrapped = root
        .elements()
        .filter(|child| child.name == "AlternateContent")
        .flat_map(Element::elements)
        .find_map(|choice| choice.child("transition"));
    let Some(transition) = root.child("transition").or(wrapped) else { return (None, None) };
    let Some(effect) = transition.elements().find(|child| !matches!(child.name.as_str(), "sndAc" | "extLst")) else {
        return (None, None);
    };
    // `dur` in milliseconds is PowerPoint 2010's; before that there were three speeds.
    let millis = transition.attrs("dur").find_map(|millis| millis.parse().ok()).unwrap_or(match transition.attr("spd") {
        Some("slow") => 1000,
        Some("med") => 750,
        _ => 500,
    });
    let duration = Span::from_millis(i64::clamp(millis, 100, 3000));
    // The direction is the way the new picture goes (ECMA-376-1, 19.7.21 ST_TransitionSideDirectionType): left when it is not said.
    let from = match effect.attr("dir").and_then(|way| way.chars().next()) {
        Some('r') => Side::Left,
        Some('u') => Side::Bottom,
        Some('d') => Side::Top,
        _ => Side::Right,
    };
    let motion = Motion { from, duration, easing: Easing::EaseInOut };
    match effect.name.as_str() {
        "cut" => (Some(Transition::Cut), None),
        "fade" | "dissolve" | "morph" => (Some(Transition::Fade(duration)), None),
        "push" | "pan" | "conveyor" => (Some(Transition::Push(motion)), None),
        "wipe" | "cover" | "pull" => (Some(Transition::Slide(motion)), None),
        other => (None, Some(format!("its transition {other:?} is not drawn; choose one of fade, push, wipe and cover"))),
    }
}

/// The deck's own title, unless it is the one that PowerPoint gives every deck.
fn title(package: &mut Package, root: &[Relationship]) -> Result<Option<String>, LessonError> {
    let Some(part) = target(root, "core-properties") else { return Ok(None) };
    let title = package.xml(part)?.and_then(|core| core.child("title").map(|title| short_title(&title.text())));
    Ok(title.filter(|title| !title.is_empty() && title != "PowerPoint Presentation"))
}

fn theme_fonts(package: &mut Package, links: &[Relationship]) -> Result<BTreeSet<String>, LessonError> {
    let Some(theme) = target(links, "theme") else { return Ok(BTreeSet::new()) };
    let theme = package.xml(theme)?.unwrap_or_default();
    let schemes = theme.all().filter(|element| matches!(element.name.as_str(), "majorFont" | "minorFont"));
    let fonts = schemes.filter_map(|scheme| scheme.child("latin")?.attr("typeface")).filter(|font| !font.is_empty());
    Ok(fonts.map(str::to_string).collect())
}

fn target<'a>(links: &'a [Relationship], kind: &str) -> Option<&'a str> {
    links.iter().find(|link| link.kind == kind && !link.external).map(|link| link.target.as_str())
}

/// The relationships of a part (`""`: of the package), in file order.
fn relationships(package: &mut Package, part: &str) -> Result<Vec<Relationship>, LessonError> {
    let (folder, file) = part.rsplit_once('/').unwrap_or(("", part));
    let name = if folder.is_empty() { format!("_rels/{file}.rels") } else { format!("{folder}/_rels/{file}.rels") };
    let Some(root) = package.xml(&name)? else { return Ok(Vec::new()) };
    let links = root.elements().filter(|link| link.name == "Relationship").filter_map(|link| {
        let external = link.attr("TargetMode") == Some("External");
        let target = link.attr("Target")?;
        Some(Relationship {
            id: link.attr("Id")?.to_string(),
            kind: link.attr("Type")?.rsplit('/').next()?.to_string(),
            target: if external { target.to_string() } else { resolve(folder, target) },
            external,
        })
    });
    Ok(links.collect())
}

/// A target relative to the folder of its source part, as a part name.
fn resolve(folder: &str, target: &str) -> String {
    let target = target.split('#').next().unwrap_or_default();
    let mut segments: Vec<&str> = if target.starts_with('/') { Vec::new() } else { folder.split('/').collect() };
    for segment in target.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(segments.pop()),
            _ => segments.push(segment),
        }
    }
    segments.retain(|segment| !segment.is_empty());
    segments.join("/")
}

/// Counts the proofing languages of text runs.
#[derive(Default)]
struct Languages(BTreeMap<String, usize>);

impl Languages {
    fn count(&mut self, shape: &Element) {
        for language in shape.all().filter(|element| element.name == "rPr").filter_map(|run| run.attr("lang")) {
            *self.0.entry(language.to_string()).or_default() += 1;
        }
    }

    /// Of equals the first in the alphabet.
    fn most_common(self) -> Option<String> {
        self.0.into_iter().rev().max_by_key(|(_, count)| *count).map(|(language, _)| language)
    }
}

#[cfg(test)]
mod tests {
    use super::super::xml::parse;
    use super::*;

    #[test]
    fn targets_are_resolved_against_their_source() {
        assert_eq!(resolve("ppt/slides", "../media/a.png"), "ppt/media/a.png");
        assert_eq!(resolve("ppt/slides", "/ppt/media/a.png"), "ppt/media/a.png");
        assert_eq!(resolve("", "ppt/presentation.xml"), "ppt/presentation.xml");
        assert_eq!(resolve("ppt", "../../../etc/passwd#x"), "etc/passwd");
    }

    #[test]
    fn text_keeps_lines_and_drops_blank_ones() {
        let shape = parse(
            b"<sp><txBody><p><r><t>One </t></r><r><t>line.</t></r></p><p/><p><r><t>Two</t></r><br/><fld><t>3</t></fld></p></txBody></sp>",
        )
        .unwrap();
        assert_eq!(paragraphs(&shape), "One line.\nTwo\n3");
    }

    #[test]
    fn transitions_are_read_in_both_forms() {
        let read = |text: &str| transition(&parse(text.as_bytes()).unwrap());
        let old = read("<sld><transition spd='slow'><fade/></transition></sld>");
        assert_eq!(old, (Some(Transition::Fade(Span::from_millis(1000))), None));
        let new = read(
            "<sld><AlternateContent><Choice><transition xmlns:p14='urn:p14' p14:dur='700'><fade/></transition></Choice></AlternateContent></sld>",
        );
        assert_eq!(new, (Some(Transition::Fade(Span::from_millis(700))), None));
        let moves = |from| Motion { from, duration: Span::from_millis(500), easing: Easing::EaseInOut };
        for (effect, expected) in [
            ("<push/>", Transition::Push(moves(Side::Right))),
            ("<push dir='u'/>", Transition::Push(moves(Side::Bottom))),
            ("<wipe dir='r'/>", Transition::Slide(moves(Side::Left))),
            ("<cover dir='ld'/>", Transition::Slide(moves(Side::Right))),
            ("<cut/>", Transition::Cut),
        ] {
            assert_eq!(read(&format!("<sld><transition>{effect}</transition></sld>")), (Some(expected), None), "{effect}");
        }
        let (none, warning) = read("<sld><transition><vortex/></transition></sld>");
        assert!(none.is_none() && warning.unwrap().contains("\"vortex\" is not drawn"));
        assert_eq!((read("<sld/>"), read("<sld><transition advTm='5'/></sld>")), ((None, None), (None, None)));
    }

    #[test]
    fn the_most_common_language_wins() {
        let mut languages = Languages::default();
        languages.count(&parse(b"<a><rPr lang='de-DE'/><rPr lang='en-US'/><rPr lang='en-US'/></a>").unwrap());
        assert_eq!(languages.most_common().as_deref(), Some("en-US"));
    }
}
