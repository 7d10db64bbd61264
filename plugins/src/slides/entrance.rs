//! A slide coming in over the one before.
//!
//! Each picture is a function of both slides' pictures and of the time gone. What moves lies at even pixels, so that rows of luma and
//! chroma are copied as they are, and colour stays where it belongs.

use crate::pixels::simd::vectorised;
use engine::cue::{Motion, Side, Transition};
use engine::frame::{PixelFormat, Point, Rect, Size, VideoFrame};
use engine::pool::{FrameMut, Pool};
use engine::time::{Span, Time};

/// The old picture gives way to the new one.
pub struct Entrance {
    /// The old one.
    pub from: VideoFrame,
    /// When the new one began.
    pub start: Time,
    /// How it comes; not a cut.
    pub transition: Transition,
}

/// How far the shadow of a picture reaches that slides in over another one, in parts of the shorter side of the frame.
const SHADOW: f64 = 0.045;
/// How much of the light the shadow takes at the edge, in 256ths.
const DEPTH: i32 = 110;

impl Entrance {
    /// When only the new picture is left.
    pub fn end(&self) -> Time {
        self.start + self.transition.duration()
    }

    /// What is seen at `time`; both pictures have one size.
    pub fn frame(&self, to: &VideoFrame, time: Time, pool: &Pool) -> VideoFrame {
        let length = self.transition.duration().max(Span(1));
        let gone = (time - self.start).0.clamp(0, length.0);
        match self.transition {
            Transition::Cut => to.clone(),
            Transition::Fade(_) => {
                let weight = ((gone as i128 * 512 / i128::from(length.0) + 1) / 2) as u16;
                self.mean(to, weight, pool)
            }
            Transition::Slide(motion) | Transition::Push(motion) => {
                let part = motion.easing.at(gone as f64 / length.0 as f64);
                let pushes = matches!(self.transition, Transition::Push(_));
                self.moved(to, motion, part, pushes, pool)
            }
        }
    }

    /// The mean of both pictures, the new one with this weight of 256; rounded to nearest.
    fn mean(&self, to: &VideoFrame, weight: u16, pool: &Pool) -> VideoFrame {
        let mut frame = pool.blank(PixelFormat::I420, to.size());
        mix(frame.bytes_mut(), self.from.picture.bytes(), to.picture.bytes(), weight);
        frame.freeze()
    }

    /// The new picture with this part of it in the frame.
    fn moved(&self, to: &VideoFrame, motion: Motion, part: f64, pushes: bool, pool: &Pool) -> VideoFrame {
        let size = to.size();
        let side = match motion.from {
            Side::Left | Side::Right => size.width,
            Side::Top | Side::Bottom => size.height,
        };
        let shown = (part * f64::from(side) / 2.0).round() as i32 * 2;
        let left = side as i32 - shown;
        let point = |across: i32, down: i32| Point { x: across, y: down };
        // Where the new picture lies, and where the old one would if it were pushed.
        let (new, old) = match motion.from {
            Side::Left => (point(-left, 0), point(shown, 0)),
            Side::Right => (point(left, 0), point(-shown, 0)),
            Side::Top => (point(0, -left), point(0, shown)),
            Side::Bottom => (point(0, left), point(0, -shown)),
        };
        let mut frame = pool.blank(PixelFormat::I420, size);
        lay(&mut frame, &self.from, if pushes { old } else { Point::default() });
        lay(&mut frame, to, new);
        if !pushes {
            shade(&mut frame, motion.from, new);
        }
        frame.freeze()
    }
}

vectorised! {
    /// The mean of two rows of samples, the second with this weight of 256; rounded to nearest.
    fn mix(mixed: &mut [u8], from: &[u8], to: &[u8], weight: u16) {
        let rest = 256u16.wrapping_sub(weight);
        for ((mixed, &from), &to) in mixed.iter_mut().zip(from).zip(to) {
            // Wrapping only in name: checks for overflow, which tests run with, would keep the loop from being vectorised.
            let sum = u16::from(from).wrapping_mul(rest).wrapping_add(u16::from(to).wrapping_mul(weight));
            *mixed = (sum.wrapping_add(128) >> 8) as u8;
        }
    }
}

