//! The tag of an MP3 file: its title and its chapters.
//!
//! ID3v2.4 (id3.org, "ID3 tag version 2.4.0 - Main Structure") with the frames CHAP and CTOC of "ID3v2 Chapter Frame Addendum". Text is
//! UTF-8. The same chapters give the same bytes.

use engine::time::Span;

/// A chapter, in time from the start of the sound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Chapter {
    pub start: Span,
    pub end: Span,
    pub title: String,
}

/// Entries that a table of contents counts at most.
const MOST: usize = 255;
/// UTF-8, in a text frame.
const UTF_8: u8 = 3;
/// The place in the file is not given, the time counts.
const BY_TIME: [u8; 8] = [0xff; 8];
/// Of the table of contents: it is the topmost, and its entries are in order.
const TOP_AND_ORDERED: u8 = 0b11;

/// A number in bytes of seven bits, so that none looks like the start of a frame of sound.
fn syncsafe(number: usize) -> [u8; 4] {
    [21, 14, 7, 0].map(|shift| (number >> shift & 0x7f) as u8)
}

fn frame(id: &[u8; 4], content: &[u8]) -> Vec<u8> {
    [id.as_slice(), &syncsafe(content.len()), &[0, 0], content].concat()
}

fn text(id: &[u8; 4], text: &str) -> Vec<u8> {
    frame(id, &[&[UTF_8], text.as_bytes()].concat())
}

fn name(index: usize) -> Vec<u8> {
    format!("chapter{}\0", index + 1).into_bytes()
}

/// The whole tag, to stand before the sound; empty when there is nothing to say. Chapters after the 255th are left out.
pub(super) fn tag(title: Option<&str>, chapters: &[Chapter]) -> Vec<u8> {
    let chapters = &chapters[..chapters.len().min(MOST)];
    let mut frames = title.map(|title| text(b"TIT2", title)).unwrap_or_default();
    if !chapters.is_empty() {
        let names: Vec<u8> = (0..chapters.len()).flat_map(name).collect();
        frames.extend(frame(b"CTOC", &[b"toc\0".as_slice(), &[TOP_AND_ORDERED, chapters.len() as u8], &names].concat()));
    }
    for (index, chapter) in chapters.iter().enumerate() {
        let at = |span: Span| (span.to_millis().max(0) as u32).to_be_bytes();
        let content = [&name(index), at(chapter.start).as_slice(), &at(chapter.end), &BY_TIME, &text(b"TIT2", &chapter.title)].concat();
        frames.extend(frame(b"CHAP", &content));
    }
    if frames.is_empty() { frames } else { [b"ID3\x04\x00\x00".as_slice(), &syncsafe(frames.len()), &frames].concat() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_syncsafe_and_nothing_to_say_is_nothing() {
        assert_eq!(syncsafe(257), [0, 0, 2, 1]);
        assert!(tag(None, &[]).is_empty());
        let chapters = vec![Chapter { start: Span::ZERO, end: Span::SECOND, title: "ä".repeat(200) }; 300];
        let tag = tag(Some("T"), &chapters);
        let size = tag[6..10].iter().fold(0, |size, byte| size << 7 | usize::from(*byte));
        assert_eq!(size, tag.len() - 10);
        assert!(tag[6..10].iter().all(|byte| *byte < 0x80));
        assert_eq!(tag.windows(4).filter(|window| window == b"CHAP").count(), MOST);
    }
}
