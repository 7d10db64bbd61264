//! One size of the pictures, with its viewers.

use super::{Channel, Whep};
use std::sync::Arc;

/// What viewers of one picture size share.
pub(crate) struct Rung {
    /// Fragmented MP4; a viewer may be moved from one to the next.
    pub(crate) channel: Arc<Channel>,
    /// WebRTC, where it is on.
    pub(crate) whep: Option<Whep>,
}
