//! What a set of files holds, as it is written beside them.

use super::{StoreError, Tier};
use object_store::path::Path as Key;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Where it lies in its set.
pub const MANIFEST: &str = "manifest.json";
/// Bytes of the longest file name, as most file systems have it.
const LONGEST_NAME: usize = 255;

/// A file that is to be published.
#[derive(Clone, Debug)]
pub struct Item {
    /// Its name in the set.
    pub name: String,
    /// Where it lies now.
    pub path: PathBuf,
    /// How long it stays.
    pub tier: Tier,
}

impl Item {
    /// With the tier that its name asks for, see [`Tier::of`].
    pub fn new(name: impl Into<String>, path: impl Into<PathBuf>) -> Item {
        let name = name.into();
        Item { tier: Tier::of(&name), name, path: path.into() }
    }

    /// With another tier.
    #[must_use]
    pub fn kept(self, tier: Tier) -> Item {
        Item { tier, ..self }
    }
}

/// The media type of a file, by the ending of its name.
pub fn content_type(name: &str) -> &'static str {
    let ending = Path::new(name).extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_ascii_lowercase();
    TYPES.iter().find(|(known, _)| *known == ending).map_or("application/octet-stream", |(_, kind)| kind)
}

/// Media types by file ending (IANA's registry).
const TYPES: [(&str, &str); 21] = [
    ("mp4", "video/mp4"),
    ("mov", "video/quicktime"),
    ("webm", "video/webm"),
    ("m4a", "audio/mp4"),
    ("mp3", "audio/mpeg"),
    ("wav", "audio/wav"),
    ("flac", "audio/flac"),
    ("ogg", "audio/ogg"),
    ("aac", "audio/aac"),
    ("png", "image/png"),
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("svg", "image/svg+xml"),
    ("srt", "application/x-subrip"),
    ("vtt", "text/vtt"),
    ("txt", "text/plain; charset=utf-8"),
    ("md", "text/markdown; charset=utf-8"),
    ("json", "application/json"),
    ("yaml", "application/yaml"),
    ("pdf", "application/pdf"),
    ("pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
];

/// A file of a set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// In bytes.
    pub size: u64,
    /// SHA-256 of its bytes, in hexadecimal digits.
    pub sha256: String,
    /// Its media type.
    pub content_type: String,
    /// How long it stays.
    pub tier: Tier,
}

/// What a set holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Of this form.
    version: u32,
    /// Where the set lies; not written, as it lies there.
    #[serde(skip)]
    set: String,
    /// The folder of its files.
    pub generation: String,
    /// When it was published, in milliseconds since 1970.
    pub created_at: i64,
    /// In the order in which they were given.
    pub files: Vec<Entry>,
}

impl Manifest {
    /// The form that this program writes and reads.
    const VERSION: u32 = 1;

    pub(super) fn new(set: &str, generation: &str, created_at: i64) -> Manifest {
        Manifest { version: Manifest::VERSION, set: set.into(), generation: generation.into(), created_at, files: Vec::new() }
    }

    pub(super) fn read(set: &str, text: &[u8]) -> Result<Manifest, StoreError> {
        let damaged = |why: String| StoreError::Damaged { key: format!("{set}/{MANIFEST}"), why };
        let manifest: Manifest = serde_json::from_slice(text).map_err(|error| damaged(error.to_string()))?;
        match manifest.version {
            Manifest::VERSION => Ok(Manifest { set: set.into(), ..manifest }),
            other => Err(damaged(format!("it has the form {other}, which a newer version of this program writes"))),
        }
    }

    pub(super) fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("a manifest is plain data")
    }

    pub(super) fn key_of(&self, tier: Tier, name: &str) -> Key {
        Key::from(self.set.as_str()).join(self.generation.as_str()).join(tier.folder()).join(name)
    }
}

/// Fails where a name cannot be that of a set: some words of letters, digits, `_`, `-` and `.`, with `/` between them.
pub fn check_set(set: &str) -> Result<(), StoreError> {
    let word = |word: &str| {
        (1..=64).contains(&word.len())
            && !word.starts_with('.')
            && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte))
    };
    match (1..=4).contains(&set.split('/').count()) && set.split('/').all(word) {
        true => Ok(()),
        false => Err(StoreError::Name(set.into(), "write words of letters, digits, _, - and ., such as job/42")),
    }
}

/// Fails where a name cannot be that of a file.
pub fn check_name(name: &str) -> Result<(), StoreError> {
    let fine = (1..=LONGEST_NAME).contains(&name.len())
        && !name.starts_with('.')
        && name != MANIFEST
        && !name.contains(['/', '\\'])
        && !name.chars().any(char::is_control);
    match fine {
        true => Ok(()),
        false => Err(StoreError::Name(
            name.into(),
            "a file name has 1 to 255 bytes, no path, does not begin with a dot, and is not manifest.json",
        )),
    }
}

/// Small hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
