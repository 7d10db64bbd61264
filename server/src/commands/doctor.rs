//! `lectern doctor`: what this machine lacks, and the command that gets it.

use crate::console::Console;
use crate::doctor::{CHECKS, Check, Finding};
use crate::failure::Failure;
use clap::Args;
use serde_json::{Value, json};

/// Say what this machine lacks, and how to get it.
///
/// Exit code 1 when something that `lectern render` needs is missing.
#[derive(Args, Debug)]
pub struct Options {}

/// Makes every check and prints one line for each.
pub fn run(_: Options, console: &Console) -> Result<(), Failure> {
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
