//! The files that Lectern uses and does not carry: voices and the ONNX run-time library.
//!
//! `models.toml` (embedded) is the only list of them: name, files, SHA-256, licence, the licence of the data a model learned from,
//! and where it comes from. They lie below one *data folder*, [`data_folder`]; `scripts/setup` puts them there and nothing is
//! fetched at run time, so a missing file is an error that says how to get it.

mod runtime;

use std::path::PathBuf;
use std::sync::OnceLock;

use serde::Deserialize;

pub use runtime::{environment, onnxruntime};

/// What can be wrong with a model file or the ONNX run-time library.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The manifest has no such entry.
    #[error("no model is called `{id}`; there are: {known}")]
    Unknown {
        /// What was asked for.
        id: String,
        /// The names that exist, joined with commas.
        known: String,
    },
    /// Nobody is called so.
    #[error("there is no voice `{name}`; `lectern voices` lists them, and one of your own is given by the path of its .onnx file")]
    NoVoice {
        /// What was asked for.
        name: String,
    },
    /// The manifest has the entry, the machine lacks the file.
    #[error("model `{id}` is not on this machine: {path} is missing. Run {setup}, which fetches it ({from})")]
    Missing {
        /// The manifest's name of the model.
        id: String,
        /// The file that was looked for.
        path: PathBuf,
        /// The command that fetches it.
        setup: String,
        /// Where it gets it.
        from: String,
    },
    /// A file is there but cannot be read.
    #[error("cannot read {path}: {cause}. Check its permissions, or delete it and run scripts/setup")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// A file is not the one of the manifest.
    #[error("{path} is not the file of the manifest (SHA-256 {found} instead of {expected}). Delete it and run scripts/setup")]
    Altered {
        /// The file.
        path: PathBuf,
        /// The manifest's checksum, hexadecimal.
        expected: String,
        /// The checksum of what is there.
        found: String,
    },
    /// The ONNX run-time library could not be loaded or started.
    #[error(
        "the ONNX run-time library {path} does not work: {cause}. Run scripts/setup, or set ORT_DYLIB_PATH to a libonnxruntime.so of version 1.25 or later"
    )]
    Runtime {
        /// The library.
        path: PathBuf,
        /// What it said.
        cause: String,
    },
    /// There is no folder to look in.
    #[error("there is no data folder: set LECTERN_DATA, XDG_DATA_HOME or HOME")]
    NoDataFolder,
}

/// What an entry of the manifest is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A speaking voice.
    Voice,
    /// A shared library.
    Library,
}

/// One file of a model.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelFile {
    /// Its name inside the model's folder.
    pub name: String,
    /// SHA-256 of its bytes, lower-case hexadecimal.
    pub sha256: String,
    /// The processor the checksum belongs to, as in `std::env::consts::ARCH`; files without one are the same everywhere.
    #[serde(default)]
    pub architecture: Option<String>,
}

/// One entry of the manifest.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// `kind:name`, for example `voice:joe`.
    pub id: String,
    /// One line for people.
    pub summary: String,
    /// What it is.
    pub kind: Kind,
    /// BCP 47 tag of a voice's language; empty where the model has voices in several, and for what is no voice.
    #[serde(default)]
    pub language: String,
    /// It is fetched only when asked for: `scripts/setup NAME`.
    #[serde(default)]
    pub optional: bool,
    /// Its folder below the data folder.
    pub folder: String,
    /// How loud a voice's first speaker is before any gain, in LUFS: of the text that the speech family measures voices with.
    #[serde(default)]
    pub loudness_lufs: Option<f64>,
    /// The package it is taken from.
    pub source: String,
    /// Licence of the files themselves.
    pub licence: String,
    /// What the model learned from; empty where nothing was learned.
    #[serde(default)]
    pub data_set: String,
    /// Licence of that.
    #[serde(default)]
    pub data_set_licence: String,
    /// Names, types and shapes of what goes in.
    #[serde(default)]
    pub inputs: Vec<String>,
    /// Names, types and shapes of what comes out.
    #[serde(default)]
    pub outputs: Vec<String>,
    /// Its files; the first is the one that [`locate`] returns.
    #[serde(rename = "file")]
    pub files: Vec<ModelFile>,
}

impl Model {
    /// The command that puts its files in place.
    pub fn setup(&self) -> String {
        match (self.optional, self.id.split_once(':')) {
            (true, Some((_, name))) => format!("scripts/setup {name}"),
            _ => "scripts/setup".into(),
        }
    }
}

#[derive(Deserialize)]
struct Manifest {
    model: Vec<Model>,
}

/// All entries, in the order of the manifest.
pub fn manifest() -> &'static [Model] {
    static MANIFEST: OnceLock<Vec<Model>> = OnceLock::new();
    MANIFEST.get_or_init(|| toml::from_str::<Manifest>(include_str!("models.toml")).expect("the embedded manifest is valid, tested").model)
}

