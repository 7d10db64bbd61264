//! What is taken out of a recording before a voice is learned from it: hum below the voice and hiss above it, noise, what is too loud beside
//! what is too quiet, and the silence before and after.
//!
//! The filters are GStreamer's. The recording is one that this program wrote; what strangers sent is opened elsewhere.

use super::{SILENCE, WINDOW, root_mean_square, samples_of};
use ebur128::{EbuR128, Mode};
use gstreamer as gst;
use gstreamer::prelude::*;
use hound::{SampleFormat, WavSpec, WavWriter};
use std::path::Path;
use std::time::Duration;

/// Nothing of a voice is below this, in Hz.
const LOWEST: u32 = 80;
/// Nor above this, that would tell one from another.
const HIGHEST: u32 = 8_000;
/// How loud it is in the end (ITU-R BS.1770), in LUFS.
const LEVEL: f64 = -16.0;
/// The loudest sample may be so loud: -1 dB.
const PEAK: f64 = 0.891;
/// What stays of the silence before and after, in windows: a tenth of a second.
const MARGIN: usize = 5;
/// A minute of sound takes half a second.
const PATIENCE: Duration = Duration::from_secs(60);

/// Why a recording was not filtered.
#[derive(Debug, thiserror::Error)]
pub enum FilterError {
    /// GStreamer does not do it.
    #[error("the sound cannot be filtered: {0}; is the package gstreamer1.0-plugins-good installed?")]
    Filter(String),
    /// Files cannot be handled.
    #[error("the filtered sound cannot be kept: {0}")]
    File(String),
}

/// What was done to a recording.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Filtered {
    /// How long it is now, in seconds.
    pub seconds: f64,
    /// How loud, in LUFS.
    pub loudness: f64,
    /// Was noise taken out of it? Not every machine can.
    pub denoised: bool,
}

/// Filters a WAV file of one channel into another one.
///
/// # Errors
/// It cannot be filtered or written.
pub fn filter(from: &Path, to: &Path) -> Result<Filtered, FilterError> {
    gst::init().map_err(|error| FilterError::Filter(error.to_string()))?;
    let file = |error: hound::Error| FilterError::File(error.to_string());
    let spec = hound::WavReader::open(from).map_err(file)?.spec();
    let denoised = gst::ElementFactory::find("webrtcdsp").is_some();
    run(from, to, spec.sample_rate, denoised)?;
    let samples = samples_of(hound::WavReader::open(to).map_err(file)?);
    let samples = trimmed(&samples);
    let gain = gain(samples, spec.sample_rate).unwrap_or(1.0);
    let spec = WavSpec { channels: 1, bits_per_sample: 16, sample_format: SampleFormat::Int, ..spec };
    let mut writer = WavWriter::create(to, spec).map_err(file)?;
    for sample in samples {
        let scaled = (sample * gain * f64::from(i16::MAX)).round();
        writer.write_sample(scaled.clamp(f64::from(i16::MIN), f64::from(i16::MAX)) as i16).map_err(file)?;
    }
    writer.finalize().map_err(file)?;
    let loudness = loudness(samples, spec.sample_rate).map_or(f64::NEG_INFINITY, |before| before + 20.0 * gain.log10());
    Ok(Filtered { seconds: samples.len() as f64 / f64::from(spec.sample_rate), loudness, denoised })
}

/// Both ends of the voice's range, noise and dynamics.
fn run(from: &Path, to: &Path, rate: u32, denoise: bool) -> Result<(), FilterError> {
    // It works on 48,000 samples a second.
    let noise = "webrtcdsp echo-cancel=false gain-control=false high-pass-filter=false noise-suppression-level=moderate ! ";
    let text = format!(
        "filesrc name=from ! wavparse ! audioconvert ! audioresample ! audio/x-raw,format=S16LE,rate=48000,channels=1 ! {} audioconvert ! \
        audio/x-raw,format=F32LE ! audiocheblimit mode=high-pass cutoff={LOWEST} poles=4 ! \
        audiocheblimit mode=low-pass cutoff={HIGHEST} poles=8 ! \
        audiodynamic mode=compressor characteristics=soft-knee threshold=0.25 ratio=0.5 ! audioresample ! audioconvert ! \
        audio/x-raw,format=S16LE,rate={rate} ! wavenc ! filesink name=to",
        if denoise { noise } else { "" }
    );
    let failed = |error: &dyn std::fmt::Display| FilterError::Filter(error.to_string());
    let pipeline = gst::parse::launch(&text).map_err(|error| failed(&error))?;
    let pipeline = pipeline.downcast::<gst::Pipeline>().map_err(|_| failed(&"it is no pipeline"))?;
    for (name, path) in [("from", from), ("to", to)] {
        let element = pipeline.by_name(name).ok_or_else(|| failed(&"an end of the pipeline is missing"))?;
        element.set_property("location", path.to_str().ok_or_else(|| failed(&"the path is no text"))?);
    }
    let bus = pipeline.bus().ok_or_else(|| failed(&"nobody tells how it goes"))?;
    let started = pipeline.set_state(gst::State::Playing).map_err(|error| failed(&error));
    let patience = gst::ClockTime::from_nseconds(PATIENCE.as_nanos() as u64);
    let ended = started.and_then(|_| match bus.timed_pop_filtered(patience, &[gst::MessageType::Eos, gst::MessageType::Error]) {
        None => Err(failed(&format!("it took longer than {} s", PATIENCE.as_secs()))),
        Some(message) => match message.view() {
            gst::MessageView::Error(error) => Err(failed(&error.error())),
            _ => Ok(()),
        },
    });
    // It ends in any case, and what it says of that changes nothing.
    let _ = pipeline.set_state(gst::State::Null);
    ended
}

