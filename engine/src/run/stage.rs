//! One node at work inside a lane: its inputs, what it emitted, and the stages fused behind it.

use super::env::Env;
use super::inbox::{Inbox, Pushed};
use super::stats::{Doing, NodeStats};
use super::sync::{Inputs, Poll};
use crate::node::{Cx, Failure, Flow, Node};
use crate::packet::Packet;
use crate::registry::NodeType;
use crate::time::{Span, Time};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

/// What a node emitted in the current call, and how far its outputs are settled.
pub(crate) struct Outbox {
    items: Vec<(usize, Packet)>,
    settled: Vec<Time>,
    pub(crate) connected: Vec<bool>,
    /// The first breach of the order rule in this call.
    breach: Option<(usize, Time, Time)>,
}

impl Outbox {
    fn new(outputs: &[Vec<Edge>]) -> Outbox {
        let connected = outputs.iter().map(|edges| !edges.is_empty()).collect();
        Outbox { items: Vec::new(), settled: vec![Time(i64::MIN); outputs.len()], connected, breach: None }
    }

    pub(crate) fn push(&mut self, port: usize, packet: Packet) {
        if packet.order() < self.settled[port] && self.breach.is_none() {
            self.breach = Some((port, packet.order(), self.settled[port]));
        }
        self.settle(port, packet.settles());
        self.items.push((port, packet));
    }

    pub(crate) fn settle(&mut self, port: usize, time: Time) {
        self.settled[port] = self.settled[port].max(time);
    }
}

/// Where packets of an output port go.
pub(crate) enum Edge {
    /// Into a stage of the same lane.
    Fused(Box<Stage>),
    /// Into the inbox of another lane.
    Inbox { inbox: Arc<Inbox>, slot: usize, closed: bool },
}

/// Which part of a node's life an error comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// `Node::start`.
    Start,
    /// `Node::process`.
    Process,
    /// `Node::finish`.
    Finish,
}

impl Phase {
    /// As written in messages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Phase::Start => "start",
            Phase::Process => "process",
            Phase::Finish => "finish",
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
    /// The end of one call is the start of the next.
    pub(crate) clock: Instant,
    pub(crate) head: Arc<NodeStats>,
}

/// Why a lane stopped early.
pub(crate) enum Stopped {
    Cancelled,
    Failed(Failure),
}

pub(crate) struct Stage {
    pub(crate) id: usize,
    pub(crate) node: Box<dyn Node>,
    pub(crate) node_type: &'static NodeType,
    pub(crate) inputs: Inputs,
    pub(crate) latency: Span,
    pub(crate) outputs: Vec<Vec<Edge>>,
    pub(crate) outbox: Outbox,
    /// How far consumers know each output to be settled.
    told: Vec<Time>,
    pub(crate) env: Env,
    pub(crate) stats: Arc<NodeStats>,
    done: bool,
}

pub(crate) struct StageParts {
    pub(crate) id: usize,
    pub(crate) node: Box<dyn Node>,
    pub(crate) node_type: &'static NodeType,
    pub(crate) inputs: Inputs,
    pub(crate) latency: Span,
    pub(crate) outputs: Vec<Vec<Edge>>,
    pub(crate) env: Env,
    pub(crate) stats: Arc<NodeStats>,
}

impl Stage {
    pub(crate) fn new(parts: StageParts) -> Stage {
        let StageParts { id, node, node_type, inputs, latency, outputs, env, stats } = parts;
        let (outbox, told) = (Outbox::new(&outputs), vec![Time(i64::MIN); outputs.len()]);
        Stage { id, node, node_type, inputs, latency, outputs, outbox, told, env, stats, done: false }
    }

    /// Adds a consumer to an output, before anything runs. Edges are added from the last consumer to the first.
    pub(crate) fn connect(&mut self, port: usize, edge: Edge) {
        self.outputs[port].insert(0, edge);
        self.outbox.connected[port] = true;
    }

