//! One step of a flow, after its variables are put in.

use super::{Condition, Origin, Repeat};
use crate::contracts::shape::{Matcher, Pattern, Seen, Shape};
use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::time::Duration;

/// A step.
#[derive(Debug)]
pub struct Step {
    pub note: Option<String>,
    pub origin: Option<Origin>,
    pub does: Does,
    /// One of these has to hold.
    pub expect: Vec<Expect>,
    /// Variables, and the JSON pointers of their values in the answer.
    pub save: BTreeMap<String, String>,
}

/// What a step does.
#[derive(Debug)]
pub enum Does {
    Http {
        send: Box<Send>,
        repeat: Option<Repeat>,
        /// Holds for each answer before the last.
        meanwhile: Vec<Expect>,
        fail_if: Option<Condition>,
        /// Nobody waits for the answer until it is joined by this name.
        background: Option<String>,
    },
    Join(String),
    /// Alternatives.
    Ws(Vec<Ws>),
    Sse(Sse),
    Mint(Mint),
    Wait(Duration),
}

/// A request.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Send {
    pub method: String,
    /// Of the server; or a whole URL.
    pub path: String,
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    #[serde(default)]
    pub query: BTreeMap<String, String>,
    pub json: Option<Value>,
    pub form: Option<BTreeMap<String, String>>,
    pub multipart: Option<BTreeMap<String, Part>>,
    pub raw: Option<String>,
}

/// A part of a multipart body.
#[derive(Debug)]
pub enum Part {
    Text(String),
    File { file: String, name: Option<String>, content_type: Option<String> },
}

/// What an answer has to be.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    #[serde(deserialize_with = "listed")]
    pub status: Vec<u16>,
    /// How it begins.
    pub content_type: Option<String>,
    /// `None`: must not be there.
    #[serde(default)]
    pub headers: BTreeMap<String, Option<Shape>>,
    pub body: Option<Shape>,
    pub example: Option<Value>,
    pub origin: Option<Origin>,
    #[serde(rename = "note")]
    _note: Option<String>,
}

/// WebSockets to one place.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ws {
    pub open: String,
    /// So many connections at once.
    #[serde(default = "one")]
    pub clients: usize,
    pub messages: Vec<Message>,
    /// It is not opened, and one of these is the HTTP status.
    #[serde(default)]
    pub refused: Vec<u16>,
    pub origin: Option<Origin>,
    #[serde(rename = "note")]
    _note: Option<String>,
}

/// What a client of a WebSocket does next.
#[derive(Debug, Deserialize)]
#[serde(try_from = "WrittenMessage")]
pub enum Message {
    Send(Value),
    Receive { shape: Shape, within: Duration },
    ReceiveUntil { until: Condition, each: Shape, last: Option<Shape>, within: Duration },
    ExpectClose { codes: Vec<u16>, within: Duration },
    Close(u16),
}

/// A stream of server-sent events.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sse {
    pub open: String,
    #[serde(default)]
    pub headers: BTreeMap<String, Option<Shape>>,
    /// By name; others are ignored.
    pub events: BTreeMap<String, Shape>,
    pub last: Last,
    #[serde(deserialize_with = "seconds")]
    pub within: Duration,
}

/// The event with which a stream has told everything.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Last {
    pub event: String,
    pub data: Shape,
}

/// A token to sign.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mint {
    /// The variable that it becomes.
    #[serde(rename = "as")]
    pub name: String,
    pub alg: String,
    pub secret: String,
    pub claims: Map<String, Value>,
}

impl Step {
    /// Reads a step in which no variable is left.
    ///
    /// # Errors
    /// A key is unknown, something is missing, or it does not do exactly one thing.
    pub fn read(filled: &Value) -> Result<Step, String> {
        let written = Written::deserialize(filled).map_err(|error| error.to_string())?;
        let Written { note, origin, send, expect, save, repeat_until, meanwhile, fail_if, background, join, ws, sse, mint, wait, .. } =
            written;
        if send.is_none() && (repeat_until.is_some() || !meanwhile.is_empty() || fail_if.is_some() || background.is_some()) {
            return Err("repeat_until, meanwhile, fail_if and background go with send".into());
        }
        if background.is_some() && repeat_until.is_some() {
            return Err("what goes on in the background is sent once".into());
        }
        let is_answered = (send.is_some() && background.is_none()) || join.is_some();
        if is_answered == expect.is_empty() || (!is_answered && !save.is_empty()) {
            return Err(if is_answered { "nothing is expected" } else { "there is no answer to look at" }.into());
        }
        let mut does = [
            send.map(|send| Does::Http { send: Box::new(send), repeat: repeat_until, meanwhile, fail_if, background }),
            join.map(Does::Join),
            Some(ws).filter(|ws| !ws.is_empty()).map(Does::Ws),
            sse.map(Does::Sse),
            mint.map(Does::Mint),
            wait.map(span).transpose()?.map(Does::Wait),
        ]
        .into_iter()
        .flatten();
        let (Some(does), None) = (does.next(), does.next()) else {
            return Err("a step does exactly one of send, join, ws, sse, mint and wait".into());
        };
        Ok(Step { note, origin, does, expect, save })
    }

    /// What a step is called, as written.
    pub fn title(written: &Value) -> &str {
        written["step"].as_str().unwrap_or("without a title")
    }

