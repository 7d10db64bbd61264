//! A copy of the ledger, made while it is used.

use super::{Ledger, LedgerError, faults};
use rusqlite::backup::Backup;
use rusqlite::{Connection, OpenFlags};
use std::path::Path;
use std::time::Duration;

/// Pages that are copied before writers get a turn, and how long that is.
const STEP: (i32, Duration) = (256, Duration::from_millis(5));

impl Ledger {
    /// Copies the ledger as it is at one moment to a new file, while it is read and written. The copy is whole or not there.
    ///
    /// # Errors
    /// There is a file already, or it cannot be written.
    pub fn back_up(&self, path: &Path) -> Result<(), LedgerError> {
        let file = |cause: std::io::Error| LedgerError::File { path: path.into(), cause };
        if path.exists() {
            return Err(file(std::io::ErrorKind::AlreadyExists.into()));
        }
        let part = path.with_added_extension("part");
        let copied = self.read(|connection| {
            let mut copy = Connection::open(&part)?;
            Backup::new(connection, &mut copy)?.run_to_completion(STEP.0, STEP.1, None)?;
            Ok(())
        });
        let kept = copied.and_then(|()| {
            std::fs::File::open(&part).and_then(|copy| copy.sync_all()).map_err(file)?;
            std::fs::rename(&part, path).map_err(file)
        });
        if kept.is_err() {
            // It may never have been made.
            let _ = std::fs::remove_file(&part);
        }
        kept
    }
}

/// All that is wrong with a ledger's file or a backup of one, which is only read.
///
/// # Errors
/// It cannot be read at all.
pub fn faults_of(path: &Path) -> Result<Vec<String>, LedgerError> {
    faults(&Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?)
}
