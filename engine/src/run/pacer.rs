//! What `playout` paces a live run by: the clock, the horizon of the sources, and flushes.

use super::epoch::Epochs;
use super::horizon::Horizon;
use super::stats::{Count, Histogram};
use crate::clock::Clock;
use crate::time::Span;
use serde::Serialize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Shared by `playout`'s lane and whoever flushes the run.
pub(crate) struct Pacer {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) horizon: Arc<Horizon>,
    pub(crate) epochs: Arc<Epochs>,
    /// How much is made ahead of what goes out.
    pub(crate) latency: Span,
    flush_asked: AtomicBool,
    pub(crate) stats: PlayoutStats,
}

impl Pacer {
    pub(crate) fn new(clock: Arc<dyn Clock>, horizon: Arc<Horizon>, epochs: Arc<Epochs>, latency: Span) -> Arc<Pacer> {
        Arc::new(Pacer { clock, horizon, epochs, latency, flush_asked: AtomicBool::new(false), stats: PlayoutStats::default() })
    }

    /// Asks for a flush; `playout` answers by publishing a cut.
    pub(crate) fn ask_flush(&self) {
        self.flush_asked.store(true, Ordering::SeqCst);
    }

    /// Somebody has asked since the last call.
    pub(crate) fn take_flush(&self) -> bool {
        self.flush_asked.swap(false, Ordering::SeqCst)
    }
}

/// What `playout` counts in a live run.
#[derive(Default)]
pub(crate) struct PlayoutStats {
    /// Ticks at which the picture before was shown again because the next one was not there.
    pub(crate) held: Count,
    /// Pictures that came after the tick they were made for.
    pub(crate) late: Histogram,
    pub(crate) late_count: Count,
    pub(crate) late_nanos: Count,
    /// Samples of silence where sound was missing.
    pub(crate) silence_samples: Count,
    /// Ticks by which the programme fell behind because nothing was there.
    pub(crate) underruns: Count,
    /// The same while the pipe filled again after a flush.
    pub(crate) refills: Count,
    /// Ticks left out because the consumer of the pictures had no room.
    pub(crate) skipped: Count,
}

/// What a live programme had to make up for.
#[derive(Clone, Debug, Default, Serialize)]
pub struct PlayoutReport {
    /// Ticks at which the picture before was shown again because the next one was not there.
    pub held: u64,
    /// Pictures that came after the tick they were made for.
    pub late: u64,
    /// How late the latest 1 % of them came, in seconds.
    pub late_seconds_p99: f64,
    /// How late all of them came together, in seconds.
    pub late_seconds_sum: f64,
    /// Silence where sound was missing.
    pub silence_seconds: f64,
    /// Ticks by which the programme fell behind because nothing was there.
    pub underruns: u64,
    /// The same while the pipe filled again after a flush.
    pub refills: u64,
    /// Ticks left out because the consumer of the pictures had no room.
    pub skipped: u64,
}

impl PlayoutStats {
    /// The figures of now; `sample_seconds` is the length of one sample.
    pub(crate) fn report(&self, sample_seconds: f64) -> PlayoutReport {
        PlayoutReport {
            held: self.held.get(),
            late: self.late_count.get(),
            late_seconds_p99: self.late.quantile(0.99),
            late_seconds_sum: self.late_nanos.get() as f64 * 1e-9,
            silence_seconds: self.silence_samples.get() as f64 * sample_seconds,
            underruns: self.underruns.get(),
            refills: self.refills.get(),
            skipped: self.skipped.get(),
        }
    }

    /// A picture came this much too late.
    pub(crate) fn saw_late(&self, by: Span) {
        let nanos = by.to_nanos().max(0) as u64;
        self.late_count.add(1);
        self.late_nanos.add(nanos);
        self.late.record(nanos);
    }
}
