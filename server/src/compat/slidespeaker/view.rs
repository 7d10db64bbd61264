//! A job in the words of the other system.

use super::languages::{self, Language};
use super::media::{Offer, Track, offers};
use super::refused::Refused;
use super::steps::Asked;
use crate::artifacts::Entry;
use crate::ledger::{Job, JobState, Stage, StageState, Timestamp};
use serde_json::{Map, Value, json};

/// How tasks stand, by their names there; the first name of a state is the one that is told.
pub const STATES: [(&str, JobState); 6] = [
    ("queued", JobState::Pending),
    ("pending", JobState::Pending),
    ("processing", JobState::Processing),
    ("completed", JobState::Completed),
    ("failed", JobState::Failed),
    ("cancelled", JobState::Cancelled),
];

/// The state of a name.
pub fn state_named(name: &str) -> Option<JobState> {
    STATES.iter().find(|(known, _)| *known == name).map(|(_, state)| *state)
}

/// The name of a state.
pub fn state_of(state: JobState) -> &'static str {
    STATES.iter().find(|(_, known)| *known == state).map_or("unknown", |(name, _)| name)
}

fn updated(job: &Job) -> Timestamp {
    let begun = job.stages.iter().filter_map(|stage| stage.finished_at.max(stage.started_at)).max();
    job.finished_at.or(begun).unwrap_or(job.created_at)
}

/// A task as it is listed.
pub fn task(job: &Job) -> Result<Value, Refused> {
    let Asked { file, options } = Asked::of(job)?;
    let mut kwargs = json!(options);
    kwargs["generate_video"] = json!(options.makes_video());
    kwargs["generate_podcast"] = json!(options.makes_podcast());
    kwargs["file_id"] = json!(file.file_id);
    Ok(json!({
        "task_id": job.id, "id": job.id, "upload_id": file.file_id, "file_id": file.file_id, "task_type": options.task_type,
        "status": state_of(job.state), "kwargs": kwargs, "error": job.error.as_ref().map(|error| &error.detail), "user_id": job.owner,
        "voice_language": options.voice_language, "subtitle_language": options.subtitle_language, "source_type": file.source_type,
        "created_at": job.created_at, "updated_at": updated(job), "filename": file.filename, "file_ext": file.file_ext,
    }))
}

/// Is a text, in small letters, found in what a task is known by?
pub fn says(job: &Job, text: &str) -> Result<bool, Refused> {
    let Asked { file, options } = Asked::of(job)?;
    let kind = json!(options.task_type);
    let subtitles = options.subtitle_language.as_deref().unwrap_or_default();
    let id = job.id.to_string();
    let places = [
        id.as_str(),
        &file.file_id,
        &file.filename,
        state_of(job.state),
        kind.as_str().unwrap_or_default(),
        &options.voice_language,
        subtitles,
        &options.video_resolution,
    ];
    Ok(places.iter().any(|place| place.to_lowercase().contains(text)))
}

/// How far a task is.
pub fn progress(job: &Job) -> Result<Value, Refused> {
    let Asked { file, options } = Asked::of(job)?;
    let steps: Map<String, Value> = job.stages.iter().map(|stage| (stage.name.clone(), step(stage))).collect();
    let failed = job.stages.iter().find(|stage| stage.state == StageState::Failed);
    let errors: Vec<Value> = job
        .error
        .iter()
        .map(|error| {
            json!({
                "step": failed.map(|stage| &stage.name), "error": error.detail, "message": error.cure, "code": error.code,
                "timestamp": job.finished_at,
            })
        })
        .collect();
    Ok(json!({
        "task_id": job.id, "status": state_of(job.state), "progress": percent(job), "current_step": job.current().map(|stage| &stage.name),
        "steps": steps, "errors": errors, "filename": file.filename, "file_ext": file.file_ext, "source_type": file.source_type,
        "voice_language": options.voice_language, "subtitle_language": options.subtitle_language,
        "generate_podcast": options.makes_podcast(), "generate_video": options.makes_video(), "task_type": options.task_type,
        "created_at": job.created_at, "updated_at": updated(job),
    }))
}

