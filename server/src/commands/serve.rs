//! `lectern serve`: the whole service in one process.

use super::hosting::{Hosting, Place, taken};
use super::once::Once;
use crate::auth::{Claims, Role};
use crate::config::Flags;
use crate::console::Console;
use crate::failure::Failure;
use crate::http::Server;
use crate::logging;
use crate::service::Service;
use crate::signals::Signals;
use clap::Args;
use serde_json::json;
use std::num::NonZero;
use std::sync::Arc;
use std::time::Duration;

const EXAMPLES: &str = "\
Examples:
  lectern serve                                  on http://127.0.0.1:8080, for this user
  lectern serve --data /var/lib/lectern --listen 0.0.0.0:8080    for others (set LECTERN_AUTH_SECRET)
  lectern serve --config /etc/lectern.toml       with all settings in a file; `lectern config show` prints them
  lectern serve --lesson-id intro --slide-data data/intro.json   one lesson, and ends
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
    flags: Flags,
    #[command(flatten)]
    hosting: Hosting,
    /// Make so many films at once; with --nats they are made by `lectern worker` processes, and none is made here. [default: the number of
    /// processors, 2 at least]
    #[arg(long, value_name = "N", conflicts_with = "nats")]
    slots: Option<NonZero<usize>>,
    /// A LiveKit server for the "Rapido" paths: ws://HOST:PORT or wss://HOST.
    #[arg(long, value_name = "URL")]
    livekit: Option<String>,
    #[command(flatten)]
    once: Once,
}

/// Serves until it is told to stop.
pub fn run(options: &Options, console: &Console) -> Result<(), Failure> {
    let signals = Signals::listen();
    let more = [
        options.slots.map(|slots| ("workers.slots", slots.to_string(), "--slots")),
        options.livekit.clone().map(|url| ("livekit.url", url, "--livekit")),
    ];
    let more = more.into_iter().flatten().chain(options.once.given()).collect();
    let settings = options.hosting.settings(&options.flags, more, console)?;
    logging::level(&settings.log.level);
    if let Some(done) = options.once.run(&settings, signals, console) {
        return done;
    }
    let data = settings.data()?;
    let place = Place::take(settings)?;
    let (address, origin) = (place.address, place.origin.clone());
    let service = Arc::new(Service::open(&place.settings).map_err(|error| Failure::Failed(error.to_string()))?);
    let (listener, app) = place.open(Some(service.clone()))?;
    let token =
        app.auth.mint(&Claims::new(Role::Operator, None, "first", FIRST_TOKEN)).map_err(|error| Failure::Invalid(error.to_string()))?;
    let server = Server::start(listener, app).map_err(|error| taken(address, &error))?;
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
