//! One node at work inside a lane: its inputs, what it emitted, and the stages fused behind it.

use super::edge::Edge;
use super::env::Env;
use super::inbox::{Inbox, Wanted, Woken};
use super::outbox::Outbox;
use super::stats::{Doing, NodeStats};
use super::sync::{Inputs, Poll, Slot};
use super::trace::Ring;
use crate::node::{Cx, Failure, Flow, Node};
use crate::registry::NodeType;
use crate::time::{Span, Time};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

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
    /// When the run began.
    pub(crate) origin: Instant,
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
    pub(crate) fn new(position: Position, origin: Instant, head: Arc<NodeStats>, trace: Option<Ring>) -> LaneState {
        LaneState { position, origin, clock: 0, head, interrupted: false, trace }
    }

    /// Looks at the clock: a wait is over, or a call. Returns how long it took.
    pub(crate) fn look(&mut self) -> u64 {
        let before = self.clock;
        self.clock = self.origin.elapsed().as_nanos() as u64;
        self.clock - before
    }
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
    pub(crate) env: Env,
    pub(crate) stats: Arc<NodeStats>,
    latency: Span,
    outputs: Vec<Vec<Edge>>,
    outbox: Outbox,
    /// How far consumers know each output to be settled.
    told: Vec<Time>,
    /// The flushes that the node has been told of.
    epoch: u32,
    done: bool,
}

impl Stage {
    /// A stage without consumers yet; `latency` is what the node declared.
    pub(crate) fn new(
        id: usize,
        node: Box<dyn Node>,
        node_type: &'static NodeType,
        inputs: Inputs,
        latency: Span,
        env: Env,
        stats: Arc<NodeStats>,
    ) -> Stage {
        let outputs: Vec<Vec<Edge>> = node_type.outputs.iter().map(|_| Vec::new()).collect();
        let (outbox, told) = (Outbox::new(&outputs), vec![Time(i64::MIN); outputs.len()]);
        Stage { id, node, node_type, inputs, env, stats, latency, outputs, outbox, told, epoch: 0, done: false }
    }

    /// Adds a consumer to an output, before anything runs. Edges are added from the last consumer to the first.
    pub(crate) fn connect(&mut self, port: usize, edge: Edge) {
        self.outputs[port].insert(0, edge);
        self.outbox.connected[port] = true;
    }

    pub(crate) fn is_done(&self) -> bool {
        self.done
    }

    /// Sinks among this stage and those fused behind it.
    pub(crate) fn sinks(&self) -> usize {
        let fused = self.outputs.iter().flatten().map(|edge| if let Edge::Fused(stage) = edge { stage.sinks() } else { 0 });
        usize::from(self.node_type.outputs.is_empty()) + fused.sum::<usize>()
    }

    /// Runs the stage at the head of a lane until its inputs or its own wish end it.
    pub(crate) fn run(&mut self, inbox: Option<&Inbox>, lane: &mut LaneState) -> Result<(), Stopped> {
        lane.look();
        match inbox {
            Some(inbox) if self.env.live.as_ref().is_some_and(|live| live.pacer.is_some()) => self.run_paced(inbox, lane)?,
            Some(inbox) => {
                while let Some(wanted) = self.pump(lane)? {
                    if !std::mem::take(&mut lane.interrupted) {
                        self.refill(inbox, Wanted::News(wanted), lane)?;
                    }
                    self.attend(lane)?;
                }
            }
            None => self.run_source(lane)?,
        }
        if let Some(inbox) = inbox {
            inbox.close();
        }
        Ok(())
    }

