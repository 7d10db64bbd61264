//! Contract files, read into types: what the clients of a system send, and what they may rely on in the answer. A key that the contracts'
//! own description does not name is an error, and so is a variable that is used before it is there.

mod condition;
mod step;
mod tests;
mod variables;

pub use condition::{Condition, Repeat};
pub use step::{Does, Expect, Message, Mint, Part, Send, Sse, Step, Ws};
pub use variables::{Variables, fill};

use super::shape::{Matcher, Shape};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The files, unchanged from where they were made.
const FILES: [(&str, &str); 4] = [
    ("presgen", include_str!("presgen.yaml")),
    ("rapido", include_str!("rapido.yaml")),
    ("slidespeaker", include_str!("slidespeaker.yaml")),
    ("video_message", include_str!("video_message.yaml")),
];

/// A contract file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contract {
    pub system: String,
    pub title: String,
    rows: Vec<String>,
    pub settings: Settings,
    /// Rows that no client can see, and why.
    no_contract: BTreeMap<String, String>,
    #[serde(deserialize_with = "shapes")]
    shapes: Arc<BTreeMap<String, Shape>>,
    pub flows: Vec<Flow>,
}

/// What the server and the runner have to provide.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    pub base_path: String,
    /// For people: who may ask.
    #[serde(rename = "auth")]
    _auth: String,
    /// Variables that come from the runner.
    pub provides: Vec<String>,
    #[serde(default)]
    pub vars: BTreeMap<String, Value>,
    /// Files that are sent, by name.
    pub fixtures: BTreeMap<String, FixtureSpec>,
    /// Files that the server finds, by path.
    #[serde(default)]
    pub server_files: BTreeMap<String, ServerFile>,
    pub server: ServerNotes,
}

/// A file that is sent.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FixtureSpec {
    pub content_type: String,
    #[serde(default)]
    pub about: String,
    /// In bytes, where it matters.
    pub size: Option<u64>,
}

/// A file that the server finds.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerFile {
    shape: String,
    json: Option<Value>,
    /// Another one that it is made of …
    copy_of: Option<String>,
    /// … with its tokens repeated until there are so many.
    repeat_tokens: Option<usize>,
    #[serde(rename = "about")]
    _about: Option<String>,
}

/// How the server is started, in words.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerNotes {
    /// What flows may need, and what that means.
    pub needs: BTreeMap<String, String>,
    #[serde(rename = "time_factor")]
    _time_factor: Option<String>,
    #[serde(rename = "rate_limits")]
    _rate_limits: Option<String>,
}

/// Where a promise comes from. What is inferred is our reading: when it fails, that is a question and not a bug.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    Documented,
    PublicCode,
    Inferred,
}

/// Whether a flow is promised, or nice to keep.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    Required,
    Extra,
}

/// What a client does, step by step.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Flow {
    pub name: String,
    pub title: String,
    pub rows: Vec<String>,
    pub origin: Origin,
    pub level: Level,
    /// Without these it is skipped.
    #[serde(default)]
    pub needs: Vec<String>,
    /// Flows that are played before it, once a run.
    #[serde(default)]
    after: Vec<String>,
    pub note: Option<String>,
    /// As written; a [`Step`] is read when its variables are known.
    pub steps: Vec<Value>,
}

/// The SHAPEs of a contract, without what is said about them.
fn shapes<'de, D: Deserializer<'de>>(from: D) -> Result<Arc<BTreeMap<String, Shape>>, D::Error> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Named {
        #[serde(rename = "origin")]
        _origin: Origin,
        #[serde(rename = "note")]
        _note: Option<String>,
        shape: Shape,
    }
    let named = BTreeMap::<String, Named>::deserialize(from)?;
    Ok(Arc::new(named.into_iter().map(|(name, named)| (name, named.shape)).collect()))
}

impl Contract {
    /// One of the contracts here.
    pub fn named(system: &str) -> Contract {
        let (_, text) = FILES.iter().find(|(name, _)| *name == system).unwrap_or_else(|| panic!("there is no contract {system}"));
        Contract::read(text).unwrap_or_else(|error| panic!("{system}.yaml: {error}"))
    }

    /// All of them.
    pub fn all() -> Vec<Contract> {
        FILES.iter().map(|(name, _)| Contract::named(name)).collect()
    }

    /// Reads a file and makes sure that it can be played.
    ///
    /// # Errors
    /// What is wrong with it, with flow and step.
    pub fn read(text: &str) -> Result<Contract, String> {
        // Of words, only `true` and `false` are no strings, as in YAML 1.2.
        let options = serde_saphyr::options! { strict_booleans: true };
        let contract: Contract = serde_saphyr::from_str_with_options(text, options).map_err(|error| error.to_string())?;
        contract.check()?;
        Ok(contract)
    }

    /// What SHAPEs are matched with; tokens are signed with one of these secrets.
    pub fn matcher(&self, secrets: Vec<String>) -> Matcher {
        Matcher { shapes: self.shapes.clone(), secrets }
    }

    /// The flow of a name.
    ///
    /// # Errors
    /// There is none.
    pub fn flow(&self, name: &str) -> Result<&Flow, String> {
        self.flows.iter().find(|flow| flow.name == name).ok_or_else(|| format!("there is no flow {name}"))
    }

    /// The flows that come before this one, in order.
    ///
    /// # Errors
    /// One of them is unknown, or they go in a circle.
    pub fn before(&self, flow: &Flow) -> Result<Vec<&Flow>, String> {
        let mut before = Vec::new();
        self.collect(flow, &mut Vec::new(), &mut before)?;
        Ok(before)
    }

