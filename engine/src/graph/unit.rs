//! Settings that carry their unit: `400ms`, `512MiB`, `192k`, `1280x720`, `30000/1001`, `40%`, `#00b140`.
//!
//! Each type reads a text (and a bare number, where that is unambiguous), refuses everything else with a message that shows a right
//! example, prints itself in a form that it reads again, and describes itself in the JSON schema. Nothing passes through a float on
//! its way to an exact unit.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use crate::time::{Rate, Span};

mod number;
use number::Decimal;

/// Why a text is no such setting: a sentence with a right example.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct UnitError(String);

fn refuse<T>(message: String) -> Result<T, UnitError> {
    Err(UnitError(message))
}

/// Reads texts and bare numbers by [`FromStr`].
struct TextVisitor<T> {
    wanted: &'static str,
    read: fn(&str) -> Result<T, UnitError>,
}

impl<T> Visitor<'_> for TextVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.wanted)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        (self.read)(text).map_err(E::custom)
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<T, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<T, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<T, E> {
        self.visit_str(&number.to_string())
    }
}

/// The serde and schema sides of a setting, from its `FromStr` and `Display`.
macro_rules! setting {
    ($type:ident, $name:literal, $wanted:literal, $schema:tt) => {
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<$type, D::Error> {
                deserializer.deserialize_any(TextVisitor { wanted: $wanted, read: str::parse::<$type> })
            }
        }

        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                $name.into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    };
}

/// A length of time, not negative: `400ms`, `2s`, `1.5s`, `5min`, `1h`. At most 1000 hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DurationSetting(pub Span);

/// Units by name, in flicks.
const TIME_UNITS: [(&str, i64); 4] =
    [("ms", Span::from_millis(1).0), ("s", Span::SECOND.0), ("min", Span::from_seconds(60).0), ("h", Span::from_seconds(3600).0)];

setting!(DurationSetting, "Duration", "a length of time such as \"400ms\"", {
    "type": "string",
    "description": "A length of time with its unit: ms, s, min or h.",
    "pattern": r"^\d+(\.\d+)?(ms|s|min|h)$",
    "examples": ["400ms", "1.5s", "5min"]
});

impl FromStr for DurationSetting {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let Some((number, unit)) = Decimal::with_unit(text) else {
            return refuse(format!("{text:?} is no length of time; write a number with ms, s, min or h, such as \"400ms\""));
        };
        if unit.is_empty() {
            return refuse(format!("{text:?} has no unit; write \"{text}ms\" or \"{text}s\""));
        }
        let Some((_, flicks)) = TIME_UNITS.iter().find(|(name, _)| *name == unit) else {
            return refuse(format!("{text:?} has an unknown unit {unit:?}; write ms, s, min or h, such as \"400ms\""));
        };
        match number.times(*flicks as u64) {
            Some(flicks) if flicks <= 1000 * Span::from_seconds(3600).0 as u64 => Ok(DurationSetting(Span(flicks as i64))),
            _ => refuse(format!("{text:?} is too long; write at most \"1000h\"")),
        }
    }
}

impl fmt::Display for DurationSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flicks = self.0.0;
        for (unit, size) in TIME_UNITS.iter().rev() {
            if flicks != 0 && flicks % size == 0 {
                return write!(f, "{}{unit}", flicks / size);
            }
        }
        // A flick is 1.4e-6 ms: rounded to six places, the nearest flick is the same one again.
        let picos = (i128::from(flicks) * 1_000_000 + 352_800) / 705_600;
        let text = format!("{}.{:06}", picos / 1_000_000, picos % 1_000_000);
        write!(f, "{}ms", text.trim_end_matches('0').trim_end_matches('.'))
    }
}

/// An amount of memory or data: `512MiB`, `8MB`, `1.5GiB`, `100B`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bytes(pub u64);

const BYTE_UNITS: [(&str, u64); 9] = [
    ("TiB", 1 << 40),
    ("TB", 1_000_000_000_000),
    ("GiB", 1 << 30),
    ("GB", 1_000_000_000),
    ("MiB", 1 << 20),
    ("MB", 1_000_000),
    ("KiB", 1 << 10),
    ("kB", 1_000),
    ("B", 1),
];

setting!(Bytes, "Bytes", "an amount of bytes such as \"512MiB\"", {
    "type": "string",
    "description": "An amount of data with its unit: B, kB, MB, GB, TB (powers of 1000) or KiB, MiB, GiB, TiB (powers of 1024).",
    "pattern": r"^\d+(\.\d+)?(B|kB|MB|GB|TB|KiB|MiB|GiB|TiB)$",
    "examples": ["512MiB", "8MB"]
});

