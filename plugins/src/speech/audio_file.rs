//! `audio_file` [-> audio, cues]: plays a recording, for graphs without a lesson. Beside the sound go the mouth shapes heard in it, and
//! rests where nobody speaks.
//!
//! The recording is decoded as a whole at the start, so that a bad file is told before anything runs.

use super::decode::decode;
use super::viseme::{Viseme, visemes_from_sound};
use super::voice::{SAMPLES, gain_of};
use engine::cue::{Cue, VisemeCue};
use engine::media::AudioBlock;
use engine::node::{Cx, Flow, Node, Out, Result, Start};
use engine::packet::Packet;
use engine::registry::{ConfigType, Defaults, Lane, NodeConfig, NodeType, Starts, Sync};
use engine::time::{Span, Time};
use schemars::JsonSchema;
use serde::Deserialize;
use std::fs::File;
use std::path::PathBuf;

const AUDIO: Out<AudioBlock> = Out::new("audio");
const CUES: Out<Cue> = Out::new("cues");

/// Length of a block of sound.
const BLOCK: Span = Span::from_millis(20);
/// A silence longer than this is a rest, a shorter one belongs to the speech.
const PAUSE: Span = Span::from_millis(400);

/// The node's entry in the registry.
pub const AUDIO_FILE: NodeType = NodeType {
    name: "audio_file",
    family: "speech",
    revision: 1,
    summary: "Plays a recording, with the mouth shapes heard in it",
    inputs: &[],
    outputs: &[AUDIO.port("mono sound in blocks of 20 ms, the last may be shorter"), CUES.port("visemes, rests")],
    sync: Sync::Each,
    lane: Lane::Own,
    starts: Starts::Never,
    time_limit: NodeType::TIME_LIMIT,
    command: None,
    config: ConfigType::of::<AudioFileConfig>("{ path: graphs/demo/hello.wav }"),
};

/// Settings of `audio_file`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AudioFileConfig {
    /// The recording: WAV, MP3, AAC, M4A, FLAC or Ogg Vorbis, up to 93 minutes.
    path: PathBuf,
    /// It is brought to the level of the voices, -16 LUFS, by one gain of at most 20 dB; put `loudness` behind it for its peaks.
    #[serde(default)]
    speech_level: bool,
}

impl NodeConfig for AudioFileConfig {
    fn validate(&self, defaults: &Defaults) -> std::result::Result<(), String> {
        if defaults.sample_rate != SAMPLES {
            return Err("recordings are played at 48000 samples a second; write defaults: { audio: { rate: 48000 } }".into());
        }
        Ok(())
    }

    fn check_env(&self) -> std::result::Result<(), String> {
        let path = self.path.display();
        match self.path.metadata() {
            Err(error) => Err(format!("cannot read the recording {path}: {error}")),
            Ok(file) if !file.is_file() => Err(format!("{path} is not a file; give the path of a recording")),
            Ok(_) => File::open(&self.path).map(drop).map_err(|error| format!("cannot read the recording {path}: {error}")),
        }
    }

    fn build(self, _: &Defaults) -> Result<Box<dyn Node>> {
        Ok(Box::new(AudioFile { config: self, sound: AudioBlock::mono(Vec::new(), SAMPLES), cues: Vec::new(), next_cue: 0, next: 0 }))
    }
}

struct AudioFile {
    config: AudioFileConfig,
    /// The whole recording.
    sound: AudioBlock,
    /// What is heard in it, in order of time.
    cues: Vec<Packet<Cue>>,
    /// The first cue not yet sent.
    next_cue: usize,
    /// The first sample not yet sent.
    next: usize,
}

impl Node for AudioFile {
    fn start(&mut self, start: &mut Start<'_>) -> Result {
        let mut samples = decode(&self.config.path)?;
        self.cues = cues(&samples);
        if self.config.speech_level {
            let gain = gain_of(&samples);
            samples.iter_mut().for_each(|sample| *sample *= gain);
        }
        self.sound = AudioBlock::mono(samples, SAMPLES);
        start.expect_end(Time::ZERO + self.sound.duration());
        Ok(())
    }

