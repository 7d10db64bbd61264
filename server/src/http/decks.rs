//! `/v1/decks`: what is to be given as a lecture, sent once and used by any number of jobs.

use super::access::Bearer;
use super::idempotency::{Once, fingerprint};
use super::jobs::Service;
use super::paging::Part;
use super::problem::Problem;
use super::{App, Shared, aside};
use crate::folders::remove_folder;
use crate::uploads::kind::{CONTENT, DECKS, FILMS};
use crate::uploads::{Kind, Rules, Upload, UploadError, receive};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{FromRequest, Multipart, Path, Query, Request};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::{Stream, TryStreamExt};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::fmt::Display;
use std::fs::File;
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;
use uuid::Uuid;

/// What is known about a deck, beside it.
const FACTS: &str = "deck.json";
/// Letters of the longest name.
const LONGEST: usize = 100;

/// A deck as it was sent.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Deck {
    /// Its name here.
    pub id: String,
    /// Its file's name, as it was sent.
    pub name: String,
    /// In bytes.
    pub size: u64,
    /// BLAKE3 of its bytes.
    pub hash: String,
    /// Who sent it.
    owner: Option<String>,
}

/// The name of a deck that comes as the whole body.
#[derive(Deserialize)]
pub struct Named {
    name: Option<String>,
}

/// Keeps a deck: the bytes as the body, or a form with one file.
#[utoipa::path(post, path = "/v1/decks", tag = "decks", params(("name" = Option<String>, Query, description = "The file's name, where the body is the file."),),
    request_body(content = String, content_type = "application/octet-stream"),
    responses((status = 201, description = "The deck.", body = Object), Problem))]
pub async fn create(
    app: Shared,
    Service(service): Service,
    Bearer(claims): Bearer,
    Query(named): Query<Named>,
    request: Request,
) -> Result<Response, Problem> {
    claims.may_have_jobs()?;
    let once = Once::of(&app, request.headers(), &claims, "/v1/decks")?;
    let length = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    // Without a length there is only room for it where there is room at all.
    service.make_room(length.unwrap_or(0).min(app.settings.http.upload.0)).await?;
    let folders = service.jobs.folders();
    let (upload, hash) = take(&app, &folders.uploads(), request, named.name).await?;
    let deck = Deck { id: Uuid::new_v4().to_string(), name: upload.name.clone(), size: upload.bytes, hash, owner: Some(claims.sub) };
    let print = fingerprint(&json!([deck.name, deck.hash]));
    let made = made(upload, folders.decks().join(&deck.id), deck);
    match once {
        Some(once) => Ok(once.answer(print, async { made.await.into_response() }).await),
        None => made.await,
    }
}

async fn made(upload: Upload, folder: PathBuf, deck: Deck) -> Result<Response, Problem> {
    let facts = deck.clone();
    aside(move || keep(upload, &folder, &facts).inspect_err(|_| drop(remove_folder(&folder)))).await??;
    Ok((StatusCode::CREATED, [(header::LOCATION, format!("/v1/decks/{}", deck.id))], Json(view(&deck))).into_response())
}

/// A file of any kind that a film can be made of or with, and its hash: the body, or the file of a form.
async fn take(app: &Arc<App>, folder: &FilePath, request: Request, name: Option<String>) -> Result<(Upload, String), Problem> {
    let mut kinds: Vec<Kind> = [DECKS, FILMS].concat();
    kinds.extend(CONTENT.iter().filter(|kind| !DECKS.contains(kind)));
    let rules = Rules { folder, bytes: app.settings.http.upload.0, kinds: &kinds };
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if !kind.starts_with("multipart/form-data") {
        return hashed(request.into_body().into_data_stream(), name.as_deref().unwrap_or_default(), &rules).await;
    }
    let mut form = Multipart::from_request(request, app).await.map_err(|error| Problem::bad(error.to_string()))?;
    loop {
        let field = form.next_field().await.map_err(|error| Problem::new(error.status(), "bad_upload", error.body_text()))?;
        let field = field.ok_or_else(|| Problem::bad("the form has no file; send one in the field \"file\""))?;
        // A page sends a field in which no file was chosen with an empty name.
        if let Some(name) = field.file_name().filter(|name| !name.is_empty()).map(String::from) {
            return hashed(field, &name, &rules).await;
        }
    }
}

