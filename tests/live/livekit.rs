//! A lecture in a room of a real LiveKit server, watched by LiveKit's own clients.

use super::livekit_server::{Server, with_key};
use super::stage::{Live, peer, report};
use crate::support::{decodes_cleanly, lectern, probe, root, succeed};
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;

/// A viewer's token in a file.
fn token_file(home: &Path, room: &str) -> PathBuf {
    token_file_of(home, room, "eve")
}

/// The same for somebody of this name: a second one of the same name would send the first one away.
fn token_file_of(home: &Path, room: &str, name: &str) -> PathBuf {
    let output = succeed(with_key(&mut lectern(home)).args(["token", "--livekit", "--room", room, "--identity", name]));
    let file = home.join(format!("livekit-token-{name}"));
    fs::write(&file, output.stdout).expect("a writable folder");
    file
}

fn saw_pictures_and_sound(seen: &Value) {
    assert!(seen["first_frame"]["from_connected_ms"].as_f64().is_some(), "{seen:#}");
    assert!(seen["video"]["frames"].as_f64().or(seen["video"]["presented"].as_f64()) > Some(30.0), "{seen:#}");
    assert_eq!((&seen["participants"][0]["identity"], &seen["participants"][0]["name"]), (&"lectern".into(), &"Lectern".into()));
}

#[test]
fn a_livekit_room_sees_the_lecture_and_a_lost_server_costs_only_its_viewers() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let mut server = Server::start(home.path());
    let film = home.path().join("film.mp4");
    let mut command = lectern(home.path());
    command.arg("live").arg(root().join("graphs/demo/lectern.pptx")).args(["--listen", "127.0.0.1:0", "--room", "lesson-1", "--loop"]);
    command.args(["--set", "size=854x480", "--set", "fps=25", "--livekit", &server.url()]).arg("--record").arg(&film);
    let live = Live::of(with_key(&mut command));
    let token = token_file(home.path(), "lesson-1");
    let url = server.url();
    let watch = |name: &str, more: &[&str]| report(peer(name).args(["--url", &url]).arg("--token-file").arg(&token).args(more));
    let python = watch("room-python", &["--seconds", "4"]);
    saw_pictures_and_sound(&python);
    assert_eq!((&python["video"]["width"], &python["video"]["height"]), (&854.into(), &480.into()), "{python:#}");
    // A viewer's word is heard, and the lecture's are.
    let browser = watch("room", &["--seconds", "4", "--send", &json!({ "command": "goto", "slide": 3 }).to_string()]);
    saw_pictures_and_sound(&browser);
    assert!(browser["video"]["codec"].as_str().is_some_and(|codec| codec.eq_ignore_ascii_case("video/h264")), "{browser:#}");
    live.watch("on slide 3", |session| session["slide"]["index"] == 2);

    let before = live.session()["programme_ms"].as_i64().expect("a time");
    server.restart();
    let again = watch("room-python", &["--seconds", "3", "--limit", "90"]);
    saw_pictures_and_sound(&again);
    let after = live.session()["programme_ms"].as_i64().expect("a time");
    assert!(after > before);

    // What the room is told, by somebody who has come in: his own word shows that he has.
    let word = json!({ "command": "goto", "slide": 2 }).to_string();
    let mut listener = peer("room-python");
    listener.args(["--url", &url, "--until-data", "streamEnd", "--send", &word]).arg("--token-file").arg(&token);
    let listener = listener.stdout(Stdio::piped()).spawn().expect("the peer starts");
    live.watch("on slide 2", |session| session["slide"]["index"] == 1);
    // A page is shown, and a viewer comes meanwhile: no picture, and the tracks are muted; then all go on.
    assert!(live.command(json!({ "command": "embed", "url": "https://example.org/" })).0.is_success());
    let late = token_file_of(home.path(), "lesson-1", "late");
    let mut later = peer("room-python");
    later.args(["--url", &url, "--seconds", "2"]).arg("--token-file").arg(&late);
    let mut later = later.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the peer starts");
    let heard = BufReader::new(later.stderr.take().expect("a pipe")).lines().map_while(Result::ok);
    let mut tracks: Vec<String> = heard.take(2).collect();
    tracks.sort();
    assert_eq!(tracks, ["audio muted", "video muted"], "what somebody sees who comes in");
    assert!(live.command(json!({ "command": "resume_embed" })).0.is_success());
    let later: Value = serde_json::from_slice(&later.wait_with_output().expect("its report").stdout).expect("JSON");
    assert!(later["video"]["frames"].as_u64() > Some(10), "{later:#}");
    live.stop();
    let told = listener.wait_with_output().expect("its report");
    let told: Value = serde_json::from_slice(&told.stdout).expect("JSON");
    let messages: Vec<&str> =
        told["data"].as_array().into_iter().flatten().filter_map(|data| data["message"]["message"].as_str()).collect();
    assert_eq!(messages, ["showEmbed", "resumeStream", "streamEnd"], "{told:#}");
    let event = |event: &Value| Some((event["event"].as_str()?.to_string(), event["kind"].as_str()?.to_string()));
    let mut muted: Vec<_> =
        told["events"].as_array().into_iter().flatten().filter_map(event).filter(|(event, _)| event.ends_with("muted")).collect();
    muted.sort();
    let due = [("muted", "audio"), ("muted", "video"), ("unmuted", "audio"), ("unmuted", "video")];
    assert_eq!(muted, due.map(|(event, kind)| (event.to_string(), kind.to_string())), "{told:#}");
    decodes_cleanly(&film);
    let probed = probe(&film, &["-count_frames", "-show_entries", "stream=nb_read_frames:format=duration", "-select_streams", "v:0"]);
    let number = |value: &Value| value.as_str().and_then(|text| text.parse::<f64>().ok()).expect("a number");
    let (frames, seconds) = (number(&probed["streams"][0]["nb_read_frames"]), number(&probed["format"]["duration"]));
    assert!((frames - seconds * 25.0).abs() <= 2.0, "the recording is whole: {frames} pictures in {seconds} s");
}
