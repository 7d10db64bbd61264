//! Speaks clauses ahead of time, several at once, and hands them over in order.

use super::at_exit::Speaking;
use super::text::Clause;
use super::turns::Turns;
use super::voice::{Synthesis, Voice, VoiceError};
use crossbeam_channel::{Sender, unbounded};
use engine::node::{Failure, Result};
use engine::run::{Bridge, Cancel};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, LazyLock, Weak};

/// Clauses asked for ahead of the one that plays.
pub(crate) const AHEAD: usize = 4;

/// Clauses of all live narrations that are spoken at once: as many as there are processors.
static LIVE: LazyLock<Turns> = LazyLock::new(|| Turns::new(std::thread::available_parallelism().map_or(1, usize::from)));

/// How a narrator speaks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// At once, and as fast as it can.
    AtOnce,
    /// Ahead of a clock, in the background: whatever goes by the clock has precedence, and clauses that are needed sooner, in any lecture
    /// of this process, come before those that are needed later.
    Ahead,
}

/// How far a clause is.
mod stage {
    pub const WAITS: u8 = 0;
    pub const BEGUN: u8 = 1;
    pub const READY: u8 = 2;
}

type Spoken = std::result::Result<Synthesis, VoiceError>;

/// A clause on its way to a worker, with the line its sound goes back on.
struct Job {
    clause: Clause,
    done: Sender<Spoken>,
    /// How many are to be heard before it.
    rank: usize,
    /// Gone when nobody waits any more.
    stage: Weak<AtomicU8>,
}

/// A clause that was asked for.
struct Asked {
    clause: Clause,
    line: Bridge<Spoken>,
    stage: Arc<AtomicU8>,
    /// It has come out of the line.
    heard: Option<Spoken>,
}

/// A few threads that speak. Closing or dropping it ends them after the last clause asked for; the voice goes with them.
pub(crate) struct Narrator {
    jobs: Option<Sender<Job>>,
    asked: VecDeque<Asked>,
    /// Asked for, forgotten, and begun: perhaps they are asked for again.
    kept: VecDeque<Asked>,
    cancel: Cancel,
}

impl Narrator {
    /// Starts `workers` threads.
    pub fn start(voice: Arc<dyn Voice>, workers: usize, manner: Manner, cancel: &Cancel) -> Result<Narrator> {
        let (jobs, queue) = unbounded::<Job>();
        for index in 0..workers.max(1) {
            let (voice, queue, cancel) = (voice.clone(), queue.clone(), cancel.clone());
            let work = move || {
                if manner == Manner::Ahead {
                    give_way();
                }
                for job in queue {
                    if cancel.is_cancelled() {
                        return;
                    }
                    job.speak(&*voice, manner);
                }
            };
            std::thread::Builder::new().name(format!("speech-{index}")).spawn(work)?;
        }
        Ok(Narrator { jobs: Some(jobs), asked: VecDeque::new(), kept: VecDeque::new(), cancel: cancel.clone() })
    }

    /// The same threads for another text: clauses of its own, in their own order.
    pub fn another(&self) -> Narrator {
        Narrator { jobs: self.jobs.clone(), asked: VecDeque::new(), kept: VecDeque::new(), cancel: self.cancel.clone() }
    }

    /// How many clauses were asked for and not yet taken.
    pub fn ahead(&self) -> usize {
        self.asked.len()
    }

    /// The next sound is there: `next` does not wait.
    pub fn is_ready(&self) -> bool {
        self.asked.front().is_some_and(|asked| asked.heard.is_some() || asked.stage.load(Ordering::Acquire) == stage::READY)
    }

    /// Asks for a clause; sounds come back in the order of asking.
    pub fn ask(&mut self, clause: Clause) {
        if let Some(asked) = self.kept.iter().position(|asked| asked.clause == clause).and_then(|place| self.kept.remove(place)) {
            self.asked.push_back(asked);
            return;
        }
        let (done, line) = Bridge::new(1, &self.cancel);
        let stage = Arc::new(AtomicU8::new(stage::WAITS));
        // Workers end only when this end is dropped or the run is cancelled, which `next` reports.
        if let Some(jobs) = &self.jobs {
            let _ = jobs.send(Job { clause: clause.clone(), done, rank: self.asked.len(), stage: Arc::downgrade(&stage) });
        }
        self.asked.push_back(Asked { clause, line, stage, heard: None });
    }

