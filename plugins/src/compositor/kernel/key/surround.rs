//! What is near a sample, kept for blocks of samples: whether there is screen, and the subject's colour.
//!
//! The subject's colour is the mean over five by five blocks of those runs in every second row that are no screen. Blocks next to one with
//! screen count little, since blur may reach them, blocks with screen not at all; a little grey keeps it defined where there is nothing
//! else.

use super::{Constants, Kind, RUN, SCREEN, SUBJECT, run_of};
use crate::pixels::simd::vectorised;

/// The colour of a block is gathered from so many blocks around it in each direction.
const WIDE: usize = 2;
/// Weight of a sample in a block next to one with screen.
const TOUCHED: f32 = 1.0 / 16.0;
/// Samples of grey that every colour is mixed with.
const GREY: f32 = 4.0;
/// Standard deviation, in levels, up to which the subject's colours are taken for one; at twice that they are not.
const UNLIKE: f32 = 20.0;
/// A subject's colour goes so far towards the key at most; beyond it is taken for a mix.
const KEYISH: f32 = 0.4;

vectorised! {
    /// 0 where a sample is screen by its distance, 255 where it is subject, 1 between them.
    pub(super) fn classify(key: &Constants, u: &[u8], v: &[u8], class: &mut [u8]) {
        let cells = class.len();
        let (u, v) = (&u[..cells], &v[..cells]);
        let (key_u, key_v) = ((key.u + 128.0) as u8, (key.v + 128.0) as u8);
        for i in 0..cells {
            let (du, dv) = (u16::from(u[i].abs_diff(key_u)), u16::from(v[i].abs_diff(key_v)));
            let square = du.wrapping_mul(du).saturating_add(dv.wrapping_mul(dv));
            let inside = if square > key.screen { 1 } else { 0 };
            class[i] = if square >= key.subject { 255 } else { inside };
        }
    }
}

/// Values of blocks, in rows.
#[derive(Default)]
pub(super) struct Surround {
    columns: usize,
    rows: usize,
    /// 0: no screen within two blocks; 1: two blocks away; 2: next to it; 3: in it.
    near: Vec<u8>,
    /// Working memory for `near`.
    spread: Vec<u8>,
    next: Vec<u8>,
    row: Vec<u8>,
    /// Samples of subject, the sums of their U and V, counted from grey, and of their squares.
    noted: Vec<[f32; 4]>,
    /// Working memory: sums of `noted` up and down, with empty blocks on both sides.
    sums: Vec<[f32; 4]>,
    trust: Vec<f32>,
    u: Vec<f32>,
    v: Vec<f32>,
    one: Vec<f32>,
    line: Line,
}

/// One row of samples: values half-way between rows of blocks, with a copy of the outer block on both sides.
#[derive(Default)]
pub(super) struct Line {
    /// How far samples are trusted to be mixes: 1 next to screen, 0 two blocks away.
    pub(super) trust: Vec<f32>,
    /// The subject's colour.
    pub(super) u: Vec<f32>,
    pub(super) v: Vec<f32>,
    /// How far it is one colour: 1, or 0 where many meet.
    pub(super) one: Vec<f32>,
}

impl Surround {
    pub(super) fn reset(&mut self, columns: usize, rows: usize) {
        (self.columns, self.rows) = (columns, rows);
        let blocks = columns * rows;
        for near in [&mut self.near, &mut self.spread, &mut self.next] {
            near.clear();
            near.resize(blocks, 0);
        }
        self.row.clear();
        self.row.resize(columns + 2, 0);
        self.noted.clear();
        self.noted.resize(blocks, [0.0; 4]);
        self.sums.clear();
        self.sums.resize(columns + 2 * WIDE, [0.0; 4]);
        for values in [&mut self.trust, &mut self.u, &mut self.v, &mut self.one] {
            values.resize(blocks, 0.0);
        }
        for line in [&mut self.line.trust, &mut self.line.u, &mut self.line.v, &mut self.line.one] {
            line.resize(columns + 2, 0.0);
        }
    }

    /// Notes row `y` of samples, and each run's kind by distance alone.
    pub(super) fn gather(&mut self, y: usize, u: &[u8], v: &[u8], class: &[u8], runs: &mut [Kind]) {
        let blocks = y / RUN * self.columns..(y / RUN + 1) * self.columns;
        kinds(class, &mut self.near[blocks.clone()], runs);
        if y.is_multiple_of(2) {
            gather(&mut self.noted[blocks], u, v, runs);
        }
    }

    /// From what was noted to what is near: spreads the screen, then gathers the subject's colour.
    pub(super) fn settle(&mut self, key: &Constants) {
        let (columns, rows) = (self.columns, self.rows);
        // Screen in the block itself, and within one and two blocks around it: the number of yeses.
        self.spread.copy_from_slice(&self.near);
        for _ in 0..WIDE {
            for y in 0..rows {
                let (above, below) = (y.saturating_sub(1) * columns, (y + 1).min(rows - 1) * columns);
                let around = [&self.spread[above..][..columns], &self.spread[y * columns..][..columns], &self.spread[below..][..columns]];
                widen(around, &mut self.row, &mut self.next[y * columns..][..columns]);
            }
            std::mem::swap(&mut self.spread, &mut self.next);
            self.near.iter_mut().zip(&self.spread).for_each(|(near, spread)| *near += spread);
        }
        for ((&near, noted), trust) in self.near.iter().zip(&mut self.noted).zip(&mut self.trust) {
            let weight = [1.0, 1.0, TOUCHED, 0.0][usize::from(near)];
            noted.iter_mut().for_each(|value| *value *= weight);
            *trust = f32::from(u8::from(near >= 2));
        }
        for y in 0..rows {
            let (first, end) = (y.saturating_sub(WIDE), (y + WIDE + 1).min(rows));
            let row = y * columns..(y + 1) * columns;
            let noted = &self.noted[first * columns..end * columns];
            colours(key, noted, &mut self.sums, &mut self.u[row.clone()], &mut self.v[row.clone()], &mut self.one[row]);
        }
    }

