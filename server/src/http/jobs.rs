//! `/v1/jobs`: films that are made, from the request to what comes of it.

use super::access::Bearer;
use super::problem::Problem;
use super::{App, Shared, aside, backups, body, decks, follow, idempotency, job_files, operations, webhooks};
use crate::auth::Claims;
use crate::folders::{Folders, link};
use crate::jobs::{JobSpec, JobsError};
use crate::ledger::{Job, JobId, JobQuery, JobState, LedgerError, Order, Timestamp};
use crate::service;
use crate::worker::{Layout, Looks, Said, Task, Wishes};
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, FromRequestParts, Path, Query};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, delete, get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use utoipa::{IntoParams, ToSchema};

/// Jobs a page may have.
const PAGE: u32 = 1000;
/// The longest title or text that is looked for, in bytes.
const LONGEST: usize = 500;
/// How long a request may wait for the end of a job.
const LONGEST_WAIT: Duration = Duration::from_secs(300);
/// The longest script.
const SCRIPT: usize = 200 << 10;

/// The part of the server that takes jobs.
pub struct Service(pub Arc<service::Service>);

impl FromRequestParts<Arc<App>> for Service {
    type Rejection = Problem;

    async fn from_request_parts(_: &mut Parts, app: &Arc<App>) -> Result<Service, Problem> {
        let none = || Problem::new(StatusCode::NOT_FOUND, "no_jobs", "this server takes no jobs; start it with `lectern serve`");
        app.service.clone().map(Service).ok_or_else(none)
    }
}

/// Which job a path names.
#[derive(Deserialize)]
pub struct Named {
    pub id: String,
}

/// What is wanted.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = JobRequest)]
pub struct Request {
    /// A deck that was sent to `/v1/decks`.
    deck: Option<String>,
    /// The address of a presentation on the web.
    url: Option<String>,
    /// What is said, without slides.
    #[schema(max_length = 204800)]
    script: Option<String>,
    /// Decks that become one film.
    #[schema(min_items = 2)]
    parts: Option<Vec<String>>,
    /// For people.
    #[schema(max_length = 500)]
    title: Option<String>,
    /// -100 to 100; above 0 for operators only.
    #[serde(default)]
    #[schema(minimum = -100, maximum = 100)]
    priority: i64,
    /// It waits until `POST /v1/jobs/{id}/start`.
    #[serde(default)]
    hold: bool,
    /// Also write what is said as text.
    #[serde(default)]
    transcript: bool,
    /// How the deck is read.
    #[serde(default, deserialize_with = "body::object")]
    wishes: Wishes,
    /// What the film is like.
    #[serde(default, deserialize_with = "body::object")]
    looks: Looks,
}

/// Which jobs are wanted, as a query.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// States, with commas between them.
    state: Option<String>,
    /// Kinds, with commas between them.
    kind: Option<String>,
    /// Only for operators: whose.
    owner: Option<String>,
    /// A text in title, kind, id or request.
    #[param(max_length = 500)]
    q: Option<String>,
    /// A field; with - before it the largest first.
    #[param(pattern = "^-?(created_at|updated_at|state|title|priority)$")]
    sort: Option<String>,
    /// So many at most.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// From this one on.
    #[param(value_type = Option<i64>, minimum = 0)]
    offset: Option<u32>,
}

/// The paths of jobs and decks.
pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/v1/decks", get(decks::list).post(decks::create).layer(DefaultBodyLimit::disable()))
        .route("/v1/decks/{id}", get(decks::show).delete(decks::remove))
        .route("/v1/backups", post(backups::create))
        .route("/v1/storage", get(operations::storage))
        .route("/v1/webhooks", get(webhooks::list).post(webhooks::create))
        .route("/v1/webhooks/{id}", delete(webhooks::remove))
        .route("/v1/jobs", get(list).post(create))
        .route("/v1/jobs/{id}", get(show).delete(remove))
        .route("/v1/jobs/{id}/start", post(start))
        .route("/v1/jobs/{id}/cancel", post(cancel))
        .route("/v1/jobs/{id}/retry", post(retry))
        .route("/v1/jobs/{id}/events", get(follow::events))
        .route("/v1/jobs/{id}/progress", any(follow::progress))
        .route("/v1/jobs/{id}/report", get(operations::report))
        .route("/v1/jobs/{id}/log", get(job_files::log))
        .route("/v1/jobs/{id}/artifacts", get(job_files::list))
        .route("/v1/jobs/{id}/artifacts/{name}", get(job_files::get))
}

