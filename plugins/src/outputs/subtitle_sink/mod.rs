//! `subtitle_sink` [cues]: what is said as a text file beside the lecture: SubRip (`.srt`), WebVTT (`.vtt`), or a transcript (`.md`).

mod formats;
mod transcript;

pub(crate) use self::formats::{read_subrip, subrip, webvtt};

use self::transcript::Transcript;
use super::captions::Captions;
use super::file::{check_file, ending};
use crate::lesson::{ImportOptions, import_for};
use crate::part_file::PartFile;
use engine::cue::Cue;
use engine::node::{Cx, Flow, In, Node, Result, Start};
use engine::registry::{ConfigType, Defaults, Lane, NodeConfig, NodeType, Starts, Sync};
use schemars::JsonSchema;
use serde::Deserialize;
use std::path::PathBuf;

const CUES: In<Cue> = In::new("cues");

const ENDINGS: &[&str] = &["srt", "vtt", "md"];

/// The node's entry in the registry.
pub const SUBTITLE_SINK: NodeType = NodeType {
    name: "subtitle_sink",
    family: "outputs",
    revision: 3,
    summary: "What is said as a text file: SubRip, WebVTT, or a transcript in Markdown",
    inputs: &[CUES.port("captions; slides and words, too, for a transcript")],
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
    /// The file; its ending says which format it has: `.srt` (SubRip), `.vtt` (WebVTT), or `.md` (a transcript in Markdown, with a section
    /// for each slide).
    path: PathBuf,
    /// The title of a transcript; without it that of the lesson, or else the file's name.
    title: Option<String>,
    /// The lesson that is spoken.
    lesson: Option<PathBuf>,
    /// Who speaks, for WebVTT; without it nobody is named.
    speaker: Option<String>,
}

impl NodeConfig for SubtitleSinkConfig {
    fn validate(&self, _: &Defaults) -> std::result::Result<(), String> {
        match ending(&self.path, ENDINGS) {
            Some(_) => Ok(()),
            None => Err(format!(
                "path {} says no format; let it end in .srt (SubRip), .vtt (WebVTT) or .md (a transcript)",
                self.path.display()
            )),
        }
    }

    fn check_env(&self) -> std::result::Result<(), String> {
        check_file(&self.path)
    }

    fn build(self, _: &Defaults) -> Result<Box<dyn Node>> {
        let said = match ending(&self.path, ENDINGS) {
            Some("md") => Said::Transcript(Transcript::default()),
            Some("vtt") => Said::WebVtt(Captions::default()),
            _ => Said::SubRip(Captions::default()),
        };
        Ok(Box::new(SubtitleSink { config: self, said, file: None }))
    }
}

/// What has been said, as the format needs it.
enum Said {
    SubRip(Captions),
    WebVtt(Captions),
    Transcript(Transcript),
}

struct SubtitleSink {
    config: SubtitleSinkConfig,
    said: Said,
    file: Option<PartFile>,
}

impl Node for SubtitleSink {
    fn start(&mut self, start: &mut Start<'_>) -> Result {
        let SubtitleSinkConfig { path, title, lesson, .. } = &self.config;
        if let Said::Transcript(transcript) = &mut self.said {
            transcript.entitle(match (title, lesson) {
                (Some(title), _) => title.clone(),
                (None, Some(lesson)) => import_for(start, lesson, &ImportOptions::default())?.title.clone(),
                (None, None) => path.file_stem().unwrap_or_default().to_string_lossy().into(),
            });
        }
        self.file = Some(PartFile::create(path)?);
        Ok(())
    }

    fn process(&mut self, cx: &mut Cx<'_>) -> Result<Flow> {
        if let Some(packet) = cx.take(CUES) {
            match &mut self.said {
                Said::SubRip(captions) | Said::WebVtt(captions) => captions.add(&packet),
                Said::Transcript(transcript) => transcript.add(&packet),
            }
        }
        Ok(Flow::More)
    }

    fn finish(&mut self, cx: &mut Cx<'_>) -> Result {
        let lasting = |captions: &mut Captions| std::mem::take(captions).until(cx.end());
        let (text, is_empty) = match &mut self.said {
            Said::SubRip(captions) => {
                let captions = lasting(captions);
                (subrip(&captions), captions.is_empty())
            }
            Said::WebVtt(captions) => {
                let captions = lasting(captions);
                (webvtt(&captions, self.config.speaker.as_deref()), captions.is_empty())
            }
            Said::Transcript(transcript) => (transcript.markdown(), transcript.is_empty()),
        };
        if is_empty {
            cx.warn(None, format!("no captions came, so {} holds none", self.config.path.display()));
        }
        if let Some(mut file) = self.file.take() {
            file.write(text.as_bytes())?;
            file.keep()?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
