//! `resample` [audio -> audio]: sound at another sample rate.
//!
//! Band-limited (FFT, Blackman-Harris window) and without delay: what was at a time is at that time. The length is exact: as many samples as
//! the input's length holds at the new rate, rounded up.

use super::is_gap;
use engine::media::{AudioBlock, AudioCaps, Caps};
use engine::node::{Cx, Failure, Flow, In, Node, Out, Result, Start};
use engine::packet::Packet;
use engine::registry::{ConfigType, Defaults, Lane, NodeConfig, NodeType, Starts, Sync};
use engine::time::{Rate, Span, Time};
use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Fft, FixedSync, Resampler, WindowFunction};
use schemars::JsonSchema;
use serde::Deserialize;

const AUDIO: In<AudioBlock> = In::new("audio");
const AUDIO_OUT: Out<AudioBlock> = Out::new("audio");

/// Samples of the lower rate that are converted at once, about: enough for a steep filter.
const BLOCK: usize = 256;

/// The node's entry in the registry.
pub const RESAMPLE: NodeType = NodeType {
    name: "resample",
    family: "sound",
    revision: 1,
    summary: "Sound at another sample rate",
    inputs: &[AUDIO.port("sound")],
    outputs: &[AUDIO_OUT.port("the same sound at the new rate")],
    sync: Sync::Each,
    lane: Lane::Shared,
    starts: Starts::Slide,
    time_limit: NodeType::TIME_LIMIT,
    command: None,
    config: ConfigType::of::<ResampleConfig>("{ rate: 48000 }"),
};

/// Settings of `resample`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ResampleConfig {
    /// Samples a second, 8000 to 192000; without it that of the graph's `defaults`.
    rate: Option<u32>,
}

impl NodeConfig for ResampleConfig {
    fn validate(&self, _: &Defaults) -> std::result::Result<(), String> {
        match self.rate {
            Some(rate) if !(8000..=192_000).contains(&rate) || Rate::new(rate, 1).is_none() => {
                Err(format!("rate {rate} cannot be used; write a usual one from 8000 to 192000, such as 44100 or 48000"))
            }
            _ => Ok(()),
        }
    }

    fn build(self, defaults: &Defaults) -> Result<Box<dyn Node>> {
        let rate = self.rate.and_then(|rate| Rate::new(rate, 1)).unwrap_or(defaults.sample_rate);
        Ok(Box::new(Resample { rate, converter: None, cut: None }))
    }
}

struct Resample {
    rate: Rate,
    /// `None` while the sound has the wanted rate already.
    converter: Option<Converter>,
    /// A flush: what is held back for this time and later is not wanted any more.
    cut: Option<Time>,
}

impl Node for Resample {
    fn start(&mut self, start: &mut Start<'_>) -> Result {
        if let Some(caps) = start.audio(AUDIO) {
            start.set_caps(AUDIO_OUT, Caps::Audio(AudioCaps { rate: self.rate, ..caps }));
            if caps.rate != self.rate {
                let converter = Converter::new(caps, self.rate)?;
                start.set_latency(converter.latency());
                self.converter = Some(converter);
            }
        }
        Ok(())
    }

    fn process(&mut self, cx: &mut Cx<'_>) -> Result<Flow> {
        let Some(packet) = cx.take(AUDIO) else { return Ok(Flow::More) };
        match &mut self.converter {
            None => cx.emit(AUDIO_OUT, packet),
            Some(converter) => {
                let mut blocks = Vec::new();
                if let Some(cut) = self.cut.take() {
                    blocks = converter.finish()?.into_iter().filter_map(|block| block.before(cut)).collect();
                }
                if converter.due().is_some_and(|due| is_gap(due, packet.pts)) {
                    blocks.extend(converter.finish()?);
                }
                blocks.extend(converter.push(&packet)?);
                // What is held back must leave before the output is settled beyond it.
                if converter.due().is_some_and(|due| is_gap(due, cx.settled().max(due))) {
                    blocks.extend(converter.finish()?);
                }
                blocks.into_iter().for_each(|block| cx.emit(AUDIO_OUT, block));
            }
        }
        Ok(Flow::More)
    }

    fn finish(&mut self, cx: &mut Cx<'_>) -> Result {
        if let Some(converter) = &mut self.converter {
            let cut = self.cut.take().unwrap_or(Time::MAX);
            converter.finish()?.into_iter().filter_map(|block| block.before(cut)).for_each(|block| cx.emit(AUDIO_OUT, block));
        }
        Ok(())
    }

    fn flush(&mut self, cut: Time) {
        if self.converter.as_ref().and_then(Converter::due).is_some_and(|due| due > cut) {
            self.cut = Some(self.cut.map_or(cut, |earlier| earlier.min(cut)));
        }
    }
}

