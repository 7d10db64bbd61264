//! What can be wrong with a presenter's folder.

use std::path::PathBuf;

/// Why a rig could not be loaded. Every text names the file, and the path or key inside it where there is one.
#[derive(Debug, thiserror::Error)]
pub enum RigError {
    /// No presenter of that name is built in and no folder of that path exists.
    #[error("there is no presenter \"{name}\": built in are {known}; any other is given by the path of its folder")]
    Unknown {
        /// The name asked for.
        name: String,
        /// The built-in names, separated by commas.
        known: String,
    },
    /// A file could not be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// A drawing of a pose, or what was made of them, could not be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// A file is larger than any rig needs.
    #[error("{file} is larger than {limit} bytes: simplify the drawing")]
    TooLarge {
        /// The file.
        file: String,
        /// The largest size allowed, in bytes.
        limit: u64,
    },
    /// A file is not what its name says, or a value in it is out of range.
    #[error("{file}: {problem}")]
    Invalid {
        /// The file.
        file: String,
        /// What is wrong, where, and what to change.
        problem: String,
    },
}

impl RigError {
    /// `Invalid` for `file`.
    pub(super) fn invalid(file: &str, problem: impl Into<String>) -> RigError {
        RigError::Invalid { file: file.to_owned(), problem: problem.into() }
    }
}
