//! A canvas as it is filled: boxes, and text that fits into them.

use super::super::canvas::{
    Align, Canvas, Content, Fit, Image, ImageFile, Object, Outline, Paint, Paragraph, Run, Shape, Style, Text, VerticalAlign,
};
use crate::drawing::TextBlock;

/// Left, top, width and height.
pub(super) type Area = [f64; 4];

/// The smallest letters on a slide 720 units high.
pub(super) const LEAST: f64 = 13.0;

/// A canvas in the making.
pub(super) struct Board {
    pub canvas: Canvas,
    /// For scripts from right to left everything stands on the other side.
    pub mirrored: bool,
}

impl Board {
    pub fn new([width, height]: [f64; 2], ground: Paint, mirrored: bool) -> Board {
        Board { canvas: Canvas::new(width, height, ground), mirrored }
    }

    /// A text that stands at the beginning of its box whatever its own script.
    pub fn sided(&self, text: Text) -> Text {
        Text { align: if self.mirrored { Align::Right } else { Align::Left }, ..text }
    }

    /// Where an area lies on the canvas.
    fn placed(&self, [x, y, width, height]: Area) -> Area {
        [if self.mirrored { self.canvas.width - x - width } else { x }, y, width, height]
    }

    fn add(&mut self, name: &str, area: Area, content: Content) {
        let id = format!("{name}-{}", self.canvas.objects.len() + 1);
        // Two places are enough for any picture, and for those who read them in lesson.yaml.
        let area = self.placed(area).map(|length| (length * 100.0).round() / 100.0);
        self.canvas.objects.push(Object::new(id, area, content));
    }

    pub fn rectangle(&mut self, name: &str, area: Area, radius: f64, fill: Paint) {
        self.add(name, area, Content::Shape(Shape { outline: Outline::Rectangle { radius }, fill: Some(fill), stroke: None }));
    }

    pub fn ellipse(&mut self, name: &str, area: Area, fill: Paint) {
        self.add(name, area, Content::Shape(Shape { outline: Outline::Ellipse, fill: Some(fill), stroke: None }));
    }

    pub fn image(&mut self, name: &str, area: Area, file: ImageFile) {
        self.add(name, area, Content::Image(Image { file, fit: Fit::Contain, radius: 0.0 }));
    }

    /// A text that fits; its box is as high as the text. Returns its height.
    pub fn text(&mut self, name: &str, [x, y, width, height]: Area, text: Text) -> f64 {
        let (_, used) = TextBlock::lay_out(&text, width).size();
        let top = match text.anchor {
            VerticalAlign::Top => y,
            VerticalAlign::Middle => y + (height - used) / 2.0,
            VerticalAlign::Bottom => y + height - used,
        };
        // What it stands at is settled here: editors may make the text longer later, and it grows downwards.
        self.add(name, [x, top, width, used.min(height)], Content::Text(Text { anchor: VerticalAlign::Top, ..text }));
        used
    }
}

/// A text made for a font size, at the largest size from `most` down to `least` at which it fits into `width` x `height`. One that does not
/// fit even then loses words at its end.
pub(super) fn fitted(make: impl Fn(f64) -> Text, width: f64, height: f64, most: f64, least: f64) -> Text {
    let fits = |text: &Text| {
        let (w, h) = TextBlock::lay_out(text, width).size();
        w <= width + 0.5 && h <= height + 0.5
    };
    let mut size = most;
    loop {
        let text = make(size);
        if fits(&text) {
            return text;
        }
        if size <= least {
            return shortened(text, fits);
        }
        size = (size * 9.4).floor().max(least * 10.0) / 10.0;
    }
}

/// Takes words from the end, paragraph by paragraph, until the text fits.
fn shortened(mut text: Text, fits: impl Fn(&Text) -> bool) -> Text {
    loop {
        let Some(last) = text.paragraphs.last_mut() else { return text };
        let Some(run) = last.runs.last_mut() else {
            text.paragraphs.pop();
            continue;
        };
        let kept: String = {
            let plain = run.text.trim_end_matches('…');
            let count = plain.chars().count();
            // An eighth at a time: long texts come to an end, short ones lose little.
            plain.chars().take(count - (count / 8).max(1).min(count)).collect()
        };
        let kept = kept.trim_end();
        if kept.is_empty() {
            last.runs.pop();
            continue;
        }
        run.text = format!("{kept}…");
        if fits(&text) {
            return text;
        }
    }
}

/// One paragraph in one style.
pub(super) fn line(text: &str, style: Style) -> Text {
    Text {
        paragraphs: vec![Paragraph { runs: vec![Run { text: text.into(), style }], ..Paragraph::default() }],
        line_height: 1.15,
        ..Text::default()
    }
}

/// The same, in the middle.
pub(super) fn centred(text: Text) -> Text {
    Text { align: Align::Center, ..text }
}
