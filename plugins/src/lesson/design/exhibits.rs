//! Slides that show something: a picture, somebody's words, a table, source code.

use super::super::canvas::{Align, ImageFile, Paint, Style, Text, VerticalAlign};
use super::super::content::Picture;
use super::board::{Area, Board, LEAST, centred, fitted, line};
use super::theme::{CODE_FONT, Look};
use super::{Grid, Page, style};
use crate::drawing::TextBlock;

/// Columns of a table at most; more would be too narrow to read.
const TABLE_COLUMNS: usize = 6;
/// Size of its letters, if there is room.
const TABLE_LETTERS: f64 = 26.0;
/// Lines of code on a slide.
const CODE_LINES: usize = 22;

impl Grid {
    /// A picture with its description under it, beside the lines of text if there are some.
    pub(super) fn picture(&self, board: &mut Board, page: &Page<'_>, picture: &Picture, look: &Look) {
        let body = self.body();
        let portrait = picture.size.1 as f64 > picture.size.0 as f64 * 1.1;
        let share = match (page.points.is_empty(), portrait) {
            (true, _) => 1.0,
            (false, true) => 0.42,
            (false, false) => 0.54,
        };
        let gap = if share < 1.0 { 32.0 } else { 0.0 };
        let area = [body[0] + body[2] * (1.0 - share) + gap / 2.0, body[1], body[2] * share - gap / 2.0, body[3]];
        let caption = picture.text.trim();
        let under = if caption.is_empty() { 0.0 } else { 56.0 };
        let room = [area[2], area[3] - under];
        // As large as it goes, but not blown up to more than twice its pixels.
        let pixels = [f64::from(picture.size.0.max(1)), f64::from(picture.size.1.max(1))];
        let scale = (room[0] / pixels[0]).min(room[1] / pixels[1]).min(2.0);
        let size = [pixels[0] * scale, pixels[1] * scale];
        let place = [area[0] + (area[2] - size[0]) / 2.0, area[1] + (room[1] - size[1]) / 2.0, size[0], size[1]];
        board.rectangle("frame", [place[0] - 5.0, place[1] - 5.0, place[2] + 10.0, place[3] + 10.0], 4.0, Paint::Color(look.line));
        board.image("picture", place, ImageFile { path: picture.path.clone(), hash: picture.hash });
        if under > 0.0 {
            let text = fitted(
                |size| centred(line(caption, Style { italic: true, ..style(look.text_font, size, look.quiet) })),
                area[2],
                under - 16.0,
                19.0,
                LEAST,
            );
            board.text("caption", [area[0], place[1] + place[3] + 14.0, area[2], under - 14.0], text);
        }
        if share < 1.0 {
            self.points(board, page, [body[0], body[1], body[2] * (1.0 - share) - gap / 2.0, body[3]], look);
        }
    }

    /// The words of somebody, large, in the middle; a quotation mark hangs beside their first line.
    pub(super) fn quote(&self, board: &mut Board, quote: &str, look: &Look) {
        const FONT: &str = "Caladea, Noto Serif, serif";
        let [x, y, width, height] = self.body();
        let words = |size: f64| Text {
            line_height: 1.3,
            ..line(quote.trim_matches(['"', '“', '”', '„', '«', '»', ' ']), Style { italic: true, ..style(FONT, size, look.text) })
        };
        let room = [width - 90.0, height - 40.0];
        let words = fitted(words, room[0], room[1], 40.0, LEAST);
        let size = TextBlock::lay_out(&words, room[0]).size();
        let top = y + 20.0 + (room[1] - size.1).max(0.0) / 2.0;
        let mark = line("“", Style { weight: 700, ..style(FONT, 110.0, look.accent) });
        // The upper edges of the mark and of the first letter are level.
        board.text("mark", [x, top - 8.0, 90.0, 130.0], board.sided(mark));
        board.text("quote", [x + 70.0, top, room[0], room[1]], words);
    }

