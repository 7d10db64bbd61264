//! Where the service keeps things: one folder, with the ledger, a work folder for each job, decks and artifacts.

use crate::ledger::JobId;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The data folder.
#[derive(Clone, Debug)]
pub struct Folders {
    root: PathBuf,
}

/// What a job's folder holds: what it was given, what is made on the way, what comes of it.
const PARTS: [&str; 3] = [Folders::INPUT, Folders::PROCESSING, Folders::OUTPUT];

impl Folders {
    /// What a job was given, in its folder.
    pub const INPUT: &str = "input";
    /// What is made on the way.
    pub const PROCESSING: &str = "processing";
    /// What comes of it.
    pub const OUTPUT: &str = "output";

    /// `$XDG_DATA_HOME/lectern`, else `$HOME/.local/share/lectern`, else `lectern-data` here.
    pub fn usual() -> PathBuf {
        let set = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let base = set("XDG_DATA_HOME").or_else(|| set("HOME").map(|home| home.join(".local/share")));
        base.map_or_else(|| PathBuf::from("lectern-data"), |base| base.join("lectern"))
    }

    /// Makes what is missing of it.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn open(root: &Path) -> io::Result<Folders> {
        fs::create_dir_all(root)?;
        let folders = Folders { root: root.canonicalize()? };
        for part in [folders.work_root(), folders.decks(), folders.artifacts()] {
            fs::create_dir_all(part)?;
        }
        Ok(folders)
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The ledger's file.
    pub fn ledger(&self) -> PathBuf {
        self.root.join("ledger.db")
    }

    /// Decks that were uploaded.
    pub fn decks(&self) -> PathBuf {
        self.root.join("decks")
    }

    /// What jobs have published.
    pub fn artifacts(&self) -> PathBuf {
        self.root.join("artifacts")
    }

    /// Copies of the ledger.
    pub fn backups(&self) -> PathBuf {
        self.root.join("backups")
    }

    /// A job's folder.
    pub fn work(&self, job: JobId) -> PathBuf {
        self.work_root().join(job.to_string())
    }

    fn work_root(&self) -> PathBuf {
        self.root.join("work")
    }

    /// Makes a job's folder; what the job is given belongs into the one that is returned.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn input(&self, job: JobId) -> io::Result<PathBuf> {
        PARTS.iter().try_for_each(|part| fs::create_dir_all(self.work(job).join(part)))?;
        Ok(self.work(job).join(Folders::INPUT))
    }

    /// Removes a job's folder, if it has one.
    ///
    /// # Errors
    /// It cannot be removed.
    pub fn remove(&self, job: JobId) -> io::Result<()> {
        remove_folder(&self.work(job))
    }

    /// Removes what was made of a job and keeps what it was given.
    ///
    /// # Errors
    /// It cannot be removed.
    pub fn remove_made(&self, job: JobId) -> io::Result<()> {
        remove_folder(&self.work(job).join(Folders::PROCESSING))?;
        remove_folder(&self.work(job).join(Folders::OUTPUT))
    }

    /// Removes the folders of all jobs but those that are to stay.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn sweep(&self, stays: impl Fn(JobId) -> bool) -> io::Result<()> {
        for entry in fs::read_dir(self.work_root())? {
            let name = entry?.file_name();
            match name.to_str().and_then(|name| name.parse().ok()) {
                Some(job) if !stays(job) => self.remove(job)?,
                _ => {}
            }
        }
        Ok(())
    }
}

/// The same file at another place; it is never changed at either.
///
/// # Errors
/// It cannot be read, or not be written there.
pub fn link(from: &Path, to: &Path) -> io::Result<()> {
    fs::hard_link(from, to).or_else(|_| fs::copy(from, to).map(drop))
}

/// Removes a folder with all that is in it, if it is there.
///
/// # Errors
/// It cannot be removed.
pub fn remove_folder(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_made_goes_and_what_was_given_stays() {
        let place = tempfile::tempdir().unwrap();
        let folders = Folders::open(&place.path().join("data")).unwrap();
        let (job, stray) = (JobId::new(), JobId::new());
        fs::write(folders.input(job).unwrap().join("talk.pptx"), "x").unwrap();
        fs::write(folders.work(job).join("processing/film.mp4"), "x").unwrap();
        folders.input(stray).unwrap();
        folders.remove_made(job).unwrap();
        folders.remove_made(job).unwrap();
        assert!(folders.work(job).join("input/talk.pptx").exists() && !folders.work(job).join("processing").exists());
        folders.sweep(|known| known == job).unwrap();
        assert!(folders.work(job).exists() && !folders.work(stray).exists());
        folders.remove(job).unwrap();
        folders.remove(job).unwrap();
        assert!(!folders.work(job).exists());
    }
}
