//! Who may watch, and what those get who do: fragmented MP4 and news over WebSocket.

use super::livekit_server::epoch_ms;
use super::stage::{Live, ask, ask_raw, peer, runtime, token};
use crate::support::together::{flashes_and_clicks, worst};
use crate::support::{deck, decodes_cleanly, probe};
use futures_util::{SinkExt, StreamExt};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Opens a WebSocket, with the token as a subprotocol.
async fn open(url: &str, token: &str) -> Socket {
    let mut request = url.into_client_request().expect("an address");
    let protocols = if token.is_empty() { "lectern.v1".to_string() } else { format!("lectern.v1, token.{token}") };
    request.headers_mut().insert("sec-websocket-protocol", protocols.parse().expect("a header"));
    connect_async(request).await.unwrap_or_else(|error| panic!("{url}: {error}")).0
}

/// The code with which a socket is closed.
async fn closing(socket: &mut Socket) -> u16 {
    loop {
        match tokio::time::timeout(Duration::from_secs(30), socket.next()).await.expect("it is closed in time") {
            Some(Ok(Message::Close(Some(frame)))) => return frame.code.into(),
            Some(Ok(_)) => {}
            other => panic!("closed without a word: {other:?}"),
        }
    }
}

/// The type of the next text.
async fn text_of(socket: &mut Socket) -> String {
    text(socket).await["type"].as_str().unwrap_or_default().to_string()
}

/// The next text as JSON.
async fn text(socket: &mut Socket) -> Value {
    loop {
        match tokio::time::timeout(Duration::from_secs(30), socket.next()).await.expect("a message in time") {
            Some(Ok(Message::Text(text))) => return serde_json::from_str(&text).expect("JSON"),
            Some(Ok(_)) => {}
            other => panic!("no more messages: {other:?}"),
        }
    }
}

