use super::flags::file;
use super::*;
use crate::artifacts::Retention;
use crate::guard::{Preset, ProfileName};
use std::fs;

fn variables(given: &[(&str, &str)]) -> BTreeMap<String, String> {
    given.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
}

fn of_environment(given: &[(&str, &str)]) -> Result<Loaded, ConfigError> {
    load(None, &variables(given), &[])
}

fn of_file(name: &str, text: &str) -> Result<Loaded, ConfigError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, text).unwrap();
    load(Some(&path), &variables(&[]), &[])
}

const LONG: &str = "0123456789abcdef0123456789abcdef";

#[test]
fn without_anything_the_defaults_hold() {
    let Loaded { settings, sources, notes } = of_environment(&[]).unwrap();
    assert_eq!((settings.listen.to_string().as_str(), settings.http.upload.0), ("127.0.0.1:8080", 100 << 20));
    assert_eq!(settings.retention.tiers(), Retention::default());
    assert_eq!((settings.limits.upload, settings.limits.lesson, settings.store.floor.0), (5, 60, 5_000_000_000));
    assert!(sources.is_empty() && notes.is_empty());
    // What is printed is what is read.
    let again = toml::to_string_pretty(&settings).unwrap();
    assert_eq!(toml::to_string_pretty(&of_file("a.toml", &again).unwrap().settings).unwrap(), again);
}

#[test]
fn the_command_line_is_stronger_than_the_environment_and_that_than_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lectern.toml");
    fs::write(&path, "listen = \"127.0.0.1:1\"\ndata = \"/file\"\n[limits]\nupload = 1\nstatus = 2\n[retention]\nvideos = \"24h\"\n")
        .unwrap();
    let environment =
        variables(&[("LECTERN_LISTEN", "127.0.0.1:2"), ("LECTERN_LIMITS_UPLOAD", "7"), ("LECTERN_HTTP_PROXIES", "10.0.0.1, 10.0.0.2")]);
    let Loaded { settings, sources, .. } = load(Some(&path), &environment, &[("listen", "127.0.0.1:3".into(), "--listen")]).unwrap();
    assert_eq!((settings.listen.port(), settings.limits.upload, settings.limits.status), (3, 7, 2));
    assert_eq!(settings.retention.tiers().videos.as_secs(), 24 * 3600);
    assert_eq!(settings.http.proxies.len(), 2);
    assert_eq!(settings.place().unwrap(), "/file/artifacts");
    assert_eq!((sources["listen"].as_str(), sources["limits.upload"].as_str()), ("--listen", "LECTERN_LIMITS_UPLOAD"));
    assert!(sources["limits.status"].ends_with("lectern.toml"));
}

#[test]
fn every_key_can_be_given_by_the_environment() {
    for key in keys() {
        let mut layers = Layers::default();
        let values = ["1", "127.0.0.1:5", "1h", "1GB", "true", "10.0.0.1", "token", "small", "balanced"];
        let fits = values.iter().any(|value| layers.set_text(&key, value, &names::variable(&key)).is_ok());
        assert!(fits, "{key}");
    }
}

#[test]
fn an_unknown_key_is_told_with_its_line() {
    for (text, line, message) in [
        ("listen = \"127.0.0.1:1\"\n\n[limits]\nuplaod = 3\n", 4, "unknown field `uplaod`"),
        ("[limit]\nupload = 3\n", 1, "unknown field `limit`"),
        ("[limits]\nupload = \"many\"\n", 2, "invalid type: string \"many\""),
        ("[retention]\nvideos = \"30 days\"\n", 2, "unknown unit"),
        ("listen = \n", 1, ""),
        ("[adapters.rapido]\nauth = \"some\"\n", 2, "unknown variant `some`"),
        ("[store]\nfloor = \"5GB\"\nfloor = \"6GB\"\n", 3, "duplicate key"),
    ] {
        let Err(ConfigError::File { line: at, message: said, .. }) = of_file("a.toml", text) else { panic!("{text:?} is wrong") };
        assert!(at == line && said.contains(message), "{text:?}: line {at}: {said}");
    }
    let error = of_environment(&[("LECTERN_LIMITS_UPLOAD", "many")]).unwrap_err().to_string();
    assert!(error.starts_with("LECTERN_LIMITS_UPLOAD: ") && error.contains("many"), "{error}");
    assert!(load(None, &variables(&[]), &[("listen", "here".into(), "--listen")]).unwrap_err().to_string().starts_with("--listen: "));
}

