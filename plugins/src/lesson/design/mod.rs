//! Generated slides: what a slide has to show, laid out as a canvas in one of the themes.
//!
//! Everything is drawn in boxes of a grid on a canvas 720 units high; the column at the end is the presenter's, and nothing to read stands
//! there. Text is made as large as its box takes and never larger than its box. Scripts from right to left have the whole slide mirrored,
//! presenter and all.

mod board;
mod exhibits;
mod theme;

#[cfg(test)]
mod tests;

pub use theme::Theme;

use super::canvas::{Canvas, Color, Paint, Paragraph, Run, Style, Text, VerticalAlign};
use super::content::Exhibit;
use crate::writer::Role;
use board::{Area, Board, LEAST, fitted, line};
use engine::cue::{Anchor, Placement};
use theme::{Look, falling, look};

/// Proportions of generated slides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Proportions {
    /// 16 to 9.
    #[default]
    Wide,
    /// 4 to 3.
    Classic,
}

impl Proportions {
    /// Width and height of the canvas.
    fn sides(self) -> [f64; 2] {
        match self {
            Proportions::Wide => [1280.0, 720.0],
            Proportions::Classic => [960.0, 720.0],
        }
    }

    /// Width and height in lowest terms.
    pub fn ratio(self) -> (u32, u32) {
        match self {
            Proportions::Wide => (16, 9),
            Proportions::Classic => (4, 3),
        }
    }
}

impl std::str::FromStr for Proportions {
    type Err = String;

    fn from_str(text: &str) -> Result<Proportions, String> {
        match text.trim() {
            "16x9" | "16:9" => Ok(Proportions::Wide),
            "4x3" | "4:3" => Ok(Proportions::Classic),
            other => Err(format!("{other:?} is no shape of generated slides; there are 16x9 and 4x3")),
        }
    }
}

/// How generated slides are made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Design {
    /// Colours and fonts.
    pub theme: Theme,
    /// Proportions.
    pub shape: Proportions,
}

/// What one slide has to show.
pub(super) struct Page<'a> {
    pub role: Role,
    pub title: &'a str,
    pub points: &'a [String],
    pub exhibit: Option<&'a Exhibit>,
    /// Of the whole lecture.
    pub lecture: &'a str,
    /// Its number and how many there are.
    pub number: (usize, usize),
    /// Of the text, as a BCP 47 tag.
    pub language: &'a str,
}

impl Design {
    /// Draws a slide, and says where the presenter stands on it.
    pub(super) fn slide(self, page: &Page<'_>) -> (Canvas, Placement) {
        let mirrored = is_rtl(page.language);
        let look = look(self.theme);
        let grid = Grid::of(self.shape);
        let anchor = mirrored.then_some(Anchor::BottomLeft);
        let cover = matches!(page.role, Role::Title | Role::Chapter) || (page.role == Role::Closing && page.points.is_empty());
        let canvas = if cover { grid.cover(page, &look, mirrored) } else { grid.content(page, &look, mirrored) };
        // On a cover there is room: the presenter greets.
        let height = (page.role == Role::Title).then_some(0.6);
        (canvas, Placement { anchor, height, ..Placement::default() })
    }
}

/// Scripts that are written from the right.
fn is_rtl(language: &str) -> bool {
    let primary = language.split(['-', '_']).next().unwrap_or_default().to_lowercase();
    ["ar", "he", "fa", "ur", "ps", "yi", "dv"].contains(&primary.as_str())
}

/// Where things stand.
struct Grid {
    sides: [f64; 2],
    /// Left edge of all text.
    left: f64,
    /// Width of the column of text.
    width: f64,
    /// Left edge of the presenter's column.
    stage: f64,
}

/// Top and height of titles.
const TITLE: [f64; 2] = [52.0, 96.0];
/// Top of what stands under the title, and where it ends.
const BODY: [f64; 2] = [184.0, 636.0];
/// Baseline box of number and lecture at the foot.
const FOOT: [f64; 2] = [668.0, 24.0];

impl Grid {
    fn of(shape: Proportions) -> Grid {
        let sides = shape.sides();
        match shape {
            Proportions::Wide => Grid { sides, left: 72.0, width: 838.0, stage: 950.0 },
            Proportions::Classic => Grid { sides, left: 52.0, width: 588.0, stage: 672.0 },
        }
    }

    fn body(&self) -> Area {
        [self.left, BODY[0], self.width, BODY[1] - BODY[0]]
    }

