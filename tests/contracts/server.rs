//! `lectern serve`, started as a contract's settings ask for it.
//!
//! The settings written here are all that the contracts need of the server beyond its defaults.

use super::flow::{Contract, Variables};
use super::play::Place;
use crate::cli::google_slides::fake::{self, Fake};
use crate::live::livekit_server::{self, with_key};
use crate::live::stage::Live;
use crate::support::writer::Writer;
use crate::support::{deck, lectern};
use serde_json::Value;
use std::fs;
use std::path::Path;
use tempfile::TempDir;
use uuid::Uuid;

/// What a server is told that others are not.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Conditions {
    /// Requests are limited as in the original; otherwise a thousand times as many are allowed.
    pub original_limits: bool,
    /// The step `compose_video` fails once.
    pub failing_step: bool,
}

/// A server at work, and what it works with.
pub struct Server {
    live: Live,
    origin: String,
    provided: Variables,
    secrets: Vec<String>,
    /// They end after it.
    _livekit: Option<livekit_server::Server>,
    _slides: Option<Fake>,
    _writer: Option<Writer>,
    _home: TempDir,
}

/// Eight fresh characters, and a secret.
fn fresh() -> (String, String) {
    let [run, secret] = [Uuid::new_v4(), Uuid::new_v4()].map(|random| random.simple().to_string());
    (run[..8].to_string(), secret)
}

impl Server {
    /// Starts one for a contract.
    pub fn start(contract: &Contract, conditions: Conditions) -> Server {
        let home = tempfile::tempdir().expect("a temporary folder");
        let (run, secret) = fresh();
        let needs = &contract.settings.server.needs;
        let livekit = needs.contains_key("livekit").then(|| livekit_server::Server::start(home.path()));
        let slides = needs.contains_key("google_slides").then(|| slides(&contract.settings.vars["slides_id"]));
        fs::write(home.path().join("secret"), &secret).expect("a writable folder");
        let config = home.path().join("config.toml");
        fs::write(&config, config_of(contract, conditions, home.path(), &run)).expect("a writable folder");

        let mut command = lectern(home.path());
        for name in ["LIVEKIT_URL", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET"] {
            command.env_remove(name);
        }
        command.args(["serve", "--listen", "127.0.0.1:0"]).arg("--data").arg(home.path().join("data")).arg("--config").arg(&config);
        // By E10 and the clients' own documents the names of the environment.
        command.env("JWT_SECRET", &secret);
        if let Some(livekit) = &livekit {
            with_key(command.env("LIVEKIT_URL", livekit.url()));
        }
        if conditions.failing_step {
            command.env("LECTERN_FAIL_STAGE", "compose_video");
        }
        if let Some(slides) = &slides {
            command.env("GOOGLE_SLIDES_URL", slides.url()).env("GOOGLE_SLIDES_TOKEN", fake::TOKEN);
        }
        // There, subtitles are in another language than the voice.
        let writer = (contract.system == "slidespeaker").then(Writer::start);
        if let Some(writer) = &writer {
            writer.tell(&mut command);
        }
        let live = Live::of(&mut command);
        let origin = format!("http://{}", live.said("listen"));
        let mut provided = Variables::default();
        provided.set("run", run);
        provided.set("session_secret", secret.clone());
        let secrets = vec![secret, livekit_server::SECRET.into()];
        Server { live, origin, provided, secrets, _livekit: livekit, _slides: slides, _writer: writer, _home: home }
    }

    /// Where flows are played.
    pub fn place(&self, contract: &Contract) -> Place {
        Place::new(&self.origin, contract, self.secrets.clone())
    }

    /// Where it is: `http://127.0.0.1:PORT`.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The variables that a contract asks its runner for.
    pub fn provided(&self) -> &Variables {
        &self.provided
    }

    /// Ends it, in order.
    pub fn stop(self) {
        self.live.stop();
    }
}

