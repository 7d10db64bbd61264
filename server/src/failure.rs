//! Why a command did not succeed, and the exit code for it.

use crate::signals::{Signal, Signals};
use engine::graph::Problems;
use plugins::lesson::LessonError;
use plugins::speech::voice::VoiceError;

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A graph file is not valid.
    #[error("{problems}")]
    Graph {
        /// All that is wrong with it.
        problems: Problems,
        /// The file's text, for excerpts; `None` when it could not be read.
        text: Option<String>,
    },
    /// The arguments or a file that they name cannot be used.
    #[error("{0}")]
    Invalid(String),
    /// It was tried and did not work.
    #[error("{0}")]
    Failed(String),
    /// It did not work, and what was printed says so.
    #[error("exit code 1")]
    Told,
    /// A child that did the work ended with this exit code, and has said why.
    #[error("exit code {0}")]
    OfChild(u8),
    /// A live run was stopped and did not drain in time.
    #[error("{0}")]
    Laggards(String),
    /// The user stopped it.
    #[error("stopped by {0}: no file is left behind")]
    Aborted(Signal),
}

impl Failure {
    /// The program's exit code.
    pub fn code(&self) -> u8 {
        match self {
            Failure::Failed(_) | Failure::Told => 1,
            Failure::Graph { .. } | Failure::Invalid(_) => 2,
            Failure::Laggards(_) => 3,
            Failure::OfChild(code) => *code,
            Failure::Aborted(signal) => signal.exit_code(),
        }
    }
}

impl From<LessonError> for Failure {
    fn from(error: LessonError) -> Failure {
        match error {
            // The input may be fine here.
            LessonError::File(_) | LessonError::Write { .. } | LessonError::Office { .. } | LessonError::Remote { .. } => {
                Failure::Failed(error.to_string())
            }
            // Only a signal cancels.
            LessonError::Cancelled => Failure::Aborted(Signals::listen().aborted().unwrap_or(Signal::Interrupt)),
            error => Failure::Invalid(error.to_string()),
        }
    }
}

impl From<VoiceError> for Failure {
    fn from(error: VoiceError) -> Failure {
        match error {
            VoiceError::Phonemizer { .. } | VoiceError::Inference { .. } => Failure::Failed(error.to_string()),
            error => Failure::Invalid(error.to_string()),
        }
    }
}
