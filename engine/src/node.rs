//! The one trait that every node implements, and what it is handed.
//!
//! Source, transform and sink follow from the ports: a node without connected inputs is a source and is called until it says `Done`;
//! a node without outputs is a sink. Nodes are synchronous and never see time, threads or queues: the runtime calls them when their
//! inputs are settled, and carries away what they emitted after the call.

use crate::frame::VideoFrame;
use crate::media::{AudioCaps, Caps, EncodedAudioCaps, EncodedVideoCaps, Payload, VideoCaps};
use crate::packet::Packet;
pub use crate::port::{In, InPort, Out, OutPort};
use crate::registry::{Defaults, NodeType};
use crate::run::{Cancel, Command, Demand, Edge, Env, Events, Inputs, Outbox, Pacer, Tick, Warning};
use crate::segments::{Fingerprint, Part, Window};
use crate::time::{Rate, Span, Time};
use std::fmt;
use std::sync::Arc;

/// What a node can do. See the module docs.
pub trait Node: Send {
    /// Reads input caps, sets output caps, declares latency, opens resources. Called once, in graph order, before anything runs.
    fn start(&mut self, _start: &mut Start<'_>) -> Result {
        Ok(())
    }

    /// Handles one input set and emits any number of packets.
    ///
    /// `Ok(Done)`: the inputs are closed, `finish` runs, the outputs end. `Err`: the run aborts, `finish` does not run.
    /// One call of a source makes at most 20 ms of media.
    fn process(&mut self, cx: &mut Cx<'_>) -> Result<Flow>;

    /// Emits the tail. Called once after the last `process`, when all inputs have ended or the node said `Done`; not after an error.
    fn finish(&mut self, _cx: &mut Cx<'_>) -> Result {
        Ok(())
    }

    /// What was made or gathered for `cut` and later is thrown away; what comes next belongs from `cut` on. Called in live runs only,
    /// between two calls, before the first packet that follows the flush.
    ///
    /// A source goes on at `cut`, and first states again what holds there (the slide and how far it is, the picture that stands). A
    /// transform drops what it holds back for `cut` and later, and keeps what lies before. A node that holds nothing has nothing to do.
    fn flush(&mut self, _cut: Time) {}

    /// Of a source, once it has started: the parts that the programme is made of, if it has such, in order and without gaps. A render can
    /// then make them apart. A source that lists parts can be told to send only one of them ([`Start::window`]).
    fn parts(&mut self) -> Result<Vec<Part>> {
        Ok(Vec::new())
    }

    /// Once it has started: names everything that shapes what the node makes of `part`, so that what was made before is taken again when
    /// all of it is the same. Asked for each segment of each part in order; as it is, the node's settings.
    fn fingerprint(&mut self, _part: &Part, key: &mut Fingerprint<'_>) -> Result {
        key.add_settings();
        Ok(())
    }

    /// Of an encoder of sound, once it has started: how often it begins anew, counted from the beginning of the programme, so that what it
    /// makes of each such piece depends on nothing that lies seconds before. A render then takes the pieces before an edit as they were.
    fn pieces(&self) -> Option<Span> {
        None
    }

    /// A command of the type that `NodeType::command` names, between two calls; it takes effect at the next one. A command that was given
    /// before a flush comes before it.
    fn command(&mut self, _command: Command) -> Result {
        Err(Failure::msg("this node takes no commands"))
    }
}

/// Whether a node wants to be called again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Go on.
    More,
    /// Nothing more will come of it.
    Done,
}

/// Why a call did not succeed.
#[derive(Debug)]
pub enum Failure {
    /// The run was cancelled meanwhile; not an error of this node.
    Cancelled,
    /// What the node waited for is not wanted any more; it will be told by `flush` and called again.
    Flushed,
    /// It went wrong.
    Failed(Box<dyn std::error::Error + Send + Sync>),
}

/// The result of everything a node does; `?` turns any error into a `Failure`.
pub type Result<T = ()> = std::result::Result<T, Failure>;

impl Failure {
    /// A failure with just a text: what happened and what to change.
    pub fn msg(text: impl Into<String>) -> Failure {
        Failure::Failed(text.into().into())
    }
}

impl<E: std::error::Error + Send + Sync + 'static> From<E> for Failure {
    fn from(error: E) -> Failure {
        Failure::Failed(Box::new(error))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Cancelled => f.write_str("cancelled"),
            Failure::Flushed => f.write_str("flushed"),
            Failure::Failed(error) => {
                write!(f, "{error}")?;
                let mut cause = error.source();
                while let Some(inner) = cause {
                    write!(f, ": {inner}")?;
                    cause = inner.source();
                }
                Ok(())
            }
        }
    }
}

