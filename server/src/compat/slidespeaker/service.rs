//! What can be chosen, how the service is, and its figures.

use super::refused::Refused;
use super::session::{Desk, service};
use super::{aside, languages, voices};
use crate::http::App;
use crate::ledger::JobId;
use axum::Json;
use axum::extract::{Request, State};
use axum::http::header;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use plugins::models::DEFAULT_VOICE;
use plugins::writer::ChatSettings;
use serde_json::{Value, json};
use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

pub async fn languages() -> Json<Value> {
    Json(languages::list())
}

pub async fn voices() -> Json<Value> {
    Json(json!({ "model": "piper", "default": DEFAULT_VOICE, "voices": voices::list() }))
}

pub async fn catalogue() -> Json<Value> {
    Json(json!({ "provider": "lectern", "voices": voices::list() }))
}

/// Who writes what is said, and who translates it.
pub async fn models() -> Json<Value> {
    let of = |provider: &str, model: &str| json!({ "provider": provider, "model": model });
    let (script, translation) = match ChatSettings::from_env(None) {
        Ok(Some(chat)) => (of("service", &chat.model), of("service", &chat.model)),
        // Rules write, and translate nothing.
        _ => (of("local", "rules"), of("none", "none")),
    };
    Json(json!({ "script": script, "translation": translation, "languages": languages::names() }))
}

/// The names are those of the other system's parts: its queue, which here are the jobs, and its database, which here is the ledger.
pub async fn health(State(app): State<Arc<App>>) -> Result<Response, Refused> {
    let service = service(&app)?;
    let takes = service.jobs.takes_more();
    let (read, took) = aside(move || {
        let start = Instant::now();
        (service.jobs.ledger().revision(JobId::default()), start.elapsed())
    })
    .await?;
    let status = match (&read, takes) {
        (Ok(_), true) => "ok",
        (Ok(_), false) => "degraded",
        (Err(_), _) => "down",
    };
    let body = json!({
        "status": status, "redis": { "ok": takes }, "db": { "ok": read.is_ok(), "latency_ms": took.as_micros() as f64 / 1000.0 },
    });
    Ok(([(header::CACHE_CONTROL, "public, max-age=30")], Json(body)).into_response())
}

pub async fn figures_health() -> Json<Value> {
    Json(json!({ "status": "ok", "service": "slidespeaker" }))
}

pub async fn prometheus(State(app): State<Arc<App>>, _: Desk) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], app.compat.slidespeaker.figures.text()).into_response()
}

/// Requests since the start, counted.
#[derive(Default)]
pub struct Figures {
    requests: AtomicU64,
    errors: AtomicU64,
    micros: AtomicU64,
}

impl Figures {
    fn add(&self, is_error: bool, took: Duration) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.errors.fetch_add(u64::from(is_error), Ordering::Relaxed);
        self.micros.fetch_add(took.as_micros() as u64, Ordering::Relaxed);
    }

    /// Source: Prometheus' text format, version 0.0.4.
    fn text(&self) -> String {
        let read = |number: &AtomicU64| number.load(Ordering::Relaxed);
        let (requests, seconds) = (read(&self.requests), read(&self.micros) as f64 / 1e6);
        let mut text = String::new();
        let mut say = |name: &str, kind: &str, about: &str, lines: &[(&str, String)]| {
            let _ = writeln!(text, "# HELP slidespeaker_api_{name} {about}\n# TYPE slidespeaker_api_{name} {kind}");
            lines.iter().for_each(|(more, value)| _ = writeln!(text, "slidespeaker_api_{name}{more} {value}"));
        };
        say("requests_total", "counter", "Requests that were answered.", &[("", requests.to_string())]);
        say("errors_total", "counter", "Requests that were refused or failed.", &[("", read(&self.errors).to_string())]);
        let times = [("_sum", seconds.to_string()), ("_count", requests.to_string())];
        say("response_time_seconds", "summary", "How long answers took to begin.", &times);
        text
    }
}

/// Counts a request.
pub async fn count(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let start = Instant::now();
    let response = next.run(request).await;
    let is_error = response.status().is_client_error() || response.status().is_server_error();
    app.compat.slidespeaker.figures.add(is_error, start.elapsed());
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_counted_and_told() {
        let figures = Figures::default();
        figures.add(false, Duration::from_millis(250));
        figures.add(true, Duration::from_millis(500));
        let text = figures.text();
        let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        let due = [
            "slidespeaker_api_requests_total 2",
            "slidespeaker_api_errors_total 1",
            "slidespeaker_api_response_time_seconds_sum 0.75",
            "slidespeaker_api_response_time_seconds_count 2",
        ];
        assert_eq!(lines, due);
        assert!(text.contains("# TYPE slidespeaker_api_response_time_seconds summary\n"));
    }
}
