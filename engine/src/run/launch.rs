//! From a plan to stages: builds and starts every node, checks what is only known then, and joins stages into lanes.

use super::RunOptions;
use super::activity::Activity;
use super::cancel::Waker;
use super::demand::Demand;
use super::edge::Edge;
use super::env::{Env, LiveEnv};
use super::epoch::{Epochs, FlushView};
use super::horizon::{Gate, Horizon};
use super::inbox::{Inbox, InboxEnv};
use super::lane::Phase;
use super::mailbox::Mailbox;
use super::pacer::Pacer;
use super::primitives::AtomicU32;
use super::queue::Connection;
use super::slot::Slot;
use super::stage::Stage;
use super::stats::{EdgeStats, NodeStats};
use super::supervisor::{RunError, guarded};
use super::sync::Inputs;
use crate::clock::{Clock, Monotonic};
use crate::graph::document::{Clock as ClockSetting, OnError};
use crate::graph::plan::{Plan, PlanEdge};
use crate::media::{AudioCaps, Caps, Kind, VideoCaps};
use crate::node::{Failure, Node, Start};
use crate::registry::{Defaults, NodeType};
use crate::time::{Span, Time};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// A lane ready to run.
pub(crate) struct Lane {
    pub(crate) head: Stage,
    pub(crate) inbox: Option<Arc<Inbox>>,
}

/// What is known about a node while it runs.
pub(crate) struct NodeInfo {
    pub(crate) name: Arc<str>,
    pub(crate) node_type: &'static NodeType,
    pub(crate) stats: Arc<NodeStats>,
    pub(crate) inputs: Vec<String>,
    pub(crate) is_head: bool,
    pub(crate) is_sink: bool,
    /// A sink that the run can do without.
    pub(crate) may_detach: bool,
    /// The lane that it heads counts as ended.
    pub(crate) is_over: AtomicBool,
    pub(crate) mailbox: Option<Arc<Mailbox>>,
    /// Makes its lane look for something that is not in its inbox.
    pub(crate) lane: LaneDoor,
}

/// How a lane is woken from outside.
#[derive(Clone)]
pub(crate) enum LaneDoor {
    Inbox(Arc<Inbox>),
    Gate(Arc<Gate>),
    /// A source that never waits.
    Open,
}

impl LaneDoor {
    pub(crate) fn knock(&self) {
        match self {
            LaneDoor::Inbox(inbox) => inbox.nudge(),
            LaneDoor::Gate(gate) => gate.wake(),
            LaneDoor::Open => {}
        }
    }
}

/// What is known about an edge between lanes.
pub(crate) struct EdgeInfo {
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) stats: Arc<EdgeStats>,
}

/// What a live run has that an offline run has not.
pub(crate) struct LiveRun {
    pub(crate) pacer: Arc<Pacer>,
    pub(crate) stop: Arc<AtomicBool>,
    pub(crate) drain: Span,
    /// `playout`, by its number.
    pub(crate) playout: usize,
}

pub(crate) struct Launched {
    pub(crate) lanes: Vec<Lane>,
    pub(crate) nodes: Vec<NodeInfo>,
    pub(crate) edges: Vec<EdgeInfo>,
    pub(crate) live: Option<LiveRun>,
}

/// Builds and starts the nodes in order. On an error everything that was started is dropped again.
pub(crate) fn launch(mut plan: Plan, env: &Env, activity: &Arc<Activity>, options: &RunOptions) -> Result<Launched, Box<RunError>> {
    let live = live_run(&plan, options);
    let Started { nodes: started, caps, latency } = start_nodes(&mut plan, env, live.as_ref(), activity)?;
    let behind = plan.balance(&latency).map_err(|(edge, wait)| unbalanced(&plan, edge, wait))?;
    if let Some(live) = &live {
        // What nodes hold back is made ahead too, so that `latency` is what there is at `playout`.
        live.pacer.horizon.reach_further(behind[live.playout]);
    }
    Ok(join_lanes(&plan, started, &latency, &caps, activity, live))
}

