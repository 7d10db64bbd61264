//! Subtitles of a finished film in another language: read from the file beside it, translated by a script writer, written with the same
//! times wherever they can be read in them.

use crate::lesson::language_of;
use crate::outputs::{Caption, read_subrip, subrip, webvtt};
use crate::part_file::{self, FileError};
use crate::scripts::ends_sentence;
use crate::speech::{self, lines_are_spaced, reworded};
use crate::writer::{Notes, Writer, WriterError, same_language};
use engine::time::{Span, Time};
use std::io;
use std::path::{Path, PathBuf};

/// Captions that go to the writer as one group where no sentence ends.
const GROUP: usize = 12;
/// No subtitles of a film are longer, in bytes.
const LONGEST: u64 = 16 << 20;

/// Captions with their times, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subtitles {
    captions: Vec<Caption>,
}

/// Why there are no subtitles in another language. Every text says what to change.
#[derive(Debug, thiserror::Error)]
pub enum SubtitlesError {
    /// The file cannot be read.
    #[error("cannot read the subtitles {}: {cause}; name the .srt file beside a film", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        cause: io::Error,
    },
    /// It is no SubRip file.
    #[error("{} cannot be read as SubRip: {cause}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// Which caption, and what is wrong with it.
        cause: String,
    },
    /// This writer does not translate.
    #[error("{0} does not translate; set LECTERN_WRITER_URL and LECTERN_WRITER_MODEL to a language model")]
    Unable(String),
    /// The writer did not do it.
    #[error("{}", untranslated(.0))]
    Writer(#[from] WriterError),
    /// A file cannot be written.
    #[error(transparent)]
    Write(#[from] FileError),
}

/// Nobody can do it by rules: what the writer's own messages advise elsewhere is of no help here.
fn untranslated(error: &WriterError) -> String {
    match error {
        WriterError::Service { at, cause } => format!("the script writer at {at} failed: {cause}; try again later"),
        WriterError::Answer { at, cause } => {
            format!("the script writer at {at} gave no usable answer: {cause}; try again, or choose another model (LECTERN_WRITER_MODEL)")
        }
        other => other.to_string(),
    }
}

impl Subtitles {
    /// Reads a SubRip file as `lectern render` writes it.
    ///
    /// # Errors
    /// It is not there, is no text, or holds a caption that cannot be read.
    pub fn read(path: &Path) -> Result<Subtitles, SubtitlesError> {
        let unread = |cause| SubtitlesError::Read { path: path.into(), cause };
        if std::fs::metadata(path).map_err(unread)?.len() > LONGEST {
            return Err(unread(io::ErrorKind::FileTooLarge.into()));
        }
        let text = std::fs::read_to_string(path).map_err(unread)?;
        let mut captions = read_subrip(&text).map_err(|cause| SubtitlesError::Format { path: path.into(), cause })?;
        captions.sort_by_key(|caption| caption.start);
        Ok(Subtitles { captions })
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.captions.len()
    }

    /// Their language as a BCP 47 tag, where the text tells it with confidence.
    pub fn language(&self) -> Option<&'static str> {
        language_of(&self.captions.iter().map(|caption| unbroken(&caption.text)).collect::<Vec<_>>().join(" "))
    }

    /// The same in another language, by BCP 47 tags; in the same one they stay as they are. Lines are broken anew by the rules of the spoken ones
    /// (see [`speech::captions`](crate::speech)). Each caption keeps its times where it can be read in them or is no longer than it was; else its sentence is cut
    /// anew, in the time of the sentence and of the pause behind it.
    ///
    /// # Errors
    /// Those of the writer, and when it does not translate.
    pub fn translated(&self, from: &str, to: &str, writer: &dyn Writer, notes: &mut Notes) -> Result<Subtitles, SubtitlesError> {
        if same_language(from, to) {
            notes.add(format!("the subtitles are in the language {to:?} already; they were not translated"));
            return Ok(self.clone());
        }
        if self.captions.is_empty() {
            return Ok(self.clone());
        }
        let groups = groups(self.captions.iter().map(|caption| unbroken(&caption.text)));
        let translated = writer.translate_captions(&groups, from, to, notes)?;
        let translated = translated.ok_or_else(|| SubtitlesError::Unable(writer.name()))?;
        let count: usize = translated.iter().map(Vec::len).sum();
        if count != self.captions.len() {
            let cause = format!("it has {count} captions in place of {}", self.captions.len());
            return Err(WriterError::Answer { at: writer.name(), cause }.into());
        }
        let mut spoken = self.captions.iter().peekable();
        let mut captions = Vec::new();
        for group in translated {
            let timed = |(text, caption): (String, &Caption)| {
                (speech::Caption { at: caption.start.since_start(), dur: caption.end - caption.start, text: caption.text.clone() }, text)
            };
            let group: Vec<_> = group.into_iter().zip(spoken.by_ref()).map(timed).collect();
            let end = group.last().map_or(Span::ZERO, |(caption, _)| caption.at + caption.dur);
            captions.extend(reworded(&group, spoken.peek().map_or(end, |next| next.start.since_start())));
        }
        let timed = |caption: speech::Caption| {
            let start = Time::ZERO + caption.at;
            Caption { start, end: start + caption.dur, text: caption.text }
        };
        Ok(Subtitles { captions: captions.into_iter().map(timed).collect() })
    }

    /// Writes them as SubRip and as WebVTT.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn write(&self, srt: &Path, vtt: &Path) -> Result<(), SubtitlesError> {
        part_file::write(srt, subrip(&self.captions).as_bytes())?;
        Ok(part_file::write(vtt, webvtt(&self.captions, None).as_bytes())?)
    }
}

/// A caption's lines as one.
fn unbroken(text: &str) -> String {
    let mut whole = String::new();
    let mut before = "";
    for line in text.lines().map(str::trim) {
        if lines_are_spaced(before, line) {
            whole.push(' ');
        }
        whole.push_str(line);
        before = line;
    }
    whole
}

/// Texts in groups that keep sentences whole.
fn groups(texts: impl Iterator<Item = String>) -> Vec<Vec<String>> {
    let mut groups: Vec<Vec<String>> = Vec::new();
    for text in texts {
        let goes_on = |group: &&mut Vec<String>| group.len() < GROUP && group.last().is_some_and(|last| !ends_sentence(last));
        match groups.last_mut().filter(goes_on) {
            Some(group) => group.push(text),
            None => groups.push(vec![text]),
        }
    }
    groups
}

#[cfg(test)]
mod tests;
