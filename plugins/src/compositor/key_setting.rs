//! How a presenter is cut out of its picture, as graph files say it: `auto`, `none`, or a screen colour with its tolerances.

use super::kernel::Key;
use crate::pixels::rgba_to_i420;
use engine::frame::Size;
use engine::graph::unit::Rgb;
use engine::pool::Pool;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;

/// How the presenter's outline is found.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum KeySetting {
    /// The picture's own alpha; a picture without alpha is keyed on the default screen.
    #[default]
    Auto,
    /// The picture's own alpha; a picture without alpha is opaque.
    None,
    /// The screen's colour, whether the picture has alpha or not.
    Screen(Screen),
}

/// A coloured screen behind a presenter.
///
/// Tolerances are measured in the chroma plane, as parts of the screen's own distance from grey: what suits one screen suits another,
/// however well it is lit.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Screen {
    /// The screen's colour.
    color: Rgb,
    /// Colours up to this far from the screen's are screen: 0.01 to 1, where 1 is as far as grey.
    similarity: f32,
    /// From there, over this distance a colour turns from screen to presenter: 0 (a hard edge) to 1.
    smoothness: f32,
    /// How much of the screen's light is taken out of edges: 0 (none: a rim stays) to 1 (all).
    spill: f32,
}

impl Default for Screen {
    fn default() -> Screen {
        Screen { color: Rgb([0x00, 0xb1, 0x40]), similarity: 0.30, smoothness: 0.20, spill: 1.0 }
    }
}

impl KeySetting {
    /// What is wrong with these values, if anything.
    pub fn validate(&self) -> Result<(), String> {
        let KeySetting::Screen(screen) = self else { return Ok(()) };
        for (name, value, least) in
            [("similarity", screen.similarity, 0.01), ("smoothness", screen.smoothness, 0.0), ("spill", screen.spill, 0.0)]
        {
            if !(least..=1.0).contains(&value) {
                return Err(format!("key.{name} {value} is out of range; it goes from {least} to 1"));
            }
        }
        let (_, saturation) = screen.levels();
        if saturation < LEAST_SATURATION {
            return Err(format!("key.color {} is nearly grey; a screen needs a colour, such as \"#00b140\"", screen.color));
        }
        Ok(())
    }
}

/// In levels of chroma. Below it a screen cannot be told from skin and clothes.
const LEAST_SATURATION: f32 = 16.0;

impl Screen {
    /// The key in the kernel's measure, which is a part of the chroma plane's diagonal.
    pub fn key(&self) -> Key {
        let (color, saturation) = self.levels();
        let measure = saturation / (255.0 * std::f32::consts::SQRT_2);
        Key { color, similarity: self.similarity * measure, smoothness: self.smoothness * measure, spill: self.spill }
    }

    /// Y, U and V of the screen and its distance from grey in levels.
    fn levels(&self) -> ([u8; 3], f32) {
        let [red, green, blue] = self.color.0;
        let frame = rgba_to_i420(&[red, green, blue, 255].repeat(4), Size::new(2, 2), &Pool::new()).expect("four pixels of four bytes");
        let color = [0, 1, 2].map(|p| frame.picture.plane(p).data[0]);
        (color, (f32::from(color[1]) - 128.0).hypot(f32::from(color[2]) - 128.0))
    }
}

impl<'de> Deserialize<'de> for KeySetting {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<KeySetting, D::Error> {
        struct Shapes;
        impl<'de> Visitor<'de> for Shapes {
            type Value = KeySetting;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("auto, none or { color: \"#00b140\", similarity: 0.30, smoothness: 0.20, spill: 1.0 }")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<KeySetting, E> {
                match text {
                    "auto" => Ok(KeySetting::Auto),
                    "none" => Ok(KeySetting::None),
                    _ => Err(E::unknown_variant(text, &["auto", "none"])),
                }
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<KeySetting, A::Error> {
                Screen::deserialize(de::value::MapAccessDeserializer::new(map)).map(KeySetting::Screen)
            }
        }
        deserializer.deserialize_any(Shapes)
    }
}

impl Serialize for KeySetting {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            KeySetting::Auto => serializer.serialize_str("auto"),
            KeySetting::None => serializer.serialize_str("none"),
            KeySetting::Screen(screen) => screen.serialize(serializer),
        }
    }
}

impl JsonSchema for KeySetting {
    fn schema_name() -> Cow<'static, str> {
        "Key".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let screen = generator.subschema_for::<Screen>();
        json_schema!({ "anyOf": [{ "enum": ["auto", "none"] }, screen] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::graph::from_value_all;
    use engine::graph::parse::parse;
    use std::sync::Arc;

    fn read(text: &str) -> Result<KeySetting, String> {
        let value = parse(text, &Arc::from("g.yaml")).expect("YAML");
        from_value_all(&value, "key").map_err(|problems| problems.to_string())
    }

    #[test]
    fn all_shapes_are_read_and_mistakes_are_named() {
        assert_eq!(read("auto"), Ok(KeySetting::Auto));
        assert_eq!(read("none"), Ok(KeySetting::None));
        assert_eq!(read("{}"), Ok(KeySetting::Screen(Screen::default())));
        let Ok(KeySetting::Screen(screen)) = read("{ color: '#0000ff', spill: 1 }") else { panic!("a screen") };
        assert_eq!((screen.color, screen.spill, screen.similarity), (Rgb([0, 0, 255]), 1.0, 0.30));
        for (text, says) in
            [("automatic", "auto"), ("{ colour: '#00ff00' }", "color"), ("{ similarity: much }", "similarity"), ("[1]", "auto, none or")]
        {
            let error = read(text).unwrap_err();
            assert!(error.contains(says), "{text}: {error}");
        }
    }

    #[test]
    fn values_out_of_range_and_grey_screens_are_refused() {
        for (text, says) in [("{ similarity: 0 }", "similarity"), ("{ spill: 1.5 }", "spill"), ("{ color: '#808080' }", "grey")] {
            let error = read(text).unwrap().validate().unwrap_err();
            assert!(error.contains(says), "{text}: {error}");
        }
        assert_eq!(KeySetting::Screen(Screen::default()).validate(), Ok(()));
    }

    #[test]
    fn tolerances_follow_the_screens_saturation() {
        let key = Screen::default().key();
        assert_eq!(key.color, [129, 96, 55]);
        let grey = 32f32.hypot(73.0) / (255.0 * std::f32::consts::SQRT_2);
        assert!((key.similarity / grey - 0.30).abs() < 1e-6 && (key.smoothness / grey - 0.20).abs() < 1e-6);
    }
}
