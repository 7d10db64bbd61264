//! Files of jobs between machines that share no folder: by way of the store of artifacts.
//!
//! What a job was given is the set `work/JOB/input`, and what its stage number 3 made is `work/JOB/made/3`. Each is one archive: it is there
//! whole or not at all, and files in it may have any name and lie in folders. A worker's own folder of the job holds what these sets say,
//! and which they were: a worker that does the next stage, too, fetches nothing again.

use crate::artifacts::{Artifacts, Item, StoreError, Tier, file_error};
use crate::folders::{Folders, remove_folder};
use crate::ledger::{JobId, Ticket};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tempfile::NamedTempFile;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

/// The one file of a set.
const ARCHIVE: &str = "files.zip";
/// Which sets a worker's folder of a job holds, in that folder.
const HELD: &str = "held.json";
/// So long after its last stage here a worker's folder of a job is removed; no stage takes as long.
const UNUSED: Duration = Duration::from_secs(3600);

/// See the module docs.
#[derive(Clone)]
pub struct Transfer {
    artifacts: Arc<Artifacts>,
    folders: Folders,
}

/// A set that a folder holds, and of which publication.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Held {
    set: String,
    generation: String,
}

/// The files of a job before a stage, by their paths in its folder: their sizes, and when they were written.
#[derive(Debug, Default)]
pub struct Before(BTreeMap<PathBuf, (u64, Option<SystemTime>)>);

fn work_of(job: JobId) -> String {
    format!("work/{job}")
}

fn input_of(job: JobId) -> String {
    format!("{}/{}", work_of(job), Folders::INPUT)
}

fn made_of(job: JobId) -> String {
    format!("{}/made", work_of(job))
}

impl Transfer {
    /// Between a store and folders of this machine.
    pub fn new(artifacts: Arc<Artifacts>, folders: Folders) -> Transfer {
        Transfer { artifacts, folders }
    }

    /// The folder of a job on this machine.
    pub fn folder(&self, job: JobId) -> PathBuf {
        self.folders.work(job)
    }

    /// In the server: puts what a job was given there, unless it is there.
    ///
    /// # Errors
    /// It cannot be read, or the store does not take it.
    pub async fn give(&self, job: JobId) -> Result<(), StoreError> {
        if self.artifacts.manifest(&input_of(job)).await?.is_some() {
            return Ok(());
        }
        let folder = self.folders.work(job);
        let files = aside(&folder, |folder| files(folder, &[Folders::INPUT])).await?;
        self.put(job, &input_of(job), Tier::Upload, files.0.into_keys().collect()).await.map(drop)
    }

    /// In a worker: sees to it that the job's folder holds what the job was given and what earlier stages made, and nothing older.
    ///
    /// # Errors
    /// It is not there, or cannot be written.
    pub async fn fetch(&self, ticket: &Ticket) -> Result<Before, StoreError> {
        let (job, folder) = (ticket.job, self.folders.work(ticket.job));
        aside(&folder, {
            let folders = self.folders.clone();
            move |_| folders.sweep(|other| other == job || !is_unused(&folders.work(other)))
        })
        .await?;
        let mut due = Vec::new();
        for set in std::iter::once(input_of(job)).chain((0..ticket.position).map(|position| format!("{}/{position}", made_of(job)))) {
            // A stage may make nothing.
            if let Some(manifest) = self.artifacts.manifest(&set).await? {
                due.push(Held { set, generation: manifest.generation });
            }
        }
        if due.first().is_none_or(|held| held.set != input_of(job)) {
            return Err(StoreError::Missing { set: input_of(job), name: ARCHIVE.into() });
        }
        let mut held = aside(&folder, |folder| Ok(held(folder))).await?;
        if !due.starts_with(&held) {
            // Something was made anew.
            aside(&folder, remove_folder).await?;
            held.clear();
        }
        aside(&folder, {
            let folders = self.folders.clone();
            move |_| folders.input(job).map(drop)
        })
        .await?;
        for next in due.drain(held.len()..) {
            let archive = folder.join(ARCHIVE);
            self.artifacts.fetch(&next.set, ARCHIVE, &archive).await?;
            let unpacked = aside(&folder, move |folder| {
                unpack(&archive, folder)?;
                fs::remove_file(archive)
            });
            unpacked.await?;
            held.push(next);
        }
        aside(&folder, move |folder| {
            // Also says that it is in use.
            hold(folder, &held)?;
            files(folder, &[Folders::PROCESSING, Folders::OUTPUT])
        })
        .await
    }

