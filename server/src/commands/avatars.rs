//! `lectern avatars`: who can be seen.

use crate::console::Console;
use crate::failure::Failure;
use clap::Args;
use plugins::avatar::lip_sync::DEFAULT_AVATAR;
use plugins::avatar::rig;
use serde_json::{Value, json};

/// List the presenters that can be seen.
///
/// Use one with `lectern render --avatar NAME`.
#[derive(Args, Debug)]
pub struct Options {}

/// Lists them.
pub fn run(_: Options, console: &Console) -> Result<(), Failure> {
    if console.json() {
        let avatars: Value = rig::names().map(|name| json!({ "name": name, "default": name == DEFAULT_AVATAR })).collect();
        console.answer_json(&avatars);
        return Ok(());
    }
    for name in rig::names() {
        console.answer(&format!("{name}{}\n", if name == DEFAULT_AVATAR { "  (default)" } else { "" }));
    }
    Ok(())
}
