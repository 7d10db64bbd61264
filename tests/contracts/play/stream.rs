//! Server-sent events (HTML standard, 9.2: "Server-sent events").

use super::Place;
use super::http::{chain, header_faults, text};
use crate::contracts::flow::Sse;
use crate::contracts::shape::Seen;
use serde_json::Value;

/// An event that has come.
#[derive(Debug, PartialEq)]
struct Event {
    /// `message` where the server gave none.
    name: String,
    data: String,
}

/// Follows a stream until it has told everything.
pub async fn play(sse: &Sse, place: &Place) -> Result<(), String> {
    let mut said = String::from("no event came");
    let listening = listen(sse, place, &mut said);
    match tokio::time::timeout(sse.within, listening).await {
        Ok(ended) => ended,
        Err(_) => Err(format!("it was not told within {:?}: {said}", sse.within)),
    }
}

/// `said` is what there was to hear so far.
async fn listen(sse: &Sse, place: &Place, said: &mut String) -> Result<(), String> {
    let url = place.url(&sse.open)?;
    let failed = |error: reqwest::Error| format!("{url}: {}", chain(&error));
    let mut response = place.client.get(url.clone()).header("accept", "text/event-stream").send().await.map_err(failed)?;
    let kind = text(response.headers(), "content-type").unwrap_or_default();
    if response.status() != 200 || !kind.starts_with("text/event-stream") {
        return Err(format!("a stream of events was due, found HTTP {} {kind}", response.status().as_u16()));
    }
    let faults = header_faults(response.headers(), &sse.headers, &place.matcher);
    if !faults.is_empty() {
        return Err(faults.join("; "));
    }
    let (mut parser, mut count) = (Parser::default(), 0);
    while let Some(chunk) = response.chunk().await.map_err(failed)? {
        for event in parser.push(&chunk) {
            let Some(shape) = sse.events.get(&event.name) else { continue };
            count += 1;
            let data: Option<Value> = serde_json::from_str(&event.data).ok();
            let seen = Seen::Body(event.data.as_bytes(), data.as_ref());
            let of = |shape| {
                let faults = place.matcher.faults(shape, seen);
                faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
            };
            let faults = of(shape);
            if !faults.is_empty() {
                return Err(format!("event {count}, {}: {faults}. Its data: {seen}", event.name));
            }
            let still_due = if event.name == sse.last.event { of(&sse.last.data) } else { format!("{} is due", sse.last.event) };
            if still_due.is_empty() {
                return Ok(());
            }
            *said = format!("after {count} events the last was {}, {seen}; {still_due}", event.name);
        }
    }
    Err(format!("the stream has ended: {said}"))
}

/// Puts events together. Lines end with LF or CR LF.
#[derive(Default)]
struct Parser {
    rest: Vec<u8>,
    name: String,
    data: Option<String>,
}

impl Parser {
    /// The events that are whole now.
    fn push(&mut self, chunk: &[u8]) -> Vec<Event> {
        self.rest.extend(chunk);
        let mut events = Vec::new();
        while let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.rest.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line);
            events.extend(self.line(line.trim_end_matches(['\r', '\n'])));
        }
        events
    }

    fn line(&mut self, line: &str) -> Option<Event> {
        if line.is_empty() {
            let name = std::mem::take(&mut self.name);
            let data = self.data.take()?;
            return Some(Event { name: if name.is_empty() { "message".into() } else { name }, data });
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => self.name = value.into(),
            "data" => match &mut self.data {
                Some(data) => *data += &format!("\n{value}"),
                None => self.data = Some(value.into()),
            },
            // Comments (an empty field), `id` and `retry` matter to clients that come again.
            _ => {}
        }
        None
    }
}

#[test]
fn events_are_put_together_from_any_pieces() {
    let stream = ": hello\n\nevent: complete\r\nid: 7\r\ndata: {\"a\":\r\ndata: 1}\r\n\r\nevent: nothing\n\ndata:x\nretry\n\ndata: half";
    let due = [("complete", "{\"a\":\n1}"), ("message", "x")].map(|(name, data)| Event { name: name.into(), data: data.into() });
    for size in 1..stream.len() {
        let mut parser = Parser::default();
        let events: Vec<Event> = stream.as_bytes().chunks(size).flat_map(|chunk| parser.push(chunk)).collect();
        assert_eq!(events, due, "in pieces of {size}");
    }
}
