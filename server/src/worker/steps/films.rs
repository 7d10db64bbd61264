//! Films: made by a child, with less care where the machine has too much to do.

use super::{Broken, Step, progress, words};
use crate::guard::{Preset, Verdict};
use crate::worker::{Looks, Wishes};
use clap::ValueEnum;
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

    /// How a film is made that does not say it itself.
    fn eased(&mut self, looks: &Looks, preset: Option<Preset>) -> Vec<OsString> {
        let says = looks.quality.is_some() || looks.size.is_some() || !looks.set.is_empty();
        let Some(preset) = preset.or(self.worker.usual).filter(|_| !says) else { return Vec::new() };
        let quality = preset.quality().to_possible_value().map(|value| value.get_name().to_string()).unwrap_or_default();
        if self.worker.usual != Some(preset) {
            self.note = Some(format!("made with the quality {quality}: the machine had too much to do"));
        }
        let jobs = preset.segments_at_once().map(|jobs| format!("--jobs={jobs}"));
        [Some(format!("--quality={quality}")), jobs].into_iter().flatten().map(OsString::from).collect()
    }

    pub(super) async fn render(
        &mut self,
        lesson: &str,
        wishes: &Wishes,
        looks: &Looks,
        (film, preset): (&str, Option<Preset>),
    ) -> Result<Value, Broken> {
        let made = self.attempt()?.join("film.mp4");
        let mut arguments = words(["render", lesson, "-o"]);
        arguments.push(made.clone().into());
        arguments.extend(wishes.arguments());
        arguments.extend(looks.arguments());
        if let Some(presenter) = looks.presenter {
            arguments.push(format!("--profile=offline,{}", presenter.profile()).into());
        }
        arguments.extend(self.eased(looks, preset));
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
