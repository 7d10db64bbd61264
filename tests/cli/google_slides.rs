//! Presentations of Google Slides by their address, against a server that speaks its API.

use super::{files, lectern};
use serde_json::Value;
use std::path::Path;
use std::process::Output;

// The tests of the importer use all of it.
#[allow(dead_code)]
#[path = "../../plugins/src/lesson/google_slides/fake.rs"]
pub mod fake;

use fake::{CONTENT, Fake, REVISION, SECRET, THUMBNAIL, TOKEN};

const ADDRESS: &str = "https://docs.google.com/presentation/d/1EAYk18WDjIG-zp_0vLm3CsfQh_i8eXc67Jo2O9C6Vuc/edit#slide=id.g0";
const ID: &str = "1EAYk18WDjIG-zp_0vLm3CsfQh_i8eXc67Jo2O9C6Vuc";

fn ask(folder: &Path, fake: &Fake, token: &str, arguments: &[&str]) -> Output {
    let mut command = lectern(folder);
    command.env("GOOGLE_SLIDES_URL", fake.url()).env("GOOGLE_SLIDES_TOKEN", token).env("XDG_CACHE_HOME", folder.join("cache"));
    // All that is ever logged, by libraries, too.
    command.env("LECTERN_LOG", "trace").args(arguments);
    let output = command.output().expect("the program starts");
    for text in [&output.stdout, &output.stderr] {
        let text = String::from_utf8_lossy(text);
        assert!(!text.contains(SECRET) && !text.contains(TOKEN), "a secret is printed");
    }
    output
}

#[test]
fn a_presentation_is_rendered_by_its_address_and_nothing_secret_is_logged() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let slides = [("Cats", "Cats sleep.", false), ("Hidden", "Not said.", true), ("Dogs", "", false)];
    let fake = Fake::start(ID, fake::presentation("Cats & dogs", &slides));
    let dry = ask(folder.path(), &fake, TOKEN, &["render", ADDRESS, "--dry-run", "--json"]);
    assert!(dry.status.success(), "{}", String::from_utf8_lossy(&dry.stderr));
    let plan: Value = serde_json::from_slice(&dry.stdout).expect("one document");
    assert_eq!((&plan["file"], &plan["title"]), (&"Cats-dogs.mp4".into(), &"Cats & dogs".into()));
    let numbers: Vec<&Value> = plan["slides"].as_array().expect("slides").iter().map(|slide| &slide["number"]).collect();
    assert_eq!(numbers, [1, 3]);
    assert_eq!(plan["slides"][1]["estimated_seconds"], 3.0);

    // A film of it: the nodes see what the command saw, and ask nobody again.
    let asked = |kind: &str| fake.lock().count(kind);
    let before = (asked(CONTENT), asked(THUMBNAIL), asked(REVISION));
    let film = ask(folder.path(), &fake, TOKEN, &["render", ADDRESS, "--slides", "3", "-o", "dogs.mp4", "--set", "size=320x180"]);
    assert!(film.status.success(), "{}", String::from_utf8_lossy(&film.stderr));
    assert_eq!((asked(CONTENT), asked(THUMBNAIL), asked(REVISION)), (before.0, before.1, before.2 + 1));
    assert!(files(folder.path()).contains(&"dogs.mp4".to_string()));
    let shown = pixel(&folder.path().join("dogs.mp4"), 60, 60);
    let wanted = fake::color("g2", 1);
    assert!(shown.iter().zip(wanted).all(|(a, b)| a.abs_diff(b) < 8), "{shown:?} where {wanted:?} was due");
}

/// A pixel of the film after one second, red, green and blue.
fn pixel(film: &Path, x: usize, y: usize) -> [u8; 3] {
    let picture = crate::support::picture::color_at(film, "1");
    let start = (y * 320 + x) * 3;
    [picture[start], picture[start + 1], picture[start + 2]]
}

#[test]
fn what_stands_in_the_way_is_told_in_one_line() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let fake = Fake::start(ID, fake::presentation("Cats", &[("Cats", "Cats sleep.", false)]));
    fake.fail(REVISION, [fake::Fault::Status(403, None)]);
    let fails = |token: &str, arguments: &[&str], code: i32| {
        let output = ask(folder.path(), &fake, token, arguments);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{text}");
        text.lines().find(|line| line.starts_with("error:")).unwrap_or_else(|| panic!("{text}")).to_string()
    };
    assert!(fails(TOKEN, &["lesson", "show", ADDRESS], 1).contains("share it with that account"));
    assert!(fails("wrong", &["render", ADDRESS], 1).contains("the token is not accepted"));
    assert!(fails("", &["render", ADDRESS], 1).contains("set GOOGLE_SLIDES_TOKEN"));
    assert!(fails(TOKEN, &["render", "https://example.org/talk"], 2).contains("no importer reads pages of example.org"));
    assert!(files(folder.path()).is_empty(), "nothing is left behind");
}
