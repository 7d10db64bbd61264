//! What is old goes: every hour, and earlier where the disk is nearly full.

use super::error::{Doing, file_error};
use super::manifest::MANIFEST;
use super::{Artifacts, Blob, Room, StoreError, Tier};
use futures_util::TryStreamExt;
use object_store::ObjectStore;
use object_store::path::Path as Key;
use serde::Serialize;
use std::collections::BTreeMap;
use std::iter::Sum;
use std::ops::Add;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Uploads younger than this are never given up for room: somebody may be about to work on them.
const YOUNG_UPLOAD: i64 = 24 * 3600 * 1000;

/// What a sweep has removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Swept {
    /// Files and blobs.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Sets of which nothing is left.
    pub sets: u64,
    /// Files that the store would not remove; the next sweep tries again.
    pub failed: u64,
}

/// What is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Usage {
    /// Files, manifests and blobs.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl Add for Usage {
    type Output = Usage;

    fn add(self, other: Usage) -> Usage {
        Usage { files: self.files + other.files, bytes: self.bytes + other.bytes }
    }
}

impl Sum for Usage {
    fn sum<I: Iterator<Item = Usage>>(all: I) -> Usage {
        all.fold(Usage::default(), Usage::add)
    }
}

/// A file or a blob, as its key tells.
struct Object {
    key: Key,
    size: u64,
    /// Milliseconds since 1970.
    born: i64,
    tier: Tier,
    generation: String,
}

/// The files of a set, of all its generations.
#[derive(Default)]
struct Set {
    has_manifest: bool,
    objects: Vec<Object>,
}

/// All that is in a store.
#[derive(Default)]
struct Inventory {
    sets: BTreeMap<String, Set>,
    blobs: Vec<Object>,
    usage: BTreeMap<Option<Tier>, Usage>,
}

impl Artifacts {
    /// How much is kept.
    ///
    /// # Errors
    /// The store cannot be listed.
    pub async fn usage(&self) -> Result<Usage, StoreError> {
        Ok(self.usage_by_tier().await?.into_values().sum())
    }

    /// How much is kept, by how long it stays; without a tier: manifests, and what others keep there.
    ///
    /// # Errors
    /// The store cannot be listed.
    pub async fn usage_by_tier(&self) -> Result<BTreeMap<Option<Tier>, Usage>, StoreError> {
        Ok(self.inventory().await?.usage)
    }

    /// Removes what is older than the settings say, and what crashes have left.
    ///
    /// # Errors
    /// The store cannot be listed.
    pub async fn sweep(&self) -> Result<Swept, StoreError> {
        let (now, mut swept) = (self.now(), Swept::default());
        let inventory = self.inventory().await?;
        for (set, found) in &inventory.sets {
            if (self.options.in_use)(set) {
                continue;
            }
            if let Err(error) = self.sweep_set(set, found, now, &mut swept).await {
                swept.failed += 1;
                tracing::warn!(%error, "{set} is not swept");
            }
        }
        for blob in inventory.blobs.iter().filter(|blob| self.is_over(blob, now)) {
            self.discard(blob, &mut swept).await;
        }
        self.sweep_parts(now, &mut swept).await?;
        Ok(swept)
    }

    async fn sweep_set(&self, set: &str, found: &Set, now: i64, swept: &mut Swept) -> Result<(), StoreError> {
        let temporary = self.options.retention.temporary.as_millis() as i64;
        // What is younger may be on its way.
        if found.objects.iter().all(|object| now - object.born < temporary) && !found.objects.is_empty() {
            return Ok(());
        }
        let manifest = if found.has_manifest { self.manifest(set).await? } else { None };
        let current = manifest.as_ref().map(|manifest| manifest.generation.as_str());
        let is_due = |object: &&Object| match current == Some(object.generation.as_str()) {
            true => self.is_over(object, now),
            false => now - object.born >= temporary,
        };
        let is_left = |object: &Object| current == Some(object.generation.as_str()) && !self.is_over(object, now);
        // The listing may have passed before the files of this manifest were there.
        let settled = manifest.as_ref().is_some_and(|manifest| now - manifest.created_at >= temporary);
        if settled && !found.objects.iter().any(is_left) {
            self.delete(&Key::from(set).join(MANIFEST)).await?;
            swept.sets += 1;
        }
        for object in found.objects.iter().filter(is_due) {
            self.discard(object, swept).await;
        }
        Ok(())
    }

