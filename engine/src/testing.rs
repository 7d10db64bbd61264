//! Running one node alone, in a few lines: packets in, packets out, no threads.
//!
//! ```
//! use engine::{media::AudioBlock, node::Out, nodes::ENGINE_NODES, testing::NodeTest};
//! let tone = ENGINE_NODES.iter().find(|node_type| node_type.name == "test_tone").unwrap();
//! let out = NodeTest::new(tone, "{ duration: 40ms }").run().unwrap();
//! assert_eq!(out.packets(Out::<AudioBlock>::new("audio")).len(), 2);
//! ```

pub mod compliance;
mod encoder;
mod feed;

pub use encoder::TEST_ENCODER;
pub use feed::{BRAKE, Door, FEED};

/// Node types for tests of whole graphs.
pub const TEST_NODES: &[&NodeType] = &[&FEED, &BRAKE, &TEST_ENCODER];

use crate::frame::{PixelFormat, Size};
use crate::graph::parse::parse;
use crate::media::{AudioCaps, Caps, Kind, Payload, VideoCaps};
use crate::node::{Failure, In, Out, Result, Start};
use crate::packet::Packet;
use crate::registry::{Defaults, NodeType};
use crate::run::{
    self, Activity, Cancel, Edge, EdgeStats, Env, Inbox, InboxEnv, Inputs, LaneState, Limit, NodeStats, Phase, Position, Slot, Stage,
    Stopped, Stopwatch, Wanted, Warning,
};
use crate::time::{Rate, Span, Time};
use std::sync::{Arc, Mutex};

/// One node with its inputs, ready to run on the calling thread.
pub struct NodeTest {
    node_type: &'static NodeType,
    config: String,
    defaults: Defaults,
    inputs: Vec<Connection>,
    sparse: bool,
    ends: Option<Time>,
}

struct Connection {
    port: usize,
    caps: Caps,
    packets: Vec<Packet>,
    end: Time,
}

/// What a node emitted.
pub struct Outputs {
    node_type: &'static NodeType,
    ports: Vec<Slot>,
    /// What it warned of.
    pub warnings: Vec<Warning>,
    /// The latency it declared.
    pub latency: Span,
    /// The caps of its outputs; `None` where it left them to the defaults.
    pub caps: Vec<Option<Caps>>,
}

impl NodeTest {
    /// The node with a `config:` block in YAML. Defaults: 320x180, 30 fps, 48 kHz.
    pub fn new(node_type: &'static NodeType, config: &str) -> NodeTest {
        let defaults = Defaults { size: Size::new(320, 180), fps: Rate::per_second(30), sample_rate: Rate::per_second(48_000) };
        NodeTest { node_type, config: config.to_string(), defaults, inputs: Vec::new(), sparse: false, ends: None }
    }

    /// In a run that may leave out pictures that show what the one before shows.
    pub fn sparse(mut self) -> NodeTest {
        self.sparse = true;
        self
    }

    /// In a run that makes all sound of a render whose programme ends here.
    pub fn ends_at(mut self, end: Time) -> NodeTest {
        self.ends = Some(end);
        self
    }

    /// Other defaults.
    pub fn defaults(mut self, defaults: Defaults) -> NodeTest {
        self.defaults = defaults;
        self
    }

    /// Connects a port to a stream of these packets that ends at `end`. Caps follow from the first packet; a stream of encoded units
    /// needs `input_with`.
    ///
    /// # Panics
    /// When the port does not exist.
    pub fn input<T: Payload>(self, port: In<T>, packets: Vec<Packet<T>>, end: Time) -> NodeTest {
        let defaults = self.defaults;
        let packets: Vec<Packet> = packets.into_iter().map(|packet| packet.map(Into::into)).collect();
        let caps = match (T::KIND, packets.first().map(|packet| &packet.media)) {
            (_, Some(crate::media::Media::Video(frame))) => {
                Caps::Video(VideoCaps { format: frame.format(), size: frame.size(), rate: defaults.fps })
            }
            (_, Some(crate::media::Media::Audio(block))) => Caps::Audio(AudioCaps { rate: block.rate(), channels: block.channels() }),
            (Kind::Video, _) => Caps::Video(VideoCaps { format: PixelFormat::I420, size: defaults.size, rate: defaults.fps }),
            (Kind::Audio, _) => Caps::Audio(AudioCaps { rate: defaults.sample_rate, channels: 1 }),
            (Kind::Cues | Kind::Encoded, _) => Caps::Cues,
        };
        self.connect(port.name, caps, packets, end)
    }