/// Nodes that have started, in the order of their plan.
pub(crate) struct Started {
    pub(crate) nodes: Vec<(Box<dyn Node>, Env)>,
    /// By node and output port.
    pub(crate) caps: Vec<Vec<Caps>>,
    pub(crate) latency: Vec<Span>,
}

/// Builds and starts the nodes in order. On an error everything that was started is dropped again.
pub(crate) fn start_nodes(plan: &mut Plan, env: &Env, live: Option<&LiveRun>, activity: &Arc<Activity>) -> Result<Started, Box<RunError>> {
    plan.edges.sort_by_key(|edge| (edge.to, edge.to_port));
    let envs = node_envs(plan, env, live, activity);
    let mut started: Vec<(Box<dyn Node>, Env)> = Vec::new();
    let mut caps: Vec<Vec<Caps>> = Vec::new();
    let mut latency = Vec::new();
    let configs: Vec<_> = plan.nodes.iter_mut().map(|node| std::mem::replace(&mut node.config, Box::new(Taken))).collect();
    for (index, (config, env)) in configs.into_iter().zip(envs).enumerate() {
        let planned = &plan.nodes[index];
        let fail = |failure| RunError::of_node(&planned.name, planned.node_type, Phase::Start, Time::ZERO, failure);
        let mut node = guarded(|| config.build(&plan.defaults)).map_err(fail)?;
        let inputs =
            plan.edges.iter().filter(|edge| edge.to == index).map(|edge| (edge.to_port, caps[edge.from][edge.from_port].clone())).collect();
        let outputs = vec![None; planned.node_type.outputs.len()];
        let mut start = Start { node_type: planned.node_type, inputs, outputs, latency: Span::ZERO, defaults: plan.defaults, env: &env };
        guarded(|| node.start(&mut start)).map_err(fail)?;
        latency.push(start.latency);
        caps.push(settle_caps(planned.node_type, start.outputs, &plan.defaults).map_err(fail)?);
        started.push((node, env));
    }
    Ok(Started { nodes: started, caps, latency })
}

fn live_run(plan: &Plan, options: &RunOptions) -> Option<LiveRun> {
    let playout = plan.playout().filter(|_| plan.clock == ClockSetting::Live)?;
    let clock = options.clock.clone().unwrap_or_else(|| Arc::new(Monotonic::default()) as Arc<dyn Clock>);
    let pacer = Pacer::new(clock, Horizon::new(plan.latency), Epochs::new(), plan.latency);
    Some(LiveRun { pacer, stop: Arc::new(AtomicBool::new(false)), drain: plan.drain, playout })
}

/// Every node's own view of the run.
fn node_envs(plan: &Plan, env: &Env, live: Option<&LiveRun>, activity: &Arc<Activity>) -> Vec<Env> {
    let demands: Vec<Vec<Arc<Demand>>> =
        plan.nodes.iter().map(|node| node.node_type.outputs.iter().map(|_| Arc::default()).collect()).collect();
    let behind = plan.behind_playout();
    let of_node = |(index, node): (usize, &crate::graph::plan::PlanNode)| {
        let inputs = plan.edges.iter().filter(|edge| edge.to == index);
        let live = live.map(|live| LiveEnv {
            flushes: (!behind[index]).then(|| FlushView { epochs: live.pacer.epochs.clone(), lane: Arc::new(AtomicU32::new(0)) }),
            gate: None,
            pacer: (index == live.playout).then(|| live.pacer.clone()),
            stop: live.stop.clone(),
        });
        let cancel = env.cancel.with_flushes(live.as_ref().and_then(|live| live.flushes.clone()));
        Env {
            node: node.name.clone(),
            cancel,
            demands: demands[index].clone(),
            wishes: inputs.map(|edge| (edge.to_port, demands[edge.from][edge.from_port].clone())).collect(),
            mailbox: node.node_type.command.map(|_| Arc::default()),
            activity: Some(activity.clone()),
            sparse: plan.sparse && live.is_none(),
            live,
            ..env.clone()
        }
    };
    plan.nodes.iter().enumerate().map(of_node).collect()
}

