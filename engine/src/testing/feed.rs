//! `feed` [-> video, audio, cues]: a source whose packets a test sends one by one, for live runs with a clock that is cranked by hand.
//!
//! Between two packets it counts as asleep, so [`Handle::idle`](crate::run::Handle::idle) returns when everything that was sent has been
//! worked off. `brake` [video, audio, cues, encoded*] is the opposite: a sink that takes nothing while a test holds it, and keeps what it
//! took.

use crate::cue::Cue;
use crate::frame::VideoFrame;
use crate::media::{AudioBlock, EncodedUnit, Payload};
use crate::node::{Cx, Failure, Flow, In, Node, Out, Result, Start};
use crate::packet::Packet;
use crate::registry::{ConfigType, Defaults, Lane, NodeConfig, NodeType, Starts, Sync};
use crate::run::{Activity, Cancel, Sleep, Waker};
use crate::time::Time;
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Condvar, LazyLock, Mutex};

const VIDEO: Out<VideoFrame> = Out::new("video");
const AUDIO: Out<AudioBlock> = Out::new("audio");
const CUES: Out<Cue> = Out::new("cues");
const VIDEO_IN: In<VideoFrame> = In::new("video");
const AUDIO_IN: In<AudioBlock> = In::new("audio");
const CUES_IN: In<Cue> = In::new("cues");
const ENCODED_IN: In<EncodedUnit> = In::new("encoded");

/// The source.
pub const FEED: NodeType = NodeType {
    name: "feed",
    family: "testing",
    revision: 1,
    summary: "What a test sends",
    inputs: &[],
    outputs: &[VIDEO.port("pictures"), AUDIO.port("sound"), CUES.port("events")],
    sync: Sync::Each,
    lane: Lane::Own,
    starts: Starts::Never,
    time_limit: NodeType::TIME_LIMIT,
    command: None,
    config: ConfigType::of::<DoorConfig>("{ door: a }"),
};

/// The sink.
pub const BRAKE: NodeType = NodeType {
    name: "brake",
    family: "testing",
    revision: 1,
    summary: "Takes nothing while a test holds it",
    inputs: &[
        VIDEO_IN.port("pictures").optional(),
        AUDIO_IN.port("sound").optional(),
        CUES_IN.port("events").optional(),
        ENCODED_IN.port("compressed units").many(),
    ],
    outputs: &[],
    sync: Sync::Merge,
    lane: Lane::Own,
    starts: Starts::Anywhere,
    time_limit: NodeType::TIME_LIMIT,
    command: None,
    config: ConfigType::of::<DoorConfig>("{ door: a }"),
};

/// Names the [`Door`] that the test holds.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DoorConfig {
    /// Its name.
    door: String,
}

impl NodeConfig for DoorConfig {
    fn build(self, defaults: &Defaults) -> Result<Box<dyn Node>> {
        let door = DOORS.lock().expect("nobody panics with this lock").get(&self.door).cloned();
        let door = door.ok_or_else(|| Failure::msg(format!("no test has opened the door \"{}\"", self.door)))?;
        Ok(Box::new(AtDoor { door, cancel: Cancel::default(), activity: None, defaults: *defaults }))
    }
}

static DOORS: LazyLock<Mutex<HashMap<String, Arc<Shared>>>> = LazyLock::new(Mutex::default);

/// What a test sends through a door.
enum Item {
    Video(Packet<VideoFrame>),
    Audio(Packet<AudioBlock>),
    Cue(Packet<Cue>),
    Settle(Time),
    End,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    moved: Condvar,
}

#[derive(Default)]
struct State {
    items: VecDeque<Item>,
    held: bool,
    /// The node that sleeps at the door, and what counts it.
    asleep: Option<Arc<Activity>>,
    taken: Vec<Packet>,
    /// So many packets are enough.
    enough: Option<usize>,
    ended: Option<Time>,
    cuts: Vec<Time>,
}

impl Shared {
    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.state.lock().expect("nobody panics with this lock");
        let result = change(&mut state);
        if let Some(activity) = state.asleep.take() {
            activity.wake(Sleep::Clock);
            self.moved.notify_all();
        }
        result
    }
}

impl Waker for Shared {
    fn wake(&self) {
        self.change(|_| ());
    }
}

/// A test's end of a `feed` or a `brake` of the same name.
pub struct Door {
    name: String,
    shared: Arc<Shared>,
}

impl Door {
    /// Opens a door; the name must not be used by another test of the same program.
    ///
    /// # Panics
    /// When the name is in use.
    pub fn open(name: &str) -> Door {
        let shared = Arc::<Shared>::default();
        let before = DOORS.lock().expect("nobody panics with this lock").insert(name.to_string(), shared.clone());
        assert!(before.is_none(), "the door \"{name}\" is open already");
        Door { name: name.to_string(), shared }
    }

    /// The feed emits a picture.
    pub fn video(&self, packet: Packet<VideoFrame>) {
        self.shared.change(|state| state.items.push_back(Item::Video(packet)));
    }

