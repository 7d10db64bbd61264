//! WebSockets: fragmented MP4 (`/media`) and what happens (`/events`).
//!
//! A browser cannot send headers with a WebSocket, so the token comes as a subprotocol (`token.TOKEN` beside `lectern.v1`) or as the first
//! message, `{"token": "…"}`; never in the address, which ends up in logs.

use super::access::token_in;
use super::problem::Problem;
use super::{App, Shared};
use crate::auth::{Claims, TokenError};
use crate::live::{Command, Session, State};
use axum::extract::ws::{CloseFrame, Message as Frame, Utf8Bytes, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, Query};
use axum::http::HeaderMap;
use axum::response::Response;
use plugins_webrtc::room::{Message, Now, Refused, Room};
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast::error::RecvError;

/// Nobody is there to be told (RFC 6455, 7.4.1).
const GONE: u16 = 1006;
/// What a browser asks for beside its token.
pub const PROTOCOL: &str = "lectern.v1";
/// How long a viewer may take to send its token.
const TOKEN_WAIT: Duration = Duration::from_secs(10);
/// How long one message may take to go out; who is slower is gone.
const SEND_WAIT: Duration = Duration::from_secs(10);
/// Commands are short.
const LONGEST: usize = 64 << 10;

/// Why a socket is closed (4000 to 4999 are for applications, RFC 6455).
#[derive(Clone, Debug)]
pub struct Closing(u16, String);

impl Closing {
    /// With a code and a reason.
    pub fn new(code: u16, reason: &str) -> Closing {
        Closing(code, reason.into())
    }

    fn end() -> Closing {
        Closing(1000, "the lecture is over".into())
    }
}

impl From<TokenError> for Closing {
    fn from(error: TokenError) -> Closing {
        Closing(if matches!(error, TokenError::Forbidden(_)) { 4403 } else { 4401 }, error.to_string())
    }
}

impl From<Refused> for Closing {
    fn from(refused: Refused) -> Closing {
        Closing(if refused == Refused::Full { 4409 } else { 4404 }, refused.to_string())
    }
}

/// A peer that does not take what is sent.
impl From<axum::Error> for Closing {
    fn from(_: axum::Error) -> Closing {
        Closing(GONE, "the connection is gone".into())
    }
}

/// What may be chosen.
#[derive(Deserialize)]
pub struct Choice {
    #[serde(default)]
    rung: usize,
}

/// Pictures and sound of a session, as a WebSocket: fragmented MP4 in binary messages, and what they are in text messages of JSON. The token
/// comes as the subprotocol `token.TOKEN` beside `lectern.v1`, or as the first message, `{"token": TOKEN}`.
#[utoipa::path(get, path = "/v1/live/{room}/media", tag = "live",
    params(("room" = String, Path, description = "Its name."), ("rung" = Option<usize>, Query, description = "Which of its sizes, from 0.")),
    responses((status = 101, description = "It is a WebSocket from here on, and closed when the session is over."), Problem))]
pub async fn media(
    app: Shared,
    Path(room): Path<String>,
    Query(choice): Query<Choice>,
    headers: HeaderMap,
    ws: WebSocketUpgrade,
) -> Response {
    let token = token_in(&headers).map(String::from);
    ws.protocols([PROTOCOL]).max_message_size(LONGEST).on_upgrade(move |mut socket| async move {
        let app = app.0;
        let closing = match admit(&app, &room, token, &mut socket).await {
            Ok((claims, session)) => match session.room() {
                Some(stage) => stream(&app, stage, &claims, choice.rung, &mut socket).await.err().unwrap_or_else(Closing::end),
                None => Closing(4404, Problem::no_room(&room).detail().into()),
            },
            Err(closing) => closing,
        };
        close(socket, closing).await;
    })
}

/// What happens in a session, as a WebSocket: text messages of JSON, and commands the other way from whoever may give them. The token comes as
/// with `media`.
#[utoipa::path(get, path = "/v1/live/{room}/events", tag = "live", params(("room" = String, Path, description = "Its name.")),
    responses((status = 101, description = "It is a WebSocket from here on, and closed when the session is over."), Problem))]
pub async fn events(app: Shared, Path(room): Path<String>, headers: HeaderMap, ws: WebSocketUpgrade) -> Response {
    let token = token_in(&headers).map(String::from);
    ws.protocols([PROTOCOL]).max_message_size(LONGEST).on_upgrade(move |mut socket| async move {
        let app = app.0;
        let closing = match admit(&app, &room, token, &mut socket).await {
            Ok((claims, session)) => follow(&app, &session, &claims, &mut socket).await.err().unwrap_or_else(Closing::end),
            Err(closing) => closing,
        };
        close(socket, closing).await;
    })
}

