//! Starts the lanes, watches them, and says what went wrong first.

use super::activity::{Activity, Bell};
use super::env::{Env, Warning};
use super::handle::Handle;
use super::lane::{LaneState, Phase, Position, Stopped};
use super::launch::{Lane, launch};
use super::report::Report;
use super::stats::Doing;
use super::stopwatch::Stopwatch;
use super::threads::Threads;
use super::trace::Ring;
use super::{Cancel, Progress};
use crate::clock::Clock;
use crate::graph::plan::Plan;
use crate::node::Failure;
use crate::registry::NodeType;
use crate::segments::{Shared, Window};
use crate::time::{Span, Time};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// How often the supervisor looks for calls that last too long.
const LOOK: Duration = Duration::from_secs(1);
/// How long a lane may take to notice that the run is cancelled; after that its thread is left behind.
const GRACE: Duration = Duration::from_secs(5);

/// How a run is to be run, beyond what the graph says.
#[derive(Clone, Default)]
pub struct RunOptions {
    /// A cancel flag made beforehand, so that the time in which nodes start can be cut short too.
    pub cancel: Cancel,
    /// Live: another clock than the machine's.
    pub clock: Option<Arc<dyn Clock>>,
    /// Keep the last calls of every lane for `Report::trace`.
    pub trace: bool,
    /// What it does for a render that takes several runs; as it is, the run is all there is.
    pub share: RenderShare,
}

/// What one of the runs of a render does, and what they have in common.
#[derive(Clone, Default)]
pub struct RenderShare {
    /// The part of the programme that it makes.
    pub(crate) window: Option<Arc<Window>>,
    /// Where encoders of sound begin, as what lies before is there already.
    pub(crate) first_piece: Span,
    /// When the programme ends, where all of its sound is made.
    pub(crate) end: Option<Time>,
    /// What is made ahead is begun at the end of the programme.
    pub(crate) from_the_end: bool,
    /// What all runs use together.
    pub(crate) shared: Arc<Shared>,
    /// How far it is.
    pub(crate) progress: Arc<Progress>,
    /// What lanes run on.
    pub(crate) threads: Threads,
}

impl RunOptions {
    /// What all nodes of a run share.
    pub(crate) fn env(&self) -> Env {
        let RenderShare { window, first_piece, end, from_the_end, shared, progress, threads: _ } = self.share.clone();
        Env { window, first_piece, end, from_the_end, shared, progress, ..Env::new(self.cancel.clone()) }
    }
}

/// What kind of end a run came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// A node failed, panicked or hung, or the graph stood still.
    Failed,
    /// It was cancelled from outside; there is no other cause.
    Cancelled,
    /// It was told to stop and did not drain in time.
    Laggards,
}

/// Why a run failed: the first cause, and what followed from it.
#[derive(Debug)]
pub struct RunError {
    /// What kind of end it was.
    pub kind: ErrorKind,
    /// The node, by its name in the graph.
    pub node: String,
    /// Its type.
    pub node_type: String,
    /// Which part of its life.
    pub phase: Phase,
    /// The time in the programme that it was working on.
    pub pts: Time,
    /// The cause, with the causes of the cause.
    pub cause: String,
    /// Errors of other nodes that came later.
    pub cascades: Vec<String>,
}

impl RunError {
    pub(crate) fn of_node(node: &str, node_type: &NodeType, phase: Phase, pts: Time, failure: Failure) -> Box<RunError> {
        let kind = if matches!(failure, Failure::Cancelled) { ErrorKind::Cancelled } else { ErrorKind::Failed };
        let (node, node_type) = (node.to_string(), node_type.name.to_string());
        Box::new(RunError { kind, node, node_type, phase, pts, cause: failure.to_string(), cascades: Vec::new() })
    }

    /// It was stopped from outside.
    pub(crate) fn cancelled() -> Box<RunError> {
        RunError::of_run(ErrorKind::Cancelled, "cancelled".into())
    }

    /// Of the run as a whole.
    fn of_run(kind: ErrorKind, cause: String) -> Box<RunError> {
        let (node, node_type) = (String::new(), String::new());
        Box::new(RunError { kind, node, node_type, phase: Phase::Process, pts: Time::ZERO, cause, cascades: Vec::new() })
    }
}

