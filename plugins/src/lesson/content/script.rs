//! The work with a script writer: from content to outline and words, and from words that are there to those that are wished for.

use super::super::ImportOptions;
use super::super::error::LessonError;
use super::super::model::{Lesson, Narration, Warning};
use super::document::Exhibit;
use super::{language, seen};
use crate::writer::{Brief, Chat, ChatSettings, Content, Local, Notes, Outline, SharedWriter, same_language};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// What a writer made of content.
pub(super) struct Written {
    pub outline: Outline,
    /// What is said at each slide.
    pub script: Vec<String>,
    /// Of both.
    pub language: String,
    /// How texts of the content read in that language.
    pub words: Words,
}

/// Texts by what they were before they were translated.
#[derive(Default)]
pub(super) struct Words(BTreeMap<String, String>);

impl Words {
    fn of(&self, text: &str) -> String {
        self.0.get(text).cloned().unwrap_or_else(|| text.to_string())
    }

    /// What is shown, in the language of the lesson. Source code stays.
    pub fn exhibit(&self, exhibit: Exhibit) -> Exhibit {
        match exhibit {
            Exhibit::Picture(mut picture) => {
                picture.text = self.of(&picture.text);
                Exhibit::Picture(picture)
            }
            Exhibit::Quote(text) => Exhibit::Quote(self.of(&text)),
            Exhibit::Table(rows) => Exhibit::Table(rows.iter().map(|row| row.iter().map(|cell| self.of(cell)).collect()).collect()),
            Exhibit::Code(code) => Exhibit::Code(code),
        }
    }
}

/// The writer of the options: the one given, else that of the environment, else the local one.
pub(in super::super) fn writer(path: &Path, options: &ImportOptions) -> Result<SharedWriter, LessonError> {
    if let Some(writer) = &options.writer {
        return Ok(writer.clone());
    }
    let wrong = LessonError::writer(path);
    match ChatSettings::from_env(None).map_err(&wrong)? {
        None => Ok(Arc::new(Local)),
        Some(settings) => {
            let settings = ChatSettings { answers: Some(options.cache_dir.join("answers")), ..settings };
            Ok(Arc::new(Chat::open(settings, options.cancel.clone()).map_err(&wrong)?))
        }
    }
}

/// Plans the slides and writes what is said at them.
pub(super) fn write(path: &Path, content: &Content, options: &ImportOptions, notes: &mut Notes) -> Result<Written, LessonError> {
    let writer = writer(path, options)?;
    let (brief, wrong) = (&options.brief, LessonError::writer(path));
    let points = writer.analyse(content, brief, notes).map_err(&wrong)?;
    let mut outline = writer.outline(content, &points, brief, notes).map_err(&wrong)?;
    let mut script = writer.write(content, &outline, brief, notes).map_err(&wrong)?;
    let wanted = brief.language.clone().filter(|wanted| !same_language(wanted, &content.language));
    let Some(wanted) = wanted else { return Ok(Written { outline, script, language: content.language.clone(), words: Words::default() }) };
    // Everything that is said or seen, in one go: the same words read the same everywhere.
    let cells = content.passages.iter().flat_map(|passage| &passage.parts).flat_map(|part| match part {
        crate::writer::Part::Table(rows) => rows.iter().flatten().cloned().collect(),
        crate::writer::Part::Quote(text) | crate::writer::Part::Picture(text) => vec![text.clone()],
        _ => Vec::new(),
    });
    let mut texts: Vec<String> =
        seen(&outline).cloned().chain(script.iter().cloned()).chain(cells).filter(|text| !text.trim().is_empty()).collect();
    texts.sort();
    texts.dedup();
    let translated = writer.translate(&texts, &content.language, &wanted, notes).map_err(&wrong)?;
    let Some(translated) = translated else {
        return Ok(Written { outline, script, language: content.language.clone(), words: Words::default() });
    };
    let words = Words(texts.into_iter().zip(translated).collect());
    outline.title = words.of(&outline.title);
    for slide in &mut outline.slides {
        slide.title = words.of(&slide.title);
        slide.points = slide.points.iter().map(|point| words.of(point)).collect();
    }
    script.iter_mut().for_each(|text| *text = words.of(text));
    Ok(Written { outline, script, language: wanted, words })
}

/// Changes the narration of a lesson that has one already as the brief wishes. Its slides stay as they are.
pub(in super::super) fn follow(path: &Path, mut lesson: Lesson, options: &ImportOptions) -> Result<Lesson, LessonError> {
    let brief = &options.brief;
    if brief.is_empty() {
        return Ok(lesson);
    }
    let said: Vec<usize> = (0..lesson.slides.len()).filter(|index| matches!(lesson.slides[*index].narration, Narration::Text(_))).collect();
    let mut script: Vec<String> = said
        .iter()
        .filter_map(|index| match &lesson.slides[*index].narration {
            Narration::Text(text) => Some(text.clone()),
            _ => None,
        })
        .collect();
    if script.is_empty() {
        return Ok(lesson);
    }
    let (writer, wrong) = (writer(path, options)?, LessonError::writer(path));
    let mut notes = Notes::default();
    if brief.slides.is_some() {
        notes.add("a number of slides was asked for, but the slides are those of the file; choose some of them with --slides");
    }
    // Decks seldom say their language, and are then taken for English.
    let found = language::of(&script.join(" ")).filter(|_| options.language.is_none()).map(str::to_string);
    let language = found.unwrap_or_else(|| lesson.language.clone());
    let wishes = Brief { language: None, slides: None, ..brief.clone() };
    if !wishes.is_empty() {
        let revised = writer.revise(&script, &language, &wishes, &mut notes).map_err(&wrong)?;
        // A slide whose words were all left out is silent; one that had some and lost them is told of.
        script = revised;
    }
    if let Some(wanted) = brief.language.as_ref().filter(|wanted| !same_language(wanted, &language)) {
        let titles: Vec<String> = lesson.slides.iter().map(|slide| slide.title.clone()).collect();
        let texts: Vec<String> = script.iter().chain(&titles).chain([&lesson.title]).cloned().collect();
        if let Some(mut translated) = writer.translate(&texts, &language, wanted, &mut notes).map_err(&wrong)? {
            lesson.title = super::short_title(&translated.pop().unwrap_or_default());
            let titles = translated.split_off(script.len());
            lesson.slides.iter_mut().zip(titles).for_each(|(slide, title)| slide.title = super::short_title(&title));
            script = translated;
            lesson.language.clone_from(wanted);
            notes.add("what is written on the slides was not translated: it is part of their pictures");
        }
    }
    for (index, text) in said.into_iter().zip(script) {
        let text = text.trim_end().to_string();
        lesson.slides[index].narration =
            if text.trim().is_empty() { Narration::Silence(super::super::model::SILENT_SLIDE) } else { Narration::Text(text) };
    }
    lesson.warnings.extend(notes.into_vec().into_iter().map(|text| Warning { slide: None, text }));
    Ok(lesson)
}
