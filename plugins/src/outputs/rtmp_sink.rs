//! `rtmp_sink` [video, audio]: the lecture to a streaming server, as H.264 and AAC in FLV over RTMP.
//!
//! A thread of its own speaks with the server and connects again when the connection is lost: the run never waits for it longer than a
//! moment and never fails because of it. What cannot be sent is left out, from there to the next keyframe, which is asked for.

use super::rtmp_link::{Link, Unit};
use crate::gst::redacted;
use engine::graph::secret::Secret;
use engine::media::{AudioCodec, EncodedUnit};
use engine::node::{Cx, Failure, Flow, In, Node, Result, Start};
use engine::packet::Packet;
use engine::registry::{ConfigType, Defaults, Lane, NodeConfig, NodeType, Sync};
use schemars::JsonSchema;
use serde::Deserialize;

const VIDEO: In<EncodedUnit> = In::new("video");
const AUDIO: In<EncodedUnit> = In::new("audio");

/// The node's entry in the registry.
pub const RTMP_SINK: NodeType = NodeType {
    name: "rtmp_sink",
    family: "outputs",
    revision: 1,
    summary: "The lecture to an RTMP server, again and again when the connection is lost",
    inputs: &[VIDEO.port("H.264 units").optional(), AUDIO.port("AAC units").optional()],
    outputs: &[],
    sync: Sync::Merge,
    lane: Lane::Own,
    time_limit: NodeType::TIME_LIMIT,
    command: None,
    config: ConfigType::of::<RtmpSinkConfig>("{ url: \"rtmp://live.example.org/app/stream-key\" }"),
};

/// Settings of `rtmp_sink`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RtmpSinkConfig {
    /// Where to, with the stream key: rtmp://HOST/APP/KEY or rtmps://HOST/APP/KEY.
    url: Secret,
}

impl NodeConfig for RtmpSinkConfig {
    fn validate(&self, _: &Defaults) -> std::result::Result<(), String> {
        let url = self.url.reveal();
        let rest = url.strip_prefix("rtmp://").or_else(|| url.strip_prefix("rtmps://"));
        let mut parts = rest.unwrap_or_default().split('/');
        let is_whole = parts.by_ref().take(3).filter(|part| !part.is_empty()).count() == 3;
        if !is_whole || url.contains(|c: char| c.is_whitespace() || c.is_control() || "\"'\\!".contains(c)) {
            return Err("url is no RTMP address; write rtmp://HOST/APP/KEY, special characters percent-encoded".into());
        }
        Ok(())
    }

    fn build(self, _: &Defaults) -> Result<Box<dyn Node>> {
        Ok(Box::new(RtmpSink { url: self.url, link: None, has_video: false, skips: false }))
    }
}

struct RtmpSink {
    url: Secret,
    link: Option<Link>,
    has_video: bool,
    /// Something was left out: nothing is sent before the next keyframe.
    skips: bool,
}

impl Node for RtmpSink {
    fn start(&mut self, start: &mut Start<'_>) -> Result {
        let (video, audio) = (start.encoded_video(VIDEO), start.encoded_audio(AUDIO));
        if start.encoded_audio(VIDEO).is_some() || start.encoded_video(AUDIO).is_some() {
            return Err(Failure::msg("video and audio are mixed up: connect a video_encoder to video and an audio_encoder to audio"));
        }
        if audio.as_ref().is_some_and(|caps| caps.codec != AudioCodec::Aac) {
            return Err(Failure::msg("RTMP takes AAC only; set codec: aac in the audio_encoder before it"));
        }
        if video.is_none() && audio.is_none() {
            return Err(Failure::msg("neither video nor audio is connected; connect at least one of them to an encoder"));
        }
        self.has_video = video.is_some();
        self.link = Some(Link::open(self.url.reveal(), video, audio)?);
        Ok(())
    }

    fn process(&mut self, cx: &mut Cx<'_>) -> Result<Flow> {
        let Some(link) = &self.link else { return Ok(Flow::More) };
        let name = redacted(self.url.reveal());
        link.losses().for_each(|loss| cx.warn(None, format!("the connection to {name} is lost and is tried again: {loss}")));
        let packets = [(true, cx.take(VIDEO)), (false, cx.take(AUDIO))];
        for (is_video, packet) in packets {
            let Some(Packet { pts, dur, media, .. }) = packet else { continue };
            if self.skips && !(is_video && media.keyframe) {
                continue;
            }
            let unit = Unit { is_video, pts, dur, unit: media };
            self.skips = !link.send(unit, self.skips) && self.has_video;
        }
        if self.skips || link.wants_keyframe() {
            cx.ask_keyframe(VIDEO);
        }
        Ok(Flow::More)
    }

    fn finish(&mut self, cx: &mut Cx<'_>) -> Result {
        if let Some(link) = self.link.take() {
            let name = redacted(self.url.reveal());
            link.close().into_iter().for_each(|loss| cx.warn(None, format!("the end may not have reached {name}: {loss}")));
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "rtmp_sink_tests.rs"]
mod tests;
