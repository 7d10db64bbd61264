//! `lectern watch`: renders again on every change of the deck.

use super::render;
use crate::console::Console;
use crate::failure::Failure;
use crate::signals::Signals;
use clap::Args;
use crossbeam_channel::RecvTimeoutError;
use plugins::lesson;
use serde_json::json;
use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// How often the files are looked at.
const LOOK: Duration = Duration::from_millis(250);
/// So many looks in a row must see the same before a change counts as finished: programs save in several steps.
const QUIET_LOOKS: u32 = 2;
/// Files watched at most; a folder with more is no deck.
const MOST: usize = 20_000;

const EXAMPLES: &str = "\
Examples:
  lectern watch talk.pptx               talk.mp4, made anew whenever the deck is saved
  lectern watch slides/ -o film.mp4     a folder of pictures with script.md

Takes the options of `lectern render`. Only slides that have changed are encoded again. Ctrl-C ends it.";

/// Make the film of a deck again on every change.
///
/// Watches the deck, the script beside it, and for a folder or a lesson file everything in the folder.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Options {
    #[command(flatten)]
    render: render::Options,
}

/// What is watched: size and time of each file.
type Seen = BTreeMap<PathBuf, (u64, SystemTime)>;

/// Renders until it is stopped.
pub fn run(options: &Options, console: &Console) -> Result<(), Failure> {
    if lesson::address(options.render.deck()).is_some() {
        let text = "watch looks at files; what is on the web tells nobody that it has changed: render it again with `lectern render`";
        return Err(Failure::Invalid(text.into()));
    }
    let stop = Signals::listen().cancel().channel();
    let film = options.render.film();
    let own: Vec<PathBuf> = ["mp4", "srt", "vtt"].map(|extension| film.with_extension(extension)).into();
    let own: Vec<PathBuf> = own.into_iter().chain(options.render.written().cloned()).chain(options.render.translated()).collect();
    loop {
        let before = look(options.render.deck(), &own);
        match render::render(&options.render, console) {
            Ok(_) => {}
            Err(failure @ Failure::Aborted(_)) => return Err(failure),
            // It may be right again after the next change.
            Err(failure) => console.failure(&failure),
        }
        console.event(&json!({ "event": "waiting", "files": before.len() }));
        console.note("waiting for a change; Ctrl-C ends");
        let (mut last, mut quiet) = (before.clone(), 0);
        // What changed while it was being rendered is seen at the first look.
        while last == before || quiet < QUIET_LOOKS {
            if stop.recv_timeout(LOOK) != Err(RecvTimeoutError::Timeout) {
                return Ok(());
            }
            let now = look(options.render.deck(), &own);
            quiet = if now == last { quiet + 1 } else { 0 };
            last = now;
        }
    }
}

/// The files that make up a deck, without those that a render writes.
fn look(deck: &Path, own: &[PathBuf]) -> Seen {
    let mut seen = Seen::new();
    if deck.is_dir() {
        gather(deck, &mut seen);
    } else if deck.extension().is_some_and(|extension| ["yaml", "yml", "json"].iter().any(|known| extension.eq_ignore_ascii_case(known))) {
        // A lesson file names others beside it.
        gather(plugins::part_file::folder_of(deck), &mut seen);
    } else {
        let script = ["md", "txt"].map(|extension| deck.with_extension(extension));
        script.iter().map(PathBuf::as_path).chain([deck]).for_each(|path| add(path, &mut seen));
    }
    let is_own = |path: &Path| own.iter().any(|own| path.file_name().is_some() && path.file_name() == own.file_name());
    seen.retain(|path, _| !is_own(path) && path.extension().is_none_or(|extension| extension != "part"));
    seen
}

fn gather(folder: &Path, seen: &mut Seen) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        match entry.file_type() {
            _ if seen.len() >= MOST || is_hidden => {}
            Ok(kind) if kind.is_dir() => gather(&entry.path(), seen),
            _ => add(&entry.path(), seen),
        }
    }
}

fn add(path: &Path, seen: &mut Seen) {
    let Ok(meta) = fs::metadata(path) else { return };
    if let Ok(modified) = meta.modified()
        && !is_output(&meta)
    {
        seen.insert(path.to_path_buf(), (meta.len(), modified));
    }
}

/// What this program prints goes into this file.
fn is_output(file: &Metadata) -> bool {
    let same = |stream: BorrowedFd<'_>| {
        let meta = stream.try_clone_to_owned().and_then(|stream| fs::File::from(stream).metadata());
        meta.is_ok_and(|meta| (meta.dev(), meta.ino()) == (file.dev(), file.ino()))
    };
    same(std::io::stdout().as_fd()) || same(std::io::stderr().as_fd())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deck_is_watched_with_its_script_and_a_lesson_with_its_folder() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str| fs::write(folder.path().join(name), name).unwrap();
        ["talk.pptx", "talk.md", "other.md", "talk.mp4", "talk.mp4.part", "lesson.yaml", ".hidden"].iter().for_each(|name| write(name));
        fs::create_dir(folder.path().join("pictures")).unwrap();
        write("pictures/a.png");
        let own = [folder.path().join("talk.mp4")];
        let names = |deck: &str| {
            let seen = look(&folder.path().join(deck), &own);
            seen.keys().map(|path| path.strip_prefix(folder.path()).unwrap().display().to_string()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(names("talk.pptx"), "talk.md talk.pptx");
        assert_eq!(names("lesson.yaml"), "lesson.yaml other.md pictures/a.png talk.md talk.pptx");
        assert_eq!(names(""), names("lesson.yaml"));
        let before = look(&folder.path().join("talk.pptx"), &own);
        write("talk.mp4");
        assert!(before == look(&folder.path().join("talk.pptx"), &own));
        fs::write(folder.path().join("talk.md"), "a longer text").unwrap();
        assert!(before != look(&folder.path().join("talk.pptx"), &own));
    }
}
