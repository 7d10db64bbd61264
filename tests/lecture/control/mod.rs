//! A talk under way is told to go elsewhere, to pause and to go on.

mod answers;
mod pages;

use crate::support::root;
use engine::clock::Manual;
use engine::cue::{Cue, SlideCue};
use engine::graph::check::{Depth, check};
use engine::graph::{LoadOptions, load};
use engine::media::{AudioBlock, Media};
use engine::packet::Packet;
use engine::registry::Registry;
use engine::run::{Handle, Run, RunOptions};
use engine::testing::{Door, TEST_NODES};
use engine::time::{Rate, Span, Time};
use plugins::speech::text::{Options, narrate};
use plugins::speech::voice::{Settings, shared};
use serde_json::{Value, json};
use std::sync::Arc;

/// A deck, spoken by a clock that is cranked by hand.
struct Talk {
    handle: Handle,
    clock: Manual,
    now: Time,
    door: Door,
    run: Run,
}

impl Talk {
    fn begin(name: &str) -> Talk {
        Talk::of("graphs/demo/lectern.pptx", "slides: \"1-3\"", name)
    }

    fn of(deck: &str, settings: &str, name: &str) -> Talk {
        let door = Door::open(name);
        let text = format!(
            "version: 1\ngraph: talk\nclock: live\nlatency: 200ms\nnodes:\n\
            \x20 speech: {{ type: tts_chunker, config: {{ lesson: {:?}, {settings} }} }}\n\
            \x20 playout: {{ type: playout, inputs: {{ audio: speech.audio, cues: speech.cues }} }}\n\
            \x20 heard: {{ type: brake, inputs: {{ audio: playout.audio, cues: playout.cues }}, config: {{ door: {name} }} }}\n",
            root().join(deck).display()
        );
        let registry = plugins::registry();
        let registry = Registry::new(&[registry.types(), TEST_NODES]);
        let document = load(&text, "talk.yaml", &LoadOptions::default()).unwrap_or_else(|problems| panic!("{problems}"));
        let plan = check(&document, &registry, Depth::Environment).unwrap_or_else(|problems| panic!("{problems}"));
        let clock = Manual::default();
        let options = RunOptions { clock: Some(Arc::new(clock.clone())), ..RunOptions::default() };
        let run = Run::launch_with(plan, options).unwrap_or_else(|error| panic!("{error}"));
        let handle = run.handle();
        handle.idle();
        Talk { handle, clock, now: Time::ZERO, door, run }
    }

    fn play(&mut self, millis: i64) {
        let until = self.now + Span::from_millis(millis);
        while self.now < until {
            self.now += Span::from_millis(10);
            self.clock.crank(self.now);
            self.handle.idle();
        }
    }

    /// Tells it, and flushes; returns the cut.
    fn tell(&self, command: Value) -> Time {
        self.handle.command("speech", command).unwrap();
        self.handle.flush().unwrap()
    }

    /// The first tick from a cut on: where a slide may begin.
    fn tick(cut: Time) -> Time {
        Time::ZERO + (cut - Time::ZERO).round_up_to(Rate::per_second(30).interval())
    }

    fn cues(&self, from: Time) -> Vec<Packet<Cue>> {
        self.door.taken().into_iter().filter(|packet| packet.pts >= from).filter_map(Packet::typed).collect()
    }

    fn slides(&self, from: Time) -> Vec<(Time, Arc<SlideCue>)> {
        let slide = |packet: Packet<Cue>| if let Cue::Slide(slide) = packet.media { Some((packet.pts, slide)) } else { None };
        self.cues(from).into_iter().filter_map(slide).collect()
    }

    fn words(&self, from: Time) -> Vec<String> {
        self.timed_words(from).into_iter().map(|(_, word)| word).collect()
    }

    fn timed_words(&self, from: Time) -> Vec<(Time, String)> {
        let word = |packet: Packet<Cue>| if let Cue::Word(word) = packet.media { Some((packet.pts, word.text.to_string())) } else { None };
        self.cues(from).into_iter().filter_map(word).collect()
    }

    /// Tells it to say something; returns the cut when that interrupts.
    fn say(&self, text: &str, interrupt: bool) -> Time {
        self.handle.command("speech", json!({ "say": { "text": text, "interrupt": interrupt } })).unwrap();
        if interrupt { self.handle.flush().unwrap() } else { self.now }
    }

    /// Plays until so many words have been heard: how long a voice takes in a rest is not the clock's.
    fn play_words(&mut self, from: Time, count: usize) {
        let limit = self.now + Span::from_seconds(600);
        while self.words(from).len() < count {
            self.play(100);
            assert!(self.now < limit, "only {:?} was said", self.words(from));
        }
    }

