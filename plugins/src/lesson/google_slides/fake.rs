//! A server that speaks the Google Slides API as far as it is documented, with faults on demand, on loopback.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::io::Cursor;
use std::sync::{Arc, Mutex, MutexGuard};

/// The token that it accepts.
pub const TOKEN: &str = "ya29.right-token";
/// What stands in the addresses of pictures, and nowhere else.
pub const SECRET: &str = "bearer-like-address";

/// What goes wrong with the next request of a kind.
pub enum Fault {
    /// An error, in Google's form, with `Retry-After` in seconds.
    Status(u16, Option<u64>),
    /// No answer at all.
    Hangs,
    /// Half of the answer, then the connection breaks.
    Breaks,
    /// Half of the picture, and an answer that looks whole.
    HalfPicture,
    /// The answer is right, and somebody edits the presentation right after it.
    Edited,
}

/// Kinds of requests, as faults and counts name them.
pub const REVISION: &str = "revision";
pub const CONTENT: &str = "content";
pub const THUMBNAIL: &str = "thumbnail";
pub const PICTURE: &str = "picture";

/// What the server knows.
pub struct Known {
    pub id: String,
    /// The presentation without its revision.
    pub presentation: Value,
    pub revision: u32,
    /// The token's account may edit, so it is told the revision.
    pub may_edit: bool,
    pub faults: BTreeMap<&'static str, VecDeque<Fault>>,
    /// Requests in order, by kind.
    pub asked: Vec<&'static str>,
    /// How many thumbnails are being made, and the most there were.
    at_work: (usize, usize),
    address: String,
}

impl Known {
    pub fn count(&self, kind: &str) -> usize {
        self.asked.iter().filter(|asked| **asked == kind).count()
    }

    /// The most thumbnails that were asked for at one time.
    pub fn most_at_work(&self) -> usize {
        self.at_work.1
    }

    fn revision_id(&self) -> Option<String> {
        self.may_edit.then(|| format!("rev-{}", self.revision))
    }
}

type Shared = Arc<Mutex<Known>>;

/// A server at work; it ends with this value.
pub struct Fake {
    shared: Shared,
    _runtime: tokio::runtime::Runtime,
}

impl Fake {
    /// Serves one presentation.
    pub fn start(id: &str, presentation: Value) -> Fake {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).expect("a free port");
        let shared = Arc::new(Mutex::new(Known {
            id: id.into(),
            presentation,
            revision: 1,
            may_edit: true,
            faults: BTreeMap::new(),
            asked: Vec::new(),
            at_work: (0, 0),
            address: format!("http://{}", listener.local_addr().expect("a bound socket")),
        }));
        let routes = Router::new()
            .route("/v1/presentations/{id}", get(presentation_route))
            .route("/v1/presentations/{id}/pages/{page}/thumbnail", get(thumbnail_route))
            .route("/picture/{page}", get(picture_route))
            .with_state(shared.clone());
        runtime.spawn(async move { axum::serve(listener, routes).await });
        Fake { shared, _runtime: runtime }
    }

    /// Where the API is.
    pub fn url(&self) -> String {
        self.lock().address.clone()
    }

    pub fn lock(&self) -> MutexGuard<'_, Known> {
        self.shared.lock().expect("no test panics with this lock")
    }

    /// The next requests of this kind go wrong like this.
    pub fn fail(&self, kind: &'static str, faults: impl IntoIterator<Item = Fault>) {
        self.lock().faults.entry(kind).or_default().extend(faults);
    }
}

/// A presentation of slides with (title, notes, skipped).
pub fn presentation(title: &str, slides: &[(&str, &str, bool)]) -> Value {
    let emu = |magnitude: u32| json!({ "magnitude": magnitude, "unit": "EMU" });
    let text = |text: &str| json!({ "textElements": [{ "endIndex": 5, "paragraphMarker": { "style": {} } }, { "endIndex": 5, "textRun": { "content": format!("{text}\n"), "style": {} } }] });
    let slide = |(index, (title, notes, skipped)): (usize, &(&str, &str, bool))| {
        let mut notes_shapes =
            vec![json!({ "objectId": format!("i{index}_image"), "shape": { "placeholder": { "type": "SLIDE_IMAGE" } } })];
        if !notes.is_empty() {
            notes_shapes.push(json!({ "objectId": format!("i{index}_notes"), "shape": { "shapeType": "TEXT_BOX", "text": text(notes) } }));
        }
        let mut properties = json!({
            "layoutObjectId": "layout",
            "notesPage": {
                "objectId": format!("i{index}"), "pageType": "NOTES",
                "notesProperties": { "speakerNotesObjectId": format!("i{index}_notes") }, "pageElements": notes_shapes,
            },
        });
        if *skipped {
            properties["isSkipped"] = json!(true);
        }
        let picture = json!({ "objectId": "image", "image": { "contentUrl": format!("https://example.org/{index}") } });
        let heading = json!({ "objectId": "t", "shape": { "placeholder": { "type": "TITLE" }, "text": text(title) } });
        json!({ "objectId": format!("g{index}"), "pageElements": [picture, heading], "slideProperties": properties })
    };
    json!({
        "title": title, "locale": "en", "pageSize": { "width": emu(9_144_000), "height": emu(5_143_500) },
        "slides": slides.iter().enumerate().map(slide).collect::<Vec<_>>(), "masters": [], "layouts": [],
    })
}

/// The colour of a slide's picture.
pub fn color(page: &str, revision: u32) -> [u8; 3] {
    let number: u32 = page.trim_start_matches('g').parse().unwrap_or(0);
    [(40 + 50 * number % 200) as u8, (200 - 40 * revision % 200) as u8, 90]
}

