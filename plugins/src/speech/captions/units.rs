//! From words to units: what is never torn apart, and how good a place to break each unit's end is.
//!
//! Where words are parted by spaces, a unit is a word, or a number with its unit. Chinese, Japanese, Thai, Lao, Khmer and Burmese are
//! cut into words by dictionary (`icu_segmenter`), at places where Unicode's rules for lines (UAX 14) allow a break, too. Inside a word the
//! time of a letter is by its place.

use super::lines::{columns, limit};
use crate::scripts::{self, are_spaced, is_unspaced};
use engine::time::Span;
use icu_segmenter::options::{LineBreakOptions, WordBreakInvariantOptions};
use icu_segmenter::{LineSegmenter, WordSegmenter};
use unicode_segmentation::UnicodeSegmentation;

/// A word as it is shown, with the punctuation around it, and when it is heard.
#[derive(Clone, Debug)]
pub(super) struct Heard {
    pub shown: String,
    /// No space parts it from the word before.
    pub joined: bool,
    pub at: Span,
    pub until: Span,
    /// A sentence ends here.
    pub ends: bool,
}

/// What is shown in one piece.
#[derive(Clone, Debug)]
pub(super) struct Unit {
    pub text: String,
    /// A space comes before it.
    pub space: bool,
    pub at: Span,
    pub until: Span,
    pub after: Bond,
}

/// How a unit holds on to the next one, the loosest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Bond {
    /// A sentence ends.
    Sentence,
    /// A mark inside a sentence.
    Mark,
    /// A conjunction or preposition begins what follows.
    Phrase,
    /// Two words.
    Word,
    /// A conjunction or preposition with what follows; a label with its number.
    Tight,
    /// An article with its noun, a number with its unit, a title with a name.
    Never,
}

impl Bond {
    /// How bad it is to part what it holds, in the points of [`fit`](super::fit).
    pub fn cost(self) -> i64 {
        match self {
            Bond::Sentence => 0,
            Bond::Mark => 15,
            Bond::Phrase => 40,
            Bond::Word => 80,
            Bond::Tight => 160,
            Bond::Never => 1500,
        }
    }
}

impl Unit {
    /// With the space before it.
    pub fn columns(&self) -> usize {
        columns(&self.text) + usize::from(self.space)
    }
}

/// Articles, possessives and titles, of English, German, French, Spanish, Italian and Portuguese: they stand at no end.
const HOLDING: &[&str] = &[
    "the", "a", "an", "my", "your", "his", "her", "its", "our", "their", "no", "every", "each", "mr.", "mrs.", "ms.", "dr.", "prof.",
    "st.", "der", "die", "das", "den", "dem", "des", "ein", "eine", "einen", "einem", "einer", "eines", "kein", "keine", "le", "la", "les",
    "un", "une", "du", "el", "los", "las", "una", "il", "lo", "gli", "i", "o", "os", "as", "um", "uma",
];
/// Conjunctions and prepositions of the same languages: they stand at a beginning. What is also an article is there.
const LEADING: &[&str] = &[
    "and", "but", "or", "nor", "because", "which", "that", "while", "when", "where", "so", "if", "although", "who", "than", "with", "for",
    "to", "from", "in", "on", "by", "of", "at", "into", "about", "over", "under", "between", "through", "without", "after", "before",
    "until", "und", "aber", "oder", "weil", "dass", "wenn", "als", "mit", "von", "für", "auf", "aus", "bei", "nach", "zu", "zum", "zur",
    "im", "am", "vom", "et", "mais", "ou", "que", "qui", "dans", "pour", "avec", "sur", "sans", "de", "y", "pero", "con", "para", "por",
    "en", "e", "ma", "che", "di", "da", "per", "em", "com",
];
/// What a number counts, beside anything of up to three letters.
const UNITS: &[&str] = &[
    "percent",
    "million",
    "millions",
    "billion",
    "billions",
    "trillion",
    "thousand",
    "hundred",
    "hours",
    "hour",
    "minutes",
    "minute",
    "seconds",
    "second",
    "days",
    "day",
    "weeks",
    "week",
    "months",
    "month",
    "years",
    "year",
    "times",
    "degrees",
    "dollars",
    "euros",
    "pounds",
    "meters",
    "metres",
    "kilometers",
    "kilometres",
    "miles",
    "grams",
    "kilograms",
    "liters",
    "litres",
    "watts",
    "volts",
    "prozent",
    "millionen",
    "milliarden",
    "stunden",
    "minuten",
    "sekunden",
    "tage",
    "jahre",
    "euro",
    "meter",
    "kilometer",
    "grad",
    "heures",
    "ans",
    "jours",
    "mètres",
    "años",
    "horas",
    "días",
];
/// Chinese characters that end the word before.
const ENCLITIC: &[char] = &['的', '了', '吗', '呢', '吧', '着', '过', '地', '得', '们'];

/// Units of a row of words.
pub(super) fn units(words: &[Heard]) -> Vec<Unit> {
    let mut units: Vec<Unit> = Vec::new();
    let mut rest = words;
    while let Some((first, others)) = rest.split_first() {
        let mut run = vec![first];
        let mut before = first;
        for word in others {
            // Where neither side writes spaces, there is none, whatever parted them in the text.
            if before.ends || !word.joined && are_spaced(&before.shown, &word.shown) {
                break;
            }
            run.push(word);
            before = word;
        }
        rest = &rest[run.len()..];
        let space = units.last().is_some_and(|unit| are_spaced(&unit.text, &first.shown));
        let from = units.len();
        pieces(&run, &mut units);
        if let Some(unit) = units.get_mut(from) {
            unit.space = space;
        }
    }
    for index in 1..units.len() {
        let bond = bond(&units[index - 1], &units[index]);
        let unit = &mut units[index - 1];
        unit.after = if unit.after == Bond::Sentence { Bond::Sentence } else { bond };
    }
    units
}

