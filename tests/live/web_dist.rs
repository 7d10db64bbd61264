//! The browser side as it was built and committed is what its sources make.

use super::stage::peer;
use crate::support::{root, succeed};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Copies a folder with all that is in it, except what is built and fetched.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a writable folder");
    for entry in fs::read_dir(from).expect("a folder").map(|entry| entry.expect("an entry")) {
        let (name, kind) = (entry.file_name(), entry.file_type().expect("a kind"));
        // The tests of the pages leave a link called node_modules behind.
        match kind.is_dir() {
            _ if name == "node_modules" || name == "dist" => {}
            true => copy(&entry.path(), &to.join(name)),
            false => _ = fs::copy(entry.path(), to.join(name)).expect("a copy"),
        }
    }
}

/// All files below a folder, by their paths in it.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry")) {
        let name = entry.file_name().into_string().expect("a name");
        if entry.file_type().expect("a kind").is_dir() {
            found.extend(files(&entry.path()).into_iter().map(|(path, bytes)| (format!("{name}/{path}"), bytes)));
        } else {
            found.insert(name, fs::read(entry.path()).expect("a file"));
        }
    }
    found
}

#[test]
fn the_committed_pages_are_what_the_sources_make() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let (sources, copied) = (root().join("server/web"), home.path().join("web"));
    copy(&sources, &copied);
    succeed(peer("web").arg(&copied).arg("rules"));
    succeed(peer("web").arg(&copied).arg("build"));
    let (committed, built) = (files(&sources.join("dist")), files(&copied.join("dist")));
    let names = |files: &BTreeMap<String, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    let cure = "server/web/dist is not what its sources make: cd server/web && npm ci && npm run build, then commit dist";
    assert_eq!(names(&committed), names(&built), "{cure}");
    for (name, bytes) in &built {
        assert!(committed[name] == *bytes, "{name} differs: {cure}");
    }
}
