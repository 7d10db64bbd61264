use super::records::StageState;
use super::*;
use serde_json::{Value, json};
use tempfile::TempDir;

pub struct Place {
    pub folder: TempDir,
    pub ledger: Ledger,
}

impl Place {
    pub fn new() -> Place {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(&folder.path().join("ledger.db")).unwrap();
        Place { folder, ledger }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("ledger.db")
    }

    fn faults(&self) -> Vec<String> {
        faults_of(&self.path()).unwrap()
    }

    async fn submit(&self, job: NewJob) -> Ticket {
        match self.ledger.write(move |write| write.submit(&job)).await.unwrap() {
            Submitted::New(ticket) => ticket.unwrap(),
            known => panic!("{known:?}"),
        }
    }

    async fn begin(&self, ticket: &Ticket) -> bool {
        let ticket = ticket.clone();
        self.ledger.write(move |write| write.begin(&ticket, "here")).await.unwrap()
    }

    async fn finish(&self, ticket: &Ticket, verdict: Verdict) -> Option<(Option<Ticket>, Duration)> {
        let ticket = ticket.clone();
        self.ledger.write(move |write| write.finish(&ticket, &verdict)).await.unwrap()
    }

    fn job(&self, id: JobId) -> Job {
        self.ledger.job(id).unwrap().unwrap()
    }
}

pub fn new_job(stages: &[&str]) -> NewJob {
    let stage = |name: &&str| NewStage { name: name.to_string(), title: name.to_string(), weight: 1.0, task: json!({ "do": name }) };
    NewJob {
        id: JobId::new(),
        kind: "render".into(),
        owner: Some("eve".into()),
        title: "Talk".into(),
        spec: json!({ "deck": "d" }),
        priority: 0,
        held: false,
        idempotency_key: None,
        stages: stages.iter().map(stage).collect(),
    }
}

fn completed(result: Value) -> Verdict {
    Verdict::Completed { result, note: None }
}

fn failed(class: ErrorClass, attempts: u32) -> Verdict {
    Verdict::Failed { error: JobError::new(class, "broken", "it broke", "mend it"), attempts, pause: Duration::from_secs(7) }
}

#[tokio::test]
async fn a_job_goes_from_stage_to_stage_and_tells_of_it() {
    let place = Place::new();
    let first = place.submit(new_job(&["read", "make"])).await;
    let mut follow = place.ledger.follow(first.job, 0);
    assert!(place.begin(&first).await);
    let (ticket, progress) = (first.clone(), json!({ "message": "half" }));
    assert!(place.ledger.write(move |write| write.progress(&ticket, 0.5, &progress)).await.unwrap());
    assert_eq!(place.job(first.job).percent(), 25.0);
    let (second, pause) = place.finish(&first, completed(json!({ "slides": 3 }))).await.unwrap();
    let second = second.unwrap();
    assert_eq!((second.position, second.attempt, pause), (1, 1, Duration::ZERO));
    assert!(place.begin(&second).await);
    assert_eq!(place.finish(&second, Verdict::Skipped { note: "no model".into() }).await, Some((None, Duration::ZERO)));
    let job = place.job(first.job);
    assert_eq!((job.state, job.percent(), &job.result), (JobState::Completed, 100.0, &json!({ "slides": 3 })));
    assert_eq!(job.stages[1].note.as_deref(), Some("no model"));
    let mut told = Vec::new();
    loop {
        let event = follow.next().await.unwrap();
        told.push((event.kind, event.data["stage_state"].clone(), event.data["percent"].clone()));
        if event.kind == EventKind::Complete {
            break;
        }
    }
    let update = EventKind::StageUpdate;
    let due = [
        (update, Value::Null, json!(0.0)),
        (update, json!("processing"), json!(0.0)),
        (EventKind::ProgressUpdate, Value::Null, json!(25.0)),
        (update, json!("completed"), json!(50.0)),
        (update, json!("processing"), json!(50.0)),
        (update, json!("skipped"), json!(100.0)),
        (EventKind::Complete, Value::Null, json!(100.0)),
    ];
    assert_eq!(told, due);
    assert_eq!(place.faults(), [""; 0]);
}

