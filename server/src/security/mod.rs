//! What stands between the network and the routes: TLS, which pages may ask, how much may be sent, who did what; and where requests of the
//! server itself may go.
//!
//! ```text
//! let router = security::origins(v1_routes, &settings).merge(adapter_routes);   // adapters have rules of their own on origins
//! let router = security::guard(router, &settings).layer(from_fn_with_state(audit, audit::record));
//! match security::tls(&settings)? {
//!     Some(acceptor) => axum::serve(TlsListener::new(listener, acceptor)?, service),
//!     None => axum::serve(listener, service),
//! }
//! ```

pub mod audit;
mod outgoing;
mod tls;

pub use audit::Audit;
pub use outgoing::{Outgoing, OutgoingError};
pub use tls::{TlsError, TlsListener, acceptor};

use crate::config::Settings;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use std::time::Duration;
use tokio_rustls::TlsAcceptor;
use tower_http::cors::{AllowOrigin, CorsLayer};
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::set_header::SetResponseHeaderLayer;

/// What a form has around its files.
const AROUND_FILES: usize = 1 << 20;
/// How long a browser remembers which pages may ask.
const REMEMBER: Duration = Duration::from_secs(600);

/// What accepts TLS, where the settings name a certificate.
///
/// # Errors
/// Certificate or key cannot be used.
pub fn tls(settings: &Settings) -> Result<Option<TlsAcceptor>, TlsError> {
    match (&settings.tls.certificate, &settings.tls.key) {
        (Some(certificate), Some(key)) => acceptor(certificate, key).map(Some),
        _ => Ok(None),
    }
}

/// Adds to all routes what holds for each of them: the largest bodies, and that a server with TLS is asked by TLS only. A route that takes
/// files has its own limit for them, and `DefaultBodyLimit::disable()`; more than twice that is not even begun.
pub fn guard<S: Clone + Send + Sync + 'static>(router: Router<S>, settings: &Settings) -> Router<S> {
    let (body, upload) = (settings.http.body.0 as usize, settings.http.upload.0 as usize);
    let most = upload.max(body).saturating_mul(2).saturating_add(AROUND_FILES);
    let limited = router.layer(DefaultBodyLimit::max(body)).layer(RequestBodyLimitLayer::new(most));
    let router = limited.layer(map_response(explained));
    match settings.tls.certificate {
        // RFC 6797: a year.
        Some(_) => {
            let strict = HeaderValue::from_static("max-age=31536000");
            router.layer(SetResponseHeaderLayer::if_not_present(header::STRICT_TRANSPORT_SECURITY, strict))
        }
        None => router,
    }
}

/// Lets pages of the origins in the settings ask these routes.
pub fn origins<S: Clone + Send + Sync + 'static>(router: Router<S>, settings: &Settings) -> Router<S> {
    if settings.http.origins.is_empty() { router } else { router.layer(cors(&settings.http.origins)) }
}

/// A body that is too large is refused before any handler sees it, in words for people: programs want JSON.
async fn explained(response: Response) -> Response {
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    if response.status() != StatusCode::PAYLOAD_TOO_LARGE || kind.is_some_and(|kind| kind.contains("json")) {
        return response;
    }
    let body = json!({
        "type": "about:blank", "title": "Payload Too Large", "status": 413, "code": "too_large", "detail": "the request is too large",
        "cure": "send less; the limits are http.body and http.upload of the server's settings",
    });
    (StatusCode::PAYLOAD_TOO_LARGE, [(header::CONTENT_TYPE, "application/problem+json")], body.to_string()).into_response()
}

