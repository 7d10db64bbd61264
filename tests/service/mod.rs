//! `lectern serve` as a real process: what a team's programs do with it, and what happens to it.

mod failures;
mod jobs;
mod progress;
pub mod server;
mod workers;
