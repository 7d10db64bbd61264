//! Decks as commands are given them.

use crate::failure::Failure;
use crate::signals::Signals;
use clap::{Args, ValueEnum};
use engine::graph::unit::DurationSetting;
use engine::time::Span;
use plugins::lesson::{self, Design, ImportOptions, Lesson, Proportions, ReadAs, Theme, Warning, export, import_shared, select};
use plugins::writer::{Brief, Chat, ChatSettings, Local, SharedWriter, WriterError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

/// Told before anything else about the deck is looked at.
///
/// # Errors
/// There is no such file or folder, or it is the address of something that is not read.
pub fn must_exist(deck: &Path) -> Result<(), Failure> {
    match lesson::address(deck) {
        Some(_) => lesson::check_source(deck).map_err(Failure::Invalid),
        None if deck.exists() => Ok(()),
        None => Err(Failure::Invalid(format!("there is no deck {}", deck.display()))),
    }
}

/// A lesson in a file of its own, for the nodes of a graph read lessons from files. It goes with this, whether the film was made or not.
pub struct PassingLesson {
    file: PathBuf,
    _folder: TempDir,
}

impl PassingLesson {
    /// One for a lesson as it is in memory.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn of(lesson: &Lesson) -> Result<PassingLesson, Failure> {
        let passing = PassingLesson::empty()?;
        export(lesson, &passing.file)?;
        Ok(passing)
    }

    /// One for the text of a `lesson.yaml`.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn of_text(text: &str) -> Result<PassingLesson, Failure> {
        let passing = PassingLesson::empty()?;
        std::fs::write(&passing.file, text).map_err(no_room)?;
        Ok(passing)
    }

    fn empty() -> Result<PassingLesson, Failure> {
        let folder = tempfile::Builder::new().prefix("lectern-").tempdir().map_err(no_room)?;
        Ok(PassingLesson { file: folder.path().join("lesson.yaml"), _folder: folder })
    }

    /// Where it is.
    pub fn file(&self) -> &Path {
        &self.file
    }
}

fn no_room(error: std::io::Error) -> Failure {
    Failure::Failed(format!("cannot put the lesson into a folder for the while: {error}; set TMPDIR"))
}

/// How a command reads a deck, and what it makes of it.
#[derive(Args, Clone, Debug)]
pub struct DeckOptions {
    /// How long LibreOffice may take over the deck before it is stopped.
    #[arg(long, value_name = "TIME", default_value = "120s")]
    conversion_limit: DurationSetting,
    /// What the lecture should be like, in words: "Keep it under two minutes. For beginners." It changes what is said and, for content,
    /// the slides.
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    instructions: String,
    /// About how many minutes the lecture is to take.
    #[arg(long, value_name = "N")]
    minutes: Option<f64>,
    /// Language of the lecture as a BCP 47 tag: en, de, zh-Hans. Another one than the deck's is translated to, by a writer that can.
    #[arg(long, value_name = "TAG")]
    language: Option<String>,
    /// Who writes what is to be said: local (rules, no network), or the address of an OpenAI-compatible service, whose model and key are
    /// LECTERN_WRITER_MODEL and LECTERN_WRITER_KEY (or _KEY_FILE). [default: LECTERN_WRITER_URL, else local]
    #[arg(long, value_name = "local|URL")]
    writer: Option<String>,
    /// Whether a document is shown as it is or made into new slides. [default: PDFs are slides, .docx .md .txt are content]
    #[arg(long = "as", value_name = "KIND")]
    read_as: Option<Kind>,
    /// Colours and fonts of new slides: light, dark or warm.
    #[arg(long, value_name = "NAME", default_value = "light")]
    theme: Theme,
    /// Proportions of new slides: 16x9 or 4x3.
    #[arg(long, value_name = "SHAPE", default_value = "16x9")]
    shape: Proportions,
    /// What matters in what is said stands beside it, point by point as it comes, where the lesson has no bullets of its own.
    #[arg(long)]
    bullets: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    Slides,
    Content,
}

/// A deck, and what a graph reads in its place.
pub struct Source {
    /// The deck, or the lesson that was made of it.
    path: PathBuf,
    lesson: Option<Arc<Lesson>>,
    options: ImportOptions,
    _passing: Option<PassingLesson>,
}

