//! Pauses where the sound has them.
//!
//! Some models count the silence before a comma as part of the phoneme that precedes it, and begin the next one while nothing is heard yet.
//! Such durations add up to the sound and still leave a mouth open and a word lit for a third of a second too long. So the border between
//! sound and silence is looked for in the samples, and the phonemes on either side of it end and begin there. A breath before a word and the
//! release after it are quieter than speech, may be long, and are part of the sound and of the mouth's movement; for a reader, whose words are
//! lit as they are heard, only the nearest of them counts ([`read_along`]).

use std::ops::Range;

use engine::time::{Rate, Span};

use super::clause::Symbols;
use super::timing::{Group, Kind};
use super::{SAMPLES, Timed};

/// How finely the samples are looked at: a period of the lowest voice.
const BLOCK: Span = Span::from_millis(10);
/// Power of silence in that of the loudest block: -45 dB. The faintest sounds (`f`, `θ`, the release of a `t`) are a few dB above.
const SILENT: f64 = 3e-5;
/// Shorter silence is the closure of a `p`, `t` or `k`, not a pause.
const SHORTEST: Span = Span::from_millis(40);
/// What is left of a phoneme at least.
const LEAST: Span = Span::from_millis(30);

/// Power of a breath or a faint release in that of the loudest block: -40 dB. How finely it is looked for, and how much of it counts.
const FAINT: f64 = 1e-4;
const FINE: Span = Span::from_millis(5);
const NEAR: Span = Span::from_millis(60);

/// Lets words begin and end near what is clearly heard of them in `samples` (at [`SAMPLES`]). A word of which nothing is stays as it is.
pub(super) fn read_along<T>(words: &mut [Timed<T>], samples: &[f32]) {
    let power = |block: &[f32]| block.iter().map(|sample| f64::from(sample * sample)).sum::<f64>();
    let powers: Vec<f64> = samples.chunks(SAMPLES.count_in(FINE) as usize).map(power).collect();
    let faint = powers.iter().fold(0.0_f64, |loudest, power| loudest.max(*power)) * FAINT;
    for word in words {
        let block = |at: Span| ((at.0 / FINE.0).max(0) as usize).min(powers.len());
        let blocks = &powers[block(word.at)..block(word.end() + FINE)];
        let clear = |power: &f64| *power > faint;
        let (Some(first), Some(last)) = (blocks.iter().position(clear), blocks.iter().rposition(clear)) else { continue };
        let from = block(word.at);
        let end = word.end().min(FINE * (from + last + 1) as i64 + NEAR);
        word.at = word.at.max(FINE * (from + first) as i64 - NEAR);
        word.dur = end - word.at;
    }
}

/// Ends the sounds before punctuation, and begins those after it, where the samples fall silent and are heard again; `times` are the places
/// of the groups in the samples. Where nothing is silent they stay as they are.
pub(super) fn fit(symbols: &Symbols, groups: &[Group], times: &mut [Range<i64>], samples: &[f32], rate: Rate) {
    let sounds: Vec<usize> = (0..groups.len()).filter(|group| groups[*group].kind != Kind::Gap).collect();
    let (Some(&first), Some(&last)) = (sounds.first(), sounds.last()) else {
        return;
    };
    // What a vocoder makes before the first and after the last sound may be louder than speech.
    let silences = Silences::of(samples, times[first].start..times[last].end, rate);
    if let Some(silence) = silences.within(0, times[first].end).next().filter(|silence| silence.start == 0) {
        begin(times, first, silence.end, rate);
    }
    for pair in sounds.windows(2) {
        let (before, after) = (pair[0], pair[1]);
        let between = &symbols[groups[before].symbols.end..groups[after].symbols.start];
        if between.iter().all(|(ch, _)| *ch == ' ') {
            continue;
        }
        let silences = silences.within(searched_from(groups, times, before), times[after].end);
        if let Some(pause) = silences.max_by_key(|silence| silence.end - silence.start) {
            end(groups, times, before, pause.start, rate);
            begin(times, after, pause.end.max(times[before].end), rate);
            let pause = times[before].end..times[after].start;
            times[before + 1..after].fill(pause);
        }
    }
    // Not the longest: the release of a last `k` follows a long closure.
    if let Some(silence) = silences.within(searched_from(groups, times, last), samples.len() as i64).last() {
        end(groups, times, last, silence.start, rate);
        let rest = times[last].end..samples.len() as i64;
        times[last + 1..].fill(rest);
    }
}

