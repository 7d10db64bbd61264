//! From marked-up characters to words, with the punctuation that stands between them.
//!
//! Text is read in chunks between white space, because punctuation only means something at the end of one: `3.5`, `10:30`, `e.g.` and
//! addresses stay whole without a rule for each. Scripts without spaces (Han, Kana) are cut at their own punctuation and by the
//! word boundaries of Unicode (UAX 29).

use std::ops::Range;

use engine::time::Span;
use unicode_segmentation::UnicodeSegmentation;

use super::markup::Item;
use super::normalise::{english, is_word_char, operator, plain};
use super::units::abbreviation;
use super::{Token, Unspoken};

/// Longest chunk read as one word, in characters: no language has longer ones, and it bounds what one token can cost.
const LONGEST_CHUNK: usize = 60;

/// A word, or what stands between two.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Piece {
    Word(Token),
    Unspoken(Unspoken),
    /// The voice hears a comma here, but the clause goes on: around brackets.
    Comma,
    /// A place inside a sentence to breathe: `,`, `;`, `:`, or `-` for a dash or dots.
    Break(char),
    /// The end of a sentence: `.`, `!` or `?`.
    End(char),
    Paragraph,
    Pause(Span),
}

/// A chunk: characters without white space between them, with their places in the source.
#[derive(Default)]
struct Chunk {
    chars: Vec<(char, usize)>,
    emphasis: bool,
    say: Option<(Range<usize>, String)>,
}

impl Chunk {
    fn text(&self) -> String {
        self.chars.iter().map(|(ch, _)| ch).collect()
    }

    /// The bytes of the source that characters `from..to` come from.
    fn range(&self, from: usize, to: usize) -> Range<usize> {
        let (last, at) = self.chars[to - 1];
        self.chars[from].1..at + last.len_utf8()
    }
}

/// An element between chunks: a chunk itself, or an item that separates.
enum Element {
    Chunk(Chunk),
    Other(Piece),
}

/// Finds all words. `rules` applies English readings.
pub(super) fn find(source: &str, items: &[Item], rules: bool) -> Vec<Piece> {
    let elements = split(items);
    let mut pieces = Vec::with_capacity(elements.len() * 2);
    let mut taken = false;
    let mut previous = String::new();
    for (index, element) in elements.iter().enumerate() {
        let chunk = match element {
            Element::Other(piece) => {
                pieces.push(piece.clone());
                previous.clear();
                continue;
            }
            Element::Chunk(chunk) => chunk,
        };
        let next = match elements.get(index + 1) {
            Some(Element::Chunk(next)) => next.text(),
            _ => String::new(),
        };
        previous = read(source, chunk, &previous, &next, rules, &mut taken, &mut pieces);
    }
    pieces
}

