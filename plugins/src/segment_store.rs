//! Segments in a folder: `$XDG_CACHE_HOME/lectern/seg/<hash[0:2]>/<hash>.lseg`.
//!
//! A segment is written beside its place, brought to the disk, and then linked to its name: others see all of it or nothing, and whoever is
//! first wins. Reading marks as used; when the folder outgrows its limit, those unused for longest go, but none that was used since the
//! store was opened: a render does not lose what it has just made, however small the limit.

use crate::cache_folder::CacheFolder;
use bytes::Bytes;
use engine::segments::{Hash, Store};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

/// Bytes kept by default: 10 GB, some 20 hours of lecture.
pub const DEFAULT_LIMIT: u64 = 10_000_000_000;

/// A folder of segments.
#[derive(Debug)]
pub struct SegmentStore {
    folder: CacheFolder,
    opened: SystemTime,
}

impl SegmentStore {
    /// A store in `folder`, made when needed, of about `limit` bytes.
    pub fn open(folder: &Path, limit: u64) -> SegmentStore {
        SegmentStore { folder: CacheFolder::open(folder, limit), opened: SystemTime::now() }
    }

    fn path(&self, hash: &Hash) -> PathBuf {
        let name = hash.to_string();
        self.folder.path().join(&name[..2]).join(format!("{name}.lseg"))
    }
}

impl Store for SegmentStore {
    fn get(&self, hash: &Hash) -> io::Result<Option<Bytes>> {
        let path = self.path(hash);
        let mut file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(named(&path, error)),
        };
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(|error| named(&path, error))?;
        // Only the order of removal depends on it.
        if let Err(error) = file.set_modified(SystemTime::now()) {
            tracing::debug!(path = %path.display(), %error, "a segment cannot be marked as used");
        }
        Ok(Some(bytes.into()))
    }

    fn put(&self, hash: &Hash, content: &[u8]) -> io::Result<()> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let path = self.path(hash);
        let folder = path.parent().expect("a segment lies in a folder");
        fs::create_dir_all(folder).map_err(|error| unwritten(folder, error))?;
        let part = folder.join(format!("{}-{}.part", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed)));
        let written = publish(&part, &path, content);
        let _ = fs::remove_file(&part);
        written.map_err(|error| unwritten(&path, error))?;
        self.folder.grown(content.len() as u64, self.opened);
        Ok(())
    }

    fn remove(&self, hash: &Hash) {
        let _ = fs::remove_file(self.path(hash));
    }
}

fn publish(part: &Path, path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = File::create(part)?;
    file.write_all(content)?;
    // The clock of a file system may be some milliseconds behind, which would make a new segment look older than the store's opening.
    file.set_modified(SystemTime::now())?;
    file.sync_all()?;
    drop(file);
    match fs::hard_link(part, path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
        // Not every file system has links.
        Err(_) => fs::rename(part, path)?,
    }
    // The name is durable once its folder is; some file systems cannot sync a folder.
    if let Some(folder) = path.parent()
        && let Ok(folder) = File::open(folder)
    {
        let _ = folder.sync_all();
    }
    Ok(())
}

fn named(path: &Path, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

fn unwritten(path: &Path, error: io::Error) -> io::Error {
    let text = "make room on the disk, or set XDG_CACHE_HOME to a folder on another one";
    io::Error::new(error.kind(), format!("{}: {error}; {text}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn what_is_put_first_stays_and_any_process_gets_it() {
        let folder = tempfile::tempdir().unwrap();
        let store = SegmentStore::open(folder.path(), 1000);
        let hash = Hash::of("a");
        assert_eq!(store.get(&hash).unwrap(), None);
        store.put(&hash, b"one").unwrap();
        store.put(&hash, b"two").unwrap();
        assert_eq!(SegmentStore::open(folder.path(), 1000).get(&hash).unwrap().as_deref(), Some(b"one".as_slice()));
        let names: Vec<_> = fs::read_dir(store.path(&hash).parent().unwrap()).unwrap().collect();
        assert_eq!(names.len(), 1, "no part is left");
        store.remove(&hash);
        assert_eq!(store.get(&hash).unwrap(), None);
    }

    #[test]
    fn the_longest_unused_go_but_none_of_this_render() {
        let folder = tempfile::tempdir().unwrap();
        let hash = |number: u8| Hash::of([number]);
        let old = SegmentStore::open(folder.path(), u64::MAX);
        for number in 0..4 {
            old.put(&hash(number), &[number; 200]).unwrap();
            let used = SystemTime::UNIX_EPOCH + Duration::from_secs(u64::from(number));
            File::open(old.path(&hash(number))).unwrap().set_modified(used).unwrap();
        }
        let store = SegmentStore::open(folder.path(), 1000);
        assert!(store.get(&hash(0)).unwrap().is_some(), "used now");
        (10..20).for_each(|number| store.put(&hash(number), &[number; 200]).unwrap());
        let left: Vec<u8> = (0..20).filter(|number| store.path(&hash(*number)).exists()).collect();
        assert_eq!(left, [0, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
    }

    #[test]
    fn a_store_that_cannot_be_written_says_where() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, b"in the way").unwrap();
        let error = SegmentStore::open(&file, 1000).put(&Hash::of("x"), b"y").unwrap_err();
        assert!(error.to_string().contains("file"), "{error}");
    }
}
