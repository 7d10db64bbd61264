//! A small server that answers as the documents of a system say, or wrongly on demand: with it the runner itself is tested.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Multipart, Path, Request, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{AppendHeaders, IntoResponse, Json, Response};
use axum::routing::{any, delete, get, post};
use serde_json::{Map, Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::sync::Notify;

/// The one task that is known.
pub const TASK: &str = "2c1f6f0e-51b5-4a77-8f60-1f3f2b9d7c11";

/// A server at work; it ends with this value.
pub struct StandIn {
    pub origin: String,
    _runtime: tokio::runtime::Runtime,
}

impl StandIn {
    /// Serves these routes on a free port.
    pub fn start(routes: Router) -> StandIn {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).expect("a free port");
        let origin = format!("http://{}", listener.local_addr().expect("a bound socket"));
        runtime.spawn(async move { axum::serve(listener, routes).await });
        StandIn { origin, _runtime: runtime }
    }
}

/// Says what was sent.
async fn echo(request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.expect("a small body");
    let text = |value: &axum::http::HeaderValue| value.to_str().unwrap_or_default().to_string();
    let headers: Map<String, Value> = parts.headers.iter().map(|(name, value)| (name.to_string(), text(value).into())).collect();
    let said = json!({
        "method": parts.method.as_str(), "path": parts.uri.path(), "query": parts.uri.query(), "headers": headers,
        "body": String::from_utf8_lossy(&body),
    });
    (AppendHeaders([("x-two", "a"), ("x-two", "b")]), Json(said)).into_response()
}

/// Says what parts there were.
async fn parts(headers: HeaderMap, mut multipart: Multipart) -> Json<Value> {
    let mut parts = Map::new();
    while let Some(part) = multipart.next_field().await.expect("a whole body") {
        let (name, file, kind) =
            (part.name().expect("a name").to_string(), part.file_name().map(String::from), part.content_type().map(String::from));
        let bytes = part.bytes().await.expect("a whole part");
        let head = String::from_utf8_lossy(&bytes[..bytes.len().min(20)]).into_owned();
        parts.insert(name, json!({ "file": file, "type": kind, "length": bytes.len(), "head": head }));
    }
    parts.insert("content-length".into(), headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()).into());
    Json(parts.into())
}

/// Work that is done when it has been asked for a third time.
async fn third(State(count): State<Arc<AtomicUsize>>) -> Json<Value> {
    let count = count.fetch_add(1, Ordering::SeqCst) + 1;
    Json(json!({ "status": if count < 3 { "processing" } else { "completed" }, "count": count }))
}

/// Routes that look at requests: what was sent, work that takes a while, and one request that waits for another one.
pub fn mirror() -> Router {
    let meeting = Arc::new(Notify::new());
    let other = meeting.clone();
    let wait = move || async move {
        meeting.notified().await;
        Json(json!({ "met": true }))
    };
    let come = move || async move {
        other.notify_one();
        Json(json!({ "came": true }))
    };
    Router::new()
        .route("/echo/{*rest}", any(echo))
        .route("/parts", post(parts).layer(axum::extract::DefaultBodyLimit::disable()))
        .route("/small", post(|| async { (StatusCode::PAYLOAD_TOO_LARGE, Json(json!({ "detail": "too large" }))) }))
        .route("/third", get(third).with_state(Arc::<AtomicUsize>::default()))
        .route("/wait", get(wait))
        .route("/come", get(come))
        .route("/moved", get(|| async { (StatusCode::TEMPORARY_REDIRECT, [("location", "/elsewhere")]) }))
        .route("/text", get(|| async { "WEBVTT\n\n00:01.000 --> 00:02.000\nHello.\n" }))
        .route("/socket", any(|upgrade: WebSocketUpgrade| async move { upgrade.on_upgrade(conversation) }))
        .route("/gone", delete(|| async { StatusCode::NO_CONTENT }))
}

/// Says back what it hears, then closes when it is asked to.
async fn conversation(mut socket: WebSocket) {
    while let Some(Ok(Message::Text(text))) = socket.recv().await {
        let heard: Value = serde_json::from_str(&text).expect("JSON");
        let answer = match heard["close"].as_u64() {
            Some(code) => Message::Close(Some(CloseFrame { code: code as u16, reason: "as asked".into() })),
            None => Message::Text(json!({ "heard": heard }).to_string().into()),
        };
        if socket.send(answer).await.is_err() {
            return;
        }
    }
}

