//! The pipeline of the "video message" system: a picture of somebody and a recording become a film in which the one speaks the other.
//!
//! A task is a job of the kind `video_message`; what is told of it while it goes on and afterwards is what the ledger says, in the words of
//! the other system ([`progress`]). Its first step finds the person in the picture. No model that can is part of Lectern yet: so every task
//! fails there, and says so.

mod figures;
mod progress;
mod storage;

use super::door::{self, Door, Visitor};
use super::fastapi::{Fields, Refusal};
use super::form::{FileField, Form, FormError};
use super::{aside, service};
use crate::artifacts::Piece;
use crate::folders::{Folders, link};
use crate::guard::Need;
use crate::http::App;
use crate::jobs::{JobSpec, JobsError};
use crate::ledger::{Job, JobId, JobState, Timestamp};
use crate::limits::{Rule, enforce};
use crate::service::Service;
use crate::uploads::UploadError;
use crate::uploads::kind::{PICTURES, SOUNDS};
use crate::worker::Task;
use axum::extract::{DefaultBodyLimit, Path, Request, State as Shared};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use axum::{Extension, Json, Router};
pub use figures::Figures;
use progress::Standing;
use serde_json::{Value, json};
use std::sync::Arc;

/// The kind of its jobs.
const KIND: &str = "video_message";
/// The files of a form.
const PICTURE: &str = "image";
const RECORDING: &str = "audio";

/// See the module docs.
pub struct VideoMessage {
    door: Arc<Door>,
}

impl VideoMessage {
    /// Behind a door.
    pub fn new(door: Arc<Door>) -> VideoMessage {
        VideoMessage { door }
    }

    /// May whoever sends these headers see how the server's jobs do in all?
    pub fn shows_figures(&self, app: &App, headers: &HeaderMap) -> bool {
        app.settings.adapters.video_message.enabled && self.door.lets_in(&app.auth, headers)
    }
}

/// The paths of the pipeline.
pub fn routes(app: &Arc<App>) -> Router<Arc<App>> {
    let routes = Router::new()
        .route("/api/pipeline/generate", post(generate).layer(DefaultBodyLimit::disable()))
        .route("/api/pipeline/status/{id}", get(status))
        .route("/api/pipeline/storage/stats", get(stats))
        .route("/api/pipeline/progress/{id}", any(progress::socket))
        .route("/api/pipeline/progress/{id}/sse", get(progress::events));
    // At the root the server's own page has them.
    let has_own = !app.settings.adapters.video_message.base_path.is_empty();
    let routes = if has_own { routes.route("/metrics", get(metrics)) } else { routes };
    let routes = routes.layer(from_fn_with_state(app.limits.on(Rule::Pipeline), enforce));
    door::guarded(routes, app, app.compat.video_message.door.clone())
}

async fn generate(Shared(app): Shared<Arc<App>>, Extension(visitor): Extension<Visitor>, request: Request) -> Result<Json<Value>, Refusal> {
    let service = service(&app)?;
    service.make_room(0).await?;
    let bytes = app.settings.http.upload.0;
    let files = [FileField { name: PICTURE, bytes, kinds: PICTURES }, FileField { name: RECORDING, bytes, kinds: SOUNDS }];
    let form = Form::read(request, &files, &service.jobs.folders().uploads()).await.map_err(refused)?;
    let mut fields = Fields::of("body", &form.texts);
    let wish = json!({
        "conf_threshold": fields.number("conf_threshold", 0.5, 0.0..=1.0), "iou_threshold": fields.number("iou_threshold", 0.45, 0.0..=1.0),
        "selected_person_id": fields.whole("selected_person_id"), "apply_smoothing": fields.switch("apply_smoothing", true),
    });
    for name in [PICTURE, RECORDING] {
        fields.file(name, form.files.contains_key(name));
    }
    fields.check()?;
    let spec = JobSpec { owner: visitor.owner().map(String::from), spec: wish, ..JobSpec::new(KIND, "Video message") };
    let what = "there is no model here yet that finds the person in a picture";
    let cure = "let one of Lectern's own presenters speak, as `lectern avatars` lists them";
    let detection = Task::OnDevice { need: Need::Detection, task: Task::Lack { what: what.into(), cure: cure.into() }.into() };
    let spec = spec.stage("detection", "Finding the person", 20.0, detection);
    let (folders, id) = (service.jobs.folders(), spec.id);
    if let Err(error) = keep(folders, id, &form) {
        folders.remove(id).map_err(JobsError::Files)?;
        return Err(error.into());
    }
    let (id, _) = service.jobs.submit(spec).await?;
    let job = tokio::select! {
        job = service.jobs.wait(id) => job?,
        () = service.closing() => service.jobs.job(id)?,
    };
    Ok(Json(result(&job)))
}