#[tokio::test]
async fn whoever_comes_with_an_old_number_changes_nothing() {
    let place = Place::new();
    let ticket = place.submit(new_job(&["make"])).await;
    assert!(place.begin(&ticket).await);
    assert!(!place.begin(&ticket).await, "one attempt has one worker");
    assert_eq!(place.finish(&ticket, Verdict::Returned).await.unwrap().0.unwrap().attempt, 2);
    let again = Ticket { attempt: 2, ..ticket.clone() };
    assert!(place.begin(&again).await);
    let stale = ticket.clone();
    assert!(!place.ledger.write(move |write| write.progress(&stale, 0.9, &json!({}))).await.unwrap());
    assert_eq!(place.finish(&ticket, completed(json!("old"))).await, None);
    assert_eq!(place.job(ticket.job).state, JobState::Processing);
    place.finish(&again, completed(json!("new"))).await.unwrap();
    assert_eq!(place.finish(&again, completed(json!("twice"))).await, None);
    assert_eq!(place.job(ticket.job).result, json!("new"));
    assert_eq!(place.faults(), [""; 0]);
}

#[tokio::test]
async fn a_stage_is_tried_as_often_as_its_error_allows() {
    let place = Place::new();
    let mut ticket = place.submit(new_job(&["read", "make"])).await;
    for _ in 0..2 {
        place.begin(&ticket).await;
        let (next, pause) = place.finish(&ticket, failed(ErrorClass::External, 3)).await.unwrap();
        assert_eq!(pause, Duration::from_secs(7));
        ticket = next.unwrap();
    }
    place.begin(&ticket).await;
    assert_eq!(place.finish(&ticket, failed(ErrorClass::External, 3)).await.unwrap().0, None);
    let job = place.job(ticket.job);
    assert_eq!((job.state, job.error.unwrap().code.as_str()), (JobState::Failed, "broken"));
    assert_eq!(place.faults(), [""; 0]);
    // Tried again by hand, earlier failures are forgiven.
    let id = ticket.job;
    let retried = place.ledger.write(move |write| write.retry(id, None, false)).await.unwrap();
    let Retried::From(stage, Some(ticket)) = retried else { panic!("{retried:?}") };
    assert_eq!((stage.as_str(), ticket.attempt), ("read", 4));
    place.begin(&ticket).await;
    assert!(place.finish(&ticket, failed(ErrorClass::External, 3)).await.unwrap().0.is_some());
    assert_eq!(place.faults(), [""; 0]);
}

#[tokio::test]
async fn what_is_done_is_not_done_again() {
    let place = Place::new();
    let read = place.submit(new_job(&["read", "make", "show"])).await;
    place.begin(&read).await;
    let make = place.finish(&read, completed(json!(1))).await.unwrap().0.unwrap();
    place.begin(&make).await;
    place.finish(&make, failed(ErrorClass::Permanent, 1)).await.unwrap();
    let id = read.job;
    let retry = |from: Option<&'static str>, afresh| place.ledger.write(move |write| write.retry(id, from, afresh));
    assert_eq!(retry(Some("show"), false).await.unwrap(), Retried::NoStage("show".into()));
    assert_eq!(retry(Some("none"), false).await.unwrap(), Retried::NoStage("none".into()));
    let Retried::From(stage, Some(ticket)) = retry(None, false).await.unwrap() else { panic!("it is tried again") };
    assert_eq!((stage.as_str(), ticket.position), ("make", 1));
    let states: Vec<StageState> = place.job(id).stages.iter().map(|stage| stage.state).collect();
    assert_eq!(states, [StageState::Completed, StageState::Pending, StageState::Pending]);
    assert_eq!(retry(None, false).await.unwrap(), Retried::NotOver(JobState::Pending));
    assert_eq!(place.faults(), [""; 0]);
    place.ledger.write(move |write| write.cancel(id)).await.unwrap();
    let Retried::From(stage, _) = retry(None, true).await.unwrap() else { panic!("it is tried again") };
    assert_eq!(stage, "read");
    assert_eq!(place.faults(), [""; 0]);
}

