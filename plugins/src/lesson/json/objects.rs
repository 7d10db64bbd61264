//! Objects of a canvas: text, pictures, shapes.

use super::super::canvas::{Canvas, Color, Content, Fit, Image, Object, Outline, Paint, Paragraph, Run, Shape, Stroke, Style, Text};
use super::super::error::LessonError;
use super::super::raster::image_size;
use super::Reader;
use super::animation::Way;
use super::fields::{Fields, number};
use super::narration::Spoken;
use super::placement::Transform;
use super::style::align;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt::Write;

impl Reader<'_> {
    /// Adds objects to a canvas, in their order or by `zIndex`.
    pub(super) fn objects(&mut self, canvas: &mut Canvas, list: &[Value], spoken: &Spoken) -> Result<(), LessonError> {
        let mut fields: Vec<Fields> = list.iter().filter_map(Fields::of).collect();
        fields.sort_by(|a, b| a.number(&["zIndex"]).unwrap_or(0.0).total_cmp(&b.number(&["zIndex"]).unwrap_or(0.0)));
        let mut ids = BTreeSet::new();
        for (index, object) in fields.iter().enumerate() {
            let mut id = object.name(&["id", "name"]).unwrap_or_else(|| format!("object-{}", index + 1));
            if !ids.insert(id.clone()) {
                id = format!("{id}-{}", index + 1);
                ids.insert(id.clone());
            }
            let is_shown = object.flag(&["visible"]).unwrap_or(true);
            let read = if is_shown { self.object(object, id, canvas, spoken)? } else { None };
            canvas.objects.extend(read);
            if is_shown {
                object.note_rest(&mut self.unknown);
            }
        }
        Ok(())
    }

    fn object(&mut self, fields: &Fields, id: String, canvas: &Canvas, spoken: &Spoken) -> Result<Option<Object>, LessonError> {
        let enter = fields.fields(&["entryAnimation", "entry"]).and_then(|way| self.animation(&way, Way::In, &id, spoken));
        let exit = fields.fields(&["exitAnimation", "exit"]).and_then(|way| self.animation(&way, Way::Out, &id, spoken));
        // Present on all of them, whatever they are.
        fields.get(&["src", "fill"]);
        let transform = Transform::of(fields);
        let positive = |side: f64| (side > 0.0).then_some(side);
        let (width, height) = (fields.number(&["width"]).and_then(positive), fields.number(&["height"]).and_then(positive));
        let kind = fields.text(&["type"]).unwrap_or_default().to_lowercase();
        let (content, natural) = match kind.as_str() {
            "text" | "textbox" | "i-text" | "itext" => {
                let Some(text) = self.text(fields, &id, spoken) else { return Ok(None) };
                // A line may be as long as the canvas is wide.
                (Content::Text(text), ((canvas.width - transform.at().0).max(1.0), 0.0))
            }
            "image" | "picture" | "img" => {
                let Some(source) = fields.text(&["src", "url", "source"]) else {
                    self.warn(format!("the picture {id:?} names no file and is left out"));
                    return Ok(None);
                };
                let Some(file) = self.picture(source, &format!("object {id:?}"))? else { return Ok(None) };
                let (across, down) = image_size(&file.path)?;
                let fit = match fields.text(&["objectFit", "fit"]) {
                    Some("contain") => Fit::Contain,
                    Some("cover") => Fit::Cover,
                    _ => Fit::Fill,
                };
                let radius = fields.number(&["borderRadius", "cornerRadius"]).unwrap_or(0.0).max(0.0);
                (Content::Image(Image { file, fit, radius }), (f64::from(across), f64::from(down)))
            }
            "" => {
                self.warn(format!("the object {id:?} has no type and is left out"));
                return Ok(None);
            }
            kind => {
                let Some((shape, natural)) = self.shape(fields, kind, &id, (width, height)) else { return Ok(None) };
                (Content::Shape(shape), natural)
            }
        };
        let (width, height) = (width.unwrap_or(natural.0), height.unwrap_or(natural.1));
        let standing = transform.standing(width, height);
        let opacity = fields.number(&["opacity"]).unwrap_or(1.0).clamp(0.0, 1.0);
        let object = Object::new(id, [standing.x, standing.y, width, height], content);
        Ok(Some(Object { scale: standing.scale, angle: standing.angle, opacity, enter, exit, ..object }))
    }

    /// `None`, with a warning, when it says nothing.
    fn text(&mut self, fields: &Fields, id: &str, spoken: &Spoken) -> Option<Text> {
        let style = self.text_style(fields);
        let line_height = fields.number(&["lineHeight"]).filter(|height| (0.5..=5.0).contains(height)).unwrap_or(1.2);
        let align = align(fields.text(&["textAlign", "align"]));
        let written = fields.text(&["text", "content", "value", "src"]).map(String::from);
        let text = match written {
            Some(text) => text,
            None => {
                let token = fields.fields(&["entryAnimation", "entry"]).and_then(|way| way.name(&["triggerId", "trigger"]));
                let said = spoken.sentence(token.as_deref());
                let instead = if said.is_some() { "the sentence that it comes with is shown" } else { "it is left out" };
                self.warn(format!("the text {id:?} says nothing; {instead}"));
                said?
            }
        };
        let paragraphs = text.trim_end().split('\n').map(|line| paragraph(line, &style)).collect();
        Some(Text { paragraphs, align, line_height, ..Text::default() })
    }

    fn shape(&mut self, fields: &Fields, kind: &str, id: &str, sides: (Option<f64>, Option<f64>)) -> Option<(Shape, (f64, f64))> {
        let named = fields.text(&["shapeType", "shape", "kind"]).map(str::to_lowercase);
        let form = if kind == "shape" { named.as_deref().unwrap_or("rect") } else { kind };
        let radius = fields.number(&["radius", "rx", "cornerRadius", "borderRadius"]).unwrap_or(0.0).max(0.0);
        let (width, height) = (sides.0.unwrap_or(100.0), sides.1.unwrap_or(100.0));
        let mut natural = (width, height);
        let outline = match form {
            "rect" | "rectangle" | "square" | "rounded" | "roundedrect" => Outline::Rectangle { radius },
            "circle" | "ellipse" | "oval" => {
                let across = if radius > 0.0 { radius * 2.0 } else { width };
                let down = fields.number(&["ry"]).filter(|ry| *ry > 0.0).map_or(if radius > 0.0 { across } else { height }, |ry| ry * 2.0);
                natural = (sides.0.unwrap_or(across), sides.1.unwrap_or(down));
                Outline::Ellipse
            }
            "line" => {
                // From one corner to the other one; upwards when exactly one side runs backwards.
                let end = |name: &'static str| fields.number(&[name]);
                let run = end("x2").zip(end("x1")).map(|(to, from)| to - from);
                let fall = end("y2").zip(end("y1")).map(|(to, from)| to - from);
                natural = (run.map_or(width, f64::abs), fall.map_or(if sides.1.is_some() { height } else { 0.0 }, f64::abs));
                match run.zip(fall).is_some_and(|(run, fall)| run * fall < 0.0) {
                    true => Outline::Path(format!("M0 {} L{} 0", natural.1, natural.0)),
                    false => Outline::Line,
                }
            }
            "triangle" => Outline::Path(format!("M{} 0 L{width} {height} L0 {height} Z", width / 2.0)),
            "polygon" | "polyline" | "star" | "arrow" | "path" => {
                let path = match fields.get(&["path", "d", "points"]) {
                    Some(Value::String(data)) => data.clone(),
                    Some(Value::Array(list)) => joined(list, form != "polyline"),
                    _ => String::new(),
                };
                let Some((path, size)) = at_origin(&path) else {
                    self.warn(format!("the shape {id:?} has no path that can be read and is left out"));
                    return None;
                };
                natural = size;
                Outline::Path(path)
            }
            other => {
                self.warn(format!("the object {id:?} of the unknown type {other:?} is left out"));
                return None;
            }
        };
        let width = fields.number(&["strokeWidth"]).unwrap_or(1.0);
        let dash = fields.get(&["strokeDashArray"]).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let dash: Vec<f64> = dash.iter().filter_map(number).collect();
        let dash = if dash.iter().all(|length| *length >= 0.0) && dash.iter().sum::<f64>() >= 0.1 { dash } else { Vec::new() };
        let stroke = fields.get(&["stroke"]).and_then(|value| self.paint(value, "the stroke of a shape"));
        let fill = fields.get(&["fill"]).and_then(|value| self.paint(value, "the fill of a shape"));
        let black = || Paint::Color(Color::BLACK);
        let is_line = matches!(outline, Outline::Line);
        let color = |paint: Paint| match paint {
            Paint::Color(color) => color,
            Paint::Linear { stops, .. } | Paint::Radial { stops } => stops.first().map_or(Color::BLACK, |stop| stop.color),
        };
        let stroke = stroke.or_else(|| is_line.then(|| fill.clone().unwrap_or_else(black)));
        let stroke = stroke.filter(|_| width > 0.0).map(|paint| Stroke { color: color(paint), width, dash });
        Some((Shape { outline, fill: fill.filter(|_| !is_line), stroke }, natural))
    }
}

