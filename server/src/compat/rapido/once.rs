//! One lesson, or one look at how the service is, for whoever begins a server just for that: the command line of the original.

use super::access::Access;
use super::lessons;
use crate::compat::fastapi::Refusal;
use crate::http::App;
use crate::live::State;
use axum::Json;
use axum::extract::State as Shared;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// How often it is looked whether a lesson that is given in its room is over.
const LOOK: Duration = Duration::from_millis(200);

/// What `POST /process_lesson` answers for the lesson of this id, in the file of this name below the folder of lesson files; without one it is
/// the lesson of that name in the lessons' folder. Where there is a LiveKit server it is given in its room, and comes back when it is over there.
///
/// # Errors
/// The service does not take it.
pub async fn process(app: &Arc<App>, lesson: &str, file: Option<&str>) -> Result<Value, String> {
    let in_room = app.settings.livekit.url.is_some() && !app.settings.test_mode;
    let wish = json!({ "lesson_id": lesson, "slide_data_path": file, "enable_livekit": in_room });
    let Json(answer) = lessons::process(Shared(app.clone()), Access::Open, wish.to_string().into()).await.map_err(text)?;
    let Some(service) = &app.service else { return Ok(answer) };
    while app.sessions.find(lesson).is_some_and(|session| session.state() != State::Ended) {
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            () = service.closing() => break,
        }
    }
    Ok(answer)
}

/// What `GET /status` answers.
///
/// # Errors
/// The server cannot read what it keeps.
pub async fn status(app: &Arc<App>) -> Result<Value, String> {
    lessons::status(Shared(app.clone()), Access::Open).await.map(|Json(answer)| answer).map_err(text)
}

fn text(refusal: Refusal) -> String {
    match refusal {
        Refusal::Invalid(faults) => Value::Array(faults).to_string(),
        Refusal::Because(_, text) => text,
    }
}
