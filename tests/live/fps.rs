//! The figures of a session's nodes while it is on.

use super::stage::{Live, ask, until};
use crate::support::deck;
use reqwest::Method;
use serde_json::Value;

#[test]
fn every_node_of_a_session_has_its_rate_and_those_with_pictures_a_rating() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let hls = home.path().join("hls");
    let live = Live::start(home.path(), &deck("hello.pptx"), &["--loop", "--set", "size=426x240", "--hls", hls.to_str().expect("a path")]);
    let url = format!("{}/v1/live/{}/graph", live.origin(), live.said("room"));
    let look = || ask(Method::GET, &url, &live.said("control_token"), None).1;
    let graph = until("three samples", look, |graph| graph["fps"][0]["samples"].as_u64() >= Some(3));
    let fps = graph["fps"].as_array().expect("a list");
    assert_eq!(fps.len(), graph["nodes"].as_array().expect("a list").len());
    let of = |node: &str| fps.iter().find(|fps| fps["node"] == node).unwrap_or_else(|| panic!("no {node} in {graph}"));
    for (node, name) in [("slides", "slide_frames"), ("speech", "synctalk_input"), ("avatar", "synctalk_output"), ("scene", "composer")] {
        assert_eq!(of(node)["name"], name);
    }
    for node in ["h264", "stream", "avatar", "scene"] {
        let rating = of(node)["rating"].as_str().unwrap_or_else(|| panic!("{} is rated", of(node)));
        assert!(["good", "warn", "poor"].contains(&rating), "{rating}");
    }
    let figure = |name: &str| of("h264")[name].as_f64().expect("a number");
    assert!(figure("min") <= figure("mean") && figure("mean") <= figure("max") && figure("max") > 0.0, "{}", of("h264"));
    assert_eq!(of("aac")["rating"], Value::Null, "sound is not rated");
    live.stop();
}
