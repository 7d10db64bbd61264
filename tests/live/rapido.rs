//! The room service of the "Rapido" system, as its clients use it.

use super::livekit_server::{KEY, SECRET, Server, epoch_ms, kinds, said_by_the_lecture, with_key};
use super::stage::{Live, ask, ask_raw, peer, report, runtime, token, until};
use crate::contracts::rooms::must_be;
use crate::support::{deck, lectern, succeed};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// `lectern live` with a folder of lessons and whatever else is needed. Small pictures, and nothing of the environment.
fn command(home: &Path, more: &[&str]) -> Command {
    let lessons = home.join("lessons");
    fs::create_dir_all(&lessons).expect("a writable folder");
    fs::copy(deck("hello.pptx"), lessons.join("lesson_7.pptx")).expect("a deck");
    let mut command = lectern(home);
    for name in ["LIVEKIT_URL", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET", "JWT_SECRET"] {
        command.env_remove(name);
    }
    command.arg("live").arg(deck("hello.pptx")).args(["--listen", "127.0.0.1:0", "--set", "size=426x240"]);
    command.arg("--lessons").arg(&lessons).args(more);
    command
}

/// What a player asks a token with.
fn join(lesson: &str, user: &str, session: &str) -> Value {
    json!({
        "lessonId": lesson, "videoJobId": "job_1", "documentId": "doc_1", "userId": user, "sessionId": session, "organizationId": "org_1",
        "authToken": "given-by-the-platform", "captureUrl": "https://player.example/capture",
    })
}

/// The faults of a 422 as `type place.name`.
fn faults(answer: &(StatusCode, Value)) -> Vec<String> {
    assert_eq!(answer.0, StatusCode::UNPROCESSABLE_ENTITY, "{}", answer.1);
    let all = answer.1["detail"].as_array().expect("a list");
    let fault = |fault: &Value| {
        let place: Vec<_> = fault["loc"].as_array().expect("a place").iter().filter_map(Value::as_str).collect();
        assert!(fault["msg"].is_string(), "{fault}");
        format!("{} {}", fault["type"].as_str().expect("a type"), place.join("."))
    };
    all.iter().map(fault).collect()
}

/// The claims of a LiveKit token.
fn claims(token: &Value) -> Value {
    let mut rules = Validation::new(Algorithm::HS256);
    rules.validate_nbf = true;
    let token = token.as_str().expect("a token");
    decode::<Value>(token, &DecodingKey::from_secret(SECRET.as_bytes()), &rules).expect("a valid token").claims
}

/// Asks until the answer is as wanted.
fn asked(url: &str, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
    let look = || {
        let (status, answer) = ask(Method::GET, url, "", None);
        assert_eq!(status, StatusCode::OK, "{answer}");
        answer
    };
    until(what, look, is_it)
}

/// The same until a session has one of these statuses.
fn until_any(url: &str, statuses: &[&str]) -> Value {
    asked(url, &statuses.join(" or "), |session| session["status"].as_str().is_some_and(|status| statuses.contains(&status)))
}

/// A request as a page of that origin would send it; the status, and the origin that is allowed.
fn from_page(url: &str, origin: &str, method: Method) -> (StatusCode, Option<String>) {
    runtime().block_on(async {
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let request = client.request(method, url).header("origin", origin).header("access-control-request-method", "POST");
        let answer = request.send().await.expect("an answer");
        let allowed = answer.headers().get("access-control-allow-origin").map(|allowed| allowed.to_str().expect("text").to_string());
        (answer.status(), allowed)
    })
}

