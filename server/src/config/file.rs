//! The file with the settings: TOML, or the JSON of the "Rapido" system.

use super::{ConfigError, Layers, Settings, names};
use serde_json::Value as Json;
use std::path::Path;
use toml::{Table, Value};

/// Reads it.
pub fn read(path: &Path, layers: &mut Layers) -> Result<(), ConfigError> {
    let text = std::fs::read_to_string(path).map_err(|error| ConfigError::Unreadable { path: path.into(), cause: error.to_string() })?;
    match path.extension().is_some_and(|ending| ending == "json") {
        true => json(path, &text, layers),
        false => toml(path, &text, layers),
    }
}

fn toml(path: &Path, text: &str, layers: &mut Layers) -> Result<(), ConfigError> {
    let wrong = |error: toml::de::Error| {
        let (line, column) = place(text, error.span().map_or(0, |span| span.start));
        ConfigError::File { path: path.into(), line, column, message: error.message().trim_end().replace('\n', "; ") }
    };
    toml::from_str::<Settings>(text).map_err(wrong)?;
    layers.table = text.parse::<Table>().map_err(wrong)?;
    for key in given(&layers.table, "") {
        layers.sources.insert(key, path.display().to_string());
    }
    Ok(())
}

/// Keys that a table has.
fn given(table: &Table, section: &str) -> Vec<String> {
    let full = |name: &str| if section.is_empty() { name.to_string() } else { format!("{section}.{name}") };
    let keys = table.iter().flat_map(|(name, value)| match value {
        Value::Table(inner) => given(inner, &full(name)),
        _ => vec![full(name)],
    });
    keys.collect()
}

/// Line and column, from 1, of a byte.
fn place(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line = before.rsplit('\n').next().unwrap_or_default();
    (before.matches('\n').count() + 1, line.chars().count() + 1)
}

/// What has no counterpart here is no fault of a file that was written for another program: it is noted.
fn json(path: &Path, text: &str, layers: &mut Layers) -> Result<(), ConfigError> {
    let read: Json = serde_json::from_str(text).map_err(|error| ConfigError::File {
        path: path.into(),
        line: error.line(),
        column: error.column(),
        message: error.to_string(),
    })?;
    let mut leaves = Vec::new();
    walk(&read, "", &mut leaves);
    for (name, value) in leaves {
        let source = format!("{}, {name}", path.display());
        match (names::JSON.iter().find(|(known, _)| *known == name), value) {
            (_, Json::Null) => {}
            (Some((_, key)), Json::String(text)) => layers.set_text(key, text, &source)?,
            (Some((_, key)), value) => layers.set_text(key, &value.to_string(), &source)?,
            (None, _) => layers.notes.push(format!("{source} has no counterpart here and is left out")),
        }
    }
    Ok(())
}

fn walk<'a>(value: &'a Json, path: &str, leaves: &mut Vec<(String, &'a Json)>) {
    match value {
        Json::Object(section) => {
            for (name, value) in section {
                walk(value, &if path.is_empty() { name.clone() } else { format!("{path}.{name}") }, leaves);
            }
        }
        value => leaves.push((path.into(), value)),
    }
}