/// Where pictures are left out that show what the one before shows, one leaves this often all the same. Players find their way and fill
/// their queues by pictures: one that begins in the middle of a still slide has to go back no further than this for the picture, and one
/// that reads a few pictures ahead has to read no more than so many times this.
const LONGEST_PICTURE: Span = Span::from_seconds(5);

/// What a node sees when it starts.
pub struct Start<'a> {
    pub(crate) node_type: &'static NodeType,
    /// One entry per connection: input port, its caps.
    pub(crate) inputs: Vec<(usize, Caps)>,
    pub(crate) outputs: Vec<Option<Caps>>,
    pub(crate) latency: Span,
    pub(crate) defaults: Defaults,
    pub(crate) env: &'a Env,
}

impl Start<'_> {
    /// Caps of each connection of a port, in the order of the graph file; empty when it is open.
    pub fn caps<T: Payload>(&self, port: In<T>) -> impl Iterator<Item = &Caps> {
        let index = self.node_type.input_index(port.name);
        self.inputs.iter().filter(move |(p, _)| Some(*p) == index).map(|(_, caps)| caps)
    }

    /// Caps of the pictures on a port; `None` when it is open.
    pub fn video(&self, port: In<VideoFrame>) -> Option<VideoCaps> {
        self.caps(port).find_map(|caps| if let Caps::Video(video) = caps { Some(*video) } else { None })
    }

    /// Caps of the sound on a port; `None` when it is open.
    pub fn audio(&self, port: In<crate::media::AudioBlock>) -> Option<AudioCaps> {
        self.caps(port).find_map(|caps| if let Caps::Audio(audio) = caps { Some(*audio) } else { None })
    }

    /// Caps of compressed pictures on a port; `None` when it is open or carries sound.
    pub fn encoded_video(&self, port: In<crate::media::EncodedUnit>) -> Option<EncodedVideoCaps> {
        self.caps(port).find_map(|caps| if let Caps::EncodedVideo(video) = caps { Some(video.clone()) } else { None })
    }

    /// The same for the `n`-th connection of a port that takes many.
    pub fn encoded_video_nth(&self, port: In<crate::media::EncodedUnit>, n: usize) -> Option<EncodedVideoCaps> {
        self.caps(port).nth(n).and_then(|caps| if let Caps::EncodedVideo(video) = caps { Some(video.clone()) } else { None })
    }

    /// Caps of compressed sound on a port; `None` when it is open or carries pictures.
    pub fn encoded_audio(&self, port: In<crate::media::EncodedUnit>) -> Option<EncodedAudioCaps> {
        self.caps(port).find_map(|caps| if let Caps::EncodedAudio(audio) = caps { Some(audio.clone()) } else { None })
    }

    /// Says what an output carries. A port left unsaid gets the graph's defaults (mono sound at the default rate, I420 pictures).
    pub fn set_caps<T: Payload>(&mut self, port: Out<T>, caps: Caps) {
        if let Some(index) = self.node_type.output_index(port.name) {
            self.outputs[index] = Some(caps);
        }
    }

    /// The node's output lags its input by this much: it emits nothing for `t` before its inputs are settled at `t` + latency.
    pub fn set_latency(&mut self, latency: Span) {
        self.latency = latency;
    }

    /// Picture size, picture rate and sample rate of the graph.
    pub fn defaults(&self) -> Defaults {
        self.defaults
    }

    /// The name of the node in the graph.
    pub fn node(&self) -> &str {
        &self.env.node
    }

    /// For bridges to other threads: tells them when the run is cancelled, or flushed.
    pub fn cancel(&self) -> Cancel {
        self.env.cancel.clone()
    }

    /// The run goes by the clock and can be flushed and commanded.
    pub fn is_live(&self) -> bool {
        self.env.live.is_some()
    }

    /// Pictures that show what the one before shows may be left out: how long a picture lasts then, at most. Caps keep the nominal rate.
    pub fn sparse(&self) -> Option<Span> {
        self.env.sparse.then_some(LONGEST_PICTURE)
    }

    /// What of the programme the run makes, where that is not all of it. A source that lists parts then sends this one only, from its
    /// beginning, with times from there; sound before the window may be left out, cues may not.
    pub fn window(&self) -> Option<&Window> {
        self.env.window.as_deref()
    }

    /// Of an encoder that works in [pieces](Node::pieces): it begins with the one that begins here, for those before are there already.
    pub fn first_piece(&self) -> Span {
        self.env.first_piece
    }

    /// Where all sound of a render is made: when the programme ends. Otherwise nobody knows it before the inputs end.
    pub fn end(&self) -> Option<Time> {
        self.env.end
    }

    /// What is made ahead of a render is made from the end of the programme on: another process makes it from the beginning, and what it has
    /// made is found where both look for it.
    pub fn from_the_end(&self) -> bool {
        self.env.from_the_end
    }

    /// Something dear that does not change while a programme is rendered, by name: what one node of one run has made serves all nodes of
    /// all runs of the render.
    ///
    /// # Errors
    /// Those of `make`.
    pub fn shared<T: Send + Sync + 'static>(&self, name: &str, make: impl FnOnce() -> Result<T>) -> Result<Arc<T>> {
        self.env.shared.get(name, make)
    }

    /// Says how much is still to be done before the programme can be made, and how much there is in all, in time of the programme.
    pub fn narrated(&self, done: Span, all: Span) {
        self.env.progress.speak(done, all);
    }

    /// To tell the owner of the run something while it runs, from any thread.
    pub fn events(&self) -> Events {
        self.env.events.of(&self.env.node)
    }

    /// For test nodes: what counts the lane while it waits for the test.
    pub(crate) fn activity(&self) -> Option<std::sync::Arc<crate::run::Activity>> {
        self.env.activity.clone()
    }

    /// For `playout`, live: what it paces the run by.
    pub(crate) fn pacer(&self) -> Option<&Pacer> {
        self.env.live.as_ref().and_then(|live| live.pacer.as_deref())
    }

    /// Notes something the user should know; it ends up in the report.
    pub fn warn(&self, slide: Option<usize>, text: impl Into<String>) {
        self.env.warn(Warning { node: self.env.node.to_string(), slide, text: text.into() });
    }

    /// Says how long the programme will probably be, for progress bars.
    pub fn expect_end(&self, end: Time) {
        self.env.progress.expect_end(end);
    }
}

