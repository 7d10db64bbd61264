//! Lines of JSON in a file a day, kept for some days: `NAME_2026-11-21.jsonl`.

use serde_json::Value;
use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use time::{Date, Duration, OffsetDateTime};

/// Files of one name in a folder, which is made at the first line.
pub struct Daily {
    folder: PathBuf,
    name: &'static str,
    keep_days: u32,
    open: Mutex<Option<(Date, File)>>,
}

impl Daily {
    /// Those older than `keep_days` are removed when a day begins.
    pub fn new(folder: PathBuf, name: &'static str, keep_days: u32) -> Daily {
        Daily { folder, name, keep_days, open: Mutex::default() }
    }

    /// Adds a line to today's file. That it cannot be written is told to the program's own log: what it is about goes on.
    pub fn write(&self, line: &Value) {
        self.write_at(OffsetDateTime::now_utc().date(), line);
    }

    fn write_at(&self, today: Date, line: &Value) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.as_ref().is_none_or(|(date, _)| *date != today) {
            *open = match self.open(today) {
                Ok(file) => Some((today, file)),
                Err(error) => return tracing::warn!(%error, "cannot write {} in {}", self.name, self.folder.display()),
            };
            self.sweep(today);
        }
        let Some((_, file)) = open.as_mut() else { return };
        // One write a line: lines of several processes do not mix.
        if let Err(error) = file.write_all(format!("{line}\n").as_bytes()) {
            tracing::warn!(%error, "a line of {} was not written", self.name);
        }
    }

    fn open(&self, date: Date) -> std::io::Result<File> {
        fs::create_dir_all(&self.folder)?;
        File::options().append(true).create(true).open(self.folder.join(format!("{}_{date}.jsonl", self.name)))
    }

    /// Removes what is too old.
    fn sweep(&self, today: Date) {
        let oldest = (today - Duration::days(self.keep_days.into())).to_string();
        for file in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let name = file.file_name();
            let date = name.to_str().and_then(|name| name.strip_prefix(self.name)?.strip_prefix('_')?.strip_suffix(".jsonl"));
            if date.is_some_and(|date| date.len() == oldest.len() && date < oldest.as_str()) {
                // It may be gone already.
                let _ = fs::remove_file(file.path());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_day_has_a_file_and_old_ones_go() {
        let folder = tempfile::tempdir().unwrap();
        let log = Daily::new(folder.path().join("logs"), "app", 2);
        let other = Daily::new(folder.path().join("logs"), "app_errors", 90);
        let first = Date::from_ordinal_date(2026, 1).unwrap();
        for day in 0..4 {
            log.write_at(first + Duration::days(day), &json!({ "day": day }));
            log.write_at(first + Duration::days(day), &json!({ "day": day, "again": true }));
            other.write_at(first + Duration::days(day), &json!({}));
        }
        let mut names: Vec<String> =
            fs::read_dir(folder.path().join("logs")).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        let errors =
            ["app_errors_2026-01-01.jsonl", "app_errors_2026-01-02.jsonl", "app_errors_2026-01-03.jsonl", "app_errors_2026-01-04.jsonl"];
        assert_eq!(names, [["app_2026-01-02.jsonl", "app_2026-01-03.jsonl", "app_2026-01-04.jsonl"].as_slice(), &errors].concat());
        let text = fs::read_to_string(folder.path().join("logs/app_2026-01-04.jsonl")).unwrap();
        assert_eq!(text, "{\"day\":3}\n{\"again\":true,\"day\":3}\n");
    }
}
