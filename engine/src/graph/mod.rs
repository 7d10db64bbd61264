//! Graph files: from YAML text to a typed document whose every part knows its line and column.
//!
//! The phases, each of which reports *all* its problems before the next begins:
//! 1. [`parse`]: text -> [`Value`], a tree in file order in which every node knows its [`Location`];
//! 2. [`vars`]: `${...}` in string leaves, never in keys, so text can not turn into structure;
//! 3. [`merge`]: profiles, left to right;
//! 4. [`document`]: the typed top of the file through [`de`]; each node's `config` stays a [`Value`] until the registry knows its type.
//!
//! Why a tree of our own and not serde straight from text: substitution and merging need the untyped tree, and an error found
//! after them must still point at the place where the user wrote the value.

pub mod check;
pub mod de;
pub mod document;
pub mod draw;
pub mod merge;
pub mod parse;
pub mod plan;
pub mod problem;
pub mod secret;
pub mod unit;
pub mod value;
pub mod vars;

pub use de::{from_value, from_value_all};
pub use document::{GraphDocument, InputRef, LoadOptions, NodeEntry, load, load_file};
pub use problem::{Code, Problem, Problems, Severity, did_you_mean};
pub use secret::Secret;
pub use value::{Located, Location, Value};
