//! Who did what: a line for each request that could change something, in files of a day.
//!
//! What was sent and asked for in detail stays out of it: no bodies, no queries, no tokens.

use crate::daily::Daily;
use crate::limits::Limits;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, Method};
use axum::middleware::Next;
use axum::response::Response;
use serde_json::json;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The beginning of every file name.
const NAME: &str = "audit";
/// Longer paths are cut.
const LONGEST: usize = 500;

/// Says whose a request is, by its headers: a token's subject, if there is a good one.
pub type Who = Box<dyn Fn(&HeaderMap) -> Option<String> + Send + Sync>;

/// See the module docs.
pub struct Audit {
    log: Daily,
    limits: Arc<Limits>,
    who: Who,
}

impl Audit {
    /// Into `audit_DATE.jsonl` of a folder.
    pub fn new(folder: PathBuf, keep_days: u32, limits: Arc<Limits>, who: Who) -> Audit {
        Audit { log: Daily::new(folder, NAME, keep_days), limits, who }
    }

    /// Something that no request asked for: an adapter that is open, a sweep, a start.
    pub fn note(&self, who: &str, action: &str, what: &str) {
        self.log.write(&json!({ "timestamp": now(), "who": who, "action": action, "what": what }));
    }
}

fn now() -> String {
    OffsetDateTime::now_utc().format(&Rfc3339).unwrap_or_default()
}

/// The layer: writes the line when the answer's head is there.
pub async fn record(State(audit): State<Arc<Audit>>, request: Request, next: Next) -> Response {
    if [Method::GET, Method::HEAD, Method::OPTIONS].contains(request.method()) {
        return next.run(request).await;
    }
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip());
    let address: Option<IpAddr> = peer.map(|peer| audit.limits.address(peer, request.headers()));
    let (who, method) = ((audit.who)(request.headers()), request.method().to_string());
    let path: String = request.uri().path().chars().take(LONGEST).collect();
    let start = Instant::now();
    let response = next.run(request).await;
    let millis = start.elapsed().as_millis() as u64;
    audit.log.write(&json!({
        "timestamp": now(), "who": who, "address": address, "action": method, "what": path, "status": response.status().as_u16(),
        "milliseconds": millis,
    }));
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::{Table, Ticks};
    use axum::Router;
    use axum::body::Body;
    use axum::http::StatusCode;
    use axum::middleware::from_fn_with_state;
    use axum::routing::any;
    use serde_json::Value;
    use tower::ServiceExt;

    #[tokio::test]
    async fn what_may_change_something_is_written_without_secrets() {
        let folder = tempfile::tempdir().unwrap();
        let limits = Arc::new(Limits::new(&Table::default(), vec![], vec![], &Ticks::default()));
        let who: Who = Box::new(|headers| headers.contains_key("authorization").then(|| "ada".into()));
        let audit = Arc::new(Audit::new(folder.path().into(), 90, limits, who));
        audit.note("server", "start", "the adapter rapido asks for no token");
        let app = Router::new().route("/v1/jobs", any(async || StatusCode::CREATED)).layer(from_fn_with_state(audit, record));
        for (method, token) in [("POST", "Bearer secret-1"), ("GET", "Bearer secret-2"), ("DELETE", "")] {
            let mut request = Request::builder().method(method).uri("/v1/jobs?key=secret-3").body(Body::from("secret-4")).unwrap();
            if !token.is_empty() {
                request.headers_mut().insert("authorization", token.parse().unwrap());
            }
            request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([192, 0, 2, 1], 4000))));
            app.clone().oneshot(request).await.unwrap();
        }
        let file = folder.path().join(format!("audit_{}.jsonl", OffsetDateTime::now_utc().date()));
        let text = std::fs::read_to_string(file).unwrap();
        assert!(!text.contains("secret"), "{text}");
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!((lines.len(), &lines[0]["action"]), (3, &"start".into()));
        assert_eq!((&lines[1]["who"], &lines[1]["action"], &lines[1]["status"]), (&"ada".into(), &"POST".into(), &201.into()));
        assert_eq!((&lines[2]["who"], &lines[2]["address"], &lines[2]["what"]), (&Value::Null, &"192.0.2.1".into(), &"/v1/jobs".into()));
    }
}
