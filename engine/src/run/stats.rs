//! Counters of a run. Each has a single writer (the lane that owns the node or the producer's lane), so plain relaxed loads and stores
//! do; readers see values that may be a moment old.

use super::lane::Phase;
use crate::time::Span;
use std::sync::atomic::{AtomicI64, AtomicU8, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// A counter with one writer.
#[derive(Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    #[inline]
    pub(crate) fn add(&self, n: u64) {
        self.0.store(self.0.load(Relaxed) + n, Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }

    pub(crate) fn set(&self, n: u64) {
        self.0.store(n, Relaxed);
    }

    #[inline]
    fn raise(&self, n: u64) {
        if n > self.get() {
            self.0.store(n, Relaxed);
        }
    }
}

/// Durations in 4 buckets per octave from 1 ns to over an hour: quantiles within 19 %.
pub(crate) struct Histogram {
    buckets: [AtomicU64; Histogram::BUCKETS],
    /// The latest, plus one, which is in no bucket yet; 0 before the first.
    latest: Count,
    max: Count,
}

impl Default for Histogram {
    fn default() -> Histogram {
        Histogram { buckets: [const { AtomicU64::new(0) }; Histogram::BUCKETS], latest: Count::default(), max: Count::default() }
    }
}

impl Histogram {
    const BUCKETS: usize = 176;

    /// Adds the one before it to its bucket, which is known by now. Were it this one, whose length has only just been read from a clock,
    /// the processor would not know for a while where it writes, and all that it reads meanwhile would have to wait.
    #[inline]
    pub(crate) fn record(&self, nanos: u64) {
        let before = self.latest();
        self.latest.set(nanos.saturating_add(1));
        self.max.raise(nanos);
        if let Some(before) = before {
            let bucket = &self.buckets[Histogram::bucket_of(before)];
            bucket.store(bucket.load(Relaxed) + 1, Relaxed);
        }
    }

    #[inline]
    fn latest(&self) -> Option<u64> {
        self.latest.get().checked_sub(1)
    }

    #[inline]
    fn bucket_of(nanos: u64) -> usize {
        // As a 64-bit float a number begins with its octave, from 1023 for that of 1, and goes on with the quarter of it.
        let quarters = ((nanos as i64 as f64).to_bits() >> 50).saturating_sub(4 * 1023) as usize;
        quarters.min(Histogram::BUCKETS - 1)
    }

    /// How many were recorded in each bucket.
    fn counts(&self) -> [u64; Histogram::BUCKETS] {
        let latest = self.latest().map(Histogram::bucket_of);
        std::array::from_fn(|i| self.buckets[i].load(Relaxed) + u64::from(latest == Some(i)))
    }

    /// How many were recorded.
    pub(crate) fn count(&self) -> u64 {
        self.counts().iter().sum()
    }

    /// The upper edge in seconds of the bucket that holds quantile `q` (0 to 1).
    pub(crate) fn quantile(&self, q: f64) -> f64 {
        let counts = self.counts();
        let total: u64 = counts.iter().sum();
        let target = (total as f64 * q).ceil().max(1.0) as u64;
        let mut below = 0;
        for (i, count) in counts.into_iter().enumerate() {
            below += count;
            if total > 0 && below >= target {
                let edge = (1u64 << (i / 4)) as f64 * (1.0 + (i % 4 + 1) as f64 / 4.0) * 1e-9;
                return edge.min(self.max());
            }
        }
        0.0
    }

    pub(crate) fn max(&self) -> f64 {
        self.max.get() as f64 * 1e-9
    }
}

/// What a lane is doing, for the report on what hangs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Doing {
    Running = 0,
    Waiting = 1,
    Blocked = 2,
    Ended = 3,
}

/// What is counted about one node.
#[derive(Default)]
pub(crate) struct NodeStats {
    pub(crate) packets_in: Count,
    pub(crate) packets_out: Count,
    pub(crate) busy_nanos: Count,
    pub(crate) calls: Histogram,
    /// Times that it failed. By its own lane or by whoever watches it, so added in one step.
    pub(crate) errors: AtomicU64,
    pub(crate) reached: AtomicI64,
    doing: AtomicU8,
    /// Which input it waits for, or which output edge it is blocked on.
    pub(crate) doing_where: AtomicU64,
    /// How far the input that it waits for is settled.
    pub(crate) settled: AtomicI64,
    /// When the call began that it is in, in nanoseconds from the start of the run, plus one; 0 outside calls.
    pub(crate) in_call: AtomicU64,
    /// Which call that is.
    phase: AtomicU8,
}

