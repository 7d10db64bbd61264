//! What people sent: each content once, and for each person what they call it.
//!
//! ```text
//! files/content/SHA256             the bytes
//! files/people/HASH/SHA256.json    what somebody has sent, by the hash of who they are
//! ```
//! A file goes with the last task that uses it.

use super::options::Source;
use crate::folders::Folders;
use crate::ledger::Timestamp;
use crate::uploads::{Upload, UploadError};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// Digits of a checksum that name a file to clients.
const ID: usize = 16;

/// A file that somebody has sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    /// The first digits of its checksum.
    pub file_id: String,
    /// As its sender called it.
    pub filename: String,
    /// By its content, with the dot.
    pub file_ext: String,
    /// What it is to the other system.
    pub source_type: Source,
    /// Its media type, by its content.
    pub content_type: String,
    /// SHA-256, in hexadecimal digits.
    pub checksum: String,
    /// In bytes.
    pub size_bytes: u64,
}

/// The same with when it was sent.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Kept {
    /// The file.
    #[serde(flatten)]
    pub sent: Sent,
    created_at: i64,
    updated_at: i64,
}

/// See the module docs.
#[derive(Clone, Debug)]
pub struct Files {
    root: PathBuf,
}

impl Files {
    /// Of a data folder.
    pub fn of(folders: &Folders) -> Files {
        Files { root: folders.files() }
    }

    /// Where the bytes of a file lie.
    pub fn content(&self, checksum: &str) -> PathBuf {
        self.root.join("content").join(checksum)
    }

    fn person(&self, who: &str) -> PathBuf {
        self.root.join("people").join(blake3::hash(who.as_bytes()).to_hex().as_str())
    }

    /// Keeps what somebody has sent. The same bytes are kept once, and known by the latest name.
    ///
    /// # Errors
    /// The disk does not take it.
    pub fn keep(&self, who: &str, upload: Upload) -> Result<Sent, UploadError> {
        let disk = |error: io::Error| UploadError::Disk(error.to_string());
        let sent = Sent {
            file_id: upload.sha256[..ID].into(),
            filename: upload.name.clone(),
            file_ext: upload.kind.ending().into(),
            source_type: Source::of(upload.kind),
            content_type: crate::artifacts::content_type(&format!("x{}", upload.kind.ending())).into(),
            checksum: upload.sha256.clone(),
            size_bytes: upload.bytes,
        };
        let content = self.content(&sent.checksum);
        if !content.exists() {
            fs::create_dir_all(self.root.join("content")).map_err(disk)?;
            upload.keep(&content)?;
        }
        let now = Timestamp::now().0;
        let created_at = self.read(who, &sent.checksum).map_or(now, |kept| kept.created_at);
        self.write(who, &Kept { sent: sent.clone(), created_at, updated_at: now }).map_err(disk)?;
        Ok(sent)
    }

    /// What somebody has sent, the latest first.
    pub fn list(&self, who: &str) -> Vec<Kept> {
        let names = fs::read_dir(self.person(who)).into_iter().flatten().flatten().filter_map(|entry| entry.file_name().into_string().ok());
        let mut all: Vec<Kept> = names.filter_map(|name| self.read(who, name.strip_suffix(".json")?)).collect();
        all.sort_by_key(|kept| std::cmp::Reverse(kept.updated_at));
        all
    }

    /// The file that somebody has sent and clients know by this name.
    pub fn find(&self, who: &str, file_id: &str) -> Option<Sent> {
        self.list(who).into_iter().map(|kept| kept.sent).find(|sent| sent.file_id == file_id)
    }

    /// Forgets that somebody has sent a file, and the bytes if nobody else has.
    ///
    /// # Errors
    /// It cannot be removed.
    pub fn forget(&self, who: &str, checksum: &str) -> io::Result<()> {
        remove(&self.fact(who, checksum))?;
        let people = fs::read_dir(self.root.join("people")).into_iter().flatten().flatten();
        let named = format!("{checksum}.json");
        match people.map(|person| person.path().join(&named)).any(|fact| fact.exists()) {
            true => Ok(()),
            false => remove(&self.content(checksum)),
        }
    }

