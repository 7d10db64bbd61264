//! A server that speaks S3, on a port of its own.

use hyper_util::rt::{TokioExecutor, TokioIo};
use std::path::Path;
use tokio::sync::oneshot;

/// Dropping it ends it.
pub struct S3Server {
    endpoint: String,
    key: (String, String),
    _over: oneshot::Sender<()>,
}

impl S3Server {
    /// Starts one that keeps its bucket `lectures` in `folder`.
    pub fn start(folder: &Path) -> S3Server {
        S3Server::with(folder, "lectures", ("key", "secret"))
    }

    /// The same with another bucket, and another key with its secret.
    pub fn with(folder: &Path, bucket: &str, (key, secret): (&str, &str)) -> S3Server {
        std::fs::create_dir(folder.join(bucket)).expect("a folder");
        let mut service = s3s::service::S3ServiceBuilder::new(s3s_fs::FileSystem::new(folder).expect("a folder"));
        service.set_auth(s3s::auth::SimpleAuth::from_single(key, secret));
        let service = service.build();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.set_nonblocking(true).expect("a socket");
        let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
        let (sender, over) = oneshot::channel();
        let serve = async move {
            let listener = tokio::net::TcpListener::from_std(listener).expect("a socket");
            let server = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(server.serve_connection(TokioIo::new(stream), service.clone()).into_owned());
            }
        };
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        std::thread::spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = serve => {}
                    _ = over => {}
                }
            });
        });
        S3Server { endpoint, key: (key.into(), secret.into()), _over: sender }
    }

    /// `http://127.0.0.1:PORT`.
    #[allow(dead_code, reason = "the tests of the store take it with the variables")]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// What a client's environment says to reach it.
    pub fn variables(&self) -> [(&'static str, &str); 4] {
        [
            ("AWS_ENDPOINT", self.endpoint.as_str()),
            ("AWS_ACCESS_KEY_ID", &self.key.0),
            ("AWS_SECRET_ACCESS_KEY", &self.key.1),
            ("AWS_REGION", "us-east-1"),
        ]
    }
}
