//! Elements that run in the caller's thread.
//!
//! An encoder needs no thread of its own around it: a buffer pushed into the first element is worked on within the call, and what comes
//! out of the last one lies ready when it returns. So the caller knows exactly which input an output followed, nothing can pile up or
//! hang between two threads, and two runs do the same. (Threads that an element starts inside itself are its own affair; a chip's
//! encoder may give its output in one of them, then the caller [waits](Chain::wait).)

use super::error::GstError;
use gstreamer as gst;
use gstreamer::prelude::*;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::ThreadId;
use std::time::{Duration, Instant};

/// How often a wait looks whether an element gave up.
const LOOK: Duration = Duration::from_millis(50);

/// A chain of elements with one input and one output.
pub(super) struct Chain {
    bin: gst::Bin,
    bus: gst::Bus,
    input: gst::Pad,
    output: gst::Pad,
    arrivals: Arc<Arrivals>,
}

/// What came out.
#[derive(Default)]
struct Arrivals {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    ready: Vec<gst::Buffer>,
    /// Something came in a thread of an element.
    elsewhere: bool,
    ended: bool,
}

impl Arrivals {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, buffer: gst::Buffer, owner: ThreadId) {
        let mut state = self.state();
        state.elsewhere |= std::thread::current().id() != owner;
        state.ready.push(buffer);
        self.changed.notify_all();
    }

    fn end(&self) {
        self.state().ended = true;
        self.changed.notify_all();
    }
}

impl Chain {
    /// Builds the chain from a launch text and announces `caps` to it.
    pub(super) fn open(description: &str, caps: &gst::Caps) -> Result<Chain, GstError> {
        super::init()?;
        let bin = gst::parse::bin_from_description(description, true).map_err(|error| GstError::from_parser(&error))?;
        let bus = gst::Bus::new();
        bin.set_bus(Some(&bus));
        // An encoder's latency is asked for through it; upstream of it there is none.
        let input = gst::Pad::builder(gst::PadDirection::Src)
            .query_function(|pad, parent, query| match query.view_mut() {
                gst::QueryViewMut::Latency(query) => {
                    query.set(false, gst::ClockTime::ZERO, gst::ClockTime::NONE);
                    true
                }
                _ => gst::Pad::query_default(pad, parent, query),
            })
            .build();
        let arrivals = Arc::<Arrivals>::default();
        let (arrived, ended) = (arrivals.clone(), arrivals.clone());
        let owner = std::thread::current().id();
        let output = gst::Pad::builder(gst::PadDirection::Sink)
            .chain_function(move |_, _, buffer| {
                arrived.add(buffer, owner);
                Ok(gst::FlowSuccess::Ok)
            })
            .event_function(move |_, _, event| {
                if event.type_() == gst::EventType::Eos {
                    ended.end();
                }
                true
            })
            .build();
        let chain = Chain { bin, bus, input, output, arrivals };
        chain.connect(caps)?;
        Ok(chain)
    }

    fn connect(&self, caps: &gst::Caps) -> Result<(), GstError> {
        let ends = self.bin.static_pad("sink").zip(self.bin.static_pad("src"));
        let (first, last) = ends.ok_or_else(|| GstError::Launch { text: "the elements need one free input and one free output".into() })?;
        let linked = self.input.link(&first).and_then(|_| last.link(&self.output));
        linked.map_err(|error| GstError::Launch { text: format!("the ends of the chain do not fit: {error}") })?;
        let active = self.output.set_active(true).and_then(|()| self.input.set_active(true));
        active.map_err(|error| GstError::Launch { text: error.to_string() })?;
        self.bin.set_state(gst::State::Playing).map_err(|_| self.failure("start"))?;
        let segment = gst::FormattedSegment::<gst::ClockTime>::new();
        let events = [gst::event::StreamStart::new("lectern"), gst::event::Caps::new(caps), gst::event::Segment::new(&segment)];
        for event in events {
            if !self.input.push_event(event) {
                return Err(self.failure("accept the stream"));
            }
        }
        Ok(())
    }