    /// The first slide, the last one, and those that begin a chapter.
    fn cover(&self, page: &Page<'_>, look: &Look, mirrored: bool) -> Canvas {
        let [width, height] = self.sides;
        let mut board = Board::new(self.sides, falling(look.cover), mirrored);
        let glow = Paint::Color(Color([look.on_cover.0[0], look.on_cover.0[1], look.on_cover.0[2], 22]));
        let round = width * 0.42;
        board.ellipse("glow", [width - round * 0.86, height - round * 0.92, round, round], glow.clone());
        let inner = round * 0.72;
        board.ellipse(
            "glow",
            [width - round * 0.86 + (round - inner) / 2.0, height - round * 0.92 + (round - inner) / 2.0, inner, inner],
            glow,
        );
        let big = if page.role == Role::Title { 68.0 } else { 56.0 };
        let text = |size: f64| Text {
            anchor: VerticalAlign::Middle,
            ..line(page.title, Style { weight: 700, ..style(look.title_font, size, look.on_cover) })
        };
        let area = [self.left, 170.0, self.width * 0.94, 330.0];
        let title = fitted(text, area[2], area[3], big, 26.0);
        let used = board.text("title", area, title);
        let top = area[1] + (area[3] - used) / 2.0;
        board.rectangle("accent", [self.left, top + used + 26.0, 96.0, 7.0], 3.5, Paint::Color(look.cover_accent));
        if page.role == Role::Chapter {
            self.foot(&mut board, page, look, look.on_cover);
        }
        board.canvas
    }

    fn content(&self, page: &Page<'_>, look: &Look, mirrored: bool) -> Canvas {
        let [width, height] = self.sides;
        let mut board = Board::new(self.sides, falling(look.ground), mirrored);
        board.rectangle("stage", [self.stage, 0.0, width - self.stage, height], 0.0, falling(look.stage));
        board.rectangle("edge", [self.stage, 0.0, 4.0, height], 0.0, Paint::Color(look.accent));
        let title = fitted(
            |size| Text {
                anchor: VerticalAlign::Bottom,
                line_height: 1.08,
                ..line(page.title, Style { weight: 700, ..style(look.title_font, size, look.title) })
            },
            self.width,
            TITLE[1],
            50.0,
            20.0,
        );
        board.text("title", [self.left, TITLE[0], self.width, TITLE[1]], title);
        board.rectangle("accent", [self.left, TITLE[0] + TITLE[1] + 10.0, 72.0, 5.0], 2.5, Paint::Color(look.accent));
        match page.exhibit {
            Some(Exhibit::Picture(picture)) => self.picture(&mut board, page, picture, look),
            Some(Exhibit::Quote(quote)) => self.quote(&mut board, quote, look),
            Some(Exhibit::Table(rows)) => self.table(&mut board, rows, look),
            Some(Exhibit::Code(code)) => self.code(&mut board, code, look),
            None => self.points(&mut board, page, self.body(), look),
        }
        self.foot(&mut board, page, look, look.quiet);
        board.canvas
    }

    /// Lines of a list; a single one is a statement.
    fn points(&self, board: &mut Board, page: &Page<'_>, area: Area, look: &Look) {
        match page.points {
            [] => {}
            [statement] => {
                let text = fitted(
                    |size| Text {
                        anchor: VerticalAlign::Middle,
                        line_height: 1.25,
                        ..line(statement, style(look.text_font, size, look.text))
                    },
                    area[2],
                    area[3],
                    44.0,
                    LEAST,
                );
                board.text("statement", area, text);
            }
            points => {
                let numbered = page.role == Role::Agenda;
                let list = |size: f64| {
                    let paragraph = |(index, point): (usize, &String)| Paragraph {
                        runs: vec![Run { text: point.clone(), style: style(look.text_font, size, look.text) }],
                        marker: Some(if numbered { format!("{}.", index + 1) } else { "•".into() }),
                        indent: size * if numbered { 1.5 } else { 1.0 },
                        space_before: size * 0.68,
                    };
                    Text { paragraphs: points.iter().enumerate().map(paragraph).collect(), line_height: 1.22, ..Text::default() }
                };
                // Few lines stand in the upper middle rather than at the top edge.
                let text = fitted(list, area[2], area[3], 38.0, LEAST);
                let (_, used) = crate::drawing::TextBlock::lay_out(&text, area[2]).size();
                let down = ((area[3] - used) * 0.3).clamp(0.0, 60.0);
                board.text("points", [area[0], area[1] + down, area[2], area[3] - down], text);
            }
        }
    }

    /// The lecture's name and the slide's number.
    fn foot(&self, board: &mut Board, page: &Page<'_>, look: &Look, color: Color) {
        let small = |size: f64| style(look.text_font, size, color);
        let number = format!("{} / {}", page.number.0, page.number.1);
        board.text("number", [self.left, FOOT[0], 90.0, FOOT[1]], board.sided(line(&number, small(16.0))));
        if page.title != page.lecture {
            let width = self.width - 110.0;
            let name = fitted(|size| line(page.lecture, small(size)), width, FOOT[1], 16.0, LEAST);
            board.text("lecture", [self.left + 100.0, FOOT[0], width, FOOT[1]], board.sided(name));
        }
    }
}

fn style(family: &str, size: f64, color: Color) -> Style {
    Style { family: family.into(), size, color, ..Style::default() }
}
