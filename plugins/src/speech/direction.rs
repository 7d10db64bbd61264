//! What a live talk can be told: to go to another slide, to pause, to go on.

use super::talk::Talk;
use super::timeline::Timeline;
use super::tts_chunker::{AUDIO, CUES};
use super::voice::SAMPLES;
use engine::cue::Cue;
use engine::media::AudioBlock;
use engine::node::Cx;
use engine::packet::Packet;
use engine::time::{Span, Time};
use schemars::JsonSchema;
use serde::Deserialize;

/// What comes next. It takes effect with the flush that follows it, at the flush's cut: first the command, then the flush.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum TalkCommand {
    /// The slide of this number in the deck; one that is not given is passed over in silence.
    Goto(usize),
    /// The slide after this one; nothing after the last.
    Next,
    /// The slide before this one; the first one anew.
    Previous,
    /// Silence, while the slide stands and the presenter idles.
    Pause,
    /// The end of a pause: the sentence that was interrupted is begun again.
    Resume,
}

/// A talk that is interrupted.
pub(super) struct Pause {
    /// How far the slide was.
    elapsed: Span,
    /// Where in it the interrupted sentence began.
    sentence: Span,
    /// Silence has been made up to here.
    until: Time,
    /// Since the last flush the slide has been stated.
    stated: bool,
}

impl Talk {
    /// After a flush: does what it was told, or else makes again what it had made for later.
    pub(super) fn turn(&mut self, cut: Time) {
        match &mut self.pause {
            Some(pause) => (pause.until, pause.stated) = (pause.until.min(cut), false),
            None => self.go_back(cut),
        }
        // A cut is a picture's time, and not always a sample's.
        let at = Time::ZERO + (cut - Time::ZERO).round_up_to(self.step);
        match self.told.take() {
            None => {}
            Some(TalkCommand::Pause) => self.hold(at),
            Some(TalkCommand::Resume) => self.go_on(at),
            Some(TalkCommand::Next) => self.begin(self.place + 1, at),
            Some(TalkCommand::Previous) => self.begin(self.place.saturating_sub(1), at),
            Some(TalkCommand::Goto(number)) => {
                let place = self.order.iter().position(|&index| self.lesson.slides[index].number == number);
                self.begin(place.unwrap_or(usize::MAX), at);
            }
        }
    }

    /// Begins the slide at a place of the order, if there is one.
    fn begin(&mut self, place: usize, at: Time) {
        if place < self.order.len() {
            self.make_from(place, at, None);
        }
    }

    fn hold(&mut self, at: Time) {
        if self.pause.is_none() {
            let elapsed = (self.resume.unwrap_or(self.start) - self.start).max(Span::ZERO);
            let begun = self.sentences.iter().filter(|begun| (self.start..=at).contains(begun)).max();
            let sentence = begun.map_or(Span::ZERO, |begun| *begun - self.start);
            self.pause = Some(Pause { elapsed, sentence, until: at, stated: false });
        }
    }

    fn go_on(&mut self, at: Time) {
        if let Some(Pause { sentence, .. }) = self.pause {
            let said = Span(sentence.0 - sentence.0 % self.step.0);
            self.make_from(self.place, at - said, (said > Span::ZERO).then_some(at));
        }
    }

    /// Makes a slide as if it had begun at `start`, and sends it from `resume` on.
    fn make_from(&mut self, place: usize, start: Time, resume: Option<Time>) {
        (self.place, self.start, self.resume, self.pause) = (place, start, resume, None);
        self.starts.clear();
        self.sentences.clear();
        self.make_again();
    }

    /// Nothing of the slide has been made.
    pub(super) fn make_again(&mut self) {
        (self.now, self.clause, self.complete) = (Timeline::default(), 0, false);
        self.narrator.forget();
        self.next_ask = (self.place, 0);
    }

    /// In a pause: a block of silence, and what stands meanwhile. `false` when there is no pause.
    pub(super) fn rest(&mut self, cx: &mut Cx<'_>) -> bool {
        let Some(mut pause) = self.pause.take() else { return false };
        if !std::mem::replace(&mut pause.stated, true) {
            cx.emit(CUES, Packet::new(pause.until, self.slide_cue(pause.elapsed)));
            cx.emit(CUES, Packet::new(pause.until, Cue::Rest));
        }
        let silence = AudioBlock::silence(self.block, 1, SAMPLES);
        let length = silence.duration();
        cx.emit(AUDIO, Packet::lasting(pause.until, length, silence));
        pause.until += length;
        cx.settle(CUES, pause.until);
        self.pause = Some(pause);
        true
    }
}
