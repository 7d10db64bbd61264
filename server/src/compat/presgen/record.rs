//! A job as clients of the service read it.

use super::FILM;
use super::wanted::Mode;
use crate::ledger::{Job, JobState, Timestamp};
use serde_json::{Value, json};

/// The record of a job of one of the modes.
pub fn job(job: &Job, mode: Mode) -> Value {
    let mut record = common(job);
    record["type"] = json!(mode.kind());
    record["mode"] = json!(mode.name());
    record["status"] = json!(status(job));
    record
}

/// What the records of all jobs have.
pub fn common(job: &Job) -> Value {
    let film = (job.state == JobState::Completed).then_some(FILM);
    let notes =
        job.stages.iter().filter_map(|stage| Some(json!({ "stage": stage.name, "status": stage.state, "note": stage.note.as_ref()? })));
    json!({
        "id": job.id,
        "job_id": job.id,
        "created_at": job.created_at,
        "stages": job.stages.iter().map(|stage| &stage.name).collect::<Vec<_>>(),
        "current_stage": job.current().map(|stage| &stage.name),
        "progress": job.percent(),
        "notes": notes.collect::<Vec<_>>(),
        "error": error(job),
        "output_path": film,
        "download_url": film.map(|_| address(job)),
        "processing_time": seconds(job),
    })
}

fn status(job: &Job) -> &'static str {
    match job.state {
        JobState::Pending if job.started_at.is_none() => "created",
        JobState::Pending | JobState::Processing => "processing",
        JobState::Completed => "completed",
        JobState::Failed | JobState::Cancelled => "failed",
    }
}

/// Why there is no film.
pub fn error(job: &Job) -> Option<String> {
    match (&job.error, job.state) {
        (Some(error), JobState::Failed) => {
            let stage = job.current().map_or("", |stage| stage.name.as_str());
            Some([format!("{stage}: {}", error.detail), error.cure.clone()].join("; ").trim_end_matches("; ").to_string())
        }
        (_, JobState::Cancelled) => Some("it was cancelled".into()),
        _ => None,
    }
}

/// Where the film is.
pub fn address(job: &Job) -> String {
    format!("/training/download/{}", job.id)
}

/// How long the work at it took, or has taken.
pub fn seconds(job: &Job) -> Option<f64> {
    Some(job.finished_at.unwrap_or_else(Timestamp::now).since(job.started_at?).as_secs_f64())
}

/// The answer to a client who has waited.
pub fn result(job: &Job, mode: Mode) -> Value {
    let film = |stage: &str| job.stages.iter().find(|other| other.name == stage).and_then(|stage| stage.result["media_seconds"].as_f64());
    let (avatar, presentation) = match mode {
        Mode::VideoOnly => (film("avatar_generation"), None),
        Mode::PresentationOnly => (None, film("video_composition")),
        Mode::VideoPresentation => (film("avatar_generation"), film("presentation_rendering")),
    };
    let total = if mode == Mode::VideoPresentation { film("video_appending") } else { avatar.or(presentation) };
    let mut result = common(job);
    result["success"] = json!(job.state == JobState::Completed);
    result["mode"] = json!(mode.name());
    result["total_duration"] = json!(total);
    result["avatar_duration"] = json!(avatar);
    result["presentation_duration"] = json!(presentation);
    result
}

/// The answer to a client whose wish cannot become a job.
pub fn refused(mode: Mode, why: &str) -> Value {
    json!({ "job_id": "", "success": false, "mode": mode.name(), "output_path": null, "download_url": null, "processing_time": null, "error": why })
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::ledger::{ErrorClass, JobError, JobId, Stage, StageState};

    /// A job with these stages, each with its state.
    pub fn job_of(kind: &str, state: JobState, stages: &[(&str, StageState)]) -> Job {
        let stage = |(name, state): &(&str, StageState)| Stage {
            name: (*name).into(),
            title: String::new(),
            weight: 1.0,
            state: *state,
            attempt: 1,
            progress: 0.0,
            started_at: Some(Timestamp(1_000)),
            finished_at: state.is_done().then_some(Timestamp(4_000)),
            note: (*state == StageState::Skipped).then(|| "there is no model".into()),
            result: json!({ "media_seconds": 3.0 }),
        };
        Job {
            id: JobId::new(),
            kind: kind.into(),
            owner: None,
            title: "Talk".into(),
            spec: json!({}),
            state,
            priority: 0,
            held: false,
            created_at: Timestamp(0),
            started_at: (state != JobState::Pending).then_some(Timestamp(1_000)),
            finished_at: state.is_over().then_some(Timestamp(5_500)),
            error: None,
            result: json!(null),
            furthest: 0.0,
            stages: stages.iter().map(stage).collect(),
        }
    }

    #[test]
    fn a_job_is_told_as_clients_know_it_with_what_was_done_in_place_of_what() {
        let stages = [("voice_cloning", StageState::Skipped), ("avatar_generation", StageState::Processing)];
        let mut seen = job_of("training_video_only", JobState::Processing, &stages);
        let record = job(&seen, Mode::VideoOnly);
        assert_eq!(
            (&record["type"], &record["mode"], &record["status"]),
            (&json!("training_video_only"), &json!("video_only"), &json!("processing"))
        );
        assert_eq!(
            (&record["current_stage"], &record["progress"], &record["output_path"]),
            (&json!("avatar_generation"), &json!(50.0), &json!(null))
        );
        assert_eq!(record["notes"], json!([{ "stage": "voice_cloning", "status": "skipped", "note": "there is no model" }]));
        seen.state = JobState::Failed;
        seen.finished_at = Some(Timestamp(5_500));
        seen.error = Some(JobError::new(ErrorClass::Permanent, "invalid", "it cannot be read", "send another"));
        let record = job(&seen, Mode::VideoOnly);
        assert_eq!(
            (&record["error"], &record["processing_time"]),
            (&json!("avatar_generation: it cannot be read; send another"), &json!(4.5))
        );
    }

    #[test]
    fn states_have_the_names_that_clients_know() {
        let named = |state| job(&job_of("training_video_only", state, &[]), Mode::VideoOnly)["status"].clone();
        assert_eq!(
            JobState::ALL.iter().map(|state| named(*state)).collect::<Vec<_>>(),
            ["created", "processing", "completed", "failed", "failed"]
        );
        let cancelled = job(&job_of("training_video_only", JobState::Cancelled, &[]), Mode::VideoOnly);
        assert_eq!((&cancelled["error"], &cancelled["download_url"]), (&json!("it was cancelled"), &json!(null)));
    }

    #[test]
    fn who_waited_is_told_how_long_the_film_is() {
        let stages = [("avatar_generation", StageState::Completed), ("presentation_rendering", StageState::Completed)];
        let told = result(&job_of("training_video_presentation", JobState::Completed, &stages), Mode::VideoPresentation);
        assert_eq!((&told["success"], &told["avatar_duration"], &told["total_duration"]), (&json!(true), &json!(3.0), &json!(null)));
        assert!(told["download_url"].as_str().is_some_and(|url| url.starts_with("/training/download/")));
    }
}
