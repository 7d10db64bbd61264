//! What a lane carries through its stages: where it is, and what time it is.

use super::stats::NodeStats;
use super::stopwatch::Stopwatch;
use super::trace::Ring;
use crate::node::Failure;
use crate::time::Time;
use std::sync::Arc;

/// Which part of a node's life an error comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// `Node::start`.
    Start,
    /// `Node::process`.
    Process,
    /// `Node::finish`.
    Finish,
    /// `Node::flush`.
    Flush,
    /// `Node::command`.
    Command,
}

impl Phase {
    /// All of them.
    pub(crate) const ALL: [Phase; 5] = [Phase::Start, Phase::Process, Phase::Finish, Phase::Flush, Phase::Command];

    /// As written in messages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Phase::Start => "start",
            Phase::Process => "process",
            Phase::Finish => "finish",
            Phase::Flush => "flush",
            Phase::Command => "command",
        }
    }
}

/// Which node a lane is in, kept outside the call so that a panic can be given a name.
#[derive(Clone, Copy)]
pub(crate) struct Position {
    pub(crate) node: usize,
    pub(crate) phase: Phase,
    pub(crate) pts: Time,
}

/// What a lane carries through its stages.
pub(crate) struct LaneState {
    pub(crate) position: Position,
    pub(crate) stopwatch: Stopwatch,
    /// The end of one call is the start of the next; in nanoseconds from the start of the run.
    pub(crate) clock: u64,
    pub(crate) head: Arc<NodeStats>,
    /// A node gave up a call because of a flush: nobody is called before all have been told of it.
    pub(crate) interrupted: bool,
    /// The last calls, when they are to be shown.
    pub(crate) trace: Option<Ring>,
}

impl LaneState {
    /// A lane that begins at `position`.
    pub(crate) fn new(position: Position, stopwatch: Stopwatch, head: Arc<NodeStats>, trace: Option<Ring>) -> LaneState {
        LaneState { position, stopwatch, clock: 0, head, interrupted: false, trace }
    }

    /// Looks at the clock: a wait is over, or a call. Returns how long it took.
    #[inline]
    pub(crate) fn look(&mut self) -> u64 {
        let before = self.clock;
        // Another processor may be a little behind.
        self.clock = self.stopwatch.nanos().max(before);
        self.clock - before
    }
}

/// Why a lane stopped early.
pub(crate) enum Stopped {
    Cancelled,
    Failed(Failure),
}
