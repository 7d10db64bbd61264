//! From phonemes to model symbols, and from the model's durations back to times of phonemes, words and mouth shapes.
//!
//! The model reads one id per symbol with a blank after each, and says for how many frames each lasted. A blank sits between two sounds
//! and holds the transition, so half of it goes to either side.

use std::ops::Range;

use engine::time::{Rate, Span};

use super::align::is_modifier;
use super::{Phoneme, Timed};
use crate::speech::viseme::{Viseme, from_ipa};

/// Silence inside a clause shorter than this does not close the mouth.
const MOUTH_CLOSES: Span = Span::from_millis(90);

/// What a group of model symbols is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A speech sound of a word.
    Sound { ipa: String, stressed: bool, word: Option<usize> },
    /// A space or punctuation.
    Gap,
}

/// Consecutive model symbols that belong together: a letter with its stress and modifiers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Group {
    pub kind: Kind,
    /// Indices into the symbols.
    pub symbols: Range<usize>,
}

/// The symbols of a clause in reading order with their words; `comma_after` says which words are followed by a comma, `end` is the last
/// punctuation.
pub(super) fn symbols(ipa: &str, words: &[Option<usize>], comma_after: impl Fn(usize) -> bool, end: char) -> Vec<(char, Option<usize>)> {
    let mut symbols = Vec::with_capacity(ipa.len() + 1);
    let chars: Vec<char> = ipa.chars().collect();
    for (index, &ch) in chars.iter().enumerate() {
        symbols.push((ch, words[index]));
        let next = words[index + 1..].iter().flatten().next();
        if let Some(word) = words[index]
            && comma_after(word)
            && next.is_some_and(|next| *next != word)
            && !words[index + 1..].iter().take_while(|next| next.is_some()).any(|next| *next == Some(word))
        {
            symbols.push((',', None));
            // Words that espeak-ng joined have no space between them.
            if chars.get(index + 1) != Some(&' ') {
                symbols.push((' ', None));
            }
        }
    }
    symbols.push((end, None));
    symbols
}

/// Groups symbols: stress marks lead a sound, modifiers follow it, `t ʃ` and `d ʒ` are one sound each.
pub(super) fn group(symbols: &[(char, Option<usize>)]) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut lead: Option<(usize, bool)> = None;
    for (index, &(ch, word)) in symbols.iter().enumerate() {
        if matches!(ch, 'ˈ' | 'ˌ') {
            let (start, stressed) = lead.unwrap_or((index, false));
            lead = Some((start, stressed || ch == 'ˈ'));
            continue;
        }
        let (start, stress) = lead.take().unwrap_or((index, false));
        let goes_on = word.is_some() && (is_modifier(ch) || ends_affricate(groups.last(), ch, word, start == index));
        if goes_on && let Some(Group { kind: Kind::Sound { ipa, .. }, symbols }) = groups.last_mut() {
            ipa.push(ch);
            symbols.end = index + 1;
            continue;
        }
        let kind = if word.is_some() { Kind::Sound { ipa: ch.to_string(), stressed: stress, word } } else { Kind::Gap };
        groups.push(Group { kind, symbols: start..index + 1 });
    }
    groups
}

/// `ch`, without a mark before it, is the second half of a sound whose first is `last`.
fn ends_affricate(last: Option<&Group>, ch: char, word: Option<usize>, unmarked: bool) -> bool {
    matches!(last, Some(Group { kind: Kind::Sound { ipa, word: before, .. }, .. })
        if unmarked && *before == word && matches!((ipa.as_str(), ch), ("t", 'ʃ') | ("d", 'ʒ') | ("t", 'ɕ') | ("d", 'ʑ')))
}

