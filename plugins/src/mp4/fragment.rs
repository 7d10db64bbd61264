//! Fragmented MP4: a header, then segments that can be played as they come.
//!
//! The sample entries are those of the file. Priming is taken off by shifting decode times back instead of by an edit list, because
//! players of fragments seldom honour one; sound units that would then begin before zero are left out, which at most costs
//! the very first unit's length of sound at the programme's start.

use bytes::Bytes;
use engine::time::Time;
use mp4_atom::{BufMut, Encode, Ftyp, Mfhd, Moof, Mvex, Tfdt, Tfhd, Traf, Trex, Trun, TrunEntry, TrunSamples};

use super::Mp4Error;
use super::metadata::encode_udta;
use super::spec::{Media, Movie, MovieSpec, TrackSpec, Unit};
use super::table::SampleTable;
use super::timing::{Last, Slot, schedule};
use super::trak::{Head, Role, mvhd};

/// Sample flags (ISO/IEC 14496-12, 8.8.3.1): depends on no other.
const KEYFRAME: u32 = 0x0200_0000;
/// Depends on others, and decoding cannot start here.
const DEPENDENT: u32 = 0x0101_0000;

/// Makes the header and the segments of one fragmented movie. Holds no state between segments.
#[derive(Debug)]
pub struct Fragmenter {
    spec: MovieSpec,
    movie: Movie,
}

/// The units of one track in a segment.
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
    /// Index into `MovieSpec::tracks`.
    pub track: usize,
    /// In decoding order. Pictures of one segment must be shown before those of the next, and begin with a keyframe.
    pub units: &'a [Unit<'a>],
    /// Until when the last picture is shown: where the next segment's pictures begin. Without meaning for sound.
    pub end: Time,
}

impl Fragmenter {
    /// Checks the spec.
    ///
    /// # Errors
    /// As [`Mp4Writer::create`](super::Mp4Writer::create), but for the file system; and codecs other than H.264 and AAC.
    pub fn new(spec: MovieSpec) -> Result<Fragmenter, Mp4Error> {
        spec.must_be_common()?;
        let movie = Movie::new(&spec)?;
        Ok(Fragmenter { spec, movie })
    }

    /// `ftyp` and `moov`: what a player needs before the first segment.
    ///
    /// # Errors
    /// A title too long for its box.
    pub fn init_segment(&self) -> Result<Bytes, Mp4Error> {
        let mut bytes = Vec::new();
        // iso6 is the brand of decode times and signed offsets in fragments.
        let compatible_brands = [b"iso6", b"iso5", b"avc1", b"mp41"].map(Into::into).to_vec();
        Ftyp { major_brand: b"iso6".into(), minor_version: 0, compatible_brands }.encode(&mut bytes)?;
        bytes.encode_atom(b"moov", |buf| {
            mvhd(self.movie.scale, 0, self.movie.tracks.len() as u32 + 1).encode(buf)?;
            let mut mvex = Mvex::default();
            for (id, track) in (1..).zip(&self.movie.tracks) {
                let head = Head {
                    id,
                    role: Role::Media(track.media),
                    language: &self.spec.language,
                    scale: track.scale,
                    movie_duration: 0,
                    media_duration: 0,
                    edits: &[],
                    chapters: None,
                };
                head.encode(buf, |buf| SampleTable::default().encode(&track.entry, &[], &[], false, buf))?;
                mvex.trex.push(Trex {
                    track_id: id,
                    default_sample_description_index: 1,
                    default_sample_flags: KEYFRAME,
                    ..Default::default()
                });
            }
            mvex.encode(buf)?;
            encode_udta(&self.spec, &[], buf)
        })?;
        Ok(bytes.into())
    }

