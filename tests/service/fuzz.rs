//! The HTTP API under fire: requests that fit its description and many that do not, forms, tokens and files that are broken or mean harm.
//!
//! `make test` tries some thousand, the same ones every time. `LECTERN_FUZZ_MINUTES=10` goes on for that long, with new ones each time
//! (`scripts/soak http`).

use super::server::{Server, client, is_consistent};
use crate::bad::mutation::{changed, changes};
use crate::live::stage::{peer, runtime};
use crate::support::{deck, lectern, root, zip};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const SECRET: &str = "a secret of this test, 32 bytes long";
/// What schemathesis looks at in every answer of the native API; its own checks, then those of `tests/peers/fuzz/checks.py`.
const CHECKS: &str = "status_code_conformance,content_type_conformance,response_headers_conformance,response_schema_conformance,\
    negative_data_rejection,missing_required_header,unsupported_method,ignored_auth,nothing_breaks,nothing_private,errors_are_explained";
/// And of the adapters, whose answers have forms of their own.
const ADAPTER_CHECKS: &str = "nothing_breaks,nothing_private";

/// A server in which nothing heavy is ever done: it rests, as the machine is always too busy for its guard.
fn server(home: &Path) -> Server {
    let lessons = home.join("lessons");
    fs::create_dir_all(&lessons).unwrap();
    let mut command = lectern(home);
    command.args(["serve", "--lessons"]).arg(lessons).env("LECTERN_AUTH_SECRET", SECRET);
    for (name, value) in [("ENABLED", "true"), ("CPU", "0"), ("MEMORY", "0"), ("PAUSE", "1h")] {
        command.env(format!("LECTERN_GUARD_{name}"), value);
    }
    for rule in ["LESSON", "UPLOAD", "STATUS", "CANCEL", "REGISTER", "LOGIN", "PIPELINE"] {
        command.env(format!("LECTERN_LIMITS_{rule}"), "0");
    }
    command.stderr(File::create(home.join("errors")).unwrap());
    Server::of(home, &mut command)
}

/// Runs schemathesis against a description.
fn describe(server: &Server, home: &Path, (document, checks): (&str, &str), token: Option<&str>, there: &Value) {
    let minutes = std::env::var("LECTERN_FUZZ_MINUTES").ok().map(|text| text.parse::<f64>().expect("a number of minutes"));
    let mut command = peer("fuzz");
    command.args(["run", document, "--url", &server.origin, "--checks", checks, "--phases", "coverage,fuzzing"]);
    // Films are waited for.
    command.args(["--exclude-path", "/presentation/generate", "--exclude-path", "/v1/jobs/{id}/events"]);
    // A request that is no handshake is refused whatever its method is, and one that is has no answer that could be looked at: progress.rs
    // and the tests of live sessions speak with these.
    for socket in ["/v1/jobs/{id}/progress", "/v1/live/{room}/media", "/v1/live/{room}/events"] {
        command.args(["--exclude-path", socket]);
    }
    match minutes {
        None => command.args(["--max-examples", "3", "--seed", "1"]),
        Some(minutes) => command.args(["--max-examples", "100000", "--max-time", &format!("{}", (minutes * 20.0).max(1.0) as u64)]),
    };
    if let Some(token) = token {
        command.args(["-H", &format!("Authorization: Bearer {token}")]);
    }
    let private = json!([home, SECRET]);
    command.env("LECTERN_FUZZ_PRIVATE", private.to_string()).env("LECTERN_FUZZ_THERE", there.to_string()).current_dir(home);
    let output = command.output().expect("a peer");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    let line = said.lines().find(|line| line.contains("generated")).unwrap_or_default();
    eprintln!("{document}: {}", line.trim());
}

