//! Queries, read as services made with FastAPI do it.

use super::refused::Refused;
use serde_json::{Map, Value};
use std::ops::RangeInclusive;

/// A whole number within bounds; without one the usual one.
///
/// # Errors
/// It is none, or out of bounds.
pub fn number(asking: &Map<String, Value>, name: &'static str, usual: u32, bounds: RangeInclusive<u32>) -> Result<u32, Refused> {
    let Some(given) = asking.get(name) else { return Ok(usual) };
    let number = given.as_str().and_then(|text| text.trim().parse::<i64>().ok());
    let (kind, message) = match number {
        Some(number) if number < i64::from(*bounds.start()) => {
            ("greater_than_equal", format!("Input should be greater than or equal to {}", bounds.start()))
        }
        Some(number) => match u32::try_from(number) {
            Ok(number) if bounds.contains(&number) => return Ok(number),
            _ => ("less_than_equal", format!("Input should be less than or equal to {}", bounds.end())),
        },
        None => ("int_parsing", "Input should be a valid integer, unable to parse string as an integer".into()),
    };
    Err(Refused::invalid(kind, ["query", name], message, given))
}

/// One of a few words, if there is one.
///
/// # Errors
/// It is another one.
pub fn one_of<'a>(asking: &'a Map<String, Value>, name: &'static str, words: &[&str]) -> Result<Option<&'a str>, Refused> {
    match asking.get(name).map(|given| (given, given.as_str().unwrap_or_default())) {
        None | Some((_, "")) => Ok(None),
        Some((_, word)) if words.contains(&word) => Ok(Some(word)),
        Some((given, _)) => {
            Err(Refused::invalid("literal_error", ["query", name], format!("Input should be one of {}", words.join(", ")), given))
        }
    }
}

/// A text in which something is said.
///
/// # Errors
/// There is none.
pub fn text<'a>(asking: &'a Map<String, Value>, name: &'static str) -> Result<&'a str, Refused> {
    match asking.get(name).map(|given| (given, given.as_str().unwrap_or_default().trim())) {
        None => Err(Refused::invalid("missing", ["query", name], "Field required", &Value::Null)),
        Some((given, "")) => Err(Refused::invalid("string_too_short", ["query", name], "String should have at least 1 character", given)),
        Some((_, text)) => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compat::fastapi::Refusal;
    use serde_json::json;

    fn kind<T: std::fmt::Debug>(refused: Result<T, Refused>) -> String {
        match refused.unwrap_err() {
            Refused::Plainly(Refusal::Invalid(faults)) => faults[0]["type"].as_str().unwrap().to_string(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn values_are_within_their_bounds() {
        let asking = json!({ "limit": "7", "zero": "0", "much": "1001", "below": "-1", "word": "x", "view": "full", "q": " " });
        let asking = asking.as_object().unwrap();
        let read = |name| number(asking, name, 50, 1..=1000);
        assert_eq!((read("limit").unwrap(), read("none").unwrap()), (7, 50));
        assert_eq!((kind(read("zero")), kind(read("much"))), ("greater_than_equal".into(), "less_than_equal".into()));
        assert_eq!((kind(read("below")), kind(read("word"))), ("greater_than_equal".into(), "int_parsing".into()));
        assert_eq!(one_of(asking, "none", &["compact"]).unwrap(), None);
        assert_eq!(kind(one_of(asking, "view", &["compact"])), "literal_error");
        assert_eq!(text(asking, "word").unwrap(), "x");
        assert_eq!((kind(text(asking, "q")), kind(text(asking, "none"))), ("string_too_short".into(), "missing".into()));
    }
}
