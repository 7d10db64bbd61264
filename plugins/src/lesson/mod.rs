//! Lessons: what is to be said and shown, and the importers that read them.
//!
//! A [`Lesson`] is a plain value: slides with a picture, a narration and a place for the presenter. [`import`] makes one from a deck
//! (`.pptx`, `.odp`, `.ppt`), a PDF, a folder of pictures and films, a film, a lesson file, the JSON of another system or the address of a
//! Google Slides presentation; [`check`] holds it against the limits; its hashes name
//! its content whatever the paths; [`Rasterizer`] draws its pictures; [`export`] writes it as `lesson.yaml`, which can be edited by
//! hand and read again. Importers recognise a file by its content. Nothing here panics or hangs on a bad file.

pub mod canvas;
mod clip;
mod confine;
mod deck;
mod error;
mod export;
mod file;
mod folder;
mod fonts;
mod frames;
mod google_slides;
mod hash;
mod in_use;
mod join;
mod json;
mod limits;
mod model;
mod odp;
mod office;
mod package;
mod pdf;
mod pdf_guard;
mod pptx;
mod raster;
mod script;
mod select;
mod sniff;
mod source;
mod workshop;
mod xml;
mod yaml;

#[cfg(test)]
mod tests;

pub use error::LessonError;
pub use export::export;
pub use file::schema;
pub use frames::{FramesError, numbered};
pub use google_slides::{GoogleSlides, Patience};
pub use hash::ContentHash;
pub use in_use::{import_for, import_shared};
pub use join::join;
pub use limits::{MAX_CAPTURE, MAX_FILE_BYTES, MAX_NARRATION_CHARS, MAX_PIXELS, MAX_SLIDE, MAX_SLIDES, MAX_TRANSITION, check, is_id};
pub use model::{
    Capture, Clip, Frames, LEAD_IN, Lesson, Narration, Overlay, OverlayRole, SILENT_EMBED, SILENT_SLIDE, Slide, TAIL, TimedWord, Visual, Warning,
};
pub(crate) use raster::read_picture;
pub use raster::{Picture, Rasterizer};
pub use select::select;
pub use source::{address, check_source, fetch};

use engine::run::Cancel;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How lessons are imported.
#[derive(Clone)]
pub struct ImportOptions {
    /// Where converted decks and presentations from the web are kept; made when missing. Default: `$XDG_CACHE_HOME/lectern/decks`.
    pub cache_dir: PathBuf,
    /// The LibreOffice program, as a path or a name on `PATH`. Default: `soffice`.
    pub libreoffice: PathBuf,
    /// How long one conversion may take before it is stopped. Default: 120 s.
    pub libreoffice_timeout: Duration,
    /// Language of the narration as a BCP 47 tag; `None` = as the source says, else `en`.
    pub language: Option<String>,
    /// How presentations on the web are reached.
    pub google_slides: GoogleSlides,
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
            google_slides: GoogleSlides::default(),
            cancel: Cancel::default(),
        }
    }
}

/// Reads a lesson from a deck, a PDF, a lesson file (YAML or JSON), a film, a folder of pictures and films or with a `lesson.yaml` or
/// `lesson.json` in it, or a presentation on the web by its address, and checks it.
///
/// # Errors
/// One error that names the file, the slide if it is one slide's fault, the cause and what to change.
pub fn import(path: &Path, options: &ImportOptions) -> Result<Lesson, LessonError> {
    use sniff::Kind;
    let path = fetch(path, options)?;
    let path = path.as_path();
    let meta = std::fs::metadata(path).map_err(LessonError::read(path))?;
    if meta.is_dir() {
        for name in ["lesson.yaml", "lesson.json"] {
            if path.join(name).is_file() {
                return import(&path.join(name), options);
            }
        }
    }
    let lesson = if meta.is_dir() && path.join(google_slides::FILE).is_file() {
        google_slides::import(path, options)?
    } else if meta.is_dir() {
        folder::import(path, options)?
    } else if clip::is_film(path)? {
        clip::import(path, options)?
    } else {
        let (bytes, hash) = limits::read_file(path)?;
        match sniff::kind(path, &bytes)? {
            Kind::Deck(format) => deck::import(path, &bytes, format, options)?,
            Kind::Pdf => pdf::import(path, bytes, hash, options)?,
            Kind::Lesson => file::import(path, options)?,
            Kind::Json => json::import(path, options)?,
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
