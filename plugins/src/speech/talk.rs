//! A lesson being given: which slide, how far in it, what has been asked of the narrator. `tts_chunker` takes its blocks from here.

use super::decode::decode;
use super::direction::{Pause, TalkCommand};
use super::narrator::{AHEAD, Narrator};
use super::text::{Clause, Ends, Narration as Script};
use super::timeline::Timeline;
use super::viseme::visemes_from_sound;
use super::voice::TARGET_LUFS;
use crate::lesson::{LEAD_IN, Lesson, Narration, Slide, TAIL};
use engine::cue::{Cue, SlideCue, VisemeCue, WordCue};
use engine::node::{Cx, Result};
use engine::packet::Packet;
use engine::time::{Span, Time};
use std::sync::Arc;

/// Speech runs at about this many characters a second; for the estimate of the length only.
const CHARACTERS_A_SECOND: f64 = 15.0;

/// A lesson being given.
pub(super) struct Talk {
    pub(super) lesson: Arc<Lesson>,
    /// Which slides, by index into `lesson.slides`.
    pub(super) order: Vec<usize>,
    pub(super) scripts: Vec<Script>,
    pub(super) narrator: Narrator,
    pub(super) gain: f32,
    /// The clause that the narrator is asked for next: place in `order`, number in its script.
    pub(super) next_ask: (usize, usize),
    /// Place in `order` of the slide that plays.
    pub(super) place: usize,
    /// When that slide began.
    pub(super) start: Time,
    /// When the slides before it began, and which they were.
    pub(super) starts: Vec<(Time, usize)>,
    /// After a flush: the slide is made again, and what lies before this has been sent.
    pub(super) resume: Option<Time>,
    /// When the sentences of this slide and the one before it began.
    pub(super) sentences: Vec<Time>,
    /// What to do at the next flush.
    pub(super) told: Option<TalkCommand>,
    pub(super) pause: Option<Pause>,
    pub(super) now: Timeline,
    /// Its next clause.
    pub(super) clause: usize,
    /// All of it has been made.
    pub(super) complete: bool,
    pub(super) block: usize,
    /// It may be made to go back, and needs its voice to the end.
    pub(super) live: bool,
    /// After the last slide comes the first.
    pub(super) repeat: bool,
    pub(super) step: Span,
}

impl Talk {
    fn slide(&self) -> &Slide {
        &self.lesson.slides[self.order[self.place]]
    }

    /// Makes at least one block of the slide that plays, or the rest of it.
    pub(super) fn fill(&mut self, cx: &mut Cx<'_>) -> Result {
        if self.now.length() == Span::ZERO && !self.complete {
            self.open();
        }
        while self.now.waiting() < self.block && !self.complete {
            self.keep_ahead();
            let script = &self.scripts[self.place];
            match script.clauses.get(self.clause) {
                Some(clause) => {
                    let spoken = self.narrator.next()?;
                    let last = self.clause + 1 == script.clauses.len();
                    let number = self.lesson.slides[self.order[self.place]].number;
                    for unspoken in &spoken.unspoken {
                        cx.warn(Some(number), format!("\"{}\" is not spoken: {}", unspoken.text, unspoken.reason));
                    }
                    if self.clause == 0 || script.clauses[self.clause - 1].ends != Ends::Comma {
                        self.sentences.push(self.start + self.now.length());
                    }
                    self.now.clause(clause, &spoken, self.gain, last);
                    self.clause += 1;
                }
                None => self.close()?,
            }
        }
        Ok(())
    }

    /// Makes the slide again that `cut` lies in, as far as it had been made. Its clauses come from the cache.
    pub(super) fn go_back(&mut self, cut: Time) {
        let resume = cut.min(self.start + self.now.position());
        while self.start > resume
            && let Some(before) = self.starts.pop()
        {
            (self.start, self.place) = before;
        }
        self.make_again();
        self.resume = (resume > self.start).then_some(resume);
    }

    /// While a slide is made again: leaves out what had been sent, then states what holds there. `false` when there is nothing to leave out.
    pub(super) fn skip(&mut self, cx: &mut Cx<'_>) -> bool {
        let Some(resume) = self.resume else { return false };
        let left = super::voice::SAMPLES.count_in(resume - (self.start + self.now.position())) as usize;
        let (_, cues) = self.now.take(left.min(self.block), self.start);
        for cue in cues {
            match &cue.media {
                Cue::Slide(slide) => {
                    let slide = SlideCue { elapsed: resume - self.start, ..SlideCue::clone(slide) };
                    cx.emit(super::tts_chunker::CUES, Packet::new(resume, Cue::Slide(slide.into())));
                }
                Cue::Rest if cue.end().is_some_and(|end| end > resume) => {
                    cx.emit(super::tts_chunker::CUES, Packet { dur: cue.end().map(|end| end - resume), ..Packet::new(resume, Cue::Rest) });
                }
                // The last shape and word before have been heard.
                _ => {}
            }
        }
        if self.start + self.now.position() >= resume {
            self.resume = None;
        }
        true
    }

