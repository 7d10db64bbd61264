//! Films taken apart: the pictures or the sound of a file, decoded, in order, as they are asked for.
//!
//! Each track is read by a pipeline of its own, so that one that is not asked for cannot hold up the other, however the file interleaves
//! them. What has been decoded and not been taken is a few pictures or blocks. Times are those of the film: edit lists, the delay of an
//! encoder and the order of decoding are accounted for. The other track is not decoded at all, nor pictures that are too large.

use super::error::GstError;
use super::film_range::full_range;
use engine::frame::{PixelFormat, Size, VideoFrame};
use engine::pool::Pool;
use engine::time::Span;
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app::AppSink;
use gstreamer_video::{VideoColorRange, VideoFrameExt, VideoFrameRef, VideoInfo};
use std::io::Read;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The largest side of a film's pictures, in pixels.
pub const MAX_SIDE: u32 = 8192;
/// The most pixels of a film's picture: DCI 4K is 4096x2160.
pub const MAX_AREA: u64 = 4096 * 4096;
const NO_TRACK: &str = "there is no track of that kind in it, or the file is damaged";
/// How long the next picture or block may take.
const PATIENCE: Duration = Duration::from_secs(15);
/// How often a waiting reader looks whether it is still wanted.
const LOOK: Duration = Duration::from_millis(100);
/// How long a pipeline that is dropped is waited for.
const STOP_WAIT: Duration = Duration::from_secs(2);
/// Containers round times: Matroska to milliseconds.
const ROUNDING: Span = Span::from_millis(1);
/// What a reader that starts in the middle decodes before: decoders of sound need it to have settled.
const RUN_UP: Span = Span::SECOND;

/// Upright, one picture for each frame.
const PICTURES: &str = "videoconvert dither=none ! capsfilter name=colour ! deinterlace fields=top ! videoflip video-direction=auto \
    ! appsink name=sink sync=false max-buffers=4 enable-last-sample=false";
/// BT.709 with chroma sited left. The range stays what it was: between two planar formats GStreamer 1.22 does not change it.
const COLOURS: [&str; 2] = ["2:3:5:1", "1:3:5:1"];
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

/// What the pipeline's threads tell.
#[derive(Default)]
struct Found {
    wanted: AtomicBool,
    sound: AtomicBool,
    fault: Mutex<Option<String>>,
}

impl Found {
    fn fail(&self, text: String) {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(text);
    }

