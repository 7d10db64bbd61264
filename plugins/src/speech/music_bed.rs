//! `music_bed` [audio -> audio]: music under the whole programme.
//!
//! The music begins with the programme, begins again when it is over (its end fades into its beginning) and ends with it. It steps back
//! before somebody speaks, stays back over the pauses between sentences, and comes up again after them. What was heard before passes as it
//! is; peaks are left to `loudness` behind it. What is mixed is a function of the samples and their times.
//!
//! Sound lags by the look-ahead. Where the end of the programme is not known beforehand (live), the music fades out within it.

use super::decode::decode_stereo;
use super::voice::{SAMPLES, TARGET_LUFS, loudness_of_both};
use engine::graph::unit::DurationSetting;
use engine::media::{AudioBlock, AudioCaps, Caps};
use engine::node::{Cx, Failure, Flow, In, Node, Out, Result, Start};
use engine::packet::Packet;
use engine::registry::{ConfigType, Defaults, Lane, NodeConfig, NodeType, Starts, Sync};
use engine::segments::{Fingerprint, Part};
use engine::time::{Span, Time};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;

const AUDIO: In<AudioBlock> = In::new("audio");
const AUDIO_OUT: Out<AudioBlock> = Out::new("audio");

/// Left and right.
const SIDES: usize = 2;
/// Samples above this are speech: -50 dB below full scale.
const THRESHOLD: f32 = 0.003_162;
/// How long the end of the music fades into its beginning, in samples; at most a quarter of it.
const SEAM: usize = 2 * 48_000;
/// States remembered, one a tick: more than begin within the latency of a live run.
const PAST: usize = 256;

/// The node's entry in the registry.
pub const MUSIC_BED: NodeType = NodeType {
    name: "music_bed",
    family: "speech",
    revision: 1,
    summary: "Music under the whole programme, which steps back while somebody speaks",
    inputs: &[AUDIO.port("mono or stereo sound at 48 kHz")],
    outputs: &[AUDIO_OUT.port("the same with the music under it, stereo, from the first sound to the end")],
    sync: Sync::Join,
    lane: Lane::Shared,
    starts: Starts::Never,
    time_limit: NodeType::TIME_LIMIT,
    command: None,
    config: ConfigType::of::<MusicBedConfig>("{ file: music.mp3, level_db: -8, under_speech_db: -18 }"),
};

/// Settings of `music_bed`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MusicBedConfig {
    /// The music: WAV, MP3, AAC, M4A, FLAC or Ogg Vorbis.
    file: PathBuf,
    /// How loud it is where nobody speaks, in dB against speech (-16 LUFS): -40 to 0.
    #[serde(default = "level")]
    level_db: f64,
    /// The same while somebody speaks: -60 up to `level_db`.
    #[serde(default = "under_speech")]
    under_speech_db: f64,
    /// How long it takes to step back; it has done so when speech begins. 20ms to 1s.
    #[serde(default = "attack")]
    attack: DurationSetting,
    /// For how long nobody must have spoken before it comes up: 0ms to 10s.
    #[serde(default = "hold")]
    hold: DurationSetting,
    /// How long it takes to come up: 20ms to 10s.
    #[serde(default = "release")]
    release: DurationSetting,
    /// How long it fades in at the beginning: 0ms to 30s.
    #[serde(default = "fade_in")]
    fade_in: DurationSetting,
    /// How long it fades out at the end: 0ms to 30s.
    #[serde(default = "fade_out")]
    fade_out: DurationSetting,
}

fn level() -> f64 {
    -8.0
}
fn under_speech() -> f64 {
    -18.0
}
fn attack() -> DurationSetting {
    DurationSetting(Span::from_millis(150))
}
fn hold() -> DurationSetting {
    DurationSetting(Span::from_millis(700))
}
fn release() -> DurationSetting {
    DurationSetting(Span::from_millis(600))
}
fn fade_in() -> DurationSetting {
    DurationSetting(Span::from_millis(1500))
}
fn fade_out() -> DurationSetting {
    DurationSetting(Span::from_seconds(3))
}