    fn run_source(&mut self, lane: &mut LaneState) -> Result<(), Stopped> {
        while !self.done {
            if self.env.cancel.is_cancelled() {
                return Err(Stopped::Cancelled);
            }
            if let Some(live) = &self.env.live {
                if live.stop.load(Ordering::SeqCst) {
                    break;
                }
                if let Some(gate) = &live.gate {
                    let stats = &self.stats;
                    gate.pass(self.outbox.least_settled(), |waits| stats.set_waiting(waits, usize::MAX));
                    lane.look();
                }
                if live.stop.load(Ordering::SeqCst) || self.env.cancel.is_cancelled() {
                    continue;
                }
            }
            lane.interrupted = false;
            self.attend(lane)?;
            // Woken only to attend to something, a source does not run ahead.
            if let Some(gate) = self.env.live.as_ref().and_then(|live| live.gate.as_ref())
                && !gate.is_open(self.outbox.least_settled())
            {
                continue;
            }
            self.call(Phase::Process, lane)?;
            self.tell(lane)?;
        }
        self.end(self.outbox.end(), lane)
    }

    /// Runs `playout` by the clock: called whenever it asked for, with whatever is there.
    fn run_paced(&mut self, inbox: &Inbox, lane: &mut LaneState) -> Result<(), Stopped> {
        loop {
            lane.interrupted = false;
            self.attend(lane)?;
            self.inputs.gather_all();
            self.count_inputs();
            self.call(Phase::Process, lane)?;
            self.tell(lane)?;
            if self.done {
                if let Some(live) = &self.env.live
                    && let Some(pacer) = &live.pacer
                {
                    // Nobody keeps time any more: what still makes something for others than `playout` ends, too.
                    live.stop.store(true, Ordering::SeqCst);
                    pacer.horizon.wake();
                    pacer.epochs.close();
                }
                return self.end(self.outbox.end(), lane);
            }
            self.refill(inbox, self.inputs.wake.map_or(Wanted::Any, Wanted::Until), lane)?;
        }
    }

    fn refill(&mut self, inbox: &Inbox, wanted: Wanted, lane: &mut LaneState) -> Result<(), Stopped> {
        let stats = &self.stats;
        let place = if let Wanted::News(slot) = wanted { slot } else { usize::MAX };
        let bound = self.inputs.slots.get(place).map_or(Time::ZERO, |slot| slot.bound);
        stats.settled.store(bound.0, Ordering::Relaxed);
        match inbox.refill(&mut self.inputs.slots, wanted, |waits| stats.set_waiting(waits, place)) {
            Woken::Refilled => {
                lane.look();
                Ok(())
            }
            Woken::Cancelled => Err(Stopped::Cancelled),
        }
    }

    /// Between two calls: flushes that the nodes of the lane do not know of yet, and commands that wait for them.
    fn attend(&mut self, lane: &mut LaneState) -> Result<(), Stopped> {
        // All of a lane learn of the same flushes: if one knew of a later one, it would take what the others still send for new.
        let now = self.env.live.as_ref().and_then(|live| live.flushes.as_ref()).map_or(0, |flushes| flushes.epochs.current());
        self.attend_as_of(now, lane)
    }

    fn attend_as_of(&mut self, now: u32, lane: &mut LaneState) -> Result<(), Stopped> {
        if self.done {
            return Ok(());
        }
        let flushed = now > self.epoch;
        if flushed {
            self.flush_as_of(now, lane);
        }
        if let Some(mailbox) = &self.env.mailbox {
            for command in mailbox.take() {
                self.enter(Phase::Command, lane.position.pts, lane);
                let result = self.node.command(command);
                self.leave();
                result.map_err(Stopped::Failed)?;
            }
        }
        for edge in self.outputs.iter_mut().flatten() {
            if let Edge::Fused(stage) = edge {
                stage.attend_as_of(now, lane)?;
                if flushed {
                    // It may have been interrupted with work left.
                    stage.pump(lane)?;
                }
            }
        }
        Ok(())
    }

    fn flush_as_of(&mut self, now: u32, lane: &mut LaneState) {
        let Some(flushes) = self.env.live.as_ref().and_then(|live| live.flushes.clone()) else { return };
        let cut = flushes.epochs.cut_since(self.epoch);
        self.epoch = now;
        flushes.lane.store(now, Ordering::SeqCst);
        self.inputs.flush(&flushes.epochs, cut, now);
        self.enter(Phase::Flush, cut, lane);
        self.node.flush(cut);
        self.leave();
        // What comes out of `playout` has gone out.
        if self.env.live.as_ref().is_some_and(|live| live.pacer.is_none()) {
            self.outbox.flush(cut);
            self.told.iter_mut().for_each(|told| *told = (*told).min(cut));
        }
    }

