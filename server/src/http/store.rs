//! `/v1/store`: the store of artifacts, for workers that reach this server and nothing else of it. They see segments, and of the other files
//! those of jobs that are not over; what these have published they may write, not read.

use super::App;
use super::access::Bearer;
use super::jobs::Service;
use super::problem::Problem;
use crate::artifacts::{Artifacts, Blob, DIGEST, Listed, StoreError, Terms, Written};
use crate::limits::{self, Rule};
use crate::service;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Path, Query};
use axum::http::{HeaderMap, HeaderName, Method, StatusCode, header};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;
use std::sync::Arc;

/// What is to be listed.
#[derive(Deserialize)]
struct Below {
    prefix: String,
}

/// The paths. What a worker sends may be larger than what people send, and is no event of the audit log: routes of their own.
pub fn routes(app: &Arc<App>) -> Router<Arc<App>> {
    Router::new()
        .route("/v1/store", get(list))
        .route("/v1/store/{*key}", get(read).put(write).delete(remove))
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn_with_state(app.limits.on(Rule::Request), limits::enforce))
}

/// May a worker do this with a file?
///
/// # Errors
/// It belongs to no job that is at work.
fn must_reach(service: &service::Service, key: &str, reads: bool) -> Result<(), Problem> {
    let mut words = key.split('/');
    let (kind, job) = (words.next().unwrap_or_default(), words.next().and_then(|word| word.parse().ok()));
    let is_at_work = || match job.map(|job| service.jobs.ledger().job(job)) {
        Some(found) => Ok::<_, Problem>(found?.is_some_and(|job| !job.state.is_over())),
        None => Ok(false),
    };
    let reaches = match kind {
        kind if Blob::FOLDERS.contains(&kind) => true,
        "work" => is_at_work()?,
        "job" => !reads && is_at_work()?,
        _ => false,
    };
    let missing = || Problem::new(StatusCode::NOT_FOUND, "no_such_file", "there is no such file for a worker, or its job is over");
    if reaches { Ok(()) } else { Err(missing()) }
}

/// As [`StoreError`]s of the server are told to its workers.
fn told(error: StoreError) -> Problem {
    match error {
        StoreError::Name(..) => Problem::bad(error.to_string()),
        error => error.into(),
    }
}

async fn list(Service(service): Service, Bearer(claims): Bearer, Query(below): Query<Below>) -> Result<Json<Vec<Listed>>, Problem> {
    claims.must_be_worker()?;
    must_reach(&service, &below.prefix, false)?;
    Ok(Json(service.artifacts.list_keys(&below.prefix).await.map_err(told)?))
}

async fn read(Service(service): Service, Bearer(claims): Bearer, method: Method, Path(key): Path<String>) -> Result<Response, Problem> {
    claims.must_be_worker()?;
    must_reach(&service, &key, true)?;
    answer(&service.artifacts, &method, &key).await
}

async fn answer(artifacts: &Artifacts, method: &Method, key: &str) -> Result<Response, Problem> {
    let missing = || Problem::new(StatusCode::NOT_FOUND, "no_such_file", "there is no such file");
    let (size, bytes) = artifacts.read_key(key).await.map_err(told)?.ok_or_else(missing)?;
    let body = if *method == Method::HEAD { Body::empty() } else { Body::from_stream(bytes) };
    let headers = [(header::CONTENT_LENGTH, size.to_string()), (header::CONTENT_TYPE, "application/octet-stream".into())];
    Ok((headers, body).into_response())
}

async fn write(
    Service(service): Service,
    Bearer(claims): Bearer,
    Path(key): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    claims.must_be_worker()?;
    must_reach(&service, &key, false)?;
    keep(service.artifacts.clone(), key, &headers, body).await
}

async fn keep(artifacts: Arc<Artifacts>, key: String, headers: &HeaderMap, body: Body) -> Result<Response, Problem> {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let digest = HeaderName::from_static(DIGEST);
    let terms = Terms {
        only_new: text(header::IF_NONE_MATCH) == Some("*"),
        size: text(header::CONTENT_LENGTH).and_then(|size| size.parse().ok()),
        digest: text(digest.clone()).map(String::from),
    };
    // Apart from the request, which ends with its connection: what has come by then is taken back in order.
    let writing = tokio::spawn(async move { artifacts.write_key(&key, body.into_data_stream(), &terms).await });
    let failed = |error: tokio::task::JoinError| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "failed", error.to_string());
    match writing.await.map_err(failed)?.map_err(told)? {
        Written::Whole(hash) => Ok((StatusCode::CREATED, [(digest, hash)]).into_response()),
        Written::Known => Err(Problem::new(StatusCode::PRECONDITION_FAILED, "known", "it is there already")),
        Written::Broken(why) => Err(Problem::bad(format!("the file did not come whole: {why}; send it again"))),
    }
}

