//! Segments that workers of different machines share: each has its own folder of them, and the store of artifacts has all.
//!
//! Whoever makes a segment puts it into the store, unless it is there; whoever needs one looks at home first. So workers go on with each
//! other's films and help each other with them. A store that does not answer costs work that another machine may have done, and no film.

use crate::artifacts::{Artifacts, Blob, StoreError};
use crate::config::{load, variable};
use crate::failure::Failure;
use bytes::Bytes;
use engine::segments::{Hash, Store};
use plugins::segment_store::SegmentStore;
use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Runtime};

/// Tells a child of a worker that its segments are shared. Where, its environment says as settings have it.
pub const SHARED: &str = "LECTERN_SHARED_SEGMENTS";
/// Keys of the settings that say so.
const SETTINGS: [&str; 3] = ["store.place", "store.floor", "workers.token"];
/// How long a store is left alone that did not answer.
const REST: Duration = Duration::from_secs(60);

/// See the module docs.
pub struct SharedSegments {
    own: SegmentStore,
    artifacts: Artifacts,
    /// Nodes ask from threads of their own.
    runtime: Runtime,
    /// Until when the store is left alone.
    rests: Mutex<Option<Instant>>,
}

impl SharedSegments {
    /// Those of a store, and a folder of this machine.
    ///
    /// # Errors
    /// There are no threads to be had.
    pub fn new(own: SegmentStore, artifacts: Artifacts) -> io::Result<SharedSegments> {
        let runtime = Builder::new_multi_thread().worker_threads(1).thread_name("segments-store").enable_all().build()?;
        Ok(SharedSegments { own, artifacts, runtime, rests: Mutex::default() })
    }

    /// The same where this process is to share its segments; else those of the folder alone.
    ///
    /// # Errors
    /// The environment names no store that can be used.
    pub fn open(own: SegmentStore) -> Result<Box<dyn Store>, Failure> {
        if std::env::var_os(SHARED).is_none() {
            return Ok(Box::new(own));
        }
        // Not the others: they may make sense only beside a file that the worker has read.
        let given = SETTINGS.map(variable).into_iter().filter_map(|name| std::env::var(&name).ok().map(|value| (name, value)));
        let settings = load(None, &given.collect(), &[])?.settings;
        let failed = |error: &dyn std::fmt::Display| Failure::Failed(format!("segments cannot be shared: {error}"));
        let artifacts = Artifacts::of_worker(&settings).map_err(|error| failed(&error))?;
        Ok(Box::new(SharedSegments::new(own, artifacts).map_err(|error| failed(&error))?))
    }

    /// Asks the store, unless it rests; `None` where there is no answer.
    fn ask<T>(&self, work: impl Future<Output = Result<T, StoreError>>) -> Option<T> {
        let rests = || self.rests.lock().unwrap_or_else(PoisonError::into_inner);
        if rests().is_some_and(|until| Instant::now() < until) {
            return None;
        }
        match self.runtime.block_on(work) {
            Ok(answer) => Some(answer),
            Err(error) => {
                tracing::warn!(%error, "segments are not shared for {} s", REST.as_secs());
                *rests() = Some(Instant::now() + REST);
                None
            }
        }
    }
}

impl Store for SharedSegments {
    fn get(&self, hash: &Hash) -> io::Result<Option<Bytes>> {
        if let Some(own) = self.own.get(hash)? {
            return Ok(Some(own));
        }
        let Some(found) = self.ask(self.artifacts.blob(Blob::Segment, &hash.to_string())).flatten() else { return Ok(None) };
        self.own.put(hash, &found)?;
        Ok(Some(found))
    }

    fn put(&self, hash: &Hash, content: &[u8]) -> io::Result<()> {
        self.own.put(hash, content)?;
        self.ask(self.artifacts.keep(Blob::Segment, &hash.to_string(), Bytes::copy_from_slice(content)));
        Ok(())
    }

    fn remove(&self, hash: &Hash) {
        self.own.remove(hash);
        self.ask(self.artifacts.forget(Blob::Segment, &hash.to_string()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifacts::Options;
    use plugins::segment_store::DEFAULT_LIMIT;
    use std::path::Path;

    fn machine(home: &Path, store: &Path) -> SharedSegments {
        let artifacts = Artifacts::open(store.to_str().unwrap(), Options { floor: 0, ..Options::default() }).unwrap();
        SharedSegments::new(SegmentStore::open(home, DEFAULT_LIMIT), artifacts).unwrap()
    }

    #[test]
    fn what_one_machine_has_made_another_one_finds_and_keeps() {
        let [one, other, store] = [(); 3].map(|()| tempfile::tempdir().unwrap());
        let shared = store.path().join("artifacts");
        let (first, second) = (machine(one.path(), &shared), machine(other.path(), &shared));
        let hash = Hash::of("a");
        assert_eq!(second.get(&hash).unwrap(), None);
        first.put(&hash, b"one").unwrap();
        assert_eq!(second.get(&hash).unwrap().as_deref(), Some(b"one".as_slice()));
        // Who comes second changes nothing.
        let late = machine(&other.path().join("late"), &shared);
        late.own.put(&hash, b"two").unwrap();
        late.put(&hash, b"two").unwrap();
        std::fs::remove_dir_all(&shared).unwrap();
        assert_eq!(second.get(&hash).unwrap().as_deref(), Some(b"one".as_slice()), "it is at home now");
        first.remove(&hash);
        assert_eq!(first.get(&hash).unwrap(), None);
    }

    #[test]
    fn a_damaged_segment_goes_at_both_places() {
        let [one, other, store] = [(); 3].map(|()| tempfile::tempdir().unwrap());
        let (first, second) = (machine(one.path(), store.path()), machine(other.path(), store.path()));
        let hash = Hash::of("a");
        first.put(&hash, b"damaged").unwrap();
        assert!(second.get(&hash).unwrap().is_some());
        second.remove(&hash);
        assert_eq!(second.get(&hash).unwrap(), None);
        second.put(&hash, b"whole").unwrap();
        assert_eq!(machine(&one.path().join("new"), store.path()).get(&hash).unwrap().as_deref(), Some(b"whole".as_slice()));
    }

    #[test]
    fn a_store_that_does_not_answer_is_left_alone_and_the_film_goes_on() {
        let home = tempfile::tempdir().unwrap();
        let place = home.path().join("artifacts");
        let segments = machine(&home.path().join("own"), &place);
        std::fs::remove_dir_all(&place).unwrap();
        std::fs::write(&place, "a file in the way").unwrap();
        segments.put(&Hash::of("a"), b"one").unwrap();
        assert_eq!(segments.get(&Hash::of("a")).unwrap().as_deref(), Some(b"one".as_slice()));
        assert!(segments.rests.lock().unwrap().is_some());
        assert_eq!(segments.get(&Hash::of("b")).unwrap(), None);
    }
}
