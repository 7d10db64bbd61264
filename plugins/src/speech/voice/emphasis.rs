//! A moment of silence before words that their author emphasised.
//!
//! Who stresses a word holds back a little before it. The silence is put in where hardly anything is heard at the border of the two words; where
//! one flows into the other a cut would be heard, and none is made.

use std::ops::Range;

use engine::time::{Rate, Span};

use super::timing::{Group, Kind};

/// How long it is. Short enough that the mouth does not close.
const SILENCE: Span = Span::from_millis(70);
/// How far before and after the beginning of the word's first sound it may lie: a model's times are as exact as this.
const REACH: (Span, Span) = (Span::from_millis(40), Span::from_millis(15));
/// How finely the samples are looked at.
const BLOCK: Span = Span::from_millis(5);
/// Power of what is hardly heard in that of the loudest block: -25 dB.
const QUIET: f64 = 3.16e-3;

/// Puts silence before each of these words; `times` are the places of the groups in the samples, and stay so.
pub(super) fn hold_back(words: &[usize], groups: &[Group], times: &mut [Range<i64>], samples: &mut Vec<f32>, rate: Rate) {
    let (block, silence) = (rate.count_in(BLOCK).max(1), rate.count_in(SILENCE));
    // The sound goes and comes back within the quiet block.
    let fade = (block / 2) as usize;
    let power = |at: i64| {
        let part = samples.get(at as usize..(at + block) as usize)?;
        Some(part.iter().map(|sample| f64::from(sample * sample)).sum::<f64>())
    };
    let sounds = || groups.iter().zip(&*times).filter(|(group, _)| group.kind != Kind::Gap).map(|(_, time)| time);
    let (Some(first), Some(last)) = (sounds().next(), sounds().next_back()) else { return };
    let spoken = (first.start.max(0)..last.end).step_by(block as usize);
    let quiet = spoken.filter_map(power).fold(0.0_f64, f64::max) * QUIET;
    // Where to cut, with the group that comes after the silence.
    let is_quiet = |at: i64| power(at).is_some_and(|power| power <= quiet);
    let mut cuts: Vec<(i64, usize)> = words.iter().filter_map(|word| place(*word, groups, &*times, block, rate, is_quiet)).collect();
    cuts.sort_unstable();
    for (at, next) in cuts.into_iter().rev() {
        let cut = at as usize;
        for index in 0..fade.min(cut).min(samples.len() - cut) {
            let gain = index as f32 / fade as f32;
            samples[cut - 1 - index] *= gain;
            samples[cut + index] *= gain;
        }
        samples.splice(cut..cut, std::iter::repeat_n(0.0, silence as usize));
        for (group, time) in times.iter_mut().enumerate() {
            *time = match group < next {
                true => time.start.min(at)..time.end.min(at),
                false => time.start.max(at) + silence..time.end.max(at) + silence,
            };
        }
        times[next].start = at + silence;
    }
}