#[test]
fn names_of_other_systems_are_understood() {
    let given = [
        ("JWT_SECRET", "their-secret"),
        ("LIVEKIT_URL", "wss://live.example"),
        ("LIVEKIT_API_KEY", "key"),
        ("LIVEKIT_API_SECRET", "livekit-secret"),
        ("ELEVENLABS_API_KEY", "eleven-secret"),
        ("ELEVENLABS_VOICE_ID", "voice"),
        ("SYNCTALK_SERVER_URL", "http://talk.example"),
        ("SLIDE_FRAMES_PATH", "/frames"),
        ("RAPIDO_LOG_DIR", "/var/log/rapido"),
        ("LOG_LEVEL", "DEBUG"),
        ("TEST_MODE", "true"),
        ("RAPIDO_ENV", "production"),
        ("RESOURCE_LIMITS_ENABLED", "false"),
        ("HARDWARE_PROFILE", "large"),
        ("QUALITY_PRESET", "standard"),
        ("LECTERN_LIMIT_UPLOAD", "3"),
    ];
    let Loaded { settings, sources, notes } = of_environment(&given).unwrap();
    let secret = |secret: &Option<Secret>| secret.as_ref().map(|secret| secret.expose().to_string());
    assert_eq!(secret(&settings.adapters.rapido.secret).as_deref(), Some("their-secret"));
    assert_eq!(
        (settings.livekit.url.as_deref(), secret(&settings.livekit.api_secret).as_deref()),
        (Some("wss://live.example"), Some("livekit-secret"))
    );
    assert_eq!(
        (settings.elevenlabs.voice_id.as_deref(), secret(&settings.elevenlabs.api_key).as_deref()),
        (Some("voice"), Some("eleven-secret"))
    );
    assert_eq!((settings.synctalk.url.as_deref(), settings.log.level.as_str()), (Some("http://talk.example"), "DEBUG"));
    assert_eq!(settings.lessons.slide_frames.as_deref(), Some(Path::new("/frames")));
    assert_eq!(settings.log.folder.as_deref(), Some(Path::new("/var/log/rapido")));
    assert!(settings.test_mode && !settings.guard.enabled);
    assert_eq!((settings.guard.profile, settings.guard.quality), (Some(ProfileName::Large), Some(Preset::Balanced)));
    // Also where it chooses for the machine: how long a stage may take, and what films and models may.
    assert_eq!(settings.time_limits().other.map(|time| time.0.to_std().as_secs()), Some(1200));
    assert_eq!(settings.limits.lesson, 30, "in production");
    assert_eq!(sources["livekit.url"], "LIVEKIT_URL");
    assert_eq!(notes, ["LECTERN_LIMIT_UPLOAD is set and means nothing here"]);
    // Nothing that is printed tells a secret.
    let printed = format!("{settings:?} {} {}", toml::to_string_pretty(&settings).unwrap(), serde_json::to_string(&settings).unwrap());
    assert!(printed.contains("***") && !printed.contains("-secret"), "{printed}");
}

