//! From marked-up characters to words, with the punctuation that stands between them.
//!
//! Text is read in chunks between white space, because punctuation only means something at the end of one: `3.5`, `10:30`, `e.g.` and
//! addresses stay whole without a rule for each. Scripts without spaces (Han, Kana) are cut at their own punctuation and by the
//! word boundaries of Unicode (UAX 29).

use std::ops::Range;

use engine::time::Span;
use unicode_segmentation::UnicodeSegmentation;

use super::chunks::{Chunk, Element, split};
use super::english::{Around, english, is_abbreviation, operator};
use super::markup::Item;
use super::normalise::{is_word_char, plain};
use super::{Token, Unspoken};
use crate::lesson::{Pronunciations, Said};

/// More words in a row are printed bold, not meant to be stressed.
const MOST_EMPHASISED: usize = 3;

/// So many chunks after one are looked at to read it: a telephone number has no more groups.
const LOOK_AHEAD: usize = 4;

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
    /// Who speaks from here on.
    Voice(Option<String>),
}

/// Finds all words. `rules` applies English readings, after those of `list`.
pub(super) fn find(source: &str, items: &[Item], rules: bool, list: &Pronunciations) -> Vec<Piece> {
    let elements = split(items);
    let mut reader = Reader { source, rules, list, taken: 0, before: Default::default(), pieces: Vec::with_capacity(elements.len() * 2) };
    for (index, element) in elements.iter().enumerate() {
        match element {
            Element::Other(piece) => {
                reader.pieces.push(piece.clone());
                reader.before = Default::default();
            }
            Element::Chunk(chunk) => reader.read(chunk, &following(&elements[index + 1..])),
        }
    }
    drop_long_emphasis(&mut reader.pieces);
    reader.pieces
}

/// Takes the emphasis from runs of more words than a speaker can stress.
fn drop_long_emphasis(pieces: &mut [Piece]) {
    let ends_run = |piece: &Piece| match piece {
        Piece::Word(token) => !token.emphasis,
        Piece::End(_) | Piece::Paragraph => true,
        Piece::Unspoken(_) | Piece::Comma | Piece::Break(_) | Piece::Pause(_) | Piece::Voice(_) => false,
    };
    for run in pieces.split_mut(ends_run) {
        let words: Vec<&mut Token> =
            run.iter_mut().filter_map(|piece| if let Piece::Word(token) = piece { Some(token) } else { None }).collect();
        if words.len() > MOST_EMPHASISED {
            words.into_iter().for_each(|token| token.emphasis = false);
        }
    }
}

/// The chunks up to the next punctuation, without it.
fn following(elements: &[Element]) -> Vec<String> {
    let mut following = Vec::new();
    for element in elements.iter().take(LOOK_AHEAD) {
        let Element::Chunk(chunk) = element else { break };
        let text = chunk.text();
        let core = text.trim_end_matches(['.', ',', ';', ':', '!', '?', ')', '"', '”', '’']);
        let ends = core.len() < text.len();
        following.push(core.to_owned());
        if ends {
            break;
        }
    }
    following
}

/// Reads chunks into pieces.
struct Reader<'a> {
    source: &'a str,
    /// English readings apply.
    rules: bool,
    list: &'a Pronunciations,
    /// So many of the next chunks have been spoken already.
    taken: usize,
    /// The last two bare words of the sentence, the last one first.
    before: [String; 2],
    pieces: Vec<Piece>,
}

