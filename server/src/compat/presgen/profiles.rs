//! Voices that somebody wants spoken with: `profiles/KEY/` in the data folder, each with its record, the film that it comes from, and what is
//! heard in its first minute, filtered as what learns a voice wants it.
//!
//! The film is opened by a child of this program: what it may do to a decoder it does there.

mod filters;

use super::wanted::keep;
use crate::compat::fastapi::Refusal;
use crate::decks::is_language_tag;
use crate::folders::remove_folder;
use crate::ledger::Timestamp;
use crate::uploads::Upload;
use crate::worker::{Exit, Program, StageError, Stop};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::watch;

/// Letters of a name at most.
pub const LONGEST_NAME: usize = 100;
/// The graph that takes the sound out of a film.
const LISTEN: &str = include_str!("../../../../graphs/film_sound.yaml");
/// The record of a profile.
const RECORD: &str = "profile.json";
/// What is heard in its film, filtered.
const SOUND: &str = "voice.wav";
/// The same as it is there.
const RAW: &str = "raw.wav";
/// So much of a film is listened to, in seconds.
const HEARD: u32 = 60;
/// How long that may take.
const PATIENCE: Duration = Duration::from_secs(120);
/// Seconds of sound from which somebody could be known.
const SHORTEST: f64 = 1.0;
/// Sound below this is silence, in parts of full scale: -50 dB.
const SILENCE: f64 = 0.003_162;
/// Samples that are looked at together when silence is looked for: 20 ms.
const WINDOW: usize = 441;

/// See the module docs.
pub struct Profiles(PathBuf);

/// A voice that is to be learned.
#[derive(Debug)]
pub struct NewProfile {
    /// Its name, one of its owner's own.
    pub name: String,
    /// A tag, or `auto`.
    pub language: String,
    /// Whose it is; `None`: everybody's.
    pub owner: Option<String>,
}

/// A voice.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Profile {
    name: String,
    language: String,
    /// The model that speaks with it; none yet.
    model_path: Option<String>,
    created_at: String,
    /// The film's name, as it was sent.
    source_video: String,
    quality_metrics: Metrics,
    owner: Option<String>,
}

/// What is heard in a film.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// How much of it was listened to.
    seconds: f64,
    /// Samples a second of what is kept.
    sample_rate: u32,
    /// The loudest sample, in decibels below full scale.
    peak_dbfs: f64,
    /// The mean level.
    level_dbfs: f64,
    /// The part of it in which nobody is heard, 0 to 1.
    silence: f64,
    /// How much louder the voice is than what is heard beside it, in decibels.
    #[serde(default)]
    snr_db: Option<f64>,
    /// Seconds that are kept, without the silence before and after.
    #[serde(default)]
    kept_seconds: Option<f64>,
    /// How loud what is kept is, in LUFS.
    #[serde(default)]
    loudness_lufs: Option<f64>,
    /// Was noise taken out of what is kept?
    #[serde(default)]
    noise_reduced: bool,
}

impl Profile {
    /// Whose it is.
    pub fn owner(&self) -> Option<&str> {
        self.owner.as_deref()
    }

    /// As clients read it.
    pub fn view(&self) -> Value {
        let Profile { name, language, model_path, created_at, source_video, quality_metrics, owner: _ } = self;
        json!({
            "name": name, "language": language, "model_path": model_path, "created_at": created_at, "source_video": source_video,
            "quality_metrics": quality_metrics,
        })
    }
}

impl Profiles {
    /// In this folder, which is made when there is something to be kept.
    pub fn new(folder: PathBuf) -> Profiles {
        Profiles(folder)
    }

    /// All of them, by name.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn all(&self) -> io::Result<Vec<Profile>> {
        let entries = match fs::read_dir(&self.0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let folders = entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
        let mut all: Vec<Profile> = folders.iter().filter_map(|folder| read(folder).transpose()).collect::<io::Result<_>>()?;
        all.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(all)
    }

