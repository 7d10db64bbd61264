//! `lectern config`: the settings of a server, as they hold here.

use crate::config::{Flags, Loaded};
use crate::console::Console;
use crate::failure::Failure;
use clap::{Args, Subcommand};
use serde_json::json;

const EXAMPLES: &str = "\
Examples:
  lectern config show                             every setting, and where those are from that were given
  lectern config check --config /etc/lectern.toml    whether the server would start with it

Every setting may come from the environment: limits.upload from LECTERN_LIMITS_UPLOAD, secrets also from a
file that LECTERN_AUTH_SECRET_FILE and its like name. Secrets are printed as ***.";

/// Show or check the settings of a server.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Options {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Print all settings as they hold.
    Show(Flags),
    /// Say what is wrong with them, and what was given and means nothing.
    Check(Flags),
}

/// Reads the settings and prints them, or what is to be said about them.
pub fn run(options: &Options, console: &Console) -> Result<(), Failure> {
    match &options.action {
        Action::Show(flags) => show(&flags.load()?, console),
        Action::Check(flags) => {
            let Loaded { notes, .. } = flags.load()?;
            match console.json() {
                true => console.answer_json(&json!({ "valid": true, "notes": notes })),
                false => {
                    notes.iter().for_each(|note| console.note(&format!("note: {note}")));
                    console.say("the settings are valid");
                }
            }
            Ok(())
        }
    }
}

fn show(Loaded { settings, sources, notes }: &Loaded, console: &Console) -> Result<(), Failure> {
    if console.json() {
        console.answer_json(&json!({ "settings": settings, "sources": sources, "notes": notes }));
        return Ok(());
    }
    let text = toml::to_string_pretty(settings).map_err(|error| Failure::Failed(error.to_string()))?;
    let given: String = sources.iter().map(|(key, source)| format!("# {key}: from {source}\n")).collect();
    notes.iter().for_each(|note| console.note(&format!("note: {note}")));
    console.answer(&format!("{text}{}{given}", if given.is_empty() { "" } else { "\n" }));
    Ok(())
}
