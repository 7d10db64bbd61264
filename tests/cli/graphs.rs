//! Bad graph files, one for each code: `graphs/*.yaml`, and beside each what `lectern check` says about it.
//!
//! `UPDATE=1 cargo test --test lectern graphs` writes the texts anew; read the difference before you keep it.

use super::{Ran, run, run_with};
use engine::graph::{Code, Severity};
use std::fs;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/graphs")
}

fn check(file: &str) -> Ran {
    let text = String::from_utf8_lossy(&fs::read(folder().join(file)).expect("the file")).into_owned();
    let given = text.lines().next().and_then(|line| line.strip_prefix("# args: ")).unwrap_or_default();
    // Only where a file is about its surroundings they are looked at.
    let depth = if given.contains("--environment") { None } else { Some("--no-environment") };
    let given = given.split(' ').filter(|argument| !argument.is_empty() && *argument != "--environment");
    run_with(&folder(), &["check", file].into_iter().chain(depth).chain(given).collect::<Vec<_>>())
}

#[test]
fn every_problem_has_its_text() {
    let mut wrong = Vec::new();
    for code in Code::ALL {
        let prefix = format!("{}-", code.as_str().to_lowercase());
        let file = super::files(&folder()).into_iter().find(|name| name.starts_with(&prefix) && name.ends_with(".yaml"));
        let file = file.unwrap_or_else(|| panic!("no file shows {code}"));
        let ran = check(&file);
        let expected = if code.severity() == Severity::Error { 2 } else { 0 };
        assert_eq!(ran.code, Some(expected), "{file}: {}{}", ran.stdout, ran.stderr);
        assert!(ran.stderr.contains(&format!("[{code}] {file}:")), "{file}: {}", ran.stderr);
        let golden = folder().join(&file).with_extension("stderr");
        if std::env::var_os("UPDATE").is_some() {
            fs::write(&golden, &ran.stderr).expect("written");
        }
        if fs::read_to_string(&golden).unwrap_or_default() != ran.stderr {
            wrong.push(format!("{file} now says\n{}", ran.stderr));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn warnings_are_denied_when_asked() {
    let text = run(&folder(), "check --no-environment --deny-warnings l001-unused-variable.yaml").fails(2);
    assert!(text.starts_with("warning[L001] "), "{text}");
}

#[test]
fn several_files_are_all_checked() {
    let ran = run(&folder(), "check --no-environment g019-unknown-type.yaml l001-unused-variable.yaml g020-unknown-node.yaml");
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("G019") && ran.stderr.contains("G020") && ran.stderr.contains("L001"), "{}", ran.stderr);
    assert_eq!(ran.stdout, "l001-unused-variable.yaml: valid, 2 nodes in 1 lane\n");
}

#[test]
fn problems_are_json_for_programs() {
    let ran = run(&folder(), "check --no-environment --json g012-unknown-input.yaml");
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(2), ""));
    let problem = &ran.events()[0]["problems"][0];
    assert_eq!((&problem["code"], &problem["line"], &problem["column"]), (&"G012".into(), &5.into(), &37.into()));
    assert_eq!(problem["help"], "Did you mean \"audio\"?");
}

#[test]
fn the_repositorys_graphs_are_valid() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for profiles in ["offline", "offline,no_presenter", "offline,large_presenter"] {
        run(root, &format!("check --no-environment graphs/lecture.yaml --profile {profiles} --deny-warnings")).ok();
    }
    for name in super::files(&root.join("graphs")).iter().filter(|name| name.ends_with(".yaml")) {
        run(root, &format!("check --no-environment --deny-warnings graphs/{name}")).ok();
    }
}
