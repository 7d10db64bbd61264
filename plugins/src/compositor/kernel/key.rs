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
use crate::pixels::simd::prefetch;
use compose::{Row, chroma, lumas};
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

/// Rows of luma between the one drawn and the one asked for from memory.
const AHEAD: usize = 6;

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
    /// Working memory: what runs of one row of luma consist of.
    luma_runs: Vec<Kind>,
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

/// Per sample of a run, 0 to 255 for 0 to 1: alpha, which is how much the picture below is hidden; the gain, a factor on the sample; and
/// how much of the key's light is to be taken out.
type Cell = [[u8; RUN]; 3];

/// The maps where nothing is mixed.
const CLEAR: Cell = [[0; RUN]; 3];
const WHOLE: Cell = [[255; RUN], [255; RUN], [0; RUN]];

/// What is decided on the chroma samples of the rectangle drawn.
#[derive(Default)]
struct Maps {
    /// Runs in a row. The maps have one more, which repeats the last sample.
    width: usize,
    /// What each run of each row consists of.
    runs: Vec<Kind>,
    /// Holds for mixed runs only.
    cells: Vec<Cell>,
    /// One row of samples: their classes (see [`classify`]).
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
        Keyer { key, maps: Maps::default(), surround: Surround::default(), luma_runs: Vec::new() }
    }

    /// A picture that shows the `I420` picture `base` and over it `layer` (its Y, U and V) with its top left corner at `at`, and the
    /// rectangle drawn, which is the smaller the more of the layer's edge is screen. `take` gives the buffer, which shows the base outside
    /// of a rectangle that is written here.
    pub fn over(&mut self, base: &VideoFrame, layer: &VideoFrame, at: Point, take: impl FnOnce(Rect) -> FrameMut) -> (FrameMut, Rect) {
        let (rect, left, top) = meet(base.size(), layer.size(), at);
        if rect.is_empty() {
            return (take(rect), rect);
        }
        let (cells, rows) = (rect.width as usize / 2, rect.height as usize / 2);
        self.decide(part(layer, 1, left, top), part(layer, 2, left, top), cells, rows);
        let Some(Shown { rows: shown, runs }) = self.maps.shown() else { return (take(Rect::default()), Rect::default()) };

        // Only what the subject reaches is written, and restored when the buffer is used again.
        let (x, y) = (runs.start * 2 * RUN, shown.start * 2);
        let size = Size::new(((runs.end * 2 * RUN).min(2 * cells) - x) as u32, (shown.len() * 2) as u32);
        let rect = Rect::new(Point { x: rect.x + x as i32, y: rect.y + y as i32 }, size);
        let above = [0, 1, 2].map(|p| part(layer, p, left + x, top + y));
        let below = [0, 1, 2].map(|p| part(base, p, rect.x as usize, rect.y as usize));
        let mut picture = take(rect);
        let (_, [y_out, u_out, v_out, _]) = picture.draw(rect);
        let (Some(y_out), Some(mut u_out), Some(mut v_out)) = (y_out, u_out, v_out) else { unreachable!("every format has three planes") };
        let cells = size.width as usize / 2;
        self.luma_runs.resize(runs.len(), MIXED);
        for (y, row) in shown.enumerate() {
            let own = self.maps.row(row, &runs);
            for (p, out, key) in [(1, &mut u_out, self.key.u), (2, &mut v_out, self.key.v)] {
                let (below, above) = (&below[p].data[y * below[p].stride..][..cells], &above[p].data[y * above[p].stride..][..cells]);
                chroma(&mut out.data[y * out.stride..][..cells], below, above, own, key);
            }
            for (line, other) in [(2 * y, row.saturating_sub(1)), (2 * y + 1, (row + 1).min(rows - 1))] {
                let out = &mut y_out.data[line * y_out.stride..][..cells * 2];
                let below = &below[0].data[line * below[0].stride..][..cells * 2];
                let top = &above[0].data[line * above[0].stride..][..cells * 2];
                let ahead = above[0].data.get((line + AHEAD) * above[0].stride..).unwrap_or_default();
                lumas(out, below, top, ahead, own, self.maps.row(other, &runs), &mut self.luma_runs, self.key.luma);
            }
        }
        (picture, rect)
    }

    /// Fills the maps: first what is plainly screen and plainly not, then, near the screen, what each sample is made of.
    fn decide(&mut self, u: Plane<'_>, v: Plane<'_>, cells: usize, rows: usize) {
        let Keyer { key, maps, surround, .. } = self;
        maps.resize(cells, rows);
        let (width, runs) = (maps.width, maps.width + 1);
        surround.reset(width, rows.div_ceil(RUN));
        for y in 0..rows {
            for x in (0..cells).step_by(64) {
                prefetch(u.data, (y + AHEAD) * u.stride + x);
                prefetch(v.data, (y + AHEAD) * v.stride + x);
            }
            let (u, v) = (&u.data[y * u.stride..][..cells], &v.data[y * v.stride..][..cells]);
            classify(key, u, v, &mut maps.class[..cells]);
            let last = maps.class[cells - 1];
            maps.class[cells..].fill(last);
            surround.gather(y, u, v, &maps.class, &mut maps.runs[y * runs..][..width]);
        }
        surround.settle(key);
        for y in 0..rows {
            let (u, v) = (&u.data[y * u.stride..][..cells], &v.data[y * v.stride..][..cells]);
            let row = y * runs..(y + 1) * runs;
            decide_row(key, u, v, surround.line(y), &mut maps.cells[row.clone()], &mut maps.runs[row]);
        }
    }
}

