//! What a node emitted in one call, and how far its outputs are settled.

use crate::media::Payload;
use crate::packet::Packet;
use crate::time::Time;
use std::collections::VecDeque;

/// Filled by a node during a call, carried away by its stage after it.
pub(crate) struct Outbox {
    pub(crate) ports: Vec<Port>,
    /// On which port each packet was emitted that waits here.
    pub(crate) sequence: VecDeque<usize>,
    /// The farthest that any packet has settled its port to.
    pub(crate) reached: Time,
    /// The flush that packets come after.
    pub(crate) epoch: u32,
    /// The first breach of the order rule in this call: port, order, how far it was settled.
    pub(crate) breach: Option<(usize, Time, Time)>,
}

/// One output.
#[derive(Clone)]
pub(crate) struct Port {
    /// Emitted, not carried away yet.
    pub(crate) queue: VecDeque<Packet>,
    /// Nothing before this comes any more, beyond what was emitted.
    pub(crate) settled: Time,
    /// Since a flush: what lies before this has been said already, and is not said again.
    said: Time,
    /// How far consumers know it to be settled.
    pub(crate) told: Time,
    /// Somebody listens.
    pub(crate) connected: bool,
}

impl Port {
    /// Nothing before `time` comes any more.
    #[inline]
    pub(crate) fn settle(&mut self, time: Time) {
        self.settled = self.settled.max(time);
    }
}

impl Outbox {
    /// Of a node with so many outputs, none connected yet.
    pub(crate) fn new(ports: usize) -> Outbox {
        let never = Time(i64::MIN);
        let port = Port { queue: VecDeque::new(), settled: never, said: never, told: never, connected: false };
        Outbox { ports: vec![port; ports], sequence: VecDeque::new(), reached: never, epoch: 0, breach: None }
    }

    /// Always inlined, so that the packet is made where it stays.
    #[inline(always)]
    pub(crate) fn push<T: Payload>(&mut self, number: usize, mut packet: Packet<T>) {
        let (order, settles) = packet.order_and_settles();
        if self.admit(number, order, settles) {
            if packet.epoch != self.epoch {
                packet.epoch = self.epoch;
            }
            self.ports[number].queue.push_back(packet.into());
        }
    }

    /// Notes what a packet says about its port. `false` when it has been said before the flush already.
    #[inline]
    fn admit(&mut self, number: usize, order: Time, settles: Time) -> bool {
        let port = &mut self.ports[number];
        if order < port.said {
            return false;
        }
        if order < port.settled && self.breach.is_none() {
            self.breach = Some((number, order, port.settled));
        }
        port.settle(settles);
        self.reached = self.reached.max(settles);
        self.sequence.push_back(number);
        true
    }

    /// The next packet in the order in which they were emitted, and its port.
    pub(crate) fn pop(&mut self) -> Option<(usize, Packet)> {
        let number = self.sequence.pop_front()?;
        let packet = self.ports[number].queue.pop_front()?;
        Some((number, packet))
    }

    /// The least that all connected outputs are settled to; of all, when none is connected.
    pub(crate) fn least_settled(&self) -> Time {
        let least = self.ports.iter().filter(|port| port.connected).map(|port| port.settled).min();
        least.or_else(|| self.ports.iter().map(|port| port.settled).min()).unwrap_or(Time::ZERO)
    }

    /// The farthest that any output is settled to.
    pub(crate) fn end(&self) -> Time {
        self.ports.iter().map(|port| port.settled).max().unwrap_or(Time::ZERO).max(Time::ZERO)
    }

    /// After a flush: nothing beyond `cut` has been said.
    pub(crate) fn flush(&mut self, cut: Time) {
        for port in &mut self.ports {
            port.settled = port.settled.min(cut);
            (port.said, port.told) = (port.settled, port.told.min(cut));
        }
    }
}
