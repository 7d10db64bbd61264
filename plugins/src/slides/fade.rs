//! A slide coming in over the one before.

use engine::frame::{PixelFormat, VideoFrame};
use engine::pool::Pool;
use engine::time::{Span, Time};

/// The old picture turns into the new one.
pub struct Fade {
    /// The old one.
    pub from: VideoFrame,
    /// When it began.
    pub start: Time,
    /// How long it takes.
    pub length: Span,
}

impl Fade {
    /// The mean of both pictures at `time`, weighted by the time gone; 256 steps, rounded to nearest.
    pub fn frame(&self, to: &VideoFrame, time: Time, pool: &Pool) -> VideoFrame {
        let gone = (time - self.start).0.clamp(0, self.length.0);
        let weight = ((gone as i128 * 512 / i128::from(self.length.0) + 1) / 2) as u16;
        let mut frame = pool.blank(PixelFormat::I420, to.size());
        let pairs = self.from.picture.bytes().iter().zip(to.picture.bytes());
        for (mixed, (&from, &to)) in frame.bytes_mut().iter_mut().zip(pairs) {
            *mixed = ((u16::from(from) * (256 - weight) + u16::from(to) * weight + 128) >> 8) as u8;
        }
        frame.freeze()
    }
}
