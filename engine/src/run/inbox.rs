//! The bounded queue at the head of a lane: one lock, a queue per connection, nobody woken who does not wait.
//!
//! The consumer takes everything of a connection at once, and only when it has used up what it took before; so at most twice the limit
//! is ever held, and a connection that the consumer does not need yet pushes back on its producer.

use super::cancel::{Cancel, Waker};
use super::stats::EdgeStats;
use super::sync::Slot;
use crate::packet::Packet;
use crate::time::{Span, Time};
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Instant;

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

/// What became of a packet that was pushed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Pushed {
    Queued,
    /// The consumer wants no more.
    Closed,
    Cancelled,
}

pub(crate) struct Inbox {
    state: Mutex<State>,
    ready: Condvar,
    cancel: Cancel,
}

struct State {
    queues: Vec<Queue>,
    /// The connection on which the consumer sleeps.
    wanted: Option<usize>,
    closed: bool,
}

struct Queue {
    packets: VecDeque<Packet>,
    bytes: usize,
    bound: Time,
    end: Option<Time>,
    /// Something has come since the consumer last looked.
    news: bool,
    limit: Limit,
    producer_waits: bool,
    space: Arc<Condvar>,
    stats: Arc<EdgeStats>,
}

impl Queue {
    fn is_full(&self) -> bool {
        let (Some(first), Some(last)) = (self.packets.front(), self.packets.back()) else { return false };
        let Limit { items, time, bytes } = self.limit;
        self.packets.len() >= items || self.bytes >= bytes || last.settles() - first.order() >= time
    }
}

impl Inbox {
    pub(crate) fn new(limits: &[(Limit, Arc<EdgeStats>)], cancel: &Cancel) -> Arc<Inbox> {
        let queue = |(limit, stats): &(Limit, Arc<EdgeStats>)| Queue {
            packets: VecDeque::new(),
            bytes: 0,
            bound: Time(i64::MIN),
            end: None,
            news: false,
            limit: *limit,
            producer_waits: false,
            space: Arc::default(),
            stats: stats.clone(),
        };
        let state = State { queues: limits.iter().map(queue).collect(), wanted: None, closed: false };
        let inbox = Arc::new(Inbox { state: Mutex::new(state), ready: Condvar::new(), cancel: cancel.clone() });
        let waker: Arc<dyn Waker> = inbox.clone();
        cancel.register(Arc::downgrade(&waker));
        inbox
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no code that can panic runs with this lock")
    }

    /// Queues a packet, waiting while the connection is full. `blocked` is told before and after a wait.
    pub(crate) fn push(&self, slot: usize, packet: Packet, blocked: impl Fn(bool)) -> Pushed {
        let mut state = self.lock();
        if state.queues[slot].is_full() && !state.closed && !self.cancel.is_cancelled() {
            blocked(true);
            let since = Instant::now();
            let space = state.queues[slot].space.clone();
            while state.queues[slot].is_full() && !state.closed && !self.cancel.is_cancelled() {
                state.queues[slot].producer_waits = true;
                state = space.wait(state).expect("no code that can panic runs with this lock");
            }
            state.queues[slot].producer_waits = false;
            state.queues[slot].stats.add_blocked(since.elapsed());
            blocked(false);
        }
        if self.cancel.is_cancelled() {
            return Pushed::Cancelled;
        }
        if state.closed {
            return Pushed::Closed;
        }
        let queue = &mut state.queues[slot];
        queue.bytes += packet.media.bytes();
        queue.bound = queue.bound.max(packet.settles());
        queue.packets.push_back(packet);
        queue.stats.saw_depth(queue.packets.len());
        self.notify(&mut state, slot);
        Pushed::Queued
    }

    /// Moves a connection's bound.
    pub(crate) fn settle(&self, slot: usize, bound: Time) {
        let mut state = self.lock();
        if bound > state.queues[slot].bound {
            state.queues[slot].bound = bound;
            self.notify(&mut state, slot);
        }
    }

    /// Ends a connection.
    pub(crate) fn end(&self, slot: usize, end: Time) {
        let mut state = self.lock();
        state.queues[slot].end = Some(end);
        self.notify(&mut state, slot);
    }

    /// The consumer wants no more: whatever waits or comes is dropped.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        for queue in &mut state.queues {
            queue.packets.clear();
            queue.space.notify_all();
        }
    }

    fn notify(&self, state: &mut State, slot: usize) {
        state.queues[slot].news = true;
        if state.wanted == Some(slot) {
            state.wanted = None;
            self.ready.notify_one();
        }
    }

    /// Waits until there is news on the connection `wanted`, then hands over the queues of all connections whose slot is empty.
    /// `false` when the run was cancelled.
    pub(crate) fn refill(&self, slots: &mut [Slot], wanted: usize, waiting: impl Fn(bool)) -> bool {
        let mut state = self.lock();
        if !state.queues[wanted].news && !self.cancel.is_cancelled() {
            waiting(true);
            while !state.queues[wanted].news && !self.cancel.is_cancelled() {
                state.wanted = Some(wanted);
                state = self.ready.wait(state).expect("no code that can panic runs with this lock");
            }
            state.wanted = None;
            waiting(false);
        }
        if self.cancel.is_cancelled() {
            return false;
        }
        for (queue, slot) in state.queues.iter_mut().zip(slots) {
            if !queue.news || !slot.queue.is_empty() {
                continue;
            }
            std::mem::swap(&mut queue.packets, &mut slot.queue);
            queue.bytes = 0;
            queue.news = false;
            slot.bound = queue.bound;
            slot.end = queue.end;
            if queue.producer_waits {
                queue.space.notify_one();
            }
        }
        true
    }
}

impl Waker for Inbox {
    fn wake(&self) {
        let state = self.lock();
        self.ready.notify_all();
        for queue in &state.queues {
            queue.space.notify_all();
        }
    }
}