    /// Forgets files that no task uses any more, whoever has sent them; `is_used` tells by the checksum.
    ///
    /// # Errors
    /// That cannot be told, or one cannot be removed.
    pub fn sweep<E: From<io::Error>>(&self, is_used: impl Fn(&str) -> Result<bool, E>) -> Result<(), E> {
        for entry in fs::read_dir(self.root.join("content")).into_iter().flatten().flatten() {
            let Ok(checksum) = entry.file_name().into_string() else { continue };
            if is_used(&checksum)? {
                continue;
            }
            for person in fs::read_dir(self.root.join("people")).into_iter().flatten().flatten() {
                remove(&person.path().join(format!("{checksum}.json")))?;
            }
            remove(&entry.path())?;
        }
        Ok(())
    }

    fn fact(&self, who: &str, checksum: &str) -> PathBuf {
        self.person(who).join(format!("{checksum}.json"))
    }

    fn read(&self, who: &str, checksum: &str) -> Option<Kept> {
        serde_json::from_slice(&fs::read(self.fact(who, checksum)).ok()?).ok()
    }

    /// In one step: whoever reads it meanwhile gets the old one or the new one.
    fn write(&self, who: &str, kept: &Kept) -> io::Result<()> {
        let folder = self.person(who);
        fs::create_dir_all(&folder)?;
        let mut part = NamedTempFile::new_in(&folder)?;
        part.write_all(&serde_json::to_vec(kept)?)?;
        part.persist(self.fact(who, &kept.sent.checksum))?;
        Ok(())
    }
}

impl Kept {
    /// As it is listed.
    pub fn view(&self, who: &str) -> Value {
        let mut view = json!(self.sent);
        view["id"] = json!(self.sent.file_id);
        view["user_id"] = json!(who);
        // Where it lies is the server's own affair.
        view["storage_path"] = Value::Null;
        view["created_at"] = json!(Timestamp(self.created_at));
        view["updated_at"] = json!(Timestamp(self.updated_at));
        view
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::uploads::{Kind, Rules, receive};
    use bytes::Bytes;
    use futures_util::stream;

    async fn upload(name: &str, text: &str, folder: &Path) -> Upload {
        let bytes = stream::iter([Ok::<_, io::Error>(Bytes::from(text.to_string()))]);
        receive(bytes, name, &Rules { folder, bytes: 1000, kinds: &[Kind::Pdf] }).await.unwrap()
    }

    #[tokio::test]
    async fn the_same_bytes_are_kept_once_until_nobody_needs_them() {
        let place = tempfile::tempdir().unwrap();
        let folders = Folders::open(place.path()).unwrap();
        let files = Files::of(&folders);
        let one = upload("a.pdf", "%PDF-1.4 one", &folders.uploads()).await;
        let again = upload("../b.PDF", "%PDF-1.4 one", &folders.uploads()).await;
        let (one, again) = (files.keep("ada", one).unwrap(), files.keep("bob/..", again).unwrap());
        assert_eq!((one.checksum.len(), &one.checksum), (64, &again.checksum));
        assert_eq!((one.file_id.as_str(), again.filename.as_str(), again.file_ext.as_str()), (&one.checksum[..16], "b.PDF", ".pdf"));
        assert_eq!(one.content_type, "application/pdf");
        let renamed = upload("c.pdf", "%PDF-1.4 one", &folders.uploads()).await;
        assert_eq!(files.keep("ada", renamed).unwrap().filename, "c.pdf");
        assert_eq!(files.list("ada").len(), 1, "one file, by its latest name");
        assert_eq!(files.find("ada", &one.file_id).map(|sent| sent.filename), Some("c.pdf".into()));
        assert_eq!((files.find("eve", &one.file_id), files.find("ada", "../../x")), (None, None));
        files.sweep(|checksum| Ok::<_, io::Error>(checksum == one.checksum)).unwrap();
        assert!(files.content(&one.checksum).exists() && files.list("ada").len() == 1);
        files.forget("ada", &one.checksum).unwrap();
        assert!(files.list("ada").is_empty() && files.content(&one.checksum).exists());
        files.forget("bob/..", &one.checksum).unwrap();
        files.forget("bob/..", &one.checksum).unwrap();
        assert!(!files.content(&one.checksum).exists());
        let last = files.keep("ada", upload("d.pdf", "%PDF-1.4 two", &folders.uploads()).await).unwrap();
        files.sweep(|_| Ok::<_, io::Error>(false)).unwrap();
        assert!(files.list("ada").is_empty() && !files.content(&last.checksum).exists());
        assert_eq!(fs::read_dir(folders.uploads()).unwrap().count(), 0, "nothing is left of what was not kept");
    }
}