/// Puts what was sent into the job's folder, under the names that the other system has for it.
fn keep(folders: &Folders, id: JobId, form: &Form) -> Result<(), JobsError> {
    let input = folders.input(id)?;
    for (name, upload) in &form.files {
        let piece = if *name == PICTURE { Piece::Original } else { Piece::Audio };
        link(upload.path(), &input.join(piece.name_with(&id.to_string(), upload.kind.ending())))?;
    }
    Ok(())
}

/// A file that is none of what it has to be is a bad request there.
fn refused(error: FormError) -> Refusal {
    match &error {
        FormError::File(_, UploadError::Kind { .. }) => Refusal::Because(StatusCode::BAD_REQUEST, error.to_string()),
        _ => error.into(),
    }
}

/// A task that is over, as its client knows it; a failure is no HTTP error there.
fn result(job: &Job) -> Value {
    let standing = Standing::of(job);
    let seconds = job.finished_at.unwrap_or_else(Timestamp::now).since(job.created_at).as_secs_f64();
    let is_done = job.state == JobState::Completed;
    json!({
        "task_id": job.id, "success": is_done, "video_url": null, "error": (!is_done).then_some(&standing.message),
        "execution_time_ms": (seconds * 1000.0).round(), "stages_completed": progress::completed(job), "metadata": job.spec,
    })
}

/// A task of the visitor's.
fn find(service: &Service, visitor: &Visitor, id: &str) -> Result<Job, Refusal> {
    let missing = || Refusal::Because(StatusCode::NOT_FOUND, format!("there is no task {id:?}"));
    let job = match service.jobs.job(id.parse().map_err(|_| missing())?) {
        Err(JobsError::Unknown(_)) => return Err(missing()),
        found => found?,
    };
    if job.kind == KIND && visitor.may_see(job.owner.as_deref()) { Ok(job) } else { Err(missing()) }
}

async fn status(
    Shared(app): Shared<Arc<App>>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let job = find(&*service(&app)?, &visitor, &id)?;
    let Standing { stage, percent, message } = Standing::of(&job);
    let at = job.finished_at.or(job.started_at).unwrap_or(job.created_at);
    Ok(Json(json!({ "task_id": job.id, "stage": stage, "progress_percent": percent, "message": message, "timestamp": at })))
}

async fn stats(Shared(app): Shared<Arc<App>>) -> Result<Json<Value>, Refusal> {
    let service = service(&app)?;
    let (_, kept) = service.storage.count().await?;
    let stats = move || storage::stats(service.jobs.folders().root(), &app.settings, &kept).map_err(JobsError::Files);
    Ok(Json(aside(stats).await??))
}

async fn metrics(Shared(app): Shared<Arc<App>>) -> Result<Response, Refusal> {
    let service = service(&app)?;
    let text = Figures::of(&service).await?.text();
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::uploads::{Rules, receive};
    use bytes::Bytes;
    use futures_util::stream;
    use std::collections::BTreeMap;
    use std::convert::Infallible;

    #[tokio::test]
    async fn what_was_sent_has_the_names_of_the_other_system() {
        let home = tempfile::tempdir().unwrap();
        let folders = Folders::open(home.path()).unwrap();
        let sent = async |head: &[u8]| {
            let bytes = stream::iter([Ok::<_, Infallible>(Bytes::from([head, &[0; 64]].concat()))]);
            let kinds = [PICTURES, SOUNDS].concat();
            receive(bytes, "sent", &Rules { folder: &folders.uploads(), bytes: 1000, kinds: &kinds }).await.unwrap()
        };
        let (jpeg, png): (&[u8], &[u8]) = (b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n");
        let (wav, flac): (&[u8], &[u8]) = (b"RIFF\x24\0\0\0WAVEfmt ", b"fLaC");
        for (picture, recording, names) in [(jpeg, wav, ["audio.wav", "original.jpg"]), (png, flac, ["audio.flac", "original.png"])] {
            let (id, files) = (JobId::new(), BTreeMap::from([(PICTURE, sent(picture).await), (RECORDING, sent(recording).await)]));
            keep(&folders, id, &Form { texts: Default::default(), files }).unwrap();
            let entries = std::fs::read_dir(folders.input(id).unwrap()).unwrap();
            let mut found: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
            found.sort();
            assert_eq!(found, names.map(|name| format!("{id}_{name}")));
        }
        assert_eq!(Piece::Original.name_with("7", ".jpg"), Piece::Original.name("7"));
    }
}
