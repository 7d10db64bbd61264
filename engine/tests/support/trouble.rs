//! Nodes that go wrong as `fault` does, where `fault` cannot stand: as the source, as a join, behind an encoder, as the sink.

use engine::frame::VideoFrame;
use engine::media::{Caps, EncodedUnit};
use engine::node::{Cx, Failure, Flow, In, Node, Out, Result, Start};
use engine::packet::Packet;
use engine::registry::{ConfigType, Defaults, Lane, NodeConfig, NodeType, Starts, Sync};
use engine::run::Cancel;
use engine::time::{Span, Time};
use schemars::JsonSchema;
use serde::Deserialize;

/// All of them.
pub const NODES: &[&NodeType] = &[&SOURCE, &JOIN, &BEHIND, &SINK];

/// How many pictures the source makes.
const PICTURES: u64 = 50;

const VIDEO: In<VideoFrame> = In::new("video");
const MORE: In<VideoFrame> = In::new("more");
const UNITS: In<EncodedUnit> = In::new("encoded");
const VIDEO_OUT: Out<VideoFrame> = Out::new("video");
const UNITS_OUT: Out<EncodedUnit> = Out::new("encoded");

const BASE: NodeType = NodeType {
    name: "",
    family: "testing",
    revision: 1,
    summary: "Fails in a chosen way at a chosen moment",
    inputs: &[],
    outputs: &[],
    sync: Sync::Each,
    lane: Lane::Shared,
    starts: Starts::Anywhere,
    time_limit: Span::SECOND,
    command: None,
    config: ConfigType::of::<TroubleConfig>("{ phase: process, kind: error }"),
};

const SOURCE: NodeType = NodeType { name: "trouble_source", outputs: &[VIDEO_OUT.port("pictures")], ..BASE };

const JOIN: NodeType = NodeType {
    name: "trouble_join",
    inputs: &[VIDEO.port("pictures"), MORE.port("other pictures")],
    outputs: &[VIDEO_OUT.port("the first ones")],
    sync: Sync::Join,
    ..BASE
};

const BEHIND: NodeType =
    NodeType { name: "trouble_behind", inputs: &[UNITS.port("compressed units")], outputs: &[UNITS_OUT.port("the same")], ..BASE };

const SINK: NodeType = NodeType { name: "trouble_sink", inputs: &[VIDEO.port("pictures")], ..BASE };

#[derive(Clone, Copy, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TroubleConfig {
    /// Where it fails.
    phase: Phase,
    /// How it fails.
    kind: Kind,
    /// In `process`: after so many calls.
    #[serde(default)]
    after: u64,
}

#[derive(Clone, Copy, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Phase {
    Start,
    Process,
    Finish,
    Flush,
}

#[derive(Clone, Copy, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Error,
    Panic,
    EarlyDone,
    BadPts,
    Hang,
}

impl NodeConfig for TroubleConfig {
    fn build(self, _: &Defaults) -> Result<Box<dyn Node>> {
        Ok(Box::new(Trouble { config: self, cancel: Cancel::default(), calls: 0, place: Place::Passing, picture: None, unit: None }))
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Place {
    Source,
    Join,
    /// What comes goes on, if there is an output.
    Passing,
}

struct Trouble {
    config: TroubleConfig,
    cancel: Cancel,
    calls: u64,
    place: Place,
    /// What was emitted last.
    picture: Option<Packet<VideoFrame>>,
    unit: Option<Packet<EncodedUnit>>,
}

impl Trouble {
    /// Fails when it is time to; `true` when it wants no more.
    fn strike(&mut self, phase: Phase, cx: Option<&mut Cx<'_>>) -> Result<bool> {
        if phase != self.config.phase || (phase == Phase::Process && self.calls <= self.config.after) {
            return Ok(false);
        }
        match self.config.kind {
            Kind::Error => Err(Failure::msg("this is the error that was asked for")),
            Kind::Panic => panic!("this is the panic that was asked for"),
            Kind::EarlyDone => Ok(true),
            Kind::BadPts => {
                let Some(cx) = cx else { return Ok(false) };
                cx.emit_all(VIDEO_OUT, self.picture.clone().map(|packet| Packet { pts: Time(-1), ..packet }));
                let early = |unit: EncodedUnit| EncodedUnit { dts: Time(-1), ..unit };
                cx.emit_all(UNITS_OUT, self.unit.clone().map(|packet| Packet { pts: Time(-1), ..packet }.map(early)));
                Ok(false)
            }
            Kind::Hang => {
                // Closed when the run is cancelled, so this is an error.
                let _ = self.cancel.channel().recv();
                Err(Failure::Cancelled)
            }
        }
    }

    fn show(&mut self, packet: Packet<VideoFrame>, cx: &mut Cx<'_>) {
        cx.emit(VIDEO_OUT, packet.clone());
        self.picture = Some(packet);
    }
}

impl Node for Trouble {
    fn start(&mut self, start: &mut Start<'_>) -> Result {
        self.cancel = start.cancel();
        let (video, units) = (start.video(VIDEO), start.encoded_video(UNITS));
        self.place = match (video.is_some() || units.is_some(), start.video(MORE).is_some()) {
            (false, _) => Place::Source,
            (true, true) => Place::Join,
            (true, false) => Place::Passing,
        };
        if let Some(video) = video {
            start.set_caps(VIDEO_OUT, Caps::Video(video));
        }
        if let Some(units) = units {
            start.set_caps(UNITS_OUT, Caps::EncodedVideo(units));
        }
        self.strike(Phase::Start, None).map(drop)
    }

    fn process(&mut self, cx: &mut Cx<'_>) -> Result<Flow> {
        self.calls += 1;
        match self.place {
            Place::Source if self.calls > PICTURES => return Ok(Flow::Done),
            Place::Source => self.show(super::shown(self.calls as i64 - 1, self.calls as u8), cx),
            Place::Join => {
                cx.again();
                let tick = cx.tick();
                let frame = cx.current(VIDEO).map(|(_, frame)| frame.clone());
                if let Some(frame) = frame {
                    self.show(Packet::lasting(tick.time, cx.rate().interval(), frame), cx);
                }
            }
            Place::Passing => {
                if let Some(packet) = cx.take(VIDEO) {
                    self.show(packet, cx);
                }
                if let Some(packet) = cx.take(UNITS) {
                    cx.emit(UNITS_OUT, packet.clone());
                    self.unit = Some(packet);
                }
            }
        }
        Ok(if self.strike(Phase::Process, Some(cx))? { Flow::Done } else { Flow::More })
    }

    fn finish(&mut self, cx: &mut Cx<'_>) -> Result {
        self.strike(Phase::Finish, Some(cx)).map(drop)
    }

    fn flush(&mut self, _: Time) {
        // Only panics and hangs are asked for here.
        let _ = self.strike(Phase::Flush, None);
    }
}
