//! What a live talk can be told: to begin, to go to another slide, to pause, to go on, to say something.

use super::answer::{MOST, Say, SayCommand};
use super::programme::{Rest, Stretch, Until, What};
use super::talk::Talk;
use engine::time::{Span, Time};
use schemars::JsonSchema;
use serde::Deserialize;

/// What comes next. It takes effect with the flush that follows it, at the flush's cut: first the command, then the flush.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum TalkCommand {
    /// The first word, where the talk waits for it (`begin: when_told`); nothing once it has begun.
    Start,
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
    /// The slide after a live page, which otherwise stands for ever.
    ResumeEmbed,
    /// An answer, at the end of the sentence or at once. Another slide or a pause ends it, and drops those that wait.
    Say(SayCommand),
}

/// What to do at the next flush.
pub(super) enum Order {
    Start,
    Begin(Place),
    Pause,
    Resume,
    Embed,
    Interrupt(Say),
}

/// A slide to go to.
pub(super) enum Place {
    Number(usize),
    Next,
    Previous,
}

impl Talk {
    /// Between two calls: keeps it for the flush. An answer that can wait needs none.
    pub(super) fn tell(&mut self, command: TalkCommand) {
        let order = match command {
            TalkCommand::Start => Order::Start,
            TalkCommand::Goto(number) => Order::Begin(Place::Number(number)),
            TalkCommand::Next => Order::Begin(Place::Next),
            TalkCommand::Previous => Order::Begin(Place::Previous),
            TalkCommand::Pause => Order::Pause,
            TalkCommand::Resume => Order::Resume,
            TalkCommand::ResumeEmbed => Order::Embed,
            TalkCommand::Say(command) => {
                let waiting = self.says.len() + self.orders.iter().filter(|order| matches!(order, Order::Interrupt(_))).count();
                let say = match waiting < MOST {
                    true => Say::new(&command, &self.lesson.language, &self.words, &self.answers),
                    false => Err(format!("{MOST} answers are waiting; another one is left out")),
                };
                match say {
                    Ok(say) if say.interrupt => Order::Interrupt(say),
                    Ok(say) => return self.says.push_back(say),
                    Err(text) => return self.warnings.push((None, text)),
                }
            }
        };
        self.orders.push(order);
    }

    /// After a flush: makes again what had been made for later, then does what it was told.
    pub(super) fn turn(&mut self, cut: Time) {
        self.go_back(cut);
        // A cut is a picture's time, and not always a sample's.
        let at = Time::ZERO + (cut - Time::ZERO).round_up_to(self.step);
        for order in std::mem::take(&mut self.orders) {
            if self.place == self.order.len() {
                return;
            }
            match order {
                Order::Start => self.end_rest(Until::Told, at),
                Order::Resume => self.end_rest(Until::Resumed, at),
                Order::Pause => {
                    self.says.clear();
                    self.hold(Until::Resumed, at);
                }
                Order::Begin(place) => self.begin(place, at),
                Order::Embed => self.leave_embed(at),
                Order::Interrupt(say) => {
                    if !matches!(self.stretch().what, What::Answer(_)) {
                        self.hold(Until::Answered, at);
                    }
                    let place = self.says.iter().position(|say| !say.interrupt).unwrap_or(self.says.len());
                    self.says.insert(place, say);
                }
            }
        }
    }

    /// Begins a slide, if there is one.
    fn begin(&mut self, place: Place, at: Time) {
        let place = match place {
            Place::Next => Some(self.place + 1),
            Place::Previous => Some(self.place.saturating_sub(1)),
            Place::Number(number) => self.order.iter().position(|&index| self.lesson.slides[index].number == number),
        };
        let Some(place) = place.filter(|place| *place < self.order.len()) else { return };
        let waits = matches!(self.rest_mut(), Some(Rest { until: Until::Told, .. }));
        self.says.clear();
        let what = if waits { What::Rest(Rest { until: Until::Told, sentence: Span::ZERO }) } else { What::Slide };
        self.enter_anew(self.stretch_to(at, place, at, what));
    }

    /// Goes on after a live page, if one is shown; after the last slide the talk ends.
    fn leave_embed(&mut self, at: Time) {
        let is_shown = self.embed_at(self.place).is_some() && !matches!(self.rest_mut(), Some(Rest { until: Until::Told, .. }));
        if is_shown {
            self.says.clear();
            self.enter_anew(self.stretch_to(at, self.place_after(), at, What::Slide));
        }
    }

    /// Silence from `at` on. A rest stays what it is, but that one which would end by itself becomes one that does not.
    fn hold(&mut self, until: Until, at: Time) {
        let elapsed = match &self.stretch().what {
            // Its slide stood still since it began.
            What::Answer(_) | What::Rest(_) => self.stretch().at - self.stretch().start,
            What::Slide => (self.resume.unwrap_or(self.stretch().start) - self.stretch().start).max(Span::ZERO),
        };
        let sentence = self.speech[self.place].goes_on_at(elapsed);
        let rest = match self.rest_mut() {
            Some(Rest { until: Until::Answered, sentence }) => Rest { until, sentence: *sentence },
            Some(rest) => *rest,
            None => Rest { until, sentence },
        };
        self.enter_anew(self.stretch_to(at, self.place, at - elapsed, What::Rest(rest)));
    }

    /// Ends a rest of this kind: at once, or after the answers.
    fn end_rest(&mut self, until: Until, at: Time) {
        let answering = !self.says.is_empty() || matches!(self.stretch().what, What::Answer(_));
        match self.rest_mut() {
            Some(rest) if rest.until == until && answering => rest.until = Until::Answered,
            Some(rest) if rest.until == until => {
                let sentence = rest.sentence;
                self.enter_anew(self.after_rest(sentence, at));
            }
            _ => {}
        }
    }

    /// The slide from the beginning of a sentence on.
    pub(super) fn after_rest(&self, sentence: Span, at: Time) -> Stretch {
        let said = Span(sentence.0 - sentence.0 % self.step.0);
        self.stretch_to(at, self.place, at - said, What::Slide)
    }

    /// The rest that holds, under an answer too.
    fn rest_mut(&mut self) -> Option<&mut Rest> {
        match &mut self.past.back_mut()?.what {
            What::Slide => None,
            What::Rest(rest) => Some(rest),
            What::Answer(answer) => answer.rest.as_mut(),
        }
    }
}