impl std::fmt::Display for RunError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.kind {
            ErrorKind::Cancelled => return f.write_str("the run was cancelled"),
            ErrorKind::Laggards => return f.write_str(&self.cause),
            ErrorKind::Failed => {}
        }
        write!(f, "node \"{}\" ({}) failed in {}", self.node, self.node_type, self.phase.as_str())?;
        if self.phase == Phase::Process {
            write!(f, " at {}", self.pts)?;
        }
        write!(f, ": {}", self.cause)?;
        self.cascades.iter().try_for_each(|cascade| write!(f, "\n  then: {cascade}"))
    }
}

impl std::error::Error for RunError {}

/// A run under way.
pub struct Run {
    handle: Handle,
    /// Lanes did not end in time: nobody waits for them any more.
    given_up: bool,
}

impl Run {
    /// Builds and starts the nodes of a plan and sets its lanes going.
    ///
    /// # Errors
    /// The first node that could not be built or started.
    pub fn launch(plan: Plan) -> Result<Run, Box<RunError>> {
        Run::launch_with(plan, RunOptions::default())
    }

    /// The same with options.
    ///
    /// # Errors
    /// The first node that could not be built or started.
    pub fn launch_with(plan: Plan, options: RunOptions) -> Result<Run, Box<RunError>> {
        let bell = Arc::<Bell>::default();
        let activity = Activity::new(bell.clone());
        let env = options.env();
        let stopwatch = Stopwatch::start();
        let sample_rate = plan.defaults.sample_rate;
        let mut launched = launch(plan, &env, &activity, &options)?;
        let lanes = std::mem::take(&mut launched.lanes);
        // All are counted before the first runs, so that it cannot find itself alone.
        lanes.iter().for_each(|_| activity.begin());
        let handle = Handle::new(launched, env, (activity, bell), stopwatch, sample_rate, lanes.len());
        let run = Run { handle, given_up: false };
        let mut failed = None;
        for lane in lanes {
            match failed {
                None => failed = run.spawn(lane, &options).err(),
                Some(_) => run.handle.lane_ended(0),
            }
        }
        failed.map_or(Ok(run), Err)
    }

    fn spawn(&self, lane: Lane, options: &RunOptions) -> Result<(), Box<RunError>> {
        let (head, trace) = (lane.head.id, options.trace);
        let handle = self.handle.clone();
        let work = move || {
            let ended = run_lane(lane, &handle, trace);
            move || {
                if let Some(sinks) = ended {
                    handle.lane_ended(sinks);
                }
            }
        };
        let node = &self.handle.nodes()[head];
        options.share.threads.run(&node.name, work).map_err(|error| {
            self.handle.cancel().cancel();
            self.handle.lane_ended(0);
            RunError::of_node(&node.name, node.node_type, Phase::Start, Time::ZERO, error.into())
        })
    }

    /// To watch the run and to tell it things, from any thread.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// To stop the run from outside.
    pub fn cancel(&self) -> Cancel {
        self.handle.cancel()
    }

    /// How far it is.
    pub fn progress(&self) -> Arc<Progress> {
        self.handle.progress()
    }

    /// Waits until all lanes have ended.
    ///
    /// # Errors
    /// The first cause when a node failed, panicked or hung, when the graph stands still, when the run did not drain in time, or when
    /// it was cancelled.
    pub fn wait(mut self) -> Result<Report, Box<RunError>> {
        let handle = &self.handle;
        let mut suspects = Vec::new();
        loop {
            let seen = handle.bell().rings();
            if handle.running() == 0 || handle.cancel().is_cancelled() {
                break;
            }
            let found = if handle.activity().is_stuck() && handle.running() > 0 {
                Some(handle.stalled())
            } else if let Some((node, error)) = handle.hung(&mut suspects) {
                if handle.leave_behind(node, &error) {
                    continue;
                }
                Some(error)
            } else {
                handle.laggards()
            };
            if let Some(error) = found {
                handle.failed(*error);
                break;
            }
            handle.bell().wait(seen, handle.time_to_look(LOOK));
        }
        self.join();
        let mut errors = self.handle.take_errors();
        if !errors.is_empty() {
            let mut first = errors.remove(0);
            first.cascades = errors.iter().map(ToString::to_string).collect();
            return Err(Box::new(first));
        }
        if self.handle.cancel().is_cancelled() {
            return Err(RunError::of_run(ErrorKind::Cancelled, "cancelled".into()));
        }
        Ok(self.handle.report())
    }

