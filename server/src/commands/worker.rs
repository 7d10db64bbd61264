//! `lectern worker`: does stages of a server's jobs, beside it or on another machine.

use super::hosting::enter_test_mode;
use crate::artifacts::{Artifacts, Blob};
use crate::config::{Flags, Settings};
use crate::console::Console;
use crate::dispatch::Slots;
use crate::failure::Failure;
use crate::folders::Folders;
use crate::logging;
use crate::signals::Signals;
use crate::worker::{Program, Station, Worker};
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
  lectern serve --nats nats://10.0.0.1:4222 --store s3://lectures
  lectern worker --nats nats://10.0.0.1:4222 --store s3://lectures
  lectern worker --nats nats://10.0.0.1:4222 --store https://lectern.example      LECTERN_WORKER_TOKEN

With --store, files of jobs go by way of the store, and worker and server share nothing else but NATS; a bucket is reached as the
variables AWS_ENDPOINT, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY say, the store of a server by its address and a token of `lectern
token --role worker` in LECTERN_WORKER_TOKEN. Without it both need the same data folder: one that all machines share. SIGTERM puts back what is being made; another worker goes on with it.";

/// A segment that nobody has made.
const NOTHING: &str = "0000000000000000";

/// Make films for a server, beside it or on another machine.
///
/// Takes stages from NATS as it has room for them. Whatever happens to it, another worker takes over within seconds.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Options {
    /// The settings, as the server reads them; without it, as there.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The NATS server, with JetStream, that the Lectern server uses: nats://HOST:PORT; where it asks for a token, LECTERN_WORKERS_NATS_TOKEN.
    #[arg(long, value_name = "URL")]
    nats: Option<String>,
    /// The store that the server names with --store: s3://BUCKET/PREFIX, a folder that both reach, or http(s)://HOST: the server itself.
    #[arg(long, value_name = "URL")]
    store: Option<String>,
    /// The data folder of the server; with --store, a folder for this worker alone. [default: $XDG_DATA_HOME/lectern]
    #[arg(long, value_name = "DIR")]
    data: Option<String>,
    /// Make so many films at once. [default: the number of processors, 2 at least]
    #[arg(long, value_name = "N")]
    slots: Option<NonZero<u32>>,
}

impl Options {
    fn settings(&self, console: &Console) -> Result<Settings, Failure> {
        let Options { config, nats, store, data, slots } = self;
        let flags = Flags { config: config.clone(), listen: None, data: data.clone(), store: store.clone(), nats: nats.clone() };
        let slots = slots.map(|slots| ("workers.slots", slots.to_string(), "--slots"));
        let loaded = flags.load_with(slots.into_iter().collect())?;
        loaded.notes.iter().for_each(|note| console.note(&format!("note: {note}")));
        enter_test_mode(&loaded.settings, console)?;
        Ok(loaded.settings)
    }
}

/// In the folders and with the store of the settings.
fn worker(settings: &Settings, artifacts: Arc<Artifacts>) -> Result<Worker, Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::Failed(error.to_string());
    let (data, by_store) = (settings.data()?, settings.store.place.is_some());
    // The folder of a server beside it is the server's.
    let own = if by_store { data.join("worker") } else { data };
    let folders = Folders::open(&own).map_err(|error| {
        Failure::Failed(format!("cannot use the data folder {}: {error}; choose another one with --data", own.display()))
    })?;
    let program = Program::own().map_err(|error| failed(&error))?.with_cache(folders.cache());
    let program = if by_store { program.sharing(settings) } else { program };
    let worker = Worker::new(folders, artifacts, program, &settings.guard).map_err(|error| failed(&error))?;
    if by_store { worker.by_store().map_err(|error| failed(&error)) } else { Ok(worker) }
}

/// A token that the server does not know is seen at the start. A server that is away may come back.
async fn must_be_let_in(artifacts: &Artifacts) -> Result<(), Failure> {
    match artifacts.blob(Blob::Segment, NOTHING).await {
        Err(error) if error.is_refusal() => Err(Failure::Invalid(format!(
            "{error}; set LECTERN_WORKER_TOKEN to a token of the server's `lectern token --role worker --ttl 8760h`"
        ))),
        Err(error) => {
            tracing::warn!(%error, "the store of the server does not answer yet");
            Ok(())
        }
        Ok(_) => Ok(()),
    }
}

/// Works until it is told to stop.
pub fn run(options: &Options, console: &Console) -> Result<(), Failure> {
    let signals = Signals::listen();
    let failed = |error: &dyn std::fmt::Display| Failure::Failed(error.to_string());
    let settings = options.settings(console)?;
    logging::level(&settings.log.level);
    let none = || Failure::Invalid("no NATS server is named; give --nats URL or set LECTERN_WORKERS_NATS".into());
    let queue = settings.workers.queue().ok_or_else(none)?;
    let artifacts = Arc::new(Artifacts::of_worker(&settings).map_err(|error| failed(&error))?);
    let worker = worker(&settings, artifacts.clone())?;
    let slots = Slots::of(settings.workers.slots, settings.time_limits());
    let name = format!("worker-{}", &Uuid::new_v4().simple().to_string()[..8]);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).thread_name("worker").enable_all().build();
    let runtime = runtime.map_err(|error| failed(&error))?;
    if settings.store.place.as_ref().is_some_and(|place| place.starts_with("http")) {
        runtime.block_on(must_be_let_in(&artifacts))?;
    }
    let (close, closing) = watch::channel(false);
    let station = Station::open(queue, &name, Arc::new(worker), (slots.room, slots.limits), closing);
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
