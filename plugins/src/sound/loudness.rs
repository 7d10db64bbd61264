//! `loudness` [audio -> audio]: a limiter for true peaks.
//!
//! Speech comes at its loudness already, by one gain per voice; here only its peaks are kept below the ceiling. The gain is exactly one, and
//! the samples pass bit by bit, unless a peak would pass. Nothing looks at the programme as a whole: an edit in one place changes nothing
//! elsewhere.

use super::is_gap;
use super::limiter::Limiter;
use engine::graph::unit::DurationSetting;
use engine::media::{AudioBlock, AudioCaps, Caps};
use engine::node::{Cx, Flow, In, Node, Out, Result, Start};
use engine::packet::Packet;
use engine::registry::{ConfigType, Defaults, Lane, NodeConfig, NodeType, Starts, Sync};
use engine::time::{Rate, Span, Time};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::VecDeque;

const AUDIO: In<AudioBlock> = In::new("audio");
const AUDIO_OUT: Out<AudioBlock> = Out::new("audio");

/// How long before a peak the gain begins to fall.
const LOOKAHEAD: Span = Span::from_millis(5);

/// The longest block that leaves in one piece; bounds the latency.
const LONGEST: Span = Span::from_millis(20);

/// Peaks are kept this far below the ceiling, because four places a sample miss a little of a wave's height, and because meters differ in
/// their filters.
const MARGIN_DB: f64 = 0.25;

/// The node's entry in the registry.
pub const LOUDNESS: NodeType = NodeType {
    name: "loudness",
    family: "sound",
    revision: 1,
    summary: "Keeps true peaks below a ceiling and changes nothing else",
    inputs: &[AUDIO.port("sound")],
    outputs: &[AUDIO_OUT.port("the same sound with its peaks limited, at the same times")],
    sync: Sync::Each,
    lane: Lane::Shared,
    starts: Starts::Never,
    time_limit: NodeType::TIME_LIMIT,
    command: None,
    config: ConfigType::of::<LoudnessConfig>("{ ceiling_dbtp: -1.0, release: 200ms }"),
};

/// Settings of `loudness`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LoudnessConfig {
    /// No true peak passes this, in dB below full scale (dBTP): -20 to 0.
    #[serde(default = "minus_one")]
    ceiling_dbtp: f64,
    /// How long the gain takes from silence back to full; from -6 dB half of it. 10ms to 5s.
    #[serde(default = "release")]
    release: DurationSetting,
}

fn minus_one() -> f64 {
    -1.0
}
fn release() -> DurationSetting {
    DurationSetting(Span::from_millis(200))
}

impl NodeConfig for LoudnessConfig {
    fn validate(&self, _: &Defaults) -> std::result::Result<(), String> {
        if !(-20.0..=0.0).contains(&self.ceiling_dbtp) {
            return Err(format!("ceiling_dbtp is {}; it goes from -20 to 0", self.ceiling_dbtp));
        }
        match self.release.0 {
            release if release < Span::from_millis(10) || release > Span::from_seconds(5) => {
                Err(format!("release is {}; it goes from 10ms to 5s", self.release))
            }
            _ => Ok(()),
        }
    }

    fn build(self, _: &Defaults) -> Result<Box<dyn Node>> {
        Ok(Box::new(Loudness { config: self, caps: None, stretch: None, cut: None }))
    }
}

/// Samples of one channel at `rate` as the node with its defaults would give them, all at once.
pub fn limited(samples: &[f32], rate: Rate) -> Vec<f32> {
    let mut limiter = LoudnessConfig { ceiling_dbtp: minus_one(), release: release() }.limiter(1, rate);
    let silence = std::iter::repeat_n(&0.0, limiter.delay());
    let gains: Vec<f32> = samples.iter().chain(silence).filter_map(|sample| limiter.push(&[*sample])).collect();
    samples.iter().zip(gains).map(|(sample, gain)| sample * gain).collect()
}

impl LoudnessConfig {
    fn limiter(&self, channels: usize, rate: Rate) -> Limiter {
        let ceiling = 10f64.powf((self.ceiling_dbtp - MARGIN_DB) / 20.0) as f32;
        let frames = |span| rate.count_in(span) as usize;
        Limiter::new(channels, ceiling, frames(LOOKAHEAD), frames(self.release.0))
    }
}

struct Loudness {
    config: LoudnessConfig,
    caps: Option<AudioCaps>,
    stretch: Option<Stretch>,
    /// A flush: what is held back for this time and later is not wanted any more.
    cut: Option<Time>,
}

/// Sound without gaps, and what has not left yet of it.
struct Stretch {
    limiter: Limiter,
    waiting: VecDeque<Packet<AudioBlock>>,
    /// Gains of frames that have not left yet.
    gains: VecDeque<f32>,
    /// Where the sound so far ends.
    end: Time,
}

