//! Sentences, words and lengths, for all scripts alike: Unicode's rules (UAX 29) and a few of our own where they fall short.

use engine::time::Span;
use std::collections::BTreeSet;
use std::ops::Range;
use unicode_segmentation::UnicodeSegmentation;

/// Abbreviations whose full stop ends no sentence, in lower case. A single letter never ends one.
const ABBREVIATIONS: [&str; 40] = [
    "dr", "mr", "mrs", "ms", "prof", "st", "sr", "jr", "vs", "cf", "al", "eg", "ie", "e.g", "i.e", "fig", "figs", "eq", "no", "nr", "vol",
    "pp", "ca", "approx", "bzw", "usw", "z.b", "u.a", "d.h", "ggf", "inkl", "mme", "mlle", "sra", "dott", "ing", "inc", "ltd", "co", "р",
];

/// The sentences of a paragraph, trimmed, none empty; line ends count as spaces.
pub fn sentences(text: &str) -> Vec<String> {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    sentence_ranges(&text).into_iter().map(|range| text[range].to_string()).collect()
}

/// Where the sentences of a text lie in it, without the space around them, none empty; a line end ends one.
pub fn sentence_ranges(text: &str) -> Vec<Range<usize>> {
    let mut ranges: Vec<Range<usize>> = Vec::new();
    let mut open = false;
    let mut before = None;
    for (at, piece) in text.split_sentence_bound_indices() {
        // Unicode ends a sentence at every `?` and `!`: inside of an address, too.
        open |= before.is_some_and(|last: char| last.is_ascii() && !last.is_whitespace()) && !piece.starts_with(is_unspaced);
        before = piece.chars().next_back();
        let said = piece.trim();
        if said.is_empty() {
            continue;
        }
        let start = at + piece.len() - piece.trim_start().len();
        match ranges.last_mut() {
            Some(last) if open => last.end = start + said.len(),
            _ => ranges.push(start..start + said.len()),
        }
        open = ranges.last().is_some_and(|last| abbreviated(&text[last.clone()]));
    }
    ranges
}

/// The text ends in an abbreviation rather than with a sentence.
fn abbreviated(text: &str) -> bool {
    let Some(rest) = text.strip_suffix('.') else { return false };
    let word = rest.rsplit([' ', '(', '\u{a0}']).next().unwrap_or_default();
    let letters = word.chars().filter(|c| c.is_alphabetic()).count();
    let single = letters == 1 && word.chars().all(|c| c.is_alphabetic() && c.is_uppercase() || c == '.');
    single || ABBREVIATIONS.contains(&word.to_lowercase().as_str())
}

/// Written without spaces between words, about one syllable a character and twice as wide as a Latin letter.
pub(super) fn is_wide(c: char) -> bool {
    matches!(c, '\u{2e80}'..='\u{303e}' | '\u{3041}'..='\u{33ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}' | '\u{ff00}'..='\u{ff60}' | '\u{20000}'..='\u{3fffd}')
}

/// Scripts whose words do not stand apart: pairs of neighbours serve as words.
fn is_unspaced(c: char) -> bool {
    (is_wide(c) && !matches!(c, '\u{ac00}'..='\u{d7a3}'))
        || matches!(c, '\u{0e00}'..='\u{0eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}')
}

/// The words by which texts are compared, in order: lower case, numbers too, neither one letter nor a sign.
pub fn terms(text: &str) -> Vec<String> {
    let mut terms = Vec::new();
    let mut before: Option<char> = None;
    for word in text.unicode_words() {
        if word.chars().all(is_unspaced) {
            for c in word.chars() {
                if let Some(before) = before {
                    terms.push(String::from_iter([before, c]));
                }
                before = Some(c);
            }
        } else {
            before = None;
            let word = word.to_lowercase();
            if word.chars().count() > 2 || word.chars().all(|c| c.is_ascii_digit()) {
                terms.push(word);
            }
        }
    }
    terms
}

/// Part of the terms that both texts have, of those that either has.
pub(super) fn likeness(a: &BTreeSet<String>, b: &BTreeSet<String>) -> f64 {
    let all = a.union(b).count();
    if all == 0 { 0.0 } else { a.intersection(b).count() as f64 / all as f64 }
}

/// Letters of speech a second, pauses between clauses and sentences included.
const LETTERS_A_SECOND: f64 = 15.5;
/// Syllables of a script that writes one a character.
const SYLLABLES_A_SECOND: f64 = 4.6;

/// About how long it takes to say a text.
pub fn seconds(text: &str) -> f64 {
    let wide = text.chars().filter(|c| is_wide(*c) && c.is_alphanumeric()).count();
    let letters = text.chars().filter(|c| !is_wide(*c)).count();
    wide as f64 / SYLLABLES_A_SECOND + letters as f64 / LETTERS_A_SECOND
}

