//! An encoder at work.

use super::coder::{Coder, candidates};
use super::{Encoder, VideoSettings, units};
use crate::gst::chain::Chain;
use crate::gst::error::GstError;
use crate::gst::wrap::{picture_buffer, video_caps};
use bytes::Bytes;
use engine::frame::{PixelFormat, Size, VideoFrame};
use engine::media::{EncodedUnit, EncodedVideoCaps, VideoCaps};
use engine::packet::Packet;
use engine::pool::Pool;
use engine::time::{Span, Time};
use gstreamer as gst;
use gstreamer::prelude::*;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;
use std::time::Duration;

/// The hour from which some elements count, so that decode times before the first picture stay positive. Ours begin at zero.
const ORIGIN: i64 = 1000 * 3600 * 1_000_000_000;

/// How long an element with threads of its own may take over what it owes.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long such an element is given to show that it holds a picture back.
const AWHILE: Duration = Duration::from_millis(100);

/// The size of the pictures with which a delay is measured, which no chip finds too small, and how many are tried.
const SMALL: Size = Size::new(320, 192);
const MOST_HELD: usize = 250;

/// An encoder in the caller's thread (some elements add their own).
///
/// From the first picture on each call gives exactly the units that [`latency`](VideoEncoder::latency) leaves, so the same pictures give
/// the same units at the same calls. Units come in decode order: the k-th has the time of the k-th picture as `dts` and the exact time
/// of its own picture as `pts`. Parameter sets, delimiters and the encoder's signature are left out of the units.
pub struct VideoEncoder {
    chain: Chain,
    coder: &'static Coder,
    passed: Vec<(&'static str, GstError)>,
    caps: EncodedVideoCaps,
    /// Pictures that lie between input and output.
    delay: usize,
    /// Time of the first picture: the encoder counts from it, so the bytes do not depend on when a stream starts.
    first: Option<Time>,
    last: Time,
    /// Pictures inside, in order of time.
    pending: VecDeque<Pending>,
    /// Times that units will have as `dts`.
    decode_times: VecDeque<Time>,
    /// Units that came out earlier than promised.
    ready: VecDeque<Packet<EncodedUnit>>,
    signature: String,
}

/// What trying an encoder out has told.
#[derive(Clone)]
struct Known {
    config: Bytes,
    delay: usize,
    signature: String,
}

impl Known {
    /// Found out once in a process for each description of an encoder and its pictures, where it is the same every time: a render opens
    /// an encoder for every segment.
    fn of(name: &str, find_out: impl FnOnce() -> Result<Known, GstError>) -> Result<Known, GstError> {
        static ALL: Mutex<BTreeMap<String, Known>> = Mutex::new(BTreeMap::new());
        let all = || ALL.lock().expect("nobody panics with this lock");
        if let Some(known) = all().get(name) {
            return Ok(known.clone());
        }
        let known = find_out()?;
        all().insert(name.to_string(), known.clone());
        Ok(known)
    }
}

struct Pending {
    nanos: i64,
    pts: Time,
    dur: Option<Span>,
}

impl VideoEncoder {
    /// Sets up the first encoder that the settings allow and that works: it is given a black picture, which also tells its decoder
    /// configuration.
    ///
    /// # Errors
    /// When none is installed or works, or the settings or the caps do not go.
    pub fn open(caps: &VideoCaps, settings: &VideoSettings) -> Result<VideoEncoder, GstError> {
        crate::gst::init()?;
        settings.check(caps)?;
        let coders = candidates(settings).map_err(|text| GstError::Settings { codec: settings.codec.as_str(), text })?;
        VideoEncoder::first_of(&coders, caps, settings)
    }

