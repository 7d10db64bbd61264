//! What a node emitted in one call, and how far its outputs are settled.

use crate::media::Payload;
use crate::packet::Packet;
use crate::time::Time;
use std::collections::VecDeque;

/// Filled by a node during a call, carried away by its stage after it.
pub(crate) struct Outbox {
    pub(crate) ports: Vec<Port>,
    pub(crate) emitted: Emitted,
    /// The farthest that any packet has settled its port to.
    pub(crate) reached: Time,
    /// The flush that packets come after.
    pub(crate) epoch: u32,
    /// The first breach of the order rule in this call: port, order, how far it was settled.
    pub(crate) breach: Option<(usize, Time, Time)>,
}

/// Emitted, not carried away yet.
#[derive(Default)]
pub(crate) struct Emitted {
    pub(crate) packets: VecDeque<Packet>,
    /// On which port each of them was emitted; not noted when there is one port only.
    numbers: Vec<usize>,
}

impl Emitted {
    /// Everything in the order in which it was emitted, each packet with the number of its port.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = (usize, Packet)> {
        self.numbers.drain(..).chain(std::iter::repeat(0)).zip(self.packets.drain(..))
    }
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
        Outbox { ports: vec![port; ports], emitted: Emitted::default(), reached: never, epoch: 0, breach: None }
    }

    /// Takes a packet that the node emits on a port; nothing comes of one for a port that is not there.
    // Not inlined: the packet then comes in one piece from where the caller made it.
    #[inline(never)]
    pub(crate) fn push<T: Payload>(&mut self, number: Option<usize>, packet: Packet<T>) {
        let Some(number) = number else { return };
        let (order, settles) = packet.order_and_settles();
        if self.admit(number, order, settles) {
            let epoch = packet.epoch;
            self.emitted.packets.push_back(packet.into());
            // Afterwards and seldom: a packet that has just been written to is slow to move.
            if epoch != self.epoch
                && let Some(packet) = self.emitted.packets.back_mut()
            {
                packet.epoch = self.epoch;
            }
        }
    }

    /// Notes what a packet says about its port. `false` when it has been said before the flush already.
    #[inline]
    fn admit(&mut self, number: usize, order: Time, settles: Time) -> bool {
        let port = &mut self.ports[number];
        if order < port.settled {
            if order < port.said {
                return false;
            }
            self.breach = self.breach.or(Some((number, order, port.settled)));
        }
        port.settle(settles);
        self.reached = self.reached.max(settles);
        if self.ports.len() > 1 {
            self.emitted.numbers.push(number);
        }
        true
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
