//! The layer of slides with overlays: as large as the picture, and only what changes of it is drawn and converted.

use super::card::{Card, over};
use super::stage::Stage;
use crate::drawing::{Painter, Scene};
use crate::lesson::canvas::Look;
use crate::pixels::{Alpha, PixelError, Rgba, draw_rgba};
use engine::frame::{PixelFormat, Point, Rect, Size, VideoFrame, apart};
use engine::pool::Pool;
use std::collections::VecDeque;
use std::sync::Arc;
use vello_cpu::Pixmap;

/// Layers remembered: more than are about at once.
const SENT: usize = 16;

/// See the module docs.
pub(super) struct Surface {
    size: Size,
    /// Premultiplied RGBA.
    pixels: Pixmap,
    /// What they show: the objects of a scene, and cards above them.
    scene: Option<Arc<Scene>>,
    looks: Vec<Look>,
    cards: Vec<(Card, Point)>,
    /// Where that is.
    parts: Vec<Rect>,
    /// What has changed since the last layer that went out.
    changed: Vec<Rect>,
    /// Layers that went out, by the ids of their pictures, with what had changed since the one before.
    sent: VecDeque<(u64, Vec<Rect>)>,
    pool: Pool,
}

impl Surface {
    /// An empty one for pictures of this size.
    pub fn new(size: Size) -> Surface {
        let pixels = Pixmap::new(size.width as u16, size.height as u16);
        let (looks, cards, parts, changed) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Surface { size, pixels, scene: None, looks, cards, parts, changed, sent: VecDeque::new(), pool: Pool::new() }
    }

    /// What is seen of a slide's objects, and cards above them, the first one at the back; nothing where nothing is.
    ///
    /// # Errors
    /// None that a picture of even size could cause.
    pub fn show(
        &mut self,
        stage: &Stage,
        looks: Vec<Look>,
        cards: Vec<(Card, Point)>,
        painter: &mut Painter,
    ) -> Result<Option<VideoFrame>, PixelError> {
        if self.scene.as_ref().is_none_or(|scene| !Arc::ptr_eq(scene, stage.scene())) {
            self.clear();
            (self.scene, self.looks) = (Some(stage.scene().clone()), stage.unseen());
        }
        let rect = |(card, at): &(Card, Point)| card.place(*at).intersect(self.size.rect()).to_even();
        let lacks = |all: &[(Card, Point)], (card, at): &(Card, Point)| !all.iter().any(|(other, place)| place == at && card.is(other));
        let (gone, come) = (self.cards.iter().filter(|card| lacks(&cards, card)), cards.iter().filter(|card| lacks(&self.cards, card)));
        let moved = stage.scene().changes(&self.looks, &looks);
        let changed = apart(moved.into_iter().chain(gone.chain(come).map(rect)));
        for rect in &changed {
            painter.paint(stage.scene(), &looks, *rect, &mut self.pixels);
            for (card, at) in &cards {
                self.lay(card, *at, *rect);
            }
        }
        let seen = stage.scene().seen(&looks).into_iter().chain(cards.iter().map(rect));
        // The chroma sample to the right of an edge shares its last column.
        let grown = |rect: Rect| Rect { width: rect.width + 2, ..rect }.intersect(self.size.rect());
        self.parts = apart(seen.map(grown));
        (self.looks, self.cards) = (looks, cards);
        self.changed.extend(changed);
        if self.parts.is_empty() { Ok(None) } else { self.layer().map(Some) }
    }

    /// Shows nothing.
    fn clear(&mut self) {
        let width = self.size.width as usize * 4;
        for part in &self.parts {
            for row in self.pixels.data_as_u8_slice_mut().chunks_exact_mut(width).skip(part.y as usize).take(part.height as usize) {
                row[part.x as usize * 4..][..part.width as usize * 4].fill(0);
            }
        }
        self.changed.append(&mut self.parts);
        self.looks.clear();
        self.cards.clear();
    }

    /// Draws the part of a card that lies in a rectangle.
    fn lay(&mut self, card: &Card, at: Point, within: Rect) {
        let (place, width) = (card.place(at), self.size.width as usize * 4);
        let part = place.intersect(within);
        let rows = self.pixels.data_as_u8_slice_mut().chunks_exact_mut(width).skip(part.y as usize).take(part.height as usize);
        for (y, row) in (part.y - at.y..).zip(rows) {
            let from = (y as usize * place.width as usize + (part.x - at.x) as usize) * 4;
            let length = part.width as usize * 4;
            over(&mut row[part.x as usize * 4..][..length], &card.pixels()[from..from + length]);
        }
    }

    /// The pixels as a layer. A buffer that still shows one of the last layers lacks what has changed since; any other is cleared first.
    fn layer(&mut self) -> Result<VideoFrame, PixelError> {
        let rgba = Rgba::new(self.pixels.data_as_u8_slice(), self.size, Alpha::Premultiplied)?;
        let changed = apart(std::mem::take(&mut self.changed));
        let (frame, known) = self.pool.again(PixelFormat::A420, self.size);
        let (mut frame, lacking) = match known.and_then(|id| self.sent.iter().position(|(sent, _)| *sent == id)) {
            Some(index) => {
                let since = self.sent.range(index + 1..).flat_map(|(_, changed)| changed.iter().copied());
                (frame, apart(since.chain(changed.iter().copied())))
            }
            None => {
                drop(frame);
                (self.pool.black(PixelFormat::A420, self.size), self.parts.clone())
            }
        };
        for rect in lacking {
            draw_rgba(&mut frame, rgba, rect)?;
        }
        let frame = frame.freeze();
        if self.sent.len() == SENT {
            self.sent.pop_front();
        }
        self.sent.push_back((frame.picture.id(), changed));
        Ok(VideoFrame { place: Some(Point::default()), parts: Some(self.parts.clone().into()), ..frame })
    }
}
