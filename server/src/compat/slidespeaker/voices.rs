//! Who can speak, by the names that clients choose from.

use plugins::models::{self, Kind, Model};
use serde_json::{Value, json};

fn name(model: &Model) -> &str {
    model.id.trim_start_matches("voice:")
}

/// Voices that are on this machine.
fn installed() -> impl Iterator<Item = &'static Model> {
    models::manifest().iter().filter(|model| model.kind == Kind::Voice && models::locate(&model.id).is_ok())
}

/// The voice of this name. Clients also send voices of services that this server does not know: then the usual one speaks.
pub fn find(id: &str) -> Option<String> {
    models::manifest().iter().filter(|model| model.kind == Kind::Voice).find(|model| name(model) == id).map(|model| name(model).into())
}

/// All of them, as they are listed.
pub fn list() -> Value {
    installed().map(|model| json!({ "id": name(model), "name": name(model), "description": model.summary })).collect()
}