/// Sends the pictures and sound until the end, or until the viewer may or can take no more.
async fn stream(app: &App, stage: &Arc<Room>, claims: &Claims, rung: usize, socket: &mut WebSocket) -> Result<(), Closing> {
    let mut viewer = stage.join(rung)?;
    let mut recheck = tokio::time::interval(app.recheck());
    loop {
        tokio::select! {
            message = viewer.next() => match message {
                Some(Message::Init { mime, programme_ms, header }) => {
                    let init = json!({ "type": "init", "mime": &*mime, "programme_ms": programme_ms });
                    send(socket, Frame::Text(init.to_string().into())).await?;
                    send(socket, Frame::Binary(header)).await?;
                }
                Some(Message::Fragment(fragment)) => send(socket, Frame::Binary(fragment)).await?,
                Some(Message::End) => return send(socket, Frame::Text(json!({ "type": "end" }).to_string().into())).await,
                None if viewer.was_slow() => return Err(Closing(4408, "this viewer is too slow for the stream".into())),
                None => return Ok(()),
            },
            frame = socket.recv() => match frame {
                Some(Ok(Frame::Close(_)) | Err(_)) | None => return Err(Closing(1000, String::new())),
                Some(Ok(_)) => {}
            },
            _ = recheck.tick() => app.auth.still_holds(claims)?,
        }
    }
}

/// Tells what happens, and takes commands of those who may give them.
async fn follow(app: &App, session: &Arc<Session>, claims: &Claims, socket: &mut WebSocket) -> Result<(), Closing> {
    let (now, mut news) = match session.room() {
        Some(stage) => stage.news(),
        None => return Err(Closing(4404, Problem::no_room(session.name()).detail().into())),
    };
    send(socket, hello(session, &now)).await?;
    let mut recheck = tokio::time::interval(app.recheck());
    loop {
        tokio::select! {
            told = news.recv() => match told {
                Ok(text) => {
                    send(socket, Frame::Text(Utf8Bytes::from(&*text))).await?;
                    if session.state() == State::Ended && text.contains("\"ended\"") {
                        return Ok(());
                    }
                }
                // What holds now makes up for what was missed.
                Err(RecvError::Lagged(_)) => {
                    send(socket, hello(session, &session.now())).await?;
                }
                Err(RecvError::Closed) => return Ok(()),
            },
            frame = socket.recv() => match frame {
                Some(Ok(Frame::Text(text))) => {
                    if let Err(problem) = obey(session, claims, &text).await {
                        let text = json!({ "type": "error", "code": problem.code(), "detail": problem.detail() });
                        send(socket, Frame::Text(text.to_string().into())).await?;
                    }
                }
                Some(Ok(Frame::Close(_)) | Err(_)) | None => return Err(Closing(1000, String::new())),
                Some(Ok(_)) => {}
            },
            _ = recheck.tick() => app.auth.still_holds(claims)?,
        }
    }
}

/// What holds now, for those who have just come.
fn hello(session: &Session, now: &Now) -> Frame {
    let premises = session.premises();
    let embed = now.embed.as_ref().map(|url| json!({ "slide_id": now.slide.as_ref().map(|slide| &slide.id), "url": url }));
    let text = json!({
        "type": "hello", "room": premises.room, "title": premises.title, "language": premises.language, "state": session.state(),
        "slides": premises.slides, "slide": now.slide, "caption": now.caption, "embed": embed, "programme_ms": session.programme_ms(),
    });
    Frame::Text(text.to_string().into())
}

async fn obey(session: &Arc<Session>, claims: &Claims, text: &str) -> Result<(), Problem> {
    claims.may_command(session.name())?;
    let command: Command = serde_json::from_str(text).map_err(|error| Problem::bad(format!("this is no command: {error}")))?;
    super::live::carry_out(session.clone(), command).await.map(|_| ())
}

/// Lets somebody in whose token is good for this room.
async fn admit(app: &App, room: &str, token: Option<String>, socket: &mut WebSocket) -> Result<(Claims, Arc<Session>), Closing> {
    let token = match token {
        Some(token) => token,
        None => first_message(socket).await?,
    };
    let claims = app.auth.check(&token)?;
    claims.may_watch(room)?;
    let session = app.sessions.find(room).ok_or_else(|| Closing(4404, Problem::no_room(room).detail().into()))?;
    Ok((claims, session))
}

pub(super) async fn first_message(socket: &mut WebSocket) -> Result<String, Closing> {
    #[derive(Deserialize)]
    struct First {
        token: String,
    }
    match tokio::time::timeout(TOKEN_WAIT, socket.recv()).await {
        Ok(Some(Ok(Frame::Text(text)))) => {
            let first: First = serde_json::from_str(&text).map_err(|_| Closing::from(TokenError::Missing))?;
            Ok(first.token)
        }
        _ => Err(TokenError::Missing.into()),
    }
}

/// Sends a message to a peer that takes it in time.
///
/// # Errors
/// It does not.
pub async fn send(socket: &mut WebSocket, frame: Frame) -> Result<(), Closing> {
    match tokio::time::timeout(SEND_WAIT, socket.send(frame)).await {
        Ok(sent) => Ok(sent?),
        Err(_) => Err(Closing(4408, "this viewer takes nothing".into())),
    }
}

/// Says goodbye.
pub async fn close(mut socket: WebSocket, Closing(code, reason): Closing) {
    if code == GONE {
        return;
    }
    // A close frame's reason is 123 bytes at most.
    let reason: String = reason.chars().take(100).collect();
    let _ = tokio::time::timeout(SEND_WAIT, socket.send(Frame::Close(Some(CloseFrame { code, reason: reason.into() })))).await;
}
