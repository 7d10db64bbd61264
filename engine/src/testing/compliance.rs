//! What every node type must keep to, checked by running it: its example is valid, it is documented, a source says in time how far its
//! ports are, all outputs end when the inputs have, what it emits is counted, it ends when nobody wants more of it, and after a flush in
//! the middle of a live programme its outputs are in order and without gaps.
//!
//! ```
//! use engine::{nodes::ENGINE_NODES, registry::Registry, testing::compliance::Subject};
//! let registry = Registry::new(&[ENGINE_NODES]);
//! // The example of `hash` names a folder that may not be there.
//! for node_type in registry.types().iter().filter(|node_type| node_type.name != "hash") {
//!     Subject::new(&registry, node_type).check().unwrap();
//! }
//! ```

use super::{BRAKE, Door, FEED, TEST_ENCODER};
use crate::clock::Manual;
use crate::graph::check::{Depth, check};
use crate::graph::document::Clock;
use crate::graph::parse::parse;
use crate::graph::plan::Plan;
use crate::graph::{LoadOptions, load};
use crate::media::Kind;
use crate::node::{Cx, Failure, Flow, OutPort, Start};
use crate::packet::Packet;
use crate::registry::{Defaults, NodeType, Registry};
use crate::run::{Cancel, Env, Inputs, NodeReport, Outbox, Report, Run, RunOptions};
use crate::time::{Span, Time};
use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// How far apart the ports of a source may be.
const APART: Span = Span::SECOND;
/// How much of an endless source is looked at.
const ENOUGH: Time = Time(10 * Span::SECOND.0);
/// How much of a source goes through the node that is flushed.
const PROGRAMME: &str = "3s";

/// A node type with what it needs to be run.
pub struct Subject<'a> {
    registry: &'a Registry,
    node_type: &'static NodeType,
    config: String,
    extra: String,
    feeds: Vec<(String, String)>,
    size: String,
    /// Outputs that carry something only now and then.
    sparse: Vec<String>,
}

