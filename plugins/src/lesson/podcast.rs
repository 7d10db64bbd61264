//! Lessons to be heard alone: a conversation of a host and a guest, one slide a chapter.
//!
//! It comes from a script (`HOST: …`, `GUEST: …`; Markdown headings begin chapters), or is made by the script writer of what the slides of a
//! deck, a document or a lesson say. In the narrations a mark says who speaks: `[voice host]`, `[voice guest]`.

use super::content::{self, Format};
use super::error::LessonError;
use super::limits::{self, check, check_narration};
use super::model::{Lesson, Narration, SILENT_SLIDE, Slide, Visual, Warning};
use super::sniff::{self, Kind};
use super::{ImportOptions, ReadAs, script, short_title, slug};
use crate::writer::{Notes, Scene, Speaks, Turn, cast, speaker, turns};
use engine::cue::Placement;
use std::path::Path;

/// The ground of its slides, for whom it is shown to.
const GROUND: [u8; 3] = [24, 28, 36];

/// Reads a conversation from a script, or has one written about a deck, a document or a lesson.
///
/// # Errors
/// Those of [`import`](super::import); in a script, what cannot be read of it.
pub fn podcast(path: &Path, options: &ImportOptions) -> Result<Lesson, LessonError> {
    let kind = match std::fs::metadata(path) {
        Ok(meta) if meta.is_file() => {
            let (bytes, _) = limits::read_file(path)?;
            Some(sniff::kind(path, &bytes)?)
        }
        _ => None,
    };
    if let Some(Kind::Content(Format::Plain | Format::Markdown)) = kind {
        let text = limits::read_text(path)?;
        if is_script(&text) {
            return read(path, &text, options);
        }
    }
    // The pages of a PDF say nothing by themselves, its text does.
    let read_as = if matches!(kind, Some(Kind::Pdf)) && options.read_as == ReadAs::Usual { ReadAs::Content } else { options.read_as };
    let lesson = super::import(path, &ImportOptions { read_as, ..options.clone() })?;
    // One that was written before, and perhaps changed by hand.
    if dialogue(&lesson).is_empty() { converse(path, lesson, options) } else { Ok(lesson) }
}

/// The first line that is no heading has a speaker.
fn is_script(text: &str) -> bool {
    let lines = text.lines().map(str::trim);
    let mut lines = lines.filter(|line| !line.is_empty() && script::heading(line).is_none() && !line.starts_with("<!--"));
    let said = |line: &str| speaker(line).is_some();
    lines.next().is_some_and(said) && lines.any(said)
}

fn read(path: &Path, text: &str, options: &ImportOptions) -> Result<Lesson, LessonError> {
    let mut chapters: Vec<(String, String)> = Vec::new();
    for line in text.lines() {
        match (script::heading(line.trim()), chapters.last_mut()) {
            (Some(title), _) => chapters.push((short_title(title), String::new())),
            (None, Some((_, said))) => {
                said.push_str(line);
                said.push('\n');
            }
            (None, None) => chapters.push((String::new(), format!("{line}\n"))),
        }
    }
    let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let title = chapters.iter().map(|(title, _)| title).find(|title| !title.is_empty()).cloned().unwrap_or_else(|| short_title(&name));
    let mut names = cast(text);
    let mut slides = Vec::new();
    for (heading, said) in chapters {
        let turns = turns(&said, &mut names).map_err(|cause| LessonError::invalid(path, cause))?;
        // A title alone is that of the whole.
        if !turns.is_empty() {
            let title = if heading.is_empty() { title.clone() } else { heading };
            slides.push(chapter(path, slides.len() + 1, title, &turns)?);
        }
    }
    let lesson = Lesson {
        id: slug(&name),
        title,
        language: options.language.clone().or_else(|| options.brief.language.clone()).unwrap_or_else(|| "en".into()),
        size: (16, 9),
        voices: Default::default(),
        pronounce: Default::default(),
        slides,
        warnings: Vec::new(),
    };
    check(&lesson, path)?;
    Ok(lesson)
}

