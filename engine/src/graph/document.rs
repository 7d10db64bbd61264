//! The typed top of a graph file: all but the nodes' configurations, which only the registry can type.
//!
//! Variables are put in and profiles are merged by then. What is *checked* here is what can be known without the registry: keys,
//! types, units, names and the form of references. Whether a referenced node or port exists is the next phase's business.

use std::path::Path;

use schemars::{JsonSchema, Schema};
use serde::Deserialize;

use super::de::from_value_all;
use super::merge::{apply_profiles, check_profiles, profile_names};
use super::parse::{MAX_BYTES, parse};
use super::problem::{Code, Problem, Problems};
use super::unit::{Bytes, DurationSetting, FrameRate, FrameSize};
use super::value::{Kind, Located, Location, Scalar, Typed, Value};
use super::vars::{Env, Variable, Variables, bad_name, is_name};
use crate::time::Rate;

mod form;
use form::{InputForm, NodeForm, Top};

/// The version of the format that this program reads.
pub const VERSION: u32 = 1;

/// What is given from outside the file.
pub struct LoadOptions<'a> {
    /// Profiles to merge, left to right.
    pub profiles: Vec<String>,
    /// Variables to override: dotted name and literal text.
    pub set: Vec<(String, String)>,
    /// The environment; a parameter so that tests have their own.
    pub env: &'a Env<'a>,
}

impl Default for LoadOptions<'_> {
    /// No profile, no override, the process's environment.
    fn default() -> Self {
        LoadOptions { profiles: Vec::new(), set: Vec::new(), env: &|name| std::env::var(name).ok() }
    }
}

/// Where time comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Clock {
    /// Nobody waits; the speed is set by backpressure.
    #[default]
    Offline,
    /// The machine's monotonic clock.
    Live,
}

/// How a render is cut into segments that are encoded and cached apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SegmentBy {
    /// At the slides.
    Slide,
}

/// What a sink's error does to a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnError {
    /// The run ends with that error.
    Abort,
    /// The sink is left out; the run goes on while one sink is left.
    Detach,
}

/// What an edge does when its queue is full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// The producer waits.
    #[default]
    Block,
    /// The oldest is dropped for the newest: one waits, or as many as the queue says.
    Latest,
    /// Everything up to the next keyframe is dropped.
    ToKeyframe,
}

/// What nodes take where they say nothing themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Defaults {
    /// Size and rate of the pictures.
    pub video: VideoDefaults,
    /// Rate of the sound.
    pub audio: AudioDefaults,
    /// All queues together must fit in this, else the plan is refused.
    pub memory: Bytes,
}

impl Default for Defaults {
    fn default() -> Defaults {
        Defaults { video: VideoDefaults::default(), audio: AudioDefaults::default(), memory: Bytes(512 << 20) }
    }
}

/// Size and rate of the pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct VideoDefaults {
    /// Width and height in pixels.
    pub size: FrameSize,
    /// Frames a second.
    pub fps: FrameRate,
}

impl Default for VideoDefaults {
    fn default() -> VideoDefaults {
        VideoDefaults { size: FrameSize { width: 1280, height: 720 }, fps: FrameRate(Rate::per_second(30)) }
    }
}

/// Rate of the sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AudioDefaults {
    /// Samples a second.
    pub rate: u32,
}

impl Default for AudioDefaults {
    fn default() -> AudioDefaults {
        AudioDefaults { rate: 48_000 }
    }
}

/// An edge's queue, where the file says something about it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Queue {
    /// At most this many packets.
    pub items: Option<u32>,
    /// At most this much media time.
    pub time: Option<DurationSetting>,
    /// At most this much memory.
    pub bytes: Option<Bytes>,
    /// What happens when it is full.
    pub policy: Option<Policy>,
}

/// One edge into an input port, as the consumer writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputRef {
    /// The producing node.
    pub node: String,
    /// Its output port; may be left out when it has only one.
    pub port: Option<String>,
    /// Only looks on: never shapes the run that it watches.
    pub tap: bool,
    /// The edge's queue, when the file sets it.
    pub queue: Option<Queue>,
    /// Where the reference is written.
    pub at: Location,
}

/// One node of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeEntry {
    /// Its name and where the entry begins.
    pub name: Located<String>,
    /// Its type's name; the registry knows whether it exists.
    pub type_name: Located<String>,
    /// Input ports in file order; a port with `*` may have several edges, or none.
    pub inputs: Vec<(Located<String>, Vec<InputRef>)>,
    /// The configuration, to be read by the node's type; an empty map when the file has none.
    pub config: Value,
    /// What the node's error does to the run; `None` leaves it to the clock's default.
    pub on_error: Option<OnError>,
}

