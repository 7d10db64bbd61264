//! What a client sends: texts in the query, in a form or as JSON, and files in a form.

use crate::compat::fastapi::{Refusal, object};
use crate::compat::form::{FileField, Form, FormError};
use crate::uploads::kind::{CONTENT, FILMS};
use crate::uploads::{Upload, UploadError};
use axum::body::to_bytes;
use axum::extract::{Query, Request};
use axum::http::{StatusCode, header};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::Path;

/// The largest film, in bytes.
const FILM: u64 = 200 << 20;
/// The largest JSON, in bytes.
const JSON: usize = 1 << 20;
/// Fields of the later client by the names of the earlier one.
const LATER: [(&str, &str); 3] =
    [("content_text", "script_text"), ("google_slides_url", "slides_url"), ("voice_profile_name", "voice_profile")];

/// See the module docs.
#[derive(Debug)]
pub struct Asked {
    /// Texts by their fields; of JSON, whatever it has.
    pub texts: Map<String, Value>,
    /// Files by their fields.
    pub files: BTreeMap<&'static str, Upload>,
    /// It came as JSON, as only the later client sends it.
    pub is_json: bool,
}

impl Asked {
    /// Reads a request. A text in the body is stronger than one of the same name in the query. Files lie in `folder`; documents have
    /// `largest` bytes at most.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn read(request: Request, largest: u64, folder: &Path) -> Result<Asked, Refusal> {
        let query = Query::<BTreeMap<String, String>>::try_from_uri(request.uri());
        let Query(query) = query.map_err(|error| Refusal::Because(StatusCode::BAD_REQUEST, error.body_text()))?;
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let is_json = kind.starts_with("application/json");
        let (body, files) = match is_json {
            true => {
                let too_large = |_| Refusal::Because(StatusCode::PAYLOAD_TOO_LARGE, format!("the body is larger than {} KiB", JSON >> 10));
                (object(&to_bytes(request.into_body(), JSON).await.map_err(too_large)?)?, BTreeMap::new())
            }
            false => {
                let film = |name| FileField { name, bytes: FILM, kinds: FILMS };
                let document = |name| FileField { name, bytes: largest, kinds: CONTENT };
                let fields = [
                    document("content"),
                    document("presentation_content"),
                    film("reference_video"),
                    film("source_video"),
                    film("video_file"),
                ];
                let Form { texts, files } = Form::read(request, &fields, folder).await.map_err(refusal)?;
                (texts, files)
            }
        };
        let mut texts: Map<String, Value> = query.into_iter().map(|(name, text)| (name, Value::String(text))).collect();
        texts.extend(body.into_iter().filter(|(_, value)| !value.is_null()));
        Ok(Asked { texts, files, is_json })
    }

    /// It comes from the client of the later service, which waits for the film.
    pub fn is_later(&self) -> bool {
        self.is_json || LATER.iter().any(|(later, _)| self.texts.contains_key(*later))
    }

    /// What the later client calls otherwise gets the name that it had before.
    pub fn rename(&mut self) {
        for (later, name) in LATER {
            if let Some(value) = self.texts.remove(later) {
                self.texts.insert(name.into(), value);
            }
        }
    }
}

/// A file of another kind is a bad request to the clients of this service.
fn refusal(error: FormError) -> Refusal {
    match &error {
        FormError::File(_, UploadError::Kind { .. }) => Refusal::Because(StatusCode::BAD_REQUEST, error.to_string()),
        _ => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;

    async fn read(uri: &str, kind: &str, body: &str) -> Result<Asked, Refusal> {
        let folder = tempfile::tempdir().unwrap();
        let request = Request::post(uri).header("content-type", kind).body(Body::from(body.to_string())).unwrap();
        Asked::read(request, 1 << 20, folder.path()).await
    }

    #[tokio::test]
    async fn texts_stand_in_the_query_in_forms_and_in_json() {
        let parts = "--b\r\nContent-Disposition: form-data; name=\"script_text\"\r\n\r\nIn the form.\r\n\
            --b\r\nContent-Disposition: form-data; name=\"content\"; filename=\"notes.md\"\r\n\r\n# Notes\r\n\
            --b\r\nContent-Disposition: form-data; name=\"reference_video\"; filename=\"\"\r\n\r\n\r\n--b--\r\n";
        let uri = "/?script_text=In%20the%20query.&quality_level=fast";
        let asked = read(uri, "multipart/form-data; boundary=b", parts).await.unwrap();
        assert_eq!((&asked.texts["script_text"], &asked.texts["quality_level"]), (&"In the form.".into(), &"fast".into()));
        assert_eq!(asked.files.keys().collect::<Vec<_>>(), [&"content"], "a field without a file is none");
        assert!(!asked.is_later());
        let asked = read(uri, "application/x-www-form-urlencoded", "slides_url=a%26b").await.unwrap();
        assert_eq!((&asked.texts["script_text"], &asked.texts["slides_url"]), (&"In the query.".into(), &"a&b".into()));
        let mut asked = read("/", "application/json", r#"{"google_slides_url": "x", "mode": null, "use_cache": true}"#).await.unwrap();
        assert!(asked.is_json && asked.is_later());
        asked.rename();
        assert_eq!(asked.texts.keys().collect::<Vec<_>>(), ["slides_url", "use_cache"]);
    }

    #[tokio::test]
    async fn what_cannot_be_read_is_refused() {
        let film = "--b\r\nContent-Disposition: form-data; name=\"video_file\"; filename=\"a.mp4\"\r\n\r\nsome text\r\n--b--\r\n";
        let refused = read("/", "multipart/form-data; boundary=b", film).await.unwrap_err();
        assert!(
            matches!(&refused, Refusal::Because(StatusCode::BAD_REQUEST, text) if text.starts_with("video_file: the file is a plain text")),
            "{refused:?}"
        );
        assert!(matches!(read("/", "application/json", "[1]").await, Err(Refusal::Invalid(_))));
        assert!(matches!(read("/", "multipart/form-data; boundary=b", "--c").await, Err(Refusal::Because(StatusCode::BAD_REQUEST, _))));
        // What is no form has no fields: those that have to be there are then missed.
        assert!(read("/", "text/plain", "a=b").await.is_ok_and(|asked| asked.texts.is_empty()));
    }
}
