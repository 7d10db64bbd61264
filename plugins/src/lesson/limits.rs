//! What a lesson may be at most, and the one check of a finished lesson.
//!
//! The limits keep a bad or hostile source from taking the machine down; all of them are far above what a lecture needs.

use super::canvas::Trigger;
use super::error::LessonError;
use super::hash::ContentHash;
use super::model::{Capture, Lesson, Narration, Slide, Visual};
use super::overlay::OverlayRole;
use engine::cue::Transition;
use engine::time::{Span, Time};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Bytes of one file.
pub const MAX_FILE_BYTES: u64 = 100 << 20;
/// Bytes of a film that a slide shows.
pub const MAX_FILM_BYTES: u64 = 4 << 30;
/// Slides of one lesson, hidden ones counted.
pub const MAX_SLIDES: usize = 500;
/// Pixels of one picture.
pub const MAX_PIXELS: u64 = 200_000_000;
/// Characters of one slide's narration: about 25 minutes of speech.
pub const MAX_NARRATION_CHARS: usize = 20_000;
/// Length of one slide, as far as the lesson itself says it.
pub const MAX_SLIDE: Span = Span::from_seconds(4 * 3600);
/// How long a live page is captured as it moves: it takes as long as it lasts.
pub const MAX_CAPTURE: Span = Span::from_seconds(600);
/// Overlays of one slide.
pub const MAX_OVERLAYS: usize = 50;
/// Bullets of one slide: more do not fit into their column.
pub const MAX_BULLETS: usize = 9;
/// Characters of one bullet.
pub const MAX_BULLET_CHARS: usize = 160;
/// Characters of any other overlay.
const MAX_OVERLAY_CHARS: usize = 500;
/// Length of a transition.
pub const MAX_TRANSITION: Span = Span::from_seconds(10);

/// Reads a whole file that is not over the limit, and its hash.
pub(super) fn read_file(path: &Path) -> Result<(Vec<u8>, ContentHash), LessonError> {
    let too_large = |size: u64| LessonError::Limit {
        path: path.into(),
        what: format!("it has {} MiB", size.div_ceil(1 << 20)),
        limit: format!("{} MiB a file: compress the pictures or split the lesson", MAX_FILE_BYTES >> 20),
    };
    // Before it is opened, which would wait for a writer of a pipe.
    let meta = std::fs::metadata(path).map_err(LessonError::read(path))?;
    if !meta.is_file() {
        return Err(LessonError::Unsupported { path: path.into(), found: "not a regular file".into() });
    }
    let file = File::open(path).map_err(LessonError::read(path))?;
    if meta.len() > MAX_FILE_BYTES {
        return Err(too_large(meta.len()));
    }
    let mut bytes = Vec::with_capacity(meta.len() as usize);
    // The file may grow while it is read, or be one of those that claim no length.
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(LessonError::read(path))?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(too_large(bytes.len() as u64));
    }
    let hash = ContentHash::of(&bytes);
    Ok((bytes, hash))
}

/// The hash of a file that may be too large for memory.
pub(super) fn hash_file(path: &Path) -> Result<ContentHash, LessonError> {
    let mut hasher = blake3::Hasher::new();
    let file = File::open(path).map_err(LessonError::read(path))?;
    hasher.update_reader(file.take(MAX_FILM_BYTES)).map_err(LessonError::read(path))?;
    Ok(ContentHash(*hasher.finalize().as_bytes()))
}

/// Reads a text file that is not over the limit; a byte order mark is dropped, line ends become `\n`.
pub(super) fn read_text(path: &Path) -> Result<String, LessonError> {
    let (bytes, _) = read_file(path)?;
    let text = String::from_utf8(bytes).map_err(|_| LessonError::invalid(path, "it is not UTF-8 text; save it as UTF-8"))?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(&text).replace("\r\n", "\n"))
}

/// Fails when there are more slides than a lesson may have.
pub(super) fn check_count(path: &Path, count: usize) -> Result<(), LessonError> {
    if count > MAX_SLIDES {
        return Err(LessonError::Limit {
            path: path.into(),
            what: format!("it has {count} slides"),
            limit: format!("{MAX_SLIDES} slides: split the lesson"),
        });
    }
    Ok(())
}

/// Checks a lesson against its invariants and limits; `path` is where it came from, for the message. Reads no file.
///
/// # Errors
/// The first thing that is wrong, with the slide's number.
pub fn check(lesson: &Lesson, path: &Path) -> Result<(), LessonError> {
    if lesson.slides.is_empty() {
        return Err(LessonError::Empty { path: path.into(), cause: "has no slide to show".into() });
    }
    check_count(path, lesson.slides.len())?;
    if !is_id(&lesson.id) {
        return Err(LessonError::invalid(path, format!("the id {:?} must be 1 to 64 of A-Z, a-z, 0-9, _ and -", lesson.id)));
    }
    if lesson.size.0 == 0 || lesson.size.1 == 0 {
        return Err(LessonError::invalid(path, "the size of its slides is zero"));
    }
    let mut ids = BTreeSet::new();
    for slide in &lesson.slides {
        let wrong = |cause: String| LessonError::Slide { path: path.into(), slide: slide.number, cause };
        if slide.id.is_empty() || !ids.insert(slide.id.as_str()) {
            return Err(wrong(format!("its id {:?} is empty or taken by another slide; give it one of its own", slide.id)));
        }
        check_slide(slide).map_err(wrong)?;
    }
    Ok(())
}

