//! Flushes: what was made for later than a *cut* is thrown away and made anew.
//!
//! Every flush begins a new epoch. Packets carry the epoch of the lane that sent them; a packet of an older epoch is worth nothing from the
//! first cut after that epoch on. Cuts never go back, because `playout` never does.

use super::cancel::Waker;
use super::primitives::{AtomicU32, Mutex, Ordering};
use crate::packet::Packet;
use crate::time::Time;
use crossbeam_channel::{Receiver, Sender, bounded};
use std::collections::VecDeque;
use std::sync::{Arc, Weak};

/// All flushes of a run so far.
pub(crate) struct Epochs {
    current: AtomicU32,
    state: Mutex<State>,
}

struct State {
    /// The cut with which epoch `i + 1` began.
    cuts: Vec<Time>,
    wakers: Vec<Weak<dyn Waker>>,
    /// Dropped at the next flush, so that whoever listens sees a closed channel.
    line: Sender<()>,
    listener: Receiver<()>,
}

impl Epochs {
    pub(crate) fn new() -> Arc<Epochs> {
        let (line, listener) = bounded(0);
        let state = State { cuts: Vec::new(), wakers: Vec::new(), line, listener };
        Arc::new(Epochs { current: AtomicU32::new(0), state: Mutex::new(state) })
    }

    /// The epoch of now.
    pub(crate) fn current(&self) -> u32 {
        self.current.load(Ordering::SeqCst)
    }

    /// The first cut after an epoch: what was made in that epoch is worth something up to there. `Time::MAX` when there was none.
    pub(crate) fn cut_since(&self, epoch: u32) -> Time {
        if epoch >= self.current() {
            return Time::MAX;
        }
        self.state.lock().expect("nobody panics with this lock").cuts[epoch as usize]
    }

    /// Begins a new epoch and wakes everybody whom it may concern.
    pub(crate) fn publish(&self, cut: Time) {
        let wakers = {
            let mut state = self.state.lock().expect("nobody panics with this lock");
            let cut = state.cuts.last().map_or(cut, |last| cut.max(*last));
            state.cuts.push(cut);
            self.current.store(state.cuts.len() as u32, Ordering::SeqCst);
            (state.line, state.listener) = bounded(0);
            state.wakers.clone()
        };
        for waker in wakers.iter().filter_map(Weak::upgrade) {
            waker.wake();
        }
    }

    /// There will be no flush any more.
    pub(crate) fn close(&self) {
        // A channel whose other end is gone is closed.
        self.state.lock().expect("nobody panics with this lock").line = bounded(0).0;
    }

    /// Closes at the first flush after this call, or when there will be none any more.
    pub(crate) fn channel(&self) -> Receiver<()> {
        self.state.lock().expect("nobody panics with this lock").listener.clone()
    }

    pub(crate) fn register(&self, waker: Weak<dyn Waker>) {
        self.state.lock().expect("nobody panics with this lock").wakers.push(waker);
    }

    /// What is left of a packet: all, the part before the cut, or nothing.
    pub(crate) fn keep(&self, mut packet: Packet) -> Option<Packet> {
        let cut = self.cut_since(packet.epoch);
        if packet.order() >= cut {
            return None;
        }
        packet.shorten(cut);
        Some(packet)
    }

    /// The same for a queue; returns what was thrown away.
    pub(crate) fn trim(&self, packets: &mut VecDeque<Packet>) -> usize {
        let before = packets.len();
        *packets = std::mem::take(packets).into_iter().filter_map(|packet| self.keep(packet)).collect();
        before - packets.len()
    }

    /// A bound that was said in `epoch`, as it holds now.
    pub(crate) fn bound(&self, bound: Time, epoch: u32) -> Time {
        bound.min(self.cut_since(epoch))
    }
}

/// A node's view of the flushes: what its lane knows of them.
#[derive(Clone)]
pub(crate) struct FlushView {
    pub(crate) epochs: Arc<Epochs>,
    /// The epoch that the node has been told of.
    pub(crate) lane: Arc<AtomicU32>,
}

impl FlushView {
    /// There has been a flush that the node does not know of yet.
    pub(crate) fn is_stale(&self) -> bool {
        self.epochs.current() > self.lane.load(Ordering::SeqCst)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::cue::Cue;
    use crate::media::AudioBlock;
    use crate::time::Rate;

    #[test]
    fn packets_of_older_epochs_are_cut_and_newer_ones_kept() {
        let epochs = Epochs::new();
        let closed = epochs.channel();
        let cue = |pts, epoch| Packet { epoch, ..Packet::from(Packet::new(Time(pts), Cue::Rest)) };
        epochs.publish(Time(100));
        epochs.publish(Time(50));
        epochs.publish(Time(300));
        assert_eq!(closed.try_recv(), Err(crossbeam_channel::TryRecvError::Disconnected));
        assert_eq!((epochs.cut_since(1), epochs.current()), (Time(100), 3), "a cut never goes back");
        assert_eq!(epochs.cut_since(3), Time::MAX);
        let mut queue: VecDeque<Packet> = [cue(99, 0), cue(100, 0), cue(150, 2), cue(350, 2), cue(20, 3)].into();
        assert_eq!(epochs.trim(&mut queue), 2);
        assert_eq!(queue.iter().map(|packet| packet.pts.0).collect::<Vec<_>>(), [99, 150, 20]);
        assert_eq!(epochs.bound(Time(400), 0), Time(100));
        assert_eq!(epochs.bound(Time(400), 3), Time(400));
    }

    #[test]
    fn a_packet_that_straddles_the_cut_is_shortened_to_it() {
        let epochs = Epochs::new();
        let rate = Rate::per_second(48_000);
        let block = AudioBlock::mono((0..960).map(|i| i as f32).collect(), rate);
        epochs.publish(rate.time_of(480));
        let kept = epochs.keep(Packet::lasting(Time::ZERO, block.duration(), block).into()).expect("half of it");
        assert_eq!(kept.dur, Some(rate.span_of(480)));
        let crate::media::Media::Audio(block) = kept.media else { panic!("sound") };
        assert_eq!((block.frames(), block.samples()[479]), (480, 479.0));
    }
}
