//! Writes a lesson as `lesson.yaml`: the same lesson gives the same text, and reading it gives the same lesson.
//!
//! Files that lie outside the folder are copied to `media/` in it, named by their content. One thing changes on the way: a page of
//! a deck is a page of a PDF afterwards, so its hash is that of the PDF.

use super::canvas::{Canvas, Trigger};
use super::error::LessonError;
use super::frames::numbered;
use super::hash::ContentHash;
use super::limits::read_file;
use super::model::{Capture, Frames, Lesson, Narration, Slide, Speaker, Visual};
use super::overlay::{Overlay, OverlayRole};
use super::transition::TransitionSetting;
use super::yaml::{Text, Tree, quoted};
use crate::part_file::{self, PartFile, folder_of};
use engine::cue::{Anchor, Placement};
use engine::graph::unit::{DurationSetting, FrameRate, Percent, Rgb};
use engine::time::{Span, Time};
use std::fs;
use std::path::{Path, PathBuf};

/// Writes `lesson` to the file `path` (usually `FOLDER/lesson.yaml`); the folder is made when missing.
///
/// # Errors
/// When a file of the lesson cannot be read or the folder cannot be written.
pub fn export(lesson: &Lesson, path: &Path) -> Result<(), LessonError> {
    let folder = folder_of(path);
    fs::create_dir_all(folder).map_err(LessonError::write(folder))?;
    let folder = folder.canonicalize().map_err(LessonError::read(folder))?;
    let mut text = Text::default();
    text.line(0, "# A lesson: edit it by hand, render it with `lectern render`. Paths are relative to this file.");
    text.value(0, "version", 1);
    text.value(0, "id", quoted(&lesson.id));
    text.value(0, "title", quoted(&lesson.title));
    text.value(0, "language", quoted(&lesson.language));
    let (width, height) = lesson.ratio();
    text.value(0, "size", format!("{width}x{height}"));
    if !lesson.voices.is_empty() {
        text.line(0, "voices:");
    }
    for (name, voice) in &lesson.voices {
        let voice = match voice {
            Speaker::Named(voice) => quoted(voice),
            Speaker::File { path, hash } => voice_inside(path, *hash, &folder)?,
        };
        text.value(1, &quoted(name), voice);
    }
    if lesson.pronounce.iter().next().is_some() {
        text.line(0, "pronounce:");
    }
    for (word, said) in lesson.pronounce.iter() {
        text.value(1, &quoted(word), quoted(&said.written()));
    }
    text.line(0, "slides:");
    for slide in &lesson.slides {
        write_slide(&mut text, slide, &folder)?;
    }
    Ok(part_file::write(path, text.as_bytes())?)
}

