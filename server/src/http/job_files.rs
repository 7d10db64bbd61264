//! `/v1/jobs/{id}/artifacts`: what a job has published, whole or in part.

use super::access::Bearer;
use super::aside;
use super::jobs::{Named, Service, find};
use super::problem::Problem;
use crate::worker::{Artifact, ArtifactsError};
use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Query};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde::Deserialize;
use serde_json::{Value, json};
use std::io::SeekFrom;
use std::ops::Range;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};

/// Bytes that are read at once.
const CHUNK: usize = 256 << 10;

/// How it is wanted.
#[derive(Deserialize)]
pub struct Wanted {
    /// To be saved, not shown.
    #[serde(default)]
    download: bool,
}

pub async fn list(Service(service): Service, Bearer(claims): Bearer, Path(named): Path<Named>) -> Result<Json<Value>, Problem> {
    let id = find(&service, &claims, &named.id)?.id;
    let files = aside(move || service.artifacts.list(id)).await?.map_err(ArtifactsError::from)?;
    let view = |file: &Artifact| {
        let mut view = json!(file);
        view["url"] = json!(format!("/v1/jobs/{id}/artifacts/{}", file.name));
        view
    };
    Ok(Json(json!({ "artifacts": files.iter().map(view).collect::<Vec<_>>() })))
}

pub async fn get(
    Service(service): Service,
    Bearer(claims): Bearer,
    Path((id, name)): Path<(String, String)>,
    Query(wanted): Query<Wanted>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let id = find(&service, &claims, &id)?.id;
    let file = aside(move || service.artifacts.find(id, &name)).await??;
    let asked = headers.get(header::RANGE).and_then(|range| range.to_str().ok()).map(|range| part(range, file.size));
    let (status, range) = match asked {
        None | Some(Part::Whole) => (StatusCode::OK, 0..file.size),
        Some(Part::Range(range)) => (StatusCode::PARTIAL_CONTENT, range),
        Some(Part::Outside) => {
            let size = [(header::CONTENT_RANGE, format!("bytes */{}", file.size))];
            let problem = Problem::new(StatusCode::RANGE_NOT_SATISFIABLE, "no_such_range", "the file is shorter than that");
            return Ok((size, problem).into_response());
        }
    };
    let mut response = (status, body(&file, range.clone()).await?).into_response();
    let place = if wanted.download { "attachment" } else { "inline" };
    let text = |text: String| HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""));
    let answer = response.headers_mut();
    answer.insert(header::CONTENT_TYPE, HeaderValue::from_static(file.content_type));
    answer.insert(header::CONTENT_LENGTH, (range.end - range.start).into());
    answer.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    answer.insert(header::CONTENT_DISPOSITION, text(format!("{place}; filename=\"{}\"", file.name.replace('"', "_"))));
    if status == StatusCode::PARTIAL_CONTENT {
        answer.insert(header::CONTENT_RANGE, text(format!("bytes {}-{}/{}", range.start, range.end - 1, file.size)));
    }
    Ok(response)
}

async fn body(file: &Artifact, range: Range<u64>) -> Result<Body, Problem> {
    let mut open = File::open(&file.path).await.map_err(ArtifactsError::from)?;
    open.seek(SeekFrom::Start(range.start)).await.map_err(ArtifactsError::from)?;
    let chunks = stream::try_unfold((open, range.end - range.start), |(mut file, left)| async move {
        let mut chunk = vec![0; CHUNK.min(usize::try_from(left).unwrap_or(CHUNK))];
        let read = file.read(&mut chunk).await?;
        chunk.truncate(read);
        Ok::<_, std::io::Error>((read > 0).then(|| (Bytes::from(chunk), (file, left - read as u64))))
    });
    Ok(Body::from_stream(chunks))
}

/// What of a file is asked for.
#[derive(Debug, PartialEq)]
enum Part {
    Whole,
    Range(Range<u64>),
    Outside,
}

/// One range of RFC 9110, 14.1.2; what is none, or several, may be answered with the whole.
fn part(header: &str, size: u64) -> Part {
    let Some((first, last)) = header.strip_prefix("bytes=").and_then(|range| range.trim().split_once('-')) else { return Part::Whole };
    let range = match (first.parse::<u64>(), last.parse::<u64>()) {
        (Ok(first), Ok(last)) if first <= last => first..size.min(last.saturating_add(1)),
        (Ok(first), Err(_)) if last.is_empty() => first..size,
        (Err(_), Ok(tail)) if first.is_empty() => size.saturating_sub(tail)..size,
        _ => return Part::Whole,
    };
    if range.start < range.end { Part::Range(range) } else { Part::Outside }
}

impl From<ArtifactsError> for Problem {
    fn from(error: ArtifactsError) -> Problem {
        match error {
            ArtifactsError::Missing(_) => Problem::new(StatusCode::NOT_FOUND, "no_such_file", "the job has published no such file"),
            ArtifactsError::Files(cause) => {
                tracing::error!(%cause, "artifacts cannot be read");
                Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "failed", "the file cannot be read; look into the server's log")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_range_is_taken_as_the_standard_has_it() {
        for (header, due) in [
            ("bytes=0-1023", Part::Range(0..100)),
            ("bytes=10-19", Part::Range(10..20)),
            ("bytes=90-", Part::Range(90..100)),
            ("bytes=-30", Part::Range(70..100)),
            ("bytes=-300", Part::Range(0..100)),
            ("bytes=100-", Part::Outside),
            ("bytes=-0", Part::Outside),
            ("bytes=5-2", Part::Whole),
            ("bytes=0-1,5-6", Part::Whole),
            ("items=0-1", Part::Whole),
        ] {
            assert_eq!(part(header, 100), due, "{header}");
        }
        assert_eq!(part("bytes=0-", 0), Part::Outside);
    }
}
