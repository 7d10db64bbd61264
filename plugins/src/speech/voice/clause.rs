//! What every engine does with a clause before its model and after it: phonemes for words, and sound cut, faded, resampled and timed.

use std::ops::Range;

use engine::time::{Rate, Span};

use super::espeak::Phonemizer;
use super::timing::Group;
use super::{FOREIGN_SCRIPT, SAMPLES, Synthesis, Timed, VoiceError, Word, align, emphasis, pauses, resample, script, timing};
use crate::speech::text::{Clause, Token, Unspoken};

/// Near silence kept before the first and after the last sound: room for a breath and a release.
const KEPT: (Span, Span) = (Span::from_millis(20), Span::from_millis(60));
/// The cuts are faded over this.
const FADE: Span = Span::from_millis(5);
/// Clauses are far shorter; what is longer is a mistake and would take gigabytes.
pub(super) const MOST_SYMBOLS: usize = 2000;

/// Phonemes with the word that each belongs to.
pub(super) type Symbols = Vec<(char, Option<usize>)>;

/// The words of a clause that are spoken, each with its index in the clause.
pub(super) struct Words<'a>(Vec<(usize, &'a Token)>);

/// Speaks the words of a clause that the language's script has, and reports the others.
pub(super) fn speak(
    clause: &Clause,
    voice: (&str, &str),
    say: impl FnOnce(&Words<'_>) -> Result<Synthesis, VoiceError>,
) -> Result<Synthesis, VoiceError> {
    let (id, language) = voice;
    let (words, foreign): (Vec<_>, Vec<_>) =
        clause.words.iter().enumerate().partition(|(_, word)| word.sounds.is_some() || script::is_readable(&word.spoken, language));
    let mut synthesis = if words.is_empty() { Synthesis::default() } else { say(&Words(words))? };
    synthesis.unspoken = clause.unspoken.clone();
    let foreign = foreign.iter().map(|(_, word)| Unspoken { text: word.text.clone(), range: word.range.clone(), reason: FOREIGN_SCRIPT });
    let count = foreign.len();
    synthesis.unspoken.extend(foreign);
    synthesis.unspoken.sort_by_key(|what| what.range.start);
    if count > 0 {
        tracing::warn!(voice = id, words = count, text = clause.text, "words in a script that the voice does not read are left out");
    }
    Ok(synthesis)
}

impl Words<'_> {
    /// Their phonemes in context, with the commas between them and the clause's last punctuation.
    pub fn symbols(&self, phonemizer: &Phonemizer, clause: &Clause, id: &str) -> Result<Symbols, VoiceError> {
        let mut text = String::new();
        for (_, word) in &self.0 {
            if !text.is_empty() && !word.joined {
                text.push(' ');
            }
            text.push_str(&word.spoken);
        }
        let spoken: Vec<&str> = self.0.iter().map(|(_, word)| word.spoken.as_str()).collect();
        let (ipa, alone) = phonemizer.phonemes(&text, &spoken)?;
        let lengths: Vec<usize> = spoken.iter().map(|word| word.len()).collect();
        let owners = align::words_of(&ipa, &alone, &lengths);
        let stressed = |index: usize| stressed_alone(&ipa, &owners, index, &alone[index]);
        let given = self.0.iter().enumerate();
        let given = given.map(|(index, (_, word))| word.sounds.as_deref().or_else(|| stressed(index).filter(|_| word.emphasis)));
        let given: Vec<Option<&str>> = given.collect();
        let (ipa, owners) = with_given(&ipa, owners, &given);
        let mut symbols = timing::symbols(&ipa, &owners, |word| self.0[word].1.comma, clause.mark);
        if symbols.len() > MOST_SYMBOLS {
            tracing::warn!(voice = id, text = clause.text, "a clause is too long to be spoken whole; its end is cut");
            symbols.truncate(MOST_SYMBOLS);
        }
        Ok(symbols)
    }

    /// The emphasised words before which a speaker holds back: not at the start, after a comma or after another one.
    fn held_back(&self) -> Vec<usize> {
        let held = |pair: &[(usize, &Token)]| pair[1].1.emphasis && !pair[0].1.emphasis && !pair[0].1.comma;
        self.0.windows(2).enumerate().filter(|(_, pair)| held(pair)).map(|(index, _)| index + 1).collect()
    }

    /// Sound and times from what a model made: its samples at `rate`, and the place of each group in them.
    pub fn synthesis(
        &self,
        groups: &[Group],
        mut times: Vec<Range<i64>>,
        mut samples: Vec<f32>,
        rate: Rate,
        estimated: bool,
    ) -> Result<Synthesis, VoiceError> {
        if !estimated {
            emphasis::hold_back(&self.held_back(), groups, &mut times, &mut samples, rate);
        }
        let times = &times;
        let part = timing::sounding(groups, times, samples.len() as i64, (rate.count_in(KEPT.0), rate.count_in(KEPT.1)));
        samples.truncate(part.end as usize);
        samples.drain(..part.start as usize);
        let mut samples = resample(&samples, rate.num())?;
        // Last of all: a converter rings at the edges.
        fade(&mut samples, SAMPLES.count_in(FADE) as usize);
        let timing::Times { phonemes, words: mut spans, visemes } =
            timing::times(groups, times, part.start, rate, self.0.len(), SAMPLES.span_of(samples.len() as i64));
        if !estimated {
            pauses::read_along(&mut spans, &samples);
        }
        let words = self.0.iter().zip(spans).map(|((token, word), span)| Timed {
            at: span.at,
            dur: span.dur,
            value: Word { token: *token, text: word.text.clone(), range: word.range.clone(), stressed: span.value },
        });
        Ok(Synthesis { samples, words: words.collect(), phonemes, visemes, unspoken: Vec::new(), estimated })
    }
}

