//! Speaks clauses ahead of time, several at once, and hands them over in order.

use super::text::Clause;
use super::voice::{Synthesis, Voice, VoiceError};
use crossbeam_channel::{Sender, unbounded};
use engine::node::{Failure, Result};
use engine::run::{Bridge, Cancel};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

/// Clauses asked for ahead of the one that plays.
pub(crate) const AHEAD: usize = 4;

/// A clause on its way to a worker, with the line its sound goes back on.
struct Job {
    clause: Clause,
    done: Sender<std::result::Result<Synthesis, VoiceError>>,
    /// Gone when nobody waits any more; set when the sound is there.
    ready: Weak<AtomicBool>,
}

/// A clause that was asked for.
struct Asked {
    spoken: Bridge<std::result::Result<Synthesis, VoiceError>>,
    ready: Arc<AtomicBool>,
}

/// A few threads that speak. Closing or dropping it ends them after the last clause asked for; the voice goes with them.
pub(crate) struct Narrator {
    jobs: Option<Sender<Job>>,
    asked: VecDeque<Asked>,
    cancel: Cancel,
}

impl Narrator {
    /// Starts `workers` threads.
    pub fn start(voice: Arc<dyn Voice>, workers: usize, cancel: &Cancel) -> Result<Narrator> {
        let (jobs, queue) = unbounded::<Job>();
        for index in 0..workers.max(1) {
            let (voice, queue, cancel) = (voice.clone(), queue.clone(), cancel.clone());
            let work = move || {
                for Job { clause, done, ready } in queue {
                    if cancel.is_cancelled() {
                        return;
                    }
                    if ready.strong_count() == 0 {
                        continue;
                    }
                    // The receiver is gone when the run ended meanwhile; then there is nobody to tell.
                    let _ = done.send(voice.synthesize(&clause));
                    if let Some(ready) = ready.upgrade() {
                        ready.store(true, Ordering::Release);
                    }
                }
            };
            std::thread::Builder::new().name(format!("speech-{index}")).spawn(work)?;
        }
        Ok(Narrator { jobs: Some(jobs), asked: VecDeque::new(), cancel: cancel.clone() })
    }

    /// The same threads for another text: clauses of its own, in their own order.
    pub fn another(&self) -> Narrator {
        Narrator { jobs: self.jobs.clone(), asked: VecDeque::new(), cancel: self.cancel.clone() }
    }

    /// How many clauses were asked for and not yet taken.
    pub fn ahead(&self) -> usize {
        self.asked.len()
    }

    /// The next sound is there: `next` does not wait.
    pub fn is_ready(&self) -> bool {
        self.asked.front().is_some_and(|asked| asked.ready.load(Ordering::Acquire))
    }

    /// Asks for a clause; sounds come back in the order of asking.
    pub fn ask(&mut self, clause: Clause) {
        let (done, spoken) = Bridge::new(1, &self.cancel);
        let ready = Arc::new(AtomicBool::new(false));
        // Workers end only when this end is dropped or the run is cancelled, which `next` reports.
        if let Some(jobs) = &self.jobs {
            let _ = jobs.send(Job { clause, done, ready: Arc::downgrade(&ready) });
        }
        self.asked.push_back(Asked { spoken, ready });
    }

    /// Forgets all clauses that were asked for.
    pub fn forget(&mut self) {
        self.asked.clear();
    }

    /// Nothing more will be asked for: what a voice needs to speak is given back as soon as the last clause is spoken.
    pub fn close(&mut self) {
        self.jobs = None;
    }

    /// Waits for the next sound.
    pub fn next(&mut self) -> Result<Synthesis> {
        let Some(asked) = self.asked.front() else { return Err(Failure::msg("no clause was asked for")) };
        // A wait that a flush ends leaves the clause on its way.
        let spoken = asked.spoken.recv()?;
        self.asked.pop_front();
        match spoken {
            Some(spoken) => Ok(spoken?),
            None => Err(Failure::msg("a speech thread ended without an answer")),
        }
    }
}
