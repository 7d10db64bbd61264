//! Lessons in the JSON of the "Rapido" system.

use super::super::canvas::*;
use super::*;
use engine::cue::Placement;
use engine::time::{Span, Time};
use serde_json::{Value, json};

/// The lesson of one slide that the system's documentation shows.
fn basic() -> Value {
    json!({ "slide_data": {
        "id": "slide-1",
        "contentType": "canvas",
        "backgroundColor": "#ffffff",
        "backgroundImage": "",
        "presenterConfig": { "scaleX": 0.5, "scaleY": 0.5, "top": 300, "left": 600, "type": "avatar", "display": true, "visible": true },
        "objects": [{
            "id": "o1", "type": "text", "src": "", "width": 400, "height": 60, "transform": { "x": 40, "y": 40 }, "opacity": 1, "fill": "#222222",
            "entryAnimation": { "triggerId": "w2", "animationType": "fadeIn", "effect": "fade", "duration": 300, "delay": 0 },
            "exitAnimation": null,
        }],
        "narrationData": { "text": "Notes save time.", "totalDuration": 1500, "audioUrl": "", "tokens": [
            { "id": "w1", "text": "Notes", "startTime": 0, "endTime": 500, "duration": 500, "type": "word" },
            { "id": "w2", "text": "save", "startTime": 500, "endTime": 900, "duration": 400, "type": "word" },
            { "id": "w3", "text": "time", "startTime": 900, "endTime": 1500, "duration": 600, "type": "word" },
        ] },
    } })
}

fn read_in(dir: &TempDir, lesson: &Value) -> Lesson {
    let path = dir.path().join("lesson_basic.json");
    fs::write(&path, lesson.to_string()).unwrap();
    import(&path, &without_office(dir)).unwrap()
}

fn read(lesson: &Value) -> Lesson {
    read_in(&tempfile::tempdir().unwrap(), lesson)
}

fn canvas_of(slide: &Slide) -> &Canvas {
    let Visual::Canvas(canvas) = &slide.visual else { panic!("{:?} is no canvas", slide.visual) };
    canvas
}

/// The basic lesson with these objects.
fn with_objects(objects: Value) -> Value {
    let mut lesson = basic();
    lesson["slide_data"]["objects"] = objects;
    lesson
}

fn texts_of(lesson: &Lesson) -> Vec<&str> {
    lesson.warnings.iter().map(|warning| warning.text.as_str()).collect()
}

#[test]
fn one_slide_is_a_canvas_with_its_narration_and_presenter() {
    let lesson = read(&basic());
    assert_eq!((lesson.id.as_str(), lesson.size, lesson.slides.len()), ("lesson_basic", (1280, 720), 1));
    let slide = &lesson.slides[0];
    assert_eq!((slide.id.as_str(), slide.title.as_str()), ("slide-1", "Notes save time."));
    assert_eq!(slide.narration, Narration::Text("Notes save time.".into()));
    assert_eq!(slide.duration, Some(Span::from_millis(1500)));
    let place = Placement { at: Some((600.0 / 1280.0, 300.0 / 720.0)), height: Some(0.5), ..Placement::default() };
    assert_eq!(slide.presenter, place);
    let object = &canvas_of(slide).objects[0];
    assert_eq!((object.x, object.y, object.width, object.height, object.opacity), (40.0, 40.0, 400.0, 60.0, 1.0));
    let save = Trigger::Word { text: "save".into(), nth: 1 };
    let enter = Animation { trigger: save, effect: Effect::Fade, duration: Span::from_millis(300), ..Animation::default() };
    assert_eq!((object.enter.as_ref(), object.exit.as_ref()), (Some(&enter), None));
    let Content::Text(text) = &object.content else { panic!("a text") };
    assert_eq!(text.paragraphs[0].runs[0].text, "Notes save time.", "it says nothing itself, so what it comes with");
    assert_eq!(text.paragraphs[0].runs[0].style.color, Color::rgb(0x22, 0x22, 0x22));
    assert_eq!(texts_of(&lesson), ["the text \"o1\" says nothing; the sentence that it comes with is shown"]);
}

