use super::*;
use crate::outputs::tests::{config, probe};
use engine::cue::{SlideCue, WordCue};
use engine::packet::Packet;
use engine::testing::NodeTest;
use engine::time::{Span, Time};
use std::fs;

fn cues() -> Vec<Packet<Cue>> {
    let caption = |millis: i64, length: i64, text: &str| {
        Packet::lasting(Time::ZERO + Span::from_millis(millis), Span::from_millis(length), Cue::Caption(text.into()))
    };
    vec![
        caption(0, 1500, "Tom & Jerry:\n\n 1 < 2, <i>really</i>"),
        Packet::new(Time::ZERO + Span::from_millis(1500), Cue::Rest),
        caption(1500, 500, "a --> b {\\an8}"),
        caption(3_723_004, 2000, "Übung, 日本"),
    ]
}

/// The file, in its folder, of these settings and cues.
fn write(name: &str, settings: &str, cues: Vec<Packet<Cue>>) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    let config = format!("{{ path: {}, {settings} }}", path.display());
    NodeTest::new(&SUBTITLE_SINK, &config).input(CUES, cues, Time::ZERO + Span::from_seconds(3724)).run().unwrap();
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no part is left");
    let text = fs::read_to_string(path).unwrap();
    (folder, text)
}

#[test]
fn subrip_is_exact() {
    let (folder, text) = write("a.srt", "", cues());
    let expected = "1\n00:00:00,000 --> 00:00:01,500\nTom & Jerry:\n1 <\u{2060} 2, <\u{2060}i>really<\u{2060}/i>\n\n\
        2\n00:00:01,500 --> 00:00:02,000\na --\u{2060}> b {\u{2060}\\an8}\n\n3\n01:02:03,004 --> 01:02:04,000\nÜbung, 日本\n\n";
    assert_eq!(text, expected);
    assert_eq!(probe(&folder.path().join("a.srt"), &["-count_packets"])["streams"][0]["nb_read_packets"], "3");
}

#[test]
fn subrip_is_read_as_it_was_written() {
    let (_folder, text) = write("a.srt", "", cues());
    let read = read_subrip(&text).unwrap();
    assert_eq!(subrip(&read), text);
    let at = |millis: i64| Time::ZERO + Span::from_millis(millis);
    assert_eq!((read[0].start, read[0].end, read[0].text.as_str()), (at(0), at(1500), "Tom & Jerry:\n1 < 2, <i>really</i>"));
    // As others write it: a byte order mark, line ends of two characters, no numbers, places; and what shows nothing.
    let other = "\u{feff}00:00:01.5 --> 00:00:02.000 X1:10\r\nHi.\r\n\r\n\r\n7\r\n00:00:03,000 --> 00:00:03,000\r\nno time\r\n\r\n8\r\n00:00:04,000 --> 00:00:05,000\r\n";
    let read = read_subrip(other).unwrap();
    assert_eq!(read.iter().map(|caption| caption.text.as_str()).collect::<Vec<_>>(), ["Hi."]);
    assert!(read_subrip("").unwrap().is_empty());
    for (bad, told) in
        [("1\nHello\n", "caption 1 has no times"), ("1\n0:1 --> 0:2\nx", "caption 1 has the time"), ("x", "caption 1 has no times")]
    {
        assert!(read_subrip(bad).unwrap_err().contains(told), "{bad:?}");
    }
    for clock in
        ["999999999999:00:00,000", "1000:00:00,000", "-1:00:00,000", "00:4294967295:00,000", "00:00:60,000", "00:00:00,1000", "00:00,000"]
    {
        assert!(read_subrip(&format!("{clock} --> {clock}\nx")).is_err(), "{clock}");
    }
}

#[test]
fn webvtt_is_exact() {
    let (folder, text) = write("a.vtt", "", cues());
    let (head, body) = text.split_once("}\n\n").unwrap();
    assert!(head.starts_with("WEBVTT\n\nSTYLE\n::cue {\n") && !head.contains("\n\n\n") && !head.contains("-->"), "{head}");
    let expected = "00:00:00.000 --> 00:00:01.500 line:-3 position:50% size:90% align:center\n\
        Tom &amp; Jerry:\n1 &lt; 2, &lt;i&gt;really&lt;/i&gt;\n\n\
        00:00:01.500 --> 00:00:02.000 line:-2 position:50% size:90% align:center\na --&gt; b {\\an8}\n\n\
        01:02:03.004 --> 01:02:04.000 line:-2 position:50% size:90% align:center\nÜbung, 日本\n\n";
    assert_eq!(body, expected);
    // FFmpeg 5.1 (Debian 12) ends reading at a STYLE block, which newer ones pass over: it reads the rest.
    let bare = folder.path().join("bare.vtt");
    fs::write(&bare, format!("WEBVTT\n\n{body}")).unwrap();
    let found = probe(&bare, &["-count_packets"]);
    assert_eq!((&found["streams"][0]["codec_name"], &found["streams"][0]["nb_read_packets"]), (&"webvtt".into(), &"3".into()));
    assert!(write("b.vtt", "speaker: A & B", cues()).1.contains("\n<v A &amp; B>Tom &amp; Jerry:\n"));
}

