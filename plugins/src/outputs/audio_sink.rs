//! `audio_sink` [audio]: the sound as a WAV file.

use super::file::{check_file, ending};
use crate::part_file::{FileError, PartFile};
use engine::media::{AudioBlock, AudioCaps};
use engine::node::{Cx, Failure, Flow, In, Node, Result, Start};
use engine::packet::Packet;
use engine::registry::{ConfigType, Defaults, Lane, NodeConfig, NodeType, Starts, Sync};
use engine::time::Time;
use hound::{SampleFormat, WavSpec, WavWriter};
use schemars::JsonSchema;
use serde::Deserialize;
use std::fs::File;
use std::io::BufWriter;
use std::path::PathBuf;

const AUDIO: In<AudioBlock> = In::new("audio");

/// Bytes of samples that a WAV file can hold beside its header: its sizes have 32 bits.
const MOST: u64 = u32::MAX as u64 - 4096;

/// The node's entry in the registry.
pub const AUDIO_SINK: NodeType = NodeType {
    name: "audio_sink",
    family: "outputs",
    revision: 1,
    summary: "The sound as a WAV file",
    inputs: &[AUDIO.port("sound; gaps in it become silence")],
    outputs: &[],
    sync: Sync::Each,
    lane: Lane::Own,
    starts: Starts::Anywhere,
    time_limit: NodeType::TIME_LIMIT,
    command: None,
    config: ConfigType::of::<AudioSinkConfig>("{ path: lecture.wav }"),
};

/// Settings of `audio_sink`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AudioSinkConfig {
    /// The file, ending in `.wav`.
    path: PathBuf,
    /// How samples are kept.
    #[serde(default)]
    samples: SampleKind,
}

/// How samples are kept in the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum SampleKind {
    /// 16-bit integers, rounded to nearest, clipped at full scale.
    #[default]
    Int16,
    /// 32-bit floats, as they came.
    Float32,
}

impl SampleKind {
    fn bytes(self) -> u64 {
        match self {
            SampleKind::Int16 => 2,
            SampleKind::Float32 => 4,
        }
    }
}

impl NodeConfig for AudioSinkConfig {
    fn validate(&self, _: &Defaults) -> std::result::Result<(), String> {
        match ending(&self.path, &["wav"]) {
            Some(_) => Ok(()),
            None => Err(format!("path {} is no WAV file; let it end in .wav", self.path.display())),
        }
    }

    fn check_env(&self) -> std::result::Result<(), String> {
        check_file(&self.path)
    }

    fn build(self, _: &Defaults) -> Result<Box<dyn Node>> {
        Ok(Box::new(AudioSink { config: self, open: None }))
    }
}

struct AudioSink {
    config: AudioSinkConfig,
    open: Option<Open>,
}

/// The file being written.
struct Open {
    // Before `part`: the writer's last flush must come while the file is there.
    wav: WavWriter<BufWriter<File>>,
    part: PartFile,
    path: PathBuf,
    kind: SampleKind,
    caps: AudioCaps,
    /// Samples per channel written.
    frames: i64,
    clipped: u64,
}

impl Node for AudioSink {
    fn start(&mut self, start: &mut Start<'_>) -> Result {
        if let Some(caps) = start.audio(AUDIO) {
            self.open = Some(Open::new(&self.config, caps)?);
        }
        Ok(())
    }

    fn process(&mut self, cx: &mut Cx<'_>) -> Result<Flow> {
        if let (Some(packet), Some(open)) = (cx.take(AUDIO), &mut self.open) {
            open.add(&packet)?;
        }
        Ok(Flow::More)
    }

    fn finish(&mut self, cx: &mut Cx<'_>) -> Result {
        let Some(mut open) = self.open.take() else { return Ok(()) };
        open.silence_until(cx.end())?;
        if open.clipped > 0 {
            cx.warn(None, format!("{} samples were beyond full scale and were clipped; put a loudness node before the file", open.clipped));
        }
        open.keep()
    }
}

impl Open {
    fn new(config: &AudioSinkConfig, caps: AudioCaps) -> Result<Open> {
        let part = PartFile::create(&config.path)?;
        let (sample_format, bits_per_sample) = match config.samples {
            SampleKind::Int16 => (SampleFormat::Int, 16),
            SampleKind::Float32 => (SampleFormat::Float, 32),
        };
        if caps.rate.den() != 1 {
            return Err(Failure::msg(format!("a WAV file cannot hold {} samples a second; put a resample node before it", caps.rate)));
        }
        let spec = WavSpec { channels: caps.channels, sample_rate: caps.rate.num(), bits_per_sample, sample_format };
        let wav = WavWriter::new(BufWriter::new(part.handle()?), spec)?;
        Ok(Open { wav, part, path: config.path.clone(), kind: config.samples, caps, frames: 0, clipped: 0 })
    }

    fn add(&mut self, packet: &Packet<AudioBlock>) -> Result {
        self.silence_until(packet.pts)?;
        let samples = packet.media.samples();
        self.make_room(samples.len())?;
        for &sample in samples {
            self.write(sample)?;
        }
        self.frames += packet.media.frames() as i64;
        Ok(())
    }

