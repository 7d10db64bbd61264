//! Text of a canvas.

use super::{Color, Stroke, is_zero};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Paragraphs of text in a box.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Text {
    /// From top to bottom.
    pub paragraphs: Vec<Paragraph>,
    /// Where lines stand in the box. Default: start.
    #[serde(default)]
    pub align: Align,
    /// Where the text stands in a box that is higher. Default: top.
    #[serde(default)]
    pub anchor: VerticalAlign,
    /// From line to line, in parts of the font size. Default: 1.2.
    #[serde(default = "line_height")]
    pub line_height: f64,
    /// A line around the letters, under all of them: what is seen of it is half of its width. It has no dashes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stroke: Option<Stroke>,
}

impl Default for Text {
    fn default() -> Text {
        Text { paragraphs: Vec::new(), align: Align::Start, anchor: VerticalAlign::Top, line_height: line_height(), stroke: None }
    }
}

/// A paragraph: text in one or more styles, broken into lines.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Paragraph {
    /// Pieces of text, one after the other.
    pub runs: Vec<Run>,
    /// A mark before the first line, such as "•" or "3."; it stands in the indent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marker: Option<String>,
    /// Distance of the lines from the edge that they start at.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub indent: f64,
    /// Space before it, if it is not the first.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub space_before: f64,
}

/// Text in one style. A line end in it begins a new line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// What it says.
    pub text: String,
    /// How it looks.
    #[serde(default)]
    pub style: Style,
}

/// How text looks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Style {
    /// Font families by preference, separated by commas, as in CSS; `sans-serif`, `serif` and `monospace` are always there. What a font
    /// lacks is taken from others. Default: sans-serif.
    pub family: String,
    /// Font size. Default: 32.
    pub size: f64,
    /// 100 (thin) to 900 (black); 400 is regular, 700 bold. Default: 400.
    pub weight: u16,
    /// Slanted.
    pub italic: bool,
    /// A line under it.
    pub underline: bool,
    /// A line through it.
    pub strike: bool,
    /// Space added between letters.
    pub spacing: f64,
    /// Default: black.
    pub color: Color,
}

impl Default for Style {
    fn default() -> Style {
        Style {
            family: "sans-serif".into(),
            size: 32.0,
            weight: 400,
            italic: false,
            underline: false,
            strike: false,
            spacing: 0.0,
            color: Color::BLACK,
        }
    }
}

/// Where lines stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Align {
    /// Left; right where the script is written from the right.
    #[default]
    Start,
    /// In the middle.
    Center,
    /// Right; left where the script is written from the right.
    End,
    /// Left, whatever the script.
    Left,
    /// Right, whatever the script.
    Right,
    /// Stretched to both edges, but for the last line.
    Justify,
}

/// Where text stands in a box that is higher than it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum VerticalAlign {
    #[default]
    Top,
    Middle,
    Bottom,
}

fn line_height() -> f64 {
    1.2
}
