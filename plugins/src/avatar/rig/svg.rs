//! `rig.svg`: the drawing, read by `usvg` into flat lists of things to draw.
//!
//! A layer becomes one list of [`Op`]s in drawing order; groups, clips and opacities are brackets in it. The opacity of a single path
//! is folded into its paint, which is the same picture without an intermediate layer.

use vello_cpu::kurbo::{Affine, BezPath, PathEl};
use vello_cpu::peniko::Fill;

pub(super) use crate::drawing::svg::Ink;
use crate::drawing::svg::{affine, bez_path, fill_rule, ink};

use super::error::RigError;
use super::poses::{Poses, cubic};

/// Largest number of paths in a drawing, and of commands in all of them.
const MAX_PATHS: usize = 4000;
const MAX_COMMANDS: usize = 200_000;
/// Deepest nesting of groups inside a layer.
pub(super) const MAX_DEPTH: usize = 16;
/// How far `rig.svg` may be from the first pose of a channel, in figure units: both are written with one or two decimals.
const SAME_SHAPE: f64 = 0.11;

/// The outline of a shape or clip.
#[derive(Clone, Debug)]
pub(super) enum Outline {
    /// The same in every frame.
    Fixed(BezPath),
    /// Index into [`Poses::morphs`].
    Morph(usize),
}

/// One step of drawing a layer. `at` maps the outline into the coordinates of the layer.
#[derive(Clone, Debug)]
pub(super) enum Op {
    Fill {
        outline: Outline,
        ink: Ink,
        /// Gradient space -> the space of the outline.
        ink_at: Affine,
        rule: Fill,
        at: Affine,
        /// Moves with the gaze.
        iris: bool,
    },
    PushClip {
        outline: Outline,
        rule: Fill,
        at: Affine,
        iris: bool,
    },
    PopClip,
    PushOpacity(f32),
    PopOpacity,
}

/// A layer as drawn: its name and its steps.
#[derive(Clone, Debug)]
pub(super) struct Drawing {
    pub name: String,
    pub ops: Vec<Op>,
}

/// Reads the layers of `text`, back to front. Checks that every morphing path is there with the topology and shape of its first pose.
pub(super) fn read(file: &str, text: &str, poses: &Poses) -> Result<Vec<Drawing>, RigError> {
    let fail = |problem: String| RigError::invalid(file, problem);
    let tree = usvg::Tree::from_str(text, &usvg::Options::default()).map_err(|e| fail(e.to_string()))?;
    let figure = find_group(tree.root(), "figure", 0).ok_or_else(|| fail("there is no group with the id \"figure\"".into()))?;
    let mut reader = Reader { poses, ops: Vec::new(), seen: vec![false; poses.morphs.len()], paths: 0, commands: 0 };
    let mut layers = Vec::new();
    for node in figure.children() {
        let usvg::Node::Group(layer) = node else {
            return Err(fail(format!(
                "\"{}\" is a child of \"figure\" but not a group; the children of \"figure\" are the layers",
                node.id()
            )));
        };
        if layer.id().is_empty() {
            return Err(fail("a layer has no id".into()));
        }
        if !layer.transform().is_identity() {
            return Err(fail(format!("the layer \"{}\" has a transform of its own; the renderer sets it", layer.id())));
        }
        reader.group(layer, Affine::IDENTITY, false, 0).map_err(|problem| fail(format!("layer \"{}\": {problem}", layer.id())))?;
        layers.push(Drawing { name: layer.id().to_owned(), ops: std::mem::take(&mut reader.ops) });
    }
    match reader.seen.iter().position(|seen| !seen) {
        Some(index) => Err(fail(format!("the path \"{}\" of poses.json is missing or empty", poses.morphs[index].id))),
        None => Ok(layers),
    }
}

/// The group with that id at or below `group`.
pub(super) fn find_group<'a>(group: &'a usvg::Group, id: &str, depth: usize) -> Option<&'a usvg::Group> {
    if group.id() == id {
        return Some(group);
    }
    let inner = group.children().iter().filter_map(|node| if let usvg::Node::Group(g) = node { Some(g.as_ref()) } else { None });
    if depth < MAX_DEPTH { inner.into_iter().find_map(|g| find_group(g, id, depth + 1)) } else { None }
}

struct Reader<'a> {
    poses: &'a Poses,
    ops: Vec<Op>,
    seen: Vec<bool>,
    paths: usize,
    commands: usize,
}

