//! The client of the Google Slides API: what a presentation says, and pictures of its slides.
//!
//! Pictures are what the API calls expensive reads (60 a minute for one user), so few are asked for at a time, and a refusal is waited
//! out as long as it asks for. The address of a picture opens it for whoever has it: it is neither logged nor shown.

use super::super::error::LessonError;
use super::super::limits::MAX_FILE_BYTES;
use super::wire::{FIELDS, Presentation};
use super::{Patience, address};
use crate::net::http::{self, is_passing, read_body, retry_after};
use backon::{ExponentialBuilder, Retryable};
use engine::graph::Secret;
use reqwest::{Response, StatusCode};
use serde::Deserialize;
use serde_json::Value;
use std::time::Duration;
use url::Url;

/// Bytes of one slide's picture.
const MAX_PICTURE: u64 = 32 << 20;
/// Characters of the service's own words that a message repeats.
const MAX_WORDS: usize = 300;

/// Speaks for one presentation.
pub struct Client {
    http: reqwest::Client,
    base: Url,
    presentation: address::Presentation,
    token: Secret,
    patience: Patience,
}

/// What names the state of a presentation.
pub struct Current {
    /// Another one whenever the presentation changed.
    pub revision: String,
    /// What it says, where that had to be asked for to know the revision.
    pub presentation: Option<Presentation>,
}

/// Why one request failed.
#[derive(Debug)]
struct Fault {
    cause: String,
    /// It may be different next time.
    passing: bool,
    /// How long the service asks to wait.
    wait: Option<Duration>,
}

impl Fault {
    fn lasting(cause: impl Into<String>) -> Fault {
        Fault { cause: cause.into(), passing: false, wait: None }
    }

    fn passing(cause: impl Into<String>) -> Fault {
        Fault { cause: cause.into(), passing: true, wait: None }
    }

    /// The address is left out: it may be a picture's.
    fn of(error: reqwest::Error) -> Fault {
        let error = error.without_url();
        let mut cause = error.to_string();
        let mut source = std::error::Error::source(&error);
        while let Some(inner) = source {
            cause = format!("{cause}: {inner}");
            source = inner.source();
        }
        if error.is_builder() { Fault::lasting(cause) } else { Fault::passing(cause) }
    }
}

impl Client {
    /// For one presentation.
    ///
    /// # Errors
    /// The base address cannot be used.
    pub fn new(base: &str, token: Secret, presentation: address::Presentation, patience: Patience) -> Result<Client, LessonError> {
        let failed = |cause: String| remote(&presentation, cause);
        let base =
            Url::parse(base).ok().filter(|url| url.has_host()).ok_or_else(|| failed(format!("\"{base}\" is no address of the API")))?;
        let local = matches!(base.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
        if base.scheme() != "https" && !(base.scheme() == "http" && local) {
            return Err(failed(format!("the token would cross the network in the clear; give {base} as https://")));
        }
        let mut client = http::client().connect_timeout(patience.connect).timeout(patience.answer);
        if local {
            client = client.no_proxy();
        }
        let http = client.build().map_err(|error| failed(Fault::of(error).cause))?;
        Ok(Client { http, base, presentation, token, patience })
    }

    /// The state of the presentation.
    ///
    /// # Errors
    /// The service refuses, cannot be reached, or is not understood.
    pub async fn current(&self) -> Result<Current, LessonError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Revision {
            revision_id: Option<String>,
        }
        let known: Revision = self.json(&[], &[("fields", "revisionId")]).await?;
        if let Some(revision) = known.revision_id.filter(|revision| !revision.is_empty()) {
            return Ok(Current { revision, presentation: None });
        }
        // Whoever may only read is told no revision: then the whole content is one, but for addresses that are new in every answer.
        let mut content: Value = self.json(&[], &[]).await?;
        leave_out(&mut content, "contentUrl");
        let revision = format!("content {}", super::super::hash::ContentHash::of(content.to_string().as_bytes()));
        let presentation =
            serde_json::from_value(content).map_err(|error| self.failed(format!("its answer is not understood: {error}")))?;
        Ok(Current { revision, presentation: Some(presentation) })
    }

    /// What the presentation says.
    ///
    /// # Errors
    /// As [`Client::current`].
    pub async fn presentation(&self) -> Result<Presentation, LessonError> {
        self.json(&[], &[("fields", FIELDS)]).await
    }

