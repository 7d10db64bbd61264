//! Spoken clauses and other results of the speech family, kept by what they were made from.
//!
//! An entry is a file named by the BLAKE3 hash of everything that shapes it ([`Cache::key`]); its content never changes. It is published
//! by writing a temporary file and renaming it, so readers in any number of processes see all of it or nothing. Each entry carries
//! the hash of its content: a damaged one counts as missing and is removed. Reading an entry marks it as used; when the folder
//! outgrows its limit, the entries unused for longest go. The cache may be deleted at any time, it only costs work. A cache that
//! cannot be used (no folder, full disk) warns and works as an empty one: speech matters more than its cache.

use crate::cache_folder::{self, CacheFolder, remove};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

/// Bytes kept by default: 10 GB, about 14 hours of speech.
pub const DEFAULT_LIMIT: u64 = 10_000_000_000;

const MAGIC: &[u8; 8] = b"LECTSPC1";
const HEADER: usize = MAGIC.len() + blake3::OUT_LEN;

/// The name of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key(blake3::Hash);

/// A folder of entries, or none.
#[derive(Debug)]
pub struct Cache {
    folder: Option<CacheFolder>,
}

impl Cache {
    /// The user's cache: `$XDG_CACHE_HOME/lectern/speech`, else `$HOME/.cache/lectern/speech`; without either an empty one.
    pub fn of_user() -> Cache {
        cache_folder::of_user().map_or_else(Cache::none, |folder| Cache::open(&folder.join("speech"), DEFAULT_LIMIT))
    }

    /// A cache in `folder` (made when needed) of about `limit` bytes.
    pub fn open(folder: &Path, limit: u64) -> Cache {
        Cache { folder: Some(CacheFolder::open(folder, limit)) }
    }

    /// A cache that keeps nothing.
    pub fn none() -> Cache {
        Cache { folder: None }
    }

    /// The key of an entry made from `parts`; their borders count (`ab`,`c` is not `a`,`bc`).
    pub fn key(parts: &[&[u8]]) -> Key {
        let mut hasher = blake3::Hasher::new();
        for part in parts {
            hasher.update(&(part.len() as u64).to_le_bytes()).update(part);
        }
        Key(hasher.finalize())
    }

    /// The content of an entry, or `None` when it is not there or damaged (then it is removed).
    pub fn get(&self, key: &Key) -> Option<Vec<u8>> {
        let path = self.path(key)?;
        let mut file = match File::open(&path) {
            Ok(file) => file,
            Err(error) => {
                if error.kind() != io::ErrorKind::NotFound {
                    tracing::warn!(path = %path.display(), %error, "a cached result cannot be opened");
                }
                return None;
            }
        };
        let mut bytes = Vec::new();
        if let Err(error) = file.read_to_end(&mut bytes) {
            tracing::warn!(path = %path.display(), %error, "a cached result cannot be read");
            return None;
        }
        let intact =
            bytes.len() >= HEADER && bytes.starts_with(MAGIC) && bytes[MAGIC.len()..HEADER] == *blake3::hash(&bytes[HEADER..]).as_bytes();
        if !intact {
            tracing::warn!(path = %path.display(), "a cached result is damaged and is made again");
            remove(&path);
            return None;
        }
        // Only the order of removal depends on it.
        if let Err(error) = file.set_modified(SystemTime::now()) {
            tracing::debug!(path = %path.display(), %error, "a cached result cannot be marked as used");
        }
        bytes.drain(..HEADER);
        Some(bytes)
    }

    /// There is an entry, as far as looking tells.
    pub fn has(&self, key: &Key) -> bool {
        self.path(key).is_some_and(|path| path.is_file())
    }

    /// Keeps `content` under `key`. Whoever publishes last wins; equal keys mean equal contents.
    pub fn put(&self, key: &Key, content: &[u8]) {
        let Some(path) = self.path(key) else { return };
        match publish(&path, content) {
            Ok(bytes) => {
                if let Some(folder) = &self.folder {
                    folder.grown(bytes, SystemTime::now());
                }
            }
            Err(error) => tracing::warn!(path = %path.display(), %error, "a result cannot be cached"),
        }
    }

    fn path(&self, key: &Key) -> Option<PathBuf> {
        let name = key.0.to_hex();
        Some(self.folder.as_ref()?.path().join(&name[..2]).join(name.as_str()))
    }
}

fn publish(path: &Path, content: &[u8]) -> io::Result<u64> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let folder = path.parent().expect("an entry lies in a folder");
    fs::create_dir_all(folder)?;
    let unique = format!("{}-{}.part", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let temporary = folder.join(unique);
    let written = (|| {
        let mut file = File::create(&temporary)?;
        file.write_all(MAGIC)?;
        file.write_all(blake3::hash(content).as_bytes())?;
        file.write_all(content)?;
        drop(file);
        fs::rename(&temporary, path)
    })();
    if written.is_err() {
        remove(&temporary);
    }
    written.map(|()| (HEADER + content.len()) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_is_got_by_any_process() {
        let folder = tempfile::tempdir().unwrap();
        let key = Cache::key(&[b"a", b"bc"]);
        assert_ne!(key, Cache::key(&[b"ab", b"c"]));
        let cache = Cache::open(folder.path(), 1000);
        assert_eq!(cache.get(&key), None);
        cache.put(&key, b"content");
        assert_eq!(cache.get(&key).unwrap(), b"content");
        assert_eq!(Cache::open(folder.path(), 1000).get(&key).unwrap(), b"content");
    }

    #[test]
    fn damage_counts_as_missing() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(folder.path(), 10_000);
        let key = Cache::key(&[b"x"]);
        for damage in [0, 3, HEADER, HEADER + 5] {
            cache.put(&key, b"0123456789");
            let path = cache.path(&key).unwrap();
            let mut bytes = fs::read(&path).unwrap();
            if damage == 3 {
                bytes.truncate(20);
            } else {
                bytes[damage] ^= 1;
            }
            fs::write(&path, bytes).unwrap();
            assert_eq!(cache.get(&key), None, "{damage}");
            assert!(!path.exists());
        }
    }

    #[test]
    fn the_longest_unused_go_first() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(folder.path(), 1000);
        let key = |number: u8| Cache::key(&[&[number]]);
        for number in 0..4 {
            cache.put(&key(number), &[number; 200]);
            let used = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(u64::from(number));
            File::open(cache.path(&key(number)).unwrap()).unwrap().set_modified(used).unwrap();
        }
        assert!(cache.get(&key(0)).is_some(), "used now");
        cache.put(&key(9), &[9; 200]);
        let left: Vec<u8> = (0..10).filter(|number| cache.get(&key(*number)).is_some()).collect();
        assert_eq!(left, [0, 3, 9]);
    }

    #[test]
    fn a_cache_that_cannot_be_written_is_empty() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, b"in the way").unwrap();
        let cache = Cache::open(&file, 1000);
        cache.put(&Cache::key(&[b"x"]), b"y");
        assert_eq!(cache.get(&Cache::key(&[b"x"])), None);
        assert_eq!(Cache::none().get(&Cache::key(&[b"x"])), None);
    }
}
