//! The examples of server/README.md, as they stand there.

use super::server::Server;
use crate::support::{deck, probe, root};
use serde_json::json;
use std::process::Command;

#[test]
fn the_examples_of_the_readme_do_what_they_say() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), &[]);
    let text = std::fs::read_to_string(root().join("server/README.md")).unwrap();
    let blocks: Vec<&str> = text.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(blocks.len() >= 6, "{} blocks", blocks.len());
    let here = home.path().join("here");
    std::fs::create_dir(&here).unwrap();
    std::fs::copy(deck("hello.pptx"), here.join("talk.pptx")).unwrap();
    // Blocks go on where the one before them ended.
    let script = blocks.join("\necho\necho ----\n");
    let mut command = Command::new("bash");
    command.args(["-euo", "pipefail", "-c", &script]).current_dir(&here).env("SERVER", &server.origin).env("TOKEN", &server.token);
    let output = command.env("no_proxy", "127.0.0.1").output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}\n{err}");
    let said: Vec<&str> = out.split("----\n").map(str::trim).collect();
    assert!(said[1].contains("event: complete"), "{}", said[1]);
    assert!(
        said[2].contains("\"state\": \"completed\"") && said[2].contains("transcript.md") && said[2].contains("ask one person"),
        "{}",
        said[2]
    );
    assert!(said[3].starts_with("processing\ncancelled\n") || said[3].starts_with("pending\ncancelled\n"), "{}", said[3]);
    assert_eq!(said[4].matches('.').count(), 2, "a token: {}", said[4]);
    assert!(said[5].contains("\"valid\": true"), "{}", said[5]);
    assert!(said[6].starts_with("{\"dispatch\":\"ready\",\"ledger\":\"ready\",\"store\":\"ready\"}"), "{}", said[6]);
    assert!(said[6].contains("\"free_bytes\":") && said[6].contains("\nrender\n"), "{}", said[6]);
    let film = probe(&here.join("talk.mp4"), &["-show_entries", "stream=width,height", "-select_streams", "v"]);
    assert_eq!((&film["streams"][0]["width"], &film["streams"][0]["height"]), (&json!(640), &json!(360)), "{film}");
    assert!(std::fs::read_to_string(here.join("talk.vtt")).unwrap().starts_with("WEBVTT"));
}
