//! The server: pages, REST, WebSockets and WHEP under one origin.

mod access;
mod backups;
mod body;
mod catalogue;
mod decks;
mod follow;
pub(crate) mod hear_out;
mod idempotency;
pub(crate) mod job_files;
mod jobs;
mod journal;
mod live;
mod openapi;
mod operations;
mod pages;
mod paging;
mod problem;
mod sockets;
mod store;
mod webhooks;
mod whep;

pub use access::token_in;
#[cfg(test)]
pub(crate) use follow::tests as following;
pub use follow::{Follower, News};
pub use idempotency::Answers;
pub use job_files::answer;
pub use journal::{Journal, Keep, Level};
pub use live::{links, note_state};
pub use sockets::{Closing, PROTOCOL, close, send};
pub use whep::Peers;

use crate::auth::Auth;
use crate::compat::{self, Compat};
use crate::config::Settings;
use crate::ledger::Event;
use crate::limits::{self, Limits, Rule};
use crate::live::Sessions;
use crate::security::{self, Audit, TlsListener, audit};
use crate::service::Service;
use axum::Router;
use axum::http::StatusCode;
use axum::routing::{any, get, post};
use axum::serve::ListenerExt;
use problem::Problem;
use socket2::SockRef;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast::{Receiver, error::RecvError};
use tokio::sync::watch;

/// How often the machine's load is measured.
const MEASURE: Duration = Duration::from_secs(2);
/// What the system holds back of a connection, in bytes: more than a second of pictures would only be old ones.
const SEND_BUFFER: usize = 192 << 10;
/// How often the nodes' figures go into the event log.
const NOTE: Duration = Duration::from_secs(60);
/// How long requests that are being answered may take at the end.
const LAST: Duration = Duration::from_secs(3);

/// What all requests share.
pub struct App {
    /// Tokens.
    pub auth: Arc<Auth>,
    /// What is given.
    pub sessions: Arc<Sessions>,
    /// The event log.
    pub journal: Arc<Journal>,
    /// Who did what.
    pub audit: Arc<Audit>,
    /// How the outside reaches this server: `http://127.0.0.1:8080`.
    pub origin: String,
    /// Viewers by WebRTC and the tokens that made them.
    pub peers: Peers,
    /// How long viewers took to come in.
    pub joins: Joins,
    /// What was answered to requests with a key.
    pub answers: Arc<Answers>,
    /// How often who may ask.
    pub limits: Arc<Limits>,
    /// Adapters of other systems.
    pub compat: Compat,
    /// Jobs, in a server that takes some.
    pub service: Option<Arc<Service>>,
    /// What holds here.
    pub settings: Settings,
}

impl App {
    /// How often the tokens of those who watch are looked at again.
    pub fn recheck(&self) -> Duration {
        self.settings.auth.recheck.0.to_std()
    }
}

/// The last seconds from token to first picture, as viewers told them.
#[derive(Default)]
pub struct Joins(Mutex<VecDeque<f64>>);

impl Joins {
    /// So many are kept.
    const KEPT: usize = 1000;

    fn add(&self, seconds: f64) {
        let mut joins = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if joins.len() == Joins::KEPT {
            joins.pop_front();
        }
        joins.push_back(seconds);
    }

    fn seconds(&self) -> Vec<f64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().copied().collect()
    }
}

type Shared = axum::extract::State<Arc<App>>;

