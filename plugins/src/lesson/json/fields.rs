//! An object of a JSON file, read leniently: a field that is missing, empty or of another type is as if it were not there.

use serde_json::{Map, Value};
use std::cell::RefCell;
use std::collections::BTreeSet;

/// The fields of an object, and which of them were asked for.
pub(super) struct Fields<'a> {
    map: &'a Map<String, Value>,
    asked: RefCell<BTreeSet<&'static str>>,
}

impl<'a> Fields<'a> {
    /// `None` when it is no object.
    pub fn of(value: &'a Value) -> Option<Fields<'a>> {
        value.as_object().map(|map| Fields { map, asked: RefCell::default() })
    }

    /// The first of these names that is there and not null.
    pub fn get(&self, names: &[&'static str]) -> Option<&'a Value> {
        self.asked.borrow_mut().extend(names);
        names.iter().find_map(|name| self.map.get(*name).filter(|value| !value.is_null()))
    }

    /// A text with something in it.
    pub fn text(&self, names: &[&'static str]) -> Option<&'a str> {
        self.asked.borrow_mut().extend(names);
        names.iter().find_map(|name| self.map.get(*name)?.as_str().filter(|text| !text.trim().is_empty()))
    }

    /// A text, or a number as a text.
    pub fn name(&self, names: &[&'static str]) -> Option<String> {
        self.asked.borrow_mut().extend(names);
        names.iter().find_map(|name| match self.map.get(*name)? {
            Value::String(text) => Some(text.trim().to_string()).filter(|text| !text.is_empty()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        })
    }

    /// A number, or a text that begins with one, such as `12px`.
    pub fn number(&self, names: &[&'static str]) -> Option<f64> {
        self.asked.borrow_mut().extend(names);
        names.iter().find_map(|name| number(self.map.get(*name)?))
    }

    /// `true`, `false`, or what JavaScript takes for either.
    pub fn flag(&self, names: &[&'static str]) -> Option<bool> {
        match self.get(names)? {
            Value::Bool(flag) => Some(*flag),
            Value::Number(number) => number.as_f64().map(|number| number != 0.0),
            Value::String(text) => Some(!matches!(text.trim(), "" | "false" | "0" | "none" | "hidden")),
            _ => None,
        }
    }

    /// An object.
    pub fn fields(&self, names: &[&'static str]) -> Option<Fields<'a>> {
        self.asked.borrow_mut().extend(names);
        names.iter().find_map(|name| Fields::of(self.map.get(*name)?))
    }

    /// Adds what nobody asked for.
    pub fn note_rest(&self, unknown: &mut BTreeSet<String>) {
        let asked = self.asked.borrow();
        unknown.extend(self.map.keys().filter(|key| !asked.contains(key.as_str())).cloned());
    }
}

/// A finite number, or a text that begins with one.
pub(super) fn number(value: &Value) -> Option<f64> {
    let number = match value {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => {
            let text = text.trim();
            let end = text.find(|c: char| !matches!(c, '0'..='9' | '.' | '-' | '+')).unwrap_or(text.len());
            text[..end].parse().ok()?
        }
        _ => return None,
    };
    number.is_finite().then_some(number)
}
