//! What jobs make and people send, kept in a folder or in a bucket.
//!
//! Files come in *sets*, such as `job/<id>` and `upload/<id>`. A set is published whole: its files go under a generation of their own, and
//! the manifest, with their sizes and SHA-256, is written last, in one step. Who reads a set gets the files of one manifest, or nothing;
//! what a crash left half-way is never seen, and the next sweep takes it away. Beside the sets lie *blobs*, small or large things by the
//! hash of their content: the first one to come stays.
//!
//! ```text
//! SET/manifest.json               what the set holds
//! SET/GENERATION/TIER/NAME        a file; generation = milliseconds since 1970 and eight random digits, tier = how long it stays
//! seg/HA/HASH  speech/…  visual/… blobs
//! ```
//!
//! In the server:
//! ```text
//! let artifacts = Artifacts::open("s3://lectures/prod", Options { retention, in_use: jobs.unfinished(), ..Options::default() })?;
//! artifacts.publish("job/42", &[Item::new("42_final.mp4", film), Item::new("42_metadata.json", facts)]).await?;
//! answer(&artifacts.find("job/42", "42_final.mp4").await?, &method, &headers, None).await    // a response, with ranges
//! artifacts.sweep().await?                                                                     // once an hour
//! ```
//! A bucket is reached as the variables `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_REGION` and `AWS_ENDPOINT` say. Let its
//! lifecycle rules abort multipart uploads that were never finished: nobody but the bucket can see them.

mod answer;
mod error;
mod manifest;
mod place;
mod read;
mod relay;
mod remote;
mod retention;
mod room;
mod sweep;
#[cfg(test)]
pub(crate) mod tests;

pub use answer::answer;
pub use error::StoreError;
pub use manifest::{Entry, Item, Manifest, content_type};
pub use read::Artifact;
pub use relay::{Terms, Written};
pub use remote::{DIGEST, Listed, digest};
pub use retention::{Piece, Retention, Tier};
pub use room::Room;
pub use sweep::{Swept, Usage};

use crate::config::{ConfigError, Secret, Settings};
use bytes::{Bytes, BytesMut};
use error::Doing;
pub use error::file_error;
use futures_util::TryStreamExt;
use manifest::{MANIFEST, check_name, check_set, hex};
use object_store::buffered::BufWriter;
use object_store::path::Path as Key;
use object_store::{ObjectStore, ObjectStoreExt, PutMode};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use time::OffsetDateTime;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use uuid::Uuid;

/// Says what time it is.
pub type Clock = Arc<dyn Fn() -> OffsetDateTime + Send + Sync>;
/// Says whether a set may not be touched now: a job that is not finished needs it.
pub type InUse = Arc<dyn Fn(&str) -> bool + Send + Sync>;

/// Bytes that are read at a time.
const CHUNK: usize = 1 << 20;
/// Larger files go in parts of this size. S3 takes 5 MiB or more.
const PART: usize = 8 << 20;

/// How artifacts are kept.
pub struct Options {
    /// How long.
    pub retention: Retention,
    /// Bytes that stay free on the disk of a folder.
    pub floor: u64,
    /// Where what people send and what is made on the way lies: so many bytes stay free on its disk, too.
    pub work: Option<PathBuf>,
    /// The time that decides what is old.
    pub clock: Clock,
    /// Sets that are neither swept nor given up for room.
    pub in_use: InUse,
    /// Of a worker whose store is at a server.
    pub token: Option<Secret>,
}

impl Default for Options {
    fn default() -> Options {
        let clock: Clock = Arc::new(OffsetDateTime::now_utc);
        Options { retention: Retention::default(), floor: Room::FLOOR, work: None, clock, in_use: Arc::new(|_| false), token: None }
    }
}

/// See the module docs. All methods may be called at once from many tasks.
pub struct Artifacts {
    store: Arc<dyn ObjectStore>,
    /// Of a folder.
    root: Option<PathBuf>,
    room: Option<Room>,
    /// Of what is sent and made on the way.
    work: Option<Room>,
    options: Options,
    /// One clears for all.
    clearing: tokio::sync::Mutex<()>,
}

/// What a blob is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blob {
    /// The encoded pictures of a slide.
    Segment,
    /// What is said, as sound.
    Speech,
    /// A slide's picture.
    Visual,
}

impl Blob {
    /// Folders of all of them.
    pub const FOLDERS: [&'static str; 3] = ["seg", "speech", "visual"];

    fn key(self, hash: &str) -> Result<Key, StoreError> {
        let folder = Blob::FOLDERS[self as usize];
        match hash.len() >= 16 && hash.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)) {
            true => Ok(Key::from_iter([folder, &hash[..2], hash])),
            false => Err(StoreError::Name(hash.into(), "a blob is named by its hash, in small hexadecimal digits")),
        }
    }
}

