//! Pictures: planar YUV frames, cheap to clone, written only through the pool.
//!
//! Colour is one decision for the whole program: BT.709, limited range, 8 bit, 4:2:0 with chroma sited left. `I420` is opaque,
//! `A420` carries a fourth plane of straight (not premultiplied) alpha at full size; colour is bled outward under it so that scaling
//! and chroma blending never pull in foreign colour. RGBA never crosses an edge.

use crate::pool::{Home, Still};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The two pixel formats that travel on edges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PixelFormat {
    /// Y, U, V; opaque.
    I420,
    /// Y, U, V and straight alpha at full size.
    A420,
}

/// Width and height in pixels; both even for every frame on an edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Size {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
}

/// A position in pixels relative to the top left corner; may lie outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Point {
    /// To the right.
    pub x: i32,
    /// Down.
    pub y: i32,
}

/// A rectangle in pixels. The default is empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Rect {
    /// Left edge.
    pub x: i32,
    /// Top edge.
    pub y: i32,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
}

impl Size {
    /// A size in pixels.
    pub const fn new(width: u32, height: u32) -> Size {
        Size { width, height }
    }

    /// The whole area, from the top left corner.
    pub const fn rect(self) -> Rect {
        Rect { x: 0, y: 0, width: self.width, height: self.height }
    }

    /// Both sides are even and not zero, as 4:2:0 needs.
    pub const fn is_even(self) -> bool {
        self.width > 0 && self.height > 0 && self.width.is_multiple_of(2) && self.height.is_multiple_of(2)
    }

    /// The number of pixels.
    pub const fn area(self) -> u64 {
        self.width as u64 * self.height as u64
    }
}

impl std::fmt::Display for Size {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}

impl Rect {
    /// A rectangle at `at` of `size`.
    pub const fn new(at: Point, size: Size) -> Rect {
        Rect { x: at.x, y: at.y, width: size.width, height: size.height }
    }

    /// The number of pixels.
    pub const fn area(self) -> u64 {
        self.width as u64 * self.height as u64
    }

    /// Nothing is inside.
    pub const fn is_empty(self) -> bool {
        self.width == 0 || self.height == 0
    }

    /// What both cover; empty when they do not meet.
    pub fn intersect(self, other: Rect) -> Rect {
        let (x0, y0) = (self.x.max(other.x), self.y.max(other.y));
        let x1 = (self.x + self.width as i32).min(other.x + other.width as i32);
        let y1 = (self.y + self.height as i32).min(other.y + other.height as i32);
        if x1 <= x0 || y1 <= y0 { Rect::default() } else { Rect { x: x0, y: y0, width: (x1 - x0) as u32, height: (y1 - y0) as u32 } }
    }

    /// The smallest rectangle around both.
    pub fn union(self, other: Rect) -> Rect {
        if self.is_empty() {
            return other;
        }
        if other.is_empty() {
            return self;
        }
        let (x0, y0) = (self.x.min(other.x), self.y.min(other.y));
        let x1 = (self.x + self.width as i32).max(other.x + other.width as i32);
        let y1 = (self.y + self.height as i32).max(other.y + other.height as i32);
        Rect { x: x0, y: y0, width: (x1 - x0) as u32, height: (y1 - y0) as u32 }
    }

    /// What of it is not in `hole`: above it, below it, left and right of it. All edges are even if those of both are.
    pub fn without(self, hole: Rect) -> [Rect; 4] {
        let hole = self.intersect(hole);
        if hole.is_empty() {
            return [self, Rect::default(), Rect::default(), Rect::default()];
        }
        let (right, bottom) = (self.x + self.width as i32, self.y + self.height as i32);
        let (hole_right, hole_bottom) = (hole.x + hole.width as i32, hole.y + hole.height as i32);
        [
            Rect { height: (hole.y - self.y) as u32, ..self },
            Rect { y: hole_bottom, height: (bottom - hole_bottom) as u32, ..self },
            Rect { width: (hole.x - self.x) as u32, y: hole.y, height: hole.height, ..self },
            Rect { x: hole_right, width: (right - hole_right) as u32, y: hole.y, height: hole.height },
        ]
    }

    /// Grown to even edges, so that it covers whole chroma samples.
    pub fn to_even(self) -> Rect {
        if self.is_empty() {
            return self;
        }
        let (x0, y0) = (self.x & !1, self.y & !1);
        let (x1, y1) = ((self.x + self.width as i32 + 1) & !1, (self.y + self.height as i32 + 1) & !1);
        Rect { x: x0, y: y0, width: (x1 - x0) as u32, height: (y1 - y0) as u32 }
    }
}

