//! What comes out: encoders, files, previews.
//!
//! Every file sink keeps one promise: nothing lies at its path before everything is written. It writes `PATH.part`, renames it in
//! `finish`, and removes it when the run ends in any other way. `hls_sink` keeps it for each of its files, since it is watched meanwhile.

mod audio_encoder;
mod audio_sink;
mod captions;
mod file;
mod frame_sink;
mod hls_sink;
mod id3;
mod jpeg_preview;
mod mp4_sink;
mod picture;
mod rtmp_sink;
mod subtitle_sink;
mod tracks;
mod video_encoder;

use engine::registry::NodeType;

pub(crate) use captions::Caption;
pub use file::shell_word;
pub(crate) use subtitle_sink::{read_subrip, subrip, webvtt};
pub use tracks::{Tracks, must_be_h264, units};

/// The family's nodes, in the order of the catalogue.
pub const NODES: &[&NodeType] = &[
    &video_encoder::VIDEO_ENCODER,
    &audio_encoder::AUDIO_ENCODER,
    &mp4_sink::MP4_SINK,
    &hls_sink::HLS_SINK,
    &rtmp_sink::RTMP_SINK,
    &subtitle_sink::SUBTITLE_SINK,
    &audio_sink::AUDIO_SINK,
    &jpeg_preview::JPEG_PREVIEW,
    &frame_sink::FRAME_SINK,
];

#[cfg(test)]
mod codec_tests;
#[cfg(test)]
mod tests;