/// What the stand-in for the pipeline of pictures and recordings does wrong, if anything.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fault {
    None,
    /// The percent of one stage is another one's.
    WrongPercent,
    /// The last event lacks the film's address.
    NoAddress,
    /// The WebSocket is closed before the end is told.
    ClosedEarly,
    /// The events of the stream have a type that nobody knows.
    UnknownType,
    /// The answer has no list of stages.
    NoStages,
    /// The film is a text.
    NoFilm,
}

#[derive(Clone)]
struct Pipeline {
    fault: Fault,
    /// The requests so far, so that a test can tell that there were any.
    asked: Arc<Mutex<Vec<String>>>,
}

/// Stages by their names and by those that the later client knows, and their percent.
const STAGES: [(&str, &str, i64); 6] = [
    ("initialized", "initialized", 0),
    ("upload_complete", "upload_complete", 20),
    ("detection_complete", "yolo_detection", 40),
    ("background_removal_complete", "birefnet_removal", 60),
    ("did_complete", "d_id_complete", 80),
    ("finalizing", "finalizing", 90),
];

impl Pipeline {
    /// All that a listener is told, in order.
    fn events(&self, is_later: bool) -> Vec<Value> {
        let event = |kind: &str, stage: &str, percent: i64, film: Option<&str>| {
            json!({
                "task_id": TASK, "event_type": kind, "timestamp": "2026-02-03T10:11:12.130Z",
                "stage": stage, "progress_percent": percent, "message": stage,
                "data": { "stage": stage, "progress_percent": percent, "progress": percent, "message": stage, "video_url": film },
                "metadata": film.map(|film| json!({ "video_url": film })), "video_url": film,
            })
        };
        let kind = if self.fault == Fault::UnknownType { "rumour" } else { "stage_update" };
        let stage = |(name, later, percent): &(&str, &str, i64)| {
            let is_wrong = self.fault == Fault::WrongPercent && *name == "did_complete";
            event(kind, if is_later { later } else { name }, if is_wrong { 60 } else { *percent }, None)
        };
        let mut events: Vec<Value> = STAGES.iter().map(stage).collect();
        let mut end = event("complete", "completed", 100, Some("/files/final.mp4"));
        if self.fault == Fault::NoAddress {
            end.as_object_mut().expect("an object").remove("video_url");
            end["metadata"] = json!({});
        }
        events.push(end);
        events
    }

    fn note(&self, what: &str) {
        self.asked.lock().expect("no test panics with it").push(what.into());
    }
}

fn unknown() -> Response {
    (StatusCode::NOT_FOUND, Json(json!({ "detail": "there is no such task" }))).into_response()
}

async fn generate(State(pipeline): State<Pipeline>, mut multipart: Multipart) -> Json<Value> {
    let mut names = Vec::new();
    while let Some(part) = multipart.next_field().await.expect("a whole body") {
        names.push(part.name().unwrap_or_default().to_string());
        assert!(!part.bytes().await.expect("a whole part").is_empty());
    }
    pipeline.note(&names.join(" "));
    let stages = ["upload_complete", "detection_complete", "background_removal_complete", "did_complete", "completed"];
    let mut result = json!({
        "task_id": TASK, "success": true, "video_url": "/files/final.mp4", "execution_time_ms": 41250, "stages_completed": stages,
        "metadata": { "person_detection": { "total_persons": 1, "selected_person_id": 0, "confidence": 0.91 } },
    });
    if pipeline.fault == Fault::NoStages {
        result["stages_completed"] = json!(null);
    }
    Json(result)
}

async fn started(headers: HeaderMap, _body: Bytes) -> Json<Value> {
    let host = headers[header::HOST].to_str().expect("text");
    Json(json!({
        "task_id": TASK, "message": "Started.", "websocket_url": format!("ws://{host}/api/ws/progress/{TASK}"),
        "sse_url": format!("/api/sse/progress/{TASK}"), "polling_url": format!("/api/ws/progress/{TASK}/latest"),
    }))
}

async fn status(Path(id): Path<String>) -> Response {
    if id != TASK {
        return unknown();
    }
    Json(json!({ "task_id": TASK, "stage": "completed", "progress_percent": 100, "message": "Done.", "timestamp": "2026-02-03T10:11:12.130Z" })).into_response()
}

