//! Films kept as numbered PNG pictures in a folder: `frame_00000.png`, `frame_00001.png` and so on.

use super::error::LessonError;
use super::hash::{Canon, ContentHash};
use super::limits::{MAX_SLIDE, read_file};
use super::model::Frames;
use super::raster::image_size;
use engine::time::{Rate, Span};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Pictures a second where nobody says otherwise.
pub(super) const RATE: Rate = Rate::per_second(25);

/// Why a folder is no such film.
#[derive(Debug, thiserror::Error)]
pub enum FramesError {
    /// The system refused to read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The folder, or a file in it.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// No file of it has a number.
    #[error("{} holds no numbered .png file; export the frames as frame_0001.png, frame_0002.png and so on", .0.display())]
    Empty(PathBuf),
    /// A picture without a number.
    #[error("{} has no number in its name; number the frames, and move other pictures elsewhere", .0.display())]
    Unnumbered(PathBuf),
    /// Pictures of different names.
    #[error("{} and {} belong to different films; keep one film in a folder", .0.display(), .1.display())]
    Mixed(PathBuf, PathBuf),
    /// `1.png` and `01.png`.
    #[error("{} and {} have the same number; remove one of them", .0.display(), .1.display())]
    Twice(PathBuf, PathBuf),
    /// A number is left out.
    #[error("picture {missing} is missing: {} comes right before {}; export the frames again", before.display(), after.display())]
    Gap {
        /// The first number that is missing.
        missing: u64,
        /// The picture before it.
        before: PathBuf,
        /// The picture after it.
        after: PathBuf,
    },
}

/// The pictures of a folder by number; at least one. Their names differ by their numbers only, and no number is left out.
///
/// # Errors
/// What is wrong with them.
pub fn numbered(folder: &Path) -> Result<Vec<PathBuf>, FramesError> {
    let unreadable = |source| FramesError::Read { path: folder.into(), source };
    let mut files: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("png")) {
            files.push(path);
        }
    }
    // Messages name the same files wherever the folder lies.
    files.sort();
    let mut numbered: BTreeMap<u64, &PathBuf> = BTreeMap::new();
    let mut film: Option<(&PathBuf, String, String)> = None;
    for path in &files {
        let (before, number, after) = number(path).ok_or_else(|| FramesError::Unnumbered(path.clone()))?;
        match &film {
            Some((first, prefix, suffix)) if *prefix != before || *suffix != after => {
                return Err(FramesError::Mixed((*first).clone(), path.clone()));
            }
            Some(_) => {}
            None => film = Some((path, before, after)),
        }
        if let Some(other) = numbered.insert(number, path) {
            return Err(FramesError::Twice(other.clone(), path.clone()));
        }
    }
    let mut last: Option<(u64, &PathBuf)> = None;
    for (&number, &path) in &numbered {
        if let Some((before, file)) = last.filter(|(before, _)| before + 1 != number) {
            return Err(FramesError::Gap { missing: before + 1, before: file.clone(), after: path.clone() });
        }
        last = Some((number, path));
    }
    match numbered.is_empty() {
        true => Err(FramesError::Empty(folder.into())),
        false => Ok(numbered.into_values().cloned().collect()),
    }
}

/// The last number in a file's name, with the text before and after it.
fn number(path: &Path) -> Option<(String, u64, String)> {
    let stem = path.file_stem()?.to_str()?;
    let end = stem.rfind(|c: char| c.is_ascii_digit())? + 1;
    let start = stem[..end].rfind(|c: char| !c.is_ascii_digit()).map_or(0, |at| at + stem[at..].chars().next().map_or(1, char::len_utf8));
    // 18 digits always fit.
    (end - start <= 18).then_some(())?;
    Some((stem[..start].into(), stem[start..end].parse().ok()?, stem[end..].into()))
}

/// The film in a folder, read whole for its hash, and the size of its pictures.
pub(super) fn film(folder: &Path, rate: Rate) -> Result<(Frames, (u32, u32)), LessonError> {
    let files = numbered(folder).map_err(|error| LessonError::invalid(folder, error))?;
    let length = rate.span_of(files.len() as i64);
    if length > MAX_SLIDE {
        let what = format!("its film takes {length}");
        return Err(LessonError::Limit { path: folder.into(), what, limit: MAX_SLIDE.to_string() });
    }
    let size = image_size(&files[0])?;
    let mut hashes: Vec<ContentHash> = Vec::with_capacity(files.len());
    let resolved = folder.canonicalize().map_err(LessonError::read(folder))?;
    for file in &files {
        if !file.canonicalize().is_ok_and(|file| file.starts_with(&resolved)) {
            return Err(LessonError::invalid(file, "it is a link that leads out of its folder; copy the file there"));
        }
        hashes.push(read_file(file)?.1);
    }
    let hash = Canon::new("frames 1").list(&hashes, |canon, hash| canon.hash(*hash)).finish();
    Ok((Frames { folder: folder.into(), count: files.len(), rate, hash }, size))
}

impl Frames {
    /// How long it takes.
    pub fn length(&self) -> Span {
        self.rate.span_of(self.count as i64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_found_in_all_kinds_of_names() {
        let of = |name: &str| number(Path::new(name)).map(|(before, number, after)| format!("{before}|{number}|{after}"));
        assert_eq!(of("a/frame_0012.png").as_deref(), Some("frame_|12|"));
        assert_eq!(of("take2-7-key.png").as_deref(), Some("take2-|7|-key"));
        assert_eq!(of("é5.png").as_deref(), Some("é|5|"));
        assert_eq!((of("x.png"), of("1234567890123456789.png")), (None, None));
    }
}
