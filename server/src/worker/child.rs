//! This program as a child of itself: what crashes or runs out of memory there takes nothing else with it.
//!
//! A child is nice to the server that waits for it, dies with it, and leads a process group, so that it can be stopped with all that it
//! started.

use super::Stop;
use super::used::USED;
use crate::config::{Settings, Store, variable};
use crate::logging;
use crate::private::Hidden;
use crate::shared_segments::SHARED;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use serde_json::Value;
use std::ffi::OsString;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

/// Tells a child who its parent is.
pub const PARENT: &str = "LECTERN_PARENT";
/// So long a child may take to end in order.
const GRACE: Duration = Duration::from_millis(600);
/// Output that is kept of a child that answers with one document.
const LONGEST: usize = 16 << 20;

/// The program that children run.
#[derive(Clone, Debug)]
pub struct Program {
    path: PathBuf,
    /// Where they keep what they made, to find it again.
    cache: Option<PathBuf>,
    /// Where they share segments with those of other machines, as variables of settings.
    shared: Vec<(String, String)>,
    /// Where their files go that nobody is to read.
    hidden: Option<Hidden>,
}

/// How a child ended.
#[derive(Debug)]
pub enum Exit {
    /// In order; what it printed.
    Done(String),
    /// With this exit code, and what it said.
    Failed(i32, String),
    /// By a signal that did not come from here.
    Killed(i32),
    /// Because it was asked to stop.
    Stopped,
}

impl Program {
    /// This one.
    ///
    /// # Errors
    /// The system does not say where it is.
    pub fn own() -> io::Result<Program> {
        Ok(Program { path: std::env::current_exe()?, cache: None, shared: Vec::new(), hidden: None })
    }

    /// With a cache that is not the user's: one that several workers share.
    pub fn with_cache(self, folder: PathBuf) -> Program {
        Program { cache: Some(folder), ..self }
    }

    /// With segments shared over the store of these settings.
    pub fn sharing(self, settings: &Settings) -> Program {
        let Store { place, floor } = &settings.store;
        let place = place.as_ref().map(|place| (variable("store.place"), place.clone()));
        let token = settings.workers.token.as_ref().map(|token| (variable("workers.token"), token.expose().to_string()));
        let rest = [(SHARED.to_string(), "1".to_string()), (variable("store.floor"), format!("{}B", floor.0))];
        Program { shared: place.into_iter().chain(token).chain(rest).collect(), ..self }
    }

    /// With what they make on the way where nobody else can read it.
    pub fn hiding(self, hidden: Hidden) -> Program {
        Program { hidden: Some(hidden), ..self }
    }

    /// Is it so?
    pub fn is_private(&self) -> bool {
        self.hidden.is_some()
    }

    /// Runs it in a folder, printing JSON, to its end or until it is to stop. `event` is told each event that it prints.
    ///
    /// # Errors
    /// It cannot be started or listened to.
    pub async fn run(&self, folder: &Path, arguments: &[OsString], stop: &mut Stop, event: impl FnMut(&Value)) -> io::Result<Exit> {
        self.run_heard(folder, arguments, stop, event, |_| {}).await
    }

    /// The same; `line` is told each line of what it complains of.
    ///
    /// # Errors
    /// As `run`.
    pub async fn run_heard(
        &self,
        folder: &Path,
        arguments: &[OsString],
        stop: &mut Stop,
        mut event: impl FnMut(&Value),
        mut line: impl FnMut(&str),
    ) -> io::Result<Exit> {
        let mut command = Command::new("nice");
        command.args(["-n", "10"]).arg(&self.path).args(arguments).arg("--json");
        command.current_dir(folder).env(PARENT, std::process::id().to_string());
        command.envs(self.cache.iter().map(|cache| ("XDG_CACHE_HOME", cache)));
        command.envs(self.shared.iter().map(|(name, value)| (name, value)));
        command.envs(self.hidden.iter().flat_map(Hidden::variables));
        // What it warns of is kept, and read as text.
        command.envs(logging::quiet()).env("NO_COLOR", "1");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0).kill_on_drop(true);
        let mut group = Group::start(command).await?;
        let out = group.child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let errors = group.child.stderr.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let mut said = String::new();
        let mut failure = None;
        let mut complaint = None;
        let complains = listen(errors, |text| {
            tracing::info!(target: "lectern::child", "{text}");
            line(text);
            // What is wrong with a command line is said before it is known that JSON is wanted.
            complaint = complaint.take().or_else(|| text.strip_prefix("error: ").map(String::from));
        });
        let says = listen(out, |line| {
            match serde_json::from_str::<Value>(line) {
                Ok(value) if value["event"] == "error" => failure = value["message"].as_str().map(String::from),
                // About the child, and no part of its answer.
                Ok(value) if value["event"] == USED => return event(&value),
                Ok(value) if value["event"].is_string() => event(&value),
                _ => {}
            }
            if said.len() + line.len() < LONGEST {
                said.push_str(line);
                said.push('\n');
            }
        });
        tokio::select! {
            heard = futures_util::future::try_join(says, complains) => drop(heard?),
            () = stop.asked() => {
                group.stop().await?;
                return Ok(Exit::Stopped);
            }
        }
        let status = tokio::select! {
            status = group.wait() => status?,
            () = stop.asked() => {
                group.stop().await?;
                return Ok(Exit::Stopped);
            }
        };
        Ok(match (status.code(), status.signal()) {
            (Some(0), _) => Exit::Done(said),
            (Some(code), _) => Exit::Failed(code, failure.or(complaint).unwrap_or_else(|| "it did not say why".into())),
            (None, signal) => Exit::Killed(signal.unwrap_or_default()),
        })
    }
}

