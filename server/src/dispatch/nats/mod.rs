//! Stages done by workers on any machine, which take them from a NATS JetStream.
//!
//! The order in which tickets are given out is made here: never more are in the stream than the workers that are there have room for. A
//! worker takes one, asks whether it may begin, and says how it ended; both go by the ledger, so a message that is lost or comes twice
//! changes nothing. A worker that dies stops confirming its message, which NATS then gives to another one; the attempt counts as lost. A ticket
//! of which nobody speaks is put into the stream once more: nats-server forgets some of what it had in hand when it is killed, and takes what
//! it has seen before under the same name for a double, even where a server that has just started offers it in good faith.
//!
//! Workers read and write the server's own folders, or, with a [`Transfer`], share nothing with it but the store of artifacts.

mod wire;

pub use wire::{Answer, DESK, Done, HELLO, HELP, Help, Link, NatsError, STOP, Say, Stopped, read};

use super::lanes::{Key, Lanes, Room, key};
use super::{Dispatch, Silent, after, until};
use crate::artifacts::StoreError;
use crate::jobs::Desk;
use crate::ledger::{JobId, LedgerError, Ticket};
use crate::worker::Transfer;
use async_nats::jetstream::consumer::PullConsumer;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt};
use std::collections::HashMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use wire::{SILENCE, Time};

/// How long a cancelled job's workers have to stop.
const STOPPING: Duration = Duration::from_secs(1);
/// How long until something is tried again that did not work.
const AGAIN: Duration = Duration::from_secs(1);
/// The same for the store, which has more to do.
const STORE_AGAIN: Duration = Duration::from_secs(5);
/// A ticket of which nobody has spoken for so long goes into the stream again: NATS has had the time to give it to a second worker.
const FORGOTTEN: Duration = SILENCE.saturating_mul(2);

/// See the module docs. Dropping it ends what listens.
pub struct Nats {
    office: Arc<Office>,
    _listeners: JoinSet<()>,
}

struct Office {
    desk: Desk,
    link: Link,
    /// How files of jobs go to workers that share no folder with this server.
    transfer: Option<Transfer>,
    runtime: Handle,
    state: Mutex<State>,
    /// A stage is out no more.
    ended: Notify,
    started: Instant,
}

struct State {
    lanes: Lanes<Held>,
    workers: HashMap<String, (Room, Instant)>,
}

/// A stage that is in the stream, or at a worker.
struct Held {
    ticket: Ticket,
    /// When it was put into the stream last.
    offered: Instant,
    /// When its worker said something last; `None`: it waits in the stream.
    heard: Option<Instant>,
}

impl Held {
    fn is_forgotten(&self) -> bool {
        self.heard.unwrap_or(self.offered).max(self.offered).elapsed() > FORGOTTEN
    }
}

impl Nats {
    /// Begins to listen to workers at an address, with a token where NATS asks for one; with a transfer, to those that share no folder with
    /// this server.
    ///
    /// # Errors
    /// NATS cannot be reached.
    pub async fn start(queue: (&str, Option<&str>), desk: Desk, transfer: Option<Transfer>, runtime: Handle) -> Result<Nats, NatsError> {
        let link = Link::connect(queue, "lectern serve").await?;
        let questions = link.hear::<Say>(DESK).await?;
        let ends = link.ends().await?;
        let state = Mutex::new(State { lanes: Lanes::new(Room::default()), workers: HashMap::new() });
        let office = Office { desk, link, transfer, runtime, state, ended: Notify::new(), started: Instant::now() };
        let office = Arc::new(office);
        let mut listeners = JoinSet::new();
        listeners.spawn_on(office.clone().answer(questions), &office.runtime);
        listeners.spawn_on(office.clone().take_ends(ends), &office.runtime);
        listeners.spawn_on(office.clone().count_workers(), &office.runtime);
        Ok(Nats { office, _listeners: listeners })
    }
}

impl Dispatch for Nats {
    fn offer(&self, ticket: Ticket, pause: Duration) {
        self.office.offer(ticket, pause);
    }

