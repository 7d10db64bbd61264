//! What can be wrong with settings.

use std::path::PathBuf;

/// Why settings cannot be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the settings in {}: {cause}; name another file with --config", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// The system's reason.
        cause: String,
    },
    /// Something in the file is wrong.
    #[error("{}:{line}:{column}: {message}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// From 1, in characters.
        column: usize,
        /// What.
        message: String,
    },
    /// A value cannot be.
    #[error("{place}: {cause}")]
    Value {
        /// The key, variable or option that gave it.
        place: String,
        /// What is wrong with it, and what to write.
        cause: String,
    },
}

impl ConfigError {
    /// For a key.
    pub(super) fn of(key: &str, cause: impl Into<String>) -> ConfigError {
        ConfigError::Value { place: key.into(), cause: cause.into() }
    }
}

impl From<ConfigError> for crate::failure::Failure {
    fn from(error: ConfigError) -> Self {
        crate::failure::Failure::Invalid(error.to_string())
    }
}
