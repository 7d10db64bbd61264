//! Opening voices by name or path, and finding one for a language.

use super::kokoro::{self, KokoroVoice};
use super::piper::PiperVoice;
use super::{Voice, VoiceError, kokoro_voices};
use crate::models::{self, Kind, Model, ModelError};

/// What its maker calls the best of its voices.
const BEST: &str = "kokoro:af_heart";

/// What of a voice's manner can be set.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// How fast: 0.5 to 2, 1 is the voice's own speed.
    pub speed: f32,
    /// Which speaker of a voice that has several, from 0.
    pub speaker: u32,
    /// Clauses spoken at once at most: each takes a thread and, with what it works on, about 200 MB.
    pub parallel: usize,
}

impl Default for Settings {
    /// Own speed, first speaker, two clauses at once if there are two processors: each speaks ten times faster than anybody listens.
    fn default() -> Settings {
        Settings { speed: 1.0, speaker: 0, parallel: std::thread::available_parallelism().map_or(1, usize::from).min(2) }
    }
}

impl Settings {
    /// Whether they are within their ranges; of the speaker only a voice knows.
    ///
    /// # Errors
    /// [`VoiceError::Setting`], naming the one that is not.
    pub(super) fn check(&self) -> Result<(), VoiceError> {
        match (0.5..=2.0).contains(&self.speed) {
            true => Ok(()),
            false => Err(VoiceError::Setting { name: "speed", value: self.speed.to_string(), range: "0.5 to 2" }),
        }
    }
}

/// Opens a voice: `joe`, `default`, `kokoro:af_heart`, or the path of a Piper voice (`.onnx`).
///
/// # Errors
/// All of [`VoiceError`] but `Inference`: no such voice, files missing or not of a voice, settings out of range, espeak-ng missing.
pub fn open(voice: &str, settings: Settings) -> Result<Box<dyn Voice>, VoiceError> {
    match voice.starts_with(kokoro::PREFIX) && !voice.ends_with(".onnx") {
        true => Ok(Box::new(KokoroVoice::open(voice, settings)?)),
        false => Ok(Box::new(PiperVoice::open(voice, settings)?)),
    }
}

/// The name of the voice that speaks a language (BCP 47) unless another one is asked for; a tag with a region gets a voice of that region where there is
/// one. It may have to be fetched yet.
///
/// # Errors
/// [`VoiceError::NoVoice`], which says how to add one.
pub fn voice_for(language: &str) -> Result<String, VoiceError> {
    let primary = primary(language);
    if primary == "en" && !language.eq_ignore_ascii_case("en-GB") {
        return Ok(models::DEFAULT_VOICE.into());
    }
    let of_language = |(_, tag): &(String, &str)| self::primary(tag) == primary;
    let exact = kokoro_voices().find(|(_, tag)| tag.eq_ignore_ascii_case(language));
    exact
        .or_else(|| kokoro_voices().find(of_language))
        .map(|(name, _)| name)
        .ok_or_else(|| VoiceError::NoVoice { language: language.into() })
}

/// Another voice of a language that is on this machine, for who answers `voice`.
pub fn another_voice(voice: &str, language: &str) -> Option<String> {
    let fits =
        |named: &Named| primary(&named.language) == primary(language) && named.name != voice && models::locate(&named.model.id).is_ok();
    let mut fitting = named_voices().into_iter().filter(fits).map(|named| named.name);
    let first = fitting.next()?;
    Some(if first == BEST { first } else { fitting.find(|name| name == BEST).unwrap_or(first) })
}

/// The first part of a tag, in lower case: `pt` of `pt-BR`.
pub(crate) fn primary(language: &str) -> String {
    language.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase()
}

/// A voice that has a name.
pub struct Named {
    /// As it is asked for.
    pub name: String,
    /// Its language tag.
    pub language: String,
    /// Where it is from.
    pub model: &'static Model,
}

/// Makes sure that a voice has this name, or that there is a file of this path; what is not on this machine may be fetched yet.
///
/// # Errors
/// [`ModelError::NoVoice`], or [`VoiceError::File`].
pub fn must_be_voice(voice: &str) -> Result<(), VoiceError> {
    if voice.ends_with(".onnx") {
        return std::fs::metadata(voice).map(drop).map_err(|cause| VoiceError::File { path: voice.into(), cause });
    }
    match voice == "default" || named_voices().iter().any(|named| named.name == voice) {
        true => Ok(()),
        false => Err(ModelError::NoVoice { name: voice.to_owned() }.into()),
    }
}

/// Every voice that has a name, in the order of the manifest.
pub fn named_voices() -> Vec<Named> {
    let mut all = Vec::new();
    for model in models::manifest().iter().filter(|model| model.kind == Kind::Voice) {
        match model.id == kokoro::MODEL {
            true => all.extend(kokoro_voices().map(|(name, language)| Named { name, language: language.into(), model })),
            false => all.push(Named { name: model.id.trim_start_matches("voice:").into(), language: model.language.clone(), model }),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The languages of the systems that Lectern takes the place of (C1), and who speaks them from what a registry has.
    const LANGUAGES: [(&str, Option<&str>); 15] = [
        ("en", Some("joe")),
        ("en-GB", Some("kokoro:bf_alice")),
        ("es", Some("kokoro:ef_dora")),
        ("fr", Some("kokoro:ff_siwis")),
        ("hi", Some("kokoro:hf_alpha")),
        ("it", Some("kokoro:if_sara")),
        ("pt", Some("kokoro:pf_dora")),
        ("zh-Hans", None),
        ("zh-Hant", None),
        ("ja", None),
        ("ko", None),
        ("th", None),
        ("de", None),
        ("ru", None),
        ("ar", None),
    ];

    #[test]
    fn a_voice_is_known_before_it_is_opened() {
        for voice in ["default", "joe", "kokoro:af_heart"] {
            must_be_voice(voice).unwrap();
        }
        for nobody in ["nobody", "kokoro:nobody", "kokoro", ""] {
            let text = must_be_voice(nobody).unwrap_err().to_string();
            assert!(text.starts_with(&format!("there is no voice `{nobody}`; `lectern voices` lists them")), "{text}");
        }
        assert!(must_be_voice("no/such.onnx").unwrap_err().to_string().contains("cannot read the voice file no/such.onnx"));
    }

    #[test]
    fn every_language_has_a_voice_or_an_error_that_says_how_to_add_one() {
        for (language, voice) in LANGUAGES {
            match (voice_for(language), voice) {
                (Ok(found), Some(voice)) => assert_eq!(found, voice, "{language}"),
                (Err(error), None) => {
                    let text = error.to_string();
                    assert!(text.contains(language) && text.contains(".onnx") && text.contains("piper-voices"), "{text}");
                }
                (found, _) => panic!("{language}: {found:?}"),
            }
        }
    }
}
