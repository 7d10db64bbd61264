//! The stages of the three modes, by the names that clients know.

use super::FILM;
use super::voice::{Voice, shows};
use super::wanted::{Source, keep};
use crate::compat::fastapi::Refusal;
use crate::folders::Folders;
use crate::jobs::JobSpec;
use crate::uploads::Upload;
use crate::worker::{Layout, Looks, Said, Task, Wishes};
use plugins::lesson;
use std::path::Path;

/// What the avatar says, as a lesson.
const TALK: &str = "processing/talk/lesson.yaml";
/// A document that becomes what the avatar says, as a lesson.
const NOTES: &str = "processing/notes/lesson.yaml";
/// What is shown without it, as a lesson.
const SLIDES: &str = "processing/slides/lesson.yaml";

/// What is the same in all stages of a job.
pub struct With<'a> {
    /// Of whatever is read.
    pub wishes: Wishes,
    /// Of whatever is seen.
    pub looks: Looks,
    /// Who is to speak.
    pub voice: &'a Voice,
    /// A film of who is to be seen was sent.
    pub has_film: bool,
    /// Of the job.
    pub title: String,
}

impl With<'_> {
    /// The avatar speaks, up to its film.
    pub fn talk(&self, spec: JobSpec, talk: Source, film: String, input: &Path) -> Result<JobSpec, Refusal> {
        let (task, said) = match talk {
            Source::Document(upload) => (self.written(document(upload, "content", input)?, NOTES), Said::Lesson(NOTES.into())),
            Source::Script(text) => (skip("the script is there already and is spoken as it stands"), Said::Text(text)),
            Source::Address(address) => (self.written(address, NOTES), Said::Lesson(NOTES.into())),
        };
        let script = Task::Script { said, title: self.title.clone(), language: None, layout: Layout::Presenter, lesson: TALK.into() };
        Ok(spec
            .stage("content_processing", "Reading the content", 1.0, task)
            .stage("script_generation", "Writing the script", 0.3, script)
            .stage("voice_cloning", "Learning the voice", 0.0, self.voice.cloning(self.has_film))
            .stage("avatar_generation", "Making the avatar speak", 20.0, shows(self.has_film, self.render(TALK, film))))
    }

    /// Narrated slides, up to their film.
    pub fn narrated(&self, spec: JobSpec, slides: Source, input: &Path) -> Result<JobSpec, Refusal> {
        let (deck, task) = self.deck(slides, input)?;
        let task = task.unwrap_or_else(|| skip("the slides are there already and are shown as they are"));
        let (looks, sound) = (self.looks.clone(), "processing/narration.wav".into());
        let narrate = Task::Narrate { lesson: deck.clone(), looks, sound };
        Ok(spec
            .stage("content_processing", "Reading the content", 1.0, task)
            .stage("slide_extraction", "Reading the slides", 0.5, Task::Import { deck: deck.clone() })
            .stage("narration_generation", "Speaking", 4.0, self.voice.speaks(narrate))
            .stage("video_composition", "Making the film", 20.0, self.render(&deck, output())))
    }

    /// The one, then the other. What was made of them before is not made again when they are joined.
    pub fn both(&self, spec: JobSpec, talk: Source, slides: Source, input: &Path) -> Result<JobSpec, Refusal> {
        let (deck, task) = self.deck(slides, input)?;
        let task = task.unwrap_or_else(|| Task::Import { deck: deck.clone() });
        let join = Task::Join { parts: vec![TALK.into(), deck.clone()], looks: self.looks.clone(), film: output() };
        Ok(self
            .talk(spec, talk, "processing/talk.mp4".into(), input)?
            .stage("slide_processing", "Reading the slides", 1.0, task)
            .stage("presentation_rendering", "Making the film of the slides", 20.0, self.render(&deck, "processing/slides.mp4".into()))
            .stage("video_appending", "Making one film of both", 8.0, join))
    }

    /// What is read as a deck, and what has to be done before where it is to be made first.
    fn deck(&self, slides: Source, input: &Path) -> Result<(String, Option<Task>), Refusal> {
        let document = match slides {
            Source::Document(upload) => document(upload, "slides", input)?,
            Source::Address(address) if self.wishes.instructions.is_none() => return Ok((address, None)),
            Source::Address(address) | Source::Script(address) => address,
        };
        Ok((SLIDES.into(), Some(self.written(document, SLIDES))))
    }

    /// A document is read as content, for which slides are made; a presentation keeps its own.
    fn written(&self, document: String, lesson: &str) -> Task {
        let is_document = lesson::address(Path::new(&document)).is_none();
        let wishes = Wishes { read_as: is_document.then(|| "content".into()), ..self.wishes.clone() };
        Task::Content { document, wishes, lesson: lesson.into() }
    }

    fn render(&self, lesson: &str, film: String) -> Task {
        Task::Render { lesson: lesson.into(), wishes: Wishes::default(), looks: self.looks.clone(), film }
    }
}

fn skip(because: &str) -> Task {
    Task::Skip { because: because.into() }
}

/// Where the film is that is published.
pub fn output() -> String {
    format!("{}/{FILM}", Folders::OUTPUT)
}

/// A document in a folder of its own, as a job's tasks name it. Its name says what it is about.
fn document(upload: Upload, folder: &str, input: &Path) -> Result<String, Refusal> {
    let name = keep(upload, &input.join(folder))?;
    Ok(format!("{}/{folder}/{name}", Folders::INPUT))
}
