//! Marked-up characters cut at white space: the chunks in which words are found.

use super::markup::Item;
use super::words::{Piece, cjk_mark};
use std::ops::Range;

/// Longest chunk read as one word, in characters: no language has longer ones, and it bounds what one token can cost.
const LONGEST_CHUNK: usize = 60;

/// A chunk: characters without white space between them, with their places in the source.
#[derive(Default)]
pub(super) struct Chunk {
    pub chars: Vec<(char, usize)>,
    pub emphasis: bool,
    /// No space comes before it: the rest of a word that is longer than a chunk, or what follows a word with its own pronunciation.
    pub joined: bool,
    /// A word with its own pronunciation: its bytes and what is said; `chars` are the brackets and quotes that open before it.
    pub say: Option<(Range<usize>, String)>,
}

impl Chunk {
    pub fn text(&self) -> String {
        self.chars.iter().map(|(ch, _)| ch).collect()
    }

    /// The bytes of the source that characters `from..to` come from.
    pub fn range(&self, from: usize, to: usize) -> Range<usize> {
        let (last, at) = self.chars[to - 1];
        self.chars[from].1..at + last.len_utf8()
    }
}

/// An element between chunks: a chunk itself, or an item that separates.
pub(super) enum Element {
    Chunk(Chunk),
    Other(Piece),
}

/// Cuts the whole text.
pub(super) fn split(items: &[Item]) -> Vec<Element> {
    let mut elements = Vec::new();
    let mut chunk = Chunk::default();
    let finish = |chunk: &mut Chunk, elements: &mut Vec<Element>| {
        if !chunk.chars.is_empty() {
            elements.push(Element::Chunk(std::mem::take(chunk)));
        }
        *chunk = Chunk::default();
    };
    for item in items {
        match item {
            Item::Char { ch, .. } if ch.is_whitespace() || ch.is_control() => finish(&mut chunk, &mut elements),
            Item::Char { ch, at, emphasis } => {
                if chunk.chars.len() == LONGEST_CHUNK {
                    finish(&mut chunk, &mut elements);
                    chunk.joined = true;
                }
                chunk.chars.push((*ch, *at));
                chunk.emphasis |= emphasis;
                if cjk_mark(*ch).is_some() || matches!(ch, '—' | '…') {
                    finish(&mut chunk, &mut elements);
                }
            }
            Item::Said { start, end, say, emphasis } => {
                if !chunk.chars.iter().all(|(ch, _)| is_opening(*ch)) {
                    finish(&mut chunk, &mut elements);
                    chunk.joined = true;
                }
                let (chars, joined) = (std::mem::take(&mut chunk.chars), chunk.joined);
                elements.push(Element::Chunk(Chunk { chars, emphasis: *emphasis, joined, say: Some((*start..*end, say.clone())) }));
                chunk = Chunk { joined: true, ..Chunk::default() };
            }
            Item::Pause(span) => {
                finish(&mut chunk, &mut elements);
                elements.push(Element::Other(Piece::Pause(*span)));
            }
            Item::Unspoken(what) => {
                finish(&mut chunk, &mut elements);
                elements.push(Element::Other(Piece::Unspoken(what.clone())));
            }
            Item::Voice(name) => {
                finish(&mut chunk, &mut elements);
                elements.push(Element::Other(Piece::Voice(name.clone())));
            }
            Item::SentenceEnd => {
                finish(&mut chunk, &mut elements);
                elements.push(Element::Other(Piece::End('.')));
            }
            Item::ParagraphEnd => {
                finish(&mut chunk, &mut elements);
                elements.push(Element::Other(Piece::Paragraph));
            }
        }
    }
    finish(&mut chunk, &mut elements);
    elements
}

/// Opens something that is closed behind a word.
fn is_opening(ch: char) -> bool {
    matches!(ch, '(' | '[' | '{' | '"' | '“' | '„' | '‘' | '«' | '‹' | '¿' | '¡' | '（' | '「' | '『' | '《')
}
