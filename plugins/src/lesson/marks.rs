//! Marks in speaker notes and narrations that put something over the slide when that place is said: `[bullet: Flat land]`,
//! `[name: Ada Lovelace, Head of Energy]`. They are not spoken.

use super::canvas::Trigger;
use super::model::{Lesson, Narration, SILENT_SLIDE, Warning};
use super::overlay::{Overlay, OverlayRole};

/// Takes the marks out of what is said; they become overlays of their slides.
pub(super) fn take(mut lesson: Lesson) -> Lesson {
    for slide in &mut lesson.slides {
        let Narration::Text(text) = &slide.narration else { continue };
        let Some(Taken { said, overlays, empty }) = marks(text) else { continue };
        if empty > 0 {
            let text = format!("{empty} marks [bullet: …] or [name: …] are empty and left out");
            lesson.warnings.push(Warning { slide: Some(slide.number), text });
        }
        slide.overlays.extend(overlays);
        slide.narration = if said.trim().is_empty() { Narration::Silence(SILENT_SLIDE) } else { Narration::Text(said) };
    }
    lesson
}

struct Taken {
    said: String,
    overlays: Vec<Overlay>,
    /// How many marks say nothing.
    empty: usize,
}

/// `None`: there are none.
fn marks(text: &str) -> Option<Taken> {
    let (mut said, mut found, mut empty) = (String::new(), Vec::new(), 0);
    let mut rest = text;
    while let Some(open) = rest.find('[') {
        let Some((overlay, length)) = mark(&rest[open..]) else {
            said.push_str(&rest[..=open]);
            rest = &rest[open + 1..];
            continue;
        };
        said.push_str(&rest[..open]);
        rest = &rest[open + length..];
        // Of the spaces around it one stays.
        if said.is_empty() || said.ends_with(char::is_whitespace) {
            rest = rest.trim_start_matches([' ', '\t']);
        }
        if overlay.text.is_empty() {
            empty += 1;
        } else {
            found.push((overlay, said.len()));
        }
    }
    said.push_str(rest);
    let overlays = found.into_iter().map(|(overlay, at)| Overlay { from: moment(&said, at), ..overlay }).collect::<Vec<_>>();
    (empty > 0 || !overlays.is_empty()).then_some(Taken { said, overlays, empty })
}

/// The mark at the start of a text, and its length in bytes.
fn mark(text: &str) -> Option<(Overlay, usize)> {
    let inner = text.strip_prefix('[')?;
    let inner = &inner[..inner.find([']', '\n']).filter(|end| inner[*end..].starts_with(']'))?];
    let (kind, what) = inner.split_once(':')?;
    let what = what.trim();
    let overlay = match kind.trim().to_ascii_lowercase().as_str() {
        "bullet" => Overlay::new(OverlayRole::Bullet, what),
        "name" => {
            let (name, detail) = what.split_once(',').unwrap_or((what, ""));
            Overlay { detail: detail.trim().into(), ..Overlay::new(OverlayRole::LowerThird, name.trim()) }
        }
        _ => return None,
    };
    Some((overlay, inner.len() + 2))
}

/// When what stands at a byte of the narration is said: with the next word there, at the end with the last one.
fn moment(said: &str, at: usize) -> Option<Trigger> {
    let begins = |at: &usize| {
        let before = said[..*at].chars().next_back();
        before.is_none_or(char::is_whitespace) && said[*at..].starts_with(|c: char| !c.is_whitespace())
    };
    let mut words = said.char_indices().map(|(at, _)| at).filter(begins);
    let last = || said.char_indices().map(|(at, _)| at).rfind(begins);
    words.find(|word| *word >= at).or_else(last).map(|word| Trigger::word_at(said, word))
}

#[cfg(test)]
mod tests {
    use super::super::{ImportOptions, import};
    use super::*;

    fn read(narration: &str) -> Lesson {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lesson.yaml");
        let narration = serde_json::to_string(narration).unwrap();
        std::fs::write(&path, format!("version: 1\nslides:\n- {{ color: \"#102030\", narration: {narration} }}\n")).unwrap();
        import(&path, &ImportOptions::default()).unwrap()
    }

    #[test]
    fn what_is_marked_comes_with_the_words_behind_it() {
        let lesson = read(
            "[name: Ada Lovelace, Head of Energy] Good morning. [bullet: Flat land] They stand where the land is flat, \
            [Bullet:Price]they say. They earn. [bullet: The end]",
        );
        let slide = &lesson.slides[0];
        let said = "Good morning. They stand where the land is flat, they say. They earn. ";
        assert_eq!(slide.narration, Narration::Text(said.into()));
        let places: Vec<(&str, &str)> = slide
            .overlays
            .iter()
            .zip(slide.triggers())
            .map(|(overlay, trigger)| (overlay.text.as_str(), &said[trigger.place(said).unwrap()..][..4]))
            .collect();
        assert_eq!(places, [("Ada Lovelace", "Good"), ("Flat land", "They"), ("Price", "they"), ("The end", "earn")]);
        assert_eq!((slide.overlays[0].role, slide.overlays[0].detail.as_str()), (OverlayRole::LowerThird, "Head of Energy"));
        assert!(lesson.warnings.is_empty(), "{:?}", lesson.warnings);
    }

    #[test]
    fn other_brackets_stay_and_marks_alone_leave_silence() {
        let other = "One [pause 1s] two [bullets: no] [voice: joe] three [bullet] [bullet: open\nend] [GIF](say:jiff).";
        let lesson = read(other);
        assert_eq!(lesson.slides[0].narration, Narration::Text(other.into()));
        assert!(lesson.slides[0].overlays.is_empty());
        let alone = read("[bullet: Look at this]");
        assert_eq!((&alone.slides[0].narration, alone.slides[0].overlays.len()), (&Narration::Silence(SILENT_SLIDE), 1));
        let empty = read("One. [bullet: ] Two.");
        assert_eq!(empty.slides[0].narration, Narration::Text("One. Two.".into()));
        assert!(empty.warnings.iter().any(|warning| warning.slide == Some(1) && warning.text.contains("empty")), "{:?}", empty.warnings);
    }
}
