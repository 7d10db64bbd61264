//! Cuts of a plan: what leads to some of its nodes, with a writer behind an encoder or a reader in its place.

use super::nodes::{ReaderConfig, SEGMENT_READER, SEGMENT_WRITER, WriterConfig};
use crate::graph::document::{OnError, Policy};
use crate::graph::plan::{Plan, PlanEdge, PlanNode};
use crate::graph::value::Value;
use crate::media::Kind;
use crate::run::Limit;

/// The nodes and edges of a plan that lead to the nodes in `ends`. Of `playout` only those ports whose outputs are used: each of its
/// tracks goes through it by itself.
pub(super) fn lead(plan: &Plan, ends: &[usize]) -> (Vec<bool>, Vec<bool>) {
    let playout = plan.playout();
    let mut nodes: Vec<bool> = (0..plan.nodes.len()).map(|node| ends.contains(&node)).collect();
    let mut edges = vec![false; plan.edges.len()];
    for node in (0..nodes.len()).rev() {
        let out = |edge: &PlanEdge, kept: bool| kept && edge.from == node;
        nodes[node] |= plan.edges.iter().zip(&edges).any(|(edge, kept)| out(edge, *kept));
        let passes = |port: usize| {
            let name = plan.nodes[node].node_type.inputs[port].name;
            let output = plan.nodes[node].node_type.output_index(name);
            plan.edges.iter().zip(&edges).any(|(edge, kept)| out(edge, *kept) && Some(edge.from_port) == output)
        };
        let wanted = |edge: &PlanEdge| nodes[node] && edge.to == node && (Some(node) != playout || passes(edge.to_port));
        let wanted: Vec<bool> = plan.edges.iter().map(wanted).collect();
        edges.iter_mut().zip(wanted).for_each(|(kept, wanted)| *kept |= wanted);
    }
    (nodes, edges)
}

/// Leaves of a plan what leads to the nodes in `ends`.
pub(super) fn leading_to(mut plan: Plan, ends: &[usize]) -> Plan {
    let (nodes, edges) = lead(&plan, ends);
    let place: Vec<usize> = nodes.iter().scan(0, |next, kept| Some(std::mem::replace(next, *next + usize::from(*kept)))).collect();
    let (mut nodes, mut edges) = (nodes.into_iter(), edges.into_iter());
    plan.nodes.retain(|_| nodes.next().expect("one for each node"));
    plan.edges.retain(|_| edges.next().expect("one for each edge"));
    for edge in &mut plan.edges {
        (edge.from, edge.to) = (place[edge.from], place[edge.to]);
    }
    plan
}

/// A run that keeps what the encoder of this name makes.
pub(super) fn segment_run(plan: Plan, encoder: &str, config: WriterConfig) -> Plan {
    let end = node_of(&plan, encoder);
    let mut plan = leading_to(plan, &[end]);
    let from = node_of(&plan, encoder);
    let at = plan.nodes[from].at.clone();
    let to = plan.nodes.len();
    let node = PlanNode {
        name: "segment".into(),
        node_type: &SEGMENT_WRITER,
        config: Box::new(config),
        settings: Value::empty_map(at.clone()),
        on_error: OnError::Abort,
        at: at.clone(),
    };
    plan.nodes.push(node);
    let limit = Limit::default_for(Kind::Encoded);
    plan.edges.push(PlanEdge { from, from_port: 0, to, to_port: 0, limit, explicit: false, policy: Policy::Block, at });
    plan
}

/// The run that puts everything together: readers in place of encoders.
pub(super) fn assembly(mut plan: Plan, readers: Vec<(String, ReaderConfig)>) -> Plan {
    for (encoder, config) in readers {
        let index = node_of(&plan, &encoder);
        let node = &mut plan.nodes[index];
        (node.node_type, node.config) = (&SEGMENT_READER, Box::new(config));
        plan.edges.retain(|edge| edge.to != index);
    }
    let ends: Vec<usize> = (0..plan.nodes.len()).filter(|&node| plan.nodes[node].node_type.outputs.is_empty()).collect();
    leading_to(plan, &ends)
}

/// The number of a node. Every plan of a render is made from the same document.
pub(super) fn node_of(plan: &Plan, name: &str) -> usize {
    plan.nodes.iter().position(|node| &*node.name == name).expect("all plans of a render have the same nodes")
}
