//! Pictures of a document.

use super::super::ImportOptions;
use super::super::error::LessonError;
use super::super::hash::ContentHash;
use super::super::limits::read_file;
use super::super::raster::image_size;
use crate::part_file;
use std::path::{Path, PathBuf};

/// A picture of the document, readable and within the limits.
#[derive(Clone, Debug, PartialEq)]
pub(in super::super) struct Picture {
    pub path: PathBuf,
    pub hash: ContentHash,
    /// Width and height in pixels.
    pub size: (u32, u32),
    /// What it shows, in words; may be empty.
    pub text: String,
}

impl Picture {
    /// One that lies in a file.
    pub fn read(path: &Path, text: String) -> Result<Picture, LessonError> {
        let size = image_size(path)?;
        let (_, hash) = read_file(path)?;
        Ok(Picture { path: path.into(), hash, size, text })
    }

    /// One whose file, of a format with this ending, was inside of the document: it is kept with the decks.
    pub fn keep(file: &[u8], ending: &str, text: String, options: &ImportOptions) -> Result<Picture, LessonError> {
        let folder = &options.cache_dir;
        std::fs::create_dir_all(folder).map_err(LessonError::write(folder))?;
        let path = folder.join(format!("{}.{ending}", blake3::hash(file).to_hex()));
        if std::fs::read(&path).ok().as_deref() != Some(file) {
            part_file::write(&path, file)?;
        }
        Picture::read(&path, text)
    }
}
