//! Models that loom explores: every order in which the lanes of an inbox, a cancel and a flush can meet, up to two preemptions. A lost
//! wake-up shows as a deadlock, which loom reports.
//!
//! Run by `RUSTFLAGS="--cfg loom" cargo test -p engine --lib --target-dir target/loom loom`.

use super::activity::Activity;
use super::cancel::{Cancel, Waker};
use super::epoch::Epochs;
use super::horizon::Horizon;
use super::inbox::{Inbox, InboxEnv, Pushed, Wanted, Woken};
use super::primitives::{AtomicU32, Ordering};
use super::queue::{Connection, Limit};
use super::slot::Slot;
use crate::cue::Cue;
use crate::media::Kind;
use crate::packet::Packet;
use crate::time::{Span, Time};
use loom::thread;
use std::sync::Arc;

fn explore(model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(2);
    builder.check(model);
}

/// What a model needs of a run.
struct Stand {
    cancel: Cancel,
    activity: Arc<Activity>,
    epochs: Arc<Epochs>,
    inbox: Arc<Inbox>,
}

impl Stand {
    /// An inbox of connections that hold one packet each, and `lanes` lanes at work.
    fn new(connections: usize, lanes: usize) -> Stand {
        let (cancel, activity, epochs) = (Cancel::default(), Activity::new(Arc::default()), Epochs::new());
        (0..lanes).for_each(|_| activity.begin());
        let limit = Limit { items: 1, time: Span(i64::MAX), bytes: usize::MAX };
        let env = InboxEnv { cancel: cancel.clone(), activity: activity.clone(), epochs: Some(epochs.clone()), clock: None };
        let connections: Vec<Connection> = (0..connections).map(|_| Connection::blocking(limit, Arc::default())).collect();
        Stand { inbox: Inbox::new(&connections, env), cancel, activity, epochs }
    }

    fn push(&self, slot: usize, time: i64, epoch: u32) -> Pushed {
        self.inbox.push(slot, Packet { epoch, ..Packet::new(Time(time), Cue::Rest).into() }, |_| {})
    }

    /// A lane that pushes cues at these times, then ends the connection and itself.
    fn producer(self: &Arc<Stand>, slot: usize, times: &'static [i64]) -> thread::JoinHandle<()> {
        let stand = self.clone();
        thread::spawn(move || {
            for &time in times {
                assert_eq!(stand.push(slot, time, 0), Pushed::Taken);
            }
            stand.inbox.end(slot, Time(100), 0);
            stand.activity.end();
        })
    }
}

fn slots(count: usize) -> Vec<Slot> {
    (0..count).map(|port| Slot::new(port, Kind::Cues, true)).collect()
}

/// What a consumer has got: takes it out of the slots.
fn take(slots: &mut [Slot], got: &mut [Vec<i64>]) {
    for (slot, got) in slots.iter_mut().zip(got) {
        got.extend(slot.queue.drain(..).map(|packet| packet.pts.0));
    }
}

#[test]
fn loom_two_producers_hand_over_everything_in_order() {
    explore(|| {
        let stand = Arc::new(Stand::new(2, 3));
        let producers = [stand.producer(0, &[1, 2]), stand.producer(1, &[1])];
        let (mut slots, mut got) = (slots(2), [Vec::new(), Vec::new()]);
        // As a merge does: wants news where nothing is there.
        while let Some(open) = slots.iter().position(|slot| slot.end.is_none()) {
            assert_eq!(stand.inbox.refill(&mut slots, Wanted::News(open), |_| {}), Woken::Refilled);
            take(&mut slots, &mut got);
        }
        assert_eq!(got, [vec![1, 2], vec![1]]);
        assert!(!stand.activity.is_stuck(), "this lane is at work");
        producers.into_iter().for_each(|producer| producer.join().expect("no panic"));
    });
}