/// A request; its status and what was answered.
fn send(server: &Server, method: Method, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> (StatusCode, String) {
    runtime().block_on(async {
        let mut request = client().request(method, format!("{}{path}", server.origin)).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.send().await.unwrap_or_else(|error| panic!("{path}: no answer: {error}"));
        (answer.status(), answer.text().await.unwrap_or_else(|error| panic!("{path}: no whole answer: {error}")))
    })
}

#[test]
fn nothing_that_is_sent_breaks_the_server_or_tells_what_is_private() {
    let home = tempfile::tempdir().unwrap();
    let server = server(home.path());
    let openapi = format!("{}/v1/openapi.json", server.origin);
    let lesson = server.deck("lesson.yaml", super::server::SHORT.as_bytes());
    let job = server.submit(json!({ "deck": lesson, "hold": true }));
    let there = json!({
        "/v1/jobs/{id}": [job], "/v1/jobs/{id}/retry": [job], "/v1/jobs/{id}/artifacts": [job], "/v1/jobs/{id}/artifacts/{name}": [job],
        "/v1/decks/{id}": [lesson], "/training/status/{id}": [job], "/training/download/{id}": [job], "/api/tasks/{id}": [job],
        "/api/tasks/{id}/status": [job], "/api/tasks/{id}/progress": [job], "/api/pipeline/status/{id}": [job],
    });
    tokens(&server);
    forms(&server);
    files(&server);
    describe(&server, home.path(), (&openapi, CHECKS), Some(&server.token), &there);
    describe(&server, home.path(), (&openapi, CHECKS), None, &there);
    let adapters = root().join("tests/peers/fuzz/adapters.yaml");
    describe(&server, home.path(), (adapters.to_str().unwrap(), ADAPTER_CHECKS), Some(&server.token), &there);
    assert_eq!(server.ask(Method::GET, "jobs", None).0, StatusCode::OK, "it is still there");
    server.stop();
    let errors = fs::read_to_string(home.path().join("errors")).unwrap();
    assert!(!errors.contains("panicked"), "{errors}");
    is_consistent(home.path());
}

/// Tokens that are none, or somebody else's.
fn tokens(server: &Server) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let claims = json!({
        "iss": "lectern", "aud": "lectern", "sub": "eve", "jti": "1", "iat": now, "nbf": now, "exp": now + 600, "role": "operator",
    });
    let signed =
        |header: Header, claims: &Value, secret: &str| encode(&header, claims, &EncodingKey::from_secret(secret.as_bytes())).unwrap();
    let by = |kid: Option<&str>, algorithm| Header { kid: kid.map(String::from), ..Header::new(algorithm) };
    let own = || by(Some("lectern"), Algorithm::HS256);
    let with = |name: &str, value: Value| {
        let mut changed = claims.clone();
        changed[name] = value;
        signed(own(), &changed, SECRET)
    };
    let ask = |token: &str| send(server, Method::GET, "/v1/jobs", &[("authorization", &format!("Bearer {token}"))], Vec::new());
    assert_eq!(ask(&signed(own(), &claims, SECRET)).0, StatusCode::OK, "the right one is");
    let part = |value: Value| BASE64.encode(value.to_string());
    let unsigned =
        |algorithm: &str| format!("{}.{}.", part(json!({ "alg": algorithm, "typ": "JWT", "kid": "lectern" })), part(claims.clone()));
    let huge = "a".repeat(200 << 10);
    let mut bad = vec![
        String::new(),
        "..".into(),
        "a.b.c.d".into(),
        format!("{}.{}.{}", part(json!([])), part(json!(1)), part(json!(null))),
        ["none", "None", "NONE", "HS256", "RS256"].map(unsigned).join(" "),
        signed(own(), &claims, "somebody else's secret, 32 bytes long"),
        signed(by(Some("lectern"), Algorithm::HS512), &claims, SECRET),
        with("exp", json!(now - 600)),
        with("nbf", json!(now + 600)),
        with("sub", json!("x".repeat(20 << 10))) + "x",
    ];
    bad.extend(["none", "None", "NONE", "HS256", "RS256", "ES256"].map(unsigned));
    bad.extend(
        ["", "../../jwt-secret", "/dev/null", "' OR 1=1", &huge[..4096]]
            .map(|kid| signed(by(Some(kid), Algorithm::HS256), &claims, SECRET)),
    );
    for name in ["iss", "aud", "sub", "jti", "nbf", "exp", "role"] {
        bad.extend(
            [json!(null), json!(-1), json!(1e300), json!(["lectern", {}]), json!({ "a": 1 }), json!("nobody")]
                .map(|value| with(name, value)),
        );
    }
    for token in &bad {
        // Some wrong values are no reason to refuse: a subject may be called anything.
        let (status, text) = ask(token);
        let is_refused = status == StatusCode::UNAUTHORIZED && text.contains("token_");
        let is_name = [with("sub", json!("nobody")), with("jti", json!("nobody"))].contains(token);
        assert!(is_refused || is_name, "{token}: {status} {text}");
    }
    // What is larger than a header may be is refused before anybody looks at it, by whichever side sees it first.
    let sent = runtime().block_on(async { client().get(format!("{}/v1/jobs", server.origin)).bearer_auth(&huge).send().await });
    assert!(sent.is_err() || sent.is_ok_and(|answer| answer.status().is_client_error()));
}

