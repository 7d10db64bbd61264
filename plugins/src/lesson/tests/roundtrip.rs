//! A lesson written as `lesson.yaml` and read again.

use super::super::canvas::*;
use super::*;
use engine::cue::{Anchor, Motion, Placement, Transition};
use engine::time::{Rate, Span, Time};

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
        voice: None,
        presenter: Placement::default(),
        overlays: Vec::new(),
        transition: None,
        duration: None,
    };
    let film = film(folder, "a.mov");
    let part = clip::Part { from: Span::from_millis(250), until: Some(Span(705_600_001)), sound: false, fade_out: Some(Span(7)) };
    let (part, whole) = (clip::read(&film, &part).unwrap(), clip::read(&film, &clip::Part::WHOLE).unwrap());
    let words = vec![
        TimedWord { text: "it's".into(), start: Time(1), end: Time(705_600_001) },
        TimedWord { text: "\"so\"".into(), start: Time(705_600_007), end: Time(1_411_200_003) },
    ];
    let place = Placement {
        anchor: Some(Anchor::TopLeft),
        at: Some((-0.1, 600.0 / 1280.0)),
        height: Some(0.29),
        margin: Some(12),
        visible: false,
        fill: true,
    };
    let overlays = vec![
        Overlay::new(OverlayRole::Bullet, "- # {a}: \\"),
        Overlay { from: Some(Trigger::Start), ..Overlay::new(OverlayRole::Text, "x") },
        Overlay { from: Some(Trigger::Time(Span(7))), until: Some(Time(705_600_000)), ..Overlay::new(OverlayRole::Watermark, "©") },
        Overlay { detail: "she: \"first\"".into(), anchor: Some(Anchor::BottomRight), ..Overlay::new(OverlayRole::LowerThird, "Ada") },
        Overlay {
            file: Some(ImageFile { path: image.clone(), hash: image_hash }),
            height: Some(0.29),
            anchor: Some(Anchor::Top),
            ..Overlay::new(OverlayRole::Picture, "")
        },
    ];
    let slides = vec![
        Slide {
            voice: Some("guest".into()),
            narration: Narration::Text("One: # two\nThree [pause 0.5s] *four*.".into()),
            overlays: vec![Overlay { from: Some(Trigger::Word { text: "o".into(), nth: 2 }), ..Overlay::new(OverlayRole::Bullet, "y") }],
            transition: Some(Transition::Push(Motion { from: Side::Top, duration: Span(7), easing: Easing::Linear })),
            ..plain.clone()
        },
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
            transition: Some(Transition::Fade(Span::from_millis(750))),
            duration: Some(Span(705_600_001)),
            ..plain.clone()
        },
        Slide {
            id: "e".into(),
            number: 4,
            visual: Visual::Embed {
                url: "https://example.org/poll?a=\"1\"".into(),
                poster: Some((image.clone(), image_hash)),
                capture: Some(Capture::Moving { rate: 25, length: Some(Span::from_millis(1500)) }),
            },
            narration: Narration::Silence(SILENT_EMBED),
            ..plain.clone()
        },
        Slide {
            id: "f".into(),
            number: 5,
            visual: Visual::Embed { url: "http://[::1]:80".into(), poster: None, capture: Some(Capture::Still) },
            ..plain.clone()
        },
        Slide {
            id: "c".into(),
            number: 7,
            visual: Visual::Canvas(canvas(&image, image_hash).into()),
            narration: Narration::Text("Notes save time.".into()),
            ..plain.clone()
        },
        Slide { id: "v".into(), number: 8, visual: Visual::Clip(part), ..plain.clone() },
        Slide { id: "w".into(), number: 9, narration: Narration::Silence(whole.length), visual: Visual::Clip(whole), ..plain.clone() },
        Slide { id: "g".into(), number: 10, visual: Visual::Frames(frames(folder)), ..plain.clone() },
        Slide { id: "q".into(), number: 6, narration: Narration::Text(" odd\u{85}\n\nspacing\t\u{7f}x".into()), ..plain },
    ];
    fs::write(folder.join("v.onnx"), b"a voice").unwrap();
    fs::write(folder.join("v.onnx.json"), b"{}").unwrap();
    let (path, hash) = file("v.onnx");
    let voices = [("guest", Speaker::File { path, hash }), ("host: 1", Speaker::Named("joe".into()))];
    let said = [("SQL", "sequel: \"x\""), ("Lectern", "/ˈlɛktɚn/")];
    Lesson {
        id: "rich".into(),
        title: "A: \"b\"".into(),
        language: "en-GB".into(),
        size: (16, 9),
        voices: voices.map(|(name, voice)| (name.to_string(), voice)).into(),
        pronounce: Pronunciations::parse(said.map(|(word, said)| (word.to_string(), said.to_string()))).unwrap(),
        slides,
        warnings: Vec::new(),
    }
}

