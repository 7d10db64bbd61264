//! Movies and fragments as other programs see them: ffmpeg, ffprobe and GStreamer read what was written.

mod failures;
mod fragments;
mod media;
mod movies;
