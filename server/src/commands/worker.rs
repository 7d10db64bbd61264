//! `lectern worker`: does stages of a server's jobs, beside it or on another machine.

use crate::console::Console;
use crate::dispatch::Slots;
use crate::failure::Failure;
use crate::folders::Folders;
use crate::signals::Signals;
use crate::worker::{Artifacts, Program, Station, Worker};
use clap::Args;
use serde_json::json;
use std::num::NonZero;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::watch;
use uuid::Uuid;

const EXAMPLES: &str = "\
Examples:
  lectern serve --nats nats://10.0.0.1:4222 --data /shared/lectern
  lectern worker --nats nats://10.0.0.1:4222 --data /shared/lectern --slots 4

Both need the same data folder: one that all machines share. SIGTERM puts back what is being made; another worker goes on with it.";

/// Make films for a server, beside it or on another machine.
///
/// Takes stages from NATS as it has room for them. Whatever happens to it, another worker takes over within seconds.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Options {
    /// The NATS server, with JetStream, that the Lectern server uses: nats://HOST:PORT.
    #[arg(long, value_name = "URL")]
    nats: String,
    /// The data folder of the server. [default: $XDG_DATA_HOME/lectern]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Make so many films at once. [default: the number of processors, 2 at least]
    #[arg(long, value_name = "N")]
    slots: Option<NonZero<usize>>,
}

/// Works until it is told to stop.
pub fn run(options: &Options, console: &Console) -> Result<(), Failure> {
    let signals = Signals::listen();
    let failed = |error: &dyn std::fmt::Display| Failure::Failed(error.to_string());
    let data = options.data.clone().unwrap_or_else(Folders::usual);
    let folders = Folders::open(&data).map_err(|error| {
        Failure::Failed(format!("cannot use the data folder {}: {error}; choose another one with --data", data.display()))
    })?;
    let artifacts = Artifacts::new(folders.artifacts());
    let worker = Worker::new(folders, artifacts, Program::own().map_err(|error| failed(&error))?);
    let slots = options.slots.map_or_else(Slots::default, |slots| Slots::of(slots.get()));
    let name = format!("worker-{}", &Uuid::new_v4().simple().to_string()[..8]);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).thread_name("worker").enable_all().build();
    let runtime = runtime.map_err(|error| failed(&error))?;
    let (close, closing) = watch::channel(false);
    let station = Station::open(&options.nats, &name, Arc::new(worker), (slots.room, slots.limit), closing);
    let station = runtime.block_on(station).map_err(|error| failed(&error))?;
    console.event(&json!({ "event": "ready", "worker": name, "slots": slots.room.heavy }));
    console.say(&format!("{name} takes work, {} films at once", slots.room.heavy));
    let wait = move || {
        // Closed when a signal comes.
        let _ = signals.cancel().channel().recv();
        close.send_replace(true);
    };
    std::thread::Builder::new().name("closing".into()).spawn(wait).map_err(|error| failed(&error))?;
    runtime.block_on(station.run()).map_err(|error| failed(&error))?;
    console.event(&json!({ "event": "done" }));
    Ok(())
}
