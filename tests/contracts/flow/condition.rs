//! When something holds of an answer or a message.

use super::step::span;
use crate::contracts::shape::Pattern;
use serde::Deserialize;
use serde_json::Value;
use std::time::Duration;

/// Sending again until something holds.
#[derive(Debug, Deserialize)]
#[serde(try_from = "WrittenRepeat")]
pub struct Repeat {
    condition: Option<Condition>,
    status: Option<u16>,
    pub timeout: Duration,
    pub every: Duration,
    /// So many times at most.
    pub max: Option<u32>,
}

/// Something about a place in JSON.
#[derive(Debug, Deserialize)]
#[serde(try_from = "WrittenCondition")]
pub struct Condition {
    pub pointer: String,
    test: Test,
}

#[derive(Debug)]
enum Test {
    OneOf(Vec<Value>),
    Match(Pattern),
}

impl Repeat {
    /// Whether this answer is the last.
    pub fn ends(&self, status: u16, json: Option<&Value>) -> bool {
        self.status == Some(status) || self.condition.as_ref().is_some_and(|condition| condition.holds(json))
    }
}

impl Condition {
    fn new(pointer: String, equals: Option<Value>, one_of: Option<Vec<Value>>, found: Option<Pattern>) -> Result<Condition, String> {
        let test = match (equals, one_of, found) {
            (Some(value), None, None) => Test::OneOf(vec![value]),
            (None, Some(values), None) => Test::OneOf(values),
            (None, None, Some(pattern)) => Test::Match(pattern),
            _ => return Err(format!("of {pointer} exactly one of equals, in and match is said")),
        };
        Ok(Condition { pointer, test })
    }

    /// Whether it holds.
    pub fn holds(&self, json: Option<&Value>) -> bool {
        let value = json.and_then(|json| json.pointer(&self.pointer));
        value.is_some_and(|value| match &self.test {
            Test::OneOf(values) => values.contains(value),
            Test::Match(pattern) => value.as_str().is_some_and(|text| pattern.is_in(text)),
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenRepeat {
    pointer: Option<String>,
    equals: Option<Value>,
    r#in: Option<Vec<Value>>,
    r#match: Option<Pattern>,
    status: Option<u16>,
    timeout: f64,
    every: Option<f64>,
    max: Option<u32>,
}

impl TryFrom<WrittenRepeat> for Repeat {
    type Error = String;

    fn try_from(written: WrittenRepeat) -> Result<Repeat, String> {
        let WrittenRepeat { pointer, equals, r#in, r#match, status, timeout, every, max } = written;
        let condition = match pointer {
            Some(pointer) => Some(Condition::new(pointer, equals, r#in, r#match)?),
            None if status.is_some() && equals.is_none() && r#in.is_none() && r#match.is_none() => None,
            None => return Err("repeat_until says neither pointer nor status".into()),
        };
        Ok(Repeat { condition, status, timeout: span(timeout)?, every: span(every.unwrap_or(1.0))?, max })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenCondition {
    pointer: String,
    equals: Option<Value>,
    r#in: Option<Vec<Value>>,
}

impl TryFrom<WrittenCondition> for Condition {
    type Error = String;

    fn try_from(written: WrittenCondition) -> Result<Condition, String> {
        Condition::new(written.pointer, written.equals, written.r#in, None)
    }
}
