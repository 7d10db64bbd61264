//! Films taken apart: the pictures or the sound of a file, decoded, in order, as they are asked for.
//!
//! Each track is read by a pipeline of its own, so that one that is not asked for cannot hold up the other, however the file interleaves
//! them. What has been decoded and not been taken is a few pictures or blocks. Times are those of the film: edit lists, the delay of an
//! encoder and the order of decoding are accounted for. The other track is not decoded at all, nor pictures that are too large.

mod picture;
mod range;
mod showing;
mod tracks;

pub use showing::FilmPictures;

use super::error::GstError;
use engine::frame::{Size, VideoFrame};
use engine::pool::Pool;
use engine::time::Span;
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app::AppSink;
use gstreamer_video::{VideoFrameRef, VideoInfo};
use picture::{check_size, copied, shape};
use range::full_range;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tracks::{Found, NO_TRACK, watch};

/// How long the next picture or block may take.
const PATIENCE: Duration = Duration::from_secs(15);
/// How often a waiting reader looks whether it is still wanted.
const LOOK: Duration = Duration::from_millis(100);
/// How long a pipeline that is dropped is waited for.
const STOP_WAIT: Duration = Duration::from_secs(2);
/// What a reader that starts in the middle decodes before: decoders of sound need it to have settled.
const RUN_UP: Span = Span::SECOND;

/// Upright, one picture for each frame.
const PICTURES: &str = "videoconvert dither=none ! capsfilter name=colour ! deinterlace fields=top ! videoflip video-direction=auto \
    ! appsink name=sink sync=false max-buffers=4 enable-last-sample=false";
/// Rates that the exact resampler knows; others are brought to the nearest of them first.
const SOUND: &str = "audioconvert ! audioresample ! audio/x-raw,format=F32LE,layout=interleaved,\
    rate={8000,11025,12000,16000,22050,24000,32000,44100,48000,88200,96000,176400,192000} \
    ! appsink name=sink sync=false max-buffers=16 enable-last-sample=false";

/// Which track of a film.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Track {
    /// What is seen.
    Pictures,
    /// What is heard.
    Sound,
}

/// What is known of a film without decoding all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FilmFacts {
    /// Width and height as shown: turned, and with square pixels.
    pub shape: Size,
    /// Of the longer track.
    pub length: Span,
    /// It can be heard.
    pub has_sound: bool,
}

/// A decoded picture, even on both sides (an odd last column or row is left out).
pub struct FilmPicture {
    /// When it appears in the film.
    pub at: Span,
    /// The picture, as stored.
    pub frame: VideoFrame,
    /// Width and height as shown, with square pixels.
    pub shape: Size,
}

/// A decoded block of sound.
pub struct FilmSound {
    /// When it begins in the film.
    pub at: Span,
    /// The mean of all channels.
    pub samples: Vec<f32>,
    /// Samples a second.
    pub rate: u32,
}

/// One track of a film. Dropping it ends its threads.
pub struct FilmReader {
    pipeline: gst::Pipeline,
    sink: AppSink,
    found: Arc<Found>,
    stop: Arc<AtomicBool>,
}

/// Looks at a film: reads its head and decodes its first picture. Where the file does not tell its length, all of it is decoded.
///
/// # Errors
/// When there are no pictures, they are too large or of an unknown kind, or the file is damaged.
pub fn film_facts(path: &Path) -> Result<FilmFacts, GstError> {
    let pool = Pool::new();
    let mut reader = FilmReader::open(path, Track::Pictures, Span::ZERO, Arc::default())?;
    let first = reader.picture(&pool)?.ok_or_else(|| GstError::film("there is no picture in it"))?;
    let told = reader.pipeline.query_duration::<gst::ClockTime>().filter(|length| !length.is_zero() && tells_length(path));
    let length = match told {
        Some(length) => span_of(length),
        None => reader.decoded_length(first.at, &pool)?,
    };
    Ok(FilmFacts { shape: first.shape, length, has_sound: reader.found.has_sound() })
}

/// Matroska that was written as it came has no length in its head (RFC 9559, 5.1.2.10: element 0x4489, a float); asked for it, its reader
/// names how far it has read.
fn tells_length(path: &Path) -> bool {
    let mut head = Vec::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(64 << 10).read_to_end(&mut head));
    let is_matroska = head.starts_with(b"\x1a\x45\xdf\xa3");
    read.is_ok() && (!is_matroska || head.windows(3).any(|bytes| matches!(bytes, [0x44, 0x89, 0x84 | 0x88])))
}