    /// `moof` and `mdat` with these runs; `sequence` counts segments from 1.
    ///
    /// # Errors
    /// A unit that cannot be written, pictures that do not begin with a keyframe, or nothing to write.
    pub fn media_segment(&self, sequence: u32, runs: &[Run<'_>]) -> Result<Bytes, Mp4Error> {
        self.fragment(sequence, runs, true)
    }

    /// The same for a part of a segment, which may begin with any picture.
    ///
    /// # Errors
    /// A unit that cannot be written, or nothing to write.
    pub fn chunk(&self, sequence: u32, runs: &[Run<'_>]) -> Result<Bytes, Mp4Error> {
        self.fragment(sequence, runs, false)
    }

    /// The MIME type with the codecs of all tracks (RFC 6381), as browsers want it before they take the first byte.
    pub fn mime(&self) -> String {
        let codec = |track: &TrackSpec| match track {
            // Profile, constraints and level follow the version byte of the record.
            TrackSpec::Video(video) => {
                let bytes = video.codec_config.get(1..4).unwrap_or_default();
                bytes.iter().fold("avc1.".to_string(), |text, byte| text + &format!("{byte:02x}"))
            }
            TrackSpec::Audio(_) => "mp4a.40.2".to_string(),
        };
        let codecs: Vec<String> = self.spec.tracks.iter().map(codec).collect();
        format!("video/mp4; codecs=\"{}\"", codecs.join(", "))
    }

    fn fragment(&self, sequence: u32, runs: &[Run<'_>], whole: bool) -> Result<Bytes, Mp4Error> {
        let mut moof = Moof { mfhd: Mfhd { sequence_number: sequence }, traf: Vec::new() };
        let mut data: Vec<&[u8]> = Vec::new();
        let mut lengths: Vec<usize> = Vec::new();
        for run in runs {
            let (first, slots) = self.times(run, whole)?;
            let Some(&Slot { decode, .. }) = slots.first() else { continue };
            let units = &run.units[first..];
            let entries = units.iter().zip(&slots).map(|(unit, slot)| TrunEntry {
                duration: Some(slot.duration),
                size: Some(unit.data.len() as u32),
                flags: Some(if unit.keyframe { KEYFRAME } else { DEPENDENT }),
                cts: Some(slot.offset.into()),
            });
            moof.traf.push(Traf {
                tfhd: Tfhd { track_id: run.track as u32 + 1, default_base_is_moof: true, ..Default::default() },
                tfdt: Some(Tfdt { base_media_decode_time: decode as u64 }),
                trun: vec![Trun { data_offset: Some(0), samples: TrunSamples::Explicit(entries.collect()) }],
                ..Default::default()
            });
            data.extend(units.iter().map(|unit| unit.data));
            lengths.push(units.iter().map(|unit| unit.data.len()).sum());
        }
        if moof.traf.is_empty() {
            return Err(Mp4Error::EmptyFragment);
        }
        let mut bytes = Vec::new();
        moof.encode(&mut bytes)?;
        // Offsets count from the start of moof; its size does not depend on them.
        let mut offset = bytes.len() + 8;
        for (traf, length) in moof.traf.iter_mut().zip(lengths) {
            traf.trun[0].data_offset = Some(i32::try_from(offset).map_err(|_| mp4_atom::Error::TooLarge(b"mdat".into()))?);
            offset += length;
        }
        bytes.clear();
        moof.encode(&mut bytes)?;
        bytes.encode_atom(b"mdat", |buf| {
            data.iter().for_each(|unit| buf.extend_from_slice(unit));
            Ok(())
        })?;
        Ok(bytes.into())
    }

    /// Which unit is the first to be written, and when each from there on is decoded.
    fn times(&self, run: &Run<'_>, whole: bool) -> Result<(usize, Vec<Slot>), Mp4Error> {
        let track = self.movie.track(run.track)?;
        for (index, unit) in run.units.iter().enumerate() {
            track.check(run.track, unit, whole && index == 0)?;
        }
        let pts: Vec<Time> = run.units.iter().map(|unit| unit.pts).collect();
        let (priming, last) = match track.media {
            Media::Video { .. } => (0, Last::Until(track.scale.ticks(run.end))),
            Media::Audio { unit_samples, priming } => (i64::from(priming), Last::Samples(unit_samples, i64::MAX)),
        };
        let mut slots = schedule(run.track, track.scale, &pts, last)?;
        slots.iter_mut().for_each(|slot| slot.decode -= priming);
        let first = slots.partition_point(|slot| slot.decode < 0);
        Ok((first, slots.split_off(first)))
    }
}
