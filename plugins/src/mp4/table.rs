//! The sample table of one track: gathered unit by unit, written as the boxes of `stbl`.
//!
//! Per unit it keeps 12 bytes (a time and a size), per chunk 40; three hours at 30 pictures a second are about 10 MB with the sound.

use engine::time::Time;
use mp4_atom::{BufMut, Co64, Cslg, Ctts, CttsEntry, Encode, Result, Stco, Stsc, StscEntry, Stss, Stsz, StszSamples, Stts, SttsEntry};

use super::timing::Slot;

/// Units that lie next to each other in the file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chunk {
    /// When its first unit is shown, but never less than the chunk before it: the order in which chunks go into the file.
    pub(super) start: Time,
    /// Where it lies in the spilled data.
    pub(super) position: u64,
    pub(super) bytes: u64,
    pub(super) units: u32,
}

/// What is known of a track's units, in decoding order.
#[derive(Debug, Default)]
pub(super) struct SampleTable {
    pub(super) pts: Vec<Time>,
    sizes: Vec<u32>,
    /// Numbers (from 1) of the units at which decoding can start.
    keyframes: Vec<u32>,
    pub(super) chunks: Vec<Chunk>,
}

impl SampleTable {
    /// Adds a unit; its chunk is added when it is closed.
    pub(super) fn push(&mut self, pts: Time, size: u32, keyframe: bool) {
        self.pts.push(pts);
        self.sizes.push(size);
        if keyframe {
            self.keyframes.push(self.sizes.len() as u32);
        }
    }

    /// Writes `stbl` for a track of this sample entry, whose chunks lie at these `offsets` in the file: 64-bit ones when `large`.
    pub(super) fn encode<B: BufMut>(&self, entry: &[u8], slots: &[Slot], offsets: &[u64], large: bool, buf: &mut B) -> Result<()> {
        let (ctts, cslg) = composition(slots);
        let durations = runs(slots, |slot| slot.duration).map(|(sample_count, sample_delta)| SttsEntry { sample_count, sample_delta });
        buf.encode_atom(b"stbl", |buf| {
            buf.encode_atom(b"stsd", |buf| {
                [0u32.to_be_bytes(), 1u32.to_be_bytes()].concat().encode(buf)?; // version and flags, one entry
                entry.encode(buf)
            })?;
            Stts { entries: durations.collect() }.encode(buf)?;
            ctts.encode(buf)?;
            cslg.encode(buf)?;
            if self.keyframes.len() < self.sizes.len() {
                Stss { entries: self.keyframes.clone() }.encode(buf)?;
            }
            self.chunk_runs().encode(buf)?;
            Stsz { samples: StszSamples::Different { sizes: self.sizes.clone() } }.encode(buf)?;
            if large {
                Co64 { entries: offsets.to_vec() }.encode(buf)
            } else {
                Stco { entries: offsets.iter().map(|&offset| offset as u32).collect() }.encode(buf)
            }
        })
    }

    /// Chunks of equal length after each other share an entry.
    fn chunk_runs(&self) -> Stsc {
        let mut entries: Vec<StscEntry> = Vec::new();
        for (index, chunk) in self.chunks.iter().enumerate() {
            if entries.last().is_none_or(|entry| entry.samples_per_chunk != chunk.units) {
                entries.push(StscEntry { first_chunk: index as u32 + 1, samples_per_chunk: chunk.units, sample_description_index: 1 });
            }
        }
        Stsc { entries }
    }
}

/// Composition offsets, where any unit is shown at another time than it is decoded, and their bounds (ISO/IEC 14496-12, 8.6.1.4).
fn composition(slots: &[Slot]) -> (Option<Ctts>, Option<Cslg>) {
    let offsets = || slots.iter().map(|slot| i64::from(slot.offset));
    let (least, greatest) = (offsets().min().unwrap_or(0), offsets().max().unwrap_or(0));
    if (least, greatest) == (0, 0) {
        return (None, None);
    }
    let entries = runs(slots, |slot| slot.offset).map(|(sample_count, offset)| CttsEntry { sample_count, sample_offset: offset.into() });
    // Decode times are the sorted presentation times, so both start and end together; times of the media start at zero.
    let length: i64 = slots.iter().map(|slot| i64::from(slot.duration)).sum();
    let cslg = Cslg {
        composition_to_dts_shift: (-least).max(0),
        least_decode_to_display_shift: least,
        greatest_decode_to_display_delta: greatest,
        composition_start_time: 0,
        composition_end_time: length,
    };
    (Some(Ctts { entries: entries.collect() }), Some(cslg))
}

/// Run lengths of equal values.
fn runs<T: PartialEq>(slots: &[Slot], value: fn(&Slot) -> T) -> impl Iterator<Item = (u32, T)> {
    slots.chunk_by(move |a, b| value(a) == value(b)).map(move |run| (run.len() as u32, value(&run[0])))
}
