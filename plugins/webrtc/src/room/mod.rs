//! A room: what a run publishes to those who watch it, and how they come in.
//!
//! `web_sink` opens the room of its name and feeds it; a server finds it by the name and takes viewers in, from any thread. A viewer is
//! either a WebRTC peer ([`Room::offer`]) or takes fragmented MP4 as messages ([`Room::join`]); all get the same encoded pictures and
//! sound. What happens in the lecture (slides, captions, states) is news, as JSON texts ([`Room::news`]).

mod media;
mod news;
mod place;
mod rung;
mod whep;

pub use media::{MediaViewer, Message};
pub use news::{Now, SlideNews};
pub use whep::WhepError;

pub(crate) use media::{Channel, Gathered};
pub(crate) use rung::Rung;
pub(crate) use whep::Whep;

use bytes::Bytes;
use engine::run::Events;
use engine::time::Time;
use news::News;
use place::{By, Place, Watching};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use tokio::sync::broadcast;

/// Rooms by name, while they are open.
static ROOMS: LazyLock<Mutex<HashMap<String, Weak<Room>>>> = LazyLock::new(Mutex::default);

/// Why somebody is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// As many are in as may be.
    #[error("the room is full; raise `viewers` of the web_sink, or wait until somebody leaves")]
    Full,
    /// The lecture is over, or has not begun to be encoded.
    #[error("nothing is given in this room now")]
    Closed,
    /// There is no such rung.
    #[error("there is no such rung; 0 is the largest picture")]
    NoRung,
}

/// How many watch, and how that goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Viewers {
    /// By WebRTC.
    pub whep: usize,
    /// By fragmented MP4.
    pub mse: usize,
    /// Have ever come.
    pub joined: u64,
    /// Times that a viewer was so slow that it went on with a later keyframe.
    pub skipped: u64,
    /// Viewers moved to a smaller rung because they were slow.
    pub lowered: u64,
    /// Viewers sent away because they were slow.
    pub dropped: u64,
}

/// What is counted about viewers.
#[derive(Default)]
pub(crate) struct Counters {
    watching: Mutex<Watching>,
    pub(crate) joined: AtomicU64,
    pub(crate) skipped: AtomicU64,
    pub(crate) lowered: AtomicU64,
    pub(crate) dropped: AtomicU64,
    seen: AtomicBool,
    events: OnceLock<Events>,
}

impl Counters {
    /// A viewer sees the lecture; the run's owner is told of the first one.
    pub(crate) fn sees(&self) {
        if let Some(events) = self.events.get().filter(|_| !self.seen.swap(true, Ordering::Relaxed)) {
            events.tell(json!({ "viewer": "first" }));
        }
    }
}

/// See the module docs.
pub struct Room {
    name: String,
    limit: usize,
    rungs: OnceLock<Vec<Rung>>,
    news: News,
    reached: AtomicI64,
    ended: AtomicBool,
    pub(crate) counters: Arc<Counters>,
}

impl Room {
    /// Opens a room for at most `limit` viewers; `events` hear of the first one. It closes when the last one lets go of it.
    ///
    /// # Errors
    /// A room of this name is open.
    pub(crate) fn open(name: &str, limit: usize, events: Events) -> Result<Arc<Room>, String> {
        let mut rooms = rooms();
        rooms.retain(|_, room| room.strong_count() > 0);
        if rooms.contains_key(name) {
            return Err(format!("a room \"{name}\" is open already; give this lecture another name"));
        }
        let counters = Counters::default();
        // Nobody else has it yet.
        let _ = counters.events.set(events);
        let room = Arc::new(Room::new(name, limit, counters));
        rooms.insert(name.into(), Arc::downgrade(&room));
        Ok(room)
    }

    fn new(name: &str, limit: usize, counters: Counters) -> Room {
        Room {
            name: name.into(),
            limit,
            rungs: OnceLock::new(),
            news: News::default(),
            reached: AtomicI64::new(0),
            ended: AtomicBool::new(false),
            counters: Arc::new(counters),
        }
    }

