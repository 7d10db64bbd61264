//! What the samples of a row are made of.

use super::compose::stretch;
use super::surround::Line;
use super::{Cell, Constants, Kind, MIXED, RUN, SCREEN, SUBJECT, run_of};
use crate::pixels::lanes::line;
use crate::pixels::simd::{level, vectorised};

/// A colour that goes as far across the key's as along it holds none of its light (yellow and cyan cloth: from 1.05) …
const FOREIGN: f32 = 1.0;
/// … and one that goes only so far across holds all that it goes along. Between them it falls linearly.
const OWN: f32 = 0.5;
/// Levels that a mix of the subject's colour and the key's may lie beside the line between them; at twice that it is no such mix.
const BESIDE: f32 = 8.0;
/// So little of the key on the line from the colour thereabouts is that colour's own variety, as of hair around a face; from twice this on
/// it is believed.
const FAINT: f32 = 0.08;
/// Less screen than this is noise.
const NOISE: f32 = 0.03;

/// The smaller number; unlike `f32::min` one instruction.
#[inline(always)]
fn least(a: f32, b: f32) -> f32 {
    if a < b { a } else { b }
}

/// Clipped to 0 to 1.
#[inline(always)]
fn unit(x: f32) -> f32 {
    let x = if x > 0.0 { x } else { 0.0 };
    least(x, 1.0)
}

vectorised! {
    /// Alpha, gain and what to remove for a row of samples, and what its runs, so far known by distance alone, consist of. There is one
    /// run more than there are samples for.
    pub(super) fn decide_row(key: &Constants, u: &[u8], v: &[u8], near: &Line, cells: &mut [Cell], runs: &mut [Kind]) {
        let count = runs.len() - 1;
        let (trust, near_u) = (&near.trust[..count + 2], &near.u[..count + 2]);
        let (near_v, one) = (&near.v[..count + 2], &near.one[..count + 2]);
        let mut first = 0;
        while let Some((kind, end)) = stretch(&runs[..count], first) {
            let span = if kind == SCREEN { end..end } else { first..end };
            for r in span {
                // Trust is never below zero.
                if kind == SUBJECT && trust[r] + trust[r + 1] + trust[r + 2] == 0.0 {
                    continue;
                }
                let near = [around(trust, r), around(near_u, r), around(near_v, r), around(one, r)];
                let (u, v) = (run_of(u, r), run_of(v, r));
                // Beyond the ramp there is no need to know how far.
                runs[r] = if kind == SUBJECT {
                    decide_run::<false>(key, u, v, near, &mut cells[r])
                } else {
                    decide_run::<true>(key, u, v, near, &mut cells[r])
                };
            }
            first = end;
        }
        runs[count] = runs[count - 1];
        for m in 0..cells[count].len() {
            cells[count][m] = [cells[count - 1][m][RUN - 1]; RUN];
        }
    }
}

/// Values of a block and its neighbours.
#[inline(always)]
fn around(line: &[f32], r: usize) -> [f32; 3] {
    [line[r], line[r + 1], line[r + 2]]
}

/// How far samples of the first half of a run have come from their block's middle to that of the block before.
const PLACES: [f32; 4] = [0.4375, 0.3125, 0.1875, 0.0625];

/// Values at the samples of a run from those of its block and its neighbours, which hold for their middles.
#[inline(always)]
fn spread([before, own, after]: [f32; 3]) -> [f32; RUN] {
    let [a, b, c, d] = line(own, before - own, PLACES);
    let [e, f, g, h] = line(own, after - own, [PLACES[3], PLACES[2], PLACES[1], PLACES[0]]);
    [a, b, c, d, e, f, g, h]
}

/// By neither rule any sample has more of the key's light than may be by chance: most runs near the screen, known without a division.
#[inline(always)]
fn is_clean(key: &Constants, u: [u8; RUN], v: [u8; RUN], subject_u: [f32; RUN], subject_v: [f32; RUN]) -> bool {
    let mut clean = true;
    for i in 0..RUN {
        let (u, v) = (f32::from(u[i]) - 128.0, f32::from(v[i]) - 128.0);
        let along = (u * key.u + v * key.v) * key.along;
        let (line_u, line_v) = (key.u - subject_u[i], key.v - subject_v[i]);
        let on_line = (u - subject_u[i]) * line_u + (v - subject_v[i]) * line_v;
        clean &= (along <= NOISE) & (on_line <= FAINT * (line_u * line_u + line_v * line_v));
    }
    clean
}

/// The part of the key in a sample and its place on the ramp (all are at its end unless `RAMP`), and from them alpha, gain and what to
/// remove.
#[inline(always)]
fn decide_run<const RAMP: bool>(
    key: &Constants,
    u: [u8; RUN],
    v: [u8; RUN],
    [trust, subject_u, subject_v, one]: [[f32; 3]; 4],
    cell: &mut Cell,
) -> Kind {
    let (subject_u, subject_v) = (spread(subject_u), spread(subject_v));
    if !RAMP && is_clean(key, u, v, subject_u, subject_v) {
        return SUBJECT;
    }
    let (trust, one) = (spread(trust), spread(one));
    let [alpha, gain, remove] = cell;
    for i in 0..RUN {
        let (u, v) = (f32::from(u[i]) - 128.0, f32::from(v[i]) - 128.0);
        let (du, dv) = (u - key.u, v - key.v);
        let ramp = if RAMP { unit(((du * du + dv * dv).sqrt() - key.start) * key.slope) } else { 1.0 };
        // By the colour alone: how far it goes along the key's, less how far it goes across.
        let along = (u * key.u + v * key.v) * key.along;
        let across = (u * key.v - v * key.u).abs() * key.along;
        let cautious = unit(least(along, (FOREIGN * along - across) * (1.0 / (FOREIGN - OWN))));
        // By the subject's colour thereabouts: where it is on the line from there to the key.
        let (line_u, line_v) = (key.u - subject_u[i], key.v - subject_v[i]);
        let (u, v) = (u - subject_u[i], v - subject_v[i]);
        let square = line_u * line_u + line_v * line_v;
        let inverse = 1.0 / if square > 1.0 { square } else { 1.0 };
        let on_line = (u * line_u + v * line_v) * inverse;
        let on_line = unit(least(on_line, 2.0 * (on_line - FAINT)));
        let beside = (u * line_v - v * line_u).abs() * inverse.sqrt();
        let believed = one[i] * unit(2.0 - beside * (1.0 / BESIDE));
        let light = unit((cautious + believed * (on_line - cautious) - NOISE) * (1.0 / (1.0 - NOISE)));

        let trust = trust[i] * key.spill;
        let whole = 1.0 - light;
        let mixed = least(ramp, whole);
        let a = ramp + trust * (mixed - ramp);
        // Where the ramp shows less of the subject than the sample holds, the rest goes.
        let shown = if RAMP { mixed / if whole > 0.004 { whole } else { 0.004 } } else { 1.0 };
        alpha[i] = level(255.0 * a, 0.0, 255.0);
        gain[i] = level(255.0 * (a + trust * (shown - a)), 0.0, 255.0);
        remove[i] = level(255.0 * trust * light * shown, 0.0, 255.0);
    }
    let [alpha, gain, remove] = [u64::from_ne_bytes(*alpha), u64::from_ne_bytes(*gain), u64::from_ne_bytes(*remove)];
    match (alpha, gain, remove) {
        (0, 0, _) => SCREEN,
        (u64::MAX, u64::MAX, 0) => SUBJECT,
        _ => MIXED,
    }
}