impl FromStr for Bytes {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let Some((number, unit)) = Decimal::with_unit(text) else {
            return refuse(format!("{text:?} is no amount of bytes; write a number with its unit, such as \"512MiB\""));
        };
        if unit.is_empty() {
            return refuse(format!("{text:?} has no unit; write \"{text}MiB\" or \"{text}B\""));
        }
        let Some((_, size)) = BYTE_UNITS.iter().find(|(name, _)| *name == unit) else {
            return refuse(format!("{text:?} has an unknown unit {unit:?}; write B, kB, MB, GB, KiB, MiB or GiB, such as \"512MiB\""));
        };
        match number.times(*size) {
            Some(bytes) => Ok(Bytes(bytes)),
            None => refuse(format!("{text:?} is too large; write a smaller amount, such as \"512MiB\"")),
        }
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, size) = BYTE_UNITS.iter().find(|(_, size)| self.0 != 0 && self.0.is_multiple_of(*size)).unwrap_or(&("B", 1));
        write!(f, "{}{unit}", self.0 / size)
    }
}

/// Bits a second: `192k`, `1500k`, `2.5M`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BitRate(pub u32);

setting!(BitRate, "BitRate", "a bit rate such as \"192k\"", {
    "type": "string",
    "description": "Bits a second, in thousands (k) or millions (M).",
    "pattern": r"^\d+(\.\d+)?[kM]$",
    "examples": ["192k", "2.5M"]
});

impl FromStr for BitRate {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let Some((number, unit)) = Decimal::with_unit(text) else {
            return refuse(format!(
                "{text:?} is no bit rate; write thousands (k) or millions (M) of bits a second, such as \"192k\" or \"2.5M\""
            ));
        };
        let size = match unit {
            "k" => 1_000,
            "M" => 1_000_000,
            "" => return refuse(format!("{text:?} has no unit; write thousands (k) or millions (M) of bits a second, such as \"192k\"")),
            _ => return refuse(format!("{text:?} has an unknown unit {unit:?}; write k or M, such as \"192k\" or \"2.5M\"")),
        };
        match number.times(size).map(u32::try_from) {
            Some(Ok(bits)) if bits > 0 => Ok(BitRate(bits)),
            _ => refuse(format!("{text:?} is out of range; write more than 0 and at most 4294M, such as \"192k\"")),
        }
    }
}

impl fmt::Display for BitRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_multiple_of(1_000_000) { write!(f, "{}M", self.0 / 1_000_000) } else { write!(f, "{}k", f64::from(self.0) / 1000.0) }
    }
}

/// The size of a picture in pixels, both even (chroma is stored at half size): `1280x720`. Each side is at most 8192.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FrameSize {
    /// Pixels from left to right.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
}

setting!(FrameSize, "FrameSize", "a picture size such as \"1280x720\"", {
    "type": "string",
    "description": "Width and height in pixels, both even and at most 8192.",
    "pattern": r"^\d+x\d+$",
    "examples": ["1280x720", "1920x1080"]
});

impl FromStr for FrameSize {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let sides = text.split_once('x').and_then(|(width, height)| Some((number::whole(width)?, number::whole(height)?)));
        let Some((width, height)) = sides else {
            return refuse(format!("{text:?} is no picture size; write width x height in pixels, such as \"1280x720\""));
        };
        if !(2..=8192).contains(&width) || !(2..=8192).contains(&height) {
            return refuse(format!("{text:?} is out of range; each side is 2 to 8192 pixels, such as \"1280x720\""));
        }
        if width % 2 + height % 2 != 0 {
            let (width, height) = (width.next_multiple_of(2), height.next_multiple_of(2));
            return refuse(format!("{text:?} has an odd side; write \"{width}x{height}\""));
        }
        Ok(FrameSize { width, height })
    }
}

impl fmt::Display for FrameSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}

/// Frames a second, exact: `30`, `25`, `30000/1001`. From 1 to 240.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FrameRate(pub Rate);

setting!(FrameRate, "FrameRate", "frames a second such as 30 or \"30000/1001\"", {
    "anyOf": [{ "type": "integer", "minimum": 1, "maximum": 240 }, { "type": "string", "pattern": r"^\d+(/\d+)?$" }],
    "description": "Frames a second: a whole number or an exact fraction.",
    "examples": [30, 25, "30000/1001"]
});