    /// The first word of the sentence that was being said at this time.
    fn sentence_at(&self, at: Time) -> String {
        let heard: Vec<Packet<Cue>> = self.cues(Time::ZERO).into_iter().filter(|packet| packet.pts < at).collect();
        let after = heard.iter().rposition(|packet| matches!(packet.media, Cue::SentenceEnd { .. })).map_or(0, |place| place + 1);
        let word = |packet: &Packet<Cue>| if let Cue::Word(word) = &packet.media { Some(word.text.to_string()) } else { None };
        heard[after..].iter().find_map(word).expect("the time lies in a sentence")
    }

    /// The loudest sample in this time. The sound is whole: every block begins where the one before it ended.
    fn peak(&self, from: Time, to: Time) -> f32 {
        let blocks: Vec<Packet<AudioBlock>> =
            self.door.taken().into_iter().filter(|packet| matches!(packet.media, Media::Audio(_))).filter_map(Packet::typed).collect();
        assert!(blocks.windows(2).all(|pair| pair[0].end() == Some(pair[1].pts)), "the sound has a gap");
        let within = blocks.iter().filter(|block| block.pts >= from && block.end().is_some_and(|end| end <= to));
        within.flat_map(|block| block.media.samples().to_vec()).fold(0.0, |peak, sample| sample.abs().max(peak))
    }
}

