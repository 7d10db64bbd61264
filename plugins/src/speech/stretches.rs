//! The calls of a talk that is not in the middle of a slide: rests and answers.

use super::answer::Answer;
use super::programme::{Rest, Until, What};
use super::talk::Talk;
use super::tts_chunker::{AUDIO, CUES};
use super::voice::SAMPLES;
use engine::cue::Cue;
use engine::media::AudioBlock;
use engine::node::{Cx, Result};
use engine::packet::Packet;
use engine::time::Time;

impl Talk {
    /// The next answer begins here. `false` when none waits.
    pub(super) fn begin_answer(&mut self, rest: Option<Rest>) -> bool {
        let Some(say) = self.says.pop_front() else { return false };
        self.tell_owner("say_begun", self.place);
        let at = self.position();
        let (place, start) = (self.place, self.slide_start(at));
        self.enter(self.stretch_to(at, place, start, What::Answer(Box::new(Answer::new(say, rest)))));
        true
    }

    /// The beginning of the slide that is as far at `at` as it is now: in a rest it stands still.
    fn slide_start(&self, at: Time) -> Time {
        let stretch = self.stretch();
        match stretch.what {
            What::Slide => stretch.start,
            What::Rest(_) | What::Answer(_) => at - (stretch.at - stretch.start),
        }
    }

    /// In a rest: a block of silence, and what stands meanwhile. `false` when there is no rest.
    pub(super) fn rest(&mut self, cx: &mut Cx<'_>) -> bool {
        let What::Rest(rest) = self.stretch().what else { return false };
        // What is said after it does not begin with a wait.
        self.keep_ahead();
        if let Some(say) = self.says.front_mut().filter(|say| say.is_ready()) {
            if say.interrupt && !std::mem::replace(&mut say.announced, true) {
                self.tell_owner("say_ready", self.place);
            }
            return self.begin_answer(Some(rest));
        }
        let mut count = self.block;
        if rest.until == Until::Answered && self.says.is_empty() {
            // Slides begin at whole pictures.
            let silent = self.silent - Time::ZERO;
            let left = SAMPLES.count_in(silent.round_up_to(self.step) - silent) as usize;
            if left == 0 {
                self.enter(self.after_rest(rest.sentence, self.silent));
                return true;
            }
            count = left.min(count);
        }
        if !std::mem::replace(&mut self.stated, true) {
            let elapsed = self.stretch().at - self.stretch().start;
            self.send([Packet::new(self.silent, self.paused_cue(elapsed)), Packet::new(self.silent, Cue::Rest)], cx);
        }
        let silence = AudioBlock::silence(count, 1, SAMPLES);
        let length = silence.duration();
        cx.emit(AUDIO, Packet::lasting(self.silent, length, silence));
        self.silent += length;
        cx.settle(CUES, self.silent);
        true
    }

    /// In an answer: a block of it. `false` when there is none.
    pub(super) fn answer(&mut self, cx: &mut Cx<'_>) -> Result<bool> {
        let stretch = self.past.back_mut().expect("a talk is somewhere");
        let (at, start) = (stretch.at, stretch.start);
        let What::Answer(answer) = &mut stretch.what else { return Ok(false) };
        answer.fill(at, self.block, &self.cast, self.step, cx)?;
        // After a flush `silent` is where it goes on, before it is where it began.
        let from = at + answer.voice.position();
        if from < self.silent && answer.leave_out(at, self.silent, self.block) {
            return Ok(true);
        }
        let is_stated = std::mem::replace(&mut answer.stated, true);
        let (samples, cues) = answer.voice.take(self.block, at);
        let until = at + answer.voice.position();
        let is_over = answer.complete && answer.voice.waiting() == 0;
        let rest = answer.rest;
        if !is_stated {
            self.send([Packet::new(from, self.paused_cue(at - start))], cx);
        }
        cues.into_iter().for_each(|cue| cx.emit(CUES, cue));
        if !samples.is_empty() {
            let block = AudioBlock::mono(samples, SAMPLES);
            cx.emit(AUDIO, Packet::lasting(from, block.duration(), block));
        }
        cx.settle(CUES, until);
        if is_over {
            self.tell_owner("say_done", self.place);
            self.end_answer(until, rest, cx);
        }
        Ok(true)
    }

    /// What was interrupted goes on at `at`, as far as it was.
    fn end_answer(&mut self, at: Time, rest: Option<Rest>, cx: &mut Cx<'_>) {
        let (place, start) = (self.place, self.slide_start(at));
        match rest {
            Some(rest) => self.enter(self.stretch_to(at, place, start, What::Rest(rest))),
            // As it was left, unless a flush came between.
            None if self.now.position() == at - start => {
                self.remember(self.stretch_to(at, place, start, What::Slide));
                if at > start {
                    self.send([Packet::new(at, self.slide_cue(at - start)), Packet::new(at, Cue::Rest)], cx);
                }
            }
            None => self.enter(self.stretch_to(at, place, start, What::Slide)),
        }
    }
}
