//! A worker that takes its stages from NATS, on this machine or another one.

use super::helping::{ASK, Helping};
use super::{Class, Perform, Stop, Task, TimeLimits, attempt};
use crate::dispatch::{Answer, DESK, Done, HELLO, HELP, Help, Key, Link, NatsError, Room, STOP, Say, Stopped, key, read};
use crate::ledger::Ticket;
use async_nats::jetstream::consumer::PullConsumer;
use async_nats::jetstream::{AckKind, Message};
use futures_util::StreamExt;
use std::collections::HashMap;
use std::convert::Infallible;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// How long a request for work waits for some.
const FETCH: Duration = Duration::from_secs(5);
/// How long until something is tried again that did not work.
const AGAIN: Duration = Duration::from_secs(1);
/// How long a ticket rests at which somebody else may still be.
const REST: Duration = Duration::from_secs(2);
/// So long a film is made alone: one that is short, or lies in the cache, is ready before others have begun.
const WAIT: Duration = Duration::from_millis(200);
/// At the end: how long the last words may take.
const LAST: Duration = Duration::from_secs(5);

/// See the module docs.
pub struct Station {
    link: Link,
    worker: Arc<dyn Perform>,
    name: String,
    room: Room,
    limits: TimeLimits,
    /// What is being done, and how to stop it.
    stops: Mutex<HashMap<Key, watch::Sender<bool>>>,
    closing: watch::Receiver<bool>,
    helping: Arc<Helping>,
}

impl Station {
    /// Connects to an address, with a token where NATS asks for one. `name` is what the ledger calls it; `closing` says when it is to end.
    ///
    /// # Errors
    /// NATS cannot be reached.
    pub async fn open(
        queue: (&str, Option<&str>),
        name: &str,
        worker: Arc<dyn Perform>,
        (room, limits): (Room, TimeLimits),
        closing: watch::Receiver<bool>,
    ) -> Result<Station, NatsError> {
        let link = Link::connect(queue, name).await?;
        let helping = Helping::new(worker.clone());
        Ok(Station { link, worker, name: name.into(), room, limits, stops: Mutex::default(), closing, helping })
    }

