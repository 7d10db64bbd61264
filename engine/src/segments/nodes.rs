//! The two nodes that stand for an encoder or behind it: one keeps what was encoded, the other gives it out again. They are put into plans
//! by the scheduler and cannot be named in a graph file.

use super::page::{PAGE_BYTES, Page, page_hash};
use super::{Hash, Store};
use crate::graph::problem::Problems;
use crate::media::{Caps, EncodedUnit};
use crate::node::{Cx, Failure, Flow, In, Node, Out, Result, Start};
use crate::packet::Packet;
use crate::registry::{AnyConfig, ConfigType, Defaults, Lane, NodeType, Starts, Sync};
use crate::time::{Span, Time};
use std::collections::VecDeque;
use std::sync::Arc;

const IN: In<EncodedUnit> = In::new("encoded");
const OUT: Out<EncodedUnit> = Out::new("encoded");

const NO_CONFIG: ConfigType = ConfigType { parse: |_, _| Err(Problems::default()), schema: |_| schemars::Schema::default(), example: "{}" };

/// `segment_writer` [encoded]: keeps units as pages of a segment.
pub(super) const SEGMENT_WRITER: NodeType = NodeType {
    name: "segment_writer",
    family: "engine",
    revision: 1,
    summary: "Keeps what an encoder made of one segment",
    inputs: &[IN.port("units of the segment")],
    outputs: &[],
    sync: Sync::Each,
    lane: Lane::Shared,
    starts: Starts::Anywhere,
    time_limit: NodeType::TIME_LIMIT,
    command: None,
    config: NO_CONFIG,
};

/// `segment_reader` [-> encoded]: gives out segments one after the other, as if an encoder had just made them.
pub(super) const SEGMENT_READER: NodeType = NodeType {
    name: "segment_reader",
    family: "engine",
    revision: 1,
    summary: "Gives out segments one after the other",
    inputs: &[],
    outputs: &[OUT.port("units in decoding order")],
    sync: Sync::Each,
    lane: Lane::Own,
    starts: Starts::Never,
    time_limit: NodeType::TIME_LIMIT,
    command: None,
    config: NO_CONFIG,
};

/// What a writer is told.
pub(super) struct WriterConfig {
    pub(super) store: Arc<dyn Store>,
    /// The segments that the run makes, in order, with where each begins and ends in the time of the run.
    pub(super) segments: VecDeque<(Hash, Span, Span)>,
}

/// What a reader is told.
pub(super) struct ReaderConfig {
    pub(super) store: Arc<dyn Store>,
    /// Keys of segments and where they begin in the programme.
    pub(super) segments: Vec<(Hash, Time)>,
    pub(super) end: Time,
}

impl AnyConfig for WriterConfig {
    fn validate(&self, _: &Defaults) -> std::result::Result<(), String> {
        Ok(())
    }
    fn check_env(&self) -> std::result::Result<(), String> {
        Ok(())
    }
    fn build(self: Box<Self>, _: &Defaults) -> Result<Box<dyn Node>> {
        let WriterConfig { store, segments } = *self;
        Ok(Box::new(Writer { store, segments, caps: Caps::Cues, units: Vec::new(), bytes: 0, pages: 0 }))
    }
}

impl AnyConfig for ReaderConfig {
    fn validate(&self, _: &Defaults) -> std::result::Result<(), String> {
        Ok(())
    }
    fn check_env(&self) -> std::result::Result<(), String> {
        Ok(())
    }
    fn build(self: Box<Self>, _: &Defaults) -> Result<Box<dyn Node>> {
        let ReaderConfig { store, segments, end } = *self;
        Ok(Box::new(Reader { store, segments: segments.into(), end, caps: None, open: None }))
    }
}

struct Writer {
    store: Arc<dyn Store>,
    /// The first one is being made.
    segments: VecDeque<(Hash, Span, Span)>,
    caps: Caps,
    units: Vec<Packet<EncodedUnit>>,
    bytes: usize,
    pages: u32,
}

impl Writer {
    fn close_page(&mut self, key: Hash, last: bool, end: Time) -> Result {
        let page = Page { last, end, caps: self.caps.clone(), units: std::mem::take(&mut self.units) };
        let hash = page_hash(&key, self.pages);
        self.store.put(&hash, &page.write()).map_err(|error| Failure::msg(format!("a segment cannot be kept: {error}")))?;
        (self.pages, self.bytes) = (self.pages + 1, 0);
        Ok(())
    }

