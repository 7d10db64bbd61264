use super::*;
use crate::lesson::import;
use crate::pixels::frame_to_rgba;
use engine::frame::Point;
use engine::testing::{NodeTest, Outputs};
use engine::time::Rate;
use std::fs;

const RATE: Rate = Rate::per_second(30);
const HD: Size = Size::new(1920, 1080);

fn cue(tick: i64, index: usize, id: &str, elapsed: i64, paused: bool) -> Packet<Cue> {
    let elapsed = RATE.span_of(elapsed);
    let slide = SlideCue { id: id.into(), index, number: index + 1, elapsed, paused, ..SlideCue::default() };
    Packet::new(RATE.time_of(tick), Cue::Slide(Arc::new(slide)))
}

fn run_at(size: Size, config: &str, cues: Vec<Packet<Cue>>) -> Result<Outputs> {
    let defaults = Defaults { size, fps: RATE, sample_rate: Rate::per_second(48_000) };
    NodeTest::new(&OVERLAY, config).defaults(defaults).input(CUES, cues, RATE.time_of(90)).run()
}

/// A node is called when there is news: there always is a slide.
fn standing() -> Vec<Packet<Cue>> {
    vec![cue(0, 0, "a", 0, false)]
}

fn layers(size: Size, config: &str, cues: Vec<Packet<Cue>>) -> Vec<(i64, VideoFrame)> {
    let out = run_at(size, config, cues).unwrap_or_else(|failure| panic!("{config}: {failure}"));
    assert_eq!(out.end(LAYER), Some(RATE.time_of(90)));
    out.packets(LAYER).into_iter().map(|packet| (RATE.index_at(packet.pts), packet.media)).collect()
}

/// The rectangle in the picture of all pixels that are more than half there.
fn ink(layer: &VideoFrame) -> Rect {
    let (at, alpha) = (layer.place.unwrap(), layer.picture.plane(3));
    let mut ink = Rect::default();
    for y in 0..layer.size().height as i32 {
        for x in 0..layer.size().width as i32 {
            if alpha.data[y as usize * alpha.stride + x as usize] > 127 {
                ink = ink.union(Rect { x: at.x + x, y: at.y + y, width: 1, height: 1 });
            }
        }
    }
    ink
}

use engine::frame::Rect;

#[test]
fn a_watermark_stands_in_its_corner_for_good_and_grows_with_the_picture() {
    let config = "{ watermark: Example University }";
    let all = layers(HD, config, vec![cue(0, 0, "a", 0, false), cue(40, 1, "b", 0, false)]);
    let [(0, layer)] = &all[..] else { panic!("{} layers", all.len()) };
    let full = ink(layer);
    // 50 pixels from the edges, but for the rim and what a line has above and below its letters.
    assert!((1920 - 50 - 12..=1920 - 50).contains(&(full.x + full.width as i32)), "{full:?}");
    assert!((1080 - 50 - 30..=1080 - 50).contains(&(full.y + full.height as i32)), "{full:?}");
    assert!((40..=75).contains(&full.height) && layer.size().area() < 1920 * 1080 / 20, "{full:?}");
    let most = frame_to_rgba(layer).as_chunks::<4>().0.iter().map(|pixel| pixel[3]).max().unwrap();
    assert!((240..=244).contains(&most), "opacity 0.95: {most}");
    let small = ink(&layers(Size::new(640, 360), config, standing())[0].1);
    assert!(small.width.abs_diff(full.width / 3) <= 4 && small.x.abs_diff(full.x / 3) <= 4, "{small:?} of {full:?}");
    let corner = "{ watermark: Example University, mark: { anchor: top_left, margin: 0, size: 32, opacity: 0.5, color: \"#ff0000\" } }";
    let (_, layer) = &layers(HD, corner, standing())[0];
    assert_eq!(layer.place, Some(Point::default()));
    let rgba = frame_to_rgba(layer);
    let clear = rgba.as_chunks::<4>().0.iter().max_by_key(|pixel| u32::from(pixel[0]) * u32::from(pixel[3])).unwrap();
    assert!(clear[0] > 200 && clear[1] < 60 && clear[3] < 135, "{clear:?}");
}

#[test]
fn a_watermark_stands_above_captions_that_would_cover_it_but_not_in_the_face_of_the_presenter() {
    let mark = |anchor: &str, more: &str| {
        let config = format!("{{ watermark: Example University, mark: {{ anchor: {anchor} }}, {more} }}");
        ink(&layers(HD, &config, standing())[0].1)
    };
    let (with, alone) = ("captions: true", "captions: true, presenter: false");
    let captions = super::band(HD);
    for (anchor, more) in [("bottom", with), ("bottom_left", with), ("bottom_right", alone)] {
        let (covered, above) = (mark(anchor, "captions: false"), mark(anchor, more));
        assert!(!covered.intersect(captions).is_empty() && above.intersect(captions).is_empty(), "{anchor}: {above:?}");
        assert!(above.x == covered.x && above.y > 600, "{anchor}: {above:?}");
    }
    assert_eq!(mark("bottom_right", with), mark("bottom_right", "captions: false"));
    assert_eq!(mark("top_left", with), mark("top_left", "captions: false"));
}

