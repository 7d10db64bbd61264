//! From a plan to stages: builds and starts every node, checks what is only known then, and joins stages into lanes.

use super::env::Env;
use super::inbox::Inbox;
use super::stage::{Edge, Phase, Stage, StageParts};
use super::stats::{EdgeStats, NodeStats};
use super::supervisor::RunError;
use super::sync::{Inputs, Slot};
use crate::graph::plan::{Plan, PlanEdge};
use crate::media::{AudioCaps, Caps, Kind, VideoCaps};
use crate::node::{Failure, Node, Start};
use crate::registry::{Defaults, NodeType};
use crate::time::{Span, Time};
use std::sync::Arc;

/// A lane ready to run.
pub(crate) struct Lane {
    pub(crate) head: Stage,
    pub(crate) inbox: Option<Arc<Inbox>>,
}

/// What the supervisor keeps about a node.
pub(crate) struct NodeInfo {
    pub(crate) name: Arc<str>,
    pub(crate) node_type: &'static NodeType,
    pub(crate) stats: Arc<NodeStats>,
    pub(crate) inputs: Vec<String>,
    pub(crate) is_head: bool,
}

/// What the supervisor keeps about an edge between lanes.
pub(crate) struct EdgeInfo {
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) stats: Arc<EdgeStats>,
}

pub(crate) struct Launched {
    pub(crate) lanes: Vec<Lane>,
    pub(crate) nodes: Vec<NodeInfo>,
    pub(crate) edges: Vec<EdgeInfo>,
}

/// Builds and starts the nodes in order. On an error everything that was started is dropped again.
pub(crate) fn launch(mut plan: Plan, env: &Env) -> Result<Launched, Box<RunError>> {
    plan.edges.sort_by_key(|edge| (edge.to, edge.to_port));
    let mut started: Vec<(Box<dyn Node>, Env)> = Vec::new();
    let mut caps: Vec<Vec<Caps>> = Vec::new();
    let mut latency = Vec::new();
    let configs: Vec<_> = plan.nodes.iter_mut().map(|node| std::mem::replace(&mut node.config, Box::new(Taken))).collect();
    for (index, config) in configs.into_iter().enumerate() {
        let planned = &plan.nodes[index];
        let env = Env { node: planned.name.clone(), ..env.clone() };
        let fail = |failure| RunError::of_node(&planned.name, planned.node_type, Phase::Start, Time::ZERO, failure);
        let mut node = config.build(&plan.defaults).map_err(fail)?;
        let inputs =
            plan.edges.iter().filter(|edge| edge.to == index).map(|edge| (edge.to_port, caps[edge.from][edge.from_port].clone())).collect();
        let outputs = vec![None; planned.node_type.outputs.len()];
        let mut start = Start { node_type: planned.node_type, inputs, outputs, latency: Span::ZERO, defaults: plan.defaults, env: &env };
        node.start(&mut start).map_err(fail)?;
        latency.push(start.latency);
        caps.push(settle_caps(planned.node_type, start.outputs, &plan.defaults).map_err(fail)?);
        started.push((node, env));
    }
    plan.balance(&latency).map_err(|(edge, wait)| unbalanced(&plan, edge, wait))?;
    Ok(join_lanes(&plan, started, &latency))
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
        _ => (format!("time: {}ms", wait.to_millis() + 500), limit.time.to_string()),
    };
    let text = format!(
        "{at}: the queue of input \"{port}\" holds {has}, but another path to this node is {wait} slower: the graph would stand still. Write `queue: {{ {write} }}`"
    );
    RunError::of_node(&consumer.name, consumer.node_type, Phase::Start, Time::ZERO, Failure::msg(text))
}

fn join_lanes(plan: &Plan, started: Vec<(Box<dyn Node>, Env)>, latency: &[Span]) -> Launched {
    let count = plan.nodes.len();
    let port_name = |node: usize, port: &str| format!("{}.{port}", plan.nodes[node].name);
    let from_name = |edge: &PlanEdge| port_name(edge.from, plan.nodes[edge.from].node_type.outputs[edge.from_port].name);
    let fused: Vec<bool> = plan.edges.iter().map(|edge| plan.is_fused(edge)).collect();
    let inputs_of = |node: usize| plan.edges.iter().enumerate().filter(move |(_, edge)| edge.to == node);
    let mut edges = Vec::new();
    let mut inboxes: Vec<Option<Arc<Inbox>>> = Vec::new();
    for (node, (_, env)) in started.iter().enumerate() {
        let mut limits = Vec::new();
        for (i, edge) in inputs_of(node).filter(|(i, _)| !fused[*i]) {
            let stats = Arc::<EdgeStats>::default();
            limits.push((plan.edges[i].limit, stats.clone()));
            let to = port_name(node, plan.nodes[node].node_type.inputs[edge.to_port].name);
            edges.push(EdgeInfo { from: from_name(edge), to, stats });
        }
        inboxes.push((!limits.is_empty()).then(|| Inbox::new(&limits, &env.cancel)));
    }
    let mut nodes = Vec::new();
    let mut stages: Vec<Option<Stage>> = Vec::new();
    for (id, (node, env)) in started.into_iter().enumerate() {
        let planned = &plan.nodes[id];
        let stats = Arc::<NodeStats>::default();
        let slot = |(_, edge): (usize, &PlanEdge)| {
            let port = &planned.node_type.inputs[edge.to_port];
            Slot::new(edge.to_port, port.kind, port.required)
        };
        let inputs = Inputs::new(inputs_of(id).map(slot).collect(), planned.node_type.sync, plan.defaults.fps);
        let outputs = planned.node_type.outputs.iter().map(|_| Vec::new()).collect();
        let is_head = inputs_of(id).all(|(i, _)| !fused[i]);
        let names = inputs_of(id).map(|(_, edge)| from_name(edge)).collect();
        nodes.push(NodeInfo { name: planned.name.clone(), node_type: planned.node_type, stats: stats.clone(), inputs: names, is_head });
        let parts = StageParts { id, node, node_type: planned.node_type, inputs, latency: latency[id], outputs, env, stats };
        stages.push(Some(Stage::new(parts)));
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
    Launched { lanes, nodes, edges }
}
