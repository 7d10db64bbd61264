//! What jobs have published: `artifacts/job/ID/NAME`, all of a job's files or none.

use crate::artifacts::content_type;
use crate::folders::{link, remove_folder};
use crate::ledger::JobId;
use serde::Serialize;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// Why artifacts could not be had or kept.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactsError {
    /// No such file.
    #[error("the job has published no file {0:?}")]
    Missing(String),
    /// The disk.
    #[error("artifacts cannot be kept or had: {0}; look at the disk of the server")]
    Files(#[from] io::Error),
}

/// A file that was published.
#[derive(Clone, Debug, Serialize)]
pub struct Artifact {
    /// Its name.
    pub name: String,
    /// In bytes.
    pub size: u64,
    /// Its media type.
    pub content_type: &'static str,
    /// Where it lies.
    #[serde(skip)]
    pub path: PathBuf,
}

/// See the module docs.
#[derive(Clone, Debug)]
pub struct Artifacts(PathBuf);

impl Artifacts {
    /// In this folder.
    pub fn new(folder: PathBuf) -> Artifacts {
        Artifacts(folder)
    }

    fn of(&self, job: JobId) -> PathBuf {
        self.0.join("job").join(job.to_string())
    }

    /// Publishes the files of a folder, in place of what the job published before.
    ///
    /// # Errors
    /// There is none, or it cannot be written: then all is as it was.
    pub fn publish(&self, job: JobId, folder: &Path) -> Result<Vec<Artifact>, ArtifactsError> {
        let (place, part) = (self.of(job), self.of(job).with_added_extension("part"));
        remove_folder(&part)?;
        fs::create_dir_all(&part)?;
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                let copy = part.join(entry.file_name());
                link(&entry.path(), &copy)?;
                File::open(&copy)?.sync_all()?;
            }
        }
        File::open(&part)?.sync_all()?;
        remove_folder(&place)?;
        fs::rename(&part, &place)?;
        Ok(self.list(job)?)
    }

    /// What a job has published, by name.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn list(&self, job: JobId) -> io::Result<Vec<Artifact>> {
        let entries = match fs::read_dir(self.of(job)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut found = Vec::new();
        for entry in entries {
            let entry = entry?;
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            found.push(Artifact { content_type: content_type(&name), name, size: entry.metadata()?.len(), path });
        }
        found.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }

    /// One of them.
    ///
    /// # Errors
    /// There is none.
    pub fn find(&self, job: JobId, name: &str) -> Result<Artifact, ArtifactsError> {
        self.list(job)?.into_iter().find(|artifact| artifact.name == name).ok_or_else(|| ArtifactsError::Missing(name.into()))
    }

    /// Removes what a job has published.
    ///
    /// # Errors
    /// It cannot be removed.
    pub fn remove(&self, job: JobId) -> io::Result<()> {
        remove_folder(&self.of(job))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_publishes_all_or_nothing_and_anew() {
        let place = tempfile::tempdir().unwrap();
        let (artifacts, output) = (Artifacts::new(place.path().join("artifacts")), place.path().join("output"));
        let job = JobId::new();
        assert!(artifacts.publish(job, &output).is_err() && artifacts.list(job).unwrap().is_empty());
        fs::create_dir(&output).unwrap();
        fs::write(output.join("film.mp4"), "one").unwrap();
        fs::write(output.join("film.vtt"), "WEBVTT").unwrap();
        let names = |found: Vec<Artifact>| found.into_iter().map(|artifact| (artifact.name, artifact.content_type)).collect::<Vec<_>>();
        let due = [("film.mp4".to_string(), "video/mp4"), ("film.vtt".to_string(), "text/vtt")];
        assert_eq!(names(artifacts.publish(job, &output).unwrap()), due);
        fs::remove_file(output.join("film.vtt")).unwrap();
        assert_eq!(names(artifacts.publish(job, &output).unwrap()), due[..1]);
        assert_eq!(artifacts.find(job, "film.mp4").unwrap().size, 3);
        assert!(matches!(artifacts.find(job, "../film.mp4"), Err(ArtifactsError::Missing(_))));
        artifacts.remove(job).unwrap();
        assert!(artifacts.list(job).unwrap().is_empty());
    }
}