#[test]
fn pictures_are_as_high_as_the_mark_and_letters_in_drawings_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    image::RgbaImage::from_pixel(200, 100, image::Rgba([0, 0, 255, 255])).save(path("logo.png")).unwrap();
    fs::write(
        path("logo.svg"),
        r##"<svg xmlns="http://www.w3.org/2000/svg" width="300" height="100"><circle cx="150" cy="50" r="50" fill="#00ff00"/></svg>"##,
    )
    .unwrap();
    let config = |name: &str| format!("{{ watermark: {}, mark: {{ opacity: 1 }} }}", path(name).display());
    let (_, png) = &layers(HD, &config("logo.png"), standing())[0];
    assert_eq!((png.size(), png.place), (Size::new(128, 64), Some(Point { x: 1920 - 50 - 128, y: 1080 - 50 - 64 })));
    let middle = frame_to_rgba(png)[(32 * 128 + 64) * 4..][..4].to_vec();
    assert!(middle[0] < 4 && middle[2] > 250 && middle[3] == 255, "{middle:?}");
    let (_, svg) = &layers(HD, &config("logo.svg"), standing())[0];
    assert_eq!(svg.size(), Size::new(192, 64));
    let pixel = |x: usize| frame_to_rgba(svg)[(32 * 192 + x) * 4..][..4].to_vec();
    assert!(pixel(96)[1] > 250 && pixel(96)[3] == 255 && pixel(2)[3] == 0, "a disc: {:?} {:?}", pixel(96), pixel(2));

    fs::write(path("text.svg"), r#"<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><text>x</text></svg>"#).unwrap();
    fs::write(path("broken.png"), b"no picture").unwrap();
    for (name, cause) in [("text.svg", "into paths"), ("broken.png", "broken.png")] {
        let text = run_at(HD, &config(name), vec![]).err().unwrap().to_string();
        assert!(text.contains(cause), "{text}");
    }
}

/// Three slides with overlays, and one without.
fn lesson(folder: &Path) -> String {
    image::RgbImage::from_pixel(64, 36, image::Rgb([200, 40, 40])).save(folder.join("a.png")).unwrap();
    let yaml = "
version: 1
title: Overlays
language: en
size: 16x9
slides:
  - id: a
    image: a.png
    silence: 1s
    overlays:
      - { role: text, text: Before lunch, from: 200ms, until: 600ms }
      - { role: watermark, text: Draft, from: 0s }
  - id: b
    image: a.png
    silence: 1s
    overlays:
      - { role: text, text: After lunch, from: 0s }
      - { role: bullet, text: One }
  - { id: c, image: a.png, silence: 1s }
  - id: d
    image: a.png
    narration: One thing first. Then another thing.
    presenter: { anchor: bottom_left }
    overlays:
      - { role: bullet, text: First thing }
      - { role: bullet, text: Another, word: another }
      - { role: lower_third, text: Ada Lovelace, detail: Analyst, from: 1s, until: 2s }
      - { role: picture, file: a.png, height: 20%, anchor: top_left, from: 2s }
";
    let path = folder.join("lesson.yaml");
    fs::write(&path, yaml).unwrap();
    import(&path, &ImportOptions::default()).unwrap();
    format!("{{ lesson: {} }}", path.display())
}

fn ticks(layers: &[(i64, VideoFrame)]) -> Vec<i64> {
    layers.iter().map(|(tick, _)| *tick).collect()
}

#[test]
fn texts_of_slides_come_and_go_at_their_times_and_stand_still_between() {
    let folder = tempfile::tempdir().unwrap();
    let config = lesson(folder.path());
    let all = layers(HD, &config, vec![cue(0, 0, "a", 0, false), cue(30, 1, "b", 0, false), cue(60, 2, "c", 0, false)]);
    // A text comes in from tick 6 on and is gone at 18; a bullet comes in from 45 on, in 13.5 ticks.
    let expected: Vec<i64> = [0].into_iter().chain(7..=18).chain([30]).chain(46..=60).collect();
    assert_eq!(ticks(&all), expected);
    let at = |tick: i64| ink(&all.iter().rfind(|(at, _)| *at <= tick).unwrap().1);
    assert!(at(0).x > 1400 && at(0) == at(18), "the mark alone: {:?} {:?}", at(0), at(18));
    assert!(at(12).x < 80 && at(12).x + at(12).width as i32 > 1800, "text left, mark right: {:?}", at(12));
    assert!(at(30).x < 80 && at(30).width < 600 && at(30).y > 900, "{:?}", at(30));
    assert!(at(59).x + at(59).width as i32 > 1850 && at(59).y < 500, "a bullet at the right, above the presenter: {:?}", at(59));
    let (_, last) = all.last().unwrap();
    assert!(ink(last).is_empty() && last.place == Some(Point { x: -2, y: -2 }), "nothing, outside of the picture");
    assert!(layers(HD, &config, vec![cue(0, 2, "c", 0, false)]).is_empty(), "without overlays there is no layer");

    // A jump into the slide, and time that stands still.
    let jumped = layers(HD, &config, vec![cue(0, 0, "a", 7, false), cue(4, 0, "a", 11, true), cue(50, 0, "a", 11, false)]);
    assert_eq!(ticks(&jumped), (0..=4).chain(51..=57).collect::<Vec<_>>());
}

