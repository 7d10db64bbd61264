use super::super::canvas::{Color, Paint, Trigger};
use super::super::overlay::OverlayRole;
use super::*;
use engine::cue::{Easing, Side};

const MOTION: Motion = Motion { from: Side::Left, duration: Span::from_millis(500), easing: Easing::EaseOut };

fn slide() -> Slide {
    Slide {
        id: "1".into(),
        number: 1,
        title: "One".into(),
        visual: Visual::Image { path: "/here/a.png".into(), hash: ContentHash::of(b"picture") },
        narration: Narration::Text("Hello.".into()),
        voice: None,
        presenter: Placement::default(),
        overlays: Vec::new(),
        transition: None,
        duration: None,
    }
}

fn moving(rate: u32, length: Option<Span>) -> Visual {
    Visual::Embed { url: "https://example.org".into(), poster: None, capture: Some(Capture::Moving { rate, length }) }
}

fn clip() -> Clip {
    let (from, length, fade_out) = (Span::ZERO, Span::from_seconds(9), Span::ZERO);
    Clip { path: "a.mp4".into(), hash: ContentHash::of(b"film"), size: (640, 360), from, length, sound: true, fade_out }
}

#[test]
fn a_slide_keeps_its_hash_wherever_it_is_and_changes_it_with_its_content() {
    let hash = slide().content_hash();
    let moved = Slide {
        id: "7".into(),
        number: 7,
        visual: Visual::Image { path: "/there/b.png".into(), hash: ContentHash::of(b"picture") },
        ..slide()
    };
    assert_eq!(moved.content_hash(), hash);
    let word = Trigger::Word { text: "Hello".into(), nth: 1 };
    let others = [
        Slide { visual: Visual::Color([0, 0, 0]), ..slide() },
        Slide { visual: Visual::Embed { url: "https://example.org".into(), poster: None, capture: None }, ..slide() },
        Slide { visual: Visual::Embed { url: "https://example.org".into(), poster: None, capture: Some(Capture::Still) }, ..slide() },
        Slide { visual: moving(10, None), ..slide() },
        Slide { visual: moving(20, None), ..slide() },
        Slide { visual: moving(10, Some(Span::SECOND)), ..slide() },
        Slide {
            visual: Visual::Embed {
                url: "https://example.org".into(),
                poster: Some(("a.png".into(), ContentHash::of(b"a"))),
                capture: None,
            },
            ..slide()
        },
        Slide { visual: Visual::Clip(clip()), ..slide() },
        Slide { visual: Visual::Clip(Clip { from: Span::SECOND, ..clip() }), ..slide() },
        Slide { visual: Visual::Clip(Clip { length: Span::SECOND, ..clip() }), ..slide() },
        Slide { visual: Visual::Clip(Clip { sound: false, ..clip() }), ..slide() },
        Slide { visual: Visual::Clip(Clip { fade_out: Span::SECOND, ..clip() }), ..slide() },
        Slide { visual: Visual::Canvas(Canvas::new(16.0, 9.0, Paint::Color(Color::BLACK)).into()), ..slide() },
        Slide { narration: Narration::Text("Hello!".into()), ..slide() },
        Slide { narration: Narration::Silence(SILENT_SLIDE), ..slide() },
        Slide { voice: Some("guest".into()), ..slide() },
        Slide { presenter: Placement { visible: false, ..Placement::default() }, ..slide() },
        Slide { presenter: Placement { height: Some(0.5), ..Placement::default() }, ..slide() },
        Slide { presenter: Placement { at: Some((0.5, 0.0)), ..Placement::default() }, ..slide() },
        Slide { transition: Some(Transition::Cut), ..slide() },
        Slide { transition: Some(Transition::Fade(Span::from_millis(500))), ..slide() },
        Slide { transition: Some(Transition::Slide(MOTION)), ..slide() },
        Slide { transition: Some(Transition::Push(MOTION)), ..slide() },
        Slide { transition: Some(Transition::Push(Motion { from: Side::Top, ..MOTION })), ..slide() },
        Slide { duration: Some(SILENT_SLIDE), ..slide() },
        Slide { overlays: vec![Overlay::new(OverlayRole::Text, "x")], ..slide() },
        Slide { overlays: vec![Overlay::new(OverlayRole::LowerThird, "x")], ..slide() },
        Slide { overlays: vec![Overlay { detail: "y".into(), ..Overlay::new(OverlayRole::Text, "x") }], ..slide() },
        Slide { overlays: vec![Overlay { from: Some(Trigger::Start), ..Overlay::new(OverlayRole::Text, "x") }], ..slide() },
        Slide { overlays: vec![Overlay { from: Some(word), ..Overlay::new(OverlayRole::Text, "x") }], ..slide() },
        Slide { overlays: vec![Overlay { until: Some(Time(1)), ..Overlay::new(OverlayRole::Text, "x") }], ..slide() },
    ];
    let mut hashes: Vec<_> = others.iter().map(Slide::content_hash).chain([hash]).collect();
    hashes.sort();
    hashes.dedup();
    assert_eq!(hashes.len(), others.len() + 1);
}

#[test]
fn a_lesson_is_hashed_by_ratio_and_not_by_warnings() {
    let lesson = Lesson {
        id: "l".into(),
        title: "L".into(),
        language: "en".into(),
        size: (1280, 720),
        voices: BTreeMap::new(),
        pronounce: Pronunciations::default(),
        slides: vec![slide()],
        warnings: vec![],
    };
    let same = Lesson { size: (16, 9), warnings: vec![Warning { slide: Some(1), text: "x".into() }], ..lesson.clone() };
    assert_eq!(same.content_hash(), lesson.content_hash());
    assert_eq!(same.warnings[0].to_string(), "slide 1: x");
    let voices = BTreeMap::from([("guest".to_string(), Speaker::Named("joe".into()))]);
    let pronounce = Pronunciations::parse([("a".to_string(), "b".to_string())]).unwrap();
    for other in
        [Lesson { language: "de".into(), ..lesson.clone() }, Lesson { voices, ..lesson.clone() }, Lesson { pronounce, ..lesson.clone() }]
    {
        assert_ne!(other.content_hash(), lesson.content_hash());
    }
}
