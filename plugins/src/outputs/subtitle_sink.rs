//! `subtitle_sink` [cues]: captions as a text file beside the lecture, SubRip (`.srt`) or WebVTT (`.vtt`).

use super::captions::{Caption, Captions};
use super::file::{check_file, ending};
use crate::part_file::PartFile;
use engine::cue::Cue;
use engine::node::{Cx, Flow, In, Node, Result, Start};
use engine::registry::{ConfigType, Defaults, Lane, NodeConfig, NodeType, Starts, Sync};
use engine::time::{Span, Time};
use schemars::JsonSchema;
use serde::Deserialize;
use std::fmt::Write;
use std::path::PathBuf;

const CUES: In<Cue> = In::new("cues");

/// The node's entry in the registry.
pub const SUBTITLE_SINK: NodeType = NodeType {
    name: "subtitle_sink",
    family: "outputs",
    revision: 1,
    summary: "Captions as a text file, SubRip or WebVTT",
    inputs: &[CUES.port("captions; other cues are let pass")],
    outputs: &[],
    sync: Sync::Each,
    lane: Lane::Own,
    starts: Starts::Anywhere,
    time_limit: NodeType::TIME_LIMIT,
    command: None,
    config: ConfigType::of::<SubtitleSinkConfig>("{ path: lecture.srt }"),
};

/// Settings of `subtitle_sink`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SubtitleSinkConfig {
    /// The file; its ending says which format it has: `.srt` or `.vtt`.
    path: PathBuf,
}

impl NodeConfig for SubtitleSinkConfig {
    fn validate(&self, _: &Defaults) -> std::result::Result<(), String> {
        match ending(&self.path, &["srt", "vtt"]) {
            Some(_) => Ok(()),
            None => Err(format!("path {} says no format; let it end in .srt (SubRip) or .vtt (WebVTT)", self.path.display())),
        }
    }

    fn check_env(&self) -> std::result::Result<(), String> {
        check_file(&self.path)
    }

    fn build(self, _: &Defaults) -> Result<Box<dyn Node>> {
        Ok(Box::new(SubtitleSink { path: self.path, captions: Captions::default(), file: None }))
    }
}

struct SubtitleSink {
    path: PathBuf,
    captions: Captions,
    file: Option<PartFile>,
}

impl Node for SubtitleSink {
    fn start(&mut self, _: &mut Start<'_>) -> Result {
        self.file = Some(PartFile::create(&self.path)?);
        Ok(())
    }

    fn process(&mut self, cx: &mut Cx<'_>) -> Result<Flow> {
        if let Some(packet) = cx.take(CUES) {
            self.captions.add(&packet);
        }
        Ok(Flow::More)
    }

    fn finish(&mut self, cx: &mut Cx<'_>) -> Result {
        let captions = std::mem::take(&mut self.captions).until(cx.end());
        if captions.is_empty() {
            cx.warn(None, format!("no captions came, so {} holds none", self.path.display()));
        }
        let text = if ending(&self.path, &["vtt"]).is_some() { webvtt(&captions) } else { subrip(&captions) };
        if let Some(mut file) = self.file.take() {
            file.write(text.as_bytes())?;
            file.keep()?;
        }
        Ok(())
    }
}

/// SubRip: numbered captions parted by an empty line.
///
/// The format has no escapes. Where a text would be read as markup (`<i>`, `{\an8}`) or as a time line (`-->`), an invisible word joiner
/// (U+2060) parts the characters, so that it shows as written.
fn subrip(captions: &[Caption]) -> String {
    let mut out = String::new();
    for (number, caption) in (1..).zip(captions) {
        let text = caption.text.replace("-->", "--\u{2060}>").replace('<', "<\u{2060}").replace("{\\", "{\u{2060}\\");
        let (start, end) = times(caption);
        let _ = write!(out, "{number}\n{} --> {}\n{text}\n\n", clock(start, ','), clock(end, ','));
    }
    out
}