    /// That of a name.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn find(&self, name: &str, owner: Option<&str>) -> io::Result<Option<Profile>> {
        read(&self.place(name, owner))
    }

    /// Listens to a film and keeps it, in place of an earlier one of this name; on the way it lies in `folder`. `Err` within: nobody can be
    /// learned from this film, and why.
    ///
    /// # Errors
    /// The film cannot be kept.
    pub async fn learn(&self, new: NewProfile, film: Upload, folder: &Path) -> Result<Result<Profile, String>, Refusal> {
        let failed = |error: io::Error| Refusal::failed(&error);
        fs::create_dir_all(folder).and_then(|()| fs::create_dir_all(&self.0)).map_err(failed)?;
        let place = tempfile::Builder::new().prefix("voice-").tempdir_in(folder).map_err(failed)?;
        let source_video = film.name.clone();
        let film = keep(film, place.path())?;
        let quality_metrics = match listen(place.path(), &film).await.map_err(failed)? {
            Ok(metrics) => metrics,
            Err(unfit) => return Ok(Err(unfit)),
        };
        let NewProfile { name, language, owner } = new;
        let created_at = Timestamp::now().to_string();
        let profile = Profile { name, language, model_path: None, created_at, source_video, quality_metrics, owner };
        self.keep(&profile, place.path()).map_err(failed)?;
        // It has another place now.
        let _ = place.keep();
        Ok(Ok(profile))
    }

    fn keep(&self, profile: &Profile, made: &Path) -> io::Result<()> {
        fs::write(made.join(RECORD), serde_json::to_vec(profile).expect("a profile is plain data"))?;
        let place = self.place(&profile.name, profile.owner());
        remove_folder(&place)?;
        fs::rename(made, place)
    }

    /// Names are whatever somebody likes; folders are not.
    fn place(&self, name: &str, owner: Option<&str>) -> PathBuf {
        let key = blake3::hash(json!([owner, name]).to_string().as_bytes());
        self.0.join(&key.to_hex().as_str()[..32])
    }
}

fn read(folder: &Path) -> io::Result<Option<Profile>> {
    match fs::read(folder.join(RECORD)) {
        Err(error) if [io::ErrorKind::NotFound, io::ErrorKind::NotADirectory].contains(&error.kind()) => Ok(None),
        record => Ok(Some(serde_json::from_slice(&record?)?)),
    }
}

/// A language as a tag, as far as its form tells; or `auto`.
pub fn is_language(tag: &str) -> bool {
    tag == "auto" || is_language_tag(tag)
}

/// Takes the sound out of a film in this folder, and measures it.
async fn listen(folder: &Path, film: &str) -> io::Result<Result<Metrics, String>> {
    let (lesson, graph) = (folder.join("lesson.yaml"), folder.join("graph.yaml"));
    let slide = json!({ "clip": { "file": film, "until": format!("{HEARD}s") } });
    fs::write(&lesson, json!({ "version": 1, "slides": [slide] }).to_string())?;
    fs::write(&graph, LISTEN)?;
    let arguments: Vec<OsString> = ["run", "graph.yaml", "--set", "lesson=lesson.yaml", "--set", "out=raw.wav"].map(OsString::from).into();
    let (program, mut never) = (Program::own()?, Stop::new(watch::channel(false).1));
    // Dropped, it ends with all that it has started.
    let run = tokio::time::timeout(PATIENCE, program.run(folder, &arguments, &mut never, |_| {})).await;
    [lesson, graph].iter().try_for_each(fs::remove_file)?;
    match run {
        Err(_) => Ok(Err(format!("the film was not read within {} s; send a shorter one", PATIENCE.as_secs()))),
        Ok(Ok(Exit::Done(_))) => {
            let folder = folder.to_path_buf();
            tokio::task::spawn_blocking(move || cleaned(&folder)).await.map_err(io::Error::other)?
        }
        Ok(Ok(exit)) => {
            let StageError { detail, cure, .. } = StageError::of_child(exit, folder);
            Ok(Err(format!("{detail}; {cure}")))
        }
        Ok(Err(error)) => Err(error),
    }
}

/// Measures what is heard in the film, and keeps it filtered.
fn cleaned(folder: &Path) -> io::Result<Result<Metrics, String>> {
    let (raw, sound) = (folder.join(RAW), folder.join(SOUND));
    let metrics = match measure(&raw) {
        Ok(metrics) => metrics,
        Err(unfit) => return Ok(Err(unfit)),
    };
    let done = filters::filter(&raw, &sound).map_err(io::Error::other)?;
    fs::remove_file(&raw)?;
    let loudness = done.loudness.is_finite().then(|| round(done.loudness));
    Ok(Ok(Metrics { kept_seconds: Some(round(done.seconds)), loudness_lufs: loudness, noise_reduced: done.denoised, ..metrics }))
}

/// Samples of one channel, 1 being full scale.
fn samples_of<R: io::Read>(reader: hound::WavReader<R>) -> Vec<f64> {
    reader.into_samples::<i16>().map_while(Result::ok).map(|sample| f64::from(sample) / f64::from(i16::MAX)).collect()
}

fn root_mean_square(samples: &[f64]) -> f64 {
    (samples.iter().map(|sample| sample * sample).sum::<f64>() / samples.len().max(1) as f64).sqrt()
}

