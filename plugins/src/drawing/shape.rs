//! Outlines and paints as the renderer takes them.

use crate::lesson::canvas::{Outline, Paint, Stop, Stroke};
use vello_cpu::PaintType;
use vello_cpu::color::{AlphaColor, Srgb};
use vello_cpu::kurbo::{self, BezPath, Cap, Circle, Ellipse, Join, Line, Rect, RoundedRect, Shape as _, Vec2};
use vello_cpu::peniko::{ColorStop, ColorStops, Gradient};

/// How exactly curves become paths, in canvas units; a fraction of a pixel at any size that fits a screen.
const TOLERANCE: f64 = 0.02;

/// The path of an outline in a box at the origin. What cannot be read is empty: the check of the canvas has said so.
pub(super) fn path(outline: &Outline, width: f64, height: f64) -> BezPath {
    let frame = Rect::new(0.0, 0.0, width, height);
    match outline {
        Outline::Rectangle { radius } => rounded(frame, *radius),
        Outline::Ellipse => Ellipse::from_rect(frame).to_path(TOLERANCE),
        Outline::Line => Line::new((0.0, 0.0), (width, height)).to_path(TOLERANCE),
        Outline::Path(data) => BezPath::from_svg(data).unwrap_or_default(),
    }
}

/// A rectangle with round corners, none rounder than it can be.
pub(super) fn rounded(rect: Rect, radius: f64) -> BezPath {
    match radius.min(rect.width() / 2.0).min(rect.height() / 2.0) {
        radius if radius > 0.0 => RoundedRect::from_rect(rect, radius).to_path(TOLERANCE),
        _ => rect.to_path(TOLERANCE),
    }
}

/// A line as the renderer takes it.
pub(super) fn stroke(stroke: &Stroke) -> kurbo::Stroke {
    let dash: Vec<f64> = stroke.dash.iter().map(|length| length.max(0.01)).collect();
    kurbo::Stroke::new(stroke.width).with_caps(Cap::Butt).with_join(Join::Miter).with_dashes(0.0, dash)
}

/// A colour as the renderer takes it.
pub(super) fn color([red, green, blue, alpha]: [u8; 4]) -> AlphaColor<Srgb> {
    AlphaColor::from_rgba8(red, green, blue, alpha)
}

/// What fills a box.
pub(super) fn paint(paint: &Paint, frame: Rect) -> PaintType {
    let center = frame.center();
    match paint {
        Paint::Color(flat) => color(flat.0).into(),
        Paint::Linear { angle, stops } => {
            // From corner to corner, as in CSS.
            let (down, right) = angle.to_radians().sin_cos();
            let half = (frame.width() * right.abs() + frame.height() * down.abs()) / 2.0;
            let reach = Vec2::new(right, down) * half;
            Gradient::new_linear(center - reach, center + reach).with_stops(color_stops(stops)).into()
        }
        Paint::Radial { stops } => {
            let radius = Circle::new(center, frame.width().hypot(frame.height()) / 2.0).radius;
            Gradient::new_radial(center, radius as f32).with_stops(color_stops(stops)).into()
        }
    }
}

fn color_stops(stops: &[Stop]) -> ColorStops {
    let stops: Vec<ColorStop> = stops.iter().map(|stop| ColorStop::from((stop.at as f32, color(stop.color.0)))).collect();
    ColorStops::from(stops.as_slice())
}