/// Converts stretches of sound without gaps.
struct Converter {
    from: AudioCaps,
    to: Rate,
    fft: Fft<f32>,
    /// Interleaved samples that do not fill a block yet.
    waiting: Vec<f32>,
    /// Time of the stretch's first sample.
    start: Option<Time>,
    /// Frames of the stretch taken in, and given out.
    taken: u64,
    given: u64,
    /// Output frames still to be left out: the filter's delay.
    skip: usize,
}

impl Converter {
    fn new(from: AudioCaps, to: Rate) -> Result<Converter> {
        let unfit = || Failure::msg(format!("sound at {} Hz cannot be brought to {to} Hz exactly; choose another rate", from.rate));
        let ((1, 1), (input, output)) = ((from.rate.den(), to.den()), (from.rate.num(), to.num())) else { return Err(unfit()) };
        let common = gcd(input, output);
        let (step_in, step_out) = ((input / common) as usize, (output / common) as usize);
        if step_in.max(step_out) > 8 * BLOCK {
            return Err(unfit());
        }
        // The delay is half a block; with an even number of steps it is whole on both sides and can be taken off exactly.
        let steps = BLOCK.div_ceil(step_in.min(step_out)).next_multiple_of(2);
        let (input, output, channels) = (input as usize, output as usize, from.channels.into());
        let window = WindowFunction::BlackmanHarris2;
        let fft = Fft::new_custom(input, output, steps * step_in, 1, channels, window, FixedSync::Both)?;
        let skip = fft.output_delay();
        Ok(Converter { from, to, fft, waiting: Vec::new(), start: None, taken: 0, given: 0, skip })
    }

    /// A sample leaves once its block is whole and half a block more has come.
    fn latency(&self) -> Span {
        self.from.rate.span_of(self.fft.input_frames_next() as i64) + self.to.span_of(self.fft.output_delay() as i64 + 1)
    }

    /// When the stretch goes on.
    fn due(&self) -> Option<Time> {
        self.start.map(|start| start + self.from.rate.span_of(self.taken as i64))
    }

    fn push(&mut self, packet: &Packet<AudioBlock>) -> Result<Vec<Packet<AudioBlock>>> {
        self.start.get_or_insert(packet.pts);
        self.taken += packet.media.frames() as u64;
        self.waiting.extend_from_slice(packet.media.samples());
        let mut blocks = Vec::new();
        let size = self.fft.input_frames_next() * usize::from(self.from.channels);
        while self.waiting.len() >= size {
            let input: Vec<f32> = self.waiting.drain(..size).collect();
            blocks.extend(self.convert(&input)?);
        }
        Ok(blocks)
    }

    /// The rest of the stretch; the next packet begins another.
    fn finish(&mut self) -> Result<Vec<Packet<AudioBlock>>> {
        let size = self.fft.input_frames_next() * usize::from(self.from.channels);
        let total = self.total();
        let mut blocks = Vec::new();
        while self.given < total {
            let mut input = std::mem::take(&mut self.waiting);
            input.resize(size, 0.0);
            blocks.extend(self.convert(&input)?);
        }
        self.fft.reset();
        self.waiting.clear();
        (self.start, self.taken, self.given, self.skip) = (None, 0, 0, self.fft.output_delay());
        Ok(blocks)
    }

    /// Frames that those taken become.
    fn total(&self) -> u64 {
        (self.taken * u64::from(self.to.num())).div_ceil(u64::from(self.from.rate.num()))
    }

    fn convert(&mut self, input: &[f32]) -> Result<Option<Packet<AudioBlock>>> {
        let channels = usize::from(self.from.channels);
        let adapter = InterleavedSlice::new(input, channels, input.len() / channels)?;
        let output = self.fft.process(&adapter, None)?.take_data();
        let frames = output.len() / channels;
        let skipped = self.skip.min(frames);
        self.skip -= skipped;
        let kept = ((frames - skipped) as u64).min(self.total() - self.given) as usize;
        if kept == 0 {
            return Ok(None);
        }
        let samples = output[skipped * channels..(skipped + kept) * channels].to_vec();
        let block = AudioBlock::new(samples, self.from.channels, self.to);
        let pts = self.start.unwrap_or_default() + self.to.span_of(self.given as i64);
        self.given += kept as u64;
        Ok(Some(Packet::lasting(pts, block.duration(), block)))
    }
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::testing::{NodeTest, Outputs};
    use std::f64::consts::TAU;

