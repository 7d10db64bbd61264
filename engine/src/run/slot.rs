//! One connection of a node: what has arrived on it, and how far it is settled.

use super::epoch::Epochs;
use crate::media::{Kind, Payload};
use crate::packet::Packet;
use crate::time::Time;
use std::collections::VecDeque;

/// One connection of a node.
pub(crate) struct Slot {
    pub(crate) port: usize,
    pub(crate) kind: Kind,
    pub(crate) required: bool,
    /// Arrived; the first `ready` of them are for the next call.
    pub(crate) queue: VecDeque<Packet>,
    pub(crate) ready: usize,
    /// Nothing before this comes any more, beyond what is queued.
    pub(crate) bound: Time,
    /// Where the stream ended.
    pub(crate) end: Option<Time>,
    /// The epoch in which `bound` and `end` were said.
    pub(crate) epoch: u32,
    /// In a join: the picture that covers the tick.
    pub(crate) current: Option<Packet>,
    /// `current` has changed since the last call.
    pub(crate) fresh: bool,
}

impl Slot {
    pub(crate) fn new(port: usize, kind: Kind, required: bool) -> Slot {
        let bound = Time(i64::MIN);
        Slot { port, kind, required, queue: VecDeque::new(), ready: 0, bound, end: None, epoch: 0, current: None, fresh: false }
    }

    /// The first packet that is not for the next call.
    #[inline]
    pub(crate) fn waiting(&self) -> Option<&Packet> {
        self.queue.get(self.ready)
    }

    /// Takes over all of `packets`, with which the connection is settled up to `bound`.
    #[inline]
    pub(crate) fn accept(&mut self, packets: &mut VecDeque<Packet>, bound: Time) {
        self.bound = self.bound.max(bound);
        if self.queue.is_empty() {
            std::mem::swap(&mut self.queue, packets);
        } else {
            self.queue.append(packets);
        }
    }

    /// The next packet of this call; nothing, too, when it carries something else.
    #[inline]
    pub(crate) fn take<T: Payload>(&mut self) -> Option<Packet<T>> {
        self.ready = self.ready.checked_sub(1)?;
        let packet = self.queue.front()?;
        let Some(item) = T::in_media(&packet.media) else {
            self.queue.pop_front();
            return None;
        };
        let (packet, item) = (std::ptr::from_ref(packet), std::ptr::from_ref(item));
        std::mem::forget(self.queue.pop_front());
        // SAFETY: nothing has been written to the queue's memory, and the item is moved out once, because the packet that it lay in is
        // not dropped.
        unsafe { Some((*packet).around(item.read())) }
    }

    /// After a call: what it left behind is dropped.
    #[inline]
    pub(crate) fn called(&mut self) {
        for _ in 0..std::mem::take(&mut self.ready) {
            self.queue.pop_front();
        }
        self.fresh = false;
    }

    /// What the next call is about, when this connection has a say in it.
    #[inline]
    pub(crate) fn news(&self) -> Option<&Packet> {
        if self.ready > 0 { self.queue.front() } else { self.current.as_ref() }
    }

    /// Everything before this has been used, or will never come.
    #[inline]
    pub(crate) fn settled(&self) -> Time {
        match (self.waiting(), self.end) {
            (Some(packet), _) => packet.order(),
            (None, Some(_)) => Time::MAX,
            (None, None) => self.bound,
        }
    }

    /// After a flush: what it concerns is gone.
    pub(crate) fn flush(&mut self, epochs: &Epochs, now: u32) {
        epochs.trim(&mut self.queue);
        self.ready = 0;
        self.current = self.current.take().and_then(|packet| epochs.keep(packet));
        self.fresh = true;
        self.bound = epochs.bound(self.bound, self.epoch);
        self.end = self.end.map(|end| epochs.bound(end, self.epoch));
        self.epoch = self.epoch.max(now);
    }

    /// Nothing is left and nothing will come.
    pub(crate) fn is_over(&self) -> bool {
        self.waiting().is_none() && self.end.is_some()
    }

    /// Takes what a tick from `time` to `next` needs; `false` while the connection is not settled so far.
    pub(crate) fn gather(&mut self, time: Time, next: Time) -> bool {
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
                while self.waiting().is_some_and(|packet| packet.pts < next) {
                    let Some(packet) = self.queue.remove(self.ready) else { break };
                    let (now, later) = packet.split_sound(next);
                    self.queue.insert(self.ready, now);
                    self.ready += 1;
                    if let Some(later) = later {
                        self.queue.insert(self.ready, later);
                        break;
                    }
                }
                self.waiting().is_some() || self.end.is_some() || self.bound >= next
            }
            Kind::Cues | Kind::Encoded => {
                while self.waiting().is_some_and(|packet| packet.order() < next) {
                    self.ready += 1;
                }
                self.waiting().is_some() || self.end.is_some() || self.bound >= next
            }
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::cue::Cue;
    use crate::frame::{PixelFormat, Size, VideoFrame};
    use crate::pool::Pool;
    use std::sync::Arc;

    #[test]
    fn a_packet_is_moved_out_once_and_one_of_another_kind_is_dropped() {
        let frame = Pool::new().black(PixelFormat::I420, Size::new(2, 2)).freeze();
        let mut slot = Slot::new(0, Kind::Video, true);
        let mut sent: VecDeque<Packet> = (0..3).map(|i| Packet::new(Time(i), frame.clone()).into()).collect();
        slot.accept(&mut sent, Time(3));
        slot.ready = 2;
        assert_eq!((sent.len(), Arc::strong_count(&frame.picture)), (0, 4));
        assert!(slot.take::<Cue>().is_none());
        assert_eq!(Arc::strong_count(&frame.picture), 3);
        let taken = slot.take::<VideoFrame>().expect("a picture");
        assert_eq!((taken.pts, Arc::strong_count(&frame.picture)), (Time(1), 3));
        assert!(slot.take::<VideoFrame>().is_none(), "the third is for a later call");
        drop((taken, slot));
        assert_eq!(Arc::strong_count(&frame.picture), 1);
    }
}
