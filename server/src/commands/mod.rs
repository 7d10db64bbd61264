//! The commands, one file each: `Options` are its arguments, `run` does it.

pub mod avatars;
pub mod cache;
pub mod check;
pub mod completions;
pub mod config;
pub mod doctor;
pub mod graph;
mod hosting;
pub mod jobs;
pub mod join;
pub mod lesson;
pub mod live;
pub mod nodes;
mod once;
pub mod podcast;
pub mod render;
pub mod run;
pub mod schema;
pub mod serve;
pub mod speak;
pub mod subtitles;
pub mod token;
pub mod top;
pub mod voices;
pub mod watch;
pub mod worker;

use crate::cli::Command;
use crate::console::Console;
use crate::failure::Failure;

/// `1 slide`, `2 slides`.
pub(crate) fn several(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// Does what a command says.
pub fn run(command: Command, console: &Console) -> Result<(), Failure> {
    match command {
        Command::Render(options) => render::run(options, console),
        Command::Watch(options) => watch::run(&options, console),
        Command::Join(options) => join::run(options, console),
        Command::Podcast(options) => podcast::run(options, console),
        Command::Live(options) => live::run(*options, console),
        Command::Serve(options) => serve::run(&options, console),
        Command::Jobs(options) => jobs::run(&options, console),
        Command::Worker(options) => worker::run(&options, console),
        Command::Run(options) => run::run(options, console),
        Command::Check(options) => check::run(options, console),
        Command::Graph(options) => graph::run(options, console),
        Command::Nodes(options) => nodes::run(options, console),
        Command::Schema(options) => schema::run(options, console),
        Command::Lesson(options) => lesson::run(options, console),
        Command::Speak(options) => speak::run(options, console),
        Command::Subtitles(options) => subtitles::run(options, console),
        Command::Token(options) => token::run(options, console),
        Command::Top(options) => top::run(options, console),
        Command::Voices(options) => voices::run(options, console),
        Command::Avatars(options) => avatars::run(options, console),
        Command::Cache(options) => cache::run(options, console),
        Command::Config(options) => config::run(&options, console),
        Command::Doctor(options) => doctor::run(options, console),
        Command::Completions(options) => completions::run(options, console),
    }
}
