//! What nobody is to read.

use serde::{Deserialize, Serialize, Serializer};
use std::collections::BTreeMap;
use std::fmt;

/// A secret: printed and written as `***`.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// With this content.
    pub fn new(content: impl Into<String>) -> Secret {
        Secret(content.into())
    }

    /// What it is. Not for logs.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Fetches it from where it says that it is: `file:PATH` or `env:NAME`.
    ///
    /// # Errors
    /// It is not there.
    pub(super) fn resolve(&mut self, variables: &BTreeMap<String, String>) -> Result<(), String> {
        if let Some(path) = self.0.strip_prefix("file:") {
            let text = std::fs::read_to_string(path).map_err(|error| format!("cannot read the secret in {path}: {error}"))?;
            self.0 = text.trim_end_matches(['\r', '\n']).to_string();
        } else if let Some(name) = self.0.strip_prefix("env:") {
            self.0 = variables.get(name).ok_or_else(|| format!("the variable {name}, where the secret should be, is not set"))?.clone();
        }
        if self.0.is_empty() { Err("the secret is empty".into()) } else { Ok(()) }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("***")
    }
}
