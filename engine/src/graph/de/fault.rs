//! The error that serde sees while a [`Value`] is read, and how it becomes a [`Problem`].

use std::fmt;

use serde::de::{self, Expected, Unexpected};

use crate::graph::problem::{Code, Problem, list};
use crate::graph::value::{Key, Location, Value, describe_text};

/// What went wrong, apart from where.
pub(super) enum Fault {
    /// A key that the struct does not have.
    UnknownKey { key: String, known: &'static [&'static str] },
    /// A key that the struct needs.
    MissingKey(String),
    /// A value that is not `wanted`.
    Unfit { code: Code, wanted: String, found: String },
    /// A text that is none of the choices.
    NoChoice { found: String, choices: &'static [&'static str] },
    /// The type's own complaint.
    Rejected(String),
}

/// One step of a path, from the outside in.
#[derive(Clone)]
pub(super) enum Step {
    /// A map's entry.
    Key(String),
    /// A list's item, from 0.
    Item(usize),
    /// The entry of a one-entry map that chooses an enum's variant.
    Choice(String),
}

/// A [`Fault`] with its place and path. Boxed, because every result on the way carries it.
pub(super) struct Error(Box<Inner>);

struct Inner {
    fault: Fault,
    at: Option<Location>,
    /// Innermost step first: the error collects them on its way out.
    steps: Vec<Step>,
}

impl Error {
    pub(super) fn new(fault: Fault) -> Error {
        Error(Box::new(Inner { fault, at: None, steps: Vec::new() }))
    }

    /// The error arose at `value`, unless a place deeper inside was noted already. Hides what came from the environment.
    pub(super) fn at(mut self, value: &Value) -> Error {
        if self.0.at.is_none() {
            self.0.at = Some(value.at.clone());
            if value.has_secret() {
                self.hide();
            }
        }
        self
    }

    /// The error arose at a key.
    pub(super) fn at_key(mut self, key: &Key) -> Error {
        self.0.at.get_or_insert_with(|| key.at.clone());
        self
    }

    /// The error comes from inside a map or list.
    pub(super) fn inside(mut self, step: Step) -> Error {
        self.0.steps.push(step);
        self
    }

    fn hide(&mut self) {
        match &mut self.0.fault {
            Fault::Unfit { found, .. } => *found = "***".into(),
            Fault::NoChoice { choices, .. } => {
                self.0.fault = Fault::Unfit { code: Code::BadValue, wanted: one_of(choices), found: "***".into() };
            }
            // The text may quote the value in any disguise.
            Fault::Rejected(text) => *text = "what came from the environment (***) is not accepted here".into(),
            Fault::UnknownKey { .. } | Fault::MissingKey(_) => {}
        }
    }

    /// The path of keys to what must be taken out so that the rest can be read. A list counts as one, so that the indices in
    /// messages stay true; so does a choice with its settings.
    pub(super) fn culprit(&self) -> Vec<String> {
        let mut path = Vec::new();
        let mut steps = self.0.steps.iter().rev().peekable();
        while let Some(step) = steps.next() {
            match step {
                Step::Key(key) => path.push(key.clone()),
                // The last step: nothing deeper can be taken out alone.
                Step::Choice(_) if steps.peek().is_none() && !matches!(self.0.fault, Fault::UnknownKey { .. }) => return path,
                Step::Choice(name) => path.push(name.clone()),
                Step::Item(_) => return path,
            }
        }
        if let Fault::UnknownKey { key, .. } = &self.0.fault {
            path.push(key.clone());
        }
        path
    }

    /// The path of the key that is missing, if that is the error.
    pub(super) fn missing(&self) -> Option<Vec<String>> {
        let Fault::MissingKey(key) = &self.0.fault else { return None };
        let mut path: Vec<String> = self.0.steps.iter().rev().map(Step::name).collect();
        path.push(key.clone());
        Some(path)
    }

