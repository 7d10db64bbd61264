//! How busy this machine is: another session is only begun when it will not hurt those that are on.

use std::sync::{Mutex, MutexGuard};
use sysinfo::{CpuRefreshKind, System};

/// Cores that a session is taken to need before any has been measured (854x480 at 25 pictures a second).
const A_SESSION: f64 = 0.35;
/// This much of the machine stays free.
const RESERVE: f64 = 0.08;

/// Measures the processor.
pub struct Load {
    state: Mutex<State>,
}

struct State {
    /// `None` where the system does not tell: then every session is taken for possible.
    system: Option<System>,
    busy: f64,
}

impl Load {
    /// Begins to measure.
    pub fn new() -> Load {
        let load = Load { state: Mutex::new(State { system: System::new().ok(), busy: 0.0 }) };
        load.measure();
        load
    }

    /// Takes the load since the last call.
    pub fn measure(&self) {
        let mut state = self.lock();
        if let Some(system) = &mut state.system {
            system.refresh_cpu_specifics(CpuRefreshKind::nothing().with_usage());
            state.busy = f64::from(system.global_cpu_usage()) / 100.0;
        }
    }

    /// The busy part of all cores, 0 to 1, when it was last measured.
    pub fn busy(&self) -> f64 {
        self.lock().busy
    }

    /// Another session fits beside those that are on?
    pub fn has_room(&self) -> bool {
        let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get()) as f64;
        self.busy() + A_SESSION / cores <= 1.0 - RESERVE
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panics with this lock")
    }
}
