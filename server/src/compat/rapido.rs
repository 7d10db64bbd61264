//! The room service of the "Rapido" system: a viewer asks for a token of a LiveKit room, and the first one to ask starts its avatar. Beside
//! it, in [`lessons`], its lesson service.
//!
//! The room is named by the lesson: its deck lies in the lessons' folder under that name. An avatar is one of our sessions that goes into
//! the LiveKit room. Viewers may come before there is a lesson: they get their tokens, and the next one who asks makes the server look
//! again. When a lesson is over, the next token begins it anew.

mod access;
mod lessons;
mod once;
mod plain;

use super::door::{self, Door};
use super::fastapi::{Fields, Refusal, object};
use crate::config::Settings;
use crate::http::{App, Journal, Level};
use crate::live::{CreateError, Session, Sessions, State};
use crate::test_mode;
use access::Access;
use axum::body::Bytes;
use axum::extract::{Path, Query, State as Shared};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
pub use once::{process as process_once, status as status_once};
use plain::Plain;
use plugins_webrtc::token::{LiveKitClaims, sign};
use serde_json::{Map, Value, json};
use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

/// How long a viewer's token is good.
const TTL: Duration = Duration::from_secs(3600);
/// So many avatars are remembered, over or not.
const KEPT: usize = 1000;

/// A LiveKit server and its key.
struct LiveKit {
    url: String,
    key: String,
    secret: String,
}

impl LiveKit {
    /// The server of the settings, and its key; or what is missing.
    fn find(settings: &Settings) -> Result<LiveKit, String> {
        if settings.test_mode {
            return Err(test_mode::OFF.into());
        }
        let settings = &settings.livekit;
        let url = settings.url.clone().ok_or("no LiveKit server is named; start with --livekit URL or set LIVEKIT_URL")?;
        match (&settings.api_key, &settings.api_secret) {
            (Some(key), Some(secret)) => Ok(LiveKit { url, key: key.clone(), secret: secret.expose().into() }),
            _ => Err("the LiveKit server's key is missing; set LIVEKIT_API_KEY and LIVEKIT_API_SECRET".into()),
        }
    }
}

/// See the module docs.
pub struct Rapido {
    door: Arc<Door>,
    livekit: Result<LiveKit, String>,
    /// Where lessons of one slide are kept while they are given.
    folder: PathBuf,
    /// The newest last.
    avatars: Mutex<VecDeque<Arc<Avatar>>>,
    /// One lesson is taken at a time, so that they are counted right.
    taking: tokio::sync::Mutex<()>,
}

/// A session that was asked for here.
struct Avatar {
    session_id: String,
    room: String,
    asked: Asked,
    created_at: OffsetDateTime,
    standing: Mutex<Standing>,
}

/// What it was asked for with.
enum Asked {
    /// A token, for this job of the other system's.
    Token { job: String },
    /// A text, by somebody.
    Text { identity: String },
}

/// Where an avatar stands.
enum Standing {
    Starting,
    On(Arc<Session>),
    Completed,
    Failed,
}

impl Avatar {
    fn new(room: &str, name: &str, asked: Asked) -> Arc<Avatar> {
        let random = Uuid::new_v4().simple().to_string();
        let session_id = format!("{name}_{}", &random[..8]);
        let created_at = OffsetDateTime::now_utc();
        Arc::new(Avatar { session_id, room: room.into(), asked, created_at, standing: Mutex::new(Standing::Starting) })
    }

    /// In the words of the other system.
    fn status(&self) -> &'static str {
        match &*self.look() {
            Standing::Starting => "starting",
            Standing::On(session) if session.state() == State::Preparing => "connecting_livekit",
            Standing::On(_) => "streaming",
            Standing::Completed => "completed",
            Standing::Failed => "failed",
        }
    }

    fn is_active(&self) -> bool {
        matches!(*self.look(), Standing::Starting | Standing::On(_))
    }

    fn look(&self) -> MutexGuard<'_, Standing> {
        let mut standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        if let Standing::On(session) = &*standing
            && session.state() == State::Ended
        {
            *standing = if session.has_failed() { Standing::Failed } else { Standing::Completed };
        }
        standing
    }

    /// Makes its session, which may take seconds.
    fn start(&self, journal: &Journal, make: impl FnOnce() -> Result<Arc<Session>, CreateError>) -> Result<(), CreateError> {
        let made = make();
        let (level, event, message) = match &made {
            Ok(_) => (Level::Info, "avatar_started", self.session_id.clone()),
            Err(error) => (Level::Error, "avatar_not_started", format!("{}: {error}", self.session_id)),
        };
        tracing::info!(room = self.room, message, "{event}");
        journal.backend_at(level, &self.room, (event, &message), None);
        let (standing, result) = match made {
            Ok(session) => (Standing::On(session), Ok(())),
            Err(error) => (Standing::Failed, Err(error)),
        };
        *self.look() = standing;
        result
    }

    fn created_at(&self) -> String {
        self.created_at.format(&Rfc3339).unwrap_or_default()
    }
}

