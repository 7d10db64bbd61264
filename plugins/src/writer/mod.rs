//! Script writers: they turn content into an outline of slides and into the words that are said at them.
//!
//! [`Writer`] is the interface. [`Local`] is the default: it works without a network, by rules, and only chooses, orders and shortens
//! what stands in the content. [`Chat`] asks a language model behind an OpenAI-compatible address. What a writer did not do, or did
//! otherwise than asked, it says in its [`Notes`]; nothing is left out silently. Writers know no files and no slides' looks: importers
//! bring the content, and lay out what comes back.

mod brief;
mod chat;
mod content;
mod dialogue;
mod local;
mod sentences;

pub use brief::Brief;
pub use chat::{Chat, ChatSettings, Prices};
pub use content::{Content, Part, Passage};
pub use dialogue::{Scene, Speaks, Turn, cast, speaker, turns};
pub use local::Local;
pub use sentences::{clip, columns, same_language, seconds, sentence_ranges, sentences, terms};

use engine::time::Span;
use std::sync::Arc;

/// What a lecture is written with.
pub type SharedWriter = Arc<dyn Writer + Send + Sync>;

/// Why nothing was written. Every text says what to change.
#[derive(Debug, thiserror::Error)]
pub enum WriterError {
    /// A setting cannot be used.
    #[error("the script writer's {0}")]
    Setting(String),
    /// The service cannot be reached, failed or took too long, also after retries.
    #[error("the script writer at {at} failed: {cause}. Try again later, or write without it: --writer local")]
    Service {
        /// Its address.
        at: String,
        /// What happened last.
        cause: String,
    },
    /// The service answered, but not what was asked for.
    #[error(
        "the script writer at {at} gave no usable answer: {cause}. Try again, choose another model, or write without it: --writer local"
    )]
    Answer {
        /// Its address.
        at: String,
        /// What is wrong with the answer.
        cause: String,
    },
    /// The model will not do it.
    #[error("the script writer's model refused: {0}")]
    Refused(String),
    /// It would cost more than allowed; nothing was asked.
    #[error(
        "the script writer would cost about {estimate:.4}, and the limit is {limit:.4}; raise LECTERN_WRITER_COST_LIMIT or shorten the content"
    )]
    Cost {
        /// In the currency of the prices that were set, what was spent before included.
        estimate: f64,
        /// What was set.
        limit: f64,
    },
    /// The user stopped the program.
    #[error("stopped while the script was written")]
    Cancelled,
}

/// What a writer has to say about its own work, for the lesson's warnings. Each text once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notes(Vec<String>);

impl Notes {
    /// Adds a remark, if it is not there yet.
    pub fn add(&mut self, text: impl Into<String>) {
        let text = text.into();
        if !self.0.contains(&text) {
            self.0.push(text);
        }
    }

    /// The remarks in the order they came.
    pub fn into_vec(self) -> Vec<String> {
        self.0
    }

    /// Whether a remark holds this text.
    pub fn mention(&self, text: &str) -> bool {
        self.0.iter().any(|note| note.contains(text))
    }
}

/// What matters in one passage.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KeyPoints {
    /// Short lines for a slide, the order of the passage kept; at most [`MAX_POINTS`].
    pub points: Vec<String>,
    /// How much the passage matters beside others, 0 to 1.
    pub weight: f64,
}

/// Lines on one slide.
pub const MAX_POINTS: usize = 6;
/// Columns of one line on a slide (an ideograph has two); longer ones are cut.
pub const POINT_COLUMNS: usize = 120;
/// Columns of a slide's title.
pub const TITLE_COLUMNS: usize = 140;

/// What a slide is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The first: what it is about.
    Title,
    /// What will come.
    Agenda,
    /// A chapter begins.
    Chapter,
    /// Content.
    Points,
    /// What to remember.
    Closing,
}

/// One slide to be.
#[derive(Clone, Debug, PartialEq)]
pub struct Planned {
    /// What it is there for.
    pub role: Role,
    /// One line.
    pub title: String,
    /// Lines on it; may be empty.
    pub points: Vec<String>,
    /// Indices into [`Content::passages`] of what it shows and says.
    pub passages: Vec<usize>,
}

/// The slides to be, in order; never empty.
#[derive(Clone, Debug, PartialEq)]
pub struct Outline {
    /// Of the lecture.
    pub title: String,
    /// The slides.
    pub slides: Vec<Planned>,
}

/// What can be asked of a script writer. Every operation works on whole texts and keeps their order and number.
pub trait Writer {
    /// What it is, for reports: `the local writer`, `gpt-x at https://…`.
    fn name(&self) -> String;

    /// Finds what matters, for each passage of `content`.
    ///
    /// # Errors
    /// Those of the service; the local writer has none.
    fn analyse(&self, content: &Content, brief: &Brief, notes: &mut Notes) -> Result<Vec<KeyPoints>, WriterError>;

    /// Plans the slides. `points` come from [`analyse`](Writer::analyse).
    ///
    /// # Errors
    /// Those of the service; the local writer has none.
    fn outline(&self, content: &Content, points: &[KeyPoints], brief: &Brief, notes: &mut Notes) -> Result<Outline, WriterError>;

    /// Writes what is said at each slide of `outline`: paragraphs one a line; an empty text is a slide without words.
    ///
    /// # Errors
    /// Those of the service; the local writer has none.
    fn write(&self, content: &Content, outline: &Outline, brief: &Brief, notes: &mut Notes) -> Result<Vec<String>, WriterError>;

    /// Polishes a script, slide by slide, as the brief's instructions say. `language` is that of the script.
    ///
    /// # Errors
    /// Those of the service; the local writer has none.
    fn revise(&self, script: &[String], language: &str, brief: &Brief, notes: &mut Notes) -> Result<Vec<String>, WriterError>;

    /// Puts each text into another language; `None` when this writer cannot.
    ///
    /// # Errors
    /// Those of the service; the local writer has none.
    fn translate(&self, texts: &[String], from: &str, to: &str, notes: &mut Notes) -> Result<Option<Vec<String>>, WriterError>;

    /// Puts captions into another language, for the same film. Each group holds the captions of whole sentences, in order; it comes back
    /// with as many texts, none blank. `None` when this writer cannot, as by default.
    ///
    /// # Errors
    /// Those of the service; the local writer has none.
    fn translate_captions(
        &self,
        groups: &[Vec<String>],
        from: &str,
        to: &str,
        notes: &mut Notes,
    ) -> Result<Option<Vec<Vec<String>>>, WriterError> {
        let _ = (groups, from, to, notes);
        Ok(None)
    }

    /// One text of about `length` of speech about all of the content, in order.
    ///
    /// # Errors
    /// Those of the service; the local writer has none.
    fn summarise(&self, content: &Content, length: Span, brief: &Brief, notes: &mut Notes) -> Result<String, WriterError>;

    /// Makes a conversation of what one presenter would say, scene by scene. `language` is that of the scenes. By default the local
    /// writer's: host and guest share the sentences.
    ///
    /// # Errors
    /// Those of the service; the local writer has none.
    fn converse(&self, scenes: &[Scene], language: &str, brief: &Brief, notes: &mut Notes) -> Result<Vec<Vec<Turn>>, WriterError> {
        let _ = brief;
        notes.add("the conversation was put together by the local writer: the sentences are shared between host and guest by rules");
        Ok(local::converse(scenes, language))
    }
}
