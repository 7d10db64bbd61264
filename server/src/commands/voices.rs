//! `lectern voices`: who can speak.

use crate::console::Console;
use crate::failure::Failure;
use clap::Args;
use plugins::models::{self, Kind, Model};
use serde_json::{Value, json};

/// List the voices that can speak.
///
/// Use one with `lectern render --voice NAME`. A Piper voice of your own (NAME.onnx with NAME.onnx.json beside it) is given by its
/// path: `--voice voices/NAME.onnx`.
#[derive(Args, Debug)]
pub struct Options {}

/// Lists them, and whether they are on this machine.
pub fn run(_: Options, console: &Console) -> Result<(), Failure> {
    let voices: Vec<&Model> = models::manifest().iter().filter(|model| model.kind == Kind::Voice).collect();
    let name = |model: &Model| model.id.trim_start_matches("voice:").to_string();
    if console.json() {
        let describe = |model: &&Model| {
            json!({
                "name": name(model), "default": name(model) == models::DEFAULT_VOICE, "installed": models::locate(&model.id).is_ok(),
                "summary": model.summary, "licence": model.licence, "data_set_licence": model.data_set_licence,
            })
        };
        console.answer_json(&voices.iter().map(describe).collect::<Value>());
        return Ok(());
    }
    for model in voices {
        let standing = match (models::locate(&model.id), name(model) == models::DEFAULT_VOICE) {
            (Err(_), _) => "  (not on this machine; run scripts/setup)",
            (Ok(_), true) => "  (default)",
            (Ok(_), false) => "",
        };
        console.answer(&format!("{}{standing}\n  {}. Licence {}.\n", name(model), model.summary, model.licence));
    }
    Ok(())
}
