//! `lectern avatars`: who can be seen.

use crate::catalogue;
use crate::console::Console;
use crate::failure::Failure;
use clap::Args;
use plugins::avatar::lip_sync::DEFAULT_AVATAR;
use plugins::avatar::rig;

/// List the presenters that can be seen.
///
/// Use one with `lectern render --avatar NAME`.
#[derive(Args, Debug)]
pub struct Options {}

/// Lists them.
pub fn run(_: Options, console: &Console) -> Result<(), Failure> {
    if console.json() {
        console.answer_json(&catalogue::avatars());
        return Ok(());
    }
    for name in rig::names() {
        console.answer(&format!("{name}{}\n", if name == DEFAULT_AVATAR { "  (default)" } else { "" }));
    }
    Ok(())
}