impl FilmReader {
    /// Opens a track at about `from` or before it; what comes first may lie earlier. `stop` ends a wait from elsewhere.
    ///
    /// # Errors
    /// When an element is missing or the file cannot be opened.
    pub fn open(path: &Path, track: Track, from: Span, stop: Arc<AtomicBool>) -> Result<FilmReader, GstError> {
        super::init()?;
        let found = Arc::new(Found::default());
        let pipeline = gst::Pipeline::new();
        let source = element("filesrc")?;
        source.set_property("location", path);
        let decode = element("decodebin")?;
        let chain = match (track, full_range(path)) {
            (Track::Sound, _) => SOUND.to_string(),
            (Track::Pictures, None) => PICTURES.to_string(),
            (Track::Pictures, Some(colour)) => format!("capssetter name=named caps=video/x-raw,colorimetry=(string){colour} ! {PICTURES}"),
        };
        let chain = gst::parse::bin_from_description(&chain, true).map_err(|error| GstError::from_parser(&error))?;
        let sink = chain.by_name("sink").and_then(|sink| sink.downcast::<AppSink>().ok());
        let sink = sink.ok_or_else(|| GstError::Launch { text: "it has no appsink".into() })?;
        let added = pipeline.add_many([&source, &decode]).and_then(|()| pipeline.add(&chain)).and_then(|()| source.link(&decode));
        added.map_err(|error| GstError::Launch { text: error.to_string() })?;
        watch(&decode, &chain, track, &found);
        let reader = FilmReader { pipeline, sink, found, stop };
        let seeks = from > RUN_UP + RUN_UP;
        reader.set_state(if seeks { gst::State::Paused } else { gst::State::Playing })?;
        if seeks && reader.is_ready()? {
            // Where a film cannot be searched, it is decoded from its beginning.
            let flags = gst::SeekFlags::FLUSH | gst::SeekFlags::ACCURATE;
            let target = gst::ClockTime::from_nseconds((from - RUN_UP).to_nanos().max(0) as u64);
            let _ = reader.pipeline.seek_simple(flags, target);
        }
        reader.set_state(gst::State::Playing)?;
        Ok(reader)
    }

    /// The next picture; `None` after the last one.
    ///
    /// # Errors
    /// When the film is damaged, or does not go on.
    pub fn picture(&mut self, pool: &Pool) -> Result<Option<FilmPicture>, GstError> {
        while let Some(sample) = self.pull()? {
            let Some(at) = time_of(&sample) else { continue };
            let info = sample
                .caps()
                .and_then(|caps| VideoInfo::from_caps(caps).ok())
                .ok_or_else(|| GstError::film("its pictures are of no known kind"))?;
            check_size(info.width(), info.height()).map_err(GstError::film)?;
            let buffer = sample.buffer().ok_or_else(|| GstError::film("it has an empty picture"))?;
            let view =
                VideoFrameRef::from_buffer_ref_readable(buffer, &info).map_err(|_| GstError::film("one of its pictures is cut off"))?;
            let frame = copied(&view, pool)?;
            return Ok(Some(FilmPicture { at, shape: shape(&info), frame }));
        }
        Ok(None)
    }

    /// The next block of sound; `None` after the last one.
    ///
    /// # Errors
    /// As [`FilmReader::picture`].
    pub fn sound(&mut self) -> Result<Option<FilmSound>, GstError> {
        while let Some(sample) = self.pull()? {
            let Some(at) = time_of(&sample) else { continue };
            let fields = sample.caps().and_then(|caps| caps.structure(0)).ok_or_else(|| GstError::film("its sound is of no known kind"))?;
            let number = |name| fields.get::<i32>(name).ok().and_then(|number| u32::try_from(number).ok()).filter(|number| *number > 0);
            let (Some(rate), Some(channels)) = (number("rate"), number("channels")) else {
                return Err(GstError::film("its sound is of no known kind"));
            };
            let data = sample
                .buffer()
                .and_then(|buffer| buffer.map_readable().ok())
                .ok_or_else(|| GstError::film("it has an empty block of sound"))?;
            let values: Vec<f32> = data.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
            let mean = |frame: &[f32]| frame.iter().sum::<f32>() / channels as f32;
            let samples = values.chunks_exact(channels as usize).map(mean).map(|sample| if sample.is_finite() { sample } else { 0.0 });
            return Ok(Some(FilmSound { at, samples: samples.collect(), rate }));
        }
        Ok(None)
    }

