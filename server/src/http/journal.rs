//! The event log: one JSON object a line, a file a day, kept for some days.
//!
//! `NAME_2026-11-21.jsonl` holds all events, `NAME_errors_…` errors only and `NAME_performance_…` those with figures. Each has timestamp, level, logger,
//! message, lesson_id, event_type, event_source (`backend` or `frontend`) and performance_data.

use super::body;
use crate::daily::Daily;
use crate::ledger::Event;
use serde::Deserialize;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use utoipa::ToSchema;

/// Longer texts of viewers are cut.
const LONGEST: usize = 2000;

/// Where events are written. Without a folder they are dropped.
pub struct Journal {
    files: Option<Files>,
}

struct Files {
    events: Daily,
    errors: Daily,
    performance: Daily,
}

/// How bad it is what happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// All is well.
    Info,
    /// It may become well by itself.
    Warning,
    /// Something came to nothing.
    Error,
}

/// Days that files are kept.
#[derive(Clone, Copy, Debug)]
pub struct Keep {
    /// All events.
    pub events: u32,
    /// Errors, once more by themselves.
    pub errors: u32,
    /// Figures.
    pub performance: u32,
}

/// What a page tells.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct FrontendEvent {
    /// Such as `joined`, `stalled`, `error`.
    event_type: String,
    /// For people.
    #[serde(default)]
    message: String,
    /// `debug`, `info`, `warning` or `error`.
    #[serde(default)]
    level: Option<String>,
    /// Figures.
    #[serde(default)]
    performance_data: Option<Value>,
}

/// What a page tells at once: one event, or a list of up to 100.
#[derive(Deserialize, ToSchema)]
#[serde(untagged)]
pub enum FrontendEvents {
    /// One.
    #[serde(deserialize_with = "body::object")]
    One(Box<FrontendEvent>),
    /// Several.
    #[serde(deserialize_with = "body::objects")]
    Many(Vec<FrontendEvent>),
}

impl FrontendEvent {
    /// Milliseconds from token to first picture, where that is what it tells.
    pub fn join_ms(&self) -> Option<f64> {
        let millis = self.performance_data.as_ref()?.get("join_ms")?.as_f64()?;
        (self.event_type == "joined" && (0.0..600_000.0).contains(&millis)).then_some(millis)
    }
}

impl Keep {
    /// So long for all of them.
    pub fn all(days: u32) -> Keep {
        Keep { events: days, errors: days, performance: days }
    }
}

impl Files {
    fn new(folder: &Path, keep: Keep) -> Files {
        let daily = |name, keep_days| Daily::new(folder.into(), name, keep_days);
        Files {
            events: daily("lectern", keep.events),
            errors: daily("lectern_errors", keep.errors),
            performance: daily("lectern_performance", keep.performance),
        }
    }
}

impl Journal {
    /// Writes to a folder, where each kind of file is kept as long as it is of use.
    pub fn new(folder: Option<PathBuf>, keep: Keep) -> Journal {
        Journal { files: folder.map(|folder| Files::new(&folder, keep)) }
    }

    /// Something happened here, and all is well.
    pub fn backend(&self, room: &str, event_type: &str, message: &str, performance: Option<Value>) {
        self.backend_at(Level::Info, room, (event_type, message), performance);
    }

    /// Something happened here: its type, and what people are told.
    pub fn backend_at(&self, level: Level, room: &str, (event_type, message): (&str, &str), performance: Option<Value>) {
        let level = match level {
            Level::Info => "INFO",
            Level::Warning => "WARNING",
            Level::Error => "ERROR",
        };
        self.write(level, "server", room, ("backend", event_type, message), performance);
    }

    /// A stage of a job has failed. That it is tried again may mend it.
    pub fn failure(&self, event: &Event) {
        let text = |name: &str| event.data[name].as_str().unwrap_or_default();
        let level = if event.data["retry_in_seconds"].is_null() { Level::Error } else { Level::Warning };
        let message = format!("{} ({} {}): {}; {}", text("stage"), text("class"), text("code"), text("detail"), text("cure"));
        self.backend_at(level, &event.job.to_string(), ("stage_failed", &message), None);
    }

