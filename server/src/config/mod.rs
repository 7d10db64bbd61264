//! The settings of a server: one file, then the environment, then the command line, each stronger than the one before.
//!
//! The file is TOML; a key that is not known is an error with its line. Any key may be given by the environment, too: `listen` as
//! `LECTERN_LISTEN`, `limits.upload` as `LECTERN_LIMITS_UPLOAD`, lists with commas; secrets also as a file, as in
//! `LECTERN_AUTH_SECRET_FILE`. Names that other systems use are understood (`names.rs`), and so are their JSON files. A secret may say
//! where it is to be found: `"file:/run/secrets/jwt"`, `"env:JWT_SECRET"`.
//!
//! ```text
//! let Loaded { settings, sources, notes } = options.config.load()?;      // options.config: config::Flags, of a command
//! let artifacts = Artifacts::open(&settings.place()?, Options { retention: settings.retention.tiers(), floor: settings.store.floor.0, .. })?;
//! let limits = Arc::new(Limits::new(&settings.limits, settings.http.proxies.clone(), settings.http.blocked.clone(), &Ticks::default()));
//! ```

mod derived;
mod error;
mod file;
mod flags;
mod names;
mod secret;
mod settings;
#[cfg(test)]
mod tests;

pub use error::ConfigError;
pub use flags::Flags;
pub use names::variable;
pub use secret::Secret;
pub use settings::{Adapter, AdapterAuth, Adapters, GuardSettings, RetentionSettings, Settings, Store};

use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;
use toml::{Table, Value};

/// A key, what the command line gives it, and the option that does.
pub type Given = (&'static str, String, &'static str);

/// Settings, and where they are from.
#[derive(Debug)]
pub struct Loaded {
    /// What holds.
    pub settings: Settings,
    /// Where each key was given, for those that were: `limits.upload` -> `LECTERN_LIMITS_UPLOAD`.
    pub sources: BTreeMap<String, String>,
    /// What was given and means nothing here; not wrong, but perhaps not meant.
    pub notes: Vec<String>,
}

/// Reads the settings from a file, if there is one, the variables of the environment, and what the command line gives: key, value, option.
///
/// # Errors
/// All that is wrong with the first of them that has anything wrong: unknown keys, values that cannot be, secrets that cannot be read.
pub fn load(file: Option<&Path>, variables: &BTreeMap<String, String>, flags: &[Given]) -> Result<Loaded, ConfigError> {
    let mut layers = Layers::default();
    if let Some(path) = file {
        file::read(path, &mut layers)?;
    }
    names::apply(variables, &mut layers)?;
    for (key, value, option) in flags {
        layers.set_text(key, value, option)?;
    }
    let mut settings = Settings::deserialize(layers.table).map_err(|error| ConfigError::Value {
        place: file.map_or_else(|| "the settings".into(), |path| path.display().to_string()),
        cause: error.message().to_string(),
    })?;
    for (key, secret) in settings.secrets() {
        if let Some(given) = secret {
            given.resolve(variables).map_err(|cause| ConfigError::Value { place: key.to_string(), cause })?;
        }
    }
    settings.harden(|key| layers.sources.contains_key(key));
    settings.check()?;
    Ok(Loaded { settings, sources: layers.sources, notes: layers.notes })
}

/// What has been given so far.
#[derive(Default)]
struct Layers {
    table: Table,
    sources: BTreeMap<String, String>,
    notes: Vec<String>,
}

impl Layers {
    /// Gives a key a value that came as a text. It is taken for the first thing that fits there: a text, a number, yes or no, a list.
    fn set_text(&mut self, key: &str, text: &str, source: &str) -> Result<(), ConfigError> {
        let list = || text.split(',').map(str::trim).filter(|word| !word.is_empty()).map(|word| Value::String(word.into())).collect();
        let candidates = [
            Some(Value::String(text.into())),
            text.parse().ok().map(Value::Integer),
            text.parse().ok().map(Value::Float),
            yes_or_no(text).map(Value::Boolean),
            Some(Value::Array(list())),
        ];
        let mut first = None;
        for value in candidates.into_iter().flatten() {
            match self.set(key, value, source) {
                Ok(()) => return Ok(()),
                Err(error) => first = first.or(Some(error)),
            }
        }
        Err(first.expect("a text is always tried"))
    }

    /// Gives a key a value, if it fits there.
    fn set(&mut self, key: &str, value: Value, source: &str) -> Result<(), ConfigError> {
        let mut changed = self.table.clone();
        let (sections, name) = key.rsplit_once('.').unwrap_or(("", key));
        let mut place = &mut changed;
        for section in sections.split('.').filter(|section| !section.is_empty()) {
            let inner = place.entry(section).or_insert_with(|| Value::Table(Table::new()));
            // What is no section there does not fit the settings, and has been refused.
            let Value::Table(inner) = inner else { unreachable!("{section} is a section") };
            place = inner;
        }
        place.insert(name.into(), value);
        Settings::deserialize(changed.clone())
            .map_err(|error| ConfigError::Value { place: source.into(), cause: error.message().to_string() })?;
        self.table = changed;
        self.sources.insert(key.into(), source.into());
        Ok(())
    }
}

fn yes_or_no(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Some(true),
        "false" | "no" | "off" | "0" => Some(false),
        _ => None,
    }
}

/// All keys that can be given, with a dot between section and name.
fn keys() -> Vec<String> {
    fn walk(value: &serde_json::Value, path: &str, keys: &mut Vec<String>) {
        match value {
            serde_json::Value::Object(section) => {
                for (name, value) in section {
                    let key = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                    walk(value, &key, keys);
                }
            }
            _ => keys.push(path.into()),
        }
    }
    let mut keys = Vec::new();
    walk(&serde_json::to_value(Settings::default()).expect("settings are plain data"), "", &mut keys);
    keys
}