/// Exact start and end of each group in samples, from the frames of each id (the ids are: start mark, blank, then every symbol and a blank,
/// end mark). `symbol_ids[i]` are the positions of symbol `i` among the ids. Returns also the length of it all.
pub(super) fn exact(groups: &[Group], symbol_ids: &[Range<usize>], frames: &[f32], hop: usize) -> Vec<Range<i64>> {
    let mut half = Vec::with_capacity(frames.len() + 1);
    let mut total = 0_i64;
    // Positions in half frames: exact, as blanks are split in the middle.
    half.push(0);
    for count in frames {
        total += (count.max(0.0) as i64) * 2;
        half.push(total);
    }
    let middle = |blank: usize| (half[blank] + half[blank + 1]) / 2;
    groups
        .iter()
        .map(|group| {
            let first = symbol_ids[group.symbols.start].start;
            let last = symbol_ids[group.symbols.end - 1].end;
            middle(first - 1) * hop as i64 / 2..middle(last) * hop as i64 / 2
        })
        .collect()
}

/// Times for a model that does not tell: the sound between its first and last loud sample is shared among the groups, vowels twice as
/// long as consonants.
pub(super) fn estimated(groups: &[Group], samples: &[f32]) -> Vec<Range<i64>> {
    let loud = samples.iter().fold(0.0_f32, |loudest, sample| loudest.max(sample.abs())) * 0.02;
    let start = samples.iter().position(|sample| sample.abs() > loud).unwrap_or(0) as i64;
    let end = samples.iter().rposition(|sample| sample.abs() > loud).map_or(samples.len(), |last| last + 1) as i64;
    let weights: Vec<i64> = groups
        .iter()
        .enumerate()
        .map(|(index, group)| match &group.kind {
            Kind::Gap if index + 1 == groups.len() => 0,
            Kind::Gap => 1,
            Kind::Sound { ipa, .. } => {
                if matches!(from_ipa(ipa), Viseme::Aa | Viseme::E | Viseme::Ih | Viseme::Oh | Viseme::Ou) {
                    4
                } else {
                    2
                }
            }
        })
        .collect();
    let total = weights.iter().sum::<i64>().max(1);
    let mut before = 0;
    weights
        .iter()
        .map(|weight| {
            let from = start + (end - start) * before / total;
            before += weight;
            from..start + (end - start) * before / total
        })
        .collect()
}

/// What is cut from the samples: silence before the first and after the last sound, except what is `kept` on either side.
pub(super) fn sounding(groups: &[Group], times: &[Range<i64>], length: i64, kept: (i64, i64)) -> Range<i64> {
    let sounds = || groups.iter().zip(times).filter(|(group, _)| group.kind != Kind::Gap).map(|(_, time)| time);
    match (sounds().next(), sounds().next_back()) {
        (Some(first), Some(last)) => (first.start - kept.0).clamp(0, length)..(last.end + kept.1).clamp(0, length),
        _ => 0..0,
    }
}

/// Phonemes, word spans (by word index) and mouth shapes, in time from the cut's start.
pub(super) struct Times {
    pub phonemes: Vec<Timed<Phoneme>>,
    pub words: Vec<Timed<bool>>,
    pub visemes: Vec<Timed<Viseme>>,
}

/// Puts times in samples of `rate` onto phonemes, on `count` words (stressed or not) and on visemes up to `duration`.
pub(super) fn times(groups: &[Group], samples: &[Range<i64>], cut_start: i64, rate: Rate, count: usize, duration: Span) -> Times {
    let at = |sample: i64| rate.span_of(sample - cut_start).min(duration).max(Span::ZERO);
    let mut phonemes = Vec::with_capacity(groups.len());
    let mut spans: Vec<Option<(Span, Span, bool)>> = vec![None; count];
    let mut mouth: Vec<Timed<Viseme>> = vec![Timed { at: Span::ZERO, dur: Span::ZERO, value: Viseme::Sil }];
    for (group, samples) in groups.iter().zip(samples) {
        let (start, end) = (at(samples.start), at(samples.end));
        match &group.kind {
            Kind::Sound { ipa, stressed, word } => {
                phonemes.push(Timed { at: start, dur: end - start, value: Phoneme { ipa: ipa.clone(), stressed: *stressed } });
                // What has no shape (a glottal stop) keeps the one before.
                let value = from_ipa(ipa);
                if value != Viseme::Sil {
                    mouth.push(Timed { at: start, dur: Span::ZERO, value });
                }
                if let Some(span) = word.and_then(|word| spans.get_mut(word)) {
                    let (first, _, any) = span.unwrap_or((start, end, false));
                    *span = Some((first, end, any || *stressed));
                }
            }
            Kind::Gap if end - start >= MOUTH_CLOSES => mouth.push(Timed { at: start, dur: Span::ZERO, value: Viseme::Sil }),
            Kind::Gap => {}
        }
    }
    if let Some(last) = phonemes.last() {
        mouth.push(Timed { at: last.end(), dur: Span::ZERO, value: Viseme::Sil });
    }
    let mut before = phonemes.first().map_or(Span::ZERO, |first| first.at);
    let words = spans
        .into_iter()
        .map(|span| {
            let (start, end, stressed) = span.unwrap_or((before, before, false));
            before = end;
            Timed { at: start, dur: end - start, value: stressed }
        })
        .collect();
    Times { phonemes, words, visemes: gapless(mouth, duration) }
}

