//! Where finished segments are kept: by their hash, each one written once and never changed.

use super::Hash;
use bytes::Bytes;
use std::collections::HashMap;
use std::io;
use std::sync::Mutex;

/// A place for pages of segments. Several runs, and several processes, may share it.
///
/// It promises little, so that a folder, a bucket or a map can keep it: what `get` gives is what somebody `put` under that hash, or
/// nothing. Whether it is whole is looked at by whoever reads it ([`Page`](super::Page) has a checksum).
pub trait Store: Send + Sync {
    /// What is kept under a hash; `None` when nothing is. Marks it as used.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn get(&self, hash: &Hash) -> io::Result<Option<Bytes>>;

    /// Keeps something under a hash, durably and all at once, unless something is kept there already: then the first one stays.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn put(&self, hash: &Hash, content: &[u8]) -> io::Result<()>;

    /// Forgets what is kept under a hash, because it is damaged.
    fn remove(&self, hash: &Hash);
}

/// A store that is gone with the process; for tests.
#[derive(Default)]
pub struct MemoryStore(Mutex<HashMap<Hash, Bytes>>);

impl MemoryStore {
    /// Everything that is kept.
    ///
    /// # Panics
    /// When somebody panicked while using the store.
    pub fn entries(&self) -> HashMap<Hash, Bytes> {
        self.0.lock().expect("nobody panics with this lock").clone()
    }

    /// Puts something else in place of what is kept.
    ///
    /// # Panics
    /// When somebody panicked while using the store.
    pub fn replace(&self, hash: Hash, content: Bytes) {
        self.0.lock().expect("nobody panics with this lock").insert(hash, content);
    }
}

impl Store for MemoryStore {
    fn get(&self, hash: &Hash) -> io::Result<Option<Bytes>> {
        Ok(self.0.lock().expect("nobody panics with this lock").get(hash).cloned())
    }

    fn put(&self, hash: &Hash, content: &[u8]) -> io::Result<()> {
        self.0.lock().expect("nobody panics with this lock").entry(*hash).or_insert_with(|| Bytes::copy_from_slice(content));
        Ok(())
    }

    fn remove(&self, hash: &Hash) {
        self.0.lock().expect("nobody panics with this lock").remove(hash);
    }
}
