//! What a slide says, and the words that set objects off.

use super::super::canvas::Trigger;
use super::super::error::LessonError;
use super::super::limits::read_file;
use super::super::model::{Narration, TimedWord};
use super::fields::{Fields, number};
use super::{Entry, Reader, millis};
use engine::time::{Span, Time};
use serde_json::Value;
use std::collections::BTreeMap;

/// A narration with its tokens.
pub(super) struct Spoken {
    pub narration: Narration,
    /// The slide shows at least this long.
    pub duration: Option<Span>,
    /// What each token sets off, by its id.
    triggers: BTreeMap<String, Trigger>,
}

/// A word of a narration as the file gives it.
struct Token {
    id: String,
    text: String,
    start: Span,
    end: Span,
}

impl Spoken {
    /// What this token sets off.
    pub fn trigger(&self, id: &str) -> Option<Trigger> {
        self.triggers.get(id).cloned()
    }

    /// The sentence in which this token is spoken; the first one without a token.
    pub fn sentence(&self, id: Option<&str>) -> Option<String> {
        let text = self.narration.spoken();
        let at = id.and_then(|id| self.triggers.get(id)).and_then(|trigger| trigger.place(&text)).unwrap_or(0);
        let is_end = |c: char| matches!(c, '.' | '!' | '?' | '\n' | '。' | '！' | '？');
        let from = text[..at].rfind(is_end).map_or(0, |end| end + text[end..].chars().next().map_or(1, char::len_utf8));
        let until = text[at..].find(is_end).map_or(text.len(), |end| at + end + text[at + end..].chars().next().map_or(1, char::len_utf8));
        Some(text[from..until].trim().to_string()).filter(|sentence| !sentence.is_empty())
    }
}

impl Reader<'_> {
    pub(super) fn narration(&mut self, entry: &Entry, silent: Span) -> Result<Spoken, LessonError> {
        let value = entry.find(|place| place.get(&["narrationData", "narration"]));
        let data = value.and_then(Fields::of);
        let plain = value.and_then(Value::as_str).unwrap_or_default();
        let ask = |names: &[&'static str]| data.as_ref().and_then(|data| data.number(names));
        let duration = entry.find(|place| place.number(&["narrationDuration"])).or(ask(&["totalDuration", "duration"]));
        let duration = duration.and_then(millis).filter(|span| *span > Span::ZERO);
        let tokens = data.as_ref().and_then(|data| data.get(&["tokens", "words"])).and_then(Value::as_array);
        let tokens = self.tokens(tokens.map(Vec::as_slice).unwrap_or_default());
        let text = data.as_ref().and_then(|data| data.text(&["text"])).unwrap_or(plain).trim();
        let text = match text {
            "" => tokens.iter().map(|token| token.text.as_str()).collect::<Vec<_>>().join(" "),
            text => text.to_string(),
        };
        let recording = match data.as_ref().and_then(|data| data.text(&["audioUrl", "audio"])) {
            Some(source) => self.local(source, "the narration"),
            None => None,
        };
        if let Some(data) = &data {
            data.note_rest(&mut self.unknown);
        }
        let narration = match recording {
            Some(path) => {
                let word =
                    |token: &Token| TimedWord { text: token.text.clone(), start: Time::ZERO + token.start, end: Time::ZERO + token.end };
                let words = (!tokens.is_empty()).then(|| tokens.iter().map(word).collect());
                Narration::Audio { hash: read_file(&path)?.1, path, words }
            }
            None if text.trim().is_empty() => Narration::Silence(duration.unwrap_or(silent)),
            None => Narration::Text(text),
        };
        let triggers = triggers(&narration, &tokens);
        Ok(Spoken { narration, duration, triggers })
    }

    /// Tokens in the order of their times.
    fn tokens(&mut self, list: &[Value]) -> Vec<Token> {
        let mut tokens: Vec<Token> = Vec::new();
        for (index, value) in list.iter().enumerate() {
            let Some(fields) = Fields::of(value) else { continue };
            let time = |names: &[&'static str]| fields.get(names).and_then(number).and_then(millis);
            let start = time(&["startTime", "start"]).unwrap_or(tokens.last().map_or(Span::ZERO, |token| token.end));
            let length = time(&["duration"]).unwrap_or(Span::ZERO);
            let end = time(&["endTime", "end"]).unwrap_or(start + length).max(start);
            let text = fields.text(&["text", "word"]).unwrap_or_default().trim().to_string();
            let is_word = fields.text(&["type"]).is_none_or(|kind| kind == "word");
            let id = fields.name(&["id"]).unwrap_or_else(|| index.to_string());
            fields.note_rest(&mut self.unknown);
            if is_word && !text.is_empty() {
                tokens.push(Token { id, text, start, end });
            }
        }
        tokens.sort_by_key(|token| token.start);
        tokens
    }
}

/// Finds each token in the narration. Where nothing is said a token stands for its time.
fn triggers(narration: &Narration, tokens: &[Token]) -> BTreeMap<String, Trigger> {
    let text = narration.spoken();
    let mut from = 0;
    let mut trigger = |token: &Token| {
        if text.is_empty() {
            return Trigger::Time(token.start);
        }
        let rest = &text[from..];
        if let Some(found) = rest.find(&token.text) {
            let at = from + found;
            from = at + token.text.len();
            return Trigger::word_at(&text, at);
        }
        // What is not there word for word (a number, another spelling) is taken to be the next thing that is said.
        let next = rest.find(|c: char| c.is_alphanumeric()).map(|found| from + found);
        Trigger::word_at(&text, next.unwrap_or_else(|| last_word(&text)))
    };
    tokens.iter().map(|token| (token.id.clone(), trigger(token))).collect()
}

/// Where the last word begins.
fn last_word(text: &str) -> usize {
    let end = text.trim_end();
    end.rfind(char::is_whitespace).map_or(0, |at| at + end[at..].chars().next().map_or(1, char::len_utf8))
}