impl Rapido {
    /// Behind a door, with the LiveKit server of the settings; texts without slides are kept in `folder` while they are given.
    pub fn new(door: Arc<Door>, settings: &Settings, folder: PathBuf) -> Rapido {
        Rapido { door, livekit: LiveKit::find(settings), folder, avatars: Mutex::default(), taking: Default::default() }
    }

    /// For the log at the start.
    pub fn describe(&self) -> String {
        self.livekit.as_ref().map_or_else(String::clone, |livekit| format!("LiveKit server {}", livekit.url))
    }

    fn livekit(&self) -> Result<&LiveKit, Refusal> {
        self.livekit.as_ref().map_err(|missing| Refusal::Because(StatusCode::SERVICE_UNAVAILABLE, missing.clone()))
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Arc<Avatar>>> {
        self.avatars.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn remember(avatars: &mut VecDeque<Arc<Avatar>>, avatar: &Arc<Avatar>) {
        if avatars.len() >= KEPT {
            let oldest = avatars.iter().position(|avatar| !avatar.is_active()).unwrap_or(0);
            avatars.remove(oldest);
        }
        avatars.push_back(avatar.clone());
    }

    /// The avatar of a room that a token is asked for, if it has to be started now.
    fn enter(&self, room: &str, job: &str) -> Option<Arc<Avatar>> {
        let mut avatars = self.lock();
        let is_its = |avatar: &&Arc<Avatar>| avatar.room == room && matches!(avatar.asked, Asked::Token { .. });
        if let Some(avatar) = avatars.iter().rev().find(is_its) {
            let mut standing = avatar.look();
            match *standing {
                Standing::Starting | Standing::On(_) => return None,
                Standing::Failed => {
                    *standing = Standing::Starting;
                    return Some(avatar.clone());
                }
                Standing::Completed => {}
            }
        }
        let avatar = Avatar::new(room, room, Asked::Token { job: job.into() });
        Rapido::remember(&mut avatars, &avatar);
        Some(avatar)
    }
}

/// The session of a lesson, in its LiveKit room; one that is there already is taken.
fn begin_lesson(
    sessions: &Arc<Sessions>,
    lesson: &str,
    livekit: &str,
    deck: impl FnOnce() -> Result<PathBuf, CreateError>,
) -> Result<Arc<Session>, CreateError> {
    if let Some(session) = sessions.find(lesson).filter(|session| session.is_in_livekit()) {
        return Ok(session);
    }
    sessions.create_for_livekit(deck()?, lesson, livekit, Vec::new(), ())
}

async fn token(Shared(app): Shared<Arc<App>>, access: Access, body: Bytes) -> Result<Json<Value>, Refusal> {
    let body = object(&body)?;
    let mut fields = Fields::of("body", &body);
    let (lesson, job) = (fields.name("lessonId"), fields.text("videoJobId"));
    let (user, session) = (fields.text("userId"), fields.text("sessionId"));
    for name in ["documentId", "organizationId", "authToken", "captureUrl"] {
        fields.text(name);
    }
    fields.check()?;
    access.may(lesson)?;
    let livekit = app.compat.rapido.livekit()?;
    let head = |text: &str| text.chars().take(8).collect::<String>();
    let claims = LiveKitClaims::viewer(&livekit.key, lesson, &format!("user_{}_{}", head(user), head(session)), TTL);
    let token = sign(&claims, None, livekit.secret.as_bytes())
        .map_err(|error| Refusal::Because(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))?;
    if let Some(avatar) = app.compat.rapido.enter(lesson, job) {
        let (app, url) = (app.clone(), livekit.url.clone());
        let begin = move |app: &App, room: &str| begin_lesson(&app.sessions, room, &url, || app.sessions.lesson_of(room));
        // The viewer does not wait for it.
        tokio::task::spawn_blocking(move || avatar.start(&app.journal, || begin(&app, &avatar.room)));
    }
    Ok(Json(json!({ "room": lesson, "serverUrl": livekit.url, "token": token })))
}

async fn rooms(Shared(app): Shared<Arc<App>>, access: Access) -> Json<Value> {
    let mut rooms = Map::new();
    for avatar in app.compat.rapido.lock().iter() {
        let Asked::Token { job } = &avatar.asked else { continue };
        let over = matches!(*avatar.look(), Standing::Completed);
        if !over && access.may(&avatar.room).is_ok() {
            let room = json!({
                "lesson_id": avatar.room, "video_job_id": job, "avatar_active": avatar.is_active(), "created_at": avatar.created_at(),
                "session_id": avatar.session_id,
            });
            rooms.insert(avatar.room.clone(), room);
        }
    }
    Json(json!({ "total_rooms": rooms.len(), "active_rooms": rooms }))
}

async fn status(Shared(app): Shared<Arc<App>>, access: Access, Path(id): Path<String>) -> Result<Json<Value>, Refusal> {
    let found = app.compat.rapido.lock().iter().find(|avatar| avatar.session_id == id).cloned();
    let avatar = found.ok_or_else(|| Refusal::Because(StatusCode::NOT_FOUND, format!("there is no session \"{id}\"")))?;
    access.may(&avatar.room)?;
    let identity = match &avatar.asked {
        Asked::Text { identity } => Some(identity),
        Asked::Token { .. } => None,
    };
    Ok(Json(json!({
        "session_id": avatar.session_id, "room": avatar.room, "identity": identity, "status": avatar.status(), "created_at": avatar.created_at(),
    })))
}

async fn present(Shared(app): Shared<Arc<App>>, access: Access, Query(query): Query<Map<String, Value>>) -> Result<Json<Value>, Refusal> {
    let mut fields = Fields::of("query", &query);
    let (room, identity, text) = (fields.name("room"), fields.name("identity"), fields.words("narration_text"));
    let face = if query.contains_key("avatar_name") { fields.name("avatar_name") } else { "default" };
    fields.check()?;
    access.may(room)?;
    let url = app.compat.rapido.livekit()?.url.clone();
    let avatar = Avatar::new(room, &format!("{room}_{identity}"), Asked::Text { identity: identity.into() });
    let (text, set) = (text.to_string(), vec![("avatar".to_string(), face.to_string())]);
    let (its, of) = (avatar.clone(), app.clone());
    let make = move || {
        let unwritten = |error: std::io::Error| {
            CreateError::Invalid(format!("the text cannot be kept in {}: {error}", of.compat.rapido.folder.display()))
        };
        let lesson = Plain::write(&of.compat.rapido.folder, &its.room, &text).map_err(unwritten)?;
        of.sessions.create_for_livekit(lesson.lesson(), &its.room, &url, set, lesson)
    };
    let (its, of) = (avatar.clone(), app.clone());
    let started = tokio::task::spawn_blocking(move || its.start(&of.journal, make)).await;
    started.map_err(|error| Refusal::Because(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))?.map_err(not_started)?;
    Rapido::remember(&mut app.compat.rapido.lock(), &avatar);
    Ok(Json(json!({
        "session_id": avatar.session_id, "status": "starting", "message": format!("the avatar comes into the room \"{room}\" and speaks"),
    })))
}

fn not_started(error: CreateError) -> Refusal {
    let status = match error {
        CreateError::Exists(_) => StatusCode::CONFLICT,
        CreateError::Busy(_) => StatusCode::SERVICE_UNAVAILABLE,
        CreateError::Lesson(_) => StatusCode::NOT_FOUND,
        CreateError::Invalid(_) => StatusCode::BAD_REQUEST,
    };
    Refusal::Because(status, error.to_string())
}

/// The paths of the service.
pub fn routes(app: &Arc<App>) -> Router<Arc<App>> {
    let routes = Router::new()
        .route("/api/v1/livekit/token", post(token))
        .route("/api/v1/livekit/token/", post(token))
        .route("/api/v1/rooms/status", get(rooms))
        .route("/api/v1/sessions/{id}/status", get(status))
        .route("/api/v1/presentations/start", post(present));
    let routes = if app.service.is_some() { routes.merge(lessons::routes(app)) } else { routes };
    door::pages(routes, app.compat.rapido.door.clone())
}
