//! The layer of slides with overlays: as large as the picture, and only what changes of it is drawn. What lies alone is converted once; what
//! meets others is laid over or under them before it is converted.

use super::card::Piece;
use crate::pixels::{Alpha, Changing, PixelError, Rgba, draw_rgba, reach};
use engine::frame::{Point, Rect, Size, VideoFrame, apart};

/// See the module docs.
pub(super) struct Surface {
    size: Size,
    /// Premultiplied RGBA of the pieces that meet others.
    pixels: Vec<u8>,
    /// What they show, the first one at the back.
    pieces: Vec<Piece>,
    /// What has changed since the last layer that went out.
    changed: Vec<Rect>,
    sent: Changing,
}

impl Surface {
    /// An empty one for pictures of this size.
    pub fn new(size: Size) -> Surface {
        Surface { size, pixels: vec![0; size.area() as usize * 4], pieces: Vec::new(), changed: Vec::new(), sent: Changing::new() }
    }

    /// A layer that shows these pieces, the first one at the back, and where it differs from the one that went out last; nothing where
    /// nothing is seen.
    ///
    /// # Errors
    /// None that a picture of even size could cause.
    pub fn show(&mut self, mut pieces: Vec<Piece>) -> Result<Option<(VideoFrame, Rect)>, PixelError> {
        let size = self.size;
        let areas: Vec<Rect> = pieces.iter().map(|piece| reach(piece.seen, size)).collect();
        for (index, piece) in pieces.iter_mut().enumerate() {
            piece.alone = areas.iter().enumerate().all(|(other, area)| other == index || area.intersect(areas[index]).is_empty());
        }
        let gone = self.pieces.iter().flat_map(|piece| piece.beyond(&pieces));
        let come = pieces.iter().flat_map(|piece| piece.beyond(&self.pieces));
        let changed = apart(gone.chain(come).map(|rect| rect.to_even().intersect(size.rect())));
        let stride = size.width as usize * 4;
        for rect in changed.iter().filter(|rect| [&self.pieces, &pieces].into_iter().any(|pieces| meet(pieces, **rect, size))) {
            for row in self.pixels.chunks_exact_mut(stride).skip(rect.y as usize).take(rect.height as usize) {
                row[rect.x as usize * 4..][..rect.width as usize * 4].fill(0);
            }
            pieces.iter().filter(|piece| !piece.alone).for_each(|piece| piece.lay(&mut self.pixels, size.width, *rect));
        }
        self.changed.extend(changed);
        self.pieces = pieces;
        let parts = apart(areas);
        if parts.is_empty() {
            return Ok(None);
        }
        let picture = Rgba::new(&self.pixels, size, Alpha::Premultiplied)?;
        let (pieces, changed) = (&self.pieces, apart(std::mem::take(&mut self.changed)));
        let (frame, differs) = self.sent.drawn(size, changed, &parts, |frame, rect| {
            let area = reach(rect, size);
            if meet(pieces, area, size) {
                draw_rgba(frame, picture, rect)?;
            } else {
                frame.clear(area);
            }
            pieces.iter().filter(|piece| piece.alone).for_each(|piece| piece.show(frame, area));
            Ok(())
        })?;
        Ok(Some((VideoFrame { place: Some(Point::default()), parts: Some(parts.into()), ..frame }, differs)))
    }
}

/// Something is seen here of pieces that meet others.
fn meet(pieces: &[Piece], rect: Rect, picture: Size) -> bool {
    pieces.iter().any(|piece| !piece.alone && !reach(piece.seen, picture).intersect(rect).is_empty())
}

#[cfg(test)]
mod tests {
    use super::super::card::Card;
    use super::*;
    use crate::pixels::rgba_to_a420;
    use engine::pool::Pool;

    #[test]
    fn a_layer_is_the_same_as_one_drawn_anew_however_its_pieces_came() {
        const SIZE: Size = Size::new(96, 64);
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
            let Some((layer, differs)) = surface.show(pieces.clone()).unwrap() else {
                before = None;
                continue;
            };
            let (anew, _) = Surface::new(SIZE).show(pieces).unwrap().expect("it shows the same");
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

    #[test]
    fn what_lies_alone_is_shown_as_a_conversion_of_the_whole_shows_it() {
        const SIZE: Size = Size::new(96, 64);
        let noise = |at: u32| (at.wrapping_mul(0x9e37_79b9).rotate_left(11).wrapping_mul(0x85eb_ca6b) >> 24) as u8;
        let pixel = |at: u32| [1, 2, 3, 0].map(|channel| if channel == 0 { noise(at) } else { noise(at + 999 * channel).min(noise(at)) });
        let card = Card::new(Size::new(21, 13), (0..21 * 13).flat_map(pixel).collect(), 1.0);
        let places = [(30, 20), (31, 20), (30, 21), (31, 21), (17, -5), (88, 57), (75, 51)];
        for (opacity, (x, y)) in [255, 90].into_iter().flat_map(|opacity| places.map(|place| (opacity, place))) {
            let piece = Piece { opacity, ..Piece::whole(card.clone(), Point { x, y }) };
            let (layer, _) = Surface::new(SIZE).show(vec![piece.clone()]).unwrap().expect("it is seen");
            let mut pixels = vec![0; SIZE.area() as usize * 4];
            piece.lay(&mut pixels, SIZE.width, SIZE.rect());
            let whole = rgba_to_a420(&pixels, SIZE, Alpha::Premultiplied, &Pool::new()).unwrap();
            for plane in 0..4 {
                let (is, should) = (layer.picture.plane(plane), whole.picture.plane(plane));
                let worst = is.data.iter().zip(should.data).map(|(is, should)| is.abs_diff(*should)).max();
                // Seen through, its alpha is rounded; its colour is not.
                assert!(
                    worst == Some(0) || opacity < 255 && (plane < 3 || worst == Some(1)),
                    "{x}, {y}, {opacity}, plane {plane}: {worst:?}"
                );
            }
        }
    }
}
