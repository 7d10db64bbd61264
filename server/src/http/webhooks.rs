//! `/v1/webhooks`: who is told when a job is over.

use super::access::Bearer;
use super::jobs::Service;
use super::problem::Problem;
use super::{aside, body};
use crate::auth::Claims;
use crate::ledger::{Timestamp, Webhook};
use crate::security::OutgoingError;
use crate::webhooks;
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

/// The longest address, in bytes.
const LONGEST: usize = 2000;
/// Nobody needs more of them.
const MOST: u32 = 20;

/// What is wanted.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = WebhookRequest)]
pub struct Request {
    /// Where it is told: an address of the web.
    #[schema(pattern = "^https?://", max_length = 2000)]
    url: String,
    /// Of everybody's jobs; operators only.
    #[serde(default)]
    all: bool,
}

/// Which are meant.
#[derive(Deserialize)]
pub struct Whose {
    /// Those that are told of everybody's jobs; operators only.
    #[serde(default)]
    all: bool,
}

fn owner(claims: &Claims, all: bool) -> Result<Option<String>, Problem> {
    claims.may_have_jobs()?;
    if !all {
        return Ok(Some(claims.sub.clone()));
    }
    claims.must_be_operator()?;
    Ok(None)
}

/// Have a program told when a job is over: a POST, signed as Standard Webhooks has it.
#[utoipa::path(post, path = "/v1/webhooks", tag = "webhooks", request_body = Request,
    responses((status = 201, description = "The webhook with its secret, which is not shown again.", body = Object), Problem))]
pub async fn create(Service(service): Service, Bearer(claims): Bearer, body: Bytes) -> Result<Response, Problem> {
    let Request { url, all } = body::read(&body, "{\"url\": ADDRESS}")?;
    let owner = owner(&claims, all)?;
    if url.len() > LONGEST {
        return Err(Problem::bad(format!("the address is longer than {LONGEST} bytes; shorten it")));
    }
    let bad = |error: OutgoingError| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "bad_address", error.to_string());
    let url = service.outgoing.check(&url).map_err(bad)?;
    let (id, secret) = (Uuid::new_v4().to_string(), webhooks::secret());
    let new = Webhook { id: id.clone(), owner, url: url.into(), secret: secret.clone(), created_at: Timestamp::now() };
    let shown = json!(new);
    if !service.jobs.ledger().write(move |write| write.add_webhook(&new, MOST)).await? {
        return Err(Problem::new(StatusCode::CONFLICT, "too_many", format!("there are {MOST} webhooks already; remove one first")));
    }
    let mut view = shown;
    view["secret"] = json!(secret);
    Ok((StatusCode::CREATED, [(header::LOCATION, format!("/v1/webhooks/{id}"))], Json(view)).into_response())
}

/// Who is told of one's jobs.
#[utoipa::path(get, path = "/v1/webhooks", tag = "webhooks", params(("all" = Option<bool>, Query, description = "Those of everybody's jobs; operators only.")),
    responses((status = 200, description = "Without their secrets.", body = Object), Problem))]
pub async fn list(Service(service): Service, Bearer(claims): Bearer, Query(whose): Query<Whose>) -> Result<Json<Value>, Problem> {
    let owner = owner(&claims, whose.all)?;
    let found = aside(move || service.jobs.ledger().webhooks(owner.as_deref())).await??;
    Ok(Json(json!({ "webhooks": found })))
}

/// Have a program told no more.
#[utoipa::path(delete, path = "/v1/webhooks/{id}", tag = "webhooks",
    params(("id" = String, Path, description = "The webhook."), ("all" = Option<bool>, Query, description = "It is one of everybody's jobs.")),
    responses((status = 204, description = "It is gone."), Problem))]
pub async fn remove(
    Service(service): Service,
    Bearer(claims): Bearer,
    Path(id): Path<String>,
    Query(whose): Query<Whose>,
) -> Result<StatusCode, Problem> {
    let owner = owner(&claims, whose.all)?;
    match service.jobs.ledger().write(move |write| write.remove_webhook(&id, owner.as_deref())).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(Problem::new(StatusCode::NOT_FOUND, "no_such_webhook", "there is no such webhook")),
    }
}
