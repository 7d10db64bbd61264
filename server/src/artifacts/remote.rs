//! The store of a server, reached by HTTP (`/v1/store`): for workers that share neither a folder nor a bucket with it.
//!
//! The server lets a worker reach the files of jobs that are not over, and segments. What is sent is hashed at both ends, and what breaks off
//! was never there: a file is in the server's store when all of it has come. A server that is away for a moment is asked again.

use async_trait::async_trait;
use backon::{ExponentialBuilder, Retryable};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt, TryStreamExt};
use object_store::path::Path as Key;
use object_store::{
    Attributes, CopyOptions, Error, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMode,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, UploadPart,
};
use reqwest::redirect::Policy;
use reqwest::{Body, Client, Method, RequestBuilder, Response, StatusCode, Url, header};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;
use std::time::{Duration, SystemTime};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

/// RFC 9530: the SHA-256 of what is sent.
pub const DIGEST: &str = "repr-digest";
/// How long until a server has to take a connection.
const CONNECT: Duration = Duration::from_secs(5);
/// How long a server may say nothing while it sends.
const SILENCE: Duration = Duration::from_secs(30);
/// How long it may take to take one piece of a file, or to write the last one to its disk.
const PIECE: Duration = Duration::from_secs(120);
/// How long a server that is away is asked again.
const PATIENCE: Duration = Duration::from_secs(30);
/// The first pause; each is twice as long as the one before.
const PAUSE: Duration = Duration::from_millis(200);

/// A file of a store, as a server lists it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Listed {
    /// Its key.
    pub key: String,
    /// In bytes.
    pub size: u64,
}

/// See the module docs.
#[derive(Clone)]
pub struct Remote {
    /// `http://HOST:PORT/v1/store`.
    place: Url,
    token: String,
    /// What asks.
    client: Client,
    /// What sends: that takes as long as the line is slow.
    sender: Client,
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Remote({})", self.place)
    }
}

impl fmt::Display for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.place.fmt(f)
    }
}

impl Remote {
    /// Of the server at an address, with a token of the role `worker`.
    pub fn open(address: &str, token: Option<&str>) -> std::result::Result<Remote, String> {
        let cure = "only a worker has its store at a server, and needs LECTERN_WORKER_TOKEN: a token of `lectern token --role worker`";
        let token = token.ok_or(cure)?.to_string();
        let place = Url::parse(&format!("{}/v1/store", address.trim_end_matches('/'))).map_err(|error| error.to_string())?;
        let builder = || Client::builder().redirect(Policy::none()).connect_timeout(CONNECT);
        let client = builder().read_timeout(SILENCE).build().map_err(|error| error.to_string())?;
        let sender = builder().build().map_err(|error| error.to_string())?;
        Ok(Remote { place, token, client, sender })
    }

    fn url(&self, key: &Key) -> Url {
        let mut url = self.place.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.extend(key.parts().map(|part| part.as_ref().to_string()));
        }
        url
    }

    fn request(&self, method: Method, url: Url) -> RequestBuilder {
        self.client.request(method, url).bearer_auth(&self.token)
    }

    /// Asks until there is an answer, within reason.
    async fn ask(&self, path: &str, request: impl Fn() -> RequestBuilder) -> Result<Response> {
        let once = || async {
            match request().send().await {
                Ok(answer) if is_away(answer.status()) => Err(failed(format!("it answers {}", answer.status()))),
                Ok(answer) => Ok(answer),
                Err(error) => Err(failed(error)),
            }
        };
        let pauses = ExponentialBuilder::new().with_min_delay(PAUSE).with_total_delay(Some(PATIENCE)).without_max_times().with_jitter();
        answered(path, once.retry(pauses).sleep(tokio::time::sleep).await?).await
    }

    async fn delete_one(&self, key: Key) -> Result<Key> {
        self.ask(key.as_ref(), || self.request(Method::DELETE, self.url(&key))).await?;
        Ok(key)
    }

    async fn listed(&self, prefix: Option<Key>) -> Result<Vec<ObjectMeta>> {
        let prefix = prefix.unwrap_or_default();
        let mut url = self.place.clone();
        url.query_pairs_mut().append_pair("prefix", prefix.as_ref());
        let answer = self.ask(prefix.as_ref(), || self.request(Method::GET, url.clone())).await?;
        let found: Vec<Listed> = answer.json().await.map_err(failed)?;
        found.into_iter().map(|Listed { key, size }| Ok(about(&Key::parse(key)?, size))).collect()
    }
}

