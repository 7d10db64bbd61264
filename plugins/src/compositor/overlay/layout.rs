//! Where a slide's overlays lie and how they come and go: objects on a clear canvas as large as the picture.
//!
//! Lengths are written in pixels of a picture 1080 high, or 1080 wide where it is higher than wide. Nothing is laid over the presenter
//! unless its author puts it there.

use super::moves::{EXIT, Moves, STAY};
use super::plate::{Sheet, letters};
use crate::drawing::TextBlock;
use crate::lesson::canvas::{Align, Canvas, Color, Content, Effect, Fit, Image, Outline, Paint, Shape, Side, Text, Trigger, VerticalAlign};
use crate::lesson::{Overlay, OverlayRole, Slide, image_size};
use engine::cue::Anchor;
use engine::frame::{Rect, Size};
use engine::time::Time;
use std::ops::Range;

/// A slide's overlays, ready to be drawn.
pub(super) struct Layout {
    pub canvas: Canvas,
    /// Where the objects of each overlay begin.
    pub starts: Vec<usize>,
    /// Marks of origin are drawn elsewhere: their places among the slide's overlays, and the objects that stand for them here.
    pub marks: Vec<(usize, usize)>,
}

/// Distance from the edges of the picture: of the column of bullets, of texts and pictures, and of lower thirds from the bottom, where
/// captions are.
const COLUMN_MARGIN: f64 = 24.0;
const MARGIN: f64 = 50.0;
const LOWER_THIRD: f64 = 150.0;
/// Between two of them.
const GAP: f64 = 14.0;
/// From the presenter: more than a plate's shadow reaches below it.
const CLEAR: f64 = 20.0;
/// The column of bullets takes so much of the width.
const COLUMN: f64 = 0.25;
/// In a picture that is higher than wide, bullets lie in this part of its height, from the top.
const BAND: f64 = 0.34;
/// Sizes of letters of bullets: as large as fits. The first ones are tried in every column before the smaller ones.
const SIZES: [f64; 2] = [28.0, 24.0];
const SMALLER: [f64; 6] = [21.0, 19.0, 17.0, 15.0, 13.0, 11.0];
/// They are larger in pictures that are higher than wide: those are seen on telephones.
const UPRIGHT: f64 = 1.4;
/// Sizes of other letters.
const TEXT: f64 = 44.0;
const NAME: f64 = 46.0;
const DETAIL: f64 = 30.0;
/// The widest that a text may be, in parts of the picture's width.
const WIDEST: f64 = 0.6;
/// Height of a picture that does not say it, in parts of the slide's.
const PICTURE: f64 = 1.0 / 3.0;

const WHITE: Color = Color::rgb(0xf7, 0xf9, 0xfc);
const QUIET: Color = Color::rgb(0xc3, 0xcd, 0xdd);
pub(super) const ACCENT: Color = Color::rgb(0xff, 0xc4, 0x4d);
const ON_ACCENT: Color = Color::rgb(0x14, 0x1a, 0x28);

/// An area, in pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Area {
    pub x: f64,
    pub y: f64,
    pub width: f64,
    pub height: f64,
}

impl Area {
    fn of(rect: Rect) -> Area {
        Area { x: f64::from(rect.x), y: f64::from(rect.y), width: f64::from(rect.width), height: f64::from(rect.height) }
    }

    fn meets(&self, other: &Area) -> bool {
        self.x < other.x + other.width && other.x < self.x + self.width && self.y < other.y + other.height && other.y < self.y + self.height
    }
}

