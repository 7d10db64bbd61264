//! What a job took, stage by stage, where most of it went, and what to change about that.

use crate::ledger::{Job, JobState, Lately, Stage, StageState, Timestamp};
use serde::Serialize;

/// A rate below this is told.
const GOOD_RATE: f64 = 0.95;
/// So many jobs make a rate that says something.
const ENOUGH_JOBS: u64 = 5;
/// Shorter than this, in seconds, nothing is worth a change.
const SHORT: f64 = 10.0;
/// A stage that takes so much longer than usual is told.
const SLOWER: f64 = 2.0;
/// The part of a machine's memory from which on it is short.
const MUCH_MEMORY: f64 = 0.8;
/// From this part of its processors on a stage is limited by them.
const BUSY: f64 = 0.7;
/// Below this part of one processor a stage mostly waits.
const IDLE: f64 = 0.5;

/// See the module docs.
#[derive(Debug, Serialize)]
pub struct Report {
    /// How it stands.
    pub state: JobState,
    /// From its submission to its end, or until now.
    pub total_seconds: f64,
    /// Until its first stage began.
    pub waited_seconds: Option<f64>,
    /// What was done, in order.
    pub stages: Vec<StageReport>,
    /// The stage that took longest.
    pub bottleneck: Option<String>,
    /// Jobs of its kind that ended lately: how many are looked at.
    pub jobs_counted: u64,
    /// The part of those that came to a good end, 0 to 1; cancelled ones do not count.
    pub success_rate: Option<f64>,
    /// What to change, in plain words; at least one.
    pub recommendations: Vec<String>,
}

/// What one stage took in its last attempt.
#[derive(Debug, Serialize)]
pub struct StageReport {
    /// Its name in the job.
    pub name: String,
    /// For people.
    pub title: String,
    /// How it stands.
    pub state: StageState,
    /// How often it has begun.
    pub attempts: u32,
    /// How long it took.
    pub seconds: Option<f64>,
    /// The part of the time of all stages, 0 to 1.
    pub share: Option<f64>,
    /// Processor time; `None` where no work was done outside of the server.
    pub cpu_seconds: Option<f64>,
    /// The largest resident memory of one process.
    pub peak_memory_bytes: Option<u64>,
    /// How long such stages took lately.
    pub usual_seconds: Option<f64>,
    /// The part of the attempts at such stages lately that came to a good end, 0 to 1.
    pub success_rate: Option<f64>,
    /// What is to be known about how it was done.
    pub note: Option<String>,
}

impl StageReport {
    fn of(stage: &Stage, lately: &Lately) -> StageReport {
        let used = &stage.result["used"];
        let usual = lately.stages.get(&stage.name);
        StageReport {
            name: stage.name.clone(),
            title: stage.title.clone(),
            state: stage.state,
            attempts: stage.attempt,
            seconds: stage.started_at.zip(stage.finished_at).map(|(start, end)| end.since(start).as_secs_f64()),
            share: None,
            cpu_seconds: used["cpu_seconds"].as_f64(),
            peak_memory_bytes: used["peak_memory_bytes"].as_u64(),
            usual_seconds: usual.and_then(|usual| usual.seconds),
            success_rate: usual.map(|usual| usual.good as f64 / usual.attempts.max(1) as f64),
            note: stage.note.clone(),
        }
    }
}

impl Report {
    /// Of a job, beside those of its kind.
    pub fn of(job: &Job, lately: &Lately) -> Report {
        let mut stages: Vec<StageReport> = job.stages.iter().map(|stage| StageReport::of(stage, lately)).collect();
        let worked: f64 = stages.iter().filter_map(|stage| stage.seconds).sum();
        for stage in &mut stages {
            stage.share = stage.seconds.filter(|_| worked > 0.0).map(|seconds| seconds / worked);
        }
        let seconds = |stage: &StageReport| stage.seconds.unwrap_or(0.0);
        let longest = stages.iter().max_by(|a, b| seconds(a).total_cmp(&seconds(b))).filter(|stage| seconds(stage) > 0.0);
        let mut report = Report {
            state: job.state,
            total_seconds: job.finished_at.unwrap_or_else(Timestamp::now).since(job.created_at).as_secs_f64(),
            waited_seconds: job.started_at.map(|start| start.since(job.created_at).as_secs_f64()),
            bottleneck: longest.map(|stage| stage.name.clone()),
            stages,
            jobs_counted: lately.jobs,
            success_rate: (lately.jobs > 0).then(|| lately.good as f64 / lately.jobs as f64),
            recommendations: Vec::new(),
        };
        report.recommendations = report.recommend(job, worked);
        report
    }

