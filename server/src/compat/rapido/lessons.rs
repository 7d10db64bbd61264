//! The lesson service of the "Rapido" system, version 2.0: a lesson is worked through while its client waits, and looked at, followed and
//! stopped meanwhile.
//!
//! A lesson is a job of the kind `lesson` that is titled by the lesson's id: its voice, its film, and where it is wished, a session in its
//! LiveKit room afterwards. What is called a session there is what the ledger says of the newest job of that title. A lesson that cannot work
//! is answered with status 200 and `success: false`, as in the original, whose clients look there.

mod wish;

use super::access::{Access, Session};
use super::begin_lesson;
use crate::compat::fastapi::{Refusal, object};
use crate::compat::{aside, service};
use crate::folders::Folders;
use crate::http::{App, Closing, Level, PROTOCOL, close, send};
use crate::jobs::JobsError;
use crate::ledger::{Job, JobId, JobQuery, JobState, Timestamp};
use crate::limits::{Rule, enforce};
use crate::service::Service;
use axum::body::Bytes;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, State as Shared};
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use axum::routing::{any, get, post};
use axum::{Json, Router};
use plugins::lesson::is_id;
use plugins::models;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::time::Duration;
use wish::{Fault, Wish};

/// The kind of its jobs.
const KIND: &str = "lesson";
/// So many lessons are at work at once.
const AT_ONCE: u64 = 3;
/// States of those that are.
const AT_WORK: [JobState; 2] = [JobState::Pending, JobState::Processing];
/// Sessions that are looked through.
const LOOKED_AT: u32 = 1000;
/// How often those who follow a lesson are told.
const EVERY: Duration = Duration::from_secs(5);
/// Followers say nothing.
const LONGEST: usize = 4 << 10;

/// The paths of the service.
pub fn routes(app: &Arc<App>) -> Router<Arc<App>> {
    Router::new()
        .route("/process_lesson", post(process).layer(from_fn_with_state(app.limits.on(Rule::Lesson), enforce)))
        .route("/status", get(status))
        .route("/sessions", get(sessions))
        .route("/sessions/{id}", get(session).delete(stop))
        .route("/ws/lesson/{id}", any(follow))
}

pub(super) async fn process(Shared(app): Shared<Arc<App>>, access: Access, body: Bytes) -> Result<Json<Value>, Refusal> {
    let service = service(&app)?;
    let body = object(&body)?;
    let wish = Wish::read(&body)?;
    if !is_id(&wish.lesson) {
        let text = format!("{:?} is no lesson id; use 1 to 64 letters, digits, _ and -", wish.lesson);
        return Ok(refused(&wish.lesson, &Fault { kind: "SecurityError", text }));
    }
    access.may(&wish.lesson)?;
    must_have_room(&service)?;
    service.make_room(0).await?;
    let who = (access.owner().map(String::from), access.name().map(String::from));
    let prepared = aside({
        let (app, service, wish) = (app.clone(), service.clone(), wish.clone());
        move || wish.prepare(&app, service.jobs.folders(), who)
    });
    let spec = match prepared.await? {
        Ok(spec) => spec,
        Err(fault) => {
            app.journal.backend_at(Level::Error, &wish.lesson, ("lesson_refused", &fault.text), None);
            return Ok(refused(&wish.lesson, &fault));
        }
    };
    let id = {
        let _alone = app.compat.rapido.taking.lock().await;
        if let Err(refusal) = must_have_room(&service) {
            service.jobs.folders().remove(spec.id).map_err(JobsError::Files)?;
            return Err(refusal);
        }
        service.jobs.submit(spec).await?.0
    };
    app.journal.backend(&wish.lesson, "lesson_begun", &format!("as the job {id}"), None);
    // Whether its client still waits or not, it is brought to its end.
    let done = tokio::spawn(async move { finish(&app, &service, id, &wish).await }).await;
    done.map_err(|error| Refusal::failed(&error))?.map(Json)
}

fn refused(lesson: &str, Fault { kind, text }: &Fault) -> Json<Value> {
    Json(json!({ "success": false, "lesson_id": lesson, "error": text, "error_type": kind }))
}