/// A job that somebody may see; somebody else's is not there.
///
/// # Errors
/// The token is not good for jobs, or there is no such job.
pub fn find(service: &service::Service, claims: &Claims, id: &str) -> Result<Job, Problem> {
    claims.may_have_jobs()?;
    let missing = || Problem::new(StatusCode::NOT_FOUND, "no_such_job", "there is no such job");
    let job = match service.jobs.job(id.parse().map_err(|_| missing())?) {
        Err(JobsError::Unknown(_)) => return Err(missing()),
        found => found?,
    };
    let seen = claims.must_be_operator().is_ok() || job.owner.as_deref() == Some(&claims.sub);
    if seen { Ok(job) } else { Err(missing()) }
}

/// A job as it is shown.
pub fn view(job: &Job) -> Value {
    let mut view = serde_json::to_value(job).expect("a job is plain data");
    let place = format!("/v1/jobs/{}", job.id);
    view["percent"] = json!(job.percent());
    view["eta_seconds"] = json!(job.left(Timestamp::now(), None).map(|left| left.as_secs_f64().round()));
    view["current_stage"] = json!(job.current().map(|stage| &stage.name));
    view["links"] = json!({
        "self": place, "events": format!("{place}/events"), "progress": format!("{place}/progress"), "artifacts": format!("{place}/artifacts"),
        "report": format!("{place}/report"), "log": format!("{place}/log"),
    });
    view
}

/// Takes a job, which makes a film. The same `Idempotency-Key` means the same job.
#[utoipa::path(post, path = "/v1/jobs", tag = "jobs", request_body = Request,
    params(("Idempotency-Key" = Option<String>, Header, description = "The request may come again with it, and makes no second job.")),
    responses((status = 202, description = "The job, taken.", body = Object), (status = 200, description = "The job that the key was used for before.", body = Object), Problem))]
pub async fn create(Service(service): Service, Bearer(claims): Bearer, headers: HeaderMap, body: Bytes) -> Result<Response, Problem> {
    claims.may_have_jobs()?;
    let asked = Value::Object(body::read(&body, "JSON as it is documented")?);
    let request: Request = serde_json::from_value(asked.clone())
        .map_err(|error| Problem::bad(format!("the request cannot be read: {error}; send it as it is documented")))?;
    let key = idempotency::key_in(&headers)?;
    service.make_room(0).await?;
    let jobs = service.jobs.clone();
    let spec = aside({
        let (jobs, claims) = (jobs.clone(), claims.clone());
        move || {
            let spec = JobSpec::new("render", "");
            let id = spec.id;
            let made = request.into_spec(spec, jobs.folders(), &claims);
            made.inspect_err(|_| drop(jobs.folders().remove(id)))
        }
    })
    .await??;
    let spec = JobSpec { spec: asked, owner: Some(claims.sub), idempotency_key: key, ..spec };
    let (id, is_new) = jobs.submit(spec).await?;
    let status = if is_new { StatusCode::ACCEPTED } else { StatusCode::OK };
    Ok((status, [(header::LOCATION, format!("/v1/jobs/{id}"))], Json(view(&jobs.job(id)?))).into_response())
}

