//! `audio_sink` [audio, cues]: the sound as a WAV or MP3 file, an MP3 with a title and chapters.

use super::file::{check_file, ending};
use super::id3::{self, Chapter};
use crate::gst::Mp3Encoder;
use crate::part_file::{FileError, PartFile};
use engine::cue::{Cue, SlideCue};
use engine::media::{AudioBlock, AudioCaps};
use engine::node::{Cx, Failure, Flow, In, Node, Result, Start};
use engine::packet::Packet;
use engine::registry::{ConfigType, Defaults, Lane, NodeConfig, NodeType, Starts, Sync};
use engine::time::{Span, Time};
use hound::{SampleFormat, WavSpec, WavWriter};
use schemars::JsonSchema;
use serde::Deserialize;
use std::fs::File;
use std::io::{BufWriter, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const AUDIO: In<AudioBlock> = In::new("audio");
const CUES: In<Cue> = In::new("cues");

/// Bytes of samples that a WAV file can hold beside its header: its sizes have 32 bits.
const MOST: u64 = u32::MAX as u64 - 4096;
/// Samples of each channel that silence is written in.
const SILENCE: i64 = 48_000;

/// The node's entry in the registry.
pub const AUDIO_SINK: NodeType = NodeType {
    name: "audio_sink",
    family: "outputs",
    revision: 2,
    summary: "The sound as a WAV or MP3 file",
    inputs: &[AUDIO.port("sound; gaps in it become silence"), CUES.port("slides become chapters of an MP3").optional()],
    outputs: &[],
    sync: Sync::Merge,
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
    /// The file; its ending says which format it has: `.wav` or `.mp3` (128 kbit/s).
    path: PathBuf,
    /// The title that players show of an MP3.
    #[serde(default)]
    title: Option<String>,
    /// How samples are kept in a WAV file.
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
        match ending(&self.path, &["wav", "mp3"]) {
            Some(_) => Ok(()),
            None => Err(format!("path {} says no format; let it end in .wav or .mp3", self.path.display())),
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
    format: Format,
    part: PartFile,
    path: PathBuf,
    caps: AudioCaps,
    /// Of an MP3.
    title: Option<String>,
    /// Slides so far: id, when it began, title.
    slides: Vec<(Arc<str>, Time, String)>,
    /// Samples per channel written.
    frames: i64,
    clipped: u64,
}

/// What turns samples into the bytes of a file.
enum Format {
    Wav(WavWriter<BufWriter<File>>, SampleKind),
    Mp3(Mp3Encoder),
}

impl Node for AudioSink {
    fn start(&mut self, start: &mut Start<'_>) -> Result {
        if let Some(caps) = start.audio(AUDIO) {
            self.open = Some(Open::new(&self.config, caps)?);
        }
        Ok(())
    }

    fn process(&mut self, cx: &mut Cx<'_>) -> Result<Flow> {
        let Some(open) = &mut self.open else { return Ok(Flow::More) };
        if let Some(packet) = cx.take(CUES)
            && let Cue::Slide(slide) = &packet.media
        {
            open.chapter(packet.pts, slide);
        }
        if let Some(packet) = cx.take(AUDIO) {
            open.add(&packet)?;
        }
        Ok(Flow::More)
    }

    fn finish(&mut self, cx: &mut Cx<'_>) -> Result {
        let Some(mut open) = self.open.take() else { return Ok(()) };
        open.silence_until(cx.end())?;
        // Without a playout nobody else says how long the programme is.
        cx.reach(cx.end(), 0);
        if open.clipped > 0 {
            cx.warn(None, format!("{} samples were beyond full scale and were clipped; put a loudness node before the file", open.clipped));
        }
        open.keep(cx.end())
    }
}

impl Open {
    fn new(config: &AudioSinkConfig, caps: AudioCaps) -> Result<Open> {
        let part = PartFile::create(&config.path)?;
        let format = match ending(&config.path, &["mp3"]) {
            Some(_) => Format::Mp3(Mp3Encoder::open(&caps)?),
            None => Format::wav(&part, config.samples, caps)?,
        };
        Ok(Open { format, part, path: config.path.clone(), caps, title: config.title.clone(), slides: Vec::new(), frames: 0, clipped: 0 })
    }

    fn add(&mut self, packet: &Packet<AudioBlock>) -> Result {
        self.silence_until(packet.pts)?;
        self.write(packet.media.samples())?;
        self.frames += packet.media.frames() as i64;
        Ok(())
    }

    /// Silence where the sound so far does not reach `until`.
    fn silence_until(&mut self, until: Time) -> Result {
        let mut missing = (self.caps.rate.index_at(until) - self.frames).max(0);
        while missing > 0 {
            let frames = missing.min(SILENCE);
            self.write(&vec![0.0; frames as usize * usize::from(self.caps.channels)])?;
            self.frames += frames;
            missing -= frames;
        }
        Ok(())
    }

    fn write(&mut self, samples: &[f32]) -> Result {
        match &mut self.format {
            Format::Mp3(encoder) => {
                self.clipped += samples.iter().filter(|sample| sample.abs() > 1.0).count() as u64;
                self.part.write(&encoder.push(samples)?)?;
                Ok(())
            }
            Format::Wav(wav, kind) => {
                let bytes = (self.frames as u64 * u64::from(self.caps.channels) + samples.len() as u64) * kind.bytes();
                if bytes > MOST {
                    let path = self.path.display();
                    let text = "would grow beyond 4 GiB, which WAV cannot hold; write samples: int16, or split the lecture";
                    return Err(Failure::msg(format!("{path} {text}")));
                }
                for &sample in samples {
                    let written = match kind {
                        SampleKind::Float32 => wav.write_sample(sample),
                        SampleKind::Int16 => {
                            let level = (f64::from(sample) * 32_768.0).round();
                            self.clipped += u64::from(!(-32_768.0..=32_768.0).contains(&level));
                            // Not a number becomes 0, what is too loud the loudest.
                            wav.write_sample(level as i16)
                        }
                    };
                    written.map_err(|error| unwritten(error, &self.path))?;
                }
                Ok(())
            }
        }
    }

    /// A slide begins. One that goes on after a pause, and is stated again, is no new chapter.
    fn chapter(&mut self, at: Time, slide: &SlideCue) {
        let goes_on = self.slides.last().is_some_and(|(id, ..)| *id == slide.id) && slide.elapsed > Span::ZERO;
        if !goes_on {
            let title = slide.title.trim();
            let title = if title.is_empty() { format!("Slide {}", slide.index + 1) } else { title.to_owned() };
            self.slides.push((slide.id.clone(), at, title));
        }
    }

    /// The tag of an MP3 that ends at `end`.
    fn tag(&self, end: Time) -> Vec<u8> {
        let ends = self.slides.iter().skip(1).map(|(_, at, _)| *at).chain([end]);
        let chapter = |((_, start, title), end): (&(Arc<str>, Time, String), Time)| Chapter {
            start: start.since_start(),
            end: end.since_start(),
            title: title.clone(),
        };
        let chapters: Vec<Chapter> = self.slides.iter().zip(ends).map(chapter).collect();
        id3::tag(self.title.as_deref(), &chapters)
    }

    fn keep(mut self, end: Time) -> Result {
        let tag = self.tag(end);
        match self.format {
            Format::Mp3(encoder) => self.part.write(&encoder.finish()?)?,
            Format::Wav(wav, _) => wav.finalize().map_err(|error| unwritten(error, &self.path))?,
        }
        if tag.is_empty() || ending(&self.path, &["mp3"]).is_none() {
            return Ok(self.part.keep()?);
        }
        // The tag stands first, and is known last.
        let mut tagged = PartFile::create_as(&self.path, ".tagged")?;
        tagged.write(&tag)?;
        let mut sound = self.part.handle()?;
        sound.seek(SeekFrom::Start(0)).map_err(FileError::read_back(self.part.part()))?;
        std::io::copy(&mut sound, &mut tagged.file()).map_err(FileError::write(tagged.part()))?;
        Ok(tagged.keep()?)
    }
}

impl Format {
    fn wav(part: &PartFile, kind: SampleKind, caps: AudioCaps) -> Result<Format> {
        let (sample_format, bits_per_sample) = match kind {
            SampleKind::Int16 => (SampleFormat::Int, 16),
            SampleKind::Float32 => (SampleFormat::Float, 32),
        };
        if caps.rate.den() != 1 {
            return Err(Failure::msg(format!("a WAV file cannot hold {} samples a second; put a resample node before it", caps.rate)));
        }
        let spec = WavSpec { channels: caps.channels, sample_rate: caps.rate.num(), bits_per_sample, sample_format };
        Ok(Format::Wav(WavWriter::new(BufWriter::new(part.handle()?), spec)?, kind))
    }
}

fn unwritten(error: hound::Error, path: &Path) -> Failure {
    match error {
        hound::Error::IoError(error) => FileError::write(path)(error).into(),
        error => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outputs::tests::{config, probe, tone};
    use engine::testing::NodeTest;
    use engine::time::Rate;

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
    fn an_mp3_is_as_long_as_the_sound_and_others_can_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.mp3");
        let end = Time::ZERO + Span::from_millis(2000);
        let config = format!("{{ path: {} }}", path.display());
        NodeTest::new(&AUDIO_SINK, &config).input(AUDIO, tone(1000), end).run().unwrap();
        let found = probe(&path, &[]);
        let stream = &found["streams"][0];
        assert_eq!((&stream["codec_name"], &stream["channels"], &stream["sample_rate"]), (&"mp3".into(), &1.into(), &"48000".into()));
        let seconds: f64 = stream["duration"].as_str().unwrap().parse().unwrap();
        // Whole frames of 24 ms, and what the encoder needs before and after them.
        assert!((2.0..2.2).contains(&seconds), "{seconds} s");
    }

    #[test]
    fn slides_become_chapters_of_an_mp3_that_others_can_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.mp3");
        let config = format!("{{ path: {}, title: \"Boats & sails\" }}", path.display());
        let slide = |id: &str, title: &str, at: i64, elapsed: i64| {
            let (id, title, elapsed) = (id.into(), title.into(), Span::from_millis(elapsed));
            let cue = SlideCue { id, number: 1, title, elapsed, ..SlideCue::default() };
            Packet::new(Time::ZERO + Span::from_millis(at), Cue::Slide(cue.into()))
        };
        let cues = vec![slide("a", "Öffnung", 0, 0), slide("a", "Öffnung", 400, 400), slide("b", "", 700, 0)];
        let end = Time::ZERO + Span::from_millis(1500);
        NodeTest::new(&AUDIO_SINK, &config).input(AUDIO, tone(1500), end).input(CUES, cues, end).run().unwrap();
        let found = probe(&path, &["-show_chapters"]);
        assert_eq!(found["format"]["tags"]["title"], "Boats & sails");
        let chapters: Vec<(&str, &str, &str)> = found["chapters"]
            .as_array()
            .unwrap()
            .iter()
            .map(|chapter| {
                let text = |value: &'static str| chapter[value].as_str().unwrap();
                (text("start_time"), text("end_time"), chapter["tags"]["title"].as_str().unwrap())
            })
            .collect();
        assert_eq!(chapters, [("0.000000", "0.700000", "Öffnung"), ("0.700000", "1.500000", "Slide 1")]);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no part is left");
    }

    #[test]
    fn a_node_that_never_finishes_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let sink = AudioSinkConfig { path: folder.path().join("a.wav"), title: None, samples: SampleKind::Int16 };
        let mut open = Open::new(&sink, AudioCaps { rate: RATE, channels: 1 }).unwrap();
        open.add(&block(0, vec![0.1; 9600], 1)).unwrap();
        drop(open);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn other_endings_are_refused() {
        assert!(config(&AUDIO_SINK, "{ path: a.ogg }").0.unwrap_err().contains("end in .wav or .mp3"));
        assert_eq!(config(&AUDIO_SINK, "{ path: a.mp3 }").0, Ok(()));
    }
}
