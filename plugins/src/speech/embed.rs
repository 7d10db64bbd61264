//! Live pages and films in a talk: everyone downstream is told when a page is shown and when it is left, and what a film says of itself.

use super::talk::Talk;
use super::tts_chunker::CUES;
use crate::lesson::Visual;
use crate::mp4::Synthetic;
use engine::cue::Cue;
use engine::node::Cx;
use engine::packet::Packet;
use engine::time::Time;

/// Showings and leavings that are remembered: more than lie within the latency of a live run.
const PAST: usize = 64;

impl Talk {
    /// The address of the page that the slide at a place shows.
    pub(super) fn embed_at(&self, place: usize) -> Option<&str> {
        match &self.lesson.slides[*self.order.get(place)?].visual {
            Visual::Embed { url, .. } => Some(url),
            _ => None,
        }
    }

    /// Sends cues, of a slide with a page the markers `embed:URL` at its beginning and `embed_over` before the next one, too; of one with
    /// a film whose voice or face were made by a computer, a marker that says so.
    pub(super) fn send(&mut self, cues: impl IntoIterator<Item = Packet<Cue>>, cx: &mut Cx<'_>) {
        for cue in cues {
            let begins = if let Cue::Slide(slide) = &cue.media { Some((cue.pts, slide.index)) } else { None };
            if let Some((at, index)) = begins {
                self.leave_embeds(at, Some(index), cx);
                cx.emit(CUES, cue);
                self.show_embed(at, cx);
                self.tell_of_film(at, cx);
            } else {
                cx.emit(CUES, cue);
            }
        }
    }

    /// A page that is not that of the slide `index` is over.
    pub(super) fn leave_embeds(&mut self, at: Time, index: Option<usize>, cx: &mut Cx<'_>) {
        let Some((_, Some(shown))) = self.embeds.last() else { return };
        if index != self.order.get(*shown).copied() {
            cx.emit(CUES, Packet::new(at, Cue::Marker("embed_over".into())));
            self.tell_owner("embed_over", *shown);
            self.note_embed(at, None);
        }
    }

    fn show_embed(&mut self, at: Time, cx: &mut Cx<'_>) {
        let place = self.place;
        let is_shown = self.embeds.last().is_some_and(|(_, shown)| *shown == Some(place));
        if let Some(url) = self.embed_at(place).filter(|_| !is_shown) {
            cx.emit(CUES, Packet::new(at, Cue::Marker(format!("embed:{url}").into())));
            self.tell_owner("embed_shown", place);
            self.note_embed(at, Some(place));
        }
    }

    fn tell_of_film(&self, at: Time, cx: &mut Cx<'_>) {
        let visual = self.order.get(self.place).map(|&index| &self.lesson.slides[index].visual);
        let Some(Visual::Clip(clip)) = visual else { return };
        // One that cannot be read stops whoever shows it.
        let Synthetic { voice, face } = Synthetic::of_film(&clip.path).unwrap_or_default();
        if let Some(marker) = (Synthetic { voice: voice && clip.sound, face }).marker() {
            cx.emit(CUES, Packet::new(at, Cue::Marker(marker.into())));
        }
    }

    fn note_embed(&mut self, at: Time, shown: Option<usize>) {
        if self.embeds.len() == PAST {
            self.embeds.remove(0);
        }
        self.embeds.push((at, shown));
    }

    /// The name of the slide at a place.
    pub(super) fn slide_id(&self, place: usize) -> String {
        self.order.get(place).map(|&index| self.lesson.slides[index].id.clone()).unwrap_or_default()
    }
}
