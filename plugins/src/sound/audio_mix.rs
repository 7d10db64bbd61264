//! `audio_mix` [audio* -> audio]: several sounds as one.
//!
//! Each input has its gain. While the first one sounds (somebody speaks), the others are lowered: the gain falls within `attack` once it
//! passes the threshold, stays down over the pauses between words, and rises again within `release`. Where only one input has sound and
//! its gain is one, its blocks pass bit by bit; peaks are left to `loudness` behind it. What is mixed is a function of the samples and
//! their times, not of how they are cut into blocks.

use engine::graph::unit::DurationSetting;
use engine::media::{AudioBlock, AudioCaps, Caps};
use engine::node::{Cx, Failure, Flow, In, Node, Out, Result, Start};
use engine::packet::Packet;
use engine::registry::{ConfigType, Defaults, Lane, NodeConfig, NodeType, Starts, Sync};
use engine::time::{Rate, Span, Time};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::VecDeque;

const AUDIO: In<AudioBlock> = In::new("audio");
const AUDIO_OUT: Out<AudioBlock> = Out::new("audio");

/// How long the first input may be silent before the others rise: words are less far apart.
const HOLD: Span = Span::from_millis(400);
/// States remembered, one a tick: more than begin within the latency of a live run.
const PAST: usize = 256;

/// The node's entry in the registry.
pub const AUDIO_MIX: NodeType = NodeType {
    name: "audio_mix",
    family: "sound",
    revision: 1,
    summary: "Several sounds as one; the first one, where it sounds, is heard above the others",
    inputs: &[AUDIO.port("sound of one rate and number of channels").many()],
    outputs: &[AUDIO_OUT.port("their sum")],
    sync: Sync::Join,
    lane: Lane::Shared,
    starts: Starts::Never,
    time_limit: NodeType::TIME_LIMIT,
    command: None,
    config: ConfigType::of::<AudioMixConfig>("{ gains_db: [0, -3], duck_db: 12 }"),
};

/// Settings of `audio_mix`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AudioMixConfig {
    /// The gain of each input in dB, in their order: -60 to 20. One that is left out is 0.
    #[serde(default)]
    gains_db: Vec<f64>,
    /// By how many dB the others are lowered while the first input sounds: 0 (never) to 60.
    #[serde(default = "duck")]
    duck_db: f64,
    /// The first input sounds when its samples pass this, in dB below full scale: -80 to 0.
    #[serde(default = "threshold")]
    threshold_dbfs: f64,
    /// How long the others take to go down: 5ms to 5s.
    #[serde(default = "attack")]
    attack: DurationSetting,
    /// How long the others take to come up again: 5ms to 5s.
    #[serde(default = "release")]
    release: DurationSetting,
}

fn duck() -> f64 {
    12.0
}
fn threshold() -> f64 {
    -50.0
}
fn attack() -> DurationSetting {
    DurationSetting(Span::from_millis(60))
}
fn release() -> DurationSetting {
    DurationSetting(Span::from_millis(600))
}

impl NodeConfig for AudioMixConfig {
    fn validate(&self, _: &Defaults) -> std::result::Result<(), String> {
        let within = |what: &str, value: f64, least: f64, most: f64| match value >= least && value <= most {
            true => Ok(()),
            false => Err(format!("{what} is {value}; it goes from {least} to {most}")),
        };
        self.gains_db.iter().try_for_each(|gain| within("a gain of gains_db", *gain, -60.0, 20.0))?;
        within("duck_db", self.duck_db, 0.0, 60.0)?;
        within("threshold_dbfs", self.threshold_dbfs, -80.0, 0.0)?;
        for (what, time) in [("attack", self.attack), ("release", self.release)] {
            if time.0 < Span::from_millis(5) || time.0 > Span::from_seconds(5) {
                return Err(format!("{what} is {time}; it goes from 5ms to 5s"));
            }
        }
        Ok(())
    }

    fn build(self, _: &Defaults) -> Result<Box<dyn Node>> {
        let gains = self.gains_db.iter().map(|gain| linear(*gain)).collect();
        let duck = Duck { floor: linear(-self.duck_db), threshold: linear(self.threshold_dbfs), ..Duck::default() };
        let state = State { gain: 1.0, hold: 0 };
        Ok(Box::new(AudioMix { config: self, gains, caps: None, duck, state, until: 0, past: VecDeque::new() }))
    }
}