    pub(super) fn first_of(coders: &[&'static Coder], caps: &VideoCaps, settings: &VideoSettings) -> Result<VideoEncoder, GstError> {
        let mut passed = Vec::new();
        for coder in coders {
            match VideoEncoder::with(coder, caps, settings) {
                Ok(encoder) => return Ok(VideoEncoder { passed, ..encoder }),
                Err(error) => passed.push((coder.element, error)),
            }
        }
        match passed.len() {
            1 => Err(passed.swap_remove(0).1),
            _ => Err(GstError::NoEncoder { codec: settings.codec.as_str(), tried: told(&passed) }),
        }
    }

    fn with(coder: &'static Coder, caps: &VideoCaps, settings: &VideoSettings) -> Result<VideoEncoder, GstError> {
        let description =
            |caps: &VideoCaps| (coder.launch)(caps, settings).map_err(|text| GstError::Settings { codec: coder.codec.as_str(), text });
        let description_here = description(caps)?;
        let input = video_caps(caps);
        let find_out = || {
            let Probed { config, delay, signature } = probe(coder, caps, &Chain::open(&description_here, &input)?)?;
            let delay = match delay {
                Delay::Told(delay) => delay,
                Delay::Unknown { patience } => {
                    let small = VideoCaps { size: SMALL, ..*caps };
                    measure(coder, &small, &Chain::open(&description(&small)?, &video_caps(&small))?, patience)?
                }
            };
            Ok(Known { config, delay, signature })
        };
        // A chip that has worked may have no room for one more.
        let name = format!("{description_here} {caps:?}");
        let known = if coder.encoder == Encoder::X264 { Known::of(&name, find_out)? } else { find_out()? };
        let Known { config, delay, signature } = known;
        let caps = EncodedVideoCaps { codec: coder.codec, size: caps.size, rate: caps.rate, config };
        Ok(VideoEncoder {
            chain: Chain::open(&description_here, &input)?,
            coder,
            passed: Vec::new(),
            caps,
            delay,
            first: None,
            last: Time::ZERO,
            pending: VecDeque::new(),
            decode_times: VecDeque::new(),
            ready: VecDeque::new(),
            signature,
        })
    }

    /// Who encodes, in which version; x264 adds every setting that shapes a picture.
    pub fn signature(&self) -> &str {
        &self.signature
    }

    /// What a decoder and a file need; `config` is the payload of `avcC`, `hvcC`, `vpcC` or `av1C`.
    pub fn caps(&self) -> &EncodedVideoCaps {
        &self.caps
    }

    /// GStreamer's name of the element that encodes.
    pub fn element(&self) -> &'static str {
        self.coder.element
    }

    /// Why those that are better on paper were not taken, in a line; empty when there were none.
    pub fn passed_over(&self) -> String {
        told(&self.passed)
    }

    /// How far a unit's `dts` lies behind the picture that brought it out, when pictures follow each other at the nominal rate.
    pub fn latency(&self) -> Span {
        self.caps.rate.span_of(self.delay as i64)
    }

    /// The same when a picture may last so long.
    pub fn latency_of(&self, longest: Span) -> Span {
        Span(longest.0.max(self.caps.rate.interval().0) * self.delay as i64)
    }

    /// Encodes a picture and returns the units that are ready. Pictures must follow each other; gaps are allowed.
    ///
    /// # Errors
    /// When the frame is of another kind, is not later than the one before, or the encoder fails.
    pub fn push(&mut self, packet: Packet<VideoFrame>) -> Result<Vec<Packet<EncodedUnit>>, GstError> {
        let frame = &packet.media;
        if frame.format() != PixelFormat::I420 || frame.size() != self.caps.size {
            return Err(GstError::Frame { expected: self.caps.size, size: frame.size(), format: frame.format() });
        }
        if self.first.is_some() && packet.pts <= self.last {
            return Err(GstError::Order {
                codec: self.caps.codec.as_str(),
                at: packet.pts,
                rule: format!("one later than {} was due", self.last),
            });
        }
        let since = packet.pts - *self.first.get_or_insert(packet.pts);
        self.last = packet.pts;
        self.pending.push_back(Pending { nanos: since.to_nanos(), pts: packet.pts, dur: packet.dur });
        self.decode_times.push_back(packet.pts);
        self.chain.push(picture_buffer(frame, since, packet.dur))?;
        self.collect_until(self.delay)?;
        let held = self.decode_times.len() + self.ready.len();
        Ok(self.ready.drain(..held.saturating_sub(self.delay).min(self.ready.len())).collect())
    }

