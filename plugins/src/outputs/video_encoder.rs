//! `video_encoder` [video -> encoded]: H.264, HEVC, VP9 or AV1.
//!
//! Equal pictures and settings give equal bytes on one type of machine, whatever the lanes do, unless a chip encodes. Groups of pictures
//! are closed.

use crate::gst::{Encoder, Preset, Profile, RateControl, Tune, VideoEncoder as Coding, VideoSettings};
use engine::frame::VideoFrame;
use engine::graph::unit::{BitRate, DurationSetting};
use engine::media::{Caps, EncodedUnit, VideoCodec};
use engine::node::{Cx, Failure, Flow, In, Node, Out, Result, Start};
use engine::registry::{ConfigType, Defaults, Lane, NodeConfig, NodeType, Starts, Sync};
use engine::segments::{Fingerprint, Hash, Part};
use engine::time::{Span, Time};
use schemars::JsonSchema;
use serde::Deserialize;

const VIDEO: In<VideoFrame> = In::new("video");
const ENCODED: Out<EncodedUnit> = Out::new("encoded");

/// Constant quality where neither quality nor rate is given.
const DEFAULT_CRF: u32 = 20;
/// An encoder keeps about so many pictures: those it looks ahead at, those it refers to in several forms, those its threads are at. Measured
/// with x264, veryfast.
const PICTURES_HELD: u64 = 110;

/// The node's entry in the registry.
pub const VIDEO_ENCODER: NodeType = NodeType {
    name: "video_encoder",
    family: "outputs",
    revision: 1,
    summary: "Pictures as H.264, HEVC, VP9 or AV1",
    inputs: &[VIDEO.port("a picture at every tick, as playout gives them")],
    outputs: &[ENCODED.port("access units in decoding order")],
    sync: Sync::Each,
    lane: Lane::Own,
    starts: Starts::Anywhere,
    time_limit: NodeType::TIME_LIMIT,
    command: None,
    config: ConfigType::of::<VideoEncoderConfig>("{ codec: h264, preset: veryfast, crf: 20, threads: 2, keyframe_every: 2s }"),
};

/// Settings of `video_encoder`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VideoEncoderConfig {
    /// `h264` goes everywhere; `hevc`, `vp9` and `av1` make smaller files, slower, and only `mp4_sink` takes them.
    #[serde(default)]
    codec: Codec,
    /// Who encodes: `software` is x264, x265, libvpx or libaom, with equal bytes on machines of one type. `auto` is the first that works of
    /// nvenc, qsv, vaapi, v4l2, software, openh264; a warning says which it was. Or one of these by name, or `x264`. Chips make H.264 and
    /// HEVC.
    #[serde(default)]
    encoder: Encoder,
    /// Speed against size, x264's presets; other encoders are set to what comes near.
    #[serde(default)]
    preset: Preset,
    /// Constant quality on x264's scale, 0 (best) to 50, for all codecs; 20 when neither `crf` nor `bitrate` is given. Chips and OpenH264
    /// hold the quantizer instead.
    crf: Option<u32>,
    /// A rate to hold instead, such as `1500k`, 1k to 2000M.
    bitrate: Option<BitRate>,
    /// Threads of the encoder, 1 to 64. Other numbers give other bytes, so it does not follow the machine. Chips have their own.
    #[serde(default = "two")]
    threads: u32,
    /// What the encoder may assume; `zerolatency` for live. The others are x264's.
    tune: Option<Tune>,
    /// What a decoder of H.264 must be able to do.
    #[serde(default)]
    profile: H264Profile,
    /// The longest time between two keyframes, from one picture to 1min; counted in pictures at the nominal rate, so that it is longer where
    /// pictures that repeat are left out.
    #[serde(default = "two_seconds")]
    keyframe_every: DurationSetting,
}

/// Video codecs that can be made.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Codec {
    #[default]
    H264,
    Hevc,
    Vp9,
    Av1,
}

/// Profiles of H.264.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum H264Profile {
    /// For WebRTC and old devices.
    ConstrainedBaseline,
    Main,
    #[default]
    High,
}

fn two() -> u32 {
    2
}
fn two_seconds() -> DurationSetting {
    DurationSetting(Span::from_seconds(2))
}

