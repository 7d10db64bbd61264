//! The sync policies: when a node is called and with what. The only code that compares timestamps of different ports.

use crate::media::Kind;
use crate::packet::Packet;
use crate::registry::Sync;
use crate::time::{Rate, Time};
use std::collections::VecDeque;

/// One connection of a node.
pub(crate) struct Slot {
    pub(crate) port: usize,
    pub(crate) kind: Kind,
    pub(crate) required: bool,
    /// Arrived, not yet used.
    pub(crate) queue: VecDeque<Packet>,
    /// Nothing before this comes any more, beyond what is queued.
    pub(crate) bound: Time,
    /// Where the stream ended.
    pub(crate) end: Option<Time>,
    /// For the next call.
    pub(crate) ready: VecDeque<Packet>,
    /// In a join: the picture that covers the tick.
    pub(crate) current: Option<Packet>,
    /// `current` has changed since the last call.
    pub(crate) fresh: bool,
}

impl Slot {
    pub(crate) fn new(port: usize, kind: Kind, required: bool) -> Slot {
        let (queue, ready) = (VecDeque::new(), VecDeque::new());
        Slot { port, kind, required, queue, bound: Time(i64::MIN), end: None, ready, current: None, fresh: false }
    }

    /// Everything before this has been used, or will never come.
    pub(crate) fn settled(&self) -> Time {
        match (self.queue.front(), self.end) {
            (Some(packet), _) => packet.order(),
            (None, Some(_)) => Time::MAX,
            (None, None) => self.bound,
        }
    }

    /// Nothing is left and nothing will come.
    fn is_over(&self) -> bool {
        self.queue.is_empty() && self.end.is_some()
    }
}

/// A tick of a join.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tick {
    /// Its number.
    pub index: i64,
    /// When it begins.
    pub time: Time,
    /// When the next one begins.
    pub next: Time,
}

/// All connections of a node and its policy.
pub(crate) struct Inputs {
    pub(crate) slots: Vec<Slot>,
    pub(crate) rate: Rate,
    pub(crate) again: bool,
    sync: Sync,
    tick: i64,
    /// In a merge: how far everything was settled at the last call.
    merged: Time,
}

/// What a policy says next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Poll {
    /// Call the node.
    Call,
    /// Nothing can be said before there is news on this connection.
    Need(usize),
    /// All inputs are used up.
    End,
}

impl Inputs {
    pub(crate) fn new(slots: Vec<Slot>, sync: Sync, rate: Rate) -> Inputs {
        Inputs { slots, rate, again: false, sync, tick: 0, merged: Time(i64::MIN) }
    }

    pub(crate) fn of_port(&self, port: usize) -> impl Iterator<Item = &Slot> {
        self.slots.iter().filter(move |slot| slot.port == port)
    }

    pub(crate) fn slot(&self, port: usize, n: usize) -> Option<&Slot> {
        self.of_port(port).nth(n)
    }

    pub(crate) fn slot_mut(&mut self, port: usize, n: usize) -> Option<&mut Slot> {
        self.slots.iter_mut().filter(|slot| slot.port == port).nth(n)
    }

    pub(crate) fn tick(&self) -> Tick {
        Tick { index: self.tick, time: self.rate.time_of(self.tick), next: self.rate.time_of(self.tick + 1) }
    }

    /// When the node's inputs ended: the latest end among the ports it requires (of all, when it requires none).
    pub(crate) fn end(&self) -> Time {
        let ends = |required: bool| self.slots.iter().filter(move |slot| slot.required || !required).filter_map(|slot| slot.end).max();
        ends(true).or_else(|| ends(false)).unwrap_or(Time::ZERO)
    }

    /// Everything before this time has been handled, so that outputs are settled here (less the declared latency). A merge counts
    /// to where it stood at its last call, because what it emits may depend on how far its inputs are settled.
    pub(crate) fn handled(&self) -> Time {
        match self.sync {
            Sync::Join => self.rate.time_of(self.tick),
            Sync::Merge => self.merged,
            Sync::Each => self.settled(),
        }
    }

    /// No packet before this time comes on any port any more; the end when all have ended.
    pub(crate) fn settled(&self) -> Time {
        let settled = self.slots.iter().map(Slot::settled).min().unwrap_or(Time::MAX);
        if settled == Time::MAX { self.end() } else { settled }
    }

    /// Decides, and for `Call` moves what the call needs into `ready` and `current`.
    pub(crate) fn poll(&mut self) -> Poll {
        match self.sync {
            Sync::Each => self.poll_each(),
            Sync::Merge => self.poll_merge(),
            Sync::Join => self.poll_join(),
        }
    }

