//! A task of the other system as a job: its steps by their names, each with what does it here.

use super::KIND;
use super::aside;
use super::files::{Files, Sent};
use super::languages::{self, Language};
use super::options::{Options, Source};
use super::refused::Refused;
use super::voices;
use crate::folders::Folders;
use crate::jobs::{JobSpec, Jobs};
use crate::ledger::{Job, JobId, StageState};
use crate::worker::{Looks, Presenter, Task, Wishes};
use plugins::writer::ChatSettings;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::Arc;

/// The lesson that a file becomes.
const LESSON: &str = "processing/lesson/lesson.yaml";
/// The same in the language of the voice.
const TRANSLATED: &str = "processing/translated/lesson.yaml";
/// The same in the language of the transcript.
const WRITTEN: &str = "processing/written/lesson.yaml";
/// What was asked for in another language stays in its own.
const NO_TRANSLATOR: &str = "there is no service that translates (LECTERN_WRITER_URL names one)";
/// The film, beside which its subtitles lie.
pub const FILM: &str = "film.mp4";
/// What is said, as one recording; those of single slides lie beside it, with their numbers.
pub const SOUND: &str = "audio.mp3";
/// A conversation of two, as one recording; what is to be read of it lies beside it.
pub const PODCAST: &str = "podcast.mp3";
/// Who says what in it, and when it is heard.
pub const CONVERSATION: &str = "podcast.json";
/// The lesson of a conversation.
const DIALOGUE: &str = "processing/podcast/lesson.yaml";
/// What is said, as text.
pub const TRANSCRIPT: &str = "transcript.md";
/// Steps that other documents of the system call otherwise.
const ALIASES: [(&str, &str); 5] = [
    ("convert_slides_to_images", "convert_slides"),
    ("analyze_slide_images", "analyze_slides"),
    ("translate_voice_transcripts", "translate_voice"),
    ("translate_subtitle_transcripts", "translate_subtitle"),
    ("generate_avatar_videos", "generate_avatar"),
];
/// The longest name that a file has in a job's folder, in characters.
const LONGEST: usize = 60;

/// What was asked for: the file and what is to be made of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Asked {
    /// The file.
    #[serde(flatten)]
    pub file: Sent,
    /// What is to be made of it.
    #[serde(flatten)]
    pub options: Options,
}

impl Asked {
    /// What a job was submitted with.
    ///
    /// # Errors
    /// It was not submitted here.
    pub fn of(job: &Job) -> Result<Asked, Refused> {
        Asked::deserialize(&job.spec).map_err(|error| Refused::failed(&error))
    }

