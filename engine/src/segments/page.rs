//! Pages: the form in which encoded units are kept.
//!
//! A segment is a chain of pages, mostly of one. Page `n` lies under [`page_hash`]`(key, n)`; the last one says that it is. So neither a
//! writer nor a reader ever holds more than a page, however long the segment.
//!
//! Layout, all numbers little-endian: magic (8 bytes), BLAKE3 of all that follows (32); last (1), end of the segment in flicks (8),
//! caps, number of units (4), units. A unit: pts, dts, length in time or -1 (8 each), keyframe (1), bytes (4 and these). Caps: codec (1),
//! rate as fraction (4, 4), then width and height (4, 4) or channels, priming, bitrate (4 each), decoder configuration (4 and bytes).

use super::Hash;
use crate::frame::Size;
use crate::media::{AudioCodec, Caps, EncodedAudioCaps, EncodedUnit, EncodedVideoCaps, VideoCodec};
use crate::packet::Packet;
use crate::time::{Rate, Span, Time};
use bytes::Bytes;

const MAGIC: &[u8; 8] = b"LECTSEG1";
const HEAD: usize = MAGIC.len() + 32;
/// A page is closed when it holds this many bytes.
pub(crate) const PAGE_BYTES: usize = 8 << 20;

/// Some units of a segment in decoding order; times count from the segment's beginning.
#[derive(Clone, Debug)]
pub struct Page {
    /// Nothing comes after it.
    pub last: bool,
    /// How long the segment is, as far as it is known; exact in the last page.
    pub end: Time,
    /// Of all units of the segment, the decoder's configuration among it.
    pub caps: Caps,
    /// The units.
    pub units: Vec<Packet<EncodedUnit>>,
}

/// The name of page `number` of the segment `key`.
pub fn page_hash(key: &Hash, number: u32) -> Hash {
    if number == 0 { *key } else { Hash::of_all([key.as_ref(), number.to_le_bytes().as_slice()]) }
}

impl Page {
    /// As bytes.
    pub fn write(&self) -> Vec<u8> {
        let bytes: usize = self.units.iter().map(|unit| unit.media.data.len() + 29).sum();
        let mut out = Vec::with_capacity(bytes + 256);
        out.extend(MAGIC);
        out.extend([0; 32]);
        out.push(u8::from(self.last));
        out.extend(self.end.0.to_le_bytes());
        write_caps(&self.caps, &mut out);
        out.extend((self.units.len() as u32).to_le_bytes());
        for unit in &self.units {
            for number in [unit.pts.0, unit.media.dts.0, unit.dur.map_or(-1, |dur| dur.0)] {
                out.extend(number.to_le_bytes());
            }
            out.push(u8::from(unit.media.keyframe));
            write_bytes(&unit.media.data, &mut out);
        }
        let checksum = blake3::hash(&out[HEAD..]);
        out[MAGIC.len()..HEAD].copy_from_slice(checksum.as_bytes());
        out
    }

    /// From bytes; `None` when they are no whole page. Units share the memory of `bytes`.
    pub fn read(bytes: &Bytes) -> Option<Page> {
        let intact =
            bytes.len() >= HEAD && bytes.starts_with(MAGIC) && bytes[MAGIC.len()..HEAD] == *blake3::hash(&bytes[HEAD..]).as_bytes();
        let mut reader = Reader(intact.then(|| bytes.slice(HEAD..))?);
        let last = reader.flag()?;
        let end = Time(reader.long()?);
        let caps = read_caps(&mut reader)?;
        let count = reader.int()?;
        let unit = |_| {
            let (pts, dts, dur) = (Time(reader.long()?), Time(reader.long()?), reader.long()?);
            let unit = EncodedUnit { dts, keyframe: reader.flag()?, data: reader.bytes()? };
            Some(Packet { dur: (dur >= 0).then_some(Span(dur)), ..Packet::new(pts, unit) })
        };
        let units = (0..count).map(unit).collect::<Option<Vec<_>>>()?;
        reader.0.is_empty().then_some(Page { last, end, caps, units })
    }
}

const H264: u8 = 1;
const AAC: u8 = 2;
const OPUS: u8 = 3;
const HEVC: u8 = 4;
const VP9: u8 = 5;
const AV1: u8 = 6;

fn write_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    out.extend((bytes.len() as u32).to_le_bytes());
    out.extend(bytes);
}

