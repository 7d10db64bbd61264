//! The pictures of a canvas slide while its objects come and go: only what differs is drawn, and only that is converted.
//!
//! A picture is a function of the scene and the looks alone; what was shown before decides how much is drawn anew.

use crate::drawing::{Painter, Scene};
use crate::lesson::canvas::Look;
use crate::pixels::{Alpha, Rgba, draw_rgba};
use engine::frame::{PixelFormat, Rect, VideoFrame};
use engine::node::Result;
use engine::pool::Pool;
use std::collections::VecDeque;
use std::sync::Arc;
use vello_cpu::Pixmap;

/// Frames whose looks are remembered, in case their buffers come back: more than an encoder and the queues before it hold by turns.
const REMEMBERED: usize = 16;

/// A scene with the picture of some looks.
pub struct Still {
    /// The canvas at this size.
    pub scene: Scene,
    /// What the picture shows.
    pub looks: Vec<Look>,
    /// Premultiplied, on an opaque ground.
    pub picture: Pixmap,
}

impl Still {
    /// Draws `scene`.
    pub fn new(scene: Scene, looks: Vec<Look>, painter: &mut Painter) -> Still {
        let picture = painter.picture(&scene, &looks);
        Still { scene, looks, picture }
    }
}

/// One canvas slide being shown.
pub struct CanvasShow {
    still: Arc<Still>,
    painter: Painter,
    pool: Pool,
    /// The picture drawn last, and what it shows.
    picture: Pixmap,
    looks: Vec<Look>,
    /// Frames made so far by the identity of their pictures, the newest last.
    sent: VecDeque<(u64, Vec<Look>)>,
}

impl CanvasShow {
    /// Begins with the picture of `still`.
    pub fn new(still: Arc<Still>) -> CanvasShow {
        let (picture, looks) = (still.picture.clone(), still.looks.clone());
        CanvasShow { still, painter: Painter::default(), pool: Pool::new(), picture, looks, sent: VecDeque::new() }
    }

    /// The frame of these looks; `None` when the one before shows the same.
    pub fn frame(&mut self, looks: Vec<Look>) -> Result<Option<VideoFrame>> {
        if looks == self.looks {
            return Ok(None);
        }
        let scene = &self.still.scene;
        self.painter.paint(scene, &looks, scene.changed(&self.looks, &looks), &mut self.picture);
        self.looks = looks;
        let again = self.pool.again(PixelFormat::I420, scene.size());
        let known = again.as_ref().and_then(|(_, id)| self.sent.iter().find(|(sent, _)| sent == id));
        let changed: Rect = known.map_or(scene.size().rect(), |(_, before)| scene.changed(before, &self.looks));
        let mut frame = again.map_or_else(|| self.pool.blank(PixelFormat::I420, scene.size()), |(frame, _)| frame);
        draw_rgba(&mut frame, Rgba::new(self.picture.data_as_u8_slice(), scene.size(), Alpha::Straight)?, changed)?;
        let frame = frame.freeze();
        if self.sent.len() == REMEMBERED {
            self.sent.pop_front();
        }
        self.sent.push_back((frame.picture.id(), self.looks.clone()));
        Ok(Some(frame))
    }
}
