//! Pictures and shapes of a canvas.

use super::super::hash::ContentHash;
use super::{Color, Paint, is_zero};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// A picture in a box.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Image {
    /// The picture.
    pub file: ImageFile,
    /// How it fits into the box. Default: fill.
    #[serde(default)]
    pub fit: Fit,
    /// Radius of the box' corners.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub radius: f64,
}

/// A picture file: in `lesson.yaml` its path, relative to that file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct ImageFile {
    /// PNG, JPEG, WebP, GIF (first frame) or BMP.
    pub path: PathBuf,
    /// Of the file; it stands for the path in the canvas' hash.
    #[serde(skip)]
    #[schemars(skip)]
    pub hash: ContentHash,
}

/// How a picture fits into a box of other proportions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fit {
    /// Stretched.
    #[default]
    Fill,
    /// Whole, in the middle.
    Contain,
    /// The box is filled; what is too much is cut off on both sides.
    Cover,
}

/// A shape in a box.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Shape {
    /// Its form.
    pub outline: Outline,
    /// What is inside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fill: Option<Paint>,
    /// The line around it, half of it inside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stroke: Option<Stroke>,
}

/// The form of a shape.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Outline {
    /// The box.
    Rectangle {
        /// Of its corners.
        #[serde(default, skip_serializing_if = "is_zero")]
        radius: f64,
    },
    /// The largest ellipse in the box.
    Ellipse,
    /// From the top left to the bottom right corner of the box.
    Line,
    /// Any form, as the `d` of an SVG path, counted from the top left corner of the box.
    Path(String),
}

/// A line of a shape.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Stroke {
    /// Its colour.
    pub color: Color,
    /// Its width.
    pub width: f64,
    /// Lengths of dashes and gaps by turns; none: a whole line.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dash: Vec<f64>,
}
