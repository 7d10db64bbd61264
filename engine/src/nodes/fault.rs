//! `fault` [video -> video]: goes wrong in a chosen way at a chosen moment. Tests use it to show that any failure has one clear cause and
//! leaves nothing behind.

use crate::frame::VideoFrame;
use crate::media::Caps;
use crate::node::{Cx, Failure, Flow, In, Node, Out, Result, Start};
use crate::packet::Packet;
use crate::registry::{ConfigType, Defaults, Lane, NodeConfig, NodeType, Starts, Sync};
use crate::run::Cancel;
use crate::time::{Span, Time};
use schemars::JsonSchema;
use serde::Deserialize;

const VIDEO: In<VideoFrame> = In::new("video");
const VIDEO_OUT: Out<VideoFrame> = Out::new("video");

/// The node's entry in the registry.
pub const FAULT: NodeType = NodeType {
    name: "fault",
    family: "engine",
    revision: 1,
    summary: "Fails in a chosen way at a chosen moment (for tests)",
    inputs: &[VIDEO.port("pictures")],
    outputs: &[VIDEO_OUT.port("the same pictures, until it fails")],
    sync: Sync::Each,
    lane: Lane::Shared,
    // Short, so that tests of a node that hangs are short, too.
    starts: Starts::Anywhere,
    time_limit: Span::SECOND,
    command: None,
    config: ConfigType::of::<FaultConfig>("{ phase: process, after: 1000000, kind: error }"),
};

/// Settings of `fault`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FaultConfig {
    /// Where it fails.
    phase: FaultPhase,
    /// How it fails.
    kind: FaultKind,
    /// In `process`: after this many packets.
    #[serde(default)]
    after: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum FaultPhase {
    Start,
    Process,
    Finish,
    Flush,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum FaultKind {
    /// Returns an error.
    Error,
    /// Panics.
    Panic,
    /// Says that it is done although input is left.
    EarlyDone,
    /// Emits a packet that lies before an earlier one.
    BadPts,
    /// Does not return until the run is cancelled.
    Hang,
}

impl NodeConfig for FaultConfig {
    fn validate(&self, _: &Defaults) -> std::result::Result<(), String> {
        let possible = matches!(
            (self.phase, self.kind),
            (FaultPhase::Process, _)
                | (_, FaultKind::Panic | FaultKind::Hang)
                | (FaultPhase::Start | FaultPhase::Finish, FaultKind::Error)
                | (FaultPhase::Finish, FaultKind::BadPts)
        );
        if possible { Ok(()) } else { Err("this kind of failure cannot happen in this phase; `process` can fail in every way".into()) }
    }

    fn build(self, _: &Defaults) -> Result<Box<dyn Node>> {
        Ok(Box::new(Fault { config: self, cancel: Cancel::default(), seen: 0, last: None }))
    }
}

struct Fault {
    config: FaultConfig,
    cancel: Cancel,
    seen: u64,
    last: Option<Packet<VideoFrame>>,
}

impl Fault {
    /// Fails when it is time to; `Some` is what `process` returns then.
    fn strike(&mut self, phase: FaultPhase, cx: Option<&mut Cx<'_>>) -> Result<Option<Flow>> {
        if phase != self.config.phase || (phase == FaultPhase::Process && self.seen <= self.config.after) {
            return Ok(None);
        }
        match self.config.kind {
            FaultKind::Error => Err(Failure::msg("this is the error that was asked for")),
            FaultKind::Panic => panic!("this is the panic that was asked for"),
            FaultKind::EarlyDone => Ok(Some(Flow::Done)),
            FaultKind::BadPts => {
                if let (Some(cx), Some(last)) = (cx, self.last.clone()) {
                    cx.emit(VIDEO_OUT, Packet { pts: Time(-1), ..last });
                }
                Ok(None)
            }
            FaultKind::Hang => {
                // Closed when the run is cancelled, so this is an error.
                let _ = self.cancel.channel().recv();
                Err(Failure::Cancelled)
            }
        }
    }
}

impl Node for Fault {
    fn start(&mut self, start: &mut Start<'_>) -> Result {
        if let Some(video) = start.video(VIDEO) {
            start.set_caps(VIDEO_OUT, Caps::Video(video));
        }
        self.cancel = start.cancel();
        self.strike(FaultPhase::Start, None).map(drop)
    }

    fn process(&mut self, cx: &mut Cx<'_>) -> Result<Flow> {
        self.seen += 1;
        let Some(packet) = cx.take(VIDEO) else { return Ok(Flow::More) };
        cx.emit(VIDEO_OUT, packet.clone());
        self.last = Some(packet);
        Ok(self.strike(FaultPhase::Process, Some(cx))?.unwrap_or(Flow::More))
    }

    fn finish(&mut self, cx: &mut Cx<'_>) -> Result {
        self.strike(FaultPhase::Finish, Some(cx)).map(drop)
    }

    fn flush(&mut self, _: Time) {
        // Only panics and hangs are possible here, see `validate`.
        let _ = self.strike(FaultPhase::Flush, None);
    }
}
