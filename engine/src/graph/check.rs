//! From a document to a plan: node types, ports, kinds, cycles, sizes, policies, memory. All problems at once.

use std::sync::Arc;

use super::document::{Clock, GraphDocument, InputRef, NodeEntry, OnError, Policy};
use super::plan::{Plan, PlanEdge, PlanNode};
use super::problem::{Code, Problem, Problems};
use super::value::Location;
use crate::frame::Size;
use crate::media::Kind;
use crate::registry::{AnyConfig, Defaults, NodeType, Registry};
use crate::run::Limit;
use crate::time::{Rate, Span};

/// How much a live run makes ahead where the file does not say.
const LATENCY: Span = Span::from_millis(400);
/// Less cannot hold a picture and a block of sound.
const LEAST_LATENCY: Span = Span::from_millis(60);
/// How long a stopped live run may drain where the file does not say.
const DRAIN: Span = Span::from_seconds(10);

/// How far a check goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// The file alone.
    Pure,
    /// Also what it needs outside: files that are there, programs and models that are installed.
    Environment,
}

/// Checks a document against the node types and makes the plan.
///
/// # Errors
/// Every problem found, each with its place.
pub fn check(document: &GraphDocument, registry: &Registry, depth: Depth) -> Result<Plan, Problems> {
    let mut problems = Problems::default();
    let defaults = defaults_of(document, &mut problems);
    let types: Vec<Option<&'static NodeType>> = document.nodes.iter().map(|node| type_of(node, registry, &mut problems)).collect();
    let mut configs: Vec<Option<Box<dyn AnyConfig>>> = Vec::new();
    for (node, node_type) in document.nodes.iter().zip(&types) {
        configs.push(node_type.and_then(|node_type| config_of(node, node_type, &defaults, depth, &mut problems)));
    }
    let mut edges = Vec::new();
    for (to, node) in document.nodes.iter().enumerate() {
        if let Some(node_type) = types[to] {
            edges_of(document, &types, to, node, node_type, &mut edges, &mut problems);
        }
    }
    let has_playout = document.nodes.iter().any(|node| node.type_name.value == "playout");
    if document.clock == Clock::Live && !has_playout {
        let problem =
            Problem::new(Code::NoPlayout, &document.graph.at, "clock: live needs a node that keeps time, and there is no playout");
        problems
            .push(problem.with_help("Write playout: { type: playout, inputs: { video: …, audio: … } }, and encode what comes out of it."));
    }
    if document.latency.is_some_and(|latency| latency.0 < LEAST_LATENCY || latency.0 > Span::from_seconds(60)) {
        problems.push(Problem::new(
            Code::BadValue,
            &document.graph.at,
            "latency must be from 60ms to 60s: it is what a live run makes ahead",
        ));
    }
    let playouts = document.nodes.iter().filter(|node| node.type_name.value == "playout").skip(1);
    for node in playouts {
        problems.push(Problem::new(
            Code::TwoPlayouts,
            &node.name.at,
            format!("\"{}\" is a second playout; a graph has one", node.name.value),
        ));
    }
    let order = order_of(document, &edges, &mut problems);
    problems.into_result(())?;
    let place: Vec<usize> =
        (0..order.len()).map(|node| order.iter().position(|&n| n == node).expect("the order holds every node")).collect();
    for edge in &mut edges {
        (edge.from, edge.to) = (place[edge.from], place[edge.to]);
    }
    let node = |&index: &usize| {
        let entry = &document.nodes[index];
        let config = configs[index].take().expect("a node without a configuration is a problem");
        PlanNode {
            name: Arc::from(entry.name.value.as_str()),
            node_type: types[index].expect("checked above"),
            config,
            settings: entry.config.clone(),
            at: entry.name.at.clone(),
            on_error: on_error_of(entry, types[index].expect("checked above"), document.clock),
        }
    };
    let nodes = order.iter().map(node).collect();
    let plan = Plan {
        name: document.graph.value.clone(),
        defaults,
        memory: document.defaults.memory.0,
        clock: document.clock,
        latency: document.latency.map_or(LATENCY, |latency| latency.0),
        drain: document.drain.map_or(DRAIN, |drain| drain.0),
        segment_by: document.segment_by,
        sparse: false,
        nodes,
        edges,
    };
    let mut problems = Problems::default();
    keeps_sides(&plan, &mut problems);
    fits_memory(&plan, document, &mut problems);
    joins(&plan, document, &mut problems);
    problems.into_result(plan)
}

