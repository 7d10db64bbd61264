//! The Rapido lesson service where everybody has to say who they are, and by its command line.

use super::server::Server;
use crate::live::stage::{ask, ask_raw, runtime};
use crate::support::lectern;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

/// A slide that says nothing.
const LESSON: &str =
    r#"{"slides": [{"slideInfo": {"position": 0, "slideType": 1, "narrationData": "", "narrationDuration": 500, "slideId": "one"}}]}"#;

/// Below a path of its own, with a secret of the other system's.
fn server(home: &Path) -> Server {
    fs::create_dir_all(home.join("files/data")).expect("a writable folder");
    fs::write(home.join("files/data/one.json"), LESSON).expect("a writable folder");
    fs::write(home.join("files/data/broken.json"), "{\"slides\": 7}").expect("a writable folder");
    let config = home.join("config.toml");
    let text = format!(
        "[adapters.rapido]\nauth = \"token\"\nbase_path = \"/old\"\nsecret = \"{}\"\n\n[adapters.video_message]\nauth = \"token\"\n\n[lessons]\nfiles = {:?}\n",
        "their secret, which is long enough to sign with",
        home.join("files")
    );
    fs::write(&config, text).expect("a writable folder");
    Server::of(home, lectern(home).env_remove("JWT_SECRET").arg("serve").arg("--config").arg(&config))
}

#[test]
fn a_lesson_is_its_authors_and_its_sessions() {
    let home = tempfile::tempdir().unwrap();
    let server = server(home.path());
    let author = |name: &str| {
        let minted = server.must(Method::POST, "tokens", Some(json!({ "role": "author", "identity": name })));
        minted["token"].as_str().unwrap().to_string()
    };
    let (ada, eve) = (author("ada"), author("eve"));
    let call =
        |method: Method, path: &str, token: &str, body: Option<Value>| ask(method, &format!("{}/old{path}", server.origin), token, body);
    let wish = |lesson: &str, file: &str| {
        Some(json!({
            "lesson_id": lesson, "slide_data_path": format!("data/{file}.json"), "enable_tts": false, "enable_synctalk": false,
            "enable_livekit": false,
        }))
    };

    assert_eq!(call(Method::POST, "/process_lesson", "", wish("first", "one")).0, StatusCode::UNAUTHORIZED);
    let (status, done) = call(Method::POST, "/process_lesson", &ada, wish("first", "one"));
    assert_eq!(
        (status, &done["success"], &done["slides_processed"], &done["audio_segments"]),
        (StatusCode::OK, &json!(true), &json!(1), &json!(0)),
        "{done}"
    );
    let session = done["session_id"].as_str().unwrap().to_string();
    let (status, broken) = call(Method::POST, "/process_lesson", &ada, wish("second", "broken"));
    assert_eq!((status, &broken["success"], &broken["error_type"]), (StatusCode::OK, &json!(false), &json!("ValidationError")), "{broken}");
    assert!(!broken["error"].as_str().unwrap().contains(home.path().to_str().unwrap()), "{broken}");

    // The job is as any other.
    let job = server.job(done["job_id"].as_str().unwrap());
    assert_eq!(
        (&job["kind"], &job["owner"], &job["title"], &job["state"]),
        (&json!("lesson"), &json!("ada"), &json!("first"), &json!("completed"))
    );

    assert_eq!(call(Method::GET, "/sessions/first", &ada, None).1["session_info"]["session_id"], session.as_str(), "the same each time");
    assert_eq!(call(Method::GET, "/sessions/first", &session, None).1["session_info"]["status"], "completed");
    assert_eq!(call(Method::GET, "/sessions/first", &eve, None).0, StatusCode::NOT_FOUND);
    let listed = |token: &str| call(Method::GET, "/sessions", token, None).1["total_sessions"].clone();
    assert_eq!([listed(&ada), listed(&eve), listed(&session), listed(&server.token)], [1, 0, 1, 1].map(Value::from));
    assert_eq!(call(Method::POST, "/process_lesson", &session, wish("another", "one")).0, StatusCode::FORBIDDEN);
    // A session's token opens nothing else.
    assert_eq!(ask(Method::GET, &format!("{}/v1/jobs", server.origin), &session, None).0, StatusCode::UNAUTHORIZED);

    assert_eq!([follow(&server, &ada), follow(&server, &session), follow(&server, "nonsense")], [101, 101, 401]);

    assert_eq!(call(Method::DELETE, "/sessions/first", &eve, None).0, StatusCode::NOT_FOUND);
    let (status, stopped) = call(Method::DELETE, "/sessions/first", &session, None);
    assert_eq!((status, &stopped["stopped"]), (StatusCode::OK, &json!(false)), "it was over");
    assert_eq!(call(Method::GET, "/sessions/first", &ada, None).0, StatusCode::NOT_FOUND);
    assert_eq!(server.ask(Method::GET, &format!("jobs/{}", done["job_id"].as_str().unwrap()), None).0, StatusCode::NOT_FOUND);

    // How it is may be asked by anybody, below the adapter's path and at the root; the figures not.
    for path in ["/", "/health", "/old", "/old/", "/old/health"] {
        let (status, answer) = ask(Method::GET, &format!("{}{path}", server.origin), "", None);
        assert_eq!((status, answer["service"].as_str()), (StatusCode::OK, Some("lectern")), "{path}");
    }
    let metrics = |token: &str| ask_raw(Method::GET, &format!("{}/metrics", server.origin), token, "", String::new());
    assert_eq!(metrics("").0, StatusCode::UNAUTHORIZED);
    assert!(metrics(&ada).1.contains("pipeline_success_rate 1"));
    server.stop();
}

