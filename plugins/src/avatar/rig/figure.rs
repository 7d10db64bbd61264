//! A presenter, loaded and checked: the drawing, its poses and its numbers as one immutable value.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use vello_cpu::kurbo::Rect;

use super::error::RigError;
use super::numbers::{LayerNumbers, Numbers};
use super::poses::{Channel, Poses};
use super::svg::{self, Op, Outline};

/// Largest size of each of the three files, in bytes.
const MAX_FILE: u64 = 8 << 20;
/// Largest number of layers.
const MAX_LAYERS: usize = 64;

/// A presenter: what `rig.svg`, `poses.json` and `rig.toml` of one folder say. Immutable; share it by `Arc` between painters.
#[derive(Clone, Debug)]
pub struct Rig {
    pub(super) numbers: Numbers,
    pub(super) poses: Poses,
    /// Back to front.
    pub(super) layers: Vec<Layer>,
    content: [u8; 32],
}

/// One layer of the figure: all its paths move by the same matrix.
#[derive(Clone, Debug)]
pub(super) struct Layer {
    pub name: String,
    pub numbers: LayerNumbers,
    pub ops: Vec<Op>,
    /// The channels that shape paths of this layer, in the order of [`Channel::ALL`].
    channels: [bool; 4],
    /// Holds an iris.
    iris: bool,
}

/// The figure at rest in figure units: its box, and the line at which it is cut (to be put on the lower edge of the picture).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RestBox {
    /// Left edge.
    pub x: f64,
    /// Upper edge.
    pub y: f64,
    /// Width.
    pub width: f64,
    /// Height.
    pub height: f64,
    /// The line of the cut.
    pub cut_y: f64,
}

impl Rig {
    /// Reads the three files of `folder`.
    ///
    /// # Errors
    /// [`RigError`] naming the file, and the path id or key where there is one.
    pub fn from_folder(folder: &Path) -> Result<Rig, RigError> {
        let (svg, poses, numbers) = (read(folder, "rig.svg")?, read(folder, "poses.json")?, read(folder, "rig.toml")?);
        Rig::parse([(&svg.0, &svg.1), (&poses.0, &poses.1), (&numbers.0, &numbers.1)])
    }

    /// Parses (name for errors, text) of `rig.svg`, `poses.json` and `rig.toml`.
    ///
    /// # Errors
    /// As [`Rig::from_folder`].
    pub fn parse([svg, poses, numbers]: [(&str, &str); 3]) -> Result<Rig, RigError> {
        for (file, text) in [svg, poses, numbers] {
            if text.len() as u64 > MAX_FILE {
                return Err(RigError::TooLarge { file: file.to_owned(), limit: MAX_FILE });
            }
        }
        let mut content = blake3::Hasher::new();
        for (_, text) in [svg, poses, numbers] {
            content.update(blake3::hash(text.as_bytes()).as_bytes());
        }
        let poses = Poses::parse(poses.0, poses.1)?;
        let mut values = Numbers::parse(numbers.0, numbers.1)?;
        let mut layers = Vec::new();
        for drawing in svg::read(svg.0, svg.1, &poses)? {
            let own = values.layers.remove(&drawing.name).ok_or_else(|| {
                RigError::invalid(numbers.0, format!("[layers] has no \"{}\", which is a layer of {} (once)", drawing.name, svg.0))
            })?;
            layers.push(Layer::new(drawing, own, &poses));
        }
        if let Some(name) = values.layers.keys().next() {
            return Err(RigError::invalid(svg.0, format!("the layer \"{name}\" of {} is missing or empty", numbers.0)));
        }
        if layers.is_empty() || layers.len() > MAX_LAYERS {
            return Err(RigError::invalid(svg.0, format!("{} layers; there must be 1 to {MAX_LAYERS}", layers.len())));
        }
        Ok(Rig { numbers: values, poses, layers, content: *content.finalize().as_bytes() })
    }

    /// The hash of what is in its three files.
    pub fn content(&self) -> [u8; 32] {
        self.content
    }

    /// The presenter's name as shown to people.
    pub fn name(&self) -> &str {
        &self.numbers.name
    }

    /// Where the figure stands at rest.
    pub fn rest_box(&self) -> RestBox {
        let [x, y, width, height] = self.numbers.rest_box;
        RestBox { x, y, width, height, cut_y: self.numbers.cut_y }
    }

    /// About the face and what is near it, in figure units: as measured by the distance of the eyes.
    pub(super) fn face(&self) -> Rect {
        let [left, right] = [self.numbers.eyes.left, self.numbers.eyes.right];
        let apart = (right[0] - left[0]).abs().max(1.0);
        let (x, y) = ((left[0] + right[0]) / 2.0, (left[1] + right[1]) / 2.0);
        Rect::new(x - 1.4 * apart, y - 1.25 * apart, x + 1.4 * apart, y + 1.85 * apart)
    }
}

/// The name (for errors) and the text of the file `name` in `folder`; of a file that is too large, more than [`MAX_FILE`] bytes.
pub(super) fn read(folder: &Path, name: &str) -> Result<(String, String), RigError> {
    let path = folder.join(name);
    let failed = |source| RigError::Read { path: path.clone(), source };
    let mut text = String::new();
    File::open(&path).map_err(failed)?.take(MAX_FILE + 1).read_to_string(&mut text).map_err(failed)?;
    Ok((path.display().to_string(), text))
}

impl Layer {
    fn new(drawing: svg::Drawing, numbers: LayerNumbers, poses: &Poses) -> Layer {
        let mut channels = [false; 4];
        let mut has_iris = false;
        for op in &drawing.ops {
            if let Op::Fill { outline, iris, .. } | Op::PushClip { outline, iris, .. } = op {
                has_iris |= *iris;
                if let Outline::Morph(index) = outline {
                    channels[poses.morphs[*index].channel as usize] = true;
                }
            }
        }
        Layer { name: drawing.name, numbers, ops: drawing.ops, channels, iris: has_iris }
    }

    /// Whether paths of this layer are shaped by `channel`.
    pub fn shaped_by(&self, channel: Channel) -> bool {
        self.channels[channel as usize]
    }

    /// Whether the layer changes its shape with the jaw at most.
    pub fn is_stiff(&self) -> bool {
        !self.iris && ![Channel::Mouth, Channel::Lids, Channel::Brows].into_iter().any(|c| self.shaped_by(c))
    }
}
