//! What is said while a job is made, as `log.txt` in its folder: when each attempt at a stage began and how it ended, and between the two what
//! its children complain of. Where this machine keeps its things is left out.

use super::errors::without_places;
use super::{Ended, StageError};
use crate::folders::Folders;
use crate::ledger::Ticket;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Bytes of the longest log of a job. What comes then is left out.
const LARGEST: u64 = 1 << 20;
/// Letters of the longest line.
const LONGEST: usize = 2000;

/// The log of a job, as long as one attempt at a stage writes it.
pub struct Log {
    folder: PathBuf,
    /// Stage and attempt.
    name: String,
    /// Once there is a folder for it.
    file: Option<File>,
}

impl Log {
    /// Of the job whose folder this is. A log that cannot be written is no reason to stop: what it says is in the program's own log, too.
    pub fn new(folder: &Path, ticket: &Ticket) -> Log {
        Log { folder: folder.into(), name: format!("{} {}", ticket.stage, ticket.attempt), file: None }
    }

    /// Adds a line.
    pub fn add(&mut self, text: &str) {
        if let Err(error) = self.write(text) {
            tracing::debug!(%error, "a line of a job's log was not written");
        }
    }

    /// Adds how the attempt ended.
    pub fn end(&mut self, ended: Result<&Ended, Option<&StageError>>) {
        let text = match ended {
            Ok(Ended::Done { note: None, .. }) => "done".into(),
            Ok(Ended::Done { note: Some(note), .. }) => format!("done; {note}"),
            Ok(Ended::Skipped { because }) => format!("not done: {because}"),
            Ok(Ended::Stopped) | Err(None) => "stopped".into(),
            Err(Some(StageError { class, code, detail, cure })) => format!("failed ({class} {code}): {detail}; {cure}"),
        };
        self.add(&text);
    }

    fn write(&mut self, text: &str) -> std::io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            // Without the folder it fails: nobody makes one for a job that is gone.
            none => none.insert(File::options().append(true).create(true).open(self.folder.join(Folders::LOG))?),
        };
        let size = file.metadata()?.len();
        if size >= LARGEST {
            return Ok(());
        }
        let now = OffsetDateTime::now_utc().format(&Rfc3339).unwrap_or_default();
        let text: String = without_places(text, &self.folder).chars().filter(|c| !c.is_control()).take(LONGEST).collect();
        let mut line = format!("{now} {}: {text}\n", self.name);
        if size + line.len() as u64 >= LARGEST {
            line += "The log is full, and the rest is left out.\n";
        }
        // One write a line: others may be at the same job.
        file.write_all(line.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{ErrorClass, JobId};
    use serde_json::{Value, json};

    fn log(folder: &Path) -> Log {
        let (job, stage, task) = (JobId::new(), "render".to_string(), json!({ "do": "publish" }));
        let ticket = Ticket { job, position: 0, stage, attempt: 2, owner: None, priority: 0, task };
        Log::new(folder, &ticket)
    }

    fn said(folder: &Path) -> Vec<String> {
        let text = std::fs::read_to_string(folder.join(Folders::LOG)).unwrap();
        text.lines().map(|line| line.split_once(' ').unwrap().1.to_string()).collect()
    }

    #[test]
    fn it_says_what_happened_and_no_place() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("work/1");
        log(&folder).add("nobody makes a folder for a job that is gone");
        assert!(!folder.exists());
        std::fs::create_dir_all(&folder).unwrap();
        let mut first = log(&folder);
        first.add("begins");
        first.add(&format!("{}/input/talk.pptx: \u{1b}odd", folder.display()));
        let error = StageError::new(ErrorClass::Resource, "no_room", "the disk is full", "make room");
        first.end(Err(Some(&error)));
        log(&folder).end(Ok(&Ended::Done { result: Value::Null, note: Some("without a voice".into()) }));
        let due = [
            "render 2: begins",
            "render 2: input/talk.pptx: odd",
            "render 2: failed (RESOURCE no_room): the disk is full; make room",
            "render 2: done; without a voice",
        ];
        assert_eq!(said(&folder), due);
    }

    #[test]
    fn it_ends_where_it_is_full() {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join(Folders::LOG), "x".repeat(LARGEST as usize - 100) + " \n").unwrap();
        let mut log = log(home.path());
        for _ in 0..3 {
            log.add(&"y".repeat(3 * LONGEST));
        }
        let said = said(home.path());
        assert_eq!((said.len(), said[1].len()), (3, "render 2: ".len() + LONGEST));
        assert_eq!(said[2], "log is full, and the rest is left out.");
    }
}
