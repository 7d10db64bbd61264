//! H.264 by x264.

use super::chain::Chain;
use super::error::GstError;
use super::wrap::{picture_buffer, video_caps};
use bytes::{Bytes, BytesMut};
use engine::frame::{PixelFormat, VideoFrame};
use engine::media::{EncodedUnit, EncodedVideoCaps, VideoCaps, VideoCodec};
use engine::packet::Packet;
use engine::pool::Pool;
use engine::time::{Span, Time};
use gstreamer as gst;
use gstreamer::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Speed against size, x264's presets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Preset {
    Ultrafast,
    Superfast,
    #[default]
    Veryfast,
    Faster,
    Fast,
    Medium,
    Slow,
    Slower,
    Veryslow,
}

/// What the encoder may assume.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Tune {
    /// Pictures that hardly move.
    Stillimage,
    /// Slow decoders.
    Fastdecode,
    /// Every frame comes out at once (live).
    Zerolatency,
}

/// What a decoder must be able to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Profile {
    ConstrainedBaseline,
    Main,
    #[default]
    High,
}

/// How many bits a picture gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateControl {
    /// Constant quality, x264's CRF: 0 to 50, smaller is better. No limit on the rate.
    Crf(u32),
    /// Kilobits a second, held within about a second.
    Bitrate(u32),
}

/// Everything that shapes the stream besides the pictures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct H264Settings {
    /// Speed against size.
    pub preset: Preset,
    /// Quality or rate.
    pub rate_control: RateControl,
    /// Threads, from 1; other numbers give other bytes.
    pub threads: u32,
    /// Assumptions.
    pub tune: Option<Tune>,
    /// Profile.
    pub profile: Profile,
    /// The longest time between two keyframes, in pictures at the nominal rate. Groups of pictures are closed.
    pub keyframe_every: Span,
    /// Pictures in a row that refer forwards, at most 16; `None` = as the preset says.
    pub bframes: Option<u32>,
}

impl Default for H264Settings {
    /// For files: veryfast, CRF 23, two threads, a keyframe every 10 s.
    fn default() -> H264Settings {
        H264Settings {
            preset: Preset::default(),
            rate_control: RateControl::Crf(23),
            threads: 2,
            tune: None,
            profile: Profile::default(),
            keyframe_every: Span::from_seconds(10),
            bframes: None,
        }
    }
}

/// The hour from which `x264enc` counts, so that decode times before the first picture stay positive.
const ORIGIN: i64 = 1000 * 3600 * 1_000_000_000;

