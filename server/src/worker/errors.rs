//! Why a stage failed, and of which class that is.

use super::child::Exit;
use crate::artifacts::StoreError;
use crate::ledger::ErrorClass;
use plugins::cache_folder;
use plugins::models::data_folder;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::path::Path;

/// A stage failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageError {
    /// What to do about it.
    pub class: ErrorClass,
    /// A stable name.
    pub code: Cow<'static, str>,
    /// What happened.
    pub detail: String,
    /// What to do.
    pub cure: String,
}

/// What messages say where a voice or model is not on this machine, or is none. Nobody puts it there within the seconds until the next try.
const NOT_THERE: [&str; 5] =
    ["is not on this machine", "is not a usable voice", "cannot read the voice file", "there is no voice ", "Install the package"];
/// What messages say where memory or disk ran out.
const SHORT: [&str; 4] = ["No space left", "out of memory", "cannot allocate", "there is no room"];
/// What messages say where another service failed.
const OTHERS: [&str; 5] = ["cannot be reached", "HTTP 429", "HTTP 5", "timed out", "the service"];

impl StageError {
    /// With what happened and what to do.
    pub fn new(class: ErrorClass, code: &'static str, detail: impl Into<String>, cure: impl Into<String>) -> StageError {
        StageError { class, code: code.into(), detail: detail.into(), cure: cure.into() }
    }

    /// Files on this machine cannot be handled.
    pub fn files(error: std::io::Error) -> StageError {
        let class = match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded | std::io::ErrorKind::OutOfMemory => ErrorClass::Resource,
            _ => ErrorClass::Recoverable,
        };
        StageError::new(class, "files", format!("files of the job cannot be handled: {error}"), "look at the disk of the server")
    }

    /// The store of artifacts does not do what it should.
    pub fn store(error: &StoreError) -> StageError {
        // What the store says names places of this machine.
        tracing::warn!(%error, "a stage cannot use the store of artifacts");
        let short = |cause: &str| SHORT.iter().any(|words| cause.contains(words));
        let (class, code, detail) = match error {
            StoreError::NoRoom { .. } => (ErrorClass::Resource, "no_room", "there is no room for files of the job"),
            StoreError::File { cause, .. } if short(cause) => (ErrorClass::Resource, "no_room", "there is no room for files of the job"),
            StoreError::Store { cause, .. } if short(&cause.to_string()) => {
                (ErrorClass::Resource, "no_room", "there is no room for files of the job")
            }
            StoreError::File { .. } => (ErrorClass::Recoverable, "files", "files of the job cannot be handled"),
            StoreError::Name(..) => (ErrorClass::Permanent, "invalid", "a file has a name that cannot be published"),
            StoreError::Damaged { .. } => (ErrorClass::Recoverable, "damaged", "files of the job were damaged on their way"),
            StoreError::Missing { .. } | StoreError::Expired { .. } => {
                (ErrorClass::External, "not_in_store", "files of the job are not in the store")
            }
            StoreError::Store { .. } | StoreError::Place { .. } => {
                (ErrorClass::External, "store", "the store of artifacts does not answer as it should")
            }
        };
        StageError::new(class, code, detail, "look at the store and its disk, and into the server's log")
    }

    /// A child did not succeed.
    pub fn of_child(exit: Exit, folder: &Path) -> StageError {
        match exit {
            // 2: the input or what was asked for is invalid, and will be so the next time.
            Exit::Failed(2, message) => said(ErrorClass::Permanent, "invalid", &message, folder),
            Exit::Failed(_, message) => {
                let has = |words: &[&str]| words.iter().any(|word| message.contains(word));
                let (class, code) = match () {
                    _ if has(&NOT_THERE) => (ErrorClass::Permanent, "not_there"),
                    _ if has(&SHORT) => (ErrorClass::Resource, "no_room"),
                    _ if has(&OTHERS) => (ErrorClass::External, "service"),
                    _ => (ErrorClass::Recoverable, "failed"),
                };
                said(class, code, &message, folder)
            }
            // What the system sends when memory is short.
            Exit::Killed(9) => {
                let cure = "give the machine more memory, or ask for smaller pictures";
                StageError::new(ErrorClass::Resource, "killed", "the system ended the work, most likely for want of memory", cure)
            }
            Exit::Killed(signal) => {
                let detail = format!("the work broke off (signal {signal})");
                StageError::new(ErrorClass::Recoverable, "crashed", detail, "look into the server's log")
            }
            Exit::Stopped | Exit::Done(_) => {
                StageError::new(ErrorClass::Recoverable, "failed", "the work ended without a result", "look into the server's log")
            }
        }
    }
}

