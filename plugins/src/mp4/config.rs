//! Decoder configurations as encoders give them, checked.

use mp4_atom::{Atom, Av1c, Avcc, Dops, Hvcc, VpcC};

use super::Mp4Error;

fn wrong(record: &str, what: impl std::fmt::Display) -> Mp4Error {
    Mp4Error::Spec(format!("the codec configuration ({record}) {what}"))
}

fn decoded<T>(record: &str, result: mp4_atom::Result<T>) -> Result<T, Mp4Error> {
    result.map_err(|error| wrong(record, format!("cannot be read: {error}")))
}

/// H.264 (ISO/IEC 14496-15, 5.3.3.1).
pub(super) fn avcc(mut config: &[u8]) -> Result<Avcc, Mp4Error> {
    let avcc = decoded("avcC", Avcc::decode_body(&mut config))?;
    if avcc.length_size != 4 {
        return Err(wrong("avcC", format!("has {}-byte lengths; access units must have 4-byte lengths", avcc.length_size)));
    }
    if avcc.sequence_parameter_sets.is_empty() || avcc.picture_parameter_sets.is_empty() {
        return Err(wrong("avcC", "lacks a sequence or picture parameter set; take it from the encoder's caps"));
    }
    Ok(avcc)
}

/// Types of HEVC's parameter sets: video, sequence, picture (ITU-T H.265, table 7-1).
const PARAMETER_SETS: [u8; 3] = [32, 33, 34];

/// HEVC (ISO/IEC 14496-15, 8.3.3.1).
pub(super) fn hvcc(mut config: &[u8]) -> Result<Hvcc, Mp4Error> {
    let mut hvcc = decoded("hvcC", Hvcc::decode_body(&mut config))?;
    if hvcc.length_size_minus_one != 3 {
        let length = hvcc.length_size_minus_one + 1;
        return Err(wrong("hvcC", format!("has {length}-byte lengths; access units must have 4-byte lengths")));
    }
    let has = |kind: u8| hvcc.arrays.iter().any(|array| array.nal_unit_type == kind && !array.nalus.is_empty());
    if !PARAMETER_SETS.into_iter().all(has) {
        return Err(wrong("hvcC", "lacks a parameter set; take it from the encoder's caps"));
    }
    // `hvc1` promises that no parameter set is in the units.
    hvcc.arrays.iter_mut().filter(|array| PARAMETER_SETS.contains(&array.nal_unit_type)).for_each(|array| array.completeness = true);
    Ok(hvcc)
}

/// VP9 (VP Codec ISO Media File Format Binding).
pub(super) fn vpcc(mut config: &[u8]) -> Result<VpcC, Mp4Error> {
    decoded("vpcC", VpcC::decode_body(&mut config))
}

/// AV1 (AV1 Codec ISO Media File Format Binding, 2.3).
pub(super) fn av1c(mut config: &[u8]) -> Result<Av1c, Mp4Error> {
    let av1c = decoded("av1C", Av1c::decode_body(&mut config))?;
    if av1c.config_obus.is_empty() {
        return Err(wrong("av1C", "lacks a sequence header; take it from the encoder's caps"));
    }
    Ok(av1c)
}

/// Opus: from the OpusHead (RFC 7845, 5.1), whose numbers are little endian, to `dOps`, whose are big endian.
pub(super) fn dops(config: &[u8]) -> Result<Dops, Mp4Error> {
    let head = config.strip_prefix(b"OpusHead").and_then(|head| head.first_chunk::<11>());
    let Some(&[_version, channels @ 1..=2, p0, p1, r0, r1, r2, r3, g0, g1, 0]) = head else {
        return Err(wrong("OpusHead", "is none of one or two channels; encode as Opus, mono or stereo"));
    };
    Ok(Dops {
        output_channel_count: channels,
        pre_skip: u16::from_le_bytes([p0, p1]),
        input_sample_rate: u32::from_le_bytes([r0, r1, r2, r3]),
        output_gain: i16::from_le_bytes([g0, g1]),
        channel_mapping: None,
    })
}