/// The sound before this one, if it is of the same word.
fn before_it(groups: &[Group], group: usize) -> Option<usize> {
    let word = |group: &Group| match &group.kind {
        Kind::Sound { word, .. } => *word,
        Kind::Gap => None,
    };
    let before = group.checked_sub(1)?;
    (word(&groups[before]).is_some() && word(&groups[before]) == word(&groups[group])).then_some(before)
}

/// The silence behind a sound may begin in the one before it: two that the model reads as one share its time evenly.
fn searched_from(groups: &[Group], times: &[Range<i64>], group: usize) -> i64 {
    times[before_it(groups, group).unwrap_or(group)].start
}

/// Ends a sound, with what is left for it and the one before it.
fn end(groups: &[Group], times: &mut [Range<i64>], group: usize, at: i64, rate: Rate) {
    let least = rate.count_in(LEAST);
    if let Some(before) = before_it(groups, group).filter(|_| at < times[group].start + least) {
        let middle = times[before].start.midpoint(at.max(times[before].start));
        (times[before].end, times[group].start) = (middle, middle);
    }
    let shortest = least.min(times[group].end - times[group].start);
    times[group].end = at.max(times[group].start + shortest);
}

fn begin(times: &mut [Range<i64>], group: usize, at: i64, rate: Rate) {
    let shortest = rate.count_in(LEAST).min(times[group].end - times[group].start);
    times[group].start = at.min(times[group].end - shortest);
}

/// Where nothing is heard.
struct Silences {
    /// Of each block, whether it is silent.
    blocks: Vec<bool>,
    /// Samples of a block.
    block: i64,
    /// Samples of the shortest silence.
    shortest: i64,
}

impl Silences {
    /// Compared with the loudest block of what is `spoken`.
    fn of(samples: &[f32], spoken: Range<i64>, rate: Rate) -> Silences {
        let block = rate.count_in(BLOCK).max(1);
        let power = |block: &[f32]| block.iter().map(|sample| f64::from(sample * sample)).sum::<f64>() / block.len() as f64;
        let power: Vec<f64> = samples.chunks(block as usize).map(power).collect();
        let spoken = power.iter().take((spoken.end / block) as usize).skip((spoken.start / block) as usize);
        let quiet = spoken.fold(0.0_f64, |loudest, power| loudest.max(*power)) * SILENT;
        Silences { blocks: power.iter().map(|power| *power <= quiet).collect(), block, shortest: rate.count_in(SHORTEST) }
    }

