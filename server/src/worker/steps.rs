//! Each task, as what is done for it.

mod films;
mod podcasts;
mod subtitles;

use super::child::Exit;
use super::log::Log;
use super::machine::Worker;
use super::publish::{publish, view};
use super::script;
use super::task::{Class, Layout, Looks, Said, Task, Wishes};
use super::used::{USED, Used};
use super::{Ended, StageError, Stop};
use crate::artifacts::StoreError;
use crate::folders::{Folders, remove_folder};
use crate::jobs::Report;
use crate::ledger::{ErrorClass, Ticket};
use plugins::speech::text::readable;
use serde_json::{Value, json};
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::Duration;
use tokio::sync::watch;

/// The graph that speaks and shows nothing.
const NARRATION: &str = include_str!("../../../graphs/narration.yaml");

/// One stage being done.
pub(super) struct Step<'a> {
    worker: &'a Worker,
    ticket: &'a Ticket,
    /// The job's folder.
    folder: PathBuf,
    report: watch::Sender<Report>,
    stop: Stop,
    /// What is to be known about how it was done.
    note: Option<String>,
    /// What its children took.
    used: Used,
    log: Log,
}

/// Why a step ended early.
pub(super) enum Broken {
    Stopped,
    Failed(StageError),
}

impl From<StageError> for Broken {
    fn from(error: StageError) -> Broken {
        Broken::Failed(error)
    }
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Broken {
        Broken::Failed(StageError::files(error))
    }
}

impl From<StoreError> for Broken {
    fn from(error: StoreError) -> Broken {
        Broken::Failed(StageError::store(&error))
    }
}

impl<'a> Step<'a> {
    /// Of a ticket that this worker has.
    pub fn new(worker: &'a Worker, ticket: &'a Ticket, report: watch::Sender<Report>, stop: Stop) -> Step<'a> {
        let folder = worker.folders.work(ticket.job);
        let log = Log::new(&folder, ticket);
        Step { worker, ticket, folder, report, stop, note: None, used: Used::default(), log }
    }
}

