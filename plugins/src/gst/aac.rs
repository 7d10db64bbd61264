//! AAC-LC by libavcodec, or by vo-aacenc where that is missing.

use super::chain::Chain;
use super::error::GstError;
use super::wrap::timed;
use bytes::Bytes;
use engine::media::{AudioBlock, AudioCaps, AudioCodec, EncodedAudioCaps, EncodedUnit};
use engine::packet::Packet;
use engine::time::{Span, Time};
use gstreamer as gst;
use std::collections::VecDeque;

/// Everything that shapes the stream besides the sound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AacSettings {
    /// Bits a second, 16,000 to 512,000.
    pub bitrate: u32,
    /// Channels of the stream: 1 or 2. One channel in is put on both.
    pub channels: u16,
}

impl Default for AacSettings {
    /// Stereo at 128 kbit/s.
    fn default() -> AacSettings {
        AacSettings { bitrate: 128_000, channels: 2 }
    }
}

/// Samples of each channel in a unit (ISO/IEC 14496-3, AAC-LC).
const UNIT: usize = 1024;

/// An element that encodes, and what is known of it.
struct Coder {
    element: &'static str,
    /// Launch text up to its output; `{bitrate}` is put in.
    launch: &'static str,
    /// Samples that a decoder gives before the first real one.
    priming: usize,
    /// Units that it holds back.
    delay: usize,
}

const CODERS: [Coder; 2] = [
    Coder { element: "avenc_aac", launch: "avenc_aac bitrate={bitrate}", priming: 1024, delay: 1 },
    // Takes 16 bits only. Dither is noise from a random source: off.
    Coder { element: "voaacenc", launch: "audioconvert dithering=none ! voaacenc bitrate={bitrate}", priming: 1600, delay: 0 },
];

/// An AAC encoder in the caller's thread. Unit k starts `k * 1024 - priming` samples after the first sample, exactly.
pub struct AacEncoder {
    chain: Chain,
    coder: &'static Coder,
    caps: EncodedAudioCaps,
    input: AudioCaps,
    /// Time of the first sample.
    first: Option<Time>,
    /// Samples per channel taken, given to the encoder, and units given out.
    taken: usize,
    fed: usize,
    given: usize,
    /// Interleaved samples that do not fill a unit yet.
    waiting: Vec<f32>,
    ready: VecDeque<Bytes>,
}

impl AacEncoder {
    /// Sets up an encoder and finds out its decoder configuration with silence.
    ///
    /// # Errors
    /// When no AAC encoder is installed, or the settings or the caps do not go.
    pub fn open(input: &AudioCaps, settings: &AacSettings) -> Result<AacEncoder, GstError> {
        super::init()?;
        let present = |coder: &&Coder| gst::ElementFactory::find(coder.element).is_some();
        let coder = CODERS.iter().find(present).ok_or_else(|| GstError::Missing { element: CODERS[0].element.into() })?;
        AacEncoder::open_with(coder, input, settings)
    }

    fn open_with(coder: &'static Coder, input: &AudioCaps, settings: &AacSettings) -> Result<AacEncoder, GstError> {
        check(input, settings)?;
        let launch = coder.launch.replace("{bitrate}", &settings.bitrate.to_string());
        let description = format!("{launch} ! capsfilter caps=audio/mpeg,mpegversion=4,stream-format=raw");
        let raw = gst::Caps::builder("audio/x-raw")
            .field("format", "F32LE")
            .field("layout", "interleaved")
            .field("rate", input.rate.num() as i32)
            .field("channels", i32::from(settings.channels))
            .build();
        let config = probe(&Chain::open(&description, &raw)?, settings.channels)?;
        Ok(AacEncoder {
            chain: Chain::open(&description, &raw)?,
            coder,
            caps: EncodedAudioCaps {
                codec: AudioCodec::Aac,
                rate: input.rate,
                channels: settings.channels,
                config,
                priming: coder.priming as u32,
                bitrate: settings.bitrate,
            },
            input: *input,
            first: None,
            taken: 0,
            fed: 0,
            given: 0,
            waiting: Vec::new(),
            ready: VecDeque::new(),
        })
    }

    /// What a decoder and a file need; `config` is the AudioSpecificConfig.
    pub fn caps(&self) -> &EncodedAudioCaps {
        &self.caps
    }

    /// How far a unit lies behind the sound that brought it out, at most.
    pub fn latency(&self) -> Span {
        self.caps.rate.span_of((self.coder.priming + (self.coder.delay + 1) * UNIT) as i64)
    }