impl Node for Loudness {
    fn start(&mut self, start: &mut Start<'_>) -> Result {
        if let Some(caps) = start.audio(AUDIO) {
            start.set_caps(AUDIO_OUT, Caps::Audio(caps));
            start.set_latency(caps.rate.span_of(self.limiter(caps).delay() as i64) + LONGEST);
            self.caps = Some(caps);
        }
        Ok(())
    }

    fn process(&mut self, cx: &mut Cx<'_>) -> Result<Flow> {
        let (Some(packet), Some(caps)) = (cx.take(AUDIO), self.caps) else { return Ok(Flow::More) };
        if self.cut.is_some() {
            self.finish(cx)?;
        }
        if self.stretch.as_ref().is_some_and(|stretch| is_gap(stretch.end, packet.pts)) {
            self.finish(cx)?;
        }
        let mut stretch = self.stretch.take().unwrap_or_else(|| Stretch::new(self.limiter(caps), packet.pts));
        for piece in pieces(packet) {
            stretch.push(piece);
            stretch.emit(cx);
        }
        let gap_follows = is_gap(stretch.end, cx.settled().max(stretch.end));
        self.stretch = Some(stretch);
        // What is held back must leave before the output is settled beyond it.
        if gap_follows { self.finish(cx).map(|()| Flow::More) } else { Ok(Flow::More) }
    }

    /// The end of the sound, or of a stretch before a gap.
    fn finish(&mut self, cx: &mut Cx<'_>) -> Result {
        let cut = self.cut.take();
        if let (Some(mut stretch), Some(caps)) = (self.stretch.take(), self.caps) {
            let silence = vec![0.0; caps.channels.into()];
            for _ in 0..stretch.limiter.delay() {
                stretch.gains.extend(stretch.limiter.push(&silence));
            }
            if let Some(cut) = cut {
                stretch.waiting = stretch.waiting.into_iter().filter_map(|packet| packet.before(cut)).collect();
            }
            stretch.emit(cx);
        }
        Ok(())
    }

    fn flush(&mut self, cut: Time) {
        if self.stretch.as_ref().is_some_and(|stretch| stretch.end > cut) {
            self.cut = Some(self.cut.map_or(cut, |earlier| earlier.min(cut)));
        }
    }
}

impl Loudness {
    fn limiter(&self, caps: AudioCaps) -> Limiter {
        self.config.limiter(caps.channels.into(), caps.rate)
    }
}

impl Stretch {
    fn new(limiter: Limiter, start: Time) -> Stretch {
        Stretch { limiter, waiting: VecDeque::new(), gains: VecDeque::new(), end: start }
    }

    fn push(&mut self, packet: Packet<AudioBlock>) {
        let block = &packet.media;
        for frame in block.samples().chunks_exact(block.channels().into()) {
            self.gains.extend(self.limiter.push(frame));
        }
        self.end = packet.pts + block.duration();
        self.waiting.push_back(packet);
    }

    /// Sends every block whose gains are all known.
    fn emit(&mut self, cx: &mut Cx<'_>) {
        while let Some(packet) = self.waiting.pop_front_if(|packet| packet.media.frames() <= self.gains.len()) {
            let gains = self.gains.drain(..packet.media.frames());
            cx.emit(AUDIO_OUT, packet.map(|block| scaled(block, &gains.collect::<Vec<_>>())));
        }
    }
}

/// The block with each frame at its gain; the very same where all are one.
fn scaled(block: AudioBlock, gains: &[f32]) -> AudioBlock {
    if gains.iter().all(|gain| *gain == 1.0) {
        return block;
    }
    let frames = block.samples().chunks_exact(block.channels().into()).zip(gains);
    let samples = frames.flat_map(|(frame, gain)| frame.iter().map(move |sample| sample * gain)).collect();
    AudioBlock::new(samples, block.channels(), block.rate())
}

