//! Sample entries: how each track is coded. The same in files and in fragments. They are kept encoded, because `mp4-atom` knows no
//! QuickTime text.

use engine::media::VideoCodec;
use mp4_atom::esds::{DecoderConfig, DecoderSpecific, EsDescriptor, SLConfig};
use mp4_atom::{
    Audio, Av01, Avc1, Btrt, BufMut, Colr, Dops, Encode, Esds, FontEntry, Ftab, Hvc1, Mp4a, Opus, Pasp, Result, RgbaColor, Tx3g, Visual,
    Vp09,
};

use super::aac::AacConfig;
use super::spec::AudioSpec;
use super::{Mp4Error, config};

/// A sample entry of pictures of this codec, with its decoder configuration; BT.709 in limited range and square pixels, as everything
/// that is made here.
///
/// # Errors
/// A configuration that is none of this codec.
pub(super) fn pictures(codec: VideoCodec, config: &[u8], width: u16, height: u16) -> std::result::Result<Vec<u8>, Mp4Error> {
    let visual = Visual {
        data_reference_index: 1,
        width,
        height,
        horizresolution: 0x48.into(),
        vertresolution: 0x48.into(),
        frame_count: 1,
        compressor: "".into(),
        depth: 24,
    };
    // 1 is BT.709 in each of the three tables of ISO/IEC 23091-2.
    let colr = Some(Colr::Nclx { colour_primaries: 1, transfer_characteristics: 1, matrix_coefficients: 1, full_range_flag: false });
    let pasp = Some(Pasp { h_spacing: 1, v_spacing: 1 });
    let entry = match codec {
        VideoCodec::H264 => {
            let avcc = config::avcc(config)?;
            encoded(&Avc1 { visual, avcc, btrt: None, colr, pasp, taic: None, fiel: None, spatial: None })
        }
        VideoCodec::Hevc => {
            let hvcc = config::hvcc(config)?;
            let (lhvc, btrt, taic, fiel, ccst, spatial) = Default::default();
            encoded(&Hvc1 { visual, hvcc, lhvc, btrt, colr, pasp, taic, fiel, ccst, spatial })
        }
        VideoCodec::Vp9 => encoded(&Vp09 { visual, vpcc: config::vpcc(config)?, btrt: None, colr, pasp, spatial: None }),
        VideoCodec::Av1 => {
            let av1c = config::av1c(config)?;
            encoded(&Av01 { visual, av1c, btrt: None, ccst: None, colr, pasp, taic: None, spatial: None })
        }
    };
    Ok(entry?)
}

/// AAC with its configuration in an elementary stream descriptor (ISO/IEC 14496-1, 7.2.6.5).
pub(super) fn mp4a(spec: &AudioSpec, config: AacConfig) -> Result<Vec<u8>> {
    let audio = Audio {
        data_reference_index: 1,
        channel_count: config.channels,
        sample_size: 16,
        // The field holds 16 bits; readers take a higher rate from the track's time scale.
        sample_rate: u16::try_from(config.sample_rate).unwrap_or(0).into(),
    };
    let dec_config = DecoderConfig {
        object_type_indication: 0x40, // MPEG-4 audio
        stream_type: 5,               // sound
        max_bitrate: spec.bitrate,
        avg_bitrate: spec.bitrate,
        dec_specific: Some(DecoderSpecific { raw: spec.codec_config.to_vec(), ..Default::default() }),
        ..Default::default()
    };
    // The id is 0 in a file: the track's header names it (ISO/IEC 14496-14, 3.1.2).
    let esds = Esds { es_desc: EsDescriptor { dec_config, sl_config: SLConfig {}, ..Default::default() } };
    let btrt = Btrt { buffer_size_db: 0, max_bitrate: spec.bitrate, avg_bitrate: spec.bitrate };
    encoded(&Mp4a { audio, esds, btrt: Some(btrt), taic: None })
}

/// Opus (Encapsulation of Opus in ISO Base Media File Format, 4.3). The rate of the entry is always 48 kHz.
pub(super) fn opus(spec: &AudioSpec, dops: Dops) -> Result<Vec<u8>> {
    let audio =
        Audio { data_reference_index: 1, channel_count: dops.output_channel_count.into(), sample_size: 16, sample_rate: 48_000_u16.into() };
    let btrt = Btrt { buffer_size_db: 0, max_bitrate: spec.bitrate, avg_bitrate: spec.bitrate };
    encoded(&Opus { audio, dops, btrt: Some(btrt) })
}

/// Timed text (3GPP TS 26.245) for a picture of this size: white, centred at the bottom above a margin of 4 %, a twentieth of
/// the height high. The text box is the whole picture, because players take its size for the picture's when they scale the font.
pub(super) fn tx3g(width: u16, height: u16) -> Result<Vec<u8>> {
    encoded(&caption_entry(width, height))
}

fn caption_entry(width: u16, height: u16) -> Tx3g {
    let font_size = (height / 20).clamp(12, 255) as u8;
    let (right, bottom) = (width.min(i16::MAX as u16) as i16, (height - height / 25).min(i16::MAX as u16) as i16);
    Tx3g {
        data_reference_index: 1,
        display_flags: 0,
        horizontal_justification: 1,
        vertical_justification: -1,
        bg_color_rgba: RgbaColor { red: 0, green: 0, blue: 0, alpha: 0 },
        box_record: [0, 0, bottom, right],                                  // top, left, bottom, right
        style_record: [0, 0, 0, 0, 0, 1, 0, font_size, 255, 255, 255, 255], // all of the text, font 1, plain, size, colour
        ftab: Some(Ftab { font_entries: vec![FontEntry { font_id: 1, font: "Sans-Serif".into() }] }),
        disp: None,
    }
}

/// QuickTime text (QuickTime File Format, "Text sample description"), the coding of chapter titles; never drawn.
pub(super) fn quicktime_text() -> Result<Vec<u8>> {
    let fields = [
        &[0u8, 0, 0, 0, 0, 0, 0, 1][..], // reserved, data reference 1
        &[0, 0, 0, 0],                   // display flags
        &[0, 0, 0, 1],                   // centred
        &[0; 6],                         // background colour
        &[0; 8],                         // text box
        &[0; 8],                         // reserved
        &[0; 2],                         // font
        &[0; 2],                         // face
        &[0; 3],                         // reserved
        &[0; 6],                         // foreground colour
        &[0],                            // font name, empty
    ];
    let mut entry = Vec::new();
    entry.encode_atom(b"text", |buf| fields.concat().encode(buf))?;
    Ok(entry)
}

fn encoded(entry: &impl Encode) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    entry.encode(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_entry_has_the_size_that_quicktime_gives() {
        let bytes = quicktime_text().unwrap();
        assert_eq!(bytes.len(), 60);
        assert_eq!(&bytes[..8], b"\0\0\0\x3ctext");
    }

    #[test]
    fn captions_grow_with_the_picture() {
        let size = |height| {
            let entry = caption_entry(16, height);
            (entry.style_record[7], entry.box_record[2])
        };
        assert_eq!(size(720), (36, 692));
        assert_eq!(size(64), (12, 62));
        assert_eq!(size(16_384), (255, 15_729));
    }
}
