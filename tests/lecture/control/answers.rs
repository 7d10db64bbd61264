//! It is told to say something in between.

use super::Talk;
use engine::cue::Cue;
use engine::time::{Span, Time};
use serde_json::json;

const ANSWER: [&str; 5] = ["Yes", "the", "answer", "is", "seven"];

#[test]
fn an_answer_is_given_between_two_sentences_and_nothing_is_lost() {
    let mut plain = Talk::begin("no answer");
    plain.play(16_000);
    let plainly = plain.timed_words(Time::ZERO);
    plain.handle.cancel().cancel();

    let mut talk = Talk::begin("an answer");
    talk.play(3000);
    talk.say("Yes, the answer is seven.", false);
    talk.play(13_000);
    let said = talk.timed_words(Time::ZERO);
    let words: Vec<&str> = said.iter().map(|(_, word)| word.as_str()).collect();
    let place = words.windows(5).position(|words| words == ANSWER).unwrap_or_else(|| panic!("{words:?}"));
    assert!(place > 0 && said.len() > place + 7, "{words:?}");
    assert_eq!(said[..place], plainly[..place]);
    let later = said[place + 5].0 - plainly[place].0;
    let shifted: Vec<(Time, String)> = plainly[place..].iter().map(|(at, word)| (*at + later, word.clone())).collect();
    assert_eq!(said[place + 5..], shifted[..said.len() - place - 5]);
    // It stands between two sentences, and the slide's own time stands still meanwhile.
    let cues = talk.cues(Time::ZERO);
    let between = cues.iter().filter(|cue| cue.pts > said[place - 1].0 && cue.pts < said[place].0);
    assert_eq!(between.filter(|cue| matches!(cue.media, Cue::SentenceEnd { .. })).count(), 1);
    let slides = talk.slides(said[place - 1].0);
    let [(before, stands), (after, goes_on), ..] = &slides[..] else { panic!("{slides:?}") };
    assert_eq!((stands.elapsed, goes_on.elapsed, *after - *before), (*before - Time::ZERO, stands.elapsed, later));
    assert!(talk.peak(*before, *after) > 0.05);
    talk.handle.cancel().cancel();
}

#[test]
fn an_answer_at_once_interrupts_a_sentence_that_is_begun_again() {
    let mut talk = Talk::begin("an answer at once");
    talk.play(3000);
    let cut = talk.say("Yes, the answer is seven.", true);
    let begun = talk.sentence_at(cut);
    talk.play_words(cut, 2);
    // As a session does when the answer can be heard: nothing is lost by it.
    talk.handle.flush().unwrap();
    talk.play_words(cut, 8);
    let words = talk.words(cut);
    assert_eq!((&words[..5], &words[5]), (&ANSWER.map(String::from)[..], &begun));
    let slides = talk.slides(cut);
    assert!(slides.iter().all(|(_, slide)| slide.index == 0 && slide.elapsed <= cut - Time::ZERO), "{slides:?}");
    assert!(talk.peak(cut, talk.now) > 0.05);
    talk.handle.cancel().cancel();
}

#[test]
fn an_answer_in_a_pause_is_given_and_the_pause_goes_on() {
    let mut talk = Talk::begin("an answer in a pause");
    talk.play(3000);
    let cut = talk.tell(json!("pause"));
    let begun = talk.sentence_at(cut);
    talk.play(1000);
    talk.say("Yes, the answer is seven.", false);
    talk.play_words(cut, 5);
    talk.play(5000);
    assert_eq!(talk.words(cut), ANSWER);
    assert_eq!(talk.peak(talk.now - Span::from_millis(2000), talk.now - Span::from_millis(250)), 0.0);
    let cut = talk.tell(json!("resume"));
    talk.play(3000);
    assert_eq!(talk.words(cut).first(), Some(&begun));
    talk.peak(Time::ZERO, talk.now);
    talk.handle.cancel().cancel();
}

#[test]
fn answers_wait_for_each_other_and_another_slide_drops_them() {
    let mut talk = Talk::begin("two answers");
    talk.play(3000);
    let cut = talk.say("First question.", true);
    talk.say("Second question.", false);
    talk.play_words(cut, 6);
    assert_eq!(talk.words(cut)[..4], ["First", "question", "Second", "question"]);

    let cut = talk.say("This answer is so long that nobody hears it to the end, because there are more slides to come.", true);
    talk.say("Nobody hears this.", false);
    talk.play_words(cut, 3);
    let cut = talk.tell(json!("next"));
    talk.play(4000);
    let slides = talk.slides(cut);
    assert_eq!((slides.len(), slides[0].0, slides[0].1.index), (1, Talk::tick(cut), 1));
    let mut second = Talk::of("graphs/demo/lectern.pptx", "slides: \"2\"", "the second slide");
    second.play(3000);
    let words = talk.words(cut);
    let plainly = second.words(Time::ZERO);
    let common = words.len().min(plainly.len());
    assert!(common > 3);
    assert_eq!(words[..common], plainly[..common]);
    // More than can wait is left out with a word of warning.
    (0..40).for_each(|_| _ = talk.say("One more.", false));
    talk.play(100);
    let warnings = talk.handle.report().warnings;
    assert_eq!(warnings.iter().filter(|warning| warning.text.contains("32 answers are waiting")).count(), 1, "and only once");
    talk.peak(Time::ZERO, talk.now);
    talk.handle.cancel().cancel();
    second.handle.cancel().cancel();
}
