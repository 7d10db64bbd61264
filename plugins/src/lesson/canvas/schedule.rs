//! When the objects of a canvas come and go while its slide is spoken.

use super::{Animation, Canvas, Easing, Effect, Trigger};
use engine::time::Span;
use std::ops::Range;

/// What is seen of an object.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Look {
    /// Nothing.
    Hidden,
    /// On its way in or out: this part of the way from hidden to whole, over 0 and under 1.
    Partly(Effect, f64),
    /// All of it.
    Whole,
}

/// The animations of one canvas, and when their words are spoken, as far as they have been.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// One for each object.
    objects: Vec<(Option<Step>, Option<Step>)>,
}

/// An animation with its beginning.
#[derive(Clone, Debug)]
struct Step {
    /// The word that it waits for, by its place in the narration.
    word: Option<usize>,
    /// When it is set off, in the slide; of a word, once that has been heard.
    start: Option<Span>,
    delay: Span,
    duration: Span,
    effect: Effect,
    easing: Easing,
}

impl Schedule {
    /// Before the first word. `narration` is what word triggers are looked up in; one that is not there never comes.
    pub fn new(canvas: &Canvas, narration: &str) -> Schedule {
        let step = |animation: &Animation| Step {
            word: animation.trigger.place(narration),
            start: match animation.trigger {
                Trigger::Start => Some(Span::ZERO),
                Trigger::Time(at) => Some(at),
                Trigger::Word { .. } => None,
            },
            delay: animation.delay,
            duration: animation.duration,
            effect: animation.effect,
            easing: animation.easing,
        };
        Schedule {
            objects: canvas.objects.iter().map(|object| (object.enter.as_ref().map(step), object.exit.as_ref().map(step))).collect(),
        }
    }

    /// A word of the narration, by its bytes in it, begins at this time in the slide. Words come in order; one that was skipped by the
    /// voice counts with the next.
    pub fn heard(&mut self, range: &Range<usize>, at: Span) {
        for step in self.steps().filter(|step| step.start.is_none() && step.word.is_some_and(|word| word < range.end)) {
            step.start = Some(at);
        }
    }

    /// What was heard at this time in the slide and later has not been.
    pub fn forget(&mut self, from: Span) {
        for step in self.steps().filter(|step| step.word.is_some() && step.start.is_some_and(|start| start >= from)) {
            step.start = None;
        }
    }

    /// What is seen of each object at a time in the slide.
    pub fn looks(&self, at: Span) -> Vec<Look> {
        self.objects.iter().map(|(enter, exit)| look(enter.as_ref(), exit.as_ref(), at)).collect()
    }

    /// What is seen of each object when all has been said and done.
    pub fn last_looks(&self) -> Vec<Look> {
        self.objects.iter().map(|(_, exit)| if exit.is_some() { Look::Hidden } else { Look::Whole }).collect()
    }

    /// Something that has been set off has not ended at this time in the slide.
    pub fn moves_after(&self, at: Span) -> bool {
        let steps = self.objects.iter().flat_map(|(enter, exit)| enter.iter().chain(exit));
        steps.filter_map(Step::end).any(|end| end > at)
    }

    fn steps(&mut self) -> impl Iterator<Item = &mut Step> {
        self.objects.iter_mut().flat_map(|(enter, exit)| enter.iter_mut().chain(exit))
    }
}

impl Step {
    fn begin(&self) -> Option<Span> {
        self.start.map(|start| start + self.delay)
    }

    fn end(&self) -> Option<Span> {
        self.begin().map(|begin| begin + self.duration)
    }

    /// How much of its time is gone, 0 to 1; `None` before it begins.
    fn gone(&self, at: Span) -> Option<f64> {
        let begin = self.begin().filter(|begin| *begin <= at)?;
        let gone = at - begin;
        // What appears does so when its time has come, and what takes no time is over.
        let over = gone >= self.duration || self.effect == Effect::Appear;
        Some(if over { 1.0 } else { gone.0 as f64 / self.duration.0 as f64 })
    }
}

fn look(enter: Option<&Step>, exit: Option<&Step>, at: Span) -> Look {
    let came = match enter {
        Some(step) => step.gone(at).map(|gone| (step.effect, step.easing.at(gone))),
        None => Some((Effect::Appear, 1.0)),
    };
    let Some((effect, there)) = came else { return Look::Hidden };
    // What is told to go before it came stays: it would never be seen.
    let goes = exit.filter(|step| step.begin() >= enter.map_or(Some(Span::ZERO), Step::begin));
    // On the way out time runs backwards: what came in slower and slower leaves faster and faster.
    match goes.and_then(|step| step.gone(at).map(|gone| (step.effect, step.easing.at(1.0 - gone)))) {
        Some((effect, left)) => part(effect, left),
        None => part(effect, there),
    }
}

