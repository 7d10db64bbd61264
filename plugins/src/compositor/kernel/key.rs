//! A layer filmed or drawn in front of a coloured screen over an opaque picture.
//!
//! Per chroma sample: *alpha* by the distance of its colour from the key's, with the meaning of ffmpeg's `chromakey` filter; the part of
//! the key's light in it (how far it goes along the key's colour, less how far it goes across: yellow and cyan hold none of green's);
//! and how near it is to what was keyed out. Far from the screen, colour is left alone. Near it, a sample is taken for what optics made
//! it: a sum of subject and screen. The measured part of the screen is taken out of all three planes and replaced by the picture, which
//! gives hair and motion blur without a rim. Luma uses the same values, interpolated linearly to its own grid.

use super::meet;
use crate::pixels::simd::vectorised;
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
        Key { color: [173, 42, 26], similarity: 0.12, smoothness: 0.12, spill: 1.0 }
    }
}

/// Chroma samples decided on together: runs of screen are skipped, runs of subject copied.
const RUN: usize = 16;
/// Alpha is averaged over so many chroma samples in both directions to find out how near the screen is.
const REACH: usize = 9;
/// A sample with a quarter of screen within reach is at the edge: half-way from a straight edge to where its reach ends.
const EDGE: f32 = 4.0 / (255 * REACH * REACH) as f32;
/// Light across the key's colour that excuses one part along it. Yellow and cyan lie at 0.70 and 0.75 of green.
const ACROSS: f32 = 0.75;

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

/// One value per chroma sample of the rectangle drawn, row by row, 0 to 255 for 0 to 1.
#[derive(Default)]
struct Maps {
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
    near: Vec<u16>,
}

#[derive(Clone, Copy, Default, PartialEq)]
enum Run {
    Screen,
    Subject,
    #[default]
    Mixed,
}

/// The part of three maps that a row of samples is composed with.
#[derive(Clone, Copy)]
struct Mix<'a> {
    alpha: &'a [u8],
    gain: &'a [u8],
    remove: &'a [u8],
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
        let (Some(mut y_out), Some(mut u_out), Some(mut v_out)) = (y_out, u_out, v_out) else {
            unreachable!("every format has three planes")
        };
        let maps = &mut self.maps;
        maps.resize(cells, rows);
        for y in 0..rows {
            let span = y * cells..(y + 1) * cells;
            measure(&self.key, &u.data[y * u.stride..][..cells], &v.data[y * v.stride..][..cells], &mut maps.ramp[span.clone()], &mut maps.light[span]);
        }
        maps.decide(&self.key, cells, rows);
        for y in 0..rows {
            let (mix, runs) = (maps.row(y, cells), maps.runs(y, cells));
            for (source, target, key) in [(&u, &mut u_out, self.key.u), (&v, &mut v_out, self.key.v)] {
                chroma(&mut target.data[y * target.stride..][..cells], &source.data[y * source.stride..][..cells], mix, runs, key);
            }
            for (line, other) in [(2 * y, y.saturating_sub(1)), (2 * y + 1, (y + 1).min(rows - 1))] {
                let below = &mut y_out.data[line * y_out.stride..][..cells * 2];
                let above = &luma.data[line * luma.stride..][..cells * 2];
                lumas(below, above, mix, runs, maps.row(other, cells), maps.runs(other, cells), self.key.luma);
            }
        }
        rect
    }
}

impl Maps {
    fn resize(&mut self, cells: usize, rows: usize) {
        for map in [&mut self.ramp, &mut self.light, &mut self.alpha, &mut self.gain, &mut self.remove] {
            map.resize(cells * rows, 0);
        }
        self.runs.resize(cells.div_ceil(RUN) * rows, Run::Mixed);
        // Outside there is no screen: zeros on both sides.
        self.columns.clear();
        self.columns.resize(cells + REACH - 1, 0);
        self.near.resize(cells, 0);
    }