/// Two slides, the second one interrupted and stated again.
fn talk() -> Vec<Packet<Cue>> {
    let at = |millis: i64| Time::ZERO + Span::from_millis(millis);
    let slide = |millis: i64, id: &str, title: &str, elapsed: i64| {
        let (id, title, elapsed) = (id.into(), title.into(), Span::from_millis(elapsed));
        let slide = SlideCue { id, number: 7, title, elapsed, ..SlideCue::default() };
        Packet::new(at(millis), Cue::Slide(slide.into()))
    };
    let caption = |millis: i64, length: i64, text: &str| Packet::lasting(at(millis), Span::from_millis(length), Cue::Caption(text.into()));
    let word = |millis: i64, length: i64| {
        let cue = WordCue { text: "word".into(), range: None, stressed: false, emphasis: false, estimated: false };
        Packet::lasting(at(millis), Span::from_millis(length), Cue::Word(cue.into()))
    };
    vec![
        slide(0, "a", "What is *it*?", 0),
        caption(100, 2000, "A first sentence that\nis long. And"),
        word(100, 1900),
        caption(2100, 2000, "a second one."),
        word(2100, 1500),
        caption(4300, 2000, "1. After a pause: a_b."),
        word(4300, 1000),
        slide(62_000, "b", "", 0),
        caption(62_100, 3000, "今日は、\n晴れ。"),
        word(62_100, 2000),
        slide(63_000, "b", "", 1000),
        caption(63_000, 2100, "今日は、\n晴れ。"),
        caption(65_200, 2100, "はい。"),
        word(65_200, 500),
        slide(3_700_000, "c", "End", 0),
    ]
}

#[test]
fn a_transcript_has_a_section_for_each_slide() {
    let (_, text) = write("talk.md", "title: Seas & *Skies*", talk());
    let expected = "# Seas & \\*Skies\\*\n\n## What is \\*it\\*? (0:00)\n\nA first sentence that is long. And a second one.\n\n\
        1\\. After a pause: a\\_b.\n\n## Slide 7 (1:02)\n\n今日は、晴れ。\n\nはい。\n\n## End (1:01:40)\n";
    assert_eq!(text, expected);
    // A word that no line holds is parted over lines and captions, and whole here.
    let caption =
        |second: i64, text: &str| Packet::lasting(Time::ZERO + Span::from_seconds(second), Span::SECOND, Cue::Caption(text.into()));
    let parted = vec![caption(0, "Say it:\npneumonoultramicroscopicsilicovolcanoconio"), caption(1, "sis\nis a word.")];
    assert!(write("talk.md", "", parted).1.contains("Say it: pneumonoultramicroscopicsilicovolcanoconiosis is a word."));
    // Without a title of its own, the file's or the lesson's.
    assert!(write("talk.md", "", talk()).1.starts_with("# talk\n"));
    let folder = tempfile::tempdir().unwrap();
    let lesson = folder.path().join("lesson.yaml");
    fs::write(&lesson, "{ version: 1, title: Of Seas, language: en, size: 16x9, slides: [{ id: a, color: \"#000000\", silence: 1s }] }")
        .unwrap();
    assert!(write("talk.md", &format!("lesson: {}", lesson.display()), talk()).1.starts_with("# Of Seas\n"));
    let read = pulldown_cmark::Parser::new(&text).filter_map(|event| match event {
        pulldown_cmark::Event::Text(text) => Some(text.to_string()),
        _ => None,
    });
    assert!(read.collect::<String>().contains("1. After a pause: a_b."), "characters mean themselves");
}

#[test]
fn a_programme_without_captions_gives_an_empty_file_and_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.vtt");
    let test = NodeTest::new(&SUBTITLE_SINK, &format!("{{ path: {} }}", path.display()));
    let out = test.input(CUES, Vec::new(), Time::ZERO + Span::SECOND).run().unwrap();
    assert!(fs::read_to_string(path).unwrap().starts_with("WEBVTT\n\nSTYLE"));
    assert!(out.warnings[0].text.contains("no captions came"));
}

#[test]
fn bad_paths_are_told() {
    assert!(config(&SUBTITLE_SINK, "{ path: a.txt }").0.unwrap_err().contains(".srt (SubRip), .vtt (WebVTT) or .md"));
    assert!(config(&SUBTITLE_SINK, "{ path: no/such/folder/a.srt }").1.unwrap_err().contains("mkdir -p no/such/folder"));
}
