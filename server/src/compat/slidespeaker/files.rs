//! What people sent: each content once, and for each person what they call it.
//!
//! ```text
//! sent/SHA256                      the bytes, in the store of artifacts
//! files/people/HASH/SHA256.json    what somebody has sent, by the hash of who they are, in the data folder
//! ```
//! A file goes with the last task that uses it.

use super::aside;
use super::options::Source;
use super::refused::Refused;
use crate::artifacts::{Artifacts, Item, StoreError, Tier, content_type};
use crate::housekeeping::SENT;
use crate::ledger::Timestamp;
use crate::service::Service;
use crate::uploads::{Upload, UploadError};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::NamedTempFile;

/// Digits of a checksum that name a file to clients.
const ID: usize = 16;
/// The one file of a set.
const CONTENT: &str = "content";

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
#[derive(Clone)]
pub struct Files {
    artifacts: Arc<Artifacts>,
    people: PathBuf,
}

impl Files {
    /// Of a service.
    pub fn of(service: &Service) -> Files {
        Files { artifacts: service.artifacts.clone(), people: service.jobs.folders().files().join("people") }
    }

    fn person(&self, who: &str) -> PathBuf {
        self.people.join(blake3::hash(who.as_bytes()).to_hex().as_str())
    }

    /// Keeps what somebody has sent. The same bytes are kept once, and known by the latest name.
    ///
    /// # Errors
    /// The store or the disk does not take it.
    pub async fn keep(&self, who: &str, upload: Upload) -> Result<Sent, Refused> {
        let sent = Sent {
            file_id: upload.sha256[..ID].into(),
            filename: upload.name.clone(),
            file_ext: upload.kind.ending().into(),
            source_type: Source::of(upload.kind),
            content_type: content_type(&format!("x{}", upload.kind.ending())).into(),
            checksum: upload.sha256.clone(),
            size_bytes: upload.bytes,
        };
        let full = |error: StoreError| UploadError::Disk(error.to_string());
        let set = set_of(&sent.checksum);
        if self.artifacts.manifest(&set).await.map_err(full)?.is_none() {
            let item = Item::new(CONTENT, upload.path()).kept(Tier::Upload);
            self.artifacts.publish(&set, &[item]).await.map_err(full)?;
        }
        let (files, who, known) = (self.clone(), who.to_string(), sent.clone());
        let written = aside(move || {
            let now = Timestamp::now().0;
            let created_at = files.read(&who, &known.checksum).map_or(now, |kept| kept.created_at);
            files.write(&who, &Kept { sent: known, created_at, updated_at: now })
        });
        written.await?.map_err(|error| UploadError::Disk(error.to_string()))?;
        Ok(sent)
    }

