//! The older part of the service: a script and a film are uploaded, then become a film with the script's points beside the speaker.

use super::stages::output;
use super::voice::shows;
use super::wanted::{check_script, excerpt, keep};
use super::{FILM, record};
use crate::compat::fastapi::Refusal;
use crate::jobs::JobSpec;
use crate::ledger::{Job, JobState, Stage};
use crate::uploads::Upload;
use crate::worker::{Layout, Looks, Said, Task, Wishes};
use serde_json::{Map, Value, json};
use std::path::Path;

/// Of its jobs.
pub const KIND: &str = "training";
/// The stage that takes long.
const AVATAR: &str = "avatar_processing";
/// The script, as a lesson.
const TALK: &str = "processing/talk/lesson.yaml";

/// The job; the film is put into `input`.
///
/// # Errors
/// The script is too long, or the film cannot be kept.
pub fn spec(spec: JobSpec, script: &str, film: Option<Upload>, quality: Option<&str>, input: &Path) -> Result<JobSpec, Refusal> {
    check_script(script)?;
    let title = excerpt(script);
    let asked = json!({ "script": script, "source_video": film.as_ref().map(|film| &film.name), "quality": quality, "hold": spec.held });
    let has_film = film.is_some();
    if let Some(film) = film {
        keep(film, &input.join("source"))?;
    }
    let said = Said::Text(script.into());
    let write = Task::Script { said, title: title.clone(), language: None, layout: Layout::Points, lesson: TALK.into() };
    let looks = Looks { quality: quality.map(String::from), ..Looks::default() };
    let render = Task::Render { lesson: TALK.into(), wishes: Wishes::default(), looks, film: output() };
    Ok(JobSpec { kind: KIND.into(), title, spec: asked, ..spec }
        .stage("script_processing", "Reading the script", 0.3, write)
        .stage(AVATAR, "Making the avatar speak", 20.0, shows(has_film, render))
        .stage("finalization", "Putting it in its place", 0.3, Task::Publish))
}

/// The record of a job, and what of the machine is in use.
pub fn record(job: &Job, resources: Value) -> Value {
    let mut record = record::common(job);
    record["type"] = json!(KIND);
    record["status"] = json!(status(job));
    record["script"] = job.spec["script"].clone();
    if let Some(film) = job.spec["source_video"].as_str() {
        record["source_video"] = json!(film);
    }
    let phase = |stage: &Stage| {
        let phase = json!({ "status": stage.state, "progress": stage.progress, "seconds": seconds(stage), "note": stage.note,
            "cpu_seconds": stage.result["used"]["cpu_seconds"], "peak_memory_bytes": stage.result["used"]["peak_memory_bytes"] });
        (stage.name.clone(), phase)
    };
    record["phases"] = Value::Object(job.stages.iter().map(phase).collect());
    record["resource_usage"] = resources;
    record
}

fn status(job: &Job) -> &'static str {
    let is_avatar = job.current().is_some_and(|stage| stage.name == AVATAR);
    match job.state {
        JobState::Pending if job.held => "uploaded",
        JobState::Pending | JobState::Processing if is_avatar => AVATAR,
        JobState::Pending | JobState::Processing => "processing",
        JobState::Completed => "completed",
        JobState::Failed | JobState::Cancelled => "failed",
    }
}

/// The answer to a client who has waited.
pub fn result(job: &Job) -> Value {
    let is_done = job.state == JobState::Completed;
    let times: Map<String, Value> = job.stages.iter().filter_map(|stage| Some((stage.name.clone(), json!(seconds(stage)?)))).collect();
    json!({
        "job_id": job.id, "success": is_done, "total_processing_time": record::seconds(job).unwrap_or_default(), "phase_times": times,
        "output_path": is_done.then_some(FILM), "download_url": is_done.then(|| record::address(job)), "error": record::error(job),
    })
}

/// How long a stage took.
fn seconds(stage: &Stage) -> Option<f64> {
    Some(stage.finished_at?.since(stage.started_at?).as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::super::record::tests::job_of;
    use super::*;
    use crate::ledger::StageState;

    #[test]
    fn a_job_is_told_with_its_phases() {
        let stages =
            [("script_processing", StageState::Completed), (AVATAR, StageState::Processing), ("finalization", StageState::Pending)];
        let mut job = job_of(KIND, JobState::Processing, &stages);
        job.spec = json!({ "script": "Hello.", "source_video": "me.mp4" });
        let told = record(&job, json!({ "cpu_percent": 5 }));
        assert_eq!((&told["type"], &told["status"], &told["script"]), (&json!("training"), &json!(AVATAR), &json!("Hello.")));
        assert_eq!((&told["phases"]["script_processing"]["seconds"], &told["resource_usage"]["cpu_percent"]), (&json!(3.0), &json!(5)));
        job.state = JobState::Pending;
        job.held = true;
        assert_eq!(record(&job, json!({}))["status"], "uploaded");
        job.state = JobState::Completed;
        let told = result(&job);
        assert_eq!(
            (&told["success"], &told["phase_times"], &told["output_path"]),
            (&json!(true), &json!({ "script_processing": 3.0 }), &json!(FILM))
        );
    }

    #[test]
    fn every_task_can_be_meant() {
        let made = spec(JobSpec::new("", ""), "First, write. Second, read.", None, Some("fast"), Path::new("/nowhere")).unwrap();
        made.stages.iter().for_each(|stage| stage.task.check().unwrap());
        assert_eq!((made.kind.as_str(), made.title.as_str(), made.stages.len()), (KIND, "First, write", 3));
    }
}
