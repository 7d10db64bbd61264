//! Sample rate conversion of whole clauses to the one rate used inside.

use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Fft, FixedSync, Resampler};

use super::{SAMPLE_RATE, VoiceError};

/// Input samples converted at once, about.
const BLOCK: usize = 1024;

/// Converts mono samples from `rate` Hz to [`SAMPLE_RATE`], band-limited (FFT, Blackman-Harris window), without delay: sample `i` of the
/// result stands at the time `i / 48000`, what was at `n / rate` is still there.
///
/// Length: exactly `samples.len() * 48000 / rate`, rounded up, so no sound is lost at the end and the result is less than one sample
/// longer than the input.
///
/// # Errors
/// [`VoiceError::Rate`] for a rate of zero or one so odd (no common factor with 48000) that the conversion would need blocks of more
/// than a second.
pub fn resample(samples: &[f32], rate: u32) -> Result<Vec<f32>, VoiceError> {
    if rate == SAMPLE_RATE || samples.is_empty() {
        return Ok(samples.to_vec());
    }
    let fail = |cause: String| VoiceError::Rate { rate, cause };
    if rate == 0 || rate / gcd(rate, SAMPLE_RATE) > 48_000 {
        return Err(fail("such a rate is not used for sound".to_owned()));
    }
    // The converter's delay is half a block; only blocks of an even number of input samples have one that is whole, and can be taken off.
    let step = 2 * (rate / gcd(rate, SAMPLE_RATE)) as usize;
    let block = BLOCK.div_ceil(step) * step;
    let mut converter =
        Fft::<f32>::new(rate as usize, SAMPLE_RATE as usize, block, 1, FixedSync::Both).map_err(|error| fail(error.to_string()))?;
    let input = InterleavedSlice::new(samples, 1, samples.len()).map_err(|error| fail(error.to_string()))?;
    let mut output = converter.process_all(&input, samples.len(), None).map_err(|error| fail(error.to_string()))?.take_data();
    output.resize(resampled_length(samples.len(), rate), 0.0);
    Ok(output)
}

/// The number of samples that `count` samples at `rate` Hz become.
fn resampled_length(count: usize, rate: u32) -> usize {
    (count as u64 * u64::from(SAMPLE_RATE)).div_ceil(u64::from(rate)) as usize
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_and_position_are_exact() {
        for (rate, count) in
            [(22_050, 22_050), (22_050, 1), (22_050, 12_345), (16_000, 777), (24_000, 5000), (44_100, 44_101), (96_000, 9601)]
        {
            let mut input = vec![0.0; count];
            input[count / 2] = 1.0;
            let output = resample(&input, rate).unwrap();
            assert_eq!(output.len(), (count * 48_000).div_ceil(rate as usize), "{rate} {count}");
            let peak = (0..output.len()).max_by(|&a, &b| output[a].total_cmp(&output[b])).unwrap();
            let expected = (count / 2) as f64 * 48_000.0 / f64::from(rate);
            assert!((peak as f64 - expected).abs() <= 1.5, "{rate} {count}: impulse at {peak}, expected {expected}");
        }
    }

    #[test]
    fn a_tone_keeps_its_shape() {
        let tone = |rate: f64, count: usize| -> Vec<f32> {
            (0..count).map(|n| (n as f64 / rate * 1000.0 * std::f64::consts::TAU).sin() as f32).collect()
        };
        let output = resample(&tone(22_050.0, 22_050), 22_050).unwrap();
        let expected = tone(48_000.0, 48_000);
        let worst = output[4800..43_200].iter().zip(&expected[4800..43_200]).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(worst < 1e-3, "{worst}");
        assert_eq!(resample(&tone(22_050.0, 22_050), 22_050).unwrap(), output, "the same bits every time");
    }

    #[test]
    fn impossible_rates_are_errors() {
        assert!(resample(&[0.0; 10], 0).is_err());
        assert!(resample(&[0.0; 10], 999_983).is_err());
        assert_eq!(resample(&[], 0).unwrap(), Vec::<f32>::new());
    }
}
