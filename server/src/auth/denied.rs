//! Tokens that have been taken back, by id: a small file that is read again when it has changed.

use plugins::part_file::{self, FileError};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// See the module docs.
pub struct Denied {
    path: PathBuf,
    ids: BTreeSet<String>,
    seen: Option<SystemTime>,
}

impl Denied {
    /// The list in the state folder.
    pub fn open(folder: &Path) -> Denied {
        let mut denied = Denied { path: folder.join("denied-tokens"), ids: BTreeSet::new(), seen: None };
        denied.refresh();
        denied
    }

    pub(super) fn holds(&mut self, jti: &str) -> bool {
        self.refresh();
        self.ids.contains(jti)
    }

    pub(super) fn add(&mut self, jti: &str) -> Result<(), FileError> {
        self.refresh();
        self.ids.insert(jti.to_string());
        let text: String = self.ids.iter().map(|id| format!("{id}\n")).collect();
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder).map_err(FileError::create(folder))?;
        }
        part_file::write(&self.path, text.as_bytes())
    }

    /// Another process may have written it.
    fn refresh(&mut self) {
        let changed = fs::metadata(&self.path).and_then(|file| file.modified()).ok();
        if changed != self.seen {
            self.ids.extend(fs::read_to_string(&self.path).unwrap_or_default().lines().map(String::from));
            self.seen = changed;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_process_denies_is_denied_by_the_other() {
        let folder = tempfile::tempdir().unwrap();
        let (mut one, mut other) = (Denied::open(folder.path()), Denied::open(folder.path()));
        one.add("a").unwrap();
        assert!(other.holds("a") && !other.holds("b"));
        other.add("b").unwrap();
        assert!(one.holds("a") && one.holds("b"));
        assert!(Denied::open(folder.path()).holds("b"));
    }
}
