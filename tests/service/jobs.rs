//! A deck becomes a film by HTTP.

use super::server::{SHORT, Server, client, is_consistent, small};
use crate::live::stage::{ask, runtime, token};
use crate::support::{decodes_cleanly, lectern, probe, root, succeed};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

#[test]
fn a_deck_becomes_a_film_and_all_of_it_can_be_had() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), &[]);
    let deck = server.deck("lesson.yaml", SHORT.as_bytes());
    let request = json!({ "deck": deck, "title": "My talk", "transcript": true, "looks": small() });
    let id = server.submit(request.clone());
    let job = server.ends(&id, "completed");
    assert_eq!((&job["title"], &job["percent"], &job["spec"]), (&json!("My talk"), &json!(100.0), &request));
    let stages: Vec<&str> = job["stages"].as_array().unwrap().iter().map(|stage| stage["name"].as_str().unwrap()).collect();
    assert_eq!(stages, ["import", "render", "transcript", "publish"]);
    assert_eq!(job["stages"][0]["result"]["slides"], 2);
    let listed = server.must(Method::GET, &format!("jobs/{id}/artifacts"), None);
    let names: Vec<&str> = listed["artifacts"].as_array().unwrap().iter().map(|file| file["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["film.jpg", "film.mp4", "film.srt", "film.vtt", "transcript.md"]);
    let film = home.path().join("film.mp4");
    std::fs::write(&film, server.artifact(&id, "film.mp4")).unwrap();
    decodes_cleanly(&film);
    assert_eq!(probe(&film, &["-show_entries", "stream=width,height"])["streams"][0]["width"], 160);
    assert!(server.artifact(&id, "film.jpg").starts_with(&[0xff, 0xd8]));
    assert!(String::from_utf8(server.artifact(&id, "transcript.md")).unwrap().starts_with("# Short\n"));
    // A part of it, as players ask for it.
    runtime().block_on(async {
        let url = format!("{}/v1/jobs/{id}/artifacts/film.mp4", server.origin);
        let part = client().get(&url).bearer_auth(&server.token).header("range", "bytes=4-7").send().await.unwrap();
        assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
        let size = std::fs::metadata(&film).unwrap().len();
        assert_eq!(part.headers()["content-range"], format!("bytes 4-7/{size}"));
        assert_eq!(part.bytes().await.unwrap(), "ftyp");
        let outside = client().get(&url).bearer_auth(&server.token).header("range", "bytes=99999999-").send().await.unwrap();
        assert_eq!(outside.status(), StatusCode::RANGE_NOT_SATISFIABLE);
    });
    server.must(Method::DELETE, &format!("jobs/{id}"), None);
    assert_eq!(server.ask(Method::GET, &format!("jobs/{id}"), None).0, StatusCode::NOT_FOUND);
    assert!(!server.data.join("work").join(&id).exists() && !server.data.join("artifacts/job").join(&id).exists());
    server.stop();
    is_consistent(home.path());
}

#[test]
fn a_script_and_several_decks_become_films_too() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), &[]);
    let script = server.submit(json!({ "script": "Good morning.\n\nGoodbye.", "title": "Hello", "looks": small() }));
    let decks: Vec<String> = (0..2).map(|_| server.deck("lesson.yaml", SHORT.as_bytes())).collect();
    let joined = server.submit(json!({ "parts": decks, "looks": small() }));
    let wishes = json!({ "deck": decks[0], "wishes": { "instructions": "Keep it short." }, "looks": small() });
    let wished = server.submit(wishes);
    for (id, seconds) in [(&script, 2.0..20.0), (&joined, 3.5..6.0), (&wished, 1.5..20.0)] {
        server.ends(id, "completed");
        let film = home.path().join(format!("{id}.mp4"));
        std::fs::write(&film, server.artifact(id, "film.mp4")).unwrap();
        let length: f64 = probe(&film, &["-show_entries", "format=duration"])["format"]["duration"].as_str().unwrap().parse().unwrap();
        assert!(seconds.contains(&length), "{length}");
    }
}

