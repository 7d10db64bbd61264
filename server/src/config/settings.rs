//! All settings, with their defaults.

use super::Secret;
use crate::artifacts::{Retention, Room};
use crate::guard::{Preset, ProfileName};
use crate::limits::Table;
use crate::uploads;
use crate::worker::TimeLimits;
use engine::graph::unit::{Bytes, DurationSetting};
use engine::time::Span;
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

/// The settings of a server.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Where it is reached; port 0 takes a free one.
    pub listen: SocketAddr,
    /// How the outside reaches it, such as `https://talks.example`; without it, the address that it listens on.
    pub origin: Option<String>,
    /// Where jobs, accounts and their files are kept; without it `$LECTERN_DATA`, else `$XDG_DATA_HOME/lectern`.
    pub data: Option<PathBuf>,
    /// `development` or `production`: a name for people, and stricter defaults in production.
    pub environment: String,
    /// Services outside are not called: no writer, Google Slides, LiveKit server or webhook.
    pub test_mode: bool,
    /// Artifacts.
    pub store: Store,
    /// What makes it `https`.
    pub tls: Tls,
    /// Requests of all kinds.
    pub http: Http,
    /// How often somebody may ask, a minute.
    pub limits: Table,
    /// How long files stay.
    pub retention: RetentionSettings,
    /// Tokens.
    pub auth: AuthSettings,
    /// Paths of other systems.
    pub adapters: Adapters,
    /// Lessons that lie on this machine.
    pub lessons: Lessons,
    /// A LiveKit server.
    pub livekit: LiveKit,
    /// Who speaks.
    pub elevenlabs: ElevenLabs,
    /// Who moves a mouth.
    pub synctalk: SyncTalk,
    /// Who renders.
    pub workers: Workers,
    /// How long stages may take.
    pub time_limits: TimeLimits,
    /// Files with what happened.
    pub log: Log,
    /// When the machine is too busy.
    pub guard: GuardSettings,
    /// What is hidden from other users of the machine.
    pub privacy: Privacy,
}

/// Where artifacts are kept.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Store {
    /// A folder or `s3://BUCKET/PREFIX`; without it, `artifacts` in the data folder.
    pub place: Option<String>,
    /// What stays free on the disk of a folder.
    pub floor: Bytes,
}

/// What makes it `https`: both or neither.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tls {
    /// A PEM file with the certificate and those that vouch for it.
    pub certificate: Option<PathBuf>,
    /// A PEM file with its key.
    pub key: Option<PathBuf>,
}

/// Requests of all kinds.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Http {
    /// Web pages of other origins that may ask, such as `https://studio.example`; `*` = all, as no cookie counts here.
    pub origins: Vec<String>,
    /// The largest body of a request that is no upload.
    pub body: Bytes,
    /// The largest file that may be sent.
    pub upload: Bytes,
    /// Machines whose `X-Forwarded-For` is believed.
    pub proxies: Vec<IpAddr>,
    /// Machines that get no answer.
    pub blocked: Vec<IpAddr>,
    /// May webhooks lead into private networks?
    pub private_targets: bool,
}

/// How long files stay.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct RetentionSettings {
    /// What people sent.
    pub uploads: DurationSetting,
    /// What was made from it on the way.
    pub processed: DurationSetting,
    /// Films.
    pub videos: DurationSetting,
    /// What is only needed for a moment.
    pub temporary: DurationSetting,
    /// What happened to a job, after its end.
    pub events: DurationSetting,
    /// What is known of a job, after its end; as long as its films at least.
    pub jobs: DurationSetting,
    /// How often what is old is removed.
    pub sweep: DurationSetting,
}

/// Tokens.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct AuthSettings {
    /// What signs them: 32 bytes or more. Without it one is made, which does for a server on loopback.
    pub secret: Option<Secret>,
    /// A JSON file with keys of others whose tokens are accepted.
    pub keys: Option<PathBuf>,
    /// May people make themselves accounts?
    pub register: bool,
    /// How often the tokens of those who watch are looked at again.
    pub recheck: DurationSetting,
}

/// Paths of other systems.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Adapters {
    /// Decks and documents to narrated films.
    pub presgen: Adapter,
    /// Slides and PDF to narrated films, for many users.
    pub slidespeaker: Adapter,
    /// A picture and a recording to a talking head.
    pub video_message: Adapter,
    /// Live lessons.
    pub rapido: Adapter,
}

/// One other system.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Adapter {
    /// Are its paths there?
    pub enabled: bool,
    /// What comes before them, such as `/presgen`; empty where clients expect them at the root.
    pub base_path: String,
    /// Who may ask; without it everybody on loopback, and nobody without a token elsewhere.
    pub auth: Option<AdapterAuth>,
    /// What signs the tokens of its own clients.
    pub secret: Option<Secret>,
    /// Web pages of other origins that may ask it without a token, such as `https://player.example`.
    pub origins: Vec<String>,
}

/// Who may ask an adapter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AdapterAuth {
    /// Everybody who reaches the server.
    None,
    /// Who has a token.
    Token,
}

/// Lessons that lie on this machine.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Lessons {
    /// A folder with lessons that sessions may be made from.
    pub folder: Option<PathBuf>,
    /// A folder with the lesson files that clients of the "Rapido" lesson service name.
    pub files: Option<PathBuf>,
    /// A folder with numbered pictures of slides, for lesson files that have none beside them: of a lesson in the folder `LESSON_ID` or this
    /// one, of a slide in a folder there that is named like it or its position.
    pub slide_frames: Option<PathBuf>,
}