    fn collect<'a>(&'a self, flow: &Flow, above: &mut Vec<String>, before: &mut Vec<&'a Flow>) -> Result<(), String> {
        above.push(flow.name.clone());
        for name in &flow.after {
            if above.contains(name) {
                return Err(format!("{} comes before itself, by {}", name, above.join(", ")));
            }
            let earlier = self.flow(name)?;
            self.collect(earlier, above, before)?;
            if !before.iter().any(|other| other.name == *name) {
                before.push(earlier);
            }
        }
        above.pop();
        Ok(())
    }

    fn check(&self) -> Result<(), String> {
        for (name, shape) in self.shapes.iter() {
            self.knows(shape).map_err(|error| format!("shape {name}: {error}"))?;
        }
        let mut names = BTreeSet::new();
        for flow in &self.flows {
            let of = |error: String| format!("flow {}: {error}", flow.name);
            if !names.insert(&flow.name) {
                return Err(of("another one has the same name".into()));
            }
            if let Some(need) = flow.needs.iter().find(|need| !self.settings.server.needs.contains_key(*need)) {
                return Err(of(format!("settings.server.needs does not explain {need}")));
            }
            if let Some(row) = flow.rows.iter().find(|row| !self.rows.contains(row)) {
                return Err(of(format!("row {row} is not in rows")));
            }
            self.check_steps(flow).map_err(of)?;
        }
        let covered = |row: &&String| !self.flows.iter().any(|flow| flow.rows.contains(*row)) || self.no_contract.contains_key(*row);
        self.rows.iter().find(covered).map_or(Ok(()), |row| Err(format!("row {row} has no flow, or is said to have none")))
    }

    /// Reads the steps of a flow with something for every variable that is there by then.
    fn check_steps(&self, flow: &Flow) -> Result<(), String> {
        let mut have: BTreeSet<String> = self.settings.provides.iter().chain(self.settings.vars.keys()).cloned().collect();
        for earlier in self.before(flow)? {
            for written in &earlier.steps {
                have.extend(Step::saves(written));
            }
        }
        let matcher = self.matcher(Vec::new());
        let mut running = BTreeSet::new();
        for written in &flow.steps {
            let title = Step::title(written);
            let of = |error: String| format!("step {title:?}: {error}");
            let filled = fill(written, &|name| have.contains(name).then(|| json!("x"))).map_err(of)?;
            let step = Step::read(&filled).map_err(of)?;
            step.shapes().into_iter().try_for_each(|shape| self.knows(shape)).map_err(of)?;
            if let Some(fault) = step.expects().flat_map(|expect| expect.example_faults(&matcher)).next() {
                return Err(of(format!("its example does not fit: {fault}")));
            }
            self.check_files(&step).map_err(of)?;
            match &step.does {
                Does::Http { background: Some(name), .. } => _ = running.insert(name.clone()),
                Does::Join(name) if !running.contains(name) => return Err(of(format!("{name} was not started"))),
                _ => {}
            }
            have.extend(Step::saves(&filled));
        }
        Ok(())
    }

    fn check_files(&self, step: &Step) -> Result<(), String> {
        let Does::Http { send, .. } = &step.does else { return Ok(()) };
        for part in send.multipart.iter().flat_map(BTreeMap::values) {
            if let Part::File { file, .. } = part
                && !self.settings.fixtures.contains_key(file)
            {
                return Err(format!("there is no fixture {file}"));
            }
        }
        Ok(())
    }

    fn knows(&self, shape: &Shape) -> Result<(), String> {
        let unknown = shape.names().into_iter().find(|name| !self.shapes.contains_key(*name));
        unknown.map_or(Ok(()), |name| Err(format!("there is no SHAPE @{name}")))
    }
}

impl Settings {
    /// What the server finds at a path.
    ///
    /// # Errors
    /// It is made of what is not there.
    pub fn server_file(&self, path: &str) -> Result<Value, String> {
        let file = self.server_files.get(path).ok_or_else(|| format!("there is no server file {path}"))?;
        match (&file.json, &file.copy_of, file.repeat_tokens) {
            (Some(json), None, None) => Ok(json.clone()),
            (None, Some(original), Some(count)) => repeat_tokens(self.server_file(original)?, count),
            _ => Err(format!("server file {path} has either json, or copy_of and repeat_tokens")),
        }
    }
}

/// A lesson with its words said again and again until there are so many, each with an id of its own.
fn repeat_tokens(mut lesson: Value, count: usize) -> Result<Value, String> {
    let narration = lesson.pointer_mut("/slide_data/narrationData").ok_or("it is no lesson of one slide")?;
    let round = narration["totalDuration"].as_u64().ok_or("totalDuration is no number")?;
    let tokens = narration["tokens"].as_array().filter(|tokens| !tokens.is_empty()).ok_or("there are no tokens")?.clone();
    let mut repeated = Vec::new();
    for index in 0..count {
        let (token, offset) = (&tokens[index % tokens.len()], round * (index / tokens.len()) as u64);
        let mut token = token.clone();
        token["id"] = format!("w{}", index + 1).into();
        for time in ["startTime", "endTime"] {
            token[time] = token[time].as_u64().map(|time| time + offset).ok_or_else(|| format!("{time} is no number"))?.into();
        }
        repeated.push(token);
    }
    narration["totalDuration"] = repeated.last().map_or(json!(0), |last| last["endTime"].clone());
    let words: Vec<&str> = repeated.iter().filter_map(|token| token["text"].as_str()).collect();
    narration["text"] = words.join(" ").into();
    narration["tokens"] = repeated.into();
    Ok(lesson)
}
