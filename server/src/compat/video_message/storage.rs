//! How much is kept, for how long, and how much room there is.

use crate::artifacts::Usage;
use crate::config::Settings;
use crate::storage::Kept;
use engine::graph::unit::DurationSetting;
use serde_json::{Value, json};
use std::io;
use std::path::Path;

fn view(usage: Usage, kept: DurationSetting) -> Value {
    json!({ "file_count": usage.files, "size_mb": megabytes(usage.bytes), "retention_days": kept.0.as_seconds() / 86_400.0 })
}

/// What is kept, by how long it is of use, and the disk of the data folder `root`.
///
/// # Errors
/// The disk does not say how large it is.
pub fn stats(root: &Path, settings: &Settings, kept: &Kept) -> io::Result<Value> {
    let Kept { uploads, processed, videos, temporary, other: _ } = *kept;
    let all: Usage = [uploads, processed, videos, temporary].into_iter().sum();
    let retention = &settings.retention;
    let disk = nix::sys::statvfs::statvfs(root)?;
    let gigabytes = |blocks: u64| (blocks * disk.fragment_size() as u64) as f64 / 1e9;
    let (total, free) = (gigabytes(disk.blocks() as u64), gigabytes(disk.blocks_free() as u64));
    let usable = gigabytes(disk.blocks_available() as u64);
    let used = total - free;
    // As `df` has it: what is kept back for the system counts as neither.
    let percent = if used + usable > 0.0 { used / (used + usable) * 100.0 } else { 0.0 };
    Ok(json!({
        "storage_root": root.file_name().map(|name| name.to_string_lossy()),
        "tiers": {
            "uploads": view(uploads, retention.uploads), "processed": view(processed, retention.processed),
            "videos": view(videos, retention.videos), "temp": view(temporary, retention.temporary),
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

    #[test]
    fn what_is_kept_is_told_as_clients_know_it() {
        let home = tempfile::tempdir().unwrap();
        let of = |files, bytes| Usage { files, bytes };
        let kept = Kept { uploads: of(1, 20_000), processed: of(1, 30_000), videos: of(1, 40_000), other: of(7, 1), ..Kept::default() };
        let stats = stats(home.path(), &Settings::default(), &kept).unwrap();
        let tier = |name: &str| {
            let tier = &stats["tiers"][name];
            (tier["file_count"].as_u64().unwrap(), tier["size_mb"].as_f64().unwrap(), tier["retention_days"].as_f64().unwrap())
        };
        assert_eq!((tier("uploads"), tier("processed"), tier("videos")), ((1, 0.02, 7.0), (1, 0.03, 3.0), (1, 0.04, 30.0)));
        assert_eq!((&stats["total_files"], &stats["total_size_mb"]), (&json!(3), &json!(0.09)));
        assert_eq!(stats["storage_root"].as_str(), home.path().file_name().unwrap().to_str());
        let disk = |name: &str| stats["disk"][name].as_f64().unwrap();
        assert!(disk("total_gb") >= disk("used_gb") && (0.0..=100.0).contains(&disk("percent_used")), "{stats}");
    }
}