/// The conversation about what a lesson says.
fn converse(path: &Path, lesson: Lesson, options: &ImportOptions) -> Result<Lesson, LessonError> {
    let scene = |slide: &Slide| Scene {
        title: slide.title.clone(),
        text: match &slide.narration {
            Narration::Text(text) => text.clone(),
            Narration::Audio { .. } | Narration::Silence(_) => String::new(),
        },
    };
    let scenes: Vec<Scene> = lesson.slides.iter().map(scene).collect();
    if scenes.iter().all(|scene| scene.text.trim().is_empty()) {
        return Err(LessonError::Empty {
            path: path.into(),
            cause: "says nothing; a conversation is made of speaker notes or of a text".into(),
        });
    }
    let mut notes = Notes::default();
    let writer = content::writer(path, options)?;
    let conversation = writer.converse(&scenes, &lesson.language, &options.brief, &mut notes).map_err(LessonError::writer(path))?;
    let mut slides = Vec::new();
    for (scene, turns) in scenes.iter().zip(&conversation) {
        if !turns.is_empty() {
            slides.push(chapter(path, slides.len() + 1, scene.title.clone(), turns)?);
        }
    }
    // What the pictures lack nobody misses here.
    let warnings = lesson.warnings.into_iter().filter(|warning| warning.slide.is_none());
    let warnings = warnings.chain(notes.into_vec().into_iter().map(|text| Warning { slide: None, text })).collect();
    let lesson = Lesson { slides, warnings, size: (16, 9), ..lesson };
    check(&lesson, path)?;
    Ok(lesson)
}

/// A chapter as a slide.
fn chapter(path: &Path, number: usize, title: String, turns: &[Turn]) -> Result<Slide, LessonError> {
    let said = |turn: &Turn| format!("[voice {}] {}", turn.who.name(), turn.text);
    let text = turns.iter().map(said).collect::<Vec<_>>().join("\n");
    check_narration(&text).map_err(|cause| LessonError::Slide { path: path.into(), slide: number, cause })?;
    Ok(Slide {
        id: format!("chapter-{number}"),
        number,
        title,
        visual: Visual::Color(GROUND),
        narration: if text.trim().is_empty() { Narration::Silence(SILENT_SLIDE) } else { Narration::Text(text) },
        voice: None,
        presenter: Placement { visible: false, ..Placement::default() },
        overlays: Vec::new(),
        transition: None,
        duration: None,
    })
}

/// The turns of a chapter's narration, by its marks; none where nobody is named.
pub fn turns_of(narration: &str) -> Vec<Turn> {
    let turn = |part: &str| {
        let (name, text) = part.split_once(']')?;
        let who = if name.trim() == Speaks::Guest.name() { Speaks::Guest } else { Speaks::Host };
        Some(Turn { who, text: text.trim().to_owned() })
    };
    narration.split("[voice ").skip(1).filter_map(turn).collect()
}

/// All turns of a lesson that is a conversation.
pub fn dialogue(lesson: &Lesson) -> Vec<Turn> {
    let said = |slide: &Slide| if let Narration::Text(text) = &slide.narration { turns_of(text) } else { Vec::new() };
    lesson.slides.iter().flat_map(said).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(name: &str, text: &str) -> Result<Lesson, LessonError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        podcast(&path, &ImportOptions { cache_dir: folder.path().join("cache"), ..ImportOptions::default() })
    }

    #[test]
    fn a_script_becomes_chapters_with_two_voices() {
        let lesson = made("boats.md", "# Boats\n\nHOST: Hello.\nGUEST: Hi.\n\n## Sails\nHOST: Why?\nGUEST: Wind.\nAnd water.\n").unwrap();
        assert_eq!((lesson.title.as_str(), lesson.slides.len(), lesson.slides[1].title.as_str()), ("Boats", 2, "Sails"));
        let said = |text: &str| Narration::Text(text.into());
        assert_eq!(lesson.slides[0].narration, said("[voice host] Hello.\n[voice guest] Hi."));
        assert_eq!(lesson.slides[1].narration, said("[voice host] Why?\n[voice guest] Wind.\nAnd water."));
        let turns = dialogue(&lesson);
        assert_eq!(turns[3], Turn { who: Speaks::Guest, text: "Wind.\nAnd water.".into() });
    }

    #[test]
    fn a_document_becomes_a_conversation() {
        let text = "# Sailing\n\nA sail is a wing. It bends in the wind. It pulls the boat along. What stops the boat from drifting? The keel does.\n\n\
            # Knots\n\nA knot holds a line. A good knot opens again. The bowline is the best known knot.\n";
        let lesson = made("sailing.md", text).unwrap();
        let turns = dialogue(&lesson);
        let says = |who: Speaks, text: &str| turns.iter().any(|turn| turn.who == who && turn.text.contains(text));
        assert!(says(Speaks::Guest, "keel does") && says(Speaks::Host, "What stops the boat"), "{turns:?}");
        assert!(lesson.warnings.iter().any(|warning| warning.text.contains("local writer")));
    }

    #[test]
    fn what_cannot_be_talked_about_is_refused() {
        let error = made("three.txt", "ANN: a\nBEN: b\nCID: c\n").unwrap_err().to_string();
        assert!(error.contains("third speaker") && error.contains("three.txt"), "{error}");
        let error = made("parts.md", "HOST: a\nANNA: b\n\n# Two\nGUEST: c\n").unwrap_err().to_string();
        assert!(error.contains("\"ANNA\" is a third speaker beside HOST and GUEST"), "{error}");
    }
}
