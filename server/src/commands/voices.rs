//! `lectern voices`: who can speak.

use crate::catalogue;
use crate::console::Console;
use crate::failure::Failure;
use clap::Args;
use plugins::models;
use plugins::speech::voice::{Named, named_voices};

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
    let mut last = None;
    for Named { name, language, model } in named_voices() {
        let standing = match (models::locate(&model.id), name == models::DEFAULT_VOICE) {
            (Err(_), _) => format!("  (not on this machine; run {})", model.setup()),
            (Ok(_), true) => "  (default)".into(),
            (Ok(_), false) => String::new(),
        };
        console.answer(&format!("{name}  {language}{standing}\n"));
        // Said once of the voices of one model.
        if last != Some(&model.id) {
            console.answer(&format!("  {}. Licence {}.\n", model.summary, model.licence));
        }
        last = Some(&model.id);
    }
    Ok(())
}
