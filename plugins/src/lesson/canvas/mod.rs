//! A drawn slide: a ground and objects on it, which may enter and leave while the slide is spoken.
//!
//! These are the values, and also how `lesson.yaml` writes them: plain data with the same names in both. Lengths are in the canvas' own
//! units (its width is shown as the picture's), from the top left corner; angles are degrees clockwise. What an object looks like at a time
//! is a function of the canvas, the time in the slide and the times at which its words are spoken.

mod animation;
mod check;
mod paint;
mod schedule;
mod shape;
mod text;

pub use animation::{Animation, Easing, Effect, Side, Trigger};
pub use check::MAX_OBJECTS;
pub use paint::{Color, Paint, Stop};
pub use schedule::{Look, Schedule};
pub use shape::{Fit, Image, ImageFile, Outline, Shape, Stroke};
pub use text::{Align, Paragraph, Run, Style, Text, VerticalAlign};

use super::hash::Canon;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// A ground and objects on it, the first one at the back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Canvas {
    /// Width in units of its own; it is shown as wide as the picture.
    pub width: f64,
    /// Height in the same units.
    pub height: f64,
    /// What lies under everything. Default: white.
    #[serde(default = "white")]
    pub ground: Paint,
    /// A picture over the ground, as large as the canvas; what is too much of it is cut off on both sides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub picture: Option<ImageFile>,
    /// At most 500, the first one at the back.
    #[serde(default)]
    pub objects: Vec<Object>,
}

/// Something on a canvas.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Object {
    /// Its name, one of its own on the canvas.
    pub id: String,
    /// Left edge of its box.
    pub x: f64,
    /// Top edge of its box.
    pub y: f64,
    /// Width of its box. Text breaks at it.
    pub width: f64,
    /// Height of its box. Text may be higher.
    pub height: f64,
    /// How much larger it is drawn, across and down, around the middle of its box; negative: mirrored. Default: [1, 1].
    #[serde(default = "one_to_one", skip_serializing_if = "is_one_to_one")]
    pub scale: [f64; 2],
    /// How far it is turned around the middle of its box, after scaling: degrees clockwise.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub angle: f64,
    /// 0 (invisible) to 1. Default: 1.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub opacity: f64,
    /// What it is.
    pub content: Content,
    /// How it comes. Without it, it is there from the start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enter: Option<Animation>,
    /// How it goes. Without it, it stays to the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit: Option<Animation>,
}

/// What an object is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// Paragraphs of text.
    Text(Text),
    /// A picture.
    Image(Image),
    /// A shape.
    Shape(Shape),
}

impl Canvas {
    /// An empty one.
    pub fn new(width: f64, height: f64, ground: Paint) -> Canvas {
        Canvas { width, height, ground, picture: None, objects: Vec::new() }
    }

    /// Its picture files, that under the objects first.
    pub fn files(&self) -> impl Iterator<Item = &ImageFile> {
        self.picture.iter().chain(self.objects.iter().filter_map(|object| match &object.content {
            Content::Image(image) => Some(&image.file),
            Content::Text(_) | Content::Shape(_) => None,
        }))
    }

    /// The same, to be changed.
    pub fn files_mut(&mut self) -> impl Iterator<Item = &mut ImageFile> {
        self.picture.iter_mut().chain(self.objects.iter_mut().filter_map(|object| match &mut object.content {
            Content::Image(image) => Some(&mut image.file),
            Content::Text(_) | Content::Shape(_) => None,
        }))
    }

    /// All that is seen, files by content.
    pub(super) fn canon(&self, canon: Canon) -> Canon {
        let mut nameless = self.clone();
        nameless.files_mut().for_each(|file| file.path = PathBuf::new());
        // Plain data in the order of its fields: the same canvas gives the same text.
        let text = serde_json::to_string(&nameless).expect("a canvas has no maps and no odd numbers");
        self.files().fold(canon.text(&text), |canon, file| canon.hash(file.hash))
    }
}

impl Object {
    /// An object that is there from the start to the end, upright.
    pub fn new(id: impl Into<String>, [x, y, width, height]: [f64; 4], content: Content) -> Object {
        Object { id: id.into(), x, y, width, height, scale: [1.0, 1.0], angle: 0.0, opacity: 1.0, content, enter: None, exit: None }
    }
}

fn white() -> Paint {
    Paint::Color(Color::WHITE)
}
fn one_to_one() -> [f64; 2] {
    [1.0, 1.0]
}
fn is_one_to_one(scale: &[f64; 2]) -> bool {
    *scale == one_to_one()
}
fn one() -> f64 {
    1.0
}
fn is_one(value: &f64) -> bool {
    *value == 1.0
}
fn is_zero(value: &f64) -> bool {
    *value == 0.0
}
