//! The glyphs of a page with their characters and places, and where pictures are.

use hayro::hayro_interpret::font::{Glyph as PdfGlyph, GlyphRun};
use hayro::hayro_interpret::hayro_cmap::BfString;
use hayro::hayro_interpret::{
    BlendMode, ClipPath, Context, Device, DrawMode, DrawProps, Image, ImageDrawProps, InterpreterCache, InterpreterSettings, SoftMask,
    TransformExt, interpret_page,
};
use hayro::hayro_syntax::page::Page;
use hayro::kurbo::{Affine, BezPath, Point, Rect};

/// Glyphs and pictures of one page at most.
const MAX_GLYPHS: usize = 200_000;
const MAX_PICTURES: usize = 1_000;

/// What is drawn on a page, in this order.
#[derive(Default)]
pub(super) struct Drawn {
    pub glyphs: Vec<Glyph>,
    /// Around each picture, in points from the top left corner of the page.
    pub pictures: Vec<Rect>,
}

/// A glyph as it stands on the page.
#[derive(Clone, Debug)]
pub(super) struct Glyph {
    /// Its characters.
    pub text: String,
    /// In points.
    pub size: f64,
    /// Where its baseline begins and ends, in points from the top left corner of the page.
    pub x: f64,
    pub end: f64,
    pub y: f64,
}

/// All that is drawn on `page`, also glyphs that are not seen (text under a scan).
pub(super) fn of(page: &Page<'_>) -> Drawn {
    let (width, height) = page.render_dimensions();
    let transform: Affine = page.initial_transform(true).to_kurbo();
    let cache = InterpreterCache::new();
    let area = Rect::new(0.0, 0.0, f64::from(width), f64::from(height));
    let mut context = Context::new(transform, area, &cache, page.xref(), InterpreterSettings::default());
    let mut reader = Reader { area, drawn: Drawn::default() };
    interpret_page(page, &mut context, &mut reader);
    reader.drawn
}

struct Reader {
    area: Rect,
    drawn: Drawn,
}

impl<'a> Device<'a> for Reader {
    fn draw_glyph_run(&mut self, run: &GlyphRun<'_, 'a>, props: DrawProps<'a>, _: &DrawMode) {
        for glyph in run.glyphs() {
            let text = match glyph.as_unicode() {
                Some(BfString::Char(c)) => c.to_string(),
                Some(BfString::String(text)) => text,
                None => continue,
            };
            let advance = match &**glyph {
                PdfGlyph::Outline(outline) => outline.advance_width(),
                PdfGlyph::Type3(glyph) => glyph.advance_width(),
            };
            // A glyph's own space has a thousand units to the font size.
            let place = props.transform * glyph.transform();
            let start = place * Point::ORIGIN;
            let end = place * Point::new(f64::from(advance.unwrap_or(500.0)), 0.0);
            let size = (place * Point::new(0.0, 1000.0) - start).hypot();
            if self.area.contains(start) && self.drawn.glyphs.len() < MAX_GLYPHS {
                self.drawn.glyphs.push(Glyph { text, size, x: start.x.min(end.x), end: end.x.max(start.x), y: start.y });
            }
        }
    }

    fn draw_path(&mut self, _: &BezPath, _: DrawProps<'a>, _: &DrawMode) {}
    fn push_clip_path(&mut self, _: &ClipPath) {}
    fn push_transparency_group(&mut self, _: f32, _: Option<SoftMask<'a>>, _: BlendMode) {}

    fn draw_image(&mut self, image: Image<'a, '_>, props: ImageDrawProps<'a>) {
        // From the picture's own pixels to the page.
        let pixels = Rect::new(0.0, 0.0, f64::from(image.width()), f64::from(image.height()));
        if matches!(image, Image::Raster(_)) && self.drawn.pictures.len() < MAX_PICTURES {
            self.drawn.pictures.push(props.transform.transform_rect_bbox(pixels));
        }
    }

    fn pop_clip(&mut self) {}
    fn pop_transparency_group(&mut self) {}
}
