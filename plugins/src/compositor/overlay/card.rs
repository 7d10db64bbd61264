//! Small pictures, marks as such, and where they lie.

use super::HEIGHT;
use crate::drawing::{Painter, Scene, TextBlock};
use crate::lesson::canvas::{Align, Canvas, Color, Content, Object, Paint, Paragraph, Run, Style, Text};
use crate::pixels::premultiplied::{self, scaled};
use crate::pixels::simd::vectorised;
use crate::pixels::{Alpha, Patch, PixelError, rgba_to_a420};
use engine::cue::Anchor;
use engine::frame::{Point, Rect, Size, VideoFrame};
use engine::pool::Pool;
use std::sync::{Arc, OnceLock};

/// A small picture: premultiplied RGBA.
#[derive(Clone)]
pub(super) struct Card {
    size: Size,
    pixels: Arc<Vec<u8>>,
    /// The same converted, for places whose column and row are even, or one of them odd, or both.
    converted: Arc<[OnceLock<VideoFrame>; 4]>,
}

/// How the text of a mark looks: its letters have a dark rim.
#[derive(Clone, Copy)]
pub(super) struct TextLook {
    /// Font size, in pixels of a picture 1080 high.
    pub size: u32,
    pub color: Color,
    pub opacity: f64,
}

/// The widest a text may be, in parts of the picture's width.
const WIDEST: f64 = 0.6;
/// The rim of letters, in parts of the font size.
const RIM: f64 = 0.045;
const WEIGHT: u16 = 600;
/// The rim's colour.
const DARK: Color = Color([0, 0, 0, 110]);
const TRANSPARENT: Paint = Paint::Color(Color([0; 4]));

impl Card {
    /// From premultiplied RGBA of this size, all of it seen through by as much as `opacity` leaves.
    pub(super) fn new(size: Size, mut pixels: Vec<u8>, opacity: f64) -> Card {
        if opacity < 1.0 {
            pixels.iter_mut().for_each(|value| *value = (f64::from(*value) * opacity).round() as u8);
        }
        Card { size, pixels: pixels.into(), converted: Arc::default() }
    }

    pub(super) fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// The card converted as it lies here, and the even place of that picture: chroma samples lie on even pixels. Around it are the columns
    /// whose samples share its first one and its last one.
    fn converted(&self, at: Point) -> (&VideoFrame, Point) {
        const AROUND: i32 = 2;
        let (x, y) = (at.x & 1, at.y & 1);
        let frame = self.converted[(2 * y + x) as usize].get_or_init(|| {
            let even = |side: u32, odd: i32| (side + odd as u32).next_multiple_of(2);
            let size = Size::new(even(self.size.width, x) + 2 * AROUND as u32, even(self.size.height, y));
            let mut pixels = vec![0; size.area() as usize * 4];
            Piece::whole(self.clone(), Point { x: x + AROUND, y }).lay(&mut pixels, size.width, size.rect());
            rgba_to_a420(&pixels, size, Alpha::Premultiplied, &Pool::new()).expect("even sides, and as many pixels")
        });
        (frame, Point { x: at.x - x - AROUND, y: at.y - y })
    }

    /// All of it, with its top left corner here.
    pub(super) fn place(&self, at: Point) -> Rect {
        Rect::new(at, self.size)
    }
}

/// A card in the picture.
#[derive(Clone)]
pub(super) struct Piece {
    pub card: Card,
    pub at: Point,
    /// 0 (not seen) to 255.
    pub opacity: u8,
    /// What is seen of it, in the picture.
    pub seen: Rect,
}

impl Piece {
    /// All of a card.
    pub fn whole(card: Card, at: Point) -> Piece {
        Piece { opacity: 255, seen: card.place(at), card, at }
    }

    /// The same elsewhere.
    pub fn moved(&self, x: i32, y: i32) -> Piece {
        let at = Point { x: self.at.x + x, y: self.at.y + y };
        Piece { at, seen: Rect { x: self.seen.x + x, y: self.seen.y + y, ..self.seen }, ..self.clone() }
    }

    /// Where these do not show the same of its card: one that is wiped in or out shows more or less of it.
    pub fn beyond(&self, others: &[Piece]) -> [Rect; 4] {
        let pose = |piece: &Piece| (piece.at, piece.opacity);
        let is_same = |other: &&Piece| Arc::ptr_eq(&self.card.pixels, &other.card.pixels) && pose(self) == pose(other);
        self.seen.without(others.iter().find(is_same).map_or(Rect::default(), |other| other.seen))
    }

