//! How busy this machine is: another session is only begun when it will not hurt those that are on.
//!
//! What counts is the processor time that this program uses, and others that compete with it. Programs that give way to it (niced ones, such
//! as renders, and those of the idle class) do not: it has their time whenever it wants it.

use engine::registry::Defaults;
use std::collections::{HashMap, VecDeque};
use std::fs;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use sysinfo::{CpuRefreshKind, System};

/// Cores that a session needs for all but its pictures, most of it for speech that has not been made before.
const SPEECH: f64 = 0.2;
/// Cores that it needs for a million pixels a second of its pictures.
const MEGAPIXELS: f64 = 0.015;
/// This much of the machine stays free: pictures have to be on time.
const RESERVE: f64 = 0.12;
/// Over so many measurements the load is averaged: a session speaks for some seconds and is silent for some.
const SAMPLES: usize = 5;
/// A session that has begun within this time has not been measured yet.
pub const SETTLING: Duration = Duration::from_secs(10);

/// Measures the processor.
pub struct Load {
    state: Mutex<State>,
}

struct State {
    /// `None` where the system does not tell: then every session is taken for possible.
    system: Option<System>,
    /// Processor time in ticks of the programs that give way, by process, and when that was.
    giving_way: (HashMap<u32, u64>, Instant),
    /// The busy part of all cores, 0 to 1, the newest last.
    busy: VecDeque<f64>,
}

/// Cores that a session needs with these pictures, at most.
pub fn cores_for(defaults: &Defaults) -> f64 {
    let pixels = f64::from(defaults.size.width) * f64::from(defaults.size.height);
    SPEECH + MEGAPIXELS * pixels * defaults.fps.as_f64() / 1e6
}

impl Load {
    /// Begins to measure.
    pub fn new() -> Load {
        let giving_way = (giving_way(), Instant::now());
        let load = Load { state: Mutex::new(State { system: System::new().ok(), giving_way, busy: VecDeque::new() }) };
        load.measure();
        load
    }

    /// Takes the load since the last call.
    pub fn measure(&self) {
        let mut state = self.lock();
        let now = (giving_way(), Instant::now());
        let (before, since) = std::mem::replace(&mut state.giving_way, now);
        let ticks: u64 = state.giving_way.0.iter().filter_map(|(process, ticks)| Some(ticks.saturating_sub(*before.get(process)?))).sum();
        let available = since.elapsed().as_secs_f64().max(0.01) * cores() * TICKS;
        let Some(system) = &mut state.system else { return };
        system.refresh_cpu_specifics(CpuRefreshKind::nothing().with_usage());
        let busy = f64::from(system.global_cpu_usage()) / 100.0 - ticks as f64 / available;
        if state.busy.len() == SAMPLES {
            state.busy.pop_front();
        }
        state.busy.push_back(busy.clamp(0.0, 1.0));
    }

    /// The busy part of all cores, 0 to 1, of late.
    pub fn busy(&self) -> f64 {
        let busy = &self.lock().busy;
        busy.iter().sum::<f64>() / busy.len().max(1) as f64
    }

    /// A session that needs so many cores fits beside what is on; `coming` are those that sessions need which have not been measured yet.
    pub fn has_room(&self, needed: f64, coming: f64) -> bool {
        self.busy() + (needed + coming) / cores() <= 1.0 - RESERVE
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn cores() -> f64 {
    std::thread::available_parallelism().map_or(1, usize::from) as f64
}

/// Ticks a second in /proc: `sysconf(_SC_CLK_TCK)`, 100 on every Linux.
const TICKS: f64 = 100.0;

/// Processor time, in ticks, of every program that gives way to others. None where there is no /proc.
fn giving_way() -> HashMap<u32, u64> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbers = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let theirs = numbers.filter_map(|process| Some((process, time_given_way(&fs::read_to_string(format!("/proc/{process}/stat")).ok()?)?)));
    theirs.collect()
}

/// Of a line of /proc/PID/stat the ticks used, if this program is niced or of the idle class.
///
/// Source: proc_pid_stat(5): after the name in brackets come the fields from the third on; utime 14, stime 15, nice 19, policy 41.
fn time_given_way(stat: &str) -> Option<u64> {
    /// sched(7): SCHED_IDLE.
    const IDLE: i64 = 5;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_ascii_whitespace().collect();
    let field = |number: usize| fields.get(number - 3)?.parse::<i64>().ok();
    let gives_way = field(19)? > 0 || field(41)? == IDLE;
    gives_way.then_some((field(14)? + field(15)?) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_that_give_way_are_those_that_are_niced_or_idle() {
        let stat = |nice: i64, policy: i64| {
            format!("42 (a ) b) R 1 2 3 4 5 6 7 8 9 10 70 30 0 0 20 {nice} 1 0 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9 {policy} 0 0\n")
        };
        assert_eq!(time_given_way(&stat(0, 0)), None);
        assert_eq!(time_given_way(&stat(10, 0)), Some(100));
        assert_eq!(time_given_way(&stat(0, 5)), Some(100));
        assert_eq!(time_given_way(&stat(-5, 0)), None);
        assert_eq!(time_given_way("nonsense"), None);
        let own = fs::read_to_string("/proc/self/stat").unwrap();
        assert!(own.rsplit_once(')').is_some_and(|(_, rest)| rest.split_ascii_whitespace().count() >= 39), "{own}");
    }

    #[test]
    fn there_is_room_until_the_machine_is_full() {
        let load = Load::new();
        let set = |busy: &[f64]| load.lock().busy = busy.iter().copied().collect();
        let share = 0.35;
        set(&[0.0]);
        assert!(load.has_room(share, 0.0));
        assert!(!load.has_room(share, cores()), "others are coming");
        set(&[0.9, 0.9]);
        assert!(!load.has_room(share, 0.0));
        set(&[1.0, 0.0, 0.0, 0.0, 0.0]);
        assert!((load.busy() - 0.2).abs() < 1e-9, "one sample is not the load");
    }
}
