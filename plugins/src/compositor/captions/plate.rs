//! A caption as a picture: its letters, what parts them from the picture, and where it lies.

use crate::drawing::{Painter, Scene, TextBlock};
use crate::lesson::canvas::{Align, Canvas, Color, Content, Object, Outline, Paint, Paragraph, Run, Shape, Stroke, Style, Text};
use crate::pixels::{Alpha, Changing, PixelError, Rgba};
use engine::frame::{Point, Rect, Size, VideoFrame, apart};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::ops::Range;
use vello_cpu::Pixmap;

/// What parts the letters from the picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Look {
    /// A dark plate behind them.
    #[default]
    Plate,
    /// A dark line around each.
    Outline,
}

/// Distance from all edges, in parts of the picture: the safe area of EBU R 95.
const SAFE: f64 = 0.05;
/// From line to line, in parts of the font size: Thai and Devanagari are high.
const LINE_HEIGHT: f64 = 1.32;
/// Of the plate, in parts of the font size: its edge around the letters, and the radius of its corners.
const PADDING: (f64, f64) = (0.5, 0.14);
const RADIUS: f64 = 0.22;
const PLATE: Color = Color([14, 17, 23, 205]);
/// Of the outline, in parts of the font size: how thick it is, and its shadow's depth.
const RIM: f64 = 0.055;
const DARK: Color = Color([10, 12, 16, 255]);
const SHADOW: Color = Color([0, 0, 0, 110]);
const TRANSPARENT: Paint = Paint::Color(Color([0; 4]));
/// The highest picture in which a full line still fits, in parts of its width: 4:3.
const HIGHEST: f64 = 0.75;
/// How wide a full line is, in parts of the font size: 42 columns of letters that are rather wide.
const FULL_LINE: f64 = 42.0 * 0.6;

/// How captions look.
#[derive(Debug)]
pub(super) struct Plate {
    /// The picture that they lie on.
    pub picture: Size,
    /// Font size in pixels.
    pub size: f64,
    pub look: Look,
    pub color: Color,
    pub highlight: Option<Color>,
    pub at_top: bool,
    /// As in CSS.
    pub families: String,
}

/// A caption that is drawn, and then word by word where words are lit.
pub(super) struct Written {
    caption: String,
    /// All but the letters.
    behind: Pixmap,
    /// With them, as it was shown last.
    shown: Pixmap,
    /// It was shown.
    known: bool,
    /// Where the word is that is lit in it, and what is there while it is not.
    lit: Option<(Rect, Pixels)>,
    /// Of the letters: left, top, width and height.
    letters: [f64; 4],
    place: Point,
}

/// Those of a rectangle, row by row.
type Pixels = Vec<Vec<u8>>;

impl Written {
    /// It is this caption.
    pub fn is(&self, caption: &str) -> bool {
        self.caption == caption
    }

    /// Shows what `scene` has in a part of the picture, as far as that is something else.
    fn light(&mut self, scene: &Scene, part: Rect, painter: &mut Painter) {
        if part.is_empty() {
            return;
        }
        let mut drawn = Pixmap::new(part.width as u16, part.height as u16);
        put(&mut drawn, Size::new(part.width, part.height).rect(), rows(&self.behind, part));
        painter.over(scene, &[], part, &mut drawn);
        let rect = differing(&self.shown, &drawn, part);
        if rect.is_empty() {
            return;
        }
        let own = Rect { x: rect.x - part.x, y: rect.y - part.y, ..rect };
        self.lit = Some((rect, rows(&self.shown, rect).map(<[u8]>::to_vec).collect()));
        put(&mut self.shown, rect, rows(&drawn, own));
    }
}

/// Font size in pixels where it is this part of a picture's height. Pictures narrower than 4:3 have it from their width: in upright ones
/// lines would be broken into many, and the plate would hide half of the picture.
pub(super) fn font_size(part: f64, picture: Size) -> f64 {
    part * f64::from(picture.height).min(f64::from(picture.width) * HIGHEST)
}

impl Plate {
    /// Where captions of two full lines lie, which is as much as the speech says at a time.
    pub fn band(&self) -> Rect {
        let (lines, (across, _)) = (self.size * LINE_HEIGHT * 2.0, self.around());
        self.frame((self.size * FULL_LINE).min(at_most(self.picture.width) - 2.0 * across), lines)
    }

    /// Draws a caption. Lines that the picture is too narrow for are broken once more.
    pub fn write(&self, caption: &str, painter: &mut Painter) -> Written {
        let (text, around) = (self.text(caption, None, None), self.around());
        let widest = at_most(self.picture.width) - 2.0 * around.0;
        // Measured without a limit first: a line that fits is not broken for a rounding.
        let natural = TextBlock::lay_out(&text, 0.0).size();
        let (width, height) = if natural.0 <= widest { natural } else { (widest, TextBlock::lay_out(&text, widest).size().1) };
        let frame = self.frame(width, height);
        let (size, place) = (Size::new(frame.width, frame.height), Point { x: frame.x, y: frame.y });
        let width = width.ceil() + 1.0;
        let letters = [(f64::from(size.width) - width) / 2.0, around.1, width, height];
        let behind = painter.picture(&Scene::new(&self.behind(caption, letters, size), size), &[]);
        let mut shown = behind.clone();
        painter.over(&scene(text, letters, size), &[], size.rect(), &mut shown);
        Written { caption: caption.into(), behind, shown, known: false, lit: None, letters, place }
    }

