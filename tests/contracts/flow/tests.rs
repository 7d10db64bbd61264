use super::*;
use crate::contracts::shape::Seen;

/// The smallest contract, with these steps, settings and more.
fn contract(steps: &str) -> String {
    format!(
        "system: small\ntitle: Small\nrows: [A1]\n\
        settings:\n  base_path: \"\"\n  auth: none\n  provides: [run]\n  vars: {{lesson: \"lesson_${{run}}\"}}\n  \
        fixtures: {{a.txt: {{content_type: text/plain}}}}\n  server: {{needs: {{luck: \"good luck\"}}}}\n\
        no_contract: {{}}\nshapes:\n  Named: {{origin: inferred, shape: {{id: str}}}}\n\
        flows:\n  - name: first\n    title: First\n    rows: [A1]\n    origin: documented\n    level: required\n    steps:\n{steps}"
    )
}

fn fails(text: &str) -> String {
    Contract::read(text).map(|_| ()).expect_err("it is wrong")
}

const GET: &str = "      - {step: look, send: {method: GET, path: /}, expect: {status: 200, body: \"@Named\"}, save: {id: /id}}\n";

#[test]
fn the_contracts_are_what_they_are_said_to_be() {
    let counts: Vec<(String, usize, usize, usize)> = Contract::all()
        .into_iter()
        .map(|contract| {
            let of = |level| contract.flows.iter().filter(|flow| flow.level == level).count();
            let steps = contract.flows.iter().map(|flow| flow.steps.len()).sum();
            (contract.system.clone(), of(Level::Required), of(Level::Extra), steps)
        })
        .collect();
    // As `check.py`, which comes with the contracts, counts them.
    let due = [("presgen", 21, 3, 62), ("rapido", 12, 1, 53), ("slidespeaker", 23, 2, 141), ("video_message", 13, 4, 43)];
    assert_eq!(counts, due.map(|(system, required, extra, steps)| (system.to_string(), required, extra, steps)));
}

#[test]
fn files_that_the_server_finds_have_their_shape() {
    let rapido = Contract::named("rapido");
    let matcher = rapido.matcher(Vec::new());
    for (path, file) in &rapido.settings.server_files {
        let shape = &rapido.shapes[&file.shape];
        let json = rapido.settings.server_file(path).expect("it can be made");
        let faults = matcher.faults(shape, Seen::Value(&json));
        assert!(faults.is_empty(), "{path}: {faults:?}");
    }
    let long = rapido.settings.server_file("data/lesson_long.json").expect("it can be made");
    let narration = &long["slide_data"]["narrationData"];
    assert_eq!((narration["totalDuration"].as_u64(), narration["tokens"].as_array().map(Vec::len)), (Some(20_000), Some(40)));
    assert_eq!(
        narration["tokens"][4],
        json!({ "id": "w5", "text": "save", "startTime": 2000, "endTime": 2400, "duration": 400, "type": "word" })
    );
    assert!(rapido.settings.server_file("data/none.json").is_err());
}

#[test]
fn a_small_contract_is_read_and_what_comes_before_is_found() {
    let more = "  - {name: third, title: T, rows: [A1], origin: inferred, level: extra, needs: [luck], after: [first, second], steps: [{step: wait, wait: 0.5}]}\n  \
        - {name: second, title: S, rows: [A1], origin: public-code, level: extra, after: [first], steps: [{step: say, send: {method: GET, path: \"/${id}/${lesson}\"}, expect: {status: [200, 204]}}]}\n";
    let read = Contract::read(&(contract(GET) + more)).expect("it is right");
    let before = read.before(read.flow("third").expect("a flow")).expect("no circle");
    assert_eq!(before.iter().map(|flow| flow.name.as_str()).collect::<Vec<_>>(), ["first", "second"]);
    assert!(read.flow("fourth").is_err());
}

