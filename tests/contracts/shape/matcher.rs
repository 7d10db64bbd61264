//! SHAPEs held against what was answered.

use super::{Magic, Member, Pattern, Shape, Type};
use jsonwebtoken::{DecodingKey, Validation, dangerous, decode, decode_header};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// What is looked at: the body of an answer, or a JSON value by itself.
#[derive(Clone, Copy)]
pub enum Seen<'a> {
    /// The bytes, and what they say as JSON if they do.
    Body(&'a [u8], Option<&'a Value>),
    Value(&'a Value),
}

impl<'a> Seen<'a> {
    fn json(self) -> Option<&'a Value> {
        match self {
            Seen::Body(_, json) => json,
            Seen::Value(value) => Some(value),
        }
    }

    fn text(self) -> Option<Cow<'a, str>> {
        match self {
            Seen::Body(raw, _) => Some(String::from_utf8_lossy(raw)),
            Seen::Value(value) => value.as_str().map(Cow::Borrowed),
        }
    }
}

impl fmt::Display for Seen<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Seen::Value(value) | Seen::Body(_, Some(value)) => out.write_str(&short(value)),
            Seen::Body(raw, None) => {
                let head = String::from_utf8_lossy(&raw[..raw.len().min(60)]);
                write!(out, "{} bytes that are no JSON, {head:?}", raw.len())
            }
        }
    }
}

/// Where something does not fit.
#[derive(Debug, PartialEq)]
pub struct Fault {
    /// JSON pointer (RFC 6901); empty is the whole.
    pub pointer: String,
    /// What was due there, and what was found.
    pub text: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "at {}: {}", if self.pointer.is_empty() { "the whole" } else { &self.pointer }, self.text)
    }
}

/// What SHAPEs are matched with.
#[derive(Default)]
pub struct Matcher {
    /// The contract's own SHAPEs by name.
    pub shapes: Arc<BTreeMap<String, Shape>>,
    /// Secrets that a JWT may be signed with; where none is known, a signature is only looked for.
    pub secrets: Vec<String>,
}

impl Matcher {
    /// The places where `seen` does not fit; none when it does.
    pub fn faults(&self, shape: &Shape, seen: Seen) -> Vec<Fault> {
        self.look(shape, seen, "")
    }

    fn look(&self, shape: &Shape, seen: Seen, at: &str) -> Vec<Fault> {
        let fault = |text: String| vec![Fault { pointer: at.into(), text }];
        let due = |what: &str| fault(format!("{what} was due, found {seen}"));
        let unless = |fits: bool, what: &dyn Fn() -> String| if fits { Vec::new() } else { due(&what()) };
        match shape {
            Shape::Named(name) => match self.shapes.get(name) {
                Some(named) => self.look(named, seen, at),
                None => fault(format!("there is no SHAPE @{name}")),
            },
            Shape::All(shapes) => shapes.iter().flat_map(|shape| self.look(shape, seen, at)).collect(),
            Shape::Any(shapes) => {
                let mut nearest = shapes.iter().map(|shape| self.look(shape, seen, at)).min_by_key(Vec::len).unwrap_or_default();
                if shapes.len() > 1 {
                    nearest.iter_mut().for_each(|fault| fault.text += &format!(" (the nearest of {} SHAPEs)", shapes.len()));
                }
                nearest
            }
            Shape::Bytes(magic) => match seen {
                Seen::Body(raw, _) => unless(magic.fits(raw), &|| magic.to_string()),
                Seen::Value(_) => due("a raw body"),
            },
            Shape::Text(pattern) => {
                unless(seen.text().is_some_and(|text| pattern.is_in(&text)), &|| format!("a text in which {} is found", pattern.source))
            }
            Shape::Types(types) if types.contains(&Type::Any) => Vec::new(),
            Shape::Types(types) => {
                let names = || types.iter().map(|kind| kind.name()).collect::<Vec<_>>().join("|");
                unless(seen.json().is_some_and(|value| types.iter().any(|kind| kind.fits(value))), &names)
            }
            Shape::Pattern(pattern) => {
                let text = seen.json().and_then(Value::as_str);
                unless(text.is_some_and(|text| pattern.is_in(text)), &|| format!("a string in which {} is found", pattern.source))
            }
            Shape::OneOf(values) => {
                let text = || match values.as_slice() {
                    [one] => short(one),
                    many => format!("one of {}", short(&Value::Array(many.to_vec()))),
                };
                unless(seen.json().is_some_and(|value| values.contains(value)), &text)
            }
            Shape::Range(min, max) => {
                let number = seen.json().and_then(Value::as_f64);
                unless(number.is_some_and(|number| (*min..=*max).contains(&number)), &|| format!("a number from {min} to {max}"))
            }
            Shape::Object { members, closed } => match seen.json() {
                Some(Value::Object(map)) => self.look_at_members(members, *closed, map, at),
                _ => due("an object"),
            },
            Shape::Dictionary { of, keys } => match seen.json() {
                Some(Value::Object(map)) => {
                    map.iter().flat_map(|(key, value)| self.look_at_entry(of, keys, (key.as_str(), value), at)).collect()
                }
                _ => due("an object"),
            },
            Shape::List { of, min, max } => match seen.json() {
                Some(Value::Array(values)) if (*min..=*max).contains(&values.len()) => {
                    let look = |(index, value)| self.look(of, Seen::Value(value), &format!("{at}/{index}"));
                    values.iter().enumerate().flat_map(look).collect()
                }
                Some(Value::Array(values)) => fault(format!("a list of {} was due, found {} members", lengths(*min, *max), values.len())),
                _ => due("a list"),
            },
            Shape::Jwt { claims, algorithms } => match seen.json().and_then(Value::as_str).map(|token| self.claims(token, algorithms)) {
                Some(Ok(said)) => self.look(claims, Seen::Value(&said), at),
                Some(Err(why)) => due(&format!("a signed JWT ({why})")),
                None => due("a signed JWT"),
            },
        }
    }

