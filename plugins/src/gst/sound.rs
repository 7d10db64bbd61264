//! Sound encoders that run in the caller's thread: what all codecs have in common.
//!
//! A codec is a table of [`Coder`]s, best first. Unit k starts `k * unit - priming` samples after the first sample that went in, exactly:
//! times are counted, never taken from the element.
//!
//! Where a codec allows it, a film is encoded in pieces: every so many units an encoder begins anew, some units early so that it has settled
//! when its own begin. The units of a piece then depend on no sound that lies before, and a decoder notices nothing.

use super::aac;
use super::chain::Chain;
use super::error::GstError;
use super::opus;
use super::wrap::timed;
use bytes::Bytes;
use engine::media::{AudioBlock, AudioCaps, AudioCodec, EncodedAudioCaps, EncodedUnit};
use engine::packet::Packet;
use engine::time::{Span, Time};
use gstreamer as gst;
use gstreamer::prelude::*;
use std::collections::VecDeque;
use std::ops::RangeInclusive;

/// Everything that shapes the stream besides the sound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SoundSettings {
    /// What it is coded in.
    pub codec: AudioCodec,
    /// Bits a second: AAC 16,000 to 512,000, Opus 6,000 to 510,000.
    pub bitrate: u32,
    /// Channels of the stream: 1 or 2. One channel in is put on both.
    pub channels: u16,
}

/// An element that encodes, and what is known of it.
pub(super) struct Coder {
    pub(super) codec: AudioCodec,
    /// The codec in messages.
    pub(super) name: &'static str,
    pub(super) element: &'static str,
    /// Launch text; takes interleaved 32 bit floats. `{bitrate}` is put in.
    pub(super) launch: &'static str,
    /// Samples of each channel in a unit.
    pub(super) unit: usize,
    /// Units that it holds back.
    pub(super) delay: usize,
    /// Samples a second that it takes, and bits a second that it makes.
    pub(super) rates: RangeInclusive<u32>,
    pub(super) bitrates: RangeInclusive<u32>,
    /// The decoder configuration, from the caps of its output.
    pub(super) config: fn(&gst::StructureRef) -> Option<gst::Buffer>,
    /// Samples that a decoder of this configuration gives before the first real one.
    pub(super) priming: fn(&[u8]) -> Option<usize>,
    /// Where any two encoders' units may follow each other once they have settled.
    pub(super) pieces: Option<Pieces>,
}

/// How a stream is encoded in pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pieces {
    /// Units of a piece.
    pub(super) units: usize,
    /// Units that an encoder makes before those of its piece; fewer than those.
    pub(super) run_up: usize,
}

/// An encoder at work on a piece, or on all.
struct Worker {
    chain: Chain,
    /// Of what it makes, so many units do not count.
    skipped: usize,
    /// The unit after its last one, once another one follows.
    until: Option<usize>,
    ready: VecDeque<Bytes>,
}

impl Worker {
    fn collect(&mut self, coder: &Coder) -> Result<(), GstError> {
        for buffer in self.chain.take() {
            let map = buffer.map_readable().map_err(|error| coder.unusable(error.to_string()))?;
            match self.skipped.checked_sub(1) {
                Some(left) => self.skipped = left,
                None => self.ready.push_back(Bytes::copy_from_slice(&map)),
            }
        }
        Ok(())
    }
}

/// The coders of a codec, best first.
fn coders(codec: AudioCodec) -> &'static [Coder] {
    match codec {
        AudioCodec::Aac => &aac::CODERS,
        AudioCodec::Opus => &opus::CODERS,
    }
}

/// An encoder in the caller's thread.
pub struct SoundEncoder {
    /// Launch text and input of an encoder.
    launch: (String, gst::Caps),
    pieces: Option<Pieces>,
    /// The first unit that is wanted.
    begin: usize,
    /// The one whose units are given out, and the one that follows.
    workers: VecDeque<Worker>,
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
}

impl SoundEncoder {
    /// Sets up an encoder and finds out its decoder configuration with silence.
    ///
    /// # Errors
    /// When no encoder of this codec is installed, or the settings or the caps do not go.
    pub fn open(input: &AudioCaps, settings: &SoundSettings) -> Result<SoundEncoder, GstError> {
        super::init()?;
        let present = |coder: &&Coder| gst::ElementFactory::find(coder.element).is_some();
        let coders = coders(settings.codec);
        let coder = coders.iter().find(present).ok_or_else(|| GstError::Missing { element: coders[0].element.into() })?;
        SoundEncoder::open_with(coder, input, settings)
    }