    /// The variables that a step sets, as written or filled.
    pub fn saves(written: &Value) -> Vec<String> {
        let saved = written["save"].as_object().into_iter().flat_map(|save| save.keys().cloned());
        saved.chain(written["mint"]["as"].as_str().map(String::from)).collect()
    }

    /// All that may be expected of an answer.
    pub fn expects(&self) -> impl Iterator<Item = &Expect> {
        let meanwhile = if let Does::Http { meanwhile, .. } = &self.does { meanwhile.as_slice() } else { &[] };
        self.expect.iter().chain(meanwhile)
    }

    /// All SHAPEs in it.
    pub fn shapes(&self) -> Vec<&Shape> {
        let mut shapes: Vec<&Shape> = self.expects().flat_map(Expect::shapes).collect();
        match &self.does {
            Does::Ws(all) => shapes.extend(all.iter().flat_map(|ws| ws.messages.iter().flat_map(Message::shapes))),
            Does::Sse(sse) => shapes.extend(sse.events.values().chain([&sse.last.data]).chain(sse.headers.values().flatten())),
            Does::Http { .. } | Does::Join(_) | Does::Mint(_) | Does::Wait(_) => {}
        }
        shapes
    }
}

impl Expect {
    fn shapes(&self) -> Vec<&Shape> {
        self.headers.values().flatten().chain(&self.body).collect()
    }

    /// What is wrong with the example that goes with it.
    pub fn example_faults(&self, matcher: &Matcher) -> Vec<String> {
        let (Some(example), Some(body)) = (&self.example, &self.body) else { return Vec::new() };
        matcher.faults(body, Seen::Value(example)).iter().map(ToString::to_string).collect()
    }
}

impl Message {
    fn shapes(&self) -> Vec<&Shape> {
        match self {
            Message::Receive { shape, .. } => vec![shape],
            Message::ReceiveUntil { each, last, .. } => [each].into_iter().chain(last).collect(),
            Message::Send(_) | Message::ExpectClose { .. } | Message::Close(_) => Vec::new(),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(rename = "step")]
    _title: String,
    note: Option<String>,
    origin: Option<Origin>,
    send: Option<Send>,
    #[serde(default, deserialize_with = "listed")]
    expect: Vec<Expect>,
    #[serde(default)]
    save: BTreeMap<String, String>,
    repeat_until: Option<Repeat>,
    #[serde(default, deserialize_with = "listed")]
    meanwhile: Vec<Expect>,
    fail_if: Option<Condition>,
    background: Option<String>,
    join: Option<String>,
    #[serde(default, deserialize_with = "listed")]
    ws: Vec<Ws>,
    sse: Option<Sse>,
    mint: Option<Mint>,
    wait: Option<f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenMessage {
    send: Option<Value>,
    receive: Option<Shape>,
    receive_until: Option<Condition>,
    each: Option<Shape>,
    last: Option<Shape>,
    expect_close: Option<Vec<u16>>,
    close: Option<u16>,
    within: Option<f64>,
}

impl TryFrom<WrittenMessage> for Message {
    type Error = String;

    fn try_from(written: WrittenMessage) -> Result<Message, String> {
        let WrittenMessage { send, receive, receive_until, each, last, expect_close, close, within } = written;
        let within = within.map(span).transpose()?;
        Ok(match (send, receive, (receive_until, each, last), expect_close, close, within) {
            (Some(value), None, (None, None, None), None, None, None) => Message::Send(value),
            (None, Some(shape), (None, None, None), None, None, Some(within)) => Message::Receive { shape, within },
            (None, None, (Some(until), Some(each), last), None, None, Some(within)) => Message::ReceiveUntil { until, each, last, within },
            (None, None, (None, None, None), Some(codes), None, Some(within)) => Message::ExpectClose { codes, within },
            (None, None, (None, None, None), None, Some(code), None) => Message::Close(code),
            _ => return Err("a message is one of send; receive, within; receive_until, each, within; expect_close, within; close".into()),
        })
    }
}

impl<'de> Deserialize<'de> for Part {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Part, D::Error> {
        /// The size is a hint for people.
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Written {
            file: String,
            name: Option<String>,
            content_type: Option<String>,
            #[serde(rename = "size_hint")]
            _size_hint: Option<u64>,
        }
        match Value::deserialize(from)? {
            Value::String(text) => Ok(Part::Text(text)),
            other => {
                let Written { file, name, content_type, .. } = serde_json::from_value(other).map_err(D::Error::custom)?;
                Ok(Part::File { file, name, content_type })
            }
        }
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Pattern, D::Error> {
        Pattern::read(&String::deserialize(from)?).map_err(D::Error::custom)
    }
}

/// One, or a list of them.
fn listed<'de, D: Deserializer<'de>, T: DeserializeOwned>(from: D) -> Result<Vec<T>, D::Error> {
    let all = match Value::deserialize(from)? {
        Value::Array(all) => all,
        one => vec![one],
    };
    all.into_iter().map(|one| serde_json::from_value(one).map_err(D::Error::custom)).collect()
}

fn seconds<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    span(f64::deserialize(from)?).map_err(D::Error::custom)
}

/// Seconds as a time.
pub fn span(seconds: f64) -> Result<Duration, String> {
    Duration::try_from_secs_f64(seconds).map_err(|error| format!("{seconds} s: {error}"))
}

fn one() -> usize {
    1
}