    /// Works until it is to end; then gives back what it is at.
    ///
    /// # Errors
    /// NATS does not give it work.
    pub async fn run(self) -> Result<(), NatsError> {
        let station = Arc::new(self);
        let stops = station.link.hear::<Stopped>(STOP).await?;
        let mut beside = JoinSet::new();
        beside.spawn(station.clone().say_hello());
        beside.spawn(station.clone().listen(stops));
        beside.spawn(station.clone().help(station.link.hear::<Help>(HELP).await?));
        let mut slots = JoinSet::new();
        for (class, count) in [(Class::Heavy, station.room.heavy), (Class::Light, station.room.light)] {
            let work = station.link.work(class).await?;
            for _ in 0..count {
                slots.spawn(station.clone().slot(work.clone()));
            }
        }
        slots.join_all().await;
        station.helping.stop();
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, watch::Sender<bool>>> {
        self.stops.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn say_hello(self: Arc<Station>) {
        loop {
            let hello = Say::Hello { worker: self.name.clone(), room: self.room };
            if let Err(error) = self.link.say(DESK, &hello).await {
                tracing::warn!(%error, "the server does not hear that this worker is there");
            }
            tokio::time::sleep(HELLO).await;
        }
    }

    async fn listen(self: Arc<Station>, stops: impl futures_util::Stream<Item = (Stopped, Option<String>)> + Send + 'static) {
        let mut stops = pin!(stops);
        while let Some((Stopped { job }, _)) = stops.next().await {
            self.helping.leave(job);
            self.lock().iter().filter(|(key, _)| key.0 == job).for_each(|(_, stop)| _ = stop.send_replace(true));
        }
    }

    /// Helps where help is asked for, as long as there is nothing else to do.
    async fn help(self: Arc<Station>, asked: impl futures_util::Stream<Item = (Help, Option<String>)> + Send + 'static) {
        let mut asked = pin!(asked);
        let mut look = tokio::time::interval(ASK);
        loop {
            tokio::select! {
                heard = asked.next() => match heard {
                    Some((help, _)) if help.worker != self.name && !*self.closing.borrow() => self.helping.asked(help.ticket),
                    Some(_) => {}
                    None => return,
                },
                _ = look.tick() => self.helping.look(),
            }
        }
    }

    /// Asks for help with a film, again and again.
    async fn ask_for_help(&self, ticket: &Ticket) -> Infallible {
        let help = Help { worker: self.name.clone(), ticket: ticket.clone() };
        let mut again = tokio::time::interval_at(tokio::time::Instant::now() + WAIT, ASK);
        loop {
            again.tick().await;
            if let Err(error) = self.link.say(HELP, &help).await {
                tracing::debug!(%error, "nobody hears that help is wanted");
            }
        }
    }

    /// Does one stage after the other.
    async fn slot(self: Arc<Station>, work: PullConsumer) {
        let mut closing = self.closing.clone();
        loop {
            let taken = tokio::select! {
                _ = closing.wait_for(|closing| *closing) => return,
                taken = take(&work) => taken,
            };
            match taken {
                Ok(Some(message)) => self.handle(&message).await,
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(error, "there is no work to be had; trying again");
                    tokio::time::sleep(AGAIN).await;
                }
            }
        }
    }

    async fn handle(&self, message: &Message) {
        let answer = match read::<Ticket>(&message.payload) {
            Ok(ticket) => {
                let by_store = self.worker.is_by_store();
                self.link.ask(&Say::Begin { worker: self.name.clone(), ticket, by_store }).await
            }
            Err(error) => {
                tracing::error!(%error, "a ticket cannot be read and is thrown away");
                Ok(Answer::No)
            }
        };
        let kind = match answer {
            Ok(Answer::Yes(ticket)) => {
                self.make(&ticket, message).await;
                AckKind::Ack
            }
            Ok(Answer::No) => AckKind::Ack,
            Ok(Answer::Later) => AckKind::Nak(Some(REST)),
            Err(error) => {
                tracing::warn!(%error, "the server does not answer");
                AckKind::Nak(Some(AGAIN))
            }
        };
        if let Err(error) = message.ack_with(kind).await {
            tracing::warn!(%error, "a ticket will come again");
        }
    }

    /// Does a stage, and says how it ended until that is certain to be known.
    async fn make(&self, ticket: &Ticket, message: &Message) {
        let (stop, stopped) = watch::channel(false);
        self.lock().insert(key(ticket), stop);
        let tell = |report| async move {
            // Not confirmed for a while, the ticket would go to somebody else.
            if let Err(error) = message.ack_with(AckKind::Progress).await {
                tracing::warn!(%error, "a ticket is not confirmed");
            }
            // A server that is away for a moment has not said that it is somebody else's.
            !matches!(self.link.ask(&Say::Progress { ticket: ticket.clone(), report }).await, Ok(Answer::No))
        };
        let stop = Stop::new(stopped).or(self.closing.clone());
        let _own = (Task::class_of(&ticket.task) == Class::Heavy).then(|| self.helping.own());
        let attempt = attempt(&*self.worker, ticket, stop, self.limits.of(&ticket.task), tell);
        let ended = match Task::name_of(&ticket.task) == "render" {
            true => tokio::select! {
                ended = attempt => ended,
                never = self.ask_for_help(ticket) => match never {},
            },
            false => attempt.await,
        };
        let done = Done { ticket: ticket.clone(), ended };
        let said = async {
            while let Err(error) = self.link.done(&done).await {
                tracing::warn!(%error, "the end of a stage is not heard; trying again");
                tokio::time::sleep(AGAIN).await;
            }
        };
        let mut closing = self.closing.clone();
        let last = async {
            let _ = closing.wait_for(|closing| *closing).await;
            tokio::time::sleep(LAST).await;
        };
        tokio::select! {
            () = said => {}
            () = last => tracing::error!(job = %ticket.job, "the server does not hear how a stage ended; it will be done again"),
        }
        self.lock().remove(&key(ticket));
    }
}

/// Takes one ticket, if there is one within a while.
async fn take(work: &PullConsumer) -> Result<Option<Message>, String> {
    let mut batch = work.fetch().max_messages(1).expires(FETCH).messages().await.map_err(|error| error.to_string())?;
    batch.next().await.transpose().map_err(|error| error.to_string())
}
