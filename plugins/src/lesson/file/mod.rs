//! `lesson.yaml`: a lesson as a file that people edit, and its schema.
//!
//! The files it names lie in its own folder or below, by relative paths: a lesson is a folder that can be moved, sent and
//! uploaded. Units are always written (`600ms`, `40%`).

mod form;

use super::canvas::ImageFile;
use super::clip::{self, Part};
use super::confine::confined;
use super::error::LessonError;
use super::frames::{self, RATE as FRAMES};
use super::limits::{check_count, hash_file, read_file, read_text};
use super::model::{Lesson, Narration, SILENT_EMBED, SILENT_SLIDE, Slide, Speaker, TimedWord, Visual};
use super::overlay::Overlay;
use super::pdf::{Document, page_hash};
use super::pronounce::Pronunciations;
use super::raster::image_size;
use super::{ImportOptions, pdf_guard, slug};
use crate::part_file::folder_of;
use engine::cue::Placement;
use engine::graph::parse::parse;
use engine::graph::{Problems, from_value_all};
use engine::time::{Span, Time};
use form::{ClipFile, EmbedFile, FramesFile, LessonFile, OverlayFile, PresenterFile, SlideFile};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The JSON schema of `lesson.yaml`.
pub fn schema() -> schemars::Schema {
    schemars::schema_for!(LessonFile)
}

/// Imports a lesson file.
pub(super) fn import(path: &Path, options: &ImportOptions) -> Result<Lesson, LessonError> {
    let name = path.display().to_string();
    let problems = |problems: Problems| LessonError::invalid(path, format!("it is no lesson file\n{problems}"));
    let tree = parse(&read_text(path)?, &name).map_err(problems)?;
    let file: LessonFile = from_value_all(&tree, "").map_err(problems)?;
    if file.version != 1 {
        return Err(LessonError::invalid(path, format!("it has version {}, but this program reads version 1", file.version)));
    }
    check_count(path, file.slides.len())?;
    let mut files = Files::new(path)?;
    let voices = file.voices.into_iter().map(|(name, voice)| Ok((name, files.voice(voice)?))).collect::<Result<_, LessonError>>()?;
    let pronounce = Pronunciations::parse(file.pronounce).map_err(|cause| LessonError::invalid(path, cause))?;
    let mut slides = Vec::new();
    let mut size = file.size.map(|ratio| (ratio.0, ratio.1));
    for (index, slide) in file.slides.into_iter().enumerate() {
        slides.push(files.slide(slide, index + 1, &mut size)?);
    }
    let id = file.id.unwrap_or_else(|| slug(&files.folder_name()));
    Ok(Lesson {
        title: file.title.unwrap_or_else(|| id.clone()),
        id,
        language: options.language.clone().or(file.language).unwrap_or_else(|| "en".into()),
        size: size.unwrap_or((16, 9)),
        voices,
        pronounce,
        slides,
        warnings: Vec::new(),
    })
}

/// The files that the lesson file names.
struct Files {
    lesson: PathBuf,
    /// Resolved: no symbolic link leads out of it.
    folder: PathBuf,
    /// Documents read so far with their hash and page sizes.
    documents: BTreeMap<PathBuf, (super::ContentHash, Document)>,
}

impl Files {
    fn new(lesson: &Path) -> Result<Files, LessonError> {
        let folder = folder_of(lesson);
        Ok(Files { lesson: lesson.into(), folder: folder.canonicalize().map_err(LessonError::read(folder))?, documents: BTreeMap::new() })
    }

    fn folder_name(&self) -> String {
        self.folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    }

