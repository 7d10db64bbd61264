//! Folders of cached results: files by hash, two levels deep. Their modification time says when they were used last; when a folder outgrows
//! its limit, the files unused for longest go. Any of them may be deleted at any time, which only costs work.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

/// When files are removed, so many are that this part of the limit is left, in percent: rarely, not at every file.
const KEPT_PERCENT: u64 = 90;

/// The folder in which all caches of the user lie: `$XDG_CACHE_HOME/lectern`, else `$HOME/.cache/lectern`; `None` without either.
pub fn of_user() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = set("XDG_CACHE_HOME").or_else(|| set("HOME").map(|home| home.join(".cache")))?;
    Some(cache.join("lectern"))
}

/// A folder with a limit.
#[derive(Debug)]
pub struct CacheFolder {
    path: PathBuf,
    limit: u64,
    /// Bytes in the folder: exact when scanned, then what this process adds.
    size: AtomicU64,
}

impl CacheFolder {
    /// The folder at `path`, which need not be there, of about `limit` bytes.
    pub fn open(path: &Path, limit: u64) -> CacheFolder {
        let size = files(path).iter().map(|file| file.bytes).sum();
        CacheFolder { path: path.to_owned(), limit, size: AtomicU64::new(size) }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A file of `bytes` bytes has been added: makes room when there are too many now. Files used since `spared` stay.
    pub fn grown(&self, bytes: u64, spared: SystemTime) {
        if self.size.fetch_add(bytes, Ordering::Relaxed) + bytes > self.limit {
            self.shrink(spared);
        }
    }

    /// Two processes may do so at once: a file gone already is no error.
    fn shrink(&self, spared: SystemTime) {
        let mut files = files(&self.path);
        let mut size: u64 = files.iter().map(|file| file.bytes).sum();
        files.sort_by(|a, b| (a.used, &a.path).cmp(&(b.used, &b.path)));
        let kept = self.limit / 100 * KEPT_PERCENT;
        let mut removed = 0;
        for file in files.iter().take_while(|file| file.used < spared) {
            if size <= kept {
                break;
            }
            remove(&file.path);
            size -= file.bytes;
            removed += 1;
        }
        self.size.store(size, Ordering::Relaxed);
        tracing::info!(folder = %self.path.display(), removed, bytes = size, "made room in a cache");
    }
}

/// A file of a cache.
#[derive(Debug)]
pub struct CachedFile {
    /// Where it is.
    pub path: PathBuf,
    /// How large it is.
    pub bytes: u64,
    /// When it was used last.
    pub used: SystemTime,
}

/// All files of a cache, unfinished ones too: those left over by a killed process age and go like others.
pub fn files(folder: &Path) -> Vec<CachedFile> {
    let list = |folder: &Path| fs::read_dir(folder).map(|entries| entries.flatten().collect::<Vec<_>>()).unwrap_or_default();
    let files = list(folder).into_iter().filter(|entry| entry.path().is_dir()).flat_map(|entry| list(&entry.path()));
    files
        .filter_map(|file| {
            let data = file.metadata().ok().filter(fs::Metadata::is_file)?;
            Some(CachedFile { path: file.path(), bytes: data.len(), used: data.modified().ok()? })
        })
        .collect()
}

/// Removes a file of a cache, if it is there.
pub fn remove(path: &Path) {
    if let Err(error) = fs::remove_file(path)
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(path = %path.display(), %error, "a cached file cannot be removed");
    }
}
