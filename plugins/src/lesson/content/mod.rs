//! Content becomes a lesson: text from Markdown, plain text, Word or PDF -> passages -> outline -> generated slides and narration.
//!
//! The script writer of the options decides what is shown and said; the look of the slides is [`design`](super::design)'s. What of the
//! document is not used, and what the writer did not do, is a warning of the lesson.

mod document;
mod docx;
mod language;
mod markdown;
mod pages;
mod pdf;
mod picture;
mod plain;
mod script;
#[cfg(test)]
mod tests;

pub(super) use document::Exhibit;
pub(crate) use language::of as language_of;
pub(super) use pages::of_pages;
pub(super) use picture::Picture;
pub(super) use script::{follow, writer};

use super::design::{Design, Page};
use super::error::LessonError;
use super::limits::{check_count, check_narration};
use super::model::{Lesson, Narration, SILENT_SLIDE, Slide, Visual, Warning};
use super::pdf::Document as Pdf;
use super::{ImportOptions, pdf_guard, short_title, slug};
use crate::writer::{Content, Notes, Outline, Role};
use document::{Document, passages};
use std::collections::BTreeMap;
use std::path::Path;

/// Kinds of documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Markdown,
    Plain,
    Docx,
    Pdf,
}

/// Imports the document in `bytes`, which came from `path`.
pub(super) fn import(path: &Path, bytes: Vec<u8>, format: Format, options: &ImportOptions) -> Result<Lesson, LessonError> {
    let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let mut document = read(path, bytes, format, options)?;
    let language = language(&document, format, options);
    let mut notes: Vec<String> = std::mem::take(&mut document.warnings);
    let (content, exhibits, remarks) = passages(document, &name.replace(['_', '-'], " "), &language);
    notes.extend(remarks);
    if content.passages.is_empty() {
        let told = notes.first().map(|note| format!(" ({note})")).unwrap_or_default();
        return Err(LessonError::Empty { path: path.into(), cause: format!("has no text to make a lesson of{told}") });
    }
    let mut own = Notes::default();
    let written = script::write(path, &content, options, &mut own)?;
    notes.extend(own.into_vec());
    let lesson = lesson(path, written, content, exhibits, options.design)?;
    Ok(Lesson { id: slug(&name), warnings: notes.into_iter().map(|text| Warning { slide: None, text }).collect(), ..lesson })
}

fn read(path: &Path, bytes: Vec<u8>, format: Format, options: &ImportOptions) -> Result<Document, LessonError> {
    match format {
        Format::Docx => docx::read(path, &bytes, options),
        Format::Pdf => {
            pdf_guard::check(path, &bytes)?;
            let document = Pdf::parse(path, bytes)?;
            check_count(path, document.pages())?;
            pdf::read(&document, options)
        }
        Format::Markdown | Format::Plain => {
            let text = text(path, &bytes)?;
            Ok(if format == Format::Markdown { markdown::read(&text, path) } else { plain::read(&text) })
        }
    }
}

/// UTF-8, or UTF-16 with a byte order mark; line ends become `\n`.
pub(super) fn text(path: &Path, bytes: &[u8]) -> Result<String, LessonError> {
    let units = |read: fn([u8; 2]) -> u16| {
        String::from_utf16(&bytes[2..].chunks_exact(2).map(|pair| read([pair[0], pair[1]])).collect::<Vec<_>>()).ok()
    };
    let text = match bytes {
        [0xff, 0xfe, ..] => units(u16::from_le_bytes),
        [0xfe, 0xff, ..] => units(u16::from_be_bytes),
        _ => std::str::from_utf8(bytes).ok().map(str::to_string),
    };
    let text = text.ok_or_else(|| LessonError::invalid(path, "it is not UTF-8 text; save it as UTF-8"))?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(&text).replace("\r\n", "\n").replace('\r', "\n"))
}

/// The language of the text: as told, as its author wrote it into Markdown, as it reads, as a word processor thinks.
fn language(document: &Document, format: Format, options: &ImportOptions) -> String {
    let stated = document.language.clone();
    let (sure, guess) = if format == Format::Markdown { (stated, None) } else { (None, stated) };
    let sample = || {
        let text: Vec<&str> = document
            .blocks
            .iter()
            .filter_map(|block| match block {
                document::Block::Prose(text) | document::Block::Quote(text) | document::Block::Heading(_, text) => Some(text.as_str()),
                document::Block::List(items) => items.first().map(String::as_str),
                _ => None,
            })
            .take(60)
            .collect();
        language::of(&text.join(" ")).map(str::to_string)
    };
    options.language.clone().or(sure).or_else(sample).or(guess).unwrap_or_else(|| "en".into())
}

/// Puts slides and narration together.
fn lesson(
    path: &Path,
    written: script::Written,
    content: Content,
    exhibits: Vec<Option<Exhibit>>,
    design: Design,
) -> Result<Lesson, LessonError> {
    let script::Written { outline, script, language, words } = written;
    let exhibits: Vec<Option<Exhibit>> = exhibits.into_iter().map(|exhibit| exhibit.map(|exhibit| words.exhibit(exhibit))).collect();
    let mut names: BTreeMap<String, usize> = BTreeMap::new();
    let count = outline.slides.len();
    check_count(path, count)?;
    let mut slides = Vec::new();
    for (index, (planned, said)) in outline.slides.iter().zip(script).enumerate() {
        let exhibit = planned.passages.iter().find_map(|passage| exhibits[*passage].as_ref());
        let page = Page {
            role: planned.role,
            title: &planned.title,
            points: &planned.points,
            exhibit,
            lecture: &outline.title,
            number: (index + 1, count),
            language: &language,
        };
        let (canvas, presenter) = design.slide(&page);
        let said = said.trim_end().to_string();
        check_narration(&said).map_err(|cause| LessonError::Slide { path: path.into(), slide: index + 1, cause })?;
        let title = if planned.title.is_empty() { format!("Slide {}", index + 1) } else { short_title(&planned.title) };
        slides.push(Slide {
            id: id(planned.role, &planned.title, &mut names),
            number: index + 1,
            title,
            visual: Visual::Canvas(canvas.into()),
            narration: if said.trim().is_empty() { Narration::Silence(SILENT_SLIDE) } else { Narration::Text(said) },
            voice: None,
            presenter,
            overlays: Vec::new(),
            transition: None,
            duration: None,
        });
    }
    let title = if outline.title.is_empty() { content.title } else { outline.title };
    Ok(Lesson {
        id: String::new(),
        title: short_title(&title),
        language,
        size: design.shape.ratio(),
        voices: Default::default(),
        pronounce: Default::default(),
        slides,
        warnings: Vec::new(),
    })
}

/// A name that stays with the slide when others are added: made of its title.
fn id(role: Role, title: &str, names: &mut BTreeMap<String, usize>) -> String {
    let base = match role {
        Role::Title => "title".to_string(),
        Role::Agenda => "agenda".into(),
        Role::Closing => "closing".into(),
        Role::Chapter => format!("chapter-{}", slug(title)),
        Role::Points => slug(&title.to_lowercase()),
    };
    let base: String = base.chars().take(56).collect();
    let count = names.entry(base.clone()).or_default();
    *count += 1;
    if *count == 1 { base } else { format!("{base}--{count}") }
}

/// All texts that are seen on the slides of an outline.
fn seen(outline: &Outline) -> impl Iterator<Item = &String> {
    std::iter::once(&outline.title).chain(outline.slides.iter().flat_map(|slide| std::iter::once(&slide.title).chain(&slide.points)))
}
