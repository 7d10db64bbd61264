//! What a canvas may be at most, and the check of one.

use super::super::limits::MAX_SLIDE;
use super::{Canvas, Content, Object, Outline, Paint, Run, Shape, Text, Trigger};
use engine::time::Span;
use std::collections::BTreeSet;
use vello_cpu::kurbo::{BezPath, Rect, Shape as _};

/// Objects of one canvas.
pub const MAX_OBJECTS: usize = 500;
/// Characters of all texts of one canvas.
const MAX_TEXT: usize = 50_000;
/// Bytes of the path of one shape.
const MAX_PATH: usize = 100_000;
/// Dashes of the line of one shape.
const MAX_DASHES: f64 = 20_000.0;
/// The largest coordinate, either way.
const FARTHEST: f64 = 100_000.0;

impl Canvas {
    /// What is wrong with it, if anything: limits, numbers that are none, names that are taken, words that are not said.
    pub(in super::super) fn check(&self, narration: &str) -> Result<(), String> {
        let side = |length: f64| length > 0.0 && length <= FARTHEST;
        if !side(self.width) || !side(self.height) {
            return Err(format!("its canvas is {} x {}; both sides must be over 0 and at most {FARTHEST}", self.width, self.height));
        }
        check_paint(&self.ground).map_err(|cause| format!("the ground of its canvas {cause}"))?;
        if self.objects.len() > MAX_OBJECTS {
            return Err(format!("its canvas has {} objects; the limit is {MAX_OBJECTS}", self.objects.len()));
        }
        let runs = |object: &Object| match &object.content {
            Content::Text(text) => text.paragraphs.iter().flat_map(|paragraph| &paragraph.runs).map(|run| run.text.chars().count()).sum(),
            Content::Image(_) | Content::Shape(_) => 0,
        };
        let characters: usize = self.objects.iter().map(runs).sum();
        if characters > MAX_TEXT {
            return Err(format!("its canvas has {characters} characters of text; the limit is {MAX_TEXT}"));
        }
        let mut ids = BTreeSet::new();
        for object in &self.objects {
            if object.id.is_empty() || !ids.insert(object.id.as_str()) {
                return Err(format!("the id {:?} of an object is empty or taken by another one; give it one of its own", object.id));
            }
            object.check(narration).map_err(|cause| format!("its object {:?} {cause}", object.id))?;
        }
        Ok(())
    }
}

impl Object {
    fn check(&self, narration: &str) -> Result<(), String> {
        let near = |values: &[f64]| values.iter().all(|value| value.abs() <= FARTHEST);
        if !near(&[self.x, self.y, self.width, self.height, self.angle]) || self.width < 0.0 || self.height < 0.0 || !near(&self.scale) {
            return Err(format!("has a place, size, scale or angle out of range; they go to {FARTHEST}, and sizes begin at 0"));
        }
        if self.width * self.scale[0].abs() > FARTHEST || self.height * self.scale[1].abs() > FARTHEST {
            return Err(format!("becomes larger than {FARTHEST} by its scale"));
        }
        if !(0.0..=1.0).contains(&self.opacity) {
            return Err(format!("has the opacity {}; it goes from 0 to 1", self.opacity));
        }
        match &self.content {
            Content::Text(text) => check_text(text)?,
            Content::Image(image) if !(0.0..=FARTHEST).contains(&image.radius) => return Err("has a radius that is out of range".into()),
            Content::Image(_) => {}
            Content::Shape(shape) => check_shape(shape, self.width, self.height)?,
        }
        for animation in self.enter.iter().chain(&self.exit) {
            let spans = [animation.delay, animation.duration];
            let time = if let Trigger::Time(time) = animation.trigger { time } else { Span::ZERO };
            if spans.into_iter().chain([time]).any(|span| span < Span::ZERO || span > MAX_SLIDE) {
                return Err(format!("has an animation that takes too long; the limit is {MAX_SLIDE}"));
            }
            if let Trigger::Word { text, nth } = &animation.trigger
                && animation.trigger.place(narration).is_none()
            {
                return Err(format!("waits for the word {text:?} (number {nth}), which is not in the narration; correct it"));
            }
        }
        Ok(())
    }
}

fn check_text(text: &Text) -> Result<(), String> {
    if !(0.1..=10.0).contains(&text.line_height) {
        return Err(format!("has the line height {}; it goes from 0.1 to 10", text.line_height));
    }
    if text.stroke.as_ref().is_some_and(|stroke| !(0.0..=FARTHEST).contains(&stroke.width) || !stroke.dash.is_empty()) {
        return Err("has a stroke around its letters that is out of range or has dashes; only those of shapes have dashes".into());
    }
    for paragraph in &text.paragraphs {
        if ![paragraph.indent, paragraph.space_before].iter().all(|length| (0.0..=FARTHEST).contains(length)) {
            return Err("has an indent or a space that is out of range".into());
        }
        for Run { style, .. } in &paragraph.runs {
            if !(0.1..=10_000.0).contains(&style.size)
                || !(1..=1000).contains(&style.weight)
                || !(-1000.0..=1000.0).contains(&style.spacing)
            {
                return Err(format!(
                    "has text of size {}, weight {} and spacing {}, which is out of range",
                    style.size, style.weight, style.spacing
                ));
            }
        }
    }
    Ok(())
}

