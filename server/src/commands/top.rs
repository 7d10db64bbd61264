//! `lectern top`: what a server is doing, in a terminal.

mod figures;
mod screen;

use crate::console::Console;
use crate::failure::Failure;
use clap::Args;
use figures::{Figures, History};
use std::io::IsTerminal;
use std::time::Duration;

/// How often the figures are fetched.
const EVERY: Duration = Duration::from_secs(1);

/// Watch a live server: pictures a second, queues, viewers.
///
/// A table of all nodes of all sessions with their last minute, fetched from the server's /metrics once a second. Ends with q or Ctrl-C.
#[derive(Args, Debug)]
pub struct Options {
    /// The server: http://127.0.0.1:8080.
    #[arg(value_name = "URL", default_value = "http://127.0.0.1:8080")]
    url: String,
    /// Print one table and end.
    #[arg(long)]
    once: bool,
}

/// Shows the table until it is told to end.
pub fn run(options: Options, console: &Console) -> Result<(), Failure> {
    let url = format!("{}/metrics", options.url.trim_end_matches('/'));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| Failure::Failed(error.to_string()))?;
    let client = reqwest::Client::builder().timeout(Duration::from_secs(5)).no_proxy().build();
    let client = client.map_err(|error| Failure::Failed(error.to_string()))?;
    let fetch = || {
        runtime.block_on(async {
            let answer = client.get(&url).send().await?.error_for_status()?;
            answer.text().await
        })
    };
    let fetch = || fetch().map(|text| Figures::read(&text)).map_err(|error| Failure::Failed(format!("cannot reach {url}: {error}")));
    if console.json() {
        console.answer_json(&fetch()?.json());
        return Ok(());
    }
    if options.once || !std::io::stdout().is_terminal() {
        console.answer(&fetch()?.table());
        return Ok(());
    }
    let mut history = History::default();
    history.add(fetch()?);
    screen::show(&url, EVERY, &mut history, fetch).map_err(|error| Failure::Failed(error.to_string()))?
}