/// Waits for the end of a lesson, and gives it in its room if that is wished.
async fn finish(app: &Arc<App>, service: &Arc<Service>, id: JobId, wish: &Wish) -> Result<Value, Refusal> {
    let ending = || Refusal::Because(StatusCode::SERVICE_UNAVAILABLE, "the server is ending; the lesson goes on at its next start".into());
    let job = tokio::select! {
        job = service.jobs.wait(id) => job?,
        () = service.closing() => return Err(ending()),
    };
    let fault = match (job.state, &job.error) {
        (JobState::Completed, _) if wish.livekit => give(app, service, &job).await?.err(),
        (JobState::Completed, _) => None,
        (_, Some(error)) => Some(Fault { kind: "ProcessingError", text: error.text() }),
        (..) => Some(Fault { kind: "Stopped", text: "the lesson has been stopped".into() }),
    };
    let seconds = job.finished_at.unwrap_or_else(Timestamp::now).since(job.created_at).as_secs_f64();
    let (level, told) = match &fault {
        None => (Level::Info, ("lesson_done", "")),
        // Somebody wanted it so.
        Some(fault) if job.state == JobState::Cancelled => (Level::Info, ("lesson_failed", fault.text.as_str())),
        Some(fault) => (Level::Error, ("lesson_failed", fault.text.as_str())),
    };
    app.journal.backend_at(level, &job.title, told, Some(json!({ "processing_seconds": seconds })));
    let of = |member: &str| if job.state == JobState::Completed { job.spec[member].clone() } else { json!(0) };
    Ok(json!({
        "success": fault.is_none(), "lesson_id": job.title, "processing_time": seconds, "slides_processed": of("slides"),
        "audio_segments": of("audio_segments"), "error": fault.as_ref().map(|fault| &fault.text),
        "error_type": fault.as_ref().map(|fault| fault.kind), "session_id": token(app, &job), "job_id": job.id,
    }))
}

/// Begins the session of a lesson in its LiveKit room; its speech is made already.
async fn give(app: &Arc<App>, service: &Arc<Service>, job: &Job) -> Result<Result<(), Fault>, Refusal> {
    let (app, lesson) = (app.clone(), job.title.clone());
    let deck = service.jobs.folders().work(job.id).join(Folders::INPUT).join(wish::LESSON);
    let given = move || {
        let livekit = app.compat.rapido.livekit.as_ref().map_err(String::clone)?;
        begin_lesson(&app.sessions, &lesson, &livekit.url, || Ok(deck)).map_err(|error| error.to_string())
    };
    Ok(aside(given).await?.map(drop).map_err(|text| Fault { kind: "LiveKitError", text }))
}

/// There is room for one more lesson.
fn must_have_room(service: &Service) -> Result<(), Refusal> {
    if jobs(service, &AT_WORK, 1)?.total < AT_ONCE {
        return Ok(());
    }
    let text = format!("{AT_ONCE} lessons are at work, and there is no room for another; wait for one of them, or stop it");
    Err(Refusal::Because(StatusCode::CONFLICT, text))
}

fn jobs(service: &Service, states: &[JobState], limit: u32) -> Result<crate::ledger::Page, Refusal> {
    Ok(service.jobs.list(&JobQuery { states: states.to_vec(), kinds: vec![KIND.into()], limit, ..JobQuery::default() })?)
}

/// The newest job of each lesson that may be seen, the newest first.
fn seen(service: &Service, access: &Access, lesson: Option<&str>) -> Result<Vec<Job>, Refusal> {
    let text = lesson.map(String::from);
    let query = access.narrow(JobQuery { kinds: vec![KIND.into()], text, limit: LOOKED_AT, ..JobQuery::default() });
    let mut found: Vec<Job> = Vec::new();
    for job in service.jobs.list(&query)?.jobs {
        let is_asked_for = lesson.is_none_or(|lesson| lesson == job.title);
        if is_asked_for && access.sees(&job) && !found.iter().any(|newer| newer.title == job.title) {
            found.push(job);
        }
    }
    Ok(found)
}

fn find(service: &Service, access: &Access, lesson: &str) -> Result<Job, Refusal> {
    let missing = || Refusal::Because(StatusCode::NOT_FOUND, format!("there is no session of a lesson \"{lesson}\""));
    seen(service, access, Some(lesson))?.into_iter().next().ok_or_else(missing)
}

/// A session as its clients know it.
fn view(job: &Job) -> Value {
    let (status, end) = match job.state {
        JobState::Pending | JobState::Processing => ("processing", "completed_at"),
        JobState::Completed => ("completed", "completed_at"),
        JobState::Failed => ("failed", "completed_at"),
        JobState::Cancelled => ("stopped", "stopped_at"),
    };
    let mut view = json!({ "started_at": job.created_at, "status": status, "job_id": job.id, "percent": job.percent() });
    if let Some(at) = job.finished_at {
        view[end] = json!(at);
    }
    if let Some(error) = &job.error {
        view["error"] = json!(error.detail);
    }
    view
}

/// What opens a session to whoever has it.
fn token(app: &App, job: &Job) -> Option<String> {
    Session::token(app.compat.rapido.door.secret(), &job.title, job.spec["user_id"].as_str(), job.created_at)
}

async fn sessions(Shared(app): Shared<Arc<App>>, access: Access) -> Result<Json<Value>, Refusal> {
    let service = service(&app)?;
    let found = aside(move || seen(&service, &access, None)).await??;
    let sessions: Map<String, Value> = found.iter().map(|job| (job.title.clone(), view(job))).collect();
    Ok(Json(json!({ "total_sessions": sessions.len(), "active_sessions": sessions, "timestamp": Timestamp::now() })))
}