    /// The problem for people; `root` is the value that was read and `context` its path.
    pub(super) fn into_problem(self, root: &Value, context: &str) -> Problem {
        let Inner { fault, at, steps } = *self.0;
        let at = at.unwrap_or_else(|| root.at.clone());
        let mut path = context.to_string();
        for step in steps.iter().rev() {
            match step {
                Step::Item(_) => {}
                Step::Key(_) | Step::Choice(_) if path.is_empty() => {}
                Step::Key(_) | Step::Choice(_) => path.push('.'),
            }
            path.push_str(&step.name());
        }
        if path.is_empty() {
            path.push_str("the graph file");
        }
        match fault {
            Fault::UnknownKey { key, known } => {
                let known = known.iter().copied();
                Problem::new(Code::UnknownKey, &at, format!("{path} has no key {key:?}; it has: {}", list(known.clone())))
                    .suggest(&key, known)
            }
            Fault::MissingKey(key) => Problem::new(Code::MissingKey, &at, format!("{path} needs the key {key:?}")),
            Fault::Unfit { code, wanted, found } => Problem::new(code, &at, format!("{path} is {found}, but must be {wanted}")),
            Fault::NoChoice { found, choices } => {
                let message = format!("{path} is {}, but must be {}", describe_text(&found), one_of(choices));
                Problem::new(Code::BadValue, &at, message).suggest(&found, choices.iter().copied())
            }
            Fault::Rejected(text) => Problem::new(Code::BadValue, &at, format!("{path}: {text}")),
        }
    }
}

impl Step {
    fn name(&self) -> String {
        match self {
            Step::Key(key) | Step::Choice(key) => key.clone(),
            Step::Item(index) => format!("[{index}]"),
        }
    }
}

/// `one of: a, b`.
pub(super) fn one_of(choices: &[&'static str]) -> String {
    format!("one of: {}", list(choices.iter().copied()))
}

fn describe(found: Unexpected<'_>) -> String {
    match found {
        Unexpected::Str(text) => describe_text(text),
        Unexpected::Bool(truth) => truth.to_string(),
        Unexpected::Unsigned(number) => number.to_string(),
        Unexpected::Signed(number) => number.to_string(),
        Unexpected::Float(number) => number.to_string(),
        Unexpected::Unit | Unexpected::Option => "empty".into(),
        Unexpected::Seq => "a list".into(),
        Unexpected::Map => "a map".into(),
        other => other.to_string(),
    }
}

impl de::Error for Error {
    fn custom<T: fmt::Display>(text: T) -> Error {
        Error::new(Fault::Rejected(text.to_string()))
    }

    fn invalid_type(found: Unexpected<'_>, wanted: &dyn Expected) -> Error {
        Error::new(Fault::Unfit { code: Code::WrongType, wanted: wanted.to_string(), found: describe(found) })
    }

    fn invalid_value(found: Unexpected<'_>, wanted: &dyn Expected) -> Error {
        Error::new(Fault::Unfit { code: Code::BadValue, wanted: wanted.to_string(), found: describe(found) })
    }

    fn unknown_variant(found: &str, choices: &'static [&'static str]) -> Error {
        Error::new(Fault::NoChoice { found: found.to_string(), choices })
    }

    fn unknown_field(key: &str, known: &'static [&'static str]) -> Error {
        Error::new(Fault::UnknownKey { key: key.to_string(), known })
    }

    fn missing_field(key: &'static str) -> Error {
        Error::new(Fault::MissingKey(key.to_string()))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.fault {
            Fault::UnknownKey { key, .. } => write!(f, "unknown key {key:?}"),
            Fault::MissingKey(key) => write!(f, "missing key {key:?}"),
            Fault::Unfit { wanted, found, .. } => write!(f, "is {found}, but must be {wanted}"),
            Fault::NoChoice { choices, .. } => write!(f, "must be {}", one_of(choices)),
            Fault::Rejected(text) => f.write_str(text),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Error {}
