//! The settings of a node type as a flat list, read out of the JSON schema of its configuration.

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

use crate::registry::NodeType;

/// Maps in maps are followed this deep; what lies below is shown as a map.
const DEEPEST: usize = 3;

/// One setting of a node type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Its key in `config:`; keys of maps in it are dotted (`place.anchor`).
    pub name: String,
    /// What may be written: `whole number`, `start | process | finish`.
    pub values: String,
    /// What holds when the key is left out, as it would be written; `None` when the schema names nothing.
    pub default: Option<String>,
    /// The key must be there.
    pub required: bool,
    /// What it means, in one paragraph.
    pub summary: String,
}

/// The settings of a node type in the schema's order.
pub fn settings(node_type: &NodeType) -> Vec<Setting> {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let root = (node_type.config.schema)(&mut generator).to_value();
    let definitions = generator.take_definitions(true);
    let mut found = Vec::new();
    gather(&root, &definitions, "", None, DEEPEST, &mut found);
    found
}

/// What a node type can be told while it runs, in the schema's order: each command as a setting, its values being what goes with it.
pub fn commands(node_type: &NodeType) -> Vec<Setting> {
    let Some(command) = node_type.command else { return Vec::new() };
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let root = (command.schema)(&mut generator).to_value();
    let definitions = generator.take_definitions(true);
    let mut found = Vec::new();
    for choice in choices(&root, &definitions) {
        let description = choice["description"].as_str().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
        let first = found.len();
        gather(choice, &definitions, "", None, DEEPEST, &mut found);
        if let Some(name) = choice["const"].as_str() {
            found.push(Setting { name: name.into(), values: String::new(), default: None, required: false, summary: String::new() });
        }
        if let Some(command) = found.get_mut(first).filter(|command| command.summary.is_empty()) {
            command.summary = description;
        }
    }
    found
}

type Definitions = Map<String, Value>;

/// Follows references. Chains are finite: definitions refer to others only through properties and choices.
fn resolved<'a>(schema: &'a Value, definitions: &'a Definitions) -> &'a Value {
    let target = schema.get("$ref").and_then(Value::as_str).and_then(|path| definitions.get(path.rsplit('/').next()?));
    target.unwrap_or(schema)
}

/// The choices of a schema without `null`; the schema itself where it is no choice.
fn choices<'a>(schema: &'a Value, definitions: &'a Definitions) -> Vec<&'a Value> {
    let schema = resolved(schema, definitions);
    let list = ["anyOf", "oneOf"].into_iter().find_map(|key| schema.get(key)).and_then(Value::as_array);
    match list {
        Some(list) => list.iter().filter(|choice| choice["type"] != "null").map(|choice| resolved(choice, definitions)).collect(),
        None => vec![schema],
    }
}

fn gather(schema: &Value, definitions: &Definitions, prefix: &str, defaults: Option<&Value>, depth: usize, found: &mut Vec<Setting>) {
    let Some(properties) = resolved(schema, definitions).get("properties").and_then(Value::as_object) else { return };
    let required = |name: &str| {
        let list = resolved(schema, definitions).get("required").and_then(Value::as_array);
        list.is_some_and(|list| list.iter().any(|entry| entry == name))
    };
    for (name, property) in properties {
        let default = property.get("default").or_else(|| defaults?.get(name)).filter(|default| !default.is_null());
        let choices = choices(property, definitions);
        let inner = choices.iter().find(|choice| choice.get("properties").is_some()).filter(|_| depth > 1);
        let full = format!("{prefix}{name}");
        let summary = property.get("description").or_else(|| resolved(property, definitions).get("description"));
        let summary = summary.and_then(Value::as_str).unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
        let default_text = default.filter(|default| !default.is_object() || inner.is_none()).map(plain);
        found.push(Setting {
            name: full.clone(),
            values: values(property, definitions),
            default: default_text,
            required: required(name),
            summary,
        });
        if let Some(inner) = inner {
            gather(inner, definitions, &format!("{full}."), default, depth - 1, found);
        }
    }
}

/// A value as it would be written in a graph file.
fn plain(value: &Value) -> String {
    value.as_str().filter(|text| !text.is_empty()).map_or_else(|| value.to_string(), str::to_string)
}

/// What may be written, in words.
fn values(schema: &Value, definitions: &Definitions) -> String {
    let mut words: Vec<String> = Vec::new();
    for choice in choices(schema, definitions) {
        let word = word(choice, definitions);
        if !words.contains(&word) {
            words.push(word);
        }
    }
    words.join(" | ")
}

