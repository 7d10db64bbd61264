//! What a worker can do, as data.
//!
//! Files are named as paths in the job's folder: `input/…` is what the job was given, `processing/…` is made on the way, `output/…` is what
//! comes of it. A source may also be the address of a presentation on the web.

mod wishes;

pub use wishes::{Looks, Presenter, Wishes};

use crate::guard::Need;
use plugins::lesson;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::path::{Component, Path};
use wishes::{name, voice_name};

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
        /// What is seen beside the presenter.
        #[serde(default)]
        layout: Layout,
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
        /// The sound, a WAV or MP3 file: `output/narration.wav`.
        sound: String,
    },
    /// Speaks each slide of a lesson by itself: the sound's name with the slide's place before its ending, from 1.
    NarrateEach {
        /// The lesson or deck.
        lesson: String,
        /// Who speaks.
        #[serde(default)]
        looks: Looks,
        /// The sound: of `output/audio.mp3` come `output/audio-1.mp3`, `output/audio-2.mp3`.
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
    /// Writes a conversation of two about a document or deck as a lesson.
    Dialogue {
        /// The document or deck.
        source: String,
        /// How it is read.
        #[serde(default)]
        wishes: Wishes,
        /// The lesson file.
        lesson: String,
    },
    /// Speaks a conversation; beside the sound lie its subtitles (`.srt`, `.vtt`) and who says what (`.json`).
    Podcast {
        /// The lesson of a conversation.
        lesson: String,
        /// Who leads; without one, the usual voice.
        #[serde(default)]
        host: Option<String>,
        /// Who answers.
        #[serde(default)]
        guest: Option<String>,
        /// The sound: `output/podcast.mp3`.
        sound: String,
    },
    /// Brings a recording to the level of speech.
    Recording {
        /// The recording.
        recording: String,
        /// The sound.
        sound: String,
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
    /// Puts the subtitles of a film into another language: of `output/film.srt` come `output/film.fr.srt` and `output/film.fr.vtt`.
    Subtitles {
        /// The subtitles, SubRip.
        captions: String,
        /// Their language, as a tag.
        from: String,
        /// The language that is wished for, as a tag.
        to: String,
    },
    /// Puts all of `output/` where everybody finds it: all of it, or nothing.
    Publish,
    /// Fails, because what it needs is not there (yet) and the job cannot go on without it.
    Lack {
        /// What is not there.
        what: String,
        /// What to do.
        cure: String,
    },
    /// Does nothing, because this is not there (yet): the job says so and goes on.
    Skip {
        /// Why, and what is done in its place.
        because: String,
    },
    /// Does something else than what was asked for: the job says so beside its result.
    Instead {
        /// What is missing, and what is done in its place.
        because: String,
        /// What is done.
        task: Box<Task>,
    },
    /// Does something once there is a place for it on the device that models run on.
    OnDevice {
        /// What for.
        need: Need,
        /// What is done.
        task: Box<Task>,
    },
}

/// What slides show that are made of what is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layout {
    /// The title; the presenter stands in a corner.
    #[default]
    Title,
    /// The presenter alone, as large as the picture.
    Presenter,
    /// The presenter, and beside it what is said in short, each point when it is said.
    Points,
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

/// How much of a machine a task takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// It keeps processors busy.
    Heavy,
    /// It does not.
    Light,
}

impl Task {
    /// How much it takes, of a task as the ledger holds it.
    pub fn class_of(task: &Value) -> Class {
        match Task::name_of(task) {
            "import" | "script" | "transcript" | "subtitles" | "publish" | "lack" | "skip" => Class::Light,
            _ => Class::Heavy,
        }
    }

    /// What is done, and what is to be known about it.
    pub fn plain(self) -> (Task, Option<String>) {
        match self {
            Task::Instead { because, task } => (task.plain().0, Some(because)),
            Task::OnDevice { task, .. } => task.plain(),
            task => (task, None),
        }
    }

