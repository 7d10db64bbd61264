//! A lesson's narration as packets; `scripts/setup` and `scripts/setup kokoro` must have run.

use super::*;
use crate::speech::text::{Options, narrate};
use crate::speech::voice::shared;
use engine::cue::Viseme;
use engine::testing::{NodeTest, Outputs};
use std::fs;
use std::path::Path;

const TEXT: &str = "Good morning to all of you.";

/// A lesson in this folder that begins so, with slides that have nothing but a narration and what else is written for each.
fn lesson(folder: &Path, head: &str, slides: &[(&str, &str)]) -> PathBuf {
    let mut text = format!("version: 1\nid: talk\ntitle: Talk\nlanguage: en\n{head}slides:\n");
    for (narration, more) in slides {
        text += &format!("  - {{ color: \"#203040\", narration: {narration:?}{more} }}\n");
    }
    let path = folder.join("lesson.yaml");
    fs::write(&path, text).unwrap();
    path
}

fn narrated(lesson: &Path, settings: &str) -> Outputs {
    NodeTest::new(&TTS_CHUNKER, &format!("{{ lesson: {lesson:?}, {settings} }}")).run().unwrap()
}

/// How long after the first word of its slide each word begins, slide by slide.
fn beginnings(out: &Outputs) -> Vec<Vec<Span>> {
    let mut slides: Vec<Vec<Time>> = Vec::new();
    for cue in out.packets(CUES) {
        if let Cue::Slide(_) = cue.media {
            slides.push(Vec::new());
        } else if let (Cue::Word(_), Some(words)) = (&cue.media, slides.last_mut()) {
            words.push(cue.pts);
        }
    }
    slides.into_iter().map(|words| words.iter().map(|at| *at - words[0]).collect()).collect()
}

/// The same of the text, spoken by a voice.
fn spoken_by(voice: &str) -> Vec<Span> {
    let clause = &narrate(TEXT, "en", Options::default()).clauses[0];
    let words = shared(voice, Settings::default()).unwrap().synthesize(clause).unwrap().words;
    words.iter().map(|word| word.at - words[0].at).collect()
}

/// The sounds that begin while a word is said, in a programme of one slide.
fn sounds(out: &Outputs, word: usize) -> String {
    let cues = out.packets(CUES);
    let said = cues.iter().filter(|cue| matches!(cue.media, Cue::Word(_))).nth(word).unwrap();
    let end = said.pts + said.dur.unwrap();
    let sound = |cue: &Packet<Cue>| if let Cue::Phoneme(ipa) = &cue.media { Some(ipa.to_string()) } else { None };
    cues.iter().filter(|cue| said.pts <= cue.pts && cue.pts < end).filter_map(sound).collect()
}

#[test]
fn a_slide_with_a_voice_of_its_own_is_spoken_by_it() {
    let folder = tempfile::tempdir().unwrap();
    let slides = [(TEXT, ""), (TEXT, ", voice: guest"), (TEXT, "")];
    let lesson = lesson(folder.path(), "voices: { guest: kokoro:am_michael }\n", &slides);
    let (joe, michael) = (spoken_by("joe"), spoken_by("kokoro:am_michael"));
    assert_ne!(joe, michael);
    assert_eq!(beginnings(&narrated(&lesson, "voice: joe")), [joe.clone(), michael, joe.clone()]);
    // The graph says who that is before the lesson does.
    assert_eq!(beginnings(&narrated(&lesson, "voice: joe, voices: { guest: joe }")), [joe.clone(), joe.clone(), joe]);
    let error = NodeTest::new(&TTS_CHUNKER, &format!("{{ lesson: {lesson:?}, voices: {{ guest: nobody }} }}")).run().err();
    let error = error.expect("there is no such voice").to_string();
    assert!(error.contains("slide 2") && error.contains("nobody"), "{error}");
}

