//! The untyped tree of a graph file. Every node knows where it was written; maps keep the file's order.
//!
//! A scalar keeps its text: `1.10` given where a text is wanted stays `1.10`. Its type is decided on demand by YAML 1.2's core
//! schema, in which `no`, `on` and `yes` are texts. A scalar that holds something from the environment is *secret*: it prints as `***`.

use std::fmt;
use std::sync::Arc;

/// A place in a file.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Location {
    /// The file as the user named it.
    pub file: Arc<str>,
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
}

impl Location {
    /// A place; line and column count from 1.
    pub fn new(file: &Arc<str>, line: u32, column: u32) -> Location {
        Location { file: file.clone(), line, column }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Something together with the place where it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located<T> {
    /// What was written.
    pub value: T,
    /// Where.
    pub at: Location,
}

/// The key of a map's entry.
pub type Key = Located<String>;

/// How a scalar was written. Only plain scalars are numbers and booleans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Bare: `30`, `true`, `speech.audio`.
    Plain,
    /// In quotes or as a block: always a text.
    Quoted,
}

/// One leaf: a text and how it was written. Never null; that is [`Kind::Null`].
#[derive(Clone, PartialEq, Eq)]
pub struct Scalar {
    text: String,
    style: Style,
    secret: bool,
}

/// What a scalar is by the core schema.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Typed<'a> {
    /// `true` or `false` (also `True`, `TRUE` …).
    Bool(bool),
    /// Decimal, `0o` octal or `0x` hexadecimal.
    Int(i128),
    /// A decimal fraction, perhaps with an exponent; may be infinite or not a number.
    Float(f64),
    /// Everything else, and all that is quoted.
    Text(&'a str),
}

impl Scalar {
    /// A leaf that is not secret.
    pub fn new(text: impl Into<String>, style: Style) -> Scalar {
        Scalar { text: text.into(), style, secret: false }
    }

    /// The same leaf, secret or not.
    pub fn with_secret(self, secret: bool) -> Scalar {
        Scalar { secret, ..self }
    }

    /// The text itself, also of a secret: not for messages.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Holds something from the environment and must not be shown.
    pub fn is_secret(&self) -> bool {
        self.secret
    }

    /// The type by YAML 1.2's core schema (specification 10.3.2).
    pub fn typed(&self) -> Typed<'_> {
        let text = self.text.as_str();
        if self.style == Style::Quoted {
            return Typed::Text(text);
        }
        match text {
            "true" | "True" | "TRUE" => Typed::Bool(true),
            "false" | "False" | "FALSE" => Typed::Bool(false),
            _ => number(text).unwrap_or(Typed::Text(text)),
        }
    }
}

/// The text of a plain scalar that means "nothing here".
pub(crate) fn is_null(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

fn number(text: &str) -> Option<Typed<'static>> {
    for (prefix, radix) in [("0o", 8), ("0x", 16)] {
        // `from_str_radix` alone would also take a sign after the prefix.
        if let Some(digits) = text.strip_prefix(prefix).filter(|digits| digits.chars().all(|c| c.is_digit(radix))) {
            return i128::from_str_radix(digits, radix).ok().map(Typed::Int);
        }
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    match unsigned {
        ".inf" | ".Inf" | ".INF" => return Some(Typed::Float(if text.starts_with('-') { f64::NEG_INFINITY } else { f64::INFINITY })),
        ".nan" | ".NaN" | ".NAN" if unsigned.len() == text.len() => return Some(Typed::Float(f64::NAN)),
        _ => {}
    }
    // What is left of the schema's grammar is what Rust reads as f64, without its words (`inf`, `nan`, `infinity`).
    let numeric = unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && !unsigned.contains(|c: char| c.is_ascii_alphabetic() && c != 'e' && c != 'E');
    if !numeric {
        return None;
    }
    if unsigned.bytes().all(|byte| byte.is_ascii_digit())
        && let Ok(whole) = text.parse()
    {
        return Some(Typed::Int(whole));
    }
    text.parse().ok().map(Typed::Float)
}

impl fmt::Display for Scalar {
    /// As it would be written in a file; `***` for a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.secret, self.style) {
            (true, _) => f.write_str("***"),
            (false, Style::Plain) => f.write_str(&self.text),
            (false, Style::Quoted) => write!(f, "{:?}", self.text),
        }
    }
}

impl fmt::Debug for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What a node of the tree is.
#[derive(Clone, PartialEq, Eq)]
pub enum Kind {
    /// Nothing: `null`, `~` or no value at all.
    Null,
    /// A leaf.
    Scalar(Scalar),
    /// A list.
    List(Vec<Value>),
    /// A map in file order; keys are unique.
    Map(Vec<(Key, Value)>),
}

/// A node of the tree and the place where it begins.
#[derive(Clone, PartialEq, Eq)]
pub struct Value {
    /// What it is.
    pub kind: Kind,
    /// Where it begins; a block map begins at its first key.
    pub at: Location,
}

impl Value {
    /// An empty map.
    pub fn empty_map(at: Location) -> Value {
        Value { kind: Kind::Map(Vec::new()), at }
    }