impl Artifacts {
    /// In a folder, which is made, in `s3://BUCKET[/PREFIX]`, or by way of the server at `http(s)://HOST`.
    ///
    /// # Errors
    /// The folder cannot be made, or the address or its settings cannot be used.
    pub fn open(place: &str, options: Options) -> Result<Artifacts, StoreError> {
        let variables = std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        Artifacts::open_with(place, variables, options)
    }

    /// The store that the settings of a worker name. Which jobs are over is known to the server alone: nothing is given up for room.
    ///
    /// # Errors
    /// As `open`.
    pub fn of_worker(settings: &Settings) -> Result<Artifacts, StoreError> {
        let (floor, token) = (settings.store.floor.0, settings.workers.token.clone());
        let named = |error: ConfigError| StoreError::Place { place: "the data folder".into(), cause: error.to_string() };
        let options = Options { floor, token, work: settings.data().ok(), in_use: Arc::new(|_| true), ..Options::default() };
        Artifacts::open(&settings.place().map_err(named)?, options)
    }

    /// The same with other variables than the environment's.
    ///
    /// # Errors
    /// As `open`.
    pub fn open_with(place: &str, variables: impl Iterator<Item = (String, String)>, options: Options) -> Result<Artifacts, StoreError> {
        let (store, root) = place::open(place, variables, options.token.as_ref())?;
        let on = |folder: &Path| Room::on(folder, options.floor);
        let (room, work) = (root.as_deref().map(on), options.work.as_deref().map(on));
        Ok(Artifacts { store, root, room, work, options, clearing: Default::default() })
    }

    /// Puts a set there, in place of what it was before: all of it or nothing.
    ///
    /// # Errors
    /// There is no room, a file cannot be read, or the store does not take it: then the set is as it was before.
    pub async fn publish(&self, set: &str, items: &[Item]) -> Result<Manifest, StoreError> {
        check_set(set)?;
        let names: BTreeSet<&str> = items.iter().map(|item| item.name.as_str()).collect();
        if names.len() != items.len() || items.is_empty() {
            return Err(StoreError::Name(set.into(), "a set holds one file or more, each under a name of its own"));
        }
        let mut needed = 0;
        for item in items {
            check_name(&item.name)?;
            needed += tokio::fs::metadata(&item.path).await.map_err(file_error(&item.path))?.len();
        }
        self.make_room(needed).await?;
        let now = self.now();
        let generation = format!("{now:013}-{}", &Uuid::new_v4().simple().to_string()[..8]);
        let mut manifest = Manifest::new(set, &generation, now);
        for item in items {
            match self.put(&manifest.key_of(item.tier, &item.name), item).await {
                Ok(entry) => manifest.files.push(entry),
                Err(error) => {
                    self.take_back(&manifest).await;
                    return Err(error);
                }
            }
        }
        // If this fails it may have come through all the same, so the files stay: a sweep knows whether anybody names them.
        let (key, json) = (Key::from(set).join(MANIFEST), manifest.to_json());
        self.store.put(&key, json.into()).await.map_err(StoreError::of(Doing::Write, &key))?;
        Ok(manifest)
    }

    /// Copies a file there. What is hashed is what was sent.
    async fn put(&self, key: &Key, item: &Item) -> Result<Entry, StoreError> {
        let mut file = tokio::fs::File::open(&item.path).await.map_err(file_error(&item.path))?;
        let mut writer = BufWriter::with_capacity(self.store.clone(), key.clone(), PART).with_max_concurrency(4);
        let (mut hash, mut size) = (Sha256::new(), 0);
        loop {
            let mut chunk = BytesMut::with_capacity(CHUNK);
            match file.read_buf(&mut chunk).await {
                Ok(0) => break,
                Ok(read) => size += read as u64,
                Err(error) => {
                    let _ = writer.abort().await;
                    return Err(file_error(&item.path)(error));
                }
            }
            hash.update(&chunk);
            if let Err(error) = writer.put(chunk.freeze()).await {
                let _ = writer.abort().await;
                return Err(StoreError::of(Doing::Write, key)(error));
            }
        }
        let unfinished = |error: std::io::Error| object_store::Error::Generic { store: "artifacts", source: error.into() };
        writer.shutdown().await.map_err(|error| StoreError::of(Doing::Write, key)(unfinished(error)))?;
        Ok(Entry {
            name: item.name.clone(),
            size,
            sha256: hex(hash.finalize().as_slice()),
            content_type: content_type(&item.name).into(),
            tier: item.tier,
        })
    }

