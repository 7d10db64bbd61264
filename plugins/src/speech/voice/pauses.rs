//! Pauses where the sound has them.
//!
//! Some models count the silence before a comma as part of the phoneme that precedes it, and begin the next one while nothing is heard yet.
//! Such durations add up to the sound and still leave a mouth open and a word lit for a third of a second too long. So the border between
//! sound and silence is looked for in the samples, and the phonemes on either side of it end and begin there.

use std::ops::Range;

use engine::time::{Rate, Span};

use super::clause::Symbols;
use super::timing::{Group, Kind};

/// How finely the samples are looked at: a period of the lowest voice.
const BLOCK: Span = Span::from_millis(10);
/// Power of silence in that of the loudest block: -40 dB. The faintest sounds (`f`, `θ`) are some 10 dB above.
const SILENT: f64 = 1e-4;
/// Shorter silence is the closure of a `p`, `t` or `k`, not a pause.
const SHORTEST: Span = Span::from_millis(40);
/// What is left of a phoneme at least.
const LEAST: Span = Span::from_millis(30);

/// Ends the sounds before punctuation, and begins those after it, where the samples fall silent and are heard again; `times` are the places
/// of the groups in the samples. Where nothing is silent they stay as they are.
pub(super) fn fit(symbols: &Symbols, groups: &[Group], times: &mut [Range<i64>], samples: &[f32], rate: Rate) {
    let block = rate.count_in(BLOCK).max(1);
    let power: Vec<f64> = samples.chunks(block as usize).map(power).collect();
    let blocks = |from: i64, to: i64| (from.max(0) + block - 1) / block..(to / block).min(power.len() as i64);
    let sounds: Vec<usize> = (0..groups.len()).filter(|group| groups[*group].kind != Kind::Gap).collect();
    let (Some(&first), Some(&last)) = (sounds.first(), sounds.last()) else {
        return;
    };
    // What a vocoder makes before the first and after the last sound may be louder than speech.
    let spoken = blocks(times[first].start, times[last].end);
    let quiet = spoken.map(|index| power[index as usize]).fold(0.0, f64::max) * SILENT;
    let between = sounds.windows(2).map(|pair| (Some(pair[0]), Some(pair[1])));
    for (before, after) in [(None, Some(first))].into_iter().chain(between).chain([(Some(last), None)]) {
        if let (Some(before), Some(after)) = (before, after)
            && !symbols[groups[before].symbols.end..groups[after].symbols.start].iter().any(|(ch, _)| *ch != ' ')
        {
            continue;
        }
        let from = before.map_or(0, |group| times[group].start);
        let to = after.map_or(samples.len() as i64, |group| times[group].end);
        let silence = blocks(from, to).map(|index| (index * block, power[index as usize] <= quiet));
        let pause = match before {
            Some(_) => longest(silence, block),
            None => longest(silence.take_while(|(_, silent)| *silent), block),
        };
        let Some(pause) = pause.filter(|pause| pause.end - pause.start >= rate.count_in(SHORTEST)) else {
            continue;
        };
        let least = rate.count_in(LEAST);
        let silent_from = before.map_or(from, |group| pause.start.max(from + least.min(times[group].end - from)));
        let silent_to = after.map_or(to, |group| pause.end.min(to - least.min(to - times[group].start))).max(silent_from);
        if let Some(group) = before {
            times[group].end = silent_from;
        }
        if let Some(group) = after {
            times[group].start = silent_to;
        }
        let gaps = before.map_or(0, |group| group + 1)..after.unwrap_or(groups.len());
        for time in &mut times[gaps] {
            *time = silent_from..silent_to;
        }
    }
}

fn power(block: &[f32]) -> f64 {
    block.iter().map(|sample| f64::from(sample * sample)).sum::<f64>() / block.len() as f64
}

/// The longest silence, given each block's first sample and whether it is silent.
fn longest(blocks: impl Iterator<Item = (i64, bool)>, block: i64) -> Option<Range<i64>> {
    let mut longest: Option<Range<i64>> = None;
    let mut here: Option<Range<i64>> = None;
    for (at, silent) in blocks {
        here = silent.then(|| here.map_or(at, |run| run.start)..at + block);
        if let Some(run) = &here
            && longest.as_ref().is_none_or(|best| run.end - run.start > best.end - best.start)
        {
            longest = here.clone();
        }
    }
    longest
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
    fn something_is_left_of_every_sound() {
        let times = fitted([50..200, 800..900], [250..550, 560..850]);
        assert_eq!((times[0].clone(), times[3].clone()), (250..280, 800..900));
    }
}
