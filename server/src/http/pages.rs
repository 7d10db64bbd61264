//! Pages and figures: the viewer page, `/metrics`.

use super::access::Bearer;
use super::problem::Problem;
use super::{Shared, aside};
use crate::compat::Figures;
use crate::metrics::Metrics;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use rust_embed::RustEmbed;

/// The browser side as it was built.
#[derive(RustEmbed)]
#[folder = "server/web/dist"]
struct Pages;

/// Scripts and styles come from here only; a page that a lecture shows may come from anywhere, in a frame without rights.
const POLICY: &str = "default-src 'self'; media-src 'self' blob:; connect-src 'self' ws: wss:; frame-src http: https:; style-src 'self'; \
    img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'self'";

pub async fn viewer(Path(_room): Path<String>) -> Response {
    match Pages::get("index.html") {
        // It names the files that belong to it.
        Some(page) => ([(header::CACHE_CONTROL, "no-cache")], Html(page.data.into_owned())).into_response(),
        None => nothing().await.into_response(),
    }
}

pub async fn asset(Path(path): Path<String>) -> Response {
    let Some(file) = Pages::get(&format!("assets/{path}")) else { return nothing().await.into_response() };
    let kind = match path.rsplit('.').next() {
        Some("js") => "text/javascript",
        Some("css") => "text/css",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        _ => "application/octet-stream",
    };
    // Their names change with their content.
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "public, max-age=31536000, immutable")], file.data.into_owned()).into_response()
}

/// The figures of the sessions that the token's bearer may command, and of a server's jobs, as Prometheus text. They say nothing about who
/// watches. Those of jobs are shown to whoever may ask the adapter whose clients know them by this address, too.
#[utoipa::path(get, path = "/metrics", tag = "operations", security((), ("token" = [])),
    responses((status = 200, description = "A name with its labels and a figure on each line.", body = String, content_type = "text/plain"), Problem))]
pub async fn metrics(app: Shared, bearer: Result<Bearer, Problem>, headers: HeaderMap) -> Result<Response, Problem> {
    let author = bearer.and_then(|Bearer(claims)| claims.must_be_author().map(|()| claims).map_err(Problem::from));
    let claims = match author {
        Ok(claims) => Some(claims),
        Err(_) if app.service.is_some() && app.compat.video_message.shows_figures(&app, &headers) => None,
        Err(problem) => return Err(problem),
    };
    let figures = match &app.service {
        Some(service) => Some(Figures::of(service).await?),
        None => None,
    };
    let text = aside(move || {
        let metrics = Metrics::default();
        if let Some(figures) = &figures {
            metrics.add_jobs(figures);
        }
        let may_see = |room: &str| claims.as_ref().is_some_and(|claims| claims.may_watch(room).is_ok());
        let reports = app.sessions.all().into_iter().filter(|session| may_see(session.name())).map(|session| {
            let viewers = session.room().map(|room| room.viewers()).unwrap_or_default();
            (session.name().to_string(), session.handle().report(), viewers)
        });
        let joins = if claims.is_some() { app.joins.seconds() } else { Vec::new() };
        metrics.of_rooms(&reports.collect::<Vec<_>>(), &joins)
    });
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text.await?).into_response())
}

pub async fn nothing() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "not_found", "there is nothing at this address")
}

/// What every answer says for the browser's safety.
pub async fn protect(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}
