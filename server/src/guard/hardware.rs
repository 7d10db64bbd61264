//! What this machine is, and what it is good for.

use super::Reading;
use crate::config::GuardSettings;
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use sysinfo::{Components, System};

/// Memory of a large machine.
const LARGE_MEMORY: u64 = 12 << 30;
/// Cores of a large machine.
const LARGE_CORES: usize = 6;

/// What a machine is taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ProfileName {
    /// Few cores or little memory.
    Small,
    /// Enough of both.
    Large,
}

/// What work may take on a machine.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Profile {
    /// Its name.
    pub name: ProfileName,
    /// The part of the memory that may be used, 0 to 1: of the graphics processor's by models, of the machine's by renders together.
    pub memory_fraction: f64,
    /// The largest pictures of films: width and height, of upright ones height and width.
    pub largest: (u32, u32),
    /// How long a stage may take.
    #[serde(serialize_with = "seconds")]
    pub time_limit: Duration,
}

fn seconds<S: serde::Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(time.as_secs())
}

impl Profile {
    const SMALL: Profile =
        Profile { name: ProfileName::Small, memory_fraction: 0.6, largest: (1280, 720), time_limit: Duration::from_secs(900) };
    const LARGE: Profile =
        Profile { name: ProfileName::Large, memory_fraction: 0.7, largest: (1920, 1080), time_limit: Duration::from_secs(1200) };

    /// By its name.
    pub fn named(name: ProfileName) -> Profile {
        match name {
            ProfileName::Small => Profile::SMALL,
            ProfileName::Large => Profile::LARGE,
        }
    }

    /// What a machine is taken for by the settings (`HARDWARE_PROFILE`), else by what it is found to be.
    pub fn of(settings: &GuardSettings, hardware: &Hardware) -> Profile {
        settings.profile.map_or_else(|| hardware.profile(), Profile::named)
    }

    /// What is left of it on a machine that is too hot.
    #[must_use]
    pub fn throttled(self) -> Profile {
        Profile { memory_fraction: 0.5, largest: (1280, 720), ..self }
    }

    /// Bytes that may be used of so many.
    pub fn part_of(&self, memory: u64) -> u64 {
        (memory as f64 * self.memory_fraction) as u64
    }

    /// Bytes that renders may use together.
    pub fn memory_budget(&self, hardware: &Hardware) -> u64 {
        self.part_of(hardware.memory)
    }
}

/// A machine.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Hardware {
    /// Cores that this program may use.
    pub cores: usize,
    /// Bytes of memory that this program may use.
    pub memory: u64,
    /// Device files of graphics processors.
    pub accelerators: Vec<String>,
}

impl Hardware {
    /// This one.
    pub fn find() -> Hardware {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Hardware { cores, memory: memory().1, accelerators: accelerators() }
    }

    /// What it is taken for.
    pub fn profile(&self) -> Profile {
        if self.memory >= LARGE_MEMORY && self.cores >= LARGE_CORES { Profile::LARGE } else { Profile::SMALL }
    }

    /// What its owner may want to change.
    pub fn advice(&self, now: &Reading) -> Vec<String> {
        let mut advice = Vec::new();
        if self.memory < 4 << 30 {
            advice
                .push(format!("{} MB of memory are little: use --quality minimal, or the preset fast_low_memory", self.memory / 1_000_000));
        }
        if self.cores < 2 {
            advice.push("one core renders slower than a lecture takes: add machines with `lectern worker`".into());
        }
        if now.temperature.is_some_and(|degrees| degrees > 85.0) {
            advice.push("the machine is hot: see to its cooling, or work rests a minute of every two".into());
        }
        if now.memory > 0.8 {
            advice.push("most of the memory is in use: end other programs, or work rests a minute of every two".into());
        }
        if self.accelerators.is_empty() {
            advice.push("there is no graphics processor: models run on the processor".into());
        }
        advice
    }
}

/// Bytes of memory in use, and all of them; within a container's own limit where there is one.
pub fn memory() -> (u64, u64) {
    let Ok(mut system) = System::new() else { return (0, 0) };
    system.refresh_memory();
    match system.cgroup_limits() {
        Some(limits) if limits.total_memory > 0 && limits.total_memory < system.total_memory() => {
            (limits.total_memory.saturating_sub(limits.free_memory), limits.total_memory)
        }
        _ => (system.total_memory().saturating_sub(system.available_memory()), system.total_memory()),
    }
}

