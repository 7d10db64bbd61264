//! The two ways to draw a layer.
//!
//! A *stiff* layer, whose shape is fixed or follows the jaw alone, is kept as plates, one for each level of the jaw that came up;
//! layers that follow mouth, lids, brows or gaze are drawn from their paths. Which way is decided once per painter, never by what was
//! painted before.

use std::collections::BTreeMap;

use vello_cpu::kurbo::{Affine, Rect};
use vello_cpu::{Pixmap, RenderContext, RenderSettings, Resources};

use super::articulate::Steps;
use super::figure::Rig;
use super::numbers::Parent;
use super::plate::{Plate, Sampling};
use super::poses::Channel;
use super::region::Region;
use super::scene::{self, Shapes};

/// A layer whose plates would need more memory than this is drawn from its paths.
const MAX_PLATE_BYTES: usize = 48 << 20;

/// How a layer is drawn.
pub(super) enum Part {
    Paths,
    Plates(Plates),
}

/// The plates of one layer.
pub(super) struct Plates {
    layer: usize,
    sampling: Sampling,
    /// Levels of the jaw; 0 when it does not matter.
    levels: f64,
    /// All that is drawn at any level, in layer units.
    pub bounds: Rect,
    /// Cells that no pose brings to light.
    hidden: Vec<bool>,
    by_level: BTreeMap<u16, Plate>,
}

impl Part {
    /// Chooses for the layer with that index. `view` is a scale of `scale` after a shift of `-origin_x`.
    pub fn new(rig: &Rig, layer: usize, steps: &Steps, scale: f64, origin_x: f64) -> Part {
        let own = &rig.layers[layer];
        if !own.is_stiff() {
            return Part::Paths;
        }
        let levels = if own.shaped_by(Channel::Jaw) { steps.jaw } else { 0.0 };
        let boxes = [0.0, 1.0].map(|jaw| scene::bounds(&own.ops, &Shapes::with_jaw(&rig.poses, jaw), Affine::IDENTITY, Affine::IDENTITY));
        let bounds = boxes[0].union(boxes[1]).intersect(visible(rig));
        let still_across = own.numbers.parent == Parent::Body && own.numbers.side == 0.0;
        let Some(sampling) = Sampling::new(bounds, scale, origin_x, still_across) else { return Part::Paths };
        if sampling.bytes() * (levels as usize + 1) > MAX_PLATE_BYTES {
            return Part::Paths;
        }
        let (across, down) = sampling.cells();
        Part::Plates(Plates { layer, sampling, levels, bounds, hidden: vec![false; across * down], by_level: BTreeMap::new() })
    }
}

impl Part {
    /// Its plates, if it is drawn by them.
    pub fn plates(&mut self) -> Option<&mut Plates> {
        match self {
            Part::Plates(plates) => Some(plates),
            Part::Paths => None,
        }
    }
}

/// All of the figure that any motion can bring into the picture: far beyond its box at rest.
fn visible(rig: &Rig) -> Rect {
    let rest = rig.rest_box();
    Rect::new(rest.x, rest.y, rest.x + rest.width, rest.cut_y).inflate(rest.width / 2.0, rest.height / 2.0)
}

impl Plates {
    /// The plate for a jaw that is open by `jaw` (0..1), drawn now if it is the first of its level.
    pub fn get(&mut self, rig: &Rig, jaw: f64, resources: &mut Resources) -> &Plate {
        let level = (jaw * self.levels).round();
        let Plates { layer, sampling, hidden, .. } = self;
        let jaw = level / self.levels.max(1.0);
        self.by_level.entry(level as u16).or_insert_with(|| {
            let (width, height) = sampling.size;
            let mut drawn = Pixmap::new(width, height);
            let mut context = RenderContext::new_with(width, height, settings());
            let shapes = Shapes::with_jaw(&rig.poses, jaw);
            scene::draw(&mut context, &rig.layers[*layer].ops, &shapes, sampling.at, Affine::IDENTITY, Region::whole(width, height));
            context.flush();
            context.render(&mut drawn, resources);
            let mut plate = Plate::new(&drawn, *sampling);
            plate.hide(hidden);
            plate
        })
    }

    /// Leaves out `hidden` cells of all plates.
    pub fn hide(&mut self, hidden: Vec<bool>) {
        self.by_level.values_mut().for_each(|plate| plate.hide(&hidden));
        self.hidden = hidden;
    }

    /// How the plates are sampled.
    pub fn sampling(&self) -> &Sampling {
        &self.sampling
    }
}

/// One thread; the widest instructions of the machine (bytes are promised per type of machine only).
pub(super) fn settings() -> RenderSettings {
    RenderSettings { num_threads: 0, ..RenderSettings::default() }
}