fn linear(decibel: f64) -> f32 {
    10f64.powf(decibel / 20.0) as f32
}

struct AudioMix {
    config: AudioMixConfig,
    gains: Vec<f32>,
    caps: Option<AudioCaps>,
    duck: Duck,
    state: State,
    /// The frame up to which the state has come.
    until: i64,
    /// The state at the beginning of each tick.
    past: VecDeque<(Time, State)>,
}

/// How the others follow the first input; in frames and factors.
#[derive(Default)]
struct Duck {
    floor: f32,
    threshold: f32,
    hold: i64,
    down: f32,
    up: f32,
}

/// The others' gain now, and for how many frames it stays down.
#[derive(Clone, Copy)]
struct State {
    gain: f32,
    hold: i64,
}

impl State {
    /// A frame further, in which the first input has this level.
    fn follow(&mut self, level: f32, duck: &Duck) {
        self.hold = if level > duck.threshold { duck.hold } else { (self.hold - 1).max(0) };
        self.gain = if self.hold > 0 { (self.gain - duck.down).max(duck.floor) } else { (self.gain + duck.up).min(1.0) };
    }

    /// The same over silence.
    fn rest(&mut self, frames: i64, duck: &Duck) {
        for _ in 0..frames {
            if self.hold == 0 && self.gain == 1.0 {
                return;
            }
            self.follow(0.0, duck);
        }
    }
}

impl Node for AudioMix {
    fn start(&mut self, start: &mut Start<'_>) -> Result {
        let all = start.caps(AUDIO).filter_map(|caps| if let Caps::Audio(audio) = caps { Some(*audio) } else { None });
        let all: Vec<AudioCaps> = all.collect();
        let Some(&first) = all.first() else { return Ok(()) };
        if let Some(&other) = all.iter().find(|other| **other != first) {
            let told = |caps: AudioCaps| format!("{} Hz with {} channel(s)", caps.rate, caps.channels);
            let text = format!("its inputs differ: {} and {}; put a node resample before one of them", told(first), told(other));
            return Err(Failure::msg(text));
        }
        if self.gains.len() > all.len() {
            return Err(Failure::msg(format!("gains_db has {} gains, but there are {} inputs", self.gains.len(), all.len())));
        }
        self.gains.resize(all.len(), 1.0);
        start.set_caps(AUDIO_OUT, Caps::Audio(first));
        let step = |time: DurationSetting| (1.0 - self.duck.floor) / first.rate.count_in(time.0).max(1) as f32;
        (self.duck.down, self.duck.up) = (step(self.config.attack), step(self.config.release));
        self.duck.hold = first.rate.count_in(HOLD);
        self.caps = Some(first);
        Ok(())
    }

    fn process(&mut self, cx: &mut Cx<'_>) -> Result<Flow> {
        let Some(AudioCaps { rate, channels }) = self.caps else { return Ok(Flow::More) };
        let tick = cx.tick();
        self.past.push_back((tick.time, self.state));
        if self.past.len() > PAST {
            self.past.pop_front();
        }
        let (first, last) = (rate.index_from(tick.time), rate.index_from(tick.next));
        let inputs: Vec<Vec<Packet<AudioBlock>>> =
            (0..self.gains.len()).map(|n| std::iter::from_fn(|| cx.take_nth(AUDIO, n)).collect()).collect();
        let gains = self.follow(&inputs[0], rate, first, last);
        let sounding: Vec<usize> = (0..inputs.len()).filter(|n| !inputs[*n].is_empty()).collect();
        match sounding[..] {
            [] => {}
            [only] if self.gains[only] == 1.0 && (only == 0 || gains.is_none()) => cx.emit_all(AUDIO_OUT, inputs.into_iter().flatten()),
            _ => {
                let all = || inputs.iter().flatten();
                let start = all().map(|packet| nearest(rate, packet.pts)).min().unwrap_or(first);
                let end = all().map(|packet| nearest(rate, packet.pts) + packet.media.frames() as i64).max().unwrap_or(start);
                let channels = usize::from(channels);
                let mut mixed = vec![0.0; (end - start) as usize * channels];
                for (n, packet) in inputs.iter().enumerate().flat_map(|(n, packets)| packets.iter().map(move |packet| (n, packet))) {
                    let at = nearest(rate, packet.pts);
                    let target = mixed[(at - start) as usize * channels..].chunks_exact_mut(channels);
                    for (index, (sum, frame)) in (at..).zip(target.zip(packet.media.samples().chunks_exact(channels))) {
                        let ducked = if n == 0 { 1.0 } else { gain_at(&gains, index - first) };
                        let gain = self.gains[n] * ducked;
                        sum.iter_mut().zip(frame).for_each(|(sum, sample)| *sum += sample * gain);
                    }
                }
                let block = AudioBlock::new(mixed, channels as u16, rate);
                cx.emit(AUDIO_OUT, Packet::lasting(rate.time_of(start), block.duration(), block));
            }
        }
        Ok(Flow::More)
    }