    fn close_segment(&mut self) -> Result {
        if let Some((key, from, to)) = self.segments.pop_front() {
            self.close_page(key, true, Time::ZERO + (to - from))?;
            self.pages = 0;
        }
        Ok(())
    }
}

impl Node for Writer {
    fn start(&mut self, start: &mut Start<'_>) -> Result {
        self.caps = start.caps(IN).next().cloned().unwrap_or(Caps::Cues);
        match self.caps {
            Caps::EncodedVideo(_) | Caps::EncodedAudio(_) => Ok(()),
            _ => Err(Failure::msg("only what an encoder makes can be kept")),
        }
    }

    fn process(&mut self, cx: &mut Cx<'_>) -> Result<Flow> {
        if let Some(packet) = cx.take(IN) {
            // Of pictures there is one segment, whose units may show in any order.
            while self.segments.get(1).is_some_and(|(_, from, _)| packet.pts.since_start() >= *from) {
                self.close_segment()?;
            }
            let Some(&(key, from, _)) = self.segments.front() else { return Ok(Flow::Done) };
            self.bytes += packet.media.data.len();
            let unit = EncodedUnit { dts: packet.media.dts - from, ..packet.media };
            self.units.push(Packet { dur: packet.dur, ..Packet::new(packet.pts - from, unit) });
            if self.bytes >= PAGE_BYTES {
                self.close_page(key, false, packet.pts - from)?;
            }
        }
        Ok(Flow::More)
    }

    fn finish(&mut self, _: &mut Cx<'_>) -> Result {
        while !self.segments.is_empty() {
            self.close_segment()?;
        }
        Ok(())
    }
}

/// A segment that is being read.
struct Open {
    key: Hash,
    start: Time,
    page: u32,
    last: bool,
    units: VecDeque<Packet<EncodedUnit>>,
}

struct Reader {
    store: Arc<dyn Store>,
    segments: VecDeque<(Hash, Time)>,
    end: Time,
    caps: Option<Caps>,
    open: Option<Open>,
}

impl Reader {
    /// Opens the next page; `false` when there is none.
    fn turn(&mut self) -> Result<bool> {
        let (key, start, number) = match self.open.take() {
            Some(Open { key, start, page, last: false, .. }) => (key, start, page + 1),
            _ => match self.segments.pop_front() {
                Some((key, start)) => (key, start, 0),
                None => return Ok(false),
            },
        };
        let bytes = self.store.get(&page_hash(&key, number)).map_err(|error| Failure::msg(format!("a segment cannot be read: {error}")))?;
        let page = bytes.as_ref().and_then(Page::read);
        let page = page.ok_or_else(|| Failure::msg(format!("the segment {key}, which was there before, is gone or damaged")))?;
        if *self.caps.get_or_insert_with(|| page.caps.clone()) != page.caps {
            let text = "its decoder would have to be set up otherwise than for those before. Render with --no-cache, or clear the cache: \
                        lectern cache clear";
            return Err(Failure::msg(format!("the segment at {start} cannot be joined: {text}")));
        }
        self.open = Some(Open { key, start, page: number, last: page.last, units: page.units.into() });
        Ok(true)
    }
}

impl Node for Reader {
    fn start(&mut self, start: &mut Start<'_>) -> Result {
        self.turn()?;
        if let Some(caps) = &self.caps {
            start.set_caps(OUT, caps.clone());
        }
        start.expect_end(self.end);
        Ok(())
    }

    fn process(&mut self, cx: &mut Cx<'_>) -> Result<Flow> {
        let next = self.open.as_mut().and_then(|open| open.units.pop_front().map(|unit| (open.start, unit)));
        if let Some((start, packet)) = next {
            let offset = start.since_start();
            let unit = EncodedUnit { dts: packet.media.dts + offset, ..packet.media };
            cx.emit(OUT, Packet { dur: packet.dur, ..Packet::new(packet.pts + offset, unit) });
            return Ok(Flow::More);
        }
        if self.turn()? {
            return Ok(Flow::More);
        }
        cx.settle(OUT, self.end);
        Ok(Flow::Done)
    }
}
