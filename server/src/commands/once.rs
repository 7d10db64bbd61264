//! What `lectern serve` does in place of serving: one lesson, or one look at how the service is. So scripts go on working that call the
//! "Rapido" lesson service by its command line.

use super::hosting::Place;
use super::jobs::cause;
use crate::auth::{Auth, Claims, Denied, Role};
use crate::compat;
use crate::config::{Given, Settings};
use crate::console::Console;
use crate::failure::Failure;
use crate::http::App;
use crate::service::{Service, ServiceError};
use crate::signals::Signals;
use crate::state;
use clap::Args;
use reqwest::Client;
use serde_json::Value;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};

/// How long a server may take to say how it is, and its token is good.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where `--port` or `--host` stands alone.
const USUAL: (IpAddr, u16) = (IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);

/// The options of the original.
#[derive(Args, Debug)]
#[command(next_help_heading = "Command line of the \"Rapido\" lesson service")]
pub struct Once {
    /// The address of --listen. [default: 127.0.0.1]
    #[arg(long, value_name = "HOST", value_parser = host, conflicts_with = "listen")]
    host: Option<IpAddr>,
    /// The port of --listen. [default: 8080]
    #[arg(long, value_name = "PORT", conflicts_with = "listen")]
    port: Option<u16>,
    /// Work through this lesson as POST /process_lesson does, print its answer, and end: with exit code 1 where it did not succeed.
    #[arg(long, value_name = "ID", conflicts_with = "status_only")]
    lesson_id: Option<String>,
    /// Its file; without it, the lesson of that name in the folder of --lessons.
    #[arg(long, value_name = "FILE", requires = "lesson_id")]
    slide_data: Option<PathBuf>,
    /// Print what GET /status answers, and end: of the server that works in the data folder, or of the folder.
    #[arg(long)]
    status_only: bool,
}

impl Once {
    /// The settings that they give.
    pub fn given(&self) -> Vec<Given> {
        let (host, port) = (self.host.unwrap_or(USUAL.0), self.port.unwrap_or(USUAL.1));
        let listen = (self.host.is_some() || self.port.is_some()).then(|| SocketAddr::new(host, port).to_string());
        let folder =
            self.slide_data.as_deref().map(|file| file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")));
        let folder = folder.map(|folder| folder.display().to_string());
        let options = [("listen", listen, "--host and --port"), ("lessons.files", folder, "--slide-data")];
        options.into_iter().filter_map(|(key, value, option)| Some((key, value?, option))).collect()
    }

    /// Does what they ask for in place of serving; `None`: the server is to serve.
    pub fn run(&self, settings: &Settings, signals: &'static Signals, console: &Console) -> Option<Result<(), Failure>> {
        if self.status_only {
            return Some(status(settings.clone(), console));
        }
        let name = self.slide_data.as_deref().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
        let id = self.lesson_id.as_ref()?;
        Some(lesson(settings.clone(), id, name.as_deref(), signals, console))
    }
}

/// An address, or this machine by its name.
fn host(text: &str) -> Result<IpAddr, String> {
    let text = if text == "localhost" { "127.0.0.1" } else { text };
    text.parse().map_err(|_| "write an IP address, such as 127.0.0.1, or 0.0.0.0 for all of this machine's".into())
}

/// Works through a lesson as `POST /process_lesson` does and prints its answer; `file` lies in the folder of lesson files.
fn lesson(settings: Settings, lesson: &str, file: Option<&str>, signals: &'static Signals, console: &Console) -> Result<(), Failure> {
    let service = Arc::new(Service::open(&settings).map_err(|error| failed(&error))?);
    let app = unheard(settings, &service)?;
    let ending = service.clone();
    let end = move || {
        // Closed when a signal comes.
        let _ = signals.cancel().channel().recv();
        ending.close();
    };
    std::thread::Builder::new().name("closing".into()).spawn(end).map_err(|error| failed(&error))?;
    let answer = runtime()?.block_on(compat::process_once(&app, lesson, file));
    if let Some(signal) = signals.aborted() {
        return Err(Failure::Aborted(signal));
    }
    service.close();
    let answer = answer.map_err(Failure::Failed)?;
    console.answer_json(&answer);
    if answer["success"] == true { Ok(()) } else { Err(Failure::Told) }
}

/// Prints what `GET /status` answers: a server that works in the data folder is asked, else it is looked there.
fn status(settings: Settings, console: &Console) -> Result<(), Failure> {
    let answer = match Service::open(&settings) {
        Ok(service) => {
            let service = Arc::new(service);
            let app = unheard(settings, &service)?;
            let answer = runtime()?.block_on(compat::status_once(&app)).map_err(Failure::Failed);
            service.close();
            answer?
        }
        Err(ServiceError::Taken(_)) => runtime()?.block_on(ask(&settings))?,
        Err(error) => return Err(failed(&error)),
    };
    console.answer_json(&answer);
    Ok(())
}

/// A server that nobody reaches: it takes a place, but does not answer there.
fn unheard(settings: Settings, service: &Arc<Service>) -> Result<Arc<App>, Failure> {
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    Ok(Place::take(Settings { listen, ..settings })?.open(Some(service.clone()))?.1)
}

/// How the server is that works where the settings say.
async fn ask(settings: &Settings) -> Result<Value, Failure> {
    let kept = state::folder();
    let auth = Auth::new(settings.keys(&kept).map_err(|error| Failure::Invalid(error.to_string()))?, Denied::open(&kept));
    let token = auth.mint(&Claims::new(Role::Operator, None, "status", PATIENCE)).map_err(|error| failed(&error))?;
    let scheme = if settings.tls.certificate.is_some() { "https" } else { "http" };
    let mut place = settings.listen;
    if place.ip().is_unspecified() {
        place.set_ip(Ipv4Addr::LOCALHOST.into());
    }
    let origin = settings.origin.clone().unwrap_or_else(|| format!("{scheme}://{place}"));
    let url = format!("{origin}{}/status", settings.adapters.rapido.base_path);
    let client = Client::builder().timeout(PATIENCE).no_proxy().build().map_err(|error| failed(&error))?;
    let hint = "name its address as it was named to it: --listen, --host and --port, or --config";
    let silent = |error: reqwest::Error| {
        Failure::Failed(format!("the server that works here does not say at {url} how it is: {}; {hint}", cause(&error)))
    };
    let answer = client.get(&url).bearer_auth(token).send().await.and_then(reqwest::Response::error_for_status).map_err(silent)?;
    answer.json().await.map_err(silent)
}

fn runtime() -> Result<Runtime, Failure> {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().map_err(|error| failed(&error))
}

fn failed(error: &dyn std::fmt::Display) -> Failure {
    Failure::Failed(error.to_string())
}
