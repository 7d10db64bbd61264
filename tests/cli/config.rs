//! `lectern config` and `lectern doctor --hardware`.

use super::{lectern, run};
use serde_json::Value;
use std::fs;

#[test]
fn settings_are_shown_with_where_they_are_from_and_without_secrets() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("lectern.toml"), "[limits]\nupload = 7\n[livekit]\napi_secret = \"do-not-tell\"\n").unwrap();
    let shown = |arguments: &[&str]| {
        let mut command = lectern(folder.path());
        command.args(arguments).env("JWT_SECRET", "do-not-tell").env("LECTERN_LISTEN", "127.0.0.1:9000");
        let output = command.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(!text.contains("do-not-tell"), "{text}");
        text
    };
    let text = shown(&["config", "show"]);
    assert!(text.contains("listen = \"127.0.0.1:9000\"") && text.contains("upload = 7") && text.contains("api_secret = \"***\""), "{text}");
    assert!(text.contains("# limits.upload: from lectern.toml") && text.contains("# adapters.rapido.secret: from JWT_SECRET"), "{text}");
    let json: Value = serde_json::from_str(&shown(&["config", "show", "--json"])).unwrap();
    assert_eq!((&json["settings"]["limits"]["upload"], &json["sources"]["listen"]), (&7.into(), &"LECTERN_LISTEN".into()));
    // What is printed can be read.
    fs::write(folder.path().join("again.toml"), text.replace("\"***\"", "\"0123456789abcdef0123456789abcdef\"")).unwrap();
    assert_eq!(run(folder.path(), "config check --config again.toml").ok(), "the settings are valid\n");
}

#[test]
fn wrong_settings_are_told_with_their_line() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("wrong.toml"), "listen = \"127.0.0.1:1\"\n\n[limits]\nuplaod = 3\n").unwrap();
    let fails = |arguments: &str| run(folder.path(), arguments).fails(2);
    let said = fails("config check --config wrong.toml");
    assert!(said.contains("wrong.toml:4:1: unknown field `uplaod`"), "{said}");
    let said = fails("config check --listen 0.0.0.0:80");
    assert!(said.contains("a server on a public address needs a secret"), "{said}");
    assert!(fails("config show --config none.toml").contains("cannot read the settings in none.toml"));
}

#[test]
fn the_doctor_says_what_the_machine_is() {
    let folder = tempfile::tempdir().unwrap();
    let text = run(folder.path(), "doctor --hardware").ok();
    for line in ["cores", "memory", "temperature", "profile"] {
        assert!(text.lines().any(|said| said.starts_with(line)), "{text}");
    }
    let json: Value = serde_json::from_str(&run(folder.path(), "doctor --hardware --json").ok()).unwrap();
    assert!(json["hardware"]["memory"].as_u64() > Some(0) && json["profile"]["time_limit"].is_u64(), "{json}");
    assert!(json["device"]["memory"].as_u64() > Some(0), "{json}");
    // Its owner knows better what it is good for.
    let taken_for = |profile: &str| {
        let output = lectern(folder.path()).args(["doctor", "--hardware", "--json"]).env("HARDWARE_PROFILE", profile).output().unwrap();
        let said: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(said["profile"]["name"], profile, "{said}");
        (said["profile"]["largest"].clone(), said["profile"]["time_limit"].clone(), said["device"]["memory"].as_f64().unwrap())
    };
    let (small, large) = (taken_for("small"), taken_for("large"));
    assert_eq!((small.0, small.1), (serde_json::json!([1280, 720]), 900.into()));
    assert_eq!((large.0, large.1), (serde_json::json!([1920, 1080]), 1200.into()));
    assert!((small.2 / large.2 - 0.6 / 0.7).abs() < 1e-6, "{} {}", small.2, large.2);
    assert_eq!(json["device"]["places"][1], serde_json::json!({ "need": "matting", "at_once": 1, "memory": 6_u64 << 30 }), "{json}");
}