/// Lays out the overlays of a slide in pictures of `picture`; the presenter stands in `presenter`, and captions lie in `captions`.
pub(super) fn lay_out(slide: &Slide, picture: Size, presenter: Option<Rect>, captions: Option<Rect>) -> Layout {
    let triggers = slide.triggers();
    let (width, height) = (f64::from(picture.width), f64::from(picture.height));
    let (presenter, captions) = (presenter.map(Area::of), captions.map(Area::of));
    let mut stage = Stage { sheet: Sheet::new(width, height), width, height, unit: width.min(height) / 1080.0, presenter, captions };
    let all = || slide.overlays.iter().zip(&triggers);
    stage.bullets(all().filter(|(overlay, _)| overlay.role == OverlayRole::Bullet).collect());
    stage.boxes(all().collect());
    let mut marks = Vec::new();
    for (index, (overlay, trigger)) in all().enumerate().filter(|(_, (overlay, _))| overlay.role == OverlayRole::Watermark) {
        let moves = Moves::of(overlay, trigger).animations(Effect::Appear);
        // Nothing to be seen: the mark itself lies with the other marks.
        let nothing = Shape { outline: Outline::Line, fill: None, stroke: None };
        stage.sheet.begin();
        marks.push((index, stage.sheet.add([0.0; 4], Content::Shape(nothing), moves)));
    }
    let Sheet { canvas, starts } = stage.sheet;
    Layout { canvas, starts, marks }
}

/// What is laid out so far, and what must be known for it.
struct Stage {
    sheet: Sheet,
    width: f64,
    height: f64,
    /// The length of a pixel of a picture 1080 high.
    unit: f64,
    presenter: Option<Area>,
    /// Where captions lie over all this, where they do.
    captions: Option<Area>,
}

/// A box that keeps clear of others while they are there.
struct Placed {
    anchor: Anchor,
    area: Area,
    from: Time,
    until: Time,
}

impl Stage {
    /// The lower and the upper corner that are away from the presenter.
    fn corners(&self) -> (Anchor, Anchor) {
        let left = self.presenter.is_some_and(|area| area.x + area.width / 2.0 < self.width / 2.0);
        if left { (Anchor::BottomRight, Anchor::TopRight) } else { (Anchor::BottomLeft, Anchor::TopLeft) }
    }

    /// Numbered, one below the other, each on a plate of its own.
    fn bullets(&mut self, bullets: Vec<(&Overlay, &Trigger)>) {
        if bullets.is_empty() {
            return;
        }
        let texts: Vec<&str> = bullets.iter().map(|(overlay, _)| overlay.text.as_str()).collect();
        let (area, size) = self.column(&texts);
        let heights: Vec<f64> = texts.iter().map(|text| card_height(text, area.width, size)).collect();
        let gap = GAP * self.unit;
        let total: f64 = heights.iter().map(|height| height + gap).sum::<f64>() - gap;
        let mut y = area.y + ((area.height - total) / 2.0).max(0.0);
        let from = if area.x > self.width / 2.0 { Side::Right } else { Side::Left };
        for (index, ((overlay, trigger), height)) in bullets.into_iter().zip(heights).enumerate() {
            let moves = Moves::of(overlay, trigger).animations(Effect::Float(from));
            let card = [area.x, y, area.width, height];
            self.sheet.begin();
            self.sheet.plate(card, size * 0.42, self.unit, &moves);
            let badge = size * BADGE;
            let [left, top] = [area.x + size * PAD, y + (height - badge) / 2.0];
            let disc = Shape { outline: Outline::Ellipse, fill: Some(Paint::Color(ACCENT)), stroke: None };
            self.sheet.add([left, top, badge, badge], Content::Shape(disc), moves.clone());
            let number = letters(&(index + 1).to_string(), size * 0.8, 700, ON_ACCENT);
            let number = Text { align: Align::Center, anchor: VerticalAlign::Middle, ..number };
            self.sheet.add([left, top, badge, badge], Content::Text(number), moves.clone());
            let text = Text { anchor: VerticalAlign::Middle, ..bullet(&overlay.text, size) };
            let inset = size * (2.0 * PAD + BADGE);
            self.sheet.add([area.x + inset, y, text_width(area.width, size), height], Content::Text(text), moves);
            y += height + gap;
        }
    }

