//! The event log: one JSON object a line, a file a day, kept for some days.
//!
//! `NAME_2026-11-21.jsonl` holds all events, `NAME_performance_2026-11-21.jsonl` those with figures. Each has timestamp, level, logger,
//! message, lesson_id, event_type, event_source (`backend` or `frontend`) and performance_data.

use serde::Deserialize;
use serde_json::{Value, json};
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use time::format_description::well_known::Rfc3339;
use time::{Date, Duration, OffsetDateTime};

/// Longer texts of viewers are cut.
const LONGEST: usize = 2000;
/// The beginning of every file name.
const NAME: &str = "lectern";

/// Where events are written. Without a folder they are dropped.
pub struct Journal {
    folder: Option<PathBuf>,
    keep_days: u32,
    open: Mutex<Option<Day>>,
}

struct Day {
    date: Date,
    events: File,
    performance: File,
}

/// What a page tells.
#[derive(Clone, Debug, Deserialize)]
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

impl FrontendEvent {
    /// Milliseconds from token to first picture, where that is what it tells.
    pub fn join_ms(&self) -> Option<f64> {
        let millis = self.performance_data.as_ref()?.get("join_ms")?.as_f64()?;
        (self.event_type == "joined" && (0.0..600_000.0).contains(&millis)).then_some(millis)
    }
}

impl Journal {
    /// Writes to a folder; files older than `keep_days` are removed.
    pub fn new(folder: Option<PathBuf>, keep_days: u32) -> Journal {
        Journal { folder, keep_days, open: Mutex::default() }
    }

    /// Something happened here.
    pub fn backend(&self, room: &str, event_type: &str, message: &str, performance: Option<Value>) {
        self.write("INFO", "server", room, ("backend", event_type, message), performance);
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
        let Some(folder) = &self.folder else { return };
        let now = OffsetDateTime::now_utc();
        let line = json!({
            "timestamp": now.format(&Rfc3339).unwrap_or_default(), "level": level, "logger": logger, "message": message, "lesson_id": room,
            "event_type": event_type, "event_source": source, "performance_data": performance,
        });
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.as_ref().is_none_or(|day| day.date != now.date()) {
            *open = match Day::open(folder, now.date()) {
                Ok(day) => Some(day),
                Err(error) => return tracing::warn!(%error, "cannot write the event log in {}", folder.display()),
            };
            self.sweep(folder, now.date());
        }
        let Some(day) = open.as_mut() else { return };
        let mut files = vec![&mut day.events];
        if performance.is_some() {
            files.push(&mut day.performance);
        }
        for file in files {
            // One write a line: lines of several processes do not mix.
            if let Err(error) = file.write_all(format!("{line}\n").as_bytes()) {
                tracing::warn!(%error, "an event was not written");
            }
        }
    }

    /// Removes what is too old.
    fn sweep(&self, folder: &Path, today: Date) {
        let oldest = (today - Duration::days(self.keep_days.into())).to_string();
        for file in fs::read_dir(folder).into_iter().flatten().flatten() {
            let name = file.file_name();
            let date = name.to_str().and_then(|name| name.strip_prefix(NAME)?.strip_suffix(".jsonl")?.rsplit('_').next());
            if date.is_some_and(|date| date.len() == oldest.len() && date < oldest.as_str()) {
                // It may be gone already.
                let _ = fs::remove_file(file.path());
            }
        }
    }
}

impl Day {
    fn open(folder: &Path, date: Date) -> std::io::Result<Day> {
        fs::create_dir_all(folder)?;
        let open = |name: String| File::options().append(true).create(true).open(folder.join(name));
        let (events, performance) = (open(format!("{NAME}_{date}.jsonl"))?, open(format!("{NAME}_performance_{date}.jsonl"))?);
        Ok(Day { date, events, performance })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_lines_of_a_day_and_old_days_go() {
        let folder = tempfile::tempdir().unwrap();
        let old = folder.path().join("lectern_2001-01-01.jsonl");
        let other = folder.path().join("notes_2001-01-01.jsonl");
        fs::write(&old, "{}\n").unwrap();
        fs::write(&other, "{}\n").unwrap();
        let journal = Journal::new(Some(folder.path().into()), 14);
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
        assert_eq!((figures.len(), &figures[0]["performance_data"]["join_ms"], &figures[0]["level"]), (1, &420.into(), &"ERROR".into()));
        assert!(!old.exists() && other.exists());
    }
}