    /// A call of the node begins.
    fn enter(&self, phase: Phase, pts: Time, lane: &mut LaneState) {
        lane.position = Position { node: self.id, phase, pts };
        self.stats.enter(phase, lane.clock);
    }

    /// And ends.
    fn leave(&self) {
        self.stats.in_call.store(0, Ordering::Relaxed);
    }

    fn count_inputs(&self) {
        self.stats.packets_in.add(self.inputs.slots.iter().map(|slot| slot.ready.len() as u64 + u64::from(slot.fresh)).sum());
    }

    /// Calls the node as often as its inputs allow. Returns the connection it needs news on; `None` when the stage has ended.
    pub(crate) fn pump(&mut self, lane: &mut LaneState) -> Result<Option<usize>, Stopped> {
        if self.done {
            return Ok(None);
        }
        loop {
            match self.inputs.poll() {
                Poll::Call => {
                    self.count_inputs();
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
                let end = self.inputs.handled(false).max(Time::ZERO);
                self.end(end, lane)?;
                return Ok(None);
            }
            if lane.interrupted {
                return Ok(Some(0));
            }
        }
    }

    fn call(&mut self, phase: Phase, lane: &mut LaneState) -> Result<(), Stopped> {
        let pts = self.inputs.slots.iter().find_map(first_pts).unwrap_or(lane.position.pts);
        self.enter(phase, pts, lane);
        let (inputs, outbox, outputs) = (&mut self.inputs, &mut self.outbox, self.outputs.as_slice());
        let mut cx = Cx { node_type: self.node_type, inputs, outbox, outputs, env: &self.env };
        let result = match phase {
            Phase::Finish => self.node.finish(&mut cx).map(|()| Flow::Done),
            _ => self.node.process(&mut cx),
        };
        self.leave();
        let took = lane.look();
        self.stats.called(took);
        if let Some(trace) = &mut lane.trace {
            trace.record(lane.position, lane.clock - took, took);
        }
        match result {
            Ok(flow) => self.done |= flow == Flow::Done,
            // The flush is attended to before the next call.
            Err(Failure::Flushed) => lane.interrupted = self.env.live.is_some(),
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
        for (port, mut packet) in items.drain(..) {
            packet.epoch = self.epoch;
            self.stats.packets_out.add(1);
            let settles = packet.settles();
            self.stats.reach(settles.0);
            self.told[port] = self.told[port].max(settles);
            let last = self.outputs[port].len().saturating_sub(1);
            let mut packet = Some(packet);
            for (i, edge) in self.outputs[port].iter_mut().enumerate() {
                let Some(item) = (if i == last { packet.take() } else { packet.clone() }) else { break };
                edge.deliver(item, i, &self.stats, lane)?;
            }
        }
        self.outbox.items = items;
        let mut edges = self.outputs.iter().flatten().peekable();
        if edges.peek().is_some() && edges.all(Edge::is_closed) {
            self.done = true;
        }
        Ok(())
    }

    /// Tells consumers how far the outputs are settled, where packets have not said so already.
    fn tell(&mut self, lane: &mut LaneState) -> Result<(), Stopped> {
        let bound = self.inputs.handled(self.latency > Span::ZERO).saturating_sub(self.latency);
        for port in 0..self.outputs.len() {
            self.outbox.settle(port, bound);
            let settled = self.outbox.settled[port];
            if settled > self.told[port] {
                self.told[port] = settled;
                for edge in &mut self.outputs[port] {
                    edge.settle(settled, self.epoch, lane)?;
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
                edge.end(end, self.epoch, lane)?;
            }
        }
        self.stats.set_doing(Doing::Ended, 0);
        Ok(())
    }
}

fn first_pts(slot: &Slot) -> Option<Time> {
    slot.ready.front().or(slot.current.as_ref()).map(|packet| packet.pts)
}
