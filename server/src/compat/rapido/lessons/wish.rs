//! What is to be done with a lesson, and the job that does it.

use crate::compat::fastapi::{Fields, Refusal};
use crate::config::Settings;
use crate::folders::{Astray, Folders, below};
use crate::http::App;
use crate::jobs::JobSpec;
use crate::worker::{Looks, Task};
use plugins::lesson::{ImportOptions, Lesson, Narration, export, import};
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};

/// The lesson in the job's input.
pub const LESSON: &str = "lesson.yaml";

/// Why a lesson cannot work: its kind for programs, and what happened.
#[derive(Debug, PartialEq)]
pub struct Fault {
    pub kind: &'static str,
    pub text: String,
}

impl Fault {
    fn new(kind: &'static str, text: impl Into<String>) -> Fault {
        Fault { kind, text: text.into() }
    }
}

/// See the module docs.
#[derive(Clone, Debug)]
pub struct Wish {
    pub lesson: String,
    /// Its file, below the folder of lesson files; without one, the lesson of that name in the lessons' folder.
    path: Option<String>,
    /// It is spoken.
    tts: bool,
    /// Somebody is seen who speaks it.
    synctalk: bool,
    /// It is given in its LiveKit room.
    pub livekit: bool,
}

impl Wish {
    /// Of a request's body.
    pub fn read(body: &Map<String, Value>) -> Result<Wish, Refusal> {
        let mut fields = Fields::of("body", body);
        let (lesson, path) = (fields.text("lesson_id"), fields.maybe("slide_data_path"));
        let [tts, synctalk, livekit] = ["enable_tts", "enable_synctalk", "enable_livekit"].map(|name| fields.switch(name, true));
        fields.check()?;
        Ok(Wish { lesson: lesson.into(), path: path.map(String::from), tts, synctalk, livekit })
    }

    /// The job, with a copy of the lesson and of all that it shows in its folder; `who` is its owner, and who asked. Takes as long as reading
    /// the lesson does.
    pub fn prepare(&self, app: &App, folders: &Folders, (owner, user): (Option<String>, Option<String>)) -> Result<JobSpec, Fault> {
        if !self.tts && (self.synctalk || self.livekit) {
            let text = "what is not spoken is neither given by somebody nor in a room; leave enable_tts on, or set enable_synctalk and enable_livekit to false";
            return Err(Fault::new("ConfigurationError", text));
        }
        if let (true, Err(missing)) = (self.livekit, &app.compat.rapido.livekit) {
            return Err(Fault::new("ConfigurationError", missing.as_str()));
        }
        let files = app.settings.lessons.files.as_deref();
        let deck = match &self.path {
            Some(path) => deck_of(files, path)?,
            None => app.sessions.lesson_of(&self.lesson).map_err(|error| Fault::new("FileNotFoundError", error.to_string()))?,
        };
        let mut lesson =
            import(&deck, &ImportOptions { frames: self.frames(&app.settings), ..ImportOptions::default() }).map_err(|error| {
                // Where things lie on the server is none of a client's business.
                let folder = deck.parent().map(|folder| format!("{}/", folder.display())).unwrap_or_default();
                Fault::new("ValidationError", error.to_string().replace(&folder, ""))
            })?;
        if !self.synctalk {
            lesson.slides.iter_mut().for_each(|slide| slide.presenter.visible = false);
        }
        let spec = JobSpec::new(super::KIND, &self.lesson);
        let id = spec.id;
        let kept = folders.input(id).map_err(|error| error.to_string());
        let kept = kept.and_then(|input| export(&lesson, &input.join(LESSON)).map_err(|error| error.to_string()));
        if let Err(error) = kept {
            tracing::error!(error, "a lesson was not copied into its job");
            // What there is of it goes with the next start, too.
            let _ = folders.remove(id);
            return Err(Fault::new("ProcessingError", "the lesson cannot be kept; look at the disk of the server"));
        }
        Ok(JobSpec { owner, spec: self.facts(&lesson, user.as_deref()), ..self.stages(spec) })
    }

    /// Where pictures of its slides may lie that are not beside it: in the folder of the settings that is named like the lesson, else in that
    /// folder itself.
    fn frames(&self, settings: &Settings) -> Option<PathBuf> {
        let folder = settings.lessons.slide_frames.as_deref()?;
        let own = folder.join(&self.lesson);
        Some(if own.is_dir() { own } else { folder.into() })
    }