    /// The same converted.
    pub fn patch(&self) -> Patch<'_> {
        let (picture, at) = self.card.converted(self.at);
        Patch { picture, at, seen: self.seen.intersect(self.card.place(self.at)), opacity: self.opacity }
    }

    /// Lays what of it lies in a rectangle over premultiplied RGBA with rows of `width` pixels.
    pub fn lay(&self, below: &mut [u8], width: u32, within: Rect) {
        let part = self.seen.intersect(self.card.place(self.at)).intersect(within);
        let length = part.width as usize * 4;
        for y in 0..part.height as i32 {
            let from = ((part.y + y - self.at.y) as usize * self.card.size.width as usize + (part.x - self.at.x) as usize) * 4;
            let to = ((part.y + y) as usize * width as usize + part.x as usize) * 4;
            over(&mut below[to..to + length], &self.card.pixels[from..from + length], self.opacity);
        }
    }
}

impl TextLook {
    /// A text in this look, for pictures of `picture`. Longer ones are broken into lines.
    pub(super) fn card(&self, text: &str, picture: Size) -> Result<Card, PixelError> {
        let size = f64::from(self.size) * f64::from(picture.height) / f64::from(HEIGHT);
        let styled = |color: Color| Text {
            paragraphs: text.trim().lines().map(|line| self.line(line, size, color)).collect(),
            align: Align::Start,
            line_height: 1.2,
            ..Text::default()
        };
        let widest = f64::from(picture.width) * WIDEST;
        let plain = styled(self.color);
        // Measured without a limit first: a line that fits is not broken for a rounding.
        let natural = TextBlock::lay_out(&plain, 0.0).size();
        let (width, height) = if natural.0 <= widest { natural } else { TextBlock::lay_out(&plain, widest).size() };
        let around = (size * RIM * 2.0).max(1.0);
        let even = |length: f64| ((length / 2.0).ceil() as u32).max(1) * 2;
        let frame = Size::new(even(width.ceil() + 1.0 + 2.0 * around), even(height + 2.0 * around));
        let mut canvas = Canvas::new(f64::from(frame.width), f64::from(frame.height), TRANSPARENT);
        let mut add = |dx: f64, dy: f64, content: Content| {
            let id = canvas.objects.len().to_string();
            let place = [around + dx, around + dy, width.ceil() + 1.0, height];
            canvas.objects.push(Object::new(id, place, content));
        };
        let rim = (size * RIM).max(0.5);
        for (dx, dy) in [(-1.0, -1.0), (1.0, -1.0), (-1.0, 1.0), (1.0, 1.0), (0.0, 1.6)] {
            add(dx * rim, dy * rim, Content::Text(styled(DARK)));
        }
        add(0.0, 0.0, Content::Text(plain));
        let pixels = Painter::default().picture(&Scene::new(&canvas, frame), &[]);
        Ok(Card::new(frame, pixels.data_as_u8_slice().to_vec(), self.opacity))
    }

    fn line(&self, line: &str, size: f64, color: Color) -> Paragraph {
        let style = Style { size, weight: WEIGHT, color, ..Style::default() };
        Paragraph { runs: vec![Run { text: line.trim().into(), style }], ..Paragraph::default() }
    }
}

/// Cards above each other at a corner, an edge or in the middle.
pub(super) struct Stack {
    anchor: Anchor,
    margin: i32,
    picture: Size,
    /// What covers marks, and who is not to be covered by them.
    captions: Option<Rect>,
    presenter: Option<Rect>,
    cards: Vec<Card>,
}

impl Stack {
    /// `margin` counts in pixels of a picture 1080 high.
    pub(super) fn new(anchor: Anchor, margin: u32, picture: Size) -> Stack {
        let margin = (u64::from(margin) * u64::from(picture.height) / u64::from(HEIGHT)) as i32;
        Stack { anchor, margin, picture, captions: None, presenter: None, cards: Vec::new() }
    }

    /// At the bottom they stand above captions that would cover them, unless they would hide the presenter's face there.
    pub(super) fn clear_of(self, captions: Option<Rect>, presenter: Option<Rect>) -> Stack {
        Stack { captions, presenter, ..self }
    }

    /// Adds one below the others.
    pub(super) fn push(&mut self, card: Card) {
        self.cards.push(card);
    }