#[test]
fn many_slides_come_by_position_and_embeds_are_live_pages() {
    let presenter = json!({ "scaleX": 0.5, "scaleY": 0.5, "top": 300, "left": 600, "type": "avatar", "display": true, "visible": false });
    let lesson = read(&json!({ "slides": [
        { "slideInfo": { "position": 2, "slideType": 2, "narrationData": "", "narrationDuration": 0, "slideId": 7, "embedId": "e-1", "presenterConfig": null } },
        { "slideInfo": { "position": 0, "slideType": 1, "narrationData": "The first slide speaks.", "narrationDuration": 1800, "slideId": "s-0", "embedId": null, "presenterConfig": presenter } },
        { "slideInfo": { "position": 1, "slideType": 1, "narrationData": null, "narrationDuration": 2500, "slideId": "s-0" }, "slide_data": { "backgroundColor": "navy" } },
        { "slideInfo": { "position": 3, "slideType": 2, "slideId": "s-3", "embedId": "https://example.org/poll" } },
    ] }));
    let ids: Vec<&str> = lesson.slides.iter().map(|slide| slide.id.as_str()).collect();
    assert_eq!(ids, ["s-0", "s-0-2", "7", "s-3"], "each is one of its own");
    assert_eq!(lesson.slides[0].narration, Narration::Text("The first slide speaks.".into()));
    assert!(!lesson.slides[0].presenter.visible);
    assert_eq!(lesson.slides[1].narration, Narration::Silence(Span::from_millis(2500)));
    assert_eq!(canvas_of(&lesson.slides[1]).ground, Paint::Color(Color::rgb(0, 0, 128)));
    assert_eq!(lesson.slides[2].visual, Visual::Embed { url: "https://embed.invalid/e-1".into(), poster: None, capture: None });
    assert_eq!(lesson.slides[2].narration, Narration::Silence(SILENT_EMBED));
    assert_eq!(lesson.slides[3].visual, Visual::Embed { url: "https://example.org/poll".into(), poster: None, capture: None });
    assert!(texts_of(&lesson)[0].contains("the live page \"e-1\" has no address"));
}

#[test]
fn a_slide_has_a_picture_behind_all_and_a_presenter_who_is_shown_or_not() {
    let dir = tempfile::tempdir().unwrap();
    picture(&dir.path().join("ground.png"), 32, 18, [1, 2, 3]);
    for image in [json!("ground.png"), json!({ "src": "ground.png" })] {
        let mut lesson = basic();
        lesson["slide_data"]["backgroundImage"] = image;
        let lesson = read_in(&dir, &lesson);
        let ground = canvas_of(&lesson.slides[0]).picture.as_ref().expect("a picture");
        assert_eq!(image::open(&ground.path).unwrap().to_rgb8().get_pixel(0, 0).0, [1, 2, 3]);
    }
    assert_eq!(canvas_of(&read(&basic()).slides[0]).picture, None, "an empty name is none");
    for hidden in ["display", "visible"] {
        let mut lesson = basic();
        lesson["slide_data"]["presenterConfig"][hidden] = false.into();
        assert!(!read(&lesson).slides[0].presenter.visible, "{hidden}");
    }
}

