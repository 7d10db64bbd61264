//! Slide decks (`.pptx`, `.odp`, `.ppt`): the words come from the file's own XML, the pictures from LibreOffice.
//!
//! LibreOffice is told to print hidden slides as well, so page n is always slide n and skipping is ours; a document with another
//! number of pages is refused instead of guessed at. The PDF is cached under the hash of what the slides *show*: a change of notes
//! costs no conversion.

use super::error::LessonError;
use super::fonts::Fonts;
use super::hash::{Canon, ContentHash};
use super::limits::check_narration;
use super::model::{Lesson, Narration, SILENT_SLIDE, Slide, Visual, Warning};
use super::package::Package;
use super::pdf::Document;
use super::{ImportOptions, language_of, odp, office, pptx, slug};
use engine::cue::{Placement, Transition};
use std::collections::BTreeSet;
use std::path::Path;

/// What a deck file says, before LibreOffice draws it.
pub(super) struct Deck {
    pub title: Option<String>,
    pub language: Option<String>,
    pub size: (u32, u32),
    /// All slides, hidden ones too, in the order of the show.
    pub slides: Vec<DeckSlide>,
    /// Font families that the deck as a whole asks for.
    pub fonts: BTreeSet<String>,
}

/// What a deck file says about one slide.
pub(super) struct DeckSlide {
    pub id: String,
    pub title: Option<String>,
    /// Paragraphs, one a line; empty when there are none.
    pub notes: String,
    pub hidden: bool,
    /// Of all that shapes its picture.
    pub picture: ContentHash,
    pub transition: Option<Transition>,
    /// What will not be shown.
    pub warnings: Vec<String>,
    /// Font families that the slide itself asks for.
    pub fonts: BTreeSet<String>,
}

/// The formats a deck may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Pptx,
    Odp,
    Ppt,
}

/// Imports the deck in `bytes`, which came from `path`.
pub(super) fn import(path: &Path, bytes: &[u8], format: Format, options: &ImportOptions) -> Result<Lesson, LessonError> {
    if format == Format::Ppt {
        // The binary format is LibreOffice's to read; its PPTX has the same slides, notes and hidden marks.
        let key = Canon::new("ppt to pptx 1").hash(ContentHash::of(bytes)).finish();
        let converted = office::convert(
            &office::Task { path, bytes, from: "ppt", to: "pptx", filter: "pptx:Impress MS PowerPoint 2007 XML", key },
            options,
        )?;
        let (bytes, _) = super::limits::read_file(&converted)?;
        return import(path, &bytes, Format::Pptx, options);
    }
    let mut package = Package::open(path, bytes)?;
    let deck = if format == Format::Odp { odp::read(&mut package)? } else { pptx::read(&mut package)? };
    if deck.slides.is_empty() {
        return Err(LessonError::Empty { path: path.into(), cause: "has no slides".into() });
    }
    if deck.slides.iter().all(|slide| slide.hidden) {
        return Err(LessonError::Empty { path: path.into(), cause: "has only hidden slides; show at least one".into() });
    }
    // Before LibreOffice works for nothing.
    for (index, slide) in deck.slides.iter().enumerate().filter(|(_, slide)| !slide.hidden) {
        check_narration(&slide.notes).map_err(|cause| LessonError::Slide { path: path.into(), slide: index + 1, cause })?;
    }
    let key = Canon::new("deck to pdf 2")
        .number(deck.size.0.into())
        .number(deck.size.1.into())
        .list(&deck.slides, |canon, slide| canon.hash(slide.picture))
        .finish();
    let extension = if format == Format::Odp { "odp" } else { "pptx" };
    let task = office::Task {
        path,
        bytes,
        from: extension,
        to: "pdf",
        filter: r#"pdf:impress_pdf_Export:{"ExportHiddenSlides":{"type":"boolean","value":"true"}}"#,
        key,
    };
    let document = office::convert(&task, options)?;
    let opened = Document::open(&document).or_else(|_| {
        // A full disk or a hand may have damaged what lay in the cache: made anew, once.
        std::fs::remove_file(&document).map_err(LessonError::write(&document))?;
        Document::open(&office::convert(&task, options)?)
    });
    let pages = opened?.pages();
    if pages != deck.slides.len() {
        return Err(LessonError::Office {
            path: path.into(),
            cause: format!(
                "the deck has {} slides, but LibreOffice made {pages} pages; save the deck as PDF and write the narration beside it",
                deck.slides.len()
            ),
        });
    }
    Ok(lesson(path, deck, &document, options))
}

fn lesson(path: &Path, deck: Deck, document: &Path, options: &ImportOptions) -> Lesson {
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let mut warnings = font_warnings(&deck);
    let mut slides = Vec::new();
    for (index, slide) in deck.slides.into_iter().enumerate().filter(|(_, slide)| !slide.hidden) {
        let number = index + 1;
        warnings.extend(slide.warnings.into_iter().map(|text| Warning { slide: Some(number), text }));
        slides.push(Slide {
            id: slide.id,
            number,
            title: slide.title.unwrap_or_else(|| format!("Slide {number}")),
            visual: Visual::Page { document: document.into(), index, hash: slide.picture },
            narration: if slide.notes.is_empty() { Narration::Silence(SILENT_SLIDE) } else { Narration::Text(slide.notes) },
            voice: None,
            presenter: Placement::default(),
            overlays: Vec::new(),
            // The first slide has none before it to come from.
            transition: slide.transition.filter(|_| !slides.is_empty()),
            duration: None,
        });
    }
    // Some writers tag no text with its language. What is read aloud in a wrong one cannot be understood.
    let detected = || {
        let texts = slides.iter().flat_map(|slide| match &slide.narration {
            Narration::Text(notes) => vec![slide.title.as_str(), notes.as_str()],
            _ => vec![slide.title.as_str()],
        });
        language_of(&texts.collect::<Vec<_>>().join(" ")).map(str::to_string)
    };
    let language = options.language.clone().or(deck.language).or_else(detected).unwrap_or_else(|| "en".into());
    warnings.sort_by_key(|warning| warning.slide);
    if slides.iter().all(|slide| matches!(slide.narration, Narration::Silence(_))) {
        warnings.insert(
            0,
            Warning {
                slide: None,
                text: "no slide has speaker notes, so nothing is said; write what the presenter says into the notes".into(),
            },
        );
    }
    Lesson {
        id: slug(&stem),
        title: deck.title.unwrap_or(stem),
        language,
        size: deck.size,
        voices: Default::default(),
        pronounce: Default::default(),
        slides,
        warnings,
    }
}

fn font_warnings(deck: &Deck) -> Vec<Warning> {
    let installed = Fonts::installed();
    let warn = |slide, font: &String| Warning {
        slide,
        text: format!(
            "the font {font:?} is not installed; another takes its place and lines may break elsewhere. Install it or choose one that is"
        ),
    };
    let mut warnings: Vec<Warning> = deck.fonts.iter().filter(|font| !installed.has(font)).map(|font| warn(None, font)).collect();
    for (index, slide) in deck.slides.iter().enumerate().filter(|(_, slide)| !slide.hidden) {
        let own = slide.fonts.iter().filter(|font| !deck.fonts.contains(*font) && !installed.has(font));
        warnings.extend(own.map(|font| warn(Some(index + 1), font)));
    }
    warnings
}
