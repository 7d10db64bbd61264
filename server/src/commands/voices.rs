//! `lectern voices`: who can speak.

use crate::catalogue;
use crate::console::Console;
use crate::failure::Failure;
use clap::Args;
use plugins::models;

/// List the voices that can speak.
///
/// Use one with `lectern render --voice NAME`. A Piper voice of your own (NAME.onnx with NAME.onnx.json beside it) is given by its
/// path: `--voice voices/NAME.onnx`.
#[derive(Args, Debug)]
pub struct Options {}

/// Lists them, and whether they are on this machine.
pub fn run(_: Options, console: &Console) -> Result<(), Failure> {
    if console.json() {
        console.answer_json(&catalogue::voices());
        return Ok(());
    }
    for model in catalogue::voice_models() {
        let name = catalogue::voice_name(model);
        let standing = match (models::locate(&model.id), name == models::DEFAULT_VOICE) {
            (Err(_), _) => "  (not on this machine; run scripts/setup)",
            (Ok(_), true) => "  (default)",
            (Ok(_), false) => "",
        };
        console.answer(&format!("{name}{standing}\n  {}. Licence {}.\n", model.summary, model.licence));
    }
    Ok(())
}