    /// The language in which a film is spoken, as far as its job tells: without a service that translates it is that of the file.
    pub fn spoken(&self, job: &Job) -> &'static Language {
        let stage = |name: &str| job.stages.iter().find(|stage| stage.name == name);
        let is_untranslated = stage("translate_voice").is_some_and(|stage| stage.state == StageState::Skipped);
        let read = || {
            let tag = stage("extract_slides")?.result["language"].as_str()?;
            languages::find(tag).or_else(|| languages::find(tag.split('-').next()?))
        };
        is_untranslated.then(read).flatten().unwrap_or_else(|| self.options.voice())
    }

    /// The job, of nobody yet. `has_writer`: there is a service that translates.
    fn spec(&self, has_writer: bool) -> JobSpec {
        let mut spec = JobSpec::new(KIND, &self.file.filename);
        if self.options.makes_video() {
            spec = self.film(spec, has_writer);
        }
        if self.options.makes_podcast() {
            spec = self.podcast(spec, has_writer);
        }
        spec.stage("publish", "Putting it in its place", 0.3, Task::Publish)
    }

    /// The steps of a podcast.
    fn podcast(&self, spec: JobSpec, has_writer: bool) -> JobSpec {
        let Asked { file, options } = self;
        let (source, sound) = (format!("{}/{}", Folders::INPUT, file_name(file)), format!("{}/{PODCAST}", Folders::OUTPUT));
        if file.source_type == Source::Audio {
            let because = "no model here writes down what a recording says; it is brought to the level of a podcast as it is";
            let task = Task::Instead { because: because.into(), task: Task::Recording { recording: source, sound }.into() };
            return spec.stage("compose_podcast", "Making the podcast", 3.0, task);
        }
        let mut wishes = Wishes::default();
        let mut spec = spec;
        if has_writer {
            wishes.language = Some(options.voice().tag.into());
        } else if options.voice().tag != "en" {
            let because = format!("{NO_TRANSLATOR}; the conversation is in the document's language");
            spec = spec.stage("translate_podcast_script", "Translating the conversation", 0.0, Task::Skip { because });
        }
        let voice = |asked: &Option<String>| asked.as_deref().and_then(voices::find);
        let (host, guest) = (voice(&options.podcast_host_voice), voice(&options.podcast_guest_voice));
        spec.stage("generate_podcast_script", "Writing the conversation", 2.0, Task::Dialogue { source, wishes, lesson: DIALOGUE.into() })
            .stage("generate_podcast_audio", "Speaking it", 8.0, Task::Podcast { lesson: DIALOGUE.into(), host, guest, sound })
    }

    /// The steps of a film.
    fn film(&self, spec: JobSpec, has_writer: bool) -> JobSpec {
        let Asked { file, options } = self;
        let skip = |because: &str| Task::Skip { because: because.into() };
        let untranslated = |stays: &str| Task::Skip { because: format!("{NO_TRANSLATOR}; {stays}") };
        let output = |name: &str| format!("{}/{name}", Folders::OUTPUT);
        let document = format!("{}/{}", Folders::INPUT, file_name(file));
        let (voice, subtitles, written) = (options.voice(), options.subtitles(), options.transcript());
        let read = Wishes::default();
        let transcript = |lesson: &str| Task::Transcript { lesson: lesson.into(), text: output(TRANSCRIPT) };
        let translate = |language: &Language, lesson: &str| {
            let wishes = Wishes { language: Some(language.tag.into()), ..Wishes::default() };
            Task::Content { document: LESSON.into(), wishes, lesson: lesson.into() }
        };
        let mut spec = spec
            .stage("extract_slides", "Reading the slides", 1.0, Task::Import { deck: document.clone() })
            .stage("convert_slides", "Turning them into a lesson", 1.0, Task::Content { document, wishes: read, lesson: LESSON.into() })
            .stage(
                "analyze_slides",
                "Looking at the pictures",
                0.0,
                skip("no model looks at pictures here; what is written on the slides and in their notes counts"),
            )
            .stage("generate_transcripts", "Writing down what is said", 0.3, transcript(LESSON))
            .stage("revise_transcripts", "Revising it", 0.0, skip("what stands in the notes is said as it stands"));
        let mut lesson = LESSON;
        if has_writer {
            lesson = TRANSLATED;
            spec = spec.stage("translate_voice", "Translating what is said", 3.0, translate(voice, TRANSLATED));
            let mut written_down = TRANSLATED;
            if written != voice {
                written_down = WRITTEN;
                spec = spec.stage("translate_text", "Translating the transcript", 3.0, translate(written, WRITTEN));
            }
            spec = spec.stage("translate_transcript", "Writing the translation down", 0.3, transcript(written_down));
        } else {
            if voice.tag != "en" {
                let stays = "the notes are spoken in their own language";
                spec = spec.stage("translate_voice", "Translating what is said", 0.0, untranslated(stays));
            }
            if written != voice {
                let stays = "the transcript is in the language of the notes";
                spec = spec.stage("translate_transcript", "Translating the transcript", 0.0, untranslated(stays));
            }
        }
        let subtitles = (subtitles != voice).then_some(subtitles);
        if subtitles.is_some() && !options.generate_subtitles {
            let because = "no subtitles are asked for";
            spec = spec.stage("translate_subtitle", "Translating the subtitles", 0.0, skip(because));
        } else if subtitles.is_some() && !has_writer {
            let stays = "subtitles are in the language that is spoken";
            spec = spec.stage("translate_subtitle", "Translating the subtitles", 0.0, untranslated(stays));
        }
        let looks = Looks {
            voice: options.voice_id.as_deref().and_then(voices::find),
            presenter: Some(if options.generate_avatar { Presenter::Large } else { Presenter::Hidden }),
            size: Some(options.video_resolution.clone()),
            watermark: options.watermark.clone(),
            ..Looks::default()
        };
        let said = |each: bool| {
            let (lesson, looks, sound) = (lesson.to_string(), Looks { voice: looks.voice.clone(), ..Looks::default() }, output(SOUND));
            if each { Task::NarrateEach { lesson, looks, sound } } else { Task::Narrate { lesson, looks, sound } }
        };
        spec = spec.stage("generate_audio", "Speaking", 5.0, said(false)).stage(
            "split_audio",
            "Speaking each slide by itself",
            1.0,
            said(true),
        );
        if options.generate_avatar {
            let because = "the built-in presenter is drawn while the film is made";
            spec = spec.stage("generate_avatar", "Making the presenter", 0.0, skip(because));
        }
        if options.generate_subtitles {
            let because = "subtitles get their times while the film is made";
            spec = spec.stage("generate_subtitles", "Making subtitles", 0.0, skip(because));
        }
        let film = Task::Render { lesson: lesson.into(), wishes: Wishes::default(), looks, film: output(FILM) };
        spec = spec.stage("compose_video", "Making the film", 20.0, film);
        match subtitles.filter(|_| has_writer && options.generate_subtitles) {
            // What is shown when is known once the film is there.
            Some(language) => {
                let (from, to) = (voice.tag.into(), language.tag.into());
                let task = Task::Subtitles { captions: output(&subtitle_file(None, "srt")), from, to };
                spec.stage("translate_subtitle", "Translating the subtitles", 1.0, task)
            }
            None => spec,
        }
    }

    /// Has a job begun with its file, which is one of `files`.
    ///
    /// # Errors
    /// It cannot be, or means nothing.
    pub async fn begin(self, jobs: &Arc<Jobs>, owner: &str, files: &Files) -> Result<JobId, Refused> {
        let has_writer = matches!(ChatSettings::from_env(None), Ok(Some(_)));
        let spec = serde_json::to_value(&self).expect("plain data");
        let spec = JobSpec { owner: Some(owner.into()), spec, ..self.spec(has_writer) };
        let (folders, id) = (jobs.folders().clone(), spec.id);
        let input = aside(move || folders.input(id)).await??;
        if let Err(error) = files.fetch(&self.file, &input.join(file_name(&self.file))).await {
            jobs.folders().remove(id)?;
            return Err(error);
        }
        Ok(jobs.submit(spec).await?.0)
    }
}

