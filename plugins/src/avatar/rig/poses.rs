//! `poses.json`: the shapes that a presenter can take, and their mixing.
//!
//! A *channel* is a set of named poses whose weights are >= 0 and sum to 1; a *morph* is one path of a channel: its commands, which
//! are the same in all poses, and its coordinates in each. Mixing is the weighted sum of the coordinates, nothing else.

use std::collections::BTreeMap;

use serde::Deserialize;
use vello_cpu::kurbo::{BezPath, PathEl, Point};

use super::error::RigError;

/// Names of the mouth poses in the order of the weights in [`super::Pose::mouth`]: the 15 Oculus visemes, then a smile.
pub const MOUTH_POSES: [&str; 16] = ["sil", "PP", "FF", "TH", "DD", "kk", "CH", "SS", "nn", "RR", "aa", "E", "ih", "oh", "ou", "smile"];

/// Largest number of coordinates of all poses of all paths together.
const MAX_COORDINATES: usize = 1_000_000;

/// The four sets of weights of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Channel {
    Mouth,
    Lids,
    Brows,
    Jaw,
}

impl Channel {
    pub const ALL: [Channel; 4] = [Channel::Mouth, Channel::Lids, Channel::Brows, Channel::Jaw];

    /// Its name in `poses.json`.
    pub fn name(self) -> &'static str {
        match self {
            Channel::Mouth => "mouth",
            Channel::Lids => "lids",
            Channel::Brows => "brows",
            Channel::Jaw => "jaw",
        }
    }

    /// Its poses, in the order of its weights; the first is the one that `rig.svg` shows.
    pub fn poses(self) -> &'static [&'static str] {
        match self {
            Channel::Mouth => &MOUTH_POSES,
            Channel::Lids => &["open", "half", "closed", "smile"],
            Channel::Brows => &["neutral", "raised", "concerned"],
            Channel::Jaw => &["closed", "open"],
        }
    }
}

/// One path that changes its shape.
#[derive(Clone, Debug)]
pub(super) struct Morph {
    pub id: String,
    pub channel: Channel,
    /// The commands: `M`, `C` and `Z`.
    pub topology: String,
    /// Coordinates x, y, x, y, … per pose, in the channel's order of poses.
    pub poses: Vec<Vec<f64>>,
}

impl Morph {
    /// The path of the first pose, the one to be overwritten by [`Morph::mix`].
    pub fn first_pose(&self) -> BezPath {
        self.pose(0)
    }

    /// The path of the pose with that index in the channel's order.
    pub fn pose(&self, index: usize) -> BezPath {
        let mut coordinates = self.poses[index].chunks_exact(2).map(|c| Point::new(c[0], c[1]));
        let mut next = || coordinates.next().expect("as many coordinates as the topology needs, checked when read");
        let element = |command| match command {
            'M' => PathEl::MoveTo(next()),
            'C' => PathEl::CurveTo(next(), next(), next()),
            _ => PathEl::ClosePath,
        };
        self.topology.chars().map(element).collect::<Vec<_>>().into_iter().collect()
    }

    /// Writes the weighted sum of the poses into `path`, which came from [`Morph::first_pose`]. `sum` is scratch space.
    pub fn mix(&self, weights: &[f64], sum: &mut Vec<f64>, path: &mut BezPath) {
        sum.clear();
        sum.resize(self.poses[0].len(), 0.0);
        for (pose, &weight) in self.poses.iter().zip(weights) {
            if weight != 0.0 {
                sum.iter_mut().zip(pose).for_each(|(s, c)| *s += weight * c);
            }
        }
        let mut coordinates = sum.chunks_exact(2).map(|c| Point::new(c[0], c[1]));
        let mut next = || coordinates.next().expect("as many coordinates as the topology needs, checked when read");
        for element in path.elements_mut() {
            match element {
                PathEl::MoveTo(p) => *p = next(),
                PathEl::CurveTo(a, b, c) => (*a, *b, *c) = (next(), next(), next()),
                _ => {}
            }
        }
    }
}

/// `path` with its lines and quadratic curves as cubic ones, the only ones that are mixed.
pub(super) fn cubic(path: &BezPath) -> BezPath {
    let (mut start, mut at) = (Point::ZERO, Point::ZERO);
    let element = |element| match element {
        PathEl::MoveTo(p) => {
            (start, at) = (p, p);
            element
        }
        PathEl::LineTo(p) => {
            let from = std::mem::replace(&mut at, p);
            PathEl::CurveTo(from.lerp(p, 1.0 / 3.0), from.lerp(p, 2.0 / 3.0), p)
        }
        PathEl::QuadTo(c, p) => {
            let from = std::mem::replace(&mut at, p);
            PathEl::CurveTo(from.lerp(c, 2.0 / 3.0), p.lerp(c, 2.0 / 3.0), p)
        }
        PathEl::CurveTo(_, _, p) => {
            at = p;
            element
        }
        PathEl::ClosePath => {
            at = start;
            element
        }
    };
    path.iter().map(element).collect()
}