#[test]
fn objects_of_all_kinds_are_read_and_what_is_odd_is_named() {
    let dir = tempfile::tempdir().unwrap();
    picture(&dir.path().join("a.png"), 32, 18, [1, 2, 3]);
    let png = fs::read(dir.path().join("a.png")).unwrap();
    use base64::Engine;
    let inline = format!("data:image/png;base64,{}", base64::engine::general_purpose::STANDARD.encode(&png));
    let lesson = read_in(
        &dir,
        &with_objects(json!([
            { "id": "t", "type": "textbox", "text": "Points:\n• one\n2. two", "left": 10, "top": 20, "width": 300, "fontSize": 28, "fontWeight": "bold",
              "fontStyle": "italic", "fontFamily": "Arial", "textAlign": "center", "underline": true, "fill": "rgb(1,2,3)", "zIndex": 5 },
            { "id": "i", "type": "image", "src": "a.png", "left": 0, "top": 0, "scaleX": 2, "scaleY": 3, "angle": 90, "mystery": 1 },
            { "id": "d", "type": "image", "src": inline, "width": 64, "height": 36, "objectFit": "cover", "borderRadius": 4 },
            { "id": "r", "type": "shape", "shapeType": "rectangle", "width": 50, "height": 40, "cornerRadius": 8, "stroke": "red", "strokeWidth": 2,
              "fill": { "type": "linear", "coords": { "x1": 0, "y1": 0, "x2": 0, "y2": 40 }, "colorStops": [{ "offset": 0, "color": "#000" }, { "offset": 1, "color": "#fff" }] } },
            { "id": "c", "type": "circle", "radius": 25, "fill": "#00f8", "opacity": 0.5 },
            { "id": "l", "type": "line", "x1": 0, "y1": 0, "x2": 60, "y2": -30, "stroke": "#0f0" },
            { "id": "p", "type": "polygon", "points": [{ "x": 10, "y": 10 }, { "x": 40, "y": 10 }, { "x": 10, "y": 50 }], "fill": "black" },
            { "id": "f", "type": "path", "path": [["M", 5, 5], ["L", 15, 5], ["L", 15, 25], ["z"]], "fill": "black" },
            { "id": "h", "type": "shape", "visible": false },
            { "id": "x", "type": "hologram" },
            { "id": "e", "type": "image", "src": "https://example.org/a.png" },
            { "id": "o", "type": "image", "src": "../secret.png" },
            { "id": "g", "type": "image", "src": "gone.png" },
        ])),
    );
    let canvas = canvas_of(&lesson.slides[0]);
    let ids: Vec<&str> = canvas.objects.iter().map(|object| object.id.as_str()).collect();
    assert_eq!(ids, ["i", "d", "r", "c", "l", "p", "f", "t"], "from back to front");
    let object = |id: &str| canvas.objects.iter().find(|object| object.id == id).unwrap();
    let (picture, text) = (object("i"), object("t"));
    assert_eq!((picture.width, picture.height, picture.scale, picture.angle), (32.0, 18.0, [2.0, 3.0], 90.0), "as large as its file");
    let Content::Text(text) = &text.content else { panic!("a text") };
    let markers: Vec<Option<&str>> = text.paragraphs.iter().map(|paragraph| paragraph.marker.as_deref()).collect();
    assert_eq!((markers, text.align), (vec![None, Some("•"), Some("2.")], Align::Center));
    let style = &text.paragraphs[1].runs[0].style;
    assert_eq!((style.size, style.weight, style.italic, style.underline, style.color), (28.0, 700, true, true, Color::rgb(1, 2, 3)));
    let Content::Image(inline) = &object("d").content else { panic!("a picture") };
    assert_eq!((inline.fit, inline.radius, inline.file.hash), (Fit::Cover, 4.0, ContentHash::of(&png)));
    let shape = |id: &str| match &object(id).content {
        Content::Shape(shape) => shape.clone(),
        other => panic!("{other:?} is no shape"),
    };
    assert_eq!(shape("r").outline, Outline::Rectangle { radius: 8.0 });
    assert!(matches!(shape("r").fill, Some(Paint::Linear { angle: 90.0, .. })));
    assert_eq!(shape("r").stroke.unwrap().color, Color::rgb(255, 0, 0));
    assert_eq!((shape("c").outline, object("c").width, object("c").opacity), (Outline::Ellipse, 50.0, 0.5));
    assert_eq!(shape("l").outline, Outline::Path("M0 30 L60 0".into()), "upwards");
    assert_eq!((object("p").width, object("p").height, object("f").width, object("f").height), (30.0, 40.0, 10.0, 20.0));
    let said = texts_of(&lesson).join("\n");
    for part in ["unknown type \"hologram\"", "https://example.org/a.png", "\"../secret.png\"", "\"gone.png\"", "passed over: mystery"] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[test]
fn animations_wait_for_words_times_or_nothing() {
    let object = |id: &str, enter: Value, exit: Value| json!({ "id": id, "type": "shape", "entryAnimation": enter, "exitAnimation": exit });
    let lesson = read(&with_objects(json!([
        object(
            "a",
            json!({ "triggerId": "w3", "effect": "slideInLeft", "duration": 250, "delay": 100 }),
            json!({ "triggerId": "w3", "animationType": "fadeOut", "delay": 900 })
        ),
        object("b", json!({ "triggerTime": 700, "animationType": "zoomIn" }), json!({ "animationType": "fadeOut" })),
        object("c", json!({ "triggerId": "", "animationType": "wipe" }), Value::Null),
        object("d", json!({ "triggerId": "nobody", "animationType": "swirl" }), Value::Null),
    ])));
    let canvas = canvas_of(&lesson.slides[0]);
    let time = Trigger::Word { text: "time".into(), nth: 1 };
    let enter = |index: usize| canvas.objects[index].enter.clone().unwrap();
    let (a, exit) = (enter(0), canvas.objects[0].exit.clone().unwrap());
    assert_eq!(
        (a.trigger, a.effect, a.delay, a.duration),
        (time.clone(), Effect::Fly(Side::Left), Span::from_millis(100), Span::from_millis(250))
    );
    assert_eq!((exit.trigger, exit.effect, exit.delay), (time, Effect::Fade, Span::from_millis(900)));
    assert_eq!((enter(1).trigger, enter(1).effect), (Trigger::Time(Span::from_millis(700)), Effect::Zoom));
    assert_eq!(canvas.objects[1].exit, None, "nobody says when it goes");
    assert_eq!((enter(2).trigger, enter(2).effect), (Trigger::Start, Effect::Wipe(Side::Left)));
    assert_eq!((enter(3).trigger, enter(3).effect), (Trigger::Start, Effect::Fade));
    let said = texts_of(&lesson).join("\n");
    assert!(said.contains("waits for the word \"nobody\"") && said.contains("\"swirl\""), "{said}");
}

#[test]
fn tokens_are_found_in_the_narration_however_it_is_written() {
    let token =
        |id: &str, text: &str, start: i64| json!({ "id": id, "text": text, "startTime": start, "endTime": start + 100, "type": "word" });
    let narrated = |text: &str, tokens: Value| {
        let enter = |id: &str| json!({ "id": id, "type": "shape", "entryAnimation": { "triggerId": id } });
        let mut lesson = with_objects(json!([enter("1"), enter("2"), enter("3")]));
        lesson["slide_data"]["narrationData"] = json!({ "text": text, "tokens": tokens });
        let lesson = read(&lesson);
        let slide = &lesson.slides[0];
        let text = slide.narration.spoken().into_owned();
        canvas_of(slide).objects.iter().map(|object| object.enter.as_ref().unwrap().trigger.place(&text)).collect::<Vec<_>>()
    };
    let words = json!([token("1", "the", 0), token("2", "the", 200), token("3", "end", 300)]);
    assert_eq!(narrated("the dog, the end", words), [Some(0), Some(9), Some(13)], "each the next one");
    let numbers = json!([token("1", "about", 0), token("2", "twenty", 200), token("3", "people", 300)]);
    assert_eq!(narrated("about 20 people", numbers), [Some(0), Some(6), Some(9)], "a number that is written as one");
    let chinese = json!([token("1", "笔记", 0), token("2", "节省", 200), token("3", "时间", 300)]);
    assert_eq!(narrated("笔记节省时间。", chinese.clone()), [Some(0), Some(6), Some(12)]);
    assert_eq!(narrated("", chinese), [Some(0), Some(7), Some(14)], "without a text the tokens are it");
}

#[test]
fn a_recording_is_played_with_its_own_times() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("voice.wav"), b"RIFF not really sound").unwrap();
    let mut lesson = basic();
    lesson["slide_data"]["narrationData"]["audioUrl"] = "voice.wav".into();
    let read = read_in(&dir, &lesson);
    let Narration::Audio { words: Some(words), .. } = &read.slides[0].narration else { panic!("a recording") };
    assert_eq!((words.len(), words[1].text.as_str(), words[1].start), (3, "save", Time::ZERO + Span::from_millis(500)));
    let object = &canvas_of(&read.slides[0]).objects[0];
    assert_eq!(object.enter.as_ref().unwrap().trigger.place("Notes save time"), Some(6));
    lesson["slide_data"]["narrationData"]["audioUrl"] = "https://example.org/voice.mp3".into();
    let remote = read_in(&dir, &lesson);
    assert!(matches!(remote.slides[0].narration, Narration::Text(_)), "the voice speaks instead");
    assert!(texts_of(&remote).join("\n").contains("nothing is fetched"));
}

