//! The clients of four existing systems, played against a real server process: `presgen.yaml`, `slidespeaker.yaml`, `video_message.yaml` and
//! `rapido.yaml` say what they send and what they may rely on in the answer. The files are as they came with the systems' description; the
//! runner here knows nothing of any system but how its server is started ([`server`]) and how its files are made ([`fixtures`]).
//!
//! | contract | flows | required | extra | needs, and how many flows name them |
//! | --- | --- | --- | --- | --- |
//! | presgen | 24 | 21 | 3 | big_files 1, google_slides 3 |
//! | rapido | 13 | 12 | 1 | livekit 2, platform_auth 1, rate_limits 1 |
//! | slidespeaker | 25 | 23 | 2 | big_files 1, failing_step 1, rate_limits 1 |
//! | video_message | 17 | 13 | 4 | big_files 1, head_429 1, head_down 1, rate_limits 1, talking_head 9 |
//!
//! A flow that fails is told with its step, the places in the answer that do not fit and what was found there. What is only `inferred` is
//! our reading of a system: its failure is a question.

mod fixtures;
mod flow;
mod play;
mod report;
pub mod rooms;
mod server;
mod shape;
mod stand_in;
mod tasks;

use flow::{Contract, Flow, Level};
use play::Player;
use report::Report;
use server::{Conditions, Server};
use std::collections::BTreeMap;
use std::io::Write;

/// The contracts that the server keeps, each by one line with the reason, such as
/// `("presgen", Level::Required), // compat/presgen.rs answers all of it`. One that is added here is played by its test from then on; what is
/// not here waits for `lectern serve` and its adapter, and only its plan is looked at.
const ENABLED: &[(&str, Level)] = &[
    ("presgen", Level::Required),       // compat/presgen.rs answers all of it
    ("presgen", Level::Extra),          // the client of the later service is known by its fields
    ("slidespeaker", Level::Required),  // compat/slidespeaker.rs answers all of it
    ("slidespeaker", Level::Extra),     // the same
    ("rapido", Level::Required),        // compat/rapido.rs answers all of it
    ("rapido", Level::Extra),           // compat/health.rs
    ("video_message", Level::Required), // compat/video_message.rs, but for what needs a talking head
    ("video_message", Level::Extra),    // the same
];

/// What flows need that is not there yet, and why. Nothing else makes a flow be skipped.
const ABSENT: &[(&str, &str)] = &[
    ("talking_head", "persons are found and talking heads made when models and providers are there"),
    ("head_429", "there is no client of a talking-head service yet"),
    ("head_down", "there is no client of a talking-head service yet"),
    ("platform_auth", "no source says how the platform is asked about an authToken"),
];

/// What flows need and every server here has.
const GIVEN: &[&str] = &["big_files", "google_slides", "livekit"];

/// What becomes of a flow.
#[derive(Debug, PartialEq)]
enum Fate {
    Play(Conditions),
    Skip(String),
}

/// # Panics
/// It needs something that nobody sees to.
fn fate(flow: &Flow) -> Fate {
    let absent = |need: &String| ABSENT.iter().find(|(absent, _)| absent == need);
    let because: Vec<_> = flow.needs.iter().filter_map(absent).map(|(need, why)| format!("needs {need}: {why}")).collect();
    if !because.is_empty() {
        return Fate::Skip(because.join("; "));
    }
    let mut conditions = Conditions::default();
    for need in &flow.needs {
        match need.as_str() {
            "rate_limits" => conditions.original_limits = true,
            "failing_step" => conditions.failing_step = true,
            given => assert!(GIVEN.contains(&given), "nobody sees to {given}, which {} needs", flow.name),
        }
    }
    Fate::Play(conditions)
}

/// Flows that share a server, and those that are not played.
#[derive(Default)]
struct Plan<'a> {
    servers: Vec<(Conditions, Vec<&'a Flow>)>,
    skipped: Vec<(String, String)>,
}