/// What a node sees when it is called: its inputs of this call and its outputs.
pub struct Cx<'a> {
    pub(crate) node_type: &'static NodeType,
    pub(crate) inputs: &'a mut Inputs,
    pub(crate) outbox: &'a mut Outbox,
    pub(crate) outputs: &'a [Vec<Edge>],
    pub(crate) env: &'a Env,
}

impl<'a> Cx<'a> {
    /// The next packet of this call on a port. `Each` and `Merge` nodes get one packet per call; a `Join` node gets everything that
    /// belongs to the tick on sound and cue ports.
    #[inline]
    pub fn take<T: Payload>(&mut self, port: In<T>) -> Option<Packet<T>> {
        self.take_nth(port, 0)
    }

    /// The same for the `n`-th connection of a port that takes many.
    #[inline]
    pub fn take_nth<T: Payload>(&mut self, port: In<T>, n: usize) -> Option<Packet<T>> {
        let index = self.node_type.input_index(port.name)?;
        if n == 0 { self.inputs.take(index) } else { self.inputs.slot_mut(index, n)?.take() }
    }

    /// In a `Join`: the picture that covers this tick, held until the next one.
    pub fn current<T: Payload>(&self, port: In<T>) -> Option<(&Packet, &T)> {
        self.current_nth(port, 0)
    }

    /// The same for the `n`-th connection of a port that takes many.
    pub fn current_nth<T: Payload>(&self, port: In<T>, n: usize) -> Option<(&Packet, &T)> {
        let index = self.node_type.input_index(port.name)?;
        let packet = self.inputs.slot(index, n)?.current.as_ref()?;
        T::in_media(&packet.media).map(|item| (packet, item))
    }

    /// In a `Join`: `current` of this port is not what it was at the last call.
    pub fn is_new<T: Payload>(&self, port: In<T>) -> bool {
        self.node_type.input_index(port.name).is_some_and(|index| self.inputs.of_port(index).any(|slot| slot.fresh))
    }

    /// The node's type has no outputs.
    pub(crate) fn is_sink(&self) -> bool {
        self.node_type.outputs.is_empty()
    }

    /// How many connections a port has.
    pub fn connections<T: Payload>(&self, port: In<T>) -> usize {
        self.node_type.input_index(port.name).map_or(0, |index| self.inputs.of_port(index).count())
    }

    /// No packet before this time comes on any port any more, beyond those of this call.
    pub fn settled(&self) -> Time {
        self.inputs.settled()
    }