/// Stands where a configuration was after it has been built.
struct Taken;

impl crate::registry::AnyConfig for Taken {
    fn validate(&self, _: &Defaults) -> Result<(), String> {
        Ok(())
    }
    fn check_env(&self) -> Result<(), String> {
        Ok(())
    }
    fn build(self: Box<Self>, _: &Defaults) -> crate::node::Result<Box<dyn Node>> {
        Err(Failure::msg("this plan has been built already"))
    }
}

fn settle_caps(node_type: &NodeType, said: Vec<Option<Caps>>, defaults: &Defaults) -> Result<Vec<Caps>, Failure> {
    let fill = |(port, said): (&crate::node::OutPort, Option<Caps>)| {
        let caps = said.unwrap_or_else(|| match port.kind {
            Kind::Video => Caps::Video(VideoCaps { format: crate::frame::PixelFormat::I420, size: defaults.size, rate: defaults.fps }),
            Kind::Audio => Caps::Audio(AudioCaps { rate: defaults.sample_rate, channels: 1 }),
            Kind::Cues | Kind::Encoded => Caps::Cues,
        });
        match caps.kind() == port.kind {
            true => Ok(caps),
            false => Err(Failure::msg(format!("output \"{}\" was started without {} caps", port.name, port.kind.as_str()))),
        }
    };
    node_type.outputs.iter().zip(said).map(fill).collect()
}

fn unbalanced(plan: &Plan, edge: usize, wait: Span) -> Box<RunError> {
    let PlanEdge { from, from_port, to, to_port, limit, at, .. } = &plan.edges[edge];
    let (consumer, port) = (&plan.nodes[*to], plan.nodes[*to].node_type.inputs[*to_port].name);
    let (write, has) = match plan.nodes[*from].node_type.outputs[*from_port].kind {
        Kind::Video => (format!("items: {}", plan.defaults.fps.count_in(wait) + 2), format!("{} pictures", limit.items)),
        _ if limit.time > wait => (format!("items: {}", Plan::blocks_in(wait)), format!("{} packets", limit.items)),
        _ => (format!("time: {}ms", wait.to_millis() + 500), limit.time.to_string()),
    };
    let text = format!(
        "{at}: the queue of input \"{port}\" holds {has}, but another path to this node is {wait} slower: the graph would stand still. Write `queue: {{ {write} }}`"
    );
    RunError::of_node(&consumer.name, consumer.node_type, Phase::Start, Time::ZERO, Failure::msg(text))
}