impl Request {
    /// The stages of what is wanted; what they read is put into the job's folder.
    fn into_spec(self, spec: JobSpec, folders: &Folders, claims: &Claims) -> Result<JobSpec, Problem> {
        let Request { deck, url, script, parts, title, priority, hold, transcript, wishes, looks } = self;
        if !(-100..=100).contains(&priority) || (priority > 0 && claims.must_be_operator().is_err()) {
            return Err(Problem::bad("priority is out of range; it goes from -100 to 0, for operators to 100"));
        }
        if title.as_ref().is_some_and(|title| title.len() > LONGEST) {
            return Err(Problem::bad("the title is longer than 500 bytes; shorten it"));
        }
        let input = folders.input(spec.id).map_err(JobsError::Files)?;
        let give = |id: &str, folder: &str| -> Result<(String, String), Problem> {
            let (deck, file) = decks::find(&folders.decks(), id, claims.must_be_operator().is_ok(), &claims.sub)?;
            let name = format!("{folder}{}", deck.name);
            link(&file, &input.join(&name)).and_then(|()| decks::touch(&folders.decks(), &deck)).map_err(JobsError::Files)?;
            Ok((format!("{}/{name}", Folders::INPUT), deck.name))
        };
        let (film, lesson) = ("output/film.mp4".to_string(), "processing/lesson/lesson.yaml".to_string());
        let spec = JobSpec { priority, held: hold, ..spec };
        let (mut spec, name, shown) = match (deck, url, script, parts) {
            (Some(deck), None, None, None) => {
                let (deck, name) = give(&deck, "")?;
                let (spec, shown) = deck_stages(spec, deck, wishes, looks, film, lesson);
                (spec, name, shown)
            }
            (None, Some(url), None, None) => {
                let (spec, shown) = deck_stages(spec, url.clone(), wishes, looks, film, lesson);
                (spec, url, shown)
            }
            (None, None, Some(script), None) => {
                if script.len() > SCRIPT {
                    return Err(Problem::bad(format!("the script is longer than {} KiB; send parts of it", SCRIPT >> 10)));
                }
                let name = title.clone().unwrap_or_else(|| "Script".into());
                let (said, layout) = (Said::Text(script), Layout::Title);
                let task = Task::Script { said, title: name.clone(), language: wishes.language, layout, lesson: lesson.clone() };
                let spec = spec.stage("script", "Writing the script", 0.5, task);
                let render = Task::Render { lesson: lesson.clone(), wishes: Wishes::default(), looks, film };
                (spec.stage("render", "Making the film", 20.0, render), name, lesson)
            }
            (None, None, None, Some(parts)) => {
                let given = parts.iter().enumerate().map(|(index, part)| {
                    std::fs::create_dir_all(input.join(index.to_string())).map_err(JobsError::Files)?;
                    give(part, &format!("{index}/"))
                });
                let given = given.collect::<Result<Vec<_>, Problem>>()?;
                let name = given.first().map_or_else(String::new, |(_, name)| name.clone());
                let parts: Vec<String> = given.into_iter().map(|(path, _)| path).collect();
                let first = parts.first().cloned().unwrap_or_default();
                (spec.stage("join", "Making one film of all parts", 20.0, Task::Join { parts, looks, film }), name, first)
            }
            _ => return Err(Problem::bad("the request names no source, or several; send one of deck, url, script and parts")),
        };
        if transcript {
            let task = Task::Transcript { lesson: shown, text: "output/transcript.md".into() };
            spec = spec.stage("transcript", "Writing the transcript", 0.3, task);
        }
        Ok(JobSpec { title: title.unwrap_or(name), ..spec }.stage("publish", "Putting it in its place", 0.3, Task::Publish))
    }
}

/// A deck, read as it is wished and made into a film; the job so far, and what its transcript is made of.
fn deck_stages(spec: JobSpec, deck: String, wishes: Wishes, looks: Looks, film: String, lesson: String) -> (JobSpec, String) {
    let (spec, source) = match wishes.is_empty() {
        true => (spec, deck),
        false => {
            let task = Task::Content { document: deck, wishes, lesson: lesson.clone() };
            (spec.stage("content", "Reading it as it is wished", 1.0, task), lesson)
        }
    };
    let spec = spec.stage("import", "Reading the slides", 0.5, Task::Import { deck: source.clone() });
    let render = Task::Render { lesson: source.clone(), wishes: Wishes::default(), looks, film };
    (spec.stage("render", "Making the film", 20.0, render), source)
}

/// Which jobs there are.
#[utoipa::path(get, path = "/v1/jobs", tag = "jobs", params(Filter),
    responses((status = 200, description = "A page of them, and how many there are.", body = Object), Problem))]