    /// The feed emits sound.
    pub fn audio(&self, packet: Packet<AudioBlock>) {
        self.shared.change(|state| state.items.push_back(Item::Audio(packet)));
    }

    /// The feed emits a cue.
    pub fn cue(&self, packet: Packet<Cue>) {
        self.shared.change(|state| state.items.push_back(Item::Cue(packet)));
    }

    /// The feed promises that nothing before `time` comes on any port.
    pub fn settle(&self, time: Time) {
        self.shared.change(|state| state.items.push_back(Item::Settle(time)));
    }

    /// The feed ends.
    pub fn end(&self) {
        self.shared.change(|state| state.items.push_back(Item::End));
    }

    /// The brake takes nothing more (`true`), or everything again.
    pub fn hold(&self, hold: bool) {
        self.shared.change(|state| state.held = hold);
    }

    /// The brake is done when it has taken so many packets.
    pub fn end_after(&self, packets: usize) {
        self.shared.change(|state| state.enough = Some(packets));
    }

    /// When the inputs of the brake ended.
    pub fn ended(&self) -> Option<Time> {
        self.shared.change(|state| state.ended)
    }

    /// What the brake has taken so far, less what was flushed.
    pub fn taken(&self) -> Vec<Packet> {
        self.shared.change(|state| state.taken.clone())
    }

    /// The cuts at which the node was flushed.
    pub fn cuts(&self) -> Vec<Time> {
        self.shared.change(|state| state.cuts.clone())
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        DOORS.lock().expect("nobody panics with this lock").remove(&self.name);
    }
}

struct AtDoor {
    door: Arc<Shared>,
    cancel: Cancel,
    activity: Option<Arc<Activity>>,
    defaults: Defaults,
}

impl AtDoor {
    /// Waits for `get` to find something.
    fn wait<T>(&self, get: impl Fn(&mut State) -> Option<T>) -> Result<T> {
        let mut state = self.door.state.lock().expect("nobody panics with this lock");
        loop {
            if self.cancel.is_cancelled() {
                return Err(Failure::Cancelled);
            }
            if self.cancel.flushes.as_ref().is_some_and(crate::run::FlushView::is_stale) {
                return Err(Failure::Flushed);
            }
            if let Some(found) = get(&mut state) {
                return Ok(found);
            }
            let activity = self.activity.clone().ok_or_else(|| Failure::msg("feed and brake are for whole graphs"))?;
            activity.sleep(Sleep::Clock);
            state.asleep = Some(activity);
            while state.asleep.is_some() {
                state = self.door.moved.wait(state).expect("nobody panics with this lock");
            }
        }
    }

    fn note<T: Payload>(&self, packet: Option<Packet<T>>) {
        self.door.state.lock().expect("nobody panics with this lock").taken.extend(packet.map(Packet::from));
    }
}

impl Node for AtDoor {
    fn start(&mut self, start: &mut Start<'_>) -> Result {
        self.cancel = start.cancel();
        self.activity = start.activity();
        let waker: Arc<dyn Waker> = self.door.clone();
        self.cancel.register(Arc::downgrade(&waker));
        if let Some(view) = &self.cancel.flushes {
            view.epochs.register(Arc::downgrade(&waker));
        }
        self.defaults = start.defaults();
        Ok(())
    }

    fn process(&mut self, cx: &mut Cx<'_>) -> Result<Flow> {
        if cx.is_sink() {
            self.wait(|state| (!state.held).then_some(()))?;
            self.note(cx.take(VIDEO_IN));
            self.note(cx.take(AUDIO_IN));
            self.note(cx.take(CUES_IN));
            self.note(cx.take(ENCODED_IN));
            (1..cx.connections(ENCODED_IN)).for_each(|n| self.note(cx.take_nth(ENCODED_IN, n)));
            let state = self.door.state.lock().expect("nobody panics with this lock");
            return Ok(if state.enough.is_some_and(|enough| state.taken.len() >= enough) { Flow::Done } else { Flow::More });
        }
        match self.wait(|state| state.items.pop_front())? {
            Item::Video(packet) => cx.emit(VIDEO, packet),
            Item::Audio(packet) => cx.emit(AUDIO, packet),
            Item::Cue(packet) => cx.emit(CUES, packet),
            Item::Settle(time) => {
                cx.settle(VIDEO, time);
                cx.settle(AUDIO, time);
                cx.settle(CUES, time);
            }
            Item::End => return Ok(Flow::Done),
        }
        Ok(Flow::More)
    }

    fn finish(&mut self, cx: &mut Cx<'_>) -> Result {
        if cx.is_sink() {
            self.door.change(|state| state.ended = Some(cx.end()));
        }
        Ok(())
    }

    fn flush(&mut self, cut: Time) {
        let mut state = self.door.state.lock().expect("nobody panics with this lock");
        state.cuts.push(cut);
        state.taken.retain(|packet| packet.order() < cut);
        state.taken.iter_mut().for_each(|packet| packet.shorten(cut));
    }
}