    pub(super) fn open_with(coder: &'static Coder, input: &AudioCaps, settings: &SoundSettings) -> Result<SoundEncoder, GstError> {
        coder.check(input, settings)?;
        let description = coder.launch.replace("{bitrate}", &settings.bitrate.to_string());
        let raw = gst::Caps::builder("audio/x-raw")
            .field("format", "F32LE")
            .field("layout", "interleaved")
            .field("rate", input.rate.num() as i32)
            .field("channels", i32::from(settings.channels))
            .build();
        let config = coder.probe(&Chain::open(&description, &raw)?, settings.channels)?;
        let priming = (coder.priming)(&config).ok_or_else(|| coder.unusable("its decoder configuration is cut short"))?;
        Ok(SoundEncoder {
            launch: (description, raw),
            pieces: None,
            begin: 0,
            workers: VecDeque::new(),
            coder,
            caps: EncodedAudioCaps {
                codec: coder.codec,
                rate: input.rate,
                channels: settings.channels,
                config,
                priming: priming as u32,
                bitrate: settings.bitrate,
            },
            input: *input,
            first: None,
            taken: 0,
            fed: 0,
            given: 0,
            waiting: Vec::new(),
        })
    }

    /// Encodes in pieces, where the codec allows it; those before `from`, the beginning of a piece, are left out.
    #[must_use]
    pub fn in_pieces(mut self, from: Span) -> SoundEncoder {
        self.pieces = self.coder.pieces.filter(|_| self.priming().is_multiple_of(self.coder.unit));
        if let Some(length) = self.piece_length() {
            self.begin = self.first_unit((from.0 / length.0) as usize);
            self.given = self.begin;
        }
        self
    }

    /// How long a piece is; `None` when all is encoded in one.
    pub fn piece_length(&self) -> Option<Span> {
        self.pieces.map(|pieces| self.caps.rate.span_of((pieces.units * self.coder.unit) as i64))
    }

    /// The first unit that begins at this piece or later; the priming belongs to the first piece.
    fn first_unit(&self, piece: usize) -> usize {
        match self.pieces {
            Some(pieces) if piece > 0 => piece * pieces.units + self.priming() / self.coder.unit,
            _ => 0,
        }
    }

    /// What a decoder and a file need; `config` is the AudioSpecificConfig or the OpusHead.
    pub fn caps(&self) -> &EncodedAudioCaps {
        &self.caps
    }

    /// Which library encodes, in which version.
    pub fn signature(&self) -> String {
        let plugin = gst::ElementFactory::find(self.coder.element).and_then(|factory| factory.plugin());
        format!("{} {}", self.coder.element, plugin.map(|plugin| plugin.version().to_string()).unwrap_or_default())
    }

    /// How far a unit lies behind the sound that brought it out, at most.
    pub fn latency(&self) -> Span {
        self.caps.rate.span_of((self.priming() + (self.coder.delay + 1) * self.coder.unit) as i64)
    }

