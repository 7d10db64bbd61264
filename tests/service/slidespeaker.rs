//! What clients of "SlideSpeaker" rely on beyond their contract: that what they have sent and asked for outlives the server, and that no
//! other page acts in their name.

use super::server::{Server, client, is_consistent};
use crate::live::stage::runtime;
use crate::support::files::text_pdf;
use crate::support::loudness::assert_level;
use crate::support::writer::Writer;
use crate::support::{deck, lectern, probe, succeed, zip};
use jsonwebtoken::{EncodingKey, Header, encode};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;

const SECRET: &str = "a secret that is long enough to protect something";

fn start(home: &Path) -> Server {
    Server::of(home, &mut serve(home))
}

fn serve(home: &Path) -> Command {
    let mut command = lectern(home);
    command.env("NEXTAUTH_SECRET", SECRET).env("LECTERN_ADAPTERS_SLIDESPEAKER_AUTH", "token");
    command.env("LECTERN_ADAPTERS_SLIDESPEAKER_ORIGINS", "https://front.example").env("LECTERN_LIMITS_LOGIN", "2");
    command.arg("serve");
    command
}

/// A session as the web front signs it.
fn session(id: &str) -> String {
    let claims = json!({ "sub": id, "user": { "id": id }, "exp": 4_000_000_000_u64 });
    encode(&Header::default(), &claims, &EncodingKey::from_secret(SECRET.as_bytes())).expect("a token")
}

fn asked(server: &Server, method: Method, path: &str) -> RequestBuilder {
    client().request(method, format!("{}/api/{path}", server.origin))
}

/// Status, `Retry-After`, and what came.
fn answer(request: RequestBuilder) -> (StatusCode, Option<String>, Value) {
    runtime().block_on(async {
        let answer = request.send().await.expect("an answer");
        let wait = answer.headers().get("retry-after").map(|wait| wait.to_str().expect("text").to_string());
        (answer.status(), wait, answer.json().await.unwrap_or_default())
    })
}

fn must(request: RequestBuilder) -> Value {
    let (status, _, body) = answer(request);
    assert!(status.is_success(), "{status} {body}");
    body
}

/// Status, the name under which a file comes, and what is in it.
fn file(server: &Server, task: &str, path: &str) -> (StatusCode, String, String) {
    let request = asked(server, Method::GET, &format!("tasks/{task}/{path}")).bearer_auth(session("ada"));
    runtime().block_on(async {
        let answer = request.send().await.expect("an answer");
        let name = answer.headers().get("content-disposition").map(|name| name.to_str().expect("text").to_string());
        (answer.status(), name.unwrap_or_default(), answer.text().await.expect("text"))
    })
}

/// A form with one file, for a small film.
fn form(request: RequestBuilder, name: &str, bytes: &[u8], more: &[(&str, &str)]) -> RequestBuilder {
    let head = format!("--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n");
    let mut tail = String::from("\r\n");
    for (name, value) in more.iter().chain(&[("video_resolution", "sd")]) {
        tail += &format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
    }
    let body = [head.as_bytes(), bytes, tail.as_bytes(), b"--x--\r\n"].concat();
    request.header("content-type", "multipart/form-data; boundary=x").body(body)
}

/// Ada sends a file; the id of its task.
fn send(server: &Server, name: &str, bytes: &[u8], more: &[(&str, &str)]) -> String {
    let sent = must(form(asked(server, Method::POST, "upload").bearer_auth(session("ada")), name, bytes, more));
    sent["task_id"].as_str().expect("an id").to_string()
}

#[test]
fn tasks_files_and_accounts_outlive_the_server() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let server = start(home.path());
    let account = json!({ "email": "ada@lessons.example", "password": "correct horse battery", "name": "Ada" });
    let made = must(asked(&server, Method::POST, "auth/register").json(&account));
    let id = made["user"]["id"].as_str().expect("an id").to_string();
    let deck = text_pdf(&["Part one\nGood notes save time.".into(), "Part two\nRead them again.".into()]);
    let sent: Vec<Value> =
        (0..2).map(|_| must(form(asked(&server, Method::POST, "upload").bearer_auth(session(&id)), "deck.pdf", &deck, &[]))).collect();
    assert_eq!(sent[0]["file_id"], sent[1]["file_id"]);
    let contents = |server: &Server| std::fs::read_dir(server.data.join("artifacts/sent")).map_or(0, Iterator::count);
    assert_eq!(contents(&server), 1, "the same bytes are kept once");
    // The native API shows them as jobs to whoever has the account's own token.
    let jobs =
        must(client().get(format!("{}/v1/jobs?kind=slidespeaker", server.origin)).bearer_auth(made["token"].as_str().expect("a token")));
    assert_eq!(jobs["total"], 2);
    server.kill();

    let server = start(home.path());
    let task = sent[1]["task_id"].as_str().expect("an id");
    let all = must(asked(&server, Method::GET, "tasks").bearer_auth(session(&id)));
    assert_eq!((&all["total"], &all["tasks"][0]["task_id"], &all["tasks"][0]["filename"]), (&json!(2), &json!(task), &json!("deck.pdf")));
    assert_eq!(must(asked(&server, Method::GET, "users/me").bearer_auth(session(&id)))["user"]["name"], "Ada");
    for sent in &sent {
        let path = format!("tasks/{}/delete", sent["task_id"].as_str().expect("an id"));
        must(asked(&server, Method::DELETE, &path).bearer_auth(session(&id)));
    }
    let left = must(asked(&server, Method::GET, "uploads").bearer_auth(session(&id)));
    assert_eq!(left["uploads"], json!([]), "a file goes with the last task that uses it");
    assert_eq!(contents(&server), 0);
    server.stop();
    is_consistent(home.path());
}