/// About how long the speech of several texts takes.
pub(super) fn length(texts: impl IntoIterator<Item = impl AsRef<str>>) -> Span {
    Span::from_seconds_f64(texts.into_iter().map(|text| seconds(text.as_ref())).sum())
}

/// Width of a text in columns: one for a letter, two for an ideograph, none for a combining mark.
pub fn columns(text: &str) -> usize {
    text.graphemes(true).map(|grapheme| if grapheme.chars().next().is_some_and(is_wide) { 2 } else { 1 }).sum()
}

/// The text on one line in at most `most` columns: cut at a word with an ellipsis when it is longer.
pub fn clip(text: &str, most: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if columns(&line) <= most {
        return line;
    }
    let mut kept = String::new();
    let mut whole = 0;
    for (at, piece) in line.split_word_bound_indices() {
        if columns(&line[..at + piece.len()]) >= most {
            break;
        }
        if piece.trim().is_empty() || piece.chars().all(is_unspaced) {
            whole = if piece.trim().is_empty() { at } else { at + piece.len() };
        }
        kept = line[..at + piece.len()].to_string();
    }
    // A single word that is too long is cut inside.
    let end = if whole > 0 { whole } else { kept.len() };
    let kept = if end > 0 { line[..end].to_string() } else { line.graphemes(true).take(most.saturating_sub(1).max(1)).collect() };
    format!("{}…", kept.trim_end_matches(|c: char| c.is_whitespace() || ",;:–-、，；：(".contains(c)))
}

/// Whether two BCP 47 tags name one language; Chinese in two scripts is two.
pub fn same_language(a: &str, b: &str) -> bool {
    let of = |tag: &str| {
        let tag = tag.to_lowercase().replace('_', "-");
        let primary = tag.split('-').next().unwrap_or_default().to_string();
        let traditional = primary == "zh" && (tag.contains("hant") || tag.contains("-tw") || tag.contains("-hk"));
        (primary, traditional)
    };
    of(a) == of(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_end_where_readers_end_them() {
        let text = "Dr. Smith met J. R. Brown at 3.5 km, e.g. near Fig. 2.  It rained!\nDid it? \"Yes.\" He left";
        let expected = ["Dr. Smith met J. R. Brown at 3.5 km, e.g. near Fig. 2.", "It rained!", "Did it?", "\"Yes.\"", "He left"];
        assert_eq!(sentences(text), expected);
        assert_eq!(sentences("今日は晴れです。明日は雨です。"), ["今日は晴れです。", "明日は雨です。"]);
        assert_eq!(sentences("真的?是。好！GPU很快。"), ["真的?", "是。", "好！", "GPU很快。"]);
        let address = "See https://example.org/x?y=1&z=a!b for more. (Is it?) It is!\nYes.";
        assert_eq!(sentences(address), ["See https://example.org/x?y=1&z=a!b for more.", "(Is it?)", "It is!", "Yes."]);
        assert_eq!(sentence_ranges("a?b\nC?D"), [0..3, 4..7]);
        assert_eq!(sentences("هذا سؤال؟ نعم."), ["هذا سؤال؟", "نعم."]);
        assert!(sentences(" \n ").is_empty());
    }

    #[test]
    fn terms_are_words_or_pairs() {
        assert_eq!(terms("The Cat, in 9 lives"), ["the", "cat", "9", "lives"]);
        assert_eq!(terms("機械学習"), ["機械", "械学", "学習"]);
    }

    #[test]
    fn clipping_keeps_words_whole_and_widths() {
        assert_eq!(clip("a  short\nline", 20), "a short line");
        assert_eq!(clip("one two, three four", 12), "one two…");
        assert_eq!(clip("incomprehensibilities", 8), "incompr…");
        assert_eq!(clip("機械学習は楽しい分野です", 12), "機械学習は…");
        assert_eq!(columns("aé日e\u{301}"), 5);
        for most in 3..30 {
            for text in [
                "one two, three four five six",
                "機械学習は楽しい分野です機械学習は",
                "incomprehensibilities everywhere",
                "مرحبا بكم في المحاضرة الأولى",
            ] {
                assert!(columns(&clip(text, most)) <= most, "{most} {:?}", clip(text, most));
            }
        }
    }

    #[test]
    fn languages_are_compared_by_what_is_spoken() {
        assert!(same_language("en-US", "en") && same_language("zh-CN", "zh-Hans"));
        assert!(!same_language("zh-Hant", "zh") && !same_language("de", "en"));
    }
}
