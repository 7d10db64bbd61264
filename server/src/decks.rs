//! Decks as commands are given them.

use crate::failure::Failure;
use crate::signals::Signals;
use clap::Args;
use engine::graph::unit::DurationSetting;
use plugins::lesson::{ImportOptions, Lesson, import_shared};
use std::path::Path;
use std::sync::Arc;

/// How a command reads a deck.
#[derive(Args, Clone, Copy, Debug)]
pub struct DeckOptions {
    /// How long LibreOffice may take over the deck before it is stopped.
    #[arg(long, value_name = "TIME", default_value = "120s")]
    conversion_limit: DurationSetting,
}

impl DeckOptions {
    /// Reads a deck. A signal stops it, LibreOffice with it.
    ///
    /// # Errors
    /// What is wrong with the deck, or the signal.
    pub fn import(&self, deck: &Path) -> Result<Arc<Lesson>, Failure> {
        let options = ImportOptions {
            libreoffice_timeout: self.conversion_limit.0.to_std(),
            cancel: Signals::listen().cancel(),
            ..ImportOptions::default()
        };
        Ok(import_shared(deck, &options)?)
    }
}