/// Live, `playout` lets media go when it is time; what meets them past it would be there too early.
fn keeps_sides(plan: &Plan, problems: &mut Problems) {
    for edge in plan.past_playout().filter(|_| plan.clock == Clock::Live) {
        let (from, to) = (&plan.nodes[edge.from], &plan.nodes[edge.to]);
        let text = format!("node \"{}\" comes behind playout, but \"{}\" reaches it from before", to.name, from.name);
        let port = &from.node_type.outputs[edge.from_port];
        let help = match port.kind {
            Kind::Encoded => "Encode what comes out of playout.".to_string(),
            kind => format!("Connect \"{}.{}\" to playout's input \"{}\", and take it from there.", from.name, port.name, kind.as_str()),
        };
        problems.push(Problem::new(Code::BeforeAndBehind, &edge.at, text).with_help(help));
    }
}

/// A render in segments is put together from what encoders made of each part.
fn joins(plan: &Plan, document: &GraphDocument, problems: &mut Problems) {
    if plan.segment_by.is_none() {
        return;
    }
    if plan.clock == Clock::Live {
        let text = "segment_by is for files; a live run goes from beginning to end";
        problems.push(
            Problem::new(Code::NotJoined, &document.graph.at, text).with_help("Write segment_by: null in the profile with clock: live."),
        );
        return;
    }
    for index in plan.video_encoders() {
        let node = &plan.nodes[index];
        if let Err(text) = node.config.joins() {
            let text = format!("segment_by: slide cannot cut what node \"{}\" ({}) encodes: {text}", node.name, node.node_type.name);
            problems.push(Problem::new(Code::NotJoined, &node.at, text));
        } else if !plan.upstream(index).any(|node| Some(node) == plan.playout()) {
            let text = format!("segment_by: slide needs a playout before node \"{}\" ({})", node.name, node.node_type.name);
            let help = "Write playout: { type: playout, inputs: { video: … } }, and encode what comes out of it.";
            problems.push(Problem::new(Code::NotJoined, &node.at, text).with_help(help));
        }
    }
}

/// A live run goes on without a sink that fails; a file that cannot be finished is an error.
fn on_error_of(node: &NodeEntry, node_type: &NodeType, clock: Clock) -> OnError {
    let default = if clock == Clock::Live { OnError::Detach } else { OnError::Abort };
    if node_type.outputs.is_empty() { node.on_error.unwrap_or(default) } else { OnError::Abort }
}

fn defaults_of(document: &GraphDocument, problems: &mut Problems) -> Defaults {
    // The size is even: its type refuses anything else.
    let size = Size::new(document.defaults.video.size.width, document.defaults.video.size.height);
    let sample_rate = Rate::new(document.defaults.audio.rate, 1).unwrap_or_else(|| {
        let text = format!("{} samples a second cannot be counted exactly", document.defaults.audio.rate);
        problems.push(Problem::new(Code::BadValue, &document.graph.at, text).with_help("Write rate: 48000."));
        Rate::per_second(48_000)
    });
    Defaults { size, fps: document.defaults.video.fps.0, sample_rate }
}

fn type_of(node: &NodeEntry, registry: &Registry, problems: &mut Problems) -> Option<&'static NodeType> {
    let name = &node.type_name.value;
    let found = registry.get(name);
    if found.is_none() {
        let text = format!("node \"{}\" has the unknown type \"{name}\"", node.name.value);
        let problem = Problem::new(Code::UnknownType, &node.type_name.at, text);
        problems.push(problem.suggest(name, registry.types().iter().map(|node_type| node_type.name)));
    }
    found
}

fn config_of(
    node: &NodeEntry,
    node_type: &NodeType,
    defaults: &Defaults,
    depth: Depth,
    problems: &mut Problems,
) -> Option<Box<dyn AnyConfig>> {
    let config = match (node_type.config.parse)(&node.config, &format!("nodes.{}.config", node.name.value)) {
        Ok(config) => config,
        Err(found) => {
            problems.append(found);
            return None;
        }
    };
    let (name, type_name) = (&node.name.value, node_type.name);
    if let Err(text) = config.validate(defaults) {
        problems.push(Problem::new(Code::BadConfig, &node.config.at, format!("node \"{name}\" ({type_name}): {text}")));
    } else if depth == Depth::Environment
        && let Err(text) = config.check_env()
    {
        problems.push(Problem::new(Code::MissingOutside, &node.config.at, format!("node \"{name}\" ({type_name}): {text}")));
    }
    Some(config)
}