impl NodeStats {
    /// A call begins, so many nanoseconds after the start of the run.
    #[inline]
    pub(crate) fn enter(&self, phase: Phase, at: u64) {
        self.phase.store(phase as u8, Relaxed);
        self.in_call.store(at + 1, Relaxed);
    }

    /// The call that it is in, or was in last.
    pub(crate) fn phase(&self) -> Phase {
        let phase = self.phase.load(Relaxed);
        Phase::ALL.into_iter().find(|one| *one as u8 == phase).unwrap_or(Phase::Process)
    }

    /// A call has taken so many nanoseconds.
    #[inline]
    pub(crate) fn called(&self, nanos: u64) {
        self.busy_nanos.add(nanos);
        self.calls.record(nanos);
    }

    /// Its output has come to this time, in flicks.
    #[inline]
    pub(crate) fn reach(&self, time: i64) {
        if time > self.reached.load(Relaxed) {
            self.reached.store(time, Relaxed);
        }
    }

    pub(crate) fn set_doing(&self, doing: Doing, place: usize) {
        self.doing_where.store(place as u64, Relaxed);
        self.doing.store(doing as u8, std::sync::atomic::Ordering::Release);
    }

    /// Before (`true`) and after a wait for connection `place`; `usize::MAX` for what is no connection.
    pub(crate) fn set_waiting(&self, waits: bool, place: usize) {
        self.set_doing(if waits { Doing::Waiting } else { Doing::Running }, place);
    }

    pub(crate) fn doing(&self) -> Doing {
        match self.doing.load(std::sync::atomic::Ordering::Acquire) {
            1 => Doing::Waiting,
            2 => Doing::Blocked,
            3 => Doing::Ended,
            _ => Doing::Running,
        }
    }
}

/// What is counted about one edge between lanes.
#[derive(Default)]
pub(crate) struct EdgeStats {
    /// Packets that wait now.
    pub(crate) depth: Count,
    /// From the first of them to the end of the last, in flicks.
    pub(crate) depth_flicks: Count,
    pub(crate) max_depth: Count,
    /// Packets dropped by the edge's policy.
    pub(crate) dropped: Count,
    pub(crate) blocked_nanos: Count,
}

impl EdgeStats {
    /// So many packets wait now, which are so long together.
    pub(crate) fn saw_depth(&self, depth: usize, long: Span) {
        self.depth.set(depth as u64);
        self.depth_flicks.set(long.0.max(0) as u64);
        self.max_depth.raise(depth as u64);
    }

    pub(crate) fn add_blocked(&self, time: Duration) {
        self.blocked_nanos.add(time.as_nanos() as u64);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_within_a_bucket() {
        let histogram = Histogram::default();
        (1..=1000u64).for_each(|i| histogram.record(i * 1000));
        assert!((0.5e-3..=0.6e-3).contains(&histogram.quantile(0.5)), "{}", histogram.quantile(0.5));
        assert!((0.99e-3..=1.0e-3).contains(&histogram.quantile(0.99)));
        assert_eq!(histogram.max(), 1e-3);
        for nanos in [1u64, 2, 3, 4, 5, 7, 8, 1023, 1024, 123_456_789, 3_600_000_000_000] {
            let histogram = Histogram::default();
            [nanos, 2 * nanos].into_iter().for_each(|nanos| histogram.record(nanos));
            let edge = histogram.quantile(0.5) * 1e9;
            assert!((nanos as f64..=nanos as f64 * 1.251).contains(&edge), "{nanos} ns: {edge}");
        }
        let histogram = Histogram::default();
        [0, u64::MAX].into_iter().for_each(|nanos| histogram.record(nanos));
        assert!(histogram.quantile(0.5) <= 1.25e-9);
        assert_eq!(Histogram::default().quantile(0.5), 0.0);
    }
}
