//! Encoded and read back with ffmpeg, sample by sample.

use super::*;
use crate::gst::sound::tests::{encode, is_original, sound};
use engine::media::EncodedUnit;
use engine::packet::Packet;
use std::process::Command;

/// Raw frames behind ADTS headers (ISO/IEC 13818-7, 6.2), which ffmpeg reads from a plain file.
fn adts(units: &[(usize, Packet<EncodedUnit>)]) -> Vec<u8> {
    let mut stream = Vec::new();
    for (_, unit) in units {
        let length = unit.media.data.len() + 7;
        let (high, middle, low) = ((length >> 11) as u8, (length >> 3) as u8, (length << 5) as u8);
        // AAC-LC, 48 kHz (index 3), 2 channels.
        stream.extend([0xff, 0xf1, 0x4c, 0x80 | high, middle, low | 0x1f, 0xfc]);
        stream.extend_from_slice(&unit.media.data);
    }
    stream
}

fn decode(units: &[(usize, Packet<EncodedUnit>)]) -> Vec<f32> {
    let folder = tempfile::tempdir().unwrap();
    let (file, raw) = (folder.path().join("sound.aac"), folder.path().join("sound.f32"));
    std::fs::write(&file, adts(units)).unwrap();
    let output = Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(&file)
        .args(["-f", "f32le", "-c:a", "pcm_f32le"])
        .arg(&raw)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let bytes = std::fs::read(&raw).unwrap();
    // Both channels carry the same.
    bytes.as_chunks::<8>().0.iter().map(|pair| f32::from_le_bytes(pair[..4].try_into().unwrap())).collect()
}

#[test]
fn every_sample_comes_back_at_its_place() {
    for coder in &CODERS {
        for samples in [48_000, 48_640, 48_641] {
            let original = sound(samples);
            let (caps, units) = encode(coder, &original);
            assert_eq!(&caps.config[..2], [0x11, 0x90], "AAC-LC, 48 kHz, stereo");
            let decoded = decode(&units);
            assert_eq!(decoded.len(), units.len() * 1024, "{}", coder.element);
            is_original(&original, &decoded, caps.priming as usize, coder.element);
        }
    }
}
