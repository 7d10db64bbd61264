//! `web_sink` [video*, opus, aac, cues]: the lecture for browsers, in a room of this process.
//!
//! The same encoded pictures go to viewers by WebRTC (with Opus) and as fragmented MP4 (with AAC). A server finds the room by its name
//! and lets viewers in: see [`crate::room`].

use crate::room::{Channel, Gathered, Room, Rung, Whep};
use engine::cue::Cue;
use engine::media::{AudioCodec, EncodedAudioCaps, EncodedUnit};
use engine::node::{Cx, Failure, Flow, In, Node, Result, Start};
use engine::registry::{ConfigType, Defaults, Lane, NodeConfig, NodeType, Starts, Sync};
use plugins::lesson::is_id;
use plugins::mp4::{Fragmenter, MovieSpec, Synthetic};
use plugins::outputs::{Tracks, must_be_h264};
use schemars::JsonSchema;
use serde::Deserialize;
use std::net::IpAddr;
use std::sync::Arc;

const VIDEO: In<EncodedUnit> = In::new("video");
const OPUS: In<EncodedUnit> = In::new("opus");
const AAC: In<EncodedUnit> = In::new("aac");
const CUES: In<Cue> = In::new("cues");

/// The node's entry in the registry.
pub const WEB_SINK: NodeType = NodeType {
    name: "web_sink",
    family: "outputs",
    revision: 1,
    summary: "The lecture for browsers: WebRTC (WHEP) and fragmented MP4 over WebSocket",
    inputs: &[
        VIDEO.port("H.264 units; several for several sizes, the largest first").many(),
        OPUS.port("Opus units, for WebRTC").optional(),
        AAC.port("AAC units, for fragmented MP4").optional(),
        CUES.port("slides and captions, as news").optional(),
    ],
    outputs: &[],
    sync: Sync::Merge,
    lane: Lane::Own,
    starts: Starts::Anywhere,
    time_limit: NodeType::TIME_LIMIT,
    command: None,
    config: ConfigType::of::<WebSinkConfig>("{ room: demo, viewers: 100 }"),
};

/// Settings of `web_sink`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WebSinkConfig {
    /// The name that viewers join: letters, digits, `-` and `_`, at most 64.
    room: String,
    /// So many may watch at once, 1 to 10000.
    #[serde(default = "hundred")]
    viewers: usize,
    /// Viewers are told what is said, for their pages to show. Not where the pictures show it.
    #[serde(default = "yes")]
    captions: bool,
    /// Viewers may come by WebRTC, too.
    #[serde(default = "yes")]
    whep: bool,
    /// The addresses under which WebRTC viewers find this machine; none: those of all its networks but loopback.
    #[serde(default)]
    addresses: Vec<IpAddr>,
}

fn hundred() -> usize {
    100
}
fn yes() -> bool {
    true
}

/// A room's name: letters, digits, `-` and `_`, 1 to 64 of them.
pub(crate) fn check_room(name: &str) -> std::result::Result<(), String> {
    if is_id(name) { Ok(()) } else { Err(format!("a room cannot be named {name:?}; use 1 to 64 letters, digits, - and _")) }
}

impl NodeConfig for WebSinkConfig {
    fn validate(&self, _: &Defaults) -> std::result::Result<(), String> {
        check_room(&self.room)?;
        if !(1..=10_000).contains(&self.viewers) {
            return Err(format!("viewers is {}; it goes from 1 to 10000", self.viewers));
        }
        Ok(())
    }

    fn build(self, _: &Defaults) -> Result<Box<dyn Node>> {
        Ok(Box::new(WebSink { config: self, room: None, gathered: Vec::new() }))
    }
}

struct WebSink {
    config: WebSinkConfig,
    room: Option<Arc<Room>>,
    /// What is gathered for the next fragment, by rung.
    gathered: Vec<Gathered>,
}

impl Node for WebSink {
    fn start(&mut self, start: &mut Start<'_>) -> Result {
        let config = &self.config;
        let room = Room::open(&config.room, config.viewers, start.events()).map_err(Failure::msg)?;
        let opus = sound(start, OPUS, AudioCodec::Opus)?;
        sound(start, AAC, AudioCodec::Aac)?;
        let mut rungs = Vec::new();
        for n in 0..start.caps(VIDEO).count() {
            must_be_h264(start.encoded_video_nth(VIDEO, n).as_ref(), "the room")?;
            let tracks = Tracks::of_nth(start, (VIDEO, n), AAC)?;
            let spec = MovieSpec { title: None, language: String::new(), synthetic: Synthetic::ALL, tracks: tracks.specs.clone() };
            let video = start.encoded_video_nth(VIDEO, n).ok_or_else(|| Failure::msg("connect a video_encoder to video"))?;
            let channel = Arc::new(Channel::new(Fragmenter::new(spec)?, tracks, room.counters.clone())?);
            let whep = match config.whep {
                true => Some(Whep::start(&video, opus.as_ref(), &config.addresses, &room.counters)?),
                false => None,
            };
            rungs.push(Rung { channel, whep });
            self.gathered.push(Gathered::default());
        }
        room.set_rungs(rungs);
        self.room = Some(room);
        Ok(())
    }

    fn process(&mut self, cx: &mut Cx<'_>) -> Result<Flow> {
        let Some(room) = &self.room else { return Ok(Flow::More) };
        for (n, rung) in room.rungs().iter().enumerate() {
            if let Some(packet) = cx.take_nth(VIDEO, n) {
                room.reach(packet.pts);
                room.bulletin().reach(packet.pts);
                if let Some(whep) = &rung.whep {
                    whep.push(0, &packet)?;
                }
                rung.channel.picture(&mut self.gathered[n], packet)?;
            }
            let asked = [rung.channel.takes_keyframe(), rung.whep.as_ref().is_some_and(Whep::takes_keyframe)];
            if asked.contains(&true) {
                cx.ask_keyframe_nth(VIDEO, n);
            }
        }
        if let Some(packet) = cx.take(OPUS) {
            for whep in room.rungs().iter().filter_map(|rung| rung.whep.as_ref()) {
                whep.push(1, &packet)?;
            }
        }
        if let Some(packet) = cx.take(AAC) {
            for (rung, gathered) in room.rungs().iter().zip(&mut self.gathered) {
                rung.channel.sound(gathered, packet.clone());
            }
        }
        if let Some(packet) = cx.take(CUES)
            && (self.config.captions || !matches!(packet.media, Cue::Caption(_)))
        {
            room.bulletin().cue(&packet);
        }
        Ok(Flow::More)
    }

    fn finish(&mut self, cx: &mut Cx<'_>) -> Result {
        if let Some(room) = self.room.take() {
            for (rung, gathered) in room.rungs().iter().zip(&mut self.gathered) {
                rung.channel.last(gathered, cx.end())?;
            }
            room.end();
        }
        Ok(())
    }
}

impl Drop for WebSink {
    fn drop(&mut self) {
        // Also after a failure: those who watch are not left waiting.
        if let Some(room) = self.room.take() {
            room.end();
        }
    }
}

/// The caps of a sound port that is connected, or an error when they are of another codec.
fn sound(start: &Start<'_>, port: In<EncodedUnit>, codec: AudioCodec) -> Result<Option<EncodedAudioCaps>> {
    match start.encoded_audio(port) {
        Some(caps) if caps.codec == codec => Ok(Some(caps)),
        None if start.caps(port).next().is_none() => Ok(None),
        _ => Err(Failure::msg(format!("the wrong encoder is connected: {codec:?} is due; set its `codec`"))),
    }
}