impl VideoEncoderConfig {
    fn settings(&self) -> std::result::Result<VideoSettings, String> {
        let rate_control = match (self.crf, self.bitrate) {
            (Some(_), Some(_)) => return Err("crf and bitrate exclude each other; write one of them".into()),
            (Some(crf @ 51..), None) => return Err(format!("crf is {crf}; it goes from 0 (best) to 50")),
            (crf, None) => RateControl::Crf(crf.unwrap_or(DEFAULT_CRF)),
            (None, Some(BitRate(bits @ 1_000..=2_000_000_000))) => RateControl::Bitrate(bits / 1000),
            (None, Some(other)) => return Err(format!("bitrate is {other}; it goes from 1k to 2000M")),
        };
        if !(1..=64).contains(&self.threads) {
            return Err(format!("threads is {}; it goes from 1 to 64", self.threads));
        }
        let settings = VideoSettings {
            codec: match self.codec {
                Codec::H264 => VideoCodec::H264,
                Codec::Hevc => VideoCodec::Hevc,
                Codec::Vp9 => VideoCodec::Vp9,
                Codec::Av1 => VideoCodec::Av1,
            },
            encoder: self.encoder,
            preset: self.preset,
            rate_control,
            threads: self.threads,
            tune: self.tune,
            profile: match self.profile {
                H264Profile::ConstrainedBaseline => Profile::ConstrainedBaseline,
                H264Profile::Main => Profile::Main,
                H264Profile::High => Profile::High,
            },
            keyframe_every: self.keyframe_every.0,
            bframes: None,
        };
        settings.must_exist()?;
        Ok(settings)
    }
}

impl NodeConfig for VideoEncoderConfig {
    fn validate(&self, defaults: &Defaults) -> std::result::Result<(), String> {
        let (every, picture) = (self.keyframe_every, defaults.fps.interval());
        if every.0 < picture || every.0 > Span::from_seconds(60) {
            return Err(format!("keyframe_every is {every}; it goes from one picture ({picture}) to 1min"));
        }
        self.settings().map(drop)
    }

    fn joins(&self) -> std::result::Result<(), String> {
        // Groups of pictures are always closed, and the number of threads is always given.
        match self.bitrate {
            Some(rate) => Err(format!("it holds a rate ({rate}), which looks back over what came before; write crf instead of bitrate")),
            None => Ok(()),
        }
    }

    fn memory(&self, defaults: &Defaults) -> u64 {
        PICTURES_HELD * defaults.size.area() * 3 / 2
    }

    fn build(self, _: &Defaults) -> Result<Box<dyn Node>> {
        let settings = self.settings().map_err(Failure::msg)?;
        Ok(Box::new(VideoEncoder { settings, encoder: None, longest: Span::ZERO, last: None }))
    }
}

struct VideoEncoder {
    settings: VideoSettings,
    encoder: Option<Coding>,
    /// The longest time from one picture to the next, as far as the latency goes.
    longest: Span,
    /// The last picture's time.
    last: Option<Time>,
}

impl VideoEncoder {
    /// An encoder that holds pictures back counts time in pictures: after a gap, units would come later than the latency that was
    /// declared allows.
    fn check_gap(&mut self, encoder_waits: bool, pts: Time) -> Result {
        match self.last.replace(pts) {
            Some(last) if encoder_waits && pts - last > self.longest => Err(Failure::msg(format!(
                "the picture at {last} is followed by one at {pts}, but the encoder needs one every {}; put a playout node before it, \
                 which repeats what is held, or choose tune: zerolatency",
                self.longest
            ))),
            _ => Ok(()),
        }
    }
}

impl Node for VideoEncoder {
    fn start(&mut self, start: &mut Start<'_>) -> Result {
        let Some(video) = start.video(VIDEO) else { return Ok(()) };
        let encoder = Coding::open(&video, &self.settings)?;
        if self.settings.encoder == Encoder::Auto {
            let passed = Some(encoder.passed_over()).filter(|passed| !passed.is_empty());
            let passed = passed.map(|passed| format!("; not used: {passed}")).unwrap_or_default();
            start.warn(None, format!("encoder: auto took {}{passed}", encoder.element()));
        }
        start.set_caps(ENCODED, Caps::EncodedVideo(encoder.caps().clone()));
        self.longest = start.sparse().unwrap_or(video.rate.interval());
        start.set_latency(start.sparse().map_or(encoder.latency(), |longest| encoder.latency_of(longest)));
        self.encoder = Some(encoder);
        Ok(())
    }

    fn process(&mut self, cx: &mut Cx<'_>) -> Result<Flow> {
        let Some(packet) = cx.take(VIDEO) else { return Ok(Flow::More) };
        let waits = self.encoder.as_ref().is_some_and(|encoder| encoder.latency() > Span::ZERO);
        self.check_gap(waits, packet.pts)?;
        if let Some(encoder) = &mut self.encoder {
            if cx.demand(ENCODED).take_keyframe(packet.pts) {
                encoder.request_keyframe();
            }
            cx.emit_all(ENCODED, encoder.push(packet)?);
        }
        Ok(Flow::More)
    }

