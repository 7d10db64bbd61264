//! A layer filmed or drawn in front of a coloured screen over an opaque picture.
//!
//! What is screen is decided by the distance of a chroma sample's colour from the key's, with the meaning of ffmpeg's `chromakey` filter.
//! Near the screen a sample is taken for what optics made it: a sum of subject and screen. Which part is screen follows from the
//! subject's colour thereabouts ([`surround`]): the sample lies on the line from that colour to the key's, and how far along says it.
//! That part of the key is taken out of all three planes and replaced by the picture, so no rim of the screen's colour is left; the
//! inside of the subject is copied as it is. Luma uses the same values, interpolated linearly to its own grid ([`compose`]).
//!
//! Limits: strands narrower than a chroma sample (two pixels) come out darker or lighter than they are; where several colours of the
//! subject meet at the screen, the colour thereabouts is none of them, and the more cautious rule of [`mix`] decides.

mod compose;
mod mix;
mod surround;

use super::meet;
use compose::{Rows, chroma, lumas};
use engine::frame::{Plane, Point, Rect, Size, VideoFrame};
use engine::pool::FrameMut;
use mix::decide_row;
use std::ops::Range;
use surround::{Surround, classify};

/// What counts as screen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Key {
    /// Y, U and V of the screen.
    pub color: [u8; 3],
    /// Distance in the UV plane up to which a sample is screen, as part of the plane's diagonal (255 times the root of 2): 0.01 to 1.
    pub similarity: f32,
    /// Distance over which a sample turns from screen to subject beyond that, in the same measure: 0 (a hard edge) to 1.
    pub smoothness: f32,
    /// How much of the screen's light is taken out of the edges: 0 (none: plain alpha) to 1 (all).
    pub spill: f32,
}

impl Default for Key {
    /// Pure green (0, 255, 0).
    fn default() -> Key {
        Key { color: [173, 42, 26], similarity: 0.08, smoothness: 0.1, spill: 1.0 }
    }
}

/// Chroma samples decided on together: runs of screen are skipped, runs of subject copied. Also the side of a block of samples that
/// share what is known of their surroundings.
const RUN: usize = 8;

/// What a run of samples, or a luma run between several of them, consists of. Joining kinds is `or`: screen and subject are mixed.
type Kind = u8;
const SCREEN: Kind = 1;
const SUBJECT: Kind = 2;
const MIXED: Kind = 3;

/// Keys layers in front of one kind of screen; keeps its working memory.
pub struct Keyer {
    key: Constants,
    maps: Maps,
    surround: Surround,
}

/// The key, ready for the loops. Levels are counted from black and from grey.
#[derive(Clone, Copy)]
struct Constants {
    luma: f32,
    u: f32,
    v: f32,
    /// Distance at which alpha begins to rise, in levels, and alpha (0 to 1) per level from there.
    start: f32,
    slope: f32,
    /// Squares of distances: up to the first a sample is screen, from the second on it is not.
    screen: u16,
    subject: u16,
    /// 1 / length squared of (u, v); zero for a grey key.
    along: f32,
    spill: f32,
}

/// One value per chroma sample of the rectangle drawn, 0 to 255 for 0 to 1, in rows of whole runs and one sample more: the last one is
/// repeated.
#[derive(Default)]
struct Maps {
    /// Samples of whole runs in a row, and values in a row of the maps.
    width: usize,
    stride: usize,
    /// How much the picture below is hidden.
    alpha: Vec<u8>,
    /// Factor on the sample.
    gain: Vec<u8>,
    /// The key's light to be taken out.
    remove: Vec<u8>,
    /// What each run of each row consists of.
    runs: Vec<Kind>,
    /// What runs of one row of luma consist of.
    luma_runs: Vec<Kind>,
    /// One row: 0 where a sample is screen by its distance, 255 where it is not, between them 1.
    class: Vec<u8>,
}

impl Keyer {
    /// A keyer for this key; values out of range are clipped.
    pub fn new(key: Key) -> Keyer {
        let [luma, u, v] = key.color.map(f32::from);
        let (u, v) = (u - 128.0, v - 128.0);
        let diagonal = 255.0 * std::f32::consts::SQRT_2;
        let square = u * u + v * v;
        let start = key.similarity.clamp(0.0, 1.0) * diagonal;
        // A hard edge is a tenth of a level wide.
        let width = (key.smoothness.clamp(0.0, 1.0) * diagonal).max(0.1);
        let key = Constants {
            luma: luma - 16.0,
            u,
            v,
            start,
            slope: 1.0 / width,
            screen: (start * start) as u16,
            subject: ((start + width) * (start + width)).ceil() as u16,
            along: if square > 0.0 { 1.0 / square } else { 0.0 },
            spill: key.spill.clamp(0.0, 1.0),
        };
        Keyer { key, maps: Maps::default(), surround: Surround::default() }
    }

