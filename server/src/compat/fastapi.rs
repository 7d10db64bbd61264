//! Requests read, and refused, as services made with FastAPI do it, whose clients look into the answer.
//!
//! Source: FastAPI's documentation of request validation and pydantic's of its errors: status 422 and
//! `{"detail": [{"type", "loc", "msg", "input"}]}`; everything else is `{"detail": "text"}`.

use crate::artifacts::StoreError;
use crate::auth::TokenError;
use crate::jobs::JobsError;
use crate::ledger::LedgerError;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use plugins::lesson::is_id;
use serde_json::{Map, Value, json};
use std::ops::RangeInclusive;

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

impl From<TokenError> for Refusal {
    fn from(error: TokenError) -> Refusal {
        let status = if matches!(error, TokenError::Forbidden(_)) { StatusCode::FORBIDDEN } else { StatusCode::UNAUTHORIZED };
        Refusal::Because(status, error.to_string())
    }
}

impl From<JobsError> for Refusal {
    fn from(error: JobsError) -> Refusal {
        let status = match &error {
            JobsError::Unknown(_) => StatusCode::NOT_FOUND,
            JobsError::State(..) => StatusCode::CONFLICT,
            JobsError::NoStage(_) | JobsError::Invalid(_) => StatusCode::BAD_REQUEST,
            JobsError::Closing | JobsError::Ledger(LedgerError::Closed) => {
                return Refusal::Because(StatusCode::SERVICE_UNAVAILABLE, JobsError::Closing.to_string());
            }
            JobsError::Ledger(_) | JobsError::Files(_) => return Refusal::failed(&error),
        };
        Refusal::Because(status, error.to_string())
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Refusal {
        match error {
            StoreError::Missing { .. } => Refusal::Because(StatusCode::NOT_FOUND, "there is no such file".into()),
            StoreError::Expired { .. } => Refusal::Because(StatusCode::GONE, "the file was kept as long as this server keeps files".into()),
            StoreError::NoRoom { .. } => {
                tracing::error!(%error, "nothing more is taken");
                let detail = "there is no room on the server's disk; remove something there";
                Refusal::Because(StatusCode::INSUFFICIENT_STORAGE, detail.into())
            }
            error => Refusal::failed(&error),
        }
    }
}

impl Refusal {
    /// One value that cannot be: where it was, why, and what it was.
    pub fn invalid(kind: &str, place: [&str; 2], message: &str, input: &Value) -> Refusal {
        Refusal::Invalid(vec![fault(kind, &place, message, input)])
    }

    /// The server itself is at fault. What the system says may name places of this machine, and is for the log only.
    pub fn failed(error: &dyn std::fmt::Display) -> Refusal {
        tracing::error!(%error, "a request has failed");
        let detail = "the server cannot read or write what it keeps; look into its log";
        Refusal::Because(StatusCode::INTERNAL_SERVER_ERROR, detail.into())
    }
}

/// What is wrong with a value: where it was, why, and what it was.
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

    /// A switch in the words that pydantic knows; left out, it stands as it usually does.
    pub fn switch(&mut self, name: &'static str, usual: bool) -> bool {
        let given = self.given;
        let Some(value) = given.get(name) else { return usual };
        let word = value.as_str().map_or_else(|| value.to_string(), str::to_ascii_lowercase);
        match word.as_str() {
            "true" | "1" | "on" | "t" | "y" | "yes" => true,
            "false" | "0" | "off" | "f" | "n" | "no" => false,
            _ => {
                self.refuse("bool_parsing", name, "Input should be a valid boolean, unable to interpret input", value);
                usual
            }
        }
    }

    /// A number, as itself or in a form's text; left out, it is the usual one.
    pub fn number(&mut self, name: &'static str, usual: f64, bounds: RangeInclusive<f64>) -> f64 {
        let given = self.given;
        let Some(value) = given.get(name) else { return usual };
        let number = value.as_f64().or_else(|| value.as_str()?.trim().parse().ok()).filter(|number| number.is_finite());
        let (kind, text) = match number {
            None => ("float_parsing", "Input should be a valid number, unable to parse string as a number".into()),
            Some(number) if number < *bounds.start() => {
                ("greater_than_equal", format!("Input should be greater than or equal to {}", bounds.start()))
            }
            Some(number) if number > *bounds.end() => {
                ("less_than_equal", format!("Input should be less than or equal to {}", bounds.end()))
            }
            Some(number) => return number,
        };
        self.refuse(kind, name, &text, value);
        usual
    }