impl DeckOptions {
    /// A path that holds the deck as it is now: a presentation on the web is brought into the cache. A signal stops it.
    ///
    /// # Errors
    /// The service refuses or cannot be reached, or the signal.
    pub fn fetch(&self, deck: &Path) -> Result<PathBuf, Failure> {
        Ok(lesson::fetch(deck, &self.options()?)?)
    }

    /// Reads a deck. A signal stops it, LibreOffice with it.
    ///
    /// # Errors
    /// What is wrong with the deck or the options, or the signal.
    pub fn import(&self, deck: &Path) -> Result<Arc<Lesson>, Failure> {
        Ok(import_shared(deck, &self.options()?)?)
    }

    /// Reads a conversation from a script, or makes one of a deck or a document. A signal stops it.
    ///
    /// # Errors
    /// What is wrong with the script, the deck or the options, or the signal.
    pub fn podcast(&self, source: &Path) -> Result<Lesson, Failure> {
        Ok(lesson::podcast(&self.fetch(source)?, &self.options()?)?)
    }

    /// What a graph is to read. A lesson that is made to order is written out for it, so that every part of the graph reads the same and
    /// nothing is made twice; `tell` is called before that work.
    ///
    /// # Errors
    /// Those of [`import`](DeckOptions::import).
    pub fn source<T>(&self, deck: &Path, tell: impl FnOnce() -> T) -> Result<Source, Failure> {
        let options = self.options()?;
        if !options.to_order() {
            return Ok(Source { path: deck.into(), lesson: None, options, _passing: None });
        }
        let told = tell();
        let lesson = import_shared(deck, &options)?;
        let passing = PassingLesson::of(&lesson)?;
        drop(told);
        Ok(Source { path: passing.file().into(), lesson: Some(lesson), options, _passing: Some(passing) })
    }

    /// The same for a lesson in which all wishes have been seen to.
    pub fn fulfilled(&self) -> DeckOptions {
        let Design { theme, shape } = Design::default();
        let conversion_limit = self.conversion_limit;
        DeckOptions {
            conversion_limit,
            instructions: String::new(),
            minutes: None,
            language: None,
            writer: None,
            read_as: None,
            theme,
            shape,
            bullets: false,
        }
    }

    /// Who translates subtitles.
    ///
    /// # Errors
    /// Those of [`translator`].
    pub fn translator(&self) -> Result<SharedWriter, Failure> {
        translator(self.writer.as_deref())
    }

    fn options(&self) -> Result<ImportOptions, Failure> {
        let cancel = Signals::listen().cancel();
        let options = ImportOptions { libreoffice_timeout: self.conversion_limit.0.to_std(), cancel, ..ImportOptions::default() };
        let length = match self.minutes {
            None => None,
            Some(minutes) if minutes > 0.0 && minutes <= 240.0 => Some(Span::from_seconds_f64(minutes * 60.0)),
            Some(minutes) => return Err(Failure::Invalid(format!("--minutes {minutes} is out of range; it goes from over 0 to 240"))),
        };
        let language = self.language.as_deref().map(|tag| language_tag("--language", tag)).transpose()?;
        let writer: Option<SharedWriter> = match self.writer.as_deref() {
            None => None,
            Some("local") => Some(Arc::new(Local)),
            Some(base) => model(Some(base))?,
        };
        let read_as = match self.read_as {
            None => ReadAs::Usual,
            Some(Kind::Slides) => ReadAs::Slides,
            Some(Kind::Content) => ReadAs::Content,
        };
        let brief = Brief { instructions: self.instructions.trim().to_string(), language, length, slides: None };
        Ok(ImportOptions {
            writer,
            brief,
            read_as,
            design: Design { theme: self.theme, shape: self.shape },
            bullets: self.bullets,
            ..options
        })
    }
}

impl Source {
    /// What the graph reads.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The lesson, read now if it was not yet.
    ///
    /// # Errors
    /// What is wrong with the deck, or a signal.
    pub fn lesson(&self) -> Result<Arc<Lesson>, Failure> {
        match &self.lesson {
            Some(lesson) => Ok(lesson.clone()),
            None => Ok(import_shared(&self.path, &self.options)?),
        }
    }

