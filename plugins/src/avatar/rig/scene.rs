//! Lists of drawing steps: measuring them, handing them to `vello_cpu`.

use vello_cpu::RenderContext;
use vello_cpu::kurbo::{Affine, BezPath, PathEl, Point, Rect};
use vello_cpu::peniko::Gradient;

use super::articulate::Articulation;
use super::poses::{Channel, Poses};
use super::region::Region;
use super::svg::{Ink, Op, Outline};

/// The outlines of one frame.
#[derive(Clone)]
pub(super) struct Shapes {
    /// In the order of [`Poses::morphs`].
    pub morphs: Vec<BezPath>,
    sum: Vec<f64>,
}

impl Shapes {
    /// At rest.
    pub fn new(poses: &Poses) -> Shapes {
        Shapes { morphs: poses.morphs.iter().map(|m| m.first_pose()).collect(), sum: Vec::new() }
    }

    /// Takes the shapes of `frame`.
    pub fn mix(&mut self, poses: &Poses, frame: &Articulation) {
        for (morph, path) in poses.morphs.iter().zip(&mut self.morphs) {
            morph.mix(frame.weights(morph.channel), &mut self.sum, path);
        }
    }

    /// At rest but for the jaw, which is open by `jaw` (0..1).
    pub fn with_jaw(poses: &Poses, jaw: f64) -> Shapes {
        let mut shapes = Shapes::new(poses);
        for (morph, path) in poses.morphs.iter().zip(&mut shapes.morphs).filter(|(m, _)| m.channel == Channel::Jaw) {
            morph.mix(&[1.0 - jaw, jaw], &mut shapes.sum, path);
        }
        shapes
    }

    /// The path of `outline`.
    pub fn path<'a>(&'a self, outline: &'a Outline) -> &'a BezPath {
        match outline {
            Outline::Fixed(path) => path,
            Outline::Morph(index) => &self.morphs[*index],
        }
    }
}

/// The box of all fills, placed by `matrix`.
pub(super) fn bounds(ops: &[Op], shapes: &Shapes, matrix: Affine, gaze: Affine) -> Rect {
    let boxes = ops.iter().filter_map(|op| match op {
        Op::Fill { outline, at, iris, .. } => {
            let at = if *iris { matrix * gaze * *at } else { matrix * *at };
            Some(at.transform_rect_bbox(shapes.path(outline).control_box()))
        }
        _ => None,
    });
    boxes.reduce(|a, b| a.union(b)).unwrap_or(Rect::ZERO)
}

/// The box of all curves that differ between two mixes of one morph: the filled area changes nowhere else.
pub(super) fn swept(before: &BezPath, after: &BezPath) -> Option<Rect> {
    let mut area: Option<Rect> = None;
    let (mut from, mut to) = (Point::ZERO, Point::ZERO);
    let mut starts = (from, to);
    for (a, b) in before.iter().zip(after.iter()) {
        let (points, ends) = match (a, b) {
            (PathEl::CurveTo(a, b, c), PathEl::CurveTo(d, e, f)) => ([from, a, b, c, to, d, e, f], (c, f)),
            (PathEl::MoveTo(a), PathEl::MoveTo(d)) => {
                starts = (a, d);
                ([a, a, a, a, a, a, a, a], starts)
            }
            _ => ([from, from, from, starts.0, to, to, to, starts.1], starts),
        };
        let (old, new) = points.split_at(4);
        if old != new {
            let hull = points.iter().fold(Rect::from_points(old[0], new[0]), |r, p| r.union_pt(*p));
            area = Some(area.map_or(hull, |a| a.union(hull)));
        }
        (from, to) = ends;
    }
    area
}

/// Adds `ops` to `scene`; fills outside `region` are left out.
pub(super) fn draw(scene: &mut RenderContext, ops: &[Op], shapes: &Shapes, matrix: Affine, gaze: Affine, region: Region) {
    let place = |at: Affine, iris: bool| if iris { matrix * gaze * at } else { matrix * at };
    let whole = Region { x0: 0, y0: 0, x1: u16::MAX, y1: u16::MAX };
    for op in ops {
        match op {
            Op::Fill { outline, ink, ink_at, rule, at, iris } => {
                let (path, at) = (shapes.path(outline), place(*at, *iris));
                let touched = Region::touched(at.transform_rect_bbox(path.control_box()), whole);
                if !touched.meets(region) {
                    continue;
                }
                scene.set_transform(at);
                scene.set_fill_rule(*rule);
                match ink {
                    Ink::Solid(color) => scene.set_paint(*color),
                    Ink::Gradient(gradient) => {
                        scene.set_paint_transform(*ink_at);
                        scene.set_paint(Gradient::clone(gradient));
                    }
                }
                scene.fill_path(path);
            }
            Op::PushClip { outline, rule, at, iris } => {
                scene.set_transform(place(*at, *iris));
                scene.set_fill_rule(*rule);
                scene.push_clip_path(shapes.path(outline));
            }
            Op::PopClip => scene.pop_clip(),
            Op::PushOpacity(opacity) => scene.push_opacity_layer(*opacity),
            Op::PopOpacity => scene.pop_layer(),
        }
    }
}