#[test]
fn loom_a_bound_alone_wakes_the_consumer() {
    explore(|| {
        let stand = Arc::new(Stand::new(1, 2));
        let producer = stand.clone();
        let producer = thread::spawn(move || {
            producer.inbox.settle(0, Time(5), 0);
            producer.inbox.settle(0, Time(9), 0);
        });
        let mut slots = slots(1);
        while slots[0].bound < Time(9) {
            stand.inbox.refill(&mut slots, Wanted::Any, |_| {});
        }
        producer.join().expect("no panic");
    });
}

#[test]
fn loom_a_consumer_that_closes_frees_its_producer() {
    explore(|| {
        let stand = Arc::new(Stand::new(1, 2));
        let producer = stand.clone();
        let producer = thread::spawn(move || {
            let mut pushed = (0..3).map(|time| producer.push(0, time, 0));
            assert!(pushed.any(|pushed| pushed == Pushed::Closed), "three do not fit");
        });
        let mut slots = slots(1);
        stand.inbox.refill(&mut slots, Wanted::News(0), |_| {});
        stand.inbox.close();
        producer.join().expect("no panic");
    });
}

#[test]
fn loom_cancel_wakes_a_producer_and_a_consumer() {
    explore(|| {
        let stand = Arc::new(Stand::new(2, 2));
        let producer = stand.clone();
        let producer = thread::spawn(move || while producer.push(0, 0, 0) == Pushed::Taken {});
        let consumer = stand.clone();
        // Never looks at what is full: it waits for the other connection.
        let consumer = thread::spawn(move || {
            let mut slots = slots(2);
            slots[0].queue.push_back(Packet::new(Time(0), Cue::Rest).into());
            while consumer.inbox.refill(&mut slots, Wanted::News(1), |_| {}) == Woken::Refilled {}
        });
        stand.cancel.cancel();
        producer.join().expect("no panic");
        consumer.join().expect("no panic");
        assert!(!stand.activity.is_idle(), "both were counted as awake again");
    });
}

#[test]
fn loom_a_flush_frees_a_producer_and_what_is_flushed_does_not_arrive() {
    explore(|| {
        let stand = Arc::new(Stand::new(1, 2));
        let producer = stand.clone();
        let producer = thread::spawn(move || {
            // Full after the first; nobody takes anything before the flush.
            producer.push(0, 10, 0);
            producer.push(0, 20, 0);
            let epoch = producer.epochs.current();
            assert_eq!(epoch, 1, "only a flush makes room");
            producer.push(0, 5, epoch);
            producer.inbox.end(0, Time(6), epoch);
        });
        stand.epochs.publish(Time(5));
        let (mut slots, mut got) = (slots(1), [Vec::new()]);
        while slots[0].end.is_none() {
            stand.inbox.refill(&mut slots, Wanted::News(0), |_| {});
            take(&mut slots, &mut got);
        }
        assert_eq!((got, slots[0].end), ([vec![5]], Some(Time(6))));
        producer.join().expect("no panic");
    });
}

#[test]
fn loom_a_flush_meets_a_consumer_that_takes() {
    explore(|| {
        let stand = Arc::new(Stand::new(1, 2));
        let producer = stand.clone();
        let producer = thread::spawn(move || {
            // Looks at the epoch before every packet, as a lane does, and begins anew at the cut.
            let (mut time, mut epoch) = (8, 0);
            while time < 10 {
                let now = producer.epochs.current();
                if now > epoch {
                    time = time.min(producer.epochs.cut_since(epoch).0);
                    epoch = now;
                }
                producer.push(0, time, epoch);
                time += 1;
            }
            producer.inbox.end(0, Time(10), epoch);
        });
        let flusher = stand.clone();
        let flusher = thread::spawn(move || flusher.epochs.publish(Time(9)));
        let mut slots = slots(1);
        let mut last = Vec::new();
        while slots[0].end.is_none() {
            stand.inbox.refill(&mut slots, Wanted::News(0), |_| {});
            // What the consumer took before it heard of the flush counts for nothing from the cut on.
            last.extend(slots[0].queue.drain(..));
            last = last.drain(..).filter_map(|packet| stand.epochs.keep(packet)).collect();
        }
        producer.join().expect("no panic");
        flusher.join().expect("no panic");
        let times: Vec<i64> = last.into_iter().filter_map(|packet| stand.epochs.keep(packet)).map(|packet| packet.pts.0).collect();
        let end = stand.epochs.bound(slots[0].end.expect("it ended"), slots[0].epoch).0;
        // All that was promised, each once; a producer that ended before it heard makes nothing anew.
        assert_eq!(times, (8..end.min(10)).collect::<Vec<_>>());
    });
}

