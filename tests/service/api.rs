//! The description of the API, and what there is to choose from.

use super::server::{SHORT, Server, client};
use crate::live::stage::runtime;
use crate::support::root;
use reqwest::Method;
use serde_json::{Value, json};

/// One request with a token; status, type and text of the answer.
fn fetch(server: &Server, method: &str, path: &str, body: Option<&str>) -> (u16, String, String) {
    runtime().block_on(async {
        let request = client().request(method.to_uppercase().parse::<Method>().unwrap(), format!("{}{path}", server.origin));
        let request = request.bearer_auth(&server.token).body(body.unwrap_or_default().to_string());
        let answer = request.send().await.expect("an answer");
        let kind = answer.headers().get("content-type").map(|kind| kind.to_str().unwrap().to_string()).unwrap_or_default();
        (answer.status().as_u16(), kind, answer.text().await.expect("text"))
    })
}

#[test]
fn everything_that_is_described_is_there_and_the_page_shows_it() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), &[]);
    let (status, kind, text) = fetch(&server, "get", "/v1/openapi.json", None);
    assert_eq!((status, kind.as_str()), (200, "application/json"));
    let document: Value = serde_json::from_str(&text).unwrap();
    let (_, kind, page) = fetch(&server, "get", "/v1", None);
    assert!(kind.starts_with("text/html"), "{kind}");
    let mut operations = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            let place =
                path.replace("{room}", "nowhere").replace("{name}", "nothing").replace("{id}", "nothing").replace("{jti}", "nothing");
            let (status, kind, text) = fetch(&server, method, &place, None);
            let code = serde_json::from_str::<Value>(&text).map(|problem| problem["code"].clone()).unwrap_or_default();
            // Nothing is there of this name, but somebody has looked.
            assert!(status < 500 && status != 405 && code != "not_found", "{method} {path}: {status} {text}");
            assert!(status < 400 || kind == "application/problem+json", "{method} {path}: {status} {kind}");
            assert!(page.contains(path.as_str()), "the page lacks {path}");
            operations += 1;
        }
    }
    assert!(operations >= 20, "{operations} operations");
}

/// serde would take a list for what it reads: its items as the fields in their order.
#[test]
fn what_is_described_as_an_object_is_not_taken_as_a_list() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), &[]);
    let post = |path: &str, body: Value| server.ask(Method::POST, path, Some(body));
    let script = |field: &str| json!({ "script": "Hello there.", "hold": true, field: [] });
    for (path, body) in [
        ("backups", json!(["monday"])),
        ("webhooks", json!(["https://a.example/", false])),
        ("tokens", json!(["viewer", "a", "b", "1h"])),
        ("jobs", json!([null, null, "Hello there.", null, null, 0, true])),
        ("jobs", script("wishes")),
        ("jobs", script("looks")),
        ("live/nowhere/log", json!(["joined"])),
        ("live/nowhere/log", json!([["joined"]])),
        ("live/nowhere/log", json!(vec![json!({ "event_type": "joined" }); 101])),
    ] {
        let (status, problem) = post(path, body.clone());
        assert_eq!((status.as_u16(), &problem["code"]), (400, &json!("bad_request")), "{path} {body}: {problem}");
    }
    for body in [json!({ "event_type": "joined" }), json!(vec![json!({ "event_type": "joined" }); 100]), json!([])] {
        assert_eq!(post("live/nowhere/log", body.clone()).0.as_u16(), 204, "{body}");
    }
    assert_eq!(post("backups", json!({ "name": "monday" })).0.as_u16(), 201);
}

#[test]
fn what_there_is_to_choose_from_is_told() {
    let home = tempfile::tempdir().unwrap();
    let lessons = home.path().join("lessons/course");
    std::fs::create_dir_all(&lessons).unwrap();
    std::fs::write(lessons.join("one.yaml"), "").unwrap();
    std::fs::write(lessons.join(".hidden"), "").unwrap();
    let server = Server::start(home.path(), &["--lessons", home.path().join("lessons").to_str().unwrap()]);
    let get = |path: &str| server.must(Method::GET, path, None);
    let all = json!({ "lessons": ["course/one.yaml"], "total": 1, "limit": 1000, "offset": 0, "next_offset": null });
    assert_eq!((get("lessons"), get("lessons?offset=1")["lessons"].clone()), (all, json!([])));
    assert_eq!(server.ask(Method::GET, "lessons?limit=0", None).0.as_u16(), 400);
    let default = |list: &Value| list.as_array().unwrap().iter().filter(|one| one["default"] == true).count();
    assert_eq!((default(&get("voices")["voices"]), default(&get("avatars")["avatars"])), (1, 1));
    assert_eq!(get("nodes/chroma_compositor")["name"], "chroma_compositor");
    assert_eq!(server.ask(Method::GET, "nodes/chroma", None).0.as_u16(), 404);
    for schema in ["graphs/schema", "lessons/schema"] {
        assert!(get(schema)["$schema"].is_string(), "{schema}");
    }
    let graph = get("graphs")["graphs"][0]["text"].as_str().unwrap().to_string();
    let check = |text: &str| serde_json::from_str::<Value>(&fetch(&server, "post", "/v1/graphs/check", Some(text)).2).unwrap();
    let wrong = check(&graph.replace("type: chroma_compositor", "type: chroma_composer"));
    assert_eq!((&wrong["valid"], &wrong["problems"][0]["code"]), (&json!(false), &json!("G019")), "{wrong}");
    assert!(wrong["problems"][0]["line"].as_u64().unwrap() > 1 && wrong["problems"][0]["help"].is_string(), "{wrong}");
}

