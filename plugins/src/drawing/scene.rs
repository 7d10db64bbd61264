//! A canvas made ready for one size: all that takes time and does not depend on what is seen of each object.

use super::picture::{self, Placed};
use super::shape;
use super::text::TextBlock;
use crate::lesson::canvas::{Canvas, Color, Content, Effect, Fit, Look, Object, Outline, Paint, Side, Text, VerticalAlign};
use engine::frame::{self, Size};
use vello_cpu::PaintType;
use vello_cpu::kurbo::{Affine, BezPath, Rect, Shape as _, Stroke, Vec2};

/// How far something floats in from, in parts of the canvas' height.
pub const FLOAT: f64 = 0.05;

/// A canvas ready to be drawn. It holds its decoded pictures; [`Scene::faults`] names those that could not be read.
pub struct Scene {
    size: Size,
    pub(super) ground: (BezPath, PaintType),
    /// From canvas units to pixels.
    pub(super) view: Affine,
    /// The canvas' own picture first, if it has one.
    items: Vec<Item>,
    /// How many items are no objects.
    under: usize,
    /// What of it cannot be shown, and why.
    pub faults: Vec<String>,
}

/// An object ready to be drawn.
pub(super) struct Item {
    pub ops: Vec<Op>,
    /// From its box, which begins at the origin, to pixels.
    place: Affine,
    /// All that it may draw, in its box.
    reach: Rect,
    pub opacity: f64,
    /// From where and how far it floats in, in pixels.
    float: f64,
}

/// One step of drawing, in an object's box.
pub(super) enum Op {
    Fill(BezPath, PaintType),
    Stroke(BezPath, Stroke, PaintType),
    Picture(BezPath, Placed),
    Text(TextBlock, Vec2),
}

/// How an item is drawn at a time.
pub(super) struct Pose {
    pub place: Affine,
    pub opacity: f64,
    /// Nothing outside of it is seen, in pixels.
    pub clip: Option<Rect>,
}

impl Scene {
    /// Makes `canvas` ready for pictures of `size` (1 to 16,384 pixels a side). It is fitted into them and centred; its ground covers them.
    pub fn new(canvas: &Canvas, size: Size) -> Scene {
        let (width, height) = (f64::from(size.width), f64::from(size.height));
        let scale = (width / canvas.width).min(height / canvas.height);
        let view = Affine::translate(((width - canvas.width * scale) / 2.0, (height - canvas.height * scale) / 2.0)) * Affine::scale(scale);
        let whole = Rect::new(0.0, 0.0, canvas.width, canvas.height);
        // As much as is seen of it: the canvas may be narrower than the picture.
        let seen = view.inverse().transform_rect_bbox(Rect::new(0.0, 0.0, width, height));
        let mut scene = Scene {
            size,
            ground: (seen.to_path(0.1), shape::paint(&canvas.ground, whole)),
            view,
            items: Vec::new(),
            under: 0,
            faults: Vec::new(),
        };
        let float = canvas.height * scale * FLOAT;
        if let Some(file) = &canvas.picture {
            let image = crate::lesson::canvas::Image { file: file.clone(), fit: Fit::Cover, radius: 0.0 };
            let object = Object::new("", [0.0, 0.0, canvas.width, canvas.height], Content::Image(image));
            scene.add(&object, scale, float);
            scene.under = 1;
        }
        canvas.objects.iter().for_each(|object| scene.add(object, scale, float));
        scene
    }

    /// The size it was made for.
    pub fn size(&self) -> Size {
        self.size
    }