#[test]
fn twenty_short_jobs_ten_at_once_all_succeed() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), &["--slots", "4"]);
    let deck = server.deck("lesson.yaml", SHORT.as_bytes());
    std::thread::scope(|scope| {
        for _ in 0..10 {
            scope.spawn(|| {
                for _ in 0..2 {
                    let id = server.submit(json!({ "deck": deck, "looks": small() }));
                    server.ends(&id, "completed");
                }
            });
        }
    });
    let page = server.must(Method::GET, "jobs?state=completed&limit=5&offset=15&sort=title", None);
    assert_eq!((&page["total"], &page["next_offset"], page["jobs"].as_array().unwrap().len()), (&json!(20), &Value::Null, 5));
    server.stop();
    is_consistent(home.path());
}

#[test]
fn the_same_key_is_the_same_job() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), &[]);
    let deck = server.deck("lesson.yaml", SHORT.as_bytes());
    let send = |key: &str, title: &str| {
        runtime().block_on(async {
            let request = client().post(format!("{}/v1/jobs", server.origin)).bearer_auth(&server.token).header("idempotency-key", key);
            let body = json!({ "deck": deck, "title": title, "hold": true, "looks": small() });
            let answer = request.json(&body).send().await.unwrap();
            (answer.status(), answer.json::<Value>().await.unwrap())
        })
    };
    let (status, first) = send("k1", "a");
    assert_eq!(status, StatusCode::ACCEPTED);
    let (status, second) = send("k1", "a");
    assert_eq!((status, &second["id"]), (StatusCode::OK, &first["id"]));
    let (status, problem) = send("k1", "b");
    assert_eq!((status, &problem["code"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("key_reused")));
    assert_ne!(send("k2", "a").1["id"], first["id"]);
    assert_eq!(std::fs::read_dir(server.data.join("work")).unwrap().count(), 2, "what came again left nothing");
    // It was held.
    let id = first["id"].as_str().unwrap();
    assert_eq!(server.job(id)["state"], "pending");
    server.must(Method::POST, &format!("jobs/{id}/start"), None);
    server.ends(id, "completed");
}

#[test]
fn who_knows_a_job_already_is_told_so_and_who_waits_is_told_its_end() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), &[]);
    let deck = server.deck("lesson.yaml", SHORT.as_bytes());
    let id = server.submit(json!({ "deck": deck, "hold": true, "looks": small() }));
    let show = |name: &'static str, value: &str| {
        runtime().block_on(async {
            let request = client().get(format!("{}/v1/jobs/{id}", server.origin)).bearer_auth(&server.token).header(name, value);
            let answer = request.send().await.unwrap();
            let tag = answer.headers()["etag"].to_str().unwrap().to_string();
            (answer.status(), tag, answer.text().await.unwrap())
        })
    };
    let state = |text: &str| serde_json::from_str::<Value>(text).unwrap()["state"].as_str().unwrap().to_string();
    let (status, tag, text) = show("accept", "*/*");
    assert_eq!((status, state(&text).as_str()), (StatusCode::OK, "pending"));
    let known = format!("\"other\", {tag}");
    assert_eq!(show("if-none-match", &known), (StatusCode::NOT_MODIFIED, tag.clone(), String::new()));
    let (status, _, text) = show("prefer", "wait=0");
    assert_eq!((status, state(&text).as_str()), (StatusCode::OK, "pending"), "it is not waited for longer than that");
    server.must(Method::POST, &format!("jobs/{id}/start"), None);
    let (status, last, text) = show("prefer", "respond-async, wait=200");
    assert_eq!((status, state(&text).as_str()), (StatusCode::OK, "completed"));
    assert_ne!(last, tag);
    assert_eq!(show("if-none-match", &known).0, StatusCode::OK, "it has changed since");
    assert_eq!(show("if-none-match", &last).0, StatusCode::NOT_MODIFIED);
}