fn join_lanes(
    plan: &Plan,
    started: Vec<(Box<dyn Node>, Env)>,
    latency: &[Span],
    caps: &[Vec<Caps>],
    activity: &Arc<Activity>,
    live: Option<LiveRun>,
) -> Launched {
    let count = plan.nodes.len();
    let port_name = |node: usize, port: &str| format!("{}.{port}", plan.nodes[node].name);
    let from_name = |edge: &PlanEdge| port_name(edge.from, plan.nodes[edge.from].node_type.outputs[edge.from_port].name);
    let fused: Vec<bool> = plan.edges.iter().map(|edge| plan.is_fused(edge)).collect();
    let inputs_of = |node: usize| plan.edges.iter().enumerate().filter(move |(_, edge)| edge.to == node);
    let mut edges = Vec::new();
    let mut inboxes: Vec<Option<Arc<Inbox>>> = Vec::new();
    for (node, (_, env)) in started.iter().enumerate() {
        let mut connections = Vec::new();
        for (i, edge) in inputs_of(node).filter(|(i, _)| !fused[*i]) {
            let stats = Arc::<EdgeStats>::default();
            let is_video = matches!(caps[edge.from][edge.from_port], Caps::EncodedVideo(_));
            let demand = started[edge.from].1.demands[edge.from_port].clone();
            let PlanEdge { limit, policy, .. } = plan.edges[i];
            connections.push(Connection { limit, policy, is_video, demand, stats: stats.clone() });
            let to = port_name(node, plan.nodes[node].node_type.inputs[edge.to_port].name);
            edges.push(EdgeInfo { from: from_name(edge), to, stats });
        }
        let live = env.live.as_ref();
        let inbox_env = InboxEnv {
            cancel: env.cancel.clone(),
            activity: activity.clone(),
            epochs: live.and_then(|live| live.flushes.as_ref()).map(|view| view.epochs.clone()),
            clock: live.and_then(|live| live.pacer.as_ref()).map(|pacer| pacer.clock.clone()),
        };
        inboxes.push((!connections.is_empty()).then(|| Inbox::new(&connections, inbox_env)));
    }
    let mut nodes: Vec<NodeInfo> = Vec::new();
    let mut stages: Vec<Option<Stage>> = Vec::new();
    for (id, (node, mut env)) in started.into_iter().enumerate() {
        let planned = &plan.nodes[id];
        let stats = Arc::<NodeStats>::default();
        let slot = |(_, edge): (usize, &PlanEdge)| {
            let port = &planned.node_type.inputs[edge.to_port];
            Slot::new(edge.to_port, port.kind, port.required)
        };
        let mut inputs = Inputs::new(inputs_of(id).map(slot).collect(), planned.node_type.sync, plan.defaults.fps);
        if let Some(window) = &env.window {
            inputs.only(Time::ZERO + window.from, Time::ZERO + window.to);
        }
        let producer = inputs_of(id).find(|(i, _)| fused[*i]).map(|(_, edge)| edge.from);
        if inputs_of(id).next().is_none()
            && let (Some(own), Some(live)) = (&mut env.live, &live)
        {
            own.gate = Some(live.pacer.horizon.gate(&env.cancel, activity));
        }
        let lane = match (producer, &inboxes[id], env.live.as_ref().and_then(|live| live.gate.clone())) {
            (Some(producer), ..) => nodes[producer].lane.clone(),
            (None, Some(inbox), _) => LaneDoor::Inbox(inbox.clone()),
            (None, None, Some(gate)) => LaneDoor::Gate(gate),
            (None, None, None) => LaneDoor::Open,
        };
        nodes.push(NodeInfo {
            name: planned.name.clone(),
            node_type: planned.node_type,
            stats: stats.clone(),
            inputs: inputs_of(id).map(|(_, edge)| from_name(edge)).collect(),
            is_head: producer.is_none(),
            is_sink: planned.node_type.outputs.is_empty(),
            may_detach: planned.on_error == OnError::Detach,
            is_over: AtomicBool::new(false),
            mailbox: env.mailbox.clone(),
            lane,
        });
        stages.push(Some(Stage::new(id, node, planned.node_type, inputs, latency[id], env, stats)));
    }
    // Consumers come after producers, so going backwards every stage is whole before it is put behind its producer.
    for to in (0..count).rev() {
        for (slot, (i, edge)) in inputs_of(to).enumerate() {
            let link = if fused[i] {
                let stage = stages[to].take().expect("a fused stage has one producer");
                Edge::Fused(Box::new(stage))
            } else {
                let inbox = inboxes[to].clone().expect("an edge between lanes has an inbox");
                Edge::Inbox { inbox, slot, closed: false }
            };
            stages[edge.from].as_mut().expect("producers come first").connect(edge.from_port, link);
        }
    }
    let lanes = stages.into_iter().zip(inboxes).filter_map(|(head, inbox)| head.map(|head| Lane { head, inbox })).collect();
    Launched { lanes, nodes, edges, live }
}
