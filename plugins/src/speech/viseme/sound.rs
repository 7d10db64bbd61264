//! Mouth shapes from sound alone, where there is no text: recorded narration, other speech services.
//!
//! Each 16 ms of sound is compared with the model's phonemes ([`gaussians`](super::gaussians)). Single windows are often wrong, and a mouth
//! that flickers looks worse than one that is a little wrong; so the cheapest *path* through all windows is taken, where every change
//! of shape costs (Viterbi 1967). Silence is told by loudness, relative to the loudest parts, before the model is asked.

use engine::time::{Rate, Span};

use super::gaussians::distances;
use super::mfcc::{Frame, HOP, RATE, analyse};
use super::Viseme;
use crate::speech::voice::{SAMPLES, Timed};

/// What a change of shape costs, in squared Mahalanobis distance.
const CHANGE: f32 = 12.0;
/// Windows this far below the loud ones are silence, in decades of power.
const BELOW_LOUD: f32 = 3.2;
/// Windows below this are silence whatever the rest is, in decades of power (-5.5 is -55 dB).
const QUIETEST: f32 = -5.5;
/// Loudness that a twentieth of the windows exceed counts as loud.
const LOUD_PART: usize = 20;

/// Finds the mouth shapes in mono speech at 48 kHz. They are gapless from zero to the end, neighbours differ, borders lie on a grid of
/// 16 ms. Silence gives one [`Viseme::Sil`], no samples give nothing. Costs about 4 ms of CPU per second of sound.
pub fn visemes_from_sound(samples: &[f32]) -> Vec<Timed<Viseme>> {
    let duration = SAMPLES.span_of(samples.len() as i64);
    let rate = Rate::per_second(RATE as u32);
    let shapes = path(&analyse(samples));
    let mut result: Vec<Timed<Viseme>> = Vec::new();
    for (index, value) in shapes.into_iter().enumerate() {
        // A window stands for the hop in its middle; the first one also for what is before.
        let at = if index == 0 { Span::ZERO } else { rate.span_of((index * HOP + HOP / 2) as i64) };
        if result.last().is_none_or(|last| last.value != value) {
            result.push(Timed { at, dur: Span::ZERO, value });
        }
    }
    if result.is_empty() && duration > Span::ZERO {
        result.push(Timed { at: Span::ZERO, dur: Span::ZERO, value: Viseme::Sil });
    }
    let ends: Vec<Span> = result.iter().skip(1).map(|next| next.at).chain([duration]).collect();
    for (shape, end) in result.iter_mut().zip(ends) {
        shape.dur = end - shape.at;
    }
    result
}

/// The cheapest path of shapes through the windows.
fn path(frames: &[Frame]) -> Vec<Viseme> {
    let mut energies: Vec<f32> = frames.iter().map(|frame| frame.energy).collect();
    energies.sort_unstable_by(f32::total_cmp);
    let loud = energies.get(energies.len().saturating_sub(1 + energies.len() / LOUD_PART)).copied().unwrap_or(QUIETEST);
    let silence = (loud - BELOW_LOUD).max(QUIETEST);
    let mut costs = [0.0_f32; 15];
    let mut came_from: Vec<[u8; 15]> = Vec::with_capacity(frames.len());
    for frame in frames {
        let own = if frame.energy < silence { silent() } else { distances(&frame.mfcc) };
        let cheapest = (0..15).min_by(|&a, &b| costs[a].total_cmp(&costs[b])).expect("fifteen shapes");
        let changed = costs[cheapest] + CHANGE;
        let mut from = [cheapest as u8; 15];
        let next: [f32; 15] = std::array::from_fn(|shape| {
            let stays = costs[shape] <= changed;
            if stays {
                from[shape] = shape as u8;
            }
            own[shape] + if stays { costs[shape] } else { changed }
        });
        // Only differences count; without this long sounds would lose precision.
        let least = next.iter().copied().fold(f32::INFINITY, f32::min);
        costs = next.map(|cost| cost - least);
        came_from.push(from);
    }
    let mut shape = (0..15).min_by(|&a, &b| costs[a].total_cmp(&costs[b])).expect("fifteen shapes");
    let mut shapes = vec![Viseme::Sil; frames.len()];
    for (index, from) in came_from.iter().enumerate().rev() {
        shapes[index] = Viseme::ALL[shape];
        shape = usize::from(from[shape]);
    }
    shapes
}

/// The costs of a silent window: anything but closed is dear, not impossible.
fn silent() -> [f32; 15] {
    std::array::from_fn(|shape| if shape == Viseme::Sil as usize { 0.0 } else { 4.0 * CHANGE })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_closed_and_covered_whole() {
        for count in [1, 100, 48_000, 48_123] {
            let shapes = visemes_from_sound(&vec![0.0; count]);
            assert_eq!(shapes, [Timed { at: Span::ZERO, dur: SAMPLES.span_of(count as i64), value: Viseme::Sil }]);
        }
        assert!(visemes_from_sound(&[]).is_empty());
    }

    #[test]
    fn not_a_number_is_no_trouble() {
        let shapes = visemes_from_sound(&[f32::NAN; 10_000]);
        assert_eq!(shapes.last().unwrap().end(), SAMPLES.span_of(10_000));
    }
}
