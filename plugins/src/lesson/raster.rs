//! Pictures of slides: whatever a slide shows, as opaque RGBA pixels of the size asked for.
//!
//! The source keeps its shape: it is fitted into the target and centred, and what remains is filled with the colour of the edge
//! that it borders on. The same input gives the same pixels on one machine type. Pixels are sRGB; colour profiles inside pictures
//! are not applied.

use super::canvas::{Canvas, Schedule};
use super::error::LessonError;
use super::frames::numbered;
use super::limits::{MAX_PIXELS, read_file};
use super::model::Visual;
use super::pdf::Document;
use crate::drawing::{Painter, Scene};
use crate::gst::FilmPictures;
use crate::pixels::frame_to_rgba;
use engine::frame::Size;
use engine::pool::Pool;
use fast_image_resize::images::Image;
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use image::{DynamicImage, ImageDecoder, ImageReader, Limits, RgbaImage};
use std::collections::BTreeMap;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A drawn slide: `width` x `height` pixels, four bytes each (red, green, blue, 255), row by row without padding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// `width * height * 4` bytes.
    pub rgba: Vec<u8>,
}

/// What stands for a live page without a poster: light grey.
const PLAIN: [u8; 4] = [0xe6, 0xe8, 0xeb, 255];

/// Draws slides. Keeps the PDF that it drew last open, so draw a document's pages one after the other.
#[derive(Default)]
pub struct Rasterizer {
    document: Option<(PathBuf, Document)>,
    resizer: Resizer,
    painter: Painter,
}

impl Rasterizer {
    /// With nothing open.
    pub fn new() -> Rasterizer {
        Rasterizer::default()
    }

    /// Draws what a slide shows at `size` (width and height in pixels, 1 to 16,384 each).
    ///
    /// # Errors
    /// When the file is gone, has changed into something else, or is over the limits.
    pub fn draw(&mut self, visual: &Visual, size: (u32, u32)) -> Result<Picture, LessonError> {
        match visual {
            Visual::Color([red, green, blue]) => Ok(filled(size, [*red, *green, *blue, 255])),
            Visual::Page { document, index, .. } => {
                let document = self.open(document)?;
                let shape = document.page_size(*index).unwrap_or((1.0, 1.0));
                let (width, height) = fit((f64::from(shape.0), f64::from(shape.1)), size);
                Ok(framed(Picture { width, height, rgba: document.draw(*index, width, height)? }, size))
            }
            Visual::Canvas(canvas) => self.draw_canvas(canvas, size),
            Visual::Frames(frames) => {
                let files = numbered(&frames.folder).map_err(|error| LessonError::invalid(&frames.folder, error))?;
                let last = files.into_iter().next_back().expect("numbered files are one or more");
                let picture = decode(&last)?;
                Ok(self.fitted(picture, size))
            }
            Visual::Clip(clip) => {
                let damaged = |cause: String| LessonError::Clip { path: clip.path.clone(), cause };
                let opened = FilmPictures::open(&clip.path, clip.from, Arc::default());
                let first =
                    opened.and_then(|mut film| film.covering(clip.from, &Pool::new())).map_err(|error| damaged(error.to_string()))?;
                let first = first.ok_or_else(|| damaged("there is no picture in it".into()))?;
                let (width, height) = fit((first.shape.width.into(), first.shape.height.into()), size);
                let stored = first.frame.size();
                let picture = Picture { width: stored.width, height: stored.height, rgba: frame_to_rgba(&first.frame) };
                Ok(framed(self.resize(picture, width, height), size))
            }
            Visual::Embed { poster: None, .. } => Ok(filled(size, PLAIN)),
            Visual::Image { path, .. } | Visual::Embed { poster: Some((path, _)), .. } => {
                let picture = decode(path)?;
                Ok(self.fitted(picture, size))
            }
        }
    }

    /// A canvas as it is when all has been said: what stays of it, none of what has gone.
    fn draw_canvas(&mut self, canvas: &Canvas, (width, height): (u32, u32)) -> Result<Picture, LessonError> {
        let scene = Scene::new(canvas, Size::new(width, height));
        let picture = self.painter.picture(&scene, &Schedule::new(canvas, "").last_looks());
        let mut rgba = picture.data_as_u8_slice().to_vec();
        rgba.iter_mut().skip(3).step_by(4).for_each(|alpha| *alpha = 255);
        Ok(Picture { width, height, rgba })
    }

    fn fitted(&mut self, picture: Picture, size: (u32, u32)) -> Picture {
        let (width, height) = fit((f64::from(picture.width), f64::from(picture.height)), size);
        framed(self.resize(picture, width, height), size)
    }

    fn open(&mut self, path: &Path) -> Result<&Document, LessonError> {
        if self.document.as_ref().is_none_or(|(open, _)| open != path) {
            self.document = Some((path.into(), Document::open(path)?));
        }
        let (_, document) = self.document.as_ref().expect("opened above");
        Ok(document)
    }

    fn resize(&mut self, picture: Picture, width: u32, height: u32) -> Picture {
        if (picture.width, picture.height) == (width, height) {
            return picture;
        }
        let source =
            Image::from_vec_u8(picture.width, picture.height, picture.rgba, PixelType::U8x4).expect("a picture holds four bytes a pixel");
        let mut target = Image::new(width, height, PixelType::U8x4);
        let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3)).use_alpha(false);
        self.resizer.resize(&source, &mut target, &options).expect("both pictures have the same pixel type and no crop");
        Picture { width, height, rgba: target.into_vec() }
    }
}

