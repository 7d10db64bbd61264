//! Films: made by a child, with less care where the machine has too much to do.

use super::{Broken, Step, progress, words};
use crate::guard::{Need, Place, Preset, Verdict};
use crate::ledger::ErrorClass;
use crate::worker::{Looks, StageError, Wishes};
use serde_json::{Value, json};
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

/// So many warnings of a film are kept with its job.
const WARNINGS: usize = 100;
/// How often it is looked whether the machine has rested enough.
const LOOK: Duration = Duration::from_secs(1);
/// The graph of the picture that stands for a film.
const THUMBNAIL: &str = include_str!("../../../../graphs/thumbnail.yaml");

impl Step<'_> {
    /// Waits while the machine has too much to do; what makes its work less after that.
    pub(super) async fn rest(&mut self) -> Result<Option<Preset>, Broken> {
        loop {
            let (because, left) = match self.worker.guard.look() {
                Verdict::Go(preset) => return Ok(preset),
                Verdict::Rest { because, left } => (because, left),
            };
            self.say(&format!("resting: {because}"));
            tokio::select! {
                () = tokio::time::sleep(left.min(LOOK)) => {}
                () = self.stop.asked() => return Err(Broken::Stopped),
            }
        }
    }

    /// Waits for a place on the device, behind those who came before.
    pub(super) async fn place(&mut self, need: Need) -> Result<Place, Broken> {
        self.say(&format!("waiting for a place on the device: {need}"));
        tokio::select! {
            place = self.worker.devices.place(need, self.worker.guard.part_of_device()) => Ok(place.map_err(|error| {
                let cure = "let it use more (guard.device_memory), or take a machine whose device has more";
                StageError::new(ErrorClass::Permanent, "device_too_small", error.to_string(), cure)
            })?),
            () = self.stop.asked() => Err(Broken::Stopped),
        }
    }

    /// What a film is like that does not say it itself, and how many of its segments are made at once.
    fn eased(&mut self, looks: &Looks, preset: Option<Preset>) -> (Looks, Option<usize>) {
        let says = looks.quality.is_some() || looks.size.is_some() || !looks.set.is_empty();
        let Some(preset) = preset.or(self.worker.usual).filter(|_| !says) else { return (looks.clone(), None) };
        let quality = preset.quality().name();
        if self.worker.usual != Some(preset) {
            self.tell(&format!("made with the quality {quality}: the machine had too much to do"));
        }
        (Looks { quality: Some(quality), ..looks.clone() }, preset.segments_at_once())
    }

    /// The same with pictures no larger than this machine makes them now.
    fn safe(&mut self, looks: &Looks) -> Looks {
        let Some(largest) = self.worker.guard.largest() else { return looks.clone() };
        let (looks, smaller) = looks.within(largest);
        if let Some((asked, made)) = smaller {
            let (width, height) = largest;
            self.tell(&format!(
                "made in {made} instead of {asked}: the server makes films of up to {width}x{height} now, for it is too hot or guard.profile (HARDWARE_PROFILE) says so"
            ));
        }
        looks
    }

    /// Something more that is to be known about how it was done.
    fn tell(&mut self, text: &str) {
        self.note = Some(self.note.take().map_or_else(|| text.into(), |note| format!("{note}; {text}")));
    }

    pub(super) async fn render(
        &mut self,
        lesson: &str,
        wishes: &Wishes,
        looks: &Looks,
        (film, preset): (&str, Option<Preset>),
    ) -> Result<Value, Broken> {
        let made = self.attempt()?.join("film.mp4");
        let (looks, at_once) = self.eased(looks, preset);
        let looks = self.safe(&looks);
        let mut arguments = words(["render", lesson, "-o"]);
        arguments.push(made.clone().into());
        arguments.extend(wishes.arguments());
        arguments.extend(looks.arguments());
        if let Some(presenter) = looks.presenter {
            arguments.push(format!("--profile=offline,{}", presenter.profile()).into());
        }
        arguments.extend(at_once.map(|jobs| format!("--jobs={jobs}").into()));
        let mut result = self.film(&arguments, film, &made).await?;
        let first = looks.slides.as_deref().map_or("1", |slides| slides.split([',', '-']).next().unwrap_or("1").trim());
        let picture = Path::new(film).with_extension("jpg").display().to_string();
        let voice = looks.voice.as_deref().unwrap_or("default");
        // A film without a picture that stands for it is still a film.
        match self.graph("thumbnail", THUMBNAIL, &[("lesson", lesson), ("out", &picture), ("slides", first), ("voice", voice)]).await {
            Ok(_) => result["thumbnail"] = json!(picture),
            Err(Broken::Stopped) => return Err(Broken::Stopped),
            Err(Broken::Failed(error)) => tracing::info!(job = %self.ticket.job, "no picture stands for the film: {}", error.detail),
        }
        Ok(result)
    }

    pub(super) async fn join(&mut self, parts: &[String], looks: &Looks, film: &str) -> Result<Value, Broken> {
        let made = self.attempt()?.join("film.mp4");
        let looks = self.safe(looks);
        let mut arguments = words(["join"]);
        arguments.extend(parts.iter().map(OsString::from));
        arguments.extend(words(["-o"]));
        arguments.push(made.clone().into());
        arguments.extend(looks.arguments());
        self.film(&arguments, film, &made).await
    }

    /// A child that makes a film, which then goes to its place with its subtitles.
    async fn film(&mut self, arguments: &[OsString], film: &str, made: &Path) -> Result<Value, Broken> {
        let mut result = json!({ "film": film });
        let mut warnings = Vec::new();
        self.child(arguments, |event, report| match event["event"].as_str() {
            Some("progress") => drop(report.send_replace(progress(event))),
            Some("warning") if warnings.len() < WARNINGS => {
                warnings.push(json!({ "slide": event["slide"], "text": event["text"] }));
            }
            Some("done") => {
                for name in ["media_seconds", "wall_seconds", "width", "height", "slides", "segments"] {
                    result[name] = event[name].clone();
                }
            }
            _ => {}
        })
        .await?;
        result["warnings"] = json!(warnings);
        self.make_folder(film)?;
        for ending in ["mp4", "srt", "vtt"] {
            let (from, to) = (self.folder.join(made).with_extension(ending), self.folder.join(film).with_extension(ending));
            match fs::rename(&from, &to) {
                Err(error) if ending == "mp4" || error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
                _ => {}
            }
        }
        Ok(result)
    }
}

