//! `lectern doctor`: what this machine lacks, and the command that gets it.

use super::jobs::cause;
use crate::config::Flags;
use crate::console::Console;
use crate::doctor::{CHECKS, Check, Finding};
use crate::failure::Failure;
use crate::guard::{Devices, Hardware, Need, Profile, sensors};
use clap::Args;
use engine::graph::unit::DurationSetting;
use reqwest::{Client, Url};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::runtime::Builder;

/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long until it is asked again.
const AGAIN: Duration = Duration::from_millis(200);

/// Say what this machine lacks, and how to get it.
///
/// Exit code 1 when something that `lectern render` needs is missing, or the server is not ready.
#[derive(Args, Debug)]
pub struct Options {
    /// Say what this machine is, what it is taken for, and how busy it is.
    #[arg(long)]
    hardware: bool,
    /// Ask the server at this address whether it is ready: whether ledger, store and those who do stages answer.
    #[arg(long, value_name = "URL", conflicts_with = "hardware")]
    server: Option<String>,
    /// How long to wait until it is.
    #[arg(long, value_name = "TIME", default_value = "0s", requires = "server")]
    wait: DurationSetting,
}

/// Makes every check and prints one line for each.
pub fn run(options: Options, console: &Console) -> Result<(), Failure> {
    if options.hardware {
        return hardware(console);
    }
    if let Some(url) = &options.server {
        return server(url, options.wait.0.to_std(), console);
    }
    let findings: Vec<(&Check, Finding)> = CHECKS.iter().map(|check| (check, (check.look)())).collect();
    let missing: Vec<&str> =
        findings.iter().filter(|(check, finding)| check.needed && finding.fix().is_some()).map(|(check, _)| check.name).collect();
    match console.json() {
        true => console.answer_json(&json!({ "ready": missing.is_empty(), "checks": findings.iter().map(described).collect::<Vec<_>>() })),
        false => print(&findings, console),
    }
    match missing.as_slice() {
        [] => Ok(()),
        _ if console.json() => Err(Failure::Told),
        missing => Err(Failure::Failed(format!("missing: {}", missing.join(", ")))),
    }
}

/// Asks a server until it is ready or there is no more time.
fn server(url: &str, wait: Duration, console: &Console) -> Result<(), Failure> {
    let address = Url::parse(&format!("{}/v1/ready", url.trim_end_matches('/')))
        .map_err(|error| Failure::Invalid(format!("--server {url:?} is no address: {error}; write http://HOST:PORT")))?;
    let failed = |error: &dyn std::fmt::Display| Failure::Failed(format!("cannot ask a server: {error}"));
    // What runs on this machine or beside it is not behind a proxy.
    let client = Client::builder().timeout(PATIENCE).no_proxy().build().map_err(|error| failed(&error))?;
    let runtime = Builder::new_current_thread().enable_all().build().map_err(|error| failed(&error))?;
    let deadline = Instant::now() + wait;
    let said = runtime.block_on(async {
        loop {
            let answer = ready(&client, &address).await;
            if answer.is_ok() || Instant::now() + AGAIN > deadline {
                return answer;
            }
            tokio::time::sleep(AGAIN).await;
        }
    });
    if console.json() {
        console.answer_json(&json!({ "ready": said.is_ok(), "text": said.as_ref().err() }));
        return said.map_err(|_| Failure::Told);
    }
    said.map_err(|why| Failure::Failed(format!("the server {url} is not ready: {why}")))?;
    console.say(&format!("the server {url} is ready"));
    Ok(())
}

async fn ready(client: &Client, address: &Url) -> Result<(), String> {
    let answer = client.get(address.clone()).send().await.map_err(|error| cause(&error))?;
    if answer.status().is_success() {
        return Ok(());
    }
    let status = answer.status().to_string();
    let said: Value = answer.json().await.unwrap_or_default();
    Err(said["detail"].as_str().map_or(status, String::from))
}

fn hardware(console: &Console) -> Result<(), Failure> {
    let settings = Flags::default().load()?.settings.guard;
    let mut sensors = sensors();
    let (found, now) = (Hardware::find(), sensors());
    let (profile, advice) = (Profile::of(&settings, &found), found.advice(&now));
    let device = Devices::here(&found, &settings).memory();
    let places = Need::ALL.map(|need| json!({ "need": need, "at_once": need.at_once(), "memory": need.memory() }));
    if console.json() {
        let device = json!({ "memory": device, "places": places });
        console.answer_json(&json!({ "hardware": found, "profile": profile, "device": device, "now": now, "advice": advice }));
        return Ok(());
    }
    let places = Need::ALL.map(|need| format!("{need} {} x {} MB", need.at_once(), need.memory() / 1_000_000));
    let accelerators = if found.accelerators.is_empty() { "none".into() } else { found.accelerators.join(", ") };
    let degrees = now.temperature.map_or_else(|| "the system does not tell".into(), |degrees| format!("{degrees:.0} degrees C"));
    let (name, (width, height)) = (format!("{:?}", profile.name).to_lowercase(), profile.largest);
    let (budget, limit) = (profile.memory_budget(&found) / 1_000_000, profile.time_limit.as_secs());
    for (what, text) in [
        ("cores", found.cores.to_string()),
        ("memory", format!("{} MB, {:.0} % in use", found.memory / 1_000_000, now.memory * 100.0)),
        ("graphics", accelerators),
        ("temperature", degrees),
        ("device", format!("{} MB for models: {}", device / 1_000_000, places.join(", "))),
        ("profile", format!("{name}: pictures up to {width}x{height}, {budget} MB for renders, {limit} s for a stage")),
    ] {
        console.say(&format!("{what:12} {text}"));
    }
    advice.iter().for_each(|text| console.say(&format!("advice: {text}")));
    Ok(())
}

fn print(findings: &[(&Check, Finding)], console: &Console) {
    let width = findings.iter().map(|(check, _)| check.name.chars().count()).max().unwrap_or(0);
    for (check, finding) in findings {
        let (mark, text) = match finding {
            Finding::There(text) => ("✓", text.clone()),
            Finding::Missing { what, .. } if check.needed => ("✗", what.clone()),
            Finding::Missing { what, .. } => ("-", format!("{what} (optional: {})", check.purpose)),
        };
        console.say(&format!("{mark} {:width$}  {text}", check.name));
        if let Some(fix) = finding.fix() {
            console.say(&format!("  {:width$}  fix: {fix}", ""));
        }
    }
}

fn described((check, finding): &(&Check, Finding)) -> Value {
    let text = match finding {
        Finding::There(text) => text,
        Finding::Missing { what, .. } => what,
    };
    json!({
        "name": check.name, "purpose": check.purpose, "needed": check.needed, "there": finding.fix().is_none(),
        "text": text, "fix": finding.fix(),
    })
}
