//! Starts the lanes, watches them, and says what went wrong first.

use super::cancel::Cancel;
use super::env::{Env, Progress};
use super::launch::{EdgeInfo, Lane, NodeInfo, launch};
use super::report::{EdgeReport, NodeReport, ProcessSeconds, Report};
use super::stage::{LaneState, Phase, Position, Stopped};
use super::stats::Doing;
use crate::graph::plan::Plan;
use crate::node::Failure;
use crate::registry::NodeType;
use crate::time::Time;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How often the supervisor looks whether anything moves.
const LOOK: Duration = Duration::from_millis(500);
/// This many looks without any movement while all lanes wait for each other mean that it will stay so. Shorter, and a machine that is
/// too busy to wake a thread would be taken for a graph that stands still.
const LOOKS: u32 = 20;

/// Why a run failed: the first cause, and what followed from it.
#[derive(Debug)]
pub struct RunError {
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
    /// The run was cancelled from outside; there is no other cause.
    pub cancelled: bool,
}

impl RunError {
    pub(crate) fn of_node(node: &str, node_type: &NodeType, phase: Phase, pts: Time, failure: Failure) -> Box<RunError> {
        let cancelled = matches!(failure, Failure::Cancelled);
        let (node, node_type) = (node.to_string(), node_type.name.to_string());
        Box::new(RunError { node, node_type, phase, pts, cause: failure.to_string(), cascades: Vec::new(), cancelled })
    }
}

impl std::fmt::Display for RunError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.cancelled {
            return f.write_str("the run was cancelled");
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
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
    nodes: Vec<NodeInfo>,
    edges: Vec<EdgeInfo>,
    env: Env,
    since: Instant,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    running: usize,
    errors: Vec<RunError>,
}

impl Run {
    /// Builds and starts the nodes of a plan and sets its lanes going.
    ///
    /// # Errors
    /// The first node that could not be built or started.
    pub fn launch(plan: Plan) -> Result<Run, Box<RunError>> {
        Run::launch_with(plan, Cancel::default())
    }

    /// The same with a cancel flag made beforehand, so that the time in which nodes start can be cut short too.
    ///
    /// # Errors
    /// The first node that could not be built or started.
    pub fn launch_with(plan: Plan, cancel: Cancel) -> Result<Run, Box<RunError>> {
        let env = Env { node: "".into(), cancel, progress: Arc::new(Progress::default()), warnings: Arc::default() };
        let since = Instant::now();
        let launched = launch(plan, &env)?;
        let shared = Arc::new(Shared::default());
        let mut run = Run { shared, threads: Vec::new(), nodes: launched.nodes, edges: launched.edges, env, since };
        for lane in launched.lanes {
            run.spawn(lane)?;
        }
        Ok(run)
    }

