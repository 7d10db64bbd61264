//! The same tests over both dispatchers: what is promised of jobs does not depend on who does them.

use super::*;
use crate::dispatch::{Local, Nats, Room, Slots};
use crate::ledger::ErrorClass;
use crate::worker::{Ended, Perform, StageError, Station, Stop, TimeLimits};
use engine::graph::unit::DurationSetting;
use engine::time::Span;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all};
use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Instant;
use tempfile::TempDir;
use tokio::sync::{Semaphore, mpsc, watch};

macro_rules! by_both {
    ($($test:ident)+) => {
        mod local {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::$test(super::By::Local).await;
            })+
        }
        mod nats {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::$test(super::By::Nats).await;
            })+
        }
    };
}

by_both! {
    a_job_is_done_stage_by_stage
    what_may_work_the_next_time_is_tried_again_and_what_may_not_is_not
    a_cancelled_job_stops_and_makes_room
    what_a_server_puts_back_goes_on_at_the_next_start
    owners_share_the_slots
    a_stage_that_takes_too_long_or_panics_fails
    jobs_that_make_no_sense_are_not_taken
    a_held_job_begins_when_it_is_started
    a_hundred_jobs_ten_at_once_all_succeed
}

#[path = "../../../tests/support/nats.rs"]
mod nats_server;
use nats_server::NatsServer;

/// Does what it is told, and tells what it does.
struct Puppet {
    begun: mpsc::UnboundedSender<Ticket>,
    /// What the next stages end with; then all are done.
    endings: Mutex<VecDeque<Result<Ended, StageError>>>,
    /// A stage takes one of these.
    go: Semaphore,
}

impl Perform for Puppet {
    fn perform<'a>(&'a self, ticket: &'a Ticket, _: watch::Sender<Report>, mut stop: Stop) -> BoxFuture<'a, Result<Ended, StageError>> {
        async move {
            self.begun.send(ticket.clone()).unwrap();
            tokio::select! {
                permit = self.go.acquire() => permit.unwrap().forget(),
                () = stop.asked() => return Ok(Ended::Stopped),
            }
            let done = Ended::Done { result: Value::from(ticket.position), note: None };
            self.endings.lock().unwrap().pop_front().unwrap_or(Ok(done))
        }
        .boxed()
    }
}

/// Who has the stages done.
#[derive(Clone, Copy, PartialEq)]
enum By {
    Local,
    Nats,
}

struct Place {
    jobs: Jobs,
    puppet: Arc<Puppet>,
    begun: mpsc::UnboundedReceiver<Ticket>,
    ground: Ground,
    /// Ends the workers.
    close: watch::Sender<bool>,
}

/// What stays when a server ends.
struct Ground {
    folder: TempDir,
    nats: Option<NatsServer>,
}

impl Place {
    async fn new(by: By, slots: Slots) -> Place {
        let folder = tempfile::tempdir().unwrap();
        let nats = (by == By::Nats).then(|| NatsServer::start(folder.path()));
        Place::at(Ground { folder, nats }, slots).await
    }

    async fn at(ground: Ground, slots: Slots) -> Place {
        let (tell, begun) = mpsc::unbounded_channel();
        let puppet = Arc::new(Puppet { begun: tell, endings: Mutex::default(), go: Semaphore::new(0) });
        let folders = Folders::open(ground.folder.path()).unwrap();
        let ledger = Ledger::open(&folders.ledger()).unwrap();
        let (desk, runtime) = (Desk::new(ledger.clone()), tokio::runtime::Handle::current());
        let (close, closing) = watch::channel(false);
        let dispatch: Arc<dyn Dispatch> = match &ground.nats {
            None => Arc::new(Local::new(desk, puppet.clone(), slots, runtime)),
            Some(nats) => {
                let server = Nats::start((&nats.url(), None), desk, None, runtime).await.unwrap();
                let how = (slots.room, slots.limits);
                let station = Station::open((&nats.url(), None), "puppet", puppet.clone(), how, closing).await.unwrap();
                tokio::spawn(station.run());
                Arc::new(server)
            }
        };
        let jobs = Jobs::open(ledger, dispatch, folders).await.unwrap();
        Place { jobs, puppet, begun, ground, close }
    }

    fn go(&self, stages: usize) {
        self.puppet.go.add_permits(stages);
    }

    fn next_ends(&self, ending: Result<Ended, StageError>) {
        self.puppet.endings.lock().unwrap().push_back(ending);
    }

    async fn next(&mut self) -> Ticket {
        tokio::time::timeout(Duration::from_secs(20), self.begun.recv()).await.expect("a stage begins").unwrap()
    }

    async fn submit(&self, spec: JobSpec) -> JobId {
        self.jobs.submit(spec).await.unwrap().0
    }
}

fn spec(owner: &str, stages: usize) -> JobSpec {
    let task = || Task::Import { deck: "input/talk.pptx".into() };
    let spec = JobSpec { owner: Some(owner.into()), ..JobSpec::new("test", "Test") };
    (0..stages).fold(spec, |spec, number| spec.stage(&format!("s{number}"), "Stage", 1.0, task()))
}