    /// Silence where the sound so far does not reach `until`.
    fn silence_until(&mut self, until: Time) -> Result {
        let missing = (self.caps.rate.index_at(until) - self.frames).max(0);
        let samples = missing as usize * usize::from(self.caps.channels);
        self.make_room(samples)?;
        for _ in 0..samples {
            self.write(0.0)?;
        }
        self.frames += missing;
        Ok(())
    }

    fn make_room(&self, samples: usize) -> Result {
        let bytes = (self.frames as u64 * u64::from(self.caps.channels) + samples as u64) * self.kind.bytes();
        if bytes <= MOST {
            return Ok(());
        }
        let path = self.path.display();
        Err(Failure::msg(format!("{path} would grow beyond 4 GiB, which WAV cannot hold; write samples: int16, or split the lecture")))
    }

    fn write(&mut self, sample: f32) -> Result {
        let written = match self.kind {
            SampleKind::Float32 => self.wav.write_sample(sample),
            SampleKind::Int16 => {
                let level = (f64::from(sample) * 32_768.0).round();
                self.clipped += u64::from(!(-32_768.0..=32_768.0).contains(&level));
                // Not a number becomes 0, what is too loud the loudest.
                self.wav.write_sample(level as i16)
            }
        };
        match written {
            Ok(()) => Ok(()),
            Err(hound::Error::IoError(error)) => Err(FileError::write(&self.path)(error).into()),
            Err(error) => Err(error.into()),
        }
    }

    fn keep(self) -> Result {
        match self.wav.finalize() {
            Ok(()) => Ok(self.part.keep()?),
            Err(hound::Error::IoError(error)) => Err(FileError::write(&self.path)(error).into()),
            Err(error) => Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outputs::tests::{config, probe};
    use engine::testing::NodeTest;
    use engine::time::{Rate, Span};

    const RATE: Rate = Rate::per_second(48_000);

    fn block(at: i64, samples: Vec<f32>, channels: u16) -> Packet<AudioBlock> {
        let block = AudioBlock::new(samples, channels, RATE);
        Packet::lasting(RATE.time_of(at), block.duration(), block)
    }

    fn run(settings: &str, packets: Vec<Packet<AudioBlock>>, end: Time) -> (tempfile::TempDir, PathBuf, Vec<String>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.wav");
        let config = format!("{{ path: {}, {settings} }}", path.display());
        let out = NodeTest::new(&AUDIO_SINK, &config).input(AUDIO, packets, end).run().unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no part is left");
        (folder, path, out.warnings.into_iter().map(|warning| warning.text).collect())
    }

    #[test]
    fn sixteen_bits_are_rounded_clipped_and_told() {
        let step = 1.0 / 32_768.0;
        let sound = vec![0.0, 0.49 * step, 0.51 * step, -0.51 * step, 1.0, -1.0, -1.1, f32::NAN];
        let (_folder, path, warnings) = run("", vec![block(0, sound, 1), block(10, vec![0.5], 1)], RATE.time_of(13));
        let wav = hound::WavReader::open(path).unwrap();
        let samples: Vec<i16> = wav.into_samples().map(|sample| sample.unwrap()).collect();
        assert_eq!(samples, [0, 0, 1, -1, 32_767, -32_768, -32_768, 0, 0, 0, 16_384, 0, 0], "the gap and the end are silent");
        assert!(warnings[0].starts_with("2 samples were beyond full scale"), "{warnings:?}");
    }

    #[test]
    fn floats_are_as_they_came_and_others_can_read_them() {
        let sound: Vec<f32> = (0..9600).map(|i| (i as f32 * 0.05).sin() * 1.5).collect();
        let (_folder, path, warnings) = run("samples: float32", vec![block(0, sound.clone(), 2)], Time::ZERO + Span::from_millis(100));
        assert!(warnings.is_empty());
        let found = probe(&path, &[]);
        let stream = &found["streams"][0];
        let seen = (&stream["codec_name"], &stream["channels"], &stream["sample_rate"], &stream["duration"]);
        assert_eq!(seen, (&"pcm_f32le".into(), &2.into(), &"48000".into(), &"0.100000".into()));
        let samples: Vec<f32> = hound::WavReader::open(path).unwrap().into_samples().map(|sample| sample.unwrap()).collect();
        assert_eq!(samples, sound);
    }

    #[test]
    fn a_node_that_never_finishes_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let sink = AudioSinkConfig { path: folder.path().join("a.wav"), samples: SampleKind::Int16 };
        let mut open = Open::new(&sink, AudioCaps { rate: RATE, channels: 1 }).unwrap();
        open.add(&block(0, vec![0.1; 9600], 1)).unwrap();
        drop(open);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn other_endings_are_refused() {
        assert!(config(&AUDIO_SINK, "{ path: a.mp3 }").0.unwrap_err().contains("end in .wav"));
    }
}
