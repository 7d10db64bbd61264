//! Workers on machines of their own: they share NATS and a store with the server, or NATS and the server's address, and no folder.

use super::server::{SHORT, Server, client, colours, is_consistent, small};
use super::workers::Worker;
use crate::live::stage::{runtime, until};
use crate::support::line::Line;
use crate::support::nats::NatsServer;
use crate::support::s3::S3Server;
use crate::support::{deck, decodes_cleanly, lectern, root, signal_groups, succeed};
use regex::Regex;
use reqwest::Method;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

const STORE: &str = "s3://lectures/prod";

/// What all machines reach.
struct Net {
    nats: NatsServer,
    s3: S3Server,
    disk: TempDir,
}

impl Net {
    fn new() -> Net {
        let disk = tempfile::tempdir().unwrap();
        Net { nats: NatsServer::start(disk.path()), s3: S3Server::start(disk.path()), disk }
    }

    fn serve(&self, home: &Path) -> Server {
        let mut command = lectern(home);
        command.envs(self.s3.variables()).args(["serve", "--nats", &self.nats.url(), "--store", STORE]);
        Server::of(home, &mut command)
    }

    fn worker(&self, home: &Path) -> Worker {
        Worker::of(home, &self.nats, lectern(home).envs(self.s3.variables()).env("LECTERN_STORE_PLACE", STORE))
    }
}

/// All files in a folder of a store.
fn files_in(folder: PathBuf) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder];
    while let Some(folder) = open.pop() {
        for path in std::fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path()) {
            if path.is_dir() { open.push(path) } else { found.push(path) }
        }
    }
    found
}

/// Is it a segment of pictures? Of sound there are some, too.
fn is_of_pictures(file: &PathBuf) -> bool {
    // Magic, checksum, whether it is the last page, its end; then the codec, of which 1 is H.264.
    std::fs::read(file).unwrap()[8 + 32 + 1 + 8] == 1
}

fn is_film(server: &Server, job: &str, place: &Path) -> Vec<u8> {
    let film = place.join("film.mp4");
    let bytes = server.artifact(job, "film.mp4");
    std::fs::write(&film, &bytes).unwrap();
    decodes_cleanly(&film);
    bytes
}

/// The parts of the compose file, as processes of this machine.
struct Compose {
    file: Value,
    nats: NatsServer,
    s3: S3Server,
    disk: TempDir,
}

impl Compose {
    fn start() -> Compose {
        let text = std::fs::read_to_string(root().join("server/ops/compose.yaml")).unwrap();
        // What whoever starts it puts into .env, as its first lines say.
        let text = Regex::new(r"\$\{(\w+)(:\?[^}]*)?\}").unwrap().replace_all(&text, |found: &regex::Captures| match &found[1] {
            "LECTERN_AUTH_SECRET" => "0123456789abcdef0123456789abcdef",
            "S3_SECRET" => "another secret",
            other => panic!("nobody says what {other} is"),
        });
        let file: Value = serde_saphyr::from_str(&text).unwrap();
        let disk = tempfile::tempdir().unwrap();
        assert_eq!(file["services"]["queue"]["command"], json!(["-js", "-sd", "/data"]), "as NatsServer starts it");
        let of_store: Value = serde_json::from_str(file["configs"]["s3"]["content"].as_str().unwrap()).unwrap();
        let of_store = &of_store["identities"][0]["credentials"][0];
        let key = |name: &str| of_store[name].as_str().unwrap();
        let s3 = S3Server::with(disk.path(), "lectern", (key("accessKey"), key("secretKey")));
        Compose { nats: NatsServer::start(disk.path()), s3, disk, file }
    }

    /// The command of a service, in its environment, with this machine's places.
    fn command(&self, service: &str, home: &Path) -> Command {
        let service = &self.file["services"][service];
        let here = |text: &Value| {
            let text = text.as_str().unwrap_or_else(|| panic!("{text} is no text"));
            let data = home.join("data").display().to_string();
            text.replace("http://store:8333", self.s3.endpoint())
                .replace("nats://queue:4222", &self.nats.url())
                .replace("/var/lib/lectern", &data)
        };
        let mut command = lectern(home);
        command.envs(service["environment"].as_object().unwrap().iter().map(|(name, value)| (name, here(value))));
        command.args(service["command"].as_array().unwrap().iter().map(here));
        command
    }
}

