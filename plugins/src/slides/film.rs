//! A part of a film, tick by tick: decoded, fitted and resampled on a thread of its own, a few ticks ahead of whoever shows it.
//!
//! Every step is a function of the clip and of the time in it alone: the picture that covers the tick, and the samples of the tick. The
//! thread ends with the clip, or when its film is dropped.

use crate::gst::{FilmPictures, FilmReader, GstError, Track};
use crate::lesson::Clip;
use crate::pixels::{PixelError, letterbox, scale_frame};
use crate::resampler::Converter;
use engine::frame::{Size, VideoFrame};
use engine::media::{AudioBlock, AudioCaps};
use engine::node::{Failure, Result};
use engine::packet::Packet;
use engine::pool::Pool;
use engine::registry::Defaults;
use engine::run::{Bridge, Cancel};
use engine::time::{Rate, Span, Time};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Steps that may be ready.
const AHEAD: usize = 6;
/// So short a fade takes the click off a sound that begins in its middle, and is not heard.
const SHORTEST_FADE: Span = Span::from_millis(10);
/// Blocks of a film's sound whose times differ less from where they are due go on: times are rounded.
const GAP: Span = Span::from_millis(10);
/// The last picture of a whole film stands for less than this.
const BREAK: Span = Span::SECOND;

/// One tick of a film.
#[derive(Default)]
pub struct Step {
    /// The picture, when it is another than at the tick before; at the first tick unless there is none.
    pub picture: Option<VideoFrame>,
    /// The mono samples of the tick; none where the film is silent.
    pub sound: Option<Vec<f32>>,
    /// Why pictures or sound end here.
    pub fault: Option<String>,
}

/// How a clip is shown.
#[derive(Clone, Copy)]
pub struct Showing {
    /// The time in the clip at the first step. Past its end the last picture shows.
    pub elapsed: Span,
    /// Over how much of its beginning the sound is faded in.
    pub fade_in: Span,
    /// What of it is asked for.
    pub wanted: Wanted,
}

/// What of a clip is asked for.
#[derive(Clone, Copy)]
pub struct Wanted {
    /// Its pictures.
    pub pictures: bool,
    /// Its sound, where it has some.
    pub sound: bool,
}

/// A clip under way.
pub struct Film {
    steps: Bridge<Step>,
    stop: Arc<AtomicBool>,
    /// The next step, where it has been looked at.
    first: Option<Step>,
    /// The picture that shows.
    shown: Option<VideoFrame>,
}

impl Film {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn open(clip: &Clip, showing: Showing, defaults: Defaults, cancel: &Cancel) -> Result<Film> {
        let stop = Arc::new(AtomicBool::new(false));
        let (done, steps) = Bridge::new(AHEAD, cancel);
        let mut projector = Projector::new(clip.clone(), showing, defaults, stop.clone());
        let work = move || while projector.step().is_some_and(|step| done.send(step).is_ok()) {};
        std::thread::Builder::new().name("film".into()).spawn(work)?;
        Ok(Film { steps, stop, first: None, shown: None })
    }

    /// The next step, which stays the next one; always with the picture that shows then, if there is one.
    ///
    /// # Errors
    /// When the run is cancelled or flushed meanwhile.
    pub fn look(&mut self) -> Result<&mut Step> {
        let mut first = match self.first.take() {
            Some(first) => first,
            None => self.steps.recv()?.unwrap_or_default(),
        };
        first.picture = first.picture.or_else(|| self.shown.clone());
        Ok(self.first.insert(first))
    }

    /// The next step; `None` when the clip is over.
    ///
    /// # Errors
    /// When the run is cancelled or flushed meanwhile.
    pub fn step(&mut self) -> Result<Option<Step>> {
        let step = match self.first.take() {
            Some(step) => Some(step),
            None => self.steps.recv()?,
        };
        if let Some(picture) = step.as_ref().and_then(|step| step.picture.as_ref()) {
            self.shown = Some(picture.clone());
        }
        Ok(step)
    }
}

impl Drop for Film {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// What the thread does.
struct Projector {
    clip: Clip,
    showing: Showing,
    defaults: Defaults,
    stop: Arc<AtomicBool>,
    pictures: Source<FilmPictures>,
    sound: Source<FilmSound>,
    pool: Pool,
    /// Steps made.
    made: i64,
}

/// A track that is opened when it is first needed, and left when it fails.
enum Source<T> {
    Closed,
    Open(T),
    Over,
}

impl Projector {
    fn new(clip: Clip, showing: Showing, defaults: Defaults, stop: Arc<AtomicBool>) -> Projector {
        let sound = if clip.sound && showing.wanted.sound { Source::Closed } else { Source::Over };
        let pictures = if showing.wanted.pictures { Source::Closed } else { Source::Over };
        Projector { clip, showing, defaults, stop, pictures, sound, pool: Pool::new(), made: 0 }
    }