/// Forms that are none.
fn forms(server: &Server) {
    let part = |headers: &str, body: &str| format!("--b\r\n{headers}\r\n\r\n{body}\r\n");
    let file = "Content-Disposition: form-data; name=\"file\"; filename=\"talk.md\"";
    let whole = format!("{}--b--\r\n", part(file, "# Hello"));
    let right = "multipart/form-data; boundary=b";
    let bad: Vec<(&str, String)> = vec![
        ("multipart/form-data", whole.clone()),
        ("multipart/form-data; boundary=", whole.clone()),
        ("multipart/form-data; boundary=c", whole.clone()),
        ("multipart/form-data; boundary=\"b", whole.clone()),
        (right, String::new()),
        (right, "--b".into()),
        (right, "--b--".into()),
        (right, whole[..whole.len() / 2].into()),
        (right, part(file, "# Hello")),
        (right, part("", "no headers") + "--b--\r\n"),
        (right, part("Content-Disposition: form-data", "no name") + "--b--\r\n"),
        (right, part("Content-Disposition: attachment; filename=\"\"", "no field") + "--b--\r\n"),
        (right, "--b\r\n".repeat(10_000)),
    ];
    // These are forms, if no good ones.
    let odd =
        ["talk.md\"\r\nX: ".to_string() + &"y".repeat(100 << 10), "\0\"".into(), "\u{202e}..\\..\"".into(), "x".repeat(70_000) + "\""];
    let odd = odd.map(|name| part(&format!("Content-Disposition: form-data; name=\"file\"; filename=\"{name}"), "# Hello") + "--b--\r\n");
    let token = format!("Bearer {}", server.token);
    for path in ["/v1/decks", "/api/upload", "/training/video-only", "/training/clone-voice", "/api/pipeline/generate"] {
        for (kind, body) in &bad {
            let (status, text) =
                send(server, Method::POST, path, &[("content-type", kind), ("authorization", &token)], body.clone().into_bytes());
            assert!(status.is_client_error(), "{path} {kind} {:?}: {status} {text}", body.chars().take(80).collect::<String>());
        }
        for body in &odd {
            let (status, text) =
                send(server, Method::POST, path, &[("content-type", right), ("authorization", &token)], body.clone().into_bytes());
            assert!(!status.is_server_error(), "{path} {:?}: {status} {text}", body.chars().take(80).collect::<String>());
        }
    }
}

/// Files that are damaged, and small ones that become large.
fn files(server: &Server) {
    let token = format!("Bearer {}", server.token);
    let read = |path: &Path| fs::read(path).unwrap();
    let corpus =
        [read(&root().join("tests/bad/corpus/lesson/all.yaml")), read(&root().join("graphs/lecture.yaml")), read(&deck("hello.pptx"))];
    let tokens: [&[u8]; 8] = [b"${out}", b"&a ", b"*a", b"!!map ", b"1e999", b"PK\x05\x06", b"\xff\xff\xff\xff", b"<!DOCTYPE"];
    let minutes = std::env::var("LECTERN_FUZZ_MINUTES").ok().map(|text| text.parse::<f64>().expect("a number of minutes"));
    let seed = minutes.map_or(0, |_| u64::from(std::process::id()));
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let mut runner = TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let (start, mut case) = (Instant::now(), 0);
    while case < 60 || minutes.is_some_and(|minutes| start.elapsed() < Duration::from_secs_f64(minutes * 12.0)) {
        let file = &corpus[case % corpus.len()];
        let damaged = changed(file, &changes().new_tree(&mut runner).unwrap().current(), &corpus, &tokens);
        for (path, due) in [("/v1/graphs/check", StatusCode::OK), ("/v1/decks?name=lesson.yaml", StatusCode::CREATED)] {
            let (status, text) = send(server, Method::POST, path, &[("authorization", &token)], damaged.clone());
            assert!(status == due || status.is_client_error(), "case {case} of seed {seed}: {path}: {status} {text}");
        }
        case += 1;
    }
    // Nothing, but much of it, and as many parts as there is room for.
    let parts = zip::parts(&corpus[2]);
    let zeros = vec![0; 128 << 20];
    let swollen = parts.iter().map(|(name, content)| (name.as_str(), if name.contains("slide1") { &zeros[..] } else { &content[..] }));
    let swollen = zip::packed(swollen);
    let names: Vec<String> = (0..60_000).map(|index| format!("ppt/{index}")).collect();
    let many = zip::zip(names.iter().map(|name| (name.as_str(), &b""[..])));
    for bomb in [swollen, many] {
        let start = Instant::now();
        let (status, text) = send(server, Method::POST, "/v1/decks?name=talk.pptx", &[("authorization", &token)], bomb);
        assert!(status == StatusCode::CREATED || status.is_client_error(), "{status} {text}");
        assert!(start.elapsed() < Duration::from_secs(20), "it took {:?}", start.elapsed());
        let Ok(Value::String(id)) = serde_json::from_str::<Value>(&text).map(|deck| deck["id"].clone()) else { continue };
        // What is kept as it was sent is refused by whoever reads it, in a process of its own, once.
        let job = server.submit(json!({ "deck": id }));
        let job = server.ends(&job, "failed");
        assert_eq!(job["error"]["class"], "PERMANENT", "{job}");
    }
}