fn round(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

/// What is heard in a recording.
fn measure(sound: &Path) -> Result<Metrics, String> {
    let silent = || "nothing is heard in the film; send one in which somebody speaks".to_string();
    // Where a film has no sound, none is written.
    let reader = hound::WavReader::open(sound).map_err(|_| silent())?;
    let sample_rate = reader.spec().sample_rate;
    let samples = samples_of(reader);
    let seconds = samples.len() as f64 / f64::from(sample_rate.max(1));
    let mut levels: Vec<f64> = samples.chunks(WINDOW).map(root_mean_square).collect();
    let silence = levels.iter().filter(|level| **level < SILENCE).count() as f64 / levels.len().max(1) as f64;
    if seconds * (1.0 - silence) < SHORTEST {
        return Err(silent());
    }
    let decibels = |value: f64| (200.0 * value.max(1e-6).log10()).round() / 10.0;
    let peak = samples.iter().fold(0.0, |peak: f64, sample| peak.max(sample.abs()));
    let (peak_dbfs, level_dbfs) = (decibels(peak), decibels(root_mean_square(&samples)));
    // A voice pauses: the quietest tenth is what is heard beside it, the loudest tenth is the voice.
    levels.sort_by(f64::total_cmp);
    let tenth = |part: &[f64]| decibels(root_mean_square(part));
    let (quiet, loud) = (levels.len().div_ceil(10), levels.len() - levels.len().div_ceil(10));
    let snr_db = Some(round(tenth(&levels[loud..]) - tenth(&levels[..quiet])));
    let (kept_seconds, loudness_lufs, noise_reduced) = (None, None, false);
    let (seconds, silence) = (round(seconds), round(silence));
    Ok(Metrics { seconds, sample_rate, peak_dbfs, level_dbfs, silence, snr_db, kept_seconds, loudness_lufs, noise_reduced })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(name: &str, owner: Option<&str>) -> Profile {
        let measured = json!({ "seconds": 12.0, "sample_rate": 22_050, "peak_dbfs": -1.0, "level_dbfs": -16.0, "silence": 0.1 });
        let quality_metrics = serde_json::from_value(measured).unwrap();
        let (created_at, source_video) = (Timestamp::now().to_string(), "me.mp4".into());
        let owner = owner.map(String::from);
        Profile { name: name.into(), language: "auto".into(), model_path: None, created_at, source_video, quality_metrics, owner }
    }

    #[test]
    fn profiles_are_their_owners_and_one_of_a_name_takes_the_place_of_another() {
        let home = tempfile::tempdir().unwrap();
        let profiles = Profiles::new(home.path().join("profiles"));
        assert!(profiles.all().unwrap().is_empty());
        fs::create_dir(home.path().join("profiles")).unwrap();
        for (name, owner, language) in [("B / ..", None, "en"), ("A", None, "en"), ("A", Some("ann"), "en"), ("A", None, "de")] {
            let made = home.path().join("made");
            fs::create_dir(&made).unwrap();
            profiles.keep(&Profile { language: language.into(), ..profile(name, owner) }, &made).unwrap();
        }
        let all: Vec<_> = profiles.all().unwrap().into_iter().map(|profile| (profile.name, profile.owner)).collect();
        assert_eq!((all.len(), all[2].0.as_str()), (3, "B / .."));
        assert_eq!(profiles.find("A", None).unwrap().unwrap().language, "de");
        assert_eq!(profiles.find("A", Some("ann")).unwrap().unwrap().language, "en");
        assert!(profiles.find("A", Some("bob")).unwrap().is_none());
        let view = profiles.find("A", Some("ann")).unwrap().unwrap().view();
        assert!(view.get("owner").is_none() && view["model_path"].is_null() && view["quality_metrics"]["seconds"] == 12.0, "{view}");
    }

    #[test]
    fn a_recording_is_measured_and_silence_is_none() {
        let home = tempfile::tempdir().unwrap();
        let write = |sample: fn(u32) -> f64| {
            let path = home.path().join("voice.wav");
            let spec = hound::WavSpec { channels: 1, sample_rate: 22_050, bits_per_sample: 16, sample_format: hound::SampleFormat::Int };
            let mut writer = hound::WavWriter::create(&path, spec).unwrap();
            (0..44_100).for_each(|index| writer.write_sample((sample(index) * f64::from(i16::MAX)) as i16).unwrap());
            writer.finalize().unwrap();
            measure(&path)
        };
        // A second of a tone at half of full scale, then silence.
        let told = write(|index| if index < 22_050 { 0.5 * (f64::from(index) * 0.1).sin() } else { 0.0 }).unwrap();
        assert_eq!((told.seconds, told.sample_rate, told.silence), (2.0, 22_050, 0.5));
        assert!(told.snr_db.unwrap() > 50.0, "{told:?}");
        assert!((told.peak_dbfs + 6.0).abs() < 0.2 && (told.level_dbfs + 12.0).abs() < 0.2, "{told:?}");
        assert!(write(|_| 0.001).unwrap_err().contains("nothing is heard"));
        assert!(measure(&home.path().join("none.wav")).unwrap_err().contains("nothing is heard"));
    }

    #[test]
    fn languages_have_a_form() {
        assert!(["auto", "en", "zh-Hans", "pt-BR"].into_iter().all(is_language));
        assert!(["", "e", "english", "en_US", "../x", "en-"].into_iter().all(|tag| !is_language(tag)));
    }
}