/// The middle of the last quiet block at the border before a word, and the word's first group.
fn place(
    word: usize,
    groups: &[Group],
    times: &[Range<i64>],
    block: i64,
    rate: Rate,
    is_quiet: impl Fn(i64) -> bool,
) -> Option<(i64, usize)> {
    let is_sound = |group: &Group, of: Option<usize>| matches!(group.kind, Kind::Sound { word, .. } if of.is_none() || word == of);
    let next = groups.iter().position(|group| is_sound(group, Some(word)))?;
    let before = groups[..next].iter().rposition(|group| is_sound(group, None))?;
    let middle = |time: &Range<i64>| time.start.midpoint(time.end);
    // Most of the sounds on either side stay on theirs.
    let from = (times[next].start - rate.count_in(REACH.0)).max(middle(&times[before]));
    let until = (times[next].start + rate.count_in(REACH.1)).min(middle(&times[next]));
    let at = (from..=until - block).rev().step_by(block as usize).find(|at| is_quiet(*at))?;
    Some((at + block / 2, next))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::speech::text::{Options, narrate};
    use crate::speech::voice::timing::group;
    use crate::speech::voice::{SAMPLES, Settings, Synthesis, open};

    const RATE: Rate = Rate::per_second(24_000);
    const MS: i64 = 24;

    /// Two words of one sound each, the first up to 400 ms and the second from 430 ms on, as loud between them as this; the second one is
    /// emphasised. The samples, and the times of first sound, space and second sound in milliseconds.
    fn held_back(between: f32) -> (Vec<f32>, Vec<Range<i64>>) {
        let groups = group(&[('a', Some(0)), (' ', None), ('o', Some(1)), ('.', None)]);
        let heard = |at: i64| if (400 * MS..430 * MS).contains(&at) { between } else { 0.5 };
        let mut samples: Vec<f32> = (0..900 * MS).map(|at| (at as f32 * 0.3).sin() * heard(at)).collect();
        let mut times = [0..400, 400..430, 430..880, 880..900].map(|time| time.start * MS..time.end * MS);
        hold_back(&[1], &groups, &mut times, &mut samples, RATE);
        (samples, times.into_iter().map(|time| time.start / MS..time.end / MS).collect())
    }

    #[test]
    fn silence_is_put_in_where_it_is_quiet_and_times_go_with_the_sound() {
        let (samples, times) = held_back(0.005);
        assert_eq!(samples.len() as i64, (900 + 70) * MS);
        let begin = times[2].start;
        assert!(times[0] == (0..400) && times[2].end == 950 && times[3] == (950..970), "{times:?}");
        assert!((490..=502).contains(&begin), "the word begins at {begin} ms");
        assert!(samples[((begin - 69) * MS) as usize..(begin * MS) as usize].iter().all(|sample| *sample == 0.0));
        // What was heard before is heard still, and nothing steps.
        assert!(samples[..(399 * MS) as usize].iter().any(|sample| sample.abs() > 0.49));
        let around = &samples[(400 * MS) as usize..((begin + 3) * MS) as usize];
        assert!(around.windows(2).all(|pair| (pair[1] - pair[0]).abs() < 0.2));
    }

    #[test]
    fn words_that_flow_together_are_left_alone() {
        let (samples, times) = held_back(0.4);
        assert_eq!((samples.len() as i64, times), (900 * MS, vec![0..400, 400..430, 430..880, 880..900]));
    }

    #[test]
    fn the_first_word_and_silence_are_left_alone() {
        let groups = group(&[('a', Some(0)), ('.', None)]);
        let mut times = [0..400, 400..500];
        let mut samples = vec![0.0; 500];
        hold_back(&[0, 7], &groups, &mut times, &mut samples, RATE);
        assert_eq!((samples.len(), times), (500, [0..400, 400..500]));
        hold_back(&[0], &[], &mut [], &mut samples, RATE);
        assert_eq!(samples.len(), 500);
    }

    #[test]
    fn an_emphasised_word_is_stressed_after_a_moment_of_silence() {
        let voice = open("joe", Settings::default()).expect("run scripts/setup");
        let say = |text: &str| voice.synthesize(&narrate(text, "en-US", Options::default()).clauses[0]).unwrap();
        // A word that is stressed anyhow: the same sounds, later.
        let plain = say("You must never turn it over before they are all out.");
        let strong = say("You must *never* turn it over before they are all out.");
        let ipa = |spoken: &Synthesis| spoken.phonemes.iter().map(|phoneme| phoneme.value.clone()).collect::<Vec<_>>();
        assert_eq!(ipa(&plain), ipa(&strong));
        let later = |word: usize| (strong.words[word].at - plain.words[word].at).to_millis();
        assert_eq!([later(0), later(1)], [0, 0]);
        assert!((30..=85).contains(&later(2)), "the word begins {} ms later", later(2));
        assert!((3..11).all(|word| (69..=71).contains(&later(word))), "the others go with the sound");
        let (must, never) = (&strong.words[1], &strong.words[2]);
        assert!((65..=110).contains(&(never.at - must.end()).to_millis()));
        let index = |at: Span| SAMPLES.count_in(at) as usize;
        let loudest = |part: &[f32]| part.iter().fold(0.0_f32, |loudest, sample| loudest.max(sample.abs()));
        let margin = Span::from_millis(5);
        let silence = &strong.samples[index(never.at - Span::from_millis(70) + margin)..index(never.at - margin)];
        assert!(loudest(silence) < 0.003 * loudest(&strong.samples));
        // A word that is slurred otherwise.
        let (plain, strong) = (say("It is the wind that moves it."), say("It *is* the wind that moves it."));
        let is = |spoken: &Synthesis| (spoken.words[1].value.stressed, spoken.words[1].dur);
        assert!(!is(&plain).0 && is(&strong).0 && is(&strong).1 > is(&plain).1 * 5 / 4, "{:?} and {:?}", is(&plain), is(&strong));
        assert!(!strong.words[0].value.stressed && strong.words[3].value.stressed);
    }
}
