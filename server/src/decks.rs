//! Decks as commands are given them.

use crate::failure::Failure;
use crate::signals::Signals;
use clap::Args;
use engine::graph::unit::DurationSetting;
use plugins::lesson::{self, ImportOptions, Lesson, import_shared, select};
use std::path::{Path, PathBuf};
use std::sync::Arc;

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

/// How a command reads a deck.
#[derive(Args, Clone, Copy, Debug)]
pub struct DeckOptions {
    /// How long LibreOffice may take over the deck before it is stopped.
    #[arg(long, value_name = "TIME", default_value = "120s")]
    conversion_limit: DurationSetting,
}

impl DeckOptions {
    /// A path that holds the deck as it is now: a presentation on the web is brought into the cache. A signal stops it.
    ///
    /// # Errors
    /// The service refuses or cannot be reached, or the signal.
    pub fn fetch(&self, deck: &Path) -> Result<PathBuf, Failure> {
        Ok(lesson::fetch(deck, &self.options())?)
    }

    /// Reads a deck. A signal stops it, LibreOffice with it.
    ///
    /// # Errors
    /// What is wrong with the deck, or the signal.
    pub fn import(&self, deck: &Path) -> Result<Arc<Lesson>, Failure> {
        Ok(import_shared(deck, &self.options())?)
    }

    fn options(&self) -> ImportOptions {
        ImportOptions {
            libreoffice_timeout: self.conversion_limit.0.to_std(),
            cancel: Signals::listen().cancel(),
            ..ImportOptions::default()
        }
    }
}

/// What of a deck is given, and by whom.
#[derive(Args, Clone, Debug)]
pub struct LectureOptions {
    /// Who speaks: a name from `lectern voices`, or the path of a Piper voice (.onnx).
    #[arg(long, value_name = "VOICE")]
    voice: Option<String>,
    /// Who is seen: a name from `lectern avatars`.
    #[arg(long, value_name = "NAME")]
    avatar: Option<String>,
    /// Only these slides, by their numbers in the deck: 3-5,8.
    #[arg(long, value_name = "SLIDES")]
    slides: Option<String>,
}

impl LectureOptions {
    /// The variables of a graph that were given.
    pub fn variables(&self) -> impl Iterator<Item = (&'static str, &String)> {
        let all = [("voice", &self.voice), ("avatar", &self.avatar), ("slides", &self.slides)];
        all.into_iter().filter_map(|(name, value)| Some((name, value.as_ref()?)))
    }

    /// Which slides of a lesson.
    ///
    /// # Errors
    /// The choice names none of them.
    pub fn choose(&self, lesson: &Lesson) -> Result<Vec<usize>, Failure> {
        Ok(select(lesson, self.slides.as_deref().unwrap_or("all"))?)
    }
}
