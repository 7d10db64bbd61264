use super::*;
use crate::contracts::stand_in::{Fault, StandIn, mirror, pipeline};

/// A contract with these flows and nothing else; `a.txt` and `big.pdf` can be sent.
fn contract(flows: &str) -> Contract {
    let head = "system: mirror\ntitle: Mirror\nrows: [A1]\nno_contract: {}\nshapes: {}\n\
        settings:\n  base_path: \"\"\n  auth: none\n  provides: [run, session_secret]\n  vars: {word: \"w-${run}\"}\n  fixtures:\n    \
        a.txt: {content_type: text/plain}\n    big.pdf: {content_type: application/pdf, size: 70000001}\n  server: {needs: {}}\nflows:\n";
    Contract::read(&format!("{head}{flows}")).unwrap_or_else(|error| panic!("{error}"))
}

/// A flow of these steps.
fn flow(name: &str, more: &str, steps: &str) -> String {
    let steps: String = steps.lines().map(|line| format!("      {line}\n")).collect();
    format!("  - name: {name}\n    title: T\n    rows: [A1]\n    origin: documented\n    level: required\n{more}    steps:\n{steps}")
}

const SECRET: &str = "a secret that is long enough to sign with";

/// Plays flows of a contract against a stand-in, in order; what stopped each of them.
fn play(contract: &Contract, routes: axum::Router, names: &[&str]) -> Vec<Option<Failure>> {
    let runtime = crate::contracts::runtime();
    let stand_in = StandIn::start(routes);
    let place = Place::new(&stand_in.origin, contract, vec![SECRET.into()]);
    ["a.txt", "person.jpg", "speech.wav"].iter().for_each(|name| place.fixtures.put(name, b"What is sent."));
    let mut provided = Variables::default();
    provided.set("run", "12345678");
    provided.set("session_secret", SECRET);
    let mut player = Player::new(contract, place, &provided);
    let played = names.iter().map(|name| match runtime.block_on(player.play(contract.flow(name).expect("a flow"))) {
        Outcome::Passed(_) => None,
        Outcome::Failed(failure) => Some(failure.clone()),
    });
    played.collect()
}

/// The steps are played and all pass.
fn passes(steps: &str) {
    let failures = play(&contract(&flow("all", "", steps)), mirror(), &["all"]);
    assert!(failures[0].is_none(), "{:?}", failures[0]);
}

/// The last of the steps fails, and says why.
fn fails(steps: &str) -> Failure {
    let contract = contract(&flow("all", "", steps));
    let failure = play(&contract, mirror(), &["all"]).remove(0).unwrap_or_else(|| panic!("it passes: {steps}"));
    assert_eq!(failure.step, contract.flows[0].steps.last().expect("a step")["step"], "{failure:?}");
    failure
}

