//! A machine that has too much to do.

use super::progress::follow;
use super::server::{SHORT, Server, is_consistent};
use crate::live::stage::runtime;
use crate::support::lectern;
use serde_json::json;

#[test]
fn work_rests_while_the_machine_is_too_busy_and_then_takes_less() {
    let home = tempfile::tempdir().unwrap();
    let mut command = lectern(home.path());
    // More than nothing of the memory is always used.
    command.envs([("LECTERN_GUARD_ENABLED", "true"), ("LECTERN_GUARD_MEMORY", "0"), ("LECTERN_GUARD_PAUSE", "2s")]);
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
