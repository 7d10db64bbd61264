//! The service of the "SlideSpeaker" system: slides and PDF to narrated films, for many users with accounts.
//!
//! A task is a job of the ledger whose stages have the names of that system's steps, so all that holds for jobs holds for tasks: they
//! outlive the server, are cancelled at once and tried again from a step. What a step needs and is not here (a model that looks at
//! pictures, a service that translates) is skipped with a note, and the task goes on without it. A podcast is
//! a conversation of two about a document; of a recording it is the recording itself, as loud as the others.
//!
//! Tasks belong to whoever sent the file; somebody else's are not there.

mod accounts;
mod files;
mod languages;
mod media;
mod options;
mod query;
mod refused;
mod service;
mod session;
mod steps;
mod tasks;
mod upload;
mod view;
mod voices;

use super::door::{self, Door};
use crate::http::App;
use crate::ledger::{Job, JobQuery};
use crate::limits::{self, Rule};
use crate::service::Service;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{delete, get, post};
use files::Files;
use refused::Refused;
use service::Figures;
use std::sync::Arc;

/// The kind of its jobs.
const KIND: &str = "slidespeaker";

/// See the module docs.
pub struct Slidespeaker {
    door: Arc<Door>,
    /// What stands before its paths.
    base: String,
    figures: Figures,
    /// Held by whoever changes what files there are: between the look at a file and the task that uses it nobody removes it.
    changing: tokio::sync::Mutex<()>,
}

impl Slidespeaker {
    /// Behind a door, at a base path.
    pub fn new(door: Arc<Door>, base: &str) -> Slidespeaker {
        Slidespeaker { door, base: base.into(), figures: Figures::default(), changing: Default::default() }
    }

    /// Where a task is.
    fn place(&self, job: &Job) -> String {
        format!("{}/api/tasks/{}", self.base, job.id)
    }
}

/// Forgets files whose last task has been forgotten.
pub async fn tidy(app: &App, service: &Service) {
    let _changing = app.compat.slidespeaker.changing.lock().await;
    let jobs = service.jobs.clone();
    let is_used = move |checksum: &str| {
        let (kinds, text) = (vec![KIND.to_string()], Some(checksum.to_string()));
        // A ledger that cannot be read says nothing against it.
        jobs.list(&JobQuery { kinds, text, limit: 1, ..JobQuery::default() }).map_or(true, |users| users.total > 0)
    };
    if let Err(error) = Files::of(service).sweep(is_used).await {
        tracing::warn!(?error, "files that no task uses were not removed");
    }
}

/// Does what may take a while where no other request waits for it.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Refused> {
    tokio::task::spawn_blocking(work).await.map_err(|error| Refused::failed(&error))
}

/// The paths of the service.
pub fn routes(app: &Arc<App>) -> Router<Arc<App>> {
    let limited = |rule: Rule| from_fn_with_state(app.limits.on(rule), limits::enforce);
    let open = Router::new()
        .route("/api/health", get(service::health))
        .route("/api/metrics/health", get(service::figures_health))
        .route("/api/auth/register", post(accounts::register).layer(limited(Rule::Register)))
        .route("/api/auth/login", post(accounts::login).layer(limited(Rule::Login)))
        .route("/api/auth/oauth/google", post(accounts::google).layer(limited(Rule::Login)));
    let task = Router::new()
        .route("/", get(tasks::show))
        .route("/status", get(tasks::status).layer(limited(Rule::Status)))
        .route("/progress", get(tasks::progress))
        .route("/cancel", post(tasks::cancel).layer(limited(Rule::Cancel)))
        .route("/retry", post(tasks::retry))
        .route("/delete", delete(tasks::delete))
        .route("/downloads", get(media::downloads))
        .route("/preview", get(media::preview))
        .route("/video", get(media::video))
        .route("/video/download", get(media::video_saved))
        .route("/audio", get(media::audio))
        .route("/audio/download", get(media::audio_saved))
        .route("/audio/{index}", get(media::slide_audio))
        .route("/subtitles/vtt", get(media::vtt))
        .route("/subtitles/vtt/download", get(media::vtt_saved))
        .route("/subtitles/srt", get(media::srt))
        .route("/subtitles/srt/download", get(media::srt_saved))
        .route("/transcripts/markdown", get(media::transcript))
        .route("/transcripts/markdown/download", get(media::transcript_saved))
        .route("/podcast", get(media::podcast))
        .route("/podcast/download", get(media::podcast_saved))
        .route("/podcast/script", get(media::podcast_script))
        .route("/podcast/subtitles", get(media::podcast_subtitles));
    let guarded = Router::new()
        .route("/api/upload", post(upload::upload).layer(DefaultBodyLimit::disable()).layer(limited(Rule::Upload)))
        .route("/api/uploads", get(upload::list))
        .route("/api/files/{file_id}/run", post(upload::run).layer(limited(Rule::Upload)))
        .route("/api/tasks", get(tasks::list))
        .route("/api/tasks/search", get(tasks::search))
        .route("/api/tasks/statistics", get(tasks::statistics))
        .nest("/api/tasks/{id}", task)
        .route("/api/users/me", get(accounts::me).patch(accounts::change))
        .route("/api/languages", get(service::languages))
        .route("/api/tts/voices", get(service::voices))
        .route("/api/tts/catalog", get(service::catalogue))
        .route("/api/llm/models", get(service::models))
        .route("/api/metrics/prometheus", get(service::prometheus))
        .route("/api/admin/tasks/{id}/set_type", post(tasks::set_type))
        .layer(from_fn_with_state(app.clone(), session::let_in));
    let counted = open.merge(guarded).layer(from_fn_with_state(app.clone(), service::count));
    door::pages(counted, app.compat.slidespeaker.door.clone())
}
