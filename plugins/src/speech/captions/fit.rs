//! Which units are shown together: of all ways to cut a group into cues, the one with the least cost.
//!
//! The cost of a cue is what is bad about it, in points; a cue within all limits that ends with a sentence costs [`CUE`]. The best way is
//! found from the end: the best way from a unit on is its best first cue and the best way from there (Knuth and Plass, "Breaking
//! paragraphs into lines", 1981, with cues for lines).

use super::lines::{Broken, broken, columns, is_mostly_wide};
use super::units::{Bond, Unit};
use super::{Caption, LINGER, LONG_PAUSE, LONGEST, SHORTEST};
use engine::time::Span;

/// A cue more: two that fit together are joined.
const CUE: i64 = 40;
/// A sentence that ends inside of a cue.
const OVER_SENTENCE: i64 = 60;
/// A long pause inside of a cue.
const OVER_PAUSE: i64 = 500;
/// Shown for less than SHORTEST, and more for what is missing, by the millisecond.
const SHORT: i64 = 2000;
/// Shown for as long as is allowed, and not long enough for its words.
const LONG: i64 = 5000;
/// Each character a second too fast.
const FAST: i64 = 25;

/// Characters a second, in columns: how fast and how slowly text is read.
struct Pace {
    fastest: i64,
    slowest: i64,
}

const PACE: Pace = Pace { fastest: 20, slowest: 10 };
/// 12 and 4 characters of two columns.
const WIDE_PACE: Pace = Pace { fastest: 24, slowest: 8 };

impl Pace {
    fn of(text: &str) -> Pace {
        if is_mostly_wide(text) { WIDE_PACE } else { PACE }
    }

    /// How long it takes to read so many columns at the fastest.
    fn least(&self, columns: i64) -> Span {
        Span(Span::SECOND.0 * columns / self.fastest)
    }
}

/// How long it takes to read a text at the fastest.
pub(super) fn reading_time(text: &str) -> Span {
    Pace::of(text).least(columns(text) as i64)
}

/// A cue of this text is shown for long enough.
pub(super) fn is_readable(text: &str, dur: Span) -> bool {
    dur >= SHORTEST.max(reading_time(text))
}

/// Cuts a group; the last cue may stay until `room`.
pub(super) fn fit(units: &[Unit], room: Span) -> Vec<Caption> {
    // From each unit on: the cost of the best way, and its first cue with where that ends.
    let mut best: Vec<(i64, Option<(Caption, usize)>)> = vec![(0, None); units.len() + 1];
    for first in (0..units.len()).rev() {
        let mut least: Option<(i64, Caption, usize)> = None;
        for end in first + 1..=units.len() {
            // More units are no narrower; one alone always fits.
            let Some(lines) = broken(&units[first..end]) else { break };
            let next = units.get(end).map_or(room, |unit| unit.at);
            let (cost, caption) = cue(&units[first..end], lines, next);
            let cost = cost + best[end].0 + if end < units.len() { units[end - 1].after.cost() } else { 0 };
            if least.as_ref().is_none_or(|(least, ..)| cost < *least) {
                least = Some((cost, caption, end));
            }
        }
        if let Some((cost, caption, end)) = least {
            best[first] = (cost, Some((caption, end)));
        }
    }
    let mut captions = Vec::new();
    let mut at = 0;
    while let Some((caption, end)) = best[at].1.take() {
        captions.push(caption);
        at = end;
    }
    captions.retain(|caption| caption.dur > Span::ZERO);
    captions
}

/// A cue, which may stay until `next`, and what is bad about it.
fn cue(units: &[Unit], lines: Broken, next: Span) -> (i64, Caption) {
    let (first, last) = (&units[0], &units[units.len() - 1]);
    let pace = Pace::of(&lines.text);
    let width = columns(&lines.text) as i64;
    let spoken = last.until - first.at;
    let least = SHORTEST.max(pace.least(width));
    let most = least.max(spoken).max(Span(Span::SECOND.0 * width / pace.slowest)).min(LONGEST);
    let dur = (spoken + LINGER).max(least).min(most).min(next - first.at);
    let short = SHORTEST - dur;
    let fast = width * Span::SECOND.0 / dur.0.max(1) - pace.fastest;
    let inside = units[..units.len() - 1].iter().filter(|unit| unit.after == Bond::Sentence).count() as i64;
    let pauses = units.windows(2).filter(|pair| pair[1].at - pair[0].until >= LONG_PAUSE).count() as i64;
    let cost = CUE
        + lines.cost
        + inside * OVER_SENTENCE
        + pauses * OVER_PAUSE
        + if short > Span::ZERO { SHORT + short.to_millis() } else { 0 }
        + if spoken > LONGEST { LONG } else { 0 }
        + fast.max(0) * FAST;
    (cost, Caption { at: first.at, dur, text: lines.text })
}