/// A word of the last slide, by where it stands in its narration.
fn word(tick: i64, text: &str) -> Packet<Cue> {
    let at = "One thing first. Then another thing.".find(text).unwrap();
    let range = Some(at..at + text.len());
    let word = engine::cue::WordCue { text: text.into(), range, stressed: false, emphasis: false, estimated: false };
    Packet::new(RATE.time_of(tick), Cue::Word(word.into()))
}

#[test]
fn bullets_come_with_their_words_each_with_a_plate_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let config = lesson(folder.path());
    let all = layers(HD, &config, vec![cue(0, 3, "d", 0, false), word(3, "One"), word(6, "first"), word(20, "another")]);
    let at = |tick: i64| ink(&all.iter().rfind(|(at, _)| *at <= tick).unwrap().1);
    assert_eq!(&ticks(&all)[..3], [4, 5, 6], "nothing before the first word");
    assert!(!ticks(&all).contains(&19) && !ticks(&all).contains(&20), "the first one stands: {:?}", ticks(&all));
    let (one, two) = (at(19), at(29));
    assert!(one.x >= 1440 && one.width > 380 && two.height > one.height + 50, "{one:?} {two:?}");
    // The name comes at a second, at the right: the presenter stands at the left. At two it is gone, and the picture comes.
    assert!(at(48).y + at(48).height as i32 > 800, "{:?}", at(48));
    assert!(at(61).y + (at(61).height as i32) < 800, "{:?}", at(61));
    let picture = at(80);
    assert!(picture.x == 50 && picture.y == 50, "{picture:?}");
    // The same slide from its middle on: what was said before has been heard.
    let again = layers(HD, &config, vec![cue(0, 3, "d", 0, false), word(3, "One"), cue(40, 3, "d", 25, true)]);
    assert_eq!(ink(&again.last().unwrap().1), one);
}

#[test]
fn a_line_tells_how_far_slide_and_lecture_are() {
    let folder = tempfile::tempdir().unwrap();
    let config = lesson(folder.path());
    let full = |layer: &VideoFrame| {
        // The line is at the bottom of the layer, which is higher where a slide has overlays.
        let pixels = frame_to_rgba(layer);
        pixels.as_chunks::<4>().0.iter().rev().take(layer.size().width as usize).filter(|pixel| pixel[0] > 200).count()
    };
    let with = |progress: &str| config.replace("{ lesson", &format!("{{ progress: {progress}, lesson"));
    let slide = layers(HD, &with("slide"), vec![cue(0, 2, "c", 0, false)]);
    assert_eq!((slide[0].1.place, slide[0].1.size()), (Some(Point { x: 0, y: 1074 }), Size::new(1920, 6)));
    assert_eq!((ticks(&slide).len(), full(&slide[0].1), full(&slide[15].1)), (31, 0, 960), "half of a second of silence");
    let lecture = layers(HD, &with("lecture"), vec![cue(0, 2, "c", 0, false), cue(30, 3, "d", 0, false), word(40, "first")]);
    assert_eq!((full(&lecture[0].1), full(&lecture[30].1)), (960, 1440), "two and three of four slides");
    let said = 15.0 / 36.0;
    assert!(full(&lecture.last().unwrap().1).abs_diff((480.0 * (3.0 + said)) as usize) <= 2);
}

#[test]
fn mistakes_are_named() {
    let refused = |config: &str| run_at(HD, config, vec![]).err().expect("refused").to_string();
    assert!(refused("{}").contains("nothing to show"));
    assert!(refused("{ watermark: \" \" }").contains("empty"));
    assert!(refused("{ watermark: x, mark: { opacity: 2 } }").contains("0 to 1"));
    assert!(refused("{ watermark: x, mark: { size: 4 } }").contains("8 to 1080"));
    assert!(refused("{ watermark: x, progress: slide }").contains("write lesson, too"));
    assert!(refused("{ watermark: x, place: { height: 0% } }").contains("place.height"));
    let value = engine::graph::parse::parse("{ watermark: nowhere/logo.png }", &Arc::from("test")).unwrap();
    let config = (OVERLAY.config.parse)(&value, "config").unwrap();
    assert!(config.check_env().unwrap_err().contains("no file nowhere/logo.png"));
}
