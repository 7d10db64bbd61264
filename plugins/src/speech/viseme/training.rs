//! How the model of mouth shapes is made: from speech whose shapes are known exactly, because it was synthesised.
//!
//! Each window of speech is an example of the shape at its middle. The examples of a shape are parted into three groups (k-means, Lloyd
//! 1982), each group becomes a Gaussian. To be about speech and not about one speaker, everything is also heard with a longer and a
//! shorter vocal tract (played slower and faster). Deterministic: the same speech gives the same bytes.

use super::Viseme;
use super::features::{HOP, NUMBERS, RATE, analyse};
use super::gaussians::Gaussian;
use crate::speech::voice::Timed;
use engine::time::Rate;

/// Gaussians per shape.
const PER_SHAPE: usize = 3;
/// Speeds at which the speech is heard.
const SPEAKERS: [f64; 3] = [0.85, 1.0, 1.18];
const ROUNDS: usize = 12;
/// Added to the variances: a Gaussian must not trust a direction that it saw too little of.
const RIDGE: f64 = 1e-3;
/// A Gaussian needs more examples than it has numbers.
const FEWEST: usize = 2 * NUMBERS;

type Example = [f32; NUMBERS];

/// Trains a model on mono speech at 48 kHz with its mouth shapes (gapless, from zero). Returns the bytes of a model file; shapes with too
/// few examples are not in it.
pub fn train(speech: &[(Vec<f32>, Vec<Timed<Viseme>>)]) -> Vec<u8> {
    let mut examples: Vec<Vec<Example>> = vec![Vec::new(); Viseme::ALL.len()];
    for (samples, shapes) in speech {
        for speed in SPEAKERS {
            let middles = Rate::per_second(RATE as u32);
            for (index, frame) in analyse(&played(samples, speed)).into_iter().enumerate() {
                let at = middles.time_of(((index + 1) * HOP) as i64).since_start().as_seconds() * speed;
                let shape = shapes.iter().find(|shape| at < shape.end().as_seconds());
                if let Some(shape) = shape.filter(|_| frame.speech) {
                    examples[shape.value as usize].push(frame.numbers);
                }
            }
        }
    }
    let gaussians = examples.iter().enumerate().flat_map(|(shape, examples)| {
        let groups = part(examples);
        groups.into_iter().filter_map(move |group| fit(shape, &group, examples.len()))
    });
    gaussians.flat_map(|gaussian| gaussian.to_bytes()).collect()
}

/// Faster (above 1) or slower, pitch and all, by linear interpolation: the model hears nothing above 7.6 kHz anyway.
fn played(samples: &[f32], speed: f64) -> Vec<f32> {
    let count = (samples.len() as f64 / speed) as usize;
    (0..count.saturating_sub(1))
        .map(|n| {
            let at = n as f64 * speed;
            let (index, part) = (at as usize, at.fract() as f32);
            let next = samples.get(index + 1).copied().unwrap_or(0.0);
            samples[index] * (1.0 - part) + next * part
        })
        .collect()
}

/// Parts the examples into [`PER_SHAPE`] groups around their means.
fn part(examples: &[Example]) -> Vec<Vec<Example>> {
    if examples.len() < FEWEST * PER_SHAPE {
        return vec![examples.to_vec()];
    }
    // Evenly spread over the speech: as good as random, and the same each time.
    let mut means: Vec<Example> = (0..PER_SHAPE).map(|group| examples[(2 * group + 1) * examples.len() / (2 * PER_SHAPE)]).collect();
    let mut groups = Vec::new();
    for _ in 0..ROUNDS {
        groups = vec![Vec::new(); PER_SHAPE];
        for example in examples {
            let distance = |mean: &Example| mean.iter().zip(example).map(|(a, b)| (a - b) * (a - b)).sum::<f32>();
            let nearest = (0..PER_SHAPE).min_by(|&a, &b| distance(&means[a]).total_cmp(&distance(&means[b]))).expect("several groups");
            groups[nearest].push(*example);
        }
        for (mean, group) in means.iter_mut().zip(&groups).filter(|(_, group)| !group.is_empty()) {
            *mean = std::array::from_fn(|index| group.iter().map(|example| example[index]).sum::<f32>() / group.len() as f32);
        }
    }
    groups
}

