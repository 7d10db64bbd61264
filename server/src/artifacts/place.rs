//! Where artifacts are kept: a folder of this machine, a bucket that speaks S3, or the store of a server.

use super::StoreError;
use super::error::file_error;
use super::remote::Remote;
use crate::config::Secret;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::local::LocalFileSystem;
use object_store::path::Path as Key;
use object_store::prefix::PrefixStore;
use object_store::{ObjectStore, RetryConfig};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// A store, and its folder if it is one.
type Place = (Arc<dyn ObjectStore>, Option<PathBuf>);

/// Opens a store by its address.
pub fn open(place: &str, variables: impl Iterator<Item = (String, String)>, token: Option<&Secret>) -> Result<Place, StoreError> {
    let wrong = |cause: String| StoreError::Place { place: place.into(), cause };
    match place.split_once("://") {
        None => folder(PathBuf::from(place)),
        Some(("s3", rest)) => bucket(rest, variables).map_err(wrong),
        Some(("http" | "https", _)) => {
            let remote = Remote::open(place, token.map(Secret::expose)).map_err(wrong)?;
            Ok((Arc::new(remote), None))
        }
        Some((scheme, _)) => Err(wrong(format!("nothing here speaks {scheme}"))),
    }
}

fn folder(path: PathBuf) -> Result<Place, StoreError> {
    let failed = file_error(&path);
    std::fs::create_dir_all(&path).map_err(&failed)?;
    let root = path.canonicalize().map_err(failed)?;
    let store = LocalFileSystem::new_with_prefix(&root)
        .map_err(|error| StoreError::Place { place: root.display().to_string(), cause: error.to_string() })?
        .with_automatic_cleanup(true)
        .with_fsync(true);
    Ok((Arc::new(store), Some(root)))
}

fn bucket(address: &str, variables: impl Iterator<Item = (String, String)>) -> Result<Place, String> {
    let (bucket, prefix) = address.trim_end_matches('/').split_once('/').unwrap_or((address.trim_end_matches('/'), ""));
    if bucket.is_empty() {
        return Err("it names no bucket".into());
    }
    // A server has better things to do than to ask a dead store for three minutes.
    let retry = RetryConfig { max_retries: 4, retry_timeout: Duration::from_secs(30), ..RetryConfig::default() };
    let mut builder = AmazonS3Builder::new().with_retry(retry);
    for (name, value) in variables.filter(|(name, value)| name.starts_with("AWS_") && !value.is_empty()) {
        if let Ok(key) = name.to_ascii_lowercase().parse::<AmazonS3ConfigKey>() {
            builder = builder.with_config(key, value);
        }
    }
    // Whoever writes http:// means it.
    let endpoint = builder.get_config_value(&AmazonS3ConfigKey::Endpoint);
    let plain = endpoint.is_some_and(|endpoint| endpoint.starts_with("http://"));
    let store = builder.with_bucket_name(bucket).with_allow_http(plain).build().map_err(|error| error.to_string())?;
    let prefix = Key::parse(prefix).map_err(|error| error.to_string())?;
    Ok((Arc::new(PrefixStore::new(store, prefix)), None))
}
