//! What was answered to requests that came with a key: a small SQLite file beside the ledger, or memory where nothing is kept.

use super::super::problem::Problem;
use crate::ledger::Timestamp;
use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::HashSet;
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// So long an answer is given again: as long as the longest-lived token that is in one.
const KEPT: Duration = Duration::from_secs(24 * 60 * 60);
/// Larger answers are given once.
const LARGEST: usize = 1 << 20;
/// Headers that are part of an answer.
const HEADERS: [HeaderName; 2] = [header::CONTENT_TYPE, header::LOCATION];

/// See the module docs.
pub struct Answers {
    connection: Mutex<Connection>,
    /// Requests that are being answered, by their ids.
    under_way: Mutex<HashSet<String>>,
}

/// What is known of a request.
pub enum Begun {
    /// Nothing: it is to be answered now.
    New(UnderWay),
    /// Somebody is answering it.
    Before,
    /// It was answered, when it had this fingerprint.
    Answered(String, Response),
}

impl Answers {
    /// Those in a file, which only this user can read, for there are tokens and secrets in it; without a path, in memory.
    ///
    /// # Errors
    /// The file cannot be used.
    pub fn open(path: Option<&Path>) -> Result<Answers, String> {
        let opened = path.map_or_else(Connection::open_in_memory, |path| {
            // One that is there keeps the rights that somebody gave it; whether it can be had is found out below.
            drop(OpenOptions::new().write(true).create_new(true).mode(0o600).open(path));
            Connection::open(path)
        });
        let prepared = opened.and_then(|connection| {
            connection.pragma_update(None, "journal_mode", "WAL")?;
            connection.execute_batch(
                "CREATE TABLE IF NOT EXISTS answers (id TEXT PRIMARY KEY, at INTEGER NOT NULL, print TEXT NOT NULL, status INTEGER NOT NULL,
                    kind TEXT, place TEXT, body BLOB NOT NULL) STRICT, WITHOUT ROWID;
                CREATE INDEX IF NOT EXISTS answers_by_age ON answers (at);",
            )?;
            Ok(connection)
        });
        let connection = prepared.map_err(|error| error.to_string())?;
        Ok(Answers { connection: Mutex::new(connection), under_way: Mutex::default() })
    }

    /// Begins with a request, unless it is known.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn begin(self: Arc<Answers>, id: String) -> rusqlite::Result<Begun> {
        let answers = self.clone();
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        if under_way.contains(&id) {
            return Ok(Begun::Before);
        }
        if let Some((print, answer)) = self.find(&id)? {
            return Ok(Begun::Answered(print, answer));
        }
        under_way.insert(id.clone());
        Ok(Begun::New(UnderWay { answers, id }))
    }

    fn find(&self, id: &str) -> rusqlite::Result<Option<(String, Response)>> {
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let mut query = connection.prepare_cached("SELECT print, status, kind, place, body FROM answers WHERE id = ? AND at > ?")?;
        let row = |row: &rusqlite::Row<'_>| {
            let status = StatusCode::from_u16(row.get(1)?).unwrap_or(StatusCode::OK);
            let mut response = (status, Body::from(row.get::<_, Vec<u8>>(4)?)).into_response();
            for (index, name) in HEADERS.into_iter().enumerate() {
                let value = row.get::<_, Option<String>>(2 + index)?.and_then(|text| HeaderValue::from_str(&text).ok());
                // Without this, a body is called what bytes are called.
                response.headers_mut().remove(&name);
                value.and_then(|value| response.headers_mut().insert(name, value));
            }
            Ok((row.get(0)?, response))
        };
        query.query_row(params![id, Timestamp::now().before(KEPT)], row).optional()
    }

    fn add(&self, id: &str, print: &str, status: StatusCode, headers: [Option<&str>; 2], body: &[u8]) -> rusqlite::Result<()> {
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let (now, [kind, place]) = (Timestamp::now(), headers);
        connection.prepare_cached("DELETE FROM answers WHERE at <= ?")?.execute([now.before(KEPT)])?;
        let add = "INSERT OR REPLACE INTO answers (id, at, print, status, kind, place, body) VALUES (?, ?, ?, ?, ?, ?, ?)";
        connection.prepare_cached(add)?.execute(params![id, now, print, status.as_u16(), kind, place, body])?;
        Ok(())
    }
}

/// A request that is being answered. Dropped, it may be tried again.
pub struct UnderWay {
    answers: Arc<Answers>,
    id: String,
}

impl UnderWay {
    /// Keeps its answer, where it has created something: who was refused may ask better with the same key.
    pub async fn answered(self, print: String, response: Response) -> Response {
        if !response.status().is_success() {
            return response;
        }
        let (head, body) = response.into_parts();
        let Ok(body) = to_bytes(body, LARGEST).await else {
            return Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "failed", "the answer is too large to be kept").into_response();
        };
        let (status, headers, bytes): (_, _, Bytes) = (head.status, head.headers.clone(), body.clone());
        let keep = move || {
            let headers = HEADERS.map(|name| headers.get(name).and_then(|value| value.to_str().ok()));
            if let Err(error) = self.answers.add(&self.id, &print, status, headers, &bytes) {
                // What was asked for is done, and whoever asks again makes it twice.
                tracing::error!(%error, "an answer was not kept for its Idempotency-Key");
            }
        };
        // It counts as under way until this is done.
        let _ = tokio::task::spawn_blocking(keep).await;
        Response::from_parts(head, Body::from(body))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.answers.under_way.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn begin(answers: &Arc<Answers>, id: &str) -> Begun {
        answers.clone().begin(id.into()).unwrap()
    }

    #[tokio::test]
    async fn an_answer_is_kept_across_restarts_and_only_for_its_user() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("answers.db");
        let answers = Arc::new(Answers::open(Some(&path)).unwrap());
        let Begun::New(under_way) = begin(&answers, "a") else { panic!("it is new") };
        assert!(matches!(begin(&answers, "a"), Begun::Before));
        let made = (StatusCode::CREATED, [(header::LOCATION, "/v1/things/1")], "made").into_response();
        assert_eq!(under_way.answered("p".into(), made).await.status(), StatusCode::CREATED);
        drop(answers);
        let answers = Arc::new(Answers::open(Some(&path)).unwrap());
        let Begun::Answered(print, again) = begin(&answers, "a") else { panic!("it is known") };
        assert_eq!(
            (print.as_str(), again.status(), &again.headers()["location"]),
            ("p", StatusCode::CREATED, &HeaderValue::from_static("/v1/things/1"))
        );
        assert_eq!(again.headers()["content-type"], "text/plain; charset=utf-8");
        assert_eq!(to_bytes(again.into_body(), 100).await.unwrap(), "made");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[tokio::test]
    async fn what_was_refused_or_given_up_may_be_asked_again() {
        let answers = Arc::new(Answers::open(None).unwrap());
        let Begun::New(under_way) = begin(&answers, "a") else { panic!("it is new") };
        under_way.answered("p".into(), StatusCode::CONFLICT.into_response()).await;
        let Begun::New(under_way) = begin(&answers, "a") else { panic!("it was refused") };
        drop(under_way);
        assert!(matches!(begin(&answers, "a"), Begun::New(_)));
    }

    #[test]
    fn a_file_of_something_else_is_not_taken_for_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("answers.db");
        std::fs::write(&path, "no database at all, only some text that is long enough").unwrap();
        assert!(Answers::open(Some(&path)).is_err());
    }
}
