//! A run from outside: what it is doing, and how it is told to stop, to flush, or to do something else.

use super::activity::{Activity, Bell};
use super::cancel::Cancel;
use super::env::{Env, Progress};
use super::events::Event;
use super::lane::Phase;
use super::launch::{EdgeInfo, LaneDoor, Launched, LiveRun, NodeInfo};
use super::report::{EdgeReport, NodeReport, ProcessSeconds, Report};
use super::stats::Doing;
use super::stopwatch::Stopwatch;
use super::supervisor::{ErrorKind, RunError, detached};
use super::trace::{self, Ring};
use crate::node::Failure;
use crate::time::{Rate, Span, Time};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// A handle to a run; cloning shares it.
#[derive(Clone)]
pub struct Handle {
    shared: Arc<Shared>,
}

struct Shared {
    nodes: Vec<NodeInfo>,
    edges: Vec<EdgeInfo>,
    live: Option<LiveRun>,
    env: Env,
    activity: Arc<Activity>,
    bell: Arc<Bell>,
    stopwatch: Stopwatch,
    sample_rate: Rate,
    running: AtomicUsize,
    sinks: AtomicUsize,
    errors: Mutex<Vec<RunError>>,
    traces: Mutex<Vec<(String, Ring)>>,
    stopped: Mutex<Option<Instant>>,
}

/// Why a command or a flush was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// There is no such node.
    #[error("there is no node \"{0}\"")]
    UnknownNode(String),
    /// It takes no commands.
    #[error("node \"{0}\" ({1}) takes no commands")]
    NoCommands(String, &'static str),
    /// It does not understand this one.
    #[error("node \"{0}\" does not understand this command: {1}")]
    BadCommand(String, serde_json::Error),
    /// Only a live run can be flushed.
    #[error("only a live run can be flushed")]
    NotLive,
    /// The run has ended meanwhile.
    #[error("the run has ended")]
    Ended,
}

impl Handle {
    pub(crate) fn new(
        launched: Launched,
        env: Env,
        (activity, bell): (Arc<Activity>, Arc<Bell>),
        stopwatch: Stopwatch,
        sample_rate: Rate,
        lanes: usize,
    ) -> Handle {
        let Launched { nodes, edges, live, .. } = launched;
        let sinks = AtomicUsize::new(nodes.iter().filter(|node| node.is_sink).count());
        let (running, errors, traces, stopped) = (AtomicUsize::new(lanes), Mutex::default(), Mutex::default(), Mutex::default());
        let shared = Shared { nodes, edges, live, env, activity, bell, stopwatch, sample_rate, running, sinks, errors, traces, stopped };
        Handle { shared: Arc::new(shared) }
    }

    /// To stop the run at once.
    pub fn cancel(&self) -> Cancel {
        self.shared.env.cancel.clone()
    }

    /// How far it is.
    pub fn progress(&self) -> Arc<Progress> {
        self.shared.env.progress.clone()
    }

    /// Lets a live run end in order: sources stop, everything drains, files are closed. An offline run is cancelled, because half a film
    /// is no film.
    pub fn stop(&self) {
        let Some(live) = &self.shared.live else { return self.cancel().cancel() };
        self.shared.stopped.lock().expect("nobody panics with this lock").get_or_insert_with(Instant::now);
        live.stop.store(true, Ordering::SeqCst);
        self.shared.nodes.iter().filter(|node| node.is_head).for_each(|node| node.lane.knock());
        self.shared.bell.ring();
    }

    /// Hands a command to a node, to be carried out between two of its calls.
    ///
    /// # Errors
    /// When there is no such node, or it does not take this command.
    pub fn command(&self, node: &str, value: serde_json::Value) -> Result<(), ControlError> {
        let unknown = || ControlError::UnknownNode(node.to_string());
        let info = self.shared.nodes.iter().find(|info| &*info.name == node).ok_or_else(unknown)?;
        let (Some(mailbox), Some(command)) = (&info.mailbox, info.node_type.command) else {
            return Err(ControlError::NoCommands(node.to_string(), info.node_type.name));
        };
        mailbox.put((command.parse)(value).map_err(|error| ControlError::BadCommand(node.to_string(), error))?);
        info.lane.knock();
        Ok(())
    }

