//! Answers: text that a live talk is given on its way, spoken between two sentences of the narration or in their place.
//!
//! An answer goes through the same text pipeline and voice as narration; only its first clause is short, so that it is ready soon. It is
//! kept for as long as a flush may go back into it.

use super::cast::Cast;
use super::narrator::{AHEAD, Narrator};
use super::programme::Rest;
use super::text::{Clause, Narration as Script, Options, narrate_by};
use super::timeline::Timeline;
use super::voice::{SAMPLES, Synthesis};
use crate::lesson::Pronunciations;
use engine::cue::Cue;
use engine::node::{Cx, Failure, Result};
use engine::time::{Span, Time};
use schemars::JsonSchema;
use serde::Deserialize;

/// Words of the first clause at most.
const FIRST_WORDS: usize = 8;
/// Silence after an answer, before the narration goes on.
const AFTER: Span = Span::from_millis(380);
/// Answers that may wait.
pub(super) const MOST: usize = 32;
/// Characters of an answer at most: some minutes.
const LONGEST: usize = 5000;

/// A text to be spoken beside the narration.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SayCommand {
    /// What is said, as in narration; at most 5000 characters.
    pub text: String,
    /// At once, with the flush that follows; the sentence that it interrupts is begun again afterwards. Otherwise it needs no flush and
    /// waits for the end of the sentence.
    #[serde(default)]
    pub interrupt: bool,
}

/// An answer, and as much of it as has been spoken.
pub(super) struct Say {
    pub(super) interrupt: bool,
    /// The one who asked knows that it can be heard.
    pub(super) announced: bool,
    script: Script,
    line: Narrator,
    asked: usize,
    spoken: Vec<Synthesis>,
}

impl Say {
    /// Sets the threads of `narrator` to work on it.
    ///
    /// # Errors
    /// Why it cannot be spoken.
    pub(super) fn new(
        command: &SayCommand,
        language: &str,
        words: &Pronunciations,
        narrator: &Narrator,
    ) -> std::result::Result<Say, String> {
        let length = command.text.chars().count();
        if length > LONGEST {
            return Err(format!("an answer of {length} characters is left out; it may have {LONGEST}"));
        }
        let script = narrate_by(words, &command.text, language, Options { longest_first: FIRST_WORDS, ..Options::default() });
        if script.clauses.is_empty() {
            return Err(format!("there is nothing to speak in \"{}\"", command.text));
        }
        let mut say =
            Say { interrupt: command.interrupt, announced: false, script, line: narrator.another(), asked: 0, spoken: Vec::new() };
        say.keep_ahead();
        Ok(say)
    }

    /// It can begin without waiting.
    pub(super) fn is_ready(&self) -> bool {
        !self.spoken.is_empty() || self.line.is_ready()
    }

    fn keep_ahead(&mut self) {
        while self.line.ahead() < AHEAD
            && let Some(clause) = self.script.clauses.get(self.asked)
        {
            self.line.ask(Clause::clone(clause));
            self.asked += 1;
        }
    }

    /// Waits until so many clauses have been spoken.
    fn hear(&mut self, count: usize) -> Result {
        while self.spoken.len() < count {
            self.keep_ahead();
            let spoken = self.line.next()?;
            self.spoken.push(spoken);
        }
        Ok(())
    }
}

/// An answer that is being given.
pub(super) struct Answer {
    pub(super) say: Say,
    /// What it was begun in, if not between two sentences.
    pub(super) rest: Option<Rest>,
    pub(super) voice: Timeline,
    clause: usize,
    pub(super) complete: bool,
    /// The slide that stands meanwhile has been stated since the last flush.
    pub(super) stated: bool,
}

impl Answer {
    pub(super) fn new(say: Say, rest: Option<Rest>) -> Answer {
        Answer { say, rest, voice: Timeline::aside(), clause: 0, complete: false, stated: false }
    }

    /// After a flush: it is made again.
    pub(super) fn again(self) -> Answer {
        Answer::new(self.say, self.rest)
    }

    /// Makes at least `block` samples, or the rest of it. What begins at `at` ends so that a slide can begin there, or go on: it lasts a
    /// multiple of `step`, or ends at one.
    pub(super) fn fill(&mut self, at: Time, block: usize, cast: &Cast, step: Span, cx: &Cx<'_>) -> Result {
        if self.clause == 0 && self.voice.length() == Span::ZERO {
            self.voice.silence(self.say.script.lead);
        }
        while self.voice.ready() < block && !self.complete {
            match self.say.hear(self.clause + 1) {
                Ok(()) => self.speak(cast, cx),
                Err(Failure::Failed(error)) => {
                    cx.warn(None, format!("an answer is cut short: {error}"));
                    self.clause = self.say.script.clauses.len();
                }
                Err(stopped) => return Err(stopped),
            }
            if self.clause == self.say.script.clauses.len() {
                let before = if self.rest.is_some() { at - Time::ZERO } else { Span::ZERO };
                let length = (before + self.voice.length() + AFTER).round_up_to(step) - before;
                let rest = length - self.voice.length();
                self.voice.cue(Some(rest), Cue::Rest);
                self.voice.silence(rest);
                self.voice.close_captions();
                self.complete = true;
            }
        }
        Ok(())
    }

    fn speak(&mut self, cast: &Cast, cx: &Cx<'_>) {
        let (clause, spoken) = (&self.say.script.clauses[self.clause], &self.say.spoken[self.clause]);
        for unspoken in &spoken.unspoken {
            cx.warn(None, format!("\"{}\" of an answer is not spoken: {}", unspoken.text, unspoken.reason));
        }
        self.clause += 1;
        self.voice.clause(clause, spoken, cast.gain(clause), &self.say.script.clauses[self.clause..]);
    }

    /// Leaves out at most `block` samples of what was heard before `from`; `at` is when it began. `false` when there is nothing to leave out.
    pub(super) fn leave_out(&mut self, at: Time, from: Time, block: usize) -> bool {
        let left = SAMPLES.count_in(from - (at + self.voice.position())).max(0) as usize;
        left > 0 && !self.voice.take(left.min(block), at).0.is_empty()
    }
}