    fn fingerprint(&mut self, _: &Part, key: &mut Fingerprint<'_>) -> Result {
        let encoder = self.encoder.as_ref().map(|encoder| (encoder.signature(), encoder.caps().config.clone()));
        let (signature, config) = encoder.unwrap_or_default();
        key.add("encoder", Hash::of_all([signature.as_bytes(), &config, format!("{:?}", self.settings).as_bytes()]));
        Ok(())
    }

    fn finish(&mut self, cx: &mut Cx<'_>) -> Result {
        if let (Some(encoder), true) = (&mut self.encoder, self.last.is_some()) {
            cx.emit_all(ENCODED, encoder.finish()?);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outputs::tests::{config, moving_pictures};
    use engine::frame::Size;
    use engine::packet::Packet;
    use engine::testing::{NodeTest, Outputs};
    use engine::time::Rate;

    fn encode(settings: &str, pictures: Vec<Packet<VideoFrame>>) -> Result<Outputs> {
        let end = pictures.last().and_then(Packet::end).unwrap_or(Time::ZERO);
        NodeTest::new(&VIDEO_ENCODER, settings).input(VIDEO, pictures, end).run()
    }

    fn pictures(count: i64) -> Vec<Packet<VideoFrame>> {
        moving_pictures(Size::new(320, 180), count)
    }

    #[test]
    fn units_have_exact_times_and_closed_groups_and_are_the_same_every_time() {
        let rate = Rate::per_second(30);
        let out = encode("{}", pictures(90)).unwrap();
        let units = out.packets(ENCODED);
        assert!(out.latency > Span::ZERO && out.latency < Span::SECOND, "{}", out.latency);
        assert_eq!(units.iter().map(|unit| unit.media.dts).collect::<Vec<_>>(), (0..90).map(|i| rate.time_of(i)).collect::<Vec<_>>());
        let mut shown: Vec<Time> = units.iter().map(|unit| unit.pts).collect();
        for keyframe in (0..90).filter(|&i| units[i].media.keyframe) {
            assert!(units[keyframe..].iter().all(|unit| unit.pts >= units[keyframe].pts), "a picture refers across a keyframe");
        }
        assert!(units[0].media.keyframe && units.iter().filter(|unit| unit.media.keyframe).count() >= 2, "one every 2 s");
        shown.sort();
        assert_eq!(shown, (0..90).map(|i| rate.time_of(i)).collect::<Vec<_>>());
        let again = encode("{ codec: h264, preset: veryfast, crf: 20, threads: 2 }", pictures(90)).unwrap();
        assert_eq!(out.caps, again.caps);
        assert!(units.iter().zip(again.packets(ENCODED)).all(|(a, b)| a.media.data == b.media.data));
    }

    #[test]
    fn live_settings_hold_nothing_back_and_bear_gaps() {
        let settings = "{ tune: zerolatency, profile: constrained_baseline, bitrate: 300k }";
        let sparse: Vec<_> = pictures(60).into_iter().enumerate().filter(|(i, _)| i % 7 < 4).map(|(_, picture)| picture).collect();
        let times: Vec<Time> = sparse.iter().map(|picture| picture.pts).collect();
        let out = encode(settings, sparse).unwrap();
        assert_eq!(out.latency, Span::ZERO);
        assert_eq!(out.packets(ENCODED).iter().map(|unit| unit.pts).collect::<Vec<_>>(), times);
    }

    #[test]
    fn a_gap_before_an_encoder_that_holds_back_is_told() {
        let mut sparse = pictures(10);
        sparse.remove(4);
        let error = encode("{}", sparse).map(drop).unwrap_err().to_string();
        assert!(error.contains("0:00:00.100 is followed by one at 0:00:00.166") && error.contains("playout"), "{error}");
        assert!(encode("{}", Vec::new()).unwrap().packets(ENCODED).is_empty());
    }

    #[test]
    fn quality_and_rate_exclude_each_other() {
        let told = |settings: &str| config(&VIDEO_ENCODER, settings).0;
        assert_eq!(told("{}"), Ok(()));
        assert_eq!(told("{ crf: null, bitrate: 1500k }"), Ok(()));
        assert!(told("{ crf: 23, bitrate: 1500k }").unwrap_err().contains("exclude each other"));
        assert!(told("{ crf: 51 }").unwrap_err().contains("0 (best) to 50"));
        assert!(told("{ threads: 0 }").unwrap_err().contains("1 to 64"));
        assert!(told("{ keyframe_every: 10ms }").unwrap_err().contains("one picture"));
    }
}
