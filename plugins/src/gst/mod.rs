//! The one door to GStreamer: encoders that run in the caller's thread, pipelines that carry encoded tracks out, and readers of films.
//!
//! GStreamer sees nanoseconds only here, rounded down from exact time; what comes back is matched to exact time again, never converted.
//! Only features of GStreamer 1.22 are used. It does not mux MP4 and knows nothing of the graph.

mod aac;
mod chain;
mod error;
mod feed;
pub(crate) mod film;
mod link;
mod mp3;
mod opus;
mod pipeline;
mod sound;
mod video;
mod wrap;

pub use error::{GstError, package_of, redacted};
pub use feed::{Fed, Feed};
pub use film::{FilmFacts, FilmPicture, FilmPictures, FilmReader, FilmSound, Track, film_facts};
pub use link::{Link, Peer};
pub use mp3::Mp3Encoder;
pub use pipeline::Pipeline;
pub use sound::{SoundEncoder, SoundSettings};
pub use video::{Encoder, Preset, Profile, RateControl, Tune, VideoEncoder, VideoSettings};
pub use wrap::{encoded_audio_caps, encoded_buffer, encoded_video_caps, picture_buffer, video_caps};

use std::sync::OnceLock;

/// Starts GStreamer, once a process.
///
/// # Errors
/// When the library or its plugin registry cannot be used.
pub fn init() -> Result<(), GstError> {
    static STARTED: OnceLock<Result<(), String>> = OnceLock::new();
    let started = STARTED.get_or_init(|| gstreamer::init().map_err(|error| error.to_string()));
    started.clone().map_err(|text| GstError::Init { text })
}