fn check_shape(shape: &Shape, width: f64, height: f64) -> Result<(), String> {
    let length = match &shape.outline {
        Outline::Rectangle { radius } if !(0.0..=FARTHEST).contains(radius) => return Err("has a radius that is out of range".into()),
        Outline::Rectangle { .. } | Outline::Ellipse | Outline::Line => 2.0 * (width + height),
        Outline::Path(path) if path.len() > MAX_PATH => return Err(format!("has a path of {} bytes; the limit is {MAX_PATH}", path.len())),
        Outline::Path(path) => {
            let path = BezPath::from_svg(path).map_err(|error| format!("has a path that cannot be read: {error}"))?;
            let Rect { x0, y0, x1, y1 } = path.control_box();
            if ![x0, y0, x1, y1].iter().all(|side| side.abs() <= FARTHEST) {
                return Err(format!("has a path with points farther than {FARTHEST}"));
            }
            path.perimeter(1.0)
        }
    };
    if let Some(stroke) = &shape.stroke {
        let fine = |length: &f64| (0.0..=FARTHEST).contains(length);
        if !fine(&stroke.width) || !stroke.dash.iter().all(fine) {
            return Err("has a stroke that is out of range".into());
        }
        let dashes = length / stroke.dash.iter().sum::<f64>();
        if !stroke.dash.is_empty() && !(0.0..=MAX_DASHES).contains(&dashes) {
            return Err(format!("has more than {MAX_DASHES} dashes"));
        }
    }
    shape.fill.as_ref().map_or(Ok(()), check_paint)
}

fn check_paint(paint: &Paint) -> Result<(), String> {
    let (angle, stops) = match paint {
        Paint::Color(_) => return Ok(()),
        Paint::Linear { angle, stops } => (*angle, stops),
        Paint::Radial { stops } => (0.0, stops),
    };
    let grows = stops.windows(2).all(|pair| pair[0].at <= pair[1].at);
    if angle.abs() <= FARTHEST && (2..=100).contains(&stops.len()) && grows && stops.iter().all(|stop| (0.0..=1.0).contains(&stop.at)) {
        Ok(())
    } else {
        Err("has a gradient that is none: it needs two or more stops by growing place, from 0 to 1".into())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Animation, Color, Run, Stop, Stroke, Style};
    use super::*;

    /// What the check says of a canvas with one object.
    fn says(change: impl FnOnce(&mut Object)) -> String {
        let shape = Shape { outline: Outline::Ellipse, fill: None, stroke: None };
        let mut object = Object::new("o", [0.0, 0.0, 10.0, 10.0], Content::Shape(shape));
        change(&mut object);
        let canvas = Canvas { objects: vec![object], ..Canvas::new(16.0, 9.0, Paint::Color(Color::WHITE)) };
        canvas.check("Notes save time.").err().unwrap_or_default()
    }

    fn outlined(outline: Outline, dash: &[f64]) -> Content {
        let stroke = Stroke { color: Color::BLACK, width: 1.0, dash: dash.to_vec() };
        Content::Shape(Shape { outline, fill: None, stroke: Some(stroke) })
    }

    #[test]
    fn what_cannot_be_drawn_is_named() {
        assert_eq!(says(|_| {}), "");
        assert!(says(|o| o.id = String::new()).contains("is empty or taken"));
        assert!(says(|o| o.x = f64::NAN).contains("out of range"));
        assert!(says(|o| o.width = -1.0).contains("out of range"));
        assert!(says(|o| o.scale = [1e5, 1.0]).contains("larger than"));
        assert!(says(|o| o.opacity = 1.5).contains("opacity 1.5"));
        assert!(says(|o| o.content = outlined(Outline::Path("M0 0 L1e30 5".into()), &[])).contains("farther than"));
        assert!(says(|o| o.content = outlined(Outline::Path("M0 0 L1e999 5".into()), &[])).contains("path"));
        assert!(says(|o| o.content = outlined(Outline::Path("M0 0 X".into()), &[])).contains("cannot be read"));
        assert!(says(|o| o.content = outlined(Outline::Path("M0 0 H90000".into()), &[0.1, 0.1])).contains("dashes"));
        assert!(says(|o| o.content = outlined(Outline::Ellipse, &[0.0])).contains("dashes"));
        assert!(says(|o| o.content = outlined(Outline::Ellipse, &[f64::NAN])).contains("stroke"));
        let gradient = Paint::Radial { stops: vec![Stop { at: 0.5, color: Color::BLACK }, Stop { at: 0.1, color: Color::WHITE }] };
        assert!(
            says(|o| o.content = Content::Shape(Shape { outline: Outline::Ellipse, fill: Some(gradient), stroke: None }))
                .contains("gradient")
        );
        let run = Run { text: "x".into(), style: Style { size: 0.0, ..Style::default() } };
        let text = Text {
            paragraphs: vec![super::super::Paragraph { runs: vec![run], ..Default::default() }],
            line_height: 1.2,
            ..Text::default()
        };
        assert!(says(|o| o.content = Content::Text(text)).contains("size 0"));
        for (width, dash) in [(f64::NAN, &[][..]), (-1.0, &[]), (1.0, &[2.0])] {
            let stroke = Some(Stroke { color: Color::BLACK, width, dash: dash.to_vec() });
            assert!(says(|o| o.content = Content::Text(Text { stroke, ..Text::default() })).contains("stroke around its letters"));
        }
        let word = Trigger::Word { text: "nowhere".into(), nth: 1 };
        assert!(says(|o| o.enter = Some(Animation { trigger: word, ..Animation::default() })).contains("\"nowhere\""));
        let slow = Animation { duration: MAX_SLIDE + Span::SECOND, ..Animation::default() };
        assert!(says(|o| o.exit = Some(slow)).contains("too long"));
    }
}