/// A server at work. Dropping it ends it.
pub struct Server {
    stop: watch::Sender<bool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Server {
    /// Listens on an address; port 0 takes any free one.
    ///
    /// # Errors
    /// The address cannot be had.
    pub fn listen(address: SocketAddr) -> std::io::Result<std::net::TcpListener> {
        let listener = std::net::TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        Ok(listener)
    }

    /// Begins to answer.
    ///
    /// # Errors
    /// No thread can be had.
    pub fn start(listener: std::net::TcpListener, app: Arc<App>) -> std::io::Result<Server> {
        let acceptor = security::tls(&app.settings).map_err(std::io::Error::other)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).thread_name("http").enable_all().build()?;
        let (stop, stopped) = watch::channel(false);
        let work = move || {
            runtime.block_on(async move {
                let Ok(listener) = TcpListener::from_std(listener) else { return };
                let mut until = stopped.clone();
                tokio::spawn(whep::recheck(app.clone(), stopped));
                let sessions = app.sessions.clone();
                tokio::spawn(async move {
                    loop {
                        sessions.measure();
                        tokio::time::sleep(MEASURE).await;
                    }
                });
                // Pictures leave at once, and few of them wait where no viewer can skip them.
                let tune = |stream: &mut TcpStream| {
                    let tuned = stream.set_nodelay(true).and_then(|()| SockRef::from(&*stream).set_send_buffer_size(SEND_BUFFER));
                    if let Err(error) = tuned {
                        tracing::debug!(%error, "a connection keeps the system's settings");
                    }
                };
                tokio::spawn(note_figures(app.clone()));
                if let Some(service) = &app.service {
                    tokio::spawn(note_failures(app.clone(), service.jobs.ledger().failures()));
                }
                tokio::spawn(compat::tidy(app.clone()));
                let service = router(app).into_make_service_with_connect_info::<SocketAddr>();
                let over = async move {
                    let _ = until.wait_for(|stop| *stop).await;
                    // Those who take media and news have been told that it is over.
                    tokio::time::sleep(Duration::from_millis(200)).await;
                };
                let served = match acceptor {
                    None => axum::serve(listener.tap_io(tune), service).with_graceful_shutdown(over).await,
                    Some(acceptor) => match TlsListener::new(listener, acceptor) {
                        Ok(listener) => {
                            let listener = listener.tap_io(move |stream| tune(stream.get_mut().0));
                            axum::serve(listener, service).with_graceful_shutdown(over).await
                        }
                        Err(error) => Err(error),
                    },
                };
                if let Err(error) = served {
                    tracing::error!(%error, "the server has ended");
                }
            });
            runtime.shutdown_timeout(LAST);
        };
        let thread = std::thread::Builder::new().name("server".into()).spawn(work)?;
        Ok(Server { stop, thread: Some(thread) })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.stop.send(true);
        let deadline = std::time::Instant::now() + LAST;
        if let Some(thread) = self.thread.take() {
            while !thread.is_finished() && std::time::Instant::now() < deadline {
                std::thread::sleep(Duration::from_millis(5));
            }
        }
    }
}

/// Does what may take a while where no other request waits for it.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
    let failed = |error: tokio::task::JoinError| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "failed", error.to_string());
    tokio::task::spawn_blocking(work).await.map_err(failed)
}

/// Keeps the figures of every session in the event log.
async fn note_figures(app: Arc<App>) {
    loop {
        tokio::time::sleep(NOTE).await;
        for session in app.sessions.all() {
            let fps = session.fps(&session.handle().report());
            app.journal.backend(session.name(), "fps", "packets a second of each node", Some(serde_json::json!({ "fps": fps })));
        }
    }
}

/// Keeps in the event log what goes wrong with jobs.
async fn note_failures(app: Arc<App>, mut failures: Receiver<Arc<Event>>) {
    loop {
        match failures.recv().await {
            Ok(event) => app.journal.failure(&event),
            Err(RecvError::Lagged(missed)) => tracing::warn!(missed, "failures of jobs are not in the event log"),
            Err(RecvError::Closed) => return,
        }
    }
}

fn router(app: Arc<App>) -> Router {
    let settings = &app.settings;
    let jobs = if app.service.is_some() { jobs::routes() } else { Router::new() };
    let workers = if app.service.is_some() { store::routes(&app) } else { Router::new() };
    let native = Router::new()
        .route("/metrics", get(pages::metrics))
        .route("/v1/health", get(operations::health))
        .route("/v1/ready", get(operations::ready))
        .route("/live/{room}", get(pages::viewer))
        .route("/assets/{*path}", get(pages::asset))
        .route("/v1/live", get(live::list).post(live::create))
        .route("/v1/live/{room}", get(live::show).delete(live::end))
        .route("/v1/live/{room}/commands", post(live::command))
        .route("/v1/live/{room}/graph", get(live::graph))
        .route("/v1/live/{room}/log", post(live::log))
        .route("/v1/live/{room}/whep", post(whep::offer))
        .route("/v1/live/{room}/whep/{id}", axum::routing::delete(whep::leave))
        .route("/v1/live/{room}/media", any(sockets::media))
        .route("/v1/live/{room}/events", any(sockets::events))
        .route("/v1/tokens", post(live::mint))
        .route("/v1/tokens/{jti}", axum::routing::delete(live::revoke))
        .merge(catalogue::routes())
        .merge(openapi::routes())
        .merge(jobs)
        .layer(axum::middleware::from_fn_with_state(app.clone(), idempotency::keep))
        .layer(axum::middleware::map_response(problem::explained));
    // Adapters have rules of their own for who may ask from where.
    let all = security::origins(native, settings).merge(compat::routes(&app)).fallback(pages::nothing);
    security::guard(all, settings)
        .layer(axum::middleware::map_response(pages::protect))
        .layer(axum::middleware::from_fn_with_state(app.limits.on(Rule::Request), limits::enforce))
        .layer(axum::middleware::from_fn_with_state(app.audit.clone(), audit::record))
        .merge(workers)
        .layer(axum::middleware::from_fn(hear_out::hear_out))
        .with_state(app.clone())
}
