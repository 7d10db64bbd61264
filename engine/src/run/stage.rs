//! One node at work inside a lane: its inputs, what it emitted, and the stages fused behind it.

mod attend;

use super::edge::Edge;
use super::env::Env;
use super::inbox::{Inbox, Wanted, Woken};
use super::lane::{LaneState, Phase, Position, Stopped};
use super::outbox::Outbox;
use super::stats::{Doing, NodeStats};
use super::sync::{Inputs, News, Poll};
use crate::node::{Cx, Failure, Flow, Node};
use crate::registry::NodeType;
use crate::time::{Span, Time};
use std::sync::Arc;
use std::sync::atomic::Ordering;

pub(crate) struct Stage {
    pub(crate) id: usize,
    pub(crate) node: Box<dyn Node>,
    pub(crate) node_type: &'static NodeType,
    pub(crate) inputs: Inputs,
    pub(crate) env: Env,
    pub(crate) stats: Arc<NodeStats>,
    outputs: Vec<Vec<Edge>>,
    outbox: Outbox,
    /// Somebody in the lane can be flushed or commanded; known when the lane begins.
    attends: bool,
    done: bool,
}

/// What a stage that has worked off its inputs waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wants {
    /// News on this connection.
    News(usize),
    /// That its consumer works off what it got.
    Consumer,
    /// It has ended.
    Nothing,
}

impl Stage {
    /// A stage without consumers yet; `latency` is what the node declared.
    pub(crate) fn new(
        id: usize,
        node: Box<dyn Node>,
        node_type: &'static NodeType,
        mut inputs: Inputs,
        latency: Span,
        env: Env,
        stats: Arc<NodeStats>,
    ) -> Stage {
        let outputs: Vec<Vec<Edge>> = node_type.outputs.iter().map(|_| Vec::new()).collect();
        let outbox = Outbox::new(outputs.len());
        inputs.latency = latency;
        Stage { id, node, node_type, inputs, env, stats, outputs, outbox, attends: false, done: false }
    }