#[test]
fn only_those_come_in_whose_token_is_good_for_the_room() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let live = Live::start(home.path(), &deck("hello.pptx"), &["--loop"]);
    let room = live.said("room");
    let (session, media) = (format!("{}/v1/live/{room}", live.origin()), live.said("media_ws_url"));
    let made = |more: &[&str]| token(home.path(), more)["token"].as_str().expect("a token").to_string();
    let good = made(&["--room", &room]);
    let foreign = made(&["--room", "elsewhere"]);
    // Signed with another secret.
    let other_home = tempfile::tempdir().expect("a temporary folder");
    let forged = token(other_home.path(), &["--role", "operator"])["token"].as_str().expect("a token").to_string();
    let revoked = token(home.path(), &["--room", &room]);
    crate::support::succeed(crate::support::lectern(home.path()).args(["token", "--revoke", revoked["jti"].as_str().expect("an id")]));
    let revoked = revoked["token"].as_str().expect("a token").to_string();

    let code = |token: &str| {
        let (status, body) = ask(Method::GET, &session, token, None);
        (status.as_u16(), body["code"].as_str().unwrap_or_default().to_string())
    };
    assert_eq!(code(&good).0, 200);
    assert_eq!(code(""), (401, "token_missing".into()));
    assert_eq!(code("no.token.at-all"), (401, "token_invalid".into()));
    assert_eq!(code(&forged), (401, "token_invalid".into()));
    assert_eq!(code(&revoked), (401, "token_revoked".into()));
    assert_eq!(code(&foreign), (403, "forbidden".into()));
    // Viewers watch, and that is all.
    assert_eq!(ask(Method::POST, &live.said("control_url"), &good, Some(json!({ "command": "pause" }))).0, StatusCode::FORBIDDEN);
    assert_eq!(ask(Method::DELETE, &session, &good, None).0, StatusCode::FORBIDDEN);
    assert_eq!(ask(Method::GET, &format!("{session}/graph"), &good, None).0, StatusCode::FORBIDDEN);
    let whep = live.said("whep_url");
    let offer = |token: &str| ask_raw(Method::POST, &whep, token, "application/sdp", "v=0\r\n".into()).0;
    assert_eq!(offer(&foreign), StatusCode::FORBIDDEN);
    assert!(["", "nonsense", &forged, &revoked].into_iter().all(|token| offer(token) == StatusCode::UNAUTHORIZED));
    assert_eq!(ask_raw(Method::POST, &whep, &good, "application/json", "{}".into()).0, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(ask_raw(Method::PATCH, &format!("{whep}/some-id"), &good, "text/plain", String::new()).0, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(ask(Method::DELETE, &format!("{whep}/some-id"), &good, None).0, StatusCode::NOT_FOUND);
    let author = made(&["--role", "author", "--room", &room]);
    an_author_gives_others_what_is_the_authors(&live, &author, &good);

    runtime().block_on(async {
        for (token, due) in [("nonsense", 4401), (&*forged, 4401), (&*revoked, 4401), (&*foreign, 4403)] {
            for socket in [&media, &media.replace("/media", "/events")] {
                assert_eq!(closing(&mut open(socket, token).await).await, due, "{socket} {token}");
            }
        }
        let elsewhere = media.replace(&format!("/{room}/"), "/elsewhere/");
        assert_eq!(closing(&mut open(&elsewhere, &foreign).await).await, 4404);
        // As the first message, too.
        let mut socket = open(&media, "").await;
        socket.send(Message::text(json!({ "token": good }).to_string())).await.expect("sent");
        assert_eq!(text(&mut socket).await["type"], "init");
        let mut socket = open(&media, "").await;
        socket.send(Message::text(json!({ "token": revoked }).to_string())).await.expect("sent");
        assert_eq!(closing(&mut socket).await, 4401);
        // An author commands where news are told, too.
        let mut socket = open(&media.replace("/media", "/events"), &author).await;
        assert_eq!(text(&mut socket).await["type"], "hello");
        for (commands, state) in [(["start", "pause"], "paused"), (["pause", "resume"], "live")] {
            for command in commands {
                socket.send(Message::text(json!({ "command": command }).to_string())).await.expect("sent");
            }
            until_told(&mut socket, state).await;
        }
    });
    live.stop();
}

/// Waits for the news that the session is in a state.
async fn until_told(socket: &mut Socket, state: &str) {
    loop {
        let news = text(socket).await;
        assert_ne!(news["type"], "error", "{news}");
        if news["type"] == "state" && news["state"] == state {
            return;
        }
    }
}

/// Tokens for the author's own room, for no more than the author may do, and for a day at most.
fn an_author_gives_others_what_is_the_authors(live: &Live, author: &str, viewer: &str) {
    let (room, url) = (live.said("room"), format!("{}/v1/tokens", live.origin()));
    let ask_for = |token: &str, what: Value| ask(Method::POST, &url, token, Some(what));
    for role in ["viewer", "author"] {
        let (status, made) = ask_for(author, json!({ "role": role, "room": room, "ttl": "24h" }));
        assert_eq!(status, StatusCode::CREATED, "{made}");
        let token = made["token"].as_str().expect("a token");
        assert_eq!(ask(Method::GET, &format!("{}/v1/live/{room}", live.origin()), token, None).0, StatusCode::OK);
        assert_eq!(ask(Method::GET, &format!("{}/v1/live/elsewhere", live.origin()), token, None).0, StatusCode::FORBIDDEN);
        // Nothing is live yet: to an author it says so.
        let due = if role == "viewer" { StatusCode::FORBIDDEN } else { StatusCode::CONFLICT };
        assert_eq!(ask(Method::POST, &live.said("control_url"), token, Some(json!({ "command": "pause" }))).0, due, "{role}");
    }
    let now = || epoch_ms() / 1000;
    let before = now();
    let (_, made) = ask_for(author, json!({ "role": "viewer", "room": room }));
    let end = made["expires_at"].as_u64().expect("seconds");
    assert!((before + 3600..=now() + 3600).contains(&end) && made["jti"].is_string(), "an hour: {made}");
    let (status, problem) = ask_for(author, json!({ "role": "viewer", "room": room, "ttl": "25h" }));
    assert_eq!((status, &problem["code"]), (StatusCode::BAD_REQUEST, &"bad_request".into()), "{problem}");
    let elsewhere = ["viewer", "author"].map(|role| json!({ "role": role, "room": "elsewhere" }));
    let everywhere = ["viewer", "author", "operator", "worker"].map(|role| json!({ "role": role }));
    let higher = ["operator", "worker"].map(|role| json!({ "role": role, "room": room }));
    for what in elsewhere.into_iter().chain(everywhere).chain(higher) {
        assert_eq!(ask_for(author, what.clone()).0, StatusCode::FORBIDDEN, "{what}");
    }
    assert_eq!(ask_for(viewer, json!({ "role": "viewer", "room": room })).0, StatusCode::FORBIDDEN, "a viewer gives nothing");
}

#[test]
fn a_full_room_takes_nobody_until_somebody_leaves_and_each_viewer_leaves_by_its_own_token() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let small = ["--loop", "--set", "viewers=1", "--set", "size=426x240", "--set", "fps=15"];
    let live = Live::start(home.path(), &deck("hello.pptx"), &small);
    let (media, whep, token) = (live.said("media_ws_url"), live.said("whep_url"), live.said("token"));
    let offer = || ask_raw(Method::POST, &whep, &token, "application/sdp", include_str!("offer.sdp").into());
    let runtime = runtime();
    let is_full = || {
        assert_eq!(runtime.block_on(async { closing(&mut open(&media, &token).await).await }), 4409);
        let (status, problem, _) = offer();
        let problem: Value = serde_json::from_str(&problem).expect("JSON");
        assert_eq!((status, &problem["code"]), (StatusCode::SERVICE_UNAVAILABLE, &"room_full".into()), "{problem}");
    };
    // There is one size of the pictures only.
    let (status, problem, _) =
        ask_raw(Method::POST, &format!("{whep}?rung=1"), &token, "application/sdp", include_str!("offer.sdp").into());
    assert!(status == StatusCode::BAD_REQUEST && problem.contains("no_such_rung"), "{status} {problem}");
    assert_eq!(runtime.block_on(async { closing(&mut open(&format!("{media}?rung=1"), &token).await).await }), 4404);
    let mut first = runtime.block_on(open(&media, &token));
    assert_eq!(runtime.block_on(text_of(&mut first)), "init");
    is_full();
    runtime.block_on(first.close(None)).expect("closed");
    live.watch("empty", |session| session["viewers"]["mse"] == 0);

    let (status, answer, place) = offer();
    assert_eq!(status, StatusCode::CREATED, "{answer}");
    is_full();
    assert_eq!(live.session()["viewers"]["whep"], 1);
    let place = format!("{}{}", live.origin(), place.expect("a Location"));
    let other = super::stage::token(home.path(), &["--room", &live.said("room")])["token"].as_str().expect("a token").to_string();
    let (status, problem) = ask(Method::DELETE, &place, &other, None);
    assert_eq!((status, &problem["code"]), (StatusCode::FORBIDDEN, &"forbidden".into()), "{problem}");
    assert_eq!(ask(Method::DELETE, &place, &live.said("control_token"), None).0, StatusCode::FORBIDDEN, "nor by an author's");
    assert_eq!(live.session()["viewers"]["whep"], 1);
    assert_eq!(ask(Method::DELETE, &place, &token, None).0, StatusCode::NO_CONTENT);
    assert_eq!(live.session()["viewers"]["whep"], 0);
    assert_eq!(runtime.block_on(async { text_of(&mut open(&media, &token).await).await }), "init");
    live.stop();
}