#[test]
fn presets_of_other_systems_are_understood() {
    for (name, preset) in [
        ("fast_low_memory", Preset::FastLowMemory),
        ("minimal", Preset::FastLowMemory),
        ("cpu_optimized", Preset::CpuOptimized),
        ("fast", Preset::Fast),
        ("speed", Preset::Fast),
        ("standard", Preset::Balanced),
        ("balanced", Preset::Balanced),
        ("high", Preset::HighQuality),
        ("quality", Preset::HighQuality),
        ("high_quality", Preset::HighQuality),
    ] {
        let Loaded { settings, sources, .. } = of_environment(&[("QUALITY_PRESET", name)]).unwrap();
        assert_eq!((settings.guard.quality, sources["guard.quality"].as_str()), (Some(preset), "QUALITY_PRESET"), "{name}");
        // What is printed is what is read.
        let again = of_file("a.toml", &toml::to_string_pretty(&settings).unwrap()).unwrap();
        assert_eq!(again.settings.guard.quality, Some(preset), "{name}");
    }
    let error = of_environment(&[("QUALITY_PRESET", "best")]).unwrap_err().to_string();
    assert!(error.starts_with("QUALITY_PRESET: there is no preset \"best\"; write "), "{error}");
    let error = of_environment(&[("HARDWARE_PROFILE", "tiny")]).unwrap_err().to_string();
    assert!(error.starts_with("HARDWARE_PROFILE: ") && error.contains("small"), "{error}");
}

#[test]
fn a_queue_has_an_address_and_perhaps_a_token() {
    let queue = |given: &[(&str, &str)]| {
        let settings = of_environment(given).unwrap().settings;
        settings.workers.queue().map(|(url, token)| (url.to_string(), token.map(String::from)))
    };
    let url = ("LECTERN_WORKERS_NATS", "nats://10.0.0.1:4222");
    assert_eq!(queue(&[("LECTERN_WORKERS_NATS_TOKEN", "secret")]), None);
    assert_eq!(queue(&[url]), Some((url.1.into(), None)));
    assert_eq!(queue(&[url, ("LECTERN_WORKERS_NATS_TOKEN", "secret")]), Some((url.1.into(), Some("secret".into()))));
}

#[test]
fn a_json_file_of_the_other_system_is_read() {
    let text = r#"{"logging": {"log_dir": "./logs", "level": "INFO"}, "security": {"jwt_secret": "s"}, "video": {"width": 854}, "tts": {"api_key": null},
        "synctalk": {"server_url": "http://talk.example", "model_name": "mouth"}}"#;
    let Loaded { settings, notes, sources } = of_file("production.json", text).unwrap();
    assert_eq!((settings.log.folder.as_deref(), settings.synctalk.model.as_deref()), (Some(Path::new("./logs")), Some("mouth")));
    assert!(sources["log.folder"].ends_with("production.json, logging.log_dir"));
    assert!(matches!(notes.as_slice(), [note] if note.contains("video.width")), "{notes:?}");
    assert!(matches!(of_file("a.json", "{\n\"a\": }"), Err(ConfigError::File { line: 2, .. })));

    let folder = tempfile::tempdir().unwrap();
    let find = |named: Option<&str>, given: &[(&str, &str)]| file(named.map(Path::new), &variables(given), folder.path());
    assert_eq!(find(None, &[("RAPIDO_ENV", "production")]), None);
    fs::create_dir(folder.path().join("config")).unwrap();
    fs::write(folder.path().join("config/production.json"), text).unwrap();
    assert_eq!(find(None, &[("RAPIDO_ENV", "production")]), Some(folder.path().join("config/production.json")));
    assert_eq!(find(None, &[("RAPIDO_ENV", "../config/production")]), None);
    fs::write(folder.path().join("lectern.toml"), "").unwrap();
    assert_eq!(find(None, &[("RAPIDO_ENV", "production")]), Some(folder.path().join("lectern.toml")));
    assert_eq!(find(None, &[("RAPIDO_CONFIG", "/etc/rapido/config.json")]), Some("/etc/rapido/config.json".into()));
    assert_eq!(find(Some("x.toml"), &[("LECTERN_CONFIG", "y.toml")]), Some("x.toml".into()));
}

