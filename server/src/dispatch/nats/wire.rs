//! What the server and its workers say to each other, and how they reach NATS.
//!
//! Two streams are kept on the disk of nats-server: LECTERN_WORK (`work.CLASS.PRIORITY`), from which each ticket is taken by one worker, and
//! LECTERN_DONE (`done.JOB`), into which workers put how stages ended. Everything else is asked and answered, or said once, and may be lost.

use crate::dispatch::Room;
use crate::jobs::Report;
use crate::ledger::{JobId, Ticket};
use crate::worker::{Class, Ended, StageError, Task};
use async_nats::jetstream::consumer::{AckPolicy, PullConsumer, pull};
use async_nats::jetstream::context::Context;
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::stream::{Config, RetentionPolicy, StorageType};
use async_nats::{Client, ConnectOptions};
use bytes::Bytes;
use futures_util::StreamExt;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Where workers ask the server.
pub const DESK: &str = "lectern.desk";
/// Where the server says which job is to stop.
pub const STOP: &str = "lectern.stop";
/// Where a worker that makes a film asks for help.
pub const HELP: &str = "lectern.help";
const WORK: &str = "LECTERN_WORK";
const DONE: &str = "LECTERN_DONE";
/// A ticket whose worker says nothing for so long is given to another one.
pub const SILENCE: Duration = Duration::from_secs(6);
/// How often a worker says that it is there.
pub const HELLO: Duration = Duration::from_secs(2);
/// A message that is published again within this time is the same message.
const TWICE: Duration = Duration::from_secs(120);

/// What a worker says to the server.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Say {
    /// It is there and can do so many stages at once.
    Hello {
        /// Its name.
        worker: String,
        /// How many stages it can do.
        room: Room,
    },
    /// It has taken a ticket and would begin.
    Begin {
        /// Its name.
        worker: String,
        /// What it has taken.
        ticket: Ticket,
        /// Files of jobs come to it by the store.
        #[serde(default)]
        by_store: bool,
    },
    /// How far it is.
    Progress {
        /// What it does.
        ticket: Ticket,
        /// How far.
        report: Report,
    },
}

/// What the server answers.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Yes, with this ticket: that of another attempt, where an earlier one was lost.
    Yes(Box<Ticket>),
    /// No: it is done, cancelled, or somebody else's.
    No,
    /// Somebody may still be at it; ask again in a while.
    Later,
}

/// How a stage ended.
#[derive(Debug, Serialize, Deserialize)]
pub struct Done {
    /// Which.
    pub ticket: Ticket,
    /// How.
    pub ended: Result<Ended, StageError>,
}

/// A job that is to stop.
#[derive(Debug, Serialize, Deserialize)]
pub struct Stopped {
    /// Which.
    pub job: JobId,
}

/// A film with which help is wanted.
#[derive(Debug, Serialize, Deserialize)]
pub struct Help {
    /// Who asks.
    pub worker: String,
    /// What it makes.
    pub ticket: Ticket,
}

/// Something was not said or not heard.
#[derive(Debug, thiserror::Error)]
#[error("NATS: {0}; see to it that nats-server runs with JetStream (-js) and can be reached")]
pub struct NatsError(String);

impl NatsError {
    fn of(error: impl std::fmt::Display) -> NatsError {
        NatsError(error.to_string())
    }
}

/// A connection, which comes back by itself.
#[derive(Clone)]
pub struct Link {
    client: Client,
    context: Context,
}

/// Whether a ticket has been in the stream before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Time {
    /// Not that anybody knows: of two such offers within two minutes the stream takes one.
    First,
    /// It has, and does not seem to be there any more.
    Again,
}

impl Link {
    /// Connects to an address, with a token where one is needed, and makes the streams if they are not there.
    ///
    /// # Errors
    /// It cannot be reached, or has no JetStream.
    pub async fn connect((url, token): (&str, Option<&str>), name: &str) -> Result<Link, NatsError> {
        let options = token.map_or_else(ConnectOptions::new, |token| ConnectOptions::with_token(token.into()));
        let options = options.name(name).request_timeout(Some(Duration::from_secs(5)));
        // The address may have a password in it.
        let place = url.rsplit('@').next().unwrap_or_default();
        let client = options.connect(url).await.map_err(|error| NatsError(format!("{place} cannot be reached: {error}")))?;
        let context = async_nats::jetstream::new(client.clone());
        for (name, subject) in [(WORK, "work.>"), (DONE, "done.>")] {
            let config = Config {
                name: name.into(),
                subjects: vec![subject.into()],
                retention: RetentionPolicy::WorkQueue,
                storage: StorageType::File,
                duplicate_window: TWICE,
                ..Config::default()
            };
            context.get_or_create_stream(config).await.map_err(NatsError::of)?;
        }
        Ok(Link { client, context })
    }