fn write_slide(text: &mut Text, slide: &Slide, folder: &Path) -> Result<(), LessonError> {
    text.line(1, &format!("- id: {}", quoted(&slide.id)));
    text.value(2, "title", quoted(&slide.title));
    match &slide.visual {
        Visual::Page { document, index, .. } => {
            text.value(2, "page", format!("{{ document: {}, number: {} }}", inside(document, folder)?, index + 1))
        }
        Visual::Image { path, .. } => text.value(2, "image", inside(path, folder)?),
        Visual::Embed { url, poster, capture } => {
            let poster = poster.as_ref().map(|(path, _)| inside(path, folder)).transpose()?;
            let poster = poster.map_or_else(String::new, |poster| format!(", poster: {poster}"));
            let capture = match capture {
                None => String::new(),
                Some(Capture::Still) => ", capture: still".into(),
                Some(Capture::Moving { rate, length }) => {
                    let length = length.map_or_else(String::new, |length| format!(", length: {}", DurationSetting(length)));
                    format!(", capture: moving, rate: {rate}{length}")
                }
            };
            text.value(2, "embed", format!("{{ url: {}{poster}{capture} }}", quoted(url)))
        }
        Visual::Clip(clip) => {
            let from = (clip.from != Span::ZERO).then(|| format!(", from: {}", DurationSetting(clip.from)));
            let until = format!(", until: {}", DurationSetting(clip.from + clip.length));
            let sound = (!clip.sound).then(|| ", sound: false".to_string());
            let fade_out = format!(", fade_out: {}", DurationSetting(clip.fade_out));
            let part = [from, Some(until), sound, Some(fade_out)].into_iter().flatten().collect::<String>();
            text.value(2, "clip", format!("{{ file: {}{part} }}", inside_as(&clip.path, clip.hash, folder)?))
        }
        Visual::Canvas(canvas) => write_canvas(text, canvas, folder)?,
        Visual::Frames(frames) => {
            let fps = FrameRate(frames.rate);
            text.value(2, "frames", format!("{{ folder: {}, fps: {fps} }}", frames_inside(frames, folder)?))
        }
        Visual::Color(rgb) => text.value(2, "color", format!("\"{}\"", Rgb(*rgb))),
    }
    match &slide.narration {
        Narration::Text(narration) => text.prose(2, "narration", narration),
        Narration::Silence(span) => text.value(2, "silence", DurationSetting(*span)),
        Narration::Audio { path, words, .. } => {
            text.line(2, "audio:");
            text.value(3, "file", inside(path, folder)?);
            match words.as_deref() {
                None => {}
                Some([]) => text.value(3, "words", "[]"),
                Some(words) => {
                    text.line(3, "words:");
                    for word in words {
                        text.line(4, &format!("- {{ text: {}, start: {}, end: {} }}", quoted(&word.text), at(word.start), at(word.end)));
                    }
                }
            }
        }
    }
    if let Some(voice) = &slide.voice {
        text.value(2, "voice", quoted(voice));
    }
    if slide.presenter != Placement::default() {
        text.value(2, "presenter", placement(&slide.presenter));
    }
    if !slide.overlays.is_empty() {
        text.line(2, "overlays:");
    }
    for overlay in &slide.overlays {
        text.line(3, &format!("- {{ {} }}", written(overlay, folder)?));
    }
    if let Some(transition) = slide.transition {
        text.value(2, "transition", TransitionSetting(transition));
    }
    if let Some(span) = slide.duration {
        text.value(2, "duration", DurationSetting(span));
    }
    Ok(())
}

/// An overlay's keys and values, those that are left out as they are read.
fn written(overlay: &Overlay, folder: &Path) -> Result<String, LessonError> {
    let role = match overlay.role {
        OverlayRole::Bullet => "bullet",
        OverlayRole::Text => "text",
        OverlayRole::Watermark => "watermark",
        OverlayRole::LowerThird => "lower_third",
        OverlayRole::Picture => "picture",
    };
    let file = overlay.file.as_ref().map(|file| inside(&file.path, folder)).transpose()?;
    let from = overlay.from.as_ref().map(|from| match from {
        Trigger::Start => "from: 0s".to_string(),
        Trigger::Time(time) => format!("from: {}", DurationSetting(*time)),
        Trigger::Word { text, nth: 1 } => format!("word: {}", quoted(text)),
        Trigger::Word { text, nth } => format!("word: {}, nth: {nth}", quoted(text)),
    });
    let parts = [
        Some(format!("role: {role}")),
        (!overlay.text.is_empty()).then(|| format!("text: {}", quoted(&overlay.text))),
        (!overlay.detail.is_empty()).then(|| format!("detail: {}", quoted(&overlay.detail))),
        file.map(|file| format!("file: {file}")),
        overlay.height.map(|height| format!("height: {}", percent(height))),
        overlay.anchor.map(|place| format!("anchor: {}", anchor(place))),
        from,
        overlay.until.map(|until| format!("until: {}", at(until))),
    ];
    Ok(parts.into_iter().flatten().collect::<Vec<_>>().join(", "))
}

/// The quoted name of a voice; one from elsewhere is copied with the file that belongs to it.
fn voice_inside(path: &Path, hash: ContentHash, folder: &Path) -> Result<String, LessonError> {
    let name = inside_as(path, hash, folder)?;
    let beside = |path: &Path| part_file::part_of(path, ".json");
    let (source, target) = (beside(path), beside(&folder.join(name.trim_matches('"'))));
    if !target.exists() {
        fs::copy(&source, &target).map_err(LessonError::write(&target))?;
    }
    Ok(name)
}

/// The quoted name of a folder of frames; one from elsewhere is copied.
fn frames_inside(frames: &Frames, folder: &Path) -> Result<String, LessonError> {
    let source = frames.folder.canonicalize().map_err(LessonError::read(&frames.folder))?;
    if let Ok(name) = source.strip_prefix(folder) {
        return Ok(quoted(&name.to_string_lossy()));
    }
    let name = format!("media/{}", &frames.hash.to_string()[..16]);
    let copy = folder.join(&name);
    fs::create_dir_all(&copy).map_err(LessonError::write(&copy))?;
    for file in numbered(&source).map_err(|error| LessonError::invalid(&source, error))? {
        let target = copy.join(file.file_name().expect("a file of a folder has a name"));
        fs::copy(&file, &target).map_err(LessonError::write(&target))?;
    }
    Ok(quoted(&name))
}

