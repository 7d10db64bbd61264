//! `hash` [video, audio, cues, encoded]: a fingerprint of every packet, written to a file: two runs are compared by it.

use crate::cue::Cue;
use crate::frame::VideoFrame;
use crate::media::{AudioBlock, EncodedUnit, Media};
use crate::node::{Cx, Flow, In, Node, Result};
use crate::packet::Packet;
use crate::registry::{ConfigType, Defaults, Lane, NodeConfig, NodeType, Starts, Sync};
use crate::time::Time;
use schemars::JsonSchema;
use serde::Deserialize;
use std::path::PathBuf;

const VIDEO: In<VideoFrame> = In::new("video");
const AUDIO: In<AudioBlock> = In::new("audio");
const CUES: In<Cue> = In::new("cues");
const ENCODED: In<EncodedUnit> = In::new("encoded");

/// The node's entry in the registry.
pub const HASH: NodeType = NodeType {
    name: "hash",
    family: "engine",
    revision: 1,
    summary: "Writes a fingerprint of every packet to a text file",
    inputs: &[
        VIDEO.port("pictures").optional(),
        AUDIO.port("sound").optional(),
        CUES.port("events").optional(),
        ENCODED.port("compressed units").optional(),
    ],
    outputs: &[],
    sync: Sync::Merge,
    lane: Lane::Shared,
    starts: Starts::Anywhere,
    time_limit: NodeType::TIME_LIMIT,
    command: None,
    config: ConfigType::of::<HashConfig>("{ path: out/packets.txt }"),
};

/// Settings of `hash`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HashConfig {
    /// Where the lines go: kind, pts, duration and hash of each packet.
    path: PathBuf,
}

impl NodeConfig for HashConfig {
    fn build(self, _: &Defaults) -> Result<Box<dyn Node>> {
        Ok(Box::new(HashSink { path: self.path, lines: Vec::new() }))
    }
}

struct HashSink {
    path: PathBuf,
    lines: Vec<(Time, String)>,
}

impl HashSink {
    fn add(&mut self, packet: Packet) {
        let (kind, pts, dur) = (packet.media.kind().as_str(), packet.pts.0, packet.dur.map_or(-1, |dur| dur.0));
        self.lines.push((packet.pts, format!("{kind} {pts} {dur} {:016x}\n", PacketHasher::media(&packet.media))));
    }
}

impl Node for HashSink {
    fn process(&mut self, cx: &mut Cx<'_>) -> Result<Flow> {
        if let Some(packet) = cx.take(VIDEO) {
            self.add(packet.into());
        }
        if let Some(packet) = cx.take(AUDIO) {
            self.add(packet.into());
        }
        if let Some(packet) = cx.take(CUES) {
            self.add(packet.into());
        }
        if let Some(packet) = cx.take(ENCODED) {
            self.add(packet.into());
        }
        Ok(Flow::More)
    }

    fn finish(&mut self, _: &mut Cx<'_>) -> Result {
        Ok(std::fs::write(&self.path, self.lines.iter().map(|(_, line)| line.as_str()).collect::<String>())?)
    }

    fn flush(&mut self, cut: Time) {
        self.lines.retain(|(pts, _)| *pts < cut);
    }
}

/// A 64-bit FNV-1a hash of what a packet carries; the same on every machine. Stable, not cryptographic.
/// Source: <https://www.rfc-editor.org/rfc/rfc9923> (FNV-1a, 64 bit), taken over 8 bytes at a time.
pub struct PacketHasher(u64);

impl PacketHasher {
    /// Fingerprint of an item: pixels inside the picture (not the padding), samples, text of cues, bytes of units.
    pub fn media(media: &Media) -> u64 {
        let mut hasher = PacketHasher(0xcbf2_9ce4_8422_2325);
        match media {
            Media::Video(frame) => {
                for p in 0..frame.picture.layout().planes() {
                    let plane = frame.picture.plane(p);
                    plane.data.chunks(plane.stride).for_each(|row| hasher.write(&row[..plane.size.width as usize]));
                }
                hasher.write(format!("{:?}", frame.place).as_bytes());
            }
            Media::Audio(block) => block.samples().iter().for_each(|sample| hasher.word(u64::from(sample.to_bits()))),
            Media::Cue(cue) => hasher.write(format!("{cue:?}").as_bytes()),
            Media::Encoded(unit) => hasher.write(&unit.data),
        }
        hasher.0
    }

    fn word(&mut self, word: u64) {
        self.0 = (self.0 ^ word).wrapping_mul(0x0000_0100_0000_01b3);
    }

    fn write(&mut self, bytes: &[u8]) {
        let chunks = bytes.chunks_exact(8);
        let rest = chunks.remainder();
        for chunk in chunks {
            self.word(chunk.iter().fold(0, |word, &byte| word << 8 | u64::from(byte)));
        }
        rest.iter().for_each(|&byte| self.word(u64::from(byte)));
        self.word(bytes.len() as u64);
    }
}
