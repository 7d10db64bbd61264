//! What happens in a lecture, for those who watch: JSON texts, and what holds now for those who come later.

use engine::cue::Cue;
use engine::packet::Packet;
use engine::time::Time;
use serde::Serialize;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::broadcast;

/// So many texts a slow listener may be behind before it misses some.
const BEHIND: usize = 256;

/// The slide that is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SlideNews {
    /// Place in the lesson, from 0.
    pub index: usize,
    /// Number in the deck, from 1.
    pub number: usize,
    /// Stable name.
    pub id: String,
    /// Its title.
    pub title: String,
}

/// What holds now.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Now {
    /// The slide, once there is one.
    pub slide: Option<SlideNews>,
    /// The line that is being said.
    pub caption: Option<String>,
    /// The page that is shown over the slide.
    pub embed: Option<String>,
    /// Until when that line is shown.
    caption_until: Time,
}

/// Where news are told.
pub(crate) struct News {
    now: Mutex<Now>,
    sender: broadcast::Sender<Arc<str>>,
}

impl Default for News {
    fn default() -> News {
        News { now: Mutex::default(), sender: broadcast::channel(BEHIND).0 }
    }
}

impl News {
    pub(super) fn listen(&self) -> (Now, broadcast::Receiver<Arc<str>>) {
        // In this order nothing is missed: what is told in between comes twice.
        let receiver = self.sender.subscribe();
        (self.lock().clone(), receiver)
    }

    pub(super) fn tell(&self, news: &Value) {
        // Nobody may be there.
        let _ = self.sender.send(news.to_string().into());
    }

    /// Passes a cue on, if viewers are interested in it.
    pub(crate) fn cue(&self, packet: &Packet<Cue>) {
        let programme_ms = millis(packet.pts);
        match &packet.media {
            Cue::Slide(slide) => {
                let news = SlideNews { index: slide.index, number: slide.number, id: slide.id.to_string(), title: slide.title.to_string() };
                let mut text = serde_json::to_value(&news).expect("plain data");
                (text["type"], text["programme_ms"]) = ("slide".into(), programme_ms.into());
                self.change(|now| (now.slide, now.caption) = (Some(news), None));
                self.tell(&text);
            }
            Cue::Caption(line) => {
                let duration = packet.dur.map_or(0, |dur| dur.to_nanos() / 1_000_000);
                let until = packet.end().unwrap_or(packet.pts);
                self.change(|now| (now.caption, now.caption_until) = (Some(line.to_string()), until));
                self.tell(&json!({ "type": "caption", "programme_ms": programme_ms, "duration_ms": duration, "text": &**line }));
            }
            Cue::Marker(text) => match text.strip_prefix("embed:") {
                Some(url) => self.page(Some(url), packet.pts),
                None if &**text == "embed_over" => self.page(None, packet.pts),
                None => {}
            },
            _ => {}
        }
    }

    /// A page is shown over the slide, or no more.
    pub(super) fn page(&self, url: Option<&str>, at: Time) {
        self.change(|now| now.embed = url.map(String::from));
        let slide = self.lock().slide.as_ref().map(|slide| slide.id.clone());
        self.tell(&match url {
            Some(url) => json!({ "type": "embed", "programme_ms": millis(at), "slide_id": slide, "url": url }),
            None => json!({ "type": "resume", "programme_ms": millis(at) }),
        });
    }

    /// The programme has come to here: a line that is over is shown no more.
    pub(crate) fn reach(&self, time: Time) {
        self.change(|now| {
            if now.caption.is_some() && now.caption_until <= time {
                now.caption = None;
            }
        });
    }

    fn change(&self, change: impl FnOnce(&mut Now)) {
        change(&mut self.lock());
    }

    fn lock(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whole milliseconds of programme time.
pub(crate) fn millis(time: Time) -> i64 {
    (time - Time::ZERO).to_nanos() / 1_000_000
}
