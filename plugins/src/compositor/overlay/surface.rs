//! The layer of slides with overlays: as large as the picture, and only what changes of it is drawn. Each piece is converted once, however
//! often it moves; pieces that meet are laid over each other as they are.

use super::card::Piece;
use crate::pixels::{Changing, Patch, reach};
use engine::frame::{Point, Rect, Size, VideoFrame, apart, beyond};
use engine::pool::FrameMut;

/// See the module docs.
pub(super) struct Surface {
    size: Size,
    /// What was to be seen last, the first one at the back.
    pieces: Vec<Piece>,
    /// What has changed since the last layer that went out.
    changed: Vec<Rect>,
    sent: Changing,
}

impl Surface {
    /// An empty one for pictures of this size.
    pub fn new(size: Size) -> Surface {
        Surface { size, pieces: Vec::new(), changed: Vec::new(), sent: Changing::new() }
    }

    /// A layer that shows these pieces, the first one at the back, and where it differs from the one that went out last; nothing where
    /// nothing is seen.
    pub fn show(&mut self, pieces: Vec<Piece>) -> Option<(VideoFrame, Rect)> {
        let size = self.size;
        let gone = self.pieces.iter().flat_map(|piece| piece.beyond(&pieces));
        let come = pieces.iter().flat_map(|piece| piece.beyond(&self.pieces));
        self.changed.extend(gone.chain(come).map(|rect| rect.to_even().intersect(size.rect())));
        self.pieces = pieces;
        let patches: Vec<Patch<'_>> = self.pieces.iter().map(Piece::patch).collect();
        let parts = apart(patches.iter().map(|patch| patch.area(size)));
        if parts.is_empty() {
            return None;
        }
        let changed = apart(std::mem::take(&mut self.changed));
        let (frame, differs) = self.sent.drawn(size, changed, &parts, |frame, rect| draw(&patches, frame, reach(rect, size)));
        Some((VideoFrame { place: Some(Point::default()), parts: Some(parts.into()), ..frame }, differs))
    }
}

