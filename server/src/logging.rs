//! The log on standard error, for whoever looks for the cause of something.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Registry, reload};

/// What chooses what is logged: `LECTERN_LOG=debug`, or `LECTERN_LOG=lectern::worker=trace,info`.
const VARIABLE: &str = "LECTERN_LOG";

/// More is wanted than the settings say.
static VERBOSE: AtomicBool = AtomicBool::new(false);
static FILTER: OnceLock<reload::Handle<EnvFilter, Registry>> = OnceLock::new();

/// Begins: silent unless `verbose` or the environment asks for something, as commands speak for themselves.
pub fn start(verbose: bool) {
    let unless = || if verbose { from("debug") } else { EnvFilter::new("off") };
    let filter = EnvFilter::try_from_env(VARIABLE).unwrap_or_else(|_| unless());
    VERBOSE.store(verbose, Ordering::Relaxed);
    let (filter, handle) = reload::Layer::new(filter);
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    // A second call, in a test, finds the first one's log.
    if tracing_subscriber::registry().with(filter).with(lines).try_init().is_ok() {
        let _ = FILTER.set(handle);
    }
}

/// What a child is given so that it tells what it warns of, unless the environment asks for something else.
pub fn quiet() -> Option<(&'static str, &'static str)> {
    std::env::var_os(VARIABLE).is_none_or(|value| value.is_empty()).then_some((VARIABLE, "warn"))
}

/// Logs from this level on (`error`, `warn`, `info`, `debug`, `trace`), unless the environment or `--verbose` asks for something else: of
/// programs that nobody watches.
pub fn level(level: &str) {
    if VERBOSE.load(Ordering::Relaxed) || std::env::var_os(VARIABLE).is_some_and(|value| !value.is_empty()) {
        return;
    }
    if let Some(Err(error)) = FILTER.get().map(|handle| handle.reload(from(level))) {
        tracing::warn!(%error, "the level of the log stays as it was");
    }
}

/// From a level on.
fn from(level: &str) -> EnvFilter {
    // Libraries have much to say that is nothing to whoever runs a server.
    let level = if level.eq_ignore_ascii_case("warning") { "warn" } else { level };
    EnvFilter::new(format!("warn,lectern={level},engine={level},plugins={level},plugins_webrtc={level}"))
}
