//! Markdown (CommonMark with tables, task lists and a YAML block at the start) as a document.

use super::super::confine::confined;
use super::document::{Block, Document};
use super::picture::Picture;
use crate::part_file::folder_of;
use engine::graph::from_value_all;
use engine::graph::parse::parse;
use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};
use serde::Deserialize;
use std::path::Path;

/// What may stand in the block at the start; other keys belong to other programs.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Front {
    title: Option<String>,
    #[serde(alias = "lang")]
    language: Option<String>,
}

/// Reads the Markdown text of the file `path`, in whose folder its pictures are.
pub(super) fn read(text: &str, path: &Path) -> Document {
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS;
    let mut reader = Reader {
        path,
        document: Document::default(),
        text: String::new(),
        lists: Vec::new(),
        rows: Vec::new(),
        quote: None,
        skipped: 0,
        meta: false,
        code: false,
        picture: None,
        link: None,
    };
    for event in Parser::new_ext(text, options) {
        reader.event(event);
    }
    reader.document
}

struct Reader<'a> {
    path: &'a Path,
    document: Document,
    /// Of the block that is open.
    text: String,
    /// Items of the lists that are open, the outermost first.
    lists: Vec<Vec<String>>,
    rows: Vec<Vec<String>>,
    /// Paragraphs of the quotation that is open.
    quote: Option<Vec<String>>,
    /// How many elements are open whose content is left out.
    skipped: usize,
    meta: bool,
    code: bool,
    /// Address of the picture that is open, and the text before it.
    picture: Option<(String, String)>,
    /// Where the text of the link that is open begins.
    link: Option<usize>,
}

