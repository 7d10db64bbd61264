//! All sessions of a server, by room.

use super::lecture::{Lecture, Outputs};
use super::load::{Load, SETTLING, cores_for};
use super::session::{OnState, Premises, Session, State};
use crate::decks::must_exist;
use crate::failure::Failure;
use crate::folders::{Astray, below};
use crate::graphs::GraphFile;
use engine::graph::check::Depth;
use engine::registry::Defaults;
use engine::run::{Run, RunOptions};
use plugins::lesson::{ImportOptions, import_shared, select};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use utoipa::ToSchema;

/// The longest that a session may last, unless it is told otherwise.
pub const LIMIT: Duration = Duration::from_secs(12 * 3600);
/// How long the run of a session that is ended may take to drain, before its room is free again.
const DRAIN: Duration = Duration::from_secs(15);

/// What `POST /v1/live` asks for.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SessionRequest)]
pub struct CreateRequest {
    /// The name that viewers join.
    pub room: String,
    /// The deck, by its path under the lessons' folder.
    pub lesson: String,
    /// Who speaks.
    pub voice: Option<String>,
    /// Who is seen.
    pub avatar: Option<String>,
    /// Only these slides.
    pub slides: Option<String>,
    /// Picture size, such as `854x480`.
    pub size: Option<String>,
    /// Pictures a second.
    pub fps: Option<String>,
    /// After the last slide comes the first again.
    #[serde(default, rename = "loop")]
    pub repeat: bool,
    /// It begins without waiting for a viewer.
    #[serde(default)]
    pub start: bool,
}

/// Why a session was not made.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// One of this name is on.
    #[error("a session is on in the room \"{0}\"; end it first, or choose another room")]
    Exists(String),
    /// The machine is too busy.
    #[error("this machine is too busy for another session ({0:.0} % of its processor are in use); end one, or ask another machine")]
    Busy(f64),
    /// There are no lessons to choose from, or not this one.
    #[error("{0}")]
    Lesson(String),
    /// It cannot be given.
    #[error("{0}")]
    Invalid(String),
}

/// See the module docs.
pub struct Sessions {
    lessons: Option<PathBuf>,
    address: Option<String>,
    limited: bool,
    on_state: OnState,
    load: Load,
    rooms: Mutex<BTreeMap<String, Slot>>,
}

/// A room that is taken.
enum Slot {
    /// Its session is being made, and will need so many cores.
    Coming(f64),
    On(Arc<Session>, f64),
}

impl Slot {
    /// Cores that will be used and have not been measured yet.
    fn not_measured(&self) -> f64 {
        match self {
            Slot::Coming(needed) => *needed,
            Slot::On(session, needed) if session.age() < SETTLING => *needed,
            Slot::On(..) => 0.0,
        }
    }
}

impl Sessions {
    /// Lessons are taken from a folder, where there is one; viewers by WebRTC are told `address` where it is the only one. Where it is
    /// `limited`, sessions are refused for which the machine has no room. `on_state` hears of those that are made here.
    pub fn new(lessons: Option<PathBuf>, address: Option<String>, limited: bool, on_state: OnState) -> Sessions {
        Sessions { lessons, address, limited, on_state, load: Load::new(), rooms: Mutex::default() }
    }

    /// The session of a room.
    pub fn find(&self, room: &str) -> Option<Arc<Session>> {
        self.lock().get(room).and_then(|slot| if let Slot::On(session, _) = slot { Some(session.clone()) } else { None })
    }

    /// All of them.
    pub fn all(&self) -> Vec<Arc<Session>> {
        self.lock().values().filter_map(|slot| if let Slot::On(session, _) = slot { Some(session.clone()) } else { None }).collect()
    }

    /// Takes in a session that was begun elsewhere, with the pictures of these settings.
    pub fn add(&self, session: Arc<Session>, defaults: &Defaults) {
        self.lock().insert(session.name().to_string(), Slot::On(session, cores_for(defaults)));
    }

    /// Measures how busy the machine has been since the last time. To be called every few seconds.
    pub fn measure(&self) {
        self.load.measure();
    }

