//! Subtitles of a film that is there, in another language than its voice.

use crate::console::Console;
use crate::failure::Failure;
use crate::progress::Doing;
use crate::signals::{Signal, Signals};
use plugins::lesson::Warning;
use plugins::subtitles::{Subtitles, SubtitlesError};
use plugins::writer::{Notes, SharedWriter, WriterError};
use std::path::{Path, PathBuf};

/// Who translates, and into which language.
pub struct Translation {
    /// Who.
    pub writer: SharedWriter,
    /// A BCP 47 tag.
    pub language: String,
}

/// What a translation has made.
pub struct Made {
    /// As SubRip and as WebVTT.
    pub files: [PathBuf; 2],
    /// How many captions there are.
    pub captions: usize,
    /// What is to be said about it.
    pub warnings: Vec<Warning>,
}

/// The files of subtitles in a language, beside a film or its own subtitles: `talk.fr.srt` and `talk.fr.vtt` for `talk.mp4`.
pub fn beside(file: &Path, language: &str) -> [PathBuf; 2] {
    ["srt", "vtt"].map(|ending| file.with_extension(format!("{language}.{ending}")))
}

impl Translation {
    /// Translates the subtitles in a SubRip file, and writes them beside `film`. `from` says their language by what is in them.
    ///
    /// # Errors
    /// The file cannot be read, the writer does not do it, a file cannot be written, or a signal.
    pub fn make(
        &self,
        srt: &Path,
        film: &Path,
        from: impl FnOnce(&Subtitles) -> Result<String, Failure>,
        console: &Console,
    ) -> Result<Made, Failure> {
        let _doing = Doing::start("translating", &srt.display().to_string(), console);
        let spoken = Subtitles::read(srt).map_err(failure)?;
        let mut notes = Notes::default();
        let translated = spoken.translated(&from(&spoken)?, &self.language, &*self.writer, &mut notes).map_err(failure)?;
        let files = beside(film, &self.language);
        translated.write(&files[0], &files[1]).map_err(failure)?;
        let warnings = notes.into_vec().into_iter().map(|text| Warning { slide: None, text }).collect();
        Ok(Made { files, captions: translated.count(), warnings })
    }
}

fn failure(error: SubtitlesError) -> Failure {
    match error {
        // Only a signal cancels.
        SubtitlesError::Writer(WriterError::Cancelled) => Failure::Aborted(Signals::listen().aborted().unwrap_or(Signal::Interrupt)),
        error @ (SubtitlesError::Writer(WriterError::Service { .. } | WriterError::Answer { .. }) | SubtitlesError::Write(_)) => {
            Failure::Failed(error.to_string())
        }
        error => Failure::Invalid(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_have_the_language_before_their_ending() {
        let names = |file: &str, language: &str| beside(Path::new(file), language).map(|path| path.display().to_string());
        assert_eq!(names("out/talk.mp4", "fr"), ["out/talk.fr.srt", "out/talk.fr.vtt"]);
        assert_eq!(names("a.b.srt", "zh-Hans"), ["a.b.zh-Hans.srt", "a.b.zh-Hans.vtt"]);
    }
}