    fn step(&mut self) -> Option<Step> {
        let time = |count: i64| self.showing.elapsed + self.defaults.fps.span_of(count);
        let (at, until) = (time(self.made), time(self.made + 1));
        // There is a first step of a clip that is over, too: its last picture.
        if self.made > 0 && at >= self.clip.length || self.stop.load(Ordering::Relaxed) {
            return None;
        }
        self.made += 1;
        let mut step = Step::default();
        match self.picture(at) {
            Ok(picture) => step.picture = picture,
            Err(error) => {
                self.pictures = Source::Over;
                step.fault = Some(format!("{} does not show further: {error}", self.clip.path.display()));
            }
        }
        if self.breaks_off(at) {
            self.pictures = Source::Over;
            step.fault =
                Some(format!("{} breaks off; it should go on for {} more", self.clip.path.display(), seconds(self.clip.length - at)));
        }
        match self.samples(at, until) {
            Ok(samples) => step.sound = samples,
            Err(error) => {
                self.sound = Source::Over;
                step.fault.get_or_insert(format!("{} is not heard further: {error}", self.clip.path.display()));
            }
        }
        Some(step)
    }

    fn picture(&mut self, at: Span) -> std::result::Result<Option<VideoFrame>, FilmError> {
        // A picture of what comes after the part may be due by rounding.
        let at = self.clip.from + at.min(self.clip.length - Span::from_millis(2)).max(Span::ZERO);
        if let Source::Closed = self.pictures {
            self.pictures = Source::Open(FilmPictures::open(&self.clip.path, at, self.stop.clone())?);
        }
        let Source::Open(pictures) = &mut self.pictures else { return Ok(None) };
        let Some(picture) = pictures.covering(at, &self.pool)? else { return Ok(None) };
        // Pixels become square first, then the picture is fitted.
        let shape = Size::new(picture.shape.width.next_multiple_of(2), picture.shape.height.next_multiple_of(2));
        let stored = picture.frame.size();
        let is_square = shape.width.abs_diff(stored.width) <= 2 && shape.height.abs_diff(stored.height) <= 2;
        let square = if is_square { picture.frame } else { scale_frame(&picture.frame, shape, &self.pool)? };
        Ok(Some(letterbox(&square, self.defaults.size, &self.pool)?))
    }

    /// Neither pictures nor sound have come for a while, though the film says that it is longer.
    fn breaks_off(&self, at: Span) -> bool {
        let Source::Open(pictures) = &self.pictures else { return false };
        let is_silent = match &self.sound {
            Source::Open(sound) => sound.ended && sound.ready.is_empty(),
            // Not asked for, it may go on.
            _ => !self.clip.sound,
        };
        is_silent && pictures.ended().is_some_and(|last| last + BREAK < self.clip.from + at)
    }

