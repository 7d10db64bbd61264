//! `lectern cache`: what is kept between renders.

use crate::console::Console;
use crate::failure::Failure;
use clap::{Args, Subcommand};
use plugins::cache_folder;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "\
Examples:
  lectern cache show                what is kept, and how much room it takes
  lectern cache clear               all of it
  lectern cache clear segments      only what was encoded

Everything in the cache can be made again; it may be cleared at any time.";

/// Show or clear what is kept between renders: speech, converted decks, encoded segments.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// What is kept, and how much room it takes.
    Show,
    /// Remove it.
    Clear {
        /// Only these, by the names that `show` prints.
        #[arg(value_name = "WHAT")]
        what: Vec<String>,
    },
}

/// A folder of the cache.
struct Kept {
    name: String,
    folder: PathBuf,
    files: u64,
    bytes: u64,
}

/// Names for folders whose own are short.
const NAMES: [(&str, &str); 1] = [(crate::segmented::SEGMENTS, "segments")];

/// Shows or clears.
pub fn run(options: Options, console: &Console) -> Result<(), Failure> {
    let root =
        cache_folder::of_user().ok_or_else(|| Failure::Invalid("there is no cache: neither XDG_CACHE_HOME nor HOME is set".into()))?;
    let kept = kept(&root);
    match options.command {
        Command::Show => show(&root, &kept, console),
        Command::Clear { what } => clear(&kept, &what, console)?,
    }
    Ok(())
}

/// The folders of the cache by name.
fn kept(root: &Path) -> Vec<Kept> {
    let folders = fs::read_dir(root).into_iter().flatten().flatten().map(|entry| entry.path()).filter(|path| path.is_dir());
    let mut kept: Vec<Kept> = folders
        .map(|folder| {
            let own = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let name = NAMES.iter().find(|(short, _)| *short == own).map_or(own, |(_, name)| name.to_string());
            let (files, bytes) = size(&folder);
            Kept { name, folder, files, bytes }
        })
        .collect();
    kept.sort_by(|a, b| a.name.cmp(&b.name));
    kept
}

/// Files below a folder, and their bytes. Links are not followed.
fn size(folder: &Path) -> (u64, u64) {
    let mut total = (0, 0);
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let (files, bytes) = match entry.metadata() {
            Ok(meta) if meta.is_dir() => size(&entry.path()),
            Ok(meta) => (1, meta.len()),
            Err(_) => (0, 0),
        };
        total = (total.0 + files, total.1 + bytes);
    }
    total
}

fn show(root: &Path, kept: &[Kept], console: &Console) {
    let total: u64 = kept.iter().map(|kept| kept.bytes).sum();
    if console.json() {
        let parts: Value =
            kept.iter().map(|kept| json!({ "name": kept.name, "folder": kept.folder, "files": kept.files, "bytes": kept.bytes })).collect();
        return console.answer_json(&json!({ "folder": root, "bytes": total, "kept": parts }));
    }
    for Kept { name, files, bytes, .. } in kept {
        console.answer(&format!("{name:10} {:>9}  {files} files\n", readable(*bytes)));
    }
    console.answer(&format!("{:10} {:>9}  {}\n", "all", readable(total), root.display()));
}

fn clear(kept: &[Kept], what: &[String], console: &Console) -> Result<(), Failure> {
    if let Some(unknown) = what.iter().find(|name| kept.iter().all(|kept| kept.name != **name)) {
        let known: Vec<&str> = kept.iter().map(|kept| kept.name.as_str()).collect();
        let known = if known.is_empty() { "it is empty".to_string() } else { format!("it holds: {}", known.join(", ")) };
        return Err(Failure::Invalid(format!("the cache holds no \"{unknown}\"; {known}")));
    }
    let mut freed = 0;
    for kept in kept.iter().filter(|kept| what.is_empty() || what.contains(&kept.name)) {
        let failed = |error| Failure::Failed(format!("cannot remove {}: {error}", kept.folder.display()));
        fs::remove_dir_all(&kept.folder).map_err(failed)?;
        freed += kept.bytes;
    }
    console.event(&json!({ "event": "done", "freed_bytes": freed }));
    console.say(&format!("{} freed", readable(freed)));
    Ok(())
}

/// `312 MB`, `1.4 GB`.
fn readable(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{} kB", bytes / 1_000),
        1_000_000..1_000_000_000 => format!("{} MB", bytes / 1_000_000),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_well() {
        assert_eq!([999, 1_000, 312_345_678, 1_449_000_000].map(readable), ["999 B", "1 kB", "312 MB", "1.4 GB"]);
    }
}
