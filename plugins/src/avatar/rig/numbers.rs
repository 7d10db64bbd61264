//! `rig.toml`: the numbers of a rig. Checked here, so that drawing and motion can take them as they are.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::error::RigError;

/// Everything that `rig.toml` says. Lengths are in figure units (those of `rig.svg`), angles in degrees, times in seconds.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Numbers {
    pub name: String,
    pub view_box: [f64; 4],
    #[serde(rename = "box")]
    pub rest_box: [f64; 4],
    pub cut_y: f64,
    pub head: Head,
    pub jaw: Jaw,
    pub cheeks: Cheeks,
    pub eyes: Eyes,
    pub breath: Breath,
    pub rest: Rest,
    pub limits: Limits,
    pub layers: BTreeMap<String, LayerNumbers>,
    #[serde(default, rename = "palette")]
    _palette: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Head {
    pub pivot: [f64; 2],
    pub tilt_deg: f64,
    pub yaw_px: f64,
    pub pitch_px: f64,
    pub yaw_shear: f64,
    pub far_squash: f64,
    pub neck_share: f64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Jaw {
    pub drop_px: f64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Cheeks {
    pub lift_px: f64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Eyes {
    pub left: [f64; 2],
    pub right: [f64; 2],
    pub gaze_px: [f64; 2],
    pub follow_gaze: f64,
    pub smile_from_cheek: f64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Breath {
    pub scale: f64,
    pub period_s: f64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rest {
    pub yaw: f64,
    pub pitch: f64,
    pub tilt: f64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Limits {
    pub yaw: [f64; 2],
    pub pitch: [f64; 2],
    pub tilt: [f64; 2],
    pub gaze: [f64; 2],
    pub blink_s: [f64; 3],
    pub mouth_lead_s: f64,
}

/// How one layer hangs on the figure.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LayerNumbers {
    pub parent: Parent,
    #[serde(default)]
    pub depth: f64,
    #[serde(default)]
    pub side: f64,
    pub pivot: Option<[f64; 2]>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Parent {
    Body,
    Neck,
    Head,
}

impl Numbers {
    /// Parses and checks; `file` is named in errors.
    pub fn parse(file: &str, text: &str) -> Result<Numbers, RigError> {
        let numbers: Numbers = toml::from_str(text).map_err(|e| RigError::invalid(file, e.to_string()))?;
        numbers.check().map_err(|problem| RigError::invalid(file, problem))?;
        Ok(numbers)
    }

    /// Ranges wide enough for any figure, narrow enough that no frame can overflow.
    fn check(&self) -> Result<(), String> {
        let within = |key: &str, values: &[f64], low: f64, high: f64| match values.iter().find(|v| !(low..=high).contains(*v)) {
            Some(v) => Err(format!("{key} holds {v}; it must be within {low} and {high}")),
            None => Ok(()),
        };
        let span = |key: &str, [low, high]: [f64; 2]| {
            within(key, &[low, high], -1.0, 1.0)?;
            if low < high { Ok(()) } else { Err(format!("{key} is [{low}, {high}]; the first must be below the second")) }
        };
        let [_, _, width, height] = self.view_box;
        within("view_box", &self.view_box, -10_000.0, 10_000.0)?;
        within("the width and height of view_box", &[width, height], 16.0, 10_000.0)?;
        within("box", &self.rest_box, -10_000.0, 10_000.0)?;
        within("the width and height of box", &self.rest_box[2..], 16.0, 10_000.0)?;
        within("cut_y", &[self.cut_y], self.rest_box[1] + 16.0, 10_000.0)?;
        let head = &self.head;
        within("head.pivot", &head.pivot, -10_000.0, 10_000.0)?;
        within("head.tilt_deg", &[head.tilt_deg], -45.0, 45.0)?;
        within("head.yaw_px and head.pitch_px", &[head.yaw_px, head.pitch_px], -1000.0, 1000.0)?;
        within("head.yaw_shear and head.far_squash", &[head.yaw_shear, head.far_squash], -0.5, 0.5)?;
        within("head.neck_share", &[head.neck_share], -1.0, 1.0)?;
        within("jaw.drop_px and cheeks.lift_px", &[self.jaw.drop_px, self.cheeks.lift_px], -1000.0, 1000.0)?;
        let eyes = &self.eyes;
        within("eyes.left and eyes.right", &[eyes.left[0], eyes.left[1], eyes.right[0], eyes.right[1]], -10_000.0, 10_000.0)?;
        within("eyes.gaze_px", &eyes.gaze_px, -1000.0, 1000.0)?;
        within("eyes.follow_gaze and eyes.smile_from_cheek", &[eyes.follow_gaze, eyes.smile_from_cheek], 0.0, 1.0)?;
        within("breath.scale", &[self.breath.scale], 0.0, 0.2)?;
        within("breath.period_s", &[self.breath.period_s], 1.0, 20.0)?;
        let limits = &self.limits;
        span("limits.yaw", limits.yaw)?;
        span("limits.pitch", limits.pitch)?;
        span("limits.tilt", limits.tilt)?;
        span("limits.gaze", limits.gaze)?;
        within("limits.blink_s", &limits.blink_s, 0.01, 0.5)?;
        within("limits.mouth_lead_s", &[limits.mouth_lead_s], 0.0, 0.1)?;
        within("rest.yaw", &[self.rest.yaw], limits.yaw[0], limits.yaw[1])?;
        within("rest.pitch", &[self.rest.pitch], limits.pitch[0], limits.pitch[1])?;
        within("rest.tilt", &[self.rest.tilt], limits.tilt[0], limits.tilt[1])?;
        for (name, layer) in &self.layers {
            within(&format!("layers.{name}.depth"), &[layer.depth], -2.0, 2.0)?;
            within(&format!("layers.{name}.side"), &[layer.side], -1.0, 1.0)?;
            match layer.pivot {
                Some(pivot) => within(&format!("layers.{name}.pivot"), &pivot, -10_000.0, 10_000.0)?,
                None if layer.side != 0.0 => return Err(format!("layers.{name} has a side but no pivot to narrow about")),
                None => {}
            }
        }
        Ok(())
    }
}
