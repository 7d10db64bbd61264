//! What can never be seen: most of the hair behind the face, the neck behind the collar.
//!
//! A cell of a plate is hidden when some later plate is opaque wherever the motion allowed by the rig can bring that cell. Leaving
//! hidden cells out changes no byte of any picture, which the tests check.

use vello_cpu::Resources;
use vello_cpu::kurbo::{Affine, Point, Rect};

use super::articulate::{Articulation, Steps};
use super::figure::Rig;
use super::parts::{Part, Plates};
use super::pose::Pose;

/// Cells added around where a cell can go: motion is not quite linear between its extremes, and plates mix neighbouring samples.
const SLACK: f64 = 1.0;

/// Where a later layer lets nothing through.
struct Cover {
    layer: usize,
    across: usize,
    opaque: Vec<bool>,
    to_cells: Affine,
}

/// Tells every plate of `parts` (one per layer of `rig`) which of its cells are hidden.
pub(super) fn hide(rig: &Rig, parts: &mut [Part], steps: &Steps, resources: &mut Resources) {
    let extremes = extremes(rig, steps);
    let covers: Vec<Cover> =
        parts.iter_mut().enumerate().filter_map(|(layer, part)| Some(cover(rig, layer, part.plates()?, resources))).collect();
    for (layer, part) in parts.iter_mut().enumerate() {
        let Some(plates) = part.plates() else { continue };
        let (across, down) = plates.sampling().cells();
        let from_cells = plates.sampling().cell_grid().inverse();
        let over: Vec<(&Cover, Vec<Affine>)> = covers
            .iter()
            .filter(|cover| cover.layer > layer)
            .map(|cover| {
                let relative = |frame: &Vec<Affine>| cover.to_cells * frame[cover.layer].inverse() * frame[layer] * from_cells;
                (cover, extremes.iter().map(relative).collect())
            })
            .collect();
        let hidden = |index: usize| {
            let cell = Rect::from_origin_size(((index % across) as f64, (index / across) as f64), (1.0, 1.0));
            over.iter().any(|(cover, moves)| cover.hides(cell, moves))
        };
        plates.hide((0..across * down).map(hidden).collect());
    }
}

/// The matrices of all layers at the ends of every motion.
fn extremes(rig: &Rig, steps: &Steps) -> Vec<Vec<Affine>> {
    let limits = &rig.numbers.limits;
    let mut frames = Vec::new();
    for mouth in ["sil", "aa", "smile"] {
        for corner in 0..16 {
            let end = |bit: u32, range: [f64; 2]| range[corner >> bit & 1];
            let pose = Pose {
                mouth: Pose::mouth_of(mouth),
                yaw: end(0, limits.yaw),
                pitch: end(1, limits.pitch),
                tilt: end(2, limits.tilt),
                breath: end(3, [0.0, 1.0]),
                ..Pose::NEUTRAL
            };
            frames.push(Articulation::new(rig, &pose, Affine::IDENTITY, steps).layers);
        }
    }
    frames
}

/// Opaque with the jaw closed and open, and so in between.
fn cover(rig: &Rig, layer: usize, plates: &mut Plates, resources: &mut Resources) -> Cover {
    let closed = plates.get(rig, 0.0, resources).opaque();
    let open = plates.get(rig, 1.0, resources).opaque();
    let opaque = closed.into_iter().zip(open).map(|(a, b)| a && b).collect();
    Cover { layer, across: plates.sampling().cells().0, opaque, to_cells: plates.sampling().cell_grid() }
}

impl Cover {
    /// Whether `cell` stays behind opaque cells in all `moves`, which map it into cells of this cover.
    fn hides(&self, cell: Rect, moves: &[Affine]) -> bool {
        let Some(first) = moves.first() else { return false };
        if !self.is_opaque(*first * cell.center()) {
            return false;
        }
        let reach = moves.iter().map(|m| m.transform_rect_bbox(cell)).reduce(|a, b| a.union(b)).unwrap_or(cell).inflate(SLACK, SLACK);
        let (left, right) = (reach.x0.floor() as i64, reach.x1.ceil() as i64);
        (reach.y0.floor() as i64..reach.y1.ceil() as i64)
            .all(|y| (left..right).all(|x| self.is_opaque(Point::new(x as f64 + 0.5, y as f64 + 0.5))))
    }

    fn is_opaque(&self, at: Point) -> bool {
        let (x, y) = (at.x.floor(), at.y.floor());
        let inside = x >= 0.0 && y >= 0.0 && x < self.across as f64;
        inside && self.opaque.get(y as usize * self.across + x as usize).is_some_and(|opaque| *opaque)
    }
}
