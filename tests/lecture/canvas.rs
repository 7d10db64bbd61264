//! Slides that are drawn while they are spoken.

use crate::support::{lectern, picture, render, succeed};
use serde_json::{Value, json};
use std::path::Path;

/// When a word begins in the voice's sound, in seconds.
fn spoken_at(home: &Path, text: &str, word: &str) -> f64 {
    let (sound, times) = (home.join("said.wav"), home.join("said.json"));
    succeed(lectern(home).args(["speak", text, "--quiet", "-o"]).arg(&sound).arg("--times").arg(&times));
    let times: Value = serde_json::from_slice(&std::fs::read(times).unwrap()).unwrap();
    let found = times["words"].as_array().unwrap().iter().find(|spoken| spoken["word"] == word).expect("the word is spoken");
    found["start"].as_f64().expect("a time")
}

#[test]
fn an_object_enters_on_the_word_that_triggers_it() {
    let home = tempfile::tempdir().unwrap();
    let token = |id: &str, text: &str, start: i64, end: i64| json!({ "id": id, "text": text, "startTime": start, "endTime": end, "duration": end - start, "type": "word" });
    let lesson = json!({ "slide_data": {
        "id": "slide-1", "contentType": "canvas", "backgroundColor": "#ffffff", "backgroundImage": "",
        "presenterConfig": { "scaleX": 0.5, "scaleY": 0.5, "top": 300, "left": 600, "type": "avatar", "display": true, "visible": true },
        "objects": [{
            "id": "o1", "type": "text", "src": "", "width": 400, "height": 60, "transform": { "x": 40, "y": 40 }, "opacity": 1, "fill": "#222222",
            "entryAnimation": { "triggerId": "w2", "animationType": "fadeIn", "effect": "fade", "duration": 300, "delay": 0 }, "exitAnimation": null,
        }],
        "narrationData": { "text": "Notes save time.", "totalDuration": 1500, "audioUrl": "",
            "tokens": [token("w1", "Notes", 0, 500), token("w2", "save", 500, 900), token("w3", "time", 900, 1500)] },
    } });
    let path = home.path().join("lesson_basic.json");
    std::fs::write(&path, lesson.to_string()).unwrap();
    let film = render(home.path(), &path, &[]);
    // After the lead-in.
    let save = 0.1 + spoken_at(home.path(), "Notes save time.", "save");
    // How much of the text's box is ink, and whether the presenter stands where the lesson says.
    let seen = |seconds: f64| {
        let frame = picture::frame_at(&film, seconds, 1280, 720);
        let dark = |xs: std::ops::Range<usize>, ys: std::ops::Range<usize>| {
            ys.flat_map(|y| xs.clone().map(move |x| (x, y))).filter(|(x, y)| frame.levels[y * 1280 + x] < 160).count()
        };
        (dark(40..440, 40..100), dark(600..1000, 300..660), dark(20..500, 400..700))
    };
    let (before, presenter, elsewhere) = seen(save - 0.05);
    let half = seen(save + 0.1).0;
    let after = seen(save + 0.4).0;
    assert_eq!((before, elsewhere), (0, 0), "nothing before the word");
    assert!(after > 1500 && half <= after, "{half} on the way, {after} at the end");
    assert!(presenter > 5000, "{presenter}");
}
