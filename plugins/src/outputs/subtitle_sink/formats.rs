//! Subtitle files: SubRip and WebVTT.

use super::super::captions::Caption;
use engine::time::{Span, Time};
use std::fmt::Write;

/// How players that can show it show WebVTT: as the captions that are burned in.
const STYLE: &str =
    "STYLE\n::cue {\n  color: white;\n  background-color: rgba(14, 17, 23, 0.8);\n  font-family: \"Noto Sans\", sans-serif;\n}\n\n";

/// SubRip: numbered captions parted by an empty line.
///
/// The format has no escapes. Where a text would be read as markup (`<i>`, `{\an8}`) or as a time line (`-->`), an invisible word joiner
/// (U+2060) parts the characters, so that it shows as written.
pub(crate) fn subrip(captions: &[Caption]) -> String {
    let mut out = String::new();
    for (number, caption) in (1..).zip(captions) {
        let text = caption.text.replace("-->", "--\u{2060}>").replace('<', "<\u{2060}").replace("{\\", "{\u{2060}\\");
        let (start, end) = times(caption);
        let _ = write!(out, "{number}\n{} --> {}\n{text}\n\n", clock(start, ','), clock(end, ','));
    }
    out
}

/// Reads what [`subrip`] writes, and what others write without markup. Captions that show for no time or say nothing are left out.
///
/// # Errors
/// Which caption cannot be read, counted from 1, and why.
pub(crate) fn read_subrip(text: &str) -> Result<Vec<Caption>, String> {
    let text = text.trim_start_matches('\u{feff}').replace('\u{2060}', "");
    let mut captions = Vec::new();
    let mut lines = text.lines().map(str::trim).peekable();
    for number in 1_usize.. {
        while lines.next_if(|line| line.is_empty()).is_some() {}
        let Some(first) = lines.next() else { break };
        let bad = |what: &str| format!("caption {number} {what}");
        // The number may be missing.
        let times = if first.contains("-->") { first } else { lines.next().unwrap_or_default() };
        let (start, end) = times.split_once("-->").ok_or_else(|| bad("has no times, such as 00:00:01,000 --> 00:00:02,500"))?;
        // What follows the end says where the caption stands.
        let end = end.split_whitespace().next().unwrap_or_default();
        let time = |clock: &str| time_of(clock.trim()).ok_or_else(|| bad(&format!("has the time {clock:?}; write it as 00:00:01,000")));
        let (start, end) = (time(start)?, time(end)?);
        let said: Vec<&str> = std::iter::from_fn(|| lines.next_if(|line| !line.is_empty())).collect();
        if start < end && !said.is_empty() {
            captions.push(Caption { start, end, text: said.join("\n") });
        }
    }
    Ok(captions)
}

/// `hh:mm:ss,mmm`.
fn time_of(clock: &str) -> Option<Time> {
    let (clock, millis) = clock.split_once([',', '.'])?;
    let mut parts = clock.split(':').map(|part| part.parse::<u32>().ok().map(i64::from));
    let (hours, minutes, seconds) = (parts.next()??, parts.next()??, parts.next()??);
    let millis = i64::from(millis.parse::<u16>().ok()?);
    // No film has more hours.
    let is_time = parts.next().is_none() && hours < 1000 && minutes < 60 && seconds < 60 && millis < 1000;
    is_time.then(|| Time::ZERO + Span::from_millis(((hours * 60 + minutes) * 60 + seconds) * 1000 + millis))
}

/// WebVTT (<https://www.w3.org/TR/webvtt1/>): `&`, `<` and `>` are escaped, which covers `-->` too. Captions are centred, with a line free
/// below them; `speaker` is who says all of them.
pub(crate) fn webvtt(captions: &[Caption], speaker: Option<&str>) -> String {
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
