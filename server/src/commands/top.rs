//! `lectern top`: what a server is doing, in a terminal.

mod figures;
mod screen;

use crate::auth::{Auth, Claims, Denied, Role};
use crate::config::Flags;
use crate::console::Console;
use crate::failure::Failure;
use crate::state;
use clap::Args;
use figures::{Figures, History};
use std::io::IsTerminal;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

/// How often the figures are fetched.
const EVERY: Duration = Duration::from_secs(1);
/// How long a token is good that is made for one look.
const TTL: Duration = Duration::from_secs(60);

/// Watch a live server: pictures a second, queues, viewers.
///
/// A table of all nodes of all sessions with their last minute, fetched from the server's /metrics once a second. Ends with q or Ctrl-C.
#[derive(Args, Debug)]
pub struct Options {
    /// The server: http://127.0.0.1:8080.
    #[arg(value_name = "URL", default_value = "http://127.0.0.1:8080")]
    url: String,
    /// A file with an author's or operator's token (`lectern token --role operator`). Without it LECTERN_TOKEN is used; for a server of this
    /// user on this machine a token is made.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
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
    let token = token(&options)?;
    let fetch = || -> Result<Figures, Failure> {
        let token = token()?;
        let text = runtime.block_on(async {
            let answer = client.get(&url).bearer_auth(token).send().await?.error_for_status()?;
            answer.text().await
        });
        text.map(|text| Figures::read(&text)).map_err(|error| Failure::Failed(format!("cannot get {url}: {error}")))
    };
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

/// What gives the token to ask with: the one that was given, or new ones, which only a server of this machine is shown.
fn token(options: &Options) -> Result<Box<dyn Fn() -> Result<String, Failure>>, Failure> {
    let given = match &options.token_file {
        Some(path) => {
            let unread = |error: std::io::Error| Failure::Invalid(format!("cannot read the token file {}: {error}", path.display()));
            Some(std::fs::read_to_string(path).map_err(unread)?)
        }
        None => std::env::var("LECTERN_TOKEN").ok().filter(|token| !token.is_empty()),
    };
    if let Some(token) = given {
        return Ok(Box::new(move || Ok(token.trim().to_string())));
    }
    if !is_here(&options.url) {
        return Err(Failure::Invalid(format!(
            "{} asks for a token; give an operator's with --token-file, or set LECTERN_TOKEN",
            options.url
        )));
    }
    let kept = state::folder();
    let auth =
        Auth::new(Flags::default().load()?.settings.keys(&kept).map_err(|error| Failure::Invalid(error.to_string()))?, Denied::open(&kept));
    let make = move || auth.mint(&Claims::new(Role::Operator, None, "top", TTL)).map_err(|error| Failure::Failed(error.to_string()));
    Ok(Box::new(make))
}

/// The address is one of this machine.
fn is_here(url: &str) -> bool {
    let Ok(url) = reqwest::Url::parse(url) else { return false };
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_string();
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_made_for_this_machine_only() {
        assert!(["http://127.0.0.1:8080", "http://localhost", "http://[::1]:1/x"].into_iter().all(is_here));
        assert!(
            !["http://talks.example", "http://localhost.evil.example", "http://127.0.0.1@evil.example", "nonsense"]
                .into_iter()
                .any(is_here)
        );
    }
}
