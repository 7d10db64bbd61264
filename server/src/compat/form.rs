//! Forms as clients send them: texts and files, as `multipart/form-data` or, without files, as `application/x-www-form-urlencoded`.

use super::fastapi::Refusal;
use crate::uploads::{Kind, Rules, Upload, UploadError, receive};
use axum::RequestExt;
use axum::extract::multipart::MultipartError;
use axum::extract::rejection::FormRejection;
use axum::extract::{Multipart, Request};
use axum::http::{StatusCode, header};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::Path;

/// Bytes of the texts of a form, all together.
const TEXTS: usize = 1 << 20;
/// Fields of a form.
const FIELDS: usize = 200;

/// A file that a form may have.
#[derive(Clone, Copy, Debug)]
pub struct FileField {
    /// The field.
    pub name: &'static str,
    /// Bytes at most.
    pub bytes: u64,
    /// What it may be.
    pub kinds: &'static [Kind],
}

/// Why a form was not taken.
#[derive(Debug, thiserror::Error)]
pub enum FormError {
    /// A file was not taken: the field, and why.
    #[error("{0}: {1}")]
    File(&'static str, #[source] UploadError),
    /// It is no form, or too much of one.
    #[error("{0}")]
    Form(String),
}

/// A form that has come whole. Its files go with it, unless they are kept.
#[derive(Debug, Default)]
pub struct Form {
    /// Texts by their fields; the last one counts where a field comes more than once.
    pub texts: Map<String, Value>,
    /// Files by their fields.
    pub files: BTreeMap<&'static str, Upload>,
}

impl Form {
    /// Reads a request's form, with those of its files that `files` names; others are passed over. They lie in `folder` until they are kept.
    /// The route has `DefaultBodyLimit::disable()`, as the limits are kept here.
    ///
    /// # Errors
    /// Why it was not taken; nothing of it is left then.
    pub async fn read(request: Request, files: &[FileField], folder: &Path) -> Result<Form, FormError> {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if kind.starts_with("application/x-www-form-urlencoded") {
            return Form::plain(request).await;
        }
        // What is no form has no fields.
        if !kind.starts_with("multipart/form-data") {
            return Ok(Form::default());
        }
        let mut form = Form::default();
        let mut parts: Multipart = request.extract().await.map_err(|error| FormError::Form(format!("{error}")))?;
        let (mut room, mut fields) = (TEXTS, FIELDS);
        while let Some(mut field) = parts.next_field().await.map_err(unread)? {
            fields = fields.checked_sub(1).ok_or_else(|| FormError::Form(format!("the form has more than {FIELDS} fields")))?;
            let name = field.name().unwrap_or_default().to_string();
            let file = files.iter().find(|file| file.name == name);
            match (file, field.file_name().map(String::from)) {
                // A page sends a field in which no file was chosen with an empty name.
                (Some(file), Some(called)) if !called.is_empty() => {
                    let rules = Rules { folder, bytes: file.bytes, kinds: file.kinds };
                    match receive(field, &called, &rules).await {
                        Ok(upload) => drop(form.files.insert(file.name, upload)),
                        Err(error) => return Err(FormError::File(file.name, error)),
                    }
                }
                // Nobody asked for it.
                (_, Some(_)) => while field.chunk().await.map_err(unread)?.is_some() {},
                (_, None) => {
                    let mut text = Vec::new();
                    while let Some(chunk) = field.chunk().await.map_err(unread)? {
                        room = room.checked_sub(chunk.len()).ok_or_else(too_long)?;
                        text.extend_from_slice(&chunk);
                    }
                    let text = String::from_utf8(text).map_err(|_| FormError::Form(format!("the field {name:?} is not UTF-8")))?;
                    form.texts.insert(name, Value::String(text));
                }
            }
        }
        Ok(form)
    }

    /// Without files.
    async fn plain(request: Request) -> Result<Form, FormError> {
        let form: axum::Form<BTreeMap<String, String>> =
            request.extract().await.map_err(|error: FormRejection| FormError::Form(error.body_text()))?;
        let axum::Form(texts) = form;
        let texts = texts.into_iter().map(|(name, text)| (name, Value::String(text))).collect();
        Ok(Form { texts, files: BTreeMap::new() })
    }
}

impl From<FormError> for Refusal {
    fn from(error: FormError) -> Refusal {
        let status = match &error {
            FormError::File(_, error) => error.status(),
            FormError::Form(_) => StatusCode::BAD_REQUEST,
        };
        Refusal::Because(status, error.to_string())
    }
}

fn too_long() -> FormError {
    FormError::Form(format!("the texts of the form are longer than {} KiB", TEXTS >> 10))
}

fn unread(error: MultipartError) -> FormError {
    FormError::Form(error.body_text())
}
