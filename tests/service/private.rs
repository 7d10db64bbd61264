//! Films of which nothing is left but themselves.

use super::server::{SHORT, Server, colours, is_consistent};
use crate::live::stage::until;
use crate::support::{decodes_cleanly, lectern, signal_groups, succeed};
use reqwest::Method;
use serde_json::json;
use std::path::{Path, PathBuf};

/// What a segment begins with.
const MAGIC: &[u8] = b"LECTSEG1";

fn files_in(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in std::fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path()) {
        if path.is_dir() { found.extend(files_in(&path)) } else { found.push(path) }
    }
    found
}

#[test]
fn a_private_render_leaves_the_film_alone() {
    let home = tempfile::tempdir().unwrap();
    let (temporary, lesson, film) = (home.path().join("tmp"), home.path().join("lesson.yaml"), home.path().join("film.mp4"));
    std::fs::create_dir(&temporary).unwrap();
    std::fs::write(&lesson, SHORT).unwrap();
    let render = |lesson: &Path| {
        let mut command = lectern(home.path());
        command.env("TMPDIR", &temporary).args(["render", "--private", "--set", "size=160x90", "-o"]).arg(&film).arg(lesson);
        command
    };
    succeed(&mut render(&lesson));
    decodes_cleanly(&film);
    assert_eq!(files_in(&home.path().join("cache")), Vec::<PathBuf>::new());
    let refused = render(&home.path().join("nothing.yaml")).output().unwrap();
    let said = String::from_utf8_lossy(&refused.stderr);
    assert_eq!((refused.status.code(), said.matches("nothing.yaml").count()), (Some(2), 1), "{said}");
    assert_eq!(std::fs::read_dir(&temporary).unwrap().count(), 0);
}

#[test]
fn what_a_private_server_makes_on_the_way_is_read_by_nobody_and_goes_on_after_kill_9() {
    let home = tempfile::tempdir().unwrap();
    let serve = || Server::of(home.path(), lectern(home.path()).env("LECTERN_PRIVACY_ENCRYPTED", "true").arg("serve"));
    let server = serve();
    let deck = server.deck("lesson.yaml", colours(24).as_bytes());
    let waits = server.submit(json!({ "deck": deck, "hold": true }));
    let id = server.submit(json!({ "deck": deck, "looks": { "size": "480x270" } }));
    let data = home.path().join("data");
    until("something is done", || files_in(&data.join("sealed")), |sealed| !sealed.is_empty());
    // Hard, as when the machine loses its power: the child cannot tidy up.
    let maker = server.children();
    signal_groups(&maker, libc::SIGSTOP);
    server.kill();
    let sealed = files_in(&data.join("sealed"));
    signal_groups(&maker, libc::SIGKILL);
    assert!(!sealed.is_empty(), "what is done lies on the disk");
    let is_segment = |file: &PathBuf| std::fs::read(file).unwrap().windows(MAGIC.len()).any(|window| window == MAGIC);
    assert!(!sealed.iter().any(is_segment), "sealed");
    for folder in [data.join("work"), home.path().join("cache")] {
        assert_eq!(files_in(&folder), Vec::<PathBuf>::new());
    }

    let server = serve();
    let job = server.ends(&id, "completed");
    assert_eq!(job["stages"][1]["result"]["segments"]["reused"], 0, "the key was gone: {job}");
    let film = home.path().join("film.mp4");
    std::fs::write(&film, server.artifact(&id, "film.mp4")).unwrap();
    decodes_cleanly(&film);
    // What lay in memory is gone with it.
    let in_memory = |job: &str| {
        let folders = std::fs::read_dir("/dev/shm").unwrap().map(|entry| entry.unwrap().path().join("work").join(job));
        folders.filter(|folder| folder.exists()).collect::<Vec<_>>()
    };
    assert_eq!(in_memory(&waits).len(), 1);
    std::fs::remove_dir_all(&in_memory(&waits)[0]).unwrap();
    server.must(Method::POST, &format!("jobs/{waits}/start"), None);
    assert_eq!(server.ends(&waits, "failed")["error"]["code"], "gone");
    for job in [&id, &waits] {
        server.must(Method::DELETE, &format!("jobs/{job}"), None);
    }
    server.stop();
    assert!(!data.join("sealed").exists());
    assert_eq!(in_memory(&id), Vec::<PathBuf>::new());
    is_consistent(home.path());
}
