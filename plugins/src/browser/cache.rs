//! Captured pages: a folder for each address, a file for each size and kind, each published whole.

use crate::cache_folder;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Bytes kept; beyond that, the addresses that were captured longest ago go.
const LIMIT: u64 = 2_000_000_000;

/// A folder of captured pages. It may be removed at any time; pages are captured anew then.
#[derive(Clone, Debug)]
pub struct PageCache {
    folder: PathBuf,
}

impl PageCache {
    /// The user's: `pages` in the folder that all of Lectern's caches lie in.
    pub fn of_user() -> PageCache {
        PageCache::open(cache_folder::of_user().unwrap_or_else(|| std::env::temp_dir().join("lectern")).join("pages"))
    }

    /// A cache in this folder, which is made when needed.
    pub fn open(folder: impl Into<PathBuf>) -> PageCache {
        PageCache { folder: folder.into() }
    }

    /// Removes all that was captured from an address: it is captured anew when it is shown next.
    ///
    /// # Errors
    /// What the system says.
    pub fn forget(&self, url: &str) -> io::Result<()> {
        match fs::remove_dir_all(self.of(url)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// The names of what was captured from an address.
    pub(super) fn names(&self, url: &str) -> Vec<String> {
        let entries = fs::read_dir(self.of(url)).into_iter().flatten().flatten();
        entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
    }

    /// Where something captured from an address lies, or will.
    pub(super) fn path(&self, url: &str, name: &str) -> PathBuf {
        self.of(url).join(name)
    }

    /// Makes room for something new from an address.
    pub(super) fn prepare(&self, url: &str) -> io::Result<()> {
        self.shrink(LIMIT);
        fs::create_dir_all(self.of(url))
    }

    fn of(&self, url: &str) -> PathBuf {
        self.folder.join(&blake3::hash(url.as_bytes()).to_hex()[..32])
    }

    /// Removes the oldest addresses until less than `limit` bytes are kept. What cannot be removed is in nobody's way.
    fn shrink(&self, limit: u64) {
        let mut pages: Vec<(SystemTime, u64, PathBuf)> = Vec::new();
        for page in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let files = fs::read_dir(page.path()).into_iter().flatten().flatten();
            let bytes = files.filter_map(|file| file.metadata().ok()).map(|meta| meta.len()).sum();
            let captured = page.metadata().and_then(|meta| meta.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
            pages.push((captured, bytes, page.path()));
        }
        pages.sort_unstable();
        let mut all: u64 = pages.iter().map(|(_, bytes, _)| bytes).sum();
        for (_, bytes, path) in pages {
            if all <= limit {
                return;
            }
            let _ = fs::remove_dir_all(path);
            all -= bytes;
        }
    }
}

/// How long ago a file was written.
pub(super) fn age(path: &Path) -> Option<Duration> {
    fs::metadata(path).ok()?.modified().ok()?.elapsed().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_forgotten_by_name_and_the_oldest_by_themselves() {
        let folder = tempfile::tempdir().unwrap();
        let cache = PageCache::open(folder.path());
        for (age, url) in ["https://new", "https://old", "https://older"].into_iter().enumerate() {
            cache.prepare(url).unwrap();
            fs::write(cache.path(url, "a.png"), [0; 1000]).unwrap();
            let page = fs::File::open(cache.of(url)).unwrap();
            page.set_modified(SystemTime::now() - Duration::from_secs(3600 * age as u64)).unwrap();
        }
        cache.shrink(2500);
        assert_eq!(
            [cache.names("https://new"), cache.names("https://old"), cache.names("https://older")].map(|names| names.len()),
            [1, 1, 0]
        );
        cache.forget("https://new").unwrap();
        cache.forget("https://new").unwrap();
        assert_eq!((cache.names("https://new").len(), cache.names("https://old")), (0, vec!["a.png".to_string()]));
    }
}
