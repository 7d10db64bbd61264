//! A store for a test: a folder, or a bucket of a server that speaks S3.

#[path = "../../../../tests/support/s3.rs"]
mod s3;

use crate::artifacts::{Artifacts, Clock, Item, Options};
use s3::S3Server;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;
use time::OffsetDateTime;

/// A store for a test, and how to look behind it.
pub struct Place {
    /// What the test puts in.
    pub here: TempDir,
    /// Where the store's files lie.
    pub behind: TempDir,
    address: String,
    s3: Option<S3Server>,
    time: Arc<Mutex<OffsetDateTime>>,
}

impl Place {
    pub fn folder() -> Place {
        let behind = tempfile::tempdir().unwrap();
        let address = behind.path().join("artifacts").display().to_string();
        Place { here: tempfile::tempdir().unwrap(), behind, address, s3: None, time: now() }
    }

    /// A bucket of a server of its own, with a prefix.
    pub fn bucket() -> Place {
        let behind = tempfile::tempdir().unwrap();
        let s3 = Some(S3Server::start(behind.path()));
        Place { here: tempfile::tempdir().unwrap(), behind, address: "s3://lectures/prod/a".into(), s3, time: now() }
    }

    pub fn open(&self) -> Artifacts {
        self.open_as(Options::default())
    }

    pub fn open_as(&self, options: Options) -> Artifacts {
        let time = self.time.clone();
        let clock: Clock = Arc::new(move || *time.lock().unwrap());
        // The disk of whoever runs the tests may be full.
        let options = Options { clock, floor: 0, ..options };
        let variables = self.s3.iter().flat_map(S3Server::variables).map(|(name, value)| (name.into(), value.into()));
        Artifacts::open_with(&self.address, variables, options).unwrap()
    }

    pub fn item(&self, name: &str, content: &[u8]) -> Item {
        let path = self.here.path().join(name);
        fs::write(&path, content).unwrap();
        Item::new(name, path)
    }

    pub fn later(&self, by: Duration) {
        *self.time.lock().unwrap() += by;
    }

    /// Keys of the store's own files that end so.
    pub fn files_behind(&self, ending: &str) -> Vec<PathBuf> {
        fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
            for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
                if entry.path().is_dir() { walk(&entry.path(), found) } else { found.push(entry.path()) }
            }
        }
        let mut found = Vec::new();
        walk(self.behind.path(), &mut found);
        found.retain(|path| path.to_str().unwrap().ends_with(ending));
        found
    }
}

fn now() -> Arc<Mutex<OffsetDateTime>> {
    Arc::new(Mutex::new(OffsetDateTime::now_utc()))
}
