//! From a pose to weights and matrices: the arithmetic of the rig, one frame at a time.
//!
//! Matrices are applied right to left to points in figure units:
//! ```text
//! body  = scale y by 1 + breath.scale * breath about cut_y
//! head  = body * rotate(tilt * tilt_deg * share, pivot)              share: 1, for the neck neck_share
//! layer = head * translate(depth * yaw * yaw_px, depth * pitch * pitch_px)
//! depth > 0:      layer *= shear x by yaw * yaw_shear * (y - eyes.left.y)
//! side != 0:      layer *= scale x by 1 - side * yaw * far_squash about the layer's pivot
//! layer "jaw":    layer *= translate(0, jaw * drop_px);    layer "cheeks": translate(0, -cheek * lift_px)
//! ```

use vello_cpu::kurbo::Affine;

use super::figure::{Layer, Rig};
use super::numbers::Parent;
use super::pose::Pose;
use super::poses::Channel;

/// The weights and matrices of one frame.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Articulation {
    mouth: [f64; 16],
    lids: [f64; 4],
    brows: [f64; 3],
    jaw: [f64; 2],
    /// Figure units -> pixels, per layer of the rig.
    pub layers: Vec<Affine>,
    /// Moves each iris inside its eye, in figure units.
    pub gaze: Affine,
}

impl Articulation {
    /// `view` maps figure units to pixels; `steps` says how finely the pose is drawn. Inputs out of range are brought into it.
    pub fn new(rig: &Rig, pose: &Pose, view: Affine, steps: &Steps) -> Articulation {
        let numbers = &rig.numbers;
        let mouth = convex(pose.mouth);
        let weigh = |scalar: &[f64; 16]| mouth.iter().zip(scalar).map(|(w, s)| w * s).sum::<f64>();
        let (jaw, cheek) = (weigh(&rig.poses.jaw), weigh(&rig.poses.cheek));
        let jaw = snap(jaw, steps.jaw);
        let gaze_x = snap(within(pose.gaze_x, numbers.limits.gaze), steps.gaze_x);
        let gaze_y = snap(within(pose.gaze_y, numbers.limits.gaze), steps.gaze_y);

        let open = 1.0 - within(pose.blink, [0.0, 1.0]);
        let smile = snap(numbers.eyes.smile_from_cheek * cheek, steps.smile);
        let half = numbers.eyes.follow_gaze * gaze_y.max(0.0);
        let raised = within(pose.raised, [0.0, 1.0]);
        let concerned = within(pose.concerned, [0.0, 1.0 - raised]);

        let turn = Turn {
            yaw: snap(within(pose.yaw, numbers.limits.yaw), steps.yaw),
            pitch: snap(within(pose.pitch, numbers.limits.pitch), steps.pitch),
            tilt: snap(within(pose.tilt, numbers.limits.tilt), steps.tilt),
            body: stretch_y(1.0 + numbers.breath.scale * snap(within(pose.breath, [0.0, 1.0]), steps.breath), numbers.cut_y),
            jaw,
            cheek,
        };
        Articulation {
            mouth,
            lids: [open * (1.0 - smile) * (1.0 - half), open * (1.0 - smile) * half, 1.0 - open, open * smile],
            brows: [1.0 - raised - concerned, raised, concerned],
            jaw: [1.0 - jaw, jaw],
            layers: rig.layers.iter().map(|layer| view * turn.matrix(rig, layer)).collect(),
            gaze: Affine::translate((gaze_x * numbers.eyes.gaze_px[0], gaze_y * numbers.eyes.gaze_px[1])),
        }
    }

    /// How far the jaw is open, 0..1.
    pub fn jaw(&self) -> f64 {
        self.jaw[1]
    }

    /// The weights of a channel, in the order of its poses.
    pub fn weights(&self, channel: Channel) -> &[f64] {
        match channel {
            Channel::Mouth => &self.mouth,
            Channel::Lids => &self.lids,
            Channel::Brows => &self.brows,
            Channel::Jaw => &self.jaw,
        }
    }
}

