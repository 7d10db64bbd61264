//! Test nodes: a join, a sink that fails, a node that waits for a worker, a source that takes commands.

use engine::frame::VideoFrame;
use engine::media::{AudioBlock, Caps};
use engine::node::{Cx, Failure, Flow, In, Node, Out, Result, Start};
use engine::packet::Packet;
use engine::registry::{CommandType, ConfigType, Defaults, Lane, NodeConfig, NodeType, Starts, Sync};
use engine::run::{Bridge, Cancel, Command};
use engine::time::{Rate, Span, Time};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::HashMap;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{LazyLock, Mutex};

/// All of them.
pub const NODES: &[&NodeType] = &[&MIX, &TRIP, &ERRAND, &LISTENER];

const VIDEO: In<VideoFrame> = In::new("video");
const MORE: In<VideoFrame> = In::new("more");
const AUDIO: In<AudioBlock> = In::new("audio");
const VIDEO_OUT: Out<VideoFrame> = Out::new("video");
const AUDIO_OUT: Out<AudioBlock> = Out::new("audio");

const BASE: NodeType = NodeType {
    name: "",
    family: "testing",
    revision: 1,
    summary: "A node of a test",
    inputs: &[],
    outputs: &[],
    sync: Sync::Each,
    lane: Lane::Shared,
    starts: Starts::Anywhere,
    time_limit: NodeType::TIME_LIMIT,
    command: None,
    config: ConfigType::of::<MixConfig>("{}"),
};

/// A join of pictures: shows the second while the first is missing, and at odd ticks.
pub const MIX: NodeType = NodeType {
    name: "mix",
    inputs: &[VIDEO.port("pictures"), MORE.port("more pictures").optional(), AUDIO.port("sound").optional()],
    outputs: &[VIDEO_OUT.port("one of them")],
    sync: Sync::Join,
    ..BASE
};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MixConfig {}

impl NodeConfig for MixConfig {
    fn build(self, _: &Defaults) -> Result<Box<dyn Node>> {
        Ok(Box::new(Mix))
    }
}

struct Mix;

impl Node for Mix {
    fn start(&mut self, start: &mut Start<'_>) -> Result {
        if let Some(video) = start.video(VIDEO) {
            start.set_caps(VIDEO_OUT, Caps::Video(video));
        }
        Ok(())
    }

    fn process(&mut self, cx: &mut Cx<'_>) -> Result<Flow> {
        cx.again();
        let tick = cx.tick();
        let first = cx.current(VIDEO).map(|(_, frame)| frame.clone());
        let second = cx.current(MORE).map(|(_, frame)| frame.clone());
        let frame = if tick.index % 2 == 1 { second.or(first) } else { first.or(second) };
        if let Some(frame) = frame {
            cx.emit(VIDEO_OUT, Packet::lasting(tick.time, cx.rate().interval(), frame));
        }
        Ok(Flow::More)
    }
}

/// A sink that fails, ends or hangs after a number of pictures.
pub const TRIP: NodeType = NodeType {
    name: "trip",
    inputs: &[VIDEO.port("pictures")],
    time_limit: Span::SECOND,
    config: ConfigType::of::<TripConfig>("{ after: 3 }"),
    ..BASE
};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TripConfig {
    /// So many pictures go well.
    after: u64,
    /// Then it does this.
    #[serde(default)]
    then: Then,
}

#[derive(Clone, Copy, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Then {
    #[default]
    Fail,
    End,
    /// Until the run is cancelled.
    Hang,
}

impl NodeConfig for TripConfig {
    fn build(self, _: &Defaults) -> Result<Box<dyn Node>> {
        Ok(Box::new(Trip { config: self, seen: 0, cancel: Cancel::default() }))
    }
}

struct Trip {
    config: TripConfig,
    seen: u64,
    cancel: Cancel,
}

impl Node for Trip {
    fn start(&mut self, start: &mut Start<'_>) -> Result {
        self.cancel = start.cancel();
        Ok(())
    }

    fn process(&mut self, _: &mut Cx<'_>) -> Result<Flow> {
        self.seen += 1;
        if self.seen <= self.config.after {
            return Ok(Flow::More);
        }
        match self.config.then {
            Then::Fail => Err(Failure::msg("the wire is cut")),
            Then::End => Ok(Flow::Done),
            Then::Hang => {
                let _ = self.cancel.channel().recv();
                Err(Failure::msg("too late to be heard"))
            }
        }
    }
}

