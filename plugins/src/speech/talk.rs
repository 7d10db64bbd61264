//! A lesson being given: which slide, how far in it, what has been asked of the narrator. `tts_chunker` takes its blocks from here.
//!
//! The programme is a row of stretches: slides, rests and answers. A flush goes back along them to the one that its cut lies in, makes that
//! one again (what was spoken is remembered) and leaves out what lies before the cut.

use super::answer::Say;
use super::cast::Cast;
use super::direction::Order;
use super::narrator::{AHEAD, Narrator};
use super::programme::{Rest, Speech, Stretch, Until, What, expected_length};
use super::recordings::Recordings;
use super::text::{Clause, Ends, Narration as Script};
use super::timeline::{Content, Timeline};
use super::tts_chunker::CUES;
use super::voice::SAMPLES;
use crate::lesson::{LEAD_IN, Lesson, Narration, Pronunciations, Slide, TAIL};
use engine::cue::{Cue, Placement, SlideCue, Transition, VisemeCue};
use engine::node::{Cx, Result};
use engine::packet::Packet;
use engine::run::Events;
use engine::time::{Span, Time};
use std::collections::VecDeque;
use std::sync::Arc;

/// Stretches that are remembered: more than begin within the latency of a live run.
const PAST: usize = 64;

/// A lesson being given.
pub(super) struct Talk {
    pub(super) lesson: Arc<Lesson>,
    /// Which slides, by index into `lesson.slides`.
    pub(super) order: Vec<usize>,
    /// How slides come in that do not say it.
    pub(super) transition: Transition,
    /// A presenter stands in the pictures at all.
    pub(super) presenter: bool,
    pub(super) scripts: Vec<Script>,
    pub(super) narrator: Narrator,
    /// Speaks answers, so that they do not wait for narration.
    pub(super) answers: Narrator,
    pub(super) recordings: Recordings,
    /// Hears what has just been made; it is heard later by the graph's latency.
    pub(super) events: Events,
    pub(super) cast: Arc<Cast>,
    /// How words are said.
    pub(super) words: Pronunciations,
    /// The clause that the narrator is asked for next: place in `order`, number in its script.
    pub(super) next_ask: (usize, usize),
    /// The stretches up to now, the last one playing. Never empty.
    pub(super) past: VecDeque<Stretch>,
    /// Place in `order` of the slide that plays or stands; past the last one when the talk has ended.
    pub(super) place: usize,
    /// The slide is made again, and what lies before this has been sent.
    pub(super) resume: Option<Time>,
    /// By place in `order`.
    pub(super) speech: Vec<Speech>,
    /// What to do at the next flush.
    pub(super) orders: Vec<Order>,
    /// Answers that wait, those that interrupt first.
    pub(super) says: VecDeque<Say>,
    /// For the next call, with the slide's number.
    pub(super) warnings: Vec<(Option<usize>, String)>,
    /// In a rest: silence has been made up to here.
    pub(super) silent: Time,
    /// In a rest: since it began and since the last flush the slide has been stated.
    pub(super) stated: bool,
    /// When live pages were shown (place in `order`) and left.
    pub(super) embeds: Vec<(Time, Option<usize>)>,
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
    /// Tells the run's owner what has just been made.
    pub(super) fn tell_owner(&self, what: &str, place: usize) {
        self.events.tell(serde_json::json!({ "talk": what, "slide": self.slide_id(place) }));
    }

    /// The stretch that plays.
    pub(super) fn stretch(&self) -> &Stretch {
        self.past.back().expect("a talk is somewhere")
    }

    /// One that comes after it.
    pub(super) fn stretch_to(&self, at: Time, place: usize, start: Time, what: What) -> Stretch {
        let left = if place == self.place { self.stretch().left } else { Some(self.place) };
        Stretch { at, place, left, start, what }
    }

    /// How far the programme has been made.
    pub(super) fn position(&self) -> Time {
        match &self.stretch().what {
            What::Slide => self.resume.unwrap_or(self.stretch().start + self.now.position()),
            What::Rest(_) => self.silent,
            What::Answer(answer) => self.silent.max(self.stretch().at + answer.voice.position()),
        }
    }

    /// Goes on with another stretch. A slide is made from its beginning, and sent from where the stretch begins.
    pub(super) fn enter(&mut self, stretch: Stretch) {
        (self.place, self.silent, self.stated) = (stretch.place, stretch.at, false);
        match stretch.what {
            What::Slide => {
                self.make_again(&stretch.what);
                self.resume = (stretch.at > stretch.start).then_some(stretch.at);
            }
            What::Rest(_) => self.aim(&stretch.what),
            What::Answer(_) => {}
        }
        self.remember(stretch);
    }

    pub(super) fn remember(&mut self, stretch: Stretch) {
        self.past.push_back(stretch);
        if self.past.len() > PAST {
            self.past.pop_front();
        }
    }

    /// The same at a cut: nothing before it comes back.
    pub(super) fn enter_anew(&mut self, stretch: Stretch) {
        self.past.clear();
        self.enter(stretch);
    }