fn write_caps(caps: &Caps, out: &mut Vec<u8>) {
    let (codec, rate, numbers, config) = match caps {
        Caps::EncodedVideo(EncodedVideoCaps { codec, size, rate, config }) => {
            let codec = match codec {
                VideoCodec::H264 => H264,
                VideoCodec::Hevc => HEVC,
                VideoCodec::Vp9 => VP9,
                VideoCodec::Av1 => AV1,
            };
            (codec, rate, vec![size.width, size.height], config)
        }
        Caps::EncodedAudio(EncodedAudioCaps { codec, rate, channels, config, priming, bitrate }) => {
            let codec = match codec {
                AudioCodec::Aac => AAC,
                AudioCodec::Opus => OPUS,
            };
            (codec, rate, vec![u32::from(*channels), *priming, *bitrate], config)
        }
        Caps::Video(_) | Caps::Audio(_) | Caps::Cues => unreachable!("only encoded units are kept in pages"),
    };
    out.push(codec);
    for number in [rate.num(), rate.den()].into_iter().chain(numbers) {
        out.extend(number.to_le_bytes());
    }
    write_bytes(config, out);
}

fn read_caps(reader: &mut Reader) -> Option<Caps> {
    let codec = reader.byte()?;
    let rate = Rate::new(reader.int()?, reader.int()?)?;
    match codec {
        H264 | HEVC | VP9 | AV1 => {
            let codec = match codec {
                H264 => VideoCodec::H264,
                HEVC => VideoCodec::Hevc,
                VP9 => VideoCodec::Vp9,
                _ => VideoCodec::Av1,
            };
            let size = Size::new(reader.int()?, reader.int()?);
            Some(Caps::EncodedVideo(EncodedVideoCaps { codec, size, rate, config: reader.bytes()? }))
        }
        AAC | OPUS => {
            let codec = if codec == AAC { AudioCodec::Aac } else { AudioCodec::Opus };
            let (channels, priming, bitrate) = (u16::try_from(reader.int()?).ok()?, reader.int()?, reader.int()?);
            Some(Caps::EncodedAudio(EncodedAudioCaps { codec, rate, channels, config: reader.bytes()?, priming, bitrate }))
        }
        _ => None,
    }
}

struct Reader(Bytes);

impl Reader {
    fn take(&mut self, count: usize) -> Option<Bytes> {
        (count <= self.0.len()).then(|| self.0.split_to(count))
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    fn flag(&mut self) -> Option<bool> {
        self.byte().map(|byte| byte != 0)
    }

    fn int(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.take(4)?.as_ref().try_into().ok()?))
    }

    fn long(&mut self) -> Option<i64> {
        Some(i64::from_le_bytes(self.take(8)?.as_ref().try_into().ok()?))
    }

    fn bytes(&mut self) -> Option<Bytes> {
        let count = self.int()? as usize;
        self.take(count)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn unit(n: i64) -> Packet<EncodedUnit> {
        let unit = EncodedUnit { dts: Time(n), keyframe: n == 0, data: vec![n as u8; 5 + n as usize].into() };
        Packet { dur: (n != 1).then_some(Span(7)), ..Packet::new(Time(n * 3), unit) }
    }

    fn page() -> Page {
        let rate = Rate::new(30_000, 1001).expect("a rate");
        let caps = EncodedVideoCaps { codec: VideoCodec::H264, size: Size::new(64, 36), rate, config: Bytes::from_static(b"avcC") };
        Page { last: true, end: Time(99), caps: Caps::EncodedVideo(caps), units: (0..3).map(unit).collect() }
    }

    #[test]
    fn what_is_written_is_read_and_any_damage_is_seen() {
        let bytes = page().write();
        let read = Page::read(&bytes.clone().into()).expect("whole");
        assert_eq!(format!("{read:?}"), format!("{:?}", page()));
        for at in (0..bytes.len()).step_by(7) {
            let mut damaged = bytes.clone();
            damaged[at] ^= 16;
            assert!(Page::read(&damaged.into()).is_none(), "byte {at}");
            assert!(Page::read(&bytes[..at].to_vec().into()).is_none(), "cut at {at}");
        }
        let sound = EncodedAudioCaps {
            codec: AudioCodec::Aac,
            rate: Rate::per_second(48_000),
            channels: 2,
            config: Bytes::new(),
            priming: 1024,
            bitrate: 192_000,
        };
        let page = Page { caps: Caps::EncodedAudio(sound), last: false, ..page() };
        assert_eq!(Page::read(&page.write().into()).map(|read| (read.last, read.caps)), Some((false, page.caps)));
        for codec in [VideoCodec::Hevc, VideoCodec::Vp9, VideoCodec::Av1] {
            let rate = Rate::per_second(30);
            let caps = Caps::EncodedVideo(EncodedVideoCaps { codec, size: Size::new(64, 36), rate, config: Bytes::from_static(b"config") });
            let page = Page { caps, ..self::page() };
            assert_eq!(Page::read(&page.write().into()).map(|read| read.caps), Some(page.caps));
        }
    }

    #[test]
    fn pages_of_a_segment_have_names_of_their_own() {
        let key = Hash::of("k");
        assert_eq!(page_hash(&key, 0), key);
        assert_ne!(page_hash(&key, 1), page_hash(&key, 2));
    }
}