impl<'a> Subject<'a> {
    /// With its example as configuration, fed with test pictures, a tone and markers. `registry` has the types that `feed` names.
    pub fn new(registry: &'a Registry, node_type: &'static NodeType) -> Subject<'a> {
        let config = node_type.config.example.to_string();
        Subject { registry, node_type, config, extra: String::new(), feeds: Vec::new(), size: "64x36".into(), sparse: Vec::new() }
    }

    /// Another `config:` block in YAML, on one line: what the example names may not be there.
    pub fn config(mut self, config: impl Into<String>) -> Self {
        self.config = config.into();
        self
    }

    /// Feeds an input from `from` (`node.port`) instead of a test source; `node` is that node's line of the graph, empty when it was
    /// given before.
    pub fn feed(mut self, port: &str, from: &str, node: &str) -> Self {
        self.feeds.push((port.into(), from.into()));
        if node.is_empty() { self } else { self.with(node) }
    }

    /// Another node's line of the graph, for those of `feed`.
    pub fn with(mut self, node: &str) -> Self {
        writeln!(self.extra, "  {node}").expect("writing to a string");
        self
    }

    /// An output may carry nothing for a while, or at all.
    pub fn sparse(mut self, port: &str) -> Self {
        self.sparse.push(port.into());
        self
    }

    /// Another picture size than 64x36.
    pub fn size(mut self, size: &str) -> Self {
        self.size = size.into();
        self
    }

    /// All of it.
    ///
    /// # Errors
    /// The first thing that is not as it should be, in words.
    pub fn check(&self) -> Result<(), String> {
        let found = self.is_documented().and_then(|()| self.builds()).and_then(|()| self.source_bounds());
        let found = found.and_then(|()| self.ends()).and_then(|()| self.ends_early()).and_then(|()| self.flushes());
        found.map_err(|text| format!("{}: {text}", self.node_type.name))
    }

    /// Name, summaries and the description of every setting.
    ///
    /// # Errors
    /// What is missing.
    pub fn is_documented(&self) -> Result<(), String> {
        let NodeType { name, summary, revision, inputs, outputs, config, .. } = self.node_type;
        let ensure = |holds: bool, text: &str| if holds { Ok(()) } else { Err(text.to_string()) };
        ensure(name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'), "its name is not in lower case")?;
        ensure(!summary.is_empty() && !summary.ends_with('.'), "its summary is one line without a full stop")?;
        ensure(*revision > 0, "its revision begins at 1")?;
        ensure(!inputs.is_empty() || !outputs.is_empty(), "it has no ports")?;
        let mut ports = inputs.iter().map(|port| port.summary).chain(outputs.iter().map(|port| port.summary));
        ensure(ports.all(|summary| !summary.is_empty()), "a port has no summary")?;
        let mut generator = schemars::SchemaGenerator::default();
        (config.schema)(&mut generator);
        let definitions = serde_json::to_value(generator.definitions()).map_err(|error| error.to_string())?;
        for (definition, schema) in definitions.as_object().into_iter().flatten() {
            for (key, property) in schema["properties"].as_object().into_iter().flatten() {
                ensure(property.get("description").is_some(), &format!("{definition}.{key} is not documented"))?;
            }
        }
        Ok(())
    }

    /// Example and configuration are read, valid and built.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn builds(&self) -> Result<(), String> {
        for text in [self.node_type.config.example, &self.config] {
            self.build(text)?;
        }
        Ok(())
    }

    fn build(&self, text: &str) -> Result<Box<dyn crate::node::Node>, String> {
        let defaults = self.defaults();
        let value = parse(text, &Arc::from("config")).map_err(|error| error.to_string())?;
        let config = (self.node_type.config.parse)(&value, "config").map_err(|error| error.to_string())?;
        config.validate(&defaults)?;
        config.build(&defaults).map_err(|error| error.to_string())
    }

    fn defaults(&self) -> Defaults {
        let (width, height) = self.size.split_once('x').and_then(|(w, h)| Some((w.parse().ok()?, h.parse().ok()?))).unwrap_or((64, 36));
        let rate = crate::time::Rate::per_second;
        Defaults { size: crate::frame::Size::new(width, height), fps: rate(25), sample_rate: rate(48_000) }
    }

    /// The ports of a source never lie more than a second apart, and all are settled up to the end before it ends.
    ///
    /// # Errors
    /// When and by how much.
    pub fn source_bounds(&self) -> Result<(), String> {
        let node_type = self.node_type;
        let is_source = node_type.inputs.iter().all(|port| !port.required) && !node_type.outputs.is_empty();
        if !is_source || node_type.name == "playout" || node_type.name == FEED.name || !node_type.inputs.is_empty() {
            return Ok(());
        }
        let failed = |failure: Failure| failure.to_string();
        let mut node = self.build(&self.config)?;
        let demands = node_type.outputs.iter().map(|_| Arc::default()).collect();
        let env = Env { node: node_type.name.into(), demands, ..Env::new(Cancel::default()) };
        let (inputs, outputs) = (Vec::new(), vec![None; node_type.outputs.len()]);
        let mut start = Start { node_type, inputs, outputs, latency: Span::ZERO, defaults: self.defaults(), env: &env };
        node.start(&mut start).map_err(failed)?;
        let edges: Vec<Vec<_>> = node_type.outputs.iter().map(|_| Vec::new()).collect();
        let (mut inputs, mut outbox) = (Inputs::new(Vec::new(), node_type.sync, self.defaults().fps), Outbox::new(edges.len()));
        outbox.ports.iter_mut().for_each(|port| port.connected = true);
        loop {
            let mut cx = Cx { node_type, inputs: &mut inputs, outbox: &mut outbox, outputs: &edges, env: &env };
            let flow = node.process(&mut cx).map_err(failed)?;
            let (least, end) = (outbox.least_settled().max(Time::ZERO), outbox.end());
            if end - least > APART {
                return Err(format!("one output is settled at {end}, another only at {least}"));
            }
            if let Some((port, order, settled)) = outbox.breach {
                return Err(format!("output {port} carried {order} though it was settled up to {settled}"));
            }
            match flow {
                Flow::Done if least != end => return Err(format!("it ended at {end}, an output is settled only at {least}")),
                Flow::Done => return Ok(()),
                Flow::More if least >= ENOUGH => return Ok(()),
                Flow::More => {}
            }
        }
    }

    /// A live programme through the node, flushed twice in the middle: what its outputs carried in the end is in order and whole.
    /// Nodes that take or make compressed units stand behind `playout` and are never flushed.
    ///
    /// # Errors
    /// What happened instead.
    pub fn flushes(&self) -> Result<(), String> {
        let node_type = self.node_type;
        if !self.can_stand_before_playout() {
            return Ok(());
        }
        let outputs: Vec<&OutPort> = node_type.outputs.iter().collect();
        let (plan, doors) = self.plan(Clock::Live, &outputs)?;
        let clock = Manual::default();
        let options = RunOptions { clock: Some(Arc::new(clock.clone())), ..RunOptions::default() };
        let run = Run::launch_with(plan, options).map_err(|error| error.to_string())?;
        let handle = run.handle();
        handle.idle();
        let mut now = Time::ZERO;
        let mut cuts = Vec::new();
        // Once at a tick and once between two, with something in every queue.
        for (play, flush) in [(1000, true), (170, true), (4000, false)] {
            let until = now + Span::from_millis(play);
            while now < until {
                now += Span::from_millis(10);
                clock.crank(now);
                handle.idle();
            }
            if flush {
                cuts.push(handle.flush().map_err(|error| error.to_string())?);
                handle.idle();
            }
        }
        handle.stop();
        while handle.report().nodes.iter().any(|node| node.node == "playout" && node.state != "has ended") {
            now += Span::from_millis(10);
            clock.crank(now);
            handle.idle();
        }
        let report = run.wait().map_err(|error| error.to_string())?;
        if !node_type.inputs.is_empty() && of_subject(&report).packets_in == 0 {
            return Err("no packet was counted that it took".into());
        }
        node_type.outputs.iter().zip(&doors).try_for_each(|(port, door)| is_whole(port, &door.taken(), &cuts, self.is_sparse(port)))
    }

    /// Offline, when its inputs have ended, it ends and with it all its outputs at the same time, and every packet that it took and that came
    /// out of it was counted.
    ///
    /// # Errors
    /// What happened instead.
    pub fn ends(&self) -> Result<(), String> {
        let NodeType { name, inputs, outputs, .. } = self.node_type;
        // A source has no inputs that end, and may go on for ever.
        if *name == "playout" || inputs.is_empty() {
            return Ok(());
        }
        let (plan, doors) = self.plan(Clock::Offline, &outputs.iter().collect::<Vec<_>>())?;
        let report = Run::launch(plan).and_then(Run::wait).map_err(|error| error.to_string())?;
        let ends: Vec<Option<Time>> = doors.iter().map(Door::ended).collect();
        if ends.iter().any(|end| end.is_none_or(|end| end == Time::ZERO || Some(end) != ends[0])) {
            return Err(format!("its outputs ended at {ends:?}"));
        }
        let (counted, came) = (of_subject(&report), doors.iter().map(|door| door.taken().len() as u64).sum::<u64>());
        if counted.packets_out != came || counted.packets_in == 0 {
            return Err(format!(
                "{} packets were counted that it took, {} that it emitted; {came} came",
                counted.packets_in, counted.packets_out
            ));
        }
        Ok(())
    }

    /// When all that take its outputs have had enough, it ends in order, and the run with it.
    ///
    /// # Errors
    /// What happened instead.
    pub fn ends_early(&self) -> Result<(), String> {
        const ENOUGH: usize = 2;
        // Whoever waits for what comes seldom or never would not end.
        let outputs: Vec<&OutPort> = self.node_type.outputs.iter().filter(|port| !self.is_sparse(port)).collect();
        if self.node_type.name == "playout" || outputs.is_empty() {
            return Ok(());
        }
        let (plan, doors) = self.plan(Clock::Offline, &outputs)?;
        doors.iter().for_each(|door| door.end_after(ENOUGH));
        Run::launch(plan).and_then(Run::wait).map_err(|error| format!("when nobody wants more of it: {error}"))?;
        match doors.iter().map(|door| door.taken().len()).find(|taken| *taken > ENOUGH) {
            Some(taken) => Err(format!("{taken} packets came where {ENOUGH} were enough")),
            None => Ok(()),
        }
    }

    fn is_sparse(&self, port: &OutPort) -> bool {
        self.sparse.iter().any(|name| name == port.name)
    }

    /// It works on what `playout` takes: encoders and what they make stand behind it.
    fn can_stand_before_playout(&self) -> bool {
        let NodeType { name, inputs, outputs, .. } = self.node_type;
        let mut kinds = inputs.iter().map(|port| port.kind).chain(outputs.iter().map(|port| port.kind));
        *name != "playout" && (outputs.is_empty() || kinds.all(|kind| kind != Kind::Encoded))
    }

    /// The graph in which it is run, and the doors behind these of its outputs.
    fn plan(&self, clock: Clock, outputs: &[&OutPort]) -> Result<(Plan, Vec<Door>), String> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let doors: Vec<Door> = outputs.iter().map(|port| Door::open(&format!("compliance {number} {}", port.name))).collect();
        let text = self.graph(number, clock, outputs);
        let mut types: Vec<&'static NodeType> = self.registry.types().to_vec();
        for own in crate::nodes::ENGINE_NODES.iter().copied().chain([&FEED, &BRAKE, &TEST_ENCODER]) {
            if !types.iter().any(|node_type| node_type.name == own.name) {
                types.push(own);
            }
        }
        let document = load(&text, "compliance.yaml", &LoadOptions::default()).map_err(|problems| problems.to_string())?;
        let plan = check(&document, &Registry::new(&[&types]), Depth::Pure).map_err(|problems| format!("{problems}\nin\n{text}"))?;
        Ok((plan, doors))
    }

    /// Test sources, the node, and a sink at each of these outputs; live the sinks look on, and `playout` takes the programme.
    fn graph(&self, number: u64, clock: Clock, outputs: &[&OutPort]) -> String {
        let node_type = self.node_type;
        let (time, tap) = match clock {
            Clock::Live => ("clock: live\nlatency: 200ms", ", tap: true, queue: { policy: block }"),
            Clock::Offline => ("clock: offline", ""),
        };
        let mut text = format!(
            "version: 1\ngraph: compliance\n{time}\ndefaults: {{ video: {{ size: {}, fps: 25 }} }}\nnodes:\n{}",
            self.size, self.extra
        );
        let behind = !self.can_stand_before_playout();
        let source = |kind| match kind {
            Kind::Video if behind => "playout.video",
            Kind::Audio if behind => "playout.audio",
            Kind::Video => "test_pictures.video",
            Kind::Audio => "test_sound.audio",
            Kind::Cues => "test_pictures.cues",
            Kind::Encoded => "test_units.encoded",
        };
        let inputs: Vec<String> = node_type
            .inputs
            .iter()
            .filter(|port| port.kind != Kind::Encoded || self.feeds.iter().any(|(name, _)| name == port.name))
            .map(|port| {
                let from = self.feeds.iter().find(|(name, _)| name == port.name).map_or(source(port.kind), |(_, from)| from);
                format!("{}: {}", port.name, if port.many { format!("[{from}]") } else { from.to_string() })
            })
            .collect();
        let _ = writeln!(text, "  test_pictures: {{ type: test_video, config: {{ duration: {PROGRAMME}, flash: true }} }}");
        let _ = writeln!(text, "  test_sound: {{ type: test_tone, config: {{ duration: {PROGRAMME} }} }}");
        let _ = writeln!(text, "  subject: {{ type: {}, inputs: {{ {} }}, config: {} }}", node_type.name, inputs.join(", "), self.config);
        let takes = |kind| node_type.inputs.iter().any(|port| port.kind == kind);
        match clock {
            Clock::Live => self.write_programme(&mut text),
            Clock::Offline if behind => {
                let ports = [(Kind::Video, "video: test_pictures.video"), (Kind::Audio, "audio: test_sound.audio")];
                let ports: Vec<&str> = ports.into_iter().filter(|(kind, _)| takes(*kind)).map(|(_, port)| port).collect();
                let _ = writeln!(text, "  playout: {{ type: playout, inputs: {{ {} }} }}", ports.join(", "));
            }
            Clock::Offline => {}
        }
        for port in outputs {
            let input = port.kind.as_str();
            let from = format!("{{ from: subject.{}{tap} }}", port.name);
            let _ = writeln!(
                text,
                "  tap_{}: {{ type: brake, inputs: {{ {input}: {from} }}, config: {{ door: compliance {number} {} }} }}",
                port.name, port.name
            );
        }
        text
    }

    /// Its outputs as a programme, and test sources where it has none.
    fn write_programme(&self, text: &mut String) {
        let is_even = |port: &&OutPort| !self.is_sparse(port);
        let of_kind = |kind| {
            self.node_type.outputs.iter().filter(is_even).find(|port| port.kind == kind).map(|port| format!("subject.{}", port.name))
        };
        let (video, audio) = (of_kind(Kind::Video), of_kind(Kind::Audio));
        let (video, audio) = (video.as_deref().unwrap_or("test_pictures.video"), audio.as_deref().unwrap_or("test_sound.audio"));
        let cues = of_kind(Kind::Cues).map_or_else(String::new, |cues| format!(", cues: {cues}"));
        let _ = writeln!(text, "  playout: {{ type: playout, inputs: {{ video: {video}, audio: {audio}{cues} }} }}");
        let _ = writeln!(text, "  programme: {{ type: null_sink, inputs: {{ video: [playout.video], audio: [playout.audio] }} }}");
    }
}

fn of_subject(report: &Report) -> &NodeReport {
    report.nodes.iter().find(|node| node.node == "subject").expect("the graph has this node")
}

/// In order, without overlaps, and without gaps where it is not sparse; sound to the sample.
fn is_whole(port: &OutPort, packets: &[Packet], cuts: &[Time], is_sparse: bool) -> Result<(), String> {
    let name = port.name;
    let is_even = matches!(port.kind, Kind::Video | Kind::Audio) && !is_sparse;
    for pair in packets.windows(2) {
        let (one, two) = (&pair[0], &pair[1]);
        if two.order() < one.settles() {
            return Err(format!("output \"{name}\" carried {} after {} (flushed at {cuts:?})", two.order(), one.order()));
        }
        let is_gap = one.end().is_some_and(|end| end != two.pts);
        if is_gap && is_even {
            let end = one.end().unwrap_or(one.pts);
            return Err(format!("output \"{name}\" has a gap from {end} to {} (flushed at {cuts:?})", two.pts));
        }
    }
    if packets.is_empty() && is_even { Err(format!("output \"{name}\" carried nothing")) } else { Ok(()) }
}
