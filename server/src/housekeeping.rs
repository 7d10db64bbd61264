//! What nobody needs any more goes: artifacts whose time is over, decks that no job has used for long, old events, folders and jobs.

use crate::artifacts::{Artifacts, InUse, Swept};
use crate::config::RetentionSettings;
use crate::folders::remove_folder;
use crate::jobs::{Jobs, JobsError};
use crate::ledger::{JobId, JobState, Ledger, Timestamp};
use crate::storage::Storage;
use crate::worker::set_of;
use futures_util::{StreamExt, TryStreamExt, stream};
use std::fs;
use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// What is not in the store is looked through so often at least.
const TIDY: Duration = Duration::from_secs(5 * 60);
/// Nothing is looked through more often than this.
const SHORTEST: Duration = Duration::from_secs(1);
/// So many old jobs are forgotten in one go; the next go takes others.
const AT_ONCE: u32 = 1000;

/// So many are forgotten together: the ledger writes them to the disk at once.
const TOGETHER: usize = 16;

/// Where files lie in the store that people sent for any number of jobs, and that are removed by name.
pub const SENT: &str = "sent";

/// Sets of jobs that are not over are left alone: their second word is the job. So is what goes with the last job that uses it.
pub fn at_work(ledger: Ledger) -> InUse {
    Arc::new(move |set| {
        if set.split('/').next() == Some(SENT) {
            return true;
        }
        let Some(job) = set.split('/').nth(1).and_then(|word| word.parse().ok()) else { return false };
        // A ledger that cannot be read says nothing against it.
        ledger.job(job).map_or(true, |job| job.is_some_and(|job| !job.state.is_over()))
    })
}

/// Removes artifacts whose time is over, for as long as the server works.
pub async fn sweep(artifacts: Arc<Artifacts>, storage: Arc<Storage>, every: Duration) {
    loop {
        match artifacts.sweep().await {
            Ok(swept) => {
                if swept != Swept::default() {
                    let Swept { files, bytes, sets, failed } = swept;
                    tracing::info!(files, bytes, sets, failed, "old artifacts were removed");
                }
                if let Err(error) = storage.swept(swept).await {
                    tracing::warn!(%error, "how much is kept is not known");
                }
            }
            Err(error) => tracing::warn!(%error, "old artifacts were not removed"),
        }
        tokio::time::sleep(every.max(SHORTEST)).await;
    }
}

/// How often what is not in the store is looked through: at every sweep, and every five minutes at least.
pub fn every(keep: &RetentionSettings) -> Duration {
    keep.sweep.0.to_std().clamp(SHORTEST, TIDY)
}

/// Forgets what nobody asks for any more, for as long as the server works.
/// The folders of jobs stay for `stays` after their end.
pub async fn tidy(jobs: Arc<Jobs>, artifacts: Arc<Artifacts>, keep: RetentionSettings, stays: Duration) {
    let every = every(&keep);
    loop {
        tokio::time::sleep(every).await;
        once(&jobs, &artifacts, &keep, stays).await;
    }
}

async fn once(jobs: &Arc<Jobs>, artifacts: &Artifacts, keep: &RetentionSettings, stays: Duration) {
    let now = Timestamp::now();
    if let Err(error) = jobs.ledger().forget_events(now.before(keep.events.0.to_std())).await {
        tracing::warn!(%error, "old events were not forgotten");
    }
    if let Err(error) = forget_jobs(jobs, artifacts, now.before(keep.jobs.0.max(keep.videos.0).to_std())).await {
        tracing::warn!(%error, "old jobs were not forgotten");
    }
    let (jobs, uploads) = (jobs.clone(), keep.uploads.0.to_std());
    let removed = tokio::task::spawn_blocking(move || folders(&jobs, now.before(stays)).and_then(|()| decks(&jobs, uploads)));
    match removed.await.map_err(io::Error::from) {
        Ok(Ok(())) => {}
        Ok(Err(error)) | Err(error) => tracing::warn!(%error, "old folders of jobs and old decks were not removed"),
    }
}

/// Jobs that were over by `moment`, with what is left of what they published.
async fn forget_jobs(jobs: &Jobs, artifacts: &Artifacts, moment: Timestamp) -> Result<(), JobsError> {
    let old = jobs.ledger().over_by(moment, AT_ONCE)?;
    let each = stream::iter(old).map(|job| async move {
        match forget(jobs, artifacts, job).await {
            // Somebody else has just forgotten it.
            Ok(()) | Err(JobsError::Unknown(_)) => Ok(()),
            Err(error) => Err(error),
        }
    });
    each.buffer_unordered(TOGETHER).try_collect().await
}

