//! Files that are sent, and files that are had.

use super::server::{SHORT, Server, client};
use crate::live::stage::{ask_raw, runtime, until};
use crate::support::lectern;
use reqwest::header::{ACCEPT_RANGES, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderMap};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use std::fs;

/// Asks for the film of a job; what comes, with headers.
fn film(server: &Server, method: Method, query: &str, headers: &[(&str, &str)], id: &str) -> (StatusCode, HeaderMap, Vec<u8>) {
    runtime().block_on(async {
        let url = format!("{}/v1/jobs/{id}/artifacts/film.mp4{query}", server.origin);
        let request = client().request(method, url).bearer_auth(&server.token);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let answer = request.send().await.unwrap();
        (answer.status(), answer.headers().clone(), answer.bytes().await.unwrap().to_vec())
    })
}

#[test]
fn a_film_is_answered_as_players_and_browsers_ask() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), &[]);
    let id = server.render(SHORT);
    server.ends(&id, "completed");
    let (status, headers, whole) = film(&server, Method::GET, "", &[], &id);
    assert_eq!(
        (status, &headers[CONTENT_TYPE], &headers[ACCEPT_RANGES]),
        (StatusCode::OK, &"video/mp4".parse().unwrap(), &"bytes".parse().unwrap())
    );
    assert!(!headers.contains_key(CONTENT_DISPOSITION));
    let tag = headers[ETAG].to_str().unwrap();
    let listed = server.must(Method::GET, &format!("jobs/{id}/artifacts"), None);
    let file = listed["artifacts"].as_array().unwrap().iter().find(|file| file["name"] == "film.mp4").unwrap();
    assert_eq!((&file["size"], format!("{:?}", file["sha256"].as_str().unwrap())), (&json!(whole.len()), tag.to_string()));

    let (status, headers, nothing) = film(&server, Method::HEAD, "", &[], &id);
    assert_eq!((status, headers[CONTENT_LENGTH].to_str().unwrap(), nothing.len()), (StatusCode::OK, whole.len().to_string().as_str(), 0));
    assert_eq!(film(&server, Method::GET, "", &[("if-none-match", tag)], &id).0, StatusCode::NOT_MODIFIED);
    let (status, _, tail) = film(&server, Method::GET, "", &[("range", "bytes=-7"), ("if-range", tag)], &id);
    assert_eq!((status, &tail[..]), (StatusCode::PARTIAL_CONTENT, &whole[whole.len() - 7..]));
    let (status, _, all) = film(&server, Method::GET, "", &[("range", "bytes=-7"), ("if-range", "\"other\"")], &id);
    assert!(status == StatusCode::OK && all == whole);
    let (status, headers, problem) = film(&server, Method::GET, "", &[("range", "bytes=99999999-")], &id);
    assert_eq!(
        (status, headers[CONTENT_RANGE].to_str().unwrap()),
        (StatusCode::RANGE_NOT_SATISFIABLE, format!("bytes */{}", whole.len()).as_str())
    );
    assert_eq!(serde_json::from_slice::<Value>(&problem).unwrap()["code"], "no_such_range");
    let (_, headers, _) = film(&server, Method::GET, "?download=true", &[], &id);
    assert!(headers[CONTENT_DISPOSITION].to_str().unwrap().starts_with("attachment; filename=\"film.mp4\""));
    let (status, problem) = server.ask(Method::GET, &format!("jobs/{id}/artifacts/other.mp4"), None);
    assert_eq!((status, &problem["code"]), (StatusCode::NOT_FOUND, &json!("no_such_file")));
}

#[test]
fn films_go_when_their_time_is_over() {
    let home = tempfile::tempdir().unwrap();
    let mut command = lectern(home.path());
    for name in ["VIDEOS", "TEMPORARY", "SWEEP"] {
        command.env(format!("LECTERN_RETENTION_{name}"), "1s");
    }
    let server = Server::of(home.path(), command.arg("serve"));
    let id = server.render(SHORT);
    server.ends(&id, "completed");
    let gone = [StatusCode::GONE, StatusCode::NOT_FOUND];
    until("it is gone", || film(&server, Method::GET, "", &[], &id).0, |status| gone.contains(status));
    until("nothing is left", || server.data.join("artifacts/job").join(&id).exists(), |is_there| !is_there);
    assert_eq!(server.job(&id)["state"], "completed");
    assert_eq!(server.must(Method::GET, &format!("jobs/{id}/artifacts"), None)["artifacts"], json!([]));
}

