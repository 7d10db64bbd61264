//! Parts of the programme, as a source lists them, and the window of one that a run makes.

use super::Hash;
use crate::time::{Span, Time};
use std::sync::Arc;

/// A part of the programme that is made without looking at the others: a slide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Stable name, which it keeps when others come, go or move.
    pub id: Arc<str>,
    /// What its author calls it, from 1; for messages.
    pub number: usize,
    /// When it begins in the programme. The first begins at zero, each later one where the one before ends.
    pub start: Time,
    /// When it ends; a whole number of pictures after its beginning.
    pub end: Time,
    /// Of everything that the source sends in it, with times from its beginning.
    pub content: Hash,
    /// So long from its beginning the part before may still be seen: a transition.
    pub overlap: Span,
}

impl Part {
    /// How long it lasts.
    pub fn length(&self) -> Span {
        self.end - self.start
    }
}

/// What of the programme a run makes: one part, whose time is counted from the part's beginning, and of the pictures those from `from`
/// until `to`.
#[derive(Clone, Debug)]
pub struct Window {
    /// The part that the source is to send, from its beginning on.
    pub part: Part,
    /// The part before it, which a transition may show.
    pub before: Option<Part>,
    /// The first picture that is wanted, from the part's beginning.
    pub from: Span,
    /// Where the pictures end, from the part's beginning.
    pub to: Span,
}

/// What one encoder makes, in segments.
#[derive(Clone, Debug)]
pub struct Track {
    /// The encoder's name in the graph.
    pub encoder: Arc<str>,
    /// The parts of what it takes.
    pub parts: Arc<[Part]>,
    /// In order, without gaps.
    pub segments: Vec<Segment>,
}

/// A piece of what an encoder makes, that is made and kept by itself.
#[derive(Clone, Debug)]
pub struct Segment {
    /// The part that it shows, by its place in the timeline; `None` = it is sound, whose times are those of the programme.
    pub part: Option<usize>,
    /// Which piece of the part, from 0.
    pub piece: usize,
    /// Where it begins in the programme.
    pub start: Time,
    /// Where it begins in its part, or in the programme.
    pub from: Span,
    /// Where it ends there.
    pub to: Span,
    /// Under which hash it is kept.
    pub key: Hash,
    /// What the key is made of: a name for the user, and the hash of what has that name.
    pub inputs: Vec<(String, Hash)>,
    /// It was there before the render began.
    pub known: bool,
}

/// Raised when the form of keys or pages changes.
const FORM: &str = "segment 1";

impl Segment {
    /// A segment with the key of these inputs, so far without a place in a part.
    pub(super) fn new(start: Time, inputs: Vec<(String, Hash)>) -> Segment {
        let named = inputs.iter().map(|(name, hash)| Hash::of_all([name.as_bytes(), hash.as_ref()]));
        let key = Hash::of_all(std::iter::once(Hash::of(FORM)).chain(named));
        Segment { part: None, piece: 0, start, from: Span::ZERO, to: Span::ZERO, key, inputs, known: false }
    }

    /// How long it lasts.
    pub fn length(&self) -> Span {
        self.to - self.from
    }
}
