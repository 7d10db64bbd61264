//! What the server keeps, by how long it is of use, and the room that is left.
//!
//! Looking through all of it takes longer the more there is, so for whoever asks again and again, as metrics do, what was found is kept for a while:
//! it is counted anew after each sweep, and when the last time was a minute ago.

use crate::artifacts::{Artifacts, StoreError, Swept, Tier, Usage, file_error};
use crate::folders::Folders;
use crate::ledger::Timestamp;
use serde::Serialize;
use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// So long what was found is taken for what there is.
const FRESH: Duration = Duration::from_secs(60);

/// All that is kept, each file once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// What people sent.
    pub uploads: Usage,
    /// What was made of it on the way, and is easily made again.
    pub processed: Usage,
    /// What jobs have published.
    pub videos: Usage,
    /// What is only needed for a moment.
    pub temporary: Usage,
    /// The ledger, accounts, backups, voices, manifests.
    pub other: Usage,
}

impl Kept {
    /// Together.
    pub fn all(&self) -> Usage {
        let Kept { uploads, processed, videos, temporary, other } = *self;
        [uploads, processed, videos, temporary, other].into_iter().sum()
    }
}

/// What a sweep did, and when.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct LastSweep {
    /// When it ended.
    pub at: Timestamp,
    /// What it removed.
    #[serde(flatten)]
    pub swept: Swept,
}

/// See the module docs.
pub struct Storage {
    folders: Folders,
    artifacts: Arc<Artifacts>,
    /// One counts for all who ask meanwhile.
    known: tokio::sync::Mutex<Option<(Instant, Timestamp, Kept)>>,
    swept: Mutex<Option<LastSweep>>,
}

impl Storage {
    /// Of a data folder and a store.
    pub fn new(folders: Folders, artifacts: Arc<Artifacts>) -> Storage {
        Storage { folders, artifacts, known: Default::default(), swept: Mutex::default() }
    }

    /// What is kept, and when that was counted: a minute ago at most.
    ///
    /// # Errors
    /// The store cannot be listed.
    pub async fn kept(&self) -> Result<(Timestamp, Kept), StoreError> {
        self.counted(FRESH).await
    }

    /// What is kept, counted anew.
    ///
    /// # Errors
    /// The store cannot be listed.
    pub async fn count(&self) -> Result<(Timestamp, Kept), StoreError> {
        self.counted(Duration::ZERO).await
    }

    /// A sweep is over: what is kept is counted anew.
    ///
    /// # Errors
    /// The store cannot be listed.
    pub async fn swept(&self, swept: Swept) -> Result<(), StoreError> {
        *self.swept.lock().unwrap_or_else(PoisonError::into_inner) = Some(LastSweep { at: Timestamp::now(), swept });
        self.count().await.map(drop)
    }

    /// The last sweep; `None` before the first.
    pub fn last_sweep(&self) -> Option<LastSweep> {
        *self.swept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes that are free where it is kept: on the fuller one of the disks of data folder and store.
    ///
    /// # Errors
    /// A folder is gone.
    pub fn free(&self) -> Result<u64, StoreError> {
        let root = self.folders.root();
        let of_data = crate::artifacts::Room::on(root, 0).free().map_err(file_error(root))?;
        Ok(self.artifacts.free()?.map_or(of_data, |(of_store, _)| of_store.min(of_data)))
    }

    async fn counted(&self, fresh: Duration) -> Result<(Timestamp, Kept), StoreError> {
        let mut known = self.known.lock().await;
        if let Some((when, at, kept)) = *known
            && when.elapsed() < fresh
        {
            return Ok((at, kept));
        }
        let mut store = self.artifacts.usage_by_tier().await?;
        let folders = self.folders.clone();
        let failed = file_error(self.folders.root());
        let mut kept = tokio::task::spawn_blocking(move || in_folders(&folders)).await.map_err(|error| failed(error.into()))?;
        let mut of = |tier| store.remove(&tier).unwrap_or_default();
        kept.uploads = kept.uploads + of(Some(Tier::Upload));
        kept.processed = kept.processed + of(Some(Tier::Processed));
        kept.videos = kept.videos + of(Some(Tier::Video));
        kept.temporary = kept.temporary + of(Some(Tier::Temporary));
        kept.other = kept.other + of(None);
        let at = Timestamp::now();
        *known = Some((Instant::now(), at, kept));
        Ok((at, kept))
    }
}

/// What lies in the data folder, without the store, which may lie there, too.
fn in_folders(folders: &Folders) -> Kept {
    let mut seen = HashSet::new();
    let mut count = |places: &[PathBuf]| places.iter().map(|place| usage(place, &mut seen)).sum::<Usage>();
    let jobs: Vec<PathBuf> = entries(&folders.work_root()).map(|entry| entry.path()).collect();
    let parts = |names: &[&str]| jobs.iter().flat_map(|job| names.iter().map(|name| job.join(name))).collect::<Vec<_>>();
    let uploads = count(&[vec![folders.decks(), folders.files()], parts(&[Folders::INPUT])].concat());
    let processed = count(&[vec![folders.cache()], parts(&[Folders::PROCESSING, Folders::OUTPUT, Folders::LOG])].concat());
    let temporary = count(&[folders.uploads()]);
    let single = entries(folders.root()).filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file())).map(|entry| entry.path());
    let other = count(&single.chain([folders.backups(), folders.profiles()]).collect::<Vec<_>>());
    Kept { uploads, processed, videos: Usage::default(), temporary, other }
}