    /// Adds a consumer to an output, before anything runs. Edges are added from the last consumer to the first.
    pub(crate) fn connect(&mut self, port: usize, edge: Edge) {
        self.outputs[port].insert(0, edge);
        self.outbox.ports[port].connected = true;
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
        self.attends = self.can_attend();
        match inbox {
            Some(inbox) if self.env.live.as_ref().is_some_and(|live| live.pacer.is_some()) => self.run_paced(inbox, lane)?,
            Some(inbox) => {
                while let Some(wanted) = self.pump(lane)? {
                    if !std::mem::take(&mut lane.interrupted) {
                        let wanted = if self.inputs.catches_up() { Wanted::Any } else { Wanted::News(wanted) };
                        self.refill(inbox, wanted, lane)?;
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
            if self.is_stopped() {
                break;
            }
            let may_go_on = self.wait_for_horizon(lane);
            if self.is_stopped() || self.env.cancel.is_cancelled() {
                continue;
            }
            lane.interrupted = false;
            let before = self.outbox.epoch;
            self.attend(lane)?;
            // Woken only to attend to something, a source does not run ahead; where a flush has set it back to may be too early still.
            if may_go_on && self.outbox.epoch == before {
                self.call(Phase::Process, lane.position.pts, lane)?;
                self.carry(self.inputs.handled(), lane)?;
            }
        }
        self.end(self.outbox.end(), lane)
    }

    /// Sources are to end.
    fn is_stopped(&self) -> bool {
        self.env.live.as_ref().is_some_and(|live| live.stop.load(Ordering::SeqCst))
    }

    /// Waits until a source may be called, or until there is something else to attend to. Returns whether it may be called.
    fn wait_for_horizon(&self, lane: &mut LaneState) -> bool {
        let Some(gate) = self.env.live.as_ref().and_then(|live| live.gate.as_ref()) else { return true };
        let may_go_on = gate.pass(self.outbox.least_settled(), |waits| self.stats.set_waiting(waits, usize::MAX));
        lane.look();
        may_go_on
    }

    /// Runs `playout` by the clock: called whenever it asked for, with whatever is there.
    fn run_paced(&mut self, inbox: &Inbox, lane: &mut LaneState) -> Result<(), Stopped> {
        loop {
            lane.interrupted = false;
            self.attend(lane)?;
            self.inputs.gather_all();
            let News { pts, packets } = self.inputs.news;
            self.stats.packets_in.add(packets);
            self.call(Phase::Process, pts, lane)?;
            self.carry(self.inputs.handled(), lane)?;
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

    /// A call of the node begins.
    fn enter(&self, phase: Phase, pts: Time, lane: &mut LaneState) {
        lane.position = Position { node: self.id, phase, pts };
        self.stats.enter(phase, lane.clock);
    }

    /// And ends.
    fn leave(&self) {
        self.stats.in_call.store(0, Ordering::Relaxed);
    }

    /// Calls the node as often as its inputs allow, and those behind it with what it makes of them. Returns the connection it needs news
    /// on; `None` when the stage has ended.
    pub(crate) fn pump(&mut self, lane: &mut LaneState) -> Result<Option<usize>, Stopped> {
        let mut stage = &mut *self;
        let mut wanted = stage.work(lane)?;
        match wanted {
            Wants::News(slot) => return Ok(Some(slot)),
            Wants::Nothing => return Ok(None),
            Wants::Consumer => {}
        }
        // A stage that has handled all it had leaves the rest to its consumer: a packet runs down a chain without a way back.
        while wanted == Wants::Consumer
            && let Some(consumer) = stage.consumer()
        {
            stage = consumer;
            wanted = stage.work(lane)?;
        }
        if wanted == Wants::Nothing {
            self.end_with_consumer(lane)?;
        }
        Ok(if self.done { None } else { Some(0) })
    }

    /// The part of `pump` that is this stage's own.
    #[inline(always)]
    fn work(&mut self, lane: &mut LaneState) -> Result<Wants, Stopped> {
        if self.done {
            return Ok(Wants::Nothing);
        }
        let mut told = false;
        loop {
            match self.inputs.poll() {
                Poll::Call => {
                    let News { pts, packets } = self.inputs.news;
                    self.stats.packets_in.add(packets);
                    self.call(Phase::Process, pts, lane)?;
                    let bound = self.inputs.handled();
                    if self.done || !self.inputs.is_used_up() {
                        self.carry(bound, lane)?;
                    } else if self.hand_over(bound, lane)? {
                        return Ok(Wants::Consumer);
                    }
                    told = true;
                }
                Poll::End => {
                    let end = self.inputs.outputs_end();
                    self.end(end, lane)?;
                    return Ok(Wants::Nothing);
                }
                Poll::Need(slot) => {
                    if !told || self.inputs.skips() {
                        self.carry(self.inputs.handled(), lane)?;
                    }
                    return Ok(Wants::News(slot));
                }
            }
            if self.done {
                self.end_early(lane)?;
                return Ok(Wants::Nothing);
            }
            if lane.interrupted {
                return Ok(Wants::News(0));
            }
        }
    }

    /// The one consumer of all that it emits, when that is in the same lane.
    #[inline(always)]
    fn consumer(&mut self) -> Option<&mut Stage> {
        if let [edges] = self.outputs.as_mut_slice()
            && let [Edge::Fused(consumer)] = edges.as_mut_slice()
        {
            Some(consumer)
        } else {
            None
        }
    }

    /// Ends when its consumer has ended by itself, and so on upwards.
    #[cold]
    fn end_with_consumer(&mut self, lane: &mut LaneState) -> Result<(), Stopped> {
        let Some(consumer) = self.consumer() else { return Ok(()) };
        consumer.end_with_consumer(lane)?;
        if consumer.done && !self.done {
            self.end_early(lane)?;
        }
        Ok(())
    }

    /// Ends where it stands: the node or all its consumers have had enough.
    fn end_early(&mut self, lane: &mut LaneState) -> Result<(), Stopped> {
        let end = self.inputs.used().max(Time::ZERO);
        self.end(end, lane)
    }

    /// Calls the node once. Inlined like all that a hop consists of, so that a chain of hops is one loop.
    #[inline(always)]
    fn call(&mut self, phase: Phase, pts: Time, lane: &mut LaneState) -> Result<(), Stopped> {
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
            Err(failure) => self.failed(failure, lane)?,
        }
        if phase == Phase::Process {
            self.inputs.called();
        }
        if let Some((port, order, settled)) = self.outbox.breach {
            let port = self.node_type.outputs[port].name;
            let text = format!("output \"{port}\" carried a packet of {order} though it was settled up to {settled}");
            return Err(Stopped::Failed(Failure::msg(text)));
        }
        Ok(())
    }

    /// A call did not succeed.
    #[cold]
    fn failed(&self, failure: Failure, lane: &mut LaneState) -> Result<(), Stopped> {
        match failure {
            // The flush is attended to before the next call.
            Failure::Flushed => lane.interrupted = self.env.live.is_some(),
            Failure::Cancelled => return Err(Stopped::Cancelled),
            Failure::Failed(_) => return Err(Stopped::Failed(failure)),
        }
        Ok(())
    }

    /// Carries away what the last call emitted, and tells consumers that the outputs are settled up to `bound` at least.
    fn carry(&mut self, bound: Time, lane: &mut LaneState) -> Result<(), Stopped> {
        if self.hand_over(bound, lane)?
            && let Some(consumer) = self.consumer()
        {
            consumer.pump(lane)?;
            self.done |= consumer.done;
        }
        Ok(())
    }

    /// The same, but if one consumer of the same lane takes everything, as mostly it does, it only gets it and is to be pumped (`true`).
    #[inline(always)]
    fn hand_over(&mut self, bound: Time, lane: &mut LaneState) -> Result<bool, Stopped> {
        let Stage { outbox, outputs, stats, .. } = self;
        let emitted = outbox.emitted.packets.len();
        if emitted > 0 {
            stats.packets_out.add(emitted as u64);
            stats.reach(outbox.reached.0);
        }
        if let ([port], [edges]) = (outbox.ports.as_mut_slice(), outputs.as_mut_slice())
            && let [Edge::Fused(consumer)] = edges.as_mut_slice()
        {
            port.settle(bound);
            let news = port.settled > port.told || emitted > 0;
            if news {
                port.told = port.settled;
                consumer.inputs.slots[0].accept(&mut outbox.emitted.packets, port.settled);
            }
            return Ok(news);
        }
        self.fan_out(bound, lane)?;
        Ok(false)
    }

    /// The same for any number of outputs and consumers: packets go out one by one in the order in which they were emitted. Each time the
    /// consumer in the same lane goes on last: where paths meet again it may have to wait for what the others make of it.
    #[inline(never)]
    fn fan_out(&mut self, bound: Time, lane: &mut LaneState) -> Result<(), Stopped> {
        let Stage { outbox, outputs, stats, .. } = self;
        outbox.ports.iter_mut().for_each(|port| port.settle(bound));
        let mut news = false;
        for (number, packet) in outbox.emitted.drain() {
            let port = &mut outbox.ports[number];
            port.told = port.told.max(packet.settles());
            let Some((last, others)) = outputs[number].split_last_mut() else { continue };
            for (i, edge) in others.iter_mut().enumerate() {
                edge.deliver(packet.clone(), i, stats, lane)?;
            }
            last.deliver(packet, others.len(), stats, lane)?;
            Edge::go_on(outputs, lane)?;
            news = true;
        }
        for (port, edges) in outbox.ports.iter_mut().zip(outputs.iter_mut()) {
            if port.settled > port.told {
                port.told = port.settled;
                edges.iter_mut().for_each(|edge| edge.settle(port.settled, outbox.epoch));
                news = true;
            }
        }
        if news {
            Edge::go_on(outputs, lane)?;
            self.done |= self.is_unwanted();
        }
        Ok(())
    }

    /// Nobody takes anything of it any more.
    fn is_unwanted(&self) -> bool {
        let mut edges = self.outputs.iter().flatten().peekable();
        edges.peek().is_some() && edges.all(Edge::is_closed)
    }

    /// Lets the node emit its tail and ends its outputs.
    fn end(&mut self, end: Time, lane: &mut LaneState) -> Result<(), Stopped> {
        self.done = true;
        self.call(Phase::Finish, lane.position.pts, lane)?;
        self.carry(Time(i64::MIN), lane)?;
        self.outputs.iter_mut().flatten().for_each(|edge| edge.end(end, self.outbox.epoch));
        Edge::go_on(&mut self.outputs, lane)?;
        self.stats.set_doing(Doing::Ended, 0);
        Ok(())
    }
}