    /// Those between two samples, in their order, as far as they lie between them.
    fn within(&self, from: i64, to: i64) -> impl Iterator<Item = Range<i64>> {
        let first = (from.max(0) + self.block - 1) / self.block;
        let count = (to / self.block - first).max(0) as usize;
        let blocks = self.blocks.iter().skip(first as usize).take(count).enumerate();
        let silent: Vec<i64> = blocks.filter(|(_, silent)| **silent).map(|(at, _)| (first + at as i64) * self.block).collect();
        let runs: Vec<Range<i64>> = silent
            .chunk_by(|block, next| next - block == self.block)
            .filter_map(|run| Some(*run.first()?..run.last()? + self.block))
            .filter(|run| run.end - run.start >= self.shortest)
            .collect();
        runs.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::speech::voice::timing::group;

    const RATE: Rate = Rate::per_second(24_000);
    const MS: i64 = 24;

    /// A clause "m, n." whose sounds lie at these places, in milliseconds, in a second of sound; and the times a model gives.
    fn fitted(sounds: [Range<i64>; 2], told: [Range<i64>; 2]) -> Vec<Range<i64>> {
        let symbols: Symbols = vec![('m', Some(0)), (',', None), (' ', None), ('n', Some(1)), ('.', None)];
        let groups = group(&symbols);
        let heard = |at: i64| sounds.iter().any(|sound| (sound.start * MS..sound.end * MS).contains(&at));
        let samples: Vec<f32> = (0..1000 * MS).map(|at| if heard(at) { (at as f32 * 0.05).sin() } else { 0.0 }).collect();
        let [m, n] = told;
        let mut times: Vec<Range<i64>> = [m.clone(), m.end..m.end, m.end..n.start, n.clone(), n.end..1000]
            .into_iter()
            .map(|time| time.start * MS..time.end * MS)
            .collect();
        fit(&symbols, &groups, &mut times, &samples, RATE);
        times.into_iter().map(|time| time.start / MS..time.end / MS).collect()
    }

    #[test]
    fn sounds_end_and_begin_where_they_are_heard() {
        let times = fitted([50..300, 600..900], [20..550, 560..980]);
        assert_eq!((times[0].clone(), times[3].clone()), (50..300, 600..900));
        assert!(times[1] == (300..600) && times[2] == (300..600) && times[4] == (900..1000));
    }

    #[test]
    fn without_silence_nothing_moves() {
        let told = [20..550, 560..980];
        let times = fitted([0..500, 500..1000], told.clone());
        assert_eq!((times[0].clone(), times[3].clone()), (told[0].clone(), told[1].clone()));
        // A closure is no pause.
        let times = fitted([0..520, 540..1000], told.clone());
        assert_eq!((times[0].clone(), times[3].clone()), (told[0].clone(), told[1].clone()));
    }

    #[test]
    fn a_sound_that_is_two_phonemes_is_shared_by_both() {
        let symbols: Symbols = vec![('e', Some(0)), ('ɪ', Some(0)), ('.', None)];
        let groups = group(&symbols);
        let samples: Vec<f32> = (0..1000 * MS).map(|at| if at < 200 * MS { (at as f32 * 0.05).sin() } else { 0.0 }).collect();
        let mut times = vec![0..300 * MS, 300 * MS..600 * MS, 600 * MS..1000 * MS];
        fit(&symbols, &groups, &mut times, &samples, RATE);
        assert_eq!(times, [0..100 * MS, 100 * MS..200 * MS, 200 * MS..1000 * MS]);
    }

    #[test]
    fn the_release_of_a_last_sound_belongs_to_it() {
        let symbols: Symbols = vec![('i', Some(0)), ('k', Some(0)), ('.', None)];
        let groups = group(&symbols);
        // A closure of 200 ms, a release, silence of 100 ms.
        let heard = |at: i64| at < 300 * MS || (500 * MS..550 * MS).contains(&at);
        let samples: Vec<f32> = (0..650 * MS).map(|at| if heard(at) { (at as f32 * 0.05).sin() } else { 0.0 }).collect();
        let mut times = vec![0..250 * MS, 250 * MS..600 * MS, 600 * MS..650 * MS];
        fit(&symbols, &groups, &mut times, &samples, RATE);
        assert_eq!(times, [0..250 * MS, 250 * MS..550 * MS, 550 * MS..650 * MS]);
    }

    #[test]
    fn breath_and_release_are_read_as_far_as_they_are_near() {
        let timed = |from: i64, to: i64| Timed { at: Span::from_millis(from), dur: Span::from_millis(to - from), value: () };
        // A word with a long breath before it, one with a long release, one that cannot be heard, and one with short ones.
        let mut words = [timed(100, 500), timed(500, 1000), timed(1200, 1300), timed(1500, 1900)];
        let clear = [300..500, 500..800, 1540..1860];
        let sample = |at: i64| {
            let milli = at * 1000 / i64::from(SAMPLES.num());
            let loud = if clear.iter().any(|part| part.contains(&milli)) { 0.5 } else { 0.003 };
            loud * (at as f32 * 0.05).sin()
        };
        let samples: Vec<f32> = (0..SAMPLES.count_in(Span::from_seconds(2))).map(sample).collect();
        read_along(&mut words, &samples);
        let found = words.map(|word| (word.at.to_millis(), word.end().to_millis()));
        assert_eq!(found, [(240, 500), (500, 860), (1200, 1300), (1500, 1900)]);
    }

    #[test]
    fn something_is_left_of_every_sound() {
        let times = fitted([0..200, 800..900], [250..550, 560..850]);
        assert_eq!((times[0].clone(), times[3].clone()), (250..280, 800..900));
    }
}