/// Rectangles that do not meet and cover all of these: those that meet become one.
pub fn apart(rects: impl IntoIterator<Item = Rect>) -> Vec<Rect> {
    let mut all: Vec<Rect> = Vec::new();
    for mut rect in rects.into_iter().filter(|rect| !rect.is_empty()) {
        // One that has grown may meet others.
        while let Some(met) = all.iter().position(|known| !known.intersect(rect).is_empty()) {
            rect = rect.union(all.swap_remove(met));
        }
        all.push(rect);
    }
    all
}

/// What of these rectangles lies in none of the others.
pub fn beyond(rects: impl IntoIterator<Item = Rect>, others: &[Rect]) -> Vec<Rect> {
    let seen = |rect: &Rect| !rect.is_empty();
    let rest = |rects: Vec<Rect>, other: &Rect| rects.into_iter().flat_map(|rect| rect.without(*other)).filter(seen).collect();
    others.iter().fold(rects.into_iter().filter(seen).collect(), rest)
}

/// Where the planes lie in one allocation. Equal to GStreamer's default layout of `I420` and `A420` (strides rounded up to 4), so a
/// frame is handed to an encoder without a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Layout {
    /// The format.
    pub format: PixelFormat,
    /// The size of the luma plane.
    pub size: Size,
}

impl Layout {
    /// How many planes there are: 3 or 4.
    pub const fn planes(self) -> usize {
        match self.format {
            PixelFormat::I420 => 3,
            PixelFormat::A420 => 4,
        }
    }

    /// Bytes from one row of plane `p` to the next.
    pub const fn stride(self, p: usize) -> usize {
        (self.plane_size(p).width as usize).next_multiple_of(4)
    }

    /// Size of plane `p` in samples: planes 1 and 2 are half in both directions.
    pub const fn plane_size(self, p: usize) -> Size {
        if p == 1 || p == 2 { Size { width: self.size.width.div_ceil(2), height: self.size.height.div_ceil(2) } } else { self.size }
    }

    /// Bytes of plane `p`.
    pub const fn plane_bytes(self, p: usize) -> usize {
        self.stride(p) * self.plane_size(p).height as usize
    }

    /// Where plane `p` begins.
    pub const fn offset(self, p: usize) -> usize {
        let mut offset = 0;
        let mut i = 0;
        while i < p {
            offset += self.plane_bytes(i);
            i += 1;
        }
        offset
    }

    /// Bytes of all planes.
    pub const fn bytes(self) -> usize {
        self.offset(self.planes())
    }
}

/// One plane to read.
#[derive(Clone, Copy)]
pub struct Plane<'a> {
    /// Rows of `stride` bytes.
    pub data: &'a [u8],
    /// Bytes from one row to the next.
    pub stride: usize,
    /// Samples that count in each row and rows.
    pub size: Size,
}

/// One plane to write.
pub struct PlaneMut<'a> {
    /// Rows of `stride` bytes, from the first sample of the rectangle asked for.
    pub data: &'a mut [u8],
    /// Bytes from one row to the next.
    pub stride: usize,
    /// Samples that may be written in each row and rows.
    pub size: Size,
}

/// The bytes of one picture. Goes back to its pool when the last frame that shows it is dropped.
pub struct Picture {
    pub(crate) data: Vec<u8>,
    pub(crate) layout: Layout,
    pub(crate) id: u64,
    pub(crate) history: History,
    pub(crate) home: Home,
}

/// What a recycled buffer still holds: `base` untouched except inside `drawn` and, where something `stands` on it, inside of that.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    pub(crate) base: Option<u64>,
    pub(crate) drawn: Drawn,
    /// What was drawn to stay when the buffer is used again.
    pub(crate) stands: Vec<Still>,
}

/// Where a picture was drawn on: a few rectangles that do not meet, so that a small layer in one corner and a presenter in another are
/// not as dear as all that lies between them.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Drawn([Rect; 8]);

impl Drawn {
    /// Adds a rectangle. Those that meet become one; what finds no place joins the one that grows least.
    pub(crate) fn add(&mut self, mut rect: Rect) {
        if rect.is_empty() {
            return;
        }
        // A rectangle that has grown may meet others.
        while let Some(met) = self.0.iter_mut().find(|known| !known.intersect(rect).is_empty()) {
            rect = rect.union(std::mem::take(met));
        }
        match self.0.iter_mut().find(|known| known.is_empty()) {
            Some(free) => *free = rect,
            None => {
                let growth = |known: &Rect| rect.union(*known).area().saturating_sub(known.area());
                let least = (0..self.0.len()).min_by_key(|&i| growth(&self.0[i])).unwrap_or(0);
                rect = rect.union(std::mem::take(&mut self.0[least]));
                self.add(rect);
            }
        }
    }