impl NodeConfig for MusicBedConfig {
    fn validate(&self, defaults: &Defaults) -> std::result::Result<(), String> {
        if defaults.sample_rate != SAMPLES {
            return Err("music is played at 48000 samples a second; write defaults: { audio: { rate: 48000 } }".into());
        }
        if !(-40.0..=0.0).contains(&self.level_db) {
            return Err(format!("level_db is {}; it goes from -40 to 0", self.level_db));
        }
        if !(-60.0..=self.level_db).contains(&self.under_speech_db) {
            return Err(format!("under_speech_db is {}; it goes from -60 to level_db, which is {}", self.under_speech_db, self.level_db));
        }
        let millis = Span::from_millis;
        for (what, time, least, most) in [
            ("attack", self.attack, millis(20), Span::SECOND),
            ("hold", self.hold, Span::ZERO, millis(10_000)),
            ("release", self.release, millis(20), millis(10_000)),
            ("fade_in", self.fade_in, Span::ZERO, millis(30_000)),
            ("fade_out", self.fade_out, Span::ZERO, millis(30_000)),
        ] {
            if time.0 < least || time.0 > most {
                return Err(format!("{what} is {time}; it goes from {} to {}", DurationSetting(least), DurationSetting(most)));
            }
        }
        Ok(())
    }

    fn check_env(&self) -> std::result::Result<(), String> {
        match self.file.metadata() {
            Ok(file) if file.is_file() => Ok(()),
            Ok(_) => Err(format!("{} is not a file; give the path of a piece of music", self.file.display())),
            Err(error) => Err(format!("cannot read the music {}: {error}", self.file.display())),
        }
    }

    fn build(self, defaults: &Defaults) -> Result<Box<dyn Node>> {
        let frames = |time: DurationSetting| SAMPLES.count_in(time.0);
        // Whole ticks, so that what leaves with a tick is whole, too.
        let ticks = (self.attack.0.0 + defaults.fps.interval().0 - 1) / defaults.fps.interval().0;
        let lag = defaults.fps.span_of(ticks);
        let ahead = SAMPLES.count_in(lag);
        let duck = Duck {
            depth_db: (self.level_db - self.under_speech_db) as f32,
            down: 1.0 / frames(self.attack).max(1) as f32,
            up: 1.0 / frames(self.release).max(1) as f32,
            stays: ahead + frames(self.hold),
        };
        Ok(Box::new(MusicBed { config: self, lag, ahead, duck, bed: Bed::default(), mixing: None }))
    }
}

struct MusicBed {
    config: MusicBedConfig,
    /// By how much the sound lags, and how many frames that is.
    lag: Span,
    ahead: i64,
    duck: Duck,
    bed: Bed,
    /// Once sound has come.
    mixing: Option<Mixing>,
}

/// The music, ready to be heard.
#[derive(Default)]
struct Bed {
    /// Left and right by turns, at its own level.
    samples: Arc<Vec<f32>>,
    gain: f32,
    fade_in: i64,
    fade_out: i64,
    /// The frame at which the programme ends, once it is known.
    end: Option<i64>,
}

/// How the music follows speech; in frames.
struct Duck {
    depth_db: f32,
    down: f32,
    up: f32,
    /// For how long after a sound the music is back.
    stays: i64,
}

/// How far the music has stepped back, 0 to 1, and for how many frames that is still wanted.
#[derive(Clone, Copy, Default)]
struct State {
    back: f32,
    stays: i64,
}

/// What has come and not left yet.
struct Mixing {
    channels: usize,
    state: State,
    /// The state at the beginning of each tick.
    past: VecDeque<(Time, State)>,
    /// The first frame that has not come.
    taken: i64,
    /// The first frame that has not left.
    next: i64,
    /// Frames from there on.
    waiting: VecDeque<f32>,
    /// The music's gain in them, as far as it is known.
    gains: VecDeque<f32>,
}

