//! What several parts need to reach the network: the guard of outgoing requests, and waiting that can be cancelled.

pub mod guard;
pub mod http;
mod wait;

pub use wait::{WaitError, wait_for};
