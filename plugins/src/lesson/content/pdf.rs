//! Text and pictures of a PDF's pages: glyphs with their places, put together to lines, lines to paragraphs and headings, and between them
//! the pictures that stand there.

use super::super::ImportOptions;
use super::super::error::LessonError;
use super::super::pdf::Document as Pdf;
use super::super::pdf_glyphs::Glyph;
use super::document::{Block, Document};
use super::markdown::one_line;
use super::picture::Picture;
use crate::writer::columns;
use hayro::kurbo::Rect;
use image::{ImageFormat, RgbaImage};
use std::collections::BTreeMap;
use std::io::Cursor;

/// Larger than the text by so much is a heading.
const HEADING: f64 = 1.15;
/// The longest heading, in columns.
const HEADING_COLUMNS: usize = 120;
/// A gap between glyphs of so many parts of their size is a space.
const SPACE: f64 = 0.18;
/// A gap between lines of so many parts of the usual one begins a paragraph.
const PARAGRAPH: f64 = 1.35;
/// What stands at the edge of so many pages is no text.
const REPEATED: usize = 3;
/// A picture is at least so much of a page's width and of its height, and at most so much of its area; so many of a page are taken.
const SMALLEST_PICTURE: f64 = 0.12;
const LARGEST_PICTURE: f64 = 0.8;
const PICTURES: usize = 8;
/// Pixels of a picture's width, as far as its page has no longer side than this.
const PICTURE_WIDTH: f64 = 1600.0;
const PAGE_SIDE: f64 = 4000.0;
/// Parts of a page's height at top and bottom where running titles and numbers stand.
const EDGE: f64 = 0.1;

/// A line of text on a page.
#[derive(Clone, Debug)]
struct Line {
    text: String,
    /// Of its letters, in points.
    size: f64,
    /// Its baseline and its ends, from the top left corner of the page.
    y: f64,
    x: f64,
    end: f64,
    /// At the top or bottom edge of the page.
    edge: bool,
}

/// What a page shows that counts: its text in the order in which it is drawn, its pictures from the top down.
struct Page {
    lines: Vec<Line>,
    /// Their places in points from the top left corner.
    pictures: Vec<Rect>,
}

/// Reads all pages as one text, with the pictures in it.
pub(super) fn read(pdf: &Pdf, options: &ImportOptions) -> Result<Document, LessonError> {
    let (pages, pictures): (Vec<_>, Vec<_>) = shown(pdf)?.into_iter().map(|page| (page.lines, page.pictures)).unzip();
    let mut document = Document::default();
    let size = usual(&pages);
    let sizes = heading_sizes(&pages, size);
    for (index, (mut page, pictures)) in pages.into_iter().zip(pictures).enumerate() {
        for place in pictures {
            // Text that is drawn up to the first line below it comes before it.
            let above = page.iter().position(|line| line.y > place.y1).unwrap_or(page.len());
            blocks(page.drain(..above).collect(), size, &sizes, &mut document.blocks);
            match picture(pdf, index, place, options) {
                Ok(picture) => document.blocks.push(Block::Picture(picture)),
                Err(error) => document.warnings.push(format!("a picture on page {} is not shown: {error}", index + 1)),
            }
        }
        blocks(page, size, &sizes, &mut document.blocks);
    }
    if document.blocks.iter().all(|block| matches!(block, Block::Picture(_))) {
        document.warnings.push("no text was found on its pages; a scanned document needs text recognition (OCR) first".into());
    }
    Ok(document)
}

/// What each page shows, less what stands on many: running titles and page numbers, and marks.
fn shown(pdf: &Pdf) -> Result<Vec<Page>, LessonError> {
    let page = |index| {
        let (width, height) = pdf.page_size(index).map_or((1.0, 1.0), |(width, height)| (f64::from(width), f64::from(height)));
        let drawn = pdf.drawn(index)?;
        Ok(Page { lines: lines(drawn.glyphs, height), pictures: pictures(drawn.pictures, width, height) })
    };
    let mut pages = (0..pdf.pages()).map(page).collect::<Result<Vec<Page>, LessonError>>()?;
    let pattern = |line: &Line| line.text.chars().map(|c| if c.is_numeric() { '0' } else { c }).collect::<String>();
    let corner = |place: &Rect| [place.x0, place.y0, place.x1, place.y1].map(|at| at.round() as i64);
    let (mut texts, mut places): (BTreeMap<String, usize>, BTreeMap<[i64; 4], usize>) = Default::default();
    for Page { lines, pictures } in &pages {
        lines.iter().filter(|line| line.edge).for_each(|line| *texts.entry(pattern(line)).or_default() += 1);
        pictures.iter().for_each(|place| *places.entry(corner(place)).or_default() += 1);
    }
    for Page { lines, pictures } in &mut pages {
        lines.retain(|line| {
            let number = line.edge && !line.text.chars().any(char::is_alphabetic);
            !(number || line.edge && texts.get(&pattern(line)).is_some_and(|count| *count >= REPEATED))
        });
        pictures.retain(|place| places[&corner(place)] < REPEATED);
    }
    Ok(pages)
}

