//! The layer of slides with overlays: as large as the picture, and only what changes of it is laid down and converted.

use super::card::Piece;
use crate::pixels::{Alpha, Changing, PixelError, Rgba, reach};
use engine::frame::{Point, Rect, Size, VideoFrame, apart};

/// See the module docs.
pub(super) struct Surface {
    size: Size,
    /// Premultiplied RGBA.
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
    pub fn show(&mut self, pieces: Vec<Piece>) -> Result<Option<(VideoFrame, Rect)>, PixelError> {
        let whole = self.size.rect();
        let gone = self.pieces.iter().flat_map(|piece| piece.beyond(&pieces));
        let come = pieces.iter().flat_map(|piece| piece.beyond(&self.pieces));
        let changed = apart(gone.chain(come).map(|rect| rect.to_even().intersect(whole)));
        let stride = self.size.width as usize * 4;
        for rect in &changed {
            for row in self.pixels.chunks_exact_mut(stride).skip(rect.y as usize).take(rect.height as usize) {
                row[rect.x as usize * 4..][..rect.width as usize * 4].fill(0);
            }
            pieces.iter().for_each(|piece| piece.lay(&mut self.pixels, self.size.width, *rect));
        }
        self.changed.extend(changed);
        self.pieces = pieces;
        let parts = apart(self.pieces.iter().map(|piece| reach(piece.seen, self.size)));
        if parts.is_empty() {
            return Ok(None);
        }
        let picture = Rgba::new(&self.pixels, self.size, Alpha::Premultiplied)?;
        let changed = apart(std::mem::take(&mut self.changed));
        let (frame, differs) = self.sent.frame(picture, changed, &parts)?;
        Ok(Some((VideoFrame { place: Some(Point::default()), parts: Some(parts.into()), ..frame }, differs)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::card::Card;
    use super::*;

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
}
