//! What follows from the settings, and whether they fit together.

use super::settings::{Adapters, RetentionSettings, Workers};
use super::{AdapterAuth, ConfigError, GuardSettings, Secret, Settings};
use crate::artifacts::Retention;
use crate::auth::{KeyError, Keys, SHORTEST};
use crate::compat::is_origin;
use crate::guard::{Hardware, Profile};
use crate::http::Keep;
use crate::worker::TimeLimits;
use engine::time::Span;
use plugins::models;
use std::path::{Path, PathBuf};

impl RetentionSettings {
    /// For the store.
    pub fn tiers(&self) -> Retention {
        let RetentionSettings { uploads, processed, videos, temporary, .. } = *self;
        let [uploads, processed, videos, temporary] = [uploads, processed, videos, temporary].map(|time| time.0.to_std());
        Retention { uploads, processed, videos, temporary }
    }
}

impl Workers {
    /// The address of the queue and, where it asks for one, the token by which it knows who comes.
    pub fn queue(&self) -> Option<(&str, Option<&str>)> {
        Some((self.nats.as_deref()?, self.nats_token.as_ref().map(Secret::expose)))
    }
}

impl Settings {
    /// The folder with all that the server keeps.
    ///
    /// # Errors
    /// Neither settings nor environment name one.
    pub fn data(&self) -> Result<PathBuf, ConfigError> {
        self.data.clone().map_or_else(|| models::data_folder().map_err(|error| ConfigError::of("data", error.to_string())), Ok)
    }

    /// Where artifacts are kept.
    ///
    /// # Errors
    /// As `data`.
    pub fn place(&self) -> Result<String, ConfigError> {
        self.store.place.clone().map_or_else(|| Ok(self.data()?.join("artifacts").display().to_string()), Ok)
    }

    /// How long stages may take on this machine.
    pub fn time_limits(&self) -> TimeLimits {
        self.time_limits.on(Profile::of(&self.guard, &Hardware::find()).name)
    }

    /// The keys of tokens; without a secret of the settings, one that is kept in `folder`.
    ///
    /// # Errors
    /// The secret is too short, or a file with keys cannot be used.
    pub fn keys(&self, folder: &Path) -> Result<Keys, KeyError> {
        let keys = match &self.auth.secret {
            Some(secret) => Keys::new(secret.expose().as_bytes().to_vec(), "auth.secret")?,
            None => Keys::kept_in(folder)?,
        };
        match &self.auth.keys {
            Some(path) => keys.with_file(path),
            None => Ok(keys),
        }
    }

    /// How long event logs stay.
    pub fn keep_logs(&self) -> Keep {
        Keep { events: self.log.keep_days, errors: self.log.keep_error_days, performance: self.log.keep_performance_days }
    }

    /// Who may ask an adapter.
    pub fn adapter_auth(&self, given: Option<AdapterAuth>) -> AdapterAuth {
        given.unwrap_or(if self.listen.ip().is_loopback() { AdapterAuth::None } else { AdapterAuth::Token })
    }

    /// All secrets, by their keys.
    pub(super) fn secrets(&mut self) -> [(&'static str, &mut Option<Secret>); 9] {
        let Adapters { presgen, slidespeaker, video_message, rapido } = &mut self.adapters;
        [
            ("auth.secret", &mut self.auth.secret),
            ("adapters.presgen.secret", &mut presgen.secret),
            ("adapters.slidespeaker.secret", &mut slidespeaker.secret),
            ("adapters.video_message.secret", &mut video_message.secret),
            ("adapters.rapido.secret", &mut rapido.secret),
            ("livekit.api_secret", &mut self.livekit.api_secret),
            ("elevenlabs.api_key", &mut self.elevenlabs.api_key),
            ("workers.nats_token", &mut self.workers.nats_token),
            ("workers.token", &mut self.workers.token),
        ]
    }

    /// In production some defaults are stricter; `given` tells whether a key was given.
    pub(super) fn harden(&mut self, given: impl Fn(&str) -> bool) {
        if self.environment == "production" && !given("limits.lesson") {
            self.limits.lesson = 30;
        }
    }

    /// Do they fit together?
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let wrong = |key: &str, cause: &str| Err(ConfigError::of(key, cause));
        if self.tls.certificate.is_some() != self.tls.key.is_some() {
            return wrong("tls", "give certificate and key, or neither");
        }
        if !self.listen.ip().is_loopback() && self.auth.secret.is_none() {
            return wrong(
                "listen",
                "a server on a public address needs a secret of its own; set LECTERN_AUTH_SECRET, for example to `openssl rand -hex 32`",
            );
        }
        let TimeLimits { minimal, fast, standard, high, combined, film, other } = self.time_limits;
        let times = [minimal, fast, standard, high, combined, film].into_iter().chain(other);
        if times.into_iter().any(|time| time.0 < Span::from_seconds(1)) {
            return wrong("time_limits", "nothing is done in no time; use 1s or more");
        }
        if self.auth.recheck.0 < Span::from_millis(100) {
            return wrong("auth.recheck", "it is too often; use 100ms or more");
        }
        if self.auth.secret.as_ref().is_some_and(|secret| secret.expose().len() < SHORTEST) {
            return wrong("auth.secret", "it is shorter than 32 bytes; use, for example, `openssl rand -hex 32`");
        }
        if let Some(origin) = self.http.origins.iter().find(|origin| *origin != "*" && !is_origin(origin)) {
            return wrong("http.origins", &format!("{origin:?} is no origin; write scheme and host, as in https://talks.example"));
        }
        if let Some(origin) = self.origin.as_ref().filter(|origin| !is_origin(origin)) {
            return wrong("origin", &format!("{origin:?} is no origin; write scheme and host, as in https://talks.example"));
        }
        let Adapters { presgen, slidespeaker, video_message, rapido } = &self.adapters;
        let adapters = [presgen, slidespeaker, video_message, rapido];
        if let Some(origin) = adapters.into_iter().flat_map(|adapter| &adapter.origins).find(|origin| !is_origin(origin)) {
            return wrong("adapters", &format!("{origin:?} is no origin; write scheme and host, as in https://player.example"));
        }
        for path in adapters.map(|adapter| &adapter.base_path).into_iter().filter(|path| !path.is_empty()) {
            if !path.starts_with('/') || path.ends_with('/') || path.contains(['{', '}', '*', '?', '#']) {
                return wrong("adapters", &format!("{path:?} is no base path; write it with a slash before it and none after it"));
            }
        }
        if self.livekit.url.as_ref().is_some_and(|url| !url.starts_with("ws://") && !url.starts_with("wss://")) {
            return wrong("livekit.url", "it does not begin with ws:// or wss://");
        }
        if !["error", "warn", "warning", "info", "debug", "trace"].contains(&self.log.level.to_ascii_lowercase().as_str()) {
            return wrong("log.level", "write error, warn, info, debug or trace");
        }
        let GuardSettings { cpu, memory, less_cpu, less_memory, .. } = self.guard;
        if [cpu, memory, less_cpu, less_memory].into_iter().any(|percent| percent > 100) {
            return wrong("guard", "cpu, memory, less_cpu and less_memory are per cent: write 1 to 100");
        }
        if self.privacy.encrypted && self.workers.nats.is_some() {
            return wrong("privacy.encrypted", "it holds for films that the server makes itself; leave workers.nats out, or this");
        }
        Ok(())
    }
}
