//! Choosing slides by their numbers.

use super::{Lesson, LessonError};

/// Indices into `lesson.slides` of the slides that `choice` names: numbers as their author sees them (hidden slides counted) and ranges,
/// such as `3-5,8`; `all` for all. In the order of the lecture, each once.
///
/// # Errors
/// When the text cannot be read or names no visible slide of the lesson.
pub fn select(lesson: &Lesson, choice: &str) -> Result<Vec<usize>, LessonError> {
    if choice.trim() == "all" {
        return Ok((0..lesson.slides.len()).collect());
    }
    let bad = |cause: String| LessonError::Choice { choice: choice.to_string(), cause };
    let number = |text: &str| text.trim().parse::<usize>().map_err(|_| bad(format!("\"{}\" is no slide number", text.trim())));
    let mut wanted = Vec::new();
    for part in choice.split(',') {
        let (from, to) = match part.split_once('-') {
            Some((from, to)) => (number(from)?, number(to)?),
            None => (number(part)?, number(part)?),
        };
        if from > to {
            return Err(bad(format!("the range {} is backwards; write {to}-{from}", part.trim())));
        }
        let known = |n: usize| lesson.slides.iter().any(|slide| slide.number == n);
        if !(from..=to.min(from + super::MAX_SLIDES)).any(known) {
            let last = lesson.slides.iter().map(|slide| slide.number).max().unwrap_or(0);
            return Err(bad(format!("there is no visible slide {}; the last one is {last}", part.trim())));
        }
        wanted.push(from..=to);
    }
    let chosen = |index: &usize| wanted.iter().any(|range| range.contains(&lesson.slides[*index].number));
    Ok((0..lesson.slides.len()).filter(chosen).collect())
}

#[cfg(test)]
mod tests {
    use super::super::{Narration, SILENT_SLIDE, Slide, Visual};
    use super::*;

    fn lesson(numbers: &[usize]) -> Lesson {
        let slide = |&number: &usize| Slide {
            id: number.to_string(),
            number,
            title: String::new(),
            visual: Visual::Color([0; 3]),
            narration: Narration::Silence(SILENT_SLIDE),
            voice: None,
            presenter: Default::default(),
            overlays: Vec::new(),
            transition: Default::default(),
            duration: None,
        };
        Lesson {
            id: "l".into(),
            title: "L".into(),
            language: "en".into(),
            size: (16, 9),
            voices: Default::default(),
            pronounce: Default::default(),
            slides: numbers.iter().map(slide).collect(),
            warnings: Vec::new(),
        }
    }

    #[test]
    fn numbers_are_those_of_the_author_and_come_in_order() {
        let lesson = lesson(&[1, 2, 4, 5, 6]);
        assert_eq!(select(&lesson, "all").unwrap(), [0, 1, 2, 3, 4]);
        assert_eq!(select(&lesson, " 5 - 6, 1,1-2").unwrap(), [0, 1, 3, 4]);
        assert_eq!(select(&lesson, "3-4").unwrap(), [2], "slide 3 is hidden");
        for wrong in ["", "0", "3", "7", "9-12", "2-1", "x", "1-", "1-99999999999999999999"] {
            let error = select(&lesson, wrong).expect_err(wrong).to_string();
            assert!(error.contains(wrong), "{error}");
        }
        assert!(select(&lesson, "1,4-2").unwrap_err().to_string().contains("the range 4-2 is backwards; write 2-4"));
        assert_eq!(select(&lesson, "4-18446744073709551615").unwrap(), [2, 3, 4]);
    }
}
