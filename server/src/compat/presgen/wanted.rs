//! What is asked for in one of the three modes.

use super::asked::Asked;
use super::stages::{With, output};
use super::voice::Voice;
use crate::compat::fastapi::{Fields, Refusal};
use crate::jobs::{JobSpec, JobsError};
use crate::uploads::Upload;
use crate::worker::{Looks, Task, Wishes};
use axum::http::StatusCode;
use plugins::lesson;
use serde_json::json;
use std::collections::BTreeMap;
use std::path::Path;

/// Names of `--quality`, which are those of this service, too.
pub const QUALITIES: [&str; 4] = ["fast", "standard", "high", "minimal"];
/// The longest script, in bytes.
const SCRIPT: usize = 200 << 10;
/// Letters of a title that is made of what is said.
const TITLE: usize = 60;
/// What comes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The avatar speaks a script.
    VideoOnly,
    /// Slides with a narration.
    PresentationOnly,
    /// The first, then the second.
    VideoPresentation,
}

impl Mode {
    const ALL: [Mode; 3] = [Mode::VideoOnly, Mode::PresentationOnly, Mode::VideoPresentation];

    /// As clients know it.
    pub fn name(self) -> &'static str {
        &self.kind()["training_".len()..]
    }

    /// Of its jobs.
    pub fn kind(self) -> &'static str {
        match self {
            Mode::VideoOnly => "training_video_only",
            Mode::PresentationOnly => "training_presentation_only",
            Mode::VideoPresentation => "training_video_presentation",
        }
    }

    /// That of a job of this kind.
    pub fn of(kind: &str) -> Option<Mode> {
        Mode::ALL.into_iter().find(|mode| mode.kind() == kind)
    }
}

/// Where something that is said or shown comes from.
#[derive(Debug)]
pub enum Source {
    /// A text.
    Script(String),
    /// A presentation on the web.
    Address(String),
    /// A document.
    Document(Upload),
}

/// See the module docs.
#[derive(Debug)]
pub struct Wanted {
    mode: Mode,
    /// What the avatar says.
    talk: Option<Source>,
    /// What is shown.
    slides: Option<Source>,
    instructions: Option<String>,
    quality: String,
    /// A film of who is to speak.
    film: Option<Upload>,
}

impl Wanted {
    /// What a request asks for, and the name of the voice that is to speak.
    ///
    /// # Errors
    /// It asks for something that there is not, or says too little.
    pub fn of(mode: Mode, mut asked: Asked) -> Result<(Wanted, Option<String>), Refusal> {
        if asked.is_json {
            let mut fields = Fields::of("body", &asked.texts);
            fields.words("voice_profile_name");
            fields.check()?;
        }
        asked.rename();
        let Asked { texts, mut files, .. } = asked;
        let mut fields = Fields::of("body", &texts);
        let script = fields.maybe("script_text");
        let (address, instructions) = (fields.maybe("slides_url"), fields.maybe("instructions"));
        let (quality, voice) = (fields.one_of("quality_level", &QUALITIES).unwrap_or("standard"), fields.maybe("voice_profile"));
        fields.check()?;
        let text = |text: Option<&str>| text.map(String::from);
        let (talk, slides) = sources(mode, text(script), text(address.map(str::trim)), &mut files)?;
        let film = files.remove("reference_video");
        Ok((Wanted { mode, talk, slides, instructions: text(instructions), quality: quality.into(), film }, text(voice)))
    }

    /// The job that makes it; what it reads is put into `input`.
    ///
    /// # Errors
    /// A file cannot be kept.
    pub fn into_spec(self, spec: JobSpec, voice: &Voice, input: &Path) -> Result<JobSpec, Refusal> {
        let Wanted { mode, talk, slides, instructions, quality, film } = self;
        let title = [&talk, &slides].into_iter().flatten().next().map(Source::title).unwrap_or_default();
        let [says, shows] = [&talk, &slides].map(|source| source.as_ref().map(Source::name));
        let asked = json!({
            "mode": mode.name(), "says": says, "shows": shows, "instructions": instructions, "quality_level": quality,
            "reference_video": film.as_ref().map(|film| &film.name), "voice": voice.asked(),
        });
        let has_film = film.is_some();
        if let Some(film) = film {
            // For a model that can do something with it when the job is tried again.
            keep(film, &input.join("reference"))?;
        }
        let with = With {
            wishes: Wishes { instructions, read_as: None, ..Wishes::default() },
            looks: Looks { voice: voice.name(), quality: Some(quality), ..Looks::default() },
            voice,
            has_film,
            title: title.clone(),
        };
        let spec = JobSpec { kind: mode.kind().into(), title, spec: asked, ..spec };
        let spec = match (talk, slides) {
            (Some(talk), None) => with.talk(spec, talk, output(), input)?,
            (None, Some(slides)) => with.narrated(spec, slides, input)?,
            (Some(talk), Some(slides)) => with.both(spec, talk, slides, input)?,
            (None, None) => spec,
        };
        Ok(spec.stage("finalization", "Putting it in its place", 0.3, Task::Publish))
    }
}

