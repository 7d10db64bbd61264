//! Lectures that are given live, watched by peers that are not ours.

mod browsers;
mod livekit;
mod sessions;
mod stage;
mod viewers;
mod web_dist;