/// WebVTT (<https://www.w3.org/TR/webvtt1/>): `&`, `<` and `>` are escaped, which covers `-->` too.
fn webvtt(captions: &[Caption]) -> String {
    let mut out = String::from("WEBVTT\n\n");
    for caption in captions {
        let text = caption.text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let (start, end) = times(caption);
        let _ = write!(out, "{} --> {}\n{text}\n\n", clock(start, '.'), clock(end, '.'));
    }
    out
}

/// Start and end in milliseconds, rounded down; a caption shows for one at least.
fn times(caption: &Caption) -> (i64, i64) {
    let millis = |time: Time| time.since_start().to_millis();
    let start = millis(caption.start);
    (start, millis(caption.end).max(start + 1))
}

/// `hh:mm:ss` and milliseconds behind `point`.
fn clock(millis: i64, point: char) -> String {
    let seconds = Span::from_millis(millis).to_millis() / 1000;
    format!("{:02}:{:02}:{:02}{point}{:03}", seconds / 3600, seconds / 60 % 60, seconds % 60, millis % 1000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outputs::tests::{config, probe};
    use engine::packet::Packet;
    use engine::testing::NodeTest;
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

    fn written(name: &str) -> (tempfile::TempDir, String) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        let config = format!("{{ path: {} }}", path.display());
        NodeTest::new(&SUBTITLE_SINK, &config).input(CUES, cues(), Time::ZERO + Span::from_seconds(3724)).run().unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no part is left");
        let text = fs::read_to_string(path).unwrap();
        (folder, text)
    }

    #[test]
    fn subrip_is_exact() {
        let (folder, text) = written("a.srt");
        let expected = "1\n00:00:00,000 --> 00:00:01,500\nTom & Jerry:\n1 <\u{2060} 2, <\u{2060}i>really<\u{2060}/i>\n\n\
            2\n00:00:01,500 --> 00:00:02,000\na --\u{2060}> b {\u{2060}\\an8}\n\n3\n01:02:03,004 --> 01:02:04,000\nÜbung, 日本\n\n";
        assert_eq!(text, expected);
        assert_eq!(probe(&folder.path().join("a.srt"), &["-count_packets"])["streams"][0]["nb_read_packets"], "3");
    }

    #[test]
    fn webvtt_is_exact() {
        let (folder, text) = written("a.vtt");
        let expected = "WEBVTT\n\n00:00:00.000 --> 00:00:01.500\nTom &amp; Jerry:\n1 &lt; 2, &lt;i&gt;really&lt;/i&gt;\n\n\
            00:00:01.500 --> 00:00:02.000\na --&gt; b {\\an8}\n\n01:02:03.004 --> 01:02:04.000\nÜbung, 日本\n\n";
        assert_eq!(text, expected);
        let found = probe(&folder.path().join("a.vtt"), &["-count_packets"]);
        assert_eq!((&found["streams"][0]["codec_name"], &found["streams"][0]["nb_read_packets"]), (&"webvtt".into(), &"3".into()));
    }

    #[test]
    fn a_programme_without_captions_gives_an_empty_file_and_a_warning() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.vtt");
        let test = NodeTest::new(&SUBTITLE_SINK, &format!("{{ path: {} }}", path.display()));
        let out = test.input(CUES, Vec::new(), Time::ZERO + Span::SECOND).run().unwrap();
        assert_eq!(fs::read_to_string(path).unwrap(), "WEBVTT\n\n");
        assert!(out.warnings[0].text.contains("no captions came"));
    }

    #[test]
    fn bad_paths_are_told() {
        assert!(config(&SUBTITLE_SINK, "{ path: a.txt }").0.unwrap_err().contains(".srt (SubRip) or .vtt"));
        assert!(config(&SUBTITLE_SINK, "{ path: no/such/folder/a.srt }").1.unwrap_err().contains("mkdir -p no/such/folder"));
    }
}