/// All that `poses.json` holds.
#[derive(Clone, Debug)]
pub(super) struct Poses {
    /// In the order of channel, then id.
    pub morphs: Vec<Morph>,
    /// Opening of the jaw (0..1) of each mouth pose.
    pub jaw: [f64; 16],
    /// Lift of the cheeks (0..1) of each mouth pose.
    pub cheek: [f64; 16],
    /// Clip path -> the morphing path whose outline it shares.
    pub alias: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct PosesFile {
    format: String,
    scalars: BTreeMap<String, BTreeMap<String, f64>>,
    alias: BTreeMap<String, String>,
    channels: BTreeMap<String, BTreeMap<String, PathFile>>,
}

#[derive(Deserialize)]
struct PathFile {
    topology: String,
    poses: BTreeMap<String, Vec<f64>>,
}

impl Poses {
    /// Parses and checks; `file` is named in errors.
    pub fn parse(file: &str, text: &str) -> Result<Poses, RigError> {
        let parsed: PosesFile = serde_json::from_str(text).map_err(|e| RigError::invalid(file, e.to_string()))?;
        Poses::check(parsed).map_err(|problem| RigError::invalid(file, problem))
    }

    fn check(mut parsed: PosesFile) -> Result<Poses, String> {
        if parsed.format != "presenter-poses-1" {
            return Err(format!("the format is \"{}\"; this program reads \"presenter-poses-1\"", parsed.format));
        }
        let mut morphs = Vec::new();
        for channel in Channel::ALL {
            let paths = parsed.channels.remove(channel.name()).ok_or(format!("the channel \"{}\" is missing", channel.name()))?;
            for (id, path) in paths {
                morphs.push(morph(channel, id, path)?);
            }
        }
        if let Some(name) = parsed.channels.keys().next() {
            return Err(format!("the channel \"{name}\" is unknown; there are mouth, lids, brows and jaw"));
        }
        let coordinates: usize = morphs.iter().map(|m| m.poses.len() * m.poses[0].len()).sum();
        if coordinates > MAX_COORDINATES {
            return Err(format!("{coordinates} coordinates in all poses together; at most {MAX_COORDINATES} are allowed"));
        }
        let mut ids: Vec<_> = morphs.iter().map(|m| m.id.as_str()).collect();
        ids.sort_unstable();
        if let Some(pair) = ids.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(format!("the path \"{}\" is in two channels; a path belongs to one", pair[0]));
        }
        if let Some((clip, source)) = parsed.alias.iter().find(|(_, source)| ids.binary_search(&source.as_str()).is_err()) {
            return Err(format!("alias \"{clip}\": the path \"{source}\" is in no channel"));
        }
        let (jaw, cheek) = (scalar(&parsed.scalars, "jaw")?, scalar(&parsed.scalars, "cheek")?);
        Ok(Poses { morphs, jaw, cheek, alias: parsed.alias })
    }

    /// Index of the morph that shapes the path `id`, directly or by an alias.
    pub fn morph_of(&self, id: &str) -> Option<usize> {
        let id = self.alias.get(id).map_or(id, String::as_str);
        self.morphs.iter().position(|m| m.id == id)
    }
}

fn morph(channel: Channel, id: String, mut path: PathFile) -> Result<Morph, String> {
    let place = || format!("channel \"{}\", path \"{id}\"", channel.name());
    let mut needed = 0;
    for (index, command) in path.topology.chars().enumerate() {
        needed += match command {
            'M' => 2,
            'C' if index > 0 => 6,
            'Z' if index > 0 => 0,
            _ => return Err(format!("{}: the topology \"{}\" must begin with M and hold only M, C and Z", place(), path.topology)),
        };
    }
    let mut poses = Vec::new();
    for pose in channel.poses() {
        let coordinates = path.poses.remove(*pose).ok_or_else(|| format!("{}: the pose \"{pose}\" is missing", place()))?;
        if coordinates.len() != needed || needed == 0 {
            return Err(format!("{}, pose \"{pose}\": {} coordinates where the topology needs {needed}", place(), coordinates.len()));
        }
        if coordinates.iter().any(|c| c.abs() > 100_000.0) {
            return Err(format!("{}, pose \"{pose}\": a coordinate is out of range", place()));
        }
        poses.push(coordinates);
    }
    match path.poses.keys().next() {
        Some(pose) => Err(format!("{}: the pose \"{pose}\" is unknown; the channel has {}", place(), channel.poses().join(", "))),
        None => Ok(Morph { channel, topology: path.topology, poses, id }),
    }
}

fn scalar(scalars: &BTreeMap<String, BTreeMap<String, f64>>, name: &str) -> Result<[f64; 16], String> {
    let values = scalars.get(name).ok_or(format!("scalars has no \"{name}\""))?;
    let mut out = [0.0; 16];
    for (slot, pose) in out.iter_mut().zip(MOUTH_POSES) {
        *slot = *values.get(pose).ok_or(format!("scalars.{name}: the mouth pose \"{pose}\" is missing"))?;
        if !(0.0..=1.0).contains(slot) {
            return Err(format!("scalars.{name}.{pose} is {slot}; it must be within 0 and 1"));
        }
    }
    Ok(out)
}
