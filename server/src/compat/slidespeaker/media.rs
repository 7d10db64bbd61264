//! What comes of a task: film, sound, subtitles, transcript; to be shown or to be saved.

use super::languages::{self, Language};
use super::refused::Refused;
use super::session::Desk;
use super::steps::{Asked, CONVERSATION, FILM, PODCAST, SOUND, TRANSCRIPT, subtitle_file};
use super::view;
use crate::artifacts::Entry;
use crate::compat::fastapi::Refusal;
use crate::http::{self, App};
use crate::ledger::Job;
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use futures_util::TryStreamExt;
use serde_json::{Map, Value, json};
use std::sync::Arc;

type Asking = Query<Map<String, Value>>;

/// Something that can be fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offer {
    /// The film.
    Video,
    /// What is said, as sound.
    Audio,
    /// A conversation of two.
    Podcast,
    /// Subtitles as WebVTT.
    Vtt,
    /// Subtitles as SubRip.
    Srt,
    /// What is said, as text.
    Transcript,
}

impl Offer {
    const ALL: [Offer; 6] = [Offer::Video, Offer::Audio, Offer::Podcast, Offer::Vtt, Offer::Srt, Offer::Transcript];

    /// Where it is, below its task.
    pub fn path(self) -> &'static str {
        match self {
            Offer::Video => "video",
            Offer::Audio => "audio",
            Offer::Podcast => "podcast",
            Offer::Vtt => "subtitles/vtt",
            Offer::Srt => "subtitles/srt",
            Offer::Transcript => "transcripts/markdown",
        }
    }

    /// What clients call it among the downloads.
    fn kind(self) -> Option<&'static str> {
        match self {
            Offer::Video => Some("video"),
            Offer::Audio => Some("audio"),
            Offer::Podcast => Some("podcast"),
            Offer::Vtt => Some("vtt_subtitles"),
            Offer::Srt => Some("srt_subtitles"),
            Offer::Transcript => None,
        }
    }

    /// The file that was published, and what clients expect it to be.
    fn file(self) -> (&'static str, &'static str) {
        match self {
            Offer::Video => (FILM, "video/mp4"),
            Offer::Audio => (SOUND, "audio/mpeg"),
            Offer::Podcast => (PODCAST, "audio/mpeg"),
            Offer::Vtt => ("film.vtt", "text/vtt; charset=utf-8"),
            Offer::Srt => ("film.srt", "text/plain; charset=utf-8"),
            Offer::Transcript => (TRANSCRIPT, "text/markdown; charset=utf-8"),
        }
    }

    fn is_subtitles(self) -> bool {
        matches!(self, Offer::Vtt | Offer::Srt)
    }
}

/// What of what was published is offered.
pub fn offers(asked: &Asked, published: &[Entry]) -> impl Iterator<Item = Offer> {
    let wanted = |offer: Offer| asked.options.generate_subtitles || !offer.is_subtitles();
    let is_there = move |offer: &Offer| wanted(*offer) && published.iter().any(|file| file.name == offer.file().0);
    Offer::ALL.into_iter().filter(is_there)
}

/// Subtitles in one language.
pub struct Track {
    /// Which.
    pub language: &'static Language,
    /// It is not the one that is spoken.
    is_translated: bool,
}

impl Track {
    fn file(&self, ending: &str) -> String {
        subtitle_file(self.is_translated.then_some(self.language), ending)
    }
}

/// The subtitles that a task has published, those in the language that was asked for first, if they could be made.
pub fn tracks(job: &Job, asked: &Asked, published: &[Entry]) -> Vec<Track> {
    let translated = Track { language: asked.options.subtitles(), is_translated: true };
    let spoken = Track { language: asked.spoken(job), is_translated: false };
    let is_there = |track: &Track| published.iter().any(|file| file.name == track.file("vtt"));
    [translated, spoken].into_iter().filter(|track| asked.options.generate_subtitles && is_there(track)).collect()
}

/// What a task has published.
///
/// # Errors
/// It cannot be read.
pub async fn published(desk: &Desk, job: &Job) -> Result<Vec<Entry>, Refused> {
    Ok(desk.service.files(job.id).await?)
}

/// How a file is asked for.
pub struct Wanted {
    method: Method,
    headers: HeaderMap,
    /// To be saved, not shown.
    is_saved: bool,
}

/// A handler for one thing that can be fetched.
macro_rules! fetch {
    ($($name:ident: $offer:ident, $is_saved:literal;)*) => {
        $(
            pub async fn $name(
                desk: Desk,
                Path(id): Path<String>,
                Query(asking): Asking,
                method: Method,
                headers: HeaderMap,
            ) -> Result<Response, Refused> {
                fetch(&desk, &id, Offer::$offer, &asking, Wanted { method, headers, is_saved: $is_saved }).await
            }
        )*
    };
}

fetch! {
    video: Video, false;
    video_saved: Video, true;
    audio: Audio, false;
    audio_saved: Audio, true;
    podcast: Podcast, false;
    podcast_saved: Podcast, true;
    vtt: Vtt, false;
    vtt_saved: Vtt, true;
    srt: Srt, false;
    srt_saved: Srt, true;
    transcript: Transcript, false;
    transcript_saved: Transcript, true;
}