/// Forgets a job with all that it published.
///
/// # Errors
/// There is none, or its files cannot be removed; then it is still known.
pub async fn forget(jobs: &Jobs, artifacts: &Artifacts, job: JobId) -> Result<(), JobsError> {
    artifacts.remove(&set_of(job)).await.map_err(|error| JobsError::Files(io::Error::other(error)))?;
    jobs.delete(job).await
}

/// What was made on the way to jobs that are completed, and all of those that were over by `moment`: until then somebody may want to try
/// it again, or look what went wrong.
fn folders(jobs: &Jobs, moment: Timestamp) -> io::Result<()> {
    jobs.folders().sweep(|id| {
        // What is not known is about to be submitted.
        let Ok(Some(job)) = jobs.ledger().job(id) else { return true };
        if job.state == JobState::Completed
            && let Err(error) = jobs.folders().remove_made(id)
        {
            tracing::warn!(%error, job = %id, "what was made on the way was not removed");
        }
        job.finished_at.is_none_or(|end| end > moment)
    })
}

/// Decks that were sent, or last taken by a job, so long ago. Jobs have links of their own to the file.
fn decks(jobs: &Jobs, age: Duration) -> io::Result<()> {
    for entry in fs::read_dir(jobs.folders().decks())?.flatten() {
        let used = entry.metadata().and_then(|about| about.modified());
        let is_old = used.is_ok_and(|used| SystemTime::now().duration_since(used).is_ok_and(|passed| passed >= age));
        if is_old {
            remove_folder(&entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifacts::{Item, Options, StoreError};
    use crate::dispatch::{Dispatch, Local, Slots};
    use crate::folders::Folders;
    use crate::jobs::{Desk, JobSpec};
    use crate::ledger::{Cancelled, EventKind, NewJob, NewStage};
    use engine::graph::unit::DurationSetting;
    use engine::time::Span;
    use serde_json::json;
    use std::sync::Mutex;
    use time::OffsetDateTime;

    fn job(title: &str) -> NewJob {
        let JobSpec { id, kind, owner, title, spec, priority, held, idempotency_key, .. } = JobSpec::new("render", title);
        let stages = vec![NewStage { name: "publish".into(), title: "".into(), weight: 1.0, task: json!({ "do": "publish" }) }];
        NewJob { id, kind, owner, title, spec, priority, held, idempotency_key, stages }
    }

    #[tokio::test]
    async fn sets_of_jobs_at_work_are_not_swept() {
        let place = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(&place.path().join("ledger.db")).unwrap();
        let job = job("A talk");
        let id = job.id;
        ledger.write(move |write| write.submit(&job)).await.unwrap();
        let time = Arc::new(Mutex::new(OffsetDateTime::now_utc()));
        let clock = time.clone();
        let options =
            Options { in_use: at_work(ledger.clone()), floor: 0, clock: Arc::new(move || *clock.lock().unwrap()), ..Options::default() };
        let artifacts = Artifacts::open(place.path().join("artifacts").to_str().unwrap(), options).unwrap();
        let file = place.path().join("film.mp4");
        std::fs::write(&file, "film").unwrap();
        for set in [set_of(id), format!("work/{id}/input"), set_of(JobId::new()), "upload/1".into()] {
            artifacts.publish(&set, &[Item::new("film.mp4", &file)]).await.unwrap();
        }
        *time.lock().unwrap() += Duration::from_secs(100 * 24 * 3600);
        assert_eq!(artifacts.sweep().await.unwrap().sets, 2);
        assert!(artifacts.find(&set_of(id), "film.mp4").await.is_ok());
        ledger.write(move |write| write.cancel(id)).await.unwrap();
        assert!(matches!(artifacts.find(&set_of(id), "film.mp4").await, Err(StoreError::Expired { .. })));
        assert_eq!(artifacts.sweep().await.unwrap().sets, 2);
    }

    /// Jobs in a data folder that nobody does, and the store of what they publish.
    async fn jobs_in(folders: &Folders) -> (Arc<Jobs>, Arc<Artifacts>) {
        let ledger = Ledger::open(&folders.ledger()).unwrap();
        let program = crate::worker::Program::own().unwrap();
        let options = Options { floor: 0, ..Options::default() };
        let artifacts = Arc::new(Artifacts::open(folders.root().join("artifacts").to_str().unwrap(), options).unwrap());
        let guard = crate::config::GuardSettings { enabled: false, ..Default::default() };
        let worker = crate::worker::Worker::new(folders.clone(), artifacts.clone(), program, &guard).unwrap();
        let runtime = tokio::runtime::Handle::current();
        let dispatch: Arc<dyn Dispatch> = Arc::new(Local::new(
            Desk::new(ledger.clone()),
            Arc::new(worker),
            Slots::of(Some(1), crate::worker::TimeLimits::default()),
            runtime,
        ));
        (Arc::new(Jobs::open(ledger, dispatch, folders.clone()).await.unwrap()), artifacts)
    }

    #[tokio::test]
    async fn what_happened_to_a_job_is_forgotten_an_hour_after_its_end_but_for_its_end() {
        let place = tempfile::tempdir().unwrap();
        let folders = Folders::open(place.path()).unwrap();
        let (jobs, artifacts) = jobs_in(&folders).await;
        let minute = Duration::from_secs(60);
        let database = rusqlite::Connection::open(folders.ledger()).unwrap();
        let mut ids = Vec::new();
        for age in [59, 61] {
            let job = job("over");
            ids.push(job.id);
            jobs.ledger().write(move |write| write.submit(&job)).await.unwrap();
            let id = ids[ids.len() - 1];
            assert_eq!(jobs.ledger().write(move |write| write.cancel(id)).await.unwrap(), Cancelled::Now);
            let end = Timestamp::now().before(minute * age).0;
            let ended = "UPDATE jobs SET finished_at = ?2 WHERE id = ?1";
            assert_eq!(database.execute(ended, rusqlite::params![id.to_string(), end]).unwrap(), 1);
        }
        once(&jobs, &artifacts, &RetentionSettings::default(), minute * 60).await;
        let mut kinds = Vec::new();
        for id in ids {
            let mut follow = jobs.follow(id, 0);
            kinds.push(Vec::new());
            while kinds.last().is_none_or(|kinds| kinds.last() != Some(&EventKind::Complete)) {
                let kind = follow.next().await.unwrap().kind;
                kinds.last_mut().unwrap().push(kind);
            }
        }
        assert!(kinds[0].len() > 1 && kinds[0][0] == EventKind::StageUpdate, "{kinds:?}");
        assert_eq!(kinds[1], [EventKind::Complete]);
    }

    #[tokio::test]
    async fn old_jobs_and_decks_go_and_what_waits_stays() {
        let place = tempfile::tempdir().unwrap();
        let folders = Folders::open(place.path()).unwrap();
        let (jobs, artifacts) = jobs_in(&folders).await;
        let ledger = jobs.ledger().clone();
        let (over, waits) = (job("over"), NewJob { held: true, ..job("waits") });
        let (over_id, waits_id) = (over.id, waits.id);
        std::fs::write(folders.input(over_id).unwrap().join("talk.pptx"), "x").unwrap();
        folders.input(waits_id).unwrap();
        for job in [over, waits] {
            ledger.write(move |write| write.submit(&job)).await.unwrap();
        }
        assert_eq!(ledger.write(move |write| write.cancel(over_id)).await.unwrap(), Cancelled::Now);
        artifacts.publish(&set_of(over_id), &[Item::new("film.mp4", folders.work(over_id).join("input/talk.pptx"))]).await.unwrap();
        let deck = folders.decks().join("one");
        std::fs::create_dir(&deck).unwrap();
        let hour = DurationSetting(Span::from_seconds(3600));
        let mut keep = RetentionSettings { events: hour, jobs: hour, videos: hour, uploads: hour, ..RetentionSettings::default() };
        once(&jobs, &artifacts, &keep, hour.0.to_std()).await;
        assert!(jobs.job(over_id).is_ok() && folders.work(over_id).exists() && deck.exists());
        [keep.jobs, keep.videos, keep.uploads] = [DurationSetting(Span::ZERO); 3];
        once(&jobs, &artifacts, &keep, Duration::ZERO).await;
        assert!(jobs.job(over_id).is_err() && !folders.work(over_id).exists() && !deck.exists());
        assert!(artifacts.manifest(&set_of(over_id)).await.unwrap().is_none());
        assert!(jobs.job(waits_id).is_ok() && folders.work(waits_id).exists());
    }
}
