//! Variables: `${name}` and `${env:NAME}` in string leaves.
//!
//! - `vars` maps names to single values; nested maps make dotted names (`vars: { tts: { speed: 1 } }` is `${tts.speed}`).
//! - A variable may use others, in any order; a circle is a problem.
//! - A leaf that is exactly one `${name}` takes the variable's value with its type (a number stays a number, null stays null); in a
//!   longer leaf the texts are put together. `$${` stands for `${` itself. Keys are never substituted.
//! - What comes from the environment is secret, also through a variable. It is looked up only where it is used: a profile that was
//!   not chosen asks for nothing.
//! - Values given from outside (`--set name=value`) are taken literally and typed as if written bare.

use std::collections::HashMap;

use super::problem::{Code, Problem, Problems, list};
use super::value::{Kind, Located, Location, Scalar, Style, Value, is_null};

mod template;
use template::Part;

/// All that substitution may add to a file, in bytes.
pub const MAX_EXPANSION: usize = 4 << 20;
/// The longest chain of variables that use each other.
const MAX_CHAIN: usize = 64;

/// Looks an environment variable up.
pub type Env<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// A declared variable as `lectern check` lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// The dotted name and where it is declared.
    pub name: Located<String>,
    /// The value, printed as `***` when it comes from the environment; `None` when it is null or could not be made.
    pub value: Option<Scalar>,
    /// Given from outside (`--set`).
    pub set: bool,
    /// Something in the file uses it.
    pub used: bool,
}

/// What a variable or a leaf came to.
#[derive(Clone)]
enum Outcome {
    Scalar(Scalar),
    Null,
    /// These environment variables are not set; told when a value that is needed depends on them.
    Unset(Problems),
    /// A problem was reported.
    Broken,
}

enum State {
    Waiting,
    Active,
    Done(Outcome),
}

struct Slot {
    name: Located<String>,
    definition: Value,
    set: bool,
    used: bool,
    state: State,
}

/// The variables of one document.
pub struct Variables<'a> {
    slots: Vec<Slot>,
    index: HashMap<String, usize>,
    env: &'a Env<'a>,
    /// Bytes that substitution may still make.
    budget: usize,
}

