//! How a node meets threads and async tasks of its own: a bounded channel whose `recv` honours cancel and flush.

use super::cancel::Cancel;
use super::epoch::FlushView;
use crate::node::{Failure, Result};
use crossbeam_channel::{Receiver, Sender, bounded, never, select_biased};

/// The node's end of a bounded channel from its worker.
pub struct Bridge<T> {
    items: Receiver<T>,
    cancel: Cancel,
}

impl<T> Bridge<T> {
    /// A channel that holds at most `capacity` items. The worker sends; when the node is dropped its sends fail and it should end.
    pub fn new(capacity: usize, cancel: &Cancel) -> (Sender<T>, Bridge<T>) {
        let (sender, items) = bounded(capacity);
        (sender, Bridge { items, cancel: cancel.clone() })
    }

    /// Waits for the next item; `None` when the worker has ended.
    ///
    /// # Errors
    /// `Failure::Cancelled` when the run is cancelled meanwhile, `Failure::Flushed` when what the node works on is thrown away: both are
    /// to be passed on.
    pub fn recv(&self) -> Result<Option<T>> {
        // The channel is taken before looking, so that a flush between the two is not missed.
        let flushed = self.cancel.flushes.as_ref().map_or_else(never, |view| view.epochs.channel());
        if self.cancel.flushes.as_ref().is_some_and(FlushView::is_stale) {
            return Err(Failure::Flushed);
        }
        select_biased! {
            recv(self.cancel.channel()) -> _ => Err(Failure::Cancelled),
            recv(flushed) -> _ => Err(Failure::Flushed),
            recv(self.items) -> item => Ok(item.ok()),
        }
    }
}

#[cfg(all(test, not(loom)))]
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