    fn run(to: u32, packets: Vec<Packet<AudioBlock>>) -> Outputs {
        let end = packets.last().and_then(Packet::end).unwrap_or(Time::ZERO);
        NodeTest::new(&RESAMPLE, &format!("{{ rate: {to} }}")).input(AUDIO, packets, end).run().unwrap()
    }

    /// Blocks of 20 ms from `start` on of a function of time in seconds.
    fn sound(rate: u32, frames: usize, channels: u16, start: Time, wave: impl Fn(f64) -> f64) -> Vec<Packet<AudioBlock>> {
        let at = |n: usize| wave(n as f64 / f64::from(rate)) as f32;
        let samples = (0..frames).flat_map(|n| (0..channels).map(move |channel| if channel == 0 { at(n) } else { -at(n) })).collect();
        let rate = Rate::per_second(rate);
        let whole = AudioBlock::new(samples, channels, rate);
        let block = |from: usize| {
            let block = whole.slice(from, from + rate.count_in(Span::from_millis(20)) as usize);
            Packet::lasting(start + rate.span_of(from as i64), block.duration(), block)
        };
        (0..frames).step_by(rate.count_in(Span::from_millis(20)) as usize).map(block).collect()
    }

    fn samples(out: &Outputs) -> Vec<f32> {
        out.packets(AUDIO_OUT).iter().flat_map(|packet| packet.media.samples().to_vec()).collect()
    }

    #[test]
    fn length_times_and_shape_are_exact() {
        let start = Time::ZERO + Span::from_millis(1234);
        let wave = |t: f64| 0.5 * (TAU * 997.0 * t).sin();
        for (from, to, frames) in [
            (22_050, 48_000, 22_050),
            (44_100, 48_000, 44_101),
            (48_000, 16_000, 48_001),
            (96_000, 44_100, 10_000),
            (48_000, 48_000, 9_999),
        ] {
            let out = run(to, sound(from, frames, 2, start, wave));
            let packets = out.packets(AUDIO_OUT);
            let total = (frames * to as usize).div_ceil(from as usize);
            assert_eq!(packets.iter().map(|packet| packet.media.frames()).sum::<usize>(), total, "{from} to {to}");
            let mut due = start;
            for packet in &packets {
                assert_eq!((packet.pts, packet.media.channels()), (due, 2));
                due = packet.end().unwrap();
            }
            let result = samples(&out);
            let worst = (to as usize / 20..total - to as usize / 20).map(|n| {
                let expected = wave(n as f64 / f64::from(to)) as f32;
                (result[2 * n] - expected).abs().max((result[2 * n + 1] + expected).abs())
            });
            let worst = worst.fold(0.0, f32::max);
            assert!(worst < 1e-4, "{from} to {to}: {worst}");
            assert_eq!(out.caps[0], Some(Caps::Audio(AudioCaps { rate: Rate::per_second(to), channels: 2 })));
        }
    }

    #[test]
    fn what_is_too_high_is_gone() {
        let out = run(16_000, sound(48_000, 48_000, 1, Time::ZERO, |t| (TAU * 11_000.0 * t).sin()));
        let loudest = samples(&out)[800..15_200].iter().copied().fold(0.0, |a: f32, b| a.max(b.abs()));
        assert!(loudest < 1e-3, "{loudest}");
    }

    #[test]
    fn a_gap_begins_anew_and_nothing_is_lost_at_the_end_of_what_came_before() {
        let tone = |t: f64| (TAU * 440.0 * t).cos();
        let late = Time::ZERO + Span::from_seconds(3);
        let mut packets = sound(44_100, 4410, 1, Time::ZERO, tone);
        packets.extend(sound(44_100, 4410, 1, late, tone));
        let out = run(48_000, packets).packets(AUDIO_OUT);
        let (first, second): (Vec<_>, Vec<_>) = out.iter().partition(|packet| packet.pts < late);
        let frames = |packets: &[&Packet<AudioBlock>]| packets.iter().map(|packet| packet.media.frames()).sum::<usize>();
        assert_eq!((frames(&first), frames(&second), second[0].pts), (4800, 4800, late));
    }

    #[test]
    fn odd_rates_are_told() {
        let value = engine::graph::parse::parse("{ rate: 47999 }", &std::sync::Arc::from("test")).unwrap();
        let config = (RESAMPLE.config.parse)(&value, "config").unwrap_or_else(|problems| panic!("{problems:?}"));
        let defaults =
            Defaults { size: engine::frame::Size::new(16, 16), fps: Rate::per_second(30), sample_rate: Rate::per_second(48_000) };
        assert!(config.validate(&defaults).unwrap_err().contains("such as 44100 or 48000"));
        assert!(run(48_000, Vec::new()).packets(AUDIO_OUT).is_empty());
    }
}
