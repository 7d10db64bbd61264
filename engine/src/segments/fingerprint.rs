//! What shapes a node's output in one segment, as the node itself tells it.

use super::{Hash, Part};
use crate::graph::value::{Kind, Value};
use crate::media::Payload;
use crate::port::Out;
use crate::run::Warning;
use crate::time::{Span, Time};
use std::fs::File;
use std::path::Path;

/// Filled by [`Node::fingerprint`](crate::node::Node::fingerprint): named hashes of everything that shapes what the node makes in a
/// segment.
///
/// What must not enter: where the part lies in the programme, its number, how many parts there are, names and paths of files. What need
/// not: the node's type and revision, its connections, size and rates of the graph and the length of the segment; they are in every key.
pub struct Fingerprint<'a> {
    pub(crate) node: &'a str,
    pub(crate) settings: Hash,
    pub(crate) before: Option<&'a Part>,
    pub(crate) wanted: &'a [&'static str],
    /// The piece of the part, where pictures are asked about.
    pub(crate) pictures: Option<(Span, Span)>,
    pub(crate) end: Time,
    pub(crate) inputs: &'a mut Vec<(String, Hash)>,
    pub(crate) warnings: &'a mut Vec<Warning>,
}

impl Fingerprint<'_> {
    /// Adds something that shapes the output. `name` tells the user what it is, as in "the picture has changed".
    pub fn add(&mut self, name: &str, content: impl AsRef<[u8]>) {
        self.inputs.push((format!("{name} ({})", self.node), Hash::of(content)));
    }

    /// Adds the node's settings as the graph file has them, paths of files replaced by what is in these files.
    pub fn add_settings(&mut self) {
        self.add("settings", self.settings);
    }

    /// The part before this one, where the pictures that are asked about still show it.
    pub fn before(&self) -> Option<&Part> {
        self.before
    }

    /// Of pictures: where in the part the segment begins and ends. Pictures do not depend on what begins later than the latency of the nodes
    /// behind their end; what is said later than that need not enter, and then an edit leaves the pieces before it as they are.
    pub fn pictures(&self) -> Option<(Span, Span)> {
        self.pictures
    }

    /// Of sound: when the programme ends. Only what is near the end may depend on it.
    pub fn end(&self) -> Time {
        self.end
    }

    /// This output of the node leads to what is asked about.
    pub fn wants<T: Payload>(&self, port: Out<T>) -> bool {
        self.wanted.contains(&port.name)
    }

    /// Notes something the user should know; it ends up in the report. A run that only takes what was made before says nothing else.
    pub fn warn(&mut self, slide: Option<usize>, text: impl Into<String>) {
        self.warnings.push(Warning { node: self.node.to_string(), slide, text: text.into() });
    }
}

/// The hash of a `config:` block: keys in order of the alphabet, and wherever a text is the path of a file or folder, what is in it.
pub(crate) fn settings_hash(value: &Value) -> Hash {
    match &value.kind {
        Kind::Null => Hash::of("null"),
        // Who pays for it does not show.
        Kind::Scalar(scalar) if scalar.is_secret() => Hash::of("secret"),
        Kind::Scalar(scalar) => match path_hash(Path::new(scalar.text())) {
            Some(content) => Hash::of_all([b"file", content.as_ref()]),
            None => Hash::of_all(["text", scalar.text()]),
        },
        Kind::List(items) => Hash::of_all(std::iter::once(Hash::of("list")).chain(items.iter().map(settings_hash))),
        Kind::Map(entries) => {
            let mut entries: Vec<_> = entries.iter().map(|(key, value)| (Hash::of(&key.value), settings_hash(value))).collect();
            entries.sort();
            Hash::of_all(std::iter::once(Hash::of("map")).chain(entries.into_iter().flat_map(|(key, value)| [key, value])))
        }
    }
}

/// The content of a file, or of the files in a folder with their names; `None` where there is neither.
fn path_hash(path: &Path) -> Option<Hash> {
    let meta = std::fs::metadata(path).ok().filter(|_| !path.as_os_str().is_empty())?;
    if meta.is_file() {
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(File::open(path).ok()?).ok()?;
        return Some(Hash(*hasher.finalize().as_bytes()));
    }
    let mut names: Vec<_> = std::fs::read_dir(path).ok().filter(|_| meta.is_dir())?.flatten().map(|entry| entry.path()).collect();
    names.sort();
    let files = names.iter().filter(|path| path.is_file()).filter_map(|path| {
        let name = Hash::of(path.file_name()?.as_encoded_bytes());
        Some([name, path_hash(path)?])
    });
    Some(Hash::of_all(files.flatten()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::parse::parse;
    use std::sync::Arc;

    fn hash(text: &str) -> Hash {
        settings_hash(&parse(text, &Arc::from("f")).expect("valid"))
    }

    #[test]
    fn settings_are_the_same_in_any_order_and_files_count_by_content() {
        assert_eq!(hash("{ a: 1, b: [x, y] }"), hash("b: [x, y]\na: 1"));
        assert_ne!(hash("{ a: 1, b: [x, y] }"), hash("{ a: 1, b: [y, x] }"));
        assert_ne!(hash("{ a: 1 }"), hash("{ b: 1 }"));
        let folder = tempfile::tempdir().expect("a folder");
        let named = |name: &str| hash(&format!("{{ path: \"{}\" }}", folder.path().join(name).display()));
        std::fs::write(folder.path().join("a"), "one").expect("written");
        std::fs::write(folder.path().join("b"), "one").expect("written");
        assert_eq!(named("a"), named("b"));
        let before = named("");
        std::fs::write(folder.path().join("a"), "two").expect("written");
        assert_ne!(named("a"), named("b"));
        assert_ne!(named(""), before, "a folder by all that is in it");
    }
}
