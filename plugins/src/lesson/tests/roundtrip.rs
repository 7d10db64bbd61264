//! A lesson written as `lesson.yaml` and read again.

use super::*;
use engine::cue::{Anchor, Placement, Transition};
use engine::time::{Span, Time};

/// A lesson with one of everything, its files in `folder`.
fn rich(folder: &Path) -> Lesson {
    picture(&folder.join("a.png"), 32, 18, [1, 2, 3]);
    fs::write(folder.join("a.pdf"), pdf(&[(160, 90), (160, 90)])).unwrap();
    fs::write(folder.join("a.wav"), b"RIFF not really sound").unwrap();
    let file = |name: &str| (folder.join(name), ContentHash::of(&fs::read(folder.join(name)).unwrap()));
    let ((image, image_hash), (document, document_hash), (sound, sound_hash)) = (file("a.png"), file("a.pdf"), file("a.wav"));
    let plain = Slide {
        id: "1".into(),
        number: 1,
        title: "true".into(),
        visual: Visual::Color([0, 128, 255]),
        narration: Narration::Silence(SILENT_SLIDE),
        presenter: Placement::default(),
        overlays: Vec::new(),
        transition: Transition::Cut,
        duration: None,
    };
    let words = vec![
        TimedWord { text: "it's".into(), start: Time(1), end: Time(705_600_001) },
        TimedWord { text: "\"so\"".into(), start: Time(705_600_007), end: Time(1_411_200_003) },
    ];
    let place = Placement { anchor: Some(Anchor::TopLeft), height: Some(0.29), margin: Some(12), visible: false, fill: true };
    let overlays = vec![
        Overlay { role: OverlayRole::Bullet, text: "- # {a}: \\".into(), from: Time::ZERO, until: None },
        Overlay { role: OverlayRole::Watermark, text: "©".into(), from: Time(7), until: Some(Time(705_600_000)) },
    ];
    let slides = vec![
        Slide { narration: Narration::Text("One: # two\nThree [pause 0.5s] *four*.".into()), ..plain.clone() },
        Slide {
            id: "~".into(),
            number: 2,
            visual: Visual::Image { path: image.clone(), hash: image_hash },
            narration: Narration::Audio { path: sound.clone(), hash: sound_hash, words: Some(words) },
            ..plain.clone()
        },
        Slide {
            id: "p".into(),
            number: 3,
            visual: Visual::Page { document, index: 1, hash: pdf::page_hash(document_hash, 1) },
            narration: Narration::Audio { path: sound, hash: sound_hash, words: None },
            presenter: place,
            overlays,
            transition: Transition::Fade(Span::from_millis(750)),
            duration: Some(Span(705_600_001)),
            ..plain.clone()
        },
        Slide {
            id: "e".into(),
            number: 4,
            visual: Visual::Embed { url: "https://example.org/poll?a=\"1\"".into(), poster: Some((image.clone(), image_hash)) },
            narration: Narration::Silence(SILENT_EMBED),
            ..plain.clone()
        },
        Slide { id: "f".into(), number: 5, visual: Visual::Embed { url: "http://[::1]:80".into(), poster: None }, ..plain.clone() },
        Slide { id: "q".into(), number: 6, narration: Narration::Text(" odd\u{85}\n\nspacing\t\u{7f}x".into()), ..plain },
    ];
    Lesson { id: "rich".into(), title: "A: \"b\"".into(), language: "en-GB".into(), size: (16, 9), slides, warnings: Vec::new() }
}

#[test]
fn a_lesson_survives_export_and_import() {
    let (source, target) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let lesson = rich(source.path());
    check(&lesson, source.path()).unwrap();
    let beside = source.path().join("lesson.yaml");
    export(&lesson, &beside).unwrap();
    let read = import(source.path(), &without_office(&source)).unwrap();
    assert_eq!(read.content_hash(), lesson.content_hash());
    let text = fs::read_to_string(&beside).unwrap();
    assert!(text.contains("    image: \"a.png\"\n") && text.contains("    narration: |-\n      One: # two\n"), "{text}");
    // Elsewhere its files are copied along; from there it goes round without a change.
    let there = target.path().join("new/lesson.yaml");
    export(&lesson, &there).unwrap();
    drop(source);
    let read = import(&there, &without_office(&target)).unwrap();
    assert_eq!(read.content_hash(), lesson.content_hash());
    let first = fs::read(&there).unwrap();
    export(&read, &there).unwrap();
    assert_eq!(fs::read(&there).unwrap(), first, "the same lesson, the same bytes");
    assert_eq!(fs::read_dir(target.path().join("new/media")).unwrap().count(), 3, "each file is copied once");
}

#[test]
fn the_schema_knows_every_key() {
    let schema = serde_json::to_string(&schema()).unwrap();
    for key in
        ["slides", "page", "image", "color", "embed", "narration", "audio", "silence", "presenter", "overlays", "transition", "duration"]
    {
        assert!(schema.contains(&format!("\"{key}\":")), "{key}");
    }
    assert!(schema.contains("\"additionalProperties\":false"));
}
