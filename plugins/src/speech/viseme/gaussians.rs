//! The viseme model: one Gaussian per phoneme over the coefficients of [`mfcc`](super::mfcc).
//!
//! `headaudio-en-mixed.bin` is the model file of the npm package `@met4citizen/headaudio` 0.1.0 (MIT, Mika Suominen; licence beside it),
//! learned from four synthetic voices. A record: the phoneme (two UTF-16 units, big-endian), three unused bytes around the group, the
//! viseme, then little-endian floats: 12 means, 78 of the lower triangle of the inverse covariance, row by row.

use std::sync::OnceLock;

use super::mfcc::COEFFICIENTS;
use super::{Viseme, from_ipa};

const MODEL: &[u8] = include_bytes!("headaudio-en-mixed.bin");
const TRIANGLE: usize = COEFFICIENTS * (COEFFICIENTS + 1) / 2;
const RECORD: usize = 8 + 4 * (COEFFICIENTS + TRIANGLE);

/// The visemes of the model's own numbering.
const NUMBERED: [Viseme; 15] = [
    Viseme::Aa,
    Viseme::E,
    Viseme::Ih,
    Viseme::Oh,
    Viseme::Ou,
    Viseme::Pp,
    Viseme::Ss,
    Viseme::Th,
    Viseme::Dd,
    Viseme::Ff,
    Viseme::Kk,
    Viseme::Nn,
    Viseme::Rr,
    Viseme::Ch,
    Viseme::Sil,
];

/// One phoneme.
struct Gaussian {
    viseme: Viseme,
    mean: [f32; COEFFICIENTS],
    /// Lower triangle of the inverse covariance, off-diagonal elements doubled.
    triangle: [f32; TRIANGLE],
}

/// Squared Mahalanobis distance of a vector to the nearest phoneme of each viseme, in the order of [`Viseme::ALL`].
pub(super) fn distances(vector: &[f32; COEFFICIENTS]) -> [f32; 15] {
    let mut nearest = [f32::INFINITY; 15];
    for gaussian in model() {
        let off: [f32; COEFFICIENTS] = std::array::from_fn(|index| vector[index] - gaussian.mean[index]);
        let mut at = 0;
        let mut distance = 0.0;
        for row in 0..COEFFICIENTS {
            let mut sum = 0.0;
            for column in &off[..=row] {
                sum += gaussian.triangle[at] * column;
                at += 1;
            }
            distance += off[row] * sum;
        }
        let slot = &mut nearest[gaussian.viseme as usize];
        *slot = slot.min(distance);
    }
    nearest
}

fn model() -> &'static [Gaussian] {
    static GAUSSIANS: OnceLock<Vec<Gaussian>> = OnceLock::new();
    GAUSSIANS.get_or_init(|| MODEL.chunks_exact(RECORD).map(record).collect())
}

fn record(bytes: &[u8]) -> Gaussian {
    let float = |index: usize| {
        let at = 8 + 4 * index;
        f32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
    };
    let phoneme = char::from_u32(u32::from(u16::from_be_bytes([bytes[0], bytes[1]]))).unwrap_or(' ');
    // The model's own grouping differs from ours in a few consonants (it has `ʃ` with `s`, `l` with `r`): where the phoneme is in our
    // table, that decides. Capitals are its diphthongs.
    let viseme = match phoneme {
        'ʧ' | 'ʤ' => Viseme::Ch,
        ch if ch.is_ascii_uppercase() || bytes[7] == 14 => NUMBERED[usize::from(bytes[7])],
        ch => from_ipa(ch.encode_utf8(&mut [0; 4])),
    };
    let mut row = 0;
    let mut column = 0;
    let triangle = std::array::from_fn(|index| {
        let value = float(COEFFICIENTS + index) * if row == column { 1.0 } else { 2.0 };
        (row, column) = if row == column { (row + 1, 0) } else { (row, column + 1) };
        value
    });
    Gaussian { viseme, mean: std::array::from_fn(float), triangle }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_model_is_read_whole_and_knows_its_own_means() {
        assert_eq!(MODEL.len() % RECORD, 0);
        assert_eq!(model().len(), 39);
        for viseme in Viseme::ALL {
            assert!(model().iter().any(|gaussian| gaussian.viseme == viseme), "{viseme} has no phoneme");
        }
        for gaussian in model() {
            let distances = distances(&gaussian.mean);
            assert_eq!(distances[gaussian.viseme as usize], 0.0);
            assert!(distances.iter().all(|distance| *distance >= 0.0), "the inverse covariance is positive");
        }
    }
}
