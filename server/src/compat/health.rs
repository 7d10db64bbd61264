//! `/` and `/health`: one answer for all, with the members that the clients of each system look for.

use crate::config::Adapters;
use crate::http::App;
use crate::ledger::Timestamp;
use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The two paths, at the root and below what the adapters have before theirs.
pub fn routes(adapters: &Adapters) -> Router<Arc<App>> {
    let Adapters { presgen, slidespeaker, video_message, rapido } = adapters;
    let enabled = [presgen, slidespeaker, video_message, rapido].into_iter().filter(|adapter| adapter.enabled);
    let bases: BTreeSet<&str> = enabled.map(|adapter| adapter.base_path.as_str()).filter(|base| !base.is_empty()).collect();
    let at =
        |router: Router<Arc<App>>, base: &str| router.route(&format!("{base}/"), get(root)).route(&format!("{base}/health"), get(health));
    bases.into_iter().fold(at(Router::new(), ""), |router, base| at(router.route(base, get(root)), base))
}

async fn root() -> Json<Value> {
    Json(json!({
        "service": "lectern", "status": "running", "version": env!("CARGO_PKG_VERSION"), "message": "Lectern: slides in, lectures out.",
        "endpoints": { "health": "/health", "metrics": "/metrics", "jobs": "/v1/jobs", "live": "/v1/live" },
    }))
}

async fn health(State(app): State<Arc<App>>) -> Json<Value> {
    let ledger = match &app.service {
        None => "not_initialized",
        Some(service) if service.jobs.ledger().count(None).is_ok() => "healthy",
        Some(_) => "unhealthy",
    };
    let sessions = app.sessions.all();
    let rooms = sessions.iter().filter(|session| session.is_in_livekit()).count();
    Json(json!({
        "status": if ledger == "unhealthy" { "degraded" } else { "healthy" }, "service": "lectern", "version": env!("CARGO_PKG_VERSION"),
        "timestamp": Timestamp::now(), "components": { "api": "healthy", "jobs": ledger },
        "active_sessions": sessions.len(), "active_rooms": rooms,
    }))
}
