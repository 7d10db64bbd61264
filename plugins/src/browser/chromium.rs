//! Chromium as a child: started for one page with a profile of its own, spoken to through pipes, and gone with this value.
//!
//! The DevTools protocol (<https://chromedevtools.github.io/devtools-protocol/>) runs over two pipes (`--remote-debugging-pipe`: descriptors
//! 3 and 4 of the child, JSON messages that end in a zero byte), so no port is open that somebody else could speak to, and the browser
//! ends by itself when this program does. Nothing of the user's goes in: another home, no cookies, no extensions, and no way to the
//! network but the given proxy.

use super::error::BrowserError;
use crate::process::Group;
use crossbeam_channel::{Receiver, bounded, select};
use engine::run::Cancel;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long the program may take to start.
const START: Duration = Duration::from_secs(60);
/// Bytes of one message: a picture of 8192 x 8192 pixels is far smaller.
const MAX_MESSAGE: u64 = 256 << 20;
/// Messages that wait to be looked at.
const WAITING: usize = 256;
/// Events that somebody reads; of the network's, those of whole pages.
const EVENTS: [&str; 5] =
    ["Inspector.targetCrashed", "Network.responseReceived", "Page.frameNavigated", "Page.lifecycleEvent", "Page.screencastFrame"];

/// What is always asked for. Whatever phones home, asks the user or changes by itself is off.
const FLAGS: &[&str] = &[
    "--headless",
    "--remote-debugging-pipe",
    "--no-first-run",
    "--no-default-browser-check",
    "--no-pings",
    // Debian's Chromium opens a page of its own otherwise.
    "--no-startup-window",
    // Whom the program itself would ask for accounts and updates, whatever is switched off.
    "--component-updater=url-source=https://nobody.invalid",
    "--gaia-url=https://nobody.invalid",
    "--disable-background-networking",
    "--disable-breakpad",
    "--disable-client-side-phishing-detection",
    "--disable-component-update",
    "--disable-crash-reporter",
    "--disable-default-apps",
    "--disable-dev-shm-usage",
    "--disable-domain-reliability",
    "--disable-extensions",
    "--disable-features=AutofillServerCommunication,CertificateTransparencyComponentUpdater,DialMediaRouteProvider,MediaRouter,NetworkTimeServiceQuerying,OptimizationHints,Translate",
    "--disable-gpu",
    "--disable-notifications",
    "--disable-sync",
    "--metrics-recording-only",
    "--mute-audio",
    "--password-store=basic",
    // The same letters and colours on every machine of a type.
    "--font-render-hinting=none",
    "--force-color-profile=srgb",
    "--hide-scrollbars",
    // Nothing throttles a page because no one looks at it.
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    // Everything goes through the proxy, what it serves to this machine and what has no names, too.
    "--disable-quic",
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
    "--proxy-bypass-list=<-loopback>",
];

/// See the module docs.
pub struct Chromium {
    /// The program with all that it started; killed when this is dropped.
    group: Option<Group>,
    home: TempDir,
    log: File,
    commands: ChildStdin,
    messages: Receiver<Value>,
    events: VecDeque<Value>,
    cancel: Cancel,
    last_id: u64,
    /// The tab that commands are for, once there is one.
    pub session: Option<String>,
}

/// What a wait ended with.
#[derive(Debug)]
pub enum Waited<T> {
    /// It came.
    For(T),
    /// The time was over first.
    TimeOver,
}

