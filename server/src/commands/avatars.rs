//! `lectern avatars`: who can be seen.

use crate::console::Console;
use crate::failure::Failure;
use clap::Args;
use plugins::avatar::rig;
use serde_json::{Value, json};

/// List the presenters that can be seen.
///
/// Use one with `lectern render --avatar NAME`.
#[derive(Args, Debug)]
pub struct Options {}

/// Lists them; the first one is the default.
pub fn run(_: Options, console: &Console) -> Result<(), Failure> {
    if console.json() {
        let avatars: Value = rig::names().enumerate().map(|(index, name)| json!({ "name": name, "default": index == 0 })).collect();
        console.answer_json(&avatars);
        return Ok(());
    }
    for (index, name) in rig::names().enumerate() {
        console.answer(&format!("{name}{}\n", if index == 0 { "  (default)" } else { "" }));
    }
    Ok(())
}
