//! The painter: one pose in, one picture out, redrawing only what changed.
//!
//! Layers are laid down back to front, stiff ones as plates, the others as paths by `vello_cpu` on one thread (see
//! [`super::parts`]), both only inside the rectangle that differs from the frame before.
//!
//! Invariant: the picture is a function of the rig, the height and the pose alone. What was painted before decides how much is
//! redrawn, never what comes out; the tests compare byte by byte.

use std::sync::Arc;

use vello_cpu::color::PremulRgba8;
use vello_cpu::kurbo::{Affine, Rect};
use vello_cpu::{Pixmap, RasterizerSettings, RenderContext, Resources, TargetInit};

use super::articulate::{Articulation, Steps};
use super::figure::Rig;
use super::occlusion;
use super::parts::{self, Part};
use super::pose::Pose;
use super::region::Region;
use super::scene::{self, Shapes};
use super::svg::{Op, Outline};

/// Figure units around the box at rest that all motion stays in.
const MARGIN: f64 = 30.0;
/// Above this part of the picture, redrawing all of it is cheaper than clipping.
const WHOLE_FROM: f64 = 0.6;

/// Heights that can be painted, in pixels.
pub const HEIGHTS: std::ops::RangeInclusive<u16> = 64..=2160;

/// Paints one presenter at one height. Holds the picture.
pub struct Painter {
    rig: Arc<Rig>,
    /// One per layer of the rig.
    parts: Vec<Part>,
    view: Affine,
    steps: Steps,
    picture: Pixmap,
    scene: RenderContext,
    resources: Resources,
    shapes: Shapes,
    /// The frame that the picture shows, and its shapes.
    shown: Option<(Articulation, Shapes)>,
}

impl Rig {
    /// Size in pixels, (width, height), of the picture whose lower edge is the cut of the figure. `height` is brought into
    /// [`HEIGHTS`]; the width is even.
    pub fn picture_size(&self, height: u16) -> (u16, u16) {
        let height = height.clamp(*HEIGHTS.start(), *HEIGHTS.end());
        let space = self.space();
        let width = (space.width() * f64::from(height) / space.height() / 2.0).ceil() * 2.0;
        (width.clamp(2.0, 8192.0) as u16, height)
    }

    /// What the picture shows, in figure units.
    pub(super) fn space(&self) -> Rect {
        let rest = self.rest_box();
        Rect::new(rest.x - MARGIN, rest.y - MARGIN, rest.x + rest.width + MARGIN, rest.cut_y)
    }
}

impl Painter {
    /// A painter of pictures of `rig.picture_size(height)`.
    pub fn new(rig: Arc<Rig>, height: u16) -> Painter {
        Painter::build(rig, height, true)
    }

    /// `thrifty`: leaves out what can never be seen.
    pub(super) fn build(rig: Arc<Rig>, height: u16, thrifty: bool) -> Painter {
        let (width, height) = rig.picture_size(height);
        let space = rig.space();
        let scale = f64::from(height) / space.height();
        // What the even width adds is split between both sides.
        let origin_x = space.x0 - (f64::from(width) / scale - space.width()) / 2.0;
        let steps = Steps::new(&rig, scale);
        let mut resources = Resources::new();
        let mut parts: Vec<Part> = (0..rig.layers.len()).map(|layer| Part::new(&rig, layer, &steps, scale, origin_x)).collect();
        if thrifty {
            occlusion::hide(&rig, &mut parts, &steps, &mut resources);
        }
        Painter {
            parts,
            view: Affine::scale(scale) * Affine::translate((-origin_x, -space.y0)),
            steps,
            picture: Pixmap::new(width, height),
            scene: RenderContext::new_with(width, height, parts::settings()),
            resources,
            shapes: Shapes::new(&rig.poses),
            shown: None,
            rig,
        }
    }

    /// The picture as last painted: premultiplied RGBA, transparent ground, the cut of the figure on its lower edge.
    pub fn picture(&self) -> &Pixmap {
        &self.picture
    }

    /// From figure units to pixels of the picture.
    pub(super) fn view(&self) -> Affine {
        self.view
    }

    /// Paints `pose`. Returns the rectangle outside of which the picture is as it was; `None`: nothing changed at all.
    pub fn paint(&mut self, pose: &Pose) -> Option<Region> {
        let next = Articulation::new(&self.rig, pose, self.view, &self.steps);
        if self.shown.as_ref().is_some_and(|(shown, _)| *shown == next) {
            return None;
        }
        self.shapes.mix(&self.rig.poses, &next);
        let whole = Region::whole(self.picture.width(), self.picture.height());
        let region = match &self.shown {
            Some((shown, shapes)) => self.changed(shown, shapes, &next).map(|area| Region::touched(area, whole)),
            None => Some(whole),
        };
        let region =
            region.filter(|r| !r.is_empty()).map(|r| if f64::from(r.area()) > WHOLE_FROM * f64::from(whole.area()) { whole } else { r });
        if let Some(region) = region {
            self.redraw(&next, region, region != whole);
        }
        match &mut self.shown {
            Some((shown, shapes)) => {
                *shown = next;
                std::mem::swap(shapes, &mut self.shapes);
            }
            None => self.shown = Some((next, self.shapes.clone())),
        }
        region
    }

