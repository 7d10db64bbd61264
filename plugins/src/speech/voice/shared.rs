//! Voices that are open in this process: who speaks in several lectures at once is loaded once.

use super::{CachedVoice, PiperVoice, Settings, VoiceError};
use crate::speech::cache::Cache;
use std::sync::{Arc, Mutex, PoisonError, Weak};

type Open = (String, Settings, Weak<CachedVoice<PiperVoice>>);

/// Voices by name and manner, while somebody has them.
static OPEN: Mutex<Vec<Open>> = Mutex::new(Vec::new());

/// A voice before the user's cache; the one that is open already, where there is one.
///
/// # Errors
/// Those of [`PiperVoice::open`].
pub fn shared(voice: &str, settings: Settings) -> Result<Arc<CachedVoice<PiperVoice>>, VoiceError> {
    // Two that ask at once for the same voice wait for one another, so that it is read once.
    let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    open.retain(|(.., voice)| voice.strong_count() > 0);
    let known = open.iter().find(|(name, manner, _)| name == voice && *manner == settings).and_then(|(.., voice)| voice.upgrade());
    if let Some(known) = known {
        return Ok(known);
    }
    let opened = Arc::new(CachedVoice::new(PiperVoice::open(voice, settings)?, Cache::of_user()));
    open.push((voice.to_string(), settings, Arc::downgrade(&opened)));
    Ok(opened)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_voice_is_opened_once_for_everybody_who_has_it() {
        let settings = Settings { speed: 1.25, ..Settings::default() };
        let (one, other) = (shared("default", settings).unwrap(), shared("default", settings).unwrap());
        assert!(Arc::ptr_eq(&one, &other));
        let slower = shared("default", Settings { speed: 0.75, ..settings }).unwrap();
        assert!(!Arc::ptr_eq(&one, &slower));
        assert!(shared("nobody", settings).is_err());
    }
}