/// What a mode says and shows, out of what was sent.
fn sources(
    mode: Mode,
    script: Option<String>,
    address: Option<String>,
    files: &mut BTreeMap<&'static str, Upload>,
) -> Result<(Option<Source>, Option<Source>), Refusal> {
    let missing = |text: &str| Refusal::Because(StatusCode::BAD_REQUEST, text.into());
    script.as_deref().map_or(Ok(()), check_script)?;
    let talk = match mode {
        Mode::PresentationOnly => None,
        Mode::VideoOnly | Mode::VideoPresentation => {
            let document = |files: &mut BTreeMap<_, _>| files.remove("content").map(Source::Document);
            let talk = script.map(Source::Script).or_else(|| document(files));
            Some(talk.ok_or_else(|| missing("Give script_text or content: what is to be said."))?)
        }
    };
    let slides = match mode {
        Mode::VideoOnly => None,
        Mode::PresentationOnly | Mode::VideoPresentation => {
            if let Some(address) = &address {
                let is_address = lesson::address(Path::new(address)).is_some();
                let known = if is_address { lesson::check_source(Path::new(address)) } else { Err(format!("{address:?} is no address")) };
                known.map_err(|why| missing(&format!("slides_url cannot be used: {why}")))?;
            }
            let document = files.remove("presentation_content").or_else(|| files.remove("content"));
            let slides = address.map(Source::Address).or(document.map(Source::Document));
            Some(slides.ok_or_else(|| missing("Give slides_url or content for the slides (presentation_content beside a script)."))?)
        }
    };
    Ok((talk, slides))
}

/// A script is no longer than one may be.
pub fn check_script(script: &str) -> Result<(), Refusal> {
    if script.len() <= SCRIPT {
        return Ok(());
    }
    Err(Refusal::Because(StatusCode::BAD_REQUEST, format!("the script is longer than {} KiB; send parts of it", SCRIPT >> 10)))
}

impl Source {
    /// For people.
    fn title(&self) -> String {
        match self {
            Source::Script(text) => excerpt(text),
            Source::Address(address) => address.clone(),
            Source::Document(upload) => stem(&upload.name),
        }
    }

    /// For the job's record.
    fn name(&self) -> &str {
        match self {
            Source::Script(_) => "script_text",
            Source::Address(address) => address,
            Source::Document(upload) => &upload.name,
        }
    }
}

/// Keeps a file in a folder under its own name, with the ending of what it is.
pub fn keep(upload: Upload, folder: &Path) -> Result<String, Refusal> {
    let name = format!("{}{}", stem(&upload.name), upload.kind.ending());
    std::fs::create_dir_all(folder).map_err(JobsError::Files)?;
    upload.keep(&folder.join(&name)).map_err(|error| Refusal::failed(&error))?;
    Ok(name)
}

/// A file's name without its ending, no longer than names may be.
fn stem(name: &str) -> String {
    let stem = Path::new(name).file_stem().unwrap_or_default().to_string_lossy();
    stem.chars().take(TITLE).collect()
}

