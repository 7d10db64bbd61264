//! What a lecture should be like: settings, and instructions in people's own words.
//!
//! A model is given the instructions as they are. The local writer reads them here, clause by clause, by rules; a clause that no rule
//! knows is handed back, so that it can be said that it was not followed.

mod phrases;

use super::sentences::{same_language, terms};
use engine::time::Span;
use phrases::{CALM, FOCUS, FRIENDLY, LANGUAGES, MINUTES, NUMBERS, OMIT, ONLY, POINTS, SECONDS, SHORT, SIMPLE, SLIDES, VERBATIM, WHOLE};
use std::collections::BTreeSet;

/// What a lecture should be like. Empty: as the content is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Brief {
    /// In the author's words: `Keep it under one minute. For beginners.` May be empty.
    pub instructions: String,
    /// Language of the lecture as a BCP 47 tag; `None` = that of the content.
    pub language: Option<String>,
    /// About how long it is to be.
    pub length: Option<Span>,
    /// How many slides it is to have, the first and the last counted.
    pub slides: Option<usize>,
}

impl Brief {
    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        *self == Brief::default()
    }
}

/// What the rules understood of a brief.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Wishes {
    /// The whole lecture at most this long.
    pub length: Option<Span>,
    /// Shorter or longer than it would be otherwise.
    pub extent: Extent,
    pub slides: Option<usize>,
    /// Lines on a slide.
    pub points: Option<usize>,
    /// Short sentences, no asides.
    pub simple: bool,
    /// A pause after each paragraph.
    pub calm: bool,
    /// A warm greeting.
    pub friendly: bool,
    /// Terms to dwell on.
    pub focus: BTreeSet<String>,
    /// Nothing but what the focus names.
    pub only: bool,
    /// Terms to leave out.
    pub omit: BTreeSet<String>,
    pub no_agenda: bool,
    pub no_opening: bool,
    pub no_closing: bool,
    /// A language it should be in and is not.
    pub foreign: Option<String>,
    /// Clauses that no rule knows, as written.
    pub unknown: Vec<String>,
}

/// How much of the content is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Extent {
    #[default]
    Usual,
    /// About half.
    Short,
    /// All of it.
    Whole,
    /// All of it, word for word.
    Verbatim,
}

impl Wishes {
    /// Reads a brief for content in `language`.
    pub fn read(brief: &Brief, language: &str) -> Wishes {
        let mut wishes = Wishes { length: brief.length, slides: brief.slides, ..Wishes::default() };
        for clause in clauses(&brief.instructions) {
            if !wishes.clause(&clause.to_lowercase(), language) {
                wishes.unknown.push(clause);
            }
        }
        if let Some(asked) = brief.language.as_ref().filter(|asked| !same_language(asked, language)) {
            wishes.foreign = Some(asked.clone());
        }
        wishes
    }

    /// Whether the text is to be dwelt on.
    pub fn favours(&self, text: &str) -> bool {
        !self.focus.is_empty() && terms(text).iter().any(|term| self.focus.contains(term))
    }

    /// Whether the text is to be left out.
    pub fn drops(&self, text: &str) -> bool {
        !self.omit.is_empty() && terms(text).iter().any(|term| self.omit.contains(term))
    }

