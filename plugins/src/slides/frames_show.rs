//! The pictures of a slide that shows a film kept as numbered pictures.

use crate::lesson::{ContentHash, Frames, Rasterizer, Visual, numbered};
use crate::pixels::rgba_to_i420;
use engine::frame::{Size, VideoFrame};
use engine::pool::Pool;
use engine::time::{Span, Time};
use std::path::PathBuf;

/// One film being shown.
pub struct FramesShow {
    frames: Frames,
    files: Vec<PathBuf>,
    size: Size,
    rasterizer: Rasterizer,
    pool: Pool,
    /// Number of the picture shown last.
    shown: Option<usize>,
}

impl FramesShow {
    /// Nothing has been shown yet.
    ///
    /// # Errors
    /// What is wrong with the folder.
    pub fn open(frames: &Frames, size: Size) -> Result<FramesShow, String> {
        let files = numbered(&frames.folder).map_err(|error| error.to_string())?;
        Ok(FramesShow { frames: frames.clone(), files, size, rasterizer: Rasterizer::new(), pool: Pool::new(), shown: None })
    }

    /// The picture at a time in the slide; `None` when the one before is the same.
    ///
    /// # Errors
    /// Why it cannot be drawn. It is not tried again.
    pub fn frame(&mut self, at: Span) -> Result<Option<VideoFrame>, String> {
        let due = self.frames.rate.index_at(Time::ZERO + at.max(Span::ZERO)) as usize;
        let index = due.min(self.files.len() - 1);
        if self.shown.replace(index) == Some(index) {
            return Ok(None);
        }
        // The hash is not asked for when it is drawn.
        let visual = Visual::Image { path: self.files[index].clone(), hash: ContentHash::default() };
        let picture = self.rasterizer.draw(&visual, (self.size.width, self.size.height)).map_err(|error| error.to_string())?;
        let frame = rgba_to_i420(&picture.rgba, self.size, &self.pool).expect("the graph's size is even and the picture has it");
        Ok(Some(frame))
    }

    /// Another picture comes after this time.
    pub fn moves_after(&self, at: Span) -> bool {
        at < self.frames.length()
    }
}