#[test]
fn requests_that_cannot_work_are_refused_as_the_original_does() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let live = Live::of(&mut command(home.path(), &["--wait", "--room", "own", "--allow-origin", "https://player.example"]));
    let api = format!("{}/api/v1", live.origin());
    let tokens = format!("{api}/livekit/token");
    let post = |body| ask(Method::POST, &tokens, "", body);
    let missing = post(Some(json!({ "lessonId": "lesson_7", "userId": "anna", "sessionId": "s" })));
    let due: Vec<_> =
        ["videoJobId", "documentId", "organizationId", "authToken", "captureUrl"].map(|name| format!("missing body.{name}")).into();
    assert_eq!(faults(&missing), due);
    let mut wrong = join("lesson_7", "anna", "s");
    wrong["lessonId"] = json!([1]);
    assert_eq!(faults(&post(Some(wrong))), ["string_type body.lessonId"]);
    for name in ["not allowed", "../lesson_7", "", &"a".repeat(65)] {
        assert_eq!(faults(&post(Some(join(name, "anna", "s")))), ["string_pattern_mismatch body.lessonId"]);
    }
    assert_eq!(faults(&post(None)), ["missing body"]);
    let (status, answer, _) = ask_raw(Method::POST, &tokens, "", "application/json", "{oops".into());
    assert_eq!(faults(&(status, serde_json::from_str(&answer).expect("JSON"))), ["json_invalid body"]);
    let present = format!("{api}/presentations/start?room=room_1&identity=anna");
    assert_eq!(faults(&ask(Method::POST, &present, "", None)), ["missing query.narration_text"]);
    let (status, answer) = ask(Method::GET, &format!("{api}/sessions/nobody/status"), "", None);
    assert!(status == StatusCode::NOT_FOUND && answer["detail"].is_string(), "{answer}");
    // There is no LiveKit server, and it says so.
    for (url, body) in [(tokens.clone(), Some(join("lesson_7", "anna", "s"))), (format!("{present}&narration_text=Hello."), None)] {
        let (status, answer) = ask(Method::POST, &url, "", body);
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{answer}");
        assert!(answer["detail"].as_str().is_some_and(|detail| detail.contains("LIVEKIT_URL")), "{answer}");
    }
    assert_eq!(ask(Method::GET, &format!("{api}/rooms/status"), "", None).1, json!({ "active_rooms": {}, "total_rooms": 0 }));
    // Pages of other sites start nothing here, but those that may.
    for (origin, method) in
        [("https://player.example", Method::OPTIONS), ("https://player.example", Method::POST), (&live.origin(), Method::POST)]
    {
        let (status, allowed) = from_page(&tokens, origin, method);
        assert!(status != StatusCode::FORBIDDEN && allowed.as_deref() == Some(origin), "{origin} {status} {allowed:?}");
    }
    for (url, method) in [(tokens.clone(), Method::OPTIONS), (tokens.clone(), Method::POST), (format!("{api}/rooms/status"), Method::GET)] {
        assert_eq!(from_page(&url, "https://other.example", method), (StatusCode::FORBIDDEN, None));
    }
    live.stop();
}

