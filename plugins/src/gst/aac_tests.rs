//! Encoded and read back with ffmpeg, sample by sample.

use super::*;
use engine::time::Rate;
use std::process::Command;

const RATE: Rate = Rate::per_second(48_000);
const INPUT: AudioCaps = AudioCaps { rate: RATE, channels: 1 };

/// Half a second of silence, then a chirp that starts sharply.
fn sound(samples: usize) -> Vec<f32> {
    let wave = |i: usize| {
        let t = (i as f32 - 24_000.0) / 48_000.0;
        if t < 0.0 { 0.0 } else { 0.5 * (std::f32::consts::TAU * (300.0 * t + 900.0 * t * t)).sin() }
    };
    (0..samples).map(wave).collect()
}

/// Units and the call that each came from; blocks of 960 samples.
fn encode(coder: &'static Coder, samples: &[f32]) -> (EncodedAudioCaps, Vec<(usize, Packet<EncodedUnit>)>) {
    crate::gst::init().unwrap();
    let mut encoder = AacEncoder::open_with(coder, &INPUT, &AacSettings::default()).unwrap();
    let mut units = Vec::new();
    let mut call = 0;
    for (index, block) in samples.chunks(960).enumerate() {
        let pts = RATE.time_of(index as i64 * 960);
        let latency = encoder.latency();
        let ready = encoder.push(Packet::new(pts, AudioBlock::mono(block.to_vec(), RATE))).unwrap();
        units.extend(ready.into_iter().map(|unit| (index, unit)));
        // The next unit is never further back than declared.
        let next = units.len() as i64 * 1024 - encoder.coder.priming as i64;
        assert!(RATE.span_of((index * 960 + block.len()) as i64 - next) <= latency);
        call = index + 1;
    }
    units.extend(encoder.finish().unwrap().into_iter().map(|unit| (call, unit)));
    (encoder.caps().clone(), units)
}

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

/// The shift at which the decoded sound is most like the original.
fn shift(original: &[f32], decoded: &[f32]) -> usize {
    let likeness =
        |shift: usize| original[24_000..30_000].iter().zip(&decoded[24_000 + shift..]).map(|(a, b)| f64::from(a * b)).sum::<f64>();
    (0..2200).max_by(|&a, &b| likeness(a).total_cmp(&likeness(b))).unwrap()
}

#[test]
fn every_sample_comes_back_at_its_place() {
    for coder in &CODERS {
        for samples in [48_000, 48_640, 48_641] {
            let original = sound(samples);
            let (caps, units) = encode(coder, &original);
            assert_eq!(units.len(), (samples + coder.priming).div_ceil(1024));
            assert_eq!(&caps.config[..2], [0x11, 0x90], "AAC-LC, 48 kHz, stereo");
            for (k, (_, unit)) in units.iter().enumerate() {
                assert_eq!(unit.pts, RATE.time_of(k as i64 * 1024 - coder.priming as i64));
                assert_eq!((unit.media.dts, unit.dur), (unit.pts, Some(RATE.span_of(1024))));
            }
            let decoded = decode(&units);
            assert_eq!(decoded.len(), units.len() * 1024, "{}", coder.element);
            assert!(decoded.len() >= samples + coder.priming);
            assert_eq!(shift(&original, &decoded), coder.priming, "{}", coder.element);
            let error: f64 = original.iter().zip(&decoded[coder.priming..]).map(|(a, b)| f64::from(a - b).powi(2)).sum();
            let power: f64 = original.iter().map(|a| f64::from(a * a)).sum();
            assert!(error / power < 0.01, "{}: noise {:.4} of the sound", coder.element, error / power);
        }
    }
}

#[test]
fn two_runs_give_the_same_units_at_the_same_calls() {
    let original = sound(40_000);
    for coder in &CODERS {
        let (first, second) = (encode(coder, &original).1, encode(coder, &original).1);
        assert!(first.iter().zip(&second).all(|((a, x), (b, y))| a == b && x.media.data == y.media.data));
        assert_eq!(first.len(), second.len());
    }
}

#[test]
fn wrong_use_is_an_error_and_nothing_gives_nothing() {
    let open = |input: &AudioCaps, settings| AacEncoder::open(input, &settings);
    assert!(open(&AudioCaps { channels: 3, ..INPUT }, AacSettings::default()).is_err());
    assert!(open(&INPUT, AacSettings { bitrate: 5, channels: 2 }).is_err());
    let mut encoder = open(&INPUT, AacSettings::default()).unwrap();
    assert!(encoder.finish().unwrap().is_empty());
    let mut encoder = open(&INPUT, AacSettings::default()).unwrap();
    encoder.push(Packet::new(Time::ZERO, AudioBlock::silence(960, 1, RATE))).unwrap();
    assert!(matches!(encoder.push(Packet::new(Time::ZERO, AudioBlock::silence(960, 1, RATE))), Err(GstError::Order { .. })));
    assert!(matches!(encoder.push(Packet::new(RATE.time_of(960), AudioBlock::silence(960, 2, RATE))), Err(GstError::Settings { .. })));
}
