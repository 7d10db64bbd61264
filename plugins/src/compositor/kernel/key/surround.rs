//! What is near a sample, kept for blocks of samples: whether there is screen, and the subject's colour.
//!
//! The subject's colour is the mean over five by five blocks of those runs that are no screen. Blocks next to one with screen count
//! little, since blur may reach them, blocks with screen not at all; a little grey keeps it defined where there is nothing else.

use super::{Constants, Kind, MIXED, RUN, SCREEN, SUBJECT, run_of};
use crate::pixels::simd::vectorised;

/// The colour of a block is gathered from so many blocks around it in each direction.
const WIDE: usize = 2;
/// Weight of a sample in a block next to one with screen.
const TOUCHED: f32 = 1.0 / 16.0;
/// Samples of grey that every colour is mixed with.
const GREY: f32 = 8.0;
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
    noted: [Vec<f32>; 4],
    /// The subject's colour, and how far it is one.
    u: Vec<f32>,
    v: Vec<f32>,
    one: Vec<f32>,
    /// Working memory: sums up and down, with two empty blocks on both sides.
    sums: [Vec<f32>; 4],
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
        for near in [&mut self.near, &mut self.spread, &mut self.next] {
            near.clear();
            near.resize(columns * rows, 0);
        }
        self.row.clear();
        self.row.resize(columns + 2, 0);
        for noted in &mut self.noted {
            noted.clear();
            noted.resize(columns * rows, 0.0);
        }
        for color in [&mut self.u, &mut self.v, &mut self.one] {
            color.resize(columns * rows, 0.0);
        }
        for sums in &mut self.sums {
            sums.clear();
            sums.resize(columns + 2 * WIDE, 0.0);
        }
        for line in [&mut self.line.trust, &mut self.line.u, &mut self.line.v, &mut self.line.one] {
            line.resize(columns + 2, 0.0);
        }
    }

    /// Notes a row of samples in row `row` of blocks, and each run's kind by distance alone.
    pub(super) fn gather(&mut self, row: usize, u: &[u8], v: &[u8], class: &[u8], runs: &mut [Kind]) {
        let blocks = row * self.columns..(row + 1) * self.columns;
        let near = &mut self.near[blocks.clone()];
        let [count, u_sum, v_sum, squares] = self.noted.each_mut().map(|noted| &mut noted[blocks.clone()]);
        for (r, (class, run)) in class.as_chunks::<RUN>().0.iter().zip(runs).enumerate() {
            match u64::from_ne_bytes(*class) {
                u64::MAX => {
                    *run = SUBJECT;
                    count[r] += RUN as f32;
                    let [u, v] = [u, v].map(|row| sum(run_of(row, r)) as f32 - (128 * RUN) as f32);
                    u_sum[r] += u;
                    v_sum[r] += v;
                    squares[r] += (u * u + v * v) * (1.0 / RUN as f32);
                }
                word => {
                    *run = if word == 0 { SCREEN } else { MIXED };
                    near[r] = 1;
                }
            }
        }
    }

    /// From what was noted to what is near: spreads the screen, then gathers the subject's colour.
    pub(super) fn settle(&mut self, key: &Constants) {
        let (columns, rows) = (self.columns, self.rows);
        // Screen in the block itself, and within one and two blocks around it: the number of yeses.
        self.spread.copy_from_slice(&self.near);
        for _ in 0..WIDE {
            for y in 0..rows {
                let row = |y: usize| &self.spread[y * columns..][..columns];
                let around = row(y.saturating_sub(1)).iter().zip(row(y)).zip(row((y + 1).min(rows - 1)));
                for (out, ((above, own), below)) in self.row[1..=columns].iter_mut().zip(around) {
                    *out = above | own | below;
                }
                let spread = self.row.iter().zip(&self.row[1..]).zip(&self.row[2..]);
                for (out, ((before, own), after)) in self.next[y * columns..][..columns].iter_mut().zip(spread) {
                    *out = before | own | after;
                }
            }
            std::mem::swap(&mut self.spread, &mut self.next);
            self.near.iter_mut().zip(&self.spread).for_each(|(near, spread)| *near += spread);
        }
        for (at, &near) in self.near.iter().enumerate() {
            let weight = [1.0, 1.0, TOUCHED, 0.0][usize::from(near)];
            for values in &mut self.noted {
                values[at] *= weight;
            }
        }
        for y in 0..rows {
            for (sums, noted) in self.sums.iter_mut().zip(&self.noted) {
                sums.fill(0.0);
                for row in y.saturating_sub(WIDE)..(y + WIDE + 1).min(rows) {
                    add(&mut sums[WIDE..][..columns], &noted[row * columns..][..columns]);
                }
            }
            for sums in &mut self.sums {
                for x in 0..columns {
                    sums[x] += sums[x + 1] + sums[x + 2] + sums[x + 3] + sums[x + 4];
                }
            }
            let [count, u_sum, v_sum, squares] = self.sums.each_ref().map(|sums| &sums[..columns]);
            let row = y * columns..(y + 1) * columns;
            let (us, vs, ones) = (&mut self.u[row.clone()], &mut self.v[row.clone()], &mut self.one[row]);
            for x in 0..columns {
                let part = 1.0 / (count[x] + GREY);
                let (u, v) = (u_sum[x] * part, v_sum[x] * part);
                let deviation = (squares[x] * part - u * u - v * v).max(0.0).sqrt();
                ones[x] = (2.0 - deviation * (1.0 / UNLIKE)).clamp(0.0, 1.0);
                let excess = ((u * key.u + v * key.v) * key.along - KEYISH).max(0.0);
                (us[x], vs[x]) = (u - excess * key.u, v - excess * key.v);
            }
        }
    }

    /// What is known along row `y` of samples.
    pub(super) fn line(&mut self, y: usize) -> &Line {
        let (own, place) = (y / RUN, (y % RUN) as f32 + 0.5 - RUN as f32 / 2.0);
        let other = if place < 0.0 { own.saturating_sub(1) } else { (own + 1).min(self.rows - 1) };
        let part = place.abs() / RUN as f32;
        let columns = self.columns;
        let row = |row: usize| row * columns..(row + 1) * columns;
        for (out, from) in [(&mut self.line.u, &self.u), (&mut self.line.v, &self.v), (&mut self.line.one, &self.one)] {
            between(&mut out[1..=columns], &from[row(own)], &from[row(other)], part);
        }
        for ((out, &own), &other) in self.line.trust[1..=columns].iter_mut().zip(&self.near[row(own)]).zip(&self.near[row(other)]) {
            let trust = |near: u8| if near >= 2 { 1.0 } else { 0.0 };
            *out = trust(own) + part * (trust(other) - trust(own));
        }
        for line in [&mut self.line.trust, &mut self.line.u, &mut self.line.v, &mut self.line.one] {
            (line[0], line[columns + 1]) = (line[1], line[columns]);
        }
        &self.line
    }
}

fn add(sums: &mut [f32], row: &[f32]) {
    sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
}

fn between(out: &mut [f32], own: &[f32], other: &[f32], part: f32) {
    out.iter_mut().zip(own.iter().zip(other)).for_each(|(out, (own, other))| *out = own + part * (other - own));
}

/// The sum of eight bytes.
fn sum(bytes: [u8; RUN]) -> u64 {
    let pairs = 0x00ff_00ff_00ff_00ff;
    let word = u64::from_ne_bytes(bytes);
    ((word & pairs) + (word >> 8 & pairs)).wrapping_mul(0x0001_0001_0001_0001) >> 48
}