impl Reader<'_> {
    fn group(&mut self, group: &usvg::Group, at: Affine, iris: bool, depth: usize) -> Result<(), String> {
        if depth > MAX_DEPTH {
            return Err(format!("groups are nested more than {MAX_DEPTH} deep"));
        }
        if !group.filters().is_empty() || group.mask().is_some() || group.blend_mode() != usvg::BlendMode::Normal {
            return Err(format!("the group \"{}\" has a filter, mask or blend mode; a rig uses none", group.id()));
        }
        let iris = iris || matches!(group.id(), "eye_left_iris" | "eye_right_iris");
        let at = at * affine(group.transform());
        if let Some(clip) = group.clip_path() {
            self.clip(clip, at, iris)?;
        }
        let opacity = group.opacity().get();
        let folded = match group.children() {
            [usvg::Node::Path(_)] => opacity,
            _ => 1.0,
        };
        let isolated = opacity < 1.0 && folded == 1.0;
        if isolated {
            self.ops.push(Op::PushOpacity(opacity));
        }
        for node in group.children() {
            match node {
                usvg::Node::Group(inner) => self.group(inner, at, iris, depth + 1)?,
                usvg::Node::Path(path) => self.path(path, at, iris, folded)?,
                other => return Err(format!("\"{}\" is text or an image; a rig holds only groups and paths", other.id())),
            }
        }
        if isolated {
            self.ops.push(Op::PopOpacity);
        }
        if group.clip_path().is_some() {
            self.ops.push(Op::PopClip);
        }
        Ok(())
    }

    fn clip(&mut self, clip: &usvg::ClipPath, at: Affine, iris: bool) -> Result<(), String> {
        let [usvg::Node::Path(path)] = clip.root().children() else {
            return Err(format!("the clip path \"{}\" must hold exactly one path without attributes of its own", clip.id()));
        };
        if clip.clip_path().is_some() || clip.root().clip_path().is_some() {
            return Err(format!("the clip path \"{}\" is itself clipped", clip.id()));
        }
        let at = at * affine(clip.transform()) * affine(clip.root().transform());
        let rule = path.fill().map_or(Fill::NonZero, |f| fill_rule(f.rule()));
        let outline = self.outline(path)?;
        self.ops.push(Op::PushClip { outline, rule, at, iris });
        Ok(())
    }

    fn path(&mut self, path: &usvg::Path, at: Affine, iris: bool, opacity: f32) -> Result<(), String> {
        if path.stroke().is_some() {
            return Err(format!("the path \"{}\" has a stroke; a rig is made of filled paths", path.id()));
        }
        let outline = self.outline(path)?;
        if let Some(fill) = path.fill().filter(|_| path.is_visible()) {
            let alpha = fill.opacity().get() * opacity;
            let inked = ink(fill.paint(), alpha);
            let (ink, ink_at) = inked.ok_or_else(|| format!("the path \"{}\" is filled with a pattern", path.id()))?;
            self.ops.push(Op::Fill { outline, ink, ink_at, rule: fill_rule(fill.rule()), at, iris });
        }
        Ok(())
    }

    fn outline(&mut self, path: &usvg::Path) -> Result<Outline, String> {
        let drawn = bez_path(path);
        self.paths += 1;
        self.commands += drawn.elements().len();
        if self.paths > MAX_PATHS || self.commands > MAX_COMMANDS {
            return Err(format!("more than {MAX_PATHS} paths or {MAX_COMMANDS} path commands: simplify the drawing"));
        }
        let Some(index) = self.poses.morph_of(path.id()) else {
            return Ok(Outline::Fixed(drawn));
        };
        let drawn = cubic(&drawn);
        let morph = &self.poses.morphs[index];
        let expected = morph.first_pose();
        let far = |(a, b): (&PathEl, &PathEl)| match (a, b) {
            (PathEl::MoveTo(a), PathEl::MoveTo(b)) => (*a - *b).hypot() > SAME_SHAPE,
            (PathEl::CurveTo(a, b, c), PathEl::CurveTo(d, e, f)) => [*a - *d, *b - *e, *c - *f].iter().any(|v| v.hypot() > SAME_SHAPE),
            (PathEl::ClosePath, PathEl::ClosePath) => false,
            _ => true,
        };
        if drawn.elements().len() != expected.elements().len() || drawn.iter().zip(expected.iter()).any(|(a, b)| far((&a, &b))) {
            return Err(format!(
                "the path \"{}\" is not the pose \"{}\" of poses.json; the drawing shows the first pose of each channel",
                path.id(),
                morph.channel.poses()[0]
            ));
        }
        self.seen[index] = true;
        Ok(Outline::Morph(index))
    }
}