#[test]
fn a_talk_goes_to_other_slides() {
    let mut talk = Talk::begin("other slides");
    talk.play(3000);
    let first = talk.slides(Time::ZERO);
    assert_eq!(first.iter().map(|(_, slide)| slide.index).collect::<Vec<_>>(), [0]);

    let cut = talk.tell(json!("next"));
    talk.play(4000);
    let slides = talk.slides(cut);
    assert_eq!((slides.len(), slides[0].0, slides[0].1.index, slides[0].1.elapsed), (1, Talk::tick(cut), 1, Span::ZERO));
    let second = talk.words(cut);
    assert!(second.len() > 3, "{second:?}");

    let cut = talk.tell(json!({ "goto": 3 }));
    talk.play(1000);
    assert_eq!(talk.slides(cut).iter().map(|(at, slide)| (*at, slide.index)).collect::<Vec<_>>(), [(Talk::tick(cut), 2)]);

    // From the beginning, word by word the same.
    let cut = talk.tell(json!("previous"));
    talk.play(4000);
    assert_eq!(talk.slides(cut)[0].1.index, 1);
    let again = talk.words(cut);
    assert_eq!(again[..second.len().min(again.len())], second[..second.len().min(again.len())]);

    // A slide that there is not: the talk goes on where it is.
    let cut = talk.tell(json!({ "goto": 99 }));
    talk.play(1000);
    let slides = talk.slides(cut);
    assert!(slides.len() == 1 && slides[0].1.index == 1 && slides[0].1.elapsed > Span::from_seconds(3), "{slides:?}");
    assert!(talk.peak(Time::ZERO, talk.now) > 0.05);
    talk.handle.stop();
    talk.play(1000);
    talk.run.wait().unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn a_presenter_fades_from_the_slide_that_was_shown_also_after_a_flush() {
    let folder = tempfile::tempdir().unwrap();
    let slide = |more: &str| format!("  - {{ color: \"#203040\", silence: 20s{more} }}\n");
    let high = |percent: i32| format!(", presenter: {{ height: {percent}% }}");
    let slides =
        [high(30), high(40), format!("{}, transition: {{ kind: fade, duration: 2s }}", high(50))].map(|more| slide(&more)).concat();
    let lesson = folder.path().join("lesson.yaml");
    std::fs::write(&lesson, format!("version: 1\nid: talk\nslides:\n{slides}")).unwrap();
    let mut talk = Talk::of(&lesson.display().to_string(), "voice: joe", "fades");
    talk.play(1000);
    let first = talk.slides(Time::ZERO)[0].1.placement;
    let cut = talk.tell(json!({ "goto": 3 }));
    talk.play(1000);
    // It states where it stands, and that it came from the first slide, which is not the one before it.
    let cuts = [cut, talk.handle.flush().unwrap()];
    talk.play(500);
    for cut in cuts {
        let slides = talk.slides(cut);
        assert_eq!((slides[0].1.index, slides[0].1.fades_from), (2, Some(first)), "{slides:?}");
    }
    talk.handle.stop();
    talk.play(1000);
    talk.run.wait().unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn a_pause_is_silent_and_ends_with_the_sentence_that_was_interrupted() {
    let mut talk = Talk::begin("a pause");
    talk.play(6000);
    let cut = talk.tell(json!("pause"));
    talk.play(3000);
    // The join itself is smoothed.
    let (silent, paused) = (cut + Span::from_millis(20), talk.now - Span::from_millis(250));
    assert_eq!(talk.peak(silent, paused), 0.0);
    let slides = talk.slides(cut);
    assert!(slides.len() == 1 && slides[0].1.index == 0 && slides[0].1.elapsed == cut - Time::ZERO, "{slides:?}");
    assert!(talk.words(cut).is_empty());
    assert!(talk.cues(cut).iter().any(|packet| packet.media == Cue::Rest));

    let begun = talk.sentence_at(cut);
    let cut = talk.tell(json!("resume"));
    talk.play(3000);
    assert_eq!(talk.words(cut).first(), Some(&begun));
    assert!(talk.peak(cut, talk.now) > 0.05);
    // Told to resume when nothing rests, it goes on.
    let cut = talk.tell(json!("resume"));
    talk.play(1000);
    assert!(talk.slides(cut)[0].1.elapsed > Span::ZERO && talk.peak(cut, talk.now) > 0.0);
    talk.handle.cancel().cancel();
}

#[test]
fn a_talk_that_repeats_begins_again_and_can_be_set_back_across_the_border() {
    let mut talk = Talk::of("tests/decks/hello.pptx", "repeat: true", "again and again");
    talk.play(12_000);
    let slides = talk.slides(Time::ZERO);
    assert_eq!(slides.iter().map(|(_, slide)| slide.index).collect::<Vec<_>>(), [0, 1, 2, 0]);
    let round = slides[3].0;
    // Just before the second round the source is in the third one already.
    while talk.now - Time::ZERO < (round - Time::ZERO) * 2 - Span::from_millis(100) {
        talk.play(10);
    }
    let cut = talk.handle.flush().unwrap();
    assert!(cut < round + (round - Time::ZERO));
    talk.play(4000);
    let after: Vec<usize> = talk.slides(cut).iter().map(|(_, slide)| slide.index).collect();
    assert_eq!(after[..2], [2, 0], "the rest of the last slide, then the first");
    let all: Vec<usize> = talk.slides(Time::ZERO).iter().map(|(_, slide)| slide.index).collect();
    assert_eq!(all[..6], [0, 1, 2, 0, 1, 2]);
    talk.peak(Time::ZERO, talk.now);
    talk.handle.cancel().cancel();
}

#[test]
fn a_talk_can_wait_until_it_is_told_to_begin() {
    let mut talk = Talk::of("graphs/demo/lectern.pptx", "slides: \"1-3\", begin: when_told", "waiting");
    talk.play(2000);
    let slides = talk.slides(Time::ZERO);
    assert_eq!(slides.iter().map(|(at, slide)| (*at, slide.index, slide.elapsed)).collect::<Vec<_>>(), [(Time::ZERO, 0, Span::ZERO)]);
    assert!(talk.words(Time::ZERO).is_empty() && talk.peak(Time::ZERO, talk.now) == 0.0);
    // Another slide waits, too.
    let cut = talk.tell(json!("next"));
    talk.play(1000);
    assert_eq!((talk.slides(cut)[0].1.index, talk.words(cut).len()), (1, 0));
    talk.tell(json!("previous"));
    let cut = talk.tell(json!("start"));
    talk.play(4000);
    let (slides, words) = (talk.slides(cut), talk.words(cut));
    assert_eq!((slides[0].0, slides[0].1.index, slides[0].1.elapsed), (Talk::tick(cut), 0, Span::ZERO));
    assert!(words.len() > 3, "{words:?}");
    // Told again, it just goes on.
    let again = talk.tell(json!("start"));
    talk.play(1000);
    assert_eq!(talk.slides(again)[0].1.elapsed, again - Talk::tick(cut));
    talk.handle.cancel().cancel();
}

#[test]
fn a_talk_that_waits_has_its_first_words_ready() {
    let folder = tempfile::tempdir().unwrap();
    // Nobody has said this before.
    let said = format!(
        "{} is the number of the day.",
        folder.path().display().to_string().bytes().map(u64::from).fold(7, |a, b| (a * 31 + b) % 900_001)
    );
    let path = folder.path().join("lesson.yaml");
    std::fs::write(&path, format!("version: 1\nslides: [{{ color: \"#204060\", narration: \"{said}\" }}]\n")).unwrap();
    let (voice, clauses) = (shared("default", Settings::default()).unwrap(), narrate(&said, "en", Options::default()).clauses);
    assert!(!voice.remembers(&clauses[0]));
    let mut talk = Talk::of(&path.display().to_string(), "begin: when_told", "first words");
    assert!(voice.remembers(&clauses[0]), "it was spoken before anything was played");
    talk.play(500);
    assert!(talk.words(Time::ZERO).is_empty());
    let cut = talk.tell(json!("start"));
    let last = ["of", "the", "day"].map(str::to_string);
    let mut words = Vec::new();
    let is_said = (0..90).any(|_| {
        talk.play(100);
        words = talk.words(cut);
        words.ends_with(&last)
    });
    assert!(is_said, "{words:?}");
    talk.handle.cancel().cancel();
}
