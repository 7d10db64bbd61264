//! Folders in the cache in which something is made, before it is published by a rename.
//!
//! Only a killed program leaves one behind; a later one removes it.

use super::error::LessonError;
use std::fs;
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;

/// A folder that nothing was added to for so long belongs to nobody any more; the longest time limit of a conversion is far shorter.
const ABANDONED: Duration = Duration::from_secs(24 * 3600);

/// Beginning and end of their names.
const NAME: (&str, &str) = ("converting-", ".part");

/// An empty folder in the cache folder, which is made when missing: a rename does not cross file systems.
pub(super) fn open(cache: &Path) -> Result<TempDir, LessonError> {
    fs::create_dir_all(cache).map_err(LessonError::write(cache))?;
    sweep(cache);
    tempfile::Builder::new().prefix(NAME.0).suffix(NAME.1).tempdir_in(cache).map_err(LessonError::write(cache))
}

/// Removes what killed programs left here long ago. What cannot be removed is in nobody's way.
fn sweep(cache: &Path) {
    for entry in fs::read_dir(cache).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let ours = name.to_str().is_some_and(|name| name.starts_with(NAME.0) && name.ends_with(NAME.1));
        if ours && is_older(&entry, ABANDONED) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// Nothing was added to or taken from a folder for so long.
pub(super) fn is_older(entry: &fs::DirEntry, age: Duration) -> bool {
    let elapsed = || entry.metadata().ok()?.modified().ok()?.elapsed().ok();
    elapsed().is_some_and(|elapsed| elapsed > age)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_killed_programs_left_is_removed_in_time() {
        let cache = tempfile::tempdir().unwrap();
        let make = |name: &str, age: Duration| {
            fs::create_dir(cache.path().join(name)).unwrap();
            let folder = fs::File::open(cache.path().join(name)).unwrap();
            folder.set_modified(std::time::SystemTime::now() - age).unwrap();
        };
        make("converting-old.part", ABANDONED * 2);
        make("converting-new.part", Duration::ZERO);
        make("other", ABANDONED * 2);
        let own = open(cache.path()).unwrap();
        let left = |name: &str| cache.path().join(name).exists();
        assert_eq!(
            (left("converting-old.part"), left("converting-new.part"), left("other"), own.path().is_dir()),
            (false, true, true, true)
        );
    }
}
