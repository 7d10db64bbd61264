//! What can go wrong with artifacts.

use object_store::path::Path as Key;
use std::io;
use std::path::{Path, PathBuf};

/// Why artifacts could not be kept or had.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No such file.
    #[error("there is no file \"{name}\" in {set}")]
    Missing {
        /// Where it was looked for.
        set: String,
        /// What was looked for.
        name: String,
    },
    /// It was there, and its time is over.
    #[error("the file \"{name}\" of {set} has been removed: it was kept as long as the settings of `retention` say; make it again")]
    Expired {
        /// Where it was.
        set: String,
        /// What it was.
        name: String,
    },
    /// It is not what was published.
    #[error("{key} is damaged: {why}; make it again, or put back a backup of the store")]
    Damaged {
        /// Where it lies.
        key: String,
        /// What does not fit.
        why: String,
    },
    /// A name cannot be used.
    #[error("{0:?} cannot be used as a name: {1}")]
    Name(String, &'static str),
    /// The address of a store cannot be used.
    #[error(
        "artifacts cannot be kept in {place:?}: {cause}; write a folder, s3://BUCKET/PREFIX with AWS_ENDPOINT, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY set, or, for a worker, the http://HOST:PORT of its server"
    )]
    Place {
        /// As it was given.
        place: String,
        /// What is wrong with it.
        cause: String,
    },
    /// The disk is full, or nearly so.
    #[error("only {} MB are free on the disk of {}, and {} MB more are needed above the {} MB that have to stay free; remove something there, or lower store.floor", free / 1_000_000, folder.display(), needed.div_ceil(1_000_000), floor / 1_000_000)]
    NoRoom {
        /// Where it was to go.
        folder: PathBuf,
        /// Bytes that are free now.
        free: u64,
        /// Bytes that were to be written.
        needed: u64,
        /// Bytes that stay free.
        floor: u64,
    },
    /// A file beside the store cannot be used.
    #[error("cannot use {}: {cause}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// The system's reason.
        cause: String,
    },
    /// The store does not do what is asked.
    #[error("cannot {doing} {key} in the store of artifacts: {cause}")]
    Store {
        /// Read, write, remove or list.
        doing: &'static str,
        /// Where it lies.
        key: String,
        /// The store's reason.
        cause: Box<object_store::Error>,
    },
}

/// What was being done.
#[derive(Clone, Copy)]
pub enum Doing {
    Read,
    Write,
    Remove,
    List,
}

impl StoreError {
    /// Whoever keeps the store does not know the token, or not its role.
    pub fn is_refusal(&self) -> bool {
        use object_store::Error::{PermissionDenied, Unauthenticated};
        matches!(self, StoreError::Store { cause, .. } if matches!(**cause, PermissionDenied { .. } | Unauthenticated { .. }))
    }

    /// For `map_err`: the store refused.
    pub(super) fn of(doing: Doing, key: &Key) -> impl Fn(object_store::Error) -> StoreError + use<> {
        let key = key.to_string();
        let doing = ["read", "write", "remove", "list"][doing as usize];
        move |cause| StoreError::Store { doing, key: key.clone(), cause: Box::new(cause) }
    }
}

/// For `map_err`: a file beside the store.
pub fn file_error(path: &Path) -> impl Fn(io::Error) -> StoreError + use<> {
    let path = path.to_path_buf();
    move |cause| StoreError::File { path: path.clone(), cause: cause.to_string() }
}
