//! The demo: what a newcomer sees first.

use crate::support::{decodes_cleanly, lesson, picture, probe, render, root, sound, word_error};
use serde_json::Value;

fn seconds(value: &Value) -> f64 {
    value.as_str().and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("{value} is no number"))
}

#[test]
fn the_demo_is_a_whole_film_and_the_same_twice() {
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let deck = root().join("graphs/demo/lectern.pptx");
    let report = first.path().join("report.json");
    let film = render(first.path(), &deck, &["--report", report.to_str().unwrap()]);
    let again = render(second.path(), &deck, &[]);
    assert!(std::fs::read(&film).unwrap() == std::fs::read(&again).unwrap(), "two renders with separate empty caches differ");

    decodes_cleanly(&film);
    let said = probe(&film, &["-show_streams", "-show_chapters", "-show_format"]);
    let streams: Vec<(&str, &str)> = said["streams"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| (s["codec_type"].as_str().unwrap(), s["codec_name"].as_str().unwrap()))
        .collect();
    assert_eq!(streams[..2], [("video", "h264"), ("audio", "aac")]);
    assert!(streams.contains(&("subtitle", "mov_text")), "{streams:?}");
    let video = &said["streams"][0];
    assert_eq!((&video["width"], &video["height"], video["r_frame_rate"].as_str()), (&Value::from(1280), &Value::from(720), Some("30/1")));
    assert_eq!((video["color_space"].as_str(), video["color_range"].as_str()), (Some("bt709"), Some("tv")));

    let deck_says = lesson(first.path(), &deck);
    assert_eq!(said["format"]["tags"]["title"], deck_says["title"]);
    let languages: Vec<&str> = said["streams"].as_array().unwrap()[1..3].iter().filter_map(|s| s["tags"]["language"].as_str()).collect();
    assert_eq!(languages, ["eng"; 2], "sound and captions");

    let slides = deck_says["slides"].as_array().unwrap().clone();
    let chapters = said["chapters"].as_array().unwrap();
    let titles = |list: &[Value], key: &str| list.iter().map(|item| item[key].as_str().unwrap_or_default().to_string()).collect::<Vec<_>>();
    let named: Vec<String> = chapters.iter().map(|chapter| chapter["tags"]["title"].as_str().unwrap().to_string()).collect();
    assert_eq!(named, titles(&slides, "title"));
    let (picture, heard) = (seconds(&video["duration"]), seconds(&said["streams"][1]["duration"]));
    assert!((picture - heard).abs() < 1e-3 && picture > 60.0, "picture {picture} s, sound {heard} s");

    // The mouth moves with the words: the picture around it changes in speech and not at the slide's ends.
    let start = seconds(&chapters[1]["start_time"]);
    let at = |t: f64| picture::frame_at(&film, t, 1280, 720);
    let face = |x: usize, y: usize| x > 1000 && y > 440;
    assert!(picture::ssim(&at(start + 2.0), &at(start + 2.2), face) < 0.995, "the presenter does not move");

    // The bullets that the notes of a slide ask for stand in its right quarter when all is said, and not before.
    let (start, end) = (seconds(&chapters[4]["start_time"]), seconds(&chapters[4]["end_time"]));
    let column = |x: usize, y: usize| x > 960 && (60..320).contains(&y);
    assert!(picture::ssim(&at(start + 0.7), &at(end - 0.5), column) < 0.9, "no bullets came");

    let srt = std::fs::read_to_string(film.with_extension("srt")).unwrap();
    let vtt = std::fs::read_to_string(film.with_extension("vtt")).unwrap();
    assert!(srt.starts_with("1\n00:00:00,") && vtt.starts_with("WEBVTT\n"), "{srt:.40} {vtt:.40}");

    let notes: Vec<String> = slides.iter().map(|slide| slide["narration"]["text"].as_str().unwrap_or_default().to_string()).collect();
    assert!(word_error(first.path(), &notes.join("\n"), &film) <= 0.10);
    let peak = sound(&film).iter().fold(0f32, |peak, sample| peak.max(sample.abs()));
    assert!((0.2..=0.95).contains(&peak), "the sound peaks at {peak}");

    let report: Value = serde_json::from_slice(&std::fs::read(report).unwrap()).unwrap();
    assert_eq!((report["av_skew_seconds"].as_f64(), report["frame_copies"].as_u64()), (Some(0.0), Some(0)));
    assert!((report["media_seconds"].as_f64().unwrap() - picture).abs() < 1e-6);
    assert!(report["cpu_seconds"].as_f64().unwrap() > 0.0 && report["peak_rss_bytes"].as_u64().unwrap() > 1 << 20);
}
