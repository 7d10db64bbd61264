//! Workers on machines of their own: they share NATS and a store with the server, and no folder.

use super::server::{SHORT, Server, is_consistent, small};
use super::workers::{Worker, long};
use crate::live::stage::until;
use crate::support::nats::NatsServer;
use crate::support::s3::S3Server;
use crate::support::{deck, decodes_cleanly, lectern};
use reqwest::Method;
use serde_json::json;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const STORE: &str = "s3://lectures/prod";

/// What all machines reach.
struct Net {
    nats: NatsServer,
    s3: S3Server,
    disk: TempDir,
}

impl Net {
    fn new() -> Net {
        let disk = tempfile::tempdir().unwrap();
        Net { nats: NatsServer::start(disk.path()), s3: S3Server::start(disk.path()), disk }
    }

    fn serve(&self, home: &Path) -> Server {
        let mut command = lectern(home);
        command.envs(self.s3.variables()).args(["serve", "--nats", &self.nats.url(), "--store", STORE]);
        Server::of(home, &mut command)
    }

    fn worker(&self, home: &Path) -> Worker {
        Worker::of(home, &self.nats, lectern(home).envs(self.s3.variables()).env("LECTERN_STORE_PLACE", STORE))
    }

    /// Files of a job that lie in the store.
    fn kept(&self, part: &str, job: &str) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut open = vec![self.disk.path().join("lectures/prod").join(part).join(job)];
        while let Some(folder) = open.pop() {
            for path in std::fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path()) {
                if path.is_dir() { open.push(path) } else { found.push(path) }
            }
        }
        found
    }
}

fn is_film(server: &Server, job: &str, place: &Path) {
    let film = place.join("film.mp4");
    std::fs::write(&film, server.artifact(job, "film.mp4")).unwrap();
    decodes_cleanly(&film);
}

#[test]
fn a_deck_becomes_a_film_on_another_machine() {
    let [home, away] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let net = Net::new();
    let server = net.serve(home.path());
    let _worker = net.worker(away.path());
    let deck = server.deck("hello.pptx", &std::fs::read(deck("hello.pptx")).unwrap());
    let mut looks = small();
    looks["slides"] = json!("1-2");
    let id = server.submit(json!({ "deck": deck, "transcript": true, "looks": looks }));
    let job = server.ends(&id, "completed");
    assert_eq!(job["stages"][1]["result"]["slides"], 2, "{job}");
    is_film(&server, &id, home.path());
    assert!(String::from_utf8(server.artifact(&id, "transcript.md")).unwrap().starts_with("# "));
    let work = away.path().join("data/worker/work").join(&id);
    assert!(work.join("output/film.mp4").exists() && !home.path().join("data/work").join(&id).join("output/film.mp4").exists());
    assert!(!home.path().join("data/artifacts").exists());
    until("what was made on the way goes", || net.kept("work", &id), |files| files.len() == 2);
    assert!(net.kept("work", &id).iter().all(|file| file.to_str().unwrap().contains("/input/")));
    server.must(Method::DELETE, &format!("jobs/{id}"), None);
    assert_eq!((net.kept("work", &id), net.kept("job", &id)), (vec![], vec![]));
    is_consistent(home.path());
}

#[test]
fn when_a_machine_dies_another_one_goes_on_with_what_was_made() {
    let [home, first, second] = [(); 3].map(|()| tempfile::tempdir().unwrap());
    let net = Net::new();
    let server = net.serve(home.path());
    let worker = net.worker(first.path());
    let deck = server.deck("lesson.yaml", long().as_bytes());
    let id = server.submit(json!({ "deck": deck, "wishes": { "instructions": "Keep it short." }, "looks": small() }));
    server.until(&id, "rendering", |job| job["stages"][2]["progress"].as_f64().unwrap() > 0.02);
    worker.kill();
    let _worker = net.worker(second.path());
    let job = server.ends(&id, "completed");
    let attempts: Vec<_> = job["stages"].as_array().unwrap().iter().map(|stage| (&stage["name"], &stage["attempt"])).collect();
    assert_eq!(json!(attempts), json!([["content", 1], ["import", 1], ["render", 2], ["publish", 1]]));
    is_film(&server, &id, home.path());
    is_consistent(home.path());
}

#[test]
fn a_worker_that_cannot_reach_the_files_gets_no_work() {
    let [home, away] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let net = Net::new();
    let server = net.serve(home.path());
    let _without = Worker::of(home.path(), &net.nats, &mut lectern(home.path()));
    let _with = net.worker(away.path());
    let id = server.render(SHORT);
    let job = server.ends(&id, "completed");
    assert!(job["stages"].as_array().unwrap().iter().all(|stage| stage["attempt"] == 1), "{job}");
    assert!(!home.path().join("data/work").join(&id).join("processing/1-1").exists());
}