    /// After a call: what it left behind is dropped, a join goes on to its next tick.
    pub(crate) fn called(&mut self) {
        for slot in &mut self.slots {
            slot.ready.clear();
            slot.fresh = false;
        }
        if self.sync == Sync::Join {
            self.tick += 1;
        }
    }

    fn poll_each(&mut self) -> Poll {
        let slot = &mut self.slots[0];
        match slot.queue.pop_front() {
            Some(packet) => {
                slot.ready.push_back(packet);
                Poll::Call
            }
            None if slot.end.is_some() => Poll::End,
            None => Poll::Need(0),
        }
    }

    fn poll_merge(&mut self) -> Poll {
        let first = self.slots.iter().enumerate().filter_map(|(i, slot)| slot.queue.front().map(|packet| (packet.order(), i))).min();
        let Some((order, chosen)) = first else {
            let open = self.slots.iter().enumerate().filter(|(_, slot)| !slot.is_over()).min_by_key(|(_, slot)| slot.bound);
            return open.map_or(Poll::End, |(i, _)| Poll::Need(i));
        };
        for (i, slot) in self.slots.iter().enumerate() {
            // A packet of equal order on an earlier port goes first, so that port must be settled beyond it.
            let waits = slot.queue.is_empty() && slot.end.is_none() && (slot.bound < order || (i < chosen && slot.bound == order));
            if waits {
                return Poll::Need(i);
            }
        }
        let slot = &mut self.slots[chosen];
        slot.ready.extend(slot.queue.pop_front());
        self.merged = self.settled();
        Poll::Call
    }

    fn poll_join(&mut self) -> Poll {
        loop {
            let Tick { time, next, .. } = self.tick();
            for i in 0..self.slots.len() {
                if !self.slots[i].gather(time, next) {
                    return Poll::Need(i);
                }
            }
            if self.is_past_end(time) {
                return Poll::End;
            }
            let news = self.slots.iter().any(|slot| slot.fresh || !slot.ready.is_empty());
            if news || self.again {
                self.again = false;
                return Poll::Call;
            }
            self.tick += 1;
        }
    }

    fn is_past_end(&self, time: Time) -> bool {
        let required = self.slots.iter().any(|slot| slot.required);
        let mut deciding = self.slots.iter().filter(|slot| slot.required || !required);
        deciding.all(|slot| slot.end.is_some_and(|end| time >= end))
    }
}

impl Slot {
    /// Takes what a tick from `time` to `next` needs; `false` while the connection is not settled so far.
    fn gather(&mut self, time: Time, next: Time) -> bool {
        match self.kind {
            Kind::Video => {
                while self.queue.front().is_some_and(|packet| packet.pts <= time) {
                    self.current = self.queue.pop_front();
                    self.fresh = true;
                }
                let settled = !self.queue.is_empty() || self.end.is_some() || self.bound > time;
                // The last picture of a stream holds until its end, whatever length it gave.
                let over = self.current.as_ref().and_then(Packet::end).is_some_and(|end| end <= time);
                if settled && over && !self.is_over() {
                    self.current = None;
                    self.fresh = true;
                }
                settled
            }
            Kind::Audio => {
                while self.queue.front().is_some_and(|packet| packet.pts < next) {
                    let Some(packet) = self.queue.pop_front() else { break };
                    let (now, later) = cut_sound(packet, next);
                    self.ready.push_back(now);
                    if let Some(later) = later {
                        self.queue.push_front(later);
                        break;
                    }
                }
                !self.queue.is_empty() || self.end.is_some() || self.bound >= next
            }
            Kind::Cues | Kind::Encoded => {
                while self.queue.front().is_some_and(|packet| packet.order() < next) {
                    self.ready.extend(self.queue.pop_front());
                }
                !self.queue.is_empty() || self.end.is_some() || self.bound >= next
            }
        }
    }
}

/// Splits a sound packet at `at`, to the sample.
fn cut_sound(packet: Packet, at: Time) -> (Packet, Option<Packet>) {
    let crate::media::Media::Audio(block) = &packet.media else { return (packet, None) };
    let rate = block.rate();
    // Samples that begin before `at`.
    let frames = (-rate.count_in(packet.pts - at)).max(0) as usize;
    if frames >= block.frames() {
        return (packet, None);
    }
    let part = |from: usize, to: usize| {
        let piece = block.slice(from, to);
        let pts = packet.pts + rate.span_of(from as i64);
        Packet { pts, dur: Some(piece.duration()), discont: packet.discont && from == 0, media: piece.into() }
    };
    let later = part(frames, block.frames());
    (part(0, frames), Some(later))
}
