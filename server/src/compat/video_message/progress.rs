//! How a task goes, in the words of the other system: what the ledger says of its job, by WebSocket and Server-Sent Events. First what has
//! happened, then what happens.
//!
//! Some clients read stage, percentage and message inside `data`, others beside it, others `data.progress`: all of them are there.

use super::{find, service};
use crate::compat::door::Visitor;
use crate::compat::fastapi::Refusal;
use crate::http::{App, Closing, Follower, News, PROTOCOL, close, send};
use crate::ledger::{Event, EventKind, Job, JobError, JobState, StageState, Timestamp};
use axum::Extension;
use axum::extract::ws::{Message as Frame, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, State as Shared};
use axum::http::{HeaderName, header};
use axum::response::sse::{Event as Sent, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{self, StreamExt};
use serde_json::{Value, json};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

/// A line on which nothing happens for so long is told to be open.
const BEAT: Duration = Duration::from_secs(30);
/// Followers say nothing.
const LONGEST: usize = 4 << 10;

/// A name of the other system, and how much of the whole is done then.
type Mark = (&'static str, i64);

/// What has happened before any stage begins.
const BEGINNING: [(Mark, &str); 2] =
    [(("initialized", 0), "the task is there"), (("upload_complete", 20), "picture and recording have come")];
/// Stages by their names here, and what they are called there while they go on and once they are done.
const STAGES: [(&str, Mark, Mark); 1] = [("detection", ("detection_running", 25), ("detection_complete", 40))];

/// Where a task stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    pub stage: &'static str,
    /// 0 to 100, or -1 where it failed or was stopped.
    pub percent: i64,
    /// For people.
    pub message: String,
}

impl Standing {
    fn new((stage, percent): Mark, message: impl Into<String>) -> Standing {
        Standing { stage, percent, message: message.into() }
    }

    /// Of a job.
    pub fn of(job: &Job) -> Standing {
        let current = job.current();
        match (job.state, current) {
            (JobState::Pending | JobState::Processing, Some(stage)) if stage.state == StageState::Processing => {
                running(&stage.name, stage.progress, &stage.title).unwrap_or_else(|| done(job))
            }
            (JobState::Pending | JobState::Processing, _) => done(job),
            (state, _) => ended(state, job.error.as_ref()),
        }
    }
}

/// The last of what is done.
fn done(job: &Job) -> Standing {
    let finished = job.stages.iter().rev().find(|stage| stage.state.is_done());
    let mark = finished.and_then(|finished| STAGES.iter().find(|(name, ..)| *name == finished.name)).map(|(.., complete)| *complete);
    let [_, (upload, message)] = BEGINNING;
    mark.map_or_else(|| Standing::new(upload, message), |mark| Standing::new(mark, "waiting for the next step"))
}

/// A stage that goes on, so far.
fn running(stage: &str, progress: f64, message: &str) -> Option<Standing> {
    let (_, (name, from), (_, to)) = STAGES.iter().find(|(name, ..)| *name == stage)?;
    let further = (to - from) as f64 * progress.clamp(0.0, 1.0);
    Some(Standing::new((name, from + further.round() as i64), message))
}

/// A task that is over, with the error of one that failed.
fn ended(state: JobState, error: Option<&JobError>) -> Standing {
    match state {
        JobState::Completed => Standing::new(("completed", 100), "the film is done"),
        JobState::Cancelled => Standing::new(("cancelled", -1), "the task was stopped"),
        _ => Standing::new(("failed", -1), error.map_or_else(|| "it failed".into(), JobError::text)),
    }
}

/// The names of all that a job has done.
pub fn completed(job: &Job) -> Vec<&'static str> {
    let is_done = |name: &str| job.stages.iter().any(|stage| stage.name == name && stage.state.is_done());
    let stages = STAGES.iter().filter(|(name, ..)| is_done(name)).map(|(.., (complete, _))| *complete);
    let end = (job.state == JobState::Completed).then_some("completed");
    BEGINNING.iter().map(|((name, _), _)| *name).chain(stages).chain(end).collect()
}