/// Width and height of a picture file as it is shown, checked against the limit.
pub(crate) fn image_size(path: &Path) -> Result<(u32, u32), LessonError> {
    use image::metadata::Orientation::*;
    let (bytes, _) = read_file(path)?;
    let mut decoder = decoder(path, &bytes)?;
    let (width, height) = decoder.dimensions();
    let turned = matches!(decoder.orientation(), Ok(Rotate90 | Rotate270 | Rotate90FlipH | Rotate270FlipH));
    Ok(if turned { (height, width) } else { (width, height) })
}

/// Width and height of a picture whose first bytes these are; `None` when they are of no known picture.
pub(super) fn pixels(head: &[u8]) -> Option<(u32, u32)> {
    ImageReader::new(Cursor::new(head)).with_guessed_format().ok()?.into_dimensions().ok()
}

fn decoder<'a>(path: &Path, bytes: &'a [u8]) -> Result<impl ImageDecoder + 'a, LessonError> {
    let damaged = |error: image::ImageError| LessonError::damaged(path, format!("it is no picture that can be read ({error})"));
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(LessonError::read(path))?;
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_PIXELS * 8);
    reader.limits(limits);
    let decoder = reader.into_decoder().map_err(damaged)?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > MAX_PIXELS {
        let what = format!("the picture has {width}x{height} pixels");
        return Err(LessonError::Limit { path: path.into(), what, limit: format!("{} megapixels: scale it down", MAX_PIXELS / 1_000_000) });
    }
    Ok(decoder)
}

/// Reads a picture, upright as its EXIF data says; colour is independent of alpha.
pub(crate) fn read_picture(path: &Path) -> Result<RgbaImage, LessonError> {
    read(path).map(DynamicImage::into_rgba8)
}

fn read(path: &Path) -> Result<DynamicImage, LessonError> {
    let (bytes, _) = read_file(path)?;
    let mut decoder = decoder(path, &bytes)?;
    let orientation = decoder.orientation().unwrap_or(image::metadata::Orientation::NoTransforms);
    let mut image =
        DynamicImage::from_decoder(decoder).map_err(|error| LessonError::damaged(path, format!("its pixels cannot be read ({error})")))?;
    image.apply_orientation(orientation);
    Ok(image)
}

/// Reads a picture, on white where it is transparent.
fn decode(path: &Path) -> Result<Picture, LessonError> {
    let image = read(path)?;
    let is_clear = image.color().has_alpha();
    let mut image = image.into_rgba8();
    if is_clear {
        for pixel in image.pixels_mut() {
            let alpha = u32::from(pixel[3]);
            for channel in &mut pixel.0[..3] {
                *channel = ((u32::from(*channel) * alpha + 255 * (255 - alpha) + 127) / 255) as u8;
            }
            pixel[3] = 255;
        }
    }
    Ok(Picture { width: image.width(), height: image.height(), rgba: image.into_raw() })
}

/// The largest size of this shape that fits. A gap of less than two pixels is closed: a hairline is no frame.
fn fit(shape: (f64, f64), size: (u32, u32)) -> (u32, u32) {
    let scale = (f64::from(size.0) / shape.0).min(f64::from(size.1) / shape.1);
    let side = |length: f64, most: u32| {
        let fitted = ((length * scale).round() as u32).clamp(1, most);
        if most - fitted < 2 { most } else { fitted }
    };
    (side(shape.0, size.0), side(shape.1, size.1))
}

fn filled(size: (u32, u32), color: [u8; 4]) -> Picture {
    Picture { width: size.0, height: size.1, rgba: color.repeat(size.0 as usize * size.1 as usize) }
}

/// The picture in the middle of a target of `size`, with its edges' colour around it.
fn framed(picture: Picture, size: (u32, u32)) -> Picture {
    if (picture.width, picture.height) == size {
        return picture;
    }
    let (width, height) = (picture.width as usize, picture.height as usize);
    let mut frame = filled(size, edge_color(&picture, picture.width < size.0));
    let (left, top) = ((size.0 as usize - width) / 2, (size.1 as usize - height) / 2);
    for (row, pixels) in picture.rgba.chunks_exact(width * 4).enumerate() {
        let start = ((top + row) * size.0 as usize + left) * 4;
        frame.rgba[start..start + width * 4].copy_from_slice(pixels);
    }
    frame
}

/// The colour of the two edges that border on the bars: the most frequent one when it makes up most of them (a slide's ground),
/// else their mean (a photo).
fn edge_color(picture: &Picture, sides: bool) -> [u8; 4] {
    let (width, height) = (picture.width as usize, picture.height as usize);
    let at = |x: usize, y: usize| {
        let start = (y * width + x) * 4;
        [picture.rgba[start], picture.rgba[start + 1], picture.rgba[start + 2], 255]
    };
    let edge: Vec<[u8; 4]> = if sides {
        (0..height).flat_map(|y| [at(0, y), at(width - 1, y)]).collect()
    } else {
        (0..width).flat_map(|x| [at(x, 0), at(x, height - 1)]).collect()
    };
    let mut counts: BTreeMap<[u8; 4], usize> = BTreeMap::new();
    edge.iter().for_each(|color| *counts.entry(*color).or_default() += 1);
    match counts.into_iter().max_by_key(|(_, count)| *count) {
        Some((color, count)) if count * 2 > edge.len() => color,
        _ => std::array::from_fn(|channel| (edge.iter().map(|color| u64::from(color[channel])).sum::<u64>() / edge.len() as u64) as u8),
    }
}