    /// Nothing of the slide has been made.
    fn make_again(&mut self, what: &What) {
        (self.now, self.clause, self.complete) = (Timeline::default(), 0, false);
        self.aim(what);
    }

    /// The narrator speaks for what comes in this stretch or after it.
    fn aim(&mut self, what: &What) {
        let is_left = matches!(what, What::Rest(Rest { until: Until::Left, .. }));
        self.narrator.forget();
        self.next_ask = (if is_left { self.place_after() } else { self.place }, 0);
    }

    fn slide(&self) -> &Slide {
        &self.lesson.slides[self.order[self.place]]
    }

    /// Makes at least one block of the slide that plays, or the rest of it.
    pub(super) fn fill(&mut self) -> Result {
        if self.now.length() == Span::ZERO && !self.complete {
            self.open();
            if self.live {
                self.read_ahead()?;
            }
        }
        self.keep_ahead();
        while self.now.ready() < self.block && !self.complete {
            self.keep_ahead();
            let script = &self.scripts[self.place];
            match script.clauses.get(self.clause) {
                Some(clause) => {
                    let spoken = self.narrator.next()?;
                    let number = self.lesson.slides[self.order[self.place]].number;
                    for unspoken in &spoken.unspoken {
                        self.warnings.push((Some(number), format!("\"{}\" is not spoken: {}", unspoken.text, unspoken.reason)));
                    }
                    if self.clause == 0 || script.clauses[self.clause - 1].ends != Ends::Comma {
                        self.speech[self.place].begins_at(self.now.length());
                    }
                    self.now.clause(clause, &spoken, self.cast.gain(clause), &script.clauses[self.clause + 1..]);
                    self.clause += 1;
                }
                None => self.close()?,
            }
        }
        Ok(())
    }

    /// Live, the next recording is read while this slide is heard.
    fn read_ahead(&mut self) -> Result {
        for (place, hurry) in [(self.place, true), (self.place_after(), false)] {
            let slide = self.order.get(place).map(|&index| &self.lesson.slides[index]);
            if let Some(Narration::Audio { path, .. }) = slide.map(|slide| &slide.narration) {
                self.recordings.ask(path, hurry)?;
            }
        }
        Ok(())
    }

    /// Makes all of the slide that plays, of which nothing has been sent, and says what it is made of.
    pub(super) fn make_whole(&mut self) -> Result<Content> {
        let block = std::mem::replace(&mut self.block, usize::MAX);
        let made = self.fill();
        self.block = block;
        made.map(|()| self.now.content())
    }

    /// Goes back to the stretch that `cut` lies in, as far as it had been made. Answers that had not begun there wait again.
    pub(super) fn go_back(&mut self, cut: Time) {
        let resume = cut.min(self.position());
        while self.past.len() > 1
            && let Some(gone) = self.past.pop_back_if(|stretch| stretch.at > resume)
        {
            if let What::Answer(answer) = gone.what {
                self.says.push_front(answer.say);
            }
        }
        let mut last = self.past.pop_back().expect("a talk is somewhere");
        if let What::Answer(answer) = last.what {
            last.what = What::Answer(Box::new(answer.again()));
        }
        let start = last.start;
        let is_within = matches!(last.what, What::Slide) && resume > start;
        self.place = last.place;
        self.make_again(&last.what);
        (self.silent, self.stated) = (resume, false);
        self.embeds.retain(|(at, _)| *at < cut);
        self.resume = is_within.then_some(resume);
        self.past.push_back(last);
    }

    /// While a slide is made again: leaves out what had been sent, then states what holds there. `false` when there is nothing to leave out.
    pub(super) fn skip(&mut self, cx: &mut Cx<'_>) -> bool {
        let Some(resume) = self.resume else { return false };
        let start = self.stretch().start;
        let left = SAMPLES.count_in(resume - (start + self.now.position())) as usize;
        let (_, cues) = self.now.take(left.min(self.block), start);
        for cue in cues {
            match &cue.media {
                Cue::Slide(slide) => {
                    let slide = SlideCue { elapsed: resume - start, ..SlideCue::clone(slide) };
                    self.send([Packet::new(resume, Cue::Slide(slide.into()))], cx);
                }
                Cue::Rest if cue.end().is_some_and(|end| end > resume) => {
                    cx.emit(CUES, Packet { dur: cue.end().map(|end| end - resume), ..Packet::new(resume, Cue::Rest) });
                }
                // What is still read.
                Cue::Caption(_) if cue.end().is_some_and(|end| end > resume) => {
                    cx.emit(CUES, Packet { dur: cue.end().map(|end| end - resume), ..Packet::new(resume, cue.media) });
                }
                // The last shape and word before have been heard.
                _ => {}
            }
        }
        if start + self.now.position() >= resume {
            self.resume = None;
        }
        true
    }

