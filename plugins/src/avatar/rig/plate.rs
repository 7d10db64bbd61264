//! Plates: parts of the figure that never change shape, drawn once and laid down warped.
//!
//! The heads of the built-in presenters carry hundreds of strands of hair; drawing them as paths costs more than all the rest. A
//! plate holds such a part at twice the resolution, each sample averaged over a full output pixel: at whole-pixel shifts it gives
//! exactly what the paths would, between them it is softer by less than a quarter of a pixel, and no strand flickers while it
//! moves, because every sample of the figure weighs the same at every phase.

use vello_cpu::Pixmap;
use vello_cpu::color::PremulRgba8;
use vello_cpu::kurbo::{Affine, Point, Rect};

use super::kernel::{self, FRACTION, Line};
use super::region::Region;

/// Side of a cell, in samples: what a plate knows about itself it knows per cell.
const CELL: usize = 8;
/// Samples across and down that fixed-point positions can reach.
const MAX_SIDE: f64 = 32_000.0;
/// Pixels between two looks at the cells. Their samples reach into neighbouring cells at most.
const STRIDE: usize = 8;
/// One sample in the units of [`Line`].
const STEP_OF_ONE: i32 = 1 << FRACTION;
const ONE: f64 = (1 << FRACTION) as f64;

/// A picture of part of a layer.
pub(super) struct Plate {
    /// Samples, premultiplied RGBA as little-endian words, with an empty border of at least two samples.
    samples: Vec<u32>,
    width: usize,
    height: usize,
    /// Layer units -> sample index (the centre of sample 0 is at 0).
    at: Affine,
    /// One flag per cell: something that may be seen is drawn in it or next to it.
    lit: Vec<bool>,
    /// Samples per pixel across: 1 for plates that are only stretched up and down, else 2.
    across: u32,
}

/// Samples around the drawing on each side: the interpolation reads one beyond, the average takes one.
const BORDER: f64 = 3.0;

/// How a plate is sampled.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sampling {
    /// Layer units -> pixels of the drawing that [`Plate::new`] gets.
    pub at: Affine,
    /// Size of that drawing.
    pub size: (u16, u16),
    across: u32,
}

impl Sampling {
    /// For a part that covers `bounds` (layer units), shown at `scale` pixels per unit. `origin_x` is where the frame starts.
    /// `still_across`: the part never moves sideways.
    /// `None`: larger than a picture can be.
    pub fn new(bounds: Rect, scale: f64, origin_x: f64, still_across: bool) -> Option<Sampling> {
        let across = if still_across { 1 } else { 2 };
        let (fine_x, fine_y) = (scale * f64::from(across), scale * 2.0);
        // On the pixel grid of the frame, so that a part that does not move sideways needs no interpolation.
        let left = ((bounds.x0 - origin_x) * fine_x).floor() - BORDER;
        let top = (bounds.y0 * fine_y).floor() - BORDER;
        let at = Affine::new([fine_x, 0.0, 0.0, fine_y, -origin_x * fine_x - left, -top]);
        let size = |length: f64| length.ceil() + 2.0 * BORDER + 1.0;
        let (width, height) = (size(bounds.width() * fine_x), size(bounds.height() * fine_y));
        let fits = width < MAX_SIDE && height < MAX_SIDE;
        fits.then_some(Sampling { at, size: (width as u16, height as u16), across })
    }

    /// Memory of the plate, in bytes.
    pub fn bytes(&self) -> usize {
        usize::from(self.size.0) * usize::from(self.size.1) * 4
    }

    /// Number of cells across and down.
    pub fn cells(&self) -> (usize, usize) {
        (usize::from(self.size.0).div_ceil(CELL), usize::from(self.size.1).div_ceil(CELL))
    }

    /// Layer units -> cells.
    pub fn cell_grid(&self) -> Affine {
        Affine::scale(1.0 / CELL as f64) * self.sample_grid()
    }

    /// Layer units -> sample index. A drawn pixel covers i..i + 1: the mean of two is centred at i + 1, a single one at i + 1/2.
    fn sample_grid(&self) -> Affine {
        Affine::translate((if self.across == 2 { -1.0 } else { -0.5 }, -1.0)) * self.at
    }
}

impl Plate {
    /// Takes the part as drawn by `sampling.at` on a transparent picture of `sampling.size`.
    pub fn new(drawn: &Pixmap, sampling: Sampling) -> Plate {
        let (width, height) = (usize::from(drawn.width()), usize::from(drawn.height()));
        let fine: Vec<u32> = drawn.data().iter().map(|p| kernel::opaque_if_nearly(p.to_u32())).collect();
        // The mean over one output pixel, i.e. two samples, as far as an axis is drawn finer than the output.
        let right = if sampling.across == 2 { 1 } else { 0 };
        let mut samples = vec![0; width * height];
        for (y, row) in samples.chunks_exact_mut(width).take(height - 1).enumerate() {
            kernel::mean(row, &fine[y * width..][..width], &fine[(y + 1) * width..][..width], right);
        }
        let (across, down) = sampling.cells();
        let mut plate =
            Plate { samples, width, height, at: sampling.sample_grid(), lit: vec![false; across * down], across: sampling.across };
        plate.hide(&vec![false; across * down]);
        plate
    }

