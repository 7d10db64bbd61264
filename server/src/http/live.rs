//! `/v1/live` and `/v1/tokens`: sessions and their tokens by REST.

use super::access::Bearer;
use super::journal::{FrontendEvent, FrontendEvents, Journal, Level};
use super::problem::Problem;
use super::{App, Shared, aside, body};
use crate::auth::{Claims, Role, TokenError};
use crate::live::{Command, CreateRequest, Session, State};
use axum::Json;
use axum::body::Bytes;
use axum::extract::Path;
use axum::http::StatusCode;
use engine::graph::unit::DurationSetting;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use utoipa::ToSchema;

/// How long tokens are good that are asked for without a time, and at most.
const TTL: (Duration, Duration) = (Duration::from_secs(3600), Duration::from_secs(24 * 3600));

/// What to send in place of a body that cannot be read.
const DOCUMENTED: &str = "JSON as it is documented";
/// Events that a page may tell at once.
const MOST_EVENTS: usize = 100;

fn find(app: &App, room: &str) -> Result<Arc<Session>, Problem> {
    app.sessions.find(room).ok_or_else(|| Problem::no_room(room))
}

/// What is shown of a session.
fn view(session: &Session) -> Value {
    let (premises, now) = (session.premises(), session.now());
    let viewers = session.room().map(|room| room.viewers()).unwrap_or_default();
    json!({
        "room": premises.room, "title": premises.title, "language": premises.language, "state": session.state(), "slide": now.slide,
        "slides": premises.slides, "programme_ms": session.programme_ms(),
        "viewers": { "whep": viewers.whep, "mse": viewers.mse, "joined": viewers.joined, "skipped": viewers.skipped,
            "lowered": viewers.lowered, "dropped": viewers.dropped },
        "uptime_ms": session.age().as_millis() as u64,
    })
}

/// How a session is reached, with a token for one viewer.
pub fn links(app: &App, room: &str, identity: &str) -> Result<Value, Problem> {
    let token = mint_for(app, &Claims::new(Role::Viewer, Some(room.into()), identity, TTL.0))?;
    let origin = &app.origin;
    let sockets = origin.replacen("http", "ws", 1);
    Ok(json!({
        "room": room, "viewer_url": format!("{origin}/live/{room}#token={token}"), "whep_url": format!("{origin}/v1/live/{room}/whep"),
        "media_ws_url": format!("{sockets}/v1/live/{room}/media"), "token": token, "control_url": format!("{origin}/v1/live/{room}/commands"),
    }))
}

fn mint_for(app: &App, claims: &Claims) -> Result<String, Problem> {
    app.auth.mint(claims).map_err(|error| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "no_token", error.to_string()))
}

/// Keeps a change of a session's state in the event log.
pub fn note_state(journal: &Journal, session: &Session, state: State) {
    let level = if session.has_failed() { Level::Error } else { Level::Info };
    journal.backend_at(level, session.name(), ("session_state", &state.to_string()), None);
}

/// Which sessions are on.
#[utoipa::path(get, path = "/v1/live", tag = "live", responses((status = 200, description = "Those that the token may watch.", body = Object), Problem))]
pub async fn list(app: Shared, Bearer(claims): Bearer) -> Result<Json<Value>, Problem> {
    claims.must_be_author()?;
    let sessions = app.sessions.all();
    let seen = sessions.iter().filter(|session| claims.may_watch(session.name()).is_ok());
    Ok(Json(json!({ "sessions": seen.map(|session| view(session)).collect::<Vec<_>>() })))
}

/// Begins a session with a lesson of the server.
#[utoipa::path(post, path = "/v1/live", tag = "live", request_body = CreateRequest,
    responses((status = 201, description = "How it is reached.", body = Object), Problem))]
pub async fn create(app: Shared, Bearer(claims): Bearer, body: Bytes) -> Result<(StatusCode, Json<Value>), Problem> {
    let request: CreateRequest = body::read(&body, DOCUMENTED)?;
    claims.may_command(&request.room)?;
    let sessions = app.sessions.clone();
    let session = aside(move || sessions.create(&request)).await??;
    app.journal.backend(session.name(), "session_created", &session.premises().title, None);
    let mut answer = links(&app, session.name(), &claims.sub)?;
    answer["state"] = json!(session.state());
    Ok((StatusCode::CREATED, Json(answer)))
}

/// How a session stands.
#[utoipa::path(get, path = "/v1/live/{room}", tag = "live", params(("room" = String, Path, description = "Its name.")),
    responses((status = 200, description = "State, slide, viewers.", body = Object), Problem))]
pub async fn show(app: Shared, Path(room): Path<String>, Bearer(claims): Bearer) -> Result<Json<Value>, Problem> {
    claims.may_watch(&room)?;
    Ok(Json(view(&*find(&app, &room)?)))
}

/// Ends a session.
#[utoipa::path(delete, path = "/v1/live/{room}", tag = "live", params(("room" = String, Path, description = "Its name.")),
    responses((status = 204, description = "It is over."), Problem))]
pub async fn end(app: Shared, Path(room): Path<String>, Bearer(claims): Bearer) -> Result<StatusCode, Problem> {
    claims.may_command(&room)?;
    let (sessions, name) = (app.sessions.clone(), room.clone());
    let ended = tokio::task::spawn_blocking(move || sessions.end(&name)).await.unwrap_or(false);
    if ended { Ok(StatusCode::NO_CONTENT) } else { Err(Problem::no_room(&room)) }
}