fn edges_of(
    document: &GraphDocument,
    types: &[Option<&'static NodeType>],
    to: usize,
    node: &NodeEntry,
    node_type: &NodeType,
    edges: &mut Vec<PlanEdge>,
    problems: &mut Problems,
) {
    let (name, type_name) = (&node.name.value, node_type.name);
    let ports: Vec<&str> = node_type.inputs.iter().map(|port| port.name).collect();
    for (port, sources) in &node.inputs {
        let Some(to_port) = node_type.input_index(&port.value) else {
            let has = if ports.is_empty() { "it has none".to_string() } else { format!("it has: {}", ports.join(", ")) };
            let text = format!("node \"{name}\" ({type_name}) has no input \"{}\"; {has}", port.value);
            problems.push(Problem::new(Code::UnknownInput, &port.at, text).suggest(&port.value, ports.iter().copied()));
            continue;
        };
        let input = &node_type.inputs[to_port];
        if sources.len() > 1 && !input.many {
            let text = format!("input \"{}\" of node \"{name}\" takes one connection, here are {}", port.value, sources.len());
            problems.push(Problem::new(Code::ConnectedTwice, &sources[1].at, text));
            continue;
        }
        for source in sources {
            let Some((from, from_port)) = source_of(document, types, source, problems) else { continue };
            let output = &types[from].expect("source_of found its type").outputs[from_port];
            if output.kind != input.kind {
                let (given, needed) = (output.kind.as_str(), input.kind.as_str());
                let text = format!(
                    "\"{}.{}\" carries {given}, input \"{}\" of node \"{name}\" takes {needed}",
                    source.node, output.name, input.name
                );
                problems.push(Problem::new(Code::WrongKind, &source.at, text));
                continue;
            }
            let is_sink = node_type.outputs.is_empty();
            let policy = policy_of(source, input.kind, is_sink, document.clock, problems);
            let usual = Limit::default_for(input.kind);
            // The newest picture is all that counts where older ones are dropped.
            let usual = if policy == Policy::Latest { Limit { items: 1, ..usual } } else { usual };
            let (limit, explicit) = limit_of(source, usual, problems);
            edges.push(PlanEdge { from, from_port, to, to_port, limit, explicit, policy, at: source.at.clone() });
        }
    }
    for input in node_type.inputs.iter().filter(|input| input.required) {
        let is_open = node.inputs.iter().all(|(port, sources)| port.value != input.name || sources.is_empty());
        if is_open {
            let text = format!("node \"{name}\" ({type_name}) needs its input \"{}\" ({})", input.name, input.summary);
            problems.push(Problem::new(Code::OpenInput, &node.name.at, text).with_help(format!("Write inputs: {{ {}: … }}.", input.name)));
        }
    }
}

/// The producer and its output port that a reference names.
fn source_of(
    document: &GraphDocument,
    types: &[Option<&'static NodeType>],
    source: &InputRef,
    problems: &mut Problems,
) -> Option<(usize, usize)> {
    let Some(from) = document.nodes.iter().position(|node| node.name.value == source.node) else {
        let problem = Problem::new(Code::UnknownNode, &source.at, format!("there is no node \"{}\"", source.node));
        problems.push(problem.suggest(&source.node, document.nodes.iter().map(|node| node.name.value.as_str())));
        return None;
    };
    let node_type = types[from]?;
    let outputs: Vec<&str> = node_type.outputs.iter().map(|port| port.name).collect();
    let text = match (&source.port, outputs.as_slice()) {
        (_, []) => format!("node \"{}\" ({}) has no outputs", source.node, node_type.name),
        (Some(port), _) => {
            if let Some(index) = node_type.output_index(port) {
                return Some((from, index));
            }
            format!("node \"{}\" ({}) has no output \"{port}\"; it has: {}", source.node, node_type.name, outputs.join(", "))
        }
        (None, [_]) => return Some((from, 0)),
        (None, _) => {
            let named: Vec<String> = outputs.iter().map(|port| format!("{}.{port}", source.node)).collect();
            format!("node \"{}\" has several outputs; write which: {}", source.node, named.join(" or "))
        }
    };
    let problem = Problem::new(Code::UnknownOutput, &source.at, text);
    problems.push(match &source.port {
        Some(port) => problem.suggest(port, outputs.iter().copied()),
        None => problem,
    });
    None
}

/// What a full edge does. Live, what goes into a sink is dropped up to the next keyframe rather than holding up the others.
fn policy_of(source: &InputRef, kind: Kind, is_sink: bool, clock: Clock, problems: &mut Problems) -> Policy {
    let default =
        if clock == Clock::Live && is_sink && matches!(kind, Kind::Encoded | Kind::Cues) { Policy::ToKeyframe } else { Policy::Block };
    let Some(policy) = source.queue.and_then(|queue| queue.policy) else { return default };
    let text = match (policy, clock) {
        (Policy::Block, _) => return policy,
        (_, Clock::Offline) => "a queue that drops would lose data, which a file must not; only policy: block is allowed offline",
        (Policy::Latest, _) if kind != Kind::Video || !source.tap => {
            "policy: latest is for pictures that are only looked at; write tap: true"
        }
        (Policy::ToKeyframe, _) if kind != Kind::Encoded => "policy: to_keyframe is for what an encoder makes, this is raw",
        _ => return policy,
    };
    problems.push(Problem::new(if clock == Clock::Offline { Code::LossyOffline } else { Code::WrongPolicy }, &source.at, text));
    default
}

fn limit_of(source: &InputRef, default: Limit, problems: &mut Problems) -> (Limit, bool) {
    let Some(queue) = &source.queue else { return (default, false) };
    if queue.items == Some(0) || queue.bytes.is_some_and(|bytes| bytes.0 == 0) || queue.time.is_some_and(|time| time.0.0 <= 0) {
        problems.push(Problem::new(Code::BadValue, &source.at, "a queue that holds nothing would never let a packet through"));
    }
    let limit = Limit {
        items: queue.items.map_or(default.items, |items| items as usize),
        time: queue.time.map_or(default.time, |time| time.0),
        bytes: queue.bytes.map_or(default.bytes, |bytes| bytes.0 as usize),
    };
    (limit, true)
}

/// Producers before consumers, in the order of the file where that leaves a choice. Problems: every circle, with its path.
fn order_of(document: &GraphDocument, edges: &[PlanEdge], problems: &mut Problems) -> Vec<usize> {
    let count = document.nodes.len();
    let mut order: Vec<usize> = Vec::new();
    let mut placed = vec![false; count];
    while order.len() < count {
        let next = (0..count).find(|&node| !placed[node] && edges.iter().filter(|edge| edge.to == node).all(|edge| placed[edge.from]));
        match next {
            Some(node) => {
                placed[node] = true;
                order.push(node);
            }
            None => {
                let (path, at) = circle(document, edges, &placed);
                problems.push(Problem::new(Code::Cycle, &at, format!("the graph goes in a circle: {path}")));
                break;
            }
        }
    }
    order
}

/// One circle among the nodes that could not be placed, as `a -> b -> a`.
fn circle(document: &GraphDocument, edges: &[PlanEdge], placed: &[bool]) -> (String, Location) {
    // Each of these has a producer that is not placed either, so walking upstream must come back to a node seen before.
    let mut walk = vec![placed.iter().position(|placed| !placed).expect("called when a node is left")];
    loop {
        let node = walk[walk.len() - 1];
        let edge = edges.iter().find(|edge| edge.to == node && !placed[edge.from]).expect("such a node waits for another");
        if let Some(start) = walk.iter().position(|&seen| seen == edge.from) {
            let mut names: Vec<&str> = walk[start..].iter().rev().map(|&node| document.nodes[node].name.value.as_str()).collect();
            names.push(names[0]);
            return (names.join(" -> "), edge.at.clone());
        }
        walk.push(edge.from);
    }
}

fn fits_memory(plan: &Plan, document: &GraphDocument, problems: &mut Problems) {
    let needed = plan.memory_needed();
    if needed <= plan.memory {
        return;
    }
    let mib = |bytes: u64| bytes.div_ceil(1 << 20);
    let text = format!("the queues of this graph may hold {} MiB, more than the {} MiB allowed", mib(needed), mib(plan.memory));
    let help = format!("Write defaults: {{ memory: {}MiB }}, a smaller size, or smaller queues.", mib(needed));
    problems.push(Problem::new(Code::TooMuchMemory, &document.graph.at, text).with_help(help));
}
