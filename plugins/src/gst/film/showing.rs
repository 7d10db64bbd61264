//! The pictures of a film by the time at which they show.

use super::super::error::GstError;
use super::{FilmPicture, FilmReader, Track};
use engine::pool::Pool;
use engine::time::Span;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Containers round times: Matroska to milliseconds.
const ROUNDING: Span = Span::from_millis(1);

/// The pictures of a film by the time at which they show.
pub struct FilmPictures {
    reader: FilmReader,
    next: Option<FilmPicture>,
    begun: bool,
    ended: bool,
    last: Span,
}

impl FilmPictures {
    /// When the last picture came, once there is none after it.
    pub fn ended(&self) -> Option<Span> {
        self.ended.then_some(self.last)
    }

    /// Opens a film; the first time asked for is about `from`.
    ///
    /// # Errors
    /// As [`FilmReader::open`].
    pub fn open(path: &Path, from: Span, stop: Arc<AtomicBool>) -> Result<FilmPictures, GstError> {
        Ok(FilmPictures {
            reader: FilmReader::open(path, Track::Pictures, from, stop)?,
            next: None,
            begun: false,
            ended: false,
            last: Span::ZERO,
        })
    }

    /// The picture that shows at `at`, where it is another than at the time asked for before; times only increase. Before the first
    /// picture the first one shows, after the last one the last. A picture that is due up to 1 ms later counts as there: there are
    /// containers that round times to milliseconds.
    ///
    /// # Errors
    /// When the film is damaged, or does not go on. What shows then may still be asked for with the next call.
    pub fn covering(&mut self, at: Span, pool: &Pool) -> Result<Option<FilmPicture>, GstError> {
        let mut shown = None;
        loop {
            let next = match self.next.take() {
                Some(next) => Some(next),
                None => self.reader.picture(pool)?,
            };
            match next {
                Some(next) if next.at <= at + ROUNDING || !self.begun => {
                    (self.begun, self.last) = (true, next.at);
                    shown = Some(next);
                }
                next => {
                    self.ended = next.is_none();
                    self.next = next;
                    return Ok(shown);
                }
            }
        }
    }
}