/// No cookie counts here, so a page can do no more than whoever wrote it could do without it: credentials are never allowed.
fn cors(origins: &[String]) -> CorsLayer {
    let allowed = match origins.iter().any(|origin| origin == "*") {
        true => AllowOrigin::any(),
        false => AllowOrigin::list(origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok())),
    };
    let seen =
        [header::ETAG, header::CONTENT_RANGE, header::ACCEPT_RANGES, header::CONTENT_DISPOSITION, header::RETRY_AFTER, header::LOCATION];
    let sent = [
        header::AUTHORIZATION,
        header::CONTENT_TYPE,
        header::RANGE,
        header::IF_MATCH,
        header::IF_NONE_MATCH,
        header::IF_RANGE,
        HeaderName::from_static("last-event-id"),
        HeaderName::from_static("idempotency-key"),
    ];
    let methods = [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
    CorsLayer::new().allow_origin(allowed).allow_methods(methods).allow_headers(sent).expose_headers(seen).max_age(REMEMBER)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::{Body, Bytes};
    use axum::extract::Request;
    use axum::routing::post;
    use engine::graph::unit;
    use serde_json::Value;
    use tower::ServiceExt;

    fn app(change: impl FnOnce(&mut Settings)) -> Router {
        let mut settings = Settings::default();
        change(&mut settings);
        let router = Router::new().route("/", post(async |body: Bytes| body.len().to_string()));
        let streamed = async |body: Body| match axum::body::to_bytes(body, usize::MAX).await {
            Ok(bytes) => Ok(bytes.len().to_string()),
            Err(_) => Err(StatusCode::PAYLOAD_TOO_LARGE),
        };
        guard(origins(router.route("/upload", post(streamed).layer(DefaultBodyLimit::disable())), &settings), &settings)
    }

    #[tokio::test]
    async fn pages_of_other_origins_ask_where_they_may() {
        let ask = async |origins: &[&str], method: Method| {
            let app = app(|settings| settings.http.origins = origins.iter().map(|origin| origin.to_string()).collect());
            let request = Request::builder().method(method).uri("/").header("origin", "https://studio.example");
            let response = app.oneshot(request.header("access-control-request-method", "POST").body(Body::empty()).unwrap()).await.unwrap();
            let header = |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap().to_string());
            assert_eq!(header("access-control-allow-credentials"), None);
            (header("access-control-allow-origin"), header("access-control-allow-methods").is_some())
        };
        assert_eq!(ask(&[], Method::POST).await, (None, false));
        assert_eq!(ask(&["https://studio.example"], Method::OPTIONS).await, (Some("https://studio.example".into()), true));
        assert_eq!(ask(&["https://other.example"], Method::POST).await.0, None);
        assert_eq!(ask(&["*"], Method::POST).await.0.as_deref(), Some("*"));
    }

    #[tokio::test]
    async fn bodies_have_limits() {
        let app = app(|settings| {
            settings.http.body = unit::Bytes(1000);
            settings.http.upload = unit::Bytes(3 << 20);
        });
        let send = async |path: &str, size: usize| {
            let request = Request::post(path).body(Body::from(vec![0; size])).unwrap();
            let response = app.clone().oneshot(request).await.unwrap();
            let status = response.status();
            let body = axum::body::to_bytes(response.into_body(), 10_000).await.unwrap();
            let said = serde_json::from_slice::<Value>(&body).map(|problem| problem["code"].clone()).unwrap_or_default();
            (status, said)
        };
        let too_large = || (StatusCode::PAYLOAD_TOO_LARGE, json!("too_large"));
        assert_eq!((send("/", 1000).await.0, send("/", 1001).await), (StatusCode::OK, too_large()));
        assert_eq!((send("/upload", 7 << 20).await.0, send("/upload", (7 << 20) + 1).await), (StatusCode::OK, too_large()));
    }

    #[tokio::test]
    async fn a_server_with_tls_says_that_it_is_one() {
        for certificate in [None, Some("cert.pem".into())] {
            let app = app(|settings| settings.tls.certificate = certificate.clone());
            let response = app.oneshot(Request::post("/").body(Body::empty()).unwrap()).await.unwrap();
            assert_eq!(response.headers().contains_key(header::STRICT_TRANSPORT_SECURITY), certificate.is_some());
        }
    }
}
