//! What happens to a job, as it happens: Server-Sent Events and WebSocket. First what has happened, then what happens.

use super::access::{Bearer, token_in};
use super::jobs::{Named, Service, find};
use super::problem::Problem;
use super::sockets::{Closing, PROTOCOL, close, first_message, send};
use super::{App, Shared};
use crate::auth::{Claims, TokenError};
use crate::ledger::{Event, EventKind, Follow, JobId};
use crate::service;
use axum::extract::ws::{Message as Frame, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, Query};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::sse::{Event as Sent, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde::Deserialize;
use serde_json::json;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

/// When nothing happens for so long, that is said: who hears nothing at all has lost the connection.
const BEAT: Duration = Duration::from_secs(15);
/// Nobody sends more than a token here.
const LONGEST: usize = 16 << 10;

/// From where on.
#[derive(Deserialize)]
pub struct Since {
    /// The number of the last event that is known.
    #[serde(default)]
    after: i64,
}

/// One who follows a job and may do so.
pub struct Follower {
    app: Arc<App>,
    service: Arc<service::Service>,
    /// Of whoever had to show a token.
    claims: Option<Claims>,
    beat: Duration,
    job: JobId,
    follow: Follow,
}

/// What a follower is told.
pub enum News {
    /// Something happened.
    Event(Arc<Event>),
    /// Nothing has happened for a while.
    Beat,
    /// There is nothing more to come, or the token is good no more.
    Over(Option<TokenError>),
}

impl Follower {
    /// Of a job, from after the event `after` on; told at least every `beat` that the line is open.
    pub fn new(
        app: Arc<App>,
        service: Arc<service::Service>,
        claims: Option<Claims>,
        (job, after): (JobId, i64),
        beat: Duration,
    ) -> Follower {
        let follow = service.jobs.follow(job, after);
        Follower { app, service, claims, beat, job, follow }
    }

    /// What comes next.
    pub async fn next(&mut self) -> News {
        let service = self.service.clone();
        tokio::select! {
            event = self.follow.next() => event.map_or(News::Over(None), News::Event),
            () = tokio::time::sleep(self.beat.min(self.app.recheck())) => {
                match self.claims.as_ref().map_or(Ok(()), |claims| self.app.auth.still_holds(claims)) {
                    Ok(()) => News::Beat,
                    Err(error) => News::Over(Some(error)),
                }
            }
            () = service.closing() => News::Over(None),
        }
    }

    /// Nothing follows upon this: the job is over, and has not been tried again since.
    pub fn is_last(&self, event: &Event) -> bool {
        let over = || self.service.jobs.job(self.job).map_or(true, |job| job.state.is_over());
        let newest = || self.service.jobs.ledger().revision(self.job).is_ok_and(|newest| newest == event.seq);
        event.kind == EventKind::Complete && over() && newest()
    }
}

/// What happens to a job, as Server-Sent Events: first what has happened, then what happens.
#[utoipa::path(get, path = "/v1/jobs/{id}/events", tag = "jobs", params(("id" = String, Path, description = "The job."), ("Last-Event-ID" = Option<String>, Header, description = "The last one that is known.")),
    responses((status = 200, description = "Ends with the job.", body = String, content_type = "text/event-stream"), Problem))]
pub async fn events(
    app: Shared,
    Service(service): Service,
    Bearer(claims): Bearer,
    Path(named): Path<Named>,
    Query(since): Query<Since>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let job = find(&service, &claims, &named.id)?.id;
    let last = match headers.get("last-event-id").map(|id| id.to_str().ok().and_then(|id| id.trim().parse().ok())) {
        None => since.after,
        Some(Some(id)) => id,
        Some(None) => return Err(Problem::bad("the Last-Event-ID is no number; send the id of the last event")),
    };
    let follower = Follower::new(app.0, service, Some(claims), (job, last), BEAT);
    let events = stream::unfold(Some(follower), |follower| async move {
        let mut follower = follower?;
        match follower.next().await {
            News::Event(event) => {
                let sent = Sent::default().id(event.seq.to_string()).event(event.kind.as_str()).data(json!(&*event).to_string());
                let rest = (!follower.is_last(&event)).then_some(follower);
                Some((Ok::<_, Infallible>(sent), rest))
            }
            News::Beat => Some((Ok(Sent::default().event("heartbeat").data("{}")), Some(follower))),
            News::Over(_) => None,
        }
    });
    Ok(([(header::CACHE_CONTROL, "no-cache"), (header::HeaderName::from_static("x-accel-buffering"), "no")], Sse::new(events))
        .into_response())
}

pub async fn progress(
    app: Shared,
    Service(service): Service,
    Path(named): Path<Named>,
    Query(since): Query<Since>,
    headers: HeaderMap,
    ws: Result<WebSocketUpgrade, axum::extract::ws::rejection::WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    let ws = ws.map_err(|_| Problem::new(StatusCode::UPGRADE_REQUIRED, "no_websocket", "this is a WebSocket; /events beside it is not"))?;
    let token = token_in(&headers).map(String::from);
    Ok(ws.protocols([PROTOCOL]).max_message_size(LONGEST).on_upgrade(move |mut socket| async move {
        let closing = tell(app.0, service, &named.id, since.after, token, &mut socket).await;
        let over = || Closing::new(1000, "the job is over");
        close(socket, closing.err().unwrap_or_else(over)).await;
    }))
}

async fn tell(
    app: Arc<App>,
    service: Arc<service::Service>,
    id: &str,
    after: i64,
    token: Option<String>,
    socket: &mut WebSocket,
) -> Result<(), Closing> {
    let token = match token {
        Some(token) => token,
        None => first_message(socket).await?,
    };
    let claims = app.auth.check(&token)?;
    let job = find(&service, &claims, id).map_err(|problem| Closing::new(4404, problem.detail()))?.id;
    let mut follower = Follower::new(app, service, Some(claims), (job, after), BEAT);
    loop {
        tokio::select! {
            news = follower.next() => match news {
                News::Event(event) => {
                    send(socket, Frame::Text(json!(&*event).to_string().into())).await?;
                    if follower.is_last(&event) {
                        return Ok(());
                    }
                }
                News::Beat => send(socket, Frame::Text(json!({ "kind": "heartbeat" }).to_string().into())).await?,
                News::Over(Some(error)) => return Err(error.into()),
                News::Over(None) => return Err(Closing::new(1001, "the server is ending")),
            },
            frame = socket.recv() => match frame {
                Some(Ok(Frame::Close(_)) | Err(_)) | None => return Err(Closing::new(1000, "")),
                Some(Ok(_)) => {}
            },
        }
    }
}