#[test]
fn words_are_said_as_the_dictionary_says_and_the_lesson_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let dictionary = folder.path().join("words.yaml");
    fs::write(&dictionary, "Lectern: /zˈuːm/\nreads: /mˈɑːp/\nnginx: engine X\n").unwrap();
    let lesson = lesson(folder.path(), "pronounce: { reads: /lˈɑːl/ }\n", &[("Lectern reads nginx.", "")]);
    let (plain, said) = (narrated(&lesson, "voice: joe"), narrated(&lesson, &format!("voice: joe, dictionary: {dictionary:?}")));
    assert_eq!((sounds(&plain, 0).as_str(), sounds(&plain, 1).as_str()), ("lɛktɚn", "lɑːl"));
    assert_eq!([0, 1, 2].map(|word| sounds(&said, word)), ["zuːm", "lɑːl", "ɛndʒɪnɛks"]);
    // And the mouth goes with it: lips meet on the only `m`.
    let lips = |out: &Outputs| {
        out.packets(CUES).iter().filter(|cue| matches!(&cue.media, Cue::Viseme(shape) if shape.viseme == Viseme::Pp)).count()
    };
    assert_eq!((lips(&plain), lips(&said)), (0, 1));
}

#[test]
fn word_cues_say_what_is_emphasised() {
    let folder = tempfile::tempdir().unwrap();
    let text = "It is *not* the wind. **All of this is bold.** But that is **very strong**.";
    let out = narrated(&lesson(folder.path(), "", &[(text, "")]), "voice: joe");
    let word = |cue: Packet<Cue>| if let Cue::Word(word) = cue.media { Some(word) } else { None };
    let strong = out.packets(CUES).into_iter().filter_map(word).filter(|word| word.emphasis);
    assert_eq!(strong.map(|word| word.text.to_string()).collect::<Vec<_>>(), ["not", "very", "strong"]);
}

#[test]
fn slides_say_where_a_presenter_fades_from() {
    let folder = tempfile::tempdir().unwrap();
    let (fade, hidden) = ("transition: { kind: fade, duration: 200ms }", "presenter: { visible: false }");
    let slides = [hidden, &format!("{fade}, {hidden}"), fade, fade, &format!("{fade}, presenter: {{ height: 60% }}"), hidden];
    let text: String = slides.iter().map(|slide| format!("  - {{ color: \"#203040\", silence: 500ms, {slide} }}\n")).collect();
    let path = folder.path().join("lesson.yaml");
    fs::write(&path, format!("version: 1\nid: talk\nslides:\n{text}")).unwrap();
    let shown = |config: &str| {
        let slide = |cue: Packet<Cue>| if let Cue::Slide(slide) = cue.media { Some(slide) } else { None };
        narrated(&path, config).packets(CUES).into_iter().filter_map(slide).collect::<Vec<_>>()
    };
    let found: Vec<_> = shown("voice: joe").iter().map(|slide| (slide.fading(), slide.fades_from)).collect();
    let length = Span::from_millis(200);
    let [here, gone] = [true, false].map(|visible| Some(engine::cue::Placement { visible, ..Default::default() }));
    // Nothing moves where nobody is seen, where they stand as before, and where there is no time for it.
    assert_eq!(found, [(Span::ZERO, None), (Span::ZERO, None), (length, gone), (Span::ZERO, None), (length, here), (Span::ZERO, None)]);
    let none = shown("voice: joe, presenter: false");
    assert!(none.iter().all(|slide| !slide.placement.visible && slide.fades_from.is_none()), "{none:?}");
}

#[test]
fn what_a_film_says_of_its_voice_and_face_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = "-f lavfi -i color=s=64x36:r=25:d=1 -f lavfi -i sine=d=1 -c:v libx264 -c:a aac";
    let film = crate::gst::film::tests::make(folder.path(), "a.mp4", arguments);
    let markers = || {
        let marker = |cue: Packet<Cue>| if let Cue::Marker(text) = cue.media { Some(text.to_string()) } else { None };
        narrated(&film, "voice: joe").packets(CUES).into_iter().filter_map(marker).collect::<Vec<_>>()
    };
    assert!(markers().is_empty());
    // In a box that players pass over.
    let said = crate::mp4::SYNTHETIC_COMMENT.as_bytes();
    let length = (8 + said.len() as u32).to_be_bytes();
    fs::write(&film, [&fs::read(&film).unwrap()[..], &length, b"free", said].concat()).unwrap();
    assert_eq!(markers(), ["synthetic:voice,face"]);
}
