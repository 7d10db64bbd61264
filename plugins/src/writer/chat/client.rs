//! The HTTP side: `POST {base}/chat/completions` with a JSON schema for the answer, time limits, retries and a limit on cost.
//!
//! Tried again are what may pass: no connection, a time-out, 408, 429, 5xx and answers that cannot be read. The wait doubles with jitter
//! and is at least what `Retry-After` says (RFC 9110, 10.2.3). Before each question its cost is estimated; over the limit nothing is sent.

use super::super::sentences::is_wide;
use super::super::{WriterError, clip};
use super::answer::{self, Unusable, Usage};
use super::settings::ChatSettings;
use crate::part_file;
use backon::{BackoffBuilder, ExponentialBuilder};
use engine::run::Cancel;
use reqwest::{StatusCode, header};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::future::Future;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

/// An answer that is longer is not read: no script is.
const MAX_ANSWER_BYTES: usize = 4 << 20;
/// A service that asks for a longer wait is not waited for.
const LONGEST_WAIT: Duration = Duration::from_secs(120);
/// Letters of a token, about, in languages with an alphabet.
const LETTERS_A_TOKEN: f64 = 3.5;

/// Asks one model.
pub(super) struct Client {
    settings: ChatSettings,
    cancel: Cancel,
    http: reqwest::Client,
    runtime: tokio::runtime::Runtime,
    /// Of this lecture so far, in the currency of the prices.
    spent: Mutex<f64>,
}

/// A question, with the form of its answer.
pub(super) struct Question {
    /// Name of the form.
    pub name: &'static str,
    /// What the model is to do.
    pub task: String,
    /// What it works on.
    pub material: Value,
    /// JSON schema of the answer.
    pub form: Value,
    /// About how many characters the answer has, for the estimate of its cost.
    pub expected: usize,
}

/// Why one attempt failed.
enum Attempt {
    /// It may work later.
    Later {
        cause: String,
        after: Option<Duration>,
    },
    /// The service knows no forms of answers.
    Formless,
    /// The answer was cut off.
    Truncated,
    Failed(WriterError),
}

/// Why a question has no answer.
pub(super) enum AskError {
    /// The answer was cut off: ask for less at once.
    Truncated,
    Failed(WriterError),
}

