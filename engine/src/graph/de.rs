//! serde over [`Value`]: every error knows its place and its path.
//!
//! A `Deserializer` wraps one node of the tree. An error that passes a node for the first time takes that node's
//! [`Location`](super::value::Location);
//! on its way up each map and list adds a step to the path (`nodes.avatar.config.place.height`). Values that came from the
//! environment never reach a message.
//!
//! Types must not use serde's `flatten`, `untagged` or internally tagged enums: they buffer the input and lose every place.
//! A value of two shapes (a text or a map) gets a hand-written visitor through `deserialize_any`.

use serde::de::value::StrDeserializer;
use serde::de::{self, DeserializeOwned, DeserializeSeed, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;

use super::problem::{Code, Problem, Problems};
use super::value::{Key, Kind, Scalar, Typed, Value};

mod fault;
use fault::{Error, Fault, Step};

/// Reads a typed value. `context` is the path of `value` in the file (`nodes.avatar.config`), for messages; it may be empty.
///
/// # Errors
/// The first problem.
pub fn from_value<T: DeserializeOwned>(value: &Value, context: &str) -> Result<T, Problem> {
    T::deserialize(Node(value)).map_err(|error| error.into_problem(value, context))
}

/// Reads a typed value and finds *all* its problems: what is wrong is noted, taken out, and the rest is read again.
///
/// # Errors
/// All problems, sorted by place.
pub fn from_value_all<T: DeserializeOwned>(value: &Value, context: &str) -> Result<T, Problems> {
    let mut rest = match T::deserialize(Node(value)) {
        Ok(read) => return Ok(read),
        Err(_) => value.clone(),
    };
    let mut problems = Problems::default();
    let mut removed: Vec<String> = Vec::new();
    loop {
        let error = match T::deserialize(Node(&rest)) {
            Err(error) => error,
            Ok(read) => return problems.into_result(read),
        };
        let culprit = error.culprit();
        // A key that is missing only because it was taken out was reported already.
        if !error.missing().is_some_and(|path| removed.contains(&path.join("."))) {
            problems.push(error.into_problem(value, context));
        }
        let Some((last, parents)) = culprit.split_last().filter(|_| !problems.is_full()) else { break };
        let Some(parent) = parents.iter().try_fold(&mut rest, |node, key| node.get_mut(key)) else { break };
        if parent.remove(last).is_none() {
            break;
        }
        removed.push(culprit.join("."));
    }
    problems.sort();
    Err(problems)
}

/// A node of the tree as a serde deserializer.
#[derive(Clone, Copy)]
struct Node<'a>(&'a Value);

impl<'a> Node<'a> {
    fn scalar(self) -> Option<&'a Scalar> {
        self.0.as_scalar()
    }

    /// This value is not what is wanted here.
    fn unfit(self, wanted: impl Into<String>) -> Error {
        Error::new(Fault::Unfit { code: Code::WrongType, wanted: wanted.into(), found: self.0.describe() }).at(self.0)
    }

    /// An error of the visitor's own arose here.
    fn blame<T>(self, result: Result<T, Error>) -> Result<T, Error> {
        result.map_err(|error| error.at(self.0))
    }

    fn list<'de, V: Visitor<'de>>(self, visitor: V, wanted: &str) -> Result<V::Value, Error> {
        let items = self.0.as_list().ok_or_else(|| self.unfit(wanted))?;
        self.blame(visitor.visit_seq(Items { items, next: 0 }))
    }

    fn map<'de, V: Visitor<'de>>(self, visitor: V, wanted: impl FnOnce() -> String) -> Result<V::Value, Error> {
        let entries = self.0.as_map().ok_or_else(|| self.unfit(wanted()))?;
        self.blame(visitor.visit_map(Entries { entries, next: 0 }))
    }

    fn text<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        // A number is taken as the text that it was written as: `title: 2026`, `version: 1.10`.
        match self.scalar() {
            Some(scalar) if !matches!(scalar.typed(), Typed::Bool(_)) => self.blame(visitor.visit_str(scalar.text())),
            Some(_) => Err(self.unfit("a text in quotes")),
            None => Err(self.unfit("a text")),
        }
    }

    fn float<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let number = match self.scalar().map(Scalar::typed) {
            Some(Typed::Int(whole)) => whole as f64,
            Some(Typed::Float(number)) if number.is_finite() => number,
            _ => return Err(self.unfit("a number")),
        };
        self.blame(visitor.visit_f64(number))
    }
}

macro_rules! whole_numbers {
    ($($method:ident $visit:ident $type:ident)+) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            match self.scalar().map(Scalar::typed) {
                Some(Typed::Int(number)) if $type::try_from(number).is_ok() => {
                    self.blame(visitor.$visit(number as $type))
                }
                _ if $type::BITS == 64 => Err(self.unfit(if $type::MIN == 0 { "a whole number, 0 or more" } else { "a whole number" })),
                _ => Err(self.unfit(format!("a whole number from {} to {}", $type::MIN, $type::MAX))),
            }
        })+
    };
}

