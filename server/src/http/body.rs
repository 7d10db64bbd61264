//! The bodies of requests: JSON, whatever their content type says.
//!
//! serde also takes a list for a struct, its items for the fields in their order. What is documented as an object is read as one here.

use super::problem::Problem;
use serde::de::{DeserializeOwned, Deserializer, Error};
use serde::{Deserialize, de};
use serde_json::{Map, Value};

/// Reads an object, and nothing after it.
///
/// # Errors
/// It is none, or not what `T` is; `send` says what is expected.
pub fn read<T: DeserializeOwned>(body: &[u8], send: &str) -> Result<T, Problem> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let read = object(&mut json).and_then(|read| json.end().map(|()| read));
    read.map_err(|error| unreadable(&error, send))
}

/// A body cannot be read for this reason; `send` says what is expected.
pub fn unreadable(error: &serde_json::Error, send: &str) -> Problem {
    Problem::bad(format!("the body cannot be read: {error}; send {send}"))
}

/// For a field or variant (`deserialize_with`) that is an object.
///
/// # Errors
/// Those of `deserializer`; it is no object, or not what `T` is.
pub fn object<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<T, D::Error> {
    of_map(Map::deserialize(deserializer)?)
}

/// The same for a list of objects.
///
/// # Errors
/// Those of [`object`].
pub fn objects<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Vec<T>, D::Error> {
    Vec::<Map<String, Value>>::deserialize(deserializer)?.into_iter().map(of_map).collect()
}

fn of_map<T: DeserializeOwned, E: de::Error>(map: Map<String, Value>) -> Result<T, E> {
    serde_json::from_value(Value::Object(map)).map_err(Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default)]
    struct Whole {
        name: String,
        #[serde(deserialize_with = "object")]
        part: Part,
        #[serde(deserialize_with = "objects")]
        parts: Vec<Part>,
    }

    #[derive(Debug, Default, PartialEq, Deserialize)]
    struct Part {
        #[serde(default)]
        count: u8,
    }

    #[test]
    fn objects_are_read_and_lists_are_not_taken_for_them() {
        let read = |body: &str| read::<Whole>(body.as_bytes(), "what is asked for").map_err(|problem| problem.detail().to_string());
        let due = Whole { name: "a".into(), part: Part { count: 1 }, parts: vec![Part { count: 2 }, Part::default()] };
        assert_eq!(read(r#" {"name": "a", "part": {"count": 1}, "parts": [{"count": 2}, {}]} "#).unwrap(), due);
        assert_eq!(read("{}").unwrap(), Whole::default());
        for body in
            ["[]", "[\"a\"]", r#"{"part": []}"#, r#"{"part": [1]}"#, r#"{"parts": [[]]}"#, r#"{"parts": {}}"#, "{} {}", "{", "", "7"]
        {
            let told = read(body).unwrap_err();
            assert!(told.starts_with("the body cannot be read: ") && told.ends_with("; send what is asked for"), "{body}: {told}");
        }
    }
}