    /// Each card with its top left corner, which is even.
    pub(super) fn placed(self) -> impl Iterator<Item = (Card, Point)> {
        let Stack { anchor, margin, picture, captions, presenter, cards } = self;
        let gap = margin / 4;
        let (width, height) = (picture.width as i32, picture.height as i32);
        let all: i32 = cards.iter().map(|card| card.size.height as i32 + gap).sum::<i32>() - gap;
        let mut y = match anchor {
            Anchor::TopLeft | Anchor::Top | Anchor::TopRight => margin,
            Anchor::Left | Anchor::Center | Anchor::Right => (height - all) / 2,
            Anchor::BottomLeft | Anchor::Bottom | Anchor::BottomRight => height - margin - all,
        };
        let left = move |card: u32| match anchor {
            Anchor::TopLeft | Anchor::Left | Anchor::BottomLeft => margin,
            Anchor::Top | Anchor::Center | Anchor::Bottom => (width - card as i32) / 2,
            Anchor::TopRight | Anchor::Right | Anchor::BottomRight => width - card as i32 - margin,
        };
        let at_bottom = matches!(anchor, Anchor::BottomLeft | Anchor::Bottom | Anchor::BottomRight);
        let widest = cards.iter().map(|card| card.size.width).max().unwrap_or_default();
        let area = Rect { x: left(widest), y, width: widest, height: all.max(0) as u32 };
        if let Some(captions) = captions.filter(|captions| at_bottom && !captions.intersect(area).is_empty()) {
            let above = Rect { y: captions.y - gap - all, ..area };
            let hides = presenter.is_some_and(|presenter| !presenter.intersect(above).is_empty());
            y = if hides || above.y < 0 { y } else { above.y };
        }
        cards.into_iter().map(move |card| {
            let at = Point { x: left(card.size.width) & !1, y: y & !1 };
            y += card.size.height as i32 + gap;
            (card, at)
        })
    }
}

/// The smallest layer that shows all these cards, the first one at the back; nothing where none lies in the picture.
pub(super) fn layer(pieces: &[Piece], picture: Size, pool: &Pool) -> Result<Option<VideoFrame>, PixelError> {
    let area = pieces.iter().map(|piece| piece.seen.intersect(picture.rect())).fold(Rect::default(), Rect::union);
    if area.is_empty() {
        return Ok(None);
    }
    let size = Size::new(area.width, area.height);
    let mut pixels = vec![0; size.area() as usize * 4];
    for piece in pieces {
        piece.moved(-area.x, -area.y).lay(&mut pixels, size.width, size.rect());
    }
    let frame = rgba_to_a420(&pixels, size, Alpha::Premultiplied, pool)?;
    Ok(Some(VideoFrame { place: Some(Point { x: area.x, y: area.y }), ..frame }))
}

vectorised! {
    /// Premultiplied pixels over others, seen through by as much as `opacity` of 255 leaves.
    fn over(below: &mut [u8], above: &[u8], opacity: u8) {
        let opacity = u32::from(opacity);
        for (below, above) in below.as_chunks_mut::<4>().0.iter_mut().zip(above.as_chunks::<4>().0) {
            let above = u32::from_le_bytes(*above);
            let pixel = premultiplied::over(u32::from_le_bytes(*below), scaled(above, opacity), scaled(above >> 8, opacity));
            *below = pixel.to_le_bytes();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_lie_over_others_as_by_the_textbook() {
        for step in 0..4000_u32 {
            let noise = |n: u32| (step * 97 + n).wrapping_mul(0x9e37_79b9).rotate_left(13).wrapping_mul(0x85eb_ca6b);
            let premultiplied = |n: u32| {
                let (color, alpha) = (noise(n).to_le_bytes(), [0, 255, (noise(n + 9) >> 24) as u8][(step % 3) as usize]);
                [0, 1, 2, 3].map(|c| if c == 3 { alpha } else { (u16::from(color[c]) * u16::from(alpha) / 255) as u8 })
            };
            let (ground, above, opacity) =
                (premultiplied(1), premultiplied(50), [255, 0, (noise(80) >> 24) as u8][(step / 3 % 3) as usize]);
            let mut shown = ground;
            over(&mut shown, &above, opacity);
            let opacity = f64::from(opacity) / 255.0;
            for c in 0..4 {
                let expected = f64::from(above[c]) * opacity + f64::from(ground[c]) * (1.0 - f64::from(above[3]) / 255.0 * opacity);
                assert!((f64::from(shown[c]) - expected).abs() <= 1.5, "{ground:?} {above:?} {opacity}: {shown:?}");
                assert!(shown[c] <= shown[3], "{shown:?} is not premultiplied");
            }
        }
    }
}