async fn fetch(desk: &Desk, id: &str, offer: Offer, asking: &Map<String, Value>, wanted: Wanted) -> Result<Response, Refused> {
    let job = desk.task(id)?;
    let asked = Asked::of(&job)?;
    let (name, kind) = offer.file();
    let ending = name.rsplit('.').next().unwrap_or_default();
    if !offer.is_subtitles() {
        return send(desk, &job, name, (kind, &format!("{}.{ending}", job.id)), wanted).await;
    }
    let tracks = tracks(&job, &asked, &published(desk, &job).await?);
    let track = match asking.get("language").and_then(Value::as_str).filter(|text| !text.is_empty()) {
        None => tracks.first(),
        Some(text) => languages::find(text).and_then(|wanted| tracks.iter().find(|track| track.language == wanted)),
    };
    let track = track.ok_or_else(|| Refused::missing("there are no subtitles in that language"))?;
    send(desk, &job, &track.file(ending), (kind, &format!("{}_{}.{ending}", job.id, track.language.tag)), wanted).await
}

/// A file that a task has published, under a name of its own.
async fn send(desk: &Desk, job: &Job, name: &str, (kind, called): (&'static str, &str), wanted: Wanted) -> Result<Response, Refused> {
    let Wanted { method, headers, is_saved } = wanted;
    let mut response = http::answer(&desk.service, job.id, name, &method, &headers, None).await?;
    if response.status().is_success() {
        let place = if is_saved { "attachment" } else { "inline" };
        let answer = response.headers_mut();
        answer.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        if let Ok(named) = HeaderValue::from_str(&format!("{place}; filename=\"{called}\"")) {
            answer.insert(header::CONTENT_DISPOSITION, named);
        }
    }
    Ok(response)
}

/// The sound of one slide, counted from 1.
pub async fn slide_audio(
    desk: Desk,
    Path((id, index)): Path<(String, String)>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let parsed = index.parse::<i64>();
    let index = parsed.map_err(|_| {
        let text = "Input should be a valid integer, unable to parse string as an integer";
        Refused::invalid("int_parsing", ["path", "index"], text, &json!(index))
    })?;
    let job = desk.task(&id)?;
    let (name, called) = (SOUND.replace('.', &format!("-{index}.")), format!("{}_{index}.mp3", job.id));
    send(&desk, &job, &name, ("audio/mpeg", &called), Wanted { method, headers, is_saved: false }).await
}

/// Who says what in a podcast.
pub async fn podcast_script(desk: Desk, Path(id): Path<String>) -> Result<Json<Value>, Refused> {
    let mut script = conversation(&desk, &id).await?;
    if let Some(script) = script.as_object_mut() {
        script.remove("cues");
    }
    Ok(Json(script))
}

/// What is said in a podcast, and when it is heard.
pub async fn podcast_subtitles(desk: Desk, Path(id): Path<String>) -> Result<Json<Value>, Refused> {
    let cues = conversation(&desk, &id).await?["cues"].take();
    Ok(Json(json!({ "cues": cues, "vtt_url": null, "srt_url": null })))
}

/// What is to be read of a podcast, as the task has published it.
async fn conversation(desk: &Desk, id: &str) -> Result<Value, Refused> {
    let job = desk.task(id)?;
    let pieces = desk.service.file(job.id, CONVERSATION).await?.read().await?.try_collect::<Vec<_>>().await?;
    serde_json::from_slice(&pieces.concat()).map_err(|error| Refused::failed(&error))
}

pub async fn preview(State(app): State<Arc<App>>, desk: Desk, Path(id): Path<String>) -> Result<Json<Value>, Refused> {
    let job = desk.task(&id)?;
    let (asked, found) = (Asked::of(&job)?, published(&desk, &job).await?);
    match offers(&asked, &found).any(|offer| offer == Offer::Video) {
        true => Ok(Json(view::preview(&asked, &app.compat.slidespeaker.place(&job), &tracks(&job, &asked, &found)))),
        false => Err(Refused::missing("there is no film yet; look at the task's progress")),
    }
}

/// All that there is to fetch; of a task that is not there, nothing.
pub async fn downloads(State(app): State<Arc<App>>, desk: Desk, Path(id): Path<String>) -> Result<Json<Value>, Refused> {
    let job = match desk.task(&id) {
        Err(Refused::Plainly(Refusal::Because(StatusCode::NOT_FOUND, _))) => {
            return Ok(Json(json!({ "task_id": id, "file_id": null, "items": [] })));
        }
        found => found?,
    };
    let (asked, found) = (Asked::of(&job)?, published(&desk, &job).await?);
    let place = app.compat.slidespeaker.place(&job);
    let mut items = Vec::new();
    for offer in offers(&asked, &found) {
        let (Some(kind), url) = (offer.kind(), format!("{place}/{}", offer.path())) else { continue };
        if !offer.is_subtitles() {
            items.push(json!({ "type": kind, "url": url, "download_url": format!("{url}/download") }));
            continue;
        }
        for Track { language, .. } in tracks(&job, &asked, &found) {
            let query = format!("?language={}", language.tag);
            let (shown, saved) = (format!("{url}{query}"), format!("{url}/download{query}"));
            items.push(json!({ "type": kind, "url": shown, "download_url": saved, "language": language.name }));
        }
    }
    Ok(Json(json!({ "task_id": job.id, "file_id": asked.file.file_id, "items": items })))
}