#[test]
fn frames_beside_a_lesson_are_its_pictures() {
    let dir = tempfile::tempdir().unwrap();
    let frames = |folder: &str| {
        let folder = dir.path().join(folder);
        fs::create_dir_all(&folder).unwrap();
        (0..50).for_each(|number| picture(&folder.join(format!("frame_{number:05}.png")), 32, 18, [number, 0, 0]));
    };
    frames("frames");
    let lesson = read_in(&dir, &basic());
    let Visual::Frames(film) = &lesson.slides[0].visual else { panic!("{:?}", lesson.slides[0].visual) };
    assert_eq!((film.count, film.length(), lesson.slides[0].least()), (50, Span::from_seconds(2), Span::from_seconds(2)));
    assert_eq!(lesson.warnings, []);
    frames("frames/s-1");
    let slide = |id: &str| json!({ "slideInfo": { "slideId": id, "narrationData": "Said." } });
    let lesson = read_in(&dir, &json!({ "slides": [slide("s-0"), slide("s-1")] }));
    assert!(matches!(lesson.slides[0].visual, Visual::Canvas(_)) && matches!(lesson.slides[1].visual, Visual::Frames(_)));
}

#[test]
fn frames_elsewhere_are_those_of_a_lesson_that_has_none() {
    let (dir, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let frames = |folder: &Path, count: u8| {
        fs::create_dir_all(folder).unwrap();
        (0..count).for_each(|number| picture(&folder.join(format!("frame_{number:05}.png")), 32, 18, [number, 0, 0]));
    };
    let count = |lesson: &Value| {
        let path = dir.path().join("l.json");
        fs::write(&path, lesson.to_string()).unwrap();
        let read = import(&path, &ImportOptions { frames: Some(elsewhere.path().into()), ..without_office(&dir) }).unwrap();
        let count = |slide: &Slide| if let Visual::Frames(film) = &slide.visual { Some(film.count) } else { None };
        read.slides.iter().map(count).collect::<Vec<_>>()
    };
    assert_eq!(count(&basic()), [None]);
    frames(elsewhere.path(), 50);
    assert_eq!(count(&basic()), [Some(50)]);
    frames(&dir.path().join("frames"), 25);
    assert_eq!(count(&basic()), [Some(25)], "its own count first");
    frames(&elsewhere.path().join("s-1"), 75);
    let slide = |id: &str| json!({ "slideInfo": { "slideId": id, "narrationData": "Said." } });
    assert_eq!(count(&json!({ "slides": [slide("s-0"), slide("s-1")] })), [None, Some(75)]);
}

#[test]
fn files_that_are_no_lessons_are_refused_with_their_cause() {
    let dir = tempfile::tempdir().unwrap();
    let refused = |text: &str| {
        let path = dir.path().join("l.json");
        fs::write(&path, text).unwrap();
        import(&path, &without_office(&dir)).expect_err("refused").to_string()
    };
    assert!(refused("{\"slides\": []").contains("l.json"));
    assert!(refused("[1, 2]").contains("no document"));
    assert!(refused("{\"slide_data\": 3}").contains("has no slide to show"));
    let many = json!({ "slides": (0..501).map(|_| json!({ "slideInfo": {} })).collect::<Vec<_>>() });
    assert!(refused(&many.to_string()).contains("501 slides"));
    let crowded = with_objects((0..501).map(|_| json!({ "type": "shape" })).collect());
    assert!(refused(&crowded.to_string()).contains("501 objects"));
    let far = with_objects(json!([{ "type": "shape", "left": 1e9 }]));
    assert!(refused(&far.to_string()).contains("out of range"));
}

#[test]
fn a_lesson_of_this_kind_goes_round_as_yaml() {
    let source = tempfile::tempdir().unwrap();
    let lesson = read_in(&source, &basic());
    let target = source.path().join("yaml/lesson.yaml");
    export(&lesson, &target).unwrap();
    let again = import(&target, &without_office(&source)).unwrap();
    assert_eq!(again.content_hash(), lesson.content_hash());
    let text = fs::read_to_string(&target).unwrap();
    assert!(text.contains("trigger:\n") && text.contains("word:\n") && text.contains("text: save\n"), "{text}");
}
