//! Rectangles of whole pixels.

use vello_cpu::kurbo::Rect;

/// Pixels `x0..x1`, `y0..y1`; empty when an end is not beyond its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// First column.
    pub x0: u16,
    /// First row.
    pub y0: u16,
    /// The column after the last.
    pub x1: u16,
    /// The row after the last.
    pub y1: u16,
}

impl Region {
    /// A whole picture.
    pub(super) fn whole(width: u16, height: u16) -> Region {
        Region { x0: 0, y0: 0, x1: width, y1: height }
    }

    /// The pixels that `rect` touches, and one more on each side for what antialiasing and interpolation reach, inside `frame`.
    pub(super) fn touched(rect: Rect, frame: Region) -> Region {
        let edge = |v: f64, low: u16, high: u16| v.clamp(f64::from(low), f64::from(high)) as u16;
        Region {
            x0: edge(rect.x0.floor() - 1.0, frame.x0, frame.x1),
            y0: edge(rect.y0.floor() - 1.0, frame.y0, frame.y1),
            x1: edge(rect.x1.ceil() + 1.0, frame.x0, frame.x1),
            y1: edge(rect.y1.ceil() + 1.0, frame.y0, frame.y1),
        }
    }

    /// The same pixels counted from `(x, y)`; those before it are cut off.
    pub(super) fn counted_from(&self, x: u16, y: u16) -> Region {
        Region {
            x0: self.x0.saturating_sub(x),
            y0: self.y0.saturating_sub(y),
            x1: self.x1.saturating_sub(x),
            y1: self.y1.saturating_sub(y),
        }
    }

    /// Whether it shares a pixel with `other`.
    pub(super) fn meets(&self, other: Region) -> bool {
        self.x0 < other.x1 && other.x0 < self.x1 && self.y0 < other.y1 && other.y0 < self.y1
    }

    /// Whether it holds no pixel.
    pub fn is_empty(&self) -> bool {
        self.x0 >= self.x1 || self.y0 >= self.y1
    }

    /// Number of pixels.
    pub fn area(&self) -> u32 {
        u32::from(self.x1.saturating_sub(self.x0)) * u32::from(self.y1.saturating_sub(self.y0))
    }
}
