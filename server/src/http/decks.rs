//! `/v1/decks`: what is to be given as a lecture, sent once and used by any number of jobs.

use super::access::Bearer;
use super::jobs::{Service, may};
use super::problem::Problem;
use super::{Shared, aside};
use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Multipart, Path, Query, Request};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::{Stream, StreamExt};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::path::{Path as FilePath, PathBuf};
use tokio::fs::File;
use tokio::io::AsyncWriteExt;
use uuid::Uuid;

/// The largest deck, in bytes.
pub const LARGEST: usize = 100 << 20;
/// What is known about a deck, beside it.
const FACTS: &str = "deck.json";

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

pub async fn create(
    app: Shared,
    Service(service): Service,
    Bearer(claims): Bearer,
    Query(named): Query<Named>,
    request: Request,
) -> Result<Response, Problem> {
    may(&claims)?;
    let id = Uuid::new_v4().to_string();
    let folder = service.jobs.folders().decks().join(&id);
    let kept = keep(&id, &folder, request, named.name, &claims.sub, &app).await;
    if kept.is_err() {
        // It may never have been made.
        let _ = tokio::fs::remove_dir_all(&folder).await;
    }
    let deck = kept?;
    Ok((StatusCode::CREATED, [(header::LOCATION, format!("/v1/decks/{id}"))], Json(view(&deck))).into_response())
}

async fn keep(id: &str, folder: &FilePath, request: Request, name: Option<String>, owner: &str, app: &Shared) -> Result<Deck, Problem> {
    tokio::fs::create_dir_all(folder).await.map_err(not_kept)?;
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let is_form = kind.starts_with("multipart/form-data");
    let (name, size, hash) = if is_form {
        let bad = |error: axum::extract::multipart::MultipartError| Problem::new(error.status(), "bad_upload", error.body_text());
        let mut form = Multipart::from_request(request, &app.0).await.map_err(|error| Problem::bad(error.to_string()))?;
        loop {
            let field = form.next_field().await.map_err(bad)?;
            let field = field.ok_or_else(|| Problem::bad("the form has no file; send one in the field \"file\""))?;
            if field.file_name().is_none() {
                continue;
            }
            let name = plain(field.file_name().unwrap_or_default());
            let bytes = field.map(|chunk| chunk.map_err(bad));
            let (size, hash) = write(&folder.join(&name), bytes).await?;
            break (name, size, hash);
        }
    } else {
        let name = plain(name.as_deref().unwrap_or("deck"));
        let bytes = Body::into_data_stream(request.into_body()).map(|chunk| chunk.map_err(|error| Problem::bad(error.to_string())));
        let (size, hash) = write(&folder.join(&name), bytes).await?;
        (name, size, hash)
    };
    let deck = Deck { id: id.into(), name, size, hash, owner: Some(owner.into()) };
    let facts = serde_json::to_vec(&deck).expect("plain data");
    tokio::fs::write(folder.join(FACTS), facts).await.map_err(not_kept)?;
    Ok(deck)
}

/// Writes what comes, no more than is allowed; its size and hash.
async fn write(path: &FilePath, bytes: impl Stream<Item = Result<Bytes, Problem>>) -> Result<(u64, String), Problem> {
    let mut bytes = std::pin::pin!(bytes);
    let mut file = File::create_new(path).await.map_err(not_kept)?;
    let (mut size, mut hash) = (0, blake3::Hasher::new());
    while let Some(chunk) = bytes.next().await {
        let chunk = chunk?;
        size += chunk.len();
        if size > LARGEST {
            let detail = format!("the deck is larger than {} MiB; leave films out of it", LARGEST >> 20);
            return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail));
        }
        hash.update(&chunk);
        file.write_all(&chunk).await.map_err(not_kept)?;
    }
    file.sync_all().await.map_err(not_kept)?;
    if size == 0 {
        return Err(Problem::bad("the deck is empty; send the bytes of a file"));
    }
    Ok((size as u64, hash.finalize().to_hex().to_string()))
}

fn not_kept(error: std::io::Error) -> Problem {
    tracing::error!(%error, "a deck was not kept");
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "not_kept", "the deck could not be written; look at the disk of the server")
}

/// The last part of a name, without what could mean something to a file system.
fn plain(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let fits = |c: char| if c.is_alphanumeric() || "-_. ()".contains(c) { c } else { '_' };
    let name: String = last.trim().trim_start_matches('.').chars().map(fits).collect();
    let tail: String = name.chars().rev().take(100).collect();
    let name: String = tail.chars().rev().collect();
    if name.is_empty() || name == FACTS { "deck".into() } else { name }
}

pub async fn show(Service(service): Service, Bearer(claims): Bearer, Path(id): Path<String>) -> Result<Json<Value>, Problem> {
    may(&claims)?;
    let folder = service.jobs.folders().decks();
    let deck = aside(move || find(&folder, &id, claims.must_be_operator().is_ok(), &claims.sub)).await??;
    Ok(Json(view(&deck.0)))
}

pub async fn list(Service(service): Service, Bearer(claims): Bearer) -> Result<Json<Value>, Problem> {
    may(&claims)?;
    let folder = service.jobs.folders().decks();
    let decks = aside(move || {
        let ids = std::fs::read_dir(&folder).into_iter().flatten().flatten().filter_map(|entry| entry.file_name().into_string().ok());
        let all = claims.must_be_operator().is_ok();
        ids.filter_map(|id| find(&folder, &id, all, &claims.sub).ok()).map(|(deck, _)| view(&deck)).collect::<Vec<_>>()
    });
    Ok(Json(json!({ "decks": decks.await? })))
}

pub async fn remove(Service(service): Service, Bearer(claims): Bearer, Path(id): Path<String>) -> Result<StatusCode, Problem> {
    may(&claims)?;
    let folder = service.jobs.folders().decks();
    aside(move || {
        let (deck, _) = find(&folder, &id, claims.must_be_operator().is_ok(), &claims.sub)?;
        std::fs::remove_dir_all(folder.join(deck.id)).map_err(not_kept)
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
            ("a\n\u{202e}b", "a__b"),
        ] {
            assert_eq!(plain(sent), kept);
        }
        assert_eq!(plain(&format!("{}.pptx", "x".repeat(300))).len(), 100);
    }
}
