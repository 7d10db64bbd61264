//! Subtitle files: SubRip and WebVTT.

use super::super::captions::Caption;
use engine::time::Time;
use std::fmt::Write;

/// How players that can show it show WebVTT: as the captions that are burned in.
const STYLE: &str =
    "STYLE\n::cue {\n  color: white;\n  background-color: rgba(14, 17, 23, 0.8);\n  font-family: \"Noto Sans\", sans-serif;\n}\n\n";

/// SubRip: numbered captions parted by an empty line.
///
/// The format has no escapes. Where a text would be read as markup (`<i>`, `{\an8}`) or as a time line (`-->`), an invisible word joiner
/// (U+2060) parts the characters, so that it shows as written.
pub(super) fn subrip(captions: &[Caption]) -> String {
    let mut out = String::new();
    for (number, caption) in (1..).zip(captions) {
        let text = caption.text.replace("-->", "--\u{2060}>").replace('<', "<\u{2060}").replace("{\\", "{\u{2060}\\");
        let (start, end) = times(caption);
        let _ = write!(out, "{number}\n{} --> {}\n{text}\n\n", clock(start, ','), clock(end, ','));
    }
    out
}

/// WebVTT (<https://www.w3.org/TR/webvtt1/>): `&`, `<` and `>` are escaped, which covers `-->` too. Captions are centred, with a line free
/// below them; `speaker` is who says all of them.
pub(super) fn webvtt(captions: &[Caption], speaker: Option<&str>) -> String {
    let escaped = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let voice = speaker.map(|name| format!("<v {}>", escaped(name))).unwrap_or_default();
    let mut out = format!("WEBVTT\n\n{STYLE}");
    for caption in captions {
        let (start, end) = times(caption);
        let line = 1 + caption.text.lines().count();
        let settings = format!("line:-{line} position:50% size:90% align:center");
        let _ = write!(out, "{} --> {} {settings}\n{voice}{}\n\n", clock(start, '.'), clock(end, '.'), escaped(&caption.text));
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
    let seconds = millis / 1000;
    format!("{:02}:{:02}:{:02}{point}{:03}", seconds / 3600, seconds / 60 % 60, seconds % 60, millis % 1000)
}
