use std::collections::HashSet;

use proptest::prelude::*;

use super::*;
use crate::time::Span;

/// The example of the design, word for word.
const LECTURE: &str = include_str!("lecture.yaml");

fn environment(name: &str) -> Option<String> {
    (name == "LIVEKIT_URL").then(|| "wss://secret.example".into())
}

fn options(profiles: &[&str], set: &[(&str, &str)]) -> LoadOptions<'static> {
    LoadOptions {
        profiles: profiles.iter().map(|name| name.to_string()).collect(),
        set: set.iter().map(|(name, text)| (name.to_string(), text.to_string())).collect(),
        env: &environment,
    }
}

fn lecture(profiles: &[&str], set: &[(&str, &str)]) -> GraphDocument {
    load(LECTURE, "graphs/lecture.yaml", &options(profiles, set)).expect("the example is right")
}

fn refused(text: &str) -> String {
    load(text, "g.yaml", &options(&[], &[])).expect_err(text).to_string()
}

fn names(document: &GraphDocument) -> Vec<&str> {
    document.nodes.iter().map(|node| node.name.value.as_str()).collect()
}

#[test]
fn the_lecture_offline() {
    let document = lecture(&["offline"], &[("out", "x.mp4")]);
    assert_eq!((document.version, document.graph.value.as_str(), document.clock), (1, "lecture", Clock::Offline));
    assert_eq!(document.defaults, Defaults::default());
    assert_eq!((document.latency, document.drain, document.segment_by), (None, None, Some(SegmentBy::Slide)));
    assert_eq!(names(&document), ["speech", "slides", "avatar", "scene", "level", "playout", "h264", "aac", "file"]);
    assert_eq!(document.node("file").unwrap().config.to_string(), "{path: x.mp4}");
    assert_eq!(document.node("scene").unwrap().config.to_string(), "{key: auto, place: {anchor: bottom_right, height: 40%, margin: 24}}");
    assert_eq!(document.node("playout").unwrap().config.to_string(), "{}");
    let avatar = document.node("avatar").unwrap();
    assert_eq!((avatar.type_name.value.as_str(), avatar.type_name.at.to_string().as_str()), ("lip_sync", "graphs/lecture.yaml:11:21"));
    let (port, references) = &avatar.inputs[0];
    assert_eq!((port.value.as_str(), port.at.column), ("audio", 41));
    let expected = InputRef { node: "speech".into(), port: Some("audio".into()), tap: false, queue: None, at: references[0].at.clone() };
    assert_eq!((references.as_slice(), references[0].at.column), ([expected].as_slice(), 48));
    assert_eq!(document.profiles.iter().map(|profile| profile.value.as_str()).collect::<Vec<_>>(), ["offline", "live", "livekit"]);
    let vars: Vec<_> = document
        .vars
        .iter()
        .map(|variable| format!("{}={} {}", variable.name.value, variable.value.as_ref().unwrap(), variable.set))
        .collect();
    assert_eq!(vars, ["lesson=graphs/demo/lectern.pptx false", "out=x.mp4 true", "voice=default false", "avatar=default false"]);
    assert_eq!(document.warnings, []);
}

#[test]
fn the_lecture_live() {
    let document = lecture(&["live", "livekit"], &[]);
    assert_eq!((document.clock, document.latency, document.segment_by), (Clock::Live, Some(DurationSetting(Span::from_millis(400))), None));
    assert_eq!(names(&document)[8..], ["opus", "web", "monitor", "room"]);
    assert_eq!(
        document.node("h264").unwrap().config.to_string(),
        "{codec: h264, preset: veryfast, threads: 2, tune: zerolatency, profile: constrained_baseline, bitrate: 1500k, keyframe_every: 2s}"
    );
    let monitor = &document.node("monitor").unwrap().inputs[0].1[0];
    assert_eq!((monitor.tap, monitor.queue), (true, Some(Queue { policy: Some(Policy::Latest), ..Queue::default() })));
    // The value is there, and is not printed.
    let url = document.node("room").unwrap().config.get("url").unwrap();
    assert_eq!((url.as_scalar().unwrap().text(), url.to_string().as_str()), ("wss://secret.example", "***"));
    assert!(!format!("{document:?}").contains("secret.example"));
}

