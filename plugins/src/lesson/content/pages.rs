//! What is said at the pages of a document that stay as they are: made of their text by the script writer.

use super::super::ImportOptions;
use super::super::error::LessonError;
use super::super::pdf::Document as Pdf;
use super::document::Block;
use super::{language, pdf};
use crate::writer::{Content, Notes, Outline, Part, Passage, Planned, Role, clip};
use std::path::Path;

/// What is said at one page.
#[derive(Debug, Default)]
pub(in super::super) struct Spoken {
    /// The page's own heading; may be empty.
    pub title: String,
    /// Paragraphs, one a line; may be empty.
    pub text: String,
}

/// Words for each page, their language and the writer's remarks.
type Words = (Vec<Spoken>, String, Vec<String>);

/// Words for the pages; `None` when they have no text.
pub(in super::super) fn of_pages(path: &Path, document: &Pdf, title: &str, options: &ImportOptions) -> Result<Option<Words>, LessonError> {
    let pages = pdf::pages(document)?;
    let passages: Vec<Passage> = pages.into_iter().map(passage).collect();
    let all: Vec<String> = passages.iter().map(|passage| format!("{} {}", passage.heading, passage.text())).collect();
    if passages.iter().all(|passage| passage.parts.is_empty()) {
        return Ok(None);
    }
    let language = options.language.clone().or_else(|| language::of(&all.join(" ")).map(str::to_string)).unwrap_or_else(|| "en".into());
    let content = Content { title: title.into(), language: language.clone(), passages };
    let slides = content.passages.iter().enumerate().map(|(index, passage)| Planned {
        role: Role::Points,
        title: passage.heading.clone(),
        points: Vec::new(),
        passages: vec![index],
    });
    let outline = Outline { title: title.into(), slides: slides.collect() };
    let writer = super::writer(path, options)?;
    let mut notes = Notes::default();
    let script = writer.write(&content, &outline, &options.brief, &mut notes).map_err(LessonError::writer(path))?;
    let spoken = content.passages.into_iter().zip(script).map(|(passage, text)| Spoken { title: clip(&passage.heading, 100), text });
    Ok(Some((spoken.collect(), language, notes.into_vec())))
}

/// A page as a passage: its first heading is its title, the others are said.
fn passage(blocks: Vec<Block>) -> Passage {
    let mut passage = Passage::default();
    for block in blocks {
        match block {
            Block::Heading(_, text) if passage.heading.is_empty() && passage.parts.is_empty() => passage.heading = text,
            Block::Heading(_, text) | Block::Prose(text) | Block::Quote(text) => passage.parts.push(Part::Prose(text)),
            Block::List(items) => passage.parts.push(Part::List(items)),
            Block::Table(rows) => passage.parts.push(Part::Table(rows)),
            Block::Code(_) | Block::Picture(_) => {}
        }
    }
    // A page with a title alone says it.
    if passage.parts.is_empty() && !passage.heading.is_empty() {
        passage.parts.push(Part::List(vec![passage.heading.clone()]));
    }
    passage
}
