//! A server and two workers that share a store and nothing else.

use super::*;
use crate::artifacts::Options;
use serde_json::Value;
use tempfile::TempDir;

/// A machine.
struct Machine {
    _home: TempDir,
    folders: Folders,
    transfer: Transfer,
}

impl Machine {
    fn new(store: &TempDir) -> Machine {
        let home = tempfile::tempdir().unwrap();
        let folders = Folders::open(home.path()).unwrap();
        let artifacts = Artifacts::open(store.path().to_str().unwrap(), Options { floor: 0, ..Options::default() }).unwrap();
        Machine { _home: home, transfer: Transfer::new(Arc::new(artifacts), folders.clone()), folders }
    }

    fn write(&self, job: JobId, name: &str, text: &str) {
        let path = self.folders.work(job).join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn read(&self, job: JobId, name: &str) -> Option<String> {
        fs::read_to_string(self.folders.work(job).join(name)).ok()
    }

    /// Does a stage that writes these files.
    async fn stage(&self, job: JobId, position: u32, files: &[(&str, &str)]) {
        let ticket = ticket(job, position);
        let before = self.transfer.fetch(&ticket).await.unwrap();
        self.write(job, Folders::attempt(position, 1).join("half.mp4").to_str().unwrap(), "half");
        files.iter().for_each(|(name, text)| self.write(job, name, text));
        self.transfer.bring(&ticket, &before).await.unwrap();
    }
}

fn ticket(job: JobId, position: u32) -> Ticket {
    Ticket { job, position, stage: "s".into(), attempt: 1, owner: None, priority: 0, task: Value::Null }
}

const LONG: &str = "長い名前の長い名前の長い名前の長い名前の長い名前の長い名前の長い名前の長い名前 100% (a).pptx";

#[tokio::test]
async fn whoever_does_a_stage_finds_what_there_is_and_nothing_older() {
    let store = tempfile::tempdir().unwrap();
    let [server, one, other] = [(); 3].map(|()| Machine::new(&store));
    let job = JobId::new();
    server.folders.input(job).unwrap();
    assert!(matches!(one.transfer.fetch(&ticket(job, 0)).await, Err(StoreError::Missing { .. })), "not before it is given");
    let deck = format!("input/0/{LONG}");
    server.write(job, &deck, "slides");
    server.transfer.give(job).await.unwrap();
    server.transfer.give(job).await.unwrap();
    one.stage(job, 0, &[("processing/lesson/lesson.yaml", "first"), ("processing/lesson/media/1.png", "picture")]).await;
    assert_eq!(one.read(job, &deck).as_deref(), Some("slides"));
    one.stage(job, 1, &[]).await;
    one.stage(job, 2, &[("output/film.mp4", "film"), ("processing/lesson/lesson.yaml", "changed")]).await;

    other.transfer.fetch(&ticket(job, 3)).await.unwrap();
    assert_eq!(other.read(job, &deck).as_deref(), Some("slides"));
    assert_eq!(other.read(job, "processing/lesson/lesson.yaml").as_deref(), Some("changed"));
    assert_eq!(other.read(job, "output/film.mp4").as_deref(), Some("film"));
    assert_eq!(other.read(job, "processing/0-1/half.mp4"), None, "what is half done stays where it is");
    // Who has it all fetches nothing again.
    one.write(job, &deck, "as it lies here");
    one.transfer.fetch(&ticket(job, 3)).await.unwrap();
    assert_eq!(one.read(job, &deck).as_deref(), Some("as it lies here"));

    // Tried again from the first stage, by somebody else.
    other.stage(job, 0, &[("processing/lesson/lesson.yaml", "anew")]).await;
    one.transfer.fetch(&ticket(job, 1)).await.unwrap();
    assert_eq!((one.read(job, &deck).as_deref(), one.read(job, "output/film.mp4")), (Some("slides"), None));
    assert_eq!(one.read(job, "processing/lesson/lesson.yaml").as_deref(), Some("anew"));
    assert_eq!(one.read(job, "processing/lesson/media/1.png"), None);

    server.transfer.remove_made(job).await.unwrap();
    other.transfer.fetch(&ticket(job, 3)).await.unwrap();
    assert_eq!((other.read(job, &deck).as_deref(), other.read(job, "output/film.mp4")), (Some("slides"), None));
    server.transfer.remove(job).await.unwrap();
    assert!(other.transfer.fetch(&ticket(job, 3)).await.is_err());
}

#[tokio::test]
async fn folders_that_nobody_uses_go() {
    let store = tempfile::tempdir().unwrap();
    let [server, worker] = [(); 2].map(|()| Machine::new(&store));
    let jobs = [(); 3].map(|()| JobId::new());
    for job in jobs {
        server.write(job, "input/talk.pptx", "slides");
        server.transfer.give(job).await.unwrap();
        worker.stage(job, 0, &[("output/film.mp4", "film")]).await;
    }
    let old = SystemTime::now() - UNUSED - Duration::from_secs(1);
    for job in &jobs[1..] {
        File::open(worker.folders.work(*job).join(HELD)).unwrap().set_modified(old).unwrap();
    }
    worker.stage(jobs[1], 1, &[]).await;
    assert_eq!(jobs.map(|job| worker.folders.work(job).exists()), [true, true, false]);
}