/// A message to a follower: its type, and what it says.
type Message = (&'static str, Standing);

/// What an event tells; what only this server would understand is left out.
fn messages(event: &Event) -> Vec<Message> {
    let data = &event.data;
    let text = |name: &str| data[name].as_str().unwrap_or_default();
    let stage = STAGES.iter().find(|(name, ..)| *name == text("stage"));
    let message = match (event.kind, stage) {
        (EventKind::StageUpdate, None) if text("message") == "submitted" => {
            return BEGINNING.map(|(mark, message)| ("stage_update", Standing::new(mark, message))).into();
        }
        (EventKind::StageUpdate, Some((name, running, complete))) => match StageState::of(text("stage_state")) {
            Some(StageState::Processing) => Some(("stage_update", Standing::new(*running, format!("{name} has begun")))),
            Some(state) if state.is_done() => Some(("stage_update", Standing::new(*complete, format!("{name} is done")))),
            _ => None,
        },
        (EventKind::ProgressUpdate, Some((name, ..))) => {
            running(name, data["progress"].as_f64().unwrap_or(0.0), text("message")).map(|standing| ("progress_update", standing))
        }
        (EventKind::Error, Some((name, ..))) => data["retry_in_seconds"].as_f64().and_then(|seconds| {
            running(name, 0.0, &format!("{}; it is tried again in {seconds} s", text("detail")))
                .map(|standing| ("progress_update", standing))
        }),
        (EventKind::Complete, _) => {
            let state = JobState::of(text("state")).unwrap_or(JobState::Failed);
            let kind = if state == JobState::Completed { "complete" } else { "error" };
            let error: Option<JobError> = serde_json::from_value(data["error"].clone()).ok();
            Some((kind, ended(state, error.as_ref())))
        }
        _ => None,
    };
    message.into_iter().collect()
}

/// The message as its clients know it.
fn written(task: &str, at: Timestamp, (kind, standing): &Message) -> Value {
    let Standing { stage, percent, message } = standing;
    let mut data = json!({ "stage": stage, "progress_percent": percent, "progress": percent, "message": message, "metadata": null });
    if *kind == "error" {
        data["error"] = json!(message);
    }
    json!({
        "task_id": task, "event_type": kind, "data": data, "timestamp": at, "stage": stage, "progress_percent": percent, "message": message,
    })
}

fn beat(task: &str) -> Value {
    json!({ "task_id": task, "event_type": "heartbeat", "data": { "message": "the line is open" }, "timestamp": Timestamp::now() })
}

/// One who follows a task.
struct Listener {
    task: String,
    follower: Follower,
}

impl Listener {
    fn new(app: Arc<App>, visitor: Visitor, id: &str) -> Result<Listener, Refusal> {
        let service = service(&app)?;
        let job = find(&service, &visitor, id)?.id;
        let claims = match visitor {
            Visitor::Anybody => None,
            Visitor::Known(claims) => Some(claims),
        };
        Ok(Listener { task: job.to_string(), follower: Follower::new(app, service, claims, (job, 0), BEAT) })
    }

    /// What comes next, and whether it is the last; or why nothing more comes.
    async fn next(&mut self) -> Result<(Vec<Value>, bool), Closing> {
        match self.follower.next().await {
            News::Event(event) => {
                let is_last = self.follower.is_last(&event);
                // The end of a try before this one is no news.
                let told = if event.kind == EventKind::Complete && !is_last { Vec::new() } else { messages(&event) };
                Ok((told.iter().map(|message| written(&self.task, event.at, message)).collect(), is_last))
            }
            News::Beat => Ok((vec![beat(&self.task)], false)),
            News::Over(Some(error)) => Err(error.into()),
            News::Over(None) => Err(Closing::new(1001, "the server is ending")),
        }
    }
}

pub async fn socket(
    Shared(app): Shared<Arc<App>>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    ws: WebSocketUpgrade,
) -> Result<Response, Refusal> {
    let listener = Listener::new(app, visitor, &id)?;
    Ok(ws.protocols([PROTOCOL]).max_message_size(LONGEST).on_upgrade(move |mut socket| async move {
        let closing = tell(listener, &mut socket).await.err().unwrap_or_else(|| Closing::new(1000, "the task is over"));
        close(socket, closing).await;
    }))
}

async fn tell(mut listener: Listener, socket: &mut WebSocket) -> Result<(), Closing> {
    loop {
        tokio::select! {
            told = listener.next() => {
                let (messages, is_last) = told?;
                for message in messages {
                    send(socket, Frame::Text(message.to_string().into())).await?;
                }
                if is_last {
                    return Ok(());
                }
            }
            frame = socket.recv() => match frame {
                Some(Ok(Frame::Close(_)) | Err(_)) | None => return Err(Closing::new(1000, "")),
                Some(Ok(_)) => {}
            },
        }
    }
}

pub async fn events(
    Shared(app): Shared<Arc<App>>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    let listener = Listener::new(app, visitor, &id)?;
    let told = stream::unfold(Some(listener), |listener| async move {
        let mut listener = listener?;
        let (messages, is_last) = listener.next().await.ok()?;
        Some((stream::iter(messages), (!is_last).then_some(listener)))
    });
    let events = told.flatten().map(|message| {
        let sent = Sent::default().data(message.to_string());
        // The end has a name; all else is what a page hears as `message`.
        Ok::<_, Infallible>(if message["event_type"] == "complete" { sent.event("complete") } else { sent })
    });
    Ok(([(header::CACHE_CONTROL, "no-cache"), (HeaderName::from_static("x-accel-buffering"), "no")], Sse::new(events)).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::following::{LONG, SHORT, Work};
    use crate::ledger::{ErrorClass, JobId};
    use futures_util::FutureExt;
    use std::future::pending;

    fn told(kind: EventKind, data: Value) -> Vec<(&'static str, &'static str, i64)> {
        let event = Event { seq: 1, job: JobId::default(), at: Timestamp(0), kind, data };
        messages(&event).into_iter().map(|(kind, standing)| (kind, standing.stage, standing.percent)).collect()
    }

    #[test]
    fn events_become_stages_with_their_percentages() {
        let submitted = told(EventKind::StageUpdate, json!({ "message": "submitted", "state": "pending" }));
        assert_eq!(submitted, [("stage_update", "initialized", 0), ("stage_update", "upload_complete", 20)]);
        let stage = |state: &str| told(EventKind::StageUpdate, json!({ "stage": "detection", "stage_state": state }));
        assert_eq!(stage("processing"), [("stage_update", "detection_running", 25)]);
        assert_eq!(stage("completed"), [("stage_update", "detection_complete", 40)]);
        assert!(stage("pending").is_empty() && stage("failed").is_empty(), "the end tells it");
        let progress = told(EventKind::ProgressUpdate, json!({ "stage": "detection", "progress": 0.5, "message": "looking" }));
        assert_eq!(progress, [("progress_update", "detection_running", 33)]);
        let error = |again: Value| told(EventKind::Error, json!({ "stage": "detection", "detail": "x", "retry_in_seconds": again }));
        assert_eq!((error(json!(2.0)), error(json!(null))), (vec![("progress_update", "detection_running", 25)], vec![]));
        let end = |state: &str| told(EventKind::Complete, json!({ "state": state, "error": null }));
        assert_eq!(end("completed"), [("complete", "completed", 100)]);
        assert_eq!((end("failed"), end("cancelled")), (vec![("error", "failed", -1)], vec![("error", "cancelled", -1)]));
        assert!(told(EventKind::StageUpdate, json!({ "stage": "another", "stage_state": "processing" })).is_empty());
    }

    #[test]
    fn a_message_says_it_wherever_its_clients_look() {
        let error = JobError::new(ErrorClass::Permanent, "nobody", "nobody is there", "send another picture");
        let message = ("error", ended(JobState::Failed, Some(&error)));
        let said = written("t", Timestamp(1_770_112_872_130), &message);
        assert_eq!(
            (&said["task_id"], &said["event_type"], &said["timestamp"]),
            (&json!("t"), &json!("error"), &json!("2026-02-03T10:01:12.13Z"))
        );
        for place in [&said, &said["data"]] {
            assert_eq!((&place["stage"], &place["progress_percent"]), (&json!("failed"), &json!(-1)));
            assert_eq!(place["message"], "nobody is there; send another picture");
        }
        assert_eq!((&said["data"]["error"], &said["data"]["progress"]), (&said["message"], &json!(-1)));
    }

    #[tokio::test]
    async fn a_line_on_which_nothing_happens_is_told_to_be_open() {
        assert_eq!(BEAT, Duration::from_secs(30));
        let work = Work::begun("detection").await;
        let follower = Follower::on(&work.ledger, (work.job(), 0), Box::new(|| Ok(())), pending().boxed(), (SHORT, LONG));
        let mut listener = Listener { task: work.job().to_string(), follower };
        let mut kinds = Vec::new();
        while kinds.last().is_none_or(|kind| kind != "heartbeat") {
            let (messages, is_last) = listener.next().await.unwrap();
            assert!(!is_last);
            for message in messages {
                assert_eq!(message["task_id"], work.job().to_string());
                kinds.push(message["event_type"].as_str().unwrap().to_string());
            }
        }
        assert_eq!(kinds, ["stage_update", "stage_update", "stage_update", "heartbeat"]);
    }
}
