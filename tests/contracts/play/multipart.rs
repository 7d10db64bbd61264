//! Multipart bodies (RFC 7578). Files are read while they are sent: some are larger than anybody wants to hold.
//!
//! By hand, because the client library's own would have it built twice: once for the program and once for its tests.

use crate::contracts::fixtures::Fixtures;
use crate::contracts::flow::Part;
use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt};
use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use tokio::fs::File;
use tokio::io::AsyncReadExt;

/// So much of a file is read at once.
const PIECE: usize = 256 << 10;

/// A body to be sent.
pub struct Multipart {
    pub body: reqwest::Body,
    /// Its content type, with the boundary.
    pub kind: String,
    /// In bytes.
    pub length: u64,
}

enum Piece {
    Text(String),
    File(PathBuf),
}

/// The body of these parts.
pub async fn body(parts: &BTreeMap<String, Part>, fixtures: &Fixtures) -> Result<Multipart, String> {
    let boundary = format!("lectern-{}", uuid::Uuid::new_v4().simple());
    let mut pieces = Vec::new();
    for (name, part) in parts {
        let head = format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"");
        match part {
            Part::Text(text) => pieces.push(Piece::Text(format!("{head}\r\n\r\n{text}\r\n"))),
            Part::File { file, name, content_type } => {
                let fixture = fixtures.get(file)?;
                let kind = content_type.as_ref().unwrap_or(&fixture.content_type);
                let name = name.as_ref().unwrap_or(file);
                pieces.push(Piece::Text(format!("{head}; filename=\"{name}\"\r\nContent-Type: {kind}\r\n\r\n")));
                pieces.push(Piece::File(fixture.path));
                pieces.push(Piece::Text("\r\n".into()));
            }
        }
    }
    pieces.push(Piece::Text(format!("--{boundary}--\r\n")));
    let mut length = 0;
    for piece in &pieces {
        length += match piece {
            Piece::Text(text) => text.len() as u64,
            Piece::File(path) => tokio::fs::metadata(path).await.map_err(|error| format!("{}: {error}", path.display()))?.len(),
        };
    }
    let body = reqwest::Body::wrap_stream(stream::iter(pieces).map(read).flatten());
    Ok(Multipart { body, kind: format!("multipart/form-data; boundary={boundary}"), length })
}

fn read(piece: Piece) -> BoxStream<'static, io::Result<Bytes>> {
    match piece {
        Piece::Text(text) => stream::once(async { Ok(Bytes::from(text)) }).boxed(),
        Piece::File(path) => stream::once(File::open(path)).map(|opened| opened.map_or_else(failed, rest)).flatten().boxed(),
    }
}

fn failed(error: io::Error) -> BoxStream<'static, io::Result<Bytes>> {
    stream::once(async { Err(error) }).boxed()
}

fn rest(file: File) -> BoxStream<'static, io::Result<Bytes>> {
    let next = |mut file: File| async move {
        let mut piece = vec![0; PIECE];
        let length = file.read(&mut piece).await?;
        piece.truncate(length);
        Ok::<_, io::Error>(if length == 0 { None } else { Some((Bytes::from(piece), file)) })
    };
    stream::try_unfold(file, next).boxed()
}
