//! How slides come in, at several moments.

use crate::overlays::{fitted, slide_picture};
use crate::sheet::Sheet;
use engine::cue::{Cue, Easing, Motion, Side, SlideCue, Transition};
use engine::frame::{Size, VideoFrame};
use engine::node::{In, Out};
use engine::packet::Packet;
use engine::registry::Defaults;
use engine::testing::NodeTest;
use engine::time::{Rate, Time};
use image::{Rgb, RgbImage};
use plugins::pixels::frame_to_rgba;
use plugins::slides::slide_source::SLIDE_SOURCE;
use std::path::Path;
use std::sync::Arc;

const CUES: In<Cue> = In::new("cues");
const VIDEO: Out<VideoFrame> = Out::new("video");
const RATE: Rate = Rate::per_second(30);
const SIZE: Size = Size::new(1280, 720);
/// When the second slide begins, and how long it comes in: in ticks.
const SECOND: i64 = 1;
const LENGTH: i64 = 20;

/// Each kind of transition at five moments, one row each.
pub fn transitions() -> Sheet {
    let folder = tempfile::tempdir().expect("a folder for the slides");
    slide_picture(SIZE, true).save(folder.path().join("a.png")).expect("the folder was just made");
    slide_picture(SIZE, false).save(folder.path().join("b.png")).expect("the folder was just made");
    let motion = |from: Side| Motion { from, duration: RATE.span_of(LENGTH), easing: Easing::EaseInOut };
    let kinds = [
        ("fade", Transition::Fade(RATE.span_of(LENGTH))),
        ("slide from the right", Transition::Slide(motion(Side::Right))),
        ("slide from the top", Transition::Slide(motion(Side::Top))),
        ("push from the right", Transition::Push(motion(Side::Right))),
        ("push from the bottom", Transition::Push(motion(Side::Bottom))),
    ];
    let mut sheet = Sheet::new(Size::new(640, 360), 5);
    for (name, transition) in kinds {
        let frames = frames(folder.path(), transition);
        for tick in [1, 6, 10, 14, 19] {
            sheet.add(fitted(&picture(&frames[(SECOND + tick) as usize].media)), format!("{name}, {tick} of {LENGTH}"));
        }
    }
    sheet
}

/// All pictures of two slides, one a tick.
fn frames(folder: &Path, transition: Transition) -> Vec<Packet<VideoFrame>> {
    let cue = |index: usize, id: &str, at: i64, transition: Transition| {
        let slide = SlideCue { id: id.into(), index, number: index + 1, transition, ..SlideCue::default() };
        Packet::new(RATE.time_of(at), Cue::Slide(Arc::new(slide)))
    };
    let cues = vec![cue(0, "a.png", 0, Transition::Cut), cue(1, "b.png", SECOND, transition)];
    let defaults = Defaults { size: SIZE, fps: RATE, sample_rate: Rate::per_second(48_000) };
    let config = format!("{{ lesson: {} }}", folder.display());
    let end: Time = RATE.time_of(SECOND + LENGTH + 2);
    let out = NodeTest::new(&SLIDE_SOURCE, &config).defaults(defaults).input(CUES, cues, end).run();
    out.unwrap_or_else(|failure| panic!("{config}: {failure}")).packets(VIDEO)
}

fn picture(frame: &VideoFrame) -> RgbImage {
    let (size, rgba) = (frame.size(), frame_to_rgba(frame));
    RgbImage::from_fn(size.width, size.height, |x, y| {
        let at = (y * size.width + x) as usize * 4;
        Rgb([rgba[at], rgba[at + 1], rgba[at + 2]])
    })
}