#[test]
fn requests_are_sent_as_they_are_written() {
    passes(
        r#"- step: JSON
  send: {method: POST, path: "/echo/a%20b", query: {q: "ä & b", w: "${word}"}, headers: {X-Who: "${run}"}, json: {n: 1, of: "${word}"}}
  expect:
    status: 200
    content_type: application/json
    headers: {x-TWO: {$const: "a, b"}, Location: null}
    body:
      method: {$const: POST}
      path: {$const: "/echo/a%20b"}
      query: {$const: "q=%C3%A4+%26+b&w=w-12345678"}
      headers: {content-type: {$const: application/json}, x-who: {$const: "12345678"}}
      body: {$const: '{"n":1,"of":"w-12345678"}'}
  save: {body: /body, all: ""}
- step: a form
  send: {method: PUT, path: /echo/form, form: {a: "1 2", b: "${body}"}}
  expect: {status: 200, body: {method: {$const: PUT}, headers: {content-type: /^application.x-www-form-urlencoded/}, body: "/^a=1\\+2&b=%7B%22n%22/"}}
- step: raw, with another type
  send: {method: PATCH, path: /echo/raw, headers: {Content-Type: application/json}, raw: "{oops"}
  expect: {status: 200, body: {headers: {content-type: {$const: application/json}}, body: {$const: "{oops"}}}
- step: nothing at all
  send: {method: OPTIONS, path: /echo/x}
  expect: {status: [200, 204], body: {query: "null", body: {$const: ""}}}
- step: parts
  send:
    method: POST
    path: /parts
    multipart: {word: "${word}", file: {file: a.txt, name: b.txt, content_type: text/x}, other: {file: a.txt, size_hint: 9}, big: {file: big.pdf}}
  expect:
    status: 200
    body:
      word: {file: "null", type: "null", head: {$const: w-12345678}}
      file: {file: {$const: b.txt}, type: {$const: text/x}, length: {$const: 13}, head: {$const: What is sent.}}
      other: {file: {$const: a.txt}, type: {$const: text/plain}}
      big: {type: {$const: application/pdf}, length: {$const: 70000001}, head: "/^%PDF/"}
      content-length: "/^70000[0-9]{3}$/"
- step: refused before it is read
  send: {method: POST, path: /small, multipart: {big: {file: big.pdf}}}
  expect: {status: 413, body: {detail: {$const: too large}}}
- step: redirects are not followed
  send: {method: GET, path: /moved}
  expect: {status: 307, headers: {Location: path}}
- step: no body
  send: {method: DELETE, path: /gone}
  expect: {status: 204}
- step: text
  send: {method: HEAD, path: /text}
  expect: {status: 200, content_type: text/plain}
"#,
    );
}

#[test]
fn answers_are_waited_for_and_work_goes_on_in_the_background() {
    passes(
        r#"- step: somebody waits
  background: one
  send: {method: GET, path: /wait}
- step: the third time
  send: {method: GET, path: /third}
  repeat_until: {pointer: /status, in: [completed], timeout: 30, every: 0.01}
  fail_if: {pointer: /status, equals: failed}
  meanwhile: {status: 200, body: {status: {$const: processing}}}
  expect: {status: 200, body: {status: {$const: completed}, count: {$const: 3}}}
  save: {count: /count}
- {step: a moment, wait: 0.01}
- {step: come, send: {method: GET, path: "/come"}, expect: {status: 200}}
- step: they met
  join: one
  expect: {status: 200, body: {met: {$const: true}}}
  save: {met: /met}
- step: what was saved keeps its type
  send: {method: POST, path: /echo/x, json: {count: "${count}", met: "${met}", text: "${count} ${met}"}}
  expect: {status: 200, body: {body: {$const: '{"count":3,"met":true,"text":"3 true"}'}}}
- step: sign
  mint: {as: token, alg: HS256, secret: "${session_secret}", claims: {sub: "${run}", iat: now, exp: now+3600}}
- step: signed
  send: {method: GET, path: /echo/x, headers: {Authorization: "${token}"}}
  expect: {status: 200, body: {headers: {authorization: {$alg: [HS256], $jwt: {sub: {$const: "12345678"}, iat: epoch, exp: epoch}}}}}
"#,
    );
    let never = "- step: never\n  send: {method: GET, path: /third}\n  repeat_until: {pointer: /count, equals: 0, timeout: 30, every: 0, max: 4}\n  expect: {status: 200}";
    assert!(fails(never).reason.starts_with("not reached in 4 times and"), "{never}");
    let late = never.replace("timeout: 30, every: 0, max: 4", "timeout: 0.05, every: 0.02");
    assert!(fails(&late).reason.starts_with("not reached in "), "{late}");
    let ended = never.replace("  expect", "  fail_if: {pointer: /status, in: [completed]}\n  expect");
    assert!(fails(&ended).reason.starts_with("it has failed after"), "{ended}");
    let meanwhile = never.replace("  expect", "  meanwhile: {status: 200, body: {count: {$range: [0, 1]}}}\n  expect");
    assert!(fails(&meanwhile).reason.starts_with("meanwhile, at /count: a number from 0 to 1 was due, found 2."), "{meanwhile}");
    let matched = never.replace("equals: 0", "match: /^comp/").replace("/count", "/status");
    passes(&matched);
}

