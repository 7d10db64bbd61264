//! Live pages in a film: captured before it is made, as pictures and films that are shown like any others.
//!
//! A film is as repeatable as what it shows: a page is captured once and kept by its address, and the same film comes out until the
//! capture is forgotten. Where a page cannot be captured, its poster stands for it, or a plain ground, and a warning says why.

use crate::browser::{BrowserError, Captured, Moving, PageCache, PageSettings, moving, still};
use crate::lesson::{Capture, Clip, ContentHash, LEAD_IN, Lesson, MAX_CAPTURE, Narration, Slide, TAIL, Visual};
use crate::net::guard::{Exemption, Guard};
use engine::frame::Size;
use engine::graph::unit::DurationSetting;
use engine::node::{Failure, Result};
use engine::run::Cancel;
use engine::time::Span;
use schemars::JsonSchema;
use serde::Deserialize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// A page that was captured longer ago than this may have become another.
const OLD: Duration = Duration::from_secs(24 * 3600);
/// How long slow speech takes for a character.
const CHARACTER: Span = Span::from_millis(100);
/// How long a recording is taken to be.
const RECORDING: Span = Span::from_seconds(60);

/// How live pages are captured.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PagesConfig {
    /// Chromium, or a browser made of it: a path, or a name on PATH. Default: the first of chromium, chromium-browser, google-chrome.
    browser: Option<PathBuf>,
    /// How long a page may take to load; what is to be seen of it then is captured. Default: 30s.
    limit: DurationSetting,
    /// Hosts in private networks that pages may load from, with their ports: intranet.example:80, 127.0.0.1:8000. All else that is not
    /// on the public internet is refused. A list, or one text with commas.
    allow_private: Exemptions,
}

impl Default for PagesConfig {
    fn default() -> PagesConfig {
        PagesConfig { browser: None, limit: DurationSetting(Span::from_seconds(30)), allow_private: Exemptions::default() }
    }
}

/// A list, or one text with commas, which a variable of the graph can be.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(try_from = "ManyOrOne")]
#[schemars(with = "ManyOrOne")]
struct Exemptions(Vec<Exemption>);

#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
enum ManyOrOne {
    Many(Vec<String>),
    One(String),
}

impl TryFrom<ManyOrOne> for Exemptions {
    type Error = String;

    fn try_from(given: ManyOrOne) -> std::result::Result<Exemptions, String> {
        let texts = match given {
            ManyOrOne::Many(texts) => texts,
            ManyOrOne::One(text) => text.split(',').map(str::to_string).collect(),
        };
        let texts = texts.iter().map(|text| text.trim()).filter(|text| !text.is_empty());
        texts.map(str::parse).collect::<std::result::Result<_, _>>().map(Exemptions)
    }
}

impl PagesConfig {
    /// What is wrong with it.
    pub fn validate(&self) -> std::result::Result<(), String> {
        if self.limit.0 > Span::ZERO { Ok(()) } else { Err("pages: the limit must be longer than zero".into()) }
    }

    fn settings(&self) -> PageSettings {
        let PageSettings { program, .. } = PageSettings::default();
        PageSettings {
            program: self.browser.clone().unwrap_or(program),
            limit: self.limit.0.to_std(),
            guard: Guard::new(self.allow_private.0.iter().cloned()),
        }
    }
}

/// The lesson with its live pages captured, at the size of the film. `warn` is told the slide's number and what is not as its author
/// expects.
///
/// # Errors
/// The user stopped it.
pub fn captured(
    lesson: &Arc<Lesson>,
    size: Size,
    config: &PagesConfig,
    cache: &PageCache,
    cancel: &Cancel,
    warn: &mut dyn FnMut(usize, String),
) -> Result<Arc<Lesson>> {
    if !lesson.slides.iter().any(|slide| wanted(slide).is_some()) {
        return Ok(lesson.clone());
    }
    let settings = config.settings();
    let mut shown = Lesson::clone(lesson);
    for slide in &mut shown.slides {
        let Some((url, capture)) = wanted(slide) else { continue };
        let made = match capture {
            Capture::Still => still(&url, size, &settings, cache, cancel).and_then(|captured| poster(&url, captured, slide.number, warn)),
            Capture::Moving { rate, length } => {
                let length = length.unwrap_or_else(|| about(slide)).min(MAX_CAPTURE);
                let made = moving(&url, size, Moving { rate, length }, &settings, cache, cancel);
                made.and_then(|captured| clip(&url, size, captured, slide.number, warn))
            }
        };
        match made {
            Ok(visual) => slide.visual = visual,
            Err(BrowserError::Cancelled) => return Err(Failure::Cancelled),
            Err(error) => warn(slide.number, format!("the page {url} cannot be captured: {error}")),
        }
    }
    Ok(Arc::new(shown))
}

/// Which page a slide has that is to be captured, and how.
fn wanted(slide: &Slide) -> Option<(String, Capture)> {
    let Visual::Embed { url, poster, capture } = &slide.visual else { return None };
    let capture = capture.or_else(|| poster.is_none().then_some(Capture::Still))?;
    Some((url.clone(), capture))
}

/// At least how long a slide will last, by far the most of the time. Beyond it the last picture stands.
fn about(slide: &Slide) -> Span {
    let said = match &slide.narration {
        Narration::Text(text) => LEAD_IN + Span(CHARACTER.0 * text.chars().count() as i64) + TAIL,
        Narration::Audio { words, .. } => words.iter().flatten().last().map_or(RECORDING, |word| LEAD_IN + word.end.since_start() + TAIL),
        Narration::Silence(span) => *span,
    };
    said.max(slide.least())
}

fn poster(url: &str, captured: Captured, number: usize, warn: &mut dyn FnMut(usize, String)) -> std::result::Result<Visual, BrowserError> {
    let hash = ContentHash::of(&std::fs::read(&captured.path)?);
    tell(url, &captured, number, warn);
    Ok(Visual::Image { path: captured.path, hash })
}

fn clip(
    url: &str,
    size: Size,
    captured: Captured,
    number: usize,
    warn: &mut dyn FnMut(usize, String),
) -> std::result::Result<Visual, BrowserError> {
    let hash = ContentHash::of(&std::fs::read(&captured.path)?);
    tell(url, &captured, number, warn);
    let Captured { path, length, .. } = captured;
    let size = (size.width, size.height);
    Ok(Visual::Clip(Clip { path, hash, size, from: Span::ZERO, length, sound: false, fade_out: Span::ZERO }))
}

fn tell(url: &str, captured: &Captured, number: usize, warn: &mut dyn FnMut(usize, String)) {
    for note in &captured.notes {
        warn(number, format!("the page {url}: {note}"));
    }
    if let Some(age) = captured.age.filter(|age| *age > OLD) {
        let days = age.as_secs() / OLD.as_secs();
        let days = if days == 1 { "a day".to_string() } else { format!("{days} days") };
        warn(number, format!("the page {url} is shown as it was {days} ago; lectern render --refresh-pages captures it again"));
    }
}

#[cfg(test)]
#[path = "pages_tests.rs"]
mod tests;
