//! Frame buffers that are used again.
//!
//! A buffer that comes back remembers which *base* picture it holds and which rectangle was drawn on top. Composing the next frame on
//! the same base therefore restores and redraws one rectangle instead of copying a whole picture, and restores only what will not be drawn
//! on anyway ([`Pool::around`]); of what stays on the base only that is drawn again which has changed ([`Pool::with`]). The pool recycles, it never blocks:
//! how many frames are about is decided by the inboxes.
//!
//! Whole copies are counted, because the difference cannot be seen from outside. A picture that comes from elsewhere has to be laid
//! once into each buffer that is about ([`Pool::laid`]); anything more is waste ([`Pool::copies`]): a picture of this very pool copied
//! to be drawn on again, or one laid more often than a pool keeps buffers.

use crate::frame::{COPIES, History, LAID, Layout, Picture, PixelFormat, PlaneMut, Rect, Size, VideoFrame, apart};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, Weak};

/// Buffers kept for use again; more than that are freed. An encoder that looks ahead holds some forty.
const KEEP: usize = 64;

struct Spare {
    data: Vec<u8>,
    layout: Layout,
    /// The picture that it held.
    id: u64,
    history: History,
}

#[derive(Default)]
struct Stock {
    spares: Vec<Spare>,
    /// The picture laid last, and how often.
    base: u64,
    times: usize,
    laid: u64,
    copies: u64,
}

type Shelf = Mutex<Stock>;

/// Where a buffer goes when nobody shows it any more.
pub(crate) struct Home(Weak<Shelf>);

impl Home {
    pub(crate) fn give_back(&self, data: Vec<u8>, layout: Layout, id: u64, history: History) {
        if let Some(shelf) = self.0.upgrade()
            && let Ok(mut stock) = shelf.lock()
            && stock.spares.len() < KEEP
        {
            stock.spares.push(Spare { data, layout, id, history });
        }
    }
}

/// Something that stays on a picture from frame to frame.
#[derive(Clone, Debug)]
pub struct Still {
    /// Whose it is and how it lies: things of one pose may be versions of each other.
    pub pose: u64,
    /// Its version: what has this name and pose is drawn alike on one base.
    pub what: u64,
    /// All that is drawn of it lies in here: rectangles with even edges that do not meet.
    pub area: Vec<Rect>,
}

impl Still {
    fn within(&self, rects: &[Rect]) -> impl Iterator<Item = Rect> {
        let pairs = self.area.iter().flat_map(move |part| rects.iter().map(move |rect| part.intersect(*rect)));
        pairs.filter(|common| !common.is_empty())
    }
}

/// A pool of frame buffers; cloning shares it.
#[derive(Clone, Default)]
pub struct Pool {
    shelf: Arc<Shelf>,
}

impl Pool {
    /// An empty pool.
    pub fn new() -> Pool {
        Pool::default()
    }

    /// A buffer to fill whole. Its content is whatever was there; the caller writes all of it.
    pub fn blank(&self, format: PixelFormat, size: Size) -> FrameMut {
        let layout = Layout { format, size };
        let data = self.find(layout, None, &[]).map_or_else(|| vec![0; layout.bytes()], |spare| spare.data);
        FrameMut { picture: Picture::new(data, layout, Home(Arc::downgrade(&self.shelf))) }
    }

    /// A black picture (BT.709 limited range); transparent when the format has alpha.
    pub fn black(&self, format: PixelFormat, size: Size) -> FrameMut {
        let layout = Layout { format, size };
        let (mut data, is_new) = self.find(layout, None, &[]).map_or_else(|| (vec![0; layout.bytes()], true), |spare| (spare.data, false));
        let (colour, alpha) = data.split_at_mut(layout.offset(3));
        let (luma, chroma) = colour.split_at_mut(layout.offset(1));
        luma.fill(16);
        chroma.fill(128);
        // New memory is zero already, and what nobody has written to is not there yet.
        if !is_new {
            alpha.fill(0);
        }
        let mut frame = FrameMut { picture: Picture::new(data, layout, Home(Arc::downgrade(&self.shelf))) };
        frame.picture.history.drawn = size.rect().into();
        frame
    }

    /// A buffer to draw on that still shows an earlier picture of this pool: the newest one that nobody shows any more, with its id.
    /// `None` where there is none.
    ///
    /// For a producer that knows what has changed since that picture. It declares nothing about the base.
    pub fn again(&self, format: PixelFormat, size: Size) -> Option<(FrameMut, u64)> {
        let layout = Layout { format, size };
        let mut stock = self.shelf.lock().ok()?;
        let fitting = stock.spares.iter().enumerate().filter(|(_, spare)| spare.layout == layout);
        let (index, _) = fitting.max_by_key(|(_, spare)| spare.id)?;
        let spare = stock.spares.remove(index);
        drop(stock);
        Some((FrameMut { picture: Picture::new(spare.data, layout, Home(Arc::downgrade(&self.shelf))) }, spare.id))
    }

