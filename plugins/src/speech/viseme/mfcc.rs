//! Mel-frequency cepstral coefficients, as the viseme model was trained on them.
//!
//! The usual chain (Davis and Mermelstein 1980): pre-emphasis, 16 kHz, Hamming windows of 32 ms every 16 ms, power spectrum, 40 triangular
//! mel filters from 30 to 7800 Hz, logarithm, cosine transform, coefficients 1 to 12, liftered by 22 and squeezed by `tanh`. Every constant
//! is the model's (`@met4citizen/headaudio` 0.1.0), so none can be tuned here.

use std::f64::consts::PI;

/// Samples per second of the analysis.
pub(super) const RATE: usize = 16_000;
/// Samples in a window.
const WINDOW: usize = 512;
/// Samples from one window to the next.
pub(super) const HOP: usize = 256;
/// Numbers per window.
pub(super) const COEFFICIENTS: usize = 12;

const BINS: usize = WINDOW / 2;
const BANDS: usize = 40;
const LOWEST: f64 = 30.0;
const HIGHEST: f64 = 7800.0;
const LIFTER: f64 = 22.0;
const EMPHASIS: f32 = 0.97;
const FLOOR: f32 = 1e-10;
/// Taps of the low-pass filter before every third sample is taken.
const TAPS: usize = 63;

/// One window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Frame {
    /// Decadic logarithm of the power: -4 is -40 dB.
    pub energy: f32,
    /// Coefficients 1 to 12, within -1..1.
    pub mfcc: [f32; COEFFICIENTS],
}

/// Analyses mono samples at 48 kHz; window `i` starts at `i * HOP / RATE` seconds. Shorter than one window: none.
pub(super) fn analyse(samples: &[f32]) -> Vec<Frame> {
    let samples = to_16_khz(samples);
    let tables = Tables::new();
    let mut spectrum = [(0.0, 0.0); WINDOW];
    samples.windows(WINDOW).step_by(HOP).map(|window| tables.frame(window, &mut spectrum)).collect()
}

/// Pre-emphasis and conversion to 16 kHz. The model learned from sound at 24 kHz, emphasised before conversion: at 48 kHz the same
/// filter reaches back two samples.
fn to_16_khz(samples: &[f32]) -> Vec<f32> {
    let emphasised: Vec<f32> = (0..samples.len()).map(|n| samples[n] - if n >= 2 { EMPHASIS * samples[n - 2] } else { 0.0 }).collect();
    let taps = low_pass();
    (0..samples.len() / 3)
        .map(|n| {
            let first = (3 * n) as isize - (TAPS / 2) as isize;
            taps.iter().enumerate().map(|(tap, weight)| usize::try_from(first + tap as isize).ok().and_then(|at| emphasised.get(at)).map_or(0.0, |sample| weight * sample)).sum()
        })
        .collect()
}

