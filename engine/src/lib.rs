#![warn(missing_docs)]
//! Lectern's dataflow runtime: graph files, plans, packets, lanes, clocks and metrics. Knows no codec, no network and no lecture.
//!
//! A graph file ([`graph`]) is checked into a plan; a plan runs ([`run`]) as lanes of nodes ([`node`]) that pass packets ([`packet`]) of
//! pictures, sound, cues and encoded units ([`media`]). Time is exact ([`time`]).

pub mod catalog;
pub mod clock;
pub mod cue;
pub mod frame;
pub mod graph;
pub mod media;
pub mod node;
pub mod nodes;
pub mod packet;
pub mod pool;
mod port;
pub mod registry;
pub mod run;
pub mod segments;
pub mod testing;
pub mod time;