impl Reader<'_> {
    fn read(&mut self, chunk: &Chunk, after: &[String]) {
        let next = after.first().map_or("", String::as_str);
        if let Some((range, say)) = &chunk.say {
            let text = self.source[range.clone()].to_owned();
            // What is no sound and no word was written by hand, and is read as it stands.
            let said = Said::parse(say).unwrap_or_else(|_| Said::Words(say.clone()));
            let shown = chunk.text() + &text;
            if let Some(token) = said_as(&said, text, shown, range.clone(), chunk.emphasis) {
                self.pieces.push(Piece::Word(Token { joined: chunk.joined, ..token }));
            }
            self.taken = 0;
            self.before = Default::default();
            return;
        }
        let text = chunk.text();
        if self.rules
            && self.taken == 0
            && let Some(spoken) = operator(&text)
        {
            let range = chunk.range(0, chunk.chars.len());
            self.pieces.push(word(text.clone(), text, spoken.to_owned(), range, chunk.emphasis));
            self.before = Default::default();
            return;
        }
        let is_core = |ch: char| is_word_char(ch) || is_symbol(ch);
        let Some(mut first) = chunk.chars.iter().position(|(ch, _)| is_core(*ch)) else {
            self.separators(chunk);
            self.before = Default::default();
            return;
        };
        while first > 0 && belongs_before(chunk.chars[first - 1].0, chunk.chars[first].0) {
            first -= 1;
        }
        let mut last = chunk.chars.iter().rposition(|(ch, _)| is_core(*ch)).expect("there is a first") + 1;
        let brackets = |part: &[(char, usize)], set: &[char]| part.iter().any(|(ch, _)| set.contains(ch));
        let opened = brackets(&chunk.chars[..first], &['(', '（']);
        let closed = brackets(&chunk.chars[last..], &[')', '）']);
        if opened && self.pieces.last().is_some_and(|piece| matches!(piece, Piece::Word(_))) {
            self.pieces.push(Piece::Comma);
        }
        // The dots of an abbreviation are part of the word.
        let dotted = chunk.chars.get(last).is_some_and(|(ch, _)| *ch == '.');
        let core: String = chunk.chars[first..last].iter().map(|(ch, _)| ch).collect();
        let with_dot = format!("{core}.");
        let known = dotted && self.rules && is_abbreviation(&with_dot, next);
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
        if self.taken > 0 {
            self.taken -= 1;
            if let Some(Piece::Word(token)) = self.pieces.iter_mut().rfind(|piece| matches!(piece, Piece::Word(_))) {
                token.shown = format!("{} {text}", token.shown);
            }
        } else {
            let before = self.pieces.len();
            let shown = if with_its_dot { with_dot.as_str() } else { core.as_str() };
            let after: Vec<&str> = if end.is_some() { Vec::new() } else { after.iter().map(String::as_str).collect() };
            self.words(chunk, first..last, shown, &after, opened && closed);
            let mut spoken =
                self.pieces[before..].iter_mut().filter_map(|piece| if let Piece::Word(token) = piece { Some(token) } else { None });
            if let Some(token) = spoken.next() {
                token.shown.insert_str(0, &chunk.chars[..first].iter().map(|(ch, _)| ch).collect::<String>());
                token.joined |= chunk.joined;
                let token = spoken.last().unwrap_or(token);
                token.shown.extend(chunk.chars[last..].iter().map(|(ch, _)| ch));
            } else if let Some(Piece::Word(token)) =
                self.pieces.iter_mut().rev().find(|piece| !matches!(piece, Piece::Unspoken(_) | Piece::Comma))
            {
                // The marks behind what is not spoken stay; what closes a bracket goes with it.
                let is_mark = |ch: char| cjk_mark(ch).or_else(|| western_mark(ch)).is_some();
                let tail = chunk.chars[last..].iter().map(|(ch, _)| *ch);
                token.shown.extend(tail.filter(|&ch| is_mark(ch) || first == 0 && !matches!(ch, '\u{200d}' | '\u{fe00}'..='\u{fe0f}')));
            }
        }
        // Inside what is spoken in one go nothing is heard.
        if closed && end.is_none() && self.taken == 0 {
            self.pieces.push(Piece::Comma);
        }
        let [previous, _] = std::mem::take(&mut self.before);
        self.before = [core, previous];
        match end {
            Some(mark @ ('.' | '!' | '?')) => {
                self.pieces.push(Piece::End(mark));
                self.before = Default::default();
            }
            Some(mark) => self.pieces.push(Piece::Break(mark)),
            None if self.taken > 0 || !text.ends_with('…') => {}
            None => self.pieces.push(Piece::Break('-')),
        }
    }

    /// The word or words of a chunk.
    fn words(&mut self, chunk: &Chunk, part: Range<usize>, shown: &str, after: &[&str], bracketed: bool) {
        let emphasis = chunk.emphasis;
        if shown.chars().any(is_unspaced) {
            let mut at = part.start;
            let mut joined = false;
            for text in shown.split_word_bounds() {
                let from = at;
                at += text.chars().count();
                let spoken = plain(text);
                if !spoken.is_empty() {
                    let Piece::Word(token) = word(text.to_owned(), text.to_owned(), spoken, chunk.range(from, at), emphasis) else {
                        continue;
                    };
                    self.pieces.push(Piece::Word(Token { joined, ..token }));
                    joined = true;
                }
            }
            return;
        }
        if let Some(said) = self.list.find(shown).or_else(|| self.list.find(shown.trim_end_matches('.'))) {
            let range = chunk.range(part.start, part.end);
            let text = self.source[range.clone()].to_owned();
            self.pieces.extend(said_as(&said, text, shown.to_owned(), range, emphasis).map(Piece::Word));
            return;
        }
        let (spoken, takes) = if self.rules {
            let before = [self.before[0].as_str(), self.before[1].as_str()];
            let reading = english(shown, &Around { before, after, bracketed });
            (reading.spoken, reading.takes)
        } else {
            (plain(shown), 0)
        };
        let mut range = chunk.range(part.start, part.end);
        if spoken.is_empty() {
            let reason = "an emoji or symbol without a reading";
            self.pieces.push(Piece::Unspoken(Unspoken { text: self.source[range.clone()].to_owned(), range, reason }));
            return;
        }
        for &(ch, at) in &chunk.chars[part] {
            if is_pictograph(ch) {
                let range = at..at + ch.len_utf8();
                self.pieces.push(Piece::Unspoken(Unspoken { text: ch.to_string(), range, reason: "an emoji" }));
            }
        }
        for next in &after[..takes] {
            range.end = self.source[range.end..].find(next).map_or(range.end, |at| range.end + at + next.len());
        }
        self.pieces.push(word(self.source[range.clone()].to_owned(), shown.to_owned(), spoken, range, emphasis));
        self.taken = takes;
    }

    /// A chunk with nothing to say: a dash between spaces, lone punctuation.
    fn separators(&mut self, chunk: &Chunk) {
        if let Some(Piece::Word(token)) = self.pieces.last_mut() {
            let gap = if chunk.joined || chunk.chars.iter().all(|(ch, _)| cjk_mark(*ch).is_some()) { "" } else { " " };
            token.shown = format!("{}{gap}{}", token.shown, chunk.text());
        }
        match mark(&chunk.chars) {
            Some(mark @ ('.' | '!' | '?')) => self.pieces.push(Piece::End(mark)),
            Some(mark) => self.pieces.push(Piece::Break(mark)),
            None => {}
        }
    }
}

