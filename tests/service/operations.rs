//! How the server is, and what it keeps, for whoever runs it.

use super::server::{SHORT, Server};
use super::workers::Worker;
use crate::live::stage::{ask, until};
use crate::support::nats::NatsServer;
use crate::support::{lectern, succeed};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Output;

fn doctor(home: &Path, server: &Server, wait: &str) -> Output {
    lectern(home).args(["doctor", "--server", &server.origin, "--wait", wait]).output().expect("the program starts")
}

#[test]
fn it_is_ready_when_all_of_its_parts_answer_and_tells_what_it_keeps_and_what_a_job_took() {
    let home = tempfile::tempdir().unwrap();
    let nats = NatsServer::start(home.path());
    let server = Server::start(home.path(), &["--nats", &nats.url()]);
    let ready = || ask(Method::GET, &format!("{}/v1/ready", server.origin), "", None);
    let (status, said) = ready();
    let parts = json!({ "ledger": "ready", "store": "ready", "dispatch": "ready" });
    assert_eq!((status, said), (StatusCode::OK, json!({ "ready": true, "parts": parts })));
    let _worker = Worker::of(home.path(), &nats, &mut lectern(home.path()));
    let id = server.render(SHORT);
    server.ends(&id, "completed");

    let report = server.must(Method::GET, &format!("jobs/{id}/report"), None);
    assert_eq!((&report["bottleneck"], &report["success_rate"], &report["jobs_counted"]), (&json!("render"), &json!(1.0), &json!(1)));
    let render = &report["stages"][1];
    assert!(render["cpu_seconds"].as_f64().unwrap() > 0.0 && render["peak_memory_bytes"].as_u64().unwrap() > 10 << 20, "{report}");
    let mut command = lectern(home.path());
    let said = succeed(command.args(["jobs", "report", &id, "--server", &server.origin]).env("LECTERN_TOKEN", &server.token));
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    assert!(said.contains("render") && said.contains("advice: "), "{said}");

    let author = server.must(Method::POST, "tokens", Some(json!({ "role": "author", "identity": "ada" })));
    let asked = |token: &str| ask(Method::GET, &format!("{}/v1/storage", server.origin), token, None);
    assert_eq!(asked(author["token"].as_str().unwrap()).0, StatusCode::FORBIDDEN);
    let (_, kept) = asked(&server.token);
    assert!(kept["last_sweep"]["at"].is_string() && kept["free_bytes"].as_u64().unwrap() > 0, "{kept}");
    let sum: u64 = kept["tiers"].as_object().unwrap().values().chain([&kept["other"]]).map(|tier| tier["bytes"].as_u64().unwrap()).sum();
    assert_eq!(kept["total"]["bytes"], json!(sum), "{kept}");

    assert!(doctor(home.path(), &server, "0s").status.success());
    drop(nats);
    let (_, problem) = until("it is not ready", ready, |(status, _)| *status == StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!((&problem["code"], &problem["detail"]), (&json!("not_ready"), &json!("there is no answer from: dispatch")));
    let output = doctor(home.path(), &server, "0s");
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).contains("dispatch")), (Some(1), true), "{output:?}");
    // It lives all the same.
    assert_eq!(ask(Method::GET, &format!("{}/health", server.origin), "", None).1["status"], Value::from("healthy"));
}
