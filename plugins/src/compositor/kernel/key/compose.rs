//! Samples of a layer over the picture, from the maps of [`super::Maps`].

use super::{CLEAR, Cell, Kind, RUN, SCREEN, SUBJECT, WHOLE};
use crate::pixels::lanes::{LANES, Lanes};
use crate::pixels::simd::{prefetch, vectorised};

/// One row of the maps that samples are composed with, and one run more.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    pub(super) runs: &'a [Kind],
    /// Hold for mixed runs only.
    pub(super) cells: &'a [Cell],
}

/// The maps of a run, whatever it consists of.
#[inline(always)]
fn cell(kind: Kind, mixed: &Cell) -> &Cell {
    match kind {
        SCREEN => &CLEAR,
        SUBJECT => &WHOLE,
        _ => mixed,
    }
}

/// A run of samples over the picture: `zero + ((above - zero) * gain - key * remove + (below - zero) * (255 - alpha)) / 255`, rounded to
/// nearest. Off by one in a few of a hundred cases; exact where one of the two pictures is shown alone. The key's value counts from zero
/// and is 128 times larger.
#[inline(always)]
fn compose<const LUMA: bool>(below: [u8; LANES], above: [u8; LANES], [alpha, gain, remove]: [Lanes; 3], key: i16) -> [u8; LANES] {
    let zero = Lanes::splat(if LUMA { 16 } else { 128 });
    let subject = light(above, zero).times(gain.up::<7>()).minus(Lanes::splat(key).times(remove.up::<7>()));
    // A screen darker than the key must not darken the picture.
    let subject = if LUMA { subject.max(Lanes::splat(0).minus(alpha.up::<2>())) } else { subject };
    let sum = subject.plus(light(below, zero).times(Lanes::splat(255).minus(alpha).up::<7>()));
    // A level is 63.75 of these, and 1028 is 65536 / 63.75.
    sum.plus(Lanes::splat(32)).times(Lanes::splat(1028)).plus(zero).to_bytes()
}

/// Levels above zero, with seven bits more. Of two such factors the upper half of the product counts quarters of 1/255 of a level.
#[inline(always)]
fn light(samples: [u8; LANES], zero: Lanes) -> Lanes {
    Lanes::from_bytes(samples).minus(zero).up::<7>()
}

/// The kind of run `first` and the run after the last one that is of this kind, too; `None` at the end of the row.
#[inline(always)]
pub(super) fn stretch(runs: &[Kind], first: usize) -> Option<(Kind, usize)> {
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
    /// A row of U or V: `above` over `below` to `out`. The key's value counts from grey.
    pub(super) fn chroma(out: &mut [u8], below: &[u8], above: &[u8], row: Row<'_>, key: f32) {
        let samples = out.len();
        let key = (key * 128.0) as i16;
        let mut first = 0;
        while let Some((kind, end)) = stretch(&row.runs[..row.runs.len() - 1], first) {
            let span = first * RUN..(end * RUN).min(samples);
            let (out, below, above) = (&mut out[span.clone()], &below[span.clone()], &above[span]);
            match kind {
                SCREEN => out.copy_from_slice(below),
                SUBJECT => out.copy_from_slice(above),
                _ => {
                    let cells = &row.cells[first..end];
                    let (whole, rest) = out.as_chunks_mut();
                    let pictures = below.as_chunks().0.iter().zip(above.as_chunks().0);
                    for ((out, (below, above)), cell) in whole.iter_mut().zip(pictures).zip(cells) {
                        *out = chroma_run(below, above, cell, key);
                    }
                    if !rest.is_empty() {
                        let run = chroma_run(&last(below), &last(above), &cells[cells.len() - 1], key);
                        rest.copy_from_slice(&run[..rest.len()]);
                    }
                }
            }
            first = end;
        }
    }
}