/// Somebody who watches by WebRTC until the end of the test.
struct Watcher(Child);

impl Watcher {
    fn start(live: &Live, file: &Path, token: &str) -> Watcher {
        fs::write(file, token).expect("a writable folder");
        let mut command = peer("whep");
        command.args(["--url", &live.said("whep_url"), "--seconds", "600", "--token-file"]).arg(file);
        Watcher(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the peer starts"))
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn who_watches_is_sent_away_when_the_token_is_revoked_or_over() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let small = ["--loop", "--recheck", "200ms", "--set", "size=426x240", "--set", "fps=15"];
    let live = Live::start(home.path(), &deck("hello.pptx"), &small);
    let room = live.said("room");
    let (session, media) = (format!("{}/v1/live/{room}", live.origin()), live.said("media_ws_url"));
    let (revoked, brief) = (token(home.path(), &["--room", &room]), token(home.path(), &["--room", &room, "--ttl", "5s"]));
    let text = |token: &Value| token["token"].as_str().expect("a token").to_string();
    let watchers =
        [("revoked", &revoked), ("brief", &brief)].map(|(name, token)| Watcher::start(&live, &home.path().join(name), &text(token)));
    let (runtime, events) = (runtime(), media.replace("/media", "/events"));
    let mut sockets = runtime.block_on(async {
        let mut sockets = Vec::new();
        for (token, socket) in [(&revoked, &media), (&revoked, &events), (&brief, &media), (&brief, &events)] {
            let mut socket = open(socket, &text(token)).await;
            assert!(matches!(&*text_of(&mut socket).await, "init" | "hello"));
            sockets.push(socket);
        }
        sockets
    });
    live.watch("watched by both", |session| session["viewers"]["whep"] == 2);
    let operator = text(&token(home.path(), &["--role", "operator"]));
    let id = format!("{}/v1/tokens/{}", live.origin(), revoked["jti"].as_str().expect("an id"));
    assert_eq!(ask(Method::DELETE, &id, &operator, None).0, StatusCode::NO_CONTENT);
    runtime.block_on(async {
        // The brief one ends ten seconds after its time, because clocks differ.
        for socket in &mut sockets {
            assert_eq!(closing(socket).await, 4401);
        }
    });
    live.watch("empty", |session| session["viewers"]["whep"] == 0 && session["viewers"]["mse"] == 0);
    drop(watchers);
    for (token, code) in [(&revoked, "token_revoked"), (&brief, "token_expired")] {
        let (status, body) = ask(Method::GET, &session, &text(token), None);
        assert_eq!((status.as_u16(), &body["code"]), (401, &code.into()));
        let (status, body, _) = ask_raw(Method::POST, &live.said("whep_url"), &text(token), "application/sdp", "v=0\r\n".into());
        assert!(status == StatusCode::UNAUTHORIZED && body.contains(code), "{body}");
        runtime.block_on(async {
            for socket in [&media, &events] {
                assert_eq!(closing(&mut open(socket, &text(token)).await).await, 4401);
            }
        });
    }
    live.stop();
}

#[test]
fn a_viewer_takes_fragmented_mp4_and_hears_what_happens() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let mut live = Live::start(home.path(), &deck("hello.pptx"), &[]);
    let (media, token) = (live.said("media_ws_url"), live.said("token"));
    assert_eq!(live.session()["state"], "ready", "it waits for a viewer");
    let film = home.path().join("taken.mp4");
    let (init, news) = runtime().block_on(async {
        let mut events = open(&media.replace("/media", "/events"), &token).await;
        let hello = text(&mut events).await;
        assert_eq!((&hello["type"], &hello["slides"], &hello["slide"]["number"]), (&"hello".into(), &3.into(), &1.into()), "{hello}");
        // A viewer commands nothing.
        events.send(Message::text(json!({ "command": "next" }).to_string())).await.expect("sent");
        let mut socket = open(&media, &token).await;
        let init = text(&mut socket).await;
        let mut bytes = Vec::new();
        let mut ended = false;
        while let Some(Ok(message)) = socket.next().await {
            match message {
                Message::Binary(part) => bytes.extend_from_slice(&part),
                Message::Text(text) => ended |= text.contains("\"end\""),
                _ => {}
            }
        }
        assert!(ended, "the end is told");
        std::fs::write(&film, bytes).expect("a writable folder");
        let mut news = Vec::new();
        while let Some(Ok(message)) = events.next().await {
            if let Message::Text(text) = message {
                news.push(serde_json::from_str::<Value>(&text).expect("JSON"));
            }
        }
        (init, news)
    });
    live.until_state("ended");
    live.end();
    assert!(init["mime"].as_str().is_some_and(|mime| mime.starts_with("video/mp4; codecs=\"avc1.42")), "{init}");
    decodes_cleanly(&film);
    let probed = probe(&film, &["-count_frames", "-show_entries", "stream=codec_name,nb_read_frames,start_time"]);
    let frames: u32 = probed["streams"][0]["nb_read_frames"].as_str().and_then(|count| count.parse().ok()).expect("a count");
    assert!(frames > 200, "three slides are about nine seconds: {probed}");
    let of = |kind: &str| news.iter().filter(|news| news["type"] == kind).cloned().collect::<Vec<_>>();
    assert_eq!(of("error").len(), 1, "the command of a viewer: {:?}", of("error"));
    let slides: Vec<i64> = of("slide").iter().filter_map(|slide| slide["number"].as_i64()).collect();
    assert!(slides.ends_with(&[2, 3]), "{slides:?}");
    let states: Vec<String> = of("state").iter().filter_map(|news| news["state"].as_str().map(String::from)).collect();
    assert_eq!(states, ["live", "ended"]);
    assert!(!of("caption").is_empty() && !of("clock").is_empty());
}

#[test]
fn a_viewer_that_takes_nothing_is_sent_away_and_the_others_see_nothing_of_it() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let graph = home.path().join("loud.yaml");
    // Sound of half a megabit fills every buffer within seconds.
    let text = std::fs::read_to_string(crate::support::root().join("graphs/avsync.yaml")).expect("the graph");
    let text = text.replace("inputs: { audio: playout.audio } }", "inputs: { audio: playout.audio }, config: { bitrate: 512k } }");
    assert!(text.contains("512k"));
    std::fs::write(&graph, text).expect("a writable folder");
    let live = Live::start(home.path(), &graph, &[]);
    let film = home.path().join("quick.mp4");
    let (media, token) = (live.said("media_ws_url"), live.said("token"));
    let seen = runtime().block_on(async {
        // A small window: what the kernel holds is not what is tested.
        let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(4096).expect("a window");
        let address = media.trim_start_matches("ws://").split('/').next().expect("an address").parse().expect("an address");
        let stream = socket.connect(address).await.expect("connected");
        let mut request = media.as_str().into_client_request().expect("an address");
        request.headers_mut().insert("sec-websocket-protocol", format!("lectern.v1, token.{token}").parse().expect("a header"));
        let (mut slow, _) = tokio_tungstenite::client_async(request, stream).await.expect("a WebSocket");
        assert_eq!(
            serde_json::from_str::<Value>(slow.next().await.expect("init").expect("init").to_text().expect("text")).expect("JSON")["type"],
            "init"
        );
        // The other one takes everything, until the slow one has been sent away.
        let mut quick = open(&media, &token).await;
        let (mut fragments, mut looked, mut bytes) = (0, 0, Vec::new());
        let session = format!("{}/v1/live/{}", live.origin(), live.said("room"));
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        loop {
            match tokio::time::timeout(Duration::from_secs(30), quick.next()).await.expect("a fragment in time") {
                Some(Ok(Message::Binary(part))) => {
                    fragments += 1;
                    bytes.extend_from_slice(&part);
                }
                Some(Ok(_)) => {}
                other => panic!("the quick viewer lost its stream: {other:?}"),
            }
            if fragments / 30 > looked {
                looked = fragments / 30;
                let answer = client.get(&session).bearer_auth(&token).send().await.expect("an answer").text().await.expect("a body");
                let answer: Value = serde_json::from_str(&answer).expect("JSON");
                if answer["viewers"]["dropped"] == 1 {
                    std::fs::write(&film, bytes).expect("a writable folder");
                    return answer;
                }
                assert!(looked < 90, "it is still there: {answer}");
            }
        }
    });
    assert!(seen["viewers"]["skipped"].as_u64() >= Some(3), "it was given chances: {seen}");
    let report = ask(Method::GET, &format!("{}/v1/live/{}/graph", live.origin(), live.said("room")), &live.said("control_token"), None).1;
    assert_eq!(report["playout"]["underruns"], 0);
    assert!(report["edges"].as_array().is_some_and(|edges| edges.iter().all(|edge| edge["dropped"] == 0)), "{report:#}");
    live.stop();
    // What the other one has taken is whole, and flash and click are together.
    decodes_cleanly(&film);
    let (flashes, clicks) = flashes_and_clicks(&film, 30.0);
    assert!(flashes.len() > 5 && clicks.len() > 5, "{flashes:?} {clicks:?}");
    // The first and the last may be at the very edge.
    let apart = worst(&flashes[1..flashes.len() - 1], &clicks);
    assert!(apart <= 0.001, "flash and click are up to {apart} s apart");
}
