//! What earlier renders were made of: small records of each deck, by which the next render tells what has changed.

use engine::segments::{Hash, Render};
use plugins::{cache_folder, lesson, part_file};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where records lie in the cache.
pub const RECORDS: &str = "renders";

/// So many are kept of a deck: it may be rendered in more than one size, with more than one voice.
const KEPT: usize = 4;

/// What shapes each segment, by its slide.
#[derive(Default, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// By name of the slide, then by encoder and piece: named hashes.
    slides: BTreeMap<String, BTreeMap<String, BTreeMap<String, String>>>,
}

impl Record {
    /// What a render is about to be made of.
    pub fn of(render: &Render<'_>) -> Record {
        let mut record = Record::default();
        for (track, segment) in render.segments() {
            let Some(part) = segment.part.map(|part| &track.parts[part]) else { continue };
            let inputs = segment.inputs.iter().map(|(name, hash)| (name.clone(), hash.to_string())).collect();
            record.slides.entry(part.id.to_string()).or_default().insert(piece(&track.encoder, segment.piece), inputs);
        }
        record
    }

    /// What was written for a deck (or a graph file), the last one at the end.
    pub fn read(source: &Path) -> Vec<Record> {
        let Some(bytes) = file_of(source).and_then(|path| std::fs::read(path).ok()) else { return Vec::new() };
        serde_json::from_slice(&bytes).unwrap_or_default()
    }

    /// Keeps it. It only serves explanations: that it cannot be written is no error.
    pub fn write(self, source: &Path) {
        let Some(path) = file_of(source) else { return };
        let mut records = Record::read(source);
        records.retain(|record| *record != self);
        records.push(self);
        let kept = &records[records.len().saturating_sub(KEPT)..];
        let json = serde_json::to_vec(kept).expect("a record is plain data");
        let written = std::fs::create_dir_all(part_file::folder_of(&path)).map_err(|error| error.to_string());
        if let Err(error) = written.and_then(|()| part_file::write(&path, &json).map_err(|error| error.to_string())) {
            tracing::warn!(error, "it cannot be kept what the render was made of");
        }
    }
}

fn piece(encoder: &str, number: usize) -> String {
    format!("{encoder} {number}")
}

fn file_of(source: &Path) -> Option<PathBuf> {
    // An address is its own name.
    let path = if lesson::address(source).is_some() { source.to_path_buf() } else { source.canonicalize().ok()? };
    let name = Hash::of(path.as_os_str().as_encoded_bytes()).to_string();
    Some(cache_folder::of_user()?.join(RECORDS).join(&name[..2]).join(format!("{name}.json")))
}

/// Whether the segments of a slide are encoded, and why.
pub struct Reason {
    /// The slide's name.
    pub id: Arc<str>,
    /// Its number in the deck.
    pub number: usize,
    /// How many segments it has.
    pub segments: usize,
    /// How many of them are encoded.
    pub encoded: usize,
    /// What has changed since that of the last renders which comes nearest.
    pub because: Vec<String>,
}

impl Reason {
    /// Of all slides in order.
    pub fn of_all(render: &Render<'_>, before: &[Record]) -> Vec<Reason> {
        let mut slides: Vec<Reason> = Vec::new();
        for (track, segment) in render.segments() {
            let Some(part) = segment.part.map(|part| &track.parts[part]) else { continue };
            let index = slides.iter().position(|slide| slide.id == part.id).unwrap_or_else(|| {
                slides.push(Reason { id: part.id.clone(), number: part.number, segments: 0, encoded: 0, because: Vec::new() });
                slides.len() - 1
            });
            let slide = &mut slides[index];
            slide.segments += 1;
            if segment.known {
                continue;
            }
            slide.encoded += 1;
            let piece = piece(&track.encoder, segment.piece);
            let known = before.iter().filter_map(|record| record.slides.get(&*part.id)?.get(&piece));
            for cause in changed(known, &segment.inputs) {
                if !slide.because.contains(&cause) {
                    slide.because.push(cause);
                }
            }
        }
        slides
    }
}

/// The names of inputs that are not what they were, as the user thinks of them: since the render, of those in `before`, that was most like
/// this one. It was one of the same size where there was one.
fn changed<'a>(before: impl Iterator<Item = &'a BTreeMap<String, String>>, now: &[(String, Hash)]) -> Vec<String> {
    let since = |before: &BTreeMap<String, String>| -> Vec<String> {
        let differs = |(name, hash): &&(String, Hash)| before.get(name) != Some(&hash.to_string());
        now.iter().filter(differs).map(|(name, _)| name.clone()).collect()
    };
    // Of equals the last one.
    let nearest = before.map(since).reduce(|nearest, names| if names.len() <= nearest.len() { names } else { nearest });
    let Some(mut names) = nearest else { return vec!["it was not rendered before".into()] };
    // Whatever changes a slide changes its length or its idle motion, too.
    for consequence in ["idle motion", "length"] {
        if names.len() > 1 {
            names.retain(|name| !name.starts_with(consequence));
        }
    }
    if names.is_empty() {
        vec!["it is no longer in the cache".into()]
    } else {
        names.iter().map(|name| format!("changed: {name}")).collect()
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Reason { number, segments, encoded, because, .. } = self;
        match encoded {
            0 => write!(f, "slide {number:>3}  as it was"),
            _ if segments > &1 => write!(f, "slide {number:>3}  {encoded} of {segments} segments are encoded; {}", because.join(", ")),
            _ => write!(f, "slide {number:>3}  is encoded; {}", because.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_changed_is_named_without_its_consequences() {
        let inputs = |texts: &[(&str, &str)]| texts.iter().map(|(name, text)| (name.to_string(), Hash::of(text))).collect::<Vec<_>>();
        let before: BTreeMap<String, String> = [("picture (slides)", "a"), ("idle motion (speech)", "b"), ("length", "c")]
            .map(|(name, text)| (name.to_string(), Hash::of(text).to_string()))
            .into();
        let now = inputs(&[("picture (slides)", "x"), ("idle motion (speech)", "y"), ("length", "c")]);
        assert_eq!(changed([&before].into_iter(), &now), ["changed: picture (slides)"]);
        let now = inputs(&[("picture (slides)", "a"), ("idle motion (speech)", "y"), ("length", "c")]);
        assert_eq!(changed([&before].into_iter(), &now), ["changed: idle motion (speech)"]);
        let same = inputs(&[("picture (slides)", "a"), ("idle motion (speech)", "b"), ("length", "c")]);
        assert_eq!(changed([&before].into_iter(), &same), ["it is no longer in the cache"]);
        assert_eq!(changed([].into_iter(), &now), ["it was not rendered before"]);
        // After a render in another size it is the one in the same size that tells.
        let record = |texts: &[(&str, &str)]| inputs(texts).into_iter().map(|(name, hash)| (name, hash.to_string())).collect();
        let small: BTreeMap<String, String> = record(&[("size", "small"), ("picture", "small"), ("narration", "a")]);
        let large: BTreeMap<String, String> = record(&[("size", "large"), ("picture", "large"), ("narration", "a")]);
        let now = inputs(&[("size", "small"), ("picture", "small"), ("narration", "b")]);
        assert_eq!(changed([&small, &large].into_iter(), &now), ["changed: narration"]);
    }
}