#[test]
fn the_parts_of_the_compose_file_make_a_film() {
    let compose = Compose::start();
    let home = tempfile::tempdir().unwrap();
    let server = Server::ready(&mut compose.command("server", home.path()), home.path().join("data"));
    let count = compose.file["services"]["worker"]["deploy"]["replicas"].as_u64().unwrap();
    let away: Vec<TempDir> = (0..count).map(|_| tempfile::tempdir().unwrap()).collect();
    let workers: Vec<Worker> = away.iter().map(|home| Worker::ready(compose.command("worker", home.path()).arg("--json"))).collect();
    assert_eq!(workers.len(), 3);
    let deck = server.deck("hello.pptx", &std::fs::read(deck("hello.pptx")).unwrap());
    let mut looks = small();
    looks["slides"] = json!("1-2");
    let id = server.submit(json!({ "deck": deck, "transcript": true, "looks": looks }));
    let job = server.ends(&id, "completed");
    assert_eq!(job["stages"][1]["result"]["slides"], 2, "{job}");
    is_film(&server, &id, home.path());
    assert!(String::from_utf8(server.artifact(&id, "transcript.md")).unwrap().starts_with("# "));
    let has_film = |home: &TempDir, work: &str| home.path().join(work).join(&id).join("output/film.mp4").exists();
    assert!(away.iter().any(|home| has_film(home, "data/worker/work")) && !has_film(&home, "data/work"));
    assert!(!home.path().join("data/artifacts").exists());
    let kept = |part: &str| files_in(compose.disk.path().join("lectern").join(part).join(&id));
    until("what was made on the way goes", || kept("work"), |files| files.len() == 2);
    assert!(kept("work").iter().all(|file| file.to_str().unwrap().contains("/input/")));
    server.must(Method::DELETE, &format!("jobs/{id}"), None);
    assert_eq!((kept("work"), kept("job")), (vec![], vec![]));
    is_consistent(home.path());
}

#[test]
fn machines_help_each_other_and_go_on_with_what_another_one_has_made() {
    let [home, first, second, third] = [(); 4].map(|()| tempfile::tempdir().unwrap());
    let net = Net::new();
    let server = net.serve(home.path());
    let deck = server.deck("lesson.yaml", colours(36).as_bytes());
    let film = || {
        let looks = json!({ "size": "480x270" });
        server.submit(json!({ "deck": deck, "wishes": { "instructions": "Keep it short." }, "looks": looks }))
    };
    let one = net.worker(first.path());
    let kept = || files_in(net.disk.path().join("lectures/prod/seg")).iter().filter(|file| is_of_pictures(file)).count();
    let id = film();
    server.until(&id, "begun", |job| job["stages"][2]["progress"].as_f64().unwrap() > 0.02);
    // However fast it is, it waits until the other one has done something.
    let maker = one.children();
    signal_groups(&maker, libc::SIGSTOP);
    let own = kept();
    let two = net.worker(second.path());
    until("the other one has helped", kept, |count| *count > own + 2);
    signal_groups(&maker, libc::SIGCONT);
    let job = server.ends(&id, "completed");
    let segments = &job["stages"][2]["result"]["segments"];
    assert!(segments["total"] == 36 && segments["encoded"].as_u64().unwrap() < 36, "none of them was made by the other one: {segments}");
    println!("made by two: {segments}");
    let together = is_film(&server, &id, home.path());

    // From nothing again, and alone; whoever takes over has never seen it.
    two.kill();
    std::fs::remove_dir_all(net.disk.path().join("lectures/prod/seg")).unwrap();
    std::fs::remove_dir_all(first.path().join("data/worker/cache")).unwrap();
    let id = film();
    // What lies in the store: progress is told a moment late, and a fast machine would be through.
    until("some of it is done", kept, |count| *count >= 3);
    one.kill();
    let done = kept();
    let _three = net.worker(third.path());
    let job = server.ends(&id, "completed");
    let attempts: Vec<_> = job["stages"].as_array().unwrap().iter().map(|stage| (&stage["name"], &stage["attempt"])).collect();
    assert_eq!(json!(attempts), json!([["content", 1], ["import", 1], ["render", 2], ["publish", 1]]));
    let segments = &job["stages"][2]["result"]["segments"];
    println!("{done} pictures' segments were there when it died: {segments}");
    // Those alone are lost that were being made; one of them may have come in since.
    assert!(segments["total"] == 36 && segments["encoded"].as_u64().unwrap() <= 36 - done as u64, "{done} were there: {segments}");
    assert!(is_film(&server, &id, home.path()) == together, "other bytes");
    is_consistent(home.path());
}