impl Duck {
    /// The gain `ahead` frames before a frame of this level.
    fn follow(&self, state: &mut State, level: f32) -> f32 {
        state.stays = if level > THRESHOLD { self.stays } else { (state.stays - 1).max(0) };
        state.back = if state.stays > 0 { (state.back + self.down).min(1.0) } else { (state.back - self.up).max(0.0) };
        // Without corners at either end.
        10f32.powf(-self.depth_db * smooth(state.back) / 20.0)
    }
}

impl Bed {
    /// Left and right of the music at a frame of the programme, faded in and out.
    fn at(&self, frame: i64) -> [f32; SIDES] {
        let length = self.samples.len() / SIDES;
        let seam = SEAM.min(length / 4);
        let round = (length - seam).max(1);
        let place = frame.max(0) as usize;
        let (turn, place) = (place / round, place % round);
        let frame_at = |at: usize| [self.samples[at * SIDES], self.samples[at * SIDES + 1]];
        let mut sides = frame_at(place);
        if turn > 0 && place < seam {
            // Equal power: two parts of a piece have little in common.
            let angle = place as f32 / seam as f32 * std::f32::consts::FRAC_PI_2;
            let before = frame_at(round + place);
            sides = std::array::from_fn(|side| sides[side] * angle.sin() + before[side] * angle.cos());
        }
        let part = |frames: i64, of: i64| if of > 0 { smooth((frames as f32 / of as f32).clamp(0.0, 1.0)) } else { 1.0 };
        let faded = part(frame, self.fade_in) * self.end.map_or(1.0, |end| part(end - frame, self.fade_out));
        sides.map(|sample| sample * self.gain * faded)
    }
}

/// From 0 to 1 without corners.
fn smooth(part: f32) -> f32 {
    part * part * (3.0 - 2.0 * part)
}

impl Mixing {
    fn new(first: i64, channels: usize) -> Mixing {
        Mixing {
            channels,
            state: State::default(),
            past: VecDeque::new(),
            taken: first,
            next: first,
            waiting: VecDeque::new(),
            gains: VecDeque::new(),
        }
    }

    /// Takes frames that follow those that have come.
    fn push(&mut self, samples: &[f32], ahead: i64, duck: &Duck) {
        for frame in samples.chunks_exact(self.channels) {
            let level = frame.iter().fold(0.0f32, |level, sample| level.max(sample.abs()));
            let gain = duck.follow(&mut self.state, level);
            self.waiting.extend(frame);
            if self.taken - ahead >= self.next + self.gains.len() as i64 {
                self.gains.push_back(gain);
            }
            self.taken += 1;
        }
    }

    /// The frames before `until` with the music under them.
    fn mix(&mut self, until: i64, bed: &Bed) -> Option<Packet<AudioBlock>> {
        let count = (until - self.next).clamp(0, self.gains.len() as i64) as usize;
        if count == 0 {
            return None;
        }
        let start = self.next;
        let mut mixed = Vec::with_capacity(count * SIDES);
        let own: Vec<f32> = self.waiting.drain(..count * self.channels).collect();
        for ((index, frame), gain) in (start..).zip(own.chunks_exact(self.channels)).zip(self.gains.drain(..count)) {
            let [left, right] = bed.at(index);
            mixed.extend([frame[0] + left * gain, frame[self.channels - 1] + right * gain]);
        }
        self.next += count as i64;
        let block = AudioBlock::new(mixed, SIDES as u16, SAMPLES);
        Some(Packet::lasting(SAMPLES.time_of(start), block.duration(), block))
    }
}