    fn process(&mut self, cx: &mut Cx<'_>) -> Result<Flow> {
        let block = self.sound.slice(self.next, self.next + SAMPLES.count_in(BLOCK) as usize);
        let pts = SAMPLES.time_of(self.next as i64);
        let until = pts + block.duration();
        self.next += block.frames();
        let ends = self.next == self.sound.frames();
        let due = if ends { self.cues.len() } else { self.cues.partition_point(|cue| cue.pts < until) };
        self.cues[self.next_cue..due].iter().for_each(|cue| cx.emit(CUES, cue.clone()));
        self.next_cue = due;
        if block.frames() > 0 {
            cx.emit(AUDIO, Packet::lasting(pts, block.duration(), block));
        }
        cx.settle(CUES, until);
        Ok(if ends { Flow::Done } else { Flow::More })
    }

    fn flush(&mut self, cut: Time) {
        self.next = self.next.min(SAMPLES.index_from(cut).max(0) as usize);
        self.next_cue = self.next_cue.min(self.cues.partition_point(|cue| cue.pts < cut));
    }
}

/// Mouth shapes, rests in long silences (behind the closed mouth that begins there), and the rest at the end.
fn cues(samples: &[f32]) -> Vec<Packet<Cue>> {
    let mut cues = Vec::new();
    for shape in visemes_from_sound(samples) {
        let at = Time::ZERO + shape.at;
        cues.push(Packet::lasting(at, shape.dur, Cue::Viseme(VisemeCue { viseme: shape.value, strength: 1.0 })));
        if shape.value == Viseme::Sil && shape.dur > PAUSE {
            cues.push(Packet::lasting(at, shape.dur, Cue::Rest));
        }
    }
    cues.push(Packet::new(SAMPLES.time_of(samples.len() as i64), Cue::Rest));
    cues
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::testing::NodeTest;
    use std::path::Path;
    use tempfile::TempDir;

    /// A sentence without pauses, without the silence around it.
    fn sentence() -> Vec<f32> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sentence.wav");
        let espeak =
            std::process::Command::new("espeak-ng").args(["-v", "en", "-w"]).arg(&path).arg("Mama was away, we owe you all more").status();
        assert!(espeak.expect("espeak-ng is installed").success());
        let samples = decode(&path).unwrap();
        let loud = |sample: &f32| sample.abs() > 0.02;
        samples[samples.iter().position(loud).unwrap()..=samples.iter().rposition(loud).unwrap()].to_vec()
    }

    fn silence(millis: usize) -> Vec<f32> {
        vec![0.0; 48 * millis]
    }

    fn recording(samples: &[f32]) -> (TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hello.wav");
        let spec = hound::WavSpec { channels: 1, sample_rate: 48_000, bits_per_sample: 32, sample_format: hound::SampleFormat::Float };
        let mut wav = hound::WavWriter::create(&path, spec).unwrap();
        samples.iter().for_each(|&sample| wav.write_sample(sample).unwrap());
        wav.finalize().unwrap();
        (folder, path)
    }

    fn test(path: &Path) -> NodeTest {
        NodeTest::new(&AUDIO_FILE, &format!("{{ path: {:?} }}", path))
    }

    #[test]
    fn sound_is_whole_and_both_outputs_end_where_it_ends() {
        let (_folder, path) = recording(&[sentence()[..14_400].to_vec(), vec![0.0; 17]].concat());
        let out = test(&path).run().unwrap();
        let blocks = out.packets(AUDIO);
        assert_eq!(blocks.iter().map(|block| block.media.frames()).collect::<Vec<_>>(), [vec![960; 15], vec![17]].concat());
        assert!(blocks.windows(2).all(|pair| pair[0].end() == Some(pair[1].pts)));
        let samples: Vec<f32> = blocks.iter().flat_map(|block| block.media.samples().to_vec()).collect();
        assert_eq!(samples, decode(&path).unwrap());
        let end = SAMPLES.time_of(14_417);
        assert_eq!((out.end(AUDIO), out.end(CUES)), (Some(end), Some(end)));
    }

    #[test]
    fn a_soft_recording_and_a_loud_one_are_brought_to_the_level_of_the_voices() {
        let speech = sentence();
        for factor in [0.2, 1.0, 4.0] {
            let (_folder, path) = recording(&speech.iter().map(|sample| sample * factor).collect::<Vec<_>>());
            let heard = |config: &str| -> Vec<f32> {
                let test = NodeTest::new(&AUDIO_FILE, &format!("{{ path: {path:?}{config} }}"));
                test.run().unwrap().packets(AUDIO).iter().flat_map(|block| block.media.samples().to_vec()).collect()
            };
            let loudness = crate::speech::voice::loudness(&heard(", speech_level: true")).unwrap();
            assert!((loudness + 16.0).abs() < 0.1, "{factor}: {loudness} LUFS");
            assert_eq!(heard(""), decode(&path).unwrap(), "as it was recorded");
        }
    }

    #[test]
    fn a_recording_of_whole_blocks_has_no_empty_one() {
        let (_folder, path) = recording(&silence(40));
        let out = test(&path).run().unwrap();
        assert_eq!(out.packets(AUDIO).len(), 2);
        assert_eq!(out.end(CUES), Some(Time::ZERO + Span::from_millis(40)));
    }

    #[test]
    fn the_mouth_moves_with_the_speech_and_rests_in_long_pauses_and_at_the_end() {
        let speech = sentence();
        let parts = [speech.clone(), silence(700), speech.clone(), silence(200), speech.clone(), silence(500)];
        let borders: Vec<Time> =
            parts.iter().scan(0, |at, part| Some(std::mem::replace(at, *at + part.len() as i64))).map(|at| SAMPLES.time_of(at)).collect();
        let (_folder, path) = recording(&parts.concat());
        let out = test(&path).run().unwrap();
        let end = borders[5] + Span::from_millis(500);
        let cues = out.packets(CUES);
        assert!(cues.windows(2).all(|pair| pair[0].pts <= pair[1].pts), "in order of time");
        let shapes: Vec<_> = cues.iter().filter(|cue| matches!(cue.media, Cue::Viseme(_))).collect();
        assert!(shapes.windows(2).all(|pair| pair[0].end() == Some(pair[1].pts)), "gapless");
        assert_eq!((shapes[0].pts, shapes.last().unwrap().end()), (Time::ZERO, Some(end)));
        let shut = |cue: &&&Packet<Cue>| cue.media == Cue::Viseme(VisemeCue { viseme: Viseme::Sil, strength: 1.0 });
        for part in [0, 2, 4] {
            let within = shapes.iter().filter(|cue| borders[part] <= cue.pts && cue.end() <= Some(borders[part + 1]));
            assert!(within.clone().count() > 8, "part {part} has {} shapes", within.count());
            let closed = within.filter(shut).filter_map(|cue| cue.dur).fold(Span::ZERO, |sum, dur| sum + dur);
            assert!(closed < Span::from_millis(300), "part {part} is silent for {} s", closed.as_seconds());
        }
        let rests: Vec<(Time, Option<Time>)> = cues.iter().filter(|cue| cue.media == Cue::Rest).map(|cue| (cue.pts, cue.end())).collect();
        let near = |time: Time, border: Time| (time - border).as_seconds().abs() < 0.1;
        assert!(
            matches!(rests[..], [(a, Some(b)), (c, Some(d)), (e, None)]
            if near(a, borders[1]) && near(b, borders[2]) && near(c, borders[5]) && d == end && e == end),
            "{rests:?}"
        );
    }

    #[test]
    fn the_same_recording_gives_the_same_packets() {
        let (_folder, path) = recording(&[sentence(), silence(500)].concat());
        let run = || format!("{:?}", test(&path).run().unwrap().packets(CUES));
        assert_eq!(run(), run());
    }

    #[test]
    fn bad_recordings_are_told_before_anything_runs() {
        let config = |path: &Path| AudioFileConfig { path: path.into(), speech_level: false };
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("missing.wav");
        assert!(config(&missing).check_env().unwrap_err().contains("missing.wav"));
        assert!(config(folder.path()).check_env().unwrap_err().contains("not a file"));
        assert!(test(&missing).run().err().unwrap().to_string().contains("missing.wav"));
        let text = folder.path().join("text.wav");
        std::fs::write(&text, "words, only words").unwrap();
        assert_eq!(config(&text).check_env(), Ok(()));
        assert!(test(&text).run().err().unwrap().to_string().contains("is no sound file"));
        let slow = Defaults { sample_rate: engine::time::Rate::per_second(44_100), ..defaults() };
        assert!(test(&text).defaults(slow).run().err().unwrap().to_string().contains("48000"));
    }

    fn defaults() -> Defaults {
        let (size, fps) = (engine::frame::Size::new(320, 180), engine::time::Rate::per_second(30));
        Defaults { size, fps, sample_rate: SAMPLES }
    }
}
