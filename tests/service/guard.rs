//! A machine that has too much to do.

use super::progress::follow;
use super::server::{SHORT, Server, is_consistent};
use crate::live::stage::runtime;
use crate::support::lectern;
use serde_json::{Value, json};

#[test]
fn work_rests_while_the_machine_is_too_busy_and_then_takes_less() {
    let home = tempfile::tempdir().unwrap();
    let mut command = lectern(home.path());
    // More than nothing of the memory is always used.
    command.envs([("LECTERN_GUARD_ENABLED", "true"), ("LECTERN_GUARD_MEMORY", "0"), ("LECTERN_GUARD_LESS_MEMORY", "0")]);
    command.env("LECTERN_GUARD_PAUSE", "2s");
    let server = Server::of(home.path(), command.arg("serve"));
    let deck = server.deck("lesson.yaml", SHORT.as_bytes());
    // A film that says how it is to be is made so, but not before the machine has rested.
    let own = server.submit(json!({ "deck": deck, "looks": { "size": "160x90" } }));
    let heard = runtime().block_on(follow(&server, &own, None));
    let rested = heard.iter().any(|heard| heard.data.to_string().contains("resting: "));
    assert!(rested, "{heard:?}");
    assert_eq!(server.ends(&own, "completed")["stages"][1]["note"], json!(null));
    let usual = server.submit(json!({ "deck": deck }));
    let job = server.ends(&usual, "completed");
    let stage = &job["stages"][1];
    assert_eq!((&stage["result"]["width"], &stage["result"]["height"]), (&json!(854), &json!(480)), "{job}");
    assert!(stage["note"].as_str().is_some_and(|note| note.contains("minimal")), "{job}");
    is_consistent(home.path());
}

#[test]
fn a_small_machine_makes_no_larger_films_than_it_should_and_says_so() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::of(home.path(), lectern(home.path()).env("HARDWARE_PROFILE", "small").arg("serve"));
    let deck = server.deck("lesson.yaml", SHORT.as_bytes());
    let made = |looks: Value| {
        let job = server.ends(&server.submit(json!({ "deck": deck, "looks": looks })), "completed");
        let stage = job["stages"][1].clone();
        (stage["result"]["width"].clone(), stage["result"]["height"].clone(), stage["note"].clone())
    };
    let set = json!({ "fps": "5", "preset": "ultrafast" });
    let (width, height, note) = made(json!({ "size": "1600x1000", "set": set }));
    assert_eq!((width, height), (json!(1152), json!(720)));
    assert!(note.as_str().is_some_and(|note| note.starts_with("made in 1152x720 instead of 1600x1000: ")), "{note}");
    assert_eq!(made(json!({ "size": "160x90", "set": set })), (json!(160), json!(90), json!(null)));
    server.stop();
    // Presets of other systems, for all films and for one.
    let mut command = lectern(home.path());
    command.envs([("HARDWARE_PROFILE", "small"), ("QUALITY_PRESET", "high")]);
    let server = Server::of(home.path(), command.arg("serve"));
    let looks = |looks: Value| {
        let job = server.ends(&server.submit(json!({ "deck": deck, "looks": looks })), "completed");
        let stage = job["stages"][1].clone();
        (stage["result"]["width"].clone(), stage["note"].is_null())
    };
    assert_eq!(looks(json!({})), (json!(1280), false));
    assert_eq!(looks(json!({ "quality": "fast_low_memory", "sound": "basic" })), (json!(854), true));
    server.stop();
}
