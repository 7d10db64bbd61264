//! Edit lists of MP4 files (ISO/IEC 14496-12, 8.6.6): which part of a track is to be heard. The demuxer leaves them aside, but they are
//! where the delay of an AAC encoder is told. Delays of a whole track are not kept, and of several edits only the beginning of the first:
//! recordings have one.

use super::SEARCH;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;

/// Bytes of an MP4's tables; four hours need a tenth of it.
const LARGEST_TABLES: u64 = 64 << 20;

/// The part of a track to be heard.
pub(super) struct Edit {
    /// Number of the track.
    pub track: u32,
    /// Ticks a second of the track.
    timescale: u32,
    /// First tick to be heard.
    start: u64,
    /// How much is heard, and in how many ticks a second that is told; `None` = all that follows.
    length: Option<(u64, u32)>,
}

impl Edit {
    /// The samples to be heard of `decoded` ones, when the tables of the track tell of `written` ticks (0 = nothing told).
    pub fn heard(&self, decoded: usize, written: u64, rate: u32) -> Range<usize> {
        let samples = |ticks: u64, timescale: u32| u128::from(ticks) * u128::from(rate) / u128::from(timescale.max(1));
        let start = samples(self.start, self.timescale);
        let mut end = if written == 0 { decoded as u128 } else { samples(written, self.timescale).min(decoded as u128) };
        if let Some((length, timescale)) = self.length {
            // The length is rounded to its ticks, mostly milliseconds; where it means all there is, all there is counts.
            let told = start + samples(length, timescale);
            end = if told + samples(1, timescale) < end { told } else { end };
        }
        start.min(end) as usize..end as usize
    }
}

/// The edits of the tracks of an MP4 that have some; nothing for other files. The file begins, as the demuxer has it, with an `ftyp` box
/// within the first [`SEARCH`] bytes.
///
/// # Errors
/// Reading fails, or, as [`io::ErrorKind::InvalidData`], a fragment claims more packets than the file has bytes.
pub(super) fn edits(file: &mut (impl Read + Seek), bytes: u64) -> io::Result<Vec<Edit>> {
    let mut head = Vec::new();
    file.by_ref().take(SEARCH.into()).read_to_end(&mut head)?;
    let begins = head.get(4..).and_then(|head| head.windows(4).position(|kind| kind == b"ftyp"));
    let Some(mut at) = begins.map(|at| at as u64) else { return Ok(Vec::new()) };
    let mut edits = Vec::new();
    while let Some(top) = top_box(file, at)? {
        match &top.kind {
            b"moov" => edits.extend(edits_in(&top.content(file)?)),
            b"moof" if claims_too_much(&top.content(file)?, bytes) => {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "it claims more packets than it has bytes"));
            }
            _ => {}
        }
        at = top.next;
    }
    Ok(edits)
}

/// The edits that the `moov` box of an MP4 holds.
fn edits_in(moov: &[u8]) -> Vec<Edit> {
    let edit_of = |trak: &[u8], movie: u32| -> Option<Edit> {
        let list = inside(trak, &[b"edts", b"elst"])?;
        let wide = list.first() == Some(&1);
        let entries = list.get(8..)?.chunks_exact(if wide { 20 } else { 12 });
        // Length and start of each; a negative start is a delay.
        let mut edits = entries.filter_map(|entry| match wide {
            true => Some((u64_at(entry, 0)?, u64_at(entry, 8).filter(|&start| start < 1 << 63)?)),
            false => Some((u32_at(entry, 0)?.into(), u32_at(entry, 4).filter(|&start| start < 1 << 31)?.into())),
        });
        let (length, start) = edits.next()?;
        let only = edits.next().is_none() && length > 0;
        let (track, timescale) = (number(inside(trak, &[b"tkhd"])?)?, number(inside(trak, &[b"mdia", b"mdhd"])?)?);
        Some(Edit { track, timescale, start, length: only.then_some((length, movie)) })
    };
    let movie = inside(moov, &[b"mvhd"]).and_then(number);
    let traks = boxes(moov).filter(|(kind, _)| kind == b"trak");
    movie.map_or(Vec::new(), |movie| traks.filter_map(|(_, trak)| edit_of(trak, movie)).collect())
}

/// Whether a `moof` box claims more packets than the file has bytes, in a `trun` box (ISO/IEC 14496-12, 8.8.8). The demuxer counts up to
/// that number, which may be four billion, also where nothing is written for a packet.
fn claims_too_much(moof: &[u8], bytes: u64) -> bool {
    // Wherever it stands: damaged boxes around it are no way past.
    let too_many = |run: &[u8]| run.starts_with(b"trun") && u32_at(run, 8).is_some_and(|count| u64::from(count) > bytes);
    moof.windows(12).any(too_many)
}

/// A box on the highest level of an MP4.
struct TopBox {
    kind: [u8; 4],
    /// Where its content begins in the file, and how long it is.
    begin: u64,
    length: u64,
    /// Where the next box stands.
    next: u64,
}

impl TopBox {
    fn content(&self, file: &mut (impl Read + Seek)) -> io::Result<Vec<u8>> {
        let mut content = Vec::new();
        file.seek(SeekFrom::Start(self.begin))?;
        file.by_ref().take(self.length.min(LARGEST_TABLES)).read_to_end(&mut content)?;
        Ok(content)
    }
}

/// The box that stands `at` this place of the file; `None` at its end and where none can.
fn top_box(file: &mut (impl Read + Seek), at: u64) -> io::Result<Option<TopBox>> {
    file.seek(SeekFrom::Start(at))?;
    let mut head = Vec::new();
    file.by_ref().take(16).read_to_end(&mut head)?;
    let (Some(short), Some(&kind)) = (u32_at(&head, 0), head.get(4..).and_then(<[u8]>::first_chunk)) else { return Ok(None) };
    let (begin, size) = match short {
        // To the end of the file.
        0 => (8, i64::MAX as u64 - at),
        1 => (16, u64_at(&head, 8).unwrap_or(0)),
        short => (8, u64::from(short)),
    };
    let next = at.saturating_add(size);
    let whole = size >= begin && next <= i64::MAX as u64;
    Ok(whole.then(|| TopBox { kind, begin: at + begin, length: size - begin, next }))
}

/// The boxes in `data`, type and content, as far as they are whole.
fn boxes(mut data: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    std::iter::from_fn(move || {
        let size = u32_at(data, 0)? as usize;
        let (kind, content) = (data.get(4..8)?, data.get(8..size)?);
        data = &data[size..];
        Some((kind, content))
    })
}

/// The content of the box at the end of `path`.
fn inside<'a>(data: &'a [u8], path: &[&[u8; 4]]) -> Option<&'a [u8]> {
    path.iter().try_fold(data, |data, &name| boxes(data).find(|(kind, _)| kind == name).map(|(_, content)| content))
}

/// What `mvhd`, `tkhd` and `mdhd` hold behind their two dates: ticks a second, the track's number, ticks a second.
fn number(content: &[u8]) -> Option<u32> {
    u32_at(content, if content.first() == Some(&1) { 20 } else { 12 })
}

fn u32_at(data: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(data.get(at..)?.first_chunk().copied()?))
}

fn u64_at(data: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_be_bytes(data.get(at..)?.first_chunk().copied()?))
}