/// The settings, in TOML. All adapters are on, as they are by themselves.
fn config_of(contract: &Contract, conditions: Conditions, home: &Path, run: &str) -> String {
    let system = &contract.system;
    let mut config = String::new();
    if !conditions.original_limits {
        let rules = ["request", "lesson", "upload", "status", "cancel", "register", "login", "pipeline"];
        config += &format!("[limits]\n{}\n\n", rules.map(|rule| format!("{rule} = 0")).join("\n"));
    }
    config += &format!("[adapters.{system}]\nbase_path = {:?}\n", contract.settings.base_path);
    config += &match system.as_str() {
        "presgen" | "video_message" => "auth = \"none\"\n".to_string(),
        "slidespeaker" => format!("auth = \"token\"\nsecret = \"file:{}\"\n", home.join("secret").display()),
        "rapido" => {
            let (files, lessons) = rapido_folders(contract, home, run);
            format!("auth = \"none\"\norigins = [\"https://player.example\"]\n\n[lessons]\nfiles = {files:?}\nfolder = {lessons:?}\n")
        }
        other => panic!("nobody here knows how a server is started for {other}"),
    };
    config
}

/// The folder that `slide_data_path` leads into, and that of the decks of rooms, in which a lesson's own name is its room's.
fn rapido_folders(contract: &Contract, home: &Path, run: &str) -> (std::path::PathBuf, std::path::PathBuf) {
    let files = home.join("files");
    for path in contract.settings.server_files.keys() {
        let path = files.join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a writable folder");
        let json = contract.settings.server_file(path.strip_prefix(&files).ok().and_then(Path::to_str).expect("a path"));
        fs::write(path, json.expect("it was checked").to_string()).expect("a writable folder");
    }
    (files, lessons(home, run))
}

/// A folder with the deck of `lesson_RUN`.
pub fn lessons(home: &Path, run: &str) -> std::path::PathBuf {
    let lessons = home.join("lessons");
    fs::create_dir_all(&lessons).expect("a writable folder");
    fs::copy(deck("hello.pptx"), lessons.join(format!("lesson_{run}.pptx"))).expect("a deck");
    lessons
}

/// A stand-in for Google Slides that knows one deck: three slides, the second without speaker notes.
fn slides(id: &Value) -> Fake {
    let slides = [("Goals", "Write the goal down.", false), ("A pause", "", false), ("Readers", "Ask one person to read it.", false)];
    Fake::start(id.as_str().expect("an id"), fake::presentation("Lectern demo", &slides))
}

#[test]
fn settings_are_what_the_contracts_ask_for() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let path = |name: &str| home.path().join(name);
    let config = |system: &str, conditions| config_of(&Contract::named(system), conditions, home.path(), "12345678");
    let (usual, special) = (Conditions::default(), Conditions { original_limits: true, failing_step: true });
    let limits = "[limits]\nrequest = 0\nlesson = 0\nupload = 0\nstatus = 0\ncancel = 0\nregister = 0\nlogin = 0\npipeline = 0\n\n";
    let presgen = format!("{limits}[adapters.presgen]\nbase_path = \"\"\nauth = \"none\"\n");
    assert_eq!(config("presgen", usual), presgen);
    assert_eq!(config("video_message", usual), presgen.replace("presgen", "video_message"));
    let secret = path("secret");
    let sessions = format!("[adapters.slidespeaker]\nbase_path = \"\"\nauth = \"token\"\nsecret = \"file:{}\"\n", secret.display());
    assert_eq!(config("slidespeaker", special), sessions);
    let (rapido, files) = (config("rapido", usual), path("files"));
    assert!(rapido.contains(&format!("files = {files:?}\n")) && rapido.contains(&format!("folder = {:?}\n", path("lessons"))), "{rapido}");
    assert!(path("lessons/lesson_12345678.pptx").exists());
    for name in ["lesson_basic", "lesson_long", "lesson_many"] {
        let lesson = fs::read(files.join("data").join(name).with_extension("json")).expect("a lesson");
        assert!(serde_json::from_slice::<Value>(&lesson).is_ok_and(|lesson| lesson.is_object()), "{name}");
    }
}