#[test]
fn what_was_answered_wrongly_is_told_with_its_place() {
    let get = |expect: &str| fails(&format!("- step: look\n  note: careful\n  send: {{method: GET, path: /third}}\n  expect: {expect}"));
    let failure = get("{status: 201}");
    assert!(
        failure.reason.starts_with("status 201 was due, found 200. The answer: HTTP 200 application/json, {\"count\":1"),
        "{failure:?}"
    );
    assert_eq!((failure.origin, failure.note.as_deref()), (Origin::Documented, Some("careful")));
    assert!(get("{status: 200, content_type: text/html}").reason.starts_with("content type text/html was due, found \"application/json\""));
    assert!(get("{status: 200, headers: {X-A: str}}").reason.starts_with("the header X-A is missing"));
    assert!(get("{status: 200, headers: {Content-Type: null}}").reason.starts_with("the header Content-Type must not be there"));
    let failure = get("{status: 200, body: {status: {$const: done}, id: str}}");
    assert!(
        failure.reason.contains("at /id: is missing") && failure.reason.contains("at /status: \"done\" was due, found \"processing\""),
        "{failure:?}"
    );
    let failure = get("[{status: 404}, {status: 200, body: {id: str}, origin: inferred}]");
    assert!(failure.reason.starts_with("none of 2 answers fits: (1) status 404 was due, found 200 (2) at /id: is missing"), "{failure:?}");
    assert_eq!(failure.origin, Origin::Inferred, "the nearest of them is");
    let failure = fails("- step: save\n  send: {method: GET, path: /third}\n  expect: {status: 200}\n  save: {id: /task/id}");
    assert!(failure.reason.starts_with("id cannot be saved: there is nothing at /task/id of HTTP 200"), "{failure:?}");
    let failure = fails("- step: text\n  send: {method: GET, path: /text}\n  expect: {status: 200, body: {$text: /^1$/m}}");
    assert!(failure.reason.contains("a text in which /^1$/m is found was due"), "{failure:?}");
    let failure = fails("- step: nowhere\n  send: {method: GET, path: \"http://127.0.0.1:1/\"}\n  expect: {status: 200}");
    assert!(failure.reason.contains("GET http://127.0.0.1:1/: "), "{failure:?}");
}

#[test]
fn sockets_are_talked_to_and_alternatives_tried() {
    let socket = |messages: &str| format!("- step: talk\n  ws: {{open: /socket, clients: 3, messages: [{messages}]}}");
    passes(&socket("{send: {a: \"${word}\"}}, {receive: {heard: {a: {$const: w-12345678}}}, within: 30}, {close: 1000}"));
    passes(&socket(
        "{send: {n: 1}}, {send: {n: 2}}, {receive_until: {pointer: /heard/n, equals: 2}, each: {heard: {n: int}}, last: any, within: 30}",
    ));
    passes(&socket("{send: {n: 1}}, {send: {close: 4004}}, {expect_close: [1008, 4004], within: 30}"));
    let fault = |messages: &str| fails(&socket(messages)).reason;
    let said = fault("{send: {a: 1}}, {receive: {heard: {a: str}}, within: 30}");
    assert!(
        said.starts_with("client ") && said.contains(": message 1: at /heard/a: str was due, found 1. The message: {\"heard\":{\"a\":1}}"),
        "{said}"
    );
    let said = fault("{send: {a: 1}}, {receive_until: {pointer: /b, equals: 1}, each: any, within: 0.2}");
    assert!(said.contains("nothing came in time after 1 messages"), "{said}");
    let said = fault("{send: {close: 1011}}, {receive: any, within: 30}");
    assert!(said.contains("it was closed with 1011 after 0 messages, where another was due"), "{said}");
    let said = fault("{send: {close: 1011}}, {expect_close: [1000], within: 30}");
    assert!(said.contains("it was closed with 1011, where one of [1000] was due"), "{said}");
    passes("- step: refused\n  ws: {open: /nowhere, refused: [403, 404], messages: []}");
    let other = "- step: refused\n  ws: [{open: /nowhere, refused: [403], messages: []}, {open: /socket, refused: [404], messages: [], origin: inferred}]";
    let said = fails(other).reason;
    assert!(
        said.contains("(1) ") && said.contains("HTTP [403] was due, it was refused with HTTP 404 (2) ") && said.contains("was opened"),
        "{said}"
    );
    passes(&other.replace("[403]", "[404]"));
    let said = fails("- step: not opened\n  ws: {open: /nowhere, messages: [{close: 1000}]}").reason;
    assert!(said.contains("it was refused with HTTP 404"), "{said}");
}

