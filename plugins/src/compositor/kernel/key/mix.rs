//! What the samples of a row are made of.

use super::surround::Line;
use super::{Constants, Kind, MIXED, RUN, SCREEN, SUBJECT, run_of};
use crate::pixels::simd::{level, vectorised};

/// A colour that goes as far across the key's as along it holds none of its light (yellow and cyan cloth: from 1.05) …
const FOREIGN: f32 = 1.0;
/// … and one that goes only so far across holds all that it goes along. Between them it falls linearly.
const OWN: f32 = 0.5;
/// Levels that a mix of the subject's colour and the key's may lie beside the line between them; at twice that it is no such mix.
const BESIDE: f32 = 8.0;
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
    /// Alpha, gain and what to remove for a row of samples, and what its runs, so far known by distance alone, consist of.
    pub(super) fn decide_row(
        key: &Constants,
        u: &[u8],
        v: &[u8],
        near: &Line,
        alpha: &mut [u8],
        gain: &mut [u8],
        remove: &mut [u8],
        runs: &mut [Kind],
    ) {
        let last = alpha.len() - 1;
        let (alpha_runs, gain_runs, remove_runs) = (alpha.as_chunks_mut::<RUN>().0, gain.as_chunks_mut::<RUN>().0, remove.as_chunks_mut::<RUN>().0);
        for (r, (((run, alpha), gain), remove)) in runs.iter_mut().zip(alpha_runs).zip(gain_runs).zip(remove_runs).enumerate() {
            if *run == SCREEN {
                (*alpha, *gain, *remove) = ([0; RUN], [0; RUN], [0; RUN]);
            } else if *run == SUBJECT && near.trust[r..r + 3] == [0.0; 3] {
                (*alpha, *gain, *remove) = ([255; RUN], [255; RUN], [0; RUN]);
            } else {
                let around = |line: &[f32]| [line[r], line[r + 1], line[r + 2]];
                let near = [around(&near.trust), around(&near.u), around(&near.v), around(&near.one)];
                let (u, v) = (run_of(u, r), run_of(v, r));
                // Beyond the ramp there is no need to know how far.
                *run = if *run == SUBJECT {
                    decide_run::<false>(key, u, v, near, alpha, gain, remove)
                } else {
                    decide_run::<true>(key, u, v, near, alpha, gain, remove)
                };
            }
        }
        (alpha[last], gain[last], remove[last]) = (alpha[last - 1], gain[last - 1], remove[last - 1]);
    }
}

/// Values at the samples of a run from those of its block and its neighbours, which hold for their middles.
#[inline(always)]
fn spread([before, own, after]: [f32; 3]) -> [f32; RUN] {
    let mut values = [own; RUN];
    for (i, value) in values.iter_mut().enumerate() {
        let place = (i as f32 + 0.5 - RUN as f32 / 2.0) / RUN as f32;
        let other = if i < RUN / 2 { before } else { after };
        *value += place.abs() * (other - own);
    }
    values
}

/// The part of the key in a sample and its place on the ramp (all are at its end unless `RAMP`), and from them alpha, gain and what to
/// remove.
#[inline(always)]
fn decide_run<const RAMP: bool>(
    key: &Constants,
    u: [u8; RUN],
    v: [u8; RUN],
    [trust, subject_u, subject_v, one]: [[f32; 3]; 4],
    alpha: &mut [u8; RUN],
    gain: &mut [u8; RUN],
    remove: &mut [u8; RUN],
) -> Kind {
    let (trust, subject_u, subject_v, one) = (spread(trust), spread(subject_u), spread(subject_v), spread(one));
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
        let on_line = unit((u * line_u + v * line_v) * inverse);
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
    let all = |map: &[u8; RUN]| u64::from_ne_bytes(*map);
    if all(alpha) == 0 && all(gain) == 0 {
        SCREEN
    } else if all(alpha) == u64::MAX && all(gain) == u64::MAX && all(remove) == 0 {
        SUBJECT
    } else {
        MIXED
    }
}
