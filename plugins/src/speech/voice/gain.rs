//! Every voice speaks at the same loudness: by one gain per voice or, where a model speaks some clauses louder than others, by one per clause.
//!
//! The gain of a voice is measured once on a fixed text, never on the lecture: an edit of one slide must not change the level of the others.

use ebur128::{Channel, EbuR128, Mode};
use engine::time::Span;

use super::{SAMPLE_RATE, Voice, VoiceError};
use crate::speech::cache::Cache;
use crate::speech::text::{Options, narrate};

/// Loudness of speech after the gain, in LUFS (ITU-R BS.1770-4) of the stereo signal that a listener gets, both channels the same.
pub const TARGET_LUFS: f64 = -16.0;

/// Raised when the measurement changes.
const REVISION: u32 = 1;

/// Quieter than this is no speech: such a voice is left as it is.
const SILENCE_LUFS: f64 = -60.0;

const ENGLISH: &str = "The birch canoe slid on the smooth planks. Glue the sheet to the dark blue background. It is easy to tell the depth of a well. \
    These days a chicken leg is a rare dish. Rice is often served in round bowls. The juice of lemons makes fine punch.";

/// Digits are read in every language.
const ANY_LANGUAGE: &str = "1 2 3 4 5 6 7 8 9 10. 11 12 13 14 15 16 17 18 19 20. 21 32 43 54 65 76 87 98.";

/// The factor that brings `voice` to [`TARGET_LUFS`], between -20 and +20 dB. Where the voice does not know how loud it is, the first call for it
/// speaks about 15 s of text; the result is kept in `cache` under the voice's fingerprint.
///
/// # Errors
/// Those of the voice. A cache that cannot be written is only a warning.
pub fn gain_for(voice: &dyn Voice, cache: &Cache) -> Result<f32, VoiceError> {
    if let Some(loudness) = voice.loudness() {
        return Ok(to_target(loudness));
    }
    let key = Cache::key(&[b"gain", &REVISION.to_le_bytes(), voice.fingerprint().as_bytes()]);
    if let Some(gain) = cache.get(&key).and_then(|bytes| Some(f32::from_le_bytes(bytes.try_into().ok()?))).filter(|gain| gain.is_finite()) {
        return Ok(gain);
    }
    let gain = measure(voice)?.filter(|loudness| *loudness > SILENCE_LUFS).map_or(1.0, to_target);
    cache.put(&key, &gain.to_le_bytes());
    Ok(gain)
}

/// Loudness of the fixed text before any gain, in LUFS.
///
/// # Errors
/// Those of the voice.
pub(super) fn measure(voice: &dyn Voice) -> Result<Option<f64>, VoiceError> {
    let text = if voice.language().starts_with("en") { ENGLISH } else { ANY_LANGUAGE };
    let mut samples = Vec::new();
    for clause in narrate(text, voice.language(), Options::default()).clauses {
        samples.extend(voice.synthesize(&clause)?.samples);
        samples.resize(samples.len() + silence(clause.pause_after), 0.0);
    }
    Ok(loudness(&samples))
}

/// Brings one clause to [`TARGET_LUFS`], by the factor that [`gain_for`] would take for a voice that always speaks as loudly as this.
pub(super) fn level(clause: &mut [f32]) {
    // The standard's blocks are 0.4 s long; what repeats itself is as loud as once.
    let enough = SAMPLE_RATE as usize;
    let times = enough.div_ceil(clause.len().max(1));
    let measured = if times > 1 { loudness(&clause.repeat(times)) } else { loudness(clause) };
    let factor = measured.filter(|loudness| *loudness > SILENCE_LUFS).map_or(1.0, to_target);
    clause.iter_mut().for_each(|sample| *sample *= factor);
}

/// The factor that brings a recording to [`TARGET_LUFS`], between -20 and +20 dB; 1 for one that is silent or shorter than 0.4 s.
pub fn gain_of(samples: &[f32]) -> f32 {
    loudness(samples).map_or(1.0, to_target)
}

fn to_target(loudness: f64) -> f32 {
    10_f64.powf((TARGET_LUFS - loudness).clamp(-20.0, 20.0) / 20.0) as f32
}

fn silence(pause: Span) -> usize {
    super::SAMPLES.count_in(pause) as usize
}

/// Integrated loudness in LUFS (ITU-R BS.1770-4) of mono samples at [`SAMPLE_RATE`] heard from both loudspeakers; `None` for silence and for
/// less than the 0.4 s that the standard needs.
pub fn loudness(samples: &[f32]) -> Option<f64> {
    let mut meter = EbuR128::new(1, SAMPLE_RATE, Mode::I).ok()?;
    meter.set_channel(0, Channel::DualMono).ok()?;
    meter.add_frames_f32(samples).ok()?;
    meter.loudness_global().ok().filter(|loudness| loudness.is_finite())
}

/// The same of two channels, left and right by turns.
pub fn loudness_of_both(samples: &[f32]) -> Option<f64> {
    let mut meter = EbuR128::new(2, SAMPLE_RATE, Mode::I).ok()?;
    meter.add_frames_f32(samples).ok()?;
    meter.loudness_global().ok().filter(|loudness| loudness.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loudness_is_that_of_the_standard() {
        // BS.1770: a 997 Hz sine at 0 dBFS in one channel reads -3.01 LUFS; in both channels 0.0.
        let tone: Vec<f32> = (0..96_000).map(|n| (n as f32 * 997.0 / 48_000.0 * std::f32::consts::TAU).sin() * 0.1).collect();
        let measured = loudness(&tone).unwrap();
        assert!((measured + 20.0).abs() < 0.1, "{measured}");
        assert_eq!(loudness(&[0.0; 48_000]), None);
        // A clause however short.
        for length in [960, 30_000, 96_000] {
            let mut clause = tone[..length].to_vec();
            level(&mut clause);
            let factor = f64::from(clause[7] / tone[7]);
            assert!((20.0 * factor.log10() - 4.0).abs() < 0.3, "{length} samples: {factor}");
        }
        level(&mut []);
        let mut silent = [0.0; 480];
        level(&mut silent);
        assert_eq!(silent, [0.0; 480]);
        let both: Vec<f32> = tone.iter().flat_map(|sample| [*sample; 2]).collect();
        assert!((loudness_of_both(&both).unwrap() - measured).abs() < 0.01);
    }
}