/// A message of a child; the part after the semicolon says what to do.
fn said(class: ErrorClass, code: &'static str, message: &str, folder: &Path) -> StageError {
    let message = without_places(message, folder);
    let (detail, cure) = message.split_once("; ").unwrap_or((&message, ""));
    StageError::new(class, code, detail, cure)
}

/// Where this machine keeps its things is nobody's business.
pub(super) fn without_places(message: &str, folder: &Path) -> String {
    let home = std::env::var_os("HOME").map(Into::into);
    let places = [Some(folder.to_path_buf()), cache_folder::of_user(), data_folder().ok(), Some(std::env::temp_dir()), home];
    places.into_iter().flatten().filter(|place| place.components().count() > 1).fold(message.to_string(), |message, place| {
        let place = place.to_string_lossy();
        message.replace(&format!("{place}/"), "").replace(&*place, "its folder")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use plugins::models::{ModelError, find};
    use plugins::speech::voice::VoiceError;

    #[test]
    fn errors_have_classes_and_name_no_place() {
        let folder = Path::new("/data/work/1");
        let of = |exit| {
            let error = StageError::of_child(exit, folder);
            (error.class, error.detail, error.cure)
        };
        let invalid = of(Exit::Failed(2, "/data/work/1/input/talk.pptx: it is no deck; send a .pptx".into()));
        assert_eq!(invalid, (ErrorClass::Permanent, "input/talk.pptx: it is no deck".into(), "send a .pptx".into()));
        assert_eq!(of(Exit::Failed(1, "No space left on device".into())).0, ErrorClass::Resource);
        assert_eq!(of(Exit::Failed(1, "the server cannot be reached".into())).0, ErrorClass::External);
        assert_eq!(of(Exit::Failed(1, "node a: it broke".into())).0, ErrorClass::Recoverable);
        assert_eq!(of(Exit::Killed(9)).0, ErrorClass::Resource);
        assert_eq!(of(Exit::Killed(11)).0, ErrorClass::Recoverable);
    }

    #[test]
    fn a_voice_that_is_not_there_is_not_tried_again() {
        let path = data_folder().unwrap().join("voices/joe.onnx");
        let gone = || std::io::Error::from(std::io::ErrorKind::NotFound);
        let missing =
            ModelError::Missing { id: "voice:joe".into(), path: path.clone(), setup: "scripts/setup".into(), from: "Piper".into() };
        for error in [
            VoiceError::Model(find("voice:nobody").unwrap_err()),
            VoiceError::Model(missing),
            VoiceError::File { path: path.clone(), cause: gone() },
            VoiceError::Format { path, cause: "it has no phonemes".into() },
            VoiceError::NoPhonemizer(gone()),
            VoiceError::NoVoice { language: "ko".into() },
        ] {
            let said =
                StageError::of_child(Exit::Failed(1, format!("node \"voice\" (tts_chunker) failed in start: {error}")), Path::new("/w"));
            assert_eq!((said.class, said.code.as_ref()), (ErrorClass::Permanent, "not_there"), "{error}");
            assert!(!said.detail.contains(data_folder().unwrap().to_str().unwrap()), "{}", said.detail);
        }
        let broke = VoiceError::Inference { voice: "joe".into(), text: "Hello".into(), cause: "it broke".into() };
        assert_eq!(StageError::of_child(Exit::Failed(1, broke.to_string()), Path::new("/w")).class, ErrorClass::Recoverable);
    }
}
