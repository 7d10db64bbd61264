//! Recorded narration, decoded on a thread of its own: live, the next recording is read while another slide is heard, for a long one takes
//! seconds. The last two stay, so that a slide that is made again after a flush does not wait.

use super::decode::{DecodeError, decode};
use super::narrator::give_way;
use super::viseme::{Viseme, visemes_from_sound};
use super::voice::{Timed, gain_of};
use engine::node::{Failure, Result};
use engine::run::{Bridge, Cancel};
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Recordings held at once: the one that is heard and the next.
const HELD: usize = 2;

/// A recording, ready to be heard.
pub(super) struct Recording {
    /// Mono at 48 kHz, as recorded.
    pub samples: Vec<f32>,
    /// What brings it to the loudness of the voices. Measured over this recording only.
    pub gain: f32,
    /// The mouth shapes heard in it.
    pub visemes: Vec<Timed<Viseme>>,
}

impl Recording {
    fn read(path: &Path) -> std::result::Result<Recording, DecodeError> {
        let samples = decode(path)?;
        Ok(Recording { visemes: visemes_from_sound(&samples), gain: gain_of(&samples), samples })
    }
}

enum State {
    Coming(Bridge<std::result::Result<Recording, DecodeError>>),
    There(Arc<Recording>),
}

/// The recordings of a lesson, as they are needed.
pub(super) struct Recordings {
    /// Those asked for last come last.
    held: VecDeque<(PathBuf, State)>,
    cancel: Cancel,
}

impl Recordings {
    /// None yet.
    pub fn new(cancel: Cancel) -> Recordings {
        Recordings { held: VecDeque::new(), cancel }
    }

    /// Begins to read a recording that will be needed, if it is not there yet. `hurry` is for one that somebody waits for.
    pub fn ask(&mut self, path: &Path, hurry: bool) -> Result {
        if let Some(held) = self.held.iter().position(|(held, _)| held == path).and_then(|place| self.held.remove(place)) {
            self.held.push_back(held);
            return Ok(());
        }
        let (done, line) = Bridge::new(1, &self.cancel);
        let wanted = path.to_owned();
        let work = move || {
            if !hurry {
                give_way();
            }
            // The receiver is gone when the run ended meanwhile.
            let _ = done.send(Recording::read(&wanted));
        };
        std::thread::Builder::new().name("recording".into()).spawn(work)?;
        if self.held.len() == HELD {
            self.held.pop_front();
        }
        self.held.push_back((path.to_owned(), State::Coming(line)));
        Ok(())
    }

    /// A recording, waited for where it has not been read yet.
    ///
    /// # Errors
    /// When it cannot be read, or the run ends or flushes meanwhile; after a flush it is still on its way.
    pub fn get(&mut self, path: &Path) -> Result<Arc<Recording>> {
        self.ask(path, true)?;
        let (path, state) = self.held.pop_back().ok_or_else(|| Failure::msg("no recording was asked for"))?;
        let recording = match &state {
            State::There(recording) => Arc::clone(recording),
            State::Coming(line) => match line.recv() {
                Ok(read) => Arc::new(read.ok_or_else(|| Failure::msg("the thread of a recording ended without an answer"))??),
                Err(failure) => {
                    self.held.push_back((path, state));
                    return Err(failure);
                }
            },
        };
        self.held.push_back((path, State::There(Arc::clone(&recording))));
        Ok(recording)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hound::{SampleFormat, WavSpec, WavWriter};

    fn wav(folder: &Path, name: &str, level: f32) -> PathBuf {
        let path = folder.join(name);
        let spec = WavSpec { channels: 1, sample_rate: 48_000, bits_per_sample: 32, sample_format: SampleFormat::Float };
        let mut writer = WavWriter::create(&path, spec).unwrap();
        (0..48_000).for_each(|sample| writer.write_sample((sample as f32 / 20.0).sin() * level).unwrap());
        writer.finalize().unwrap();
        path
    }

    #[test]
    fn two_are_held_and_what_is_held_is_not_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let paths = ["a.wav", "b.wav", "c.wav"].map(|name| wav(folder.path(), name, 0.1));
        let mut recordings = Recordings::new(Cancel::default());
        let first = recordings.get(&paths[0]).unwrap();
        recordings.ask(&paths[1], false).unwrap();
        assert!(Arc::ptr_eq(&first, &recordings.get(&paths[0]).unwrap()), "it is held");
        recordings.get(&paths[1]).unwrap();
        recordings.get(&paths[2]).unwrap();
        assert!(!Arc::ptr_eq(&first, &recordings.get(&paths[0]).unwrap()), "only two are");
        let loud = super::super::voice::loudness(&first.samples.iter().map(|sample| sample * first.gain).collect::<Vec<_>>()).unwrap();
        assert!((loud - super::super::voice::TARGET_LUFS).abs() < 0.1, "{loud}");
    }

    #[test]
    fn what_cannot_be_read_is_told_when_it_is_needed_and_may_be_mended() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("later.wav");
        let mut recordings = Recordings::new(Cancel::default());
        recordings.ask(&path, false).unwrap();
        let error = recordings.get(&path).map(drop).unwrap_err().to_string();
        assert!(error.contains("later.wav"), "{error}");
        wav(folder.path(), "later.wav", 0.1);
        recordings.get(&path).unwrap();
    }
}
