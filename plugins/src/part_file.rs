//! Files that are whole or not there: written beside their place and renamed when they are finished.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Why a file could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot {doing} {}: {cause}; {hint}", path.display())]
pub struct FileError {
    doing: &'static str,
    path: PathBuf,
    /// The system's reason.
    pub cause: io::Error,
    hint: &'static str,
}

impl FileError {
    /// For `map_err`: the file could not be made.
    pub fn create(path: &Path) -> impl FnOnce(io::Error) -> FileError {
        FileError::because("create", "its folder must exist and be writable", path)
    }

    /// For `map_err`: bytes could not be added.
    pub fn write(path: &Path) -> impl FnOnce(io::Error) -> FileError {
        FileError::because("write", "make room on the disk, or choose a path on another one", path)
    }

    /// For `map_err`: bytes that were written could not be read back.
    pub fn read_back(path: &Path) -> impl FnOnce(io::Error) -> FileError {
        FileError::because("read back", "nothing else may change it meanwhile", path)
    }

    /// For `map_err`: the finished thing could not be given its name.
    pub fn keep(path: &Path) -> impl FnOnce(io::Error) -> FileError {
        FileError::because("put the finished output at", "move away what is there, or choose another path", path)
    }

    fn because(doing: &'static str, hint: &'static str, path: &Path) -> impl FnOnce(io::Error) -> FileError {
        let path = path.to_path_buf();
        move |cause| FileError { doing, path, cause, hint }
    }
}

/// A file beside `PATH` that goes there when it is kept. Dropped before, it is removed.
#[derive(Debug)]
pub struct PartFile {
    file: File,
    part: PathBuf,
    path: PathBuf,
    kept: bool,
}

impl PartFile {
    /// Makes `PATH.part`; one that a killed run left there is overwritten.
    ///
    /// # Errors
    /// What the system says.
    pub fn create(path: &Path) -> Result<PartFile, FileError> {
        PartFile::create_as(path, ".part")
    }

    /// The same with another ending, for what lies beside a file while it is made.
    ///
    /// # Errors
    /// What the system says.
    pub fn create_as(path: &Path, ending: &str) -> Result<PartFile, FileError> {
        let part = part_of(path, ending);
        let file = File::options().read(true).write(true).create(true).truncate(true).open(&part).map_err(FileError::create(&part))?;
        Ok(PartFile { file, part, path: path.to_path_buf(), kept: false })
    }

    /// Where it lies until it is kept.
    pub fn part(&self) -> &Path {
        &self.part
    }

    /// The file itself.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// A second handle to the same file, for writers that want to own theirs.
    ///
    /// # Errors
    /// What the system says.
    pub fn handle(&self) -> Result<File, FileError> {
        self.file.try_clone().map_err(FileError::create(&self.part))
    }

    /// Appends bytes.
    ///
    /// # Errors
    /// What the system says.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), FileError> {
        self.file.write_all(bytes).map_err(FileError::write(&self.part))
    }

    /// Brings the bytes to the disk and gives the file its name, in one step as others see it.
    ///
    /// # Errors
    /// What the system says; nothing is left behind then.
    pub fn keep(self) -> Result<(), FileError> {
        self.file.sync_all().map_err(FileError::write(&self.part))?;
        let path = self.path.clone();
        self.publish()?;
        // The name is durable once its folder is. Some file systems cannot sync a folder; the file is complete all the same.
        if let Ok(folder) = File::open(folder_of(&path)) {
            let _ = folder.sync_all();
        }
        Ok(())
    }

    /// The same without waiting for the disk, for what is soon replaced or easily made again.
    ///
    /// # Errors
    /// What the system says; nothing is left behind then.
    pub fn publish(mut self) -> Result<(), FileError> {
        fs::rename(&self.part, &self.path).map_err(FileError::keep(&self.path))?;
        self.kept = true;
        Ok(())
    }
}

impl Drop for PartFile {
    fn drop(&mut self) {
        if !self.kept {
            let _ = fs::remove_file(&self.part);
        }
    }
}

/// Writes a small file: it is there whole or not at all.
///
/// # Errors
/// What the system says; nothing is left behind then.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let mut file = PartFile::create(path)?;
    file.write(bytes)?;
    file.publish()
}

/// `PATH` with an ending added to its name.
pub(crate) fn part_of(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(ending);
    PathBuf::from(name)
}

/// The folder a path lies in.
pub fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_there_only_when_it_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        fs::write(&path, "old").unwrap();
        let mut part = PartFile::create(&path).unwrap();
        part.write(b"new").unwrap();
        drop(part);
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "the part is gone");
        let mut part = PartFile::create(&path).unwrap();
        part.write(b"new").unwrap();
        part.keep().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        write(&path, b"newer").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "newer");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_mend() {
        let folder = tempfile::tempdir().unwrap();
        let error = PartFile::create(&folder.path().join("no/a")).unwrap_err();
        assert!(error.to_string().contains("no/a.part: No such file") && error.to_string().contains("; its folder must exist"), "{error}");
        fs::create_dir(folder.path().join("taken")).unwrap();
        let error = write(&folder.path().join("taken"), b"x").unwrap_err();
        assert!(error.to_string().contains("move away what is there"), "{error}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left");
    }
}
