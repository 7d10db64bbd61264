//! How a node meets threads and async tasks of its own: a bounded channel whose `recv` honours cancel.

use super::cancel::Cancel;
use crate::node::{Failure, Result};
use crossbeam_channel::{Receiver, Sender, bounded, select_biased};

/// The node's end of a bounded channel from its worker.
pub struct Bridge<T> {
    items: Receiver<T>,
    cancelled: Receiver<()>,
}

impl<T> Bridge<T> {
    /// A channel that holds at most `capacity` items. The worker sends; when the node is dropped its sends fail and it should end.
    pub fn new(capacity: usize, cancel: &Cancel) -> (Sender<T>, Bridge<T>) {
        let (sender, items) = bounded(capacity);
        (sender, Bridge { items, cancelled: cancel.channel() })
    }

    /// Waits for the next item; `None` when the worker has ended.
    ///
    /// # Errors
    /// `Failure::Cancelled` when the run is cancelled meanwhile.
    pub fn recv(&self) -> Result<Option<T>> {
        select_biased! {
            recv(self.cancelled) -> _ => Err(Failure::Cancelled),
            recv(self.items) -> item => Ok(item.ok()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recv_gives_items_then_the_end_and_honours_cancel() {
        let cancel = Cancel::default();
        let (sender, bridge) = Bridge::new(1, &cancel);
        let worker = std::thread::spawn(move || (0..3).for_each(|i| sender.send(i).expect("the node listens")));
        assert_eq!((0..3).map(|_| bridge.recv().expect("not cancelled")).collect::<Vec<_>>(), [Some(0), Some(1), Some(2)]);
        worker.join().expect("no panic");
        assert_eq!(bridge.recv().expect("not cancelled"), None);

        let (_sender, bridge) = Bridge::<i32>::new(1, &cancel);
        let waiting = std::thread::spawn(move || matches!(bridge.recv(), Err(Failure::Cancelled)));
        cancel.cancel();
        assert!(waiting.join().expect("no panic"));
    }
}
