//! Edges of presenters that are cut out, enlarged: by the alpha that they are drawn with, and from in front of a screen, as films have them.

use crate::overlays::slide_picture;
use crate::sheet::Sheet;
use engine::frame::{Size, VideoFrame};
use engine::node::{In, Out};
use engine::packet::Packet;
use engine::pool::Pool;
use engine::testing::NodeTest;
use engine::time::{Span, Time};
use image::imageops::{FilterType, crop_imm, resize};
use image::{Rgb, RgbImage};
use plugins::avatar::rig::{Painter, Pose, builtin, names};
use plugins::compositor::chroma_compositor::CHROMA_COMPOSITOR;
use plugins::pixels::{Alpha, frame_to_rgba, rgba_to_a420, rgba_to_i420};
use std::sync::Arc;

const SLIDE: In<VideoFrame> = In::new("slide");
const AVATAR: In<VideoFrame> = In::new("avatar");
const VIDEO: Out<VideoFrame> = Out::new("video");
/// How high a presenter is, in pixels, as in a lecture of 720 lines.
const HEIGHT: u16 = 540;
/// What is shown of it, and how much larger.
const PART: u32 = 96;
const TIMES: u32 = 4;
/// The colour of a screen, the default of the key.
const SCREEN: [u8; 3] = [0x00, 0xb1, 0x40];

/// The hair of each presenter, a row each.
pub fn edges() -> Sheet {
    let mut sheet = Sheet::new(Size::new(PART * TIMES, PART * TIMES), 4);
    for name in names() {
        let mut painter = Painter::new(Arc::new(builtin(name).expect("it is part of the program")), HEIGHT);
        painter.paint(&Pose::NEUTRAL);
        let drawn = painter.picture();
        let size = Size::new(drawn.width().into(), drawn.height().into());
        let rgba = drawn.data_as_u8_slice();
        let (x, y) = hair(rgba, size);
        for light in [true, false] {
            let drawn = rgba_to_a420(rgba, size, Alpha::Premultiplied, &Pool::new()).expect("a picture of this size");
            let screened = rgba_to_i420(&before_screen(rgba), size, &Pool::new()).expect("a picture of this size");
            for (how, avatar) in [("alpha", drawn), ("screen", screened)] {
                let part = crop_imm(&placed(avatar, size, light), x, y, PART, PART).to_image();
                let ground = if light { "light" } else { "dark" };
                sheet.add(resize(&part, PART * TIMES, PART * TIMES, FilterType::Nearest), format!("{name}, {how}, {ground} slide"));
            }
        }
    }
    sheet
}

/// Where the outline of the head is a slope: a corner of the part that is shown.
fn hair(rgba: &[u8], size: Size) -> (u32, u32) {
    let is_there = |x: u32, y: u32| rgba[(y * size.width + x) as usize * 4 + 3] > 128;
    let top = (0..size.height).find(|&y| (0..size.width).any(|x| is_there(x, y))).unwrap_or(0);
    let row = (top + PART / 3).min(size.height - 1);
    let left = (0..size.width).find(|&x| is_there(x, row)).unwrap_or(0);
    (left.saturating_sub(PART / 3).min(size.width - PART), top.saturating_sub(PART / 8).min(size.height - PART))
}

/// Colours that stand for their coverage already, in front of the screen.
fn before_screen(rgba: &[u8]) -> Vec<u8> {
    let behind = |pixel: &[u8], channel: usize| pixel[channel] + (u16::from(SCREEN[channel]) * u16::from(255 - pixel[3]) / 255) as u8;
    rgba.chunks_exact(4).flat_map(|pixel| [behind(pixel, 0), behind(pixel, 1), behind(pixel, 2), 255]).collect()
}

/// The presenter in front of a slide of its own size.
fn placed(avatar: VideoFrame, size: Size, light: bool) -> RgbImage {
    let slide: Vec<u8> = slide_picture(size, light).pixels().flat_map(|Rgb([r, g, b])| [*r, *g, *b, 255]).collect();
    let slide = rgba_to_i420(&slide, size, &Pool::new()).expect("a picture of this size");
    let (start, end) = (Time::ZERO, Time::ZERO + Span::from_seconds(1));
    let test = NodeTest::new(&CHROMA_COMPOSITOR, "{ place: { anchor: center, height: 100%, margin: 0 } }");
    let test = test.input(SLIDE, vec![Packet::new(start, slide)], end).input(AVATAR, vec![Packet::new(start, avatar)], end);
    let frames = test.run().unwrap_or_else(|failure| panic!("{failure}")).packets(VIDEO);
    let rgba = frame_to_rgba(&frames[0].media);
    RgbImage::from_fn(size.width, size.height, |x, y| {
        let at = (y * size.width + x) as usize * 4;
        Rgb([rgba[at], rgba[at + 1], rgba[at + 2]])
    })
}