    /// A rectangle in pixels around all that differs between the frame shown and `next`.
    fn changed(&self, shown: &Articulation, shapes: &Shapes, next: &Articulation) -> Option<Rect> {
        let mut area: Option<Rect> = None;
        let mut add = |rect: Rect| area = Some(area.map_or(rect, |a| a.union(rect)));
        for ((layer, part), (before, after)) in self.rig.layers.iter().zip(&self.parts).zip(shown.layers.iter().zip(&next.layers)) {
            if before != after {
                let bounds = |shapes, matrix: Affine, gaze| match part {
                    Part::Plates(plates) => matrix.transform_rect_bbox(plates.bounds),
                    Part::Paths => scene::bounds(&layer.ops, shapes, matrix, gaze),
                };
                add(bounds(shapes, *before, shown.gaze));
                add(bounds(&self.shapes, *after, next.gaze));
                continue;
            }
            for op in &layer.ops {
                let (Op::Fill { outline, at, iris, .. } | Op::PushClip { outline, at, iris, .. }) = op else { continue };
                if *iris && shown.gaze != next.gaze {
                    let reach = shapes.path(outline).control_box().union(self.shapes.path(outline).control_box());
                    add((*before * shown.gaze * *at).transform_rect_bbox(reach));
                    add((*before * next.gaze * *at).transform_rect_bbox(reach));
                } else if let Outline::Morph(index) = outline
                    && let Some(swept) = scene::swept(&shapes.morphs[*index], &self.shapes.morphs[*index])
                {
                    let at = if *iris { *after * next.gaze * *at } else { *after * *at };
                    add(at.transform_rect_bbox(swept));
                }
            }
        }
        area
    }

    /// Draws all layers inside `region`; `clipped`: nothing outside may change.
    fn redraw(&mut self, next: &Articulation, region: Region, clipped: bool) {
        let width = usize::from(self.picture.width());
        for y in region.y0..region.y1 {
            let row = &mut self.picture.data_mut()[usize::from(y) * width..][..width];
            row[usize::from(region.x0)..usize::from(region.x1)].fill(PremulRgba8::from_u32(0));
        }
        let mut layer = 0;
        while layer < self.parts.len() {
            if let Part::Plates(plates) = &mut self.parts[layer] {
                plates.get(&self.rig, next.jaw(), &mut self.resources).draw(&mut self.picture, region, next.layers[layer]);
                layer += 1;
            } else {
                let end = self.parts[layer..].iter().position(|p| matches!(p, Part::Plates(_))).map_or(self.parts.len(), |n| layer + n);
                self.draw_paths(next, layer..end, region, clipped);
                layer = end;
            }
        }
    }

    /// Draws neighbouring layers from their paths.
    fn draw_paths(&mut self, next: &Articulation, layers: std::ops::Range<usize>, region: Region, clipped: bool) {
        let layers = || layers.clone().map(|layer| (&self.rig.layers[layer].ops, next.layers[layer]));
        // The scene starts where the paths start, whatever `region` is: its origin decides how coordinates are rounded.
        let boxes = layers().map(|(ops, matrix)| scene::bounds(ops, &self.shapes, matrix, next.gaze));
        let Some(bounds) = boxes.reduce(|a, b| a.union(b)) else { return };
        let bounds = Region::touched(bounds, Region::whole(self.picture.width(), self.picture.height()));
        if !bounds.meets(region) {
            return;
        }
        let [width, height] = [bounds.x1.min(region.x1) - bounds.x0, bounds.y1.min(region.y1) - bounds.y0];
        let visible = region.counted_from(bounds.x0, bounds.y0);
        self.scene.reset_and_resize(width, height);
        if clipped {
            let [x0, y0, x1, y1] = [visible.x0, visible.y0, visible.x1, visible.y1].map(f64::from);
            self.scene.push_clip_rect(&Rect::new(x0, y0, x1, y1));
        }
        let origin = Affine::translate((-f64::from(bounds.x0), -f64::from(bounds.y0)));
        for (ops, matrix) in layers() {
            scene::draw(&mut self.scene, ops, &self.shapes, origin * matrix, next.gaze, visible);
        }
        if clipped {
            self.scene.pop_clip();
        }
        self.scene.flush();
        let settings =
            RasterizerSettings { target_init: TargetInit::SrcOver, offset: (bounds.x0, bounds.y0), ..RasterizerSettings::default() };
        self.scene.render_with(&mut self.picture, &mut self.resources, settings);
    }
}