    /// The entries, if it is a map.
    pub fn as_map(&self) -> Option<&[(Key, Value)]> {
        if let Kind::Map(entries) = &self.kind { Some(entries) } else { None }
    }

    /// The items, if it is a list.
    pub fn as_list(&self) -> Option<&[Value]> {
        if let Kind::List(items) = &self.kind { Some(items) } else { None }
    }

    /// The leaf, if it is one.
    pub fn as_scalar(&self) -> Option<&Scalar> {
        if let Kind::Scalar(scalar) = &self.kind { Some(scalar) } else { None }
    }

    /// True for null.
    pub fn is_null(&self) -> bool {
        self.kind == Kind::Null
    }

    /// A map's entry by key: the key with its place, and the value.
    pub fn entry(&self, key: &str) -> Option<&(Key, Value)> {
        self.as_map()?.iter().find(|(name, _)| name.value == key)
    }

    /// A map's value by key.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.entry(key).map(|(_, value)| value)
    }

    /// A map's value by key, to be changed.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Value> {
        let Kind::Map(entries) = &mut self.kind else { return None };
        entries.iter_mut().find(|(name, _)| name.value == key).map(|(_, value)| value)
    }

    /// Takes an entry out of a map.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        let Kind::Map(entries) = &mut self.kind else { return None };
        let index = entries.iter().position(|(name, _)| name.value == key)?;
        Some(entries.remove(index).1)
    }

    /// Something in it came from the environment.
    pub fn has_secret(&self) -> bool {
        match &self.kind {
            Kind::Null => false,
            Kind::Scalar(scalar) => scalar.is_secret(),
            Kind::List(items) => items.iter().any(Value::has_secret),
            Kind::Map(entries) => entries.iter().any(|(_, value)| value.has_secret()),
        }
    }

    /// What it is, for messages: `the text "abc"`, `30`, `a list`, `a map`, `empty`; a secret as `***`.
    pub fn describe(&self) -> String {
        match &self.kind {
            Kind::Null => "empty".into(),
            Kind::Scalar(scalar) if scalar.is_secret() => "***".into(),
            Kind::Scalar(scalar) => match scalar.typed() {
                Typed::Text(text) => describe_text(text),
                _ => scalar.text().into(),
            },
            Kind::List(_) => "a list".into(),
            Kind::Map(_) => "a map".into(),
        }
    }
}

/// A text in a message, cut to a readable length.
pub(crate) fn describe_text(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("the text {:?}...", &text[..end]),
        None => format!("the text {text:?}"),
    }
}

impl fmt::Display for Value {
    /// On one line, in flow style; secrets as `***`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Null => f.write_str("null"),
            Kind::Scalar(scalar) => scalar.fmt(f),
            Kind::List(items) => {
                f.write_str("[")?;
                for (index, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if index == 0 { "" } else { ", " })?;
                }
                f.write_str("]")
            }
            Kind::Map(entries) => {
                f.write_str("{")?;
                for (index, (key, value)) in entries.iter().enumerate() {
                    write!(f, "{}{}: {value}", if index == 0 { "" } else { ", " }, key.value)?;
                }
                f.write_str("}")
            }
        }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_follow_the_core_schema() {
        let typed = |text: &str| format!("{:?}", Scalar::new(text, Style::Plain).typed());
        for (text, expected) in [
            ("true", "Bool(true)"),
            ("FALSE", "Bool(false)"),
            ("12", "Int(12)"),
            ("-12", "Int(-12)"),
            ("+12", "Int(12)"),
            ("012", "Int(12)"),
            ("0o14", "Int(12)"),
            ("0xfF", "Int(255)"),
            ("1.50", "Float(1.5)"),
            ("1.", "Float(1.0)"),
            (".5", "Float(0.5)"),
            ("-1e3", "Float(-1000.0)"),
            (".inf", "Float(inf)"),
            ("-.INF", "Float(-inf)"),
            (".nan", "Float(NaN)"),
        ] {
            assert_eq!(typed(text), expected, "{text}");
        }
        for text in [
            "no",
            "on",
            "yes",
            "tRue",
            "0x",
            "0x-1",
            "0o+7",
            "1e",
            ".",
            "-",
            "+.nan",
            "inf",
            "nan",
            "12:30",
            "1_000",
            "400ms",
            "1280x720",
            "1.2.3",
            "30000/1001",
            "--1",
        ] {
            assert_eq!(typed(text), format!("Text({text:?})"), "{text}");
        }
        assert_eq!(Scalar::new("12", Style::Quoted).typed(), Typed::Text("12"));
    }

    #[test]
    fn a_whole_number_beyond_128_bits_is_still_a_number() {
        assert!(matches!(Scalar::new("9".repeat(60), Style::Plain).typed(), Typed::Float(_)));
    }

    #[test]
    fn secrets_do_not_print() {
        let at = Location::new(&Arc::from("f"), 1, 1);
        let secret = Value { kind: Kind::Scalar(Scalar::new("hunter2", Style::Plain).with_secret(true)), at: at.clone() };
        let list = Value { kind: Kind::List(vec![secret.clone()]), at };
        assert_eq!(format!("{secret} {secret:?} {} {list:?}", secret.describe()), "*** *** *** [***]");
        assert!(list.has_secret());
    }
}
