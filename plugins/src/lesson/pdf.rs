//! PDF documents: opened, counted, drawn. `hayro` does the work; this keeps its panics and the limits of its bitmaps inside.

use super::error::LessonError;
use super::hash::{Canon, ContentHash};
use super::limits::{check_count, read_file};
use super::model::{Lesson, Narration, SILENT_SLIDE, Slide, Visual, Warning};
use super::pdf_glyphs::{self, Drawn};
use super::script::{Script, Section};
use super::{ImportOptions, content, pdf_guard, slug};
use crate::writer::Brief;
use engine::cue::Placement;
use hayro::hayro_interpret::InterpreterSettings;
use hayro::hayro_syntax::{LoadPdfError, Pdf};
use hayro::kurbo::Affine;
use hayro::vello_cpu::color::palette::css::WHITE;
use hayro::vello_cpu::{Pixmap, RasterizerSettings, RenderContext, Resources, TargetInit};
use hayro::{RenderCache, RenderSettings};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

/// Width and height of a bitmap that the renderer can address.
const MAX_SIDE: u32 = 16_384;

/// An opened PDF.
pub(super) struct Document {
    path: PathBuf,
    pdf: Pdf,
}

impl Document {
    /// Reads a file.
    pub fn open(path: &Path) -> Result<Document, LessonError> {
        let (bytes, _) = read_file(path)?;
        Document::parse(path, bytes)
    }

    /// Reads the bytes that came from `path`.
    pub fn parse(path: &Path, bytes: Vec<u8>) -> Result<Document, LessonError> {
        let pdf = contained(path, || Pdf::new(bytes))?.map_err(|error| match error {
            LoadPdfError::Decryption(_) => LessonError::Encrypted { path: path.into() },
            LoadPdfError::Invalid => LessonError::damaged(path, "it is cut off or no PDF document"),
        })?;
        Ok(Document { path: path.into(), pdf })
    }

    /// The number of pages.
    pub fn pages(&self) -> usize {
        self.pdf.pages().len()
    }

    /// Width and height of a page in points, turned as it is shown; `None` past the end.
    pub fn page_size(&self, index: usize) -> Option<(f32, f32)> {
        self.pdf.pages().get(index).map(|page| page.render_dimensions())
    }

    /// Draws a page on white, stretched to exactly `width` x `height`: opaque RGBA, row by row.
    pub fn draw(&self, index: usize, width: u32, height: u32) -> Result<Vec<u8>, LessonError> {
        let Some(page) = self.pdf.pages().get(index) else {
            let cause = format!("page {} was asked for, but it has {}", index + 1, self.pages());
            return Err(LessonError::invalid(&self.path, cause));
        };
        if !(1..=MAX_SIDE).contains(&width) || !(1..=MAX_SIDE).contains(&height) {
            let limit = format!("{MAX_SIDE} pixels a side: choose a smaller picture");
            return Err(LessonError::Limit { path: self.path.clone(), what: format!("a page is to be drawn at {width}x{height}"), limit });
        }
        contained(&self.path, || {
            let (page_width, page_height) = page.render_dimensions();
            let scale = Affine::scale_non_uniform(f64::from(width) / f64::from(page_width), f64::from(height) / f64::from(page_height));
            let transform = scale * hayro::hayro_interpret::util::TransformExt::to_kurbo(&page.initial_transform(true));
            let mut context = RenderContext::new(width as u16, height as u16);
            // Hinting moves glyphs to whole pixels and makes the same slide look different at each size; a kept glyph is drawn again at
            // the nearest quarter of a pixel, which small print shows.
            let settings = RenderSettings { hinting: false, glyph_caching: false, ..RenderSettings::default() };
            hayro::render_into(page, &RenderCache::new(), &InterpreterSettings::default(), &settings, &mut context, transform);
            context.flush();
            let mut pixmap = Pixmap::new(width as u16, height as u16);
            let paper = RasterizerSettings { target_init: TargetInit::Clear(WHITE), ..RasterizerSettings::default() };
            context.render_with(&mut pixmap, &mut Resources::default(), paper);
            // On white everything is opaque, so premultiplied and straight alpha are the same bytes.
            pixmap.data_as_u8_slice().to_vec()
        })
    }
}