fn error(class: ErrorClass) -> StageError {
    StageError::new(class, "broken", "it broke", "mend it")
}

fn slots(light: usize) -> Slots {
    Slots { room: Room { heavy: 1, light }, limits: TimeLimits::default() }
}

fn one_slot() -> Slots {
    slots(1)
}

async fn a_job_is_done_stage_by_stage(by: By) {
    let mut place = Place::new(by, one_slot()).await;
    let id = place.submit(spec("eve", 3)).await;
    place.go(3);
    assert_eq!([place.next().await.position, place.next().await.position, place.next().await.position], [0, 1, 2]);
    let job = place.jobs.wait(id).await.unwrap();
    assert_eq!((job.state, job.result), (JobState::Completed, Value::from(2)));
}

async fn what_may_work_the_next_time_is_tried_again_and_what_may_not_is_not(by: By) {
    let place = Place::new(by, one_slot()).await;
    place.next_ends(Err(error(ErrorClass::Recoverable)));
    place.go(10);
    let id = place.submit(spec("eve", 1)).await;
    let job = place.jobs.wait(id).await.unwrap();
    assert_eq!((job.state, job.stages[0].attempt), (JobState::Completed, 2));
    place.next_ends(Err(error(ErrorClass::Permanent)));
    let id = place.submit(spec("eve", 1)).await;
    let job = place.jobs.wait(id).await.unwrap();
    assert_eq!((job.state, job.stages[0].attempt), (JobState::Failed, 1));
    assert_eq!(place.jobs.retry(id, None).await.unwrap(), "s0");
    assert_eq!(place.jobs.wait(id).await.unwrap().state, JobState::Completed);
    assert!(matches!(place.jobs.retry(id, None).await, Err(JobsError::State(JobState::Completed, _))));
}

async fn a_cancelled_job_stops_and_makes_room(by: By) {
    let mut place = Place::new(by, one_slot()).await;
    let spec_of = spec("eve", 2);
    let input = place.jobs.folders().input(spec_of.id).unwrap();
    std::fs::write(input.join("talk.pptx"), "x").unwrap();
    let id = place.submit(spec_of).await;
    let waiting = place.submit(spec("eve", 1)).await;
    place.next().await;
    assert!(place.jobs.cancel(id).await.unwrap());
    assert!(!place.jobs.cancel(id).await.unwrap(), "it has been");
    assert!(!place.jobs.folders().work(id).join("processing").exists() && input.join("talk.pptx").exists());
    assert_eq!(place.next().await.job, waiting);
    place.jobs.cancel(waiting).await.unwrap();
    // It begins anew: what was made is gone.
    place.go(2);
    place.jobs.retry(id, None).await.unwrap();
    assert_eq!(place.jobs.wait(id).await.unwrap().state, JobState::Completed);
    place.jobs.delete(id).await.unwrap();
    assert!(matches!(place.jobs.job(id), Err(JobsError::Unknown(_))) && !place.jobs.folders().work(id).exists());
    assert!(matches!(place.jobs.delete(id).await, Err(JobsError::Unknown(_))));
}

async fn what_a_server_puts_back_goes_on_at_the_next_start(by: By) {
    let mut place = Place::new(by, one_slot()).await;
    let id = place.submit(spec("eve", 2)).await;
    place.go(1);
    place.next().await;
    assert_eq!(place.next().await.position, 1);
    let mut follow = place.jobs.follow(id, 0);
    place.close.send_replace(true);
    place.jobs.drain().await;
    assert!(matches!(place.jobs.submit(spec("eve", 1)).await, Err(JobsError::Closing)));
    while follow.next().await.unwrap().data["stage_state"] != "pending" {}
    assert_eq!(place.jobs.job(id).unwrap().stages[1].state.as_str(), "pending");
    drop(follow);
    let Place { ground, jobs, .. } = place;
    drop(jobs);
    let mut place = Place::at(ground, one_slot()).await;
    let ticket = place.next().await;
    assert_eq!((ticket.job, ticket.position, ticket.attempt), (id, 1, 2));
    place.go(1);
    assert_eq!(place.jobs.wait(id).await.unwrap().state, JobState::Completed);
}

