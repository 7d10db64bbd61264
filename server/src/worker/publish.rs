//! What a job publishes: the set `job/ID` of the store, all of its files or none.

use crate::artifacts::{Artifacts, Entry, Item, StoreError, file_error};
use crate::ledger::JobId;
use serde_json::{Value, json};
use std::path::Path;

/// The set of a job.
pub fn set_of(job: JobId) -> String {
    format!("job/{job}")
}

/// Publishes the files of a folder, by name, in place of what the job published before.
///
/// # Errors
/// They cannot be read, or the store does not take them: then all is as it was.
pub async fn publish(artifacts: &Artifacts, job: JobId, folder: &Path) -> Result<Vec<Entry>, StoreError> {
    let mut items = Vec::new();
    let mut entries = tokio::fs::read_dir(folder).await.map_err(file_error(folder))?;
    while let Some(entry) = entries.next_entry().await.map_err(file_error(folder))? {
        if entry.file_type().await.map_err(file_error(folder))?.is_file() {
            items.push(Item::new(entry.file_name().to_string_lossy(), entry.path()));
        }
    }
    items.sort_by(|a, b| a.name.cmp(&b.name));
    if items.is_empty() {
        artifacts.remove(&set_of(job)).await?;
        return Ok(Vec::new());
    }
    Ok(artifacts.publish(&set_of(job), &items).await?.files)
}

/// A file as it is shown.
pub fn view(entry: &Entry) -> Value {
    let Entry { name, size, sha256, content_type, tier: _ } = entry;
    json!({ "name": name, "size": size, "content_type": content_type, "sha256": sha256 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifacts::Options;
    use std::fs;

    #[tokio::test]
    async fn a_job_publishes_all_or_nothing_and_anew() {
        let place = tempfile::tempdir().unwrap();
        let output = place.path().join("output");
        let options = Options { floor: 0, ..Options::default() };
        let artifacts = Artifacts::open(place.path().join("artifacts").to_str().unwrap(), options).unwrap();
        let job = JobId::new();
        assert!(publish(&artifacts, job, &output).await.is_err() && artifacts.manifest(&set_of(job)).await.unwrap().is_none());
        fs::create_dir_all(output.join("folder")).unwrap();
        fs::write(output.join("film.vtt"), "WEBVTT").unwrap();
        fs::write(output.join("film.mp4"), "one").unwrap();
        let names = |found: Vec<Entry>| found.into_iter().map(|entry| (entry.name, entry.content_type)).collect::<Vec<_>>();
        let due = [("film.mp4", "video/mp4"), ("film.vtt", "text/vtt")].map(|(name, kind)| (name.to_string(), kind.to_string()));
        assert_eq!(names(publish(&artifacts, job, &output).await.unwrap()), due);
        fs::remove_file(output.join("film.vtt")).unwrap();
        assert_eq!(names(publish(&artifacts, job, &output).await.unwrap()), due[..1]);
        assert_eq!(artifacts.find(&set_of(job), "film.mp4").await.unwrap().entry.size, 3);
        fs::remove_file(output.join("film.mp4")).unwrap();
        assert!(publish(&artifacts, job, &output).await.unwrap().is_empty());
        assert_eq!(artifacts.manifest(&set_of(job)).await.unwrap(), None);
    }
}
