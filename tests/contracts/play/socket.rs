//! WebSockets.

use super::Place;
use super::http::Misfit;
use crate::contracts::flow::{Message as Act, Ws};
use crate::contracts::shape::{Matcher, Seen, Shape};
use futures_util::future::try_join_all;
use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// To connect, and to say goodbye.
const SOON: Duration = Duration::from_secs(30);
/// RFC 6455, 7.1.5: no code was sent; the connection broke.
const NO_STATUS: u16 = 1005;
const ABNORMAL: u16 = 1006;

/// Plays the alternatives until one holds.
pub async fn play(alternatives: &[Ws], place: &Place) -> Result<(), Misfit> {
    let mut reasons = Vec::new();
    for ws in alternatives {
        match play_one(ws, place).await {
            Ok(()) => return Ok(()),
            Err(reason) => reasons.push(reason),
        }
    }
    let origin = alternatives.first().and_then(|ws| ws.origin);
    let reason = match reasons.as_slice() {
        [reason] => reason.clone(),
        all => {
            let numbered: Vec<_> = all.iter().enumerate().map(|(index, reason)| format!("({}) {reason}", index + 1)).collect();
            format!("none of {} ways holds: {}", all.len(), numbered.join(" "))
        }
    };
    Err(Misfit { reason, origin })
}

async fn play_one(ws: &Ws, place: &Place) -> Result<(), String> {
    let mut url = place.url(&ws.open)?;
    let scheme = url.scheme().replace("http", "ws");
    url.set_scheme(&scheme).map_err(|()| format!("{url} is no address of a WebSocket"))?;
    if !ws.refused.is_empty() {
        return match connect(url.as_str()).await {
            Ok(_) => Err(format!("{url} was opened, where HTTP {:?} was due", ws.refused)),
            Err(Refused::With(status)) if ws.refused.contains(&status) => Ok(()),
            Err(refused) => Err(format!("{url}: HTTP {:?} was due, {refused}", ws.refused)),
        };
    }
    let url = url.as_str();
    let clients = (1..=ws.clients).map(|number| async move {
        let played = Client::play(url, &ws.messages, &place.matcher).await;
        played.map_err(|reason| if ws.clients == 1 { reason } else { format!("client {number}: {reason}") })
    });
    try_join_all(clients).await.map(|_| ())
}

/// Why a WebSocket was not opened.
enum Refused {
    With(u16),
    Else(String),
}

impl std::fmt::Display for Refused {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Refused::With(status) => write!(out, "it was refused with HTTP {status}"),
            Refused::Else(why) => write!(out, "it was not opened: {why}"),
        }
    }
}

async fn connect(url: &str) -> Result<Socket, Refused> {
    match tokio::time::timeout(SOON, connect_async(url)).await {
        Ok(Ok((socket, _))) => Ok(socket),
        Ok(Err(Error::Http(response))) => Err(Refused::With(response.status().as_u16())),
        Ok(Err(error)) => Err(Refused::Else(error.to_string())),
        Err(_) => Err(Refused::Else(format!("no answer within {SOON:?}"))),
    }
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// One connection.
struct Client {
    socket: Socket,
    /// Messages so far.
    heard: usize,
    closed: Option<u16>,
}

/// What comes next.
enum Heard {
    Message(Vec<u8>, Option<Value>),
    Closed(u16),
}

impl Client {
    async fn play(url: &str, acts: &[Act], matcher: &Matcher) -> Result<(), String> {
        let socket = connect(url).await.map_err(|refused| format!("{url}: {refused}"))?;
        let mut client = Client { socket, heard: 0, closed: None };
        for act in acts {
            client.act(act, matcher).await?;
        }
        Ok(())
    }

    async fn act(&mut self, act: &Act, matcher: &Matcher) -> Result<(), String> {
        match act {
            Act::Send(value) => {
                self.socket.send(Message::text(value.to_string())).await.map_err(|error| format!("{value} was not sent: {error}"))
            }
            Act::Receive { shape, within } => {
                let (raw, json) = self.message(Instant::now() + *within).await?;
                self.fits(shape, (&raw, json.as_ref()), matcher)
            }
            Act::ReceiveUntil { until, each, last, within } => {
                let deadline = Instant::now() + *within;
                loop {
                    let (raw, json) = self.message(deadline).await?;
                    self.fits(each, (&raw, json.as_ref()), matcher)?;
                    if until.holds(json.as_ref()) {
                        return last.as_ref().map_or(Ok(()), |last| self.fits(last, (&raw, json.as_ref()), matcher));
                    }
                }
            }
            Act::ExpectClose { codes, within } => {
                let deadline = Instant::now() + *within;
                loop {
                    match self.next(deadline).await? {
                        Heard::Closed(code) if codes.contains(&code) => return Ok(()),
                        Heard::Closed(code) => return Err(format!("it was closed with {code}, where one of {codes:?} was due")),
                        // A client that waits for the end does not mind.
                        Heard::Message(..) => {}
                    }
                }
            }
            Act::Close(code) => {
                let frame = CloseFrame { code: (*code).into(), reason: "".into() };
                // Whether the server says goodbye, too, is its own affair.
                let goodbye = async {
                    self.socket.close(Some(frame)).await?;
                    while self.socket.next().await.is_some_and(|message| message.is_ok()) {}
                    Ok::<(), Error>(())
                };
                let _ = tokio::time::timeout(SOON, goodbye).await;
                Ok(())
            }
        }
    }

    fn fits(&self, shape: &Shape, (raw, json): (&[u8], Option<&Value>), matcher: &Matcher) -> Result<(), String> {
        let seen = Seen::Body(raw, json);
        let faults = matcher.faults(shape, seen);
        if faults.is_empty() {
            return Ok(());
        }
        let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
        Err(format!("message {}: {}. The message: {seen}", self.heard, faults.join("; ")))
    }

    /// The next message.
    async fn message(&mut self, deadline: Instant) -> Result<(Vec<u8>, Option<Value>), String> {
        match self.next(deadline).await? {
            Heard::Message(raw, json) => Ok((raw, json)),
            Heard::Closed(code) => Err(format!("it was closed with {code} after {} messages, where another was due", self.heard)),
        }
    }

    /// The next message, or the end.
    async fn next(&mut self, deadline: Instant) -> Result<Heard, String> {
        if let Some(code) = self.closed {
            return Ok(Heard::Closed(code));
        }
        loop {
            let waited = tokio::time::timeout_at(deadline.into(), self.socket.next()).await;
            let message = waited.map_err(|_| format!("nothing came in time after {} messages", self.heard))?;
            let raw = match message {
                Some(Ok(Message::Text(text))) => text.as_bytes().to_vec(),
                Some(Ok(Message::Binary(bytes))) => bytes.to_vec(),
                Some(Ok(Message::Close(frame))) => {
                    let code = frame.map_or(NO_STATUS, |frame| frame.code.into());
                    self.closed = Some(code);
                    return Ok(Heard::Closed(code));
                }
                Some(Ok(_)) => continue,
                Some(Err(_)) | None => {
                    self.closed = Some(ABNORMAL);
                    return Ok(Heard::Closed(ABNORMAL));
                }
            };
            self.heard += 1;
            let json = serde_json::from_slice(&raw).ok();
            return Ok(Heard::Message(raw, json));
        }
    }
}
