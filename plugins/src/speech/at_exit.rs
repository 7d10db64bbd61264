//! Who still speaks when the process ends.
//!
//! The library that runs the voices takes its tables down at the end of the process, whoever is using them: a clause that is being spoken for
//! a run that was cancelled would crash. So the end of the process waits for it, a part of a second as a rule, and no other is begun.

use std::sync::{Condvar, Mutex, MutexGuard, Once, PoisonError};
use std::time::Duration;

/// For a clause that takes unusually long.
const PATIENCE: Duration = Duration::from_secs(10);

struct Speakers {
    count: usize,
    /// The process ends.
    ending: bool,
}

static SPEAKERS: Mutex<Speakers> = Mutex::new(Speakers { count: 0, ending: false });
static FEWER: Condvar = Condvar::new();

/// A clause is being spoken as long as this lives.
pub(super) struct Speaking(());

impl Speaking {
    /// `None` when the process ends.
    pub fn begin() -> Option<Speaking> {
        static FIRST: Once = Once::new();
        FIRST.call_once(wait_at_exit);
        let mut speakers = speakers();
        if speakers.ending {
            return None;
        }
        speakers.count += 1;
        Some(Speaking(()))
    }
}

impl Drop for Speaking {
    fn drop(&mut self) {
        // What is set up by the first clause is taken down before what was asked for earlier.
        static FIRST: Once = Once::new();
        FIRST.call_once(wait_at_exit);
        speakers().count -= 1;
        FEWER.notify_all();
    }
}

fn speakers() -> MutexGuard<'static, Speakers> {
    SPEAKERS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From now on the process does not end while somebody speaks.
fn wait_at_exit() {
    extern "C" fn wait() {
        let mut speakers = speakers();
        speakers.ending = true;
        drop(FEWER.wait_timeout_while(speakers, PATIENCE, |speakers| speakers.count > 0));
    }
    // SAFETY: the function takes nothing and does not unwind. Refused, the process ends as it would without it.
    unsafe {
        libc::atexit(wait);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    /// What a child process does that the test below looks at; without its variable there is nothing to do.
    #[test]
    fn leaves_somebody_speaking() {
        let Some(path) = std::env::var_os("LECTERN_TEST_SPEAKS") else { return };
        let speaking = Speaking::begin().expect("the process does not end yet");
        std::thread::spawn(move || {
            while !speakers().ending {
                std::thread::yield_now();
            }
            assert!(Speaking::begin().is_none(), "nobody begins now");
            std::fs::write(path, "all of it").unwrap();
            drop(speaking);
        });
    }

    #[test]
    fn the_process_does_not_end_in_the_middle_of_a_clause() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("said");
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "speech::at_exit::tests::leaves_somebody_speaking"])
            .env("LECTERN_TEST_SPEAKS", &path)
            .output()
            .unwrap();
        assert!(child.status.success(), "{child:?}");
        assert_eq!(std::fs::read_to_string(path).unwrap(), "all of it");
    }
}
