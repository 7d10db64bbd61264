//! What somebody wants made of a file: the fields of the other system's forms, checked, and kept with the task.

use super::languages::{self, Language};
use super::refused::Refused;
use crate::uploads::Kind;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What is to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TaskType {
    /// A film.
    Video,
    /// A talk of two, to listen to.
    Podcast,
    /// Both.
    Both,
}

/// What a file is to the other system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// A PDF.
    Pdf,
    /// A PowerPoint file.
    Slides,
    /// A recording.
    Audio,
}

impl Source {
    /// Of a file of this kind.
    pub fn of(kind: Kind) -> Source {
        match kind {
            Kind::Pdf => Source::Pdf,
            kind if kind.is_sound() => Source::Audio,
            _ => Source::Slides,
        }
    }
}

/// See the module docs. Languages are kept by their names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Options {
    /// What is to be made.
    pub task_type: TaskType,
    /// In which language it is spoken.
    pub voice_language: String,
    /// In which language it is read along; without it, the spoken one.
    pub subtitle_language: Option<String>,
    /// In which language it is written down; without it, the spoken one.
    pub transcript_language: Option<String>,
    /// `sd`, `hd` or `fullhd`.
    pub video_resolution: String,
    /// Is somebody seen?
    pub generate_avatar: bool,
    /// Are there subtitles?
    pub generate_subtitles: bool,
    /// Who speaks, of the voices that are listed.
    pub voice_id: Option<String>,
    /// Who leads through a podcast, of the voices that are listed.
    #[serde(default)]
    pub podcast_host_voice: Option<String>,
    /// Who answers there.
    #[serde(default)]
    pub podcast_guest_voice: Option<String>,
    /// A text in the corner.
    pub watermark: Option<String>,
}

impl Options {
    /// Reads the fields of a form, or of an object that has them. `source` says what the file is.
    ///
    /// # Errors
    /// One of them means nothing, or nothing can be made of such a file.
    pub fn read(fields: &Map<String, Value>, source: Source) -> Result<Options, Refused> {
        let text = |name: &str| match fields.get(name) {
            Some(Value::String(text)) if !text.trim().is_empty() => Some(text.trim()),
            _ => None,
        };
        let one_of = |name: &str, words: &[&'static str]| match text(name) {
            None => Ok(None),
            Some(word) => match words.iter().find(|known| known.eq_ignore_ascii_case(word)) {
                Some(known) => Ok(Some(*known)),
                None => Err(Refused::bad(format!("{name} is {word:?}; write one of {}", words.join(", ")))),
            },
        };
        let language = |name: &str| match text(name) {
            None => Ok(None),
            Some(word) => match languages::find(word) {
                Some(language) => Ok(Some(language.name.to_string())),
                None => Err(Refused::bad(format!("{name} is {word:?}; write one of {}", languages::names().join(", ")))),
            },
        };
        // The content of the file says more than its sender.
        if let Some(said) = one_of("source_type", &["pdf", "slides", "audio"])?
            && (said == "audio") != (source == Source::Audio)
        {
            return Err(Refused::bad(format!("source_type is {said:?}, and the file is not; send another file, or leave it out")));
        }
        let task_type = match one_of("task_type", &["video", "podcast", "both"])? {
            Some("video") => TaskType::Video,
            Some("podcast") => TaskType::Podcast,
            Some(_) => TaskType::Both,
            None => match (switch(fields, "generate_video", true)?, switch(fields, "generate_podcast", false)?) {
                (true, false) => TaskType::Video,
                (false, true) => TaskType::Podcast,
                (true, true) => TaskType::Both,
                (false, false) => return Err(Refused::bad("nothing is to be made; set generate_video, generate_podcast, or both")),
            },
        };
        Ok(Options {
            task_type,
            voice_language: language("voice_language")?.unwrap_or_else(|| languages::USUAL.name.into()),
            subtitle_language: language("subtitle_language")?,
            transcript_language: language("transcript_language")?,
            video_resolution: one_of("video_resolution", &["sd", "hd", "fullhd"])?.unwrap_or("hd").into(),
            generate_avatar: switch(fields, "generate_avatar", false)?,
            generate_subtitles: switch(fields, "generate_subtitles", true)?,
            voice_id: text("voice_id").map(String::from),
            podcast_host_voice: text("podcast_host_voice").map(String::from),
            podcast_guest_voice: text("podcast_guest_voice").map(String::from),
            watermark: text("watermark").map(String::from),
        })
    }

