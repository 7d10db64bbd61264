//! `test_tone` [-> audio]: a sine of exact timing, or a click at every full second.

use crate::graph::unit::DurationSetting;
use crate::media::AudioBlock;
use crate::node::{Cx, Flow, Node, Out, Result};
use crate::packet::Packet;
use crate::registry::{CommandType, ConfigType, Defaults, Lane, NodeConfig, NodeType, Starts, Sync};
use crate::run::Command;
use crate::time::{Rate, Time};
use schemars::JsonSchema;
use serde::Deserialize;

const AUDIO: Out<AudioBlock> = Out::new("audio");

/// The node's entry in the registry.
pub const TEST_TONE: NodeType = NodeType {
    name: "test_tone",
    family: "engine",
    revision: 1,
    summary: "A sine, or a click at every full second",
    inputs: &[],
    outputs: &[AUDIO.port("sound in blocks of 20 ms")],
    sync: Sync::Each,
    lane: Lane::Own,
    starts: Starts::Never,
    time_limit: NodeType::TIME_LIMIT,
    command: Some(CommandType::of::<ToneCommand>()),
    config: ConfigType::of::<TestToneConfig>("{ duration: 2s, frequency: 440 }"),
};

/// Settings of `test_tone`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TestToneConfig {
    /// How long it sounds.
    duration: DurationSetting,
    /// Of the sine in Hz, 1 to 20000.
    #[serde(default = "concert_pitch")]
    frequency: u32,
    /// Instead of the sine a burst of 1 kHz, 10 ms long, at every full second from 1 s on.
    #[serde(default)]
    click: bool,
}

fn concert_pitch() -> u32 {
    440
}

/// What the tone can be told.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ToneCommand {
    /// Another pitch, in Hz, 1 to 20000.
    Frequency(u32),
}

impl NodeConfig for TestToneConfig {
    fn validate(&self, _: &Defaults) -> std::result::Result<(), String> {
        match self {
            _ if self.duration.0.0 <= 0 => Err("duration must be longer than nothing".into()),
            _ if !(1..=20_000).contains(&self.frequency) => Err("frequency goes from 1 to 20000".into()),
            _ => Ok(()),
        }
    }

    fn build(self, defaults: &Defaults) -> Result<Box<dyn Node>> {
        Ok(Box::new(TestTone { config: self, rate: defaults.sample_rate, next: 0 }))
    }
}

struct TestTone {
    config: TestToneConfig,
    rate: Rate,
    next: i64,
}

impl TestTone {
    fn sample(&self, index: i64) -> f32 {
        let second = self.rate.index_at(Time(crate::time::FLICKS_PER_SECOND));
        let (phase, frequency) = match self.config.click {
            true if index < second || index % second >= second / 100 => return 0.0,
            true => (index % second, 1000.0),
            false => (index, f64::from(self.config.frequency)),
        };
        (0.5 * (std::f64::consts::TAU * frequency * phase as f64 / self.rate.as_f64()).sin()) as f32
    }
}

impl Node for TestTone {
    fn process(&mut self, cx: &mut Cx<'_>) -> Result<Flow> {
        let end = self.rate.index_at(Time::ZERO + self.config.duration.0);
        let to = (self.next + self.rate.index_at(Rate::per_second(50).time_of(1))).min(end);
        if to > self.next {
            let block = AudioBlock::mono((self.next..to).map(|i| self.sample(i)).collect(), self.rate);
            cx.emit(AUDIO, Packet::lasting(self.rate.time_of(self.next), block.duration(), block));
            self.next = to;
        }
        Ok(if to < end { Flow::More } else { Flow::Done })
    }

    fn flush(&mut self, cut: Time) {
        self.next = self.next.min(self.rate.index_from(cut));
    }

    fn command(&mut self, command: Command) -> Result {
        if let Some(ToneCommand::Frequency(frequency)) = command.typed() {
            self.config.frequency = frequency.clamp(1, 20_000);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::NodeTest;

    #[test]
    fn the_click_is_at_the_second_to_the_sample() {
        let out = NodeTest::new(&TEST_TONE, "{ duration: 1500ms, click: true }").run().expect("runs");
        let samples: Vec<f32> = out.packets(AUDIO).iter().flat_map(|block| block.media.samples().to_vec()).collect();
        assert_eq!(samples.len(), 72_000);
        assert_eq!(samples.iter().position(|&s| s != 0.0), Some(48_001), "a sine starts at zero");
        assert_eq!(samples.iter().rposition(|&s| s != 0.0), Some(48_479));
    }
}
