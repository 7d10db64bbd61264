//! The setting `size: graph | keep` of sources of pictures.

use crate::pixels::{PixelError, fit, letterbox, scale_frame};
use engine::frame::{PixelFormat, Size, VideoFrame};
use engine::pool::Pool;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How large pictures from files become.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PictureSize {
    /// As large as they fit into the graph's size, proportions kept: opaque ones with black bars, cut-outs without any.
    #[default]
    Graph,
    /// As they are.
    Keep,
}

impl PictureSize {
    /// The size of what comes out of pictures of `source`.
    pub fn target(self, source: Size, format: PixelFormat, graph: Size) -> Size {
        match (self, format) {
            (PictureSize::Keep, _) => source,
            (PictureSize::Graph, PixelFormat::I420) => graph,
            (PictureSize::Graph, PixelFormat::A420) => {
                let rect = fit(source, graph);
                Size::new(rect.width, rect.height)
            }
        }
    }

    /// The frame at that size.
    pub fn apply(self, frame: VideoFrame, graph: Size, pool: &Pool) -> Result<VideoFrame, PixelError> {
        let target = self.target(frame.size(), frame.format(), graph);
        match frame.format() {
            PixelFormat::I420 => letterbox(&frame, target, pool),
            PixelFormat::A420 => scale_frame(&frame, target, pool),
        }
    }
}