/// The first words of a text, as a title.
pub fn excerpt(text: &str) -> String {
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let first = words.split_inclusive(['.', '!', '?']).next().unwrap_or_default().trim_end_matches('.');
    match first.char_indices().nth(TITLE) {
        Some((end, _)) => format!("{}…", first[..end].trim_end()),
        None => first.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Map, Value};

    async fn upload(folder: &Path, name: &str, content: &str) -> Upload {
        use crate::uploads::kind::CONTENT;
        use crate::uploads::{Rules, receive};
        let bytes = futures_util::stream::iter([Ok::<_, std::convert::Infallible>(bytes::Bytes::copy_from_slice(content.as_bytes()))]);
        receive(bytes, name, &Rules { folder, bytes: 1 << 20, kinds: CONTENT }).await.unwrap()
    }

    fn asked(texts: Value, files: impl IntoIterator<Item = (&'static str, Upload)>) -> Asked {
        let Value::Object(texts) = texts else { return Asked { texts: Map::new(), files: BTreeMap::new(), is_json: false } };
        Asked { texts, files: files.into_iter().collect(), is_json: false }
    }

    fn refused(mode: Mode, texts: Value) -> String {
        match Wanted::of(mode, asked(texts, [])).unwrap_err() {
            Refusal::Because(status, text) => format!("{} {text}", status.as_u16()),
            Refusal::Invalid(faults) => format!("422 {} {}", faults[0]["type"], faults[0]["loc"]),
        }
    }

    /// The stages of a job by name, with what they do.
    fn stages(spec: &JobSpec) -> Vec<(&str, String)> {
        let done = |task: &Task| serde_json::to_value(task).unwrap()["do"].as_str().unwrap().to_string();
        spec.stages.iter().map(|stage| (stage.name.as_str(), done(&stage.task))).collect()
    }

    #[tokio::test]
    async fn each_mode_has_its_stages_and_all_of_them_can_be_meant() {
        let home = tempfile::tempdir().unwrap();
        let (coming, input) = (home.path().join("coming"), home.path().join("input"));
        let make = |mode: Mode, texts: Value, files: Vec<(&'static str, Upload)>| {
            let (wanted, voice) = Wanted::of(mode, asked(texts, files)).unwrap();
            let voice = voice.map_or(Voice::Usual, Voice::Profile);
            let spec = wanted.into_spec(JobSpec::new("", ""), &voice, &input).unwrap();
            assert_eq!((spec.kind.as_str(), Mode::of(&spec.kind)), (mode.kind(), Some(mode)));
            spec.stages.iter().for_each(|stage| stage.task.check().unwrap());
            spec
        };
        let spec =
            make(Mode::VideoOnly, json!({ "script_text": "Hello you. More.", "voice_profile": "Ann", "quality_level": "minimal" }), vec![]);
        let due = [
            ("content_processing", "skip"),
            ("script_generation", "script"),
            ("voice_cloning", "skip"),
            ("avatar_generation", "render"),
            ("finalization", "publish"),
        ];
        assert_eq!(stages(&spec), due.map(|(name, task)| (name, task.to_string())));
        assert_eq!((spec.title.as_str(), &spec.spec["voice"]), ("Hello you", &json!("Ann")));

        let notes = upload(&coming, "My notes.txt", "# Notes").await;
        let spec = make(Mode::PresentationOnly, json!({ "voice_profile": "Ann", "instructions": "Short." }), vec![("content", notes)]);
        let due = [
            ("content_processing", "content"),
            ("slide_extraction", "import"),
            ("narration_generation", "instead"),
            ("video_composition", "render"),
            ("finalization", "publish"),
        ];
        assert_eq!(stages(&spec), due.map(|(name, task)| (name, task.to_string())));
        let Task::Content { document, wishes, .. } = &spec.stages[0].task else { panic!("it is read") };
        assert_eq!(
            (document.as_str(), wishes.read_as.as_deref(), wishes.instructions.as_deref()),
            ("input/slides/My notes.txt", Some("content"), Some("Short."))
        );
        assert!(input.join("slides/My notes.txt").exists());

        let address = "https://docs.google.com/presentation/d/LecternDemoDeck01/edit#slide=id.p";
        let notes = upload(&coming, "notes.md", "# Notes").await;
        let spec = make(Mode::VideoPresentation, json!({ "slides_url": address, "quality_level": "high" }), vec![("content", notes)]);
        let due = [
            ("content_processing", "content"),
            ("script_generation", "script"),
            ("voice_cloning", "skip"),
            ("avatar_generation", "render"),
            ("slide_processing", "import"),
            ("presentation_rendering", "render"),
            ("video_appending", "join"),
            ("finalization", "publish"),
        ];
        assert_eq!(stages(&spec), due.map(|(name, task)| (name, task.to_string())));
        let Task::Join { parts, looks, film } = &spec.stages[6].task else { panic!("both are joined") };
        assert_eq!((parts[1].as_str(), looks.quality.as_deref(), film.as_str()), (address, Some("high"), "output/film.mp4"));
    }

    #[test]
    fn what_says_too_little_or_something_unknown_is_refused() {
        assert!(refused(Mode::VideoOnly, json!({ "quality_level": "fast" })).starts_with("400 Give script_text or content"));
        assert!(refused(Mode::PresentationOnly, json!({ "script_text": "Hello." })).starts_with("400 Give slides_url or content"));
        assert!(refused(Mode::VideoPresentation, json!({ "script_text": "Hello." })).starts_with("400 Give slides_url or content"));
        for address in ["https://slides.example/not-a-deck", "/etc/passwd", "input/x.pptx"] {
            assert!(refused(Mode::PresentationOnly, json!({ "slides_url": address })).starts_with("400 slides_url cannot be used"));
        }
        assert_eq!(
            refused(Mode::VideoOnly, json!({ "script_text": "a", "quality_level": "best" })),
            "422 \"literal_error\" [\"body\",\"quality_level\"]"
        );
        assert!(refused(Mode::VideoOnly, json!({ "script_text": "a".repeat(SCRIPT + 1) })).starts_with("400 the script is longer"));
    }

    #[test]
    fn qualities_are_those_of_films() {
        for quality in QUALITIES {
            let looks = Looks { quality: Some(quality.into()), ..Looks::default() };
            Task::Join { parts: vec!["input/a".into(), "input/b".into()], looks, film: output() }.check().unwrap();
        }
    }

    #[test]
    fn titles_are_short() {
        assert_eq!(excerpt(" Hello,\n  all of you. And more."), "Hello, all of you");
        assert_eq!(excerpt(&"word ".repeat(30)).chars().count(), TITLE);
        assert_eq!((stem("a.b.pdf"), stem(".pdf")), ("a.b".into(), ".pdf".into()));
    }
}
