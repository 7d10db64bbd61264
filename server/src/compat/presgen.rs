//! The training service of "PresGen": a script or a document becomes a film of somebody who speaks, of narrated slides, or of both.
//!
//! What is asked for becomes a job like any other: of a kind such as `training_video_only`, with the stages that the service's clients know,
//! to be followed, cancelled and tried again by the native API, too. The client of the later service waits for its film, and is known by the
//! names that it gives its fields.
//!
//! No model here learns a voice or a face from a film yet. The built-in ones stand in, and the job says so: [`record`] shows it as `notes`.

mod asked;
mod profiles;
mod record;
mod stages;
mod training;
mod voice;
mod wanted;

use super::aside;
use super::door::{self, Door, Visitor};
use super::fastapi::{Fields, Refusal};
use crate::guard;
use crate::http::{self, App};
use crate::jobs::{JobSpec, JobsError};
use crate::ledger::{Job, JobId, JobState};
use crate::report::Report;
use crate::service::Service;
use asked::Asked;
use axum::extract::{DefaultBodyLimit, FromRequestParts, Path, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Json, Router};
use profiles::{NewProfile, Profiles};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, PoisonError};
use sysinfo::{CpuRefreshKind, System};
use tokio::sync::Semaphore;
use voice::Voice;
use wanted::{Mode, QUALITIES, Wanted};

/// The film that a job publishes.
const FILM: &str = "film.mp4";

/// See the module docs.
pub struct Presgen {
    door: Arc<Door>,
    /// Films that are listened to at once.
    listening: Semaphore,
    machine: Mutex<Option<System>>,
}

impl Presgen {
    /// Behind a door.
    pub fn new(door: Arc<Door>) -> Presgen {
        let presgen = Presgen { door, listening: Semaphore::new(1), machine: Mutex::new(System::new().ok()) };
        // Load is told from one look to the next.
        presgen.resources();
        presgen
    }

    /// What of the machine is in use, whoever uses it.
    fn resources(&self) -> Value {
        let mut machine = self.machine.lock().unwrap_or_else(PoisonError::into_inner);
        let cpu = machine.as_mut().map(|system| {
            system.refresh_cpu_specifics(CpuRefreshKind::nothing().with_usage());
            f64::from(system.global_cpu_usage()).round()
        });
        let (used, all) = guard::memory();
        json!({ "cpu_percent": cpu, "memory_percent": (100.0 * used as f64 / all.max(1) as f64).round(), "memory_bytes": used })
    }
}

/// Somebody who asks a server that takes jobs.
struct Caller {
    app: Arc<App>,
    service: Arc<Service>,
    visitor: Visitor,
}

impl FromRequestParts<Arc<App>> for Caller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Caller, Refusal> {
        match (app.service.clone(), parts.extensions.get::<Visitor>().cloned()) {
            (Some(service), Some(visitor)) => Ok(Caller { app: app.clone(), service, visitor }),
            _ => Err(Refusal::Because(StatusCode::NOT_FOUND, "this server takes no jobs; start it with `lectern serve`".into())),
        }
    }
}

impl Caller {
    async fn read(&self, request: Request) -> Result<Asked, Refusal> {
        self.service.make_room(0).await?;
        Asked::read(request, self.app.settings.http.upload.0, &self.service.jobs.folders().uploads()).await
    }

    fn profiles(&self) -> Profiles {
        Profiles::new(self.service.jobs.folders().profiles())
    }

    /// A job of this service that the caller may see; any other is not there.
    fn find(&self, id: &str) -> Result<Job, Refusal> {
        let missing = || Refusal::Because(StatusCode::NOT_FOUND, format!("there is no job {id:?}"));
        let job = match self.service.jobs.job(id.parse().map_err(|_| missing())?) {
            Err(JobsError::Unknown(_)) => return Err(missing()),
            found => found?,
        };
        let is_its = job.kind == training::KIND || Mode::of(&job.kind).is_some();
        if is_its && self.visitor.may_see(job.owner.as_deref()) { Ok(job) } else { Err(missing()) }
    }