    /// The place on a device that it takes.
    pub fn need(&self) -> Option<Need> {
        match self {
            Task::OnDevice { need, .. } => Some(*need),
            Task::Instead { task, .. } => task.need(),
            _ => None,
        }
    }

    /// What is done, by the name that it has in a task as the ledger holds it.
    pub fn name_of(task: &Value) -> &str {
        match task["do"].as_str().unwrap_or_default() {
            "instead" | "on_device" => Task::name_of(&task["task"]),
            name => name,
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
            Task::Narrate { lesson, looks, sound } | Task::NarrateEach { lesson, looks, sound } => {
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
            Task::Dialogue { source: about, wishes, lesson } => {
                source(about)?;
                wishes.check()?;
                file(lesson)
            }
            Task::Podcast { lesson, host, guest, sound } => {
                file(lesson)?;
                host.iter().chain(guest).try_for_each(|voice| voice_name(voice))?;
                file(sound)
            }
            Task::Recording { recording, sound } => {
                file(recording)?;
                file(sound)
            }
            Task::Transcript { lesson, text } => {
                source(lesson)?;
                file(text)
            }
            Task::Subtitles { captions, from, to } => {
                name("language", from)?;
                name("language", to)?;
                file(captions)
            }
            Task::Publish | Task::Lack { .. } | Task::Skip { .. } => Ok(()),
            Task::Instead { task, .. } | Task::OnDevice { task, .. } => task.check(),
        }
    }
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
        let bad: [fn(&mut Looks); 10] = [
            |looks| looks.voice = Some("../voices/my.onnx".into()),
            |looks| looks.voice = Some("--help".into()),
            |looks| looks.watermark = Some("/etc/logo.png".into()),
            |looks| looks.slides = Some("1;2".into()),
            |looks| drop(looks.set.insert("out".into(), "x".into())),
            |looks| drop(looks.set.insert("crf".into(), "2 --x".into())),
            |looks| looks.size = Some(String::new()),
            |looks| looks.size = Some("161x90".into()),
            |looks| looks.quality = Some("best".into()),
            |looks| looks.sound = Some("loud".into()),
        ];
        for change in bad {
            let task = render(change);
            assert!(task.check().is_err(), "{task:?}");
        }
        assert!(render(|looks| drop(looks.set.insert("crf".into(), "30".into()))).check().is_ok());
        for (quality, sound) in [("speed", "basic"), ("balanced", "standard"), ("quality", "high"), ("fast_low_memory", "basic")] {
            let task = render(|looks| (looks.quality, looks.sound) = (Some(quality.into()), Some(sound.into())));
            assert_eq!(task.check(), Ok(()), "{quality} {sound}");
        }
    }

    #[test]
    fn a_task_is_read_as_it_was_written() {
        let skip = Task::Skip { because: "there is no model".into() };
        let instead = |task: Task| Task::Instead { because: "there is no model".into(), task: task.into() };
        for (task, class) in [
            (render(|looks| looks.voice = Some("default".into())), Class::Heavy),
            (Task::Publish, Class::Light),
            (skip, Class::Light),
            (Task::Subtitles { captions: "output/film.srt".into(), from: "en".into(), to: "zh-Hans".into() }, Class::Light),
            (instead(render(|_| {})), Class::Heavy),
            (instead(Task::Publish), Class::Light),
            (Task::OnDevice { need: Need::Matting, task: render(|_| {}).into() }, Class::Heavy),
        ] {
            let json = serde_json::to_value(&task).unwrap();
            assert_eq!(serde_json::from_value::<Task>(json.clone()).unwrap(), task);
            assert_eq!(Task::class_of(&json), class);
        }
        assert_eq!(instead(Task::Publish).plain(), (Task::Publish, Some("there is no model".into())));
        assert!(instead(render(|looks| looks.quality = Some("best".into()))).check().is_err());
        assert!(serde_json::from_value::<Wishes>(json!({ "minuets": 3 })).is_err());
    }
}
