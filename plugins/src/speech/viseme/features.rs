//! What is measured of a sound to tell mouth shapes: mel-frequency cepstral coefficients.
//!
//! The usual chain (Davis and Mermelstein 1980): 16 kHz, pre-emphasis, Hamming windows of 32 ms every 16 ms, power spectrum, triangular
//! mel filters, logarithm, cosine transform. Three things make it independent of level, room and speaker: the logarithm has its floor
//! 60 dB under the loud parts, the mean over the speech is taken off (cepstral mean normalisation, Atal 1974), and energy is
//! relative to the loud parts. Differences over time (Furui 1986) tell a sound from its neighbours.

use std::f64::consts::PI;

/// Samples per second of the analysis.
pub(super) const RATE: usize = 16_000;
/// Samples from one window to the next.
pub(super) const HOP: usize = 256;
/// Numbers per window: coefficients, relative energy, differences of the coefficients.
pub(super) const NUMBERS: usize = 2 * COEFFICIENTS + 1;

/// Samples in a window.
const WINDOW: usize = 512;
const BINS: usize = WINDOW / 2 + 1;
const BANDS: usize = 26;
const COEFFICIENTS: usize = 12;
const LOWEST: f64 = 100.0;
const HIGHEST: f64 = 7600.0;
const EMPHASIS: f32 = 0.97;
/// Windows to either side that a difference is taken over.
const REACH: usize = 2;
/// Cut-off of the low-pass filter before every third sample is taken, in Hz, and its taps.
const CUTOFF: f64 = 7800.0;
const TAPS: usize = 63;
/// A part of one in this many windows is louder than "loud".
const LOUD_PART: usize = 20;
/// Windows this far below the loud ones are silence, in decades of power.
const BELOW_LOUD: f32 = 3.2;
/// Windows below this are silence whatever the rest is, in decades of power of a window (about -55 dB of full scale).
const QUIETEST: f32 = -4.5;
/// The floor of the logarithm under the loud parts, in decades.
const FLOOR: f32 = 6.0;

/// One window.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Frame {
    /// Loud enough to be speech.
    pub speech: bool,
    /// The measurements.
    pub numbers: [f32; NUMBERS],
}

/// Analyses mono samples at 48 kHz; window `i` starts at `i * HOP / RATE` seconds. Shorter than one window: none.
pub(super) fn analyse(samples: &[f32]) -> Vec<Frame> {
    let samples = to_16_khz(samples);
    let tables = Tables::new();
    let powers: Vec<[f32; BINS]> = samples.windows(WINDOW).step_by(HOP).map(|window| tables.power(window)).collect();
    let energies: Vec<f32> = powers.iter().map(|power| (power.iter().sum::<f32>() + 1e-10).log10()).collect();
    let mut sorted = energies.clone();
    sorted.sort_unstable_by(f32::total_cmp);
    let loud = sorted.get(sorted.len().saturating_sub(1 + sorted.len() / LOUD_PART)).copied().unwrap_or(QUIETEST);
    let floor = 10_f32.powf(loud - FLOOR) / BANDS as f32;
    let speech: Vec<bool> = energies.iter().map(|energy| *energy > (loud - BELOW_LOUD).max(QUIETEST)).collect();
    let mut cepstra: Vec<[f32; COEFFICIENTS]> = powers.iter().map(|power| tables.cepstrum(power, floor)).collect();
    let spoken = speech.iter().filter(|speech| **speech).count().max(1) as f32;
    let mean: [f32; COEFFICIENTS] = std::array::from_fn(|index| {
        cepstra.iter().zip(&speech).filter(|(_, speech)| **speech).map(|(cepstrum, _)| cepstrum[index]).sum::<f32>() / spoken
    });
    for cepstrum in &mut cepstra {
        cepstrum.iter_mut().zip(&mean).for_each(|(value, mean)| *value -= mean);
    }
    let last = cepstra.len().saturating_sub(1);
    (0..cepstra.len())
        .map(|index| {
            let (before, after) = (&cepstra[index.saturating_sub(REACH)], &cepstra[(index + REACH).min(last)]);
            let numbers = std::array::from_fn(|number| match number {
                0..COEFFICIENTS => cepstra[index][number],
                COEFFICIENTS => energies[index] - loud,
                _ => after[number - COEFFICIENTS - 1] - before[number - COEFFICIENTS - 1],
            });
            Frame { speech: speech[index], numbers }
        })
        .collect()
}

/// Every third sample of the low-passed signal, pre-emphasised.
fn to_16_khz(samples: &[f32]) -> Vec<f32> {
    let taps = low_pass();
    let mut padded = vec![0.0; TAPS / 2];
    padded.extend_from_slice(samples);
    padded.resize(samples.len() + TAPS - 1, 0.0);
    let slow: Vec<f32> =
        padded.windows(TAPS).step_by(3).map(|window| window.iter().zip(&taps).map(|(sample, tap)| sample * tap).sum()).collect();
    (0..slow.len()).map(|n| slow[n] - if n > 0 { EMPHASIS * slow[n - 1] } else { 0.0 }).collect()
}

/// Windowed sinc (Hamming) for 48 kHz, unity gain at zero.
fn low_pass() -> [f32; TAPS] {
    let cutoff = CUTOFF / 48_000.0;
    let mut taps = [0.0_f64; TAPS];
    for (n, tap) in taps.iter_mut().enumerate() {
        let x = n as f64 - (TAPS / 2) as f64;
        let sinc = if x == 0.0 { 2.0 * cutoff } else { (2.0 * PI * cutoff * x).sin() / (PI * x) };
        *tap = sinc * hamming(n, TAPS);
    }
    let sum: f64 = taps.iter().sum();
    taps.map(|tap| (tap / sum) as f32)
}

