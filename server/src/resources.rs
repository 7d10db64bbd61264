//! What the process and its finished children (LibreOffice, espeak-ng) have used, from getrusage(2).

use engine::run::Report;
use nix::sys::resource::{Usage, UsageWho, getrusage};

/// Bytes in the unit of `ru_maxrss`.
const MAX_RSS_UNIT: u64 = if cfg!(target_os = "macos") { 1 } else { 1024 };

/// Fills in the report's processor time (all processes together) and largest resident memory (of the largest process).
pub fn fill_in(report: &mut Report) {
    let usages: Vec<Usage> = [UsageWho::RUSAGE_SELF, UsageWho::RUSAGE_CHILDREN].into_iter().filter_map(|who| getrusage(who).ok()).collect();
    let seconds = |usage: &Usage| {
        [usage.user_time(), usage.system_time()].iter().map(|time| time.tv_sec() as f64 + time.tv_usec() as f64 * 1e-6).sum::<f64>()
    };
    report.cpu_seconds = usages.iter().map(seconds).sum();
    report.peak_rss_bytes = usages.iter().map(|usage| usage.max_rss().max(0) as u64 * MAX_RSS_UNIT).max().unwrap_or(0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_has_used_something() {
        let mut report = Report::default();
        fill_in(&mut report);
        assert!(report.cpu_seconds > 0.0 && report.cpu_seconds < 1e5, "{}", report.cpu_seconds);
        assert!(report.peak_rss_bytes > 100_000, "{}", report.peak_rss_bytes);
    }
}
