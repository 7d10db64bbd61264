//! A layer filmed or drawn in front of a coloured screen over an opaque picture.
//!
//! Per chroma sample: *alpha* by the distance of its colour from the key's, with the meaning of ffmpeg's `chromakey` filter; the part of
//! the key's light in it (how far it goes along the key's colour, less how far it goes across: yellow and cyan hold none of green's);
//! and how near it is to what was keyed out. Far from the screen, colour is left alone. Near it, a sample is taken for what optics made
//! it: a sum of subject and screen. The measured part of the screen is taken out of all three planes and replaced by the picture. Luma
//! uses the same values, interpolated linearly to its own grid.
//!
//! Limits: a mix of much skin and little green has the hue of yellow cloth, which is left alone, so wide motion blur of skin keeps an
//! olive line; strands narrower than a chroma sample (two pixels) come out darker or lighter than they are.

use super::meet;
use crate::pixels::simd::{level, vectorised};
use engine::frame::{Plane, Point, Rect, VideoFrame};
use engine::pool::FrameMut;

/// What counts as screen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Key {
    /// Y, U and V of the screen.
    pub color: [u8; 3],
    /// Distance in the UV plane up to which a sample is screen, as part of the plane's diagonal (255 times the root of 2): 0.01 to 1.
    pub similarity: f32,
    /// Distance over which a sample turns from screen to subject beyond that, in the same measure: 0 (a hard edge) to 1.
    pub smoothness: f32,
    /// How much of the screen's light is taken out of the edges: 0 (none: plain alpha) to 1 (all).
    pub spill: f32,
}

impl Default for Key {
    /// Pure green (0, 255, 0).
    fn default() -> Key {
        Key { color: [173, 42, 26], similarity: 0.08, smoothness: 0.1, spill: 1.0 }
    }
}

/// Chroma samples decided on together: runs of screen are skipped, runs of subject copied.
const RUN: usize = 8;
/// Alpha is averaged over so many chroma samples in both directions to find out how near the screen is.
const REACH: usize = 24;
/// A sample with a sixth of screen within reach is at the edge: two thirds of the way from a straight edge to where its reach ends.
const EDGE: f32 = 6.0 / (63 * REACH * REACH) as f32;
/// A colour that goes so far across the key's per step along it holds none of its light (yellow and cyan: 1.42 and 1.33 of green) …
const FOREIGN: f32 = 1.33;
/// … and one that goes only so far across holds all that it goes along (three parts skin, one part green: 0.75). Between them it falls linearly.
const OWN: f32 = 0.75;

/// Keys layers in front of one kind of screen; keeps its working memory.
pub struct Keyer {
    key: Constants,
    maps: Maps,
}

/// The key, ready for the loops. Levels are counted from black and from grey.
#[derive(Clone, Copy)]
struct Constants {
    luma: f32,
    u: f32,
    v: f32,
    /// Distance at which alpha begins to rise, in levels, and alpha (0 to 255) per level from there.
    start: f32,
    slope: f32,
    /// 255 / length squared of (u, v); zero for a grey key.
    along: f32,
    spill: f32,
}

/// One value per chroma sample of the rectangle drawn, 0 to 255 for 0 to 1, in rows of whole runs: the last sample is repeated.
#[derive(Default)]
struct Maps {
    /// Samples in a row.
    stride: usize,
    /// Alpha by distance alone.
    ramp: Vec<u8>,
    /// The key's light.
    light: Vec<u8>,
    /// Alpha in use.
    alpha: Vec<u8>,
    /// Factor on the sample.
    gain: Vec<u8>,
    /// The key's light to be taken out.
    remove: Vec<u8>,
    /// What each run of each row consists of.
    runs: Vec<Run>,
    /// Transparency summed up and down, then across.
    columns: Vec<u16>,
    sums: Vec<u16>,
    near: Vec<u16>,
}

#[derive(Clone, Copy, Default, PartialEq)]
enum Run {
    Screen,
    Subject,
    #[default]
    Mixed,
}

/// One row of the maps that samples are composed with.
#[derive(Clone, Copy)]
struct Mix<'a> {
    alpha: &'a [u8],
    gain: &'a [u8],
    remove: &'a [u8],
    runs: &'a [Run],
}