    /// The rectangles.
    pub(crate) fn rects(self) -> impl Iterator<Item = Rect> {
        self.0.into_iter().filter(|rect| !rect.is_empty())
    }
}

impl From<Rect> for Drawn {
    fn from(rect: Rect) -> Drawn {
        let mut drawn = Drawn::default();
        drawn.0[0] = rect;
        drawn
    }
}

pub(crate) static COPIES: AtomicU64 = AtomicU64::new(0);
pub(crate) static LAID: AtomicU64 = AtomicU64::new(0);

/// Whole pictures that this process copied though nothing in them was new: [`crate::pool::Pool::copies`] of all pools together.
pub fn copies() -> u64 {
    COPIES.load(Ordering::Relaxed)
}

/// Pictures laid into buffers to be drawn on, once for each buffer: [`crate::pool::Pool::laid`] of all pools together.
pub fn laid() -> u64 {
    LAID.load(Ordering::Relaxed)
}

static NEXT_PICTURE: AtomicU64 = AtomicU64::new(1);

impl Picture {
    pub(crate) fn new(data: Vec<u8>, layout: Layout, home: Home) -> Picture {
        debug_assert_eq!(data.len(), layout.bytes());
        Picture { data, layout, id: Picture::next_id(), history: History::default(), home }
    }

    pub(crate) fn next_id() -> u64 {
        NEXT_PICTURE.fetch_add(1, Ordering::Relaxed)
    }

    /// Identity of these pixels within the process; never part of any output.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Plane layout.
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// All planes in one piece, in the order of `Layout`.
    pub fn bytes(&self) -> &[u8] {
        &self.data
    }

    /// Plane `p` (0 Y, 1 U, 2 V, 3 alpha).
    pub fn plane(&self, p: usize) -> Plane<'_> {
        let (layout, start) = (self.layout, self.layout.offset(p));
        Plane { data: &self.data[start..start + layout.plane_bytes(p)], stride: layout.stride(p), size: layout.plane_size(p) }
    }
}

impl Drop for Picture {
    fn drop(&mut self) {
        let data = std::mem::take(&mut self.data);
        self.home.give_back(data, self.layout, self.id, std::mem::take(&mut self.history));
    }
}

/// A picture on an edge: a shared buffer and what it means. Cloning counts one reference.
#[derive(Clone)]
pub struct VideoFrame {
    /// The pixels.
    pub picture: Arc<Picture>,
    /// Where a layer wants to lie in the picture it is placed on; `None` for whole pictures.
    pub place: Option<Point>,
    /// Number of this frame among those its producer made.
    pub seq: u64,
    /// Only this rectangle differs from the producer's frame with that number. Holds for a consumer whose last frame was that one.
    pub damage: Option<(u64, Rect)>,
    /// Of a layer: outside of these rectangles of whole chroma samples it is transparent. `None`: it may be seen anywhere.
    pub parts: Option<Arc<[Rect]>>,
}

impl VideoFrame {
    /// A whole picture, all of it new.
    pub fn new(picture: Picture) -> VideoFrame {
        VideoFrame { picture: Arc::new(picture), place: None, seq: 0, damage: None, parts: None }
    }

    /// Its size in pixels.
    pub fn size(&self) -> Size {
        self.picture.layout.size
    }

    /// The rectangles in which something may be seen.
    pub fn parts(&self) -> impl Iterator<Item = Rect> {
        let whole = self.parts.is_none().then(|| self.size().rect());
        self.parts.iter().flat_map(|parts| parts.iter().copied()).chain(whole)
    }

    /// Its pixel format.
    pub fn format(&self) -> PixelFormat {
        self.picture.layout.format
    }
}

impl std::fmt::Debug for VideoFrame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "VideoFrame({:?} {}, seq {})", self.format(), self.size(), self.seq)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_in_no_other_is_found_once_however_many_others_there_are() {
        let whole = Rect { x: 0, y: 0, width: 60, height: 50 };
        let others: Vec<Rect> = (0..24).map(|n| Rect { x: n * 7 % 50, y: n * 11 % 40, width: 9, height: 6 }).collect();
        let rest = beyond([whole, Rect::default()], &others);
        assert!(rest.len() < 100, "{}", rest.len());
        for (x, y) in (0..50).flat_map(|y| (0..60).map(move |x| (x, y))) {
            let covers = |rects: &[Rect]| {
                let pixel = Rect { x, y, width: 1, height: 1 };
                rects.iter().filter(|rect| !rect.intersect(pixel).is_empty()).count()
            };
            assert_eq!(covers(&rest), usize::from(covers(&others) == 0), "{x}, {y}");
        }
    }
}
