//! What holds for every coder, and what the tests of the codecs share.

use super::*;
use engine::time::Rate;

pub(in crate::gst) const RATE: Rate = Rate::per_second(48_000);
const INPUT: AudioCaps = AudioCaps { rate: RATE, channels: 1 };

/// Half a second of silence, then a chirp that starts sharply.
pub(in crate::gst) fn sound(samples: usize) -> Vec<f32> {
    let wave = |i: usize| {
        let t = (i as f32 - 24_000.0) / 48_000.0;
        if t < 0.0 { 0.0 } else { 0.5 * (std::f32::consts::TAU * (300.0 * t + 900.0 * t * t)).sin() }
    };
    (0..samples).map(wave).collect()
}

/// Units and the call that each came from; stereo at 128 kbit/s from mono blocks of 960 samples.
pub(in crate::gst) fn encode(coder: &'static Coder, samples: &[f32]) -> (EncodedAudioCaps, Vec<(usize, Packet<EncodedUnit>)>) {
    crate::gst::init().unwrap();
    let mut encoder = SoundEncoder::open_with(coder, &INPUT, &settings(coder.codec)).unwrap();
    let (unit, priming) = (coder.unit as i64, encoder.priming() as i64);
    let mut units = Vec::new();
    let mut call = 0;
    for (index, block) in samples.chunks(960).enumerate() {
        let pts = RATE.time_of(index as i64 * 960);
        let latency = encoder.latency();
        let ready = encoder.push(Packet::new(pts, AudioBlock::mono(block.to_vec(), RATE))).unwrap();
        units.extend(ready.into_iter().map(|unit| (index, unit)));
        // The next unit is never further back than declared.
        let next = units.len() as i64 * unit - priming;
        assert!(RATE.span_of((index * 960 + block.len()) as i64 - next) <= latency);
        call = index + 1;
    }
    units.extend(encoder.finish().unwrap().into_iter().map(|unit| (call, unit)));
    assert_eq!(units.len(), (samples.len() + encoder.priming()).div_ceil(coder.unit));
    for (k, (_, packet)) in units.iter().enumerate() {
        assert_eq!(packet.pts, RATE.time_of(k as i64 * unit - priming));
        assert_eq!((packet.media.dts, packet.dur), (packet.pts, Some(RATE.span_of(unit))));
    }
    (encoder.caps().clone(), units)
}

/// The decoded sound, its priming included, is the original: each sample at its place.
pub(in crate::gst) fn is_original(original: &[f32], decoded: &[f32], priming: usize, name: &str) {
    assert!(decoded.len() >= original.len() + priming, "{name}");
    let likeness =
        |shift: usize| original[24_000..30_000].iter().zip(&decoded[24_000 + shift..]).map(|(a, b)| f64::from(a * b)).sum::<f64>();
    // The shift at which it is most like the original.
    let shift = (0..2200).max_by(|&a, &b| likeness(a).total_cmp(&likeness(b))).unwrap();
    assert_eq!(shift, priming, "{name}");
    let error: f64 = original.iter().zip(&decoded[priming..]).map(|(a, b)| f64::from(a - b).powi(2)).sum();
    let power: f64 = original.iter().map(|a| f64::from(a * a)).sum();
    assert!(error / power < 0.01, "{name}: noise {:.4} of the sound", error / power);
}

fn settings(codec: AudioCodec) -> SoundSettings {
    SoundSettings { codec, bitrate: 128_000, channels: 2 }
}

#[test]
fn two_runs_give_the_same_units_at_the_same_calls() {
    let original = sound(40_000);
    for coder in aac::CODERS.iter().chain(&opus::CODERS) {
        let (first, second) = (encode(coder, &original).1, encode(coder, &original).1);
        assert!(first.iter().zip(&second).all(|((a, x), (b, y))| a == b && x.media.data == y.media.data));
        assert_eq!(first.len(), second.len());
    }
}

#[test]
fn wrong_use_is_an_error_and_nothing_gives_nothing() {
    for codec in [AudioCodec::Aac, AudioCodec::Opus] {
        let open = |input: &AudioCaps, settings| SoundEncoder::open(input, &settings);
        assert!(open(&AudioCaps { channels: 3, ..INPUT }, settings(codec)).is_err());
        assert!(open(&INPUT, SoundSettings { bitrate: 5, ..settings(codec) }).is_err());
        let mut encoder = open(&INPUT, settings(codec)).unwrap();
        assert!(encoder.finish().unwrap().is_empty());
        let mut encoder = open(&INPUT, settings(codec)).unwrap();
        encoder.push(Packet::new(Time::ZERO, AudioBlock::silence(960, 1, RATE))).unwrap();
        assert!(matches!(encoder.push(Packet::new(Time::ZERO, AudioBlock::silence(960, 1, RATE))), Err(GstError::Order { .. })));
        assert!(matches!(encoder.push(Packet::new(RATE.time_of(960), AudioBlock::silence(960, 2, RATE))), Err(GstError::Settings { .. })));
    }
    let slow = AudioCaps { rate: Rate::per_second(44_100), channels: 1 };
    assert!(SoundEncoder::open(&slow, &settings(AudioCodec::Aac)).is_ok());
    assert!(matches!(SoundEncoder::open(&slow, &settings(AudioCodec::Opus)), Err(GstError::Settings { codec: "Opus", .. })));
}
