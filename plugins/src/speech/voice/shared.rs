//! Voices that are open in this process: who speaks in several lectures at once is loaded once.

use super::{CachedVoice, Settings, VoiceError, open};
use crate::speech::cache::Cache;
use std::sync::{Arc, Mutex, PoisonError, Weak};

type Open = (String, Settings, Weak<CachedVoice>);

/// Voices by name and manner, while somebody has them.
static OPEN: Mutex<Vec<Open>> = Mutex::new(Vec::new());

/// A voice before the user's cache; the one that is open already, where there is one.
///
/// # Errors
/// Those of [`open`].
pub fn shared(voice: &str, settings: Settings) -> Result<Arc<CachedVoice>, VoiceError> {
    // Two that ask at once for the same voice wait for one another, so that it is read once.
    let mut opened = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    opened.retain(|(.., voice)| voice.strong_count() > 0);
    let known = opened.iter().find(|(name, manner, _)| name == voice && *manner == settings).and_then(|(.., voice)| voice.upgrade());
    if let Some(known) = known {
        return Ok(known);
    }
    let fresh = Arc::new(CachedVoice::new(open(voice, settings)?, Cache::of_user()));
    opened.push((voice.to_string(), settings, Arc::downgrade(&fresh)));
    Ok(fresh)
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
