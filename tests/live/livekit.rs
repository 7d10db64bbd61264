//! A lecture in a room of a real LiveKit server, watched by LiveKit's own clients.

use super::livekit_server::{Server, epoch_ms, kinds, said_by_the_lecture, with_key};
use super::stage::{Live, peer, report};
use crate::support::{decodes_cleanly, lectern, probe, root, succeed};
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;

/// The room of the lecture.
const ROOM: &str = "lesson-1";

/// A token in a file, for somebody of this name: a second one of the same name would send the first one away.
fn token_file(home: &Path, name: &str, role: &str) -> PathBuf {
    let output = succeed(with_key(&mut lectern(home)).args(["token", "--livekit", "--room", ROOM, "--identity", name, "--role", role]));
    let file = home.join(format!("livekit-token-{name}"));
    fs::write(&file, output.stdout).expect("a writable folder");
    file
}

fn saw_pictures_and_sound(seen: &Value, title: &Value) {
    assert!(seen["first_frame"]["from_connected_ms"].as_f64().is_some(), "{seen:#}");
    assert!(seen["video"]["frames"].as_f64().or(seen["video"]["presented"].as_f64()) > Some(30.0), "{seen:#}");
    let presenter = &seen["participants"][0];
    assert_eq!((&presenter["identity"], &presenter["name"]), (&"lectern".into(), &"Lectern".into()));
    let known: Value = presenter["metadata"].as_str().and_then(|text| serde_json::from_str(text).ok()).expect("metadata in JSON");
    assert_eq!(known, json!({ "lecture": ROOM, "title": title }));
}

#[test]
fn a_livekit_room_sees_the_lecture_and_a_lost_server_costs_only_its_viewers() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let (mut server, began) = (Server::start(home.path()), epoch_ms());
    let (film, figures) = (home.path().join("film.mp4"), home.path().join("report.json"));
    let mut command = lectern(home.path());
    command.arg("live").arg(root().join("graphs/demo/lectern.pptx")).args(["--listen", "127.0.0.1:0", "--room", ROOM, "--loop"]);
    command
        .args(["--set", "size=854x480", "--set", "fps=25", "--livekit", &server.url()])
        .arg("--record")
        .arg(&film)
        .arg("--report")
        .arg(&figures);
    let live = Live::of(with_key(&mut command));
    let (viewer, author) = (token_file(home.path(), "eve", "viewer"), token_file(home.path(), "ann", "author"));
    let title = live.session()["title"].clone();
    let url = server.url();
    let of = |name: &str, token: &Path, more: &[&str]| {
        let mut command = peer(name);
        command.args(["--url", &url]).arg("--token-file").arg(token).args(more);
        command
    };
    let embed = json!({ "command": "embed", "url": "https://example.org/" });
    // A viewer's command is not obeyed; but a page is left when one asks for it.
    let resume = json!({ "id": "1", "message": "resumeStream", "timestamp": began }).to_string();
    let stop = json!({ "command": "stop" }).to_string();
    let mut watching = of("room-python", &viewer, &["--seconds", "4", "--send", &stop, "--answer", "showEmbed", &resume]);
    let mut watching = watching.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the peer starts");
    let mut heard = BufReader::new(watching.stderr.take().expect("a pipe")).lines().map_while(Result::ok);
    assert!(heard.any(|line| line == "sent"), "it sees the lecture and says something");
    assert_eq!(live.command(embed.clone()).1["state"], "paused");
    live.watch("live again", |session| session["state"] == "live");
    let python = watching.wait_with_output().expect("its report");
    let python: Value = serde_json::from_slice(&python.stdout).expect("JSON");
    saw_pictures_and_sound(&python, &title);
    assert_eq!((&python["video"]["width"], &python["video"]["height"]), (&854.into(), &480.into()), "{python:#}");
    assert_eq!(kinds(&said_by_the_lecture(&python, began)), ["showEmbed", "resumeStream"], "{python:#}");
    // An author's command is.
    let browser = report(&mut of("room", &author, &["--seconds", "4", "--send", &json!({ "command": "goto", "slide": 3 }).to_string()]));
    saw_pictures_and_sound(&browser, &title);
    assert!(browser["video"]["codec"].as_str().is_some_and(|codec| codec.eq_ignore_ascii_case("video/h264")), "{browser:#}");
    live.watch("on slide 3", |session| session["slide"]["index"] == 2);

    let before = live.session()["programme_ms"].as_i64().expect("a time");
    server.restart();
    let again = report(&mut of("room-python", &viewer, &["--seconds", "3", "--limit", "90"]));
    saw_pictures_and_sound(&again, &title);
    let after = live.session()["programme_ms"].as_i64().expect("a time");
    assert!(after > before);

    // What the room is told, by somebody who has come in: his own word shows that he has.
    let word = json!({ "command": "goto", "slide": 2 }).to_string();
    let mut listener = of("room-python", &author, &["--until-data", "streamEnd", "--send", &word]);
    let listener = listener.stdout(Stdio::piped()).spawn().expect("the peer starts");
    live.watch("on slide 2", |session| session["slide"]["index"] == 1);
    // A page is shown, and a viewer comes meanwhile: no picture, and the tracks are muted; then all go on.
    assert!(live.command(embed).0.is_success());
    let slide = live.session()["slide"]["id"].clone();
    let mut later = of("room-python", &token_file(home.path(), "late", "viewer"), &["--seconds", "2"]);
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
    let messages = said_by_the_lecture(&told, began);
    assert_eq!(kinds(&messages), ["showEmbed", "resumeStream", "streamEnd"], "{told:#}");
    assert!(slide.is_string() && messages[0]["slideId"] == slide, "{told:#}");
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
    // A machine that has too much to do leaves pictures out, and counts them. Nothing else is missing.
    let figures: Value = serde_json::from_slice(&fs::read(&figures).expect("figures of the run")).expect("JSON");
    let skipped = figures["playout"]["skipped"].as_f64().expect("a count");
    assert!(
        (frames + skipped - seconds * 25.0).abs() <= 2.0,
        "the recording is whole: {frames} pictures in {seconds} s, {skipped} left out"
    );
}
