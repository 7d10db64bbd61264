//! How a server is set up by its settings: TLS, a queue that asks for a token, and no services outside.

use super::server::{SHORT, Server};
use super::workers::Worker;
use crate::live::stage::{ask, runtime};
use crate::support::lectern;
use crate::support::nats::NatsServer;
use reqwest::{Certificate, Client, Method, StatusCode};
use serde_json::{Value, json};
use std::fs;

#[test]
fn a_server_with_a_certificate_is_asked_by_tls_and_not_without() {
    let home = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_string()]).unwrap();
    let (certificate, key) = (home.path().join("cert.pem"), home.path().join("key.pem"));
    fs::write(&certificate, made.cert.pem()).unwrap();
    fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let mut command = lectern(home.path());
    command.env("LECTERN_TLS_CERTIFICATE", &certificate).env("LECTERN_TLS_KEY", &key);
    let server = Server::of(home.path(), command.arg("serve"));
    let origin = server.origin.replace("http://", "https://");
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = |builder: reqwest::ClientBuilder| builder.no_proxy().build().unwrap();
    let known = client(Client::builder().tls_certs_only([Certificate::from_pem(made.cert.pem().as_bytes()).unwrap()]));
    let stranger = rcgen::generate_simple_self_signed(["127.0.0.1".to_string()]).unwrap();
    let other = client(Client::builder().tls_certs_only([Certificate::from_pem(stranger.cert.pem().as_bytes()).unwrap()]));
    runtime().block_on(async {
        let ready = known.get(format!("{origin}/v1/ready")).send().await.expect("an answer");
        assert_eq!((ready.status(), ready.headers()["strict-transport-security"].as_bytes()), (StatusCode::OK, &b"max-age=31536000"[..]));
        let jobs = known.get(format!("{origin}/v1/jobs")).bearer_auth(&server.token).send().await.expect("an answer");
        assert_eq!(jobs.json::<Value>().await.expect("JSON")["total"], 0);
        assert!(other.get(format!("{origin}/v1/ready")).send().await.is_err(), "somebody else has vouched for it");
        assert!(known.get(format!("{}/v1/ready", server.origin)).send().await.is_err(), "nothing is said in the clear");
    });
    server.stop();
}

#[test]
fn a_queue_that_asks_for_a_token_gets_it_from_server_and_workers() {
    let home = tempfile::tempdir().unwrap();
    let nats = NatsServer::with_token(home.path(), "of-the-queue");
    let output = lectern(home.path())
        .args(["serve", "--listen", "127.0.0.1:0", "--nats", &nats.url(), "--data"])
        .arg(home.path().join("data"))
        .output();
    let output = output.expect("the program starts");
    assert_eq!(
        (output.status.code(), String::from_utf8_lossy(&output.stderr).contains("cannot be reached")),
        (Some(1), true),
        "{output:?}"
    );
    let mut command = lectern(home.path());
    command.env("LECTERN_WORKERS_NATS_TOKEN", "of-the-queue").args(["serve", "--nats", &nats.url()]);
    let server = Server::of(home.path(), &mut command);
    let _worker = Worker::of(home.path(), &nats, lectern(home.path()).env("LECTERN_WORKERS_NATS_TOKEN", "of-the-queue"));
    let id = server.render(SHORT);
    server.ends(&id, "completed");
}

#[test]
fn in_test_mode_nobody_outside_is_called() {
    let home = tempfile::tempdir().unwrap();
    let mut command = lectern(home.path());
    let services = [
        ("LECTERN_WRITER_URL", "http://writer.invalid/v1"),
        ("LECTERN_WRITER_MODEL", "writer"),
        ("LIVEKIT_URL", "ws://livekit.invalid:7880"),
        ("LIVEKIT_API_KEY", "key"),
        ("LIVEKIT_API_SECRET", "secret"),
        ("TEST_MODE", "true"),
    ];
    let server = Server::of(home.path(), command.env_remove("JWT_SECRET").envs(services).arg("serve"));
    let call = |method: Method, path: &str, body| ask(method, &format!("{}{path}", server.origin), &server.token, body);
    let (status, models) = call(Method::GET, "/api/llm/models", None);
    assert_eq!(
        (status, &models["script"]["provider"], &models["translation"]["provider"]),
        (StatusCode::OK, &json!("local"), &json!("none"))
    );
    let (_, refused) = call(Method::POST, "/process_lesson", Some(json!({ "lesson_id": "one" })));
    assert_eq!((&refused["success"], &refused["error_type"]), (&json!(false), &json!("ConfigurationError")), "{refused}");
    assert!(refused["error"].as_str().is_some_and(|text| text.contains("test_mode is on")), "{refused}");
    let (_, status) = call(Method::GET, "/status", None);
    assert_eq!(status["services_status"]["livekit_service"], false, "{status}");
    // A document is made into a film by the local rules alone.
    let deck = server.deck("notes.md", b"# Rain\n\nIt falls from clouds.\n");
    let wishes = json!({ "instructions": "In one sentence." });
    let job = server.ends(&server.submit(json!({ "deck": deck, "wishes": wishes, "looks": super::server::small() })), "completed");
    assert_eq!(job["stages"][0]["name"], "content", "{job}");
    server.stop();
}