    /// The column for these bullets, and the size of their letters.
    fn column(&self, texts: &[&str]) -> (Area, f64) {
        let fits = |area: &Area, size: f64| {
            let heights = texts.iter().map(|text| card_height(text, area.width, size) + GAP * self.unit);
            heights.sum::<f64>() - GAP * self.unit <= area.height
        };
        let margin = COLUMN_MARGIN * self.unit;
        let upright = self.height > self.width;
        let columns: Vec<Area> = if upright {
            vec![Area { x: 2.0 * margin, y: 2.0 * margin, width: self.width - 4.0 * margin, height: self.height * BAND - 3.0 * margin }]
        } else {
            let width = self.width * COLUMN - margin;
            [self.width * (1.0 - COLUMN), margin].map(|x| self.above_presenter(x, width, margin)).to_vec()
        };
        let scale = self.unit * if upright { UPRIGHT } else { 1.0 };
        for area in &columns {
            if let Some(size) = SIZES.iter().map(|size| size * scale).find(|size| fits(area, *size)) {
                return (*area, size);
            }
        }
        let roomiest = columns.iter().rev().copied().max_by(|a, b| a.height.total_cmp(&b.height)).unwrap_or(columns[0]);
        let size = SMALLER.iter().map(|size| size * scale).find(|size| fits(&roomiest, *size));
        (roomiest, size.unwrap_or(SMALLER[SMALLER.len() - 1] * scale))
    }

    /// A column from the top down to the presenter, where one stands in it, and to captions.
    fn above_presenter(&self, x: f64, width: f64, margin: f64) -> Area {
        let area = Area { x, y: margin, width, height: self.height - 2.0 * margin };
        let above = |area: Area, other: &Area| Area { height: area.height.min((other.y - CLEAR * self.unit - margin).max(0.0)), ..area };
        self.presenter.iter().chain(&self.captions).filter(|other| other.meets(&area)).fold(area, above)
    }

    /// Texts, lower thirds and pictures, each in its corner; those that are there together keep clear of each other.
    fn boxes(&mut self, overlays: Vec<(&Overlay, &Trigger)>) {
        let mut placed: Vec<Placed> = Vec::new();
        let (bottom, top) = self.corners();
        let (mut sized, mut later): (Vec<_>, Vec<_>) = overlays
            .into_iter()
            .filter_map(|(overlay, trigger)| {
                let (width, height) = self.size(overlay)?;
                let own = if overlay.role == OverlayRole::Picture { top } else { bottom };
                Some((overlay, trigger, width, height, overlay.anchor.unwrap_or(own)))
            })
            .partition(|(.., anchor)| !matches!(anchor, Anchor::BottomLeft | Anchor::Bottom | Anchor::BottomRight));
        // At the bottom the last one is the lowest.
        later.reverse();
        sized.extend(later);
        for (overlay, trigger, width, height, anchor) in sized {
            let until = overlay.until.unwrap_or(match overlay.role {
                OverlayRole::LowerThird if !matches!(trigger, Trigger::Word { .. }) => overlay.earliest() + STAY + EXIT,
                _ => Time::MAX,
            });
            let area = self.free(overlay, anchor, (width, height), (overlay.earliest(), until), &placed);
            placed.push(Placed { anchor, area, from: overlay.earliest(), until });
            let moves = Moves::of(overlay, trigger);
            self.sheet.begin();
            match overlay.role {
                OverlayRole::Text => self.note(overlay, area, anchor, &moves),
                OverlayRole::LowerThird => self.lower_third(overlay, area, anchor, &moves),
                OverlayRole::Picture => self.picture(overlay, area, &moves),
                OverlayRole::Bullet | OverlayRole::Watermark => {}
            }
        }
    }

