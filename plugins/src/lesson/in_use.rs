//! Lessons in use: what several parts of one run read is read once, and all of them see the same.
//!
//! A lesson is shared for as long as somebody holds it. A file that was written meanwhile is read anew; folders and lesson files,
//! whose content lies in many files, are always read; what comes from the web stays what it was.

use super::{ImportOptions, Lesson, LessonError, address, import};
use engine::node::Start;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::SystemTime;

/// A deck as it was when it was read, and how it was read.
#[derive(PartialEq)]
struct Source {
    path: PathBuf,
    /// When it was written, and how long it is; nothing of the kind is known of what comes from the web.
    state: Option<(SystemTime, u64)>,
    language: Option<String>,
}

impl Source {
    /// `None` where one file does not tell whether the lesson has changed, or the lesson is made to order.
    fn of(path: &Path, options: &ImportOptions) -> Option<Source> {
        if options.to_order() {
            return None;
        }
        let language = options.language.clone();
        if address(path).is_some() {
            return Some(Source { path: path.into(), state: None, language });
        }
        let whole = ["pptx", "ppt", "odp", "docx", "txt"];
        let deck = path.extension().is_some_and(|extension| whole.iter().any(|known| extension.eq_ignore_ascii_case(known)));
        let meta = std::fs::metadata(path).ok().filter(|meta| deck && meta.is_file())?;
        Some(Source { path: path.canonicalize().ok()?, state: Some((meta.modified().ok()?, meta.len())), language })
    }
}

/// [`import`], or the lesson that somebody in this process has imported from the same file and still holds.
///
/// # Errors
/// Those of [`import`].
pub fn import_shared(path: &Path, options: &ImportOptions) -> Result<Arc<Lesson>, LessonError> {
    static LAST: Mutex<Option<(Source, Weak<Lesson>)>> = Mutex::new(None);
    // Two parts that ask the web at one time might be answered differently: the second one waits for the first one's answer.
    static ON_THE_WEB: Mutex<()> = Mutex::new(());
    let Some(source) = Source::of(path, options) else { return import(path, options).map(Arc::new) };
    // One value is replaced by another: poisoning means nothing here.
    let _turn = address(path).map(|_| ON_THE_WEB.lock().unwrap_or_else(PoisonError::into_inner));
    let last = || LAST.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((known, lesson)) = &*last()
        && *known == source
        && let Some(lesson) = lesson.upgrade()
    {
        return Ok(lesson);
    }
    let lesson = Arc::new(import(path, options)?);
    *last() = Some((source, Arc::downgrade(&lesson)));
    Ok(lesson)
}

/// The lesson that all nodes of a run share, and of all runs of a render: read once, so that all see the same.
///
/// # Errors
/// Those of [`import`], as a node fails.
pub fn import_for(start: &Start<'_>, path: &Path, options: &ImportOptions) -> engine::node::Result<Arc<Lesson>> {
    let read = || import_shared(path, &ImportOptions { cancel: start.cancel(), ..options.clone() }).map_err(LessonError::into_failure);
    let lesson: Arc<Arc<Lesson>> = start.shared(&path.display().to_string(), read)?;
    Ok(Arc::clone(&lesson))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deck_is_read_once_while_it_is_held() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("talk.pptx");
        std::fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/decks/sld-notes.pptx"), &path).unwrap();
        let options = ImportOptions { cache_dir: folder.path().join("cache"), ..ImportOptions::default() };
        let first = import_shared(&path, &options).unwrap();
        assert!(Arc::ptr_eq(&first, &import_shared(&path, &options).unwrap()));
        let german = ImportOptions { language: Some("de".into()), ..options.clone() };
        assert_eq!(import_shared(&path, &german).unwrap().language, "de");
        // Written again, the same bytes: nobody can know without reading.
        std::fs::File::open(&path).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
        let second = import_shared(&path, &options).unwrap();
        assert!(!Arc::ptr_eq(&first, &second) && first == second);
    }
}
