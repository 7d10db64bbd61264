//! How busy this machine is: another session is only begun when it will not hurt those that are on.

use std::sync::Mutex;
use std::time::{Duration, Instant};
use sysinfo::{CpuRefreshKind, System};

/// Cores that a session is taken to need before any has been measured (854x480 at 25 pictures a second).
const A_SESSION: f64 = 0.35;
/// This much of the machine stays free.
const RESERVE: f64 = 0.08;
/// The time over which load is measured.
const OVER: Duration = Duration::from_secs(2);

/// Measures the processor.
pub struct Load {
    state: Mutex<(System, Instant, f64)>,
}

impl Load {
    /// Begins to measure.
    pub fn new() -> Load {
        let mut system = System::new();
        system.refresh_cpu_specifics(CpuRefreshKind::nothing().with_cpu_usage());
        Load { state: Mutex::new((system, Instant::now(), 0.0)) }
    }

    /// The busy part of all cores, 0 to 1, over the last seconds.
    pub fn busy(&self) -> f64 {
        let mut state = self.state.lock().expect("nobody panics with this lock");
        let (system, since, busy) = &mut *state;
        if since.elapsed() >= OVER {
            system.refresh_cpu_specifics(CpuRefreshKind::nothing().with_cpu_usage());
            *busy = f64::from(system.global_cpu_usage()) / 100.0;
            *since = Instant::now();
        }
        *busy
    }

    /// Another session fits beside those that are on?
    pub fn has_room(&self) -> bool {
        let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get()) as f64;
        self.busy() + A_SESSION / cores <= 1.0 - RESERVE
    }
}