#[tokio::test]
async fn percent_never_goes_back() {
    let place = Place::new();
    let read = place.submit(new_job(&["read", "make"])).await;
    let id = read.job;
    let mut follow = place.ledger.follow(id, 0);
    let further = async |ticket: &Ticket, progress: f64| {
        let ticket = ticket.clone();
        place.ledger.write(move |write| write.progress(&ticket, progress, &json!({}))).await.unwrap();
        place.job(id).percent()
    };
    place.begin(&read).await;
    let make = place.finish(&read, completed(json!(1))).await.unwrap().0.unwrap();
    place.begin(&make).await;
    assert_eq!(further(&make, 0.8).await, 90.0);
    let again = place.finish(&make, failed(ErrorClass::Recoverable, 2)).await.unwrap().0.unwrap();
    assert_eq!((place.job(id).percent(), place.job(id).stages[1].progress), (90.0, 0.0));
    place.begin(&again).await;
    assert_eq!((further(&again, 0.1).await, further(&again, 0.9).await), (90.0, 95.0));
    place.ledger.write(|write| write.recover()).await.unwrap();
    assert_eq!(place.job(id).percent(), 95.0, "whoever did it was lost");
    place.ledger.write(move |write| write.cancel(id)).await.unwrap();
    let retried = place.ledger.write(move |write| write.retry(id, None, true)).await.unwrap();
    let Retried::From(_, Some(ticket)) = retried else { panic!("{retried:?}") };
    place.begin(&ticket).await;
    assert_eq!(further(&ticket, 0.5).await, 95.0, "all of it is done once more");
    let next = place.finish(&ticket, completed(json!(1))).await.unwrap().0.unwrap();
    place.begin(&next).await;
    place.finish(&next, completed(json!(2))).await.unwrap();
    let mut told = Vec::new();
    while told.last() != Some(&100.0) {
        told.push(follow.next().await.unwrap().data["percent"].as_f64().unwrap());
    }
    assert!(told.is_sorted(), "{told:?}");
    assert_eq!(place.faults(), [""; 0]);
}

#[tokio::test]
async fn a_cancelled_job_is_nobodys_any_more() {
    let place = Place::new();
    let ticket = place.submit(new_job(&["read", "make"])).await;
    place.begin(&ticket).await;
    let id = ticket.job;
    let cancel = || place.ledger.write(move |write| write.cancel(id));
    assert!(!place.ledger.write(move |write| write.delete(id)).await.unwrap(), "it is at work");
    assert_eq!(cancel().await.unwrap(), Cancelled::Now);
    assert_eq!(cancel().await.unwrap(), Cancelled::Before);
    assert_eq!(place.finish(&ticket, completed(json!(1))).await, None);
    assert_eq!(place.ledger.due().unwrap(), []);
    assert_eq!(place.faults(), [""; 0]);
    assert!(place.ledger.write(move |write| write.delete(id)).await.unwrap());
    assert_eq!(cancel().await.unwrap(), Cancelled::Unknown);
    assert_eq!(place.faults(), [""; 0]);
}

#[tokio::test]
async fn a_key_means_one_job() {
    let place = Place::new();
    let with_key = |title: &str| NewJob { idempotency_key: Some("k".into()), title: title.into(), ..new_job(&["make"]) };
    let first = place.submit(with_key("a")).await;
    let again = with_key("a");
    assert_eq!(place.ledger.write(move |write| write.submit(&again)).await.unwrap(), Submitted::Known(first.job));
    let other = with_key("b");
    assert!(matches!(place.ledger.write(move |write| write.submit(&other)).await, Err(LedgerError::KeyReused)));
    let somebody = NewJob { owner: Some("bob".into()), ..with_key("b") };
    place.submit(somebody).await;
    assert_eq!(place.ledger.jobs(&JobQuery::default()).unwrap().total, 2);
}

#[tokio::test]
async fn a_held_job_waits() {
    let place = Place::new();
    let job = NewJob { held: true, ..new_job(&["make"]) };
    let id = job.id;
    assert_eq!(place.ledger.write(move |write| write.submit(&job)).await.unwrap(), Submitted::New(None));
    assert_eq!(place.ledger.due().unwrap(), []);
    assert!(place.ledger.write(move |write| write.release(id)).await.unwrap().is_some());
    assert_eq!(place.ledger.write(move |write| write.release(id)).await.unwrap(), None);
    assert_eq!(place.ledger.due().unwrap().len(), 1);
}