/// A LiveKit server.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct LiveKit {
    /// `ws://HOST:PORT` or `wss://HOST`.
    pub url: Option<String>,
    /// Its key.
    pub api_key: Option<String>,
    /// What belongs to the key.
    pub api_secret: Option<Secret>,
}

/// ElevenLabs, who speak.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct ElevenLabs {
    /// Their key.
    pub api_key: Option<Secret>,
    /// Whose voice.
    pub voice_id: Option<String>,
}

/// A SyncTalk server, which moves a mouth.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct SyncTalk {
    /// `http://HOST:PORT`.
    pub url: Option<String>,
    /// Whose mouth.
    pub model: Option<String>,
}

/// Who renders.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Workers {
    /// Renders at once on this machine; without it, as many as fit.
    pub slots: Option<u32>,
    /// The queue that other machines take work from: `nats://HOST:4222`.
    pub nats: Option<String>,
    /// By which the queue knows this server and its workers: the `authorization: { token }` of nats-server.
    pub nats_token: Option<Secret>,
    /// By which a worker whose store is at a server is known there: a token of the role `worker`.
    pub token: Option<Secret>,
}

/// Files with what happened.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// Where; without it, `logs` in the state folder.
    pub folder: Option<PathBuf>,
    /// `error`, `warn`, `info`, `debug` or `trace`, in either case.
    pub level: String,
    /// Days that events stay.
    pub keep_days: u32,
    /// Days that errors, and who did what, stay.
    pub keep_error_days: u32,
    /// Days that figures stay.
    pub keep_performance_days: u32,
}

/// When the machine is too busy for another stage.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct GuardSettings {
    /// Is it looked at?
    pub enabled: bool,
    /// Per cent of the processor.
    pub cpu: u8,
    /// Per cent of the memory.
    pub memory: u8,
    /// Per cent of the processor past which films are made with less than usual after a rest.
    pub less_cpu: u8,
    /// Per cent of the memory past which films are made with the least after a rest.
    pub less_memory: u8,
    /// Degrees Celsius.
    pub temperature: u8,
    /// How long work rests then.
    pub pause: DurationSetting,
    /// What this machine is taken for, which limits the size of pictures, the memory of models, and the time of stages; without it, what it is
    /// found to be.
    pub profile: Option<ProfileName>,
    /// How films look when a job does not say it.
    pub quality: Option<Preset>,
    /// What models may use of the graphics processor's memory; without it the part of it, or of the machine's where there is none, that the
    /// profile allows.
    pub device_memory: Option<Bytes>,
}

/// What is hidden from other users of the machine.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Privacy {
    /// What is made on the way to a film lies in memory, or is encrypted with a key that lives as long as the program that makes it.
    pub encrypted: bool,
}

const fn hours(hours: i64) -> DurationSetting {
    DurationSetting(Span::from_seconds(hours * 3600))
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            origin: None,
            data: None,
            environment: "development".into(),
            test_mode: false,
            store: Store::default(),
            tls: Tls::default(),
            http: Http::default(),
            limits: Table::default(),
            retention: RetentionSettings::default(),
            auth: AuthSettings::default(),
            adapters: Adapters::default(),
            lessons: Lessons::default(),
            livekit: LiveKit::default(),
            elevenlabs: ElevenLabs::default(),
            synctalk: SyncTalk::default(),
            workers: Workers::default(),
            time_limits: TimeLimits::default(),
            log: Log::default(),
            guard: GuardSettings::default(),
            privacy: Privacy::default(),
        }
    }
}

impl Default for Store {
    fn default() -> Store {
        Store { place: None, floor: Bytes(Room::FLOOR) }
    }
}

impl Default for Http {
    fn default() -> Http {
        Http {
            origins: Vec::new(),
            body: Bytes(256 << 10),
            upload: Bytes(uploads::LARGEST),
            proxies: Vec::new(),
            blocked: Vec::new(),
            private_targets: false,
        }
    }
}

impl Default for RetentionSettings {
    fn default() -> RetentionSettings {
        let Retention { uploads, processed, videos, temporary } = Retention::default();
        let whole = |time: std::time::Duration| DurationSetting(Span::from_seconds(time.as_secs() as i64));
        let [uploads, processed, videos, temporary] = [uploads, processed, videos, temporary].map(whole);
        RetentionSettings { uploads, processed, videos, temporary, events: hours(1), jobs: hours(40 * 24), sweep: hours(1) }
    }
}

impl Default for AuthSettings {
    fn default() -> AuthSettings {
        AuthSettings { secret: None, keys: None, register: true, recheck: DurationSetting(Span::from_seconds(30)) }
    }
}

impl Default for Adapter {
    fn default() -> Adapter {
        Adapter { enabled: true, base_path: String::new(), auth: None, secret: None, origins: Vec::new() }
    }
}

impl Default for Log {
    fn default() -> Log {
        Log { folder: None, level: "info".into(), keep_days: 30, keep_error_days: 90, keep_performance_days: 14 }
    }
}

impl Default for GuardSettings {
    fn default() -> GuardSettings {
        let pause = DurationSetting(Span::from_seconds(60));
        GuardSettings {
            enabled: true,
            cpu: 85,
            memory: 80,
            less_cpu: 90,
            less_memory: 85,
            temperature: 85,
            pause,
            profile: None,
            quality: None,
            device_memory: None,
        }
    }
}