    /// Has a job begun that is made of what was sent; what of it is in its folder already goes where it makes no sense.
    async fn submit(&self, make: impl FnOnce(JobSpec, &std::path::Path) -> Result<JobSpec, Refusal>) -> Result<JobId, Refusal> {
        let folders = self.service.jobs.folders();
        let spec = JobSpec { owner: self.visitor.owner().map(String::from), ..JobSpec::new("", "") };
        let id = spec.id;
        let input = folders.input(id).map_err(JobsError::Files)?;
        let spec =
            make(spec, &input).or_else(|refusal| folders.remove(id).map_err(JobsError::Files).map_err(Refusal::from).and(Err(refusal)))?;
        Ok(self.service.jobs.submit(spec).await?.0)
    }

    /// Waits for the end of a job. It goes on whether somebody waits or not.
    async fn wait(&self, id: JobId) -> Result<Job, Refusal> {
        tokio::select! {
            job = self.service.jobs.wait(id) => Ok(job?),
            () = self.service.closing() => {
                let detail = format!("the server is ending; the job goes on at its next start: /training/status/{id}");
                Err(Refusal::Because(StatusCode::SERVICE_UNAVAILABLE, detail))
            }
        }
    }
}

/// One of the three modes.
async fn begin(mode: Mode, caller: Caller, request: Request) -> Result<Json<Value>, Refusal> {
    let asked = caller.read(request).await?;
    let waits = asked.is_later();
    let (wanted, voice) = Wanted::of(mode, asked)?;
    let voice = match Voice::find(voice.as_deref(), &caller.profiles(), &caller.visitor)? {
        Ok(voice) => voice,
        Err(unknown) if waits => return Ok(Json(record::refused(mode, &unknown))),
        Err(unknown) => return Err(Refusal::Because(StatusCode::BAD_REQUEST, unknown)),
    };
    let id = caller.submit(|spec, input| wanted.into_spec(spec, &voice, input)).await?;
    if !waits {
        return Ok(Json(json!({ "job_id": id, "status": "processing", "mode": mode.name() })));
    }
    Ok(Json(record::result(&caller.wait(id).await?, mode)))
}

async fn status(caller: Caller, Path(id): Path<String>) -> Result<Json<Value>, Refusal> {
    let job = caller.find(&id)?;
    let mut record = match Mode::of(&job.kind) {
        Some(mode) => record::job(&job, mode),
        None => training::record(&job, caller.app.compat.presgen.resources()),
    };
    let jobs = caller.service.jobs.clone();
    let report =
        aside(move || jobs.ledger().lately(&job.kind).map(|lately| Report::of(&job, &lately))).await?.map_err(JobsError::Ledger)?;
    record["report"] = json!(report);
    Ok(Json(record))
}

async fn download(caller: Caller, Path(id): Path<String>, method: Method, headers: HeaderMap) -> Result<Response, Refusal> {
    let job = caller.find(&id)?;
    if job.state != JobState::Completed {
        return Err(Refusal::Because(StatusCode::CONFLICT, format!("there is no film; the job is {}", job.state)));
    }
    Ok(http::answer(&caller.service, job.id, FILM, &method, &headers, Some(FILM)).await?)
}

/// A voice is to be learned from a film. What it takes for that is kept; until there is a model, the built-in voice speaks for it.
async fn clone_voice(caller: Caller, request: Request) -> Result<Json<Value>, Refusal> {
    let mut asked = caller.read(request).await?;
    let film = asked.files.remove("video_file");
    let mut fields = Fields::of("body", &asked.texts);
    fields.file("video_file", film.is_some());
    let (name, language) = (fields.words("profile_name").trim(), fields.maybe("language").unwrap_or("auto"));
    let is_long = name.chars().count() > profiles::LONGEST_NAME;
    fields.check()?;
    let Some(film) = film else { return Err(Refusal::Because(StatusCode::BAD_REQUEST, "there is no film".into())) };
    if is_long || !profiles::is_language(language) {
        let text = format!("profile_name has up to {} letters, and language is a tag such as en or auto", profiles::LONGEST_NAME);
        return Err(Refusal::Because(StatusCode::BAD_REQUEST, text));
    }
    let new = NewProfile { name: name.into(), language: language.into(), owner: caller.visitor.owner().map(String::from) };
    let _turn = caller.app.compat.presgen.listening.acquire().await.map_err(|closed| Refusal::failed(&closed))?;
    let error = caller.profiles().learn(new, film, &caller.service.jobs.folders().uploads()).await?.err();
    let note = error.is_none().then_some(voice::NO_MODEL);
    Ok(Json(json!({ "success": error.is_none(), "profile_name": name, "error": error, "note": note })))
}

