#![warn(missing_docs)]
//! The command line: `lectern COMMAND`.
//!
//! One file a command in `commands`; what they share is beside it. Standard output carries results only (a line, a table, JSON);
//! progress, warnings and errors go to standard error. Exit codes: 0 done, 1 the run failed, 2 graph, input or usage invalid,
//! 130 and 143 aborted by SIGINT and SIGTERM.

pub mod accounts;
pub mod artifacts;
mod auth;
mod captions;
mod catalogue;
mod cli;
mod commands;
mod compat;
pub mod config;
mod console;
mod daily;
mod decks;
mod dispatch;
mod doctor;
mod estimate;
mod excerpt;
mod execute;
mod failure;
mod folders;
mod graphs;
pub mod guard;
mod housekeeping;
mod http;
mod jobs;
mod ledger;
pub mod limits;
mod live;
mod logging;
mod metrics;
mod outputs;
pub mod privacy;
mod private;
mod progress;
mod quality;
mod readiness;
mod renders;
mod report;
mod resources;
pub mod security;
mod segmented;
mod service;
mod shared_segments;
mod signals;
mod state;
mod storage;
mod subtitles;
mod test_mode;
pub mod uploads;
mod verify;
mod webhooks;
mod worker;

use clap::Parser;
use std::io::Write;

/// The whole program: reads the arguments, does what they say, prints what went wrong, and ends with the exit code.
pub fn main() -> ! {
    plugins::heap::give_back_large();
    worker::follow_parent();
    let cli = cli::Cli::parse();
    // Two are linked in, and none is taken by itself. A second call finds the first one's choice.
    let _ = rustls::crypto::ring::default_provider().install_default();
    logging::start(cli.output.verbose);
    let console = console::Console::new(cli.output);
    let code = match commands::run(cli.command, &console) {
        Ok(()) => 0,
        Err(failure) => {
            console.failure(&failure);
            failure.code()
        }
    };
    worker::tell_used(&console);
    // A reader that is gone is no failure here.
    let _ = std::io::stdout().flush();
    // GStreamer's elements keep threads of their own for as long as the program lives. They must not see the C library take its things away
    // beneath them, as an ordinary exit would have it: of ten live sessions one ended with a segmentation fault.
    signal_hook::low_level::exit(code.into())
}