/// Mean and inverse covariance of a group, `None` when it is too small.
fn fit(shape: usize, group: &[Example], of: usize) -> Option<Gaussian> {
    if group.len() < FEWEST {
        return None;
    }
    let count = group.len() as f64;
    let mean: [f64; NUMBERS] = std::array::from_fn(|index| group.iter().map(|example| f64::from(example[index])).sum::<f64>() / count);
    let mut covariance = [[0.0_f64; NUMBERS]; NUMBERS];
    for row in 0..NUMBERS {
        for column in 0..=row {
            let sum: f64 =
                group.iter().map(|example| (f64::from(example[row]) - mean[row]) * (f64::from(example[column]) - mean[column])).sum();
            covariance[row][column] = sum / (count - 1.0) + if row == column { RIDGE } else { 0.0 };
        }
    }
    let (lower, logarithm) = inverse_factor(&covariance)?;
    // The inverse is the transposed inverse factor times itself.
    let mut inverse = Vec::with_capacity(NUMBERS * (NUMBERS + 1) / 2);
    for row in 0..NUMBERS {
        for column in 0..=row {
            inverse.push((row..NUMBERS).map(|k| lower[k][row] * lower[k][column]).sum::<f64>() as f32);
        }
    }
    let constant = (logarithm - 2.0 * (count / of as f64).ln()) as f32;
    Some(Gaussian { shape, constant, mean: mean.map(|value| value as f32), inverse: inverse.try_into().expect("a triangle") })
}

/// The inverse of the Cholesky factor of a symmetric matrix (lower triangle given), and the logarithm of the matrix's determinant.
fn inverse_factor(matrix: &[[f64; NUMBERS]; NUMBERS]) -> Option<([[f64; NUMBERS]; NUMBERS], f64)> {
    let mut factor = [[0.0_f64; NUMBERS]; NUMBERS];
    let mut inverse = [[0.0_f64; NUMBERS]; NUMBERS];
    let mut logarithm = 0.0;
    for row in 0..NUMBERS {
        for column in 0..row {
            let known: f64 = (0..column).map(|k| factor[row][k] * factor[column][k]).sum();
            factor[row][column] = (matrix[row][column] - known) / factor[column][column];
        }
        let rest = matrix[row][row] - factor[row][..row].iter().map(|value| value * value).sum::<f64>();
        if rest <= 0.0 {
            return None;
        }
        factor[row][row] = rest.sqrt();
        logarithm += rest.ln();
        inverse[row][row] = 1.0 / factor[row][row];
        let (above, below) = inverse.split_at_mut(row);
        for (column, value) in below[0][..row].iter_mut().enumerate() {
            let sum: f64 = (column..row).map(|k| factor[row][k] * above[k][column]).sum();
            *value = -sum / factor[row][row];
        }
    }
    Some((inverse, logarithm))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::speech::viseme::gaussians::{costs, read};
    use engine::time::Span;

    /// Noise with more or less treble: two shapes that are easily told apart.
    fn noise(treble: bool, count: usize) -> Vec<f32> {
        let mut seed = 1_u32;
        let mut before = 0.0;
        (0..count)
            .map(|_| {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let value = (seed >> 8) as f32 / 8_388_608.0 - 1.0;
                let filtered = if treble { value - 0.9 * before } else { 0.1 * value + 0.9 * before };
                before = if treble { value } else { filtered };
                filtered * 0.3
            })
            .collect()
    }

    #[test]
    fn what_was_taught_is_told_apart() {
        let samples = [noise(true, 96_000), noise(false, 96_000)].concat();
        let half = Span::from_seconds(2);
        let shapes = vec![Timed { at: Span::ZERO, dur: half, value: Viseme::Ss }, Timed { at: half, dur: half, value: Viseme::Ou }];
        let bytes = train(&[(samples.clone(), shapes.clone())]);
        assert_eq!(bytes, train(&[(samples.clone(), shapes)]));
        let model = read(&bytes);
        let frames = analyse(&samples);
        let right = frames.iter().enumerate().filter(|(index, frame)| {
            let costs = costs(&model, &frame.numbers);
            let told = if costs[Viseme::Ss as usize] < costs[Viseme::Ou as usize] { Viseme::Ss } else { Viseme::Ou };
            told == if index * HOP < 2 * RATE { Viseme::Ss } else { Viseme::Ou }
        });
        assert!(right.count() * 100 > frames.len() * 97);
    }

    #[test]
    fn a_matrix_times_its_inverse_is_one() {
        let element = |row: usize, column: usize| if row == column { 2.0 } else { 0.5 / (1 + row.abs_diff(column)) as f64 };
        let mut matrix: [[f64; NUMBERS]; NUMBERS] = std::array::from_fn(|row| std::array::from_fn(|column| element(row, column)));
        let (lower, _) = inverse_factor(&matrix).unwrap();
        let full = |row: usize, column: usize| matrix[row.max(column)][row.min(column)];
        for row in 0..NUMBERS {
            for column in 0..NUMBERS {
                let value: f64 =
                    (0..NUMBERS).map(|k| full(row, k) * (0..NUMBERS).map(|j| lower[j][k] * lower[j][column]).sum::<f64>()).sum();
                assert!((value - f64::from(u8::from(row == column))).abs() < 1e-9);
            }
        }
        matrix[3][3] = -1.0;
        assert!(inverse_factor(&matrix).is_none());
    }

    #[test]
    fn nothing_teaches_nothing() {
        assert!(train(&[]).is_empty());
        assert!(train(&[(vec![0.0; 48_000], Vec::new())]).is_empty());
    }
}