#[test]
fn every_answer_says_what_browsers_may_do_with_it() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), &[]);
    let paths =
        [("/", 200), ("/v1", 200), ("/v1/health", 200), ("/live/demo", 200), ("/health", 200), ("/v1/jobs", 401), ("/nowhere", 404)];
    for (path, due) in paths {
        runtime().block_on(async {
            let answer = client().get(format!("{}{path}", server.origin)).send().await.expect("an answer");
            assert_eq!(answer.status().as_u16(), due, "{path}");
            let said = |name: &str| answer.headers().get(name).map(|value| value.to_str().unwrap()).unwrap_or_default();
            let policy = said("content-security-policy");
            for rule in ["default-src 'self'", "base-uri 'none'", "form-action 'self'", "frame-ancestors 'self'"] {
                assert!(policy.split("; ").any(|one| one.trim() == rule), "{path}: {rule}: {policy}");
            }
            assert_eq!((said("x-content-type-options"), said("referrer-policy")), ("nosniff", "no-referrer"), "{path}");
            assert_eq!(said("cross-origin-opener-policy"), "same-origin", "{path}");
        });
    }
    let (_, kind, text) = fetch(&server, "get", "/v1/health", None);
    let health: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((kind.as_str(), &health["status"], &health["takes_jobs"]), ("application/json", &json!("healthy"), &json!(true)));
}

#[test]
fn who_changed_something_is_kept() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), &["--logs", home.path().join("logs").to_str().unwrap()]);
    let deck = server.deck("lesson.yaml", SHORT.as_bytes());
    server.must(Method::GET, "decks", None);
    server.must(Method::DELETE, &format!("decks/{deck}"), None);
    assert_eq!(fetch(&server, "post", "/api/auth/login", Some("{\"password\": \"secret\"}")).0 / 100, 4);
    let log = std::fs::read_dir(home.path().join("logs")).unwrap().flatten().map(|file| file.path());
    let log = log.into_iter().find(|path| path.file_name().unwrap().to_str().unwrap().starts_with("audit_")).expect("an audit log");
    let text = std::fs::read_to_string(log).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let said = |line: &Value| {
        format!("{} {} {}", line["who"].as_str().unwrap_or("?"), line["action"].as_str().unwrap(), line["what"].as_str().unwrap())
    };
    let due = ["first POST /v1/decks".to_string(), format!("first DELETE /v1/decks/{deck}"), "first POST /api/auth/login".to_string()];
    assert_eq!(lines.iter().map(said).collect::<Vec<_>>(), due);
    assert_eq!((&lines[0]["status"], &lines[1]["status"], &lines[0]["address"]), (&json!(201), &json!(204), &json!("127.0.0.1")));
    assert!(!text.contains("secret"), "what was sent stays out of it");
}

#[test]
fn alerts_have_the_thresholds_and_times_that_operators_know() {
    let text = std::fs::read_to_string(root().join("server/ops/alerts.yaml")).unwrap();
    let alerts: Value = serde_saphyr::from_str(&text).unwrap();
    let rules: Vec<&Value> = alerts["groups"].as_array().unwrap().iter().flat_map(|group| group["rules"].as_array().unwrap()).collect();
    for (expression, time) in
        [("pipeline_success_rate < 0.95", "10m"), ("gpu_utilization_percent > 90", "5m"), ("storage_free_bytes < 5e9", "1m")]
    {
        let rule = rules.iter().find(|rule| rule["expr"] == expression).unwrap_or_else(|| panic!("no alert asks {expression}"));
        assert_eq!(rule["for"], time, "{expression}");
    }
    for rule in rules {
        let has_words = |value: &Value| value.as_str().is_some_and(|text| !text.is_empty());
        assert!(has_words(&rule["alert"]) && has_words(&rule["annotations"]["summary"]), "{rule}");
        assert!(["page", "warn"].contains(&rule["labels"]["severity"].as_str().unwrap_or_default()), "{rule}");
    }
}

#[test]
fn alerts_and_dashboard_ask_for_figures_that_there_are() {
    let read = |name: &str| std::fs::read_to_string(root().join("server/ops").join(name)).unwrap();
    let alerts: Value = serde_saphyr::from_str(&read("alerts.yaml")).unwrap();
    let rules = alerts["groups"][0]["rules"].as_array().unwrap().iter().map(|rule| rule["expr"].as_str().unwrap().to_string());
    let dashboard: Value = serde_json::from_str(&read("dashboard.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap().iter().flat_map(|panel| panel["targets"].as_array().into_iter().flatten());
    let asked: Vec<String> = rules.chain(panels.map(|target| target["expr"].as_str().unwrap().to_string())).collect();
    assert!(asked.len() > 15, "{asked:?}");
    let source = std::fs::read_to_string(root().join("server/src/metrics.rs")).unwrap();
    let named = regex::Regex::new(r"\b(?:lectern|pipeline|storage|gpu|active)_[a-z_]+").unwrap();
    for name in asked.iter().flat_map(|text| named.find_iter(text)) {
        assert!(source.contains(&format!("\"{}\"", name.as_str())), "nobody tells {}", name.as_str());
    }
    // And they are told.
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), &[]);
    let (_, _, text) = fetch(&server, "get", "/metrics", None);
    for figure in ["lectern_jobs{state=\"pending\"} 0", "pipeline_success_rate 1", "storage_free_bytes "] {
        assert!(text.contains(figure), "{figure}: {text}");
    }
}