async fn owners_share_the_slots(by: By) {
    let mut place = Place::new(by, one_slot()).await;
    place.submit(spec("ann", 1)).await;
    let mut owners = vec![place.next().await.owner.unwrap()];
    for owner in ["ann", "ann", "bob"] {
        place.submit(spec(owner, 1)).await;
    }
    place.submit(JobSpec { priority: 1, ..spec("cy", 1) }).await;
    for _ in 0..4 {
        place.go(1);
        owners.push(place.next().await.owner.unwrap());
    }
    assert_eq!(owners, ["ann", "cy", "bob", "ann", "ann"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nats_may_die_while_a_stage_is_done() {
    let mut place = Place::new(By::Nats, one_slot()).await;
    let id = place.submit(spec("eve", 2)).await;
    place.next().await;
    place.ground.nats.as_mut().unwrap().kill_and_restart();
    place.go(2);
    let job = place.jobs.wait(id).await.unwrap();
    assert_eq!((job.state, job.stages[0].attempt), (JobState::Completed, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_that_asks_for_a_token_is_reached_with_it_only() {
    let folder = tempfile::tempdir().unwrap();
    let nats = NatsServer::with_token(folder.path(), "of-the-queue");
    let ledger = Ledger::open(&folder.path().join("ledger.db")).unwrap();
    for (token, reached) in [(None, false), (Some("another"), false), (Some("of-the-queue"), true)] {
        let (desk, runtime) = (Desk::new(ledger.clone()), tokio::runtime::Handle::current());
        let begun = Nats::start((&nats.url(), token), desk, None, runtime).await.map(drop).map_err(|error| error.to_string());
        assert_eq!(begun.is_ok(), reached, "{token:?}: {begun:?}");
    }
}

async fn a_stage_that_takes_too_long_or_panics_fails(by: By) {
    let limits = TimeLimits { other: Some(DurationSetting(Span::from_millis(50))), ..TimeLimits::default() };
    let mut place = Place::new(by, Slots { limits, ..one_slot() }).await;
    let id = place.submit(spec("eve", 1)).await;
    place.next().await;
    let mut follow = place.jobs.follow(id, 0);
    let failed = loop {
        let event = follow.next().await.unwrap();
        if event.kind == EventKind::Error {
            break event;
        }
    };
    assert_eq!((&failed.data["code"], &failed.data["class"]), (&Value::from("time_limit"), &Value::from("RESOURCE")));
    assert_eq!(failed.data["retry_in_seconds"], 10.0);
}

async fn jobs_that_make_no_sense_are_not_taken(by: By) {
    let place = Place::new(by, one_slot()).await;
    let invalid = async |spec: JobSpec| matches!(place.jobs.submit(spec).await, Err(JobsError::Invalid(_)));
    assert!(invalid(spec("eve", 0)).await);
    assert!(invalid(spec("eve", 1).stage("s0", "Again", 1.0, Task::Publish)).await);
    assert!(invalid(spec("eve", 0).stage("a", "A", 1.0, Task::Import { deck: "/etc/passwd".into() })).await);
}

async fn a_held_job_begins_when_it_is_started(by: By) {
    let mut place = Place::new(by, one_slot()).await;
    let id = place.submit(JobSpec { held: true, ..spec("eve", 1) }).await;
    place.go(1);
    assert!(place.begun.try_recv().is_err());
    place.jobs.start(id).await.unwrap();
    assert_eq!(place.next().await.job, id);
    place.jobs.wait(id).await.unwrap();
    assert!(matches!(place.jobs.start(id).await, Err(JobsError::State(..))));
}

/// D11, with nothing to do in each job: ten come at once, are at work at once, and begin how long after they came?
async fn a_hundred_jobs_ten_at_once_all_succeed(by: By) {
    let mut place = Place::new(by, slots(10)).await;
    let mut waits = Vec::new();
    for _ in 0..10 {
        let asked = Instant::now();
        join_all((0..10).map(|_| place.submit(spec("eve", 1)))).await;
        for _ in 0..10 {
            // None of them ends before all have begun.
            place.next().await;
            waits.push(asked.elapsed());
        }
        place.go(10);
    }
    let query = JobQuery { limit: 1000, ..JobQuery::default() };
    let jobs = place.jobs.list(&query).unwrap().jobs;
    assert_eq!(jobs.len(), 100);
    for job in jobs {
        assert_eq!(place.jobs.wait(job.id).await.unwrap().state, JobState::Completed);
    }
    waits.sort();
    println!("from being sent to its beginning, the middle of 100: {:?}", waits[50]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stages_weigh_what_such_stages_took() {
    let mut place = Place::new(By::Local, one_slot()).await;
    /// How much of a new job is done after its first stage.
    async fn after_first(place: &mut Place, stages: usize) -> (JobId, f64) {
        let id = place.submit(spec("eve", stages)).await;
        assert_eq!(place.next().await.position, 0);
        place.go(1);
        assert_eq!(place.next().await.position, 1);
        let percent = place.jobs.job(id).unwrap().percent();
        place.go(stages - 1);
        for _ in 2..stages {
            place.next().await;
        }
        assert_eq!(place.jobs.wait(id).await.unwrap().state, JobState::Completed);
        (id, percent)
    }
    let (first, percent) = after_first(&mut place, 2).await;
    assert_eq!(percent, 50.0, "nothing is known yet but what the stages are thought to weigh");
    let ledger = rusqlite::Connection::open(place.jobs.folders().ledger()).unwrap();
    let took = "UPDATE stages SET started_at = 0, finished_at = CASE position WHEN 0 THEN 3000 ELSE 1000 END WHERE job = ?";
    assert_eq!(ledger.execute(took, [first.to_string()]).unwrap(), 2);
    // Of a third stage nothing is known, so nothing is compared.
    assert_eq!(after_first(&mut place, 3).await.1, 33.3);
    let third = "DELETE FROM jobs WHERE id <> ?";
    assert_eq!(ledger.execute(third, [first.to_string()]).unwrap(), 1);
    assert_eq!(after_first(&mut place, 2).await.1, 75.0);
}
