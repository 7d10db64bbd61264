//! `lectern doctor`: what this machine lacks, and the command that gets it.

use crate::console::Console;
use crate::doctor::{CHECKS, Check, Finding};
use crate::failure::Failure;
use crate::guard::{Hardware, sensors};
use clap::Args;
use serde_json::{Value, json};

/// Say what this machine lacks, and how to get it.
///
/// Exit code 1 when something that `lectern render` needs is missing.
#[derive(Args, Debug)]
pub struct Options {
    /// Say what this machine is, what it is taken for, and how busy it is.
    #[arg(long)]
    hardware: bool,
}

/// Makes every check and prints one line for each.
pub fn run(options: Options, console: &Console) -> Result<(), Failure> {
    if options.hardware {
        hardware(console);
        return Ok(());
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

fn hardware(console: &Console) {
    let mut sensors = sensors();
    let (found, now) = (Hardware::find(), sensors());
    let (profile, advice) = (found.profile(), found.advice(&now));
    if console.json() {
        return console.answer_json(&json!({ "hardware": found, "profile": profile, "now": now, "advice": advice }));
    }
    let accelerators = if found.accelerators.is_empty() { "none".into() } else { found.accelerators.join(", ") };
    let degrees = now.temperature.map_or_else(|| "the system does not tell".into(), |degrees| format!("{degrees:.0} degrees C"));
    let (name, (width, height)) = (format!("{:?}", profile.name).to_lowercase(), profile.largest);
    let (budget, limit) = (profile.memory_budget(&found) / 1_000_000, profile.time_limit.as_secs());
    for (what, text) in [
        ("cores", found.cores.to_string()),
        ("memory", format!("{} MB, {:.0} % in use", found.memory / 1_000_000, now.memory * 100.0)),
        ("graphics", accelerators),
        ("temperature", degrees),
        ("profile", format!("{name}: pictures up to {width}x{height}, {budget} MB for renders, {limit} s for a stage")),
    ] {
        console.say(&format!("{what:12} {text}"));
    }
    advice.iter().for_each(|text| console.say(&format!("advice: {text}")));
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
