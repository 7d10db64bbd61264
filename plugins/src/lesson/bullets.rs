//! Bullets for slides that have none: what matters in what is said on them.

use super::ImportOptions;
use super::content::writer;
use super::error::LessonError;
use super::limits::{MAX_BULLET_CHARS, MAX_BULLETS};
use super::model::{Lesson, Narration, Slide, Visual, Warning};
use super::overlay::{Overlay, OverlayRole};
use crate::writer::{Content, Notes, Part, Passage, clip, sentences};
use std::path::Path;

/// Fewer sentences need no bullets: they are heard at once.
const LEAST_SENTENCES: usize = 3;
/// Columns of a bullet: three lines of its column.
const COLUMNS: usize = 70;

/// Adds bullets to a lesson that has none. Slides that are drawn already show what matters and are left as they are.
///
/// # Errors
/// Those of the script writer.
pub(super) fn add(path: &Path, mut lesson: Lesson, options: &ImportOptions) -> Result<Lesson, LessonError> {
    let has = |slide: &Slide| slide.overlays.iter().any(|overlay| overlay.role == OverlayRole::Bullet);
    if lesson.slides.iter().any(has) {
        return Ok(lesson);
    }
    let passage = |slide: &Slide| match (&slide.narration, &slide.visual) {
        (_, Visual::Canvas(_)) | (Narration::Audio { .. } | Narration::Silence(_), _) => None,
        (Narration::Text(text), _) => {
            let said = without_marks(text);
            let parts = said.lines().filter(|line| !line.trim().is_empty()).map(|line| Part::Prose(line.into())).collect();
            (sentences(&said).len() >= LEAST_SENTENCES).then(|| Passage { heading: slide.title.clone(), parts, ..Passage::default() })
        }
    };
    let (places, passages): (Vec<usize>, Vec<Passage>) =
        lesson.slides.iter().enumerate().filter_map(|(index, slide)| Some((index, passage(slide)?))).unzip();
    if passages.is_empty() {
        return Ok(lesson);
    }
    let content = Content { title: lesson.title.clone(), language: lesson.language.clone(), passages };
    let mut notes = Notes::default();
    let found = writer(path, options)?.analyse(&content, &options.brief, &mut notes).map_err(LessonError::writer(path))?;
    for (place, points) in places.into_iter().zip(found) {
        let texts = points.points.iter().map(|point| clip(point, COLUMNS)).filter(|text| !text.is_empty());
        let fitting = texts.filter(|text| text.chars().count() <= MAX_BULLET_CHARS).take(MAX_BULLETS);
        lesson.slides[place].overlays.extend(fitting.map(|text| Overlay::new(OverlayRole::Bullet, text)));
    }
    lesson.warnings.extend(notes.into_vec().into_iter().map(|text| Warning { slide: None, text }));
    Ok(lesson)
}

/// What is said without the marks for the voice: `[pause 1s]`, emphasis.
fn without_marks(text: &str) -> String {
    let mut said = String::new();
    let mut inside = false;
    for c in text.chars() {
        match c {
            '[' => inside = true,
            ']' => inside = false,
            '*' | '`' => {}
            '\n' => {
                inside = false;
                said.push(c);
            }
            c if !inside => said.push(c),
            _ => {}
        }
    }
    said
}

#[cfg(test)]
mod tests {
    use super::super::canvas::Trigger;
    use super::super::import;
    use super::*;

    const NOTES: &str = "Wind turbines turn moving air into current. [pause 1s] They stand where the land is flat and the wind is *strong*. \
        Solar panels work in the desert. In the end it is the price that counts.";

    fn read(bullets: bool, more: &str) -> Lesson {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lesson.yaml");
        let text = format!(
            "version: 1\nslides:\n- {{ color: \"#102030\", narration: \"{NOTES}\"{more} }}\n- {{ color: \"#102030\", narration: Short. }}\n"
        );
        std::fs::write(&path, text).unwrap();
        import(&path, &ImportOptions { bullets, ..ImportOptions::default() }).unwrap()
    }

    #[test]
    fn what_matters_stands_beside_it_when_it_is_said() {
        let lesson = read(true, "");
        let slide = &lesson.slides[0];
        let texts: Vec<&str> = slide.overlays.iter().map(|overlay| overlay.text.as_str()).collect();
        assert!((2..=5).contains(&texts.len()) && texts.iter().all(|text| NOTES.contains(&text[1..text.len().min(12)])), "{texts:?}");
        assert!(texts.iter().all(|text| !text.contains(['[', '*']) && text.chars().count() <= COLUMNS), "{texts:?}");
        let places: Vec<Option<usize>> = slide.triggers().iter().map(|trigger| trigger.place(&slide.narration.spoken())).collect();
        assert!(places.is_sorted() && places.iter().all(Option::is_some), "{:?}", slide.triggers());
        assert!(!matches!(slide.triggers()[0], Trigger::Time(_)));
        assert!(lesson.slides[1].overlays.is_empty(), "one sentence needs none");
        assert!(read(false, "").slides[0].overlays.is_empty());
    }

    #[test]
    fn a_lesson_with_bullets_of_its_own_keeps_them() {
        let lesson = read(true, ", overlays: [{ role: bullet, text: Mine }]");
        assert_eq!(lesson.slides[0].overlays, [Overlay::new(OverlayRole::Bullet, "Mine")]);
    }
}