    /// The remaining units. The encoder takes no picture after this.
    ///
    /// # Errors
    /// When the encoder fails or swallowed a picture.
    pub fn finish(&mut self) -> Result<Vec<Packet<EncodedUnit>>, GstError> {
        self.chain.finish()?;
        self.collect_until(0)?;
        Ok(self.ready.drain(..).collect())
    }

    /// Makes the next picture a keyframe.
    pub fn request_keyframe(&self) {
        // Refused only before the first picture, which is a keyframe anyway.
        self.chain.send_upstream(gstreamer_video::UpstreamForceKeyUnitEvent::builder().all_headers(false).build());
    }

    /// Changes the rate of an encoder that was set up with [`RateControl::Bitrate`](super::RateControl::Bitrate), from the next picture on.
    pub fn set_bitrate(&self, kilobits: u32) {
        let (property, kilobit) = self.coder.rate;
        let encoder = self.chain.element("encoder").filter(|encoder| encoder.find_property(property).is_some());
        if let Some(encoder) = encoder {
            encoder.set_property_from_str(property, &(u64::from(kilobits.clamp(1, 2_000_000)) * u64::from(kilobit)).to_string());
        }
    }

    /// Collects until at most so many pictures are inside. Only elements with threads of their own are waited for.
    fn collect_until(&mut self, most: usize) -> Result<(), GstError> {
        self.collect()?;
        while self.decode_times.len() > most {
            if !self.chain.wait(PATIENCE)? {
                let inside = self.decode_times.len();
                return Err(unusable(self.coder, format!("it holds {inside} pictures back and gives none, where {most} are expected")));
            }
            self.collect()?;
        }
        Ok(())
    }