    /// Can it be made of such a file, here?
    ///
    /// # Errors
    /// It cannot.
    pub fn must_suit(&self, source: Source) -> Result<(), Refused> {
        match (self.task_type, source) {
            (TaskType::Video, Source::Pdf | Source::Slides)
            | (TaskType::Podcast, Source::Pdf | Source::Audio)
            | (TaskType::Both, Source::Pdf) => Ok(()),
            (TaskType::Video | TaskType::Both, Source::Audio) => {
                Err(Refused::bad("no film is made of a recording; ask for a podcast with task_type=podcast"))
            }
            (TaskType::Podcast | TaskType::Both, Source::Slides) => {
                Err(Refused::bad("a podcast is made of a PDF or a recording; ask for a film with task_type=video, or send a PDF"))
            }
        }
    }

    /// In which language it is spoken.
    pub fn voice(&self) -> &'static Language {
        languages::find(&self.voice_language).unwrap_or(languages::USUAL)
    }

    /// In which language it is read along.
    pub fn subtitles(&self) -> &'static Language {
        self.subtitle_language.as_deref().and_then(languages::find).unwrap_or_else(|| self.voice())
    }

    /// In which language it is written down.
    pub fn transcript(&self) -> &'static Language {
        self.transcript_language.as_deref().and_then(languages::find).unwrap_or_else(|| self.voice())
    }

    /// Is a film made?
    pub fn makes_video(&self) -> bool {
        self.task_type != TaskType::Podcast
    }

    /// Is a podcast made?
    pub fn makes_podcast(&self) -> bool {
        self.task_type != TaskType::Video
    }
}

/// A switch of a form: a word, or a JSON value.
fn switch(fields: &Map<String, Value>, name: &str, usual: bool) -> Result<bool, Refused> {
    let word = match fields.get(name) {
        None | Some(Value::Null) => return Ok(usual),
        Some(Value::String(text)) => text.trim().to_ascii_lowercase(),
        Some(other) => other.to_string(),
    };
    match word.as_str() {
        "" => Ok(usual),
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" => Ok(false),
        other => Err(Refused::bad(format!("{name} is {other:?}; write true or false"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compat::fastapi::Refusal;
    use serde_json::json;

    fn read(fields: Value, source: Source) -> Result<Options, String> {
        let read = Options::read(fields.as_object().unwrap(), source).and_then(|options| options.must_suit(source).map(|()| options));
        read.map_err(|refused| match refused {
            Refused::Plainly(Refusal::Because(status, detail)) => format!("{} {detail}", status.as_u16()),
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn what_is_left_out_is_as_it_usually_is() {
        let usual = read(json!({}), Source::Slides).unwrap();
        assert_eq!((usual.task_type, usual.voice_language.as_str(), usual.video_resolution.as_str()), (TaskType::Video, "english", "hd"));
        assert_eq!((usual.generate_avatar, usual.generate_subtitles, usual.subtitle_language.as_deref()), (false, true, None));
        assert_eq!((usual.subtitles().tag, usual.transcript().tag), ("en", "en"));
        // Forms have texts, and clients that send JSON have values.
        let form = json!({ "voice_language": "de", "subtitle_language": "french", "generate_avatar": "true", "generate_subtitles": "" });
        let options = read(form, Source::Pdf).unwrap();
        assert_eq!((options.voice().tag, options.subtitles().tag, options.generate_avatar), ("de", "fr", true));
        assert!(options.generate_subtitles && !read(json!({ "generate_subtitles": false }), Source::Pdf).unwrap().generate_subtitles);
        let kept = serde_json::to_value(&options).unwrap();
        assert_eq!(serde_json::from_value::<Options>(kept).unwrap(), options);
    }

    #[test]
    fn what_cannot_be_is_refused_with_its_name() {
        for (fields, source, told) in [
            (json!({ "source_type": "poster" }), Source::Pdf, "400 source_type"),
            (json!({ "source_type": "audio" }), Source::Pdf, "400 source_type"),
            (json!({ "video_resolution": "8k" }), Source::Pdf, "400 video_resolution"),
            (json!({ "voice_language": "klingon" }), Source::Pdf, "400 voice_language"),
            (json!({ "task_type": "poem" }), Source::Pdf, "400 task_type"),
            (json!({ "generate_avatar": "perhaps" }), Source::Pdf, "400 generate_avatar"),
            (json!({ "generate_video": "false" }), Source::Pdf, "400 nothing"),
            (json!({}), Source::Audio, "400 no film"),
            (json!({ "task_type": "podcast" }), Source::Slides, "400 a podcast"),
            (json!({ "task_type": "both" }), Source::Audio, "400 no film"),
        ] {
            let refused = read(fields.clone(), source).unwrap_err();
            assert!(refused.starts_with(told), "{fields}: {refused}");
        }
    }
}
