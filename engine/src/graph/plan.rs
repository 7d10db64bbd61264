//! The plan: a checked graph, ready to run. Which node runs in which lane, which edges have an inbox, how much each may hold.

use crate::frame::PixelFormat;
use crate::media::Kind;
use crate::registry::{AnyConfig, Defaults, Lane, NodeType, Sync};
use crate::run::Limit;
use crate::time::Span;
use std::sync::Arc;

use super::document::{Clock, OnError, Policy, SegmentBy};
use super::value::{Location, Value};

/// A graph that passed all checks.
pub struct Plan {
    /// The graph's name.
    pub name: String,
    /// Picture size, picture rate, sample rate.
    pub defaults: Defaults,
    /// Upper limit of what inboxes may hold together, in bytes.
    pub memory: u64,
    /// Whether it goes by a clock.
    pub clock: Clock,
    /// Live: how much is made ahead of what goes out.
    pub latency: Span,
    /// Live: how long a stopped run may drain.
    pub drain: Span,
    /// How a render is cut.
    pub segment_by: Option<SegmentBy>,
    /// `playout` may leave out pictures that show what the one before shows. For a run whose pictures go into a file and nowhere else;
    /// nothing comes of it live.
    pub sparse: bool,
    /// In an order in which producers come before consumers.
    pub nodes: Vec<PlanNode>,
    /// All connections, by consumer and in the order of its file entry.
    pub edges: Vec<PlanEdge>,
}

/// One node of a plan.
pub struct PlanNode {
    /// Its name in the graph.
    pub name: Arc<str>,
    /// Its type.
    pub node_type: &'static NodeType,
    /// Its configuration, checked.
    pub config: Box<dyn AnyConfig>,
    /// The same as the graph file has it.
    pub settings: Value,
    /// What its error does to the run; `Detach` for sinks only.
    pub on_error: OnError,
    /// Where the graph file names it.
    pub at: Location,
}

/// One connection of a plan. Nodes and ports are numbers into `Plan::nodes` and the node type's ports.
#[derive(Clone, Debug)]
pub struct PlanEdge {
    /// The producer.
    pub from: usize,
    /// Its output port.
    pub from_port: usize,
    /// The consumer.
    pub to: usize,
    /// Its input port.
    pub to_port: usize,
    /// How much may wait here.
    pub limit: Limit,
    /// The limit was written in the graph file.
    pub explicit: bool,
    /// What happens when it is full.
    pub policy: Policy,
    /// Where the graph file says so.
    pub at: Location,
}

/// The most that a source makes in one call, and so the usual length of a packet of sound.
const BLOCK: Span = Span::from_millis(20);
/// No limit by time.
const ALWAYS: Span = Span(i64::MAX);
/// No limit by number.
const ANY: usize = usize::MAX;

impl Limit {
    /// The default for a kind of port: raw video by number, the rest by time and bytes.
    pub const fn default_for(kind: Kind) -> Limit {
        match kind {
            Kind::Video => Limit { items: 4, time: ALWAYS, bytes: 1 << 30 },
            Kind::Audio => Limit { items: ANY, time: Span::from_millis(500), bytes: 4 << 20 },
            Kind::Cues => Limit { items: ANY, time: Span::from_seconds(30), bytes: 1 << 20 },
            Kind::Encoded => Limit { items: ANY, time: Span::from_seconds(2), bytes: 8 << 20 },
        }
    }
}

impl Plan {
    /// The edge's consumer runs in the lane of its producer: no thread border, no inbox. A lane is a chain: of several consumers that could,
    /// the first one does. Two of them might wait for one another where their paths meet again, and a lane can wait for one thing only.
    pub fn is_fused(&self, edge: &PlanEdge) -> bool {
        let first = self.edges.iter().find(|other| other.from == edge.from && self.may_be_fused(other));
        first.is_some_and(|first| first.to == edge.to)
    }

    fn may_be_fused(&self, edge: &PlanEdge) -> bool {
        let consumer = &self.nodes[edge.to];
        let inputs = self.edges.iter().filter(|other| other.to == edge.to).count();
        // A sink that may be left out takes nobody with it, and `playout` is woken by the clock.
        let is_own = consumer.node_type.lane == Lane::Own || consumer.on_error == OnError::Detach;
        inputs == 1 && !is_own && !edge.explicit && edge.policy == Policy::Block
    }

    /// The `playout` of the graph.
    pub fn playout(&self) -> Option<usize> {
        self.nodes.iter().position(|node| node.node_type.name == "playout")
    }

    /// The nodes that make encoded units of pictures.
    pub fn video_encoders(&self) -> impl Iterator<Item = usize> {
        self.encoders(Kind::Video)
    }

    /// The nodes that take this kind and make encoded units of it.
    pub fn encoders(&self, kind: Kind) -> impl Iterator<Item = usize> {
        let takes = move |index: usize| self.edges.iter().any(|edge| edge.to == index && self.kind(edge) == kind);
        let makes = |index: usize| self.nodes[index].node_type.outputs.iter().any(|port| port.kind == Kind::Encoded);
        (0..self.nodes.len()).filter(move |&index| makes(index) && takes(index))
    }

    /// All that takes encoded pictures takes them sparse.
    pub fn may_be_sparse(&self) -> bool {
        let takes = |edge: &PlanEdge| self.nodes[edge.to].node_type.inputs[edge.to_port].sparse;
        self.video_encoders().all(|encoder| self.edges.iter().filter(|edge| edge.from == encoder).all(takes))
    }

    /// What travels on an edge.
    pub fn kind(&self, edge: &PlanEdge) -> Kind {
        self.nodes[edge.from].node_type.outputs[edge.from_port].kind
    }

