//! Pages as files: a picture, or a film of what moves.

use super::cache::{PageCache, age};
use super::error::BrowserError;
use super::film::PageFilm;
use super::page::{Page, PageSettings, Purpose};
use crate::part_file;
use engine::frame::Size;
use engine::run::Cancel;
use engine::time::{Rate, Span};
use std::path::PathBuf;
use std::time::Duration;

/// What was captured.
#[derive(Clone, Debug)]
pub struct Captured {
    /// A PNG, or an MP4.
    pub path: PathBuf,
    /// How long ago it was captured, where it was there before.
    pub age: Option<Duration>,
    /// What of the page is not in it.
    pub notes: Vec<String>,
    /// Of a film.
    pub length: Span,
}

/// How a film of a page is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moving {
    /// Pictures a second, 1 to 25.
    pub rate: u32,
    /// How long it is at least; rounded up to a whole picture.
    pub length: Span,
}

/// The page as a picture of about this size (a pixel may be missing at the right).
///
/// # Errors
/// See [`BrowserError`].
pub fn still(url: &str, size: Size, settings: &PageSettings, cache: &PageCache, cancel: &Cancel) -> Result<Captured, BrowserError> {
    let name = format!("{}x{}.png", size.width, size.height);
    let path = cache.path(url, &name);
    if path.is_file() {
        return Ok(kept(path, Span::ZERO));
    }
    let mut page = Page::open(url, size, Purpose::Still, settings, cancel)?;
    let picture = page.picture()?;
    publish(cache, url, page.notes(), path, Span::ZERO, |path| {
        part_file::write(path, &picture).map_err(|error| BrowserError::Film(error.to_string()))
    })
}

/// The page as a film of this size, from when it had loaded.
///
/// # Errors
/// See [`BrowserError`].
pub fn moving(
    url: &str,
    size: Size,
    moving: Moving,
    settings: &PageSettings,
    cache: &PageCache,
    cancel: &Cancel,
) -> Result<Captured, BrowserError> {
    let rate = Rate::per_second(moving.rate);
    let count = rate.index_from(engine::time::Time::ZERO + moving.length).max(1);
    let prefix = format!("{}x{}-{}-", size.width, size.height, moving.rate);
    let pictures = |name: &String| name.strip_prefix(&prefix)?.strip_suffix(".mp4")?.parse::<i64>().ok();
    // A longer one will do: nobody sees its end.
    let kept_ones = cache.names(url).into_iter().filter_map(|name| Some((pictures(&name)?, name)));
    if let Some((have, name)) = kept_ones.filter(|(have, _)| *have >= count).min() {
        return Ok(kept(cache.path(url, &name), rate.span_of(have)));
    }
    let path = cache.path(url, &format!("{prefix}{count}.mp4"));
    let mut page = Page::open(url, size, Purpose::Moving, settings, cancel)?;
    let failed = BrowserError::Film;
    cache.prepare(url)?;
    let mut film = PageFilm::create(&path, size, rate).map_err(failed)?;
    page.record(size, rate, count, |picture| film.push(picture).map_err(failed))?;
    publish(cache, url, page.notes(), path, rate.span_of(count), |_| film.finish().map_err(failed))
}

/// Notes first: who finds the file finds them, too.
fn publish(
    cache: &PageCache,
    url: &str,
    notes: Vec<String>,
    path: PathBuf,
    length: Span,
    write: impl FnOnce(&PathBuf) -> Result<(), BrowserError>,
) -> Result<Captured, BrowserError> {
    cache.prepare(url)?;
    part_file::write(&notes_of(&path), notes.join("\n").as_bytes()).map_err(|error| BrowserError::Film(error.to_string()))?;
    write(&path)?;
    Ok(Captured { path, age: None, notes, length })
}

fn kept(path: PathBuf, length: Span) -> Captured {
    let notes = std::fs::read_to_string(notes_of(&path)).unwrap_or_default();
    Captured { age: age(&path), notes: notes.lines().map(str::to_string).collect(), length, path }
}

fn notes_of(path: &std::path::Path) -> PathBuf {
    path.with_extension("notes")
}
