//! A sheet: pictures of one size in rows, each with a line below it.

use engine::frame::{Point, Rect, Size, VideoFrame};
use image::{Rgb, RgbImage};
use plugins::drawing::{Painter, Scene};
use plugins::lesson::canvas::{Canvas, Color, Content, Object, Paint, Paragraph, Run, Style, Text};
use plugins::pixels::frame_to_rgba;

const PAPER: Color = Color::rgb(250, 250, 248);
const INK: Color = Color::rgb(60, 64, 72);
/// Around pictures, and for the line below each.
const GAP: u32 = 16;
const LABEL: u32 = 28;

/// Pictures in rows.
pub struct Sheet {
    cell: Size,
    columns: usize,
    cells: Vec<(RgbImage, String)>,
}

impl Sheet {
    /// For pictures of this size, so many side by side.
    pub fn new(cell: Size, columns: usize) -> Sheet {
        Sheet { cell, columns: columns.max(1), cells: Vec::new() }
    }

    /// Adds a picture, cut to the sheet's size, with what stands below it.
    pub fn add(&mut self, picture: RgbImage, label: impl Into<String>) {
        self.cells.push((picture, label.into()));
    }

    /// Draws it.
    pub fn picture(&self) -> RgbImage {
        let (width, height) = (self.cell.width + GAP, self.cell.height + LABEL + GAP);
        let columns = self.columns.min(self.cells.len().max(1));
        let rows = self.cells.len().div_ceil(columns) as u32;
        let size = Size::new(columns as u32 * width + GAP, rows * height + GAP);
        let at = |index: usize| ((index % columns) as u32 * width + GAP, (index / columns) as u32 * height + GAP);
        let mut canvas = Canvas::new(f64::from(size.width), f64::from(size.height), Paint::Color(PAPER));
        for (index, (_, label)) in self.cells.iter().enumerate() {
            let (x, y) = at(index);
            let style = Style { size: 15.0, color: INK, ..Style::default() };
            let paragraph = Paragraph { runs: vec![Run { text: label.clone(), style }], ..Paragraph::default() };
            let place = [f64::from(x), f64::from(y + self.cell.height + 3), f64::from(self.cell.width), f64::from(LABEL)];
            canvas.objects.push(Object::new(
                format!("{index}"),
                place,
                Content::Text(Text { paragraphs: vec![paragraph], ..Text::default() }),
            ));
        }
        let pixels = Painter::default().picture(&Scene::new(&canvas, size), &[]);
        let mut page = RgbImage::from_fn(size.width, size.height, |x, y| {
            let pixel = pixels.sample(x as u16, y as u16);
            Rgb([pixel.r, pixel.g, pixel.b])
        });
        for (index, (picture, _)) in self.cells.iter().enumerate() {
            let (x, y) = at(index);
            let (width, height) = (picture.width().min(self.cell.width), picture.height().min(self.cell.height));
            let part = image::imageops::crop_imm(picture, 0, 0, width, height).to_image();
            image::imageops::replace(&mut page, &part, i64::from(x), i64::from(y));
        }
        page
    }
}

/// Lays a layer over a picture, at its place.
pub fn over(picture: &mut RgbImage, layer: &VideoFrame) {
    let (at, size) = (layer.place.unwrap_or(Point { x: 0, y: 0 }), layer.size());
    let rgba = frame_to_rgba(layer);
    let seen = Rect::new(at, size).intersect(Size::new(picture.width(), picture.height()).rect());
    for y in 0..seen.height as i32 {
        for x in 0..seen.width as i32 {
            let from = (((seen.y + y - at.y) as usize * size.width as usize) + (seen.x + x - at.x) as usize) * 4;
            let alpha = u16::from(rgba[from + 3]);
            let below = picture.get_pixel_mut((seen.x + x) as u32, (seen.y + y) as u32);
            for (below, above) in below.0.iter_mut().zip(&rgba[from..from + 3]) {
                *below = ((u16::from(*above) * alpha + u16::from(*below) * (255 - alpha) + 127) / 255) as u8;
            }
        }
    }
}
