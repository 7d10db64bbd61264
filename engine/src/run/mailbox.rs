//! Commands to a node: handed over by its lane between two calls.

use super::primitives::{AtomicBool, Mutex, Ordering};
use std::any::Any;
use std::collections::VecDeque;
use std::time::Instant;

/// A command of the type that the node's `NodeType::command` names.
pub struct Command {
    value: Box<dyn Any + Send>,
    /// When it was given, to measure how long it waited.
    pub given: Instant,
}

impl Command {
    /// Wraps a command that has been read and checked.
    pub fn new(value: impl Any + Send) -> Command {
        Command { value: Box::new(value), given: Instant::now() }
    }

    /// The command itself; `None` when it is one of another node.
    pub fn typed<C: Any>(self) -> Option<C> {
        self.value.downcast().ok().map(|value| *value)
    }
}

/// Where a node's commands wait.
#[derive(Default)]
pub(crate) struct Mailbox {
    full: AtomicBool,
    items: Mutex<VecDeque<Command>>,
}

impl Mailbox {
    pub(crate) fn put(&self, command: Command) {
        self.items.lock().expect("nobody panics with this lock").push_back(command);
        self.full.store(true, Ordering::SeqCst);
    }

    pub(crate) fn take(&self) -> VecDeque<Command> {
        if !self.full.swap(false, Ordering::SeqCst) {
            return VecDeque::new();
        }
        std::mem::take(&mut *self.items.lock().expect("nobody panics with this lock"))
    }
}