impl Step<'_> {
    /// Does it, with its files fetched and brought where they lie elsewhere.
    pub async fn run(mut self) -> Result<Ended, Broken> {
        let worker = self.worker;
        let Some(transfer) = &worker.transfer else { return self.logged().await };
        self.say("fetching the files");
        let before = unless(&mut self.stop, transfer.fetch(self.ticket)).await?;
        let ended = self.logged().await?;
        if let Ended::Done { .. } = ended {
            unless(&mut self.stop, transfer.bring(self.ticket, &before)).await?;
        }
        Ok(ended)
    }

    /// Makes it, and notes in the job's log when that began and how it ended.
    async fn logged(&mut self) -> Result<Ended, Broken> {
        self.log.add("begins");
        let ended = self.make().await;
        self.log.end(ended.as_ref().map_err(|broken| match broken {
            Broken::Stopped => None,
            Broken::Failed(error) => Some(error),
        }));
        ended
    }

    async fn make(&mut self) -> Result<Ended, Broken> {
        let worker = self.worker;
        let unknown = |error: serde_json::Error| {
            let cure = "the job was made by another version of this program; submit it again";
            StageError::new(ErrorClass::Permanent, "unknown_task", format!("this task is not known here: {error}"), cure)
        };
        let task: Task = serde_json::from_value(self.ticket.task.clone()).map_err(unknown)?;
        // What it says was checked when it came in, by a program that may have been an older one.
        task.check().map_err(|why| StageError::new(ErrorClass::Permanent, "invalid", why, "submit the job again"))?;
        if self.worker.takes_fault(&self.ticket.stage) {
            return Err(StageError::new(
                ErrorClass::Permanent,
                "rehearsed",
                "it failed because LECTERN_FAIL_STAGE says so",
                "try it again",
            )
            .into());
        }
        if self.worker.program.is_private() && !self.folder.join(Folders::INPUT).is_dir() {
            let detail = "what the job was given was in memory only, and the machine has been started anew since";
            return Err(StageError::new(ErrorClass::Permanent, "gone", detail, "send it again").into());
        }
        self.worker.folders.input(self.ticket.job)?;
        let need = task.need();
        let (task, note) = task.plain();
        self.note = note;
        let _place = match need {
            Some(need) => Some(self.place(need).await?),
            None => None,
        };
        let is_heavy = Task::class_of(&self.ticket.task) == Class::Heavy;
        if is_heavy {
            unless(&mut self.stop, worker.artifacts.make_room_to_work(0)).await?;
        }
        let preset = if is_heavy { self.rest().await? } else { None };
        let mut result = match &task {
            Task::Content { document, wishes, lesson } => self.content(document, wishes, lesson).await?,
            Task::Script { said, title, language, layout, lesson } => {
                self.script(said, (title, language.as_deref()), *layout, lesson).await?
            }
            Task::Import { deck } => self.import(deck).await?,
            Task::Narrate { lesson, looks, sound } => self.narrate(lesson, looks, sound).await?,
            Task::NarrateEach { lesson, looks, sound } => self.narrate_each(lesson, looks, sound).await?,
            Task::Render { lesson, wishes, looks, film } => self.render(lesson, wishes, looks, (film, preset)).await?,
            Task::Join { parts, looks, film } => self.join(parts, looks, film).await?,
            Task::Dialogue { source, wishes, lesson } => self.dialogue(source, wishes, lesson).await?,
            Task::Podcast { lesson, host, guest, sound } => self.podcast(lesson, (host.as_deref(), guest.as_deref()), sound).await?,
            Task::Recording { recording, sound } => self.recording(recording, sound).await?,
            Task::Transcript { lesson, text } => self.transcript(lesson, text).await?,
            Task::Subtitles { captions, from, to } => self.subtitles(captions, from, to).await?,
            Task::Publish => self.publish().await?,
            Task::Lack { what, cure } => return Err(StageError::new(ErrorClass::Permanent, "not_there", what, cure).into()),
            Task::Skip { because } => return Ok(Ended::Skipped { because: because.clone() }),
            Task::Instead { .. } | Task::OnDevice { .. } => unreachable!("a plain task is neither"),
        };
        if let Some(used) = self.used.view() {
            result["used"] = used;
        }
        Ok(Ended::Done { result, note: self.note.take() })
    }

    async fn content(&mut self, document: &str, wishes: &Wishes, lesson: &str) -> Result<Value, Broken> {
        self.say("reading the document");
        self.make_folder(lesson)?;
        let mut arguments = words(["lesson", "export", document, "-o", lesson, "--force"]);
        arguments.extend(wishes.arguments());
        let mut result = json!({ "lesson": lesson });
        self.child(&arguments, |event, _| {
            if event["event"] == "done" {
                result["slides"] = event["slides"].clone();
            }
        })
        .await?;
        Ok(result)
    }

    async fn script(&mut self, said: &Said, of: (&str, Option<&str>), layout: Layout, lesson: &str) -> Result<Value, Broken> {
        self.say("writing the script");
        let text = match said {
            Said::Text(text) => text.clone(),
            Said::File(path) => String::from_utf8_lossy(&fs::read(self.folder.join(path))?).into_owned(),
            Said::Lesson(lesson) => spoken(&self.show(lesson).await?).join("\n\n"),
        };
        let invalid = |why: String| {
            let (what, cure) = why.split_once("; ").unwrap_or((&why, ""));
            StageError::new(ErrorClass::Permanent, "invalid", what, cure)
        };
        let written = script::lesson(of, layout, &text).map_err(invalid)?;
        self.make_folder(lesson)?;
        fs::write(self.folder.join(lesson), written)?;
        Ok(json!({ "lesson": lesson, "words": text.split_whitespace().count() }))
    }

    async fn import(&mut self, deck: &str) -> Result<Value, Broken> {
        self.say("reading the deck");
        let shown = self.show(deck).await?;
        let slides = shown["slides"].as_array().map_or(&[][..], Vec::as_slice);
        let seconds: f64 = slides.iter().filter_map(|slide| slide["estimated_seconds"].as_f64()).sum();
        Ok(json!({
            "title": shown["title"], "language": shown["language"], "slides": slides.len(), "estimated_seconds": seconds,
            "warnings": shown["warnings"],
        }))
    }

    async fn narrate(&mut self, lesson: &str, looks: &Looks, sound: &str) -> Result<Value, Broken> {
        self.make_folder(sound)?;
        let mut set = vec![("lesson", lesson), ("out", sound)];
        set.extend(looks.voice.as_deref().map(|voice| ("voice", voice)));
        set.extend(looks.slides.as_deref().map(|slides| ("slides", slides)));
        let seconds = self.graph("narration", NARRATION, &set).await?;
        Ok(json!({ "sound": sound, "media_seconds": seconds }))
    }

    async fn narrate_each(&mut self, lesson: &str, looks: &Looks, sound: &str) -> Result<Value, Broken> {
        self.make_folder(sound)?;
        let shown = self.show(lesson).await?;
        let numbers: Vec<String> = shown["slides"].as_array().into_iter().flatten().map(|slide| slide["number"].to_string()).collect();
        let voice = looks.voice.as_deref().unwrap_or("default");
        for (index, number) in numbers.iter().enumerate() {
            let place = numbered(sound, index + 1);
            self.graph("narration", NARRATION, &[("lesson", lesson), ("out", &place), ("slides", number), ("voice", voice)]).await?;
            let progress = (index + 1) as f64 / numbers.len() as f64;
            self.report.send_replace(Report { progress: Some(progress), ..Report::default() });
        }
        Ok(json!({ "sounds": numbers.len() }))
    }

    async fn transcript(&mut self, lesson: &str, text: &str) -> Result<Value, Broken> {
        self.say("writing the transcript");
        let shown = self.show(lesson).await?;
        let mut written = format!("# {}\n", shown["title"].as_str().unwrap_or_default());
        for slide in shown["slides"].as_array().into_iter().flatten() {
            let title = slide["title"].as_str().unwrap_or_default();
            let said = readable(slide["narration"]["text"].as_str().unwrap_or_default());
            written += &format!("\n## {}. {title}\n\n{said}\n", slide["number"]);
        }
        self.make_folder(text)?;
        fs::write(self.folder.join(text), &written)?;
        Ok(json!({ "transcript": text }))
    }

    async fn publish(&mut self) -> Result<Value, Broken> {
        self.say("putting it where everybody finds it");
        let output = self.folder.join(Folders::OUTPUT);
        let published = unless(&mut self.stop, publish(&self.worker.artifacts, self.ticket.job, &output)).await?;
        remove_folder(&self.folder.join(Folders::PROCESSING))?;
        Ok(json!({ "artifacts": published.iter().map(view).collect::<Vec<_>>() }))
    }

    /// Runs a small graph of its own; how long its programme is, in seconds.
    async fn graph(&mut self, name: &str, text: &str, set: &[(&str, &str)]) -> Result<f64, Broken> {
        let file = self.attempt()?.join(format!("{name}.yaml"));
        fs::write(self.folder.join(&file), text)?;
        let mut arguments = words(["run"]);
        arguments.push(file.into());
        arguments.extend(set.iter().flat_map(|(name, value)| ["--set".into(), format!("{name}={value}").into()]));
        let mut seconds = 0.0;
        self.child(&arguments, |event, report| match event["event"].as_str() {
            Some("progress") => drop(report.send_replace(progress(event))),
            Some("done") => seconds = event["media_seconds"].as_f64().unwrap_or(0.0),
            _ => {}
        })
        .await?;
        Ok(seconds)
    }

    /// What an importer makes of a deck.
    async fn show(&mut self, deck: &str) -> Result<Value, Broken> {
        let said = self.child(&words(["lesson", "show", deck]), |_, _| {}).await?;
        let broken =
            |_| StageError::new(ErrorClass::Recoverable, "failed", "the deck was read, but not described", "look into the server's log");
        Ok(serde_json::from_str(&said).map_err(broken)?)
    }

    /// A child in the job's folder, to its end; what it printed.
    async fn child(&mut self, arguments: &[OsString], mut event: impl FnMut(&Value, &watch::Sender<Report>)) -> Result<String, Broken> {
        let Step { worker, folder, report, stop, used, log, .. } = self;
        let heard = |value: &Value| match value["event"] == USED {
            true => used.add(value),
            false => event(value, report),
        };
        match worker.program.run_heard(folder, arguments, stop, heard, |line| log.add(line)).await? {
            Exit::Done(said) => Ok(said),
            Exit::Stopped => Err(Broken::Stopped),
            exit => Err(StageError::of_child(exit, folder).into()),
        }
    }

    fn say(&self, message: &str) {
        self.report.send_replace(Report { message: message.into(), ..Report::default() });
    }

    /// A folder of this attempt alone: what an earlier one left, or still writes as it dies, is not in the way.
    fn attempt(&self) -> io::Result<PathBuf> {
        let own = Folders::attempt(self.ticket.position, self.ticket.attempt);
        fs::create_dir_all(self.folder.join(&own))?;
        Ok(own)
    }

    fn make_folder(&self, file: &str) -> io::Result<()> {
        self.folder.join(file).parent().map_or(Ok(()), fs::create_dir_all)
    }
}

