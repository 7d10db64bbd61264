//! What clients of services on the web share.

use std::time::{Duration, SystemTime};

/// A client to be set up further. The rustls provider is chosen here, not left to whoever began the program: without one the first
/// request of a test or an embedding program would panic.
pub fn client() -> reqwest::ClientBuilder {
    // Two are linked in, and none is taken by itself. A second call finds the first one's choice.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().user_agent(concat!("lectern/", env!("CARGO_PKG_VERSION")))
}

/// How long the other side asks to wait: `Retry-After` in seconds or as a date (RFC 9110, 10.2.3).
pub fn retry_after(headers: &reqwest::header::HeaderMap) -> Option<Duration> {
    let text = headers.get(reqwest::header::RETRY_AFTER)?.to_str().ok()?.trim();
    match text.parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => Some(httpdate::parse_http_date(text).ok()?.duration_since(SystemTime::now()).unwrap_or_default()),
    }
}

/// Whether asking again may help: too many requests, a time-out, or a fault of the other side.
pub fn is_passing(status: reqwest::StatusCode) -> bool {
    status.is_server_error() && status != reqwest::StatusCode::NOT_IMPLEMENTED || matches!(status.as_u16(), 408 | 425 | 429)
}

/// The whole body, at most `limit` bytes; `None` when there is more.
///
/// # Errors
/// The connection broke. The error does not carry the address, which may be a secret.
pub async fn read_body(mut response: reqwest::Response, limit: u64) -> Result<Option<Vec<u8>>, reqwest::Error> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(reqwest::Error::without_url)? {
        if (body.len() + chunk.len()) as u64 > limit {
            return Ok(None);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Some(body))
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::StatusCode;
    use reqwest::header::{HeaderMap, HeaderValue, RETRY_AFTER};

    #[test]
    fn the_wait_is_read_in_both_forms() {
        let after = |text: &str| retry_after(&HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_str(text).unwrap())]));
        assert_eq!(after("7"), Some(Duration::from_secs(7)));
        assert_eq!(after("Wed, 21 Oct 2015 07:28:00 GMT"), Some(Duration::ZERO));
        let later = after(&httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(3600))).unwrap();
        assert!(later > Duration::from_secs(3000) && later <= Duration::from_secs(3600), "{later:?}");
        assert_eq!([after("soon"), after("-1"), retry_after(&HeaderMap::new())], [None; 3]);
    }

    #[test]
    fn some_answers_may_be_others_later() {
        let passing = |code: u16| is_passing(StatusCode::from_u16(code).unwrap());
        assert!([408, 429, 500, 502, 503, 504].into_iter().all(passing));
        assert!(![200, 304, 400, 401, 403, 404, 501].into_iter().any(passing));
    }
}
