//! Narration text cut into the clauses that a voice speaks.
//!
//! Source text (speaker notes, Markdown) -> `markup` drops what is not said and keeps pauses, emphasis and given pronunciations ->
//! `words` finds words, their spoken form and the punctuation after them -> `clauses` groups them. Everything keeps its byte
//! range in the source, so captions and errors can point at what the author wrote. A pure function of text and language: the same
//! text gives the same clauses live and offline. No text is an error; what cannot be said is reported, never fatal.
//!
//! # Pauses
//! | after | length |
//! | --- | --- |
//! | a clause cut only because it was long | 60 ms |
//! | `,` and brackets | 180 ms |
//! | `;` `:` a dash, `…` inside a sentence | 260 ms |
//! | a sentence or question | 380 ms |
//! | a paragraph | 650 ms |
//!
//! They come on top of the 20 ms and 60 ms of near silence that a [`Synthesis`](super::voice::Synthesis) keeps around its sound. A mark
//! `[pause 0.5s]` (also `0,5s`, `800ms`, `1min`; alone: 0.5 s; at most 60 s) ends the clause and *replaces* the natural pause there; marks
//! side by side add up, and one that cannot be read is left out and reported. A mark `[voice guest]` says who speaks from there on, `[voice]` that it is again who spoke at the start; before it a sentence
//! ends. After the last clause there is no natural pause: what follows a slide's narration is the slide's business.

mod chunks;
mod clauses;
mod english;
mod markup;
mod normalise;
mod words;

use std::ops::Range;
use std::sync::Arc;

use crate::lesson::Pronunciations;
use crate::scripts::are_spaced;
use engine::time::Span;

/// The punctuation class that ends a clause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ends {
    /// Inside a sentence.
    Comma,
    /// A sentence, a paragraph goes on.
    Sentence,
    /// A question, a paragraph goes on.
    Question,
    /// The last sentence of a paragraph.
    Paragraph,
}

/// Something the author wrote that is not spoken as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Unspoken {
    /// As written.
    pub text: String,
    /// Its bytes in the source.
    pub range: Range<usize>,
    /// Why, for people: "an emoji or symbol".
    pub reason: &'static str,
}

/// One word of a clause: what is seen, and what is said for it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Token {
    /// As written, without punctuation around it: `$5 million`.
    pub text: String,
    /// As written, with the punctuation around it and without markup: `($5 million),`. Joined with spaces (see
    /// [`Token::joined`]) these are the clause's text.
    pub shown: String,
    /// What the voice reads: `five million dollars`. Never empty; letters, digits, spaces, inner `'`, `.`, `,` and `-` only.
    pub spoken: String,
    /// Its sounds, where the author gives them, in the International Phonetic Alphabet (NFD): the voice says them in place of `spoken`.
    pub sounds: Option<String>,
    /// Its bytes in the source.
    pub range: Range<usize>,
    /// The author emphasised it, and no more than two others in a row with it.
    pub emphasis: bool,
    /// The voice hears a comma after it, inside the clause.
    pub comma: bool,
    /// It follows the token before without a space (scripts that write none).
    pub joined: bool,
}

/// What a voice speaks in one go: a sentence or a part of one, never longer than [`Options::longest_clause`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Clause {
    /// As written, markup removed, white space folded: for captions and logs.
    pub text: String,
    /// From its first to its last word, in bytes of the source.
    pub range: Range<usize>,
    /// Its words, in order. May be empty when all of it is unspoken.
    pub words: Vec<Token>,
    /// What was left out.
    pub unspoken: Vec<Unspoken>,
    /// The punctuation the voice hears at the end: one of `, ; : . ! ?`.
    pub mark: char,
    /// The class of that punctuation.
    pub ends: Ends,
    /// Silence to make after it.
    pub pause_after: Span,
    /// Who speaks it, as the author named them; `None` where nobody is named.
    pub voice: Option<Arc<str>>,
}

/// A narration, cut.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Narration {
    /// Silence before the first clause (a pause mark at the very start).
    pub lead: Span,
    /// The clauses in reading order; empty when there is nothing to say.
    pub clauses: Vec<Clause>,
}

/// How long clauses may get.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Options {
    /// Words in a clause at most, at least 1.
    pub longest_clause: usize,
    /// Words in the *first* clause at most: small (8) where somebody waits for the first sound.
    pub longest_first: usize,
}

impl Default for Options {
    /// Thirty words (10 to 12 s) anywhere.
    fn default() -> Options {
        Options { longest_clause: 30, longest_first: 30 }
    }
}

/// Cuts narration text. `language` is a BCP 47 tag (`en`, `en-US`); numbers, units and abbreviations are expanded for English, other
/// languages leave that to the voice.
pub fn narrate(source: &str, language: &str, options: Options) -> Narration {
    narrate_by(&Pronunciations::default(), source, language, options)
}

/// The same, with words that are said as this list has it.
pub fn narrate_by(list: &Pronunciations, source: &str, language: &str, options: Options) -> Narration {
    let items = markup::read(source);
    let pieces = words::find(source, &items, is_english(language), list);
    clauses::group(pieces, options)
}

/// What people read of a narration: without markup and marks, an empty line between paragraphs.
pub fn readable(source: &str) -> String {
    let mut text = String::new();
    let mut ended = false;
    for clause in narrate(source, "", Options::default()).clauses {
        match ended {
            true => text.push_str("\n\n"),
            false if are_spaced(&text, &clause.text) => text.push(' '),
            false => {}
        }
        text.push_str(&clause.text);
        ended = clause.ends == Ends::Paragraph;
    }
    text
}

fn is_english(language: &str) -> bool {
    language.split(['-', '_']).next().is_some_and(|primary| primary.eq_ignore_ascii_case("en"))
}

#[cfg(test)]
mod tests;