    /// Sees to it that so many bytes more fit, at the price of what is easily made again.
    ///
    /// # Errors
    /// They do not, whatever is given up.
    pub async fn make_room(&self, bytes: u64) -> Result<(), StoreError> {
        match &self.room {
            Some(room) => self.clear(room, bytes).await,
            None => Ok(()),
        }
    }

    /// The same on the disk of the data folder, where lies what people send and what is made on the way, wherever the store is.
    ///
    /// # Errors
    /// They do not, whatever is given up.
    pub async fn make_room_to_work(&self, bytes: u64) -> Result<(), StoreError> {
        match (&self.work, &self.room) {
            (None, _) => Ok(()),
            (Some(work), Some(room)) if work.is_on_disk_of(room) => self.clear(work, bytes).await,
            // What the store gives up is missed by nobody there.
            (Some(work), _) => work.must_have(bytes),
        }
    }

    async fn clear(&self, room: &Room, bytes: u64) -> Result<(), StoreError> {
        let fits = || room.has(bytes).map_err(file_error(room.folder()));
        if fits()? {
            return Ok(());
        }
        let _alone = self.clearing.lock().await;
        let mut swept = self.sweep().await?;
        if !fits()? {
            for object in self.spare().await? {
                self.discard(&object, &mut swept).await;
                if fits()? {
                    break;
                }
            }
        }
        tracing::warn!(files = swept.files, bytes = swept.bytes, "the disk is nearly full: files were removed before their time");
        room.must_have(bytes)
    }

    /// What can be given up, what is missed least first. Films stay.
    async fn spare(&self) -> Result<Vec<Object>, StoreError> {
        let (now, inventory) = (self.now(), self.inventory().await?);
        let temporary = self.options.retention.temporary.as_millis() as i64;
        let of_sets = inventory.sets.into_iter().filter(|(set, _)| !(self.options.in_use)(set)).flat_map(|(_, set)| set.objects);
        let youngest = |tier| match tier {
            Tier::Temporary | Tier::Processed => Some(temporary),
            Tier::Upload => Some(YOUNG_UPLOAD),
            Tier::Video => None,
        };
        let may_go = |object: &Object| youngest(object.tier).is_some_and(|age| now - object.born >= age);
        let mut spare: Vec<Object> = of_sets.chain(inventory.blobs).filter(may_go).collect();
        spare.sort_by_key(|object| (object.tier, object.born));
        Ok(spare)
    }

    fn is_over(&self, object: &Object, now: i64) -> bool {
        now - object.born >= self.options.retention.of(object.tier).as_millis() as i64
    }

    async fn discard(&self, object: &Object, swept: &mut Swept) {
        match self.delete(&object.key).await {
            Ok(()) => {
                swept.files += 1;
                swept.bytes += object.size;
            }
            Err(error) => {
                swept.failed += 1;
                tracing::warn!(%error, "a file is left for the next sweep");
            }
        }
    }

    /// Whether it can be reached at all: one small question.
    ///
    /// # Errors
    /// It cannot.
    pub async fn answers(&self) -> Result<(), StoreError> {
        match &self.room {
            Some(room) => room.free().map(drop).map_err(file_error(room.folder())),
            None => {
                let place = Key::from("job");
                self.store.list_with_delimiter(Some(&place)).await.map(drop).map_err(StoreError::of(Doing::List, &place))
            }
        }
    }

