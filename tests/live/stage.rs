//! A lecture that is being given by the real program, and what talks to it.

use crate::support::{lectern, root};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// Longer than anything here takes on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// `lectern live` at work. Dropping it kills it.
pub struct Live {
    child: Child,
    lines: Receiver<Value>,
    /// What it printed when it was ready.
    pub ready: Value,
}

impl Live {
    /// Starts a deck with `--json` on a free port, and waits until it is ready.
    pub fn start(home: &Path, deck: &Path, more: &[&str]) -> Live {
        Live::of(lectern(home).arg("live").arg(deck).args(["--listen", "127.0.0.1:0"]).args(more))
    }

    /// The same for a command that is made already.
    pub fn of(command: &mut Command) -> Live {
        let mut child = command.arg("--json").stdout(Stdio::piped()).spawn().expect("the program starts");
        let out = BufReader::new(child.stdout.take().expect("a pipe"));
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                let _ = sender.send(serde_json::from_str(&line).unwrap_or_else(|error| panic!("{line}: {error}")));
            }
        });
        let mut live = Live { child, lines, ready: Value::Null };
        live.ready = live.until("ready", |event| event["event"] == "ready");
        live
    }

    /// Waits for a line.
    pub fn until(&mut self, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let line = self.lines.recv_timeout(left).unwrap_or_else(|_| panic!("it never said: {what}"));
            if is_it(&line) {
                return line;
            }
        }
    }

    /// Waits until the session is in a state.
    pub fn until_state(&mut self, state: &str) {
        self.until(state, |event| event["event"] == "state" && event["state"] == state);
    }

    /// A text of the line that it printed when it was ready.
    pub fn said(&self, name: &str) -> String {
        self.ready[name].as_str().unwrap_or_else(|| panic!("no {name} in {}", self.ready)).to_string()
    }

    /// `http://127.0.0.1:PORT`.
    pub fn origin(&self) -> String {
        let url = self.said("viewer_url");
        url.split("/live/").next().expect("an origin").to_string()
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal.
    pub fn signal(&self, signal: i32) {
        // SAFETY: kill(2) of a child that has not been waited for.
        assert_eq!(unsafe { libc::kill(self.child.id() as i32, signal) }, 0);
    }

    /// Ctrl-C, then its end, in order.
    pub fn stop(self) {
        self.signal(libc::SIGINT);
        self.end();
    }

    /// It ends by itself, in order.
    pub fn end(mut self) {
        let status = self.child.wait().expect("it ends");
        let said: Vec<Value> = self.lines.iter().filter(|line| line["event"] == "error").collect();
        assert!(status.success(), "it ended with {status}: {said:?}");
    }

    /// Gives a command as the presenter.
    pub fn command(&self, command: Value) -> (StatusCode, Value) {
        ask(Method::POST, &self.said("control_url"), &self.said("control_token"), Some(command))
    }

    /// Its session, as REST shows it.
    pub fn session(&self) -> Value {
        let room = self.said("room");
        ask(Method::GET, &format!("{}/v1/live/{room}", self.origin()), &self.said("token"), None).1
    }

    /// Looks at the session until it is as wanted.
    pub fn watch(&self, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        until(what, || self.session(), is_it)
    }
}

/// Looks again and again until it is as wanted: for what tells nobody when it changes.
pub fn until<T: std::fmt::Debug>(what: &str, look: impl Fn() -> T, is_it: impl Fn(&T) -> bool) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let seen = look();
        if is_it(&seen) {
            return seen;
        }
        assert!(Instant::now() < deadline, "never {what}: {seen:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One request, with a token and a JSON body.
pub fn ask(method: Method, url: &str, token: &str, body: Option<Value>) -> (StatusCode, Value) {
    let text = body.map(|body| body.to_string()).unwrap_or_default();
    let (status, answer, _) = ask_raw(method, url, token, "application/json", text);
    (status, serde_json::from_str(&answer).unwrap_or(json!(answer)))
}

/// One request with any body; status, body and the `Location`.
pub fn ask_raw(method: Method, url: &str, token: &str, kind: &str, body: String) -> (StatusCode, String, Option<String>) {
    runtime().block_on(async {
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let mut request = client.request(method, url).header("content-type", kind).body(body).timeout(PATIENCE);
        if !token.is_empty() {
            request = request.bearer_auth(token);
        }
        let answer = request.send().await.unwrap_or_else(|error| panic!("{url}: {error}"));
        let place = answer.headers().get("location").and_then(|place| place.to_str().ok()).map(String::from);
        (answer.status(), answer.text().await.expect("a body"), place)
    })
}

/// Where asynchronous clients of one test run.
pub fn runtime() -> tokio::runtime::Runtime {
    // As in the program; the first test that comes here does it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// A token made by `lectern token`.
pub fn token(home: &Path, more: &[&str]) -> Value {
    let output = crate::support::succeed(lectern(home).args(["token", "--json"]).args(more));
    serde_json::from_slice(&output.stdout).expect("token --json writes JSON")
}

/// A peer of tests/peers.
pub fn peer(name: &str) -> Command {
    let mut command = Command::new(root().join("tests/peers/peer"));
    command.arg(name);
    command
}

/// Runs a peer to its end; its report.
pub fn report(command: &mut Command) -> Value {
    let output = crate::support::succeed(command.stdout(Stdio::piped()));
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{command:?} wrote {text}: {error}"))
}
