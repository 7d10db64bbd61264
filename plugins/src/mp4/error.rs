//! What can go wrong in a movie file, told so that it can be mended.

use engine::time::Time;

use crate::part_file::FileError;

/// Why a movie or a fragment could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Mp4Error {
    /// The description of the movie cannot be written as it is.
    #[error("the movie's description is wrong: {0}")]
    Spec(String),

    /// A unit that does not fit the track it was given to.
    #[error("track {track}, at {at}: {problem}")]
    Unit {
        /// Index into `MovieSpec::tracks`.
        track: usize,
        /// Programme time of the unit.
        at: Time,
        /// What is wrong with it, and what would be right.
        problem: &'static str,
    },

    /// A caption or a chapter that cannot be written.
    #[error("{what} at {at}: {problem}")]
    Text {
        /// `caption` or `chapter`.
        what: &'static str,
        /// Programme time at which it starts.
        at: Time,
        /// What is wrong with it, and what would be right.
        problem: &'static str,
    },

    /// A track was promised but nothing came for it.
    #[error("track {track} ({kind}) got no unit: feed it, or leave it out of the movie's tracks")]
    EmptyTrack {
        /// Index into `MovieSpec::tracks`.
        track: usize,
        /// `video` or `audio`.
        kind: &'static str,
    },

    /// A fragment was asked for without anything in it.
    #[error("a media segment needs at least one unit")]
    EmptyFragment,

    /// The file system refused.
    #[error(transparent)]
    File(#[from] FileError),

    /// A box that the format cannot hold (a size beyond 4 GiB, a number out of its field's range).
    #[error("the movie does not fit the file format: {0}")]
    Format(#[from] mp4_atom::Error),
}
