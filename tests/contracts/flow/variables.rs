//! Variables: `${name}` in any string, keys too.

use regex::{Captures, Regex};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::LazyLock;

static NAME: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}").expect("a constant"));

/// Values by name.
#[derive(Clone, Debug, Default)]
pub struct Variables(BTreeMap<String, Value>);

impl Variables {
    /// Sets one.
    pub fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.0.insert(name.into(), value.into());
    }

    /// Whether there is one of this name.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Takes those of others, too; theirs count.
    pub fn extend(&mut self, others: &Variables) {
        self.0.extend(others.0.clone());
    }

    /// Puts them in.
    ///
    /// # Errors
    /// One is not set.
    pub fn fill(&self, template: &Value) -> Result<Value, String> {
        fill(template, &|name| self.0.get(name).cloned())
    }
}

/// Puts values in for variables. A string that is only a variable takes the value's type.
///
/// # Errors
/// One has no value.
pub fn fill(template: &Value, value_of: &dyn Fn(&str) -> Option<Value>) -> Result<Value, String> {
    let known = |name: &str| value_of(name).ok_or_else(|| format!("the variable ${{{name}}} is not set"));
    match template {
        Value::String(text) => match NAME.captures(text) {
            None => Ok(template.clone()),
            Some(found) if found[0].len() == text.len() => known(&found[1]),
            Some(_) => fill_text(text, &known).map(Value::String),
        },
        Value::Array(values) => values.iter().map(|value| fill(value, value_of)).collect(),
        Value::Object(map) => {
            let entry = |(key, value): (&String, &Value)| Ok((fill_text(key, &known)?, fill(value, value_of)?));
            map.iter().map(entry).collect::<Result<Map<_, _>, _>>().map(Value::Object)
        }
        other => Ok(other.clone()),
    }
}

fn fill_text(text: &str, known: &dyn Fn(&str) -> Result<Value, String>) -> Result<String, String> {
    let mut missing = None;
    let filled = NAME.replace_all(text, |found: &Captures| match known(&found[1]) {
        Ok(Value::String(text)) => text,
        Ok(other) => other.to_string(),
        Err(error) => {
            missing.get_or_insert(error);
            String::new()
        }
    });
    let filled = filled.into_owned();
    missing.map_or(Ok(filled), Err)
}
