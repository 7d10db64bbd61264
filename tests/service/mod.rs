//! `lectern serve` as a real process: what a team's programs do with it, and what happens to it.

mod api;
mod elsewhere;
mod failures;
mod files;
mod fuzz;
mod guard;
mod jobs;
mod kills;
mod lessons;
mod operations;
mod private;
mod progress;
mod readme;
pub mod server;
mod setup;
mod slidespeaker;
mod training;
mod webhooks;
mod workers;