    /// A buffer that shows `base`, to be drawn on. Only what an earlier user drew is copied again when a buffer with this base is spare.
    pub fn on(&self, base: &VideoFrame) -> FrameMut {
        self.around(base, Rect::default())
    }

    /// The same for someone who writes all of `rect` (grown to even edges) anyway: inside it the content is whatever was there.
    pub fn around(&self, base: &VideoFrame, rect: Rect) -> FrameMut {
        self.taken(base, &[], rect, |_, _| None).0
    }

    /// The same with things on the base that stay from frame to frame, the first one at the back. `draw` draws the one with that index, in
    /// these rectangles only: those that the buffer does not show since it was used last. `changed` says where the one with that index
    /// differs from an earlier version of it, if that is known. They lie outside of `rect` and of all that is drawn later.
    pub fn with(
        &self,
        base: &VideoFrame,
        still: &[Still],
        rect: Rect,
        changed: impl Fn(usize, u64) -> Option<Vec<Rect>>,
        mut draw: impl FnMut(&mut FrameMut, usize, &[Rect]),
    ) -> FrameMut {
        let (mut frame, lacking) = self.taken(base, still, rect, changed);
        let drawn = frame.picture.history.drawn;
        for (index, one) in still.iter().enumerate() {
            let parts: Vec<Rect> = one.within(&lacking).collect();
            if !parts.is_empty() {
                draw(&mut frame, index, &parts);
            }
        }
        let history = &mut frame.picture.history;
        (history.drawn, history.stands) = (drawn, still.to_vec());
        frame
    }

    /// A buffer that shows `base` outside of `rect`, and where it lacks `still`; elsewhere it shows it.
    fn taken(
        &self,
        base: &VideoFrame,
        still: &[Still],
        rect: Rect,
        changed: impl Fn(usize, u64) -> Option<Vec<Rect>>,
    ) -> (FrameMut, Vec<Rect>) {
        let source = &base.picture;
        let (layout, whole) = (source.layout(), base.size().rect());
        let rect = rect.to_even().intersect(whole);
        let home = Home(Arc::downgrade(&self.shelf));
        let (mut picture, lacking) = match self.find(layout, Some(source.id()), still) {
            Some(spare) if spare.history.base == Some(source.id()) => {
                let mut picture = Picture::new(spare.data, layout, home);
                let lacking = lacking(&spare.history, still, changed).into_iter().map(|rect| rect.intersect(whole)).collect::<Vec<_>>();
                lacking.iter().flat_map(|lacking| lacking.without(rect)).for_each(|strip| restore(&mut picture, source, strip));
                (picture, lacking)
            }
            Some(mut spare) => {
                self.count(source);
                spare.data.copy_from_slice(source.bytes());
                (Picture::new(spare.data, layout, home), vec![whole])
            }
            None => {
                self.count(source);
                (Picture::new(source.bytes().to_vec(), layout, home), vec![whole])
            }
        };
        picture.history = History { base: Some(source.id()), drawn: rect.into(), stands: Vec::new() };
        (FrameMut { picture }, lacking)
    }

    /// Pictures from elsewhere that were copied whole, once for each buffer that shows them.
    pub fn laid(&self) -> u64 {
        self.shelf.lock().map_or(0, |stock| stock.laid)
    }

    /// Pictures that were copied whole though there was no need.
    pub fn copies(&self) -> u64 {
        self.shelf.lock().map_or(0, |stock| stock.copies)
    }

