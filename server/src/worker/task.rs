//! What a worker can do, as data.
//!
//! Files are named as paths in the job's folder: `input/…` is what the job was given, `processing/…` is made on the way, `output/…` is what
//! comes of it. A source may also be the address of a presentation on the web.

use crate::cli::Cli;
use clap::Parser;
use plugins::lesson;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Component, Path};

/// A task of one stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Task {
    /// Reads a document or deck as it is wished, and writes it as a lesson.
    Content {
        /// The document or deck.
        document: String,
        /// How it is read.
        #[serde(default)]
        wishes: Wishes,
        /// The lesson file: `processing/lesson/lesson.yaml`.
        lesson: String,
    },
    /// Makes a lesson of plain slides of what is said.
    Script {
        /// What is said.
        said: Said,
        /// What the slides show.
        title: String,
        /// Its language.
        #[serde(default)]
        language: Option<String>,
        /// The lesson file.
        lesson: String,
    },
    /// Looks into a deck or lesson: its title, slides, language, about how long it will be.
    Import {
        /// The deck or lesson.
        deck: String,
    },
    /// Speaks a lesson into the cache, from where films take it; the sound stays as a file, too.
    Narrate {
        /// The lesson or deck.
        lesson: String,
        /// Who speaks and which slides.
        #[serde(default)]
        looks: Looks,
        /// The sound, a WAV file: `output/narration.wav`.
        sound: String,
    },
    /// Makes the film of a lesson, with subtitles (`.srt`, `.vtt`) and a first picture (`.jpg`) beside it.
    Render {
        /// The lesson or deck.
        lesson: String,
        /// How it is read.
        #[serde(default)]
        wishes: Wishes,
        /// What it is like.
        #[serde(default)]
        looks: Looks,
        /// The film: `output/film.mp4`.
        film: String,
    },
    /// Makes one film of lessons and films, with subtitles beside it.
    Join {
        /// The parts in order.
        parts: Vec<String>,
        /// What it is like.
        #[serde(default)]
        looks: Looks,
        /// The film.
        film: String,
    },
    /// Writes what is said as text.
    Transcript {
        /// The lesson or deck.
        lesson: String,
        /// The text, as Markdown: `output/transcript.md`.
        text: String,
    },
    /// Puts all of `output/` where everybody finds it: all of it, or nothing.
    Publish,
    /// Does nothing, because this is not there (yet): the job says so and goes on.
    Skip {
        /// Why, and what is done in its place.
        because: String,
    },
}

/// Where what is said comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Said {
    /// As it stands here.
    Text(String),
    /// As it stands in a text file.
    File(String),
    /// As it is said in a lesson.
    Lesson(String),
}

/// How a deck or document is read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wishes {
    /// What the lecture should be like, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instructions: Option<String>,
    /// About how many minutes it takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minutes: Option<f64>,
    /// Its language, as a tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// `slides` or `content`: whether a document is shown as it is.
    #[serde(default, rename = "as", skip_serializing_if = "Option::is_none")]
    pub read_as: Option<String>,
    /// Of new slides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub theme: Option<String>,
    /// Of new slides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shape: Option<String>,
}

/// What a film is like.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Looks {
    /// Who speaks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voice: Option<String>,
    /// Who is seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avatar: Option<String>,
    /// Which slides: `3-5,8`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slides: Option<String>,
    /// Size, rate and care by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quality: Option<String>,
    /// `sd`, `hd`, `fullhd` or `WIDTHxHEIGHT`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<String>,
    /// A text in the corner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watermark: Option<String>,
    /// Variables of the graph about the pictures: `fps`, `codec`, `encoder`, `preset`, `crf`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub set: BTreeMap<String, String>,
}

/// How much of a machine a task takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// It keeps processors busy.
    Heavy,
    /// It does not.
    Light,
}

/// Variables that may be set from outside; others name files.
const VARIABLES: [&str; 5] = ["fps", "codec", "encoder", "preset", "crf"];
/// More than anybody writes by hand.
const LONGEST: usize = 16_000;

impl Task {
    /// How much it takes, of a task as the ledger holds it.
    pub fn class_of(task: &Value) -> Class {
        match task["do"].as_str() {
            Some("import" | "script" | "transcript" | "publish" | "skip") => Class::Light,
            _ => Class::Heavy,
        }
    }