    fn slide(&mut self, slide: SlideFile, number: usize, size: &mut Option<(u32, u32)>) -> Result<Slide, LessonError> {
        let lesson = self.lesson.clone();
        let wrong = |cause: &str| LessonError::Slide { path: lesson.clone(), slide: number, cause: cause.into() };
        let visual = match (slide.page, slide.image, slide.color, slide.embed, slide.canvas, slide.clip, slide.frames) {
            (Some(page), None, None, None, None, None, None) => {
                let path = self.confined(&page.document, number)?;
                let (hash, document) = self.document(&path)?;
                let hash = *hash;
                let index = page.number.checked_sub(1).ok_or_else(|| wrong("pages are numbered from 1"))?;
                let Some((width, height)) = document.page_size(index) else {
                    return Err(wrong(&format!("it shows page {} of {}, which has {}", page.number, page.document, document.pages())));
                };
                size.get_or_insert(((width * 100.0).round().max(1.0) as u32, (height * 100.0).round().max(1.0) as u32));
                Visual::Page { hash: page_hash(hash, index), document: path, index }
            }
            (None, Some(image), None, None, None, None, None) => {
                let path = self.confined(&image, number)?;
                let shape = image_size(&path)?;
                size.get_or_insert(shape);
                Visual::Image { hash: read_file(&path)?.1, path }
            }
            (None, None, Some(color), None, None, None, None) => Visual::Color(color.0),
            (None, None, None, None, None, Some(ClipFile { file, from, until, sound, fade_out }), None) => {
                let path = self.confined(&file, number)?;
                let part = Part {
                    from: from.map_or(Span::ZERO, |at| at.0),
                    until: until.map(|at| at.0),
                    sound,
                    fade_out: fade_out.map(|span| span.0),
                };
                let clip = clip::read(&path, &part).map_err(|error| error.at_slide(number))?;
                size.get_or_insert(clip.size);
                Visual::Clip(clip)
            }
            (None, None, None, Some(embed), None, None, None) => {
                let capture = embed.capture().map_err(&wrong)?;
                let EmbedFile { url, poster, .. } = embed;
                let poster = poster.map(|poster| self.confined(&poster, number)).transpose()?;
                let poster = poster.map(|path| -> Result<_, LessonError> {
                    let shape = image_size(&path)?;
                    size.get_or_insert(shape);
                    let hash = read_file(&path)?.1;
                    Ok((path, hash))
                });
                Visual::Embed { url, poster: poster.transpose()?, capture }
            }
            (None, None, None, None, Some(mut canvas), None, None) => {
                for file in canvas.files_mut() {
                    file.path = self.confined(&file.path.to_string_lossy(), number)?;
                    image_size(&file.path)?;
                    file.hash = read_file(&file.path)?.1;
                }
                size.get_or_insert((canvas.width.round().max(1.0) as u32, canvas.height.round().max(1.0) as u32));
                Visual::Canvas(canvas.into())
            }
            (None, None, None, None, None, None, Some(FramesFile { folder, fps })) => {
                let folder = self.confined(&folder, number)?;
                let (frames, shape) = frames::film(&folder, fps.map_or(FRAMES, |fps| fps.0))?;
                size.get_or_insert(shape);
                Visual::Frames(frames)
            }
            _ => return Err(wrong("it must show one of page, image, color, clip, frames, embed and canvas")),
        };
        let silent = match &visual {
            Visual::Embed { .. } => SILENT_EMBED,
            Visual::Clip(clip) => clip.length,
            Visual::Frames(frames) => frames.length(),
            _ => SILENT_SLIDE,
        };
        let narration = match (slide.narration, slide.audio, slide.silence) {
            (Some(text), None, None) if text.trim().is_empty() => Narration::Silence(silent),
            (Some(text), None, None) => Narration::Text(text.trim_end().to_string()),
            (None, Some(audio), None) => {
                let path = self.confined(&audio.file, number)?;
                let words = audio.words.map(|words| {
                    words
                        .into_iter()
                        .map(|word| TimedWord { text: word.text, start: Time(word.start.0.0), end: Time(word.end.0.0) })
                        .collect()
                });
                Narration::Audio { hash: read_file(&path)?.1, path, words }
            }
            (None, None, Some(silence)) => Narration::Silence(silence.0),
            (None, None, None) => Narration::Silence(silent),
            _ => return Err(wrong("it must say one of narration, audio and silence")),
        };
        let overlays = slide.overlays.into_iter().map(|overlay| self.overlay(overlay, number)).collect::<Result<_, _>>()?;
        let id = slide.id.unwrap_or_else(|| format!("slide-{number}"));
        let PresenterFile { anchor, at, height, margin, visible, fill } = slide.presenter;
        Ok(Slide {
            number,
            title: slide.title.unwrap_or_else(|| id.clone()),
            id,
            visual,
            narration,
            voice: slide.voice,
            presenter: Placement {
                anchor,
                at: at.map(|[x, y]| (x, y)),
                height: height.map(|percent| percent.fraction()),
                margin,
                visible,
                fill,
            },
            overlays,
            transition: slide.transition.map(|setting| setting.0),
            duration: slide.duration.map(|length| length.0),
        })
    }

    fn overlay(&self, overlay: OverlayFile, slide: usize) -> Result<Overlay, LessonError> {
        let wrong = |cause: String| LessonError::Slide { path: self.lesson.clone(), slide, cause };
        overlay.check().map_err(wrong)?;
        let from = overlay.trigger().map_err(wrong)?;
        let picture = |name: String| {
            let path = self.confined(&name, slide)?;
            image_size(&path)?;
            Ok::<_, LessonError>(ImageFile { hash: read_file(&path)?.1, path })
        };
        Ok(Overlay {
            role: overlay.role,
            text: overlay.text,
            detail: overlay.detail.unwrap_or_default(),
            file: overlay.file.map(picture).transpose()?,
            height: overlay.height.map(|percent| percent.fraction()),
            anchor: overlay.anchor,
            from,
            until: overlay.until.map(|length| Time(length.0.0)),
        })
    }

    /// A voice by name, or the file of one.
    fn voice(&self, voice: String) -> Result<Speaker, LessonError> {
        if !voice.ends_with(".onnx") {
            return Ok(Speaker::Named(voice));
        }
        let of_lesson = |name: &str| confined(&self.folder, name).map_err(|cause| LessonError::invalid(&self.lesson, cause));
        let path = of_lesson(&voice)?;
        of_lesson(&format!("{voice}.json"))?;
        Ok(Speaker::File { hash: hash_file(&path)?, path })
    }

    fn document(&mut self, path: &Path) -> Result<&(super::ContentHash, Document), LessonError> {
        if !self.documents.contains_key(path) {
            let (bytes, hash) = read_file(path)?;
            pdf_guard::check(path, &bytes)?;
            self.documents.insert(path.into(), (hash, Document::parse(path, bytes)?));
        }
        Ok(&self.documents[path])
    }

    /// The file of this relative name, which must lie in the lesson's folder, links followed.
    fn confined(&self, name: &str, slide: usize) -> Result<PathBuf, LessonError> {
        confined(&self.folder, name).map_err(|cause| LessonError::Slide { path: self.lesson.clone(), slide, cause })
    }
}