    fn recommend(&self, job: &Job, worked: f64) -> Vec<String> {
        let mut all = Vec::new();
        if let (Some(error), Some(stage)) = (&job.error, job.current()) {
            all.push(format!("\"{}\" failed: {}", stage.title, error.text()));
        }
        for stage in self.stages.iter().filter(|stage| stage.attempts > 1) {
            let StageReport { title, attempts, .. } = stage;
            all.push(format!("\"{title}\" was begun {attempts} times: what stopped it stands in the server's log"));
        }
        // Of a job that was held, or tried again, the time before its beginning says nothing.
        let is_plain = job.spec["hold"] != true && self.stages.iter().all(|stage| stage.attempts <= 1);
        if let Some(waited) = self.waited_seconds.filter(|waited| is_plain && *waited > SHORT && *waited > worked) {
            all.push(format!("it waited {waited:.0} s for {worked:.0} s of work: add a worker, or raise workers.slots"));
        }
        for (stage, report) in job.stages.iter().zip(&self.stages) {
            all.extend(short_of_memory(stage, report));
        }
        let longest = self.stages.iter().zip(&job.stages).find(|(report, _)| Some(&report.name) == self.bottleneck.as_ref());
        if let Some((report, stage)) = longest {
            all.extend(limited(stage, report));
            all.extend(slower(report));
        }
        if let Some(rate) = self.success_rate.filter(|rate| *rate < GOOD_RATE && self.jobs_counted >= ENOUGH_JOBS) {
            let (rate, jobs) = (rate * 100.0, self.jobs_counted);
            all.push(format!(
                "{rate:.0} % of the last {jobs} such jobs came to a good end: `lectern jobs list --state failed` lists the others"
            ));
        }
        if all.is_empty() {
            all.push("nothing stands out: there is nothing to change".into());
        }
        all
    }
}

fn short_of_memory(stage: &Stage, report: &StageReport) -> Option<String> {
    let (peak, all) = (report.peak_memory_bytes?, stage.result["used"]["memory_bytes"].as_u64()?);
    let gigabytes = |bytes: u64| bytes as f64 / 1e9;
    (peak as f64 > all as f64 * MUCH_MEMORY).then(|| {
        let cure = "ask for a smaller picture or the quality minimal, or set guard.quality to fast_low_memory";
        format!("\"{}\" took {:.1} of the machine's {:.1} GB of memory: {cure}", report.title, gigabytes(peak), gigabytes(all))
    })
}

/// What limits a stage that takes long.
fn limited(stage: &Stage, report: &StageReport) -> Option<String> {
    let (seconds, cpu, cores) =
        (report.seconds.filter(|seconds| *seconds > SHORT)?, report.cpu_seconds?, stage.result["used"]["cores"].as_f64()?);
    let (busy, title) = (cpu / seconds, &report.title);
    let share = 100.0 * report.share.unwrap_or(0.0);
    if busy >= BUSY * cores {
        let cure = "a lower quality or a smaller picture is made faster, as it is on more processors";
        return Some(format!("{share:.0} % of the time went into \"{title}\", and the processors were the limit: {cure}"));
    }
    (busy < IDLE).then(|| {
        let cure = "others have the processors, or an outside service or the disk is slow: fewer workers.slots, or a machine of its own";
        format!("\"{title}\" had a processor for only {:.0} % of its time: {cure}", 100.0 * busy)
    })
}

