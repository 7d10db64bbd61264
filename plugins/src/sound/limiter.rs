//! A look-ahead limiter: the gain falls before a peak comes, so that none passes the ceiling and nothing is clipped.
//!
//! With `need[n] <= 1` the gain at which the peak around frame n would just reach the ceiling, and L frames of look-ahead:
//! 1. `hold[n]`, the smallest need from n to n + L - 1, then rising by at most a fixed step a frame (the release);
//! 2. `gain[n]`, the mean of `hold[n - L + 1] ..= hold[n]` under a window whose weights add up to one.
//!
//! Each `hold` in that mean covers n, so `gain[n] <= need[n]`: no peak passes. Where L frames in a row need nothing the gain is exactly 1.

use super::true_peak::{self, TruePeak};
use std::collections::VecDeque;

/// Computes the gain of each frame of a stream.
#[derive(Debug)]
pub(super) struct Limiter {
    meter: TruePeak,
    ceiling: f32,
    /// By how much the gain may rise from one frame to the next.
    step: f32,
    /// Weights of the mean, oldest first; L of them.
    window: Vec<f32>,
    /// Frames taken.
    taken: usize,
    /// Needs within the look-ahead that may still be the smallest, with their frames; increasing.
    smallest: VecDeque<(usize, f32)>,
    /// The last L values of `hold`.
    held: VecDeque<f32>,
    /// How many of them, from the last one back, are 1.
    free: usize,
}

impl Limiter {
    /// For so many channels: no peak above `ceiling` (1 = full scale), `lookahead` frames of look-ahead, and `release` frames from silence
    /// back to full gain.
    pub(super) fn new(channels: usize, ceiling: f32, lookahead: usize, release: usize) -> Limiter {
        let lookahead = lookahead.max(1);
        // A Hann window: the gain bends without corners.
        let hann = |j: usize| (std::f64::consts::PI * (j as f64 + 0.5) / lookahead as f64).sin().powi(2);
        let sum: f64 = (0..lookahead).map(hann).sum();
        Limiter {
            meter: TruePeak::new(channels, ceiling),
            ceiling,
            step: 1.0 / release.max(1) as f32,
            window: (0..lookahead).map(|j| (hann(j) / sum) as f32).collect(),
            taken: 0,
            smallest: VecDeque::new(),
            held: vec![1.0; lookahead].into(),
            free: lookahead,
        }
    }

    /// How many frames after a frame are needed to know its gain.
    pub(super) fn delay(&self) -> usize {
        true_peak::LOOKAHEAD + self.window.len() - 1
    }

    /// Takes a frame and gives the gain of the one that came [`delay`](Limiter::delay) frames before it, once there is one.
    pub(super) fn push(&mut self, frame: &[f32]) -> Option<f32> {
        let peak = self.meter.push(frame);
        let now = self.taken;
        self.taken += 1;
        // Nothing is needed of the frames before the first.
        let need = if now >= true_peak::LOOKAHEAD && peak > self.ceiling { self.ceiling / peak } else { 1.0 };
        while self.smallest.back().is_some_and(|&(_, other)| other >= need) {
            self.smallest.pop_back();
        }
        self.smallest.push_back((now, need));
        while self.smallest.front().is_some_and(|&(frame, _)| frame + self.window.len() <= now) {
            self.smallest.pop_front();
        }
        let smallest = self.smallest.front().map_or(1.0, |&(_, need)| need);
        let before = self.held.back().copied().unwrap_or(1.0);
        let hold = smallest.min(before + self.step);
        self.held.pop_front();
        self.held.push_back(hold);
        self.free = if hold >= 1.0 { self.free + 1 } else { 0 };
        (now >= self.delay()).then(|| self.gain())
    }

    fn gain(&self) -> f32 {
        if self.free >= self.window.len() {
            return 1.0;
        }
        let sum: f32 = self.window.iter().zip(&self.held).map(|(weight, hold)| weight * hold).sum();
        sum.min(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gains(samples: &[f32]) -> Vec<f32> {
        let mut limiter = Limiter::new(1, 0.5, 48, 480);
        let silence = vec![0.0; limiter.delay()];
        samples.iter().chain(&silence).filter_map(|sample| limiter.push(&[*sample])).collect()
    }

    #[test]
    fn the_gain_bends_before_the_peak_and_is_one_again_after_the_release() {
        let mut samples = vec![0.1; 2000];
        samples[1000] = 1.0;
        let gains = gains(&samples);
        assert_eq!(gains.len(), 2000, "one for each frame");
        assert!(gains[1000] <= 0.5 && gains[1000] > 0.4, "{}", gains[1000]);
        assert!(gains[..940].iter().all(|gain| *gain == 1.0), "exactly one before the look-ahead");
        assert!(gains[952..=999].is_sorted_by(|a, b| a >= b), "down to the peak");
        let steepest = gains.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max);
        assert!(steepest < 0.03, "no corners: {steepest}");
        assert!(gains[1000 + 48 + 300..].iter().all(|gain| *gain == 1.0), "exactly one after the release");
    }

    #[test]
    fn the_first_and_the_last_frame_are_limited_too() {
        for at in [0, 199] {
            let mut samples = vec![0.0; 200];
            samples[at] = 2.0;
            assert!(gains(&samples)[at] <= 0.25, "frame {at}");
        }
    }
}