/// Sends sound through a worker that a test holds the other end of.
pub const ERRAND: NodeType = NodeType {
    name: "errand",
    inputs: &[AUDIO.port("sound")],
    outputs: &[AUDIO_OUT.port("the same")],
    lane: Lane::Own,
    config: ConfigType::of::<ErrandConfig>("{ office: a }"),
    ..BASE
};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ErrandConfig {
    /// Which [`Office`].
    office: String,
}

/// The worker's side, as a test holds it: what is asked of it, and where answers go.
pub struct Office {
    pub asked: Receiver<Packet<AudioBlock>>,
    pub answers: Receiver<crossbeam_channel::Sender<Packet<AudioBlock>>>,
    pub cuts: Receiver<Time>,
}

type Desk = (Sender<Packet<AudioBlock>>, Sender<crossbeam_channel::Sender<Packet<AudioBlock>>>, Sender<Time>);

static OFFICES: LazyLock<Mutex<HashMap<String, Desk>>> = LazyLock::new(Mutex::default);

impl Office {
    pub fn open(name: &str) -> Office {
        let ((ask, asked), (answer, answers), (cut, cuts)) = (channel(), channel(), channel());
        OFFICES.lock().unwrap().insert(name.into(), (ask, answer, cut));
        Office { asked, answers, cuts }
    }
}

impl NodeConfig for ErrandConfig {
    fn build(self, _: &Defaults) -> Result<Box<dyn Node>> {
        let desk = OFFICES.lock().unwrap().remove(&self.office).ok_or_else(|| Failure::msg("this office is closed"))?;
        Ok(Box::new(Errand { desk, bridge: None }))
    }
}

struct Errand {
    desk: Desk,
    bridge: Option<Bridge<Packet<AudioBlock>>>,
}

impl Node for Errand {
    fn start(&mut self, start: &mut Start<'_>) -> Result {
        let (answers, bridge) = Bridge::new(4, &start.cancel());
        self.bridge = Some(bridge);
        self.desk.1.send(answers).ok();
        Ok(())
    }

    fn process(&mut self, cx: &mut Cx<'_>) -> Result<Flow> {
        if let (Some(packet), Some(bridge)) = (cx.take(AUDIO), &self.bridge) {
            self.desk.0.send(packet).ok();
            if let Some(answer) = bridge.recv()? {
                cx.emit(AUDIO_OUT, answer);
            }
        }
        Ok(Flow::More)
    }

    fn flush(&mut self, cut: Time) {
        self.desk.2.send(cut).ok();
    }
}

/// Silence without end; says which commands it was given, and when it was.
pub const LISTENER: NodeType = NodeType {
    name: "listener",
    outputs: &[AUDIO_OUT.port("silence")],
    lane: Lane::Own,
    command: Some(CommandType::of::<Word>()),
    config: ConfigType::of::<ListenerConfig>("{}"),
    ..BASE
};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListenerConfig {}

/// What the listener has heard in all runs of this program: words, and how many blocks it had made by then.
pub static HEARD: Mutex<Vec<(String, i64)>> = Mutex::new(Vec::new());

#[derive(Deserialize, JsonSchema)]
pub struct Word {
    /// Anything.
    word: String,
}

impl NodeConfig for ListenerConfig {
    fn build(self, _: &Defaults) -> Result<Box<dyn Node>> {
        Ok(Box::new(Listener { made: 0 }))
    }
}

struct Listener {
    made: i64,
}

impl Node for Listener {
    fn process(&mut self, cx: &mut Cx<'_>) -> Result<Flow> {
        let block = AudioBlock::silence(960, 1, Rate::per_second(48_000));
        cx.emit(AUDIO_OUT, Packet::lasting(Rate::per_second(50).time_of(self.made), block.duration(), block));
        self.made += 1;
        Ok(Flow::More)
    }

    fn command(&mut self, command: Command) -> Result {
        let Some(Word { word }) = command.typed() else { return Err(Failure::msg("no word")) };
        HEARD.lock().unwrap().push((word, self.made));
        Ok(())
    }
}
