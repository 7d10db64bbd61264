//! Where everything lies in the file: `ftyp`, `moov`, then `mdat` with the chunks of all tracks ordered by time.

use engine::time::Time;
use mp4_atom::{BufMut, ElstEntry, Encode, Ftyp};

use super::Mp4Error;
use super::metadata::encode_udta;
use super::scale::TimeScale;
use super::spec::{Media, MovieSpec};
use super::table::{Chunk, SampleTable};
use super::text::Chapter;
use super::timing::{Last, Slot, schedule};
use super::trak::{Head, Role, edit, mvhd};

/// A track that is complete: its times are settled, and soon its place in the file.
#[derive(Debug)]
pub(super) struct Laid {
    pub(super) role: Role,
    pub(super) slots: Vec<Slot>,
    scale: TimeScale,
    entry: Vec<u8>,
    table: SampleTable,
    edits: Vec<ElstEntry>,
    /// When its last unit ends, in ticks of the movie: the movie's end, or earlier where the sound ends earlier.
    until: u64,
    /// Of the chunks, in the file.
    offsets: Vec<u64>,
}

impl Laid {
    /// Settles the times of a track with at least one unit in a movie that lasts until `end`; `index` counts tracks from 0.
    pub(super) fn new(
        index: usize,
        role: Role,
        scale: TimeScale,
        entry: Vec<u8>,
        table: SampleTable,
        end: Time,
        movie: TimeScale,
    ) -> Result<Laid, Mp4Error> {
        let (priming, last) = match role {
            Role::Media(Media::Audio { unit_samples, priming }) => {
                (u64::from(priming), Last::Samples(unit_samples, scale.ticks(end).saturating_add(priming.into())))
            }
            _ => (0, Last::Until(scale.ticks(end))),
        };
        let slots = schedule(index, scale, &table.pts, last)?;
        let start = table.pts.iter().copied().min().unwrap_or_default();
        if end <= start {
            return Err(Mp4Error::Unit { track: index, at: start, problem: "the movie ends before this track begins; give a later end" });
        }
        let (start, end) = (movie.ticks(start) as u64, movie.ticks(end) as u64);
        let until = match role {
            // The movie's scale is a multiple of every sample rate.
            Role::Media(Media::Audio { .. }) => {
                let heard = media_duration(&slots).saturating_sub(priming);
                end.min(start + heard * u64::from(movie.per_second() / scale.per_second()))
            }
            _ => end,
        };
        let offsets = vec![0; table.chunks.len()];
        Ok(Laid { role, slots, scale, entry, edits: edits(start, priming, until), until, table, offsets })
    }
}

fn media_duration(slots: &[Slot]) -> u64 {
    slots.iter().map(|slot| u64::from(slot.duration)).sum()
}

/// A track's media starts at zero with its first unit; edits bring it to its place in the movie and skip the priming. A track that
/// starts with the movie and has no priming needs none.
fn edits(start: u64, priming: u64, until: u64) -> Vec<ElstEntry> {
    match (start, priming) {
        (0, 0) => vec![],
        (0, _) => vec![edit(until, Some(priming))],
        _ => vec![edit(start, None), edit(until - start, Some(priming))],
    }
}

/// The whole movie, ready to be written.
pub(super) struct Layout<'a> {
    pub(super) spec: &'a MovieSpec,
    pub(super) scale: TimeScale,
    pub(super) end: Time,
    pub(super) tracks: Vec<Laid>,
    pub(super) chapters: &'a [Chapter],
}

impl Layout<'_> {
    /// The bytes before the media data, and all chunks in the order in which they follow. Files larger than `large_from` get
    /// 64-bit offsets and sizes.
    pub(super) fn place(&mut self, large_from: u64) -> Result<(Vec<u8>, Vec<Chunk>), Mp4Error> {
        let order = self.order();
        let data: u64 = order.iter().map(|&(_, chunk)| chunk.bytes).sum();
        // The size of the head depends on the offsets' width, not on what they are.
        let large = self.head(false)?.len() as u64 + 8 + data > large_from;
        let mdat = mdat(data, large);
        let mut offset = (self.head(large)?.len() + mdat.len()) as u64;
        let mut next = vec![0; self.tracks.len()];
        for &(track, chunk) in &order {
            self.tracks[track].offsets[next[track]] = offset;
            next[track] += 1;
            offset += chunk.bytes;
        }
        let mut head = self.head(large)?;
        head.extend_from_slice(&mdat);
        Ok((head, order.into_iter().map(|(_, chunk)| chunk).collect()))
    }

    /// Chunks with their tracks, by time, then by track.
    fn order(&self) -> Vec<(usize, Chunk)> {
        let chunks = self.tracks.iter().enumerate().flat_map(|(index, track)| track.table.chunks.iter().map(move |&chunk| (index, chunk)));
        let mut order: Vec<(usize, Chunk)> = chunks.collect();
        order.sort_by_key(|&(track, chunk)| (chunk.start, track));
        order
    }

    /// `ftyp` and `moov` with the offsets as they are.
    fn head(&self, large: bool) -> Result<Vec<u8>, Mp4Error> {
        let duration = self.scale.ticks(self.end) as u64;
        let chapter_id = self.tracks.iter().position(|track| track.role == Role::Chapters).map(|index| index as u32 + 1);
        let mut head = Vec::new();
        // iso4 is the brand of signed composition offsets.
        let brands = [Some(b"mp42"), Some(b"iso4"), self.spec.brand(), Some(b"isom")];
        let compatible_brands = brands.into_iter().flatten().map(Into::into).collect();
        Ftyp { major_brand: b"mp42".into(), minor_version: 0, compatible_brands }.encode(&mut head)?;
        head.encode_atom(b"moov", |buf| {
            mvhd(self.scale, duration, self.tracks.len() as u32 + 1).encode(buf)?;
            for (index, track) in self.tracks.iter().enumerate() {
                let trak = Head {
                    id: index as u32 + 1,
                    role: track.role,
                    language: &self.spec.language,
                    scale: track.scale,
                    movie_duration: track.until,
                    media_duration: media_duration(&track.slots),
                    edits: &track.edits,
                    chapters: chapter_id.filter(|_| matches!(track.role, Role::Media(_))),
                };
                trak.encode(buf, |buf| track.table.encode(&track.entry, &track.slots, &track.offsets, large, buf))?;
            }
            encode_udta(self.spec, self.chapters, buf)
        })?;
        Ok(head)
    }
}

/// The header of the media data: 8 bytes, or 16 with a 64-bit size.
fn mdat(data: u64, large: bool) -> Vec<u8> {
    if large {
        [&b"\0\0\0\x01mdat"[..], &(data + 16).to_be_bytes()].concat()
    } else {
        [&(data as u32 + 8).to_be_bytes()[..], b"mdat"].concat()
    }
}
