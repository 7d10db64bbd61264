//! Mouth shapes from sound alone, where there is no text: recorded narration, other speech services.
//!
//! Each 16 ms of sound is compared with the model ([`gaussians`](super::gaussians)). Single windows are often wrong, and a mouth that
//! flickers looks worse than one that is a little wrong; so the cheapest *path* through all windows is taken, where every change of
//! shape costs (Viterbi 1967). What is too quiet to be speech is told by loudness, before the model is asked.

use engine::time::{Rate, Span};

use super::Viseme;
use super::features::{Frame, HOP, RATE, analyse};
use super::gaussians::{costs, embedded};
use crate::speech::voice::{SAMPLES, Timed};

/// What a change of shape costs, in units of twice the logarithm of likelihood.
const CHANGE: f32 = 12.0;

/// Finds the mouth shapes in mono speech at 48 kHz. They are gapless from zero to the end, neighbours differ, borders lie on a grid of
/// 16 ms. Silence gives one [`Viseme::Sil`], no samples give nothing. Costs about 5 ms of CPU per second of sound. The whole recording
/// (or at least some seconds) should be given at once: loudness and speaker are measured over all of it.
pub fn visemes_from_sound(samples: &[f32]) -> Vec<Timed<Viseme>> {
    let duration = SAMPLES.span_of(samples.len() as i64);
    let rate = Rate::per_second(RATE as u32);
    let mut result: Vec<Timed<Viseme>> = Vec::new();
    for (index, value) in path(&analyse(samples)).into_iter().enumerate() {
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
    let mut totals = [0.0_f32; 15];
    let mut came_from: Vec<[u8; 15]> = Vec::with_capacity(frames.len());
    for frame in frames {
        let own = if frame.speech { costs(embedded(), &frame.numbers) } else { silent() };
        let cheapest = least(&totals);
        let changed = totals[cheapest] + CHANGE;
        let mut from = [cheapest as u8; 15];
        let next: [f32; 15] = std::array::from_fn(|shape| {
            let stays = totals[shape] <= changed;
            if stays {
                from[shape] = shape as u8;
            }
            own[shape] + if stays { totals[shape] } else { changed }
        });
        // Only differences count; without this long sounds would lose precision.
        let lowest = next[least(&next)];
        totals = next.map(|total| total - lowest);
        came_from.push(from);
    }
    let mut shape = least(&totals);
    let mut shapes = vec![Viseme::Sil; frames.len()];
    for (index, from) in came_from.iter().enumerate().rev() {
        shapes[index] = Viseme::ALL[shape];
        shape = usize::from(from[shape]);
    }
    shapes
}

fn least(costs: &[f32; 15]) -> usize {
    (0..15).min_by(|&a, &b| costs[a].total_cmp(&costs[b])).expect("fifteen shapes")
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
