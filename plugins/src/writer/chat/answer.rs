//! What a model answers, read leniently: models put JSON into code fences, talk around it, refuse, and stop in the middle.

use serde::Deserialize;
use serde::de::DeserializeOwned;

/// Why an answer is of no use.
#[derive(Debug, PartialEq)]
pub(super) enum Unusable {
    /// The model refused, in its words.
    Refused(String),
    /// It was cut off before its end: ask for less.
    Truncated,
    /// It is not what was asked for.
    Malformed(String),
}

/// The tokens that the service counted.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
pub(super) struct Usage {
    #[serde(rename = "prompt_tokens")]
    pub input: u64,
    #[serde(rename = "completion_tokens")]
    pub output: u64,
}

/// A chat completion (OpenAI API reference, "Create chat completion"), as far as it matters.
#[derive(Deserialize)]
struct Completion {
    #[serde(default)]
    choices: Vec<Choice>,
    usage: Option<Usage>,
}

#[derive(Deserialize)]
struct Choice {
    message: Message,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Message {
    content: Option<Text>,
    refusal: Option<String>,
}

/// A plain text, or parts of which those of type `text` have some.
#[derive(Deserialize)]
#[serde(untagged)]
enum Text {
    Plain(String),
    Parts(Vec<TextPart>),
}

#[derive(Deserialize)]
struct TextPart {
    text: Option<String>,
}

/// The text of a completion, and what it cost.
pub(super) fn text(body: &[u8]) -> Result<(String, Option<Usage>), Unusable> {
    let malformed = |cause: String| Unusable::Malformed(cause);
    let completion: Completion = serde_json::from_slice(body).map_err(|error| malformed(format!("it is no chat completion ({error})")))?;
    let usage = completion.usage;
    let choice = completion.choices.into_iter().next().ok_or_else(|| malformed("it holds no choice".into()))?;
    if let Some(refusal) = choice.message.refusal.filter(|refusal| !refusal.trim().is_empty()) {
        return Err(Unusable::Refused(super::super::clip(&refusal, 300)));
    }
    match choice.finish_reason.as_deref() {
        Some("length") => return Err(Unusable::Truncated),
        Some("content_filter") => return Err(Unusable::Refused("the service's content filter stopped the answer".into())),
        _ => {}
    }
    let text = match choice.message.content {
        Some(Text::Plain(text)) => text,
        Some(Text::Parts(parts)) => parts.into_iter().filter_map(|part| part.text).collect(),
        None => String::new(),
    };
    if text.trim().is_empty() { Err(malformed("it is empty".into())) } else { Ok((text, usage)) }
}

/// The JSON value in a text: all of it, what stands in a code fence, or what lies between the first and the last brace.
pub(super) fn json<T: DeserializeOwned>(text: &str) -> Result<T, Unusable> {
    let fenced = text.split_once("```").and_then(|(_, rest)| rest.split_once("```")).map(|(inside, _)| inside.trim_start_matches("json"));
    let braced = text.find('{').zip(text.rfind('}')).filter(|(start, end)| start < end).map(|(start, end)| &text[start..=end]);
    let mut first = None;
    for candidate in [Some(text), fenced, braced].into_iter().flatten() {
        match serde_json::from_str(candidate.trim()) {
            Ok(value) => return Ok(value),
            Err(error) => first = first.or(Some(error)),
        }
    }
    let error = first.map_or_else(String::new, |error| error.to_string());
    // A text that begins as JSON and ends too early was cut off, whatever the service says.
    let cut = error.contains("EOF") && text.trim_start().trim_start_matches("```json").trim_start().starts_with('{');
    if cut { Err(Unusable::Truncated) } else { Err(Unusable::Malformed(format!("it is not the JSON that was asked for ({error})"))) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn of(message: Value, finish: &str) -> Result<String, Unusable> {
        let body = json!({ "choices": [{ "message": message, "finish_reason": finish }], "usage": { "prompt_tokens": 3, "completion_tokens": 4 } });
        text(body.to_string().as_bytes()).map(|(text, usage)| {
            assert_eq!(usage, Some(Usage { input: 3, output: 4 }));
            text
        })
    }

    #[test]
    fn texts_come_plain_or_in_parts() {
        assert_eq!(of(json!({ "content": "x" }), "stop").unwrap(), "x");
        assert_eq!(of(json!({ "content": [{ "type": "text", "text": "a" }, { "type": "text", "text": "b" }] }), "stop").unwrap(), "ab");
    }

    #[test]
    fn what_is_no_answer_is_told_apart() {
        assert_eq!(of(json!({ "content": "{", "refusal": null }), "length"), Err(Unusable::Truncated));
        assert_eq!(of(json!({ "refusal": "I will not." }), "stop"), Err(Unusable::Refused("I will not.".into())));
        assert!(matches!(of(json!({ "content": "x" }), "content_filter"), Err(Unusable::Refused(_))));
        assert!(matches!(of(json!({ "content": " " }), "stop"), Err(Unusable::Malformed(_))));
        assert!(matches!(text(b"<html>"), Err(Unusable::Malformed(_))));
        assert!(matches!(text(b"{\"choices\":[]}"), Err(Unusable::Malformed(_))));
    }

    #[test]
    fn json_is_found_in_what_models_write() {
        let expected = json!({ "a": [1, "}"] });
        let plain = expected.to_string();
        for text in [
            plain.clone(),
            format!("```json\n{plain}\n```"),
            format!("Sure! Here it is:\n```\n{plain}\n```\nBye"),
            format!("Sure: {plain} Bye"),
        ] {
            assert_eq!(json::<Value>(&text).unwrap(), expected, "{text}");
        }
        assert_eq!(json::<Value>("{\"a\": [1, \"b"), Err(Unusable::Truncated));
        assert!(matches!(json::<Value>("no"), Err(Unusable::Malformed(_))));
    }
}