    /// Removes the files of a manifest that is not going to be written.
    async fn take_back(&self, manifest: &Manifest) {
        for entry in &manifest.files {
            let key = manifest.key_of(entry.tier, &entry.name);
            if let Err(error) = self.store.delete(&key).await {
                tracing::warn!(%error, "{key} is left for the next sweep");
            }
        }
    }

    /// What a set holds; `None` when it is not there.
    ///
    /// # Errors
    /// The store cannot be read, or what it gave is no manifest.
    pub async fn manifest(&self, set: &str) -> Result<Option<Manifest>, StoreError> {
        check_set(set)?;
        let key = Key::from(set).join(MANIFEST);
        let failed = StoreError::of(Doing::Read, &key);
        let text = match self.store.get(&key).await {
            Ok(found) => found.bytes().await.map_err(failed)?,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        Manifest::read(set, &text).map(Some)
    }

    /// A file of a set.
    ///
    /// # Errors
    /// There is none, its time is over, or the store cannot be read.
    pub async fn find(&self, set: &str, name: &str) -> Result<Artifact, StoreError> {
        let missing = || StoreError::Missing { set: set.into(), name: name.into() };
        let manifest = self.manifest(set).await?.ok_or_else(missing)?;
        let entry = manifest.files.iter().find(|entry| entry.name == name).ok_or_else(missing)?;
        let age = self.now() - manifest.created_at;
        if age >= self.options.retention.of(entry.tier).as_millis() as i64 && !(self.options.in_use)(set) {
            return Err(StoreError::Expired { set: set.into(), name: name.into() });
        }
        Ok(Artifact::new(set, entry.clone(), manifest.key_of(entry.tier, name), self.store.clone()))
    }

    /// Copies a file of a set to a path and checks it on the way: the path holds all of it or is not written.
    ///
    /// # Errors
    /// As `find`; the bytes are not those that were published, or the path cannot be written.
    pub async fn fetch(&self, set: &str, name: &str, to: &Path) -> Result<Entry, StoreError> {
        self.find(set, name).await?.copy_to(to).await
    }

    /// Removes a set with all that it was before, and those below it.
    ///
    /// # Errors
    /// The store refuses.
    pub async fn remove(&self, set: &str) -> Result<(), StoreError> {
        check_set(set)?;
        let place = Key::from(set);
        let found = self.store.list(Some(&place)).map_ok(|object| object.location).try_collect::<Vec<Key>>().await;
        // The manifests first: nobody sees half a set.
        let (manifests, files): (Vec<Key>, Vec<Key>) =
            found.map_err(StoreError::of(Doing::List, &place))?.into_iter().partition(|key| key.filename() == Some(MANIFEST));
        for key in manifests.iter().chain(&files) {
            self.delete(key).await?;
        }
        Ok(())
    }

    /// Keeps a blob, unless it is there already.
    ///
    /// # Errors
    /// There is no room, or the store does not take it.
    pub async fn keep(&self, blob: Blob, hash: &str, content: Bytes) -> Result<(), StoreError> {
        let key = blob.key(hash)?;
        self.make_room(content.len() as u64).await?;
        match self.store.put_opts(&key, content.into(), PutMode::Create.into()).await {
            Ok(_) | Err(object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. }) => Ok(()),
            Err(error) => Err(StoreError::of(Doing::Write, &key)(error)),
        }
    }

    /// A blob, if it is there.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn blob(&self, blob: Blob, hash: &str) -> Result<Option<Bytes>, StoreError> {
        let key = blob.key(hash)?;
        match self.store.get(&key).await {
            Ok(found) => found.bytes().await.map(Some).map_err(StoreError::of(Doing::Read, &key)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(StoreError::of(Doing::Read, &key)(error)),
        }
    }

    /// Removes a blob, if it is there: it is damaged.
    ///
    /// # Errors
    /// The store refuses.
    pub async fn forget(&self, blob: Blob, hash: &str) -> Result<(), StoreError> {
        self.delete(&blob.key(hash)?).await
    }

    /// Reads every byte of a set and says what is wrong with it: nothing, as a rule.
    ///
    /// # Errors
    /// The manifest cannot be read.
    pub async fn verify(&self, set: &str) -> Result<Vec<StoreError>, StoreError> {
        let mut wrong = Vec::new();
        for entry in self.manifest(set).await?.map(|manifest| manifest.files).unwrap_or_default() {
            let checked = async { self.find(set, &entry.name).await?.check().await };
            wrong.extend(checked.await.err());
        }
        Ok(wrong)
    }

    /// Gone already is as good as removed.
    async fn delete(&self, key: &Key) -> Result<(), StoreError> {
        match self.store.delete(key).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(StoreError::of(Doing::Remove, key)(error)),
        }
    }

    /// Milliseconds since 1970.
    fn now(&self) -> i64 {
        ((self.options.clock)().unix_timestamp_nanos() / 1_000_000) as i64
    }
}