#[test]
fn loom_a_run_that_moves_never_seems_to_stand_still() {
    explore(|| {
        let stand = Arc::new(Stand::new(1, 2));
        let lanes = Arc::new(AtomicU32::new(2));
        let (producer, left) = (stand.clone(), lanes.clone());
        let producer = thread::spawn(move || {
            producer.push(0, 1, 0);
            producer.push(0, 2, 0);
            producer.inbox.end(0, Time(3), 0);
            left.fetch_sub(1, Ordering::SeqCst);
            producer.activity.end();
        });
        let (consumer, left) = (stand.clone(), lanes.clone());
        let consumer = thread::spawn(move || {
            let mut slots = slots(1);
            while slots[0].end.is_none() {
                consumer.inbox.refill(&mut slots, Wanted::News(0), |_| {});
                slots[0].queue.clear();
            }
            left.fetch_sub(1, Ordering::SeqCst);
            consumer.activity.end();
        });
        // As the supervisor looks: nobody at work, and yet lanes left.
        let stuck = stand.activity.is_stuck();
        assert!(!stuck || lanes.load(Ordering::SeqCst) == 0);
        producer.join().expect("no panic");
        consumer.join().expect("no panic");
        assert!(stand.activity.is_stuck() && stand.activity.is_idle());
    });
}

#[test]
fn loom_a_run_in_which_all_wait_for_each_other_is_seen() {
    explore(|| {
        let stand = Arc::new(Stand::new(2, 2));
        let producer = stand.clone();
        // The second packet has no room while the consumer waits for the other connection.
        let producer = thread::spawn(move || {
            producer.push(0, 1, 0);
            assert_eq!(producer.push(0, 2, 0), Pushed::Cancelled);
        });
        let consumer = stand.clone();
        let consumer = thread::spawn(move || {
            let mut slots = slots(2);
            slots[0].queue.push_back(Packet::new(Time(0), Cue::Rest).into());
            assert_eq!(consumer.inbox.refill(&mut slots, Wanted::News(1), |_| {}), Woken::Cancelled);
        });
        while !stand.activity.is_stuck() {
            thread::yield_now();
        }
        stand.cancel.cancel();
        producer.join().expect("no panic");
        consumer.join().expect("no panic");
    });
}

#[test]
fn loom_the_horizon_and_a_nudge_wake_a_source() {
    explore(|| {
        let stand = Stand::new(0, 1);
        let horizon = Horizon::new(Span(10));
        let gate = horizon.gate(&stand.cancel, &stand.activity);
        let source = thread::spawn(move || {
            let mut passed = 1;
            while !gate.pass(Time(10), |_| {}) {
                passed += 1;
            }
            assert!(passed <= 2, "the nudge once, the horizon once");
        });
        let nudger = horizon.clone();
        let nudger = thread::spawn(move || nudger.wake());
        horizon.advance(Time(1));
        source.join().expect("no panic");
        nudger.join().expect("no panic");
        assert!(!stand.activity.is_idle());
    });
}

/// Counts its own wake-ups.
#[derive(Default)]
struct Woke(AtomicU32);

impl Waker for Woke {
    fn wake(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn loom_who_registers_while_a_cancel_comes_is_woken_or_sees_it() {
    explore(|| {
        let cancel = Cancel::default();
        let canceller = cancel.clone();
        let canceller = thread::spawn(move || canceller.cancel());
        let woke = Arc::new(Woke::default());
        let waker: Arc<dyn Waker> = woke.clone();
        cancel.register(Arc::downgrade(&waker));
        let seen = cancel.is_cancelled();
        canceller.join().expect("no panic");
        assert!(seen || woke.0.load(Ordering::SeqCst) == 1);
    });
}