    /// Runs the stage at the head of a lane until its inputs or its own wish end it.
    pub(crate) fn run(&mut self, inbox: Option<&Inbox>, lane: &mut LaneState) -> Result<(), Stopped> {
        lane.clock = Instant::now();
        match inbox {
            Some(inbox) => {
                while let Some(wanted) = self.pump(lane)? {
                    let stats = &self.stats;
                    let told = |waits| stats.set_doing(if waits { Doing::Waiting } else { Doing::Running }, wanted);
                    if !inbox.refill(&mut self.inputs.slots, wanted, told) {
                        return Err(Stopped::Cancelled);
                    }
                    lane.clock = Instant::now();
                }
                inbox.close();
            }
            None => {
                while !self.done {
                    if self.env.cancel.is_cancelled() {
                        return Err(Stopped::Cancelled);
                    }
                    self.call(Phase::Process, lane)?;
                    self.tell(lane)?;
                }
                let end = self.outbox.settled.iter().copied().max().unwrap_or(Time::ZERO).max(Time::ZERO);
                self.end(end, lane)?;
            }
        }
        Ok(())
    }

    /// Calls the node as often as its inputs allow. Returns the connection it needs news on; `None` when the stage has ended.
    fn pump(&mut self, lane: &mut LaneState) -> Result<Option<usize>, Stopped> {
        if self.done {
            return Ok(None);
        }
        loop {
            match self.inputs.poll() {
                Poll::Call => {
                    self.stats.packets_in.add(self.inputs.slots.iter().map(|slot| slot.ready.len() as u64 + u64::from(slot.fresh)).sum());
                    self.call(Phase::Process, lane)?;
                    self.tell(lane)?;
                }
                Poll::End => {
                    let end = self.inputs.end();
                    self.end(end, lane)?;
                    return Ok(None);
                }
                Poll::Need(slot) => {
                    self.tell(lane)?;
                    return Ok(Some(slot));
                }
            }
            if self.done {
                let end = self.inputs.handled().max(Time::ZERO);
                self.end(end, lane)?;
                return Ok(None);
            }
        }
    }

    fn call(&mut self, phase: Phase, lane: &mut LaneState) -> Result<(), Stopped> {
        lane.position = Position { node: self.id, phase, pts: self.inputs.slots.iter().find_map(first_pts).unwrap_or(lane.position.pts) };
        let mut cx = Cx { node_type: self.node_type, inputs: &mut self.inputs, outbox: &mut self.outbox, env: &self.env };
        let result = match phase {
            Phase::Finish => self.node.finish(&mut cx).map(|()| Flow::Done),
            Phase::Start | Phase::Process => self.node.process(&mut cx),
        };
        let now = Instant::now();
        self.stats.called(now.duration_since(lane.clock));
        lane.clock = now;
        match result {
            Ok(flow) => self.done |= flow == Flow::Done,
            Err(Failure::Cancelled) => return Err(Stopped::Cancelled),
            Err(failure) => return Err(Stopped::Failed(failure)),
        }
        if phase == Phase::Process {
            self.inputs.called();
        }
        if let Some((port, order, settled)) = self.outbox.breach {
            let port = self.node_type.outputs[port].name;
            let text = format!("output \"{port}\" carried a packet of {order} though it was settled up to {settled}");
            return Err(Stopped::Failed(Failure::msg(text)));
        }
        self.forward(lane)
    }

