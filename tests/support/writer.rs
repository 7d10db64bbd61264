//! A language model in short: a service that speaks the OpenAI API on a port of its own, and answers in capitals.

use super::lectern;
use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};

/// Dropping it ends it.
pub struct Writer {
    model: Arc<Model>,
    base: String,
    _runtime: Runtime,
}

#[derive(Default)]
struct Model {
    /// So many answers with captions lack the last one.
    faults: Mutex<usize>,
    /// What was asked for, by the names of the forms.
    asked: Mutex<Vec<String>>,
}

impl Writer {
    /// Starts one that answers as it should.
    pub fn start() -> Writer {
        Writer::with_faults(0)
    }

    /// The same, but its first answers with captions lack one.
    pub fn with_faults(faults: usize) -> Writer {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
        let base = format!("http://{}/v1", listener.local_addr().expect("an address"));
        let model = Arc::new(Model { faults: Mutex::new(faults), ..Model::default() });
        let routes = Router::new().route("/v1/chat/completions", post(complete)).with_state(model.clone());
        runtime.spawn(async move { axum::serve(listener, routes).await });
        Writer { model, base, _runtime: runtime }
    }

    /// Tells a command where it is.
    pub fn tell<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.env("LECTERN_WRITER_URL", &self.base).env("LECTERN_WRITER_MODEL", "loud")
    }

    /// The program, told where it is.
    pub fn lectern(&self, home: &Path) -> Command {
        let mut command = lectern(home);
        self.tell(&mut command);
        command
    }

    /// How often something was asked for: `captions`, `translation`.
    pub fn asked(&self, name: &str) -> usize {
        self.model.asked.lock().expect("a lock").iter().filter(|asked| *asked == name).count()
    }
}

async fn complete(State(model): State<Arc<Model>>, Json(body): Json<Value>) -> Json<Value> {
    let name = body["response_format"]["json_schema"]["name"].as_str().unwrap_or_default().to_string();
    model.asked.lock().expect("a lock").push(name.clone());
    let material: Value = serde_json::from_str(body["messages"][1]["content"].as_str().unwrap_or_default()).unwrap_or_default();
    let mut answer = answer(&name, &material);
    if name == "captions" {
        let mut faults = model.faults.lock().expect("a lock");
        if *faults > 0 {
            *faults -= 1;
            answer["items"][0]["captions"].as_array_mut().expect("captions").pop();
        }
    }
    let message = json!({ "role": "assistant", "content": answer.to_string() });
    Json(json!({ "choices": [{ "index": 0, "message": message, "finish_reason": "stop" }] }))
}

/// What is asked for, in the form that is asked for.
fn answer(name: &str, material: &Value) -> Value {
    let loud = |text: &Value| text.as_str().unwrap_or_default().to_uppercase();
    let each = |make: &dyn Fn(&Value) -> Value| {
        let items = material["items"].as_array().into_iter().flatten().map(|item| {
            let mut answer = make(item);
            answer["index"] = item["index"].clone();
            answer
        });
        json!({ "items": items.collect::<Vec<_>>() })
    };
    match name {
        "captions" => each(&|item| json!({ "captions": item["captions"].as_array().into_iter().flatten().map(loud).collect::<Vec<_>>() })),
        "key_points" => each(&|_| json!({ "points": ["a point"], "weight": 0.5 })),
        "conversation" => {
            each(&|item| json!({ "text": format!("HOST: What is this about?\nGUEST: {}", item["text"].as_str().unwrap_or_default()) }))
        }
        "narration" => each(&|item| json!({ "text": item["source"].as_str().unwrap_or_default() })),
        "outline" => {
            let slides = material["passages"].as_array().into_iter().flatten().enumerate().map(|(index, passage)| {
                json!({ "role": "points", "title": format!("Part {}", index + 1), "points": passage["points"], "passages": [index] })
            });
            json!({ "title": material["title"], "slides": slides.collect::<Vec<_>>() })
        }
        _ => each(&|item| json!({ "text": loud(&item["text"]) })),
    }
}