impl Keyer {
    /// A keyer for this key; values out of range are clipped.
    pub fn new(key: Key) -> Keyer {
        let [luma, u, v] = key.color.map(f32::from);
        let (u, v) = (u - 128.0, v - 128.0);
        let diagonal = 255.0 * std::f32::consts::SQRT_2;
        let square = u * u + v * v;
        let key = Constants {
            luma: luma - 16.0,
            u,
            v,
            start: key.similarity.clamp(0.0, 1.0) * diagonal,
            // A hard edge is a tenth of a level wide.
            slope: 255.0 / (key.smoothness.clamp(0.0, 1.0) * diagonal).max(0.1),
            along: if square > 0.0 { 255.0 / square } else { 0.0 },
            spill: key.spill.clamp(0.0, 1.0),
        };
        Keyer { key, maps: Maps::default() }
    }

    /// Draws `layer` (its Y, U and V) with its top left corner at `at` over the `I420` picture and returns the rectangle drawn on.
    pub fn blend(&mut self, picture: &mut FrameMut, layer: &VideoFrame, at: Point) -> Rect {
        let (rect, left, top) = meet(picture.size(), layer.size(), at);
        if rect.is_empty() {
            return rect;
        }
        let (cells, rows) = (rect.width as usize / 2, rect.height as usize / 2);
        let part = |p: usize| {
            let plane = layer.picture.plane(p);
            let (x, y) = if p == 0 { (left, top) } else { (left / 2, top / 2) };
            Plane { data: &plane.data[y * plane.stride + x..], ..plane }
        };
        let (luma, u, v) = (part(0), part(1), part(2));
        let (_, [y_out, u_out, v_out, _]) = picture.draw(rect);
        let (Some(y_out), Some(mut u_out), Some(mut v_out)) = (y_out, u_out, v_out) else { unreachable!("every format has three planes") };
        let maps = &mut self.maps;
        maps.resize(cells, rows);
        for y in 0..rows {
            let (ramp, light) = (&mut maps.ramp[y * maps.stride..][..maps.stride], &mut maps.light[y * maps.stride..][..maps.stride]);
            measure(&self.key, &u.data[y * u.stride..][..cells], &v.data[y * v.stride..][..cells], ramp, light);
            let (last_ramp, last_light) = (ramp[cells - 1], light[cells - 1]);
            ramp[cells..].fill(last_ramp);
            light[cells..].fill(last_light);
        }
        maps.decide(&self.key, rows);
        for y in 0..rows {
            let own = maps.row(y);
            for (source, target, key) in [(&u, &mut u_out, self.key.u), (&v, &mut v_out, self.key.v)] {
                chroma(&mut target.data[y * target.stride..][..cells], &source.data[y * source.stride..][..cells], own, key);
            }
            for (line, other) in [(2 * y, y.saturating_sub(1)), (2 * y + 1, (y + 1).min(rows - 1))] {
                let below = &mut y_out.data[line * y_out.stride..][..cells * 2];
                let above = &luma.data[line * luma.stride..][..cells * 2];
                lumas(below, above, own, maps.row(other), self.key.luma);
            }
        }
        rect
    }
}

impl Maps {
    fn resize(&mut self, cells: usize, rows: usize) {
        self.stride = cells.next_multiple_of(RUN);
        for map in [&mut self.ramp, &mut self.light, &mut self.alpha, &mut self.gain, &mut self.remove] {
            map.resize(self.stride * rows, 0);
        }
        self.runs.resize(self.stride / RUN * rows, Run::Mixed);
        // Outside there is no screen: zeros on both sides.
        self.columns.clear();
        self.columns.resize(self.stride + REACH - 1, 0);
        self.sums.resize(self.stride + REACH - 1, 0);
        self.near.resize(self.stride, 0);
    }

    fn row(&self, y: usize) -> Mix<'_> {
        let (span, runs) = (y * self.stride..(y + 1) * self.stride, self.stride / RUN);
        Mix {
            alpha: &self.alpha[span.clone()],
            gain: &self.gain[span.clone()],
            remove: &self.remove[span],
            runs: &self.runs[y * runs..][..runs],
        }
    }

    /// What each sample is made of, from its own measures and the screen within reach.
    fn decide(&mut self, key: &Constants, rows: usize) {
        const HALF: usize = REACH / 2;
        let Maps { stride, ramp, light, alpha, gain, remove, runs, columns, sums, near } = self;
        let (stride, row_runs) = (*stride, *stride / RUN);
        let lines: Vec<&[u8]> = ramp.chunks_exact(stride).collect();
        for row in lines.iter().take(HALF) {
            add(&mut columns[HALF..][..stride], row);
        }
        for y in 0..rows {
            if let Some(row) = lines.get(y + HALF) {
                add(&mut columns[HALF..][..stride], row);
            }
            if y > HALF {
                subtract(&mut columns[HALF..][..stride], lines[y - HALF - 1]);
            }
            across(columns, sums, near);
            let span = y * stride..(y + 1) * stride;
            let (alpha, gain, remove) = (&mut alpha[span.clone()], &mut gain[span.clone()], &mut remove[span.clone()]);
            decide_row(key, lines[y], &light[span], near, alpha, gain, remove, &mut runs[y * row_runs..][..row_runs]);
        }
    }
}

