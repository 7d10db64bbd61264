//! Real viewers by WebRTC and fragmented MP4: Chromium on the viewer page, and many that only count packets.

use super::stage::{Live, peer, report};
use crate::support::{deck, root};
use std::fs;
use std::path::{Path, PathBuf};

/// The viewer's token in a file, for peers.
fn token_file(home: &Path, live: &Live) -> PathBuf {
    let file = home.join("token");
    fs::write(&file, live.said("token")).expect("a writable folder");
    file
}

#[test]
fn chromium_plays_the_lecture_by_webrtc_and_by_fragmented_mp4() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let mut live = Live::start(home.path(), &root().join("graphs/demo/lectern.pptx"), &["--set", "size=640x360"]);
    let token = token_file(home.path(), &live);
    let page = live.said("viewer_url");
    let page = page.split('#').next().expect("an address");
    for transport in ["whep", "mse"] {
        let seen = report(peer("viewer").args(["--url", page, "--transport", transport, "--seconds", "5"]).arg("--token-file").arg(&token));
        assert_eq!(seen["transport"], transport, "{seen:#}");
        let frames = seen["video"]["presented"].as_f64().expect("a count");
        assert!(frames > 50.0, "five seconds are 150 pictures, on a busy machine some fewer: {seen:#}");
        assert!(seen["captions"]["received"].as_u64() > Some(0), "{seen:#}");
        assert!(seen["audio"]["peak"].as_f64() > Some(0.01), "somebody speaks: {seen:#}");
        if transport == "whep" {
            live.until_state("live");
        }
    }
    live.watch("empty", |session| session["viewers"]["whep"] == 0 && session["viewers"]["mse"] == 0);
    let (_, metrics) = super::stage::ask(reqwest::Method::GET, &format!("{}/metrics", live.origin()), &live.said("control_token"), None);
    assert!(metrics.as_str().is_some_and(|text| text.contains("lectern_viewer_join_seconds")), "the page tells how long joining took");
    live.stop();
}

/// How many threads and open files a process has.
fn held(pid: u32) -> (usize, usize) {
    let count = |what: &str| fs::read_dir(format!("/proc/{pid}/{what}")).expect("it runs").count();
    (count("task"), count("fd"))
}

#[test]
fn viewers_come_and_go_and_leave_nothing_behind() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let live = Live::start(home.path(), &deck("hello.pptx"), &["--loop", "--set", "size=426x240", "--set", "fps=15"]);
    let token = token_file(home.path(), &live);
    let url = live.said("whep_url");
    let visit = |joins: &str, more: &[&str]| {
        let mut command = peer("whep");
        command.args(["--url", &url, "--joins", joins, "--sessions", "3", "--seconds", "0.5"]).arg("--token-file").arg(&token).args(more);
        report(&mut command)
    };
    // What is made once is made by the first ones.
    visit("3", &[]);
    live.watch("empty", |session| session["viewers"]["whep"] == 0);
    let before = held(live.pid());
    let seen = visit("12", &[]);
    assert_eq!((&seen["failed"], &seen["first_keyframe_ms"]["count"]), (&0.into(), &12.into()), "{seen:#}");
    assert_eq!(seen["video"]["gaps"].as_u64().unwrap_or(0), 0, "{seen:#}");
    // As a page that is closed leaves: without a word to the server.
    visit("6", &["--rude"]);
    live.watch("empty", |session| session["viewers"]["whep"] == 0);
    let session = live.watch("quiet", |_| {
        let now = held(live.pid());
        now.0 <= before.0 + 1 && now.1 <= before.1 + 3
    });
    assert_eq!(session["viewers"]["joined"], 21);
    live.stop();
}