    /// The slide cue, and silence up to the first word.
    fn open(&mut self) {
        let cue = self.slide_cue(Span::ZERO);
        let slide = self.slide();
        let lead_in = LEAD_IN.max(slide.transition.duration()) + self.scripts[self.place].lead;
        let silent = matches!(slide.narration, Narration::Silence(_));
        self.now.cue(None, cue);
        if !silent {
            self.now.cue(None, Cue::Rest);
            self.now.silence(lead_in);
        }
    }

    /// The slide that plays, so far on.
    pub(super) fn slide_cue(&self, elapsed: Span) -> Cue {
        let slide = self.slide();
        let cue = SlideCue {
            id: slide.id.as_str().into(),
            index: self.order[self.place],
            title: slide.title.as_str().into(),
            seed: slide.content_hash().seed(),
            elapsed,
            placement: slide.presenter,
            transition: if self.place == 0 { engine::cue::Transition::Cut } else { slide.transition },
        };
        Cue::Slide(cue.into())
    }

    /// What a slide is besides spoken text, and its length.
    fn close(&mut self) -> Result {
        let slide = self.lesson.slides[self.order[self.place]].clone();
        let mut least = slide.duration.unwrap_or(Span::ZERO);
        match &slide.narration {
            Narration::Text(_) => {}
            Narration::Silence(span) => least = least.max(*span),
            Narration::Audio { path, words, .. } => {
                let samples = decode(path)?;
                let gain = recording_gain(&samples);
                let visemes = visemes_from_sound(&samples).into_iter();
                let mut cues: Vec<(Span, Option<Span>, Cue)> =
                    visemes.map(|v| (v.at, Some(v.dur), Cue::Viseme(VisemeCue { viseme: v.value, strength: 1.0 }))).collect();
                for word in words.iter().flatten() {
                    let cue = WordCue { text: word.text.as_str().into(), stressed: false, estimated: false };
                    cues.push((word.start.since_start(), Some(word.end - word.start), Cue::Word(cue.into())));
                }
                cues.sort_by_key(|(at, ..)| *at);
                self.now.sound(&samples, gain, cues);
            }
        }
        let tail = if matches!(slide.narration, Narration::Silence(_)) { Span::ZERO } else { TAIL };
        let length = (self.now.length() + tail).max(least).round_up_to(self.step);
        let rest = length - self.now.length();
        self.now.cue(Some(rest), Cue::Rest);
        self.now.silence(rest);
        self.complete = true;
        Ok(())
    }

    pub(super) fn next_slide(&mut self) {
        self.sentences.retain(|begun| *begun >= self.start);
        self.starts.push((self.start, self.place));
        self.start += self.now.length();
        self.place += 1;
        if self.repeat && self.place == self.order.len() {
            self.place = 0;
        }
        (self.now, self.clause, self.complete) = (Timeline::default(), 0, false);
    }

    /// Asks for clauses until enough are under way, those of later slides too.
    fn keep_ahead(&mut self) {
        while self.narrator.ahead() < AHEAD {
            let (place, clause) = self.next_ask;
            let Some(script) = self.scripts.get(place) else {
                if self.repeat && self.scripts.iter().any(|script| !script.clauses.is_empty()) {
                    self.next_ask = (0, 0);
                    continue;
                }
                if !self.live {
                    self.narrator.close();
                }
                return;
            };
            match script.clauses.get(clause) {
                Some(clause) => self.narrator.ask(Clause::clone(clause)),
                None => {
                    self.next_ask = (place + 1, 0);
                    continue;
                }
            }
            self.next_ask.1 += 1;
        }
    }

    /// Where the slides so far end, and about how long the others will be.
    pub(super) fn expected_end(&self) -> Time {
        let later = self.order[self.place..].iter().map(|&index| match &self.lesson.slides[index] {
            Slide { narration: Narration::Text(text), .. } => {
                Span::from_seconds_f64(text.chars().count() as f64 / CHARACTERS_A_SECOND) + LEAD_IN + TAIL
            }
            Slide { narration: Narration::Silence(span), .. } => *span,
            Slide { narration: Narration::Audio { .. }, .. } => Span::from_seconds(30),
        });
        self.start + later.sum()
    }
}

/// Brings a recording to the loudness of the voices. Measured over the slide's own recording only.
fn recording_gain(samples: &[f32]) -> f32 {
    let loudness = super::voice::loudness(samples).unwrap_or(TARGET_LUFS);
    10f64.powf((TARGET_LUFS - loudness).clamp(-20.0, 20.0) / 20.0) as f32
}
