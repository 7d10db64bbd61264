//! What a model is given and asked to fill in: material in parts that it can answer whole, strict schemas, and the answers by their types.

use serde::Deserialize;
use serde_json::{Value, json};

/// Characters of material in one question.
pub(super) const PART_CHARS: usize = 12_000;
/// Items in one question.
const PART_ITEMS: usize = 20;

/// An answer for one item.
#[derive(Deserialize)]
pub(super) struct Item {
    pub index: usize,
    #[serde(default)]
    pub text: String,
    #[serde(default)]
    pub points: Vec<String>,
    #[serde(default)]
    pub captions: Vec<String>,
    #[serde(default)]
    pub weight: f64,
}

#[derive(Deserialize)]
pub(super) struct Items {
    pub items: Vec<Item>,
}

#[derive(Deserialize)]
pub(super) struct OutlineAnswer {
    #[serde(default)]
    pub title: String,
    pub slides: Vec<SlideAnswer>,
}

#[derive(Deserialize)]
pub(super) struct SlideAnswer {
    pub role: String,
    pub title: String,
    #[serde(default)]
    pub points: Vec<String>,
    #[serde(default)]
    pub passages: Vec<usize>,
}

/// Item numbers in groups that one question takes.
pub(super) fn parts(items: &[Value]) -> Vec<Vec<usize>> {
    let mut parts: Vec<Vec<usize>> = Vec::new();
    let mut size = 0;
    for (index, item) in items.iter().enumerate() {
        let length = item.to_string().len();
        match parts.last_mut() {
            Some(part) if part.len() < PART_ITEMS && size + length <= PART_CHARS => {
                part.push(index);
                size += length;
            }
            _ => {
                parts.push(vec![index]);
                size = length;
            }
        }
    }
    parts
}

pub(super) fn with_index(item: &Value, index: usize) -> Value {
    let mut item = item.clone();
    item["index"] = json!(index);
    item
}

/// Strict schemas name every field as required and allow no others.
pub(super) fn items_form(fields: &Value) -> Value {
    let mut properties = fields.clone();
    properties["index"] = json!({ "type": "integer" });
    let names: Vec<&String> = properties.as_object().map(|fields| fields.keys().collect()).unwrap_or_default();
    let item = json!({ "type": "object", "properties": properties, "required": names, "additionalProperties": false });
    json!({ "type": "object", "properties": { "items": { "type": "array", "items": item } }, "required": ["items"], "additionalProperties": false })
}

pub(super) fn outline_form() -> Value {
    let strings = json!({ "type": "array", "items": { "type": "string" } });
    let slide = json!({
        "type": "object",
        "properties": {
            "role": { "type": "string", "enum": ["title", "agenda", "chapter", "points", "closing"] },
            "title": { "type": "string" },
            "points": strings,
            "passages": { "type": "array", "items": { "type": "integer" } },
        },
        "required": ["role", "title", "points", "passages"],
        "additionalProperties": false,
    });
    json!({
        "type": "object",
        "properties": { "title": { "type": "string" }, "slides": { "type": "array", "items": slide } },
        "required": ["title", "slides"],
        "additionalProperties": false,
    })
}