    fn add(&mut self, object: &Object, scale: f64, float: f64) {
        let ops = match &object.content {
            Content::Text(text) => vec![text_op(text, object)],
            Content::Shape(shape) => {
                let frame = Rect::new(0.0, 0.0, object.width, object.height);
                let path = shape::path(&shape.outline, object.width, object.height);
                let fill = shape.fill.as_ref().filter(|_| shape.outline != Outline::Line);
                let fill = fill.map(|fill| Op::Fill(path.clone(), shape::paint(fill, frame)));
                // A line of no width would be drawn as a hairline.
                let stroke = shape.stroke.as_ref().filter(|stroke| stroke.width > 0.0);
                let stroke = stroke.map(|s| Op::Stroke(path, shape::stroke(s), shape::paint(&Paint::Color(s.color), frame)));
                fill.into_iter().chain(stroke).collect()
            }
            Content::Image(image) => {
                let seen = (scale * object.scale[0].abs(), scale * object.scale[1].abs());
                match picture::read(&image.file.path, image.fit, object.width, object.height, seen) {
                    _ if object.width <= 0.0 || object.height <= 0.0 => Vec::new(),
                    Ok(placed) => vec![Op::Picture(shape::rounded(placed.area, image.radius), placed)],
                    Err(error) => {
                        self.faults.push(error.to_string());
                        Vec::new()
                    }
                }
            }
        };
        let middle = Vec2::new(object.width / 2.0, object.height / 2.0);
        let place = self.view
            * Affine::translate(Vec2::new(object.x, object.y) + middle)
            * Affine::rotate(object.angle.to_radians())
            * Affine::scale_non_uniform(object.scale[0], object.scale[1])
            * Affine::translate(-middle);
        let reach = ops.iter().map(Op::reach).reduce(|a, b| a.union(b)).unwrap_or_default();
        self.items.push(Item { ops, place, reach, opacity: object.opacity, float });
    }

    /// The items to be drawn with their poses, from back to front. Objects without a look are whole.
    pub(super) fn posed(&self, looks: &[Look]) -> impl Iterator<Item = (&Item, Pose)> {
        let looks: Vec<Look> = (0..self.items.len()).map(|index| self.look(looks, index)).collect();
        self.items.iter().zip(looks).filter_map(|(item, look)| item.pose(look, self.size).map(|pose| (item, pose)))
    }

    /// A rectangle of whole even pixels outside of which two moments are alike.
    pub fn changed(&self, before: &[Look], after: &[Look]) -> frame::Rect {
        let differs = |index: &usize| self.look(before, *index) != self.look(after, *index);
        let reach = |index: usize| {
            let item = &self.items[index];
            let poses = [self.look(before, index), self.look(after, index)].into_iter().filter_map(|look| item.pose(look, self.size));
            poses.map(|pose| touched(item.seen(&pose), self.size)).reduce(frame::Rect::union).unwrap_or_default()
        };
        (0..self.items.len()).filter(differs).map(reach).reduce(frame::Rect::union).unwrap_or_default()
    }

    /// The even pixels that letters of this colour may touch, all objects whole.
    pub fn letters(&self, color: Color) -> frame::Rect {
        let texts = self.items.iter().flat_map(|item| item.ops.iter().map(move |op| (item.place, op)));
        let reaches = texts.flat_map(|(place, op)| {
            let Op::Text(block, at) = op else { return Vec::new() };
            let runs = block.runs.iter().filter(|run| run.color == color.0);
            runs.map(|run| touched(place.transform_rect_bbox(run.reach + *at), self.size)).collect()
        });
        reaches.fold(frame::Rect::default(), frame::Rect::union)
    }

    fn look(&self, looks: &[Look], index: usize) -> Look {
        index.checked_sub(self.under).and_then(|index| looks.get(index)).copied().unwrap_or(Look::Whole)
    }
}

