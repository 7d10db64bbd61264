//! `test_encoder` [video or audio -> encoded]: units of a fixed size without content, keyframes at fixed places and on demand. What an
//! encoder is to the queues behind it, without its cost.

use crate::frame::VideoFrame;
use crate::media::{AudioBlock, AudioCodec, Caps, EncodedAudioCaps, EncodedUnit, EncodedVideoCaps, Media, VideoCodec};
use crate::node::{Cx, Flow, In, Node, Out, Result, Start};
use crate::nodes::PacketHasher;
use crate::packet::Packet;
use crate::registry::{ConfigType, Defaults, Lane, NodeConfig, NodeType, Starts, Sync};
use crate::time::Time;
use bytes::Bytes;
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::VecDeque;

const VIDEO: In<VideoFrame> = In::new("video");
const AUDIO: In<AudioBlock> = In::new("audio");
const ENCODED: Out<EncodedUnit> = Out::new("encoded");

/// The node type.
pub const TEST_ENCODER: NodeType = NodeType {
    name: "test_encoder",
    family: "testing",
    revision: 1,
    summary: "Units without content, and keyframes on demand",
    inputs: &[VIDEO.port("pictures").optional(), AUDIO.port("sound").optional()],
    outputs: &[ENCODED.port("a unit for every packet")],
    sync: Sync::Each,
    lane: Lane::Own,
    starts: Starts::Anywhere,
    time_limit: NodeType::TIME_LIMIT,
    command: None,
    config: ConfigType::of::<EncoderConfig>("{ bytes: 100, keyframe_every: 50 }"),
};

/// Settings of `test_encoder`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EncoderConfig {
    /// Bytes of a unit.
    bytes: usize,
    /// Every so many pictures one is a keyframe; the first is.
    keyframe_every: u64,
    /// So many pictures are held back, as an encoder does that looks ahead.
    #[serde(default)]
    ahead: usize,
    /// Units carry the fingerprint of what they stand for, if they have room for it.
    #[serde(default)]
    print: bool,
}

impl NodeConfig for EncoderConfig {
    fn validate(&self, _: &Defaults) -> std::result::Result<(), String> {
        if self.keyframe_every == 0 { Err("keyframe_every is at least 1".into()) } else { Ok(()) }
    }

    fn joins(&self) -> std::result::Result<(), String> {
        Ok(())
    }

    fn build(self, _: &Defaults) -> Result<Box<dyn Node>> {
        Ok(Box::new(Encoder { config: self, made: 0, held: VecDeque::new() }))
    }
}

struct Encoder {
    config: EncoderConfig,
    made: u64,
    held: VecDeque<Packet<EncodedUnit>>,
}

impl Encoder {
    fn unit(&mut self, pts: Time, keyframe: bool, media: &Media) -> EncodedUnit {
        self.made += 1;
        let mut data = vec![0; self.config.bytes];
        if let Some(print) = data.first_chunk_mut::<8>().filter(|_| self.config.print) {
            *print = PacketHasher::media(media).to_le_bytes();
        }
        EncodedUnit { dts: pts, keyframe, data: Bytes::from(data) }
    }
}

impl Node for Encoder {
    fn start(&mut self, start: &mut Start<'_>) -> Result {
        if let Some(video) = start.video(VIDEO) {
            let caps = EncodedVideoCaps { codec: VideoCodec::H264, size: video.size, rate: video.rate, config: Bytes::new() };
            start.set_caps(ENCODED, Caps::EncodedVideo(caps));
            start.set_latency(video.rate.span_of(self.config.ahead as i64));
        } else if let Some(audio) = start.audio(AUDIO) {
            let (rate, channels) = (audio.rate, audio.channels);
            let caps = EncodedAudioCaps { codec: AudioCodec::Opus, rate, channels, config: Bytes::new(), priming: 0, bitrate: 0 };
            start.set_caps(ENCODED, Caps::EncodedAudio(caps));
        }
        Ok(())
    }

    fn process(&mut self, cx: &mut Cx<'_>) -> Result<Flow> {
        if let Some(packet) = cx.take(VIDEO) {
            let asked = cx.demand(ENCODED).take_keyframe(packet.pts);
            let keyframe = asked || self.made.is_multiple_of(self.config.keyframe_every);
            let unit = self.unit(packet.pts, keyframe, &packet.media.into());
            self.held.push_back(Packet { dur: packet.dur, ..Packet::new(packet.pts, unit) });
            if self.held.len() > self.config.ahead {
                cx.emit_all(ENCODED, self.held.pop_front());
            }
        }
        if let Some(packet) = cx.take(AUDIO) {
            let unit = self.unit(packet.pts, true, &packet.media.into());
            cx.emit(ENCODED, Packet { dur: packet.dur, ..Packet::new(packet.pts, unit) });
        }
        Ok(Flow::More)
    }

    fn finish(&mut self, cx: &mut Cx<'_>) -> Result {
        cx.emit_all(ENCODED, self.held.drain(..));
        Ok(())
    }
}
