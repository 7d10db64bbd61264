//! The files that such a lesson names: those of its folder, and pictures that are written into it.

use super::super::canvas::ImageFile;
use super::super::confine::confined;
use super::super::error::LessonError;
use super::super::hash::ContentHash;
use super::super::limits::{MAX_FILE_BYTES, read_file};
use super::super::raster::image_size;
use super::Reader;
use crate::part_file;
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use std::path::PathBuf;

/// Browsers write padding, people forget it.
const BASE64: GeneralPurpose =
    GeneralPurpose::new(&STANDARD, GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent));

impl Reader<'_> {
    /// The picture of this source; `None`, with a warning, when it cannot be had. `what` it belongs to is for the warning.
    ///
    /// # Errors
    /// When a picture that is written into the lesson cannot be put into the cache.
    pub(super) fn picture(&mut self, source: &str, what: &str) -> Result<Option<ImageFile>, LessonError> {
        let source = source.trim().trim_start_matches("url(").trim_end_matches(')').trim_matches(['"', '\'', ' ']);
        let path = match source.strip_prefix("data:") {
            Some(data) => self.inline(data, what)?,
            None => self.local(source, what),
        };
        let Some(path) = path else { return Ok(None) };
        match image_size(&path).and_then(|_| read_file(&path)) {
            Ok((_, hash)) => Ok(Some(ImageFile { path, hash })),
            Err(error) => {
                self.warn(format!("the picture of {what} is left out: {error}"));
                Ok(None)
            }
        }
    }

    /// A file of the lesson's folder; `None`, with a warning, when there is no such file.
    pub(super) fn local(&mut self, source: &str, what: &str) -> Option<PathBuf> {
        let remote = source.contains("://") || source.starts_with("//");
        let found = match remote {
            true => Err("nothing is fetched from other machines; put the file into the lesson's folder".into()),
            false => confined(&self.folder, source.split(['?', '#']).next().unwrap_or_default()),
        };
        match found {
            Ok(path) => Some(path),
            Err(cause) => {
                let short: String = source.chars().take(80).collect();
                self.warn(format!("{short:?} of {what} is left out: {cause}"));
                None
            }
        }
    }

    /// A picture from a data URL (RFC 2397, without its scheme), kept in the cache under its hash.
    fn inline(&mut self, data: &str, what: &str) -> Result<Option<PathBuf>, LessonError> {
        let body = data.split_once(',').filter(|(kind, _)| kind.ends_with(";base64")).map(|(_, body)| body);
        let bytes = body.filter(|body| body.len() as u64 <= MAX_FILE_BYTES).and_then(|body| BASE64.decode(body.trim()).ok());
        let Some(bytes) = bytes else {
            self.warn(format!("the picture of {what} is left out: it is no data URL with base64 in it"));
            return Ok(None);
        };
        let folder = &self.options.cache_dir;
        std::fs::create_dir_all(folder).map_err(LessonError::write(folder))?;
        let path = folder.join(format!("{}.picture", ContentHash::of(&bytes)));
        if !path.is_file() {
            part_file::write(&path, &bytes)?;
        }
        Ok(Some(path))
    }
}