    /// Takes one clause in lower case; false = not understood.
    fn clause(&mut self, clause: &str, language: &str) -> bool {
        let words: Vec<&str> =
            clause.split(|c: char| !(c.is_alphanumeric() || "'-./".contains(c))).filter(|word| !word.is_empty()).collect();
        let line = format!(" {} ", words.join(" "));
        let says = |phrases: &[&str]| {
            phrases.iter().any(|phrase| line.contains(&format!(" {phrase} ")) || (!phrase.is_ascii() && line.contains(phrase)))
        };
        let after = |phrases: &[&str]| {
            phrases.iter().find_map(|phrase| line.split_once(&format!(" {phrase} ")).map(|(_, rest)| rest.trim().to_string()))
        };
        let mut known = false;
        for (number, unit) in amounts(&words) {
            known = true;
            match unit {
                Unit::Seconds(each) => {
                    let length = Span::from_seconds_f64((each * number).clamp(1.0, 86_400.0));
                    self.length = Some(self.length.map_or(length, |before| before.min(length)));
                }
                Unit::Slides => self.slides = Some(number.round() as usize),
                Unit::Points => self.points = Some((number.round() as usize).max(1)),
            }
        }
        if let Some(what) = after(&FOCUS) {
            self.focus.extend(terms(&what).into_iter().filter(|term| !FILLERS.contains(&term.as_str())));
            return true;
        }
        if let Some(what) = after(&OMIT) {
            let parts = [
                (&mut self.no_agenda, ["agenda", "overview", "outline"]),
                (&mut self.no_opening, ["greeting", "welcome", "introduction"]),
                (&mut self.no_closing, ["closing", "summary", "conclusion"]),
            ];
            let mut ours = false;
            for (flag, names) in parts {
                if terms(&what).iter().any(|term| names.contains(&term.as_str())) {
                    *flag = true;
                    ours = true;
                }
            }
            if !ours && !known {
                self.omit.extend(terms(&what).into_iter().filter(|term| !FILLERS.contains(&term.as_str())));
            }
            return true;
        }
        let named = LANGUAGES.iter().find(|(name, _)| says(&[name]));
        if let Some((_, tag)) = named {
            if !same_language(tag, language) {
                self.foreign = Some(tag.to_string());
            }
            return true;
        }
        if says(&["translate", "translation", "übersetze", "traduire", "翻译"]) {
            self.foreign = Some("another language".into());
            return true;
        }
        if says(&VERBATIM) {
            self.extent = Extent::Verbatim;
            return true;
        }
        if says(&SIMPLE) {
            self.simple = true;
            known = true;
        }
        let rest = line.replace(" short sentences ", " ");
        let says_of_rest = |phrases: &[&str]| {
            phrases.iter().any(|phrase| rest.contains(&format!(" {phrase} ")) || (!phrase.is_ascii() && rest.contains(phrase)))
        };
        if says_of_rest(&SHORT) {
            self.extent = Extent::Short;
            known = true;
        } else if says_of_rest(&WHOLE) && !known {
            self.extent = Extent::Whole;
            known = true;
        }
        if says(&CALM) {
            self.calm = true;
            known = true;
        }
        if says(&FRIENDLY) {
            self.friendly = true;
            known = true;
        }
        if !known && let Some(what) = after(&ONLY) {
            self.focus.extend(terms(&what).into_iter().filter(|term| !FILLERS.contains(&term.as_str())));
            self.only = true;
            known = !self.focus.is_empty();
        }
        known
    }
}

/// Words of an instruction that name no subject.
const FILLERS: [&str; 16] = [
    "the", "and", "about", "any", "all", "please", "chapter", "section", "part", "parts", "chapters", "sections", "slides", "mention",
    "more", "main",
];

/// Instructions in pieces that each say one thing.
fn clauses(instructions: &str) -> Vec<String> {
    // A full stop inside a number ends nothing.
    let characters: Vec<char> = instructions.chars().collect();
    let ends = |index: usize| match characters[index] {
        '.' | ',' => !characters.get(index + 1).is_some_and(char::is_ascii_digit),
        c => ";!?\n。，；！、".contains(c),
    };
    let mut clauses = vec![String::new()];
    for (index, character) in characters.iter().enumerate() {
        if ends(index) {
            clauses.push(String::new());
        } else {
            clauses.last_mut().expect("one is always open").push(*character);
        }
    }
    let polite = |clause: &str| ["please", "thanks", "thank you"].contains(&clause.to_lowercase().as_str());
    let single = clauses.iter().flat_map(|clause| demands(clause)).map(|clause| clause.trim().to_string());
    single.filter(|clause| clause.chars().any(char::is_alphanumeric) && !polite(clause)).collect()
}

