//! Tasks: listed, looked for, counted, followed, stopped, tried again, removed.

use super::files::Files;
use super::query;
use super::refused::Refused;
use super::session::Desk;
use super::steps::{Asked, step};
use super::view;
use super::{KIND, aside};
use crate::compat::fastapi::{Fields, object};
use crate::http::App;
use crate::jobs::Jobs;
use crate::ledger::{Job, JobQuery, JobState, Order, Timestamp};
use crate::service::Service;
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

type Answer = Result<Json<Value>, Refused>;
type Asking = Query<Map<String, Value>>;

/// Tasks that are read from the ledger at once.
const PAGE: u32 = 500;
const DAY: Duration = Duration::from_secs(24 * 3600);

pub async fn list(desk: Desk, Query(asking): Asking) -> Answer {
    let limit = query::number(&asking, "limit", 50, 1..=1000)?;
    let offset = query::number(&asking, "offset", 0, 0..=u32::MAX)?;
    let states = view::STATES.map(|(name, _)| name);
    let state = query::one_of(&asking, "status", &states)?.and_then(view::state_named);
    let order = match query::one_of(&asking, "sort_by", &["created_at", "updated_at", "status", "filename"])? {
        Some("updated_at") => Order::Updated,
        Some("status") => Order::State,
        Some("filename") => Order::Title,
        _ => Order::Created,
    };
    let descending = query::one_of(&asking, "sort_order", &["asc", "desc"])? != Some("asc");
    let query = JobQuery { states: state.into_iter().collect(), order, descending, limit, offset, ..of(&desk) };
    let jobs = desk.service.jobs.clone();
    let page = aside(move || jobs.list(&query)).await??;
    let tasks = page.jobs.iter().map(view::task).collect::<Result<Vec<_>, _>>()?;
    let has_more = u64::from(offset) + (tasks.len() as u64) < page.total;
    Ok(Json(json!({ "tasks": tasks, "total": page.total, "limit": limit, "offset": offset, "has_more": has_more })))
}

/// What is somebody's.
fn of(desk: &Desk) -> JobQuery {
    let owner = (!desk.person.is_operator).then(|| desk.person.id.clone());
    JobQuery { owner, kinds: vec![KIND.into()], ..JobQuery::default() }
}

/// Goes through all tasks that are somebody's, the latest first.
fn each(jobs: &Jobs, query: &JobQuery, mut see: impl FnMut(&Job) -> Result<(), Refused>) -> Result<(), Refused> {
    let mut query = JobQuery { limit: PAGE, offset: 0, ..query.clone() };
    loop {
        let page = jobs.list(&query)?;
        page.jobs.iter().try_for_each(&mut see)?;
        query.offset += PAGE;
        if u64::from(query.offset) >= page.total {
            return Ok(());
        }
    }
}

pub async fn search(desk: Desk, Query(asking): Asking) -> Answer {
    let wanted = query::text(&asking, "query")?.to_string();
    let limit = query::number(&asking, "limit", 20, 1..=100)? as usize;
    let (mine, jobs, text) = (of(&desk), desk.service.jobs.clone(), wanted.to_lowercase());
    let found = aside(move || {
        let (mut tasks, mut total) = (Vec::new(), 0);
        each(&jobs, &mine, |job| {
            if view::says(job, &text)? {
                total += 1;
                if tasks.len() < limit {
                    tasks.push(view::task(job)?);
                }
            }
            Ok(())
        })?;
        Ok::<_, Refused>((tasks, total))
    });
    let (tasks, total) = found.await??;
    Ok(Json(json!({ "tasks": tasks, "query": wanted, "total_found": total })))
}

pub async fn statistics(desk: Desk) -> Answer {
    let (mine, jobs) = (of(&desk), desk.service.jobs.clone());
    let counted = aside(move || {
        let mut numbers = Numbers::default();
        each(&jobs, &mine, |job| {
            numbers.add(job, &Asked::of(job)?.options.voice_language);
            Ok(())
        })?;
        Ok::<_, Refused>(numbers)
    });
    Ok(Json(counted.await??.view(Timestamp::now())))
}

/// What tasks were like.
#[derive(Default)]
struct Numbers {
    states: BTreeMap<&'static str, u64>,
    languages: BTreeMap<String, u64>,
    created: Vec<Timestamp>,
    /// How long those took that are done.
    took: Vec<Duration>,
}

impl Numbers {
    fn add(&mut self, job: &Job, language: &str) {
        *self.states.entry(view::state_of(job.state)).or_default() += 1;
        *self.languages.entry(language.into()).or_default() += 1;
        self.created.push(job.created_at);
        if let (JobState::Completed, Some(start), Some(end)) = (job.state, job.started_at, job.finished_at) {
            self.took.push(end.since(start));
        }
    }

    fn view(&self, now: Timestamp) -> Value {
        let total = self.created.len();
        let within = |days: u32| self.created.iter().filter(|at| **at > now.before(DAY * days)).count();
        let count = |state: &str| self.states.get(state).copied().unwrap_or_default() as f64;
        let rate = |state: &str| if total == 0 { 0.0 } else { (1000.0 * count(state) / total as f64).round() / 10.0 };
        let minutes: f64 = self.took.iter().map(Duration::as_secs_f64).sum::<f64>() / 60.0;
        let mean = (!self.took.is_empty()).then(|| (100.0 * minutes / self.took.len() as f64).round() / 100.0);
        json!({
            "total_tasks": total, "status_breakdown": self.states, "language_stats": self.languages,
            "recent_activity": { "last_24h": within(1), "last_7d": within(7), "last_30d": within(30) },
            "processing_stats": { "avg_processing_time_minutes": mean, "success_rate": rate("completed"), "failed_rate": rate("failed") },
        })
    }
}