/// A graph file with variables put in and profiles merged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GraphDocument {
    /// The format's version, always [`VERSION`].
    pub version: u32,
    /// The graph's name.
    pub graph: Located<String>,
    /// What nodes take where they say nothing.
    pub defaults: Defaults,
    /// Where time comes from.
    pub clock: Clock,
    /// How much a live run buffers before it begins.
    pub latency: Option<DurationSetting>,
    /// How long a stopped live run may drain.
    pub drain: Option<DurationSetting>,
    /// How a render is cut.
    pub segment_by: Option<SegmentBy>,
    /// The nodes in file order, those that profiles add last.
    pub nodes: Vec<NodeEntry>,
    /// The declared variables.
    pub vars: Vec<Variable>,
    /// The declared profiles.
    pub profiles: Vec<Located<String>>,
    /// Lints; they do not stop the graph.
    pub warnings: Vec<Problem>,
}

impl GraphDocument {
    /// A node by name.
    pub fn node(&self, name: &str) -> Option<&NodeEntry> {
        self.nodes.iter().find(|node| node.name.value == name)
    }
}

/// The JSON schema of a graph file; `config` is any map, to be narrowed by node type.
pub fn document_schema() -> Schema {
    schemars::schema_for!(Top)
}

/// Reads a graph file from the disk. Messages name the file as `path` is written.
///
/// # Errors
/// All problems of the first phase that finds any.
pub fn load_file(path: &Path, options: &LoadOptions<'_>) -> Result<GraphDocument, Problems> {
    let file = path.display().to_string();
    let unreadable = |code, message: String| Problems::from(Problem::new(code, &Location::new(&file.as_str().into(), 1, 1), message));
    let size = std::fs::metadata(path).map_err(|error| unreadable(Code::CannotRead, format!("the file cannot be read: {error}")))?.len();
    if size > MAX_BYTES as u64 {
        return Err(unreadable(Code::LimitExceeded, format!("the file has {size} bytes; a graph file has at most {MAX_BYTES}")));
    }
    let text = std::fs::read_to_string(path).map_err(|error| unreadable(Code::CannotRead, format!("the file cannot be read: {error}")))?;
    load(&text, &file, options)
}

/// Reads a graph file's text; `file` is its name in messages.
///
/// # Errors
/// All problems of the first phase that finds any.
pub fn load(text: &str, file: &str, options: &LoadOptions<'_>) -> Result<GraphDocument, Problems> {
    let mut document = parse(text, file)?;
    if document.as_map().is_none() {
        let message = format!("the graph file is {}, but must be a map with the keys version, graph and nodes", document.describe());
        return Err(Problem::new(Code::WrongType, &document.at, message).into());
    }

    let mut problems = Problems::default();
    check_profiles(&document, &options.profiles, &mut problems);
    let mut variables = Variables::new(&document, &options.set, options.env, &mut problems);
    substitute(&mut document, &mut variables, &options.profiles, &mut problems);
    problems.into_result(())?;
    let (vars, warnings) = variables.finish();

    let profiles = profile_names(&document);
    apply_profiles(&mut document, &options.profiles);

    let mut problems = Problems::default();
    for name in profiles.iter().filter(|name| !is_name(&name.value)) {
        problems.push(bad_name("profile", &name.value, &name.at));
    }
    let top = problems.gather(from_value_all::<Top>(&document, ""));
    // Looked up in the tree, so that these two are told even when another key keeps the top from being read.
    if let Some((version, at)) =
        scalar(&document, "version").filter(|(version, _)| matches!(version.typed(), Typed::Int(n) if n != i128::from(VERSION)))
    {
        let message = format!("version {version} of the graph format is not known; write version: {VERSION}");
        problems.push(Problem::new(Code::BadVersion, at, message));
    }
    if let Some((name, at)) = scalar(&document, "graph").filter(|(name, _)| !is_name(name.text())) {
        problems.push(bad_name("graph", if name.is_secret() { "***" } else { name.text() }, at));
    }
    let nodes = read_nodes(&mut document, &mut problems);
    let graph_at = document.get("graph").map_or(&document.at, |graph| &graph.at).clone();
    let top = problems.into_result(top)?.expect("a top that cannot be read leaves a problem");
    Ok(GraphDocument {
        version: top.version,
        graph: Located { value: top.graph, at: graph_at },
        defaults: top.defaults.unwrap_or_default(),
        clock: top.clock.unwrap_or_default(),
        latency: top.latency,
        drain: top.drain,
        segment_by: top.segment_by,
        nodes,
        vars,
        profiles,
        warnings,
    })
}