    fn row(&self, y: usize, cells: usize) -> Mix<'_> {
        let span = y * cells..(y + 1) * cells;
        Mix { alpha: &self.alpha[span.clone()], gain: &self.gain[span.clone()], remove: &self.remove[span] }
    }

    fn runs(&self, y: usize, cells: usize) -> &[Run] {
        let runs = cells.div_ceil(RUN);
        &self.runs[y * runs..(y + 1) * runs]
    }

    /// What each sample is made of, from its own measures and the screen within reach.
    fn decide(&mut self, key: &Constants, cells: usize, rows: usize) {
        const HALF: usize = REACH / 2;
        let runs = cells.div_ceil(RUN);
        let Maps { ramp, light, alpha, gain, remove, runs: kinds, columns, near } = self;
        for y in 0..HALF.min(rows) {
            add(&mut columns[HALF..][..cells], &ramp[y * cells..][..cells]);
        }
        for y in 0..rows {
            if y + HALF < rows {
                add(&mut columns[HALF..][..cells], &ramp[(y + HALF) * cells..][..cells]);
            }
            if y > HALF {
                subtract(&mut columns[HALF..][..cells], &ramp[(y - HALF - 1) * cells..][..cells]);
            }
            across(columns, near);
            let span = y * cells..(y + 1) * cells;
            decide_row(
                key,
                &ramp[span.clone()],
                &light[span.clone()],
                near,
                &mut alpha[span.clone()],
                &mut gain[span.clone()],
                &mut remove[span],
                &mut kinds[y * runs..(y + 1) * runs],
            );
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
            ramp[i] = level((distance - key.start) * key.slope);
            let along = u * key.u + v * key.v;
            let across = (u * key.v - v * key.u).abs();
            light[i] = level((along - ACROSS * across) * key.along);
        }
    }
}

/// Rounds to nearest within 0 to 255, through i32: the conversion that vector units have.
#[inline(always)]
fn level(x: f32) -> u8 {
    ((x + 0.5).clamp(0.0, 255.0) as i32) as u8
}

vectorised! {
    fn add(columns: &mut [u16], ramp: &[u8]) {
        for (sum, &ramp) in columns.iter_mut().zip(ramp) {
            *sum += u16::from(255 - ramp);
        }
    }
}

vectorised! {
    fn subtract(columns: &mut [u16], ramp: &[u8]) {
        for (sum, &ramp) in columns.iter_mut().zip(ramp) {
            *sum -= u16::from(255 - ramp);
        }
    }
}

vectorised! {
    /// Sums of REACH neighbours; at most 9 * 9 * 255 = 20,655.
    fn across(columns: &[u16], near: &mut [u16]) {
        let cells = near.len();
        let columns = &columns[..cells + REACH - 1];
        for i in 0..cells {
            let mut sum = 0;
            for k in 0..REACH {
                sum += columns[i + k];
            }
            near[i] = sum;
        }
    }
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
        for (r, run) in runs.iter_mut().enumerate() {
            let span = r * RUN..((r + 1) * RUN).min(ramp.len());
            let (ramp, light, near) = (&ramp[span.clone()], &light[span.clone()], &near[span.clone()]);
            let (alpha, gain, remove) = (&mut alpha[span.clone()], &mut gain[span.clone()], &mut remove[span]);
            if near.iter().all(|&near| near == 0) {
                // No screen within reach, so none here either.
                *run = Run::Subject;
                alpha.fill(255);
                gain.fill(255);
                remove.fill(0);
                continue;
            }
            let (mut least, mut most) = (255, 0);
            for i in 0..ramp.len() {
                let (ramp, light) = (f32::from(ramp[i]), f32::from(light[i]));
                let trust = (f32::from(near[i]) * EDGE).min(1.0) * key.spill;
                let mixed = ramp.min(255.0 - light);
                let a = ramp + trust * (mixed - ramp);
                alpha[i] = level(a);
                gain[i] = level(a + trust * (255.0 - a));
                remove[i] = level(trust * light);
                least = least.min(alpha[i].min(255 - remove[i]));
                most = most.max(alpha[i]);
            }
            *run = if most == 0 { Run::Screen } else if least == 255 { Run::Subject } else { Run::Mixed };
        }
    }
}