    /// Bytes that are free on the disk of a folder, and how many of them stay free.
    ///
    /// # Errors
    /// The folder is gone.
    pub fn free(&self) -> Result<Option<(u64, u64)>, StoreError> {
        let Some(room) = &self.room else { return Ok(None) };
        Ok(Some((room.free().map_err(file_error(room.folder()))?, room.floor())))
    }

    async fn inventory(&self) -> Result<Inventory, StoreError> {
        let mut inventory = Inventory::default();
        let mut listing = self.store.list(None);
        while let Some(object) = listing.try_next().await.map_err(StoreError::of(Doing::List, &Key::default()))? {
            let size = object.size;
            let tier = inventory.add(object.location, size, object.last_modified.timestamp_millis());
            let usage = inventory.usage.entry(tier).or_default();
            *usage = *usage + Usage { files: 1, bytes: size };
        }
        Ok(inventory)
    }

    /// What a killed process was writing: the folder's store gives such files a name of their own (`NAME#3`) and lists none of them.
    async fn sweep_parts(&self, now: i64, swept: &mut Swept) -> Result<(), StoreError> {
        let Some(root) = self.root.clone() else { return Ok(()) };
        let oldest = now - self.options.retention.temporary.as_millis() as i64;
        let failed = file_error(&root);
        let work = move || {
            let mut removed = Swept::default();
            remove_parts(&root, oldest, &mut removed);
            removed
        };
        let removed = tokio::task::spawn_blocking(work).await.map_err(|error| failed(error.into()))?;
        swept.files += removed.files;
        swept.bytes += removed.bytes;
        swept.failed += removed.failed;
        Ok(())
    }
}

impl Inventory {
    /// Takes a file in; gives its tier, where it has one.
    fn add(&mut self, key: Key, size: u64, modified: i64) -> Option<Tier> {
        let words: Vec<String> = key.parts().map(|word| word.as_ref().to_string()).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match words.as_slice() {
            [folder, ..] if Blob::FOLDERS.contains(folder) => {
                let tier = Tier::Processed;
                self.blobs.push(Object { key, size, born: modified, tier, generation: String::new() });
                Some(tier)
            }
            [set @ .., MANIFEST] if !set.is_empty() => {
                self.sets.entry(set.join("/")).or_default().has_manifest = true;
                None
            }
            [set @ .., generation, tier, _name] => {
                // Others may keep things here, too.
                let (Some(tier), Some(born)) = (Tier::from_folder(tier), born(generation)) else { return None };
                let generation = (*generation).to_string();
                self.sets.entry(set.join("/")).or_default().objects.push(Object { key, size, born, tier, generation });
                Some(tier)
            }
            _ => None,
        }
    }
}

/// When a generation was begun, in milliseconds since 1970.
fn born(generation: &str) -> Option<i64> {
    let (millis, random) = generation.split_once('-')?;
    if millis.len() == 13 && random.len() == 8 { millis.parse().ok() } else { None }
}

/// Removes unfinished files that are as old, and folders in which nothing is left then.
fn remove_parts(folder: &Path, oldest: i64, removed: &mut Swept) {
    let is_part = |path: &PathBuf| {
        let number = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.rsplit_once('#'));
        number.is_some_and(|(_, number)| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let modified = |time: SystemTime| time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO).as_millis() as i64;
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        // Links are not followed.
        let Ok(about) = entry.metadata() else { continue };
        let is_old = about.modified().is_ok_and(|time| modified(time) <= oldest);
        if about.is_dir() {
            remove_parts(&path, oldest, removed);
            if is_old {
                // Fails where something is in it.
                let _ = std::fs::remove_dir(&path);
            }
        } else if is_old && is_part(&path) {
            match std::fs::remove_file(&path) {
                Ok(()) => {
                    removed.files += 1;
                    removed.bytes += about.len();
                }
                Err(_) => removed.failed += 1,
            }
        }
    }
}
