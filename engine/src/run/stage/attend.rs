//! What a stage attends to between two calls of its node: commands, and flushes of a live run.

use super::Stage;
use crate::run::edge::Edge;
use crate::run::lane::{LaneState, Phase, Stopped};
use std::sync::atomic::Ordering;

impl Stage {
    /// This stage, or one fused behind it, can be flushed or commanded.
    pub(super) fn can_attend(&self) -> bool {
        let own = self.env.mailbox.is_some() || self.env.live.as_ref().is_some_and(|live| live.flushes.is_some());
        own || self.outputs.iter().flatten().any(|edge| if let Edge::Fused(stage) = edge { stage.can_attend() } else { false })
    }

    /// Between two calls: commands that wait for the nodes of the lane, and flushes that they do not know of yet.
    pub(super) fn attend(&mut self, lane: &mut LaneState) -> Result<(), Stopped> {
        if !self.attends {
            return Ok(());
        }
        // All of a lane learn of the same flushes: if one knew of a later one, it would take what the others still send for new.
        let now = self.env.live.as_ref().and_then(|live| live.flushes.as_ref()).map_or(0, |flushes| flushes.epochs.current());
        self.attend_as_of(now, lane)
    }

    fn attend_as_of(&mut self, now: u32, lane: &mut LaneState) -> Result<(), Stopped> {
        if self.done {
            return Ok(());
        }
        // Commands first: who gives one and then flushes may rely on that order.
        if let Some(mailbox) = &self.env.mailbox {
            for command in mailbox.take() {
                self.enter(Phase::Command, lane.position.pts, lane);
                let result = self.node.command(command);
                self.leave();
                result.map_err(Stopped::Failed)?;
            }
        }
        let flushed = now > self.outbox.epoch;
        if flushed {
            self.flush_as_of(now, lane);
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
        let cut = flushes.epochs.cut_since(self.outbox.epoch);
        self.outbox.epoch = now;
        flushes.lane.store(now, Ordering::SeqCst);
        self.inputs.flush(&flushes.epochs, cut, now);
        self.enter(Phase::Flush, cut, lane);
        self.node.flush(cut);
        self.leave();
        // What comes out of `playout` has gone out.
        if self.env.live.as_ref().is_some_and(|live| live.pacer.is_none()) {
            self.outbox.flush(cut);
        }
    }
}
