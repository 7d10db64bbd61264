//! The media data of a movie until it is laid out.

use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use super::Mp4Error;
use crate::part_file::{FileError, PartFile};

/// The media data in the order it came. Never kept.
#[derive(Debug)]
pub(super) struct Spill {
    part: PartFile,
    length: u64,
}

impl Spill {
    /// Creates `PATH.media.part`.
    pub(super) fn create(path: &Path) -> Result<Spill, Mp4Error> {
        Ok(Spill { part: PartFile::create_as(path, ".media.part")?, length: 0 })
    }

    /// Appends bytes and tells where they lie.
    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<u64, Mp4Error> {
        self.part.write(bytes)?;
        let position = self.length;
        self.length += bytes.len() as u64;
        Ok(position)
    }

    /// Appends `length` bytes from `position` on to the movie, within the kernel where it can.
    pub(super) fn copy_to(&self, movie: &mut PartFile, position: u64, length: u64) -> Result<(), FileError> {
        let mut source = self.part.file();
        source.seek(SeekFrom::Start(position)).map_err(FileError::read_back(self.part.part()))?;
        let copied = io::copy(&mut source.take(length), &mut movie.file()).map_err(FileError::write(movie.part()))?;
        if copied != length {
            return Err(FileError::read_back(self.part.part())(io::ErrorKind::UnexpectedEof.into()));
        }
        Ok(())
    }
}
