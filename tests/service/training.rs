//! The clients of the training service, beyond what their contract tells: what stands in for what is missing, and what stays.

use super::server::{Server, client, is_consistent};
use crate::live::stage::{ask, runtime};
use crate::support::succeed;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::process::Command;

/// Two seconds of a film; `sound` is what ffmpeg makes of it.
fn film(home: &Path, name: &str, sound: &[&str]) -> Vec<u8> {
    let path = home.join(name);
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-f", "lavfi", "-i", "testsrc2=s=64x36:r=10:d=2"]).args(sound);
    succeed(command.args(["-c:v", "libx264", "-pix_fmt", "yuv420p"]).arg(&path));
    fs::read(path).expect("it was just made")
}

/// Sends a form of texts and films.
fn send(server: &Server, path: &str, texts: &[(&str, &str)], films: &[(&str, &[u8])]) -> (StatusCode, Value) {
    let mut body = Vec::new();
    for (name, text) in texts {
        body.extend(format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n").bytes());
    }
    for (name, film) in films {
        body.extend(format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"me.mp4\"\r\n\r\n").bytes());
        body.extend(*film);
        body.extend(b"\r\n");
    }
    body.extend(b"--b--\r\n");
    runtime().block_on(async {
        let request = client().post(format!("{}{path}", server.origin)).header("content-type", "multipart/form-data; boundary=b");
        let answer = request.body(body).send().await.expect("an answer");
        (answer.status(), answer.json().await.expect("JSON"))
    })
}

fn get(server: &Server, path: &str) -> Value {
    let (status, answer) = ask(Method::GET, &format!("{}{path}", server.origin), "", None);
    assert_eq!(status, StatusCode::OK, "{path}: {answer}");
    answer
}

#[test]
fn voices_stay_and_a_job_says_what_stands_in_for_them() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), &[]);
    let speaks = film(home.path(), "speaks.mp4", &["-f", "lavfi", "-i", "sine=d=2", "-c:a", "aac"]);
    let silent = film(home.path(), "silent.mp4", &[]);
    let hushed = film(home.path(), "hushed.mp4", &["-f", "lavfi", "-i", "anullsrc", "-t", "2", "-c:a", "aac"]);
    let clone = |film: &[u8]| send(&server, "/training/clone-voice", &[("profile_name", "Ann / Bob")], &[("video_file", film)]);
    for unfit in [&silent, &hushed, &silent[..silent.len() / 2].to_vec()] {
        let (status, answer) = clone(unfit);
        assert_eq!((status, &answer["success"]), (StatusCode::OK, &json!(false)), "{answer}");
        assert!(!answer["error"].as_str().unwrap().contains(&*home.path().to_string_lossy()), "{answer}");
    }
    assert_eq!(get(&server, "/training/voice-profiles"), json!({ "profiles": [] }));
    assert_eq!(clone(&speaks).1["success"], true);
    let listed = get(&server, "/training/voice-profiles");
    let profile = &listed["profiles"][0];
    assert_eq!((&profile["name"], &profile["language"], &profile["source_video"]), (&json!("Ann / Bob"), &json!("auto"), &json!("me.mp4")));
    assert_eq!((&profile["model_path"], &profile["quality_metrics"]["sample_rate"]), (&Value::Null, &json!(22_050)));

    let texts = [("script_text", "Hello."), ("voice_profile", "Ann / Bob"), ("quality_level", "minimal")];
    let (status, started) = send(&server, "/training/video-only", &texts, &[("reference_video", &speaks)]);
    assert_eq!(status, StatusCode::OK, "{started}");
    let id = started["job_id"].as_str().unwrap();
    // It is a job like any other.
    let job = server.ends(id, "completed");
    assert_eq!(
        (&job["kind"], &job["title"], &job["stages"][2]["state"]),
        (&json!("training_video_only"), &json!("Hello"), &json!("skipped"))
    );
    server.stop();
    is_consistent(home.path());

    let server = Server::start(home.path(), &[]);
    assert_eq!(get(&server, "/training/voice-profiles"), listed);
    let record = get(&server, &format!("/training/status/{id}"));
    let notes: Vec<String> =
        record["notes"].as_array().unwrap().iter().map(|note| format!("{} {}", note["stage"], note["status"])).collect();
    let due = [r#""content_processing" "skipped""#, r#""voice_cloning" "skipped""#, r#""avatar_generation" "completed""#];
    assert_eq!(notes, due);
    assert!(record["notes"][1]["note"].as_str().unwrap().contains("built-in voice"), "{record}");
    assert!(record["notes"][2]["note"].as_str().unwrap().contains("built-in presenter"), "{record}");
}

#[test]
fn what_was_uploaded_waits_and_can_be_cancelled_by_the_native_api() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), &[]);
    let speaks = film(home.path(), "speaks.mp4", &["-f", "lavfi", "-i", "sine=d=2", "-c:a", "aac"]);
    let (_, kept) = send(&server, "/training/upload", &[("script", "One goal. One reader.")], &[("source_video", &speaks)]);
    let id = kept["job_id"].as_str().unwrap();
    let status = || get(&server, &format!("/training/status/{id}"));
    assert_eq!((&status()["status"], &status()["source_video"]), (&json!("uploaded"), &json!("me.mp4")));
    assert!(server.data.join("work").join(id).join("input/source/me.mp4").exists());
    server.must(Method::POST, &format!("jobs/{id}/cancel"), None);
    assert_eq!((&status()["status"], &status()["error"]), (&json!("failed"), &json!("it was cancelled")));
    for (path, code) in [("generate", StatusCode::CONFLICT), ("download", StatusCode::METHOD_NOT_ALLOWED)] {
        let (seen, answer) = ask(Method::POST, &format!("{}/training/{path}/{id}", server.origin), "", None);
        assert!(seen == code && answer["detail"].is_string(), "{path}: {seen} {answer}");
    }
    // What makes no sense leaves nothing behind.
    let texts = [("script_text", "Hello."), ("voice_profile", "Nobody")];
    for (texts, code) in
        [(&texts[..], StatusCode::BAD_REQUEST), (&[("script_text", "a"), ("quality_level", "best")], StatusCode::UNPROCESSABLE_ENTITY)]
    {
        assert_eq!(send(&server, "/training/video-only", texts, &[("reference_video", &speaks)]).0, code);
    }
    assert_eq!(fs::read_dir(server.data.join("work")).unwrap().count(), 1);
    assert_eq!(fs::read_dir(server.data.join("uploads")).unwrap().count(), 0);
}
