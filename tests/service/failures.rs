//! Jobs that are stopped, fail, or lose the server under them.

use super::server::{SHORT, Server, is_consistent, long, small};
use crate::live::stage::until;
use crate::support::{lectern, succeed};
use reqwest::{Method, StatusCode};
use serde_json::json;
use std::path::Path;
use std::time::Instant;

/// Waits until the film of a job is being made.
fn until_rendering(server: &Server, id: &str) {
    server.until(id, "rendering", |job| job["stages"][1]["progress"].as_f64().unwrap() > 0.02);
}

/// Processes that work in this folder.
fn workers(folder: &Path) -> Vec<u32> {
    let processes = std::fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    processes.filter(|pid| std::fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd.starts_with(folder))).collect()
}

#[test]
fn a_job_is_cancelled_and_its_files_are_gone() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), &[]);
    let id = server.render(&long());
    until_rendering(&server, &id);
    let work = server.data.join("work").join(&id);
    assert!(!workers(&work).is_empty() && work.join("processing").exists());
    let asked = Instant::now();
    let job = server.must(Method::POST, &format!("jobs/{id}/cancel"), None);
    println!("cancelled after {:?}", asked.elapsed());
    assert_eq!((&job["state"], &job["stages"][1]["state"]), (&json!("cancelled"), &json!("cancelled")));
    assert_eq!(workers(&work), [0; 0]);
    assert!(!work.join("processing").exists() && !work.join("output").exists());
    // Again does no harm; and it can be begun anew.
    server.must(Method::POST, &format!("jobs/{id}/cancel"), None);
    server.must(Method::POST, &format!("jobs/{id}/retry"), None);
    until_rendering(&server, &id);
    server.must(Method::DELETE, &format!("jobs/{id}"), None);
    assert!(!work.exists());
    is_consistent(home.path());
}

#[test]
fn a_job_that_failed_goes_on_from_there() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), &[]);
    let deck = server.deck("lesson.yaml", SHORT.as_bytes());
    let id = server.submit(json!({ "deck": deck, "looks": { "slides": "7" } }));
    let job = server.ends(&id, "failed");
    let (error, stages) = (&job["error"], &job["stages"]);
    assert_eq!((&error["class"], &error["code"]), (&json!("PERMANENT"), &json!("invalid")), "{error}");
    assert_eq!((&stages[0]["state"], &stages[1]["state"], &stages[2]["state"]), (&json!("completed"), &json!("failed"), &json!("pending")));
    assert_eq!(job["current_stage"], "render");
    assert!(!job.to_string().contains(&*home.path().to_string_lossy()), "{job}");
    let retry = |body| server.ask(Method::POST, &format!("jobs/{id}/retry"), Some(body));
    assert_eq!(retry(json!({ "stage": "publish" })).0, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(retry(json!({ "stage": "render" })).0, StatusCode::ACCEPTED);
    let job = server.ends(&id, "failed");
    assert_eq!((&job["stages"][0]["attempt"], &job["stages"][1]["attempt"]), (&json!(1), &json!(2)), "what is done is not done again");
    assert_eq!(server.ask(Method::POST, &format!("jobs/{id}/cancel"), None).0, StatusCode::CONFLICT);
}

#[test]
fn a_stage_that_failed_once_goes_on_and_what_was_done_stays() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::of(home.path(), lectern(home.path()).env("LECTERN_FAIL_STAGE", "render").arg("serve"));
    let id = server.render(SHORT);
    let job = server.ends(&id, "failed");
    assert_eq!((&job["error"]["code"], &job["current_stage"]), (&json!("rehearsed"), &json!("render")));
    server.must(Method::POST, &format!("jobs/{id}/retry"), Some(json!({ "stage": "render" })));
    let job = server.ends(&id, "completed");
    assert_eq!((&job["stages"][0]["attempt"], &job["stages"][1]["attempt"]), (&json!(1), &json!(2)));
    is_consistent(home.path());
}

#[test]
fn killed_at_work_a_server_goes_on_at_the_next_start_to_the_same_film() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), &[]);
    let id = server.render(&long());
    let waiting = server.render(SHORT);
    until_rendering(&server, &id);
    let work = server.data.join("work");
    server.kill();
    until("nobody works", || workers(&work), Vec::is_empty);
    is_consistent(home.path());
    let server = Server::start(home.path(), &[]);
    let job = server.ends(&id, "completed");
    assert_eq!((&job["stages"][0]["attempt"], &job["stages"][1]["attempt"]), (&json!(1), &json!(2)));
    server.ends(&waiting, "completed");
    // As if nothing had happened.
    let other = tempfile::tempdir().unwrap();
    std::fs::write(other.path().join("lesson.yaml"), long()).unwrap();
    let film = other.path().join("film.mp4");
    let mut command = lectern(other.path());
    command.current_dir(other.path()).args(["render", "lesson.yaml", "--quiet", "--size=160x90", "--set=fps=10", "--set=preset=ultrafast"]);
    succeed(command.arg("-o").arg(&film));
    assert!(server.artifact(&id, "film.mp4") == std::fs::read(&film).unwrap(), "the films differ");
    server.stop();
    is_consistent(home.path());
}

#[test]
fn a_server_that_is_told_to_end_loses_nothing() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), &[]);
    let id = server.render(&long());
    until_rendering(&server, &id);
    let work = server.data.join("work");
    let asked = Instant::now();
    server.stop();
    println!("ended after {:?}", asked.elapsed());
    assert_eq!(workers(&work), [0; 0]);
    is_consistent(home.path());
    let server = Server::start(home.path(), &[]);
    server.ends(&id, "completed");
}

#[test]
fn one_data_folder_has_one_server() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), &[]);
    let second = lectern(home.path()).args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(&server.data).output().unwrap();
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(second.status.code() == Some(1) && said.contains("another server works in"), "{said}");
    let job = server.submit(json!({ "script": "Hello.", "hold": true, "looks": small() }));
    assert_eq!(server.job(&job)["held"], true);
}