    fn priming(&self) -> usize {
        self.caps.priming as usize
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
            return Err(GstError::Settings { codec: self.coder.name, text });
        }
        let due = *self.first.get_or_insert(packet.pts) + self.caps.rate.span_of(self.taken as i64);
        if packet.pts != due {
            return Err(GstError::Order {
                codec: self.coder.name,
                at: packet.pts,
                rule: format!("sound at {due} was due, without gap or overlap"),
            });
        }
        self.taken += block.frames();
        if block.channels() == self.caps.channels {
            self.waiting.extend_from_slice(block.samples());
        } else {
            self.waiting.extend(block.samples().iter().flat_map(|&sample| [sample, sample]));
        }
        self.feed()?;
        let promised = (self.fed / self.coder.unit).saturating_sub(self.coder.delay + self.given);
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
        let total = (self.taken + self.priming()).div_ceil(self.coder.unit);
        // One unit of silence more, so that none depends on how an encoder treats its end.
        self.waiting.resize(((total + 1) * self.coder.unit - self.fed) * usize::from(self.caps.channels), 0.0);
        self.feed()?;
        for worker in &mut self.workers {
            worker.chain.finish()?;
            worker.collect(self.coder)?;
        }
        let missing = total.saturating_sub(self.given);
        let units = self.give(missing);
        if units.len() < missing {
            return Err(self.coder.unusable(format!("{missing} units were due at the end and {} came", units.len())));
        }
        Ok(units)
    }

    /// Hands whole units of samples to the encoder.
    fn feed(&mut self) -> Result<(), GstError> {
        let size = self.coder.unit * usize::from(self.caps.channels);
        let whole = self.waiting.len() / size * size;
        let waiting = std::mem::take(&mut self.waiting);
        for samples in waiting[..whole].chunks_exact(size) {
            if let Some((begin, run_up)) = self.begins_with(self.fed / self.coder.unit) {
                if let Some(last) = self.workers.back_mut() {
                    last.until = Some(begin);
                }
                let chain = Chain::open(&self.launch.0, &self.launch.1)?;
                self.workers.push_back(Worker { chain, skipped: run_up, until: None, ready: VecDeque::new() });
            }
            let (since, lasting) = (self.caps.rate.span_of(self.fed as i64), self.caps.rate.span_of(self.coder.unit as i64));
            for worker in &mut self.workers {
                worker.chain.push(sound_buffer(samples, since, lasting))?;
                worker.collect(self.coder)?;
            }
            self.fed += self.coder.unit;
        }
        self.waiting.extend_from_slice(&waiting[whole..]);
        Ok(())
    }

    /// The first unit of an encoder that begins with this unit of samples, and how many it makes before.
    fn begins_with(&self, unit: usize) -> Option<(usize, usize)> {
        let Some(pieces) = self.pieces else { return (unit == 0).then_some((0, 0)) };
        let piece = (unit + pieces.run_up) / pieces.units;
        let begin = self.first_unit(piece);
        let run_up = if piece == 0 { 0 } else { pieces.run_up };
        (unit + run_up == begin && begin >= self.begin).then_some((begin, run_up))
    }

    fn give(&mut self, count: usize) -> Vec<Packet<EncodedUnit>> {
        let (rate, first) = (self.caps.rate, self.first.unwrap_or_default());
        let (length, priming) = (self.coder.unit as i64, self.priming() as i64);
        let mut units = Vec::new();
        while units.len() < count {
            self.workers.pop_front_if(|worker| worker.until == Some(self.given));
            let Some(data) = self.workers.front_mut().and_then(|worker| worker.ready.pop_front()) else { break };
            let pts = first + rate.span_of(self.given as i64 * length - priming);
            units.push(Packet::lasting(pts, rate.span_of(length), EncodedUnit { dts: pts, keyframe: true, data }));
            self.given += 1;
        }
        units
    }
}

impl Coder {
    fn unusable(&self, text: impl Into<String>) -> GstError {
        GstError::Output { codec: self.name, text: text.into() }
    }

    fn check(&self, input: &AudioCaps, settings: &SoundSettings) -> Result<(), GstError> {
        let fail = |text: String| Err(GstError::Settings { codec: self.name, text });
        if input.rate.den() != 1 || !self.rates.contains(&input.rate.num()) {
            return fail(format!("{} samples a second; resample to 48000", input.rate));
        }
        if !(1..=2).contains(&settings.channels) || (input.channels != 1 && input.channels != settings.channels) {
            return fail(format!("{} channels in and {} out; it makes 1 or 2 and widens only 1 to 2", input.channels, settings.channels));
        }
        if !self.bitrates.contains(&settings.bitrate) {
            return fail(format!("{} bits a second; use {} to {}", settings.bitrate, self.bitrates.start(), self.bitrates.end()));
        }
        Ok(())
    }

    /// The decoder configuration that this chain announces.
    fn probe(&self, chain: &Chain, channels: u16) -> Result<Bytes, GstError> {
        let silence = vec![0.0; self.unit * usize::from(channels)];
        chain.push(sound_buffer(&silence, Span::ZERO, Span::ZERO))?;
        chain.finish()?;
        let output = chain.output_caps().ok_or_else(|| self.unusable("nothing came out"))?;
        let config = output.structure(0).and_then(self.config).ok_or_else(|| self.unusable("it has no decoder configuration"))?;
        let config = config.map_readable().map_err(|error| self.unusable(error.to_string()))?;
        Ok(Bytes::copy_from_slice(&config))
    }
}

pub(super) fn sound_buffer(samples: &[f32], since: Span, lasting: Span) -> gst::Buffer {
    let bytes: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    timed(gst::Buffer::from_slice(bytes), since, Some(lasting))
}

#[cfg(test)]
#[path = "sound_tests.rs"]
pub(super) mod tests;
