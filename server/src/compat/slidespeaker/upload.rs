//! Files come in, are kept, and become tasks; a file that is there becomes another task with other options.

use super::aside;
use super::files::Files;
use super::options::{Options, Source};
use super::refused::Refused;
use super::session::Desk;
use super::steps::Asked;
use crate::compat::fastapi::object;
use crate::compat::form::{FileField, Form};
use crate::http::App;
use crate::ledger::JobId;
use crate::uploads::{Kind, Rules, Upload, UploadError, receive};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Request, State};
use axum::http::header;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::stream;
use serde_json::{Map, Value, json};
use std::convert::Infallible;
use std::sync::Arc;

/// What may be sent.
const KINDS: &[Kind] = &[Kind::Pdf, Kind::Pptx, Kind::Ppt, Kind::Mp3, Kind::Wav, Kind::M4a, Kind::Aac, Kind::Flac];
/// Bytes of a file within JSON, which is held in memory.
const WITHIN_JSON: u64 = 24 << 20;

pub async fn upload(State(app): State<Arc<App>>, desk: Desk, request: Request) -> Result<Json<Value>, Refused> {
    desk.service.make_room(0).await?;
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let (fields, upload) = match kind.starts_with("application/json") {
        true => within_json(&app, &desk, request).await?,
        false => {
            let file = FileField { name: "file", bytes: app.settings.http.upload.0, kinds: KINDS };
            let mut form = Form::read(request, &[file], &desk.service.jobs.folders().uploads()).await?;
            (form.texts, form.files.remove("file"))
        }
    };
    let upload = upload.ok_or_else(|| Refused::bad("a file is needed; send it in the field \"file\""))?;
    let source = Source::of(upload.kind);
    let options = Options::read(&fields, source)?;
    options.must_suit(source)?;
    let _changing = app.compat.slidespeaker.changing.lock().await;
    let file = Files::of(&desk.service).keep(&desk.person.id, upload).await?;
    let (file_id, checksum) = (file.file_id.clone(), file.checksum.clone());
    let begun = begin(&desk, Asked { file, options }).await;
    if begun.is_err() {
        super::tasks::forget_unused(&desk.service, &desk.person.id, &checksum).await?;
    }
    Ok(Json(json!({ "file_id": file_id, "task_id": begun?, "message": "the file is taken and the work has begun" })))
}

/// The older client sends an object: the file within it, in base64, as a data address or plainly.
async fn within_json(app: &App, desk: &Desk, request: Request) -> Result<(Map<String, Value>, Option<Upload>), Refused> {
    let most = WITHIN_JSON.min(app.settings.http.upload.0);
    // Base64 takes four bytes for three.
    let room = usize::try_from(most / 3 * 4).unwrap_or(usize::MAX).saturating_add(1 << 20);
    let body = axum::body::to_bytes(request.into_body(), room).await.map_err(|_| Refused::from(UploadError::TooLarge(most)))?;
    let mut fields = object(&body).map_err(|_| Refused::bad("the body is no JSON object; send a form with the field \"file\""))?;
    drop(body);
    let Some(Value::String(data)) = fields.remove("file_data") else { return Ok((fields, None)) };
    let name = fields.get("filename").and_then(Value::as_str).unwrap_or_default().to_string();
    let encoded = data.split_once("base64,").map_or(data.as_str(), |(_, encoded)| encoded);
    let bytes = STANDARD.decode(encoded.trim()).map_err(|_| Refused::bad("file_data is not in base64; encode the bytes of the file"))?;
    let folder = desk.service.jobs.folders().uploads();
    let bytes = stream::iter([Ok::<_, Infallible>(Bytes::from(bytes))]);
    let upload = receive(bytes, &name, &Rules { folder: &folder, bytes: most, kinds: KINDS }).await?;
    Ok((fields, Some(upload)))
}

async fn begin(desk: &Desk, asked: Asked) -> Result<JobId, Refused> {
    asked.begin(&desk.service.jobs, &desk.person.id, &Files::of(&desk.service)).await
}

pub async fn list(desk: Desk) -> Result<Json<Value>, Refused> {
    let files = Files::of(&desk.service);
    let uploads: Vec<Value> = aside(move || files.list(&desk.person.id).iter().map(|kept| kept.view(&desk.person.id)).collect()).await?;
    Ok(Json(json!({ "uploads": uploads })))
}

pub async fn run(State(app): State<Arc<App>>, desk: Desk, Path(file_id): Path<String>, body: Bytes) -> Result<Json<Value>, Refused> {
    let fields = object(&body)?;
    desk.service.make_room(0).await?;
    let (files, who, id) = (Files::of(&desk.service), desk.person.id.clone(), file_id.clone());
    let _changing = app.compat.slidespeaker.changing.lock().await;
    let file = aside(move || files.find(&who, &id)).await?;
    let file = file.ok_or_else(|| Refused::missing("there is no such file; send it to /api/upload first"))?;
    let options = Options::read(&fields, file.source_type)?;
    options.must_suit(file.source_type)?;
    let task_id = begin(&desk, Asked { file, options }).await?;
    Ok(Json(json!({ "task_id": task_id, "file_id": file_id, "message": "the work has begun" })))
}