#[test]
fn what_the_description_does_not_know_is_refused() {
    let right = contract(GET);
    for (what, instead, said) in [
        ("rows: [A1]\nsettings", "rows: [A1]\ncolour: red\nsettings", "colour"),
        ("auth: none", "auth: none\n  port: 80", "port"),
        ("level: required", "level: required\n    mood: good", "mood"),
        ("level: required", "level: optional", "optional"),
        ("origin: documented", "origin: heard", "heard"),
        ("{id: str}", "{id: text}", "\"text\" is no type"),
        ("step: look", "step: look, hurry: true", "hurry"),
        ("path: /}", "path: /, body: 1}", "body"),
        ("status: 200,", "status: 200, colour: red,", "colour"),
        ("@Named", "@Nobody", "there is no SHAPE @Nobody"),
        ("path: /}", "path: \"/${luck}\"}", "${luck} is not set"),
        ("path: /}", "path: /, multipart: {file: {file: b.txt}}}", "no fixture b.txt"),
        ("path: /}", "path: /, multipart: {file: {file: a.txt, mode: 7}}}", "mode"),
        ("path: /}", "path: /}, wait: 1", "exactly one"),
        ("expect: {status: 200, body: \"@Named\"}, save: {id: /id}", "note: n", "nothing is expected"),
        ("expect:", "background: one, expect:", "no answer to look at"),
        ("body: \"@Named\"", "body: \"@Named\", example: {id: 1}", "at /id: str was due, found 1"),
        ("save:", "repeat_until: {timeout: 1}, save:", "neither pointer nor status"),
        ("save:", "repeat_until: {timeout: -1, status: 200}, save:", "-1 s"),
        ("save:", "repeat_until: {timeout: 1, pointer: /id, equals: a, in: [b]}, save:", "exactly one of equals"),
        ("save:", "fail_if: {pointer: /id}, save:", "exactly one of equals"),
        ("rows: [A1]\n    origin", "rows: [A2]\n    origin", "row A2"),
        ("rows: [A1]\nsettings", "rows: [A1, A2]\nsettings", "row A2 has no flow"),
        ("title: First", "title: First\n    needs: [money]", "does not explain money"),
        ("title: First", "title: First\n    after: [second]", "no flow second"),
        ("title: First", "title: First\n    after: [first]", "comes before itself"),
        ("title: Small", "title: Small\ntitle: Again", "title"),
    ] {
        assert!(right.contains(what), "{what}");
        let error = fails(&right.replacen(what, instead, 1));
        assert!(error.contains(said), "{instead}: {error}");
    }
    let error = fails(&(right + "      - {step: wait for it, join: one, expect: {status: 200}}\n"));
    assert!(error.contains("flow first: step \"wait for it\": one was not started"), "{error}");
}

#[test]
fn messages_and_streams_are_read_strictly() {
    let step = |does: &str| contract(&format!("      - {{step: s, {does}}}\n"));
    let ws = |messages: &str| step(&format!("ws: {{open: /ws, messages: [{messages}]}}"));
    let sse = "sse: {open: /e, events: {message: \"@Named\"}, last: {event: message, data: any}, within: 5}";
    for right in [
        ws("{send: {a: 1}}, {receive: \"@Named\", within: 1}, {close: 1000}"),
        ws("{receive_until: {pointer: /id, in: [a]}, each: any, last: \"@Named\", within: 1}, {expect_close: [1000], within: 2}"),
        step("ws: [{open: /a, messages: []}, {open: /a, refused: [403], messages: [], origin: inferred}]"),
        step(sse),
        step("mint: {as: token, alg: HS256, secret: \"${run}\", claims: {exp: now}}"),
    ] {
        Contract::read(&right).unwrap_or_else(|error| panic!("{right}: {error}"));
    }
    for (wrong, said) in [
        (ws("{receive: any}"), "a message is one of"),
        (ws("{send: 1, close: 1000}"), "a message is one of"),
        (ws("{receive: \"@Nobody\", within: 1}"), "@Nobody"),
        (step(&sse.replace("within: 5", "within: 5, retry: 1")), "retry"),
        (step(&sse.replace("data: any", "data: \"@Nobody\"")), "@Nobody"),
        (step("mint: {as: token, alg: HS256, claims: {}}"), "secret"),
        (step("wait: 1, save: {a: /a}"), "no answer to look at"),
    ] {
        let error = fails(&wrong);
        assert!(error.contains(said), "{wrong}: {error}");
    }
}

#[test]
fn variables_are_put_in_and_keep_their_type_when_alone() {
    let mut variables = Variables::default();
    variables.set("n", 7);
    variables.set("who", "anna");
    let template = json!({ "${who}": ["${n}", "n=${n}", "$who ${who}!", "${n}${n}"], "b": [true, null] });
    let filled = variables.fill(&template).expect("all are set");
    assert_eq!(filled, json!({ "anna": [7, "n=7", "$who anna!", "77"], "b": [true, null] }));
    for missing in [json!("${x}"), json!({ "a": ["b ${x}"] }), json!({ "${x}": 1 })] {
        assert_eq!(variables.fill(&missing).expect_err("x is not set"), "the variable ${x} is not set");
    }
    let mut others = Variables::default();
    others.set("who", "bert");
    variables.extend(&others);
    assert_eq!(variables.fill(&json!("${who}")), Ok(json!("bert")));
}