/// Degrees Celsius of the hottest part; `None` where the system does not tell, as in most virtual machines.
pub(super) fn temperature() -> Option<f64> {
    let components = Components::new_with_refreshed_list().ok()?;
    let degrees = components.iter().filter_map(|part| part.temperature()).map(f64::from);
    degrees.filter(|degrees| degrees.is_finite()).reduce(f64::max)
}

/// Per cent of the time that the busiest graphics processor was at work lately; `None` where there is none that tells.
pub fn gpu_percent() -> Option<f64> {
    // Of AMD's chips the system itself tells.
    let cards = fs::read_dir("/sys/class/drm").into_iter().flatten().flatten();
    let told: String = cards.filter_map(|card| fs::read_to_string(card.path().join("device/gpu_busy_percent")).ok()).collect();
    largest(&format!("{told}\n{}", nvidia("utilization.gpu")))
}

/// Bytes of memory of the largest graphics processor; `None` where there is none that tells.
pub fn gpu_memory() -> Option<u64> {
    let mebibytes = largest(&nvidia("memory.total"))?;
    Some(mebibytes as u64 * (1 << 20))
}

/// What the driver says of each of NVIDIA's chips, on a line of its own.
fn nvidia(what: &str) -> String {
    if !Path::new("/dev/nvidia0").exists() {
        return String::new();
    }
    let asked = Command::new("nvidia-smi").args([&format!("--query-gpu={what}"), "--format=csv,noheader,nounits"]).output();
    asked.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default()
}

/// The largest of the numbers that have lines of their own.
fn largest(lines: &str) -> Option<f64> {
    lines.lines().filter_map(|line| line.trim().parse().ok()).reduce(f64::max)
}

fn accelerators() -> Vec<String> {
    let named = |folder: &str, beginning: &str| {
        let files = fs::read_dir(folder).into_iter().flatten().flatten();
        let names = files.filter_map(|file| file.file_name().into_string().ok());
        let numbered = |name: &String| {
            name.strip_prefix(beginning).is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()))
        };
        names.filter(numbered).map(|name| format!("{folder}/{name}")).collect::<Vec<_>>()
    };
    let mut found = [named("/dev", "nvidia"), named("/dev/dri", "renderD")].concat();
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_is_taken_for_what_it_has_least_of() {
        let machine = |cores, memory| Hardware { cores, memory, accelerators: Vec::new() };
        assert_eq!(machine(16, 64 << 30).profile(), Profile::LARGE);
        assert_eq!(machine(16, 8 << 30).profile(), Profile::SMALL);
        assert_eq!(machine(2, 64 << 30).profile(), Profile::SMALL);
        let hot = Profile::LARGE.throttled();
        assert_eq!((hot.memory_fraction, hot.largest, hot.time_limit.as_secs()), (0.5, (1280, 720), 1200));
        let told = GuardSettings { profile: Some(ProfileName::Large), ..GuardSettings::default() };
        assert_eq!(Profile::of(&told, &machine(2, 4 << 30)), Profile::LARGE, "its owner knows better");
        assert_eq!(Profile::of(&GuardSettings::default(), &machine(2, 4 << 30)), Profile::SMALL);
        assert_eq!(Profile::SMALL.memory_budget(&machine(2, 1000)), 600);
    }

    #[test]
    fn advice_is_given_where_something_is_wrong() {
        let good = Hardware { cores: 8, memory: 32 << 30, accelerators: vec!["/dev/nvidia0".into()] };
        assert!(good.advice(&Reading::default()).is_empty());
        let poor = Hardware { cores: 1, memory: 1 << 30, accelerators: Vec::new() };
        assert_eq!(poor.advice(&Reading { memory: 0.9, temperature: Some(90.0), cpu: 0.0 }).len(), 5);
    }

    #[test]
    fn the_busiest_chip_counts() {
        assert_eq!(largest("7\n\n 93 \n[N/A]\n12"), Some(93.0));
        assert_eq!(largest("\nFailed to initialize NVML: Driver/library version mismatch\n"), None);
        assert!(gpu_percent().is_none_or(|percent| (0.0..=100.0).contains(&percent)));
    }

    #[test]
    fn this_machine_is_something() {
        let here = Hardware::find();
        assert!(here.cores >= 1 && here.memory > 100 << 20, "{here:?}");
    }
}
