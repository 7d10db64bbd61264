//! SHAPEs: what an answer has to look like. Their notations are those of the contracts' own description:
//!
//! | notation | matches |
//! | --- | --- |
//! | `any str int num bool null obj arr` | the JSON type (`num` takes integers too, `int` no `1.0`); `a\|b` either |
//! | `uuid time epoch url path hex` | a string of that form; `epoch`: a number, Unix seconds |
//! | `/re/` `/re/i` `/re/m` | a string in which the regular expression is found |
//! | `{key: SHAPE, "opt?": SHAPE}` | an object; more keys are allowed unless `$closed: true` |
//! | `[SHAPE]`, `{$list, $min, $max}` | an array of it |
//! | `{$map, $keys}` | an object used as a dictionary |
//! | `{$const}` `{$enum}` `{$range}` | equal; one of; a number in the range |
//! | `{$any}` `{$all}` | one of; all of the SHAPEs |
//! | `{$jwt, $alg}` | a signed JWT whose payload matches |
//! | `{$bytes: {min, at, magic}}` `{$text}` | the raw body |
//! | `@Name` | a SHAPE of the contract's `shapes` |

mod matcher;
mod tests;

pub use matcher::{Fault, Matcher, Seen, short};

use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use std::sync::LazyLock;

/// A SHAPE, read.
#[derive(Debug)]
pub enum Shape {
    /// One of these types and forms.
    Types(Vec<Type>),
    Pattern(Pattern),
    Named(String),
    Object {
        members: Vec<Member>,
        closed: bool,
    },
    List {
        of: Box<Shape>,
        min: usize,
        max: usize,
    },
    Dictionary {
        of: Box<Shape>,
        keys: Option<Pattern>,
    },
    OneOf(Vec<Value>),
    Range(f64, f64),
    Any(Vec<Shape>),
    All(Vec<Shape>),
    Jwt {
        claims: Box<Shape>,
        /// Empty: any.
        algorithms: Vec<String>,
    },
    Bytes(Magic),
    Text(Pattern),
}

/// A member of an object.
#[derive(Debug)]
pub struct Member {
    name: String,
    optional: bool,
    shape: Shape,
}

/// A type of JSON, or a form that a string of it has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Type {
    Any,
    Str,
    Int,
    Num,
    Bool,
    Null,
    Obj,
    Arr,
    Epoch,
    /// By its place in [`FORMS`].
    Form(usize),
}

/// What stands at a place of a raw body.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Magic {
    #[serde(default)]
    min: usize,
    #[serde(default)]
    at: usize,
    #[serde(default)]
    magic: String,
}

/// A regular expression as it was written, `/re/flags`.
#[derive(Debug)]
pub struct Pattern {
    source: String,
    regex: Regex,
}