/// A page's lines of text.
fn lines(glyphs: Vec<Glyph>, height: f64) -> Vec<Line> {
    let mut lines = joined(glyphs);
    lines.iter_mut().for_each(|line| line.edge = line.y < height * EDGE || line.y > height * (1.0 - EDGE));
    lines
}

/// Where the pictures of a page are that show something by themselves: not marks, backgrounds, scans.
fn pictures(mut places: Vec<Rect>, width: f64, height: f64) -> Vec<Rect> {
    let page = Rect::new(0.0, 0.0, width, height);
    places.iter_mut().for_each(|place| *place = place.intersect(page));
    places.retain(|place| {
        place.width() >= SMALLEST_PICTURE * width
            && place.height() >= SMALLEST_PICTURE * height
            && place.area() <= LARGEST_PICTURE * page.area()
    });
    places.sort_by(|a, b| a.y0.total_cmp(&b.y0));
    places.truncate(PICTURES);
    places
}

/// What is seen at this place of a page.
fn picture(pdf: &Pdf, index: usize, place: Rect, options: &ImportOptions) -> Result<Picture, LessonError> {
    let (width, height) = pdf.page_size(index).map_or((1.0, 1.0), |(width, height)| (f64::from(width), f64::from(height)));
    let scale = (PICTURE_WIDTH / place.width()).min(PAGE_SIDE / width.max(height));
    let pixels = |points: f64| ((points * scale).round() as u32).max(1);
    let (wide, high) = (pixels(width), pixels(height));
    let page = RgbaImage::from_raw(wide, high, pdf.draw(index, wide, high)?).unwrap_or_default();
    let (x, y) = ((place.x0 * scale) as u32, (place.y0 * scale) as u32);
    let seen = image::imageops::crop_imm(&page, x, y, pixels(place.width()), pixels(place.height())).to_image();
    let mut png = Cursor::new(Vec::new());
    seen.write_to(&mut png, ImageFormat::Png).map_err(|error| LessonError::damaged(pdf.path(), error.to_string()))?;
    Picture::keep(png.get_ref(), "png", String::new(), options)
}

/// The text of each page: its title, if it has one, and its paragraphs.
pub(in super::super) fn pages(pdf: &Pdf) -> Result<Vec<Vec<Block>>, LessonError> {
    let pages: Vec<_> = shown(pdf)?.into_iter().map(|page| page.lines).collect();
    let size = usual(&pages);
    let sizes = heading_sizes(&pages, size);
    let page = |page| {
        let mut found = Vec::new();
        blocks(page, size, &sizes, &mut found);
        found
    };
    Ok(pages.into_iter().map(page).collect())
}

/// Glyphs as lines: a new one where the baseline changes or the text jumps back.
fn joined(glyphs: Vec<Glyph>) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for glyph in glyphs.into_iter().filter(|glyph| glyph.size > 0.5) {
        let same = lines.last_mut().filter(|line| {
            let near = (line.y - glyph.y).abs() < 0.5 * line.size.max(glyph.size);
            // Right-to-left text is drawn from either end.
            near && glyph.x - line.end < 4.0 * line.size && line.x - glyph.end < 4.0 * line.size
        });
        match same {
            Some(line) => {
                let gap = glyph.x - line.end;
                if gap > SPACE * glyph.size && !line.text.ends_with(' ') && !glyph.text.starts_with(' ') {
                    line.text.push(' ');
                }
                line.text.push_str(&glyph.text);
                line.size = line.size.max(glyph.size);
                line.x = line.x.min(glyph.x);
                line.end = glyph.end.max(glyph.x);
            }
            None => lines.push(Line { text: glyph.text, size: glyph.size, y: glyph.y, x: glyph.x, end: glyph.end, edge: false }),
        }
    }
    lines.iter_mut().for_each(|line| line.text = one_line(&line.text));
    lines.retain(|line| line.text.chars().any(|c| !c.is_control() && c != '\u{fffd}' && !c.is_whitespace()));
    lines
}

