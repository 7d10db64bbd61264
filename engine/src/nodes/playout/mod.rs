//! `playout` [video, audio, cues -> the same]: turns what was made into what goes out.
//!
//! Offline it merges its inputs, repeats the held picture at every tick of the video rate, closes gaps in the sound with silence, and
//! carries every track on to the same end. Whatever comes behind it, encoders and files, takes its length from here. Live it goes by the
//! clock, see [`live`].

mod live;
mod sound;

use crate::cue::Cue;
use crate::frame::VideoFrame;
use crate::media::{AudioBlock, AudioCaps, Caps, VideoCaps};
use crate::node::{Cx, Failure, Flow, In, Node, Out, Result, Start};
use crate::packet::Packet;
use crate::pool::Pool;
use crate::registry::{ConfigType, Defaults, Lane, NodeConfig, NodeType, Starts, Sync};
use crate::time::{Rate, Time};
use live::Live;
use schemars::JsonSchema;
use serde::Deserialize;

const VIDEO: In<VideoFrame> = In::new("video");
const AUDIO: In<AudioBlock> = In::new("audio");
const CUES: In<Cue> = In::new("cues");
const VIDEO_OUT: Out<VideoFrame> = Out::new("video");
const AUDIO_OUT: Out<AudioBlock> = Out::new("audio");
const CUES_OUT: Out<Cue> = Out::new("cues");

/// The node's entry in the registry.
pub const PLAYOUT: NodeType = NodeType {
    name: "playout",
    family: "engine",
    revision: 1,
    summary: "The programme as it goes out: one picture at every tick, sound without gaps, all tracks of one length",
    inputs: &[VIDEO.port("pictures, perhaps sparse").optional(), AUDIO.port("sound").optional(), CUES.port("events").optional()],
    outputs: &[VIDEO_OUT.port("a picture at every tick"), AUDIO_OUT.port("sound without gaps"), CUES_OUT.port("the events, unchanged")],
    sync: Sync::Merge,
    lane: Lane::Own,
    starts: Starts::Anywhere,
    time_limit: NodeType::TIME_LIMIT,
    command: None,
    config: ConfigType::of::<PlayoutConfig>("{}"),
};

/// Settings of `playout`; there are none offline.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlayoutConfig {}

impl NodeConfig for PlayoutConfig {
    fn build(self, _: &Defaults) -> Result<Box<dyn Node>> {
        Ok(Box::new(Playout {
            held: None,
            next_tick: 0,
            first_tick: 0,
            until: i64::MAX,
            frames: 0,
            sound: None,
            next_sample: 0,
            live: None,
        }))
    }
}

struct Playout {
    held: Option<VideoFrame>,
    next_tick: i64,
    /// The first tick of the run; 0 but in a run that makes a part of the programme.
    first_tick: i64,
    /// No picture is wanted from this tick on.
    until: i64,
    frames: u64,
    sound: Option<AudioCaps>,
    next_sample: i64,
    /// In a live run.
    live: Option<Live>,
}

impl Node for Playout {
    fn start(&mut self, start: &mut Start<'_>) -> Result {
        if let Some(video) = start.video(VIDEO) {
            // Whatever rate comes in, a picture leaves at every tick.
            start.set_caps(VIDEO_OUT, Caps::Video(VideoCaps { rate: start.defaults().fps, ..video }));
            // Until the first picture comes, and there always is one at every tick.
            self.held = Some(Pool::new().black(video.format, video.size).freeze());
        }
        if let Some(window) = start.window() {
            let fps = start.defaults().fps;
            (self.next_tick, self.until) = (fps.index_from(Time::ZERO + window.from), fps.index_from(Time::ZERO + window.to));
            self.first_tick = self.next_tick;
        }
        self.sound = start.audio(AUDIO);
        if let Some(audio) = self.sound {
            start.set_caps(AUDIO_OUT, Caps::Audio(audio));
        }
        if start.pacer().is_some() {
            if self.held.is_none() && self.sound.is_none() {
                return Err(Failure::msg("a live programme needs pictures or sound; connect the input video or audio"));
            }
            self.live = Some(Live::new(start.defaults().fps, self.held.clone(), self.sound));
        }
        Ok(())
    }

