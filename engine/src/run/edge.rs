//! Where packets of an output go: on in the same lane, or into the inbox of another.

use super::inbox::{Inbox, Pushed};
use super::lane::{LaneState, Stopped};
use super::stage::Stage;
use super::stats::{Doing, NodeStats};
use crate::packet::Packet;
use crate::time::Time;
use std::sync::Arc;

/// One connection of an output.
pub(crate) enum Edge {
    /// Into a stage of the same lane.
    Fused(Box<Stage>),
    /// Into the inbox of another lane.
    Inbox { inbox: Arc<Inbox>, slot: usize, closed: bool },
}

impl Edge {
    /// Into a stage of the same lane it is only laid: see [`Edge::go_on`].
    #[inline]
    pub(crate) fn deliver(&mut self, packet: Packet, index: usize, producer: &NodeStats, lane: &mut LaneState) -> Result<(), Stopped> {
        if self.is_closed() {
            return Ok(());
        }
        match self {
            Edge::Fused(stage) => {
                let slot = &mut stage.inputs.slots[0];
                slot.bound = slot.bound.max(packet.settles());
                slot.queue.push_back(packet);
                Ok(())
            }
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
                    lane.look();
                }
                match pushed {
                    Pushed::Taken => {}
                    Pushed::Closed => *closed = true,
                    Pushed::Cancelled => return Err(Stopped::Cancelled),
                }
                Ok(())
            }
        }
    }

    pub(crate) fn settle(&mut self, bound: Time, epoch: u32) {
        match self {
            Edge::Fused(stage) => {
                let slot = &mut stage.inputs.slots[0];
                slot.bound = slot.bound.max(bound);
            }
            Edge::Inbox { inbox, slot, .. } => inbox.settle(*slot, bound, epoch),
        }
    }

    pub(crate) fn end(&mut self, end: Time, epoch: u32) {
        match self {
            Edge::Fused(stage) => stage.inputs.slots[0].end = Some(end),
            Edge::Inbox { inbox, slot, .. } => inbox.end(*slot, end, epoch),
        }
    }

    /// Lets the consumer in the same lane, if there is one, work on what has been laid before it.
    pub(crate) fn go_on(outputs: &mut [Vec<Edge>], lane: &mut LaneState) -> Result<(), Stopped> {
        let fused = outputs.iter_mut().flatten().find_map(|edge| if let Edge::Fused(stage) = edge { Some(stage) } else { None });
        fused.map_or(Ok(()), |stage| stage.pump(lane).map(drop))
    }

    #[inline]
    pub(crate) fn is_closed(&self) -> bool {
        match self {
            Edge::Fused(stage) => stage.is_done(),
            Edge::Inbox { closed, .. } => *closed,
        }
    }

    /// What is delivered now would wait.
    pub(crate) fn would_block(&self) -> bool {
        match self {
            Edge::Fused(_) => false,
            Edge::Inbox { inbox, slot, closed } => !closed && inbox.would_block(*slot),
        }
    }
}
