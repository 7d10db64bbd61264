//! Time since a run began, for what is counted about calls: read once a call, so it has to be cheap.
//!
//! Where Linux keeps its own time by the processor's time stamp counter, so do we, at a third of the price of asking the system: then the
//! kernel has made sure that the counter runs evenly, never stops and agrees between processors. Everywhere else the system is asked.
//! Nothing is decided by this clock but how long a call took.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// The nanoseconds since a run began. Readings of different threads may differ by as little as their processors do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stopwatch {
    began: Instant,
    /// What the counter stood at then; nothing where the system is asked.
    counter: Option<Counter>,
}

#[derive(Clone, Copy, Debug)]
struct Counter {
    began: u64,
    /// Nanoseconds of a tick, with `FRACTION` binary digits.
    tick: u64,
}

/// Fine enough that the rounding of a tick adds up to a second in thirty years.
const FRACTION: u32 = 32;
/// How long the counter is compared with the system's clock, once in a process: enough to be within a few millionths.
const COMPARE: Duration = Duration::from_millis(2);

impl Stopwatch {
    /// Starts it.
    pub(crate) fn start() -> Stopwatch {
        match *TICK.get_or_init(tick) {
            Some(tick) => {
                let (now, counter) = both();
                Stopwatch { began: now, counter: Some(Counter { began: counter, tick }) }
            }
            None => Stopwatch { began: Instant::now(), counter: None },
        }
    }

    /// When that was, by the system's clock.
    pub(crate) fn began(&self) -> Instant {
        self.began
    }

    /// Nanoseconds since it was started.
    #[inline]
    pub(crate) fn nanos(&self) -> u64 {
        match self.counter {
            Some(Counter { began, tick }) => ((u128::from(counter().saturating_sub(began)) * u128::from(tick)) >> FRACTION) as u64,
            None => self.began.elapsed().as_nanos() as u64,
        }
    }
}

static TICK: OnceLock<Option<u64>> = OnceLock::new();

/// How long a tick of the counter is; nothing when it is not to be relied on.
fn tick() -> Option<u64> {
    let source = std::fs::read_to_string("/sys/devices/system/clocksource/clocksource0/current_clocksource").ok()?;
    if !cfg!(target_arch = "x86_64") || source.trim() != "tsc" {
        return None;
    }
    let (began, first) = both();
    while began.elapsed() < COMPARE {
        std::hint::spin_loop();
    }
    let (ended, last) = both();
    let ticks = last.checked_sub(first).filter(|ticks| *ticks > 0)?;
    u64::try_from(((ended - began).as_nanos() << FRACTION) / u128::from(ticks)).ok()
}

/// The system's clock and the counter at the same moment: of several readings the one that was interrupted least.
fn both() -> (Instant, u64) {
    let reading = |_| {
        let before = counter();
        let now = Instant::now();
        let after = counter();
        (after.saturating_sub(before), now, before + after.saturating_sub(before) / 2)
    };
    let (_, now, counter) = (0..16).map(reading).min_by_key(|(width, ..)| *width).expect("there are several");
    (now, counter)
}

#[cfg(target_arch = "x86_64")]
#[inline]
fn counter() -> u64 {
    // SAFETY: reads a register of the processor and nothing else. A program may do so wherever the kernel keeps time by it.
    unsafe { std::arch::x86_64::_rdtsc() }
}

#[cfg(not(target_arch = "x86_64"))]
fn counter() -> u64 {
    0
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn it_agrees_with_the_clock_of_the_system() {
        let system = Instant::now();
        let watch = Stopwatch::start();
        while system.elapsed() < Duration::from_millis(20) {}
        let least = watch.nanos();
        let most = system.elapsed().as_nanos() as u64;
        assert!(least <= most + most / 1000, "{least} ns against {most} ns");
        let system = watch.began.elapsed().as_nanos() as u64;
        let watch = watch.nanos();
        assert!(system <= watch + watch / 1000, "{watch} ns against {system} ns");
    }
}
