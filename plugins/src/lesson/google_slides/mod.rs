//! Google Slides: a presentation by its address, read once for each of its revisions.
//!
//! [`fetch`] makes a folder of it in the cache: `presentation.json` (what the API says: titles, notes, order) and `pages/` with a picture
//! for each slide that is shown, published whole or not at all under the presentation's id and revision. A second time, the revision
//! is all that is asked for. [`import`] reads such a folder, without the network. A slide without notes shows for
//! [`SILENT_SLIDE`](super::SILENT_SLIDE).

mod address;
mod client;
#[cfg(test)]
mod fake;
#[cfg(test)]
mod tests;
mod wire;

use super::error::LessonError;
use super::hash::Canon;
use super::limits::{check_count, check_narration, read_file};
use super::model::{Lesson, Narration, SILENT_SLIDE, Slide, Visual, Warning};
use super::workshop;
use super::{ImportOptions, slug};
use crate::net::wait_for;
use client::Client;
use engine::cue::Placement;
use engine::graph::Secret;
use futures_util::{StreamExt, TryStreamExt};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use wire::Presentation;

/// The file that makes a folder one of ours.
pub(super) const FILE: &str = "presentation.json";
/// Revisions that nobody has asked for in so long are removed. No run that shows one lasts longer.
const KEPT: Duration = Duration::from_secs(7 * 24 * 3600);
/// Pictures asked for at a time.
const AT_A_TIME: usize = 4;
/// How often a presentation is read that somebody edits meanwhile.
const ROUNDS: usize = 3;

/// How Google Slides is reached.
#[derive(Clone)]
pub struct GoogleSlides {
    /// Where the API is. Default: `$GOOGLE_SLIDES_URL`, else `https://slides.googleapis.com`.
    pub url: String,
    /// An OAuth 2.0 access token with the scope `presentations.readonly`. Default: `$GOOGLE_SLIDES_TOKEN`.
    pub token: Option<Secret>,
    /// A file that holds the token. Default: `$GOOGLE_SLIDES_TOKEN_FILE`.
    pub token_file: Option<PathBuf>,
    /// How long it is waited for.
    pub patience: Patience,
}

/// How long a service is waited for.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For a connection.
    pub connect: Duration,
    /// For one whole answer.
    pub answer: Duration,
    /// Before it is asked again for the first time; each wait is twice the one before, and up to twice as long by chance.
    pub first: Duration,
    /// The longest such wait.
    pub longest: Duration,
    /// How often it is asked again.
    pub retries: usize,
}

impl Default for GoogleSlides {
    fn default() -> GoogleSlides {
        let set = |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
        GoogleSlides {
            url: set("GOOGLE_SLIDES_URL").unwrap_or_else(|| "https://slides.googleapis.com".into()),
            token: set("GOOGLE_SLIDES_TOKEN").map(|token| Secret::new(token.trim())),
            token_file: set("GOOGLE_SLIDES_TOKEN_FILE").map(PathBuf::from),
            // The limits of the service count by the minute: eight retries last for two.
            patience: Patience {
                connect: Duration::from_secs(10),
                answer: Duration::from_secs(60),
                first: Duration::from_secs(1),
                longest: Duration::from_secs(30),
                retries: 8,
            },
        }
    }
}

impl GoogleSlides {
    fn token(&self, presentation: &address::Presentation) -> Result<Secret, LessonError> {
        let failed = |cause: String| LessonError::Remote { address: presentation.address(), cause };
        if let Some(token) = &self.token {
            return Ok(token.clone());
        }
        let Some(path) = &self.token_file else {
            let text = "reading it needs a token of a Google account that may see it, with the scope presentations.readonly: set \
                        GOOGLE_SLIDES_TOKEN, or GOOGLE_SLIDES_TOKEN_FILE to a file that holds it. Without one, download the presentation \
                        (File > Download > .pptx) and give that file";
            return Err(failed(text.into()));
        };
        let (bytes, _) = read_file(path)?;
        let token = String::from_utf8(bytes).ok().map(|text| text.trim().to_string());
        token
            .filter(|token| !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic()))
            .map(Secret::new)
            .ok_or_else(|| failed(format!("{} holds no token: it must hold the access token and nothing else", path.display())))
    }
}

/// Whether `address` could be read, as far as its form tells.
pub(super) fn check(address: &str) -> Result<(), LessonError> {
    presentation(address).map(drop)
}

fn presentation(address: &str) -> Result<address::Presentation, LessonError> {
    address::Presentation::read(address).map_err(|cause| LessonError::Address { address: address.chars().take(200).collect(), cause })
}

/// The folder of the presentation as it is now; made when this revision was never read before.
pub(super) fn fetch(address: &str, options: &ImportOptions) -> Result<PathBuf, LessonError> {
    let presentation = presentation(address)?;
    let settings = &options.google_slides;
    let token = settings.token(&presentation)?;
    let client = Client::new(&settings.url, token, presentation.clone(), settings.patience)?;
    let home = options.cache_dir.join("google-slides").join(&presentation.id);
    wait_for(&options.cancel, bring(&client, &home, options)).map_err(|error| match error {
        crate::net::WaitError::Cancelled => LessonError::Cancelled,
        error => client.failed(error.to_string()),
    })?
}

