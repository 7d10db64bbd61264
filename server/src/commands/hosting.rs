//! What `live` and `serve` have in common: where they answer, who may ask for what, and what is kept of it.

use crate::auth::{Auth, Denied, Keys};
use crate::compat::Compat;
use crate::config::{Flags, Given, Settings};
use crate::console::Console;
use crate::failure::Failure;
use crate::http::{Answers, App, Journal, Server, note_state, token_in};
use crate::limits::{Limits, Ticks};
use crate::live::{OnState, Sessions};
use crate::security::Audit;
use crate::security::audit::Who;
use crate::service::Service;
use crate::state;
use crate::test_mode;
use clap::Args;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

/// How a server is reached, and by whom: settings that have options, too.
#[derive(Args, Debug)]
pub struct Hosting {
    /// Lessons that sessions may be made from, through `POST /v1/live`.
    #[arg(long, value_name = "DIR")]
    lessons: Option<String>,
    /// Who may use the paths of the "Rapido" room service (/api/v1/livekit/token and others): `none` lets everybody in who reaches this
    /// server, `token` asks for an author's token. Default: none on loopback, token elsewhere.
    #[arg(long, value_name = "none|token", hide_possible_values = true, value_parser = ["none", "token"])]
    rapido: Option<String>,
    /// Let web pages of this origin use those paths, too; may be repeated. Without tokens, only pages of this server may.
    #[arg(long, value_name = "ORIGIN")]
    allow_origin: Vec<String>,
    /// How browsers reach this server, for the printed links, such as https://talks.example; without it, the address that it listens on.
    #[arg(long, value_name = "URL")]
    origin: Option<String>,
    /// How often the tokens of those who watch are looked at again. [default: 30s]
    #[arg(long, value_name = "TIME")]
    recheck: Option<String>,
    /// Keep the event log in this folder, a file a day; without it, in the state folder.
    #[arg(long, value_name = "DIR")]
    logs: Option<String>,
    /// Remove event logs after so many days. [default: 30, errors 90, figures 14]
    #[arg(long, value_name = "DAYS")]
    keep_logs: Option<u32>,
}

/// A place that is taken, where nobody answers yet.
pub struct Place {
    listener: TcpListener,
    keys: Keys,
    /// What holds there.
    pub settings: Settings,
    /// Where it is, its port included.
    pub address: SocketAddr,
    /// How the outside reaches it.
    pub origin: String,
}

impl Hosting {
    /// Reads the settings, which these options, `flags` and some `more` are stronger than, and says what in them means nothing.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn settings(&self, flags: &Flags, more: Vec<Given>, console: &Console) -> Result<Settings, Failure> {
        let days = self.keep_logs.map(|days| days.to_string());
        let pages = (!self.allow_origin.is_empty()).then(|| self.allow_origin.join(","));
        // Links are made by putting paths behind it.
        let origin = self.origin.as_ref().map(|origin| origin.trim_end_matches('/').to_string());
        let options = [
            ("lessons.folder", &self.lessons, "--lessons"),
            ("adapters.rapido.auth", &self.rapido, "--rapido"),
            ("adapters.rapido.origins", &pages, "--allow-origin"),
            ("origin", &origin, "--origin"),
            ("auth.recheck", &self.recheck, "--recheck"),
            ("log.folder", &self.logs, "--logs"),
            ("log.keep_days", &days, "--keep-logs"),
            ("log.keep_error_days", &days, "--keep-logs"),
            ("log.keep_performance_days", &days, "--keep-logs"),
        ];
        let given = options.into_iter().filter_map(|(key, value, option)| Some((key, value.clone()?, option)));
        let loaded = flags.load_with(given.chain(more).collect())?;
        loaded.notes.iter().for_each(|note| console.note(&format!("note: {note}")));
        enter_test_mode(&loaded.settings, console)?;
        Ok(loaded.settings)
    }
}

/// Sees to it that nobody outside is called, where the settings say so.
///
/// # Errors
/// The program cannot be begun again without what it was given for that.
pub fn enter_test_mode(settings: &Settings, console: &Console) -> Result<(), Failure> {
    if !settings.test_mode {
        return Ok(());
    }
    test_mode::enter().map_err(|error| Failure::Failed(format!("cannot begin in test mode: {error}; turn test_mode off")))?;
    console.note("test mode: no writer, Google Slides, LiveKit server or webhook is called");
    Ok(())
}

impl Place {
    /// Takes the place that the settings name.
    ///
    /// # Errors
    /// There is no secret that can be used, or the address cannot be had.
    pub fn take(settings: Settings) -> Result<Place, Failure> {
        let keys = settings.keys(&state::folder()).map_err(|error| Failure::Invalid(error.to_string()))?;
        let failed = |error: io::Error| taken(settings.listen, &error);
        let listener = Server::listen(settings.listen).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let scheme = if settings.tls.certificate.is_some() { "https" } else { "http" };
        let origin = settings.origin.clone().unwrap_or_else(|| format!("{scheme}://{address}"));
        Ok(Place { listener, keys, settings, address, origin })
    }

    /// What answers there; with a `service` it takes jobs, too.
    ///
    /// # Errors
    /// A setting is wrong.
    pub fn open(self, service: Option<Arc<Service>>) -> Result<(TcpListener, Arc<App>), Failure> {
        let only = self.only_address();
        let Place { listener, keys, settings, address, origin } = self;
        let kept = state::folder();
        let logs = settings.log.folder.clone().unwrap_or_else(|| kept.join("logs"));
        let journal = Arc::new(Journal::new(Some(logs.clone()), settings.keep_logs()));
        let compat = Compat::new(&settings, address, &origin, &kept)?;
        for line in compat.describe(&settings, service.is_some()) {
            tracing::info!("adapter {line}");
            journal.backend("", "adapter", &line, None);
        }
        let auth = Arc::new(Auth::new(keys, Denied::open(&kept)));
        let limits = Limits::new(&settings.limits, settings.http.proxies.clone(), settings.http.blocked.clone(), &Ticks::default());
        let limits = Arc::new(limits);
        let known = auth.clone();
        let who: Who = Box::new(move |headers| Some(known.check(token_in(headers)?).ok()?.sub));
        let audit = Arc::new(Audit::new(logs, settings.log.keep_error_days, limits.clone(), who));
        let place = service.as_ref().map(|service| service.jobs.folders().answers());
        let cannot = |cause| {
            let file = place.as_deref().map(|path| format!(" in {}", path.display())).unwrap_or_default();
            Failure::Failed(format!("cannot keep answers{file}: {cause}; move the file away, or choose another folder with --data"))
        };
        let answers = Arc::new(Answers::open(place.as_deref()).map_err(cannot)?);
        let log = journal.clone();
        let on_state: OnState = Arc::new(move |session, state| note_state(&log, session, state));
        let app = App {
            auth,
            answers,
            audit,
            sessions: Arc::new(Sessions::new(settings.lessons.folder.clone(), only, settings.guard.enabled, on_state)),
            journal,
            origin,
            peers: Default::default(),
            joins: Default::default(),
            limits,
            compat,
            service,
            settings,
        };
        Ok((listener, Arc::new(app)))
    }

    /// A server that only one address reaches tells viewers by WebRTC that one, too.
    pub fn only_address(&self) -> Option<String> {
        let ip = self.address.ip();
        (!ip.is_unspecified()).then(|| ip.to_string())
    }
}

/// The address cannot be had, or not be answered at.
pub fn taken(address: SocketAddr, error: &io::Error) -> Failure {
    Failure::Failed(format!("cannot listen on {address}: {error}; choose another address with --listen"))
}
