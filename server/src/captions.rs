//! How a film shows what is said: as captions that can be chosen, in its pictures, or not at all; and as a text.

use crate::decks::language_tag;
use crate::failure::Failure;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// Where captions are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Captions {
    /// A track of the film, shown when it is chosen, and files beside it (.srt, .vtt).
    #[default]
    Soft,
    /// In the pictures, always seen; the files beside it, too.
    Burned,
    /// Nowhere.
    Off,
}

/// Where captions of a live lecture are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LiveCaptions {
    /// On the page that viewers have, and a track of a recording.
    #[default]
    Soft,
    /// In the pictures, always seen.
    Burned,
}

/// What a render makes of what is said, besides sound.
#[derive(Args, Clone, Debug, Default)]
pub struct CaptionOptions {
    /// Captions: soft (a track of the film), burned (in its pictures) or off; soft and burned also beside it, as .srt and .vtt.
    #[arg(long, value_name = "WHERE", value_enum, default_value = "soft")]
    captions: Captions,
    /// Also write the subtitles in another language, as NAME.TAG.srt and NAME.TAG.vtt; a BCP 47 tag: fr, zh-Hans. The language model of
    /// --writer or LECTERN_WRITER_URL translates them.
    #[arg(long, value_name = "TAG")]
    subtitle_language: Option<String>,
    /// Also write what is said as a text: Markdown with a section for each slide and its time.
    #[arg(long, value_name = "FILE.md")]
    transcript: Option<PathBuf>,
}

impl CaptionOptions {
    /// The profiles of the graph that are needed; with a watermark, captions share its place among the layers.
    pub fn profiles(&self, watermark: bool) -> impl Iterator<Item = &'static str> {
        let captions: &[&str] = match self.captions {
            Captions::Soft => &[],
            Captions::Burned if watermark => &["captions", "captions_and_watermark", "no_soft_captions"],
            Captions::Burned => &["captions", "no_soft_captions"],
            Captions::Off => &["no_soft_captions", "no_subtitles"],
        };
        captions.iter().copied().chain(self.transcript.as_ref().map(|_| "transcript"))
    }

    /// The option that needs a profile.
    pub fn option(profile: &str) -> &'static str {
        if profile == "transcript" { "transcript" } else { "captions" }
    }

    /// Subtitles are written beside the film.
    pub fn has_files(&self) -> bool {
        self.captions != Captions::Off
    }

    /// The other language of the subtitles, if one is wished for.
    ///
    /// # Errors
    /// It is no language tag, or there are no subtitles.
    pub fn subtitle_language(&self) -> Result<Option<&str>, Failure> {
        let Some(tag) = &self.subtitle_language else { return Ok(None) };
        language_tag("--subtitle-language", tag)?;
        if self.has_files() {
            return Ok(Some(tag));
        }
        Err(Failure::Invalid(
            "--subtitle-language translates the subtitles that --captions off leaves out; leave one of the two out".into(),
        ))
    }

    /// Where the text goes, if it is wished for.
    pub fn transcript(&self) -> Option<&PathBuf> {
        self.transcript.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graphs::GraphFile;

    #[test]
    fn the_lecture_has_every_profile_and_soft_needs_none() {
        let graph = GraphFile::new(None);
        let all = |captions, transcript: Option<&str>| CaptionOptions {
            captions,
            transcript: transcript.map(PathBuf::from),
            ..CaptionOptions::default()
        };
        for captions in [Captions::Burned, Captions::Off] {
            for watermark in [true, false] {
                let options = all(captions, Some("said.md"));
                let missing: Vec<_> = options.profiles(watermark).filter(|profile| !graph.has_profile(profile)).collect();
                assert_eq!(missing, [""; 0]);
            }
        }
        assert_eq!(all(Captions::Soft, None).profiles(true).count(), 0);
    }
}