    /// What is around the letters, at their sides and above and below them.
    fn around(&self) -> (f64, f64) {
        match self.look {
            Look::Plate => (self.size * PADDING.0, self.size * PADDING.1),
            Look::Outline => (self.size * RIM * 2.0, self.size * RIM * 2.0),
        }
    }

    /// Where letters of this width and height lie, with what is around them.
    fn frame(&self, width: f64, height: f64) -> Rect {
        let (picture, around) = (self.picture, self.around());
        let even = |length: f64| ((length / 2.0).ceil() as u32).max(1) * 2;
        let size =
            Size::new(even(width.ceil() + 1.0 + 2.0 * around.0).min(picture.width), even(height + 2.0 * around.1).min(picture.height));
        let across = (picture.width - size.width) as i32 / 2;
        let margin = (f64::from(picture.height) * SAFE).round() as i32;
        let down = if self.at_top { margin } else { picture.height as i32 - margin - size.height as i32 };
        Rect::new(Point { x: across & !1, y: down.max(0) & !1 }, size)
    }

    /// A caption as a layer, in the colour of the highlight where it is being spoken, and where it differs from the last layer of this
    /// caption. Its picture is a function of the caption and of what is being spoken, whatever was before.
    pub fn layer(
        &self,
        written: &mut Written,
        spoken: Option<Range<usize>>,
        painter: &mut Painter,
        frames: &mut Changing,
    ) -> Result<(VideoFrame, Rect), PixelError> {
        let size = Size::new(written.shown.width().into(), written.shown.height().into());
        let mut changed = Vec::new();
        if let Some((rect, pixels)) = written.lit.take() {
            put(&mut written.shown, rect, pixels.iter().map(Vec::as_slice));
            changed.push(rect);
        }
        if let (Some(spoken), Some(color)) = (spoken, self.highlight) {
            let scene = scene(self.text(&written.caption, Some(spoken), None), written.letters, size);
            written.light(&scene, scene.letters(color), painter);
            changed.extend(written.lit.as_ref().map(|(rect, _)| *rect));
        }
        let changed = if std::mem::replace(&mut written.known, true) { apart(changed) } else { vec![size.rect()] };
        let picture = Rgba::new(written.shown.data_as_u8_slice(), size, Alpha::Premultiplied)?;
        let (frame, differs) = frames.frame(picture, changed, &[size.rect()])?;
        Ok((VideoFrame { place: Some(written.place), ..frame }, differs))
    }

    /// What parts the letters from the picture.
    fn behind(&self, caption: &str, [left, top, width, height]: [f64; 4], size: Size) -> Canvas {
        let mut canvas = Canvas::new(f64::from(size.width), f64::from(size.height), TRANSPARENT);
        let mut add = |place: [f64; 4], content: Content| {
            let id = canvas.objects.len().to_string();
            canvas.objects.push(Object::new(id, place, content));
        };
        match self.look {
            Look::Plate => {
                let outline = Outline::Rectangle { radius: self.size * RADIUS };
                let plate = Shape { outline, fill: Some(Paint::Color(PLATE)), stroke: None };
                add([0.0, 0.0, f64::from(size.width), f64::from(size.height)], Content::Shape(plate));
            }
            Look::Outline => {
                let rim = (self.size * RIM).max(1.0);
                let shadow = self.text(caption, None, Some(SHADOW));
                let stroke = Some(Stroke { color: DARK, width: 2.0 * rim, dash: Vec::new() });
                let edge = Text { stroke, ..self.text(caption, None, Some(DARK)) };
                add([left, top + 1.9 * rim, width, height], Content::Text(shadow));
                add([left, top, width, height], Content::Text(edge));
            }
        }
        canvas
    }

    /// The caption's lines, each in runs of one colour; all in `color` where it is given.
    fn text(&self, caption: &str, spoken: Option<Range<usize>>, color: Option<Color>) -> Text {
        let spoken = spoken.unwrap_or(0..0);
        let weight = if self.look == Look::Outline { 600 } else { 400 };
        let run = |text: &str, letters: Color| Run {
            text: text.into(),
            style: Style { family: self.families.clone(), size: self.size, weight, color: color.unwrap_or(letters), ..Style::default() },
        };
        let mut from = 0;
        let line = |line: &str| {
            let (start, end) = (spoken.start.clamp(from, from + line.len()) - from, spoken.end.clamp(from, from + line.len()) - from);
            from += line.len() + 1;
            let parts =
                [(&line[..start], self.color), (&line[start..end], self.highlight.unwrap_or(self.color)), (&line[end..], self.color)];
            let runs = parts.into_iter().filter(|(text, _)| !text.is_empty()).map(|(text, color)| run(text, color)).collect();
            Paragraph { runs, ..Paragraph::default() }
        };
        Text { paragraphs: caption.split('\n').map(line).collect(), align: Align::Center, line_height: LINE_HEIGHT, ..Text::default() }
    }
}