    /// Waits for the lanes to end. A lane that does not notice the cancel flag is left behind.
    fn join(&mut self) {
        let mut deadline = None;
        loop {
            let seen = self.handle.bell().rings();
            let left = self.handle.running();
            let cancelled = self.handle.cancel().is_cancelled();
            if cancelled && deadline.is_none() {
                deadline = Some(Instant::now() + GRACE);
            }
            if left == 0 {
                return;
            }
            if deadline.is_some_and(|at| Instant::now() >= at) {
                tracing::error!("{left} threads do not end and are left behind");
                self.given_up = true;
                return;
            }
            self.handle.bell().wait(seen, LOOK);
        }
    }
}

impl Drop for Run {
    /// A run that nobody waits for any more is stopped.
    fn drop(&mut self) {
        if self.handle.running() > 0 && !self.given_up {
            self.handle.cancel().cancel();
            self.join();
        }
    }
}

/// Runs a lane to its end and lets go of its nodes. How many of its sinks have ended in order; none at all where the run has gone on without
/// the lane.
fn run_lane(mut lane: Lane, handle: &Handle, trace: bool) -> Option<usize> {
    let head = lane.head.id;
    let stats = lane.head.stats.clone();
    let position = Position { node: head, phase: Phase::Process, pts: Time::ZERO };
    let mut state = LaneState::new(position, handle.stopwatch(), stats.clone(), trace.then(Ring::new));
    let result = catch_unwind(AssertUnwindSafe(|| lane.head.run(lane.inbox.as_deref(), &mut state)));
    stats.set_doing(Doing::Ended, 0);
    let Position { node, phase, pts } = state.position;
    let failed = |failure| {
        let info = &handle.nodes()[node];
        info.stats.in_call.store(0, Ordering::Relaxed);
        RunError::of_node(&info.name, info.node_type, phase, pts, failure)
    };
    let error = match result {
        Ok(Ok(())) | Ok(Err(Stopped::Cancelled)) => None,
        Ok(Err(Stopped::Failed(failure))) => Some(failed(failure)),
        Err(panic) => Some(failed(panicked(&*panic))),
    };
    if let Some(inbox) = &lane.inbox {
        inbox.close();
    }
    if handle.nodes()[head].is_over.swap(true, Ordering::SeqCst) {
        // Whatever it says comes too late.
        return None;
    }
    let sinks = if error.is_none() { lane.head.sinks() } else { 0 };
    if let Some(error) = error {
        handle.lane_failed(head, *error);
    }
    if let Some(ring) = state.trace {
        handle.keep_trace(head, ring);
    }
    // Nodes go before the lane counts as ended: a sink that failed has removed its file by then.
    if let Err(failure) = guarded(|| {
        drop(lane);
        Ok(())
    }) {
        let info = &handle.nodes()[head];
        handle.failed(*RunError::of_node(&info.name, info.node_type, Phase::Finish, pts, failure));
    }
    Some(sinks)
}

/// Calls into a node; a panic is its failure like any other.
pub(crate) fn guarded<T>(call: impl FnOnce() -> crate::node::Result<T>) -> crate::node::Result<T> {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|panic| Err(panicked(&*panic)))
}

fn panicked(panic: &(dyn std::any::Any + Send)) -> Failure {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    Failure::msg(format!("it panicked: {}", text.unwrap_or("no message")))
}

/// For a sink that was left out.
pub(crate) fn detached(error: &RunError) -> Warning {
    Warning {
        node: error.node.clone(),
        slide: None,
        text: format!("left out after it failed in {}: {}", error.phase.as_str(), error.cause),
    }
}