    /// What nodes tell. Each event goes to one listener.
    pub fn events(&self) -> crossbeam_channel::Receiver<Event> {
        self.shared.env.events.receiver()
    }

    /// The nodes of a type, by name.
    pub fn nodes_of(&self, node_type: &str) -> Vec<String> {
        self.shared.nodes.iter().filter(|node| node.node_type.name == node_type).map(|node| node.name.to_string()).collect()
    }

    /// Throws away everything that was made but has not gone out. Returns the cut: the media time at which `playout` goes on, and from which
    /// sources make everything anew. A source that has ended makes nothing anew: its part of the programme ends at the cut.
    ///
    /// # Errors
    /// When the run is not live, or ends meanwhile.
    pub fn flush(&self) -> Result<Time, ControlError> {
        let live = self.shared.live.as_ref().ok_or(ControlError::NotLive)?;
        let epochs = &live.pacer.epochs;
        let before = epochs.current();
        let answered = epochs.channel();
        live.pacer.ask_flush();
        self.shared.nodes[live.playout].lane.knock();
        let ended = self.shared.env.cancel.channel();
        crossbeam_channel::select! {
            recv(answered) -> _ => {}
            recv(ended) -> _ => {}
        }
        if epochs.current() > before { Ok(epochs.cut_since(before)) } else { Err(ControlError::Ended) }
    }

    /// Waits until nothing moves by itself any more: all lanes wait for each other, for the clock or for a command. For tests with a clock
    /// that is cranked by hand.
    pub fn idle(&self) {
        loop {
            let seen = self.shared.bell.rings();
            if self.shared.activity.is_idle() || self.running() == 0 {
                return;
            }
            self.shared.bell.wait(seen, Duration::from_secs(1));
        }
    }

