//! Files that are whole or not there.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Why a file could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot {doing} {}; {hint}", path.display())]
pub struct FileError {
    doing: &'static str,
    hint: &'static str,
    path: PathBuf,
    source: io::Error,
}

impl FileError {
    /// For `map_err`: the file could not be made.
    pub(super) fn create(path: &Path) -> impl FnOnce(io::Error) -> FileError {
        FileError::because("create", "its folder must exist and be writable", path)
    }

    /// For `map_err`: bytes could not be added.
    pub(super) fn write(path: &Path) -> impl FnOnce(io::Error) -> FileError {
        FileError::because("write", "make room on the disk, or choose a path on another one", path)
    }

    /// For `map_err`: the finished thing could not be given its name.
    pub(super) fn keep(path: &Path) -> impl FnOnce(io::Error) -> FileError {
        FileError::because("put the finished output at", "move away what is there, or choose another path", path)
    }

    fn because(doing: &'static str, hint: &'static str, path: &Path) -> impl FnOnce(io::Error) -> FileError {
        let path = path.to_path_buf();
        move |source| FileError { doing, hint, path, source }
    }
}

/// A file at `PATH.part` that goes to `PATH` when it is kept. Dropped before, it is removed.
#[derive(Debug)]
pub(super) struct PartFile {
    file: File,
    part: PathBuf,
    path: PathBuf,
    kept: bool,
}

impl PartFile {
    /// Makes `PATH.part`; one that a killed run left there is overwritten.
    pub(super) fn create(path: &Path) -> Result<PartFile, FileError> {
        let part = part_of(path);
        let file = File::create(&part).map_err(FileError::create(&part))?;
        Ok(PartFile { file, part, path: path.to_path_buf(), kept: false })
    }

    /// A second handle to the same file, for writers that want to own theirs.
    pub(super) fn handle(&self) -> Result<File, FileError> {
        self.file.try_clone().map_err(FileError::create(&self.part))
    }

    /// Appends bytes.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), FileError> {
        self.file.write_all(bytes).map_err(FileError::write(&self.part))
    }

    /// Brings the bytes to the disk and gives the file its name, in one step as others see it.
    pub(super) fn keep(self) -> Result<(), FileError> {
        self.file.sync_all().map_err(FileError::write(&self.part))?;
        self.publish()
    }

    /// The same without waiting for the disk, for what is soon replaced.
    pub(super) fn publish(mut self) -> Result<(), FileError> {
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

/// `PATH.part`.
pub(super) fn part_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_os_string();
    name.push(".part");
    PathBuf::from(name)
}

/// The folder a path lies in.
pub(super) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Whether a file can be made at `path`, as far as looking tells (only trying to write would tell all, and that is for `start`).
pub(super) fn check_file(path: &Path) -> Result<(), String> {
    if path.is_dir() {
        return Err(format!("{0} is a folder; name a file in it, such as {0}/lecture", path.display()));
    }
    check_folder(path)
}

/// Whether something can be made in the folder that `path` lies in.
pub(super) fn check_folder(path: &Path) -> Result<(), String> {
    let folder = folder_of(path);
    let (shown, place) = (path.display(), folder.display());
    match fs::metadata(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(format!("cannot write {shown}: the folder {place} does not exist; make it with `mkdir -p {place}`, or choose another path"))
        }
        Err(error) => Err(format!("cannot write {shown}: the folder {place} cannot be looked at ({error}); choose another path")),
        Ok(found) if !found.is_dir() => Err(format!("cannot write {shown}: {place} is a file, no folder; choose another path")),
        Ok(found) if found.permissions().readonly() => {
            Err(format!("cannot write {shown}: the folder {place} is read-only; allow it with `chmod u+w {place}`, or choose another path"))
        }
        Ok(_) => Ok(()),
    }
}

/// Whether a path has one of these endings (without the dot, in any case); which one.
pub(super) fn ending<'a>(path: &Path, endings: &[&'a str]) -> Option<&'a str> {
    let extension = path.extension()?.to_str()?;
    endings.iter().copied().find(|ending| extension.eq_ignore_ascii_case(ending))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

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
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_is_wrong_with_a_path_is_told_with_its_mend() {
        let folder = tempfile::tempdir().unwrap();
        let text = |path: &Path| check_file(path).unwrap_err();
        assert!(text(&folder.path().join("no/such/a.mp4")).contains("`mkdir -p "));
        assert!(text(folder.path()).contains("is a folder; name a file in it"));
        fs::write(folder.path().join("file"), "").unwrap();
        assert!(text(&folder.path().join("file/a.mp4")).contains("is a file, no folder"));
        let locked = folder.path().join("locked");
        fs::create_dir(&locked).unwrap();
        fs::set_permissions(&locked, fs::Permissions::from_mode(0o555)).unwrap();
        assert!(text(&locked.join("a.mp4")).contains("chmod u+w"));
        assert_eq!(check_file(&folder.path().join("a.mp4")), Ok(()));
        assert_eq!(check_file(Path::new("a.mp4")), Ok(()));
        let error = PartFile::create(&folder.path().join("no/a")).unwrap_err();
        assert!(error.to_string().contains("no/a.part; its folder must exist"), "{error}");
    }

    #[test]
    fn endings_are_read_in_any_case() {
        assert_eq!(ending(Path::new("a.SRT"), &["srt", "vtt"]), Some("srt"));
        assert_eq!(ending(Path::new("srt"), &["srt", "vtt"]), None);
    }
}
