//! What a node emitted in one call, and how far its outputs are settled.

use crate::media::Payload;
use crate::packet::Packet;
use crate::time::Time;
use std::collections::VecDeque;

/// Filled by a node during a call, carried away by its stage after it.
pub(crate) struct Outbox {
    pub(crate) items: VecDeque<(usize, Packet)>,
    pub(crate) ports: Vec<Port>,
    /// The first breach of the order rule in this call: port, order, how far it was settled.
    pub(crate) breach: Option<(usize, Time, Time)>,
}

/// One output.
#[derive(Clone)]
pub(crate) struct Port {
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
        let port = Port { settled: never, said: never, told: never, connected: false };
        Outbox { items: VecDeque::new(), ports: vec![port; ports], breach: None }
    }

    /// Always inlined, so that the packet is made where it stays.
    #[inline(always)]
    pub(crate) fn push<T: Payload>(&mut self, number: usize, packet: Packet<T>) {
        let port = &mut self.ports[number];
        let (order, settles) = packet.order_and_settles();
        if order < port.said {
            return;
        }
        if order < port.settled && self.breach.is_none() {
            self.breach = Some((number, order, port.settled));
        }
        port.settle(settles);
        self.items.push_back((number, packet.into()));
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
