//! Graph files as commands are given them: read, put variables in, merged, checked.

use crate::failure::Failure;
use clap::Args;
use engine::graph::check::{Depth, check};
use engine::graph::parse::parse;
use engine::graph::plan::Plan;
use engine::graph::{GraphDocument, LoadOptions, load, load_file};
use std::path::{Path, PathBuf};

/// The graph of `lectern render`, as it is in the repository.
const LECTURE: &str = include_str!("../../graphs/lecture.yaml");
/// The graph of `lectern podcast`.
const PODCAST: &str = include_str!("../../graphs/podcast.yaml");
/// What messages call them.
const LECTURE_NAME: &str = "lecture.yaml (built in)";
const PODCAST_NAME: &str = "podcast.yaml (built in)";

/// What commands may say about a graph file.
#[derive(Args, Clone, Debug, Default)]
pub struct GraphOptions {
    /// Merge these profiles of the graph, left to right: `--profile offline`.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub profile: Vec<String>,
    /// Give a variable of the graph another value; may be repeated: `--set voice=default`.
    #[arg(long, value_name = "NAME=VALUE", value_parser = assignment)]
    pub set: Vec<(String, String)>,
}

impl GraphOptions {
    /// What a variable is set to: the last one counts.
    pub fn value(&self, name: &str) -> Option<String> {
        self.set.iter().rfind(|(set, _)| set == name).map(|(_, value)| value.clone())
    }
}

/// `NAME=VALUE` of `--set`.
pub fn assignment(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE, such as voice=default")?;
    if name.trim().is_empty() { Err("the name before = is missing".into()) } else { Ok((name.trim().into(), value.into())) }
}

/// A graph file's text and name.
pub struct GraphFile {
    path: Option<PathBuf>,
    /// What messages call it when it has no path.
    built_in: &'static str,
    /// The content; empty when it cannot be read (loading then says why).
    pub text: String,
}

impl GraphFile {
    /// The file `path`, or the graph of `lectern render`.
    pub fn new(path: Option<&Path>) -> GraphFile {
        let text = path.map_or_else(|| LECTURE.to_string(), |path| std::fs::read_to_string(path).unwrap_or_default());
        GraphFile { path: path.map(Path::to_path_buf), built_in: LECTURE_NAME, text }
    }

    /// The graph of `lectern podcast`.
    pub fn podcast() -> GraphFile {
        GraphFile { path: None, built_in: PODCAST_NAME, text: PODCAST.to_string() }
    }

    /// The name in messages.
    pub fn name(&self) -> String {
        self.path.as_ref().map_or_else(|| self.built_in.to_string(), |path| path.display().to_string())
    }

    /// It is the graph of `lectern render` and `lectern live`.
    pub fn is_built_in(&self) -> bool {
        self.path.is_none()
    }

    /// Its top level has this key.
    pub fn has(&self, key: &str) -> bool {
        parse(&self.text, &self.name()).is_ok_and(|tree| tree.get(key).is_some())
    }

    /// It can be read as far as its top level.
    pub fn is_map(&self) -> bool {
        parse(&self.text, &self.name()).is_ok_and(|tree| tree.as_map().is_some())
    }

    /// The graph declares this variable in `vars`.
    pub fn declares(&self, variable: &str) -> bool {
        self.lists("vars", variable)
    }

    /// What a variable is unless it is set, where it is plain text or a number.
    pub fn variable(&self, name: &str) -> Option<String> {
        let tree = parse(&self.text, &self.name()).ok()?;
        tree.get("vars")?.get(name)?.as_scalar().map(|scalar| scalar.text().to_string())
    }

    /// The graph declares this profile.
    pub fn has_profile(&self, name: &str) -> bool {
        self.lists("profiles", name)
    }

    fn lists(&self, key: &str, name: &str) -> bool {
        parse(&self.text, &self.name()).is_ok_and(|tree| tree.get(key).is_some_and(|map| map.get(name).is_some()))
    }

    /// Reads and checks it.
    pub fn plan(&self, options: &GraphOptions, depth: Depth) -> Result<(GraphDocument, Plan), Failure> {
        let failed = |problems| Failure::Graph { problems, text: Some(self.text.clone()).filter(|text| !text.is_empty()) };
        let options = LoadOptions { profiles: options.profile.clone(), set: options.set.clone(), ..LoadOptions::default() };
        let document = match &self.path {
            Some(path) => load_file(path, &options),
            None => load(&self.text, self.built_in, &options),
        };
        let document = document.map_err(failed)?;
        let plan = check(&document, &plugins_webrtc::registry(), depth).map_err(failed)?;
        Ok((document, plan))
    }
}

/// A graph that nothing comes out of is a mistake: most likely its profile was forgotten.
pub fn must_have_sink(file: &GraphFile, document: &GraphDocument, plan: &Plan) -> Result<(), Failure> {
    if plan.nodes.iter().any(|node| node.node_type.outputs.is_empty()) {
        return Ok(());
    }
    let profiles: Vec<&str> = document.profiles.iter().map(|profile| profile.value.as_str()).collect();
    let hint = match profiles.as_slice() {
        [] => "add a node that takes something and gives nothing, such as mp4_sink".to_string(),
        profiles => format!("name one of its profiles: --profile {}", profiles.join(" or --profile ")),
    };
    Err(Failure::Invalid(format!("{}: the graph has no sink, so nothing would come of it; {hint}", file.name())))
}
