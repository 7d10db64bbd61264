//! One lecture that is being given: its state, what it is told, and what it tells.

use super::fps::{Fps, NodeFps};
use super::{Command, CommandError};
use crossbeam_channel::{Receiver, RecvTimeoutError};
use engine::run::{ControlError, Event, Handle, Report};
use plugins_webrtc::room::{Now, Room};
use serde::Serialize;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How often a session looks at itself.
const LOOK: Duration = Duration::from_millis(50);
/// How often viewers are told the programme time.
const CLOCK: Duration = Duration::from_secs(1);

/// Where a session stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Nothing has gone out yet.
    Preparing,
    /// The first slide is shown and the presenter waits.
    Ready,
    /// The lecture is given.
    Live,
    /// It rests.
    Paused,
    /// It is over.
    Ended,
}

impl std::fmt::Display for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = serde_json::to_value(self).expect("a name");
        f.write_str(name.as_str().unwrap_or_default())
    }
}

/// What is known of a session before it begins.
pub struct Premises {
    /// The name that viewers join.
    pub room: String,
    /// Of the lesson.
    pub title: String,
    /// BCP 47.
    pub language: String,
    /// How many slides are given.
    pub slides: usize,
    /// It waits for `start`, or the first viewer.
    pub waits: bool,
    /// It ends after this time.
    pub limit: Duration,
}

/// Told of every change of state.
pub type OnState = Arc<dyn Fn(&Session, State) + Send + Sync>;

/// See the module docs. Shared by everybody who has to do with it.
pub struct Session {
    premises: Premises,
    handle: Handle,
    room: Option<Arc<Room>>,
    talk: Option<String>,
    livekit: Vec<String>,
    state: Mutex<State>,
    /// One command after the other.
    order: Mutex<()>,
    shows_embed: AtomicBool,
    failed: AtomicBool,
    fps: Mutex<Fps>,
    on_state: OnState,
    began: Instant,
}

impl Session {
    /// For a run that has just been launched. A thread of its own looks after it until [`Session::end`].
    pub fn attach(mut premises: Premises, handle: Handle, on_state: OnState) -> Arc<Session> {
        let talk = handle.nodes_of("tts_chunker").into_iter().next();
        // A graph without a talk has nothing that could wait.
        premises.waits &= talk.is_some();
        let session = Arc::new(Session {
            room: Room::find(&premises.room),
            talk,
            livekit: handle.nodes_of("livekit_sink"),
            premises,
            handle,
            state: Mutex::new(State::Preparing),
            order: Mutex::default(),
            shows_embed: AtomicBool::new(false),
            failed: AtomicBool::new(false),
            fps: Mutex::default(),
            on_state,
            began: Instant::now(),
        });
        (session.on_state)(&session, State::Preparing);
        let events = session.handle.events();
        let watched = session.clone();
        let spawned = std::thread::Builder::new().name("session".into()).spawn(move || watched.watch(&events));
        if let Err(error) = spawned {
            tracing::error!(%error, "a session goes unwatched");
        }
        session
    }

    /// The name that viewers join.
    pub fn name(&self) -> &str {
        &self.premises.room
    }

    /// What is known of it.
    pub fn premises(&self) -> &Premises {
        &self.premises
    }

    /// Where it stands.
    pub fn state(&self) -> State {
        *self.lock()
    }

    /// The run.
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Where its viewers are; `None` when its graph has no `web_sink`.
    pub fn room(&self) -> Option<&Arc<Room>> {
        self.room.as_ref()
    }

    /// How long it has been there.
    pub fn age(&self) -> Duration {
        self.began.elapsed()
    }

    /// What holds now.
    pub fn now(&self) -> Now {
        self.room.as_ref().map(|room| room.news().0).unwrap_or_default()
    }

    /// How far the programme has come, in milliseconds.
    pub fn programme_ms(&self) -> i64 {
        (self.handle.progress().reached() - engine::time::Time::ZERO).to_nanos() / 1_000_000
    }

    /// How many packets a second its nodes have handled lately.
    pub fn fps(&self, report: &Report) -> Vec<NodeFps> {
        self.fps.lock().unwrap_or_else(PoisonError::into_inner).figures(report)
    }

    /// Carries a command out. Waits for at most a few pictures' time.
    ///
    /// # Errors
    /// It does not fit, or the run does not take it.
    pub fn command(&self, command: &Command) -> Result<State, CommandError> {
        command.check()?;
        let _order = self.order.lock().unwrap_or_else(PoisonError::into_inner);
        let state = self.state();
        let must_be = |fits: bool, due: &'static str| if fits { Ok(()) } else { Err(CommandError::State(state, due)) };
        must_be(state != State::Ended, "not over")?;
        match command {
            Command::Start => {
                must_be(state != State::Preparing, "ready")?;
                if state == State::Ready {
                    self.talk(json!("start"), true)?;
                    self.become_(State::Live);
                }
            }
            Command::Pause => {
                must_be(matches!(state, State::Live | State::Paused), "live")?;
                self.talk(json!("pause"), true)?;
                self.become_(State::Paused);
            }
            Command::Resume => {
                must_be(matches!(state, State::Live | State::Paused), "paused")?;
                if state == State::Paused {
                    self.talk(json!("resume"), true)?;
                    self.leave_page();
                    self.become_(State::Live);
                }
            }
            Command::Next | Command::Previous | Command::Goto { .. } => {
                must_be(state != State::Preparing, "ready, live or paused")?;
                let told = match command {
                    Command::Next => json!("next"),
                    Command::Previous => json!("previous"),
                    Command::Goto { slide } => json!({ "goto": slide }),
                    _ => unreachable!("one of the three"),
                };
                self.talk(told, true)?;
                self.leave_page();
                self.become_(State::Live);
            }
            Command::Say { text, interrupt } => {
                must_be(state != State::Preparing, "ready, live or paused")?;
                self.talk(json!({ "say": { "text": text, "interrupt": interrupt } }), *interrupt)?;
            }
            Command::Embed { url } => {
                must_be(matches!(state, State::Live | State::Paused), "live")?;
                self.talk(json!("pause"), true)?;
                self.shows_embed.store(true, Ordering::SeqCst);
                self.show_page(Some(url));
                self.become_(State::Paused);
            }
            Command::ResumeEmbed if self.shows_embed.load(Ordering::SeqCst) => {
                self.talk(json!("resume"), true)?;
                self.leave_page();
                self.become_(State::Live);
            }
            Command::ResumeEmbed => self.talk(json!("resume_embed"), true)?,
            Command::Stop => self.handle.stop(),
        }
        Ok(self.state())
    }