/// Cuts at an `and` or `but` after which another demand begins: `focus on wind and water, and skip the rest`.
fn demands(clause: &str) -> Vec<String> {
    const BEGIN: [&str; 11] = ["keep", "make", "use", "speak", "be", "translate", "read", "add", "give", "write", "say"];
    let mut demands: Vec<String> = Vec::new();
    for piece in clause.replace(" but ", " and ").split(" and ") {
        let small = format!("{} ", piece.trim().to_lowercase());
        let begins = BEGIN.iter().chain(&FOCUS).chain(&OMIT).any(|word| small.starts_with(&format!("{word} ")));
        match demands.last_mut().filter(|_| !begins) {
            Some(last) => *last = format!("{last} and {piece}"),
            None => demands.push(piece.into()),
        }
    }
    demands
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Unit {
    Seconds(f64),
    Slides,
    Points,
}

/// Numbers with their units: `two minutes`, `90-second`, `5 slides`, `3分钟`.
fn amounts(words: &[&str]) -> Vec<(f64, Unit)> {
    let unit = |word: &str| match word {
        _ if MINUTES.contains(&word) => Some(Unit::Seconds(60.0)),
        _ if SECONDS.contains(&word) => Some(Unit::Seconds(1.0)),
        _ if SLIDES.contains(&word) => Some(Unit::Slides),
        _ if POINTS.contains(&word) => Some(Unit::Points),
        _ => None,
    };
    let number = |word: &str| {
        let named = NUMBERS.iter().find(|(name, _)| *name == word).map(|(_, value)| *value);
        named.or_else(|| word.parse::<f64>().ok()).filter(|value| value.is_finite() && *value > 0.0 && *value < 100_000.0)
    };
    let mut found = Vec::new();
    let words: Vec<String> = words.iter().flat_map(|word| apart(word)).collect();
    for (index, word) in words.iter().enumerate() {
        let Some(value) = number(word) else { continue };
        // "three short slides": a word may stand between.
        let next = words[index + 1..].iter().take(2).take_while(|word| number(word).is_none()).find_map(|word| unit(word));
        found.extend(next.map(|unit| (value, unit)));
    }
    found
}

/// `90-second`, `3min` and `3分钟` as number and unit.
fn apart(word: &str) -> Vec<String> {
    let mut pieces: Vec<String> = Vec::new();
    let mut digits = None;
    for c in word.chars() {
        let digit = c.is_ascii_digit() || (c == '.' && digits == Some(true));
        match pieces.last_mut() {
            Some(piece) if digits == Some(digit) => piece.push(c),
            _ => pieces.push(c.to_string()),
        }
        digits = Some(digit);
    }
    pieces.iter().map(|piece| piece.trim_matches(['-', '.', '/']).to_string()).filter(|piece| !piece.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(instructions: &str) -> Wishes {
        Wishes::read(&Brief { instructions: instructions.into(), ..Brief::default() }, "en")
    }

    #[test]
    fn lengths_and_counts_are_understood() {
        let seconds = |text: &str| read(text).length.map(|span| span.as_seconds());
        assert_eq!(seconds("Keep it under one minute."), Some(60.0));
        assert_eq!(seconds("a 90-second summary"), Some(90.0));
        assert_eq!(seconds("at most 2.5 minutes, please"), Some(150.0));
        assert_eq!(seconds("不超过3分钟"), Some(180.0));
        assert_eq!(seconds("Be kind"), None);
        assert_eq!((read("five slides").slides, read("no more than 7 slides").slides), (Some(5), Some(7)));
        assert_eq!(read("three bullets a slide").points, Some(3));
        let asked = Brief { instructions: "under 3 minutes".into(), length: Some(Span::from_seconds(60)), ..Brief::default() };
        assert_eq!(Wishes::read(&asked, "en").length, Some(Span::from_seconds(60)), "the smaller one holds");
    }

    #[test]
    fn manner_and_extent_are_understood() {
        let friendly = read("Friendly, short sentences.");
        assert!(friendly.friendly && friendly.simple && friendly.extent == Extent::Usual && friendly.unknown.is_empty(), "{friendly:?}");
        assert_eq!(read("Make it short.").extent, Extent::Short);
        assert_eq!(read("Read the notes as they are.").extent, Extent::Verbatim);
        assert_eq!(read("Much more detail, please").extent, Extent::Whole);
        assert!(read("Speak calmly.").calm && read("for beginners").simple);
    }

    #[test]
    fn subjects_are_dwelt_on_or_left_out() {
        let wishes = read("Focus on solar power and skip the history. Without an agenda.");
        assert!(wishes.favours("Solar panels") && wishes.drops("A short history of") && wishes.no_agenda);
        assert!(!wishes.drops("Solar power"));
        assert!(read("only wind").only);
    }

    #[test]
    fn what_no_rule_knows_is_handed_back() {
        assert_eq!(read("Sound like a pirate. Be short").unknown, ["Sound like a pirate"]);
        assert_eq!(read("in French").foreign.as_deref(), Some("fr"));
        assert_eq!(read("in English").foreign, None);
        assert!(read("").unknown.is_empty());
    }
}
