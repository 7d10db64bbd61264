//! A slide's overlays while it shows: which of them are seen at a time, and how.

use super::card::{Card, Piece};
use super::layout::lay_out;
use crate::drawing::{FLOAT, Painter, Scene};
use crate::lesson::Slide;
use crate::lesson::canvas::{Effect, Look, Schedule, Side};
use engine::frame::{Point, Rect, Size};
use engine::time::Span;
use std::ops::Range;

/// The overlays of one slide.
pub(super) struct Stage {
    scene: Scene,
    schedule: Schedule,
    /// Marks of origin by their places among the slide's overlays, with the objects that stand for them.
    marks: Vec<(usize, usize)>,
    objects: usize,
    sprites: Vec<Sprite>,
}

/// Neighbouring objects of one overlay that always look alike. They are drawn once, and come and go as one picture, by whole pixels.
struct Sprite {
    objects: Range<usize>,
    /// Their picture and its place, once they were seen; nothing where nothing is to be seen of them.
    drawn: Option<Option<(Card, Point)>>,
}

impl Stage {
    /// Those of a slide in pictures of `picture`, with the presenter in `presenter` and captions in `captions`; nothing where it has none.
    pub fn of(slide: &Slide, picture: Size, presenter: Option<Rect>, captions: Option<Rect>) -> Option<Stage> {
        if slide.overlays.is_empty() {
            return None;
        }
        let layout = lay_out(slide, picture, presenter, captions);
        let objects = &layout.canvas.objects;
        let mut sprites: Vec<Sprite> = Vec::new();
        for (index, object) in objects.iter().enumerate() {
            let moves = |index: usize| (&objects[index].enter, &objects[index].exit);
            match sprites.last_mut() {
                Some(last) if !layout.starts.contains(&index) && moves(last.objects.start) == (&object.enter, &object.exit) => {
                    last.objects.end += 1;
                }
                _ => sprites.push(Sprite { objects: index..index + 1, drawn: None }),
            }
        }
        Some(Stage {
            scene: Scene::new(&layout.canvas, picture),
            schedule: Schedule::new(&layout.canvas, &slide.narration.spoken()),
            marks: layout.marks,
            objects: objects.len(),
            sprites,
        })
    }

    /// Pictures that cannot be shown, and why.
    pub fn faults(&self) -> &[String] {
        &self.scene.faults
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

    /// What is seen of all but the marks, the first one at the back.
    pub fn pieces(&mut self, looks: &[Look], painter: &mut Painter) -> Vec<Piece> {
        let Stage { scene, objects, sprites, .. } = self;
        let mut pieces = Vec::new();
        for sprite in sprites {
            let look = looks[sprite.objects.start];
            if look == Look::Hidden {
                continue;
            }
            let drawn = sprite.drawn.get_or_insert_with(|| draw(scene, &sprite.objects, *objects, painter));
            pieces.extend(drawn.as_ref().map(|(card, at)| posed(card, *at, look, scene.size())));
        }
        pieces
    }

    /// Lets go of what was drawn: another slide shows.
    pub fn rest(&mut self) {
        self.sprites.iter_mut().for_each(|sprite| sprite.drawn = None);
    }
}

/// Some of a scene's objects alone, whole, and their place.
fn draw(scene: &Scene, which: &Range<usize>, objects: usize, painter: &mut Painter) -> Option<(Card, Point)> {
    let looks = |shown: &Range<usize>| (0..objects).map(|index| if shown.contains(&index) { Look::Whole } else { Look::Hidden }).collect();
    let (hidden, shown): (Vec<Look>, Vec<Look>) = (looks(&(0..0)), looks(which));
    let area = scene.changed(&hidden, &shown);
    if area.is_empty() {
        return None;
    }
    let pixels = painter.part(scene, &shown, area).data_as_u8_slice().to_vec();
    Some((Card::new(Size::new(area.width, area.height), pixels, 1.0), Point { x: area.x, y: area.y }))
}

/// A sprite on its way in or out.
fn posed(card: &Card, at: Point, look: Look, picture: Size) -> Piece {
    let whole = Piece::whole(card.clone(), at);
    let Look::Partly(effect, part) = look else { return whole };
    let opacity = (part * 255.0).round() as u8;
    let (Rect { x, y, width, height }, away) = (whole.seen, (f64::from(picture.height) * FLOAT * (1.0 - part)).round() as i32);
    let across = |part: f64| (f64::from(width) * part).round() as u32;
    let down = |part: f64| (f64::from(height) * part).round() as u32;
    let moved = |dx: i32, dy: i32| Piece { opacity, ..whole.moved(dx, dy) };
    let cut = |seen: Rect| Piece { seen, ..whole.clone() };
    match effect {
        Effect::Appear => whole,
        Effect::Float(Side::Left) => moved(-away, 0),
        Effect::Float(Side::Right) => moved(away, 0),
        Effect::Float(Side::Top) => moved(0, -away),
        Effect::Float(Side::Bottom) => moved(0, away),
        Effect::Wipe(Side::Left) => cut(Rect { width: across(part), ..whole.seen }),
        Effect::Wipe(Side::Right) => cut(Rect { x: x + (width - across(part)) as i32, width: across(part), ..whole.seen }),
        Effect::Wipe(Side::Top) => cut(Rect { height: down(part), ..whole.seen }),
        Effect::Wipe(Side::Bottom) => cut(Rect { y: y + (height - down(part)) as i32, height: down(part), ..whole.seen }),
        // No overlay comes or goes in the other ways.
        Effect::Fade | Effect::Fly(_) | Effect::Zoom => moved(0, 0),
    }
}
