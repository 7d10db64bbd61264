//! What `live` and `serve` have in common: where they answer, who may ask for what, and what is kept of it.

use crate::auth::{Auth, Denied, Keys};
use crate::compat::{Rapido, RapidoAuth, is_origin};
use crate::failure::Failure;
use crate::http::{App, Journal, Keep, Server};
use crate::live::Sessions;
use crate::service::Service;
use crate::state;
use clap::Args;
use engine::graph::unit::DurationSetting;
use engine::time::Span;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;

/// How a server is reached, and by whom.
#[derive(Args, Debug)]
pub struct Hosting {
    /// Where it answers; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Lessons that sessions may be made from, through `POST /v1/live`.
    #[arg(long, value_name = "DIR")]
    lessons: Option<PathBuf>,
    /// Who may use the paths of the "Rapido" room service (/api/v1/livekit/token and others): `none` lets everybody in who reaches this
    /// server, `token` asks for an author's token. Default: none on loopback, token elsewhere.
    #[arg(long, value_name = "none|token", hide_possible_values = true)]
    rapido: Option<RapidoAuth>,
    /// Let web pages of this origin use those paths, too; may be repeated. Without tokens, only pages of this server may.
    #[arg(long, value_name = "ORIGIN")]
    allow_origin: Vec<String>,
    /// How browsers reach this server, for the printed links, such as https://talks.example; without it, the address that it listens on.
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

/// A place that is taken, where nobody answers yet.
pub struct Place {
    listener: TcpListener,
    keys: Keys,
    /// Where it is, its port included.
    pub address: SocketAddr,
    /// How the outside reaches it.
    pub origin: String,
}

impl Hosting {
    /// Takes its place.
    ///
    /// # Errors
    /// A setting is wrong, there is no secret for a public address, or the address cannot be had.
    pub fn take(&self) -> Result<Place, Failure> {
        let invalid = |error: &dyn std::fmt::Display| Failure::Invalid(error.to_string());
        let keys = Keys::load(&state::folder()).map_err(|error| invalid(&error))?;
        if !self.listen.ip().is_loopback() {
            keys.must_be_given().map_err(|error| invalid(&error))?;
        }
        let listener = Server::listen(self.listen).map_err(|error| self.taken(&error))?;
        let address = listener.local_addr().map_err(|error| self.taken(&error))?;
        let origin = self.origin.as_deref().map_or_else(|| Ok(format!("http://{address}")), origin)?;
        if self.recheck.0 < Span::from_millis(100) {
            return Err(Failure::Invalid(format!("--recheck {} is too often; use 100ms or more", self.recheck)));
        }
        Ok(Place { listener, keys, address, origin })
    }

    /// What answers there; with a `service` it takes jobs, with the address of a `livekit` server the "Rapido" paths have rooms.
    ///
    /// # Errors
    /// A setting is wrong.
    pub fn open(&self, place: Place, livekit: Option<String>, service: Option<Arc<Service>>) -> Result<(TcpListener, Arc<App>), Failure> {
        let Place { listener, keys, address, origin } = place;
        let kept = state::folder();
        let journal = Journal::new(Some(self.logs.clone().unwrap_or_else(|| kept.join("logs"))), Keep::all(self.keep_logs));
        let rapido = Rapido::new(self.rapido, (address, &origin), &self.allow_origin, livekit, kept.join("texts"))?;
        tracing::info!("rapido adapter: {}", rapido.describe());
        journal.backend("", "adapter", &format!("rapido: {}", rapido.describe()), None);
        let app = App {
            auth: Auth::new(keys, Denied::open(&kept)),
            sessions: Arc::new(Sessions::new(self.lessons.clone(), self.only_address())),
            journal,
            origin,
            peers: Default::default(),
            joins: Default::default(),
            recheck: self.recheck.0.to_std(),
            rapido,
            service,
        };
        Ok((listener, Arc::new(app)))
    }

    /// A server that only one address reaches tells viewers by WebRTC that one, too.
    pub fn only_address(&self) -> Option<String> {
        let ip = self.listen.ip();
        (!ip.is_unspecified()).then(|| ip.to_string())
    }

    /// The address cannot be had, or not be answered at.
    pub fn taken(&self, error: &io::Error) -> Failure {
        Failure::Failed(format!("cannot listen on {}: {error}; choose another address with --listen", self.listen))
    }
}

/// An origin as it was given, without a slash at its end.
fn origin(given: &str) -> Result<String, Failure> {
    let origin = given.trim_end_matches('/');
    let text = || format!("--origin {given:?} is no origin; write scheme and host, as in https://talks.example");
    if is_origin(origin) { Ok(origin.to_string()) } else { Err(Failure::Invalid(text())) }
}