    fn cancel(&self, job: JobId) -> BoxFuture<'_, ()> {
        async move {
            {
                let mut state = self.office.lock();
                state.lanes.forget(job);
                // What nobody has begun is turned away when somebody would.
                let waits: Vec<Key> =
                    state.lanes.out().filter(|(key, held)| key.0 == job && held.heard.is_none()).map(|(key, _)| key).collect();
                waits.into_iter().for_each(|key| drop(state.lanes.done(key)));
            }
            if let Err(error) = self.office.link.say(STOP, &Stopped { job }).await {
                // Its worker hears it when it next says how far it is.
                tracing::warn!(%error, %job, "workers were not told to stop");
            }
            let stopped = self.office.until(move |state| !state.lanes.out().any(|(key, _)| key.0 == job));
            if tokio::time::timeout(STOPPING, stopped).await.is_err() {
                tracing::warn!(%job, "a worker does not say that it has stopped");
            }
            self.office.remove_made(job).await;
            self.office.pump();
        }
        .boxed()
    }

    fn forget(&self, job: JobId) -> BoxFuture<'_, ()> {
        async move {
            if let Some(transfer) = &self.office.transfer {
                removed(job, transfer.remove(job).await);
            }
        }
        .boxed()
    }

    fn drain(&self) -> BoxFuture<'_, ()> {
        // Workers go on, and what they say waits in the stream.
        self.office.lock().lanes.drain();
        std::future::ready(()).boxed()
    }

    fn is_draining(&self) -> bool {
        self.office.lock().lanes.is_draining()
    }

    fn answers(&self) -> BoxFuture<'_, Result<(), Silent>> {
        async move {
            if self.is_draining() {
                return Err(Silent::Draining);
            }
            Ok(self.office.link.answers().await?)
        }
        .boxed()
    }

    fn outlives_the_server(&self) -> bool {
        true
    }
}

impl Office {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn until(&self, is_so: impl Fn(&mut State) -> bool + Send) {
        until(&self.ended, move || is_so(&mut self.lock())).await;
    }

    fn offer(self: &Arc<Office>, ticket: Ticket, pause: Duration) {
        let office = self.clone();
        after(&self.runtime, pause, move || {
            office.lock().lanes.push(ticket);
            office.pump();
        });
    }

    /// Gives out what there is room for.
    fn pump(self: &Arc<Office>) {
        loop {
            let next = self.lock().lanes.next(|ticket| Held { ticket: ticket.clone(), offered: Instant::now(), heard: None });
            let Some(ticket) = next else { return };
            let office = self.clone();
            self.runtime.spawn(async move {
                office.give(&ticket).await;
                while let Err(error) = office.link.offer(&ticket, Time::First).await {
                    tracing::warn!(%error, "a stage was not given out; trying again");
                    tokio::time::sleep(AGAIN).await;
                }
            });
        }
    }

    /// Sees to it that workers elsewhere find what the job was given, as long as the stage waits for that.
    async fn give(&self, ticket: &Ticket) {
        let Some(transfer) = &self.transfer else { return };
        while let Err(error) = transfer.give(ticket.job).await {
            tracing::warn!(%error, job = %ticket.job, "a job's files were not put into the store; trying again");
            tokio::time::sleep(STORE_AGAIN).await;
            if !self.lock().lanes.out().any(|(its, _)| its == key(ticket)) {
                return;
            }
        }
    }

    async fn remove_made(&self, job: JobId) {
        if let Some(transfer) = &self.transfer {
            removed(job, transfer.remove_made(job).await);
        }
    }

    fn done(self: &Arc<Office>, key: Key) {
        self.lock().lanes.done(key);
        self.ended.notify_waiters();
        self.pump();
    }

    async fn answer(self: Arc<Office>, questions: impl futures_util::Stream<Item = (Say, Option<String>)> + Send + 'static) {
        let mut questions = pin!(questions);
        while let Some((say, reply)) = questions.next().await {
            let office = self.clone();
            // One that waits for the disk keeps nobody else waiting.
            self.runtime.spawn(async move {
                let answer = office.hear(say).await;
                if let (Some(answer), Some(reply)) = (answer, reply)
                    && let Err(error) = office.link.say(&reply, &answer).await
                {
                    tracing::warn!(%error, "a worker was not answered");
                }
            });
        }
    }

    async fn hear(self: &Arc<Office>, say: Say) -> Option<Answer> {
        match say {
            Say::Hello { worker, room } => {
                self.lock().workers.insert(worker, (room, Instant::now()));
                self.make_room();
                None
            }
            // Without an answer the worker asks again.
            Say::Begin { worker, by_store, ticket } if by_store != self.transfer.is_some() => {
                self.of(&ticket, |held| held.offered = Instant::now());
                let cure = if by_store {
                    "start the server with --store, too; a folder will do where workers name the server itself"
                } else {
                    "give it the --store of this server"
                };
                tracing::error!(worker, "a worker cannot reach the files of jobs; {cure}");
                Some(Answer::Later)
            }
            Say::Begin { worker, ticket, .. } => self.begin(&ticket, &worker).await.inspect_err(|error| tracing::error!(%error)).ok(),
            Say::Progress { ticket, report } => {
                let ours = self.desk.hear(&ticket, report).await;
                self.of(&ticket, |held| held.heard = Some(Instant::now()));
                Some(if ours { Answer::Yes(Box::new(ticket)) } else { Answer::No })
            }
        }
    }

