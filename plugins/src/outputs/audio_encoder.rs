//! `audio_encoder` [audio -> encoded]: AAC-LC, or Opus in units of 20 ms.
//!
//! A unit's `pts` is when its first sample is heard: `k * unit - priming` samples from the first one that went in, so that the first unit
//! begins before the sound. The caps tell the priming.

use crate::gst::{GstError, SoundEncoder, SoundSettings};
use engine::graph::unit::BitRate;
use engine::media::{AudioBlock, AudioCodec, Caps, EncodedUnit};
use engine::node::{Cx, Failure, Flow, In, Node, Out, Result, Start};
use engine::registry::{ConfigType, Defaults, Lane, NodeConfig, NodeType, Starts, Sync};
use engine::segments::{Fingerprint, Part};
use engine::time::{Rate, Span};
use schemars::JsonSchema;
use serde::Deserialize;

const AUDIO: In<AudioBlock> = In::new("audio");
const ENCODED: Out<EncodedUnit> = Out::new("encoded");

/// The node's entry in the registry.
pub const AUDIO_ENCODER: NodeType = NodeType {
    name: "audio_encoder",
    family: "outputs",
    revision: 2,
    summary: "Sound as AAC or Opus",
    inputs: &[AUDIO.port("sound without gaps, as playout gives it")],
    outputs: &[ENCODED.port("units of 1024 samples (AAC) or 20 ms (Opus)")],
    sync: Sync::Each,
    lane: Lane::Own,
    starts: Starts::Anywhere,
    time_limit: NodeType::TIME_LIMIT,
    command: None,
    config: ConfigType::of::<AudioEncoderConfig>("{ codec: aac, bitrate: 192k, channels: stereo }"),
};

/// Settings of `audio_encoder`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AudioEncoderConfig {
    /// `aac` (AAC-LC) for files, HLS and RTMP, `opus` for WebRTC.
    #[serde(default)]
    codec: Codec,
    /// Bits a second: AAC 16k to 512k (default 192k), Opus 6k to 510k (default 64k).
    bitrate: Option<BitRate>,
    /// Channels of the stream; mono sound is put on both of `stereo`.
    #[serde(default)]
    channels: Channels,
}

/// Audio codecs that can be made.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Codec {
    #[default]
    Aac,
    Opus,
}

/// Channels of the stream.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Channels {
    Mono,
    #[default]
    Stereo,
}

impl AudioEncoderConfig {
    fn bitrate(&self) -> BitRate {
        self.bitrate.unwrap_or(match self.codec {
            Codec::Aac => BitRate(192_000),
            Codec::Opus => BitRate(64_000),
        })
    }
}

impl NodeConfig for AudioEncoderConfig {
    fn validate(&self, defaults: &Defaults) -> std::result::Result<(), String> {
        match (self.codec, self.bitrate()) {
            (Codec::Opus, _) if defaults.sample_rate != Rate::per_second(48_000) => {
                Err("Opus is made of 48000 samples a second; write defaults: { audio: { rate: 48000 } }".into())
            }
            (Codec::Aac, BitRate(16_000..=512_000)) | (Codec::Opus, BitRate(6_000..=510_000)) => Ok(()),
            (Codec::Aac, other) => Err(format!("bitrate is {other}; that of AAC goes from 16k to 512k")),
            (Codec::Opus, other) => Err(format!("bitrate is {other}; that of Opus goes from 6k to 510k")),
        }
    }

    fn build(self, _: &Defaults) -> Result<Box<dyn Node>> {
        let codec = match self.codec {
            Codec::Aac => AudioCodec::Aac,
            Codec::Opus => AudioCodec::Opus,
        };
        let channels = match self.channels {
            Channels::Mono => 1,
            Channels::Stereo => 2,
        };
        Ok(Box::new(AudioEncoder { settings: SoundSettings { codec, bitrate: self.bitrate().0, channels }, encoder: None }))
    }
}

struct AudioEncoder {
    settings: SoundSettings,
    encoder: Option<SoundEncoder>,
}

impl Node for AudioEncoder {
    fn start(&mut self, start: &mut Start<'_>) -> Result {
        let Some(audio) = start.audio(AUDIO) else { return Ok(()) };
        let encoder = SoundEncoder::open(&audio, &self.settings)?;
        let encoder = if start.is_live() { encoder } else { encoder.in_pieces(start.first_piece()) };
        start.set_caps(ENCODED, Caps::EncodedAudio(encoder.caps().clone()));
        start.set_latency(encoder.latency());
        self.encoder = Some(encoder);
        Ok(())
    }

