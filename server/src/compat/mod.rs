//! Adapters: the paths, bodies and names that clients of other systems know, over the same jobs and sessions. Nothing is decided here that
//! the native API does not decide, too; each adapter has its own rule for who may ask.

mod door;
mod fastapi;
mod form;
mod health;
mod origins;
mod presgen;
mod rapido;
mod slidespeaker;
mod video_message;

pub use origins::is_origin;
pub use presgen::Presgen;
pub use rapido::{Rapido, process_once, status_once};
pub use slidespeaker::Slidespeaker;
pub use video_message::{Figures, VideoMessage};

use crate::config::{Adapter, AdapterAuth, Adapters, Settings};
use crate::failure::Failure;
use crate::housekeeping;
use crate::http::App;
use crate::service::Service;
use axum::Router;
use axum::http::StatusCode;
use door::Door;
use fastapi::Refusal;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

/// What adapters know beside what the server does.
pub struct Compat {
    /// Training films.
    pub presgen: Presgen,
    /// Live lessons.
    pub rapido: Rapido,
    /// Films of slides, for many users.
    pub slidespeaker: Slidespeaker,
    /// A picture and a recording.
    pub video_message: VideoMessage,
}

impl Compat {
    /// By the settings of a server at `address` that the outside knows as `own`; `kept` is its state folder.
    ///
    /// # Errors
    /// A secret protects nothing.
    pub fn new(settings: &Settings, address: SocketAddr, own: &str, kept: &Path) -> Result<Compat, Failure> {
        let door = |adapter: &Adapter| Door::new(adapter, settings, (address, own)).map(Arc::new);
        let adapters = &settings.adapters;
        Ok(Compat {
            presgen: Presgen::new(door(&adapters.presgen)?),
            rapido: Rapido::new(door(&adapters.rapido)?, settings, kept.join("texts")),
            slidespeaker: Slidespeaker::new(door(&adapters.slidespeaker)?, &adapters.slidespeaker.base_path),
            video_message: VideoMessage::new(door(&adapters.video_message)?),
        })
    }

    /// Who may ask the adapters that are on, a line each, for the log at the start; some of them need a server `with_jobs`.
    pub fn describe(&self, settings: &Settings, with_jobs: bool) -> Vec<String> {
        let Adapters { presgen, slidespeaker, video_message, rapido } = &settings.adapters;
        let with_jobs = with_jobs.then_some([("presgen", presgen), ("slidespeaker", slidespeaker), ("video_message", video_message)]);
        let all = with_jobs.into_iter().flatten().chain([("rapido", rapido)]).filter(|(_, adapter)| adapter.enabled);
        let line = |(name, adapter): (&str, &Adapter)| {
            let auth = if settings.adapter_auth(adapter.auth) == AdapterAuth::None { "none" } else { "token" };
            let more = if name == "rapido" { format!("; {}", self.rapido.describe()) } else { String::new() };
            format!("{name}: auth {auth}{more}")
        };
        all.map(line).collect()
    }
}

/// The paths of all adapters that are on.
pub fn routes(app: &Arc<App>) -> Router<Arc<App>> {
    let adapters = &app.settings.adapters;
    let at = |adapter: &Adapter, routes: fn(&Arc<App>) -> Router<Arc<App>>| match (adapter.enabled, adapter.base_path.as_str()) {
        (false, _) => Router::new(),
        (true, "") => routes(app),
        (true, base) => Router::new().nest(base, routes(app)),
    };
    // Only a server that takes jobs has these.
    let with_jobs = |adapter: &Adapter, routes| if app.service.is_some() { at(adapter, routes) } else { Router::new() };
    health::routes(adapters)
        .merge(with_jobs(&adapters.presgen, presgen::routes))
        .merge(at(&adapters.rapido, rapido::routes))
        .merge(with_jobs(&adapters.slidespeaker, slidespeaker::routes))
        .merge(at(&adapters.video_message, video_message::routes))
}

/// Removes what adapters keep beside jobs and what nobody needs any more, for as long as the server works.
pub async fn tidy(app: Arc<App>) {
    let Some(service) = &app.service else { return };
    let every = housekeeping::every(&app.settings.retention);
    loop {
        tokio::time::sleep(every).await;
        if app.settings.adapters.slidespeaker.enabled {
            slidespeaker::tidy(&app, service).await;
        }
    }
}

/// The part of the server that takes jobs.
///
/// # Errors
/// It takes none.
fn service(app: &App) -> Result<Arc<Service>, Refusal> {
    let none = || Refusal::Because(StatusCode::SERVICE_UNAVAILABLE, "this server takes no jobs; start it with `lectern serve`".into());
    app.service.clone().ok_or_else(none)
}

/// Does what may take a while where no other request waits for it.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Refusal> {
    tokio::task::spawn_blocking(work).await.map_err(|error| Refusal::failed(&error))
}