/// A file, or all files below a folder. What goes while it is looked at does not count, nor do links; a file with several names counts once.
fn usage(place: &Path, seen: &mut HashSet<(u64, u64)>) -> Usage {
    let Ok(about) = fs::symlink_metadata(place) else { return Usage::default() };
    if about.is_dir() {
        return entries(place).map(|entry| usage(&entry.path(), seen)).sum();
    }
    let is_new = about.nlink() < 2 || seen.insert((about.dev(), about.ino()));
    if about.is_file() && is_new { Usage { files: 1, bytes: about.len() } } else { Usage::default() }
}

fn entries(folder: &Path) -> impl Iterator<Item = fs::DirEntry> {
    fs::read_dir(folder).into_iter().flatten().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifacts::{Item, Options};
    use crate::ledger::JobId;

    #[tokio::test]
    async fn all_that_is_kept_counts_once_and_is_counted_anew_after_a_sweep() {
        let home = tempfile::tempdir().unwrap();
        let folders = Folders::open(&home.path().join("data")).unwrap();
        let options = Options { floor: 0, ..Options::default() };
        let artifacts = Arc::new(Artifacts::open(folders.root().join("artifacts").to_str().unwrap(), options).unwrap());
        let job = JobId::new();
        let deck = folders.decks().join("talk.pptx");
        fs::write(&deck, [0; 20_000]).unwrap();
        crate::folders::link(&deck, &folders.input(job).unwrap().join("talk.pptx")).unwrap();
        fs::write(folders.work(job).join("output/film.mp4"), [0; 30_000]).unwrap();
        fs::write(folders.ledger(), [0; 500]).unwrap();
        std::os::unix::fs::symlink(home.path(), folders.decks().join("again")).unwrap();
        let film = Item::new("film.mp4", folders.work(job).join("output/film.mp4"));
        let mask = Item::new("1_mask.png", &deck);
        artifacts.publish(&format!("job/{job}"), &[film, mask]).await.unwrap();
        let storage = Storage::new(folders.clone(), artifacts.clone());
        let (_, kept) = storage.kept().await.unwrap();
        assert_eq!((kept.uploads, kept.videos), (Usage { files: 1, bytes: 20_000 }, Usage { files: 1, bytes: 30_000 }));
        assert_eq!((kept.processed, kept.temporary), (Usage { files: 2, bytes: 50_000 }, Usage::default()));
        let manifest = kept.other.bytes - 500;
        assert!(kept.other.files == 2 && manifest > 0 && kept.all().bytes == 100_500 + manifest, "{kept:?}");
        assert!(storage.last_sweep().is_none() && storage.free().unwrap() > 0);
        // Until the next sweep, or for a minute, that is the answer.
        fs::remove_file(folders.work(job).join("output/film.mp4")).unwrap();
        assert_eq!(storage.kept().await.unwrap().1, kept);
        storage.swept(Swept { files: 3, ..Swept::default() }).await.unwrap();
        assert_eq!(storage.kept().await.unwrap().1.processed.bytes, 20_000);
        assert_eq!(storage.last_sweep().unwrap().swept.files, 3);
    }
}