    /// What is known before anything is done.
    fn facts(&self, lesson: &Lesson, user: Option<&str>) -> Value {
        let is_spoken = |narration: &Narration| self.tts && !matches!(narration, Narration::Silence(_));
        json!({
            "lesson_id": self.lesson, "slide_data_path": self.path, "enable_tts": self.tts, "enable_synctalk": self.synctalk,
            "enable_livekit": self.livekit, "user_id": user, "slides": lesson.slides.len(),
            "audio_segments": lesson.slides.iter().filter(|slide| is_spoken(&slide.narration)).count(),
        })
    }

    /// A lesson that is not spoken is only read.
    fn stages(&self, spec: JobSpec) -> JobSpec {
        let lesson = format!("{}/{LESSON}", Folders::INPUT);
        if !self.tts {
            return spec.stage("read", "Reading the lesson", 1.0, Task::Import { deck: lesson });
        }
        // 854x480, 25 pictures a second.
        let looks = Looks { quality: Some("minimal".into()), ..Looks::default() };
        let sound = Task::Narrate { lesson: lesson.clone(), looks: Looks::default(), sound: "output/narration.wav".into() };
        let film = Task::Render { lesson, wishes: Default::default(), looks, film: "output/film.mp4".into() };
        spec.stage("speech", "Speaking", 3.0, sound).stage("render", "Making the film", 20.0, film).stage(
            "publish",
            "Putting it in its place",
            0.3,
            Task::Publish,
        )
    }
}

/// The lesson file of a path below the folder of lesson files.
fn deck_of(files: Option<&Path>, path: &str) -> Result<PathBuf, Fault> {
    let files = files.ok_or_else(|| {
        Fault::new("ConfigurationError", "this server has no folder of lesson files; name one with the setting lessons.files")
    })?;
    below(files, path).map_err(|astray| match astray {
        Astray::Outside => Fault::new(
            "SecurityError",
            format!("the path {path:?} does not stay in the folder of lesson files; write it relative, without .."),
        ),
        Astray::Missing => Fault::new("FileNotFoundError", format!("there is no lesson file {path:?}")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compat::fastapi::object;

    fn wish(body: &str) -> Wish {
        Wish::read(&object(body.as_bytes()).unwrap()).unwrap()
    }

    #[test]
    fn switches_are_on_unless_they_are_off() {
        let all = wish(r#"{"lesson_id": "a"}"#);
        assert_eq!((all.tts, all.synctalk, all.livekit, all.path), (true, true, true, None));
        let none =
            wish(r#"{"lesson_id": "a", "slide_data_path": null, "enable_tts": "no", "enable_synctalk": 0, "enable_livekit": false}"#);
        assert_eq!((none.tts, none.synctalk, none.livekit, none.path), (false, false, false, None));
        assert!(Wish::read(&object(br#"{"lesson_id": 7, "slide_data_path": []}"#).unwrap()).is_err());
    }

    #[test]
    fn what_is_not_spoken_is_read_and_nothing_else_is_done() {
        let names =
            |body: &str| wish(body).stages(JobSpec::new("lesson", "a")).stages.into_iter().map(|stage| stage.name).collect::<Vec<_>>();
        assert_eq!(names(r#"{"lesson_id": "a"}"#), ["speech", "render", "publish"]);
        assert_eq!(names(r#"{"lesson_id": "a", "enable_tts": false}"#), ["read"]);
        for stage in wish(r#"{"lesson_id": "a"}"#).stages(JobSpec::new("lesson", "a")).stages {
            stage.task.check().unwrap();
        }
    }

    #[test]
    fn lesson_files_lie_in_their_folder() {
        let home = tempfile::tempdir().unwrap();
        let files = home.path().join("files");
        std::fs::create_dir_all(files.join("data")).unwrap();
        std::fs::write(files.join("data/one.json"), "{}").unwrap();
        std::fs::write(home.path().join("other.json"), "{}").unwrap();
        std::os::unix::fs::symlink(home.path().join("other.json"), files.join("link.json")).unwrap();
        assert!(deck_of(Some(&files), "data/one.json").is_ok());
        let kind = |path: &str| deck_of(Some(&files), path).unwrap_err().kind;
        for outside in ["../other.json", "data/../../other.json", "/etc/passwd", "./data/one.json/.."] {
            assert_eq!(kind(outside), "SecurityError", "{outside}");
        }
        assert_eq!((kind("none.json"), kind("link.json")), ("FileNotFoundError", "FileNotFoundError"));
        assert_eq!(deck_of(None, "data/one.json").unwrap_err().kind, "ConfigurationError");
    }
}
