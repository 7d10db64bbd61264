//! Speaks clauses ahead of time, several at once, and hands them over in order.

use super::text::Clause;
use super::voice::{Synthesis, Voice, VoiceError};
use crossbeam_channel::{Sender, unbounded};
use engine::node::{Failure, Result};
use engine::run::{Bridge, Cancel};
use std::collections::VecDeque;
use std::sync::Arc;

/// Clauses asked for ahead of the one that plays.
pub(crate) const AHEAD: usize = 4;

/// A clause on its way to a worker, with the line its sound goes back on.
struct Job {
    clause: Clause,
    done: Sender<std::result::Result<Synthesis, VoiceError>>,
}

/// A few threads that speak. Closing or dropping it ends them after the last clause asked for; the voice goes with them.
pub(crate) struct Narrator {
    jobs: Option<Sender<Job>>,
    spoken: VecDeque<Bridge<std::result::Result<Synthesis, VoiceError>>>,
    cancel: Cancel,
}

impl Narrator {
    /// Starts `workers` threads.
    pub fn start(voice: Arc<dyn Voice>, workers: usize, cancel: &Cancel) -> Result<Narrator> {
        let (jobs, queue) = unbounded::<Job>();
        for index in 0..workers.max(1) {
            let (voice, queue, cancel) = (voice.clone(), queue.clone(), cancel.clone());
            let work = move || {
                for Job { clause, done } in queue {
                    if cancel.is_cancelled() {
                        return;
                    }
                    // The receiver is gone when the run ended meanwhile; then there is nobody to tell.
                    let _ = done.send(voice.synthesize(&clause));
                }
            };
            std::thread::Builder::new().name(format!("speech-{index}")).spawn(work)?;
        }
        Ok(Narrator { jobs: Some(jobs), spoken: VecDeque::new(), cancel: cancel.clone() })
    }

    /// How many clauses were asked for and not yet taken.
    pub fn ahead(&self) -> usize {
        self.spoken.len()
    }

    /// Asks for a clause; sounds come back in the order of asking.
    pub fn ask(&mut self, clause: Clause) {
        let (done, bridge) = Bridge::new(1, &self.cancel);
        // Workers end only when this end is dropped or the run is cancelled, which `next` reports.
        let _ = self.jobs.as_ref().map(|jobs| jobs.send(Job { clause, done }));
        self.spoken.push_back(bridge);
    }

    /// Forgets all clauses that were asked for.
    pub fn forget(&mut self) {
        self.spoken.clear();
    }

    /// Nothing more will be asked for: what a voice needs to speak is given back as soon as the last clause is spoken.
    pub fn close(&mut self) {
        self.jobs = None;
    }

    /// Waits for the next sound.
    pub fn next(&mut self) -> Result<Synthesis> {
        let Some(bridge) = self.spoken.pop_front() else { return Err(Failure::msg("no clause was asked for")) };
        match bridge.recv()? {
            Some(spoken) => Ok(spoken?),
            None => Err(Failure::msg("a speech thread ended without an answer")),
        }
    }
}
