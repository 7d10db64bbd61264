//! `/v1/health`, `/v1/ready`, `/v1/storage`, `/v1/jobs/{id}/report`: how the server and its jobs do, for whoever runs it.

use super::access::Bearer;
use super::jobs::{Named, Service, find};
use super::problem::Problem;
use super::{Shared, aside};
use crate::report::Report;
use crate::storage::Kept;
use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use serde_json::{Map, Value, json};

/// That the server is there, and which one it is. Needs no token. Whether it can do what it is asked, `/v1/ready` says.
#[utoipa::path(get, path = "/v1/health", tag = "operations", security(()),
    responses((status = 200, description = "It is there: its version, whether it takes jobs, and how many sessions are on.", body = Object), Problem))]
pub async fn health(app: Shared) -> Json<Value> {
    let (takes_jobs, sessions) = (app.service.is_some(), app.sessions.all().len());
    Json(json!({ "status": "healthy", "version": env!("CARGO_PKG_VERSION"), "takes_jobs": takes_jobs, "sessions": sessions }))
}

/// Whether the server can do what it is asked: ledger, store and those who do stages answer. Needs no token. That it is there at all,
/// `/v1/health` says.
#[utoipa::path(get, path = "/v1/ready", tag = "operations", security(()),
    responses((status = 200, description = "It is ready.", body = Object),
        (status = 503, description = "It is not: the detail names the parts that do not answer.", body = Object), Problem))]
pub async fn ready(app: Shared) -> Result<Json<Value>, Problem> {
    // A server without jobs has none of these parts.
    let Some(service) = &app.service else { return Ok(Json(json!({ "ready": true, "parts": {} }))) };
    let parts = service.readiness.look().await;
    if parts.are_ready() {
        let parts: Map<String, Value> = parts.0.iter().map(|(name, _)| ((*name).to_string(), json!("ready"))).collect();
        return Ok(Json(json!({ "ready": true, "parts": parts })));
    }
    let detail = format!("there is no answer from: {}; look into the server's log", parts.missing().collect::<Vec<_>>().join(", "));
    Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not_ready", detail))
}

/// What a job took, stage by stage: time, processor, memory; how the last ones of its kind did, the bottleneck, and what to change.
#[utoipa::path(get, path = "/v1/jobs/{id}/report", tag = "jobs", params(("id" = String, Path, description = "The job.")),
    responses((status = 200, description = "The report; a running job's is of what is done so far.", body = Object), Problem))]
pub async fn report(Service(service): Service, Bearer(claims): Bearer, Path(named): Path<Named>) -> Result<Json<Report>, Problem> {
    let job = find(&service, &claims, &named.id)?;
    Ok(Json(aside(move || service.jobs.ledger().lately(&job.kind).map(|lately| Report::of(&job, &lately))).await??))
}

/// What is kept, by how long it stays, the room that is left, and the last sweep; operators only.
#[utoipa::path(get, path = "/v1/storage", tag = "operations",
    responses((status = 200, description = "Files and bytes of each tier, counted a minute ago at most; all times in seconds.", body = Object), Problem))]
pub async fn storage(app: Shared, Service(service): Service, Bearer(claims): Bearer) -> Result<Json<Value>, Problem> {
    claims.must_be_operator()?;
    let (at, kept) = service.storage.kept().await?;
    let Kept { uploads, processed, videos, temporary, other } = kept;
    let keep = &app.settings.retention;
    let tiers = [
        ("uploads", uploads, keep.uploads),
        ("processed", processed, keep.processed),
        ("videos", videos, keep.videos),
        ("temporary", temporary, keep.temporary),
    ];
    let tiers: Map<String, Value> = tiers
        .into_iter()
        .map(|(name, usage, kept)| {
            (name.to_string(), json!({ "files": usage.files, "bytes": usage.bytes, "keep_seconds": kept.0.as_seconds() }))
        })
        .collect();
    Ok(Json(json!({
        "counted_at": at, "tiers": tiers, "other": other, "total": kept.all(), "free_bytes": service.storage.free()?,
        "floor_bytes": app.settings.store.floor.0, "last_sweep": service.storage.last_sweep(), "sweep_seconds": keep.sweep.0.as_seconds(),
    })))
}
