//! Real pages in a real browser, served on loopback, which the guard is told to let through.

use super::page::{Page, Purpose};
use super::*;
use crate::net::guard::{Guard, Refused};
use axum::Router;
use axum::extract::{Path as UrlPath, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use engine::frame::Size;
use engine::run::Cancel;
use engine::time::{Rate, Span};
use image::RgbaImage;
use serde_json::json;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const SIZE: Size = Size { width: 640, height: 360 };

/// A server of pages; it ends with this value.
struct Site {
    address: SocketAddr,
    asked: Asked,
    _runtime: tokio::runtime::Runtime,
}

type Asked = Arc<Mutex<Vec<String>>>;

impl Site {
    fn start() -> Site {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Asked::default();
        let routes = Router::new().route("/{*path}", get(serve)).with_state(asked.clone());
        runtime.spawn(async move { axum::serve(listener, routes).await });
        Site { address, asked, _runtime: runtime }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }

    fn asked(&self, path: &str) -> usize {
        self.asked.lock().unwrap().iter().filter(|asked| *asked == path).count()
    }
}

/// `to/HOST:PORT/REST` sends on, `hang` never answers, `embed/HOST:PORT` loads things from elsewhere, all else is a page by name.
async fn serve(State(asked): State<Asked>, UrlPath(path): UrlPath<String>, headers: HeaderMap) -> Response {
    asked.lock().unwrap().push(path.clone());
    let (name, rest) = path.split_once('/').unwrap_or((path.as_str(), ""));
    match name {
        "to" => (StatusCode::FOUND, [(header::LOCATION, format!("http://{rest}"))]).into_response(),
        "hang" => std::future::pending().await,
        "gone" => StatusCode::NOT_FOUND.into_response(),
        "cookie" => {
            let color = if headers.contains_key(header::COOKIE) { "red" } else { "lime" };
            let page = format!("<body style='margin:0;background:{color}'>");
            ([(header::SET_COOKIE, "seen=1; Max-Age=9999")], Html(page)).into_response()
        }
        "quarters" => Html(QUARTERS.to_string()).into_response(),
        "moves" => Html(MOVES.to_string()).into_response(),
        "asks" => {
            Html("<body style='background:lime'><script>alert('?'); confirm('?'); setInterval(() => prompt('?'), 50)</script>".to_string())
                .into_response()
        }
        "slow-picture" => Html("<body style='background:lime'>Text<img src='/hang'>".to_string()).into_response(),
        "busy" => {
            Html("<body style='background:lime'>Text<script>setTimeout(() => { for (;;); }, 300)</script>".to_string()).into_response()
        }
        "embed" => Html(EMBEDS.replace("HOST", rest)).into_response(),
        _ => Html(format!("<title>{path}</title>")).into_response(),
    }
}

/// Four colours and a word in the middle, on a window of 1280 x 720.
const QUARTERS: &str = "<body style='margin:0;display:grid;grid-template:360px 360px/640px 640px'>
    <div style='background:#c00000'></div><div style='background:#00c000'></div>
    <div style='background:#0000c0'></div><div style='background:#c0c000'></div>
    <div style='position:fixed;left:540px;top:310px;width:200px;height:100px;background:#fff;font:80px sans-serif'>Word</div>";

/// Three bars, moved 100 pixels a second: by CSS, by animation frames, and by a timer.
const MOVES: &str = "<style>
    body { margin: 0; background: #fff }
    div { position: absolute; left: 0; width: 40px; height: 40px; background: #000 }
    #css { top: 0; animation: move 10s linear forwards }
    #frame { top: 100px } #timer { top: 200px }
    @keyframes move { to { left: 1000px } }
    </style><div id=css></div><div id=frame></div><div id=timer></div><script>
    const start = performance.now();
    const move = id => { document.getElementById(id).style.left = (performance.now() - start) / 10 + 'px' };
    const draw = () => { move('frame'); requestAnimationFrame(draw) };
    requestAnimationFrame(draw);
    setInterval(move, 10, 'timer');
    </script>";

const EMBEDS: &str = "<body style='background:lime'><img src='http://HOST/image'><iframe src='http://HOST/frame'></iframe>
    <link rel=stylesheet href='http://HOST/style'><script src='http://HOST/script'></script>
    <script>fetch('http://HOST/fetch', { mode: 'no-cors' }); new WebSocket('ws://HOST/socket'); navigator.sendBeacon('http://HOST/beacon')</script>";

struct Bench {
    cache: PageCache,
    cancel: Cancel,
    settings: PageSettings,
    _folder: tempfile::TempDir,
}

fn bench(site: &Site) -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let guard = Guard::new([site.address.to_string().parse().unwrap()]);
    let settings = PageSettings { guard, limit: Duration::from_secs(60), ..PageSettings::default() };
    Bench { cache: PageCache::open(folder.path().join("pages")), cancel: Cancel::default(), settings, _folder: folder }
}

impl Bench {
    fn still(&self, url: &str) -> Result<Captured, BrowserError> {
        still(url, SIZE, &self.settings, &self.cache, &self.cancel)
    }

    fn picture(&self, url: &str) -> RgbaImage {
        let captured = self.still(url).unwrap_or_else(|error| panic!("{error}"));
        image::open(&captured.path).unwrap().into_rgba8()
    }

    fn error(&self, url: &str) -> BrowserError {
        let error = self.still(url).expect_err("it cannot be captured");
        assert!(self.cache.names(url).is_empty(), "nothing is kept");
        error
    }
}

fn is_near(shown: &RgbaImage, x: u32, y: u32, color: [u8; 3]) -> bool {
    shown.get_pixel(x, y).0[..3].iter().zip(color).all(|(a, b)| a.abs_diff(b) <= 2)
}

/// Processes of browsers that this test binary started and that are still at work.
fn browsers() -> Vec<String> {
    let own = std::process::id().to_string();
    let mut found = Vec::new();
    for process in std::fs::read_dir("/proc").unwrap().flatten() {
        let read = |name: &str| std::fs::read(process.path().join(name)).unwrap_or_default();
        let command = String::from_utf8_lossy(&read("cmdline")).replace('\0', " ");
        let is_dead = String::from_utf8_lossy(&read("stat")).contains(") Z");
        if command.contains("lectern-page-") && command.contains("user-data-dir") && !is_dead && !process.file_name().eq(own.as_str()) {
            found.push(command.chars().take(200).collect());
        }
    }
    found
}

#[test]
fn a_still_shows_the_page_at_the_size_of_the_film() {
    let site = Site::start();
    let bench = bench(&site);
    let shown = bench.picture(&site.url("quarters"));
    assert_eq!(shown.dimensions(), (SIZE.width, SIZE.height));
    let places =
        [(20, 20, [192, 0, 0]), (620, 20, [0, 192, 0]), (20, 340, [0, 0, 192]), (620, 340, [192, 192, 0]), (272, 157, [255, 255, 255])];
    for (x, y, color) in places {
        assert!(is_near(&shown, x, y, color), "{x},{y}: {:?}", shown.get_pixel(x, y));
    }
    let dark = (270..370).flat_map(|x| (155..205).map(move |y| (x, y))).filter(|(x, y)| shown.get_pixel(*x, *y).0[..3] == [0; 3]).count();
    assert!(dark > 100, "the word is drawn: {dark}");
}

#[test]
fn what_was_captured_is_taken_again_until_it_is_forgotten() {
    let site = Site::start();
    let bench = bench(&site);
    let url = site.url("cookie");
    let first = bench.still(&url).unwrap();
    let second = bench.still(&url).unwrap();
    assert_eq!((first.path.clone(), first.age, site.asked("cookie")), (second.path, None, 1));
    assert!(second.age.is_some() && second.notes.is_empty());
    bench.cache.forget(&url).unwrap();
    let shown = bench.picture(&url);
    assert!(is_near(&shown, 100, 100, [0, 255, 0]), "no cookie was kept: {:?}", shown.get_pixel(100, 100));
    assert_eq!(site.asked("cookie"), 2);
}

#[test]
fn private_addresses_are_refused_by_any_way() {
    let (site, house) = (Site::start(), Site::start());
    let bench = bench(&site);
    assert!(matches!(bench.error(&house.url("x")), BrowserError::Refused(Refused::Private { .. })), "named");
    for way in ["127.0.0.1", "localhost", "2130706433"] {
        let target = format!("{way}:{}/x", house.address.port());
        let error = bench.error(&site.url(&format!("to/{target}")));
        assert!(matches!(error, BrowserError::Refused(Refused::Private { .. })), "sent on to {target}: {error}");
    }
    let captured = bench.still(&site.url(&format!("embed/{}", house.address))).unwrap();
    assert!(
        captured.notes.iter().any(|note| note.contains("something on it was not loaded") && note.contains("allow_private")),
        "{:?}",
        captured.notes
    );
    assert_eq!(*house.asked.lock().unwrap(), [] as [String; 0], "nobody came through");
}

#[test]
fn a_page_that_never_finishes_ends_at_the_limit() {
    let site = Site::start();
    let mut bench = bench(&site);
    bench.settings.limit = Duration::from_secs(3);
    assert!(matches!(bench.error(&site.url("hang")), BrowserError::TimedOut(_)));
    bench.settings.limit = Duration::from_secs(8);
    let captured = bench.still(&site.url("slow-picture")).unwrap();
    assert!(captured.notes[0].contains("had not finished loading"), "{:?}", captured.notes);
    assert!(is_near(&image::open(&captured.path).unwrap().into_rgba8(), 300, 300, [0, 255, 0]));
}

#[test]
fn pages_that_cannot_be_shown_say_why() {
    let site = Site::start();
    let mut bench = bench(&site);
    let told = |error: BrowserError, wanted: &str| assert!(error.to_string().contains(wanted), "{error}");
    told(bench.error(&site.url("gone")), "error 404");
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    bench.settings.guard = Guard::new([closed, site.address].map(|address| address.to_string().parse().unwrap()));
    told(bench.error(&format!("http://{closed}/")), "cannot be loaded");
    told(bench.error("file:///etc/passwd"), "only http: and https: are");
    told(bench.error("http://no-such-name.invalid/"), "does not resolve");
    bench.settings.program = "no-such-browser".into();
    told(bench.error(&site.url("quarters")), "sudo apt-get install chromium");
    bench.settings.program = "false".into();
    told(bench.error(&site.url("quarters")), "the browser does not start");
}

#[test]
fn nobody_is_asked_anything() {
    let site = Site::start();
    let bench = bench(&site);
    assert!(is_near(&bench.picture(&site.url("asks")), 100, 100, [0, 255, 0]));
}

#[test]
fn the_user_can_stop_it_and_a_crash_is_told_and_no_process_stays() {
    let site = Site::start();
    let bench = bench(&site);
    let open = |path: &str| Page::open(&site.url(path), SIZE, Purpose::Still, &bench.settings, &bench.cancel);
    let mut page = open("quarters").unwrap();
    let home = page.home().to_path_buf();
    assert!(home.is_dir() && browsers().iter().any(|command| command.contains(&*home.to_string_lossy())));
    let crash = page.call("Browser.crash", json!({}));
    assert!(matches!(crash, Err(BrowserError::Died { .. })), "{crash:?}");
    assert!(page.picture().is_err());
    drop(page);
    let mut page = open("quarters").unwrap();
    let crash = page.call("Page.crash", json!({}));
    assert!(crash.is_err(), "{crash:?}");
    drop(page);

    let (url, settings, cancel) = (site.url("hang"), bench.settings.clone(), bench.cancel.clone());
    let opening = std::thread::spawn(move || Page::open(&url, SIZE, Purpose::Still, &settings, &cancel).map(drop));
    while site.asked("hang") == 0 {
        assert!(!opening.is_finished(), "it ended before it was stopped");
        std::thread::yield_now();
    }
    let asked = Instant::now();
    bench.cancel.cancel();
    assert!(matches!(opening.join().unwrap(), Err(BrowserError::Cancelled)));
    assert!(asked.elapsed() < bench.settings.limit, "not by the limit");
    assert!(!home.exists());
    let ours = |command: &String| command.contains(&*home.to_string_lossy());
    assert!(!browsers().iter().any(ours));
}

#[test]
fn a_film_of_a_page_shows_how_it_moves() {
    let site = Site::start();
    let bench = bench(&site);
    let url = site.url("moves");
    let mut page = Page::open(&url, SIZE, Purpose::Moving, &bench.settings, &bench.cancel).unwrap();
    // Where the bars are, in CSS pixels: the window is twice as wide as the picture.
    let mut seen: Vec<[f64; 3]> = Vec::new();
    let bars = |picture: &[u8]| {
        let shown = image::load_from_memory(picture).unwrap().into_rgba8();
        assert_eq!(shown.dimensions(), (SIZE.width, SIZE.height));
        [10, 60, 110].map(|y| (0..SIZE.width).find(|x| shown.get_pixel(*x, y).0[0] < 128).map_or(-1.0, |x| f64::from(x) * 2.0))
    };
    page.record(SIZE, Rate::per_second(10), 20, |picture| {
        seen.push(bars(picture));
        Ok(())
    })
    .unwrap();
    assert_eq!(seen.len(), 20);
    for bar in 0..3 {
        let places: Vec<f64> = seen.iter().map(|bars| bars[bar]).collect();
        assert!(places.is_sorted() && places[0] >= 0.0, "bar {bar}: {places:?}");
        // A busy machine shows a picture late, never early, and not all of them.
        let moved: Vec<f64> = places.iter().map(|place| place - places[0]).collect();
        assert!(moved.iter().enumerate().all(|(index, moved)| *moved <= index as f64 * 10.0 + 6.0), "bar {bar}: {moved:?}");
        assert!(moved[19] > 20.0, "bar {bar}: {moved:?}");
    }
    let film =
        moving(&url, SIZE, Moving { rate: 5, length: Span::from_millis(900) }, &bench.settings, &bench.cache, &bench.cancel).unwrap();
    assert!(film.path.ends_with("640x360-5-5.mp4") && film.age.is_none() && film.length == Span::SECOND);
    let facts = crate::gst::film_facts(&film.path).unwrap();
    assert_eq!((facts.shape, facts.length, facts.has_sound), (SIZE, Span::SECOND, false));
    let shorter = Moving { rate: 5, length: Span::from_millis(300) };
    let again = moving(&url, SIZE, shorter, &bench.settings, &bench.cache, &bench.cancel).unwrap();
    assert!(again.path == film.path && again.age.is_some());
}

#[test]
fn a_page_that_keeps_the_browser_busy_is_given_up() {
    let site = Site::start();
    let mut bench = bench(&site);
    bench.settings.limit = Duration::from_secs(4);
    // It shows itself before it hangs, or it does not: both end.
    match bench.still(&site.url("busy")) {
        Ok(captured) => assert!(!captured.notes.is_empty()),
        Err(error) => assert!(matches!(error, BrowserError::Silent { .. } | BrowserError::TimedOut(_)), "{error}"),
    }
}
