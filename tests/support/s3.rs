//! A server that speaks S3, on a port of its own, with the bucket `lectures`.

use hyper_util::rt::{TokioExecutor, TokioIo};
use std::path::Path;
use tokio::sync::oneshot;

/// Dropping it ends it.
pub struct S3Server {
    endpoint: String,
    _over: oneshot::Sender<()>,
}

impl S3Server {
    /// Starts one that keeps its buckets in `folder`.
    pub fn start(folder: &Path) -> S3Server {
        std::fs::create_dir(folder.join("lectures")).expect("a folder");
        let mut service = s3s::service::S3ServiceBuilder::new(s3s_fs::FileSystem::new(folder).expect("a folder"));
        service.set_auth(s3s::auth::SimpleAuth::from_single("key", "secret"));
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
        S3Server { endpoint, _over: sender }
    }

    /// What a client's environment says to reach it.
    pub fn variables(&self) -> [(&'static str, &str); 4] {
        [
            ("AWS_ENDPOINT", self.endpoint.as_str()),
            ("AWS_ACCESS_KEY_ID", "key"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("AWS_REGION", "us-east-1"),
        ]
    }
}
