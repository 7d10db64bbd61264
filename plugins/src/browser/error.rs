//! Why a page could not be shown, said so that the reader knows what to change.

use crate::net::guard::Refused;
use std::path::PathBuf;
use std::time::Duration;

/// See the module docs. The text continues "the page ADDRESS cannot be captured: ".
#[derive(Debug, thiserror::Error)]
pub enum BrowserError {
    /// The address may not be asked for.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// There is no such program.
    #[error("there is no program {}; install Chromium (sudo apt-get install chromium), or give the slide a poster", program.display())]
    Missing {
        /// As set.
        program: PathBuf,
    },
    /// It does not run, or it ended.
    #[error("the browser {doing}{}", said(output))]
    Died {
        /// `does not start` and the like.
        doing: &'static str,
        /// The last lines that it wrote.
        output: String,
    },
    /// It does not do what it is asked to.
    #[error("the browser refuses {method}: {text}")]
    Protocol {
        /// Of the DevTools protocol.
        method: &'static str,
        /// What it says.
        text: String,
    },
    /// It does not answer in time.
    #[error("the browser does not answer to {method}; the page may keep it busy")]
    Silent {
        /// Of the DevTools protocol.
        method: &'static str,
    },
    /// The page cannot be loaded.
    #[error("{0}")]
    Page(String),
    /// Nothing of it was to be seen in time.
    #[error("nothing of it was to be seen within {} s; give it more time (pages: {{ limit: … }}), or give the slide a poster", .0.as_secs_f64())]
    TimedOut(Duration),
    /// Something else that the system refuses.
    #[error("{0}")]
    System(#[from] std::io::Error),
    /// The captured pictures cannot be made a film.
    #[error("its pictures cannot be stored: {0}")]
    Film(String),
    /// The user stopped it.
    #[error("stopped")]
    Cancelled,
}

fn said(output: &str) -> String {
    if output.is_empty() { String::new() } else { format!(" (it said: {output})") }
}
