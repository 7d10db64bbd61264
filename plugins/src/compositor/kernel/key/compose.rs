//! Samples of a layer over the picture, from the maps of [`super::Maps`].

use super::{Kind, MIXED, RUN, SUBJECT};
use crate::pixels::simd::{level, vectorised};

/// One row of the maps that samples are composed with.
#[derive(Clone, Copy)]
pub(super) struct Rows<'a> {
    pub(super) alpha: &'a [u8],
    pub(super) gain: &'a [u8],
    pub(super) remove: &'a [u8],
    pub(super) runs: &'a [Kind],
}

/// One sample over the picture.
#[inline(always)]
fn compose<const LUMA: bool>(below: u8, above: u8, alpha: u8, gain: u8, remove: u8, key: f32) -> u8 {
    let zero = if LUMA { 16.0 } else { 128.0 };
    let (alpha, gain, remove) = (f32::from(alpha), f32::from(gain), f32::from(remove));
    let subject = (f32::from(above) - zero) * gain - key * remove;
    // A screen darker than the key must not darken the picture.
    let subject = if LUMA { subject.max(-16.0 * alpha) } else { subject };
    level(zero + (subject + (255.0 - alpha) * (f32::from(below) - zero)) * (1.0 / 255.0), 0.0, 255.0)
}

/// The kind of run `first` and the run after the last one that is of this kind, too; `None` at the end of the row.
#[inline(always)]
fn stretch(runs: &[Kind], first: usize) -> Option<(Kind, usize)> {
    let kind = *runs.get(first)?;
    let mut end = first + 1;
    // Most of a row is one kind: eight runs at once.
    while runs.get(end..end + 8).is_some_and(|word| word == [kind; 8]) {
        end += 8;
    }
    while runs.get(end) == Some(&kind) {
        end += 1;
    }
    Some((kind, end))
}

vectorised! {
    /// A row of U or V.
    pub(super) fn chroma(below: &mut [u8], above: &[u8], rows: Rows<'_>, key: f32) {
        let cells = below.len();
        let mut first = 0;
        while let Some((kind, end)) = stretch(rows.runs, first) {
            if kind == SUBJECT {
                let span = first * RUN..(end * RUN).min(cells);
                below[span.clone()].copy_from_slice(&above[span]);
            } else if kind == MIXED {
                for r in first..end {
                    let (span, own) = (r * RUN..((r + 1) * RUN).min(cells), r * RUN..(r + 1) * RUN);
                    let (alpha, gain, remove) = (&rows.alpha[own.clone()], &rows.gain[own.clone()], &rows.remove[own]);
                    compose_run::<false, RUN>(&mut below[span.clone()], &above[span], alpha, gain, remove, key);
                }
            }
            first = end;
        }
    }
}

vectorised! {
    /// A row of luma between two rows of the maps. Its runs' last columns lie between two runs. `kinds` is working memory.
    pub(super) fn lumas(below: &mut [u8], above: &[u8], own: Rows<'_>, other: Rows<'_>, kinds: &mut [Kind], key: f32) {
        let (width, count) = (below.len(), kinds.len());
        let (own_runs, other_runs) = (&own.runs[..count], &other.runs[..count]);
        let next = own_runs[1..].iter().zip(&other_runs[1..]);
        for ((kind, (own, other)), (own_next, other_next)) in kinds.iter_mut().zip(own_runs.iter().zip(other_runs)).zip(next) {
            *kind = own | other | own_next | other_next;
        }
        kinds[count - 1] = own_runs[count - 1] | other_runs[count - 1];
        let mut first = 0;
        while let Some((kind, end)) = stretch(kinds, first) {
            if kind == SUBJECT {
                let span = first * 2 * RUN..(end * 2 * RUN).min(width);
                below[span.clone()].copy_from_slice(&above[span]);
            } else if kind == MIXED {
                for r in first..end {
                    let span = r * 2 * RUN..((r + 1) * 2 * RUN).min(width);
                    let (mut alpha, mut gain, mut remove) = ([0; 2 * RUN], [0; 2 * RUN], [0; 2 * RUN]);
                    interpolate(own.alpha, other.alpha, r * RUN, &mut alpha);
                    interpolate(own.gain, other.gain, r * RUN, &mut gain);
                    interpolate(own.remove, other.remove, r * RUN, &mut remove);
                    compose_run::<true, { 2 * RUN }>(&mut below[span.clone()], &above[span], &alpha, &gain, &remove, key);
                }
            }
            first = end;
        }
    }
}

/// A run of `N` samples, or fewer at the end of a row, over the picture.
#[inline(always)]
fn compose_run<const LUMA: bool, const N: usize>(below: &mut [u8], above: &[u8], alpha: &[u8], gain: &[u8], remove: &[u8], key: f32) {
    let (alpha, gain, remove) = (&alpha[..N], &gain[..N], &remove[..N]);
    if let (Ok(below), Ok(above)) = (<&mut [u8; N]>::try_from(&mut *below), <&[u8; N]>::try_from(above)) {
        for i in 0..N {
            below[i] = compose::<LUMA>(below[i], above[i], alpha[i], gain[i], remove[i], key);
        }
    } else {
        for (i, (below, &above)) in below.iter_mut().zip(above).enumerate() {
            *below = compose::<LUMA>(*below, above, alpha[i], gain[i], remove[i], key);
        }
    }
}

/// A run of a map on the luma grid between rows `own` and `other`: quarters down, halves across. A row has one sample more than its
/// runs, the last one repeated.
#[inline(always)]
fn interpolate(own: &[u8], other: &[u8], start: usize, out: &mut [u8; 2 * RUN]) {
    let at = |row: &[u8], start: usize| -> [u8; RUN] { std::array::from_fn(|i| row[start..][..RUN][i]) };
    let (own_here, other_here, own_next, other_next) = (at(own, start), at(other, start), at(own, start + 1), at(other, start + 1));
    for i in 0..RUN {
        let quarters = |own: u8, other: u8| u16::from(own).wrapping_mul(3).wrapping_add(u16::from(other));
        let (here, next) = (quarters(own_here[i], other_here[i]), quarters(own_next[i], other_next[i]));
        out[2 * i] = (here.wrapping_add(2) >> 2) as u8;
        out[2 * i + 1] = (here.wrapping_add(next).wrapping_add(4) >> 3) as u8;
    }
}