/// Draws a rectangle with even edges anew.
fn draw(patches: &[Patch<'_>], frame: &mut FrameMut, area: Rect) {
    let mut drawn = Vec::new();
    for patch in patches {
        let own = patch.area(frame.size()).intersect(area);
        // Most of it mostly lies over nothing.
        let first = beyond([own], &drawn);
        first.iter().for_each(|rect| patch.show(frame, *rect));
        beyond([own], &first).into_iter().for_each(|rect| patch.lay(frame, rect));
        drawn.extend(first);
    }
    beyond([area], &drawn).into_iter().for_each(|rect| frame.clear(rect));
}

#[cfg(test)]
mod tests {
    use super::super::card::Card;
    use super::*;
    use crate::pixels::{Alpha, rgba_to_a420};
    use engine::pool::Pool;

    const SIZE: Size = Size::new(96, 64);

    #[test]
    fn a_layer_is_the_same_as_one_drawn_anew_however_its_pieces_came() {
        let card = |size: Size, color: [u8; 4]| Card::new(size, color.repeat(size.area() as usize), 1.0);
        let (plate, name) = (card(Size::new(50, 30), [60, 20, 10, 90]), card(Size::new(31, 17), [200, 180, 20, 200]));
        let (mut surface, mut held) = (Surface::new(SIZE), std::collections::VecDeque::new());
        let mut before: Option<VideoFrame> = None;
        for step in 0..160_u32 {
            // In and out again, from each side in turn.
            let (part, side) = (step % 40, step / 40);
            let part = part.min(40 - part).min(17);
            let Rect { x, y, width, height } = Rect::new(Point { x: 9, y: 7 }, Size::new(50, 30));
            let (across, down) = (width * part / 17, height * part / 17);
            let seen = match side {
                0 => Rect { x, y, width: across, height },
                1 => Rect { x: x + (width - across) as i32, y, width: across, height },
                2 => Rect { x, y, width, height: down },
                _ => Rect { x, y: y + (height - down) as i32, width, height: down },
            };
            let mut pieces = vec![Piece { seen, ..Piece::whole(plate.clone(), Point { x, y }) }];
            if step % 7 != 0 {
                let at = Point { x: 30 + (step % 5) as i32, y: 20 + (step / 3 % 3) as i32 };
                pieces.push(Piece { opacity: (255 - step % 2 * 90) as u8, ..Piece::whole(name.clone(), at) });
            }
            let Some((layer, differs)) = surface.show(pieces.clone()) else {
                before = None;
                continue;
            };
            let (anew, _) = Surface::new(SIZE).show(pieces).expect("it shows the same");
            assert!(layer.picture.bytes() == anew.picture.bytes(), "step {step}");
            if let Some(before) = before.replace(layer.clone()) {
                for (plane, shift) in [(0, 0), (1, 1), (2, 1), (3, 0)] {
                    let (now, then) = (layer.picture.plane(plane), before.picture.plane(plane));
                    for (at, _) in now.data.iter().zip(then.data).enumerate().filter(|(_, (now, then))| now != then) {
                        let (x, y) = ((at % now.stride) << shift, (at / now.stride) << shift);
                        let pixel = Rect { x: x as i32, y: y as i32, width: 1, height: 1 };
                        assert!(!differs.intersect(pixel).is_empty(), "step {step}: {x}, {y} of plane {plane} is not in {differs:?}");
                    }
                }
            }
            // Some come back to the pool soon, some late.
            held.push_back(layer);
            if step % 3 != 0 || held.len() > 5 {
                held.pop_front();
            }
        }
    }

    /// A card whose colours and edges are soft, as those of shadows and letters are at their size.
    fn soft(size: Size, colors: [[i64; 3]; 2]) -> Card {
        let pixel = |x: i64, y: i64| {
            let edge = [x, y, i64::from(size.width) - 1 - x, i64::from(size.height) - 1 - y].into_iter().min().unwrap_or(0);
            let alpha = (edge * 40).clamp(0, 230);
            let channel = |n: usize| (colors[0][n] * (20 - x.min(20)) + colors[1][n] * x.min(20)) / 20 * alpha / 255;
            [channel(0) as u8, channel(1) as u8, channel(2) as u8, alpha as u8]
        };
        let pixels = (0..i64::from(size.height)).flat_map(|y| (0..i64::from(size.width)).flat_map(move |x| pixel(x, y)));
        Card::new(size, pixels.collect(), 1.0)
    }

    fn noise(at: u32) -> u8 {
        (at.wrapping_mul(0x9e37_79b9).rotate_left(11).wrapping_mul(0x85eb_ca6b) >> 24) as u8
    }

    fn whole(pieces: &[Piece]) -> VideoFrame {
        let mut pixels = vec![0; SIZE.area() as usize * 4];
        pieces.iter().for_each(|piece| piece.lay(&mut pixels, SIZE.width, SIZE.rect()));
        rgba_to_a420(&pixels, SIZE, Alpha::Premultiplied, &Pool::new()).unwrap()
    }

    /// How far samples of a plane are apart at most, each weighed by what `counts` says of its place.
    fn worst(plane: usize, is: &VideoFrame, should: &VideoFrame, counts: impl Fn(usize, usize) -> f64) -> f64 {
        let (is, should) = (is.picture.plane(plane), should.picture.plane(plane));
        let differ =
            |(at, (is, should)): (usize, (&u8, &u8))| f64::from(is.abs_diff(*should)) * counts(at % width(plane), at / width(plane));
        is.data.iter().zip(should.data).enumerate().map(differ).fold(0.0, f64::max)
    }

    /// Samples in a row of a plane; the strides are no longer.
    fn width(plane: usize) -> usize {
        SIZE.width as usize >> usize::from(plane == 1 || plane == 2)
    }

    #[test]
    fn what_lies_alone_is_shown_as_a_conversion_of_the_whole_shows_it() {
        let pixel = |at: u32| [1, 2, 3, 0].map(|channel| if channel == 0 { noise(at) } else { noise(at + 999 * channel).min(noise(at)) });
        let card = Card::new(Size::new(21, 13), (0..21 * 13).flat_map(pixel).collect(), 1.0);
        let places = [(30, 20), (31, 20), (30, 21), (31, 21), (17, -5), (88, 57), (75, 51)];
        for (opacity, (x, y)) in [255, 90].into_iter().flat_map(|opacity| places.map(|place| (opacity, place))) {
            let piece = Piece { opacity, ..Piece::whole(card.clone(), Point { x, y }) };
            let (layer, _) = Surface::new(SIZE).show(vec![piece.clone()]).expect("it is seen");
            let whole = whole(&[piece]);
            for plane in 0..4 {
                let worst = worst(plane, &layer, &whole, |_, _| 1.0);
                // Seen through, its alpha is rounded; its colour is not.
                assert!(worst == 0.0 || opacity < 255 && (plane < 3 || worst == 1.0), "{x}, {y}, {opacity}, plane {plane}: {worst}");
            }
        }
    }

    #[test]
    fn what_meets_others_is_shown_as_a_conversion_of_the_whole_shows_it_but_for_roundings() {
        let plate = soft(Size::new(50, 30), [[20, 40, 90], [60, 20, 130]]);
        let name = soft(Size::new(41, 27), [[250, 220, 60], [180, 90, 200]]);
        for (at, opacity) in [((30, 20), 255), ((31, 21), 255), ((12, 25), 120), ((50, -4), 255)] {
            let above = Piece { opacity, ..Piece::whole(name.clone(), Point { x: at.0, y: at.1 }) };
            let pieces = vec![Piece::whole(plate.clone(), Point { x: 9, y: 7 }), above];
            let (whole, (layer, _)) = (whole(&pieces), Surface::new(SIZE).show(pieces).expect("it is seen"));
            let alpha = whole.picture.plane(3);
            // What a viewer sees of a difference is as much as is seen of the sample.
            let seen = |x: usize, y: usize| f64::from(alpha.data[y * alpha.stride + x]) / 255.0;
            let chroma = |plane: usize| worst(plane, &layer, &whole, |x, y| (seen(2 * x, 2 * y) + seen(2 * x, 2 * y + 1)) / 2.0);
            let found = [worst(0, &layer, &whole, seen), chroma(1), chroma(2), worst(3, &layer, &whole, |_, _| 1.0)];
            // A conversion of the whole counts the column before a chroma sample with a quarter, this counts the sample's own twice: by 40
            // apart, they make 10 of the colour above. Colours are 118 apart at most.
            let beside = 118.0 * 10.0 / 255.0 + 0.6;
            assert!(found.iter().zip([3.0, beside, beside, 2.0]).all(|(found, most)| *found <= most), "{at:?}: {found:?}");
        }
    }

    #[test]
    fn hard_edges_at_any_column_and_many_pieces_over_each_other_keep_their_colours() {
        let hard = |size: Size, color: [u8; 4]| Card::new(size, color.repeat(size.area() as usize), 1.0);
        let plate = Piece::whole(hard(Size::new(60, 40), [20, 40, 120, 255]), Point { x: 9, y: 7 });
        let (white, grey) = (hard(Size::new(21, 13), [255; 4]), hard(Size::new(17, 15), [90, 90, 90, 255]));
        for x in 30..34 {
            let pieces =
                vec![plate.clone(), Piece::whole(white.clone(), Point { x, y: 21 }), Piece::whole(grey.clone(), Point { x: x + 9, y: 26 })];
            let (whole, (layer, _)) = (whole(&pieces), Surface::new(SIZE).show(pieces).expect("it is seen"));
            assert_eq!([worst(0, &layer, &whole, |_, _| 1.0), worst(3, &layer, &whole, |_, _| 1.0)], [0.0, 0.0]);
            // A quarter of what neutral letters and a blue plate are apart.
            let (u, v) = (worst(1, &layer, &whole, |_, _| 1.0), worst(2, &layer, &whole, |_, _| 1.0));
            assert!(u <= 11.0 && v <= 4.0, "{x}: {u} {v}");
        }
        // As many as a slide may have, each over the one before.
        let stack: Vec<Piece> = (0..50).map(|n| Piece::whole(white.clone(), Point { x: n, y: n % 7 * 5 })).collect();
        let (whole, (layer, _)) = (whole(&stack), Surface::new(SIZE).show(stack).expect("it is seen"));
        assert!((0..4).all(|plane| worst(plane, &layer, &whole, |_, _| 1.0) == 0.0));
    }
}