/// The entry called `id`.
///
/// # Errors
/// [`ModelError::NoVoice`], or [`ModelError::Unknown`], listing the names that exist.
pub fn find(id: &str) -> Result<&'static Model, ModelError> {
    manifest().iter().find(|model| model.id == id).ok_or_else(|| match id.strip_prefix("voice:") {
        Some(name) => ModelError::NoVoice { name: name.to_owned() },
        None => {
            let known = manifest().iter().map(|model| model.id.as_str()).collect::<Vec<_>>().join(", ");
            ModelError::Unknown { id: id.to_owned(), known }
        }
    })
}

/// The voice called `default`.
pub const DEFAULT_VOICE: &str = "joe";

/// Where models live: `$LECTERN_DATA`, else `$XDG_DATA_HOME/lectern`, else `$HOME/.local/share/lectern`. Empty variables count as
/// unset, as the XDG rule says. The folder need not exist.
///
/// # Errors
/// [`ModelError::NoDataFolder`] when none of the three is set.
pub fn data_folder() -> Result<PathBuf, ModelError> {
    data_folder_from(|name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from))
}

fn data_folder_from(variable: impl Fn(&str) -> Option<PathBuf>) -> Result<PathBuf, ModelError> {
    variable("LECTERN_DATA")
        .or_else(|| variable("XDG_DATA_HOME").map(|folder| folder.join("lectern")))
        .or_else(|| variable("HOME").map(|home| home.join(".local/share/lectern")))
        .ok_or(ModelError::NoDataFolder)
}

/// The first file of the model called `id`, for example the `.onnx` file of `voice:joe`. All of the model's files are there when
/// this succeeds; their content is not checked (that takes as long as reading them, see [`verify`]).
///
/// # Errors
/// Those of [`find`], and [`ModelError::Missing`], [`ModelError::NoDataFolder`].
pub fn locate(id: &str) -> Result<PathBuf, ModelError> {
    let model = find(id)?;
    let folder = data_folder()?.join(&model.folder);
    for file in &model.files {
        let path = folder.join(&file.name);
        if !path.is_file() {
            return Err(ModelError::Missing { id: model.id.clone(), path, setup: model.setup(), from: model.source.clone() });
        }
    }
    Ok(folder.join(&model.files[0].name))
}

/// Reads all files of the model called `id` and compares them with the manifest. `sha256` makes the lower-case hexadecimal SHA-256
/// of its argument; it is passed in because the families that only *use* models need no such function.
///
/// # Errors
/// Those of [`locate`], and [`ModelError::Unreadable`], [`ModelError::Altered`].
pub fn verify(id: &str, sha256: impl Fn(&[u8]) -> String) -> Result<(), ModelError> {
    let main = locate(id)?;
    let folder = main.parent().expect("a located file has a folder");
    for file in &find(id)?.files {
        if file.architecture.as_deref().is_some_and(|architecture| architecture != std::env::consts::ARCH) {
            continue;
        }
        let path = folder.join(&file.name);
        let bytes = std::fs::read(&path).map_err(|cause| ModelError::Unreadable { path: path.clone(), cause })?;
        let found = sha256(&bytes);
        if found != file.sha256 {
            return Err(ModelError::Altered { path, expected: file.sha256.clone(), found });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manifest_is_complete() {
        let mut ids = Vec::new();
        for model in manifest() {
            assert!(!model.files.is_empty() && !model.licence.is_empty() && !model.source.is_empty(), "{}", model.id);
            assert!(
                model.kind != Kind::Voice || !model.data_set_licence.is_empty(),
                "{} does not name the licence of its data set",
                model.id
            );
            for file in &model.files {
                assert_eq!(file.sha256.len(), 64, "{}", file.name);
            }
            assert!(!ids.contains(&&model.id), "{} twice", model.id);
            ids.push(&model.id);
        }
    }

    #[test]
    fn the_data_folder_follows_the_variables_in_order() {
        let with = |set: &[(&str, &str)]| {
            let set: Vec<(String, PathBuf)> = set.iter().map(|(name, value)| ((*name).to_owned(), PathBuf::from(value))).collect();
            data_folder_from(move |name| set.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone()))
        };
        assert_eq!(with(&[("HOME", "/h"), ("XDG_DATA_HOME", "/x"), ("LECTERN_DATA", "/l")]).unwrap(), PathBuf::from("/l"));
        assert_eq!(with(&[("HOME", "/h"), ("XDG_DATA_HOME", "/x")]).unwrap(), PathBuf::from("/x/lectern"));
        assert_eq!(with(&[("HOME", "/h")]).unwrap(), PathBuf::from("/h/.local/share/lectern"));
        assert!(matches!(with(&[]), Err(ModelError::NoDataFolder)));
    }

    #[test]
    fn an_unknown_model_lists_the_known_ones_and_a_voice_says_who_does() {
        let text = locate("lib:nothing").unwrap_err().to_string();
        assert!(text.contains("lib:nothing") && text.contains("voice:joe"), "{text}");
        let text = locate("voice:nobody").unwrap_err().to_string();
        assert!(text.starts_with("there is no voice `nobody`; `lectern voices` lists them"), "{text}");
    }
}
