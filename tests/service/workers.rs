//! Workers of their own, which take stages from NATS, and what happens to them.

use super::server::{SHORT, Server, colours, is_consistent, long};
use crate::live::stage::{runtime, until};
use crate::support::nats::NatsServer;
use crate::support::{children_of, lectern, signal_groups};
use futures_util::StreamExt;
use reqwest::Method;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

/// `lectern worker`. Dropping it kills it.
pub struct Worker(Child);

impl Worker {
    fn start(home: &Path, nats: &NatsServer) -> Worker {
        Worker::of(home, nats, &mut lectern(home))
    }

    /// The same for a command with an environment of its own.
    pub fn of(home: &Path, nats: &NatsServer, command: &mut Command) -> Worker {
        command.args(["worker", "--json", "--slots", "1", "--nats", &nats.url(), "--data"]).arg(home.join("data"));
        Worker::ready(command)
    }

    /// The same for a command that is complete.
    pub fn ready(command: &mut Command) -> Worker {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the program starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut line).expect("text");
        assert_eq!(serde_json::from_str::<Value>(&line).expect("JSON")["event"], "ready");
        Worker(child)
    }

    fn signal(&self, signal: i32) {
        // SAFETY: kill(2) of a child that has not been waited for.
        assert_eq!(unsafe { libc::kill(self.0.id() as i32, signal) }, 0);
    }

    /// What makes films for it.
    pub fn children(&self) -> Vec<i32> {
        children_of(self.0.id())
    }

    /// `kill -9`.
    pub fn kill(mut self) {
        self.0.kill().expect("it runs");
        self.0.wait().expect("it ends");
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn serve(home: &Path, nats: &NatsServer) -> Server {
    Server::start(home, &["--nats", &nats.url()])
}

fn until_rendering(server: &Server, id: &str, attempt: u64) {
    server.until(id, "rendering", |job| job["stages"][1]["attempt"] == attempt && job["stages"][1]["progress"].as_f64().unwrap() > 0.02);
}

#[test]
fn jobs_are_done_by_workers_of_their_own() {
    let home = tempfile::tempdir().unwrap();
    let nats = NatsServer::start(home.path());
    let server = serve(home.path(), &nats);
    let early = server.render(SHORT);
    let workers: Vec<Worker> = (0..3).map(|_| Worker::start(home.path(), &nats)).collect();
    let ids: Vec<String> = (0..5).map(|_| server.render(SHORT)).chain([early]).collect();
    for id in &ids {
        let job = server.ends(id, "completed");
        assert!(job["stages"].as_array().unwrap().iter().all(|stage| stage["attempt"] == 1), "{job}");
    }
    // In order: what it is at goes back, and another one goes on.
    let id = server.render(&long());
    until_rendering(&server, &id, 1);
    workers.iter().for_each(|worker| worker.signal(libc::SIGTERM));
    let job = server.until(&id, "given back", |job| job["stages"][1]["state"] == "pending");
    assert_eq!(job["state"], "processing");
    let _worker = Worker::start(home.path(), &nats);
    server.ends(&id, "completed");
    is_consistent(home.path());
}

#[test]
fn a_worker_that_dies_is_replaced_and_its_film_goes_on() {
    let home = tempfile::tempdir().unwrap();
    let nats = NatsServer::start(home.path());
    let server = serve(home.path(), &nats);
    let first = Worker::start(home.path(), &nats);
    let id = server.render(&long());
    until_rendering(&server, &id, 1);
    let _second = Worker::start(home.path(), &nats);
    let died = Instant::now();
    first.kill();
    server.until(&id, "taken over", |job| job["stages"][1]["attempt"] == 2 && job["stages"][1]["state"] != "pending");
    println!("taken over after {:?}", died.elapsed());
    server.ends(&id, "completed");
    is_consistent(home.path());
}

#[test]
fn who_has_nothing_to_do_helps_with_a_film() {
    let home = tempfile::tempdir().unwrap();
    let nats = NatsServer::start(home.path());
    let server = serve(home.path(), &nats);
    let one = Worker::start(home.path(), &nats);
    let film = || {
        let deck = server.deck("lesson.yaml", colours(24).as_bytes());
        server.submit(json!({ "deck": deck, "looks": { "size": "854x480" } }))
    };
    let made = |id: &str| {
        let job = server.ends(id, "completed");
        (server.artifact(id, "film.mp4"), job["stages"][1]["result"]["segments"].clone())
    };
    let id = film();
    until_rendering(&server, &id, 1);
    // Its own process stands still until the other one has made something.
    let makers = one.children();
    signal_groups(&makers, libc::SIGSTOP);
    let before = segments(home.path());
    let two = Worker::start(home.path(), &nats);
    until("a segment by the other one", || segments(home.path()), |count| *count > before);
    signal_groups(&makers, libc::SIGCONT);
    let (shared, counts) = made(&id);
    assert!(counts["total"] == 24 && counts["encoded"].as_u64().unwrap() < 24, "none of them was made by the other one: {counts}");
    // Alone, from nothing: the same bytes. The other one may still be at a part that has been made twice, and would keep it.
    until("nobody at work", || one.children().len() + two.children().len(), |count| *count == 0);
    one.kill();
    std::fs::remove_dir_all(home.path().join("data/cache")).unwrap();
    let (alone, counts) = made(&film());
    assert_eq!((&counts["encoded"], alone == shared), (&json!(24), true), "{counts}");
    is_consistent(home.path());
}

/// How many segments there are in the cache that workers share.
fn segments(home: &Path) -> usize {
    let folders = std::fs::read_dir(home.join("data/cache/lectern/seg")).into_iter().flatten().flatten();
    let files = folders.flat_map(|folder| std::fs::read_dir(folder.path()).into_iter().flatten().flatten());
    files.filter(|file| file.path().extension().is_some_and(|ending| ending == "lseg")).count()
}

#[test]
fn server_and_nats_may_die_under_the_workers() {
    let home = tempfile::tempdir().unwrap();
    let mut nats = NatsServer::start(home.path());
    let server = serve(home.path(), &nats);
    let _worker = Worker::start(home.path(), &nats);
    let id = server.render(&long());
    until_rendering(&server, &id, 1);
    server.kill();
    let server = serve(home.path(), &nats);
    nats.kill_and_restart();
    let job = server.ends(&id, "completed");
    assert_eq!(job["stages"][1]["attempt"], 1, "its worker went on all the while: {job}");
    let id = server.render(SHORT);
    server.ends(&id, "completed");
    is_consistent(home.path());
}

/// Says that it is a worker with room for one stage of each class, takes the first ticket there is, and forgets it.
async fn forgetful(url: &str) {
    let client = async_nats::connect(url).await.expect("NATS answers");
    let hello = json!({ "hello": { "worker": "forgetful", "room": { "heavy": 1, "light": 1 } } });
    client.publish("lectern.desk", hello.to_string().into()).await.unwrap();
    let stream = async_nats::jetstream::new(client).get_stream("LECTERN_WORK").await.expect("the server has made it");
    let config = async_nats::jetstream::consumer::pull::Config { filter_subject: "work.light.>".into(), ..Default::default() };
    let taker = stream.create_consumer(config).await.expect("nobody else takes those yet");
    let mut taken = taker.fetch().max_messages(1).expires(std::time::Duration::from_secs(60)).messages().await.unwrap();
    taken.next().await.expect("a ticket").unwrap().double_ack().await.expect("it is gone");
    // A stream of this kind has one taker of each class.
    stream.delete_consumer(&taker.cached_info().name).await.unwrap();
}

#[test]
fn a_ticket_that_is_lost_on_its_way_is_given_out_again() {
    let home = tempfile::tempdir().unwrap();
    let nats = NatsServer::start(home.path());
    let server = serve(home.path(), &nats);
    let id = server.render(SHORT);
    runtime().block_on(forgetful(&nats.url()));
    let _worker = Worker::start(home.path(), &nats);
    let job = server.ends(&id, "completed");
    assert!(job["stages"].as_array().unwrap().iter().all(|stage| stage["attempt"] == 1), "{job}");
    is_consistent(home.path());
}

#[test]
fn a_job_is_cancelled_where_it_is_made() {
    let home = tempfile::tempdir().unwrap();
    let nats = NatsServer::start(home.path());
    let server = serve(home.path(), &nats);
    let _worker = Worker::start(home.path(), &nats);
    let id = server.render(&long());
    until_rendering(&server, &id, 1);
    let asked = Instant::now();
    let job = server.must(Method::POST, &format!("jobs/{id}/cancel"), None);
    println!("cancelled after {:?}", asked.elapsed());
    assert_eq!(job["state"], json!("cancelled"));
    assert!(!home.path().join("data/work").join(&id).join("processing").exists());
    // The worker is free again.
    let id = server.render(SHORT);
    server.ends(&id, "completed");
}