/// Copies what of `picture` lies in the frame when its top left corner is at `at`, which is even.
fn lay(frame: &mut FrameMut, picture: &VideoFrame, at: Point) {
    let rect = Rect::new(at, picture.size()).intersect(frame.size().rect());
    if rect.is_empty() {
        return;
    }
    let (left, top) = ((rect.x - at.x) as usize, (rect.y - at.y) as usize);
    let (_, planes) = frame.draw(rect);
    for (p, target) in planes.into_iter().enumerate() {
        let Some(target) = target else { continue };
        let (source, half) = (picture.picture.plane(p), usize::from(p > 0));
        let width = target.size.width as usize;
        for y in 0..target.size.height as usize {
            let from = ((top >> half) + y) * source.stride + (left >> half);
            target.data[y * target.stride..][..width].copy_from_slice(&source.data[from..from + width]);
        }
    }
}

/// Darkens the old picture along the edge of the new one, whose top left corner is at `new`: less and less with the square of the distance.
fn shade(frame: &mut FrameMut, from: Side, new: Point) {
    let Size { width, height } = frame.size();
    let reach = ((f64::from(width.min(height)) * SHADOW / 2.0).round() as i32).max(1) * 2;
    let (x, y) = (new.x, new.y);
    let (right, bottom) = (x + width as i32, y + height as i32);
    let strip = match from {
        Side::Left => Rect { x: right, y: 0, width: reach as u32, height },
        Side::Right => Rect { x: x - reach, y: 0, width: reach as u32, height },
        Side::Top => Rect { x: 0, y: bottom, width, height: reach as u32 },
        Side::Bottom => Rect { x: 0, y: y - reach, width, height: reach as u32 },
    };
    let seen = strip.intersect(frame.size().rect());
    if seen.is_empty() {
        return;
    }
    let (dx, dy) = (seen.x - strip.x, seen.y - strip.y);
    let (_, planes) = frame.draw(seen);
    for (p, target) in planes.into_iter().enumerate() {
        let Some(target) = target else { continue };
        // In samples of this plane: how far the shadow reaches, where the strip begins, and what black is.
        let scale = if p == 0 { 1 } else { 2 };
        let (reach, black) = (reach / scale, if p == 0 { 16 } else { 128 });
        let light = |along: i32| {
            let near = match from {
                Side::Left | Side::Top => reach - along,
                Side::Right | Side::Bottom => along + 1,
            };
            256 - DEPTH * near * near / (reach * reach)
        };
        let across = matches!(from, Side::Left | Side::Right);
        let columns: Vec<i32> = (0..target.size.width as i32).map(|x| if across { light(dx / scale + x) } else { 0 }).collect();
        for y in 0..target.size.height as usize {
            let row = &mut target.data[y * target.stride..][..target.size.width as usize];
            let whole = light(dy / scale + y as i32);
            for (sample, column) in row.iter_mut().zip(&columns) {
                let light = if across { *column } else { whole };
                *sample = (black + (((i32::from(*sample) - black) * light + 128) >> 8)) as u8;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pixels::simd::tests::without_avx2;
    use engine::cue::Easing;
    use engine::pool::Pool;

    const SIZE: Size = Size::new(64, 32);

    /// A picture whose luma tells the column and row, and whose chroma tells which picture it is.
    fn picture(base: u8) -> VideoFrame {
        let mut frame = Pool::new().blank(PixelFormat::I420, SIZE);
        let (_, planes) = frame.draw(SIZE.rect());
        for (p, plane) in planes.into_iter().flatten().enumerate() {
            for y in 0..plane.size.height as usize {
                for x in 0..plane.size.width as usize {
                    plane.data[y * plane.stride + x] = if p == 0 { base + (x + y) as u8 } else { base };
                }
            }
        }
        frame.freeze()
    }

    fn at(transition: fn(Motion) -> Transition, from: Side, part: i64) -> VideoFrame {
        let motion = Motion { from, duration: Span(100), easing: Easing::Linear };
        let entrance = Entrance { from: picture(30), start: Time(1000), transition: transition(motion) };
        assert_eq!(entrance.end(), Time(1100));
        entrance.frame(&picture(140), Time(1000 + part), &Pool::new())
    }

    fn luma(frame: &VideoFrame, x: usize, y: usize) -> u8 {
        frame.picture.plane(0).data[y * 64 + x]
    }

    #[test]
    fn a_push_moves_both_pictures_by_even_steps() {
        // A quarter of the way: 16 pixels across, 8 down.
        let right = at(Transition::Push, Side::Right, 25);
        assert_eq!((luma(&right, 0, 3), luma(&right, 47, 3), luma(&right, 48, 3)), (30 + 16 + 3, 30 + 63 + 3, 140 + 3));
        let left = at(Transition::Push, Side::Left, 25);
        assert_eq!((luma(&left, 0, 0), luma(&left, 15, 0), luma(&left, 16, 0)), (140 + 48, 140 + 63, 30));
        let top = at(Transition::Push, Side::Top, 25);
        assert_eq!((luma(&top, 5, 0), luma(&top, 5, 7), luma(&top, 5, 8)), (140 + 5 + 24, 140 + 5 + 31, 30 + 5));
        let bottom = at(Transition::Push, Side::Bottom, 25);
        assert_eq!((luma(&bottom, 5, 0), luma(&bottom, 5, 23), luma(&bottom, 5, 24)), (30 + 5 + 8, 30 + 5 + 31, 140 + 5));
        // Chroma changes where luma does.
        let chroma = |frame: &VideoFrame, x: usize, y: usize| frame.picture.plane(1).data[y * 32 + x];
        assert_eq!((chroma(&right, 23, 0), chroma(&right, 24, 0), chroma(&top, 0, 3), chroma(&top, 0, 4)), (30, 140, 140, 30));
        // 1 of 100 of 64 pixels: rounded to none, and none of them odd.
        assert_eq!(luma(&at(Transition::Push, Side::Right, 1), 63, 0), 30 + 63);
        assert_eq!(luma(&at(Transition::Push, Side::Right, 2), 61, 0), 30 + 63);
    }

    #[test]
    fn what_slides_in_covers_the_old_picture_and_throws_a_shadow_on_it() {
        for (from, old, new) in
            [(Side::Right, (10, 9), (50, 9)), (Side::Left, (50, 9), (10, 9)), (Side::Top, (9, 28), (9, 3)), (Side::Bottom, (9, 3), (9, 28))]
        {
            let frame = at(Transition::Slide, from, 50);
            assert_eq!(luma(&frame, old.0, old.1), 30 + (old.0 + old.1) as u8, "{from:?}: it stands");
            assert!(luma(&frame, new.0, new.1) >= 140, "{from:?}");
        }
        let frame = at(Transition::Slide, Side::Right, 50);
        assert!(luma(&frame, 31, 9) < 30 + 40 - 10 && luma(&frame, 31, 9) > 16, "{}", luma(&frame, 31, 9));
        assert_eq!(luma(&frame, 32, 9), 140 + 9, "the new picture is not darkened");
    }

    #[test]
    fn a_fade_is_the_rounded_mean_of_every_pair_of_samples() {
        let [from, to]: [Vec<u8>; 2] = [|i: usize| (i / 256) as u8, |i: usize| i as u8].map(|sample| (0..65536).map(sample).collect());
        let mut mixed = vec![0; from.len()];
        for weight in [0, 1, 100, 128, 255, 256] {
            let exact = |from: &u8, to: &u8| (i32::from(*from) * (256 - weight) + i32::from(*to) * weight + 128) / 256;
            let due: Vec<u8> = from.iter().zip(&to).map(|(from, to)| exact(from, to) as u8).collect();
            mix(&mut mixed, &from, &to, weight as u16);
            assert!(mixed == due, "{weight}");
            without_avx2(|| mix(&mut mixed, &from, &to, weight as u16));
            assert!(mixed == due, "{weight}, without AVX2");
        }
    }

    #[test]
    fn both_ends_are_the_pictures_themselves() {
        for kind in [Transition::Slide, Transition::Push] {
            for from in [Side::Left, Side::Right, Side::Top, Side::Bottom] {
                assert!(at(kind, from, 100).picture.bytes() == picture(140).picture.bytes());
            }
        }
        assert!(at(Transition::Push, Side::Left, 0).picture.bytes() == picture(30).picture.bytes());
    }
}
