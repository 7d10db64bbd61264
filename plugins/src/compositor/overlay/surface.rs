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
        let place = |piece: &Piece| piece.seen.to_even().intersect(whole);
        let lacks = |all: &[Piece], piece: &Piece| !all.iter().any(|other| piece.is(other));
        let gone = self.pieces.iter().filter(|piece| lacks(&pieces, piece));
        let come = pieces.iter().filter(|piece| lacks(&self.pieces, piece));
        let changed = apart(gone.chain(come).map(place));
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