impl Reader<'_> {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            _ if self.skipped > 0 => {}
            Event::Text(text) | Event::Code(text) | Event::InlineMath(text) | Event::DisplayMath(text) => self.text.push_str(&text),
            Event::SoftBreak => self.text.push(' '),
            Event::HardBreak => self.text.push('\n'),
            Event::InlineHtml(html) if html.trim_start().to_lowercase().starts_with("<br") => self.text.push('\n'),
            Event::Html(_) | Event::InlineHtml(_) | Event::FootnoteReference(_) | Event::Rule | Event::TaskListMarker(_) => {}
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::FootnoteDefinition(_) | Tag::HtmlBlock => self.skipped += 1,
            Tag::MetadataBlock(_) => self.meta = true,
            Tag::CodeBlock(_) => {
                self.flush();
                self.code = true;
            }
            Tag::BlockQuote(_) => {
                self.flush();
                self.quote.get_or_insert_with(Vec::new);
            }
            Tag::List(_) => {
                // The text of the item that the inner list belongs to.
                self.item();
                self.flush();
                self.lists.push(Vec::new());
            }
            Tag::Item => self.text.clear(),
            Tag::Image { dest_url, .. } => self.picture = Some((dest_url.into_string(), std::mem::take(&mut self.text))),
            Tag::Link { .. } => self.link = Some(self.text.len()),
            Tag::TableHead | Tag::TableRow => self.rows.push(Vec::new()),
            Tag::Heading { .. } | Tag::Paragraph | Tag::Table(_) => self.flush(),
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::FootnoteDefinition | TagEnd::HtmlBlock => self.skipped = self.skipped.saturating_sub(1),
            TagEnd::MetadataBlock(_) => self.front(),
            TagEnd::Heading(level) => {
                let text = one_line(&std::mem::take(&mut self.text));
                if !text.is_empty() {
                    self.document.blocks.push(Block::Heading(number(level), text));
                }
            }
            TagEnd::Paragraph if self.lists.is_empty() => self.flush(),
            TagEnd::Paragraph => self.text.push(' '),
            TagEnd::CodeBlock => {
                self.code = false;
                let code = std::mem::take(&mut self.text).trim_end().to_string();
                if !code.trim().is_empty() {
                    self.document.blocks.push(Block::Code(code));
                }
            }
            TagEnd::BlockQuote(_) => {
                self.flush();
                if let Some(quote) = self.quote.take().filter(|quote| !quote.is_empty()) {
                    self.document.blocks.push(Block::Quote(quote.join(" ")));
                }
            }
            TagEnd::Item => self.item(),
            TagEnd::List(_) => self.list(),
            TagEnd::TableCell => {
                let cell = one_line(&std::mem::take(&mut self.text));
                if let Some(row) = self.rows.last_mut() {
                    row.push(cell);
                }
            }
            TagEnd::Table => {
                let rows = std::mem::take(&mut self.rows);
                self.document.blocks.push(Block::Table(rows));
            }
            TagEnd::Image => self.image(),
            TagEnd::Link => self.shorten_link(),
            _ => {}
        }
    }

    /// Ends a paragraph.
    fn flush(&mut self) {
        let text = one_line(&std::mem::take(&mut self.text));
        if text.is_empty() || !self.lists.is_empty() {
            return;
        }
        match &mut self.quote {
            Some(quote) => quote.push(text),
            None => self.document.blocks.push(Block::Prose(text)),
        }
    }

    /// Ends an item: its text so far.
    fn item(&mut self) {
        let Some(items) = self.lists.last_mut() else { return };
        let text = one_line(&std::mem::take(&mut self.text));
        if !text.is_empty() {
            items.push(text);
        }
    }

    fn list(&mut self) {
        let Some(items) = self.lists.pop().filter(|items| !items.is_empty()) else { return };
        match self.lists.last_mut() {
            // An inner list stands behind its item, in one sentence.
            Some(outer) => {
                let inner = items.join("; ");
                match outer.last_mut() {
                    Some(item) => *item = format!("{}: {inner}", item.trim_end_matches([':', '.'])),
                    None => outer.push(inner),
                }
            }
            None => match &mut self.quote {
                Some(quote) => quote.extend(items),
                None => self.document.blocks.push(Block::List(items)),
            },
        }
    }

    fn front(&mut self) {
        self.meta = false;
        let text = std::mem::take(&mut self.text);
        let front = parse(&text, "front matter").ok().and_then(|tree| from_value_all::<Front>(&tree, "").ok());
        match front {
            Some(front) => {
                self.document.title = front.title.map(|title| one_line(&title)).filter(|title| !title.is_empty());
                self.document.language = front.language.filter(|tag| !tag.trim().is_empty());
            }
            None => self.document.warnings.push("the block between --- at its start cannot be read as YAML and is left out".into()),
        }
    }

    /// A bare address is no text to read out: its host is left.
    fn shorten_link(&mut self) {
        let Some(start) = self.link.take() else { return };
        let Some(text) = self.text.get(start..) else { return };
        let bare = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).or_else(|| text.strip_prefix("mailto:"));
        if let Some(host) = bare.map(|rest| rest.split(['/', '?', '#']).next().unwrap_or_default().to_string()) {
            self.text.truncate(start);
            self.text.push_str(&host);
        }
    }

    fn image(&mut self) {
        let Some((address, before)) = self.picture.take() else { return };
        let text = one_line(&std::mem::replace(&mut self.text, before));
        match picture(self.path, &address, text) {
            Ok(picture) => {
                // The paragraph around it ends here, so that the order is kept.
                if self.lists.is_empty() && self.quote.is_none() {
                    self.flush();
                }
                self.document.blocks.push(Block::Picture(picture));
            }
            Err(cause) => self.document.warnings.push(format!("its picture {address:?} is not shown: {cause}")),
        }
    }
}

/// A picture file in the document's folder or below.
fn picture(document: &Path, address: &str, text: String) -> Result<Picture, String> {
    if address.contains("://") || address.starts_with("data:") || address.starts_with("//") {
        return Err("it lies elsewhere; put the file beside the document and name it by its relative path".into());
    }
    let folder = folder_of(document).canonicalize().map_err(|error| error.to_string())?;
    let path = confined(&folder, &percent_decoded(address))?;
    Picture::read(&path, text).map_err(|error| error.to_string())
}

/// `a%20b.png` as `a b.png`; what is no such mark stays.
fn percent_decoded(address: &str) -> String {
    let bytes = address.as_bytes();
    let mut decoded = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let value =
            (bytes[at] == b'%').then(|| address.get(at + 1..at + 3)).flatten().and_then(|digits| u8::from_str_radix(digits, 16).ok());
        decoded.push(value.unwrap_or(bytes[at]));
        at += if value.is_some() { 3 } else { 1 };
    }
    String::from_utf8(decoded).unwrap_or_else(|_| address.into())
}

