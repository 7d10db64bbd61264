//! Node types: one constant each, joined in an explicit slice. From it come graph checking, the JSON schema, the catalogue and the
//! help of every node.

use crate::frame::Size;
use crate::graph::value::Value;
use crate::graph::{de, problem::Problems};
use crate::node::{InPort, Node, OutPort, Result};
use crate::run::Command;
use crate::time::{Rate, Span};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::DeserializeOwned;

/// What the runtime, the schema and the catalogue know about a kind of node.
pub struct NodeType {
    /// As written after `type:`.
    pub name: &'static str,
    /// Which part of the catalogue it belongs to.
    pub family: &'static str,
    /// Raised whenever the node's output changes for equal input.
    pub revision: u32,
    /// One line for the catalogue.
    pub summary: &'static str,
    /// Its inputs.
    pub inputs: &'static [InPort],
    /// Its outputs.
    pub outputs: &'static [OutPort],
    /// When it is called.
    pub sync: Sync,
    /// Which thread it runs in.
    pub lane: Lane,
    /// Where a run that makes only a part of the programme may begin.
    pub starts: Starts,
    /// The longest that one call may take; a node that is in a call for longer is taken for hung, and the run ends.
    pub time_limit: Span,
    /// What it can be told while it runs, if anything.
    pub command: Option<CommandType>,
    /// Its configuration.
    pub config: ConfigType,
}

/// When a node is called. Implemented once, in `run/sync.rs`; nodes never compare timestamps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sync {
    /// For every packet of its one input.
    Each,
    /// At ticks of the graph's video rate, when all ports are settled there and something is new or the node asked.
    Join,
    /// For every packet of all ports, as one stream by order, then port.
    Merge,
}

/// Which thread a node runs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// In its producer's, where it has one input.
    Shared,
    /// In one of its own: inference, encoders, files, network.
    Own,
}

/// Where a run that makes only a part of the programme may begin, so that the node's output there is what it would have been anyway. A
/// render is cut accordingly ([`segments`](crate::segments)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Starts {
    /// At any picture: what it makes for a time depends on the cues since the slide's beginning, the time in it and the pictures of that
    /// time, and on nothing that it made or heard before.
    Anywhere,
    /// At the beginning of a slide: it remembers things within one.
    Slide,
    /// Only at the beginning of the programme: it goes by its own time, or remembers things over slides.
    Never,
}

/// The graph's common settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Defaults {
    /// Picture size, even on both sides.
    pub size: Size,
    /// Pictures a second.
    pub fps: Rate,
    /// Sound samples a second.
    pub sample_rate: Rate,
}

/// A node's configuration: plain data from the graph file.
///
/// `validate` is pure, `check_env` only reads (files there, programs found), `build` allocates but opens and spawns nothing; that is
/// for `Node::start`.
pub trait NodeConfig: DeserializeOwned + JsonSchema + Send + 'static {
    /// What is wrong with these values, if anything: what and what to write instead.
    fn validate(&self, _defaults: &Defaults) -> std::result::Result<(), String> {
        Ok(())
    }

    /// What is missing outside, if anything, and the command that fixes it.
    fn check_env(&self) -> std::result::Result<(), String> {
        Ok(())
    }

    /// Of an encoder: why what it makes of one part cannot be joined to what others of its kind make of the next, and what to change.
    /// It can when each part is made for itself: constant quality, closed groups of pictures, a number of threads that does not follow
    /// the machine, the same decoder configuration throughout.
    fn joins(&self) -> std::result::Result<(), String> {
        Err("what it makes cannot be joined from parts".into())
    }

    /// About how many bytes the node keeps for its work, besides its inboxes. So many runs of a render go on at once as the graph's memory
    /// holds.
    fn memory(&self, _defaults: &Defaults) -> u64 {
        0
    }

    /// Makes the node.
    fn build(self, defaults: &Defaults) -> Result<Box<dyn Node>>;
}

/// Object-safe view of a parsed configuration.
pub trait AnyConfig: Send {
    /// See `NodeConfig::validate`.
    fn validate(&self, defaults: &Defaults) -> std::result::Result<(), String>;
    /// See `NodeConfig::check_env`.
    fn check_env(&self) -> std::result::Result<(), String>;
    /// See `NodeConfig::joins`.
    fn joins(&self) -> std::result::Result<(), String> {
        Ok(())
    }
    /// See `NodeConfig::memory`.
    fn memory(&self, _: &Defaults) -> u64 {
        0
    }
    /// See `NodeConfig::build`.
    fn build(self: Box<Self>, defaults: &Defaults) -> Result<Box<dyn Node>>;
}

