//! `rtmp_sink` [video, audio]: the lecture to a streaming server, as H.264 and AAC in FLV over RTMP.
//!
//! A thread of its own speaks with the server and connects again when the connection is lost: the run never waits for it longer than a
//! moment and never fails because of it. What cannot be sent is left out, from there to the next keyframe, which is asked for.

use super::tracks::must_be_h264;
use crate::gst::{GstError, Link, Peer, Pipeline, encoded_audio_caps, encoded_video_caps, redacted};
use crossbeam_channel::{Receiver, Sender, unbounded};
use engine::graph::secret::Secret;
use engine::media::{AudioCodec, EncodedAudioCaps, EncodedUnit, EncodedVideoCaps};
use engine::node::{Cx, Failure, Flow, In, Node, Result, Start};
use engine::registry::{ConfigType, Defaults, Lane, NodeConfig, NodeType, Starts, Sync};
use schemars::JsonSchema;
use serde::Deserialize;
use std::time::Duration;

/// How long the end of the stream may take.
const END: Duration = Duration::from_secs(3);

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
    starts: Starts::Anywhere,
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
        Ok(Box::new(RtmpSink { url: self.url, link: None, has_video: false }))
    }
}

/// The streaming server.
struct Server {
    /// A GStreamer launch text.
    launch: String,
    video: Option<EncodedVideoCaps>,
    audio: Option<EncodedAudioCaps>,
    losses: Sender<GstError>,
}

impl Server {
    /// With the channel on which losses are told: the first one each time.
    fn new(url: &str, video: Option<EncodedVideoCaps>, audio: Option<EncodedAudioCaps>) -> (Server, Receiver<GstError>) {
        let mut launch = format!("flvmux name=mux streamable=true ! rtmp2sink sync=false location=\"{url}\"");
        if video.is_some() {
            launch += " appsrc name=video ! mux.video";
        }
        if audio.is_some() {
            launch += " appsrc name=audio ! mux.audio";
        }
        let (losses, told) = unbounded();
        (Server { launch, video, audio, losses }, told)
    }
}

impl Peer for Server {
    fn connect(&mut self) -> std::result::Result<Pipeline, GstError> {
        crate::gst::init()?;
        let video = self.video.as_ref().map(|caps| ("video", encoded_video_caps(caps)));
        let audio = self.audio.as_ref().map(|caps| ("audio", encoded_audio_caps(caps)));
        let tracks: Vec<_> = [video, audio].into_iter().flatten().collect();
        Pipeline::launch(&self.launch, &tracks)
    }

    fn has_video(&self) -> bool {
        self.video.is_some()
    }

    fn lost(&mut self, error: &GstError, _: Duration, first: bool) {
        if first {
            // The node may be gone.
            let _ = self.losses.send(error.clone());
        }
    }

    fn end(&mut self, pipeline: Pipeline) {
        if let Err(error) = pipeline.end(END) {
            self.lost(&error, Duration::ZERO, true);
        }
    }
}

struct RtmpSink {
    url: Secret,
    /// The connection, and what is told of its losses.
    link: Option<(Link, Receiver<GstError>)>,
    has_video: bool,
}

impl Node for RtmpSink {
    fn start(&mut self, start: &mut Start<'_>) -> Result {
        let (video, audio) = (start.encoded_video(VIDEO), start.encoded_audio(AUDIO));
        if start.encoded_audio(VIDEO).is_some() || start.encoded_video(AUDIO).is_some() {
            return Err(Failure::msg("video and audio are mixed up: connect a video_encoder to video and an audio_encoder to audio"));
        }
        must_be_h264(video.as_ref(), "RTMP")?;
        if audio.as_ref().is_some_and(|caps| caps.codec != AudioCodec::Aac) {
            return Err(Failure::msg("RTMP takes AAC only; set codec: aac in the audio_encoder before it"));
        }
        if video.is_none() && audio.is_none() {
            return Err(Failure::msg("neither video nor audio is connected; connect at least one of them to an encoder"));
        }
        self.has_video = video.is_some();
        let (server, losses) = Server::new(self.url.reveal(), video, audio);
        self.link = Some((Link::start("rtmp", server)?, losses));
        Ok(())
    }

    fn process(&mut self, cx: &mut Cx<'_>) -> Result<Flow> {
        let Some((link, losses)) = &mut self.link else { return Ok(Flow::More) };
        let name = redacted(self.url.reveal());
        losses.try_iter().for_each(|loss| cx.warn(None, format!("the connection to {name} is lost and is tried again: {loss}")));
        if let Some(packet) = cx.take(VIDEO) {
            link.push(0, true, packet);
        }
        if let Some(packet) = cx.take(AUDIO) {
            link.push(usize::from(self.has_video), false, packet);
        }
        if link.takes_keyframe() {
            cx.ask_keyframe(VIDEO);
        }
        Ok(Flow::More)
    }

    fn finish(&mut self, cx: &mut Cx<'_>) -> Result {
        if let Some((link, losses)) = self.link.take() {
            let name = redacted(self.url.reveal());
            drop(link);
            losses.try_iter().for_each(|loss| cx.warn(None, format!("the end may not have reached {name}: {loss}")));
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "rtmp_sink_tests.rs"]
mod tests;