    fn pieces(&self) -> Option<Span> {
        self.encoder.as_ref().and_then(SoundEncoder::piece_length)
    }

    fn process(&mut self, cx: &mut Cx<'_>) -> Result<Flow> {
        if let (Some(packet), Some(encoder)) = (cx.take(AUDIO), &mut self.encoder) {
            let units = encoder.push(packet).map_err(|error| match error {
                GstError::Order { .. } => Failure::msg(format!("{error}; put a playout node before it, which fills gaps with silence")),
                other => other.into(),
            })?;
            cx.emit_all(ENCODED, units);
        }
        Ok(Flow::More)
    }

    fn fingerprint(&mut self, _: &Part, key: &mut Fingerprint<'_>) -> Result {
        let coder = self.encoder.as_ref().map(SoundEncoder::signature).unwrap_or_default();
        key.add("encoder", format!("{coder} {:?}", self.settings));
        Ok(())
    }

    fn finish(&mut self, cx: &mut Cx<'_>) -> Result {
        if let Some(encoder) = &mut self.encoder {
            cx.emit_all(ENCODED, encoder.finish()?);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outputs::tests::{config, tone};
    use engine::packet::Packet;
    use engine::testing::{NodeTest, Outputs};
    use engine::time::Time;

    fn encode(settings: &str, sound: Vec<Packet<AudioBlock>>) -> Result<Outputs> {
        let end = sound.last().and_then(Packet::end).unwrap_or(Time::ZERO);
        NodeTest::new(&AUDIO_ENCODER, settings).input(AUDIO, sound, end).run()
    }

    #[test]
    fn units_follow_each_other_from_before_the_sound_to_its_end() {
        let rate = Rate::per_second(48_000);
        let out = encode("{}", tone(1000)).unwrap();
        let Some(Caps::EncodedAudio(caps)) = &out.caps[0] else { panic!("{:?}", out.caps) };
        assert_eq!((caps.channels, caps.rate, caps.bitrate, caps.priming), (2, rate, 192_000, 1024));
        let units = out.packets(ENCODED);
        let times: Vec<Time> = units.iter().map(|unit| unit.pts).collect();
        // (48000 + 1024) / 1024 units, rounded up, hold all of it.
        assert_eq!(times, (0..48).map(|k| rate.time_of(k * 1024 - 1024)).collect::<Vec<_>>());
        assert!(units.iter().all(|unit| unit.media.keyframe && unit.media.dts == unit.pts));
        assert!(out.latency < Span::from_millis(100), "{}", out.latency);
        let again = encode("{ codec: aac, bitrate: 192k, channels: stereo }", tone(1000)).unwrap();
        assert!(units.iter().zip(again.packets(ENCODED)).all(|(a, b)| a.media.data == b.media.data));
    }

    #[test]
    fn opus_units_last_20_ms() {
        let out = encode("{ codec: opus, channels: mono }", tone(1000)).unwrap();
        let Some(Caps::EncodedAudio(caps)) = &out.caps[0] else { panic!("{:?}", out.caps) };
        assert_eq!((caps.codec, caps.channels, caps.bitrate, caps.priming), (AudioCodec::Opus, 1, 64_000, 312));
        let times: Vec<Time> = out.packets(ENCODED).iter().map(|unit| unit.pts).collect();
        assert_eq!(times, (0..51).map(|k| caps.rate.time_of(k * 960 - 312)).collect::<Vec<_>>());
        assert!(out.latency < Span::from_millis(30), "{}", out.latency);
    }

    #[test]
    fn gaps_and_bad_rates_are_told_and_silence_is_nothing() {
        let mut sound = tone(200);
        sound.remove(3);
        let error = encode("{}", sound).map(drop).unwrap_err().to_string();
        assert!(error.contains("0:00:00.080") && error.contains("playout"), "{error}");
        assert!(config(&AUDIO_ENCODER, "{ bitrate: 8k }").0.unwrap_err().contains("16k to 512k"));
        assert!(config(&AUDIO_ENCODER, "{ codec: opus, bitrate: 512k }").0.unwrap_err().contains("6k to 510k"));
        assert!(encode("{ channels: mono }", Vec::new()).unwrap().packets(ENCODED).is_empty());
    }
}