    /// The samples between two times in the clip.
    fn samples(&mut self, at: Span, until: Span) -> std::result::Result<Option<Vec<f32>>, FilmError> {
        let rate = self.defaults.sample_rate;
        let index = |span: Span| rate.index_from(Time::ZERO + span);
        let (first, last, all) = (index(at), index(until), index(self.clip.length));
        if let Source::Closed = self.sound {
            self.sound = Source::Open(FilmSound::open(&self.clip, at, rate, self.stop.clone())?);
        }
        let Source::Open(sound) = &mut self.sound else { return Ok(None) };
        let mut samples = sound.take(first, last)?;
        let length = |span: Span| rate.count_in(span.max(SHORTEST_FADE)).max(1) as f32;
        let (fade_in, fade_out) = (length(self.showing.fade_in), length(self.clip.fade_out));
        for (index, sample) in (first..).zip(&mut samples) {
            let (gone, left) = (index as f32 + 0.5, (all - index) as f32 - 0.5);
            *sample *= (gone / fade_in).min(left / fade_out).clamp(0.0, 1.0);
        }
        Ok(Some(samples))
    }
}

fn seconds(span: Span) -> String {
    format!("{:.1} s", span.as_seconds())
}

/// Why a film does not go on.
#[derive(Debug, thiserror::Error)]
enum FilmError {
    #[error(transparent)]
    Film(#[from] GstError),
    #[error(transparent)]
    Pixels(#[from] PixelError),
    #[error("its sound cannot be brought to the rate of the graph: {0}")]
    Rate(Failure),
}

/// The sound of a clip by sample index at the rate of the graph, from the clip's start.
struct FilmSound {
    reader: FilmReader,
    rate: Rate,
    /// Index in the film of the clip's first sample.
    origin: i64,
    /// What has been decoded and not been taken: index in the film of its first sample, samples.
    ready: VecDeque<(i64, Vec<f32>)>,
    stretch: Option<Stretch>,
    ended: bool,
}

/// Blocks that follow each other without a gap.
struct Stretch {
    rate: u32,
    /// When the next block is due in the film.
    due: Span,
    /// `None` where the film has the wanted rate: the index of the next sample.
    converter: std::result::Result<Box<Converter>, i64>,
}

impl FilmSound {
    fn open(clip: &Clip, at: Span, rate: Rate, stop: Arc<AtomicBool>) -> std::result::Result<FilmSound, FilmError> {
        let reader = FilmReader::open(&clip.path, Track::Sound, clip.from + at, stop)?;
        Ok(FilmSound { reader, rate, origin: nearest(rate, clip.from), ready: VecDeque::new(), stretch: None, ended: false })
    }

    /// The samples from `first` to before `last`; zero where the film has none. Indices only increase from call to call.
    fn take(&mut self, first: i64, last: i64) -> std::result::Result<Vec<f32>, FilmError> {
        let (first, last) = (first + self.origin, last + self.origin);
        while !self.ended && self.ready.back().is_none_or(|(index, samples)| index + (samples.len() as i64) < last) {
            self.decode(first)?;
        }
        let mut taken = vec![0.0; (last - first).max(0) as usize];
        for (index, samples) in &self.ready {
            let from = (*index).max(first);
            let to = (index + samples.len() as i64).min(last);
            if from < to {
                taken[(from - first) as usize..(to - first) as usize]
                    .copy_from_slice(&samples[(from - index) as usize..(to - index) as usize]);
            }
        }
        self.forget(last);
        Ok(taken)
    }

    /// What lies before `index` is not asked for any more.
    fn forget(&mut self, index: i64) {
        while self.ready.front().is_some_and(|(start, samples)| start + (samples.len() as i64) <= index) {
            self.ready.pop_front();
        }
    }

    fn decode(&mut self, wanted: i64) -> std::result::Result<(), FilmError> {
        let block = self.reader.sound()?;
        let goes_on =
            |stretch: &Stretch| block.as_ref().is_some_and(|block| block.rate == stretch.rate && (block.at - stretch.due).0.abs() <= GAP.0);
        if self.stretch.as_ref().is_some_and(|stretch| !goes_on(stretch))
            && let Some(Stretch { converter: Ok(mut converter), .. }) = self.stretch.take()
        {
            let rest = converter.finish().map_err(FilmError::Rate)?;
            self.keep(rest);
        }
        let Some(block) = block else {
            self.ended = true;
            return Ok(());
        };
        if self.stretch.is_none() {
            self.stretch = Some(self.begin(block.rate, block.at)?);
        }
        let Some(stretch) = &mut self.stretch else { return Ok(()) };
        let rate = Rate::per_second(stretch.rate);
        let start = stretch.due;
        stretch.due += rate.span_of(block.samples.len() as i64);
        match &mut stretch.converter {
            Err(index) => {
                let at = *index;
                *index += block.samples.len() as i64;
                self.ready.push_back((at, block.samples));
            }
            Ok(converter) => {
                let block = AudioBlock::mono(block.samples, rate);
                let blocks = converter.push(&Packet::lasting(Time::ZERO + start, block.duration(), block)).map_err(FilmError::Rate)?;
                self.keep(blocks);
            }
        }
        self.forget(wanted);
        Ok(())
    }

    fn begin(&self, rate: u32, at: Span) -> std::result::Result<Stretch, FilmError> {
        let unusual = || FilmError::Rate(Failure::msg(format!("it has {rate} samples a second")));
        let from = Rate::new(rate, 1).ok_or_else(unusual)?;
        let converter = match from == self.rate {
            true => Err(nearest(self.rate, at)),
            false => Ok(Box::new(Converter::new(AudioCaps { rate: from, channels: 1 }, self.rate).map_err(FilmError::Rate)?)),
        };
        Ok(Stretch { rate, due: at, converter })
    }

    fn keep(&mut self, blocks: Vec<Packet<AudioBlock>>) {
        let rate = self.rate;
        self.ready.extend(blocks.into_iter().map(|block| (nearest(rate, block.pts.since_start()), block.media.samples().to_vec())));
    }
}

/// The index of the sample nearest to a time.
fn nearest(rate: Rate, at: Span) -> i64 {
    rate.index_at(Time::ZERO + at + Span(rate.interval().0 / 2))
}

#[cfg(test)]
#[path = "film_tests.rs"]
mod tests;
