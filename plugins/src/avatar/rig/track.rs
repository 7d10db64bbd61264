//! What a performance is driven by: timed visemes, stresses, sentence ends and rests of one slide.

use engine::cue::Viseme;
use engine::time::Span;

/// One mouth shape in time. Spans count from the start of the slide.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TimedViseme {
    /// When its sound begins.
    pub start: Span,
    /// When its sound ends.
    pub end: Span,
    /// Which.
    pub viseme: Viseme,
    /// How clearly it is spoken, 0..1.
    pub strength: f64,
}

/// A stressed syllable.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stress {
    /// When its vowel begins.
    pub at: Span,
    /// How strong, 0..1.
    pub strength: f64,
    /// Of a word that its author emphasised: it always shows.
    pub emphasis: bool,
}

/// The end of a sentence.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SentenceEnd {
    /// When its last sound ends.
    pub at: Span,
    /// It was a question.
    pub question: bool,
}

/// Speech rests: there is nothing to say.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rest {
    /// Since when.
    pub from: Span,
    /// When the slide ends, if that is known; else until the next viseme.
    pub until: Option<Span>,
}

/// The cues of one slide, in order of time. Fed as they come; what is long past may be forgotten.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SpeechTrack {
    pub(super) visemes: Vec<TimedViseme>,
    pub(super) stresses: Vec<Stress>,
    pub(super) sentence_ends: Vec<SentenceEnd>,
    pub(super) rests: Vec<Rest>,
}

impl SpeechTrack {
    /// Nothing yet.
    pub fn new() -> SpeechTrack {
        SpeechTrack::default()
    }

    /// Adds a viseme.
    pub fn viseme(&mut self, viseme: TimedViseme) {
        insert(&mut self.visemes, viseme, |v| v.start);
    }

    /// Adds a stress.
    pub fn stress(&mut self, stress: Stress) {
        insert(&mut self.stresses, stress, |s| s.at);
    }

    /// Adds the end of a sentence.
    pub fn sentence_end(&mut self, end: SentenceEnd) {
        insert(&mut self.sentence_ends, end, |e| e.at);
    }

    /// Adds a rest. One that is stated again within itself, after a jump, goes on as it was.
    pub fn rest(&mut self, rest: Rest) {
        let is_known = |known: &Rest| known.until == rest.until && known.from < rest.from && rest.from < self.end_of(known);
        if rest.until.is_some() && self.rests.iter().any(is_known) {
            return;
        }
        insert(&mut self.rests, rest, |r| r.from);
    }

    /// Drops all that ended before `time`. A pose at `t` is the same after `forget(t - WINDOW)`.
    pub fn forget(&mut self, time: Span) {
        let ends: Vec<Span> = self.rests.iter().map(|rest| self.end_of(rest)).collect();
        let mut ends = ends.into_iter();
        self.rests.retain(|_| ends.next().is_some_and(|end| end >= time));
        self.visemes.retain(|v| v.end >= time);
        self.stresses.retain(|s| s.at >= time);
        self.sentence_ends.retain(|e| e.at >= time);
    }

    /// Forgets all that begins at `time` or later, as if it had not been heard yet.
    pub fn unhear(&mut self, time: Span) {
        self.visemes.retain(|v| v.start < time);
        self.stresses.retain(|s| s.at < time);
        self.sentence_ends.retain(|e| e.at < time);
        self.rests.retain(|rest| rest.from < time);
    }

    /// When `rest` is over: with the slide or with the first sound after it, whichever comes first.
    pub(super) fn end_of(&self, rest: &Rest) -> Span {
        let next = self.visemes.partition_point(|v| v.start <= rest.from);
        let sounds = self.visemes[next..].iter().find(|v| v.viseme != Viseme::Sil).map(|v| v.start);
        let never = Span(i64::MAX);
        rest.until.unwrap_or(never).min(sounds.unwrap_or(never))
    }

    /// The first stress at or after `from` and before `until`, all in seconds.
    pub(super) fn stress_within(&self, from: f64, until: f64) -> Option<f64> {
        first_within(&self.stresses, |s| s.at, from, until)
    }

    /// The first end of a sentence at or after `from` and before `until`, all in seconds.
    pub(super) fn sentence_end_within(&self, from: f64, until: f64) -> Option<f64> {
        first_within(&self.sentence_ends, |e| e.at, from, until)
    }

    /// The visemes that overlap `from..until`, latest first.
    pub(super) fn visemes_within(&self, from: Span, until: Span) -> impl Iterator<Item = &TimedViseme> {
        let end = self.visemes.partition_point(|v| v.start < until);
        self.visemes[..end].iter().rev().take_while(move |v| v.end > from)
    }
}

/// Keeps `list` in order of `time`, equal ones in the order of arrival.
fn insert<T>(list: &mut Vec<T>, item: T, time: impl Fn(&T) -> Span) {
    let at = list.partition_point(|other| time(other) <= time(&item));
    list.insert(at, item);
}

fn first_within<T>(list: &[T], time: impl Fn(&T) -> Span, from: f64, until: f64) -> Option<f64> {
    let at = list.partition_point(|item| time(item).as_seconds() < from);
    list.get(at).map(|item| time(item).as_seconds()).filter(|at| *at < until)
}