pub async fn list(Service(service): Service, Bearer(claims): Bearer, Query(filter): Query<Filter>) -> Result<Json<Value>, Problem> {
    claims.may_have_jobs()?;
    let Filter { state, kind, owner, q, sort, limit, offset } = filter;
    let state_of = |name: &str| {
        let names = || JobState::ALL.iter().map(|state| state.as_str()).collect::<Vec<_>>().join(", ");
        JobState::of(name).ok_or_else(|| Problem::bad(format!("there is no state {name:?}; the states are {}", names())))
    };
    let list = |text: Option<String>| -> Vec<String> {
        text.iter().flat_map(|text| text.split(',')).map(|part| part.trim().to_string()).filter(|part| !part.is_empty()).collect()
    };
    let states = list(state).iter().map(|name| state_of(name)).collect::<Result<_, Problem>>()?;
    let sort = sort.unwrap_or_else(|| "-created_at".into());
    let (descending, by) = sort.strip_prefix('-').map_or((false, sort.as_str()), |by| (true, by));
    let names = || Order::ALL.iter().map(|order| order.as_str()).collect::<Vec<_>>().join(", ");
    let order = Order::of(by).ok_or_else(|| Problem::bad(format!("jobs are not sorted by {by:?}; sort by one of {}", names())))?;
    let (limit, offset) = (limit.unwrap_or(50), offset.unwrap_or(0));
    if !(1..=PAGE).contains(&limit) || q.as_ref().is_some_and(|text| text.len() > LONGEST) {
        return Err(Problem::bad(format!("limit goes from 1 to {PAGE}, and q has up to {LONGEST} bytes")));
    }
    let owner = if claims.must_be_operator().is_ok() { owner } else { Some(claims.sub) };
    let query = JobQuery { owner, states, kinds: list(kind), text: q, order, descending, limit, offset };
    let (page, counts) = aside(move || -> Result<_, JobsError> {
        let counts = service.jobs.ledger().count(query.owner.as_deref())?;
        Ok((service.jobs.list(&query)?, counts))
    })
    .await??;
    let next = (u64::from(offset) + (page.jobs.len() as u64) < page.total).then(|| offset + limit);
    let jobs: Vec<Value> = page.jobs.iter().map(view).collect();
    Ok(Json(json!({ "jobs": jobs, "total": page.total, "limit": limit, "offset": offset, "next_offset": next, "counts": counts })))
}

/// A job with its stages.
#[utoipa::path(get, path = "/v1/jobs/{id}", tag = "jobs", params(("id" = String, Path, description = "The job."),
        ("Prefer" = Option<String>, Header, description = "`wait=30`: the answer waits up to so many seconds for the end."),
        ("If-None-Match" = Option<String>, Header, description = "The tag of what is known already.")),
    responses((status = 200, description = "It.", body = Object), (status = 304, description = "Nothing has changed."), Problem))]
pub async fn show(
    Service(service): Service,
    Bearer(claims): Bearer,
    Path(named): Path<Named>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let mut job = find(&service, &claims, &named.id)?;
    if let Some(patience) = wait_of(&headers) {
        // Past it, the answer is how the job stands.
        let over = tokio::time::timeout(patience, service.jobs.wait(job.id)).await;
        job = over.unwrap_or_else(|_| service.jobs.job(job.id))?;
    }
    let tag = format!("\"{}\"", service.jobs.ledger().revision(job.id)?);
    let known = headers.get(header::IF_NONE_MATCH).and_then(|known| known.to_str().ok());
    if known.is_some_and(|known| known.split(',').any(|one| one.trim() == tag)) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response());
    }
    Ok(([(header::ETAG, tag), (header::CACHE_CONTROL, "no-cache".into())], Json(view(&job))).into_response())
}

/// `Prefer: wait=30` (RFC 7240): so many seconds may pass until the job is over.
fn wait_of(headers: &HeaderMap) -> Option<Duration> {
    let preferences = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    let seconds = preferences.filter_map(|one| one.trim().strip_prefix("wait=")?.parse::<u64>().ok()).next()?;
    Some(Duration::from_secs(seconds).min(LONGEST_WAIT))
}

