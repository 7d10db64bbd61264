//! Sessions: what they are told, and those that are made from a folder of lessons.

use super::stage::{Live, ask, ask_raw, token, until};
use crate::support::{deck, lectern, root, succeed};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::path::Path;

/// The states that the event log says a room's sessions have gone through.
fn logged_states(home: &Path, room: &str) -> Vec<String> {
    let files = std::fs::read_dir(home.join("state/lectern/logs")).expect("a log").flatten();
    let text: String = files.filter_map(|file| std::fs::read_to_string(file.path()).ok()).collect();
    let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let of_room = lines.filter(|event| event["event_type"] == "session_state" && event["lesson_id"] == room);
    of_room.filter_map(|event| event["message"].as_str().map(String::from)).collect()
}

#[test]
fn a_session_is_commanded_by_rest() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let mut live = Live::start(home.path(), &root().join("graphs/demo/lectern.pptx"), &["--wait"]);
    assert_eq!(live.session()["state"], "ready");
    assert_eq!(live.command(json!({ "command": "pause" })).0, StatusCode::CONFLICT, "nothing is live yet");
    assert_eq!(live.command(json!({ "command": "start" })).1["state"], "live");
    live.until_state("live");
    assert_eq!(live.command(json!({ "command": "goto", "slide": 3 })).0, StatusCode::ACCEPTED);
    live.watch("on slide 3", |session| session["slide"]["index"] == 2);
    assert_eq!(live.command(json!({ "command": "pause" })).1["state"], "paused");
    live.until_state("paused");
    assert_eq!(live.command(json!({ "command": "resume" })).1["state"], "live");
    assert_eq!(live.command(json!({ "command": "previous" })).0, StatusCode::ACCEPTED);
    live.watch("on slide 2", |session| session["slide"]["index"] == 1);
    assert_eq!(live.command(json!({ "command": "say", "text": "Any questions so far?", "interrupt": true })).0, StatusCode::ACCEPTED);
    assert_eq!(live.command(json!({ "command": "say", "text": "" })).0, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(live.command(json!({ "command": "dance" })).0, StatusCode::BAD_REQUEST);
    let room = live.said("room");
    let (status, graph) = ask(Method::GET, &format!("{}/v1/live/{room}/graph", live.origin()), &live.said("control_token"), None);
    assert!(status.is_success() && graph["nodes"].as_array().is_some_and(|nodes| nodes.len() > 8), "{graph}");
    let figures = format!("{}/metrics", live.origin());
    assert_eq!(ask(Method::GET, &figures, "", None).0, StatusCode::UNAUTHORIZED);
    assert_eq!(ask(Method::GET, &figures, &live.said("token"), None).0, StatusCode::FORBIDDEN);
    let (_, metrics) = ask(Method::GET, &figures, &live.said("control_token"), None);
    let metrics = metrics.as_str().expect("text");
    for figure in ["lectern_node_fps{room=", "lectern_viewers{room=", "lectern_av_skew_seconds{room="] {
        assert!(metrics.contains(figure), "{figure}: {metrics}");
    }
    // Somebody of this machine needs no token for `top`; a token of one room shows that room only.
    let top = |more: &[&str]| succeed(lectern(home.path()).args(["top", &live.origin(), "--once"]).args(more)).stdout;
    assert!(String::from_utf8_lossy(&top(&[])).contains("tts_chunker"));
    let elsewhere = token(home.path(), &["--role", "author", "--room", "elsewhere"])["token"].as_str().expect("a token").to_string();
    let file = home.path().join("elsewhere");
    std::fs::write(&file, elsewhere).expect("a writable folder");
    assert!(!String::from_utf8_lossy(&top(&["--token-file", file.to_str().expect("a path")])).contains("tts_chunker"));
    assert_eq!(live.command(json!({ "command": "stop" })).0, StatusCode::ACCEPTED);
    live.until_state("ended");
    live.end();
}

#[test]
fn sessions_are_made_from_a_folder_of_lessons_and_ended() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let lessons = root().join("tests/decks");
    let live = Live::start(home.path(), &deck("hello.pptx"), &["--loop", "--lessons", lessons.to_str().expect("a path")]);
    let all = format!("{}/v1/live", live.origin());
    let author = token(home.path(), &["--role", "author"])["token"].as_str().expect("a token").to_string();
    let make = |body| ask(Method::POST, &all, &author, Some(body));
    assert_eq!(make(json!({ "room": live.said("room"), "lesson": "hello.pptx" })).0, StatusCode::CONFLICT);
    assert_eq!(make(json!({ "room": "other", "lesson": "../Cargo.toml" })).0, StatusCode::NOT_FOUND);
    assert_eq!(make(json!({ "room": "other" })).0, StatusCode::BAD_REQUEST);
    let (status, made) = make(json!({ "room": "other", "lesson": "hello.pptx", "size": "426x240", "fps": "15" }));
    assert_eq!(status, StatusCode::CREATED, "{made}");
    let token = made["token"].as_str().expect("a token");
    // Nothing has been encoded yet: a viewer who comes so early waits for it.
    let whep = made["whep_url"].as_str().expect("an address");
    let (status, answer, _) = ask_raw(Method::POST, whep, token, "application/sdp", include_str!("offer.sdp").into());
    assert_eq!(status, StatusCode::CREATED, "{answer}");
    assert!(answer.contains("a=rtpmap:102 H264/90000") && answer.contains("a=candidate:"), "{answer}");
    assert_eq!(ask(Method::GET, &format!("{all}/other"), token, None).1["room"], "other");
    assert_eq!(ask(Method::GET, &format!("{all}/{}", live.said("room")), token, None).0, StatusCode::FORBIDDEN);
    assert_eq!(ask(Method::DELETE, &format!("{all}/other"), &author, None).0, StatusCode::NO_CONTENT);
    assert_eq!(ask(Method::GET, &format!("{all}/other"), &author, None).0, StatusCode::NOT_FOUND);
    // The event log tells of it what it tells of the session that the program began with.
    let logged =
        until("over by the log", || logged_states(home.path(), "other"), |states| states.last().is_some_and(|last| last == "ended"));
    assert_eq!(logged[0], "preparing");
    let own = live.said("room");
    live.stop();
    assert_eq!(logged_states(home.path(), &own).first().map(String::as_str), Some("preparing"));
}
