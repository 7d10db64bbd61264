//! A store for a test: a folder, or a bucket of a server that speaks S3.

use crate::artifacts::{Artifacts, Clock, Item, Options};
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;
use time::OffsetDateTime;

/// A store for a test, and how to look behind it.
pub struct Place {
    /// What the test puts in.
    pub here: TempDir,
    /// Where the store's files lie.
    pub behind: TempDir,
    address: String,
    variables: Vec<(String, String)>,
    time: Arc<Mutex<OffsetDateTime>>,
}

impl Place {
    pub fn folder() -> Place {
        let behind = tempfile::tempdir().unwrap();
        let address = behind.path().join("artifacts").display().to_string();
        Place { here: tempfile::tempdir().unwrap(), behind, address, variables: Vec::new(), time: now() }
    }

    /// A bucket of a server of its own, with a prefix.
    pub async fn bucket() -> Place {
        let behind = tempfile::tempdir().unwrap();
        fs::create_dir(behind.path().join("lectures")).unwrap();
        let mut service = s3s::service::S3ServiceBuilder::new(s3s_fs::FileSystem::new(behind.path()).unwrap());
        service.set_auth(s3s::auth::SimpleAuth::from_single("key", "secret"));
        let service = service.build();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let server = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
            while let Ok((stream, _)) = listener.accept().await {
                let connection = server.serve_connection(TokioIo::new(stream), service.clone()).into_owned();
                tokio::spawn(connection);
            }
        });
        let variables = [("AWS_ENDPOINT", endpoint.as_str()), ("AWS_ACCESS_KEY_ID", "key"), ("AWS_SECRET_ACCESS_KEY", "secret")];
        let variables =
            variables.into_iter().chain([("AWS_REGION", "us-east-1")]).map(|(name, value)| (name.into(), value.into())).collect();
        Place { here: tempfile::tempdir().unwrap(), behind, address: "s3://lectures/prod/a".into(), variables, time: now() }
    }

    pub fn open(&self) -> Artifacts {
        self.open_as(Options::default())
    }

    pub fn open_as(&self, options: Options) -> Artifacts {
        let time = self.time.clone();
        let clock: Clock = Arc::new(move || *time.lock().unwrap());
        // The disk of whoever runs the tests may be full.
        let options = Options { clock, floor: 0, ..options };
        Artifacts::open_with(&self.address, self.variables.clone().into_iter(), options).unwrap()
    }

    pub fn item(&self, name: &str, content: &[u8]) -> Item {
        let path = self.here.path().join(name);
        fs::write(&path, content).unwrap();
        Item::new(name, path)
    }

    pub fn later(&self, by: Duration) {
        *self.time.lock().unwrap() += by;
    }

    /// Keys of the store's own files that end so.
    pub fn files_behind(&self, ending: &str) -> Vec<PathBuf> {
        fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
            for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
                if entry.path().is_dir() { walk(&entry.path(), found) } else { found.push(entry.path()) }
            }
        }
        let mut found = Vec::new();
        walk(self.behind.path(), &mut found);
        found.retain(|path| path.to_str().unwrap().ends_with(ending));
        found
    }
}

fn now() -> Arc<Mutex<OffsetDateTime>> {
    Arc::new(Mutex::new(OffsetDateTime::now_utc()))
}
