//! Lessons: what is to be said and shown, and the importers that read them.
//!
//! A [`Lesson`] is a plain value: slides with a picture, a narration and a place for the presenter. [`import`] makes one from a deck
//! (`.pptx`, `.odp`, `.ppt`), a PDF, a folder of pictures and films, a film, a lesson file, the JSON of another system or the address of a
//! Google Slides presentation, or from content (`.md`, `.txt`, `.docx`, a PDF's text), for which slides and narration are written;
//! [`check`] holds it against the limits; its hashes name
//! its content whatever the paths; [`Rasterizer`] draws its pictures; [`export`] writes it as `lesson.yaml`, which can be edited by
//! hand and read again. Importers recognise a file by its content. Nothing here panics or hangs on a bad file.

mod bullets;
pub mod canvas;
mod clip;
mod confine;
mod content;
mod deck;
mod design;
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
mod marks;
mod model;
mod odp;
mod office;
mod overlay;
mod package;
mod pdf;
mod pdf_glyphs;
mod pdf_guard;
mod podcast;
mod pptx;
mod pronounce;
mod raster;
mod script;
mod select;
mod sniff;
mod source;
mod transition;
mod workshop;
mod xml;
mod yaml;

#[cfg(test)]
mod tests;

pub(crate) use content::language_of;
pub use design::{Design, Proportions, Theme};
pub use error::LessonError;
pub use export::export;
pub use file::schema;
pub use frames::{FramesError, numbered};
pub use google_slides::{GoogleSlides, Patience};
pub use hash::ContentHash;
pub use in_use::{import_for, import_shared};
pub use join::join;
pub use limits::{
    MAX_BULLET_CHARS, MAX_BULLETS, MAX_CAPTURE, MAX_FILE_BYTES, MAX_NARRATION_CHARS, MAX_PIXELS, MAX_SLIDE, MAX_SLIDES, MAX_TRANSITION,
    check, is_id,
};
pub use model::{
    Capture, Clip, Frames, LEAD_IN, Lesson, Narration, SILENT_EMBED, SILENT_SLIDE, Slide, Speaker, TAIL, TimedWord, Visual, Warning,
};
pub use overlay::{Overlay, OverlayRole};
pub use podcast::{dialogue, podcast, turns_of};
pub use pronounce::{Pronunciations, Said};
pub use raster::{Picture, Rasterizer};
pub(crate) use raster::{image_size, read_picture};
pub use select::select;
pub use source::{address, check_source, fetch};
pub use transition::TransitionSetting;

use crate::writer::{Brief, SharedWriter};
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
    /// Who writes what is to be said; `None` = the writer of the environment (`LECTERN_WRITER_URL`), else the local one.
    pub writer: Option<SharedWriter>,
    /// What the lecture should be like. For a deck it changes the narration, for content also the slides.
    pub brief: Brief,
    /// What to make of a document that could be either.
    pub read_as: ReadAs,
    /// How generated slides look.
    pub design: Design,
    /// Slides get bullets, made of what is said on them, where the lesson has none.
    pub bullets: bool,
    /// A folder with pictures of slides for lesson files (JSON) that have none beside them: numbered PNGs in it, or in folders in it that are
    /// named like slides or their positions. Default: none.
    pub frames: Option<PathBuf>,
    /// Stops an import under way, LibreOffice with it, with [`LessonError::Cancelled`]. Default: nobody does.
    pub cancel: Cancel,
}

/// Whether a document is shown as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReadAs {
    /// Decks and PDFs as slides, everything else as content.
    #[default]
    Usual,
    /// As slides, or not at all.
    Slides,
    /// As content for new slides.
    Content,
}

impl ImportOptions {
    /// Whether they make another lesson of a file than the default ones.
    pub fn to_order(&self) -> bool {
        self.writer.is_some() || !self.brief.is_empty() || self.read_as != ReadAs::Usual || self.design != Design::default() || self.bullets
    }
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
            writer: None,
            brief: Brief::default(),
            read_as: ReadAs::default(),
            design: Design::default(),
            bullets: false,
            frames: None,
            cancel: Cancel::default(),
        }
    }
}

/// Reads a lesson from a deck, a PDF, a document, a lesson file (YAML or JSON), a film, a folder of pictures and films or with a
/// `lesson.yaml` or `lesson.json` in it, or a presentation on the web by its address, and checks it.
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
        let lesson = google_slides::import(path, options)?;
        content::follow(path, as_slides(path, lesson, "a presentation", options)?, options)?
    } else if meta.is_dir() {
        let lesson = folder::import(path, options)?;
        content::follow(path, as_slides(path, lesson, "a folder of pictures", options)?, options)?
    } else if clip::is_film(path)? {
        as_slides(path, clip::import(path, options)?, "a film", options)?
    } else {
        let (bytes, hash) = limits::read_file(path)?;
        match (sniff::kind(path, &bytes)?, options.read_as) {
            (Kind::Deck(format), _) => {
                let lesson = deck::import(path, &bytes, format, options)?;
                content::follow(path, as_slides(path, lesson, "a deck", options)?, options)?
            }
            (Kind::Pdf, ReadAs::Content) => content::import(path, bytes, content::Format::Pdf, options)?,
            (Kind::Pdf, _) => pdf::import(path, bytes, hash, options)?,
            (Kind::Lesson, _) => content::follow(path, as_slides(path, file::import(path, options)?, "a lesson file", options)?, options)?,
            (Kind::Json, _) => content::follow(path, as_slides(path, json::import(path, options)?, "a lesson file", options)?, options)?,
            (Kind::Content(_), ReadAs::Slides) => {
                let found = "a text, which has no slides of its own".to_string();
                return Err(LessonError::Unsupported { path: path.into(), found });
            }
            (Kind::Content(format), _) => content::import(path, bytes, format, options)?,
        }
    };
    let lesson = marks::take(lesson);
    let lesson = if options.bullets { bullets::add(path, lesson, options)? } else { lesson };
    check(&lesson, path)?;
    Ok(lesson)
}

/// What has slides of its own cannot be read as content for new ones.
fn as_slides(path: &Path, lesson: Lesson, what: &str, options: &ImportOptions) -> Result<Lesson, LessonError> {
    match options.read_as {
        ReadAs::Content => {
            Err(LessonError::invalid(path, format!("it is {what}, and only documents (.pdf, .docx, .md, .txt) are read as content")))
        }
        ReadAs::Usual | ReadAs::Slides => Ok(lesson),
    }
}

/// Text on one line, at most 120 characters, for titles.
fn short_title(text: &str) -> String {
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