async fn remove(Service(service): Service, Bearer(claims): Bearer, Path(key): Path<String>) -> Result<StatusCode, Problem> {
    claims.must_be_worker()?;
    must_reach(&service, &key, false)?;
    service.artifacts.remove_key(&key).await.map_err(told)?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifacts::{Item, Options, digest};
    use crate::config::Secret;
    use axum::routing::put;
    use bytes::Bytes;
    use sha2::{Digest, Sha256};
    use std::net::SocketAddr;
    use std::time::Duration;
    use tempfile::TempDir;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    /// A server that lets everybody in, and a worker of it.
    struct Both {
        home: TempDir,
        kept: Arc<Artifacts>,
        address: SocketAddr,
    }

    impl Both {
        async fn start() -> Both {
            let home = tempfile::tempdir().unwrap();
            let options = Options { floor: 0, ..Options::default() };
            let kept = Arc::new(Artifacts::open(home.path().join("artifacts").to_str().unwrap(), options).unwrap());
            let [to_list, to_read, to_write, to_remove] = [(); 4].map(|()| kept.clone());
            let files = put(async move |Path(key): Path<String>, headers: HeaderMap, body: Body| keep(to_write, key, &headers, body).await)
                .get(async move |Path(key): Path<String>, method: Method| answer(&to_read, &method, &key).await)
                .delete(async move |Path(key): Path<String>| to_remove.remove_key(&key).await.map_err(told));
            let list = async move |Query(below): Query<Below>| to_list.list_keys(&below.prefix).await.map(Json).map_err(told);
            let router = Router::new().route("/v1/store", get(list)).route("/v1/store/{*key}", files.layer(DefaultBodyLimit::disable()));
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            tokio::spawn(async move { axum::serve(listener, router).await });
            Both { home, kept, address }
        }

        fn worker(&self) -> Artifacts {
            let _ = rustls::crypto::ring::default_provider().install_default();
            let options = Options { floor: 0, token: Some(Secret::new("a token")), ..Options::default() };
            Artifacts::open(&format!("http://{}", self.address), options).unwrap()
        }

        /// A request that breaks off after these bytes of its body; its answer is not waited for.
        async fn breaks_off(&self, key: &str, head: &str, body: &[u8]) {
            let mut stream = TcpStream::connect(self.address).await.unwrap();
            let head = format!("PUT /v1/store/{key} HTTP/1.1\r\nhost: x\r\n{head}\r\n\r\n");
            stream.write_all(&[head.as_bytes(), body].concat()).await.unwrap();
            stream.shutdown().await.unwrap();
            // Until the server has seen it.
            stream.read_to_end(&mut Vec::new()).await.unwrap();
        }
    }

    #[tokio::test]
    async fn sets_and_blobs_go_by_way_of_the_server_whatever_their_size() {
        let both = Both::start().await;
        let worker = both.worker();
        let (large, small) = (both.home.path().join("film"), both.home.path().join("words"));
        let content: Vec<u8> = (0..20u32 << 18).flat_map(u32::to_le_bytes).collect();
        std::fs::write(&large, &content).unwrap();
        std::fs::write(&small, "words").unwrap();
        let items = [Item::new("100% ä #1.mp4", &large), Item::new("film.srt", &small)];
        assert_eq!(worker.manifest("job/1").await.unwrap(), None);
        let made = worker.publish("job/1", &items).await.unwrap();
        assert_eq!(both.kept.manifest("job/1").await.unwrap(), Some(made));
        assert!(both.kept.verify("job/1").await.unwrap().is_empty());
        let copy = both.home.path().join("copy");
        worker.fetch("job/1", "100% ä #1.mp4", &copy).await.unwrap();
        assert!(std::fs::read(copy).unwrap() == content);
        worker.remove("job/1").await.unwrap();
        assert_eq!(both.kept.usage().await.unwrap().files, 0);

        let hash = "0123456789abcdef";
        assert_eq!(worker.blob(Blob::Segment, hash).await.unwrap(), None);
        for content in ["first", "second"] {
            worker.keep(Blob::Segment, hash, Bytes::from(content)).await.unwrap();
        }
        assert_eq!(worker.blob(Blob::Segment, hash).await.unwrap().as_deref(), Some(b"first".as_slice()));
    }

    #[tokio::test]
    async fn what_breaks_off_or_was_changed_was_never_there() {
        let both = Both::start().await;
        let part = vec![7; 9 << 20];
        both.breaks_off("job/1/a", "content-length: 20000000", &part).await;
        both.breaks_off("job/1/b", "transfer-encoding: chunked", &[b"900000\r\n", &part[..], b"\r\n"].concat()).await;
        both.breaks_off("seg/01/0123456789abcdef", "if-none-match: *\r\ncontent-length: 100", b"half").await;
        let whole = async |key: &str, hash: &[u8]| {
            let url = format!("http://{}/v1/store/{key}", both.address);
            let client = reqwest::Client::builder().no_proxy().build().unwrap();
            client.put(url).header(DIGEST, digest(hash)).body("text").send().await.unwrap().status()
        };
        assert_eq!(whole("job/1/c", &[7; 32]).await, StatusCode::BAD_REQUEST);
        assert_eq!(both.kept.usage().await.unwrap().files, 0);
        // Not even under a name that is not listed, as soon as the server has noticed.
        let left = || std::fs::read_dir(both.home.path().join("artifacts/job/1")).into_iter().flatten().flatten().count();
        let gone = async {
            while left() > 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), gone).await.unwrap();
        assert_eq!(whole("job/1/d", &Sha256::digest("text")).await, StatusCode::CREATED);
        assert_eq!(both.kept.usage().await.unwrap().files, 1);
    }
}
