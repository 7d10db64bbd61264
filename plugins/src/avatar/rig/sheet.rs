//! Sheets: many poses of a presenter in one picture, to judge a drawing by.

use std::io::Cursor;
use std::sync::Arc;

use engine::frame::{Point, Size};
use image::{ImageFormat, Rgba, RgbaImage};
use vello_cpu::kurbo::Rect;

use super::draw::Painter;
use super::figure::Rig;
use super::pose::Pose;
use super::poses::MOUTH_POSES;
use crate::drawing::{self, Scene};
use crate::lesson::canvas::{Align, Canvas, Color, Content, Object, Paint, Paragraph, Run, Style, Text};

/// Pictures side by side.
const COLUMNS: usize = 8;
/// Height in pixels of a face, and of a whole figure.
const FACE: u32 = 288;
const FIGURE: u32 = 360;
/// Height in pixels of the line under a picture.
const LINE: u32 = 30;
const GROUND: [u8; 3] = [0xe3, 0xe9, 0xee];
const INK: Color = Color([0x2b, 0x33, 0x3b, 0xff]);

/// What a sheet shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sheet {
    /// The face with each mouth pose.
    Visemes,
    /// The whole figure with its head turned, tilted, raised, lowered.
    Heads,
    /// The face with what lids, brows, gaze and smile can say.
    Emotions,
}

impl Sheet {
    /// All of them.
    pub const ALL: [Sheet; 3] = [Sheet::Visemes, Sheet::Heads, Sheet::Emotions];

    /// Its name, for files.
    pub fn name(self) -> &'static str {
        match self {
            Sheet::Visemes => "visemes",
            Sheet::Heads => "heads",
            Sheet::Emotions => "emotions",
        }
    }

    /// The sheet of `rigs`, see [`sheet`], as the bytes of a PNG file.
    pub fn png(self, rigs: &[Arc<Rig>]) -> Vec<u8> {
        let mut png = Vec::new();
        sheet(self, rigs).write_to(&mut Cursor::new(&mut png), ImageFormat::Png).expect("RGBA can be PNG, and memory takes it");
        png
    }

    /// Names and poses, in the order of reading; always full rows.
    fn looks(self) -> Vec<(&'static str, Pose)> {
        let calm = Pose::NEUTRAL;
        let mouth = |parts: &[(&str, f64)]| {
            let mut mouth = [0.0; 16];
            for (slot, pose) in mouth.iter_mut().zip(MOUTH_POSES) {
                *slot = parts.iter().find(|(name, _)| *name == pose).map_or(0.0, |(_, weight)| *weight);
            }
            mouth
        };
        match self {
            Sheet::Visemes => MOUTH_POSES.into_iter().map(|name| (name, Pose { mouth: Pose::mouth_of(name), ..calm })).collect(),
            Sheet::Heads => {
                let head = |yaw, pitch, tilt| Pose { yaw, pitch, tilt, gaze_x: -yaw / 3.0, gaze_y: -pitch / 4.0, ..calm };
                vec![
                    ("left", head(-1.0, 0.0, 0.0)),
                    ("right", head(1.0, 0.0, 0.0)),
                    ("up", head(0.0, -1.0, 0.0)),
                    ("down", head(0.0, 1.0, 0.0)),
                    ("left, up, tilted", head(-1.0, -1.0, -1.0)),
                    ("right, up, tilted", head(1.0, -1.0, 1.0)),
                    ("left, down, tilted", head(-1.0, 1.0, 1.0)),
                    ("right, down, tilted", head(1.0, 1.0, -1.0)),
                ]
            }
            Sheet::Emotions => vec![
                ("calm", calm),
                ("glad", Pose { mouth: mouth(&[("sil", 0.45), ("smile", 0.55)]), raised: 0.25, ..calm }),
                ("laughing", Pose { mouth: mouth(&[("smile", 0.85), ("aa", 0.15)]), raised: 0.4, pitch: -0.3, ..calm }),
                ("surprised", Pose { mouth: mouth(&[("sil", 0.55), ("oh", 0.45)]), raised: 1.0, pitch: -0.2, ..calm }),
                ("concerned", Pose { concerned: 1.0, tilt: 0.5, ..calm }),
                ("asking", Pose { mouth: mouth(&[("sil", 0.8), ("ih", 0.2)]), raised: 0.8, tilt: 0.8, ..calm }),
                ("at the slide", Pose { yaw: -0.5, gaze_x: -0.6, raised: 0.2, ..calm }),
                ("eyes closed", Pose { blink: 1.0, ..calm }),
            ],
        }
    }
}