    /// Something happened at a viewer's.
    pub fn frontend(&self, room: &str, event: FrontendEvent) {
        let level = match event.level.as_deref() {
            Some("debug") => "DEBUG",
            Some("warning" | "warn") => "WARNING",
            Some("error") => "ERROR",
            _ => "INFO",
        };
        let short = |text: &str| text.chars().take(LONGEST).collect::<String>();
        let performance = event.performance_data.filter(|data| data.is_object() && data.to_string().len() <= LONGEST);
        self.write(level, "viewer", room, ("frontend", &short(&event.event_type), &short(&event.message)), performance);
    }

    fn write(&self, level: &str, logger: &str, room: &str, (source, event_type, message): (&str, &str, &str), performance: Option<Value>) {
        let Some(files) = &self.files else { return };
        let line = json!({
            "timestamp": OffsetDateTime::now_utc().format(&Rfc3339).unwrap_or_default(), "level": level, "logger": logger, "message": message,
            "lesson_id": room, "event_type": event_type, "event_source": source, "performance_data": performance,
        });
        files.events.write(&line);
        if level == "ERROR" {
            files.errors.write(&line);
        }
        if performance.is_some() {
            files.performance.write(&line);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{EventKind, JobId, Timestamp};
    use std::fs;

    #[test]
    fn errors_of_lessons_and_jobs_are_among_the_errors() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::new(Some(folder.path().into()), Keep::all(14));
        let failure = |again: Value| {
            let data = json!({
                "stage": "render", "class": "RESOURCE", "code": "no_room", "detail": "the disk is full", "cure": "make room", "retry_in_seconds": again,
            });
            Event { seq: 1, job: JobId::default(), at: Timestamp(0), kind: EventKind::Error, data }
        };
        journal.backend("demo", "lesson_begun", "", None);
        journal.backend_at(Level::Error, "demo", ("lesson_failed", "it broke"), Some(json!({ "processing_seconds": 2 })));
        journal.failure(&failure(json!(10.0)));
        journal.failure(&failure(Value::Null));
        let lines = |name: &str| {
            let text = fs::read_to_string(folder.path().join(format!("{name}_{}.jsonl", OffsetDateTime::now_utc().date()))).unwrap();
            let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
            lines.map(|line| [&line["event_type"], &line["level"]].map(|text| text.as_str().unwrap().to_string())).collect::<Vec<_>>()
        };
        assert_eq!(
            lines("lectern"),
            [["lesson_begun", "INFO"], ["lesson_failed", "ERROR"], ["stage_failed", "WARNING"], ["stage_failed", "ERROR"]]
        );
        assert_eq!(lines("lectern_errors"), [["lesson_failed", "ERROR"], ["stage_failed", "ERROR"]]);
        assert_eq!(lines("lectern_performance"), [["lesson_failed", "ERROR"]]);
    }

    #[test]
    fn events_are_lines_of_a_day_and_old_days_go() {
        let folder = tempfile::tempdir().unwrap();
        let old = folder.path().join("lectern_2001-01-01.jsonl");
        let other = folder.path().join("notes_2001-01-01.jsonl");
        fs::write(&old, "{}\n").unwrap();
        fs::write(&other, "{}\n").unwrap();
        let journal = Journal::new(Some(folder.path().into()), Keep::all(14));
        journal.backend("demo", "session_state", "live", None);
        let event = json!({ "event_type": "joined", "level": "error", "performance_data": { "join_ms": 420 } });
        journal.frontend("demo", serde_json::from_value(event).unwrap());
        let date = OffsetDateTime::now_utc().date();
        let lines = |name: &str| {
            let text = fs::read_to_string(folder.path().join(format!("{name}_{date}.jsonl"))).unwrap();
            text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()).collect::<Vec<_>>()
        };
        let all = lines("lectern");
        assert_eq!(all.len(), 2);
        assert_eq!((&all[0]["event_source"], &all[0]["lesson_id"]), (&"backend".into(), &"demo".into()));
        let figures = lines("lectern_performance");
        assert_eq!(lines("lectern_errors").len(), 1);
        assert_eq!((figures.len(), &figures[0]["performance_data"]["join_ms"], &figures[0]["level"]), (1, &420.into(), &"ERROR".into()));
        assert!(!old.exists() && other.exists());
    }
}
