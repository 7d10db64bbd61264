//! Who speaks and who is seen: those that are built in, also where others were wished for.

use super::profiles::Profiles;
use crate::compat::door::Visitor;
use crate::compat::fastapi::Refusal;
use crate::worker::Task;
use plugins::models;

/// What is said of a voice that was to be learned.
pub const NO_MODEL: &str = "no model here learns a voice from a film yet; the built-in voice speaks";
/// What is said of a face that was to be learned.
const NO_FACE: &str = "no model here moves the face in a film yet; the built-in presenter is seen";

/// Who is to speak.
#[derive(Debug)]
pub enum Voice {
    /// Whoever usually does.
    Usual,
    /// A built-in voice.
    BuiltIn(String),
    /// One of a profile.
    Profile(String),
}

impl Voice {
    /// The voice of a name that the visitor may use; `Err` within: there is none.
    ///
    /// # Errors
    /// The profiles cannot be read.
    pub fn find(name: Option<&str>, profiles: &Profiles, visitor: &Visitor) -> Result<Result<Voice, String>, Refusal> {
        let Some(name) = name.map(str::trim).filter(|name| *name != "default") else { return Ok(Ok(Voice::Usual)) };
        if profiles.find(name, visitor.owner()).map_err(|error| Refusal::failed(&error))?.is_some() {
            return Ok(Ok(Voice::Profile(name.into())));
        }
        Ok(match models::locate(&format!("voice:{name}")) {
            Ok(_) => Ok(Voice::BuiltIn(name.into())),
            Err(_) => Err(format!(
                "there is no voice {name:?}; /training/voice-profiles lists those that were made, /training/clone-voice makes one"
            )),
        })
    }

    /// As it was asked for.
    pub fn asked(&self) -> Option<&str> {
        match self {
            Voice::Usual => None,
            Voice::BuiltIn(name) | Voice::Profile(name) => Some(name),
        }
    }

    /// For [`Looks`](crate::worker::Looks).
    pub fn name(&self) -> Option<String> {
        if let Voice::BuiltIn(name) = self { Some(name.clone()) } else { None }
    }

    /// Of a job's stage in which a voice would be learned.
    pub fn cloning(&self, has_film: bool) -> Task {
        let because = match self {
            Voice::Profile(name) => format!("for \"{name}\": {NO_MODEL}"),
            Voice::BuiltIn(name) => format!("the built-in voice \"{name}\" speaks; there is nothing to learn"),
            Voice::Usual if has_film => NO_MODEL.into(),
            Voice::Usual => "no film and no voice was named; the built-in voice speaks".into(),
        };
        Task::Skip { because }
    }

    /// A task in which this voice would speak.
    pub fn speaks(&self, task: Task) -> Task {
        match self {
            Voice::Profile(name) => Task::Instead { because: format!("for \"{name}\": {NO_MODEL}"), task: task.into() },
            Voice::Usual | Voice::BuiltIn(_) => task,
        }
    }
}

/// A task in which the person in a film would be seen.
pub fn shows(has_film: bool, task: Task) -> Task {
    if has_film { Task::Instead { because: NO_FACE.into(), task: task.into() } } else { task }
}
