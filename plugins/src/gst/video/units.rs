//! Units and decoder configurations, as they stand in an MP4 file.

use super::av1;
use bytes::{Bytes, BytesMut};
use engine::media::{VideoCaps, VideoCodec};
use gstreamer as gst;

/// A unit as it goes into a file, and whether decoding can start at it. `starts` is what the encoder says of that.
///
/// # Errors
/// What is wrong with it.
pub(super) fn unit(codec: VideoCodec, unit: &[u8], starts: bool) -> Result<(Bytes, bool), String> {
    match codec {
        VideoCodec::H264 => slices_only(unit, h264),
        VideoCodec::Hevc => slices_only(unit, hevc),
        VideoCodec::Vp9 => Ok((Bytes::copy_from_slice(unit), starts)),
        VideoCodec::Av1 => Ok((av1::unit(unit)?, starts)),
    }
}

/// What a decoder must know beforehand: the payload of `avcC`, `hvcC`, `vpcC` or `av1C`. H.264 and HEVC have it in the caps of the
/// output. GStreamer 1.22 makes none for VP9 and AV1: VP9's follows from the pictures, AV1's from the first unit.
///
/// # Errors
/// What is missing.
pub(super) fn config(caps: &VideoCaps, codec: VideoCodec, output: &gst::Caps, first: &[u8]) -> Result<Bytes, String> {
    match codec {
        VideoCodec::H264 | VideoCodec::Hevc => {
            let data = output.structure(0).and_then(|fields| fields.get::<gst::Buffer>("codec_data").ok());
            let data = data.ok_or("it has no decoder configuration")?;
            let data = data.map_readable().map_err(|error| error.to_string())?;
            Ok(Bytes::copy_from_slice(&data))
        }
        VideoCodec::Vp9 => Ok(Bytes::copy_from_slice(&vpcc(caps))),
        VideoCodec::Av1 => av1::config(first),
    }
}

/// What a NAL unit is to us.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Nal {
    /// Part of a picture at which decoding can start.
    Start,
    /// Other parts of pictures, and what else belongs to them.
    Kept,
    /// Parameter sets (which are in the configuration), delimiters, the encoder's signature.
    Left,
}

/// SEI payload type of an encoder's signature: unregistered user data (ITU-T H.264 D.1.1, H.265 D.2.1).
const USER_DATA: u8 = 5;

/// By ITU-T H.264, table 7-1.
fn h264(nal: &[u8]) -> Nal {
    match nal[0] & 31 {
        5 => Nal::Start,
        6 if nal.get(1) == Some(&USER_DATA) => Nal::Left,
        7..=9 => Nal::Left,
        _ => Nal::Kept,
    }
}

/// By ITU-T H.265, table 7-1.
fn hevc(nal: &[u8]) -> Nal {
    match nal[0] >> 1 & 63 {
        19 | 20 => Nal::Start,
        32..=35 => Nal::Left,
        39 if nal.get(2) == Some(&USER_DATA) => Nal::Left,
        _ => Nal::Kept,
    }
}

/// The access unit without what is [left](Nal::Left) out.
fn slices_only(unit: &[u8], kind: fn(&[u8]) -> Nal) -> Result<(Bytes, bool), String> {
    let (mut kept, mut keyframe, mut rest) = (BytesMut::with_capacity(unit.len()), false, unit);
    while !rest.is_empty() {
        let whole = rest.split_first_chunk::<4>().and_then(|(length, tail)| {
            let length = u32::from_be_bytes(*length) as usize;
            (length > 0 && length <= tail.len()).then_some(4 + length)
        });
        let (nal, tail) = rest.split_at(whole.ok_or("a unit that is cut short")?);
        let kind = kind(&nal[4..]);
        keyframe |= kind == Nal::Start;
        if kind != Nal::Left {
            kept.extend_from_slice(nal);
        }
        rest = tail;
    }
    Ok((kept.freeze(), keyframe))
}

/// Levels of VP9, each with the most luma samples a second and a picture (VP9 levels, webmproject.org/vp9/levels).
const VP9_LEVELS: [(u8, u64, u64); 14] = [
    (10, 829_440, 36_864),
    (11, 2_764_800, 73_728),
    (20, 4_608_000, 122_880),
    (21, 9_216_000, 245_760),
    (30, 20_736_000, 552_960),
    (31, 36_864_000, 983_040),
    (40, 83_558_400, 2_228_224),
    (41, 160_432_128, 2_228_224),
    (50, 311_951_360, 8_912_896),
    (51, 588_251_136, 8_912_896),
    (52, 1_176_502_272, 8_912_896),
    (60, 1_176_502_272, 35_651_584),
    (61, 2_353_004_544, 35_651_584),
    (62, 4_706_009_088, 35_651_584),
];

/// The payload of `vpcC` (VP Codec ISO Media File Format Binding): version 1 and flags, profile 0, level, 8 bits, 4:2:0 with chroma sited
/// left, limited range, BT.709 three times, nothing more.
fn vpcc(caps: &VideoCaps) -> [u8; 12] {
    let picture = caps.size.area();
    let second = (picture * u64::from(caps.rate.num())).div_ceil(u64::from(caps.rate.den()));
    let level = VP9_LEVELS.iter().find(|(_, of_second, of_picture)| second <= *of_second && picture <= *of_picture);
    [1, 0, 0, 0, 0, level.map_or(62, |(level, ..)| *level), 8 << 4, 1, 1, 1, 0, 0]
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::frame::{PixelFormat, Size};
    use engine::time::Rate;

    #[test]
    fn parameter_sets_delimiters_and_signatures_are_left_out() {
        let nal = |bytes: &[u8]| [&(bytes.len() as u32).to_be_bytes(), bytes].concat();
        let kept = |units: &[&[u8]], codec| unit(codec, &units.iter().flat_map(|bytes| nal(bytes)).collect::<Vec<_>>(), false).unwrap();
        let (data, keyframe) = kept(&[&[9, 1], &[0x67, 1], &[0x68, 1], &[6, 5, 1], &[6, 1, 1], &[0x65, 7]], VideoCodec::H264);
        assert_eq!((&data[..], keyframe), (&[nal(&[6, 1, 1]), nal(&[0x65, 7])].concat()[..], true));
        let (data, keyframe) = kept(&[&[64, 1], &[66, 1], &[68, 1], &[70, 1], &[78, 1, 5], &[78, 1, 4], &[40, 1, 9]], VideoCodec::Hevc);
        assert_eq!((&data[..], keyframe), (&[nal(&[78, 1, 4]), nal(&[40, 1, 9])].concat()[..], true));
        assert!(!kept(&[&[2, 1, 9]], VideoCodec::Hevc).1);
        assert!(unit(VideoCodec::H264, &[0, 0, 0, 9, 1], true).unwrap_err().contains("cut short"));
        assert!(unit(VideoCodec::Hevc, &[0, 0, 0, 0], true).unwrap_err().contains("cut short"));
    }

    #[test]
    fn the_level_of_vp9_follows_from_size_and_rate() {
        let level = |width, height, rate| {
            vpcc(&VideoCaps { format: PixelFormat::I420, size: Size::new(width, height), rate: Rate::per_second(rate) })[5]
        };
        assert_eq!(
            [level(640, 360, 30), level(1280, 720, 30), level(1920, 1080, 30), level(1920, 1080, 60), level(3840, 2160, 30)],
            [21, 31, 40, 41, 50]
        );
    }
}
