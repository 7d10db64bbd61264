//! A real nats-server with JetStream, on a port of its own.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Dropping it kills it.
pub struct NatsServer {
    child: Child,
    folder: PathBuf,
    port: u16,
    token: Option<String>,
}

impl NatsServer {
    /// Starts one that keeps its streams in `folder`.
    pub fn start(folder: &Path) -> NatsServer {
        NatsServer::of(folder, None)
    }

    /// The same, which asks everybody for a token.
    pub fn with_token(folder: &Path, token: &str) -> NatsServer {
        NatsServer::of(folder, Some(token.into()))
    }

    fn of(folder: &Path, token: Option<String>) -> NatsServer {
        // A port that was free a moment ago.
        let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = free.local_addr().expect("an address").port();
        drop(free);
        let child = NatsServer::spawn(folder, port, token.as_deref());
        NatsServer { child, folder: folder.into(), port, token }
    }

    fn spawn(folder: &Path, port: u16, token: Option<&str>) -> Child {
        let mut command = Command::new("nats-server");
        // Where Debian puts it, which is not on everybody's path.
        command.env("PATH", format!("{}:/usr/sbin", std::env::var("PATH").unwrap_or_default()));
        command.args(["-a", "127.0.0.1", "-js", "-p", &port.to_string(), "-sd"]).arg(folder.join("nats"));
        command.args(token.into_iter().flat_map(|token| ["--auth", token]));
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let child = child.expect("nats-server is missing; scripts/setup-peers installs it");
        let deadline = Instant::now() + Duration::from_secs(30);
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < deadline, "nats-server does not answer");
            std::thread::sleep(Duration::from_millis(10));
        }
        child
    }

    /// `nats://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// `kill -9`, and again from what is on its disk.
    pub fn kill_and_restart(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
        self.child = NatsServer::spawn(&self.folder, self.port, self.token.as_deref());
    }
}

impl Drop for NatsServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