    /// The run has ended.
    pub fn end(&self) {
        self.become_(State::Ended);
    }

    /// The run has ended by an error.
    pub fn fail(&self) {
        self.failed.store(true, Ordering::SeqCst);
        self.end();
    }

    /// It has ended by an error.
    pub fn has_failed(&self) -> bool {
        self.failed.load(Ordering::SeqCst)
    }

    /// It is in a room of a LiveKit server, too.
    pub fn is_in_livekit(&self) -> bool {
        !self.livekit.is_empty()
    }

    /// Tells viewers in browsers.
    pub fn tell(&self, news: &Value) {
        if let Some(room) = &self.room {
            room.tell(news);
        }
    }

    /// A page that a command has shown is left: the lecture is seen again.
    fn leave_page(&self) {
        if self.shows_embed.swap(false, Ordering::SeqCst) {
            self.show_page(None);
        }
    }

    /// In browsers and LiveKit rooms.
    fn show_page(&self, url: Option<&str>) {
        if let Some(room) = &self.room {
            room.show_page(url);
        }
        let told = if url.is_some() { "mute" } else { "unmute" };
        for node in &self.livekit {
            if let Err(error) = self.handle.command(node, json!(told)) {
                tracing::debug!(%error, "the LiveKit room does not hear of the page");
            }
        }
    }

    fn talk(&self, told: Value, flush: bool) -> Result<(), CommandError> {
        let talk = self.talk.as_ref().ok_or(CommandError::NoTalk)?;
        self.handle.command(talk, told)?;
        if flush { self.flush().map_err(CommandError::from) } else { Ok(()) }
    }

    fn flush(&self) -> Result<(), ControlError> {
        self.handle.flush().map(|_| ())
    }

    /// Goes over into a state, and says so once.
    fn become_(&self, state: State) {
        let before = std::mem::replace(&mut *self.lock(), state);
        if before != state && before != State::Ended {
            self.tell(&json!({ "type": "state", "state": state }));
            (self.on_state)(self, state);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hears what nodes tell, and keeps the clock, until the end.
    fn watch(&self, events: &Receiver<Event>) {
        let mut clock = Instant::now();
        while self.state() != State::Ended {
            match events.recv_timeout(LOOK) {
                Ok(event) => self.hear(&event),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            if self.state() == State::Preparing && self.has_begun() {
                self.become_(if self.premises.waits { State::Ready } else { State::Live });
            }
            if clock.elapsed() >= CLOCK {
                let passed = clock.elapsed().as_secs_f64();
                clock = Instant::now();
                self.fps.lock().unwrap_or_else(PoisonError::into_inner).sample(&self.handle.report(), passed);
                self.tell(&json!({ "type": "clock", "programme_ms": self.programme_ms() }));
            }
            if self.age() > self.premises.limit {
                tracing::warn!(room = self.name(), "the session has come to its time limit");
                self.handle.stop();
            }
        }
    }

    /// The first pictures are out: where viewers are, or of `playout`.
    fn has_begun(&self) -> bool {
        let reached = self.room.as_ref().map_or_else(|| self.handle.progress().reached(), |room| room.reached());
        reached > engine::time::Time::ZERO
    }

    fn hear(&self, event: &Event) {
        let value = &event.value;
        tracing::debug!(node = %event.node, %value, "event");
        if value["viewer"] == "first" && self.state() == State::Ready {
            self.try_command(&Command::Start);
        }
        if value["talk"] == "say_ready" {
            // Silence that waits to be played is thrown away: the answer comes at once.
            let _order = self.order.lock().unwrap_or_else(PoisonError::into_inner);
            if let Err(error) = self.flush() {
                tracing::debug!(%error, "no flush");
            }
        }
        if let Some(data) = value.get("data").filter(|_| self.livekit.iter().any(|node| **node == *event.node)) {
            self.hear_data(data);
        }
    }

    /// A data message of a LiveKit room: one of E5's, which anybody there may send, or a command of an author.
    fn hear_data(&self, data: &Value) {
        let payload = &data["payload"];
        match payload["message"].as_str() {
            // Where no page is shown there is nothing to leave, and what is said would be begun again.
            Some("resumeStream") if self.room.is_none() || self.now().embed.is_some() => self.try_command(&Command::ResumeEmbed),
            Some("goLive") => self.try_command(&Command::Start),
            Some(_) => {}
            None if data["author"] != true => tracing::debug!(from = %data["from"], "a command of somebody who only watches"),
            None => match serde_json::from_value::<Command>(payload.clone()) {
                Ok(command) => self.try_command(&command),
                Err(error) => tracing::debug!(%error, "a data message that is no command"),
            },
        }
    }

    fn try_command(&self, command: &Command) {
        if let Err(error) = self.command(command) {
            tracing::warn!(%error, ?command, "not carried out");
        }
    }
}

#[cfg(test)]
mod tests;