async fn hashed<E: Display>(
    bytes: impl Stream<Item = Result<Bytes, E>> + Unpin,
    name: &str,
    rules: &Rules<'_>,
) -> Result<(Upload, String), Problem> {
    let mut hash = blake3::Hasher::new();
    let bytes = bytes.inspect_ok(|chunk| _ = hash.update(chunk));
    let upload = receive(bytes, &plain(name), rules).await?;
    Ok((upload, hash.finalize().to_hex().to_string()))
}

/// Gives it its place: on the disk before anybody hears of it.
fn keep(upload: Upload, folder: &FilePath, deck: &Deck) -> Result<(), Problem> {
    std::fs::create_dir_all(folder).map_err(not_kept)?;
    let file = folder.join(&deck.name);
    upload.keep(&file)?;
    File::open(&file).and_then(|file| file.sync_all()).map_err(not_kept)?;
    std::fs::write(folder.join(FACTS), serde_json::to_vec(deck).expect("plain data")).map_err(not_kept)
}

fn not_kept(error: impl Display) -> Problem {
    // What the system says names places of this machine.
    tracing::error!(%error, "a deck was not kept");
    Problem::new(StatusCode::INSUFFICIENT_STORAGE, "not_kept", "the file could not be written; look at the disk of the server")
}

impl From<UploadError> for Problem {
    fn from(error: UploadError) -> Problem {
        match error {
            UploadError::Disk(_) => not_kept(error),
            error => Problem::new(error.status(), error.code(), error.to_string()),
        }
    }
}

/// The last part of a name, without what could mean something to a file system.
fn plain(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let fits = |c: char| if c.is_alphanumeric() || "-_. ()".contains(c) { c } else { '_' };
    let name: Vec<char> = last.trim().chars().map(fits).collect();
    let tail: String = name[name.len().saturating_sub(LONGEST)..].iter().collect();
    let name = tail.trim_start_matches(['.', ' ']);
    if name.is_empty() || name == FACTS { "deck".into() } else { name.into() }
}

/// A deck.
#[utoipa::path(get, path = "/v1/decks/{id}", tag = "decks", params(("id" = String, Path, description = "The deck.")),
    responses((status = 200, description = "It.", body = Object), Problem))]
pub async fn show(Service(service): Service, Bearer(claims): Bearer, Path(id): Path<String>) -> Result<Json<Value>, Problem> {
    claims.may_have_jobs()?;
    let folder = service.jobs.folders().decks();
    let deck = aside(move || find(&folder, &id, claims.must_be_operator().is_ok(), &claims.sub)).await??;
    Ok(Json(view(&deck.0)))
}

/// Which decks there are, the last one to be sent first.
#[utoipa::path(get, path = "/v1/decks", tag = "decks", params(Part),
    responses((status = 200, description = "A page of one's own, and how many there are; operators see all.", body = Object), Problem))]
pub async fn list(Service(service): Service, Bearer(claims): Bearer, Query(part): Query<Part>) -> Result<Json<Value>, Problem> {
    claims.may_have_jobs()?;
    let folder = service.jobs.folders().decks();
    let decks = aside(move || sent(&folder, claims.must_be_operator().is_ok(), &claims.sub)).await?;
    Ok(Json(part.of("decks", &decks, view)?))
}

/// All that somebody may use, the last one to be sent first.
fn sent(folder: &FilePath, all: bool, who: &str) -> Vec<Deck> {
    let ids = std::fs::read_dir(folder).into_iter().flatten().flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let found = ids.filter_map(|id| {
        let (deck, _) = find(folder, &id, all, who).ok()?;
        // The folder's own time is that of its last use.
        let at = std::fs::metadata(folder.join(&deck.id).join(FACTS)).and_then(|facts| facts.modified()).ok();
        Some((at, deck))
    });
    let mut found: Vec<_> = found.collect();
    found.sort_by(|(at, deck), (other_at, other)| other_at.cmp(at).then_with(|| deck.id.cmp(&other.id)));
    found.into_iter().map(|(_, deck)| deck).collect()
}

