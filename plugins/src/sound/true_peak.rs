//! True peaks: how high the wave goes between its samples (ITU-R BS.1770-4, annex 2, with a longer filter).

/// Between two samples the wave is looked at in this many places, counting the first sample.
const OVERSAMPLING: usize = 4;

/// Samples that a place between two samples is computed from.
const TAPS: usize = 24;

/// How many samples after a place are needed to know its peak.
pub(super) const LOOKAHEAD: usize = TAPS / 2;

/// Measures the peak around each sample of a stream, over all channels.
#[derive(Debug)]
pub(super) struct TruePeak {
    /// Interpolation filters for a quarter, a half and three quarters of the way to the next sample.
    filters: [[f32; TAPS]; OVERSAMPLING - 1],
    /// No place between samples that are all below this (as a part of `quiet`) can be above `quiet`.
    gain: f32,
    channels: Vec<Vec<f32>>,
    /// Samples in a row, up to now, that are too quiet for a peak between them.
    quiet_run: usize,
    quiet: f32,
    /// The peak between the sample before and the next one to be told.
    before: f32,
}

impl TruePeak {
    /// For a stream of so many channels. Peaks below `quiet` need not be told exactly.
    pub(super) fn new(channels: usize, quiet: f32) -> TruePeak {
        let filters = std::array::from_fn(|place| filter((place + 1) as f64 / OVERSAMPLING as f64));
        let gain = filters.iter().map(|taps| taps.iter().map(|tap| tap.abs()).sum()).fold(1.0, f32::max);
        // What came before the first sample was silence.
        TruePeak { filters, gain, channels: vec![vec![0.0; TAPS]; channels], quiet_run: TAPS, quiet, before: 0.0 }
    }

    /// Takes the next frame and tells the peak around the one that came [`LOOKAHEAD`] frames before: of its samples and of the wave between
    /// it and its neighbours. Where it is below `quiet`, anything below `quiet` may be told.
    pub(super) fn push(&mut self, frame: &[f32]) -> f32 {
        let loud = frame.iter().any(|sample| sample.abs() * self.gain > self.quiet);
        self.quiet_run = if loud { 0 } else { self.quiet_run + 1 };
        for (channel, &sample) in self.channels.iter_mut().zip(frame) {
            if channel.len() >= 64 * TAPS {
                channel.drain(..channel.len() - TAPS);
            }
            channel.push(sample);
        }
        if self.quiet_run > TAPS {
            self.before = 0.0;
            return 0.0;
        }
        let (mut here, mut after) = (0.0f32, 0.0f32);
        for channel in &self.channels {
            // The frame told about is the one in front of the filter's middle.
            let window: &[f32; TAPS] = channel.last_chunk().expect("it began with that many");
            here = here.max(window[TAPS - 1 - LOOKAHEAD].abs());
            for taps in &self.filters {
                let value: f32 = taps.iter().zip(window).map(|(tap, sample)| tap * sample).sum();
                after = after.max(value.abs());
            }
        }
        let peak = here.max(after).max(self.before);
        self.before = after;
        peak
    }
}

/// A sinc under a Kaiser window (beta 6: side lobes 60 dB down) that gives the value `place` of the way from sample `TAPS / 2 - 1` to the next;
/// its taps add up to one.
fn filter(place: f64) -> [f32; TAPS] {
    let half = TAPS as f64 / 2.0;
    let tap = |index: usize| {
        let distance = index as f64 - (half - 1.0) - place;
        let angle = std::f64::consts::PI * distance;
        let sinc = if angle == 0.0 { 1.0 } else { angle.sin() / angle };
        let edge = 1.0 - (distance / half).powi(2);
        sinc * bessel(6.0 * edge.max(0.0).sqrt())
    };
    let taps: [f64; TAPS] = std::array::from_fn(tap);
    let sum: f64 = taps.iter().sum();
    taps.map(|tap| (tap / sum) as f32)
}

/// The modified Bessel function of order zero by its power series.
fn bessel(x: f64) -> f64 {
    let term = |(value, sum): (f64, f64), k: i32| {
        let value = value * (x / (2.0 * f64::from(k))).powi(2);
        (value, sum + value)
    };
    (1..30).fold((1.0, 1.0), term).1
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    fn peaks(samples: &[f32], quiet: f32) -> Vec<f32> {
        let mut meter = TruePeak::new(1, quiet);
        let told: Vec<f32> = samples.iter().chain(&[0.0; LOOKAHEAD]).map(|sample| meter.push(&[*sample])).collect();
        told[LOOKAHEAD..].to_vec()
    }

    #[test]
    fn a_sine_has_its_peak_wherever_its_samples_lie() {
        // At a quarter of the sample rate and 45 degrees all samples are at 0.707: the classic case of BS.1770.
        for (frequency, phase, error) in [(0.25, 0.125, 0.01), (0.25, 0.05, 0.06), (0.1, 0.02, 0.01), (0.01, 0.0, 0.001)] {
            let sine: Vec<f32> = (0..400).map(|n| (TAU * (frequency * f64::from(n) + phase)).sin() as f32).collect();
            let peak = peaks(&sine, 0.0)[50..350].iter().copied().fold(0.0, f32::max);
            assert!((f64::from(peak) - 1.0).abs() < error, "{frequency} {phase}: {peak}");
        }
    }

    #[test]
    fn peaks_lie_where_they_are_and_quiet_ones_are_skipped_without_effect() {
        let mut samples: Vec<f32> = (0..3000).map(|n| ((n * n) as f32 * 0.0007).sin() * 0.1).collect();
        samples[1500] = 0.9;
        let exact = peaks(&samples, 0.0);
        let loudest = (0..3000).max_by(|&a, &b| exact[a].total_cmp(&exact[b])).unwrap();
        assert!((1499..=1500).contains(&loudest), "{loudest}");
        assert!(exact[1500] >= 0.9 && exact[1400] < 0.12);
        for (told, exact) in peaks(&samples, 0.5).iter().zip(&exact) {
            assert!(told == exact || (*told < 0.5 && *exact < 0.5), "{told} {exact}");
        }
    }
}
