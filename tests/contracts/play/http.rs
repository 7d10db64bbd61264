//! Requests, and what their answers have to be.

use super::{Place, multipart};
use crate::contracts::flow::{Condition, Expect, Origin, Repeat, Send};
use crate::contracts::shape::{Matcher, Seen, Shape};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Request, Url};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Instant;

/// Why a step fails, and whose promise was broken if that is known more exactly than by the step.
#[derive(Debug)]
pub struct Misfit {
    pub reason: String,
    pub origin: Option<Origin>,
}

impl From<String> for Misfit {
    fn from(reason: String) -> Misfit {
        Misfit { reason, origin: None }
    }
}

/// What was answered.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub raw: Vec<u8>,
    /// The body, if it is JSON.
    pub json: Option<Value>,
}

/// Makes a request.
pub async fn request(send: &Send, place: &Place) -> Result<Request, String> {
    let mut url = place.url(&send.path)?;
    if !send.query.is_empty() {
        url.query_pairs_mut().extend_pairs(&send.query);
    }
    let method = Method::from_bytes(send.method.as_bytes()).map_err(|error| format!("{}: {error}", send.method))?;
    let mut request = Request::new(method, url);
    let (kind, body) = match (&send.json, &send.form, &send.multipart, &send.raw) {
        (None, None, None, None) => (None, None),
        (Some(json), None, None, None) => (Some("application/json".to_string()), Some(json.to_string().into())),
        (None, Some(form), None, None) => (Some("application/x-www-form-urlencoded".to_string()), Some(encoded(form)?.into())),
        (None, None, Some(parts), None) => {
            let made = multipart::body(parts, &place.fixtures).await?;
            request.headers_mut().insert("content-length", made.length.into());
            (Some(made.kind), Some(made.body))
        }
        (None, None, None, Some(raw)) => (None, Some(raw.clone().into())),
        _ => return Err("a request has one of json, form, multipart and raw".into()),
    };
    *request.body_mut() = body;
    let headers = request.headers_mut();
    if let Some(kind) = kind {
        headers.insert(CONTENT_TYPE, kind.parse::<HeaderValue>().map_err(|error| format!("{kind}: {error}"))?);
    }
    for (name, value) in &send.headers {
        let (name, value) = header(name, value)?;
        headers.insert(name, value);
    }
    Ok(request)
}

fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), String> {
    let wrong = |error: &dyn fmt::Display| format!("header {name}: {error}");
    let name_of = name.parse::<HeaderName>().map_err(|error| wrong(&error))?;
    Ok((name_of, value.parse::<HeaderValue>().map_err(|error| wrong(&error))?))
}

fn encoded(form: &BTreeMap<String, String>) -> Result<String, String> {
    let mut url = Url::parse("http://form").map_err(|error| error.to_string())?;
    url.query_pairs_mut().extend_pairs(form);
    Ok(url.query().unwrap_or_default().to_string())
}

/// Sends a request and takes the whole answer.
pub async fn answer(client: reqwest::Client, request: Request) -> Result<Answer, String> {
    let what = format!("{} {}", request.method(), request.url());
    let failed = |error: reqwest::Error| format!("{what}: {}", chain(&error));
    let response = client.execute(request).await.map_err(failed)?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let raw = response.bytes().await.map_err(failed)?.to_vec();
    let json = serde_json::from_slice(&raw).ok();
    Ok(Answer { status, headers, raw, json })
}

/// An error with its causes.
pub fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

/// Sends again and again, until the answer is the last.
pub async fn repeat(
    send: &Send,
    repeat: &Repeat,
    (meanwhile, fail_if): (&[Expect], Option<&Condition>),
    place: &Place,
) -> Result<Answer, Misfit> {
    let begin = Instant::now();
    let mut count = 0;
    loop {
        let answer = answer(place.client.clone(), request(send, place).await?).await?;
        count += 1;
        if repeat.ends(answer.status, answer.json.as_ref()) {
            return Ok(answer);
        }
        if fail_if.is_some_and(|condition| condition.holds(answer.json.as_ref())) {
            return Err(format!("it has failed after {:.1} s: {answer}", begin.elapsed().as_secs_f64()).into());
        }
        if !meanwhile.is_empty() {
            answer
                .must_fit(meanwhile, &place.matcher)
                .map_err(|misfit| Misfit { reason: format!("meanwhile, {}", misfit.reason), ..misfit })?;
        }
        if repeat.max.is_some_and(|max| count >= max) || begin.elapsed() + repeat.every > repeat.timeout {
            let reason = format!("not reached in {count} times and {:.1} s: {answer}", begin.elapsed().as_secs_f64());
            return Err(reason.into());
        }
        tokio::time::sleep(repeat.every).await;
    }
}

impl Answer {
    /// One of the expectations has to hold.
    pub fn must_fit(&self, expects: &[Expect], matcher: &Matcher) -> Result<(), Misfit> {
        let faults: Vec<Vec<String>> = expects.iter().map(|expect| self.faults(expect, matcher)).collect();
        if faults.iter().any(Vec::is_empty) {
            return Ok(());
        }
        let nearest = expects.iter().find(|expect| expect.status.contains(&self.status)).or(expects.first());
        let said = match faults.as_slice() {
            [faults] => faults.join("; "),
            all => {
                let numbered = all.iter().enumerate().map(|(index, faults)| format!("({}) {}", index + 1, faults.join("; ")));
                format!("none of {} answers fits: {}", all.len(), numbered.collect::<Vec<_>>().join(" "))
            }
        };
        Err(Misfit { reason: format!("{said}. The answer: {self}"), origin: nearest.and_then(|expect| expect.origin) })
    }

    fn faults(&self, expect: &Expect, matcher: &Matcher) -> Vec<String> {
        if !expect.status.contains(&self.status) {
            let due: Vec<String> = expect.status.iter().map(u16::to_string).collect();
            // The rest belongs to another answer.
            return vec![format!("status {} was due, found {}", due.join(" or "), self.status)];
        }
        let mut faults = Vec::new();
        if let Some(due) = &expect.content_type {
            let found = text(&self.headers, "content-type").unwrap_or_default();
            if !found.starts_with(due.as_str()) {
                faults.push(format!("content type {due} was due, found {found:?}"));
            }
        }
        faults.extend(header_faults(&self.headers, &expect.headers, matcher));
        if let Some(body) = &expect.body {
            faults.extend(matcher.faults(body, self.seen()).iter().map(ToString::to_string));
        }
        faults
    }

    fn seen(&self) -> Seen<'_> {
        Seen::Body(&self.raw, self.json.as_ref())
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "HTTP {} {}, {}", self.status, text(&self.headers, "content-type").unwrap_or_default(), self.seen())
    }
}

/// What is wrong with headers; those without a SHAPE must not be there.
pub fn header_faults(found: &HeaderMap, due: &BTreeMap<String, Option<Shape>>, matcher: &Matcher) -> Vec<String> {
    let look = |(name, shape): (&String, &Option<Shape>)| match (text(found, name), shape) {
        (None, None) => Vec::new(),
        (None, Some(_)) => vec![format!("the header {name} is missing")],
        (Some(value), None) => vec![format!("the header {name} must not be there, found {value:?}")],
        (Some(value), Some(shape)) => {
            let faults = matcher.faults(shape, Seen::Value(&Value::String(value)));
            faults.into_iter().map(|fault| format!("the header {name}: {}", fault.text)).collect()
        }
    };
    due.iter().flat_map(look).collect()
}

/// A header's values, as one.
pub fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    let values: Vec<_> = headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
    if values.is_empty() { None } else { Some(values.join(", ")) }
}