impl Item {
    /// `None` when nothing is seen of it.
    fn pose(&self, look: Look, size: Size) -> Option<Pose> {
        let whole = Pose { place: self.place, opacity: self.opacity, clip: None };
        let (effect, part) = match look {
            Look::Hidden => return None,
            Look::Whole => return Some(whole).filter(|pose| pose.opacity > 0.0),
            Look::Partly(effect, part) => (effect, part),
        };
        let faded = Pose { opacity: self.opacity * part, ..whole };
        let shifted = |by: Vec2| Affine::translate(by) * self.place;
        let frame = self.place.transform_rect_bbox(self.reach);
        Some(match effect {
            Effect::Appear => whole,
            Effect::Fade => faded,
            Effect::Fly(side) => {
                let (width, height) = (f64::from(size.width), f64::from(size.height));
                let away = match side {
                    Side::Left => Vec2::new(-frame.x1, 0.0),
                    Side::Right => Vec2::new(width - frame.x0, 0.0),
                    Side::Top => Vec2::new(0.0, -frame.y1),
                    Side::Bottom => Vec2::new(0.0, height - frame.y0),
                };
                Pose { place: shifted(away * (1.0 - part)), opacity: self.opacity, clip: None }
            }
            Effect::Float(side) => {
                let away = match side {
                    Side::Left => Vec2::new(-self.float, 0.0),
                    Side::Right => Vec2::new(self.float, 0.0),
                    Side::Top => Vec2::new(0.0, -self.float),
                    Side::Bottom => Vec2::new(0.0, self.float),
                };
                Pose { place: shifted(away * (1.0 - part)), ..faded }
            }
            Effect::Zoom => Pose { place: Affine::scale_about(part, frame.center()) * self.place, ..faded },
            Effect::Wipe(side) => {
                let (across, down) = (frame.width() * part, frame.height() * part);
                let clip = match side {
                    Side::Left => Rect { x1: frame.x0 + across, ..frame },
                    Side::Right => Rect { x0: frame.x1 - across, ..frame },
                    Side::Top => Rect { y1: frame.y0 + down, ..frame },
                    Side::Bottom => Rect { y0: frame.y1 - down, ..frame },
                };
                Pose { clip: Some(clip), ..whole }
            }
        })
    }

    /// All pixels that it may touch lie in here.
    pub fn seen(&self, pose: &Pose) -> Rect {
        let frame = pose.place.transform_rect_bbox(self.reach);
        pose.clip.map_or(frame, |clip| frame.intersect(clip))
    }
}

impl Op {
    fn reach(&self) -> Rect {
        match self {
            Op::Fill(path, _) => path.bounding_box(),
            Op::Stroke(path, stroke, _) => {
                // A mitre reaches out as far as its limit allows.
                let around = stroke.width / 2.0 * stroke.miter_limit.max(1.5);
                path.bounding_box().inflate(around, around)
            }
            Op::Picture(path, _) => path.bounding_box(),
            Op::Text(block, at) => block.reach + *at,
        }
    }
}

fn text_op(text: &Text, object: &Object) -> Op {
    let block = TextBlock::lay_out(text, object.width);
    let room = object.height - block.size().1;
    let down = match text.anchor {
        VerticalAlign::Top => 0.0,
        VerticalAlign::Middle => room / 2.0,
        VerticalAlign::Bottom => room,
    };
    Op::Text(block, Vec2::new(0.0, down))
}

/// The even pixels that `rect` touches, and one more on each side for what antialiasing reaches, inside a picture.
pub(super) fn touched(rect: Rect, size: Size) -> frame::Rect {
    let low = |value: f64, side: u32| (value.floor() - 1.0).clamp(0.0, f64::from(side)) as i32 & !1;
    let high = |value: f64, side: u32| ((value.ceil() + 1.0).clamp(0.0, f64::from(side)) as u32).next_multiple_of(2).min(side) as i32;
    let (x0, y0) = (low(rect.x0, size.width), low(rect.y0, size.height));
    let (x1, y1) = (high(rect.x1, size.width), high(rect.y1, size.height));
    if x1 <= x0 || y1 <= y0 {
        return frame::Rect::default();
    }
    frame::Rect { x: x0, y: y0, width: (x1 - x0) as u32, height: (y1 - y0) as u32 }
}