#[test]
fn only_a_chosen_profile_asks_the_environment() {
    let load = |profiles| load(LECTURE, "graphs/lecture.yaml", &LoadOptions { env: &|_| None, ..options(profiles, &[]) });
    assert!(load(&["offline"]).is_ok());
    assert_eq!(
        load(&["live", "livekit"]).unwrap_err().to_string(),
        "error[G013] graphs/lecture.yaml:38:124: the environment variable LIVEKIT_URL is not set"
    );
}

#[test]
fn an_input_may_be_a_list_and_a_queue_may_be_full() {
    let text = "version: 1\ngraph: g\nnodes:\n  a: { type: t, on_error: detach, inputs: { layers: [b.x, { from: c, queue: { items: 4, time: 2s, bytes: 8MiB, policy: to_keyframe } }], none: [] } }";
    let document = load(text, "g.yaml", &options(&[], &[])).unwrap();
    let node = &document.nodes[0];
    assert_eq!(node.on_error, Some(OnError::Detach));
    let layers = &node.inputs[0].1;
    assert_eq!(
        (layers[0].node.as_str(), layers[0].port.as_deref(), layers[1].node.as_str(), layers[1].port.as_deref()),
        ("b", Some("x"), "c", None)
    );
    let queue = layers[1].queue.unwrap();
    assert_eq!(
        (queue.items, queue.time.unwrap().0, queue.bytes, queue.policy),
        (Some(4), Span::from_seconds(2), Some(Bytes(8 << 20)), Some(Policy::ToKeyframe))
    );
    assert_eq!(node.inputs[1].1, []);
}

/// One file per code that loading can report, with the whole message.
const GOLDEN: &[(Code, &str, &str)] = &[
    (Code::Syntax, "a: [", "error[G002] g.yaml:2:1: not valid YAML: while parsing a node, did not find expected node content"),
    (
        Code::UnknownKey,
        "version: 1\ngraph: g\nnode: {}\nnodes: {}",
        "error[G003] g.yaml:3:1: the graph file has no key \"node\"; it has: version, graph, vars, defaults, clock, latency, drain, segment_by, nodes, profiles. Did you mean \"nodes\"?",
    ),
    (Code::WrongType, "version: 1\ngraph: g\nnodes: [a]", "error[G004] g.yaml:3:8: nodes is a list, but must be a map from names to nodes"),
    (
        Code::UnknownVariable,
        "version: 1\ngraph: g\nvars: { out: x }\nnodes: { a: { type: '${uot}${out}' } }",
        "error[G005] g.yaml:4:21: there is no variable \"uot\"; the file has: out. Did you mean \"out\"?",
    ),
    (
        Code::DuplicateKey,
        "version: 1\nversion: 1\ngraph: g\nnodes: {}",
        "error[G006] g.yaml:2:1: the key \"version\" is here twice; it was on line 1 already",
    ),
    (
        Code::LimitExceeded,
        "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
        "error[G007] g.yaml:1:65: lists and maps are nested more than 64 deep",
    ),
    (Code::MissingKey, "version: 1\ngraph: g\nnodes: { a: { config: {} } }", "error[G008] g.yaml:3:13: nodes.a needs the key \"type\""),
    (
        Code::BadValue,
        "version: 1\ngraph: g\nlatency: 400\nnodes: {}",
        "error[G009] g.yaml:3:10: latency: \"400\" has no unit; write \"400ms\" or \"400s\"",
    ),
    (
        Code::VariableCycle,
        "version: 1\ngraph: g\nvars: { a: '${b}', b: '${a}' }\nnodes: {}",
        "error[G011] g.yaml:3:9: variables refer to each other in a circle: a -> b -> a",
    ),
    (
        Code::MissingEnvironment,
        "version: 1\ngraph: '${env:NAME}'\nnodes: {}",
        "error[G013] g.yaml:2:8: the environment variable NAME is not set",
    ),
    (
        Code::BadSubstitution,
        "version: 1\ngraph: '${Name}'\nnodes: {}",
        "error[G014] g.yaml:2:8: ${Name} cannot be read; write ${name} for a variable or ${env:NAME} for the environment",
    ),
    (
        Code::BadName,
        "version: 1\ngraph: My Graph\nnodes: {}",
        "error[G015] g.yaml:2:8: \"My Graph\" is no graph name; names are a lower-case letter, then lower-case letters, digits and _. Write \"my_graph\".",
    ),
    (
        Code::BadReference,
        "version: 1\ngraph: g\nnodes: { a: { type: t, inputs: { x: [b.c.d] } } }",
        "error[G016] g.yaml:3:38: nodes.a.inputs.x[0]: \"b.c.d\" is no reference to an output; write node.port, such as speech.audio",
    ),
    (
        Code::BadVersion,
        "version: 2\ngraph: g\nnodes: {}",
        "error[G017] g.yaml:1:10: version 2 of the graph format is not known; write version: 1",
    ),
    (Code::UnsupportedYaml, "version: !v 1", "error[G018] g.yaml:1:10: graph files have no YAML tags (!name). Remove the tag."),
];