pub async fn show(State(app): State<Arc<App>>, desk: Desk, Path(id): Path<String>) -> Answer {
    let job = desk.task(&id)?;
    let published = super::media::published(&desk, &job).await?;
    Ok(Json(view::detail(&job, &app.compat.slidespeaker.place(&job), &published)?))
}

pub async fn status(desk: Desk, Path(id): Path<String>) -> Answer {
    Ok(Json(view::task(&desk.task(&id)?)?))
}

pub async fn progress(desk: Desk, Path(id): Path<String>, Query(asking): Asking) -> Answer {
    query::one_of(&asking, "view", &["compact"])?;
    Ok(Json(view::progress(&desk.task(&id)?)?))
}

pub async fn cancel(desk: Desk, Path(id): Path<String>) -> Answer {
    let id = desk.task(&id)?.id;
    let now = desk.service.jobs.cancel(id).await?;
    let message = if now { "the task is cancelled" } else { "the task had been cancelled before" };
    Ok(Json(json!({ "message": message, "task_id": id })))
}

pub async fn retry(desk: Desk, Path(id): Path<String>, body: Bytes) -> Answer {
    let job = desk.task(&id)?;
    let body = if body.is_empty() { Map::new() } else { object(&body)? };
    let mut fields = Fields::of("body", &body);
    let from = fields.optional("step").map(|name| step(name).to_string());
    fields.check()?;
    let from = desk.service.jobs.retry(job.id, from).await?;
    let state = view::state_of(desk.service.jobs.job(job.id)?.state);
    let state = if ["queued", "processing"].contains(&state) { state } else { "queued" };
    Ok(Json(json!({ "message": format!("the task goes on from {from}"), "task_id": job.id, "step": from, "status": state })))
}

pub async fn delete(State(app): State<Arc<App>>, desk: Desk, Path(id): Path<String>) -> Answer {
    let job = desk.task(&id)?;
    let asked = Asked::of(&job)?;
    let _changing = app.compat.slidespeaker.changing.lock().await;
    let id = job.id;
    desk.service.delete(id).await?;
    if let Some(owner) = &job.owner {
        forget_unused(&desk.service, owner, &asked.file.checksum).await?;
    }
    Ok(Json(json!({ "message": format!("the task {id} is removed"), "task_id": id })))
}

/// Forgets somebody's file, unless a task of theirs uses it.
///
/// # Errors
/// The ledger cannot be read, or the file not be removed.
pub async fn forget_unused(service: &Arc<Service>, owner: &str, checksum: &str) -> Result<(), Refused> {
    let (jobs, kinds, text) = (service.jobs.clone(), vec![KIND.to_string()], Some(checksum.to_string()));
    let query = JobQuery { owner: Some(owner.into()), kinds, text, limit: 1, ..JobQuery::default() };
    match aside(move || jobs.list(&query)).await??.total {
        0 => Files::of(service).forget(owner, checksum).await,
        _ => Ok(()),
    }
}

/// An operator's page. What a task makes is decided when it is begun; the page says whether it is so already.
pub async fn set_type(desk: Desk, Path(id): Path<String>, Query(asking): Asking) -> Answer {
    if !desk.person.is_operator {
        return Err(Refused::because(axum::http::StatusCode::FORBIDDEN, "this takes an operator's token"));
    }
    let wanted = query::one_of(&asking, "task_type", &["video", "podcast", "both"])?;
    let is = json!(Asked::of(&desk.task(&id)?)?.options.task_type);
    match wanted {
        Some(wanted) if is != wanted => {
            let text = format!("the task makes a {}; run its file again with another task_type", is.as_str().unwrap_or_default());
            Err(Refused::because(axum::http::StatusCode::CONFLICT, text))
        }
        _ => Ok(Json(json!({ "updated": false, "task_type": is }))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_counted_in_days_and_per_cent() {
        let now = Timestamp::now();
        let day = |count: u32| now.before(DAY * count - Duration::from_secs(60));
        let numbers = Numbers {
            states: BTreeMap::from([("completed", 2), ("failed", 1)]),
            languages: BTreeMap::from([("english".to_string(), 3)]),
            created: vec![day(1), day(7), day(31)],
            took: vec![Duration::from_secs(60), Duration::from_secs(90)],
        };
        let view = numbers.view(now);
        assert_eq!(view["recent_activity"], json!({ "last_24h": 1, "last_7d": 2, "last_30d": 2 }));
        let due = json!({ "avg_processing_time_minutes": 1.25, "success_rate": 66.7, "failed_rate": 33.3 });
        assert_eq!((&view["processing_stats"], &view["total_tasks"]), (&due, &json!(3)));
        let none = Numbers::default().view(now);
        assert_eq!(none["processing_stats"], json!({ "avg_processing_time_minutes": null, "success_rate": 0.0, "failed_rate": 0.0 }));
    }
}