/// What subtitles are called: those in the language that is spoken, or in another one.
pub fn subtitle_file(translated: Option<&Language>, ending: &str) -> String {
    let film = Path::new(FILM);
    let name = match translated {
        None => film.with_extension(ending),
        Some(language) => film.with_extension(format!("{}.{ending}", language.tag)),
    };
    name.display().to_string()
}

/// The name of a step here, by any that it has.
pub fn step(name: &str) -> &str {
    ALIASES.iter().find(|(alias, _)| *alias == name).map_or(name, |(_, step)| step)
}

/// What a file is called in a job's folder: its name, as far as it means nothing to anybody, with the ending that it should have.
fn file_name(file: &Sent) -> String {
    let stem = file.filename.rsplit_once('.').map_or(file.filename.as_str(), |(stem, _)| stem);
    let fits = |c: char| if c.is_alphanumeric() || "-_. ()".contains(c) { c } else { '_' };
    let stem: String = stem.trim().trim_start_matches('.').chars().take(LONGEST).map(fits).collect();
    format!("{}{}", if stem.is_empty() { "slides" } else { &stem }, file.file_ext)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn asked(name: &str, options: Value) -> Asked {
        let file = Sent {
            file_id: "0123456789abcdef".into(),
            filename: name.into(),
            file_ext: ".pptx".into(),
            source_type: Source::Slides,
            content_type: "application/x".into(),
            checksum: "0".repeat(64),
            size_bytes: 7,
        };
        Asked { file, options: Options::read(options.as_object().unwrap(), Source::Slides).unwrap() }
    }

    fn names(asked: &Asked, has_writer: bool) -> Vec<(String, bool)> {
        let spec = asked.spec(has_writer);
        assert!(spec.stages.iter().all(|stage| stage.task.check().is_ok()), "{spec:?}");
        spec.stages.iter().map(|stage| (stage.name.clone(), matches!(stage.task, Task::Skip { .. }))).collect()
    }

    #[test]
    fn steps_are_named_as_the_other_system_does_it() {
        let all = asked("talk.pptx", json!({ "voice_language": "german", "subtitle_language": "french", "generate_avatar": true }));
        let due = [
            ("extract_slides", false),
            ("convert_slides", false),
            ("analyze_slides", true),
            ("generate_transcripts", false),
            ("revise_transcripts", true),
            ("translate_voice", true),
            ("translate_subtitle", true),
            ("generate_audio", false),
            ("split_audio", false),
            ("generate_avatar", true),
            ("generate_subtitles", true),
            ("compose_video", false),
            ("publish", false),
        ];
        assert_eq!(names(&all, false), due.map(|(name, skipped)| (name.to_string(), skipped)));
        let translated = names(&all, true);
        assert!(translated.contains(&("translate_voice".into(), false)) && translated.contains(&("translate_transcript".into(), false)));
        // What is shown when is known once the film is there.
        let made = |name: &str| translated.iter().position(|(found, skipped)| found == name && !skipped);
        assert!(made("translate_subtitle") > made("compose_video") && made("translate_subtitle") < made("publish"), "{translated:?}");
        let quiet = names(&asked("talk.pptx", json!({ "subtitle_language": "french", "generate_subtitles": false })), true);
        assert!(quiet.contains(&("translate_subtitle".into(), true)), "{quiet:?}");
        let few = names(&asked("talk.pptx", json!({ "generate_subtitles": false })), false);
        assert!(few.iter().all(|(name, _)| !name.starts_with("translate") && !name.starts_with("generate_s")), "{few:?}");
        assert_eq!((step("convert_slides_to_images"), step("compose_video")), ("convert_slides", "compose_video"));
    }

    #[test]
    fn subtitles_and_transcript_have_languages_of_their_own() {
        let options = json!({ "voice_language": "german", "subtitle_language": "zh-Hans", "transcript_language": "french" });
        let all = asked("talk.pptx", options).spec(true).stages;
        let task = |name: &str| all.iter().find(|stage| stage.name == name).map(|stage| stage.task.clone());
        let subtitles = Task::Subtitles { captions: "output/film.srt".into(), from: "de".into(), to: "zh-Hans".into() };
        assert_eq!(task("translate_subtitle"), Some(subtitles));
        let Some(Task::Content { wishes, lesson, .. }) = task("translate_text") else { panic!("{all:?}") };
        assert_eq!((wishes.language.as_deref(), lesson.as_str()), (Some("fr"), WRITTEN));
        assert_eq!(task("translate_transcript"), Some(Task::Transcript { lesson: WRITTEN.into(), text: "output/transcript.md".into() }));
        let alone = names(&asked("talk.pptx", json!({ "transcript_language": "french" })), false);
        assert!(
            alone.contains(&("translate_transcript".into(), true)) && !alone.iter().any(|(name, _)| name == "translate_text"),
            "{alone:?}"
        );
        let french = languages::find("fr");
        assert_eq!((subtitle_file(None, "srt"), subtitle_file(french, "vtt")), ("film.srt".into(), "film.fr.vtt".into()));
    }

    #[test]
    fn podcasts_have_steps_of_their_own() {
        let podcast = |options: Value, source: Source| {
            let mut asked = asked("talk.pdf", json!({}));
            asked.options = Options::read(options.as_object().unwrap(), source).unwrap();
            (asked.file.source_type, asked.file.file_ext) = (source, if source == Source::Audio { ".wav" } else { ".pdf" }.into());
            asked
        };
        let all = |asked: &Asked| names(asked, false).into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        let voices = json!({ "task_type": "podcast", "podcast_host_voice": "alloy", "podcast_guest_voice": "joe" });
        let asked = podcast(voices, Source::Pdf);
        assert_eq!(all(&asked), ["generate_podcast_script", "generate_podcast_audio", "publish"]);
        let spoken = asked.spec(false).stages.into_iter().find(|stage| stage.name == "generate_podcast_audio").unwrap();
        assert!(matches!(spoken.task, Task::Podcast { host: None, guest: Some(guest), .. } if guest == "joe"));
        assert_eq!(all(&podcast(json!({ "task_type": "podcast" }), Source::Audio)), ["compose_podcast", "publish"]);
        let both = all(&podcast(json!({ "task_type": "both" }), Source::Pdf));
        assert!(both.contains(&"compose_video".into()) && both.contains(&"generate_podcast_audio".into()));
    }

    #[test]
    fn sizes_marks_and_presenters_are_those_of_the_film() {
        let looks = |options: Value| {
            let spec = asked("talk.pptx", options).spec(false);
            let film = spec.stages.into_iter().find(|stage| stage.name == "compose_video").unwrap();
            let Task::Render { looks, .. } = film.task else { panic!("it makes a film") };
            (looks.size.unwrap(), looks.watermark, looks.presenter.unwrap(), looks.voice)
        };
        assert_eq!(looks(json!({ "voice_id": "alloy" })), ("hd".into(), None, Presenter::Hidden, None));
        let wished = json!({ "video_resolution": "SD", "watermark": "Example", "generate_avatar": "1", "voice_id": "joe" });
        assert_eq!(looks(wished), ("sd".into(), Some("Example".into()), Presenter::Large, Some("joe".into())));
    }

    #[test]
    fn names_of_files_mean_nothing() {
        for (sent, kept) in [
            ("talk.pptx", "talk.pptx"),
            ("Ünï ${x}.PPTX", "Ünï __x_.pptx"),
            (".pptx", "slides.pptx"),
            ("a/../b.pptx", "a_.._b.pptx"),
            ("noending", "noending.pptx"),
        ] {
            assert_eq!(file_name(&asked(sent, json!({})).file), kept, "{sent}");
        }
        assert!(file_name(&asked(&"字".repeat(300), json!({})).file).len() < 255);
    }

    #[test]
    fn what_was_asked_for_is_read_as_it_was_kept() {
        let asked = asked("talk.pptx", json!({ "voice_language": "de" }));
        let kept = serde_json::to_value(&asked).unwrap();
        assert_eq!((&kept["file_id"], &kept["voice_language"]), (&json!("0123456789abcdef"), &json!("german")));
        let read = Asked::deserialize(&kept).unwrap();
        assert_eq!((read.options, read.file.filename), (asked.options, asked.file.filename));
    }
}