/// A name that is safe in a file name, a room name and a URL: 1 to 64 of `A-Z a-z 0-9 _ -`.
pub fn is_id(id: &str) -> bool {
    (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

/// Fails when there is more to say on a slide than the limit.
pub(super) fn check_narration(text: &str) -> Result<(), String> {
    match text.chars().count() {
        chars if chars > MAX_NARRATION_CHARS => {
            Err(format!("its narration has {chars} characters; the limit is {MAX_NARRATION_CHARS}: split the slide"))
        }
        _ => Ok(()),
    }
}

fn check_slide(slide: &Slide) -> Result<(), String> {
    let length = |what: &str, span: Span, longest: Span| match span {
        span if span <= Span::ZERO => Err(format!("{what} must be longer than zero")),
        span if span > longest => Err(format!("{what} is {span}; the limit is {longest}")),
        _ => Ok(()),
    };
    if let Visual::Embed { capture: Some(Capture::Moving { length: Some(span), .. }), .. } = &slide.visual {
        length("the length of its capture", *span, MAX_CAPTURE)?;
    }
    if let Visual::Embed { url, .. } = &slide.visual {
        let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).and_then(|rest| rest.split(['/', '?', '#']).next());
        if host.is_none_or(str::is_empty) || url.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err(format!("its embed {url:?} is no address of a page; write it whole, such as https://example.org/poll"));
        }
    }
    if let Visual::Canvas(canvas) = &slide.visual {
        canvas.check(&slide.narration.spoken())?;
    }
    match &slide.narration {
        Narration::Text(text) if text.trim().is_empty() => return Err("its narration is blank; make it a silence".into()),
        Narration::Text(text) => check_narration(text)?,
        Narration::Audio { words, .. } => {
            let mut last = Time::ZERO;
            for word in words.iter().flatten() {
                if word.start < last || word.end < word.start {
                    return Err(format!("the times of the word {:?} run backwards", word.text));
                }
                last = word.start;
            }
        }
        Narration::Silence(span) => length("its silence", *span, MAX_SLIDE)?,
    }
    if let Some(span) = slide.duration {
        length("its duration", span, MAX_SLIDE)?;
    }
    if let Visual::Clip(clip) = &slide.visual {
        length("its clip", clip.length, MAX_SLIDE)?;
    }
    if let Some(transition) = slide.transition.filter(|transition| *transition != Transition::Cut) {
        length("its transition", transition.duration(), MAX_TRANSITION)?;
    }
    if let Some(height) = slide.presenter.height
        && !(height > 0.0 && height <= 1.0)
    {
        return Err(format!("the presenter's height is {}%; it must be over 0% and at most 100%", height * 100.0));
    }
    if slide.presenter.at.is_some_and(|(x, y)| !(-10.0..=10.0).contains(&x) || !(-10.0..=10.0).contains(&y)) {
        return Err("the presenter stands far outside the picture; its place counts in parts of the picture, such as [0.5, 0.25]".into());
    }
    check_overlays(slide)
}

fn check_overlays(slide: &Slide) -> Result<(), String> {
    let (all, narration) = (&slide.overlays, slide.narration.spoken());
    let bullets = all.iter().filter(|overlay| overlay.role == OverlayRole::Bullet).count();
    for (count, most, what) in [(all.len(), MAX_OVERLAYS, "overlays"), (bullets, MAX_BULLETS, "bullets")] {
        if count > most {
            return Err(format!("it has {count} {what}; the limit is {most}: split the slide"));
        }
    }
    for overlay in all {
        let wrong = |cause: String| Err(format!("the overlay {:?} {cause}", overlay.text));
        let most = if overlay.role == OverlayRole::Bullet { MAX_BULLET_CHARS } else { MAX_OVERLAY_CHARS };
        let characters = overlay.text.chars().count().max(overlay.detail.chars().count());
        if characters > most {
            return wrong(format!("has {characters} characters; the limit is {most}"));
        }
        if overlay.until.is_some_and(|until| until <= overlay.earliest()) {
            return wrong("ends before it starts".into());
        }
        if let Some(Trigger::Word { text, nth }) = &overlay.from
            && overlay.from.as_ref().is_some_and(|from| from.place(&narration).is_none())
        {
            return wrong(format!("waits for the word {text:?} (number {nth}), which is not in the narration; correct it"));
        }
        if overlay.height.is_some_and(|height| !(height > 0.0 && height <= 1.0)) {
            return wrong("has a height out of range; it goes from over 0% to 100%".into());
        }
    }
    Ok(())
}