impl Client {
    pub fn open(settings: ChatSettings, cancel: Cancel) -> Result<Client, WriterError> {
        // Without it there is no TLS; a program that has chosen one keeps it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let local = ["http://127.", "http://localhost", "http://[::1]"].iter().any(|start| settings.base.starts_with(start));
        let builder = reqwest::Client::builder().timeout(settings.timeout).connect_timeout(Duration::from_secs(10));
        let builder = if local { builder.no_proxy() } else { builder };
        let http = builder.build().map_err(|error| WriterError::Setting(format!("connection cannot be set up: {error}")))?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| WriterError::Setting(format!("connection cannot be set up: {error}")))?;
        Ok(Client { settings, cancel, http, runtime, spent: Mutex::new(0.0) })
    }

    pub fn settings(&self) -> &ChatSettings {
        &self.settings
    }

    /// Asks, and reads the answer. `fits` says what is wrong with one that has the right form: it is asked for again, too.
    pub fn ask<T: DeserializeOwned>(
        &self,
        question: &Question,
        fits: impl Fn(&T) -> Result<(), String> + Send + Sync,
    ) -> Result<T, AskError> {
        let failed = |cause| AskError::Failed(cause);
        let read = |text: &str| -> Result<T, Unusable> {
            let answer: T = answer::json(text)?;
            fits(&answer).map_err(Unusable::Malformed)?;
            Ok(answer)
        };
        let body = self.body(question, true);
        let kept = self.kept(&body);
        if let Some(text) = kept.as_ref().and_then(|path| std::fs::read_to_string(path).ok())
            && let Ok(answer) = read(&text)
        {
            return Ok(answer);
        }
        self.afford(&body, question.expected).map_err(failed)?;
        let text = self.block_on(self.retried(question, body, |text| read(text).map(drop)))?;
        if let Some(path) = kept {
            // An answer that cannot be kept is still an answer.
            let made = path.parent().map(std::fs::create_dir_all);
            if made.is_some_and(|made| made.is_ok())
                && let Err(error) = part_file::write(&path, text.as_bytes())
            {
                tracing::warn!(%error, "an answer of the script writer is not kept");
            }
        }
        read(&text).map_err(|_| failed(self.unusable("it changed while it was read".into())))
    }

    fn body(&self, question: &Question, with_form: bool) -> Value {
        let form =
            if with_form { String::new() } else { format!("\nAnswer with JSON of this schema and nothing else:\n{}", question.form) };
        let mut body = json!({
            "model": self.settings.model,
            "messages": [
                { "role": "system", "content": format!("{}{form}", question.task) },
                { "role": "user", "content": question.material.to_string() },
            ],
        });
        if with_form {
            body["response_format"] =
                json!({ "type": "json_schema", "json_schema": { "name": question.name, "strict": true, "schema": question.form } });
        }
        body
    }

    /// Where the answer to this question is kept.
    fn kept(&self, body: &Value) -> Option<std::path::PathBuf> {
        let folder = self.settings.answers.as_ref()?;
        let hash = blake3::hash(format!("answer 1\n{}\n{body}", self.settings.base).as_bytes());
        Some(folder.join(format!("{}.json", hash.to_hex())))
    }

    /// Fails when the question would go over the limit.
    fn afford(&self, body: &Value, expected: usize) -> Result<(), WriterError> {
        let Some(prices) = self.settings.prices else { return Ok(()) };
        let asked = tokens(&body.to_string());
        let estimate = self.spent() + (asked * prices.input + expected as f64 / LETTERS_A_TOKEN * prices.output) / 1e6;
        if estimate > self.settings.cost_limit {
            return Err(WriterError::Cost { estimate, limit: self.settings.cost_limit });
        }
        Ok(())
    }

    pub fn spent(&self) -> f64 {
        *self.spent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn charge(&self, body: &Value, text: &str, usage: Option<Usage>) {
        let Some(prices) = self.settings.prices else { return };
        let (input, output) = match usage {
            Some(usage) => (usage.input as f64, usage.output as f64),
            None => (tokens(&body.to_string()), tokens(text)),
        };
        *self.spent.lock().unwrap_or_else(PoisonError::into_inner) += (input * prices.input + output * prices.output) / 1e6;
    }

    /// Runs to its end whoever calls, also a thread that serves other futures; a cancelled run ends it at once.
    fn block_on<T: Send>(&self, work: impl Future<Output = Result<T, AskError>> + Send) -> Result<T, AskError> {
        let cancelled = async {
            let mut look = tokio::time::interval(Duration::from_millis(20));
            while !self.cancel.is_cancelled() {
                look.tick().await;
            }
        };
        let either = async {
            tokio::select! {
                done = work => done,
                () = cancelled => Err(AskError::Failed(WriterError::Cancelled)),
            }
        };
        std::thread::scope(|scope| scope.spawn(|| self.runtime.block_on(either)).join()).expect("asking does not panic")
    }

    async fn retried(
        &self,
        question: &Question,
        mut body: Value,
        usable: impl Fn(&str) -> Result<(), Unusable>,
    ) -> Result<String, AskError> {
        let waits = ExponentialBuilder::new()
            .with_jitter()
            .with_min_delay(self.settings.first_wait)
            .with_max_delay(Duration::from_secs(30))
            .with_max_times(self.settings.attempts.saturating_sub(1));
        let mut waits = waits.build();
        loop {
            let (cause, after) = match self.attempt(&body, &usable).await {
                Ok(text) => return Ok(text),
                Err(Attempt::Failed(error)) => return Err(AskError::Failed(error)),
                Err(Attempt::Truncated) => return Err(AskError::Truncated),
                Err(Attempt::Formless) if body.get("response_format").is_some() => {
                    body = self.body(question, false);
                    continue;
                }
                Err(Attempt::Formless) => ("it refuses the question".to_string(), None),
                Err(Attempt::Later { cause, after }) => (cause, after),
            };
            let service = |cause: String| AskError::Failed(WriterError::Service { at: self.settings.base.clone(), cause });
            let Some(wait) = waits.next() else {
                return Err(service(format!("{cause} ({} attempts)", self.settings.attempts)));
            };
            let wait = after.map_or(wait, |after| after.max(wait));
            if wait > LONGEST_WAIT {
                return Err(service(format!("{cause}, and it asks to wait {} s", wait.as_secs())));
            }
            tracing::info!(%cause, wait_seconds = wait.as_secs_f64(), "the script writer is asked again");
            tokio::time::sleep(wait).await;
        }
    }

    async fn attempt(&self, body: &Value, usable: impl Fn(&str) -> Result<(), Unusable>) -> Result<String, Attempt> {
        let later = |cause: String| Attempt::Later { cause, after: None };
        let mut request = self.http.post(format!("{}/chat/completions", self.settings.base)).json(body);
        if let Some(key) = &self.settings.key {
            request = request.bearer_auth(key.reveal());
        }
        let mut response = request.send().await.map_err(|error| later(told(&error)))?;
        let status = response.status();
        let after = response.headers().get(header::RETRY_AFTER).and_then(|value| retry_after(value.to_str().ok()?));
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| later(told(&error)))? {
            if bytes.len() + chunk.len() > MAX_ANSWER_BYTES {
                let cause = format!("it is longer than {} MiB", MAX_ANSWER_BYTES >> 20);
                return Err(Attempt::Failed(self.unusable(cause)));
            }
            bytes.extend_from_slice(&chunk);
        }
        if !status.is_success() {
            return Err(self.refused(status, &bytes, after));
        }
        let read = answer::text(&bytes).and_then(|(text, usage)| {
            self.charge(body, &text, usage);
            usable(&text).map(|()| text)
        });
        read.map_err(|error| match error {
            Unusable::Refused(said) => Attempt::Failed(WriterError::Refused(said)),
            Unusable::Truncated => Attempt::Truncated,
            Unusable::Malformed(cause) => later(format!("its answer cannot be used: {cause}")),
        })
    }

    /// What a status that is no success means.
    fn refused(&self, status: StatusCode, body: &[u8], after: Option<Duration>) -> Attempt {
        let said = serde_json::from_slice::<Value>(body).ok();
        let said =
            said.as_ref().and_then(|value| value.pointer("/error/message").or(value.get("message")).or(value.get("detail"))?.as_str());
        let said = said.map_or_else(|| clip(&String::from_utf8_lossy(body), 200), |said| clip(said, 200));
        let cause = if said.is_empty() { status.to_string() } else { format!("{status}: {said}") };
        match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Attempt::Failed(WriterError::Setting(format!(
                "key is not accepted by {} ({cause}); check LECTERN_WRITER_KEY",
                self.settings.base
            ))),
            StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY
                if said.contains("response_format") || said.contains("json_schema") =>
            {
                Attempt::Formless
            }
            StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => Attempt::Later { cause, after },
            status if status.is_server_error() => Attempt::Later { cause, after },
            _ => Attempt::Failed(WriterError::Service { at: self.settings.base.clone(), cause }),
        }
    }

    pub fn unusable(&self, cause: String) -> WriterError {
        WriterError::Answer { at: self.settings.base.clone(), cause }
    }
}

/// An error of the connection with its causes, without the address, which may hold a key.
fn told(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "it did not answer in time".into();
    }
    let mut causes = Vec::new();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        causes.push(cause.to_string());
        source = cause.source();
    }
    causes.pop().unwrap_or_else(|| "the connection broke".into())
}

/// Seconds, or a date (RFC 9110, 10.2.3).
fn retry_after(value: &str) -> Option<Duration> {
    let seconds = value.trim().parse().ok().map(Duration::from_secs);
    seconds.or_else(|| httpdate::parse_http_date(value).ok()?.duration_since(SystemTime::now()).ok())
}

/// About how many tokens a text has.
fn tokens(text: &str) -> f64 {
    let wide = text.chars().filter(|c| is_wide(*c)).count();
    wide as f64 + text.chars().count().saturating_sub(wide) as f64 / LETTERS_A_TOKEN
}