async fn session(Shared(app): Shared<Arc<App>>, access: Access, Path(lesson): Path<String>) -> Result<Json<Value>, Refusal> {
    let job = find(&*service(&app)?, &access, &lesson)?;
    let mut info = view(&job);
    if let Some(token) = token(&app, &job) {
        info["session_id"] = json!(token);
    }
    Ok(Json(json!({ "lesson_id": lesson, "session_info": info, "timestamp": Timestamp::now() })))
}

/// Stops a lesson that is at work or being given; one that is neither any more is forgotten, with what was made of it.
async fn stop(Shared(app): Shared<Arc<App>>, access: Access, Path(lesson): Path<String>) -> Result<Json<Value>, Refusal> {
    let service = service(&app)?;
    let job = find(&service, &access, &lesson)?;
    access.may(&lesson)?;
    let (live, room) = (app.clone(), lesson.clone());
    let ended = aside(move || live.sessions.find(&room).is_some_and(|session| session.is_in_livekit()) && live.sessions.end(&room)).await?;
    let at_work = !job.state.is_over();
    match at_work {
        true => drop(service.jobs.cancel(job.id).await?),
        false => service.delete(job.id).await?,
    }
    let stopped = at_work || ended;
    let message = if stopped { format!("the lesson {lesson} has been stopped") } else { format!("the lesson {lesson} is forgotten") };
    app.journal.backend(&lesson, if stopped { "lesson_stopped" } else { "lesson_forgotten" }, "", None);
    Ok(Json(json!({ "message": message, "stopped": stopped, "timestamp": Timestamp::now() })))
}

/// What is going on, as far as it may be seen.
fn standing(service: &Service, access: &Access) -> Result<Value, Refusal> {
    let working = jobs(service, &AT_WORK, LOOKED_AT)?;
    let current = working.jobs.iter().find(|job| access.sees(job)).map(|job| &job.title);
    let count = |state| jobs(service, &[state], 1).map(|page| page.total);
    Ok(json!({
        "is_processing": working.total > 0, "current_lesson_id": current,
        "processing_stats": {
            "lessons_processed": count(JobState::Completed)?, "errors_encountered": count(JobState::Failed)?, "lessons_at_work": working.total,
        },
    }))
}

/// Which parts are there: speech and presenter are Lectern's own.
fn parts(app: &App) -> Value {
    let voice = models::locate(&format!("voice:{}", models::DEFAULT_VOICE)).is_ok();
    json!({ "tts_service": voice, "synctalk_service": true, "livekit_service": app.compat.rapido.livekit.is_ok() })
}

pub(super) async fn status(Shared(app): Shared<Arc<App>>, access: Access) -> Result<Json<Value>, Refusal> {
    let mut status = standing(&*service(&app)?, &access)?;
    status["status"] = json!("operational");
    status["application_initialized"] = json!(true);
    status["services_status"] = parts(&app);
    status["timestamp"] = json!(Timestamp::now());
    Ok(Json(status))
}

async fn follow(
    Shared(app): Shared<Arc<App>>,
    access: Access,
    Path(lesson): Path<String>,
    ws: WebSocketUpgrade,
) -> Result<Response, Refusal> {
    access.may(&lesson)?;
    let service = service(&app)?;
    Ok(ws.protocols([PROTOCOL]).max_message_size(LONGEST).on_upgrade(move |mut socket| async move {
        let closing = tell(&app, &service, &access, &lesson, &mut socket).await;
        close(socket, closing).await;
    }))
}

/// Tells a follower how things stand, at once and then every few seconds, until it goes or the server ends.
async fn tell(app: &App, service: &Service, access: &Access, lesson: &str, socket: &mut WebSocket) -> Closing {
    let mut every = tokio::time::interval(EVERY);
    let mut kind = "status";
    loop {
        tokio::select! {
            _ = every.tick() => {
                if let Err(error) = access.still_holds(app) {
                    return error.into();
                }
                let Ok(mut data) = standing(service, access) else { return Closing::new(1011, "the server cannot read what it keeps") };
                if kind == "status" {
                    data["application_initialized"] = json!(true);
                    data["configuration"] = json!({ "lessons_at_once": AT_ONCE, "update_seconds": EVERY.as_secs() });
                    data["services_initialized"] = parts(app);
                }
                let message = json!({ "type": kind, "lesson_id": lesson, "data": data, "timestamp": Timestamp::now() });
                if let Err(closing) = send(socket, Message::Text(message.to_string().into())).await {
                    return closing;
                }
                kind = "update";
            }
            frame = socket.recv() => match frame {
                Some(Ok(Message::Close(_)) | Err(_)) | None => return Closing::new(1000, ""),
                Some(Ok(_)) => {}
            },
            () = service.closing() => return Closing::new(1001, "the server is ending"),
        }
    }
}