#[test]
fn decks_are_known_by_their_content() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::of(home.path(), lectern(home.path()).env("LECTERN_HTTP_UPLOAD", "1MiB").arg("serve"));
    let answer = |request: RequestBuilder| {
        runtime().block_on(async {
            let answer = request.bearer_auth(&server.token).send().await.unwrap();
            (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
        })
    };
    let url = format!("{}/v1/decks", server.origin);
    let send = |name: &str, content: Vec<u8>| answer(client().post(format!("{url}?name={name}")).body(content));
    let padded = |head: &[u8]| [head, &[0; 60]].concat();
    for (name, content) in [
        ("lesson.yaml", SHORT.into()),
        ("notes.md", b"# Title".to_vec()),
        ("notes.txt", b"\xff\xfeH\0i\0".to_vec()),
        ("talk.pdf", b"%PDF-1.7\n".to_vec()),
        ("intro.mkv", padded(b"\x1a\x45\xdf\xa3\x9fB\x86\x81\x01B\x82\x88matroska")),
        ("large.txt", vec![b'a'; 1 << 20]),
    ] {
        let (status, deck) = send(name, content.clone());
        let hash = blake3::hash(&content).to_hex();
        assert_eq!(
            (status, &deck["name"], &deck["size"], &deck["blake3"]),
            (201, &json!(name), &json!(content.len()), &json!(hash.as_str()))
        );
    }
    for (content, status, code) in [
        (vec![b'a'; (1 << 20) + 1], 413, "file_too_large"),
        (padded(b"\x89PNG\r\n\x1a\n"), 415, "wrong_kind"),
        (padded(b"MZ"), 415, "wrong_kind"),
        (padded(b"PK\x03\x04"), 415, "wrong_kind"),
        (Vec::new(), 400, "file_empty"),
    ] {
        let (seen, problem) = send("talk.pptx", content);
        assert_eq!((seen, &problem["code"]), (status, &json!(code)), "{problem}");
        assert!(!problem["cure"].as_str().unwrap().is_empty(), "{problem}");
    }
    let form = |part: &str| {
        let body = format!("--x\r\ncontent-disposition: form-data; name=\"note\"\r\n\r\na\r\n--x\r\n{part}\r\n--x--\r\n");
        answer(client().post(&url).header(CONTENT_TYPE, "multipart/form-data; boundary=x").body(body))
    };
    let (status, deck) = form("content-disposition: form-data; name=\"file\"; filename=\"../a.md\"\r\n\r\n# Title");
    assert_eq!((status, &deck["name"], &deck["size"]), (201, &json!("a.md"), &json!(7)));
    assert_eq!(form("content-disposition: form-data; name=\"file\"\r\n\r\n# Title").0, 400);
    let listed = server.must(Method::GET, "decks", None);
    assert_eq!((listed["decks"].as_array().unwrap().len(), &listed["total"], &listed["next_offset"]), (7, &json!(7), &Value::Null));
    let part = server.must(Method::GET, "decks?limit=3&offset=2", None);
    assert_eq!((part["decks"].as_array().unwrap(), &part["next_offset"]), (&listed["decks"].as_array().unwrap()[2..5].to_vec(), &json!(5)));
    assert_eq!(fs::read_dir(server.data.join("decks")).unwrap().count(), 7);
    assert_eq!(fs::read_dir(server.data.join("uploads")).unwrap().count(), 0);
}

#[test]
fn below_the_floor_nothing_is_taken_and_what_is_there_can_be_had() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), &[]);
    let deck = server.deck("lesson.yaml", SHORT.as_bytes());
    let held = server.submit(json!({ "deck": deck, "hold": true }));
    server.stop();
    // More than any disk has.
    let server = Server::of(home.path(), lectern(home.path()).env("LECTERN_STORE_FLOOR", "1000000TB").arg("serve"));
    let refused = |path: &str, kind: &str, body: &str| {
        let (status, text, _) = ask_raw(Method::POST, &format!("{}{path}", server.origin), &server.token, kind, body.into());
        assert_eq!(status, StatusCode::INSUFFICIENT_STORAGE, "{path}: {text}");
        assert!(text.contains("no room") && !text.contains(home.path().to_str().unwrap()), "{path}: {text}");
        text
    };
    let job = json!({ "deck": deck }).to_string();
    for (path, body) in [("/v1/decks?name=a.md", "# Title"), ("/v1/jobs", &job)] {
        let problem: Value = serde_json::from_str(&refused(path, "application/json", body)).unwrap();
        assert_eq!((&problem["code"], &problem["cure"]), (&json!("no_room"), &json!("remove something there")), "{problem}");
    }
    let form = "--x\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.pdf\"\r\n\r\n%PDF-1.7\n\r\n--x--\r\n";
    for path in ["/api/upload", "/api/pipeline/generate", "/training/video-only"] {
        refused(path, "multipart/form-data; boundary=x", form);
    }
    refused("/process_lesson", "application/json", r#"{"lesson_id": "first"}"#);
    assert_eq!(server.must(Method::GET, &format!("decks/{deck}"), None)["id"], json!(deck));
    assert_eq!(server.job(&held)["state"], "pending");
    // Nor is anything heavy begun of what was taken before.
    server.must(Method::POST, &format!("jobs/{held}/start"), None);
    let log = || server.ask(Method::GET, &format!("jobs/{held}/log"), None).1.to_string();
    until("there is no room for a film", log, |log| log.contains("render 1: failed (RESOURCE no_room)"));
    server.must(Method::POST, &format!("jobs/{held}/cancel"), None);
    assert_eq!(fs::read_dir(server.data.join("work")).unwrap().count(), 1, "nothing is left of what was refused");
}
