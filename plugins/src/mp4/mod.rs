//! The one MP4 writer: whole movies ([`Mp4Writer`]) and fragments of endless ones ([`Fragmenter`]).
//!
//! What every movie fulfils:
//! - `moov` lies before `mdat`, chunks of half a second lie in order of time: it plays while it is being fetched.
//! - The same units give the same bytes, whatever the order in which the tracks were fed. There are no dates.
//! - Nothing half-written ever lies at the movie's path; what is not finished is removed.
//! - Times are exact: a picture's on its frame rate's grid, the sound's to the sample. Programme time zero is movie time zero.
//! - Captions are soft (a `tx3g` track, off until chosen), chapters are there twice (a chapter track and `chpl`).
//!
//! Pictures are H.264, HEVC, VP9 or AV1, sound is AAC-LC or Opus; fragments are H.264 and AAC-LC only. The formats: ISO/IEC 14496-12
//! (boxes), -14 (AAC), -15 (H.264, HEVC), the bindings of VP9, AV1 and Opus to it, 3GPP TS 26.245 (captions) and Apple's QuickTime File
//! Format (chapters, metadata).

mod aac;
mod config;
mod entry;
mod error;
mod fragment;
mod gather;
mod language;
mod layout;
mod metadata;
mod scale;
mod spec;
mod spill;
mod table;
mod text;
mod timing;
mod trak;
mod writer;

#[cfg(test)]
mod tests;

pub use aac::AacConfig;
pub use error::Mp4Error;
pub use fragment::{Fragmenter, Run};
pub use metadata::{SYNTHETIC_COMMENT, SYNTHETIC_MEAN, Synthetic};
pub use spec::{AudioSpec, MovieSpec, TrackSpec, Unit, VideoSpec};
pub use writer::{Mp4Writer, Summary};