fn split(items: &[Item]) -> Vec<Element> {
    let mut elements = Vec::new();
    let mut chunk = Chunk::default();
    let finish = |chunk: &mut Chunk, elements: &mut Vec<Element>| {
        if !chunk.chars.is_empty() || chunk.say.is_some() {
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
                }
                chunk.chars.push((*ch, *at));
                chunk.emphasis |= emphasis;
                if cjk_mark(*ch).is_some() || matches!(ch, '—' | '…') {
                    finish(&mut chunk, &mut elements);
                }
            }
            Item::Said { start, end, say, emphasis } => {
                finish(&mut chunk, &mut elements);
                elements.push(Element::Chunk(Chunk { chars: Vec::new(), emphasis: *emphasis, say: Some((*start..*end, say.clone())) }));
            }
            Item::Pause(span) => {
                finish(&mut chunk, &mut elements);
                elements.push(Element::Other(Piece::Pause(*span)));
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

/// Reads one chunk into pieces and returns its bare word for the next one. `taken` says that the chunk before has already spoken this
/// one, and is set likewise.
fn read(source: &str, chunk: &Chunk, previous: &str, next: &str, rules: bool, taken: &mut bool, pieces: &mut Vec<Piece>) -> String {
    if let Some((range, say)) = &chunk.say {
        let spoken = plain(say);
        if !spoken.is_empty() {
            let text = source[range.clone()].to_owned();
            pieces.push(word(Token {
                shown: text.clone(),
                text,
                spoken,
                range: range.clone(),
                emphasis: chunk.emphasis,
                comma: false,
                joined: false,
            }));
        }
        *taken = false;
        return String::new();
    }
    let is_core = |ch: char| is_word_char(ch) || is_symbol(ch);
    let text = chunk.text();
    if rules && let Some(spoken) = operator(&text) {
        let range = chunk.range(0, chunk.chars.len());
        let token =
            Token { shown: text.clone(), text, spoken: spoken.to_owned(), range, emphasis: chunk.emphasis, comma: false, joined: false };
        pieces.push(word(token));
        *taken = false;
        return String::new();
    }
    let Some(mut first) = chunk.chars.iter().position(|(ch, _)| is_core(*ch)) else {
        separators(chunk, pieces);
        return String::new();
    };
    // A sign before a number belongs to it, `'` before a decade, too.
    while first > 0 && matches!(chunk.chars[first - 1].0, '-' | '−' | '–' | '\'' | '’' | '#' | '~') && chunk.chars[first].0.is_ascii_digit()
    {
        first -= 1;
    }
    let mut last = chunk.chars.iter().rposition(|(ch, _)| is_core(*ch)).expect("there is a first") + 1;
    let brackets = |part: &[(char, usize)], set: &[char]| part.iter().any(|(ch, _)| set.contains(ch));
    if brackets(&chunk.chars[..first], &['(', '（']) && pieces.last().is_some_and(|piece| matches!(piece, Piece::Word(_))) {
        pieces.push(Piece::Comma);
    }
    // The dots of an abbreviation are part of the word.
    let dotted = chunk.chars.get(last).is_some_and(|(ch, _)| *ch == '.');
    let core: String = chunk.chars[first..last].iter().map(|(ch, _)| ch).collect();
    let with_dot = format!("{core}.");
    let known = dotted && rules && (abbreviation(&with_dot).is_some() || matches!(with_dot.as_str(), "No." | "no."));
    let acronym = dotted
        && core.chars().count() % 2 == 1
        && core.chars().enumerate().all(|(index, ch)| if index % 2 == 0 { ch.is_alphabetic() } else { ch == '.' });
    let tail = &chunk.chars[last..];
    let end = if dotted && tail.len() == 1 {
        ends_sentence(&core, known, acronym, next).then_some('.')
    } else {
        mark(&tail[usize::from(known || acronym && dotted)..])
    };
    let with_its_dot = known || acronym && core.contains('.');
    last += usize::from(with_its_dot);
    let before = pieces.len();
    if std::mem::take(taken) {
        if let Some(Piece::Word(token)) = pieces.last_mut() {
            token.shown = format!("{} {text}", token.shown);
        }
    } else {
        let next_core = next.trim_end_matches(['.', ',', ';', ':', '!', '?', ')', '"', '”', '’']);
        let shown = if with_its_dot { with_dot.as_str() } else { core.as_str() };
        *taken = words(source, chunk, first..last, shown, (previous, if end.is_some() { "" } else { next_core }), rules, pieces);
        let mut spoken = pieces[before..].iter_mut().filter_map(|piece| if let Piece::Word(token) = piece { Some(token) } else { None });
        if let Some(token) = spoken.next() {
            token.shown.insert_str(0, &chunk.chars[..first].iter().map(|(ch, _)| ch).collect::<String>());
            let token = spoken.last().unwrap_or(token);
            token.shown.extend(chunk.chars[last..].iter().map(|(ch, _)| ch));
        }
    }
    if brackets(&chunk.chars[last..], &[')', '）']) && end.is_none() {
        pieces.push(Piece::Comma);
    }
    match end {
        Some(mark @ ('.' | '!' | '?')) => pieces.push(Piece::End(mark)),
        Some(mark) => pieces.push(Piece::Break(mark)),
        None if *taken || !text.ends_with('…') => {}
        None => pieces.push(Piece::Break('-')),
    }
    core
}

/// The word or words of a chunk. Returns whether the next chunk is spoken with it.
fn words(source: &str, chunk: &Chunk, part: Range<usize>, shown: &str, around: (&str, &str), rules: bool, pieces: &mut Vec<Piece>) -> bool {
    let emphasis = chunk.emphasis;
    if shown.chars().any(is_unspaced) {
        let mut at = part.start;
        let mut joined = false;
        for word_text in shown.split_word_bounds() {
            let from = at;
            at += word_text.chars().count();
            let spoken = plain(word_text);
            if !spoken.is_empty() {
                pieces.push(word(Token {
                    text: word_text.to_owned(),
                    shown: word_text.to_owned(),
                    spoken,
                    range: chunk.range(from, at),
                    emphasis,
                    comma: false,
                    joined,
                }));
                joined = true;
            }
        }
        return false;
    }
    let (previous, next) = around;
    let (spoken, takes_next) = if rules {
        let reading = english(shown, previous, next);
        (plain(&reading.spoken), reading.takes_next)
    } else {
        (plain(shown), false)
    };
    let mut range = chunk.range(part.start, part.end);
    if spoken.is_empty() {
        let reason = "an emoji or symbol without a reading";
        pieces.push(Piece::Unspoken(Unspoken { text: source[range.clone()].to_owned(), range, reason }));
        return false;
    }
    for &(ch, at) in &chunk.chars[part] {
        if is_pictograph(ch) {
            let range = at..at + ch.len_utf8();
            pieces.push(Piece::Unspoken(Unspoken { text: ch.to_string(), range, reason: "an emoji" }));
        }
    }
    if takes_next {
        let after = source[range.end..].find(next).map_or(range.end, |at| range.end + at + next.len());
        range.end = after;
    }
    pieces.push(word(Token {
        text: source[range.clone()].to_owned(),
        shown: shown.to_owned(),
        spoken,
        range,
        emphasis,
        comma: false,
        joined: false,
    }));
    takes_next
}

fn word(token: Token) -> Piece {
    Piece::Word(token)
}

/// A chunk with nothing to say: a dash between spaces, lone punctuation.
fn separators(chunk: &Chunk, pieces: &mut Vec<Piece>) {
    if let Some(Piece::Word(token)) = pieces.last_mut() {
        let gap = if chunk.chars.iter().all(|(ch, _)| cjk_mark(*ch).is_some()) { "" } else { " " };
        token.shown = format!("{}{gap}{}", token.shown, chunk.text());
    }
    match mark(&chunk.chars) {
        Some(mark @ ('.' | '!' | '?')) => pieces.push(Piece::End(mark)),
        Some(mark) => pieces.push(Piece::Break(mark)),
        None => {}
    }
}

/// The strongest punctuation in the tail of a chunk: `?` and `!` before `.` before `:` `;` `,` and dashes.
fn mark(tail: &[(char, usize)]) -> Option<char> {
    let marks: Vec<char> = tail.iter().filter_map(|(ch, _)| cjk_mark(*ch).or_else(|| western_mark(*ch))).collect();
    let dots = marks.iter().filter(|&&mark| mark == '.').count();
    if dots >= 2 && marks.len() == dots {
        return Some('-');
    }
    ['?', '!', '.', ':', ';', ',', '-'].into_iter().find(|mark| marks.contains(mark))
}

fn western_mark(ch: char) -> Option<char> {
    match ch {
        '.' | '!' | '?' | ',' | ';' | ':' => Some(ch),
        '—' | '–' | '-' | '…' => Some('-'),
        '؟' => Some('?'),
        '،' => Some(','),
        '؛' => Some(';'),
        '।' | '॥' | '۔' => Some('.'),
        _ => None,
    }
}

fn cjk_mark(ch: char) -> Option<char> {
    match ch {
        '。' | '．' | '｡' => Some('.'),
        '！' => Some('!'),
        '？' => Some('?'),
        '，' | '、' | '､' => Some(','),
        '；' => Some(';'),
        '：' => Some(':'),
        _ => None,
    }
}

/// Words that start a sentence often enough to end one before them after an acronym (`the U.S. The …`).
const STARTERS: &[&str] = &[
    "The", "This", "That", "These", "It", "In", "We", "He", "She", "They", "But", "And", "A", "An", "However", "There", "You", "I", "If",
    "For", "So",
];
/// Abbreviations always followed by what they belong to.
const NEVER_LAST: &[&str] = &[
    "dr", "mr", "mrs", "ms", "prof", "st", "gen", "col", "sgt", "lt", "capt", "rev", "hon", "e.g", "eg", "i.e", "ie", "vs", "cf", "viz",
    "approx", "fig", "figs", "eq", "eqs", "no",
];

/// Whether the single dot after `core` ends a sentence.
fn ends_sentence(core: &str, known: bool, acronym: bool, next: &str) -> bool {
    if next.is_empty() {
        return true;
    }
    let next = next.trim_start_matches(|ch: char| !ch.is_alphanumeric());
    let upper = next.starts_with(char::is_uppercase);
    if known {
        return upper && !NEVER_LAST.contains(&core.to_lowercase().as_str());
    }
    if acronym && core != "I" {
        return STARTERS.contains(&next);
    }
    // A lower-case word after a short one with a dot: an abbreviation we do not know.
    !(next.starts_with(char::is_lowercase) && core.chars().count() <= 4)
}

/// Characters that carry a reading of their own.
fn is_symbol(ch: char) -> bool {
    super::units::symbol(ch).is_some() || is_pictograph(ch)
}

/// Emoji and pictographs. Not a full list of Unicode's: what is neither here nor a letter is dropped in silence.
fn is_pictograph(ch: char) -> bool {
    matches!(ch as u32, 0x1F000..=0x1FAFF | 0x2600..=0x27BF | 0x2B00..=0x2BFF | 0x2300..=0x23FF) || ch == '\u{20e3}'
}

/// Scripts written without spaces.
fn is_unspaced(ch: char) -> bool {
    matches!(ch as u32, 0x3041..=0x30FF | 0x31F0..=0x31FF | 0x3400..=0x4DBF | 0x4E00..=0x9FFF | 0xF900..=0xFAFF | 0x20000..=0x3134F)
}
