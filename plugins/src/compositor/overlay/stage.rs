//! A slide's overlays while it shows: which of them are seen, and their pixels. What has not changed is not drawn again.

use super::card::Card;
use super::layout::lay_out;
use crate::drawing::{Painter, Scene};
use crate::lesson::Slide;
use crate::lesson::canvas::{Look, Schedule};
use engine::frame::{Point, Rect, Size};
use engine::time::Span;
use std::ops::Range;
use vello_cpu::Pixmap;

/// The overlays of one slide.
pub(super) struct Stage {
    scene: Scene,
    schedule: Schedule,
    /// Marks of origin by their places among the slide's overlays, with the objects that stand for them.
    marks: Vec<(usize, usize)>,
    objects: usize,
    /// What was drawn last, as large as the picture.
    drawn: Option<(Pixmap, Vec<Look>)>,
}

impl Stage {
    /// Those of a slide in pictures of `picture`, with the presenter in `presenter`; nothing where it has none.
    pub fn of(slide: &Slide, picture: Size, presenter: Option<Rect>) -> Option<Stage> {
        if slide.overlays.is_empty() {
            return None;
        }
        let layout = lay_out(slide, picture, presenter);
        Some(Stage {
            scene: Scene::new(&layout.canvas, picture),
            schedule: Schedule::new(&layout.canvas, &slide.narration.spoken()),
            marks: layout.marks,
            objects: layout.canvas.objects.len(),
            drawn: None,
        })
    }

    /// Pictures that cannot be shown, and why.
    pub fn faults(&mut self) -> Vec<String> {
        std::mem::take(&mut self.scene.faults)
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

    /// Something comes or goes after this time in the slide, as far as that is known.
    pub fn moves_after(&self, at: Span) -> bool {
        self.schedule.moves_after(at)
    }

    /// The marks that are seen, by their places among the slide's overlays.
    pub fn marks<'a>(&'a self, looks: &'a [Look]) -> impl Iterator<Item = usize> + 'a {
        self.marks.iter().filter(|(_, object)| looks[*object] != Look::Hidden).map(|(overlay, _)| *overlay)
    }

    /// What is seen, and its place in the picture; nothing where nothing is.
    pub fn card(&mut self, looks: &[Look], painter: &mut Painter) -> Option<(Card, Point)> {
        let size = self.scene.size();
        let hidden = || vec![Look::Hidden; self.objects];
        let (mut pixels, before) = self.drawn.take().unwrap_or_else(|| (Pixmap::new(size.width as u16, size.height as u16), hidden()));
        painter.paint(&self.scene, looks, self.scene.changed(&before, looks), &mut pixels);
        let seen = self.scene.changed(&hidden(), looks);
        let card = (!seen.is_empty()).then(|| {
            let (stride, width) = (size.width as usize * 4, seen.width as usize * 4);
            let rows = pixels.data_as_u8_slice().chunks_exact(stride).skip(seen.y as usize).take(seen.height as usize);
            let part = rows.flat_map(|row| &row[seen.x as usize * 4..][..width]).copied().collect();
            (Card::new(Size::new(seen.width, seen.height), part, 1.0), Point { x: seen.x, y: seen.y })
        });
        self.drawn = Some((pixels, looks.to_vec()));
        card
    }

    /// Lets go of the pixels: another slide shows.
    pub fn rest(&mut self) {
        self.drawn = None;
    }
}