#[tokio::test]
async fn what_was_under_way_is_done_again_but_not_for_ever() {
    let place = Place::new();
    let id = place.submit(new_job(&["make"])).await.job;
    for lost in 1..=5 {
        let due = place.ledger.due().unwrap();
        assert_eq!(due[0].attempt, lost);
        place.begin(&due[0]).await;
        assert_eq!(place.ledger.due().unwrap(), []);
        place.ledger.write(|write| write.recover()).await.unwrap();
        assert_eq!(place.faults(), [""; 0]);
    }
    let job = place.job(id);
    assert_eq!((job.state, job.error.unwrap().code.as_str()), (JobState::Failed, "lost"));
}

#[tokio::test]
async fn jobs_are_listed_by_what_is_asked() {
    let place = Place::new();
    for number in 0..5 {
        let owner = if number % 2 == 0 { "eve" } else { "bob" };
        place.submit(NewJob { title: format!("Talk {number}"), priority: number, owner: Some(owner.into()), ..new_job(&["make"]) }).await;
    }
    let titles = |query: JobQuery| {
        let page = place.ledger.jobs(&query).unwrap();
        (page.jobs.into_iter().map(|job| job.title).collect::<Vec<_>>(), page.total)
    };
    let by = |order, descending| JobQuery { order, descending, ..JobQuery::default() };
    assert_eq!(titles(JobQuery { limit: 2, offset: 1, ..by(Order::Priority, true) }), (vec!["Talk 3".into(), "Talk 2".into()], 5));
    assert_eq!(titles(JobQuery { owner: Some("bob".into()), ..by(Order::Title, false) }), (vec!["Talk 1".into(), "Talk 3".into()], 2));
    assert_eq!(titles(JobQuery { text: Some("TALK 4".into()), ..JobQuery::default() }).1, 1);
    assert_eq!(titles(JobQuery { states: vec![JobState::Failed, JobState::Completed], ..JobQuery::default() }).1, 0);
    assert_eq!(titles(JobQuery { kinds: vec!["render".into()], states: vec![JobState::Pending], ..JobQuery::default() }).1, 5);
    assert_eq!(place.ledger.count(Some("eve")).unwrap()["pending"], 3);
}

#[tokio::test]
async fn a_follower_may_come_late_be_slow_and_come_back() {
    let place = Place::new();
    let ticket = place.submit(new_job(&["make"])).await;
    place.begin(&ticket).await;
    let mut slow = place.ledger.follow(ticket.job, 0);
    assert_eq!(slow.next().await.unwrap().data["message"], "submitted");
    for step in 1..=300 {
        let ticket = ticket.clone();
        place.ledger.write(move |write| write.progress(&ticket, f64::from(step) / 300.0, &json!({ "step": step }))).await.unwrap();
    }
    place.finish(&ticket, completed(json!(1))).await.unwrap();
    assert_eq!(slow.next().await.unwrap().data["stage_state"], "processing");
    let progress = slow.next().await.unwrap();
    assert_eq!(progress.data["step"], 300, "of the progress of a stage the last is enough");
    let mut back = place.ledger.follow(ticket.job, progress.seq);
    for follow in [&mut slow, &mut back] {
        assert_eq!(follow.next().await.unwrap().data["stage_state"], "completed");
        assert_eq!(follow.next().await.unwrap().kind, EventKind::Complete);
    }
    place.ledger.forget_events(Timestamp(i64::MAX)).await.unwrap();
    assert_eq!(place.ledger.follow(ticket.job, 0).next().await.unwrap().kind, EventKind::Complete);
    assert_eq!(place.faults(), [""; 0]);
}

#[tokio::test]
async fn a_write_that_fails_leaves_nothing_and_the_others_are_written() {
    let place = Place::new();
    let (good, bad) = (new_job(&["make"]), new_job(&["twice", "twice"]));
    let (id, bad_id) = (good.id, bad.id);
    let (good, bad) =
        tokio::join!(place.ledger.write(move |write| write.submit(&good)), place.ledger.write(move |write| write.submit(&bad)),);
    assert!(good.is_ok() && bad.is_err());
    assert!(place.ledger.job(id).unwrap().is_some() && place.ledger.job(bad_id).unwrap().is_none());
    assert_eq!(place.faults(), [""; 0]);
}