    fn flush(&mut self, cut: Time) {
        while let Some((time, state)) = self.past.pop_back_if(|(time, _)| *time >= cut) {
            self.state = state;
            self.until = self.caps.map_or(0, |caps| caps.rate.index_from(time));
        }
    }
}

impl AudioMix {
    /// The others' gain at each frame of a tick; `None` where it is one throughout.
    fn follow(&mut self, lead: &[Packet<AudioBlock>], rate: Rate, first: i64, last: i64) -> Option<Vec<f32>> {
        // Ticks in which there was no sound at all.
        self.state.rest(first - self.until, &self.duck);
        self.until = last;
        let mut levels = vec![0.0f32; (last - first).max(0) as usize];
        for packet in lead {
            let at = (nearest(rate, packet.pts) - first).max(0) as usize;
            let frames = packet.media.samples().chunks_exact(packet.media.channels().into());
            for (level, frame) in levels.iter_mut().skip(at).zip(frames) {
                *level = frame.iter().fold(0.0, |level, sample| level.max(sample.abs()));
            }
        }
        let gain = |level: f32| {
            self.state.follow(level, &self.duck);
            self.state.gain
        };
        let gains: Vec<f32> = levels.into_iter().map(gain).collect();
        gains.iter().any(|gain| *gain < 1.0).then_some(gains)
    }
}

/// The gain of a frame; the last one goes on.
fn gain_at(gains: &Option<Vec<f32>>, index: i64) -> f32 {
    let Some(gains) = gains else { return 1.0 };
    gains.get(index.max(0) as usize).or(gains.last()).copied().unwrap_or(1.0)
}