impl<'a> Plan<'a> {
    fn of(contract: &'a Contract, level: Level) -> Plan<'a> {
        let mut plan = Plan::default();
        for flow in contract.flows.iter().filter(|flow| flow.level == level) {
            match fate(flow) {
                Fate::Skip(why) => plan.skipped.push((flow.name.clone(), why)),
                Fate::Play(conditions) => {
                    match plan.servers.iter_mut().find(|(of, _)| *of == conditions && conditions == Conditions::default()) {
                        Some((_, flows)) => flows.push(flow),
                        // A server of its own: limits begin with a fresh minute, and a step fails once.
                        None => plan.servers.push((conditions, vec![flow])),
                    }
                }
            }
        }
        plan
    }

    fn play(self, contract: &'a Contract, of: String) -> Report {
        let runtime = runtime();
        let mut report = Report { of, skipped: self.skipped, ..Report::default() };
        for (conditions, flows) in self.servers {
            let server = Server::start(contract, conditions);
            let mut player = Player::new(contract, server.place(contract), server.provided());
            for flow in flows {
                report.add(flow, runtime.block_on(player.play(flow)));
            }
            server.stop();
        }
        report
    }
}

/// Where clients are at work: more than one at a time.
fn runtime() -> tokio::runtime::Runtime {
    // As in the program; the first test that comes here does it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
}

/// Plays the flows of a level, if the contract is enabled.
fn keeps(system: &str, level: Level) {
    let contract = Contract::named(system);
    let plan = Plan::of(&contract, level);
    let of = format!("{system}.yaml, {level:?}: {}", contract.title);
    if !ENABLED.contains(&(system, level)) {
        let flows: usize = plan.servers.iter().map(|(_, flows)| flows.len()).sum();
        return say(&format!("{of}: not enabled yet, {flows} flows to play and {} to skip\n", plan.skipped.len()));
    }
    let report = plan.play(&contract, of);
    // Seen whether the test passes or not: what is skipped is skipped visibly.
    say(&report.to_string());
    assert!(report.failed.is_empty(), "{report}");
}

/// Past the capture of the tests' output.
fn say(text: &str) {
    let _ = std::io::stderr().write_all(text.as_bytes());
}

macro_rules! contracts {
    ($($name:ident: $system:literal, $level:ident;)*) => {
        $(
            #[test]
            fn $name() {
                keeps($system, Level::$level);
            }
        )*
    };
}

contracts! {
    presgen_required: "presgen", Required;
    presgen_extra: "presgen", Extra;
    rapido_required: "rapido", Required;
    rapido_extra: "rapido", Extra;
    slidespeaker_required: "slidespeaker", Required;
    slidespeaker_extra: "slidespeaker", Extra;
    video_message_required: "video_message", Required;
    video_message_extra: "video_message", Extra;
}

#[test]
fn flows_are_skipped_for_what_is_absent_and_for_nothing_else() {
    let contracts = Contract::all();
    let mut skipped = Vec::new();
    let mut alone = Vec::new();
    for contract in &contracts {
        for flow in &contract.flows {
            match fate(flow) {
                Fate::Skip(_) => skipped.push(format!("{} {}", contract.system, flow.name)),
                Fate::Play(conditions) if conditions != Conditions::default() => alone.push(format!("{} {}", contract.system, flow.name)),
                Fate::Play(_) => {}
            }
        }
    }
    assert_eq!(
        skipped,
        [
            "rapido join_refused",
            "video_message generate",
            "video_message generate_defaults",
            "video_message choose_person",
            "video_message nobody",
            "video_message progress_ws",
            "video_message progress_sse",
            "video_message progress_error",
            "video_message heartbeat",
            "video_message later_client",
            "video_message head_busy",
            "video_message head_down",
        ]
    );
    assert_eq!(alone, ["rapido limit", "slidespeaker retry", "slidespeaker limits", "video_message limit"]);
    let played = |contract: &Contract, name: &str| fate(contract.flow(name).expect("a flow"));
    let plan = Plan::of(&contracts[2], Level::Required);
    assert_eq!(plan.servers.iter().map(|(_, flows)| flows.len()).collect::<Vec<_>>(), [21, 1, 1]);
    assert_eq!(played(&contracts[2], "limits"), Fate::Play(Conditions { original_limits: true, failing_step: false }));
    // What no flow names any more does not stay in the lists.
    let named = |need: &str| contracts.iter().any(|contract| contract.settings.server.needs.contains_key(need));
    assert!(ABSENT.iter().map(|(need, _)| need).chain(GIVEN).all(|need| named(need)));
    let before =
        |contract: &Contract, flow: &Flow| contract.before(flow).expect("no circle").iter().map(|flow| fate(flow)).collect::<Vec<_>>();
    for contract in &contracts {
        for flow in contract.flows.iter().filter(|flow| matches!(fate(flow), Fate::Play(_))) {
            assert!(
                !before(contract, flow).iter().any(|fate| matches!(fate, Fate::Skip(_))),
                "{} comes after a flow that is skipped",
                flow.name
            );
        }
    }
}

#[test]
fn the_table_above_is_right() {
    for contract in Contract::all() {
        let of = |level| contract.flows.iter().filter(|flow| flow.level == level).count();
        let mut needs: BTreeMap<&str, usize> = BTreeMap::new();
        for need in contract.flows.iter().flat_map(|flow| &flow.needs) {
            *needs.entry(need).or_default() += 1;
        }
        let needs: Vec<String> = needs.iter().map(|(need, count)| format!("{need} {count}")).collect();
        let (all, required, extra) = (contract.flows.len(), of(Level::Required), of(Level::Extra));
        let row = format!("//! | {} | {all} | {required} | {extra} | {} |\n", contract.system, needs.join(", "));
        assert!(include_str!("mod.rs").contains(&row), "{row}");
    }
}
