//! Programs that are told when a job is over.

use super::server::{SHORT, Server};
use crate::support::lectern;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use hmac::{Hmac, KeyInit, Mac};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::Sha256;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Longer than the first two pauses.
const PATIENCE: Duration = Duration::from_secs(60);

/// A program that is told things, and refuses the first one.
struct Listener {
    url: String,
    told: Receiver<(HeaderMap, Bytes)>,
    _runtime: tokio::runtime::Runtime,
}

impl Listener {
    fn start() -> Listener {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let socket = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let url = format!("http://{}/hook", socket.local_addr().unwrap());
        let (tell, told) = channel();
        let state = Arc::new((Mutex::new(tell), AtomicUsize::new(0)));
        let routes = Router::new().route("/hook", post(hear)).with_state(state);
        runtime.spawn(async move { axum::serve(socket, routes).await });
        Listener { url, told, _runtime: runtime }
    }
}

type Heard = Arc<(Mutex<Sender<(HeaderMap, Bytes)>>, AtomicUsize)>;

async fn hear(State(heard): State<Heard>, headers: HeaderMap, body: Bytes) -> StatusCode {
    heard.0.lock().unwrap().send((headers, body)).unwrap();
    if heard.1.fetch_add(1, Ordering::SeqCst) == 0 { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::NO_CONTENT }
}

fn serve(home: &Path) -> Server {
    Server::of(home, lectern(home).env("LECTERN_HTTP_PRIVATE_TARGETS", "true").arg("serve"))
}

#[test]
fn whoever_asks_for_it_is_told_that_a_job_is_over_until_it_is_taken() {
    let home = tempfile::tempdir().unwrap();
    let server = serve(home.path());
    let listener = Listener::start();
    let hook = server.must(Method::POST, "webhooks", Some(json!({ "url": listener.url })));
    let (id, secret) = (hook["id"].as_str().unwrap(), hook["secret"].as_str().unwrap().to_string());
    let listed = server.must(Method::GET, "webhooks", None);
    assert_eq!((&listed["webhooks"][0]["id"], &listed["webhooks"][0]["secret"]), (&json!(id), &Value::Null));

    let job = server.render(SHORT);
    server.ends(&job, "completed");
    let (first, _) = listener.told.recv_timeout(PATIENCE).unwrap();
    // It was refused; a server that dies meanwhile tells it after its next start.
    server.kill();
    let server = serve(home.path());
    let (headers, body) = listener.told.recv_timeout(PATIENCE).unwrap();
    let header = |headers: &HeaderMap, name: &str| headers[name].to_str().unwrap().to_string();
    assert_eq!(header(&headers, "webhook-id"), header(&first, "webhook-id"));
    let key = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, secret.strip_prefix("whsec_").unwrap()).unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    mac.update(format!("{}.{}.", header(&headers, "webhook-id"), header(&headers, "webhook-timestamp")).as_bytes());
    mac.update(&body);
    let signature = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, mac.finalize().into_bytes());
    assert_eq!(header(&headers, "webhook-signature"), format!("v1,{signature}"));
    let told: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((&told["type"], &told["data"]["id"], &told["data"]["state"]), (&json!("job.completed"), &json!(job), &json!("completed")));

    // Who does not want it any more is told no more.
    server.must(Method::DELETE, &format!("webhooks/{id}"), None);
    let job = server.render(&SHORT.replace("short", "other"));
    server.ends(&job, "completed");
    server.stop();
    assert!(listener.told.try_recv().is_err());
}

#[test]
fn addresses_that_lead_inside_are_refused() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), &[]);
    for (url, code) in [("http://127.0.0.1:1/", 422), ("http://[::1]/", 422), ("file:///etc/passwd", 422), ("", 422)] {
        let (status, problem) = server.ask(Method::POST, "webhooks", Some(json!({ "url": url })));
        assert_eq!((status.as_u16(), &problem["code"]), (code, &json!("bad_address")), "{url}: {problem}");
    }
    assert_eq!(server.ask(Method::POST, "webhooks", Some(json!({ "address": "https://hooks.example" }))).0.as_u16(), 400);
    assert_eq!(server.ask(Method::DELETE, "webhooks/nothing", None).0.as_u16(), 404);
}