#[test]
fn what_comes_again_with_its_key_creates_nothing_more() {
    let home = tempfile::tempdir().unwrap();
    let post = |server: &Server, path: &str, token: &str, key: &str, kind: &str, body: &str| {
        runtime().block_on(async {
            let request = client().post(format!("{}/v1/{path}", server.origin)).bearer_auth(token).header("idempotency-key", key);
            let answer = request.header("content-type", kind).body(body.to_string()).send().await.unwrap();
            (answer.status().as_u16(), answer.headers().get("location").cloned(), answer.json::<Value>().await.unwrap())
        })
    };
    let (json, text) = ("application/json", "application/octet-stream");
    let requests = [
        ("webhooks", json, r#"{"url": "https://hooks.example/a", "all": false}"#, r#"{"url": "https://hooks.example/b"}"#),
        ("tokens", json, r#"{"role": "viewer", "room": "r"}"#, r#"{"role": "viewer", "room": "q"}"#),
        ("backups", json, r#"{"name": "monday.db"}"#, r#"{"name": "tuesday.db"}"#),
        ("decks?name=a.yaml", text, SHORT, "# Another"),
    ];
    let server = Server::start(home.path(), &[]);
    let ask = |server: &Server, of: usize, body: &str| post(server, requests[of].0, &server.token, "k1", requests[of].1, body);
    let first: Vec<_> = (0..requests.len()).map(|of| ask(&server, of, requests[of].2)).collect();
    for (of, answer) in first.iter().enumerate() {
        assert_eq!(answer.0, 201, "{answer:?}");
        assert_eq!(&ask(&server, of, requests[of].2), answer);
        let (status, _, problem) = ask(&server, of, requests[of].3);
        assert_eq!((status, &problem["code"]), (422, &json!("key_reused")), "{problem}");
    }
    // The same JSON and the same file, however they are written.
    let respaced = r#"{ "all": false,  "url": "https://hooks.example/a" }"#;
    assert_eq!(ask(&server, 0, respaced), first[0]);
    let form = format!("--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.yaml\"\r\n\r\n{SHORT}\r\n--b--\r\n");
    assert_eq!(post(&server, "decks", &server.token, "k1", "multipart/form-data; boundary=b", &form), first[3]);
    // Somebody else's key is another one, and so is that of who may do less.
    let other = server.must(Method::POST, "tokens", Some(json!({ "role": "author", "identity": "first" })));
    let (status, _, deck) = post(&server, "decks?name=a.yaml", other["token"].as_str().unwrap(), "k1", text, SHORT);
    assert_eq!(status, 201);
    assert_ne!(deck["id"], first[3].2["id"]);
    let origin = server.origin.clone();
    server.stop();
    // A server that begins anew knows its answers, and what was created by them is there once.
    let server = Server::start(home.path(), &[]);
    assert_ne!(server.origin, origin);
    assert_eq!(post(&server, requests[3].0, &server.token, "k1", text, SHORT), first[3]);
    let count = |path: &str, name: &str| server.must(Method::GET, path, None)[name].as_array().unwrap().len();
    assert_eq!((count("webhooks", "webhooks"), count("decks", "decks")), (1, 2));
}

#[test]
fn jobs_are_their_owners_and_nobody_elses() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), &[]);
    let of = |role: &str, who: &str, more: &[&str]| {
        let made = token(home.path(), &[&["--role", role, "--identity", who], more].concat());
        made["token"].as_str().unwrap().to_string()
    };
    let (ann, bob, viewer) = (of("author", "ann", &[]), of("author", "bob", &[]), of("viewer", "vic", &[]));
    let in_room = of("author", "ann", &["--room", "demo"]);
    let url = |path: &str| format!("{}/v1/{path}", server.origin);
    let job = json!({ "script": "Hello.", "hold": true });
    for refused in [&viewer, &in_room] {
        assert_eq!(ask(Method::POST, &url("jobs"), refused, Some(job.clone())).0, StatusCode::FORBIDDEN);
    }
    assert_eq!(ask(Method::POST, &url("jobs"), "", Some(job.clone())).0, StatusCode::UNAUTHORIZED);
    let (status, made) = ask(Method::POST, &url("jobs"), &ann, Some(job));
    assert_eq!(status, StatusCode::ACCEPTED);
    let path = format!("jobs/{}", made["id"].as_str().unwrap());
    assert_eq!(ask(Method::GET, &url(&path), &ann, None).0, StatusCode::OK);
    assert_eq!(ask(Method::GET, &url(&path), &bob, None).0, StatusCode::NOT_FOUND);
    assert_eq!(ask(Method::POST, &url(&format!("{path}/cancel")), &bob, None).0, StatusCode::NOT_FOUND);
    assert_eq!(ask(Method::GET, &url("jobs?owner=ann"), &bob, None).1["total"], 0);
    assert_eq!(server.must(Method::GET, "jobs?owner=ann", None)["total"], 1);
    let deck = server.deck("lesson.yaml", SHORT.as_bytes());
    assert_eq!(ask(Method::POST, &url("jobs"), &bob, Some(json!({ "deck": deck }))).0, StatusCode::NOT_FOUND);
}

