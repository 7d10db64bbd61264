//! Vector drawings (SVG), as `usvg` reads them: simple ones drawn whole, and the conversions for those who draw parts of them.

use usvg::tiny_skia_path::PathSegment;
use vello_cpu::color::{AlphaColor, DynamicColor, Srgb};
use vello_cpu::kurbo::{Affine, BezPath, Cap, Join, PathEl, Stroke};
use vello_cpu::peniko::{
    self, ColorStop, ColorStops, Extend, Fill, Gradient, GradientKind, InterpolationAlphaSpace, LinearGradientPosition,
    RadialGradientPosition,
};
use vello_cpu::{Pixmap, RasterizerSettings, RenderContext, RenderSettings, Resources, TargetInit};

/// Deepest nesting of groups.
const MAX_DEPTH: usize = 64;

/// What fills a shape.
#[derive(Clone, Debug)]
pub(crate) enum Ink {
    Solid(AlphaColor<Srgb>),
    Gradient(Box<Gradient>),
}

/// A drawing stretched to this many pixels: premultiplied RGBA on a transparent ground.
///
/// # Errors
/// It has something that is not drawn: text, pictures, masks, filters, patterns, blend modes.
pub(crate) fn picture(tree: &usvg::Tree, width: u16, height: u16) -> Result<Pixmap, String> {
    let mut context = RenderContext::new_with(width, height, RenderSettings { num_threads: 0, ..RenderSettings::default() });
    let size = tree.size();
    let view = Affine::scale_non_uniform(f64::from(width) / f64::from(size.width()), f64::from(height) / f64::from(size.height()));
    group(&mut context, tree.root(), view, 0)?;
    context.flush();
    let mut picture = Pixmap::new(width, height);
    let settings = RasterizerSettings { target_init: TargetInit::SrcOver, ..RasterizerSettings::default() };
    context.render_with(&mut picture, &mut Resources::new(), settings);
    Ok(picture)
}

fn group(context: &mut RenderContext, group: &usvg::Group, at: Affine, depth: usize) -> Result<(), String> {
    if depth > MAX_DEPTH {
        return Err(format!("groups are nested more than {MAX_DEPTH} deep"));
    }
    if !group.filters().is_empty() || group.mask().is_some() || group.blend_mode() != usvg::BlendMode::Normal {
        return Err("it uses a filter, a mask or a blend mode".into());
    }
    let at = at * affine(group.transform());
    let clips = group.clip_path().map_or(Ok(0), |clip| push_clip(context, clip, at))?;
    let opacity = group.opacity().get();
    if opacity < 1.0 {
        context.set_transform(Affine::IDENTITY);
        context.push_opacity_layer(opacity);
    }
    for node in group.children() {
        match node {
            usvg::Node::Group(inner) => self::group(context, inner, at, depth + 1)?,
            usvg::Node::Path(path) => draw(context, path, at)?,
            usvg::Node::Image(_) => return Err("it has pictures in it".into()),
            usvg::Node::Text(_) => return Err("it has text in it; turn its letters into paths".into()),
        }
    }
    if opacity < 1.0 {
        context.pop_layer();
    }
    (0..clips).for_each(|_| context.pop_clip());
    Ok(())
}

/// How many clips it is: one for the path itself, and one for each that clips it.
fn push_clip(context: &mut RenderContext, clip: &usvg::ClipPath, at: Affine) -> Result<usize, String> {
    let mut whole = BezPath::new();
    let at_root = affine(clip.transform()) * affine(clip.root().transform());
    for node in clip.root().children() {
        let usvg::Node::Path(path) = node else { return Err("it is clipped by something that is no path".into()) };
        whole.extend(at_root * bez_path(path));
    }
    let outer = clip.clip_path().map_or(Ok(0), |outer| push_clip(context, outer, at))?;
    context.set_transform(at);
    context.set_fill_rule(Fill::NonZero);
    context.push_clip_path(&whole);
    Ok(outer + 1)
}

fn draw(context: &mut RenderContext, path: &usvg::Path, at: Affine) -> Result<(), String> {
    if !path.is_visible() {
        return Ok(());
    }
    let outline = bez_path(path);
    context.set_transform(at);
    if let Some(fill) = path.fill() {
        set_ink(context, fill.paint(), fill.opacity().get())?;
        context.set_fill_rule(fill_rule(fill.rule()));
        context.fill_path(&outline);
    }
    if let Some(stroke) = path.stroke() {
        set_ink(context, stroke.paint(), stroke.opacity().get())?;
        context.set_stroke(line(stroke));
        context.stroke_path(&outline);
    }
    context.reset_paint_transform();
    Ok(())
}