    /// Makes a session from a lesson of the folder. Takes as long as reading the deck does.
    ///
    /// # Errors
    /// Why there is none.
    pub fn create(self: &Arc<Sessions>, request: &CreateRequest) -> Result<Arc<Session>, CreateError> {
        let variables = [
            ("voice", &request.voice),
            ("avatar", &request.avatar),
            ("slides", &request.slides),
            ("size", &request.size),
            ("fps", &request.fps),
        ];
        let lecture = Lecture {
            deck: self.lesson(&request.lesson)?,
            room: request.room.clone(),
            title: String::new(),
            outputs: Outputs::default(),
            waits: !request.start,
            repeat: request.repeat,
            address: self.address.clone(),
            burned_captions: false,
            small: None,
            set: variables.into_iter().filter_map(|(name, value)| Some((name.to_string(), value.clone()?))).collect(),
        };
        self.begin(&lecture, request.slides.as_deref(), ())
    }

    /// Makes a session of a lecture that goes into a room of a LiveKit server and begins at once. `kept` is dropped when it has ended.
    ///
    /// # Errors
    /// Why there is none.
    pub fn create_for_livekit(
        self: &Arc<Sessions>,
        deck: PathBuf,
        room: &str,
        livekit: &str,
        set: Vec<(String, String)>,
        kept: impl Send + 'static,
    ) -> Result<Arc<Session>, CreateError> {
        let outputs = Outputs { livekit: Some(livekit.to_string()), ..Outputs::default() };
        let address = self.address.clone();
        let lecture = Lecture { deck, room: room.to_string(), outputs, address, set, ..Lecture::default() };
        self.begin(&lecture, None, kept)
    }

    fn begin(
        self: &Arc<Sessions>,
        lecture: &Lecture,
        slides: Option<&str>,
        kept: impl Send + 'static,
    ) -> Result<Arc<Session>, CreateError> {
        must_exist(&lecture.deck).map_err(|failure| CreateError::Invalid(failure.to_string()))?;
        let file = GraphFile::new(None);
        let planned = file.plan(&lecture.options(&file), Depth::Pure);
        let (_, plan) = planned.map_err(|failure| CreateError::Invalid(failure.to_string()))?;
        let needed = cores_for(&plan.defaults);
        {
            let mut rooms = self.lock();
            if rooms.contains_key(&lecture.room) {
                return Err(CreateError::Exists(lecture.room.clone()));
            }
            let coming: f64 = rooms.values().map(Slot::not_measured).sum();
            if self.limited && !rooms.is_empty() && !self.load.has_room(needed, coming) {
                return Err(CreateError::Busy(self.load.busy() * 100.0));
            }
            rooms.insert(lecture.room.clone(), Slot::Coming(needed));
        }
        let made = self.launch(lecture, needed, slides, kept).map_err(|failure| CreateError::Invalid(failure.to_string()));
        if made.is_err() {
            self.lock().remove(&lecture.room);
        }
        made
    }

    fn launch(
        self: &Arc<Sessions>,
        lecture: &Lecture,
        needed: f64,
        slides: Option<&str>,
        kept: impl Send + 'static,
    ) -> Result<Arc<Session>, Failure> {
        let lesson = import_shared(&lecture.deck, &ImportOptions::default())?;
        let lecture = Lecture { title: lesson.title.clone(), ..lecture.clone() };
        let file = GraphFile::new(None);
        let (_, plan) = file.plan(&lecture.options(&file), Depth::Environment)?;
        let slides = select(&lesson, slides.unwrap_or("all"))?.len();
        let premises = Premises {
            room: lecture.room.clone(),
            title: lesson.title.clone(),
            language: lesson.language.clone(),
            slides,
            waits: lecture.waits,
            limit: LIMIT,
        };
        let run = Run::launch_with(plan, RunOptions::default()).map_err(|error| Failure::Failed(error.to_string()))?;
        let session = Session::attach(premises, run.handle(), self.on_state.clone());
        self.lock().insert(session.name().to_string(), Slot::On(session.clone(), needed));
        let (sessions, its) = (self.clone(), session.clone());
        let wait = move || {
            match run.wait() {
                Ok(_) => its.end(),
                Err(error) => {
                    tracing::error!(room = its.name(), %error, "a session has failed");
                    its.fail();
                }
            }
            sessions.lock().remove(its.name());
            // The nodes of the run shared them.
            drop((lesson, kept));
        };
        std::thread::Builder::new().name("live".into()).spawn(wait).map_err(|error| Failure::Failed(error.to_string()))?;
        Ok(session)
    }

