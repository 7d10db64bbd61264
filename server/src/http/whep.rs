//! `POST /v1/live/{room}/whep`: viewers by WebRTC.

use super::access::Bearer;
use super::problem::Problem;
use super::{App, Shared};
use crate::auth::Claims;
use axum::body::Bytes;
use axum::extract::{Path, Query};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;
use uuid::Uuid;

/// Viewers by WebRTC, by id: the room and the token that made them.
#[derive(Default)]
pub struct Peers(Mutex<HashMap<String, (String, Claims)>>);

impl Peers {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, (String, Claims)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What may be chosen.
#[derive(Deserialize)]
pub struct Choice {
    /// Picture size: 0 is the largest.
    #[serde(default)]
    rung: usize,
}

/// A viewer by WebRTC: the body is an SDP offer (WHEP).
#[utoipa::path(post, path = "/v1/live/{room}/whep", tag = "live",
    params(("room" = String, Path, description = "The session's name."), ("rung" = Option<usize>, Query, description = "Picture size: 0 is the largest.")),
    request_body(content = String, content_type = "application/sdp"),
    responses((status = 201, description = "The answer; Location names the viewer.", body = String, content_type = "application/sdp"), Problem))]
pub async fn offer(
    app: Shared,
    Path(room): Path<String>,
    Query(choice): Query<Choice>,
    Bearer(claims): Bearer,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    claims.may_watch(&room)?;
    if headers.get(header::CONTENT_TYPE).is_none_or(|kind| !kind.as_bytes().starts_with(b"application/sdp")) {
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "no_sdp", "the body must be an offer; send it as application/sdp"));
    }
    let session = app.sessions.find(&room).ok_or_else(|| Problem::no_room(&room))?;
    let stage = session.room().ok_or_else(|| Problem::no_room(&room))?.clone();
    let id = Uuid::new_v4().to_string();
    let answer = stage.offer(choice.rung, &id, body).await?;
    app.peers.lock().insert(id.clone(), (room.clone(), claims));
    let place = format!("/v1/live/{room}/whep/{id}");
    Ok((StatusCode::CREATED, [(header::CONTENT_TYPE, "application/sdp".to_string()), (header::LOCATION, place)], answer).into_response())
}

/// A viewer by WebRTC goes, with the token that it came with.
#[utoipa::path(delete, path = "/v1/live/{room}/whep/{id}", tag = "live",
    params(("room" = String, Path, description = "The session's name."), ("id" = String, Path, description = "The viewer, by its Location.")),
    responses((status = 204, description = "It has gone."), Problem))]
pub async fn leave(app: Shared, Path((room, id)): Path<(String, String)>, Bearer(claims): Bearer) -> Result<StatusCode, Problem> {
    {
        let mut peers = app.peers.lock();
        let (its_room, maker) =
            peers.get(&id).ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "no_such_viewer", "there is no such viewer"))?;
        if maker.jti != claims.jti || *its_room != room {
            let detail = "a viewer is sent away only with the token that made it";
            return Err(Problem::new(StatusCode::FORBIDDEN, "forbidden", detail));
        }
        peers.remove(&id);
    }
    send_away(&app, &room, &id).await;
    Ok(StatusCode::NO_CONTENT)
}

async fn send_away(app: &App, room: &str, id: &str) {
    if let Some(stage) = app.sessions.find(room).and_then(|session| session.room().cloned()) {
        stage.leave(id).await;
    }
}

/// Sends away those whose token is over or taken back, and forgets those whose room is.
pub async fn recheck(app: Arc<App>, mut stopped: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            _ = tokio::time::sleep(app.recheck()) => {}
            _ = stopped.wait_for(|stop| *stop) => return,
        }
        let gone: Vec<(String, String)> = {
            let peers = app.peers.lock();
            let is_over = |room: &str, claims: &Claims| app.auth.still_holds(claims).is_err() || app.sessions.find(room).is_none();
            peers.iter().filter(|(_, (room, claims))| is_over(room, claims)).map(|(id, (room, _))| (id.clone(), room.clone())).collect()
        };
        for (id, room) in gone {
            app.peers.lock().remove(&id);
            send_away(&app, &room, &id).await;
        }
    }
}