    /// The next decoded buffer; `None` at the end.
    fn pull(&self) -> Result<Option<gst::Sample>, GstError> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(sample) = self.sink.try_pull_sample(gst::ClockTime::from_mseconds(LOOK.as_millis() as u64)) {
                return Ok(Some(sample));
            }
            // Before the end is believed: a decoder that gives up ends its stream, too.
            self.check()?;
            if self.sink.is_eos() || self.stop.load(Ordering::Relaxed) {
                return Ok(None);
            }
            if Instant::now() > deadline {
                return Err(GstError::film(format!("it did not go on within {} s", PATIENCE.as_secs())));
            }
        }
    }

    /// The length of a film that does not tell it: where its last picture ends, taken to be as long as the one before.
    fn decoded_length(&mut self, first: Span, pool: &Pool) -> Result<Span, GstError> {
        let (mut last, mut step) = (first, Span::from_millis(40));
        while let Some(picture) = self.picture(pool)? {
            (step, last) = (picture.at - last, picture.at);
        }
        Ok(last + step)
    }

    /// Waits until the first buffer has come; `false` when the film is over before.
    fn is_ready(&self) -> Result<bool, GstError> {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline && !self.stop.load(Ordering::Relaxed) {
            let (change, ..) = self.pipeline.state(gst::ClockTime::from_mseconds(LOOK.as_millis() as u64));
            self.check()?;
            match change {
                Ok(gst::StateChangeSuccess::Async) => {}
                Ok(_) => return Ok(!self.sink.is_eos()),
                Err(_) => return Err(self.failure()),
            }
        }
        Err(GstError::film(format!("it did not begin within {} s", PATIENCE.as_secs())))
    }

    fn set_state(&self, state: gst::State) -> Result<(), GstError> {
        self.pipeline.set_state(state).map(drop).map_err(|_| self.failure())
    }

    fn check(&self) -> Result<(), GstError> {
        let said = self.pipeline.bus().and_then(|bus| bus.pop_filtered(&[gst::MessageType::Error]));
        match said {
            None if self.found.is_hopeless() => Err(self.failure()),
            None => Ok(()),
            Some(message) => {
                if let gst::MessageView::Error(error) = message.view() {
                    self.found.fail(self.cause(error));
                }
                Err(self.failure())
            }
        }
    }

    /// What an element said, in words that help. Where the film is lies in its caller's message.
    fn cause(&self, error: &gst::message::Error) -> String {
        let error = error.error();
        if error.matches(gst::CoreError::MissingPlugin) || error.matches(gst::StreamError::CodecNotFound) {
            return "it is coded in a way that is not known here; install gstreamer1.0-libav, or convert it to MP4 with H.264".into();
        }
        let is_format = error.matches(gst::StreamError::TypeNotFound) || error.matches(gst::StreamError::WrongType);
        if is_format {
            return "it is no film that can be read; bring MP4, MOV, MKV, WebM or AVI".into();
        }
        if !self.found.is_wanted() {
            return NO_TRACK.into();
        }
        format!("the file is damaged ({})", super::redacted(error.message().trim_end_matches('.')))
    }

    fn failure(&self) -> GstError {
        GstError::film(self.found.fault().unwrap_or_else(|| "it cannot be opened".into()))
    }
}

impl Drop for FilmReader {
    fn drop(&mut self) {
        let pipeline = self.pipeline.clone();
        let (done, stopped) = std::sync::mpsc::channel::<()>();
        // A decoder that hangs may keep this call: it is left behind then.
        let stopper = std::thread::Builder::new().name("film-stop".into()).spawn(move || {
            let _ = pipeline.set_state(gst::State::Null);
            drop(done);
        });
        if stopper.is_ok() {
            let _ = stopped.recv_timeout(STOP_WAIT);
        }
    }
}

fn element(name: &str) -> Result<gst::Element, GstError> {
    gst::ElementFactory::make(name).build().map_err(|_| GstError::Missing { element: name.into() })
}

fn span_of(time: gst::ClockTime) -> Span {
    Span::from_nanos(i64::try_from(time.nseconds()).unwrap_or(i64::MAX / 2))
}

/// When in the film a buffer is due; `None` outside of what is played.
fn time_of(sample: &gst::Sample) -> Option<Span> {
    let pts = sample.buffer()?.pts()?;
    let segment = sample.segment()?.downcast_ref::<gst::ClockTime>()?;
    segment.to_stream_time(pts).map(span_of)
}

#[cfg(test)]
pub(crate) mod tests;