    /// Width and height of what lies in a box.
    fn size(&self, overlay: &Overlay) -> Option<(f64, f64)> {
        let (unit, widest) = (self.unit, self.width * WIDEST);
        let lines = |text: &str, size: f64, weight: u16| {
            let text = letters(text, size, weight, WHITE);
            // Measured without a limit first: a line that fits is not broken for a rounding.
            let natural = TextBlock::lay_out(&text, 0.0).size();
            let (width, height) = if natural.0 <= widest { natural } else { TextBlock::lay_out(&text, widest).size() };
            (width.ceil() + 1.0, height)
        };
        match overlay.role {
            OverlayRole::Text => {
                let (width, height) = lines(&overlay.text, TEXT * unit, 400);
                Some((width + 1.3 * TEXT * unit, height + 0.7 * TEXT * unit))
            }
            OverlayRole::LowerThird => {
                let (name, detail) = (lines(&overlay.text, NAME * unit, 700), lines(&overlay.detail, DETAIL * unit, 400));
                let below = if overlay.detail.trim().is_empty() { 0.0 } else { detail.1 };
                Some((name.0.max(detail.0) + unit * 2.0 * SIDE_PAD, name.1 + below + unit * 2.0 * TOP_PAD))
            }
            OverlayRole::Picture => {
                let (width, height) = overlay.file.as_ref().and_then(|file| image_size(&file.path).ok()).unwrap_or((1, 1));
                let high = overlay.height.unwrap_or(PICTURE) * self.height;
                let fit = (high / f64::from(height.max(1))).min(self.width * 0.9 / f64::from(width.max(1)));
                Some((f64::from(width) * fit, f64::from(height) * fit))
            }
            OverlayRole::Bullet | OverlayRole::Watermark => None,
        }
    }

    /// A place at an anchor, clear of those that are there at the same time, at the bottom of captions and, where its author has not put it
    /// there, of the presenter.
    fn free(&self, overlay: &Overlay, anchor: Anchor, (width, height): (f64, f64), (from, until): (Time, Time), placed: &[Placed]) -> Area {
        let (margin, gap, clear) = (MARGIN * self.unit, GAP * self.unit, CLEAR * self.unit);
        let together = |other: &&Placed| other.anchor == anchor && other.from < until && from < other.until;
        let others = || placed.iter().filter(together).map(|other| other.area);
        let x = match anchor {
            Anchor::TopLeft | Anchor::Left | Anchor::BottomLeft => margin,
            Anchor::Top | Anchor::Center | Anchor::Bottom => (self.width - width) / 2.0,
            Anchor::TopRight | Anchor::Right | Anchor::BottomRight => self.width - margin - width,
        };
        let below = |start: f64| others().map(|area| area.y + area.height + gap).fold(start, f64::max);
        let y = match anchor {
            Anchor::TopLeft | Anchor::Top | Anchor::TopRight => below(margin),
            Anchor::Left | Anchor::Center | Anchor::Right => below((self.height - height) / 2.0),
            Anchor::BottomLeft | Anchor::Bottom | Anchor::BottomRight => {
                let lowest = if overlay.role == OverlayRole::LowerThird { LOWER_THIRD * self.unit } else { margin };
                others().map(|area| area.y - gap).fold(self.height - lowest, f64::min) - height
            }
        };
        let area = Area { x, y, width, height };
        let at_bottom = matches!(anchor, Anchor::BottomLeft | Anchor::Bottom | Anchor::BottomRight);
        let area = match self.captions.filter(|captions| at_bottom && captions.meets(&area)) {
            Some(captions) if captions.y - clear - height > 0.0 => Area { y: captions.y - clear - height, ..area },
            _ => area,
        };
        match self.presenter.filter(|presenter| overlay.anchor.is_none() && presenter.meets(&area)) {
            Some(presenter) if presenter.y - clear - height > 0.0 => Area { y: presenter.y - clear - height, ..area },
            _ => area,
        }
    }