vectorised! {
    /// A row of luma between two rows of the maps: `above` over `below` to `out`. Its runs' last columns lie between two runs. `kinds` is
    /// working memory. The key's value counts from black. `ahead` is the layer's memory from some rows later on: edges go on there, and nobody
    /// else guesses where.
    pub(super) fn lumas(out: &mut [u8], below: &[u8], above: &[u8], ahead: &[u8], own: Row<'_>, other: Row<'_>, kinds: &mut [Kind], key: f32) {
        let (samples, count) = (out.len(), kinds.len());
        let key = (key * 128.0) as i16;
        let (own_runs, other_runs) = (&own.runs[..count + 1], &other.runs[..count + 1]);
        for r in 0..count {
            kinds[r] = own_runs[r] | other_runs[r] | own_runs[r + 1] | other_runs[r + 1];
        }
        let mut first = 0;
        while let Some((kind, end)) = stretch(kinds, first) {
            let span = first * 2 * RUN..(end * 2 * RUN).min(samples);
            let (out, below, above) = (&mut out[span.clone()], &below[span.clone()], &above[span]);
            match kind {
                SCREEN => out.copy_from_slice(below),
                SUBJECT => out.copy_from_slice(above),
                _ => {
                    let (whole, rest) = out.as_chunks_mut();
                    let pictures = below.as_chunks().0.iter().zip(above.as_chunks().0);
                    for ((out, (below, above)), r) in whole.iter_mut().zip(pictures).zip(first..) {
                        prefetch(ahead, r * 2 * RUN);
                        *out = luma_run(below, above, pair(own, r), pair(other, r), key);
                    }
                    if !rest.is_empty() {
                        let run = luma_run(&last(below), &last(above), pair(own, end - 1), pair(other, end - 1), key);
                        rest.copy_from_slice(&run[..rest.len()]);
                    }
                }
            }
            first = end;
        }
    }
}

/// The maps of a run and the next one.
#[inline(always)]
fn pair(row: Row<'_>, r: usize) -> [&Cell; 2] {
    let (runs, cells) = (&row.runs[r..r + 2], &row.cells[r..r + 2]);
    [cell(runs[0], &cells[0]), cell(runs[1], &cells[1])]
}

/// What a row has beyond its whole runs, and anything after it.
#[inline(always)]
fn last<const N: usize>(row: &[u8]) -> [u8; N] {
    let rest = row.as_chunks::<N>().1;
    let mut run = [0; N];
    run[..rest.len()].copy_from_slice(rest);
    run
}

#[inline(always)]
fn chroma_run(below: &[u8; RUN], above: &[u8; RUN], [alpha, gain, remove]: &Cell, key: i16) -> [u8; RUN] {
    compose::<false>(*below, *above, [Lanes::from_bytes(*alpha), Lanes::from_bytes(*gain), Lanes::from_bytes(*remove)], key)
}

#[inline(always)]
fn luma_run(below: &[u8; 2 * RUN], above: &[u8; 2 * RUN], own: [&Cell; 2], other: [&Cell; 2], key: i16) -> [u8; 2 * RUN] {
    let [alpha, gain, remove] = [interpolate(own, other, 0), interpolate(own, other, 1), interpolate(own, other, 2)];
    let (below, above) = (below.as_chunks().0, above.as_chunks().0);
    let mut out = [0; 2 * RUN];
    let halves = out.as_chunks_mut().0;
    halves[0] = compose::<true>(below[0], above[0], [alpha[0], gain[0], remove[0]], key);
    halves[1] = compose::<true>(below[1], above[1], [alpha[1], gain[1], remove[1]], key);
    out
}

/// A run of map `m` on the luma grid between rows `own` and `other`, of which the next run is given, too: quarters down, halves across.
#[inline(always)]
fn interpolate(own: [&Cell; 2], other: [&Cell; 2], m: usize) -> [Lanes; 2] {
    let here = quarters(own[0][m], other[0][m]);
    let next = quarters(moved(own[0][m], own[1][m]), moved(other[0][m], other[1][m]));
    here.plus(Lanes::splat(2)).down::<2>().in_turns(here.plus(next).plus(Lanes::splat(4)).down::<3>())
}

/// Three quarters of one row and one of the other, times four.
#[inline(always)]
fn quarters(own: [u8; RUN], other: [u8; RUN]) -> Lanes {
    let own = Lanes::from_bytes(own);
    own.plus(own).plus(own).plus(Lanes::from_bytes(other))
}

/// A run that begins one sample later.
#[inline(always)]
fn moved(run: [u8; RUN], next: [u8; RUN]) -> [u8; RUN] {
    (u64::from_le_bytes(run) >> 8 | u64::from_le_bytes(next) << 56).to_le_bytes()
}