    /// Copies the bytes of a file to a path.
    ///
    /// # Errors
    /// They are not there any more, or the path cannot be written.
    pub async fn fetch(&self, sent: &Sent, to: &Path) -> Result<(), Refused> {
        Ok(self.artifacts.fetch(&set_of(&sent.checksum), CONTENT, to).await.map(drop)?)
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
    pub async fn forget(&self, who: &str, checksum: &str) -> Result<(), Refused> {
        let (fact, people, named) = (self.fact(who, checksum), self.people.clone(), format!("{checksum}.json"));
        let others = aside(move || {
            remove(&fact)?;
            let people = fs::read_dir(people).into_iter().flatten().flatten();
            Ok::<bool, io::Error>(people.map(|person| person.path().join(&named)).any(|fact| fact.exists()))
        });
        if others.await?? { Ok(()) } else { Ok(self.artifacts.remove(&set_of(checksum)).await?) }
    }

    /// Forgets files that no task uses any more, whoever has sent them; `is_used` tells by the checksum.
    ///
    /// # Errors
    /// One cannot be removed.
    pub async fn sweep(&self, is_used: impl Fn(&str) -> bool + Send + 'static) -> Result<(), Refused> {
        let people = self.people.clone();
        let unused = aside(move || {
            let people = fs::read_dir(people).into_iter().flatten().flatten();
            let facts = people.flat_map(|person| fs::read_dir(person.path()).into_iter().flatten().flatten());
            let named = facts.filter_map(|fact| Some((fact.file_name().to_str()?.strip_suffix(".json")?.to_string(), fact.path())));
            named.filter(|(checksum, _)| !is_used(checksum)).collect::<Vec<_>>()
        });
        for (checksum, fact) in unused.await? {
            // The bytes first: whatever interrupts this, the next time finds the rest.
            self.artifacts.remove(&set_of(&checksum)).await?;
            remove(&fact)?;
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

fn set_of(checksum: &str) -> String {
    format!("{SENT}/{checksum}")
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
    use crate::artifacts::tests::place::Place;
    use crate::uploads::{Kind, Rules, receive};
    use bytes::Bytes;
    use futures_util::stream;

    async fn upload(name: &str, text: &str, folder: &Path) -> Upload {
        let bytes = stream::iter([Ok::<_, io::Error>(Bytes::from(text.to_string()))]);
        receive(bytes, name, &Rules { folder, bytes: 1000, kinds: &[Kind::Pdf] }).await.unwrap()
    }

    #[tokio::test]
    async fn the_same_bytes_are_kept_once_until_nobody_needs_them() {
        for place in [Place::folder(), Place::bucket()] {
            keeps_once(&place).await;
        }
    }

    async fn keeps_once(place: &Place) {
        let (artifacts, place) = (Arc::new(place.open()), place.here.path());
        let files = Files { artifacts, people: place.join("people") };
        let uploads = place.join("uploads");
        let is_kept = async |sent: &Sent| files.artifacts.manifest(&set_of(&sent.checksum)).await.unwrap().is_some();
        let one = upload("a.pdf", "%PDF-1.4 one", &uploads).await;
        let again = upload("../b.PDF", "%PDF-1.4 one", &uploads).await;
        let (one, again) = (files.keep("ada", one).await.unwrap(), files.keep("bob/..", again).await.unwrap());
        assert_eq!((one.checksum.len(), &one.checksum), (64, &again.checksum));
        assert_eq!((one.file_id.as_str(), again.filename.as_str(), again.file_ext.as_str()), (&one.checksum[..16], "b.PDF", ".pdf"));
        assert_eq!(one.content_type, "application/pdf");
        let renamed = upload("c.pdf", "%PDF-1.4 one", &uploads).await;
        assert_eq!(files.keep("ada", renamed).await.unwrap().filename, "c.pdf");
        assert_eq!(files.list("ada").len(), 1, "one file, by its latest name");
        assert_eq!(files.find("ada", &one.file_id).map(|sent| sent.filename), Some("c.pdf".into()));
        assert_eq!((files.find("eve", &one.file_id), files.find("ada", "../../x")), (None, None));
        files.fetch(&one, &place.join("copy.pdf")).await.unwrap();
        assert_eq!(fs::read(place.join("copy.pdf")).unwrap(), b"%PDF-1.4 one");
        let used = one.checksum.clone();
        files.sweep(move |checksum| checksum == used).await.unwrap();
        assert!(is_kept(&one).await && files.list("ada").len() == 1);
        files.forget("ada", &one.checksum).await.unwrap();
        assert!(files.list("ada").is_empty() && is_kept(&one).await);
        files.forget("bob/..", &one.checksum).await.unwrap();
        files.forget("bob/..", &one.checksum).await.unwrap();
        assert!(!is_kept(&one).await && files.fetch(&one, &place.join("copy.pdf")).await.is_err());
        let last = files.keep("ada", upload("d.pdf", "%PDF-1.4 two", &uploads).await).await.unwrap();
        files.sweep(|_| false).await.unwrap();
        assert!(files.list("ada").is_empty() && !is_kept(&last).await);
        assert_eq!(fs::read_dir(uploads).unwrap().count(), 0, "nothing is left of what was not kept");
    }
}