impl Document {
    /// The file it came from.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Glyphs and pictures of a page, in the order in which they are drawn; none past the end.
    pub fn drawn(&self, index: usize) -> Result<Drawn, LessonError> {
        let Some(page) = self.pdf.pages().get(index) else { return Ok(Drawn::default()) };
        contained(&self.path, || pdf_glyphs::of(page))
    }
}

/// The parser and the renderer meet files from anywhere: what makes them panic is a damaged file, not the end of the program.
fn contained<T>(path: &Path, work: impl FnOnce() -> T) -> Result<T, LessonError> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|_| LessonError::damaged(path, "its PDF structure cannot be followed"))
}

/// The hash of one page of a PDF file.
pub(super) fn page_hash(file: ContentHash, index: usize) -> ContentHash {
    Canon::new("pdf page").hash(file).number(index as i64).finish()
}

/// Imports the PDF in `bytes`, which came from `path`, with the narration in `NAME.md` or `NAME.txt` beside it.
pub(super) fn import(path: &Path, bytes: Vec<u8>, hash: ContentHash, options: &ImportOptions) -> Result<Lesson, LessonError> {
    pdf_guard::check(path, &bytes)?;
    let document = Document::parse(path, bytes)?;
    let pages = document.pages();
    check_count(path, pages)?;
    let (width, height) = document.page_size(0).ok_or_else(|| LessonError::Empty { path: path.into(), cause: "has no pages".into() })?;
    let script_path = ["md", "txt"].map(|extension| path.with_extension(extension)).into_iter().find(|path| path.is_file());
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let mut warnings = Vec::new();
    let whole = |text: String| Warning { slide: None, text };
    let mut language = options.language.clone();
    let mut sections: Vec<Section> = match &script_path {
        Some(script_path) => {
            let sections = Script::read(script_path)?.in_order(script_path, pages, "page", &mut warnings)?;
            sections.into_iter().map(Option::unwrap_or_default).collect()
        }
        None => match content::of_pages(path, &document, &stem, options)? {
            Some((spoken, found, notes)) => {
                language = language.or(Some(found));
                let text = format!(
                    "what is said was made of the pages' own text; to say something else write {} beside it, with one heading (# Title) for each page and what is said below it",
                    script_name(path)
                );
                warnings.push(whole(text));
                warnings.extend(notes.into_iter().map(whole));
                spoken.into_iter().map(|page| Section { title: page.title, text: page.text }).collect()
            }
            None => {
                let text = format!(
                    "nothing is said: write {} beside it, with one heading (# Title) for each page and what is said below it",
                    script_name(path)
                );
                warnings.push(whole(text));
                vec![Section::default(); pages]
            }
        },
    };
    let slides = (0..pages).map(|index| {
        let section = std::mem::take(&mut sections[index]);
        Slide {
            id: format!("page-{}", index + 1),
            number: index + 1,
            title: if section.title.is_empty() { format!("Page {}", index + 1) } else { section.title },
            visual: Visual::Page { document: path.into(), index, hash: page_hash(hash, index) },
            narration: if section.text.is_empty() { Narration::Silence(SILENT_SLIDE) } else { Narration::Text(section.text) },
            voice: None,
            presenter: Placement::default(),
            overlays: Vec::new(),
            transition: None,
            duration: None,
        }
    });
    let lesson = Lesson {
        id: slug(&stem),
        title: stem.clone(),
        language: language.unwrap_or_else(|| "en".into()),
        size: ((width * 100.0).round().max(1.0) as u32, (height * 100.0).round().max(1.0) as u32),
        voices: Default::default(),
        pronounce: Default::default(),
        slides: slides.collect(),
        warnings,
    };
    // Words that the writer has just made follow the brief already, but for the language.
    let brief =
        if script_path.is_some() { options.brief.clone() } else { Brief { language: options.brief.language.clone(), ..Brief::default() } };
    content::follow(path, lesson, &ImportOptions { brief, ..options.clone() })
}

fn script_name(path: &Path) -> String {
    path.with_extension("md").file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}
