//! A server at work, and what its clients do.

use crate::live::stage::{PATIENCE, ask, runtime};
use crate::support::{children_of, lectern};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Lines};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// Two seconds of colours: the least work that is a film.
pub const SHORT: &str = r##"version: 1
id: short
title: Short
slides:
- { id: one, color: "#204060", silence: 1s, presenter: { visible: false } }
- { id: two, color: "#a04060", silence: 1s, presenter: { visible: false } }
"##;

/// Still pictures, eight seconds of each: a segment for every slide.
pub fn colours(slides: usize) -> String {
    let slide = |number: usize| format!("- {{ id: s{number}, color: \"#2040{:02x}\", silence: 8s }}\n", 2 * number);
    format!("version: 1\nid: long\ntitle: Long\nslides:\n{}", (0..slides).map(slide).collect::<String>())
}

/// A film that takes a while, also where it is small and the machine fast: seconds go by after its first progress is told.
pub fn long() -> String {
    colours(120)
}

/// `lectern serve` on a free port. Dropping it kills it.
pub struct Server {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    /// `http://127.0.0.1:PORT`.
    pub origin: String,
    /// A token for everything.
    pub token: String,
    /// Where it keeps things.
    pub data: PathBuf,
}

impl Server {
    /// With its data in `home`.
    pub fn start(home: &Path, more: &[&str]) -> Server {
        Server::of(home, lectern(home).arg("serve").args(more))
    }

    /// The same for a command that is made already.
    pub fn of(home: &Path, command: &mut Command) -> Server {
        let data = home.join("data");
        Server::ready(command.arg("--data").arg(&data), data)
    }

    /// The same for a command that names the folder where it keeps things.
    pub fn ready(command: &mut Command, data: PathBuf) -> Server {
        let command = command.args(["--json", "--listen", "127.0.0.1:0"]);
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the program starts");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let first = lines.next().expect("it says that it is ready").expect("text");
        let ready: Value = serde_json::from_str(&first).unwrap_or_else(|error| panic!("{first}: {error}"));
        let text = |name: &str| ready[name].as_str().unwrap_or_else(|| panic!("no {name} in {ready}")).to_string();
        let (origin, token) = (format!("http://{}", text("listen")), text("admin_token"));
        Server { child, lines, origin, token, data }
    }

    /// One request below `/v1`.
    pub fn ask(&self, method: Method, path: &str, body: Option<Value>) -> (StatusCode, Value) {
        ask(method, &format!("{}/v1/{path}", self.origin), &self.token, body)
    }

    /// The same, which has to succeed.
    pub fn must(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let (status, answer) = self.ask(method, path, body);
        assert!(status.is_success(), "{path}: {status} {answer}");
        answer
    }

    /// Sends a deck; its id.
    pub fn deck(&self, name: &str, content: &[u8]) -> String {
        runtime().block_on(async {
            let url = format!("{}/v1/decks?name={name}", self.origin);
            let request = client().post(url).bearer_auth(&self.token).body(content.to_vec());
            let answer = request.send().await.expect("an answer");
            assert_eq!(answer.status(), StatusCode::CREATED);
            answer.json::<Value>().await.expect("JSON")["id"].as_str().expect("an id").to_string()
        })
    }

    /// Submits a job; its id.
    pub fn submit(&self, request: Value) -> String {
        self.must(Method::POST, "jobs", Some(request))["id"].as_str().expect("an id").to_string()
    }

    /// A film of a lesson, small.
    pub fn render(&self, lesson: &str) -> String {
        let deck = self.deck("lesson.yaml", lesson.as_bytes());
        self.submit(json!({ "deck": deck, "looks": small() }))
    }

    /// A job.
    pub fn job(&self, id: &str) -> Value {
        self.must(Method::GET, &format!("jobs/{id}"), None)
    }

    /// Waits until a job is as wanted.
    pub fn until(&self, id: &str, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let job = self.job(id);
            if is_it(&job) {
                return job;
            }
            assert!(Instant::now() < deadline, "never {what}: {job}");
            std::thread::sleep(Duration::from_millis(30));
        }
    }

    /// Waits until a job is over, which has to be so.
    pub fn ends(&self, id: &str, state: &str) -> Value {
        let job = self.until(id, "over", |job| !["pending", "processing"].contains(&job["state"].as_str().unwrap()));
        assert_eq!(job["state"], state, "{job}");
        job
    }

    /// What a job has published.
    pub fn artifact(&self, id: &str, name: &str) -> Vec<u8> {
        runtime().block_on(async {
            let url = format!("{}/v1/jobs/{id}/artifacts/{name}", self.origin);
            let answer = client().get(url).bearer_auth(&self.token).send().await.expect("an answer");
            assert_eq!(answer.status(), StatusCode::OK, "{name}");
            answer.bytes().await.expect("a body").to_vec()
        })
    }

    /// What makes films for it.
    pub fn children(&self) -> Vec<i32> {
        children_of(self.child.id())
    }

    /// Sends a signal.
    pub fn signal(&self, signal: i32) {
        // SAFETY: kill(2) of a child that has not been waited for.
        assert_eq!(unsafe { libc::kill(self.child.id() as i32, signal) }, 0);
    }

    /// SIGTERM, then its end, in order.
    pub fn stop(mut self) {
        self.signal(libc::SIGTERM);
        let status = self.child.wait().expect("it ends");
        let said: Vec<String> = self.lines.by_ref().map_while(Result::ok).collect();
        assert!(status.success(), "it ended with {status}: {said:?}");
    }

    /// `kill -9`.
    pub fn kill(mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The smallest pictures.
pub fn small() -> Value {
    json!({ "size": "160x90", "set": { "fps": "10", "preset": "ultrafast" } })
}

/// A client that goes nowhere but to this machine.
pub fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().expect("a client")
}

/// The ledger of a server, looked at from outside.
pub fn is_consistent(home: &Path) {
    let output = crate::support::succeed(lectern(home).args(["jobs", "check", "--json"]).arg(home.join("data/ledger.db")));
    let said: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(said["consistent"], true, "{said}");
}
