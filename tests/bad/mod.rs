//! Bad input and bad surroundings: one clear error, exit code 1 or 2, within 10 s, and nothing left behind.
//!
//! What is wrong in graph files has its texts in `cli/graphs`, what is wrong with arguments in `cli`; here the program meets the rest.

mod decks;
mod fuzz;
mod kill;
pub mod mutation;
mod strange;
mod surroundings;

use assert_cmd::Command;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;

/// Whatever is refused is refused within this.
const SOON: Duration = Duration::from_secs(10);

/// A lesson of two slides, one of them spoken.
const LESSON: &str =
    "version: 1\nid: two\nslides:\n- color: \"#204060\"\n  narration: Good morning.\n- color: \"#402060\"\n  silence: 1s\n";

/// A folder to work in, and caches outside of it.
struct Place {
    folder: TempDir,
    cache: TempDir,
}

impl Place {
    fn new() -> Place {
        Place { folder: tempfile::tempdir().unwrap(), cache: tempfile::tempdir().unwrap() }
    }

    fn with(name: &str, content: impl AsRef<[u8]>) -> Place {
        let place = Place::new();
        fs::write(place.path(name), content).unwrap();
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The graph of `render` with a picture that is quickly encoded, as `small.yaml`.
    fn write_small_graph(&self) {
        let graph = fs::read_to_string(crate::support::root().join("graphs/lecture.yaml")).unwrap();
        fs::write(self.path("small.yaml"), graph.replace("1280x720", "320x180")).unwrap();
    }

    /// Where decks are converted.
    fn decks(&self) -> PathBuf {
        self.cache.path().join("lectern/decks")
    }

    fn lectern(&self, arguments: &[&str]) -> Command {
        let mut command = crate::cli::lectern(self.folder.path());
        command.args(arguments).env("XDG_CACHE_HOME", self.cache.path()).timeout(SOON);
        command
    }

    /// The command fails with this code and one error; the folder is as before, and nobody works in the cache any more.
    fn refuses(&self, command: &mut Command, code: i32) -> String {
        let before = content(self.folder.path());
        let output = command.output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        let shown = said.get(..2000).unwrap_or(&said);
        assert_eq!(output.status.code(), Some(code), "{command:?} ended with {}:\n{shown}", output.status);
        assert_eq!(String::from_utf8(output.stdout).unwrap(), "");
        assert!(said.starts_with("error") && said.matches("error: ").count() <= 1, "{shown}");
        assert!(!said.contains("panicked"), "{shown}");
        assert!(content(self.folder.path()) == before, "{command:?} changed the folder: {:?}", content(self.folder.path()).keys());
        let left = fs::read_dir(self.decks()).into_iter().flatten().map(|entry| entry.unwrap().file_name());
        let left: Vec<_> = left.filter(|name| name.to_string_lossy().contains("converting")).collect();
        assert!(left.is_empty(), "{left:?}");
        said
    }
}

/// Everything below a folder; of a special file only that it is there.
fn content(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(content(&path));
            all.insert(path, Vec::new());
        } else {
            let bytes = if path.is_file() { fs::read(&path).unwrap() } else { Vec::new() };
            all.insert(path, bytes);
        }
    }
    all
}
