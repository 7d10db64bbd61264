//! Text laid out: shaped, broken into lines, aligned; from either side, in any script that the machine has a font for.

use super::fonts::{Fonts, families, fonts};
use crate::lesson::canvas::{Align, Paragraph, Stroke, Style, Text};
use parley::{
    Alignment, AlignmentOptions, FontFamily, FontStyle, FontWeight, Layout, LineHeight, OverflowWrap, PositionedLayoutItem, StyleProperty,
};
use std::ops::Range;
use vello_cpu::Glyph;
use vello_cpu::kurbo::Rect;
use vello_cpu::peniko::FontData;

/// The space between a marker and its paragraph, in parts of the font size.
const MARKER_GAP: f64 = 0.5;
/// The least indent of a paragraph with a marker, in parts of the font size.
const MARKER_INDENT: f64 = 1.2;
/// How far glyphs may reach out of the box of their line, in parts of the font size: tall accents, slanted ends.
const REACH: f64 = 0.35;

/// A text in its lines, in the unit of its font sizes, from the top left corner of its box.
#[derive(Clone, Debug, Default)]
pub struct TextBlock {
    pub(super) runs: Vec<GlyphRun>,
    /// Around all glyphs, under them.
    pub(super) stroke: Option<Stroke>,
    /// Lines under and through text.
    pub(super) bars: Vec<(Rect, [u8; 4])>,
    width: f64,
    height: f64,
    /// All that may be drawn lies in here.
    pub(super) reach: Rect,
}

/// Glyphs of one font and style.
#[derive(Clone, Debug)]
pub(super) struct GlyphRun {
    pub font: FontData,
    pub size: f32,
    /// Of a variable font.
    pub coords: Vec<i16>,
    /// The font has no bold face.
    pub embolden: bool,
    /// The font has no slanted face: degrees.
    pub skew: Option<f32>,
    pub color: [u8; 4],
    pub glyphs: Vec<Glyph>,
    /// All that they may draw lies in here.
    pub reach: Rect,
}

impl TextBlock {
    /// Lays `text` out in lines of at most `width`; 0: lines end where the text says so.
    pub fn lay_out(text: &Text, width: f64) -> TextBlock {
        let fonts = &mut *fonts();
        // A line of no width would be drawn as a hairline.
        let stroke = text.stroke.clone().filter(|stroke| stroke.width > 0.0);
        let mut block = TextBlock { stroke, ..TextBlock::default() };
        let limit = if width > 0.0 { width } else { text.paragraphs.iter().map(|p| natural_width(fonts, text, p)).fold(0.0, f64::max) };
        for (index, paragraph) in text.paragraphs.iter().enumerate() {
            if index > 0 {
                block.height += paragraph.space_before;
            }
            block.paragraph(fonts, text, paragraph, limit);
        }
        block
    }

    /// Width of the widest line and height of all lines.
    pub fn size(&self) -> (f64, f64) {
        (self.width, self.height)
    }

    fn paragraph(&mut self, fonts: &mut Fonts, text: &Text, paragraph: &Paragraph, limit: f64) {
        let (marker, indent) = marker(fonts, text, paragraph);
        let alignment = match text.align {
            Align::Start => Alignment::Start,
            Align::Center => Alignment::Center,
            Align::End => Alignment::End,
            Align::Left => Alignment::Left,
            Align::Right => Alignment::Right,
            Align::Justify => Alignment::Justify,
        };
        let mut layout = layout(fonts, text, paragraph);
        let is_rtl = layout.is_rtl();
        let room = (limit - indent).max(1.0);
        layout.break_all_lines(Some(room as f32));
        layout.align(alignment, AlignmentOptions::default());
        let (left, top) = (if is_rtl { 0.0 } else { indent }, self.height);
        self.add(&layout, left, top);
        if let (Some(marker), Some(line)) = (marker, layout.get(0)) {
            let (marker_line, gap) = (marker.get(0), MARKER_GAP * first_style(paragraph).size);
            let down = f64::from(line.metrics().baseline) - marker_line.map_or(0.0, |line| f64::from(line.metrics().baseline));
            let start = left + f64::from(line.metrics().offset);
            let shown = f64::from(line.metrics().advance - line.metrics().hanging_advance);
            let x = if is_rtl { start + shown + gap } else { start - gap - f64::from(marker.width()) };
            self.add(&marker, x, top + down);
        }
        self.width = self.width.max(indent + f64::from(layout.width()));
        self.height = top + f64::from(layout.height());
    }

