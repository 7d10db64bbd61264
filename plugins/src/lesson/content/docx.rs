//! Word documents (ECMA-376, WordprocessingML): headings, paragraphs, lists, tables and pictures.

use super::super::ImportOptions;
use super::super::error::LessonError;
use super::super::package::Package;
use super::super::xml::Element;
use super::document::{Block, Document};
use super::markdown::one_line;
use super::picture::Picture;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Blocks of one document; a book has some thousands.
const MAX_BLOCKS: usize = 20_000;

/// What a paragraph style is for.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Title,
    Heading(u8),
    Item,
    Quote,
    Code,
    /// A table of contents.
    Skip,
    Plain,
}

/// Reads the document in `bytes`, which came from `path`. Its pictures are put into the cache.
pub(super) fn read(path: &Path, bytes: &[u8], options: &ImportOptions) -> Result<Document, LessonError> {
    let mut package = Package::open(path, bytes)?;
    let main = main_part(&mut package)?;
    let root = package.required_xml(&main)?;
    let body = root.child("body").ok_or_else(|| LessonError::damaged(path, format!("part {main:?} holds no text")))?;
    let folder = main.rsplit_once('/').map_or("", |(folder, _)| folder);
    let styles = package.xml(&format!("{folder}/styles.xml"))?.unwrap_or_default();
    let core = package.xml("docProps/core.xml")?.unwrap_or_default();
    let text = |name: &str| core.child(name).map(|element| one_line(&element.text())).filter(|text| !text.is_empty());
    let name = main.rsplit('/').next().unwrap_or_default();
    let links = package.xml(&format!("{folder}/_rels/{name}.rels"))?.unwrap_or_default();
    let links = links.elements().filter_map(|link| {
        let target = link.attr("Target")?;
        let target = target.strip_prefix('/').map_or_else(|| joined(folder, target), str::to_string);
        Some((link.attr("Id")?.to_string(), if link.attr("TargetMode") == Some("External") { None } else { Some(target) }))
    });
    let mut reader = Reader {
        package: &mut package,
        options,
        styles: kinds(&styles),
        links: links.collect(),
        document: Document { title: text("title"), language: text("language").or_else(|| language(&styles)), ..Document::default() },
        outlined: false,
        bold: Vec::new(),
    };
    reader.blocks(body)?;
    let (bold, outlined) = (std::mem::take(&mut reader.bold), reader.outlined);
    let mut document = reader.document;
    // Without styles for headings, people write them bold.
    if !outlined {
        for index in bold {
            if let Block::Prose(text) = &document.blocks[index] {
                document.blocks[index] = Block::Heading(2, text.clone());
            }
        }
    }
    Ok(document)
}

/// The part that the package's own relations call its document.
fn main_part(package: &mut Package) -> Result<String, LessonError> {
    let links = package.xml("_rels/.rels")?.unwrap_or_default();
    let main = links.elements().find(|link| link.attr("Type").is_some_and(|kind| kind.ends_with("/officeDocument")));
    Ok(main.and_then(|link| link.attr("Target")).map_or("word/document.xml", |target| target.trim_start_matches('/')).to_string())
}

