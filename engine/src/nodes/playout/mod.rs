//! `playout` [video, audio, cues -> the same]: turns what was made into what goes out.
//!
//! Offline it merges its inputs, repeats the held picture at every tick of the video rate, closes gaps in the sound with silence, and
//! carries every track on to the same end. Whatever comes behind it, encoders and files, takes its length from here. Where pictures may be
//! left out (in the segments of a render) it repeats the held picture only so often that none lasts too long. Live it goes by the clock,
//! see [`live`].

mod live;
mod sound;

use crate::cue::Cue;
use crate::frame::VideoFrame;
use crate::media::{AudioBlock, AudioCaps, Caps, VideoCaps};
use crate::node::{Cx, Failure, Flow, In, Node, Out, Result, Start};
use crate::packet::Packet;
use crate::pool::Pool;
use crate::registry::{ConfigType, Defaults, Lane, NodeConfig, NodeType, Starts, Sync};
use crate::time::{Rate, Span, Time};
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
    revision: 2,
    summary: "The programme as it goes out: one picture at every tick, sound without gaps, all tracks of one length",
    inputs: &[VIDEO.port("pictures, perhaps sparse").optional(), AUDIO.port("sound").optional(), CUES.port("events").optional()],
    outputs: &[VIDEO_OUT.port("a picture at every tick"), AUDIO_OUT.port("sound without gaps"), CUES_OUT.port("the events, unchanged")],
    sync: Sync::Merge,
    lane: Lane::Own,
    starts: Starts::Anywhere,
    time_limit: NodeType::TIME_LIMIT,
    command: None,
    config: ConfigType::of::<PlayoutConfig>("{ constant_frame_rate: true }"),
};

/// Settings of `playout`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlayoutConfig {
    /// A picture at every tick in any case. Otherwise a render in segments encodes a picture that does not change once every 5 seconds,
    /// with the exact times all the same: much quicker, and the file is smaller. For programs that cannot read films of varying rate.
    #[serde(default)]
    constant_frame_rate: bool,
}

impl NodeConfig for PlayoutConfig {
    fn build(self, _: &Defaults) -> Result<Box<dyn Node>> {
        Ok(Box::new(Playout {
            constant: self.constant_frame_rate,
            longest: None,
            sent: None,
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
    /// A picture at every tick in any case.
    constant: bool,
    /// How long a picture lasts at most; nothing = one leaves at every tick.
    longest: Option<Span>,
    /// The picture that left last, by its identity and number, and when.
    sent: Option<(u64, u64, Time)>,
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
        self.longest = start.sparse().filter(|_| !self.constant);
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
        self.advance(cx.lasts(), cx);
        let reached = if self.held.is_some() { cx.rate().time_of(self.next_tick - self.first_tick) } else { cx.lasts() };
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
            cx.saw_skew(if skew.0.abs() < audio.rate.interval().0 { Span::ZERO } else { skew });
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
                match self.longest {
                    None => cx.emit(VIDEO_OUT, Packet::lasting(tick, rate.interval(), frame.clone())),
                    Some(longest) if self.is_due(&frame, tick + rate.interval(), longest) => {
                        cx.emit(VIDEO_OUT, Packet::new(tick, frame.clone()));
                        self.sent = Some((frame.picture.id(), frame.seq, tick));
                    }
                    Some(_) => {}
                }
                self.next_tick += 1;
                self.frames += 1;
                self.fill_sound(until.min(tick), cx);
            }
        }
        self.fill_sound(until, cx);
    }

    /// It shows something else than what left last, or that would last longer than `longest` if it lasted until `next`.
    fn is_due(&self, frame: &VideoFrame, next: Time, longest: Span) -> bool {
        let Some((id, seq, since)) = self.sent else { return true };
        let is_same = frame.picture.id() == id || frame.damage.is_some_and(|(base, changed)| base == seq && changed.is_empty());
        !is_same || next - since > longest
    }

    /// Silence for every missing sample that begins before `until`.
    fn fill_sound(&mut self, until: Time, cx: &mut Cx<'_>) {
        let Some(AudioCaps { rate, channels }) = self.sound else { return };
        let (block, until) = (Rate::per_second(50).interval(), rate.index_from(until));
        while self.next_sample < until {
            let missing = (until - self.next_sample).min(rate.count_in(block));
            let silence = AudioBlock::silence(missing as usize, channels, rate);
            cx.emit(AUDIO_OUT, Packet::lasting(rate.time_of(self.next_sample), silence.duration(), silence));
            self.next_sample += missing;
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::frame::{PixelFormat, Rect, Size};
    use crate::testing::NodeTest;

    const FPS: Rate = Rate::per_second(30);

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

    /// Pictures of 12.4 s: one, a second one from tick 10 on, stated again at tick 20, one from tick 30 that says it differs nowhere from
    /// it, and a last one from tick 200 on.
    fn still(settings: &str) -> NodeTest {
        let size = Size::new(320, 180);
        let pool = Pool::new();
        let shown = |tick: i64, frame: &VideoFrame| Packet::new(Rate::per_second(30).time_of(tick), frame.clone());
        let [first, second, last] = [1, 2, 4].map(|seq| VideoFrame { seq, ..pool.black(PixelFormat::I420, size).freeze() });
        let same = VideoFrame { seq: 3, damage: Some((2, Rect::default())), ..pool.black(PixelFormat::I420, size).freeze() };
        let pictures = vec![shown(0, &first), shown(10, &second), shown(20, &second), shown(30, &same), shown(200, &last)];
        let block = AudioBlock::mono(vec![0.5; 960], Rate::per_second(48_000));
        let end = Time::ZERO + Span::from_millis(12_400);
        NodeTest::new(&PLAYOUT, settings).input(VIDEO, pictures, end).input(
            AUDIO,
            vec![Packet::lasting(Time::ZERO + Span::SECOND, block.duration(), block)],
            end,
        )
    }

    #[test]
    fn where_pictures_may_be_left_out_one_leaves_when_something_changes_or_after_five_seconds() {
        let ticks = |test: NodeTest| {
            let out = test.run().expect("runs");
            let sound: Vec<f32> = out.packets(AUDIO_OUT).iter().flat_map(|block| block.media.samples().to_vec()).collect();
            let video = out.packets(VIDEO_OUT);
            assert_eq!((out.end(VIDEO_OUT), out.end(AUDIO_OUT)), (Some(Time::ZERO + Span::from_millis(12_400)), out.end(VIDEO_OUT)));
            assert_eq!(out.caps[0], Some(Caps::Video(VideoCaps { format: PixelFormat::I420, size: Size::new(320, 180), rate: FPS })));
            (video.iter().map(|picture| (FPS.index_at(picture.pts), picture.media.seq)).collect::<Vec<_>>(), sound)
        };
        let all = ticks(still("{}"));
        assert_eq!((all.0.len(), all.1.len()), (372, 595_200));
        let sparse = ticks(still("{}").sparse());
        assert_eq!(sparse.0, [(0, 1), (10, 2), (160, 3), (200, 4), (350, 4)]);
        assert!(sparse.1 == all.1, "the sound is the same");
        assert!(ticks(still("{ constant_frame_rate: true }").sparse()) == all);
    }
}
