//! A document free of its format, and how it falls into passages for slides.

use super::picture::Picture;
use crate::writer::{Content, Part, Passage, clip, columns, sentences};

/// A text with its structure.
#[derive(Debug, Default)]
pub(in super::super) struct Document {
    /// What the file says it is called.
    pub title: Option<String>,
    /// What the file says its language is, as a BCP 47 tag.
    pub language: Option<String>,
    pub blocks: Vec<Block>,
    /// What of it is not used.
    pub warnings: Vec<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub(in super::super) enum Block {
    /// Level from 1, and the text on one line.
    Heading(u8, String),
    /// A paragraph on one line.
    Prose(String),
    /// Items in order; those of lists inside stand behind the item that they belong to.
    List(Vec<String>),
    /// Somebody else's words.
    Quote(String),
    /// Rows of cells, the first one names the columns.
    Table(Vec<Vec<String>>),
    Picture(Picture),
    /// Lines as they stand.
    Code(String),
}

/// What a slide shows besides lines of text.
#[derive(Clone, Debug, PartialEq)]
pub(in super::super) enum Exhibit {
    Picture(Picture),
    Quote(String),
    Table(Vec<Vec<String>>),
    Code(String),
}

/// Columns of prose that one slide speaks of.
const PASSAGE_COLUMNS: usize = 750;
/// Items of a list on one slide.
const PASSAGE_ITEMS: usize = 6;
/// Rows of a table on one slide, the names of the columns counted.
pub(super) const TABLE_ROWS: usize = 8;
/// Passages of one lecture: twice as many as slides, as some may be left out.
const MAX_PASSAGES: usize = 1000;

/// The content for a writer, and what each passage shows.
pub(in super::super) fn passages(document: Document, name: &str, language: &str) -> (Content, Vec<Option<Exhibit>>, Vec<String>) {
    let Document { title, mut blocks, mut warnings, .. } = document;
    let title = title.or_else(|| take_title(&mut blocks)).unwrap_or_else(|| name.to_string());
    let mut builder = Builder::new(&blocks);
    blocks.into_iter().for_each(|block| builder.block(block));
    builder.close();
    let (mut passages, mut exhibits) = (builder.passages, builder.exhibits);
    if passages.len() > MAX_PASSAGES {
        warnings.push(format!("the content is too long for one lecture: only its first {MAX_PASSAGES} passages are used; split it"));
        passages.truncate(MAX_PASSAGES);
        exhibits.truncate(MAX_PASSAGES);
    }
    (Content { title: clip(&title, 140), language: language.into(), passages }, exhibits, warnings)
}

/// The one heading of the first level that stands before everything else is the title.
fn take_title(blocks: &mut Vec<Block>) -> Option<String> {
    let Some(Block::Heading(level, _)) = blocks.first() else { return None };
    let level = *level;
    let peers = blocks.iter().filter(|block| matches!(block, Block::Heading(other, _) if *other <= level)).count();
    let other = blocks.iter().any(|block| !matches!(block, Block::Heading(..)));
    if peers != 1 || !other {
        return None;
    }
    match blocks.remove(0) {
        Block::Heading(_, title) => Some(title),
        _ => None,
    }
}

struct Builder {
    /// Level of the headings that are chapters; 0 when there are none.
    chapters: u8,
    chapter: String,
    heading: String,
    /// Columns of prose and items of lists in the open passage.
    filled: usize,
    open: Passage,
    shown: Option<Exhibit>,
    passages: Vec<Passage>,
    exhibits: Vec<Option<Exhibit>>,
}

impl Builder {
    fn new(blocks: &[Block]) -> Builder {
        let levels: Vec<u8> =
            blocks.iter().filter_map(|block| if let Block::Heading(level, _) = block { Some(*level) } else { None }).collect();
        let top = levels.iter().copied().min().unwrap_or(0);
        // Chapters are headings with others below them, two or more.
        let chapters = levels.iter().filter(|level| **level == top).count() > 1 && levels.iter().any(|level| *level > top);
        Builder {
            chapters: if chapters { top } else { 0 },
            chapter: String::new(),
            heading: String::new(),
            filled: 0,
            open: Passage::default(),
            shown: None,
            passages: Vec::new(),
            exhibits: Vec::new(),
        }
    }

    fn block(&mut self, block: Block) {
        match block {
            Block::Heading(level, text) => {
                self.close();
                if level <= self.chapters {
                    self.chapter.clone_from(&text);
                }
                self.heading = text;
            }
            Block::Prose(text) => self.prose(&text),
            Block::List(items) => {
                let groups = items.len().div_ceil(PASSAGE_ITEMS).max(1);
                for part in items.chunks(items.len().div_ceil(groups).max(1)) {
                    // Two lists on one slide would run into one.
                    if groups > 1 || self.open.parts.iter().any(|part| matches!(part, Part::List(_))) {
                        self.close();
                    }
                    self.open.parts.push(Part::List(part.to_vec()));
                }
            }
            Block::Quote(text) => {
                self.close();
                self.open.parts.push(Part::Quote(text.clone()));
                self.shown = Some(Exhibit::Quote(text));
                self.close();
            }
            Block::Table(rows) => {
                self.exhibit();
                let head = rows.first().cloned().unwrap_or_default();
                let body: Vec<_> = rows.iter().skip(1).cloned().collect();
                // A long table goes on on the next slide, under the same names.
                for (index, part) in body.chunks(TABLE_ROWS - 1).enumerate() {
                    if index > 0 {
                        self.close();
                    }
                    let rows: Vec<_> = std::iter::once(head.clone()).chain(part.iter().cloned()).collect();
                    self.open.parts.push(Part::Table(rows.clone()));
                    self.shown = Some(Exhibit::Table(rows));
                }
                self.close();
            }
            Block::Picture(picture) => {
                self.exhibit();
                self.open.parts.push(Part::Picture(picture.text.clone()));
                self.shown = Some(Exhibit::Picture(picture));
            }
            Block::Code(text) => {
                self.exhibit();
                self.open.parts.push(Part::Code(text.clone()));
                self.shown = Some(Exhibit::Code(text));
                self.close();
            }
        }
    }

