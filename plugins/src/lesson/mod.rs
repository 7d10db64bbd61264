//! Lessons: what is to be said and shown, and the importers that read them.
//!
//! A [`Lesson`] is a plain value: slides with a picture, a narration and a place for the presenter. [`import`] makes one from a deck
//! (`.pptx`, `.odp`, `.ppt`), a PDF, a folder of pictures or a lesson file; [`check`] holds it against the limits; its hashes name
//! its content whatever the paths; [`Rasterizer`] draws its pictures; [`export`] writes it as `lesson.yaml`, which can be edited by
//! hand and read again. Importers recognise a file by its content. Nothing here panics or hangs on a bad file.

pub mod canvas;
mod deck;
mod error;
mod export;
mod file;
mod folder;
mod fonts;
mod hash;
mod in_use;
mod limits;
mod model;
mod odp;
mod office;
mod package;
mod pdf;
mod pdf_guard;
mod pptx;
mod process;
mod raster;
mod script;
mod select;
mod sniff;
mod xml;
mod yaml;

#[cfg(test)]
mod tests;

pub use error::LessonError;
pub use export::export;
pub use file::schema;
pub use hash::ContentHash;
pub use in_use::import_shared;
pub use limits::{MAX_FILE_BYTES, MAX_NARRATION_CHARS, MAX_PIXELS, MAX_SLIDE, MAX_SLIDES, MAX_TRANSITION, check};
pub use model::{LEAD_IN, Lesson, Narration, Overlay, OverlayRole, SILENT_EMBED, SILENT_SLIDE, Slide, TAIL, TimedWord, Visual, Warning};
pub use raster::{Picture, Rasterizer};
pub use select::select;

use engine::run::Cancel;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How lessons are imported.
#[derive(Clone)]
pub struct ImportOptions {
    /// Where converted decks are kept; made when missing. Default: `$XDG_CACHE_HOME/lectern/decks`.
    pub cache_dir: PathBuf,
    /// The LibreOffice program, as a path or a name on `PATH`. Default: `soffice`.
    pub libreoffice: PathBuf,
    /// How long one conversion may take before it is stopped. Default: 120 s.
    pub libreoffice_timeout: Duration,
    /// Language of the narration as a BCP 47 tag; `None` = as the source says, else `en`.
    pub language: Option<String>,
    /// Stops an import under way, LibreOffice with it, with [`LessonError::Cancelled`]. Default: nobody does.
    pub cancel: Cancel,
}

impl Default for ImportOptions {
    fn default() -> ImportOptions {
        let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
        let cache =
            cache.or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache"))).unwrap_or_else(std::env::temp_dir);
        ImportOptions {
            cache_dir: cache.join("lectern/decks"),
            libreoffice: "soffice".into(),
            libreoffice_timeout: Duration::from_secs(120),
            language: None,
            cancel: Cancel::default(),
        }
    }
}

/// Reads a lesson from a deck, a PDF, a lesson file, or a folder of pictures or with a `lesson.yaml` in it, and checks it.
///
/// # Errors
/// One error that names the file, the slide if it is one slide's fault, the cause and what to change.
pub fn import(path: &Path, options: &ImportOptions) -> Result<Lesson, LessonError> {
    use sniff::Kind;
    let meta = std::fs::metadata(path).map_err(LessonError::read(path))?;
    if meta.is_dir() && path.join("lesson.yaml").is_file() {
        return import(&path.join("lesson.yaml"), options);
    }
    let lesson = if meta.is_dir() {
        folder::import(path, options)?
    } else {
        let (bytes, hash) = limits::read_file(path)?;
        match sniff::kind(path, &bytes)? {
            Kind::Deck(format) => deck::import(path, &bytes, format, options)?,
            Kind::Pdf => pdf::import(path, bytes, hash, options)?,
            Kind::Lesson => file::import(path, options)?,
        }
    };
    check(&lesson, path)?;
    Ok(lesson)
}

/// Text on one line, at most 120 characters, for titles.
fn one_line(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(120) {
        Some((end, _)) => format!("{}…", line[..end].trim_end()),
        None => line,
    }
}

/// A lesson id made of a file name: letters without marks, digits, `-` and `_`.
fn slug(name: &str) -> String {
    let mut id = String::new();
    for c in name.chars() {
        match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '_' => id.push(c),
            _ if !id.is_empty() && !id.ends_with('-') => id.push('-'),
            _ => {}
        }
    }
    id.truncate(64);
    let id = id.trim_end_matches('-');
    if id.is_empty() { "lesson".into() } else { id.into() }
}