    fn look_at_members(&self, members: &[Member], closed: bool, map: &Map<String, Value>, at: &str) -> Vec<Fault> {
        let mut faults = Vec::new();
        for Member { name, optional, shape } in members {
            let pointer = format!("{at}/{}", escaped(name));
            match map.get(name) {
                Some(value) => faults.extend(self.look(shape, Seen::Value(value), &pointer)),
                None if *optional => {}
                None => faults.push(Fault { pointer, text: format!("is missing, found only {}", names(map)) }),
            }
        }
        let unknown = map.keys().filter(|key| closed && !members.iter().any(|member| member.name == **key));
        faults.extend(unknown.map(|key| Fault { pointer: format!("{at}/{}", escaped(key)), text: "is not allowed here".into() }));
        faults
    }

    fn look_at_entry(&self, of: &Shape, keys: &Option<Pattern>, (key, value): (&str, &Value), at: &str) -> Vec<Fault> {
        let pointer = format!("{at}/{}", escaped(key));
        let mut faults = self.look(of, Seen::Value(value), &pointer);
        if let Some(pattern) = keys.as_ref().filter(|pattern| !pattern.is_in(key)) {
            faults.push(Fault { pointer, text: format!("its key does not match {}", pattern.source) });
        }
        faults
    }

    /// The payload of a token that is signed.
    fn claims(&self, token: &str, algorithms: &[String]) -> Result<Value, String> {
        let header = decode_header(token).map_err(|error| error.to_string())?;
        let algorithm = format!("{:?}", header.alg);
        if !algorithms.is_empty() && !algorithms.contains(&algorithm) {
            return Err(format!("it is signed with {algorithm}, not with {}", algorithms.join(" or ")));
        }
        if token.ends_with('.') {
            return Err("it has no signature".into());
        }
        if self.secrets.is_empty() {
            return dangerous::insecure_decode::<Value>(token).map(|said| said.claims).map_err(|error| error.to_string());
        }
        // The SHAPE says what is due of the claims; here the signature counts.
        let mut rules = Validation::new(header.alg);
        rules.required_spec_claims.clear();
        (rules.validate_exp, rules.validate_aud) = (false, false);
        let known = |secret: &String| decode::<Value>(token, &DecodingKey::from_secret(secret.as_bytes()), &rules).ok();
        self.secrets.iter().find_map(known).map(|said| said.claims).ok_or("no secret of the server made its signature".into())
    }
}

impl Magic {
    fn fits(&self, raw: &[u8]) -> bool {
        raw.len() >= self.min && raw.get(self.at..).is_some_and(|rest| rest.starts_with(self.magic.as_bytes()))
    }
}

impl fmt::Display for Magic {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "a body of {} bytes or more", self.min)?;
        if self.magic.is_empty() { Ok(()) } else { write!(out, " with {:?} at byte {}", self.magic, self.at) }
    }
}

/// JSON, cut where it gets long.
pub fn short(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(120) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

fn names(map: &Map<String, Value>) -> String {
    short(&map.keys().map(String::as_str).collect::<Value>())
}

fn lengths(min: usize, max: usize) -> String {
    if max == usize::MAX { format!("{min} or more") } else { format!("{min} to {max}") }
}

/// RFC 6901.
fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