#[test]
fn every_code_has_its_message() {
    let mut told: HashSet<Code> = HashSet::new();
    for (code, text, message) in GOLDEN {
        assert_eq!(refused(text), *message, "{text}");
        assert!(message.contains(code.as_str()));
        told.insert(*code);
    }

    let unknown = load(LECTURE, "g.yaml", &options(&["ofline", "studio"], &[])).unwrap_err();
    assert_eq!(
        unknown.to_string(),
        "error[G010] g.yaml:22:1: there is no profile \"ofline\"; the file has: offline, live, livekit. Did you mean \"offline\"?\n\
         error[G010] g.yaml:22:1: there is no profile \"studio\"; the file has: offline, live, livekit"
    );
    let unused = load("version: 1\ngraph: g\nvars: { a: 1 }\nnodes: {}", "g.yaml", &options(&[], &[])).unwrap();
    assert_eq!(unused.warnings[0].to_string(), "warning[L001] g.yaml:3:9: nothing uses the variable \"a\"");
    let folder = tempfile::tempdir().unwrap();
    let missing = load_file(&folder.path().join("none.yaml"), &options(&[], &[])).unwrap_err().to_string();
    assert!(missing.starts_with("error[G001] ") && missing.contains("none.yaml:1:1: the file cannot be read: "), "{missing}");
    std::fs::write(folder.path().join("bytes.yaml"), b"version: \xff").unwrap();
    assert_eq!(load_file(&folder.path().join("bytes.yaml"), &options(&[], &[])).unwrap_err().0[0].code, Code::CannotRead);
    assert_eq!(load_file(folder.path(), &options(&[], &[])).unwrap_err().0[0].code, Code::CannotRead);
    told.extend([Code::UnknownProfile, Code::UnusedVariable, Code::CannotRead]);

    // The plan's own codes are tested where they arise.
    let elsewhere = [Code::UnknownInput];
    let untold: Vec<_> =
        Code::ALL.iter().filter(|code| code.as_str() <= "G018" && !told.contains(code) && !elsewhere.contains(code)).collect();
    assert!(untold.is_empty(), "no golden message for {untold:?}");
}

#[test]
fn all_problems_of_a_phase_are_told_at_once() {
    let text = "version: 3
graph: lecture
clock: lively
defaults: { video: { size: 1281x720, fps: 29.97 }, memory: lots, color: red }
nodes:
  Speech: { type: tts, config: [] }
  avatar: { typo: x, on_error: explode, inputs: { audio: 3, Cues: a.b, more: { form: a.b, queue: { items: many } } } }
  scene: 7
";
    assert_eq!(
        refused(text),
        "error[G017] g.yaml:1:10: version 3 of the graph format is not known; write version: 1
error[G009] g.yaml:3:8: clock is the text \"lively\", but must be one of: offline, live. Did you mean \"live\"?
error[G009] g.yaml:4:28: defaults.video.size: \"1281x720\" has an odd side; write \"1282x720\"
error[G009] g.yaml:4:43: defaults.video.fps: 29.97 frames a second is not exact; write \"30000/1001\"
error[G009] g.yaml:4:60: defaults.memory: \"lots\" is no amount of bytes; write a number with its unit, such as \"512MiB\"
error[G003] g.yaml:4:66: defaults has no key \"color\"; it has: video, audio, memory
error[G015] g.yaml:6:3: \"Speech\" is no node name; names are a lower-case letter, then lower-case letters, digits and _. Write \"speech\".
error[G004] g.yaml:6:32: nodes.Speech.config is a list, but must be a map of settings
error[G008] g.yaml:7:11: nodes.avatar needs the key \"type\"
error[G003] g.yaml:7:13: nodes.avatar has no key \"typo\"; it has: type, inputs, config, on_error. Did you mean \"type\"?
error[G009] g.yaml:7:32: nodes.avatar.on_error is the text \"explode\", but must be one of: abort, detach
error[G016] g.yaml:7:58: nodes.avatar.inputs.audio: \"3\" is no reference to an output; write node.port, such as speech.audio
error[G015] g.yaml:7:61: \"Cues\" is no port name; names are a lower-case letter, then lower-case letters, digits and _. Write \"cues\".
error[G008] g.yaml:7:78: nodes.avatar.inputs.more needs the key \"from\"
error[G003] g.yaml:7:80: nodes.avatar.inputs.more has no key \"form\"; it has: from, tap, queue. Did you mean \"from\"?
error[G004] g.yaml:7:107: nodes.avatar.inputs.more.queue.items is the text \"many\", but must be a whole number from 0 to 4294967295
error[G004] g.yaml:8:10: nodes.scene is 7, but must be a map with the keys type, inputs, config, on_error"
    );
}

