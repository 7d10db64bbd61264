//! Pictures to H.264, HEVC, VP9 or AV1: what is asked of an encoder, and who can do it.
//!
//! A codec has a list of [`Coder`](coder::Coder)s, best first: elements of GStreamer with the launch text that makes each do what the
//! settings say. Whether one works is found out by encoding a picture with it: that an element is there says nothing about a driver.

mod av1;
mod coder;
mod encoder;
mod hardware;
mod units;

pub use encoder::VideoEncoder;

use super::error::GstError;
use engine::frame::PixelFormat;
use engine::media::{VideoCaps, VideoCodec};
use engine::time::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Speed against size, x264's presets; other encoders are set to what comes near.
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

impl Preset {
    /// As x264 and x265 write it.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Preset::Ultrafast => "ultrafast",
            Preset::Superfast => "superfast",
            Preset::Veryfast => "veryfast",
            Preset::Faster => "faster",
            Preset::Fast => "fast",
            Preset::Medium => "medium",
            Preset::Slow => "slow",
            Preset::Slower => "slower",
            Preset::Veryslow => "veryslow",
        }
    }
}

/// What the encoder may assume.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Tune {
    /// Pictures that hardly move; x264 only.
    Stillimage,
    /// Slow decoders; x264 and x265 only.
    Fastdecode,
    /// Every frame comes out at once (live).
    Zerolatency,
}

/// What a decoder of H.264 must be able to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Profile {
    ConstrainedBaseline,
    Main,
    #[default]
    High,
}

impl Profile {
    /// As it stands in GStreamer's caps.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Profile::ConstrainedBaseline => "constrained-baseline",
            Profile::Main => "main",
            Profile::High => "high",
        }
    }
}

/// Who encodes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Encoder {
    /// The codec's usual library: x264, x265, libvpx, libaom. Equal bytes on machines of one type.
    #[default]
    Software,
    /// The first that works of: nvenc, qsv, vaapi, v4l2, the usual library, openh264. Which one depends on the machine, and so do the bytes.
    Auto,
    /// x264.
    X264,
    /// Cisco's OpenH264, where x264 may not be used.
    Openh264,
    /// NVIDIA's chips.
    Nvenc,
    /// Intel's Quick Sync.
    Qsv,
    /// Intel's and AMD's chips through VA-API.
    Vaapi,
    /// Chips of small boards, through the Linux kernel. Hold a rate, not a quality.
    V4l2,
}

impl Encoder {
    /// As in graph files.
    pub const fn as_str(self) -> &'static str {
        match self {
            Encoder::Software => "software",
            Encoder::Auto => "auto",
            Encoder::X264 => "x264",
            Encoder::Openh264 => "openh264",
            Encoder::Nvenc => "nvenc",
            Encoder::Qsv => "qsv",
            Encoder::Vaapi => "vaapi",
            Encoder::V4l2 => "v4l2",
        }
    }
}

/// How many bits a picture gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateControl {
    /// Constant quality, x264's CRF: 0 to 50, smaller is better. No limit on the rate. Other encoders get what looks about the same.
    Crf(u32),
    /// Kilobits a second, held within about a second.
    Bitrate(u32),
}

/// Everything that shapes the stream besides the pictures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VideoSettings {
    /// What it is coded in.
    pub codec: VideoCodec,
    /// Who codes it.
    pub encoder: Encoder,
    /// Speed against size.
    pub preset: Preset,
    /// Quality or rate.
    pub rate_control: RateControl,
    /// Threads, from 1; other numbers give other bytes. Chips have their own.
    pub threads: u32,
    /// Assumptions.
    pub tune: Option<Tune>,
    /// Profile of H.264.
    pub profile: Profile,
    /// The longest time between two keyframes, in pictures at the nominal rate. Groups of pictures are closed.
    pub keyframe_every: Span,
    /// Pictures in a row that refer forwards, at most 16; `None` = as the preset says. x264 and x265 only.
    pub bframes: Option<u32>,
}

impl Default for VideoSettings {
    /// For files: H.264 by x264, veryfast, CRF 23, two threads, a keyframe every 10 s.
    fn default() -> VideoSettings {
        VideoSettings {
            codec: VideoCodec::H264,
            encoder: Encoder::default(),
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

impl VideoSettings {
    /// Somebody makes this codec under this name.
    ///
    /// # Errors
    /// What to write instead.
    pub fn must_exist(&self) -> Result<(), String> {
        coder::candidates(self).map(drop)
    }

    fn zero_latency(&self) -> bool {
        self.tune == Some(Tune::Zerolatency)
    }

    /// Pictures from one keyframe to the next, at most.
    fn keyframe_distance(&self, caps: &VideoCaps) -> i64 {
        caps.rate.count_in(self.keyframe_every)
    }

    fn check(&self, caps: &VideoCaps) -> Result<(), GstError> {
        let fail = |text: String| Err(GstError::Settings { codec: self.codec.as_str(), text });
        if caps.format != PixelFormat::I420 {
            return fail("pictures with alpha cannot be encoded; compose them first".into());
        }
        if !caps.size.is_even() {
            return fail(format!("{} has an odd side", caps.size));
        }
        if self.threads == 0 {
            return fail("threads must be at least 1, so that every machine gives the same bytes".into());
        }
        if self.keyframe_distance(caps) < 1 {
            return fail(format!("a keyframe every {} is more than one a picture", self.keyframe_every));
        }
        match self.rate_control {
            RateControl::Crf(crf) if crf > 50 => fail(format!("crf {crf} is above 50")),
            RateControl::Bitrate(0) => fail("the bitrate must be at least 1 kbit/s".into()),
            _ if self.bframes.is_some_and(|count| count > 16) => fail("more than 16 B-frames in a row".into()),
            _ => Ok(()),
        }
    }
}