    /// What is known along row `y` of samples.
    pub(super) fn line(&mut self, y: usize) -> &Line {
        let (own, place) = (y / RUN, (y % RUN) as f32 + 0.5 - RUN as f32 / 2.0);
        let other = if place < 0.0 { own.saturating_sub(1) } else { (own + 1).min(self.rows - 1) };
        let part = place.abs() / RUN as f32;
        let columns = self.columns;
        let line = &mut self.line;
        for (out, from) in [(&mut line.trust, &self.trust), (&mut line.u, &self.u), (&mut line.v, &self.v), (&mut line.one, &self.one)] {
            between(&mut out[1..=columns], &from[own * columns..][..columns], &from[other * columns..][..columns], part);
            (out[0], out[columns + 1]) = (out[1], out[columns]);
        }
        &self.line
    }
}

vectorised! {
    /// The kinds of the runs of a row of samples; notes in which blocks there is screen.
    fn kinds(class: &[u8], near: &mut [u8], runs: &mut [Kind]) {
        for ((class, run), near) in class.as_chunks::<RUN>().0.iter().zip(runs).zip(near) {
            let word = u64::from_ne_bytes(*class);
            let (screen, subject) = (u8::from(word != u64::MAX), u8::from(word != 0));
            *run = (screen * SCREEN) | (subject * SUBJECT);
            *near |= screen;
        }
    }
}

vectorised! {
    /// Notes the colours of runs that are subject.
    fn gather(noted: &mut [[f32; 4]], u: &[u8], v: &[u8], runs: &[Kind]) {
        let (whole, last) = (u.as_chunks().0.iter().zip(v.as_chunks().0), u.len() / RUN);
        for ((run, noted), (u, v)) in runs.iter().zip(&mut *noted).zip(whole) {
            if *run == SUBJECT {
                note(noted, *u, *v);
            }
        }
        if runs.get(last) == Some(&SUBJECT) {
            note(&mut noted[last], run_of(u, last), run_of(v, last));
        }
    }
}

/// Notes the colour of a run.
#[inline(always)]
fn note(noted: &mut [f32; 4], u: [u8; RUN], v: [u8; RUN]) {
    let (u, v) = ((sum(u) as i32 - 128 * RUN as i32) as f32, (sum(v) as i32 - 128 * RUN as i32) as f32);
    let here = [RUN as f32, u, v, (u * u + v * v) * (1.0 / RUN as f32)];
    for k in 0..4 {
        noted[k] += here[k];
    }
}

vectorised! {
    /// Screen in any of three by three blocks. `row` is working memory, a block longer on both sides.
    fn widen(rows: [&[u8]; 3], row: &mut [u8], out: &mut [u8]) {
        let columns = out.len();
        let [above, own, below] = [&rows[0][..columns], &rows[1][..columns], &rows[2][..columns]];
        let any = &mut row[1..=columns];
        for x in 0..columns {
            any[x] = above[x] | own[x] | below[x];
        }
        let (before, own, after) = (&row[..columns], &row[1..][..columns], &row[2..][..columns]);
        for x in 0..columns {
            out[x] = before[x] | own[x] | after[x];
        }
    }
}

vectorised! {
    /// The subject's colour in a row of blocks, and how far it is one, from what was noted in the rows around it. `sums` is working
    /// memory; its outer blocks are empty.
    fn colours(key: &Constants, noted: &[[f32; 4]], sums: &mut [[f32; 4]], u: &mut [f32], v: &mut [f32], one: &mut [f32]) {
        let columns = u.len();
        let own = sums[WIDE..][..columns].as_flattened_mut();
        own.fill(0.0);
        for row in noted.chunks_exact(columns) {
            let row = &row.as_flattened()[..own.len()];
            for i in 0..own.len() {
                own[i] += row[i];
            }
        }
        let (v, one, sums) = (&mut v[..columns], &mut one[..columns], &sums[..columns + 2 * WIDE]);
        for x in 0..columns {
            let mut sum = [0.0; 4];
            for other in &sums[x..x + 2 * WIDE + 1] {
                for k in 0..4 {
                    sum[k] += other[k];
                }
            }
            let [count, u_sum, v_sum, squares] = sum;
            let part = 1.0 / (count + GREY);
            let (mean_u, mean_v) = (u_sum * part, v_sum * part);
            let deviation = (squares * part - mean_u * mean_u - mean_v * mean_v).max(0.0).sqrt();
            one[x] = (2.0 - deviation * (1.0 / UNLIKE)).clamp(0.0, 1.0);
            let excess = ((mean_u * key.u + mean_v * key.v) * key.along - KEYISH).max(0.0);
            (u[x], v[x]) = (mean_u - excess * key.u, mean_v - excess * key.v);
        }
    }
}

vectorised! {
    /// From one row towards another.
    fn between(out: &mut [f32], own: &[f32], other: &[f32], part: f32) {
        let (own, other) = (&own[..out.len()], &other[..out.len()]);
        for i in 0..out.len() {
            out[i] = own[i] + part * (other[i] - own[i]);
        }
    }
}

/// The sum of eight bytes.
#[inline(always)]
fn sum(bytes: [u8; RUN]) -> u64 {
    let pairs = 0x00ff_00ff_00ff_00ff;
    let word = u64::from_ne_bytes(bytes);
    ((word & pairs) + (word >> 8 & pairs)).wrapping_mul(0x0001_0001_0001_0001) >> 48
}