/// The sounds of a word as it is said alone, where in the clause it has no main stress: `nˈɑːt` for `nˌɑːt`, `ðˈɛm` for `ðəm`.
fn stressed_alone<'a>(ipa: &str, owners: &[Option<usize>], word: usize, alone: &'a str) -> Option<&'a str> {
    let is_stressed = ipa.chars().zip(owners).any(|(ch, owner)| ch == 'ˈ' && *owner == Some(word));
    (!is_stressed && alone.contains('ˈ')).then_some(alone)
}

/// Puts given sounds in the place of a word's phonemes; where it has none, between those of its neighbours.
fn with_given(ipa: &str, owners: Vec<Option<usize>>, given: &[Option<&str>]) -> (String, Vec<Option<usize>>) {
    if given.iter().all(Option::is_none) {
        return (ipa.to_owned(), owners);
    }
    let mut text = String::with_capacity(ipa.len());
    let mut of = Vec::with_capacity(owners.len());
    let mut put = |word: usize, sounds: &str, text: &mut String| {
        for ch in sounds.chars() {
            text.push(ch);
            of.push((ch != ' ').then_some(word));
        }
    };
    // All words before this one have been written.
    let mut next = 0;
    for (ch, owner) in ipa.chars().zip(&owners) {
        let Some(word) = *owner else {
            put(0, " ", &mut text);
            continue;
        };
        while next <= word {
            if let Some(sounds) = given[next] {
                if !text.is_empty() && !text.ends_with(' ') {
                    put(next, " ", &mut text);
                }
                put(next, sounds, &mut text);
                if next < word {
                    put(next, " ", &mut text);
                }
            }
            next += 1;
        }
        if given[word].is_none() {
            // What espeak-ng joins with a word of given sounds stands apart from it.
            put(word, ch.encode_utf8(&mut [0; 4]), &mut text);
        }
    }
    for (word, sounds) in given.iter().enumerate().skip(next) {
        if let Some(sounds) = sounds {
            put(word, " ", &mut text);
            put(word, sounds, &mut text);
        }
    }
    (text, of)
}

/// Takes the edges to zero, along 3 t^2 - 2 t^3: the loud hiss that a clause may end in makes no step at the very end.
fn fade(samples: &mut [f32], length: usize) {
    let length = length.min(samples.len() / 2);
    let last = samples.len().saturating_sub(1);
    for index in 0..length {
        let part = index as f32 / length as f32;
        let gain = part * part * (3.0 - 2.0 * part);
        samples[index] *= gain;
        samples[last - index] *= gain;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_without_stress_is_said_as_if_alone() {
        let owners = [Some(0), Some(0), None, Some(1), Some(1), Some(1)];
        assert_eq!(stressed_alone("ɪt nˈɑ", &owners, 0, "ˈɪt"), Some("ˈɪt"));
        assert_eq!(stressed_alone("ɪt nˈɑ", &owners, 1, "nˈɑːt"), None);
        assert_eq!(stressed_alone("ɪt nˌɑ", &owners, 1, "nˈɑːt"), Some("nˈɑːt"));
        assert_eq!(stressed_alone("ɪt nˌɑ", &owners, 1, ""), None);
    }

    #[test]
    fn given_sounds_take_the_place_of_a_words_phonemes() {
        let owners = [Some(0), None, Some(1), Some(1), Some(2)].to_vec();
        let (text, of) = with_given("a bcd", owners.clone(), &[None, Some("xyz"), None]);
        assert_eq!(text, "a xyzd");
        assert_eq!(of, [Some(0), None, Some(1), Some(1), Some(1), Some(2)]);
        // A word without phonemes of its own, in the middle and at the end.
        let (text, of) = with_given("a b", [Some(0), None, Some(2)].to_vec(), &[None, Some("xy"), None, Some("z")]);
        assert_eq!(text, "a xy b z");
        assert_eq!(of, [Some(0), None, Some(1), Some(1), None, Some(2), None, Some(3)]);
        assert_eq!(with_given("a bcd", owners.clone(), &[None, None, None]), ("a bcd".to_owned(), owners));
    }
}
