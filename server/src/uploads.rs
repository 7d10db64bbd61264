//! What people send: streamed to disk within a limit, hashed on the way, and known by its content, whatever its name says.
//!
//! An upload is a file without a place until it is kept. Dropped before, or when its sender goes away, nothing of it is left.
//!
//! In a handler, whose route has `DefaultBodyLimit::disable()` as the limit is kept here:
//! ```text
//! while let Some(field) = multipart.next_field().await? {
//!     if field.name() == Some("file") {
//!         let name = field.file_name().unwrap_or_default().to_string();
//!         let upload = receive(field, &name, &Rules { folder, bytes: 100 << 20, kinds: kind::DECKS }).await?;
//!         artifacts.publish(&set, &[Item::new(&upload.name, upload.path()).kept(Tier::Upload)]).await?;
//!     }
//! }
//! ```

pub mod kind;

pub use kind::Kind;

use crate::artifacts::file_error;
use axum::http::StatusCode;
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use plugins::part_file::PartFile;
use sha2::{Digest, Sha256};
use std::fmt::Display;
use std::fs::File;
use std::io;
use std::path::Path;
use tempfile::NamedTempFile;
use tokio::io::{AsyncWriteExt, BufWriter};

/// Bytes of a file name, as most file systems have it.
const LONGEST_NAME: usize = 255;
/// Bytes of the smallest recording: a WAV file's header.
const SHORTEST_SOUND: u64 = 44;
/// Written at a time.
const BUFFER: usize = 256 << 10;

/// What may be sent.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'a> {
    /// Where files lie while they come. It is made, and belongs to this module: see [`clear`].
    pub folder: &'a Path,
    /// Bytes of the largest file.
    pub bytes: u64,
    /// What it may be.
    pub kinds: &'a [Kind],
}

/// The usual limit: 100 MiB.
pub const LARGEST: u64 = 100 << 20;

/// Why a file was not taken.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// It is larger than allowed.
    #[error("the file is larger than {} MiB; send a smaller one", .0 >> 20)]
    TooLarge(u64),
    /// It is not what it has to be.
    #[error("the file is {}; send {}", .found.map_or("of no kind that is known here", Kind::title), kind::list(.allowed))]
    Kind {
        /// What its content says.
        found: Option<Kind>,
        /// What it may be.
        allowed: Vec<Kind>,
    },
    /// Its name cannot be used.
    #[error("{0:?} is no file name; use 1 to 255 bytes of letters, digits and the like")]
    Name(String),
    /// Nothing is in it.
    #[error("the file is empty; send it again")]
    Empty,
    /// A recording without sound.
    #[error("the recording has {0} bytes and cannot hold any sound; send at least 44")]
    Short(u64),
    /// The sender stopped.
    #[error("the file did not come whole: {0}; send it again")]
    Gone(String),
    /// The disk does not take it.
    #[error("the file cannot be kept: {0}")]
    Disk(String),
}

impl UploadError {
    /// For an answer.
    pub fn status(&self) -> StatusCode {
        match self {
            UploadError::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            UploadError::Kind { .. } => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            UploadError::Disk(_) => StatusCode::INSUFFICIENT_STORAGE,
            UploadError::Name(_) | UploadError::Empty | UploadError::Short(_) | UploadError::Gone(_) => StatusCode::BAD_REQUEST,
        }
    }

    /// For programs.
    pub fn code(&self) -> &'static str {
        match self {
            UploadError::TooLarge(_) => "file_too_large",
            UploadError::Kind { .. } => "wrong_kind",
            UploadError::Name(_) => "bad_file_name",
            UploadError::Empty => "file_empty",
            UploadError::Short(_) => "recording_too_short",
            UploadError::Gone(_) => "file_incomplete",
            UploadError::Disk(_) => "cannot_be_kept",
        }
    }
}

/// A file that has come whole.
#[derive(Debug)]
pub struct Upload {
    /// Its name, without any path.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Its size.
    pub bytes: u64,
    /// SHA-256 of its bytes, in hexadecimal digits.
    pub sha256: String,
    file: NamedTempFile,
}

impl Upload {
    /// Where it lies as long as this value lives.
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// Gives it a place; on the same disk that is done at once.
    ///
    /// # Errors
    /// The place cannot be written; the upload is gone then.
    pub fn keep(self, path: &Path) -> Result<(), UploadError> {
        let kept = match self.file.persist(path) {
            Err(error) if error.error.kind() == io::ErrorKind::CrossesDevices => copy(error.file.path(), path),
            kept => kept.map(drop).map_err(|error| error.error),
        };
        kept.map_err(|error| UploadError::Disk(file_error(path)(error).to_string()))
    }
}

/// Copies a file; it is there whole or not at all.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let part = PartFile::create(to).map_err(|error| error.cause)?;
    io::copy(&mut File::open(from)?, &mut part.file())?;
    part.publish().map_err(|error| error.cause)
}

/// Takes a file as its bytes come: of a multipart field, or of a whole body.
///
/// # Errors
/// Why it was not taken; nothing of it is left then.
pub async fn receive<E: Display>(
    mut bytes: impl Stream<Item = Result<Bytes, E>> + Unpin,
    name: &str,
    rules: &Rules<'_>,
) -> Result<Upload, UploadError> {
    let name = clean(name)?;
    let disk = |error: std::io::Error| UploadError::Disk(file_error(rules.folder)(error).to_string());
    tokio::fs::create_dir_all(rules.folder).await.map_err(disk)?;
    let file = NamedTempFile::new_in(rules.folder).map_err(disk)?;
    let mut writer = BufWriter::with_capacity(BUFFER, tokio::fs::File::from_std(file.reopen().map_err(disk)?));
    let (mut hash, mut size) = (Sha256::new(), 0);
    while let Some(chunk) = bytes.next().await {
        let chunk = chunk.map_err(|error| UploadError::Gone(error.to_string()))?;
        size += chunk.len() as u64;
        if size > rules.bytes {
            return Err(UploadError::TooLarge(rules.bytes));
        }
        hash.update(&chunk);
        writer.write_all(&chunk).await.map_err(disk)?;
    }
    writer.flush().await.map_err(disk)?;
    if size == 0 {
        return Err(UploadError::Empty);
    }
    let (path, called) = (file.path().to_path_buf(), name.clone());
    let found = tokio::task::spawn_blocking(move || Kind::find(&path, &called)).await;
    let found = found.map_err(|error| disk(error.into()))?.map_err(disk)?;
    let kind = found.filter(|kind| rules.kinds.contains(kind)).ok_or_else(|| UploadError::Kind { found, allowed: rules.kinds.to_vec() })?;
    if kind.is_sound() && size < SHORTEST_SOUND {
        return Err(UploadError::Short(size));
    }
    let sha256 = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Upload { name, kind, bytes: size, sha256, file })
}

/// A file's name as somebody sends it: what is before the last slash of either kind goes, and so does what no name has.
///
/// # Errors
/// Nothing is left, or too much.
pub fn clean(name: &str) -> Result<String, UploadError> {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let cleaned: String = last.chars().filter(|c| !c.is_control()).collect();
    let cleaned = cleaned.trim().trim_start_matches('.');
    match (1..=LONGEST_NAME).contains(&cleaned.len()) {
        true => Ok(cleaned.to_string()),
        false => Err(UploadError::Name(name.chars().take(80).collect())),
    }
}

/// Removes what a killed server has left where uploads come in. Only at the start: later it is somebody's.
///
/// # Errors
/// The folder cannot be read.
pub fn clear(folder: &Path) -> std::io::Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