impl<'de> de::Deserializer<'de> for Node<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let result = match &self.0.kind {
            Kind::Null => visitor.visit_unit(),
            Kind::List(_) => return self.list(visitor, "a list"),
            Kind::Map(_) => return self.map(visitor, || "a map".into()),
            Kind::Scalar(scalar) => match scalar.typed() {
                Typed::Bool(truth) => visitor.visit_bool(truth),
                Typed::Int(number) => match (u64::try_from(number), i64::try_from(number)) {
                    (Ok(number), _) => visitor.visit_u64(number),
                    (_, Ok(number)) => visitor.visit_i64(number),
                    _ => visitor.visit_f64(number as f64),
                },
                Typed::Float(number) if number.is_finite() => visitor.visit_f64(number),
                Typed::Float(_) => return Err(self.unfit("a finite number")),
                Typed::Text(text) => visitor.visit_str(text),
            },
        };
        self.blame(result)
    }

    whole_numbers! {
        deserialize_i8 visit_i8 i8
        deserialize_i16 visit_i16 i16
        deserialize_i32 visit_i32 i32
        deserialize_i64 visit_i64 i64
        deserialize_u8 visit_u8 u8
        deserialize_u16 visit_u16 u16
        deserialize_u32 visit_u32 u32
        deserialize_u64 visit_u64 u64
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.float(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.float(visitor)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.scalar().map(Scalar::typed) {
            Some(Typed::Bool(truth)) => self.blame(visitor.visit_bool(truth)),
            _ => Err(self.unfit("true or false")),
        }
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.text(visitor)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.text(visitor)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.text(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.text(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.0.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        self.blame(visitor.visit_newtype_struct(self))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.list(visitor, "a list")
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Error> {
        let wanted = format!("a list of {length} values");
        if self.0.as_list().is_some_and(|items| items.len() != length) {
            return Err(self.unfit(wanted));
        }
        self.list(visitor, &wanted)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(self, _: &'static str, length: usize, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_tuple(length, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.map(visitor, || "a map".into())
    }

    fn deserialize_struct<V: Visitor<'de>>(self, _: &'static str, fields: &'static [&'static str], visitor: V) -> Result<V::Value, Error> {
        self.map(visitor, || format!("a map with the keys {}", super::problem::list(fields.iter().copied())))
    }

    fn deserialize_enum<V: Visitor<'de>>(self, _: &'static str, variants: &'static [&'static str], visitor: V) -> Result<V::Value, Error> {
        let choice = match &self.0.kind {
            Kind::Scalar(_) => Choice { node: self.0, body: None },
            Kind::Map(entries) if entries.len() == 1 => Choice { node: self.0, body: Some(&entries[0]) },
            _ => return Err(self.unfit(fault::one_of(variants))),
        };
        self.blame(visitor.visit_enum(choice))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! { i128 u128 bytes byte_buf unit unit_struct }
}

/// The items of a list.
struct Items<'a> {
    items: &'a [Value],
    next: usize,
}

impl<'de> de::SeqAccess<'de> for Items<'_> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        let Some(item) = self.items.get(self.next) else { return Ok(None) };
        let index = self.next;
        self.next += 1;
        seed.deserialize(Node(item)).map(Some).map_err(|error| error.inside(Step::Item(index)))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len() - self.next)
    }
}

/// The entries of a map, in file order.
struct Entries<'a> {
    entries: &'a [(Key, Value)],
    next: usize,
}

impl<'de> de::MapAccess<'de> for Entries<'_> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        let Some((key, _)) = self.entries.get(self.next) else { return Ok(None) };
        let text: StrDeserializer<'_, Error> = key.value.as_str().into_deserializer();
        seed.deserialize(text).map(Some).map_err(|error| error.at_key(key))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        let (key, value) = &self.entries[self.next];
        self.next += 1;
        seed.deserialize(Node(value)).map_err(|error| error.inside(Step::Key(key.value.clone())))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.entries.len() - self.next)
    }
}

/// One of several: a text for a choice alone, a map of one entry for a choice with settings.
struct Choice<'a> {
    node: &'a Value,
    body: Option<&'a (Key, Value)>,
}

impl<'a, 'de> de::EnumAccess<'de> for Choice<'a> {
    type Error = Error;
    type Variant = Choice<'a>;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Choice<'a>), Error> {
        let name = self.name();
        let text: StrDeserializer<'_, Error> = name.into_deserializer();
        let variant = seed.deserialize(text).map_err(|error| error.at(self.node))?;
        Ok((variant, self))
    }
}

impl<'a> Choice<'a> {
    fn name(&self) -> &'a str {
        match self.body {
            Some((key, _)) => &key.value,
            None => self.node.as_scalar().map_or("", Scalar::text),
        }
    }

    fn settings(&self) -> Result<Node<'a>, Error> {
        let missing = || Error::new(Fault::Rejected(format!("{:?} needs settings; write {{ {0}: ... }}", self.name()))).at(self.node);
        self.body.map(|(_, value)| Node(value)).ok_or_else(missing)
    }

    fn step(&self) -> Step {
        Step::Choice(self.name().to_string())
    }
}

impl<'de> de::VariantAccess<'de> for Choice<'_> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        match self.body {
            Some((key, value)) if !value.is_null() => {
                Err(Error::new(Fault::Rejected(format!("{:?} takes no settings; write it alone", key.value))).at_key(key))
            }
            _ => Ok(()),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        seed.deserialize(self.settings()?).map_err(|error| error.inside(self.step()))
    }

    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Error> {
        de::Deserializer::deserialize_tuple(self.settings()?, length, visitor).map_err(|error| error.inside(self.step()))
    }

    fn struct_variant<V: Visitor<'de>>(self, fields: &'static [&'static str], visitor: V) -> Result<V::Value, Error> {
        de::Deserializer::deserialize_struct(self.settings()?, "", fields, visitor).map_err(|error| error.inside(self.step()))
    }
}

#[cfg(test)]
mod tests;