#[tokio::test]
async fn a_backup_is_the_ledger_of_one_moment() {
    let place = Place::new();
    for _ in 0..50 {
        place.submit(new_job(&["read", "make"])).await;
    }
    let copy = place.folder.path().join("copy.db");
    let (ledger, to) = (place.ledger.clone(), copy.clone());
    let backup = tokio::task::spawn_blocking(move || ledger.back_up(&to));
    for _ in 0..20 {
        place.submit(new_job(&["read", "make"])).await;
    }
    backup.await.unwrap().unwrap();
    assert_eq!(faults_of(&copy).unwrap(), [""; 0]);
    let jobs = Ledger::open(&copy).unwrap().jobs(&JobQuery::default()).unwrap().total;
    assert!((50..=70).contains(&jobs), "{jobs}");
    assert!(matches!(place.ledger.back_up(&copy), Err(LedgerError::File { .. })));
    assert!(!place.folder.path().join("copy.db.part").exists());
}

#[test]
fn what_cannot_be_true_is_not_opened() {
    let place = Place::new();
    let path = place.path();
    let ticket = tokio::runtime::Runtime::new().unwrap().block_on(place.submit(new_job(&["make"])));
    drop(place.ledger);
    let spoil = |sql: &str| rusqlite::Connection::open(&path).unwrap().execute_batch(sql).unwrap();
    spoil("UPDATE jobs SET state = 'completed', finished_at = 1");
    let Err(LedgerError::Damaged(faults)) = Ledger::open(&path) else { panic!("it is opened") };
    assert!(faults.iter().any(|fault| fault == &format!("the job {} is completed, but a stage is not", ticket.job)), "{faults:?}");
    spoil("UPDATE jobs SET state = 'pending', finished_at = NULL; PRAGMA foreign_keys = off; DELETE FROM jobs");
    let Err(LedgerError::Damaged(faults)) = Ledger::open(&path) else { panic!("it is opened") };
    assert!(faults.iter().all(|fault| fault.contains("belongs to nothing")), "{faults:?}");
    let page = std::fs::metadata(&path).unwrap().len() as usize / 2;
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[page..page + 2048].fill(0xa5);
    std::fs::write(&path, bytes).unwrap();
    assert!(Ledger::open(&path).is_err());
}

#[tokio::test]
async fn how_jobs_did_lately_is_told_by_stage_and_old_ones_are_found() {
    let place = Place::new();
    assert_eq!(place.ledger.lately("render").unwrap(), Lately::default());
    let good = place.submit(new_job(&["read", "make"])).await;
    place.begin(&good).await;
    let second = place.finish(&good, completed(json!(1))).await.unwrap().0.unwrap();
    place.begin(&second).await;
    let again = place.finish(&second, failed(ErrorClass::Recoverable, 2)).await.unwrap().0.unwrap();
    place.begin(&again).await;
    place.finish(&again, completed(json!(2))).await.unwrap();
    let bad = place.submit(new_job(&["read"])).await;
    place.begin(&bad).await;
    place.finish(&bad, failed(ErrorClass::Permanent, 1)).await.unwrap();
    // What is under way, or of another kind, says nothing yet.
    let open = place.submit(new_job(&["read"])).await;
    place.begin(&open).await;
    let other = place.submit(NewJob { kind: "other".into(), ..new_job(&["read"]) }).await;
    place.begin(&other).await;
    place.finish(&other, completed(json!(3))).await.unwrap();
    let lately = place.ledger.lately("render").unwrap();
    assert_eq!((lately.jobs, lately.good), (2, 1));
    let stage = |name: &str| (lately.stages[name].attempts, lately.stages[name].good);
    assert_eq!((stage("read"), stage("make")), ((2, 1), (2, 1)));
    assert!(lately.stages["make"].seconds.is_some_and(|seconds| (0.0..60.0).contains(&seconds)), "{lately:?}");
    let now = Timestamp::now();
    assert_eq!(place.ledger.over_by(now, 2).unwrap().len(), 2);
    assert_eq!(place.ledger.over_by(now.before(Duration::from_secs(60)), 9).unwrap(), []);
    let mut over = place.ledger.over_by(now, 9).unwrap();
    let mut due = vec![good.job, bad.job, other.job];
    over.sort();
    due.sort();
    assert_eq!(over, due, "not the one that is under way");
}