    /// Asks for the stream of work.
    ///
    /// # Errors
    /// There is no connection, or no such stream.
    pub async fn answers(&self) -> Result<(), NatsError> {
        self.context.get_stream(WORK).await.map(drop).map_err(NatsError::of)
    }

    /// Puts a ticket into the stream of work.
    ///
    /// # Errors
    /// It is not certain to be there.
    pub async fn offer(&self, ticket: &Ticket, time: Time) -> Result<(), NatsError> {
        let class = if Task::class_of(&ticket.task) == Class::Heavy { "heavy" } else { "light" };
        let Ticket { job, position, attempt, priority, .. } = ticket;
        let priority = if *priority < 0 { format!("low{}", -priority) } else { format!("p{priority}") };
        let first = format!("{job}/{position}/{attempt}");
        // The name of an inbox is one that nobody else has.
        let id = if time == Time::First { first } else { format!("{first}/{}", self.client.new_inbox()) };
        self.publish(&format!("work.{class}.{priority}"), &id, ticket).await
    }

    /// Puts the end of a stage into the stream of what is done.
    ///
    /// # Errors
    /// It is not certain to be there.
    pub async fn done(&self, done: &Done) -> Result<(), NatsError> {
        let Ticket { job, position, attempt, .. } = &done.ticket;
        self.publish(&format!("done.{job}"), &format!("done/{job}/{position}/{attempt}"), done).await
    }

    async fn publish(&self, subject: &str, id: &str, value: &impl Serialize) -> Result<(), NatsError> {
        let message = PublishMessage::build().message_id(id).payload(json(value));
        let kept = self.context.send_publish(subject.to_string(), message).await.map_err(NatsError::of)?;
        kept.await.map(drop).map_err(NatsError::of)
    }

    /// Where tickets of a class are taken.
    ///
    /// # Errors
    /// NATS does not give it.
    pub async fn work(&self, class: Class) -> Result<PullConsumer, NatsError> {
        let name = if class == Class::Heavy { "heavy" } else { "light" };
        self.consumer(WORK, name, &format!("work.{name}.>"), SILENCE).await
    }

    /// Where the ends of stages are taken.
    ///
    /// # Errors
    /// NATS does not give it.
    pub async fn ends(&self) -> Result<PullConsumer, NatsError> {
        self.consumer(DONE, "server", "done.>", Duration::from_secs(30)).await
    }

    async fn consumer(&self, stream: &str, name: &str, subject: &str, wait: Duration) -> Result<PullConsumer, NatsError> {
        let config = pull::Config {
            durable_name: Some(name.into()),
            filter_subject: subject.into(),
            ack_policy: AckPolicy::Explicit,
            ack_wait: wait,
            // The ledger counts how often a stage was lost, and ends it; a message that waits is no failure.
            max_deliver: -1,
            ..pull::Config::default()
        };
        let stream = self.context.get_stream(stream).await.map_err(NatsError::of)?;
        stream.get_or_create_consumer(name, config).await.map_err(NatsError::of)
    }

    /// Asks the server.
    ///
    /// # Errors
    /// It does not answer.
    pub async fn ask(&self, say: &Say) -> Result<Answer, NatsError> {
        let answer = self.client.request(DESK, json(say)).await.map_err(NatsError::of)?;
        read(&answer.payload)
    }

    /// Says something once.
    ///
    /// # Errors
    /// There is no connection.
    pub async fn say(&self, subject: &str, value: &impl Serialize) -> Result<(), NatsError> {
        self.client.publish(subject.to_string(), json(value)).await.map_err(NatsError::of)
    }

    /// Hears what is said; with the address for an answer where one is waited for.
    ///
    /// # Errors
    /// There is no connection.
    pub async fn hear<T: DeserializeOwned>(
        &self,
        subject: &str,
    ) -> Result<impl futures_util::Stream<Item = (T, Option<String>)> + use<T>, NatsError> {
        let heard = self.client.subscribe(subject.to_string()).await.map_err(NatsError::of)?;
        Ok(heard.filter_map(|message| async move {
            let reply = message.reply.map(|subject| subject.to_string());
            match read(&message.payload) {
                Ok(value) => Some((value, reply)),
                Err(error) => {
                    tracing::warn!(%error, subject = %message.subject, "something that cannot be read was said over NATS");
                    None
                }
            }
        }))
    }
}

fn json(value: &impl Serialize) -> Bytes {
    serde_json::to_vec(value).expect("plain data").into()
}

/// Reads what another one wrote.
///
/// # Errors
/// It is something else.
pub fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, NatsError> {
    serde_json::from_slice(bytes).map_err(NatsError::of)
}