    /// Draws `layer` (its Y, U and V) with its top left corner at `at` over the `I420` picture. Returns the rectangle that it may have
    /// changed, which is the smaller the more of the layer's edge is screen.
    pub fn blend(&mut self, picture: &mut FrameMut, layer: &VideoFrame, at: Point) -> Rect {
        let (rect, left, top) = meet(picture.size(), layer.size(), at);
        if rect.is_empty() {
            return rect;
        }
        let part = |p: usize, left: usize, top: usize| {
            let plane = layer.picture.plane(p);
            let (x, y) = if p == 0 { (left, top) } else { (left / 2, top / 2) };
            Plane { data: &plane.data[y * plane.stride + x..], ..plane }
        };
        let (cells, rows) = (rect.width as usize / 2, rect.height as usize / 2);
        self.decide(part(1, left, top), part(2, left, top), cells, rows);
        let Some(Shown { rows: shown, runs }) = self.maps.shown() else { return Rect::default() };

        // Only what the subject reaches is written, and restored when the buffer is used again.
        let (x, y) = (runs.start * 2 * RUN, shown.start * 2);
        let size = Size::new(((runs.end * 2 * RUN).min(2 * cells) - x) as u32, (shown.len() * 2) as u32);
        let rect = Rect::new(Point { x: rect.x + x as i32, y: rect.y + y as i32 }, size);
        let [luma, u, v] = [0, 1, 2].map(|p| part(p, left + x, top + y));
        let (_, [y_out, u_out, v_out, _]) = picture.draw(rect);
        let (Some(y_out), Some(mut u_out), Some(mut v_out)) = (y_out, u_out, v_out) else { unreachable!("every format has three planes") };
        let (cells, mut kinds) = (size.width as usize / 2, std::mem::take(&mut self.maps.luma_runs));
        for (y, row) in shown.enumerate() {
            let own = self.maps.row(row, &runs);
            for (source, target, key) in [(&u, &mut u_out, self.key.u), (&v, &mut v_out, self.key.v)] {
                chroma(&mut target.data[y * target.stride..][..cells], &source.data[y * source.stride..][..cells], own, key);
            }
            for (line, other) in [(2 * y, row.saturating_sub(1)), (2 * y + 1, (row + 1).min(rows - 1))] {
                let below = &mut y_out.data[line * y_out.stride..][..cells * 2];
                let above = &luma.data[line * luma.stride..][..cells * 2];
                lumas(below, above, own, self.maps.row(other, &runs), &mut kinds[..runs.len()], self.key.luma);
            }
        }
        self.maps.luma_runs = kinds;
        rect
    }

    /// Fills the maps: first what is plainly screen and plainly not, then, near the screen, what each sample is made of.
    fn decide(&mut self, u: Plane<'_>, v: Plane<'_>, cells: usize, rows: usize) {
        let Keyer { key, maps, surround } = self;
        maps.resize(cells, rows);
        let runs = maps.width / RUN;
        surround.reset(runs, rows.div_ceil(RUN));
        for y in 0..rows {
            let (u, v) = (&u.data[y * u.stride..][..cells], &v.data[y * v.stride..][..cells]);
            classify(key, u, v, &mut maps.class[..cells]);
            let last = maps.class[cells - 1];
            maps.class[cells..].fill(last);
            surround.gather(y / RUN, u, v, &maps.class, &mut maps.runs[y * runs..][..runs]);
        }
        surround.settle(key);
        for y in 0..rows {
            let span = y * maps.stride..(y + 1) * maps.stride;
            decide_row(
                key,
                &u.data[y * u.stride..][..cells],
                &v.data[y * v.stride..][..cells],
                surround.line(y),
                &mut maps.alpha[span.clone()],
                &mut maps.gain[span.clone()],
                &mut maps.remove[span],
                &mut maps.runs[y * runs..][..runs],
            );
        }
    }
}

impl Maps {
    fn resize(&mut self, cells: usize, rows: usize) {
        self.width = cells.next_multiple_of(RUN);
        self.stride = self.width + 1;
        for map in [&mut self.alpha, &mut self.gain, &mut self.remove] {
            map.resize(self.stride * rows, 0);
        }
        self.class.resize(self.width, 0);
        self.runs.resize(self.width / RUN * rows, MIXED);
        self.luma_runs.resize(self.width / RUN, MIXED);
    }

    fn row(&self, y: usize, runs: &Range<usize>) -> Rows<'_> {
        let row = y * (self.width / RUN);
        let span = y * self.stride + runs.start * RUN..y * self.stride + runs.end * RUN + 1;
        Rows {
            alpha: &self.alpha[span.clone()],
            gain: &self.gain[span.clone()],
            remove: &self.remove[span],
            runs: &self.runs[row + runs.start..row + runs.end],
        }
    }

    /// The rows and runs around all that is not screen, and one more on each side, since luma lies between samples; `None` when
    /// there is nothing but screen.
    fn shown(&self) -> Option<Shown> {
        let count = self.width / RUN;
        let mut shown: Option<Shown> = None;
        for (y, row) in self.runs.chunks_exact(count).enumerate() {
            let Some(first) = row.iter().position(|&kind| kind != SCREEN) else { continue };
            let last = row.iter().rposition(|&kind| kind != SCREEN).unwrap_or(first);
            let Shown { rows, runs } = shown.get_or_insert(Shown { rows: y..y, runs: first..last });
            rows.end = y + 1;
            (runs.start, runs.end) = (runs.start.min(first), runs.end.max(last + 1));
        }
        let wider = |range: Range<usize>, end: usize| range.start.saturating_sub(1)..(range.end + 1).min(end);
        shown.map(|Shown { rows, runs }| Shown { rows: wider(rows, self.runs.len() / count), runs: wider(runs, count) })
    }
}

/// Which rows of samples and which of their runs are to be drawn.
struct Shown {
    rows: Range<usize>,
    runs: Range<usize>,
}

/// The samples of run `r` of a row; the last one is repeated where the row ends within the run.
#[inline(always)]
fn run_of(row: &[u8], r: usize) -> [u8; RUN] {
    match row.get(r * RUN..(r + 1) * RUN).and_then(|run| run.try_into().ok()) {
        Some(run) => run,
        None => std::array::from_fn(|i| row[(r * RUN + i).min(row.len() - 1)]),
    }
}