fn number(level: HeadingLevel) -> u8 {
    match level {
        HeadingLevel::H1 => 1,
        HeadingLevel::H2 => 2,
        HeadingLevel::H3 => 3,
        HeadingLevel::H4 => 4,
        HeadingLevel::H5 => 5,
        HeadingLevel::H6 => 6,
    }
}

/// White space folded.
pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocks(text: &str) -> Vec<Block> {
        read(text, Path::new("notes.md")).blocks
    }

    fn strings(items: &[&str]) -> Vec<String> {
        items.iter().map(|item| item.to_string()).collect()
    }

    #[test]
    fn structure_is_kept_and_marks_are_not() {
        let text = "---\ntitle: My talk\nlang: de\nother: 1\n---\n# One\nSome *soft* and **loud** `code`\nover [two](https://a.example/b) lines.[^1]\n\n- a\n- b:\n  - c\n  - d\n1. [ ] e\n\n> Said\n> once.\n\n| A | B |\n|---|---|\n| 1 | 2 |\n\n```rust\nlet x = 1;\n```\n<!-- hidden -->\n\nSee <https://example.org/long/path?x=1>.\n\n[^1]: A footnote.\n";
        let document = read(text, Path::new("notes.md"));
        assert_eq!((document.title.as_deref(), document.language.as_deref()), (Some("My talk"), Some("de")));
        let expected = [
            Block::Heading(1, "One".into()),
            Block::Prose("Some soft and loud code over two lines.".into()),
            Block::List(strings(&["a", "b: c; d"])),
            Block::List(strings(&["e"])),
            Block::Quote("Said once.".into()),
            Block::Table(vec![strings(&["A", "B"]), strings(&["1", "2"])]),
            Block::Code("let x = 1;".into()),
            Block::Prose("See example.org.".into()),
        ];
        assert_eq!(document.blocks, expected);
        assert!(document.warnings.is_empty(), "{:?}", document.warnings);
    }

    #[test]
    fn pictures_are_those_beside_the_document() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("doc");
        std::fs::create_dir_all(inner.join("img")).unwrap();
        let save = |path: &Path| image::RgbImage::from_pixel(8, 4, image::Rgb([200, 10, 10])).save(path).unwrap();
        save(&inner.join("img/a b.png"));
        save(&folder.path().join("secret.png"));
        std::os::unix::fs::symlink("../secret.png", inner.join("link.png")).unwrap();
        std::fs::write(inner.join("broken.png"), "x").unwrap();
        let text = "Before ![A view](img/a%20b.png) after.\n\n![](../secret.png) ![](link.png) ![](https://a.example/x.png) ![](/etc/passwd) ![](none.png) ![](broken.png)";
        let document = read(text, &inner.join("notes.md"));
        let [Block::Prose(before), Block::Picture(picture), Block::Prose(after)] = document.blocks.as_slice() else {
            panic!("{:?}", document.blocks)
        };
        assert_eq!((before.as_str(), after.as_str(), picture.text.as_str(), picture.size), ("Before", "after.", "A view", (8, 4)));
        let expected =
            ["stay in the lesson's folder", "leads out", "lies elsewhere", "stay in the lesson's folder", "cannot be read", "no picture"];
        assert_eq!(document.warnings.len(), expected.len());
        for (warning, expected) in document.warnings.iter().zip(expected) {
            assert!(warning.contains(expected), "{warning}");
        }
    }

    #[test]
    fn odd_text_does_no_harm() {
        assert_eq!(blocks(""), []);
        assert_eq!(read("---\n: [\n---\nx", Path::new("a.md")).warnings.len(), 1);
        assert_eq!(blocks("- \n\n-\n"), []);
        for text in ["> > > - 1. > x", "| a |\n|-|", "![", "[a](", "- a\n\n  ```\n  b\n  ```\n- c", "> - quoted list\n> - two"] {
            blocks(text);
        }
        let deep = "> ".repeat(5000) + "x";
        blocks(&deep);
    }
}
