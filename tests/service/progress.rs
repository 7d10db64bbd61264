//! What those hear who follow a job.

use super::server::{SHORT, Server, client, long, small};
use crate::live::stage::{PATIENCE, runtime};
use crate::support::lectern;
use futures_util::StreamExt;
use reqwest::Method;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

/// An event as it came.
#[derive(Debug)]
pub struct Heard {
    id: i64,
    name: String,
    /// Of the event: kind, state, percent and more.
    pub data: Value,
}

/// Follows by Server-Sent Events to the end.
pub async fn follow(server: &Server, id: &str, last: Option<i64>) -> Vec<Heard> {
    let mut request = client().get(format!("{}/v1/jobs/{id}/events", server.origin)).bearer_auth(&server.token);
    if let Some(last) = last {
        request = request.header("last-event-id", last);
    }
    let mut answer = request.send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    let (mut text, mut heard) = (String::new(), Vec::new());
    while let Some(chunk) = answer.chunk().await.unwrap() {
        text += std::str::from_utf8(&chunk).unwrap();
        while let Some((event, rest)) = text.split_once("\n\n") {
            let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ").map(String::from));
            if let (Some(id), Some(name), Some(data)) = (field("id"), field("event"), field("data")) {
                let data = serde_json::from_str(&data).unwrap();
                heard.push(Heard { id: id.parse().unwrap(), name, data });
            }
            text = rest.to_string();
        }
    }
    heard
}

#[test]
fn progress_comes_in_order_and_once_only() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), &[]);
    let id = server.render(&SHORT.replace("silence: 1s", "silence: 30s"));
    let heard = runtime().block_on(follow(&server, &id, None));
    assert!(heard.windows(2).all(|pair| pair[0].id < pair[1].id), "{heard:?}");
    let percents: Vec<f64> = heard.iter().map(|event| event.data["data"]["percent"].as_f64().unwrap()).collect();
    assert!(percents.is_sorted() && percents.last() == Some(&100.0), "{percents:?}");
    assert!(heard.iter().any(|event| event.name == "progress_update" && event.data["data"]["eta_seconds"].is_number()), "{heard:?}");
    let last = heard.last().unwrap();
    assert_eq!((last.name.as_str(), &last.data["data"]["state"]), ("complete", &json!("completed")));
    // Who comes later hears the same, but for the progress on the way; who comes back hears the rest.
    let later = runtime().block_on(follow(&server, &id, None));
    let lasting = |heard: &[Heard]| heard.iter().filter(|event| event.name != "progress_update").map(|event| event.id).collect::<Vec<_>>();
    assert_eq!(lasting(&later), lasting(&heard));
    let rest = runtime().block_on(follow(&server, &id, Some(heard[heard.len() - 3].id)));
    assert_eq!(
        rest.iter().map(|event| event.id).collect::<Vec<_>>(),
        heard[heard.len() - 2..].iter().map(|event| event.id).collect::<Vec<_>>()
    );
}

#[test]
fn a_websocket_tells_the_same_and_needs_a_token() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), &[]);
    let id = server.render(SHORT);
    runtime().block_on(async {
        let url = format!("{}/v1/jobs/{id}/progress", server.origin.replace("http", "ws"));
        let open = async |token: &str| {
            let mut request = url.as_str().into_client_request().unwrap();
            request.headers_mut().insert("sec-websocket-protocol", format!("lectern.v1, token.{token}").parse().unwrap());
            tokio_tungstenite::connect_async(request).await.unwrap().0
        };
        let mut socket = open(&server.token).await;
        let (mut kinds, mut closed) = (Vec::new(), 0);
        while let Some(message) = tokio::time::timeout(PATIENCE, socket.next()).await.unwrap() {
            match message.unwrap() {
                Message::Text(text) => kinds.push(serde_json::from_str::<Value>(&text).unwrap()["kind"].as_str().unwrap().to_string()),
                Message::Close(Some(frame)) => closed = frame.code.into(),
                _ => {}
            }
        }
        assert_eq!((kinds[0].as_str(), kinds.last().unwrap().as_str(), closed), ("stage_update", "complete", 1000));
        let mut refused = open("nonsense").await;
        let Some(Ok(Message::Close(Some(frame)))) = refused.next().await else { panic!("it is closed") };
        assert_eq!(u16::from(frame.code), 4401);
    });
}

#[test]
fn who_follows_with_a_token_that_is_taken_back_is_cut_off_while_the_job_goes_on() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::of(home.path(), lectern(home.path()).env("LECTERN_AUTH_RECHECK", "100ms").arg("serve"));
    let id = server.render(&long());
    // The server's own name, so that the job is theirs.
    let minted = server.must(Method::POST, "tokens", Some(json!({ "role": "author" })));
    let (token, jti) = (minted["token"].as_str().unwrap(), minted["jti"].as_str().unwrap());
    let heard = runtime().block_on(async {
        let request = client().get(format!("{}/v1/jobs/{id}/events", server.origin)).bearer_auth(token);
        let mut answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let (mut text, mut is_denied) = (String::new(), false);
        // Events come several times a second.
        while let Some(chunk) = answer.chunk().await.unwrap() {
            text += std::str::from_utf8(&chunk).unwrap();
            if !is_denied && text.contains("event: progress_update") {
                is_denied = true;
                let denied = client().delete(format!("{}/v1/tokens/{jti}", server.origin)).bearer_auth(&server.token).send().await.unwrap();
                assert_eq!(denied.status(), 204);
            }
        }
        text
    });
    assert!(heard.contains("event: progress_update") && !heard.contains("event: complete"), "{heard}");
    assert_eq!(server.job(&id)["state"], "processing");
    server.must(Method::POST, &format!("jobs/{id}/cancel"), None);
}

#[test]
fn five_hundred_follow_one_job() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), &[]);
    let deck = server.deck("lesson.yaml", SHORT.as_bytes());
    let id = server.submit(json!({ "deck": deck, "hold": true, "looks": small() }));
    runtime().block_on(async {
        let url = format!("{}/v1/jobs/{id}/events", server.origin);
        let client = client();
        let opened = futures_util::future::join_all((0..500).map(|_| client.get(&url).bearer_auth(&server.token).send())).await;
        client.post(format!("{}/v1/jobs/{id}/start", server.origin)).bearer_auth(&server.token).send().await.unwrap();
        let texts = opened.into_iter().map(|answer| answer.unwrap().text());
        for text in futures_util::future::join_all(texts).await {
            assert!(text.unwrap().contains("event: complete\n"));
        }
    });
}
