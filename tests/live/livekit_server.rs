//! A real LiveKit server, made ready by scripts/setup-peers.

use super::stage::{ask, peer, until};
use crate::contracts::rooms::must_be;
use jsonwebtoken::{EncodingKey, Header, encode};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::HashSet;
use std::fs;
use std::net::{TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The key of a server's configuration.
pub const KEY: &str = "devkey";
/// Its secret.
pub const SECRET: &str = "secretsecretsecretsecretsecretsecret";

/// A LiveKit server on loopback. Dropping it kills it.
pub struct Server {
    config: PathBuf,
    port: u16,
    child: Child,
}

impl Server {
    /// Starts one on free ports and waits until it answers.
    pub fn start(home: &Path) -> Server {
        // Both are free now; nothing else here takes ports by number.
        let port = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a free port").port();
        let udp = UdpSocket::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a free port").port();
        let config = home.join("livekit.yaml");
        let text = format!(
            "port: {port}\nbind_addresses: [\"127.0.0.1\"]\nkeys: {{{KEY}: {SECRET}}}\nlogging: {{level: error}}\n\
            rtc: {{tcp_port: 0, udp_port: {udp}, use_external_ip: false, node_ip: 127.0.0.1, enable_loopback_candidate: true, \
            interfaces: {{includes: [lo]}}}}\nroom: {{auto_create: true}}\n"
        );
        fs::write(&config, text).expect("a writable folder");
        let child = Server::spawn(&config);
        let server = Server { config, port, child };
        server.answers();
        server
    }

    fn spawn(config: &Path) -> Child {
        peer("livekit-server").arg("--config").arg(config).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the server starts")
    }

    /// Waits until it answers.
    fn answers(&self) {
        until("answers the LiveKit server", || std::net::TcpStream::connect(("127.0.0.1", self.port)), Result::is_ok)
            .expect("a connection");
    }

    fn kill(&mut self) {
        // It would wait for its participants otherwise.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Kills it and starts it again at the same place.
    pub fn restart(&mut self) {
        self.kill();
        self.child = Server::spawn(&self.config);
        self.answers();
    }

    /// Waits until somebody is in a room and hears what is said there.
    pub fn until_in(&self, room: &str, identity: &str) {
        let claims = json!({ "iss": KEY, "sub": "a test", "exp": epoch_ms() / 1000 + 600, "video": { "roomAdmin": true, "room": room } });
        let token = encode(&Header::default(), &claims, &EncodingKey::from_secret(SECRET.as_bytes())).expect("a token");
        let url = format!("http://127.0.0.1:{}/twirp/livekit.RoomService/ListParticipants", self.port);
        let look = || ask(Method::POST, &url, &token, Some(json!({ "room": room }))).1;
        let is_in = |person: &Value| person["identity"] == identity && person["state"] == "ACTIVE";
        until("in the room", look, |people| people["participants"].as_array().is_some_and(|people| people.iter().any(is_in)));
    }

    /// `ws://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("ws://127.0.0.1:{}", self.port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// What the lecture has said in its room since the moment `since`, by the report of somebody who was there: messages of the contract's form,
/// each with a name and a time of its own.
pub fn said_by_the_lecture(report: &Value, since: u64) -> Vec<Value> {
    let heard = report["data"].as_array().expect("a list");
    let ours: Vec<Value> = heard.iter().filter(|data| data["topic"] == "avatar_events").map(|data| data["message"].clone()).collect();
    let mut names = HashSet::new();
    let mut last = since;
    for message in &ours {
        must_be("AvatarEventOut", message);
        assert!(names.insert(message["id"].as_str().expect("a text")), "{message} comes twice");
        let at = message["timestamp"].as_u64().expect("whole milliseconds");
        assert!((last..=epoch_ms()).contains(&at), "{message} is not of {last} or later");
        last = at;
    }
    ours
}

/// The kinds of messages.
pub fn kinds(messages: &[Value]) -> Vec<&str> {
    messages.iter().filter_map(|message| message["message"].as_str()).collect()
}

/// Milliseconds since 1970.
pub fn epoch_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_millis() as u64
}

/// A command with the server's key.
pub fn with_key(command: &mut Command) -> &mut Command {
    command.env("LIVEKIT_API_KEY", KEY).env("LIVEKIT_API_SECRET", SECRET)
}