    /// Both are of the same run.
    pub(crate) fn is(&self, other: &Handle) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }

    /// All lanes have ended.
    pub fn has_ended(&self) -> bool {
        self.running() == 0
    }

    /// What the run has done so far, and what each node is doing now.
    pub fn report(&self) -> Report {
        let shared = &self.shared;
        let wall = shared.stopwatch.began().elapsed().as_secs_f64();
        let media = shared.env.progress.reached().as_seconds();
        let per = |count: u64, seconds: f64| if seconds > 0.0 { count as f64 / seconds } else { 0.0 };
        let node = |node: &NodeInfo| {
            let stats = &node.stats;
            let (packets_in, packets_out) = (stats.packets_in.get(), stats.packets_out.get());
            let count = if node.is_sink { packets_in } else { packets_out };
            NodeReport {
                node: node.name.to_string(),
                node_type: node.node_type.name,
                state: if node.is_head { state_of(node) } else { String::new() },
                packets_in,
                packets_out,
                fps_wall: per(count, wall),
                fps_media: per(count, media),
                busy_ratio: if wall > 0.0 { stats.busy_nanos.get() as f64 * 1e-9 / wall } else { 0.0 },
                process_seconds: ProcessSeconds {
                    p50: stats.calls.quantile(0.5),
                    p99: stats.calls.quantile(0.99),
                    max: stats.calls.max(),
                    sum: stats.busy_nanos.get() as f64 * 1e-9,
                    count: stats.calls.count(),
                },
                errors: stats.errors.load(Ordering::Relaxed),
            }
        };
        let edge = |edge: &EdgeInfo| EdgeReport {
            from: edge.from.clone(),
            to: edge.to.clone(),
            depth: edge.stats.depth.get(),
            depth_seconds: Span(edge.stats.depth_flicks.get() as i64).as_seconds(),
            max_depth: edge.stats.max_depth.get(),
            dropped: edge.stats.dropped.get(),
            blocked_seconds: edge.stats.blocked_nanos.get() as f64 * 1e-9,
        };
        Report {
            wall_seconds: wall,
            media_seconds: media,
            nodes: shared.nodes.iter().map(node).collect(),
            edges: shared.edges.iter().map(edge).collect(),
            playout: shared.live.as_ref().map(|live| live.pacer.stats.report(shared.sample_rate.interval().as_seconds())),
            av_skew_seconds: shared.env.progress.skew().as_seconds(),
            frame_copies: crate::frame::copies(),
            warnings: shared.env.warnings.lock().expect("nobody panics with this lock").clone(),
            ..Report::default()
        }
    }

    /// The last calls of every lane that has ended, in Chrome's trace format. Empty unless the run was launched with `RunOptions::trace`.
    pub fn trace(&self) -> serde_json::Value {
        let names: Vec<String> = self.shared.nodes.iter().map(|node| node.name.to_string()).collect();
        trace::chrome(&self.shared.traces.lock().expect("nobody panics with this lock"), &names)
    }

    pub(crate) fn nodes(&self) -> &[NodeInfo] {
        &self.shared.nodes
    }

    pub(crate) fn stopwatch(&self) -> Stopwatch {
        self.shared.stopwatch
    }

    pub(crate) fn bell(&self) -> &Bell {
        &self.shared.bell
    }

    pub(crate) fn activity(&self) -> &Activity {
        &self.shared.activity
    }

    /// Lanes that have not ended.
    pub(crate) fn running(&self) -> usize {
        self.shared.running.load(Ordering::SeqCst)
    }

    pub(crate) fn keep_trace(&self, head: usize, ring: Ring) {
        let name = self.shared.nodes[head].name.to_string();
        self.shared.traces.lock().expect("nobody panics with this lock").push((name, ring));
    }

    /// A node has failed, and the run with it.
    pub(crate) fn failed(&self, error: RunError) {
        self.count(&error);
        self.shared.errors.lock().expect("nobody panics with this lock").push(error);
        self.cancel().cancel();
    }

    /// A lane has failed: the run ends, unless the lane is a sink that may be left out and others are left.
    pub(crate) fn lane_failed(&self, head: usize, error: RunError) {
        match self.can_spare(head) {
            true => self.left_out(&error),
            false => self.failed(error),
        }
    }

    /// The run goes on without a sink.
    fn left_out(&self, error: &RunError) {
        self.count(error);
        self.shared.env.warn(detached(error));
    }

    /// An error counts at the node that it names.
    fn count(&self, error: &RunError) {
        if let Some(node) = self.shared.nodes.iter().find(|node| *node.name == error.node) {
            node.stats.errors.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A lane hangs in a call: it counts as ended from now on, and ends when the call does. `false` when the run needs it.
    pub(crate) fn leave_behind(&self, head: usize, error: &RunError) -> bool {
        let node = &self.shared.nodes[head];
        if !self.can_spare(head) {
            return false;
        }
        if node.is_over.swap(true, Ordering::SeqCst) {
            // It has just ended by itself, and was counted then.
            self.shared.sinks.fetch_add(1, Ordering::SeqCst);
            return true;
        }
        self.left_out(error);
        if let LaneDoor::Inbox(inbox) = &node.lane {
            inbox.close();
        }
        node.stats.set_doing(Doing::Ended, 0);
        self.lane_ended(0);
        true
    }

    /// Takes a sink off those that are left, if it may be left out and is not the last one.
    fn can_spare(&self, head: usize) -> bool {
        let others_left = |sinks: usize| (sinks > 1).then(|| sinks - 1);
        self.shared.nodes[head].may_detach && self.shared.sinks.fetch_update(Ordering::SeqCst, Ordering::SeqCst, others_left).is_ok()
    }

    /// `sinks` is how many sinks of the lane have ended in order.
    pub(crate) fn lane_ended(&self, sinks: usize) {
        self.shared.sinks.fetch_sub(sinks, Ordering::SeqCst);
        // In this order: a run with lanes left and none at work would seem to stand still.
        self.shared.running.fetch_sub(1, Ordering::SeqCst);
        self.shared.activity.end();
        self.shared.bell.ring();
    }

    pub(crate) fn take_errors(&self) -> Vec<RunError> {
        std::mem::take(&mut *self.shared.errors.lock().expect("nobody panics with this lock"))
    }

    /// When something must be looked at even if nothing happens.
    pub(crate) fn time_to_look(&self, usual: Duration) -> Duration {
        let stopped = *self.shared.stopped.lock().expect("nobody panics with this lock");
        match (stopped, &self.shared.live) {
            (Some(since), Some(live)) => usual.min(live.drain.to_std().saturating_sub(since.elapsed()).max(Duration::from_millis(1))),
            _ => usual,
        }
    }

    /// Why nothing moves, node by node.
    pub(crate) fn stalled(&self) -> Box<RunError> {
        let heads = || self.shared.nodes.iter().filter(|node| node.is_head && node.stats.doing() != Doing::Ended);
        let lines: Vec<String> = heads().map(|node| format!("{} {}", node.name, state_of(node))).collect();
        let waiting = self.shared.edges.iter().map(|edge| (edge, edge.stats.depth.get())).filter(|(_, depth)| *depth > 0);
        let waiting: Vec<String> = waiting.map(|(edge, depth)| format!("{depth} from {} to {}", edge.from, edge.to)).collect();
        let node = heads().next().unwrap_or(&self.shared.nodes[0]);
        let (lines, waiting) = (lines.join("; "), waiting.join(", "));
        let cause = format!("the graph stands still: {lines}. Packets that wait: {waiting}. Give the edge that is full a larger `queue:`");
        RunError::of_node(&node.name, node.node_type, Phase::Process, reached(node), Failure::msg(cause))
    }

    /// A node that has been in one call for longer than it may, now and at the last look.
    pub(crate) fn hung(&self, suspects: &mut Vec<(usize, u64)>) -> Option<(usize, Box<RunError>)> {
        let now = self.shared.stopwatch.nanos();
        let too_long = |(index, node): (usize, &NodeInfo)| {
            let began = node.stats.in_call.load(Ordering::Relaxed);
            let limit = node.node_type.time_limit.to_std();
            let is_over = node.is_over.load(Ordering::SeqCst);
            (began > 0 && !is_over && Duration::from_nanos(now.saturating_sub(began)) > limit).then_some((index, began))
        };
        let found: Vec<(usize, u64)> = self.shared.nodes.iter().enumerate().filter_map(too_long).collect();
        // Twice, because a process that was stopped for a while finds every call old when it goes on.
        let hung = found.iter().find(|found| suspects.contains(found)).copied();
        *suspects = found;
        let (index, _) = hung?;
        let node = &self.shared.nodes[index];
        let cause = format!("it has been in one call for more than {}", node.node_type.time_limit);
        Some((index, RunError::of_node(&node.name, node.node_type, node.stats.phase(), reached(node), Failure::msg(cause))))
    }

    /// A stopped run that has not drained in time: who still has work.
    pub(crate) fn laggards(&self) -> Option<Box<RunError>> {
        let since = (*self.shared.stopped.lock().expect("nobody panics with this lock"))?;
        let drain = self.shared.live.as_ref()?.drain;
        if since.elapsed() < drain.to_std() {
            return None;
        }
        let heads = self.shared.nodes.iter().filter(|node| node.is_head && node.stats.doing() != Doing::Ended);
        let names: Vec<String> = heads.map(|node| format!("{} ({}) {}", node.name, node.node_type.name, state_of(node))).collect();
        let cause = format!("the run did not drain within {drain}: {}", names.join("; "));
        let (node, node_type) = (String::new(), String::new());
        let (kind, phase) = (ErrorKind::Laggards, Phase::Finish);
        Some(Box::new(RunError { kind, node, node_type, phase, pts: Time::ZERO, cause, cascades: Vec::new() }))
    }
}

fn reached(node: &NodeInfo) -> Time {
    Time(node.stats.reached.load(Ordering::Relaxed))
}

/// What the head of a lane is doing, in words.
fn state_of(node: &NodeInfo) -> String {
    let place = node.stats.doing_where.load(Ordering::Relaxed) as usize;
    match (node.stats.doing(), node.inputs.get(place)) {
        (Doing::Waiting, Some(input)) => {
            let settled = Time(node.stats.settled.load(Ordering::Relaxed));
            let settled = if settled < Time::ZERO { "from the start".to_string() } else { format!("settled at {settled}") };
            format!("waits for {input}, {settled}")
        }
        (Doing::Waiting, None) if node.inputs.is_empty() => format!("waits for the horizon, at {}", reached(node)),
        (Doing::Waiting, None) => "waits for the clock".to_string(),
        (Doing::Blocked, _) => format!("has no room for its output, at {}", reached(node)),
        (Doing::Ended, _) => "has ended".to_string(),
        (Doing::Running, _) => "is running".to_string(),
    }
}