impl Node for MusicBed {
    fn start(&mut self, start: &mut Start<'_>) -> Result {
        let Some(caps) = start.audio(AUDIO) else { return Ok(()) };
        if caps.rate != SAMPLES || usize::from(caps.channels) > SIDES {
            let text = format!("its input has {} Hz and {} channels; bring 48000 Hz, mono or stereo", caps.rate, caps.channels);
            return Err(Failure::msg(text));
        }
        start.set_caps(AUDIO_OUT, Caps::Audio(AudioCaps { rate: SAMPLES, channels: SIDES as u16 }));
        start.set_latency(self.lag);
        let path = &self.config.file;
        let music = start.shared(&format!("music {}", path.display()), || {
            let samples = decode_stereo(path)?;
            let loudness = loudness_of_both(&samples);
            Ok((Arc::new(samples), loudness))
        })?;
        let (samples, loudness) = &*music;
        let Some(loudness) = loudness else {
            return Err(Failure::msg(format!("{} is silent, or too short for music; choose another file", path.display())));
        };
        let end = start.end().map(|end| SAMPLES.index_from(end));
        self.bed = Bed {
            samples: samples.clone(),
            gain: 10f64.powf((TARGET_LUFS + self.config.level_db - loudness).clamp(-60.0, 30.0) / 20.0) as f32,
            fade_in: SAMPLES.count_in(self.config.fade_in.0),
            fade_out: SAMPLES.count_in(self.config.fade_out.0),
            end,
        };
        Ok(())
    }

    fn fingerprint(&mut self, part: &Part, key: &mut Fingerprint<'_>) -> Result {
        key.add_settings();
        let fades = part.end > key.end() - self.config.fade_out.0;
        if fades {
            key.add("end of the music", (key.end() - part.start).0.to_le_bytes());
        }
        Ok(())
    }

    fn process(&mut self, cx: &mut Cx<'_>) -> Result<Flow> {
        let tick = cx.tick();
        let packets: Vec<Packet<AudioBlock>> = std::iter::from_fn(|| cx.take(AUDIO)).collect();
        let Some(channels) = packets.first().map(|packet| packet.media.channels().into()).or(self.mixing.as_ref().map(|m| m.channels))
        else {
            return Ok(Flow::More);
        };
        let first = SAMPLES.index_from(tick.time);
        let mixing = self.mixing.get_or_insert_with(|| Mixing::new(first, channels));
        mixing.past.push_back((tick.time, mixing.state));
        if mixing.past.len() > PAST {
            mixing.past.pop_front();
        }
        // Where no sound came, it was silent.
        let mut samples = vec![0.0; (SAMPLES.index_from(tick.next) - mixing.taken).max(0) as usize * channels];
        for packet in &packets {
            let at = (SAMPLES.index_at(packet.pts + Span(SAMPLES.interval().0 / 2)) - mixing.taken).max(0) as usize * channels;
            samples.iter_mut().skip(at).zip(packet.media.samples()).for_each(|(sample, new)| *sample = *new);
        }
        mixing.push(&samples, self.ahead, &self.duck);
        let until = SAMPLES.index_from(tick.next - self.lag);
        mixing.mix(until, &self.bed).into_iter().for_each(|block| cx.emit(AUDIO_OUT, block));
        // Under silence, too.
        cx.again();
        Ok(Flow::More)
    }

    fn finish(&mut self, cx: &mut Cx<'_>) -> Result {
        let Some(mixing) = &mut self.mixing else { return Ok(()) };
        let end = SAMPLES.index_from(cx.end());
        if self.bed.end.is_none() {
            (self.bed.end, self.bed.fade_out) = (Some(end), self.ahead);
        }
        let missing = (end - mixing.taken).max(0) + self.ahead;
        mixing.push(&vec![0.0; missing as usize * mixing.channels], self.ahead, &self.duck);
        mixing.mix(end, &self.bed).into_iter().for_each(|block| cx.emit(AUDIO_OUT, block));
        Ok(())
    }

    fn flush(&mut self, cut: Time) {
        let Some(mixing) = &mut self.mixing else { return };
        while let Some((_, state)) = mixing.past.pop_back_if(|(time, _)| *time >= cut) {
            mixing.state = state;
        }
        let cut = SAMPLES.index_from(cut);
        mixing.taken = mixing.taken.min(cut);
        mixing.next = mixing.next.min(cut);
        mixing.waiting.truncate((mixing.taken - mixing.next) as usize * mixing.channels);
        // The last gains looked ahead to what has not been said now.
        mixing.gains.truncate((mixing.taken - self.ahead - mixing.next).max(0) as usize);
    }
}

#[cfg(test)]
#[path = "music_bed_tests.rs"]
mod tests;
