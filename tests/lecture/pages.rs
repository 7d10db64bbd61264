//! Live pages in films: a real Chromium, and pages served on loopback.

use crate::support::picture::color_at;
use crate::support::{lectern, succeed};
use axum::Router;
use axum::extract::{Path as UrlPath, State};
use axum::response::Html;
use axum::routing::get;
use std::sync::{Arc, Mutex};

const WIDTH: usize = 320;
const HEIGHT: usize = 180;

/// A site with two pages, whose ground can be changed.
struct Site {
    port: u16,
    ground: Arc<Mutex<&'static str>>,
    _runtime: tokio::runtime::Runtime,
}

fn site() -> Site {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).expect("a free port");
    let port = listener.local_addr().expect("a bound socket").port();
    let ground = Arc::new(Mutex::new("#c02020"));
    let page = |State(ground): State<Arc<Mutex<&'static str>>>, UrlPath(name): UrlPath<String>| async move {
        let ground = *ground.lock().expect("no test panics with this lock");
        // The bar crosses the window in ten seconds.
        let bar = "<style>@keyframes go { to { left: 1280px } } i { position: absolute; left: 0; top: 0; width: 80px; height: 200px; \
                   background: #fff; animation: go 10s linear infinite }</style><i></i>";
        Html(format!("<body style='margin:0;background:{ground}'>{}", if name == "moves" { bar } else { "" }))
    };
    let routes = Router::new().route("/{name}", get(page)).with_state(ground.clone());
    runtime.spawn(async move { axum::serve(listener, routes).await });
    Site { port, ground, _runtime: runtime }
}

fn shows(picture: &[u8], x: usize, y: usize, color: [u8; 3]) -> bool {
    picture[(y * WIDTH + x) * 3..][..3].iter().zip(color).all(|(a, b)| a.abs_diff(b) < 10)
}

/// Where the white bar begins.
fn bar(picture: &[u8]) -> usize {
    (0..WIDTH).find(|x| shows(picture, *x, 20, [255; 3])).expect("the bar is there")
}

#[test]
fn a_film_shows_live_pages_and_stays_the_same_until_they_are_captured_again() {
    let (home, site) = (tempfile::tempdir().expect("a temporary folder"), site());
    let address = format!("http://127.0.0.1:{}", site.port);
    let lesson = format!(
        "version: 1\nsize: 16x9\nslides:\n  - {{ embed: {{ url: {address}/rests }}, silence: 1s, presenter: {{ visible: false }} }}\n  \
         - {{ embed: {{ url: {address}/moves, capture: moving, rate: 10 }}, silence: 2s, presenter: {{ visible: false }} }}\n"
    );
    std::fs::write(home.path().join("lesson.yaml"), lesson).expect("written");
    let allowed = format!("allow_private=127.0.0.1:{}", site.port);
    let render = |name: &str, more: &[&str]| {
        let film = home.path().join(name);
        let mut command = lectern(home.path());
        command.arg("render").arg(home.path().join("lesson.yaml")).arg("-o").arg(&film).args(["--set", "size=320x180"]).args(more);
        let said = String::from_utf8_lossy(&succeed(&mut command).stderr).into_owned();
        (film, said)
    };
    let (first, said) = render("first.mp4", &["--set", &allowed]);
    assert!(!said.contains("cannot be captured"), "{said}");
    let red = [0xc0, 0x20, 0x20];
    assert!(shows(&color_at(&first, "0.5"), WIDTH / 2, HEIGHT / 2, red));
    let [early, late] = ["1.2", "2.8"].map(|at| bar(&color_at(&first, at)));
    assert!(early < late, "the bar moves: {early} to {late}");

    // The page is another one now; the film is not.
    *site.ground.lock().expect("no test panics with this lock") = "#2020c0";
    let (second, _) = render("second.mp4", &["--set", &allowed, "--no-cache"]);
    assert!(std::fs::read(&first).expect("a film") == std::fs::read(&second).expect("a film"), "the same film");
    let (third, _) = render("third.mp4", &["--set", &allowed, "--refresh-pages"]);
    assert!(shows(&color_at(&third, "0.5"), WIDTH / 2, HEIGHT / 2, [0x20, 0x20, 0xc0]));

    // Not allowed, it is not captured: the plain ground and a warning, and the lecture goes on.
    let (refused, said) = render("refused.mp4", &["--refresh-pages"]);
    assert!(said.contains("cannot be captured: 127.0.0.1 leads to 127.0.0.1, which is this machine itself"), "{said}");
    assert!(shows(&color_at(&refused, "0.5"), WIDTH / 2, HEIGHT / 2, [0xe6, 0xe8, 0xeb]));
}
