//! The JSON schema of graph files: the document's own, in which each node's `config` is narrowed by its `type`.

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::graph::document::document_schema;
use crate::registry::Registry;

/// Where the schema's definitions are.
const DEFINITIONS: &str = "$defs";

/// The JSON schema (draft 2020-12) of the graph files that a program with this registry reads.
///
/// Wherever a number, a choice or a text with a unit is wanted, a text with `${` is accepted too: variables are put in after an
/// editor has looked at the file.
pub fn schema(registry: &Registry) -> Value {
    let mut schema = document_schema().to_value();
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let configs: Vec<Value> = registry.types().iter().map(|node_type| (node_type.config.schema)(&mut generator).to_value()).collect();
    let added = generator.take_definitions(true);
    let root = schema.as_object_mut().expect("the document's schema is a map");
    let taken = root.entry(DEFINITIONS).or_insert_with(|| json!({})).as_object_mut().expect("definitions are a map");
    let is_taken = |name: &String| taken.get(name).is_some_and(|other| *other != added[name]);
    let renamed: Vec<String> = added.keys().filter(|name| is_taken(name)).cloned().collect();
    for (name, mut content) in added {
        rename(&mut content, &renamed);
        taken.insert(if renamed.contains(&name) { config_name(&name) } else { name }, content);
    }
    or_variable(&mut schema);

    let narrowed = registry.types().iter().zip(configs).map(|(node_type, mut config)| {
        rename(&mut config, &renamed);
        or_variable(&mut config);
        json!({
            "if": { "properties": { "type": { "const": node_type.name } } },
            "then": { "description": node_type.summary, "properties": { "config": config } },
        })
    });
    let narrowed: Vec<Value> = narrowed.collect();
    let node = &mut schema[DEFINITIONS]["Node"];
    node["properties"]["type"]["enum"] = registry.types().iter().map(|node_type| node_type.name).collect();
    node["allOf"] = narrowed.into();
    schema
}

/// What a configuration's definition is called whose name the document has taken for something else.
fn config_name(name: &str) -> String {
    format!("{name}Config")
}

/// Points references to the definitions called `renamed` to their new names.
fn rename(schema: &mut Value, renamed: &[String]) {
    match schema {
        Value::Object(map) => {
            for (key, value) in map {
                let name = value.as_str().filter(|_| key == "$ref").and_then(|path| path.rsplit('/').next()).map(str::to_string);
                match name.filter(|name| renamed.contains(name)) {
                    Some(name) => *value = format!("#/{DEFINITIONS}/{}", config_name(&name)).into(),
                    None => rename(value, renamed),
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|item| rename(item, renamed)),
        _ => {}
    }
}

/// Lets every leaf below that is picky about its text take a text with a variable in it, too.
fn or_variable(schema: &mut Value) {
    let Some(map) = schema.as_object_mut() else { return };
    for (key, value) in map.iter_mut() {
        match (key.as_str(), value) {
            ("properties" | DEFINITIONS, Value::Object(members)) => members.values_mut().for_each(or_variable),
            ("items" | "additionalProperties", value) => or_variable(value),
            ("anyOf" | "oneOf", Value::Array(choices)) => choices.iter_mut().filter(|choice| !is_picky(choice)).for_each(or_variable),
            _ => {}
        }
    }
    let variable = json!({ "type": "string", "pattern": r"\$\{" });
    // A choice of several: one more choice. `oneOf` would refuse what two of them take, and a variable may be either.
    if let Some(Value::Array(mut choices)) = map.remove("oneOf").or_else(|| map.remove("anyOf")) {
        if choices.iter().any(is_picky) {
            choices.push(variable);
        }
        map.insert("anyOf".into(), choices.into());
    } else if is_picky(&Value::Object(map.clone())) {
        let mut wide = Map::new();
        for key in ["title", "description", "default"] {
            wide.extend(map.remove(key).map(|value| (key.to_string(), value)));
        }
        wide.insert("anyOf".into(), json!([Value::Object(std::mem::take(map)), variable]));
        *map = wide;
    }
}

/// A leaf that does not take every text.
fn is_picky(schema: &Value) -> bool {
    let kinds: Vec<&str> = match &schema["type"] {
        Value::String(kind) => vec![kind],
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let restricted = ["enum", "const", "pattern"].iter().any(|key| schema.get(key).is_some());
    match kinds.as_slice() {
        [] => restricted,
        kinds if kinds.iter().any(|kind| matches!(*kind, "object" | "array")) => false,
        kinds => restricted || !kinds.contains(&"string") && kinds != ["null"],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nodes::ENGINE_NODES;

    #[test]
    fn every_reference_leads_somewhere() {
        fn references(schema: &Value, found: &mut Vec<String>) {
            match schema {
                Value::Object(map) => {
                    found.extend(map.get("$ref").and_then(Value::as_str).map(str::to_string));
                    map.values().for_each(|value| references(value, found));
                }
                Value::Array(list) => list.iter().for_each(|value| references(value, found)),
                _ => {}
            }
        }
        let schema = schema(&Registry::new(&[ENGINE_NODES]));
        let mut found = Vec::new();
        references(&schema, &mut found);
        assert!(found.len() > 10);
        for path in found {
            assert!(schema.pointer(&path[1..]).is_some(), "{path}");
        }
    }

    #[test]
    fn the_configuration_follows_the_type() {
        let schema = schema(&Registry::new(&[ENGINE_NODES]));
        let node = &schema["$defs"]["Node"];
        assert_eq!(node["allOf"].as_array().map(Vec::len), Some(ENGINE_NODES.len()));
        let tone =
            node["allOf"].as_array().and_then(|list| list.iter().find(|rule| rule["if"]["properties"]["type"]["const"] == "test_tone"));
        assert_eq!(tone.expect("there")["then"]["properties"]["config"], json!({ "$ref": "#/$defs/TestToneConfig" }));
        let frequency = &schema["$defs"]["TestToneConfig"]["properties"]["frequency"];
        assert_eq!(frequency["anyOf"][0]["type"], "integer");
        assert_eq!(frequency["anyOf"][1]["pattern"], r"\$\{");
        assert_eq!(schema["$defs"]["TestToneConfig"]["additionalProperties"], false);
    }

    #[test]
    fn a_name_that_the_document_has_taken_is_changed_with_its_references() {
        let mut schema = json!({ "items": { "$ref": "#/$defs/Queue" }, "other": { "$ref": "#/$defs/Kept" } });
        rename(&mut schema, &["Queue".to_string()]);
        assert_eq!(schema, json!({ "items": { "$ref": "#/$defs/QueueConfig" }, "other": { "$ref": "#/$defs/Kept" } }));
    }
}