vectorised! {
    /// Distance from the key and the key's light of each chroma sample.
    fn measure(key: &Constants, u: &[u8], v: &[u8], ramp: &mut [u8], light: &mut [u8]) {
        let cells = u.len();
        let (v, ramp, light) = (&v[..cells], &mut ramp[..cells], &mut light[..cells]);
        for i in 0..cells {
            let (u, v) = (f32::from(u[i]) - 128.0, f32::from(v[i]) - 128.0);
            let (du, dv) = (u - key.u, v - key.v);
            let distance = (du * du + dv * dv).sqrt();
            ramp[i] = level((distance - key.start) * key.slope, 0.0, 255.0);
            let along = u * key.u + v * key.v;
            let across = (u * key.v - v * key.u).abs();
            let excused = (FOREIGN * along - across) * (1.0 / (FOREIGN - OWN));
            light[i] = level(least(along, excused) * key.along, 0.0, 255.0);
        }
    }
}

vectorised! {
    /// Transparency in 6 bits, so that its sum over reach has 16 and never wraps.
    fn add(columns: &mut [u16], ramp: &[u8]) {
        for (sum, &ramp) in columns.iter_mut().zip(ramp) {
            *sum = sum.wrapping_add(u16::from((255 - ramp) >> 2));
        }
    }
}

vectorised! {
    fn subtract(columns: &mut [u16], ramp: &[u8]) {
        for (sum, &ramp) in columns.iter_mut().zip(ramp) {
            *sum = sum.wrapping_sub(u16::from((255 - ramp) >> 2));
        }
    }
}

vectorised! {
    /// Sums of REACH (three times eight) neighbours. `sums` is working memory.
    fn across(columns: &[u16], sums: &mut [u16], near: &mut [u16]) {
        sums.copy_from_slice(columns);
        for step in [1, 2, 4] {
            for i in 0..sums.len() - step {
                sums[i] = sums[i].wrapping_add(sums[i + step]);
            }
        }
        let cells = near.len();
        let (first, second, third) = (&sums[..cells], &sums[8..][..cells], &sums[16..][..cells]);
        for i in 0..cells {
            near[i] = first[i].wrapping_add(second[i]).wrapping_add(third[i]);
        }
    }
}

/// The smaller number; unlike `f32::min` one instruction.
#[inline(always)]
fn least(a: f32, b: f32) -> f32 {
    if a < b { a } else { b }
}

vectorised! {
    fn decide_row(
        key: &Constants,
        ramp: &[u8],
        light: &[u8],
        near: &[u16],
        alpha: &mut [u8],
        gain: &mut [u8],
        remove: &mut [u8],
        runs: &mut [Run],
    ) {
        let measures = ramp.as_chunks::<RUN>().0.iter().zip(light.as_chunks::<RUN>().0).zip(near.as_chunks::<RUN>().0);
        let (alpha, gain, remove) = (alpha.as_chunks_mut::<RUN>().0, gain.as_chunks_mut::<RUN>().0, remove.as_chunks_mut::<RUN>().0);
        let results = alpha.iter_mut().zip(gain).zip(remove).zip(runs);
        for (((ramp, light), near), (((alpha, gain), remove), run)) in measures.zip(results) {
            let ((ramp_word, light_word), far) = ((u64::from_ne_bytes(*ramp), u64::from_ne_bytes(*light)), near.iter().fold(0, |any, near| any | near) == 0);
            if ramp_word == 0 {
                *run = Run::Screen;
                (*alpha, *gain, *remove) = ([0; RUN], [0; RUN], [0; RUN]);
            } else if far || (ramp_word == u64::MAX && light_word == 0) {
                // Without screen in reach it is subject whatever its colour.
                *run = Run::Subject;
                (*alpha, *gain, *remove) = ([255; RUN], [255; RUN], [0; RUN]);
            } else {
                *run = decide_run(key, ramp, light, near, alpha, gain, remove);
            }
        }
    }
}