    /// The slide cue, and silence up to the first word.
    fn open(&mut self) {
        let cue = self.slide_cue(Span::ZERO);
        let slide = self.slide();
        let lead_in = LEAD_IN.max(slide.transition.unwrap_or(self.transition).duration()) + self.scripts[self.place].lead;
        let silent = matches!(slide.narration, Narration::Silence(_));
        self.now.cue(None, cue);
        if !silent {
            self.now.cue(None, Cue::Rest);
            self.now.silence(lead_in);
        }
    }

    /// The slide that plays, so far on.
    pub(super) fn slide_cue(&self, elapsed: Span) -> Cue {
        Cue::Slide(self.slide_so_far(elapsed).into())
    }

    /// The slide that stands meanwhile, so far on.
    pub(super) fn paused_cue(&self, elapsed: Span) -> Cue {
        Cue::Slide(SlideCue { paused: true, ..self.slide_so_far(elapsed) }.into())
    }

    /// How the slide that plays comes in; the first one is just there.
    pub(super) fn transition(&self) -> Transition {
        if self.place == 0 { Transition::Cut } else { self.slide().transition.unwrap_or(self.transition) }
    }

    fn slide_so_far(&self, elapsed: Span) -> SlideCue {
        let slide = self.slide();
        SlideCue {
            id: slide.id.as_str().into(),
            index: self.order[self.place],
            number: slide.number,
            title: slide.title.as_str().into(),
            seed: slide.seed(),
            elapsed,
            paused: false,
            placement: self.placement(slide),
            transition: self.transition(),
            fades_from: self.fades_from(),
        }
    }

    /// Where the presenter stands while a slide shows.
    fn placement(&self, slide: &Slide) -> Placement {
        Placement { visible: slide.presenter.visible && self.presenter, ..slide.presenter }
    }

    /// Where the presenter stood before, where that is seen for a while.
    fn fades_from(&self) -> Option<Placement> {
        let left = self.stretch().left.or_else(|| self.place.checked_sub(1)).and_then(|place| self.order.get(place));
        let (before, now) = (self.placement(&self.lesson.slides[*left?]), self.placement(self.slide()));
        let is_seen = (before.visible || now.visible) && self.transition().duration() > Span::ZERO;
        (is_seen && before != now).then_some(before)
    }

    /// What a slide is besides spoken text, and its length.
    fn close(&mut self) -> Result {
        let slide = self.lesson.slides[self.order[self.place]].clone();
        let mut least = slide.least();
        match &slide.narration {
            Narration::Text(_) => {}
            Narration::Silence(span) => least = least.max(*span),
            Narration::Audio { path, words, .. } => {
                let recording = self.recordings.get(path)?;
                let visemes = recording.visemes.iter();
                let cues = visemes.map(|v| (v.at, Some(v.dur), Cue::Viseme(VisemeCue { viseme: v.value, strength: 1.0 }))).collect();
                self.speech[self.place].begins_at(self.now.length());
                self.now.recording(&recording.samples, recording.gain, cues, words.as_deref().unwrap_or_default());
            }
        }
        self.speech[self.place].end = Some(self.now.length());
        let tail = if matches!(slide.narration, Narration::Silence(_)) { Span::ZERO } else { TAIL };
        let length = (self.now.length() + tail).max(least).round_up_to(self.step);
        let rest = length - self.now.length();
        self.now.cue(Some(rest), Cue::Rest);
        self.now.silence(rest);
        self.now.close_captions();
        self.complete = true;
        Ok(())
    }

    /// The place after this one: past the last one where the talk ends.
    pub(super) fn place_after(&self) -> usize {
        if self.repeat { (self.place + 1) % self.order.len() } else { self.place + 1 }
    }

    /// The slide has been sent: the next one, if there is one. Live, a page stays until it is left.
    pub(super) fn next_slide(&mut self) {
        let at = self.position();
        if self.live && self.embed_at(self.place).is_some() {
            let what = What::Rest(Rest { until: Until::Left, sentence: self.now.length() });
            return self.enter(self.stretch_to(at, self.place, self.stretch().start, what));
        }
        self.leave_slide();
    }

    /// All of the slide has been made: on to the next one, whether it has been sent or not.
    pub(super) fn leave_slide(&mut self) {
        let at = self.stretch().start + self.now.length();
        let next = self.stretch_to(at, self.place_after(), at, What::Slide);
        (self.now, self.clause, self.complete, self.resume, self.place) = (Timeline::default(), 0, false, None, next.place);
        self.remember(next);
    }

    /// The length of the next block: up to the end of the sentence where an answer waits for it. `None` when it need not wait.
    pub(super) fn until_answer(&self) -> Option<usize> {
        if self.says.is_empty() {
            return Some(self.block);
        }
        let left = self.speech[self.place].left(self.now.position())?;
        Some(SAMPLES.count_in(left.min(SAMPLES.span_of(self.block as i64))) as usize)
    }

    /// Asks for clauses until enough are under way, those of later slides too.
    pub(super) fn keep_ahead(&mut self) {
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
        let later = self.order.iter().skip(self.place).map(|&index| expected_length(&self.lesson.slides[index]));
        self.stretch().start + later.sum()
    }
}