    /// The picture of a page: a PNG 1600 pixels wide, whole and readable.
    ///
    /// # Errors
    /// As [`Client::current`].
    pub async fn picture(&self, page: &str) -> Result<Vec<u8>, LessonError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Thumbnail {
            content_url: Secret,
        }
        let query = [("thumbnailProperties.thumbnailSize", "LARGE"), ("thumbnailProperties.mimeType", "PNG")];
        let thumbnail: Thumbnail = self.json(&["pages", page, "thumbnail"], &query).await?;
        let scheme = if self.base.scheme() == "http" { "http" } else { "https" };
        let url = Url::parse(thumbnail.content_url.reveal()).ok().filter(|url| url.scheme() == scheme);
        let url = url.ok_or_else(|| self.failed("the address of a picture is not understood"))?;
        self.retried(|| async {
            let response = self.http.get(url.clone()).send().await.map_err(Fault::of)?;
            if !response.status().is_success() {
                let status = response.status();
                let fault =
                    Fault { passing: true, wait: retry_after(response.headers()), cause: format!("the picture is refused: {status}") };
                return Err(Fault { passing: is_passing(status), ..fault });
            }
            let bytes = read_body(response, MAX_PICTURE).await.map_err(Fault::of)?;
            let bytes = bytes.ok_or_else(|| Fault::lasting(format!("the picture has over {} MiB", MAX_PICTURE >> 20)))?;
            // What comes in half is asked for again, and not found broken in the middle of the lecture.
            whole_png(&bytes).map_err(|cause| Fault::passing(format!("the picture is damaged: {cause}")))?;
            Ok(bytes)
        })
        .await
    }

    /// A failure of this presentation.
    pub fn failed(&self, cause: impl Into<String>) -> LessonError {
        remote(&self.presentation, cause.into())
    }

    async fn json<T: for<'de> Deserialize<'de>>(&self, below: &[&str], query: &[(&str, &str)]) -> Result<T, LessonError> {
        let mut url = self.base.clone();
        url.path_segments_mut()
            .expect("the address has a host, so it has a path")
            .pop_if_empty()
            .extend(["v1", "presentations", &self.presentation.id])
            .extend(below);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        self.retried(|| async {
            let response = self.http.get(url.clone()).bearer_auth(self.token.reveal()).send().await.map_err(Fault::of)?;
            if !response.status().is_success() {
                return Err(refused(response).await);
            }
            let body = read_body(response, MAX_FILE_BYTES).await.map_err(Fault::of)?;
            let body = body.ok_or_else(|| Fault::lasting(format!("its answer has over {} MiB", MAX_FILE_BYTES >> 20)))?;
            serde_json::from_slice(&body).map_err(|error| match error.is_eof() {
                true => Fault::passing("its answer breaks off"),
                false => Fault::lasting(format!("its answer is not understood: {error}")),
            })
        })
        .await
    }

    async fn retried<T, F: Future<Output = Result<T, Fault>>>(&self, request: impl FnMut() -> F) -> Result<T, LessonError> {
        let Patience { first, longest, retries, .. } = self.patience;
        let waits = ExponentialBuilder::new().with_min_delay(first).with_max_delay(longest).with_max_times(retries).with_jitter();
        let told = |fault: &Fault, wait: Duration| tracing::info!(cause = fault.cause, ?wait, "Google Slides is asked again");
        // Whoever asks for more than that is not waited for.
        let wait = |fault: &Fault, own: Option<Duration>| match fault.wait {
            Some(asked) if asked > longest * 4 => None,
            Some(asked) => own.map(|own| own.max(asked)),
            None => own,
        };
        let answer = request.retry(waits).sleep(tokio::time::sleep).when(|fault: &Fault| fault.passing).notify(told).adjust(wait).await;
        answer.map_err(|fault| match fault.passing {
            true => self.failed(format!("{}; it was asked several times: try again later", fault.cause)),
            false => self.failed(fault.cause),
        })
    }
}

/// It is a PNG, and all of its pixels are there.
fn whole_png(bytes: &[u8]) -> Result<(), image::ImageError> {
    image::load_from_memory_with_format(bytes, image::ImageFormat::Png).map(drop)
}

/// What a refusal means and what to do about it.
async fn refused(response: Response) -> Fault {
    let (status, wait) = (response.status(), retry_after(response.headers()));
    let body = read_body(response, 1 << 20).await.ok().flatten().unwrap_or_default();
    let said: Value = serde_json::from_slice(&body).unwrap_or_default();
    // `{"error": {"code", "message", "status", "details"}}`, the form of all of Google's services.
    let words: String = said["error"]["message"].as_str().unwrap_or_default().chars().filter(|c| !c.is_control()).take(MAX_WORDS).collect();
    let remedy = match status {
        StatusCode::UNAUTHORIZED => {
            "the token is not accepted; it lives for an hour only. Make a new one: \
             export GOOGLE_SLIDES_TOKEN=$(gcloud auth application-default print-access-token)"
        }
        StatusCode::FORBIDDEN => {
            "the token may not read it. It needs the scope presentations.readonly, its project the Google Slides API switched on, \
             and its account the right to see the presentation: share it with that account"
        }
        StatusCode::NOT_FOUND => {
            "there is no such presentation, or the token's account may not know of it; check the address, or share it with that account"
        }
        StatusCode::BAD_REQUEST => {
            "the service cannot read it; where it is a PowerPoint file kept in Drive, download it and give the .pptx"
        }
        StatusCode::TOO_MANY_REQUESTS => "too much is asked of the service for this account",
        _ => "the service fails",
    };
    let words = if words.is_empty() { String::new() } else { format!(" (it says: {words})") };
    Fault { cause: format!("{}: {remedy}{words}", status.as_u16()), passing: is_passing(status), wait }
}

fn remote(presentation: &address::Presentation, cause: String) -> LessonError {
    LessonError::Remote { address: presentation.address(), cause }
}

/// Removes every entry of this name, however deep.
fn leave_out(value: &mut Value, name: &str) {
    match value {
        Value::Object(map) => {
            map.remove(name);
            map.values_mut().for_each(|value| leave_out(value, name));
        }
        Value::Array(list) => list.iter_mut().for_each(|value| leave_out(value, name)),
        _ => {}
    }
}