#[inline(always)]
fn decide_run(
    key: &Constants,
    ramp: &[u8; RUN],
    light: &[u8; RUN],
    near: &[u16; RUN],
    alpha: &mut [u8; RUN],
    gain: &mut [u8; RUN],
    remove: &mut [u8; RUN],
) -> Run {
    for i in 0..RUN {
        let (ramp, light) = (f32::from(ramp[i]), f32::from(light[i]));
        let trust = least(f32::from(near[i]) * EDGE, 1.0) * key.spill;
        let whole = 255.0 - light;
        let mixed = least(ramp, whole);
        let a = ramp + trust * (mixed - ramp);
        // Where the ramp shows less of the subject than the sample holds, the rest goes.
        let shown = mixed / if whole > 1.0 { whole } else { 1.0 };
        alpha[i] = level(a, 0.0, 255.0);
        gain[i] = level(a + trust * (255.0 * shown - a), 0.0, 255.0);
        remove[i] = level(trust * light * shown, 0.0, 255.0);
    }
    let (any, all) = (0..RUN).fold((0, 255), |(any, all), i| (any | alpha[i], all & alpha[i] & !remove[i]));
    if any == 0 {
        Run::Screen
    } else if all == 255 {
        Run::Subject
    } else {
        Run::Mixed
    }
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
fn stretch(first: usize, count: usize, kind: impl Fn(usize) -> Run) -> Option<(Run, usize)> {
    if first == count {
        return None;
    }
    let (this, mut end) = (kind(first), first + 1);
    while end < count && kind(end) == this {
        end += 1;
    }
    Some((this, end))
}

vectorised! {
    fn chroma(below: &mut [u8], above: &[u8], mix: Mix<'_>, key: f32) {
        let cells = below.len();
        let mut first = 0;
        while let Some((run, end)) = stretch(first, mix.runs.len(), |r| mix.runs[r]) {
            match run {
            Run::Screen => {}
            Run::Subject => {
                let span = first * RUN..(end * RUN).min(cells);
                below[span.clone()].copy_from_slice(&above[span]);
            }
            Run::Mixed => {
                for r in first..end {
                    let (span, own) = (r * RUN..((r + 1) * RUN).min(cells), r * RUN..(r + 1) * RUN);
                    let (alpha, gain, remove) = (&mix.alpha[own.clone()], &mix.gain[own.clone()], &mix.remove[own]);
                    compose_run::<false, RUN>(&mut below[span.clone()], &above[span], alpha, gain, remove, key);
                }
            }
            }
            first = end;
        }
    }
}

vectorised! {
    fn lumas(below: &mut [u8], above: &[u8], own: Mix<'_>, other: Mix<'_>, key: f32) {
        let (width, last) = (below.len(), own.runs.len() - 1);
        // A row between two rows, whose runs' last columns lie between two runs: plain only where all four agree.
        let kind = |r: usize| {
            let (run, next) = (own.runs[r], (r + 1).min(last));
            if run == other.runs[r] && run == own.runs[next] && run == other.runs[next] { run } else { Run::Mixed }
        };
        let mut first = 0;
        while let Some((run, end)) = stretch(first, own.runs.len(), kind) {
            match run {
            Run::Screen => {}
            Run::Subject => {
                let span = first * 2 * RUN..(end * 2 * RUN).min(width);
                below[span.clone()].copy_from_slice(&above[span]);
            }
            Run::Mixed => {
                for r in first..end {
                    let span = r * 2 * RUN..((r + 1) * 2 * RUN).min(width);
                    let (mut alpha, mut gain, mut remove) = ([0; 2 * RUN], [0; 2 * RUN], [0; 2 * RUN]);
                    interpolate(own.alpha, other.alpha, r * RUN, &mut alpha);
                    interpolate(own.gain, other.gain, r * RUN, &mut gain);
                    interpolate(own.remove, other.remove, r * RUN, &mut remove);
                    compose_run::<true, { 2 * RUN }>(&mut below[span.clone()], &above[span], &alpha, &gain, &remove, key);
                }
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

/// A run and one more sample of a map on the luma grid between rows `own` and `other`: quarters down, halves across.
#[inline(always)]
fn interpolate(own: &[u8], other: &[u8], start: usize, out: &mut [u8; 2 * RUN]) {
    let mut between = [0_u16; RUN + 1];
    for (between, (&own, &other)) in between.iter_mut().zip(own[start..][..RUN].iter().zip(&other[start..][..RUN])) {
        *between = 3 * u16::from(own) + u16::from(other);
    }
    // The last sample stands for what is beyond it.
    let next = (start + RUN).min(own.len() - 1);
    between[RUN] = 3 * u16::from(own[next]) + u16::from(other[next]);
    for i in 0..RUN {
        out[2 * i] = ((between[i] + 2) >> 2) as u8;
        out[2 * i + 1] = ((between[i] + between[i + 1] + 4) >> 3) as u8;
    }
}
