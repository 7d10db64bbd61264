//! Files that a lesson names lie in its own folder or below: a lesson is a folder that can be moved, sent and uploaded.

use std::path::{Component, Path, PathBuf};

/// The file of this relative name, which must lie in `folder` (resolved), links followed.
///
/// # Errors
/// Why it cannot be had, and what to change.
pub(super) fn confined(folder: &Path, name: &str) -> Result<PathBuf, String> {
    if name.is_empty() || !Path::new(name).components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir)) {
        return Err(format!("the path {name:?} must be relative and stay in the lesson's folder; put the file there"));
    }
    let path = folder.join(name);
    let resolved = path.canonicalize().map_err(|error| format!("it needs {name:?}, which cannot be read: {error}"))?;
    if !resolved.starts_with(folder) {
        return Err(format!("the path {name:?} is a link that leads out of the lesson's folder; copy the file there"));
    }
    Ok(path)
}
