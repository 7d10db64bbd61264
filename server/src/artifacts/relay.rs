//! The files of a store by their keys, for [`Remote`](super::remote): what a worker elsewhere reads and writes by way of the server.

use super::error::Doing;
use super::read::{Stream, bytes_of};
use super::remote::{Listed, digest};
use super::{Artifacts, PART, StoreError};
use bytes::Bytes;
use futures_util::{Stream as ByteStream, StreamExt, TryStreamExt};
use object_store::buffered::BufWriter;
use object_store::path::Path as Key;
use object_store::{ObjectStore, ObjectStoreExt, PutMode};
use sha2::{Digest, Sha256};
use std::fmt::Display;
use std::time::Duration;
use tokio::io::AsyncWriteExt;

/// Bytes of the largest file that is put only where none is: a page of a segment, with room to spare.
const LARGEST_BLOB: usize = 64 << 20;
/// Who sends nothing for so long is gone.
const SILENCE: Duration = Duration::from_secs(60);

/// How a file is to be written.
#[derive(Debug, Default)]
pub struct Terms {
    /// Not where one is already.
    pub only_new: bool,
    /// Its bytes, as far as that was said before.
    pub size: Option<u64>,
    /// Its SHA-256 as [`digest`] writes it, as far as that was said before.
    pub digest: Option<String>,
}

/// What became of it.
#[derive(Debug, PartialEq, Eq)]
pub enum Written {
    /// It is there; its SHA-256.
    Whole(String),
    /// One was there before, which stays.
    Known,
    /// What came is not what was said before, or broke off: nothing of it is there.
    Broken(String),
}

impl Artifacts {
    /// The size of a file and its bytes; `None` when it is not there.
    ///
    /// # Errors
    /// The key is none, or the store cannot be read.
    pub async fn read_key(&self, key: &str) -> Result<Option<(u64, Stream)>, StoreError> {
        let key = parsed(key)?;
        let failed = StoreError::of(Doing::Read, &key);
        match self.store.get(&key).await {
            Ok(found) => Ok(Some((found.meta.size, bytes_of(found, failed)))),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }

    /// Writes a file, all of it or nothing.
    ///
    /// # Errors
    /// The key is none, there is no room, or the store does not take it.
    pub async fn write_key<E: Display>(
        &self,
        key: &str,
        bytes: impl ByteStream<Item = Result<Bytes, E>> + Unpin,
        terms: &Terms,
    ) -> Result<Written, StoreError> {
        let key = parsed(key)?;
        self.make_room(terms.size.unwrap_or(PART as u64)).await?;
        if terms.only_new { self.write_new(&key, bytes, terms).await } else { self.write_over(&key, bytes, terms).await }
    }

    async fn write_new<E: Display>(
        &self,
        key: &Key,
        mut bytes: impl ByteStream<Item = Result<Bytes, E>> + Unpin,
        terms: &Terms,
    ) -> Result<Written, StoreError> {
        let mut all = Vec::new();
        while let Some(chunk) = next(&mut bytes).await {
            match chunk {
                Ok(chunk) if all.len() + chunk.len() <= LARGEST_BLOB => all.extend(chunk),
                Ok(_) => {
                    return Ok(Written::Broken(format!("it has more than {} MiB; put it in place of what is there", LARGEST_BLOB >> 20)));
                }
                Err(why) => return Ok(Written::Broken(why)),
            }
        }
        let hash = digest(&Sha256::digest(&all));
        if let Some(broken) = differs(&hash, all.len() as u64, terms) {
            return Ok(broken);
        }
        match self.store.put_opts(key, all.into(), PutMode::Create.into()).await {
            Ok(_) => Ok(Written::Whole(hash)),
            Err(object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. }) => Ok(Written::Known),
            Err(error) => Err(StoreError::of(Doing::Write, key)(error)),
        }
    }

    async fn write_over<E: Display>(
        &self,
        key: &Key,
        mut bytes: impl ByteStream<Item = Result<Bytes, E>> + Unpin,
        terms: &Terms,
    ) -> Result<Written, StoreError> {
        let failed = StoreError::of(Doing::Write, key);
        let mut writer = BufWriter::with_capacity(self.store.clone(), key.clone(), PART).with_max_concurrency(4);
        let (mut hash, mut size) = (Sha256::new(), 0);
        let broken = loop {
            match next(&mut bytes).await {
                Some(Ok(chunk)) => {
                    hash.update(&chunk);
                    size += chunk.len() as u64;
                    if let Err(error) = writer.put(chunk).await {
                        let _ = writer.abort().await;
                        return Err(failed(error));
                    }
                }
                Some(Err(why)) => break Some(Written::Broken(why)),
                None => break None,
            }
        };
        let hash = digest(&hash.finalize());
        if let Some(broken) = broken.or_else(|| differs(&hash, size, terms)) {
            // Nobody has seen any of it.
            let _ = writer.abort().await;
            return Ok(broken);
        }
        let unfinished = |error: std::io::Error| object_store::Error::Generic { store: "artifacts", source: error.into() };
        writer.shutdown().await.map_err(|error| failed(unfinished(error)))?;
        Ok(Written::Whole(hash))
    }

    /// Removes a file, if it is there.
    ///
    /// # Errors
    /// The key is none, or the store refuses.
    pub async fn remove_key(&self, key: &str) -> Result<(), StoreError> {
        self.delete(&parsed(key)?).await
    }

    /// The files below a key.
    ///
    /// # Errors
    /// The key is none, or the store cannot be listed.
    pub async fn list_keys(&self, prefix: &str) -> Result<Vec<Listed>, StoreError> {
        let prefix = parsed(prefix)?;
        let found = self.store.list(Some(&prefix)).map_ok(|object| Listed { key: object.location.to_string(), size: object.size });
        found.try_collect().await.map_err(StoreError::of(Doing::List, &prefix))
    }
}

/// The next bytes, or why there are none.
async fn next<E: Display>(bytes: &mut (impl ByteStream<Item = Result<Bytes, E>> + Unpin)) -> Option<Result<Bytes, String>> {
    match tokio::time::timeout(SILENCE, bytes.next()).await {
        Ok(next) => next.map(|chunk| chunk.map_err(|error| format!("it broke off: {error}"))),
        Err(_) => Some(Err(format!("nothing came for {} s", SILENCE.as_secs()))),
    }
}

fn differs(hash: &str, size: u64, terms: &Terms) -> Option<Written> {
    if terms.size.is_some_and(|due| due != size) {
        return Some(Written::Broken(format!("{size} bytes came")));
    }
    terms.digest.as_ref().filter(|due| *due != hash).map(|_| Written::Broken("its SHA-256 is not the one that was sent with it".into()))
}

fn parsed(key: &str) -> Result<Key, StoreError> {
    Key::parse(key).map_err(|_| StoreError::Name(key.into(), "a key is made of words with / between them, none of them . or .."))
}