    /// Ends a session, and waits until its room is free again. `false`: there is none.
    pub fn end(&self, room: &str) -> bool {
        let Some(session) = self.find(room) else { return false };
        session.handle().stop();
        let patience = std::time::Instant::now() + DRAIN;
        while !session.handle().has_ended() && session.state() != State::Ended && std::time::Instant::now() < patience {
            std::thread::sleep(Duration::from_millis(20));
        }
        true
    }

    /// The lesson of a name under the lessons' folder: a deck, a lesson file, or a folder with one.
    ///
    /// # Errors
    /// There is none.
    pub fn lesson_of(&self, id: &str) -> Result<PathBuf, CreateError> {
        let endings = ["pptx", "ppt", "odp", "pdf", "yaml", "json"].map(|ending| format!("{id}.{ending}"));
        let names = endings.into_iter().chain(["lesson.yaml", "lesson.json", "script.md"].map(|name| format!("{id}/{name}")));
        for name in names {
            match self.lesson(&name) {
                // A folder of pictures is named by itself.
                Ok(found) => return Ok(if name.ends_with("script.md") { found.parent().unwrap_or(&found).to_path_buf() } else { found }),
                Err(_) if self.lessons.is_some() => {}
                Err(error) => return Err(error),
            }
        }
        Err(CreateError::Lesson(format!(
            "there is no lesson \"{id}\" here; put {id}.pptx, {id}.pdf, {id}.json or {id}/lesson.yaml into the lessons' folder"
        )))
    }

    /// A deck of the lessons' folder; nothing outside it.
    fn lesson(&self, lesson: &str) -> Result<PathBuf, CreateError> {
        let wrong = |text: String| CreateError::Lesson(text);
        let folder =
            self.lessons.as_ref().ok_or_else(|| wrong("this server gives no lessons by name; start it with --lessons DIR".into()))?;
        below(folder, lesson).map_err(|astray| match astray {
            Astray::Outside => wrong(format!("{lesson:?} is no path under the lessons' folder")),
            Astray::Missing => wrong(format!("there is no lesson {lesson:?} here")),
        })
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Slot>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lessons_lie_in_their_folder() {
        let folder = tempfile::tempdir().unwrap();
        let lessons = folder.path().join("lessons");
        std::fs::create_dir_all(lessons.join("a")).unwrap();
        std::fs::write(lessons.join("a/talk.pdf"), "").unwrap();
        std::fs::write(folder.path().join("secret.pdf"), "").unwrap();
        std::os::unix::fs::symlink(folder.path().join("secret.pdf"), lessons.join("link.pdf")).unwrap();
        let of = |lessons| Sessions::new(lessons, None, true, Arc::new(|_, _| {}));
        let sessions = of(Some(lessons));
        assert!(sessions.lesson("a/talk.pdf").is_ok());
        for outside in ["", "../secret.pdf", "/etc/passwd", "a/../../secret.pdf", "link.pdf", "none.pdf"] {
            assert!(sessions.lesson(outside).is_err(), "{outside}");
        }
        assert!(of(None).lesson("a/talk.pdf").is_err());
        assert!(sessions.lesson_of("talk").is_err() && sessions.lesson_of("link").is_err());
        std::fs::write(folder.path().join("lessons/a/lesson.yaml"), "").unwrap();
        assert!(sessions.lesson_of("a").unwrap().ends_with("a/lesson.yaml"));
        std::fs::write(folder.path().join("lessons/talk.pdf"), "").unwrap();
        assert!(sessions.lesson_of("talk").unwrap().ends_with("talk.pdf"));
    }
}