/// An H.264 encoder in the caller's thread (x264 adds its own).
///
/// From the first picture on each call gives exactly the units that [`latency`](H264Encoder::latency) leaves, so the same pictures give
/// the same units at the same calls. Units come in decode order: the k-th has the time of the k-th picture as `dts` and the exact time
/// of its own picture as `pts`. Parameter sets, delimiters and x264's signature are left out of the units.
pub struct H264Encoder {
    chain: Chain,
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

struct Pending {
    nanos: i64,
    pts: Time,
    dur: Option<Span>,
}

impl H264Encoder {
    /// Sets up an encoder for frames of exactly these caps and finds out its decoder configuration with a black picture.
    ///
    /// # Errors
    /// When x264 is not installed, or the settings or the caps do not go.
    pub fn open(caps: &VideoCaps, settings: &H264Settings) -> Result<H264Encoder, GstError> {
        super::init()?;
        check(caps, settings)?;
        let description = describe(caps, settings);
        let input = video_caps(caps);
        let Probed { config, delay, signature } = probe(caps, &Chain::open(&description, &input)?)?;
        let caps = EncodedVideoCaps { codec: VideoCodec::H264, size: caps.size, rate: caps.rate, config };
        Ok(H264Encoder {
            chain: Chain::open(&description, &input)?,
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

    /// What x264 writes into its streams about itself: its version and every setting that shapes a picture.
    pub fn signature(&self) -> &str {
        &self.signature
    }

    /// What a decoder and a file need; `config` is the `avcC` record.
    pub fn caps(&self) -> &EncodedVideoCaps {
        &self.caps
    }

    /// How far a unit's `dts` lies behind the picture that brought it out, at the nominal rate.
    pub fn latency(&self) -> Span {
        self.caps.rate.span_of(self.delay as i64)
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
            return Err(GstError::Order { codec: "H.264", at: packet.pts, rule: format!("one later than {} was due", self.last) });
        }
        let since = packet.pts - *self.first.get_or_insert(packet.pts);
        self.last = packet.pts;
        self.pending.push_back(Pending { nanos: since.to_nanos(), pts: packet.pts, dur: packet.dur });
        self.decode_times.push_back(packet.pts);
        self.chain.push(picture_buffer(frame, since, packet.dur))?;
        self.collect()?;
        let held = self.decode_times.len() + self.ready.len();
        Ok(self.ready.drain(..held.saturating_sub(self.delay).min(self.ready.len())).collect())
    }

    /// The remaining units. The encoder takes no picture after this.
    ///
    /// # Errors
    /// When the encoder fails or swallowed a picture.
    pub fn finish(&mut self) -> Result<Vec<Packet<EncodedUnit>>, GstError> {
        self.chain.finish()?;
        self.collect()?;
        if !self.pending.is_empty() {
            return Err(unusable(format!("{} pictures went in and never came out", self.pending.len())));
        }
        Ok(self.ready.drain(..).collect())
    }

    /// Makes the next picture a keyframe.
    pub fn request_keyframe(&self) {
        // Refused only before the first picture, which is a keyframe anyway.
        self.chain.send_upstream(gstreamer_video::UpstreamForceKeyUnitEvent::builder().all_headers(false).build());
    }

    /// Changes the rate of an encoder that was set up with [`RateControl::Bitrate`], from the next picture on.
    pub fn set_bitrate(&self, kilobits: u32) {
        if let Some(encoder) = self.chain.element("encoder") {
            encoder.set_property("bitrate", kilobits.clamp(1, 2_048_000));
        }
    }

    fn collect(&mut self) -> Result<(), GstError> {
        for buffer in self.chain.take() {
            let nanos = buffer.pts().ok_or_else(|| unusable("a unit without time".into()))?.nseconds() as i64 - ORIGIN;
            let own = self.pending.iter().position(|pending| pending.nanos == nanos);
            let own = own.ok_or_else(|| unusable(format!("a unit at {nanos} ns, when no picture was")))?;
            let Pending { pts, dur, .. } = self.pending.remove(own).expect("the position was just found");
            let dts = self.decode_times.pop_front().ok_or_else(|| unusable("more units than pictures".into()))?;
            let map = buffer.map_readable().map_err(|error| unusable(error.to_string()))?;
            let (data, keyframe) = slices_only(&map)?;
            self.ready.push_back(Packet { dur, ..Packet::new(pts, EncodedUnit { dts, keyframe, data }) });
        }
        Ok(())
    }
}

fn unusable(text: String) -> GstError {
    GstError::Output { codec: "H.264", text }
}

fn check(caps: &VideoCaps, settings: &H264Settings) -> Result<(), GstError> {
    let fail = |text: String| Err(GstError::Settings { codec: "H.264", text });
    if caps.format != PixelFormat::I420 {
        return fail("pictures with alpha cannot be encoded; compose them first".into());
    }
    if !caps.size.is_even() {
        return fail(format!("{} has an odd side", caps.size));
    }
    if settings.threads == 0 {
        return fail("threads must be at least 1, so that every machine gives the same bytes".into());
    }
    if caps.rate.count_in(settings.keyframe_every) < 1 {
        return fail(format!("a keyframe every {} is more than one a picture", settings.keyframe_every));
    }
    match settings.rate_control {
        RateControl::Crf(crf) if crf > 50 => fail(format!("crf {crf} is above 50")),
        RateControl::Bitrate(0) => fail("the bitrate must be at least 1 kbit/s".into()),
        _ if settings.bframes.is_some_and(|count| count > 16) => fail("more than 16 B-frames in a row".into()),
        _ => Ok(()),
    }
}

fn describe(caps: &VideoCaps, settings: &H264Settings) -> String {
    let preset = match settings.preset {
        Preset::Ultrafast => "ultrafast",
        Preset::Superfast => "superfast",
        Preset::Veryfast => "veryfast",
        Preset::Faster => "faster",
        Preset::Fast => "fast",
        Preset::Medium => "medium",
        Preset::Slow => "slow",
        Preset::Slower => "slower",
        Preset::Veryslow => "veryslow",
    };
    let tune = match settings.tune {
        None => "",
        Some(Tune::Stillimage) => " tune=stillimage",
        Some(Tune::Fastdecode) => " tune=fastdecode",
        Some(Tune::Zerolatency) => " tune=zerolatency",
    };
    let profile = match settings.profile {
        Profile::ConstrainedBaseline => "constrained-baseline",
        Profile::Main => "main",
        Profile::High => "high",
    };
    let rate_control = match settings.rate_control {
        // The element limits the rate of constant quality, too, unless the limit's buffer is off.
        RateControl::Crf(crf) => format!("pass=qual quantizer={crf} vbv-buf-capacity=0"),
        RateControl::Bitrate(kilobits) => format!("pass=cbr bitrate={kilobits} vbv-buf-capacity=1000"),
    };
    // x264's AVX-512 code is left out: its macroblock tree gives other bytes each time (seen with version 164).
    let processor = if has_avx512() { " option-string=asm=avx2" } else { "" };
    let bframes = settings.bframes.map(|count| format!(" bframes={count}")).unwrap_or_default();
    let threads = settings.threads;
    let keyint = caps.rate.count_in(settings.keyframe_every);
    format!(
        "x264enc name=encoder speed-preset={preset}{tune} threads={threads} key-int-max={keyint} {rate_control}{bframes}{processor} aud=false \
         ! capsfilter caps=video/x-h264,stream-format=avc,alignment=au,profile={profile}"
    )
}

#[cfg(target_arch = "x86_64")]
fn has_avx512() -> bool {
    std::arch::is_x86_feature_detected!("avx512f")
}

#[cfg(not(target_arch = "x86_64"))]
fn has_avx512() -> bool {
    false
}

/// What an encoder tells of itself.
struct Probed {
    /// The `avcC` record.
    config: Bytes,
    /// Pictures that it holds back.
    delay: usize,
    signature: String,
}

/// Encodes a black picture and looks what came out.
fn probe(caps: &VideoCaps, chain: &Chain) -> Result<Probed, GstError> {
    let mut black = Pool::new().blank(PixelFormat::I420, caps.size);
    let luma = black.layout().plane_bytes(0);
    black.bytes_mut().fill(128);
    black.bytes_mut()[..luma].fill(16);
    chain.push(picture_buffer(&black.freeze(), Span::ZERO, Some(caps.rate.interval())))?;
    let latency = chain.latency("encoder").ok_or_else(|| unusable("it does not say how many pictures it holds".into()))?;
    chain.finish()?;
    let output = chain.output_caps().ok_or_else(|| unusable("nothing came out".into()))?;
    let config = output.structure(0).and_then(|fields| fields.get::<gst::Buffer>("codec_data").ok());
    let config = config.ok_or_else(|| unusable("it has no decoder configuration".into()))?;
    let config = config.map_readable().map_err(|error| unusable(error.to_string()))?;
    // Declared in whole pictures, rounded to nanoseconds.
    let interval = i128::from(caps.rate.num());
    let scale = i128::from(caps.rate.den()) * 1_000_000_000;
    let delay = (i128::from(latency.nseconds()) * interval + scale / 2) / scale;
    let units: Vec<gst::Buffer> = chain.take();
    let signature = units.iter().find_map(|unit| signature_in(&unit.map_readable().ok()?)).unwrap_or_default();
    Ok(Probed { config: Bytes::copy_from_slice(&config), delay: delay as usize, signature })
}

/// The text in an access unit that begins with the encoder's name.
fn signature_in(unit: &[u8]) -> Option<String> {
    let name = b"x264 - core";
    let start = unit.windows(name.len()).position(|window| window == name)?;
    let text = unit[start..].split(|byte| *byte == 0).next()?;
    Some(String::from_utf8_lossy(text).into_owned())
}

/// NAL unit types (ITU-T H.264, table 7-1).
const IDR_SLICE: u8 = 5;
const SEI: u8 = 6;
const PARAMETER_SETS_AND_DELIMITER: std::ops::RangeInclusive<u8> = 7..=9;
/// SEI payload type of x264's signature: unregistered user data (D.1.1).
const USER_DATA: u8 = 5;

/// The access unit without parameter sets, delimiter and signature, and whether decoding can start at it.
fn slices_only(unit: &[u8]) -> Result<(Bytes, bool), GstError> {
    let (mut kept, mut keyframe, mut rest) = (BytesMut::with_capacity(unit.len()), false, unit);
    while !rest.is_empty() {
        let whole = rest.split_first_chunk::<4>().and_then(|(length, tail)| {
            let length = u32::from_be_bytes(*length) as usize;
            (length > 0 && length <= tail.len()).then_some(4 + length)
        });
        let (nal, tail) = rest.split_at(whole.ok_or_else(|| unusable("a unit that is cut short".into()))?);
        let kind = nal[4] & 31;
        keyframe |= kind == IDR_SLICE;
        let signature = kind == SEI && nal.get(5) == Some(&USER_DATA);
        if !signature && !PARAMETER_SETS_AND_DELIMITER.contains(&kind) {
            kept.extend_from_slice(nal);
        }
        rest = tail;
    }
    Ok((kept.freeze(), keyframe))
}

#[cfg(test)]
#[path = "h264_tests.rs"]
mod tests;