async fn progress(State(pipeline): State<Pipeline>, uri: Uri, Path(id): Path<String>, upgrade: WebSocketUpgrade) -> Response {
    if id != TASK {
        return unknown();
    }
    let events = pipeline.events(uri.path().starts_with("/api/ws/"));
    upgrade.on_upgrade(move |mut socket| async move {
        pipeline.note("listens");
        let told = if pipeline.fault == Fault::ClosedEarly { 3 } else { events.len() };
        for event in &events[..told] {
            if socket.send(Message::Text(event.to_string().into())).await.is_err() {
                return;
            }
        }
        let _ = socket.send(Message::Close(Some(CloseFrame { code: 1000, reason: "".into() }))).await;
        while let Some(Ok(_)) = socket.recv().await {}
    })
}

async fn stream(State(pipeline): State<Pipeline>) -> Response {
    let mut text = String::from(": hello\n\n");
    for event in pipeline.events(false) {
        let name = if event["event_type"] == "complete" { "event: complete\n" } else { "" };
        text += &format!("{name}data: {event}\n\n");
    }
    ([("content-type", "text/event-stream"), ("cache-control", "no-cache")], Body::from(text)).into_response()
}

async fn later_stream(State(pipeline): State<Pipeline>) -> Response {
    let text: String = pipeline.events(true).iter().map(|event| format!("data: {event}\r\n\r\n")).collect();
    ([("content-type", "text/event-stream; charset=utf-8")], Body::from(text)).into_response()
}

async fn film(State(pipeline): State<Pipeline>) -> Response {
    let head: &[u8] = if pipeline.fault == Fault::NoFilm { b"not a film, a text" } else { b"\0\0\0\x18ftypisom" };
    ([("content-type", "video/mp4")], [head, &[0; 20_000]].concat()).into_response()
}

async fn storage() -> Json<Value> {
    let tier = |days: u32| json!({ "file_count": 2, "size_mb": 0.4, "retention_days": days });
    Json(json!({
        "storage_root": "store", "tiers": { "uploads": tier(7), "processed": tier(3), "videos": tier(30) }, "total_files": 6, "total_size_mb": 1.2,
        "disk": { "total_gb": 80.0, "used_gb": 12.5, "free_gb": 67.5, "percent_used": 15.6 },
    }))
}

async fn latest(State(pipeline): State<Pipeline>, Path(id): Path<String>) -> Json<Value> {
    let event = if id == TASK { pipeline.events(true).pop() } else { None };
    Json(json!({ "task_id": id, "event": event, "message": "" }))
}

async fn history(State(pipeline): State<Pipeline>) -> Json<Value> {
    let events = pipeline.events(true);
    Json(json!({ "task_id": TASK, "event_count": events.len(), "events": events }))
}

async fn later_status(State(pipeline): State<Pipeline>, Path(id): Path<String>) -> Response {
    if id == TASK { Json(pipeline.events(true).pop()).into_response() } else { unknown() }
}

/// A stand-in for the whole pipeline of `video_message.yaml`, and what it was asked.
pub fn pipeline(fault: Fault) -> (Router, Arc<Mutex<Vec<String>>>) {
    let asked = Arc::<Mutex<Vec<String>>>::default();
    let one = || Json(json!({ "active_task_count": 1, "tasks": [{ "task_id": TASK, "subscriber_count": 2 }] }));
    let routes = Router::new()
        .route("/api/pipeline/generate", post(generate))
        .route("/api/pipeline/status/{id}", get(status))
        .route("/api/pipeline/storage/stats", get(storage))
        .route("/api/pipeline/progress/{id}", any(progress))
        .route("/api/pipeline/progress/{id}/sse", get(stream))
        .route("/files/final.mp4", get(film))
        .route("/api/video-generation/generate", post(started))
        .route("/api/video-generation/status/{id}", get(later_status))
        .route("/api/ws/progress/{id}", any(progress))
        .route("/api/ws/progress/{id}/latest", get(latest))
        .route("/api/ws/progress/{id}/history", get(history))
        .route("/api/sse/progress/{id}", get(later_stream))
        .route("/api/ws/active-tasks", get(move || async move { one() }))
        .with_state(Pipeline { fault, asked: asked.clone() });
    (routes, asked)
}
