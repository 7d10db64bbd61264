//! `Idempotency-Key`: a request that comes again with its key gets the answer that it got, and nothing is created twice.
//!
//! The layer [`keep`] does that for every POST below `/v1` but two: jobs have their keys in the ledger, which knows them as long as it knows
//! the jobs, and decks are compared by what was sent, however it was sent. A key is its owner's own, and holds for one path and a day.

mod answers;

pub use answers::Answers;

use super::access::token_in;
use super::problem::Problem;
use super::{App, Shared, aside};
use crate::auth::Claims;
use answers::Begun;
use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::sync::Arc;

/// The header.
pub const HEADER: &str = "Idempotency-Key";
/// The longest key, in bytes.
const LONGEST: usize = 500;
/// Paths that see to it themselves.
const OTHERS: [&str; 2] = ["/v1/jobs", "/v1/decks"];

/// The key that a request came with.
///
/// # Errors
/// It is no plain text, or too long.
pub fn key_in(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    match headers.get(HEADER).map(|key| key.to_str()) {
        None => Ok(None),
        Some(Ok(key)) if (1..=LONGEST).contains(&key.len()) => Ok(Some(key.to_string())),
        Some(_) => Err(Problem::bad("the Idempotency-Key is no plain text of 1 to 500 bytes; send, for example, a UUID")),
    }
}

/// What tells one request from another.
pub fn fingerprint(of: &Value) -> String {
    blake3::hash(of.to_string().as_bytes()).to_hex().to_string()
}

/// A request with a key.
pub struct Once {
    answers: Arc<Answers>,
    id: String,
}

impl Once {
    /// By its key; `None`: it has none.
    ///
    /// # Errors
    /// The key is none.
    pub fn of(app: &App, headers: &HeaderMap, claims: &Claims, path: &str) -> Result<Option<Once>, Problem> {
        // What somebody may do is part of who they are: a viewer's token of the same name gets nothing out of an operator's key.
        let id = |key| fingerprint(&json!([claims.sub, claims.role, claims.room, path, key]));
        Ok(key_in(headers)?.map(|key| Once { answers: app.answers.clone(), id: id(key) }))
    }

    /// Answers it, unless it was answered before. `print` is what it asks for.
    pub async fn answer(self, print: String, work: impl Future<Output = Response> + Send + 'static) -> Response {
        let Once { answers, id } = self;
        match aside(move || answers.begin(id)).await {
            Ok(Ok(Begun::Answered(known, answer))) if known == print => answer,
            Ok(Ok(Begun::Answered(..))) => {
                let text = "the Idempotency-Key was used for another request; use a new one";
                Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "key_reused", text).into_response()
            }
            Ok(Ok(Begun::Before)) => {
                let text = "a request with this Idempotency-Key is being answered; wait a moment and send it again";
                Problem::new(StatusCode::CONFLICT, "under_way", text).into_response()
            }
            Ok(Ok(Begun::New(under_way))) => {
                // Whoever asked may go away: what was begun is finished, and is the answer when they ask again.
                let task = tokio::spawn(async move { under_way.answered(print, work.await).await });
                task.await.unwrap_or_else(|error| failed(&error).into_response())
            }
            Ok(Err(error)) => failed(&error).into_response(),
            Err(problem) => problem.into_response(),
        }
    }
}

fn failed(error: &dyn std::error::Error) -> Problem {
    tracing::error!(%error, "a request with an Idempotency-Key has failed");
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "failed", "the server cannot answer this; look into its log")
}

/// See the module docs.
pub async fn keep(app: Shared, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if request.method() != Method::POST || OTHERS.contains(&path) || !request.headers().contains_key(HEADER) {
        return next.run(request).await;
    }
    // Who may not ask at all is told so by the handler.
    let Some(claims) = token_in(request.headers()).and_then(|token| app.auth.check(token).ok()) else { return next.run(request).await };
    let once = match Once::of(&app, request.headers(), &claims, path) {
        Ok(Some(once)) => once,
        Ok(None) => return next.run(request).await,
        Err(problem) => return problem.into_response(),
    };
    let (head, body) = request.into_parts();
    let body = match Bytes::from_request(Request::from_parts(head.clone(), body), &()).await {
        Ok(body) => body,
        Err(refused) => return Problem::new(refused.status(), "bad_body", refused.body_text()).into_response(),
    };
    // The same JSON may be written in several ways.
    let said = serde_json::from_slice(&body).unwrap_or_else(|_| json!(blake3::hash(&body).to_hex().as_str()));
    let print = fingerprint(&json!([head.uri.query(), said]));
    once.answer(print, next.run(Request::from_parts(head, Body::from(body)))).await
}