/// Without the silence before and after.
fn trimmed(samples: &[f64]) -> &[f64] {
    let heard = |window: &&[f64]| root_mean_square(window) >= SILENCE;
    let windows: Vec<&[f64]> = samples.chunks(WINDOW).collect();
    let Some(first) = windows.iter().position(&heard) else { return samples };
    let last = windows.iter().rposition(&heard).unwrap_or(first);
    let begin = first.saturating_sub(MARGIN) * WINDOW;
    &samples[begin..samples.len().min((last + 1 + MARGIN) * WINDOW)]
}

/// What brings it to its level without going over the loudest sample there may be.
fn gain(samples: &[f64], rate: u32) -> Option<f64> {
    let peak = samples.iter().fold(0.0_f64, |peak, sample| peak.max(sample.abs()));
    let wanted = 10_f64.powf((LEVEL - loudness(samples, rate)?) / 20.0);
    Some(if peak > 0.0 { wanted.min(PEAK / peak) } else { wanted })
}

/// In LUFS; `None` where it is too short or too quiet to have a loudness.
fn loudness(samples: &[f64], rate: u32) -> Option<f64> {
    let mut meter = EbuR128::new(1, rate, Mode::I).ok()?;
    meter.add_frames_f64(samples).ok()?;
    meter.loudness_global().ok().filter(|loudness| loudness.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    const RATE: u32 = 22_050;

    /// Three seconds of a sound, with silence of half a second on both sides, filtered.
    fn filtered(sound: impl Fn(f64) -> f64) -> (Filtered, Vec<f64>) {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("raw.wav"), folder.path().join("voice.wav"));
        let spec = WavSpec { channels: 1, sample_rate: RATE, bits_per_sample: 16, sample_format: SampleFormat::Int };
        let mut writer = WavWriter::create(&from, spec).unwrap();
        for index in 0..4 * RATE {
            let at = f64::from(index) / f64::from(RATE);
            let sample = if (0.5..3.5).contains(&at) { sound(at) } else { 0.0 };
            writer.write_sample((sample * f64::from(i16::MAX)) as i16).unwrap();
        }
        writer.finalize().unwrap();
        let done = filter(&from, &to).unwrap();
        let reader = hound::WavReader::open(&to).unwrap();
        assert_eq!((reader.spec().sample_rate, reader.spec().channels), (RATE, 1));
        (done, samples_of(reader))
    }

    /// How much of a frequency is in it, against all there is.
    fn share(samples: &[f64], hertz: f64) -> f64 {
        let wave = |shift: f64| {
            let sum: f64 =
                samples.iter().enumerate().map(|(index, s)| s * (TAU * hertz * index as f64 / f64::from(RATE) + shift).sin()).sum();
            2.0 * sum / samples.len() as f64
        };
        wave(0.0).hypot(wave(TAU / 4.0)) / (root_mean_square(samples) * 2_f64.sqrt())
    }

    /// Something like a voice: it comes and goes, so that it is not taken for noise.
    fn voice(at: f64) -> f64 {
        let syllable = (TAU * 3.0 * at).sin().max(0.0);
        0.1 * syllable * [220.0, 440.0, 880.0, 1760.0].map(|hertz| (TAU * hertz * at).sin()).iter().sum::<f64>()
    }

    #[test]
    fn hum_and_hiss_and_silence_go_and_the_level_is_set() {
        let (done, samples) = filtered(|at| voice(at) + 0.1 * (TAU * 30.0 * at).sin() + 0.05 * (TAU * 10_000.0 * at).sin());
        assert!((2.9..3.4).contains(&done.seconds), "{done:?}");
        assert!((done.loudness - LEVEL).abs() < 0.5, "{done:?}");
        let [hum, hiss] = [30.0, 10_000.0].map(|hertz| share(&samples, hertz));
        assert!(hum < 0.03 && hiss < 0.03, "{hum} of it is hum and {hiss} hiss");
        assert!(share(&samples, 440.0) > 0.1, "the voice stays: {}", share(&samples, 440.0));
        assert!(samples.iter().all(|sample| sample.abs() <= PEAK + 0.001));
    }

    #[test]
    fn noise_becomes_less() {
        // The same noise in every run.
        let noise = |at: f64| {
            let bits = ((at * f64::from(RATE)).round() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            0.02 * ((bits >> 40) as f64 / f64::from(1 << 24) * 2.0 - 1.0)
        };
        let quietest = |samples: &[f64]| {
            let levels = samples.chunks(WINDOW).skip(20).map(root_mean_square);
            levels.fold(1.0, f64::min) / root_mean_square(samples)
        };
        let (done, samples) = filtered(|at| voice(at) + noise(at));
        let raw: Vec<f64> =
            (RATE / 2..7 * RATE / 2).map(|index| f64::from(index) / f64::from(RATE)).map(|at| voice(at) + noise(at)).collect();
        assert!(!done.denoised || quietest(&samples) < 0.6 * quietest(&raw), "{} of {}", quietest(&samples), quietest(&raw));
    }

    #[test]
    fn silence_between_words_stays() {
        let (word, pause) = (vec![0.1; 10 * WINDOW], vec![0.0; 50 * WINDOW]);
        let samples = [pause.clone(), word.clone(), pause.clone(), word, pause].concat();
        assert_eq!(trimmed(&samples).len(), (MARGIN + 10 + 50 + 10 + MARGIN) * WINDOW);
        assert_eq!(trimmed(&[0.0; 3]).len(), 3);
    }
}
