//! The last calls of each lane, to be looked at on a time line.

use super::lane::Position;
use serde_json::{Value, json};

/// Calls kept for each lane; older ones are overwritten.
const KEPT: usize = 1 << 16;

/// One call of a node.
#[derive(Clone, Copy, Debug)]
struct Event {
    node: u32,
    phase: &'static str,
    began_nanos: u64,
    took_nanos: u64,
    pts: i64,
}

/// The calls of one lane, in a ring.
pub(crate) struct Ring {
    events: Vec<Event>,
    next: usize,
}

impl Ring {
    pub(crate) fn new() -> Ring {
        Ring { events: Vec::new(), next: 0 }
    }

    pub(crate) fn record(&mut self, position: Position, began_nanos: u64, took_nanos: u64) {
        let event = Event { node: position.node as u32, phase: position.phase.as_str(), began_nanos, took_nanos, pts: position.pts.0 };
        if self.events.len() < KEPT {
            self.events.push(event);
        } else {
            self.events[self.next] = event;
        }
        self.next = (self.next + 1) % KEPT;
    }
}

/// Lanes by the name of their head, as a trace that Chrome's `about:tracing` and Perfetto open.
///
/// Source: the Trace Event Format ("complete" events, `ph: X`; times in microseconds).
pub(crate) fn chrome(lanes: &[(String, Ring)], nodes: &[String]) -> Value {
    let mut events = Vec::new();
    for (lane, (name, ring)) in lanes.iter().enumerate() {
        events.push(json!({ "ph": "M", "pid": 1, "tid": lane, "name": "thread_name", "args": { "name": name } }));
        let (newer, older) = ring.events.split_at(ring.next.min(ring.events.len()));
        for event in older.iter().chain(newer) {
            events.push(json!({
                "ph": "X", "pid": 1, "tid": lane, "name": nodes[event.node as usize], "cat": event.phase,
                "ts": event.began_nanos as f64 / 1e3, "dur": event.took_nanos as f64 / 1e3,
                "args": { "pts_seconds": crate::time::Time(event.pts).as_seconds() },
            }));
        }
    }
    json!({ "displayTimeUnit": "ms", "traceEvents": events })
}
