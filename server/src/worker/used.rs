//! What the children of a stage took. Each says so itself as its last word; of one that was killed nothing is known.

use super::child::is_child;
use crate::console::Console;
use crate::guard::memory;
use crate::resources;
use engine::run::Report;
use serde_json::{Value, json};

/// The event in which a child says it.
pub const USED: &str = "used";

/// In a child: says what it and what it had started took.
pub fn tell(console: &Console) {
    if !is_child() {
        return;
    }
    let mut report = Report::default();
    resources::fill_in(&mut report);
    console.event(&json!({ "event": USED, "cpu_seconds": report.cpu_seconds, "peak_memory_bytes": report.peak_rss_bytes }));
}

/// Of all children of a stage, one after the other.
#[derive(Clone, Copy, Debug, Default)]
pub struct Used {
    children: u32,
    cpu_seconds: f64,
    peak_memory_bytes: u64,
}

impl Used {
    /// What one more of them has said.
    pub fn add(&mut self, event: &Value) {
        self.children += 1;
        self.cpu_seconds += event["cpu_seconds"].as_f64().unwrap_or(0.0);
        self.peak_memory_bytes = self.peak_memory_bytes.max(event["peak_memory_bytes"].as_u64().unwrap_or(0));
    }

    /// As it is kept with the stage, beside what the machine has; `None` where no child has said anything.
    pub fn view(&self) -> Option<Value> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        (self.children > 0).then(|| {
            json!({
                "cpu_seconds": (self.cpu_seconds * 1000.0).round() / 1000.0, "peak_memory_bytes": self.peak_memory_bytes,
                "cores": cores, "memory_bytes": memory().1,
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_adds_up_and_memory_is_that_of_the_largest() {
        let mut used = Used::default();
        assert_eq!(used.view(), None);
        for (seconds, bytes) in [(1.5, 300), (2.25, 200)] {
            used.add(&json!({ "event": USED, "cpu_seconds": seconds, "peak_memory_bytes": bytes }));
        }
        let view = used.view().unwrap();
        assert_eq!((&view["cpu_seconds"], &view["peak_memory_bytes"]), (&json!(3.75), &json!(300)));
        assert!(view["cores"].as_u64().unwrap() >= 1 && view["memory_bytes"].as_u64().unwrap() > 100 << 20, "{view}");
    }
}