/// Two numbered pictures.
fn frames(folder: &Path) -> Frames {
    let frames = folder.join("frames");
    fs::create_dir(&frames).unwrap();
    (7..9).for_each(|number| picture(&frames.join(format!("frame_{number:05}.png")), 32, 18, [number, 0, 0]));
    super::super::frames::film(&frames, Rate::new(30_000, 1001).unwrap()).unwrap().0
}

/// A canvas with one of everything.
fn canvas(image: &Path, hash: ContentHash) -> Canvas {
    let stops = || vec![Stop { at: 0.0, color: Color::rgb(1, 2, 3) }, Stop { at: 0.5, color: Color([9, 8, 7, 128]) }];
    let file = || ImageFile { path: image.into(), hash };
    let style = Style { family: "Noto Sans, serif".into(), size: 20.5, weight: 700, italic: true, underline: true, ..Style::default() };
    let runs = vec![
        Run { text: "- \"one\": #two\u{85}\n\u{7f}".into(), style },
        Run { text: "true".into(), style: Style { strike: true, spacing: -0.25, color: Color([1, 2, 3, 4]), ..Style::default() } },
    ];
    let paragraph = Paragraph { runs, marker: Some("\u{2022}".into()), indent: 12.0, space_before: 6.0 };
    let text = Text {
        paragraphs: vec![paragraph, Paragraph::default()],
        align: Align::Justify,
        anchor: VerticalAlign::Bottom,
        line_height: 1.25,
        stroke: Some(Stroke { color: Color::BLACK, width: 0.5, dash: vec![] }),
    };
    let save = Trigger::Word { text: "save".into(), nth: 1 };
    let animation = |trigger, effect| Some(Animation { trigger, effect, ..Animation::default() });
    let dash = vec![1.0, 2.5];
    let shape = |outline, fill| {
        Content::Shape(Shape { outline, fill, stroke: Some(Stroke { color: Color::BLACK, width: 1.5, dash: dash.clone() }) })
    };
    let objects = vec![
        Object {
            scale: [-1.0, 0.3],
            angle: 30.5,
            opacity: 0.1,
            enter: animation(save, Effect::Fly(Side::Left)),
            exit: animation(Trigger::Time(Span::from_millis(1500)), Effect::Wipe(Side::Top)),
            ..Object::new("t", [-1.0, 2.25, 300.0, 1e-7], Content::Text(text))
        },
        Object {
            enter: Some(Animation { delay: Span(7), duration: Span::ZERO, easing: Easing::Linear, ..Animation::default() }),
            ..Object::new("i", [0.0; 4], Content::Image(Image { file: file(), fit: Fit::Cover, radius: 3.0 }))
        },
        Object::new("r", [1.0; 4], shape(Outline::Rectangle { radius: 2.0 }, Some(Paint::Linear { angle: 90.0, stops: stops() }))),
        Object::new("e", [1.0; 4], shape(Outline::Ellipse, Some(Paint::Radial { stops: stops() }))),
        Object::new("l", [1.0; 4], shape(Outline::Line, None)),
        Object::new("p", [1.0; 4], shape(Outline::Path("M0 0 L10,10 Z".into()), Some(Paint::Color(Color::WHITE)))),
    ];
    Canvas { picture: Some(file()), objects, ..Canvas::new(640.0, 360.5, Paint::Color(Color::rgb(250, 250, 250))) }
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
    assert_eq!(read.slides[5].visual, lesson.slides[5].visual, "not only its hash");
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
    assert_eq!(fs::read_dir(target.path().join("new/media")).unwrap().count(), 7, "each file and folder is copied once");
}

#[test]
fn the_schema_knows_every_key() {
    let schema = serde_json::to_string(&schema()).unwrap();
    for key in [
        "slides",
        "voices",
        "voice",
        "pronounce",
        "page",
        "image",
        "color",
        "embed",
        "canvas",
        "frames",
        "clip",
        "narration",
        "audio",
        "silence",
        "presenter",
        "overlays",
        "transition",
        "duration",
    ] {
        assert!(schema.contains(&format!("\"{key}\":")), "{key}");
    }
    assert!(schema.contains("\"additionalProperties\":false"));
}