    /// Leaves out from now on what lies in `hidden` cells, as far as no cell beside them is seen.
    pub fn hide(&mut self, hidden: &[bool]) {
        let (across, down) = (self.width.div_ceil(CELL), self.height.div_ceil(CELL));
        self.lit.fill(false);
        for (index, _) in hidden.iter().enumerate().filter(|(_, hidden)| !**hidden) {
            let (x, y) = (index % across, index / across);
            if self.cell(x, y).any(|sample| sample != 0) {
                for row in y.saturating_sub(1)..(y + 2).min(down) {
                    self.lit[row * across + x.saturating_sub(1)..row * across + (x + 2).min(across)].fill(true);
                }
            }
        }
    }

    /// Per cell, whether nothing shines through it.
    pub fn opaque(&self) -> Vec<bool> {
        let (across, down) = (self.width.div_ceil(CELL), self.height.div_ceil(CELL));
        (0..across * down).map(|index| self.cell(index % across, index / across).all(|sample| sample >> 24 == 255)).collect()
    }

    /// The samples of a cell and the first beyond, which mix with its last.
    fn cell(&self, x: usize, y: usize) -> impl Iterator<Item = u32> {
        let (left, right) = (x * CELL, (x * CELL + CELL + 1).min(self.width));
        let rows = y * CELL..(y * CELL + CELL + 1).min(self.height);
        rows.flat_map(move |y| self.samples[y * self.width + left..y * self.width + right].iter().copied())
    }

    /// Lays the plate over `frame` inside `region`; `matrix` maps layer units to pixels.
    pub fn draw(&self, frame: &mut Pixmap, region: Region, matrix: Affine) {
        let to_sample = self.at * matrix.inverse();
        let [a, b, c, ..] = to_sample.as_coeffs();
        if !to_sample.is_finite() {
            return;
        }
        let frame_width = usize::from(frame.width());
        let fixed = |v: f64| (v * ONE).round() as i64;
        for y in region.y0..region.y1 {
            // Counted from the edge of the frame, so that samples do not depend on where `region` starts.
            let start = to_sample * Point::new(0.5, f64::from(y) + 0.5);
            // Pixels of this row whose samples all lie inside the plate.
            let (mut low, mut high) = (f64::from(region.x0), f64::from(region.x1));
            for (start, step, end) in [(start.x, a, self.width), (start.y, b, self.height)] {
                clip(&mut low, &mut high, start, step, (end - 2) as f64);
            }
            let (low, high) = (low.ceil() as usize, high.floor() as usize);
            let row = &mut frame.data_mut()[usize::from(y) * frame_width..][..frame_width];
            let Some(pixels) = row.get_mut(low..high).filter(|pixels| !pixels.is_empty()) else { continue };
            let at = |start: f64, step: f64| (fixed(start) + fixed(step) * low as i64) as i32;
            let line = Line { x: at(start.x, a), y: at(start.y, b), step_x: fixed(a) as i32, step_y: fixed(b) as i32 };
            if self.across == 1 && b == 0.0 && c == 0.0 && line.step_x == STEP_OF_ONE {
                let (x, y) = (((line.x + STEP_OF_ONE / 2) >> FRACTION) as usize, (line.y >> FRACTION) as usize);
                let rows = [y, y + 1].map(|y| &self.samples[y * self.width + x..][..pixels.len()]);
                kernel::stacked_rows(pixels, rows[0], rows[1], kernel::weight(line.y));
            } else {
                self.slanted_row(pixels, line);
            }
        }
    }

    /// A row that may cross the sample rows. Stretches where nothing is to be seen are skipped.
    fn slanted_row(&self, pixels: &mut [PremulRgba8], line: Line) {
        let across = self.width.div_ceil(CELL);
        let (mut start, mut seen) = (0, 0);
        while start < pixels.len() {
            let end = (start + STRIDE).min(pixels.len());
            let middle = line.after((start + end) / 2);
            let lit = self.lit[(middle.y >> FRACTION) as usize / CELL * across + (middle.x >> FRACTION) as usize / CELL];
            if !lit || end == pixels.len() {
                let until = if lit { end } else { start };
                if seen < until {
                    kernel::slanted(&mut pixels[seen..until], &self.samples, self.width, line.after(seen));
                }
                seen = end;
            }
            start = end;
        }
    }
}

/// Narrows `low..high` to the k with `0 <= start + k * step < max`, with a little room for rounding.
fn clip(low: &mut f64, high: &mut f64, start: f64, step: f64, max: f64) {
    let (min, max) = (0.01, max - 0.01);
    if step.abs() < 1e-9 {
        if start < min || start >= max {
            *high = *low;
        }
        return;
    }
    let (a, b) = ((min - start) / step, (max - start) / step);
    *low = low.max(a.min(b));
    *high = high.min(a.max(b));
}
