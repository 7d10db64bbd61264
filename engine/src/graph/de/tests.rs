use std::collections::BTreeMap;
use std::fmt;

use proptest::prelude::*;
use serde::Deserialize;

use super::*;
use crate::graph::parse::parse;
use crate::graph::secret::Secret;
use crate::graph::unit::{DurationSetting, Percent, Rgb};

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Scene {
    name: String,
    #[serde(default)]
    place: Place,
    key: Option<Key>,
    wait: Option<DurationSetting>,
    small: Option<u8>,
    signed: Option<i64>,
    factor: Option<f32>,
    on: Option<bool>,
    pair: Option<(u32, f64)>,
    list: Option<Vec<u32>>,
    table: Option<BTreeMap<String, Place>>,
    secret: Option<Secret>,
    mode: Option<Mode>,
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Place {
    anchor: Anchor,
    height: Option<Percent>,
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Anchor {
    #[default]
    BottomRight,
    TopLeft,
}

/// Two shapes by hand, as node configurations write it.
#[derive(Debug, PartialEq)]
enum Key {
    Auto,
    Chroma(Chroma),
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Chroma {
    color: Rgb,
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Key, D::Error> {
        struct Shapes;
        impl<'de> Visitor<'de> for Shapes {
            type Value = Key;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("auto or { color: ... }")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Key, E> {
                if text == "auto" { Ok(Key::Auto) } else { Err(E::unknown_variant(text, &["auto"])) }
            }
            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Key, A::Error> {
                Chroma::deserialize(de::value::MapAccessDeserializer::new(map)).map(Key::Chroma)
            }
        }
        deserializer.deserialize_any(Shapes)
    }
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Mode {
    Off,
    Level(u8),
    Box { width: u32 },
}

fn read(text: &str) -> Result<Scene, Problems> {
    from_value_all(&parse(text, "g.yaml").unwrap(), "nodes.scene.config")
}

fn refused(text: &str) -> String {
    let all = read(text).expect_err(text);
    let first = from_value::<Scene>(&parse(text, "g.yaml").unwrap(), "nodes.scene.config").unwrap_err();
    assert!(all.0.contains(&first), "the first problem is among all:\n{first}\n{all}");
    all.to_string()
}

#[test]
fn all_shapes_are_read() {
    let scene = read(
        "name: 1.10\nplace: { anchor: top_left, height: 40% }\nkey: { color: '#00b140' }\nwait: 400ms\nsmall: 0xff\nsigned: -3\nfactor: 2\n\
         on: true\npair: [1, 2.5]\nlist: []\ntable: { b: {}, a: { anchor: bottom_right } }\nsecret: 1234\nmode: { box: { width: 3 } }",
    )
    .unwrap();
    assert_eq!(scene.name, "1.10");
    assert_eq!(scene.place, Place { anchor: Anchor::TopLeft, height: Some(Percent(40.0)) });
    assert_eq!(scene.key, Some(Key::Chroma(Chroma { color: Rgb([0, 0xb1, 0x40]) })));
    assert_eq!(
        (scene.small, scene.signed, scene.factor, scene.on, scene.pair),
        (Some(255), Some(-3), Some(2.0), Some(true), Some((1, 2.5)))
    );
    assert_eq!((scene.list, scene.table.map(|table| table.len()), scene.mode), (Some(vec![]), Some(2), Some(Mode::Box { width: 3 })));
    assert_eq!(scene.secret.unwrap().reveal(), "1234");
    assert_eq!(read("name: x\nkey: auto\nmode: off\nsmall: ~").unwrap().key, Some(Key::Auto));
    assert_eq!(read("name: x\nmode: { level: 3 }").unwrap().mode, Some(Mode::Level(3)));
}

#[test]
fn each_mistake_has_its_place_and_path() {
    let path = "nodes.scene.config";
    for (text, expected) in [
        (
            "name: x\nplace:\n  hieght: 40%",
            format!("error[G003] g.yaml:3:3: {path}.place has no key \"hieght\"; it has: anchor, height. Did you mean \"height\"?"),
        ),
        ("place: {}", format!("error[G008] g.yaml:1:1: {path} needs the key \"name\"")),
        ("name: [a]", format!("error[G004] g.yaml:1:7: {path}.name is a list, but must be a text")),
        ("name: true", format!("error[G004] g.yaml:1:7: {path}.name is true, but must be a text in quotes")),
        ("name: ~", format!("error[G004] g.yaml:1:7: {path}.name is empty, but must be a text")),
        ("name: x\nsmall: 256", format!("error[G004] g.yaml:2:8: {path}.small is 256, but must be a whole number from 0 to 255")),
        (
            "name: x\nsmall: '25'",
            format!("error[G004] g.yaml:2:8: {path}.small is the text \"25\", but must be a whole number from 0 to 255"),
        ),
        (
            "name: x\nsigned: 99999999999999999999",
            format!("error[G004] g.yaml:2:9: {path}.signed is 99999999999999999999, but must be a whole number"),
        ),
        ("name: x\nfactor: .nan", format!("error[G004] g.yaml:2:9: {path}.factor is .nan, but must be a number")),
        ("name: x\non: yes", format!("error[G004] g.yaml:2:5: {path}.on is the text \"yes\", but must be true or false")),
        ("name: x\npair: [1]", format!("error[G004] g.yaml:2:7: {path}.pair is a list, but must be a list of 2 values")),
        (
            "name: x\nlist: [1, two]",
            format!("error[G004] g.yaml:2:11: {path}.list[1] is the text \"two\", but must be a whole number from 0 to 4294967295"),
        ),
        ("name: x\nplace: 3", format!("error[G004] g.yaml:2:8: {path}.place is 3, but must be a map with the keys anchor, height")),
        (
            "name: x\nplace: { anchor: top_lft }",
            format!(
                "error[G009] g.yaml:2:18: {path}.place.anchor is the text \"top_lft\", but must be one of: bottom_right, top_left. Did you mean \"top_left\"?"
            ),
        ),
        (
            "name: x\ntable: { a: { height: 40 } }",
            format!("error[G009] g.yaml:2:23: {path}.table.a.height: \"40\" has no unit; write \"40%\""),
        ),
        ("name: x\nwait: [1]", format!("error[G004] g.yaml:2:7: {path}.wait is a list, but must be a length of time such as \"400ms\"")),
        (
            "name: x\nkey: { color: #00b140\n}",
            format!("error[G004] g.yaml:2:13: {path}.key.color is empty, but must be a colour in quotes such as \"#00b140\""),
        ),
        ("name: x\nkey: {}", format!("error[G008] g.yaml:2:6: {path}.key needs the key \"color\"")),
        ("name: x\nkey: 3", format!("error[G004] g.yaml:2:6: {path}.key is 3, but must be auto or {{ color: ... }}")),
        (
            "name: x\nmode: { box: { widht: 3, width: 2 } }",
            format!("error[G003] g.yaml:2:16: {path}.mode.box has no key \"widht\"; it has: width. Did you mean \"width\"?"),
        ),
        ("name: x\nmode: { box: {} }", format!("error[G008] g.yaml:2:14: {path}.mode.box needs the key \"width\"")),
        ("name: x\nmode: level", format!("error[G009] g.yaml:2:7: {path}.mode: \"level\" needs settings; write {{ level: ... }}")),
        ("name: x\nmode: { off: 3 }", format!("error[G009] g.yaml:2:9: {path}.mode: \"off\" takes no settings; write it alone")),
        ("name: x\nmode: [off]", format!("error[G004] g.yaml:2:7: {path}.mode is a list, but must be one of: off, level, box")),
        (
            "- 1",
            format!(
                "error[G004] g.yaml:1:1: {path} is a list, but must be a map with the keys name, place, key, wait, small, signed, factor, on, pair, list, table, secret, mode"
            ),
        ),
    ] {
        assert_eq!(refused(text), expected, "{text}");
    }
}

#[test]
fn all_mistakes_of_a_value_are_found_at_once() {
    let text = "name: [x]\nplace: { anchor: midle, heigth: 1 }\nlist: [1, -1, -2]\nmode: { box: { width: no } }\nextra: 1\ntable: { a: 1, b: {} }\n";
    assert_eq!(
        refused(text),
        "error[G004] g.yaml:1:7: nodes.scene.config.name is a list, but must be a text\n\
         error[G009] g.yaml:2:18: nodes.scene.config.place.anchor is the text \"midle\", but must be one of: bottom_right, top_left\n\
         error[G003] g.yaml:2:25: nodes.scene.config.place has no key \"heigth\"; it has: anchor, height. Did you mean \"height\"?\n\
         error[G004] g.yaml:3:11: nodes.scene.config.list[1] is -1, but must be a whole number from 0 to 4294967295\n\
         error[G004] g.yaml:4:23: nodes.scene.config.mode.box.width is the text \"no\", but must be a whole number from 0 to 4294967295\n\
         error[G003] g.yaml:5:1: nodes.scene.config has no key \"extra\"; it has: name, place, key, wait, small, signed, factor, on, pair, list, table, secret, mode\n\
         error[G004] g.yaml:6:13: nodes.scene.config.table.a is 1, but must be a map with the keys anchor, height"
    );
}

#[test]
fn what_came_from_the_environment_stays_hidden() {
    for key in ["small", "wait", "on", "key", "mode", "list", "place"] {
        let mut value = parse(&format!("name: x\n{key}: hunter2"), "g.yaml").unwrap();
        let leaf = value.get_mut(key).unwrap();
        leaf.kind = Kind::Scalar(leaf.as_scalar().unwrap().clone().with_secret(true));
        let text = from_value::<Scene>(&value, "c").unwrap_err().to_string();
        assert!(text.contains("***") && !text.contains("hunter2"), "{text}");
    }
}

proptest! {
    #[test]
    fn reading_never_panics(text in "(name|place|key|mode|list|table|small|wait|x)?[:{}\\[\\], a-f0-9\n'-]{0,60}") {
        if let Ok(value) = parse(&text, "g.yaml") {
            let all = from_value_all::<Scene>(&value, "c");
            prop_assert_eq!(all.is_ok(), from_value::<Scene>(&value, "c").is_ok());
            if let Err(problems) = all {
                prop_assert!(!problems.is_empty());
            }
        }
    }
}