/// Begins a job that was held.
#[utoipa::path(post, path = "/v1/jobs/{id}/start", tag = "jobs", params(("id" = String, Path, description = "The job.")),
    responses((status = 200, description = "The job.", body = Object), Problem))]
pub async fn start(Service(service): Service, Bearer(claims): Bearer, Path(named): Path<Named>) -> Result<Json<Value>, Problem> {
    let id = find(&service, &claims, &named.id)?.id;
    service.jobs.start(id).await?;
    shown(&service, id)
}

/// Stops a job; what was made of it is removed, what was sent stays.
#[utoipa::path(post, path = "/v1/jobs/{id}/cancel", tag = "jobs", params(("id" = String, Path, description = "The job.")),
    responses((status = 200, description = "The job.", body = Object), Problem))]
pub async fn cancel(Service(service): Service, Bearer(claims): Bearer, Path(named): Path<Named>) -> Result<Json<Value>, Problem> {
    let id = find(&service, &claims, &named.id)?.id;
    service.jobs.cancel(id).await?;
    shown(&service, id)
}

/// Where a job goes on.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Retry {
    /// With this stage; without it, with the first one that is not done.
    stage: Option<String>,
}

/// Tries a job again, from the stage that failed or an earlier one.
#[utoipa::path(post, path = "/v1/jobs/{id}/retry", tag = "jobs", params(("id" = String, Path, description = "The job.")),
    request_body = Option<Retry>,
    responses((status = 202, description = "The job.", body = Object), Problem))]
pub async fn retry(
    Service(service): Service,
    Bearer(claims): Bearer,
    Path(named): Path<Named>,
    body: Bytes,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let id = find(&service, &claims, &named.id)?.id;
    let retry: Retry = match body.is_empty() {
        true => Retry::default(),
        false => body::read(&body, "{\"stage\": NAME} or nothing")?,
    };
    service.jobs.retry(id, retry.stage).await?;
    Ok((StatusCode::ACCEPTED, shown(&service, id)?))
}

/// Removes a job with all that it published.
#[utoipa::path(delete, path = "/v1/jobs/{id}", tag = "jobs", params(("id" = String, Path, description = "The job.")),
    responses((status = 204, description = "It is gone."), Problem))]
pub async fn remove(
    _app: Shared,
    Service(service): Service,
    Bearer(claims): Bearer,
    Path(named): Path<Named>,
) -> Result<StatusCode, Problem> {
    let id = find(&service, &claims, &named.id)?.id;
    service.delete(id).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn shown(service: &service::Service, id: JobId) -> Result<Json<Value>, Problem> {
    Ok(Json(view(&service.jobs.job(id)?)))
}

impl From<JobsError> for Problem {
    fn from(error: JobsError) -> Problem {
        let (status, code) = match &error {
            JobsError::Unknown(_) => (StatusCode::NOT_FOUND, "no_such_job"),
            JobsError::State(..) => (StatusCode::CONFLICT, "wrong_state"),
            JobsError::NoStage(_) => (StatusCode::UNPROCESSABLE_ENTITY, "no_such_stage"),
            JobsError::Closing => (StatusCode::SERVICE_UNAVAILABLE, "closing"),
            JobsError::Invalid(_) => (StatusCode::UNPROCESSABLE_ENTITY, "invalid"),
            JobsError::Ledger(LedgerError::KeyReused) => (StatusCode::UNPROCESSABLE_ENTITY, "key_reused"),
            JobsError::Ledger(LedgerError::Closed) => (StatusCode::SERVICE_UNAVAILABLE, "closing"),
            JobsError::Ledger(_) | JobsError::Files(_) => {
                // What the system says may name places of this machine.
                tracing::error!(%error, "a request about jobs has failed");
                let detail = "the server cannot read or write what it keeps; look into its log";
                return Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "failed", detail);
            }
        };
        Problem::new(status, code, error.to_string())
    }
}

impl From<LedgerError> for Problem {
    fn from(error: LedgerError) -> Problem {
        JobsError::from(error).into()
    }
}
