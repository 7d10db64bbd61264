//! Colours, gradients and looks of text as browsers write them.

use super::super::canvas::{Align, Color, Paint, Stop, Style};
use super::Reader;
use super::fields::{Fields, number};
use serde_json::Value;
use vello_cpu::color::{Srgb, parse_color};

/// The size of a text that says none.
const FONT_SIZE: f64 = 40.0;

/// A colour in the notation of CSS; `None` for what is none.
pub(super) fn color(text: &str) -> Option<Color> {
    let color = parse_color(text.trim()).ok()?.to_alpha_color::<Srgb>().to_rgba8();
    Some(Color([color.r, color.g, color.b, color.a]))
}

impl Reader<'_> {
    /// A colour or a gradient; `None` for nothing at all.
    pub(super) fn paint(&mut self, value: &Value, what: &str) -> Option<Paint> {
        match value {
            Value::String(text) if matches!(text.trim(), "" | "none" | "transparent") => None,
            Value::String(text) => {
                let color = color(text);
                if color.is_none() {
                    self.warn(format!("{what} {text:?} is no colour that is known, and left out"));
                }
                color.map(Paint::Color)
            }
            Value::Object(_) => Fields::of(value).and_then(|fields| gradient(&fields)),
            _ => None,
        }
    }

    /// The look of a text: fields of the object itself, or of its `style`.
    pub(super) fn text_style(&mut self, object: &Fields) -> Style {
        let inner = object.fields(&["style", "textStyle"]);
        let places = || std::iter::once(object).chain(&inner);
        let number = |names: &[&'static str]| places().find_map(|place| place.number(names));
        let text = |names: &[&'static str]| places().find_map(|place| place.text(names));
        let flag = |names: &[&'static str]| places().find_map(|place| place.flag(names)).unwrap_or(false);
        let size = number(&["fontSize"]).filter(|size| (1.0..=2000.0).contains(size)).unwrap_or(FONT_SIZE);
        let weight = match text(&["fontWeight"]) {
            Some("bold" | "bolder") => 700,
            Some(other) => other.parse().unwrap_or(400),
            None => number(&["fontWeight"]).map_or(400, |weight| weight as u16),
        };
        let decoration = text(&["textDecoration"]).unwrap_or_default();
        let painted = places().find_map(|place| place.get(&["fill", "color"]));
        let color = match painted.and_then(|value| self.paint(value, "the colour of a text")) {
            Some(Paint::Color(color)) => color,
            Some(Paint::Linear { stops, .. } | Paint::Radial { stops }) => stops.first().map_or(Color::BLACK, |stop| stop.color),
            None => Color::BLACK,
        };
        // Fabric.js counts letter spacing in thousandths of the font size.
        let spacing = number(&["letterSpacing"]).or(number(&["charSpacing"]).map(|thousandths| thousandths * size / 1000.0));
        let style = Style {
            family: text(&["fontFamily"]).unwrap_or("sans-serif").into(),
            size,
            weight: weight.clamp(1, 1000),
            italic: text(&["fontStyle"]).is_some_and(|style| matches!(style, "italic" | "oblique")),
            underline: flag(&["underline"]) || decoration.contains("underline"),
            strike: flag(&["linethrough"]) || decoration.contains("line-through"),
            spacing: spacing.unwrap_or(0.0).clamp(-1000.0, 1000.0),
            color,
        };
        if let Some(inner) = inner {
            inner.note_rest(&mut self.unknown);
        }
        style
    }
}

/// Where lines stand, by its name in CSS.
pub(super) fn align(name: Option<&str>) -> Align {
    match name {
        Some("center") => Align::Center,
        Some("left") => Align::Left,
        Some("right") => Align::Right,
        Some("end") => Align::End,
        Some(name) if name.starts_with("justify") => Align::Justify,
        _ => Align::Start,
    }
}

/// A gradient of Fabric.js: `{type, coords: {x1, y1, x2, y2}, colorStops: [{offset, color}]}`.
fn gradient(fields: &Fields) -> Option<Paint> {
    let mut stops = Vec::new();
    for stop in fields.get(&["colorStops", "stops"])?.as_array()?.iter().filter_map(Fields::of) {
        let at = stop.number(&["offset"]).unwrap_or(0.0).clamp(0.0, 1.0);
        stops.push(Stop { at, color: color(stop.text(&["color"])?)? });
    }
    stops.sort_by(|a, b| a.at.total_cmp(&b.at));
    if stops.len() < 2 {
        return stops.first().map(|stop| Paint::Color(stop.color));
    }
    if fields.text(&["type"]) == Some("radial") {
        return Some(Paint::Radial { stops });
    }
    let coords = fields.fields(&["coords"]);
    let side = |name: &'static str| coords.as_ref().and_then(|coords| coords.get(&[name])).and_then(number).unwrap_or(0.0);
    let (across, down) = (side("x2") - side("x1"), side("y2") - side("y1"));
    Some(Paint::Linear { angle: down.atan2(across).to_degrees(), stops })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_of_css_are_read() {
        for (text, expected) in [
            ("#fff", "#ffffff"),
            ("#22222280", "#22222280"),
            ("rgb(1, 2, 3)", "#010203"),
            ("rgba(0,0,0,0.5)", "#00000080"),
            ("rebeccapurple", "#663399"),
            ("hsl(120, 100%, 50%)", "#00ff00"),
        ] {
            assert_eq!(color(text).unwrap().to_string(), expected, "{text}");
        }
        assert_eq!(color("blurple"), None);
    }
}