async fn voice_profiles(caller: Caller) -> Result<Json<Value>, Refusal> {
    let profiles = caller.profiles();
    let all = aside(move || profiles.all()).await?.map_err(|error| Refusal::failed(&error))?;
    let seen: Vec<Value> = all.iter().filter(|profile| caller.visitor.may_see(profile.owner())).map(profiles::Profile::view).collect();
    Ok(Json(json!({ "profiles": seen })))
}

/// A script and a film are kept, and made into something when that is asked for.
async fn upload(caller: Caller, request: Request) -> Result<Json<Value>, Refusal> {
    let mut asked = caller.read(request).await?;
    let film = asked.files.remove("source_video");
    let mut fields = Fields::of("body", &asked.texts);
    let script = fields.words("script");
    let quality = fields.one_of("quality_level", &QUALITIES);
    fields.file("source_video", film.is_some());
    fields.check()?;
    let id = caller.submit(|spec, input| training::spec(JobSpec { held: true, ..spec }, script, film, quality, input)).await?;
    let created = caller.service.jobs.job(id)?.created_at;
    Ok(Json(json!({
        "job_id": id, "status": "uploaded", "message": format!("POST /training/generate/{id} begins"), "upload_time": created.0 as f64 / 1000.0,
    })))
}

async fn generate(caller: Caller, Path(id): Path<String>) -> Result<Json<Value>, Refusal> {
    let job = caller.find(&id)?;
    caller.service.jobs.start(job.id).await?;
    Ok(Json(json!({ "job_id": job.id, "status": "processing", "message": format!("/training/status/{} tells how far it is", job.id) })))
}

/// The same in one go, for a client that waits.
async fn present(caller: Caller, request: Request) -> Result<Json<Value>, Refusal> {
    let asked = caller.read(request).await?;
    let mut fields = Fields::of("body", &asked.texts);
    let script = fields.words("script");
    fields.check()?;
    let options = asked.texts.get("options").and_then(Value::as_object).cloned().unwrap_or_default();
    let mut fields = Fields::of("body", &options);
    let quality = fields.one_of("avatar_quality", &QUALITIES);
    fields.check()?;
    let id = caller.submit(|spec, input| training::spec(spec, script, None, quality, input)).await?;
    Ok(Json(training::result(&caller.wait(id).await?)))
}

async fn wrong_method() -> Refusal {
    Refusal::Because(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed".into())
}

/// The paths of the service.
pub fn routes(app: &Arc<App>) -> Router<Arc<App>> {
    let mode = |mode: Mode| post(move |caller: Caller, request: Request| begin(mode, caller, request));
    let routes = Router::new()
        .route("/training/video-only", mode(Mode::VideoOnly))
        .route("/training/presentation-only", mode(Mode::PresentationOnly))
        .route("/training/video-presentation", mode(Mode::VideoPresentation))
        .route("/training/clone-voice", post(clone_voice))
        .route("/training/upload", post(upload))
        .layer(DefaultBodyLimit::disable())
        .route("/training/status/{id}", get(status))
        .route("/training/download/{id}", get(download))
        .route("/training/voice-profiles", get(voice_profiles))
        .route("/training/generate/{id}", post(generate))
        .route("/presentation/generate", post(present))
        .method_not_allowed_fallback(wrong_method);
    door::guarded(routes, app, app.compat.presgen.door.clone())
}