    async fn begin(self: &Arc<Office>, ticket: &Ticket, worker: &str) -> Result<Answer, LedgerError> {
        if self.desk.begin(ticket, worker).await? {
            return Ok(self.hold(ticket, ticket.clone()));
        }
        if !self.desk.is_held(ticket)? {
            self.done(key(ticket));
            return Ok(Answer::No);
        }
        // Somebody began with it. Who may still be at it has a little time to say so.
        let heard = self.of(ticket, |held| held.heard).flatten();
        if heard.unwrap_or(self.started).elapsed() < SILENCE {
            return Ok(Answer::Later);
        }
        match self.desk.lose(ticket).await? {
            Some(next) if self.desk.begin(&next, worker).await? => Ok(self.hold(ticket, next)),
            _ => {
                self.done(key(ticket));
                Ok(Answer::No)
            }
        }
    }

    /// What there is to say of a ticket that is out.
    fn of<T>(&self, ticket: &Ticket, say: impl FnOnce(&mut Held) -> T) -> Option<T> {
        let its = key(ticket);
        self.lock().lanes.out().find(|(key, _)| *key == its).map(|(_, held)| say(held))
    }

    /// A worker has begun.
    fn hold(self: &Arc<Office>, given: &Ticket, begun: Ticket) -> Answer {
        let mut state = self.lock();
        state.lanes.done(key(given));
        state.lanes.hold(&begun, Held { ticket: begun.clone(), offered: Instant::now(), heard: Some(Instant::now()) });
        Answer::Yes(Box::new(begun))
    }

    async fn take_ends(self: Arc<Office>, ends: PullConsumer) {
        loop {
            let mut messages = match ends.messages().await {
                Ok(messages) => messages,
                Err(error) => {
                    tracing::warn!(%error, "ends of stages are not heard; trying again");
                    tokio::time::sleep(AGAIN).await;
                    continue;
                }
            };
            while let Some(Ok(message)) = messages.next().await {
                match read::<Done>(&message.payload) {
                    Ok(Done { ticket, ended }) => {
                        let next = self.desk.sign_off(&ticket, ended).await;
                        if let Some((ticket, pause)) = next {
                            self.offer(ticket, pause);
                        }
                        self.done(key(&ticket));
                        if self.transfer.is_some() && self.desk.is_completed(ticket.job).unwrap_or(false) {
                            let office = self.clone();
                            self.runtime.spawn(async move { office.remove_made(ticket.job).await });
                        }
                    }
                    Err(error) => tracing::error!(%error, "an end of a stage cannot be read and is left out"),
                }
                // It is on the disk; said again, it changes nothing.
                if let Err(error) = message.ack().await {
                    tracing::warn!(%error, "an end of a stage will come again");
                }
            }
        }
    }

    /// Workers that say nothing are not there.
    async fn count_workers(self: Arc<Office>) {
        loop {
            tokio::time::sleep(HELLO).await;
            self.lock().workers.retain(|_, (_, heard)| heard.elapsed() < SILENCE);
            self.make_room();
            self.offer_again();
        }
    }

    /// Offers anew what is forgotten, as long as somebody is there who could take it: whoever does hears what the ledger says to it.
    fn offer_again(self: &Arc<Office>) {
        let mut state = self.lock();
        if state.workers.is_empty() {
            return;
        }
        for (_, held) in state.lanes.out().filter(|(_, held)| held.is_forgotten()) {
            held.offered = Instant::now();
            let (office, ticket) = (self.clone(), held.ticket.clone());
            self.runtime.spawn(async move {
                match office.link.offer(&ticket, Time::Again).await {
                    Ok(()) => tracing::info!(job = %ticket.job, stage = ticket.stage, "nobody spoke of a stage; it was given out again"),
                    Err(error) => tracing::warn!(%error, "a stage was not given out again"),
                }
            });
        }
    }

    fn make_room(self: &Arc<Office>) {
        {
            let mut state = self.lock();
            let room = state
                .workers
                .values()
                .fold(Room::default(), |all, (room, _)| Room { heavy: all.heavy + room.heavy, light: all.light + room.light });
            state.lanes.set_room(room);
        }
        self.pump();
    }
}

fn removed(job: JobId, removed: Result<(), StoreError>) {
    if let Err(error) = removed {
        tracing::warn!(%error, %job, "files of a job stay in the store until their time is over");
    }
}
