//! What nodes tell the owner of the run: the counterpart of commands.

use crossbeam_channel::{Receiver, Sender, bounded};
use serde_json::Value;
use std::sync::Arc;

/// So many wait for an owner who does not listen; what comes then is lost.
const WAITING: usize = 1024;

/// Something that a node tells.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Which node.
    pub node: Arc<str>,
    /// What, in the words of its type.
    pub value: Value,
}

/// Where a node tells things, from any thread; never waits.
#[derive(Clone)]
pub struct Events {
    node: Arc<str>,
    channel: EventChannel,
}

impl Events {
    /// Tells the owner of the run.
    pub fn tell(&self, value: Value) {
        let event = Event { node: self.node.clone(), value };
        if let Err(error) = self.channel.sender.try_send(event) {
            tracing::debug!(node = %self.node, %error, "nobody listens to the events of this run");
        }
    }
}

/// One a run.
#[derive(Clone)]
pub(crate) struct EventChannel {
    sender: Sender<Event>,
    receiver: Receiver<Event>,
}

impl Default for EventChannel {
    fn default() -> EventChannel {
        let (sender, receiver) = bounded(WAITING);
        EventChannel { sender, receiver }
    }
}

impl EventChannel {
    pub(crate) fn of(&self, node: &Arc<str>) -> Events {
        Events { node: node.clone(), channel: self.clone() }
    }

    pub(crate) fn receiver(&self) -> Receiver<Event> {
        self.receiver.clone()
    }
}
