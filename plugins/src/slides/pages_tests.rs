use super::*;

fn config(yaml: &str) -> std::result::Result<PagesConfig, String> {
    let tree = engine::graph::parse::parse(yaml, "test").map_err(|problems| problems.to_string())?;
    engine::graph::from_value_all(&tree, "").map_err(|problems| problems.to_string())
}

fn lesson(visual: Visual, narration: Narration) -> Arc<Lesson> {
    let slide = Slide {
        id: "s".into(),
        number: 3,
        title: "S".into(),
        visual,
        narration,
        voice: None,
        presenter: Default::default(),
        overlays: Vec::new(),
        transition: Default::default(),
        duration: None,
    };
    Arc::new(Lesson {
        id: "l".into(),
        title: "L".into(),
        language: "en".into(),
        size: (16, 9),
        voices: Default::default(),
        pronounce: Default::default(),
        slides: vec![slide],
        warnings: Vec::new(),
    })
}

fn embed(url: &str, poster: bool, capture: Option<Capture>) -> Visual {
    Visual::Embed { url: url.into(), poster: poster.then(|| ("poster.png".into(), ContentHash::of(b"poster"))), capture }
}

#[test]
fn hosts_are_a_list_or_one_text() {
    let list = config("{ allow_private: [\"intranet.example:80\", \"127.0.0.1:8000\"], limit: 5s }").unwrap();
    let text = config("{ allow_private: \"intranet.example:80, 127.0.0.1:8000,\", limit: 5s }").unwrap();
    assert_eq!((list.allow_private.0.len(), &list.allow_private.0), (2, &text.allow_private.0));
    assert!(config("{ allow_private: \"\" }").unwrap().allow_private.0.is_empty());
    assert!(config("{ allow_private: [\"http://intranet\"] }").unwrap_err().contains("is no host with a port"));
    assert!(config("{ limit: 0s }").unwrap().validate().is_err());
}

#[test]
fn a_page_that_cannot_be_captured_leaves_its_poster_and_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let cache = PageCache::open(folder.path());
    let size = Size::new(320, 180);
    let silence = Narration::Silence(Span::SECOND);
    let run = |visual: Visual| {
        let lesson = lesson(visual, silence.clone());
        let mut told = Vec::new();
        let warn = &mut |number, text: String| told.push(format!("{number}: {text}"));
        let shown = captured(&lesson, size, &PagesConfig::default(), &cache, &Cancel::default(), warn).unwrap();
        (Arc::ptr_eq(&shown, &lesson), shown.slides[0].visual == lesson.slides[0].visual, told)
    };
    let private = "http://10.0.0.1/poll";
    for capture in [Some(Capture::Still), Some(Capture::Moving { rate: 10, length: None })] {
        let (_, same, told) = run(embed(private, true, capture));
        assert!(
            same && told.len() == 1 && told[0].starts_with("3: the page http://10.0.0.1/poll cannot be captured: 10.0.0.1 leads to"),
            "{told:?}"
        );
    }
    let (_, same, told) = run(embed(private, false, None));
    assert!(same && told.len() == 1, "{told:?}");
    let (untouched, _, told) = run(embed(private, true, None));
    assert!(untouched && told.is_empty(), "a poster is enough");
}

#[test]
fn the_length_of_a_recording_covers_the_slide() {
    let of = |narration: Narration| about(&lesson(embed("https://example.org", false, None), narration).slides[0]);
    assert!(of(Narration::Text("a word ".repeat(60))) > Span::from_seconds(40));
    assert_eq!(of(Narration::Silence(Span::from_seconds(7))), Span::from_seconds(7));
    let recording = |words| Narration::Audio { path: "a.wav".into(), hash: ContentHash::of(b"a"), words };
    assert_eq!(of(recording(None)), RECORDING);
    let word =
        crate::lesson::TimedWord { text: "w".into(), start: engine::time::Time(0), end: engine::time::Time::ZERO + Span::from_seconds(9) };
    assert_eq!(of(recording(Some(vec![word]))), LEAD_IN + Span::from_seconds(9) + TAIL);
}