    /// What is to be said about a lesson that was made to order; the nodes of a graph say the rest.
    pub fn warnings(&self) -> &[Warning] {
        self.lesson.as_ref().map_or(&[], |lesson| &lesson.warnings)
    }
}

/// Who translates subtitles: the language model of `--writer` or of the environment. A signal stops it.
///
/// # Errors
/// There is none, or its settings cannot be used.
pub fn translator(writer: Option<&str>) -> Result<SharedWriter, Failure> {
    let model = if writer == Some("local") { None } else { model(writer)? };
    model.ok_or_else(|| {
        Failure::Invalid(
            "subtitles in another language are translated by a language model, and there is none: set LECTERN_WRITER_URL and \
             LECTERN_WRITER_MODEL (and LECTERN_WRITER_KEY), or name its address with --writer"
                .into(),
        )
    })
}

/// The language model at an address, else that of the environment.
fn model(base: Option<&str>) -> Result<Option<SharedWriter>, Failure> {
    let unwritten = |error: WriterError| Failure::Invalid(error.to_string());
    let Some(settings) = ChatSettings::from_env(base).map_err(unwritten)? else { return Ok(None) };
    let settings = ChatSettings { answers: Some(ImportOptions::default().cache_dir.join("answers")), ..settings };
    Ok(Some(Arc::new(Chat::open(settings, Signals::listen().cancel()).map_err(unwritten)?)))
}

/// A language tag, as far as its form tells.
pub fn is_language_tag(tag: &str) -> bool {
    let mut parts = tag.split('-');
    let primary = parts.next().is_some_and(|part| (2..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphabetic()));
    primary && parts.all(|part| (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

/// The language tag that an option names.
///
/// # Errors
/// It is none.
pub fn language_tag(option: &str, tag: &str) -> Result<String, Failure> {
    match is_language_tag(tag) {
        true => Ok(tag.to_string()),
        false => Err(Failure::Invalid(format!("{option} {tag:?} is no language tag; write one such as en, de or zh-Hans"))),
    }
}

/// What of a deck is given, and by whom.
#[derive(Args, Clone, Debug)]
pub struct LectureOptions {
    /// Who speaks: a name from `lectern voices`, or the path of a Piper voice (.onnx).
    #[arg(long, value_name = "VOICE")]
    voice: Option<String>,
    /// How words are said that the voice reads wrongly: a YAML file, `word: respelling` or `word: /IPA/`.
    #[arg(long, value_name = "FILE")]
    dictionary: Option<String>,
    /// Who is seen: a name from `lectern avatars`.
    #[arg(long, value_name = "NAME")]
    avatar: Option<String>,
    /// Only these slides, by their numbers in the deck: 3-5,8.
    #[arg(long, value_name = "SLIDES")]
    slides: Option<String>,
    /// Music under the whole lecture, which steps back while somebody speaks: WAV, MP3, AAC, M4A, FLAC or Ogg Vorbis.
    #[arg(long, value_name = "FILE")]
    music: Option<String>,
}

impl LectureOptions {
    /// The variables of a graph that were given.
    pub fn variables(&self) -> impl Iterator<Item = (&'static str, &String)> {
        let all = [
            ("voice", &self.voice),
            ("dictionary", &self.dictionary),
            ("avatar", &self.avatar),
            ("slides", &self.slides),
            ("music", &self.music),
        ];
        all.into_iter().filter_map(|(name, value)| Some((name, value.as_ref()?)))
    }

    /// The profile of the graph that is needed.
    pub fn profile(&self) -> Option<&'static str> {
        self.music.as_ref().map(|_| "music")
    }

    /// Which slides of a lesson.
    ///
    /// # Errors
    /// The choice names none of them.
    pub fn choose(&self, lesson: &Lesson) -> Result<Vec<usize>, Failure> {
        Ok(select(lesson, self.slides.as_deref().unwrap_or("all"))?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn language_tags_have_a_form() {
        for good in ["en", "zh-Hans", "pt-BR", "es-419"] {
            assert_eq!(language_tag("--language", good).unwrap(), good);
        }
        for bad in ["", "e", "english", "en_US", "en-", "1n"] {
            assert!(language_tag("--language", bad).unwrap_err().to_string().contains("no language tag"), "{bad}");
        }
    }
}
