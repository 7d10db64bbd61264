//! What all nodes of a run share.

use super::activity::Activity;
use super::cancel::Cancel;
use super::demand::Demand;
use super::epoch::FlushView;
use super::events::EventChannel;
use super::horizon::Gate;
use super::mailbox::Mailbox;
use super::pacer::Pacer;
use crate::segments::{Shared, Window};
use crate::time::{Span, Time};
use serde::Serialize;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// Something the user should know that is no error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// Which node says so.
    pub node: String,
    /// Which slide it concerns, from 1.
    pub slide: Option<usize>,
    /// What.
    pub text: String,
}

/// What all nodes of a run share, and what is one node's own.
#[derive(Clone)]
pub(crate) struct Env {
    pub(crate) node: Arc<str>,
    pub(crate) cancel: Cancel,
    pub(crate) progress: Arc<Progress>,
    pub(crate) warnings: Arc<Mutex<Vec<Warning>>>,
    pub(crate) events: EventChannel,
    /// Wishes of the consumers, by output port.
    pub(crate) demands: Vec<Arc<Demand>>,
    /// Where wishes go, by input port and connection.
    pub(crate) wishes: Vec<(usize, Arc<Demand>)>,
    /// Of a node type that takes commands.
    pub(crate) mailbox: Option<Arc<Mailbox>>,
    /// What counts the lane that sleeps for something outside; nothing when a node runs alone.
    pub(crate) activity: Option<Arc<Activity>>,
    pub(crate) live: Option<LiveEnv>,
    /// Pictures that show what the one before shows may be left out.
    pub(crate) sparse: bool,
    /// The part of the programme that is made, where it is not all.
    pub(crate) window: Option<Arc<Window>>,
    /// Where encoders of sound begin.
    pub(crate) first_piece: Span,
    /// When the programme ends, where that is known.
    pub(crate) end: Option<Time>,
    /// The last part is made first.
    pub(crate) from_the_end: bool,
    pub(crate) shared: Arc<Shared>,
}

/// What a node has in a live run only.
#[derive(Clone)]
pub(crate) struct LiveEnv {
    /// The flushes; nothing behind `playout`.
    pub(crate) flushes: Option<FlushView>,
    /// What holds a source back.
    pub(crate) gate: Option<Arc<Gate>>,
    /// `playout`'s.
    pub(crate) pacer: Option<Arc<Pacer>>,
    /// Sources are to end.
    pub(crate) stop: Arc<AtomicBool>,
}

impl Env {
    /// Of a run that has not begun.
    pub(crate) fn new(cancel: Cancel) -> Env {
        Env {
            node: "".into(),
            cancel,
            progress: Arc::default(),
            warnings: Arc::default(),
            events: EventChannel::default(),
            demands: Vec::new(),
            wishes: Vec::new(),
            mailbox: None,
            activity: None,
            live: None,
            sparse: false,
            window: None,
            first_piece: Span::ZERO,
            end: None,
            from_the_end: false,
            shared: Arc::default(),
        }
    }

    pub(crate) fn warn(&self, warning: Warning) {
        tracing::warn!(node = %warning.node, slide = warning.slide, "{}", warning.text);
        let mut warnings = self.warnings.lock().expect("nobody panics with this lock");
        if !warnings.contains(&warning) && warnings.len() < 10_000 {
            warnings.push(warning);
        }
    }
}

/// What is being done, in a render that takes several runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkStage {
    /// Things are spoken that have to be known before anything else.
    Narrating,
    /// Segments are made.
    Encoding,
    /// They are put together.
    Assembling,
}

/// How far a run is; written by lanes, read by whoever shows it.
///
/// A render that takes several runs has one of its own, to which those of its runs add. It counts work in time of the programme: a
/// second of pictures is a second, of other things so much of one as it costs beside pictures.
#[derive(Default)]
pub struct Progress {
    expected_end: AtomicI64,
    reached: AtomicI64,
    frames: AtomicU64,
    skew: AtomicI64,
    /// Of a render: 0 before it has begun, else one more than the stage's number.
    stage: AtomicU8,
    /// What this is a part of, and how many percent of a second a second counts there.
    whole: Option<(Arc<Progress>, i64)>,
}

/// To speak a second costs about so many percent of what its pictures cost.
const SPOKEN: i64 = 30;

impl Progress {
    /// Of a run that is a part of `whole`, where each second of its programme counts `percent` of a second.
    pub(crate) fn part_of(whole: Arc<Progress>, percent: i64) -> Progress {
        Progress { whole: Some((whole, percent)), ..Progress::default() }
    }

    pub(crate) fn expect_end(&self, end: Time) {
        self.expected_end.store(end.0, Ordering::Relaxed);
    }

    pub(crate) fn reach(&self, time: Time, frames: u64) {
        let before = self.reached.fetch_max(time.0, Ordering::Relaxed);
        let frames_before = self.frames.fetch_max(frames, Ordering::Relaxed);
        if let Some((whole, percent)) = &self.whole {
            whole.reached.fetch_add((time.0 - before).max(0) / 100 * percent, Ordering::Relaxed);
            whole.frames.fetch_add(frames.saturating_sub(frames_before), Ordering::Relaxed);
        }
    }

    /// So much of what has to be spoken before anything else has been.
    pub(crate) fn speak(&self, done: Span, all: Span) {
        if let Some((whole, _)) = &self.whole {
            let later = self.expected_end.load(Ordering::Relaxed);
            whole.begin(WorkStage::Narrating);
            whole.expected_end.store(all.0 / 100 * SPOKEN + later, Ordering::Relaxed);
            whole.reached.store(done.0 / 100 * SPOKEN, Ordering::Relaxed);
        }
    }

    /// What has been done so far is followed by so much.
    pub(crate) fn expect_more(&self, more: Span) {
        self.expected_end.store(self.reached.load(Ordering::Relaxed) + more.0, Ordering::Relaxed);
    }

    pub(crate) fn begin(&self, stage: WorkStage) {
        self.stage.store(stage as u8 + 1, Ordering::Relaxed);
    }

    pub(crate) fn saw_skew(&self, skew: Span) {
        self.skew.fetch_max(skew.0.abs(), Ordering::Relaxed);
    }

    /// What is being done, in a render that takes several runs.
    pub fn stage(&self) -> Option<WorkStage> {
        let all = [WorkStage::Narrating, WorkStage::Encoding, WorkStage::Assembling];
        let index = usize::from(self.stage.load(Ordering::Relaxed)).checked_sub(1)?;
        all.get(index).copied()
    }

    /// Largest distance between sound and picture seen so far.
    pub fn skew(&self) -> Span {
        Span(self.skew.load(Ordering::Relaxed))
    }

    /// How long the programme will probably be; `None` until a node knows.
    pub fn expected_end(&self) -> Option<Time> {
        let end = self.expected_end.load(Ordering::Relaxed);
        (end > 0).then_some(Time(end))
    }

    /// How far the programme has come out of `playout`.
    pub fn reached(&self) -> Time {
        Time(self.reached.load(Ordering::Relaxed))
    }

    /// Pictures that came out of `playout`.
    pub fn frames(&self) -> u64 {
        self.frames.load(Ordering::Relaxed)
    }
}
