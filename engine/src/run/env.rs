//! What all nodes of a run share.

use super::activity::Activity;
use super::cancel::Cancel;
use super::demand::Demand;
use super::epoch::FlushView;
use super::events::EventChannel;
use super::horizon::Gate;
use super::mailbox::Mailbox;
use super::pacer::Pacer;
use crate::time::{Span, Time};
use serde::Serialize;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
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

/// How far a run is; written by lanes, read by whoever shows it.
#[derive(Default)]
pub struct Progress {
    expected_end: AtomicI64,
    reached: AtomicI64,
    frames: AtomicU64,
    skew: AtomicI64,
}

impl Progress {
    pub(crate) fn expect_end(&self, end: Time) {
        self.expected_end.store(end.0, Ordering::Relaxed);
    }

    pub(crate) fn reach(&self, time: Time, frames: u64) {
        self.reached.fetch_max(time.0, Ordering::Relaxed);
        self.frames.store(frames, Ordering::Relaxed);
    }

    pub(crate) fn saw_skew(&self, skew: Span) {
        self.skew.fetch_max(skew.0.abs(), Ordering::Relaxed);
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