    /// Notes that `source` is copied whole.
    fn count(&self, source: &Picture) {
        let Ok(mut stock) = self.shelf.lock() else { return };
        stock.times = if stock.base == source.id() { stock.times + 1 } else { 1 };
        stock.base = source.id();
        let own = std::ptr::eq(source.home.0.as_ptr(), Arc::as_ptr(&self.shelf));
        if own || stock.times > KEEP {
            stock.copies += 1;
            COPIES.fetch_add(1, Ordering::Relaxed);
        } else {
            stock.laid += 1;
            LAID.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A spare buffer of this layout, if there is one that holds `base` and just what stands on it, else one that holds it; of several the
    /// one that came back last, which the processor's caches may still hold.
    fn find(&self, layout: Layout, base: Option<u64>, still: &[Still]) -> Option<Spare> {
        let spares = &mut self.shelf.lock().ok()?.spares;
        let fits = |spare: &Spare| spare.layout == layout;
        let same = |spare: &Spare| fits(spare) && base.is_some() && spare.history.base == base;
        let stands = |spare: &Spare| {
            let stood = &spare.history.stands;
            let alike = |(known, one): (&Still, &Still)| (known.pose, known.what) == (one.pose, one.what);
            same(spare) && stood.len() == still.len() && stood.iter().zip(still).all(alike)
        };
        let index = spares.iter().rposition(stands).or_else(|| spares.iter().rposition(same)).or_else(|| spares.iter().rposition(fits))?;
        Some(spares.remove(index))
    }
}

/// Where a buffer with this history does not show its base with `still` on it; rectangles that do not meet.
fn lacking(history: &History, still: &[Still], changed: impl Fn(usize, u64) -> Option<Vec<Rect>>) -> Vec<Rect> {
    let mut lacking: Vec<Rect> = history.drawn.rects().collect();
    for stood in &history.stands {
        if !still.iter().any(|one| one.pose == stood.pose) {
            lacking.extend(&stood.area);
        }
    }
    for (index, one) in still.iter().enumerate() {
        match history.stands.iter().find(|stood| stood.pose == one.pose) {
            None => lacking.extend(&one.area),
            Some(stood) if stood.what == one.what => {}
            Some(stood) => {
                let differs = changed(index, stood.what).map(|rects| rects.into_iter().map(Rect::to_even).collect::<Vec<_>>());
                let both = [stood, one].into_iter();
                match differs {
                    Some(rects) => both.for_each(|still| lacking.extend(still.within(&rects))),
                    None => both.for_each(|still| lacking.extend(&still.area)),
                }
            }
        }
    }
    apart(lacking)
}

fn restore(picture: &mut Picture, base: &Picture, rect: Rect) {
    for p in 0..picture.layout.planes() {
        let source = base.plane(p);
        let (area, stride) = (plane_rect(rect, p), source.stride);
        let width = area.width as usize;
        let start = picture.layout.offset(p);
        for row in 0..area.height as usize {
            let at = (area.y as usize + row) * stride + area.x as usize;
            picture.data[start + at..start + at + width].copy_from_slice(&source.data[at..at + width]);
        }
    }
}

/// An even luma rectangle in the samples of plane `p`.
fn plane_rect(rect: Rect, p: usize) -> Rect {
    if p == 1 || p == 2 { Rect { x: rect.x / 2, y: rect.y / 2, width: rect.width / 2, height: rect.height / 2 } } else { rect }
}

/// A frame being made. Whatever changes its pixels remembers where.
pub struct FrameMut {
    picture: Picture,
}

impl FrameMut {
    /// Its size in pixels.
    pub fn size(&self) -> Size {
        self.picture.layout.size
    }

    /// The planes inside `rect` (grown to even edges, clipped to the frame), to write: Y, U, V and, for `A420`, alpha. The rectangle
    /// used is returned first.
    pub fn draw(&mut self, rect: Rect) -> (Rect, [Option<PlaneMut<'_>>; 4]) {
        let layout = self.picture.layout;
        let whole = Size::new(layout.size.width, layout.size.height).rect();
        let rect = rect.to_even().intersect(whole);
        self.picture.history.drawn.add(rect);
        let mut planes = [None, None, None, None];
        let mut rest: &mut [u8] = &mut self.picture.data;
        for (p, slot) in planes.iter_mut().enumerate().take(layout.planes()) {
            let (plane, tail) = rest.split_at_mut(layout.plane_bytes(p));
            rest = tail;
            let area = plane_rect(rect, p);
            let start = if rect.is_empty() { 0 } else { area.y as usize * layout.stride(p) + area.x as usize };
            *slot = Some(PlaneMut { data: &mut plane[start..], stride: layout.stride(p), size: Size::new(area.width, area.height) });
        }
        (rect, planes)
    }

    /// Black (BT.709 limited range) inside `rect` (grown to even edges, clipped to the frame); transparent when the format has alpha.
    pub fn clear(&mut self, rect: Rect) {
        let (_, planes) = self.draw(rect);
        for (plane, level) in planes.into_iter().flatten().zip([16, 128, 128, 0]) {
            let (width, rows) = (plane.size.width as usize, plane.size.height as usize);
            plane.data.chunks_mut(plane.stride).take(rows).for_each(|row| row[..width].fill(level));
        }
    }

    /// Shows what `source` shows inside `rect` (grown to even edges, clipped to the frame).
    ///
    /// # Panics
    /// When `source` has another layout.
    pub fn copy(&mut self, source: &Picture, rect: Rect) {
        assert_eq!(source.layout(), self.picture.layout, "a picture of another layout cannot be copied from");
        let rect = rect.to_even().intersect(self.size().rect());
        self.picture.history.drawn.add(rect);
        restore(&mut self.picture, source, rect);
    }

    /// All planes, to write whole, in the order of `Layout`.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        self.picture.history.drawn = self.picture.layout.size.rect().into();
        &mut self.picture.data
    }

    /// The layout of the planes in `bytes_mut`.
    pub fn layout(&self) -> Layout {
        self.picture.layout
    }

    /// Done: the picture can be shown, and not written any more.
    pub fn freeze(self) -> VideoFrame {
        VideoFrame::new(self.picture)
    }
}

#[cfg(test)]
#[path = "pool_tests.rs"]
mod tests;
