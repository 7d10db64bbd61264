//! One connection of an inbox: what waits, how much may, and what is dropped when it is full.

use super::demand::Demand;
use super::epoch::Epochs;
use super::primitives::Condvar;
use super::slot::Slot;
use super::stats::EdgeStats;
use crate::graph::document::Policy;
use crate::media::Media;
use crate::packet::Packet;
use crate::time::{Span, Time};
use std::collections::VecDeque;
use std::sync::Arc;

/// How much may wait on an edge. Reaching any of them makes it full; one packet is always admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Packets.
    pub items: usize,
    /// Time from the oldest to the newest.
    pub time: Span,
    /// Bytes.
    pub bytes: usize,
}

/// What an inbox is told about a connection.
#[derive(Clone)]
pub(crate) struct Connection {
    pub(crate) limit: Limit,
    pub(crate) policy: Policy,
    /// It carries compressed pictures: the others of a sink that drops go on at its keyframes.
    pub(crate) is_video: bool,
    pub(crate) demand: Arc<Demand>,
    pub(crate) stats: Arc<EdgeStats>,
}

impl Connection {
    /// One that never drops.
    pub(crate) fn blocking(limit: Limit, stats: Arc<EdgeStats>) -> Connection {
        Connection { limit, policy: Policy::Block, is_video: false, demand: Arc::default(), stats }
    }
}

pub(crate) struct Queue {
    pub(crate) settings: Connection,
    packets: VecDeque<Packet>,
    bytes: usize,
    bound: Time,
    end: Option<Time>,
    /// Something has come since the consumer last looked.
    pub(crate) news: bool,
    pub(crate) producer_waits: bool,
    pub(crate) space: Arc<Condvar>,
    /// What comes is dropped until it may go on.
    dropping: bool,
    /// The next packet that is let in comes after dropped ones.
    gap: bool,
}

impl Queue {
    pub(crate) fn new(settings: &Connection) -> Queue {
        Queue {
            settings: settings.clone(),
            packets: VecDeque::new(),
            bytes: 0,
            bound: Time(i64::MIN),
            end: None,
            news: false,
            producer_waits: false,
            space: Arc::new(Condvar::new()),
            dropping: false,
            gap: false,
        }
    }

    pub(crate) fn is_full(&self) -> bool {
        let Limit { items, time, bytes } = self.settings.limit;
        !self.packets.is_empty() && (self.packets.len() >= items || self.bytes >= bytes || self.long() >= time)
    }

    /// From the first packet to the end of the last.
    fn long(&self) -> Span {
        let (first, last) = (self.packets.front(), self.packets.back());
        first.zip(last).map_or(Span::ZERO, |(first, last)| last.settles() - first.order())
    }

    fn note_depth(&self) {
        self.settings.stats.saw_depth(self.packets.len(), self.long());
    }

    pub(crate) fn push(&mut self, mut packet: Packet) {
        packet.discont |= std::mem::take(&mut self.gap);
        self.bytes += packet.media.bytes();
        self.settle(packet.settles());
        self.packets.push_back(packet);
        self.note_depth();
        self.news = true;
    }

    /// A packet that is not let in: it counts, and it will not come any more.
    pub(crate) fn drop_new(&mut self, packet: &Packet) {
        self.settings.stats.dropped.add(1);
        self.gap = true;
        self.settle(packet.settles());
    }

    /// Drops the oldest until there is room.
    pub(crate) fn make_room(&mut self) {
        while self.is_full()
            && let Some(oldest) = self.packets.pop_front()
        {
            self.bytes -= oldest.media.bytes();
            self.settings.stats.dropped.add(1);
            match self.packets.front_mut() {
                Some(next) => next.discont = true,
                None => self.gap = true,
            }
        }
    }

    /// Moves the bound; `true` when it did.
    pub(crate) fn settle(&mut self, bound: Time) -> bool {
        let moves = bound > self.bound;
        if moves {
            self.bound = bound;
            self.news = true;
        }
        moves
    }

    pub(crate) fn end(&mut self, end: Time) {
        self.end = Some(end);
        self.news = true;
    }

    pub(crate) fn clear(&mut self) {
        self.packets.clear();
        self.bytes = 0;
        self.note_depth();
    }

    /// After a flush: throws away what it concerns; `cut` is the first one that this queue does not know of. `true` when something
    /// changed.
    pub(crate) fn flush(&mut self, epochs: &Epochs, cut: Time) -> bool {
        let gone = epochs.trim(&mut self.packets);
        self.bytes = self.packets.iter().map(|packet| packet.media.bytes()).sum();
        self.note_depth();
        let (bound, end) = (self.bound.min(cut), self.end.map(|end| end.min(cut)));
        let changed = gone > 0 || bound != self.bound || end != self.end;
        (self.bound, self.end) = (bound, end);
        self.news |= changed;
        changed
    }

    /// Hands over everything.
    pub(crate) fn take_into(&mut self, slot: &mut Slot) {
        if slot.queue.is_empty() {
            std::mem::swap(&mut self.packets, &mut slot.queue);
        } else {
            slot.queue.extend(self.packets.drain(..));
        }
        self.bytes = 0;
        self.news = false;
        self.note_depth();
        (slot.bound, slot.end) = (self.bound, self.end);
    }
}

/// How connections that drop together come to go on together.
#[derive(Default)]
pub(crate) struct Recovery {
    /// Where they go on, once that is known.
    resume: Option<Time>,
    /// There is room, and a keyframe has been asked for: it may be under way, and a second one would be too many.
    asked: bool,
}

/// Whether a packet may enter `queues[slot]`, whose policy is `to_keyframe`; all connections of that policy drop together and go on
/// together: at a keyframe when one of them carries pictures, else as soon as there is room.
pub(crate) fn admit(queues: &mut [Queue], Recovery { resume, asked }: &mut Recovery, slot: usize, packet: &Packet) -> bool {
    let lossy = |queue: &Queue| queue.settings.policy == Policy::ToKeyframe;
    let full = queues.iter().any(|queue| lossy(queue) && queue.is_full());
    if full && !queues[slot].dropping {
        (*resume, *asked) = (None, false);
        queues.iter_mut().filter(|queue| lossy(queue)).for_each(|queue| queue.dropping = true);
    }
    if !queues[slot].dropping {
        return true;
    }
    let has_video = queues.iter().any(|queue| lossy(queue) && queue.settings.is_video);
    let may_resume = match &packet.media {
        Media::Encoded(unit) => (queues[slot].settings.is_video && unit.keyframe) || !has_video,
        _ => !has_video,
    };
    if resume.is_none() && !full && may_resume {
        *resume = Some(packet.pts);
    }
    if resume.is_some_and(|at| packet.pts >= at) {
        queues[slot].dropping = false;
        return true;
    }
    // While there is no room a keyframe would be dropped like the rest, and everybody else would pay for it.
    *asked &= !full;
    if resume.is_none() && !full && !std::mem::replace(asked, true) {
        queues.iter().filter(|queue| lossy(queue) && queue.settings.is_video).for_each(|queue| queue.settings.demand.ask_keyframe());
    }
    false
}