#[test]
fn a_machine_that_reaches_the_server_alone_leaves_nothing_half() {
    let [home, first, second] = [(); 3].map(|()| tempfile::tempdir().unwrap());
    let nats = NatsServer::start(home.path());
    let store = home.path().join("store");
    let server = Server::of(home.path(), lectern(home.path()).args(["serve", "--nats", &nats.url(), "--store"]).arg(&store));
    let token = |role: &str| {
        let output = succeed(lectern(home.path()).args(["token", "--role", role]));
        String::from_utf8(output.stdout).unwrap().trim().to_string()
    };
    let worker = |home: &Path, place: &str, token: &str| {
        let mut command = lectern(home);
        command.env("LECTERN_STORE_PLACE", place).env("LECTERN_WORKER_TOKEN", token);
        command
    };
    let mut refused = worker(first.path(), &server.origin, &token("author"));
    let output = refused.args(["worker", "--nats", &nats.url(), "--data"]).arg(first.path()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(2) && said.contains("lectern token --role worker"), "{said}");

    let (address, token) = (server.origin.strip_prefix("http://").unwrap(), token("worker"));
    let line = Line::to(address, "PUT /v1/store/work/");
    let one = Worker::of(first.path(), &nats, &mut worker(first.path(), &line.url(), &token));
    let id = server.render(SHORT);
    // The film is made, and on its way.
    line.until_it_stops();
    let made = || files_in(store.join("work").join(&id).join("made"));
    assert_eq!(made(), Vec::<PathBuf>::new());
    one.kill();
    let _two = Worker::of(second.path(), &nats, &mut worker(second.path(), &server.origin, &token));
    let job = server.ends(&id, "completed");
    let stage = &job["stages"][1];
    assert_eq!((&stage["attempt"], &stage["result"]["segments"]["encoded"]), (&json!(2), &json!(0)), "its segments were there: {job}");
    is_film(&server, &id, home.path());
    until("what was made on the way goes", made, Vec::is_empty);
    // What is over is reached by no worker, and the store by nobody else.
    let status = |path: &str, token: &str| {
        let url = format!("{}/v1/store/{path}/{id}/manifest.json", server.origin);
        runtime().block_on(async { client().get(url).bearer_auth(token).send().await.unwrap().status().as_u16() })
    };
    assert!(store.join("job").join(&id).join("manifest.json").exists());
    assert_eq!((status("job", &token), status("work", &token), status("job", &server.token)), (404, 404, 403));
    assert!(files_in(store.clone()).iter().all(|file| !file.to_str().unwrap().contains('#')), "{:?}", files_in(store));
    is_consistent(home.path());
}

#[test]
fn a_worker_that_cannot_reach_the_files_gets_no_work() {
    let [home, away] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let net = Net::new();
    let server = net.serve(home.path());
    let _without = Worker::of(home.path(), &net.nats, &mut lectern(home.path()));
    let _with = net.worker(away.path());
    let id = server.render(SHORT);
    let job = server.ends(&id, "completed");
    assert!(job["stages"].as_array().unwrap().iter().all(|stage| stage["attempt"] == 1), "{job}");
    assert!(!home.path().join("data/work").join(&id).join("processing/1-1").exists());
}
