//! Where the service keeps things: one folder, with the ledger, a work folder for each job, and decks. What jobs publish lies there, too,
//! unless the settings name another store.

use crate::ledger::JobId;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

/// The data folder.
#[derive(Clone, Debug)]
pub struct Folders {
    root: PathBuf,
    /// Folders of jobs, and of uploads that come in.
    made: PathBuf,
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
    /// What was said while it was made, beside them.
    pub const LOG: &str = "log.txt";

    /// Makes what is missing of it.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn open(root: &Path) -> io::Result<Folders> {
        fs::create_dir_all(root)?;
        let root = root.canonicalize()?;
        let folders = Folders { made: root.clone(), root };
        for part in [folders.work_root(), folders.decks()] {
            fs::create_dir_all(part)?;
        }
        Ok(folders)
    }

    /// The same with what is only there on the way elsewhere: in memory, say.
    ///
    /// # Errors
    /// Its folders cannot be made.
    pub fn making_in(self, made: PathBuf) -> io::Result<Folders> {
        let folders = Folders { made, ..self };
        fs::create_dir_all(folders.work_root())?;
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

    /// The file of accounts.
    pub fn accounts(&self) -> PathBuf {
        self.root.join("accounts.db")
    }

    /// The file of answers to requests with an `Idempotency-Key`.
    pub fn answers(&self) -> PathBuf {
        self.root.join("answers.db")
    }

    /// Who sent what by the adapter of SlideSpeaker; the bytes are in the store.
    pub fn files(&self) -> PathBuf {
        self.root.join("files")
    }

    /// Where uploads lie while they come.
    pub fn uploads(&self) -> PathBuf {
        self.made.join("uploads")
    }

    /// Voices that somebody wants spoken with.
    pub fn profiles(&self) -> PathBuf {
        self.root.join("profiles")
    }

    /// What workers that share this folder have made on the way, to find it again.
    pub fn cache(&self) -> PathBuf {
        self.root.join("cache")
    }

    /// Copies of the ledger.
    pub fn backups(&self) -> PathBuf {
        self.root.join("backups")
    }

    /// A job's folder.
    pub fn work(&self, job: JobId) -> PathBuf {
        self.work_root().join(job.to_string())
    }

    /// Folders of jobs.
    pub fn work_root(&self) -> PathBuf {
        self.made.join("work")
    }

    /// Makes a job's folder; what the job is given belongs into the one that is returned.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn input(&self, job: JobId) -> io::Result<PathBuf> {
        PARTS.iter().try_for_each(|part| fs::create_dir_all(self.work(job).join(part)))?;
        Ok(self.work(job).join(Folders::INPUT))
    }

    /// The folder of one attempt at a stage, in the job's folder.
    pub fn attempt(position: u32, attempt: u32) -> PathBuf {
        Path::new(Folders::PROCESSING).join(format!("{position}-{attempt}"))
    }

    /// Is it such a folder?
    pub fn is_attempt(path: &Path) -> bool {
        let name = path.strip_prefix(Folders::PROCESSING).ok().and_then(Path::to_str).and_then(|name| name.split_once('-'));
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        name.is_some_and(|(position, attempt)| is_number(position) && is_number(attempt))
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

/// Why a path below a folder leads to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Astray {
    /// It is empty, not relative, or climbs.
    Outside,
    /// Nothing is there, or what is there is a link out of the folder.
    Missing,
}

/// What lies below a folder at a path that somebody names.
///
/// # Errors
/// It leads to nothing there.
pub fn below(folder: &Path, path: &str) -> Result<PathBuf, Astray> {
    if path.is_empty() || !Path::new(path).components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir)) {
        return Err(Astray::Outside);
    }
    let found = folder.join(path).canonicalize().map_err(|_| Astray::Missing)?;
    let is_inside = folder.canonicalize().is_ok_and(|folder| found.starts_with(folder));
    if is_inside { Ok(found) } else { Err(Astray::Missing) }
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
