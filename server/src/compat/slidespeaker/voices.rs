//! Who can speak, by the names that clients choose from.

use plugins::models;
use plugins::speech::voice::{Named, named_voices};
use serde_json::{Value, json};

/// Voices that are on this machine.
fn installed() -> impl Iterator<Item = Named> {
    named_voices().into_iter().filter(|named| models::locate(&named.model.id).is_ok())
}

/// The voice of this name. Clients also send voices of services that this server does not know: then the usual one speaks.
pub fn find(id: &str) -> Option<String> {
    named_voices().into_iter().map(|named| named.name).find(|name| name == id)
}

/// All of them, as they are listed.
pub fn list() -> Value {
    installed().map(|named| json!({ "id": named.name, "name": named.name, "description": named.model.summary })).collect()
}