    fn spawn(&mut self, mut lane: Lane) -> Result<(), Box<RunError>> {
        let shared = self.shared.clone();
        let cancel = self.env.cancel.clone();
        let names: Vec<(Arc<str>, &'static NodeType)> = self.nodes.iter().map(|node| (node.name.clone(), node.node_type)).collect();
        let head = lane.head.id;
        self.shared.state.lock().expect("nobody panics with this lock").running += 1;
        let work = move || {
            let stats = lane.head.stats.clone();
            let position = Position { node: head, phase: Phase::Process, pts: Time::ZERO };
            let mut state = LaneState { position, clock: Instant::now(), head: stats.clone() };
            let result = catch_unwind(AssertUnwindSafe(|| lane.head.run(lane.inbox.as_deref(), &mut state)));
            stats.set_doing(Doing::Ended, 0);
            let Position { node, phase, pts } = state.position;
            let failed = |failure| RunError::of_node(&names[node].0, names[node].1, phase, pts, failure);
            let error = match result {
                Ok(Ok(())) | Ok(Err(Stopped::Cancelled)) => None,
                Ok(Err(Stopped::Failed(failure))) => Some(failed(failure)),
                Err(panic) => Some(failed(Failure::msg(format!("it panicked: {}", panic_text(&*panic))))),
            };
            if let Some(error) = error {
                shared.state.lock().expect("nobody panics with this lock").errors.push(*error);
                cancel.cancel();
            }
            // Nodes go before the lane counts as ended: a sink that failed has removed its file by then.
            drop(lane);
            shared.state.lock().expect("nobody panics with this lock").running -= 1;
            shared.changed.notify_all();
        };
        let name = self.nodes[head].name.to_string();
        let spawned = std::thread::Builder::new().name(name).stack_size(8 << 20).spawn(work);
        match spawned {
            Ok(thread) => self.threads.push(thread),
            Err(error) => {
                self.env.cancel.cancel();
                let NodeInfo { name, node_type, .. } = &self.nodes[head];
                return Err(RunError::of_node(name, node_type, Phase::Start, Time::ZERO, error.into()));
            }
        }
        Ok(())
    }

    /// To stop the run from outside.
    pub fn cancel(&self) -> Cancel {
        self.env.cancel.clone()
    }

    /// How far it is.
    pub fn progress(&self) -> Arc<Progress> {
        self.env.progress.clone()
    }

    /// Waits until all lanes have ended.
    ///
    /// # Errors
    /// The first cause when a node failed or panicked, when the graph stands still, or when the run was cancelled.
    pub fn wait(mut self) -> Result<Report, Box<RunError>> {
        let mut before = None;
        let mut looks = 0;
        let mut state = self.shared.state.lock().expect("nobody panics with this lock");
        while state.running > 0 {
            let (woken, timeout) = self.shared.changed.wait_timeout(state, LOOK).expect("nobody panics with this lock");
            state = woken;
            if timeout.timed_out() && state.errors.is_empty() {
                let standing = self.standing();
                looks = if standing.is_some() && standing == before { looks + 1 } else { 0 };
                if looks == LOOKS {
                    state.errors.push(self.stalled());
                    self.env.cancel.cancel();
                }
                before = standing;
            }
        }
        let mut errors = std::mem::take(&mut state.errors);
        drop(state);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
        if !errors.is_empty() {
            let mut first = errors.remove(0);
            first.cascades = errors.iter().map(ToString::to_string).collect();
            return Err(Box::new(first));
        }
        if self.env.cancel.is_cancelled() {
            let cause = "cancelled".to_string();
            let (node, node_type) = (String::new(), String::new());
            let cascades = Vec::new();
            return Err(Box::new(RunError { node, node_type, phase: Phase::Process, pts: Time::ZERO, cause, cascades, cancelled: true }));
        }
        Ok(self.report())
    }

    /// When every lane waits for another one: a fingerprint of how far all of them are. A lane inside a call counts as running.
    fn standing(&self) -> Option<Vec<u64>> {
        let heads = self.nodes.iter().filter(|node| node.is_head);
        let stands =
            heads.clone().all(|node| node.stats.doing() != Doing::Running) && heads.clone().any(|node| node.stats.doing() != Doing::Ended);
        stands.then(|| self.nodes.iter().map(|node| node.stats.packets_in.get() + node.stats.packets_out.get()).collect())
    }

    /// Why nothing moves, node by node.
    fn stalled(&self) -> RunError {
        let mut lines = Vec::new();
        let mut first = None;
        for node in self.nodes.iter().filter(|node| node.is_head) {
            let place = node.stats.doing_where.load(Ordering::Relaxed) as usize;
            let reached = Time(node.stats.reached.load(Ordering::Relaxed));
            lines.push(match node.stats.doing() {
                Doing::Waiting => format!("{} waits for {}", node.name, node.inputs.get(place).map_or("input", String::as_str)),
                Doing::Blocked => format!("{} has no room for its output, at {reached}", node.name),
                Doing::Ended => continue,
                Doing::Running => format!("{} is running", node.name),
            });
            first.get_or_insert(node);
        }
        let node = first.unwrap_or(&self.nodes[0]);
        let cause = format!("the graph stands still: {}. Give the edge that is full a larger `queue:`", lines.join("; "));
        *RunError::of_node(&node.name, node.node_type, Phase::Process, Time::ZERO, Failure::msg(cause))
    }

    fn report(&self) -> Report {
        let wall = self.since.elapsed().as_secs_f64();
        let media = self.env.progress.reached().as_seconds();
        let per = |count: u64, seconds: f64| if seconds > 0.0 { count as f64 / seconds } else { 0.0 };
        let node = |node: &NodeInfo| {
            let stats = &node.stats;
            let (packets_in, packets_out) = (stats.packets_in.get(), stats.packets_out.get());
            let count = if node.node_type.outputs.is_empty() { packets_in } else { packets_out };
            NodeReport {
                node: node.name.to_string(),
                node_type: node.node_type.name,
                packets_in,
                packets_out,
                fps_wall: per(count, wall),
                fps_media: per(count, media),
                busy_ratio: if wall > 0.0 { stats.busy_nanos.get() as f64 * 1e-9 / wall } else { 0.0 },
                process_seconds: ProcessSeconds { p50: stats.calls.quantile(0.5), p99: stats.calls.quantile(0.99), max: stats.calls.max() },
            }
        };
        let edge = |edge: &EdgeInfo| EdgeReport {
            from: edge.from.clone(),
            to: edge.to.clone(),
            max_depth: edge.stats.max_depth.get(),
            dropped: 0,
            blocked_seconds: edge.stats.blocked_nanos.get() as f64 * 1e-9,
        };
        Report {
            wall_seconds: wall,
            media_seconds: media,
            nodes: self.nodes.iter().map(node).collect(),
            edges: self.edges.iter().map(edge).collect(),
            av_skew_seconds: self.env.progress.skew().as_seconds(),
            frame_copies: crate::frame::copies(),
            warnings: self.env.warnings.lock().expect("nobody panics with this lock").clone(),
            ..Report::default()
        }
    }
}

impl Drop for Run {
    /// A run that nobody waits for any more is stopped.
    fn drop(&mut self) {
        if !self.threads.is_empty() {
            self.env.cancel.cancel();
            for thread in self.threads.drain(..) {
                let _ = thread.join();
            }
        }
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}