/// A relative target of a part in `folder`.
fn joined(folder: &str, target: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in target.split('/') {
        match part {
            ".." => drop(parts.pop()),
            "." | "" => {}
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// The language that the document's text has unless it says otherwise.
fn language(styles: &Element) -> Option<String> {
    let defaults = styles.child("docDefaults")?;
    defaults.find("lang")?.attrs("val").next().map(str::to_string)
}

/// What each paragraph style is for, by its id: from its own name and outline level, or those of the style that it is based on.
fn kinds(styles: &Element) -> BTreeMap<String, Kind> {
    let named: BTreeMap<&str, &Element> =
        styles.elements().filter(|style| style.name == "style").filter_map(|style| Some((style.attrs("styleId").next()?, style))).collect();
    let value = |style: &Element, name: &str| style.child(name).and_then(|child| child.attrs("val").next()).map(str::to_string);
    let own = |style: &Element| {
        let name = value(style, "name").unwrap_or_default().to_lowercase();
        let level = style.child("pPr").and_then(|properties| value(properties, "outlineLvl")).and_then(|level| level.parse::<u8>().ok());
        match name.as_str() {
            "title" => Some(Kind::Title),
            "subtitle" => Some(Kind::Plain),
            _ if name.starts_with("toc ") || name == "toc heading" => Some(Kind::Skip),
            _ if name.starts_with("heading ") => Some(Kind::Heading(name[8..].trim().parse().unwrap_or(1))),
            _ if name.starts_with("list ") && name != "list paragraph" => Some(Kind::Item),
            _ if name.contains("quote") => Some(Kind::Quote),
            _ if name.contains("code") || name.contains("preformatted") || name == "macro text" => Some(Kind::Code),
            _ => level.filter(|level| *level < 9).map(|level| Kind::Heading(level + 1)),
        }
    };
    let kind = |id: &&str| {
        let mut id = id.to_string();
        let mut seen = BTreeSet::new();
        while seen.insert(id.clone()) {
            let Some(style) = named.get(id.as_str()) else { break };
            if let Some(kind) = own(style) {
                return kind;
            }
            let Some(base) = value(style, "basedOn") else { break };
            id = base;
        }
        Kind::Plain
    };
    named.keys().map(|id| (id.to_string(), kind(id))).collect()
}

struct Reader<'a, 'b> {
    package: &'a mut Package<'b>,
    options: &'a ImportOptions,
    styles: BTreeMap<String, Kind>,
    /// Targets by relation id; `None` = outside of the package.
    links: BTreeMap<String, Option<String>>,
    document: Document,
    /// Some paragraph has the style of a heading.
    outlined: bool,
    /// Blocks that are bold as a whole and short.
    bold: Vec<usize>,
}

impl Reader<'_, '_> {
    fn blocks(&mut self, parent: &Element) -> Result<(), LessonError> {
        for element in parent.elements() {
            if self.document.blocks.len() > MAX_BLOCKS {
                return Err(LessonError::Limit {
                    path: self.package.path().into(),
                    what: format!("it has more than {MAX_BLOCKS} paragraphs"),
                    limit: format!("{MAX_BLOCKS} paragraphs: split the document"),
                });
            }
            match element.name.as_str() {
                "p" => self.paragraph(element)?,
                "tbl" => self.table(element)?,
                "sdt" if !is_contents(element) => {
                    if let Some(content) = element.child("sdtContent") {
                        self.blocks(content)?;
                    }
                }
                "customXml" | "ins" | "smartTag" | "moveTo" => self.blocks(element)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn paragraph(&mut self, paragraph: &Element) -> Result<(), LessonError> {
        let properties = paragraph.child("pPr");
        let value = |name: &str| properties.and_then(|properties| properties.child(name)).and_then(|child| child.attrs("val").next());
        let style = value("pStyle").and_then(|style| self.styles.get(style)).copied().unwrap_or(Kind::Plain);
        let numbered = properties.and_then(|properties| properties.child("numPr")).is_some_and(|number| {
            // Number 0 takes a paragraph out of the list that its style puts it in.
            number.child("numId").and_then(|id| id.attrs("val").next()) != Some("0")
        });
        let level = value("outlineLvl").and_then(|level| level.parse::<u8>().ok()).filter(|level| *level < 9);
        let kind = match (style, level) {
            (Kind::Plain, Some(level)) => Kind::Heading(level + 1),
            (Kind::Plain, None) if numbered => Kind::Item,
            (style, _) => style,
        };
        if kind == Kind::Skip {
            return Ok(());
        }
        let mut text = String::new();
        let mut bold = true;
        said(paragraph, &mut text, &mut bold);
        let lines = text.trim_matches('\n').to_string();
        let text = one_line(&text);
        if !text.is_empty() {
            self.add(kind, text, &lines, bold);
        }
        self.drawings(paragraph)
    }

    fn add(&mut self, kind: Kind, text: String, lines: &str, bold: bool) {
        let blocks = &mut self.document.blocks;
        match (kind, blocks.last_mut()) {
            // The properties of a file are often those of the one it was copied from.
            (Kind::Title, None) => self.document.title = Some(text),
            (Kind::Title, _) => blocks.push(Block::Heading(1, text)),
            (Kind::Heading(level), _) => {
                self.outlined = true;
                blocks.push(Block::Heading(level.max(1), text));
            }
            (Kind::Item, Some(Block::List(items))) => items.push(text),
            (Kind::Item, _) => blocks.push(Block::List(vec![text])),
            (Kind::Quote, Some(Block::Quote(quote))) => {
                quote.push(' ');
                quote.push_str(&text);
            }
            (Kind::Quote, _) => blocks.push(Block::Quote(text)),
            (Kind::Code, Some(Block::Code(code))) => {
                code.push('\n');
                code.push_str(lines);
            }
            (Kind::Code, _) => blocks.push(Block::Code(lines.to_string())),
            (Kind::Plain | Kind::Skip, _) => {
                if bold && crate::writer::columns(&text) <= 80 && !text.ends_with(['.', '!', '?', ',', ';']) {
                    self.bold.push(blocks.len());
                }
                blocks.push(Block::Prose(text));
            }
        }
    }

    fn table(&mut self, table: &Element) -> Result<(), LessonError> {
        let mut rows: Vec<Vec<String>> = Vec::new();
        for row in table.all().filter(|element| element.name == "tr") {
            let cell = |cell: &Element| {
                let mut text = String::new();
                cell.all().filter(|element| element.name == "p").for_each(|paragraph| {
                    said(paragraph, &mut text, &mut true);
                    text.push(' ');
                });
                one_line(&text)
            };
            let cells: Vec<String> = row.elements().filter(|element| element.name == "tc").map(cell).collect();
            if cells.iter().any(|cell| !cell.is_empty()) {
                rows.push(cells);
            }
        }
        match rows.iter().map(Vec::len).max() {
            None => {}
            // A table of one column or one cell only gives text its place.
            Some(1) => rows.into_iter().flatten().for_each(|text| self.document.blocks.push(Block::Prose(text))),
            Some(_) => self.document.blocks.push(Block::Table(rows)),
        }
        for drawing in table.elements() {
            self.drawings(drawing)?;
        }
        Ok(())
    }

    /// The pictures and text boxes below.
    fn drawings(&mut self, element: &Element) -> Result<(), LessonError> {
        for drawing in element.all().filter(|element| matches!(element.name.as_str(), "drawing" | "pict")) {
            let described = drawing.find("docPr").and_then(|properties| properties.attr("descr").or(properties.attr("title")));
            let text = one_line(described.unwrap_or_default());
            for picture in drawing.all() {
                match picture.name.as_str() {
                    "blip" | "imagedata" => {
                        let id = picture
                            .attr_in("/relationships", "embed")
                            .or(picture.attr_in("/relationships", "id"))
                            .or(picture.attr_in("/relationships", "link"));
                        match id.and_then(|id| self.links.get(id)).cloned() {
                            Some(Some(part)) => self.picture(&part, &text)?,
                            Some(None) => {
                                self.document.warnings.push("a picture in it is linked, not stored, and is not shown; embed it".into())
                            }
                            None => self.document.warnings.push("a picture in it is missing from the file".into()),
                        }
                    }
                    "chart" | "relIds" => {
                        self.document.warnings.push("a chart or diagram in it is not shown; paste it as a picture".into())
                    }
                    "txbxContent" => self.blocks(picture)?,
                    _ => {}
                }
            }
        }
        Ok(())
    }

    fn picture(&mut self, part: &str, text: &str) -> Result<(), LessonError> {
        self.package.check_picture(part)?;
        let Some(bytes) = self.package.read(part)? else {
            self.document.warnings.push(format!("its picture {part:?} is missing from the file"));
            return Ok(());
        };
        let Ok(format) = image::guess_format(&bytes) else {
            self.document.warnings.push(format!("its picture {part:?} is of a kind that is not shown; save it as PNG"));
            return Ok(());
        };
        let ending = format.extensions_str().first().copied().unwrap_or("bin");
        match Picture::keep(&bytes, ending, text.into(), self.options) {
            Ok(picture) => self.document.blocks.push(Block::Picture(picture)),
            Err(error) => self.document.warnings.push(format!("its picture {part:?} is not shown: {error}")),
        }
        Ok(())
    }
}

/// A table of contents.
fn is_contents(element: &Element) -> bool {
    element.child("sdtPr").is_some_and(|properties| {
        properties
            .all()
            .any(|element| element.name == "docPartGallery" && element.attrs("val").any(|value| value.contains("Table of Contents")))
    })
}

/// The text of a paragraph: without what was deleted, hidden, or stands in a box of its own.
fn said(element: &Element, text: &mut String, bold: &mut bool) {
    for child in element.elements() {
        match child.name.as_str() {
            "r" => {
                let properties = child.child("rPr");
                let on = |name: &str| {
                    let property = properties.and_then(|properties| properties.child(name));
                    property.is_some_and(|property| !property.attrs("val").any(|value| matches!(value, "0" | "false" | "off" | "none")))
                };
                if on("vanish") || on("webHidden") {
                    continue;
                }
                let before = text.trim().len();
                run(child, text);
                if text.trim().len() > before && !on("b") {
                    *bold = false;
                }
            }
            "hyperlink" | "ins" | "smartTag" | "sdt" | "sdtContent" | "moveTo" | "fldSimple" | "customXml" | "bdo" | "dir" => {
                said(child, text, bold)
            }
            // Formulas: their letters, read in order.
            "oMath" | "oMathPara" => {
                text.push_str(&child.all().filter(|element| element.name == "t").map(Element::text).collect::<String>());
                *bold = false;
            }
            _ => {}
        }
    }
}

fn run(run: &Element, text: &mut String) {
    for piece in run.elements() {
        match piece.name.as_str() {
            "t" => text.push_str(&piece.text()),
            "tab" => text.push('\t'),
            "br" | "cr" => text.push('\n'),
            "noBreakHyphen" => text.push('-'),
            _ => {}
        }
    }
}
