//! Captions: what is said, in cues that can be read while it is said.
//!
//! Words come in clause by clause, as they are spoken; cues go out, each decided before its first word is sent. A group of clauses is cut
//! at once: the rest of a sentence, or several short ones where the pause between them is short. How far a group reaches is told by text and
//! time alone, so live and offline give the same cues.
//!
//! # What a cue keeps
//! | | Latin and others | Chinese, Japanese, Korean |
//! | --- | --- | --- |
//! | lines | 2 | 2 |
//! | characters in a line | 42 | 20 |
//! | shown | 1.2 s to 7 s | the same |
//! | characters a second | 10 to 20 | 4 to 12 |
//!
//! Characters are code points, so marks above and below letters count. A cue begins with its first word, shows all its words while they
//! are spoken, and ends where the next one begins or before; then:
//! - 7 s is never exceeded: a word that lasts longer outlives its cue.
//! - 1.2 s is kept: what is said in less is joined with what comes before or after, or stays into the pause that follows. Only what a
//!   slide says in all, and the first clause of an answer, may be shown for less, where less is said: up to the end of the one and to the
//!   next clause of the other.
//! - Where speech is faster than can be read, a cue is shown up to the next one: no time is left out.
//! - A cue stays after its last word for up to [`LINGER`], but no longer than it takes to read it at the slowest rate. So one is below
//!   that rate only when it is spoken so slowly, or when it is held for 1.2 s.
//! - Words that belong together stay together (see [`units`]) unless they are longer than a line.

mod fit;
mod lines;
mod units;

pub(crate) use self::lines::lines_are_spaced;

use self::fit::{fit, is_readable, reading_time};
use self::lines::broken;
use self::units::{Heard, Unit, units};
use super::text::{Clause, Ends};
use super::voice::{Timed, Word};
use engine::time::Span;

/// A cue shows at least this long.
const SHORTEST: Span = Span::from_millis(1200);
/// A cue shows at most this long.
const LONGEST: Span = Span::from_seconds(7);
/// A cue stays this long after its last word, where there is room.
const LINGER: Span = Span::from_millis(500);
/// A cue reaches over a pause of this length only where it would be too short otherwise.
const LONG_PAUSE: Span = Span::from_millis(600);
/// At a mark inside a sentence a group ends when it is this long, or too long for one cue with the clause that comes next …
const ENOUGH: Span = Span::from_millis(3500);
/// … and so much is left of the sentence, in columns: somewhat more than can be said in SHORTEST.
const REST: usize = 24;

/// Lines to read, from `at` for `dur`; lines are parted by `\n`. `at` counts like the words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Caption {
    pub at: Span,
    pub dur: Span,
    pub text: String,
}

/// Gathers words until it is known which of them are shown together.
#[derive(Default)]
pub(crate) struct Captions {
    words: Vec<Heard>,
}

impl Captions {
    /// Adds a clause that is spoken from `start` on.
    pub fn hear(&mut self, clause: &Clause, spoken: &[Timed<Word>], start: Span) {
        for (index, token) in clause.words.iter().enumerate() {
            let times = || spoken.iter().filter(|word| word.value.token == index);
            let known = times().map(|word| word.at).min().zip(times().map(Timed::end).max());
            // What the voice does not say is shown with the word before it.
            let last = self.words.last().map_or(start, |word| word.until.max(start));
            let (at, until) = known.map_or((last, last), |(at, until)| (start + at, start + until));
            let ends = index + 1 == clause.words.len() && clause.ends != Ends::Comma;
            self.words.push(Heard { shown: token.shown.clone(), joined: token.joined, at, until, ends });
        }
    }

    /// Adds a word of a recording; its punctuation says where sentences end. What a long pause ends before it comes out.
    pub fn hear_word(&mut self, text: &str, at: Span, until: Span) -> Vec<Caption> {
        let before = self.words.last().is_some_and(|last| at - last.until >= SHORTEST).then(|| self.cut(at));
        self.words.push(Heard { shown: text.trim().into(), joined: false, at, until, ends: units::ends_sentence(text) });
        before.unwrap_or_default()
    }

    /// When the first word begins that is in no cue yet.
    pub fn open_since(&self) -> Option<Span> {
        self.words.first().map(|word| word.at)
    }

