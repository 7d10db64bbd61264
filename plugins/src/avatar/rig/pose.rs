//! What a frame shows: the inputs of the drawing, independent of how they came about.

use super::poses::MOUTH_POSES;

/// One frame's pose. Painting depends on nothing else.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pose {
    /// Weight of each mouth pose in the order of [`MOUTH_POSES`]; >= 0, sum 1.
    pub mouth: [f64; 16],
    /// How far the eyes are closed by a blink, 0..1.
    pub blink: f64,
    /// How far the brows are raised, 0..1; with `concerned` at most 1.
    pub raised: f64,
    /// How far the brows are drawn together, 0..1.
    pub concerned: f64,
    /// Turn of the head, -1..1; + is to the viewer's right.
    pub yaw: f64,
    /// Nod of the head, -1..1; + looks down.
    pub pitch: f64,
    /// Tilt of the head, -1..1; + is clockwise.
    pub tilt: f64,
    /// Sideways gaze inside the eyes, -1..1; + is to the viewer's right.
    pub gaze_x: f64,
    /// Vertical gaze, -1..1; + looks down.
    pub gaze_y: f64,
    /// How full the chest is, 0..1.
    pub breath: f64,
}

impl Pose {
    /// The closed mouth, open eyes and level head of `rig.svg` itself.
    pub const NEUTRAL: Pose = Pose {
        mouth: [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
        blink: 0.0,
        raised: 0.0,
        concerned: 0.0,
        yaw: 0.0,
        pitch: 0.0,
        tilt: 0.0,
        gaze_x: 0.0,
        gaze_y: 0.0,
        breath: 0.0,
    };

    /// A mouth that is wholly `pose`, by its name in [`MOUTH_POSES`]; closed for an unknown name.
    pub fn mouth_of(pose: &str) -> [f64; 16] {
        let mut mouth = [0.0; 16];
        mouth[MOUTH_POSES.iter().position(|p| *p == pose).unwrap_or(0)] = 1.0;
        mouth
    }
}