impl<'a> Variables<'a> {
    /// Reads `vars` (null or absent: none), applies the overrides and works all values out.
    pub fn new(document: &Value, overrides: &[(String, String)], env: &'a Env<'a>, problems: &mut Problems) -> Variables<'a> {
        let mut variables = Variables { slots: Vec::new(), index: HashMap::new(), env, budget: MAX_EXPANSION };
        let at = document.entry("vars").map_or(&document.at, |(key, _)| &key.at);
        if let Some(vars) = document.get("vars").filter(|vars| !vars.is_null()) {
            match vars.as_map() {
                Some(_) => variables.declare("", vars, problems),
                None => problems.push(Problem::new(
                    Code::WrongType,
                    &vars.at,
                    format!("vars is {}, but must be a map from names to values", vars.describe()),
                )),
            }
        }
        for (name, text) in overrides {
            variables.override_one(name, text, at, problems);
        }
        for slot in 0..variables.slots.len() {
            variables.resolve(slot, &mut Vec::new(), problems);
        }
        variables
    }

    /// Puts values into every leaf below `value`. In a part that is not `needed` (a profile that was not chosen) the leaves are
    /// checked but nothing is asked of the environment.
    pub fn substitute(&mut self, value: &mut Value, needed: bool, problems: &mut Problems) {
        if problems.is_full() {
            return;
        }
        match &mut value.kind {
            Kind::Null => {}
            Kind::List(items) => items.iter_mut().for_each(|item| self.substitute(item, needed, problems)),
            Kind::Map(entries) => entries.iter_mut().for_each(|(_, item)| self.substitute(item, needed, problems)),
            Kind::Scalar(scalar) => match self.expand(scalar, &value.at, &mut Vec::new(), problems) {
                Outcome::Scalar(scalar) => value.kind = Kind::Scalar(scalar),
                Outcome::Null => value.kind = Kind::Null,
                Outcome::Unset(missing) if needed => problems.append(missing),
                Outcome::Unset(_) | Outcome::Broken => {}
            },
        }
    }

    /// The variables in file order, and a lint for each that nothing uses.
    pub fn finish(self) -> (Vec<Variable>, Vec<Problem>) {
        let lint =
            |slot: &Slot| Problem::new(Code::UnusedVariable, &slot.name.at, format!("nothing uses the variable {:?}", slot.name.value));
        let lints = self.slots.iter().filter(|slot| !slot.used).map(lint).collect();
        let listed = self.slots.into_iter().map(|slot| {
            let value = if let State::Done(Outcome::Scalar(scalar)) = slot.state { Some(scalar) } else { None };
            Variable { name: slot.name, value, set: slot.set, used: slot.used }
        });
        (listed.collect(), lints)
    }

    fn declare(&mut self, prefix: &str, vars: &Value, problems: &mut Problems) {
        for (key, value) in vars.as_map().unwrap_or_default() {
            if problems.is_full() {
                return;
            }
            let name = if prefix.is_empty() { key.value.clone() } else { format!("{prefix}.{}", key.value) };
            if !name.split('.').all(is_name) {
                problems.push(bad_name("variable", &name, &key.at));
                continue;
            }
            match &value.kind {
                Kind::Map(_) => self.declare(&name, value, problems),
                Kind::List(_) => problems.push(Problem::new(
                    Code::WrongType,
                    &value.at,
                    format!("the variable {name:?} is a list, but must be one value"),
                )),
                Kind::Null | Kind::Scalar(_) => {
                    let slot = Slot {
                        name: Located { value: name.clone(), at: key.at.clone() },
                        definition: value.clone(),
                        set: false,
                        used: false,
                        state: State::Waiting,
                    };
                    if self.index.insert(name.clone(), self.slots.len()).is_some() {
                        problems.push(Problem::new(Code::DuplicateKey, &key.at, format!("the variable {name:?} is declared twice")));
                    }
                    self.slots.push(slot);
                }
            }
        }
    }

    fn override_one(&mut self, name: &str, text: &str, at: &Location, problems: &mut Problems) {
        let Some(&slot) = self.index.get(name) else {
            let message =
                format!("--set {name}: there is no such variable, and only variables can be set; the file has: {}", list(self.names()));
            problems.push(Problem::new(Code::UnknownVariable, at, message).suggest(name, self.names()));
            return;
        };
        let slot = &mut self.slots[slot];
        slot.set = true;
        // An empty text stays a text here: `--set title=` is no way to say null.
        let null = is_null(text) && !text.is_empty();
        slot.state = State::Done(if null { Outcome::Null } else { Outcome::Scalar(Scalar::new(text, Style::Plain)) });
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.slots.iter().map(|slot| slot.name.value.as_str())
    }

    /// Works one variable out; `chain` holds those that wait for it.
    fn resolve(&mut self, index: usize, chain: &mut Vec<usize>, problems: &mut Problems) -> Outcome {
        let slot = &mut self.slots[index];
        let at = slot.name.at.clone();
        match &slot.state {
            State::Done(outcome) => return outcome.clone(),
            State::Active => {
                let start = chain.iter().position(|&link| link == index).unwrap_or(0);
                let circle = chain[start..].iter().chain([&index]).map(|&link| self.slots[link].name.value.as_str());
                let message = format!("variables refer to each other in a circle: {}", circle.collect::<Vec<_>>().join(" -> "));
                problems.push(Problem::new(Code::VariableCycle, &at, message));
                return Outcome::Broken;
            }
            State::Waiting if chain.len() >= MAX_CHAIN => {
                problems.push(Problem::new(Code::LimitExceeded, &at, format!("variables refer to each other more than {MAX_CHAIN} deep")));
                return Outcome::Broken;
            }
            State::Waiting => slot.state = State::Active,
        }
        let definition = slot.definition.clone();
        chain.push(index);
        let outcome = match definition.as_scalar() {
            Some(scalar) => self.expand(scalar, &definition.at, chain, problems),
            None => Outcome::Null,
        };
        chain.pop();
        self.slots[index].state = State::Done(outcome.clone());
        outcome
    }

    /// Works one leaf out.
    fn expand(&mut self, scalar: &Scalar, at: &Location, chain: &mut Vec<usize>, problems: &mut Problems) -> Outcome {
        if !scalar.text().contains("${") {
            return Outcome::Scalar(scalar.clone());
        }
        let parts = match template::split(scalar.text()) {
            Ok(parts) => parts,
            Err(message) => {
                problems.push(Problem::new(Code::BadSubstitution, at, message));
                return Outcome::Broken;
            }
        };
        if let [part @ (Part::Variable(_) | Part::Env(_))] = parts[..] {
            let outcome = self.lookup(part, at, chain, problems);
            return self.pay(outcome, at, problems);
        }
        let (mut text, mut secret, mut broken, mut unset) = (String::new(), false, false, Problems::default());
        for part in parts {
            match self.lookup(part, at, chain, problems) {
                Outcome::Scalar(value) if text.len() + value.text().len() <= MAX_EXPANSION => {
                    text.push_str(value.text());
                    secret |= value.is_secret();
                }
                Outcome::Scalar(_) => {
                    problems.push(too_much(at));
                    return Outcome::Broken;
                }
                Outcome::Null => {
                    let Part::Variable(name) = part else { continue };
                    let message = format!("the variable {name:?} has no value to put into a text");
                    problems.push(Problem::new(Code::BadSubstitution, at, message).with_help(format!("Give it one: --set {name}=...")));
                    broken = true;
                }
                Outcome::Unset(missing) => unset.append(missing),
                Outcome::Broken => broken = true,
            }
        }
        if broken {
            Outcome::Broken
        } else if !unset.is_empty() {
            Outcome::Unset(unset)
        } else {
            // Put together it is a text, whatever it looks like.
            self.pay(Outcome::Scalar(Scalar::new(text, Style::Quoted).with_secret(secret)), at, problems)
        }
    }

    fn lookup(&mut self, part: Part<'_>, at: &Location, chain: &mut Vec<usize>, problems: &mut Problems) -> Outcome {
        match part {
            Part::Text(text) => Outcome::Scalar(Scalar::new(text, Style::Quoted)),
            Part::Env(name) => match (self.env)(name) {
                Some(text) => Outcome::Scalar(Scalar::new(text, Style::Plain).with_secret(true)),
                None => {
                    let problem = Problem::new(Code::MissingEnvironment, at, format!("the environment variable {name} is not set"));
                    Outcome::Unset(problem.into())
                }
            },
            Part::Variable(name) => {
                let Some(&slot) = self.index.get(name) else {
                    let message = format!("there is no variable {name:?}; the file has: {}", list(self.names()));
                    problems.push(Problem::new(Code::UnknownVariable, at, message).suggest(name, self.names()));
                    return Outcome::Broken;
                };
                self.slots[slot].used = true;
                self.resolve(slot, chain, problems)
            }
        }
    }

    /// Counts what was made against the budget.
    fn pay(&mut self, outcome: Outcome, at: &Location, problems: &mut Problems) -> Outcome {
        let Outcome::Scalar(scalar) = &outcome else { return outcome };
        match self.budget.checked_sub(scalar.text().len()) {
            Some(left) => {
                self.budget = left;
                outcome
            }
            None => {
                problems.push(too_much(at));
                Outcome::Broken
            }
        }
    }
}

fn too_much(at: &Location) -> Problem {
    Problem::new(Code::LimitExceeded, at, format!("with all ${{...}} put in, the file has more than {MAX_EXPANSION} bytes"))
}

/// `[a-z][a-z0-9_]*`, at most 64 characters: the names of graphs, nodes, ports, profiles and variables.
pub fn is_name(text: &str) -> bool {
    text.len() <= 64
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

/// The problem of a name that [`is_name`] refuses, with the nearest name that it takes.
pub(crate) fn bad_name(what: &str, name: &str, at: &Location) -> Problem {
    let message = format!("{name:?} is no {what} name; names are a lower-case letter, then lower-case letters, digits and _");
    let problem = Problem::new(Code::BadName, at, message);
    if !name.contains(|c: char| c.is_ascii_alphanumeric()) {
        return problem;
    }
    let allowed = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
    let better: String = name.chars().map(allowed).skip_while(|c| !c.is_ascii_lowercase()).take(64).collect();
    if is_name(&better) { problem.with_help(format!("Write {better:?}.")) } else { problem }
}

#[cfg(test)]
mod tests;