#[test]
fn a_film_is_as_large_as_it_was_asked_for_and_what_is_skipped_says_why() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let server = start(home.path());
    let deck = std::fs::read(deck("hello.pptx")).expect("a deck");
    let more = [
        ("generate_avatar", "true"),
        ("voice_language", "german"),
        ("subtitle_language", "french"),
        ("transcript_language", "italian"),
        ("watermark", "Example"),
    ];
    let task = send(&server, "hello.pptx", &deck, &more);
    let job = server.ends(&task, "completed");
    assert_eq!((&job["kind"], &job["owner"]), (&json!("slidespeaker"), &json!("ada")));
    let told = must(asked(&server, Method::GET, &format!("tasks/{task}/progress")).bearer_auth(session("ada")));
    for step in ["translate_voice", "translate_subtitle", "translate_transcript"] {
        let translated = &told["steps"][step];
        assert_eq!(translated["status"], "skipped");
        assert!(translated["note"].as_str().is_some_and(|note| note.contains("LECTERN_WRITER_URL")), "{told}");
    }
    // Nothing was translated: nothing is called by another language than the deck's.
    let (status, name, _) = file(&server, &task, "subtitles/vtt");
    assert!(status == StatusCode::OK && name.contains("_en.vtt"), "{status} {name}");
    for language in ["fr", "german"] {
        assert_eq!(file(&server, &task, &format!("subtitles/vtt?language={language}")).0, StatusCode::NOT_FOUND);
    }
    let film = home.path().join("film.mp4");
    std::fs::write(&film, server.artifact(&task, "film.mp4")).expect("a writable folder");
    let stream = &probe(&film, &["-show_entries", "stream=width,height"])["streams"][0];
    assert_eq!((&stream["width"], &stream["height"]), (&json!(640), &json!(480)));
    let sound = home.path().join("audio.mp3");
    std::fs::write(&sound, server.artifact(&task, "audio-1.mp3")).expect("a writable folder");
    assert_eq!(probe(&sound, &["-show_entries", "stream=codec_name"])["streams"][0]["codec_name"], "mp3");
    server.stop();
}

#[test]
fn subtitles_and_transcript_are_in_the_languages_that_were_asked_for() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let writer = Writer::start();
    let server = Server::of(home.path(), writer.tell(&mut serve(home.path())));
    let said = "Hello. We look at the ways in which people have kept their notes, and at what happens when nobody reads them.";
    let deck = zip::edited(&std::fs::read(deck("hello.pptx")).expect("a deck"), "ppt/notesSlides/notesSlide1.xml", |xml| {
        xml.replacen("Hello.", said, 1)
    });
    let more = [("subtitle_language", "french"), ("transcript_language", "german")];
    let task = send(&server, "hello.pptx", &deck, &more);
    server.ends(&task, "completed");
    let told = must(asked(&server, Method::GET, &format!("tasks/{task}/progress")).bearer_auth(session("ada")));
    for step in ["translate_subtitle", "translate_text", "translate_transcript"] {
        assert_eq!(told["steps"][step]["status"], "completed", "{told}");
    }
    let subtitles = |path: &str, ending: &str| {
        let (status, name, text) = file(&server, &task, &format!("subtitles/{path}"));
        assert!(status == StatusCode::OK && name.contains(ending), "{path}: {status} {name}");
        text
    };
    // The writer translates by capitals.
    let words = |text: &str| text.split_whitespace().map(String::from).collect::<Vec<_>>();
    let (french, english) = (subtitles("srt?language=french", "_fr.srt"), subtitles("srt?language=en", "_en.srt"));
    assert_eq!(words(&french), words(&english.to_uppercase()));
    assert_ne!(french, english);
    assert_eq!(subtitles("srt", "_fr.srt"), french);
    assert!(subtitles("vtt/download?language=fr", "_fr.vtt").starts_with("WEBVTT"));
    assert_eq!(file(&server, &task, "subtitles/vtt?language=german").0, StatusCode::NOT_FOUND);
    let downloads = must(asked(&server, Method::GET, &format!("tasks/{task}/downloads")).bearer_auth(session("ada")));
    let languages: Vec<&str> = downloads["items"].as_array().expect("items").iter().filter_map(|item| item["language"].as_str()).collect();
    assert_eq!(languages, ["french", "english", "french", "english"]);
    let transcript = file(&server, &task, "transcripts/markdown").2;
    assert!(transcript == transcript.to_uppercase() && transcript.chars().any(char::is_uppercase), "{transcript}");
    server.stop();
}

