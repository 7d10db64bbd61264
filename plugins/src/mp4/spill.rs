//! Files that are not yet the movie: the spilled media data, and the movie until it is whole.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::Mp4Error;

/// A file that is there only until it is kept: dropping it removes it.
#[derive(Debug)]
pub(super) struct PartFile {
    file: File,
    path: PathBuf,
    kept: bool,
}

impl PartFile {
    /// Creates `PATH` with this ending added to its name; a file left there by a killed run is overwritten.
    pub(super) fn create(path: &Path, ending: &str) -> Result<PartFile, Mp4Error> {
        let mut name = path.as_os_str().to_os_string();
        name.push(ending);
        let path = PathBuf::from(name);
        let file = File::options().read(true).write(true).create(true).truncate(true).open(&path).map_err(Mp4Error::io("create", &path))?;
        Ok(PartFile { file, path, kept: false })
    }

    /// Appends bytes.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), Mp4Error> {
        self.file.write_all(bytes).map_err(Mp4Error::io("write", &self.path))
    }

    /// Appends `length` bytes of the spilled data from `position` on, within the kernel where it can.
    pub(super) fn copy_from(&mut self, spill: &Spill, position: u64, length: u64) -> Result<(), Mp4Error> {
        let mut source = &spill.part.file;
        source.seek(SeekFrom::Start(position)).map_err(Mp4Error::io("read", &spill.part.path))?;
        let copied = io::copy(&mut source.take(length), &mut self.file).map_err(Mp4Error::io("write", &self.path))?;
        if copied != length {
            return Err(Mp4Error::io("read back what was written to", &spill.part.path)(io::ErrorKind::UnexpectedEof.into()));
        }
        Ok(())
    }

    /// Brings the file to the disk and to its final name, in one step as others see it.
    pub(super) fn keep_as(mut self, path: &Path) -> Result<(), Mp4Error> {
        self.file.sync_all().map_err(Mp4Error::io("write", &self.path))?;
        fs::rename(&self.path, path).map_err(Mp4Error::io("put the finished movie at", path))?;
        self.kept = true;
        // The name is durable once its folder is. Some file systems cannot sync a folder; the movie is complete all the same.
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if let Ok(folder) = File::open(folder) {
            let _ = folder.sync_all();
        }
        Ok(())
    }
}

impl Drop for PartFile {
    fn drop(&mut self) {
        if !self.kept {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// The media data in the order it came. Never kept.
#[derive(Debug)]
pub(super) struct Spill {
    part: PartFile,
    length: u64,
}

impl Spill {
    /// Creates `PATH.media.part`.
    pub(super) fn create(path: &Path) -> Result<Spill, Mp4Error> {
        Ok(Spill { part: PartFile::create(path, ".media.part")?, length: 0 })
    }

    /// Appends bytes and tells where they lie.
    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<u64, Mp4Error> {
        self.part.write(bytes)?;
        let position = self.length;
        self.length += bytes.len() as u64;
        Ok(position)
    }
}