    fn process(&mut self, cx: &mut Cx<'_>) -> Result<Flow> {
        if let (Some(live), Some(pacer)) = (&mut self.live, cx.pacer()) {
            return Ok(live.process(pacer, cx));
        }
        if let Some(packet) = cx.take(VIDEO) {
            // The picture before this one holds up to here.
            self.advance(packet.pts, cx);
            self.held = Some(packet.media);
        }
        if let Some(packet) = cx.take(AUDIO) {
            self.fill_sound(packet.pts, cx);
            let rate = packet.media.rate();
            self.next_sample = rate.index_at(packet.pts) + packet.media.frames() as i64;
            cx.emit(AUDIO_OUT, Packet { dur: Some(packet.media.duration()), ..packet });
        }
        if let Some(packet) = cx.take(CUES) {
            cx.emit(CUES_OUT, packet);
        }
        self.advance(cx.settled(), cx);
        let reached = if self.held.is_some() { cx.rate().time_of(self.next_tick - self.first_tick) } else { cx.settled() };
        cx.reach(reached, self.frames);
        Ok(if self.next_tick < self.until { Flow::More } else { Flow::Done })
    }

    fn finish(&mut self, cx: &mut Cx<'_>) -> Result {
        if self.live.is_some() {
            return Ok(());
        }
        let end = cx.end();
        self.advance(end, cx);
        if let (Some(_), Some(audio)) = (&self.held, self.sound) {
            let (picture, sound) = (cx.rate().time_of(self.next_tick), audio.rate.time_of(self.next_sample));
            // The last tick may begin before the end and last beyond it; that much is no skew.
            let skew = sound - picture.min(end);
            cx.saw_skew(if skew.0.abs() < audio.rate.interval().0 { crate::time::Span::ZERO } else { skew });
        }
        if self.until == i64::MAX {
            cx.reach(end, self.frames);
        }
        Ok(())
    }

    fn flush(&mut self, cut: Time) {
        if let Some(live) = &mut self.live {
            live.flush(cut);
        }
    }
}

impl Playout {
    /// The held picture at every tick before `until`, and silence where sound is missing. Tick by tick, so that a long wait on one track
    /// does not fill the queues behind it while the other track stands still.
    fn advance(&mut self, until: Time, cx: &mut Cx<'_>) {
        let rate = cx.rate();
        if let Some(frame) = self.held.clone() {
            while self.next_tick < self.until && rate.time_of(self.next_tick) < until {
                let tick = rate.time_of(self.next_tick);
                cx.emit(VIDEO_OUT, Packet::lasting(tick, rate.interval(), frame.clone()));
                self.next_tick += 1;
                self.frames += 1;
                self.fill_sound(until.min(tick), cx);
            }
        }
        self.fill_sound(until, cx);
    }

    /// Silence where the sound so far does not reach `until`.
    fn fill_sound(&mut self, until: Time, cx: &mut Cx<'_>) {
        let Some(AudioCaps { rate, channels }) = self.sound else { return };
        let block = Rate::per_second(50).interval();
        while self.next_sample < rate.index_at(until) {
            let missing = (rate.index_at(until) - self.next_sample).min(rate.count_in(block));
            let silence = AudioBlock::silence(missing as usize, channels, rate);
            cx.emit(AUDIO_OUT, Packet::lasting(rate.time_of(self.next_sample), silence.duration(), silence));
            self.next_sample += missing;
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::frame::{PixelFormat, Size};
    use crate::testing::NodeTest;
    use crate::time::Span;

    #[test]
    fn a_film_of_slides_leaves_at_the_rate_of_the_graph() {
        let size = Size::new(320, 180);
        let sparse = VideoCaps { format: PixelFormat::I420, size, rate: Rate::new(1, 6).expect("a rate") };
        let slide = Packet::lasting(Time::ZERO, Span::from_seconds(6), Pool::new().black(PixelFormat::I420, size).freeze());
        let test = NodeTest::new(&PLAYOUT, "{}").input_with(VIDEO, Caps::Video(sparse), vec![slide], Time::ZERO + Span::from_seconds(6));
        let out = test.run().expect("runs");
        assert_eq!(out.packets(VIDEO_OUT).len(), 180);
        let fps = Rate::per_second(30);
        assert_eq!(out.caps[0], Some(Caps::Video(VideoCaps { rate: fps, ..sparse })));
    }
}
