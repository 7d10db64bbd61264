#![warn(missing_docs)]
//! Sinks that speak WebRTC, apart from the other nodes because building them is heavy.
//!
//! [`room`] is where a run meets those who watch it: `web_sink` publishes there, a server takes viewers in. [`livekit`] is the way to
//! rooms of a LiveKit server.

pub mod livekit;
mod peer_connection;
pub mod room;
pub mod token;
mod web_sink;

use engine::registry::{NodeType, Registry};
use plugins::gst::GstError;
use std::sync::OnceLock;

/// The node types of this crate.
pub const NODES: &[&NodeType] = &[&web_sink::WEB_SINK, &livekit::LIVEKIT_SINK];

/// Those of this crate and of all before it.
pub fn registry() -> Registry {
    Registry::new(&[plugins::registry().types(), NODES])
}

/// Starts GStreamer with the elements that are linked in, once a process.
///
/// # Errors
/// When GStreamer cannot be used.
pub(crate) fn init() -> Result<(), GstError> {
    static STARTED: OnceLock<Result<(), GstError>> = OnceLock::new();
    let start = || {
        plugins::gst::init()?;
        let registered = gstrswebrtc::plugin_register_static().and_then(|()| gstrsrtp::plugin_register_static());
        registered.map_err(|error| GstError::Init { text: error.to_string() })
    };
    STARTED.get_or_init(start).clone()
}
