//! Both sides of the wire: a server on this machine that speaks the format and fails in the ways that services do.

use super::fit::NARRATION_CHARS;
use super::*;
use crate::writer::{Part, Passage};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use engine::graph::Secret;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// How the server answers a question.
enum Reply {
    /// With these statuses, headers and bodies, whatever is asked.
    Status(StatusCode, Option<&'static str>, String),
    /// As a model would that does what it is told.
    Well,
    /// The same, with the text changed.
    Changed(fn(String) -> String),
    /// A whole message of its own.
    Message(Value, &'static str),
    /// Not at all.
    Never,
}

#[derive(Default)]
struct Model {
    replies: VecDeque<Reply>,
    /// Keys and bodies of the questions.
    asked: Vec<(String, Value)>,
}

type Shared = Arc<Mutex<Model>>;

/// A server that gives these replies in turn, then answers well.
struct Server {
    model: Shared,
    base: String,
    runtime: tokio::runtime::Runtime,
}

impl Server {
    fn start(replies: impl IntoIterator<Item = Reply>) -> Server {
        let model = Arc::new(Mutex::new(Model { replies: replies.into_iter().collect(), asked: Vec::new() }));
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let base = format!("http://{}/v1", listener.local_addr().unwrap());
        let router = axum::Router::new().route("/v1/chat/completions", axum::routing::post(complete)).with_state(model.clone());
        runtime.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Server { model, base, runtime }
    }

    fn settings(&self) -> ChatSettings {
        ChatSettings {
            key: Some(Secret::new("secret-key")),
            first_wait: Duration::from_millis(1),
            ..ChatSettings::new(&self.base, "small")
        }
    }

    fn chat(&self) -> Chat {
        Chat::open(self.settings(), Cancel::default()).unwrap()
    }

    fn asked(&self) -> Vec<(String, Value)> {
        self.model.lock().unwrap().asked.clone()
    }
}

async fn complete(State(model): State<Shared>, headers: HeaderMap, axum::Json(body): axum::Json<Value>) -> Response {
    let reply = {
        let mut model = model.lock().unwrap();
        let key = headers.get("authorization").map_or("", |value| value.to_str().unwrap()).to_string();
        model.asked.push((key, body.clone()));
        model.replies.pop_front().unwrap_or(Reply::Well)
    };
    let message = |message: Value, finish: &str| {
        axum::Json(json!({
            "id": "1", "object": "chat.completion", "choices": [{ "index": 0, "message": message, "finish_reason": finish }],
            "usage": { "prompt_tokens": 1000, "completion_tokens": 500, "total_tokens": 1500 },
        }))
        .into_response()
    };
    match reply {
        Reply::Well => message(json!({ "role": "assistant", "content": well(&body) }), "stop"),
        Reply::Changed(change) => message(json!({ "role": "assistant", "content": change(well(&body)) }), "stop"),
        Reply::Message(own, finish) => message(own, finish),
        Reply::Never => std::future::pending().await,
        Reply::Status(status, after, text) => {
            let mut response = (status, text).into_response();
            if let Some(after) = after {
                response.headers_mut().insert("retry-after", after.parse().unwrap());
            }
            response
        }
    }
}

/// The answer to a question in the form that it asks for.
fn well(body: &Value) -> String {
    let material: Value = serde_json::from_str(body["messages"][1]["content"].as_str().unwrap()).unwrap();
    let name = body.pointer("/response_format/json_schema/name").and_then(Value::as_str).unwrap_or("narration");
    let each = |make: fn(&Value) -> Value| {
        let items: Vec<Value> = material["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| with_index(&make(item), item["index"].as_u64().unwrap() as usize))
            .collect();
        json!({ "items": items })
    };
    let answer = match name {
        "key_points" => each(|item| json!({ "points": [format!("- Point of {}", item["heading"].as_str().unwrap())], "weight": 0.5 })),
        "narration" => each(|item| json!({ "text": format!("Said about {}.\n\n And more. ", item["title"].as_str().unwrap()) })),
        "revision" => each(|item| json!({ "text": format!("Revised: {}", item["text"].as_str().unwrap()) })),
        "translation" => each(|item| json!({ "text": item["text"].as_str().unwrap().to_uppercase() })),
        "captions" => each(
            |item| json!({ "captions": item["captions"].as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_uppercase()).collect::<Vec<_>>() }),
        ),
        "summary" => json!({ "text": "A summary." }),
        "outline" => {
            let points = |passage: &Value| json!({ "role": "points", "title": passage["heading"], "points": passage["points"], "passages": [passage["index"], 99] });
            let slides: Vec<Value> = material["passages"].as_array().unwrap().iter().map(points).collect();
            let first = json!({ "role": "title", "title": material["title"], "points": [], "passages": [] });
            let slides = [vec![first], slides].concat();
            json!({ "title": material["title"], "slides": slides })
        }
        other => panic!("unknown form {other}"),
    };
    answer.to_string()
}

fn content(passages: usize) -> Content {
    let passage = |index: usize| Passage {
        heading: format!("Heading {index}"),
        parts: vec![Part::Prose(format!("Fact {index} is about subject number {index} and nothing else at all."))],
        ..Passage::default()
    };
    Content { title: "All".into(), language: "en".into(), passages: (0..passages).map(passage).collect() }
}

fn texts(count: usize) -> Vec<String> {
    (0..count).map(|index| format!("Text {index}.")).collect()
}

fn revise(chat: &Chat) -> Result<Vec<String>, String> {
    chat.revise(&texts(2), "en", &Brief::default(), &mut Notes::default()).map_err(|error| error.to_string())
}

const REVISED: [&str; 2] = ["Revised: Text 0.", "Revised: Text 1."];

#[test]
fn a_lecture_is_written_in_the_forms_that_are_asked_for() {
    let server = Server::start([]);
    let (chat, content, mut notes) = (server.chat(), content(3), Notes::default());
    let brief = Brief { instructions: "For pirates".into(), length: Some(Span::from_seconds(60)), ..Brief::default() };
    let points = chat.analyse(&content, &brief, &mut notes).unwrap();
    assert_eq!(points[2], KeyPoints { points: vec!["Point of Heading 2".into()], weight: 0.5 });
    let outline = chat.outline(&content, &points, &brief, &mut notes).unwrap();
    assert_eq!(outline.slides.len(), 4);
    assert_eq!(
        (outline.slides[0].role, outline.slides[3].passages.as_slice()),
        (Role::Title, [2].as_slice()),
        "passages that are not there are left out"
    );
    let script = chat.write(&content, &outline, &brief, &mut notes).unwrap();
    assert_eq!(script[1], "Said about Heading 0.\nAnd more.");
    assert_eq!(chat.translate(&["Hi 5".into(), "42".into()], "en", "de", &mut notes).unwrap().unwrap(), ["HI 5", "42"]);
    assert_eq!(chat.summarise(&content, Span::from_seconds(10), &brief, &mut notes).unwrap(), "A summary.");
    assert!(notes.mention(&format!("was written by small at {}", server.base)) && notes.mention("translated from \"en\" to \"de\""));
    let asked = server.asked();
    assert_eq!(asked.len(), 5, "numbers alone are not translated");
    for (key, body) in &asked {
        assert_eq!((key.as_str(), body["model"].as_str()), ("Bearer secret-key", Some("small")));
        assert_eq!(body["response_format"]["type"], "json_schema");
        assert_eq!(body["response_format"]["json_schema"]["strict"], true);
    }
    assert!(asked[2].1["messages"][0]["content"].as_str().unwrap().contains("For pirates"));
}

#[test]
fn what_may_pass_is_tried_again() {
    let broken = |text: &str| Reply::Status(StatusCode::OK, None, text.into());
    let server = Server::start([
        Reply::Status(StatusCode::TOO_MANY_REQUESTS, Some("1"), "{}".into()),
        Reply::Status(StatusCode::INTERNAL_SERVER_ERROR, None, "oops".into()),
        broken("{\"choices\": ["),
        Reply::Changed(|_| "I would rather talk.".into()),
    ]);
    let before = Instant::now();
    assert_eq!(revise(&server.chat()).unwrap(), REVISED);
    assert!(before.elapsed() >= Duration::from_secs(1), "Retry-After is kept to");
    assert_eq!(server.asked().len(), 5);
}

#[test]
fn what_does_not_pass_is_told() {
    let again = || {
        (0..5).map(|_| Reply::Status(StatusCode::SERVICE_UNAVAILABLE, None, json!({ "error": { "message": "overloaded" } }).to_string()))
    };
    let one = |status, after, text: &str| vec![Reply::Status(status, after, text.into())];
    let cases: Vec<(Vec<Reply>, &str, usize)> = vec![
        (again().collect(), "503 Service Unavailable: overloaded (5 attempts). Try again later", 5),
        (one(StatusCode::UNAUTHORIZED, None, "{}"), "key is not accepted", 1),
        (one(StatusCode::NOT_FOUND, None, "{\"error\":{\"message\":\"no model small\"}}"), "404 Not Found: no model small", 1),
        (one(StatusCode::TOO_MANY_REQUESTS, Some("86400"), ""), "asks to wait 86400 s", 1),
        (one(StatusCode::OK, None, &" ".repeat(5 << 20)), "longer than 4 MiB", 1),
        (vec![Reply::Message(json!({ "refusal": "I cannot help with that." }), "stop")], "model refused: I cannot help with that.", 1),
        (vec![Reply::Message(json!({ "content": "" }), "content_filter")], "content filter", 1),
    ];
    for (replies, expected, attempts) in cases {
        let server = Server::start(replies);
        let error = revise(&server.chat()).unwrap_err();
        assert!(error.contains(expected) && !error.contains("secret-key"), "{error}");
        assert_eq!(server.asked().len(), attempts, "{error}");
    }
}

#[test]
fn a_silent_service_is_left_after_its_time_and_at_once_when_the_user_stops() {
    let server = Server::start((0..2).map(|_| Reply::Never));
    let chat =
        Chat::open(ChatSettings { timeout: Duration::from_millis(50), attempts: 2, ..server.settings() }, Cancel::default()).unwrap();
    let error = revise(&chat).unwrap_err();
    assert!(error.contains("did not answer in time (2 attempts)"), "{error}");

    let server = Server::start([Reply::Never]);
    let cancel = Cancel::default();
    let chat = Chat::open(server.settings(), cancel.clone()).unwrap();
    let model = server.model.clone();
    let stopper = std::thread::spawn(move || {
        while model.lock().unwrap().asked.is_empty() {
            std::thread::yield_now();
        }
        cancel.cancel();
    });
    assert_eq!(revise(&chat).unwrap_err(), WriterError::Cancelled.to_string());
    stopper.join().unwrap();
    // Nobody listens there any more.
    let base = server.base.clone();
    server.runtime.shutdown_background();
    let gone = Chat::open(ChatSettings { attempts: 1, ..ChatSettings::new(&base, "m") }, Cancel::default()).unwrap();
    let error = revise(&gone).unwrap_err();
    assert!(error.contains("(1 attempts)"), "{error}");
}

#[test]
fn odd_answers_are_understood() {
    let fenced: fn(String) -> String = |text| format!("Here you are:\n```json\n{text}\n```");
    let server = Server::start([Reply::Changed(fenced)]);
    assert_eq!(revise(&server.chat()).unwrap(), REVISED);
    // A service without structured output is asked in words.
    let text = json!({ "error": { "message": "Unknown parameter: response_format" } }).to_string();
    let plain: fn(String) -> String = |text| text.replace("Said about", "Plainly about");
    let server = Server::start([Reply::Status(StatusCode::BAD_REQUEST, None, text), Reply::Changed(plain)]);
    let outline =
        Outline { title: "T".into(), slides: vec![Planned { role: Role::Title, title: "T".into(), points: vec![], passages: vec![] }] };
    let script = server.chat().write(&content(0), &outline, &Brief::default(), &mut Notes::default()).unwrap();
    assert_eq!(script, ["Plainly about T.\nAnd more."]);
    let asked = server.asked();
    assert!(asked[1].1.get("response_format").is_none());
    assert!(asked[1].1["messages"][0]["content"].as_str().unwrap().contains("\"additionalProperties\":false"));
}

#[test]
fn an_answer_that_is_cut_off_is_asked_for_in_halves() {
    let server = Server::start([
        Reply::Message(json!({ "content": "{\"items\": [{\"index\": 0, \"te" }), "length"),
        Reply::Changed(|text| text[..text.len() - 3].into()),
    ]);
    let revised = server.chat().revise(&texts(4), "en", &Brief::default(), &mut Notes::default()).unwrap();
    assert_eq!(revised, (0..4).map(|index| format!("Revised: Text {index}.")).collect::<Vec<_>>());
    let sizes: Vec<usize> = server
        .asked()
        .iter()
        .map(|(_, body)| {
            serde_json::from_str::<Value>(body["messages"][1]["content"].as_str().unwrap()).unwrap()["items"].as_array().unwrap().len()
        })
        .collect();
    assert_eq!(sizes, [4, 2, 1, 1, 2]);
    let server = Server::start([Reply::Message(json!({ "content": "{" }), "length")]);
    let error = server.chat().summarise(&content(1), Span::from_seconds(5), &Brief::default(), &mut Notes::default()).unwrap_err();
    assert!(error.to_string().contains("cut off before its end"), "{error}");
}

#[test]
fn what_a_model_leaves_out_or_overdoes_is_mended_and_noted() {
    let without_second: fn(String) -> String = |text| {
        let mut answer: Value = serde_json::from_str(&text).unwrap();
        answer["items"].as_array_mut().unwrap().remove(1);
        answer["items"][0]["text"] = json!("Words and words. ".repeat(2000));
        answer.to_string()
    };
    let server = Server::start([Reply::Changed(without_second)]);
    let (chat, content, mut notes) = (server.chat(), content(3), Notes::default());
    let planned = |index: usize| Planned { role: Role::Points, title: format!("S{index}"), points: vec![], passages: vec![index] };
    let outline = Outline { title: "All".into(), slides: (0..3).map(planned).collect() };
    let script = chat.write(&content, &outline, &Brief::default(), &mut notes).unwrap();
    assert!(script[0].len() <= NARRATION_CHARS && script[0].ends_with("words."));
    assert!(script[1].starts_with("Fact 1 is about"), "{}", script[1]);
    assert!(
        notes.mention("left slide 2 out; the local writer wrote it") && notes.mention("longer than 6000 characters and was cut"),
        "{notes:?}"
    );
    let server = Server::start([Reply::Changed(|_| "{\"items\":[]}".into())]);
    let error = server.chat().translate(&texts(1), "en", "de", &mut Notes::default()).unwrap_err();
    assert!(error.to_string().contains("left out \"Text 0.\""), "{error}");
}

/// The answer with the captions of its first item changed.
fn first_captions(text: &str, change: fn(&mut Vec<Value>)) -> String {
    let mut answer: Value = serde_json::from_str(text).unwrap();
    change(answer["items"][0]["captions"].as_array_mut().unwrap());
    answer.to_string()
}

#[test]
fn captions_come_back_one_for_one_or_are_asked_for_again() {
    let groups = [vec!["One and".to_string(), "two.".to_string()], vec!["Three.".to_string()]];
    let translate = |chat: &Chat, notes: &mut Notes| chat.translate_captions(&groups, "en", "fr", notes);
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start([
        Reply::Changed(|text| first_captions(&text, |captions| drop(captions.pop()))),
        Reply::Changed(|text| first_captions(&text, |captions| captions.push(json!("more")))),
        Reply::Changed(|text| first_captions(&text, |captions| captions[1] = json!(" \n"))),
        Reply::Changed(|_| "{\"items\":[]}".into()),
    ]);
    let settings = ChatSettings { answers: Some(folder.path().into()), ..server.settings() };
    let chat = || Chat::open(settings.clone(), Cancel::default()).unwrap();
    let mut notes = Notes::default();
    let translated = translate(&chat(), &mut notes).unwrap().unwrap();
    assert_eq!(translated, [vec!["ONE AND", "TWO."], vec!["THREE."]]);
    assert!(notes.mention("captions were translated from \"en\" to \"fr\" by small at"), "{notes:?}");
    assert_eq!(server.asked().len(), 5);
    let asked = server.asked().pop().unwrap().1;
    assert!(asked["messages"][0]["content"].as_str().unwrap().contains("at most 84 characters"), "{asked}");
    assert_eq!(asked["response_format"]["json_schema"]["name"], "captions");
    // Only what can be used is kept.
    assert_eq!(translate(&chat(), &mut notes).unwrap().unwrap(), translated);
    assert_eq!(server.asked().len(), 5);

    type Change = fn(String) -> String;
    let cases: [(Change, &str); 3] = [
        (
            |text| first_captions(&text, |captions| drop(captions.pop())),
            "it has 1 captions in place of 2 for \"One and two.\" (5 attempts)",
        ),
        (|text| first_captions(&text, |captions| captions[0] = json!("")), "it has an empty caption for \"One and two.\" (5 attempts)"),
        (|_| "{\"items\":[]}".into(), "it left out the captions \"One and two.\" (5 attempts)"),
    ];
    for (change, expected) in cases {
        let server = Server::start((0..5).map(|_| Reply::Changed(change)));
        let error = translate(&server.chat(), &mut Notes::default()).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        assert_eq!(server.asked().len(), 5);
    }
    assert_eq!(Local.translate_captions(&groups, "en", "fr", &mut Notes::default()).unwrap(), None);
}

#[test]
fn the_cost_is_limited_before_it_is_spent() {
    let server = Server::start([]);
    let prices = Some(Prices { input: 1.0, output: 2.0 });
    let chat = Chat::open(ChatSettings { prices, cost_limit: 0.0001, ..server.settings() }, Cancel::default()).unwrap();
    let error = revise(&chat).unwrap_err();
    assert!(error.contains("and the limit is 0.0001; raise LECTERN_WRITER_COST_LIMIT") && server.asked().is_empty(), "{error}");
    // What the service counts is what is spent: 1000 tokens in, 500 out, a question.
    let chat = Chat::open(ChatSettings { prices, cost_limit: 0.0041, ..server.settings() }, Cancel::default()).unwrap();
    assert_eq!(revise(&chat).unwrap(), REVISED);
    assert!((chat.spent() - 0.002).abs() < 1e-9);
    assert_eq!(revise(&chat).unwrap(), REVISED);
    assert!(revise(&chat).unwrap_err().contains("would cost about 0.00"));
}

#[test]
fn the_same_question_is_asked_once() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start([]);
    let settings = ChatSettings { answers: Some(folder.path().join("answers")), ..server.settings() };
    let ask = || Chat::open(settings.clone(), Cancel::default()).unwrap();
    assert_eq!(revise(&ask()).unwrap(), REVISED);
    assert_eq!(revise(&ask()).unwrap(), REVISED);
    assert_eq!(server.asked().len(), 1);
    // A damaged one is asked for anew.
    let kept = std::fs::read_dir(folder.path().join("answers")).unwrap().next().unwrap().unwrap().path();
    assert!(!std::fs::read_to_string(&kept).unwrap().contains("secret-key"));
    std::fs::write(&kept, "{").unwrap();
    assert_eq!(revise(&ask()).unwrap(), REVISED);
    assert_eq!(server.asked().len(), 2);
    let other = Brief { instructions: "louder".into(), ..Brief::default() };
    ask().revise(&texts(2), "en", &other, &mut Notes::default()).unwrap();
    assert_eq!(server.asked().len(), 3);
}

#[test]
fn long_work_is_asked_for_in_parts_and_a_writer_may_be_used_inside_a_server() {
    let server = Server::start([]);
    let chat = server.chat();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let revised = runtime.block_on(async { chat.revise(&texts(45), "en", &Brief::default(), &mut Notes::default()).unwrap() });
    assert_eq!((revised.len(), revised[44].as_str()), (45, "Revised: Text 44."));
    assert_eq!(server.asked().len(), 3);
}