#[test]
fn a_film_is_spoken_in_the_language_that_was_asked_for() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let writer = Writer::start();
    let server = Server::of(home.path(), writer.tell(&mut serve(home.path())));
    let deck = std::fs::read(deck("hello.pptx")).expect("a deck");
    let task = send(&server, "hello.pptx", &deck, &[("voice_language", "spanish")]);
    server.ends(&task, "completed");
    let told = must(asked(&server, Method::GET, &format!("tasks/{task}/progress")).bearer_auth(session("ada")));
    assert_eq!(told["steps"]["translate_voice"]["status"], "completed", "{told}");
    let speech = server.artifact(&task, "audio-1.mp3");
    assert!(speech.len() > 5000, "{} bytes", speech.len());
    let film = home.path().join("film.mp4");
    std::fs::write(&film, server.artifact(&task, "film.mp4")).expect("a writable folder");
    let sound = probe(&film, &["-select_streams", "a", "-show_entries", "stream_tags=language"]);
    assert_eq!(sound["streams"][0]["tags"]["language"], "spa");
    let (status, name, text) = file(&server, &task, "subtitles/srt");
    assert!(status == StatusCode::OK && name.contains("_es.srt"), "{status} {name}");
    // The writer translates by capitals.
    assert!(text == text.to_uppercase() && text.contains("HELLO"), "{text}");
    assert!(file(&server, &task, "transcripts/markdown").2.to_uppercase().contains("HELLO"));
    server.stop();
}

#[test]
fn recordings_become_podcasts_at_the_level_of_speech() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let said = "Good morning. Today we look at how a sail works, and why a boat can go against the wind.";
    let spoken = home.path().join("spoken.wav");
    succeed(lectern(home.path()).args(["speak", said, "-o"]).arg(&spoken));
    let seconds = |file: &Path| -> f64 {
        let found = probe(file, &["-show_entries", "format=duration"]);
        found["format"]["duration"].as_str().and_then(|text| text.parse().ok()).expect("a length")
    };
    let server = start(home.path());
    let more = [("generate_podcast", "true"), ("generate_video", "false"), ("task_type", "podcast")];
    for ending in ["wav", "mp3", "m4a", "flac"] {
        // Too soft, as home-made recordings are.
        let talk = home.path().join(format!("talk.{ending}"));
        succeed(Command::new("ffmpeg").args(["-v", "error", "-i"]).arg(&spoken).args(["-af", "volume=-14dB"]).arg(&talk));
        let bytes = std::fs::read(&talk).expect("a recording");
        let task = send(&server, &format!("talk.{ending}"), &bytes, &more);
        server.ends(&task, "completed");
        let made = home.path().join(format!("{ending}.mp3"));
        std::fs::write(&made, server.artifact(&task, "podcast.mp3")).expect("a writable folder");
        assert_eq!(probe(&made, &["-show_entries", "stream=codec_name"])["streams"][0]["codec_name"], "mp3");
        let (is, was) = (seconds(&made), seconds(&spoken));
        assert!((is - was).abs() < 0.15, "{ending}: {is} s of {was} s");
        assert_level(&made, ending);
        // What was not done is told, and no film is there.
        let told = must(asked(&server, Method::GET, &format!("tasks/{task}/progress")).bearer_auth(session("ada")));
        assert_eq!(told["task_type"], "podcast");
        assert!(told["steps"]["compose_podcast"]["note"].as_str().is_some_and(|note| note.contains("level of a podcast")), "{told}");
        assert_eq!(file(&server, &task, "video").0, StatusCode::NOT_FOUND);
    }
    server.stop();
}

#[test]
fn no_other_page_acts_in_somebodys_name() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let server = start(home.path());
    let cookie = format!("next-auth.session-token={}", session("ada"));
    let own = server.origin.clone();
    for (origin, due) in [
        (None, StatusCode::OK),
        (Some(own.as_str()), StatusCode::OK),
        (Some("https://front.example"), StatusCode::OK),
        (Some("https://evil.example"), StatusCode::UNAUTHORIZED),
        (Some("null"), StatusCode::UNAUTHORIZED),
    ] {
        let request = asked(&server, Method::GET, "tasks").header("cookie", &cookie);
        let request = origin.iter().fold(request, |request, origin| request.header("origin", *origin));
        assert_eq!(answer(request).0, due, "{origin:?}");
    }
    // Nobody is made an account for whom the front does not vouch.
    let google = json!({ "email": "gus@lessons.example", "id": "g-1", "name": "Gus" });
    let vouch = || asked(&server, Method::POST, "auth/oauth/google").json(&google);
    assert_eq!(answer(vouch()).0, StatusCode::UNAUTHORIZED);
    let made = must(vouch().bearer_auth(session("the front")));
    assert_eq!(made["user"]["email"], "gus@lessons.example");
    let (status, wait, body) = answer(vouch());
    assert_eq!((status, &body["code"]), (StatusCode::TOO_MANY_REQUESTS, &json!("too_many_requests")));
    assert!(wait.is_some_and(|seconds| seconds.parse::<u64>().is_ok()));
    server.stop();
}
