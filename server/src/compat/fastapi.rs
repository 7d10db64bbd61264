//! Requests read, and refused, as services made with FastAPI do it, whose clients look into the answer.
//!
//! Source: FastAPI's documentation of request validation and pydantic's of its errors: status 422 and
//! `{"detail": [{"type", "loc", "msg", "input"}]}`; everything else is `{"detail": "text"}`.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use plugins::lesson::is_id;
use serde_json::{Map, Value, json};

/// Names of rooms, lessons and people: they become parts of paths and addresses.
pub const NAME: &str = "^[A-Za-z0-9_-]{1,64}$";

/// Why a request is refused.
#[derive(Debug)]
pub enum Refusal {
    /// What was sent has these faults.
    Invalid(Vec<Value>),
    /// Something else.
    Because(StatusCode, String),
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, detail) = match self {
            Refusal::Invalid(faults) => (StatusCode::UNPROCESSABLE_ENTITY, Value::Array(faults)),
            Refusal::Because(status, text) => (status, Value::String(text)),
        };
        let mut response = (status, axum::Json(json!({ "detail": detail }))).into_response();
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

fn fault(kind: &str, place: &[&str], message: &str, input: &Value) -> Value {
    json!({ "type": kind, "loc": place, "msg": message, "input": input })
}

/// The body of a request, which has to be a JSON object.
///
/// # Errors
/// It is none.
pub fn object(body: &[u8]) -> Result<Map<String, Value>, Refusal> {
    let refused = |fault| Err(Refusal::Invalid(vec![fault]));
    if body.iter().all(u8::is_ascii_whitespace) {
        return refused(fault("missing", &["body"], "Field required", &Value::Null));
    }
    match serde_json::from_slice(body) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(other) => refused(fault("model_attributes_type", &["body"], "Input should be a valid dictionary", &other)),
        Err(error) => {
            let mut fault = fault("json_invalid", &["body"], "JSON decode error", &json!({}));
            fault["ctx"] = json!({ "error": error.to_string() });
            refused(fault)
        }
    }
}

/// The fields of a request, read one by one; all faults are told together.
pub struct Fields<'a> {
    place: &'static str,
    given: &'a Map<String, Value>,
    faults: Vec<Value>,
}

impl<'a> Fields<'a> {
    /// Of a `body` or a `query`.
    pub fn of(place: &'static str, given: &'a Map<String, Value>) -> Fields<'a> {
        Fields { place, given, faults: Vec::new() }
    }

    /// A text that has to be there.
    pub fn text(&mut self, name: &'static str) -> &'a str {
        let given = self.given;
        match given.get(name) {
            Some(Value::String(text)) => text,
            Some(other) => self.refuse("string_type", name, "Input should be a valid string", other),
            None => self.refuse("missing", name, "Field required", &Value::Object(given.clone())),
        }
    }

    /// A text in which something is said.
    pub fn words(&mut self, name: &'static str) -> &'a str {
        let given = self.given;
        match given.get(name) {
            Some(Value::String(text)) if text.trim().is_empty() => {
                self.refuse("string_too_short", name, "String should have at least 1 character", &given[name])
            }
            _ => self.text(name),
        }
    }

    /// A name: 1 to 64 letters, digits, `_` and `-`.
    pub fn name(&mut self, name: &'static str) -> &'a str {
        let given = self.given;
        match given.get(name) {
            Some(Value::String(text)) if !is_id(text) => {
                self.refuse("string_pattern_mismatch", name, &format!("String should match pattern '{NAME}'"), &given[name])
            }
            _ => self.text(name),
        }
    }

    /// All was as it has to be.
    ///
    /// # Errors
    /// What was not.
    pub fn check(self) -> Result<(), Refusal> {
        if self.faults.is_empty() { Ok(()) } else { Err(Refusal::Invalid(self.faults)) }
    }

    fn refuse(&mut self, kind: &str, name: &str, message: &str, input: &Value) -> &'a str {
        self.faults.push(fault(kind, &[self.place, name], message, input));
        ""
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_faults_are_told_with_their_places() {
        let body = object(br#"{"lessonId": "a b", "userId": 7, "text": " ", "ok": "yes"}"#).unwrap();
        let mut fields = Fields::of("body", &body);
        assert_eq!((fields.text("ok"), fields.name("ok")), ("yes", "yes"));
        fields.name("lessonId");
        fields.text("userId");
        fields.words("text");
        fields.text("sessionId");
        let Err(Refusal::Invalid(faults)) = fields.check() else { panic!("it is refused") };
        let kinds: Vec<_> = faults.iter().map(|fault| (fault["type"].as_str().unwrap(), fault["loc"][1].as_str().unwrap())).collect();
        let due =
            [("string_pattern_mismatch", "lessonId"), ("string_type", "userId"), ("string_too_short", "text"), ("missing", "sessionId")];
        assert_eq!(kinds, due);
    }

    #[test]
    fn a_body_is_an_object() {
        for (body, kind) in [("", "missing"), (" \n", "missing"), ("{oops", "json_invalid"), ("[1]", "model_attributes_type")] {
            let Err(Refusal::Invalid(faults)) = object(body.as_bytes()) else { panic!("{body:?} is refused") };
            assert_eq!((&faults[0]["type"], &faults[0]["loc"][0]), (&kind.into(), &"body".into()), "{body:?}");
        }
    }

    #[test]
    fn names_cannot_leave_their_folder() {
        let long = "a".repeat(65);
        for wrong in ["", "a b", "../a", "a/b", "ä", long.as_str()] {
            assert!(!is_id(wrong), "{wrong:?}");
        }
        assert!(is_id("Lesson_1-b") && is_id(&long[1..]));
    }
}
