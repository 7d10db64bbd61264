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

/// Side of the cells that are known to be empty or not, in samples.
const CELL: usize = 16;
/// Samples across and down that fixed-point positions can reach.
const MAX_SIDE: f64 = 32_000.0;
/// Pixels between two looks at the cells.
const STRIDE: usize = 8;
/// One sample in the units of [`Line`].
const ONE: f64 = (1 << FRACTION) as f64;

/// A picture of part of a layer.
pub(super) struct Plate {
    /// Samples, premultiplied RGBA as little-endian words, with an empty border of at least two samples.
    samples: Vec<u32>,
    width: usize,
    height: usize,
    /// Layer units -> sample index (the centre of sample 0 is at 0).
    at: Affine,
    /// One flag per cell of `CELL` x `CELL` samples: something is drawn in it or next to it.
    cells: Vec<bool>,
    cells_across: usize,
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
        fits.then(|| Sampling { at, size: (width as u16, height as u16), across })
    }

    /// Memory of the plate, in bytes.
    pub fn bytes(&self) -> usize {
        usize::from(self.size.0) * usize::from(self.size.1) * 4
    }
}

impl Plate {
    /// Takes the part as drawn by `sampling.at` on a transparent picture of `sampling.size`.
    pub fn new(drawn: &Pixmap, sampling: Sampling) -> Plate {
        let (width, height) = (usize::from(drawn.width()), usize::from(drawn.height()));
        let fine: Vec<u32> = drawn.data().iter().map(|p| p.to_u32()).collect();
        // The mean over one output pixel, i.e. two samples, as far as an axis is drawn finer than the output.
        let right = if sampling.across == 2 { 1 } else { 0 };
        let mut samples = vec![0; width * height];
        for (y, row) in samples.chunks_exact_mut(width).take(height - 1).enumerate() {
            kernel::mean(row, &fine[y * width..][..width], &fine[(y + 1) * width..][..width], right);
        }
        // A drawn pixel covers [i, i + 1): the mean of two is centred at i + 1, a single one at i + 1/2.
        let centre = Affine::translate((if right == 1 { -1.0 } else { -0.5 }, -1.0));
        let (cells_across, cells_down) = (width.div_ceil(CELL), height.div_ceil(CELL));
        let mut cells = vec![false; cells_across * cells_down];
        for (index, _) in samples.iter().enumerate().filter(|(_, sample)| **sample != 0) {
            let (x, y) = (index % width / CELL, index / width / CELL);
            for row in y.saturating_sub(1)..(y + 2).min(cells_down) {
                cells[row * cells_across + x.saturating_sub(1)..row * cells_across + (x + 2).min(cells_across)].fill(true);
            }
        }
        Plate { samples, width, height, at: centre * sampling.at, cells, cells_across, across: sampling.across }
    }

    /// Lays the plate over `frame` inside `region`; `matrix` maps layer units to pixels.
    pub fn draw(&self, frame: &mut Pixmap, region: Region, matrix: Affine) {
        let to_sample = self.at * matrix.inverse();
        let [a, b, c, ..] = to_sample.as_coeffs();
        let frame_width = usize::from(frame.width());
        for y in region.y0..region.y1 {
            let first = to_sample * Point::new(f64::from(region.x0) + 0.5, f64::from(y) + 0.5);
            // Pixels of this row whose samples all lie inside the plate.
            let (mut low, mut high) = (0.0, f64::from(region.x1 - region.x0));
            for (start, step, end) in [(first.x, a, self.width), (first.y, b, self.height)] {
                clip(&mut low, &mut high, start, step, (end - 2) as f64);
            }
            if low >= high {
                continue;
            }
            let (low, high) = (low.ceil() as usize, high.floor() as usize);
            let row = &mut frame.data_mut()[usize::from(y) * frame_width + usize::from(region.x0)..][..usize::from(region.x1 - region.x0)];
            let Some(pixels) = row.get_mut(low..high) else { continue };
            let fixed = |v: f64| (v * ONE).round() as i32;
            let line = Line { x: fixed(first.x + a * low as f64), y: fixed(first.y + b * low as f64), step_x: fixed(a), step_y: fixed(b) };
            if self.across == 1 && b == 0.0 && c == 0.0 && line.step_x == fixed(1.0) {
                let (x, y) = (((line.x + fixed(0.5)) >> FRACTION) as usize, (line.y >> FRACTION) as usize);
                let rows = [y, y + 1].map(|y| &self.samples[y * self.width + x..][..pixels.len()]);
                kernel::stacked_rows(pixels, rows[0], rows[1], kernel::weight(line.y));
            } else {
                self.slanted_row(pixels, line);
            }
        }
    }

    /// A row that may cross the sample rows. Stretches where the plate is empty are skipped.
    fn slanted_row(&self, pixels: &mut [PremulRgba8], line: Line) {
        let drawn = |start: usize| {
            let middle = line.after(start + STRIDE.min(pixels.len() - start) / 2);
            self.cells[(middle.y >> FRACTION) as usize / CELL * self.cells_across + (middle.x >> FRACTION) as usize / CELL]
        };
        let mut runs = Vec::new();
        for start in (0..pixels.len()).step_by(STRIDE).filter(|start| drawn(*start)) {
            let end = (start + STRIDE).min(pixels.len());
            match runs.last_mut() {
                Some((_, last)) if *last == start => *last = end,
                _ => runs.push((start, end)),
            }
        }
        for (start, end) in runs {
            kernel::slanted(&mut pixels[start..end], &self.samples, self.width, line.after(start));
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
