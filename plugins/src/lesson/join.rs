//! Lessons joined to one: their slides one after the other, with a fade at each joint.
//!
//! The picture fades within the first slide of what comes next; the sound of a film fades out before the joint and in after it. Speech
//! needs no fade: it ends before its slide does, and begins after the transition.

use super::error::LessonError;
use super::limits::{MAX_TRANSITION, check};
use super::model::{Lesson, Slide, Visual, Warning};
use engine::cue::Transition;
use engine::graph::unit::DurationSetting;
use engine::time::Span;
use std::collections::BTreeSet;
use std::path::Path;

/// Joins lessons in this order. Title, language and shape are those of the first one; slides are numbered anew, and one whose id another
/// has already gets its part's number before it. `path` names the whole in errors.
///
/// # Errors
/// When there are too many slides together, or the fade is longer than a transition may be.
///
/// # Panics
/// When there is no lesson.
pub fn join(parts: Vec<Lesson>, fade: Span, path: &Path) -> Result<Lesson, LessonError> {
    if fade < Span::ZERO || fade > MAX_TRANSITION {
        let (what, limit) =
            (format!("the fade between two parts is {}", DurationSetting(fade)), DurationSetting(MAX_TRANSITION).to_string());
        return Err(LessonError::Limit { path: path.into(), what, limit });
    }
    let count = parts.len();
    let mut parts = parts.into_iter().enumerate();
    let (_, mut whole) = parts.next().expect("at least one lesson is joined");
    let mut ids: BTreeSet<String> = whole.slides.iter().map(|slide| slide.id.clone()).collect();
    let numbers = renumbered(&mut whole.slides, 0);
    whole.warnings.iter_mut().for_each(|warning| renumber(warning, &numbers));
    for (index, mut part) in parts {
        let place = index + 1;
        fade_out(whole.slides.last_mut(), fade);
        if let Some(first) = part.slides.first_mut() {
            first.transition = Some(if fade == Span::ZERO { Transition::Cut } else { Transition::Fade(fade) });
        }
        for slide in &mut part.slides {
            while ids.contains(&slide.id) {
                slide.id = format!("{place}-{}", slide.id);
            }
            ids.insert(slide.id.clone());
        }
        if part.language != whole.language {
            let text = format!(
                "part {place} of {count} is in \"{}\", the first one in \"{}\"; one voice speaks all",
                part.language, whole.language
            );
            whole.warnings.push(Warning { slide: Some(whole.slides.len() + 1), text });
        }
        for (name, voice) in part.voices {
            if whole.voices.get(&name).is_some_and(|taken| *taken != voice) {
                let text = format!("part {place} of {count} has another voice called \"{name}\"; that of the parts before speaks for both");
                whole.warnings.push(Warning { slide: Some(whole.slides.len() + 1), text });
            }
            whole.voices.entry(name).or_insert(voice);
        }
        whole.pronounce = whole.pronounce.over(&part.pronounce);
        let numbers = renumbered(&mut part.slides, whole.slides.len());
        part.warnings.iter_mut().for_each(|warning| renumber(warning, &numbers));
        whole.slides.append(&mut part.slides);
        whole.warnings.append(&mut part.warnings);
    }
    check(&whole, path)?;
    Ok(whole)
}

fn fade_out(last: Option<&mut Slide>, fade: Span) {
    if let Some(Visual::Clip(clip)) = last.map(|slide| &mut slide.visual) {
        clip.fade_out = clip.fade_out.max(fade).min(clip.length);
    }
}

/// Numbers slides after `before` others; the numbers that they had.
fn renumbered(slides: &mut [Slide], before: usize) -> Vec<(usize, usize)> {
    let number = |(index, slide): (usize, &mut Slide)| {
        let new = before + index + 1;
        (std::mem::replace(&mut slide.number, new), new)
    };
    slides.iter_mut().enumerate().map(number).collect()
}

fn renumber(warning: &mut Warning, numbers: &[(usize, usize)]) {
    warning.slide = warning.slide.and_then(|old| numbers.iter().find(|(number, _)| *number == old).map(|(_, new)| *new));
}

#[cfg(test)]
mod tests {
    use super::super::hash::ContentHash;
    use super::super::model::{Clip, Narration, SILENT_SLIDE};
    use super::*;

    fn slide(id: &str, number: usize) -> Slide {
        Slide {
            id: id.into(),
            number,
            title: id.into(),
            visual: Visual::Color([0; 3]),
            narration: Narration::Silence(SILENT_SLIDE),
            voice: None,
            presenter: Default::default(),
            overlays: Vec::new(),
            transition: None,
            duration: None,
        }
    }

    fn lesson(language: &str, slides: Vec<Slide>) -> Lesson {
        let warnings = vec![Warning { slide: Some(slides[0].number), text: "a font".into() }];
        Lesson {
            id: "l".into(),
            title: language.into(),
            language: language.into(),
            size: (16, 9),
            voices: Default::default(),
            pronounce: Default::default(),
            slides,
            warnings,
        }
    }

    fn film(id: &str) -> Slide {
        let (from, length, fade_out) = (Span::ZERO, Span::from_seconds(9), Span::from_millis(10));
        let clip = Clip { path: "a.mp4".into(), hash: ContentHash::of(b"film"), size: (640, 360), from, length, sound: true, fade_out };
        Slide { visual: Visual::Clip(clip), ..slide(id, 1) }
    }

    #[test]
    fn slides_follow_each_other_and_fade_at_the_joints_only() {
        let parts =
            vec![lesson("en", vec![slide("a", 2), film("film")]), lesson("en", vec![slide("b", 1)]), lesson("de", vec![film("film")])];
        let whole = join(parts, Span::SECOND, Path::new("joined")).unwrap();
        let shown: Vec<(&str, usize, bool)> = whole
            .slides
            .iter()
            .map(|slide| (slide.id.as_str(), slide.number, slide.transition == Some(Transition::Fade(Span::SECOND))))
            .collect();
        assert_eq!(shown, [("a", 1, false), ("film", 2, false), ("b", 3, true), ("3-film", 4, true)]);
        let fades: Vec<Span> = whole
            .slides
            .iter()
            .filter_map(|slide| if let Visual::Clip(clip) = &slide.visual { Some(clip.fade_out) } else { None })
            .collect();
        assert_eq!(fades, [Span::SECOND, Span::from_millis(10)]);
        let warnings: Vec<(Option<usize>, bool)> =
            whole.warnings.iter().map(|warning| (warning.slide, warning.text.contains("de"))).collect();
        assert_eq!(warnings, [(Some(1), false), (Some(3), false), (Some(4), true), (Some(4), false)]);
        assert_eq!((whole.title.as_str(), whole.language.as_str()), ("en", "en"));
    }

    #[test]
    fn a_fade_of_nothing_is_a_cut_and_one_too_long_is_refused() {
        let parts = || vec![lesson("en", vec![slide("a", 1)]), lesson("en", vec![slide("a", 1)])];
        let whole = join(parts(), Span::ZERO, Path::new("joined")).unwrap();
        assert_eq!((whole.slides[1].transition, whole.slides[1].id.as_str()), (Some(Transition::Cut), "2-a"));
        assert!(join(parts(), Span::from_seconds(60), Path::new("joined")).unwrap_err().to_string().contains("is 1min; the limit is 10s"));
    }
}
