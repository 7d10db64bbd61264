//! Other programs: run until they end, their time is over, or the user stops the work; and gone with all that they started.

use crossbeam_channel::RecvTimeoutError;
use engine::run::Cancel;
use std::io::{Read, Seek};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// How often a running program is looked at; small against anything worth running.
const LOOK: Duration = Duration::from_millis(5);
/// Output kept for messages.
const MAX_OUTPUT: u64 = 1 << 20;

/// How a program ended.
pub(crate) struct Finished {
    /// Exit status zero.
    pub success: bool,
    /// Its standard output and error together, at most 1 MiB.
    pub output: String,
}

/// Why a program did not end by itself.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProcessError {
    #[error("it cannot be started ({0})")]
    Start(#[from] std::io::Error),
    #[error("it took longer than {} s and was stopped", .0.as_secs_f64())]
    TimedOut(Duration),
    #[error("it was stopped")]
    Cancelled,
}

/// Runs `command` to its end, in a process group of its own: over the limit or cancelled, all that it started is killed with it.
pub(crate) fn run(command: &mut Command, limit: Duration, cancel: &Cancel) -> Result<Finished, ProcessError> {
    // A file, not a pipe: nobody has to read it while the program runs.
    let mut log = tempfile::tempfile()?;
    let child = command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log.try_clone()?).process_group(0).spawn()?;
    let mut group = Group::new(child);
    let (start, stop) = (Instant::now(), cancel.channel());
    let status = loop {
        if let Some(status) = group.0.try_wait()? {
            break status;
        }
        if start.elapsed() > limit {
            return Err(ProcessError::TimedOut(limit));
        }
        if stop.recv_timeout(LOOK) == Err(RecvTimeoutError::Disconnected) {
            return Err(ProcessError::Cancelled);
        }
    };
    let mut output = Vec::new();
    log.rewind()?;
    log.take(MAX_OUTPUT).read_to_end(&mut output)?;
    Ok(Finished { success: status.success(), output: String::from_utf8_lossy(&output).trim().to_string() })
}

/// A child that leads a process group; the group dies with this value.
pub(crate) struct Group(Child);

impl Group {
    /// Takes a child that was started with `process_group(0)`.
    pub(crate) fn new(leader: Child) -> Group {
        Group(leader)
    }

    /// The child's input and output, once, where they are pipes.
    pub(crate) fn pipes(&mut self) -> Option<(ChildStdin, ChildStdout)> {
        self.0.stdin.take().zip(self.0.stdout.take())
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // Once reaped, the number may belong to somebody else.
        if let Ok(None) = self.0.try_wait() {
            // SAFETY: plain system call; the group is ours because its leader is not reaped yet.
            unsafe { libc::kill(-(self.0.id() as libc::pid_t), libc::SIGKILL) };
            drop(self.0.wait());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_and_status_come_back() {
        let run = |command: &mut Command| run(command, Duration::from_secs(60), &Cancel::default());
        let finished = run(Command::new("sh").args(["-c", "echo out; echo err >&2; exit 3"])).unwrap();
        assert_eq!((finished.success, finished.output.as_str()), (false, "out\nerr"));
        assert!(matches!(run(&mut Command::new("/does/not/exist")), Err(ProcessError::Start(_))));
    }

    #[test]
    fn over_the_limit_the_whole_group_is_killed() {
        let folder = tempfile::tempdir().unwrap();
        let pid = folder.path().join("pid");
        let script = format!("sleep 600 & echo $! > {}; wait", pid.display());
        let mut limit = Duration::from_millis(50);
        // On a busy machine the shell may not have started its child yet: then with more time.
        let child = loop {
            let ended = run(Command::new("sh").args(["-c", &script]), limit, &Cancel::default());
            assert!(matches!(ended, Err(ProcessError::TimedOut(_))));
            match std::fs::read_to_string(&pid).ok().and_then(|text| text.trim().parse::<u32>().ok()) {
                Some(child) => break child,
                None => limit *= 2,
            }
        };
        // Killed at once, but it is init's to reap: gone or a zombie.
        let runs = || std::fs::read_to_string(format!("/proc/{child}/stat")).is_ok_and(|stat| !stat.contains(") Z"));
        while runs() {
            std::thread::yield_now();
        }
    }

    #[test]
    fn cancelled_it_ends_at_once() {
        let cancel = Cancel::default();
        cancel.cancel();
        let ended = run(Command::new("sleep").arg("600"), Duration::from_secs(600), &cancel);
        assert!(matches!(ended, Err(ProcessError::Cancelled)));
    }
}
