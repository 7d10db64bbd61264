//! `lectern serve`: the whole service in one process.

use crate::auth::{Auth, Claims, Denied, Keys, Role};
use crate::compat::{Rapido, RapidoAuth};
use crate::console::Console;
use crate::dispatch::Slots;
use crate::failure::Failure;
use crate::folders::Folders;
use crate::http::{App, Journal, Keep, Server};
use crate::live::Sessions;
use crate::service::Service;
use crate::signals::Signals;
use crate::state;
use clap::Args;
use engine::graph::unit::DurationSetting;
use serde_json::json;
use std::net::SocketAddr;
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
    /// Where it answers; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Where everything is kept. [default: $XDG_DATA_HOME/lectern]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Make so many films at once. [default: the number of processors, 2 at least]
    #[arg(long, value_name = "N")]
    slots: Option<NonZero<usize>>,
    /// Have films made by `lectern worker` processes that take their work from this NATS server: nats://HOST:PORT. None is made here then.
    #[arg(long, value_name = "URL", conflicts_with = "slots")]
    nats: Option<String>,
    /// Lessons that live sessions may be made from, through `POST /v1/live`.
    #[arg(long, value_name = "DIR")]
    lessons: Option<PathBuf>,
    /// Who may use the paths of the "Rapido" room service: `none` lets everybody in who reaches this server, `token` asks for an author's
    /// token. Default: none on loopback, token elsewhere.
    #[arg(long, value_name = "none|token", hide_possible_values = true)]
    rapido: Option<RapidoAuth>,
    /// A LiveKit server for the "Rapido" paths: ws://HOST:PORT or wss://HOST.
    #[arg(long, value_name = "URL")]
    livekit: Option<String>,
    /// Let web pages of this origin use those paths, too; may be repeated.
    #[arg(long, value_name = "ORIGIN")]
    allow_origin: Vec<String>,
    /// How browsers reach this server, such as https://talks.example; without it, the address that it listens on.
    #[arg(long, value_name = "URL")]
    origin: Option<String>,
    /// How often the tokens of those who watch are looked at again.
    #[arg(long, value_name = "TIME", default_value = "30s")]
    recheck: DurationSetting,
    /// Keep the event log in this folder, a file a day; without it, in the state folder.
    #[arg(long, value_name = "DIR")]
    logs: Option<PathBuf>,
    /// Remove event logs after so many days.
    #[arg(long, value_name = "DAYS", default_value_t = 14)]
    keep_logs: u32,
}

/// Serves until it is told to stop.
pub fn run(options: &Options, console: &Console) -> Result<(), Failure> {
    let signals = Signals::listen();
    let kept = state::folder();
    let invalid = |error: &dyn std::fmt::Display| Failure::Invalid(error.to_string());
    let keys = Keys::load(&kept).map_err(|error| invalid(&error))?;
    if !options.listen.ip().is_loopback() {
        keys.must_be_given().map_err(|error| invalid(&error))?;
    }
    let taken = |error: std::io::Error| {
        Failure::Failed(format!("cannot listen on {}: {error}; choose another address with --listen", options.listen))
    };
    let listener = Server::listen(options.listen).map_err(taken)?;
    let address = listener.local_addr().map_err(taken)?;
    let origin = options.origin.as_deref().map(super::live::origin).transpose()?.unwrap_or_else(|| format!("http://{address}"));
    let data = options.data.clone().unwrap_or_else(Folders::usual);
    let slots = options.slots.map_or_else(Slots::default, |slots| Slots::of(slots.get()));
    let service = Arc::new(Service::open(&data, slots, options.nats.as_deref()).map_err(|error| Failure::Failed(error.to_string()))?);
    let journal = Journal::new(Some(options.logs.clone().unwrap_or_else(|| kept.join("logs"))), Keep::all(options.keep_logs));
    let rapido = Rapido::new(options.rapido, (address, &origin), &options.allow_origin, options.livekit.clone(), kept.join("texts"))?;
    let app = Arc::new(App {
        auth: Auth::new(keys, Denied::open(&kept)),
        sessions: Arc::new(Sessions::new(options.lessons.clone(), super::live::address_for(options.listen.ip()))),
        journal,
        origin: origin.clone(),
        peers: Default::default(),
        joins: Default::default(),
        recheck: options.recheck.0.to_std(),
        rapido,
        service: Some(service.clone()),
    });
    let token = app.auth.mint(&Claims::new(Role::Operator, None, "first", FIRST_TOKEN)).map_err(|error| invalid(&error))?;
    let server = Server::start(listener, app).map_err(taken)?;
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