    fn fault(&self) -> Option<String> {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Looks at a film: reads its head and decodes its first picture. Where the file does not tell its length, all of it is decoded.
///
/// # Errors
/// When there are no pictures, they are too large or of an unknown kind, or the file is damaged.
pub fn film_facts(path: &Path) -> Result<FilmFacts, GstError> {
    let pool = Pool::new();
    let mut reader = FilmReader::open(path, Track::Pictures, Span::ZERO, Arc::default())?;
    let first = reader.picture(&pool)?.ok_or_else(|| film("there is no picture in it"))?;
    let told = reader.pipeline.query_duration::<gst::ClockTime>().filter(|length| !length.is_zero() && tells_length(path));
    let length = match told {
        Some(length) => span_of(length),
        None => reader.decoded_length(first.at, &pool)?,
    };
    Ok(FilmFacts { shape: first.shape, length, has_sound: reader.found.sound.load(Ordering::Relaxed) })
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
            let info =
                sample.caps().and_then(|caps| VideoInfo::from_caps(caps).ok()).ok_or_else(|| film("its pictures are of no known kind"))?;
            check_size(info.width(), info.height()).map_err(film)?;
            let buffer = sample.buffer().ok_or_else(|| film("it has an empty picture"))?;
            let view = VideoFrameRef::from_buffer_ref_readable(buffer, &info).map_err(|_| film("one of its pictures is cut off"))?;
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
            let fields = sample.caps().and_then(|caps| caps.structure(0)).ok_or_else(|| film("its sound is of no known kind"))?;
            let number = |name| fields.get::<i32>(name).ok().and_then(|number| u32::try_from(number).ok()).filter(|number| *number > 0);
            let (Some(rate), Some(channels)) = (number("rate"), number("channels")) else {
                return Err(film("its sound is of no known kind"));
            };
            let data =
                sample.buffer().and_then(|buffer| buffer.map_readable().ok()).ok_or_else(|| film("it has an empty block of sound"))?;
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
                return Err(film(format!("it did not go on within {} s", PATIENCE.as_secs())));
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
        Err(film(format!("it did not begin within {} s", PATIENCE.as_secs())))
    }

    fn set_state(&self, state: gst::State) -> Result<(), GstError> {
        self.pipeline.set_state(state).map(drop).map_err(|_| self.failure())
    }

    fn check(&self) -> Result<(), GstError> {
        let said = self.pipeline.bus().and_then(|bus| bus.pop_filtered(&[gst::MessageType::Error]));
        match said {
            None if !self.found.wanted.load(Ordering::Relaxed) && self.found.fault().is_some() => Err(self.failure()),
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
        if !self.found.wanted.load(Ordering::Relaxed) {
            return NO_TRACK.into();
        }
        format!("the file is damaged ({})", super::redacted(error.message().trim_end_matches('.')))
    }

    fn failure(&self) -> GstError {
        film(self.found.fault().unwrap_or_else(|| "it cannot be opened".into()))
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

/// Links the wanted track to `chain` when it is found, and keeps decoders away from everything else.
fn watch(decode: &gst::Element, chain: &gst::Bin, track: Track, found: &Arc<Found>) {
    let told = Arc::clone(found);
    decode.connect("autoplug-continue", false, move |values| {
        let caps = values.get(2).and_then(|value| value.get::<gst::Caps>().ok());
        let fields = caps.as_ref().and_then(|caps| caps.structure(0));
        let Some(fields) = fields else { return Some(true.to_value()) };
        let name = fields.name().as_str();
        let number = |key| fields.get::<i32>(key).ok().map_or(0, |number| number.max(0) as u32);
        let is_picture = name.starts_with("video/") || name.starts_with("image/");
        if is_picture && let Err(text) = check_size(number("width"), number("height")) {
            if track == Track::Pictures {
                told.fail(text);
            }
            return Some(false.to_value());
        }
        let is_other = if track == Track::Pictures { is_sound(name) } else { is_picture && fields.has_field("width") };
        Some((!is_other).to_value())
    });
    let told = Arc::clone(found);
    decode.connect_no_more_pads(move |_| {
        if !told.wanted.load(Ordering::Relaxed) {
            told.fail(NO_TRACK.into());
        }
    });
    let (told, chain) = (Arc::clone(found), chain.downgrade());
    decode.connect_pad_added(move |_, pad| {
        let caps = pad.current_caps().unwrap_or_else(|| pad.query_caps(None));
        let name = caps.structure(0).map(|fields| fields.name().as_str().to_owned()).unwrap_or_default();
        if is_sound(&name) {
            told.sound.store(true, Ordering::Relaxed);
        }
        let raw = if track == Track::Pictures { "video/x-raw" } else { "audio/x-raw" };
        let input = chain.upgrade().and_then(|chain| chain.static_pad("sink"));
        if name == raw
            && let Some(input) = input.filter(|input| !input.is_linked())
        {
            if track == Track::Pictures {
                keep_range(&caps, &input);
            }
            match pad.link(&input) {
                Ok(_) => told.wanted.store(true, Ordering::Relaxed),
                Err(error) => told.fail(format!("its pictures or its sound are of a kind that is not known here ({error})")),
            }
        }
    });
}

/// What comes out of the chain that begins at `input` is to have the range of `caps`.
fn keep_range(caps: &gst::Caps, input: &gst::Pad) {
    let chain = input.parent_element().and_then(|chain| chain.downcast::<gst::Bin>().ok());
    let element = |name| chain.as_ref().and_then(|chain| chain.by_name(name));
    let info = VideoInfo::from_caps(caps).ok();
    let is_full = info.is_some_and(|info| info.is_yuv() && info.colorimetry().range() == VideoColorRange::Range0_255);
    let colour = COLOURS[usize::from(is_full || element("named").is_some())];
    let wanted = gst::Caps::builder("video/x-raw").field("format", "I420").field("colorimetry", colour).field("chroma-site", "mpeg2");
    if let Some(filter) = element("colour") {
        filter.set_property("caps", wanted.build());
    }
}

fn is_sound(name: &str) -> bool {
    name.starts_with("audio/")
}

/// Zero is unknown.
fn check_size(width: u32, height: u32) -> Result<(), String> {
    match width.max(height) > MAX_SIDE || u64::from(width) * u64::from(height) > MAX_AREA {
        true => Err(format!(
            "its pictures are {width}x{height}; the limit is {MAX_SIDE} pixels a side and {} megapixels: scale it down",
            MAX_AREA / 1_000_000
        )),
        false => Ok(()),
    }
}

fn element(name: &str) -> Result<gst::Element, GstError> {
    gst::ElementFactory::make(name).build().map_err(|_| GstError::Missing { element: name.into() })
}

fn film(text: impl Into<String>) -> GstError {
    GstError::Film { text: text.into() }
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

/// Width and height with square pixels, the longer way.
fn shape(info: &VideoInfo) -> Size {
    let (width, height) = (info.width(), info.height());
    let (n, d) = (info.par().numer(), info.par().denom());
    let scaled = |side: u32, n: i32, d: i32| {
        ((i64::from(side) * i64::from(n) + i64::from(d) / 2) / i64::from(d.max(1))).clamp(2, i64::from(2 * MAX_SIDE)) as u32
    };
    match n.cmp(&d) {
        _ if n <= 0 || d <= 0 => Size::new(width, height),
        std::cmp::Ordering::Greater => Size::new(scaled(width, n, d), height),
        std::cmp::Ordering::Less => Size::new(width, scaled(height, d, n)),
        std::cmp::Ordering::Equal => Size::new(width, height),
    }
}

/// Levels of limited range for those of full range, luma and chroma (ITU-R BT.2100, table 9, at 8 bits), rounded to nearest.
fn limited(level: usize, plane: usize) -> u8 {
    match plane {
        0 => (16.0 + level as f64 * 219.0 / 255.0).round() as u8,
        _ => (128.0 + (level as f64 - 128.0) * 224.0 / 255.0).round() as u8,
    }
}

/// The picture in a buffer of our own, in limited range, without an odd last column or row.
fn copied(view: &VideoFrameRef<&gst::BufferRef>, pool: &Pool) -> Result<VideoFrame, GstError> {
    let size = Size::new(view.width() & !1, view.height() & !1);
    if !size.is_even() {
        return Err(film("its pictures are less than two pixels wide or high"));
    }
    let mut frame = pool.blank(PixelFormat::I420, size);
    let layout = frame.layout();
    for plane in 0..3 {
        let cut_off = || film("one of its pictures is cut off");
        let (source, stride) = (view.plane_data(plane as u32).map_err(|_| cut_off())?, view.plane_stride()[plane]);
        let (stride, area) = (usize::try_from(stride).map_err(|_| cut_off())?, layout.plane_size(plane));
        let width = area.width as usize;
        let target = &mut frame.bytes_mut()[layout.offset(plane)..][..layout.plane_bytes(plane)];
        for (to, from) in target.chunks_mut(layout.stride(plane)).zip(source.chunks(stride.max(1))) {
            to[..width].copy_from_slice(from.get(..width).ok_or_else(cut_off)?);
        }
        if view.info().colorimetry().range() == VideoColorRange::Range0_255 {
            let levels: [u8; 256] = std::array::from_fn(|level| limited(level, plane));
            target.iter_mut().for_each(|level| *level = levels[usize::from(*level)]);
        }
    }
    Ok(frame.freeze())
}

#[cfg(test)]
#[path = "film_tests.rs"]
pub(crate) mod tests;