#[test]
fn secrets_come_from_files_and_variables_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret");
    fs::write(&path, format!("{LONG}\n")).unwrap();
    let path = path.to_str().unwrap();
    let expose = |loaded: Loaded| loaded.settings.auth.secret.unwrap().expose().to_string();
    assert_eq!(expose(of_environment(&[("LECTERN_AUTH_SECRET_FILE", path)]).unwrap()), LONG);
    assert_eq!(expose(of_environment(&[("LECTERN_JWT_SECRET", LONG)]).unwrap()), LONG);
    let file = folder.path().join("a.toml");
    fs::write(&file, "[auth]\nsecret = \"env:MINE\"\n").unwrap();
    assert_eq!(expose(load(Some(&file), &variables(&[("MINE", LONG)]), &[]).unwrap()), LONG);
    let missing = load(Some(&file), &variables(&[]), &[]).unwrap_err().to_string();
    assert!(missing.starts_with("auth.secret: the variable MINE"), "{missing}");
    let missing = of_environment(&[("LECTERN_AUTH_SECRET_FILE", "/nowhere")]).unwrap_err().to_string();
    assert!(missing.contains("cannot read the secret in /nowhere"), "{missing}");
}

#[test]
fn what_does_not_fit_together_is_refused() {
    for (given, cause) in [
        (vec![("LECTERN_LISTEN", "0.0.0.0:80")], "listen: a server on a public address needs a secret"),
        (vec![("LECTERN_LISTEN", "[::]:80")], "listen: "),
        (vec![("LECTERN_AUTH_SECRET", "short")], "auth.secret: it is shorter than 32 bytes"),
        (vec![("LECTERN_TLS_KEY", "key.pem")], "tls: give certificate and key"),
        (vec![("LECTERN_HTTP_ORIGINS", "https://a.example,b.example")], "http.origins: \"b.example\""),
        (vec![("LECTERN_ADAPTERS_PRESGEN_BASE_PATH", "presgen/")], "adapters: \"presgen/\""),
        (vec![("LIVEKIT_URL", "https://live.example")], "livekit.url: "),
        (vec![("LOG_LEVEL", "loud")], "log.level: "),
        (vec![("LECTERN_AUTH_RECHECK", "1ms")], "auth.recheck: "),
        (vec![("LECTERN_ADAPTERS_RAPIDO_ORIGINS", "player.example")], "adapters: \"player.example\""),
        (vec![("LECTERN_GUARD_CPU", "101")], "guard: "),
        (vec![("LECTERN_GUARD_LESS_MEMORY", "101")], "guard: "),
        (vec![("LECTERN_ORIGIN", "*")], "origin: \"*\""),
        (vec![("LECTERN_PRIVACY_ENCRYPTED", "yes"), ("LECTERN_WORKERS_NATS", "nats://10.0.0.1:4222")], "privacy.encrypted: "),
    ] {
        let error = of_environment(&given).unwrap_err().to_string();
        assert!(error.starts_with(cause), "{given:?}: {error}");
    }
    let public = of_environment(&[("LECTERN_LISTEN", "0.0.0.0:80"), ("LECTERN_AUTH_SECRET", LONG)]).unwrap().settings;
    assert_eq!((public.adapter_auth(None), public.adapter_auth(Some(AdapterAuth::None))), (AdapterAuth::Token, AdapterAuth::None));
    assert!(public.keys(Path::new("/nowhere")).is_ok(), "the folder is not asked");
    let folder = tempfile::tempdir().unwrap();
    assert!(of_environment(&[]).unwrap().settings.keys(folder.path()).is_ok() && folder.path().join("jwt-secret").exists());
}

#[test]
fn the_file_that_comes_with_the_program_names_every_setting_as_it_is() {
    let text = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/server/ops/lectern.toml")).unwrap();
    let printed = |loaded: Loaded| serde_json::to_value(loaded.settings).unwrap();
    assert_eq!(printed(of_file("lectern.toml", &text).unwrap()), printed(of_environment(&[]).unwrap()));
    let mut section = String::new();
    let mut named = Vec::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            section = format!("{}.", name.0);
        } else if let Some((name, _)) = line.trim_start_matches("# ").split_once(" = ") {
            named.push(format!("{section}{name}"));
        }
    }
    named.retain(|name| !name.contains(' '));
    let mut all = keys();
    named.sort();
    all.sort();
    assert_eq!(named, all);
}