    fn note(&mut self, overlay: &Overlay, area: Area, anchor: Anchor, moves: &Moves) {
        let from = match anchor {
            Anchor::TopLeft | Anchor::Top | Anchor::TopRight => Side::Top,
            _ => Side::Bottom,
        };
        let (size, moves) = (TEXT * self.unit, moves.animations(Effect::Float(from)));
        self.sheet.plate([area.x, area.y, area.width, area.height], size * 0.32, self.unit, &moves);
        let align = if matches!(anchor, Anchor::Top | Anchor::Center | Anchor::Bottom) { Align::Center } else { Align::Start };
        let text = Text { align, anchor: VerticalAlign::Middle, ..letters(&overlay.text, size, 400, WHITE) };
        let pad = 0.65 * size;
        self.sheet.add([area.x + pad, area.y, area.width - 2.0 * pad, area.height], Content::Text(text), moves);
    }

    /// A bar, then a plate that grows out of it, then name and detail; and in turn back, so that no letters are left outside of the plate.
    fn lower_third(&mut self, overlay: &Overlay, area: Area, anchor: Anchor, moves: &Moves) {
        let right = matches!(anchor, Anchor::TopRight | Anchor::Right | Anchor::BottomRight);
        let side = if right { Side::Right } else { Side::Left };
        let unit = self.unit;
        let step = |after: i64, comes: Effect, goes: Effect, when: Range<i64>| moves.in_turn((comes, after), (goes, when));
        let (wipe, rise) = (Effect::Wipe(side), Effect::Wipe(Side::Bottom));
        self.sheet.plate([area.x, area.y, area.width, area.height], 6.0 * unit, unit, &step(120, wipe, wipe, 30..80));
        let bar = 8.0 * unit;
        let left = if right { area.x + area.width - bar } else { area.x };
        let accent = Shape { outline: Outline::Rectangle { radius: bar / 2.0 }, fill: Some(Paint::Color(ACCENT)), stroke: None };
        self.sheet.add([left, area.y, bar, area.height], Content::Shape(accent), step(0, rise, rise, 75..100));
        let align = if right { Align::Right } else { Align::Left };
        let inner =
            [area.x + SIDE_PAD * unit, area.y + TOP_PAD * unit, area.width - 2.0 * SIDE_PAD * unit, area.height - 2.0 * TOP_PAD * unit];
        let name = Text { align, ..letters(&overlay.text, NAME * unit, 700, WHITE) };
        self.sheet.add(inner, Content::Text(name), step(240, Effect::Float(side), Effect::Fade, 0..40));
        if !overlay.detail.trim().is_empty() {
            let detail = Text { align, anchor: VerticalAlign::Bottom, ..letters(&overlay.detail, DETAIL * unit, 400, QUIET) };
            self.sheet.add(inner, Content::Text(detail), step(340, Effect::Float(side), Effect::Fade, 0..40));
        }
    }

    fn picture(&mut self, overlay: &Overlay, area: Area, moves: &Moves) {
        if let Some(file) = overlay.file.clone() {
            let moves = moves.animations(Effect::Float(Side::Bottom));
            let image = Image { file, fit: Fit::Contain, radius: 10.0 * self.unit };
            self.sheet.add([area.x, area.y, area.width, area.height], Content::Image(image), moves);
        }
    }
}

/// Around name and detail of a lower third.
const SIDE_PAD: f64 = 34.0;
const TOP_PAD: f64 = 18.0;
/// In parts of the letters' size: around what is on a bullet's plate, and the disc behind its number.
const PAD: f64 = 0.6;
const BADGE: f64 = 1.45;

/// What of the width of a bullet's plate is its text's.
fn text_width(width: f64, size: f64) -> f64 {
    width - size * (3.0 * PAD + BADGE)
}

fn bullet(text: &str, size: f64) -> Text {
    letters(text, size, 400, WHITE)
}

fn card_height(text: &str, width: f64, size: f64) -> f64 {
    let (_, height) = TextBlock::lay_out(&bullet(text, size), text_width(width, size).max(1.0)).size();
    height.max(size * BADGE) + size * 2.0 * PAD
}

#[cfg(test)]
#[path = "layout_tests.rs"]
mod tests;
