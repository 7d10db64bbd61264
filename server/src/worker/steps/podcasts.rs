//! Podcasts: a conversation written and spoken by children, and what is to be read of it.

use super::{Broken, Step, progress, words};
use crate::worker::Wishes;
use plugins::lesson::turns_of;
use serde_json::{Value, json};
use std::ffi::OsString;
use std::fs;

/// The graph of a recording at the level of speech.
const RECORDING: &str = include_str!("../../../../graphs/recording.yaml");

impl Step<'_> {
    /// Writes the conversation about a document as a lesson.
    pub(super) async fn dialogue(&mut self, source: &str, wishes: &Wishes, lesson: &str) -> Result<Value, Broken> {
        self.say("writing the conversation");
        self.make_folder(lesson)?;
        let mut arguments = words(["podcast", source, "--script", lesson, "--force"]);
        arguments.extend(wishes.arguments());
        let mut result = json!({ "lesson": lesson });
        self.child(&arguments, |event, _| {
            if event["event"] == "done" {
                (result["chapters"], result["turns"]) = (event["chapters"].clone(), event["turns"].clone());
            }
        })
        .await?;
        Ok(result)
    }

    /// Speaks a conversation, and writes down who says what and when it is heard: as `.json` beside the sound.
    pub(super) async fn podcast(&mut self, lesson: &str, voices: (Option<&str>, Option<&str>), sound: &str) -> Result<Value, Broken> {
        self.make_folder(sound)?;
        let mut arguments = words(["podcast", lesson, "-o", sound]);
        for (name, voice) in [("host", voices.0), ("guest", voices.1)] {
            arguments.extend(voice.map(|voice| OsString::from(format!("--{name}={voice}"))));
        }
        let mut done = Value::Null;
        self.child(&arguments, |event, report| match event["event"].as_str() {
            Some("progress") => drop(report.send_replace(progress(event))),
            Some("done") => done = event.clone(),
            _ => {}
        })
        .await?;
        let shown = self.show(lesson).await?;
        let texts = shown["slides"].as_array().into_iter().flatten().filter_map(|slide| slide["narration"]["text"].as_str());
        let dialogue: Vec<Value> = texts.flat_map(turns_of).map(|turn| json!({ "speaker": turn.who.name(), "text": turn.text })).collect();
        let file = self.folder.join(sound);
        let subtitles = fs::read_to_string(file.with_extension("srt"))?;
        let read = json!({
            "dialogue": dialogue, "language": shown["language"], "host_voice": done["host"], "guest_voice": done["guest"],
            "cues": cues(&subtitles),
        });
        fs::write(file.with_extension("json"), read.to_string())?;
        Ok(json!({ "sound": sound, "media_seconds": done["media_seconds"], "turns": dialogue.len() }))
    }

    /// Brings a recording to the level of speech.
    pub(super) async fn recording(&mut self, recording: &str, sound: &str) -> Result<Value, Broken> {
        self.make_folder(sound)?;
        let seconds = self.graph("recording", RECORDING, &[("recording", recording), ("out", sound)]).await?;
        Ok(json!({ "sound": sound, "media_seconds": seconds }))
    }
}

/// The cues of a SubRip file, with times in seconds.
fn cues(subtitles: &str) -> Vec<Value> {
    let seconds = |time: &str| -> Option<f64> {
        let (clock, millis) = time.trim().split_once(',')?;
        let whole = clock.split(':').try_fold(0, |sum, part| Some(sum * 60 + part.parse::<u64>().ok()?))?;
        Some(whole as f64 + millis.parse::<f64>().ok()? / 1000.0)
    };
    let cue = |block: &str| {
        let mut lines = block.lines().skip_while(|line| !line.contains("-->"));
        let (start, end) = lines.next()?.split_once("-->")?;
        Some(json!({ "start": seconds(start)?, "end": seconds(end)?, "text": lines.collect::<Vec<_>>().join("\n") }))
    };
    subtitles.replace("\r\n", "\n").split("\n\n").filter_map(cue).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cues_are_read_as_they_are_written() {
        let read = cues("1\n00:00:00,500 --> 00:01:02,250\nOne\ntwo\n\n2\n01:00:00,000 --> 01:00:01,000\nThree\n");
        let expected =
            [json!({ "start": 0.5, "end": 62.25, "text": "One\ntwo" }), json!({ "start": 3600.0, "end": 3601.0, "text": "Three" })];
        assert_eq!(read, expected);
        assert!(cues("").is_empty());
    }
}
