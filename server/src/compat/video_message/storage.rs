//! How much is kept, for how long, and how much room there is.

use crate::config::Settings;
use crate::folders::Folders;
use engine::graph::unit::DurationSetting;
use serde_json::{Value, json};
use std::fs;
use std::io;
use std::ops::Add;
use std::path::Path;

/// Files and their bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub files: u64,
    pub bytes: u64,
}

impl Add for Tally {
    type Output = Tally;

    fn add(self, other: Tally) -> Tally {
        Tally { files: self.files + other.files, bytes: self.bytes + other.bytes }
    }
}

impl Tally {
    /// Of all files below a folder. What goes while it is looked at does not count.
    pub fn of(folder: &Path) -> Tally {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let one = |entry: fs::DirEntry| match entry.file_type() {
            Ok(kind) if kind.is_dir() => Tally::of(&entry.path()),
            Ok(kind) if kind.is_file() => entry.metadata().map_or(Tally::default(), |file| Tally { files: 1, bytes: file.len() }),
            _ => Tally::default(),
        };
        entries.map(one).fold(Tally::default(), Tally::add)
    }

    fn view(self, kept: DurationSetting) -> Value {
        json!({ "file_count": self.files, "size_mb": megabytes(self.bytes), "retention_days": kept.0.as_seconds() / 86_400.0 })
    }
}

/// What the data folder and the store of `videos` hold, by how long it is of use, and the folder's disk.
///
/// # Errors
/// The disk does not say how large it is.
pub fn stats(folders: &Folders, settings: &Settings, videos: Tally) -> io::Result<Value> {
    let jobs: Vec<_> = fs::read_dir(folders.work_root())?.flatten().map(|entry| entry.path()).collect();
    let parts = |names: &[&str]| {
        let folders = jobs.iter().flat_map(|job| names.iter().map(move |name| job.join(name)));
        folders.map(|folder| Tally::of(&folder)).fold(Tally::default(), Tally::add)
    };
    let uploads = Tally::of(&folders.decks()) + parts(&[Folders::INPUT]);
    let processed = parts(&[Folders::PROCESSING, Folders::OUTPUT]);
    let temporary = Tally::of(&folders.uploads());
    let all = uploads + processed + videos + temporary;
    let retention = &settings.retention;
    let disk = nix::sys::statvfs::statvfs(folders.root())?;
    let gigabytes = |blocks: u64| (blocks * disk.fragment_size() as u64) as f64 / 1e9;
    let (total, free) = (gigabytes(disk.blocks() as u64), gigabytes(disk.blocks_free() as u64));
    let usable = gigabytes(disk.blocks_available() as u64);
    let used = total - free;
    // As `df` has it: what is kept back for the system counts as neither.
    let percent = if used + usable > 0.0 { used / (used + usable) * 100.0 } else { 0.0 };
    Ok(json!({
        "storage_root": folders.root().file_name().map(|name| name.to_string_lossy()),
        "tiers": {
            "uploads": uploads.view(retention.uploads), "processed": processed.view(retention.processed),
            "videos": videos.view(retention.videos), "temp": temporary.view(retention.temporary),
        },
        "total_files": all.files, "total_size_mb": megabytes(all.bytes),
        "disk": { "total_gb": total, "used_gb": used, "free_gb": usable, "percent_used": (percent * 10.0).round() / 10.0 },
    }))
}

fn megabytes(bytes: u64) -> f64 {
    (bytes as f64 / 1e4).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::JobId;

    #[test]
    fn all_that_is_kept_counts_once() {
        let home = tempfile::tempdir().unwrap();
        let folders = Folders::open(&home.path().join("data")).unwrap();
        let job = JobId::new();
        fs::write(folders.input(job).unwrap().join("image.jpg"), [0; 20_000]).unwrap();
        fs::write(folders.work(job).join("output/film.mp4"), [0; 30_000]).unwrap();
        std::os::unix::fs::symlink(home.path(), folders.decks().join("again")).unwrap();
        let stats = stats(&folders, &Settings::default(), Tally { files: 1, bytes: 40_000 }).unwrap();
        let tier = |name: &str| {
            let tier = &stats["tiers"][name];
            (tier["file_count"].as_u64().unwrap(), tier["size_mb"].as_f64().unwrap(), tier["retention_days"].as_f64().unwrap())
        };
        assert_eq!((tier("uploads"), tier("processed"), tier("videos")), ((1, 0.02, 7.0), (1, 0.03, 3.0), (1, 0.04, 30.0)));
        assert_eq!((&stats["storage_root"], &stats["total_files"], &stats["total_size_mb"]), (&json!("data"), &json!(3), &json!(0.09)));
        let disk = |name: &str| stats["disk"][name].as_f64().unwrap();
        assert!(disk("total_gb") >= disk("used_gb") && (0.0..=100.0).contains(&disk("percent_used")), "{stats}");
        assert_eq!(Tally::of(&home.path().join("none")), Tally::default());
    }
}