    /// In a worker: puts there what a stage has made or changed.
    ///
    /// # Errors
    /// It cannot be read, or the store does not take it.
    pub async fn bring(&self, ticket: &Ticket, before: &Before) -> Result<(), StoreError> {
        let (job, folder) = (ticket.job, self.folders.work(ticket.job));
        let after = aside(&folder, |folder| files(folder, &[Folders::PROCESSING, Folders::OUTPUT])).await?;
        let made: Vec<PathBuf> =
            after.0.into_iter().filter(|(path, state)| before.0.get(path) != Some(state)).map(|(path, _)| path).collect();
        if made.is_empty() {
            return Ok(());
        }
        let set = format!("{}/{}", made_of(job), ticket.position);
        let generation = self.put(job, &set, Tier::Processed, made).await?;
        aside(&folder, move |folder| {
            let mut held = held(folder);
            held.push(Held { set, generation });
            hold(folder, &held)
        })
        .await
    }

    /// In the server: removes what stages made; what the job was given stays.
    ///
    /// # Errors
    /// The store refuses.
    pub async fn remove_made(&self, job: JobId) -> Result<(), StoreError> {
        self.artifacts.remove(&made_of(job)).await
    }

    /// In the server: removes all of it.
    ///
    /// # Errors
    /// The store refuses.
    pub async fn remove(&self, job: JobId) -> Result<(), StoreError> {
        self.artifacts.remove(&work_of(job)).await
    }

    /// Publishes files of a job's folder as one archive; the generation.
    async fn put(&self, job: JobId, set: &str, tier: Tier, paths: Vec<PathBuf>) -> Result<String, StoreError> {
        let folder = self.folders.work(job);
        let archive = aside(&folder, move |folder| {
            fs::create_dir_all(folder)?;
            let archive = NamedTempFile::new_in(folder)?;
            pack(folder, &paths, archive.as_file()).map(|()| archive)
        })
        .await?;
        let item = Item::new(ARCHIVE, archive.path()).kept(tier);
        Ok(self.artifacts.publish(set, &[item]).await?.generation)
    }
}

/// Work with the files of a folder, where no other task waits for it.
async fn aside<T: Send + 'static>(folder: &Path, work: impl FnOnce(&Path) -> io::Result<T> + Send + 'static) -> Result<T, StoreError> {
    let own = folder.to_path_buf();
    let done = tokio::task::spawn_blocking(move || work(&own)).await.unwrap_or_else(|error| Err(error.into()));
    done.map_err(file_error(folder))
}

/// All files in these parts of a job's folder, but for those of single attempts.
fn files(folder: &Path, parts: &[&str]) -> io::Result<Before> {
    let mut found = Before::default();
    let mut open: Vec<PathBuf> = parts.iter().map(PathBuf::from).collect();
    while let Some(inner) = open.pop() {
        let entries = match fs::read_dir(folder.join(&inner)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            let (path, about) = (inner.join(entry.file_name()), entry.metadata()?);
            if about.is_dir() && !Folders::is_attempt(&path) {
                open.push(path);
            } else if about.is_file() {
                found.0.insert(path, (about.len(), about.modified().ok()));
            }
        }
    }
    Ok(found)
}

/// What is in there is packed already, as a rule.
fn pack(folder: &Path, paths: &[PathBuf], to: &File) -> io::Result<()> {
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored).large_file(true);
    let mut archive = ZipWriter::new(BufWriter::new(to));
    for path in paths {
        let name = path.to_str().ok_or_else(|| io::Error::other(format!("{} has a name that is no text", path.display())))?;
        archive.start_file(name, options)?;
        io::copy(&mut File::open(folder.join(path))?, &mut archive)?;
    }
    archive.finish()?.flush()
}

fn unpack(archive: &Path, folder: &Path) -> io::Result<()> {
    Ok(ZipArchive::new(BufReader::new(File::open(archive)?))?.extract(folder)?)
}

/// The sets that a folder holds, in their order; none where that cannot be read.
fn held(folder: &Path) -> Vec<Held> {
    fs::read(folder.join(HELD)).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default()
}

fn hold(folder: &Path, held: &[Held]) -> io::Result<()> {
    fs::write(folder.join(HELD), serde_json::to_vec(held)?)
}

/// Nobody has done a stage there for long.
fn is_unused(folder: &Path) -> bool {
    let last = fs::metadata(folder.join(HELD)).or_else(|_| fs::metadata(folder)).and_then(|about| about.modified());
    last.is_ok_and(|last| last.elapsed().is_ok_and(|age| age > UNUSED))
}

#[cfg(test)]
mod tests;
