//! `udta`: title, the marking of synthetic movies, and the chapter list that players without chapter tracks read.
//!
//! The marking is said twice. For people: the comment (`©cmt`) holds [`SYNTHETIC_COMMENT`], which players show. For programs: a
//! free-form item (`----`) of mean [`SYNTHETIC_MEAN`], name `synthetic` and value `voice,face`, which ffprobe lists as the tag `synthetic`.
//! A movie with only one of the two says so of that one.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use mp4_atom::{BufMut, Chpl, ChplEntry, Encode, Result};

use super::spec::MovieSpec;
use super::text::Chapter;

/// What the comment of a movie says whose voice and face are synthetic.
pub const SYNTHETIC_COMMENT: &str = "The voice and the face in this video are synthetic: they were made by a computer.";
const SYNTHETIC_VOICE: &str = "The voice in this video is synthetic: it was made by a computer.";
const SYNTHETIC_FACE: &str = "The face in this video is synthetic: it was made by a computer.";
/// The namespace of the free-form item.
pub const SYNTHETIC_MEAN: &str = "lectern";

/// Bytes at a film's beginning and at its end among which its comment lies, whatever program has written it.
const ENDS: u64 = 8 << 20;

/// The chapter list counts in 8 bits, and so does each of its titles; the chapter track holds them all, whole.
const LIST_LIMIT: usize = 255;

/// What in a movie was made by a computer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Synthetic {
    /// The voice.
    pub voice: bool,
    /// The face.
    pub face: bool,
}

impl Synthetic {
    /// Neither.
    pub const NONE: Synthetic = Synthetic { voice: false, face: false };
    /// Both.
    pub const ALL: Synthetic = Synthetic { voice: true, face: true };

    /// What a film says of itself in one of the comments above.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn of_film(path: &Path) -> io::Result<Synthetic> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        let mut bytes = Vec::new();
        file.by_ref().take(ENDS).read_to_end(&mut bytes)?;
        file.seek(SeekFrom::Start(length.saturating_sub(ENDS).max(bytes.len() as u64)))?;
        file.take(ENDS).read_to_end(&mut bytes)?;
        let mut found = Synthetic::NONE;
        for (at, _) in bytes.windows(4).enumerate().filter(|(_, four)| **four == *b"The ") {
            let says = |comment: &str| bytes[at..].starts_with(comment.as_bytes());
            found.voice |= says(SYNTHETIC_COMMENT) || says(SYNTHETIC_VOICE);
            found.face |= says(SYNTHETIC_COMMENT) || says(SYNTHETIC_FACE);
        }
        Ok(found)
    }

    /// The text of a marker cue by which those downstream learn what such a film says; none for neither.
    pub fn marker(self) -> Option<String> {
        self.said().map(|(_, parts)| format!("synthetic:{parts}"))
    }

    /// What a marker cue says, if it is one of these.
    pub fn of_marker(text: &str) -> Option<Synthetic> {
        let parts = text.strip_prefix("synthetic:")?;
        let has = |name| parts.split(',').any(|part| part == name);
        Some(Synthetic { voice: has("voice"), face: has("face") })
    }

    /// The comment and the value of the free-form item.
    fn said(self) -> Option<(&'static str, &'static str)> {
        match (self.voice, self.face) {
            (true, true) => Some((SYNTHETIC_COMMENT, "voice,face")),
            (true, false) => Some((SYNTHETIC_VOICE, "voice")),
            (false, true) => Some((SYNTHETIC_FACE, "face")),
            (false, false) => None,
        }
    }
}

/// Writes `udta`.
pub(super) fn encode_udta<B: BufMut>(spec: &MovieSpec, chapters: &[Chapter], buf: &mut B) -> Result<()> {
    buf.encode_atom(b"udta", |buf| {
        if !chapters.is_empty() {
            // Starts are in units of 100 ns.
            let entry = |chapter: &Chapter| ChplEntry { start: chapter.start.to_nanos() as u64 / 100, title: shorten(&chapter.title) };
            Chpl { entries: chapters.iter().take(LIST_LIMIT).map(entry).collect() }.encode(buf)?;
        }
        // The iTunes metadata format: `meta` with the handler `mdir`/`appl`, then a list of items.
        buf.encode_atom(b"meta", |buf| {
            0u32.encode(buf)?;
            buf.encode_atom(b"hdlr", |buf| b"\0\0\0\0\0\0\0\0mdirappl\0\0\0\0\0\0\0\0\0".as_slice().encode(buf))?;
            buf.encode_atom(b"ilst", |buf| {
                if let Some(title) = &spec.title {
                    item(b"\xa9nam", title, buf)?;
                }
                item(b"\xa9too", "Lectern", buf)?;
                if let Some((comment, parts)) = spec.synthetic.said() {
                    item(b"\xa9cmt", comment, buf)?;
                    free_form("synthetic", parts, buf)?;
                }
                Ok(())
            })
        })
    })
}

fn item<B: BufMut>(kind: &[u8; 4], text: &str, buf: &mut B) -> Result<()> {
    buf.encode_atom(kind, |buf| data(text, buf))
}

fn free_form<B: BufMut>(name: &str, value: &str, buf: &mut B) -> Result<()> {
    let label = |kind: &[u8; 4], text: &str, buf: &mut B| {
        buf.encode_atom(kind, |buf| {
            0u32.encode(buf)?;
            text.as_bytes().encode(buf)
        })
    };
    buf.encode_atom(b"----", |buf| {
        label(b"mean", SYNTHETIC_MEAN, buf)?;
        label(b"name", name, buf)?;
        data(value, buf)
    })
}

fn data<B: BufMut>(text: &str, buf: &mut B) -> Result<()> {
    buf.encode_atom(b"data", |buf| {
        1u32.encode(buf)?; // UTF-8
        0u32.encode(buf)?; // any locale
        text.as_bytes().encode(buf)
    })
}

/// The longest beginning of whole characters within the limit.
fn shorten(title: &str) -> String {
    title[..title.floor_char_boundary(LIST_LIMIT)].to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::time::Time;

    #[test]
    fn what_is_synthetic_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.mp4");
        for (voice, face) in [(true, true), (true, false), (false, true), (false, false)] {
            let synthetic = Synthetic { voice, face };
            let spec = MovieSpec { title: Some("The end".into()), language: String::new(), synthetic, tracks: vec![] };
            let mut udta = Vec::new();
            encode_udta(&spec, &[], &mut udta).unwrap();
            let media = vec![b'T'; 3 * ENDS as usize];
            for bytes in [udta.clone(), [&udta[..], &media[..]].concat(), [&media[..], &udta[..]].concat()] {
                std::fs::write(&path, bytes).unwrap();
                assert_eq!(Synthetic::of_film(&path).unwrap(), synthetic);
            }
            assert_eq!(synthetic.marker().map_or(Some(Synthetic::NONE), |text| Synthetic::of_marker(&text)), Some(synthetic));
        }
        assert_eq!(Synthetic::of_marker("embed:https://example.org"), None);
    }

    #[test]
    fn long_titles_and_many_chapters_are_cut_in_the_list() {
        assert_eq!(shorten(&"é".repeat(200)).len(), 254);
        let chapters: Vec<_> = (0..300).map(|index| Chapter { start: Time(index), title: "x".into() }).collect();
        let spec = MovieSpec { title: None, language: String::new(), synthetic: Synthetic::NONE, tracks: vec![] };
        let mut bytes = Vec::new();
        encode_udta(&spec, &chapters, &mut bytes).unwrap();
        assert_eq!(&bytes[12..16], b"chpl");
        assert_eq!(bytes[24], 255);
    }
}