/// Each shape lasts until the next; equal neighbours become one, shapes without length vanish.
pub(super) fn gapless(shapes: Vec<Timed<Viseme>>, duration: Span) -> Vec<Timed<Viseme>> {
    let ends: Vec<Span> = shapes.iter().skip(1).map(|next| next.at).chain([duration]).collect();
    let mut result: Vec<Timed<Viseme>> = Vec::with_capacity(shapes.len());
    for (shape, end) in shapes.into_iter().zip(ends) {
        if end <= shape.at {
            continue;
        }
        match result.last_mut().filter(|last| last.value == shape.value) {
            Some(last) => last.dur = end - last.at,
            None => result.push(Timed { at: shape.at, dur: end - shape.at, value: shape.value }),
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sounds_take_their_marks_and_half_the_blanks() {
        let ipa = "tʃˈɪn ɪː";
        let words = [Some(0), Some(0), Some(0), Some(0), Some(0), None, Some(1), Some(1)];
        let symbols = symbols(ipa, &words, |word| word == 0, '.');
        assert_eq!(symbols.iter().map(|(ch, _)| ch).collect::<String>(), "tʃˈɪn, ɪː.");
        let groups = group(&symbols);
        let sounds: Vec<String> = groups
            .iter()
            .map(|group| match &group.kind {
                Kind::Sound { ipa, stressed, .. } => format!("{}{ipa}", if *stressed { "ˈ" } else { "" }),
                Kind::Gap => "|".to_owned(),
            })
            .collect();
        assert_eq!(sounds, ["tʃ", "ˈɪ", "n", "|", "|", "ɪː", "|"]);
        let ids: Vec<Range<usize>> = (0..symbols.len()).map(|index| 2 + 2 * index..3 + 2 * index).collect();
        let frames = vec![1.0; 2 + 2 * symbols.len() + 1];
        let times = exact(&groups, &ids, &frames, 256);
        assert_eq!(times[0], 384..1408, "from the middle of the first blank, two symbols of two frames");
        assert!(times.windows(2).all(|pair| pair[0].end == pair[1].start));
    }

    #[test]
    fn joined_words_get_their_comma_and_space() {
        let symbols = symbols("ʌvðə", &[Some(0), Some(0), Some(1), Some(1)], |word| word == 0, '?');
        assert_eq!(symbols.iter().map(|(ch, _)| ch).collect::<String>(), "ʌv, ðə?");
    }

    #[test]
    fn mouth_shapes_have_no_gaps() {
        let shape = |at: i64, value| Timed { at: Span(at), dur: Span::ZERO, value };
        let shapes = gapless(
            vec![shape(0, Viseme::Sil), shape(0, Viseme::Pp), shape(5, Viseme::Aa), shape(9, Viseme::Aa), shape(20, Viseme::Sil)],
            Span(20),
        );
        assert_eq!(
            shapes,
            [Timed { at: Span(0), dur: Span(5), value: Viseme::Pp }, Timed { at: Span(5), dur: Span(15), value: Viseme::Aa }]
        );
    }
}