/// What of a side of the picture lies in the safe area.
fn at_most(side: u32) -> f64 {
    f64::from(side) * (1.0 - 2.0 * SAFE)
}

/// The bytes of a picture in a rectangle, row by row.
fn rows(picture: &Pixmap, rect: Rect) -> impl Iterator<Item = &[u8]> {
    let (stride, left, width) = (usize::from(picture.width()) * 4, rect.x as usize * 4, rect.width as usize * 4);
    let rows = picture.data_as_u8_slice().chunks_exact(stride).skip(rect.y as usize).take(rect.height as usize);
    rows.map(move |row| &row[left..left + width])
}

/// Puts these rows of bytes into a rectangle of a picture.
fn put<'a>(picture: &mut Pixmap, rect: Rect, rows: impl Iterator<Item = &'a [u8]>) {
    let (stride, left) = (usize::from(picture.width()) * 4, rect.x as usize * 4);
    let lines = picture.data_as_u8_slice_mut().chunks_exact_mut(stride).skip(rect.y as usize);
    lines.zip(rows).for_each(|(line, row)| line[left..left + row.len()].copy_from_slice(row));
}

/// The even pixels in which a part of a picture differs from another picture of that part alone.
fn differing(picture: &Pixmap, other: &Pixmap, part: Rect) -> Rect {
    let mut found = Rect::default();
    let pairs = rows(picture, part).zip(rows(other, Rect { x: 0, y: 0, ..part }));
    for ((was, is), y) in pairs.zip(part.y..).filter(|((was, is), _)| was != is) {
        let mut pixels = was.as_chunks::<4>().0.iter().zip(is.as_chunks::<4>().0);
        let (first, last) = (pixels.clone().position(|(a, b)| a != b), pixels.rposition(|(a, b)| a != b));
        if let (Some(first), Some(last)) = (first, last) {
            found = found.union(Rect { x: part.x + first as i32, y, width: (last - first + 1) as u32, height: 1 });
        }
    }
    found.to_even()
}

/// A caption's text alone.
fn scene(text: Text, letters: [f64; 4], size: Size) -> Scene {
    let mut canvas = Canvas::new(f64::from(size.width), f64::from(size.height), TRANSPARENT);
    canvas.objects.push(Object::new("", letters, Content::Text(text)));
    Scene::new(&canvas, size)
}

/// Font families for a language: those asked for, then Noto by script, where the same characters differ by language the language's own.
pub(super) fn families(language: &str, asked: Option<&str>) -> String {
    let tag = language.to_ascii_lowercase();
    let east = match tag.split(['-', '_']).collect::<Vec<_>>()[..] {
        ["zh" | "yue", .., "hk" | "mo"] | ["yue", ..] => "HK",
        ["zh", "hant", ..] | ["zh", .., "tw"] => "TC",
        ["zh", ..] => "SC",
        ["ko", ..] => "KR",
        _ => "JP",
    };
    let own =
        format!("Noto Sans, Noto Sans Arabic, Noto Sans Hebrew, Noto Sans Devanagari, Noto Sans Thai, Noto Sans CJK {east}, sans-serif");
    asked.map_or(own.clone(), |asked| format!("{asked}, {own}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_lit_alone_looks_as_if_all_had_been_drawn_at_once() {
        const TEXT: &str = "fjord AVAfj one two\nthree fAVA four";
        for look in [Look::Plate, Look::Outline] {
            let (highlight, families) = (Some(Color::rgb(255, 216, 77)), families("en", None));
            let plate = Plate { picture: Size::new(1920, 1080), size: 54.0, look, color: Color::WHITE, highlight, at_top: false, families };
            let (mut painter, mut frames) = (Painter::default(), Changing::new());
            let mut written = plate.write(TEXT, &mut painter);
            let size = Size::new(written.shown.width().into(), written.shown.height().into());
            for word in TEXT.split_whitespace() {
                let at = TEXT.find(word).unwrap();
                let spoken = Some(at..at + word.len());
                plate.layer(&mut written, spoken.clone(), &mut painter, &mut frames).unwrap();
                assert!(written.lit.as_ref().is_some_and(|(rect, _)| rect.area() > 500), "{word}");
                let mut whole = written.behind.clone();
                painter.over(&scene(plate.text(TEXT, spoken, None), written.letters, size), &[], size.rect(), &mut whole);
                let pairs = whole.data_as_u8_slice().iter().zip(written.shown.data_as_u8_slice());
                let worst = pairs.map(|(one, other)| one.abs_diff(*other)).max();
                assert!(worst <= Some(2), "{look:?} {word}: {worst:?} levels");
            }
        }
    }
}