/// What is done with the store, unless it is to stop: what has been written by then is seen by nobody.
pub(super) async fn unless<T>(stop: &mut Stop, work: impl Future<Output = Result<T, StoreError>>) -> Result<T, Broken> {
    tokio::select! {
        done = work => Ok(done?),
        () = stop.asked() => Err(Broken::Stopped),
    }
}

pub(super) fn words<const N: usize>(words: [&str; N]) -> Vec<OsString> {
    words.iter().map(OsString::from).collect()
}

/// `output/audio.mp3` as `output/audio-1.mp3`.
fn numbered(file: &str, number: usize) -> String {
    let (stem, ending) = file.rsplit_once('.').unwrap_or((file, ""));
    format!("{stem}-{number}.{ending}")
}

/// What is said in a lesson, slide by slide.
fn spoken(shown: &Value) -> Vec<String> {
    let said = |slide: &Value| slide["narration"]["text"].as_str().map(String::from).filter(|text| !text.trim().is_empty());
    shown["slides"].as_array().into_iter().flatten().filter_map(said).collect()
}

/// A line of a child about how far it is.
fn progress(event: &Value) -> Report {
    Report {
        progress: event["percent"].as_f64().map(|percent| percent / 100.0),
        message: event["stage"].as_str().unwrap_or_default().to_string(),
        fps: event["fps"].as_f64().filter(|fps| *fps > 0.0),
        left: event["eta_seconds"].as_f64().filter(|left| (0.0..1e7).contains(left)).map(Duration::from_secs_f64),
    }
}