/// The index of the frame nearest to a time.
fn nearest(rate: Rate, at: Time) -> i64 {
    rate.index_at(at + Span(rate.interval().0 / 2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::testing::{NodeTest, Outputs};

    const RATE: Rate = Rate::per_second(48_000);

    /// Blocks of so many frames from `start` on.
    fn sound(start: i64, frames: usize, block: usize, wave: impl Fn(usize) -> f32) -> Vec<Packet<AudioBlock>> {
        let whole = AudioBlock::mono((0..frames).map(wave).collect(), RATE);
        let part = |at: usize| {
            let part = whole.slice(at, at + block);
            Packet::lasting(RATE.time_of(start + at as i64), part.duration(), part)
        };
        (0..frames).step_by(block).map(part).collect()
    }

    fn run(config: &str, inputs: Vec<Vec<Packet<AudioBlock>>>) -> Outputs {
        let end = inputs.iter().flatten().filter_map(Packet::end).max().unwrap_or(Time::ZERO);
        inputs.into_iter().fold(NodeTest::new(&AUDIO_MIX, config), |test, packets| test.input(AUDIO, packets, end)).run().unwrap()
    }

    /// All samples from time zero on; gaps are silent.
    fn samples(out: &Outputs) -> Vec<f32> {
        let mut all = Vec::new();
        for packet in out.packets(AUDIO_OUT) {
            let at = RATE.index_at(packet.pts) as usize;
            assert!(at >= all.len(), "blocks do not overlap");
            all.resize(at, 0.0);
            all.extend_from_slice(packet.media.samples());
        }
        all
    }

    #[test]
    fn what_sounds_alone_passes_bit_by_bit() {
        let speech = sound(0, 48_000, 960, |n| (n as f32 * 0.05).sin() * 0.7);
        let plain = samples(&run("{}", vec![speech.clone()]));
        let out = run("{}", vec![speech, Vec::new()]);
        assert_eq!(samples(&out), plain);
        assert_eq!(plain[17_000], (17_000f32 * 0.05).sin() * 0.7);
        assert_eq!(out.latency, Span::ZERO);
    }

    #[test]
    fn sounds_add_up_with_their_gains_wherever_their_blocks_begin() {
        let (a, b) = (|n: usize| (n as f32 * 0.01).sin() * 0.2, |n: usize| (n as f32 * 0.03).sin() * 0.3);
        let expected: Vec<f32> = (0..20_000)
            .map(|n| a(n) * linear(-6.0) + if (4_000..14_000).contains(&n) { b(n - 4_000) * linear(2.0) } else { 0.0 })
            .collect();
        for (one, two) in [(960, 1600), (333, 960), (20_000, 7)] {
            let out = run("{ gains_db: [-6, 2], duck_db: 0 }", vec![sound(0, 20_000, one, a), sound(4_000, 10_000, two, b)]);
            let mixed = samples(&out);
            let worst = mixed.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(mixed.len() == expected.len() && worst < 1e-6, "{one} and {two}: {worst}");
        }
    }

    #[test]
    fn the_others_go_down_while_the_first_one_sounds_and_come_up_again() {
        // Two words 200 ms apart, from 1 s to 2 s; a second of silence; the film plays on.
        let spoken = |n: usize| (48_000..96_000).contains(&n) && !(67_200..76_800).contains(&n);
        let speech = |n: usize| if spoken(n) { 0.3 } else { 0.0 };
        let config = "{ duck_db: 12, attack: 50ms, release: 500ms }";
        let out = run(config, vec![sound(0, 192_000, 960, speech), sound(0, 192_000, 1600, |_| 0.5)]);
        let film: Vec<f32> = samples(&out).iter().enumerate().map(|(n, sample)| sample - speech(n)).collect();
        let low = 0.5 * linear(-12.0);
        let near = |n: usize, level: f32| assert!((film[n] - level).abs() < 1e-4, "at {n}: {} is not {level}", film[n]);
        [0, 47_999].iter().for_each(|n| near(*n, 0.5));
        [48_000 + 2_401, 60_000, 72_000, 95_999, 96_000 + 19_000].iter().for_each(|n| near(*n, low));
        [96_000 + 19_200 + 24_100, 191_999].iter().for_each(|n| near(*n, 0.5));
        let steepest = film.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max);
        assert!(steepest < 0.5 / 2_400.0, "no click: {steepest}");
        // However the sound is cut.
        let other = run(config, vec![sound(0, 192_000, 777, speech), sound(0, 192_000, 960, |_| 0.5)]);
        assert_eq!(samples(&other), samples(&out));
    }

    #[test]
    fn a_pause_without_any_sound_counts_as_silence() {
        let mut speech = sound(0, 4_800, 960, |_| 0.3);
        speech.extend(sound(96_000, 960, 960, |_| 0.0));
        let out = run("{}", vec![speech, sound(96_000, 960, 960, |_| 0.5)]);
        assert_eq!(samples(&out)[96_000], 0.5, "two seconds later the film is as loud as ever");
    }

    #[test]
    fn mistakes_are_named() {
        let refused = |config: &str, inputs: usize| {
            let test = (0..inputs).fold(NodeTest::new(&AUDIO_MIX, config), |test, _| test.input(AUDIO, Vec::new(), Time::ZERO));
            test.run().err().map(|error| error.to_string()).unwrap_or_default()
        };
        assert!(refused("{ gains_db: [0, 40] }", 2).contains("from -60 to 20"));
        assert!(refused("{ duck_db: -1 }", 2).contains("duck_db is -1"));
        assert!(refused("{ attack: 1ms }", 2).contains("from 5ms to 5s"));
        assert!(refused("{ gains_db: [0, 0, 0] }", 2).contains("3 gains, but there are 2 inputs"));
    }
}