    /// Carries away what the last call emitted.
    fn forward(&mut self, lane: &mut LaneState) -> Result<(), Stopped> {
        let mut items = std::mem::take(&mut self.outbox.items);
        for (port, packet) in items.drain(..) {
            self.stats.packets_out.add(1);
            let settles = packet.settles();
            self.stats.reached.fetch_max(settles.0, Ordering::Relaxed);
            self.told[port] = self.told[port].max(settles);
            let last = self.outputs[port].len().saturating_sub(1);
            let mut packet = Some(packet);
            for (i, edge) in self.outputs[port].iter_mut().enumerate() {
                let Some(item) = (if i == last { packet.take() } else { packet.clone() }) else { break };
                edge.deliver(item, i, &self.stats, lane)?;
            }
        }
        self.outbox.items = items;
        if !self.outputs.is_empty() && self.outputs.iter().flatten().count() > 0 && self.outputs.iter().flatten().all(Edge::is_closed) {
            self.done = true;
        }
        Ok(())
    }

    /// Tells consumers how far the outputs are settled, where packets have not said so already.
    fn tell(&mut self, lane: &mut LaneState) -> Result<(), Stopped> {
        let bound = self.inputs.handled().saturating_sub(self.latency);
        for port in 0..self.outputs.len() {
            self.outbox.settle(port, bound);
            let settled = self.outbox.settled[port];
            if settled > self.told[port] {
                self.told[port] = settled;
                for edge in &mut self.outputs[port] {
                    edge.settle(settled, lane)?;
                }
            }
        }
        Ok(())
    }

    /// Lets the node emit its tail and ends its outputs.
    fn end(&mut self, end: Time, lane: &mut LaneState) -> Result<(), Stopped> {
        self.done = true;
        self.call(Phase::Finish, lane)?;
        for edges in &mut self.outputs {
            for edge in edges {
                edge.end(end, lane)?;
            }
        }
        self.stats.set_doing(Doing::Ended, 0);
        Ok(())
    }
}

fn first_pts(slot: &super::sync::Slot) -> Option<Time> {
    slot.ready.front().or(slot.current.as_ref()).map(|packet| packet.pts)
}

impl Edge {
    fn deliver(&mut self, packet: Packet, index: usize, producer: &NodeStats, lane: &mut LaneState) -> Result<(), Stopped> {
        match self {
            Edge::Fused(stage) => {
                let slot = &mut stage.inputs.slots[0];
                slot.bound = slot.bound.max(packet.settles());
                slot.queue.push_back(packet);
                stage.pump(lane).map(drop)
            }
            Edge::Inbox { closed: true, .. } => Ok(()),
            Edge::Inbox { inbox, slot, closed } => {
                let blocked = std::cell::Cell::new(false);
                let told = |blocks| {
                    let doing = if blocks { Doing::Blocked } else { Doing::Running };
                    blocked.set(true);
                    producer.set_doing(doing, index);
                    lane.head.set_doing(doing, index);
                };
                let pushed = inbox.push(*slot, packet, told);
                if blocked.get() {
                    lane.clock = Instant::now();
                }
                match pushed {
                    Pushed::Queued => {}
                    Pushed::Closed => *closed = true,
                    Pushed::Cancelled => return Err(Stopped::Cancelled),
                }
                Ok(())
            }
        }
    }

    fn settle(&mut self, bound: Time, lane: &mut LaneState) -> Result<(), Stopped> {
        match self {
            Edge::Fused(stage) => {
                let slot = &mut stage.inputs.slots[0];
                slot.bound = slot.bound.max(bound);
                stage.pump(lane).map(drop)
            }
            Edge::Inbox { inbox, slot, .. } => {
                inbox.settle(*slot, bound);
                Ok(())
            }
        }
    }

    fn end(&mut self, end: Time, lane: &mut LaneState) -> Result<(), Stopped> {
        match self {
            Edge::Fused(stage) => {
                stage.inputs.slots[0].end = Some(end);
                stage.pump(lane).map(drop)
            }
            Edge::Inbox { inbox, slot, .. } => {
                inbox.end(*slot, end);
                Ok(())
            }
        }
    }

    fn is_closed(&self) -> bool {
        match self {
            Edge::Fused(stage) => stage.done,
            Edge::Inbox { closed, .. } => *closed,
        }
    }
}
