//! `/v1/jobs/{id}/artifacts`: what a job has published, whole or in part; `/v1/jobs/{id}/log`: what was said meanwhile.

use super::access::Bearer;
use super::jobs::{Named, Service, find};
use super::problem::Problem;
use crate::artifacts::{self, StoreError};
use crate::folders::Folders;
use crate::jobs::JobsError;
use crate::ledger::JobId;
use crate::service;
use crate::worker::view;
use axum::Json;
use axum::extract::{Path, Query};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use std::io;

/// How it is wanted.
#[derive(Deserialize)]
pub struct Wanted {
    /// To be saved, not shown.
    #[serde(default)]
    download: bool,
}

/// What was said while a job was made: when each attempt at a stage began and how it ended, and what its programs warned of. What a worker did
/// that shares no folder with the server is not in it.
#[utoipa::path(get, path = "/v1/jobs/{id}/log", tag = "jobs", params(("id" = String, Path, description = "The job.")),
    responses((status = 200, description = "Lines of text, 1 MiB of them at most.", body = String, content_type = "text/plain"), Problem))]
pub async fn log(Service(service): Service, Bearer(claims): Bearer, Path(named): Path<Named>) -> Result<Response, Problem> {
    let id = find(&service, &claims, &named.id)?.id;
    match tokio::fs::read(service.jobs.folders().work(id).join(Folders::LOG)).await {
        Ok(text) => Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let detail = "the job has not been begun, or its log is gone with its files; its events and its error say more";
            Err(Problem::new(StatusCode::NOT_FOUND, "no_log", detail))
        }
        Err(error) => Err(JobsError::Files(error).into()),
    }
}

/// What a job has published.
#[utoipa::path(get, path = "/v1/jobs/{id}/artifacts", tag = "jobs", params(("id" = String, Path, description = "The job.")),
    responses((status = 200, description = "Files with their sizes, checksums and addresses.", body = Object), Problem))]
pub async fn list(Service(service): Service, Bearer(claims): Bearer, Path(named): Path<Named>) -> Result<Json<Value>, Problem> {
    let id = find(&service, &claims, &named.id)?.id;
    let mut files: Vec<Value> = service.files(id).await?.iter().map(view).collect();
    for file in &mut files {
        file["url"] = json!(format!("/v1/jobs/{id}/artifacts/{}", file["name"].as_str().unwrap_or_default()));
    }
    Ok(Json(json!({ "artifacts": files })))
}

/// A file of a job, whole or in part.
#[utoipa::path(get, path = "/v1/jobs/{id}/artifacts/{name}", tag = "jobs", params(("id" = String, Path, description = "The job."), ("name" = String, Path, description = "The file."),
        ("download" = Option<bool>, Query, description = "To be saved, not shown."),
        ("Range" = Option<String>, Header, description = "`bytes=0-1023`.")),
    responses((status = 200, description = "All of it.", body = String, content_type = "application/octet-stream"),
        (status = 206, description = "The part that was asked for.", body = String, content_type = "application/octet-stream"),
        (status = 304, description = "It is what is known already."), Problem))]
pub async fn get(
    Service(service): Service,
    Bearer(claims): Bearer,
    Path((id, name)): Path<(String, String)>,
    Query(wanted): Query<Wanted>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let id = find(&service, &claims, &id)?.id;
    let response = answer(&service, id, &name, &method, &headers, wanted.download.then_some(name.as_str())).await?;
    if response.status() != StatusCode::RANGE_NOT_SATISFIABLE {
        return Ok(response);
    }
    let size = response.headers().get(header::CONTENT_RANGE).cloned().map(|size| [(header::CONTENT_RANGE, size)]);
    let problem = Problem::new(StatusCode::RANGE_NOT_SATISFIABLE, "no_such_range", "the file is shorter than that; ask for less of it");
    Ok((size, problem).into_response())
}

/// Answers GET and HEAD with a file that a job has published, as conditions and range of the request have it. With `save_as` browsers save
/// it under that name rather than showing it. Who may see the job is looked at before.
///
/// # Errors
/// There is none, its time is over, or the store cannot be read; for [`Problem`]s there is a conversion.
pub async fn answer(
    service: &service::Service,
    job: JobId,
    name: &str,
    method: &Method,
    headers: &HeaderMap,
    save_as: Option<&str>,
) -> Result<Response, StoreError> {
    artifacts::answer(&service.file(job, name).await?, method, headers, save_as).await
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Problem {
        match error {
            StoreError::Missing { .. } => Problem::new(StatusCode::NOT_FOUND, "no_such_file", "the job has published no such file"),
            StoreError::Expired { .. } => {
                let detail = "the file was kept as long as this server keeps files, and is gone; make it again";
                Problem::new(StatusCode::GONE, "file_expired", detail)
            }
            StoreError::NoRoom { .. } => {
                tracing::error!(%error, "nothing more is taken");
                Problem::new(StatusCode::INSUFFICIENT_STORAGE, "no_room", "there is no room on the server's disk; remove something there")
            }
            error => {
                // What the store says names places of this machine.
                tracing::error!(%error, "artifacts cannot be read or removed");
                let detail = "the store of artifacts cannot be read or written; look into the server's log";
                Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "failed", detail)
            }
        }
    }
}
