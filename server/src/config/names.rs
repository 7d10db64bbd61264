//! Names that settings have in the environment and in files of other systems.

use super::{ConfigError, Layers, Settings, keys};
use std::collections::BTreeMap;

/// Variables that have names of their own, and the keys that they give. The first one that is set counts.
const VARIABLES: [(&str, &str); 23] = [
    ("LECTERN_JWT_SECRET", "auth.secret"),
    ("LECTERN_JWT_KEYS", "auth.keys"),
    ("LECTERN_WORKER_TOKEN", "workers.token"),
    ("RAPIDO_ENV", "environment"),
    ("JWT_SECRET", "adapters.rapido.secret"),
    ("NEXTAUTH_SECRET", "adapters.slidespeaker.secret"),
    ("ELEVENLABS_API_KEY", "elevenlabs.api_key"),
    ("ELEVEN_API_KEY", "elevenlabs.api_key"),
    ("ELEVENLABS_VOICE_ID", "elevenlabs.voice_id"),
    ("LIVEKIT_URL", "livekit.url"),
    ("LIVEKIT_API_KEY", "livekit.api_key"),
    ("LIVEKIT_API_SECRET", "livekit.api_secret"),
    ("SYNCTALK_SERVER_URL", "synctalk.url"),
    ("SYNCTALK_MODEL_NAME", "synctalk.model"),
    ("SLIDE_FRAMES_PATH", "lessons.slide_frames"),
    ("RAPIDO_LOG_DIR", "log.folder"),
    ("LOG_DIR", "log.folder"),
    ("LOG_LEVEL", "log.level"),
    ("RAPIDO_WORKERS", "workers.slots"),
    ("TEST_MODE", "test_mode"),
    ("HARDWARE_PROFILE", "guard.profile"),
    ("QUALITY_PRESET", "guard.quality"),
    ("RESOURCE_LIMITS_ENABLED", "guard.enabled"),
];

/// Keys of the "Rapido" system's JSON files, and ours.
pub const JSON: [(&str, &str); 10] = [
    ("logging.log_dir", "log.folder"),
    ("logging.level", "log.level"),
    ("security.jwt_secret", "adapters.rapido.secret"),
    ("tts.api_key", "elevenlabs.api_key"),
    ("tts.voice_id", "elevenlabs.voice_id"),
    ("synctalk.server_url", "synctalk.url"),
    ("synctalk.model_name", "synctalk.model"),
    ("livekit.url", "livekit.url"),
    ("livekit.api_key", "livekit.api_key"),
    ("livekit.api_secret", "livekit.api_secret"),
];

/// `LECTERN_` variables that are no settings of the server, by their beginnings.
const OTHERS: [&str; 7] =
    ["LECTERN_CONFIG", "LECTERN_LOG", "LECTERN_TOKEN", "LECTERN_WRITER_", "LECTERN_TEST_", "LECTERN_KILLS", "LECTERN_FUZZ_"];

/// The variable of a key.
pub fn variable(key: &str) -> String {
    format!("LECTERN_{}", key.replace('.', "_").to_ascii_uppercase())
}

/// Takes what the environment gives. A key's own variable is stronger than any other name of it.
pub fn apply(variables: &BTreeMap<String, String>, layers: &mut Layers) -> Result<(), ConfigError> {
    let mut settings = Settings::default();
    let secrets: Vec<&str> = settings.secrets().into_iter().map(|(key, _)| key).collect();
    for key in keys() {
        let others = VARIABLES.iter().filter(|(_, of)| *of == key).map(|(name, _)| (*name).to_string());
        let names = std::iter::once(variable(&key)).chain(others);
        for name in names {
            let file = format!("{name}_FILE");
            if let Some(value) = variables.get(&name).filter(|value| !value.is_empty()) {
                layers.set_text(&key, value, &name)?;
                break;
            }
            if let Some(path) = variables.get(&file).filter(|path| !path.is_empty() && secrets.contains(&key.as_str())) {
                layers.set_text(&key, &format!("file:{path}"), &file)?;
                break;
            }
        }
    }
    let known: Vec<String> = keys().iter().map(|key| variable(key)).collect();
    let own = |name: &str| name.strip_suffix("_FILE").unwrap_or(name).to_string();
    for name in variables.keys().filter(|name| name.starts_with("LECTERN_")) {
        let listed = VARIABLES.iter().any(|(known, _)| *known == own(name)) || OTHERS.iter().any(|other| name.starts_with(other));
        if !listed && !known.contains(&own(name)) {
            layers.notes.push(format!("{name} is set and means nothing here"));
        }
    }
    Ok(())
}
