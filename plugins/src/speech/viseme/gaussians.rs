//! The model that tells mouth shapes from sound: three Gaussians per shape over the measurements of [`features`](super::features).
//!
//! The method is that of the npm package `@met4citizen/headaudio` (Gaussians over cepstra, nearest wins); its own model agreed with the
//! true shapes of the default voice in 20 % of the windows, so this one is trained here, on speech of the default voice (see
//! [`training`](super::training)). A record of the file: the shape (index into [`Viseme::ALL`]) as u32, the constant of the Gaussian,
//! its mean, the lower triangle of its inverse covariance row by row; all but the first f32, all little-endian.

use std::sync::OnceLock;

use super::Viseme;
use super::features::NUMBERS;

const TRIANGLE: usize = NUMBERS * (NUMBERS + 1) / 2;
/// Bytes of a Gaussian.
pub(super) const RECORD: usize = 4 * (2 + NUMBERS + TRIANGLE);

/// One way to make a shape.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Gaussian {
    /// Index into [`Viseme::ALL`].
    pub shape: usize,
    /// Logarithm of the covariance's determinant, minus twice that of the share of its shape's windows.
    pub constant: f32,
    pub mean: [f32; NUMBERS],
    /// Lower triangle of the inverse covariance.
    pub inverse: [f32; TRIANGLE],
}

impl Gaussian {
    /// Minus twice the logarithm of the likelihood, up to a constant.
    fn cost(&self, numbers: &[f32; NUMBERS]) -> f32 {
        let off: [f32; NUMBERS] = std::array::from_fn(|index| numbers[index] - self.mean[index]);
        let mut rest = self.inverse.as_slice();
        let mut cost = self.constant;
        for row in 0..NUMBERS {
            let (line, below) = rest.split_at(row + 1);
            rest = below;
            let before: f32 = line[..row].iter().zip(&off).map(|(value, off)| value * off).sum();
            cost += off[row] * (2.0 * before + line[row] * off[row]);
        }
        cost
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let floats = [self.constant].into_iter().chain(self.mean).chain(self.inverse);
        (self.shape as u32).to_le_bytes().into_iter().chain(floats.flat_map(f32::to_le_bytes)).collect()
    }

    fn from_bytes(bytes: &[u8]) -> Gaussian {
        let word = |index: usize| [bytes[4 * index], bytes[4 * index + 1], bytes[4 * index + 2], bytes[4 * index + 3]];
        let float = |index: usize| f32::from_le_bytes(word(index));
        Gaussian {
            shape: u32::from_le_bytes(word(0)) as usize,
            constant: float(1),
            mean: std::array::from_fn(|index| float(2 + index)),
            inverse: std::array::from_fn(|index| float(2 + NUMBERS + index)),
        }
    }
}

/// The Gaussians in the bytes of a model. What is no whole record or has no shape is left out.
pub(super) fn read(bytes: &[u8]) -> Vec<Gaussian> {
    bytes.chunks_exact(RECORD).map(Gaussian::from_bytes).filter(|gaussian| gaussian.shape < Viseme::ALL.len()).collect()
}

/// The model that comes with the program.
pub(super) fn embedded() -> &'static [Gaussian] {
    static MODEL: OnceLock<Vec<Gaussian>> = OnceLock::new();
    MODEL.get_or_init(|| read(include_bytes!("shapes.bin")))
}

/// The cost of each shape, in the order of [`Viseme::ALL`]: that of its best Gaussian.
pub(super) fn costs(model: &[Gaussian], numbers: &[f32; NUMBERS]) -> [f32; 15] {
    let mut costs = [f32::MAX / 4.0; 15];
    for gaussian in model {
        let slot = &mut costs[gaussian.shape];
        *slot = slot.min(gaussian.cost(numbers));
    }
    costs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_model_knows_all_shapes_and_its_own_means() {
        let bytes = include_bytes!("shapes.bin");
        assert_eq!(bytes.len() % RECORD, 0);
        for shape in 0..15 {
            assert!(embedded().iter().any(|gaussian| gaussian.shape == shape), "{:?} is not in the model", Viseme::ALL[shape]);
        }
        for gaussian in embedded() {
            assert_eq!(gaussian.cost(&gaussian.mean), gaussian.constant);
            let mut other = gaussian.mean;
            other[3] += 1.0;
            assert!(gaussian.cost(&other) > gaussian.constant);
        }
        let again: Vec<u8> = embedded().iter().flat_map(Gaussian::to_bytes).collect();
        assert_eq!(again, bytes);
    }
}
