//! A slide's overlays while it shows: which of them are seen at a time.

use super::layout::lay_out;
use crate::drawing::Scene;
use crate::lesson::Slide;
use crate::lesson::canvas::{Look, Schedule};
use engine::frame::{Rect, Size};
use engine::time::Span;
use std::ops::Range;
use std::sync::Arc;

/// The overlays of one slide.
pub(super) struct Stage {
    scene: Arc<Scene>,
    schedule: Schedule,
    /// Marks of origin by their places among the slide's overlays, with the objects that stand for them.
    marks: Vec<(usize, usize)>,
    objects: usize,
}

impl Stage {
    /// Those of a slide in pictures of `picture`, with the presenter in `presenter`; nothing where it has none.
    pub fn of(slide: &Slide, picture: Size, presenter: Option<Rect>) -> Option<Stage> {
        if slide.overlays.is_empty() {
            return None;
        }
        let layout = lay_out(slide, picture, presenter);
        Some(Stage {
            scene: Arc::new(Scene::new(&layout.canvas, picture)),
            schedule: Schedule::new(&layout.canvas, &slide.narration.spoken()),
            marks: layout.marks,
            objects: layout.canvas.objects.len(),
        })
    }

    /// What is drawn. Its faults are pictures that cannot be shown.
    pub fn scene(&self) -> &Arc<Scene> {
        &self.scene
    }

    /// A word of the narration, by its bytes in it, begins at this time in the slide.
    pub fn hear(&mut self, range: &Range<usize>, at: Span) {
        self.schedule.heard(range, at);
    }

    /// What was heard at this time in the slide and later has not been.
    pub fn forget(&mut self, from: Span) {
        self.schedule.forget(from);
    }

    /// What is seen of each object at a time in the slide.
    pub fn looks(&self, at: Span) -> Vec<Look> {
        self.schedule.looks(at)
    }

    /// Nothing of any object.
    pub fn unseen(&self) -> Vec<Look> {
        vec![Look::Hidden; self.objects]
    }

    /// Something comes or goes after this time in the slide, as far as that is known.
    pub fn moves_after(&self, at: Span) -> bool {
        self.schedule.moves_after(at)
    }

    /// The marks that are seen, by their places among the slide's overlays.
    pub fn marks<'a>(&'a self, looks: &'a [Look]) -> impl Iterator<Item = usize> + 'a {
        self.marks.iter().filter(|(_, object)| looks[*object] != Look::Hidden).map(|(overlay, _)| *overlay)
    }
}
