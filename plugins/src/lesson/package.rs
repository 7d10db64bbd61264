//! The zip file that an office document is, with guards against zip bombs.
//!
//! Every entry is unpacked once through a counter when the package is opened: that finds truncated and damaged entries, gives each
//! part its hash and holds the true sizes, not the stated ones, against the limits.

use super::error::LessonError;
use super::hash::ContentHash;
use super::limits::MAX_PIXELS;
use super::raster::pixels;
use super::xml::{self, Element};
use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};
use zip::ZipArchive;

const MAX_ENTRIES: usize = 65_535;
const MAX_UNPACKED: u64 = 1 << 30;
/// Presentations reach 20 (plain XML); a bomb has a thousand.
const MAX_RATIO: u64 = 200;
/// Below this size no ratio is suspicious.
const RATIO_COUNTS_FROM: u64 = 64 << 20;
const MAX_XML: u64 = 64 << 20;
/// A picture tells its size within its first bytes; before that there may be a colour profile and a thumbnail.
const PICTURE_HEAD: u64 = 1 << 20;

/// An opened package; part names have no leading slash.
pub(super) struct Package<'a> {
    path: PathBuf,
    archive: ZipArchive<Cursor<&'a [u8]>>,
    parts: BTreeMap<String, (usize, ContentHash)>,
}

impl<'a> Package<'a> {
    /// Opens and verifies the zip in `bytes`; `path` is for messages.
    pub fn open(path: &Path, bytes: &'a [u8]) -> Result<Package<'a>, LessonError> {
        let bomb = |what: String| LessonError::Limit {
            path: path.into(),
            what,
            limit: format!(
                "{MAX_ENTRIES} parts, {} MiB unpacked and {MAX_RATIO} times the packed size, as protection against zip bombs",
                MAX_UNPACKED >> 20
            ),
        };
        let damaged = |cause: String| LessonError::damaged(path, cause);
        let mut archive =
            ZipArchive::new(Cursor::new(bytes)).map_err(|error| damaged(format!("it is cut off or no zip package ({error})")))?;
        if archive.len() > MAX_ENTRIES {
            return Err(bomb(format!("it has {} parts", archive.len())));
        }
        let most = MAX_UNPACKED.min((bytes.len() as u64 * MAX_RATIO).max(RATIO_COUNTS_FROM));
        let mut parts = BTreeMap::new();
        let mut left = most;
        for index in 0..archive.len() {
            if archive.by_index_raw(index).is_ok_and(|entry| entry.encrypted()) {
                return Err(LessonError::Encrypted { path: path.into() });
            }
            let entry = archive.by_index(index).map_err(|error| damaged(format!("part {index} cannot be read ({error})")))?;
            let name = entry.name().map_err(|error| damaged(format!("the name of part {index} cannot be read ({error})")))?.into_owned();
            if entry.size() > left {
                return Err(bomb(format!("it unpacks to more than {} MiB", most >> 20)));
            }
            let mut hasher = blake3::Hasher::new();
            let read = std::io::copy(&mut entry.take(left + 1), &mut hasher)
                .map_err(|error| damaged(format!("part {name:?} cannot be unpacked ({error})")))?;
            left = left.checked_sub(read).ok_or_else(|| bomb(format!("it unpacks to more than {} MiB", most >> 20)))?;
            parts.insert(name.trim_start_matches('/').to_string(), (index, ContentHash(*hasher.finalize().as_bytes())));
        }
        Ok(Package { path: path.into(), archive, parts })
    }

    /// Where the package came from, for messages.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The hash of a part.
    pub fn hash(&self, name: &str) -> Option<ContentHash> {
        self.parts.get(self.actual(name)?).map(|(_, hash)| *hash)
    }

    /// The names of all parts, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.parts.keys().map(String::as_str)
    }

    /// The bytes of a part; `None` when there is none of this name.
    pub fn read(&mut self, name: &str) -> Result<Option<Vec<u8>>, LessonError> {
        let Some((index, _)) = self.actual(name).and_then(|name| self.parts.get(name)).copied() else { return Ok(None) };
        let damaged = |cause: String| LessonError::damaged(&self.path, cause);
        let entry = self.archive.by_index(index).map_err(|error| damaged(format!("part {name:?} cannot be read ({error})")))?;
        if entry.size() > MAX_XML {
            return Err(damaged(format!("part {name:?} has {} MiB, which is no slide", entry.size() >> 20)));
        }
        let mut bytes = Vec::new();
        entry.take(MAX_XML).read_to_end(&mut bytes).map_err(|error| damaged(format!("part {name:?} cannot be unpacked ({error})")))?;
        Ok(Some(bytes))
    }