    /// The same with caps of your own.
    ///
    /// # Panics
    /// When the port does not exist.
    pub fn input_with<T: Payload>(self, port: In<T>, caps: Caps, packets: Vec<Packet<T>>, end: Time) -> NodeTest {
        let packets = packets.into_iter().map(|packet| packet.map(Into::into)).collect();
        self.connect(port.name, caps, packets, end)
    }

    fn connect(mut self, port: &str, caps: Caps, packets: Vec<Packet>, end: Time) -> NodeTest {
        let port = self.node_type.input_index(port).expect("the node type has this input");
        self.inputs.push(Connection { port, caps, packets, end });
        self
    }

    /// Builds, starts, calls and finishes the node.
    ///
    /// # Errors
    /// What the node's configuration or any of its calls said.
    pub fn run(mut self) -> Result<Outputs> {
        let node_type = self.node_type;
        let value = parse(&self.config, &Arc::from("config"))?;
        let config = (node_type.config.parse)(&value, "config")?;
        config.validate(&self.defaults).map_err(Failure::msg)?;
        let warnings = Arc::<Mutex<Vec<Warning>>>::default();
        let demands = node_type.outputs.iter().map(|_| Arc::default()).collect();
        let env = Env {
            node: node_type.name.into(),
            warnings: warnings.clone(),
            demands,
            sparse: self.sparse,
            end: self.ends,
            ..Env::new(Cancel::default())
        };
        let mut node = config.build(&self.defaults)?;
        self.inputs.sort_by_key(|input| input.port);
        let caps = self.inputs.iter().map(|input| (input.port, input.caps.clone())).collect();
        let outputs = vec![None; node_type.outputs.len()];
        let mut start = Start { node_type, inputs: caps, outputs, latency: Span::ZERO, defaults: self.defaults, env: &env };
        node.start(&mut start)?;
        let (latency, caps) = (start.latency, start.outputs);

        let everything = Limit { items: usize::MAX, time: Span(i64::MAX), bytes: usize::MAX };
        let output = run::Connection::blocking(everything, Arc::<EdgeStats>::default());
        let activity = Activity::new(Arc::default());
        let inbox_env = InboxEnv { cancel: env.cancel.clone(), activity, epochs: None, clock: None };
        let collector = Inbox::new(&vec![output; node_type.outputs.len()], inbox_env.clone());
        let slot = |input: Connection| {
            let port = &node_type.inputs[input.port];
            let mut slot = Slot::new(input.port, port.kind, port.required);
            slot.queue = input.packets.into();
            (slot.bound, slot.end) = (Time::MAX, Some(input.end));
            slot
        };
        let is_source = self.inputs.is_empty();
        let inputs = Inputs::new(self.inputs.into_iter().map(slot).collect(), node_type.sync, self.defaults.fps);
        let stats = Arc::<NodeStats>::default();
        let position = Position { node: 0, phase: Phase::Process, pts: Time::ZERO };
        let mut lane = LaneState::new(position, Stopwatch::start(), stats.clone(), None);
        let feed = (!is_source).then(|| Inbox::new(&[], inbox_env));
        let mut stage = Stage::new(0, node, node_type, inputs, latency, env, stats);
        for slot in 0..node_type.outputs.len() {
            stage.connect(slot, Edge::Inbox { inbox: collector.clone(), slot, closed: false });
        }
        match stage.run(feed.as_deref(), &mut lane) {
            Ok(()) => {}
            Err(Stopped::Cancelled) => return Err(Failure::Cancelled),
            Err(Stopped::Failed(failure)) => return Err(failure),
        }
        let mut ports: Vec<Slot> = node_type.outputs.iter().enumerate().map(|(i, port)| Slot::new(i, port.kind, false)).collect();
        if !ports.is_empty() {
            collector.refill(&mut ports, Wanted::Any, |_| {});
        }
        let warnings = std::mem::take(&mut *warnings.lock().expect("nobody panics with this lock"));
        Ok(Outputs { node_type, ports, warnings, latency, caps })
    }
}

impl Outputs {
    /// All packets of an output.
    ///
    /// # Panics
    /// When the port does not exist or carries something else.
    pub fn packets<T: Payload>(&self, port: Out<T>) -> Vec<Packet<T>> {
        let slot = &self.ports[self.node_type.output_index(port.name).expect("the node type has this output")];
        slot.queue.iter().cloned().map(|packet| packet.typed().expect("a port carries one kind")).collect()
    }

    /// Where an output ended.
    ///
    /// # Panics
    /// When the port does not exist.
    pub fn end<T: Payload>(&self, port: Out<T>) -> Option<Time> {
        self.ports[self.node_type.output_index(port.name).expect("the node type has this output")].end
    }
}