/// Whether it is the server's momentary state that it answers so.
fn is_away(status: StatusCode) -> bool {
    [StatusCode::TOO_MANY_REQUESTS, StatusCode::BAD_GATEWAY, StatusCode::SERVICE_UNAVAILABLE, StatusCode::GATEWAY_TIMEOUT].contains(&status)
}

fn failed(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::Generic { store: "the server", source: source.into() }
}

/// What an answer says, unless it is what was asked for.
async fn answered(path: &str, answer: Response) -> Result<Response> {
    let status = answer.status();
    if status.is_success() {
        return Ok(answer);
    }
    let said = answer.text().await.unwrap_or_default();
    let detail = serde_json::from_str::<serde_json::Value>(&said).ok().and_then(|said| said["detail"].as_str().map(String::from));
    let (path, source) = (path.to_string(), format!("the server answers {status}: {}", detail.unwrap_or_default()).into());
    Err(match status {
        StatusCode::NOT_FOUND => Error::NotFound { path, source },
        StatusCode::PRECONDITION_FAILED => Error::AlreadyExists { path, source },
        StatusCode::UNAUTHORIZED => Error::Unauthenticated { path, source },
        StatusCode::FORBIDDEN => Error::PermissionDenied { path, source },
        _ => failed(source),
    })
}

/// Nobody here asks when something was written.
fn about(key: &Key, size: u64) -> ObjectMeta {
    ObjectMeta { location: key.clone(), last_modified: SystemTime::UNIX_EPOCH.into(), size, e_tag: None, version: None }
}

/// The header's value for a SHA-256.
pub fn digest(hash: &[u8]) -> String {
    format!("sha-256=:{}:", BASE64.encode(hash))
}

fn unknown(operation: &str) -> Error {
    Error::NotImplemented { operation: operation.into(), implementer: "the store of a server".into() }
}

#[async_trait]
impl ObjectStore for Remote {
    async fn put_opts(&self, key: &Key, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        let only_new = match options.mode {
            PutMode::Overwrite => false,
            PutMode::Create => true,
            PutMode::Update(_) => return Err(unknown("an update")),
        };
        let bytes = Bytes::from(payload);
        let hash = digest(&Sha256::digest(&bytes));
        let request = || {
            let request = self.sender.put(self.url(key)).bearer_auth(&self.token).timeout(PIECE * 5).header(DIGEST, &hash);
            let request = if only_new { request.header(header::IF_NONE_MATCH, "*") } else { request };
            request.body(bytes.clone())
        };
        self.ask(key.as_ref(), request).await?;
        Ok(PutResult { e_tag: None, version: None, extensions: Default::default() })
    }

    async fn put_multipart_opts(&self, key: &Key, _: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        // What is sent cannot be sent again: first it is seen whether anybody is there.
        self.listed(Some(key.clone())).await?;
        let (pieces, arriving) = mpsc::unbounded_channel();
        let request = self.sender.put(self.url(key)).bearer_auth(&self.token).body(Body::wrap_stream(body(arriving)));
        let path = key.to_string();
        let answer = tokio::spawn(async move { answered(&path, request.send().await.map_err(failed)?).await });
        Ok(Box::new(Sending { remote: self.clone(), key: key.clone(), pieces, answer, hash: Sha256::new() }))
    }