    /// Fails when a part is a picture of more pixels than the limit: whoever unpacks it would need gigabytes. Parts of other kinds, and
    /// pictures whose format is not known here, pass.
    pub fn check_picture(&mut self, name: &str) -> Result<(), LessonError> {
        let Some((index, _)) = self.actual(name).and_then(|name| self.parts.get(name)).copied() else { return Ok(()) };
        let mut head = Vec::new();
        // That it can be unpacked was seen when the package was opened.
        let read = self.archive.by_index(index).map(|entry| entry.take(PICTURE_HEAD).read_to_end(&mut head));
        match read.ok().and_then(|_| pixels(&head)) {
            Some((width, height)) if u64::from(width) * u64::from(height) > MAX_PIXELS => Err(LessonError::Limit {
                path: self.path.clone(),
                what: format!("its picture {name:?} has {width}x{height} pixels"),
                limit: format!("{} megapixels: scale it down", MAX_PIXELS / 1_000_000),
            }),
            _ => Ok(()),
        }
    }

    /// A part as XML; `None` when there is none of this name.
    pub fn xml(&mut self, name: &str) -> Result<Option<Element>, LessonError> {
        let Some(bytes) = self.read(name)? else { return Ok(None) };
        xml::parse(&bytes).map(Some).map_err(|error| LessonError::damaged(&self.path, format!("part {name:?} {error}")))
    }

    /// A part that the format demands.
    pub fn required_xml(&mut self, name: &str) -> Result<Element, LessonError> {
        self.xml(name)?.ok_or_else(|| LessonError::damaged(&self.path, format!("part {name:?} is missing")))
    }

    /// Part names are compared without regard to case (ECMA-376 part 2, 6.2.2.3), and some writers rely on it.
    fn actual(&self, name: &str) -> Option<&str> {
        match self.parts.get_key_value(name) {
            Some((name, _)) => Some(name),
            None => self.parts.keys().find(|key| key.eq_ignore_ascii_case(name)).map(String::as_str),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use zip::write::{SimpleFileOptions, ZipWriter};

    fn zip(parts: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes) in parts {
            writer.start_file(*name, SimpleFileOptions::default()).unwrap();
            writer.write_all(bytes).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    fn open_error(bytes: &[u8]) -> String {
        Package::open(Path::new("a.pptx"), bytes).err().expect("refused").to_string()
    }

    #[test]
    fn parts_are_found_whatever_their_case() {
        let bytes = zip(&[("ppt/Slides/Slide1.xml", b"<a>x</a>")]);
        let mut package = Package::open(Path::new("a.pptx"), &bytes).unwrap();
        assert_eq!(package.xml("ppt/slides/slide1.xml").unwrap().unwrap().text(), "x");
        assert_eq!(package.hash("ppt/slides/slide1.xml"), Some(ContentHash::of(b"<a>x</a>")));
        assert!(package.read("ppt/slides/slide2.xml").unwrap().is_none());
        assert!(package.required_xml("b").unwrap_err().to_string().contains("part \"b\" is missing"));
    }

    #[test]
    fn a_bomb_is_refused_without_unpacking_it_whole() {
        let bytes = zip(&[("a", &vec![0; (RATIO_COUNTS_FROM + (16 << 20)) as usize])]);
        assert!(bytes.len() < 100_000);
        assert!(open_error(&bytes).contains("zip bombs"), "{}", open_error(&bytes));
    }

    #[test]
    fn a_bomb_that_lies_about_its_size_is_refused_too() {
        let mut bytes = zip(&[("a", &vec![0; (RATIO_COUNTS_FROM + (16 << 20)) as usize])]);
        let directory = bytes.windows(4).rposition(|window| window == b"PK\x01\x02").unwrap();
        bytes[directory + 24..directory + 28].copy_from_slice(&100u32.to_le_bytes());
        bytes[22..26].copy_from_slice(&100u32.to_le_bytes());
        let error = open_error(&bytes);
        assert!(error.contains("zip bombs") || error.contains("damaged"), "{error}");
    }

    #[test]
    fn truncated_and_corrupt_files_are_called_damaged() {
        let noise: Vec<u8> = (0..40_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        let bytes = zip(&[("a", &noise), ("b", b"x")]);
        assert!(open_error(&bytes[..bytes.len() / 2]).contains("is damaged"));
        let mut corrupt = bytes.clone();
        corrupt[1000] ^= 0x55;
        assert!(open_error(&corrupt).contains("cannot be unpacked"), "{}", open_error(&corrupt));
        assert!(open_error(b"PK\x03\x04").contains("cut off"));
    }
}