fn step(stage: &Stage) -> Value {
    let mut step = json!({ "status": stage.state, "progress": (stage.progress * 100.0).floor() });
    if let Some(note) = &stage.note {
        step["note"] = json!(note);
    }
    step
}

/// Whole per cent.
fn percent(job: &Job) -> u64 {
    job.percent() as u64
}

/// A task by itself, with what can be fetched; `place` is its address.
pub fn detail(job: &Job, place: &str, published: &[Entry]) -> Result<Value, Refused> {
    let asked = Asked::of(job)?;
    let urls = offers(&asked, published).map(|offer| {
        let name = match offer {
            Offer::Video => "video_url",
            Offer::Audio => "audio_url",
            Offer::Podcast => "podcast_url",
            Offer::Vtt => "subtitle_url",
            Offer::Srt => "srt_url",
            Offer::Transcript => "transcript_url",
        };
        (name.to_string(), json!(format!("{place}/{}", offer.path())))
    });
    let downloads: Map<String, Value> = urls.collect();
    let Asked { file, options } = asked;
    Ok(json!({
        "task_id": job.id, "file_id": file.file_id, "status": state_of(job.state), "task_type": options.task_type, "created_at": job.created_at,
        "updated_at": updated(job), "filename": file.filename, "file_ext": file.file_ext, "source_type": file.source_type,
        "voice_language": options.voice_language, "subtitle_language": options.subtitle_language,
        "generate_podcast": options.makes_podcast(), "generate_video": options.makes_video(), "completion_percentage": percent(job),
        "downloads": downloads,
    }))
}

/// What a player needs of a film that is there; the first of its subtitles are shown.
pub fn preview(asked: &Asked, place: &str, tracks: &[Track]) -> Value {
    let source = |offer: Offer, language: &Language| format!("{place}/{}?language={}", offer.path(), language.tag);
    let formats = [(Offer::Vtt, "vtt"), (Offer::Srt, "srt")];
    let subtitles: Map<String, Value> = match tracks.first() {
        Some(first) => formats.map(|(offer, format)| (format!("{format}_url"), json!(source(offer, first.language)))).into_iter().collect(),
        None => Map::new(),
    };
    let track = |(index, track): (usize, &Track)| {
        let language = track.language;
        formats.map(|(offer, format)| {
            json!({
                "kind": "subtitles", "src": source(offer, language), "srclang": language.tag, "label": languages::title(language), "format": format,
                "default": index == 0 && format == "vtt",
            })
        })
    };
    let tracks: Vec<Value> = tracks.iter().enumerate().flat_map(track).collect();
    json!({
        "preview_available": true,
        "video": { "file_id": asked.file.file_id, "video_url": format!("{place}/{}", Offer::Video.path()), "file_name": asked.file.filename },
        "subtitles": subtitles, "subtitle_tracks": tracks,
    })
}

#[cfg(test)]
mod tests {
    use super::super::media::tracks;
    use super::*;
    use crate::artifacts::Tier;
    use crate::ledger::{ErrorClass, JobError, JobId};

    fn stage(name: &str, state: StageState, note: Option<&str>) -> Stage {
        let (name, title, note) = (name.to_string(), String::new(), note.map(String::from));
        let (started_at, finished_at) = (Some(Timestamp(2_000)), Some(Timestamp(5_000)));
        Stage { name, title, weight: 1.0, state, attempt: 1, progress: 0.5, started_at, finished_at, note, result: json!(null) }
    }

    fn job(state: JobState) -> Job {
        let spec = json!({
            "file_id": "0123456789abcdef", "filename": "Talk.pptx", "file_ext": ".pptx", "source_type": "slides", "content_type": "x",
            "checksum": "0".repeat(64), "size_bytes": 7, "task_type": "video", "voice_language": "english", "subtitle_language": "french",
            "transcript_language": null, "video_resolution": "sd", "generate_avatar": false, "generate_subtitles": true, "voice_id": null,
            "watermark": null,
        });
        let stages = vec![
            stage("extract_slides", StageState::Completed, None),
            stage("analyze_slides", StageState::Skipped, Some("there is no model")),
            stage("compose_video", StageState::Failed, None),
        ];
        let error = JobError::new(ErrorClass::Permanent, "invalid", "it is broken", "mend it");
        Job {
            id: JobId::new(),
            kind: "slidespeaker".into(),
            owner: Some("ada".into()),
            title: "Talk.pptx".into(),
            spec,
            state,
            priority: 0,
            held: false,
            created_at: Timestamp(1_000),
            started_at: Some(Timestamp(2_000)),
            finished_at: None,
            error: (state == JobState::Failed).then_some(error),
            result: json!(null),
            furthest: 0.0,
            stages,
        }
    }