#[test]
fn the_command_line_of_the_original_works_through_a_lesson_and_tells_the_status() {
    let home = tempfile::tempdir().unwrap();
    let lesson = r#"{"slides": [{"slideInfo": {"slideType": 1, "narrationData": "Rain falls.", "slideId": "one"}}]}"#;
    fs::write(home.path().join("one.json"), lesson).unwrap();
    let data = home.path().join("data");
    let run = |arguments: &[&str]| {
        let mut command = lectern(home.path());
        command.current_dir(home.path()).env_remove("JWT_SECRET").arg("serve").args(arguments).arg("--data").arg(&data);
        let output = command.output().expect("the program starts");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        (
            output.status.code(),
            serde_json::from_str::<Value>(&said).unwrap_or(json!(said)),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    };
    let (code, done, errors) = run(&["--lesson-id", "first", "--slide-data", "one.json"]);
    assert_eq!((code, &done["success"], &done["lesson_id"]), (Some(0), &json!(true), &json!("first")), "{done} {errors}");
    assert_eq!((&done["slides_processed"], &done["audio_segments"]), (&json!(1), &json!(1)), "{done}");
    let (code, missing, _) = run(&["--lesson-id", "second", "--slide-data", "none.json"]);
    assert_eq!((code, &missing["success"], &missing["error_type"]), (Some(1), &json!(false), &json!("FileNotFoundError")), "{missing}");
    let is_status = |(code, status, errors): (Option<i32>, Value, String)| {
        assert_eq!((code, &status["status"]), (Some(0), &json!("operational")), "{status} {errors}");
        assert_eq!((&status["is_processing"], &status["processing_stats"]["lessons_processed"]), (&json!(false), &json!(1)), "{status}");
    };
    is_status(run(&["--status-only", "-v"]));

    // What has been made is there when somebody serves, who then says how it is.
    let server = Server::of(home.path(), lectern(home.path()).env_remove("JWT_SECRET").arg("serve"));
    let film = server.artifact(done["job_id"].as_str().unwrap(), "film.mp4");
    assert!(film.len() > 1000);
    let port = server.origin.rsplit(':').next().unwrap();
    is_status(run(&["--status-only", "--host", "localhost", "--port", port]));
    let (code, _, errors) = run(&["--lesson-id", "first", "--slide-data", "one.json"]);
    assert_eq!((code, errors.contains("another server works in")), (Some(1), true), "{errors}");
    server.stop();
}

/// Opens the WebSocket of the first lesson as a browser does; the status of the answer.
fn follow(server: &Server, token: &str) -> u16 {
    let mut request = format!("{}/old/ws/lesson/first", server.origin.replace("http", "ws")).into_client_request().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", format!("lectern.v1, token.{token}").parse().unwrap());
    match runtime().block_on(tokio_tungstenite::connect_async(request)) {
        Ok((_, answer)) => answer.status().as_u16(),
        Err(Error::Http(answer)) => answer.status().as_u16(),
        Err(error) => panic!("{error}"),
    }
}