/// Tells a session what to do.
#[utoipa::path(post, path = "/v1/live/{room}/commands", tag = "live", params(("room" = String, Path, description = "Its name.")),
    request_body = Command, responses((status = 202, description = "The state it is in now.", body = Object), Problem))]
pub async fn command(
    app: Shared,
    Path(room): Path<String>,
    Bearer(claims): Bearer,
    body: Bytes,
) -> Result<(StatusCode, Json<Value>), Problem> {
    claims.may_command(&room)?;
    let command: Command = body::read(&body, DOCUMENTED)?;
    let state = carry_out(find(&app, &room)?, command).await?;
    Ok((StatusCode::ACCEPTED, Json(json!({ "state": state }))))
}

/// Carries a command out where waiting for a flush hurts nobody.
pub async fn carry_out(session: Arc<Session>, command: Command) -> Result<State, Problem> {
    Ok(aside(move || session.command(&command)).await??)
}

/// What each node of a session does, and how fast.
#[utoipa::path(get, path = "/v1/live/{room}/graph", tag = "live", params(("room" = String, Path, description = "Its name.")),
    responses((status = 200, description = "Nodes, edges, pictures a second.", body = Object), Problem))]
pub async fn graph(app: Shared, Path(room): Path<String>, Bearer(claims): Bearer) -> Result<Json<Value>, Problem> {
    claims.may_command(&room)?;
    let session = find(&app, &room)?;
    let report = session.handle().report();
    let fps = session.fps(&report);
    let mut answer = serde_json::to_value(report).expect("a report is plain data");
    answer["fps"] = json!(fps);
    Ok(Json(answer))
}

/// Keeps what a viewer's page has seen in the event log: one event, or up to 100.
#[utoipa::path(post, path = "/v1/live/{room}/log", tag = "live", params(("room" = String, Path, description = "Its name.")),
    request_body = FrontendEvents, responses((status = 204, description = "Kept."), Problem))]
pub async fn log(app: Shared, Path(room): Path<String>, Bearer(claims): Bearer, body: Bytes) -> Result<StatusCode, Problem> {
    claims.may_watch(&room)?;
    let events = match serde_json::from_slice(&body).map_err(|error| body::unreadable(&error, DOCUMENTED))? {
        FrontendEvents::One(event) => vec![*event],
        FrontendEvents::Many(events) => events,
    };
    if events.len() > MOST_EVENTS {
        return Err(Problem::bad(format!("{} events are too many at once; send up to {MOST_EVENTS}", events.len())));
    }
    events.into_iter().for_each(|event| note(&app, &room, event));
    Ok(StatusCode::NO_CONTENT)
}

fn note(app: &App, room: &str, event: FrontendEvent) {
    if let Some(millis) = event.join_ms() {
        app.joins.add(millis / 1000.0);
    }
    app.journal.frontend(room, event);
}

/// What a token is to be good for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenRequest {
    /// What its owner may do.
    role: Role,
    /// The room it is for; without one, all rooms.
    room: Option<String>,
    /// Who its owner is, in logs.
    identity: Option<String>,
    /// How long it is good, such as `1h`; at most a day.
    #[schema(value_type = Option<String>, pattern = r"^[0-9]+(\.[0-9]+)?(ms|s|min|h)$")]
    ttl: Option<DurationSetting>,
}

/// Makes a token. Nobody gives more than they have.
#[utoipa::path(post, path = "/v1/tokens", tag = "tokens", request_body = TokenRequest,
    responses((status = 201, description = "The token, its id and its end.", body = Object), Problem))]
pub async fn mint(app: Shared, Bearer(claims): Bearer, body: Bytes) -> Result<(StatusCode, Json<Value>), Problem> {
    let TokenRequest { role, room, identity, ttl } = body::read(&body, DOCUMENTED)?;
    let ttl = ttl.map_or(TTL.0, |ttl| ttl.0.to_std());
    if ttl > TTL.1 {
        return Err(Problem::bad("ttl is too long; a token is good for at most 24h"));
    }
    // Nobody gives more than they have.
    match role {
        Role::Viewer | Role::Author => match &room {
            Some(room) => claims.may_command(room)?,
            None => claims.must_be_operator()?,
        },
        Role::Operator | Role::Worker => claims.must_be_operator()?,
    }
    if claims.room.is_some() && room != claims.room {
        return Err(TokenError::Forbidden("it is for another room".into()).into());
    }
    let new = Claims::new(role, room, &identity.unwrap_or_else(|| claims.sub.clone()), ttl);
    let token = mint_for(&app, &new)?;
    Ok((StatusCode::CREATED, Json(json!({ "token": token, "expires_at": new.exp, "jti": new.jti }))))
}

/// Takes a token back.
#[utoipa::path(delete, path = "/v1/tokens/{jti}", tag = "tokens", params(("jti" = String, Path, description = "Its id.")),
    responses((status = 204, description = "It is good no more."), Problem))]
pub async fn revoke(app: Shared, Path(jti): Path<String>, Bearer(claims): Bearer) -> Result<StatusCode, Problem> {
    // One's own may always be given back.
    if claims.jti != jti {
        claims.must_be_operator()?;
    }
    if jti.len() > 128 || jti.contains(char::is_whitespace) {
        return Err(Problem::bad("this is no id of a token"));
    }
    app.auth.deny(&jti).map_err(|error| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "not_written", error.to_string()))?;
    Ok(StatusCode::NO_CONTENT)
}
