//! The movie file, written once and whole.
//!
//! While units come, each track gathers a chunk of half a second in memory and spills it to `PATH.media.part`. `finish` knows all
//! sizes: it writes `ftyp`, `moov` and the head of `mdat` to `PATH.part`, copies the chunks behind them ordered by time, syncs, and
//! renames to `PATH`. A second pass rather than room reserved for `moov`: its size is not known beforehand; and as the chunks are put
//! in order only now, the bytes do not depend on how the tracks' units came interleaved. It costs one copy of the data, within the
//! kernel, and for its time twice the space.

use std::io;
use std::path::{Path, PathBuf};

use engine::time::{Span, Time};

use super::Mp4Error;
use super::Synthetic;
use super::entry;
use super::gather::Gathered;
use super::layout::{Laid, Layout};
use super::scale::TimeScale;
use super::spec::{Movie, MovieSpec, Unit};
use super::spill::Spill;
use super::text::{Caption, Chapter, caption_samples, chapter_sample, settle_chapters};
use super::trak::Role;
use crate::part_file::{FileError, PartFile};

/// Writes one movie. Dropped before `finish`, it leaves nothing behind.
#[derive(Debug)]
pub struct Mp4Writer {
    path: PathBuf,
    spec: MovieSpec,
    movie: Movie,
    tracks: Vec<Gathered>,
    captions: Vec<Caption>,
    chapters: Vec<Chapter>,
    spill: Spill,
    /// The size above which a file needs 64-bit offsets; a field so that tests need not write 4 GiB.
    pub(super) large_from: u64,
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Where the movie is.
    pub path: PathBuf,
    /// Its size in bytes.
    pub bytes: u64,
    /// The length of the programme.
    pub duration: Span,
    /// Units by track, as in `MovieSpec::tracks`.
    pub units: Vec<usize>,
    /// Chapters, after they were settled.
    pub chapters: usize,
}

impl Mp4Writer {
    /// Checks the spec and opens `PATH.media.part`; nothing is at `PATH` before `finish`, and what is there stays until then.
    ///
    /// # Errors
    /// A spec that cannot be written; a folder that is missing or cannot be written to.
    pub fn create(path: impl Into<PathBuf>, spec: MovieSpec) -> Result<Mp4Writer, Mp4Error> {
        let path = path.into();
        let movie = Movie::new(&spec)?;
        if path.is_dir() {
            return Err(FileError::create(&path)(io::ErrorKind::IsADirectory.into()).into());
        }
        let spill = Spill::create(&path)?;
        let tracks = movie.tracks.iter().map(|_| Gathered::default()).collect();
        let large_from = u32::MAX.into();
        Ok(Mp4Writer { path, spec, movie, tracks, captions: Vec::new(), chapters: Vec::new(), spill, large_from })
    }

    /// Where the movie will be.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds a unit to the track of this index in `MovieSpec::tracks`. Within a track units come in decoding order, tracks among each
    /// other as they like.
    ///
    /// # Errors
    /// A unit that cannot be written (see [`Mp4Error::Unit`]); a full disk.
    pub fn push(&mut self, track: usize, unit: Unit<'_>) -> Result<(), Mp4Error> {
        let checked = self.movie.track(track)?;
        let gathered = &mut self.tracks[track];
        checked.check(track, &unit, gathered.is_empty())?;
        gathered.push(unit, &mut self.spill)
    }

    /// Adds a soft caption, shown from `start` until `end`; its lines are parted by `\n`. Captions that overlap are shown together.
    ///
    /// # Errors
    /// [`Mp4Error::Text`]: before the programme, without length, or beyond 65,535 bytes.
    pub fn caption(&mut self, start: Time, end: Time, text: &str) -> Result<(), Mp4Error> {
        self.captions.push(Caption::new(start, end, text)?);
        Ok(())
    }

    /// Adds a chapter, which lasts until the next one. Where the first starts after zero, one with the movie's title comes before it;
    /// one that starts at or after the movie's end is left out.
    ///
    /// # Errors
    /// [`Mp4Error::Text`]: before the programme, or a title beyond 65,535 bytes.
    pub fn chapter(&mut self, start: Time, title: &str) -> Result<(), Mp4Error> {
        self.chapters.push(Chapter::new(start, title)?);
        Ok(())
    }

    /// Says at the end what was made by a computer, in place of what the spec says.
    pub fn synthetic(&mut self, synthetic: Synthetic) {
        self.spec.synthetic = synthetic;
    }

    /// Completes the movie, which lasts from zero to `end`: the last picture until then, and the sound to the sample.
    ///
    /// # Errors
    /// A track without units, two units at one time, an end before the last picture; a full disk. Nothing is left behind then.
    pub fn finish(mut self, end: Time) -> Result<Summary, Mp4Error> {
        let chapters = settle_chapters(std::mem::take(&mut self.chapters), self.spec.title.as_deref().unwrap_or_default(), end);
        let tracks = self.lay(&chapters, end)?;
        let units = tracks.iter().take(self.spec.tracks.len()).map(|track| track.slots.len()).collect();
        let mut layout = Layout { spec: &self.spec, scale: self.movie.scale, end, tracks, chapters: &chapters };
        let (head, chunks) = layout.place(self.large_from)?;

        let mut file = PartFile::create(&self.path)?;
        file.write(&head)?;
        let mut bytes = head.len() as u64;
        for run in chunks.chunk_by(|a, b| a.position + a.bytes == b.position) {
            let length = run.iter().map(|chunk| chunk.bytes).sum();
            self.spill.copy_to(&mut file, run[0].position, length)?;
            bytes += length;
        }
        file.keep()?;
        Ok(Summary { path: self.path, bytes, duration: end.since_start(), units, chapters: chapters.len() })
    }

    /// Closes all tracks, makes those of text, and settles every unit's times.
    fn lay(&mut self, chapters: &[Chapter], end: Time) -> Result<Vec<Laid>, Mp4Error> {
        let scale = self.movie.scale;
        let mut laid = Vec::new();
        for (index, (gathered, track)) in std::mem::take(&mut self.tracks).into_iter().zip(&self.movie.tracks).enumerate() {
            if gathered.is_empty() {
                return Err(Mp4Error::EmptyTrack { track: index, kind: track.media.name() });
            }
            let table = gathered.finish(&mut self.spill)?;
            laid.push(Laid::new(index, Role::Media(track.media), track.scale, track.entry.clone(), table, end, scale)?);
        }
        let (width, height) = self.movie.size();
        let captions = caption_samples(std::mem::take(&mut self.captions), end);
        let titles: Vec<_> = chapters.iter().map(|chapter| (chapter.start, chapter_sample(&chapter.title))).collect();
        let texts =
            [(Role::Captions { width, height }, entry::tx3g(width, height)?, captions), (Role::Chapters, entry::quicktime_text()?, titles)];
        for (role, entry, samples) in texts.into_iter().filter(|(_, _, samples)| !samples.is_empty()) {
            let mut gathered = Gathered::default();
            for (pts, data) in &samples {
                gathered.push(Unit { pts: *pts, keyframe: true, data }, &mut self.spill)?;
            }
            let table = gathered.finish(&mut self.spill)?;
            laid.push(Laid::new(laid.len(), role, TimeScale::of_text(), entry, table, end, scale)?);
        }
        Ok(laid)
    }
}