fn slower(report: &StageReport) -> Option<String> {
    let (seconds, usual) = (report.seconds.filter(|seconds| *seconds > SHORT)?, report.usual_seconds?);
    (seconds > SLOWER * usual).then(|| {
        let title = &report.title;
        format!("\"{title}\" took {seconds:.0} s, where {usual:.0} s are usual: see whether the deck is larger, or the machine was busy")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{ErrorClass, JobError, JobId, LatelyStage};
    use serde_json::json;
    use std::collections::BTreeMap;

    /// A job of two stages: 1 s, and as many seconds of work with so much processor time, in GB and on 2 cores with 8 GB.
    fn job(seconds: i64, cpu: f64, memory: f64) -> Job {
        let used = json!({ "cpu_seconds": cpu, "peak_memory_bytes": (memory * 1e9) as u64, "cores": 2, "memory_bytes": 8_000_000_000_u64 });
        let stage = |name: &str, title: &str, seconds: i64, result| Stage {
            name: name.into(),
            title: title.into(),
            weight: 1.0,
            state: StageState::Completed,
            attempt: 1,
            progress: 1.0,
            started_at: Some(Timestamp(1_000)),
            finished_at: Some(Timestamp(1_000 + 1_000 * seconds)),
            note: None,
            result,
        };
        let stages = vec![
            stage("import", "Reading the slides", 1, json!({ "slides": 3 })),
            stage("render", "Making the film", seconds, json!({ "used": used })),
        ];
        let (created_at, started_at, finished_at) = (Timestamp(0), Some(Timestamp(1_000)), Some(Timestamp(2_000 + 1_000 * seconds)));
        let (id, kind, title) = (JobId::new(), "render".into(), "A talk".into());
        let (state, result, spec) = (JobState::Completed, json!(null), json!({}));
        Job {
            id,
            kind,
            owner: None,
            title,
            spec,
            state,
            priority: 0,
            held: false,
            created_at,
            started_at,
            finished_at,
            error: None,
            result,
            furthest: 0.0,
            stages,
        }
    }

    fn advice(job: &Job, lately: &Lately) -> String {
        Report::of(job, lately).recommendations.join("\n")
    }

    #[test]
    fn stages_are_told_with_what_they_took() {
        let usual = LatelyStage { attempts: 4, good: 3, seconds: Some(9.0) };
        let lately = Lately { jobs: 4, good: 4, stages: BTreeMap::from([("render".into(), usual)]) };
        let report = Report::of(&job(9, 5.0, 1.5), &lately);
        assert_eq!((report.bottleneck.as_deref(), report.success_rate, report.waited_seconds), (Some("render"), Some(1.0), Some(1.0)));
        let [import, render] = &report.stages[..] else { panic!("two stages") };
        assert_eq!((import.seconds, import.cpu_seconds, import.share), (Some(1.0), None, Some(0.1)));
        assert_eq!((render.cpu_seconds, render.peak_memory_bytes, render.usual_seconds), (Some(5.0), Some(1_500_000_000), Some(9.0)));
        assert_eq!((render.success_rate, report.recommendations.len()), (Some(0.75), 1));
        assert!(report.recommendations[0].starts_with("nothing stands out"), "{report:?}");
    }

    #[test]
    fn what_stands_out_is_told_with_what_to_change() {
        let none = Lately::default();
        assert!(advice(&job(100, 180.0, 1.0), &none).contains("processors were the limit"));
        assert!(advice(&job(100, 20.0, 1.0), &none).contains("only 20 % of its time"));
        assert!(advice(&job(5, 9.0, 7.0), &none).contains("7.0 of the machine's 8.0 GB"));
        let bad = Lately { jobs: 10, good: 8, ..Lately::default() };
        assert!(advice(&job(5, 1.0, 1.0), &bad).contains("80 % of the last 10"));
        let usual = LatelyStage { attempts: 4, good: 4, seconds: Some(20.0) };
        let quick = Lately { jobs: 4, good: 4, stages: BTreeMap::from([("render".into(), usual)]) };
        assert!(advice(&job(100, 100.0, 1.0), &quick).contains("where 20 s are usual"));
        let mut late = job(5, 1.0, 1.0);
        late.started_at = Some(Timestamp(60_000));
        assert!(advice(&late, &none).contains("add a worker"));
        late.spec = json!({ "hold": true });
        assert!(advice(&late, &none).starts_with("nothing stands out"));
        late.stages[1].attempt = 3;
        assert!(advice(&late, &none).contains("\"Making the film\" was begun 3 times"));
        let mut failed = job(5, 1.0, 1.0);
        failed.state = JobState::Failed;
        failed.stages[1].state = StageState::Failed;
        failed.error = Some(JobError::new(ErrorClass::Permanent, "invalid", "it cannot be read", "send another"));
        assert!(advice(&failed, &none).starts_with("\"Making the film\" failed: it cannot be read; send another"));
    }
}