/// One sample over the picture.
#[inline(always)]
fn compose<const LUMA: bool>(below: u8, above: u8, alpha: u8, gain: u8, remove: u8, key: f32) -> u8 {
    let (zero, low, high) = if LUMA { (16.0, -16.0, 239.0) } else { (128.0, -128.0, 127.0) };
    let (alpha, gain, remove) = (f32::from(alpha), f32::from(gain), f32::from(remove));
    // No subject is brighter or more colourful than can be shown, times its alpha.
    let subject = ((f32::from(above) - zero) * gain - key * remove).max(low * alpha).min(high * alpha);
    level(zero + (subject + (255.0 - alpha) * (f32::from(below) - zero)) * (1.0 / 255.0))
}

vectorised! {
    fn chroma(below: &mut [u8], above: &[u8], mix: Mix<'_>, runs: &[Run], key: f32) {
        let cells = below.len();
        for (r, run) in runs.iter().enumerate() {
            let span = r * RUN..((r + 1) * RUN).min(cells);
            let (below, above) = (&mut below[span.clone()], &above[span.clone()]);
            match run {
                Run::Screen => {}
                Run::Subject => below.copy_from_slice(above),
                Run::Mixed => {
                    let (alpha, gain, remove) = (&mix.alpha[span.clone()], &mix.gain[span.clone()], &mix.remove[span]);
                    for i in 0..below.len() {
                        below[i] = compose::<false>(below[i], above[i], alpha[i], gain[i], remove[i], key);
                    }
                }
            }
        }
    }
}

/// A run and one more sample of a map on the two luma grids between rows `own` and `other`: quarters down, halves across.
#[inline(always)]
fn interpolate(own: &[u8], other: &[u8], start: usize, out: &mut [u8; 2 * RUN]) {
    let mut between = [0_u16; RUN + 1];
    if own.len() > start + RUN {
        let (own, other) = (&own[start..][..RUN + 1], &other[start..][..RUN + 1]);
        for i in 0..=RUN {
            between[i] = 3 * u16::from(own[i]) + u16::from(other[i]);
        }
    } else {
        // The last sample stands for what is beyond it.
        for (i, between) in between.iter_mut().enumerate() {
            let i = (start + i).min(own.len() - 1);
            *between = 3 * u16::from(own[i]) + u16::from(other[i]);
        }
    }
    for i in 0..RUN {
        out[2 * i] = ((between[i] + 2) >> 2) as u8;
        out[2 * i + 1] = ((between[i] + between[i + 1] + 4) >> 3) as u8;
    }
}

vectorised! {
    fn lumas(below: &mut [u8], above: &[u8], own: Mix<'_>, own_runs: &[Run], other: Mix<'_>, other_runs: &[Run], key: f32) {
        let width = below.len();
        for (r, &run) in own_runs.iter().enumerate() {
            let span = r * 2 * RUN..((r + 1) * 2 * RUN).min(width);
            let (below, above) = (&mut below[span.clone()], &above[span]);
            // The last column lies between this run and the next one.
            let next = (r + 1).min(own_runs.len() - 1);
            let same = run == other_runs[r] && run == own_runs[next] && run == other_runs[next];
            match run {
                Run::Screen if same => continue,
                Run::Subject if same => below.copy_from_slice(above),
                _ => {
                    let (mut alpha, mut gain, mut remove) = ([0; 2 * RUN], [0; 2 * RUN], [0; 2 * RUN]);
                    interpolate(own.alpha, other.alpha, r * RUN, &mut alpha);
                    interpolate(own.gain, other.gain, r * RUN, &mut gain);
                    interpolate(own.remove, other.remove, r * RUN, &mut remove);
                    for (i, (below, &above)) in below.iter_mut().zip(above).enumerate() {
                        *below = compose::<true>(*below, above, alpha[i], gain[i], remove[i], key);
                    }
                }
            }
        }
    }
}