    /// The nodes that lead to a node, and this one, producers first.
    pub fn upstream(&self, node: usize) -> impl Iterator<Item = usize> {
        let mut leads = vec![false; self.nodes.len()];
        leads[node] = true;
        for index in (0..node).rev() {
            leads[index] = self.edges.iter().any(|edge| edge.from == index && leads[edge.to]);
        }
        (0..self.nodes.len()).filter(move |&index| leads[index])
    }

    /// For every node whether it comes behind `playout`.
    pub fn behind_playout(&self) -> Vec<bool> {
        let mut behind = vec![false; self.nodes.len()];
        let playout = self.playout();
        for node in 0..self.nodes.len() {
            behind[node] = self.edges.iter().any(|edge| edge.to == node && (Some(edge.from) == playout || behind[edge.from]));
        }
        behind
    }

    /// Edges from before `playout` into nodes that also come behind it.
    pub fn past_playout(&self) -> impl Iterator<Item = &PlanEdge> {
        let (behind, playout) = (self.behind_playout(), self.playout());
        self.edges
            .iter()
            .filter(move |edge| behind[edge.to] && !behind[edge.from] && Some(edge.from) != playout && Some(edge.to) != playout)
    }

    /// The nodes of each lane, its head first.
    pub fn lanes(&self) -> Vec<Vec<usize>> {
        let mut lane_of = vec![usize::MAX; self.nodes.len()];
        let mut lanes: Vec<Vec<usize>> = Vec::new();
        for node in 0..self.nodes.len() {
            let fused = self.edges.iter().find(|edge| edge.to == node && self.is_fused(edge));
            lane_of[node] = fused.map_or_else(
                || {
                    lanes.push(Vec::new());
                    lanes.len() - 1
                },
                |edge| lane_of[edge.from],
            );
            lanes[lane_of[node]].push(node);
        }
        lanes
    }

    /// Bytes that the inboxes may hold together at most. A consumer may hold as much again as its inbox.
    pub fn memory_needed(&self) -> u64 {
        let frame = crate::frame::Layout { format: PixelFormat::A420, size: self.defaults.size }.bytes() as u64;
        let held = |edge: &PlanEdge| {
            let Limit { items, time, bytes } = edge.limit;
            match self.nodes[edge.from].node_type.outputs[edge.from_port].kind {
                Kind::Video => (items as u64).saturating_mul(frame).min(bytes as u64),
                Kind::Audio => {
                    let samples = self.defaults.sample_rate.count_in(time.min(Span::from_seconds(600))).max(0) as u64;
                    (samples * 8).min(bytes as u64)
                }
                Kind::Cues | Kind::Encoded => bytes as u64,
            }
        };
        self.edges.iter().filter(|edge| !self.is_fused(edge)).map(|edge| 2 * held(edge)).sum()
    }

    /// The shorter of two paths that meet again must hold what the longer one holds back. Returns, for the first edge whose limit is
    /// too small, its number and the time it has to hold; `latency` gives each node's declared latency. Otherwise for every node how far
    /// its output lies behind the sources.
    ///
    /// An edge whose limit was not written in the graph file is widened instead.
    pub fn balance(&mut self, latency: &[Span]) -> Result<Vec<Span>, (usize, Span)> {
        let mut behind = vec![Span::ZERO; self.nodes.len()];
        for node in 0..self.nodes.len() {
            let inputs: Vec<usize> = (0..self.edges.len()).filter(|&edge| self.edges[edge].to == node).collect();
            let slowest = inputs.iter().map(|&edge| behind[self.edges[edge].from]).max().unwrap_or(Span::ZERO);
            behind[node] = slowest + latency[node] + self.lag(node);
            if inputs.len() < 2 || self.nodes[node].node_type.sync == Sync::Each {
                continue;
            }
            for edge in inputs {
                let wait = slowest - behind[self.edges[edge].from];
                self.hold(edge, wait)?;
            }
        }
        Ok(behind)
    }

    /// What a node holds back without saying so: a join that takes sound or events is called when they are settled to the end of its tick.
    fn lag(&self, node: usize) -> Span {
        let node_type = self.nodes[node].node_type;
        let takes_more = self.edges.iter().any(|edge| edge.to == node && node_type.inputs[edge.to_port].kind != Kind::Video);
        if node_type.sync == Sync::Join && takes_more { self.defaults.fps.interval() } else { Span::ZERO }
    }

    /// Packets of 20 ms that are `wait` long, and two more: the one that is being handed over, and one that straddles the end.
    pub(crate) fn blocks_in(wait: Span) -> usize {
        (wait.0 as usize).div_ceil(BLOCK.0 as usize) + 2
    }

    /// Makes sure that edge `edge` can hold `wait` and one packet more.
    fn hold(&mut self, index: usize, wait: Span) -> Result<(), (usize, Span)> {
        if wait <= Span::ZERO {
            return Ok(());
        }
        let kind = self.nodes[self.edges[index].from].node_type.outputs[self.edges[index].from_port].kind;
        let frames = self.defaults.fps.count_in(wait) as usize + 2;
        let edge = &mut self.edges[index];
        let enough = match kind {
            Kind::Video => edge.limit.items >= frames,
            _ => edge.limit.time > wait && edge.limit.items >= Plan::blocks_in(wait),
        };
        match (enough, edge.explicit) {
            (true, _) => Ok(()),
            (false, true) => Err((index, wait)),
            (false, false) => {
                match kind {
                    Kind::Video => edge.limit.items = frames,
                    _ => edge.limit.time = wait + Span::from_millis(500),
                }
                Ok(())
            }
        }
    }
}
