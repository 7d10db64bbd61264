//! What a node emitted in one call, and how far its outputs are settled.

use super::edge::Edge;
use crate::packet::Packet;
use crate::time::Time;

/// Filled by a node during a call, carried away by its stage after it.
pub(crate) struct Outbox {
    pub(crate) items: Vec<(usize, Packet)>,
    pub(crate) settled: Vec<Time>,
    pub(crate) connected: Vec<bool>,
    /// Since a flush: what lies before this has been said already, and is not said again.
    said: Vec<Time>,
    /// The first breach of the order rule in this call: port, order, how far it was settled.
    pub(crate) breach: Option<(usize, Time, Time)>,
}

impl Outbox {
    pub(crate) fn new(outputs: &[Vec<Edge>]) -> Outbox {
        let connected = outputs.iter().map(|edges| !edges.is_empty()).collect();
        let never = vec![Time(i64::MIN); outputs.len()];
        Outbox { items: Vec::new(), settled: never.clone(), connected, said: never, breach: None }
    }

    pub(crate) fn push(&mut self, port: usize, packet: Packet) {
        if packet.order() < self.said[port] {
            return;
        }
        if packet.order() < self.settled[port] && self.breach.is_none() {
            self.breach = Some((port, packet.order(), self.settled[port]));
        }
        self.settle(port, packet.settles());
        self.items.push((port, packet));
    }

    pub(crate) fn settle(&mut self, port: usize, time: Time) {
        self.settled[port] = self.settled[port].max(time);
    }

    /// The least that all connected outputs are settled to; of all, when none is connected.
    pub(crate) fn least_settled(&self) -> Time {
        let ports = || self.settled.iter().zip(&self.connected);
        let least = ports().filter(|(_, connected)| **connected).map(|(settled, _)| *settled).min();
        least.or_else(|| self.settled.iter().copied().min()).unwrap_or(Time::ZERO)
    }

    /// The farthest that any output is settled to.
    pub(crate) fn end(&self) -> Time {
        self.settled.iter().copied().max().unwrap_or(Time::ZERO).max(Time::ZERO)
    }

    /// After a flush: nothing beyond `cut` has been said.
    pub(crate) fn flush(&mut self, cut: Time) {
        for (settled, said) in self.settled.iter_mut().zip(&mut self.said) {
            *settled = (*settled).min(cut);
            *said = *settled;
        }
    }
}