/// A leaf of the top level.
fn scalar<'a>(document: &'a Value, key: &str) -> Option<(&'a Scalar, &'a Location)> {
    document.get(key).and_then(|value| Some((value.as_scalar()?, &value.at)))
}

/// Puts variables in everywhere but in `vars` itself; profiles that were not chosen are checked only.
fn substitute(document: &mut Value, variables: &mut Variables<'_>, chosen: &[String], problems: &mut Problems) {
    let Kind::Map(entries) = &mut document.kind else { return };
    for (key, value) in entries {
        match (key.value.as_str(), &mut value.kind) {
            ("vars", _) => {}
            ("profiles", Kind::Map(profiles)) => {
                profiles.iter_mut().for_each(|(name, profile)| variables.substitute(profile, chosen.contains(&name.value), problems));
            }
            _ => variables.substitute(value, true, problems),
        }
    }
}

fn read_nodes(document: &mut Value, problems: &mut Problems) -> Vec<NodeEntry> {
    let Some(nodes) = document.remove("nodes") else { return Vec::new() };
    let Kind::Map(entries) = nodes.kind else {
        problems.push(Problem::new(
            Code::WrongType,
            &nodes.at,
            format!("nodes is {}, but must be a map from names to nodes", nodes.describe()),
        ));
        return Vec::new();
    };
    let mut read = Vec::new();
    for (name, mut node) in entries {
        if problems.is_full() {
            break;
        }
        if !is_name(&name.value) {
            problems.push(bad_name("node", &name.value, &name.at));
        }
        let path = format!("nodes.{}", name.value);
        let form = problems.gather(from_value_all::<NodeForm>(&node, &path));
        let inputs = node.get("inputs").map(|inputs| read_inputs(inputs, &path, problems)).unwrap_or_default();
        let Some(form) = form else { continue };
        let type_at = node.get("type").map_or(&node.at, |type_name| &type_name.at).clone();
        let config = node.remove("config").filter(|config| !config.is_null()).unwrap_or_else(|| Value::empty_map(node.at.clone()));
        if config.as_map().is_none() {
            problems.push(Problem::new(
                Code::WrongType,
                &config.at,
                format!("{path}.config is {}, but must be a map of settings", config.describe()),
            ));
        }
        let type_name = Located { value: form.type_name, at: type_at };
        read.push(NodeEntry { name, type_name, inputs, config, on_error: form.on_error });
    }
    read
}

fn read_inputs(inputs: &Value, path: &str, problems: &mut Problems) -> Vec<(Located<String>, Vec<InputRef>)> {
    let Some(ports) = inputs.as_map() else {
        if !inputs.is_null() {
            let message =
                format!("{path}.inputs is {}, but must be a map from ports to references such as speech.audio", inputs.describe());
            problems.push(Problem::new(Code::WrongType, &inputs.at, message));
        }
        return Vec::new();
    };
    let mut read = Vec::new();
    for (port, input) in ports {
        if !is_name(&port.value) {
            problems.push(bad_name("port", &port.value, &port.at));
        }
        let path = format!("{path}.inputs.{}", port.value);
        let references = match input.as_list() {
            Some(items) => {
                items.iter().enumerate().filter_map(|(index, item)| read_input(item, &format!("{path}[{index}]"), problems)).collect()
            }
            None => read_input(input, &path, problems).into_iter().collect(),
        };
        read.push((port.clone(), references));
    }
    read
}

fn read_input(input: &Value, path: &str, problems: &mut Problems) -> Option<InputRef> {
    if input.as_map().is_none() {
        let message = format!("{path} is {}, but must be a reference such as speech.audio", input.describe());
        problems.push(Problem::new(Code::WrongType, &input.at, message));
        return None;
    }
    let form = problems.gather(from_value_all::<InputForm>(input, path))?;
    let at = input.get("from").map_or(&input.at, |from| &from.at).clone();
    let (node, port) = match form.from.split_once('.') {
        Some((node, port)) => (node, Some(port)),
        None => (form.from.as_str(), None),
    };
    if !is_name(node) || !port.is_none_or(is_name) {
        let shown = if input.has_secret() { "***" } else { form.from.as_str() };
        let message = format!("{path}: {shown:?} is no reference to an output; write node.port, such as speech.audio");
        problems.push(Problem::new(Code::BadReference, &at, message));
        return None;
    }
    Some(InputRef { node: node.to_string(), port: port.map(str::to_string), tap: form.tap, queue: form.queue, at })
}

#[cfg(test)]
mod tests;
