//! A file as the answer to a request, whole or in part (RFC 9110: conditional requests, 13; ranges, 14).

use super::{Artifact, StoreError};
use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use std::ops::Range;

/// Answers GET and HEAD. With `save_as` the browser saves the file under that name rather than showing it.
///
/// # Errors
/// The store cannot be read.
pub async fn answer(artifact: &Artifact, method: &Method, headers: &HeaderMap, save_as: Option<&str>) -> Result<Response, StoreError> {
    let entry = &artifact.entry;
    let tag = format!("\"{}\"", entry.sha256);
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    if text(header::IF_NONE_MATCH).is_some_and(|known| matches(known, &tag)) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response());
    }
    // Parts of what the client already has may only be filled up from the same file.
    let same = text(header::IF_RANGE).is_none_or(|known| known == tag);
    let asked =
        if *method == Method::GET && same { text(header::RANGE).map_or(Asked::All, |range| parse(range, entry.size)) } else { Asked::All };
    let (status, length, body) = match &asked {
        _ if *method == Method::HEAD => (StatusCode::OK, entry.size, Body::empty()),
        Asked::All => (StatusCode::OK, entry.size, Body::from_stream(artifact.read().await?)),
        Asked::Part(range) => {
            let bytes = artifact.part(range.clone()).await?;
            (StatusCode::PARTIAL_CONTENT, range.end - range.start, Body::from_stream(bytes))
        }
        Asked::Nothing => (StatusCode::RANGE_NOT_SATISFIABLE, 0, Body::empty()),
    };
    let mut response = (status, body).into_response();
    let set = response.headers_mut();
    let mut put = |name: HeaderName, value: String| {
        if let Ok(value) = HeaderValue::from_str(&value) {
            set.insert(name, value);
        }
    };
    put(header::ACCEPT_RANGES, "bytes".into());
    put(header::ETAG, tag);
    put(header::CONTENT_LENGTH, length.to_string());
    // Others may not see it, and a later publication may change it.
    put(header::CACHE_CONTROL, "private, no-cache".into());
    match asked {
        Asked::Part(range) => put(header::CONTENT_RANGE, format!("bytes {}-{}/{}", range.start, range.end - 1, entry.size)),
        Asked::Nothing => put(header::CONTENT_RANGE, format!("bytes */{}", entry.size)),
        Asked::All => {}
    }
    put(header::CONTENT_TYPE, entry.content_type.clone());
    if let Some(name) = save_as {
        put(header::CONTENT_DISPOSITION, disposition(name));
    }
    Ok(response)
}

/// What of a file is asked for.
#[derive(Debug, PartialEq, Eq)]
enum Asked {
    All,
    Part(Range<u64>),
    /// Bytes that are not there.
    Nothing,
}

/// Reads a `Range`. One that cannot be read, or that asks for several parts, asks for all: a server may ignore it.
fn parse(text: &str, size: u64) -> Asked {
    let Some((first, last)) = text.trim().strip_prefix("bytes=").filter(|list| !list.contains(',')).and_then(|spec| spec.split_once('-'))
    else {
        return Asked::All;
    };
    let number = |text: &str| if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse::<u64>().ok() } else { None };
    let range = match (number(first.trim()), number(last.trim())) {
        (Some(first), Some(last)) if last < first => return Asked::All,
        (Some(first), Some(last)) => first..last.saturating_add(1).min(size),
        (Some(first), None) if last.trim().is_empty() => first..size,
        (None, Some(count)) if first.trim().is_empty() => size.saturating_sub(count)..size,
        _ => return Asked::All,
    };
    if range.is_empty() { Asked::Nothing } else { Asked::Part(range) }
}

/// Is the tag in a list of them?
fn matches(list: &str, tag: &str) -> bool {
    list.split(',').map(str::trim).any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
}

/// RFC 6266: the name as UTF-8, percent-encoded, and with plain letters for programs that do not know that.
fn disposition(name: &str) -> String {
    let plain: String = name.chars().map(|c| if c.is_ascii_alphanumeric() || "._- ".contains(c) { c } else { '_' }).collect();
    let encoded: String = name
        .bytes()
        .map(|byte| match byte.is_ascii_alphanumeric() || b"._-".contains(&byte) {
            true => char::from(byte).to_string(),
            false => format!("%{byte:02X}"),
        })
        .collect();
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_rfc_9110_has_them() {
        for (text, asked) in [
            ("bytes=0-0", Asked::Part(0..1)),
            ("bytes=2-5", Asked::Part(2..6)),
            ("bytes=2-", Asked::Part(2..10)),
            ("bytes=-3", Asked::Part(7..10)),
            ("bytes=-30", Asked::Part(0..10)),
            ("bytes=8-100", Asked::Part(8..10)),
            ("bytes=9-18446744073709551615", Asked::Part(9..10)),
            ("bytes=10-", Asked::Nothing),
            ("bytes=10-12", Asked::Nothing),
            ("bytes=-0", Asked::Nothing),
            ("bytes=5-2", Asked::All),
            ("bytes=0-1,3-4", Asked::All),
            ("bytes=-", Asked::All),
            ("bytes=a-b", Asked::All),
            ("bytes=+1-2", Asked::All),
            ("lines=1-2", Asked::All),
        ] {
            assert_eq!(parse(text, 10), asked, "{text}");
        }
        assert_eq!(parse("bytes=0-", 0), Asked::Nothing);
    }

    #[test]
    fn tags_are_compared_weakly_and_names_keep_their_letters() {
        assert!(matches("\"a\", W/\"b\"", "\"b\"") && matches("*", "\"b\"") && !matches("\"a\"", "\"b\""));
        assert_eq!(disposition("a \"b\"é.mp4"), "attachment; filename=\"a _b__.mp4\"; filename*=UTF-8''a%20%22b%22%C3%A9.mp4");
    }
}