#[test]
fn with_tokens_only_those_who_may_command_the_room_come_in() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let secret = "a secret of the other system, long enough";
    let live = Live::of(command(home.path(), &["--rapido", "token", "--wait", "--room", "own"]).env("JWT_SECRET", secret));
    let url = format!("{}/api/v1/livekit/token", live.origin());
    let ask_with = |token: &str, lesson: &str| {
        let (status, answer) = ask(Method::POST, &url, token, Some(join(lesson, "anna", "s")));
        assert!(answer["detail"].is_string(), "{answer}");
        status
    };
    let own = |role: &str| token(home.path(), &["--role", role])["token"].as_str().expect("a token").to_string();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a time").as_secs();
    let theirs = |key: &str, issuer: &str, expires: u64| {
        let claims = json!({ "lesson_id": "lesson_7", "user_id": "anna", "iat": now, "exp": expires, "iss": issuer });
        encode(&Header::new(Algorithm::HS256), &claims, &EncodingKey::from_secret(key.as_bytes())).expect("a token")
    };
    let good = theirs(secret, "rapido-system", now + 60);
    // No LiveKit server is configured: who may come in hears of that.
    assert_eq!(ask_with(&own("author"), "lesson_7"), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(ask_with(&good, "lesson_7"), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(ask_with(&good, "lesson_8"), StatusCode::FORBIDDEN);
    assert_eq!(ask_with(&live.said("token"), "own"), StatusCode::FORBIDDEN, "a viewer starts nothing");
    let other = "another secret that is long enough, too";
    let bad = [theirs(secret, "somebody", now + 60), theirs(other, "rapido-system", now + 60), theirs(secret, "rapido-system", now - 60)];
    for token in bad.iter().map(String::as_str).chain(["", "no token"]) {
        assert_eq!(ask_with(token, "lesson_7"), StatusCode::UNAUTHORIZED, "{token}");
    }
    let list = format!("{}/v1/live", live.origin());
    assert_eq!(ask(Method::GET, &list, &good, None).0, StatusCode::UNAUTHORIZED, "it holds on these paths only");
    live.stop();
}

#[test]
fn viewers_of_a_room_get_tokens_and_see_its_one_avatar() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let server = Server::start(home.path());
    let mut command = command(home.path(), &["--livekit", &server.url(), "--room", "lesson_6", "--loop", "--wait"]);
    let mut live = Live::of(with_key(&mut command));
    let api = format!("{}/api/v1", live.origin());
    let rooms = || ask(Method::GET, &format!("{api}/rooms/status"), "", None).1;
    let (status, first) = ask(Method::POST, &format!("{api}/livekit/token"), "", Some(join("lesson_6", "anna1234567", "sess9876543")));
    assert_eq!((status, &first["room"], &first["serverUrl"]), (StatusCode::OK, &"lesson_6".into(), &server.url().into()), "{first}");
    let said = claims(&first["token"]);
    assert_eq!((&said["sub"], &said["iss"]), (&"user_anna1234_sess9876".into(), &KEY.into()), "{said}");
    assert_eq!((&said["video"]["room"], &said["video"]["canPublish"]), (&"lesson_6".into(), &false.into()), "{said}");
    assert_eq!(said["exp"].as_u64().zip(said["nbf"].as_u64()).map(|(exp, nbf)| exp - nbf), Some(3610));
    let room = rooms()["active_rooms"]["lesson_6"].clone();
    assert_eq!((&room["video_job_id"], &room["avatar_active"]), (&"job_1".into(), &true.into()), "{room}");
    let (_, second) = ask(Method::POST, &format!("{api}/livekit/token/"), "", Some(join("lesson_6", "bert", "sess0000001")));
    assert_eq!(claims(&second["token"])["sub"], "user_bert_sess0000");
    assert_eq!(rooms()["active_rooms"]["lesson_6"]["session_id"], room["session_id"], "still the same avatar");
    let url = format!("{api}/sessions/{}/status", room["session_id"].as_str().expect("an id"));
    let session = asked(&url, "on", |session| session["status"] == "streaming");
    assert_eq!((&session["room"], &session["identity"]), (&"lesson_6".into(), &Value::Null), "{session}");

    let file = home.path().join("livekit-token");
    fs::write(&file, second["token"].as_str().expect("a token")).expect("a writable folder");
    // The lecture waits, and begins by the word of a viewer.
    assert_eq!(live.session()["state"], "ready");
    let word = json!({ "id": "1", "message": "goLive", "timestamp": epoch_ms() });
    must_be("AvatarEventIn", &word);
    let mut viewer = peer("room-python");
    viewer.args(["--url", &server.url(), "--seconds", "1", "--send", &word.to_string()]).arg("--token-file").arg(&file);
    let seen = report(&mut viewer);
    assert_eq!(seen["participants"][0]["identity"], "lectern", "{seen:#}");
    assert!(seen["video"]["frames"].as_f64() > Some(5.0), "{seen:#}");
    live.until_state("live");

    // A viewer of a lesson that is not there waits in its room.
    let (status, early) = ask(Method::POST, &format!("{api}/livekit/token"), "", Some(join("lesson_8", "carl", "s")));
    assert_eq!((status, &early["room"]), (StatusCode::OK, &"lesson_8".into()), "{early}");
    asked(&format!("{api}/rooms/status"), "without an avatar", |rooms| rooms["active_rooms"]["lesson_8"]["avatar_active"] == false);
    assert_eq!(rooms()["total_rooms"], 2);
    live.stop();
}