/// A canvas as its own data says it, its files by their names in the folder.
fn write_canvas(text: &mut Text, canvas: &Canvas, folder: &Path) -> Result<(), LessonError> {
    let mut canvas = canvas.clone();
    for file in canvas.files_mut() {
        file.path = name_inside(&file.path, folder)?.into();
    }
    text.line(2, "canvas:");
    text.tree(3, &Tree::of(&canvas));
    Ok(())
}

fn at(time: Time) -> DurationSetting {
    DurationSetting(Span(time.0))
}

fn anchor(anchor: Anchor) -> &'static str {
    match anchor {
        Anchor::TopLeft => "top_left",
        Anchor::Top => "top",
        Anchor::TopRight => "top_right",
        Anchor::Left => "left",
        Anchor::Center => "center",
        Anchor::Right => "right",
        Anchor::BottomLeft => "bottom_left",
        Anchor::Bottom => "bottom",
        Anchor::BottomRight => "bottom_right",
    }
}

fn placement(place: &Placement) -> String {
    let parts = [
        place.anchor.map(|place| format!("anchor: {}", anchor(place))),
        place.at.map(|(x, y)| format!("at: [{x}, {y}]")),
        place.height.map(|height| format!("height: {}", percent(height))),
        place.margin.map(|margin| format!("margin: {margin}")),
        (!place.visible).then(|| "visible: false".to_string()),
        place.fill.then(|| "fill: true".to_string()),
    ];
    format!("{{ {} }}", parts.into_iter().flatten().collect::<Vec<_>>().join(", "))
}

/// A fraction in percent. 0.29 * 100 is 28.999999999999996: what was read from 29% is written so.
fn percent(fraction: f64) -> Percent {
    let near = Percent((fraction * 1e6).round() / 1e4);
    if near.fraction() == fraction { near } else { Percent(fraction * 100.0) }
}

/// The quoted name of a file relative to the folder; a file from elsewhere is copied into it first.
fn inside(path: &Path, folder: &Path) -> Result<String, LessonError> {
    Ok(quoted(&name_inside(path, folder)?))
}

fn name_inside(path: &Path, folder: &Path) -> Result<String, LessonError> {
    let file = path.canonicalize().map_err(LessonError::read(path))?;
    if let Ok(name) = file.strip_prefix(folder) {
        return Ok(name.to_string_lossy().into_owned());
    }
    let (bytes, hash) = read_file(&file)?;
    let (name, copy) = copy_of(&file, hash, folder)?;
    if fs::read(&copy).ok().as_ref() != Some(&bytes) {
        part_file::write(&copy, &bytes)?;
    }
    Ok(name)
}

/// The same for a file whose content is known, and which may be too large for memory.
fn inside_as(path: &Path, hash: ContentHash, folder: &Path) -> Result<String, LessonError> {
    let file = path.canonicalize().map_err(LessonError::read(path))?;
    if let Ok(name) = file.strip_prefix(folder) {
        return Ok(quoted(&name.to_string_lossy()));
    }
    let (name, copy) = copy_of(&file, hash, folder)?;
    let length = |path: &Path| fs::metadata(path).map(|meta| meta.len()).ok();
    // The name is the content's; what a full disk cut off is shorter.
    if length(&copy) != length(&file) {
        let part = PartFile::create(&copy)?;
        fs::copy(&file, part.part()).map_err(LessonError::write(&copy))?;
        part.keep()?;
    }
    Ok(quoted(&name))
}

/// Name and path of a file from elsewhere; its folder is made.
fn copy_of(file: &Path, hash: ContentHash, folder: &Path) -> Result<(String, PathBuf), LessonError> {
    let extension = file.extension().map(|extension| extension.to_string_lossy().to_lowercase()).unwrap_or_else(|| "bin".into());
    let name = format!("media/{}.{extension}", &hash.to_string()[..16]);
    fs::create_dir_all(folder.join("media")).map_err(LessonError::write(folder))?;
    let copy = folder.join(&name);
    Ok((name, copy))
}
