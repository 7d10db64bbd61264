//! Encoded, put into an Ogg file and read back with ffmpeg's own decoder, sample by sample.

use super::*;
use crate::gst::sound::tests::{encode, is_original, sound};
use std::process::Command;

/// A page with one whole packet of less than 64 KiB (RFC 3533, 6).
fn page(stream: &mut Vec<u8>, flags: u8, granule: u64, number: u32, packet: &[u8]) {
    let start = stream.len();
    stream.extend([b"OggS".as_slice(), &[0, flags]].concat());
    stream.extend(granule.to_le_bytes());
    stream.extend(7u32.to_le_bytes());
    stream.extend(number.to_le_bytes());
    stream.extend([0; 4]);
    stream.push((packet.len() / 255 + 1) as u8);
    stream.extend(std::iter::repeat_n(255, packet.len() / 255));
    stream.push((packet.len() % 255) as u8);
    stream.extend_from_slice(packet);
    // CRC-32 with 0x04c11db7, not reflected, from zero.
    let step = |crc: u32, byte: &u8| (0..8).fold(crc ^ (u32::from(*byte) << 24), |crc, _| (crc << 1) ^ ((crc >> 31) * 0x04c1_1db7));
    let crc = stream[start..].iter().fold(0, step);
    stream[start + 22..start + 26].copy_from_slice(&crc.to_le_bytes());
}

#[test]
fn every_sample_comes_back_at_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let (file, raw) = (folder.path().join("sound.opus"), folder.path().join("sound.f32"));
    for samples in [48_000, 48_640, 48_641] {
        let original = sound(samples);
        let (caps, units) = encode(&CODERS[0], &original);
        assert_eq!((&caps.config[..8], caps.config[9], caps.priming), (b"OpusHead".as_slice(), 2, 312));
        let mut stream = Vec::new();
        page(&mut stream, 2, 0, 0, &caps.config);
        page(&mut stream, 0, 0, 1, b"OpusTags\x04\0\0\0test\0\0\0\0");
        for (k, (_, unit)) in units.iter().enumerate() {
            let last = k + 1 == units.len();
            // The last page says where the sound ends, the rest of its unit is padding.
            let granule = if last { samples + caps.priming as usize } else { (k + 1) * 960 };
            page(&mut stream, if last { 4 } else { 0 }, granule as u64, k as u32 + 2, &unit.media.data);
        }
        std::fs::write(&file, stream).unwrap();
        let read = Command::new("ffmpeg").args(["-v", "error", "-y", "-i"]).arg(&file).args(["-f", "f32le"]).arg(&raw).output().unwrap();
        assert!(read.status.success() && read.stderr.is_empty(), "{}", String::from_utf8_lossy(&read.stderr));
        let bytes = std::fs::read(&raw).unwrap();
        let decoded: Vec<f32> = bytes.as_chunks::<8>().0.iter().map(|pair| f32::from_le_bytes(pair[..4].try_into().unwrap())).collect();
        // A player leaves out the pre-skip and the padding.
        assert_eq!(decoded.len(), samples);
        is_original(&original, &decoded, 0, "opusenc");
    }
}