#[cfg(test)]
mod tests {
    use crate::artifacts::{Artifacts, Options};
    use crate::config::GuardSettings;
    use crate::folders::Folders;
    use crate::guard::Need;
    use crate::jobs::Report;
    use crate::ledger::{JobId, Ticket};
    use crate::worker::{Perform, Program, Stop, Task, Worker};
    use engine::graph::unit::Bytes;
    use futures_util::FutureExt;
    use std::sync::Arc;
    use tokio::sync::watch;

    #[tokio::test]
    async fn a_stage_waits_for_its_place_on_the_device() {
        let place = tempfile::tempdir().unwrap();
        let folders = Folders::open(place.path()).unwrap();
        let options = Options { floor: 0, ..Options::default() };
        let artifacts = Arc::new(Artifacts::open(place.path().join("artifacts").to_str().unwrap(), options).unwrap());
        let guard = GuardSettings { enabled: false, device_memory: Some(Bytes(2 << 30)), ..GuardSettings::default() };
        let worker = Worker::new(folders, artifacts, Program::own().unwrap(), &guard).unwrap();
        let ticket = |need| {
            let task = Task::OnDevice { need, task: Task::Lack { what: "a model".into(), cure: "none".into() }.into() };
            let task = serde_json::to_value(task).unwrap();
            Ticket { job: JobId::new(), position: 0, stage: "s".into(), attempt: 1, owner: None, priority: 0, task }
        };
        let taken = worker.devices.place(Need::Detection, 1.0).await.unwrap();
        let (report, said) = watch::channel(Report::default());
        let detection = ticket(Need::Detection);
        let mut stage = worker.perform(&detection, report, Stop::never());
        assert!((&mut stage).now_or_never().is_none());
        assert_eq!(said.borrow().message, "waiting for a place on the device: detection");
        drop(taken);
        assert_eq!(stage.await.unwrap_err().code, "not_there");
        let error = worker.perform(&ticket(Need::Matting), watch::channel(Report::default()).0, Stop::never()).await.unwrap_err();
        assert_eq!(error.code, "device_too_small");
    }
}