    fn artifact(name: &str) -> Entry {
        Entry { name: name.into(), size: 1, sha256: String::new(), content_type: "x".into(), tier: Tier::of(name) }
    }

    #[test]
    fn a_failure_is_told_with_its_step() {
        let told = progress(&job(JobState::Failed)).unwrap();
        assert_eq!((&told["status"], &told["current_step"]), (&json!("failed"), &json!("compose_video")));
        assert_eq!(told["steps"]["analyze_slides"]["note"], "there is no model");
        assert_eq!((&told["errors"][0]["step"], &told["errors"][0]["error"]), (&json!("compose_video"), &json!("it is broken")));
        assert_eq!((&told["progress"], &told["updated_at"]), (&json!(83), &json!("1970-01-01T00:00:05Z")));
        assert_eq!(task(&job(JobState::Pending)).unwrap()["status"], "queued");
    }

    #[test]
    fn what_is_there_can_be_fetched() {
        let job = job(JobState::Completed);
        let published = ["film.mp4", "film.vtt", "film.srt", "audio.mp3", "transcript.md"].map(artifact);
        assert_eq!(detail(&job, "/b/api/tasks/1", &[]).unwrap()["downloads"], json!({}));
        let downloads = &detail(&job, "/b/api/tasks/1", &published).unwrap()["downloads"];
        assert_eq!(
            (&downloads["video_url"], &downloads["subtitle_url"]),
            (&json!("/b/api/tasks/1/video"), &json!("/b/api/tasks/1/subtitles/vtt"))
        );
    }

    #[test]
    fn subtitles_are_called_by_the_language_that_they_are_in() {
        let mut job = job(JobState::Completed);
        let asked = Asked::of(&job).unwrap();
        let shown = |job: &Job, published: &[&str]| {
            let published: Vec<Entry> = published.iter().map(|name| artifact(name)).collect();
            let shown = preview(&asked, "/api/tasks/1", &tracks(job, &asked, &published));
            let tracks = shown["subtitle_tracks"].as_array().unwrap().clone();
            (shown["subtitles"]["vtt_url"].as_str().map(String::from), tracks)
        };
        let both = ["film.mp4", "film.vtt", "film.srt", "film.fr.vtt", "film.fr.srt"];
        let (first, tracks) = shown(&job, &both);
        assert_eq!(first.as_deref(), Some("/api/tasks/1/subtitles/vtt?language=fr"));
        let told: Vec<_> = tracks.iter().map(|track| (track["srclang"].as_str().unwrap(), track["default"].as_bool().unwrap())).collect();
        assert_eq!(told, [("fr", true), ("fr", false), ("en", false), ("en", false)]);
        assert_eq!(tracks[0]["label"], "French");
        // Nobody translated them: they are in the language that is spoken.
        let (first, tracks) = shown(&job, &both[..3]);
        assert_eq!((first.as_deref(), tracks.len()), (Some("/api/tasks/1/subtitles/vtt?language=en"), 2));
        // Nor what is said.
        job.stages[0].result = json!({ "language": "es-ES" });
        job.stages.push(stage("translate_voice", StageState::Skipped, None));
        assert_eq!(shown(&job, &both[..3]).0.as_deref(), Some("/api/tasks/1/subtitles/vtt?language=es"));
        assert_eq!(shown(&job, &both[..1]), (None, Vec::new()));
    }

    #[test]
    fn a_task_is_found_by_what_it_is_known_by() {
        let job = job(JobState::Completed);
        for (text, found) in [("talk", true), ("0123", true), ("completed", true), ("french", true), ("generate", false), ("other", false)]
        {
            assert_eq!(says(&job, text).unwrap(), found, "{text}");
        }
        assert!(says(&job, &job.id.to_string()).unwrap());
    }
}