#[test]
fn profiles_are_checked_even_when_not_chosen() {
    let text = "version: 1\ngraph: g\nnodes: {}\nprofiles:\n  live: { colck: live, vars: {} }\n  Bare: []\n";
    assert_eq!(
        refused(text),
        "error[G003] g.yaml:5:11: profiles.live has no key \"colck\"; a profile has: defaults, clock, latency, drain, segment_by, nodes. Did you mean \"clock\"?\n\
         error[G003] g.yaml:5:24: profiles.live has no key \"vars\"; a profile has: defaults, clock, latency, drain, segment_by, nodes\n\
         error[G004] g.yaml:6:9: profiles.Bare is a list, but must be a map with the keys defaults, clock, latency, drain, segment_by, nodes"
    );
}

#[test]
fn the_environment_is_not_told_in_problems() {
    let text = "version: '${env:X}'\ngraph: '${env:X}'\nclock: '${env:X}'\nnodes: { a: { type: t, inputs: { x: '${env:X}' } } }";
    let told = load(text, "g.yaml", &LoadOptions { env: &|_| Some("Hunter 2".into()), ..options(&[], &[]) }).unwrap_err();
    assert_eq!(told.0.len(), 4, "{told}");
    assert!(!told.to_string().to_lowercase().contains("hunter"), "{told}");
}

#[test]
fn a_file_that_is_no_map_is_refused() {
    let tail = "but must be a map with the keys version, graph and nodes";
    assert_eq!(refused(""), format!("error[G004] g.yaml:1:1: the graph file is empty, {tail}"));
    assert_eq!(refused("- 1"), format!("error[G004] g.yaml:1:1: the graph file is a list, {tail}"));
}

#[test]
fn the_schema_lists_every_key() {
    let schema = document_schema();
    let keys: HashSet<&str> =
        schema.get("properties").and_then(|properties| properties.as_object()).unwrap().keys().map(String::as_str).collect();
    let expected = ["version", "graph", "vars", "defaults", "clock", "latency", "drain", "segment_by", "nodes", "profiles"];
    assert_eq!(keys, expected.into_iter().collect());
    assert_eq!(schema.get("additionalProperties"), Some(&false.into()));
    let required: Vec<&str> =
        schema.get("required").and_then(|keys| keys.as_array()).unwrap().iter().filter_map(|key| key.as_str()).collect();
    assert_eq!(required, ["version", "graph", "nodes"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Any file that was hit by a few random edits loads or is refused with problems that have a place in it.
    #[test]
    fn a_damaged_file_never_panics(edits in prop::collection::vec((any::<prop::sample::Index>(), 0usize..8, "[\\[\\]{}:,&*!|>'\"%@#~$ \n\t\\-a-z0-9\u{0}é]{0,6}"), 1..6), profile in 0usize..3) {
        let mut text: Vec<char> = LECTURE.chars().collect();
        for (index, cut, insert) in edits {
            let start = index.index(text.len());
            let end = (start + cut).min(text.len());
            text.splice(start..end, insert.chars());
            if text.is_empty() {
                break;
            }
        }
        let text: String = text.into_iter().collect();
        let chosen = ["offline", "live", "livekit"][profile];
        if let Err(problems) = load(&text, "g.yaml", &options(&[chosen], &[("out", "x")])) {
            prop_assert!(problems.has_errors());
            let lines = text.lines().count() as u32 + 1;
            prop_assert!(problems.0.iter().all(|problem| problem.line >= 1 && problem.line <= lines && problem.column >= 1), "{problems}");
        }
    }
}