    fn add(&mut self, layout: &Layout<[u8; 4]>, left: f64, top: f64) {
        for line in layout.lines() {
            let metrics = line.metrics();
            for item in line.items() {
                let PositionedLayoutItem::GlyphRun(run) = item else { continue };
                let (font, style) = (run.run(), run.style());
                let (x, y) = (left + f64::from(run.offset()), top + f64::from(run.baseline()));
                let advance = f64::from(run.advance());
                let size = f64::from(font.font_size());
                let around = size * REACH + self.stroke.as_ref().map_or(0.0, |stroke| stroke.width / 2.0);
                let line_top = top + f64::from(metrics.content_block_min_coord);
                let line_bottom = top + f64::from(metrics.content_block_max_coord);
                let reach = Rect::new(x, line_top, x + advance, line_bottom).inflate(around, around);
                self.reach = if self.reach.is_zero_area() { reach } else { self.reach.union(reach) };
                let place = |glyph: parley::Glyph| Glyph { id: glyph.id, x: glyph.x + left as f32, y: glyph.y + top as f32 };
                self.runs.push(GlyphRun {
                    font: font.font().clone(),
                    size: font.font_size(),
                    coords: font.normalized_coords().iter().map(|coord| coord.to_bits()).collect(),
                    embolden: font.synthesis().embolden(),
                    skew: font.synthesis().skew(),
                    color: style.brush,
                    glyphs: run.positioned_glyphs().map(place).collect(),
                    reach,
                });
                let fm = font.font_metrics();
                let bars = [
                    style.underline.as_ref().map(|bar| (bar, fm.underline_offset, fm.underline_size)),
                    style.strikethrough.as_ref().map(|bar| (bar, fm.strikethrough_offset, fm.strikethrough_size)),
                ];
                for (bar, offset, thickness) in bars.into_iter().flatten() {
                    let y = y - f64::from(bar.offset.unwrap_or(offset));
                    let thickness = f64::from(bar.size.unwrap_or(thickness)).max(size / 24.0);
                    self.bars.push((Rect::new(x, y, x + advance, y + thickness), bar.brush));
                }
            }
        }
    }
}

/// The layout of a paragraph's marker, if it has one, and how far its lines are indented.
fn marker(fonts: &mut Fonts, text: &Text, paragraph: &Paragraph) -> (Option<Layout<[u8; 4]>>, f64) {
    let Some(marker) = paragraph.marker.as_ref().filter(|marker| !marker.is_empty()) else { return (None, paragraph.indent) };
    let style = Style { underline: false, strike: false, ..first_style(paragraph).clone() };
    let mut layout = styled(fonts, text, &clean(marker), &style, &[]);
    layout.break_all_lines(None);
    let needed = f64::from(layout.width()) + MARKER_GAP * style.size;
    let indent = if paragraph.indent > 0.0 { paragraph.indent } else { needed.max(MARKER_INDENT * style.size) };
    (Some(layout), indent)
}

fn natural_width(fonts: &mut Fonts, text: &Text, paragraph: &Paragraph) -> f64 {
    let mut layout = layout(fonts, text, paragraph);
    layout.break_all_lines(None);
    // A little more, so that rounding breaks no line.
    marker(fonts, text, paragraph).1 + f64::from(layout.width()) + 0.01
}

fn layout(fonts: &mut Fonts, text: &Text, paragraph: &Paragraph) -> Layout<[u8; 4]> {
    let mut whole = String::new();
    let mut styles: Vec<(Range<usize>, &Style)> = Vec::new();
    for run in &paragraph.runs {
        let from = whole.len();
        whole.push_str(&clean(&run.text));
        styles.push((from..whole.len(), &run.style));
    }
    styled(fonts, text, &whole, first_style(paragraph), &styles)
}

/// A text of which all that has no style of its own has `style`.
fn styled(fonts: &mut Fonts, text: &Text, whole: &str, style: &Style, parts: &[(Range<usize>, &Style)]) -> Layout<[u8; 4]> {
    let lists: Vec<String> = std::iter::once(style).chain(parts.iter().map(|(_, style)| *style)).map(|s| families(&s.family)).collect();
    let mut builder = fonts.layouts.ranged_builder(&mut fonts.fonts, whole, 1.0, false);
    builder.push_default(StyleProperty::LineHeight(LineHeight::FontSizeRelative(text.line_height as f32)));
    // A word that is longer than a line is broken, not cut off.
    builder.push_default(StyleProperty::OverflowWrap(OverflowWrap::Anywhere));
    properties(style, &lists[0]).into_iter().for_each(|property| builder.push_default(property));
    for ((range, style), list) in parts.iter().zip(&lists[1..]) {
        properties(style, list).into_iter().for_each(|property| builder.push(property, range.clone()));
    }
    builder.build(whole)
}

fn properties<'a>(style: &Style, families: &'a str) -> [StyleProperty<'a, [u8; 4]>; 8] {
    [
        StyleProperty::FontFamily(FontFamily::Source(families.into())),
        StyleProperty::FontSize(style.size as f32),
        StyleProperty::FontWeight(FontWeight::new(f32::from(style.weight))),
        StyleProperty::FontStyle(if style.italic { FontStyle::Italic } else { FontStyle::Normal }),
        StyleProperty::LetterSpacing(style.spacing as f32),
        StyleProperty::Underline(style.underline),
        StyleProperty::Strikethrough(style.strike),
        StyleProperty::Brush(style.color.0),
    ]
}

fn first_style(paragraph: &Paragraph) -> &Style {
    static PLAIN: std::sync::LazyLock<Style> = std::sync::LazyLock::new(Style::default);
    paragraph.runs.first().map_or(&PLAIN, |run| &run.style)
}

/// Without what no font shows; line ends stay.
fn clean(text: &str) -> String {
    text.replace("\r\n", "\n").chars().map(|c| if c == '\t' { ' ' } else { c }).filter(|c| *c == '\n' || !c.is_control()).collect()
}