    /// Rows and columns; the first row names the columns.
    pub(super) fn table(&self, board: &mut Board, rows: &[Vec<String>], look: &Look) {
        let [x, y, width, height] = self.body();
        // Figures are written from the left in all scripts.
        let figures = if board.mirrored { Align::Left } else { Align::Right };
        let columns = rows.iter().map(Vec::len).max().unwrap_or(0).min(TABLE_COLUMNS);
        if columns == 0 {
            return;
        }
        let cell = |row: &[String], column: usize| row.get(column).cloned().unwrap_or_default();
        let pad = 12.0;
        let is_number = |text: &str| text.chars().any(|c| c.is_ascii_digit()) && !text.chars().any(|c| c.is_alphabetic() && c != 'k');
        let numbers: Vec<bool> = (0..columns)
            .map(|column| {
                column > 0
                    && rows.iter().skip(1).all(|row| {
                        let text = cell(row, column);
                        text.is_empty() || is_number(&text)
                    })
            })
            .collect();
        let text = |row: usize, column: usize, size: f64| {
            let head = row == 0;
            let look =
                Style { weight: if head { 700 } else { 400 }, ..style(look.text_font, size, if head { look.on_head } else { look.text }) };
            Text { align: if numbers[column] { figures } else { Align::Start }, ..line(&cell(&rows[row], column), look) }
        };
        // Each column takes its longest word, and of the rest as much as its text asks for.
        let widest = |text: &str, style: &Style| {
            text.split_whitespace().map(|word| TextBlock::lay_out(&line(word, style.clone()), 0.0).size().0).fold(0.0, f64::max)
        };
        let needs = |column: usize| {
            let mut need = (0.0, 0.0);
            for (index, row) in rows.iter().enumerate() {
                let text = text(index, column, TABLE_LETTERS);
                let style = &text.paragraphs[0].runs[0].style;
                need.0 = f64::max(need.0, widest(&cell(row, column), style) + 2.0 * pad + 2.0);
                need.1 = f64::max(need.1, (TextBlock::lay_out(&text, 0.0).size().0 + 2.0 * pad + 2.0).min(width * 0.5));
            }
            (need.0, need.1.max(need.0 + 1.0))
        };
        let needs: Vec<(f64, f64)> = (0..columns).map(needs).collect();
        let (least, wished) = needs.iter().fold((0.0, 0.0), |sum, need| (sum.0 + need.0, sum.1 + need.1));
        let widths: Vec<f64> = needs
            .iter()
            .map(
                |(need, wish)| if least < width { need + (wish - need) * (width - least) / (wished - least) } else { width * need / least },
            )
            .collect();
        let heights = |size: f64| -> Vec<f64> {
            let high = |row: usize| {
                (0..columns)
                    .map(|column| TextBlock::lay_out(&text(row, column, size), widths[column] - 2.0 * pad).size().1)
                    .fold(size * 1.15, f64::max)
                    + size * 0.9
            };
            (0..rows.len()).map(high).collect()
        };
        let mut size = TABLE_LETTERS;
        while size > LEAST && heights(size).iter().sum::<f64>() > height {
            size = (size * 9.4).floor().max(LEAST * 10.0) / 10.0;
        }
        let mut heights = heights(size);
        let total: f64 = heights.iter().sum();
        if total > height {
            heights.iter_mut().for_each(|row| *row *= height / total);
        }
        let mut top = y + ((height - total) * 0.25).clamp(0.0, 40.0);
        for (row, high) in heights.iter().enumerate() {
            match row {
                0 => board.rectangle("head", [x, top, width, *high], 6.0, Paint::Color(look.head)),
                row if row % 2 == 0 => board.rectangle("row", [x, top, width, *high], 0.0, Paint::Color(look.panel)),
                _ => {}
            }
            let mut left = x;
            for (column, wide) in widths.iter().enumerate() {
                let area: Area = [left + pad, top, wide - 2.0 * pad, *high];
                if !cell(&rows[row], column).is_empty() {
                    let cell =
                        fitted(|size| Text { anchor: VerticalAlign::Middle, ..text(row, column, size) }, area[2], area[3], size, LEAST);
                    board.text("cell", area, cell);
                }
                left += wide;
            }
            top += high;
            board.rectangle("line", [x, top - 0.5, width, 1.0], 0.0, Paint::Color(look.line));
        }
    }

    /// Lines as they stand, in letters of one width.
    pub(super) fn code(&self, board: &mut Board, code: &str, look: &Look) {
        let [x, y, width, height] = self.body();
        let mut lines: Vec<String> = code.lines().take(CODE_LINES).map(|line| line.replace('\t', "    ")).collect();
        if code.lines().count() > CODE_LINES {
            lines.push("…".into());
        }
        let code = lines.join("\n");
        let inner = [x + 24.0, y + 20.0, width - 48.0, height - 40.0];
        let text = |size: f64| Text { align: Align::Left, line_height: 1.32, ..line(&code, style(CODE_FONT, size, look.text)) };
        // Lines are kept whole as long as they can be read.
        let natural = |size: f64| TextBlock::lay_out(&text(size), 0.0).size();
        let mut size: f64 = 25.0;
        while size > 15.0 && (natural(size).0 > inner[2] || natural(size).1 > inner[3]) {
            size = (size * 9.6).floor().max(150.0) / 10.0;
        }
        let text = fitted(text, inner[2], inner[3], size, LEAST);
        let (_, used) = TextBlock::lay_out(&text, inner[2]).size();
        board.rectangle("panel", [x, y, width, (used + 40.0).min(height)], 12.0, Paint::Color(look.panel));
        board.rectangle("bar", [x, y, 6.0, (used + 40.0).min(height)], 3.0, Paint::Color(look.accent));
        board.text("code", inner, text);
    }
}
