//! A file of a set, read whole and checked, or in part.

use super::error::{Doing, file_error};
use super::manifest::hex;
use super::{CHUNK, Entry, StoreError};
use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt, TryStreamExt};
use object_store::path::Path as Key;
use object_store::{GetOptions, GetRange, GetResult, GetResultPayload, ObjectStore};
use plugins::part_file::PartFile;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

/// Bytes as they come.
pub type Stream = BoxStream<'static, Result<Bytes, StoreError>>;

/// A file of a set.
pub struct Artifact {
    set: String,
    /// What is known about it.
    pub entry: Entry,
    key: Key,
    store: Arc<dyn ObjectStore>,
}

impl Artifact {
    pub(super) fn new(set: &str, entry: Entry, key: Key, store: Arc<dyn ObjectStore>) -> Artifact {
        Artifact { set: set.into(), entry, key, store }
    }

    /// All of it. The last bytes come only when all of them are those that were published; otherwise the stream ends with an error.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn read(&self) -> Result<Stream, StoreError> {
        let bytes = self.open(None).await?;
        Ok(verified(bytes, self.entry.clone(), self.key.to_string()))
    }

    /// These bytes of it, which lie within its size and are some.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn part(&self, range: Range<u64>) -> Result<Stream, StoreError> {
        self.open(Some(range)).await
    }

    /// Reads all of it and throws it away.
    ///
    /// # Errors
    /// It is damaged or cannot be read.
    pub async fn check(&self) -> Result<(), StoreError> {
        self.read().await?.try_for_each(|_| async { Ok(()) }).await
    }

    /// Copies it to a path, which is written when all of it has come and is right.
    pub(super) async fn copy_to(&self, path: &Path) -> Result<Entry, StoreError> {
        let failed = |error: plugins::part_file::FileError| file_error(path)(error.cause);
        let mut part = PartFile::create(path).map_err(failed)?;
        let mut bytes = self.read().await?;
        while let Some(chunk) = bytes.try_next().await? {
            let written = tokio::task::spawn_blocking(move || part.write(&chunk).map(|()| part)).await;
            part = written.map_err(|error| file_error(path)(error.into()))?.map_err(failed)?;
        }
        part.publish().map_err(failed)?;
        Ok(self.entry.clone())
    }

    async fn open(&self, range: Option<Range<u64>>) -> Result<Stream, StoreError> {
        let failed = StoreError::of(Doing::Read, &self.key);
        let options = GetOptions::new().with_range(range.map(GetRange::Bounded));
        let found = match self.store.get_opts(&self.key, options).await {
            Ok(found) => found,
            // Given up for room, or removed between two looks.
            Err(object_store::Error::NotFound { .. }) => {
                return Err(StoreError::Expired { set: self.set.clone(), name: self.entry.name.clone() });
            }
            Err(error) => return Err(failed(error)),
        };
        if found.meta.size != self.entry.size {
            return Err(damaged(self.key.as_ref(), format!("it has {} bytes and should have {}", found.meta.size, self.entry.size)));
        }
        Ok(bytes_of(found, failed))
    }
}

/// The bytes of what a store gives.
pub(super) fn bytes_of(found: GetResult, failed: impl Fn(object_store::Error) -> StoreError + Send + 'static) -> Stream {
    match found.payload {
        GetResultPayload::File(file, path) => from_file(file, found.range).map_err(file_error(&path)).boxed(),
        GetResultPayload::Stream(bytes) => bytes.map_err(failed).boxed(),
    }
}

fn damaged(key: &str, why: String) -> StoreError {
    StoreError::Damaged { key: key.into(), why }
}

/// In large pieces: the store's own stream asks for 8 KiB at a time, with a change of threads for each.
fn from_file(file: File, range: Range<u64>) -> impl stream::Stream<Item = io::Result<Bytes>> {
    stream::try_unfold((Arc::new(file), range), |(file, range)| async move {
        let length = (range.end - range.start).min(CHUNK as u64);
        if length == 0 {
            return Ok(None);
        }
        let (from, at) = (file.clone(), range.start);
        let read = tokio::task::spawn_blocking(move || {
            let mut chunk = vec![0; length as usize];
            from.read_exact_at(&mut chunk, at).map(|()| Bytes::from(chunk))
        });
        Ok(Some((read.await??, (file, at + length..range.end))))
    })
}

/// Holds the last piece back until all of them are known to be right.
fn verified(bytes: Stream, entry: Entry, key: String) -> Stream {
    struct State {
        bytes: Stream,
        hash: Sha256,
        held: Option<Bytes>,
        over: bool,
    }
    let state = State { bytes, hash: Sha256::new(), held: None, over: false };
    stream::try_unfold((state, entry, key), |(mut state, entry, key)| async move {
        while !state.over {
            match state.bytes.try_next().await? {
                Some(chunk) => {
                    state.hash.update(&chunk);
                    if let Some(ready) = state.held.replace(chunk) {
                        return Ok(Some((ready, (state, entry, key))));
                    }
                }
                None => {
                    state.over = true;
                    let hash = hex(std::mem::take(&mut state.hash).finalize().as_slice());
                    if hash != entry.sha256 {
                        return Err(damaged(&key, format!("its SHA-256 is {hash} and should be {}", entry.sha256)));
                    }
                }
            }
        }
        Ok(state.held.take().map(|last| (last, (state, entry, key))))
    })
    .boxed()
}
