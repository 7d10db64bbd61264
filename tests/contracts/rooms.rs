//! Flows of the Rapido contract that `lectern live` keeps already: its room service.

use super::flow::{Contract, Variables};
use super::play::{Place, Player};
use super::report::Report;
use super::server::lessons;
use super::shape::{Matcher, Seen, Shape};
use crate::live::livekit_server::{SECRET, Server, with_key};
use crate::live::stage::Live;
use crate::support::{deck, lectern};
use serde_json::{Value, json};
use uuid::Uuid;

/// Holds a data message of a room (`AvatarEventOut`, `AvatarEventIn`) against its SHAPE.
pub fn must_be(shape: &str, message: &Value) {
    let matcher: Matcher = Contract::named("rapido").matcher(Vec::new());
    let faults = matcher.faults(&Shape::Named(shape.into()), Seen::Value(message));
    let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert!(faults.is_empty(), "{message} is no {shape}: {}", faults.join(", "));
}

#[test]
fn messages_of_a_room_are_told_from_others() {
    must_be("AvatarEventIn", &json!({ "message": "goLive" }));
    must_be("AvatarEventOut", &json!({ "id": "1", "message": "showEmbed", "slideId": "a", "timestamp": 1 }));
    assert!(std::panic::catch_unwind(|| must_be("AvatarEventOut", &json!({ "id": "1", "message": "showEmbed" }))).is_err());
}

/// A server that gives this run's lesson in its LiveKit room.
struct Rooms {
    live: Live,
    contract: Contract,
    provided: Variables,
    _livekit: Server,
    _home: tempfile::TempDir,
}

impl Rooms {
    fn start(more: &[&str]) -> Rooms {
        let home = tempfile::tempdir().expect("a temporary folder");
        let run = Uuid::new_v4().simple().to_string()[..8].to_string();
        let livekit = Server::start(home.path());
        let mut command = lectern(home.path());
        command.env_remove("JWT_SECRET").arg("live").arg(deck("hello.pptx")).args(["--listen", "127.0.0.1:0", "--set", "size=426x240"]);
        command.args(["--room", &format!("lesson_{run}"), "--livekit", &livekit.url(), "--allow-origin", "https://player.example"]);
        command.arg("--lessons").arg(lessons(home.path(), &run)).args(more);
        let live = Live::of(with_key(&mut command));
        let mut provided = Variables::default();
        provided.set("run", run);
        Rooms { live, contract: Contract::named("rapido"), provided, _livekit: livekit, _home: home }
    }

    fn play(&self, names: &[&str]) -> Report {
        let place = Place::new(&self.live.origin(), &self.contract, vec![SECRET.into()]);
        let mut player = Player::new(&self.contract, place, &self.provided);
        let mut report = Report { of: "rooms of lectern live".into(), ..Report::default() };
        let runtime = super::runtime();
        for name in names {
            let flow = self.contract.flow(name).expect("a flow");
            report.add(flow, runtime.block_on(player.play(flow)));
        }
        report
    }
}

#[test]
fn viewers_come_into_a_room_as_the_contract_says() {
    let rooms = Rooms::start(&["--loop"]);
    let report = rooms.play(&["join", "join_errors"]);
    assert!(report.failed.is_empty() && report.passed.len() == 2, "{report}");
    rooms.live.stop();
}

#[test]
fn a_text_is_presented_as_the_contract_says() {
    let rooms = Rooms::start(&["--wait"]);
    let report = rooms.play(&["present"]);
    assert!(report.failed.is_empty() && report.passed.len() == 1, "{report}");
    rooms.live.stop();
}