    fn collect(&mut self) -> Result<(), GstError> {
        let coder = self.coder;
        let fail = |text: String| unusable(coder, text);
        for buffer in self.chain.take() {
            let nanos = buffer.pts().ok_or_else(|| fail("a unit without time".into()))?.nseconds() as i64;
            let nanos = if nanos >= ORIGIN { nanos - ORIGIN } else { nanos };
            let own = self.pending.iter().position(|pending| pending.nanos == nanos);
            let own = own.ok_or_else(|| fail(format!("a unit at {nanos} ns, when no picture was")))?;
            let Pending { pts, dur, .. } = self.pending.remove(own).expect("the position was just found");
            let dts = self.decode_times.pop_front().ok_or_else(|| fail("more units than pictures".into()))?;
            let map = buffer.map_readable().map_err(|error| fail(error.to_string()))?;
            let starts = !buffer.flags().contains(gst::BufferFlags::DELTA_UNIT);
            let (data, keyframe) = units::unit(coder.codec, &map, starts).map_err(fail)?;
            self.ready.push_back(Packet { dur, ..Packet::new(pts, EncodedUnit { dts, keyframe, data }) });
        }
        Ok(())
    }
}

/// `nvh264enc: not installed; qsvh264enc: ...`
fn told(passed: &[(&'static str, GstError)]) -> String {
    let line = |(element, error): &(&str, GstError)| match error {
        GstError::Missing { .. } => format!("{element}: not installed"),
        other => format!("{element}: {other}"),
    };
    passed.iter().map(line).collect::<Vec<_>>().join("; ")
}

fn unusable(coder: &Coder, text: String) -> GstError {
    GstError::Output { codec: coder.codec.as_str(), text: format!("{} ({})", text, coder.element) }
}

/// A picture for trials: black, with a bar that moves, so that there is something to decide.
fn trial(pool: &Pool, size: Size, index: usize) -> VideoFrame {
    let mut picture = pool.black(PixelFormat::I420, size);
    let (width, stride) = (size.width as usize, picture.layout().stride(0));
    if index > 0 {
        let bar = index * 8 % width..(index * 8 % width + 8).min(width);
        picture.bytes_mut()[..stride * 16].chunks_mut(stride).for_each(|row| row[bar.clone()].fill(200));
    }
    picture.freeze()
}

/// How many pictures an encoder holds back.
enum Delay {
    /// It says so.
    Told(usize),
    /// It has to be seen, with so much time for each picture.
    Unknown { patience: Duration },
}

/// What an encoder tells of itself.
struct Probed {
    config: Bytes,
    delay: Delay,
    signature: String,
}

/// Encodes a black picture and looks what comes out.
fn probe(coder: &Coder, caps: &VideoCaps, chain: &Chain) -> Result<Probed, GstError> {
    let fail = |text: String| unusable(coder, text);
    chain.push(picture_buffer(&trial(&Pool::new(), caps.size, 0), Span::ZERO, Some(caps.rate.interval())))?;
    let told = match coder.tells_delay {
        true => Some(chain.latency("encoder").ok_or_else(|| fail("it does not say how many pictures it holds".into()))?),
        false => None,
    };
    chain.finish()?;
    let first = loop {
        match chain.take().into_iter().next() {
            Some(first) => break first,
            None if chain.wait(PATIENCE)? => {}
            None => return Err(fail("nothing came out".into())),
        }
    };
    let output = chain.output_caps().ok_or_else(|| fail("nothing came out".into()))?;
    let first = first.map_readable().map_err(|error| fail(error.to_string()))?;
    let config = units::config(caps, coder.codec, &output, &first).map_err(fail)?;
    // Declared in whole pictures, rounded to nanoseconds.
    let interval = i128::from(caps.rate.num());
    let scale = i128::from(caps.rate.den()) * 1_000_000_000;
    let pictures = |latency: gst::ClockTime| ((i128::from(latency.nseconds()) * interval + scale / 2) / scale) as usize;
    let patience = if chain.is_elsewhere() { AWHILE } else { Duration::ZERO };
    let delay = told.map_or(Delay::Unknown { patience }, |latency| Delay::Told(pictures(latency)));
    let plugin = gst::ElementFactory::find(coder.element).and_then(|factory| factory.plugin());
    let version = plugin.map(|plugin| plugin.version().to_string()).unwrap_or_default();
    Ok(Probed { config, delay, signature: format!("{} {version} {}", coder.element, signature_in(&first).unwrap_or_default()) })
}

/// The text in an access unit of x264 that begins with its name.
fn signature_in(unit: &[u8]) -> Option<String> {
    let name = b"x264 - core";
    let start = unit.windows(name.len()).position(|window| window == name)?;
    let text = unit[start..].split(|byte| *byte == 0).next()?;
    Some(String::from_utf8_lossy(text).into_owned())
}

/// How many pictures an encoder holds back at most, seen from the first that comes out on for a while.
fn measure(coder: &Coder, caps: &VideoCaps, chain: &Chain, patience: Duration) -> Result<usize, GstError> {
    let (pool, mut out, mut most) = (Pool::new(), 0, 0);
    let mut last = MOST_HELD;
    for index in 0..MOST_HELD {
        let since = caps.rate.span_of(index as i64);
        chain.push(picture_buffer(&trial(&pool, caps.size, index), since, Some(caps.rate.interval())))?;
        chain.wait(patience)?;
        out += chain.take().len();
        most = most.max(index + 1 - out);
        if out > 0 && last == MOST_HELD {
            last = (index + 2 * most + 8).min(MOST_HELD);
        }
        if index == last {
            return Ok(most);
        }
    }
    Err(unusable(coder, format!("it holds more than {MOST_HELD} pictures back")))
}

#[cfg(test)]
#[path = "x264_tests.rs"]
mod x264_tests;
