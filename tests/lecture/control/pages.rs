//! A live page is shown until it is told to go on.

use super::Talk;
use engine::cue::Cue;
use engine::graph::check::{Depth, check};
use engine::graph::{LoadOptions, load};
use engine::packet::Packet;
use engine::registry::Registry;
use engine::run::Run;
use engine::testing::{Door, TEST_NODES};
use engine::time::{Span, Time};
use serde_json::json;

/// A lesson with a live page between two slides.
fn with_a_page(folder: &tempfile::TempDir, page: &str) -> String {
    let path = folder.path().join("lesson.yaml");
    let slides = format!(
        "- {{ color: \"#204060\", narration: Look at this. }}\n- {{ id: poll, {page} }}\n- {{ color: \"#206040\", narration: Thank you., duration: 5s }}\n"
    );
    std::fs::write(&path, format!("version: 1\nslides:\n{slides}")).unwrap();
    path.display().to_string()
}

fn markers(cues: &[Packet<Cue>]) -> Vec<(Time, String)> {
    let marker = |packet: &Packet<Cue>| if let Cue::Marker(text) = &packet.media { Some((packet.pts, text.to_string())) } else { None };
    cues.iter().filter_map(marker).collect()
}

#[test]
fn a_live_page_stands_until_the_talk_is_told_to_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let lesson = with_a_page(&folder, "embed: { url: \"https://example.org/poll\" }, narration: Please vote.");
    let mut talk = Talk::of(&lesson, "chunk: 20ms", "a live page");
    talk.play(30_000);
    let slides: Vec<(Time, usize)> = talk.slides(Time::ZERO).iter().map(|(at, slide)| (*at, slide.index)).collect();
    assert_eq!(slides.iter().map(|(_, index)| *index).collect::<Vec<_>>(), [0, 1, 1], "the page, spoken and then in silence");
    assert_eq!(talk.words(Time::ZERO), ["Look", "at", "this", "Please", "vote"]);
    assert_eq!(talk.peak(talk.now - Span::from_millis(20_000), talk.now - Span::from_millis(250)), 0.0);
    let shown = (slides[1].0, "embed:https://example.org/poll".to_string());
    assert_eq!(markers(&talk.cues(Time::ZERO)), std::slice::from_ref(&shown));
    // A pause and its end do not leave it.
    talk.tell(json!("pause"));
    let cut = talk.tell(json!("resume"));
    talk.play(2000);
    assert!(talk.slides(cut).iter().all(|(_, slide)| slide.index == 1) && talk.words(cut).is_empty());

    let cut = talk.tell(json!("resume_embed"));
    talk.play(1500);
    let after = talk.slides(cut);
    assert_eq!((after[0].0, after[0].1.index, talk.words(cut)), (Talk::tick(cut), 2, vec!["Thank".to_string(), "you".to_string()]));
    assert_eq!(markers(&talk.cues(Time::ZERO)), [shown, (after[0].0, "embed_over".to_string())]);
    // There is none any more: nothing happens.
    let cut = talk.tell(json!("resume_embed"));
    talk.play(500);
    assert!(talk.slides(cut).iter().all(|(_, slide)| slide.index == 2));
    talk.peak(Time::ZERO, talk.now);
    talk.handle.cancel().cancel();
}

#[test]
fn a_film_shows_a_page_for_its_length() {
    let folder = tempfile::tempdir().unwrap();
    for (page, length) in
        [("embed: { url: \"https://example.org\" }", 5000), ("embed: { url: \"https://example.org\" }, silence: 1s", 1000)]
    {
        let lesson = with_a_page(&folder, page);
        let door = Door::open("a page in a film");
        let text = format!(
            "version: 1\ngraph: film\nnodes:\n\
            \x20 speech: {{ type: tts_chunker, config: {{ lesson: {lesson:?} }} }}\n\
            \x20 heard: {{ type: brake, inputs: {{ audio: speech.audio, cues: speech.cues }}, config: {{ door: a page in a film }} }}\n"
        );
        let registry = plugins::registry();
        let registry = Registry::new(&[registry.types(), TEST_NODES]);
        let document = load(&text, "film.yaml", &LoadOptions::default()).unwrap_or_else(|problems| panic!("{problems}"));
        let plan = check(&document, &registry, Depth::Environment).unwrap_or_else(|problems| panic!("{problems}"));
        Run::launch(plan).and_then(Run::wait).unwrap_or_else(|error| panic!("{error}"));
        let cues: Vec<Packet<Cue>> = door.taken().into_iter().filter_map(Packet::typed).collect();
        let markers = markers(&cues);
        assert_eq!(markers.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>(), ["embed:https://example.org", "embed_over"]);
        assert_eq!(markers[1].0 - markers[0].0, Span::from_millis(length));
    }
}
