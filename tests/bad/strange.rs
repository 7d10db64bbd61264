//! Strange but valid: it is rendered, and what cannot be said is told.

use super::Place;
use crate::support::{deck, decodes_cleanly, lesson, zip};
use serde_json::Value;
use std::fs;

const NOTES: &str = "Hello 😀 world 👩‍🚀. שלום עולם, and مرحبا. <b>Bold</b> & \"quoted\" \u{202e}backwards\u{202c}. \
    日本語 и кириллица. ${env:HOME} [pause 0.2s] [pause] e\u{301}te\u{301}. \u{200b}Done.";

#[test]
fn notes_in_all_scripts_are_rendered_with_warnings() {
    let escaped = NOTES.replace('&', "&amp;").replace('<', "&lt;");
    let notes = |xml: &str| xml.replacen("Notes</a:t>", &format!("{escaped}</a:t>"), 1);
    let document = zip::edited(&fs::read(deck("sld-notes.pptx")).unwrap(), "ppt/notesSlides/notesSlide1.xml", notes);
    let place = Place::with("talk.pptx", document);
    place.write_small_graph();
    let mut command = place.lectern(&["render", "talk.pptx", "--graph", "small.yaml", "--slides", "1", "--json"]);
    let output = command.timeout(std::time::Duration::from_secs(120)).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    decodes_cleanly(&place.path("talk.mp4"));
    let events: Vec<Value> = output.stdout.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect();
    let warnings: Vec<&str> = events
        .iter()
        .filter(|event| event["event"] == "warning" && event["slide"] == 1)
        .filter_map(|event| event["text"].as_str())
        .collect();
    for unspoken in ["😀", "👩‍🚀", "שלום", "مرحبا", "語", "кириллица"] {
        assert!(warnings.iter().any(|text| text.contains(unspoken) && text.contains("is not spoken")), "{unspoken}: {warnings:#?}");
    }
    let text = lesson(place.cache.path(), &place.path("talk.pptx"))["slides"][0]["narration"]["text"].clone();
    assert_eq!(text, NOTES, "notes are text, not a template and not marks");
    let captions = fs::read_to_string(place.path("talk.srt")).unwrap();
    assert!(captions.contains("Hello") && captions.contains("Done"), "{captions}");
}