    /// After `clause`, the pause behind it ending at `until`: no cue reaches into the clauses that come `later`. What the last clause closes
    /// is known to who knows how long the rest is.
    pub fn is_closed(&self, clause: &Clause, later: &[Clause], until: Span) -> bool {
        let Some(first) = self.words.first().filter(|_| !later.is_empty()) else { return false };
        let spoken = until - first.at;
        if clause.pause_after >= SHORTEST {
            return true;
        }
        // Up to the next place where a cue ends anyway.
        let left = is_enough_until(later, |clause| clause.pause_after >= SHORTEST);
        if spoken < SHORTEST || !left {
            return false;
        }
        if clause.ends != Ends::Comma || clause.pause_after >= LONG_PAUSE {
            return true;
        }
        let both = self.words.iter().map(|word| lines::columns(&word.shown) + 1).sum::<usize>() + lines::columns(&later[0].text);
        let is_full = spoken >= ENOUGH || both > 2 * lines::LINE;
        is_full && is_enough_until(later, |clause| clause.ends != Ends::Comma)
    }

    /// Cuts what has been gathered into cues. The last one may stay until `room`.
    pub fn cut(&mut self, room: Span) -> Vec<Caption> {
        fit(&units(&std::mem::take(&mut self.words)), room)
    }
}

/// Captions in other words, each with its text. Each keeps its times where its text can be read in them in two lines, or is no longer than it
/// was. Of those around one that does not, between two long pauses, the words are cut anew: they share the time of all, and the pause behind
/// them as far as it takes to read them. The last one may stay until `room`.
pub(crate) fn reworded(captions: &[(Caption, String)], room: Span) -> Vec<Caption> {
    let end = |(caption, _): &(Caption, String)| caption.at + caption.dur;
    let stretches: Vec<&[(Caption, String)]> = captions.chunk_by(|one, next| next.0.at - end(one) < LONG_PAUSE).collect();
    let rooms = stretches.iter().skip(1).map(|stretch| stretch[0].0.at).chain([room]);
    let reworded = stretches.iter().zip(rooms).flat_map(|(stretch, room)| {
        let keep = |(caption, text): &(Caption, String)| {
            let lines = broken(&shared(text, caption.at, caption.at + caption.dur))?;
            let stays = reading_time(&lines.text) <= reading_time(&caption.text) || is_readable(&lines.text, caption.dur);
            stays.then(|| Caption { text: lines.text, ..caption.clone() })
        };
        stretch.iter().map(keep).collect::<Option<Vec<Caption>>>().unwrap_or_else(|| {
            let text = stretch.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>().join(" ");
            // Others' captions may lie over each other.
            let (from, until) = (stretch[0].0.at, stretch.iter().map(end).max().unwrap_or(room));
            let room = room.max(until);
            fit(&shared(&text, from, until.max((from + reading_time(&text)).min(room))), room)
        })
    });
    reworded.filter(|caption| !caption.text.is_empty()).collect()
}

/// The units of a text whose words share a time by their widths.
fn shared(text: &str, from: Span, until: Span) -> Vec<Unit> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let widths: Vec<i64> = words.iter().map(|word| lines::columns(word) as i64 + 1).collect();
    let (whole, dur): (i64, Span) = (widths.iter().sum(), until - from);
    let time_of = |columns: i64| from + Span((i128::from(dur.0) * i128::from(columns) / i128::from(whole.max(1))) as i64);
    let mut before = 0;
    let heard = words.iter().zip(widths).map(|(word, width)| {
        let at = time_of(before);
        before += width;
        Heard { shown: (*word).into(), joined: false, at, until: time_of(before), ends: units::ends_sentence(word) }
    });
    units(&heard.collect::<Vec<_>>())
}

/// The text up to the first clause that is such, that one included, is long enough to be a cue.
fn is_enough_until(clauses: &[Clause], is_last: impl Fn(&Clause) -> bool) -> bool {
    let mut columns = 0;
    for clause in clauses {
        columns += lines::columns(&clause.text);
        if columns >= REST || is_last(clause) {
            break;
        }
    }
    columns >= REST
}

#[cfg(test)]
mod tests;