/// Windowed sinc (Hamming), cut-off at 7.8 kHz of 48 kHz, unity gain at zero.
fn low_pass() -> [f32; TAPS] {
    let cutoff = HIGHEST / 48_000.0;
    let middle = (TAPS / 2) as f64;
    let mut taps = [0.0_f64; TAPS];
    for (n, tap) in taps.iter_mut().enumerate() {
        let x = n as f64 - middle;
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
    roots: [(f32, f32); BINS],
    /// Per band its first bin and weights.
    bands: Vec<(usize, Vec<f32>)>,
    /// Cosine transform with the lifter.
    cosines: [[f32; BANDS]; COEFFICIENTS],
}

impl Tables {
    fn new() -> Tables {
        let mel = |hertz: f64| 2595.0 * (1.0 + hertz / 700.0).log10();
        let hertz = |mel: f64| 700.0 * (10_f64.powf(mel / 2595.0) - 1.0);
        let step = (mel(HIGHEST) - mel(LOWEST)) / (BANDS + 1) as f64;
        let edge = |index: usize| (hertz(mel(LOWEST) + step * index as f64) / RATE as f64 * WINDOW as f64).floor() as usize;
        let bands = (0..BANDS).map(|band| {
            let (low, middle, high) = (edge(band), edge(band + 1), edge(band + 2));
            let rise = (low..middle).map(|bin| (bin - low) as f32 / (middle - low) as f32);
            let fall = (middle..high).map(|bin| (high - bin) as f32 / (high - middle) as f32);
            (low, rise.chain(fall).collect())
        });
        let lifter = |index: usize| 1.0 + LIFTER / 2.0 * (PI * index as f64 / LIFTER).sin();
        let scale = (2.0 / BANDS as f64).sqrt();
        Tables {
            window: std::array::from_fn(|n| hamming(n, WINDOW) as f32),
            roots: std::array::from_fn(|n| {
                let angle = -2.0 * PI * n as f64 / WINDOW as f64;
                (angle.cos() as f32, angle.sin() as f32)
            }),
            bands: bands.collect(),
            cosines: std::array::from_fn(|row| {
                let index = row + 1;
                std::array::from_fn(|band| (lifter(index) * scale * (PI * index as f64 * (band as f64 + 0.5) / BANDS as f64).cos()) as f32)
            }),
        }
    }

    fn frame(&self, samples: &[f32], spectrum: &mut [(f32, f32); WINDOW]) -> Frame {
        self.transform(samples, spectrum);
        let power: [f32; BINS] = std::array::from_fn(|bin| (spectrum[bin].0 * spectrum[bin].0 + spectrum[bin].1 * spectrum[bin].1) / WINDOW as f32);
        let energy = (power.iter().sum::<f32>() + FLOOR).log10();
        let logs: [f32; BANDS] = std::array::from_fn(|band| {
            let (first, weights) = &self.bands[band];
            let sum: f32 = weights.iter().zip(&power[*first..]).map(|(weight, power)| weight * power).sum();
            (sum + FLOOR).log10()
        });
        let mfcc = self.cosines.map(|row| row.iter().zip(&logs).map(|(cosine, log)| cosine * log).sum::<f32>().tanh());
        Frame { energy, mfcc }
    }

    /// Windowed fast Fourier transform, radix 2 (Cooley and Tukey 1965).
    fn transform(&self, samples: &[f32], spectrum: &mut [(f32, f32); WINDOW]) {
        for (n, (sample, weight)) in samples.iter().zip(&self.window).enumerate() {
            spectrum[n.reverse_bits() >> (usize::BITS - WINDOW.trailing_zeros())] = (sample * weight, 0.0);
        }
        let mut half = 1;
        while half < WINDOW {
            for block in spectrum.chunks_exact_mut(2 * half) {
                let (low, high) = block.split_at_mut(half);
                for (n, (a, b)) in low.iter_mut().zip(high).enumerate() {
                    let (re, im) = self.roots[n * (BINS / half)];
                    let turned = (b.0 * re - b.1 * im, b.0 * im + b.1 * re);
                    *b = (a.0 - turned.0, a.1 - turned.1);
                    *a = (a.0 + turned.0, a.1 + turned.1);
                }
            }
            half *= 2;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_transform_is_the_fourier_transform() {
        let tables = Tables::new();
        let samples: Vec<f32> = (0..WINDOW).map(|n| ((n * n) as f32 * 0.37).sin()).collect();
        let mut spectrum = [(0.0, 0.0); WINDOW];
        tables.transform(&samples, &mut spectrum);
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
    fn coefficients_do_not_depend_on_level() {
        let noise: Vec<f32> = (0..48_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 8) as f32 / 8_388_608.0 - 1.0).collect();
        let quiet: Vec<f32> = noise.iter().map(|sample| sample * 0.1).collect();
        let (loud, quiet) = (analyse(&noise), analyse(&quiet));
        assert_eq!(loud.len(), (16_000 - WINDOW) / HOP + 1);
        for (loud, quiet) in loud.iter().zip(&quiet) {
            assert!((loud.energy - quiet.energy - 2.0).abs() < 0.01);
            assert!(loud.mfcc.iter().zip(&quiet.mfcc).all(|(a, b)| (a - b).abs() < 0.01));
        }
        assert!(analyse(&[0.0; 100]).is_empty());
    }
}