/// A sign before a number belongs to it, `'` before a decade, too, and `#` to a name.
fn belongs_before(sign: char, first: char) -> bool {
    let is_amount = first.is_ascii_digit() || super::english::is_currency(first);
    match sign {
        '-' | '−' | '–' => is_amount,
        '\'' | '’' | '~' => first.is_ascii_digit(),
        '.' => first.is_ascii_digit(),
        '#' => first.is_alphanumeric(),
        _ => false,
    }
}

/// A word with what is said for it; `None` when that is nothing.
fn said_as(said: &Said, text: String, shown: String, range: Range<usize>, emphasis: bool) -> Option<Token> {
    let (spoken, sounds) = match said {
        Said::Words(words) => (plain(words), None),
        // Beside others a word of sounds is read as it is written, by whoever has to find its place among them.
        Said::Sounds(sounds) => (Some(plain(&text)).filter(|plain| !plain.is_empty()).unwrap_or_else(|| "la".into()), Some(sounds.clone())),
    };
    (!spoken.is_empty()).then_some(Token { text, shown, spoken, sounds, range, emphasis, comma: false, joined: false })
}

fn word(text: String, shown: String, spoken: String, range: Range<usize>, emphasis: bool) -> Piece {
    Piece::Word(Token { text, shown, spoken, sounds: None, range, emphasis, comma: false, joined: false })
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

pub(super) fn cjk_mark(ch: char) -> Option<char> {
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
    "approx", "fig", "figs", "eq", "eqs", "no", "sen", "gov", "rep", "pres", "mt", "ft", "ca", "jan", "feb", "vol", "ch",
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
    super::english::symbol(ch).is_some() || is_pictograph(ch)
}

/// Emoji and pictographs. Not a full list of Unicode's: what is neither here nor a letter is dropped in silence.
fn is_pictograph(ch: char) -> bool {
    matches!(ch as u32, 0x1F000..=0x1FAFF | 0x2600..=0x27BF | 0x2B00..=0x2BFF | 0x2300..=0x23FF) || ch == '\u{20e3}'
}

/// Scripts written without spaces.
fn is_unspaced(ch: char) -> bool {
    matches!(ch as u32, 0x3041..=0x30FF | 0x31F0..=0x31FF | 0x3400..=0x4DBF | 0x4E00..=0x9FFF | 0xF900..=0xFAFF | 0x20000..=0x3134F)
}
