//! `udta`: title, the marking of synthetic movies, and the chapter list that players without chapter tracks read.
//!
//! The marking is said twice. For people: the comment (`©cmt`) holds [`SYNTHETIC_COMMENT`], which players show. For programs: a
//! free-form item (`----`) of mean [`SYNTHETIC_MEAN`], name `synthetic` and value `voice,face`, which ffprobe lists as the tag `synthetic`.

use mp4_atom::{BufMut, Chpl, ChplEntry, Encode, Result};

use super::spec::MovieSpec;
use super::text::Chapter;

/// What the comment of a synthetic movie says.
pub const SYNTHETIC_COMMENT: &str = "The voice and the face in this video are synthetic: they were made by a computer.";
/// The namespace of the free-form item.
pub const SYNTHETIC_MEAN: &str = "lectern";

/// The chapter list counts in 8 bits, and so does each of its titles; the chapter track holds them all, whole.
const LIST_LIMIT: usize = 255;

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
                if spec.synthetic {
                    item(b"\xa9cmt", SYNTHETIC_COMMENT, buf)?;
                    free_form("synthetic", "voice,face", buf)?;
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
    fn long_titles_and_many_chapters_are_cut_in_the_list() {
        assert_eq!(shorten(&"é".repeat(200)).len(), 254);
        let chapters: Vec<_> = (0..300).map(|index| Chapter { start: Time(index), title: "x".into() }).collect();
        let spec = MovieSpec { title: None, language: String::new(), synthetic: false, tracks: vec![] };
        let mut bytes = Vec::new();
        encode_udta(&spec, &chapters, &mut bytes).unwrap();
        assert_eq!(&bytes[12..16], b"chpl");
        assert_eq!(bytes[24], 255);
    }
}