    async fn get_opts(&self, key: &Key, options: GetOptions) -> Result<GetResult> {
        if options.range.is_some() {
            return Err(unknown("a part of a file"));
        }
        let method = if options.head { Method::HEAD } else { Method::GET };
        let answer = self.ask(key.as_ref(), || self.request(method.clone(), self.url(key))).await?;
        let length = answer.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
        let size = length.ok_or_else(|| failed("it does not say how long the file is"))?;
        let payload = GetResultPayload::Stream(answer.bytes_stream().map_err(failed).boxed());
        Ok(GetResult { payload, meta: about(key, size), range: 0..size, attributes: Attributes::new(), extensions: Default::default() })
    }

    fn delete_stream(&self, keys: BoxStream<'static, Result<Key>>) -> BoxStream<'static, Result<Key>> {
        let remote = self.clone();
        keys.and_then(move |key| {
            let remote = remote.clone();
            async move { remote.delete_one(key).await }
        })
        .boxed()
    }

    fn list(&self, prefix: Option<&Key>) -> BoxStream<'static, Result<ObjectMeta>> {
        let (remote, prefix) = (self.clone(), prefix.cloned());
        stream::once(async move { remote.listed(prefix).await })
            .map_ok(|found| stream::iter(found.into_iter().map(Ok)))
            .try_flatten()
            .boxed()
    }

    async fn list_with_delimiter(&self, _: Option<&Key>) -> Result<ListResult> {
        Err(unknown("a list of folders"))
    }

    async fn copy_opts(&self, _: &Key, _: &Key, _: CopyOptions) -> Result<()> {
        Err(unknown("a copy"))
    }
}

/// What goes into the body of a request.
enum Piece {
    /// Bytes, and who waits until they are gone.
    Bytes(PutPayload, oneshot::Sender<()>),
    /// That was all. Without it the request breaks off, and the server throws away what it has.
    End,
}

/// The pieces as they are taken.
fn body(arriving: mpsc::UnboundedReceiver<Piece>) -> impl futures_util::Stream<Item = Result<Bytes>> + Send + 'static {
    let pieces = stream::try_unfold(arriving, |mut arriving| async move {
        match arriving.recv().await {
            Some(Piece::Bytes(payload, taken)) => {
                // It is asked for when what came before is on its way. Nobody may wait any more.
                let _ = taken.send(());
                Ok(Some((stream::iter(payload.into_iter().map(Ok)), arriving)))
            }
            Some(Piece::End) => Ok(None),
            None => Err(failed("the file was given up")),
        }
    });
    pieces.try_flatten()
}

/// A file that is being sent, as one request.
#[derive(Debug)]
struct Sending {
    remote: Remote,
    key: Key,
    pieces: mpsc::UnboundedSender<Piece>,
    answer: JoinHandle<Result<Response>>,
    hash: Sha256,
}

impl fmt::Debug for Piece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if matches!(self, Piece::End) { "the end" } else { "bytes" })
    }
}

#[async_trait]
impl MultipartUpload for Sending {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        data.iter().for_each(|bytes| self.hash.update(bytes));
        let (taken, gone) = oneshot::channel();
        let sent = self.pieces.send(Piece::Bytes(data, taken));
        let broken = || failed("the connection broke while a file was sent");
        Box::pin(async move {
            sent.map_err(|_| broken())?;
            tokio::time::timeout(PIECE, gone).await.map_err(failed)?.map_err(|_| broken())
        })
    }

    async fn complete(&mut self) -> Result<PutResult> {
        // Where nobody takes it, the answer says why.
        let _ = self.pieces.send(Piece::End);
        let answer = tokio::time::timeout(PIECE, &mut self.answer).await.map_err(failed)??;
        let hash = digest(&std::mem::take(&mut self.hash).finalize());
        let came = answer?.headers().get(DIGEST).and_then(|digest| digest.to_str().ok()).map(String::from);
        if came.as_deref() != Some(&hash) {
            self.remote.delete_one(self.key.clone()).await?;
            return Err(failed("what came is not what was sent"));
        }
        Ok(PutResult { e_tag: None, version: None, extensions: Default::default() })
    }

    async fn abort(&mut self) -> Result<()> {
        self.answer.abort();
        Ok(())
    }
}
