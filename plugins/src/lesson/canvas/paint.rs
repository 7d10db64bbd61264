//! Colours and gradients.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// What an area is filled with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Paint {
    /// One colour.
    Color(Color),
    /// From one side of the box to the other.
    Linear {
        /// The direction: 0 to the right, 90 down.
        #[serde(default)]
        angle: f64,
        /// Two or more, by growing place.
        stops: Vec<Stop>,
    },
    /// From the middle of the box to its corners.
    Radial {
        /// Two or more, by growing place.
        stops: Vec<Stop>,
    },
}

/// A colour in a gradient.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Stop {
    /// 0 (beginning) to 1 (end).
    pub at: f64,
    /// The colour there.
    pub color: Color,
}

/// A colour in sRGB: `"#rrggbb"`, or `"#rrggbbaa"` with its opacity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Color(pub [u8; 4]);

impl Color {
    /// Black.
    pub const BLACK: Color = Color([0, 0, 0, 255]);
    /// White.
    pub const WHITE: Color = Color([255; 4]);

    /// An opaque one.
    pub const fn rgb(red: u8, green: u8, blue: u8) -> Color {
        Color([red, green, blue, 255])
    }
}

impl fmt::Display for Color {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue, alpha] = self.0;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")?;
        if alpha == 255 { Ok(()) } else { write!(f, "{alpha:02x}") }
    }
}

impl FromStr for Color {
    type Err = String;

    fn from_str(text: &str) -> Result<Color, String> {
        let digits = text.strip_prefix('#').filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let value = digits.and_then(|digits| match digits.len() {
            6 => u32::from_str_radix(digits, 16).ok().map(|value| value << 8 | 0xff),
            8 => u32::from_str_radix(digits, 16).ok(),
            _ => None,
        });
        let wrong = || {
            format!("{text:?} is no colour; write # and six hexadecimal digits in quotes, or eight with the opacity, such as \"#00b140\"")
        };
        value.map(|value| Color(value.to_be_bytes())).ok_or_else(wrong)
    }
}

impl Serialize for Color {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Color {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Color, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Color {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Color".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "A colour as red, green, blue and, if it is not opaque, opacity in hexadecimal; in quotes, because a bare # begins a comment.",
            "pattern": "^#([0-9a-fA-F]{6}|[0-9a-fA-F]{8})$",
            "examples": ["#00b140", "#00000080"]
        })
    }
}