    /// The element of this name.
    pub(super) fn element(&self, name: &str) -> Option<gst::Element> {
        self.bin.by_name(name)
    }

    /// Works on a buffer.
    pub(super) fn push(&self, buffer: gst::Buffer) -> Result<(), GstError> {
        self.input.push(buffer).map(|_| ()).map_err(|_| self.failure("encode"))
    }

    /// Says that there is no more, so that everything held back comes out.
    pub(super) fn finish(&self) -> Result<(), GstError> {
        if self.input.push_event(gst::event::Eos::new()) && self.pending_error().is_none() { Ok(()) } else { Err(self.failure("finish")) }
    }

    /// What came out since the last call.
    pub(super) fn take(&self) -> Vec<gst::Buffer> {
        std::mem::take(&mut self.arrivals.state().ready)
    }

    /// Waits until something is there to be taken; false when nothing came within `patience`, or the end did.
    ///
    /// # Errors
    /// An element gave up meanwhile.
    pub(super) fn wait(&self, patience: Duration) -> Result<bool, GstError> {
        let until = Instant::now() + patience;
        let mut state = self.arrivals.state();
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if !state.ready.is_empty() || state.ended || left.is_zero() {
                return Ok(!state.ready.is_empty());
            }
            state = self.arrivals.changed.wait_timeout(state, left.min(LOOK)).unwrap_or_else(PoisonError::into_inner).0;
            if let Some(error) = self.pending_error() {
                return Err(error);
            }
        }
    }

    /// Something came out in another thread than the one that set the chain up: what a push brings out may come after it.
    pub(super) fn is_elsewhere(&self) -> bool {
        self.arrivals.state().elsewhere
    }

    /// What is known of the output once something came out.
    pub(super) fn output_caps(&self) -> Option<gst::Caps> {
        self.output.current_caps()
    }

    /// How long the element of this name holds data back, as it declares. (Asked of it directly: the bin's own pads answer zero.)
    pub(super) fn latency(&self, name: &str) -> Option<gst::ClockTime> {
        let mut query = gst::query::Latency::new();
        let pad = self.element(name)?.static_pad("src")?;
        pad.query(&mut query).then(|| query.result().1)
    }

    /// Sends an event against the stream, to the element that makes the output.
    pub(super) fn send_upstream(&self, event: gst::Event) -> bool {
        self.output.push_event(event)
    }

    fn pending_error(&self) -> Option<GstError> {
        let message = self.bus.pop_filtered(&[gst::MessageType::Error])?;
        match message.view() {
            gst::MessageView::Error(error) => Some(GstError::from_message(error)),
            _ => None,
        }
    }

    fn failure(&self, action: &str) -> GstError {
        self.pending_error()
            .unwrap_or_else(|| GstError::Element { element: self.bin.name().to_string(), text: format!("it did not {action}") })
    }
}

impl Drop for Chain {
    fn drop(&mut self) {
        // Cannot fail downwards; nothing is sent anywhere, so it cannot block either.
        let _ = self.bin.set_state(gst::State::Null);
        let _ = self.input.set_active(false);
        let _ = self.output.set_active(false);
        // The messages that lie in the bus hold the bin, which holds the bus.
        self.bus.set_flushing(true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_of_a_chain_that_is_dropped() {
        super::super::init().unwrap();
        let caps = gst::Caps::builder("audio/x-raw")
            .field("format", "F32LE")
            .field("layout", "interleaved")
            .field("rate", 48_000)
            .field("channels", 1)
            .build();
        let chain = Chain::open("audioconvert ! capsfilter caps=audio/x-raw,format=S16LE", &caps).unwrap();
        chain.push(gst::Buffer::from_slice([0; 4096])).unwrap();
        assert_eq!(chain.take().len(), 1);
        let (bin, input, output) = (chain.bin.downgrade(), chain.input.downgrade(), chain.output.downgrade());
        drop(chain);
        assert!(bin.upgrade().is_none() && input.upgrade().is_none() && output.upgrade().is_none());
    }
}
