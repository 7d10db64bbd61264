//! Room on the disk: some of it stays free, so that whatever else runs here goes on.

use super::StoreError;
use super::error::file_error;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Asks a disk for its free bytes.
type Free = Arc<dyn Fn() -> io::Result<u64> + Send + Sync>;

/// The disk of a folder.
#[derive(Clone)]
pub struct Room {
    folder: PathBuf,
    floor: u64,
    free: Free,
}

impl Room {
    /// Bytes that stay free: 5 GB.
    pub const FLOOR: u64 = 5_000_000_000;

    /// On the disk of a folder that is there; `floor` bytes of it stay free.
    pub fn on(folder: &Path, floor: u64) -> Room {
        let on = folder.to_path_buf();
        Room { folder: folder.into(), floor, free: Arc::new(move || free_bytes(&on)) }
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Bytes that stay free.
    pub fn floor(&self) -> u64 {
        self.floor
    }

    /// Bytes that are free for this user.
    ///
    /// # Errors
    /// The folder is gone.
    pub fn free(&self) -> io::Result<u64> {
        (self.free)()
    }

    /// Do so many bytes more fit above the floor?
    ///
    /// # Errors
    /// As `free`.
    pub fn has(&self, bytes: u64) -> io::Result<bool> {
        Ok(self.free()? >= self.floor.saturating_add(bytes))
    }

    /// The same for whoever needs them.
    ///
    /// # Errors
    /// They do not, or the folder is gone.
    pub(super) fn must_have(&self, bytes: u64) -> Result<(), StoreError> {
        let free = self.free().map_err(file_error(&self.folder))?;
        match free >= self.floor.saturating_add(bytes) {
            true => Ok(()),
            false => Err(StoreError::NoRoom { folder: self.folder.clone(), free, needed: bytes, floor: self.floor }),
        }
    }

    /// Do both folders lie on one disk?
    pub(super) fn is_on_disk_of(&self, other: &Room) -> bool {
        let disk = |folder: &Path| folder.metadata().map(|about| about.dev());
        matches!((disk(&self.folder), disk(&other.folder)), (Ok(one), Ok(two)) if one == two)
    }

    /// A disk that is as large as a test wants it.
    #[cfg(test)]
    pub(super) fn pretended(folder: &Path, floor: u64, free: impl Fn() -> u64 + Send + Sync + 'static) -> Room {
        Room { folder: folder.into(), floor, free: Arc::new(move || Ok(free())) }
    }
}

fn free_bytes(folder: &Path) -> io::Result<u64> {
    let disk = nix::sys::statvfs::statvfs(folder)?;
    Ok(disk.blocks_available() as u64 * disk.fragment_size() as u64)
}