/// Brings the presentation into `home/REVISION`.
async fn bring(client: &Client, home: &Path, options: &ImportOptions) -> Result<PathBuf, LessonError> {
    let mut current = client.current().await?;
    for _ in 0..ROUNDS {
        let place = home.join(&Canon::new("google slides 1").text(&current.revision).finish().to_string()[..32]);
        // What a full disk or a hand has damaged is brought anew.
        if place.is_dir() {
            if import(&place, options).is_ok() {
                touch(&place);
                return Ok(place);
            }
            fs::remove_dir_all(&place).map_err(LessonError::write(&place))?;
        }
        let content = match current.presentation.take() {
            Some(content) => content,
            None => client.presentation().await?,
        };
        let work = workshop::open(&options.cache_dir)?;
        pictures(client, &content, work.path()).await?;
        let file = work.path().join(FILE);
        let text = serde_json::to_vec_pretty(&content).expect("plain data can be written");
        write(&file, &text)?;
        // Pictures come one by one: they are of one state only if that is still the one it was.
        let now = client.current().await?;
        if now.revision == current.revision && content.revision_id.as_ref().is_none_or(|own| *own == now.revision) {
            fs::create_dir_all(home).map_err(LessonError::write(home))?;
            let made = work.keep();
            // Another process may have been first; its folder is as good.
            if let Err(error) = fs::rename(&made, &place) {
                let _ = fs::remove_dir_all(&made);
                if !place.join(FILE).is_file() {
                    return Err(LessonError::write(&place)(error));
                }
            }
            forget_old(home, &place);
            return Ok(place);
        }
        current = now;
    }
    Err(client.failed(format!("somebody is editing it: it changed {ROUNDS} times while it was read. Try again when it is at rest")))
}

/// The pictures of all slides that are shown, into `folder/pages`.
async fn pictures(client: &Client, content: &Presentation, folder: &Path) -> Result<(), LessonError> {
    // Before the service works for nothing.
    check_content(content, &|cause| client.failed(cause))?;
    let pages = folder.join("pages");
    fs::create_dir(&pages).map_err(LessonError::write(&pages))?;
    let shown = content.slides.iter().enumerate().filter(|(_, slide)| !slide.is_skipped());
    let requests = shown.map(|(index, slide)| {
        let path = picture_of(folder, index + 1);
        async move {
            let bytes = client.picture(&slide.object_id).await?;
            write(&path, &bytes)
        }
    });
    futures_util::stream::iter(requests).buffer_unordered(AT_A_TIME).try_collect::<()>().await
}

fn check_content(content: &Presentation, failed: &dyn Fn(String) -> LessonError) -> Result<(), LessonError> {
    check_count(Path::new("the presentation"), content.slides.len()).map_err(|error| failed(error.to_string()))?;
    if content.slides.iter().all(wire::Page::is_skipped) {
        return Err(failed("it has no slides that are shown; give it one, or stop skipping one".into()));
    }
    let shown = content.slides.iter().enumerate().filter(|(_, slide)| !slide.is_skipped());
    shown
        .into_iter()
        .try_for_each(|(index, slide)| check_narration(&slide.notes()).map_err(|cause| failed(format!("slide {}: {cause}", index + 1))))
}

fn picture_of(folder: &Path, number: usize) -> PathBuf {
    folder.join("pages").join(format!("{number:03}.png"))
}

/// Reads a folder that [`fetch`] made.
pub(super) fn import(folder: &Path, options: &ImportOptions) -> Result<Lesson, LessonError> {
    let file = folder.join(FILE);
    let (bytes, _) = read_file(&file)?;
    let content: Presentation = serde_json::from_slice(&bytes).map_err(|error| LessonError::damaged(&file, error))?;
    check_content(&content, &|cause| LessonError::invalid(&file, cause))?;
    let mut slides = Vec::new();
    let mut warnings = Vec::new();
    for (index, page) in content.slides.iter().enumerate().filter(|(_, page)| !page.is_skipped()) {
        let number = index + 1;
        let path = picture_of(folder, number);
        let notes = page.notes();
        if page.has_video() {
            let text = "its video is not played, the slide's picture stands for it; download the video and make it a slide of its own";
            warnings.push(Warning { slide: Some(number), text: text.into() });
        }
        slides.push(Slide {
            id: page.object_id.clone(),
            number,
            title: page.title().unwrap_or_else(|| format!("Slide {number}")),
            visual: Visual::Image { hash: read_file(&path)?.1, path },
            narration: if notes.is_empty() { Narration::Silence(SILENT_SLIDE) } else { Narration::Text(notes) },
            voice: None,
            presenter: Placement::default(),
            overlays: Vec::new(),
            transition: None,
            duration: None,
        });
    }
    if slides.iter().all(|slide| matches!(slide.narration, Narration::Silence(_))) {
        let text = "no slide has speaker notes, so nothing is said; write what the presenter says into the notes";
        warnings.insert(0, Warning { slide: None, text: text.into() });
    }
    let title = super::short_title(&content.title);
    Ok(Lesson {
        id: slug(&title),
        title: if title.is_empty() { "Presentation".into() } else { title },
        language: options.language.clone().or(content.locale.clone()).unwrap_or_else(|| "en".into()),
        size: content.size(),
        voices: Default::default(),
        pronounce: Default::default(),
        slides,
        warnings,
    })
}

/// Writes a file through to the disk: after a loss of power a published folder is whole, too.
fn write(path: &Path, bytes: &[u8]) -> Result<(), LessonError> {
    let mut file = fs::File::create(path).map_err(LessonError::write(path))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(LessonError::write(path))
}

/// Marks a folder as used.
fn touch(folder: &Path) {
    // Only the order of removal depends on it.
    let _ = fs::File::open(folder).and_then(|folder| folder.set_modified(SystemTime::now()));
}

/// Removes revisions that nobody uses any more.
fn forget_old(home: &Path, current: &Path) {
    for entry in fs::read_dir(home).into_iter().flatten().flatten() {
        if entry.path() != current && workshop::is_older(&entry, KEPT) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}