/// Removes a deck; jobs that were made with it keep theirs.
#[utoipa::path(delete, path = "/v1/decks/{id}", tag = "decks", params(("id" = String, Path, description = "The deck.")),
    responses((status = 204, description = "It is gone."), Problem))]
pub async fn remove(Service(service): Service, Bearer(claims): Bearer, Path(id): Path<String>) -> Result<StatusCode, Problem> {
    claims.may_have_jobs()?;
    let folder = service.jobs.folders().decks();
    aside(move || {
        let (deck, _) = find(&folder, &id, claims.must_be_operator().is_ok(), &claims.sub)?;
        remove_folder(&folder.join(deck.id)).map_err(not_kept)
    })
    .await??;
    Ok(StatusCode::NO_CONTENT)
}

/// A deck that somebody may use, and its file.
///
/// # Errors
/// There is none of this id, or it is somebody else's.
pub fn find(folder: &FilePath, id: &str, all: bool, who: &str) -> Result<(Deck, PathBuf), Problem> {
    let missing = || Problem::new(StatusCode::NOT_FOUND, "no_such_deck", "there is no such deck; send it to /v1/decks first");
    let id: Uuid = id.parse().map_err(|_| missing())?;
    let folder = folder.join(id.to_string());
    let facts = std::fs::read(folder.join(FACTS)).map_err(|_| missing())?;
    let deck: Deck = serde_json::from_slice(&facts).map_err(|_| missing())?;
    if !all && deck.owner.as_deref() != Some(who) {
        return Err(missing());
    }
    let file = folder.join(&deck.name);
    Ok((deck, file))
}

/// A job takes it: it stays as long from now on as if it had just been sent.
pub fn touch(folder: &FilePath, deck: &Deck) -> std::io::Result<()> {
    File::open(folder.join(&deck.id))?.set_modified(SystemTime::now())
}

fn view(deck: &Deck) -> Value {
    let Deck { id, name, size, hash, .. } = deck;
    json!({ "id": id, "name": name, "size": size, "blake3": hash })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_are_only_names() {
        for (sent, kept) in [
            ("talk.pptx", "talk.pptx"),
            ("../../etc/passwd", "passwd"),
            ("C:\\decks\\a b.pdf", "a b.pdf"),
            ("..", "deck"),
            ("", "deck"),
            ("deck.json", "deck"),
            (". .deck.json", "deck"),
            ("a\n\u{202e}b", "a__b"),
        ] {
            assert_eq!(plain(sent), kept);
        }
        assert_eq!(plain(&format!("{}.pptx", "x".repeat(300))).len(), 100);
    }

    #[test]
    fn decks_are_listed_by_when_they_were_sent() {
        let place = tempfile::tempdir().unwrap();
        let keep = |name: &str, owner: &str, second: u64| {
            let id = Uuid::new_v4().to_string();
            let deck = Deck { id: id.clone(), name: name.into(), size: 1, hash: String::new(), owner: Some(owner.into()) };
            std::fs::create_dir(place.path().join(&id)).unwrap();
            let facts = place.path().join(id).join(FACTS);
            std::fs::write(&facts, serde_json::to_vec(&deck).unwrap()).unwrap();
            File::open(facts).unwrap().set_modified(SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(second)).unwrap();
            deck
        };
        let first = keep("first", "ada", 1);
        keep("third", "ada", 3);
        keep("second", "eve", 2);
        // That it is used does not make it newer.
        touch(place.path(), &first).unwrap();
        let names = |all: bool| sent(place.path(), all, "ada").into_iter().map(|deck| deck.name).collect::<Vec<_>>();
        assert_eq!(names(true), ["third", "second", "first"]);
        assert_eq!(names(false), ["third", "first"]);
    }
}