    /// Looks whether it can be meant: whatever it names lies in the job's folder, and nothing in it is more than it seems.
    ///
    /// # Errors
    /// What is wrong, and what to write.
    pub fn check(&self) -> Result<(), String> {
        match self {
            Task::Content { document, wishes, lesson } => {
                source(document)?;
                wishes.check()?;
                file(lesson)
            }
            Task::Script { said, language, lesson, .. } => {
                match said {
                    Said::Text(text) if text.trim().is_empty() => return Err("the script is empty; write what is to be said".into()),
                    Said::Text(_) => {}
                    Said::File(path) => file(path)?,
                    Said::Lesson(lesson) => source(lesson)?,
                }
                language.as_deref().map_or(Ok(()), |tag| name("language", tag))?;
                file(lesson)
            }
            Task::Import { deck } => source(deck),
            Task::Narrate { lesson, looks, sound } => {
                source(lesson)?;
                looks.check()?;
                file(sound)
            }
            Task::Render { lesson, wishes, looks, film } => {
                source(lesson)?;
                wishes.check()?;
                looks.check()?;
                file(film)
            }
            Task::Join { parts, looks, film } => {
                if parts.len() < 2 {
                    return Err("one part cannot be joined; name two or more".into());
                }
                parts.iter().try_for_each(|part| source(part))?;
                looks.check()?;
                file(film)
            }
            Task::Transcript { lesson, text } => {
                source(lesson)?;
                file(text)
            }
            Task::Publish | Task::Skip { .. } => Ok(()),
        }
    }
}

impl Wishes {
    /// All as it would be without any.
    pub fn is_empty(&self) -> bool {
        *self == Wishes::default()
    }

    /// What the command line says for it.
    pub(super) fn arguments(&self) -> Vec<OsString> {
        let Wishes { instructions, minutes, language, read_as, theme, shape } = self;
        let texts = [("instructions", instructions), ("language", language), ("as", read_as), ("theme", theme), ("shape", shape)];
        let texts = texts.into_iter().filter_map(|(name, value)| Some(option(name, value.as_ref()?)));
        texts.chain(minutes.map(|minutes| option("minutes", &minutes))).collect()
    }

    fn check(&self) -> Result<(), String> {
        let Wishes { instructions, minutes, language, read_as, theme, shape } = self;
        if instructions.as_ref().is_some_and(|text| text.len() > LONGEST) {
            return Err(format!("the instructions are longer than {LONGEST} bytes; say it in fewer words"));
        }
        if minutes.is_some_and(|minutes| !(minutes > 0.0 && minutes <= 240.0)) {
            return Err("minutes is out of range; it goes from over 0 to 240".into());
        }
        for (field, value) in [("language", language), ("as", read_as), ("theme", theme), ("shape", shape)] {
            value.as_deref().map_or(Ok(()), |value| name(field, value))?;
        }
        parses(self.arguments())
    }
}

impl Looks {
    /// What the command line says for it.
    pub(super) fn arguments(&self) -> Vec<OsString> {
        let Looks { voice, avatar, slides, quality, size, watermark, set } = self;
        let all =
            [("voice", voice), ("avatar", avatar), ("slides", slides), ("quality", quality), ("size", size), ("watermark", watermark)];
        let all = all.into_iter().filter_map(|(name, value)| Some(option(name, value.as_ref()?)));
        all.chain(set.iter().map(|(name, value)| option("set", &format!("{name}={value}")))).collect()
    }

    fn check(&self) -> Result<(), String> {
        let Looks { voice, avatar, slides, quality, size, watermark, set } = self;
        for (field, value) in [("voice", voice), ("avatar", avatar), ("quality", quality), ("size", size)] {
            value.as_deref().map_or(Ok(()), |value| name(field, value))?;
        }
        let is_choice = |text: &String| text.len() <= 1000 && text.chars().all(|c| c.is_ascii_alphanumeric() || "-,. ".contains(c));
        if slides.as_ref().is_some_and(|text| !is_choice(text)) {
            return Err("slides is no choice of slides; write numbers and ranges, such as 3-5,8".into());
        }
        // A text that is a path would be taken for a picture of the server.
        if watermark.as_ref().is_some_and(|text| text.len() > 200 || text.contains(['/', '\\', '\n', '\0'])) {
            return Err("watermark is a text of up to 200 bytes without slashes and line breaks".into());
        }
        for (key, value) in set {
            if !VARIABLES.contains(&key.as_str()) {
                return Err(format!("set has the variable {key:?}; the variables are {}", VARIABLES.join(", ")));
            }
            name(key, value)?;
        }
        parses(self.arguments())
    }
}

