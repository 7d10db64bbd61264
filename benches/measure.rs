//! Processor time, of this process and of children, and the middle of several rounds.

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::sys::resource::{UsageWho, getrusage};
use nix::unistd::Pid;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Processor seconds, user and system, that this process (all threads) or its finished children have used.
fn used(who: UsageWho) -> f64 {
    let usage = getrusage(who).expect("getrusage works for the own process");
    [usage.user_time(), usage.system_time()].iter().map(|time| time.tv_sec() as f64 + time.tv_usec() as f64 * 1e-6).sum()
}

/// Processor seconds that `work` takes in this process.
pub fn cpu(work: impl FnOnce()) -> f64 {
    let before = used(UsageWho::RUSAGE_SELF);
    work();
    used(UsageWho::RUSAGE_SELF) - before
}

/// Processor seconds of a program and all that it starts; what it says on standard error is shown when it fails.
pub fn cpu_of(command: &mut Command) -> f64 {
    let before = used(UsageWho::RUSAGE_CHILDREN);
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?} ended with {}:\n{}", output.status, String::from_utf8_lossy(&output.stderr));
    used(UsageWho::RUSAGE_CHILDREN) - before
}

/// While it lives this process, with all threads, and the programs that it starts have one core: what threads cost that hand pictures to
/// each other depends much on whether the system puts them on one core or on two.
pub struct OneCore(CpuSet);

impl OneCore {
    /// Takes the last of the cores that this process may use.
    pub fn take() -> OneCore {
        let before = sched_getaffinity(Pid::from_raw(0)).expect("a process may ask for its cores");
        let last = (0..CpuSet::count()).rev().find(|core| before.is_set(*core) == Ok(true)).expect("it runs somewhere");
        let mut one = CpuSet::new();
        one.set(last).expect("it was found in such a set");
        confine(&one);
        OneCore(before)
    }
}

impl Drop for OneCore {
    fn drop(&mut self) {
        confine(&self.0);
    }
}

/// The cores of all threads of this process, and so of those that they start. A thread that ends meanwhile needs none.
fn confine(cores: &CpuSet) {
    let threads = std::fs::read_dir("/proc/self/task").expect("proc is mounted").flatten();
    for thread in threads.filter_map(|entry| entry.file_name().to_str()?.parse().ok()) {
        let _ended = sched_setaffinity(Pid::from_raw(thread), cores);
    }
}

/// Seconds by the clock on the wall that a program takes; what it says on standard error is shown when it fails.
pub fn wall_of(command: &mut Command) -> f64 {
    let since = Instant::now();
    cpu_of(command);
    since.elapsed().as_secs_f64()
}

/// Largest resident memory in bytes of the process itself, without those it starts.
pub fn peak_memory_of(command: &mut Command) -> u64 {
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    peak_until_end(child)
}

/// Seconds until the program first says how far it is, in percent, and its largest memory. Its output is JSON, a line an event.
pub fn first_progress_and_peak_of(command: &mut Command) -> (f64, u64) {
    let since = Instant::now();
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
    let mut child = child.unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = BufReader::new(child.stdout.take().expect("piped above"));
    let reader = std::thread::spawn(move || {
        let mut first = f64::NAN;
        for line in said.lines().map_while(Result::ok) {
            let event: serde_json::Value = serde_json::from_str(&line).expect("every line is JSON");
            if first.is_nan() && event["percent"].is_number() {
                first = since.elapsed().as_secs_f64();
            }
        }
        first
    });
    let peak = peak_until_end(child);
    (reader.join().expect("it only reads"), peak)
}

fn peak_until_end(mut child: Child) -> u64 {
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    let ended = loop {
        // The kernel keeps the peak itself; asking often only makes sure that it is asked near the end.
        peak = peak.max(high_water(Path::new(&status)).unwrap_or(0));
        if let Some(ended) = child.try_wait().expect("a child can be waited for") {
            break ended;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    assert!(ended.success(), "the program ended with {ended}");
    peak
}

/// `VmHWM` of proc(5), in bytes.
fn high_water(status: &Path) -> Option<u64> {
    let text = std::fs::read_to_string(status).ok()?;
    let line = text.lines().find(|line| line.starts_with("VmHWM:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? * 1024)
}

/// The middle of several measurements.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The best of several measurements: for loops that only the machine's noise can make slower.
pub fn least(rounds: usize, mut measure: impl FnMut() -> f64) -> f64 {
    (0..rounds).map(|_| measure()).fold(f64::INFINITY, f64::min)
}

/// How much more one takes than the other: each at its least of several rounds, by turns.
pub fn above(rounds: usize, mut with: impl FnMut() -> f64, mut without: impl FnMut() -> f64) -> f64 {
    let (mut most, mut base) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..rounds {
        most = most.min(with());
        base = base.min(without());
    }
    most - base
}