#[test]
fn the_first_viewer_starts_a_lesson_and_a_text_is_presented() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let server = Server::start(home.path());
    let live = Live::of(with_key(&mut command(home.path(), &["--wait", "--room", "own"])).env("LIVEKIT_URL", server.url()));
    let api = format!("{}/api/v1", live.origin());
    let of_session = |id: &Value| format!("{api}/sessions/{}/status", id.as_str().expect("an id"));

    assert_eq!(ask(Method::POST, &format!("{api}/livekit/token"), "", Some(join("lesson_7", "anna", "s"))).0, StatusCode::OK);
    let (_, rooms) = ask(Method::GET, &format!("{api}/rooms/status"), "", None);
    let url = of_session(&rooms["active_rooms"]["lesson_7"]["session_id"]);
    let session = until_any(&url, &["streaming", "completed", "failed"]);
    assert_ne!(session["status"], "failed", "{session}");
    until_any(&url, &["completed"]);
    let (_, rooms) = ask(Method::GET, &format!("{api}/rooms/status"), "", None);
    assert_eq!(rooms["total_rooms"], 0, "a room whose lesson is over is not active: {rooms}");

    // Somebody is in the room already, and hears that it begins and that it is over.
    let file = home.path().join("livekit-token");
    let eve = ["token", "--livekit", "--room", "room_1", "--identity", "eve"];
    fs::write(&file, succeed(with_key(&mut lectern(home.path())).args(eve)).stdout).expect("a writable folder");
    let mut listener = peer("room");
    listener.args(["--url", &server.url(), "--until-data", "streamEnd"]).arg("--token-file").arg(&file);
    let listener = listener.stdout(Stdio::piped()).spawn().expect("the peer starts");
    server.until_in("room_1", "eve");
    let began = epoch_ms();
    let text = "Hello to all of you. These are some sentences that belong to no slide. They are said once. After that the room hears that this is all.";
    let query = format!("room=room_1&identity=anna&narration_text={}&avatar_name=default", text.replace(' ', "%20"));
    let start = format!("{api}/presentations/start?{query}");
    let (status, started) = ask(Method::POST, &start, "", None);
    assert_eq!((status, &started["status"]), (StatusCode::OK, &"starting".into()), "{started}");
    let id = started["session_id"].as_str().expect("an id");
    assert!(id.starts_with("room_1_anna_") && id.len() == "room_1_anna_".len() + 8, "{id}");
    assert_eq!(ask(Method::POST, &start, "", None).0, StatusCode::CONFLICT, "one avatar a room");
    let session = until_any(&of_session(&started["session_id"]), &["streaming", "completed"]);
    assert_eq!((&session["room"], &session["identity"]), (&"room_1".into(), &"anna".into()), "{session}");
    until_any(&of_session(&started["session_id"]), &["completed"]);
    let told = listener.wait_with_output().expect("its report");
    let told: Value = serde_json::from_slice(&told.stdout).expect("JSON");
    assert_eq!(kinds(&said_by_the_lecture(&told, began)), ["streamStarting", "streamEnd"], "{told:#}");
    let texts = home.path().join("state/lectern/texts");
    let left = || fs::read_dir(&texts).map_or(0, Iterator::count);
    until("empty, the folder of its slide", left, |left| *left == 0);
    live.stop();
}