    /// The open room of this name.
    pub fn find(name: &str) -> Option<Arc<Room>> {
        rooms().get(name).and_then(Weak::upgrade)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many watch.
    pub fn viewers(&self) -> Viewers {
        let Counters { joined, skipped, lowered, dropped, watching, .. } = &*self.counters;
        let Watching { whep, mse } = *watching.lock().unwrap_or_else(PoisonError::into_inner);
        let so_far = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Viewers { whep, mse, joined: so_far(joined), skipped: so_far(skipped), lowered: so_far(lowered), dropped: so_far(dropped) }
    }

    /// Takes in a viewer of fragmented MP4. Its first picture is a keyframe, asked for now.
    ///
    /// # Errors
    /// It is not let in.
    pub fn join(&self, rung: usize) -> Result<MediaViewer, Refused> {
        let rungs = self.check(rung)?;
        Ok(MediaViewer::join(rungs, rung, self.place(By::Mse)?, &self.counters))
    }

    /// Takes in a viewer of WebRTC: its offer (SDP) is answered, with all candidates inside. `id` names the viewer from now on.
    ///
    /// # Errors
    /// It is not let in, or its offer cannot be answered.
    pub async fn offer(&self, rung: usize, id: &str, offer: Bytes) -> Result<String, WhepError> {
        let rungs = self.check(rung)?;
        let whep = rungs[rung].whep.as_ref().ok_or(WhepError::Off)?;
        whep.offer(id, offer, self.place(By::Whep)?).await
    }

    /// Lets a viewer of WebRTC go.
    pub async fn leave(&self, id: &str) {
        for whep in self.rungs.get().into_iter().flatten().filter_map(|rung| rung.whep.as_ref()) {
            whep.leave(id).await;
        }
    }

    /// What is shown now, and what comes.
    pub fn news(&self) -> (Now, broadcast::Receiver<Arc<str>>) {
        self.news.listen()
    }

    /// Tells everybody something.
    pub fn tell(&self, news: &Value) {
        self.news.tell(news);
    }

    /// Shows a page over the slide, or the slide again.
    pub fn show_page(&self, url: Option<&str>) {
        self.news.page(url, self.reached());
    }

    /// How far the programme has come.
    pub fn reached(&self) -> Time {
        Time(self.reached.load(Ordering::Relaxed))
    }

    /// The programme has ended; those who watch are told.
    pub fn has_ended(&self) -> bool {
        self.ended.load(Ordering::SeqCst)
    }

    pub(crate) fn set_rungs(&self, rungs: Vec<Rung>) {
        // A node starts once.
        let _ = self.rungs.set(rungs);
    }

    pub(crate) fn rungs(&self) -> &[Rung] {
        self.rungs.get().map_or(&[], Vec::as_slice)
    }

    pub(crate) fn bulletin(&self) -> &News {
        &self.news
    }

    pub(crate) fn reach(&self, time: Time) {
        self.reached.fetch_max(time.0, Ordering::Relaxed);
    }

    pub(crate) fn end(&self) {
        self.ended.store(true, Ordering::SeqCst);
        self.rungs().iter().for_each(|rung| rung.channel.end());
    }

    fn check(&self, rung: usize) -> Result<&[Rung], Refused> {
        let rungs = self.rungs.get().filter(|_| !self.has_ended()).ok_or(Refused::Closed)?;
        if rung >= rungs.len() {
            return Err(Refused::NoRung);
        }
        Ok(rungs)
    }

    fn place(&self, by: By) -> Result<Place, Refused> {
        Place::take(&self.counters, by, self.limit).ok_or(Refused::Full)
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let mut rooms = rooms();
        // Another one of this name may be open meanwhile.
        if rooms.get(&self.name).is_some_and(|room| room.strong_count() == 0) {
            rooms.remove(&self.name);
        }
    }
}

fn rooms() -> MutexGuard<'static, HashMap<String, Weak<Room>>> {
    ROOMS.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::media::tests::room;
    use super::*;

    #[test]
    fn no_more_are_let_in_than_there_are_places_however_many_come_at_once() {
        let room = room(5, 1);
        let start = std::sync::Barrier::new(32);
        let join = || {
            start.wait();
            room.join(0)
        };
        let joined: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..32).map(|_| scope.spawn(join)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(joined.iter().filter(|joined| joined.is_ok()).count(), 5);
        assert!(joined.iter().all(|joined| joined.as_ref().err().is_none_or(|refused| *refused == Refused::Full)));
        assert_eq!((room.viewers().mse, room.viewers().joined), (5, 5));
        drop(joined);
        assert_eq!(room.viewers().mse, 0);
        assert!(room.join(0).is_ok(), "a place that was left is free");
    }

    #[test]
    fn both_ways_of_watching_share_the_places_and_who_is_not_let_in_takes_none() {
        let room = room(2, 1);
        let (one, other) = (room.place(By::Whep), room.place(By::Mse));
        assert!(one.is_ok() && other.is_ok());
        assert_eq!((room.viewers().whep, room.viewers().mse), (1, 1));
        assert!(room.place(By::Whep).is_err() && room.join(0).is_err());
        drop(one);
        let offer = gstrswebrtc::RUNTIME.block_on(room.offer(0, "id", Bytes::from_static(b"v=0\r\n")));
        assert!(matches!(offer, Err(WhepError::Off)), "{offer:?}");
        assert_eq!(room.viewers().whep, 0);
        assert!(room.join(0).is_ok());
    }

    #[test]
    fn a_viewer_gets_the_rung_that_it_asks_for() {
        let room = room(10, 2);
        let (mut large, mut small) = (room.join(0).unwrap(), room.join(1).unwrap());
        assert_eq!(room.join(2).err(), Some(Refused::NoRung));
        for (rung, fragment) in ["large", "small"].into_iter().enumerate() {
            room.rungs()[rung].channel.send(&Bytes::from_static(fragment.as_bytes()), true, Time::ZERO);
        }
        for (viewer, due) in [(&mut large, "large"), (&mut small, "small")] {
            let mut next = || gstrswebrtc::RUNTIME.block_on(viewer.next()).unwrap();
            let (head, fragment) = (next(), next());
            assert!(matches!(head, Message::Init { .. }), "{head:?}");
            assert_eq!(fragment, Message::Fragment(Bytes::from_static(due.as_bytes())));
        }
        room.end();
        assert_eq!(gstrswebrtc::RUNTIME.block_on(small.next()), Some(Message::End));
        assert_eq!(room.join(0).err(), Some(Refused::Closed));
    }
}