/// A line of text; what begins like an item of a list is one.
fn paragraph(line: &str, style: &Style) -> Paragraph {
    let line = line.trim_end_matches('\r');
    let bullet = ["• ", "- ", "* ", "– "].iter().find_map(|mark| line.trim_start().strip_prefix(mark));
    let number = line.trim_start().split_once(' ').filter(|(mark, _)| {
        let digits = mark.strip_suffix(['.', ')']).unwrap_or_default();
        (1..=2).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
    });
    let (marker, text) = match (bullet, number) {
        (Some(text), _) => (Some("•".to_string()), text),
        (None, Some((mark, text))) => (Some(mark.to_string()), text),
        (None, None) => (None, line),
    };
    Paragraph { runs: vec![Run { text: text.into(), style: style.clone() }], marker, ..Paragraph::default() }
}

/// Points (`[{x, y}]`) or path steps of Fabric.js (`[["M", 0, 0], …]`) as a path.
fn joined(list: &[Value], closed: bool) -> String {
    let mut path = String::new();
    for (index, item) in list.iter().enumerate() {
        // Writing to a text cannot fail.
        let _ = match item {
            Value::Object(_) => {
                let side = |name: &str| item.get(name).and_then(number).unwrap_or(0.0);
                write!(path, "{}{} {} ", if index == 0 { "M" } else { "L" }, side("x"), side("y"))
            }
            Value::Array(step) => {
                let values: Vec<String> = step.iter().skip(1).filter_map(number).map(|value| value.to_string()).collect();
                write!(path, "{}{} ", step.first().and_then(Value::as_str).unwrap_or("L"), values.join(" "))
            }
            _ => Ok(()),
        };
    }
    if closed && list.iter().any(Value::is_object) {
        path.push('Z');
    }
    path
}

/// The same path with the corner of its box at the origin, and its size; `None` when it is none.
fn at_origin(path: &str) -> Option<(String, (f64, f64))> {
    use vello_cpu::kurbo::{Affine, BezPath, Shape as _};
    let path = BezPath::from_svg(path).ok().filter(|path| !path.elements().is_empty())?;
    let frame = path.bounding_box();
    let moved = Affine::translate((-frame.x0, -frame.y0)) * path;
    frame.is_finite().then(|| (moved.to_svg(), (frame.width(), frame.height())))
}