    /// Encodes a block and returns the units that are ready. Blocks must follow each other without gaps.
    ///
    /// # Errors
    /// When the block is of another kind or leaves a gap, or the encoder fails.
    pub fn push(&mut self, packet: Packet<AudioBlock>) -> Result<Vec<Packet<EncodedUnit>>, GstError> {
        let block = &packet.media;
        if block.rate() != self.input.rate || block.channels() != self.input.channels {
            let text = format!(
                "it was set up for {} channels at {} Hz and got {} at {}",
                self.input.channels,
                self.input.rate,
                block.channels(),
                block.rate()
            );
            return Err(GstError::Settings { codec: "AAC", text });
        }
        let due = *self.first.get_or_insert(packet.pts) + self.caps.rate.span_of(self.taken as i64);
        if packet.pts != due {
            return Err(GstError::Order { codec: "AAC", at: packet.pts, rule: format!("sound at {due} was due, without gap or overlap") });
        }
        self.taken += block.frames();
        if block.channels() == self.caps.channels {
            self.waiting.extend_from_slice(block.samples());
        } else {
            self.waiting.extend(block.samples().iter().flat_map(|&sample| [sample, sample]));
        }
        self.feed()?;
        let promised = (self.fed / UNIT).saturating_sub(self.coder.delay + self.given);
        Ok(self.give(promised))
    }

    /// Pads the last unit with silence and returns all that remain: as many as hold every sample.
    ///
    /// # Errors
    /// When the encoder fails.
    pub fn finish(&mut self) -> Result<Vec<Packet<EncodedUnit>>, GstError> {
        if self.taken == 0 {
            return Ok(Vec::new());
        }
        let total = (self.taken + self.coder.priming).div_ceil(UNIT);
        // One unit of silence more, so that none depends on how an encoder treats its end.
        self.waiting.resize(((total + 1) * UNIT - self.fed) * usize::from(self.caps.channels), 0.0);
        self.feed()?;
        self.chain.finish()?;
        self.collect()?;
        let missing = total - self.given;
        if self.ready.len() < missing {
            return Err(unusable(format!("{missing} units were due at the end and {} came", self.ready.len())));
        }
        Ok(self.give(missing))
    }

    /// Hands whole units of samples to the encoder.
    fn feed(&mut self) -> Result<(), GstError> {
        let size = UNIT * usize::from(self.caps.channels);
        let whole = self.waiting.len() / size * size;
        for samples in self.waiting[..whole].chunks_exact(size) {
            self.chain.push(sound_buffer(samples, self.caps.rate.span_of(self.fed as i64), self.caps.rate.span_of(UNIT as i64)))?;
            self.fed += UNIT;
        }
        self.waiting.drain(..whole);
        self.collect()
    }

    fn collect(&mut self) -> Result<(), GstError> {
        for buffer in self.chain.take() {
            let map = buffer.map_readable().map_err(|error| unusable(error.to_string()))?;
            self.ready.push_back(Bytes::copy_from_slice(&map));
        }
        Ok(())
    }

    fn give(&mut self, count: usize) -> Vec<Packet<EncodedUnit>> {
        let count = count.min(self.ready.len());
        let (rate, first) = (self.caps.rate, self.first.unwrap_or_default());
        let start = self.given;
        self.given += count;
        let unit = |(i, data)| {
            let pts = first + rate.span_of(((start + i) * UNIT) as i64 - self.coder.priming as i64);
            Packet::lasting(pts, rate.span_of(UNIT as i64), EncodedUnit { dts: pts, keyframe: true, data })
        };
        self.ready.drain(..count).enumerate().map(unit).collect()
    }
}

fn unusable(text: String) -> GstError {
    GstError::Output { codec: "AAC", text }
}

fn check(input: &AudioCaps, settings: &AacSettings) -> Result<(), GstError> {
    let fail = |text: String| Err(GstError::Settings { codec: "AAC", text });
    if input.rate.den() != 1 || !(8_000..=96_000).contains(&input.rate.num()) {
        return fail(format!("{} samples a second; resample to 48000", input.rate));
    }
    if !(1..=2).contains(&settings.channels) || (input.channels != 1 && input.channels != settings.channels) {
        return fail(format!("{} channels in and {} out; it makes 1 or 2 and widens only 1 to 2", input.channels, settings.channels));
    }
    if !(16_000..=512_000).contains(&settings.bitrate) {
        return fail(format!("{} bits a second; use 16000 to 512000", settings.bitrate));
    }
    Ok(())
}

fn sound_buffer(samples: &[f32], since: Span, lasting: Span) -> gst::Buffer {
    let bytes: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    timed(gst::Buffer::from_slice(bytes), since, Some(lasting))
}

/// The AudioSpecificConfig of this chain.
fn probe(chain: &Chain, channels: u16) -> Result<Bytes, GstError> {
    let silence = vec![0.0; UNIT * usize::from(channels)];
    chain.push(sound_buffer(&silence, Span::ZERO, Span::ZERO))?;
    chain.finish()?;
    let output = chain.output_caps().ok_or_else(|| unusable("nothing came out".into()))?;
    let config = output.structure(0).and_then(|fields| fields.get::<gst::Buffer>("codec_data").ok());
    let config = config.ok_or_else(|| unusable("it has no decoder configuration".into()))?;
    let config = config.map_readable().map_err(|error| unusable(error.to_string()))?;
    Ok(Bytes::copy_from_slice(&config))
}

#[cfg(test)]
#[path = "aac_tests.rs"]
mod tests;