/// Into how many steps each unit of motion is divided before it is drawn. Between two steps, which are too small to be seen, the parts
/// concerned stand still and need not be drawn anew.
#[derive(Clone, Copy, Debug)]
pub(super) struct Steps {
    breath: f64,
    yaw: f64,
    pitch: f64,
    tilt: f64,
    gaze_x: f64,
    gaze_y: f64,
    smile: f64,
    /// Levels of the jaw between closed and open.
    pub jaw: f64,
}

impl Steps {
    /// For `scale` pixels per figure unit.
    pub fn new(rig: &Rig, scale: f64) -> Steps {
        let (numbers, rest) = (&rig.numbers, rig.rest_box());
        let steps = |reach: f64, pixels: f64| (reach.abs() * scale / pixels).ceil().max(1.0);
        Steps {
            // Slow and of the whole figure: a quarter pixel, at the crown.
            breath: steps(numbers.breath.scale * (rest.cut_y - rest.y), 0.25),
            yaw: steps(numbers.head.yaw_px, 0.125),
            pitch: steps(numbers.head.pitch_px, 0.125),
            tilt: steps(numbers.head.tilt_deg.to_radians() * (numbers.head.pivot[1] - rest.y), 0.125),
            gaze_x: steps(numbers.eyes.gaze_px[0], 0.125),
            gaze_y: steps(numbers.eyes.gaze_px[1], 0.125),
            smile: 16.0,
            // Always in fast motion when it moves at all; few enough levels to keep a plate of each.
            jaw: steps(numbers.jaw.drop_px, 0.6).clamp(12.0, 24.0),
        }
    }
}

fn snap(value: f64, steps: f64) -> f64 {
    (value * steps).round() / steps
}

/// What moves whole layers.
struct Turn {
    yaw: f64,
    pitch: f64,
    tilt: f64,
    body: Affine,
    jaw: f64,
    cheek: f64,
}

impl Turn {
    fn matrix(&self, rig: &Rig, layer: &Layer) -> Affine {
        let (numbers, own) = (&rig.numbers, &layer.numbers);
        let head = &numbers.head;
        let mut matrix = self.body;
        if own.parent != Parent::Body {
            let share = if own.parent == Parent::Neck { head.neck_share } else { 1.0 };
            matrix *= Affine::rotate_about((self.tilt * head.tilt_deg * share).to_radians(), (head.pivot[0], head.pivot[1]));
            matrix *= Affine::translate((own.depth * self.yaw * head.yaw_px, own.depth * self.pitch * head.pitch_px));
            if own.depth > 0.0 {
                let shear = self.yaw * head.yaw_shear;
                matrix *= Affine::new([1.0, 0.0, shear, 1.0, -shear * numbers.eyes.left[1], 0.0]);
            }
        }
        if let Some([pivot_x, _]) = own.pivot.filter(|_| own.side != 0.0) {
            let squash = 1.0 - own.side * self.yaw * head.far_squash;
            matrix *= Affine::new([squash, 0.0, 0.0, 1.0, pivot_x * (1.0 - squash), 0.0]);
        }
        match layer.name.as_str() {
            "jaw" => matrix * Affine::translate((0.0, self.jaw * numbers.jaw.drop_px)),
            "cheeks" => matrix * Affine::translate((0.0, -self.cheek * numbers.cheeks.lift_px)),
            _ => matrix,
        }
    }
}

fn stretch_y(factor: f64, about: f64) -> Affine {
    Affine::new([1.0, 0.0, 0.0, factor, 0.0, about * (1.0 - factor)])
}

/// `value` inside `[low, high]`; not a number becomes the middle.
fn within(value: f64, [low, high]: [f64; 2]) -> f64 {
    if value.is_nan() { (low + high) / 2.0 } else { value.clamp(low, high) }
}

/// Weights that are >= 0 and sum to 1; all on the first when there are none.
fn convex(weights: [f64; 16]) -> [f64; 16] {
    let weights = weights.map(|w| within(w, [0.0, 1.0]));
    let sum: f64 = weights.iter().sum();
    if sum > 0.0 { weights.map(|w| w / sum) } else { Pose::NEUTRAL.mouth }
}
