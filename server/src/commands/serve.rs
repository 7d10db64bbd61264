//! `lectern serve`: the whole service in one process.

use super::hosting::Hosting;
use crate::auth::{Claims, Role};
use crate::console::Console;
use crate::dispatch::Slots;
use crate::failure::Failure;
use crate::folders::Folders;
use crate::http::Server;
use crate::service::Service;
use crate::signals::Signals;
use clap::Args;
use serde_json::json;
use std::num::NonZero;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

const EXAMPLES: &str = "\
Examples:
  lectern serve                                  on http://127.0.0.1:8080, for this user
  lectern serve --data /var/lib/lectern --listen 0.0.0.0:8080    for others (set LECTERN_JWT_SECRET)
  curl -H \"Authorization: Bearer $TOKEN\" --data-binary @talk.pptx 'http://127.0.0.1:8080/v1/decks?name=talk.pptx'
  curl -H \"Authorization: Bearer $TOKEN\" -d '{\"deck\": \"ID\"}' http://127.0.0.1:8080/v1/jobs

It prints a token that may do everything; `lectern token` makes others. SIGTERM or Ctrl-C ends it in order: what is being made is put
back and goes on at the next start, from the segments that are done.";

/// How long the token is good that is printed at the start.
const FIRST_TOKEN: Duration = Duration::from_secs(24 * 3600);

/// Take decks and make films of them, for many users, with live sessions.
///
/// Jobs, what they make and who may do what lie in one folder. Whatever happens to the process, a job that was taken ends once.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Options {
    #[command(flatten)]
    hosting: Hosting,
    /// Where everything is kept. [default: $XDG_DATA_HOME/lectern]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Make so many films at once. [default: the number of processors, 2 at least]
    #[arg(long, value_name = "N")]
    slots: Option<NonZero<usize>>,
    /// Have films made by `lectern worker` processes that take their work from this NATS server: nats://HOST:PORT. None is made here then.
    #[arg(long, value_name = "URL", conflicts_with = "slots")]
    nats: Option<String>,
    /// A LiveKit server for the "Rapido" paths: ws://HOST:PORT or wss://HOST.
    #[arg(long, value_name = "URL")]
    livekit: Option<String>,
}

/// Serves until it is told to stop.
pub fn run(options: &Options, console: &Console) -> Result<(), Failure> {
    let signals = Signals::listen();
    let place = options.hosting.take()?;
    let (address, origin) = (place.address, place.origin.clone());
    let data = options.data.clone().unwrap_or_else(Folders::usual);
    let slots = options.slots.map_or_else(Slots::default, |slots| Slots::of(slots.get()));
    let service = Arc::new(Service::open(&data, slots, options.nats.as_deref()).map_err(|error| Failure::Failed(error.to_string()))?);
    let (listener, app) = options.hosting.open(place, options.livekit.clone(), Some(service.clone()))?;
    let token =
        app.auth.mint(&Claims::new(Role::Operator, None, "first", FIRST_TOKEN)).map_err(|error| Failure::Invalid(error.to_string()))?;
    let server = Server::start(listener, app).map_err(|error| options.hosting.taken(&error))?;
    console.event(&json!({ "event": "ready", "listen": address, "origin": origin, "data": data, "admin_token": token }));
    console.say(&format!("serving on {origin}, data in {}", data.display()));
    console.say(&format!("a token for all of it, good for a day:\n{token}"));
    // Closed when a signal comes.
    let _ = signals.cancel().channel().recv();
    console.note("ending: what is being made is put back and goes on at the next start");
    service.close();
    drop(server);
    console.event(&json!({ "event": "done" }));
    Ok(())
}
