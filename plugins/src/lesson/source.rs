//! Where a lesson comes from, as users name it: a path, or the address of a presentation on the web.

use super::error::LessonError;
use super::{ImportOptions, google_slides};
use std::path::{Path, PathBuf};

/// The address that stands where a path could.
pub fn address(source: &Path) -> Option<&str> {
    let text = source.to_str()?;
    let is = |scheme: &str| text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme));
    (is("https://") || is("http://")).then_some(text)
}

/// Whether there is something to read, as far as looking tells; the network is not asked.
///
/// # Errors
/// What is wrong, in one line.
pub fn check_source(source: &Path) -> Result<(), String> {
    match address(source) {
        Some(address) => google_slides::check(address).map_err(|error| error.to_string()),
        None if source.exists() => Ok(()),
        None => Err(format!("there is no file {}", source.display())),
    }
}

/// A path that holds the source as it is now: an address is brought into the cache, a path is itself. Parts of a run that are given this
/// path all see the same, whatever happens to the presentation meanwhile.
///
/// # Errors
/// The service refuses or cannot be reached; says what to do.
pub fn fetch(source: &Path, options: &ImportOptions) -> Result<PathBuf, LessonError> {
    match address(source) {
        Some(address) => google_slides::fetch(address, options),
        None => Ok(source.to_path_buf()),
    }
}
