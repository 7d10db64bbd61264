//! `/v1/backups`: copies of the ledger, made while it is used.

use super::access::Bearer;
use super::jobs::Service;
use super::problem::Problem;
use super::{aside, body};
use crate::ledger::LedgerError;
use axum::Json;
use axum::body::Bytes;
use axum::http::StatusCode;
use plugins::lesson::is_id;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

/// A copy that is wanted.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = BackupRequest)]
pub struct Request {
    /// Its file's name.
    #[schema(pattern = r"^[A-Za-z0-9_-]{1,64}(\.db)?$")]
    name: String,
}

/// Copies the ledger while the server works; operators only.
#[utoipa::path(post, path = "/v1/backups", tag = "operations", request_body = Request,
    responses((status = 201, description = "The copy lies in `backups` of the data folder.", body = Object), Problem))]
pub async fn create(Service(service): Service, Bearer(claims): Bearer, body: Bytes) -> Result<(StatusCode, Json<Value>), Problem> {
    claims.must_be_operator()?;
    let send = "{\"name\": NAME} with a name such as monday.db";
    let Request { name } = body::read(&body, send)?;
    if !is_id(name.strip_suffix(".db").unwrap_or(&name)) {
        return Err(Problem::bad(format!("{name:?} is no name for a backup; send {send}")));
    }
    let folder = service.jobs.folders().backups();
    let made = name.clone();
    aside(move || {
        let failed = |cause: std::io::Error| LedgerError::File { path: folder.clone(), cause };
        std::fs::create_dir_all(&folder).map_err(failed)?;
        service.jobs.ledger().back_up(&folder.join(made))
    })
    .await?
    .map_err(|error| match error {
        LedgerError::File { cause, .. } if cause.kind() == std::io::ErrorKind::AlreadyExists => {
            Problem::new(StatusCode::CONFLICT, "exists", format!("there is a backup {name:?}; choose another name"))
        }
        error => error.into(),
    })?;
    Ok((StatusCode::CREATED, Json(json!({ "name": name }))))
}