/// The command line takes it: what is right is written down there, once.
fn parses(arguments: Vec<OsString>) -> Result<(), String> {
    let all = ["lectern", "render", "deck"].map(OsString::from).into_iter().chain(arguments);
    Cli::try_parse_from(all).map(drop).map_err(|error| {
        let text = error.to_string();
        let said: Vec<&str> = text.lines().take_while(|line| !line.is_empty()).map(str::trim).collect();
        said.join(" ").trim_start_matches("error: ").to_string()
    })
}

/// `--name=value`, which cannot be taken for another option.
fn option(name: &str, value: &impl std::fmt::Display) -> OsString {
    format!("--{name}={value}").into()
}

/// A word that can be no path and no option.
fn name(field: &str, value: &str) -> Result<(), String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    let is_name = !value.is_empty() && value.len() <= 64 && value.chars().all(fits) && !value.starts_with(['-', '.']);
    if is_name { Ok(()) } else { Err(format!("{field} is {value:?}; write a name of letters, digits, and _ - . between them")) }
}

/// A file in one of the parts of the job's folder.
fn file(path: &str) -> Result<(), String> {
    let mut parts = Path::new(path).components();
    let first = parts.next().is_some_and(|part| matches!(part.as_os_str().to_str(), Some("input" | "processing" | "output")));
    let rest: Vec<_> = parts.collect();
    let is_inside = first && !rest.is_empty() && rest.iter().all(|part| matches!(part, Component::Normal(_)));
    if is_inside { Ok(()) } else { Err(format!("{path:?} is no file of the job; it lies in input/, processing/ or output/")) }
}

fn source(source: &str) -> Result<(), String> {
    match lesson::address(Path::new(source)) {
        Some(_) => lesson::check_source(Path::new(source)),
        None => file(source),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn render(change: impl FnOnce(&mut Looks)) -> Task {
        let mut looks = Looks::default();
        change(&mut looks);
        Task::Render { lesson: "input/talk.pptx".into(), wishes: Wishes::default(), looks, film: "output/film.mp4".into() }
    }

    #[test]
    fn nothing_outside_the_jobs_folder_is_named() {
        for outside in ["/etc/passwd", "input/../../x", "talk.pptx", "input", "../input/x", "input/..", ""] {
            assert!(Task::Import { deck: outside.into() }.check().is_err(), "{outside:?}");
        }
        assert!(Task::Import { deck: "input/a/b c.pptx".into() }.check().is_ok());
        assert!(Task::Import { deck: "https://docs.google.com/presentation/d/LecternDemoDeck01/edit".into() }.check().is_ok());
        assert!(Task::Import { deck: "https://example.com/x.pptx".into() }.check().is_err());
    }

    #[test]
    fn nothing_is_more_than_it_seems() {
        assert!(render(|_| {}).check().is_ok());
        let bad: [fn(&mut Looks); 9] = [
            |looks| looks.voice = Some("../voices/my.onnx".into()),
            |looks| looks.voice = Some("--help".into()),
            |looks| looks.watermark = Some("/etc/logo.png".into()),
            |looks| looks.slides = Some("1;2".into()),
            |looks| drop(looks.set.insert("out".into(), "x".into())),
            |looks| drop(looks.set.insert("crf".into(), "2 --x".into())),
            |looks| looks.size = Some(String::new()),
            |looks| looks.size = Some("161x90".into()),
            |looks| looks.quality = Some("best".into()),
        ];
        for change in bad {
            let task = render(change);
            assert!(task.check().is_err(), "{task:?}");
        }
        assert!(render(|looks| drop(looks.set.insert("crf".into(), "30".into()))).check().is_ok());
    }

    #[test]
    fn a_task_is_read_as_it_was_written() {
        let skip = Task::Skip { because: "there is no model".into() };
        for task in [render(|looks| looks.voice = Some("default".into())), Task::Publish, skip] {
            let json = serde_json::to_value(&task).unwrap();
            assert_eq!(serde_json::from_value::<Task>(json.clone()).unwrap(), task);
            let heavy = matches!(task, Task::Render { .. });
            assert_eq!(Task::class_of(&json) == Class::Heavy, heavy);
        }
        assert!(serde_json::from_value::<Wishes>(json!({ "minuets": 3 })).is_err());
    }
}
