//! Files that a command is going to write, looked at before anything is begun.

use crate::failure::Failure;
use plugins::lesson::{Lesson, Narration, Speaker, Visual, numbered};
use plugins::outputs::shell_word;
use plugins::part_file::folder_of;
use std::path::{Path, PathBuf};

/// `path` can be written and is none of `inputs`.
///
/// # Errors
/// The folder is missing or may not be written, the path is a folder, or it is an input.
pub fn check(path: &Path, inputs: &[&Path]) -> Result<(), Failure> {
    let shown = path.display();
    if path.is_dir() {
        return Err(Failure::Invalid(format!("the output {shown} is a folder; name a file in it")));
    }
    let folder = folder_of(path);
    if !folder.is_dir() {
        let (place, word) = (folder.display(), shell_word(folder));
        return Err(Failure::Invalid(format!("cannot write {shown}: there is no folder {place}. Make it: mkdir -p {word}")));
    }
    takes_files(folder).map_err(|error| {
        Failure::Invalid(format!("cannot write {shown}: its folder does not take files ({}). Choose another place with -o", error.kind()))
    })?;
    is_none_of(path, inputs)
}

/// `path` is none of `inputs`, links followed.
///
/// # Errors
/// It is one of them.
pub fn is_none_of(path: &Path, inputs: &[impl AsRef<Path>]) -> Result<(), Failure> {
    let Ok(real) = path.canonicalize() else { return Ok(()) };
    match inputs.iter().any(|input| input.as_ref().canonicalize().is_ok_and(|input| input == real)) {
        true => Err(Failure::Invalid(format!("the output {} is the input; choose another name for it", path.display()))),
        false => Ok(()),
    }
}

/// The files that are read with a deck, by where they lie: its script, and what a folder is read by.
pub fn beside_deck(deck: &Path) -> Vec<PathBuf> {
    if deck.is_dir() {
        return ["script.md", "lesson.yaml", "lesson.json"].map(|name| deck.join(name)).into();
    }
    match deck.extension() {
        Some(extension) if extension.eq_ignore_ascii_case("pdf") => ["md", "txt"].map(|extension| deck.with_extension(extension)).into(),
        _ => Vec::new(),
    }
}

/// The file that a setting may name; of a voice both.
pub fn named_by(value: &str) -> impl Iterator<Item = PathBuf> {
    [value.into()].into_iter().chain(value.ends_with(".onnx").then(|| format!("{value}.json").into()))
}

/// The files that a lesson is made of.
pub fn files_of(lesson: &Lesson) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for speaker in lesson.voices.values() {
        if let Speaker::File { path, .. } = speaker {
            files.extend(named_by(&path.to_string_lossy()));
        }
    }
    for slide in &lesson.slides {
        match &slide.visual {
            Visual::Page { document, .. } => files.push(document.clone()),
            Visual::Image { path, .. } => files.push(path.clone()),
            Visual::Clip(clip) => files.push(clip.path.clone()),
            Visual::Canvas(canvas) => files.extend(canvas.files().map(|file| file.path.clone())),
            // What has changed since is told by who reads them.
            Visual::Frames(frames) => files.extend(numbered(&frames.folder).unwrap_or_default()),
            Visual::Embed { poster, .. } => files.extend(poster.iter().map(|(path, _)| path.clone())),
            Visual::Color(_) => {}
        }
        if let Narration::Audio { path, .. } = &slide.narration {
            files.push(path.clone());
        }
        files.extend(slide.overlays.iter().filter_map(|overlay| Some(overlay.file.as_ref()?.path.clone())));
    }
    // The pages of a document name it once each.
    files.dedup();
    files
}

/// A file can be made in `folder`. Trying is the only way to know: permissions, read-only disks and folders of the system all say no
/// in their own way. Nothing is left behind.
///
/// # Errors
/// What the system says.
pub fn takes_files(folder: &Path) -> std::io::Result<()> {
    let probe = folder.join(format!(".lectern-{}", std::process::id()));
    std::fs::File::create_new(&probe)?;
    std::fs::remove_file(&probe)
}

/// The film's name when none is given: that of the deck with `.mp4`, in the current folder.
pub fn default_film(deck: &Path) -> PathBuf {
    let real = deck.canonicalize().unwrap_or_else(|_| deck.to_path_buf());
    // A folder's name may have dots in it; only a file has an extension.
    let stem = if real.is_dir() { real.file_name() } else { real.file_stem() };
    let mut name = stem.map_or_else(|| "lecture".into(), |stem| stem.to_os_string());
    name.push(".mp4");
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_written_is_told_before_the_work() {
        let folder = tempfile::tempdir().unwrap();
        let input = folder.path().join("talk.pptx");
        std::fs::write(&input, b"x").unwrap();
        let text = |path: &Path| check(path, &[&input]).unwrap_err().to_string();
        assert!(check(&folder.path().join("talk.mp4"), &[&input]).is_ok());
        assert!(text(&folder.path().join("no/talk.mp4")).contains("Make it: mkdir -p "));
        assert!(text(Path::new("neu er/talk.mp4")).ends_with("Make it: mkdir -p 'neu er'"), "as a shell takes it");
        let link = folder.path().join("link.mp4");
        std::os::unix::fs::symlink("talk.pptx", &link).unwrap();
        assert!(text(&link).contains("is the input"), "by another name");
        assert!(text(folder.path()).contains("is a folder"));
        assert!(text(&folder.path().join("./talk.pptx")).contains("is the input"));
        assert!(text(Path::new("/proc/talk.mp4")).contains("cannot write /proc/talk.mp4"), "a folder that cannot be written");
    }

    #[test]
    fn the_film_is_named_after_the_deck() {
        assert_eq!(default_film(Path::new("/some/where/talk.v2.pptx")), Path::new("talk.v2.mp4"));
        let folder = tempfile::Builder::new().prefix("talk.").tempdir().unwrap();
        let name = folder.path().file_name().unwrap().to_string_lossy().into_owned();
        assert_eq!(default_film(folder.path()), Path::new(&format!("{name}.mp4")));
    }
}
