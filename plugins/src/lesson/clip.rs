//! Films as slides: what they are known by, and what is asked of them before they are shown.
//!
//! A film is recognised by its first bytes. Anything else stays away from the decoders: playlists and the like, which name further
//! files or addresses, are no films here.

use super::error::LessonError;
use super::limits::{MAX_FILM_BYTES, hash_file};
use super::model::{Clip, Lesson, Narration, Slide, Visual};
use super::{ImportOptions, slug};
use crate::gst::film_facts;
use engine::cue::Placement;
use engine::time::Span;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

/// How films are named in a folder of slides.
pub(super) const EXTENSIONS: [&str; 9] = ["mp4", "m4v", "mov", "mkv", "webm", "avi", "mpg", "mpeg", "ogv"];
/// So short a fade is not heard as one, and no click either.
const FADE_OUT: Span = Span::from_millis(10);

/// Which part of a film is wanted, and how.
pub(super) struct Part {
    pub from: Span,
    pub until: Option<Span>,
    pub sound: bool,
    pub fade_out: Option<Span>,
}

impl Part {
    /// All of it.
    pub const WHOLE: Part = Part { from: Span::ZERO, until: None, sound: true, fade_out: None };
}

/// The file begins as films do.
pub(super) fn is_film(path: &Path) -> Result<bool, LessonError> {
    // Before it is opened, which would wait for a writer of a pipe.
    if !std::fs::metadata(path).map_err(LessonError::read(path))?.is_file() {
        return Ok(false);
    }
    let mut head = Vec::new();
    File::open(path).and_then(|file| file.take(400).read_to_end(&mut head)).map_err(LessonError::read(path))?;
    Ok(begins_as_film(&head))
}

fn begins_as_film(head: &[u8]) -> bool {
    let at = |offset: usize, mark: &[u8]| head.get(offset..offset + mark.len()) == Some(mark);
    // ISO/IEC 14496-12, 4.2 and 4.3: a box has its name behind its length; the brand of a `ftyp` box comes next. Pictures have brands, too.
    let is_box = ["ftyp", "moov", "mdat", "wide", "free", "skip"].iter().any(|name| at(4, name.as_bytes()));
    let is_picture = at(4, b"ftyp") && ["heic", "heix", "mif1", "msf1", "avif"].iter().any(|brand| at(8, brand.as_bytes()));
    is_box && !is_picture || at(0, b"\x1a\x45\xdf\xa3") || at(0, b"RIFF") && at(8, b"AVI ") || at(0, b"OggS") || at(0, b"FLV\x01")
}

/// Looks at a film, and checks the part that is wanted.
pub(super) fn read(path: &Path, part: &Part) -> Result<Clip, LessonError> {
    let wrong = |cause: String| LessonError::Clip { path: path.into(), cause };
    if !is_film(path)? {
        return Err(wrong("it is no film that can be read; bring MP4, MOV, MKV, WebM or AVI".into()));
    }
    let bytes = std::fs::metadata(path).map_err(LessonError::read(path))?.len();
    if bytes > MAX_FILM_BYTES {
        return Err(wrong(format!("it has {} MiB; the limit is {} MiB: cut or compress it", bytes >> 20, MAX_FILM_BYTES >> 20)));
    }
    if let Some(missing) = missing(path, bytes).map_err(LessonError::read(path))? {
        return Err(wrong(format!("it is cut off, {} KiB are missing at its end; copy it again", missing.div_ceil(1024))));
    }
    let hash = hash_file(path)?;
    let facts = film_facts(path).map_err(|error| wrong(error.to_string()))?;
    let until = part.until.unwrap_or(facts.length);
    if part.from >= until || part.from >= facts.length {
        return Err(wrong(format!("the part from {} to {until} is empty; the film is {} long", part.from, facts.length)));
    }
    let length = until.min(facts.length) - part.from;
    let fade_out = part.fade_out.unwrap_or(FADE_OUT).min(length);
    let sound = part.sound && facts.has_sound;
    Ok(Clip { path: path.into(), hash, size: (facts.shape.width, facts.shape.height), from: part.from, length, sound, fade_out })
}

/// How many bytes an MP4 or MOV file lacks at its end: its boxes say how long they are (ISO/IEC 14496-12, 4.2).
fn missing(path: &Path, bytes: u64) -> std::io::Result<Option<u64>> {
    let mut file = File::open(path)?;
    let mut at = 0;
    while at + 8 <= bytes {
        file.seek(SeekFrom::Start(at))?;
        let mut head = Vec::new();
        file.by_ref().take(16).read_to_end(&mut head)?;
        let name_is_text = head[4..8].iter().all(|c| c.is_ascii_graphic() || *c == b' ' || *c == 0xa9);
        if !name_is_text || at == 0 && !matches!(&head[4..8], b"ftyp" | b"moov" | b"mdat" | b"wide" | b"free" | b"skip") {
            return Ok(None);
        }
        let size = match u32::from_be_bytes([head[0], head[1], head[2], head[3]]) {
            0 => return Ok(None),
            1 if head.len() == 16 => head[8..].iter().fold(0, |size: u64, byte| size << 8 | u64::from(*byte)),
            size => size.into(),
        };
        match at.checked_add(size) {
            Some(end) if size >= 8 && end <= bytes => at = end,
            Some(end) if size >= 8 => return Ok(Some(end - bytes)),
            _ => return Ok(None),
        }
    }
    Ok(None)
}

/// A film as a lesson of one slide, which it fills.
pub(super) fn import(path: &Path, options: &ImportOptions) -> Result<Lesson, LessonError> {
    let clip = read(path, &Part::WHOLE)?;
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    Ok(Lesson {
        id: slug(&stem),
        title: stem.clone(),
        language: options.language.clone().unwrap_or_else(|| "en".into()),
        size: clip.size,
        voices: Default::default(),
        pronounce: Default::default(),
        slides: vec![slide("film".into(), 1, stem, clip, None)],
        warnings: Vec::new(),
    })
}

/// A slide that shows a film. The presenter stands beside it only to say something.
pub(super) fn slide(id: String, number: usize, title: String, clip: Clip, said: Option<String>) -> Slide {
    Slide {
        id,
        number,
        title,
        voice: None,
        presenter: Placement { visible: said.is_some(), ..Placement::default() },
        narration: said.map_or(Narration::Silence(clip.length), Narration::Text),
        visual: Visual::Clip(clip),
        overlays: Vec::new(),
        transition: None,
        duration: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn films_are_known_by_their_first_bytes() {
        let films: [&[u8]; 4] = [b"\0\0\0\x20ftypisom", b"\x1a\x45\xdf\xa3\x01", b"RIFF\0\0\0\0AVI LIST", b"\0\0\0\x08wide"];
        assert!(films.iter().all(|head| begins_as_film(head)));
        let others: [&[u8]; 8] =
            [b"", b"\0\0\x01\xba\x44", b"RIFF\0\0\0\0WAVE", b"#EXTM3U\nhttp://", b"\0\0\0\x20ftypheic", b"GIF89a", b"%PDF-1.7", b"G"];
        assert!(!others.iter().any(|head| begins_as_film(head)));
    }
}