fn word(schema: &Value, definitions: &Definitions) -> String {
    if let Some(constant) = schema.get("const") {
        return plain(constant);
    }
    if let Some(list) = schema.get("enum").and_then(Value::as_array) {
        return list.iter().filter(|entry| !entry.is_null()).map(plain).collect::<Vec<_>>().join(" | ");
    }
    if schema.get("anyOf").or_else(|| schema.get("oneOf")).is_some() {
        return values(schema, definitions);
    }
    let kinds: Vec<&str> = match &schema["type"] {
        Value::String(kind) => vec![kind],
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).filter(|kind| *kind != "null").collect(),
        _ => return "anything".to_string(),
    };
    // A setting with a unit tells itself best by examples.
    if let (["string"], Some(Value::Array(examples))) = (kinds.as_slice(), schema.get("examples")) {
        return format!("text such as {}", examples.iter().map(plain).collect::<Vec<_>>().join(", "));
    }
    let range = match (bound(schema, "minimum"), bound(schema, "maximum")) {
        (Some(least), Some(most)) => format!(" {least} to {most}"),
        (Some(least), None) if least != "0" => format!(" from {least}"),
        (None, Some(most)) => format!(" up to {most}"),
        _ => String::new(),
    };
    let names: Vec<String> = kinds
        .iter()
        .map(|kind| match *kind {
            "integer" => format!("whole number{range}"),
            "number" => format!("number{range}"),
            "string" => "text".to_string(),
            "boolean" => "true | false".to_string(),
            "array" => format!("list of {}", schema.get("items").map_or_else(|| "anything".into(), |items| values(items, definitions))),
            "object" => "map".to_string(),
            other => other.to_string(),
        })
        .collect();
    names.join(" | ")
}

/// A bound that somebody chose, not that of the Rust type.
fn bound(schema: &Value, key: &str) -> Option<String> {
    let value = schema.get(key)?.as_f64()?;
    (value.abs() < f64::from(u16::MAX)).then(|| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::unit::{DurationSetting, Percent};
    use crate::node::{Node, Result};
    use crate::registry::{ConfigType, Defaults, Lane, NodeConfig, Starts, Sync};
    use schemars::JsonSchema;
    use serde::{Deserialize, Serialize};

    #[derive(Serialize, Deserialize, JsonSchema)]
    struct Config {
        /// Where to.
        path: String,
        /// How long,
        /// with its unit.
        length: Option<DurationSetting>,
        #[serde(default)]
        place: Place,
        mode: Mode,
        #[serde(default)]
        names: Vec<String>,
        /// Zero is best.
        #[schemars(range(min = 0, max = 51))]
        quality: u8,
    }

    #[derive(Serialize, Deserialize, JsonSchema)]
    struct Place {
        /// Of the picture.
        height: Percent,
    }

    impl Default for Place {
        fn default() -> Place {
            Place { height: "40%".parse().expect("a percentage") }
        }
    }

    #[derive(Serialize, Deserialize, JsonSchema)]
    #[serde(rename_all = "snake_case")]
    enum Mode {
        /// Documented choices come as constants.
        Fast,
        /// Also this one.
        Slow,
    }

    impl NodeConfig for Config {
        fn build(self, _: &Defaults) -> Result<Box<dyn Node>> {
            unreachable!("never built")
        }
    }

    const NODE: NodeType = NodeType {
        name: "sample",
        family: "test",
        revision: 1,
        summary: "A sample",
        inputs: &[],
        outputs: &[],
        sync: Sync::Each,
        lane: Lane::Own,
        starts: Starts::Anywhere,
        time_limit: NodeType::TIME_LIMIT,
        command: None,
        config: ConfigType::of::<Config>("{}"),
    };

    #[test]
    fn a_configuration_reads_as_a_flat_list() {
        let lines: Vec<String> = settings(&NODE)
            .iter()
            .map(|s| {
                format!(
                    "{}: {} [{}] {}{}",
                    s.name,
                    s.values,
                    s.default.as_deref().unwrap_or("-"),
                    if s.required { "! " } else { "" },
                    s.summary
                )
            })
            .collect();
        let has = |text: &str| assert!(lines.iter().any(|line| line == text), "{text}\n{lines:#?}");
        has("path: text [-] ! Where to.");
        has("length: text such as 400ms, 1.5s, 5min [-] How long, with its unit.");
        has("place.height: text such as 40%, 12.5% [40%] ! Of the picture.");
        has("mode: fast | slow [-] ! ");
        has("names: list of text [[]] ");
        has("quality: whole number 0 to 51 [-] ! Zero is best.");
    }
}