/// The units of words that no space parts; the last one knows whether a sentence ends.
fn pieces(run: &[&Heard], units: &mut Vec<Unit>) {
    let text: String = run.iter().map(|word| word.shown.as_str()).collect();
    let ends = run.last().is_some_and(|word| word.ends);
    let mut from = 0;
    for to in borders(&text) {
        units.push(Unit {
            text: text[from..to].into(),
            space: false,
            at: time_of(run, from, true),
            until: time_of(run, to, false),
            after: if ends && to == text.len() { Bond::Sentence } else { Bond::Word },
        });
        from = to;
    }
}

/// When the letter at a byte of a run is heard: as the beginning of what comes there, or as the end of what came before.
fn time_of(run: &[&Heard], byte: usize, begins: bool) -> Span {
    let mut start = 0;
    for word in run {
        let end = start + word.shown.len();
        match byte {
            _ if byte == start && begins => return word.at,
            _ if byte == end && !begins => return word.until,
            _ if byte > start && byte < end => {
                return word.at + Span((word.until - word.at).0 * (byte - start) as i64 / (end - start) as i64);
            }
            _ => start = end,
        }
    }
    run.last().map_or(Span::ZERO, |word| word.until)
}

/// Where a text without spaces between its words may be parted, its end last; no piece is longer than a line.
fn borders(text: &str) -> Vec<usize> {
    let inside: Vec<usize> = if !text.contains(char::is_whitespace) && text.chars().any(|ch| is_unspaced(ch) || is_complex(ch)) {
        let lines: Vec<usize> = LineSegmenter::new_dictionary(LineBreakOptions::default()).segment_str(text).collect();
        let words = WordSegmenter::new_dictionary(WordBreakInvariantOptions::default());
        words.segment_str(text).filter(|border| lines.binary_search(border).is_ok()).collect()
    } else {
        Vec::new()
    };
    let limit = limit(text);
    let (mut borders, mut from) = (Vec::new(), 0);
    for to in inside.into_iter().filter(|&to| to > 0 && to < text.len()).chain([text.len()]) {
        let mut width = 0;
        for (at, letter) in text[from..to].grapheme_indices(true) {
            width += columns(letter);
            if width > limit && at > 0 {
                borders.push(from + at);
                width = columns(letter);
            }
        }
        borders.push(to);
        from = to;
    }
    borders
}

/// How two units hold together.
fn bond(one: &Unit, next: &Unit) -> Bond {
    let (last, first) = (one.text.chars().last().unwrap_or(' '), next.text.chars().next().unwrap_or(' '));
    if is_mark(last) && !HOLDING.contains(&one.text.to_lowercase().as_str()) {
        return Bond::Mark;
    }
    if !next.space && is_unspaced(last) && is_unspaced(first) {
        // Particles and endings are written in hiragana, behind what they belong to.
        return if is_hiragana(first) || ENCLITIC.contains(&first) && next.text.chars().count() == 1 {
            Bond::Tight
        } else if is_hiragana(last) {
            Bond::Phrase
        } else {
            Bond::Word
        };
    }
    let bare = |text: &str| text.trim_matches(|ch: char| matches!(ch, '(' | '[' | '"' | '“' | '„' | '«' | '¿' | '¡')).to_lowercase();
    let (one, next) = (bare(&one.text), bare(&next.text));
    let ended = next.trim_end_matches(|ch: char| !ch.is_alphanumeric());
    let is_number = |text: &str| text.ends_with(|ch: char| ch.is_ascii_digit()) && !text.contains(char::is_alphabetic);
    let leads = |text: &str| LEADING.contains(&text);
    let counts = is_number(&one) && !leads(&next) && (ended.chars().count() <= 3 || UNITS.contains(&ended));
    if HOLDING.contains(&one.as_str()) || counts {
        Bond::Never
    } else if leads(&one) || is_number(ended) && !is_number(&one) {
        Bond::Tight
    } else if leads(&next) {
        Bond::Phrase
    } else {
        Bond::Word
    }
}

/// A word as written ends a sentence; one that may be a title does not.
pub(super) fn ends_sentence(word: &str) -> bool {
    scripts::ends_sentence(word) && !HOLDING.contains(&word.to_lowercase().as_str())
}

fn is_mark(ch: char) -> bool {
    matches!(ch, ',' | ';' | ':' | '.' | '!' | '?' | '…' | '—' | '–' | ')' | ']' | '،' | '؛' | '؟' | '।' | '॥' | '۔')
        || matches!(ch, '、' | '，' | '。' | '；' | '：' | '！' | '？' | '）' | '」' | '』' | '･' | '・')
}

/// Thai, Lao, Burmese, Khmer: words are found by dictionary.
fn is_complex(ch: char) -> bool {
    matches!(ch as u32, 0x0E00..=0x0EFF | 0x1000..=0x109F | 0x1780..=0x17FF)
}

fn is_hiragana(ch: char) -> bool {
    matches!(ch as u32, 0x3041..=0x309F)
}
