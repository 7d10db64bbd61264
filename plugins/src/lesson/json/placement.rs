//! Where things stand: objects by transforms, the presenter by its configuration.

use super::Reader;
use super::fields::{Fields, number};
use engine::cue::Placement;
use serde_json::Value;

/// Where an object stands on the canvas, whatever its size.
pub(super) struct Transform {
    at: (f64, f64),
    /// Larger or smaller, never mirrored.
    scale: (f64, f64),
    /// Degrees clockwise.
    angle: f64,
    mirrored: (bool, bool),
    /// Which point of it lies at `at`: 0 left or top, 0.5 in the middle, 1 right or bottom.
    origin: (f64, f64),
    /// It is turned around that point, as Fabric.js does; else around its middle, as CSS does.
    around_origin: bool,
}

/// A box and what is done with it around its middle.
pub(super) struct Standing {
    pub x: f64,
    pub y: f64,
    pub scale: [f64; 2],
    pub angle: f64,
}

impl Transform {
    /// Of fields of the object itself and of its `transform`, which may be an object, a matrix or a text of CSS.
    pub fn of(object: &Fields) -> Transform {
        let value = object.get(&["transform"]);
        let inner = value.and_then(Fields::of);
        let matrix = value.and_then(Value::as_array).map(|list| list.iter().filter_map(number).collect::<Vec<f64>>());
        let css = value.and_then(Value::as_str).map(Css::read).unwrap_or_default();
        let find = |names: &[&'static str]| inner.as_ref().and_then(|inner| inner.number(names)).or_else(|| object.number(names));
        let flag =
            |names: &[&'static str]| inner.as_ref().and_then(|inner| inner.flag(names)).or_else(|| object.flag(names)).unwrap_or(false);
        let origin = |name: &'static str| match inner.as_ref().and_then(|inner| inner.text(&[name])).or_else(|| object.text(&[name])) {
            Some("center") => 0.5,
            Some("right" | "bottom") => 1.0,
            _ => 0.0,
        };
        let (x, y) = (find(&["x"]), find(&["y"]));
        let both = find(&["scale"]);
        let (scale_x, scale_y) = (find(&["scaleX"]).or(both).unwrap_or(1.0), find(&["scaleY"]).or(both).unwrap_or(1.0));
        let mut transform = Transform {
            at: (x.or(find(&["left"])).unwrap_or(0.0) + css.at.0, y.or(find(&["top"])).unwrap_or(0.0) + css.at.1),
            scale: (scale_x * css.scale.0, scale_y * css.scale.1),
            angle: find(&["angle", "rotation", "rotate"]).unwrap_or(0.0) + css.angle,
            mirrored: (flag(&["flipX"]), flag(&["flipY"])),
            origin: (origin("originX"), origin("originY")),
            around_origin: x.is_none() && y.is_none() && css.is_plain(),
        };
        if let Some([a, b, c, d, e, f]) = matrix.as_deref() {
            let across = a.hypot(*b);
            transform.at = (transform.at.0 + e, transform.at.1 + f);
            transform.angle += b.atan2(*a).to_degrees();
            transform.scale = (transform.scale.0 * across, transform.scale.1 * (a * d - b * c) / across.max(1e-9));
            transform.around_origin = true;
        }
        transform
    }

    /// Where a box of this size stands.
    pub fn standing(&self, width: f64, height: f64) -> Standing {
        let (across, down) = (width * self.scale.0.abs(), height * self.scale.1.abs());
        // From the point that lies at `at` to the middle.
        let (dx, dy) = (across * (0.5 - self.origin.0), down * (0.5 - self.origin.1));
        let (sin, cos) = if self.around_origin { self.angle.to_radians().sin_cos() } else { (0.0, 1.0) };
        let middle = (self.at.0 + dx * cos - dy * sin, self.at.1 + dx * sin + dy * cos);
        let sign = |mirrored: bool| if mirrored { -1.0 } else { 1.0 };
        Standing {
            x: middle.0 - width / 2.0,
            y: middle.1 - height / 2.0,
            scale: [self.scale.0 * sign(self.mirrored.0), self.scale.1 * sign(self.mirrored.1)],
            angle: self.angle,
        }
    }

    /// Left and top, for what has no size yet.
    pub fn at(&self) -> (f64, f64) {
        self.at
    }
}

/// What a text of CSS transforms says.
#[derive(PartialEq)]
struct Css {
    at: (f64, f64),
    scale: (f64, f64),
    angle: f64,
}

impl Default for Css {
    fn default() -> Css {
        Css { at: (0.0, 0.0), scale: (1.0, 1.0), angle: 0.0 }
    }
}

impl Css {
    fn read(text: &str) -> Css {
        let mut css = Css::default();
        for (name, values) in text.split(')').filter_map(|part| part.split_once('(')) {
            let values: Vec<f64> = values.split(',').filter_map(|value| number(&Value::String(value.into()))).collect();
            let (first, second) = (values.first().copied(), values.get(1).copied());
            let Some(first) = first else { continue };
            match name.trim().to_ascii_lowercase().as_str() {
                "translate" | "translate3d" => css.at = (css.at.0 + first, css.at.1 + second.unwrap_or(0.0)),
                "translatex" => css.at.0 += first,
                "translatey" => css.at.1 += first,
                "rotate" | "rotatez" => css.angle += if text.contains("rad") { first.to_degrees() } else { first },
                "scale" => css.scale = (css.scale.0 * first, css.scale.1 * second.unwrap_or(first)),
                "scalex" => css.scale.0 *= first,
                "scaley" => css.scale.1 *= first,
                _ => {}
            }
        }
        css
    }

