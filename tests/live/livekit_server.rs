//! A real LiveKit server, made ready by scripts/setup-peers.

use super::stage::{peer, until};
use std::fs;
use std::net::{TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

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

/// A command with the server's key.
pub fn with_key(command: &mut Command) -> &mut Command {
    command.env("LIVEKIT_API_KEY", KEY).env("LIVEKIT_API_SECRET", SECRET)
}