impl FromStr for FrameRate {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let (num, den) = text.split_once('/').unwrap_or((text, "1"));
        let (Some(num), Some(den)) = (number::whole(num), number::whole(den)) else {
            return match number::exact_rate(text) {
                Some(exact) => refuse(format!("{text} frames a second is not exact; write {exact}")),
                None => refuse(format!("{text:?} is no frame rate; write a whole number or a fraction, such as 30 or \"30000/1001\"")),
            };
        };
        match Rate::new(num, den) {
            Some(rate) if (1.0..=240.0).contains(&rate.as_f64()) => Ok(FrameRate(rate)),
            Some(_) => refuse(format!("{text} frames a second is out of range; write 1 to 240, such as 30")),
            None => refuse(format!(
                "{text} frames a second cannot be timed exactly; write a usual rate, such as 24, 25, 30, 60 or \"30000/1001\""
            )),
        }
    }
}

impl fmt::Display for FrameRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// A part of something, in percent: `40%`. From 0 to 1000.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Percent(pub f64);

setting!(Percent, "Percent", "a percentage such as \"40%\"", {
    "type": "string",
    "description": "A percentage from 0% to 1000%.",
    "pattern": r"^\d+(\.\d+)?%$",
    "examples": ["40%", "12.5%"]
});

impl Percent {
    /// 40% is 0.4.
    pub fn fraction(self) -> f64 {
        self.0 / 100.0
    }
}

impl FromStr for Percent {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        match Decimal::with_unit(text) {
            Some((number, "%")) if number.as_f64() <= 1000.0 => Ok(Percent(number.as_f64())),
            Some((_, "%")) => refuse(format!("{text:?} is out of range; write 0% to 1000%, such as \"40%\"")),
            Some((_, "")) => refuse(format!("{text:?} has no unit; write \"{text}%\"")),
            _ => refuse(format!("{text:?} is no percentage; write a number with %, such as \"40%\"")),
        }
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", self.0)
    }
}

/// A length on the picture: whole pixels (`24`) or a part of the picture (`40%`).
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Length {
    /// Pixels, at most 8192.
    Pixels(u32),
    /// A part of the side that the setting belongs to.
    Part(Percent),
}

setting!(Length, "Length", "a length such as 24 (pixels) or \"40%\"", {
    "anyOf": [{ "type": "integer", "minimum": 0, "maximum": 8192 }, { "type": "string", "pattern": r"^\d+(\.\d+)?%$|^\d+$" }],
    "description": "Whole pixels, or a percentage of the picture's side.",
    "examples": [24, "40%"]
});

impl Length {
    /// In pixels, of a side that is `whole` pixels long, rounded to the nearest.
    pub fn pixels(self, whole: u32) -> u32 {
        match self {
            Length::Pixels(pixels) => pixels,
            Length::Part(part) => (part.fraction() * f64::from(whole)).round() as u32,
        }
    }
}

impl FromStr for Length {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        if text.ends_with('%') {
            return text.parse().map(Length::Part);
        }
        match number::whole(text) {
            Some(pixels) if pixels <= 8192 => Ok(Length::Pixels(pixels)),
            Some(_) => refuse(format!("{text} pixels is out of range; write at most 8192")),
            None => refuse(format!("{text:?} is no length; write whole pixels or a percentage, such as 24 or \"40%\"")),
        }
    }
}

impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Length::Pixels(pixels) => write!(f, "{pixels}"),
            Length::Part(part) => part.fmt(f),
        }
    }
}

/// A colour as red, green and blue in sRGB: `"#00b140"`. In YAML it needs its quotes, because a bare # begins a comment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rgb(pub [u8; 3]);

setting!(Rgb, "Rgb", "a colour in quotes such as \"#00b140\"", {
    "type": "string",
    "description": "A colour as red, green and blue in hexadecimal; in quotes, because a bare # begins a comment.",
    "pattern": "^#[0-9a-fA-F]{6}$",
    "examples": ["#00b140"]
});

impl FromStr for Rgb {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        match digits.map(|digits| u32::from_str_radix(digits, 16)) {
            Some(Ok(colour)) => Ok(Rgb([(colour >> 16) as u8, (colour >> 8) as u8, colour as u8])),
            _ => refuse(format!("{text:?} is no colour; write # and six hexadecimal digits in quotes, such as \"#00b140\"")),
        }
    }
}

impl fmt::Display for Rgb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.0;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

#[cfg(test)]
mod tests;