/// The size that most letters have.
fn usual(pages: &[Vec<Line>]) -> f64 {
    let mut letters: BTreeMap<i64, usize> = BTreeMap::new();
    pages.iter().flatten().for_each(|line| *letters.entry((line.size * 2.0).round() as i64).or_default() += line.text.chars().count());
    letters.into_iter().max_by_key(|(_, count)| *count).map_or(10.0, |(size, _)| size as f64 / 2.0)
}

/// The sizes of headings, the largest first, each one level.
fn heading_sizes(pages: &[Vec<Line>], usual: f64) -> Vec<i64> {
    let mut sizes: Vec<i64> =
        pages.iter().flatten().filter(|line| is_heading(line, usual)).map(|line| (line.size * 2.0).round() as i64).collect();
    sizes.sort_unstable_by(|a, b| b.cmp(a));
    sizes.dedup();
    sizes
}

fn is_heading(line: &Line, usual: f64) -> bool {
    line.size > usual * HEADING && columns(&line.text) <= HEADING_COLUMNS && line.text.chars().any(char::is_alphabetic)
}

/// Puts the lines of one page together.
fn blocks(lines: Vec<Line>, usual: f64, sizes: &[i64], blocks: &mut Vec<Block>) {
    let mut gaps: Vec<f64> = lines.windows(2).map(|pair| pair[1].y - pair[0].y).filter(|gap| *gap > 0.0 && *gap < usual * 4.0).collect();
    gaps.sort_by(f64::total_cmp);
    let step = gaps.get(gaps.len() / 2).copied().unwrap_or(usual * 1.2);
    let right = lines.iter().map(|line| line.end).fold(0.0, f64::max);
    let mut before: Option<Line> = None;
    for line in lines {
        let heading = is_heading(&line, usual);
        let level = sizes.iter().position(|size| *size == (line.size * 2.0).round() as i64).map_or(1, |index| index.min(5) as u8 + 1);
        let item =
            ["• ", "● ", "▪ ", "◦ ", "– ", "- ", "* ", "· ", "∙ ", "•"].iter().find_map(|mark| line.text.strip_prefix(mark)).map(one_line);
        let follows = before.as_ref().is_some_and(|before| {
            let gap = line.y - before.y;
            let near = gap > 0.0 && gap < step * PARAGRAPH;
            // A line that ends early after a full stop ends its paragraph.
            let ended = before.end < right * 0.75 && before.text.ends_with(['.', '!', '?', ':', '。']);
            near && !ended && (before.size - line.size).abs() < 0.1 * usual
        });
        match (blocks.last_mut(), item) {
            (Some(Block::List(items)), Some(item)) if before.is_some() => items.push(item),
            (_, Some(item)) if !heading => blocks.push(Block::List(vec![item])),
            (Some(Block::Heading(last, text)), _) if heading && follows && *last == level => append(text, &line.text),
            _ if heading => blocks.push(Block::Heading(level, line.text.clone())),
            (Some(Block::Prose(text)), _) if follows => append(text, &line.text),
            (Some(Block::List(items)), _)
                if follows && before.as_ref().is_some_and(|before| line.x > before.x - 1.0 || items.len() == 1) =>
            {
                if let Some(item) = items.last_mut() {
                    append(item, &line.text);
                }
            }
            // A paragraph goes on on the next page.
            (Some(Block::Prose(text)), _) if before.is_none() && !text.ends_with(['.', '!', '?', ':', '。', '…']) => {
                append(text, &line.text)
            }
            _ => blocks.push(Block::Prose(line.text.clone())),
        }
        before = Some(line);
    }
}

/// Adds a line to a text; a word that was divided is made whole.
fn append(text: &mut String, line: &str) {
    let divided = text.ends_with(['-', '\u{ad}', '‐'])
        && line.starts_with(char::is_lowercase)
        && text.chars().rev().nth(1).is_some_and(char::is_alphabetic);
    let wide = |c: Option<char>| c.is_some_and(|c| columns(c.encode_utf8(&mut [0; 4])) == 2);
    if divided {
        text.pop();
    } else if !(wide(text.chars().next_back()) && wide(line.chars().next())) {
        text.push(' ');
    }
    text.push_str(line);
}