impl Chromium {
    /// Starts the program with a proxy as its only way out.
    ///
    /// # Errors
    /// There is no such program, or it does not start.
    pub fn start(program: &Path, proxy: SocketAddr, cancel: &Cancel) -> Result<Chromium, BrowserError> {
        let home = tempfile::Builder::new().prefix("lectern-page-").tempdir()?;
        let log = tempfile::tempfile()?;
        // The shell gives the pipes the numbers that the program expects, and becomes the program.
        let mut command = Command::new("sh");
        command.args(["-c", r#"exec "$0" "$@" 3<&0 4>&1 </dev/null >&2"#]).arg(program).args(FLAGS);
        command.arg(format!("--user-data-dir={}", home.path().join("profile").display())).arg(format!("--proxy-server=socks5://{proxy}"));
        // SAFETY: plain system call without arguments.
        if unsafe { libc::geteuid() } == 0 {
            // Chromium does not run as root otherwise.
            command.arg("--no-sandbox");
        }
        command.env_clear().current_dir(home.path());
        for name in ["PATH", "LD_LIBRARY_PATH", "FONTCONFIG_FILE", "FONTCONFIG_PATH", "TZ", "XDG_DATA_HOME"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command.env("HOME", home.path()).env("TMPDIR", home.path()).env("LANG", "C.UTF-8");
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log.try_clone()?).process_group(0).spawn()?;
        let mut group = Group::new(child);
        let (commands, answers) = group.pipes().ok_or_else(|| std::io::Error::other("the child has no pipes"))?;
        let (sender, messages) = bounded(WAITING);
        std::thread::Builder::new().name("page".into()).spawn(move || {
            let mut answers = BufReader::new(answers);
            while let Some(message) = read_message(&mut answers) {
                if sender.send(message).is_err() {
                    return;
                }
            }
        })?;
        let (events, cancel) = (VecDeque::new(), cancel.clone());
        let mut browser = Chromium { group: Some(group), home, log, commands, messages, events, cancel, last_id: 0, session: None };
        let deadline = Instant::now() + START;
        match browser.call("Browser.getVersion", json!({}), deadline) {
            Ok(version) => tracing::debug!(product = %version["product"], "a browser has started"),
            Err(BrowserError::Died { output, .. }) if output.contains("not found") => {
                return Err(BrowserError::Missing { program: program.into() });
            }
            Err(BrowserError::Died { output, .. }) => return Err(BrowserError::Died { doing: "does not start", output }),
            Err(error) => return Err(error),
        }
        Ok(browser)
    }

    /// The folder that goes with it.
    #[cfg(test)]
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// Gives a command and waits for its answer.
    ///
    /// # Errors
    /// It is refused, not answered until the deadline, or the browser is gone.
    pub fn call(&mut self, method: &'static str, parameters: Value, deadline: Instant) -> Result<Value, BrowserError> {
        let Ok(id) = self.send(method, parameters) else { return Err(self.died()) };
        loop {
            match self.receive(deadline)? {
                Waited::TimeOver => return Err(BrowserError::Silent { method }),
                Waited::For(message) if message["id"] == json!(id) => {
                    return match message.get("error") {
                        Some(error) => {
                            Err(BrowserError::Protocol { method, text: error["message"].as_str().unwrap_or("no reason").into() })
                        }
                        None => Ok(message["result"].clone()),
                    };
                }
                Waited::For(message) => self.keep(message),
            }
        }
    }

    /// The next event, in order.
    ///
    /// # Errors
    /// The browser is gone, or the user stopped it.
    pub fn event(&mut self, deadline: Instant) -> Result<Waited<Value>, BrowserError> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Ok(Waited::For(event));
            }
            match self.receive(deadline)? {
                Waited::TimeOver => return Ok(Waited::TimeOver),
                Waited::For(message) => self.keep(message),
            }
        }
    }

    /// Keeps an event for later, where somebody reads it.
    fn keep(&mut self, message: Value) {
        match message["method"].as_str().unwrap_or_default() {
            // Nobody is there to answer, and until somebody does, the page stands still.
            "Page.javascriptDialogOpening" => {
                // What is wrong with the pipe shows at the next command.
                let _ = self.send("Page.handleJavaScriptDialog", json!({ "accept": false }));
            }
            "Network.responseReceived" if message["params"]["type"] != "Document" => {}
            method if EVENTS.contains(&method) => self.events.push_back(message),
            _ => {}
        }
    }

    /// Gives a command; its number.
    fn send(&mut self, method: &str, parameters: Value) -> std::io::Result<u64> {
        self.last_id += 1;
        let mut command = json!({ "id": self.last_id, "method": method, "params": parameters });
        if let Some(session) = &self.session {
            command["sessionId"] = json!(session);
        }
        let mut text = command.to_string().into_bytes();
        text.push(0);
        self.commands.write_all(&text)?;
        Ok(self.last_id)
    }

    fn receive(&mut self, deadline: Instant) -> Result<Waited<Value>, BrowserError> {
        let left = deadline.saturating_duration_since(Instant::now());
        let stop = self.cancel.channel();
        select! {
            recv(self.messages) -> message => message.map(Waited::For).map_err(|_| self.died()),
            recv(stop) -> _ => Err(BrowserError::Cancelled),
            default(left) => Ok(Waited::TimeOver),
        }
    }

    /// What it wrote last says why.
    fn died(&mut self) -> BrowserError {
        let mut said = String::new();
        let length = self.log.seek(SeekFrom::End(0)).unwrap_or(0);
        let _ = self.log.seek(SeekFrom::Start(length.saturating_sub(2000)));
        let mut bytes = Vec::new();
        let _ = (&mut self.log).take(2000).read_to_end(&mut bytes);
        said.push_str(&String::from_utf8_lossy(&bytes));
        let output = said.lines().rev().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default().chars().take(300).collect();
        BrowserError::Died { doing: "has ended", output }
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        self.group = None;
        // Whoever is killed in the middle of making a file may still finish that.
        for _ in 0..20 {
            if std::fs::remove_dir_all(self.home.path()).is_ok() || !self.home.path().exists() {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// One message; `None` at the end, or when it is none.
fn read_message(from: &mut impl BufRead) -> Option<Value> {
    let mut text = Vec::new();
    from.take(MAX_MESSAGE).read_until(0, &mut text).ok()?;
    if text.pop() != Some(0) {
        return None;
    }
    serde_json::from_slice(&text).ok()
}