impl<C: NodeConfig> AnyConfig for C {
    fn validate(&self, defaults: &Defaults) -> std::result::Result<(), String> {
        NodeConfig::validate(self, defaults)
    }
    fn check_env(&self) -> std::result::Result<(), String> {
        NodeConfig::check_env(self)
    }
    fn memory(&self, defaults: &Defaults) -> u64 {
        NodeConfig::memory(self, defaults)
    }
    fn joins(&self) -> std::result::Result<(), String> {
        NodeConfig::joins(self)
    }
    fn build(self: Box<Self>, defaults: &Defaults) -> Result<Box<dyn Node>> {
        NodeConfig::build(*self, defaults)
    }
}

/// Reads and type-checks a `config:` block that stands at a path such as `nodes.avatar.config`.
pub type ParseConfig = fn(&Value, &str) -> std::result::Result<Box<dyn AnyConfig>, Problems>;

/// The configuration of a node type without its Rust type: how to read it, its schema, an example.
#[derive(Clone, Copy)]
pub struct ConfigType {
    /// Reads it.
    pub parse: ParseConfig,
    /// Adds its JSON schema.
    pub schema: fn(&mut SchemaGenerator) -> Schema,
    /// A working `config:` block in YAML; a test builds it.
    pub example: &'static str,
}

impl ConfigType {
    /// The configuration `C` with an example.
    pub const fn of<C: NodeConfig>(example: &'static str) -> ConfigType {
        ConfigType {
            parse: |value, path| de::from_value_all::<C>(value, path).map(|config| Box::new(config) as Box<dyn AnyConfig>),
            schema: |generator| generator.subschema_for::<C>(),
            example,
        }
    }
}

/// The commands of a node type without their Rust type.
#[derive(Clone, Copy)]
pub struct CommandType {
    /// Reads one.
    pub parse: fn(serde_json::Value) -> std::result::Result<Command, serde_json::Error>,
    /// Adds their JSON schema.
    pub schema: fn(&mut SchemaGenerator) -> Schema,
}

impl CommandType {
    /// The commands `C`.
    pub const fn of<C: DeserializeOwned + JsonSchema + Send + 'static>() -> CommandType {
        CommandType {
            parse: |value| serde_json::from_value::<C>(value).map(Command::new),
            schema: |generator| generator.subschema_for::<C>(),
        }
    }
}

impl NodeType {
    /// The time limit of node types that have no reason for another.
    pub const TIME_LIMIT: Span = Span::from_seconds(120);

    /// The number of an input port.
    #[inline]
    pub fn input_index(&self, name: &str) -> Option<usize> {
        self.inputs.iter().position(|port| is_name(port.name, name))
    }

    /// The number of an output port.
    #[inline]
    pub fn output_index(&self, name: &str) -> Option<usize> {
        self.outputs.iter().position(|port| is_name(port.name, name))
    }
}

/// Ports are named by constants, which mostly are the same text in memory: most calls need not read it.
#[inline]
fn is_name(port: &'static str, name: &str) -> bool {
    port.len() == name.len() && (std::ptr::eq(port.as_ptr(), name.as_ptr()) || port == name)
}

/// All node types of a program: the engine's own and those of each plugin crate, in the order of the catalogue.
#[derive(Clone)]
pub struct Registry {
    types: Vec<&'static NodeType>,
}

impl Registry {
    /// Joins slices of node types; a name that comes twice is a mistake of the programmer.
    ///
    /// # Panics
    /// When two types have one name.
    pub fn new(slices: &[&[&'static NodeType]]) -> Registry {
        let types: Vec<_> = slices.iter().flat_map(|slice| slice.iter().copied()).collect();
        for (i, node_type) in types.iter().enumerate() {
            assert!(!types[..i].iter().any(|other| other.name == node_type.name), "node type \"{}\" is registered twice", node_type.name);
        }
        Registry { types }
    }

    /// The type of this name.
    pub fn get(&self, name: &str) -> Option<&'static NodeType> {
        self.types.iter().copied().find(|node_type| node_type.name == name)
    }

    /// All types, in the order of the catalogue.
    pub fn types(&self) -> &[&'static NodeType] {
        &self.types
    }
}
