//! What can be wrong with a lesson, said so that the reader knows what to change.

use crate::part_file::FileError;
use crate::writer::WriterError;
use std::path::{Path, PathBuf};

/// Why a lesson could not be read, drawn or written. Every text names the file, the cause and the remedy.
#[derive(Debug, thiserror::Error)]
pub enum LessonError {
    /// The operating system refused to read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file of the lesson could not be written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The operating system refused to write.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The content is of no kind that an importer reads.
    #[error(
        "{} is {found}; a lesson comes from .pptx, .ppt, .odp, .pdf, .docx, .md, .txt, a film, a folder of pictures with script.md, lesson.yaml, a lesson's .json, or the address of a Google Slides presentation",
        path.display()
    )]
    Unsupported {
        /// The file or folder.
        path: PathBuf,
        /// What it looks like.
        found: String,
    },
    /// A limit is exceeded.
    #[error("{}: {what}; the limit is {limit}", path.display())]
    Limit {
        /// The file or folder.
        path: PathBuf,
        /// What is too large or too many, with its number.
        what: String,
        /// The limit, and where it helps, the way round it.
        limit: String,
    },
    /// The file breaks the rules of its own format.
    #[error("{} is damaged: {cause}; save or export it again", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where and how.
        cause: String,
    },
    /// The file asks for a password.
    #[error("{} is protected with a password; save a copy without one", path.display())]
    Encrypted {
        /// The file.
        path: PathBuf,
    },
    /// A film cannot be shown as a clip.
    #[error("{} cannot be shown as a clip: {cause}", path.display())]
    Clip {
        /// The file.
        path: PathBuf,
        /// Why, and what to change.
        cause: String,
    },
    /// There is nothing to show.
    #[error("{} {cause}", path.display())]
    Empty {
        /// The file or folder.
        path: PathBuf,
        /// What is missing; continues the sentence that starts with the path.
        cause: String,
    },
    /// One slide is wrong.
    #[error("{}, slide {slide}: {cause}", path.display())]
    Slide {
        /// The file the slide comes from.
        path: PathBuf,
        /// Its number there, from 1, hidden ones counted.
        slide: usize,
        /// What is wrong and what to change.
        cause: String,
    },
    /// A lesson file (`lesson.yaml`) or a script says something that cannot be.
    #[error("{}: {cause}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// Where in it, what is wrong and what to change.
        cause: String,
    },
    /// The choice of slides cannot be read, or names none.
    #[error("cannot choose the slides \"{choice}\": {cause}. Write numbers and ranges, such as 3-5,8")]
    Choice {
        /// As given.
        choice: String,
        /// What is wrong with it.
        cause: String,
    },
    /// The address is of nothing that is read.
    #[error("cannot read {address}: {cause}")]
    Address {
        /// As given.
        address: String,
        /// What to write instead.
        cause: String,
    },
    /// A service on the web refuses, fails or cannot be reached.
    #[error("cannot read {address}: {cause}")]
    Remote {
        /// Of the presentation.
        address: String,
        /// What happened and what to do.
        cause: String,
    },
    /// The script writer could not do its work.
    #[error("{}: {source}", path.display())]
    Writer {
        /// What was to be written about.
        path: PathBuf,
        /// Why.
        source: WriterError,
    },
    /// The user stopped the program while it read.
    #[error("stopped while reading the lesson")]
    Cancelled,
    /// LibreOffice is not there, failed or took too long.
    #[error("cannot convert {} with LibreOffice: {cause}", path.display())]
    Office {
        /// The deck.
        path: PathBuf,
        /// What happened and what to change.
        cause: String,
    },
}

impl LessonError {
    pub(super) fn read(path: &Path) -> impl FnOnce(std::io::Error) -> LessonError {
        move |source| LessonError::Read { path: path.into(), source }
    }

    pub(super) fn write(path: &Path) -> impl FnOnce(std::io::Error) -> LessonError {
        move |source| LessonError::Write { path: path.into(), source }
    }

    pub(super) fn writer(path: &Path) -> impl Fn(WriterError) -> LessonError {
        move |source| match source {
            WriterError::Cancelled => LessonError::Cancelled,
            source => LessonError::Writer { path: path.into(), source },
        }
    }

    pub(super) fn damaged(path: &Path, cause: impl ToString) -> LessonError {
        LessonError::Damaged { path: path.into(), cause: cause.to_string() }
    }

    /// The same damage or limit, with the slide it is about.
    pub(super) fn at_slide(self, slide: usize) -> LessonError {
        match self {
            LessonError::Damaged { path, cause } => LessonError::Slide { path, slide, cause: format!("{cause}; save the deck again") },
            LessonError::Limit { path, what, limit } => LessonError::Slide { path, slide, cause: format!("{what}; the limit is {limit}") },
            LessonError::Clip { path, cause } => {
                LessonError::Slide { path, slide, cause: format!("it cannot be shown as a clip: {cause}") }
            }
            other => other,
        }
    }

    /// What a node of a graph fails with: stopped by the user is no failure of the node.
    pub(crate) fn into_failure(self) -> engine::node::Failure {
        match self {
            LessonError::Cancelled => engine::node::Failure::Cancelled,
            error => error.into(),
        }
    }

    pub(super) fn invalid(path: &Path, cause: impl ToString) -> LessonError {
        LessonError::Invalid { path: path.into(), cause: cause.to_string() }
    }
}
