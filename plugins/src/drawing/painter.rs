//! Draws scenes with `vello_cpu` on one thread.

use super::scene::{Item, Op, Pose, Scene, touched};
use super::shape;
use super::text::GlyphRun;
use crate::lesson::canvas::Look;
use engine::frame;
use vello_cpu::color::PremulRgba8;
use vello_cpu::kurbo::{Affine, Rect, Shape as _, Stroke};
use vello_cpu::peniko::ImageSampler;
use vello_cpu::{GlyphRunBuilder, Image, ImageSource, Pixmap, RasterizerSettings, RenderContext, RenderSettings, Resources, TargetInit};

/// How much heavier strokes become where a font has no bold face, in parts of the font size.
const BOLD: f64 = 1.0 / 24.0;

/// Draws. Holds working memory, no picture.
pub struct Painter {
    context: RenderContext,
    resources: Resources,
    /// What is drawn outside of it is not seen, in pixels.
    seen: Rect,
}

impl Default for Painter {
    fn default() -> Painter {
        let settings = RenderSettings { num_threads: 0, ..RenderSettings::default() };
        Painter { context: RenderContext::new_with(1, 1, settings), resources: Resources::new(), seen: Rect::ZERO }
    }
}

impl Painter {
    /// A whole picture: premultiplied RGBA of the scene's size.
    pub fn picture(&mut self, scene: &Scene, looks: &[Look]) -> Pixmap {
        let size = scene.size();
        let mut picture = Pixmap::new(size.width as u16, size.height as u16);
        self.paint(scene, looks, size.rect(), &mut picture);
        picture
    }

    /// Draws all that lies in `region` of a picture of the scene's size anew; the rest of it stays. Objects without a look are whole.
    pub fn paint(&mut self, scene: &Scene, looks: &[Look], region: frame::Rect, picture: &mut Pixmap) {
        let region = region.intersect(scene.size().rect());
        if region.is_empty() {
            return;
        }
        let (left, top) = (region.x as usize, region.y as usize);
        let (right, bottom) = (left + region.width as usize, top + region.height as usize);
        for row in picture.data_mut().chunks_exact_mut(scene.size().width as usize).take(bottom).skip(top) {
            row[left..right].fill(PremulRgba8::from_u32(0));
        }
        self.context.reset_and_resize(right as u16, bottom as u16);
        let clipped = region != scene.size().rect();
        if clipped {
            self.context.push_clip_rect(&Rect::new(left as f64, top as f64, right as f64, bottom as f64));
        }
        self.lay(scene, looks, region, Affine::IDENTITY);
        if clipped {
            self.context.pop_clip();
        }
        self.render_over(picture);
    }

    /// A picture of what lies in `region` alone, as large as that. It may differ from that part of a whole picture by a level: other places
    /// are rounded in another way.
    pub fn part(&mut self, scene: &Scene, looks: &[Look], region: frame::Rect) -> Pixmap {
        let region = region.intersect(scene.size().rect());
        let mut picture = Pixmap::new(region.width.max(1) as u16, region.height.max(1) as u16);
        self.over(scene, looks, region, &mut picture);
        picture
    }

    /// Draws what lies in `region` over a picture of that alone; rounded as in [`part`](Painter::part).
    pub fn over(&mut self, scene: &Scene, looks: &[Look], region: frame::Rect, part: &mut Pixmap) {
        self.context.reset_and_resize(part.width(), part.height());
        self.lay(scene, looks, region, Affine::translate((-f64::from(region.x), -f64::from(region.y))));
        self.render_over(part);
    }

    fn render_over(&mut self, picture: &mut Pixmap) {
        self.context.flush();
        let settings = RasterizerSettings { target_init: TargetInit::SrcOver, ..RasterizerSettings::default() };
        self.context.render_with(picture, &mut self.resources, settings);
    }

    /// Ground and objects, moved as a whole.
    fn lay(&mut self, scene: &Scene, looks: &[Look], region: frame::Rect, moved: Affine) {
        let (left, top) = (f64::from(region.x), f64::from(region.y));
        self.seen = moved.transform_rect_bbox(Rect::new(left, top, left + f64::from(region.width), top + f64::from(region.height)));
        let (ground, paint) = &scene.ground;
        self.context.set_transform(moved * scene.view);
        self.context.set_paint(paint.clone());
        self.context.fill_path(ground);
        for (item, pose) in scene.posed(looks) {
            if !touched(item.seen(&pose), scene.size()).intersect(region).is_empty() {
                self.item(item, &pose, moved);
            }
        }
    }

    fn item(&mut self, item: &Item, pose: &Pose, moved: Affine) {
        self.context.set_transform(moved);
        if let Some(clip) = pose.clip {
            self.context.push_clip_path(&clip.to_path(0.1));
        }
        if pose.opacity < 1.0 {
            self.context.push_opacity_layer(pose.opacity as f32);
        }
        for op in &item.ops {
            self.op(op, moved * pose.place);
        }
        if pose.opacity < 1.0 {
            self.context.pop_layer();
        }
        if pose.clip.is_some() {
            self.context.pop_clip();
        }
    }

    fn op(&mut self, op: &Op, place: Affine) {
        self.context.set_transform(place);
        match op {
            Op::Fill(path, paint) => {
                self.context.set_paint(paint.clone());
                self.context.fill_path(path);
            }
            Op::Stroke(path, stroke, paint) => {
                self.context.set_stroke(stroke.clone());
                self.context.set_paint(paint.clone());
                self.context.stroke_path(path);
            }
            Op::Picture(path, placed) => {
                self.context.set_paint(Image { image: ImageSource::Pixmap(placed.pixels.clone()), sampler: ImageSampler::default() });
                self.context.set_paint_transform(placed.place);
                self.context.fill_path(path);
                self.context.reset_paint_transform();
            }
            Op::Text(block, at) => {
                let place = place * Affine::translate(*at);
                self.context.set_transform(place);
                let seen = self.seen.inflate(1.0, 1.0);
                let runs = || block.runs.iter().filter(|run| place.transform_rect_bbox(run.reach).overlaps(seen));
                if let Some(stroke) = &block.stroke {
                    self.context.set_paint(shape::color(stroke.color.0));
                    runs().for_each(|run| self.around(run, stroke.width));
                }
                for (bar, color) in &block.bars {
                    self.context.set_paint(shape::color(*color));
                    self.context.fill_rect(bar);
                }
                runs().for_each(|run| self.glyphs(run));
            }
        }
    }

    fn glyphs(&mut self, run: &GlyphRun) {
        self.context.set_paint(shape::color(run.color));
        // A glyph that the font does not have is left out; the rest of the text stands.
        let _ = self.builder(run).fill_glyphs(run.glyphs.iter().copied());
        if run.embolden {
            self.around(run, 0.0);
        }
    }

    /// A line along the glyphs' edges; of those that are made bold, along the edges that they have then.
    fn around(&mut self, run: &GlyphRun, width: f64) {
        let bold = if run.embolden { f64::from(run.size) * BOLD } else { 0.0 };
        self.context.set_stroke(Stroke::new(width + bold));
        let _ = self.builder(run).stroke_glyphs(run.glyphs.iter().copied());
    }

    fn builder<'a>(&'a mut self, run: &'a GlyphRun) -> GlyphRunBuilder<'a> {
        let builder = self.context.glyph_run(&mut self.resources, &run.font);
        let builder = builder.font_size(run.size).normalized_coords(&run.coords).hint(false);
        match run.skew {
            Some(degrees) => builder.glyph_transform(Affine::skew(f64::from(degrees).to_radians().tan(), 0.0)),
            None => builder,
        }
    }
}