    /// A whole number that may be left out, as itself or in a form's text.
    pub fn whole(&mut self, name: &'static str) -> Option<i64> {
        let given = self.given;
        let value = given.get(name).filter(|value| !value.is_null() && value.as_str() != Some(""))?;
        let number = value.as_i64().or_else(|| value.as_str()?.trim().parse().ok());
        if number.is_none() {
            self.refuse("int_parsing", name, "Input should be a valid integer, unable to parse string as an integer", value);
        }
        number
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

    /// A text that may be left out.
    pub fn optional(&mut self, name: &'static str) -> Option<&'a str> {
        match self.given.get(name) {
            None | Some(Value::Null) => None,
            Some(_) => Some(self.text(name)),
        }
    }

    /// The same; one in which nothing is said is none. What is no text is refused and given as an empty one.
    pub fn maybe(&mut self, name: &'static str) -> Option<&'a str> {
        let is_blank = |value: &Value| value.as_str().is_some_and(|text| text.trim().is_empty());
        if self.given.get(name).is_some_and(is_blank) { None } else { self.optional(name) }
    }

    /// One of a few words, which may be left out.
    pub fn one_of(&mut self, name: &'static str, words: &[&str]) -> Option<&'a str> {
        let said = self.maybe(name)?;
        if !words.contains(&said) && self.given[name].is_string() {
            let words: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
            let expected = words.split_last().map(|(last, some)| [&some.join(", "), last.as_str()].join(" or ")).unwrap_or_default();
            self.refuse("literal_error", name, &format!("Input should be {expected}"), &self.given[name]);
        }
        Some(said)
    }

    /// A file that has to be there.
    pub fn file(&mut self, name: &'static str, is_there: bool) {
        if !is_there {
            self.refuse("missing", name, "Field required", &Value::Null);
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
    fn what_may_be_left_out_is_looked_at_when_it_is_there() {
        let body = object(br#"{"a": " ", "b": null, "quality": "fast", "other": "best", "number": 7}"#).unwrap();
        let mut fields = Fields::of("body", &body);
        assert_eq!((fields.maybe("a"), fields.maybe("b"), fields.maybe("c")), (None, None, None));
        let words = ["fast", "standard", "high"];
        assert_eq!((fields.one_of("quality", &words), fields.one_of("c", &words)), (Some("fast"), None));
        fields.file("film", true);
        fields.one_of("other", &words);
        fields.one_of("number", &words);
        fields.file("picture", false);
        let Err(Refusal::Invalid(faults)) = fields.check() else { panic!("it is refused") };
        let told: Vec<_> = faults.iter().map(|fault| (fault["type"].as_str().unwrap(), fault["loc"][1].as_str().unwrap())).collect();
        assert_eq!(told, [("literal_error", "other"), ("string_type", "number"), ("missing", "picture")]);
        assert_eq!(faults[0]["msg"], "Input should be 'fast', 'standard' or 'high'");
    }

    #[test]
    fn a_body_is_an_object() {
        for (body, kind) in [("", "missing"), (" \n", "missing"), ("{oops", "json_invalid"), ("[1]", "model_attributes_type")] {
            let Err(Refusal::Invalid(faults)) = object(body.as_bytes()) else { panic!("{body:?} is refused") };
            assert_eq!((&faults[0]["type"], &faults[0]["loc"][0]), (&kind.into(), &"body".into()), "{body:?}");
        }
    }

    #[test]
    fn switches_and_numbers_are_read_as_pydantic_does() {
        let body =
            object(br#"{"a": "Yes", "b": 0, "c": "perhaps", "d": "0.25", "e": "high", "f": 1.5, "g": "7", "h": "", "i": "x"}"#).unwrap();
        let mut fields = Fields::of("body", &body);
        assert_eq!((fields.switch("a", false), fields.switch("b", true), fields.switch("none", true)), (true, false, true));
        fields.switch("c", true);
        assert_eq!((fields.number("d", 0.5, 0.0..=1.0), fields.number("none", 0.5, 0.0..=1.0)), (0.25, 0.5));
        fields.number("e", 0.5, 0.0..=1.0);
        fields.number("f", 0.5, 0.0..=1.0);
        assert_eq!((fields.whole("g"), fields.whole("h"), fields.whole("none")), (Some(7), None, None));
        fields.whole("i");
        let Err(Refusal::Invalid(faults)) = fields.check() else { panic!("it is refused") };
        let kinds: Vec<_> = faults.iter().map(|fault| (fault["type"].as_str().unwrap(), fault["loc"][1].as_str().unwrap())).collect();
        assert_eq!(kinds, [("bool_parsing", "c"), ("float_parsing", "e"), ("less_than_equal", "f"), ("int_parsing", "i")]);
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