fn hamming(n: usize, length: usize) -> f64 {
    0.54 - 0.46 * (2.0 * PI * n as f64 / (length - 1) as f64).cos()
}

/// What does not depend on the sound.
struct Tables {
    window: [f32; WINDOW],
    /// Powers of the root of unity, first half.
    roots: [(f32, f32); WINDOW / 2],
    /// Per band its first bin and weights.
    bands: Vec<(usize, Vec<f32>)>,
    cosines: [[f32; BANDS]; COEFFICIENTS],
}

impl Tables {
    fn new() -> Tables {
        let mel = |hertz: f64| 2595.0 * (1.0 + hertz / 700.0).log10();
        let hertz = |mel: f64| 700.0 * (10_f64.powf(mel / 2595.0) - 1.0);
        let step = (mel(HIGHEST) - mel(LOWEST)) / (BANDS + 1) as f64;
        let edge = |index: usize| hertz(mel(LOWEST) + step * index as f64) / RATE as f64 * WINDOW as f64;
        let bands = (0..BANDS).map(|band| {
            let (low, middle, high) = (edge(band), edge(band + 1), edge(band + 2));
            let first = low.ceil() as usize;
            let weights = (first..=high.floor() as usize)
                .map(|bin| ((bin as f64 - low) / (middle - low)).min((high - bin as f64) / (high - middle)) as f32);
            (first, weights.collect())
        });
        let scale = (2.0 / BANDS as f64).sqrt();
        Tables {
            window: std::array::from_fn(|n| hamming(n, WINDOW) as f32),
            roots: std::array::from_fn(|n| {
                let angle = -2.0 * PI * n as f64 / WINDOW as f64;
                (angle.cos() as f32, angle.sin() as f32)
            }),
            bands: bands.collect(),
            cosines: std::array::from_fn(|row| {
                std::array::from_fn(|band| (scale * (PI * (row + 1) as f64 * (band as f64 + 0.5) / BANDS as f64).cos()) as f32)
            }),
        }
    }

    fn power(&self, samples: &[f32]) -> [f32; BINS] {
        let spectrum = self.transform(samples);
        std::array::from_fn(|bin| (spectrum[bin].0 * spectrum[bin].0 + spectrum[bin].1 * spectrum[bin].1) / WINDOW as f32)
    }

    fn cepstrum(&self, power: &[f32; BINS], floor: f32) -> [f32; COEFFICIENTS] {
        let logs: [f32; BANDS] = std::array::from_fn(|band| {
            let (first, weights) = &self.bands[band];
            let sum: f32 = weights.iter().zip(&power[*first..]).map(|(weight, power)| weight * power).sum();
            (sum + floor).log10()
        });
        self.cosines.map(|row| row.iter().zip(&logs).map(|(cosine, log)| cosine * log).sum())
    }

    /// Windowed fast Fourier transform, radix 2 (Cooley and Tukey 1965).
    fn transform(&self, samples: &[f32]) -> [(f32, f32); WINDOW] {
        let mut spectrum = [(0.0, 0.0); WINDOW];
        for (n, (sample, weight)) in samples.iter().zip(&self.window).enumerate() {
            spectrum[n.reverse_bits() >> (usize::BITS - WINDOW.trailing_zeros())] = (sample * weight, 0.0);
        }
        let mut half = 1;
        while half < WINDOW {
            for block in spectrum.chunks_exact_mut(2 * half) {
                let (low, high) = block.split_at_mut(half);
                for (n, (a, b)) in low.iter_mut().zip(high).enumerate() {
                    let (re, im) = self.roots[n * (WINDOW / 2 / half)];
                    let turned = (b.0 * re - b.1 * im, b.0 * im + b.1 * re);
                    *b = (a.0 - turned.0, a.1 - turned.1);
                    *a = (a.0 + turned.0, a.1 + turned.1);
                }
            }
            half *= 2;
        }
        spectrum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_transform_is_the_fourier_transform() {
        let samples: Vec<f32> = (0..WINDOW).map(|n| ((n * n) as f32 * 0.37).sin()).collect();
        let spectrum = Tables::new().transform(&samples);
        for bin in [0, 1, 100, 255, 400] {
            let (mut re, mut im) = (0.0, 0.0);
            for (n, sample) in samples.iter().enumerate() {
                let angle = -2.0 * PI * (n * bin) as f64 / WINDOW as f64;
                let value = f64::from(*sample) * hamming(n, WINDOW);
                (re, im) = (re + value * angle.cos(), im + value * angle.sin());
            }
            assert!((f64::from(spectrum[bin].0) - re).abs() < 1e-3 && (f64::from(spectrum[bin].1) - im).abs() < 1e-3, "bin {bin}");
        }
    }

    #[test]
    fn level_does_not_count() {
        let noise: Vec<f32> = (0..48_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 8) as f32 / 8_388_608.0 - 1.0).collect();
        let quiet: Vec<f32> = noise.iter().map(|sample| sample * 0.1).collect();
        let (loud, quiet) = (analyse(&noise), analyse(&quiet));
        assert_eq!(loud.len(), (16_000 - WINDOW) / HOP + 1);
        for (loud, quiet) in loud.iter().zip(&quiet) {
            assert_eq!(loud.speech, quiet.speech);
            assert!(loud.numbers.iter().zip(&quiet.numbers).all(|(a, b)| (a - b).abs() < 0.01));
        }
        assert!(analyse(&[0.0; 100]).is_empty() && analyse(&[]).is_empty());
    }
}