#[test]
fn what_comes_first_is_played_once_and_its_failure_is_told() {
    let first = flow("first", "", "- {step: count, send: {method: GET, path: /third}, expect: {status: 200}, save: {count: /count}}");
    let look =
        "- {step: look, send: {method: POST, path: /echo/x, json: \"${count}\"}, expect: {status: 200, body: {body: {$const: \"1\"}}}}";
    let flows = [first.clone(), flow("second", "    after: [first]\n", look), flow("third", "    after: [first, second]\n", look)].concat();
    let played = play(&contract(&flows), mirror(), &["third", "second", "first"]);
    assert!(played.iter().all(Option::is_none), "{played:?}");
    let broken = play(&contract(&flows.replace("save: {count: /count}", "save: {count: /counts}")), mirror(), &["third"]);
    let failure = broken[0].as_ref().expect("it fails");
    assert_eq!(failure.step, "first has to pass first");
    assert!(failure.reason.contains("at \"count\", count cannot be saved"), "{failure:?}");
}

/// Flows of the real contract against a stand-in that keeps it, but for one fault.
fn pipeline_with(fault: Fault, names: &[&str]) -> Vec<Option<Failure>> {
    let (routes, asked) = pipeline(fault);
    let played = play(&Contract::named("video_message"), routes, names);
    assert!(!asked.lock().expect("no test panics with it").is_empty());
    played
}

#[test]
fn flows_of_the_contract_pass_where_it_is_kept() {
    let names = ["progress_ws", "progress_sse", "generate", "later_client", "generate_defaults", "unknown_task"];
    for (name, failure) in names.iter().zip(pipeline_with(Fault::None, &names)) {
        assert!(failure.is_none(), "{name}: {failure:?}");
    }
}

#[test]
fn flows_of_the_contract_fail_where_it_is_broken() {
    for (fault, flow, step, said) in [
        (Fault::NoStages, "generate", "generate, every value given", "at /stages_completed: a list was due, found null"),
        (Fault::NoFilm, "generate", "fetch the film", "a body of 10000 bytes or more with \"ftyp\" at byte 4 was due, found 20018 bytes"),
        (Fault::WrongPercent, "progress_ws", "history, then the end, for two clients at once", "message 5: at /data/"),
        (Fault::ClosedEarly, "progress_ws", "history, then the end, for two clients at once", "it was closed with 1000 after 3 messages"),
        (
            Fault::NoAddress,
            "progress_ws",
            "what the sample client reads, at the top level",
            "at /metadata/video_url: is missing, found only []",
        ),
        (Fault::NoAddress, "progress_sse", "history and the named end", "event 7, complete: at /video_url: is missing"),
        (Fault::UnknownType, "later_client", "WebSocket to the end", "at /event_type: one of [\"stage_update\","),
    ] {
        let failure = pipeline_with(fault, &[flow]).remove(0).unwrap_or_else(|| panic!("{flow} passes with {fault:?}"));
        assert_eq!(failure.step, step, "{fault:?}: {failure:?}");
        assert!(failure.reason.contains(said), "{fault:?}: {}", failure.reason);
    }
}