    fn prose(&mut self, text: &str) {
        let mut paragraph = String::new();
        for sentence in sentences(text) {
            let width = columns(&sentence);
            if self.filled > 0 && self.filled + width > PASSAGE_COLUMNS {
                self.push_prose(&mut paragraph);
                self.close();
            }
            self.filled += width;
            if !paragraph.is_empty() {
                paragraph.push(' ');
            }
            paragraph.push_str(&sentence);
        }
        self.push_prose(&mut paragraph);
    }

    fn push_prose(&mut self, paragraph: &mut String) {
        if !paragraph.is_empty() {
            self.open.parts.push(Part::Prose(std::mem::take(paragraph)));
        }
    }

    /// A slide shows one thing: a second one begins a new passage.
    fn exhibit(&mut self) {
        if self.shown.is_some() {
            self.close();
        }
    }

    fn close(&mut self) {
        let open = std::mem::take(&mut self.open);
        self.filled = 0;
        if !open.parts.is_empty() {
            self.passages.push(Passage { heading: self.heading.clone(), chapter: self.chapter.clone(), ..open });
            self.exhibits.push(self.shown.take());
        }
        self.shown = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heading(level: u8, text: &str) -> Block {
        Block::Heading(level, text.into())
    }

    fn prose(text: &str) -> Block {
        Block::Prose(text.into())
    }

    fn split(blocks: Vec<Block>) -> (Content, Vec<Option<Exhibit>>) {
        let (content, exhibits, warnings) = passages(Document { blocks, ..Document::default() }, "notes", "en");
        assert!(warnings.is_empty() && content.passages.len() == exhibits.len());
        (content, exhibits)
    }

    #[test]
    fn one_first_heading_is_the_title_and_the_next_level_the_slides() {
        let (content, _) = split(vec![heading(1, "T"), prose("Intro."), heading(2, "A"), prose("a."), heading(2, "B"), prose("b.")]);
        let headings: Vec<(&str, &str)> =
            content.passages.iter().map(|passage| (passage.chapter.as_str(), passage.heading.as_str())).collect();
        assert_eq!((content.title.as_str(), headings), ("T", vec![("", ""), ("", "A"), ("", "B")]));
        let (content, _) = split(vec![heading(1, "A"), heading(2, "A1"), prose("a."), heading(1, "B"), prose("b.")]);
        let headings: Vec<(&str, &str)> =
            content.passages.iter().map(|passage| (passage.chapter.as_str(), passage.heading.as_str())).collect();
        assert_eq!((content.title.as_str(), headings), ("notes", vec![("A", "A1"), ("B", "B")]));
        let (content, _) = split(vec![heading(1, "Only a heading")]);
        assert!(content.passages.is_empty());
    }

    #[test]
    fn a_passage_is_as_much_as_a_slide_takes() {
        let long = "This sentence has about fifty letters in all of it. ".repeat(40);
        let items = (0..8).map(|item| item.to_string()).collect();
        let (content, _) = split(vec![prose(&long), Block::List(items)]);
        let texts: Vec<usize> = content.passages.iter().map(|passage| columns(&passage.text())).collect();
        assert!(texts.len() >= 5 && texts.iter().all(|width| *width <= PASSAGE_COLUMNS + 20), "{texts:?}");
        let last: Vec<usize> = content.passages[content.passages.len() - 2..]
            .iter()
            .map(|passage| passage.parts.iter().map(|part| if let Part::List(items) = part { items.len() } else { 0 }).sum())
            .collect();
        assert_eq!(last, [4, 4]);
        let said: usize = content.passages.iter().flat_map(Passage::said).count();
        assert_eq!(said, 48);
    }

    #[test]
    fn each_exhibit_has_its_slide() {
        let row = |text: &str| vec![text.to_string()];
        let table = Block::Table((0..12).map(|index| row(&index.to_string())).collect());
        let (content, exhibits) = split(vec![prose("Before."), Block::Code("x".into()), Block::Quote("q".into()), table]);
        let kinds: Vec<&str> = exhibits
            .iter()
            .map(|exhibit| match exhibit {
                Some(Exhibit::Code(_)) => "code",
                Some(Exhibit::Quote(_)) => "quote",
                Some(Exhibit::Table(rows)) if rows[0] == row("0") && rows.len() <= TABLE_ROWS => "table",
                _ => "other",
            })
            .collect();
        assert_eq!(kinds, ["code", "quote", "table", "table"]);
        assert_eq!(content.passages[0].parts.len(), 2, "the code stands with its text");
    }
}
