//! The threads of lanes. A render in segments starts and ends the same lanes hundreds of times, and a thread costs more than the work of a
//! short segment: a thread whose lane has ended waits for the next lane of its name.

use std::collections::HashMap;
use std::io;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The size of a thread's stack in bytes: drawing and shaping of text go deep.
const STACK: usize = 8 << 20;

/// What a thread is given: a lane, with the sender that brings the thread its next one.
type Work = Box<dyn FnOnce(Sender<Given>) + Send>;
struct Given(Work, Sender<Given>);

/// Threads that wait for a lane, by name. Clones share them; they end with the last clone.
#[derive(Clone, Default)]
pub(crate) struct Threads(Arc<Mutex<Idle>>);

type Idle = HashMap<String, Vec<Sender<Given>>>;

impl Threads {
    /// Does some work on a thread of this name. What the work returns is called when the thread is free again: whoever is told of the end
    /// by it finds the thread here.
    ///
    /// # Errors
    /// No thread can be started.
    pub(crate) fn run<E: FnOnce()>(&self, name: &str, work: impl FnOnce() -> E + Send + 'static) -> io::Result<()> {
        let (threads, key) = (Arc::downgrade(&self.0), name.to_string());
        let work = move |own: Sender<Given>| {
            let ended = work();
            if let Some(threads) = threads.upgrade() {
                lock(&threads).entry(key).or_default().push(own);
            }
            ended();
        };
        let idle = lock(&self.0).get_mut(name).and_then(Vec::pop);
        let sender = match idle {
            Some(sender) => sender,
            None => start(name)?,
        };
        let own = sender.clone();
        sender.send(Given(Box::new(work), own)).map_err(|_| io::Error::other("the thread has ended"))
    }
}

/// A thread that does what it is given, until nobody can give it anything any more.
fn start(name: &str) -> io::Result<Sender<Given>> {
    let (sender, given) = channel::<Given>();
    std::thread::Builder::new().name(name.into()).stack_size(STACK).spawn(move || given.iter().for_each(|Given(work, own)| work(own)))?;
    Ok(sender)
}

fn lock(idle: &Mutex<Idle>) -> MutexGuard<'_, Idle> {
    idle.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread::{Thread, current};

    /// Runs on a thread of this name; which one it was, once it is free again.
    fn run(threads: &Threads, name: &str) -> Thread {
        let (sender, ended) = channel();
        let work = move || {
            let thread = current();
            move || sender.send(thread).expect("somebody listens")
        };
        threads.run(name, work).expect("a thread");
        ended.recv().expect("it ends")
    }

    #[test]
    fn a_free_thread_takes_the_next_lane_of_its_name_and_no_other() {
        let threads = Threads::default();
        let first = run(&threads, "a");
        assert_eq!(first.name(), Some("a"));
        assert_eq!(run(&threads, "a").id(), first.id());
        let other = run(&threads, "b");
        assert_eq!((other.name(), other.id() == first.id()), (Some("b"), false));
    }

    #[test]
    fn while_one_is_busy_another_is_started() {
        let threads = Threads::default();
        let (go, wait) = channel::<()>();
        let (sender, ended) = channel();
        let work = move || {
            let thread = current();
            wait.recv().expect("it is told to go on");
            move || sender.send(thread).expect("somebody listens")
        };
        threads.run("a", work).expect("a thread");
        let beside = run(&threads, "a");
        go.send(()).expect("it waits");
        let busy = ended.recv().expect("it ends");
        assert_ne!(beside.id(), busy.id());
        assert_eq!(lock(&threads.0)["a"].len(), 2);
    }

    #[test]
    fn threads_end_with_the_last_clone_and_panics_with_their_thread() {
        struct Told(Sender<()>);
        impl Drop for Told {
            fn drop(&mut self) {
                let _ = self.0.send(());
            }
        }
        thread_local!(static LAST: std::cell::RefCell<Option<Told>> = const { std::cell::RefCell::new(None) });
        let (sender, ended) = channel();
        let threads = Threads::default();
        let told = Told(sender.clone());
        let work = move || {
            LAST.set(Some(told));
            || {}
        };
        threads.run("a", work).expect("a thread");
        run(&threads, "b");
        drop(threads);
        assert_eq!(ended.recv(), Ok(()), "its thread-local values are dropped");

        let threads = Threads::default();
        let told = Told(sender);
        let work = move || -> fn() {
            LAST.set(Some(told));
            panic!("as it should")
        };
        threads.run("a", work).expect("a thread");
        assert_eq!(ended.recv(), Ok(()));
        assert!(lock(&threads.0).is_empty(), "it takes no other lane");
        run(&threads, "a");
    }
}