async fn listen(out: impl AsyncRead + Unpin, mut line: impl FnMut(&str)) -> io::Result<()> {
    let mut lines = BufReader::new(out).lines();
    while let Some(text) = lines.next_line().await? {
        line(&text);
    }
    Ok(())
}

/// A child with all that it starts. Dropped while it runs, they are killed.
struct Group {
    child: Child,
    /// `None` once the leader is reaped: the number may then belong to somebody else.
    id: Option<Pid>,
}

impl Group {
    async fn start(command: Command) -> io::Result<Group> {
        let child = start(command).await?;
        let id = child.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw);
        Ok(Group { child, id })
    }

    async fn wait(&mut self) -> io::Result<ExitStatus> {
        let status = self.child.wait().await?;
        self.id = None;
        Ok(status)
    }

    fn signal(&self, signal: Signal) {
        if let Some(id) = self.id
            && let Err(error) = killpg(id, signal)
        {
            tracing::debug!(%error, "a child is gone already");
        }
    }

    /// In order if it can, by force if not.
    async fn stop(&mut self) -> io::Result<()> {
        self.signal(Signal::SIGTERM);
        if tokio::time::timeout(GRACE, self.wait()).await.is_err() {
            self.signal(Signal::SIGKILL);
            self.wait().await?;
        }
        Ok(())
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::SIGKILL);
    }
}

/// Starts children from one thread that lives as long as the process: Linux tells a child of the death of the thread that started it.
async fn start(command: Command) -> io::Result<Child> {
    type Request = (Command, Handle, oneshot::Sender<io::Result<Child>>);
    static STARTER: OnceLock<Option<Sender<Request>>> = OnceLock::new();
    let starter = STARTER.get_or_init(|| {
        let (requests, arriving) = channel::<Request>();
        let work = move || {
            for (mut command, runtime, answer) in arriving {
                let _inside = runtime.enter();
                // Nobody may wait any more: then the child is dropped, and killed with that.
                drop(answer.send(command.spawn()));
            }
        };
        std::thread::Builder::new().name("starter".into()).spawn(work).ok().map(|_| requests)
    });
    let gone = || io::Error::other("there is no thread to start children");
    let (answer, started) = oneshot::channel();
    starter.as_ref().ok_or_else(gone)?.send((command, Handle::current(), answer)).map_err(|_| gone())?;
    started.await.map_err(|_| gone())?
}

/// Is this process one?
pub fn is_child() -> bool {
    std::env::var_os(PARENT).is_some()
}

/// In a child: ends with its parent. Called first of all.
pub fn follow_parent() {
    let Some(parent) = std::env::var(PARENT).ok().and_then(|text| text.parse::<i32>().ok()) else { return };
    #[cfg(target_os = "linux")]
    if let Err(error) = nix::sys::prctl::set_pdeathsig(Signal::SIGTERM) {
        tracing::warn!(%error, "this process does not end with its parent");
    }
    // It may have died before.
    if nix::unistd::getppid() != Pid::from_raw(parent) {
        std::process::exit(128 + Signal::SIGTERM as i32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;
    use tokio::sync::watch;

    fn shell(script: &str) -> (Program, Vec<OsString>) {
        (Program { path: "sh".into(), cache: None, shared: Vec::new(), hidden: None }, vec!["-c".into(), script.into()])
    }

    async fn run(script: &str, stop: &mut Stop) -> Exit {
        let (program, arguments) = shell(script);
        program.run(Path::new("/"), &arguments, stop, |_| {}).await.unwrap()
    }

    #[tokio::test]
    async fn what_a_child_says_and_how_it_ends_come_back() {
        let mut never = Stop::never();
        let (program, arguments) =
            shell("echo '{\"event\":\"progress\",\"percent\":5}'; echo '{\"event\":\"error\",\"message\":\"no\"}'; exit 2");
        let mut seen = Vec::new();
        let exit = program.run(Path::new("/"), &arguments, &mut never, |event| seen.push(event["percent"].clone())).await.unwrap();
        assert!(matches!(&exit, Exit::Failed(2, why) if why == "no"), "{exit:?}");
        assert_eq!(seen, [5]);
        assert!(matches!(run("nice", &mut never).await, Exit::Done(text) if text == "10\n"));
        assert!(matches!(run("kill -9 $$", &mut never).await, Exit::Killed(9)));
    }

    #[tokio::test]
    async fn what_a_child_complains_of_is_heard() {
        let (program, arguments) = shell("echo one >&2; echo '{\"event\":\"progress\"}'; echo 'error: two' >&2; exit 1");
        let mut lines = Vec::new();
        let exit = program.run_heard(Path::new("/"), &arguments, &mut Stop::never(), |_| {}, |line| lines.push(line.to_string())).await;
        assert!(matches!(exit.unwrap(), Exit::Failed(1, why) if why == "two"));
        assert_eq!(lines, ["one", "error: two"]);
    }

    #[tokio::test]
    async fn a_child_that_will_not_end_is_made_to_with_all_that_it_started() {
        for script in ["sleep 600", "trap '' TERM; sleep 600 & while true; do wait; done"] {
            let (ask, asked) = watch::channel(false);
            let mut stop = Stop::new(asked);
            let (program, arguments) = shell(&format!("echo '{{\"event\":\"started\"}}'; {script}"));
            let start = std::cell::Cell::new(Instant::now());
            let exit = program
                .run(Path::new("/"), &arguments, &mut stop, |_| {
                    start.set(Instant::now());
                    ask.send_replace(true);
                })
                .await
                .unwrap();
            assert!(matches!(exit, Exit::Stopped));
            assert!(start.get().elapsed() < Duration::from_secs(1), "{:?}", start.get().elapsed());
        }
    }
}
