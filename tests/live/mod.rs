//! Lectures that are given live, watched by peers that are not ours.

mod browsers;
mod fps;
mod livekit;
pub mod livekit_server;
mod rapido;
mod sessions;
pub mod stage;
mod viewers;
mod web_dist;