/// Draws a sheet of `rigs`, one below the other: opaque RGBA, the name of each pose under it. The letters depend on the fonts of the
/// machine.
pub fn sheet(kind: Sheet, rigs: &[Arc<Rig>]) -> RgbaImage {
    let looks = kind.looks();
    let height = if kind == Sheet::Heads { FIGURE } else { FACE };
    let cells: Vec<Cell> = rigs.iter().map(|rig| Cell::new(rig, kind, height)).collect();
    let width = cells.iter().map(|cell| cell.size.width).max().unwrap_or(2);
    let rows = looks.len().div_ceil(COLUMNS);
    let whole = Size::new(width * COLUMNS as u32, ((height + LINE) as usize * rows * rigs.len()) as u32);
    let place = |rig: usize, look: usize| Point {
        x: (look % COLUMNS) as i32 * width as i32,
        y: ((rig * rows + look / COLUMNS) as u32 * (height + LINE)) as i32,
    };
    let mut canvas =
        Canvas::new(f64::from(whole.width), f64::from(whole.height), Paint::Color(Color([GROUND[0], GROUND[1], GROUND[2], 255])));
    for rig in 0..rigs.len() {
        for (look, (name, _)) in looks.iter().enumerate() {
            let at = place(rig, look);
            let line = [f64::from(at.x), f64::from(at.y) + f64::from(height) + 4.0, f64::from(width), f64::from(LINE) - 4.0];
            canvas.objects.push(Object::new(format!("{rig}-{look}"), line, Content::Text(label(name))));
        }
    }
    let ground = drawing::Painter::default().picture(&Scene::new(&canvas, whole), &[]);
    let pixels = ground.data().iter().flat_map(|p| [p.r, p.g, p.b, p.a]).collect();
    let mut sheet = RgbaImage::from_raw(whole.width, whole.height, pixels).expect("four bytes a pixel");
    for (index, mut cell) in cells.into_iter().enumerate() {
        for (look, (_, pose)) in looks.iter().enumerate() {
            let Point { x, y } = place(index, look);
            let middle = (width - cell.size.width) / 2;
            cell.draw(pose, &mut sheet, x as u32 + middle, y as u32);
        }
    }
    sheet
}

fn label(name: &str) -> Text {
    let style = Style { size: 17.0, color: INK, ..Style::default() };
    let paragraph = Paragraph { runs: vec![Run { text: name.into(), style }], ..Paragraph::default() };
    Text { paragraphs: vec![paragraph], align: Align::Center, ..Text::default() }
}

/// The part of a presenter's picture that a sheet shows.
struct Cell {
    painter: Painter,
    /// Its top left corner in the presenter's picture, in pixels.
    from: (u32, u32),
    size: Size,
}

impl Cell {
    /// `height` is that of the cell, in pixels.
    fn new(rig: &Arc<Rig>, kind: Sheet, height: u32) -> Cell {
        let space = rig.space();
        let face = rig.face().intersect(space);
        // A rig may say that its eyes are anywhere.
        let part = if kind == Sheet::Heads || face.width() < 1.0 || face.height() < 1.0 { space } else { face };
        let painted = (f64::from(height) * space.height() / part.height()).round() as u16;
        let painter = Painter::new(rig.clone(), painted);
        let at: Rect = painter.view().transform_rect_bbox(part);
        let (width, all) = (u32::from(painter.picture().width()), u32::from(painter.picture().height()));
        let from = ((at.x0.max(0.0) as u32).min(width - 1), (at.y0.round().max(0.0) as u32).min(all.saturating_sub(height)));
        let size = Size::new((at.width() as u32).min(width - from.0), height.min(all));
        Cell { painter, from, size }
    }

    /// Draws `pose` over what is at `x`, `y` of the sheet.
    fn draw(&mut self, pose: &Pose, sheet: &mut RgbaImage, x: u32, y: u32) {
        self.painter.paint(pose);
        let picture = self.painter.picture();
        let across = usize::from(picture.width());
        for row in 0..self.size.height {
            let line = &picture.data()[(self.from.1 + row) as usize * across + self.from.0 as usize..][..self.size.width as usize];
            for (column, over) in line.iter().enumerate() {
                let Rgba(under) = sheet.get_pixel_mut(x + column as u32, y + row);
                let left = 255 - u32::from(over.a);
                for (value, over) in under.iter_mut().zip([over.r, over.g, over.b]) {
                    *value = (u32::from(over) + (u32::from(*value) * left + 127) / 255).min(255) as u8;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{builtin, names};
    use super::*;

    #[test]
    fn sheets_show_every_pose_of_every_presenter() {
        let rigs: Vec<Arc<Rig>> = names().map(|name| Arc::new(builtin(name).unwrap())).collect();
        for kind in Sheet::ALL {
            let looks = kind.looks().len();
            assert_eq!(looks % COLUMNS, 0, "{kind:?}: the last row is full");
            let drawn = sheet(kind, &rigs);
            let rows = looks / COLUMNS * rigs.len();
            let (width, height) = (drawn.width() / COLUMNS as u32, drawn.height() / rows as u32);
            let picture = |index: usize| {
                let (x, y) = ((index % COLUMNS) as u32 * width, (index / COLUMNS) as u32 * height);
                image::imageops::crop_imm(&drawn, x, y, width, height - LINE).to_image()
            };
            let pictures: Vec<RgbaImage> = (0..rows * COLUMNS).map(picture).collect();
            for (index, picture) in pictures.iter().enumerate() {
                let ground = picture.pixels().filter(|p| p.0[..3] == GROUND).count();
                assert!(ground < (width * (height - LINE)) as usize * 9 / 10, "{kind:?}, {index}: empty");
                assert!(picture.pixels().all(|p| p.0[3] == 255));
                assert!(!pictures[..index].contains(picture), "{kind:?}: picture {index} is there twice");
            }
        }
    }
}