fn part(effect: Effect, part: f64) -> Look {
    match part {
        0.0 => Look::Hidden,
        1.0 => Look::Whole,
        _ => Look::Partly(effect, part),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Color, Content, Object, Outline, Paint, Shape, Side};
    use super::*;

    fn ms(millis: i64) -> Span {
        Span::from_millis(millis)
    }

    fn word(text: &str) -> Trigger {
        Trigger::Word { text: text.into(), nth: 1 }
    }

    fn linear(trigger: Trigger, effect: Effect) -> Option<Animation> {
        Some(Animation { trigger, effect, delay: ms(100), duration: ms(200), easing: Easing::Linear })
    }

    fn schedule(enter: Option<Animation>, exit: Option<Animation>) -> Schedule {
        let shape = Shape { outline: Outline::Ellipse, fill: None, stroke: None };
        let object = Object { enter, exit, ..Object::new("o", [0.0; 4], Content::Shape(shape)) };
        let canvas = Canvas { objects: vec![object], ..Canvas::new(16.0, 9.0, Paint::Color(Color::WHITE)) };
        Schedule::new(&canvas, "Notes save time.")
    }

    #[test]
    fn a_word_sets_off_what_waits_for_it() {
        let mut schedule = schedule(linear(word("save"), Effect::Fade), None);
        assert_eq!(schedule.looks(ms(9000)), [Look::Hidden], "it has not been heard");
        schedule.heard(&(0..5), ms(500));
        assert!(!schedule.moves_after(ms(0)), "nothing is known to come");
        schedule.heard(&(6..10), ms(1000));
        schedule.heard(&(11..15), ms(1400));
        assert_eq!(schedule.looks(ms(1100)), [Look::Hidden], "the way begins");
        assert_eq!(schedule.looks(ms(1150)), [Look::Partly(Effect::Fade, 0.25)]);
        assert_eq!(schedule.looks(ms(1300)), [Look::Whole]);
        assert!(schedule.moves_after(ms(1299)) && !schedule.moves_after(ms(1300)));
        schedule.forget(ms(1001));
        assert_eq!(schedule.looks(ms(1300)), [Look::Whole], "heard before");
        schedule.forget(ms(1000));
        assert_eq!(schedule.looks(ms(1300)), [Look::Hidden]);
    }

    #[test]
    fn a_word_that_the_voice_leaves_out_counts_with_the_next() {
        let mut schedule = schedule(linear(word("save"), Effect::Appear), None);
        schedule.heard(&(0..5), ms(500));
        schedule.heard(&(11..15), ms(1000));
        assert_eq!((schedule.looks(ms(1099)), schedule.looks(ms(1100))), (vec![Look::Hidden], vec![Look::Whole]));
    }

    #[test]
    fn what_came_goes_the_same_way_back() {
        let schedule = schedule(linear(Trigger::Start, Effect::Zoom), linear(Trigger::Time(ms(1000)), Effect::Fly(Side::Left)));
        let looks: Vec<Look> = [0, 100, 200, 300, 1100, 1150, 1300].map(|at| schedule.looks(ms(at))[0]).to_vec();
        let fly = Look::Partly(Effect::Fly(Side::Left), 0.75);
        let expected = [Look::Hidden, Look::Hidden, Look::Partly(Effect::Zoom, 0.5), Look::Whole, Look::Whole, fly, Look::Hidden];
        assert_eq!(looks, expected);
        assert_eq!(schedule.last_looks(), [Look::Hidden]);
    }

    #[test]
    fn a_word_sends_away_what_waits_for_it() {
        let mut schedule = schedule(linear(word("Notes"), Effect::Fade), linear(word("time"), Effect::Fade));
        schedule.heard(&(0..5), ms(500));
        assert_eq!(schedule.looks(ms(9000)), [Look::Whole], "the word that sends it away has not been heard");
        schedule.heard(&(11..15), ms(1400));
        let looks: Vec<Look> = [1500, 1550, 1700].map(|at| schedule.looks(ms(at))[0]).to_vec();
        assert_eq!(looks, [Look::Whole, Look::Partly(Effect::Fade, 0.75), Look::Hidden]);
    }

    #[test]
    fn what_is_told_to_go_before_it_came_stays() {
        let schedule = schedule(linear(Trigger::Time(ms(1000)), Effect::Fade), linear(Trigger::Start, Effect::Fade));
        assert_eq!((schedule.looks(ms(500)), schedule.looks(ms(2000))), (vec![Look::Hidden], vec![Look::Whole]));
    }
}
