//! Adapters: the paths, bodies and names that clients of other systems know, over the same sessions. Nothing is decided here that the
//! native API does not decide, too; each adapter has its own rule for who may ask.

mod fastapi;
mod rapido;

pub use rapido::{Rapido, RapidoAuth, is_origin, routes as rapido_routes};
