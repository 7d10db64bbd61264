//! Jobs that are stopped, fail, or lose the server under them.

use super::server::{SHORT, Server, is_consistent, long, small};
use crate::live::stage::until;
use crate::support::{lectern, succeed};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
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

/// The line of a job in the log of errors alone; null while there is none.
fn error_of(logs: &Path, id: &str) -> Value {
    let files = std::fs::read_dir(logs).into_iter().flatten().flatten().map(|entry| entry.path());
    let errors = files.filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("lectern_errors_")));
    let text: String = errors.map(|path| std::fs::read_to_string(path).unwrap()).collect();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).find(|line: &Value| line["lesson_id"] == id).unwrap_or_default()
}

#[test]
fn a_stage_that_failed_once_goes_on_and_what_was_done_stays() {
    let home = tempfile::tempdir().unwrap();
    let logs = home.path().join("logs");
    let mut command = lectern(home.path());
    command.env("LECTERN_FAIL_STAGE", "render").args(["serve", "--logs"]).arg(&logs);
    let server = Server::of(home.path(), &mut command);
    let id = server.render(SHORT);
    let job = server.ends(&id, "failed");
    assert_eq!((&job["error"]["code"], &job["current_stage"]), (&json!("rehearsed"), &json!("render")));
    let line = until("it is among the errors of the log", || error_of(&logs, &id), |line| !line.is_null());
    assert_eq!((&line["level"], &line["event_type"]), (&json!("ERROR"), &json!("stage_failed")), "{line}");
    assert!(line["message"].as_str().unwrap().contains("LECTERN_FAIL_STAGE"), "{line}");
    server.must(Method::POST, &format!("jobs/{id}/retry"), Some(json!({ "stage": "render" })));
    let job = server.ends(&id, "completed");
    assert_eq!((&job["stages"][0]["attempt"], &job["stages"][1]["attempt"]), (&json!(1), &json!(2)));
    // The job's own log has all of it, also when what was made on the way is gone.
    let log = server.must(Method::GET, &format!("jobs/{id}/log"), None);
    let lines = log.as_str().unwrap().lines().map(|line| line.split_once(' ').unwrap().1).collect::<Vec<_>>();
    for due in ["import 1: begins", "import 1: done", "render 1: begins", "render 2: begins", "render 2: done", "publish 1: done"] {
        assert!(lines.contains(&due), "{due}: {lines:?}");
    }
    assert!(lines.iter().any(|line| line.starts_with("render 1: failed (PERMANENT rehearsed)")), "{lines:?}");
    assert!(!log.as_str().unwrap().contains(&*home.path().to_string_lossy()), "{log}");
    let held = server.submit(json!({ "script": "Hello.", "hold": true }));
    assert_eq!(server.ask(Method::GET, &format!("jobs/{held}/log"), None).1["code"], "no_log");
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
