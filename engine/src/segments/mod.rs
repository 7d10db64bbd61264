//! Renders in segments: a film is put together from pieces that are made apart, several at once, and kept. What has been made before is
//! taken again: an edit of one slide makes that slide's segments anew and no others, and a render that was killed goes on.
//!
//! The types, in the order in which a render meets them:
//! - [`Part`]: what a source says after `start` that the programme consists of (a slide: name, start, end, hash of its content);
//! - [`Segment`]: a part's pictures as one encoder makes them, or of a long part every 20 s of them. Its key, a [`Hash`](struct@Hash), is that of
//!   everything that shapes it: each node above the encoder adds its own ([`Fingerprint`]);
//! - [`Track`]: all segments of one encoder. What an encoder of sound makes is one segment, from beginning to end;
//! - [`Page`]: the form in which encoded units lie in a [`Store`];
//! - [`Window`]: what one *segment run* makes;
//! - [`Render`]: everything that is to be done, and the doing of it.
//!
//! The path of a picture: a segment run is the graph cut down to what leads to the encoder. Its source sends one part, with times from the
//! part's beginning; joins begin at the first picture of the window; `playout` ends the run at the last one; the encoder begins with a
//! keyframe and ends with the window; its units are kept with times from the window's beginning. In the *assembly run* a reader stands in
//! the encoder's place: it moves the units of each segment to where the segment lies now, and the sinks take them as ever.
//!
//! The path of a block of sound: the source of the sound's own run sends the whole programme; the block goes through what changes its
//! level, through `playout` and into the encoder. That one works in pieces of some seconds, whose units are kept like those of pictures;
//! pieces that are there already it leaves out. Cues are not kept: in the assembly run the
//! source sends them once more, through `playout` to the sinks.
//!
//! A node that leads to an encoder of pictures says by [`Starts`](crate::registry::Starts) where a run may begin, and by
//! [`Node::fingerprint`](crate::node::Node::fingerprint) what shapes its output. It must not know where in the programme a part lies.

mod cut;
mod fingerprint;
mod hash;
mod keys;
mod nodes;
mod page;
mod part;
mod render;
mod shared;
mod store;

pub use fingerprint::Fingerprint;
pub use hash::Hash;
pub use page::{Page, page_hash};
pub use part::{Part, Segment, Track, Window};
pub use render::{Cut, Render, RenderError, RenderOptions, Watch};
pub use shared::Shared;
pub use store::{MemoryStore, Store};
