//! Encoded and read back with ffmpeg, sample by sample.

use super::*;
use crate::gst::sound::tests::RATE;
use crate::gst::sound::tests::{encode, is_original, sound};
use crate::gst::sound::{SoundEncoder, SoundSettings};
use engine::media::{AudioBlock, AudioCaps, EncodedUnit};
use engine::packet::Packet;
use engine::time::{Span, Time};
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

/// Blocks of 20 ms with clicks around the borders of pieces, where windows are short.
fn clicking(seconds: usize) -> Vec<f32> {
    let piece = 512 * 1024;
    let wave = |i: usize| {
        let click = if (i + 3000) % piece < 6000 && i % 1500 < 8 { 0.6 } else { 0.0 };
        let t = i as f32 / 48_000.0;
        click + 0.2 * (std::f32::consts::TAU * 300.0 * t).sin() + 0.1 * (std::f32::consts::TAU * 1730.0 * t).sin()
    };
    (0..seconds * 48_000).map(wave).collect()
}

fn encode_from(samples: &[f32], from: Option<Span>) -> Vec<(usize, Packet<EncodedUnit>)> {
    crate::gst::init().unwrap();
    let settings = SoundSettings { codec: AudioCodec::Aac, bitrate: 192_000, channels: 2 };
    let mut encoder = SoundEncoder::open_with(&CODERS[0], &AudioCaps { rate: RATE, channels: 1 }, &settings).unwrap();
    if let Some(from) = from {
        encoder = encoder.in_pieces(from);
    }
    let block = |(index, block): (usize, &[f32])| Packet::new(RATE.time_of(index as i64 * 960), AudioBlock::mono(block.to_vec(), RATE));
    let mut units: Vec<_> = samples.chunks(960).enumerate().map(block).flat_map(|block| encoder.push(block).unwrap()).collect();
    units.extend(encoder.finish().unwrap());
    units.into_iter().map(|unit| (0, unit)).collect()
}

/// The window sequence of the first channel (ISO/IEC 14496-3, 4.4.2): long, start, eight short, stop.
fn window(unit: &[u8]) -> u8 {
    let mut at = 0;
    let mut bits = |count: usize| {
        at += count;
        (at - count..at).fold(0, |value, bit| value << 1 | u32::from(unit[bit / 8] >> (7 - bit % 8) & 1))
    };
    // Elements that fill come before the pair of channels.
    while bits(3) == 6 {
        let count = match bits(4) {
            15 => 14 + bits(8),
            count => count,
        };
        for _ in 0..count {
            bits(8);
        }
    }
    let _tag = bits(4);
    // Without common windows the gain comes first.
    if bits(1) == 0 {
        bits(8);
    }
    let _reserved = bits(1);
    bits(2) as u8
}

#[test]
fn pieces_can_be_left_out_and_nobody_hears_where_they_meet() {
    let original = clicking(35);
    let (one, all) = (encode_from(&original, None), encode_from(&original, Some(Span::ZERO)));
    assert_eq!(one.len(), all.len());
    let piece = RATE.span_of(512 * 1024);
    for number in [1, 2, 3] {
        let (skipped, later) = (512 * number + 1, encode_from(&original, Some(Span(piece.0 * number as i64))));
        let is_same = all[skipped..].iter().zip(&later).all(|((_, a), (_, b))| a.pts == b.pts && a.media.data == b.media.data);
        assert!(all.len() - skipped == later.len() && is_same, "from piece {number} on");
        assert_eq!(later[0].1.pts, Time::ZERO + Span(piece.0 * number as i64));
    }
    let windows: Vec<u8> = all.iter().map(|(_, unit)| window(&unit.media.data)).collect();
    assert!(windows.contains(&2), "no window is short");
    let fits = |pair: &[u8]| matches!((pair[0], pair[1]), (0 | 3, 0 | 1) | (1 | 2, 2) | (2, 3));
    assert!(windows.windows(2).all(fits), "windows that do not follow each other");
    let (one, all) = (decode(&one), decode(&all));
    for border in [512 * 1024, 2 * 512 * 1024, 3 * 512 * 1024] {
        let noise = |decoded: &[f32]| {
            let near = border - 8192..border + 8192;
            near.map(|i| f64::from(decoded[i + 1024] - original[i]).powi(2)).sum::<f64>()
        };
        assert!(noise(&all) < 1.5 * noise(&one) + 1e-3, "{} against {} without pieces", noise(&all), noise(&one));
    }
}
