//! The cancel flag: one per run, wakes everybody who waits.

use super::epoch::FlushView;
use super::primitives::{AtomicBool, Mutex, Ordering};
use std::sync::{Arc, OnceLock, Weak};

/// Something that puts threads to sleep.
pub trait Waker: Send + Sync {
    /// Wakes those whose reason to sleep is gone.
    fn wake(&self);
}

/// Asks everything in a run to stop at once. Cloning shares it.
#[derive(Clone)]
pub struct Cancel {
    shared: Arc<Shared>,
    /// In a live run, as handed to a node: the flushes that interrupt what it waits for.
    pub(crate) flushes: Option<FlushView>,
}

struct Shared {
    flag: AtomicBool,
    wakers: Mutex<Vec<Weak<dyn Waker>>>,
    /// Dropped on cancel: receivers of the other end then see a closed channel.
    line: Mutex<Option<crossbeam_channel::Sender<()>>>,
    listener: crossbeam_channel::Receiver<()>,
    /// What hears of the flag that this one follows.
    follows: OnceLock<Arc<Follower>>,
}

/// Sets a flag when another one is set.
struct Follower(Weak<Shared>);

impl Waker for Follower {
    fn wake(&self) {
        if let Some(shared) = self.0.upgrade() {
            (Cancel { shared, flushes: None }).cancel();
        }
    }
}

impl Default for Cancel {
    fn default() -> Cancel {
        let (line, listener) = crossbeam_channel::bounded(0);
        let shared = Shared {
            flag: AtomicBool::new(false),
            wakers: Mutex::new(Vec::new()),
            line: Mutex::new(Some(line)),
            listener,
            follows: OnceLock::new(),
        };
        Cancel { shared: Arc::new(shared), flushes: None }
    }
}

impl Cancel {
    /// Sets the flag and wakes every waiter. Safe to call again.
    pub fn cancel(&self) {
        self.shared.flag.store(true, Ordering::SeqCst);
        self.shared.line.lock().expect("nobody panics with this lock").take();
        let wakers = std::mem::take(&mut *self.shared.wakers.lock().expect("nobody panics with this lock"));
        for waker in wakers.iter().filter_map(Weak::upgrade) {
            waker.wake();
        }
    }

    /// The run is to stop.
    pub fn is_cancelled(&self) -> bool {
        self.shared.flag.load(Ordering::SeqCst)
    }

    /// A channel that closes when the run is cancelled, to select on.
    pub fn channel(&self) -> crossbeam_channel::Receiver<()> {
        self.shared.listener.clone()
    }

    /// A flag of its own, that is also set when this one is.
    pub fn child(&self) -> Cancel {
        let child = Cancel::default();
        let follower = Arc::new(Follower(Arc::downgrade(&child.shared)));
        let waker: Arc<dyn Waker> = follower.clone();
        // In this order: between the two the flag may be set.
        self.register(Arc::downgrade(&waker));
        let _ = child.shared.follows.set(follower);
        if self.is_cancelled() {
            child.cancel();
        }
        child
    }

    /// The same flag, as a node sees it that may be flushed.
    pub(crate) fn with_flushes(&self, flushes: Option<FlushView>) -> Cancel {
        Cancel { shared: self.shared.clone(), flushes }
    }

    pub(crate) fn register(&self, waker: Weak<dyn Waker>) {
        let mut wakers = self.shared.wakers.lock().expect("nobody panics with this lock");
        if wakers.len() == wakers.capacity() {
            // One flag may serve many runs, one after the other.
            wakers.retain(|waker| waker.strong_count() > 0);
        }
        wakers.push(waker);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_child_follows_and_does_not_lead() {
        let parent = Cancel::default();
        let (first, second) = (parent.child(), parent.child());
        first.cancel();
        assert!(first.is_cancelled() && !parent.is_cancelled() && !second.is_cancelled());
        parent.cancel();
        assert!(second.is_cancelled() && parent.child().is_cancelled());
    }

    #[test]
    fn cancelling_closes_the_channel_and_is_idempotent() {
        let cancel = Cancel::default();
        let channel = cancel.channel();
        assert!(channel.try_recv() == Err(crossbeam_channel::TryRecvError::Empty));
        let waiting = std::thread::spawn(move || channel.recv());
        cancel.cancel();
        cancel.clone().cancel();
        assert!(waiting.join().expect("no panic").is_err());
        assert!(cancel.is_cancelled());
    }
}