/// The packet, cut where it is longer than [`LONGEST`].
fn pieces(packet: Packet<AudioBlock>) -> impl Iterator<Item = Packet<AudioBlock>> {
    let rate = packet.media.rate();
    let longest = rate.count_in(LONGEST).max(1) as usize;
    let whole = packet.media.frames() <= longest;
    (0..packet.media.frames()).step_by(longest).map(move |from| match whole {
        true => packet.clone(),
        false => {
            let block = packet.media.slice(from, from + longest);
            let discont = packet.discont && from == 0;
            Packet { discont, ..Packet::lasting(packet.pts + rate.span_of(from as i64), block.duration(), block) }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ebur128::{EbuR128, Mode};
    use engine::testing::{NodeTest, Outputs};
    use engine::time::Rate;

    const RATE: Rate = Rate::per_second(48_000);

    /// Sound in blocks of these lengths, over and over.
    fn blocks(samples: &[f32], channels: u16, lengths: &[usize]) -> Vec<Packet<AudioBlock>> {
        let whole = AudioBlock::new(samples.to_vec(), channels, RATE);
        let (mut packets, mut at) = (Vec::new(), 0);
        for length in lengths.iter().cycle() {
            let block = whole.slice(at, at + length);
            if block.frames() == 0 {
                return packets;
            }
            packets.push(Packet::lasting(RATE.time_of(at as i64), block.duration(), block));
            at += length;
        }
        packets
    }

    fn run(settings: &str, packets: &[Packet<AudioBlock>]) -> Outputs {
        let end = packets.last().and_then(Packet::end).unwrap_or(Time::ZERO);
        NodeTest::new(&LOUDNESS, settings).input(AUDIO, packets.to_vec(), end).run().unwrap()
    }

    fn samples(packets: &[Packet<AudioBlock>]) -> Vec<f32> {
        packets.iter().flat_map(|packet| packet.media.samples().to_vec()).collect()
    }

    /// True peak in dBTP, of all channels, by the meter of EBU R 128.
    fn true_peak(samples: &[f32], channels: u16) -> f64 {
        let mut meter = EbuR128::new(channels.into(), 48_000, Mode::TRUE_PEAK).unwrap();
        meter.add_frames_f32(samples).unwrap();
        let peak = (0..channels.into()).map(|channel| meter.true_peak(channel).unwrap()).fold(0.0, f64::max);
        20.0 * peak.log10()
    }

    /// Bursts of tones and noise, from quiet to 6 dB above full scale.
    fn loud(frames: usize) -> Vec<f32> {
        let mut state = 1u32;
        let mut noise = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 23) as f32 - 1.0
        };
        let level = |n: usize| [0.1, 0.4, 0.7, 1.0, 1.5, 2.0, 0.05][n / 2400 % 7];
        let sound = |n: usize| match n / 16_800 % 3 {
            0 => (n as f32 * 0.13).sin(),
            1 => (n as f32 * std::f32::consts::FRAC_PI_2 + std::f32::consts::FRAC_PI_4).sin(),
            _ => noise(),
        };
        (0..frames).map(sound).enumerate().map(|(n, sample)| sample * level(n)).collect()
    }

    #[test]
    fn no_true_peak_passes_and_times_stay() {
        for channels in [1, 2] {
            let sound = loud(100_800);
            let packets = blocks(&sound, channels, &[960, 960, 7, 441]);
            let out = run("{}", &packets);
            let limited = out.packets(AUDIO_OUT);
            let times = |packets: &[Packet<AudioBlock>]| packets.iter().map(|p| (p.pts, p.dur, p.media.frames())).collect::<Vec<_>>();
            assert_eq!(times(&limited), times(&packets));
            let peak = true_peak(&samples(&limited), channels);
            assert!(true_peak(&sound, channels) > 5.0 && peak <= -1.0 && peak > -1.3, "{channels} channels: {peak} dBTP");
            assert!(samples(&limited).iter().all(|sample| sample.abs() <= 0.8912), "-1 dB");
        }
    }

    #[test]
    fn the_other_ceiling_holds_too_and_long_blocks_are_cut() {
        let packets = blocks(&loud(48_000), 1, &[4000]);
        let out = run("{ ceiling_dbtp: -6, release: 50ms }", &packets);
        let limited = out.packets(AUDIO_OUT);
        assert!(true_peak(&samples(&limited), 1) <= -6.0);
        assert!(limited.iter().all(|packet| packet.media.frames() <= 960) && samples(&limited).len() == 48_000);
        assert_eq!(out.latency, RATE.span_of(960 + 12 + 239));
    }

    #[test]
    fn what_is_quiet_enough_passes_bit_by_bit_without_a_copy() {
        let sound: Vec<f32> = loud(48_000).iter().map(|sample| sample * 0.15).collect();
        let packets = blocks(&sound, 1, &[960]);
        let limited = run("{}", &packets).packets(AUDIO_OUT);
        for (a, b) in limited.iter().zip(&packets) {
            assert_eq!(a.media.samples().as_ptr(), b.media.samples().as_ptr());
        }
        assert_eq!(limited.len(), packets.len());
        // One loud word changes nothing a second later.
        let mut edited = sound.clone();
        edited[2000..2400].iter_mut().for_each(|sample| *sample *= 100.0);
        let after = samples(&run("{}", &blocks(&edited, 1, &[960])).packets(AUDIO_OUT));
        assert_eq!(after[14_400..], sound[14_400..]);
        assert_ne!(after[2000..2400], edited[2000..2400]);
    }

    #[test]
    fn gaps_stay_gaps() {
        let mut packets = blocks(&loud(9600), 1, &[960]);
        packets.drain(3..6);
        let limited = run("{}", &packets).packets(AUDIO_OUT);
        assert_eq!(limited.iter().map(|p| p.pts).collect::<Vec<_>>(), packets.iter().map(|p| p.pts).collect::<Vec<_>>());
    }
}
