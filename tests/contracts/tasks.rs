//! What the video message pipeline does as long as no model finds a person: a task fails, and whoever asks or listens is told so.

use super::flow::Contract;
use super::play::{Outcome, Player};
use super::server::{Conditions, Server};
use crate::live::stage::{ask, ask_raw};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

#[test]
fn a_task_that_cannot_be_done_fails_and_everybody_is_told() {
    let contract = Contract::named("video_message");
    let server = Server::start(&contract, Conditions::default());
    let mut player = Player::new(&contract, server.place(&contract), server.provided());
    // It holds whatever a task fails of.
    let task = match super::runtime().block_on(player.play(contract.flow("progress_error").expect("a flow"))) {
        Outcome::Passed(variables) => variables.fill(&json!("${failed_task}")).expect("it was saved"),
        Outcome::Failed(failure) => panic!("{failure:?}"),
    };
    let task = task.as_str().expect("an id");
    let url = |path: &str| format!("{}/api/pipeline/{path}", server.origin());

    let text = |url: &str| ask_raw(Method::GET, url, "", "", String::new()).1;
    let heard = text(&url(&format!("progress/{task}/sse")));
    assert!(!heard.contains("event: "), "only the end of one that worked has a name: {heard}");
    let messages: Vec<Value> =
        heard.lines().filter_map(|line| line.strip_prefix("data: ")).map(|data| serde_json::from_str(data).expect("JSON")).collect();
    let said: Vec<_> = messages
        .iter()
        .map(|message| (message["event_type"].clone(), message["stage"].clone(), message["progress_percent"].clone()))
        .collect();
    let due = [
        ("stage_update", "initialized", 0),
        ("stage_update", "upload_complete", 20),
        ("stage_update", "detection_running", 25),
        ("error", "failed", -1),
    ];
    assert_eq!(said, due.map(|(kind, stage, percent)| (json!(kind), json!(stage), json!(percent))));
    let error = messages[3]["data"]["error"].as_str().expect("a text");
    assert!(error.contains("no model") && error.contains("person"), "{error}");

    let (status, stats) = ask(Method::GET, &url("storage/stats"), "", None);
    assert_eq!(
        (status, &stats["tiers"]["uploads"]["file_count"], &stats["tiers"]["videos"]["file_count"]),
        (StatusCode::OK, &json!(2), &json!(0))
    );
    let figures = text(&format!("{}/metrics", server.origin()));
    assert!(figures.lines().any(|line| line == "pipeline_success_rate 0"), "{figures}");
    assert!(figures.lines().any(|line| line == "active_pipelines_count 0"), "{figures}");
    server.stop();
}
