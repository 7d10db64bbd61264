//! `resample` [audio -> audio]: sound at another sample rate.
//!
//! Band-limited (FFT, Blackman-Harris window) and without delay: what was at a time is at that time. The length is exact: as many samples as
//! the input's length holds at the new rate, rounded up.

use super::is_gap;
use crate::resampler::Converter;
use engine::media::{AudioBlock, AudioCaps, Caps};
use engine::node::{Cx, Flow, In, Node, Out, Result, Start};
use engine::registry::{ConfigType, Defaults, Lane, NodeConfig, NodeType, Starts, Sync};
use engine::time::{Rate, Time};
use schemars::JsonSchema;
use serde::Deserialize;

const AUDIO: In<AudioBlock> = In::new("audio");
const AUDIO_OUT: Out<AudioBlock> = Out::new("audio");

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

#[cfg(test)]
mod tests {
    use super::*;
    use engine::packet::Packet;
    use engine::testing::{NodeTest, Outputs};
    use engine::time::Span;
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