fn set_ink(context: &mut RenderContext, paint: &usvg::Paint, alpha: f32) -> Result<(), String> {
    let (ink, ink_at) = ink(paint, alpha).ok_or("it is filled with a pattern")?;
    match ink {
        Ink::Solid(color) => context.set_paint(color),
        Ink::Gradient(gradient) => context.set_paint(*gradient),
    }
    context.set_paint_transform(ink_at);
    Ok(())
}

fn line(stroke: &usvg::Stroke) -> Stroke {
    let cap = match stroke.linecap() {
        usvg::LineCap::Butt => Cap::Butt,
        usvg::LineCap::Round => Cap::Round,
        usvg::LineCap::Square => Cap::Square,
    };
    let join = match stroke.linejoin() {
        usvg::LineJoin::Miter | usvg::LineJoin::MiterClip => Join::Miter,
        usvg::LineJoin::Round => Join::Round,
        usvg::LineJoin::Bevel => Join::Bevel,
    };
    let dashes = stroke.dasharray().unwrap_or_default().iter().map(|length| f64::from(*length));
    let plain = Stroke::new(stroke.width().get().into()).with_caps(cap).with_join(join);
    plain.with_miter_limit(stroke.miterlimit().get().into()).with_dashes(stroke.dashoffset().into(), dashes)
}

/// The same transform.
pub(crate) fn affine(t: usvg::Transform) -> Affine {
    Affine::new([t.sx, t.ky, t.kx, t.sy, t.tx, t.ty].map(f64::from))
}

/// The same rule.
pub(crate) fn fill_rule(rule: usvg::FillRule) -> Fill {
    match rule {
        usvg::FillRule::NonZero => Fill::NonZero,
        usvg::FillRule::EvenOdd => Fill::EvenOdd,
    }
}

/// The outline of a path, in its own coordinates.
pub(crate) fn bez_path(path: &usvg::Path) -> BezPath {
    let point = |p: usvg::tiny_skia_path::Point| (f64::from(p.x), f64::from(p.y));
    let element = |segment| match segment {
        PathSegment::MoveTo(p) => PathEl::MoveTo(point(p).into()),
        PathSegment::LineTo(p) => PathEl::LineTo(point(p).into()),
        PathSegment::QuadTo(a, b) => PathEl::QuadTo(point(a).into(), point(b).into()),
        PathSegment::CubicTo(a, b, c) => PathEl::CurveTo(point(a).into(), point(b).into(), point(c).into()),
        PathSegment::Close => PathEl::ClosePath,
    };
    path.data().segments().map(element).collect()
}

/// The paint with this opacity folded in, and where a gradient lies; `None` for a pattern.
pub(crate) fn ink(paint: &usvg::Paint, alpha: f32) -> Option<(Ink, Affine)> {
    let color = |c: usvg::Color, a: f32| AlphaColor::<Srgb>::from_rgba8(c.red, c.green, c.blue, 255).with_alpha(a);
    let (base, kind): (&usvg::BaseGradient, GradientKind) = match paint {
        usvg::Paint::Color(c) => return Some((Ink::Solid(color(*c, alpha)), Affine::IDENTITY)),
        usvg::Paint::LinearGradient(g) => (g, LinearGradientPosition::new((g.x1(), g.y1()), (g.x2(), g.y2())).into()),
        usvg::Paint::RadialGradient(g) => {
            (g, RadialGradientPosition::new_two_point((g.fx(), g.fy()), g.fr().get(), (g.cx(), g.cy()), g.r().get()).into())
        }
        usvg::Paint::Pattern(_) => return None,
    };
    let stop = |s: &usvg::Stop| ColorStop {
        offset: s.offset().get(),
        color: DynamicColor::from_alpha_color(color(s.color(), s.opacity().get() * alpha)),
    };
    let gradient = Gradient {
        kind,
        extend: match base.spread_method() {
            usvg::SpreadMethod::Pad => Extend::Pad,
            usvg::SpreadMethod::Reflect => Extend::Reflect,
            usvg::SpreadMethod::Repeat => Extend::Repeat,
        },
        stops: ColorStops(base.stops().iter().map(stop).collect::<Vec<_>>().as_slice().into()),
        // SVG mixes colours before they are multiplied by their alpha.
        interpolation_alpha_space: InterpolationAlphaSpace::Unpremultiplied,
        ..peniko::Gradient::default()
    };
    Some((Ink::Gradient(Box::new(gradient)), affine(base.transform())))
}