    /// In a `Merge`, which hands packets on in their order: the programme lasts at least to here, and no packet before this time comes on
    /// any port any more. What lies beyond may be after its end, even where the inputs are settled: nothing is to be made up for it.
    pub fn lasts(&self) -> Time {
        self.inputs.lasts()
    }

    /// In a `Join`: the tick this call is for. In `finish`: the tick after the last one.
    pub fn tick(&self) -> Tick {
        self.inputs.tick()
    }

    /// In a `Join`: call again at the next tick even when nothing new arrives (animation).
    pub fn again(&mut self) {
        self.inputs.again = true;
    }

    /// In `finish`: when the inputs ended, the time at which this node's outputs end too.
    pub fn end(&self) -> Time {
        self.inputs.end()
    }

    /// Sends a packet. Carried to its consumers after this call.
    #[inline]
    pub fn emit<T: Payload>(&mut self, port: Out<T>, packet: Packet<T>) {
        self.outbox.push(self.node_type.output_index(port.name), packet);
    }

    /// Sends several packets, one after the other.
    pub fn emit_all<T: Payload>(&mut self, port: Out<T>, packets: impl IntoIterator<Item = Packet<T>>) {
        packets.into_iter().for_each(|packet| self.emit(port, packet));
    }

    /// Promises that nothing before `time` comes on a port any more. Emitting promises the same by itself; sources with several
    /// ports call this for the silent ones.
    pub fn settle<T: Payload>(&mut self, port: Out<T>, time: Time) {
        if let Some(index) = self.node_type.output_index(port.name) {
            self.outbox.ports[index].settle(time);
        }
    }

    /// Somebody listens to this output.
    pub fn is_connected<T: Payload>(&self, port: Out<T>) -> bool {
        self.node_type.output_index(port.name).is_some_and(|index| self.outbox.ports[index].connected)
    }

    /// The video rate of the graph's ticks.
    pub fn rate(&self) -> Rate {
        self.inputs.rate
    }

    /// What the consumers of an output wish for; for encoders.
    pub fn demand<T: Payload>(&self, port: Out<T>) -> &Demand {
        let index = self.node_type.output_index(port.name).expect("a node asks for its own ports");
        &self.env.demands[index]
    }

    /// Asks the producer of an input for a keyframe.
    pub fn ask_keyframe<T: Payload>(&self, port: In<T>) {
        self.ask_keyframe_nth(port, 0);
    }

    /// The same for the `n`-th connection of a port that takes many.
    pub fn ask_keyframe_nth<T: Payload>(&self, port: In<T>, n: usize) {
        let index = self.node_type.input_index(port.name);
        if let Some((_, demand)) = self.env.wishes.iter().filter(|(port, _)| Some(*port) == index).nth(n) {
            demand.ask_keyframe();
        }
    }

    /// For `playout`, live: what it paces the run by.
    pub(crate) fn pacer(&self) -> Option<&'a Pacer> {
        self.env.live.as_ref().and_then(|live| live.pacer.as_deref())
    }

    /// For `playout`, live: how far a port is settled, and where it ended.
    pub(crate) fn state_of<T: Payload>(&self, port: In<T>) -> Option<(Time, Option<Time>)> {
        let index = self.node_type.input_index(port.name)?;
        self.inputs.slot(index, 0).map(|slot| (slot.bound, slot.end))
    }

    /// For `playout`, live: what is emitted here would wait for room.
    pub(crate) fn would_block<T: Payload>(&self, port: Out<T>) -> bool {
        self.node_type.output_index(port.name).is_some_and(|index| self.outputs[index].iter().any(Edge::would_block))
    }

    /// For `playout`, live: call again at this time of the clock, or when something comes.
    pub(crate) fn wake_at(&mut self, time: Option<Time>) {
        self.inputs.wake = time;
    }

    /// For `playout`, and sinks that stand without one: how far the programme has come, and how many pictures that was.
    pub fn reach(&self, time: Time, frames: u64) {
        self.env.progress.reach(time, frames);
    }

    /// For `playout`: the distance between sound and picture as they leave.
    pub fn saw_skew(&self, skew: Span) {
        self.env.progress.saw_skew(skew);
    }

    /// Tells long work inside a call when to give up.
    pub fn cancel(&self) -> &Cancel {
        &self.env.cancel
    }

    /// Notes something the user should know; it ends up in the report.
    pub fn warn(&self, slide: Option<usize>, text: impl Into<String>) {
        self.env.warn(Warning { node: self.env.node.to_string(), slide, text: text.into() });
    }

    /// Says how long the programme will probably be, for progress bars.
    pub fn expect_end(&self, end: Time) {
        self.env.progress.expect_end(end);
    }
}