/// Notes a request and gives what goes wrong with it.
fn ask(shared: &Shared, kind: &'static str) -> Option<Fault> {
    let mut known = shared.lock().expect("no test panics with this lock");
    known.asked.push(kind);
    known.faults.get_mut(kind).and_then(VecDeque::pop_front)
}

fn error(code: u16, after: Option<u64>) -> Response {
    let status = StatusCode::from_u16(code).expect("a status");
    let message = match code {
        401 => "Request had invalid authentication credentials.",
        403 => "The caller does not have permission",
        404 => "Requested entity was not found.",
        _ => "Something went wrong.",
    };
    let body = json!({ "error": { "code": code, "message": message, "status": "X" } });
    let mut response = (status, axum::Json(body)).into_response();
    if let Some(after) = after {
        response.headers_mut().insert(header::RETRY_AFTER, after.into());
    }
    response
}

async fn spoil(shared: &Shared, fault: Option<Fault>, kind: &str, body: Vec<u8>) -> Response {
    let content_type = [(header::CONTENT_TYPE, if kind == PICTURE { "image/png" } else { "application/json" })];
    match fault {
        Some(Fault::Status(code, after)) => error(code, after),
        Some(Fault::Hangs) => std::future::pending().await,
        Some(Fault::Breaks) => {
            let parts = [Ok(Bytes::from(body[..body.len() / 2].to_vec())), Err(std::io::Error::other("it breaks"))];
            (content_type, Body::from_stream(futures_util::stream::iter(parts))).into_response()
        }
        Some(Fault::HalfPicture) => (content_type, body[..body.len() / 2].to_vec()).into_response(),
        Some(Fault::Edited) => {
            shared.lock().expect("no test panics with this lock").revision += 1;
            (content_type, body).into_response()
        }
        None => (content_type, body).into_response(),
    }
}

fn refuse(shared: &Shared, id: &str, headers: &HeaderMap) -> Option<Response> {
    let known = shared.lock().expect("no test panics with this lock");
    if headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()) != Some(&format!("Bearer {TOKEN}")) {
        return Some(error(401, None));
    }
    (known.id != id).then(|| error(404, None))
}

async fn presentation_route(
    State(shared): State<Shared>,
    Path(id): Path<String>,
    Query(query): Query<BTreeMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    let fields = query.get("fields").map(String::as_str);
    let kind = if fields == Some("revisionId") { REVISION } else { CONTENT };
    let fault = ask(&shared, kind);
    if let Some(refusal) = refuse(&shared, &id, &headers) {
        return refusal;
    }
    let body = {
        let known = shared.lock().expect("no test panics with this lock");
        let mut body = if kind == REVISION { json!({}) } else { known.presentation.clone() };
        if kind == CONTENT {
            body["presentationId"] = json!(known.id);
            // New in every answer, as Google's are.
            let asked = known.asked.len();
            if let Some(address) = body.pointer_mut("/slides/0/pageElements/0/image/contentUrl") {
                *address = json!(format!("https://example.org/{asked}"));
            }
            body["masters"] = json!([{ "objectId": format!("m{}", known.revision) }]);
        }
        if let Some(revision) = known.revision_id() {
            body["revisionId"] = json!(revision);
        }
        body
    };
    spoil(&shared, fault, kind, body.to_string().into_bytes()).await
}

async fn thumbnail_route(
    State(shared): State<Shared>,
    Path((id, page)): Path<(String, String)>,
    Query(query): Query<BTreeMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    let fault = ask(&shared, THUMBNAIL);
    if let Some(refusal) = refuse(&shared, &id, &headers) {
        return refusal;
    }
    let asked = |name: &str| query.get(&format!("thumbnailProperties.{name}")).map(String::as_str);
    if (asked("thumbnailSize"), asked("mimeType")) != (Some("LARGE"), Some("PNG")) {
        return error(400, None);
    }
    let body = {
        let mut known = shared.lock().expect("no test panics with this lock");
        known.at_work.0 += 1;
        known.at_work.1 = known.at_work.1.max(known.at_work.0);
        json!({ "width": 1600, "height": 900, "contentUrl": format!("{}/picture/{page}?key={SECRET}", known.address) })
    };
    // Whoever asks for more at a time gets the chance to be seen doing it.
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
    let answer = spoil(&shared, fault, THUMBNAIL, body.to_string().into_bytes()).await;
    shared.lock().expect("no test panics with this lock").at_work.0 -= 1;
    answer
}

async fn picture_route(
    State(shared): State<Shared>,
    Path(page): Path<String>,
    Query(query): Query<BTreeMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    let fault = ask(&shared, PICTURE);
    // The address is enough, and the token is none of the picture server's business.
    if query.get("key").map(String::as_str) != Some(SECRET) || headers.contains_key(header::AUTHORIZATION) {
        return error(403, None);
    }
    let revision = shared.lock().expect("no test panics with this lock").revision;
    let mut png = Vec::new();
    let mut state = 1_u32;
    // Grain, so that half of the file is less than all of the picture.
    let pixels = image::RgbImage::from_fn(160, 90, |x, y| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        image::Rgb(if x < 16 && y < 16 { [(state >> 24) as u8; 3] } else { color(&page, revision) })
    });
    pixels.write_to(&mut Cursor::new(&mut png), image::ImageFormat::Png).expect("a picture can be written");
    spoil(&shared, fault, PICTURE, png).await
}