    fn is_plain(&self) -> bool {
        *self == Css::default()
    }
}

impl Reader<'_> {
    /// Where the presenter stands on a canvas of this size: its scale is its height in parts of the canvas'.
    pub(super) fn presenter(&mut self, fields: &Fields, (width, height): (f64, f64)) -> Placement {
        let shown = fields.flag(&["display"]).unwrap_or(true) && fields.flag(&["visible"]).unwrap_or(true);
        let scale = fields.number(&["scaleY"]).or(fields.number(&["scaleX"])).filter(|scale| *scale > 0.0);
        let (left, top) = (fields.number(&["left"]), fields.number(&["top"]));
        let fill = fields.text(&["type"]).is_some_and(|kind| kind.contains("full"));
        fields.note_rest(&mut self.unknown);
        let at = left.zip(top).map(|(left, top)| ((left / width).clamp(-10.0, 10.0), (top / height).clamp(-10.0, 10.0)));
        Placement { at, height: scale.map(|scale| scale.clamp(0.01, 1.0)), visible: shown, fill, ..Placement::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn middle(object: Value, width: f64, height: f64) -> (f64, f64, [f64; 2], f64) {
        let standing = Transform::of(&Fields::of(&object).unwrap()).standing(width, height);
        let round = |value: f64| (value * 1000.0).round() / 1000.0;
        (round(standing.x + width / 2.0), round(standing.y + height / 2.0), standing.scale.map(round), round(standing.angle))
    }

    #[test]
    fn transforms_of_all_notations_place_the_middle() {
        let plain = [1.0, 1.0];
        assert_eq!(middle(json!({ "transform": { "x": 40, "y": 30 } }), 100.0, 20.0), (90.0, 40.0, plain, 0.0));
        assert_eq!(middle(json!({ "left": 40, "top": 30, "scaleX": 2 }), 100.0, 20.0), (140.0, 40.0, [2.0, 1.0], 0.0));
        // The corner stays where it is when Fabric.js turns, the middle when CSS does.
        assert_eq!(middle(json!({ "left": 40, "top": 30, "angle": 90 }), 100.0, 20.0), (30.0, 80.0, plain, 90.0));
        assert_eq!(middle(json!({ "transform": { "x": 40, "y": 30, "rotation": 90 } }), 100.0, 20.0), (90.0, 40.0, plain, 90.0));
        assert_eq!(
            middle(json!({ "left": 40, "top": 30, "originX": "center", "originY": "bottom" }), 100.0, 20.0),
            (40.0, 20.0, plain, 0.0)
        );
        assert_eq!(middle(json!({ "left": 0, "top": 0, "flipX": true }), 10.0, 10.0), (5.0, 5.0, [-1.0, 1.0], 0.0));
        assert_eq!(middle(json!({ "transform": [0.0, 2.0, -2.0, 0.0, 7.0, 8.0] }), 10.0, 10.0), (-3.0, 18.0, [2.0, 2.0], 90.0));
        let css = json!({ "x": 1, "transform": "translate(9px, 20px) rotate(45deg) scale(0.5)" });
        assert_eq!(middle(css, 10.0, 10.0), (12.5, 22.5, [0.5, 0.5], 45.0));
    }
}
