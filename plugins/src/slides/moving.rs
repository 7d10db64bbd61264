//! What moves on a slide while it shows: the objects of a canvas, the pictures of a film.

use super::canvas_show::{CanvasShow, Still};
use super::frames_show::FramesShow;
use crate::lesson::canvas::Schedule;
use crate::lesson::{Slide, Visual};
use engine::frame::{Size, VideoFrame};
use engine::node::Result;
use engine::time::Span;
use std::sync::Arc;

/// A slide that moves, being shown.
pub enum Moving {
    /// Objects that come and go.
    Canvas(Box<CanvasShow>),
    /// Picture after picture.
    Frames(Box<FramesShow>),
}

/// The next picture, or why there is none.
#[derive(Default)]
pub struct Next {
    /// `None` when the one before still shows.
    pub frame: Option<VideoFrame>,
    /// What cannot be shown.
    pub fault: Option<String>,
}

impl Moving {
    /// For a slide that moves.
    ///
    /// # Errors
    /// Why it does not though it should.
    pub fn of(visual: &Visual, still: Option<Arc<Still>>, size: Size) -> std::result::Result<Option<Moving>, String> {
        match (visual, still) {
            (Visual::Canvas(_), Some(still)) => Ok(Some(Moving::Canvas(Box::new(CanvasShow::new(still))))),
            (Visual::Frames(frames), _) => FramesShow::open(frames, size).map(|show| Some(Moving::Frames(Box::new(show)))),
            _ => Ok(None),
        }
    }

    /// The picture at a time in the slide; `schedule` is that of a canvas.
    ///
    /// # Errors
    /// Those of drawing into frames.
    pub fn next(&mut self, at: Span, schedule: Option<&Schedule>) -> Result<Next> {
        match (self, schedule) {
            (Moving::Canvas(canvas), Some(schedule)) => Ok(Next { frame: canvas.frame(schedule.looks(at))?, fault: None }),
            (Moving::Frames(frames), _) => Ok(match frames.frame(at) {
                Ok(frame) => Next { frame, fault: None },
                Err(fault) => Next { frame: None, fault: Some(fault) },
            }),
            (Moving::Canvas(_), None) => Ok(Next::default()),
        }
    }

    /// The picture when all has come and gone; `None` when the one before shows the same, or it cannot be drawn.
    ///
    /// # Errors
    /// Those of drawing into frames.
    pub fn last(&mut self, slide: &Slide) -> Result<Option<VideoFrame>> {
        match (self, &slide.visual) {
            (Moving::Canvas(show), Visual::Canvas(canvas)) => show.frame(Schedule::new(canvas, "").last_looks()),
            (Moving::Frames(show), Visual::Frames(frames)) => Ok(show.frame(frames.length()).ok().flatten()),
            _ => Ok(None),
        }
    }

    /// Something known is still to come after a time in the slide.
    pub fn moves_after(&self, at: Span, schedule: Option<&Schedule>) -> bool {
        match self {
            Moving::Canvas(_) => schedule.is_some_and(|schedule| schedule.moves_after(at)),
            Moving::Frames(frames) => frames.moves_after(at),
        }
    }
}