    /// Forgets all clauses that were asked for. Those that have been begun are not spoken twice when they are asked for again.
    pub fn forget(&mut self) {
        self.kept.extend(self.asked.drain(..).filter(|asked| asked.stage.load(Ordering::Acquire) != stage::WAITS));
        let oldest = self.kept.len().saturating_sub(AHEAD);
        self.kept.drain(..oldest);
    }

    /// Nothing more will be asked for: what a voice needs to speak is given back as soon as the last clause is spoken.
    pub fn close(&mut self) {
        self.jobs = None;
    }

    /// Waits until the next sound is there, if one was asked for.
    pub fn wait(&mut self) -> Result {
        if let Some(asked) = self.asked.front_mut().filter(|asked| asked.heard.is_none()) {
            // A wait that a flush ends leaves the clause on its way.
            let spoken = asked.line.recv()?.ok_or_else(|| Failure::msg("a speech thread ended without an answer"))?;
            asked.heard = Some(spoken);
        }
        Ok(())
    }

    /// Waits for the next sound, and takes it.
    pub fn next(&mut self) -> Result<Synthesis> {
        self.wait()?;
        match self.asked.pop_front().and_then(|asked| asked.heard) {
            Some(spoken) => Ok(spoken?),
            None => Err(Failure::msg("no clause was asked for")),
        }
    }
}

impl Job {
    fn speak(self, voice: &dyn Voice, manner: Manner) {
        let Job { clause, done, rank, stage } = self;
        // While it waits for its turn it may be forgotten.
        let _turn = (manner == Manner::Ahead).then(|| LIVE.take(rank));
        let Some(_speaking) = Speaking::begin() else { return };
        match stage.upgrade() {
            Some(stage) => stage.store(stage::BEGUN, Ordering::Release),
            None => return,
        }
        // The receiver is gone when the run ended meanwhile; then there is nobody to tell.
        let _ = done.send(voice.synthesize(&clause));
        if let Some(stage) = stage.upgrade() {
            stage.store(stage::READY, Ordering::Release);
        }
    }
}

/// Makes this thread one that gives way to those that go by the clock: speech is made seconds ahead.
pub(super) fn give_way() {
    #[cfg(target_os = "linux")]
    // SAFETY: takes no pointers. On Linux 0 is the calling thread (setpriority(2), "C library/kernel differences"). A refusal changes nothing.
    unsafe {
        libc::setpriority(libc::PRIO_PROCESS, 0, 5);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::speech::text::{Options, narrate};
    use std::sync::Mutex;

    /// Says nothing, and keeps what it was asked for. A clause that is held waits until its gate is opened.
    #[derive(Default)]
    struct Mute {
        asked: Mutex<Vec<String>>,
        gate: Mutex<()>,
    }

    impl Voice for Mute {
        fn id(&self) -> &str {
            "mute"
        }
        fn language(&self) -> &str {
            "en"
        }
        fn sample_rate(&self) -> u32 {
            48_000
        }
        fn fingerprint(&self) -> blake3::Hash {
            blake3::hash(b"mute")
        }
        fn synthesize(&self, clause: &Clause) -> Spoken {
            self.asked.lock().unwrap().push(clause.text.clone());
            let _open = self.gate.lock().unwrap();
            Ok(Synthesis { samples: vec![clause.text.len() as f32], ..Synthesis::default() })
        }
    }

    #[test]
    fn what_was_begun_is_not_spoken_twice_and_what_was_not_is_left_out() {
        let voice = Arc::new(Mute::default());
        let clauses = narrate("One. Twenty two. Three hundred.", "en", Options::default()).clauses;
        let mut narrator = Narrator::start(voice.clone(), 1, Manner::Ahead, &Cancel::default()).unwrap();
        let held = voice.gate.lock().unwrap();
        clauses.iter().for_each(|clause| narrator.ask(clause.clone()));
        while voice.asked.lock().unwrap().is_empty() {
            std::thread::yield_now();
        }
        // The first one is being spoken; the second will not be asked for again.
        narrator.forget();
        assert!(narrator.ahead() == 0 && !narrator.is_ready());
        narrator.ask(clauses[0].clone());
        narrator.ask(clauses[2].clone());
        drop(held);
        narrator.wait().unwrap();
        assert!(narrator.is_ready() && narrator.ahead() == 2, "waiting takes nothing");
        let heard = [narrator.next().unwrap(), narrator.next().unwrap()].map(|spoken| spoken.samples[0] as usize);
        assert_eq!(heard, [clauses[0].text.len(), clauses[2].text.len()]);
        assert_eq!(*voice.asked.lock().unwrap(), [clauses[0].text.clone(), clauses[2].text.clone()]);
        assert!(narrator.next().is_err(), "nothing was asked for");
    }
}