impl Maps {
    fn resize(&mut self, cells: usize, rows: usize) {
        self.width = cells.div_ceil(RUN);
        self.class.resize(self.width * RUN, 0);
        self.cells.resize((self.width + 1) * rows, CLEAR);
        self.runs.resize((self.width + 1) * rows, SCREEN);
    }

    fn row(&self, y: usize, runs: &Range<usize>) -> Row<'_> {
        let row = y * (self.width + 1);
        let span = row + runs.start..=row + runs.end;
        Row { runs: &self.runs[span.clone()], cells: &self.cells[span] }
    }

    /// The rows and runs around all that is not screen, and one more on each side, since luma lies between samples; `None` when
    /// there is nothing but screen.
    fn shown(&self) -> Option<Shown> {
        let count = self.width;
        let (mut shown, mut columns) = (0..0, vec![0; count]);
        for (y, row) in self.runs.chunks_exact(count + 1).enumerate() {
            let mut any = 0;
            for (column, kind) in columns.iter_mut().zip(row) {
                *column |= kind;
                any |= kind;
            }
            if any & SUBJECT != 0 {
                shown = if shown.is_empty() { y..y + 1 } else { shown.start..y + 1 };
            }
        }
        let not_screen = |kind: &Kind| kind & SUBJECT != 0;
        let (first, last) = (columns.iter().position(not_screen)?, columns.iter().rposition(not_screen)?);
        let wider = |range: Range<usize>, end: usize| range.start.saturating_sub(1)..(range.end + 1).min(end);
        Some(Shown { rows: wider(shown, self.runs.len() / (count + 1)), runs: wider(first..last + 1, count) })
    }
}

/// Plane `p` of a picture from an even point of luma on.
fn part(frame: &VideoFrame, p: usize, left: usize, top: usize) -> Plane<'_> {
    let plane = frame.picture.plane(p);
    let (x, y) = if p == 0 { (left, top) } else { (left / 2, top / 2) };
    Plane { data: &plane.data[y * plane.stride + x..], ..plane }
}

/// Which rows of samples and which of their runs are to be drawn.
struct Shown {
    rows: Range<usize>,
    runs: Range<usize>,
}

/// The samples of run `r` of a row; the last one is repeated where the row ends within the run.
#[inline(always)]
fn run_of(row: &[u8], r: usize) -> [u8; RUN] {
    let row = &row[r * RUN..];
    if let Some(run) = row.first_chunk() {
        return *run;
    }
    let mut run = [row[row.len() - 1]; RUN];
    run[..row.len()].copy_from_slice(row);
    run
}