/// Strings of a form.
const FORMS: [(&str, &str); 5] = [
    ("uuid", "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"),
    ("time", r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?(Z|[+-][0-9]{2}:?[0-9]{2})?$"),
    ("url", r"^[a-z][a-z0-9+.-]*://\S+$"),
    ("path", r"^/\S*$"),
    ("hex", "^[0-9a-f]+$"),
];

static FORMED: LazyLock<[Regex; 5]> = LazyLock::new(|| FORMS.map(|(_, form)| Regex::new(form).expect("a constant")));

/// Types by their names; forms follow in [`FORMS`].
const TYPES: [(&str, Type); 9] = [
    ("any", Type::Any),
    ("str", Type::Str),
    ("int", Type::Int),
    ("num", Type::Num),
    ("bool", Type::Bool),
    ("null", Type::Null),
    ("obj", Type::Obj),
    ("arr", Type::Arr),
    ("epoch", Type::Epoch),
];

impl<'de> Deserialize<'de> for Shape {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Shape, D::Error> {
        Shape::read(&Value::deserialize(from)?).map_err(serde::de::Error::custom)
    }
}

impl Shape {
    /// Reads a SHAPE in which no variable is left.
    ///
    /// # Errors
    /// What no notation allows.
    pub fn read(written: &Value) -> Result<Shape, String> {
        match written {
            Value::String(text) => Shape::of_text(text),
            Value::Array(members) => match members.as_slice() {
                [of] => Ok(Shape::List { of: Box::new(Shape::read(of)?), min: 0, max: usize::MAX }),
                _ => Err(format!("a list SHAPE has one member: {}", short(written))),
            },
            Value::Object(map) => Shape::of_object(map),
            other => Err(format!("not a SHAPE: {}", short(other))),
        }
    }

    fn of_text(text: &str) -> Result<Shape, String> {
        if let Some(name) = text.strip_prefix('@') {
            return Ok(Shape::Named(name.into()));
        }
        if text.starts_with('/') {
            return Pattern::read(text).map(Shape::Pattern);
        }
        text.split('|').map(Type::read).collect::<Result<_, _>>().map(Shape::Types)
    }

    fn of_object(map: &Map<String, Value>) -> Result<Shape, String> {
        let mut marks: Vec<&str> = map.keys().map(String::as_str).filter(|key| key.starts_with('$') && *key != "$closed").collect();
        marks.sort_unstable();
        if marks.is_empty() {
            return Shape::of_members(map);
        }
        let only = || format!("these keys do not go together: {}", short(&Value::Object(map.clone())));
        if marks.len() != map.len() {
            return Err(only());
        }
        let inner = |name: &str| map.get(name).map_or(Ok(Shape::Types(vec![Type::Any])), Shape::read).map(Box::new);
        let pattern = |name: &str| map.get(name).map(Pattern::of).transpose();
        let many = |name: &str| match &map[name] {
            Value::Array(shapes) if !shapes.is_empty() => shapes.iter().map(Shape::read).collect::<Result<Vec<_>, _>>(),
            other => Err(format!("{name} has a list of SHAPEs, not {}", short(other))),
        };
        let number = |name: &str, default: usize| match map.get(name) {
            None => Ok(default),
            Some(value) => value.as_u64().map(|value| value as usize).ok_or_else(|| format!("{name} is a number, not {}", short(value))),
        };
        Ok(match marks.as_slice() {
            ["$const"] => Shape::OneOf(vec![map["$const"].clone()]),
            ["$enum"] => Shape::OneOf(map["$enum"].as_array().ok_or_else(only)?.clone()),
            ["$range"] => match map["$range"].as_array().map(Vec::as_slice) {
                Some([min, max]) => Shape::Range(min.as_f64().ok_or_else(only)?, max.as_f64().ok_or_else(only)?),
                _ => return Err(only()),
            },
            ["$any"] => Shape::Any(many("$any")?),
            ["$all"] => Shape::All(many("$all")?),
            ["$map"] | ["$keys"] | ["$keys", "$map"] => Shape::Dictionary { of: inner("$map")?, keys: pattern("$keys")? },
            ["$list"] | ["$list", "$max"] | ["$list", "$min"] | ["$list", "$max", "$min"] => {
                Shape::List { of: inner("$list")?, min: number("$min", 0)?, max: number("$max", usize::MAX)? }
            }
            ["$jwt"] | ["$alg", "$jwt"] => {
                let algorithms = map.get("$alg").map(|names| serde_json::from_value(names.clone())).transpose();
                Shape::Jwt { claims: inner("$jwt")?, algorithms: algorithms.map_err(|_| only())?.unwrap_or_default() }
            }
            ["$bytes"] => Shape::Bytes(serde_json::from_value(map["$bytes"].clone()).map_err(|error| format!("$bytes: {error}"))?),
            ["$text"] => Shape::Text(Pattern::of(&map["$text"])?),
            _ => return Err(only()),
        })
    }

    fn of_members(map: &Map<String, Value>) -> Result<Shape, String> {
        let closed = match map.get("$closed") {
            None => false,
            Some(Value::Bool(closed)) => *closed,
            Some(other) => return Err(format!("$closed is true or false, not {}", short(other))),
        };
        let member = |(key, shape): (&String, &Value)| {
            let name = key.strip_suffix('?').unwrap_or(key);
            let shape = Shape::read(shape).map_err(|error| format!("{name}: {error}"))?;
            Ok(Member { name: name.into(), optional: name != key, shape })
        };
        let members = map.iter().filter(|(key, _)| *key != "$closed").map(member).collect::<Result<_, String>>()?;
        Ok(Shape::Object { members, closed })
    }

    /// The names of other SHAPEs in it.
    pub fn names(&self) -> Vec<&str> {
        match self {
            Shape::Named(name) => vec![name],
            Shape::Object { members, .. } => members.iter().flat_map(|member| member.shape.names()).collect(),
            Shape::List { of, .. } | Shape::Dictionary { of, .. } | Shape::Jwt { claims: of, .. } => of.names(),
            Shape::Any(shapes) | Shape::All(shapes) => shapes.iter().flat_map(Shape::names).collect(),
            _ => Vec::new(),
        }
    }
}

impl Type {
    fn read(name: &str) -> Result<Type, String> {
        let form = || FORMS.iter().position(|(form, _)| *form == name).map(Type::Form);
        let found = TYPES.iter().find(|(other, _)| *other == name).map(|(_, kind)| *kind).or_else(form);
        found.ok_or_else(|| format!("{name:?} is no type"))
    }

    fn name(self) -> &'static str {
        match self {
            Type::Form(form) => FORMS[form].0,
            other => TYPES.iter().find(|(_, kind)| *kind == other).map_or("", |(name, _)| name),
        }
    }

    fn fits(self, value: &Value) -> bool {
        match self {
            Type::Any => true,
            Type::Str => value.is_string(),
            Type::Int => value.is_i64() || value.is_u64(),
            Type::Num => value.is_number(),
            Type::Bool => value.is_boolean(),
            Type::Null => value.is_null(),
            Type::Obj => value.is_object(),
            Type::Arr => value.is_array(),
            Type::Epoch => value.as_f64().is_some_and(|seconds| seconds > 1e9 && seconds < 1e11),
            Type::Form(form) => value.as_str().is_some_and(|text| FORMED[form].is_match(text)),
        }
    }
}

impl Pattern {
    /// Reads `/re/flags`.
    ///
    /// # Errors
    /// It is none.
    pub fn read(text: &str) -> Result<Pattern, String> {
        let wrong = |why: &str| format!("{text} is no regular expression: {why}");
        let (source, flags) = text
            .strip_prefix('/')
            .and_then(|rest| rest.rsplit_once('/'))
            .ok_or_else(|| wrong("it is written as /…/, with i and m behind it"))?;
        if let Some(other) = flags.chars().find(|flag| !"im".contains(*flag)) {
            return Err(wrong(&format!("there is no flag {other}")));
        }
        let mut builder = RegexBuilder::new(source);
        let built = builder.case_insensitive(flags.contains('i')).multi_line(flags.contains('m')).build();
        Ok(Pattern { source: text.into(), regex: built.map_err(|error| wrong(&error.to_string()))? })
    }

    fn of(value: &Value) -> Result<Pattern, String> {
        value.as_str().ok_or_else(|| format!("{} is no regular expression", short(value))).and_then(Pattern::read)
    }

    /// Whether it is found in a text.
    pub fn is_in(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }
}