#[test]
fn requests_that_make_no_sense_are_refused_with_a_cure() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), &[]);
    let refused = |path: &str, body: Value, status: u16, code: &str| {
        let (seen, problem) = server.ask(Method::POST, path, Some(body));
        assert_eq!((seen.as_u16(), &problem["code"]), (status, &json!(code)), "{path}: {problem}");
        assert!(!problem["cure"].as_str().unwrap().is_empty(), "{problem}");
        assert!(!problem.to_string().contains(&*home.path().to_string_lossy()), "{problem}");
    };
    refused("jobs", json!({}), 400, "bad_request");
    refused("jobs", json!({ "deck": "x", "script": "y" }), 400, "bad_request");
    refused("jobs", json!({ "deck": "00000000-0000-4000-8000-000000000000" }), 404, "no_such_deck");
    refused("jobs", json!({ "script": "Hello.", "looks": { "voice": "../x" } }), 422, "invalid");
    refused("jobs", json!({ "script": "Hello.", "looks": { "wings": 2 } }), 400, "bad_request");
    refused("jobs", json!({ "script": "Hello.", "looks": { "size": "161x90" } }), 422, "invalid");
    refused("jobs", json!({ "url": "https://example.com/deck" }), 422, "invalid");
    refused("backups", json!({ "name": "../x" }), 400, "bad_request");
    let (status, _) = server.ask(Method::GET, "jobs?state=odd", None);
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(std::fs::read_dir(server.data.join("work")).unwrap().count(), 0, "nothing is left of them");
}

#[test]
fn the_command_line_speaks_with_the_server() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), &[]);
    let id = server.submit(json!({ "script": "Hello.", "hold": true, "title": "Held" }));
    let jobs = |arguments: &[&str]| {
        let output = succeed(lectern(home.path()).args(["jobs", "--server", &server.origin]).args(arguments));
        String::from_utf8(output.stdout).unwrap()
    };
    let listed = jobs(&["list", "--state", "pending", "--search", "held"]);
    assert!(listed.contains(&id) && listed.contains("Held"), "{listed}");
    assert!(jobs(&["show", &id]).contains("render"));
    assert!(jobs(&["cancel", &id]).contains("cancelled"));
    assert!(jobs(&["retry", &id, "--stage", "script"]).contains("pending"));
    let shown: Value = serde_json::from_str(&jobs(&["show", &id, "--json"])).unwrap();
    assert_eq!(shown["id"], json!(id));
    jobs(&["backup", "monday.db"]);
    let output = succeed(lectern(home.path()).args(["jobs", "check"]).arg(server.data.join("backups/monday.db")));
    assert!(String::from_utf8_lossy(&output.stdout).contains("consistent"));
    let gone =
        lectern(home.path()).args(["jobs", "show", "00000000-0000-4000-8000-000000000000", "--server", &server.origin]).output().unwrap();
    assert!(String::from_utf8_lossy(&gone.stderr).contains("no such job") && gone.status.code() == Some(1));
}

#[test]
fn a_real_deck_with_speech_becomes_a_film() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), &[]);
    let deck = server.deck("hello.pptx", &std::fs::read(root().join("tests/decks/hello.pptx")).unwrap());
    let id = server.submit(json!({ "deck": deck, "looks": small() }));
    server.ends(&id, "completed");
    let heard = String::from_utf8(server.artifact(&id, "film.vtt")).unwrap();
    assert!(heard.starts_with("WEBVTT") && heard.contains(" --> "), "{heard}");
}
